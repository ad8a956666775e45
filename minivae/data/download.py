"""Files of the IDX sets: fetched once into the user's cache, from the first mirror whose content has the right hash.

The hash is that of the unpacked content: mirrors compress the same images to different bytes.
"""

import gzip
import hashlib
import sys
import zlib
from pathlib import Path
from typing import NamedTuple


class IdxSet(NamedTuple):
    folder: str
    mirrors: tuple
    sha256: dict


IDX_SETS = {
    "mnist": IdxSet(
        "mnist",
        (
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
            "https://raw.githubusercontent.com/fgnt/mnist/master/",
        ),
        {
            "train-images-idx3-ubyte.gz": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "train-labels-idx1-ubyte.gz": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "t10k-images-idx3-ubyte.gz": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "t10k-labels-idx1-ubyte.gz": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        },
    ),
    "fashion": IdxSet(
        "fashion_mnist",
        (
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        ),
        {
            "train-images-idx3-ubyte.gz": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            "train-labels-idx1-ubyte.gz": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            "t10k-images-idx3-ubyte.gz": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            "t10k-labels-idx1-ubyte.gz": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        },
    ),
}


def fetch(name, file, cache=None):
    """Path of `file` in the cache (None: the user's), downloaded if it is not there or damaged.

    Raises ConnectionError when no mirror gave the right content.
    """
    import pooch

    folder, mirrors, sha256 = IDX_SETS[name]
    path = Path(cache or pooch.os_cache("minivae")) / folder / file
    if _holds(path, sha256[file]):
        return path
    pooch.get_logger().setLevel("ERROR")
    failures = []
    for mirror in mirrors:
        path.unlink(missing_ok=True)
        downloader = pooch.HTTPDownloader(progressbar=sys.stderr.isatty(), timeout=30)
        try:
            pooch.retrieve(mirror + file, known_hash=None, fname=file, path=path.parent, downloader=downloader)
        except (OSError, ValueError) as error:
            failures.append(f"{mirror}: {type(error).__name__}")
            continue
        if _holds(path, sha256[file]):
            return path
        failures.append(f"{mirror}: other content than expected")
    path.unlink(missing_ok=True)
    raise ConnectionError(
        f"data: no mirror gave {file} ({'; '.join(failures)}); with the file at D/{folder}/{file}, pass --data-dir D"
    )


def _holds(path, sha256):
    """Whether the gzip file at `path` unpacks to the content with this hash."""
    try:
        return hashlib.sha256(gzip.decompress(path.read_bytes())).hexdigest() == sha256
    except (OSError, EOFError, zlib.error):
        return False

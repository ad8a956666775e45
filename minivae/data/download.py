"""Files of the named sets: fetched once into the user's cache, from the first mirror whose content has the right hash.

The hash is that of the unpacked or converted content: mirrors pack the same images into different bytes.
"""

import gzip
import hashlib
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..files import write_atomic
from .convert import packed_bits, small_omniglot


class FileSet(NamedTuple):
    """`sha256` by file. Gzip and text files are kept as they are; of others, what `convert` makes, (N, *shape)."""

    folder: str
    mirrors: tuple
    sha256: dict
    convert: Callable | None = None
    shape: tuple | None = None


DOWNLOADS = {
    "mnist": FileSet(
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
    "fashion": FileSet(
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
    "static-mnist": FileSet(
        "binarized_mnist",
        (
            "https://raw.githubusercontent.com/mingzhang-yin/ARM-gradient/9b5f74da4e4009c5556e8d7a87c88c8e291c253d/",
            "http://www.cs.toronto.edu/~larocheh/public/datasets/binarized_mnist/",
        ),
        {
            "binarized_mnist_train.amat": "727146c35424b019f3e350e1e69faa05644a0abaf787e3f4e1a9632220a13906",
            "binarized_mnist_valid.amat": "a256ac44ae26be720fad8616a05ed6ecfd1619930d9a208379bb2a4405df5b6d",
            "binarized_mnist_test.amat": "9fcd8da6f0fdf09b2ba30fe63a0bb784042a0de82563172530229b983e294ff2",
        },
        packed_bits,
        (98,),
    ),
    "names": FileSet(
        "names",
        ("https://raw.githubusercontent.com/karpathy/makemore/988aa59e4d8fefa526d06f3b453ad116258398d4/",),
        {"names.txt": "0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d"},
    ),
    "shakespeare": FileSet(
        "tinyshakespeare",
        (
            "https://raw.githubusercontent.com/karpathy/char-rnn/6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e/data/"
            "tinyshakespeare/",
        ),
        {"input.txt": "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"},
    ),
    "smiles": FileSet(
        "smiles",
        (
            "https://raw.githubusercontent.com/wengong-jin/icml18-jtnn/d4c425a8a28fce7d0e8f5da741d27d3fce4a7ec0/data/zinc/",
        ),
        {
            "valid.txt": "ad7d9c2bfebd93ffda6c32ed0e89d1714ae1f592f6340c0e6ae057521bbae30d",
            "test.txt": "31f6ce92914814db33bf0dbfc45f3836193e27cb80a59c54d88bc05a1f5fab83",
        },
    ),
    "omniglot": FileSet(
        "omniglot",
        ("https://raw.githubusercontent.com/bitsandscraps/omniglot/b0481240b7eb42393285a93ce7d2f266ff10c62b/",),
        {
            "images_background.npz": "eb101fd03e328c2546cdaf2d2c9bf9e55488d842cd5f8db7c85a94aa2653f708",
            "images_evaluation.npz": "7c8968bdf646b58b08ca85aa5534a5df25d33d77208c539218eeb121088da3c0",
        },
        small_omniglot,
        (20, 28, 28),
    ),
}


def data_folder(data_dir=None):
    """The folder of files that are there already; None, where neither an argument nor MINIVAE_DATA says one."""
    return data_dir or os.environ.get("MINIVAE_DATA") or None


def fetch(name, file, cache=None):
    """Path of `file` in the cache (None: the user's), downloaded if it is not there or damaged.

    A file that is converted is kept as the .npy file of its array. ConnectionError when no mirror gave the right
    content.
    """
    import pooch

    folder, mirrors, sha256, convert, _ = DOWNLOADS[name]
    download = Path(cache or pooch.os_cache("minivae")) / folder / file
    path = download.with_suffix(".npy") if convert else download
    if _holds(path, sha256[file]):
        return path
    pooch.get_logger().setLevel("ERROR")
    failures = []
    for mirror in mirrors:
        path.unlink(missing_ok=True)
        download.unlink(missing_ok=True)
        downloader = pooch.HTTPDownloader(progressbar=sys.stderr.isatty(), timeout=30)
        try:
            pooch.retrieve(mirror + file, known_hash=None, fname=file, path=download.parent, downloader=downloader)
            if convert:
                content = io.BytesIO()
                np.save(content, convert(download))
                write_atomic(path, content.getvalue())
        except (OSError, ValueError) as error:
            failures.append(f"{mirror}: {type(error).__name__}")
            continue
        finally:
            if convert:
                download.unlink(missing_ok=True)
        if _holds(path, sha256[file]):
            return path
        failures.append(f"{mirror}: other content than expected")
    path.unlink(missing_ok=True)
    raise ConnectionError(
        f"data: no mirror gave {file} ({'; '.join(failures)}); with the file at D/{folder}/{file}, pass --data-dir D"
    )


def _holds(path, sha256):
    """Whether the .npy, gzip or text file at `path` has the content with this hash."""
    try:
        content = path.read_bytes()
        if path.suffix != ".txt":
            content = np.load(io.BytesIO(content)).tobytes() if path.suffix == ".npy" else gzip.decompress(content)
    except Exception:  # of a damaged file; NumPy's parser of headers raises almost anything
        return False
    return hashlib.sha256(content).hexdigest() == sha256

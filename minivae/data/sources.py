"""Where pixels come from: the built-in digits, IDX files, a user's own file or array."""

import gzip
import hashlib
import os
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .download import IDX_SETS, fetch


class Raw(NamedTuple):
    """Training arrays as they are in the source, and a function that reads the test split (None: there is none).

    `levels`: how many grey levels floats in [0, 1] have, where that is known.
    """

    name: str
    x: np.ndarray
    y: np.ndarray | None
    sha256: str
    test: Callable | None
    levels: int | None = None


SOURCES = ("digits", *IDX_SETS)


def read_source(source, data_dir=None):
    """Raw of a named set, a .npy or .npz file, or an array. `data_dir` None: the variable MINIVAE_DATA, if set."""
    data_dir = data_dir or os.environ.get("MINIVAE_DATA") or None
    if not isinstance(source, str | Path):
        array = np.asarray(source)
        return Raw("array", array, None, _sha256(array.tobytes()), None)
    if source == "digits":
        return digits()
    if source in IDX_SETS:
        return idx_set(source, data_dir)
    path = Path(source)
    if path.suffix.lower() in (".npy", ".npz"):
        return user_file(path)
    raise ValueError(f"data: expected {', '.join(SOURCES)}, or a .npy or .npz file, got {str(source)!r}")


def digits():
    """scikit-learn's 1,797 digits of 8x8 pixels in 0..16, divided by 16; the last 297 are the test split."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    x, y = (bunch.images / 16).astype("float32"), bunch.target
    return Raw("digits", x[:-297], y[:-297], _sha256(x.tobytes()), lambda: (x[-297:], y[-297:]), 17)


def idx_set(name, data_dir):
    """MNIST or Fashion-MNIST from `data_dir`, else from the user's cache, downloaded when it is not there."""

    def read(kind):
        """(images, labels, hash of the images) of "train" or "t10k"."""
        arrays = []
        for file in (f"{kind}-images-idx3-ubyte.gz", f"{kind}-labels-idx1-ubyte.gz"):
            if data_dir is None:
                path = fetch(name, file)
            else:
                path = Path(data_dir) / IDX_SETS[name].folder / file
                if not path.is_file():
                    raise ValueError(f"data_dir: {path} does not exist")
            content = unpack(path)
            arrays.append(parse_idx(content, path))
            if len(arrays) == 1:
                sha256 = _sha256(content)
        return *arrays, sha256

    x, y, sha256 = read("train")
    return Raw(name, x, y, sha256, lambda: read("t10k")[:2])


def unpack(path):
    """Content of a gzip file; ValueError when it is damaged."""
    try:
        return gzip.decompress(Path(path).read_bytes())
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f"data: {path} is damaged ({error})") from None


def parse_idx(content, path):
    """The array in an IDX file of unsigned bytes: two zeros, 0x08, number of axes, sizes (big-endian), values."""
    if len(content) < 4 or content[:3] != b"\0\0\x08" or len(content) < 4 + 4 * content[3]:
        raise ValueError(f"data: {path} is not an IDX file of bytes")
    start = 4 + 4 * content[3]
    shape = struct.unpack(f">{content[3]}I", content[4:start])
    if len(content) - start != np.prod(shape, dtype=object):
        raise ValueError(f"data: {path} is truncated: {len(content) - start} values where {shape} were announced")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def user_file(path):
    """A user's array(s): .npy, or .npz with x (or x_train), and y (or y_train), x_test, y_test where there are any."""
    train = read_arrays(path, ("x", "x_train", "y", "y_train"))
    for short, long in (("x", "x_train"), ("y", "y_train")):
        if short in train and long in train:
            raise ValueError(f"data: {path} has both {short} and {long}; expected one of them")
    x, y = train.get("x", train.get("x_train")), train.get("y", train.get("y_train"))
    if x is None:
        raise ValueError(f"data: {path} has no array x or x_train")

    def test():
        arrays = read_arrays(path, ("x_test", "y_test"))
        return arrays["x_test"], arrays.get("y_test")

    has_test = zipfile.is_zipfile(path) and "x_test.npy" in zipfile.ZipFile(path).namelist()
    return Raw(path.name, x, y, _sha256(path.read_bytes()), test if has_test else None)


def read_arrays(path, names=(), argument="data"):
    """{name: array} of those arrays that are in the file; a .npy file has one, x. ValueError if it cannot be read."""
    if not path.is_file():
        raise ValueError(f"{argument}: {path} does not exist")
    try:
        with open(path, "rb") as file:
            loaded = np.load(file, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                return {"x": loaded}
            return {name: loaded[name] for name in names if name in loaded}
    except MemoryError:
        raise
    except Exception as error:  # a damaged header makes the parser raise almost anything
        raise ValueError(
            f"{argument}: {path} is no readable .npy or .npz file of numbers ({type(error).__name__})"
        ) from None


def _sha256(content):
    return hashlib.sha256(content).hexdigest()

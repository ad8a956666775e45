"""Arrays in a user's files: .npy and .npz, whose headers are believed only as far as the file can keep its word."""

import math
import os
import warnings
import zipfile

import numpy as np

from ..files import check_file, memory
from . import rows

HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
DEFLATED = 1032  # times the compressed size: what deflate can make at most


def read_arrays(path, names=(), argument="data", map_large=False):
    """{name: array} of those arrays that are in the file; a .npy file has one, x. ValueError if it cannot be read.

    `map_large`: that of a large .npy file stays in the file, as a numpy.memmap.
    """
    check_file(path, argument)
    try:
        with open(path, "rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a header that Python 2 wrote
            if file.read(2) == b"PK":
                with zipfile.ZipFile(file) as archive:
                    return {
                        name: _member(archive, f"{name}.npy") for name in names if f"{name}.npy" in archive.namelist()
                    }
            return {"x": _array(file, os.fstat(file.fileno()).st_size, path if map_large else None)}
    except OSError as error:
        raise ValueError(f"{argument}: cannot read {path} ({error.strerror or error})") from None
    except MemoryError:
        raise
    except Exception as error:  # a damaged header makes the parser raise almost anything
        why = f"{error}" if isinstance(error, _Unbelievable) else type(error).__name__
        raise ValueError(f"{argument}: {path} is no readable .npy or .npz file of numbers ({why})") from None


def names_in(path):
    """Names of what is in an .npz file; of a .npy file, which has one array without a name, none."""
    with open(path, "rb") as file:
        if file.read(2) != b"PK":
            return []
        with zipfile.ZipFile(file) as archive:
            return archive.namelist()


class _Unbelievable(Exception):
    """A size that a file cannot hold, or a machine."""


def _member(archive, name):
    info = archive.getinfo(name)
    if info.compress_type == zipfile.ZIP_DEFLATED and info.file_size > DEFLATED * (info.compress_size + 64):
        raise _Unbelievable(f"{info.filename}: {info.file_size:,} bytes out of {info.compress_size:,}")
    with archive.open(info) as stream:
        return _array(stream, info.file_size)


def _array(stream, size, path=None):
    """The array of a .npy stream of so many bytes; _Unbelievable if it announces more than these, or than memory.

    `path`: of the file, in which an array stays that is large.
    """
    stream.seek(0)
    shape, _, dtype = HEADERS[np.lib.format.read_magic(stream)](stream)
    needed = math.prod(shape) * dtype.itemsize
    there = size - stream.tell()
    large = path is not None and 4 * math.prod(shape) > rows.LARGE and not dtype.hasobject
    if needed > min(there, math.inf if large else memory()) and not dtype.hasobject:
        has = f"the file has {there:,}" if needed > there else "more than this machine's memory"
        raise _Unbelievable(f"shape {shape} of {dtype} needs {needed:,} bytes, {has}")
    if large:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    stream.seek(0)
    return np.lib.format.read_array(stream, allow_pickle=False)

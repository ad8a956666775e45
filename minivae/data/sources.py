"""Where pixels come from: built-in digits, sprites and mixtures, downloaded sets, a user's file, folder or array."""

import gzip
import hashlib
import os
import struct
import sys
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..backend import generator, take
from ..files import check_file
from ..options import shown, table, text
from .arrays import names_in, read_arrays
from .download import DOWNLOADS, data_folder, fetch
from .frames import SUFFIXES
from .lines import SETS, SUFFIX
from .modes import draw_modes, read_modes
from .nonlinear import mixed_sources
from .nonlinear import read_options as read_mixture
from .pictures import read_splits
from .preprocess import as_numbers, check_labels
from .sprites import GRID
from .sprites import sprites as draw_sprites


class Raw(NamedTuple):
    """Training arrays as they are in the source, and a function that reads the test split (None: there is none).

    `levels`: how many grey levels floats in [0, 1] have, where that is known. `divisor`: what the values of a named set
    are divided by; None: the array is a user's. `validation`: x and y of a validation split of its own. `notes`: lines
    about what was found.
    """

    name: str
    x: np.ndarray
    y: np.ndarray | None
    sha256: str
    test: Callable | None
    levels: int | None = None
    divisor: int | None = None
    validation: tuple | None = None
    notes: tuple = ()


FILES = (".npy", ".npz")
LARGEST = 2**30  # bytes of an unpacked file
POSITIONS = (0, 4, 9, 13, 18, 22, 27, 31)
# arguments of `sprites` for the source of that name: 3 shapes x 6 scales x 20 orientations x 8 x 8 positions
SPRITES = {"side": 32, "orientation": range(0, 40, 2), "x": POSITIONS, "y": POSITIONS}


def read_source(source, data_dir=None, sprites=None, side=None, sources=None, modes=None):
    """Raw of a named set, a .npy or .npz file, a folder of pictures, or an array.

    `data_dir` None: the variable MINIVAE_DATA, if set. `sprites`: arguments that replace or join those in `SPRITES`.
    `side`: what pictures of a folder are resized to. `sources`, `modes`: arguments of `mixed_sources` and of
    `draw_modes`.
    """
    data_dir = data_folder(data_dir)
    is_array = not isinstance(source, str | Path)
    source = source if is_array else text("data", str(source))
    got = "an array" if is_array else repr(source)
    own = {"sprites": sprites, "sources": sources, "modes": modes}  # of the sets of these names
    for name, changes in own.items():
        if changes is not None and (is_array or source != name):
            raise ValueError(f"{name}: expected data {name}, got {got}")
    if side is not None and (is_array or source in SOURCES or os.path.isfile(source)):
        raise ValueError(f"side: expected data that are a folder of pictures, got {got}")
    if is_array:
        array = as_numbers(source, "data")
        return Raw("array", array, None, _sha256_of(array), None)
    source = text("data", str(source))
    if source in SOURCES:
        return SOURCES[source](data_dir, **({"changes": own[source]} if source in own else {}))
    if os.path.isdir(source):
        return user_folder(Path(source), side)
    if Path(source).suffix.lower() in FILES:
        return user_file(Path(source))
    if is_own(source):
        check_file(source, "data")
    raise ValueError(f"data: expected {', '.join((*SOURCES, *SETS))}, a .npy, .npz, .csv or .txt file, or a folder of "
                     f"pictures, got {shown(source)}")  # fmt: skip


def is_own(source):
    """Whether a name is that of a user's file or folder, also of one that is gone: runs record absolute paths."""
    if source in SOURCES or source in SETS:
        return False
    return str(source).lower().endswith((*FILES, *SUFFIXES, SUFFIX)) or os.path.isabs(source) or os.path.isdir(source)


def digits(data_dir=None):
    """scikit-learn's 1,797 digits of 8x8 pixels in 0..16, divided by 16; the last 297 are the test split."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    x = (bunch.images / 16).astype("float32")
    y = bunch.target
    return Raw("digits", x[:-297], y[:-297], _sha256(x.tobytes()), lambda: (x[-297:], y[-297:]), 17, 1)


def sprite_grid(changes=None):
    """Images and factors of the source sprites, in the grid's order; `changes` replace or join those in `SPRITES`."""
    changes = table(lambda name, value: value)("sprites", {} if changes is None else changes)
    known = ("side", *GRID)
    unknown = [name for name in changes if name not in known]
    if unknown:
        raise ValueError(f"sprites: expected {', '.join(known)}, got {unknown[0]!r}")
    try:
        return draw_sprites(**(SPRITES | changes))
    except ValueError as error:
        raise ValueError(f"sprites.{error}") from None


def sprite_set(data_dir=None, changes=None):
    """`sprites` in a fixed random order, labels the shapes; the last sixth is the test split."""
    images, factors = sprite_grid(changes)
    x, y = _shuffled(images, factors[:, 0])
    return _with_test("sprites", x, y)


def source_mixture(data_dir=None, changes=None):
    """`mixed_sources`, labels the segments; the last sixth is the test split."""
    x, y, _ = known_sources(changes)
    return _with_test("sources", x, y)


def mode_mixture(data_dir=None, changes=None):
    """`draw_modes`, labels the modes; the last sixth is the test split."""
    return _with_test("modes", *draw_modes(**read_modes("modes", {} if changes is None else changes)))


def _with_test(name, x, y):
    n = len(x) - len(x) // 6
    test = (lambda: (x[n:], y[n:])) if n < len(x) else None
    return Raw(name, x[:n], y[:n], _sha256(x.tobytes()), test, divisor=1)


def known_sources(changes=None):
    """(x, y, the sources that made each row) of the source of that name; `changes` are arguments of `mixed_sources`."""
    return mixed_sources(**read_mixture("sources", {} if changes is None else changes))


def static_mnist(data_dir):
    """MNIST as bits that were drawn once (Larochelle & Murray 2011): 50,000 images, then 10,000 for validation.

    Labels are where an .npz file has them; the test split, which is sorted by them, is shuffled.
    """

    def read(kind):
        names = (f"{kind}_packed", f"{kind}_labels")
        arrays = converted(
            "static-mnist", f"binarized_mnist_{kind}.amat", data_dir, "binarized_mnist_static.npz", names
        )
        x = np.unpackbits(arrays[names[0]], axis=1).reshape(-1, 28, 28)
        return x, check_labels(arrays.get(names[1]), names[1], len(x))

    x, y = read("train")
    x_last, y_last = read("valid")
    x = np.concatenate([x, x_last])
    y = None if y is None or y_last is None else np.concatenate([y, y_last])
    return Raw("static-mnist", x, y, _sha256(x.tobytes()), lambda: _shuffled(*read("test")), divisor=1)


def omniglot(data_dir):
    """Omniglot (Lake, Salakhutdinov & Tenenbaum 2015) in 28x28 grey pixels, 20 drawings of each character.

    964 characters to train on, 659 others to test on; labels are the characters, and files are sorted by them.
    """

    def read(kind, first):
        arrays = converted("omniglot", f"images_{kind}.npz", data_dir, "omniglot_28x28_box.npz", (kind,))
        x = arrays[kind]  # (characters, 20, 28, 28)
        y = np.repeat(first + np.arange(len(x)), x.shape[1])
        return _shuffled(x.reshape(-1, 28, 28), y)

    x, y = read("background", 0)
    return Raw("omniglot", x, y, _sha256(x.tobytes()), lambda: read("evaluation", y.max() + 1), divisor=255)


def converted(name, file, data_dir, npz, names):
    """{name: array} of a set that is converted: all that are in the file `npz`, the first alone from any other.

    From `data_dir`, `file` as it is published or `npz`; else from the user's cache, downloaded if it is not there.
    """
    if data_dir is None:
        return {names[0]: np.load(fetch(name, file))}
    published = Path(data_dir) / DOWNLOADS[name].folder / file
    if published.is_file():
        return {names[0]: DOWNLOADS[name].convert(published)}
    path = _existing(data_dir, name, npz)
    arrays = read_arrays(path, names)
    x = arrays.get(names[0])
    shape = DOWNLOADS[name].shape
    if x is None or x.dtype != "uint8" or x.shape[1:] != shape:
        got = "none" if x is None else f"dtype {x.dtype}, shape {x.shape}"
        raise ValueError(f"data: {path}: expected an array {names[0]} of bytes (N, {str(shape)[1:]}, got {got}")
    return arrays


def _existing(data_dir, name, file):
    path = Path(data_dir) / DOWNLOADS[name].folder / file
    if not path.is_file():
        raise ValueError(f"data_dir: {path} does not exist")
    return path


def _shuffled(x, y):
    """Both in the same random order, always the same one; `y` may be None."""
    order = generator(0, "split").permutation(len(x))
    return x[order], take(y, order)


def idx_set(name, data_dir):
    """MNIST or Fashion-MNIST from `data_dir`, else from the user's cache, downloaded when it is not there."""

    def read(kind):
        """(images, labels, hash of the images) of "train" or "t10k"."""
        arrays = []
        for file in (f"{kind}-images-idx3-ubyte.gz", f"{kind}-labels-idx1-ubyte.gz"):
            path = fetch(name, file) if data_dir is None else _existing(data_dir, name, file)
            content = unpack(path)
            arrays.append(parse_idx(content, path))
            if len(arrays) == 1:
                sha256 = _sha256(content)
        return *arrays, sha256

    x, y, sha256 = read("train")
    return Raw(name, x, y, sha256, lambda: read("t10k")[:2], divisor=255)


def unpack(path):
    """Content of a gzip file; ValueError when it is damaged."""
    check_file(path, "data")
    try:
        with gzip.open(path) as file:
            content = file.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"data: {path} is damaged ({error})") from None
    if len(content) > LARGEST:
        raise ValueError(f"data: {path} holds more than {LARGEST:,} bytes, which no set of this kind has")
    return content


def parse_idx(content, path):
    """The array in an IDX file of unsigned bytes: two zeros, 0x08, number of axes, sizes (big-endian), values."""
    if len(content) < 4 or content[:3] != b"\0\0\x08" or len(content) < 4 + 4 * content[3]:
        raise ValueError(f"data: {path} is not an IDX file of bytes")
    start = 4 + 4 * content[3]
    shape = struct.unpack(f">{content[3]}I", content[4:start])
    if len(content) - start != np.prod(shape, dtype=object):
        raise ValueError(f"data: {path} is truncated: {len(content) - start} values where {shape} were announced")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


NAMES = {  # the arrays of an .npz file: their names
    "x": ("x", "x_train"),
    "y": ("y", "y_train"),
    "x_val": ("x_val", "x_validation"),
    "y_val": ("y_val", "y_validation"),
    "x_test": ("x_test",),
    "y_test": ("y_test",),
}


def user_file(path):
    """A user's array(s): .npy, or .npz with x (or x_train), and others of `NAMES` where there are any."""
    known = [name for names in NAMES.values() for name in names]
    arrays = read_arrays(path, [name for name in known if not name.endswith("_test")], map_large=True)
    names = [name.removesuffix(".npy") for name in names_in(path)]
    found = {}
    for key, choices in NAMES.items():
        there = [name for name in choices if name in arrays]
        if len(there) > 1:
            raise ValueError(f"data: {path} has both {' and '.join(there)}; expected one of them")
        if there:
            found[key] = arrays[there[0]]
    others = [name for name in names if name not in known]
    if "x" not in found:
        raise ValueError(f"data: {path} has no array x or x_train; expected {', '.join(known)}, found "
                         f"{', '.join(map(shown, names)) or 'none'}")  # fmt: skip
    if "y_val" in found and "x_val" not in found:
        raise ValueError(f"data: {path} has labels of a validation split without its examples x_val")
    used = ", ".join(name for name in names if name in known)
    notes = (f"data: of {path.name} {used} are used, not {', '.join(map(shown, others))}",) if others else ()

    def test():
        arrays = read_arrays(path, NAMES["x_test"] + NAMES["y_test"])
        if "x_test" not in arrays:
            raise ValueError(f"data: {path} has no array x_test any more")
        return arrays["x_test"], arrays.get("y_test")

    validation = (found["x_val"], found.get("y_val")) if "x_val" in found else None
    return Raw(path.name, found["x"], found.get("y"), _sha256_of_file(path), test if "x_test" in names else None,
               validation=validation, notes=notes)  # fmt: skip


def user_folder(path, side):
    """A user's pictures, by their folders."""
    train, validation, test, sha256, notes = read_splits(path, side)
    validation = None if validation is None else (validation.x, validation.y)
    return Raw(path.name, train.x, train.y, sha256, test, validation=validation, notes=tuple(notes))


SOURCES = {
    "digits": digits,
    "sprites": sprite_set,
    "sources": source_mixture,
    "modes": mode_mixture,
    "mnist": partial(idx_set, "mnist"),
    "fashion": partial(idx_set, "fashion"),
    "static-mnist": static_mnist,
    "omniglot": omniglot,
}


def _sha256(content):
    return hashlib.sha256(content).hexdigest()


def _sha256_of(array):
    """Of an array's bytes and, where values are masked, which."""
    if np.ma.is_masked(array):
        return _sha256(np.ma.filled(array, 0).tobytes() + np.ma.getmaskarray(array).tobytes())
    return _sha256(array.tobytes())


def _sha256_of_file(path):
    """Of a file's bytes, read in parts, with a bar where they are many."""
    from tqdm import tqdm

    digest = hashlib.sha256()
    size = path.stat().st_size
    with (
        open(path, "rb") as file,
        tqdm(total=size, desc="hash", unit="B", unit_scale=True, leave=False,
             disable=size < LARGEST // 16 or not sys.stderr.isatty()) as bar,
    ):  # fmt: skip
        while part := file.read(2**20):
            digest.update(part)
            bar.update(len(part))
    return digest.hexdigest()

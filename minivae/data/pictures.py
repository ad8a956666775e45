"""A folder of pictures as data: PNG, JPEG and other files that Pillow reads; subfolders are classes, or splits."""

import hashlib
import os
import re
import sys
import warnings
from collections import Counter
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..files import memory

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".pbm", ".pnm")
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
VALIDATION = ("validation", "valid", "val")
MANY = 200  # pictures, whose reading a bar shows
DEEP = ("I", "F")  # how the names of Pillow's modes begin that have one number, of more than 8 bits, per pixel
SAID = {  # of how many pictures, in the notes
    "resized": "were resized to {side}x{side} pixels",
    "not square": "were not square before, so that their proportions changed",
    "1 bit": "have 1 bit, which became 0 and 255",
    "alpha": "have transparent parts, which now lie on white",
    "turned": "were turned as their EXIF orientation says",
    "frames": "have several frames, of which the first is taken",
    "16 bits": "are in color with 16 bits per channel, of which 8 are read",
    "color space": "have another color space and became RGB",
    "grey": "are grey and became RGB, as others are",
}


class Pictures(NamedTuple):
    """x (N, h, w) grey or (N, h, w, 3) RGB; y (N,) int64 and the names of the classes, or None; of each its file.

    `notes` are lines for people: what there is and what was done with it.
    """

    x: np.ndarray
    y: np.ndarray | None
    classes: list | None
    names: list
    notes: list


def read_pictures(path, side=None, channels=None, classes=None):
    """The pictures in a folder, or in its subfolders, which are classes, in the order of their names.

    Parameters
    ----------
    path : path
    side : int, optional
        Pictures are resized to side x side pixels. None: they must have one size.
    channels : {1, 3}, optional
        Those of training: 1 refuses color, 3 makes grey pictures RGB. None: RGB where one picture is.
    classes : list of str, optional
        Those of training, which the subfolders must be among.

    Raises
    ------
    ValueError
        One line, for a folder without pictures, or with pictures and classes; it names a file that cannot be read or
        has another size or depth than the first.
    """
    path = Path(path)
    names, labels, found, left_out = _members(path, classes)
    seen = Counter()
    arrays = _read_all(path, names, side, seen)
    colored = [i for i, a in enumerate(arrays) if a.ndim == 3]
    if colored and channels == 1:
        raise ValueError(f"data: {path / names[colored[0]]} has colors, the pictures of training are grey")
    shape = arrays[0].shape[:2] + (3,) * (bool(colored) or channels == 3)
    if len(shape) == 3:
        seen["grey"] = len(arrays) - len(colored)
    x = np.empty((len(arrays), *shape), arrays[0].dtype)
    for i, a in enumerate(arrays):
        x[i] = a if a.ndim == len(shape) else a[:, :, None]
        arrays[i] = None  # its memory is free again
    y = None if labels is None else np.array(labels, "int64")
    kind = "RGB" if len(shape) == 3 else "grey"
    notes = [f"{len(x)} pictures of {shape[1]}x{shape[0]} pixels, {kind}, {x.dtype}"]
    if y is not None:
        counts = [f"{_plain(name)} ({(y == i).sum()})" for i, name in enumerate(found[:20])]
        notes.append(f"{len(found)} classes, the folders: {', '.join(counts)}{', ...' * (len(found) > 20)}")
    notes += [f"{seen[key]} of {len(x)} pictures {text.format(side=side)}" for key, text in SAID.items() if seen[key]]
    return Pictures(x, y, found, names, notes + left_out)


def read_splits(path, side=None):
    """(Pictures to train on, those for validation or None, function that reads the test split or None, hash, notes).

    Splits are the subfolders train, validation (or valid, or val) and test, where there are no others but these.
    """
    path = Path(path)
    pictures, folders, _ = _listed(path)
    splits = {name.lower(): name for name in folders if name.lower() in ("train", "test", *VALIDATION)}
    if pictures or "train" not in splits or len(splits) < len(folders):
        train = read_pictures(path, side)
        return train, None, None, _sha256(train), train.notes
    train = read_pictures(path / splits["train"], side)
    like = partial(read_pictures, side=side, channels=3 if train.x.ndim == 4 else 1, classes=train.classes)
    held_out = [splits[name] for name in VALIDATION if name in splits]
    if len(held_out) > 1:
        raise ValueError(f"data: {path} has the folders {' and '.join(held_out)}; expected one of them")
    parts = [train, *(like(path / name) for name in held_out)]
    for other, name in zip(parts[1:], held_out, strict=True):
        _check_like(train, other, path / name)
    notes = [f"{name}: {note}" for name, part in zip(("train", *held_out), parts, strict=True) for note in part.notes]
    test = (lambda: like(path / splits["test"])[:2]) if "test" in splits else None
    return train, parts[1] if held_out else None, test, _sha256(*parts), notes


def _check_like(train, other, path):
    """ValueError unless pictures have the size, the depth and the kind of labels of those to train on."""
    expected, got = (
        f"{'no ' * (p.classes is None)}classes, pictures of {p.x.shape[2]}x{p.x.shape[1]} pixels, {p.x.dtype}"
        for p in (train, other)
    )
    if got != expected:
        raise ValueError(f"data: {path}: expected {expected}, as in train, got {got}")


def _members(path, classes=None):
    """(names of the pictures, their labels or None, names of the classes or None, notes of what is left out)."""
    pictures, folders, others = _listed(path)
    inside = {name: _listed(path / name) for name in folders}
    full = [name for name in folders if inside[name][0]]
    for name in folders:
        deeper = next((sub for sub in inside[name][1] if _listed(path / name / sub)[0]), None)
        if deeper is not None:
            raise ValueError(f"data: {path / name / deeper} has pictures; expected them in {path}, or in a folder for "
                             "each class")  # fmt: skip
    if pictures and full:
        raise ValueError(f"data: {path} has pictures ({pictures[0]}) and folders of pictures ({full[0]}); expected one "
                         "of both")  # fmt: skip
    if not pictures and not full:
        raise ValueError(f"data: {path} has no pictures, files ending in {', '.join(SUFFIXES)}")
    others += sum(inside[name][2] for name in folders)
    notes = [f"{others} other files were left out"] * (others > 0)
    if pictures:
        return pictures, None, None, notes
    empty = [_plain(name) for name in folders if name not in full]
    notes += [f"folders without pictures were left out: {', '.join(empty)}"] * bool(empty)
    known = full if classes is None else classes
    unknown = [name for name in full if name not in known]
    if unknown:
        raise ValueError(f"data: {path / unknown[0]} is none of the {len(known)} classes of training")
    names = [f"{name}/{file}" for name in full for file in inside[name][0]]
    return names, [known.index(name) for name in full for _ in inside[name][0]], known, notes


def _listed(folder):
    """(names of pictures, names of folders, number of other files) in a folder, without hidden ones, in order."""
    try:
        with os.scandir(folder) as entries:
            entries = sorted((e for e in entries if not e.name.startswith(".")), key=lambda e: e.name)
            folders = [e.name for e in entries if e.is_dir()]
            pictures = [e.name for e in entries if Path(e.name).suffix.lower() in SUFFIXES and e.is_file()]
    except OSError as error:
        raise ValueError(f"data: cannot read {folder} ({error.strerror})") from None
    return pictures, folders, len(entries) - len(folders) - len(pictures)


def _read_all(path, names, side, seen):
    """The pictures as arrays (h, w) or (h, w, 3) of one size and one dtype; `seen` counts what was done with them."""
    from tqdm import tqdm

    arrays = []
    shown = len(names) >= MANY and sys.stderr.isatty()
    for name in tqdm(names, desc="pictures", leave=False, disable=not shown):
        a = _read(path / name, seen)
        h, w = a.shape[:2] if side is None else (side, side)
        needed = len(names) * h * w * a[0, 0].nbytes
        if needed > memory():
            raise ValueError(f"data: {len(names):,} pictures of {w}x{h} pixels need {needed:,} bytes; expected fewer, "
                             "or a smaller --side")  # fmt: skip
        if a.shape[:2] != (h, w):
            seen["resized"] += 1
            seen["not square"] += a.shape[0] != a.shape[1]
            a = _resized(a, side)
        first = arrays[0] if arrays else a
        if a.shape[:2] != first.shape[:2]:
            sizes = ["{1}x{0}".format(*part.shape) for part in (first, a)]
            raise ValueError(f"data: {path / names[0]} has {sizes[0]} pixels, {name} {sizes[1]}; expected pictures of "
                             "one size, or --side N")  # fmt: skip
        if a.dtype != first.dtype:
            raise ValueError(f"data: {path / names[0]} has {first.dtype} pixels, {name} {a.dtype}; expected pictures "
                             "of one depth")  # fmt: skip
        arrays.append(a)
    return arrays


def _read(path, seen):
    """A picture as an array, (h, w) of any depth or (h, w, 3) of bytes."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of metadata
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as image:
                return _pixels(image, seen)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        why = f"it announces more than {Image.MAX_IMAGE_PIXELS:,} pixels"
    except MemoryError:
        raise
    except Exception as error:  # a damaged file makes a decoder raise almost anything
        why = "no picture" if isinstance(error, Image.UnidentifiedImageError) else str(error) or type(error).__name__
    raise ValueError(f"data: cannot read {path} as a picture ({why})")


def _pixels(image, seen):
    """The pixels of an open picture as people see them: turned, on white, in grey or RGB."""
    from PIL import Image, ImageOps

    seen["frames"] += getattr(image, "n_frames", 1) > 1
    deep = re.search(r";16[BLN]", str(image.tile[0].args)) if image.tile else None  # else Pillow does not say
    image.load()
    seen["turned"] += image.getexif().get(0x0112, 1) != 1
    mode, kind = image.mode, image.format
    image = ImageOps.exif_transpose(image)
    if mode.startswith(DEEP):
        a = np.asarray(image)
        return a.astype("uint16" if mode != "F" and (";" in mode or kind in ("PNG", "PPM")) else a.dtype)
    seen["16 bits"] += deep is not None
    seen["1 bit"] += mode == "1"
    seen["color space"] += mode in ("CMYK", "YCbCr", "LAB", "HSV")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        seen["alpha"] += image.getextrema()[3][0] < 255
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    if mode in ("1", "L", "LA", "La"):
        return np.array(image.convert("L"))
    a = np.array(image.convert("RGB"))
    if mode in ("P", "PA") and (a == a[:, :, :1]).all():  # a palette of greys
        return a[:, :, 0]
    return a


def _resized(a, side):
    """A picture as side x side pixels, means of neighbors that are weighted linearly."""
    from PIL import Image

    plain = a if a.dtype == "uint8" else a.astype("float32")
    image = Image.fromarray(plain).resize((side, side), Image.Resampling.BILINEAR)
    y = np.array(image)
    return y if a.dtype.kind == "f" else np.rint(y).astype(a.dtype)


def _plain(name):
    """A name of a file as it may be printed."""
    return name if name.isprintable() else ascii(name)


def _sha256(*parts):
    """Of names and pixels."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(f"{part.x.shape} {part.x.dtype}".encode())
        for name in part.names:
            digest.update(name.encode("utf-8", "surrogateescape") + b"\0")
        digest.update(part.x)
    return digest.hexdigest()

"""Step 1 of 7, preprocess: arrays in, splits and mini-batches out.

`load_data` applies the whole protocol: where the pixels come from, which images are the validation and test splits,
and how grey pixels become bits. What it decided is in `Dataset.protocol`, which every run records.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..backend import generator, place
from .preprocess import (
    BINARIZE,
    as_examples,
    check_labels,
    check_unit_interval,
    entropy_floor,
    is_binary,
    pixel_scale,
    to_bits,
)
from .sources import read_source
from .sprites import sprites as sprites

BITS_SEED = 0  # validation and test bits are the same in every run, whatever its seed
_BITS_EPOCH = {"train": 0, "validation": 1, "test": 2}


class Split(NamedTuple):
    """x (N, D) float32, y (N,) labels or None."""

    x: np.ndarray
    y: np.ndarray | None


@dataclass
class Dataset:
    """What `load_data` returns.

    Attributes
    ----------
    train, validation : Split
        `validation` is None if it is empty. Under binarize "each" the training pixels are grey; see `present`.
    test : callable
        Reads the test split and returns it; ValueError if there is none.
    protocol : dict
        What decided the numbers, for the record: name, sha256, shape, sizes, binarize, bits_seed.
    """

    train: Split
    validation: Split | None
    test: Callable
    protocol: dict

    @property
    def shape(self):
        """(h, w, c) of an image, or (D,) of a row."""
        return tuple(self.protocol["shape"])

    def present(self, x, rng):
        """Training rows as one presentation sees them: under "each", grey pixels become new bits every time."""
        if self.protocol["binarize"] != "each":
            return x
        return to_bits(x, place(rng.random(x.shape, dtype="float32"), like=x))

    @property
    def pictured(self):
        """The split that pictures show: validation, else training images as bits, where bits are what is learned."""
        if self.validation is not None:
            return self.validation
        return Split(self.present(self.train.x, generator(BITS_SEED, "bits", _BITS_EPOCH["train"])), self.train.y)


def load_data(source="digits", data_dir=None, likelihood="bernoulli", binarize=None, validation=None, sprites=None):
    """A data set with its splits.

    Parameters
    ----------
    source : str, path or array
        "digits", "sprites", "mnist", "fashion", "static-mnist", "omniglot"; a .npy or .npz file (keys x or x_train,
        and y, x_test, y_test where there are any); or an array. Rows (N, D) or images (N, h, w) or (N, h, w, c).
        Integer pixels are divided by 255 (arrays of only 0 and 1 are bits), floats are taken as they are.
    data_dir : path, optional
        Folder with mnist/train-images-idx3-ubyte.gz and so on; then nothing is downloaded.
    likelihood : str
        Under "bernoulli" pixels must lie in [0, 1].
    binarize : {"each", "once", "threshold", "none"}, optional
        None: "each" (anew at every presentation) for grey pixels under a Bernoulli likelihood, else "none".
        Validation and test bits are drawn once, from `BITS_SEED`.
    validation : int, optional
        How many of the last training examples are the validation split. None: the last sixth. 0: no split.
    sprites : dict, optional
        For the source "sprites": arguments of the function `sprites`, such as {"side": 64, "shape": [0]}.

    Raises
    ------
    ValueError, OSError
        One line that names what is wrong with the file, the array or an option.
    """
    if binarize is not None and binarize not in BINARIZE:
        raise ValueError(f"binarize: expected one of {', '.join(BINARIZE)}, got {binarize!r}")
    raw = read_source(source, data_dir, sprites)
    scale = pixel_scale(raw.x)
    x, shape = as_examples(raw.x, "x", scale)
    y = check_labels(raw.y, "y", len(x))
    how = binarize or ("none" if likelihood != "bernoulli" or is_binary(x) else "each")
    bits_needed = likelihood == "bernoulli" or how != "none"
    if bits_needed:
        check_unit_interval(x, "x")
    n_validation = len(x) // 6 if validation is None else validation
    if not 0 <= n_validation < len(x):
        raise ValueError(f"validation: expected 0 to {len(x) - 1} of the {len(x)} training examples, got {validation}")
    n = len(x) - n_validation

    def fixed(x, split):
        """The bits of a split that are drawn once."""
        if how in ("each", "once"):
            return to_bits(x, generator(BITS_SEED, "bits", _BITS_EPOCH[split]).random(x.shape, dtype="float32"))
        return to_bits(x, np.float32(0.5)) if how == "threshold" else x

    def test():
        if raw.test is None:
            raise ValueError(f"split: {raw.name} has no test split (an .npz file with the key x_test would)")
        x_test, y_test = raw.test()
        x_test, test_shape = as_examples(x_test, "x_test", scale)
        if test_shape != shape:
            raise ValueError(f"x_test: expected examples of shape {shape}, as in training, got {test_shape}")
        if bits_needed:
            check_unit_interval(x_test, "x_test")
        return Split(fixed(x_test, "test"), check_labels(y_test, "y_test", len(x_test)))

    protocol = {
        "name": raw.name,
        "sha256": raw.sha256,
        "shape": list(shape),
        "n_train": n,
        "n_validation": n_validation,
        "binarize": how,
        "bits_seed": BITS_SEED,
    }
    if likelihood == "bernoulli" and how == "none" and not is_binary(x):
        protocol["entropy_floor"] = entropy_floor(x[:n])
    y_train, y_validation = (None, None) if y is None else (y[:n], y[n:])
    train = Split(x[:n] if how == "each" else fixed(x[:n], "train"), y_train)
    held_out = Split(fixed(x[n:], "validation"), y_validation) if n_validation else None
    return Dataset(train, held_out, test, protocol)


def batches(n, size, rng=None):
    """Index arrays that cover range(n) in parts of `size`, the last possibly smaller; shuffled if `rng` is given."""
    order = np.arange(n) if rng is None else rng.permutation(n)
    return [order[start : start + size] for start in range(0, n, size)]

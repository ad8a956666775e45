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
    dequantize,
    entropy_floor,
    is_binary,
    labels_of,
    pixel_scale,
    shift,
    to_bits,
)
from .sources import read_source
from .sprites import sprites as sprites

BITS_SEED = 0  # validation and test bits are the same in every run, whatever its seed
_BITS_EPOCH = {"train": 0, "validation": 1, "test": 2}
PIXELS = ("bernoulli", "categorical")  # likelihoods of values in [0, 1]


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
        `validation` is None if it is empty. What is drawn anew at every presentation (bits, the noise of
        dequantization, shifts) is not yet in the training pixels; see `present`.
    test : callable
        Reads the test split and returns it; ValueError if there is none.
    protocol : dict
        What decided the numbers, for the record: name, sha256, shape, sizes, divisor, binarize, bits_seed, and
        levels, mean and std where the data were dequantized or standardized.
    augment : int
        Largest shift of a training image, in pixels.
    """

    train: Split
    validation: Split | None
    test: Callable
    protocol: dict
    augment: int = 0

    @property
    def shape(self):
        """(h, w, c) of an image, or (D,) of a row."""
        return tuple(self.protocol["shape"])

    def present(self, x, rng):
        """Training rows as one presentation sees them: shifted, and with new bits or noise each time."""
        if self.augment:
            offsets = rng.integers(2 * self.augment + 1, size=(len(x), 2)) - self.augment
            x = shift(x, self.shape, place(offsets, like=x))
        return self.settle(x, rng)

    def settle(self, x, rng):
        """Training rows with their bits or noise drawn, but not shifted."""
        if not _is_random(self.protocol):
            return x
        return _settled(x, place(rng.random(x.shape, dtype="float32"), like=x), self.protocol)

    @property
    def pictured(self):
        """The split that pictures show: validation, else training images as bits, where bits are what is learned."""
        if self.validation is not None:
            return self.validation
        return Split(self.settle(self.train.x, generator(BITS_SEED, "bits", _BITS_EPOCH["train"])), self.train.y)


def load_data(
    source="digits",
    data_dir=None,
    likelihood="bernoulli",
    binarize=None,
    validation=None,
    augment=0,
    dequantize=False,
    standardize=False,
    sprites=None,
):
    """A data set with its splits.

    Parameters
    ----------
    source : str, path or array
        "digits", "sprites", "mnist", "fashion", "static-mnist", "omniglot"; a .npy or .npz file (keys x or x_train,
        and y, x_test, y_test where there are any); or an array. Rows (N, D) or images (N, h, w) or (N, h, w, c).
        Integers from 0 to 255 are pixels and are divided by 255, unless they are bits, all 0 or 1; anything else is
        taken as it is.
    data_dir : path, optional
        Folder with mnist/train-images-idx3-ubyte.gz and so on; then nothing is downloaded.
    likelihood : str
        Under "bernoulli" and "categorical" values must lie in [0, 1].
    binarize : {"each", "once", "threshold", "none"}, optional
        None: "each" (anew at every presentation) for grey pixels under a Bernoulli likelihood, else "none".
        Validation and test bits are drawn once, from `BITS_SEED`.
    validation : int, optional
        How many of the last training examples are the validation split. None: the last sixth. 0: no split.
    augment : int
        Training images are shifted by up to so many pixels each way, anew at every presentation.
    dequantize : bool
        Spread each grey level of integer pixels over its interval, anew at every presentation, for densities.
    standardize : bool
        Subtract each column's mean and divide by its standard deviation, both of the training split.
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
    divisor = 1 if standardize else pixel_scale(raw.x)  # units do not matter to what is standardized
    x, shape = as_examples(raw.x, "x", divisor)
    y = check_labels(raw.y, "y", len(x))
    how = binarize or ("none" if likelihood != "bernoulli" or is_binary(x) else "each")
    n_validation = len(x) // 6 if validation is None else validation
    if not 0 <= n_validation < len(x):
        raise ValueError(f"validation: expected 0 to {len(x) - 1} of the {len(x)} training examples, got {validation}")
    n = len(x) - n_validation
    if augment and len(shape) == 1:
        raise ValueError(f"augment: shifts need images, got rows of {shape[0]} values")
    protocol = {
        "name": raw.name,
        "sha256": raw.sha256,
        "shape": list(shape),
        "n_train": n,
        "n_validation": n_validation,
        "divisor": divisor,
        "binarize": how,
        "bits_seed": BITS_SEED,
    }
    for name, wanted in (("dequantize", dequantize), ("standardize", standardize)):
        if wanted and (likelihood in PIXELS or how != "none" or (dequantize and standardize)):
            raise ValueError(f"{name}: expected a Gaussian likelihood, no bits, and not both of dequantize and "
                             f"standardize, got likelihood {likelihood}, binarize {how}")  # fmt: skip
    if (labels := labels_of(y)) is not None:
        protocol["labels"] = labels
    if dequantize:
        protocol["levels"] = raw.levels or divisor + 1
        if protocol["levels"] == 2:
            raise ValueError(f"dequantize: expected integer pixels from 0 to 255, not bits only, got {raw.x.dtype}")
    if standardize:
        std = x[:n].std(axis=0, dtype="float64").astype("float32")
        protocol["mean"] = x[:n].mean(axis=0, dtype="float64").astype("float32").tolist()
        protocol["std"] = np.where(std > 0, std, np.float32(1)).tolist()

    def test():
        if raw.test is None:
            raise ValueError(f"split: {raw.name} has no test split (an .npz file with the key x_test would)")
        x_test, y_test = raw.test()
        x_test = prepare(x_test, "x_test", protocol, likelihood)
        return Split(x_test, check_labels(y_test, "y_test", len(x_test)))

    x = _in_range(x, "x", protocol, likelihood)
    if likelihood == "bernoulli" and how == "none" and not is_binary(x):
        protocol["entropy_floor"] = entropy_floor(x[:n])
    y_train, y_validation = (None, None) if y is None else (y[:n], y[n:])
    train = Split(x[:n] if _is_random(protocol) else _fixed(x[:n], protocol, "train"), y_train)
    held_out = Split(_fixed(x[n:], protocol, "validation"), y_validation) if n_validation else None
    return Dataset(train, held_out, test, protocol, augment)


def prepare(x, name, protocol, likelihood):
    """Raw examples, as a user has them, as a model trained under `protocol` sees them: rows (N, D) float32.

    Bits and the noise of dequantization are those of the test split. Raises ValueError where x does not fit.
    """
    rows, shape = as_examples(x, name, protocol["divisor"] if np.asarray(x).dtype.kind in "iu" else 1)
    if list(shape) != protocol["shape"]:
        raise ValueError(f"{name}: expected examples of shape {tuple(protocol['shape'])}, as in training, got {shape}")
    return _fixed(_in_range(rows, name, protocol, likelihood), protocol, "test")


def original(x_hat, protocol):
    """The way back, for decoded values: (N, D) -> (N, *shape); standardized columns get their units back."""
    if "levels" in protocol:
        x_hat = (x_hat * protocol["levels"] - 0.5) / (protocol["levels"] - 1)
    if "mean" in protocol:
        x_hat = x_hat * np.float32(protocol["std"]) + np.float32(protocol["mean"])
    return x_hat.reshape(-1, *protocol["shape"])


def _in_range(x, name, protocol, likelihood):
    """x, checked to be pixels where they must be, and standardized where that was asked for."""
    if likelihood in PIXELS or protocol["binarize"] != "none" or "levels" in protocol:
        check_unit_interval(x, name)
    elif protocol["divisor"] > 1 and np.abs(x).max() > 2:  # a mean of Gaussian pixels may leave [0, 1], but not so far
        raise ValueError(f"{name}: expected pixels divided by {protocol['divisor']}, as in training, got {x.min():.6g} "
                         f"to {x.max():.6g}")  # fmt: skip
    if "mean" in protocol:
        with np.errstate(over="ignore"):
            x = (x - np.float32(protocol["mean"])) / np.float32(protocol["std"])
        if not np.isfinite(x).all():
            raise ValueError(f"{name}: expected values that stay finite when they are standardized")
    return x


def _is_random(protocol):
    """Whether training rows are drawn anew at every presentation."""
    return protocol["binarize"] == "each" or "levels" in protocol


def _settled(x, u, protocol):
    """Bits, or values within their grey levels, given uniform noise u."""
    return dequantize(x, u, protocol["levels"]) if "levels" in protocol else to_bits(x, u)


def _fixed(x, protocol, split):
    """What is drawn once for a whole split, from `BITS_SEED`."""
    if protocol["binarize"] == "threshold":
        return to_bits(x, np.float32(0.5))
    if protocol["binarize"] == "once" or _is_random(protocol):
        return _settled(x, generator(BITS_SEED, "bits", _BITS_EPOCH[split]).random(x.shape, "float32"), protocol)
    return x


def batches(n, size, rng=None):
    """Index arrays that cover range(n) in parts of `size`, the last possibly smaller; shuffled if `rng` is given."""
    order = np.arange(n) if rng is None else rng.permutation(n)
    return [order[start : start + size] for start in range(0, n, size)]

"""Step 1 of 7, preprocess: arrays in, splits and mini-batches out.

`load_data` applies the whole protocol: where the pixels come from, which images are the validation and test splits,
and how grey pixels become bits. What it decided is in `Dataset.protocol`, which every run records.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from ..backend import place
from ..likelihoods import LIKELIHOODS
from ..options import one_of, read_arguments
from .options import OPTIONS
from .preprocess import as_examples, check_labels, entropy_floor, is_binary, labels_of, pixel_scale, shift
from .protocol import BITS_SEED, PIXELS, Protocol
from .sources import read_source
from .sprites import sprites as sprites


class Split(NamedTuple):
    """x (N, D) float32; y, labels: classes (N,) int64, rows of numbers (N, count) float32, or None."""

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
        Reads the test split and returns it; ValueError if it does not fit the others, or there is none.
    protocol : Protocol
        What decided the numbers, for the record.
    augment : int
        Largest shift of a training image, in pixels.
    has_test : bool
        Whether there is a test split.
    """

    train: Split
    validation: Split | None
    test: Callable
    protocol: Protocol
    augment: int = 0
    has_test: bool = True

    @property
    def shape(self):
        """(h, w, c) of an image, or (D,) of a row."""
        return self.protocol.shape

    def present(self, x, rng):
        """Training rows as one presentation sees them: shifted, and with new bits or noise each time."""
        if self.augment:
            offsets = rng.integers(2 * self.augment + 1, size=(len(x), 2)) - self.augment
            x = shift(x, self.shape, place(offsets, like=x))
        return self.settle(x, rng)

    def settle(self, x, rng):
        """Training rows with their bits or noise drawn, but not shifted."""
        if not self.protocol.is_random:
            return x
        return self.protocol.settled(x, place(rng.random(x.shape, dtype="float32"), like=x))

    @property
    def pictured(self):
        """The split that pictures show: validation, else training images as bits, where bits are what is learned."""
        if self.validation is not None:
            return self.validation
        return Split(self.settle(self.train.x, self.protocol.bits_generator("train")), self.train.y)


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
        taken as it is. Labels y are whole numbers (N,), which are classes if none is below 0, or rows of numbers
        (N, count).
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
        One line that names what is wrong with the file, its test split included, the array or an option.
    """
    likelihood = one_of(LIKELIHOODS)("likelihood", likelihood)
    binarize, validation, augment, dequantize, standardize = read_arguments(
        OPTIONS, binarize=binarize, validation=validation, augment=augment, dequantize=dequantize,
        standardize=standardize,
    )  # fmt: skip
    raw = read_source(source, data_dir, sprites)
    divisor = 1 if standardize else pixel_scale(raw.x)  # the unit of a column that is standardized does not matter
    x, shape = as_examples(raw.x, "x", divisor)
    y = check_labels(raw.y, "y", len(x))
    if binarize is None:
        binarize = "none" if likelihood != "bernoulli" or is_binary(x) else "each"
    n_validation = len(x) // 6 if validation is None else validation
    if not 0 <= n_validation < len(x):
        raise ValueError(f"validation: expected 0 to {len(x) - 1} of the {len(x)} training examples, got {validation}")
    n = len(x) - n_validation
    if augment and len(shape) == 1:
        raise ValueError(f"augment: shifts need images, got rows of {shape[0]} values")
    for name, wanted in (("dequantize", dequantize), ("standardize", standardize)):
        if wanted and (likelihood in PIXELS or binarize != "none" or (dequantize and standardize)):
            raise ValueError(f"{name}: expected a Gaussian likelihood, no bits, and not both of dequantize and "
                             f"standardize, got likelihood {likelihood}, binarize {binarize}")  # fmt: skip
    protocol = Protocol(raw.name, raw.sha256, shape, n, n_validation, divisor, binarize, BITS_SEED, labels_of(y))
    if dequantize:
        protocol = replace(protocol, levels=raw.levels or divisor + 1)
        if protocol.levels == 2:
            raise ValueError(f"dequantize: expected integer pixels from 0 to 255, not bits only, got {raw.x.dtype}")
    if standardize:
        mean = x[:n].mean(axis=0, dtype="float64").astype("float32")
        std = x[:n].std(axis=0, dtype="float64").astype("float32")
        std = np.where(std > 0, std, np.float32(1))  # a constant column stays
        protocol = replace(protocol, mean=tuple(mean.tolist()), std=tuple(std.tolist()))
    x = protocol.standardized(x, "x", likelihood)
    if likelihood == "bernoulli" and binarize == "none" and not is_binary(x):
        protocol = replace(protocol, entropy_floor=entropy_floor(x[:n]))

    def test():
        if raw.test is None:
            raise ValueError(f"split: {raw.name} has no test split (an .npz file with the key x_test would)")
        x_test, y_test = raw.test()
        x_test = protocol.prepare(x_test, "x_test", likelihood)
        return Split(x_test, check_labels(y_test, "y_test", len(x_test)))

    y_train, y_validation = (None, None) if y is None else (y[:n], y[n:])
    train = Split(x[:n] if protocol.is_random else protocol.fixed(x[:n], "train"), y_train)
    held_out = Split(protocol.fixed(x[n:], "validation"), y_validation) if n_validation else None
    return Dataset(train, held_out, test, protocol, augment, raw.test is not None)


def batches(n, size, rng=None):
    """Index arrays that cover range(n) in parts of `size`, the last possibly smaller; shuffled if `rng` is given."""
    order = np.arange(n) if rng is None else rng.permutation(n)
    return [order[start : start + size] for start in range(0, n, size)]

"""What `load_data` returns: splits, and how their rows are presented."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from ..backend import place
from .preprocess import shift
from .protocol import Protocol
from .rows import Rows


class Split(NamedTuple):
    """x (N, D) float32, of a large file as `Rows`; y, labels: classes (N,) int64, rows (N, count) float32, or None."""

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
    notes : list of str
        What is doubtful in the data, and what of a file is not used.
    """

    train: Split
    validation: Split | None
    test: Callable
    protocol: Protocol
    augment: int = 0
    has_test: bool = True
    notes: list = field(default_factory=list)

    @property
    def shape(self):
        """Shape of x: (h, w, c) of an image, or (D,) of a row."""
        return self.protocol.x_shape

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
        if isinstance(x, Rows):
            return x.then(self.protocol.settled, rng)
        return self.protocol.settled(x, place(rng.random(x.shape, dtype="float32"), like=x))

    @property
    def pictured(self):
        """The split that pictures show: validation, else training images as bits, where bits are what is learned."""
        if self.validation is not None:
            return self.validation
        return Split(self.settle(self.train.x, self.protocol.bits_generator("train")), self.train.y)

"""What `load_data` returns: splits, and how their rows are presented."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from ..backend import place
from .preprocess import shift
from .protocol import Protocol
from .rows import Rows
from .splits import labelled_in

WINDOW = 50  # batches, within which lines are sorted by their length


class Split(NamedTuple):
    """x (N, D) float32, of a large file as `Rows`; y, labels: classes (N,) int64, rows (N, count) float32, or None.

    In a training split of which only some labels are kept, the other classes are -1.
    """

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

    def order(self, rng, batch_size):
        """The rows of an epoch in the order in which they are presented: each once.

        Lines of text share a batch with others of nearly their length, see `by_length`.

        Where only some labels are kept: each row without a label once, and at the head of each batch some of those that
        have one, which take turns, so that they come again and again.
        """
        n, p = len(self.train.x), self.protocol
        if p.tokens is not None:
            return by_length((self.train.x != 0).sum(axis=1), batch_size, rng)
        if p.labelled is None:
            return rng.permutation(n)
        labelled, others = np.flatnonzero(self.train.y >= 0), rng.permutation(np.flatnonzero(self.train.y < 0))
        heads = labelled_in(batch_size, p.n_train, p.labelled)
        rounds = -(-(p.presented(batch_size) - len(others)) // len(labelled))
        turns = rng.permuted(np.tile(labelled, (rounds, 1)), axis=1).ravel()
        size = batch_size - heads
        parts = [(turns[i * heads : (i + 1) * heads], others[i * size : (i + 1) * size])
                 for i in range(-(-len(others) // size))]  # fmt: skip
        return np.concatenate([rows for pair in parts for rows in pair])

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


def by_length(lengths, batch_size, rng):
    """An order of rows (n,) in which those of a batch have nearly one length.

    They are shuffled, sorted within windows of `WINDOW` batches, and the batches are shuffled. The rows that fill no
    batch are chosen before, so that they are long as often as others; they come last.
    """
    order = rng.permutation(len(lengths))
    n, size = len(order) // batch_size * batch_size, WINDOW * batch_size
    windows = [order[start : min(start + size, n)] for start in range(0, n, size)]
    rows = [window[np.argsort(lengths[window], kind="stable")].reshape(-1, batch_size) for window in windows]
    return np.concatenate([*rng.permutation(np.concatenate(rows)), order[n:]]) if rows else order

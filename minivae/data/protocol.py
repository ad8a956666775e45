"""What `load_data` decided about a data set, for the record, and what follows from it for any rows of such data."""

import math
import reprlib
from dataclasses import MISSING, dataclass, fields

import numpy as np

from ..backend import generator
from ..options import is_number, is_plain
from .preprocess import BINARIZE, as_examples, check_labels, check_unit_interval, dequantize, labels_of, to_bits

BITS_SEED = 0  # validation and test bits are the same in every run, whatever its seed
PIXELS = ("bernoulli", "categorical")  # likelihoods of values in [0, 1]
_EPOCH = {"train": 0, "validation": 1, "test": 2}  # of the generator of a split's bits


@dataclass(frozen=True)
class Protocol:
    """What decides the numbers that a model sees. A run records it, and later data are prepared by it.

    Attributes
    ----------
    name, sha256 : str
        The source, and the hash of its content.
    shape : tuple of int
        (h, w, c) of an image, or (D,) of a row.
    n_train, n_validation : int
        Sizes of the two splits.
    divisor : int
        What integers are divided by: 255 for pixels, else 1.
    binarize : {"each", "once", "threshold", "none"}
        When pixels become bits; see `load_data`.
    bits_seed : int
        Seed of the bits, and of the noise of dequantization, that are drawn once for a split.
    labels : dict, optional
        {"kind": "classes" or "rows", "count": how many classes, or numbers in a row}; None: there are none.
    levels : int, optional
        Number of grey levels of data that are dequantized.
    mean, std : tuple of float, optional
        Of each column of the training split, for data that are standardized.
    entropy_floor : float, optional
        Of grey pixels under a Bernoulli likelihood, nats: -log_px_z is never below it.
    """

    name: str
    sha256: str
    shape: tuple
    n_train: int
    n_validation: int
    divisor: int
    binarize: str
    bits_seed: int
    labels: dict | None = None
    levels: int | None = None
    mean: tuple | None = None
    std: tuple | None = None
    entropy_floor: float | None = None

    # ---- the record

    def to_json(self):
        """{field: value} that JSON can hold, without the fields that are None."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: list(v) if isinstance(v, tuple) else v for name, v in values.items() if v is not None}

    @classmethod
    def from_json(cls, record):
        """The protocol whose `to_json` gave `record`; ValueError names the first field that cannot be from there."""
        if not isinstance(record, dict):
            raise ValueError(f"expected a table of fields, got {reprlib.repr(record)}")
        for field in fields(cls):
            if field.default is MISSING and field.name not in record:
                raise ValueError(f"{field.name}: expected {_RULES[field.name][0]}, got none")
        for name, value in record.items():
            if name not in _RULES:
                raise ValueError(f"{name}: unknown field; expected one of {', '.join(_RULES)}")
            expected, holds = _RULES[name]
            if not holds(value):
                raise ValueError(f"{name}: expected {expected}, got {reprlib.repr(value)}")
        sizes = {len(record[name]) if name in record else 0 for name in ("mean", "std")}
        if sizes != {0} and sizes != {math.prod(record["shape"])}:
            raise ValueError(f"mean, std: expected {math.prod(record['shape'])} numbers each, or none of both")
        return cls(**{name: tuple(v) if isinstance(v, list) else v for name, v in record.items()})

    def first_difference(self, other):
        """The name of the first field that `other` has with another value; None if there is none."""
        names = (field.name for field in fields(self))
        return next((name for name in names if getattr(self, name) != getattr(other, name)), None)

    # ---- what follows from it

    @property
    def is_random(self):
        """Whether training rows are drawn anew at every presentation."""
        return self.binarize == "each" or self.levels is not None

    def prepare(self, x, name, likelihood):
        """Raw examples, as a user has them, as a model trained on such data sees them: rows (N, D) float32.

        Bits and the noise of dequantization are those of the test split. Raises ValueError where x does not fit.
        """
        rows, shape = as_examples(x, name, self.divisor if np.asarray(x).dtype.kind in "iu" else 1)
        if shape != self.shape:
            raise ValueError(f"{name}: expected examples of shape {self.shape}, as in training, got {shape}")
        return self.fixed(self.standardized(rows, name, likelihood), "test")

    def prepare_labels(self, y, name, n):
        """Labels of n examples, as a user has them, as a conditional model trained on such data is given them.

        Raises ValueError for labels of another kind or width than in training, and for classes above those.
        """
        y = check_labels(y, name, n)
        given = labels_of(y)
        count = self.labels["count"]
        if self.labels["kind"] == "rows":
            expected = f"rows of {count} numbers"
            fits = given == self.labels
        else:
            expected = f"classes 0 to {count - 1}"
            fits = given is not None and given["kind"] == "classes" and given["count"] <= count
        if not fits:
            values = "none" if y is None else f"rows of {y.shape[1]}" if y.ndim == 2 else f"{y.min()} to {y.max()}"
            raise ValueError(f"{name}: expected {expected}, as in training, got {values}")
        return y

    def original(self, x_hat):
        """The way back, for decoded values: (N, D) -> (N, *shape); standardized columns get their units back."""
        if self.levels is not None:
            x_hat = (x_hat * self.levels - 0.5) / (self.levels - 1)
        if self.mean is not None:
            x_hat = x_hat * np.float32(self.std) + np.float32(self.mean)
        return x_hat.reshape(-1, *self.shape)

    def standardized(self, x, name, likelihood):
        """Rows x, standardized where that was asked for; ValueError where they must be pixels and are not."""
        if likelihood in PIXELS or self.binarize != "none" or self.levels is not None:
            check_unit_interval(x, name)
        elif self.divisor > 1 and np.abs(x).max() > 2:  # a mean of Gaussian pixels may leave [0, 1], but not so far
            raise ValueError(f"{name}: expected pixels divided by {self.divisor}, as in training, got {x.min():.6g} "
                             f"to {x.max():.6g}")  # fmt: skip
        if self.mean is not None:
            with np.errstate(over="ignore"):
                x = (x - np.float32(self.mean)) / np.float32(self.std)
            if not np.isfinite(x).all():
                raise ValueError(f"{name}: expected values that stay finite when they are standardized")
        return x

    def settled(self, x, u):
        """Bits, or values within their grey levels, given uniform noise u in the shape of x."""
        return to_bits(x, u) if self.levels is None else dequantize(x, u, self.levels)

    def fixed(self, x, split):
        """Rows x of a split with what is drawn once for all of it."""
        if self.binarize == "threshold":
            return to_bits(x, np.float32(0.5))
        if self.binarize == "once" or self.is_random:
            return self.settled(x, self.bits_generator(split).random(x.shape, "float32"))
        return x

    def bits_generator(self, split):
        """The random generator of what is drawn once for the split "train", "validation" or "test"."""
        return generator(self.bits_seed, "bits", _EPOCH[split])


# ---- what the fields of a record must be: (in words, a function that says whether a value is that)


def _is_whole(value, least=1):
    return type(value) is int and value >= least


def _are_numbers(value):
    return isinstance(value, list) and all(map(is_number, value))


def _is_text(value):
    return isinstance(value, str) and is_plain(value)


def _is_shape(value):
    return isinstance(value, list) and len(value) in (1, 3) and all(map(_is_whole, value))


def _are_labels(value):
    if not isinstance(value, dict) or set(value) != {"kind", "count"}:
        return False
    return value["kind"] in ("classes", "rows") and _is_whole(value["count"])


_RULES = {
    "name": ("text without control characters", _is_text),
    "sha256": ("text without control characters", _is_text),
    "shape": ("1 or 3 whole numbers >= 1", _is_shape),
    "n_train": ("a whole number >= 1", _is_whole),
    "n_validation": ("a whole number >= 0", lambda value: _is_whole(value, 0)),
    "divisor": ("a whole number >= 1", _is_whole),
    "binarize": (f"one of {', '.join(BINARIZE)}", lambda value: value in BINARIZE),
    "bits_seed": ("a whole number >= 0", lambda value: _is_whole(value, 0)),
    "labels": ("their kind, classes or rows, and a count >= 1", _are_labels),
    "levels": ("a whole number >= 2", lambda value: _is_whole(value, 2)),
    "mean": ("a list of numbers", _are_numbers),
    "std": ("a list of numbers > 0", lambda value: _are_numbers(value) and all(number > 0 for number in value)),
    "entropy_floor": ("a number", is_number),
}

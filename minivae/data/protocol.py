"""What `load_data` decided about a data set, for the record, and what follows from it for any rows of such data."""

import math
from dataclasses import MISSING, dataclass, fields

import numpy as np

from ..backend import array_module, generator
from .columns import Column, to_frame, to_rows
from .frames import check_frame, is_frame
from .lines import check_lines
from .preprocess import as_examples, check_labels, dequantize, labels_of, to_bits
from .quadrants import cut, given_mask, together
from .record import read_record
from .rows import Rows, as_float32, drawn, without_gaps
from .scale import check_present, check_values, comes_scaled, find, outside, range_of, values_of
from .splits import presented
from .vocabulary import TOKENS, cut_lines, to_lines

BITS_SEED = 0  # validation and test bits are the same in every run, whatever its seed
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
    divisor : int or float
        What values are divided by, floats of later data only where training's were floats.
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
    dtype : str, optional
        Of the values as they are in the source, `low` and `high` their range in the training split (None: all are
        missing). Runs that were written before these existed have none of the three.
    outside : int, optional
        How many validation values lie outside that range.
    missing : int, optional
        How many training and validation values are missing; None: none may be.
    split_seed : int, optional
        By which the validation split was chosen; None: it is the last examples, or came by itself.
    side : int, optional
        What the pictures of a folder were resized to.
    quadrants : int, optional
        How many quadrants of an image are given, as y; x is the rest of it. `shape` is that of the whole image.
    columns : tuple of Column, optional
        Of a table, in its order; `label` the Column that is y.
    labelled, label_seed : int, optional
        How many labels of the training split are kept, and the seed that chose them; None: all.
    rare : dict, optional
        {"class", "share", "train", "validation"}: of which class only that share of the rows was kept, and how many
        rows of it there are in each split.
    tokens : {"characters", "words", "selfies"}, optional
        Of lines of text, what they are cut into. x (T,) holds their numbers in the `vocabulary`, a tuple of str, and
        behind the line 0, the end mark.
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
    dtype: str | None = None
    low: float | None = None
    high: float | None = None
    outside: int | None = None
    missing: int | None = None
    split_seed: int | None = None
    side: int | None = None
    quadrants: int | None = None
    columns: tuple | None = None
    label: Column | None = None
    labelled: int | None = None
    label_seed: int | None = None
    rare: dict | None = None
    tokens: str | None = None
    vocabulary: tuple | None = None

    # ---- the record

    def to_json(self):
        """{field: value} that JSON can hold, without the fields that are None."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: _plain(value) for name, value in values.items() if value is not None}

    @classmethod
    def from_json(cls, record):
        """The protocol whose `to_json` gave `record`; ValueError names the first field that cannot be from there."""
        required = [field.name for field in fields(cls) if field.default is MISSING]
        return cls(**read_record(record, required))

    def said(self):
        """Lines for people: the values that were found, what was done to them, what is missing, how few labels are."""
        few = f"y: {self.labelled} of {self.n_train} training labels are kept, drawn by seed {self.label_seed}"
        kept = [few] * (self.labelled is not None)
        if self.rare is not None:
            kept.append("y: class {class} is rare, {train} training rows and {validation} for validation; the test "
                        "split keeps all of its rows".format(**self.rare))  # fmt: skip
        if self.tokens is not None:
            one, V = TOKENS[self.tokens].one, len(self.vocabulary)
            return [f"x: lines of up to {self.shape[0] - 1} {one}s; a vocabulary of {V:,}, two of them marks"]
        if self.dtype is None:
            return kept
        d = self.divisor
        done = "standardized" if self.mean is not None else "as they are"
        if d != 1:
            done = f"divided by {d:.9g}: {self.low / d:.6g} to {self.high / d:.6g}"
        done += f", then dequantized: level k is (k + u) / {self.levels}, u from 0 to 1" * (self.levels is not None)
        line = f"x: {self.dtype} from {self.low:.9g} to {self.high:.9g}, {done}"
        line += f"; {self.outside} validation values lie outside" * (self.outside is not None)
        return [line, *[f"x: {self.missing} values are missing"] * (self.missing is not None), *kept]

    def values_said(self, likelihood):
        """How the values of a split came to be what a model sees, in words: numbers of other words are not comparable.

        "resampled": bits drawn anew at every presentation, those of validation and test once.
        """
        if self.tokens is not None:
            return f"lines of {TOKENS[self.tokens].one}s, a vocabulary of {len(self.vocabulary):,}"
        seed = f"seed {self.bits_seed}"
        words = {"each": f"resampled bits, here those of {seed}", "once": f"bits drawn once by {seed}",
                 "threshold": "bits by the threshold 1/2"}  # fmt: skip
        if self.binarize in words:
            return words[self.binarize]
        if self.levels is not None:
            return f"grey levels dequantized by {seed}"
        if likelihood != "bernoulli":
            return "values" if self.mean is None else "standardized values"
        return "static bits" if self.entropy_floor is None else "grey pixels as chances of bits"

    def first_difference(self, other):
        """The name of the first field that `other` has with another value; None if there is none."""
        names = (field.name for field in fields(self))
        return next((name for name in names if getattr(self, name) != getattr(other, name)), None)

    # ---- what follows from it

    @property
    def x_shape(self):
        """Shape of x as a model sees it: that of an example, or (D,) of what is left of an image."""
        if self.quadrants is None:
            return self.shape
        return (math.prod(self.shape) - self.labels["count"],)

    def parted(self, rows):
        """(x, y) of rows (..., D) of whole images: what is to be predicted, and the quadrants that are given."""
        return cut(rows, given_mask(self.shape, self.quadrants))

    def whole(self, x, y):
        """Rows of the model with what it was given: of parts of images whole ones (..., D); else x."""
        return x if self.quadrants is None else together(x, y, given_mask(self.shape, self.quadrants))

    @property
    def is_random(self):
        """Whether training rows are drawn anew at every presentation."""
        return self.binarize == "each" or self.levels is not None

    def prepare(self, x, name, likelihood):
        """Raw examples, as a user has them, as a model trained on such data sees them: rows (N, D) float32.

        Bits and the noise of dequantization are those of the test split. Images that are cut are whole here, for
        `parted`. Raises ValueError where x does not fit, or its scale is not certain; NaN, what is missing, stays where
        training had some. Of a table, x is a DataFrame; of text, a list of lines.
        """
        if self.tokens is not None:
            return cut_lines(check_lines(x, name), self.tokens, self.vocabulary, self.shape[0], name)
        if self.columns is not None:
            return self._from_table(x, name)
        rows, found = self._examined(x, name)
        return self.fixed(self.held(rows, found, name, likelihood).read(), "test")

    def count_outside(self, x, name):
        """How many values of raw examples lie outside the range of training's values; 0 where that is not known.

        Of text, how many tokens are unknown.
        """
        if self.tokens is not None:
            return int((self.prepare(x, name, "tokens") == 1).sum())
        if self.columns is not None:
            return sum(column.count_outside(x[column.name], name) for column in self.columns if column.name in x)
        rows, found = self._examined(x, name)
        return 0 if self.low is None else outside(rows, found, *range_of(self, comes_scaled(found, rows, self, name)))

    def _from_table(self, x, name):
        if not is_frame(x):
            raise ValueError(f"{name}: expected a table, as in training, got {type(x).__name__}")
        x = check_frame(x, name)
        rows = to_rows(x, self.columns, name)
        names = [column.name for column in self.columns]
        gaps = x[names].isna().to_numpy()
        if self.missing is None and gaps.any():
            row, column = np.argwhere(gaps)[0]
            raise ValueError(f"{name}: expected no empty cells, as in training, got {gaps.sum()}, the first in row "
                             f"{row + 1}, column {names[column]}; fill them, or train with such cells")  # fmt: skip
        return rows

    def _examined(self, x, name):
        if is_frame(x):
            raise ValueError(f"{name}: expected an array, as in training, got a DataFrame")
        x, shape = as_examples(x, name)
        if shape != self.shape:
            raise ValueError(f"{name}: expected examples of shape {self.shape}, as in training, got {shape}")
        rows = Rows(x)
        return rows, find(rows, name)

    def held(self, rows, found, name, likelihood):
        """Rows that were not in training, converted as training's were; ValueError where they do not fit."""
        if self.missing is None:
            check_present(found, name)
        return self.converted(rows, found, name, likelihood, comes_scaled(found, rows, self, name))

    def converted(self, rows, found, name, likelihood, scaled=False):
        """Rows in which `found` is what there is, on the scale of training; `scaled`: they are divided already."""
        divisor = 1 if scaled else self.divisor
        values = values_of(likelihood)
        unit = values == "unit" or self.binarize != "none" or self.levels is not None
        check_values(found, divisor, name, unit, values in ("counts", "one-hot"))
        if (
            self.dtype is None
            and found.low is not None
            and self.divisor > 1
            and max(-found.low, found.high) / divisor > 2
        ):
            # a mean of Gaussian pixels may leave [0, 1], but not so far
            raise ValueError(f"{name}: expected pixels divided by {self.divisor}, as in training, got "
                             f"{found.low / divisor:.6g} to {found.high / divisor:.6g}")  # fmt: skip
        beyond = unit and found.low is not None and (found.low < 0 or found.high > divisor)

        def convert(part):
            x = self._standardized(part, name) if self.mean is not None else as_float32(part, divisor)
            return x.clip(0, 1) if beyond else x  # by rounding

        return rows.converted(convert)

    def _standardized(self, part, name):
        """Examples as they are in the source, standardized; in float64, since columns may be far from 0."""
        with np.errstate(over="ignore", invalid="ignore"):
            if self.dtype is None:  # older runs
                x = (as_float32(part) - np.float32(self.mean)) / np.float32(self.std)
            else:
                x = without_gaps(np.ma.getdata(part).astype("float64"), part)
                x = ((x - np.array(self.mean)) / np.array(self.std)).astype("float32")
        if np.isinf(x).any():
            raise ValueError(f"{name}: expected values that stay finite when they are standardized")
        return x

    # ---- presentations

    def presented(self, batch_size):
        """How many rows an epoch presents, see `Dataset.order`."""
        return self.n_train if self.labelled is None else presented(self.n_train, self.labelled, batch_size)

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
        """The way back to the data's units, for decoded values (N, D): (N, *shape), of a table a DataFrame.

        Of text, the list of lines.
        """
        if self.tokens is not None:
            return to_lines(x_hat.reshape(-1, *self.shape), self.tokens, self.vocabulary)
        if self.columns is not None:
            return to_frame(x_hat, self.columns)
        if self.levels is not None:
            x_hat = (x_hat * self.levels - 0.5) / (self.levels - 1)
        if self.mean is not None:
            kind = "float32" if self.dtype is None else "float64"
            x_hat = x_hat * np.array(self.std, kind) + np.array(self.mean, kind)
        elif self.divisor != 1:
            x_hat = x_hat * x_hat.dtype.type(self.divisor)
        return x_hat.reshape(-1, *self.shape)

    def settled(self, x, u):
        """Bits, or values within their grey levels, given uniform noise u in the shape of x; NaN stays."""
        return self._bits(x, u) if self.levels is None else dequantize(x, u, self.levels)

    def _bits(self, x, threshold):
        bits = to_bits(x, threshold)
        return bits if self.missing is None else array_module(x).where(x == x, bits, x)

    def fixed(self, x, split):
        """Rows x of a split with what is drawn once for all of it."""
        if self.binarize == "threshold":
            half = np.float32(0.5)
            return x.then(lambda x: self._bits(x, half)) if isinstance(x, Rows) else self._bits(x, half)
        if self.binarize == "once" or self.is_random:
            return drawn(x, self.settled, self.bits_generator(split))
        return x

    def bits_generator(self, split):
        """The random generator of what is drawn once for the split "train", "validation" or "test"."""
        return generator(self.bits_seed, "bits", _EPOCH[split])


def record_of(found):
    """The fields that a new run records of what was found in {"train": Found, "validation": Found}."""
    train = found["train"]
    if train.low is None:
        raise ValueError("x: expected at least one value in the training split, all are missing")
    missing = sum(part.missing for part in found.values())
    return {"dtype": train.dtype, "low": train.low, "high": train.high, "missing": missing or None}


def _plain(value):
    """A field as JSON can hold it."""
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return value.to_json() if isinstance(value, Column) else value

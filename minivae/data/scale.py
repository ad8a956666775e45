"""The scale of data: found values, what they are divided by, and whether later data are on the scale of training's."""

from typing import NamedTuple

import numpy as np

from ..likelihoods import LIKELIHOODS
from ..options import real, shown
from .rows import gaps_in

ROUNDING = 1e-6  # values in [0, 1] may be beyond it by so much
MANY = 100  # values that lie within a hundredth of training's range are on another scale
GREY = 16  # integers up to here are no pixels of 256 levels
OLDER = (
    "pixels"  # the rule of runs that record no dtype: integers from 0 to 255 are divided by 255, if they are no bits
)


class Found(NamedTuple):
    """What is in an array: its dtype, the range of its values (None where all are missing), and what they may be."""

    dtype: str
    low: float | None
    high: float | None
    whole: bool  # whole numbers only
    other: float | None  # the only value that is not 0; 0 if there is none, None if there are several
    missing: int  # how many
    first: tuple | None  # (row, column) of the first that is missing

    @property
    def is_float(self):
        """Whether its numbers are floats, whatever their values."""
        return self.dtype.startswith("float")

    @property
    def is_bits(self):
        """Whether every value is 0 or 1."""
        return self.other in (0, 1)

    def joined(self, more):
        """Of two parts of an array, the first before the second."""
        if more.low is None or self.low is None:
            found = self if more.low is None else more
            return found._replace(missing=self.missing + more.missing, first=self.first or more.first)
        others = {self.other, more.other} - {0}
        return Found(
            self.dtype, min(self.low, more.low), max(self.high, more.high), self.whole and more.whole,
            0 if not others else others.pop() if len(others) == 1 else None,
            self.missing + more.missing, self.first or more.first,
        )  # fmt: skip


def find(rows, name):
    """What is in Rows as they are in the source; ValueError for infinity."""
    found = None
    for part, raw in rows.parts("range"):
        one = _find(raw, name, rows.index[part])
        found = one if found is None else found.joined(one)
    return found


def _find(part, name, index):
    gaps = gaps_in(part)
    x = np.ma.getdata(part)
    dtype = x.dtype.name
    missing, first = 0, None
    if gaps is not None:
        missing = int(gaps.sum())
        row, column = np.unravel_index(np.argmax(gaps), gaps.shape)
        first = int(index[row]), int(column)
        x = x[~gaps]
        if not x.size:
            return Found(dtype, None, None, True, 0, missing, first)
    low, high = x.min(), x.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        row = np.argmax(np.isinf(np.ma.filled(part, 0)).any(axis=1))
        raise ValueError(f"{name}: expected finite float32 values, got infinity in row {index[row]}")
    other = high if high != 0 else low
    number = float if x.dtype.kind == "f" else int
    whole = x.dtype.kind != "f" or bool((x == np.rint(x)).all())
    other = number(other) if ((x == 0) | (x == other)).all() else None
    return Found(dtype, number(low), number(high), whole, other, missing, first)


# ---- the scale of training data


def scale(name, value):
    """The option: a number > 0, or max, dtype, none."""
    if isinstance(value, str) and value in ("max", "dtype", "none", OLDER):
        return value
    try:
        number = real(1e-30, 1e30)(name, value)
    except ValueError:
        raise ValueError(f"{name}: expected a number > 0, max, dtype or none, got {shown(value)}") from None
    return int(number) if number.is_integer() else number


def values_of(likelihood):
    """What values a likelihood takes: "unit", those in [0, 1]; "reals", "counts" or "one-hot"."""
    return LIKELIHOODS[likelihood].values


def divisor_of(found, scale, likelihood, levels):
    """What a user's training values are divided by, from their dtype or an option; ValueError where neither decides."""
    if scale is not None:
        return _explicit(found, scale)
    if found.is_float or found.is_bits or found.low is None:
        return 1
    if values_of(likelihood) == "unit" and likelihood != "bernoulli":
        if found.low < 0 or found.high >= levels or (found.high <= GREY and levels == 256):
            raise ValueError(f"x: {_range(found)} are no levels 0 to {levels - 1}; expected levels = "
                             f"{max(2, found.high + 1)} in --config, or --scale for pixels")  # fmt: skip
        return levels - 1
    if values_of(likelihood) in ("counts", "one-hot"):
        return 1
    if found.dtype == "uint8" and found.high > GREY:
        return 255
    number = "255, " if 0 <= found.low and found.high <= 255 else "a number, "
    largest = f"max ({found.high}), " if found.high > 0 else ""
    reals = "standardize = true in --config, or " if values_of(likelihood) == "reals" else ""
    why = f"; images of 256 levels would reach more than {GREY}" if found.dtype == "uint8" else ""
    raise ValueError(f"scale: {_range(found)} need one{why}; expected {reals}--scale {number}{largest}dtype "
                     f"({np.iinfo(found.dtype).max:.9g}) or none")  # fmt: skip


def _explicit(found, scale):
    if scale == "none":
        return 1
    if scale == OLDER:
        pixels = not (found.is_float or found.is_bits) and 0 <= found.low <= found.high <= 255
        return 255 if pixels else 1
    if scale == "dtype":
        if found.is_float:
            raise ValueError(f"scale: expected integers for dtype, got {_range(found)}; their max is {found.high:.9g}")
        return 1 if found.dtype == "bool" else int(np.iinfo(found.dtype).max)
    if scale == "max":
        if found.high is None or found.high <= 0:
            raise ValueError(f"scale: expected values above 0 for max, got {_range(found)}")
        return found.high
    return scale


def check_values(found, divisor, name, unit, counts=False):
    """ValueError unless values, divided, are finite in float32, in [0, 1] for `unit`, and whole for `counts`."""
    if found.low is None:
        return
    low, high = found.low / divisor, found.high / divisor
    with np.errstate(over="ignore"):
        if not np.isfinite(np.float32([low, high, found.low, found.high])).all():
            raise ValueError(f"{name}: expected finite float32 values, got {found.low:.6g} to {found.high:.6g}")
    if unit and (low < -ROUNDING or high > 1 + ROUNDING):
        raise ValueError(f"{name}: expected pixels or bits in [0, 1], got {low:.9g} to {high:.9g}")
    if counts and (low < 0 or not found.whole or divisor != 1):
        what = "" if found.whole else "numbers that are not whole, "
        raise ValueError(f"{name}: expected counts, whole numbers >= 0, got {what}{low:.9g} to {high:.9g}")


def doubts(found, divisor, likelihood, standardize):
    """Notes on values that the likelihood takes, but hardly as they are meant."""
    if values_of(likelihood) != "reals" or standardize or found.low is None or found.low == found.high:
        return []
    low, high = found.low / divisor, found.high / divisor
    if max(-low, high) <= 10 and high - low >= 0.1:
        return []
    counts = "; counts suit --likelihood poisson or negative-binomial" if found.whole and low >= 0 else ""
    return [f"x: values from {low:.6g} to {high:.6g} are far from 1 in size for a likelihood {likelihood}; --scale "
            f"max, or standardize = true in --config, brings them near{counts}"]  # fmt: skip


# ---- later data


def comes_scaled(found, rows, trained, name):
    """Whether later examples come as training's were after their division; ValueError unless their scale is certain.

    `trained`: dtype, low, high and divisor of training, as its Protocol has them.
    """
    if trained.dtype is None:  # older runs
        return found.is_float
    if found.low is None:
        return False
    was_float = trained.dtype.startswith("float")
    bits = not was_float and trained.divisor == 1 and 0 <= trained.low and trained.high <= 1
    if not was_float and not found.is_float and (found.dtype != "bool" or bits):
        bits = bits or trained.dtype == "bool"
        low, high = (0, 1) if bits else (np.iinfo(trained.dtype).min, np.iinfo(trained.dtype).max)
        coarser = found.dtype == "uint8" != trained.dtype and trained.divisor > 255  # other pixels than training's
        if found.low < low or found.high > high or coarser:
            what = "bits" if bits else trained.dtype
            raise ValueError(f"{name}: expected {what}, as in training, got {_range(found)}")
        return False
    low, high = range_of(trained, scaled=not was_float)
    unit = 0 <= low and high <= 1
    if unit and found.whole and found.high > 1:
        by = 255 if GREY < found.high <= 255 else "what 1 stands for"
        by = trained.divisor if not was_float and trained.divisor != 1 else by
        raise ValueError(f"{name}: expected values in [0, 1], as in training, got {_range(found)}; divide them by {by}")
    if unit and not was_float and trained.divisor > 1 and max(-found.low, found.high) > 2:
        # means of pixels may leave [0, 1], but not so far
        by = f"pixels divided by {trained.divisor:.9g}"
        raise ValueError(f"{name}: expected {by}, as in training, got {_range(found)}")
    width = high - low
    if width > 0:
        far = outside(rows, found, low - width, high + width)
        present = rows.size - found.missing
        narrow = present >= MANY and 0 < found.high - found.low < width / MANY
        if narrow or (far and (far > present / 2 or not found.is_float)):
            raise ValueError(f"{name}: expected values on the scale of training, from {low:.6g} to {high:.6g}, got "
                             f"{_range(found)}")  # fmt: skip
    return not was_float


def range_of(trained, scaled):
    """Lowest and highest value of training: as they were in the source, or `scaled`, as they were divided."""
    d = trained.divisor if scaled else 1
    return trained.low / d, trained.high / d


def outside(rows, found, low, high):
    """How many values of Rows, as they are in the source, are below `low` or above `high`."""
    if found.low is None or (found.low >= low and found.high <= high):
        return 0
    count = 0
    for _, part in rows.parts("range"):
        beyond = (np.ma.getdata(part) < low) | (np.ma.getdata(part) > high)  # NaN is neither
        count += int((beyond & ~np.ma.getmaskarray(part)).sum())
    return count


def check_present(found, name):
    """ValueError if a value is missing, for data of which none may be."""
    if found.missing:
        row, column = found.first
        raise ValueError(f"{name}: expected no missing values, as in training, got {found.missing}, the first in row "
                         f"{row}, column {column}; fill them, or train on data with missing values")  # fmt: skip


def _range(found):
    if found.low is None:
        return "missing values only"
    return f"{found.dtype} values from {found.low:.9g} to {found.high:.9g}"

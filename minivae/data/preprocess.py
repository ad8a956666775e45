"""From arrays of any numeric type to float32 rows; from grey pixels to bits."""

import numpy as np

from ..backend import array_module, as_array

BINARIZE = ("each", "once", "threshold", "none")


def as_examples(x, name, divisor=1):
    """(rows (N, D) float32, shape of one example) of rows or images; ValueError if that is not what `x` is."""
    x = as_array(x, name)
    if x.ndim not in (2, 3, 4):
        raise ValueError(f"{name}: expected rows (N, D) or images (N, h, w) or (N, h, w, c), got shape {x.shape}")
    if x.size == 0:
        raise ValueError(f"{name}: expected at least one example and one value, got shape {x.shape}")
    if x.ndim == 4 and x.shape[3] > 4:
        raise ValueError(f"{name}: expected 1 to 4 channels in the last axis (N, h, w, c), got shape {x.shape}")
    shape = x.shape[1:] + (1,) * (x.ndim == 3)
    with np.errstate(over="ignore", invalid="ignore"):
        rows = x.reshape(len(x), -1).astype("float32") / np.float32(divisor)
    if not np.isfinite(rows).all():
        raise ValueError(f"{name}: expected finite float32 values, got NaN or infinity")
    return rows, shape


def pixel_scale(x):
    """What the values of `x` are divided by: 255 for integers from 0 to 255, unless they are bits; else 1."""
    x = np.asarray(x)
    if x.dtype.kind not in "iu" or x.size == 0 or is_binary(x):
        return 1
    return 255 if x.min() >= 0 and x.max() <= 255 else 1


def check_labels(y, name, n):
    """`y` as integers (n,), classes; or as float32 rows of numbers (n, count); or None. ValueError if it is neither."""
    if y is None:
        return None
    y = as_array(y, name)
    if y.dtype.kind in "biu" and y.shape == (n,):
        if (y.astype("int64") < 0).any() and y.min() >= 0:
            raise ValueError(f"{name}: expected labels below 2**63, got {y.max()}")
        return y.astype("int64")
    if y.ndim != 2 or len(y) != n or y.size == 0:
        raise ValueError(f"{name}: expected {n} integer labels, or {n} rows of numbers, got dtype {y.dtype}, shape "
                         f"{y.shape}")  # fmt: skip
    with np.errstate(over="ignore", invalid="ignore"):
        rows = y.astype("float32")
    if not np.isfinite(rows).all():
        raise ValueError(f"{name}: expected finite float32 values, got NaN or infinity")
    return rows


def labels_of(y):
    """What y is, for the record: {"kind": "classes", "count": largest + 1}, {"kind": "rows", "count": width}, or None.

    Whole numbers below 0 are no classes.
    """
    if y is None:
        return None
    if y.ndim == 2:
        return {"kind": "rows", "count": y.shape[1]}
    return {"kind": "classes", "count": int(y.max()) + 1} if y.min() >= 0 else None


def check_unit_interval(x, name):
    """ValueError unless every value is in [0, 1], as bits and likelihoods of pixels need."""
    low = x.min()
    high = x.max()
    if low < 0 or high > 1:
        raise ValueError(f"{name}: expected pixels or bits in [0, 1], got {low:.6g} to {high:.6g}")


def is_binary(x):
    """Whether every value is 0 or 1."""
    return bool(((x == 0) | (x == 1)).all())


def to_bits(x, threshold):
    """Bits: 1 where `threshold` < x. With a uniform threshold, P(bit = 1) = x."""
    return (threshold < x).astype(array_module(x).float32)


def dequantize(x, u, levels):
    """Pixels k / (levels - 1) as (k + u) / levels, u uniform in [0, 1): a density cannot grow on single values.

    log_px_z is then a lower bound on that of the discrete pixels, up to D log(levels) (Theis et al. 2016, sec. 3.1).
    """
    return (x * (levels - 1) + u) / levels


def shift(x, shape, offsets):
    """Images x (N, h * w * c) of `shape` (h, w, c), moved down and right by offsets (N, 2); their edge is repeated."""
    xp = array_module(x)
    h, w, _ = shape
    rows = (xp.arange(h) - offsets[:, :1]).clip(0, h - 1)  # (N, h): where each row of the result comes from
    columns = (xp.arange(w) - offsets[:, 1:]).clip(0, w - 1)  # (N, w)
    n = xp.arange(len(x))[:, None, None]
    return x.reshape(-1, *shape)[n, rows[:, :, None], columns[:, None, :]].reshape(x.shape)


def entropy_floor(x):
    """Mean entropy of pixels taken as probabilities, nats per example: -log_px_z under a Bernoulli is never below it.

    x (N, D) in [0, 1];  -sum x log x + (1 - x) log(1 - x), which is 0 for bits only.
    """
    total = 0.0
    for part in np.array_split(x, max(1, x.size // 10**7)):
        p = np.clip(part.astype("float64"), 1e-300, 1)
        q = np.clip(1 - part.astype("float64"), 1e-300, 1)
        total -= float((part * np.log(p) + (1 - part) * np.log(q)).sum())
    return total / len(x)

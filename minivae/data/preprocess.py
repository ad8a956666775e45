"""From arrays of any numeric type to float32 rows; from grey pixels to bits."""

import numpy as np

from ..backend import array_module, as_array

BINARIZE = ("each", "once", "threshold", "none")


def as_numbers(x, name):
    """`x` as an array of numbers; masked, or mapped from a file, as it is."""
    kept = (np.ma.is_masked(x) or isinstance(x, np.memmap)) and x.dtype.kind in "biuf"
    return x if kept else as_array(x, name)


def as_examples(x, name):
    """(array of numbers (N, ...), shape of one example) of rows or images; ValueError if that is not what `x` is."""
    x = as_numbers(x, name)
    if x.ndim not in (2, 3, 4):
        raise ValueError(f"{name}: expected rows (N, D) or images (N, h, w) or (N, h, w, c), got shape {x.shape}")
    if x.size == 0:
        raise ValueError(f"{name}: expected at least one example and one value, got shape {x.shape}")
    return x, x.shape[1:] + (1,) * (x.ndim == 3)


def check_labels(y, name, n):
    """`y` as integers (n,), classes; or as float32 rows of numbers (n, count); or None. ValueError if it is neither."""
    if y is None:
        return None
    y = as_array(y, name)
    if y.ndim and y.dtype.kind == "f" and np.isnan(y).any():
        missing = np.isnan(y).reshape(len(y), -1).any(axis=1)
        raise ValueError(f"{name}: expected a label for each row, {missing.sum()} of {len(y)} are missing, the first "
                         f"in row {missing.argmax()}; leave these examples out")  # fmt: skip
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

    x (N, D) in [0, 1];  -sum x log x + (1 - x) log(1 - x), which is 0 for bits only, and for what is missing.
    """
    total = 0.0
    for rows in np.array_split(np.arange(len(x)), max(1, x.size // 10**7)):
        part = x[rows[0] : rows[-1] + 1] if len(rows) else x[:0]
        p = np.clip(part.astype("float64"), 1e-300, 1)
        q = np.clip(1 - part.astype("float64"), 1e-300, 1)
        total -= float(np.nansum(part * np.log(p) + (1 - part) * np.log(q)))
    return total / len(x)

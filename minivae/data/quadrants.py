"""Images cut for structured prediction: y is what is given of an image, x the rest of it, which is to be predicted.

1: y is the lower left quadrant    2: the left half    3: all but the upper right quadrant   (Sohn et al. 2015, 5.1)
"""

import math

import numpy as np

GIVEN = (1, 2, 3)
BLANK = 0.5  # what pictures show where nothing is given


def given_mask(shape, quadrants):
    """Which numbers of a row (h * w * c) of an image are given, (D,) bools."""
    h, w, _ = shape
    mask = np.zeros(shape, bool)
    mask[h // 2 :, : w // 2] = True  # lower left
    mask[: h // 2, : w // 2] = quadrants >= 2  # upper left
    mask[h // 2 :, w // 2 :] = quadrants == 3  # lower right
    return mask.reshape(math.prod(shape))


def check_cut(shape, quadrants, labels):
    """ValueError unless images of that shape, cut so, have these labels y."""
    if len(shape) != 3 or min(shape[:2]) < 2:
        raise ValueError(f"quadrants: expected images, got shape {shape}")
    given = {"kind": "rows", "count": int(given_mask(shape, quadrants).sum())}
    if labels != given:
        raise ValueError(f"labels: expected {given}, the quadrants that are given")


def cut(rows, mask):
    """(x, y), the rest and what is given of rows (..., D): both keep the order of the row."""
    return rows[..., ~mask], rows[..., mask]


def together(x, y, mask):
    """Rows (..., D) of x and y, whose earlier axes broadcast."""
    lead = np.broadcast_shapes(x.shape[:-1], y.shape[:-1])
    rows = np.empty((*lead, len(mask)), x.dtype)
    rows[..., ~mask] = x
    rows[..., mask] = y
    return rows

"""Sprites: a square, an ellipse and a heart at every scale, orientation and position; a replica of dSprites by formula.

dSprites: Matthey, Higgins, Hassabis & Lerchner 2017. The outlines are fitted to its 320 published frames.
"""

import itertools

import numpy as np

SHAPES = ("square", "ellipse", "heart")
# Values of the factors on the whole grid, 737,280 images. Orientations 0 and 39 are the same angle.
GRID = {
    "shape": np.arange(3.0),
    "scale": np.linspace(0.5, 1, 6),
    "orientation": np.linspace(0, 2 * np.pi, 40),
    "x": np.linspace(0, 1, 32),
    "y": np.linspace(0, 1, 32),
}


def sprites(side=32, shape=None, scale=None, orientation=None, x=None, y=None):
    """Images of all combinations of some factors, y fastest, then x, orientation, scale, shape.

    Parameters
    ----------
    side : int
        Height and width of an image.
    shape, scale, orientation, x, y : sequence of int, optional
        Indices into `GRID`, in any order; None: all of them.

    Returns
    -------
    images : array (N, side, side), uint8
        1 where the center of a pixel lies in the sprite. Rows go with y, columns with x.
    factors : array (N, 5), int64
        Indices of (shape, scale, orientation, x, y); `factor_values` has their values.

    Raises
    ------
    ValueError
        If `side` is no whole number from 1 up, or indices are none, twice the same, or not on the grid.
    """
    if not isinstance(side, int | np.integer) or isinstance(side, bool) or side < 1:
        raise ValueError(f"side: expected a whole number >= 1, got {side!r}")
    given = (shape, scale, orientation, x, y)
    chosen = [_indices(name, indices) for name, indices in zip(GRID, given, strict=True)]
    factors = np.stack(np.meshgrid(*chosen, indexing="ij"), axis=-1).reshape(-1, 5)
    images = np.empty((len(factors), side, side), "uint8")
    pixel = (np.arange(side) + 0.5) * 64 / side - 0.5  # centers, in the pixels of a 64 x 64 image
    dy = pixel - _center(GRID["y"][chosen[4]])[:, None]  # (n_y, side)
    rest = itertools.product(*(GRID[name][indices] for name, indices in zip(GRID, chosen[:4], strict=False)))
    for part, (kind, size, angle, position) in zip(images.reshape(-1, len(dy), side, side), rest, strict=True):
        dx = pixel - _center(position)  # (side,)
        cos = np.cos(angle) / size
        sin = np.sin(angle) / size
        u = cos * dx - sin * dy[:, :, None]  # (n_y, side, side), in the axes of the sprite
        v = sin * dx + cos * dy[:, :, None]
        part[...] = OUTLINES[int(kind)](u, v)
    return images, factors


def factor_values(factors):
    """Values (N, 5) of factors given as indices (N, 5): shape 0..2, scale, angle in radians, x and y in [0, 1]."""
    return np.stack([values[i] for values, i in zip(GRID.values(), np.asarray(factors).T, strict=True)], axis=1)


def _center(position):
    """In the pixels of a 64 x 64 image."""
    return 15.5 + 32 * position


def _square(u, v):
    return np.maximum(abs(u), abs(v)) <= 9.6


def _ellipse(u, v):
    return (u / 12.767) ** 2 + (v / 7.2125) ** 2 <= 1


def _heart(u, v):
    """u = 9.595 sin^3 t, v = -1.4375 - 0.662 h(t), h = 13 cos t - 5 cos 2t - 2 cos 3t - cos 4t: the classical curve.

    Each |u| has two t, with cos t = c and -c; v lies between them. In powers of c, h = 4 + 19c - 2c^2 - 8c^3 - 8c^4.
    """
    s2 = np.cbrt(u / 9.595) ** 2
    c = np.sqrt(np.maximum(1 - s2, 0))
    even_part = 4 - c * c * (2 + 8 * c * c)
    odd_part = c * (19 - 8 * c * c)
    return (s2 <= 1) & (abs((-1.4375 - v) / 0.662 - even_part) <= odd_part)


OUTLINES = (_square, _ellipse, _heart)


def _indices(name, given):
    """int64 (n,); ValueError unless they are different whole numbers on the grid."""
    n = len(GRID[name])
    indices = np.arange(n) if given is None else np.asarray(given)
    if indices.ndim != 1 or indices.size == 0 or indices.dtype.kind not in "iu":
        raise ValueError(f"{name}: expected a list of whole numbers from 0 to {n - 1}, got {given!r}")
    outside = [int(i) for i in indices if not 0 <= i < n]
    if outside:
        raise ValueError(f"{name}: expected whole numbers from 0 to {n - 1}, got {outside[0]}")
    if len(np.unique(indices)) < len(indices):
        raise ValueError(f"{name}: expected different indices, got {list(map(int, indices))}")
    return indices.astype("int64")

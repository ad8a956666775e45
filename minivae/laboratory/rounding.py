"""Rounding told apart from a mistake: the error of a numeric derivative against its step size h, a U-shaped curve.

    (f(h) - f(-h)) / 2h     = f' + f''' h^2 / 6        +- R / h        lowest at h = (3 R / |f'''|)^(1/3)
    D_h, of four points     = f' - f''''' h^4 / 30     +- 1.5 R / h    lowest at h = (11.25 R / |f'''''|)^(1/5)

R is the rounding error of f: its distance from a straight line over so short a range that f must be straight there.
If h is too large, the quotient truncates; if h is too small, it rounds. Between them the error of a right gradient
falls to what R allows. The error of a wrong gradient does not: its curve has a floor, which no h and no precision
lowers. In float32 even a right gradient falls to 1e-4 only: gradients are checked in float64.
"""

import math
from typing import NamedTuple

import numpy as np

from ..backend import generator
from ..gradcheck.check import problems_of
from ..gradcheck.compare import norm
from ..gradcheck.directional import direction

STEPS = 10.0 ** np.arange(-12, 0.01, 0.25)


class Curve(NamedTuple):
    """Errors relative to |g| |v| / sqrt(d), at each h: of two points, of four points, and the predicted minima.

    `best2`, `best4` : (h, error), predicted
    """

    h: np.ndarray
    two: np.ndarray
    four: np.ndarray
    best2: tuple
    best4: tuple

    @property
    def reached(self):
        """The lowest error of four points that several neighboring h agree on: one alone may be luck."""
        four = np.where(np.isfinite(self.four), np.maximum(self.four, 1e-300), math.inf)
        return float(np.min(np.convolve(np.log10(four), np.ones(3) / 3, "valid")))

    @property
    def verdict(self):
        """One line: whether what is left is rounding."""
        reached = 10**self.reached
        allowed = max(self.best4[1], 1e-16)
        if not math.isfinite(reached + allowed):
            return "wrong: the error, or what rounding would allow, is not finite"
        if reached < 30 * allowed:
            return f"right, up to rounding: the error falls to {reached:.0e}, where rounding allows {allowed:.0e}"
        return f"wrong: the error stays above {reached:.0e} whatever h is, though rounding would allow {allowed:.0e}"


def curves_of(part, x, name=None, seed=0, y=None):
    """{dtype: Curve} of one array of a layer or model (None: the first that has a gradient), in float32 and float64."""
    curves = {}
    for dtype in ("float32", "float64"):
        problem = next(iter(problems_of(part, x, generator(seed, "gradcheck"), y=y, dtype=dtype)[0].values()))
        name = name or max(problem.grads, key=lambda n: bool(np.any(problem.grads[n])))
        curves[dtype] = error_curve(problem, name, generator(seed, "gradcheck", 1))
    return curves


def error_curve(problem, name, rng, steps=STEPS):
    """The Curve of one array of a Problem along a random direction, in the dtype of the problem's values."""
    at = problem.values[name]
    g = problem.grads[name].astype("float64")
    v = direction(at.shape, rng).astype(at.dtype)
    hand = float((g * v).sum())
    scale = max(abs(hand), norm(g))
    if not 0 < scale < math.inf:
        raise ValueError(f"{name}: expected a gradient that is finite and not zero everywhere")

    def f(s):
        return float(problem.f(problem.values | {name: at + at.dtype.type(s) * v}))

    two = []
    four = []
    for h in steps:
        near = (f(h) - f(-h)) / h
        far = (f(2 * h) - f(-2 * h)) / h
        two.append(abs(near / 2 - hand) / scale)
        four.append(abs((8 * near - far) / 12 - hand) / scale)
    R = _noise(f, at.dtype)
    third, fifth = _derivatives(f, at.dtype)
    h2 = (3 * R / third) ** (1 / 3)
    h4 = (11.25 * R / fifth) ** (1 / 5)
    best2 = h2, (third * h2**2 / 6 + R / h2) / scale
    best4 = h4, (fifth * h4**4 / 30 + 1.5 * R / h4) / scale
    return Curve(steps, np.array(two), np.array(four), best2, best4)


def _noise(f, dtype):
    """R: standard deviation of f about a line, over steps of some tens of roundings."""
    s = 64 * np.finfo(dtype).eps * np.arange(-16, 17)
    y = np.array([f(a) for a in s])
    rest = y - np.polyval(np.polyfit(s / s[-1], y, 1), s / s[-1])
    return max(norm(rest) / math.sqrt(len(s) - 2), 0.1 * np.finfo(dtype).eps * abs(y[0]), 1e-300)


def _derivatives(f, dtype):
    """|f'''| and |f'''''| by differences over steps near the best for such high orders."""
    eps = float(np.finfo(dtype).eps)
    h3 = eps ** (1 / 5)
    h5 = eps ** (1 / 8)
    third = (f(2 * h3) - 2 * f(h3) + 2 * f(-h3) - f(-2 * h3)) / (2 * h3**3)
    one, two, three = (f(k * h5) - f(-k * h5) for k in (1, 2, 3))
    fifth = (three - 4 * two + 5 * one) / (2 * h5**5)
    return max(abs(third), 1e-12), max(abs(fifth), 1e-12)

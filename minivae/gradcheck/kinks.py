"""Numeric slopes, and whether a function is smooth enough to have one: kinks of ReLU, max-pooling, clamps.

    D_h = (8 (f(h) - f(-h)) - (f(2 h) - f(-2 h))) / (12 h),     right up to h^4 f'''''/30

A kink within 2 h makes D_h as wrong as a mistake would. It is never answered by a wider tolerance but left out and
counted, after smaller h were tried. It shows in the function alone: D_h and D_{h/2} differ by more than smoothness
allows or, for a kink at 0, the second difference f(h) + f(-h) - 2 f(0) falls with h and not with h^2. So branches that
leave no kink, as in a stable softplus or log-sum-exp, cost nothing.
"""

import math

import numpy as np

from .checks import LIMIT

STEPS = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7)
SMOOTH = 1e-8  # relative size of either sign above which f is taken to have a kink
ROUNDING = 100 * 2.2e-16  # of a sum of some hundred terms, relative
TINY = 1e-300  # error and scale are zero where the function is


def reach(at):
    """What steps are multiplied by, so that no array is so large that they are lost in its rounding."""
    return max(1.0, 1e-3 * float(np.abs(at).min(initial=math.inf)))


def slope(f, h, hand, floor, size=0.0):
    """(D_{h/2}, scale, smooth) of f(s) at 0: `hand` is the derivative by hand, errors are relative to `scale`.

    scale = max(|hand|, |D|, floor, r), r what rounding of f can do to D over the limit: it decides where a gradient is
    zero, as that of a bias in front of a BatchNorm is. `size` is that of the terms that f sums, |f| if 0.
    """
    value = {s: float(f(s)) for s in (0.0, -2 * h, -h, -h / 2, h / 2, h, 2 * h)}
    coarse = quotient(value.__getitem__, h)
    fine = quotient(value.__getitem__, h / 2)
    bend = (_second(value, h) - 4 * _second(value, h / 2)) / h
    scale = max(abs(hand), abs(fine), floor, ROUNDING * (size or abs(value[0.0])) / h / LIMIT, TINY)
    smooth = abs(coarse - fine) <= SMOOTH * scale and abs(bend) <= SMOOTH * scale
    return fine, scale, smooth or not (math.isfinite(fine) and math.isfinite(scale))


def smooth_slope(f, hand=0.0, size=0.0):
    """(D, scale) at the first h at which f is smooth, NaN and 1 if at none; D is infinite if one is not finite."""
    for h in STEPS:
        value, scale, smooth = slope(f, h, hand, 0.0, size)
        if smooth:
            return (value if math.isfinite(value) and math.isfinite(scale) else math.inf), scale
    return math.nan, 1.0


def quotient(f, h):
    """D_h of f(s) at 0."""
    return (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h)


def _second(value, h):
    return value[h] + value[-h] - 2 * value[0.0]

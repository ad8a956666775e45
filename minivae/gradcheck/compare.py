"""What oracles compare: norms that do not overflow, and in words what is not finite, which is never ok."""

import math
from functools import partial
from operator import itemgetter

import numpy as np

from .problems import as_tuple

worse = partial(max, key=itemgetter(0))  # of two that `compared` gave, the first if they are equal
EMPTY = "there is nothing to compare: it has no entries, or forward gives none"


def norm(tree):
    """Euclidean norm of an array or a tuple of them; the largest entry is taken out, so that no square overflows."""
    flat = np.concatenate([np.ravel(a) for a in as_tuple(tree)])
    top = float(np.abs(flat).max(initial=0.0))
    return top * float(np.linalg.norm(flat / top)) if 0 < top < math.inf else top


def not_finite(what, a):
    """Where an array is not finite, as "its value is nan at [3, 0]"; empty if it is finite everywhere."""
    for index in np.argwhere(~np.isfinite(a)):
        return f"{what} is {np.asarray(a)[tuple(index)]}" + f" at {list(map(int, index))}" * bool(len(index))
    return ""


def flaw(g, shape):
    """Why `g` cannot be the gradient of an array of this shape; empty if it can."""
    if g is None or np.shape(g) != shape:
        return f"expected a gradient of shape {shape}, got {None if g is None else np.shape(g)}"
    return not_finite("the gradient by hand", g)


def hindrance(problem, name):
    """Why the gradient of an array cannot be compared with anything; empty if it can."""
    at = problem.values[name]
    if not at.size or (problem.w is not None and not sum(map(np.size, as_tuple(problem.w)))):
        return EMPTY
    values = not_finite("its value", at) or not_finite("what forward gives", problem.f(problem.values))
    return values or flaw(problem.grads[name], at.shape)


def compared(hand, slope, scale, where):
    """(|hand - slope| / scale, ""), or infinity and which of the three is not finite."""
    for name, number in (("the slope of forward", slope), ("the slope by hand", hand), ("their scale", scale)):
        if not math.isfinite(number):
            return math.inf, f"{name} is {number} {where}"
    return abs(hand - slope) / scale, ""

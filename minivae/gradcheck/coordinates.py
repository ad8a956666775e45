"""The second oracle: every coordinate by itself, and a table of the worst.

    error = |a - n| / max(|a|, |n|, 1e-3 max|n|, r),   a by hand, n the fourth-order difference D_h

It costs seven evaluations per coordinate and says where a gradient is wrong. 1e-3 of the array's largest keeps
coordinates that hardly matter from deciding; r is what rounding can do (see kinks.py).
"""

import math

import numpy as np

from .checks import Check, Checks, Entry
from .kinks import smooth_slope

SHOWN = 5


def check_coordinates(problem, names=None):
    """{name: Check} of the arrays called `names` (None: all), with the worst entries of each."""
    return Checks({name: _check(problem, name) for name in names or problem.values})


def numeric_gradient(problem, name, f=None):
    """df / d array, every coordinate, NaN where a kink is in the way; `f` in the place of the problem's own."""
    return _differences(problem, name, f or problem.f)[0]


def _check(problem, name):
    g = problem.grads[name]
    shape = problem.values[name].shape
    if np.shape(g) != shape or not np.isfinite(g).all():
        return Check(math.inf, math.prod(shape))
    numeric, error = _differences(problem, name, problem.f)
    kinks = int(np.isnan(numeric).sum())
    order = np.argsort(-np.nan_to_num(error.ravel(), nan=-1), kind="stable")[:SHOWN]
    where = [np.unravel_index(i, shape) for i in order]
    worst = tuple(Entry(i, float(g[i]), float(numeric[i]), float(error[i])) for i in where)
    return Check(worst[0].error if kinks < error.size else 0.0, error.size, kinks, worst=worst)


def _differences(problem, name, f):
    """(numeric gradient, errors of the one by hand), each in the shape of the array."""
    at, g = problem.values[name], problem.grads[name]
    g = g if np.shape(g) == at.shape else np.zeros(at.shape)
    numeric, scales = np.empty(at.shape), np.empty(at.shape)
    for index in np.ndindex(at.shape):

        def moved(s, index=index):
            array = at.copy()
            array[index] += s
            return f(problem.values | {name: array})

        numeric[index], scales[index] = smooth_slope(moved, float(g[index]), problem.size)
    scales = np.maximum(scales, 1e-3 * np.nanmax(np.abs(numeric), initial=0.0))
    error = np.abs(g - numeric) / np.where(scales > 0, scales, 1)
    return numeric, np.where(np.isinf(numeric), math.inf, error)

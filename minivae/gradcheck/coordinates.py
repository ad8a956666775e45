"""The second oracle: every coordinate by itself, and a table of the worst.

    error = |a - n| / max(|a|, |n|, 1e-3 max|n|, r),   a by hand, n the fourth-order difference D_h

It costs seven evaluations per coordinate and says where a gradient is wrong. 1e-3 of the array's largest keeps
coordinates that hardly matter from deciding; r is what rounding can do (see kinks.py).
"""

import math

import numpy as np

from .checks import Check, Checks, Entry
from .compare import flaw, hindrance, not_finite
from .kinks import reach, smooth_slope

SHOWN = 5


def check_coordinates(problem, names=None):
    """{name: Check} of the arrays called `names` (None: all), with the worst entries of each."""
    return Checks({name: _check(problem, name) for name in names or problem.values})


def numeric_gradient(problem, name, f=None):
    """d f / d array, f None for the problem's own: NaN where a kink is in the way, infinite where f is not finite."""
    return _differences(problem, name, f or problem.f)[0]


def _check(problem, name):
    at, g = problem.values[name], problem.grads[name]
    if why := hindrance(problem, name):
        return Check(math.inf, at.size, why=why)
    numeric, error = _differences(problem, name, problem.f)
    kink = np.isnan(numeric)
    order = np.argsort(np.where(np.isfinite(error), -error, math.inf), axis=None, kind="stable")[:SHOWN]
    where = [np.unravel_index(i, at.shape) for i in order if np.isfinite(error.flat[i])]
    worst = tuple(Entry(i, float(g[i]), float(numeric[i]), float(error[i])) for i in where)
    why = not_finite("the slope of forward", np.where(kink, 0, numeric))
    return Check(float(error[~kink].max(initial=0.0)), error.size, int(kink.sum()), worst=worst, why=why)


def _differences(problem, name, f):
    """(numeric gradient, errors of the one by hand), each in the shape of the array."""
    at, g = problem.values[name], problem.grads[name]
    g = np.zeros(at.shape) if flaw(g, at.shape) else g
    numeric, scales = np.empty(at.shape), np.empty(at.shape)
    for index in np.ndindex(at.shape):
        unit = reach(at[index])

        def moved(s, index=index, unit=unit):
            array = at.copy()
            array[index] += s * unit
            return f(problem.values | {name: array})

        found = smooth_slope(moved, float(g[index]) * unit, problem.size)
        numeric[index], scales[index] = (number / unit for number in found)
    scales = np.maximum(scales, 1e-3 * np.abs(numeric[np.isfinite(numeric)]).max(initial=0.0))
    error = np.abs(g - numeric) / np.where(scales > 0, scales, 1)
    return numeric, np.where(np.isinf(numeric), math.inf, error)

"""The first oracle: along random directions, a fourth-order difference. Few evaluations, whatever the size of an array.

    error = |<g, v> - D_h| / max(|<g, v>|, |D_h|, |g| |v| / sqrt(d), r),   d coordinates

v has random signs and sizes between 1/2 and 3/2. No coordinate is zero, so a mistake in any one moves <g, v>; and no
two are equal, since along (1, 1, 1, 1) a bias in front of a LayerNorm has no gradient, right or wrong. A right gradient
gives about 1e-10 in float64. A direction with a kink within 2 h is drawn again with a smaller h (see kinks.py, also for
D_h and r).
"""

import math

import numpy as np

from .checks import Check, Checks
from .compare import compared, hindrance, norm, worse
from .kinks import STEPS, reach, slope, smooth_slope


def check_directions(problem, rng, directions=4):
    """{name: Check} of every array of a Problem, several directions each."""
    return Checks({name: _check(problem, name, rng, directions) for name in problem.values})


def direction(shape, rng):
    """A random direction in which every coordinate moves, each by another amount."""
    return rng.choice((-1.0, 1.0), size=shape) * rng.uniform(0.5, 1.5, size=shape)


def slopes(problem, name, f, vs):
    """df / ds along each of the directions `vs` of an array; NaN where a kink is in the way of every h."""
    at = problem.values[name]
    unit = reach(at)
    return np.array([
        smooth_slope(lambda s, v=v: f(problem.values | {name: at + s * (unit * v)}), size=problem.size)[0] / unit
        for v in vs
    ])  # fmt: skip


def _check(problem, name, rng, directions):
    at = problem.values[name]
    if why := hindrance(problem, name):
        return Check(math.inf, directions, why=why)
    worst, kinks = (0.0, ""), 0
    unit = reach(at)
    g = unit * problem.grads[name]
    floor = norm(g)  # |g| |v| / sqrt(d), since |v| is near sqrt(d)
    for i in range(directions):
        for h in STEPS:
            v = direction(at.shape, rng)
            f = lambda s, v=v: problem.f(problem.values | {name: at + s * (unit * v)})  # noqa: E731
            hand = float((g * v).sum())
            numeric, scale, smooth = slope(f, h, hand, floor, problem.size)
            if smooth:
                worst = worse(worst, compared(hand, numeric, scale, f"along direction {i}"))
                break
        else:
            kinks += 1
    return Check(worst[0], directions, kinks, why=worst[1])

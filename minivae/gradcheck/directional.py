"""Is a hand-derived gradient right? Compared along random directions with a fourth-order difference of the function.

    error = |<g, v> - D_h| / max(|<g, v>|, |D_h|, |g| |v| / sqrt(d), r),   v of random signs, d coordinates
    D_h   = (8 (f(h) - f(-h)) - (f(2 h) - f(-2 h))) / (12 h),           f(s) = f(array + s v)

A right gradient gives about 1e-10 in float64. r is what rounding of f can do to D_h, over the limit: it decides where
the gradient is zero, as that of a bias in front of a BatchNorm is.

A direction in which f has a kink within 2 h is drawn again with a smaller h. A kink shows in the function alone: D_h
and D_{h/2} differ by more than smoothness allows or, for a kink at s = 0, the second difference f(h) + f(-h) - 2 f(0)
falls with h and not with h^2.
"""

import math
from typing import NamedTuple

import numpy as np

from ..backend import generator, tree_map
from .rules import broken_rules

LIMIT = 1e-7
SMOOTH = 1e-8  # relative size of either sign above which a direction is taken to cross a kink
STEPS = (1e-3, 1e-4, 1e-5)
ROUNDING = 100 * 2.2e-16  # of a sum of some hundred terms, relative


class Check(NamedTuple):
    """`error`: the worst of the directions that survived; `kinks`: how many did not."""

    error: float
    directions: int
    kinks: int

    @property
    def ok(self):
        return self.error < LIMIT and 2 * self.kinks <= self.directions


class Checks(dict):
    """{name: Check}, printed as a table; `broken`: a line for each rule of layers that was broken (see rules.py)."""

    broken = ()

    @property
    def ok(self):
        return all(check.ok for check in self.values()) and not self.broken

    def __str__(self):
        width, lines = max(map(len, self), default=0), []
        for name, check in self.items():
            kinks = f"  ({check.kinks} of {check.directions} directions cross a kink)" if check.kinks else ""
            lines.append(f"{name:<{width}}  relative error {check.error:.1e}  {'ok' if check.ok else 'NOT OK'}{kinks}")
        return "\n".join([*lines, *(f"NOT OK: {rule}" for rule in self.broken)])


def check_gradients(part, x, rng=None, *, noise=None, y=None, t=0, train=True, directions=4):
    """Check every gradient of a layer or a model, in float64, to which it is bound.

    Parameters
    ----------
    part : Layer or Model
        A layer is checked through sum(w * y) with random w, a model through each of its objectives, on the parameters
        that this trains.
    x : array, or tuple of arrays
        Its input. Integers have no gradient.
    rng : numpy.random.Generator, optional
        Of the directions, w and the noise.
    noise : optional
        As `part.draw_noise` gives it. None: drawn, or for `train=False` that of evaluation.
    y, t
        For a model: labels or condition, and the step at which schedules are read.
    directions : int
        Per parameter and input.

    Returns
    -------
    Checks
        {name: Check} of every parameter and, for a layer, of x (x0, x1, ... of a tuple); `ok`, the rules that a layer
        breaks, and all of it as text.
    """
    rng = generator(0, "gradcheck") if rng is None else rng
    part.bind("float64")
    x = tree_map(lambda a: a.astype("float64") if a.dtype.kind == "f" else a, x)
    n = len(_tuple(x)[0])
    if hasattr(part, "loss_and_grads"):
        noise = part.draw_noise(rng, n, train) if noise is None else noise
        return _check_model(part, x, rng, noise, y, t, directions)
    noise = part.draw_noise(rng, n) if noise is None and train else noise
    return _check_layer(part, x, rng, noise, directions)


def _check_layer(layer, x, rng, noise, directions):
    y, cache = layer.forward(x, noise)
    w = _random_like(y, rng)
    layer.zero_grad()
    dx = layer.backward(tree_map(np.copy, w), cache)
    if dx is None and _tuple(x)[0].dtype.kind == "f":
        raise ValueError(f"{type(layer).__name__}.backward: expected dx, got None")
    f = lambda: _dot(w, layer.forward(x, noise)[0])  # noqa: E731
    size = sum(float(abs(a * b).sum()) for a, b in zip(_tuple(w), _tuple(y), strict=True))
    checks = Checks(check_params(layer, f, rng, directions=directions, size=size))
    for i, (array, g) in enumerate(zip(_tuple(x), _tuple(dx), strict=True)):
        if array.dtype.kind == "f":
            checks[f"x{i}" if isinstance(x, tuple) else "x"] = check_array(f, array, g, rng, directions, size)
    checks.broken = broken_rules(layer, x, noise, w)
    return checks


def _check_model(model, x, rng, noise, y, t, directions):
    checks = Checks()
    for objective, prefixes in model.objectives.items():
        model.loss_and_grads(x, noise, y=y, t=t)

        def f(objective=objective):
            return float(model.loss_and_grads(x, noise, y=y, t=t, grads=False)[objective])

        checks |= check_params(model, f, rng, prefixes, directions)
    return checks


def check_array(f, array, g, rng, directions=4, size=None):
    """Check of `g` = df/d`array`: f() returns a float and reads `array`, which is moved in place and put back.

    `size` is that of the terms that f sums, which decides its rounding; None: |f|.
    """
    if not np.isfinite(g).all():
        return Check(math.inf, directions, 0)
    at, worst, kinks = array.copy(), 0.0, 0
    floor = math.sqrt(float((g * g).sum()))  # |g| |v| / sqrt(d), since |v| = sqrt(d)
    for _ in range(directions):
        for h in STEPS:
            v = rng.choice((-1.0, 1.0), size=at.shape)
            value = {}
            for s in (0.0, -2 * h, -h, -h / 2, h / 2, h, 2 * h):
                array[...] = at + s * v
                value[s] = f()
            coarse, fine = _slope(value, h), _slope(value, h / 2)
            bend = (_second(value, h) - 4 * _second(value, h / 2)) / h
            slope = float((g * v).sum())
            scale = max(abs(slope), abs(fine), floor, ROUNDING * (size or abs(value[0.0])) / h / LIMIT)
            if not math.isfinite(fine):
                worst = math.inf
                break
            if abs(coarse - fine) <= SMOOTH * scale and abs(bend) <= SMOOTH * scale:
                worst = max(worst, abs(slope - fine) / scale if scale else 0.0)
                break
        else:
            kinks += 1
    array[...] = at
    return Check(worst, directions, kinks)


def _slope(value, h):
    return (8 * (value[h] - value[-h]) - (value[2 * h] - value[-2 * h])) / (12 * h)


def _second(value, h):
    return value[h] + value[-h] - 2 * value[0.0]


def check_operation(f, f_backward, args, rng, directions=4, **data):
    """{position: Check} of every argument of a pair f(*args, **data), f_backward(g, *args, **data)."""
    y = f(*args, **data)
    w = _random_like(y, rng)
    grads = _tuple(f_backward(w, *args, **data))
    value = lambda: _dot(w, f(*args, **data))  # noqa: E731
    return {i: check_array(value, a, g, rng, directions) for i, (a, g) in enumerate(zip(args, grads, strict=True))}


def check_params(module, f, rng, prefixes=("",), directions=4, size=None):
    """{name: Check} of the bound parameters that are below one of `prefixes`; `grad` holds df/d theta."""
    grads = {name: p.grad.copy() for name, p in module.params.items()}
    names = dict.fromkeys(name for prefix in prefixes for name in module.below(prefix))
    return {name: check_array(f, module.params[name].data, grads[name], rng, directions, size) for name in names}


def _tuple(x):
    return tuple(x) if isinstance(x, tuple | list) else (x,)


def _random_like(y, rng):
    w = tuple(rng.standard_normal(part.shape) for part in _tuple(y))
    return w if isinstance(y, tuple) else w[0]


def _dot(w, y):
    return sum(float(np.sum(a * b)) for a, b in zip(_tuple(w), _tuple(y), strict=True))

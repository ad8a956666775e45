"""The fourth check, for linear layers: backward must be the transpose of forward, exactly.

    <J v, w> = <v, J' w>   for all v, w,      J v = f(v) - f(0),   J' w = backward(w)

There is no step size and no limit but rounding. Dense, convolutions, average pooling and everything that only
rearranges are linear in x, and so is any layer in evaluation whose statistics are fixed.
"""

import math

import numpy as np

from ..backend import tree_map
from .checks import Check
from .compare import compared, flaw, norm, not_finite, worse
from .problems import as_tuple, dot, random_like

LIMIT = 1e-12


def is_linear(layer, x, noise=None, rng=None):
    """Whether a bound layer is linear in x, up to a constant, as far as it is finite: J (2 u - 3 v) = 2 J u - 3 J v."""
    rng = np.random.default_rng(0) if rng is None else rng
    u, v = (random_like(x, rng) for _ in range(2))
    both = _J(layer, _map(lambda a, b: 2 * a - 3 * b, u, v), noise)
    apart = _map(lambda a, b: 2 * a - 3 * b, _J(layer, u, noise), _J(layer, v, noise))
    pairs = zip(as_tuple(both), as_tuple(apart), strict=True)
    return all(np.allclose(a, b, rtol=1e-9, atol=1e-9) or not np.isfinite(a - b).all() for a, b in pairs)


def check_adjoint(layer, x, rng, noise=None, pairs=4):
    """Check of <J v, w> = <v, J' w> at a bound layer; x (an array or a tuple of them) gives the shapes.

    Raises ValueError for a layer that is not linear in x.
    """
    if not is_linear(layer, x, noise, rng):
        raise ValueError(f"layer: expected one that is linear in x, got {type(layer).__name__}")
    worst = 0.0, ""
    for i in range(pairs):
        v = random_like(x, rng)
        y, cache = layer.forward(v, noise)
        w = random_like(y, rng)
        back = layer.backward(w, cache, accumulate=False)
        forth = _J(layer, v, noise)
        flaws = [not_finite("what forward gives", a) for a in as_tuple(forth)]
        flaws += [flaw(g, a.shape) for g, a in zip(as_tuple(back), as_tuple(v), strict=True)]
        if why := next(filter(None, flaws), ""):
            return Check(math.inf, pairs, limit=LIMIT, why=why)
        left, right = float(dot(forth, w)), float(dot(v, back))
        norms = max(norm(forth) * norm(w), norm(v) * norm(back)) or 1.0
        worst = worse(worst, compared(right, left, norms, f"for pair {i}"))
    return Check(worst[0], pairs, limit=LIMIT, why=worst[1])


def _J(layer, v, noise):
    zero = layer.forward(tree_map(np.zeros_like, v), noise)[0]
    return _map(np.subtract, layer.forward(v, noise)[0], zero)


def _map(f, a, b):
    return tuple(map(f, a, b)) if isinstance(a, tuple) else f(a, b)

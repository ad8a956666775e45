"""The fourth check, for linear layers: backward must be the transpose of forward, exactly.

    <J v, w> = <v, J' w>   for all v, w,      J v = f(v) - f(0),   J' w = backward(w)

There is no step size and no limit but rounding. Dense, convolutions, average pooling and everything that only
rearranges are linear in x, and so is any layer in evaluation whose statistics are fixed.
"""

import math

import numpy as np

from ..backend import tree_map
from .checks import Check
from .problems import as_tuple, dot, random_like

LIMIT = 1e-12


def is_linear(layer, x, noise=None, rng=None):
    """Whether a bound layer is linear in x, up to a constant: f(2 u - 3 v) - f(0) = 2 J u - 3 J v."""
    rng = np.random.default_rng(0) if rng is None else rng
    u, v = (random_like(x, rng) for _ in range(2))
    both = _J(layer, _map(lambda a, b: 2 * a - 3 * b, u, v), noise)
    apart = _map(lambda a, b: 2 * a - 3 * b, _J(layer, u, noise), _J(layer, v, noise))
    return all(np.allclose(a, b, rtol=1e-9, atol=1e-9) for a, b in zip(as_tuple(both), as_tuple(apart), strict=True))


def check_adjoint(layer, x, rng, noise=None, pairs=4):
    """Check of <J v, w> = <v, J' w> at a bound layer; x (an array or a tuple of them) gives the shapes.

    Raises ValueError for a layer that is not linear in x.
    """
    if not is_linear(layer, x, noise, rng):
        raise ValueError(f"layer: expected one that is linear in x, got {type(layer).__name__}")
    worst = 0.0
    for _ in range(pairs):
        v = random_like(x, rng)
        y, cache = layer.forward(v, noise)
        w = random_like(y, rng)
        back = layer.backward(w, cache, accumulate=False)
        forth = _J(layer, v, noise)
        left, right = dot(forth, w), dot(v, back)
        norms = math.sqrt(dot(forth, forth) * dot(w, w))
        worst = max(worst, abs(left - right) / norms if norms else abs(left - right))
    return Check(worst, pairs, limit=LIMIT)


def _J(layer, v, noise):
    zero = layer.forward(tree_map(np.zeros_like, v), noise)[0]
    return _map(np.subtract, layer.forward(v, noise)[0], zero)


def _map(f, a, b):
    return tuple(map(f, a, b)) if isinstance(a, tuple) else f(a, b)

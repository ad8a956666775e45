"""What a numeric gradient cannot see: the rules by which a layer's gradients reach the optimizer."""

import inspect

import numpy as np

from ..backend import tree_map
from .problems import as_tuple


def broken_rules(layer, x, noise, w):
    """A line for each rule that a bound layer breaks, called on x and noise, with d loss / d y = w."""
    broken = []
    x_before, w_before = tree_map(np.copy, (x, w))
    theta = layer.theta.copy()
    y, cache = layer.forward(x, noise)
    layer.zero_grad()
    dx = layer.backward(w, cache)
    once = layer.grad.copy()
    if not _equal(x, x_before):
        broken.append("forward or backward writes into x")
    if not _equal(layer.theta, theta):
        return [*broken, "forward or backward changes parameters, which only the optimizer may"]
    if not _equal(w, w_before):
        return [*broken, "backward writes into dy"]
    for name, given in (("forward", y), ("backward", dx)):
        others = {str(a.dtype) for a in as_tuple(given) if getattr(a, "dtype", None) in ("float16", "float32")}
        broken += [f"{name} returns {dtype} for float64, which no gradient check sees through" for dtype in others]
    for name, p in layer.params.items():
        if not np.shares_memory(p.grad, layer.grad):
            return [*broken, f"backward replaces {name}.grad, which the optimizer no longer sees; add to it with +="]
    layer.backward(w, cache)
    if not np.allclose(layer.grad, 2 * once, rtol=1e-9, atol=0, equal_nan=True):
        broken.append("a second backward does not add to the gradients; use +=")
    _, first = layer.forward(x, noise)
    layer.forward(tree_map(lambda a: a[::-1].copy(), x), noise)
    layer.zero_grad()
    if not _equal((layer.backward(w, first), layer.grad), (dx, once)):
        broken.append("another forward changes this one's backward; keep in the cache what it needs, not on the layer")
    before = layer.grad.copy()
    try:
        inspect.signature(layer.backward).bind(w, cache, accumulate=False, need_dx=False)
    except TypeError:
        return [*broken, "backward must take accumulate and need_dx"]
    layer.backward(w, cache, accumulate=False, need_dx=False)
    if not _equal(layer.grad, before):
        broken.append("backward(accumulate=False) changes the gradients")
    return broken


def _equal(a, b):
    """Whether nested tuples hold the same arrays, up to rounding."""
    if isinstance(a, tuple):
        return all(map(_equal, a, b))
    return a is b or np.allclose(a, b, rtol=1e-12, atol=1e-14, equal_nan=True)

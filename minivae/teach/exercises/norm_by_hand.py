"""The functions that lesson 3 asks for; and the same with switches, each of which is a mistake that people make."""

import numpy as np


def mean_square_after(q, n, std, depth):
    return q * n * std**2 * (n * std**2 / 2) ** (depth - 1)


def initial_scales(n_in, n_out):
    return np.sqrt(6 / (n_in + n_out)), np.sqrt(2 / n_in)


def layernorm_forward(x, gain, b, tiny=1e-5):
    centered = x - x.mean(axis=-1, keepdims=True)
    s = 1 / np.sqrt((centered**2).mean(axis=-1, keepdims=True) + tiny)
    u = s * centered
    return gain * u + b, u, s


def layernorm_backward(dy, u, s, gain):
    du = dy * gain
    dx = s * (du - du.mean(axis=-1, keepdims=True) - u * (du * u).mean(axis=-1, keepdims=True))
    return dx, (dy * u).sum(axis=0), dy.sum(axis=0)


def block_forward(x, W, gain, b):
    """(h, u, s) of h = relu(LayerNorm(x W))."""
    y, u, s = layernorm_forward(x @ W, gain, b)
    return np.maximum(y, 0), u, s


def block_backward(dh, x, W, gain, u, s, h):
    da, dgain, db = layernorm_backward(dh * (h > 0), u, s, gain)
    return da @ W.T, x.T @ da, dgain, db


def mean_square(q, n, std, depth, *, first=1, later=0.5, start=None, terms=1, power=2, more=0, root=1):
    """mean_square_after with other factors of the first layer and the later ones, `more` of these; or its root."""
    factor = n**terms * std**power
    return (q * (first * factor if start is None else start) * (later * factor) ** (depth - 1 + more)) ** root


def scales(n, m, *, bound=lambda n, m: np.sqrt(6 / (n + m)), std=lambda n, m: np.sqrt(2 / n)):
    """initial_scales with another bound or std."""
    return bound(n, m), std(n, m)


def forward(x, gain, b, tiny, *, center=True, axis=-1, var=lambda c, x: c**2, ddof=0, y=lambda u, gain, b: gain * u + b,
            scale=lambda v, tiny: 1 / np.sqrt(v + tiny), kept=lambda y, u, s: (u, s)):  # fmt: skip
    """layernorm_forward with another mean, variance, s or y, or with something else kept."""
    c = x - x.mean(axis=axis, keepdims=True) if center else x
    s = scale(var(c, x).mean(axis=axis, keepdims=True) * x.shape[1] / (x.shape[1] - ddof), tiny)
    s = np.broadcast_to(s, (len(x), 1)) if s.size == 1 else s
    return y(s * c, gain, b), *kept(y(s * c, gain, b), s * c, s)


def backward(dy, u, s, gain, *, direct=True, inside=True, outside=False, mean=1, spread=1, by=lambda u, s: (u, u),
             axis=-1, average=np.mean, ddof=0, power=1, dgain=lambda dy, u, gain: dy * u, db=lambda dy, gain: dy,
             total=lambda a: a.sum(axis=0)):  # fmt: skip
    """layernorm_backward with gain elsewhere, other factors of the two means, other powers of s, other dgain, db."""
    du, inner = dy * gain if direct else dy, dy * gain if inside else dy
    before, within = by(u, s)
    n = u.shape[1]
    first = mean * average(inner, axis=axis, keepdims=True)
    second = spread * before * average(inner * within, axis=axis, keepdims=True) * n / (n - ddof)
    dx = s**power * (du - first - second)
    return dx * gain if outside else dx, total(dgain(dy, u, gain)), total(db(dy, gain))


def through(dh, x, W, gain, u, s, h, *, mask=lambda h, u: h > 0, norm=layernorm_backward, dx=lambda da, W: da @ W.T,
            dW=lambda da, x, u, h: x.T @ da, late=False):  # fmt: skip
    """block_backward with another step; `late`: with ReLU after LayerNorm."""
    bend = mask(h, u)
    da, dgain, db = norm(dh if late else dh * bend, u, s, gain)
    da = da * bend if late else da
    return dx(da, W), dW(da, x, u, h), dgain, db


def half_masked(dh, x, W, gain, u, s, h):
    """block_backward that forgets ReLU in dgain and db."""
    dx, dW, _, _ = block_backward(dh, x, W, gain, u, s, h)
    return dx, dW, *layernorm_backward(dh, u, s, gain)[1:]

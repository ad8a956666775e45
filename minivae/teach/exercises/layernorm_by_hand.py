"""The functions that lesson 3 asks for; and the same with switches, each of which is a mistake that people make."""

import numpy as np


def layernorm_forward(x, gain, b, tiny=1e-5):
    centered = x - x.mean(axis=-1, keepdims=True)
    s = 1 / np.sqrt((centered**2).mean(axis=-1, keepdims=True) + tiny)
    u = s * centered
    return gain * u + b, u, s


def layernorm_backward(dy, u, s, gain):
    du = dy * gain
    return s * (du - mean(du) - u * mean(du * u)), (dy * u).sum(axis=0), dy.sum(axis=0)


def block(x, W, gain, b, tiny=1e-5):
    """(h, u, s) of h = relu(LayerNorm(x W))."""
    y, u, s = layernorm_forward(x @ W, gain, b, tiny)
    return np.maximum(y, 0), u, s


def block_backward(dh, x, W, gain, u, s, h):
    da, dgain, db = layernorm_backward(dh * (h > 0), u, s, gain)
    return da @ W.T, x.T @ da, dgain, db


def mean(a, axis=-1):
    return a.mean(axis=axis, keepdims=True)


def across(a):
    """Means of the rows, laid along the columns, where there are as many."""
    return mean(a).T if a.shape[0] == a.shape[1] else mean(a)


def mean_square(q, n, std, depth, *, first=1, half=0.5, more=0, power=2, root=1):
    """mean_square_after with another factor of the first layer, or of the others, or so many of these more."""
    gain = n * std**power
    return (q * gain * first * (gain * half) ** (depth - 1 + more)) ** root


def scales(n, m, *, bound=lambda n, m: 6 / (n + m), std=lambda n, m: 2 / n, root=0.5, he_root=0.5):
    """initial_scales with another square of the bound, another variance, or without their roots."""
    return bound(n, m) ** root, std(n, m) ** he_root


def forward(x, gain, b, tiny, *, center=1, var=lambda c, axis: mean(c**2, axis), axis=-1,
            s=lambda v, tiny: 1 / np.sqrt(v + tiny), y=lambda u, gain, b: gain * u + b):  # fmt: skip
    """A LayerNorm with another part."""
    c = x - center * mean(x, axis)
    scale = s(var(c, axis), tiny)
    return y(c * scale, gain, b), c * scale, scale + np.zeros((len(x), 1)) if scale.size == 1 else scale


def backward(dy, u, s, gain, *, du=lambda dy, gain: dy * gain, first=mean, second=lambda du, u: u * mean(du * u),
             power=1, outer=lambda gain: 1, dgain=lambda dy, u, gain: (dy * u).sum(axis=0),
             db=lambda dy, gain: dy.sum(axis=0)):  # fmt: skip
    """Its backward with another part: dx is s to a power, times du less two terms."""
    d = du(dy, gain)
    return s**power * outer(gain) * (d - first(d) - second(d, u)), dgain(dy, u, gain), db(dy, gain)


def through(dh, x, W, gain, u, s, h, *, mask=lambda dh, u, h: dh * (h > 0), norm=layernorm_backward,
            late=lambda da, h: da, dx=lambda da, W: da @ W.T, dW=lambda da, x, u, h: x.T @ da):  # fmt: skip
    """A block's backward with another part."""
    da, dgain, db = norm(mask(dh, u, h), u, s, gain)
    da = late(da, h)
    return dx(da, W), dW(da, x, u, h), dgain, db

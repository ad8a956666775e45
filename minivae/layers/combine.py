"""Layers that only rearrange, and layers made of layers."""

import math

import numpy as np

from ..backend import array_module, unbroadcast
from ..kernels import over_fused
from ..params import Param, State
from .base import Layer


class Reshape(Layer):
    """(N, anything) -> (N, *shape): Reshape(h, w, c) turns rows into images, Reshape(h * w * c) images into rows."""

    def __init__(self, *shape):
        self.shape = shape
        self.n_in = math.prod(shape)

    def forward(self, x, noise=None):
        return x.reshape(len(x), *self.shape), x.shape

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        return dy.reshape(cache)


class Split(Layer):
    """(..., n * m) -> a tuple of n arrays (..., m): a Gaussian encoder ends in Split(2), (mu, log_var).

    Every input goes to one output only, so the gradient is the outputs' gradients put side by side again.
    """

    def __init__(self, n):
        self.n = n

    def forward(self, x, noise=None):
        m = _width(x, self.n)
        return tuple(x[..., i * m : (i + 1) * m] for i in range(self.n)), None

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        return array_module(dy[0]).concatenate(dy, axis=-1)


class Join(Layer):
    """A tuple of arrays beside each other along the last axis, the mirror of Split: a condition beside the input.

    (x (K, N, n), y (N, m)) -> (K, N, n + m): earlier axes broadcast, and the gradient sums over those that did.
    """

    def forward(self, x, noise=None):
        xp, shapes = array_module(x[0]), [part.shape for part in x]
        lead = np.broadcast_shapes(*(shape[:-1] for shape in shapes))
        return xp.concatenate([xp.broadcast_to(part, (*lead, part.shape[-1])) for part in x], axis=-1), shapes

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        dx, start = [], 0
        for shape in cache:
            stop = start + shape[-1]
            dx.append(unbroadcast(dy[..., start:stop], shape))
            start = stop
        return tuple(dx)


class Blocks(Layer):
    """Image channels to flat blocks, as likelihoods read them: (N, h, w, n * c) -> (N, n * h * w * c).

    For a Gaussian with n = 2, channels (mu of c channels, log_var of c channels) become all of mu, then all of log_var.
    """

    def __init__(self, n):
        self.n = n

    def forward(self, x, noise=None):
        N, h, w, c = x.shape
        y = x.reshape(N, h * w, self.n, _width(x, self.n)).transpose(0, 2, 1, 3)  # (N, n, h * w, c)
        return y.reshape(N, h * w * c), x.shape

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        N, h, w, c = cache
        dx = dy.reshape(N, self.n, h * w, c // self.n).transpose(0, 2, 1, 3)  # (N, h * w, n, c // n)
        return dx.reshape(cache)


class Sequential(Layer):
    """y = layers[-1](... layers[0](x)). The cache is the list of the layers' caches, in call order.

    Backward is the chain rule read from the end: each layer turns d loss / d (its output) into d loss / d (its input).
    """

    def __init__(self, *layers):
        self.layers = list(layers)
        self.n_in = layers[0].n_in if layers else None
        # below the first layer that learns nobody needs a gradient, unless x does
        self.first_learning = next((i for i, layer in enumerate(layers) if layer.named((Param, State))), len(layers))

    def draw_noise(self, rng, n):
        noise = [layer.draw_noise(rng, n) for layer in self.layers]
        return None if all(part is None for part in noise) else noise

    @over_fused
    def forward(self, x, noise=None):
        caches = []
        for i, layer in enumerate(self.layers):
            x, cache = layer.forward(x, None if noise is None else noise[i])
            caches.append(cache)
        return x, caches

    @over_fused
    def backward(self, dy, cache, accumulate=True, need_dx=True):
        last = 0 if need_dx else self.first_learning
        for i in range(len(self.layers) - 1, last - 1, -1):
            dy = self.layers[i].backward(dy, cache[i], accumulate, need_dx or i > last)
            if dy is None and i > last:
                raise ValueError(f"{type(self.layers[i]).__name__}.backward: expected dx, got None")
        return dy if need_dx else None


class Residual(Layer):
    """y = skip(x) + f(x), f the given layers; skip None is the identity (He et al. 2016, eq. 1 and 2).

    Both branches get dy, and x the sum of what they send back: some gradient always arrives, however deep f is.
    """

    def __init__(self, *layers, skip=None):
        self.body, self.skip = Sequential(*layers), Sequential(*([] if skip is None else [skip]))
        self.n_in = self.body.n_in

    def draw_noise(self, rng, n):
        noise = self.body.draw_noise(rng, n), self.skip.draw_noise(rng, n)
        return None if noise == (None, None) else noise

    def forward(self, x, noise=None):
        in_body, in_skip = (None, None) if noise is None else noise
        f, c_body = self.body.forward(x, in_body)
        same, c_skip = self.skip.forward(x, in_skip)
        if f.shape != same.shape:
            raise ValueError(f"Residual: expected layers that keep the shape {same.shape[1:]}, got {f.shape[1:]}")
        return same + f, (c_body, c_skip)

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        dx_body = self.body.backward(dy, cache[0], accumulate, need_dx)
        dx_skip = self.skip.backward(dy, cache[1], accumulate, need_dx)
        return dx_body + dx_skip if need_dx else None


class Network(Sequential):
    """The outermost Sequential: folds leading axes, x (..., n_in) -> (-1, n_in), and unfolds what comes out.

    So z (K, N, L), K samples for each of N examples, goes through the same layers as z (N, L).
    """

    def forward(self, x, noise=None):
        lead = x.shape[:-1]
        y, caches = super().forward(x.reshape(-1, x.shape[-1]), noise)
        return _each(lambda part: part.reshape(*lead, *part.shape[1:]), y), (lead, caches)

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        lead, caches = cache
        dy = _each(lambda part: part.reshape(-1, *part.shape[len(lead) :]), dy)
        dx = super().backward(dy, caches, accumulate, need_dx)
        return dx.reshape(*lead, dx.shape[-1]) if need_dx else None


def _each(f, y):
    return tuple(map(f, y)) if isinstance(y, tuple) else f(y)


def _width(x, n):
    """m of x (..., n * m); ValueError unless it is whole."""
    m, rest = divmod(x.shape[-1], n)
    if rest:
        raise ValueError(f"x: expected a multiple of {n} columns or channels, got {x.shape[-1]}")
    return m

"""Layers that only rearrange numbers, and layers made of layers.

What only rearranges sends each number to one place, so its backward puts each gradient back where the number was.
"""

import math

import numpy as np

from ..backend import array_module, unbroadcast
from ..kernels import over_fused
from ..numeric import cut, side_by_side
from ..options import each, sizes, whole
from ..params import Constant, Param, State
from .base import Layer


class Reshape(Layer):
    """x (N, ...) -> y (N, *shape), the same numbers in the same order.

    Reshape(h, w, c) makes images (N, h, w, c) of rows (N, h * w * c), and Reshape(h * w * c) rows of images.
    """

    def __init__(self, *shape):
        self.shape = tuple(each(whole(1))("shape", shape))
        self.n_in = math.prod(self.shape)

    def forward(self, x, noise=None):
        return x.reshape(len(x), *self.shape), x.shape

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        return dy.reshape(cache)


class Split(Layer):
    """x (..., n * m) -> a tuple of n arrays (..., m), one after another along the last axis.

    A Gaussian encoder ends in Split(2), which gives (mu, log_var). Split([4, 4, 9]) cuts x (..., 17) into parts of
    these widths.
    """

    def __init__(self, n):
        if isinstance(n, list | tuple):
            self.widths = each(whole(1))("n", n)
            self.n_in = sum(self.widths)
        else:
            (self.n,) = sizes(n=n)
            self.widths = None

    def forward(self, x, noise=None):
        widths = [_width(x, self.n)] * self.n if self.widths is None else self.widths
        if x.shape[-1] != sum(widths):
            raise ValueError(f"x: expected {sum(widths)} columns, got {x.shape[-1]}")
        return tuple(cut(x, widths)), None

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        # forward cut the last axis, so now the n gradients (..., m) are put side by side again
        return side_by_side(dy)


class Join(Layer):
    """A tuple of arrays is put side by side along the last axis, such as an input and its condition: Split's mirror.

    x, a tuple of arrays (..., n_i) -> y (..., sum of n_i). Earlier axes broadcast: of z (K, N, n) and c (N, m) it makes
    (K, N, n + m).
    """

    def forward(self, x, noise=None):
        xp = array_module(x[0])
        shapes = [part.shape for part in x]
        lead = np.broadcast_shapes(*(shape[:-1] for shape in shapes))
        return xp.concatenate([xp.broadcast_to(part, (*lead, part.shape[-1])) for part in x], axis=-1), shapes

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        dx = []
        start = 0
        for shape in cache:
            stop = start + shape[-1]
            # forward copied a part along the axes in which it was broadcast, so now its gradient is the sum over them
            dx.append(unbroadcast(dy[..., start:stop], shape))
            start = stop
        return tuple(dx)


class Columns(Layer):
    """The first n of L columns, x (..., L) -> y (..., n): a decoder of z1 alone, where z is [z1, z2, ...]."""

    def __init__(self, n, L):
        self.n, self.n_in = sizes(n=n, L=L)
        if self.n > self.n_in:
            raise ValueError(f"n: expected at most L = {L} columns, got {n}")

    def forward(self, x, noise=None):
        return x[..., : self.n], None

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        # forward left the other columns out, so now they get 0
        dx = array_module(dy).zeros((*dy.shape[:-1], self.n_in), dy.dtype)
        dx[..., : self.n] = dy
        return dx


class Take(Layer):
    """Some of L columns, by their indices (n,): x (..., L) -> y (..., n)."""

    def __init__(self, indices, L):
        (self.n_in,) = sizes(L=L)
        self.indices = Constant(each(whole(0, self.n_in - 1))("indices", indices))

    def forward(self, x, noise=None):
        return x[..., _whole(self.indices)], None

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        # forward left the other columns out, so now they get 0
        return _spread(dy, _whole(self.indices), self.n_in)


class Put(Layer):
    """Columns go to their indices (n,) among L, the others are 0: x (..., n) -> y (..., L), the mirror of Take."""

    def __init__(self, indices, L):
        (self.L,) = sizes(L=L)
        self.indices = Constant(each(whole(0, self.L - 1))("indices", indices))
        self.n_in = len(self.indices.data)

    def forward(self, x, noise=None):
        return _spread(x, _whole(self.indices), self.L), None

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        return dy[..., _whole(self.indices)]


class Blocks(Layer):
    """Channels of images become blocks of rows, as likelihoods read them: x (N, h, w, n * c) -> y (N, n * h * w * c).

    A Gaussian has n = 2: the first c channels are mu, the others log_var. In a row of y all of mu comes first, then all
    of log_var.
    """

    def __init__(self, n):
        (self.n,) = sizes(n=n)

    def forward(self, x, noise=None):
        N, h, w, c = x.shape
        y = x.reshape(N, h * w, self.n, _width(x, self.n)).transpose(0, 2, 1, 3)  # (N, n, h * w, c)
        return y.reshape(N, h * w * c), x.shape

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        N, h, w, c = cache  # the shape of x, with all channels
        dx = dy.reshape(N, self.n, h * w, c // self.n).transpose(0, 2, 1, 3)  # (N, h * w, n, c // n)
        return dx.reshape(cache)


class Sequential(Layer):
    """Layers one after another: y = layers[-1](... layers[0](x)). Shapes are those of the first and the last layer.

    The cache is the list of the layers' caches, in call order. Backward is the chain rule, read from the end: each
    layer turns the gradient of its output into the gradient of its input.
    """

    def __init__(self, *layers):
        self.layers = list(layers)
        self.n_in = layers[0].n_in if layers else None
        # the layers before the first one that learns need no gradient, unless x does
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
        # forward went from layer 0 upwards, so now dy comes down to layer 0, or to the first layer that learns
        last = 0 if need_dx else self.first_learning
        for i in range(len(self.layers) - 1, last - 1, -1):
            dy = self.layers[i].backward(dy, cache[i], accumulate, need_dx or i > last)
            if dy is None and i > last:
                raise ValueError(f"{type(self.layers[i]).__name__}.backward: expected dx, got None")
        return dy if need_dx else None


class Residual(Layer):
    """y = skip(x) + f(x), f the given layers; skip None is the identity (He et al. 2016, eq. 1 and 2).

    x (N, ...) -> y in the shape of f(x), which skip(x) must have as well. However deep f is, a gradient comes to x
    through skip.
    """

    def __init__(self, *layers, skip=None):
        self.body = Sequential(*layers)
        self.skip = Sequential(*([] if skip is None else [skip]))
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
        # forward added two functions of x, so now both get dy, and dx is the sum of what they send back
        dx_body = self.body.backward(dy, cache[0], accumulate, need_dx)
        dx_skip = self.skip.backward(dy, cache[1], accumulate, need_dx)
        return dx_body + dx_skip if need_dx else None


class Network(Sequential):
    """The outermost Sequential: x (..., n_in) -> y (..., n_out), or a tuple of such arrays, with any leading axes.

    They are folded into one before the layers, and unfolded behind them. So z (K, N, L), K samples for each of N
    examples, goes through the same layers as z (N, L).
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
    """f of an array, or of each array in a tuple."""
    return tuple(map(f, y)) if isinstance(y, tuple) else f(y)


def _whole(indices):
    return indices.data.astype("int64")


def _spread(a, indices, L):
    """Columns (..., n) at their indices among L, and zeros."""
    y = array_module(a).zeros((*a.shape[:-1], L), a.dtype)
    y[..., indices] = a
    return y


def _width(x, n):
    """m of x (..., n * m); ValueError unless it is whole."""
    m, rest = divmod(x.shape[-1], n)
    if rest:
        raise ValueError(f"x: expected a multiple of {n} columns or channels, got {x.shape[-1]}")
    return m

"""Normalization: y = gain * u + b, u = (x - mean) / sqrt(var + tiny). The layers differ in what the mean is taken over.

With s = 1 / sqrt(var + tiny), u depends on x directly, through the mean and through the variance: one term for each.

    du_i / dx_j = s (1[i = j] - 1/n - u_i u_j / n),    so    dx = s (du - mean(du) - u mean(du u))
"""

import math

import numpy as np

from ..backend import array_module
from ..numeric import sum_rows
from ..options import real, sizes
from ..params import Param, State
from .base import Layer


def mean_over(axis):
    """The mean over `axis`, which stays with length 1."""
    return lambda x: x.mean(axis=axis, keepdims=True)


def standardize(x, mean_of, tiny):
    """(u, s, mean, var): u in the shape of x; the others are means `mean_of` an array of that shape."""
    mean = mean_of(x)
    u = x - mean
    var = mean_of(u * u)
    s = 1 / array_module(x).sqrt(var + tiny)
    u *= s
    return u, s, mean, var


def standardize_backward(du, u, s, mean_of):
    """dx, with the u and s that `standardize` gave.   du, u (...) -> dx (...)."""
    # forward took off the mean and divided by the std, so now du loses its mean and its part along u, times s
    dx = du - mean_of(du)
    dx -= u * mean_of(du * u)
    dx *= s
    return dx


def in_lines(x):
    """x (N, .., w, n) as (N, .., w n): NumPy goes along rows of w n numbers faster than along rows of n."""
    return x if x.ndim < 3 else x.reshape(*x.shape[:-2], x.shape[-2] * x.shape[-1])


def along(a, x):
    """a (..., n), numbers of channels, w times over as `in_lines(x)` has them: (..., w n)."""
    return a if x.ndim < 3 else array_module(a).tile(a, x.shape[-2])


class _Norm(Layer):
    """What all share: gain (n,) and b (n,), one number of each per feature or channel, which are the last axis of x."""

    def __init__(self, n, tiny=1e-5):
        (n,) = sizes(n=n)
        self.gain = Param(np.ones(n), decay=False)
        self.b = Param(np.zeros(n), decay=False)
        self.tiny = real(closed=True)("tiny", tiny)

    def _rescale(self, u):
        y = in_lines(u) * along(self.gain.data, u)
        y += along(self.b.data, u)
        return y.reshape(u.shape)

    def _rescale_backward(self, dy, u, accumulate):
        """du (..., n) of dy (..., n), and the gradients of gain and b."""
        # forward was y = gain u + b in every row, so now du = gain dy, and dgain = sum dy u, db = sum dy over the rows
        if accumulate:
            self.gain.grad += sum_rows(dy * u)
            self.b.grad += sum_rows(dy)
        return (in_lines(dy) * along(self.gain.data, dy)).reshape(dy.shape)


class LayerNorm(_Norm):
    """Mean and variance over the last axis (Ba et al. 2016, eq. 4).

    x (..., n) has n features or channels, and so has y (..., n); gain, b (n,); s (..., 1). Every row is normalized by
    itself, so two populations may share the layer.
    """

    def forward(self, x, noise=None):
        u, s, _, _ = standardize(x, mean_over(-1), self.tiny)
        return self._rescale(u), (u, s)

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        u, s = cache
        du = self._rescale_backward(dy, u, accumulate)
        return standardize_backward(du, u, s, mean_over(-1)) if need_dx else None


class GroupNorm(_Norm):
    """Mean and variance over all pixels and one of `groups` equal groups of channels (Wu & He 2018, eq. 7).

    x (N, ..., n) are rows or images of n channels, and so are y (N, ..., n); gain, b (n,). Every example is normalized
    by itself, as in LayerNorm.
    """

    def __init__(self, n, groups, tiny=1e-5):
        n, groups = sizes(n=n, groups=groups)
        if n % groups:
            raise ValueError(f"groups: expected a divisor of n = {n} channels, got {groups}")
        super().__init__(n, tiny)
        self.groups = groups

    def forward(self, x, noise=None):
        u, s, _, _ = standardize(in_lines(x), self._mean_of(x.shape), self.tiny)
        u = u.reshape(x.shape)
        return self._rescale(u), (u, s)

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        u, s = cache
        du = self._rescale_backward(dy, u, accumulate)
        if not need_dx:
            return None
        dx = standardize_backward(in_lines(du), in_lines(u), s, self._mean_of(dy.shape))
        return dx.reshape(dy.shape)

    def _mean_of(self, shape):
        """f: lines (N, .., w n) of x (N, ..., n) -> (N, 1, .., w n), at each channel its group's mean in an example."""
        N, n = shape[0], shape[-1]
        pixels, size = math.prod(shape[1:-1]), n // self.groups

        def mean_of(lines):
            xp = array_module(lines)
            share = xp.full((1, pixels), 1 / (pixels * size), lines.dtype)
            mean = (share @ lines.reshape(N, pixels, n)).reshape(N, self.groups, size).sum(axis=-1)  # (N, groups)
            mean = xp.tile(xp.repeat(mean, size, axis=1), lines.shape[-1] // n)
            return mean.reshape(N, *[1] * (lines.ndim - 2), lines.shape[-1])

        return mean_of


class BatchNorm(_Norm):
    """Mean and variance over all axes but the last (Ioffe & Szegedy 2015, algorithms 1 and 2).

    x (..., n) are rows or images of n channels, and so are y (..., n); gain, b and the states `mean`, `var` are (n,).
    Its noise is True: take the statistics of this batch. Each backward pulls the states towards them (the variance
    unbiased), by `rate` a step; without noise, in evaluation, the states stand in their place.

    A batch of one row is its own mean: u = 0, so y = b whatever x is, dx = 0, and the states stay. A batch of one image
    has its pixels. Not for a network that sees two populations in one step (data and pseudo-inputs, real and
    fake): the states would fit neither.
    """

    def __init__(self, n, rate=0.1, tiny=1e-5):
        super().__init__(n, tiny)
        self.mean = State(np.zeros(self.b.data.shape), rate)
        self.var = State(np.ones(self.b.data.shape), rate)

    def draw_noise(self, rng, n):
        return True

    def forward(self, x, noise=None):
        if noise is None:
            s = 1 / array_module(x).sqrt(self.var.data + self.tiny)
            u = (x - self.mean.data) * s
            return self._rescale(u), (u, s, None)
        if x.size == 0:
            raise ValueError("x: expected at least one example, whose mean BatchNorm needs, got none")
        u, s, mean, var = standardize(x, mean_over(tuple(range(x.ndim - 1))), self.tiny)
        return self._rescale(u), (u, s, (mean, var))

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        u, s, batch = cache
        du = self._rescale_backward(dy, u, accumulate)
        if batch is None:  # forward was u = (x - mean) s with constants, so now dx = s du
            return du * s
        rows = u.size // u.shape[-1]  # examples, or the pixels of all images
        if accumulate and rows > 1:
            mean, var = batch
            self.mean.pull_towards(mean.reshape(-1))
            self.var.pull_towards(var.reshape(-1) * (rows / (rows - 1)))
        return standardize_backward(du, u, s, mean_over(tuple(range(dy.ndim - 1)))) if need_dx else None

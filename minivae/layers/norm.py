"""Normalization: y = gain * u + b, u = (x - mean) / sqrt(var + tiny). The layers differ in what the mean is taken over.

With s = 1 / sqrt(var + tiny), u depends on x directly, through the mean, and through the variance, one term each:

    du_i / dx_j = s (1[i = j] - 1/n - u_i u_j / n),    so    dx = s (du - mean(du) - u mean(du u))
"""

import math

import numpy as np

from ..backend import array_module
from ..numeric import sum_rows
from ..params import Param, State
from .base import Layer


def standardize(x, axis, tiny):
    """(u, s, mean, var) of x over `axis`, which stays as 1."""
    mean = x.mean(axis=axis, keepdims=True)
    centered = x - mean
    var = (centered * centered).mean(axis=axis, keepdims=True)
    s = 1 / array_module(x).sqrt(var + tiny)
    return centered * s, s, mean, var


def standardize_backward(du, u, s, axis):
    """dx of the u that `standardize` gave."""
    return s * (du - du.mean(axis=axis, keepdims=True) - u * (du * u).mean(axis=axis, keepdims=True))


class _Norm(Layer):
    """What all share: gain and b, one of each per feature or channel, the last axis."""

    def __init__(self, n, tiny=1e-5):
        self.gain = Param(np.ones(n), decay=False)
        self.b = Param(np.zeros(n), decay=False)
        self.tiny = tiny

    def _rescale(self, u):
        return self.gain.data * u + self.b.data

    def _rescale_backward(self, dy, u, accumulate):
        """du = gain dy, and the gradients of gain and b."""
        if accumulate:
            self.gain.grad += sum_rows(dy * u)
            self.b.grad += sum_rows(dy)
        return dy * self.gain.data


class LayerNorm(_Norm):
    """Mean and variance over the last axis (Ba et al. 2016, eq. 4).

    x (..., n) -> y (..., n); gain, b (n,). Every example is normalized by itself, so two populations may share it.
    """

    def forward(self, x, noise=None):
        u, s, _, _ = standardize(x, -1, self.tiny)
        return self._rescale(u), (u, s)

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        u, s = cache
        du = self._rescale_backward(dy, u, accumulate)
        return standardize_backward(du, u, s, -1) if need_dx else None


class GroupNorm(_Norm):
    """Mean and variance over all pixels and one of `groups` equal groups of channels (Wu & He 2018, eq. 7).

    x (N, ..., n) -> y (N, ..., n); gain, b (n,). Every example by itself, as in LayerNorm.
    """

    def __init__(self, n, groups, tiny=1e-5):
        if groups < 1 or n % groups:
            raise ValueError(f"groups: expected a divisor of the {n} channels, got {groups}")
        super().__init__(n, tiny)
        self.groups = groups

    def forward(self, x, noise=None):
        u, s, _, _ = standardize(self._grouped(x), (1, 3), self.tiny)
        u = u.reshape(x.shape)
        return self._rescale(u), (u, s)

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        u, s = cache
        du = self._rescale_backward(dy, u, accumulate)
        if not need_dx:
            return None
        return standardize_backward(self._grouped(du), self._grouped(u), s, (1, 3)).reshape(dy.shape)

    def _grouped(self, x):
        pixels = math.prod(x.shape[1:-1])
        return x.reshape(len(x), pixels, self.groups, x.shape[-1] // self.groups)


class BatchNorm(_Norm):
    """Mean and variance over all axes but the last; running ones without noise (Ioffe & Szegedy 2015, algorithm 1).

    x (..., n) -> y (..., n); gain, b (n,). Its noise is True: use the statistics of this batch, towards which each
    backward pulls the states `mean` and `var`, the latter unbiased, by `rate` a step. Never in a network that sees two
    populations in one step (data and pseudo-inputs, real and fake): the running statistics would fit neither.
    """

    def __init__(self, n, rate=0.1, tiny=1e-5):
        super().__init__(n, tiny)
        self.mean = State(np.zeros(n), rate)
        self.var = State(np.ones(n), rate)

    def draw_noise(self, rng, n):
        return True

    def forward(self, x, noise=None):
        if noise is None:
            s = 1 / array_module(x).sqrt(self.var.data + self.tiny)
            u = (x - self.mean.data) * s
            return self._rescale(u), (u, s, None)
        if x.size == 0:
            raise ValueError("x: expected at least one example, whose mean BatchNorm needs, got none")
        u, s, mean, var = standardize(x, tuple(range(x.ndim - 1)), self.tiny)
        return self._rescale(u), (u, s, (mean, var))

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        u, s, batch = cache
        du = self._rescale_backward(dy, u, accumulate)
        if batch is None:  # the running statistics are constants
            return du * s
        n = u.size // u.shape[-1]
        if accumulate and n > 1:
            mean, var = batch
            self.mean.pull_towards(mean.reshape(-1))
            self.var.pull_towards(var.reshape(-1) * (n / (n - 1)))
        return standardize_backward(du, u, s, tuple(range(dy.ndim - 1))) if need_dx else None

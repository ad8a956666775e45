"""Normalization layers."""

import numpy as np

from ..backend import array_module
from ..params import Param
from .base import Layer


class LayerNorm(Layer):
    """y = gain * u + b, u = (x - mean(x)) / sqrt(var(x) + tiny), over the last axis (Ba et al. 2016, eq. 4).

    x (..., n) -> y (..., n); gain, b (n,). Every example is normalized by itself, so two populations may share it.
    """

    def __init__(self, n, tiny=1e-5):
        self.gain = Param(np.ones(n))
        self.b = Param(np.zeros(n))
        self.tiny = tiny

    def forward(self, x, noise=None):
        centered = x - x.mean(axis=-1, keepdims=True)
        var = (centered * centered).mean(axis=-1, keepdims=True)
        inv_std = 1 / array_module(x).sqrt(var + self.tiny)  # (..., 1)
        u = centered * inv_std  # (..., n)
        return self.gain.data * u + self.b.data, (u, inv_std)

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        u, inv_std = cache
        if accumulate:
            lead = tuple(range(dy.ndim - 1))
            self.gain.grad += (dy * u).sum(axis=lead)
            self.b.grad += dy.sum(axis=lead)
        if not need_dx:
            return None
        du = dy * self.gain.data
        # u depends on x directly, through the mean, and through the variance: one term each. With s = inv_std,
        # du_i/dx_j = s (1[i = j] - 1/n - u_i u_j / n), and dx_j = sum_i du_i du_i/dx_j
        du_mean, duu_mean = du.mean(axis=-1, keepdims=True), (du * u).mean(axis=-1, keepdims=True)
        return inv_std * (du - du_mean - u * duu_mean)

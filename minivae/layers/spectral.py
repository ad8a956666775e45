"""Spectral normalization (Miyato et al. 2018, 1802.05957): a layer that cannot stretch, for critics.

The spectral norm of a matrix is its largest singular value sigma, the most that it stretches a row. Divided by it,
W stretches by 1 at most; between layers that do not stretch either, such as LeakyReLU, so does the whole critic: what
it says of two inputs differs by at most their distance.
"""

import numpy as np

from ..backend import array_module
from ..params import State
from .base import Layer
from .conv import Conv2d
from .dense import Dense


class Spectral(Layer):
    """y = x (W / sigma) + b, W and b those of `layer`, a Dense or a Conv2d   (eq. 8).

    As a matrix W has n rows, n_in or kh kw c_in, and m columns, n_out or c_out. sigma = u' W v, where the states u (n,)
    and v (m,), unit vectors, follow the first singular vectors: forward reads them, and each backward pulls them to the
    next iterate, one power iteration a step (algorithm 1). They depend on no data, so several backwards in one step
    pull to the same vectors. Of a convolution, sigma is the norm on patches; an image, in which k patches share a
    pixel, is stretched by at most sqrt(k).
    """

    def __init__(self, layer):
        if not isinstance(layer, Dense | Conv2d):
            raise ValueError(f"layer: expected a Dense or a Conv2d, got {type(layer).__name__}")
        self.n_in = layer.n_in
        self.layer = layer
        left, _, right = np.linalg.svd(self._matrix(layer.W.data), full_matrices=False)
        self.u = State(left[:, 0], 1.0)
        self.v = State(right[0], 1.0)

    def forward(self, x, noise=None):
        sigma = (_down(self.u.data, self._matrix(self.layer.W.data)) * self.v.data).sum()
        y, cache = self.layer.forward(x / sigma)  # (x / sigma) W is x (W / sigma)
        return y, (y, sigma, cache)

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        y, sigma, cache = cache
        dx = self.layer.backward(dy, cache, accumulate, need_dx)  # of x / sigma; W gets its direct part, G / sigma
        if accumulate:
            # forward divided x W by sigma, so dsigma = -sum dy (x W) / sigma^2, in which x W / sigma = y - b;
            # and sigma = sum_ij u_i W_ij v_j, so now dW_ij = G_ij / sigma + dsigma u_i v_j
            dsigma = -((y - self.layer.b.data) * dy).sum() / sigma
            W, dW = self._matrix(self.layer.W.data), self._matrix(self.layer.W.grad)  # views
            dW += (dsigma * self.u.data)[:, None] * self.v.data
            v = _unit(_down(self.u.data, W))
            self.v.pull_towards(v)
            self.u.pull_towards(_unit((W * v).sum(axis=1)))
        return dx / sigma if need_dx else None

    def _matrix(self, W):
        """A view of W, (n, m)."""
        return W.reshape(-1, W.shape[-1])


def _down(u, W):
    """u' W (m,), a sum: the product of a matrix and a vector may warn of values that are not there (numpy #24067)."""
    return (u[:, None] * W).sum(axis=0)


def _unit(a):
    """a / |a|, a (n,)."""
    return a / array_module(a).sqrt((a * a).sum())

"""The dense layer: one matrix product forward, two backward."""

import numpy as np

from ..params import Param
from .base import Layer
from .initialize import glorot


class Dense(Layer):
    """y = x W + b.   x (N, n_in), W (n_in, n_out), b (n_out,) -> y (N, n_out)."""

    def __init__(self, n_in, n_out, rng, init=glorot):
        self.n_in = n_in
        self.W = Param(init(rng, (n_in, n_out), n_in, n_out))
        self.b = Param(np.zeros(n_out))

    def forward(self, x, noise=None):
        y = x @ self.W.data
        y += self.b.data
        return y, x

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        x = cache
        if accumulate:
            self.W.grad += x.T @ dy  # dW_ij = sum_n x_ni dy_nj
            self.b.grad += dy.sum(axis=0)
        return dy @ self.W.data.T if need_dx else None

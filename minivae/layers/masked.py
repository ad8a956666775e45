"""A dense layer in which some inputs cannot reach some outputs: what autoregressive networks are made of."""

import numpy as np

from ..numeric import sum_rows
from ..params import Constant, Param
from .base import Layer
from .initialize import glorot


class MaskedDense(Layer):
    """y = x (W * mask) + b.   x (N, n_in), mask and W (n_in, n_out), b (n_out,) -> y (N, n_out).

    Where the mask is 0 output j does not depend on input i, whatever W is (Germain et al. 2015, MADE, eq. 8).
    """

    def __init__(self, mask, rng, scale=1.0):
        mask = np.asarray(mask, "float32")
        n_in, n_out = mask.shape
        self.n_in = n_in
        self.mask = Constant(mask)
        self.W = Param(scale * glorot(rng, mask.shape, n_in, n_out))
        self.b = Param(np.zeros(n_out), decay=False)

    def forward(self, x, noise=None):
        return x @ (self.W.data * self.mask.data) + self.b.data, x

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        x = cache
        if accumulate:
            self.W.grad += self.mask.data * (x.T @ dy)  # y depends on W_ij only where the mask is 1
            self.b.grad += sum_rows(dy)
        return dy @ (self.W.data * self.mask.data).T if need_dx else None

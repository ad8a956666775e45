"""The dense layer: one matrix product forward, two backward."""

import numpy as np

from ..kernels import fused
from ..numeric import sum_rows
from ..options import sizes
from ..params import Param
from .base import Layer
from .initialize import glorot


@fused
class Dense(Layer):
    """y = x W + b: every output is a weighted sum of all inputs.

    x (N, n_in) has one row per example, and so has y (N, n_out). W (n_in, n_out) has one column per output, b (n_out,)
    one number per output.
    """

    def __init__(self, n_in, n_out, rng, init=glorot):
        n_in, n_out = sizes(n_in=n_in, n_out=n_out)
        self.n_in = n_in
        self.W = Param(init(rng, (n_in, n_out), n_in, n_out))
        self.b = Param(np.zeros(n_out), decay=False)

    def _product(self, x):
        """x W, (N, n_out), still without b: a kernel adds b together with the next activation, see `kernels`."""
        return x @ self.W.data

    def add_b(self, y):
        """y (N, n_out) += b, in place."""
        y += self.b.data

    def forward(self, x, noise=None):
        y = self._product(x)
        self.add_b(y)
        return y, x

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        x = cache
        if accumulate:
            # forward multiplied W_ij by x_ni in every row n, so now dW_ij = sum_n x_ni dy_nj
            self.W.add_product(x.T, dy)
            # forward added b_j to every row n, so now db_j = sum_n dy_nj
            self.b.grad += sum_rows(dy)
        # forward multiplied x_ni by W_ij for every output j, so now dx_ni = sum_j dy_nj W_ij
        return dy @ self.W.data.T if need_dx else None

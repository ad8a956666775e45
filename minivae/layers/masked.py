"""A dense layer in which chosen inputs cannot reach chosen outputs: autoregressive networks are made of it."""

import numpy as np

from ..backend import as_array
from ..numeric import sum_rows
from ..options import real
from ..params import Constant, Param
from .base import Layer
from .initialize import glorot


class MaskedDense(Layer):
    """y = x (W * mask) + b   (Germain et al. 2015, MADE, eq. 8).

    x (N, n_in) has one row per example, and so has y (N, n_out). W and mask are (n_in, n_out), b is (n_out,).
    Where mask_ij is 0, output j does not depend on input i, whatever W is.
    """

    def __init__(self, mask, rng, scale=1.0):
        mask = (as_array(mask, "mask") != 0).astype("float32")
        if mask.ndim != 2 or not mask.size:
            raise ValueError(f"mask: expected shape (n_in, n_out), got {mask.shape}")
        self.n_in, n_out = n_in, _ = mask.shape
        self.mask = Constant(mask)
        self.W = Param(real(below=1e15)("scale", scale) * glorot(rng, mask.shape, n_in, n_out))
        self.b = Param(np.zeros(n_out), decay=False)

    def forward(self, x, noise=None):
        return x @ (self.W.data * self.mask.data) + self.b.data, x

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        x = cache
        if accumulate:
            # forward multiplied W_ij by mask_ij and then by x_ni, so now dW_ij = mask_ij sum_n x_ni dy_nj
            self.W.grad += self.mask.data * (x.T @ dy)
            # forward added b_j to every row n, so now db_j = sum_n dy_nj
            self.b.grad += sum_rows(dy)
        # forward multiplied x_ni by W_ij mask_ij, so now dx_ni = sum_j dy_nj W_ij mask_ij
        return dy @ (self.W.data * self.mask.data).T if need_dx else None

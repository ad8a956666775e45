"""Layers in which chosen inputs cannot reach chosen outputs: autoregressive networks are made of them."""

import numpy as np

from ..backend import array_module, as_array
from ..numeric import sum_rows
from ..options import real, switch
from ..params import Constant, Param
from .base import Layer
from .conv import _Convolution, convolve
from .initialize import glorot
from .patches import pair, patches, spread


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


class MaskedConv2d(_Convolution):
    """A convolution that sees what is before a pixel, row after row   (van den Oord et al. 2016, 1601.06759, sec. 3).

    x (N, h, w, c_in) -> y (N, h, w, c_out). A kernel (kh, kw), both odd, reaches kh // 2 rows up and kw // 2 columns to
    both sides; in the pixel's own row only what is left of it counts, and with `own` (mask B; else A) the pixel itself.
    Rows below have no weights at all: W (kh // 2 + 1, kw, c_in, c_out), of which `mask` leaves out the end of the last
    row.
    """

    def __init__(self, c_in, c_out, kernel, rng, own=False, init=glorot):
        kh, kw = pair(kernel, "kernel", 1)
        own = switch("own", own)
        if kh % 2 == 0 or kw % 2 == 0 or (kh == kw == 1 and not own):
            raise ValueError(f"kernel: expected odd sides, and more than the pixel unless it is its own, got {kh}x{kw}")
        rows, left = kh // 2 + 1, kw // 2 + own
        seen = (rows - 1) * kw + left  # pixels
        share = seen / (rows * kw)
        super().__init__(c_in, c_out, (rows, kw), rng, 1, (0, kw // 2), init, lambda a, b, _: (share * a, share * b))
        mask = np.ones((rows, kw, 1, 1))
        mask[-1, left:] = 0
        self.mask = Constant(mask)

    def forward(self, x, noise=None):
        y = convolve(self._lowered(x), self.W.data * self.mask.data, self.stride, self.padding)
        self.add_b(y)
        return y, x

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        x = self._lowered(cache)
        if accumulate:
            # forward was a dense layer on patches with the weights W mask, so now dW = mask (columns' dy)
            for part, columns in patches(x, self.kernel, self.stride, self.padding):
                dW = columns.T @ dy[part].reshape(len(columns), -1)
                self.W.grad += self.mask.data * dW.reshape(self.W.grad.shape)
            self.b.grad += sum_rows(dy)
        if not need_dx:
            return None
        # forward put zeros above x, whose gradients are left out now
        dx = spread(dy, self.W.data * self.mask.data, x.shape[1:3], self.stride, self.padding)
        return dx[:, self.kernel[0] - 1 :]

    def _lowered(self, x):
        """x (N, h, w, c) below so many rows of zeros as the kernel reaches up."""
        N, h, w, c = x.shape
        above = array_module(x).zeros((N, self.kernel[0] - 1, w, c), x.dtype)
        return array_module(x).concatenate((above, x), axis=1)

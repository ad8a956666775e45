"""Convolution and its mirror, the transposed convolution. Images are NHWC: (N, height, width, channels).

Both are one matrix product and one rearrangement. A convolution gathers the patches of x as rows and multiplies them by
W; its gradient multiplies by the transpose of W and spreads the rows over the image. A transposed convolution spreads
in forward and gathers in backward.
"""

import math

import numpy as np

from ..backend import array_module
from ..kernels import fused
from ..numeric import sum_rows
from ..options import sizes
from ..params import Param
from .base import Layer
from .initialize import glorot
from .patches import out_size, pair, patches, spread


class _Convolution(Layer):
    """What both share. Kernel, stride and padding are pairs (rows, columns).

    W (kh, kw, c_in, c_out) is a matrix from c_in to c_out channels for each pixel of the kernel; b (c_out,) is one
    number per channel of y.
    """

    def __init__(self, c_in, c_out, kernel, rng, stride, padding, init, fans):
        self.kernel = pair(kernel, "kernel", 1)
        self.stride = pair(stride, "stride", 1)
        self.padding = pair(padding, "padding", 0)
        c_in, c_out = sizes(c_in=c_in, c_out=c_out)
        # kh kw c_in numbers of x make one of y, and one of x goes into kh kw c_out of y; a stride divides one of both
        area = math.prod(self.kernel)
        fan_in, fan_out = fans(area * c_in, area * c_out, math.prod(self.stride))
        self.W = Param(init(rng, (*self.kernel, c_in, c_out), fan_in, fan_out))
        self.b = Param(np.zeros(c_out), decay=False)

    def _product(self, x):
        """y, still without b: a kernel adds b together with the next activation, see `kernels`."""
        raise NotImplementedError

    def add_b(self, y):
        """y (N, h_out, w_out, c_out) += b, in place. Rows of w_out * c_out numbers are faster than rows of c_out."""
        N, h_out, w_out, c_out = y.shape
        rows = y.reshape(N, h_out, w_out * c_out)  # a view of y
        rows += array_module(y).tile(self.b.data, w_out)


def convolve(x, W, stride, padding):
    """x (N, h, w, c_in), W (kh, kw, c_in, c_out) -> y (N, h_out, w_out, c_out), still without b."""
    xp = array_module(x)
    kernel, c_out = W.shape[:2], W.shape[3]
    y = xp.empty((len(x), *out_size(x.shape[1:3], kernel, stride, padding), c_out), W.dtype)
    W = W.reshape(-1, c_out)
    for part, columns in patches(x, kernel, stride, padding):
        xp.matmul(columns, W, out=y[part].reshape(-1, c_out))
    return y


@fused
class Conv2d(_Convolution):
    """y[n, i, j] = b + sum_{k, l, c} x[n, s i + k - p, s j + l - p, c] W[k, l, c],   s the stride, p the padding.

    x (N, h, w, c_in) are N images, outside of which are zeros. y (N, h_out, w_out, c_out) has a pixel for each place of
    the kernel, h_out = (h + 2 p - kh) // s + 1. W (kh, kw, c_in, c_out), b (c_out,). The cache is x alone: its patches,
    up to kh kw times as large, are gathered again in backward.
    """

    def __init__(self, c_in, c_out, kernel, rng, stride=1, padding=0, init=glorot):
        super().__init__(c_in, c_out, kernel, rng, stride, padding, init, lambda a, b, strides: (a, b / strides))

    def _product(self, x):
        return convolve(x, self.W.data, self.stride, self.padding)

    def forward(self, x, noise=None):
        y = self._product(x)
        self.add_b(y)
        return y, x

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        x = cache
        if accumulate:
            # forward was a dense layer on patches, y = columns W + b, so now dW = columns' dy and db = sum of dy
            for part, columns in patches(x, self.kernel, self.stride, self.padding):
                self.W.add_product(columns.T, dy[part].reshape(len(columns), -1))
            self.b.grad += sum_rows(dy)
        if not need_dx:
            return None
        # forward gave pixel s i + k - p to y[i] with the weights W[k], so now it gets sum_{i, k} dy[i] W[k]'
        return spread(dy, self.W.data, x.shape[1:3], self.stride, self.padding)


@fused
class ConvTranspose2d(_Convolution):
    """Every pixel of x adds its own patch to y:   y[n, s i + k - p, s j + l - p] += x[n, i, j] W[k, l],   then + b.

    The transpose of a Conv2d from c_out to c_in channels. x (N, h, w, c_in) are N images, y (N, h_out, w_out, c_out)
    larger ones, h_out = (h - 1) s - 2 p + kh + output_padding. W (kh, kw, c_in, c_out), b (c_out,). A convolution of
    stride s takes s heights to the same h; output_padding, from 0 to s - 1, chooses one of them.
    """

    def __init__(self, c_in, c_out, kernel, rng, stride=1, padding=0, output_padding=0, init=glorot):
        super().__init__(c_in, c_out, kernel, rng, stride, padding, init, lambda a, b, strides: (a / strides, b))
        self.output_padding = pair(output_padding, "output_padding", 0)
        if any(o >= s for o, s in zip(self.output_padding, self.stride, strict=True)):
            raise ValueError(f"output_padding: expected less than the stride {self.stride}, got {self.output_padding}")

    def _product(self, x):
        sides = zip(x.shape[1:3], self.kernel, self.stride, self.padding, self.output_padding, strict=True)
        size = [(n - 1) * s - 2 * p + k + o for n, k, s, p, o in sides]  # (h_out, w_out)
        if min(size) < 1:
            raise ValueError(f"x: a {x.shape[1]}x{x.shape[2]} image would become {size[0]}x{size[1]}")
        return spread(x, self.W.data.swapaxes(2, 3), size, self.stride, self.padding)

    def forward(self, x, noise=None):
        y = self._product(x)
        self.add_b(y)
        return y, x

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        x = cache
        c_in, c_out = self.W.data.shape[2:]
        W = self.W.data.swapaxes(2, 3).reshape(-1, c_in)  # (kh * kw * c_out, c_in)
        dx = array_module(x).empty(x.shape, dy.dtype) if need_dx else None
        # forward spread x W over y, so now the same patches of dy are gathered as rows: (N * h * w, kh * kw * c_out)
        for part, dcolumns in patches(dy, self.kernel, self.stride, self.padding):
            if accumulate:
                dW = dcolumns.T @ x[part].reshape(-1, c_in)  # (kh * kw * c_out, c_in), W' as a matrix
                self.W.grad += dW.reshape(*self.kernel, c_out, c_in).swapaxes(2, 3)
            if need_dx:
                array_module(x).matmul(dcolumns, W, out=dx[part].reshape(-1, c_in))
        if accumulate:
            self.b.grad += sum_rows(dy)
        return dx

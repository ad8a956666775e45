"""Convolution and its mirror. Images are NHWC; both layers are one matrix product between two rearrangements.

`image_to_columns` gathers patches into rows, `columns_to_image` adds rows back into patches: each is the transpose of
the other, so each is the other's gradient, and the transposed convolution is a convolution with the two exchanged.
"""

import math

import numpy as np

from ..backend import array_module
from ..params import Param
from .base import Layer
from .initialize import glorot


def pair(value, name, least):
    """(value, value) of one number, or the pair itself; ValueError unless whole numbers of at least `least`."""
    values = tuple(value) if isinstance(value, tuple | list) else (value, value)
    if len(values) != 2 or not all(isinstance(v, int) and v >= least for v in values):
        raise ValueError(f"{name}: expected a whole number >= {least} or a pair of them, got {value!r}")
    return values


def image_to_columns(x, kernel, stride, padding):
    """Patches as rows.   x (N, h, w, c) -> columns (N, h_out, w_out, kh, kw, c), h_out = (h + 2 p - kh) // s + 1."""
    (kh, kw), (sh, sw), (ph, pw) = kernel, stride, padding
    xp = array_module(x)
    N, h, w, c = x.shape
    h_out, w_out = (h + 2 * ph - kh) // sh + 1, (w + 2 * pw - kw) // sw + 1
    if h_out < 1 or w_out < 1:
        raise ValueError(f"x: a {h}x{w} image with padding {padding} is smaller than the kernel {kernel}")
    if ph or pw:
        padded = xp.zeros((N, h + 2 * ph, w + 2 * pw, c), x.dtype)
        padded[:, ph : ph + h, pw : pw + w] = x
        x = padded
    columns = xp.empty((N, h_out, w_out, kh, kw, c), x.dtype)
    for i in range(kh):
        for j in range(kw):
            columns[:, :, :, i, j] = x[:, i : i + sh * h_out : sh, j : j + sw * w_out : sw]
    return columns


def columns_to_image(columns, size, stride, padding):
    """The transpose: every row added to its patch.   columns (N, h_out, w_out, kh, kw, c) -> x (N, h, w, c)."""
    (h, w), (sh, sw), (ph, pw) = size, stride, padding
    N, h_out, w_out, kh, kw, c = columns.shape
    x = array_module(columns).zeros((N, h + 2 * ph, w + 2 * pw, c), columns.dtype)
    for i in range(kh):
        for j in range(kw):
            x[:, i : i + sh * h_out : sh, j : j + sw * w_out : sw] += columns[:, :, :, i, j]
    return x[:, ph : ph + h, pw : pw + w]


class _Convolution(Layer):
    """What both share: W (kh, kw, c_in, c_out), b (c_out,), and sizes as pairs (rows, columns)."""

    def __init__(self, c_in, c_out, kernel, rng, stride, padding, init, fans):
        self.kernel = pair(kernel, "kernel", 1)
        self.stride, self.padding = pair(stride, "stride", 1), pair(padding, "padding", 0)
        c_in, c_out = pair((c_in, c_out), "channels", 1)
        # a strided layer spreads one side of its kernel over stride^2 positions: fan of x per y, and of y per x
        area, skipped = math.prod(self.kernel), math.prod(self.stride)
        fan_in, fan_out = fans(area * c_in, area * c_out, skipped)
        self.W = Param(init(rng, (*self.kernel, c_in, c_out), fan_in, fan_out))
        self.b = Param(np.zeros(c_out))


class Conv2d(_Convolution):
    """y[n, i, j] = b + sum_{k, l, c} x[n, s i + k - p, s j + l - p, c] W[k, l, c].

    x (N, h, w, c_in), W (kh, kw, c_in, c_out) -> y (N, h_out, w_out, c_out). Keeps x, not its columns.
    """

    def __init__(self, c_in, c_out, kernel, rng, stride=1, padding=0, init=glorot):
        super().__init__(c_in, c_out, kernel, rng, stride, padding, init, lambda a, b, skipped: (a, b / skipped))

    def forward(self, x, noise=None):
        columns = image_to_columns(x, self.kernel, self.stride, self.padding)
        W = self.W.data.reshape(-1, self.b.data.size)  # (kh * kw * c_in, c_out)
        y = columns.reshape(-1, len(W)) @ W  # (N * h_out * w_out, c_out)
        y += self.b.data
        return y.reshape(*columns.shape[:3], -1), x

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        x = cache
        W = self.W.data.reshape(-1, self.b.data.size)
        rows = dy.reshape(-1, W.shape[1])  # (N * h_out * w_out, c_out)
        if accumulate:
            columns = image_to_columns(x, self.kernel, self.stride, self.padding)
            # y = columns W, so dW = columns' dy, as in a dense layer
            self.W.grad += (columns.reshape(-1, len(W)).T @ rows).reshape(self.W.data.shape)
            self.b.grad += rows.sum(axis=0)
        if not need_dx:
            return None
        # dcolumns = dy W', and a pixel gathers from every patch that it is in
        dcolumns = (rows @ W.T).reshape(*dy.shape[:3], *self.kernel, -1)
        return columns_to_image(dcolumns, x.shape[1:3], self.stride, self.padding)


class ConvTranspose2d(_Convolution):
    """The transpose of a Conv2d from c_out to c_in: y[n, s i + k - p, s j + l - p] += x[n, i, j] W[k, l]; + b.

    x (N, h, w, c_in), W (kh, kw, c_in, c_out) -> y (N, h_out, w_out, c_out), h_out = (h - 1) s - 2 p + kh +
    output_padding, which names one of the `s` image sizes that a convolution takes to the same h.
    """

    def __init__(self, c_in, c_out, kernel, rng, stride=1, padding=0, output_padding=0, init=glorot):
        super().__init__(c_in, c_out, kernel, rng, stride, padding, init, lambda a, b, skipped: (a / skipped, b))
        self.output_padding = pair(output_padding, "output_padding", 0)
        if any(o >= s for o, s in zip(self.output_padding, self.stride, strict=True)):
            raise ValueError(f"output_padding: expected less than the stride {self.stride}, got {self.output_padding}")

    def forward(self, x, noise=None):
        c_in = x.shape[3]
        W = self.W.data.transpose(2, 0, 1, 3).reshape(c_in, -1)  # (c_in, kh * kw * c_out)
        columns = (x.reshape(-1, c_in) @ W).reshape(*x.shape[:3], *self.kernel, -1)  # (N, h, w, kh, kw, c_out)
        how = zip(x.shape[1:3], self.kernel, self.stride, self.padding, self.output_padding, strict=True)
        size = [(n - 1) * s - 2 * p + k + o for n, k, s, p, o in how]  # (h_out, w_out)
        if min(size) < 1:
            raise ValueError(f"x: a {x.shape[1]}x{x.shape[2]} image would become {size[0]}x{size[1]}")
        return columns_to_image(columns, size, self.stride, self.padding) + self.b.data, x

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        x = cache
        c_in = x.shape[3]
        # forward scattered columns into y, so backward gathers dy into columns: (N * h * w, kh * kw * c_out)
        dcolumns = image_to_columns(dy, self.kernel, self.stride, self.padding).reshape(x[..., 0].size, -1)
        if accumulate:
            dW = x.reshape(-1, c_in).T @ dcolumns  # (c_in, kh * kw * c_out)
            self.W.grad += dW.reshape(c_in, *self.kernel, -1).transpose(1, 2, 0, 3)
            self.b.grad += dy.sum(axis=(0, 1, 2))
        if not need_dx:
            return None
        W = self.W.data.transpose(2, 0, 1, 3).reshape(c_in, -1)
        return (dcolumns @ W.T).reshape(x.shape)

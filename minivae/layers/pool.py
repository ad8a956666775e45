"""Layers that change the size of images without parameters. Images are NHWC."""

import math

from ..backend import array_module
from .base import Layer
from .patches import columns_to_image, image_to_columns, pair

NO_PADDING = (0, 0)


class _Pool(Layer):
    """What both share: windows of kh x kw pixels, `stride` apart, and side by side where it is None.

    x (N, h, w, c) are N images, y (N, h_out, w_out, c) has one pixel per window, h_out = (h - kh) // s + 1. Pixels at
    an edge that fill no window are dropped.
    """

    def __init__(self, kernel, stride=None):
        self.kernel = pair(kernel, "kernel", 1)
        self.stride = pair(self.kernel if stride is None else stride, "stride", 1)
        self.area = math.prod(self.kernel)

    def _windows(self, x):
        """x (N, h, w, c) -> (N, h_out, w_out, kh * kw, c)."""
        columns = image_to_columns(x, self.kernel, self.stride, NO_PADDING)
        return columns.reshape(*columns.shape[:3], self.area, x.shape[3])

    def _windows_backward(self, dwindows, size):
        """dx (N, *size, c): forward copied a pixel into every window over it, so now it gets the sum of theirs."""
        N, h, w, _, c = dwindows.shape
        return columns_to_image(dwindows.reshape(N, h, w, *self.kernel, c), size, self.stride, NO_PADDING)


class AvgPool2d(_Pool):
    """y = mean of each window of x.   x (N, h, w, c) -> y (N, h_out, w_out, c)."""

    def forward(self, x, noise=None):
        return self._windows(x).mean(axis=3), x.shape[1:3]

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        # forward added the kh * kw pixels of a window, divided by their number; so now each gets dy / (kh * kw)
        shape = (*dy.shape[:3], self.area, dy.shape[3])
        share = array_module(dy).broadcast_to(dy[:, :, :, None] / self.area, shape)
        return self._windows_backward(share, cache)


class MaxPool2d(_Pool):
    """y = largest pixel of each window of x, for each channel by itself.   x (N, h, w, c) -> y (N, h_out, w_out, c)."""

    def forward(self, x, noise=None):
        windows = self._windows(x)
        return windows.max(axis=3), (windows.argmax(axis=3), x.shape[1:3])

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        winner, size = cache  # winner (N, h_out, w_out, c)
        # forward took the largest pixel, the first of them where several are equal; so now that one gets dy, others 0
        position = array_module(dy).arange(self.area)[:, None]
        return self._windows_backward((winner[:, :, :, None] == position) * dy[:, :, :, None], size)


class Upsample(Layer):
    """Every pixel becomes a block of fh x fw equal pixels, fh and fw the factor (nearest-neighbor interpolation).

    x (N, h, w, c) -> y (N, fh h, fw w, c). Followed by a convolution it replaces a transposed convolution, without the
    checkerboard patterns of that (Odena et al. 2016).
    """

    def __init__(self, factor):
        self.factor = pair(factor, "factor", 1)

    def forward(self, x, noise=None):
        fh, fw = self.factor
        N, h, w, c = x.shape
        blocks = array_module(x).broadcast_to(x[:, :, None, :, None], (N, h, fh, w, fw, c))
        return blocks.reshape(N, h * fh, w * fw, c), None

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        fh, fw = self.factor
        N, h, w, c = dy.shape
        # forward copied a pixel to its whole block, so now it gets the sum of dy over the block
        return dy.reshape(N, h // fh, fh, w // fw, fw, c).sum(axis=(2, 4))

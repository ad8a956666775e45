"""A condition for convolutions: it comes as further columns behind the pixels of an image, and becomes channels."""

import math

from ..backend import array_module
from ..options import sizes, whole
from .base import Layer


class ColumnsToChannels(Layer):
    """Each of the n columns behind an image becomes a channel, with the same value at every pixel.

    x (N, h * w * c + n) has one row per example: the pixels, then the condition. y (N, h, w, c + n) is an image per
    example: its c channels, then n channels of the condition.
    """

    def __init__(self, h, w, c, n):
        self.shape = tuple(sizes(h=h, w=w, c=c))
        self.n_in = math.prod(self.shape) + whole(0)("n", n)

    def forward(self, x, noise=None):
        h, w, c = self.shape
        xp = array_module(x)
        image = x[:, : h * w * c].reshape(-1, h, w, c)
        columns = x[:, None, None, h * w * c :]  # (N, 1, 1, n)
        channels = xp.broadcast_to(columns, (len(x), h, w, columns.shape[-1]))
        return xp.concatenate((image, channels), axis=-1), None

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        c = self.shape[2]
        dimage = dy[..., :c].reshape(len(dy), math.prod(self.shape))
        # forward copied a column to all h * w pixels, so now its gradient is the sum over them: (N, n)
        dcolumns = dy[..., c:].sum(axis=(1, 2))
        return array_module(dy).concatenate((dimage, dcolumns), axis=-1)

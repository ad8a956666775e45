"""Between rows and sequences: what stands before and behind a GRU. Sizes: N examples, T steps of n numbers."""

from ..backend import array_module
from ..options import sizes
from .base import Layer


class Repeat(Layer):
    """The same input at every step: x (N, n) -> y (N, T, n)."""

    def __init__(self, T):
        (self.T,) = sizes(T=T)

    def forward(self, x, noise=None):
        return array_module(x).broadcast_to(x[:, None], (len(x), self.T, x.shape[1])), None

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        # forward copied x to all T steps, so now its gradient is the sum over them
        return dy.sum(axis=1)


class FromZero(Layer):
    """The state that a GRU starts from, beside its input: x (N, T, n) -> (x, h_0), h_0 (N, H) of zeros."""

    def __init__(self, H):
        (self.H,) = sizes(H=H)

    def forward(self, x, noise=None):
        return (x, array_module(x).zeros((len(x), self.H), x.dtype)), None

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        # forward took no part of h_0 from x, so now x gets its own gradient alone
        return dy[0]


class Last(Layer):
    """The last of T states: x (N, T, H) -> y (N, H)."""

    def forward(self, x, noise=None):
        return x[:, -1], x.shape

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        # forward left all states but the last out, so now they get 0
        dx = array_module(dy).zeros(cache, dy.dtype)
        dx[:, -1] = dy
        return dx

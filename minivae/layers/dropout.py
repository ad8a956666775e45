"""Dropout: the mask is noise, drawn before the step, so that a network with dropout can be gradient-checked."""

from ..kernels import fused
from .base import Layer


@fused
class Dropout(Layer):
    """y = x * mask, mask 0 with probability p, else 1 / (1 - p); without noise y = x (Srivastava et al. 2014).

    x (N, *shape); `shape` is set by the builder, since noise is drawn before x is seen. Dividing by 1 - p keeps
    E[y] = x, so that evaluation needs no factor.
    """

    def __init__(self, p, shape):
        if not 0 <= p < 1:
            raise ValueError(f"p: expected 0 <= p < 1, got {p}")
        self.p, self.shape = p, shape

    def draw_noise(self, rng, n):
        keep = rng.random((n, *self.shape), dtype="float32") >= self.p
        return keep.astype("float32") / (1 - self.p)

    def forward(self, x, noise=None):
        return (x if noise is None else x * noise), noise

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        return dy if cache is None else dy * cache

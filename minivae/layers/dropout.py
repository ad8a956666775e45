"""Dropout: the mask is noise, drawn before the step, so that a network with dropout can be gradient-checked."""

from ..kernels import fused
from ..options import each, real, whole
from .base import Layer


@fused
class Dropout(Layer):
    """y = x * mask * scale; the noise, mask, is 0 with probability p, else 1 (Srivastava et al. 2014).

    x (N, *shape) -> y in the same shape; `shape` is set by the builder, since noise is drawn before x is seen.
    scale = 1 / (1 - p) keeps E[y] = x, so that evaluation, without noise, is y = x.
    """

    def __init__(self, p, shape):
        self.p = real(below=1, closed=True)("p", p)
        self.shape = tuple(each(whole(1))("shape", shape))
        self.scale = 1 / (1 - self.p)

    def draw_noise(self, rng, n):
        """The mask (n, *shape)."""
        return (rng.random((n, *self.shape), dtype="float32") >= self.p).astype("float32")

    def forward(self, x, noise=None):
        return self._masked(x, noise), noise

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        """Forward multiplied x by mask * scale, so now dx = dy * mask * scale."""
        return self._masked(dy, cache)

    def _masked(self, x, mask):
        """x * mask * scale, or x itself in evaluation."""
        if mask is None:
            return x
        y = x * mask
        y *= self.scale
        return y

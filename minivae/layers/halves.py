"""Images of two halves, each from a network of its own."""

from ..backend import array_module
from ..options import each, whole
from .base import Layer


def left_and_right(rows, shape):
    """The left and the right half, (.., h * (w // 2) * c) and the rest, of rows (.., n * h * w * c) of n images."""
    h, w, c = shape
    lead, rest = rows.shape[:-1], rows.shape[-1] // (w * c)
    images = rows.reshape(*lead, rest, w, c)  # (.., n * h, w, c)
    parts = images[..., : w // 2, :], images[..., w // 2 :, :]
    return tuple(part.reshape(*lead, rest * part.shape[-2] * c) for part in parts)


def beside(left, right, shape):
    """Rows (.., n * h * w * c) of both halves: the mirror of `left_and_right`."""
    h, w, c = shape
    lead, rest = left.shape[:-1], left.shape[-1] // (w // 2 * c)
    parts = left.reshape(*lead, rest, w // 2, c), right.reshape(*lead, rest, w - w // 2, c)
    return array_module(left).concatenate(parts, axis=-2).reshape(*lead, rest * w * c)


class Halves(Layer):
    """z (..., L) -> out (..., n_out * h * w * c), whose left half is left(z), and its right half right(z)."""

    def __init__(self, left, right, shape):
        self.shape = tuple(each(whole(1))("shape", shape))
        if len(self.shape) != 3 or self.shape[1] < 2:
            raise ValueError(f"shape: expected images (h, w, c) of at least two columns, got {self.shape}")
        self.left, self.right, self.n_in = left, right, left.n_in

    def draw_noise(self, rng, n):
        noise = self.left.draw_noise(rng, n), self.right.draw_noise(rng, n)
        return None if all(part is None for part in noise) else noise

    def forward(self, x, noise=None):
        of_left, of_right = (None, None) if noise is None else noise
        left, c_left = self.left.forward(x, of_left)
        right, c_right = self.right.forward(x, of_right)
        return beside(left, right, self.shape), (c_left, c_right)

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        # forward gave x to both, so now dx is the sum of what they send back
        left, right = left_and_right(dy, self.shape)
        dx_left = self.left.backward(left, cache[0], accumulate, need_dx)
        dx_right = self.right.backward(right, cache[1], accumulate, need_dx)
        return dx_left + dx_right if need_dx else None

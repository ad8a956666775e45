"""Likelihoods of rows whose columns belong together, or differ in kind: one choice of D, and a table's columns."""

from ..densities import softmax_log_prob, softmax_log_prob_backward
from ..numeric import cut, gumbel, one_hot, side_by_side, softmax
from ..options import whole
from .base import Likelihood


class Softmax(Likelihood):
    """One choice among D: x (..., D) is one-hot, out (..., D) are logits, x_hat = softmax(out) are its probabilities.

    Unlike in other likelihoods the D numbers are one block, and a choice that is missing is NaN in all of them. x may
    also count many choices; the multinomial coefficient is left out.
    """

    values = "one-hot"

    def forward(self, x, out):
        x, _ = self._observed(x)  # zeros add nothing
        return softmax_log_prob(out, x=x), (x, out)

    def backward(self, g, cache, accumulate=True):
        x, out = cache
        return softmax_log_prob_backward(g, out, x=x)

    def mean(self, out):
        return softmax(out[..., None])[..., 0]

    def draw(self, out, noise):
        """One-hot at the largest logit, after a Gumbel variable was added to each."""
        return one_hot((out + gumbel(noise)).argmax(axis=-1), out.shape[-1], out)


class Mixed(Likelihood):
    """Columns of several kinds, side by side: `parts` are pairs (likelihood, how many columns), in their order.

    x and out (..., D) are cut into the parts' columns, D the sum of their numbers; log_px_z is the sum of the parts'.
    """

    values = "mixed"

    def __init__(self, parts):
        self.parts = [part for part, _ in parts]
        self.widths = [whole(1)("parts", width) for _, width in parts]
        for part in self.parts:
            if not isinstance(part, Likelihood) or part.n_out != 1:
                raise ValueError(f"parts: expected likelihoods with one output per column, got {type(part).__name__}")
        self.D = sum(self.widths)

    @property
    def missing(self):
        return any(part.missing for part in self.parts)

    @missing.setter
    def missing(self, missing):
        for part in self.parts:
            part.missing = missing

    def forward(self, x, out):
        log_p, caches = zip(*self._each("forward", x, out), strict=True)
        return sum(log_p[1:], start=log_p[0]), caches

    def backward(self, g, cache, accumulate=True):
        # forward cut out into columns, so now their gradients stand side by side again
        return side_by_side([p.backward(g, c, accumulate) for p, c in zip(self.parts, cache, strict=True)])

    def mean(self, out):
        return side_by_side(self._each("mean", out))

    def draw_noise(self, rng, n):
        """Each part's own, side by side."""
        widths = zip(self.parts, self.widths, strict=True)
        return side_by_side([part.draw_noise(rng, (*n[:-1], width)) for part, width in widths])

    def draw(self, out, noise):
        return side_by_side(self._each("draw", out, noise))

    def seen(self, x):
        return side_by_side(self._each("seen", x))

    def _each(self, method, *arrays):
        """[what the method of a part gives] for its columns of the arrays (..., D)."""
        for a in arrays:
            if a.shape[-1] != self.D:
                raise ValueError(f"x, out: expected {self.D} columns, got {a.shape[-1]}")
        columns = zip(*(cut(a, self.widths) for a in arrays), strict=True)
        return [getattr(part, method)(*own) for part, own in zip(self.parts, columns, strict=True)]

"""Likelihoods of values in [0, 1]: bits, and grey on a grid of levels."""

import numpy as np

from ..backend import array_module
from ..densities import (
    bernoulli_log_prob,
    bernoulli_log_prob_backward,
    categorical_log_prob,
    categorical_log_prob_backward,
)
from ..numeric import keep, sigmoid, softmax
from ..options import whole
from .base import Likelihood


class Bernoulli(Likelihood):
    """Bits: x (..., D) of 0 and 1, or grey in between; out (..., D) are logits, x_hat = sigmoid(out) is P(x = 1).

    d log_px_z / d out = x - x_hat: no gradient where the decoder is right, and never more than 1 where it is wrong.
    That x is in [0, 1] is checked where data are read, not in every step.
    """

    values = "unit"

    def forward(self, x, out):
        x, observed = self._observed(x)
        if observed is None:
            return bernoulli_log_prob(out, x=x), (x, out, None)
        log_p = bernoulli_log_prob(out[..., None], x=x[..., None])  # (..., D), each number a sum of its own
        return keep(log_p, observed).sum(axis=-1), (x, out, observed)

    def backward(self, g, cache, accumulate=True):
        x, out, observed = cache
        if observed is None:
            return bernoulli_log_prob_backward(g, out, x=x)
        # forward kept the sums of what was observed, so now g comes to those alone
        return bernoulli_log_prob_backward(keep(g[..., None], observed), out[..., None], x=x[..., None])[..., 0]

    def mean(self, out):
        return sigmoid(out)

    def draw(self, out, noise):
        """1 where the noise is below x_hat, which it is with probability x_hat."""
        return (noise < sigmoid(out)).astype(out.dtype)


class Categorical(Likelihood):
    """Numbers on a grid of `levels` equal steps from 0 to 1: out (..., levels * D) are logits, one block per level.

    Each number of x (..., D) is rounded to the nearest level, k / (levels - 1). Unlike a Gaussian this can say "black
    or white, but not grey". x_hat is the mean of the levels; two levels are a Bernoulli.
    """

    values = "unit"

    def __init__(self, levels=16):
        self.n_out = whole(2)("levels", levels)

    def forward(self, x, out):
        x, observed = self._observed(x)
        if isinstance(x, np.ndarray) and x.size and (x.min() < 0 or x.max() > 1):  # a GPU would have to wait
            raise ValueError(f"x: expected numbers from 0 to 1, got {x.min()} to {x.max()}")
        k = array_module(x).rint(x * (self.n_out - 1))  # (..., D), whole numbers
        logits = self._blocks(out)  # (..., levels, D)
        if observed is None:
            return categorical_log_prob(logits, x=k), (k, logits, None)
        log_p = categorical_log_prob(_apart(logits), x=k[..., None])  # (..., D), each number a sum of its own
        return keep(log_p, observed).sum(axis=-1), (k, logits, observed)

    def backward(self, g, cache, accumulate=True):
        k, logits, observed = cache
        if observed is None:
            dlogits = categorical_log_prob_backward(g, logits, x=k)  # (..., levels, D)
        else:  # forward kept the sums of what was observed, so now g comes to those alone
            g = keep(g[..., None], observed)  # (..., D)
            dlogits = categorical_log_prob_backward(g, _apart(logits), x=k[..., None])[..., 0].swapaxes(-1, -2)
        n, D = dlogits.shape[-2:]  # forward made blocks of the row out, so now they are one row again
        return dlogits.reshape(*dlogits.shape[:-2], n * D)

    def mean(self, out):
        p = softmax(self._blocks(out))  # (..., levels, D)
        level = array_module(out).arange(self.n_out, dtype=out.dtype) / (self.n_out - 1)
        return (p * level[:, None]).sum(axis=-2)

    def draw(self, out, noise):
        """The level at which the cumulated probability passes the noise."""
        below = softmax(self._blocks(out)).cumsum(axis=-2) < noise[..., None, :]
        return below[..., :-1, :].sum(axis=-2).astype(out.dtype) / (self.n_out - 1)


def _apart(logits):
    """(..., n, D) -> (..., D, n, 1): D rows of one number each."""
    return logits.swapaxes(-1, -2)[..., None]

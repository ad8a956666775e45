"""Likelihoods of grey values: the probabilities of levels, equal steps from 0 to 1."""

import math

import numpy as np

from ..backend import array_module
from ..densities import (
    beta_binomial_log_prob,
    beta_binomial_log_prob_backward,
    categorical_log_prob,
    categorical_log_prob_backward,
    logistic_log_prob,
    logistic_log_prob_backward,
    mixture_log_prob,
    mixture_log_prob_backward,
)
from ..numeric import keep, sigmoid, softmax
from ..options import whole
from .base import LEAST, Likelihood

SCALE = 1 / 8  # of a logistic at an output of 0, where 1 is from black to white
FAR = 1e30  # beyond all that a logistic reaches
SHIFT = 1 / 8  # of its mean, by an output of 1


class _Grid(Likelihood):
    """Each number of x (..., D) is rounded to the nearest level, k / n with n = levels - 1."""

    values = "unit"

    def __init__(self, levels):
        self.n_levels = whole(2)("levels", levels)
        self.n = self.n_levels - 1

    def _level(self, x):
        """(k (..., D), whole numbers from 0 to n, or NaN where x is out of [0, 1]; which were observed)."""
        x, observed = self._observed(x)
        if isinstance(x, np.ndarray) and x.size and (x.min() < 0 or x.max() > 1):  # a GPU would have to wait
            raise ValueError(f"x: expected numbers from 0 to 1, got {x.min()} to {x.max()}")
        xp = array_module(x)
        k = xp.rint(x * self.n)
        return xp.where((k >= 0) & (k <= self.n), k, math.nan), observed

    def _cumulated(self, out):
        """P(x <= k / n) (..., D) of each level but the last, one after the other: all at once would not fit."""
        raise NotImplementedError

    def draw(self, out, noise):
        """The level at which the cumulated probability passes the noise."""
        noise = array_module(out).maximum(noise, LEAST)
        return sum((p < noise).astype(out.dtype) for p in self._cumulated(out)) / self.n


class Categorical(_Grid):
    """Numbers on a grid of `levels` equal steps from 0 to 1: out (..., levels * D) are logits, one block per level.

    Each number of x (..., D) is rounded to the nearest level, k / (levels - 1). Unlike a Gaussian this can say "black
    or white, but not grey". x_hat is the mean of the levels; two levels are a Bernoulli.
    """

    def __init__(self, levels=16):
        super().__init__(levels)
        self.n_out = self.n_levels

    def forward(self, x, out):
        k, observed = self._level(x)
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


class DiscretizedLogisticMixture(_Grid):
    """Grey as a mixture of M logistic densities, of which each level has a part (Salimans et al. 2017, eq. 1 and 2).

    out (..., 3 M D): M blocks of logits, then of means, then of logs of scales. P(k) is the mass from k - 1/2 to
    k + 1/2; the first and the last level have the tails as well. Unlike a categorical it knows the order of the levels.
    At outputs of 0 the M means are spread evenly from 0 to 1: components that start equal would learn the same.
    """

    def __init__(self, levels=256, mixtures=5):
        super().__init__(levels)
        self.M = whole(1)("mixtures", mixtures)
        self.n_out = 3 * self.M

    def forward(self, x, out):
        k, observed = self._level(x)
        xp = array_module(out)
        lower = xp.where(k > 0, k - 0.5, k - FAR)[..., None, :]
        upper = xp.where(k < self.n, k + 0.5, k + FAR)[..., None, :]
        logits, mu, log_scale = self._components(out)  # (..., M, D)
        log_p = logistic_log_prob(mu, log_scale, lower=lower, upper=upper)  # (..., M, D)
        cache = logits, mu, log_scale, lower, upper, log_p, observed
        return mixture_log_prob(logits, log_p, observed=observed), cache

    def backward(self, g, cache, accumulate=True):
        logits, mu, log_scale, lower, upper, log_p, observed = cache
        dlogits, dlog_p = mixture_log_prob_backward(g, logits, log_p, observed=observed)
        dmu, dlog_scale = logistic_log_prob_backward(dlog_p, mu, log_scale, lower=lower, upper=upper)
        dout = array_module(g).stack((dlogits, SHIFT * self.n * dmu, dlog_scale), axis=-3)  # (..., 3, M, D)
        return dout.reshape(*dout.shape[:-3], self.n_out * dout.shape[-1])

    def mean(self, out):
        return 1 - sum(self._cumulated(out)) / self.n

    def _components(self, out):
        """Logits, means and logs of scales (..., M, D) each, means and scales in steps from one level to the next."""
        xp = array_module(out)
        blocks = self._blocks(out)
        start = (xp.arange(self.M, dtype=out.dtype) + 0.5) / self.M
        logits, mu, log_scale = (blocks[..., i * self.M : (i + 1) * self.M, :] for i in range(3))
        return logits, self.n * (start[:, None] + SHIFT * mu), log_scale + math.log(SCALE * self.n)

    def _cumulated(self, out):
        logits, mu, log_scale = self._components(out)
        p, inv_scale = softmax(logits), array_module(out).exp(-log_scale)
        for k in range(self.n):
            yield (p * sigmoid((k + 0.5 - mu) * inv_scale)).sum(axis=-2)


class BetaBinomial(_Grid):
    """Grey as the number of ones among n = levels - 1 bits, whose common chance of a one is drawn from Beta(a, b).

    out (..., 2 D): blocks of logits and of logs of c / 2, a + b = c and a = c sigmoid(logit), so that x_hat =
    sigmoid(logit). At outputs of 0 all levels are as likely; a small c means black or white, a large c one grey.
    """

    n_out = 2

    def __init__(self, levels=256):
        super().__init__(levels)

    def forward(self, x, out):
        k, observed = self._level(x)
        logit, log_c = self._parameters(out)
        log_p = beta_binomial_log_prob(logit, log_c, x=k, n=self.n, observed=observed)
        return log_p, (k, logit, log_c, observed)

    def backward(self, g, cache, accumulate=True):
        k, logit, log_c, observed = cache
        # forward added log 2 to a block of out, so now that block gets what the sum gets
        douts = beta_binomial_log_prob_backward(g, logit, log_c, x=k, n=self.n, observed=observed)
        return array_module(g).concatenate(douts, axis=-1)

    def mean(self, out):
        return sigmoid(self._parameters(out)[0])

    def _parameters(self, out):
        blocks = self._blocks(out)
        return blocks[..., 0, :], blocks[..., 1, :] + math.log(2)

    def _cumulated(self, out):
        xp = array_module(out)
        logit, log_c = (a[..., None] for a in self._parameters(out))  # (..., D, 1), each number a sum of its own
        p = xp.zeros(logit.shape[:-1], out.dtype)
        for k in range(self.n):
            p = p + xp.exp(beta_binomial_log_prob(logit, log_c, x=xp.full(1, k, out.dtype), n=self.n))
            yield p


def _apart(logits):
    """(..., n, D) -> (..., D, n, 1): D rows of one number each."""
    return logits.swapaxes(-1, -2)[..., None]

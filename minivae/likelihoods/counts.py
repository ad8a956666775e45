"""Likelihoods of counts x = 0, 1, 2, ... (..., D); that they are such is checked where data are read."""

from numbers import Real

import numpy as np

from ..backend import array_module
from ..densities import (
    negative_binomial_log_prob,
    negative_binomial_log_prob_backward,
    poisson_log_prob,
    poisson_log_prob_backward,
)
from ..options import each, real
from ..params import Constant, Param
from .base import Likelihood, quantile

UNIT = real(1e-18, 1e18)


class Poisson(Likelihood):
    """Counts whose variance is their mean, unit exp(out): out (..., D) are logs of multiples of `unit`.

    `unit` is a number, or one for each column, such as its mean in the data: so a new network, whose outputs are near
    0, starts at a sensible rate.
    """

    values = "counts"

    def __init__(self, unit=1.0):
        unit = each(UNIT)("unit", [unit] if isinstance(unit, Real) else unit)
        self._columns("unit", len(unit))
        self.unit = Constant(unit)

    def forward(self, x, out):
        x, observed = self._observed(x)
        return poisson_log_prob(self._log_mean(out), x=x, observed=observed), (x, out, observed)

    def backward(self, g, cache, accumulate=True):
        x, out, observed = cache
        # forward added out to log unit, so now out gets what the sum gets
        return poisson_log_prob_backward(g, self._log_mean(out), x=x, observed=observed)

    def _log_mean(self, out):
        return array_module(out).log(self.unit.data) + out

    def mean(self, out):
        with np.errstate(over="ignore"):  # infinity
            return self.unit.data * array_module(out).exp(out)

    def draw(self, out, noise):
        """The count at which the distribution function passes the noise."""
        from scipy import stats

        return quantile(stats.poisson.ppf, noise, out, self.mean(out))

    def _seen(self, x):
        """log(1 + x / unit): 0 of 0 and 0.7 where a count is its unit, however large that is."""
        return array_module(x).log1p(x / self.unit.data)


class NegativeBinomial(Poisson):
    """Counts with the mean m = unit exp(out) and the variance m + m^2 / r: a Poisson whose rate varies.

    A parameter log_r (n,), n = 1 or D as in Gaussian, which starts at 0. Where r is large it is a Poisson.
    """

    def __init__(self, unit=1.0, n=1):
        super().__init__(unit)
        self.log_r = Param(np.zeros(self._columns("n", n)), decay=False)

    def forward(self, x, out):
        x, observed = self._observed(x)
        log_p = negative_binomial_log_prob(self._log_mean(out), self.log_r.data, x=x, observed=observed)
        return log_p, (x, out, observed)

    def backward(self, g, cache, accumulate=True):
        x, out, observed = cache
        dout, dlog_r = negative_binomial_log_prob_backward(
            g, self._log_mean(out), self.log_r.data, x=x, observed=observed
        )
        if accumulate:
            self.log_r.grad += dlog_r  # forward gave it to all, so now it gets the sum: (n,)
        return dout

    def draw(self, out, noise):
        from scipy import stats

        r = array_module(out).exp(self.log_r.data)
        return quantile(stats.nbinom.ppf, noise, out, r, r / (r + self.mean(out)))

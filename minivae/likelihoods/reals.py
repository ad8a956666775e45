"""Likelihoods of real numbers: three Gaussians, and Student's t for data with outliers."""

import math

import numpy as np

from ..backend import array_module
from ..densities import (
    gaussian_log_prob,
    gaussian_log_prob_backward,
    reparameterize,
    student_t_log_prob,
    student_t_log_prob_backward,
)
from ..options import each, real
from ..params import Constant, Param
from .base import Likelihood, quantile

STD = real(1e-18, 1e18)  # reads a standard deviation whose square is a float32
DF = real(1e-3, 1e6)


class _Gaussian(Likelihood):
    """What the three Gaussians share: they differ in `moments(out)` = (mu, log_var), which broadcast to (..., D)."""

    def forward(self, x, out):
        x, observed = self._observed(x)
        return gaussian_log_prob(x, *self.moments(out), observed=observed), (x, out, observed)

    def gradients(self, g, cache):
        """(dmu, dlog_var) in the shapes of the moments."""
        x, out, observed = cache
        return gaussian_log_prob_backward(g, x, *self.moments(out), observed=observed)[1:]

    def mean(self, out):
        return self.moments(out)[0]

    def draw_noise(self, rng, n):
        """Standard normal."""
        return rng.standard_normal(n, dtype="float32")

    def draw(self, out, noise):
        mu, log_var = self.moments(out)
        return reparameterize(mu, log_var, eps=noise)


class _Learned(Likelihood):
    """A parameter log_var (n,), n = 1 for all columns or D, each its own, which starts at log(std^2).

    `rounding` (n,), of numbers that are known to so many decimals only, is the standard deviation that this adds: the
    variance is exp(log_var) + rounding^2. Without it the density of a column of few values would have no upper bound.
    """

    def __init__(self, std, n, rounding):
        self.log_var = Param(np.full(self._columns("n", n), 2 * math.log(STD("std", std))), decay=False)
        rounding = [0.0] if rounding is None else each(real(closed=True))("rounding", rounding)
        self.rounding = Constant(np.square(rounding)) if any(rounding) else None

    @property
    def scale(self):
        """log of the variance (n,)."""
        if self.rounding is None:
            return self.log_var.data
        xp = array_module(self.log_var.data)
        return xp.log(xp.exp(self.log_var.data) + self.rounding.data)

    def learn(self, dscale):
        """The gradient of log_var, from that of `scale`: forward gave it to all columns, so it comes as their sum."""
        if self.rounding is not None:  # d log(v + r^2) / d log v = v / (v + r^2)
            dscale = dscale * array_module(dscale).exp(self.log_var.data - self.scale)
        self.log_var.grad += dscale


class Gaussian(_Gaussian, _Learned):
    """Real numbers x (..., D); out (..., D) is the mean; a learned variance (Rybkin et al. 2021), see `_Learned`.

    `std` should be near the error of a fair reconstruction, since Adam moves log_var by its learning rate in a step.
    """

    def __init__(self, std=0.2, n=1, rounding=None):
        super().__init__(std, n, rounding)

    def moments(self, out):
        return out, self.scale

    def backward(self, g, cache, accumulate=True):
        dmu, dscale = self.gradients(g, cache)
        if accumulate:
            self.learn(dscale)
        return dmu  # forward took out as mu


class GaussianFixed(_Gaussian):
    """Real numbers x (..., D) with a fixed standard deviation; out (..., D) is the mean.

    -log_px_z is the squared error / (2 std^2) plus a constant.
    """

    def __init__(self, std=0.1):
        self.std = STD("std", std)

    def moments(self, out):
        return out, array_module(out).full(1, 2 * math.log(self.std), out.dtype)

    def backward(self, g, cache, accumulate=True):
        return self.gradients(g, cache)[0]  # forward took out as mu

    def mean_backward(self, g, out):
        return g  # the mean is out


class GaussianFull(_Gaussian):
    """Real numbers x (..., D); out (..., 2 D) is a block of means and a block of log-variances (Kingma & Welling, C.2).

    Where a pixel never varies the density has no upper bound, and neither has log_px_z.
    """

    n_out = 2

    def moments(self, out):
        blocks = self._blocks(out)
        return blocks[..., 0, :], blocks[..., 1, :]

    def backward(self, g, cache, accumulate=True):
        return array_module(g).concatenate(self.gradients(g, cache), axis=-1)  # in the order of the blocks


class StudentT(_Learned):
    """Real numbers x (..., D) with outliers; out (..., D) is the center, the mean where df > 1.

    Two parameters (n,): log_var of the squared scale, see `_Learned`, and log_df of the degrees of freedom. An outlier,
    u scales away, pulls the center by about (df + 1) / u; a Gaussian's by u.
    """

    def __init__(self, std=1.0, n=1, df=5.0, rounding=None):
        super().__init__(std, n, rounding)
        self.log_df = Param(np.full(self.log_var.data.shape, math.log(DF("df", df))), decay=False)

    def forward(self, x, out):
        x, observed = self._observed(x)
        return student_t_log_prob(x, out, *self._shape, observed=observed), (x, out, observed)

    def backward(self, g, cache, accumulate=True):
        x, out, observed = cache
        _, dout, dlog_var, dlog_df = student_t_log_prob_backward(g, x, out, *self._shape, observed=observed)
        if accumulate:
            self.learn(dlog_var)
            self.log_df.grad += dlog_df
        return dout

    @property
    def _shape(self):
        return self.scale, self.log_df.data

    def mean(self, out):
        return out

    def draw(self, out, noise):
        """Where the distribution function is the noise."""
        from scipy import stats

        xp = array_module(out)
        log_var, log_df = self._shape
        return out + xp.exp(0.5 * log_var) * quantile(stats.t.ppf, noise, out, xp.exp(log_df))

"""Likelihoods p(x | z): what the decoder's raw output `out` means. They are layers, since they may own parameters.

The data x (..., D) are rows of D numbers; out (..., n_out * D) has n_out blocks of D, such as means, then variances.
"""

import math

import numpy as np

from .backend import array_module
from .densities import (
    bernoulli_log_prob,
    bernoulli_log_prob_backward,
    categorical_log_prob,
    categorical_log_prob_backward,
    gaussian_log_prob,
    gaussian_log_prob_backward,
    reparameterize,
)
from .layers.base import Layer
from .numeric import sigmoid, softmax
from .options import real, whole
from .params import Param

STD = real(1e-18, 1e18)  # reads a standard deviation whose square is a float32


class Likelihood(Layer):
    """p(x | z), each of the D numbers by itself given z: log p(x | z) is the sum of theirs."""

    n_out = 1  # raw outputs for each number of x

    def forward(self, x, out):
        """x (..., D), out (..., n_out * D) -> (log_px_z (...) nats, cache)."""
        raise NotImplementedError

    def backward(self, g, cache, accumulate=True):
        """dout (..., n_out * D), from the gradient g (...) of log_px_z. The data x get no gradient."""
        raise NotImplementedError

    def mean(self, out):
        """x_hat (..., D), the mean of p(x | z)."""
        raise NotImplementedError

    def draw_noise(self, rng, n):
        """What `draw` turns into a sample of x; n is the shape of x."""
        raise NotImplementedError

    def draw(self, out, noise):
        """A sample of p(x | z): out (..., n_out * D), noise (..., D) -> x (..., D)."""
        raise NotImplementedError

    def _blocks(self, out):
        """out (..., n_out * D) -> (..., n_out, D)."""
        D, rest = divmod(out.shape[-1], self.n_out)
        if rest:
            raise ValueError(f"out: expected a multiple of {self.n_out} columns, got {out.shape[-1]}")
        return out.reshape(*out.shape[:-1], self.n_out, D)


class Bernoulli(Likelihood):
    """Bits: x (..., D) of 0 and 1, or grey in between; out (..., D) are logits, x_hat = sigmoid(out) is P(x = 1).

    d log_px_z / d out = x - x_hat: no gradient where the decoder is right, and never more than 1 where it is wrong.
    That x is in [0, 1] is checked where data are read, not in every step.
    """

    def forward(self, x, out):
        return bernoulli_log_prob(out, x=x), (x, out)

    def backward(self, g, cache, accumulate=True):
        x, out = cache
        return bernoulli_log_prob_backward(g, out, x=x)

    def mean(self, out):
        return sigmoid(out)

    def draw_noise(self, rng, n):
        """Uniform from 0 to 1: below x_hat with probability x_hat."""
        return rng.random(n, dtype="float32")

    def draw(self, out, noise):
        return (noise < sigmoid(out)).astype(out.dtype)


class Categorical(Likelihood):
    """Numbers on a grid of `levels` equal steps from 0 to 1: out (..., levels * D) are logits, one block per level.

    Each number of x (..., D) is rounded to the nearest level, k / (levels - 1). Unlike a Gaussian this can say "black
    or white, but not grey". x_hat is the mean of the levels; two levels are a Bernoulli.
    """

    def __init__(self, levels=16):
        self.n_out = whole(2)("levels", levels)

    def forward(self, x, out):
        if isinstance(x, np.ndarray) and x.size and (x.min() < 0 or x.max() > 1):  # a GPU would have to wait
            raise ValueError(f"x: expected numbers from 0 to 1, got {x.min()} to {x.max()}")
        k = array_module(x).rint(x * (self.n_out - 1))  # (..., D), whole numbers
        logits = self._blocks(out)  # (..., levels, D)
        return categorical_log_prob(logits, x=k), (k, logits)

    def backward(self, g, cache, accumulate=True):
        k, logits = cache
        dlogits = categorical_log_prob_backward(g, logits, x=k)  # (..., levels, D)
        n, D = dlogits.shape[-2:]  # forward made blocks of the row out, so now they are one row again
        return dlogits.reshape(*dlogits.shape[:-2], n * D)

    def mean(self, out):
        p = softmax(self._blocks(out))  # (..., levels, D)
        level = array_module(out).arange(self.n_out, dtype=out.dtype) / (self.n_out - 1)
        return (p * level[:, None]).sum(axis=-2)

    def draw_noise(self, rng, n):
        """Uniform from 0 to 1."""
        return rng.random(n, dtype="float32")

    def draw(self, out, noise):
        """The level at which the cumulated probability passes the noise."""
        below = softmax(self._blocks(out)).cumsum(axis=-2) < noise[..., None, :]
        return below[..., :-1, :].sum(axis=-2).astype(out.dtype) / (self.n_out - 1)


class _Gaussian(Likelihood):
    """What the three Gaussians share: they differ in `moments(out)` = (mu, log_var), which broadcast to (..., D)."""

    def forward(self, x, out):
        return gaussian_log_prob(x, *self.moments(out)), (x, out)

    def mean(self, out):
        return self.moments(out)[0]

    def draw_noise(self, rng, n):
        """Standard normal."""
        return rng.standard_normal(n, dtype="float32")

    def draw(self, out, noise):
        mu, log_var = self.moments(out)
        return reparameterize(mu, log_var, eps=noise)


class Gaussian(_Gaussian):
    """Real numbers x (..., D); out (..., D) is the mean; one parameter log_var (1,) for all (Rybkin et al. 2021).

    It starts at log(std^2). `std` should be near the error of a fair reconstruction, since Adam moves log_var by its
    learning rate in a step.
    """

    def __init__(self, std=0.2):
        self.log_var = Param(np.full(1, 2 * math.log(STD("std", std))), decay=False)

    def moments(self, out):
        return out, self.log_var.data

    def backward(self, g, cache, accumulate=True):
        x, out = cache
        _, dmu, dlog_var = gaussian_log_prob_backward(g, x, *self.moments(out))
        if accumulate:
            self.log_var.grad += dlog_var  # forward gave one log_var to all, so now it gets the sum: (1,)
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
        x, out = cache
        _, dmu, _ = gaussian_log_prob_backward(g, x, *self.moments(out))
        return dmu  # forward took out as mu


class GaussianFull(_Gaussian):
    """Real numbers x (..., D); out (..., 2 D) is a block of means and a block of log-variances (Kingma & Welling, C.2).

    Where a pixel never varies the density has no upper bound, and neither has log_px_z.
    """

    n_out = 2

    def moments(self, out):
        blocks = self._blocks(out)
        return blocks[..., 0, :], blocks[..., 1, :]

    def backward(self, g, cache, accumulate=True):
        x, out = cache
        _, dmu, dlog_var = gaussian_log_prob_backward(g, x, *self.moments(out))
        return array_module(out).concatenate((dmu, dlog_var), axis=-1)  # in the order of the blocks


LIKELIHOODS = {
    "bernoulli": Bernoulli,
    "categorical": Categorical,
    "gaussian": Gaussian,
    "gaussian-fixed": GaussianFixed,
    "gaussian-full": GaussianFull,
}

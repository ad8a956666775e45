"""From data to noise in T steps, q(x_t | x_{t-1}) = N(sqrt(1 - beta_t) x_{t-1}, beta_t I), and what follows from it.

    q(x_t | x_0) = N(sqrt(abar_t) x_0, (1 - abar_t) I),   abar_t = prod_{s <= t} (1 - beta_s)   (Ho et al. 2020, eq. 4)

t = 0 are the data, abar_0 = 1.
"""

import math

import numpy as np

from ..backend import array_module
from ..params import Constant, Module, State
from .reals import LOG_2PI

OFFSET = 0.008  # of the cosine: without it the first steps would add too little noise (Nichol & Dhariwal 2021, eq. 17)
LAST = 0.5  # the largest beta; with 0.999 as in the paper the last steps of few make errors 30 times as large


def linear_betas(T):
    """beta_t in equal steps, of T = 1000 from 0.0001 to 0.02 (Ho et al. 2020, sec. 4), of fewer the more: (T,)."""
    return np.minimum(np.linspace(1e-4, 0.02, T) * (1000 / T), LAST)


def cosine_betas(T):
    """beta_t for which abar_t is about cos^2(pi t / 2 T): noise comes more slowly (Nichol & Dhariwal 2021): (T,)."""
    abar = np.cos((np.linspace(0, 1, T + 1) + OFFSET) / (1 + OFFSET) * math.pi / 2) ** 2
    return np.minimum(1 - abar[1:] / abar[:-1], LAST)


BETAS = {"cosine": cosine_betas, "linear": linear_betas}


class Noising(Module):
    """The T steps of `beta` (T,), and how wide p(x_{t-1} | x_t) = N(mean, v_t I) has to be, whose mean a network finds.

    v_t = least_t + moves_t error_t (Bao et al. 2022, "Analytic-DPM", 2201.06503, theorem 1): `least` is the variance of
    q(x_{t-1} | x_t, x_0), `moves` the square by which an error of 1 in the noise moves the mean, and the state `error`
    (T,) the mean square of those that are made. `beta` and `abar` are lists of floats, with an entry for each t from 0
    to T; beta has none at 0.
    """

    def __init__(self, beta):
        self.T = len(beta)
        abar = np.cumprod(np.concatenate([[1.0], 1 - beta]))
        self.beta, self.abar = [math.nan, *beta.tolist()], abar.tolist()
        left = 1 - abar
        self.shares = Constant(np.sqrt([abar[1:], left[1:]]))  # (2, T), of x_0 and of noise in x_t
        self.least = Constant(left[:-1] / left[1:] * beta)  # (T,), 0 at t = 1   (eq. 7)
        self.moves = Constant(beta**2 / ((1 - beta) * left[1:]))  # (T,), of `mean`
        self.error = State(np.ones(self.T), 0.05)

    def variance(self):
        """v_t, (T,)."""
        return self.least.data + self.moves.data * self.error.data

    def weight(self):
        """Nats that a squared error of 1 in the noise at t costs in the bound, (T,)."""
        return 0.5 * self.moves.data / self.variance()

    def constant(self, x_0):
        """What the bound of x_0 (N, D) costs beside the errors in the noise, nats (N,).

        KL(N(m, least I) || N(m', v I)) = D / 2 (r - 1 - log r) + |m - m'|^2 / 2 v with r = least / v, of each t > 1.
        """
        xp, v, abar, D = array_module(x_0), self.variance(), self.abar[-1], x_0.shape[-1]
        r = self.least.data[1:] / v[1:]
        kl_T = 0.5 * (abar * (x_0 * x_0).sum(axis=-1) - D * (abar + math.log1p(-abar)))  # of q(x_T | x_0) and N(0, I)
        return 0.5 * D * (LOG_2PI + xp.log(v[0]) + (r - 1 - xp.log(r)).sum()) + kl_T

    def follow(self, i, squares):
        """Pull `error` towards the mean squares (N,) of a step, at t = i + 1 (N,)."""
        xp = array_module(squares)
        hits = (i[:, None] == xp.arange(self.T)).astype(squares.dtype)  # (N, T)
        count, total = hits.sum(axis=0), (hits * squares[:, None]).sum(axis=0)
        self.error.pull_towards(xp.where(count > 0, total / xp.maximum(count, 1), self.error.data))

    def noised(self, x, eps, t):
        """x_t of x_{t-1} and of the noise eps that this step adds, (..., D)."""
        return math.sqrt(1 - self.beta[t]) * x + math.sqrt(self.beta[t]) * eps

    def mean(self, x_t, eps, t):
        """The mean of q(x_{t-1} | x_t, x_0) where eps is the noise in x_t, any array (..., D)   (eq. 11)."""
        beta = self.beta[t]
        return (x_t - beta / math.sqrt(1 - self.abar[t]) * eps) / math.sqrt(1 - beta)

    def moved(self, x_t, eps, t, s):
        """x_s with the noise eps of x_t, (..., D): a step of the map without noise (Song et al. 2021, eq. 12)."""
        x_0 = (x_t - math.sqrt(1 - self.abar[t]) * eps) / math.sqrt(self.abar[t])
        return math.sqrt(self.abar[s]) * x_0 + math.sqrt(1 - self.abar[s]) * eps

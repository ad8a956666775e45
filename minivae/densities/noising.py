"""From data to noise in T steps, q(x_t | x_{t-1}) = N(sqrt(1 - beta_t) x_{t-1}, beta_t I), and what follows from it.

    q(x_t | x_0) = N(sqrt(abar_t) x_0, (1 - abar_t) I),   abar_t = prod_{s <= t} (1 - beta_s)   (Ho et al. 2020, eq. 4)

t = 0 are the data, abar_0 = 1.
"""

import math

import numpy as np

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


class Noising:
    """The T steps of `beta` (T,): lists of floats with an entry for each t from 0 to T; only abar has one at t = 0.

    `variance` is what p(x_{t-1} | x_t) gets, that of q(x_{t-1} | x_t, x_0); at t = 1, where this is 0, the variance of
    x_0 that x_1 leaves open, beta_1 / (1 - beta_1), if all x_0 are as likely as each other. `weight`: how many nats a
    squared error of 1 costs in the noise that is found at t.
    """

    def __init__(self, beta):
        beta = np.concatenate([[math.nan], beta])
        alpha = 1 - beta
        abar = np.cumprod(np.concatenate([[1.0], alpha[1:]]))
        left = 1 - abar
        variance = np.full(len(beta), math.nan)
        variance[2:] = left[1:-1] / left[2:] * beta[2:]  # eq. 7
        variance[1] = beta[1] / alpha[1]
        weight = np.full(len(beta), math.nan)
        weight[1:] = beta[1:] ** 2 / (2 * variance[1:] * alpha[1:] * left[1:])  # eq. 12
        self.T = len(beta) - 1
        self.beta, self.abar, self.variance, self.weight = (a.tolist() for a in (beta, abar, variance, weight))

    def mean(self, x_t, eps, t):
        """The mean of q(x_{t-1} | x_t, x_0) where eps is the noise in x_t, any array (..., D)   (eq. 11)."""
        beta = self.beta[t]
        return (x_t - beta / math.sqrt(1 - self.abar[t]) * eps) / math.sqrt(1 - beta)

    def moved(self, x_t, eps, t, s):
        """x_s with the noise eps of x_t, (..., D): a step of the map without noise (Song et al. 2021, eq. 12)."""
        x_0 = (x_t - math.sqrt(1 - self.abar[t]) * eps) / math.sqrt(self.abar[t])
        return math.sqrt(self.abar[s]) * x_0 + math.sqrt(1 - self.abar[s]) * eps

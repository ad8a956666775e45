"""Priors that are mixtures of diagonal Gaussians: free ones, and posteriors of learned inputs."""

import math

import numpy as np

from ..backend import array_module
from ..densities import (
    log_mean_exp,
    log_mean_exp_backward,
    pairwise_gaussian_log_prob,
    pairwise_gaussian_log_prob_backward,
    reparameterize,
)
from ..numeric import sigmoid, softmax
from ..options import sizes
from ..params import Param
from .base import Prior


class _Mixture(Prior):
    """p(z) = sum_c w_c N(z; mu_c, exp(log_var_c)): `components()` gives (mu (C, L), log_var (C, L), w (C,), cache)."""

    def forward(self, z):
        mu, log_var, w, c_parts = self.components()
        log_p = pairwise_gaussian_log_prob(z, mu, log_var)  # (C, ...)
        log_w = array_module(z).log(w * len(w)).reshape(-1, *[1] * (z.ndim - 1))  # the mean over c divides by C
        log_p = log_p + log_w
        return log_mean_exp(log_p), (z, mu, log_var, w, log_p, c_parts)

    def backward(self, g, cache, accumulate=True):
        z, mu, log_var, w, log_p, c_parts = cache
        # forward took the log of a sum over c, so now each component gets its share of g, its responsibility for z
        dlog_p = log_mean_exp_backward(g, log_p)
        dz, dmu, dlog_var = pairwise_gaussian_log_prob_backward(dlog_p, z, mu, log_var)
        if accumulate:
            self.learn(dmu, dlog_var, dlog_p.reshape(len(w), -1).sum(axis=1), w, c_parts)
        return dz

    def draw_noise(self, rng, n):
        """A uniform number, which chooses the component, and standard normal eps (n, L)."""
        eps = rng.standard_normal((n, self.L), dtype="float32")
        return {"c": rng.random(n, dtype="float32"), "eps": eps}

    def draw(self, noise):
        mu, log_var, w, _ = self.components()
        c = (noise["c"][:, None] >= w.cumsum()[:-1]).sum(axis=1)  # (n,), 0 to C - 1
        return reparameterize(mu[c], log_var[c], eps=noise["eps"])


class Mixture(_Mixture):
    """A mixture of C Gaussians: parameters mu and log_var (C, L), and logits (C,) whose softmax is w.

    It starts as N(0, I), but that the means lie apart by draws from N(0, 1/4).
    """

    def __init__(self, L, C, rng):
        super().__init__(L)
        (C,) = sizes(C=C)
        self.mu = Param(0.5 * rng.standard_normal((C, L)), decay=False)
        self.log_var = Param(np.full((C, L), math.log(0.75)), decay=False)
        self.logits = Param(np.zeros(C), decay=False)

    def components(self):
        return self.mu.data, self.log_var.data, softmax(self.logits.data[:, None])[:, 0], None

    def learn(self, dmu, dlog_var, dlog_w, w, cache):
        self.mu.grad += dmu
        self.log_var.grad += dlog_var
        self.logits.grad += dlog_w - w * dlog_w.sum()  # forward took log softmax


class VampPrior(_Mixture):
    """p(z) = 1/C sum_c q(z | u_c): posteriors of C learned pseudo-inputs (Tomczak & Welling 2018, eq. 9).

    `pseudo` (C, D) goes through the encoder of the model, so that a gradient of p(z) reaches both. Where x is in [0, 1]
    (`unit`) u is sigmoid(pseudo), else pseudo itself.
    """

    def __init__(self, encoder, L, C, rng, unit=True):
        super().__init__(L)
        (C,) = sizes(C=C)
        self.encoder = encoder
        self.unit = unit
        self.pseudo = Param(rng.standard_normal((C, encoder.n_in)), decay=False)

    def inputs(self):
        """u (C, D)."""
        return sigmoid(self.pseudo.data) if self.unit else self.pseudo.data

    def components(self):
        u = self.inputs()
        (mu, log_var), c_enc = self.encoder.forward(u)
        C = len(u)
        return mu, log_var, array_module(mu).full(C, 1 / C, mu.dtype), (u, c_enc)

    def learn(self, dmu, dlog_var, dlog_w, w, cache):
        u, c_enc = cache
        du = self.encoder.backward((dmu, dlog_var), c_enc)
        self.pseudo.grad += du * u * (1 - u) if self.unit else du

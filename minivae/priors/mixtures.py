"""Priors that are mixtures of Gaussians: free ones, posteriors of learned inputs, and of any covariance."""

import math

import numpy as np

from ..backend import array_module
from ..densities import (
    LOG_2PI,
    log_mean_exp,
    log_mean_exp_backward,
    pairwise_gaussian_log_prob,
    pairwise_gaussian_log_prob_backward,
    reparameterize,
)
from ..numeric import sigmoid, softmax
from ..options import sizes
from ..params import Constant, Param
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


class FittedMixture(Prior):
    """p(z) = sum_c w_c N(z; mu_c, R_c' R_c): Gaussians of any covariance, which no gradient has fitted.

    w (C,), mu (C, L) and R (C, L, L), upper triangles: z = mu_c + eps R_c.
    """

    def __init__(self, w, mu, R):
        super().__init__(mu.shape[-1])
        self.w, self.mu, self.R = Constant(w), Constant(mu), Constant(R)
        self.R_inv = Constant(np.linalg.inv(R))
        self.log_det = Constant(np.log(np.diagonal(R, axis1=1, axis2=2)).sum(axis=1))

    def forward(self, z):
        rows, w = z.reshape(-1, self.L), self.w.data
        u = (rows - self.mu.data[:, None]) @ self.R_inv.data  # (C, n, L)
        log_w = array_module(z).log(w * len(w)) - self.log_det.data  # the mean over c divides by C
        log_p = log_w[:, None] - 0.5 * (LOG_2PI + u * u).sum(axis=-1)  # (C, n)
        return log_mean_exp(log_p).reshape(z.shape[:-1]), (z, u, log_p)

    def backward(self, g, cache, accumulate=True):
        z, u, log_p = cache
        # forward took the log of a sum over c of -u^2 / 2, so now each u gets its responsibility for z, times -u
        dlog_p = log_mean_exp_backward(g.reshape(-1), log_p)  # (C, n)
        du = -dlog_p[..., None] * u
        return (du @ self.R_inv.data.swapaxes(1, 2)).sum(axis=0).reshape(z.shape)

    def draw_noise(self, rng, n):
        """As for a `Mixture`."""
        eps = rng.standard_normal((n, self.L), dtype="float32")
        return {"c": rng.random(n, dtype="float32"), "eps": eps}

    def draw(self, noise):
        c = (noise["c"][:, None] >= self.w.data.cumsum()[:-1]).sum(axis=1)  # (n,), 0 to C - 1
        return self.mu.data[c] + (noise["eps"][:, None] @ self.R.data[c])[:, 0]

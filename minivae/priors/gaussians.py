"""Gaussian priors: the KL of a Gaussian posterior to them has a closed form."""

import numpy as np

from ..densities import (
    gaussian_log_prob,
    gaussian_log_prob_backward,
    kl_gaussians,
    kl_gaussians_backward,
    kl_standard_normal,
    kl_standard_normal_backward,
    reparameterize,
    standard_normal_log_prob,
    standard_normal_log_prob_backward,
)
from ..params import Param
from .base import Prior


class StandardNormal(Prior):
    """p(z) = N(0, I): log p(z) = -1/2 sum_l (log 2 pi + z_l^2)."""

    def forward(self, z):
        return standard_normal_log_prob(z), z

    def backward(self, g, cache, accumulate=True):
        return standard_normal_log_prob_backward(g, cache)  # forward was -z^2 / 2, so now dz = -g z

    def kl(self, mu, log_var):
        """KL(N(mu, exp(log_var)) || p), (..., L) -> (..., L) nats."""
        return kl_standard_normal(mu, log_var)

    def kl_backward(self, g, mu, log_var, accumulate=True):
        """(dmu, dlog_var), (..., L) each, from the gradient g (..., L) of the KL."""
        return kl_standard_normal_backward(g, mu, log_var)

    def draw(self, noise):
        return noise


class DiagonalNormal(Prior):
    """p(z) = N(mu, diag(exp(log_var))): the prior learns where the latents lie, and how widely.

    The parameters mu (L,) and log_var (L,) have one number per latent.
    """

    def __init__(self, L):
        super().__init__(L)
        self.mu = Param(np.zeros(self.L), decay=False)
        self.log_var = Param(np.zeros(self.L), decay=False)

    def forward(self, z):
        return gaussian_log_prob(z, self.mu.data, self.log_var.data), z

    def backward(self, g, cache, accumulate=True):
        # forward was the density of z under mu and log_var, so now all three get their gradient: mu that of -z
        dz, dmu, dlog_var = gaussian_log_prob_backward(g, cache, self.mu.data, self.log_var.data)
        self._add(dmu, dlog_var, accumulate)
        return dz

    def kl(self, mu, log_var):
        """KL(N(mu, exp(log_var)) || p), (..., L) -> (..., L) nats."""
        return kl_gaussians(mu, log_var, self.mu.data, self.log_var.data)

    def kl_backward(self, g, mu, log_var, accumulate=True):
        """(dmu, dlog_var), (..., L) each, from the gradient g (..., L) of the KL."""
        dmu, dlog_var, dmu_p, dlog_var_p = kl_gaussians_backward(g, mu, log_var, self.mu.data, self.log_var.data)
        self._add(dmu_p, dlog_var_p, accumulate)
        return dmu, dlog_var

    def draw(self, noise):
        return reparameterize(self.mu.data, self.log_var.data, eps=noise)

    def _add(self, dmu, dlog_var, accumulate):
        """Add to the gradients of the parameters, (L,) each."""
        if accumulate:
            self.mu.grad += dmu
            self.log_var.grad += dlog_var


class ConditionalNormal(Prior):
    """p(z | y) = N(mu, diag(exp(log_var))), whose context (mu, log_var) are the heads of a model's network of y.

    The two (N, L) broadcast against z (..., N, L): a Gaussian for each row. There are no parameters here, so the
    gradient of the context goes back to the caller, who has the network   (Sohn, Lee & Yan 2015).
    """

    def forward(self, z, context):
        return gaussian_log_prob(z, *context), (z, context)

    def backward(self, g, cache, accumulate=True):
        """(dz, (dmu, dlog_var) of the context), from the gradient g (...) of log p(z | y)."""
        z, context = cache
        dz, *dcontext = gaussian_log_prob_backward(g, z, *context)
        return dz, tuple(dcontext)

    def kl(self, mu, log_var, context):
        """KL(N(mu, exp(log_var)) || p), (..., L) -> (..., L) nats."""
        return kl_gaussians(mu, log_var, *context)

    def kl_backward(self, g, mu, log_var, context, accumulate=True):
        """(dmu, dlog_var, (dmu, dlog_var) of the context), from the gradient g (..., L) of the KL."""
        dmu, dlog_var, *dcontext = kl_gaussians_backward(g, mu, log_var, *context)
        return dmu, dlog_var, tuple(dcontext)

    def draw(self, noise, context):
        return reparameterize(*context, eps=noise)

    def given(self, context):
        """p(z | y) of one context, which is called as any other prior, and whose backward gives dz alone."""
        return _Given(self, context)


class _Given(Prior):
    """A conditional prior together with its context."""

    def __init__(self, prior, context):
        super().__init__(prior.L)
        self.prior, self.context = prior, context

    def forward(self, z):
        return self.prior.forward(z, self.context)

    def backward(self, g, cache, accumulate=True):
        return self.prior.backward(g, cache)[0]

    def kl(self, mu, log_var):
        return self.prior.kl(mu, log_var, self.context)

    def draw(self, noise):
        return self.prior.draw(noise, self.context)

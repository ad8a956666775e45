"""Priors p(z). They are layers, since they may own parameters."""

from .densities import (
    kl_standard_normal,
    kl_standard_normal_backward,
    standard_normal_log_prob,
    standard_normal_log_prob_backward,
)
from .layers.base import Layer


class StandardNormal(Layer):
    """p(z) = N(0, I) over `L` latents, with the KL of a diagonal Gaussian to it in closed form."""

    def __init__(self, L):
        self.L = L

    def forward(self, z):
        """z (..., L) -> log p(z) (...) nats."""
        return standard_normal_log_prob(z), z

    def backward(self, g, cache, accumulate=True):
        return standard_normal_log_prob_backward(g, cache)

    def kl(self, mu, log_var):
        """KL(N(mu, exp(log_var)) || p), (..., L) -> (...) nats; its gradient is kl_backward, g (...)."""
        return kl_standard_normal(mu, log_var)

    def kl_backward(self, g, mu, log_var, accumulate=True):
        return kl_standard_normal_backward(g, mu, log_var)

    def draw_noise(self, rng, n):
        """What `draw` turns into n latents, (n, L)."""
        return rng.standard_normal((n, self.L), dtype="float32")

    def draw(self, noise):
        return noise

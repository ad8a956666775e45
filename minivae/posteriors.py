"""Posteriors q(z | x): what the encoder's outputs, its heads, mean. They are layers, since a flow owns parameters."""

from .backend import unbroadcast
from .densities import LOG_2PI, reparameterize, reparameterize_backward
from .layers.base import Layer


class Posterior(Layer):
    """A way to draw z from the encoder's `n_heads` outputs, each (..., L), with log q(z | x) of the draw in nats.

    `latent`, "gaussian" or "point": what `describe` gives. `score`, where it is known: d log q / dz with q held.
    """

    n_heads = 2
    latent = "gaussian"
    score = None

    def forward(self, heads, eps):
        """heads (N, L) each, eps (K, N, L) -> ((z (K, N, L), log_qz_x (K, N)), cache)."""
        raise NotImplementedError

    def backward(self, dz, dlog_qz_x, cache, accumulate=True):
        """The gradients of the heads, (N, L) each, of those of z and of log_qz_x."""
        raise NotImplementedError

    def describe(self, heads):
        """What is known of z without a draw: (mu, log_var) of a Gaussian, else the z that eps = 0 gives."""
        raise NotImplementedError


class DiagonalGaussian(Posterior):
    """heads (mu, log_var): z = mu + std eps, log q(z | x) = -1/2 sum_l (log 2 pi + log_var + eps^2)."""

    def forward(self, heads, eps):
        mu, log_var = heads
        log_qz_x = -0.5 * (LOG_2PI + log_var + eps * eps).sum(axis=-1)
        return (reparameterize(mu, log_var, eps=eps), log_qz_x), (mu, log_var, eps)

    def backward(self, dz, dlog_qz_x, cache, accumulate=True):
        mu, log_var, eps = cache
        dmu, dlog_var = reparameterize_backward(dz, mu, log_var, eps=eps)
        # at z = mu + std eps, (z - mu) / std is eps whatever mu is: log q depends on log_var alone
        return dmu, dlog_var - 0.5 * unbroadcast(dlog_qz_x, mu.shape[:-1])[..., None]

    def score(self, cache):
        """-(z - mu) / std^2 = -eps / std."""
        mu, log_var, eps = cache
        return -reparameterize(0 * mu, -log_var, eps=eps)

    def describe(self, heads):
        return heads


class FlowPosterior(Posterior):
    """heads (mu, log_var, h): a Gaussian draw z_0 through a bijector with context h (Rezende & Mohamed 2015, eq. 7).

    log q(z | x) = log N(z_0; mu, std^2) - log |det dz / dz_0|.
    """

    n_heads = 3
    latent = "point"

    def __init__(self, flow):
        self.flow = flow
        self.base = DiagonalGaussian()

    def forward(self, heads, eps):
        mu, log_var, h = heads
        (z0, log_qz0), c_base = self.base.forward((mu, log_var), eps)
        (z, log_det), c_flow = self.flow.forward(z0, h)
        return (z, log_qz0 - log_det), (c_base, c_flow)

    def backward(self, dz, dlog_qz_x, cache, accumulate=True):
        c_base, c_flow = cache
        dz0, dh = self.flow.backward(dz, -dlog_qz_x, c_flow, accumulate)
        return *self.base.backward(dz0, dlog_qz_x, c_base), dh

    def describe(self, heads):
        mu, _, h = heads
        (z, _), _ = self.flow.forward(mu, h)
        return z

"""What every posterior is, a diagonal Gaussian, and one that goes through a flow."""

from ..backend import unbroadcast
from ..densities import LOG_2PI, reparameterize, reparameterize_backward
from ..layers.base import Layer


class Posterior(Layer):
    """A way to draw z from the `n_heads` outputs of the encoder, (N, L) each, with log q(z | x) of what was drawn.

    `latent` says what `describe` gives, "gaussian" or "point". `score(cache)` (K, N, L), where it is known, is
    d log q / dz with the heads held constant. `L` is the number of latents, where the heads have other widths.
    """

    n_heads = 2
    L = None
    latent = "gaussian"
    score = None

    def forward(self, heads, eps):
        """heads (N, L) each, eps (K, N, L) -> ((z (K, N, L), log_qz_x (K, N)), cache)."""
        raise NotImplementedError

    def backward(self, dz, dlog_qz_x, cache, accumulate=True):
        """The gradients of the heads, (N, L) each, from those of z (K, N, L) and of log_qz_x (K, N)."""
        raise NotImplementedError

    def describe(self, heads):
        """What is known of z without a draw: (mu, log_var) of a Gaussian, or the z (N, L) that eps = 0 gives."""
        raise NotImplementedError

    def _checked(self, heads):
        """The heads; ValueError where the encoder gives another number of them."""
        if len(heads) != self.n_heads:
            raise ValueError(f"heads: {type(self).__name__} takes {self.n_heads}, got {len(heads)}; see build_networks")
        return heads


class DiagonalGaussian(Posterior):
    """z = mu + std eps, log q(z | x) = -1/2 sum_l (log 2 pi + log_var + eps^2), std = exp(log_var / 2).

    The heads are mu (N, L) and log_var (N, L), which all K samples of an example share.
    """

    def forward(self, heads, eps):
        mu, log_var = self._checked(heads)
        log_qz_x = -0.5 * (LOG_2PI + log_var + eps * eps).sum(axis=-1)
        return (reparameterize(mu, log_var, eps=eps), log_qz_x), (mu, log_var, eps)

    def backward(self, dz, dlog_qz_x, cache, accumulate=True):
        mu, log_var, eps = cache
        dmu, dlog_var = reparameterize_backward(dz, mu, log_var, eps=eps)
        # forward gave -log_var / 2 to log q in every sample, and nothing of mu, since (z - mu) / std is eps; so now
        # dlog_var gets -1/2 of the sum of dlog_qz_x over the samples
        return dmu, dlog_var - 0.5 * unbroadcast(dlog_qz_x, mu.shape[:-1])[..., None]

    def score(self, cache):
        """d log q / dz = -(z - mu) / std^2 = -eps / std, (K, N, L)."""
        mu, log_var, eps = cache
        return -reparameterize(0 * mu, -log_var, eps=eps)

    def describe(self, heads):
        return heads


class FlowPosterior(Posterior):
    """A Gaussian draw z_0 goes through a bijector to z (Rezende & Mohamed 2015, eq. 7).

    log q(z | x) = log N(z_0; mu, std^2) - log |det dz / dz_0|. The heads are mu and log_var (N, L) and h (N, flow.H):
    the context of the bijector, by which it depends on x.
    """

    n_heads = 3
    latent = "point"

    def __init__(self, flow):
        self.flow = flow
        self.base = DiagonalGaussian()

    def forward(self, heads, eps):
        mu, log_var, h = self._checked(heads)
        (z0, log_qz0), c_base = self.base.forward((mu, log_var), eps)
        (z, log_det), c_flow = self.flow.forward(z0, h)
        return (z, log_qz0 - log_det), (c_base, c_flow, h)

    def backward(self, dz, dlog_qz_x, cache, accumulate=True):
        c_base, c_flow, h = cache
        # forward was log q = log q_0 - log_det, so now log_det gets -dlog_qz_x, and log q_0 gets dlog_qz_x
        dz0, dh = self.flow.backward(dz, -dlog_qz_x, c_flow, accumulate)
        dh = 0 * h if dh is None else dh  # of a bijector that has no use for a context
        return *self.base.backward(dz0, dlog_qz_x, c_base), dh

    def describe(self, heads):
        mu, _, h = self._checked(heads)
        (z, _), _ = self.flow.forward(mu, h)
        return z

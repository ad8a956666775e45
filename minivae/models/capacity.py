r"""Capacity annealing (Burgess et al. 2018, "Understanding disentangling in \beta-VAE", 1804.03599).

        x --encoder--> mu, log_var --> z = mu + std eps --decoder--> out --likelihood--> log p(x | z)

loss = -E_{q(z|x)}[\log p(x|z)] + \gamma |KL(q(z|x) || p(z)) - C(t)|,  C rises from 0 at t = 0            (eq. 8)

KL is the mean over the batch: \gamma says how closely it follows C, the nats that the code may have. Above C a nat of
KL costs \gamma, where a VAE's costs 1; below C it gains as much.
"""

from ..backend import array_module
from ..densities import reparameterize, reparameterize_backward
from ..options import Option, read_arguments, real, whole
from ..schedules import linear, schedule
from .networks import NETWORKS, build_networks
from .vae import VAE


class CapacityVAE(VAE):
    """VAE whose KL is held at a capacity C(t).

    Parameters
    ----------
    encoder, decoder, likelihood, prior
        As for VAE.
    gamma : float
        Weight of |KL - C|.
    capacity : float or function of the step
        C(t) in nats.

    Raises
    ------
    ValueError
        As for VAE, or if gamma or capacity is below 0 or not finite.
    """

    options = NETWORKS | {
        "gamma": Option(real(closed=True), 100.0, "weight of |KL - C|; factorvae: of the total correlation; vaegan: of "
                        "the decoder's reconstruction", "X"),
        "capacity": Option(real(closed=True), 25.0, "nats that C rises to", "X"),
        "capacity_epochs": Option(whole(1), 10, "epochs over which C rises from 0", "N"),
    }  # fmt: skip

    def __init__(self, encoder, decoder, likelihood=None, prior=None, gamma=100.0, capacity=25.0):
        (self.gamma,) = read_arguments(self.options, gamma=gamma)
        self.C = schedule(capacity if callable(capacity) else self.options["capacity"].read("capacity", capacity))
        super().__init__(encoder, decoder, likelihood, prior)

    @classmethod
    def build(cls, shape, rng, *, gamma=100.0, capacity=25.0, capacity_epochs=10, pass_steps=1, **networks):
        """A model of data of `shape`, (h, w, c) or (D,): C rises in `capacity_epochs` epochs of `pass_steps` steps."""
        capacity, capacity_epochs = read_arguments(cls.options, capacity=capacity, capacity_epochs=capacity_epochs)
        encoder, decoder, likelihood = build_networks(shape, rng, **networks)
        C = linear(capacity, capacity_epochs * whole(1)("pass_steps", pass_steps))
        return cls(encoder, decoder, likelihood, gamma=gamma, capacity=C)

    def loss_and_grads(self, x, noise, y=None, t=0, grads=True):
        """Metrics of one step on x (N, D), means over the examples in nats; the gradients of `loss` go into `grad`."""
        eps, C, N, xp = noise["eps"], self.C(t), len(x), array_module(x)
        (mu, log_var), c_enc = self.encoder.forward(self.seen(x, y), noise["enc"])  # (N, L)
        z = reparameterize(mu, log_var, eps=eps)
        out, c_dec = self.decoder.forward(self.given(z, y), noise["dec"])  # (N, D * n_out)
        log_px_z, c_x = self.likelihood.forward(x, out)  # (N,) nats
        kl = self.prior.kl(mu, log_var)  # (N, L) nats
        log_px_z, kl_mean = log_px_z.sum() / N, kl.sum() / N
        if grads:
            self.zero_grad()
            g = xp.full(N, 1 / N, out.dtype)
            dz = self.decoder.backward(self.likelihood.backward(-g, c_x), c_dec)[..., : self.L]
            dmu, dlog_var = reparameterize_backward(dz, mu, log_var, eps=eps)
            # forward took |KL - C| of the mean, so now every KL gets the sign of KL - C, over N
            dkl = xp.broadcast_to(self.gamma / N * xp.sign(kl_mean - C), kl.shape)
            dmu_kl, dlog_var_kl = self.prior.kl_backward(dkl, mu, log_var)
            self.encoder.backward((dmu + dmu_kl, dlog_var + dlog_var_kl), c_enc, need_dx=False)
        loss = self.gamma * abs(kl_mean - C) - log_px_z
        return {"loss": loss, "elbo": log_px_z - kl_mean, "log_px_z": log_px_z, "kl": kl_mean}

    def loss_law(self, metrics, t):
        """Of one batch: |KL - C| of a mean is not the mean of those of its parts."""
        return {"loss = gamma |kl - C| - log_px_z": self.gamma * abs(metrics["kl"] - self.C(t)) - metrics["log_px_z"]}

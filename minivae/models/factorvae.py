r"""FactorVAE (Kim & Mnih 2018, "Disentangling by Factorising", 1802.05983): two players.

        x --encoder--> mu, log_var --> z --decoder--> out --likelihood--> log p(x | z)
                                       +--critic--> odds(z) ~ \log q(z) / \prod_l q(z_l)
        z, each latent shuffled over the batch --critic--> odds(z')

loss        = -E \log p(x|z) + KL(q(z|x) || p(z)) + \gamma E[odds(z)]       trains encoder and decoder     (eq. 2, 3)
loss_critic = -1/2 E[\log \sigma(odds(z)) + \log \sigma(-odds(z'))]         trains the critic              (alg. 2)

The critic tells z from z'; where it does so best, odds(z) is the log of the ratio of their densities, and its mean the
total correlation. The critic has one output, where the paper's has two logits; and z' are shuffled codes of the same
batch, where the paper takes another one.
"""

from ..backend import array_module
from ..densities import reparameterize, reparameterize_backward
from ..layers import Dense, LeakyReLU, Network
from ..numeric import sigmoid, softplus
from ..options import Option, each, read_arguments, real, whole
from .base import METRICS, Metric
from .networks import MOST, NETWORKS, build_networks
from .vae import VAE


class FactorVAE(VAE):
    """VAE with a critic, whose odds(z) stand for the total correlation.

    Parameters
    ----------
    encoder, decoder, likelihood, prior
        As for VAE.
    critic : Network
        z (..., L) -> (..., 1), the log-odds that z is a draw from q(z) and not from prod_l q(z_l).
    gamma : float
        Weight of the total correlation.

    Raises
    ------
    ValueError
        As for VAE, or if gamma is below 0 or not finite.
    """

    options = NETWORKS | {
        "gamma": Option(real(closed=True), 10.0, "weight of the total correlation; aae: of the critic", "X"),
        "critic": Option(each(whole(1, MOST)), [100, 100], "widths of the critic", "N", True),
    }
    objectives = {"loss": ("encoder", "decoder", "likelihood", "prior"), "loss_critic": ("critic",)}
    adam_betas = {"loss_critic": (0.5, 0.9)}  # appendix A
    metrics = METRICS | {
        "tc": Metric("critic's total correlation", "lower"),
        "loss_critic": Metric("cross-entropy of the critic", "lower"),
    }

    def __init__(self, encoder, decoder, critic, likelihood=None, prior=None, gamma=10.0):
        self.critic = critic
        (self.gamma,) = read_arguments({"gamma": self.options["gamma"]}, gamma=gamma)
        super().__init__(encoder, decoder, likelihood, prior)

    @classmethod
    def build(cls, shape, rng, *, gamma=10.0, critic=(100, 100), pass_steps=1, **networks):
        """A model of data of `shape`, (h, w, c) or (D,): options as for VAE.build, and the critic's."""
        (critic,) = read_arguments({"critic": cls.options["critic"]}, critic=critic)
        encoder, decoder, likelihood = build_networks(shape, rng, **networks)
        widths = [decoder.n_in, *critic]
        hidden = [layer for n, m in zip(widths, widths[1:], strict=False) for layer in (Dense(n, m, rng), LeakyReLU())]
        return cls(encoder, decoder, Network(*hidden, Dense(widths[-1], 1, rng)), likelihood, gamma=gamma)

    def draw_noise(self, rng, n, train=True):
        """`order` (n, L): for each latent by itself an order of the examples."""
        order = rng.random((n, self.L), dtype="float32").argsort(axis=0)
        return super().draw_noise(rng, n, train) | {"order": order}

    def loss_and_grads(self, x, noise, y=None, t=0, grads=True):
        """Metrics of one step on x (N, D), means over the examples in nats; each part gets its own loss's gradient."""
        eps, N, xp = noise["eps"], len(x), array_module(x)
        (mu, log_var), c_enc = self.encoder.forward(self.seen(x, y), noise["enc"])  # (N, L)
        z = reparameterize(mu, log_var, eps=eps)
        out, c_dec = self.decoder.forward(self.given(z, y), noise["dec"])  # (N, D * n_out)
        log_px_z, c_x = self.likelihood.forward(x, out)  # (N,) nats
        kl = self.prior.kl(mu, log_var)  # (N, L) nats
        odds, c_odds = self.critic.forward(z)  # (N, 1)
        odds_shuffled, c_shuffled = self.critic.forward(z[noise["order"], xp.arange(self.L)])
        log_px_z, kl_mean, tc = log_px_z.sum() / N, kl.sum() / N, odds.sum() / N
        loss_critic = (softplus(-odds) + softplus(odds_shuffled)).sum() / (2 * N)
        if grads:
            self.zero_grad()
            g = xp.full(N, 1 / N, out.dtype)
            dz = self.decoder.backward(self.likelihood.backward(-g, c_x), c_dec)[..., : self.L]
            dz = dz + self.critic.backward(self.gamma * g[:, None], c_odds, accumulate=False)  # not the critic's loss
            dmu, dlog_var = reparameterize_backward(dz, mu, log_var, eps=eps)
            dmu_kl, dlog_var_kl = self.prior.kl_backward(xp.broadcast_to(g[:, None], kl.shape), mu, log_var)
            self.encoder.backward((dmu + dmu_kl, dlog_var + dlog_var_kl), c_enc, need_dx=False)
            # forward was log(1 + e^-odds) of z and log(1 + e^odds) of z', so now odds get sigma(odds) - 1 and sigma
            self.critic.backward((sigmoid(odds) - 1) / (2 * N), c_odds, need_dx=False)
            self.critic.backward(sigmoid(odds_shuffled) / (2 * N), c_shuffled, need_dx=False)
        return {"loss": kl_mean - log_px_z + self.gamma * tc, "elbo": log_px_z - kl_mean, "log_px_z": log_px_z,
                "kl": kl_mean, "tc": tc, "loss_critic": loss_critic}  # fmt: skip

    def loss_law(self, metrics, t):
        return {"loss = kl - log_px_z + gamma tc": metrics["kl"] - metrics["log_px_z"] + self.gamma * metrics["tc"]}

r"""VAE-GAN (Larsen et al. 2016, "Autoencoding beyond pixels using a learned similarity metric", 1512.09300).

        x --encoder--> mu, log_var --> z --decoder--> x_hat --+
                            p(z) --> z_p --decoder--> x_p ----+--critic--> features f --head--> odds
        x ----------------------------------------------------+

loss         = \beta KL(q(z|x) || p(z)) - E \log N(f(x); f(x_hat), s^2 I)                          trains the encoder
loss_decoder = -\gamma E \log N(f(x); f(x_hat), s^2 I) - 1/2 E[\log \sigma(odds(x_hat)) + \log \sigma(odds(x_p))]
loss_critic  = -1/2 E \log \sigma(odds(x)) - 1/4 E[\log \sigma(-odds(x_hat)) + \log \sigma(-odds(x_p))]    (alg. 1)

Squared errors of pixels make a blurred x_hat of what z does not say. Here the critic, which tells data from what is
decoded, brings its features as the measure of likeness. It does not learn from the reconstruction, which it could make
perfect by features of 0, nor the encoder from the critic's odds. Two things are not as in the paper: the decoder
raises \log \sigma(odds) where the paper lowers \log \sigma(-odds), which has no slope where the critic is sure
(Goodfellow et al. 2014, section 3); and for the critic all that is decoded weighs as much as the data. Its layers are
spectrally normalized, so that features cannot grow and a nat of their likeness stays what it is.

x_hat and x_p are means of p(x | z). `elbo` is the bound of p(x | z) p(z), as of a VAE; but nothing here raises it.
"""

from ..backend import array_module
from ..densities import reparameterize, reparameterize_backward
from ..layers import BatchNorm
from ..likelihoods import STD, GaussianFixed
from ..numeric import sigmoid, softplus
from ..options import Option, each, read_arguments, real, whole
from .base import METRICS, Metric
from .beta import BETA, beta_of
from .critics import build_critic
from .networks import MOST, NETWORKS, build_networks
from .vae import VAE


class VAEGAN(VAE):
    """VAE whose reconstructions are judged by the features of a critic.

    Parameters
    ----------
    encoder, decoder, likelihood, prior, beta
        As for VAE; a likelihood without parameters, whose mean has a gradient.
    critic : Network
        x (..., D) -> features (..., F).
    head : Network
        features (..., F) -> (..., 1), the log-odds that x comes from the data.
    gamma : float
        Weight of the reconstruction for the decoder; for the encoder it is 1.
    feature_std : float
        s, the standard deviation of a feature.

    Raises
    ------
    ValueError
        As for VAE; for another likelihood, missing values, BatchNorm, or if gamma or feature_std is none that its
        option takes.
    """

    options = NETWORKS | BETA | {
        "gamma": Option(real(closed=True), 1e-3, "weight of the decoder's reconstruction", "X"),
        "feature_std": Option(STD, 0.1, "of a feature of the critic, in the reconstruction", "X"),
        "critic": Option(each(whole(1, MOST)), [256], "widths of the critic's dense layers", "N", True),
        "critic_channels": Option(each(whole(1, MOST)), None, "of the critic's convolutions (default: 32 64)", "N",
                                  True, fill=lambda settings: [32, 64], needs=("arch", ("conv",)), optional=True),
    }  # fmt: skip
    objectives = {"loss": ("encoder", "prior"), "loss_decoder": ("decoder",), "loss_critic": ("critic", "head")}
    adam_betas = {"loss_decoder": (0.5, 0.999), "loss_critic": (0.5, 0.999)}
    metrics = METRICS | {
        "log_fx_z": Metric("reconstruction, log p(f(x) | z)", "higher"),
        "loss_decoder": Metric("loss of the decoder", "lower"),
        "loss_critic": Metric("cross-entropy of the critic", "lower"),
    }
    monitor = None

    def __init__(self, encoder, decoder, critic, head, likelihood=None, prior=None, beta=1.0, gamma=1e-3,
                 feature_std=0.1):  # fmt: skip
        self.critic, self.head = critic, head
        self.gamma, feature_std = read_arguments(self.options, gamma=gamma, feature_std=feature_std)
        self.features = GaussianFixed(feature_std)  # p(f(x) | f(x_hat))
        super().__init__(encoder, decoder, likelihood, prior, beta)
        if self.likelihood.mean_backward is None or self.likelihood.missing:
            kind = type(self.likelihood).__name__ + " with missing values" * self.likelihood.missing
            raise ValueError(f"likelihood: expected bernoulli or gaussian-fixed of whole rows, got {kind}")
        if self.decoder.named(BatchNorm) or self.critic.named(BatchNorm):
            raise ValueError("norm: expected one without statistics of the batch, which would mix data and draws from "
                             "the prior, such as layer; got batch")  # fmt: skip

    @classmethod
    def build(cls, shape, rng, *, beta=1.0, beta_schedule="constant", beta_epochs=None, gamma=1e-3, feature_std=0.1,
              critic=(256,), critic_channels=(32, 64), pass_steps=1, **networks):  # fmt: skip
        """A model of data of `shape`, (h, w, c) or (D,): options as for VAE.build, and the critic's."""
        encoder, decoder, likelihood = build_networks(shape, rng, **networks)
        arch, signal = networks.get("arch", "dense"), networks.get("signal")
        critic, critic_channels = read_arguments(cls.options, critic=critic, critic_channels=critic_channels)
        critic, head = build_critic(shape, rng, arch, critic, critic_channels, signal)
        beta = beta_of(beta, beta_schedule, beta_epochs, pass_steps)
        return cls(encoder, decoder, critic, head, likelihood, beta=beta, gamma=gamma, feature_std=feature_std)

    def draw_noise(self, rng, n, train=True):
        """That of a VAE; `prior`, which becomes z_p (n, L), and `dec_prior` of the decoder on it."""
        noise = super().draw_noise(rng, n, train) | {"prior": self.prior.draw_noise(rng, n)}
        return noise | {"dec_prior": self.decoder.draw_noise(rng, n) if train else None}

    def loss_and_grads(self, x, noise, y=None, t=0, grads=True):
        """Metrics of one step on x (N, D), means over the examples in nats; each part gets its own loss's gradient."""
        eps, beta, N = noise["eps"], self.beta(t), len(x)
        (mu, log_var), c_enc = self.encoder.forward(self.seen(x, y), noise["enc"])  # (N, L)
        z = reparameterize(mu, log_var, eps=eps)
        out, c_dec = self.decoder.forward(self.given(z, y), noise["dec"])  # (N, D)
        z_p = self.prior.draw(noise["prior"])
        out_p, c_dec_p = self.decoder.forward(self.given(z_p, y), noise["dec_prior"])
        f, c_f = self.critic.forward(x)  # (N, F)
        f_hat, c_f_hat = self.critic.forward(self.likelihood.mean(out))
        f_p, c_f_p = self.critic.forward(self.likelihood.mean(out_p))
        odds, c_odds = self.head.forward(f)  # (N, 1)
        odds_hat, c_odds_hat = self.head.forward(f_hat)
        odds_p, c_odds_p = self.head.forward(f_p)
        log_fx_z, c_fx = self.features.forward(f, f_hat)  # (N,) nats
        kl = self.prior.kl(mu, log_var)  # (N, L) nats
        log_fx_z, kl_mean = log_fx_z.sum() / N, kl.sum() / N
        log_px_z = self.likelihood.forward(x, out)[0].sum() / N
        loss_decoder = (softplus(-odds_hat) + softplus(-odds_p)).sum() / (2 * N) - self.gamma * log_fx_z
        loss_critic = (2 * softplus(-odds) + softplus(odds_hat) + softplus(odds_p)).sum() / (4 * N)
        if grads:
            self.zero_grad()
            xp = array_module(x)
            # the encoder: through the critic and the decoder, which do not learn from its loss
            df_hat = self.features.backward(xp.full(N, -1 / N, f.dtype), c_fx)
            dout = self._to_out(df_hat, c_f_hat, out)
            dz = self.decoder.backward(dout, c_dec, accumulate=False)[..., : self.L]
            dmu, dlog_var = reparameterize_backward(dz, mu, log_var, eps=eps)
            dmu_kl, dlog_var_kl = self.prior.kl_backward(xp.full(kl.shape, beta / N, kl.dtype), mu, log_var)
            self.encoder.backward((dmu + dmu_kl, dlog_var + dlog_var_kl), c_enc, need_dx=False)
            # the decoder: forward was log(1 + e^-odds), so now odds get -sigma(-odds)
            df_gan = self.head.backward(-sigmoid(-odds_hat) / (2 * N), c_odds_hat, accumulate=False)
            df_p = self.head.backward(-sigmoid(-odds_p) / (2 * N), c_odds_p, accumulate=False)
            dout = self.gamma * dout + self._to_out(df_gan, c_f_hat, out)
            self.decoder.backward(dout, c_dec, need_dx=False)
            self.decoder.backward(self._to_out(df_p, c_f_p, out_p), c_dec_p, need_dx=False)
            # the critic: log(1 + e^-odds) of x, and log(1 + e^odds) of what was decoded, whose slope is sigma
            for dodds, c_head, c_body in (
                (-sigmoid(-odds) / (2 * N), c_odds, c_f),
                (sigmoid(odds_hat) / (4 * N), c_odds_hat, c_f_hat),
                (sigmoid(odds_p) / (4 * N), c_odds_p, c_f_p),
            ):
                self.critic.backward(self.head.backward(dodds, c_head), c_body, need_dx=False)
        return {"loss": beta * kl_mean - log_fx_z, "elbo": log_px_z - kl_mean, "log_px_z": log_px_z, "kl": kl_mean,
                "log_fx_z": log_fx_z, "loss_decoder": loss_decoder, "loss_critic": loss_critic}  # fmt: skip

    def _to_out(self, df, c_f, out):
        """dout (N, D) of the gradient df (N, F) of the features of the mean; the critic does not learn from it."""
        return self.likelihood.mean_backward(self.critic.backward(df, c_f, accumulate=False), out)

    def loss_law(self, metrics, t):
        return {"loss = beta kl - log_fx_z": self.beta(t) * metrics["kl"] - metrics["log_fx_z"]}

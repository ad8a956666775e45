r"""The adversarial autoencoder (Makhzani et al. 2016, "Adversarial Autoencoders", 1511.05644): two players.

        x --encoder--> z --decoder--> out --likelihood--> log p(x | z)
                       +--critic--> odds(z)
        draws from p(z) --critic--> odds(z')

loss        = -E \log p(x|z) - \gamma E \log \sigma(odds(z))                     trains encoder, decoder, likelihood
loss_critic = -1/2 E[\log \sigma(odds(z')) + \log \sigma(-odds(z))]              trains the critic        (sec. 2)

q(z), the distribution of the codes z of all x together, is drawn to the prior p(z) = N(0, I), and not each q(z|x) as in
a VAE: a code has no noise. The critic tells draws z' from codes; where it does so best, odds(z) = \log p(z) / q(z), and
where q(z) = p(z) all odds are 0, loss_critic is log 2. The paper trains encoder and decoder in two steps; here both
losses are taken at the same parameters, in one.
"""

from ..backend import array_module
from ..layers import dense_critic
from ..numeric import sigmoid, softplus
from ..options import Option, each, read_arguments, real, whole
from ..priors import StandardNormal
from .ae import AE
from .base import Metric
from .networks import MOST, NETWORKS, build_networks


class AAE(AE):
    """Autoencoder whose codes a critic draws to N(0, I).

    Parameters
    ----------
    encoder, decoder, likelihood
        As for AE.
    critic : Network
        z (..., L) -> (..., 1), the log-odds that z is a draw from the prior and not a code.
    gamma : float
        Weight of what the critic says of the codes.

    Raises
    ------
    ValueError
        As for AE, or if gamma is below 0 or not finite.
    """

    options = NETWORKS | {
        "gamma": Option(real(closed=True), 10.0, "weight of the critic; capacity: of |KL - C|", "X"),
        "critic": Option(each(whole(1, MOST)), [128, 128], "widths of the critic", "N", True),
    }
    objectives = {"loss": ("encoder", "decoder", "likelihood"), "loss_critic": ("critic",)}
    adam_betas = {"loss_critic": (0.5, 0.9)}
    metrics = AE.metrics | {
        "gap": Metric("critic's odds of draws less those of codes", "lower"),
        "loss_critic": Metric("cross-entropy of the critic", "lower"),
    }
    monitor = None
    sampled = "draws from the prior"

    def __init__(self, encoder, decoder, critic, likelihood=None, gamma=10.0):
        self._set_networks(encoder, decoder, likelihood)
        self.critic = critic
        self.prior = StandardNormal(self.L)
        (self.gamma,) = read_arguments({"gamma": self.options["gamma"]}, gamma=gamma)
        self.bind()

    @classmethod
    def build(cls, shape, rng, *, gamma=10.0, critic=(128, 128), pass_steps=1, **networks):
        """A model of data of `shape`, (h, w, c) or (D,): options as for AE.build, and the critic's."""
        (critic,) = read_arguments({"critic": cls.options["critic"]}, critic=critic)
        encoder, decoder, likelihood = build_networks(shape, rng, heads=1, **networks)
        # codes may lie so close that odds must be steep to tell them from draws: the last layer is free
        critic = dense_critic(decoder.n_in, critic, bounded=False, rng=rng)
        return cls(encoder, decoder, critic, likelihood, gamma)

    def draw_noise(self, rng, n, train=True):
        """`prior` (n, L): the draws that the critic is to tell from codes."""
        return {"prior": self.prior.draw_noise(rng, n)} | super().draw_noise(rng, n, train)

    def loss_and_grads(self, x, noise, y=None, t=0, grads=True):
        """Metrics of one step on x (N, D), means over the examples in nats; each part gets its own loss's gradient."""
        N = len(x)
        z, c_enc = self.encoder.forward(self.seen(x, y), noise["enc"])  # (N, L)
        out, c_dec = self.decoder.forward(self.given(z, y), noise["dec"])  # (N, D * n_out)
        log_px_z, c_x = self.likelihood.forward(x, out)  # (N,) nats
        odds, c_codes = self.critic.forward(z)  # (N, 1)
        odds_prior, c_prior = self.critic.forward(self.prior.draw(noise["prior"]))
        log_px_z = log_px_z.sum() / N
        loss = self.gamma * softplus(-odds).sum() / N - log_px_z
        loss_critic = (softplus(-odds_prior) + softplus(odds)).sum() / (2 * N)
        if grads:
            self.zero_grad()
            g = array_module(out).full(N, 1 / N, out.dtype)
            dz = self.decoder.backward(self.likelihood.backward(-g, c_x), c_dec)[..., : self.L]
            # forward was log(1 + e^-odds), so now odds get -sigma(-odds); the critic's parameters get its own loss's
            dz = dz + self.critic.backward(-self.gamma / N * sigmoid(-odds), c_codes, accumulate=False)
            self.encoder.backward(dz, c_enc, need_dx=False)
            self.critic.backward(-sigmoid(-odds_prior) / (2 * N), c_prior, need_dx=False)
            self.critic.backward(sigmoid(odds) / (2 * N), c_codes, need_dx=False)
        gap = (odds_prior - odds).sum() / N
        return {"loss": loss, "log_px_z": log_px_z, "gap": gap, "loss_critic": loss_critic}

    def loss_law(self, metrics, t):
        """None: what the critic says of the codes is no metric."""
        return {}

r"""The generative adversarial network (Goodfellow et al. 2014, "Generative Adversarial Nets", 1406.2661): two players.

        p(z) --> z --decoder--> x_g --critic--> odds(x_g)
                           x -----critic--> odds(x)

non-saturating (sec. 3)
    loss        = -E \log \sigma(odds(x_g))                                             trains the decoder
    loss_critic = -1/2 E[\log \sigma(odds(x)) + \log \sigma(-odds(x_g))]                trains the critic     (eq. 1)
hinge (Miyato et al. 2018, 1802.05957, eq. 16-17)
    loss        = -E odds(x_g)
    loss_critic = 1/2 E[\max(0, 1 - odds(x)) + \max(0, 1 + odds(x_g))]

The decoder, the paper's generator, makes x_g of z, and there is no other noise: no p(x | z), no bound on log p(x), and
nothing that finds the z of an x. The critic tells data from what is made; where it does so best, non-saturating odds
are \log p(x) / p_g(x), and where the two are the same, odds are 0 and loss_critic is log 2. Both losses are taken at
the same parameters and of the same z: each gradient has the mean that it would have with draws of its own, and what
was made for one player serves the other.

BatchNorm may be in the decoder, which sees draws of z alone. Without it all z may come to make one image, where images
have many pixels (Radford et al. 2016, 1511.06434, section 3); with it samples are made by its running averages.

The hinge was published with a critic that is spectrally normalized: `critic_norm`. What such a critic of dense layers
says of two x differs by at most their distance, of convolutions by a few times that (see `Spectral`), so the data's
scale is a hyperparameter of it.
"""

from ..backend import array_module, place
from ..layers import NORMS, Network
from ..likelihoods import Bernoulli
from ..numeric import sigmoid, softplus
from ..options import Option, each, one_of, read_arguments, whole
from ..priors import StandardNormal
from .base import METRICS, Metric, Model
from .critics import build_critic
from .networks import MOST, NETWORKS, build_networks, is_small

LEFT_OUT = ("parts", "levels", "mixtures", "std", "dropout")  # of a p(x | z), or other noise than z


def _values(settings):
    """What x are, where it is not said: any numbers of the named sets of rows, else from 0 to 1."""
    return "gaussian-fixed" if settings["data"] in ("sources", "modes") else "bernoulli"


class GAN(Model):
    """Generator and critic, each against the other.

    Parameters
    ----------
    decoder : Network
        z (..., L) -> out (..., D): logits of x_g from 0 to 1 under a Bernoulli, else x_g itself.
    critic : Network
        x (..., D) -> (..., 1), the log-odds that x comes from the data; of hinge, a number on which side it lies.
    likelihood : Likelihood, optional
        What the data are, and what out means: its mean is x_g. None: a new Bernoulli.
    objective : {"non-saturating", "hinge"}

    Raises
    ------
    ValueError
        If the decoder's first layer does not fix the number of latents, the objective is another, or a likelihood whose
        mean has no gradient, or for missing values.
    """

    options = {name: option for name, option in NETWORKS.items() if name not in LEFT_OUT} | {
        "norm": Option(one_of(NORMS), None, "of the decoder, before each activation (default: batch; digits, tables, "
                       "modes: none)", fill=lambda settings: "none" if is_small(settings) else "batch"),
        "likelihood": Option(one_of(("bernoulli", "gaussian-fixed")), None, "what x are", fill=_values),
        "binarize": Option(one_of(("none",)), None, "grey pixels stay grey", fill=lambda settings: "none"),
        "objective": Option(one_of(("non-saturating", "hinge")), "non-saturating", "of the two players",
                            "non-saturating|hinge"),
        "critic": Option(each(whole(1, MOST)), None, "widths of the critic's dense layers (default: as hidden)", "N",
                         True, fill=lambda settings: list(settings["hidden"])),
        "critic_channels": Option(each(whole(1, MOST)), None, "of the critic's convolutions (default: 32 64)", "N",
                                  True, fill=lambda settings: [32, 64], needs=("arch", ("conv",)), optional=True),
        "critic_norm": Option(one_of(("none", "spectral")), "none", "of the critic's layers", "none|spectral"),
    }  # fmt: skip
    objectives = {"loss": ("decoder",), "loss_critic": ("critic",)}
    adam_betas = {"loss": (0.5, 0.999), "loss_critic": (0.5, 0.999)}
    metrics = {
        "loss": METRICS["loss"],
        "loss_critic": Metric("loss of the critic", "lower"),
        "gap": Metric("critic's odds of data less those of samples", "lower"),
    }
    monitor = None
    latent = "prior"
    sampled = "draws from the prior"

    def __init__(self, decoder, critic, likelihood=None, objective="non-saturating"):
        if decoder.n_in is None:
            raise ValueError("decoder: expected a first layer that fixes the number of latents, such as Dense")
        self.decoder, self.critic = decoder, critic
        self.likelihood = Bernoulli() if likelihood is None else likelihood
        if self.likelihood.mean_backward is None or self.likelihood.missing:
            kind = type(self.likelihood).__name__ + " with missing values" * self.likelihood.missing
            raise ValueError(f"likelihood: expected bernoulli or gaussian-fixed of whole rows, got {kind}")
        (self.objective,) = read_arguments({"objective": self.options["objective"]}, objective=objective)
        self.metrics = self.metrics_of({"objective": self.objective})
        self.prior = StandardNormal(decoder.n_in)
        self.D, self.L = critic.n_in, decoder.n_in
        self.bind()

    @classmethod
    def metrics_of(cls, settings):
        """{name: Metric} of a model with these options: the critic of hinge gives no log-odds, so nothing in nats."""
        unit = "" if settings["objective"] == "hinge" else "nats"
        return {name: metric._replace(unit=unit) for name, metric in cls.metrics.items()}

    @classmethod
    def build(cls, shape, rng, *, objective="non-saturating", critic=None, critic_channels=(32, 64),
              critic_norm="none", binarize="none", hidden=(400, 200), pass_steps=1, **networks):  # fmt: skip
        """A model of data of `shape`, (h, w, c) or (D,): options as for `build_networks`, and the critic's.

        `binarize` is how the data come: a critic would tell bits by what is between them.
        """
        hidden, critic, critic_channels, critic_norm, _ = read_arguments(
            cls.options, hidden=hidden, critic=hidden if critic is None else critic, critic_channels=critic_channels,
            critic_norm=critic_norm, binarize=binarize,
        )  # fmt: skip
        _, decoder, likelihood = build_networks(shape, rng, heads=1, hidden=hidden, **networks)
        arch, signal = networks.get("arch", "dense"), networks.get("signal")
        body, head = build_critic(shape, rng, arch, critic, critic_channels, signal, critic_norm == "none")
        return cls(decoder, Network(*body.layers, *head.layers), likelihood, objective)

    def draw_noise(self, rng, n, train=True):
        """`prior`, which becomes z (n, L), and `dec` of the decoder; `train=False` leaves that out."""
        return {"prior": self.prior.draw_noise(rng, n), "dec": self.decoder.draw_noise(rng, n) if train else None}

    def loss_and_grads(self, x, noise, y=None, t=0, grads=True):
        """Metrics of one step on x (N, D), means over the examples; each player gets its own loss's gradient."""
        N = len(x)
        z = self.prior.draw(noise["prior"])  # (N, L)
        out, c_dec = self.decoder.forward(z, noise["dec"])  # (N, D)
        odds, c_odds = self.critic.forward(x)  # (N, 1)
        odds_g, c_odds_g = self.critic.forward(self.likelihood.mean(out))
        cost, cost_real, cost_made = self._costs(odds, odds_g)
        if grads:
            self.zero_grad()
            slope, slope_real, slope_made = self._slopes(odds, odds_g)
            # the decoder: through the critic, which does not learn from its loss
            dx_g = self.critic.backward(slope / N, c_odds_g, accumulate=False)
            self.decoder.backward(self.likelihood.mean_backward(dx_g, out), c_dec, need_dx=False)
            # the critic: from its own loss, which the decoder does not learn from
            self.critic.backward(slope_real / (2 * N), c_odds, need_dx=False)
            self.critic.backward(slope_made / (2 * N), c_odds_g, need_dx=False)
        return {"loss": cost.sum() / N, "loss_critic": (cost_real + cost_made).sum() / (2 * N),
                "gap": (odds - odds_g).sum() / N}  # fmt: skip

    def _costs(self, odds, odds_g):
        """(N, 1) each: what odds_g cost the decoder; what odds, and odds_g, cost the critic."""
        if self.objective == "hinge":
            xp = array_module(odds)
            return -odds_g, xp.maximum(1 - odds, 0), xp.maximum(1 + odds_g, 0)
        return softplus(-odds_g), softplus(-odds), softplus(odds_g)

    def _slopes(self, odds, odds_g):
        """Their derivatives. Beyond the margin of hinge the critic has none, and the decoder's is always -1."""
        if self.objective == "hinge":
            xp = array_module(odds)
            return -xp.ones_like(odds_g), -(odds < 1).astype(odds.dtype), (odds_g > -1).astype(odds.dtype)
        return -sigmoid(-odds_g), -sigmoid(-odds), sigmoid(odds_g)

    def encode(self, x, y=None):
        """A ValueError: nothing finds the z of an x."""
        raise ValueError("model: expected one that finds the z of an x, GAN only decodes z")

    def decode(self, z, y=None, draw=None):
        """x_g (..., D), what z (..., L) makes; a ValueError for `draw`: there is no noise beside z."""
        return self._x_hat(self.rows(z, "z", self.L), y, draw)

    def sample(self, n, rng, y=None, draw=None):
        """Generate: z from the prior, and x_g (n, D), what it makes; `draw` as for `decode`."""
        noise = self.prior.draw_noise(rng, whole(0)("n", n))
        return self._x_hat(self.prior.draw(place(noise, like=self.theta)), y, draw)

    def reconstruct(self, x, eps=None, y=None, draw=None):
        """A ValueError: nothing finds the z of an x."""
        return self.encode(x)

    def _x_hat(self, z, y, draw=None):
        if draw is not None:
            raise ValueError("draw: expected none, z alone makes what a GAN decodes")
        return super()._x_hat(z, y)

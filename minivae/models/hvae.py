r"""The variational autoencoder with several levels of latents (Rezende, Mohamed & Wierstra 2014, 1401.4082; with two
levels Burda, Grosse & Salakhutdinov 2016, 1509.00519, sec. 5).

        x --encoder--> q(z1 | x) --> z1 --network--> q(z2 | z1) --> z2          inference, from the data upward
        x <--decoder-- z1 <-- p(z1 | z2) <--network-- z2 ~ N(0, I)              generation, from the top down

\mathcal{L}(x) = E_q[\log p(x | z1)] - \sum_i KL_i <= \log p(x),  KL_i = E_q[\log q(z_i | .) - \log p(z_i | z_{i+1})]

All levels are columns of one z = [z1, z2, ..]; the decoder reads z1 alone. With K samples it is the bound of `iwae.py`.
"""

from ..layers import Columns, Network
from ..options import Option, each, whole
from ..posteriors import BottomUp
from ..priors import Hierarchy
from .base import Metric
from .beta import beta_of
from .iwae import IWAE, ONE_SAMPLE
from .networks import MOST, build_networks, gaussian_network


def upper_of(count):
    """The option of the levels above z1, by default `count` of them, each half as wide as the one below."""
    return Option(each(whole(1, MOST)), None, "widths of the levels of latents above z1 (default: halves, "
                  f"{count} of them)", "L", True,
                  fill=lambda settings: [max(1, settings["latent"] >> i) for i in range(1, count + 1)])  # fmt: skip


def with_levels(metrics, count):
    """Metrics, and the KL of each of `count` levels."""
    return metrics | {f"kl_{i}": Metric(f"KL of level {i}, z{i}", "lower") for i in range(1, count + 1)}


def level_network(n_in, hidden, n_out, look):
    """z_i (..., n_in) -> (mu, log_var) of another level, (..., n_out) each.

    It is given no noise: so it has no dropout, and LayerNorm in place of BatchNorm.
    """
    look = look | {"dropout": 0.0, "norm": "layer" if look["norm"] == "batch" else look["norm"]}
    return gaussian_network(n_in, hidden, n_out, look)


class HVAE(IWAE):
    """Variational autoencoder of a hierarchy of latents, whose posterior goes from the data upward.

    Parameters
    ----------
    encoder : Network
        x (..., D) -> as many heads as the posterior asks for.
    decoder : Network
        z (..., L), of which it reads z1 -> out (..., D * likelihood.n_out).
    likelihood : Likelihood
    prior : Hierarchy
    posterior : BottomUp or TopDown
    beta : float or function of the step
    samples : int
        K, inside the logarithm.
    """

    options = ONE_SAMPLE | {
        "upper": upper_of(1),
        "between": Option(each(whole(1, MOST)), [100], "hidden layers of the networks between levels, going up", "N",
                          True),
    }  # fmt: skip

    def __init__(self, encoder, decoder, likelihood, prior, posterior, beta=1.0, samples=1):
        self.prior = prior  # first, so that what a posterior shares with it has the prior's name
        super().__init__(encoder, decoder, likelihood, prior, posterior, beta, samples)
        self.levels = prior.levels
        self.metrics = with_levels(self.metrics, len(self.levels))

    @classmethod
    def metrics_of(cls, settings):
        """{name: Metric} of a model with these options: one more for each level."""
        return with_levels(cls.metrics, 1 + len(settings["upper"]))

    @classmethod
    def build(cls, shape, rng, *, latent=20, upper=None, between=(100,), samples=1, activation="relu", norm="none",
              dropout=0.0, beta=1.0, beta_schedule="constant", beta_epochs=None, pass_steps=1, **networks):  # fmt: skip
        """A model of data of `shape`, (h, w, c) or (D,): options as for the constructor and `build_networks`."""
        own = cls.options
        latent, between = own["latent"].read("latent", latent), own["between"].read("between", between)
        upper = own["upper"].read("upper", own["upper"].settled({"latent": latent}, upper))
        levels = [latent, *upper]
        look = {"activation": activation, "norm": norm, "dropout": dropout, "rng": rng}
        encoder, decoder, likelihood = build_networks(shape, latent=latent, **look, **networks)
        decoder = Network(Columns(latent, sum(levels)), *decoder.layers)
        pairs = zip(levels, upper, strict=False)
        prior = Hierarchy(levels, [level_network(above, between[::-1], below, look) for below, above in pairs])
        encoder, posterior = cls.inference(encoder, prior, between, look)
        beta = beta_of(beta, beta_schedule, beta_epochs, pass_steps)
        return cls(encoder, decoder, likelihood, prior, posterior, beta, samples)

    @classmethod
    def inference(cls, encoder, prior, between, look):
        """(encoder, posterior), of an encoder with the heads (mu, log_var) of z1."""
        pairs = zip(prior.levels, prior.levels[1:], strict=False)
        upward = [level_network(below, between, above, look) for below, above in pairs]
        return encoder, BottomUp(prior.levels, upward)

    def more_metrics(self, c_q, c_z):
        """The KL of each level, whose sum is the KL."""
        log_q, log_p = self.posterior.log_levels(c_q), self.prior.log_levels(c_z)
        return {f"kl_{i}": (q - p).sum() / q.size for i, (q, p) in enumerate(zip(log_q, log_p, strict=True), 1)}

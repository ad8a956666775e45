r"""A VAE whose posterior is a Gaussian sent through planar or radial flows (Rezende & Mohamed 2015, "Variational
Inference with Normalizing Flows", 1505.05770).

        x --encoder--> mu, log_var --> z_0 = mu + std eps --f_1--> z_1 ... --f_T--> z_T = z --decoder--> log p(x | z)
                  \--> h, the parameters of f_1 .. f_T

\log q(z|x) = \log N(z_0; mu, std^2) - \sum_t \log |\det d f_t / d z_{t-1}|                               (eq. 13)

Every example has its own flows: their parameters are outputs of the encoder.
"""

from ..flows import Chain, Planar, Radial
from ..options import Option, one_of, read_arguments, whole
from ..posteriors import FlowPosterior
from .beta import beta_of
from .iwae import IWAE, ONE_SAMPLE
from .networks import build_networks

FLOWS = {"planar": Planar, "radial": Radial}


class FlowVAE(IWAE):
    """An IWAE, by default of one sample, whose posterior goes through `flows` flows of one kind."""

    options = ONE_SAMPLE | {
        "flow": Option(one_of(FLOWS), "planar", "kind of flow", "|".join(FLOWS)),
        "flows": Option(whole(1, 10_000), 10, "flows of the posterior, one after another", "T"),
    }  # fmt: skip

    @classmethod
    def build(cls, shape, rng, *, flow="planar", flows=10, latent=20, samples=1, beta=1.0, beta_schedule="constant",
              beta_epochs=None, pass_steps=1, **networks):  # fmt: skip
        """A model of data of `shape`, (h, w, c) or (D,): options as for IWAE.build, and those of the flows."""
        flow, flows, latent = read_arguments(cls.options, flow=flow, flows=flows, latent=latent)
        chain = Chain(*(FLOWS[flow](latent) for _ in range(flows)), own=True)
        heads = (latent, latent, chain.H)
        encoder, decoder, likelihood = build_networks(shape, rng, latent=latent, heads=heads, **networks)
        beta = beta_of(beta, beta_schedule, beta_epochs, pass_steps)
        return cls(encoder, decoder, likelihood, posterior=FlowPosterior(chain), beta=beta, samples=samples)

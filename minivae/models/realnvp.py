r"""A VAE whose prior is a flow of coupling layers (Dinh, Sohl-Dickstein & Bengio 2017, "Density estimation using Real
NVP", 1605.08803; as a prior: Chen et al. 2017, "Variational Lossy Autoencoder", 1611.02731).

        x --encoder--> mu, log_var --> z = mu + std eps --decoder--> out --likelihood--> log p(x | z)
                                       |
                                       +--f_1--> ... --f_T--> e,  log p(z) = log N(e; 0, I) + log |det de / dz|

\mathcal{L}(x) = E_{q(z|x)}[\log p(x|z) + \log p(z) - \log q(z|x)] <= \log p(x)

A coupling is undone as cheaply as it is done: z = f^{-1}(e) is a draw from the prior.
"""

from ..flows import Chain, masked_coupling
from ..options import Option, read_arguments, whole
from ..priors import FlowPrior
from .beta import beta_of
from .iwae import IWAE, ONE_SAMPLE
from .networks import MOST, build_networks


class RealNVPVAE(IWAE):
    """An IWAE, by default of one sample, whose prior is N(0, I) seen through `flows` couplings."""

    options = ONE_SAMPLE | {
        "flows": Option(whole(1, 10_000), 4, "couplings of the prior, one after another", "T"),
        "flow_width": Option(whole(1, MOST), 64, "hidden units of the network of a coupling", "N"),
    }  # fmt: skip

    @classmethod
    def build(cls, shape, rng, *, flows=4, flow_width=64, samples=1, beta=1.0, beta_schedule="constant",
              beta_epochs=None, pass_steps=1, **networks):  # fmt: skip
        """A model of data of `shape`, (h, w, c) or (D,): options as for IWAE.build, and the prior's."""
        flows, flow_width = read_arguments(cls.options, flows=flows, flow_width=flow_width)
        encoder, decoder, likelihood = build_networks(shape, rng, **networks)
        L = decoder.n_in
        prior = FlowPrior(Chain(*(masked_coupling(L, flow_width, rng, odd=bool(t % 2)) for t in range(flows))), L)
        beta = beta_of(beta, beta_schedule, beta_epochs, pass_steps)
        return cls(encoder, decoder, likelihood, prior, beta=beta, samples=samples)

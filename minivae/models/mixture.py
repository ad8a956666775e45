r"""A VAE whose prior is a mixture of Gaussians (Dilokthanakul et al. 2016, 1611.02648, and Tomczak & Welling 2018).

        x --encoder--> mu, log_var --> z = mu + std eps --decoder--> out --likelihood--> log p(x | z)

        p(z) = \sum_c w_c N(z; mu_c, std_c^2),  w = softmax(logits)

\mathcal{L}(x) = E_{q(z|x)}[\log p(x|z) + \log p(z) - \log q(z|x)] <= \log p(x)

The weights, means and variances of the C Gaussians are parameters.
"""

from ..options import Option, read_arguments, whole
from ..priors import Mixture
from .beta import beta_of
from .iwae import IWAE, ONE_SAMPLE
from .networks import MOST, build_networks


class MixtureVAE(IWAE):
    """An IWAE, by default of one sample, whose prior is a mixture of `components` Gaussians."""

    options = ONE_SAMPLE | {"components": Option(whole(1, MOST), 10, "Gaussians of the prior", "C")}

    @classmethod
    def build(cls, shape, rng, *, components=10, samples=1, beta=1.0, beta_schedule="constant", beta_epochs=None,
              pass_steps=1, **networks):  # fmt: skip
        """A model of data of `shape`, (h, w, c) or (D,): options as for IWAE.build, and the prior's."""
        (components,) = read_arguments(cls.options, components=components)
        encoder, decoder, likelihood = build_networks(shape, rng, **networks)
        prior = Mixture(decoder.n_in, components, rng)
        beta = beta_of(beta, beta_schedule, beta_epochs, pass_steps)
        return cls(encoder, decoder, likelihood, prior, beta=beta, samples=samples)

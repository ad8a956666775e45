r"""The VampPrior (Tomczak & Welling 2018, "VAE with a VampPrior", 1705.07120).

        x   --encoder--> mu, log_var     --> z = mu + std eps --decoder--> out --likelihood--> log p(x | z)
        u_c --encoder--> mu_c, log_var_c --> p(z) = 1/C \sum_c N(z; mu_c, std_c^2)                       (eq. 9)

\mathcal{L}(x) = E_{q(z|x)}[\log p(x|z) + \log p(z) - \log q(z|x)] <= \log p(x)

The best prior for a given encoder would be the mean of its posteriors over the data; this is their mean over C inputs
u_c that are learned.
"""

from ..options import Option, read_arguments, whole
from ..priors import VampPrior
from .beta import beta_of
from .iwae import IWAE, ONE_SAMPLE
from .networks import MOST, build_networks


class VampVAE(IWAE):
    """An IWAE, by default of one sample, with a VampPrior of `components` pseudo-inputs.

    Raises
    ------
    ValueError
        For norm = "batch": data and pseudo-inputs go through the encoder in one step, and would be mixed in evaluation.
    """

    options = ONE_SAMPLE | {"components": Option(whole(1, MOST), 500, "pseudo-inputs of the prior", "C")}

    @classmethod
    def build(cls, shape, rng, *, components=500, norm="none", samples=1, beta=1.0, beta_schedule="constant",
              beta_epochs=None, pass_steps=1, **networks):  # fmt: skip
        """A model of data of `shape`, (h, w, c) or (D,): options as for IWAE.build, and the prior's."""
        (components,) = read_arguments(cls.options, components=components)
        if norm == "batch":
            raise ValueError("norm: expected one without statistics of the batch, which would mix data and "
                             "pseudo-inputs, such as layer; got batch")  # fmt: skip
        encoder, decoder, likelihood = build_networks(shape, rng, norm=norm, **networks)
        prior = VampPrior(encoder, decoder.n_in, components, rng, unit=likelihood.values == "unit")
        beta = beta_of(beta, beta_schedule, beta_epochs, pass_steps)
        return cls(encoder, decoder, likelihood, prior, beta=beta, samples=samples)

r"""The ladder variational autoencoder (Soenderby, Raiko, Maaloe, Soenderby & Winther 2016, 1602.02282).

        x --> d1 --> d2 --> ..            the encoder: heads (mu_i, log_var_i) at every depth
              |      |
              v      v
        x <-- z1 <-- z2 <-- ..            both ways down share the networks of p(z1 | z2), p(z2 | z3), ..
                                          q(z_i | z_{i+1}, x) ~ N(z_i; mu_i, var_i) p(z_i | z_{i+1})

\mathcal{L}(x) is that of `hvae.py`, as is the generative model; only the posterior is another. It is drawn from the top
down, as the data are, and what x says of a level is weighed by its precision against what the prior says:

    1 / var_q = 1 / var_i + 1 / var_p,    mu_q = var_q (mu_i / var_i + mu_p / var_p)

At first beta rises from 0 to 1, the paper's warm-up: else units die before they have learned anything.
"""

from dataclasses import replace

from ..layers import Network, Upward, dense_encoder
from ..posteriors import TopDown
from .hvae import HVAE, upper_of


class LadderVAE(HVAE):
    """Variational autoencoder of a hierarchy of latents, whose posterior goes from the top down along the prior.

    Parameters are those of HVAE, with an encoder `Upward` and a posterior `TopDown` of the same prior.
    """

    options = HVAE.options | {
        "upper": upper_of(2),
        "beta_schedule": replace(HVAE.options["beta_schedule"], default="linear"),
    }

    @classmethod
    def build(cls, shape, rng, *, beta_schedule="linear", **options):
        """As for HVAE; with the schedule "linear", beta rises over `beta_epochs` epochs of `pass_steps` steps."""
        return super().build(shape, rng, beta_schedule=beta_schedule, **options)

    @classmethod
    def inference(cls, encoder, prior, between, look):
        """(encoder, posterior): each network upward is cut in front of its heads, where the next one goes on."""
        blocks, heads = [], []
        for i, level in enumerate(prior.levels):
            if i:
                encoder = dense_encoder(heads[-1].n_in, between, level, **look)
            *block, last, split = encoder.layers
            blocks.append(Network(*block))
            heads.append(Network(last, split))
        return Upward(blocks, heads), TopDown(prior)

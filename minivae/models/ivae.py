r"""The identifiable variational autoencoder (Khemakhem, Kingma, Monti & Hyvarinen 2020, "Variational autoencoders and
nonlinear ICA: a unifying framework", 1907.04809).

        u --network--> mu_p, log_var_p of p(z | u)
        |
        +-------------+
                      v
        x --(x, u)--encoder--> mu, log_var --> z --decoder--> out --likelihood--> log p(x | z)

\mathcal{L}(x | u) = E_{q(z|x,u)}[\log p(x|z)] - \beta KL(q(z|x,u) || p(z|u)) <= \log p(x|u)   (eq. 8)

It is the CVAE with a learned prior, but for one arrow: the decoder is not told u, which reaches x through z alone.
Given u the latents are independent, and u changes their means and variances: where it does so enough, and x is an
injective function of z and noise, the true z are found, up to their order and a function of each (theorems 1, 2).
"""

from ..priors import ConditionalNormal
from .beta import beta_of
from .cvae import CVAE
from .labels import Labels
from .networks import build_networks, gaussian_network
from .vae import VAE


class IVAE(CVAE):
    """A VAE whose prior is told u, here named y as every condition is: a class or a row of numbers.

    Parameters
    ----------
    encoder : Network
        (x, y) (..., D + labels.count) -> (mu, log_var), each (..., L).
    decoder : Network
        z (..., L) -> out (..., D * likelihood.n_out).
    labels, likelihood, prior, beta, free_bits, prior_network
        As for CVAE.
    """

    options = VAE.options
    decodes_y = False

    @classmethod
    def build(cls, shape, rng, *, labels=None, latent=20, hidden=(400, 200), activation="relu", norm="none",
              dropout=0.0, beta=1.0, beta_schedule="constant", beta_epochs=None, free_bits=0.0, pass_steps=1,
              **networks):  # fmt: skip
        """A model of data of `shape`, (h, w, c) or (D,), and of its `labels`: options as for VAE.build.

        The network of the prior has the dense layers of the encoder.
        """
        count = Labels.read(labels).count
        look = {"activation": activation, "norm": norm, "dropout": dropout, "rng": rng}
        networks = networks | {"hidden": hidden, "latent": latent, "given": (count, 0)}
        encoder, decoder, likelihood = build_networks(shape, **look, **networks)
        prior_network = gaussian_network(count, hidden, latent, look)
        beta = beta_of(beta, beta_schedule, beta_epochs, pass_steps)
        return cls(encoder, decoder, labels, likelihood, ConditionalNormal(latent), beta, free_bits, prior_network)

    def seen(self, x, y=None):
        """What the encoder sees: y behind x (N, D)."""
        return super().given(self.likelihood.seen(x), y)

    def given(self, z, y):
        """z (..., N, L), all that the decoder is given."""
        return z

r"""The conditional variational autoencoder (Sohn, Lee & Yan 2015, "Learning structured output representation using deep
conditional generative models"; Kingma et al. 2014, 1406.5298, M2).

        y ------------+--------------------------------+
                      v                                v
        x --(x, y)--encoder--> mu, log_var --> z --(z, y)--decoder--> out --likelihood--> log p(x | y, z)

        prior = learned:  y --network--> mu_p, log_var_p of p(z | y); else p(z | y) = N(0, I)

\mathcal{L}(x | y) = E_{q(z|x,y)}[\log p(x|y,z)] - \beta KL(q(z|x,y) || p(z|y)) <= \log p(x|y)   (Sohn 2015, eq. 4)

The decoder is told y, so that z need only say the rest: for digits, the style of the writing.
"""

import numpy as np

from ..backend import array_module
from ..densities import free_bits, free_bits_backward, reparameterize, reparameterize_backward
from ..layers import Join
from ..options import Option, one_of, whole
from ..priors import ConditionalNormal
from .beta import beta_of
from .labels import Labels
from .networks import build_networks, gaussian_network
from .vae import VAE

PRIORS = ("standard", "learned")


class CVAE(VAE):
    """A VAE of x given y, which is a class or a row of numbers.

    Parameters
    ----------
    encoder : Network
        (x, y) (..., D + labels.count) -> (mu, log_var), each (..., L).
    decoder : Network
        (z, y) (..., L + labels.count) -> out (..., D * likelihood.n_out).
    labels : Labels
        What y is, and how many columns it takes.
    likelihood, prior, beta, free_bits
        As for VAE; the prior may be a ConditionalNormal.
    prior_network : Network, optional
        Of a ConditionalNormal: y (..., labels.count) -> (mu, log_var) of p(z | y), each (..., L).

    Raises
    ------
    ValueError
        If there are no labels, the decoder's first layer does not fix the number of latents, the prior has no `kl`, or
        a ConditionalNormal and its network do not come together.
    """

    conditional = True
    options = VAE.options | {
        "prior": Option(one_of(PRIORS), "standard", "N(0, I), or a Gaussian that a network makes of y; "
                        "vqvae: of codes, learned or uniform",
                        "|".join(PRIORS), older="standard"),
    }  # fmt: skip

    def __init__(self, encoder, decoder, labels, likelihood=None, prior=None, beta=1.0, free_bits=0.0,
                 prior_network=None):  # fmt: skip
        self.labels = Labels.read(labels)
        self.join = Join()
        self.prior_network = prior_network
        if (prior_network is not None) != isinstance(prior, ConditionalNormal):
            raise ValueError("prior_network: expected one with a ConditionalNormal, and with no other prior")
        if prior_network is not None:
            self.sampled = "draws from p(z | y)"
        if prior is not None and prior.kl is None:
            raise ValueError(f"prior: expected one with a KL in closed form, got {type(prior).__name__}")
        super().__init__(encoder, decoder, likelihood, prior, beta, free_bits)

    @classmethod
    def build(cls, shape, rng, *, labels=None, prior="standard", latent=20, hidden=(400, 200), activation="relu",
              norm="none", dropout=0.0, beta=1.0, beta_schedule="constant", beta_epochs=None, free_bits=0.0,
              pass_steps=1, **networks):  # fmt: skip
        """A model of data of `shape`, (h, w, c) or (D,), and of its `labels`: options as for VAE.build.

        The network of a learned prior has the dense layers of the encoder.
        """
        count = Labels.read(labels).count
        learned = CVAE.options["prior"].read("prior", prior) == "learned"
        look = {"activation": activation, "norm": norm, "dropout": dropout, "rng": rng}
        networks = networks | {"hidden": hidden, "latent": latent, "given": count}
        encoder, decoder, likelihood = build_networks(shape, **look, **networks)
        prior = ConditionalNormal(latent) if learned else None
        prior_network = gaussian_network(count, hidden, latent, look) if learned else None
        beta = beta_of(beta, beta_schedule, beta_epochs, pass_steps)
        return cls(encoder, decoder, labels, likelihood, prior, beta, free_bits, prior_network)

    def given(self, x, y):
        """x or z (..., N, n) -> (..., N, n + labels.count): behind it y, as one-hot rows or as the rows of numbers."""
        return self.join.forward((x, self.labels.columns(y, x.shape[-2], self.theta)))[0]

    def prior_of(self, y, n):
        """p(z | y) of n rows, or p(z) where it is the same for all."""
        if self.prior_network is None:
            return self.prior
        return self.prior.given(self.prior_network(self.labels.columns(y, n, self.theta)))

    def draw_noise(self, rng, n, train=True):
        """All that is random in a step on `n` examples; `train=False` leaves out dropout and its like."""
        noise = super().draw_noise(rng, n, train)
        if self.prior_network is None:
            return noise
        return noise | {"prior": self.prior_network.draw_noise(rng, n) if train else None}

    def loss_and_grads(self, x, noise, y=None, t=0, grads=True):
        """Metrics of one step on x (N, D), means over the examples in nats; the gradients of `loss` go into `grad`."""
        if self.prior_network is None:
            return super().loss_and_grads(x, noise, y, t, grads)
        eps, beta, N = noise["eps"], self.beta(t), len(x)
        columns = self.labels.columns(y, N, self.theta)
        context, c_prior = self.prior_network.forward(columns, noise["prior"])  # p(z | y): (N, L) each
        (mu, log_var), c_enc = self.encoder.forward(self.seen(x, y), noise["enc"])  # encode: (N, L)
        z = reparameterize(mu, log_var, eps=eps)  # sample: (N, L)
        out, c_dec = self.decoder.forward(self.given(z, y), noise["dec"])  # decode: (N, D * n_out)
        log_px_z, c_x = self.likelihood.forward(x, out)  # loss: (N,) nats
        kl = self.prior.kl(mu, log_var, context)  # (N, L) nats, each latent by itself
        log_px_z = log_px_z.sum() / N
        loss = beta * free_bits(kl, least=self.free_bits) - log_px_z
        if grads:  # backward
            self.zero_grad()
            g = array_module(out).full(N, 1 / N, out.dtype)  # d loss / d (one example's loss)
            dz = self.decoder.backward(self.likelihood.backward(-g, c_x), c_dec)[..., : self.L]
            dmu, dlog_var = reparameterize_backward(dz, mu, log_var, eps=eps)
            dkl = free_bits_backward(beta, kl, least=self.free_bits)  # beta / N, or 0 where bits are free
            dmu_kl, dlog_var_kl, dcontext = self.prior.kl_backward(dkl, mu, log_var, context)
            self.encoder.backward((dmu + dmu_kl, dlog_var + dlog_var_kl), c_enc, need_dx=False)
            self.prior_network.backward(dcontext, c_prior, need_dx=False)
        kl = kl.sum() / N
        return {"loss": loss, "elbo": log_px_z - kl, "log_px_z": log_px_z, "kl": kl}

    def sample(self, n, rng, y=None, draw=None):
        """x_hat (n, D) of y (n,) or (n, count); without y the classes take turns: 0, 1, 2, ..."""
        if y is None and self.labels.kind == "classes":
            y = np.arange(whole(0)("n", n)) % self.labels.count
        return super().sample(n, rng, y, draw)

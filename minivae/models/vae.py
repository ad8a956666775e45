r"""The variational autoencoder (Kingma & Welling 2013, "Auto-Encoding Variational Bayes", 1312.6114).

        x --encoder--> mu, log_var --> z = mu + std eps --decoder--> out --likelihood--> log p(x | z)
                                       ^
                              eps ~ N(0, I)

\mathcal{L}(x) = E_{q(z|x)}[\log p(x|z)] - \beta KL(q(z|x) || p(z)) <= \log p(x) for \beta = 1    (eq. 3)

The seven steps: preprocess (`data`), then below encode, sample, decode, loss, backward; the update is
`optimizer.step()`, and `sample` generates.
"""

import math

from ..backend import array_module, place
from ..densities import (
    free_bits,
    free_bits_backward,
    gaussian_log_prob,
    reparameterize,
    reparameterize_backward,
)
from ..layers import conv_decoder, conv_encoder, dense_decoder, dense_encoder
from ..likelihoods import LIKELIHOODS, Bernoulli
from ..priors import StandardNormal
from ..schedules import schedule
from .base import Model


class VAE(Model):
    """Variational autoencoder with a diagonal Gaussian posterior.

    Parameters
    ----------
    encoder : Network
        x (..., D) -> (mu, log_var), each (..., L).
    decoder : Network
        z (..., L) -> out (..., D * likelihood.n_out).
    likelihood, prior : Layer, optional
        None: a new Bernoulli, a new StandardNormal.
    beta : float or function of the step
        Weight of the KL in `loss`; `elbo` always has 1.
    free_bits : float
        Nats per latent that `loss` lets the KL, averaged over the batch, have for nothing.

    Raises
    ------
    ValueError
        If the decoder's first layer does not fix the number of latents.
    """

    def __init__(self, encoder, decoder, likelihood=None, prior=None, beta=1.0, free_bits=0.0):
        if decoder.n_in is None:
            raise ValueError("decoder: expected a first layer that fixes the number of latents, such as Dense")
        self.encoder, self.decoder = encoder, decoder
        self.likelihood = Bernoulli() if likelihood is None else likelihood
        self.prior = StandardNormal(decoder.n_in) if prior is None else prior
        self.L = self.prior.L
        self.beta, self.free_bits = schedule(beta), float(free_bits)
        self.bind()

    @classmethod
    def build(
        cls,
        shape,
        rng,
        arch="dense",
        hidden=(400, 200),
        channels=(32, 64),
        latent=20,
        activation="relu",
        likelihood="bernoulli",
        levels=None,
        std=None,
        beta=1.0,
        free_bits=0.0,
        dropout=0.0,
        norm="none",
    ):
        """A VAE for data of `shape`, (h, w, c) or (D,).

        Parameters
        ----------
        rng : numpy.random.Generator
            Draws the initial weights.
        arch : {"dense", "conv"}
        hidden, channels : sequences of int
            Widths of the encoder, which the decoder mirrors; `channels` are used by conv only.
        levels : int, optional
            Of the categorical likelihood.
        std : float, optional
            Of the Gaussian likelihoods: the fixed one, or where the learned one starts.

        Raises
        ------
        ValueError
            For unknown names, and for conv on rows or on images too small for its layers.
        """
        if likelihood not in LIKELIHOODS:
            raise ValueError(f"likelihood: expected one of {', '.join(LIKELIHOODS)}, got {likelihood!r}")
        own = {"categorical": levels, "gaussian": std, "gaussian-fixed": std}.get(likelihood)
        p = LIKELIHOODS[likelihood](*[] if own is None else [own])
        D, how = math.prod(shape), (activation, dropout, norm)
        if arch == "dense":
            encoder = dense_encoder(D, hidden, latent, *how, rng=rng)
            decoder = dense_decoder(latent, hidden, D, p.n_out, *how, rng=rng)
        elif arch == "conv":
            encoder = conv_encoder(shape, channels, hidden, latent, *how, rng=rng)
            decoder = conv_decoder(latent, hidden, channels, shape, p.n_out, *how, rng=rng)
        else:
            raise ValueError(f"arch: expected dense or conv, got {arch!r}")
        return cls(encoder, decoder, p, beta=beta, free_bits=free_bits)

    def draw_noise(self, rng, n, train=True):
        """All that is random in a step on `n` examples; `train=False` leaves out dropout and its like."""
        return {
            "eps": rng.standard_normal((n, self.L), dtype="float32"),
            "enc": self.encoder.draw_noise(rng, n) if train else None,
            "dec": self.decoder.draw_noise(rng, n) if train else None,
        }

    def loss_and_grads(self, x, noise, y=None, t=0, grads=True):
        """Metrics of one step on x (N, D), means over the examples in nats; the gradients of `loss` go into `grad`."""
        eps, beta, N = noise["eps"], self.beta(t), len(x)
        (mu, log_var), c_enc = self.encoder.forward(x, noise["enc"])  # encode: (N, L)
        z = reparameterize(mu, log_var, eps=eps)  # sample: (N, L)
        out, c_dec = self.decoder.forward(z, noise["dec"])  # decode: (N, D * n_out)
        log_px_z, c_x = self.likelihood.forward(x, out)  # loss: (N,) nats
        kl = self.prior.kl(mu[..., None], log_var[..., None])  # (N, L) nats, each latent by itself
        log_px_z = log_px_z.sum() / N
        loss = beta * free_bits(kl, least=self.free_bits) - log_px_z
        if grads:  # backward
            self.zero_grad()
            g = array_module(out).full(N, 1 / N, out.dtype)  # d loss / d (one example's loss)
            dz = self.decoder.backward(self.likelihood.backward(-g, c_x), c_dec)
            dmu, dlog_var = reparameterize_backward(dz, mu, log_var, eps=eps)
            dkl = free_bits_backward(beta, kl, least=self.free_bits)  # beta / N, or 0 where bits are free
            dmu_kl, dlog_var_kl = self.prior.kl_backward(dkl, mu[..., None], log_var[..., None])
            self.encoder.backward((dmu + dmu_kl[..., 0], dlog_var + dlog_var_kl[..., 0]), c_enc, need_dx=False)
        kl = kl.sum() / N
        return {"loss": loss, "elbo": log_px_z - kl, "log_px_z": log_px_z, "kl": kl}

    def log_weights(self, x, eps):
        """log p(x, z) - log q(z | x) at z = mu + std eps: x (N, D), eps (K, N, L) -> (K, N) nats.

        The mean over k is an ELBO; the log-mean-exp a tighter bound on log p(x) (Burda et al. 2016, eq. 8).
        """
        mu, log_var = self.encoder(x)
        z = reparameterize(mu, log_var, eps=eps)  # (K, N, L)
        log_px_z = self.in_parts(lambda z: self.likelihood.forward(x, self.decoder(z))[0], z, 256)
        log_pz, _ = self.prior.forward(z)
        return log_px_z + log_pz - gaussian_log_prob(z, mu, log_var)

    def encode(self, x):
        """Mean and log-variance of q(z | x): x (N, D) -> (mu, log_var), each (N, L)."""
        return self.in_parts(self.encoder, self.rows(x, "x", self.encoder.n_in))

    def decode(self, z):
        """Mean of p(x | z): z (..., L) -> x_hat (..., D)."""
        return self.in_parts(lambda z: self.likelihood.mean(self.decoder(z)), self.rows(z, "z", self.L))

    def sample(self, n, rng):
        """Generate: z from the prior, x_hat (n, D) its decoded mean."""
        return self.decode(self.prior.draw(place(self.prior.draw_noise(rng, n), like=self.theta)))

    def reconstruct(self, x, eps=None):
        """x (N, D) -> x_hat (N, D), through z = mu, or z = mu + std eps."""
        mu, log_var = self.encode(x)
        return self.decode(mu if eps is None else reparameterize(mu, log_var, eps=place(eps, like=self.theta)))

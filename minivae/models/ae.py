r"""The autoencoder: a VAE without its noise and its KL, to compare with (Hinton & Salakhutdinov 2006).

        x --encoder--> z --decoder--> out --likelihood--> log p(x | z)

loss = -\log p(x | z), z = encoder(x)

Nothing draws the codes z towards a prior, so there is neither a prior nor an ELBO. What `sample` decodes are draws from
a Gaussian with the mean and variance of the codes in training: many lie between the codes, where nothing was learned.
After a training a better p(z) may be fitted to them and set as `prior`, see `minivae.evaluate.mixture_of_codes`.
"""

import numpy as np

from ..backend import array_module, place
from ..likelihoods import Bernoulli
from ..options import whole
from ..params import State
from .base import METRICS, Model
from .networks import NETWORKS, build_networks


class AE(Model):
    """Autoencoder.

    Parameters
    ----------
    encoder : Network
        x (..., D) -> z (..., L).
    decoder : Network
        z (..., L) -> out (..., D * likelihood.n_out).
    likelihood : Likelihood, optional
        None: a new Bernoulli.

    Raises
    ------
    ValueError
        If the decoder's first layer does not fix the number of latents.
    """

    options = NETWORKS
    metrics = {name: METRICS[name] for name in ("loss", "log_px_z")}
    monitor = "log_px_z"
    latent = "point"
    sampled = "draws from a Gaussian fitted to the codes"
    prior = None  # in the place of that Gaussian, once a training has ended

    def __init__(self, encoder, decoder, likelihood=None):
        self._set_networks(encoder, decoder, likelihood)
        self.mean = State(np.zeros(self.L), 0.1)  # of the codes z
        self.square = State(np.ones(self.L), 0.1)  # of z^2
        self.bind()

    def _set_networks(self, encoder, decoder, likelihood):
        if decoder.n_in is None:
            raise ValueError("decoder: expected a first layer that fixes the number of latents, such as Dense")
        self.encoder = encoder
        self.decoder = decoder
        self.likelihood = Bernoulli() if likelihood is None else likelihood
        self.D = self.rows_of(encoder)
        self.L = decoder.n_in

    @classmethod
    def build(cls, shape, rng, *, pass_steps=1, **networks):
        """A model of data of `shape`, (h, w, c) or (D,): options as for `build_networks`."""
        return cls(*build_networks(shape, rng, heads=1, **networks))

    def draw_noise(self, rng, n, train=True):
        """All that is random in a step on `n` examples; `train=False` leaves out dropout and its like."""
        return {
            "enc": self.encoder.draw_noise(rng, n) if train else None,
            "dec": self.decoder.draw_noise(rng, n) if train else None,
        }

    def loss_and_grads(self, x, noise, y=None, t=0, grads=True):
        """Metrics of one step on x (N, D), means over the examples in nats; the gradients of `loss` go into `grad`."""
        N = len(x)
        z, c_enc = self.encoder.forward(self.seen(x, y), noise["enc"])  # encode: (N, L)
        out, c_dec = self.decoder.forward(self.given(z, y), noise["dec"])  # decode: (N, D * n_out)
        log_px_z, c_x = self.likelihood.forward(x, out)  # loss: (N,) nats
        log_px_z = log_px_z.sum() / N
        if grads:  # backward
            self.zero_grad()
            g = array_module(out).full(N, 1 / N, out.dtype)  # d loss / d (one example's loss)
            dz = self.decoder.backward(self.likelihood.backward(-g, c_x), c_dec)[..., : self.L]
            self.encoder.backward(dz, c_enc, need_dx=False)
            self.mean.pull_towards(z.mean(axis=0))
            self.square.pull_towards((z * z).mean(axis=0))
        return {"loss": -log_px_z, "log_px_z": log_px_z}

    def loss_law(self, metrics, t):
        return {"loss = -log_px_z": -metrics["log_px_z"]}

    def encode(self, x, y=None):
        """The code: x (N, D) -> z (N, L)."""
        return self.in_parts(self.encoder, self.seen(self.examples(x), y))

    def decode(self, z, y=None, draw=None):
        """Mean of p(x | z), or with the generator `draw` a sample of it: z (..., L) -> x_hat (..., D)."""
        return self._x_hat(self.rows(z, "z", self.L), y, draw)

    def sample(self, n, rng, y=None, draw=None):
        """x_hat (n, D), decoded draws from the prior, or without one from a Gaussian with the codes' mean and variance.

        `draw` as for `decode`.
        """
        if self.prior is not None:
            noise = self.prior.draw_noise(rng, whole(0)("n", n))
            return self._x_hat(self.prior.draw(place(noise, like=self.theta)), y, draw)
        eps = place(rng.standard_normal((whole(0)("n", n), self.L), dtype="float32"), like=self.theta)
        xp = array_module(eps)
        variance = xp.maximum(self.square.data - self.mean.data**2, 0)  # rounding may take it below 0
        std = xp.sqrt(variance)
        return self._x_hat(self.mean.data + std * eps, y, draw)

    def reconstruct(self, x, eps=None, y=None, draw=None):
        """x (N, D) -> x_hat (N, D), through its code: there is no eps; `draw` as for `decode`."""
        if eps is not None:
            raise ValueError("eps: expected none, an autoencoder draws nothing")
        return self._x_hat(self.encode(x, y), y, draw)

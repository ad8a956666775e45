r"""The variational autoencoder (Kingma & Welling 2013, "Auto-Encoding Variational Bayes", 1312.6114).

        x --encoder--> mu, log_var --> z = mu + std eps --decoder--> out --likelihood--> log p(x | z)
                                       ^
                              eps ~ N(0, I)

\mathcal{L}(x) = E_{q(z|x)}[\log p(x|z)] - \beta KL(q(z|x) || p(z)) <= \log p(x) for \beta = 1    (eq. 3)

The seven steps of training: preprocess (`data`); encode, sample, decode, loss, backward (`loss_and_grads`, below);
update (`optimizer.step()`). Then `sample` generates.
"""

from ..backend import array_module, place
from ..densities import (
    free_bits,
    free_bits_backward,
    gaussian_log_prob,
    reparameterize,
    reparameterize_backward,
)
from ..likelihoods import Bernoulli
from ..options import Option, read_arguments, real, whole
from ..priors import StandardNormal
from ..schedules import schedule
from .base import Model
from .beta import BETA, beta_of
from .networks import NETWORKS, build_networks


class VAE(Model):
    """Variational autoencoder with a diagonal Gaussian posterior.

    Parameters
    ----------
    encoder : Network
        x (..., D) -> (mu, log_var), each (..., L).
    decoder : Network
        z (..., L) -> out (..., D * likelihood.n_out).
    likelihood : Likelihood, optional
        None: a new Bernoulli.
    prior : Prior, optional
        With a KL of each latent; None: a new StandardNormal.
    beta : float or function of the step
        Weight of the KL in `loss`; in `elbo` it is always 1.
    free_bits : float
        The least that `loss` charges for the KL of a latent, averaged over the batch, in nats.

    Raises
    ------
    ValueError
        If beta or free_bits is below 0 or not finite, the decoder's first layer does not fix the number of latents, or
        the prior has no `kl`.
    """

    options = NETWORKS | BETA | {
        "free_bits": Option(real(closed=True), 0.0, "nats of KL per latent that the loss does not charge", "X"),
    }  # fmt: skip

    def __init__(self, encoder, decoder, likelihood=None, prior=None, beta=1.0, free_bits=0.0):
        if decoder.n_in is None:
            raise ValueError("decoder: expected a first layer that fixes the number of latents, such as Dense")
        self.encoder = encoder
        self.decoder = decoder
        self.likelihood = Bernoulli() if likelihood is None else likelihood
        given = 0 if self.labels is None else self.labels.count  # columns behind x and z
        self.prior = StandardNormal(decoder.n_in - given) if prior is None else prior
        self.D = self.rows_of(encoder, given)
        self.L = self.prior.L
        if self.prior.kl is None and type(self).loss_and_grads is VAE.loss_and_grads:
            raise ValueError(f"prior: expected one with a KL in closed form, got {type(self.prior).__name__}; an IWAE "
                             "takes any")  # fmt: skip
        self.beta = schedule(beta if callable(beta) else BETA["beta"].read("beta", beta))
        (self.free_bits,) = read_arguments(VAE.options, free_bits=free_bits)
        self.bind()

    @classmethod
    def build(cls, shape, rng, *, beta=1.0, beta_schedule="constant", beta_epochs=None, free_bits=0.0, pass_steps=1,
              **networks):  # fmt: skip
        """A model of data of `shape`, (h, w, c) or (D,): options as for the constructor and `build_networks`.

        `beta_schedule` brings beta to its value over `beta_epochs` epochs of `pass_steps` steps.
        """
        encoder, decoder, likelihood = build_networks(shape, rng, **networks)
        beta = beta_of(beta, beta_schedule, beta_epochs, pass_steps)
        return cls(encoder, decoder, likelihood, beta=beta, free_bits=free_bits)

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
        (mu, log_var), c_enc = self.encoder.forward(self.seen(x, y), noise["enc"])  # encode: (N, L)
        z = reparameterize(mu, log_var, eps=eps)  # sample: (N, L)
        out, c_dec = self.decoder.forward(self.given(z, y), noise["dec"])  # decode: (N, D * n_out)
        log_px_z, c_x = self.likelihood.forward(x, out)  # loss: (N,) nats
        kl = self.prior.kl(mu, log_var)  # (N, L) nats, each latent by itself
        log_px_z = log_px_z.sum() / N
        loss = beta * free_bits(kl, least=self.free_bits) - log_px_z
        if grads:  # backward
            self.zero_grad()
            g = array_module(out).full(N, 1 / N, out.dtype)  # d loss / d (one example's loss)
            dz = self.decoder.backward(self.likelihood.backward(-g, c_x), c_dec)[..., : self.L]
            dmu, dlog_var = reparameterize_backward(dz, mu, log_var, eps=eps)
            dkl = free_bits_backward(beta, kl, least=self.free_bits)  # beta / N, or 0 where bits are free
            dmu_kl, dlog_var_kl = self.prior.kl_backward(dkl, mu, log_var)
            self.encoder.backward((dmu + dmu_kl, dlog_var + dlog_var_kl), c_enc, need_dx=False)
        kl = kl.sum() / N
        return {"loss": loss, "elbo": log_px_z - kl, "log_px_z": log_px_z, "kl": kl}

    def loss_law(self, metrics, t):
        """None with free bits: the loss is then larger than this."""
        loss = self.beta(t) * metrics["kl"] - metrics["log_px_z"]
        return {} if self.free_bits else {"loss = beta kl - log_px_z": loss}

    def draw_eps(self, rng, K, n):
        """The noise of K samples for each of n examples, (K, n, L), drawn one example after the other."""
        return rng.standard_normal((n, K, self.L), dtype="float32").swapaxes(0, 1)

    def log_terms(self, x, eps, y=None):
        """log p(x | z), log p(z), log q(z | x) at z = mu + std eps: x (N, D), eps (K, N, L) -> (K, N) nats each."""
        mu, log_var = self.encoder(self.seen(x, y))
        z = reparameterize(mu, log_var, eps=eps)  # (K, N, L)
        log_px_z = self.in_parts(lambda z: self.likelihood.forward(x, self.decoder(z))[0], self.given(z, y), 256)
        log_pz, _ = self.prior_of(y, len(x)).forward(z)
        return log_px_z, log_pz, gaussian_log_prob(z, mu, log_var)

    def log_weights(self, x, eps, y=None):
        """log p(x, z) - log q(z | x) of the z that eps gives: x (N, D), eps (K, N, L) -> (K, N) nats.

        The mean over k is an ELBO; the log-mean-exp a tighter bound on log p(x) (Burda et al. 2016, eq. 8).
        """
        log_px_z, log_pz, log_qz_x = self.log_terms(x, eps, y)
        return log_px_z + log_pz - log_qz_x

    def encode(self, x, y=None):
        """Mean and log-variance of q(z | x): x (N, D) -> (mu, log_var), each (N, L)."""
        return self.in_parts(self.encoder, self.seen(self.examples(x), y))

    def decode(self, z, y=None, draw=None):
        """Mean of p(x | z), or with the generator `draw` a sample of it: z (..., L) -> x_hat (..., D)."""
        return self._x_hat(self.rows(z, "z", self.L), y, draw)

    def sample(self, n, rng, y=None, draw=None):
        """Generate: z from the prior, x_hat (n, D) its decoded mean, or with the generator `draw` a sample of x."""
        n = whole(0)("n", n)
        noise = self.prior.draw_noise(rng, n)
        return self._x_hat(self.prior_of(y, n).draw(place(noise, like=self.theta)), y, draw)

    def reconstruct(self, x, eps=None, y=None, draw=None):
        """x (N, D) -> x_hat (N, D), through z = mu, or z = mu + std eps; `draw` as for `decode`."""
        mu, log_var = self.encode(x, y)
        z = mu if eps is None else reparameterize(mu, log_var, eps=self.rows(eps, "eps", self.L, len(mu)))
        return self._x_hat(z, y, draw)

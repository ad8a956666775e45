r"""Categorical latents by Gumbel-softmax (Jang, Gu & Poole 2017, 1611.01144; Maddison, Mnih & Teh 2017, 1611.00712).

        x --encoder--> logits --> z = one-hot(argmax(logits + eps)) --decoder--> out --likelihood--> log p(x | z)
                                  ^
        eps ~ Gumbel(0, 1)        T choices among K

\mathcal{L}(x) = E_{q(z|x)}[\log p(x|z)] - \beta KL(q(z|x) || p(z)) <= \log p(x) for \beta = 1,  p(z) = K^{-T}

A choice has no derivative. What the encoder gets of log p(x | z) is one of

    relaxed           that through y = softmax((logits + eps) / temperature), decoded for z: exact, but of another loss
    straight-through  the same, where z = y + held(z - y) is decoded: of the right loss, but biased
    score             (log p(x|z) - b(x)) times that of log q(z|x): unbiased, but noisy. b(x) is log p(x|z) of the
                      likeliest z, which depends on x alone        (Mnih & Gregor 2014, 1402.0030, eq. 6)

The KL is exact in all three (Maddison et al. charge that of the densities of y). `elbo` is the bound of choices, in
training too: for it relaxed takes one more forward of the decoder, as score does for b(x).
"""

from ..backend import array_module
from ..densities import (
    gumbel_softmax,
    gumbel_softmax_backward,
    kl_uniform,
    kl_uniform_backward,
    softmax_log_prob,
    softmax_log_prob_backward,
)
from ..numeric import gumbel, one_hot, softmax
from ..options import Option, one_of, read_arguments, real, whole
from ..priors import UniformCodes
from ..schedules import falling, schedule
from .beta import BETA, beta_of
from .networks import MOST, NETWORKS, build_networks
from .vae import VAE

GRADIENTS = ("relaxed", "straight-through", "score")
SOFT = ("gradient", GRADIENTS[:2])  # those with a temperature


class GumbelVAE(VAE):
    """VAE whose latents are T choices among K.

    Parameters
    ----------
    encoder : Network
        x (..., D) -> logits (..., T K).
    decoder : Network
        z (..., T K), T one-hot rows side by side -> out (..., D * likelihood.n_out).
    categories : int
        K.
    likelihood, beta
        As for VAE.
    gradient : {"relaxed", "straight-through", "score"}
        What the encoder gets of log p(x | z).
    temperature : float or function of the step
        Of y.
    """

    options = NETWORKS | BETA | {
        "categories": Option(whole(2, MOST), 10, "what each latent chooses among", "K"),
        "gradient": Option(one_of(GRADIENTS), "relaxed", "of the encoder: relaxed, straight-through or score", "NAME"),
        "temperature": Option(real(), None, "of relaxed choices at first (default: 1)", "X", needs=SOFT, optional=True,
                              fill=lambda settings: 1.0),
        "temperature_end": Option(real(), None, "what it falls to (default: 0.5)", "X", needs=SOFT, optional=True,
                                  fill=lambda settings: 0.5),
        "temperature_epochs": Option(whole(1), None, "epochs in which it falls (default: 20)", "N", needs=SOFT,
                                     optional=True, fill=lambda settings: 20),
    }  # fmt: skip
    latent = "codes"
    sampled = "codes drawn from the prior"

    def __init__(self, encoder, decoder, categories, likelihood=None, beta=1.0, gradient="relaxed", temperature=1.0):
        self.K = whole(2)("categories", categories)
        self.gradient = one_of(GRADIENTS)("gradient", gradient)
        self.temperature = schedule(temperature if callable(temperature) else real()("temperature", temperature))
        self.T, rest = divmod(decoder.n_in or 0, self.K)
        if rest:
            raise ValueError(f"categories: expected a divisor of the width {decoder.n_in} of z, got {self.K}")
        super().__init__(encoder, decoder, likelihood, UniformCodes(self.K, self.T) if self.T else None, beta)
        self.L = decoder.n_in

    @classmethod
    def build(cls, shape, rng, *, latent=20, categories=10, gradient="relaxed", temperature=None, temperature_end=None,
              temperature_epochs=None, beta=1.0, beta_schedule="constant", beta_epochs=None, pass_steps=1,
              **networks):  # fmt: skip
        """As VAE.build; the temperature falls to its end in `temperature_epochs` epochs of `pass_steps` steps."""
        latent, categories = read_arguments(cls.options, latent=latent, categories=categories)
        if networks.get("norm") == "batch" and gradient != "straight-through":
            raise ValueError("norm: expected one without statistics of the batch, since the decoder sees two kinds of "
                             "rows, such as layer; got batch")  # fmt: skip
        encoder, decoder, likelihood = build_networks(shape, rng, latent=latent * categories, heads=1, **networks)
        start, end, epochs = read_arguments(cls.options, temperature=temperature, temperature_end=temperature_end,
                                            temperature_epochs=temperature_epochs)  # fmt: skip
        steps = (epochs or 20) * whole(1)("pass_steps", pass_steps)
        beta = beta_of(beta, beta_schedule, beta_epochs, pass_steps)
        return cls(encoder, decoder, categories, likelihood, beta, gradient, falling(start or 1.0, end or 0.5, steps))

    def draw_noise(self, rng, n, train=True):
        """All that is random in a step on `n` examples; `train=False` leaves out dropout, and decodes choices."""
        return {
            "eps": gumbel(rng.random((n, self.L), dtype="float32")),
            "relax": True if train and self.gradient == "relaxed" else None,
            "enc": self.encoder.draw_noise(rng, n) if train else None,
            "dec": self.decoder.draw_noise(rng, n) if train else None,
        }

    def loss_and_grads(self, x, noise, y=None, t=0, grads=True):
        """Metrics of one step on x (N, D), means over the examples in nats; the gradients of `loss` go into `grad`."""
        beta, N, score = self.beta(t), len(x), self.gradient == "score"
        soft = {"gumbel": self._split(noise["eps"]), "temperature": self.temperature(t)}
        rows, c_enc = self.encoder.forward(self.seen(x, y), noise["enc"])
        logits = self._split(rows)  # encode: (N, T, K)
        hard, off, held = noise["held"] if "held" in noise else self._held(logits, soft, noise)
        z = hard if score else gumbel_softmax(logits, **soft) + off  # choose: (N, T, K)
        out, c_dec = self.decoder.forward(self.given(self._join(z), y), noise["dec"])  # decode: (N, D * n_out)
        log_px_z, c_x = self.likelihood.forward(x, out)  # loss: (N,) nats
        kl = kl_uniform(logits)  # (N, T) nats, each choice by itself
        kl_mean = kl.sum() / N
        loss = beta * kl_mean - log_px_z.sum() / N
        if score:
            gain = log_px_z - self._log_px(x, self._choose(logits), noise, y)  # (N,)
            loss = loss - (gain[:, None] * (softmax_log_prob(logits, x=hard) - held)).sum() / N  # 0, but for its slope
        if grads:  # backward
            self.zero_grad()
            g = array_module(out).full(N, 1 / N, out.dtype)  # d loss / d (one example's loss)
            dz = self.decoder.backward(self.likelihood.backward(-g, c_x), c_dec, need_dx=not score)
            if score:
                dlogits = softmax_log_prob_backward(-(g * gain)[:, None] + 0 * kl, logits, x=hard)
            else:
                dlogits = gumbel_softmax_backward(self._split(dz[..., : self.L]), logits, **soft)
            dlogits = dlogits + kl_uniform_backward(beta * g[:, None] + 0 * kl, logits)
            self.encoder.backward(self._join(dlogits), c_enc, need_dx=False)
        log_px_z = (self._log_px(x, hard, noise, y) if noise["relax"] else log_px_z).sum() / N
        return {"loss": loss, "elbo": log_px_z - kl_mean, "log_px_z": log_px_z, "kl": kl_mean}

    def stopped(self, x, noise, y=None, t=0):
        """Adds `held`: z; z - y, or 0 where y is decoded; log q(z | x) of each choice."""
        soft = {"gumbel": self._split(noise["eps"]), "temperature": self.temperature(t)}
        logits = self._split(self.encoder.forward(self.seen(x, y), noise["enc"])[0])
        return noise | {"held": self._held(logits, soft, noise)}

    def _held(self, logits, soft, noise):
        """What a step holds constant, see `stopped`."""
        hard = self._choose(logits + soft["gumbel"])
        if self.gradient == "score":
            return hard, None, softmax_log_prob(logits, x=hard)
        return hard, 0.0 if noise["relax"] else hard - gumbel_softmax(logits, **soft), None

    def draw_eps(self, rng, S, n):
        """The noise of S samples for each of n examples, (S, n, L), drawn one example after the other."""
        return gumbel(rng.random((n, S, self.L), dtype="float32")).swapaxes(0, 1)

    def log_terms(self, x, eps, y=None):
        """log p(x | z), log p(z), log q(z | x) of the z that eps chooses: x (N, D), eps (S, N, L) -> (S, N) nats."""
        logits = self._split(self.encoder(self.seen(x, y)))
        hard = self._choose(logits + self._split(eps))  # (S, N, T, K)
        z = self.given(self._join(hard), y)
        log_px_z = self.in_parts(lambda z: self.likelihood.forward(x, self.decoder(z))[0], z, 256)
        log_pz, _ = self.prior.forward(hard.argmax(axis=-1))
        return log_px_z, log_pz, softmax_log_prob(logits, x=hard).sum(axis=-1)

    def encode(self, x, y=None, eps=None):
        """The likeliest codes, or those that eps (N, L) chooses: x (N, D) -> whole numbers below K, (N, T)."""
        logits = self._split(self.in_parts(self.encoder, self.seen(self.examples(x), y)))
        eps = 0 if eps is None else self._split(self.rows(eps, "eps", self.L, len(x)))
        return (logits + eps).argmax(axis=-1)

    def choices(self, x, y=None):
        """q(z | x): x (N, D) -> the probabilities (N, T, K) of each choice."""
        return softmax(self._split(self.in_parts(self.encoder, self.seen(self.examples(x), y)))[..., None])[..., 0]

    def decode(self, z, y=None, draw=None):
        """Mean of p(x | z), or with the generator `draw` a sample of it: codes z (..., T) -> x_hat (..., D)."""
        return self._x_hat(self.code_rows(z), y, draw)

    def reconstruct(self, x, eps=None, y=None, draw=None):
        """x (N, D) -> x_hat (N, D), through the likeliest codes, or those that eps chooses; `draw` as for `decode`."""
        return self._x_hat(self.encode(x, y, eps), y, draw)

    def _x_hat(self, codes, y, draw=None):
        """x_hat (..., D) of codes (..., T), see `Model`."""
        return super()._x_hat(self._join(one_hot(codes, self.K, self.theta)), y, draw)

    def _choose(self, logits):
        """One-hot where the logits (..., T, K) are largest."""
        return one_hot(logits.argmax(axis=-1), self.K, logits)

    def _log_px(self, x, z, noise, y):
        """log p(x | z) (N,) of z (N, T, K), for which nothing goes backward."""
        return self.likelihood.forward(x, self.decoder.forward(self.given(self._join(z), y), noise["dec"])[0])[0]

    def _split(self, z):
        """(..., T K) -> (..., T, K)."""
        return z.reshape(*z.shape[:-1], self.T, self.K)

    def _join(self, z):
        """(..., T, K) -> (..., T K)."""
        return z.reshape(*z.shape[:-2], self.L)

r"""The VAE of lines of text (Bowman et al. 2016, "Generating Sentences from a Continuous Space", 1511.06349).

        x_1 .. x_T --encoder--> mu, log_var --> z = mu + std eps
                                                |
        0, x_1 .. x_{T-1} ----------------> decoder --> out --likelihood--> log p(x | z)

\mathcal{L}(x) = E_{q(z|x)}[\sum_t \log p(x_t | x_1 .. x_{t-1}, z)] - \beta KL(q(z|x) || p(z)) <= \log p(x)

for \beta = 1.
The decoder is given the tokens before each place (teacher forcing), so that it can do without z: then KL falls to 0,
and the encoder has collapsed. Against it: a beta that rises, in cycles too (Fu et al. 2019); free bits; word dropout; a
weaker decoder; and `aggressive` steps, in which the encoder alone learns, so that it does not lag behind (He et al.
2019, "Lagging Inference Networks", 1901.05534).
"""

from ..backend import array_module
from ..densities import (
    free_bits,
    free_bits_backward,
    gaussian_log_prob,
    reparameterize,
    reparameterize_backward,
)
from ..layers.lines import trimmed
from ..options import Option, read_arguments, whole
from .base import METRICS, Metric
from .beta import BETA, beta_of
from .text import LINES, WriteLines, build_lines
from .vae import VAE


class SeqVAE(WriteLines, VAE):
    """VAE of lines of tokens, whose decoder sees z and the tokens before each place.

    Parameters
    ----------
    encoder : LineEncoder
        x (N, T) -> (mu, log_var), each (N, L).
    decoder : LineDecoder
        (x (N, T), z (N, L)) -> out (N, T * V).
    likelihood : Tokens
    beta : float or function of the step
    free_bits : float
        As for VAE.
    aggressive : int
        Steps of the encoder alone behind each step of all.
    aggressive_steps : int
        The first steps, of which this is so.
    """

    options = LINES | BETA | {
        "free_bits": VAE.options["free_bits"],
        "aggressive": Option(whole(0), 0, "steps of the encoder alone behind each step of all, at first", "N"),
        "aggressive_epochs": Option(whole(1), 5, "epochs in which the encoder has such steps", "N"),
    }  # fmt: skip

    def __init__(self, encoder, decoder, likelihood, beta=1.0, free_bits=0.0, aggressive=0, aggressive_steps=0):
        super().__init__(encoder, decoder, likelihood, None, beta, free_bits)
        self.D = decoder.T
        self.aggressive = whole(0)("aggressive", aggressive)
        self.aggressive_steps = whole(0)("aggressive_steps", aggressive_steps)
        if self.aggressive:
            self.objectives = {"loss": ("decoder", "likelihood", "prior"), "loss_encoder": ("encoder",)}
            self.metrics = METRICS | {"loss_encoder": Metric("what the encoder descends", "lower")}

    @classmethod
    def build(cls, shape, rng, *, beta=1.0, beta_schedule="constant", beta_epochs=None, free_bits=0.0, aggressive=0,
              aggressive_epochs=5, pass_steps=1, **networks):  # fmt: skip
        """A model of lines of `shape` (T,): options as for the constructor and `build_lines`."""
        encoder, decoder, likelihood = build_lines(shape, rng, **networks)
        beta = beta_of(beta, beta_schedule, beta_epochs, pass_steps)
        (epochs,) = read_arguments(cls.options, aggressive_epochs=aggressive_epochs)
        return cls(encoder, decoder, likelihood, beta, free_bits, aggressive, epochs * pass_steps)

    def updates(self, objective, t):
        """How many of the first t steps descend an objective; at first the decoder's are one of `aggressive` + 1."""
        if objective == "loss_encoder":
            return t
        early = min(t, self.aggressive_steps) if self.aggressive else 0
        return -(-early // (self.aggressive + 1)) + t - early

    def loss_and_grads(self, x, noise, y=None, t=0, grads=True):
        """Metrics of one step on x (N, T), means over the lines in nats; the gradients of `loss` go into `grad`."""
        eps, beta, N, x = noise["eps"], self.beta(t), len(x), trimmed(x)
        (mu, log_var), c_enc = self.encoder.forward(x, noise["enc"])  # encode: (N, L)
        z = reparameterize(mu, log_var, eps=eps)  # sample: (N, L)
        out, c_dec = self.decoder.forward((x, z), noise["dec"])  # decode: (N, T * V), given the tokens before
        log_px_z, c_x = self.likelihood.forward(x, out)  # loss: (N,) nats
        kl = self.prior.kl(mu, log_var)  # (N, L) nats, each latent by itself
        log_px_z = log_px_z.sum() / N
        loss = beta * free_bits(kl, least=self.free_bits) - log_px_z
        if grads:  # backward
            self.zero_grad()
            g = array_module(out).full(N, 1 / N, out.dtype)  # d loss / d (one example's loss)
            learns = self.updates("loss", t + 1) > self.updates("loss", t)  # not in a step of the encoder alone
            _, dz = self.decoder.backward(self.likelihood.backward(-g, c_x), c_dec, accumulate=learns)
            dmu, dlog_var = reparameterize_backward(dz, mu, log_var, eps=eps)
            dkl = free_bits_backward(beta, kl, least=self.free_bits)  # beta / N, or 0 where bits are free
            dmu_kl, dlog_var_kl = self.prior.kl_backward(dkl, mu, log_var)
            self.encoder.backward((dmu + dmu_kl, dlog_var + dlog_var_kl), c_enc, need_dx=False)
        kl = kl.sum() / N
        metrics = {"loss": loss, "elbo": log_px_z - kl, "log_px_z": log_px_z, "kl": kl}
        return metrics | {"loss_encoder": loss} if self.aggressive else metrics

    def log_terms(self, x, eps, y=None):
        """log p(x | z), log p(z), log q(z | x) at z = mu + std eps: x (N, T), eps (K, N, L) -> (K, N) nats each."""
        mu, log_var = self.encoder(x)
        z = reparameterize(mu, log_var, eps=eps)  # (K, N, L)
        log_pz, _ = self.prior.forward(z)
        return self.log_px_z(x, z), log_pz, gaussian_log_prob(z, mu, log_var)

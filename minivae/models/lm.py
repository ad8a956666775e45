r"""A language model of lines: the decoder of `seqvae.py` without z, to compare it with (Mikolov et al. 2010).

        0, x_1 .. x_{T-1} --decoder--> out --likelihood--> log p(x)

loss = -\log p(x) = -\sum_t \log p(x_t | x_1 .. x_{t-1})

log p(x) is exact. What a decoder with z gains is what its z says beyond the tokens before; where it has collapsed, the
VAE is this model.
"""

from ..backend import array_module
from ..layers.lines import trimmed
from ..options import whole
from .base import METRICS, Metric, Model
from .exact import Exact
from .text import LINES, WriteLines, build_lines


class LanguageModel(Exact, WriteLines, Model):
    """A network that says at each place of a line what may come next.

    Parameters
    ----------
    decoder : LineDecoder
        (x (N, T), z (N, 0)) -> out (N, T * V).
    likelihood : Tokens
    """

    options = {name: option for name, option in LINES.items() if name not in ("latent", "decoder_hidden")}
    metrics = {"loss": METRICS["loss"], "log_px": Metric("log p(x)", "higher")}
    latent = None
    L = 0
    sampled = "draws token by token"

    def __init__(self, decoder, likelihood):
        self.decoder = decoder
        self.likelihood = likelihood
        self.D = decoder.T
        self.bind()

    @classmethod
    def build(cls, shape, rng, *, pass_steps=1, **networks):
        """A model of lines of `shape` (T,): options as for `build_lines`."""
        _, decoder, likelihood = build_lines(shape, rng, latent=0, **networks)
        return cls(decoder, likelihood)

    def draw_noise(self, rng, n, train=True):
        """All that is random in a step on `n` lines, word dropout; `train=False` leaves it out."""
        return {"dec": self.decoder.draw_noise(rng, n) if train else None}

    def loss_and_grads(self, x, noise, y=None, t=0, grads=True):
        """Metrics of one step on x (N, T), means over the lines in nats; the gradients of `loss` go into `grad`."""
        N, x = len(x), trimmed(x)
        out, c_dec = self.decoder.forward((x, self._no_z(N)), noise["dec"])  # (N, T * V)
        log_px, c_x = self.likelihood.forward(x, out)  # loss: (N,) nats
        log_px = log_px.sum() / N
        if grads:  # backward
            self.zero_grad()
            g = array_module(out).full(N, 1 / N, out.dtype)  # d loss / d (one example's loss)
            self.decoder.backward(self.likelihood.backward(-g, c_x), c_dec, need_dx=False)
        return {"loss": -log_px, "log_px": log_px}

    def log_px(self, x, y=None):
        """log p(x) of lines x (N, T), (N,) nats."""
        return self.log_px_z(x, self._no_z(len(x))[None])[0]

    def encode(self, x, y=None):
        """A ValueError: there is no z."""
        raise ValueError("model: expected one with latents, LanguageModel has none")

    def decode(self, z, y=None, draw=None):
        """A ValueError: there is no z."""
        return self.encode(z)

    def sample(self, n, rng, y=None, draw=None, temperature=1.0, top_k=None):
        """n lines (n, T), drawn token by token by the generator `draw`, else by `rng`; see `SeqVAE.decode`."""
        z = self._no_z(whole(0)("n", n))
        return self._x_hat(z, y, rng if draw is None else draw, temperature, top_k)

    def reconstruct(self, x, eps=None, y=None, draw=None):
        """The likeliest token of each place of x (N, T) given those before it, (N, T); nothing is drawn."""
        x = self.examples(x)
        return self.in_parts(lambda x: self.likelihood.mean(self.decoder((x, self._no_z(len(x))))), x)

    def _no_z(self, n):
        return array_module(self.theta).zeros((n, 0), self.theta.dtype)

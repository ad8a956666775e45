r"""The vector-quantized VAE (van den Oord et al. 2017, "Neural Discrete Representation Learning", 1711.00937).

        x --encoder--> z_e --nearest of K codes at each of T places--> codes --> z_q --decoder--> out --> log p(x | z)
                                                                         |
                                                                         +--prior--> log p(codes)

loss       = -\log p(x | z_q) + commit ||z_e - sg[e]||^2 (+ ||sg[z_e] - e||^2)  trains encoder, decoder, codes  (eq. 3)
loss_prior = -\log p(codes)                                                     trains the prior, a PixelCNN

q(z | x) is one-hot, so that KL(q(z | x) || p(z)) is the length of the codes under the prior, and log p(x | z) + log
p(codes) <= log p(x): codes plus pixels. The gradient of z_q goes to z_e as it is (straight-through). The paper trains
the prior afterwards, on codes that no longer move; here both learn in one step, and the prior sees the codes alone.
"""

from dataclasses import replace

from ..backend import array_module, place
from ..layers import Quantize, Reshape
from ..layers.quantize import CODEBOOKS
from ..likelihoods import Bernoulli
from ..options import Option, one_of, read_arguments, real, whole
from ..params import Param
from ..priors import PixelCNN, UniformCodes
from .base import METRICS, Metric, Model
from .networks import MOST, NETWORKS, build_networks

PRIORS = ("learned", "uniform")
LEARNED = ("prior", ("learned",))


class VQVAE(Model):
    """Vector-quantized VAE.

    Parameters
    ----------
    encoder : Network
        x (..., D) -> z_e (..., T d).
    quantizer : Quantize
        K codes of d numbers each, at T places.
    decoder : Network
        z_q (..., T d) -> out (..., D * likelihood.n_out).
    likelihood : Likelihood, optional
        None: a new Bernoulli.
    prior : Prior, optional
        Of K codes at T places. None: a new UniformCodes.
    commit : float
        Weight of the commitment, ||z_e - sg[e]||^2. The paper's 0.25 is beside means over pixels, and not their sum.
    prior_steps : int
        The prior learns from this step on.

    Raises
    ------
    ValueError
        If the prior is not of the quantizer's codes, or commit is below 0 or not finite.
    """

    options = NETWORKS | {
        "hidden": replace(NETWORKS["hidden"], needs=("arch", ("dense", "gru")), optional=True),
        "latent": replace(NETWORKS["latent"], needs=("arch", ("dense", "gru")), optional=True,
                          help="places of a code, but of conv (default: 20; digits, tables 8; sources as many)"),
        "codes": Option(whole(2, MOST), 128, "codes in the book", "K"),
        "width": Option(whole(1, MOST), 16, "numbers of a code", "N"),
        "codebook": Option(one_of(CODEBOOKS), "ema", "how codes learn: as moving means, or by a loss of their own",
                           "|".join(CODEBOOKS)),
        "commit": Option(real(closed=True), 1.0, "weight of the squared distance to the codes", "X"),
        "decay": Option(real(below=1, closed=True), 0.99, "of the moving means of codes and of their use"),
        "revive": Option(real(below=0.5, closed=True), 0.03, "codes used less than this share of the mean move to a "
                         "place of the batch; 0: none", "X"),
        "prior": Option(one_of(PRIORS), "learned", "of the codes", "|".join(PRIORS)),
        "prior_width": Option(whole(1, MOST), None, "channels of the prior (default: 64)", "N",
                              fill=lambda settings: 64, needs=LEARNED, optional=True),
        "prior_blocks": Option(whole(0, MOST), None, "residual blocks of the prior (default: 2)", "N",
                               fill=lambda settings: 2, needs=LEARNED, optional=True),
        "prior_after": Option(whole(0), None, "epochs at first in which the prior does not learn (default: 0)", "N",
                              fill=lambda settings: 0, needs=LEARNED, optional=True),
    }  # fmt: skip
    objectives = {"loss": ("encoder", "quantizer", "decoder", "likelihood"), "loss_prior": ("prior",)}
    metrics = METRICS | {
        "kl": Metric("length of the codes, -log p(z)", "lower"),
        "gap": Metric("squared distance to the codes", "lower", ""),
        "perplexity": Metric("perplexity of the codes of a batch", "higher", ""),
        "loss_prior": Metric("the same, which the prior descends", "lower"),
    }
    latent = "codes"
    sampled = "codes drawn from the prior"

    def __init__(self, encoder, quantizer, decoder, likelihood=None, prior=None, commit=1.0, prior_steps=0):
        self.encoder = encoder
        self.quantizer = quantizer
        self.decoder = decoder
        self.likelihood = Bernoulli() if likelihood is None else likelihood
        self.K, self.T, self.L = quantizer.K, quantizer.T, quantizer.n_in
        self.prior = UniformCodes(self.K, self.T) if prior is None else prior
        if (self.prior.K, self.prior.L) != (self.K, self.T):
            raise ValueError(f"prior: expected one of {self.K} codes at {self.T} places, got "
                             f"{type(self.prior).__name__} of {self.prior.K} at {self.prior.L}")  # fmt: skip
        if not self.prior.named(Param):
            self.objectives = {"loss": ("",)}
        self.D = self.rows_of(encoder)
        (self.commit,) = read_arguments(self.options, commit=commit)
        self.prior_steps = whole(0)("prior_steps", prior_steps)
        self.bind()

    @classmethod
    def build(cls, shape, rng, *, codes=128, width=16, codebook="ema", commit=1.0, decay=0.99, revive=0.03,
              prior="learned", prior_width=None, prior_blocks=None, prior_after=None, pass_steps=1,
              **networks):  # fmt: skip
        """A model of data of `shape`, (h, w, c) or (D,): options as for the constructor and `build_networks`.

        The places are `latent` of them, or with conv the pixels that the convolutions leave of an image.
        """
        codes, width, prior, prior_width, prior_blocks, prior_after = read_arguments(
            cls.options, codes=codes, width=width, prior=prior, prior_width=prior_width, prior_blocks=prior_blocks,
            prior_after=prior_after)  # fmt: skip
        networks = {name: value for name, value in networks.items() if value is not None}  # not of conv
        encoder, decoder, likelihood = build_networks(shape, rng, heads=1, depth=width, **networks)
        quantizer = Quantize(codes, width, decoder.n_in // width, rng, codebook, decay, revive)
        book = None
        if prior == "learned":
            first = decoder.layers[0]
            side = first.shape[:2] if isinstance(first, Reshape) else (1, quantizer.T)
            book = PixelCNN(codes, side, prior_width or 64, 2 if prior_blocks is None else prior_blocks, rng)
        steps = (prior_after or 0) * whole(1)("pass_steps", pass_steps)
        return cls(encoder, quantizer, decoder, likelihood, book, commit, steps)

    def draw_noise(self, rng, n, train=True):
        """All that is random in a step on `n` examples; `train=False` leaves out dropout and its like."""
        return {
            "enc": self.encoder.draw_noise(rng, n) if train else None,
            "codes": self.quantizer.draw_noise(rng, n) if train else None,
            "dec": self.decoder.draw_noise(rng, n) if train else None,
        }

    def loss_and_grads(self, x, noise, y=None, t=0, grads=True):
        """Metrics of one step on x (N, D), means over the examples; each part gets its own loss's gradient."""
        N, xp = len(x), array_module(x)
        z_e, c_enc = self.encoder.forward(self.seen(x, y), noise["enc"])  # encode: (N, T d)
        held = self.quantizer.stopped(z_e, noise["codes"])  # which codes, (N, T)
        (z_q, gap, gap_codes), c_q = self.quantizer.forward(z_e, held)  # (N, T d), (N,), (N,)
        out, c_dec = self.decoder.forward(z_q, noise["dec"])  # decode: (N, D * n_out)
        log_px_z, c_x = self.likelihood.forward(x, out)  # loss: (N,) nats
        log_pz, c_z = self.prior.forward(held["codes"])  # (N,) nats
        learned = 1.0 if self.quantizer.W is not None else 0.0  # whether the codes learn by their loss
        log_px_z, kl, gap, gap_codes = (a.sum() / N for a in (log_px_z, -log_pz, gap, gap_codes))
        loss = self.commit * gap + learned * gap_codes - log_px_z
        if grads:  # backward
            self.zero_grad()
            g = xp.full(N, 1 / N, out.dtype)  # d loss / d (one example's loss)
            dz_q = self.decoder.backward(self.likelihood.backward(-g, c_x), c_dec)
            dz_e = self.quantizer.backward((dz_q, self.commit * g, learned * g), c_q)
            self.encoder.backward(dz_e, c_enc, need_dx=False)
            if t >= self.prior_steps:
                self.prior.backward(-g, c_z)
        return {"loss": loss, "elbo": log_px_z - kl, "log_px_z": log_px_z, "kl": kl, "gap": gap,
                "perplexity": self.quantizer.perplexity(held["codes"]), "loss_prior": kl}  # fmt: skip

    def stopped(self, x, noise, y=None, t=0):
        """Adds what the step treats as constants, which codes are chosen among them: see `Quantize`."""
        z_e, _ = self.encoder.forward(self.seen(x, y), noise["enc"])
        return noise | {"codes": self.quantizer.stopped(z_e, noise["codes"])}

    def log_terms(self, x, eps=None, y=None):
        """log p(x | z), log p(z), log q(z | x) = 0 of the codes z of x (N, D) -> (N,) nats each; eps is not used."""
        codes = self.quantizer.nearest(self.encoder(self.seen(x, y)))
        log_px_z, _ = self.likelihood.forward(x, self.decoder(self.quantizer.lookup(codes)))
        log_pz, _ = self.prior.forward(codes)
        return log_px_z, log_pz, 0 * log_pz

    def encode(self, x, y=None):
        """The codes, whole numbers below K: x (N, D) -> (N, T)."""
        return self.in_parts(lambda x: self.quantizer.nearest(self.encoder(x)), self.seen(self.examples(x), y))

    def decode(self, z, y=None, draw=None):
        """Mean of p(x | z), or with the generator `draw` a sample of it: codes z (..., T) -> x_hat (..., D)."""
        return self._x_hat(self.quantizer.lookup(self.code_rows(z)), y, draw)

    def sample(self, n, rng, y=None, draw=None):
        """Generate: codes from the prior, x_hat (n, D) their decoded mean, or with the generator `draw` a sample."""
        noise = place(self.prior.draw_noise(rng, whole(0)("n", n)), like=self.theta)
        return self.decode(self.in_parts(self.prior.draw, noise), y, draw)

    def reconstruct(self, x, eps=None, y=None, draw=None):
        """x (N, D) -> x_hat (N, D), through its codes: there is no eps; `draw` as for `decode`."""
        if eps is not None:
            raise ValueError("eps: expected none, the code of an example is not drawn")
        return self.decode(self.encode(x, y), y, draw)

    def loss_law(self, metrics, t):
        weight = self.commit if self.quantizer.W is None else self.commit + 1
        return {"loss = commit gap - log_px_z": weight * metrics["gap"] - metrics["log_px_z"]}

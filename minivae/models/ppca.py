r"""Probabilistic PCA: the linear model of a density, whose best parameters are known (Tipping & Bishop 1999,
"Probabilistic principal component analysis").

        z ~ N(0, I) --decoder--> z W + b --likelihood--> x = z W + b + sqrt(s) eps

loss = -\log p(x) = -\log N(x; b, W' W + s I)

log p(x) is exact, and so is p(z | x), a Gaussian. By default a training is the closed form of the maximum of the
likelihood: the principal directions of the data and, as s, the mean variance in all other directions. It is the least
that a deep model of a density has to do better than.
"""

import math

import numpy as np

from ..backend import array_module, place, to_numpy
from ..densities import low_rank_log_prob, low_rank_log_prob_backward
from ..densities.low_rank import low_rank_optimum, low_rank_posterior
from ..layers import dense_decoder
from ..likelihoods import Gaussian
from ..numeric import at_once
from ..options import Option, each, one_of, read_arguments, whole
from ..priors import StandardNormal
from .base import METRICS, Metric, Model
from .exact import Exact
from .grey import DENSITY
from .networks import MOST

PLANE = ("modes", "sources")  # sets of two columns, unless they are given more


class PPCA(Exact, Model):
    """Probabilistic PCA.

    Parameters
    ----------
    decoder : Network
        One Dense: z (..., L) -> the mean of x (..., D).
    likelihood : Gaussian
        Its learned variance is s.
    fit : {"closed", "gradient"}
        Whether a training sets the best parameters and leaves them alone, or descends the loss.

    Raises
    ------
    ValueError
        If there are not fewer latents than values in a row.
    """

    options = DENSITY | {
        "latent": Option(whole(1, MOST), None, "number of latents (default: 20; digits 8; modes, sources 1)", "L",
                         fill=lambda settings: 1 if settings["data"] in PLANE else 8 if settings["data"] == "digits"
                         else 20),
        "fit": Option(one_of(("closed", "gradient")), "closed", "set the closed form of the maximum, or descend to it",
                      "closed|gradient"),
    }  # fmt: skip
    metrics = {"loss": METRICS["loss"], "log_px": Metric("log p(x)", "higher")}
    latent = "point"
    spreads_z = True

    def __init__(self, decoder, likelihood, fit="closed"):
        self.decoder = decoder
        self.likelihood = likelihood
        if self.options["fit"].read("fit", fit) == "gradient":
            self.solve = None
        self.L, self.D = decoder.layers[0].W.data.shape
        if self.L >= self.D:
            raise ValueError(f"latent: expected fewer than {self.D}, the values in the shape of a row, got {self.L}")
        self.prior = StandardNormal(self.L)
        self.bind()

    @classmethod
    def build(cls, shape, rng, *, likelihood="gaussian", dequantize=False, latent=20, fit="closed", missing=False,
              pass_steps=1):  # fmt: skip
        """A model of data of `shape`, (h, w, c) or (D,), with random weights; options as declared above."""
        likelihood, _, latent = read_arguments(cls.options, likelihood=likelihood, dequantize=dequantize, latent=latent)
        if missing:
            raise ValueError("model: ppca needs values that are all there, some are missing")
        D = math.prod(each(whole(1))("shape", shape))
        return cls(dense_decoder(latent, (), D, rng=rng), Gaussian(std=0.5), fit)

    def learned(self):
        """The Params W (L, D), b (D,), log_var (1,)."""
        dense = self.decoder.layers[0]
        return dense.W, dense.b, self.likelihood.log_var

    @property
    def values(self):
        """W (L, D), b (D,), log_var (1,)."""
        return [param.data for param in self.learned()]

    def updates(self, objective, t):
        """None of the first t steps moves anything where the closed form is set."""
        return t if self.solve is None else 0

    def solve(self, x):
        """Set the maximum of the likelihood of the training rows x (N, D); None where the model descends to it."""
        n = at_once(len(x), self.D)
        parts = [slice(i, i + n) for i in range(0, len(x), n)]
        mean = sum(to_numpy(x[i]).sum(axis=0, dtype="float64") for i in parts) / len(x)
        C = np.zeros((self.D, self.D))
        for i in parts:
            d = to_numpy(x[i]) - mean
            C += d.T @ d / len(x)
        found = low_rank_optimum(mean, C, self.L)
        for array, value in zip(self.values, (found.W, found.b, np.log([found.s])), strict=True):
            array[...] = place(value, like=self.theta)

    def draw_noise(self, rng, n, train=True):
        """Nothing is random in a step."""
        return {}

    def loss_and_grads(self, x, noise, y=None, t=0, grads=True):
        """Metrics of one step on x (N, D), means over the examples in nats; the gradients of `loss` go into `grad`."""
        N = len(x)
        log_px = self.log_px(x).sum() / N  # of (N,) nats
        if grads:  # backward
            self.zero_grad()
            g = array_module(x).full(N, -1 / N, x.dtype)  # d loss / d (one example's log p(x))
            _, *gradients = low_rank_log_prob_backward(g, x, *self.values)
            for param, gradient in zip(self.learned(), gradients, strict=True):
                param.grad += gradient
        return {"loss": -log_px, "log_px": log_px}

    def log_px(self, x, y=None):
        """log p(x) of x (N, D), (N,) nats."""
        return low_rank_log_prob(x, *self.values)

    def encode(self, x, y=None):
        """The mean of p(z | x): x (N, D) -> z (N, L)."""
        return self.in_parts(lambda x: low_rank_posterior(x, *self.values), self.examples(x))

    def decode(self, z, y=None, draw=None):
        """z W + b, the mean of p(x | z), or with the generator `draw` a sample of it: z (..., L) -> x_hat (..., D)."""
        return self._x_hat(self.rows(z, "z", self.L), y, draw)

    def sample(self, n, rng, y=None, draw=None):
        """x_hat (n, D), decoded z ~ N(0, I); `draw` as for `decode`."""
        noise = self.prior.draw_noise(rng, whole(0)("n", n))
        return self._x_hat(self.prior.draw(place(noise, like=self.theta)), y, draw)

    def reconstruct(self, x, eps=None, y=None, draw=None):
        """x (N, D) -> x_hat (N, D), of the mean of p(z | x): nothing of eps is used; `draw` as for `decode`."""
        return self._x_hat(self.encode(x), y, draw)

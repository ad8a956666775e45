"""One small instance of everything: what the conformance suite runs over. A class without a case fails the suite.

Layers: {class: [(label, make(rng) -> (layer, x))]}; operations: {function: [make(rng) -> (args, data)]}; likelihoods
and priors: {class: make()}; bijectors, posteriors: {class: make(rng)}; models: {label: make(rng) -> (model, x, y)}.
"""

import numpy as np

from minivae import densities, flows, likelihoods, posteriors, priors
from minivae.layers import (
    ELU,
    GELU,
    GRU,
    AvgPool2d,
    BatchNorm,
    Blocks,
    CausalAttention,
    Columns,
    ColumnsToChannels,
    Conv2d,
    ConvTranspose2d,
    Denoiser,
    Dense,
    Dropout,
    EachClass,
    Embedding,
    FromZero,
    GroupNorm,
    GRUCell,
    Halves,
    Join,
    Last,
    LayerNorm,
    LeakyReLU,
    LineDecoder,
    LineEncoder,
    MaskedConv2d,
    MaskedDense,
    MaxPool2d,
    Network,
    Positions,
    Put,
    Quantize,
    Recurrent,
    ReLU,
    Repeat,
    Reshape,
    Residual,
    Sequential,
    Sigmoid,
    SiLU,
    Softplus,
    Spectral,
    Split,
    Take,
    Tanh,
    Timed,
    Transformer,
    Upsample,
    Upward,
    conv_denoiser,
    dense_denoiser,
    dense_encoder,
    of_each_class,
)
from minivae.models.catalog import EXAMPLES
from minivae.params import Param


def elementwise(cls):
    return [("", lambda rng: (cls(), 2 * rng.standard_normal((4, 6))))]


def image(rng, *shape):
    return rng.standard_normal(shape)


def loud(denoiser, rng):
    """Its last weights start at 0, where no gradient comes to the others."""
    last = denoiser.last.named(Param)["layers.2.W"]
    last.data[...] = rng.standard_normal(last.data.shape)
    return denoiser


LINES = np.array([[2, 1, 3, 0, 0, 0], [4, 0, 0, 0, 0, 0], [1, 2, 3, 4, 2, 0], [2, 3, 0, 1, 0, 0]])

LAYERS = {
    Dense: [("", lambda rng: (Dense(5, 3, rng), rng.standard_normal((4, 5))))],
    ReLU: elementwise(ReLU),
    LeakyReLU: [("", lambda rng: (LeakyReLU(0.1), 2 * rng.standard_normal((4, 6))))],
    ELU: elementwise(ELU),
    Tanh: elementwise(Tanh),
    Sigmoid: elementwise(Sigmoid),
    SiLU: elementwise(SiLU),
    GELU: elementwise(GELU),
    Softplus: elementwise(Softplus),
    LayerNorm: [
        ("rows", lambda rng: (LayerNorm(6), rng.standard_normal((4, 6)))),
        ("images", lambda rng: (LayerNorm(5), image(rng, 2, 3, 2, 5))),
    ],
    GroupNorm: [
        ("rows", lambda rng: (GroupNorm(6, 2), rng.standard_normal((4, 6)))),
        ("images", lambda rng: (GroupNorm(4, 2), image(rng, 2, 3, 2, 4))),
    ],
    Halves: [
        ("", lambda rng: (Halves(Dense(3, 8, rng), Dense(3, 12, rng), (2, 5, 2)), rng.standard_normal((4, 3)))),
        ("dropped", lambda rng: (Halves(Dropout(0.3, (4,)), Dense(4, 8, rng), (2, 3, 2)), image(rng, 3, 4))),
    ],
    BatchNorm: [
        ("rows", lambda rng: (BatchNorm(6), rng.standard_normal((5, 6)))),
        ("images", lambda rng: (BatchNorm(3), image(rng, 2, 3, 2, 3))),
    ],
    AvgPool2d: [
        ("plain", lambda rng: (AvgPool2d(2), image(rng, 2, 4, 6, 2))),
        ("overlapping", lambda rng: (AvgPool2d((3, 2), (2, 1)), image(rng, 2, 6, 4, 1))),
    ],
    MaxPool2d: [
        ("plain", lambda rng: (MaxPool2d(2), image(rng, 2, 4, 6, 2))),
        ("overlapping", lambda rng: (MaxPool2d((3, 2), (2, 1)), image(rng, 2, 6, 4, 1))),
    ],
    Upsample: [
        ("", lambda rng: (Upsample(2), image(rng, 2, 2, 3, 2))),
        ("rectangular", lambda rng: (Upsample((1, 3)), image(rng, 2, 2, 3, 1))),
    ],
    Embedding: [("", lambda rng: (Embedding(5, 3, rng), rng.integers(0, 5, (4, 2))))],
    GRUCell: [("", lambda rng: (GRUCell(3, 4, rng), (image(rng, 5, 3), image(rng, 5, 4))))],
    CausalAttention: [
        ("", lambda rng: (CausalAttention(6, 2, rng), image(rng, 3, 4, 6))),
        ("one head", lambda rng: (CausalAttention(3, 1, rng), image(rng, 2, 5, 3))),
    ],
    Positions: [("", lambda rng: (Positions(5, 3, rng), image(rng, 2, 4, 3)))],
    GRU: [("", lambda rng: (GRU(2, 3, rng), (image(rng, 4, 5, 2), image(rng, 4, 3))))],
    Repeat: [("", lambda rng: (Repeat(3), rng.standard_normal((4, 2))))],
    FromZero: [("", lambda rng: (FromZero(3), image(rng, 4, 5, 2)))],
    Last: [("", lambda rng: (Last(), image(rng, 4, 5, 2)))],
    Join: [
        ("", lambda rng: (Join(), (image(rng, 4, 3), image(rng, 4, 2)))),
        ("broadcast", lambda rng: (Join(), (image(rng, 2, 4, 3), image(rng, 4, 2), image(rng, 1)))),
    ],
    Residual: [
        ("", lambda rng: (Residual(Dense(4, 5, rng), Tanh(), Dropout(0.3, (5,)), Dense(5, 4, rng)),
                          image(rng, 3, 4))),
        ("projected", lambda rng: (Residual(Conv2d(2, 3, 3, rng, 2, 1), BatchNorm(3), skip=Conv2d(2, 3, 1, rng, 2)),
                                   image(rng, 2, 4, 3, 2))),
    ],
    Timed: [
        ("", lambda rng: (Timed(Sequential(Tanh(), Dense(4, 3, rng)), Dense(3, 3, rng), Dense(2, 3, rng),
                                Dense(4, 3, rng)), (image(rng, 5, 4), image(rng, 5, 2)))),
        ("images", lambda rng: (Timed(Conv2d(2, 3, 3, rng, 1, 1), Sequential(SiLU(), Conv2d(3, 2, 3, rng, 1, 1)),
                                      Dense(4, 3, rng)), (image(rng, 2, 4, 3, 2), image(rng, 2, 4)))),
    ],
    Denoiser: [
        ("chain", lambda rng: (loud(dense_denoiser(3, (4, 5), 6, rng=rng), rng), (image(rng, 4, 3), image(rng, 4, 6)))),
        ("images", lambda rng: (loud(conv_denoiser((4, 8, 2), (2, 3, 4), 6, rng=rng), rng),
                                (image(rng, 2, 64), image(rng, 2, 6)))),
    ],
    Upward: [
        ("", lambda rng: (Upward([Network(Dense(4, 5, rng), Tanh(), Dropout(0.3, (5,))), Network(Dense(5, 3, rng))],
                                 [Network(Dense(5, 4, rng), Split(2)), Network(Dense(3, 2, rng), Split(2))]),
                          image(rng, 3, 4))),
        ("no first block", lambda rng: (Upward([Network()], [Network(Dense(4, 6, rng), Split(2))]), image(rng, 3, 4))),
    ],
    EachClass: [
        ("", lambda rng: (of_each_class(dense_encoder(5, (6,), 2, "tanh", 0.3, rng=rng), 3, rng), image(rng, 4, 5))),
        ("no rest", lambda rng: (of_each_class(dense_encoder(5, (), 2, rng=rng), 3, rng), image(rng, 4, 5))),
    ],
    Recurrent: [("", lambda rng: (Recurrent(2, [3, 4], rng), image(rng, 3, 4, 2)))],
    Transformer: [("", lambda rng: (Transformer(3, 4, 1, 2, 5, rng), image(rng, 2, 4, 3)))],
    LineEncoder: [("", lambda rng: (LineEncoder(5, 3, Recurrent(3, [4], rng), 4, 2, rng), LINES))],
    LineDecoder: [
        ("gru", lambda rng: (LineDecoder(5, 3, 2, Recurrent(5, [4], rng), 4, 6, rng), (LINES, image(rng, 4, 2)))),
        ("hidden words", lambda rng: (LineDecoder(5, 3, 2, Recurrent(5, [4], rng), 4, 6, rng, 0.5),
                                      (LINES, image(rng, 4, 2)))),
        ("transformer", lambda rng: (LineDecoder(5, 3, 2, Transformer(5, 4, 1, 2, 6, rng), 4, 6, rng),
                                     (LINES, image(rng, 4, 2)))),
    ],
    Dropout: [("", lambda rng: (Dropout(0.4, (6,)), rng.standard_normal((4, 6))))],
    Reshape: [("", lambda rng: (Reshape(2, 3, 1), rng.standard_normal((4, 6))))],
    Split: [("", lambda rng: (Split(2), rng.standard_normal((4, 6))))],
    Blocks: [("", lambda rng: (Blocks(2), image(rng, 2, 3, 2, 4)))],
    Columns: [("", lambda rng: (Columns(2, 5), image(rng, 3, 4, 5)))],
    Take: [("", lambda rng: (Take([4, 0, 1], 5), image(rng, 3, 4, 5)))],
    Put: [("", lambda rng: (Put([4, 0, 1], 5), image(rng, 3, 4, 3)))],
    ColumnsToChannels: [("", lambda rng: (ColumnsToChannels(3, 2, 2, 3), image(rng, 2, 15)))],
    MaskedDense: [("", lambda rng: (MaskedDense(np.tril(np.ones((5, 3))), rng), rng.standard_normal((4, 5))))],
    Spectral: [
        ("dense", lambda rng: (Spectral(Dense(5, 3, rng)), rng.standard_normal((4, 5)))),
        ("conv", lambda rng: (Spectral(Conv2d(2, 3, (2, 3), rng, padding=1)), image(rng, 2, 3, 4, 2))),
    ],
    MaskedConv2d: [
        ("A", lambda rng: (MaskedConv2d(2, 3, 3, rng), image(rng, 2, 3, 4, 2))),
        ("B", lambda rng: (MaskedConv2d(2, 2, (1, 5), rng, own=True), image(rng, 2, 2, 3, 2))),
    ],
    Quantize: [
        ("ema", lambda rng: (Quantize(5, 2, 3, rng), image(rng, 4, 6))),
        ("loss", lambda rng: (Quantize(5, 2, 3, rng, "loss"), image(rng, 4, 6))),
    ],
    Sequential: [("", lambda rng: (Sequential(Dense(4, 5, rng), Tanh(), Dropout(0.3, (5,)), Dense(5, 2, rng)),
                                   rng.standard_normal((3, 4))))],
    Network: [
        ("rows", lambda rng: (Network(Dense(4, 3, rng), Tanh(), Dense(3, 6, rng), Split(2)), image(rng, 3, 4))),
        ("leading axes", lambda rng: (Network(Dense(4, 6, rng), Split(2)), image(rng, 2, 3, 4))),
        ("images", lambda rng: (Network(Reshape(3, 2, 1), Conv2d(1, 2, 2, rng), Reshape(4)), image(rng, 2, 3, 6))),
    ],
    Conv2d: [
        ("plain", lambda rng: (Conv2d(2, 3, 3, rng), image(rng, 2, 5, 4, 2))),
        ("strided", lambda rng: (Conv2d(1, 2, 4, rng, stride=2, padding=1), image(rng, 2, 6, 7, 1))),
        ("rectangular", lambda rng: (Conv2d(2, 2, (1, 3), rng, stride=(2, 1), padding=(0, 2)), image(rng, 2, 4, 3, 2))),
        ("stride above kernel", lambda rng: (Conv2d(1, 2, 2, rng, stride=3), image(rng, 2, 7, 6, 1))),
        ("1x1", lambda rng: (Conv2d(3, 2, 1, rng), image(rng, 2, 2, 3, 3))),
    ],
    ConvTranspose2d: [
        ("plain", lambda rng: (ConvTranspose2d(2, 3, 3, rng), image(rng, 2, 3, 2, 2))),
        ("strided", lambda rng: (ConvTranspose2d(2, 1, 4, rng, stride=2, padding=1), image(rng, 2, 3, 2, 2))),
        ("output padding", lambda rng: (ConvTranspose2d(1, 2, 4, rng, 2, 1, (1, 0)), image(rng, 2, 2, 3, 1))),
        ("rectangular", lambda rng: (ConvTranspose2d(2, 2, (3, 1), rng, (1, 3), (1, 0), (0, 2)),
                                     image(rng, 2, 3, 2, 2))),
    ],
}  # fmt: skip


MASK = np.array([[1.0, 0, 1, 0], [0, 0, 0, 0], [1, 1, 1, 1]])


def counts(rng, *shape):
    return rng.integers(0, 9, shape).astype("float64")


def interval(rng, *shape):
    """Bounds of an interval, of which some are as good as infinite."""
    lower = rng.standard_normal(shape)
    upper = lower + rng.random(shape)
    lower.flat[0] = -1e30
    upper.flat[1:3] = 1e30
    return {"lower": lower, "upper": upper}


def gaussian(rng, *shape):
    return rng.standard_normal(shape), 0.5 * rng.standard_normal(shape)


def low_rank(rng, *shape, L=2):
    """(x, W, b, log_var)."""
    D = shape[-1]
    return rng.standard_normal(shape), rng.standard_normal((L, D)), rng.standard_normal(D), np.array([-0.7])


OPERATIONS = {
    densities.bernoulli_log_prob: [
        lambda rng: ((3 * rng.standard_normal((2, 3, 5)),), {"x": (rng.random((3, 5)) < 0.5).astype("float64")}),
        lambda rng: ((rng.standard_normal(5),), {"x": rng.random((3, 5))}),
    ],
    densities.categorical_log_prob: [
        lambda rng: ((3 * rng.standard_normal((2, 3, 4, 5)),), {"x": rng.integers(0, 4, (3, 5))}),
        lambda rng: ((3 * rng.standard_normal((4, 5)),), {"x": rng.integers(0, 4, (3, 5)).astype("float64")}),
    ],
    densities.gaussian_log_prob: [
        lambda rng: ((rng.standard_normal((2, 3, 4)), rng.standard_normal((3, 4)), rng.standard_normal(1)), {}),
        lambda rng: ((rng.standard_normal((3, 1)), rng.standard_normal(1), rng.standard_normal((2, 1, 4))), {}),
        lambda rng: ((rng.standard_normal((2, 3, 4)), rng.standard_normal((3, 4)), np.ones(4)), {"observed": MASK}),
    ],
    densities.pairwise_gaussian_log_prob: [
        lambda rng: ((rng.standard_normal((2, 3, 4)), *gaussian(rng, 5, 4)), {}),
        lambda rng: ((rng.standard_normal(4), *gaussian(rng, 2, 4)), {}),
    ],
    densities.student_t_log_prob: [
        lambda rng: ((2 * rng.standard_normal((2, 3, 4)), *gaussian(rng, 3, 4), np.array([1.5])), {}),
        lambda rng: ((rng.standard_normal((3, 1)), np.ones(1), rng.standard_normal((2, 1, 4)), np.arange(4.0)), {}),
        lambda rng: ((rng.standard_normal((2, 3, 4)), *gaussian(rng, 4), np.zeros(4)), {"observed": MASK}),
    ],
    densities.poisson_log_prob: [
        lambda rng: ((rng.standard_normal((2, 3, 4)),), {"x": counts(rng, 3, 4)}),
        lambda rng: ((rng.standard_normal(4),), {"x": counts(rng, 3, 4), "observed": MASK}),
    ],
    densities.negative_binomial_log_prob: [
        lambda rng: ((rng.standard_normal((2, 3, 4)), np.array([0.5])), {"x": counts(rng, 3, 4)}),
        lambda rng: ((2 * rng.standard_normal(4), 2 * np.arange(4.0)), {"x": counts(rng, 3, 4), "observed": MASK}),
    ],
    densities.logistic_log_prob: [
        lambda rng: (gaussian(rng, 2, 3, 4, 5), interval(rng, 3, 1, 5)),
        lambda rng: ((rng.standard_normal((4, 1)), rng.standard_normal(5)), interval(rng, 3, 4, 5)),
    ],
    densities.mixture_log_prob: [
        lambda rng: ((3 * rng.standard_normal((2, 3, 4, 5)), -3 * rng.random((2, 3, 4, 5))), {}),
        lambda rng: ((rng.standard_normal((3, 4)), -3 * rng.random((2, 3, 3, 1))), {"observed": MASK}),
    ],
    densities.beta_binomial_log_prob: [
        lambda rng: ((3 * rng.standard_normal((2, 3, 4)), np.array([0.5])), {"x": counts(rng, 3, 4), "n": 8}),
        lambda rng: (
            (rng.standard_normal(4), 4 * rng.standard_normal((3, 1))),
            {"x": counts(rng, 3, 4), "n": 9, "observed": MASK},
        ),
    ],
    densities.softmax_log_prob: [
        lambda rng: ((3 * rng.standard_normal((2, 3, 5)),), {"x": np.eye(5)[rng.integers(0, 5, 3)]}),
        lambda rng: ((rng.standard_normal(4),), {"x": counts(rng, 3, 4)}),
    ],
    densities.low_rank_log_prob: [
        lambda rng: (low_rank(rng, 2, 3, 5), {}),
        lambda rng: (low_rank(rng, 1, 5, L=1), {}),
    ],
    densities.standard_normal_log_prob: [lambda rng: ((rng.standard_normal((2, 3, 4)),), {})],
    densities.kl_standard_normal: [
        lambda rng: (gaussian(rng, 3, 4), {}),
        lambda rng: ((rng.standard_normal((3, 4)), rng.standard_normal(1)), {}),
        lambda rng: ((rng.standard_normal(4), rng.standard_normal((3, 1))), {}),
    ],
    densities.kl_gaussians: [
        lambda rng: ((*gaussian(rng, 3, 4), *gaussian(rng, 4)), {}),
        lambda rng: ((rng.standard_normal((3, 4)), np.ones(1), rng.standard_normal((3, 4)), np.zeros(1)), {}),
        lambda rng: ((np.ones(1), rng.standard_normal((3, 4)), np.zeros(1), rng.standard_normal((3, 1))), {}),
    ],
    densities.reparameterize: [
        lambda rng: (gaussian(rng, 3, 4), {"eps": rng.standard_normal((2, 3, 4))}),
        lambda rng: ((rng.standard_normal((3, 4)), rng.standard_normal(1)), {"eps": rng.standard_normal((3, 4))}),
    ],
    densities.free_bits: [
        lambda rng: ((rng.random((6, 4)),), {"least": 0.5}),
        lambda rng: ((rng.random((6, 4)),), {"least": 0.0}),
    ],
    densities.aggregate_log_prob: [
        lambda rng: ((rng.standard_normal((4, 3)), *gaussian(rng, 4, 3)), {"log_weights": np.zeros((4, 4))}),
        lambda rng: ((rng.standard_normal((3, 2)), *gaussian(rng, 4, 2)), {"log_weights": rng.standard_normal((4, 3))}),
    ],
    densities.choice_bound: [lambda rng: ((rng.standard_normal((5, 3)), 3 * rng.standard_normal((5, 3))), {})],
    densities.product_of_experts: [
        lambda rng: (gaussian(rng, 3, 4, 2), {"observed": (rng.random((3, 4)) < 0.6).astype("float64")}),
    ],
    densities.mixture_of_experts: [
        lambda rng: (
            (rng.standard_normal((5, 4, 2)), *gaussian(rng, 3, 4, 2)),
            {"observed": np.array([[1.0, 1, 1, 0], [1, 0, 1, 1], [0, 0, 1, 1]])},
        ),
    ],
    densities.gumbel_softmax: [
        lambda rng: (
            (rng.standard_normal((3, 4, 5)),),
            {"gumbel": rng.gumbel(size=(2, 3, 4, 5)), "temperature": 0.7},
        ),
        lambda rng: ((rng.standard_normal((1, 5)),), {"gumbel": rng.gumbel(size=(4, 5)), "temperature": 1.5}),
    ],
    densities.kl_uniform: [lambda rng: ((2 * rng.standard_normal((3, 4, 5)),), {})],
    densities.log_mean_exp: [lambda rng: ((3 * rng.standard_normal((5, 3)),), {})],
}

LIKELIHOODS = {
    likelihoods.Bernoulli: likelihoods.Bernoulli,
    likelihoods.Categorical: lambda: likelihoods.Categorical(3),
    likelihoods.DiscretizedLogisticMixture: lambda: likelihoods.DiscretizedLogisticMixture(6, 2),
    likelihoods.BetaBinomial: lambda: likelihoods.BetaBinomial(3),
    likelihoods.Gaussian: likelihoods.Gaussian,
    likelihoods.GaussianFixed: lambda: likelihoods.GaussianFixed(0.5),
    likelihoods.GaussianFull: likelihoods.GaussianFull,
    likelihoods.StudentT: likelihoods.StudentT,
    likelihoods.Poisson: lambda: likelihoods.Poisson(2.5),
    likelihoods.NegativeBinomial: lambda: likelihoods.NegativeBinomial(0.5),
    likelihoods.Softmax: likelihoods.Softmax,
    likelihoods.Tokens: lambda: likelihoods.Tokens(3),
    likelihoods.Mixed: lambda: likelihoods.Mixed([
        (likelihoods.Gaussian(0.5, 2), 2), (likelihoods.Poisson([1.0, 3.0]), 2), (likelihoods.Softmax(), 3),
        (likelihoods.Bernoulli(), 1),
    ]),
}  # fmt: skip


class WithContext(priors.Prior):
    """A ConditionalNormal and its context, which are two parameters here."""

    def __init__(self, L):
        super().__init__(L)
        self.prior = priors.ConditionalNormal(L)
        self.mu = Param(np.zeros(L))
        self.log_var = Param(np.zeros(L))

    def forward(self, z):
        return self.prior.forward(z, self.context())

    def backward(self, g, cache, accumulate=True):
        dz, dcontext = self.prior.backward(g, cache)
        return self.add(dcontext, accumulate, dz)

    def kl(self, mu, log_var):
        return self.prior.kl(mu, log_var, self.context())

    def kl_backward(self, g, mu, log_var, accumulate=True):
        dmu, dlog_var, dcontext = self.prior.kl_backward(g, mu, log_var, self.context())
        return self.add(dcontext, accumulate, (dmu, dlog_var))

    def draw(self, noise):
        return self.prior.draw(noise, self.context())

    def context(self):
        return self.mu.data, self.log_var.data

    def add(self, dcontext, accumulate, given_back):
        if accumulate:
            self.mu.grad += dcontext[0]
            self.log_var.grad += dcontext[1]
        return given_back


PRIORS = {
    priors.StandardNormal: lambda: priors.StandardNormal(4),
    priors.DiagonalNormal: lambda: moved(priors.DiagonalNormal(4)),
    priors.ConditionalNormal: lambda: moved(WithContext(4)),
    priors.Mixture: lambda: moved(priors.Mixture(4, 3, np.random.default_rng(0))),
    priors.FittedMixture: lambda: fitted_mixture(np.random.default_rng(4)),
    priors.VampPrior: lambda: priors.VampPrior(vamp_encoder(), 4, 3, np.random.default_rng(1)),
    priors.FlowPrior: lambda: moved(priors.FlowPrior(couplings(np.random.default_rng(0)), 4)),
    priors.Hierarchy: lambda: hierarchy([2, 2, 1]),
    priors.UniformCodes: lambda: priors.UniformCodes(3, 4),
    priors.PixelCNN: lambda: moved(priors.PixelCNN(3, (2, 2), 4, 1, np.random.default_rng(2))),
}


def fitted_mixture(rng, C=3, L=4):
    R = np.triu(0.4 * rng.standard_normal((C, L, L)), 1) + np.diag([0.9, 1.0, 1.1, 1.2][:L])
    return priors.FittedMixture(np.array([0.5, 0.3, 0.2]), rng.standard_normal((C, L)), R)


def between(levels, rng):
    """Networks from each level to the next one, whose Gaussians do not differ too much."""
    networks = [dense_encoder(a, [3], b, "tanh", rng=rng) for a, b in zip(levels, levels[1:], strict=False)]
    for network in networks:
        network.layers[-2].W.data *= 0.5
    return networks


def hierarchy(levels):
    """A prior of these levels, whose parameters are not those that it starts with."""
    rng = np.random.default_rng(3)
    return priors.Hierarchy(levels, between(levels[::-1], rng)[::-1])


def moved(part):
    """A part whose parameters are not those that it starts with."""
    for i, param in enumerate(part.named(Param).values()):
        param.data += 0.3 * np.cos(np.arange(param.data.size) + i).reshape(param.data.shape)
    return part


def vamp_encoder():
    rng = np.random.default_rng(0)
    return Network(Dense(5, 6, rng), Tanh(), Dense(6, 8, rng), Split(2))


def couplings(rng):
    return flows.Chain(flows.masked_coupling(4, 6, rng), flows.masked_coupling(4, 6, rng, odd=True))


def flow(rng, L=3, H=2):
    return flows.Chain(flows.IAF(L, H, 7, rng), flows.IAF(L, H, 7, rng, reverse=True))


BIJECTORS = {  # make(rng) -> (bijector, z, context)
    flows.IAF: lambda rng: (
        moved(flows.IAF(3, 2, 7, rng)),
        rng.standard_normal((2, 4, 3)),
        rng.standard_normal((4, 2)),
    ),
    flows.Chain: lambda rng: (moved(flow(rng)), rng.standard_normal((2, 4, 3)), rng.standard_normal((4, 2))),
    flows.Planar: lambda rng: (flows.Planar(3), rng.standard_normal((2, 4, 3)), rng.standard_normal((4, 7))),
    flows.Radial: lambda rng: (flows.Radial(3), rng.standard_normal((2, 4, 3)), rng.standard_normal((4, 5))),
    flows.Coupling: lambda rng: (moved(flows.dense_coupling([5], [6, 4], rng)), rng.standard_normal((2, 4, 5)), None),
    flows.Logit: lambda rng: (flows.Logit(0.01), rng.random((2, 4, 3)), None),
    flows.Bins: lambda rng: (
        moved(flows.Bins(3, 4)),
        (rng.integers(0, 4, (2, 4, 3)) + 0.1 + 0.8 * rng.random((2, 4, 3))) / 4,
        None,
    ),
    flows.ActNorm: lambda rng: (moved(flows.ActNorm(3)), rng.standard_normal((2, 4, 3)), None),
    flows.Unconditional: lambda rng: (flows.Unconditional(flows.Planar(3), rng), rng.standard_normal((2, 4, 3)), None),
}
POSTERIORS = {  # make(rng) -> (posterior, heads)
    posteriors.DiagonalGaussian: lambda rng: (posteriors.DiagonalGaussian(), gaussian(rng, 4, 3)),
    posteriors.FlowPosterior: lambda rng: (
        posteriors.FlowPosterior(moved(flow(rng))),
        (*gaussian(rng, 4, 3), rng.standard_normal((4, 2))),
    ),
    posteriors.BottomUp: lambda rng: (posteriors.BottomUp([2, 2, 1], between([2, 2, 1], rng)), gaussian(rng, 4, 2)),
    posteriors.TopDown: lambda rng: (
        posteriors.TopDown(hierarchy([3, 2, 1])),
        (*gaussian(rng, 4, 3), *gaussian(rng, 4, 2), *gaussian(rng, 4, 1)),
    ),
}
MODELS = EXAMPLES  # {label: make(rng) -> (model, x, y)}


def every_layer_case():
    return [(f"{cls.__name__} {label}".strip(), make) for cls, cases in LAYERS.items() for label, make in cases]


def every_operation_case():
    return [(f"{f.__name__} {i}", f, make) for f, cases in OPERATIONS.items() for i, make in enumerate(cases)]


def arrays(tree):
    """The arrays, of any backend, in nested tuples, lists and dicts, in order."""
    if isinstance(tree, dict):
        tree = list(tree.values())
    if isinstance(tree, list | tuple):
        return [a for part in tree for a in arrays(part)]
    return [tree] if hasattr(tree, "dtype") and not isinstance(tree, np.generic) else []

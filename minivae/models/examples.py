"""Small instances of models, each with data: what gradient checks, laws, tests and figures share."""

import numpy as np

from ..flows import IAF, Chain
from ..likelihoods import Bernoulli, Mixed
from ..posteriors import FlowPosterior
from ..priors import DiagonalNormal
from . import MODELS
from .iwae import IWAE
from .labels import Labels
from .networks import build_networks
from .vae import VAE

SIZES = {"hidden": (10,), "channels": (3, 4), "latent": 2, "levels": 3, "mixtures": 2}
OF_LINES = {"hidden": [4], "embedding": 3, "latent": 2}
OF_CODES = {"codes": 3, "width": 2, "prior_width": 4, "prior_blocks": 1}


def small(model, rng, *, shape=(4, 4, 1), n=5, shake=0.1, likelihood=None, labels=None, **options):
    """(model, x, y): one of minivae's models by its name, so small that every parameter is quickly checked.

    In float64; `n` examples x (n, D) such as the likelihood has, bits under a Bernoulli, lines where the model reads
    text. y (n,) or (n, count) is None unless the model is given one; -1 stands for some where it does without. `shake`
    moves each parameter: biases of zero would lie on kinks of ReLU.
    """
    cls = MODELS[model]
    likelihood = likelihood or cls.options["likelihood"].default or "bernoulli"
    if cls.reads_text:
        return lines(model, rng, n, shake, likelihood=likelihood, **options)
    own = {"labels": Labels("classes", 3) if labels is None else labels} if cls.conditional else {}
    sizes = {name: size for name, size in (SIZES | OF_CODES).items() if name in cls.options}
    made = cls.build(shape, rng, likelihood=likelihood, **(sizes | options), **own)
    return with_data(made, rng, n, shake)


def with_data(model, rng, n=5, shake=0.1):
    """(model, x, y) of a model just built: see `small`. Where values may be missing, a third of them are."""
    model.bind("float64")
    model.theta += shake * rng.standard_normal(model.theta.shape)
    x = data_of(model.likelihood, rng, n, model.D)
    y = None
    if model.labels is not None:
        kind, count = model.labels
        y = rng.integers(0, count, n) if kind == "classes" else rng.standard_normal((n, count))
        if model.infers_y:
            y[::2] = -1
    return model, x, y


def data_of(likelihood, rng, n, D):
    """Examples x (n, D) such as the likelihood has, bits where it is a Bernoulli."""
    if isinstance(likelihood, Mixed):
        pairs = zip(likelihood.parts, likelihood.widths, strict=True)
        return np.concatenate([data_of(part, rng, n, width) for part, width in pairs], axis=1)
    x = rng.random((n, D))
    if isinstance(likelihood, Bernoulli):
        x = (x < 0.5).astype("float64")
    elif likelihood.values == "tokens":
        x = np.floor(likelihood.n_out * x)
        x[:, -1] = 0
    elif likelihood.values == "counts":
        x = np.floor(2 * x)
    elif likelihood.values == "one-hot":
        x = (x == x.max(axis=1, keepdims=True)).astype("float64")
    if likelihood.missing:
        gaps = rng.random((n, 1 if likelihood.values == "one-hot" else D)) < 1 / 3  # a choice is missing as a whole
        x = np.where(gaps, np.nan, x)
    return x


def table(model, rng, **options):
    """A model of a table with two columns of each kind but one category, of three levels."""
    columns = [("real", 2, (0.1, 0.5)), ("positive", 2, None), ("count", 2, (3.0, 40.0)), ("binary", 2, None),
               ("category", 3, None)]  # fmt: skip
    return small(model, rng, shape=(11,), likelihood="mixed", columns=columns, **options)


def lines(model, rng, n=5, shake=0.1, **options):
    """A model of lines of at most 5 tokens of 5, the end mark among them."""
    sizes = {name: size for name, size in OF_LINES.items() if name in MODELS[model].options}
    made = MODELS[model].build((6,), rng, vocabulary=5, **(sizes | options))
    return with_data(made, rng, n, shake)


def learned_prior(rng, cls=VAE, **options):
    """A model whose prior learns where the latents lie, and how wide."""
    return with_data(cls(*build_networks((4, 4, 1), rng, **SIZES), prior=DiagonalNormal(2), **options), rng)


def flow_posterior(rng, arch="dense", samples=3):
    """An IWAE whose posterior is a Gaussian through two steps of a flow."""
    encoder, decoder, likelihood = build_networks((4, 4, 1), rng, arch, **SIZES, heads=3)
    flow = Chain(IAF(2, 2, 6, rng), IAF(2, 2, 6, rng, reverse=True))
    return with_data(IWAE(encoder, decoder, likelihood, posterior=FlowPosterior(flow), samples=samples), rng)

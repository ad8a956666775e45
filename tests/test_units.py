"""A convention is minivae's loss with the effective beta: the gradient of its loss, written out, is the proof."""

import math
import re

import numpy as np
import pytest

from minivae import VAE
from minivae.densities import reparameterize
from minivae.laboratory.units import CONVENTIONS, bits_per_dimension, conventions, effective_beta
from minivae.likelihoods import Categorical, GaussianFixed

D, L, N = 7, 3, 5  # no two reductions over them agree

# each convention as people write it: elementwise cross-entropy or squared error (N, D), elementwise KL (N, L)
LITERAL = {
    "minivae": lambda bce, se, kl: bce.sum(axis=1).mean() + kl.sum(axis=1).mean(),
    "everything summed, batch too (PyTorch's example)": lambda bce, se, kl: bce.sum() + kl.sum(),
    "both parts per pixel, in bits": lambda bce, se, kl: (bce.sum(axis=1) + kl.sum(axis=1)).mean() / D / np.log(2),
    "rec in bits per pixel, KL in nats": lambda bce, se, kl: bce.mean() / np.log(2) + kl.sum(axis=1).mean(),
    "rec mean over pixels, KL summed": lambda bce, se, kl: bce.mean() + kl.sum(axis=1).mean(),
    "rec mean over pixels, KL mean over latents (fastai; beta_norm)": lambda bce, se, kl: bce.mean() + kl.mean(),
    "rec summed, KL mean over latents": lambda bce, se, kl: (D * bce.mean(axis=1)).mean() + kl.mean(),
    "rec mean over pixels and batch, KL summed over both": lambda bce, se, kl: bce.mean() + kl.sum(),
    "rec summed over pixels and batch, KL mean over batch": lambda bce, se, kl: bce.sum() + kl.sum(axis=1).mean(),
    "squared error / 2": lambda bce, se, kl: (0.5 * se.sum(axis=1) + kl.sum(axis=1)).mean(),
    "squared error": lambda bce, se, kl: (se.sum(axis=1) + kl.sum(axis=1)).mean(),
    "squared error of pixels times 255": lambda bce, se, kl: (255**2 * se.sum(axis=1) + kl.sum(axis=1)).mean(),
    "mean squared error (PyTorch-VAE, validation)": lambda bce, se, kl: se.mean() + 1.0 * kl.sum(axis=1).mean(),
    "mean squared error, KL times 0.00025 (PyTorch-VAE, training)": (
        lambda bce, se, kl: se.mean() + 0.00025 * kl.sum(axis=1).mean()
    ),
    "mean squared error, KL times 144 / 162770 (M_N = batch / data)": (
        lambda bce, se, kl: se.mean() + 144 / 162770 * kl.sum(axis=1).mean()
    ),
    "mean squared error, KL mean over latents": lambda bce, se, kl: se.mean() + kl.mean(),
}


def model_and_data(squared, std=1.0):
    """A small VAE with biases, one batch, its noise."""
    rng = np.random.default_rng(3)
    options = {"likelihood": "gaussian-fixed", "std": std} if squared else {}
    model = VAE.build((D,), rng, hidden=(4,), latent=L, activation="tanh", **options).bind("float64")
    model.theta += 0.3 * rng.standard_normal(model.theta.shape)
    x = rng.random((N, D)) if squared else (rng.random((N, D)) < 0.5).astype("float64")
    return model, x, rng.standard_normal((N, L))


def parts(model, x, eps):
    """Cross-entropy and squared error of every pixel, KL of every latent: from the textbook's formulas."""
    mu, log_var = model.encoder(x)
    out = model.decoder(reparameterize(mu, log_var, eps=eps))
    p = 1 / (1 + np.exp(-out))
    bce = -(x * np.log(p) + (1 - x) * np.log(1 - p))
    return bce, (x - out) ** 2, -0.5 * (1 + log_var - mu**2 - np.exp(log_var))


@pytest.fixture(scope="module")
def jacobians():
    """{squared: d (all elements of the three parts) / d theta}, by fourth-order differences, and theta's model."""
    found = {}
    for squared in (False, True):
        model, x, eps = model_and_data(squared)
        theta, h, columns = model.theta.copy(), 1e-3, []
        for i in range(theta.size):
            at = {}
            for step in (-2, -1, 1, 2):
                model.theta[:] = theta
                model.theta[i] += step * h
                at[step] = parts(model, x, eps)
            model.theta[:] = theta
            columns.append([(8 * (b - c) - (a - d)) / (12 * h)
                            for d, c, b, a in zip(at[-2], at[-1], at[1], at[2], strict=True)])  # fmt: skip
        found[squared] = columns
    return found


def gradient(f, columns):
    """The conventions are linear in the elements of the parts, so their gradient is f of the derivatives."""
    return np.array([f(*column) for column in columns])


def minivae_gradient(squared, beta, std=1.0):
    model, x, eps = model_and_data(squared, std)
    model.beta = lambda t: beta
    model.loss_and_grads(x, {"eps": eps, "enc": None, "dec": None})
    return model.grad


def angle(a, b):
    return np.linalg.norm(a / np.linalg.norm(a) - b / np.linalg.norm(b))


def test_every_convention_is_written_out():
    assert LITERAL.keys() == CONVENTIONS.keys()


@pytest.mark.parametrize("name", CONVENTIONS)
def test_the_loss_is_minivaes_with_the_effective_beta(name, jacobians):
    options = CONVENTIONS[name]
    squared = options.get("squared", False)
    found = effective_beta(D, L, N, **options)
    literal = gradient(LITERAL[name], jacobians[squared])
    own = minivae_gradient(squared, found.beta)
    assert angle(literal, own) < 1e-10
    np.testing.assert_allclose(literal, found.factor * own, rtol=0, atol=1e-10 * np.linalg.norm(literal))
    assert angle(literal, minivae_gradient(squared, 1.01 * found.beta)) > 1e-8  # the test can fail


@pytest.mark.parametrize("name", [name for name, options in CONVENTIONS.items() if options.get("squared")])
def test_squared_errors_are_a_gaussian_at_beta_1(name, jacobians):
    found = effective_beta(D, L, N, **CONVENTIONS[name])
    literal = gradient(LITERAL[name], jacobians[True])
    assert found.std == math.sqrt(found.variance)
    assert angle(literal, minivae_gradient(True, 1.0, std=found.std)) < 1e-10
    assert angle(literal, minivae_gradient(True, 1.0, std=1.01 * found.std)) > 1e-8  # the test can fail


@pytest.mark.parametrize("squared", [False, True])
@pytest.mark.parametrize("latents", ["sum", "mean", "per pixel"])
@pytest.mark.parametrize("pixels", ["sum", "mean"])
def test_options_together(pixels, latents, squared, jacobians):
    """Every pair of reductions, in the batch both and neither, with weights and a scale."""
    for rec_batch, kl_batch in (("sum", "mean"), ("mean", "sum"), ("sum", "sum")):
        scale = 3.0 if squared else 1.0
        found = effective_beta(D, L, N, pixels=pixels, latents=latents, rec_batch=rec_batch, kl_batch=kl_batch,
                               rec_weight=0.7, kl_weight=0.2, squared=squared, scale=scale)  # fmt: skip

        def loss(bce, se, kl, rec_batch=rec_batch, kl_batch=kl_batch, scale=scale):
            rec = getattr(scale**2 * se if squared else bce, pixels)(axis=1)
            kl = kl.mean(axis=1) if latents == "mean" else kl.sum(axis=1) / (D if latents == "per pixel" else 1)
            return 0.7 * getattr(rec, rec_batch)() + 0.2 * getattr(kl, kl_batch)()

        literal = gradient(loss, jacobians[squared])
        own = minivae_gradient(squared, found.beta)
        np.testing.assert_allclose(literal, found.factor * own, rtol=0, atol=1e-10 * np.linalg.norm(literal))


# ---- known numbers


def test_known_numbers():
    """Betas that others have computed, or that follow from the sizes alone."""
    all_of_them = conventions(64 * 64 * 3, 128, 144)
    training = all_of_them["mean squared error, KL times 0.00025 (PyTorch-VAE, training)"]
    assert math.isclose(training.beta, 1.536)  # 1.54
    assert all_of_them["mean squared error (PyTorch-VAE, validation)"].beta == 6144
    assert math.isclose(conventions(784, 200, 1)["rec mean over pixels, KL mean over latents (fastai; beta_norm)"].beta,
                        3.92)  # fmt: skip
    assert effective_beta(784, 20).beta == 1
    assert effective_beta(784, 20, squared=True, rec_weight=1 / (2 * 0.1**2)).std == pytest.approx(0.1)


def test_sentences():
    assert str(effective_beta(784, 20, pixels="mean")) == "a mean over 784 pixels with a summed KL is beta = 784"
    assert str(effective_beta(784, 20, 128, pixels="mean", kl_batch="sum", kl_weight=0.5)) == (
        "a mean over 784 pixels with 0.5 times a summed KL (summed over the batch of 128) is beta = 50176"
    )
    assert str(effective_beta(12288, 128, pixels="mean", squared=True, kl_weight=0.00025)) == (
        "a mean over 12288 pixels of squared errors with 0.00025 times a summed KL is beta = 1.536 "
        "for a Gaussian of std 1, or beta = 1 for one of std 1.239"
    )
    assert "pixels times 255 with a KL averaged over 20 latents" in str(
        effective_beta(784, 20, squared=True, scale=255, latents="mean")
    )
    assert "with a KL divided by 784 pixels" in str(effective_beta(784, 20, latents="per pixel"))


def test_table():
    """One row per convention, with the numbers that effective_beta gives."""
    table = conventions(784, 20, 128)
    head, *rows = str(table).splitlines()
    assert len(rows) == len(CONVENTIONS)
    for row, (name, options) in zip(rows, CONVENTIONS.items(), strict=True):
        assert len(row) == len(head) <= 120
        assert row.startswith(name)
        numbers = row[len(name) :].split()
        found = effective_beta(784, 20, 128, **options)
        expected = [found.beta, *([] if found.std is None else [found.std]), found.factor]
        np.testing.assert_allclose([float(n) for n in numbers], expected, rtol=1e-3)


def test_bits_per_dimension():
    """256 equally likely levels are 8 bits, as a density of 1 on [0, 1] and as probabilities."""
    assert bits_per_dimension(0.0, 784) == 8
    log_px, _ = Categorical(256).forward(np.random.default_rng(0).random((2, 5)), np.zeros((2, 256 * 5)))
    np.testing.assert_allclose(bits_per_dimension(-log_px, 5, levels=1), 8)
    assert bits_per_dimension(784 * math.log(2), 784, levels=1) == 1


def test_bits_per_dimension_of_a_density_are_those_of_its_levels():
    """A Gaussian density of (level + uniform noise) / 256, averaged, against the probability of the level itself."""
    level, mean, std = 100, 0.42, 0.1
    u = (np.arange(1000) + 0.5) / 1000
    log_px, _ = GaussianFixed(std).forward(((level + u) / 256)[:, None], np.full((1000, 1), mean))
    cdf = [0.5 * math.erf((edge / 256 - mean) / std / math.sqrt(2)) for edge in (level, level + 1)]
    assert bits_per_dimension(-log_px.mean(), 1) == pytest.approx(-math.log2(cdf[1] - cdf[0]), abs=3e-4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"D": 0}, "D: expected a positive whole number, got 0"),
        ({"L": 2.5}, "L: expected a positive whole number, got 2.5"),
        ({"N": math.inf}, "N: expected a positive whole number, got inf"),
        ({"N": math.nan}, "N: expected a positive whole number, got nan"),
        ({"pixels": "average"}, "pixels: expected one of sum, mean, got 'average'"),
        ({"latents": None}, "latents: expected one of sum, mean, per pixel, got None"),
        ({"kl_batch": "per pixel"}, "kl_batch: expected one of mean, sum, got 'per pixel'"),
        ({"kl_weight": 0}, "kl_weight: expected a positive number, got 0"),
        ({"rec_weight": math.nan}, "rec_weight: expected a positive number, got nan"),
        ({"scale": 255}, "scale: expected 1 where the error is not squared, got 255"),
    ],
)
def test_bad_input(options, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        effective_beta(**({"D": 4, "L": 2} | options))

"""A VAE of x given y: y reaches both networks, and the evidence is log p(x | y)."""

import numpy as np
import pytest
from scipy import stats

from minivae import log_evidence
from minivae.metrics import mean_metrics
from minivae.models import CVAE, Labels
from minivae.models.examples import small
from minivae.models.networks import build_networks


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def linear(rng):
    """x = W z + V y + b + 0.6 noise: log p(x | y) is that of a Gaussian. q(z | x, y) is the prior."""
    networks = build_networks((5,), rng, hidden=(), latent=2, likelihood="gaussian-fixed", std=0.6, given=3)
    model = CVAE(*networks[:2], Labels("rows", 3), networks[2]).bind("float64")
    model.theta += 0.2 * rng.standard_normal(model.theta.size)
    for name in model.below("encoder"):
        model.params[name].data[...] = 0
    return model


def test_the_evidence_is_that_of_x_given_y(rng):
    model = linear(rng)
    x, y = rng.standard_normal((12, 5)), rng.standard_normal((12, 3))
    W, b = model.decoder.layers[0].W.data, model.decoder.layers[0].b.data
    cov = W[:2].T @ W[:2] + 0.36 * np.eye(5)
    means = b + y @ W[2:]
    log_px = np.array([stats.multivariate_normal(mean, cov).logpdf(row) for mean, row in zip(means, x, strict=True)])
    np.testing.assert_allclose(log_evidence(model, x, 50_000, rng, y=y), log_px, atol=0.05)
    wrong = log_evidence(model, x, 2000, rng, y=y[::-1])
    assert np.abs(wrong - log_px).max() > 0.5  # y matters
    elbo = mean_metrics(model, np.repeat(x, 200, axis=0), np.repeat(y, 200, axis=0), rng)["elbo"]
    assert elbo < log_px.mean()


@pytest.mark.parametrize("arch", ["dense", "conv"])
def test_classes_are_columns_of_both_networks(arch, rng):
    model, x, y = small("cvae", rng, arch=arch)
    given = model.given(x, y)
    np.testing.assert_array_equal(given[:, 16:], np.eye(3)[y])
    np.testing.assert_array_equal(model.given(np.stack([x, x]), y), np.stack([given, given]))
    mu, _ = model.encode(x, y=y)
    assert np.abs(mu - model.encode(x, y=(y + 1) % 3)[0]).max() > 1e-3
    assert np.abs(model.decode(mu, y=y) - model.decode(mu, y=(y + 1) % 3)).max() > 1e-4


def test_samples_of_classes_in_turn_or_of_one(rng):
    model, _, _ = small("cvae", rng)
    eps = np.random.default_rng(1).standard_normal((4, 2), dtype="float32")
    in_turn = model.sample(4, np.random.default_rng(1))
    np.testing.assert_allclose(in_turn, model.decode(eps, y=[0, 1, 2, 0]))
    np.testing.assert_allclose(model.sample(4, np.random.default_rng(1), y=[2] * 4), model.decode(eps, y=[2] * 4))


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, r"y: expected classes 0 to 2, \(5,\), got none"),
        ([0, 1, 2, 0], r"got dtype int64, shape \(4,\)"),
        ([0, 1, 2, 0, 3], "got 0 to 3"),
        ([0, 1, 2, 0, -1], "got -1 to 2"),
        ([0.0, 1, 2, 0, 1], r"got dtype float64, shape \(5,\)"),
        ([[0], [1], [2], [0], [1]], r"got dtype int64, shape \(5, 1\)"),
    ],
)
def test_bad_classes(y, message, rng):
    model, x, _ = small("cvae", rng)
    with pytest.raises(ValueError, match=message):
        model.encode(x, y=y)
    with pytest.raises(ValueError, match=message):
        model.loss_and_grads(x, model.draw_noise(rng, 5), y=None if y is None else np.array(y))


def test_bad_rows_and_no_labels(rng):
    model, x, _ = small("cvae", rng, labels=Labels("rows", 2))
    with pytest.raises(ValueError, match=r"y: expected rows of numbers, \(5, 2\), got dtype float64, shape \(5, 3\)"):
        model.encode(x, y=np.zeros((5, 3)))
    with pytest.raises(ValueError, match=r"y: expected rows of numbers, \(4, 2\), got none"):
        model.sample(4, rng)
    with pytest.raises(ValueError, match="labels: expected \\(kind, count\\) of the labels y of the data, got None"):
        CVAE.build((4, 4, 1), rng)


def test_beta_comes_to_its_value_over_epochs_of_pass_steps(rng):
    """Without either: in one step."""
    rise = {"labels": Labels("classes", 3), "beta": 4.0, "beta_schedule": "linear", "hidden": (4,), "latent": 2}
    model = CVAE.build((5,), rng, beta_epochs=2, pass_steps=5, **rise)
    assert [model.beta(t) for t in (0, 5, 10)] == pytest.approx([0, 2, 4])
    assert [CVAE.build((5,), rng, **rise).beta(t) for t in (0, 1)] == [0, 4]

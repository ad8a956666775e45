"""Missing values: what is not observed counts nowhere, against closed forms and the model of the other columns."""

import numpy as np
import pytest
from scipy import stats

from minivae.evaluate import impute, log_evidence, row_scores
from minivae.models import MODELS
from minivae.truth import linear_gaussian as exact


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def build(rng, name="vae", D=6, **options):
    model = MODELS[name].build((D,), rng, hidden=(8,), latent=2, missing=True, **options).bind("float64")
    model.theta += 0.3 * rng.standard_normal(model.theta.shape)
    return model


def with_gaps(x, rng, share=0.4):
    return np.where(rng.random(x.shape) < share, np.nan, x)


@pytest.fixture
def linear(rng):
    """A linear decoder, whose p(x) is N(b, C), so that of any observed columns everything is known."""
    model = MODELS["vae"].build((4,), rng, hidden=(), latent=2, likelihood="gaussian-fixed", std=0.7, missing=True)
    model.bind("float64")
    model.theta[...] = 0.4 * rng.standard_normal(model.theta.shape)
    for dense in (model.encoder.layers[0].W, model.encoder.layers[0].b):
        dense.data *= 0.1  # q(z | x) is near the prior, which is wide enough for all posteriors
    W, b, s = exact.weights(model)
    return model, b, W.T @ W + s * np.eye(4)


def test_the_evidence_is_that_of_what_was_observed(linear, rng):
    model, b, C = linear
    x = with_gaps(rng.standard_normal((12, 4)), rng)
    truth = np.zeros(12)
    for i, row in enumerate(x):
        seen = ~np.isnan(row)
        if seen.any():
            truth[i] = stats.multivariate_normal(b[seen], C[np.ix_(seen, seen)]).logpdf(row[seen])
    assert np.isnan(x).all(axis=1).sum() < 6
    np.testing.assert_allclose(log_evidence(model, x, 100_000, rng), truth, atol=0.02)
    scores = row_scores(model, x, 100_000, rng)
    np.testing.assert_allclose(scores["log_px"], truth, atol=0.02)
    assert (scores["elbo"] < truth + 0.05).all()


def test_imputation_is_the_conditional_mean(linear, rng):
    """Of a Gaussian: E[x_m | x_o] = b_m + C_mo C_oo^-1 (x_o - b_o), and Var[x_m | x_o] = C_mm - C_mo C_oo^-1 C_om."""
    model, b, C = linear
    x = with_gaps(rng.standard_normal((10, 4)), rng)
    filled = impute(model, x, 100_000, rng)
    draws = impute(model, x[:3], 4_000, rng, draws=400)
    np.testing.assert_array_equal(filled[~np.isnan(x)], x[~np.isnan(x)])
    worst = []
    for i, row in enumerate(x):
        o = ~np.isnan(row)
        m = ~o
        gain = C[np.ix_(m, o)] @ np.linalg.inv(C[np.ix_(o, o)])
        mean = b[m] + gain @ (row[o] - b[o])
        np.testing.assert_allclose(filled[i, m], mean, atol=0.02)
        if i < 3 and m.any():
            var = np.diag(C[np.ix_(m, m)] - gain @ C[np.ix_(o, m)])
            np.testing.assert_allclose(draws[:, i, m].mean(axis=0), mean, atol=4 * np.sqrt(var.max() / 400))
            worst.append(np.abs(draws[:, i, m].var(axis=0) / var - 1).max())
    assert max(worst) < 4 * np.sqrt(2 / 400)


@pytest.mark.parametrize("name", ["vae", "iwae", "ae", "aae"])
def test_no_metric_and_no_gradient_depends_on_what_is_missing(name, rng):
    """An output column that no row observes gets no gradient, and the loss is that of the other columns."""
    model = build(rng, name, likelihood="gaussian")
    x = rng.standard_normal((5, 6))
    x[:, 2] = np.nan
    noise = model.draw_noise(rng, 5)
    before = model.loss_and_grads(x, noise)
    last = model.decoder.layers[-1]
    assert np.abs(last.W.grad[:, 2]).max() == 0 < np.abs(last.W.grad[:, 1]).max()
    last.W.data[:, 2] += 5
    last.b.data[2] -= 3
    assert model.loss_and_grads(x, noise) == before


def test_the_encoder_sees_zeros_and_a_mask(rng):
    model = build(rng)
    x = np.array([[0.0, 1, np.nan, 1, 0, np.nan]])
    np.testing.assert_array_equal(model.seen(x)[0], [0, 1, 1, 1, 0, 0, 1, 1, 0, 1, 0, 0])
    assert model.encoder.n_in == 12
    assert model.D == 6
    other = np.where(np.isnan(x), 0, x)
    assert np.abs(model.encode(x)[0] - model.encode(other)[0]).max() > 1e-3  # a zero that was seen is no gap


def test_an_image_has_its_mask_beside_each_channel(rng):
    model = MODELS["vae"].build((4, 4, 2), rng, arch="conv", channels=(3,), hidden=(), latent=2, missing=True)
    x = np.where(rng.random((3, 32)) < 0.3, np.nan, 1.0)
    images = model.seen(x).reshape(3, 4, 4, 4)
    np.testing.assert_array_equal(images[..., 1::2], ~np.isnan(x.reshape(3, 4, 4, 2)))
    assert model.reconstruct(x).shape == (3, 32)


def test_a_row_with_nothing_observed_is_scored_zero(rng):
    """log p() = 0: the importance weights are p(z) / q(z)."""
    model = build(rng, likelihood="gaussian")
    scores = row_scores(model, np.full((2, 6), np.nan), 50_000, rng)
    np.testing.assert_allclose(scores["log_px"], 0, atol=0.02)
    np.testing.assert_array_equal(scores["log_px_z"], 0)


def test_scores_depend_on_no_neighbor_and_no_order(rng):
    model = build(rng)
    x = with_gaps((rng.random((7, 6)) < 0.5).astype("float64"), rng)
    together = row_scores(model, x, 30, np.random.default_rng(1))
    alone = row_scores(model, x[4:5], 30, np.random.default_rng(1))
    for name, values in together.items():
        np.testing.assert_allclose(alone[name], values[4:5], rtol=1e-12)


def test_a_model_without_gaps_refuses_them(rng):
    model = MODELS["vae"].build((6,), rng, hidden=(8,), latent=2).bind("float64")
    with pytest.raises(ValueError, match="NaN"):
        model.encode(np.full((2, 6), np.nan))
    with pytest.raises(ValueError, match="z: expected finite"):
        build(rng).decode(np.full((2, 2), np.nan))

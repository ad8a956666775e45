"""Probabilistic PCA: its density against scipy's, its posterior, its closed form, and the descent to it."""

import json

import numpy as np
import pytest
from scipy import stats
from test_cli import error_of

from minivae import Adam, fit, load_data, log_evidence
from minivae.cli import main
from minivae.densities import low_rank_log_prob
from minivae.densities.low_rank import low_rank_optimum
from minivae.models import PPCA
from minivae.models.examples import small
from minivae.runs import Run
from minivae.truth import linear_gaussian


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def correlated(rng, N=400, D=5):
    return rng.standard_normal((N, D)) @ rng.standard_normal((D, D)) + rng.standard_normal(D)


def trained(x, *, L=2, kind="closed", **how):
    """(model in float64, its training) on rows, all of them in each batch."""
    data = load_data(x, likelihood="gaussian", validation=0)
    model = PPCA.build(data.shape, np.random.default_rng(1), latent=L, fit=kind).bind("float64")
    optimizer = Adam(model, **{"lr": 0.05} | {name: how.pop(name) for name in ("lr", "ema") if name in how})
    return model, fit(model, optimizer, data, batch_size=len(x), progress=False, **{"epochs": 1} | how)


# ---- the density


def test_log_prob_is_that_of_scipy(rng):
    x, W, b = rng.standard_normal((7, 5)), rng.standard_normal((2, 5)), rng.standard_normal(5)
    ours = low_rank_log_prob(x, W, b, np.array([-1.3]))
    expected = stats.multivariate_normal(b, W.T @ W + np.exp(-1.3) * np.eye(5)).logpdf(x)
    np.testing.assert_allclose(ours, expected, rtol=1e-12)


def test_the_density_integrates_to_one():
    W, b, log_var = np.array([[0.8, -0.3]]), np.array([0.1, 0.2]), np.array([-0.5])
    u = np.linspace(-9, 9, 181)
    x = np.stack(np.meshgrid(u, u), axis=-1)
    assert np.exp(low_rank_log_prob(x, W, b, log_var)).sum() * (u[1] - u[0]) ** 2 == pytest.approx(1, abs=1e-9)


def test_in_float32_a_small_variance_costs_little(rng):
    x, W, b = 3 * rng.standard_normal((7, 60)), rng.standard_normal((20, 60)), np.zeros(60)
    wide = low_rank_log_prob(x, W, b, np.array([-9.0]))
    narrow = low_rank_log_prob(*(a.astype("float32") for a in (x, W, b)), np.float32([-9.0]))
    np.testing.assert_allclose(narrow, wide, rtol=1e-4)


def test_the_model_and_the_linear_vae_of_the_laboratory_agree(rng):
    """log p(x), and the mean of p(z | x), by code that has nothing in common but W, b and s."""
    model, x, _ = small("ppca", rng)
    np.testing.assert_allclose(log_evidence(model, x, 1, None), linear_gaussian.log_evidence(model, x), rtol=1e-12)
    np.testing.assert_allclose(model.encode(x), linear_gaussian.posterior(model, x)[0], rtol=1e-10)


def test_the_mean_of_z_is_what_bayes_says(rng):
    """Of L = 1: the integral of z p(x | z) p(z), divided by p(x)."""
    model, x, _ = small("ppca", rng, shape=(3,), latent=1)
    z = np.linspace(-12, 12, 4001)[:, None, None]
    p = np.exp(model.log_px_z(x, np.broadcast_to(z, (4001, len(x), 1))) + model.prior.forward(z)[0])
    np.testing.assert_allclose((z[:, 0] * p).sum(axis=0) / p.sum(axis=0), model.encode(x)[:, 0], rtol=1e-8)
    log_px = np.log(p.sum(axis=0) * (z[1] - z[0]).item())
    np.testing.assert_allclose(log_px, log_evidence(model, x, 1, None), rtol=1e-8)


def test_samples_with_noise_have_the_covariance(rng):
    """W' W + s I with the noise of p(x | z), and W' W of the means alone: |z| < 5 of each entry."""
    model, _, _ = small("ppca", rng, shape=(4,), latent=2)
    W, b, log_var = model.values
    for draw, C in ((rng, W.T @ W + np.exp(log_var) * np.eye(4)), (None, W.T @ W)):
        x = model.sample(100_000, rng, draw=draw)
        error = np.sqrt((np.outer(np.diag(C), np.diag(C)) + C**2) / len(x))
        assert (abs(np.cov(x.T) - C) < 5 * error + 1e-12).all()
        assert (abs(x.mean(axis=0) - b) < 5 * np.sqrt(np.diag(C) / len(x))).all()


# ---- the closed form


def test_a_training_is_the_maximum(rng):
    """Its gradient is zero there, every other choice is worse, and no step moves it; also with an average of steps."""
    x = correlated(rng)
    model, history = trained(x, epochs=3)
    best = low_rank_optimum(x.mean(axis=0), np.cov(x.T, bias=True), 2)
    mine = model.loss_and_grads(x, {})
    assert abs(model.grad).max() < 1e-6  # data are float32
    assert mine["log_px"] == pytest.approx(best.log_px, abs=1e-6)
    assert history[0]["train"]["log_px"] == pytest.approx(history[2]["train"]["log_px"])
    W, b, log_var = (value.copy() for value in model.values)
    for _ in range(20):
        model.theta += 0.01 * rng.standard_normal(model.theta.shape)
        assert model.loss_and_grads(x, {}, grads=False)["log_px"] < mine["log_px"]
        for array, value in zip(model.values, (W, b, log_var), strict=True):
            array[...] = value
    averaged, _ = trained(x, ema=0.9)
    np.testing.assert_array_equal(averaged.theta, model.theta)


def test_the_average_of_a_run_begins_at_the_closed_form(rng):
    x = correlated(rng)
    data = load_data(x, likelihood="gaussian", validation=0)
    model = PPCA.build(data.shape, rng, latent=2)
    optimizer = Adam(model, ema=0.9)
    fit(model, optimizer, data, epochs=1, progress=False)
    np.testing.assert_allclose(optimizer.average, model.theta, rtol=1e-6)


def test_descent_arrives_at_the_same_density(rng):
    """From random weights: the same log p(x), and the same subspace, the row space of W."""
    x = correlated(rng)
    model, _ = trained(x, kind="gradient", epochs=600)
    best, _ = trained(x)
    means = [float(m.loss_and_grads(x, {}, grads=False)["log_px"]) for m in (model, best)]
    assert means[0] == pytest.approx(means[1], abs=1e-4)
    assert linear_gaussian.principal_angle(model.values[0], best.values[0]) < 0.5
    assert trained(x, kind="gradient", epochs=1)[1][0]["train"]["log_px"] < means[1] - 1


def test_solve_reads_rows_in_parts(rng, monkeypatch):
    """And needs no more digits than the data have, far from 0 too."""
    x = (correlated(rng) + 1000).astype("float32")
    models = []
    for n in (10**6, 7):
        monkeypatch.setattr("minivae.models.ppca.at_once", lambda rows, D, n=n: n)
        models.append(PPCA.build((5,), np.random.default_rng(0), latent=2).bind("float64"))
        models[-1].solve(x)
    np.testing.assert_allclose(models[0].values[2], models[1].values[2], rtol=1e-10)
    best = low_rank_optimum(x.astype("float64").mean(axis=0), np.cov(x.T.astype("float64"), bias=True), 2)
    assert np.exp(models[0].values[2]) == pytest.approx(best.s, rel=1e-8)


# ---- runs


def test_a_run_is_one_epoch_of_grey_levels(tmp_path, capsys, no_pictures):
    """Bits per dimension of what is dequantized, the same as by scipy of the rows that the run was measured on."""
    out = tmp_path / "a"
    assert main(["train", "--model", "ppca", "--out", str(out)]) == 0
    assert "epoch 1/1" in capsys.readouterr().out
    run = Run.open(out)
    assert (run.settings["dequantize"], run.settings["epochs"], run.settings["latent"]) == (True, 1, 8)
    assert main(["evaluate", str(out), "--samples", "3"]) == 0
    printed = capsys.readouterr().out
    assert "exactly; digits test, grey levels dequantized" in printed
    assert "bits per dimension, of 17 levels" in printed
    found = json.loads((out / "evaluate-test.json").read_text())
    model, data = run.load_model()[0], run.read_data()
    W, b, log_var = (value.astype("float64") for value in model.values)
    p = stats.multivariate_normal(b, W.T @ W + np.exp(log_var) * np.eye(64))
    assert found["log_px"] == pytest.approx(p.logpdf(data.test().x).mean(), rel=1e-4)
    error = error_of(capsys, "evaluate", out, "--measure", "latents")
    assert error == "minivae: measure: latents needs a Gaussian q(z | x), the model ppca has none\n"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"latent": 5}, "latent: expected fewer than 5, the values in the shape of a row, got 5"),
        ({"fit": "open"}, "fit: expected one of closed, gradient, got 'open'"),
        ({"likelihood": "bernoulli"}, "likelihood: expected one of gaussian"),
        ({"missing": True}, "model: ppca needs values that are all there"),
    ],
)
def test_bad_options(options, message, rng):
    with pytest.raises(ValueError, match=message):
        PPCA.build((5,), rng, **({"latent": 2} | options))


def test_rows_on_a_line_have_no_noise_left(rng):
    """Then the density would have no upper bound."""
    with pytest.raises(ValueError, match="latent: expected fewer than the data have directions of variance, got 2"):
        trained(np.outer(rng.standard_normal(30), [1.0, 2, 3]))


def test_shifted_images_have_no_closed_form(rng):
    data = load_data("digits", likelihood="gaussian", dequantize=True, augment=1)
    model = PPCA.build(data.shape, rng, latent=2)
    with pytest.raises(ValueError, match="augment: expected 0 of a model that is fitted in closed form, got 1"):
        fit(model, Adam(model), data)

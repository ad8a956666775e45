"""An autoencoder: no KL, no ELBO, and draws from a Gaussian, or a mixture of them, fitted to its codes."""

import json

import numpy as np
import pytest
from scipy import stats
from test_cli import error_of

from minivae import Adam, fit, load_data
from minivae.cli import main
from minivae.cli.families.base import Findings
from minivae.evaluate import mixture_of_codes
from minivae.models import AE, VAE
from minivae.models.examples import small
from minivae.priors import FittedMixture


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_the_loss_is_the_reconstruction_alone(rng):
    model, x, _ = small("ae", rng)
    noise = model.draw_noise(rng, len(x), train=False)
    m = model.loss_and_grads(x, noise)
    assert set(m) == {"loss", "log_px_z"} == set(model.metrics)
    log_px_z, _ = model.likelihood.forward(x, model.decoder(model.encoder(x)))
    assert m["loss"] == pytest.approx(-log_px_z.mean(), rel=1e-12)
    assert (model.monitor, model.log_weights) == ("log_px_z", None)


def test_samples_are_decoded_draws_of_the_codes_gaussian(rng):
    """Its mean and variance are those that the codes had, with the forgetting of a State."""
    data = load_data("digits")
    model = AE.build(data.shape, rng, hidden=(16,), latent=2)
    fit(model, Adam(model, lr=3e-3), data, epochs=40, progress=False)
    z = model.encode(data.settle(data.train.x, rng))
    var = model.square.data - model.mean.data**2
    assert np.abs(model.mean.data - z.mean(axis=0)).max() < 0.3 * z.std(axis=0).max()
    np.testing.assert_allclose(var, z.var(axis=0), rtol=0.3)
    eps = np.random.default_rng(1).standard_normal((6, 2), dtype="float32")
    expected = model.decode(model.mean.data + np.sqrt(var) * eps)
    np.testing.assert_allclose(model.sample(6, np.random.default_rng(1)), expected, rtol=1e-5)


def test_there_is_no_eps(rng):
    model, x, _ = small("ae", rng)
    np.testing.assert_array_equal(model.reconstruct(x), model.decode(model.encode(x)))
    with pytest.raises(ValueError, match="eps: expected none, an autoencoder draws nothing"):
        model.reconstruct(x, np.zeros((5, 2)))


def test_a_constant_code_has_no_variance_below_0(rng):
    """Rounding takes square - mean^2 below 0, whose root would be NaN."""
    model = AE.build((4,), rng, hidden=(3,), latent=2)
    model.mean.data[...] = 0.7
    model.square.data[...] = np.float32(0.7) ** 2 - np.float32(1e-7)
    assert np.isfinite(model.sample(3, rng)).all()


# ---- a mixture of Gaussians that is fitted to the codes


def test_a_fitted_mixture_is_a_sum_of_normal_densities(rng):
    w, mu, A = np.array([0.2, 0.8]), rng.standard_normal((2, 3)), rng.standard_normal((2, 3, 3))
    C = A @ A.swapaxes(1, 2) + 0.3 * np.eye(3)
    prior = FittedMixture(w, mu, np.linalg.cholesky(C).swapaxes(1, 2)).bind("float64")
    z = rng.standard_normal((4, 5, 3))
    p = sum(wc * stats.multivariate_normal(m, c).pdf(z) for wc, m, c in zip(w, mu, C, strict=True))
    np.testing.assert_allclose(prior.forward(z)[0], np.log(p), rtol=1e-5)  # its numbers are float32


def test_codes_in_two_clouds_are_found(rng):
    """An encoder that is the identity: the mixture has their shares, centers and covariances, and so have its draws."""
    model = AE.build((2,), rng, hidden=(), latent=2, likelihood="gaussian")
    model.encoder.layers[0].W.data[...] = np.eye(2)
    C = np.array([[0.5, 0.4], [0.4, 0.5]])
    first = rng.random(8000) < 0.3
    x = np.where(first[:, None], [200.0, 0.0], [-200.0, 50.0]) + rng.multivariate_normal([0, 0], C, 8000)
    prior = mixture_of_codes(model, x.astype("float32"), 2)
    order = np.argsort(-prior.mu.data[:, 0])
    np.testing.assert_allclose(prior.w.data[order], [first.mean(), 1 - first.mean()], atol=1e-3)
    np.testing.assert_allclose(prior.mu.data[order], [[200, 0], [-200, 50]], atol=0.1)
    model.prior = prior
    z = prior.draw(prior.draw_noise(rng, 20_000))
    assert (z[:, 0] > 0).mean() == pytest.approx(first.mean(), abs=4 * np.sqrt(0.21 / 20_000))
    assert abs(z[:, 0]).min() > 190  # nothing lies between the clouds
    model.decoder.layers[0].W.data[...] = np.eye(2)
    np.testing.assert_array_equal(model.sample(50, np.random.default_rng(1)),
                                  prior.draw(prior.draw_noise(np.random.default_rng(1), 50)))  # fmt: skip
    model.prior = None
    again = mixture_of_codes(model, x.astype("float32"), 2)
    np.testing.assert_array_equal(again.mu.data, prior.mu.data)


def test_a_code_that_never_moves_and_too_few_rows(rng):
    model = AE.build((3,), rng, hidden=(), latent=2, likelihood="gaussian")
    model.encoder.layers[0].W.data[:, 1] = 0
    x = rng.standard_normal((30, 3)).astype("float32")
    assert np.isfinite(mixture_of_codes(model, x, 3).R.data).all()
    with pytest.raises(ValueError, match="mixture: expected at most as many Gaussians as rows, 30, got 31"):
        mixture_of_codes(model, x, 31)
    vae = VAE.build((3,), rng, hidden=(), latent=2, likelihood="gaussian")
    with pytest.raises(ValueError, match="mixture: expected a model with codes and without a prior, got VAE"):
        mixture_of_codes(vae, x, 3)


def test_samples_of_a_run_through_a_mixture(tmp_path, capsys, monkeypatch):
    out, shown = tmp_path / "ae", {}
    monkeypatch.setattr("minivae.cli.training.draw_run", lambda run, data: None)
    monkeypatch.setattr("minivae.plot.samples", lambda x_hat, shape, path, title: shown.update(x=x_hat, title=title))
    assert main(["train", "--model", "ae", "--hidden", "16", "--latent", "2", "--epochs", "2", "--out", str(out)]) == 0
    assert main(["sample", str(out), "--n", "9", "--mixture", "4"]) == 0
    assert shown["title"] == "samples: decoded draws from a mixture of 4 Gaussians fitted to the codes"
    mixed = shown["x"]
    assert main(["sample", str(out), "--n", "9"]) == 0
    assert "a Gaussian fitted to the codes" in shown["title"]
    assert (shown["x"] != mixed).any()
    assert "mixture: expected a whole number >= 1, got 0" in error_of(capsys, "sample", out, "--mixture", "0")
    monkeypatch.setattr("minivae.cli.families.samples.SETS", 2)
    monkeypatch.setattr("minivae.cli.families.samples._augmentation", lambda study: Findings({}, []))
    assert main(["evaluate", str(out), "--images", "40", "--measure", "samples"]) == 0
    assert "mixture: z from 10 Gaussians fitted to the codes, not from one" in capsys.readouterr().out
    report = json.loads((out / "evaluate-test-40-rows.json").read_text())
    assert set(report["measures"]["samples"]["scores"]) == {"samples", "training_rows", "mixture"}

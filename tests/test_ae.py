"""An autoencoder: no KL, no ELBO, and draws from a Gaussian fitted to its codes."""

import numpy as np
import pytest

from minivae import Adam, fit, load_data
from minivae.models import AE
from minivae.models.examples import small


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

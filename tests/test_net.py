"""The net that a conditional VAE is compared with: no z, an exact log p(x | y)."""

import numpy as np
import pytest

from minivae import log_evidence
from minivae.evaluate import annealed_evidence, codes, posteriors, row_scores, sampled_evidence
from minivae.models import Labels, PlainNet
from minivae.models.examples import small
from minivae.trained import Trained


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_the_evidence_is_exact(rng):
    model, x, y = small("net", rng)
    p = 1 / (1 + np.exp(-model.decoder(np.eye(3)[y])))
    log_px = np.log(np.where(x == 1, p, 1 - p)).sum(axis=1)
    for K in (1, 3):
        np.testing.assert_allclose(log_evidence(model, x, K, rng, y=y), log_px, rtol=1e-12)
    np.testing.assert_allclose(row_scores(model, x, 5, rng, y=y)["log_px"], log_px, rtol=1e-12)
    metrics = model.loss_and_grads(x, model.draw_noise(rng, 5, train=False), y=y, grads=False)
    assert metrics["log_px"] == pytest.approx(log_px.mean())
    assert -metrics["loss"] == metrics["log_px"]
    found = sampled_evidence(model, x, 3, rng, y=y)
    np.testing.assert_allclose(found.elbo, log_px, rtol=1e-12)
    np.testing.assert_array_equal(found.kl, 0)


def test_it_predicts_of_y_alone(rng):
    model, x, y = small("net", rng)
    np.testing.assert_array_equal(model.reconstruct(x, y=y), model.reconstruct(0 * x, y=y))
    np.testing.assert_array_equal(model.sample(5, None, y=y), model.reconstruct(x, y=y))
    np.testing.assert_array_equal(model.sample(4, None), model.sample(4, None, y=[0, 1, 2, 0]))
    mean = model.sample(20_000, None, y=[1] * 20_000, draw=rng).mean(axis=0)
    np.testing.assert_allclose(mean, model.sample(1, None, y=[1])[0], atol=0.02)


def test_what_needs_a_z_says_so(rng):
    model, x, y = small("net", rng)
    refused = "model: expected one with latents, PlainNet has none"
    for call in (lambda: model.encode(x, y), lambda: model.decode(np.zeros((5, 2))), lambda: codes(model, x, y),
                 lambda: Trained(model, None, "bernoulli").decode(np.zeros((5, 0)))):  # fmt: skip
        with pytest.raises(ValueError, match=refused):
            call()
    with pytest.raises(ValueError, match=r"expected one with a Gaussian q\(z \| x\), PlainNet has none"):
        posteriors(model, x, y)
    with pytest.raises(ValueError, match="model: expected one with a prior, PlainNet has none"):
        annealed_evidence(model, x, 3, rng, y=y)
    with pytest.raises(ValueError, match="labels: expected"):
        PlainNet.build((4, 4, 1), rng)
    for call in (lambda: model.loss_and_grads(x, model.draw_noise(rng, 5)), lambda: model.reconstruct(x)):
        with pytest.raises(ValueError, match=r"y: expected classes 0 to 2, \(5,\), got none"):
            call()
    assert PlainNet.build((5,), rng, labels=Labels("rows", 2)).D == 5

"""Signal and noise of the encoder's gradient against the number of samples."""

import math

import numpy as np
import pytest

from minivae.laboratory.snr import gradients_of, moments, near_the_optimum, signal_to_noise
from minivae.params import replaced


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def subject(rng, D=2, N=16):
    return near_the_optimum(D, rng), math.sqrt(2) * rng.standard_normal((N, D))


def test_moments_of_known_gradients(rng):
    """Mean (3, 0, .., 0), covariance 4 I in 10 dimensions; no bias with few draws; each left out as if never drawn."""
    grads = 2 * rng.standard_normal((4000, 5, 10))
    grads[..., 0] += 3
    signal, noise = np.mean([[part[0] for part in moments(g)] for g in grads], axis=0)
    assert signal == pytest.approx(9, abs=0.3)
    assert noise == pytest.approx(40, abs=0.5)
    all_five = np.array(moments(grads[0]))
    assert all_five.shape == (2, 6)
    np.testing.assert_allclose(all_five[:, 3], [part[0] for part in moments(np.delete(grads[0], 2, axis=0))])


def apart(plain, doubly):
    """|difference of the means|^2 over what chance gives."""
    chance = (moments(plain)[1][0] + moments(doubly)[1][0]) / len(plain)
    return ((plain.mean(axis=0) - doubly.mean(axis=0)) ** 2).sum() / chance


def test_both_gradients_have_the_same_mean(rng):
    """Twice the difference that chance gives would show a gradient that is off by its own size."""
    model, x = subject(rng, D=5)
    plain, doubly = (gradients_of(model, x, 4, gradient, 1000, rng) for gradient in ("reparameterized", "doubly"))
    assert apart(plain, doubly) < 1.5
    assert apart(plain, 2 * doubly) > 2


def test_the_model_keeps_its_own_bound(rng):
    model, x = subject(rng)
    gradients_of(model, x, 3, "doubly", 2, rng)
    assert (model.K, model.doubly) == (5, False)
    with replaced(model, K=3):
        model.loss_and_grads(x, model.draw_noise(np.random.default_rng(1), len(x)))
    names = model.below("encoder")
    own = np.concatenate([model.params[name].grad.ravel() for name in names])
    np.testing.assert_array_equal(gradients_of(model, x, 3, "reparameterized", 1, np.random.default_rng(1))[0], own)


def test_one_falls_and_the_other_rises(rng):
    """Rainforth et al. 2018, theorem 1, and Tucker et al. 2019: like 1 / sqrt(K), and like sqrt(K)."""
    Ks = 8, 32, 128
    found = signal_to_noise(*subject(rng), Ks, 200, rng)
    for gradient, power in (("reparameterized", -0.5), ("doubly", 0.5)):
        snr, error = np.array([found[gradient][K] for K in Ks]).T
        slope = np.polyfit(np.log(Ks), np.log(snr), 1)[0]
        assert slope == pytest.approx(power, abs=0.1)
        assert (error < 0.1 * snr).all()


def test_the_error_is_that_of_repeated_studies(rng):
    model, x = subject(rng)
    found = [signal_to_noise(model, x, [4], 30, rng)["doubly"][4] for _ in range(60)]
    snr, error = np.array(found).T
    assert error.mean() == pytest.approx(snr.std(ddof=1), rel=0.35)

"""The adversarial autoencoder: two losses at the same parameters, and codes that come to the prior."""

import math

import numpy as np
import pytest
from scipy.stats import norm
from test_factors import gradient

from minivae import Adam, fit, load_data
from minivae.cli import main
from minivae.evaluate import aggregate_kl, codes
from minivae.models import AAE
from minivae.models.examples import small
from minivae.params import State


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_both_losses(rng):
    """Probabilities of two classes, written as people do."""
    model, x, _ = small("aae", rng, gamma=3.0, critic=[4])
    noise = model.draw_noise(rng, len(x), train=False)
    m = model.loss_and_grads(x, noise)
    assert set(m) == set(model.metrics)
    z = model.encode(x)
    is_draw, is_draw_too = (1 / (1 + np.exp(-model.critic(part))) for part in (z, noise["prior"]))
    log_px_z, _ = model.likelihood.forward(x, model.decoder(z))
    assert m["log_px_z"] == pytest.approx(log_px_z.mean(), rel=1e-12)
    assert m["loss"] == pytest.approx(-log_px_z.mean() - 3 * np.log(is_draw).mean(), rel=1e-12)
    guesses = [*np.log(is_draw_too), *np.log(1 - is_draw)]
    assert m["loss_critic"] == pytest.approx(-np.mean(guesses), rel=1e-12)
    assert (model.monitor, model.log_weights, model.latent) == (None, None, "point")


class Known:
    """A layer that gives y, whatever it is given."""

    def __init__(self, y):
        self.y = y

    def forward(self, x, noise=None):
        return self.y, None


def test_the_best_critic(rng):
    """Its odds are log p(z) / q(z): no others have a lower loss, and `gap` is KL(p || q) + KL(q || p)."""
    std, N = 0.7, 50_000
    model, _, _ = small("aae", rng, critic=[4])
    model.encoder = Known(std * rng.standard_normal((N, 2)))
    model.decoder = Known(np.zeros((N, 16)))
    noise = {"prior": rng.standard_normal((N, 2)), "enc": None, "dec": None}

    class Gaussian:
        def __init__(self, std):
            self.std = std

        def forward(self, z):
            return (norm.logpdf(z) - norm.logpdf(z, 0, self.std)).sum(axis=-1, keepdims=True), None

    found = {}
    for of_critic in (0.6, std, 0.8):
        model.critic = Gaussian(of_critic)
        found[of_critic] = model.loss_and_grads(np.zeros((N, 16)), noise, grads=False)
    assert found[std]["loss_critic"] == min(m["loss_critic"] for m in found.values()) < math.log(2)
    # 1/2 (r - 1 - log r) each, r the ratio of the variances one way, and the other
    assert found[std]["gap"] == pytest.approx(std**2 + std**-2 - 2, rel=0.05)


def test_the_players_do_not_train_each_other(rng):
    """The critic's parameters get the gradient of its own loss, which gamma does not change; the decoder's neither."""
    model, x, _ = small("aae", rng, critic=[4], gamma=1.0)
    noise = model.draw_noise(rng, len(x))
    first = gradient(model, x, noise)
    model.gamma = 5.0
    second = gradient(model, x, noise)
    for name, part in model.slices.items():
        assert (first[part] == second[part]).all() == name.startswith(("critic", "decoder", "likelihood"))
    assert Adam(model).betas == {"loss": (0.9, 0.999), "loss_critic": (0.5, 0.9)}


def test_a_step_moves_the_spectral_vectors_once(rng):
    """To unit vectors, though the critic goes backward three times."""
    model, x, _ = small("aae", rng, critic=[4])
    before = model.state.copy()
    gradient(model, x, model.draw_noise(rng, len(x)))
    Adam(model).step()
    assert not np.allclose(before, model.state)
    for state in model.named(State).values():
        assert np.linalg.norm(state.data) == pytest.approx(1, rel=1e-12)


def test_samples_are_decoded_draws_from_the_prior(rng):
    model, _, _ = small("aae", rng)
    eps = np.random.default_rng(1).standard_normal((6, 2), dtype="float32")
    np.testing.assert_array_equal(model.sample(6, np.random.default_rng(1)), model.decode(eps))
    assert model.sampled == "draws from the prior"


def test_the_codes_come_to_the_prior(rng):
    """Far nearer than without the critic, whose only way to the encoder is gamma."""
    data = load_data("digits")
    found = {}
    for gamma in (0.0, 3.0):
        model = AAE.build(data.shape, np.random.default_rng(0), hidden=(32,), latent=2, gamma=gamma, critic=(32,))
        fit(model, Adam(model, lr=3e-3), data, epochs=8, batch_size=50, progress=False)
        parts = aggregate_kl(codes(model, data.settle(data.train.x, rng)), rng)
        found[gamma] = sum(part.mean() for part in parts.values())
    assert found[3.0] < 1 < 3 < found[0.0]


def test_evaluate_says_how_far_the_codes_are_from_the_prior(tmp_path, capsys, no_pictures):
    options = ["--model", "aae", "--hidden", "16", "--latent", "3", "--epochs", "2", "--critic", "8"]
    assert main(["train", *options, "--out", str(tmp_path / "a")]) == 0
    assert main(["evaluate", str(tmp_path / "a"), "--measure", "latents"]) == 0
    out = capsys.readouterr().out
    assert "marginal KL from one z of each of" in out
    assert "active units: 3 of 3 (variance of the code > 0.01)" in out

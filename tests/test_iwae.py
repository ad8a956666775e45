"""The importance weighted bound on a model whose evidence is known, and its two gradients."""

import numpy as np
import pytest

from minivae import Adam, check_gradients
from minivae.flows import IAF, Bijector
from minivae.metrics import mean_metrics
from minivae.models import IWAE, VAE
from minivae.models.examples import flow_posterior, small
from minivae.models.networks import build_networks
from minivae.params import Param
from minivae.posteriors import FlowPosterior
from minivae.priors import Prior
from minivae.truth import linear_gaussian as exact


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def linear(rng, samples, **options):
    """A linear IWAE: log p(x) is known."""
    networks = build_networks((5,), rng, hidden=(), latent=2, likelihood="gaussian-fixed", std=0.6)
    return IWAE(*networks, samples=samples, **options).bind("float64")


def test_one_sample_is_a_vae_whose_kl_is_sampled(rng):
    """The same parameters and the same eps: log p(x | z) to the bit, and the KL equal on average."""
    model = linear(rng, 1)
    vae = VAE(*build_networks((5,), rng, hidden=(), latent=2, likelihood="gaussian-fixed", std=0.6)).bind("float64")
    vae.theta[...] = model.theta
    x = rng.standard_normal((6, 5))
    gaps = []
    for _ in range(20_000):
        eps = rng.standard_normal((1, 6, 2))
        mine = model.loss_and_grads(x, {"eps": eps, "enc": None, "dec": None}, grads=False)
        its = vae.loss_and_grads(x, {"eps": eps[0], "enc": None, "dec": None}, grads=False)
        assert mine["log_px_z"] == pytest.approx(its["log_px_z"], rel=1e-12)
        assert mine["loss"] == pytest.approx(-mine["elbo"], rel=1e-12)
        gaps.append(mine["kl"] - its["kl"])
    error = np.std(gaps) / len(gaps) ** 0.5
    assert abs(np.mean(gaps)) < 4 * error
    assert abs(np.mean(gaps) + 0.01 * its["kl"]) > 8 * error or its["kl"] < 8 * error / 0.01


def test_more_samples_come_nearer_to_the_evidence(rng):
    """ELBO = L_1 < L_5 < L_50 <= log p(x) (Burda et al. 2016, theorem 1)."""
    x = rng.standard_normal((20, 5))
    bounds = []
    for K in (1, 5, 50):
        model = linear(np.random.default_rng(3), K)
        bounds.append(mean_metrics(model, np.repeat(x, 200, axis=0), None, rng)["iwae"])
    assert bounds == sorted(bounds)
    assert bounds[-1] < exact.log_evidence(model, x).mean()
    assert bounds[-1] > exact.log_evidence(model, x).mean() - 0.2 * (exact.log_evidence(model, x).mean() - bounds[0])


def test_training_comes_near_the_evidence(rng):
    x = rng.standard_normal((300, 2)) @ rng.standard_normal((2, 5)) + 0.6 * rng.standard_normal((300, 5))
    for gradient in ("reparameterized", "doubly"):
        model = linear(np.random.default_rng(1), 5, gradient=gradient)
        optimizer = Adam(model, lr=0.01)
        for t in range(4000):
            model.loss_and_grads(x, model.draw_noise(rng, len(x)), t=t)
            optimizer.step()
        log_px = exact.log_evidence(model, x).mean()
        assert log_px - 0.25 < mean_metrics(model, np.repeat(x, 20, axis=0), None, rng)["iwae"] < log_px + 0.01


def test_with_the_bound_elbo_it_is_a_vae_of_several_samples(rng):
    """Loss and gradient are the means of those of one sample each."""
    model, x, _ = small("iwae", rng, samples=3, bound="elbo")
    noise = model.draw_noise(rng, len(x))
    loss = model.loss_and_grads(x, noise)["loss"]
    grad = model.grad.copy()
    model.K, losses, grads = 1, [], []
    for k in range(3):
        losses.append(model.loss_and_grads(x, noise | {"eps": noise["eps"][k : k + 1]})["loss"])
        grads.append(model.grad.copy())
    assert loss == pytest.approx(np.mean(losses), rel=1e-12)
    np.testing.assert_allclose(grad, np.mean(grads, axis=0), rtol=0, atol=1e-12)
    assert np.std(losses) > 1e-3


def encoder_gradients(model, x, rng, draws):
    names = [name for name in model.params if name.startswith("encoder")]
    found = []
    for _ in range(draws):
        model.loss_and_grads(x, model.draw_noise(rng, len(x)))
        found.append(np.concatenate([model.params[name].grad.ravel() for name in names]))
    return np.array(found)


@pytest.mark.parametrize("beta", [1.0, 0.5])
def test_both_gradients_have_one_mean_and_the_second_less_variance(beta, rng):
    """At K = 20 (Tucker et al. 2019): a wrong power of the weights would show in the mean."""
    x = rng.standard_normal((3, 5))
    found = {}
    for gradient in ("reparameterized", "doubly"):
        model = linear(np.random.default_rng(2), 20, gradient=gradient, beta=beta)
        found[gradient] = encoder_gradients(model, x, rng, 6000)
    a, b = found.values()
    error = np.sqrt(a.var(axis=0) / len(a) + b.var(axis=0) / len(b))
    z = (a.mean(axis=0) - b.mean(axis=0)) / error
    assert np.abs(z).max() < 4
    assert np.abs((a.mean(axis=0) - 1.3 * b.mean(axis=0)) / error).max() > 8  # the test can fail
    assert b.var(axis=0).sum() < (0.5 if beta == 1 else 0.9) * a.var(axis=0).sum()


def test_beta_weighs_the_kl_in_the_loss_alone(rng):
    model, x, _ = small("iwae", rng, samples=1, beta=lambda t: 0.5 * t)
    noise = model.draw_noise(rng, len(x))
    for t in (0, 1, 4):
        m = model.loss_and_grads(x, noise, t=t)
        assert m["loss"] == pytest.approx(0.5 * t * m["kl"] - m["log_px_z"], rel=1e-10)
        assert m["iwae"] == pytest.approx(m["elbo"], rel=1e-10)
    np.testing.assert_allclose(model.log_weights(x, noise["eps"]).mean(), m["elbo"], rtol=1e-10)  # beta(0) is 0


class NoKL(Prior):
    """Draws nothing, knows nothing."""


def test_what_the_second_gradient_cannot_serve_is_refused(rng):
    networks = build_networks((5,), rng, hidden=(4,), latent=2, heads=3)
    with pytest.raises(ValueError, match="gradient: doubly needs a posterior with a score, got FlowPosterior"):
        IWAE(*networks, posterior=FlowPosterior(IAF(2, 2, 4, rng)), gradient="doubly")
    encoder, decoder, likelihood = build_networks((5,), rng, hidden=(4,), latent=2)
    prior = NoKL(2)
    prior.encoder = encoder  # as a VampPrior has it
    with pytest.raises(
        ValueError, match="gradient: doubly needs a prior of its own parameters, NoKL has the encoder's"
    ):
        IWAE(encoder, decoder, likelihood, prior, gradient="doubly")
    with pytest.raises(ValueError, match="samples: expected a whole number >= 1, got 0"):
        IWAE(encoder, decoder, likelihood, samples=0)
    with pytest.raises(ValueError, match="gradient: doubly is known for the bound iwae, got bound elbo"):
        IWAE(*networks, gradient="doubly", bound="elbo")
    with pytest.raises(ValueError, match="gradient: expected one of reparameterized, doubly, got 'best'"):
        IWAE(encoder, decoder, likelihood, gradient="best")


def test_a_flow_posterior_shows_z_and_not_z0(rng):
    """What `encode` gives is what the decoder sees at eps = 0, behind the flow."""
    model, x, _ = flow_posterior(rng)
    z = model.encode(x)
    mu, _, h = model.encoder(x)
    (expected, _), _ = model.posterior.flow.forward(mu, h)
    np.testing.assert_allclose(z, expected, rtol=1e-12)
    assert np.abs(z - mu).max() > 0.01
    np.testing.assert_allclose(model.reconstruct(x), model.decode(z), rtol=1e-12)
    eps = rng.standard_normal((4, len(x), 2))
    assert model.reconstruct(x, eps).shape == (4, *x.shape)


class Shift(Bijector):
    """z' = z + s: it has no use for a context."""

    def __init__(self, L):
        self.s = Param(np.full(L, 0.3))

    def forward(self, z, context=None):
        return (z + self.s.data, 0 * z.sum(axis=-1)), None

    def backward(self, dz, dlog_det, cache, accumulate=True):
        if accumulate:
            self.s.grad += dz.reshape(-1, dz.shape[-1]).sum(axis=0)
        return dz, None


def test_a_flow_without_a_context_and_heads_that_are_too_few(rng):
    networks = build_networks((5,), rng, hidden=(4,), latent=2, heads=3, activation="tanh")
    model = IWAE(*networks, posterior=FlowPosterior(Shift(2)), samples=2).bind("float64")
    x = (rng.random((4, 5)) < 0.5).astype("float64")
    assert check_gradients(model, x, rng).ok
    few = build_networks((5,), rng, hidden=(4,), latent=2)
    with pytest.raises(ValueError, match="heads: FlowPosterior takes 3, got 2"):
        IWAE(*few, posterior=FlowPosterior(Shift(2))).encode(x)


def test_noise_of_training_and_of_evaluation(rng):
    model = IWAE.build((5,), rng, hidden=(4,), latent=2, samples=3, dropout=0.5)
    noise = model.draw_noise(rng, 4)
    assert noise["enc"] is not None
    assert noise["dec"] is not None
    noise = model.draw_noise(rng, 4, train=False)
    assert noise["enc"] is noise["dec"] is None
    assert noise["eps"].shape == (3, 4, 2)


def test_the_loss_is_the_bound_under_beta_1_alone(rng):
    assert linear(rng, 3).loss_law({"iwae": -2.0}, 0) == {"loss = -iwae": 2.0}
    assert linear(rng, 3, beta=2.0).loss_law({"iwae": -2.0}, 0) == {}


def test_beta_comes_to_its_value_over_epochs_of_pass_steps(rng):
    """Without either: in one step."""
    rise = {"beta": 4.0, "beta_schedule": "linear"}
    model = IWAE.build((5,), rng, hidden=(4,), latent=2, beta_epochs=2, pass_steps=5, **rise)
    assert [model.beta(t) for t in (0, 5, 10)] == pytest.approx([0, 2, 4])
    assert [IWAE.build((5,), rng, hidden=(4,), latent=2, **rise).beta(t) for t in (0, 1)] == [0, 4]

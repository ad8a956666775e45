"""Priors: the KL of a latent is its own number, also where the prior is learned."""

import numpy as np
import pytest
from cases import couplings, vamp_encoder

from minivae.densities import gaussian_log_prob, kl_gaussians, pairwise_gaussian_log_prob
from minivae.priors import DiagonalNormal, FlowPrior, Mixture, Prior, VampPrior


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_the_kl_to_a_learned_prior_is_one_number_per_latent(rng):
    """Called as a sum over the last axis with one axis more it was (N, L, L), and charged L times (pitfall 21)."""
    prior = DiagonalNormal(3).bind("float64")
    prior.mu.data[...] = [0.5, -1.0, 2.0]
    prior.log_var.data[...] = [0.3, -0.4, 0.1]
    mu, log_var = rng.standard_normal((2, 4, 3))
    kl = prior.kl(mu, log_var)
    assert kl.shape == (4, 3)
    d = mu - prior.mu.data
    variance = np.exp(prior.log_var.data)
    expected = 0.5 * (prior.log_var.data - log_var + (np.exp(log_var) + d * d) / variance - 1)
    np.testing.assert_allclose(kl, expected, rtol=1e-12)
    broadcast = kl_gaussians(mu[..., None], log_var[..., None], prior.mu.data, prior.log_var.data).sum()
    assert broadcast > 1.5 * kl.sum()  # what it was
    np.testing.assert_array_equal(prior.kl(prior.mu.data[None], prior.log_var.data[None]), np.zeros((1, 3)))


def test_it_starts_as_a_standard_normal_and_spares_its_parameters(rng):
    prior = DiagonalNormal(2).bind("float64")
    z = rng.standard_normal((5, 2))
    np.testing.assert_allclose(prior(z), -0.5 * (np.log(2 * np.pi) + z * z).sum(axis=-1))
    assert not any(p.decay for p in prior.params.values())


def test_a_prior_without_a_closed_form_says_so():
    assert Prior(2).kl is None


def test_what_a_prior_must_have():
    for call in (lambda p: p.forward(np.zeros(2)), lambda p: p.backward(0, None), lambda p: p.draw(np.zeros(2))):
        with pytest.raises(NotImplementedError):
            call(Prior(2))


def test_every_z_under_every_gaussian(rng):
    z, mu, log_var = rng.standard_normal((2, 5, 3)), rng.standard_normal((4, 3)), rng.standard_normal((4, 3))
    log_p = pairwise_gaussian_log_prob(z, mu, log_var)
    for c in range(4):
        np.testing.assert_allclose(log_p[c], gaussian_log_prob(z, mu[c], log_var[c]), rtol=1e-12)


def test_narrow_gaussians_far_from_zero_in_float32(rng):
    """The terms of the square are 10^8 times their sum: in float32 the log-density would be wrong by whole nats."""
    mu = (100 + rng.standard_normal((3, 40))).astype("float32")
    log_var = np.full((3, 40), -9.0, "float32")
    z = mu + np.exp(-4.5) * rng.standard_normal((3, 40)).astype("float32")
    exact = gaussian_log_prob(*(a.astype("float64") for a in (z, mu, log_var)))
    np.testing.assert_allclose(np.diag(pairwise_gaussian_log_prob(z, mu, log_var)), exact, atol=1e-3)


def test_a_mixture_is_the_weighted_sum_of_its_parts(rng):
    prior = Mixture(2, 3, rng).bind("float64")
    prior.theta += rng.standard_normal(prior.theta.size)
    z = rng.standard_normal((5, 2))
    w = np.exp(prior.logits.data) / np.exp(prior.logits.data).sum()
    parts = [gaussian_log_prob(z, *pair) for pair in zip(prior.mu.data, prior.log_var.data, strict=True)]
    np.testing.assert_allclose(np.exp(prior(z)), (w[:, None] * np.exp(parts)).sum(axis=0), rtol=1e-12)


def test_a_mixture_draws_each_part_as_often_as_it_weighs(rng):
    prior = Mixture(1, 3, rng).bind("float64")
    prior.mu.data[...] = [[-100.0], [0.0], [100.0]]
    prior.logits.data[...] = np.log([0.2, 0.5, 0.3])
    z = prior.draw(prior.draw_noise(rng, 40_000))[:, 0]
    share = np.array([(z < -50).mean(), (abs(z) < 50).mean(), (z > 50).mean()])
    error = np.sqrt(share * (1 - share) / len(z))
    assert (abs(share - [0.2, 0.5, 0.3]) < 4 * error).all()
    first, last = prior.draw({"c": np.array([0.0, 1 - 2.0**-24]), "eps": np.zeros((2, 1))})
    assert (first, last) == (-100, 100)


@pytest.mark.parametrize("unit", [True, False])
def test_a_vamp_prior_is_the_mean_of_posteriors(unit, rng):
    encoder = vamp_encoder()
    prior = VampPrior(encoder, 4, 3, rng, unit=unit).bind("float64")
    u = prior.pseudo.data
    u = 1 / (1 + np.exp(-u)) if unit else u
    z = rng.standard_normal((5, 4))
    mu, log_var = encoder(u)
    parts = [gaussian_log_prob(z, mu[c], log_var[c]) for c in range(3)]
    np.testing.assert_allclose(np.exp(prior(z)), np.exp(parts).mean(axis=0), rtol=1e-12)
    np.testing.assert_array_equal(prior.inputs(), u)
    prior.zero_grad()
    prior.backward(np.ones(5), prior.forward(z)[1])
    assert np.abs(prior.pseudo.grad).min() > 0
    assert np.abs(encoder.layers[0].W.grad).max() > 0  # the encoder learns from the prior, too


def test_a_flow_prior_is_a_normal_behind_its_flow(rng):
    prior = FlowPrior(couplings(rng), 4).bind("float64")
    eps = rng.standard_normal((3, 4))
    (e, log_det), _ = prior.flow.forward(prior.draw(eps))
    np.testing.assert_allclose(e, eps, rtol=1e-10)
    np.testing.assert_allclose(prior(prior.draw(eps)), -0.5 * (np.log(2 * np.pi) + eps**2).sum(axis=1) + log_det)

"""Priors: the KL of a latent is its own number, also where the prior is learned."""

import numpy as np
import pytest

from minivae.densities import kl_gaussians
from minivae.priors import DiagonalNormal, Prior


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

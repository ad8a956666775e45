"""Walks through the latent space: exact values, and laws where there are none."""

import numpy as np
import pytest
from scipy.stats import norm

from minivae import VAE
from minivae.evaluate import (
    decodings,
    interpolate,
    kl_per_latent,
    normal_quantiles,
    posteriors,
    traverse,
)
from minivae.plot import principal_plane


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("how", ["linear", "spherical"])
def test_interpolation_ends_where_it_should(how, rng):
    a, b = rng.standard_normal((2, 4, 5)).astype("float32")
    path = interpolate(a, b, 7, how)
    assert path.shape == (4, 7, 5)
    np.testing.assert_allclose(path[:, 0], a, rtol=1e-5)
    np.testing.assert_allclose(path[:, -1], b, rtol=1e-5)


def test_linear_and_spherical_by_hand():
    a, b = np.array([[1.0, 0.0]]), np.array([[0.0, 2.0]])
    np.testing.assert_allclose(interpolate(a, b, 3)[0, 1], [0.5, 1.0])
    np.testing.assert_allclose(interpolate(a, b, 3, "spherical")[0, 1], [0.5**0.5, 2 * 0.5**0.5], rtol=1e-6)
    unit = interpolate(a, b / 2, 9, "spherical")[0]
    np.testing.assert_allclose(np.linalg.norm(unit, axis=-1), 1, rtol=1e-6)  # on the circle all the way ...
    angles = np.arctan2(unit[:, 1], unit[:, 0])
    np.testing.assert_allclose(angles, np.linspace(0, np.pi / 2, 9), atol=1e-6)  # ... in equal steps


@pytest.mark.parametrize("b", [[3.0, 0.0], [-3.0, 0.0], [0.0, 0.0], [1.0, 0.0]])
def test_without_an_arc_the_spherical_walk_is_straight(b):
    a, b = np.array([[1.0, 0.0]]), np.array([b])
    np.testing.assert_allclose(interpolate(a, b, 5, "spherical"), interpolate(a, b, 5), atol=1e-6)


def test_other_walks_are_refused():
    with pytest.raises(ValueError, match="how: expected linear or spherical, got 'cubic'"):
        interpolate(np.zeros((1, 2)), np.zeros((1, 2)), 3, "cubic")


def test_traverse_changes_one_latent_at_a_time(rng):
    z = rng.standard_normal(4)
    walks = traverse(z, [2, 0], [-1.0, 0.0, 1.0])
    assert walks.shape == (2, 3, 4)
    np.testing.assert_array_equal(walks[0, :, 2], [-1, 0, 1])
    np.testing.assert_array_equal(walks[1, :, 0], [-1, 0, 1])
    np.testing.assert_array_equal(walks[0][:, [0, 1, 3]], np.tile(z[[0, 1, 3]], (3, 1)))


def test_quantiles_cut_the_normal_into_equal_parts():
    z = normal_quantiles(8)
    np.testing.assert_allclose(norm.cdf(z), (np.arange(8) + 0.5) / 8, rtol=1e-5)


def test_principal_plane(rng):
    """Points in a plane of ten dimensions: their coordinates lead back to them, and the axes have their spread."""
    basis = np.linalg.qr(rng.standard_normal((10, 2)))[0].T
    mu = (rng.standard_normal((500, 2)) * [3, 0.5] @ basis + 1).astype("float32")
    points, center, axes, share = principal_plane(mu)
    lengths = np.linalg.norm(axes, axis=1)
    np.testing.assert_allclose(points / lengths @ axes + center, mu, atol=1e-4)
    np.testing.assert_allclose(lengths, points.std(axis=0, ddof=1), rtol=1e-4)
    assert share.sum() == pytest.approx(1, abs=1e-5)
    assert share[0] > share[1]


@pytest.mark.parametrize("L", [1, 2])
def test_two_latents_are_their_own_plane(L, rng):
    mu = rng.standard_normal((6, L))
    points, center, axes, share = principal_plane(mu)
    np.testing.assert_array_equal(points[:, :L], mu)
    np.testing.assert_array_equal(points @ axes + center, mu)
    assert share is None


def test_posteriors_of_more_than_a_batch(rng):
    model = VAE.build((6,), rng, hidden=(5,), latent=2)
    x = rng.random((1234, 6)).astype("float32")
    for part, whole in zip(posteriors(model, x), model.encode(x), strict=True):
        np.testing.assert_allclose(part, whole, rtol=1e-4, atol=1e-6)


def test_kl_per_latent_adds_up_and_sees_a_collapsed_one(rng):
    model = VAE.build((12,), rng, hidden=(9,), latent=3)
    W, b = (model.params[f"encoder.layers.2.{name}"].data for name in "Wb")
    W[:, 1] = W[:, 4] = b[1] = b[4] = 0  # mu[1] and log_var[1]
    x = (rng.random((700, 12)) < 0.5).astype("float32")
    kl = kl_per_latent(model, x)
    assert kl.shape == (3,)
    assert kl[1] == 0
    assert kl.min() >= 0
    np.testing.assert_allclose(kl.sum(), model.prior.kl(*model.encode(x)).sum(axis=-1).mean(dtype="float64"), rtol=1e-5)


def test_decodings_spread_as_the_posterior_does(rng):
    """A linear decoder with identity weights: x_hat has the mean and the standard deviation of z."""
    model = VAE.build((2,), rng, hidden=(), latent=2, likelihood="gaussian").bind("float64")
    model.params["decoder.layers.0.W"].data[...] = np.eye(2)
    x = rng.standard_normal((3, 2))
    mu, log_var = model.encode(x)
    draws = decodings(model, x, 100_000, rng)
    assert draws.shape == (100_000, 3, 2)
    error = np.exp(0.5 * log_var) / 100_000**0.5
    assert (np.abs(draws.mean(axis=0) - mu) < 4 * error).all()
    np.testing.assert_allclose(draws.std(axis=0), np.exp(0.5 * log_var), rtol=0.01)

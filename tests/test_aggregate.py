"""The KL of draws to N(0, I), against Gaussians, clusters and cubes whose KL is known."""

import math

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import norm

from minivae.evaluate import aggregate_kl


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def total(parts):
    return sum(part.mean() for part in parts.values())


@pytest.mark.parametrize(("L", "scale"), [(1, 0.5), (2, 3.0), (8, 0.3), (8, 1.0), (20, 1.5)])
def test_gaussians(L, scale, rng):
    """1/2 (tr C + |m|^2 - L - log det C), of any mean, scale and correlation; nothing is left to the shape."""
    N = 4000
    A = scale * (np.eye(L) + 0.3 * rng.standard_normal((L, L)) / math.sqrt(L))
    m = 0.5 * rng.standard_normal(L)
    C = A.T @ A
    exact = 0.5 * (np.trace(C) + m @ m - L - np.linalg.slogdet(C)[1])
    parts = aggregate_kl(rng.standard_normal((N, L)) @ A + m, rng)
    bias = L * (L + 3) / (4 * N)
    assert abs(parts["moments"].mean() - exact - bias) < 4 * parts["moments"].std() / math.sqrt(N)
    assert abs(parts["shape"].mean()) < 4 * parts["shape"].std() / math.sqrt(N)


def test_the_bias_of_the_moments(rng):
    """L (L + 3) / 4 N nats, in the mean of many sets."""
    L, N = 8, 100
    found = [aggregate_kl(rng.standard_normal((N, L)), rng)["moments"].mean() for _ in range(20)]
    assert np.mean(found) == pytest.approx(L * (L + 3) / (4 * N), rel=0.15)


def test_clusters(rng):
    """Of three clusters in two dimensions, against the Monte-Carlo KL of their density; the sum is that KL."""
    centers, std, N = np.array([[2.0, 0], [-1, 1], [-1, -2]]), 0.4, 6000
    z = centers[rng.integers(3, size=N)] + std * rng.standard_normal((N, 2))
    log_q = logsumexp(norm.logpdf(z[:, None], centers, std).sum(axis=-1), axis=1) - math.log(3)
    exact = (log_q - norm.logpdf(z).sum(axis=-1)).mean()
    parts = aggregate_kl(z, rng)
    assert parts["shape"].mean() > 0.5
    assert total(parts) == pytest.approx(exact, abs=0.1)
    flat = aggregate_kl(z @ np.array([[3.0, 1], [0, 2]]) + 5, np.random.default_rng(1))  # no other shape
    assert flat["shape"].mean() == pytest.approx(parts["shape"].mean(), abs=0.1)


def test_a_cube_of_many_dimensions_is_charged_too_little(rng):
    """The variance is 1, so the moments say 0; the KL of a uniform density is 0.176 nats in each dimension."""
    each = 0.5 * math.log(2 * math.pi * math.e) - math.log(2 * math.sqrt(3))
    for L, least, most in ((1, 0.5, 1.5), (8, 0.2, 0.8)):
        parts = aggregate_kl(math.sqrt(3) * (2 * rng.random((4000, L)) - 1), rng)
        assert abs(parts["moments"].mean()) < 0.05
        assert least < parts["shape"].mean() / (L * each) < most


def test_what_it_refuses(rng):
    z = rng.standard_normal((50, 3))
    twice = aggregate_kl(np.repeat(z, 2, axis=0), np.random.default_rng(1))  # equal rows count once
    np.testing.assert_array_equal(total(twice), total(aggregate_kl(np.unique(z, axis=0), np.random.default_rng(1))))
    with pytest.raises(ValueError, match="z: expected 5 different rows or more, got 4"):
        aggregate_kl(np.repeat(z[:4], 9, axis=0), rng)
    with pytest.raises(ValueError, match=r"z: expected rows \(N, L\) of finite numbers, got shape \(3,\)"):
        aggregate_kl(z[0], rng)
    with pytest.raises(ValueError, match="z: expected codes that vary in every direction, these have an infinite KL"):
        aggregate_kl(np.c_[z, z @ [1.0, 2, 3]], rng)

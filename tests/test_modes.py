"""Mixtures of Gaussians of a plane: points, density, entropy, the data set."""

import math

import numpy as np
import pytest
from scipy.integrate import nquad
from scipy.stats import multivariate_normal

from minivae import load_data
from minivae.data import draw_modes, mode_centers, modes_entropy, modes_log_prob

RARE = {"class": 2, "share": 0.01}
MIXTURES = pytest.mark.parametrize("options", [
    {}, {"kind": "grid"}, {"std": 0.8}, {"kind": "grid", "count": 4, "std": 1.5}, {"rare": RARE}, {"count": 1},
    {"kind": "grid", "count": 9, "std": 0.4, "rare": {"class": 8, "share": 0.5}},
], ids=str)  # fmt: skip


def of_scipy(options):
    """log p(x) of points (n, 2), by the sum of scipy's densities."""
    centers = mode_centers(**options)
    rare, K = options.get("rare"), len(centers)
    w = np.full(K, 1 / K)
    if rare:
        w[:] = (1 - rare["share"]) / (K - 1)
        w[rare["class"]] = rare["share"]
    parts = [multivariate_normal(center, options.get("std", 0.05) ** 2) for center in centers]
    return lambda x: np.log(sum(wk * part.pdf(x) for wk, part in zip(w, parts, strict=True)))


# ---- the mixture


def test_centers():
    ring, grid = mode_centers(), mode_centers(kind="grid")
    np.testing.assert_allclose(np.linalg.norm(ring, axis=1), 2)
    np.testing.assert_allclose(ring[[0, 2]], [[2, 0], [0, 2]], atol=1e-12)
    assert (ring.shape, grid.shape) == ((8, 2), (25, 2))
    assert sorted(set(grid.ravel())) == [-4, -2, 0, 2, 4]
    assert len(np.unique(grid, axis=0)) == 25
    np.testing.assert_array_equal(mode_centers(kind="grid", count=4), [[-1, -1], [1, -1], [-1, 1], [1, 1]])


@MIXTURES
def test_log_prob_is_the_sum_of_normal_densities(options):
    x = np.random.default_rng(0).uniform(-0.15, 0.15, (3, 7, 2)) + mode_centers(**options)[0]
    np.testing.assert_allclose(modes_log_prob(x, **options), of_scipy(options)(x), rtol=1e-10)
    assert modes_log_prob([900.0, 0.0], **options) < -1e4  # no logarithm of 0


@MIXTURES
def test_points_are_of_the_density(options):
    """Centers, spread and shares of the modes, and mean log p(x): |z| < 4."""
    x, y = draw_modes(rows=40_000, seed=1, **options)
    centers, std = mode_centers(**options), options.get("std", 0.05)
    assert (x.dtype, y.dtype, x.shape) == ("float32", "int64", (40_000, 2))
    z = (x - centers[y]) / std
    assert abs(z.mean(axis=0)).max() < 4 / np.sqrt(40_000)
    assert (z**2).mean() == pytest.approx(1, abs=4 / np.sqrt(40_000))
    log_p = modes_log_prob(x, **options)
    assert abs(-log_p.mean() - modes_entropy(**options)) < 4 * log_p.std() / np.sqrt(40_000)
    if "rare" in options:
        share = options["rare"]["share"]
        found = (y == options["rare"]["class"]).mean()
        assert found == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / 40_000))


def test_bytes_follow_the_seed():
    a, b, c = (draw_modes(rows=50, seed=seed)[0].tobytes() for seed in (3, 3, 4))
    assert a == b != c


def test_entropy_of_modes_far_apart():
    """That of their numbers and that of one Gaussian: -sum w log w + log(2 pi e std^2)."""
    of_one = math.log(2 * math.pi * math.e * 0.05**2)
    assert modes_entropy(count=1) == pytest.approx(of_one, abs=1e-9)
    assert modes_entropy() == pytest.approx(math.log(8) + of_one, abs=1e-9)
    assert modes_entropy(kind="grid") == pytest.approx(math.log(25) + of_one, abs=1e-9)
    w = np.array([0.01, *[0.99 / 7] * 7])
    assert modes_entropy(rare=RARE) == pytest.approx(-(w * np.log(w)).sum() + of_one, abs=1e-9)


def test_entropy_of_modes_that_overlap():
    """Against an adaptive quadrature of -p log p over the plane."""
    std = 0.6
    options = {"kind": "grid", "count": 4, "std": std}
    log_p = lambda u, v: float(modes_log_prob([u, v], **options))  # noqa: E731
    reach = 1 + 8 * std
    whole, _ = nquad(lambda u, v: -math.exp(log_p(u, v)) * log_p(u, v), [[0, reach]] * 2, opts={"epsabs": 1e-7})
    assert modes_entropy(**options) == pytest.approx(4 * whole, abs=1e-6)  # four quadrants are alike


# ---- the data set


def test_the_set():
    data = load_data("modes", modes={"rows": 60, "kind": "grid"})
    x, y = draw_modes("grid", rows=60)
    assert (data.protocol.n_train, data.protocol.n_validation, data.shape) == (42, 8, (2,))
    np.testing.assert_array_equal(np.concatenate([data.train.x, data.validation.x, data.test().x]), x)
    np.testing.assert_array_equal(np.concatenate([data.train.y, data.validation.y, data.test().y]), y)
    assert (data.protocol.divisor, data.protocol.binarize, data.protocol.labels["kind"]) == (1, "none", "classes")
    assert load_data("modes").protocol.n_train == 10_000
    assert load_data("modes").protocol.sha256 == load_data("modes", modes={"kind": "ring"}).protocol.sha256
    assert load_data("modes").protocol.sha256 != load_data("modes", modes={"seed": 1}).protocol.sha256


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "line"}, "modes.kind: expected one of ring, grid, got 'line'"),
        ({"kind": "grid", "count": 8}, "modes.count: expected a square number for a grid, got 8"),
        ({"std": 0}, "modes.std: expected a finite number > 0, got 0"),
        ({"rare": {"class": 8, "share": 0.1}}, "modes.rare: expected two modes or more, and one of them, got 8 of 8"),
        ({"rare": {"class": 0, "share": 0.1}, "count": 1}, "modes.rare: expected two modes or more"),
        ({"rare": {"class": 0}}, "modes.rare: expected a class and its share, got no share"),
        ({"rare": {"class": 0, "share": 1}}, "modes.rare.share: expected a finite number > 0 and < 1, got 1"),
        ({"rare": 3}, "modes.rare: expected a table of names and values, got 3"),
    ],
)
def test_bad_options(options, message):
    for call in (draw_modes, modes_entropy, lambda **given: load_data("modes", modes=given)):
        with pytest.raises(ValueError, match=message):
            call(**options)


def test_points_of_another_width():
    with pytest.raises(ValueError, match=r"x: expected points \(..., 2\), got shape \(4, 3\)"):
        modes_log_prob(np.zeros((4, 3)))

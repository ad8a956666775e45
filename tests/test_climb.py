"""A number predicted from z, and steps along its gradient: known slopes, known tops, balls that are not left."""

import math
import sys

import numpy as np
import pytest

from minivae import check_gradients
from minivae.backend import place, to_numpy
from minivae.evaluate import Predictor, climb, fit_predictor
from minivae.evaluate.climb import Whitening, even_rate, fit_linear, r_squared, random_moves, slope
from minivae.layers import Dense, Layer, Network, Tanh

W = np.array([3.0, -4, 0], "float32")


def linear(**scales):
    """v = mean + std W u."""
    network = Network(Dense(3, 1, np.random.default_rng(0)))
    network.layers[0].W.data[:, 0] = W
    return Predictor(network, **scales)


class Bowl(Layer):
    """v = -|z - top|^2 / 2: z (N, L) -> (N,)."""

    def __init__(self, top):
        self.top = np.asarray(top, "float32")

    def forward(self, z, noise=None):
        return -((z - self.top) ** 2).sum(axis=-1) / 2, z

    def backward(self, dv, cache, accumulate=True, need_dx=True):
        return -dv[:, None] * (cache - self.top)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def some(n=5, L=3, seed=1):
    return np.random.default_rng(seed).standard_normal((n, L)).astype("float32")


# ---- its gradients


def test_gradients_of_the_predictor(rng):
    model = Predictor(Network(Dense(4, 3, rng), Tanh(), Dense(3, 1, rng)), 5.0, 3.0)
    model.bind("float64")
    z, values = rng.standard_normal((6, 4)), rng.standard_normal(6)
    checks = check_gradients(model, z, rng, y=values)
    assert checks.ok, checks
    assert len(checks) == len(model.params)
    step = 1e-5 * rng.standard_normal(z.shape)
    rise = model.predict(z + step) - model.predict(z - step)
    np.testing.assert_allclose((slope(model, z) * 2 * step).sum(axis=1), rise, rtol=1e-6)


def test_loss_by_hand():
    model = linear(mean=10.0, std=5.0)
    z = np.array([[0, 0, 9], [1, 0, 9]], "float32")
    np.testing.assert_allclose(model.predict(z), [10, 25])
    assert model.loss_and_grads(z, None, y=np.array([10, 20.0], "float32"))["loss"] == pytest.approx((5 / 5) ** 2 / 2)


# ---- whitened codes


def thin(n=4000, seed=0):
    """Codes that differ much in one direction, little in the next, not at all in the last."""
    s = np.random.default_rng(seed).standard_normal((n, 4)) * [3, 1, 0.01, 0]
    return (s @ np.linalg.qr(np.random.default_rng(9).standard_normal((4, 4)))[0] + 5).astype("float32")


def test_whitened_codes_and_the_way_back():
    z = thin()
    scale = Whitening.of(z)
    u = scale.whitened(z)
    np.testing.assert_allclose(np.cov(u.T), np.diag([0, 1, 1, 1]), atol=0.01)  # ordered by their width in z
    np.testing.assert_allclose(u.mean(axis=0), 0, atol=0.01)
    np.testing.assert_allclose(scale.codes(u), z, atol=1e-4)
    assert u.dtype == scale.codes(u).dtype == "float32"
    assert np.isfinite(Whitening.of(np.ones((9, 2), "float32")).whitened(np.ones((9, 2), "float32"))).all()
    np.testing.assert_allclose(Whitening.of(z[:, :1]).whitened(z[:, :1]).std(), 1, rtol=1e-3)


def test_distances_do_not_depend_on_the_units_of_latents():
    z = some(500)
    other = (z @ np.random.default_rng(3).standard_normal((3, 3)) * [1, 5, 0.3] + 7).astype("float32")
    a, b = (Whitening.of(part).whitened(part) for part in (z, other))
    np.testing.assert_allclose(np.linalg.norm(a - a[0], axis=1), np.linalg.norm(b - b[0], axis=1), atol=1e-3)


# ---- learning


def bent(n, seed):
    """Codes, and a number that no linear function of them is, 4 % of it noise."""
    rng = np.random.default_rng(seed)
    u = rng.standard_normal((n, 4)).astype("float32")
    return u, 1000 * (u[:, 0] ** 2 + 1.4 * u[:, 1] + 0.4 * rng.standard_normal(n)) - 5


def test_it_learns_what_a_linear_regression_cannot():
    (u, v), (u_new, v_new) = bent(1500, 0), bent(1000, 1)
    assert 0.9 < r_squared(v_new, fit_predictor(u, v).predict(u_new)) < 0.97  # 0.96 at best
    assert 0.4 < r_squared(v_new, fit_linear(u, v)(u_new)) < 0.6


def test_noise_is_not_learned():
    z, v = some(500, 8), np.random.default_rng(0).standard_normal(500)
    assert (
        abs(r_squared(np.random.default_rng(1).standard_normal(400), fit_predictor(z, v).predict(some(400, 8)))) < 0.1
    )


def test_the_best_epoch_is_kept(monkeypatch):
    module, histories, splits = sys.modules[Predictor.__module__], [], []  # `climb` is the function
    fit = module.fit

    def watched(model, optimizer, data, **options):
        splits.append(data)
        histories.append(fit(model, optimizer, data, **options))

    monkeypatch.setattr(module, "fit", watched)
    model = fit_predictor(some(300, 8), np.random.default_rng(0).standard_normal(300))
    losses = [line["validation"]["loss"] for line in histories[0]]
    held = splits[0].validation
    assert len(held.x) == 30
    assert model.loss_and_grads(held.x, None, y=held.y, grads=False)["loss"] == pytest.approx(min(losses), rel=1e-4)
    assert min(losses) < 0.95 * losses[-1]
    assert losses.index(min(losses)) == len(losses) - 21  # then it stops


@pytest.mark.parametrize(
    ("z", "values", "message"),
    [
        (some(19), np.arange(19.0), r"codes: expected \(N, L\) of 20 rows or more, and as many values, got \(19, 3\)"),
        (some(30), np.arange(29.0), r"codes: expected .* got \(30, 3\) and \(29,\)"),
        (some(30), np.append(np.arange(29.0), np.nan), "values: expected finite numbers"),
        (some(30) * np.inf, np.arange(30.0), "codes: expected finite numbers"),
        (some(30), np.ones(30), "values: expected some that differ"),
        (np.ones((30, 2)), np.arange(30.0), "codes: expected some that differ"),
    ],
)
def test_bad_input(z, values, message):
    for fit in (fit_predictor, fit_linear):
        with pytest.raises(ValueError, match=message):
            fit(z, values)


def test_r_squared():
    v = np.arange(5.0)
    assert [r_squared(v, v), r_squared(v, np.full(5, 2.0)), r_squared(v, v[::-1])] == [1, 0, -3]


# ---- the climb


def test_a_straight_slope_is_walked_straight():
    """dv/du = std W, wherever u is."""
    model, z = linear(mean=9.0, std=2.0), some()
    np.testing.assert_allclose(slope(model, z), np.tile(2 * W, (5, 1)), rtol=1e-6)
    path = climb(model, z, 7, 0.01, 100)
    assert path.dtype == "float32"
    np.testing.assert_allclose(path, z + 0.02 * W * np.arange(8)[:, None, None], rtol=1e-4, atol=1e-5)
    assert (np.diff(np.stack([model.predict(part) for part in path]), axis=0) > 0).all()


def test_no_step_leaves_the_ball_around_the_start():
    z = some()
    path = climb(linear(), z, 10, 0.1, 1.2)  # steps of 0.5
    np.testing.assert_allclose(np.linalg.norm(path - z, axis=2), np.tile([[0], [0.5], [1]] + [[1.2]] * 8, 5), rtol=1e-4)
    np.testing.assert_allclose(path[-1], z + 1.2 * W / 5, rtol=1e-4, atol=1e-5)


def test_the_top_is_found():
    z, top = some(), np.float32([1, 2, 3])
    path = climb(Bowl(top), z, 12, 0.5, 100)
    np.testing.assert_allclose(path - top, (z - top) * 0.5 ** np.arange(13)[:, None, None], atol=1e-5)


def test_short_of_the_top_it_ends_where_the_ball_is_nearest_to_it():
    z, top = some(), np.float32([5, 5, 5])
    nearest = z + 2 * (top - z) / np.linalg.norm(top - z, axis=1, keepdims=True)
    np.testing.assert_allclose(climb(Bowl(top), z, 50, 0.3, 2)[-1], nearest, rtol=1e-4)


def test_it_stays_among_the_data_and_does_not_pull_back_what_lies_beyond():
    z, top = np.float32([[0.5, 0, 0], [0, 4, 0]]), np.float32([6, 8, 0])
    path = climb(Bowl(top), z, 200, 0.1, math.inf, largest=2.0)
    np.testing.assert_allclose(np.linalg.norm(path[-1], axis=1), [2, 4], rtol=1e-5)
    np.testing.assert_allclose(path[-1], [[1.2, 1.6, 0], [2.4, 3.2, 0]], atol=0.01)  # in the direction of the top
    both = climb(Bowl(top), z, 50, 0.5, 1.0, largest=2.0)
    assert np.linalg.norm(both - z, axis=2).max() < 1 + 1e-5
    assert np.linalg.norm(both[:, 0], axis=1).max() < 2 + 1e-5


def test_gradients_of_the_weights_stay():
    model = linear()
    model.loss_and_grads(some(), None, y=np.ones(5, "float32"))
    before = model.grad.copy()
    climb(model, some(), 3, 0.1, 1)
    np.testing.assert_array_equal(model.grad, before)


def test_on_a_device(device):
    expected = climb(linear(mean=1.0), some(), 4, 0.1, 1.5, 2.0)
    model = linear(mean=1.0).bind("float32", device)
    z = place(some(), like=model.theta)
    assert even_rate(model, z, 4, 1.0) == pytest.approx(even_rate(linear(), some(), 4, 1.0))
    np.testing.assert_allclose(to_numpy(climb(model, z, 4, 0.1, 1.5, 2.0)), expected, rtol=1e-5, atol=1e-6)


def test_the_even_rate_reaches_the_limit_at_the_last_step():
    z = some()
    path = climb(linear(), z, 8, even_rate(linear(), z, 8, 3.0), 100)
    np.testing.assert_allclose(np.linalg.norm(path[-1] - z, axis=1), 3, rtol=1e-5)
    flat = Bowl(np.zeros(3))
    np.testing.assert_array_equal(climb(flat, 0 * z, 2, even_rate(flat, 0 * z, 2, 3.0), 3.0), 0)


def test_random_moves_have_these_lengths_and_no_direction():
    z, lengths = np.zeros((4000, 3), "float32") + W, np.linspace(0, 2, 4000)
    moves = random_moves(z, lengths, np.random.default_rng(0)) - z
    np.testing.assert_allclose(np.linalg.norm(moves, axis=1), lengths, atol=1e-5)
    assert abs(moves.mean(axis=0)).max() < 4 * 2 / math.sqrt(3 * 3 * 4000)  # mean |move|^2 is 4 / 3, a third each
    assert np.linalg.norm(random_moves(z, lengths, np.random.default_rng(0), 5.0), axis=1).max() < 5 + 1e-5

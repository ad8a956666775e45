"""Which output means what: against scipy, block by block."""

import numpy as np
import pytest
from scipy import stats

from minivae.likelihoods import LIKELIHOODS, Bernoulli, Categorical, Gaussian, GaussianFixed, GaussianFull


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_gaussian_full_reads_means_then_log_variances(rng):
    x, mu, log_var = rng.standard_normal((3, 4, 5))
    out = np.concatenate([mu, log_var], axis=1)
    likelihood = GaussianFull()
    expected = stats.norm.logpdf(x, mu, np.exp(log_var / 2)).sum(axis=1)
    np.testing.assert_allclose(likelihood.forward(x, out)[0], expected, rtol=1e-13)
    np.testing.assert_array_equal(likelihood.mean(out), mu)


def test_gaussian_starts_at_its_std_and_uses_its_parameter(rng):
    x, mu = rng.standard_normal((2, 4, 5))
    likelihood = Gaussian(std=0.3).bind("float64")
    assert likelihood.log_var.data == pytest.approx(2 * np.log(0.3), rel=1e-6)
    likelihood.log_var.data[...] = 0.8
    expected = stats.norm.logpdf(x, mu, np.exp(0.4)).sum(axis=1)
    np.testing.assert_allclose(likelihood.forward(x, mu)[0], expected, rtol=1e-13)


def test_gaussian_adds_to_the_gradient_of_its_variance():
    """dlog_var = sum g (u^2 - 1) / 2, and twice that after a second call."""
    likelihood = Gaussian(std=0.5).bind("float64")
    likelihood.zero_grad()
    _, cache = likelihood.forward(np.array([[0.0, 1.0]]), np.array([[0.0, 0.0]]))
    for total in (2 * (4 - 2) / 2, 4 * (4 - 2) / 2):
        likelihood.backward(np.array([2.0]), cache)
        np.testing.assert_allclose(likelihood.grad, total, rtol=1e-6)


def test_gaussian_fixed_is_a_squared_error(rng):
    x, mu = rng.standard_normal((2, 4, 5))
    expected = stats.norm.logpdf(x, mu, 0.7).sum(axis=1)
    np.testing.assert_allclose(GaussianFixed(0.7).forward(x, mu)[0], expected, rtol=1e-13)
    for std in (0, -1, np.nan, np.inf):
        with pytest.raises(ValueError, match="std: expected a finite number > 1e-18 and < 1e\\+18"):
            GaussianFixed(std)


@pytest.mark.parametrize("likelihood", [Gaussian(0.5), GaussianFixed(0.5), GaussianFull()])
def test_draws_have_the_variance(likelihood, rng):
    out = np.log(0.25) * np.ones(2 * likelihood.n_out)
    draws = likelihood.draw(out, likelihood.draw_noise(rng, (400_000, 2)).astype("float64"))
    squares = (draws - likelihood.mean(out)) ** 2
    error = squares.std(axis=0) / len(draws) ** 0.5
    assert (np.abs(squares.mean(axis=0) - 0.25) < 4 * error).all()
    assert (np.abs(squares.mean(axis=0) - 0.26) > 8 * error).all()  # the test can fail


def test_bernoulli_mean_is_a_probability():
    np.testing.assert_allclose(Bernoulli().mean(np.array([0.0, np.log(3)])), [0.5, 0.75], rtol=1e-14)
    draws = Bernoulli().draw(np.full((4, 1), np.log(3)), np.array([[0.0], [0.74], [0.76], [0.999]]))
    np.testing.assert_array_equal(draws[:, 0], [1, 1, 0, 0])


def test_categorical_reads_a_block_of_logits_per_level(rng):
    x, logits = rng.integers(0, 5, (4, 3)), rng.standard_normal((4, 5, 3))
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    expected = [sum(np.log(p[n, x[n, d], d]) for d in range(3)) for n in range(4)]
    likelihood, out = Categorical(5), logits.reshape(4, 15)
    np.testing.assert_allclose(likelihood.forward(x / 4, out)[0], expected, rtol=1e-12)
    np.testing.assert_allclose(likelihood.mean(out), (p * np.arange(5)[:, None] / 4).sum(axis=1), rtol=1e-12)


def test_categorical_draws_each_level_as_often_as_it_is_probable(rng):
    p, likelihood = np.array([0.1, 0.2, 0.3, 0.4]), Categorical(4)
    noise = likelihood.draw_noise(rng, (200_000, 1)).astype("float64")
    draws = likelihood.draw(np.broadcast_to(np.log(p), (200_000, 4)), noise)
    assert set(np.unique(draws)) == {0, 1 / 3, 2 / 3, 1}
    often = (draws == np.arange(4) / 3).mean(axis=0)
    error = np.sqrt(p * (1 - p) / len(draws))
    assert (np.abs(often - p) < 4 * error).all()
    assert (np.abs(often - p - 0.01) > 8 * error).all()  # the test can fail
    top = likelihood.draw(np.zeros((1, 4), "float32"), np.full((1, 1), 2, "float32"))
    assert top == 1  # cumulated probabilities may end below the noise


def test_two_levels_are_a_bernoulli(rng):
    logits, x = rng.standard_normal((4, 3)), (rng.random((4, 3)) < 0.5).astype(float)
    out = np.concatenate([np.zeros((4, 3)), logits], axis=1)
    two, bernoulli = Categorical(2), Bernoulli()
    np.testing.assert_allclose(two.forward(x, out)[0], bernoulli.forward(x, logits)[0], rtol=1e-12)
    np.testing.assert_allclose(two.mean(out), bernoulli.mean(logits), rtol=1e-12)
    with pytest.raises(ValueError, match="levels: expected a whole number >= 2, got 1"):
        Categorical(1)


def test_what_they_are_without_options():
    assert Gaussian().log_var.data == pytest.approx(2 * np.log(0.2), rel=1e-6)
    assert GaussianFixed().std == 0.1
    assert Categorical().n_out == 16


def test_what_has_no_probability_is_not_drawn():
    """Uniform noise may be 0, and never is 1."""
    np.testing.assert_array_equal(Bernoulli().draw(np.array([-1000.0, 1000.0]), np.array([0.0, 1 - 2**-24])), [0, 1])


@pytest.mark.parametrize(("likelihood", "columns"), [(GaussianFull(), 5), (Categorical(3), 7)])
def test_blocks_have_equal_widths(likelihood, columns):
    """No column is dropped, none stretched."""
    x, out = np.zeros((2, 1)), np.zeros((2, columns))
    with pytest.raises(ValueError, match=f"out: expected a multiple of {likelihood.n_out} columns, got {columns}"):
        likelihood.forward(x, out)
    with pytest.raises(ValueError, match="out: expected a multiple"):
        likelihood.mean(out)


@pytest.mark.parametrize("make", LIKELIHOODS.values(), ids=LIKELIHOODS)
def test_no_examples(make, rng):
    likelihood = make().bind("float64")
    x, out = np.zeros((0, 3)), np.zeros((0, 3 * likelihood.n_out))
    log_px_z, cache = likelihood.forward(x, out)
    assert log_px_z.shape == (0,)
    assert likelihood.backward(log_px_z, cache).shape == out.shape
    assert likelihood.mean(out).shape == likelihood.draw(out, likelihood.draw_noise(rng, (0, 3))).shape == x.shape


@pytest.mark.parametrize("bad", [-0.1, 1.001, 255, -np.inf, np.inf])
def test_what_is_no_level_has_no_probability(bad, rng):
    """Its log-probability would be that of no level."""
    likelihood = Categorical()
    x = np.array([[0.0, 1.0], [0.5, bad]])
    with pytest.raises(ValueError, match="x: expected numbers from 0 to 1, got "):
        likelihood.forward(x, rng.standard_normal((2, 2 * likelihood.n_out)))


@pytest.mark.parametrize("make", [Bernoulli, lambda: Categorical(4)])
def test_nan_has_no_probability(make, rng):
    """No finite number stands for it, and the other examples keep theirs."""
    likelihood = make()
    x = np.array([[0.0, 1.0], [0.5, np.nan]])
    log_px_z, cache = likelihood.forward(x, rng.standard_normal((2, 2 * likelihood.n_out)))
    dout = likelihood.backward(np.ones(2), cache)
    np.testing.assert_array_equal(np.isnan(log_px_z), [False, True])
    np.testing.assert_array_equal(np.isnan(dout).any(axis=1), [False, True])


@pytest.mark.parametrize("make", [Bernoulli, lambda: Categorical(4)])
def test_no_log_probability_is_positive(make, rng):
    likelihood = make()
    out = (rng.choice([1, 30, 1000], (50, 1)) * rng.standard_normal((50, 3 * likelihood.n_out))).astype("float32")
    log_px_z, _ = likelihood.forward(rng.random((50, 3), dtype="float32"), out)
    assert (log_px_z <= 0).all()


@pytest.mark.parametrize("levels", [2, 3, 16, 256])
def test_categorical_takes_the_nearest_level(levels):
    """Just below half-way between two levels it is the lower one, just above it the upper one."""
    logits = np.log1p(np.arange(levels, dtype="float64"))  # each level its own probability
    log_p = logits - np.log(np.exp(logits).sum())
    for offset, chosen in ((-0.499, 0), (0.499, 0), (0.501, 1), (0, 0)):
        k = np.arange(levels)
        x = (k + offset) / (levels - 1)
        inside = (x >= 0) & (x <= 1)
        log_px_z, _ = Categorical(levels).forward(x[inside, None], np.tile(logits, (inside.sum(), 1)))
        np.testing.assert_allclose(log_px_z, log_p[k[inside] + chosen], rtol=1e-12)


@pytest.mark.parametrize("cls", LIKELIHOODS.values())
def test_noise_is_float32(cls, rng):
    noise = cls().draw_noise(rng, (4, 3))
    assert (noise.shape, noise.dtype) == ((4, 3), np.float32)

"""Laws: a right gradient of a wrong function passes every gradient check, so the functions are checked too."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from minivae.densities import (
    bernoulli_log_prob,
    bernoulli_log_prob_backward,
    categorical_log_prob,
    categorical_log_prob_backward,
    free_bits,
    free_bits_backward,
    gaussian_log_prob,
    kl_gaussians,
    kl_standard_normal,
    log_mean_exp,
    log_mean_exp_backward,
    reparameterize,
    standard_normal_log_prob,
)
from minivae.numeric import sigmoid

MU, LOG_VAR = np.array([0.7, -1.3, 0.2]), np.array([-2.0, 0.4, 1.1])


def z_score(samples, truth):
    """How many standard errors the sample mean is from `truth`."""
    return (samples.mean(axis=0) - truth) / (samples.std(axis=0, ddof=1) / len(samples) ** 0.5)


def draws(n, seed=0):
    return reparameterize(MU, LOG_VAR, eps=np.random.default_rng(seed).standard_normal((n, 3)))


def test_variance_of_z_is_exp_log_var():
    """Pitfall 1: std = exp(log_var) in the sampler passes every gradient check."""
    z = draws(4_000_000)
    assert np.abs(z_score(z, MU)).max() < 4
    squares = (z - MU) ** 2
    assert np.abs(z_score(squares, np.exp(LOG_VAR))).max() < 4
    assert np.abs(z_score(squares, 1.01 * np.exp(LOG_VAR))).min() > 8  # the test can fail


def test_monte_carlo_kl_is_the_analytic_kl():
    z = draws(4_000_000)
    log_q = gaussian_log_prob(z, MU, LOG_VAR)
    truth = kl_standard_normal(MU, LOG_VAR).sum()
    ratio = log_q - standard_normal_log_prob(z)
    assert abs(z_score(ratio, truth)) < 4
    assert abs(z_score(ratio, 1.01 * truth)) > 8
    mu_p, log_var_p = np.array([0.1, -0.5, 1.0]), np.array([0.3, -0.6, 0.2])
    truth = kl_gaussians(MU, LOG_VAR, mu_p, log_var_p).sum()
    ratio = log_q - gaussian_log_prob(z, mu_p, log_var_p)
    assert abs(z_score(ratio, truth)) < 4
    assert abs(z_score(ratio, 1.01 * truth)) > 8


def test_pitfall_1_in_numbers():
    """At log_var -2 a sampler with std = exp(log_var) would have a KL of 1.51 nats; the one charged is 0.57."""
    zero = np.zeros(1)
    assert kl_standard_normal(zero, np.array([-2.0])) == pytest.approx(0.5677, abs=1e-4)
    assert kl_standard_normal(zero, np.array([-4.0])) == pytest.approx(1.5092, abs=1e-4)


def test_against_scipy():
    rng = np.random.default_rng(0)
    x, mu, log_var = rng.standard_normal((3, 5, 4))
    expected = stats.norm.logpdf(x, mu, np.exp(log_var / 2)).sum(axis=-1)
    np.testing.assert_allclose(gaussian_log_prob(x, mu, log_var), expected, rtol=1e-13)
    np.testing.assert_allclose(standard_normal_log_prob(x), stats.norm.logpdf(x).sum(axis=-1), rtol=1e-13)
    bits = (x > 0).astype(float)
    expected = stats.bernoulli.logpmf(bits, sigmoid(mu)).sum(axis=-1)
    np.testing.assert_allclose(bernoulli_log_prob(mu, x=bits), expected, rtol=1e-12)


def test_densities_integrate_to_one():
    """Pitfall 14: a constant too many or too few."""
    total, _ = integrate.dblquad(
        lambda b, a: math.exp(gaussian_log_prob(np.array([a, b]), MU[:2], LOG_VAR[:2])), -3, 4.5, -12, 10)  # fmt: skip
    assert total == pytest.approx(1, abs=1e-6)
    total, _ = integrate.quad(lambda a: math.exp(standard_normal_log_prob(np.array([a]))), -10, 10)
    assert total == pytest.approx(1, abs=1e-9)
    all_bits = np.array(list(itertools.product((0.0, 1.0), repeat=3)))
    assert np.exp(bernoulli_log_prob(MU, x=all_bits)).sum() == pytest.approx(1, abs=1e-14)
    logits = np.random.default_rng(0).standard_normal((3, 4))
    every = np.array(list(itertools.product(range(3), repeat=4)))
    assert np.exp(categorical_log_prob(logits, x=every)).sum() == pytest.approx(1, abs=1e-14)


def test_kl_to_itself_is_zero_and_to_the_standard_normal_agrees():
    assert kl_gaussians(MU, LOG_VAR, MU, LOG_VAR) == pytest.approx(0, abs=1e-15)
    assert kl_gaussians(MU, LOG_VAR, 0 * MU, 0 * MU) == pytest.approx(kl_standard_normal(MU, LOG_VAR), rel=1e-14)


@given(st.lists(st.tuples(st.floats(-5, 5), st.floats(-10, 5)), min_size=1, max_size=4))
def test_kl_is_never_negative(pairs):
    mu, log_var = np.array(pairs).T
    assert (kl_standard_normal(mu, log_var) >= -1e-12).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_bernoulli_is_exact_at_saturated_logits(dtype):
    """Pitfall 12: a clipped probability has no gradient on a confident wrong pixel."""
    logits = np.array([[1000.0], [-1000.0], [1000.0], [-1000.0]], dtype)
    x = np.array([[1.0], [0.0], [0.0], [1.0]], dtype)
    with np.errstate(all="raise", under="ignore"):
        np.testing.assert_array_equal(bernoulli_log_prob(logits, x=x), np.array([0, 0, -1000, -1000], dtype))
        dlogits = bernoulli_log_prob_backward(np.ones(4, dtype), logits, x=x)
        np.testing.assert_allclose(dlogits[:, 0], [0, 0, -1, 1], rtol=0, atol=1e-38)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_bernoulli_is_right_where_a_pixel_is_confident(dtype):
    """Relative to the true value, in float32 as well: log p = -2e-9 and dl = -2e-9 for a 0 at logit -20, not 0."""
    size = np.linspace(0.5, 80, 400).astype(dtype)[:, None]
    e = np.exp(-size.astype("longdouble"))  # of the true values
    g = np.ones(400, dtype)
    limit = 4 * np.finfo(dtype).eps
    for logits, x, dlogits in ((-size, 0.0, -e / (1 + e)), (size, 1.0, e / (1 + e)), (size, 0.0, -1 / (1 + e)),
                               (-size, 1.0, 1 / (1 + e)), (size, 0.5, 0.5 - 1 / (1 + e))):  # fmt: skip
        data = {"x": np.full_like(size, x)}
        log_p = x * logits.astype("longdouble") - np.maximum(logits, 0) - np.log1p(e)
        np.testing.assert_allclose(bernoulli_log_prob(logits, **data), log_p[:, 0], rtol=limit)
        np.testing.assert_allclose(bernoulli_log_prob_backward(g, logits, **data), dlogits, rtol=limit)


def test_bernoulli_takes_bits_of_any_dtype():
    logits = np.array([[0.3, -2.0]], "float32")
    g = np.ones(1, "float32")
    bits = np.array([[1.0, 0.0]], "float32")
    for x in (bits.astype("uint8"), bits.astype("int64"), bits.astype(bool)):
        for f, args in ((bernoulli_log_prob, (logits,)), (bernoulli_log_prob_backward, (g, logits))):
            assert f(*args, x=x).dtype == "float32"
            np.testing.assert_array_equal(f(*args, x=x), f(*args, x=bits))


@given(st.floats(-1000, 1000), st.floats(0, 1))
def test_bernoulli_against_logaddexp(logit, x):
    exact = x * -np.logaddexp(0, -logit) + (1 - x) * -np.logaddexp(0, logit)
    got = bernoulli_log_prob(np.array([logit]), x=np.array([x]))
    assert got == pytest.approx(exact, rel=1e-12, abs=1e-12)


def test_chance_level():
    """A decoder at logits 0 costs D ln 2, whatever the bits: 543.43 nats for MNIST."""
    bits = (np.random.default_rng(0).random((3, 784)) < 0.3).astype("float32")
    np.testing.assert_allclose(-bernoulli_log_prob(np.zeros((3, 784), "float32"), x=bits), 543.43, atol=0.005)


def test_tiling_the_data_scales_log_prob():
    rng = np.random.default_rng(0)
    logits, x = rng.standard_normal((2, 3, 5)), (rng.random((2, 3, 5)) < 0.5).astype(float)
    twice = bernoulli_log_prob(np.tile(logits, 2), x=np.tile(x, 2))
    np.testing.assert_allclose(twice, 2 * bernoulli_log_prob(logits, x=x), rtol=1e-14)
    np.testing.assert_allclose(gaussian_log_prob(np.tile(x, 2), np.tile(logits, 2), np.zeros(10)),
                               2 * gaussian_log_prob(x, logits, np.zeros(5)), rtol=1e-14)  # fmt: skip


def test_categorical_is_exact_at_saturated_logits():
    logits = np.array([[1000.0], [-1000.0]])
    with np.errstate(all="raise", under="ignore"):
        assert [categorical_log_prob(logits, x=np.array([k])) for k in (0, 1)] == [0, -2000]
        dlogits = categorical_log_prob_backward(np.array([1.0]), logits[None], x=np.array([[1]]))
        np.testing.assert_array_equal(dlogits, [[[-1], [1]]])


@pytest.mark.parametrize("bad", [-1, 3, 0.5, 1.5, np.nan, np.inf, -np.inf])
def test_categorical_of_what_is_no_level_is_nan(bad):
    """Neither a log-probability nor a gradient, of this coordinate alone."""
    rng = np.random.default_rng(0)
    logits = rng.standard_normal((2, 3, 4)).astype("float32")
    x = np.array([[0, 1, 2, 0], [0, bad, 2, 0]])
    log_p = categorical_log_prob(logits, x=x)
    assert np.isfinite(log_p[0])
    assert np.isnan(log_p[1])
    dlogits = categorical_log_prob_backward(np.ones(2, "float32"), logits, x=x)
    assert log_p.dtype == dlogits.dtype == "float32"
    np.testing.assert_array_equal(np.isnan(dlogits).all(axis=1), [[False] * 4, [False, True, False, False]])
    assert np.isnan(dlogits).sum() == 3


def test_free_bits():
    """Latents that cost less than `least` on average cost `least`, and have no gradient; 0 changes nothing."""
    kl = np.array([[0.1, 2.0, 0.0], [0.3, 4.0, 0.0]])
    assert free_bits(kl, least=0.5) == pytest.approx(0.5 + 3.0 + 0.5)
    np.testing.assert_allclose(free_bits_backward(2.0, kl, least=0.5), [[0, 1, 0], [0, 1, 0]])
    assert free_bits(kl, least=0.0) == pytest.approx(kl.sum(axis=1).mean())
    np.testing.assert_allclose(free_bits_backward(1.0, kl, least=0.0), np.full((2, 3), 0.5))
    np.testing.assert_allclose(free_bits(np.tile(kl, (2, 1)), least=0.5), free_bits(kl, least=0.5))  # batch size
    assert free_bits(np.array([[0.0], [2.0]]), least=1.0) == 1.0  # the average counts, not each example
    np.testing.assert_array_equal(free_bits_backward(1.0, np.array([[-1e-9]]), least=0.0), 1)  # rounding, not a bit
    np.testing.assert_array_equal(free_bits_backward(1.0, np.array([[0.25], [0.75]]), least=0.5), [[0.5], [0.5]])  # tie


def test_log_mean_exp():
    log_w = np.log(np.array([[1.0, 2.0], [3.0, 6.0]]))
    np.testing.assert_allclose(log_mean_exp(log_w), np.log([2.0, 4.0]), rtol=1e-15)
    np.testing.assert_allclose(log_mean_exp(log_w - 5000), np.log([2.0, 4.0]) - 5000, rtol=1e-15)
    for far in ([0, -5000], [5000, 0]):  # each column by itself is shifted
        dlog_w = log_mean_exp_backward(np.array([1.0, 2.0]), log_w + far)
        np.testing.assert_allclose(dlog_w, [[0.25, 0.5], [0.75, 1.5]], rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_log_mean_exp_of_samples_without_probability(dtype):
    """-inf if all are; one that is not has all the weight. No warning either way."""
    inf = np.inf
    log_w = np.array([[-inf, -inf, 0, inf], [-inf, 2, 0, 0], [-inf, -inf, -inf, 1]], dtype)
    got = log_mean_exp(log_w)
    assert got.dtype == dtype
    np.testing.assert_allclose(got, [-inf, 2 - math.log(3), math.log(2 / 3), inf], rtol=1e-6)
    dlog_w = log_mean_exp_backward(np.ones(3, dtype), log_w[:, :3])
    assert dlog_w.dtype == dtype
    np.testing.assert_allclose(dlog_w, [[0, 0, 0.5], [0, 1, 0.5], [0, 0, 0]])
    assert np.isnan(log_mean_exp(np.array([0, np.nan], dtype)))

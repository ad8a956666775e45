"""Laws: a right gradient of a wrong function passes every gradient check, so the functions are checked too."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, special, stats

from minivae.densities import (
    bernoulli_log_prob,
    bernoulli_log_prob_backward,
    categorical_log_prob,
    categorical_log_prob_backward,
    free_bits,
    free_bits_backward,
    gaussian_log_prob,
    gaussian_log_prob_backward,
    kl_gaussians,
    kl_standard_normal,
    log_mean_exp,
    log_mean_exp_backward,
    negative_binomial_log_prob,
    negative_binomial_log_prob_backward,
    poisson_log_prob,
    poisson_log_prob_backward,
    reparameterize,
    softmax_log_prob,
    softmax_log_prob_backward,
    standard_normal_log_prob,
    student_t_log_prob,
    student_t_log_prob_backward,
)
from minivae.numeric import digamma_less_log, sigmoid, softplus

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


# ---- Student's t, counts, one choice of D

X = np.array([0.0, 1.0, 2.0, 7.0, 40.0, 1e3, 1e5, 1e7])


def test_student_t_against_scipy():
    rng = np.random.default_rng(0)
    x, mu, log_var = 3 * rng.standard_normal((3, 4, 5))
    for df in (0.3, 1.0, 2.5, 5.0, 30.0, 1e3, 1e5):
        expected = stats.t.logpdf(x, df, mu, np.exp(log_var / 2)).sum(axis=1)
        got = student_t_log_prob(x, mu, log_var, np.array([math.log(df)]))
        np.testing.assert_allclose(got, expected, rtol=1e-9)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_student_t_of_many_degrees_is_a_gaussian(dtype):
    """Value and gradients, where gamma functions would cancel; and no pull towards still more degrees of freedom."""
    rng = np.random.default_rng(0)
    x, mu = rng.standard_normal((2, 4, 5)).astype(dtype)
    log_var, g = np.full(1, 0.3, dtype), np.ones(4, dtype)
    tolerance = {"rtol": 1e-5 if dtype == "float32" else 1e-11}
    expected = gaussian_log_prob_backward(g, x, mu, log_var)
    for log_df in (30.0, 60.0, 85.0):
        log_df = np.full(1, log_df, dtype)
        np.testing.assert_allclose(student_t_log_prob(x, mu, log_var, log_df), gaussian_log_prob(x, mu, log_var),
                                   **tolerance)  # fmt: skip
        *grads, dlog_df = student_t_log_prob_backward(g, x, mu, log_var, log_df)
        for a, b in zip(grads, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4 if dtype == "float32" else 1e-10)
        assert abs(dlog_df) < 1e-5 if dtype == "float32" else abs(dlog_df) < 1e-11


def test_student_t_slope_of_the_degrees_of_freedom():
    """Against differences in longer arithmetic: from a few degrees to so many that it is 1 / df."""
    mpmath = pytest.importorskip("mpmath")
    u = 1.7

    def log_p(log_df):
        v = mpmath.exp(log_df)
        return (mpmath.loggamma((v + 1) / 2) - mpmath.loggamma(v / 2) - mpmath.log(mpmath.pi * v) / 2
                - (v + 1) / 2 * mpmath.log1p(u**2 / v))  # fmt: skip

    with mpmath.workdps(60):
        for log_df in (-3.0, 0.0, 1.6, 4.0, 5.3, 6.0, 12.0):
            expected = float(mpmath.diff(log_p, mpmath.mpf(log_df)))
            got = student_t_log_prob_backward(np.ones(()), *map(np.array, ([u], [0.0], [0.0], [log_df])))[3]
            assert got[0] == pytest.approx(expected, rel=1e-9, abs=1e-14)


def test_student_t_integrates_to_one():
    for df in (0.5, 1.0, 4.0, 1e4):
        at = np.array([0.3]), np.array([1.1]), np.array([math.log(df)])
        total = sum(integrate.quad(lambda x: np.exp(student_t_log_prob(np.array([x]), *at)), *ends, epsabs=1e-11)[0]  # noqa: B023
                    for ends in ((-np.inf, 0.3), (0.3, np.inf)))  # fmt: skip
        assert total == pytest.approx(1, abs=1e-8)


def test_counts_against_scipy():
    for m in (1e-3, 0.7, 5.0, 300.0, 1e5):
        log_m = np.full((8, 1), math.log(m))
        np.testing.assert_allclose(poisson_log_prob(log_m, x=X[:, None]), stats.poisson.logpmf(X, m), rtol=1e-9)
        for r in (0.1, 1.0, 20.0, 1e4):
            got = negative_binomial_log_prob(log_m, np.array([math.log(r)]), x=X[:, None])
            np.testing.assert_allclose(got, stats.nbinom.logpmf(X, r, r / (r + m)), rtol=1e-7, atol=1e-9)


def test_counts_sum_to_one_and_have_their_moments():
    x = np.arange(4000.0)[:, None]
    for m, r in ((0.2, 0.5), (3.0, 2.0), (40.0, 10.0)):
        log_m, log_r = np.array([math.log(m)]), np.array([math.log(r)])
        for p, variance in (
            (poisson_log_prob(log_m, x=x), m),
            (negative_binomial_log_prob(log_m, log_r, x=x), m + m * m / r),
        ):
            p = np.exp(p)
            assert p.sum() == pytest.approx(1, abs=1e-10)
            assert p @ x[:, 0] == pytest.approx(m, rel=1e-9)
            assert p @ (x[:, 0] - m) ** 2 == pytest.approx(variance, rel=1e-9)


def test_negative_binomial_of_a_large_r_is_a_poisson():
    """Value and gradient, where gamma functions would cancel; that of log_r is (x - (x - m)^2) / (2 r), or 0."""
    x, log_m, g = np.array([[0.0, 1.0, 5.0, 30.0]]), np.log([[0.5, 2.0, 4.0, 20.0]]), np.ones(1)
    expected = poisson_log_prob(log_m, x=x), poisson_log_prob_backward(g, log_m, x=x)
    for log_r in (25.0, 40.0, 200.0):
        got = negative_binomial_log_prob(log_m, np.array([log_r]), x=x)
        np.testing.assert_allclose(got, expected[0], rtol=1e-7)
        dlog_m, dlog_r = negative_binomial_log_prob_backward(g, log_m, np.array([log_r]), x=x)
        np.testing.assert_allclose(dlog_m, expected[1], rtol=1e-9)
        assert abs(dlog_r[0]) < 1e-8
    dlog_r = negative_binomial_log_prob_backward(g, log_m, np.full((1, 4), math.log(1e5)), x=x)[1]
    np.testing.assert_allclose(dlog_r, (x - (x - np.exp(log_m)) ** 2) / 2e5, rtol=1e-2, atol=1e-9)


def test_what_stands_in_for_differences_of_large_numbers():
    y = np.array([1e-3, 0.5, 3.0, 99.0, 101.0, 1e4])
    np.testing.assert_allclose(digamma_less_log(y), special.digamma(y) - np.log(y), rtol=1e-9)
    edge = digamma_less_log(np.array([100.0, np.nextafter(100, 101)]))
    np.testing.assert_allclose(*edge, rtol=1e-10)  # the series begins where it is as good
    np.testing.assert_allclose(digamma_less_log(np.array([1e20])), -0.5e-20)
    t = np.array([-800.0, -40.0, -1.0, 0.0, 1.0, 40.0, 800.0])
    np.testing.assert_allclose(softplus(t), np.logaddexp(t, 0), rtol=1e-15)


@pytest.mark.parametrize("f", [poisson_log_prob, negative_binomial_log_prob])
def test_counts_in_float32_are_those_of_float64(f):
    """At counts of 1e5, where log x! is a million: float32 inside would be wrong by a tenth of a nat."""
    rng = np.random.default_rng(0)
    backward = {poisson_log_prob: poisson_log_prob_backward}.get(f, negative_binomial_log_prob_backward)
    log_m = (math.log(1e5) + 0.003 * rng.standard_normal((6, 3))).astype("float32")
    rough = [log_m] if f is poisson_log_prob else [log_m, np.array([3.0], "float32")]
    x, g = rng.poisson(1e5, (6, 3)).astype("float32"), rng.standard_normal(6).astype("float32")
    exact = [a.astype("float64") for a in rough]
    np.testing.assert_allclose(f(*rough, x=x), f(*exact, x=x.astype("float64")), rtol=1e-6)
    pairs = [backward(g, *args, x=x) for args in (rough, exact)]
    for a, b in zip(*(v if isinstance(v, tuple) else (v,) for v in pairs), strict=True):
        assert (a.dtype, b.dtype) == ("float32", "float64")
        np.testing.assert_allclose(a, b, rtol=1e-6)
    in_float32 = x * log_m - np.exp(log_m) - special.gammaln(x + 1)
    assert np.abs(in_float32.sum(axis=1) - poisson_log_prob(log_m, x=x)).max() > 0.1  # the test can fail


def test_counts_at_rates_that_overflow():
    """The value falls without end, or as the logarithm; nothing is NaN. No count at no rate is certain."""
    far, one, x = np.array([[2000.0]]), np.ones(1), np.array([[3.0]])
    with np.errstate(over="ignore"):
        assert poisson_log_prob(far, x=x) == -np.inf
        assert poisson_log_prob_backward(one, far, x=x) == -np.inf
        assert negative_binomial_log_prob(far, one, x=x) == pytest.approx(-math.e * 1999, rel=1e-2)
        for a in negative_binomial_log_prob_backward(one, far, one, x=x):
            assert np.isfinite(a).all()
    assert poisson_log_prob(-far, x=0 * x) == 0
    assert negative_binomial_log_prob(-far, one, x=0 * x) == pytest.approx(0, abs=1e-12)


def test_one_choice_of_many():
    """Against the softmax, and a multinomial without its coefficient; exact where logits are far apart."""
    rng = np.random.default_rng(0)
    logits, x = rng.standard_normal((4, 5)), np.eye(5)[[0, 3, 3, 4]]
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(softmax_log_prob(logits, x=x), np.log((p * x).sum(axis=1)), rtol=1e-13)
    counts = rng.integers(0, 9, (4, 5))
    coefficient = special.gammaln(counts.sum(axis=1) + 1) - special.gammaln(counts + 1).sum(axis=1)
    expected = [stats.multinomial.logpmf(c, c.sum(), q) for c, q in zip(counts, p, strict=True)]
    np.testing.assert_allclose(softmax_log_prob(logits, x=counts), expected - coefficient, rtol=1e-11)
    far = np.array([1000.0, -1000.0])
    assert [softmax_log_prob(far, x=np.eye(2)[k]) for k in (0, 1)] == [0, -2000]
    np.testing.assert_array_equal(softmax_log_prob_backward(np.ones(()), far, x=np.eye(2)[1]), [-1, 1])


def test_terms_that_do_not_count():
    """As if their columns were not there, whatever stands in them, infinity too."""
    rng = np.random.default_rng(0)
    a, b, c = rng.standard_normal((3, 2, 4))
    observed, x, g = np.array([True, False, True, False]), np.arange(8.0).reshape(2, 4), np.array([0.5, 2.0])
    for f, backward, args, data in (
        (gaussian_log_prob, gaussian_log_prob_backward, (x, a, b), {}),
        (student_t_log_prob, student_t_log_prob_backward, (x, a, b, c), {}),
        (poisson_log_prob, poisson_log_prob_backward, (a,), {"x": x}),
        (negative_binomial_log_prob, negative_binomial_log_prob_backward, (a, b), {"x": x}),
    ):
        fewer, few = [v[:, observed] for v in args], {k: v[:, observed] for k, v in data.items()}
        args[0][:, 1] = 800.0  # exp of it is infinite
        with np.errstate(over="ignore"):
            np.testing.assert_allclose(f(*args, **data, observed=observed), f(*fewer, **few), rtol=1e-14)
            grads = [backward(g, *v, **d) for v, d in ((args, data | {"observed": observed}), (fewer, few))]
        grads = [v if isinstance(v, tuple) else (v,) for v in grads]
        for got, expected in zip(*grads, strict=True):
            np.testing.assert_allclose(got[:, observed], expected, rtol=1e-14)
            np.testing.assert_array_equal(got[:, ~observed], 0)
        args[0][:, 1] = 0

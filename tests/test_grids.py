"""Probabilities of grey levels: against scipy, at both ends of every output, and what a new network begins with."""

import numpy as np
import pytest
from scipy import special, stats

from minivae.levels import (
    beta_binomial_log_prob,
    beta_binomial_log_prob_backward,
    logistic_log_prob,
    logistic_log_prob_backward,
    mixture_log_prob,
)
from minivae.likelihoods import LIKELIHOODS, Bernoulli, BetaBinomial, Categorical, DiscretizedLogisticMixture

MAKERS = {
    "mixture": DiscretizedLogisticMixture,
    "one logistic": lambda levels: DiscretizedLogisticMixture(levels, 1),
    "beta-binomial": BetaBinomial,
}
EACH = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def of_every_level(likelihood, out):
    """log P of each level (levels, ...): out (..., n_out * D) of D = 1."""
    levels = likelihood.n_levels
    x = np.linspace(0, 1, levels).reshape(levels, *[1] * out.ndim)
    return likelihood.forward(np.broadcast_to(x, (levels, *out.shape[:-1], 1)).astype(out.dtype), out)[0]


@EACH
@pytest.mark.parametrize("levels", [2, 3, 17, 256])
@pytest.mark.parametrize("size", [0, 1, 8, 40, 300])
def test_all_levels_together_are_certain(make, levels, size, rng):
    likelihood = make(levels)
    out = size * rng.uniform(-1, 1, (60, likelihood.n_out))
    if make is not BetaBinomial:
        out[:, -likelihood.M :] = np.minimum(out[:, -likelihood.M :], 30)  # wider scales have tails alone, which round
    log_p = of_every_level(likelihood, out)
    assert (log_p < 1e-12).all()
    np.testing.assert_allclose(np.exp(log_p).sum(axis=0), 1, rtol=1e-11)
    np.testing.assert_allclose(likelihood.mean(out)[:, 0], np.linspace(0, 1, levels) @ np.exp(log_p), atol=1e-11)


@EACH
def test_float32_is_near_float64(make, rng):
    """The sums of 784 numbers, and each gradient."""
    likelihood = make(256)
    out = rng.standard_normal((20, 784 * likelihood.n_out))
    x, g = rng.integers(0, 256, (20, 784)) / 255, np.ones(20)
    results = []
    for dtype in ("float64", "float32"):
        log_p, cache = likelihood.forward(x.astype(dtype), out.astype(dtype))
        results.append((log_p, likelihood.backward(g.astype(dtype), cache), likelihood.mean(out.astype(dtype))))
        assert all(a.dtype == dtype for a in results[-1])
    for exact, rounded in zip(*results, strict=True):
        np.testing.assert_allclose(rounded, exact, rtol=1e-4, atol=1e-4)


@EACH
def test_of_missing_and_impossible_values(make, rng):
    """A number that is no level has no probability; on a device, where its range is not looked at, that is NaN."""
    likelihood = make(4)
    out = rng.standard_normal((2, 2 * likelihood.n_out))
    with pytest.raises(ValueError, match="x: expected numbers from 0 to 1, got "):
        likelihood.forward(np.array([[0.0, 1.0], [0.5, 1.2]]), out)
    log_px_z, cache = likelihood.forward(np.array([[0.0, 1.0], [0.5, np.nan]]), out)
    np.testing.assert_array_equal(np.isnan(log_px_z), [False, True])
    np.testing.assert_array_equal(np.isnan(likelihood.backward(np.ones(2), cache)).any(axis=1), [False, True])


@EACH
def test_draws_come_from_the_cumulated_probabilities(make, rng):
    """One uniform number for each value: level k as long as P(x < k) is below it, and never one without a chance."""
    likelihood = make(6)
    out = rng.standard_normal(likelihood.n_out)
    ends = np.exp(of_every_level(likelihood, out)).cumsum()[:-1]
    u = np.sort(np.concatenate([ends - 1e-9, ends + 1e-9]))[:, None]
    drawn = likelihood.draw(np.tile(out, (10, 1)), u)
    np.testing.assert_allclose(5 * drawn[:, 0], [0, 1, 1, 2, 2, 3, 3, 4, 4, 5], atol=1e-12)
    certain = np.full(likelihood.n_out, 40.0)  # a mean that is far above the last level, or is the last
    if make is not BetaBinomial:
        certain[-likelihood.M :] = 0
    assert likelihood.draw(certain[None], np.zeros((1, 1))) == 1


def test_what_they_are_without_options():
    mixture = DiscretizedLogisticMixture()
    assert (mixture.n_levels, mixture.M, mixture.n_out) == (256, 5, 15)
    assert BetaBinomial().n_levels == 256
    numbers = {name: cls().n_levels for name, cls in LIKELIHOODS.items() if cls().n_levels is not None}
    assert numbers == {"bernoulli": 2, "categorical": 16, "logistic-mixture": 256, "beta-binomial": 256}
    for make, message in (
        (lambda: BetaBinomial(1), "levels: expected a whole number >= 2, got 1"),
        (lambda: DiscretizedLogisticMixture(4, 0), "mixtures: expected a whole number >= 1, got 0"),
        (lambda: BetaBinomial().mean(np.zeros((1, 3))), "out: expected a multiple of 2 columns, got 3"),
        (lambda: DiscretizedLogisticMixture(9, 2).mean(np.zeros((1, 7))), "out: expected a multiple of 6 columns"),
    ):
        with pytest.raises(ValueError, match=message):
            make()


# ---- logistic mixture


def test_mixture_reads_logits_then_means_then_scales(rng):
    """Differences of scipy's distribution function, in units of x: a step of 1 / 15, tails at both ends."""
    M, n = 3, 15
    logits, mu, log_scale = rng.standard_normal((3, 4, M, 5))
    x = rng.integers(0, 16, (4, 5))
    x[0, :2] = 0, 15
    weights = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    law = stats.logistic((np.arange(M)[:, None] + 0.5) / M + mu / 8, np.exp(log_scale) / 8)
    lower = np.where(x == 0, -np.inf, (x - 0.5) / n)[:, None]
    upper = np.where(x == n, np.inf, (x + 0.5) / n)[:, None]
    expected = np.log((weights * (law.cdf(upper) - law.cdf(lower))).sum(axis=1)).sum(axis=1)
    out = np.stack([logits, mu, log_scale], axis=1).reshape(4, -1)
    np.testing.assert_allclose(DiscretizedLogisticMixture(16, M).forward(x / n, out)[0], expected, rtol=1e-12)


def test_two_levels_of_one_logistic_are_a_bernoulli(rng):
    """P(1) = sigmoid((mu - 1/2) / s)."""
    mu, log_scale = rng.standard_normal((2, 4, 3))
    x = (rng.random((4, 3)) < 0.5).astype(float)
    out = np.concatenate([rng.standard_normal((4, 3)), mu, log_scale], axis=1)
    logits = mu / 8 / (np.exp(log_scale) / 8)
    log_px_z, cache = DiscretizedLogisticMixture(2, 1).forward(x, out)
    expected, other = Bernoulli().forward(x, logits)
    np.testing.assert_allclose(log_px_z, expected, rtol=1e-12)
    dout = DiscretizedLogisticMixture(2, 1).backward(np.ones(4), cache)
    np.testing.assert_array_equal(dout[:, :3], 0)  # one component has all the weight
    np.testing.assert_allclose(dout[:, 3:6], Bernoulli().backward(np.ones(4), other) / np.exp(log_scale), rtol=1e-10)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_logistic_is_exact_where_the_difference_rounds_to_zero(dtype):
    """Far out log(sigmoid(b) - sigmoid(a)) is -a + log(1 - exp(a - b)), of a wide one log((b - a) / 4)."""
    mu, log_scale = np.zeros(4, dtype), np.log(np.array([2, 0.5, 1e6, 1e-3], dtype))
    lower, upper = np.array([1000, -301, 0, -1], dtype), np.array([1001, -300, 1, 1], dtype)
    with np.errstate(all="raise", under="ignore"):
        log_p = logistic_log_prob(mu, log_scale, lower=lower, upper=upper)
        dmu, dlog_scale = logistic_log_prob_backward(np.ones(4, dtype), mu, log_scale, lower=lower, upper=upper)
    outside = [-500 + np.log1p(-np.exp(-0.5)), -600 + np.log1p(-np.exp(-2)), np.log(1e-6 / 4), 0]
    np.testing.assert_allclose(log_p, outside, rtol=1e-6, atol=1e-30)
    np.testing.assert_allclose(dmu, [1 / 2, -1 / 0.5, 2.5e-13, 0], rtol=1e-5, atol=1e-12)
    np.testing.assert_allclose(
        dlog_scale, [500 - 0.5 / np.expm1(0.5), 600 - 2 / np.expm1(2), -1, 0], rtol=1e-6, atol=1e-20
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_logistic_tails_have_no_end(dtype):
    """Of an infinite bound nothing is left: log sigmoid(b), whose slope is sigmoid(-b) / s, and 0 where b is large."""
    upper, mu, log_scale = np.array([-900, 2, 900], dtype), np.zeros(3, dtype), np.full(3, np.log(2), dtype)
    with np.errstate(all="raise", under="ignore"):
        low = logistic_log_prob(mu, log_scale, lower=np.full(3, -np.inf, dtype), upper=upper)
        high = logistic_log_prob(mu, log_scale, lower=-upper, upper=np.full(3, np.inf, dtype))
        dmu, dlog_scale = logistic_log_prob_backward(
            np.ones(3, dtype), mu, log_scale, lower=np.full(3, -np.inf, dtype), upper=upper
        )
    below = special.expit([450, -1, -450])
    for log_p in (low, high):
        np.testing.assert_allclose(log_p, special.log_expit([-450, 1, 450]), rtol=1e-5, atol=1e-30)
    np.testing.assert_allclose(dmu, -below / 2, rtol=1e-5, atol=1e-30)
    np.testing.assert_allclose(dlog_scale, -np.array([-450, 1, 450]) * below, rtol=1e-5, atol=1e-30)


def test_a_mixture_of_equals_is_any_of_them(rng):
    logits, log_p = rng.standard_normal((4, 3, 5)), rng.standard_normal((4, 1, 5))
    np.testing.assert_allclose(mixture_log_prob(logits, np.tile(log_p, (1, 3, 1))), log_p.sum(axis=(1, 2)), rtol=1e-12)
    far = np.array([[1000.0], [0.0], [-1000.0]])
    with np.errstate(all="raise", under="ignore"):
        assert mixture_log_prob(far, np.full((3, 1), -2000.0)) == -2000
        even = mixture_log_prob(far, np.array([[-3000.0], [-2000.0], [-1000.0]]))
    assert even == pytest.approx(-3000 + np.log(3), abs=1e-9)


def test_a_new_mixture_is_spread_over_the_levels_and_its_components_differ():
    """At outputs of 0: no level far from 1 / 256, x_hat 1/2, and no two components with one gradient."""
    likelihood = DiscretizedLogisticMixture()
    out = np.zeros((1, 15))
    log_p = of_every_level(likelihood, out)
    assert np.abs(log_p[1:-1] + np.log(256)).max() < 1
    assert np.abs(log_p[[0, -1]]).max() < np.log(256)
    assert likelihood.mean(out) == pytest.approx(0.5)
    _, cache = likelihood.forward(np.array([[0.3]]), out)
    slopes = likelihood.backward(np.ones(1), cache).reshape(3, 5)
    assert np.diff(np.sort(slopes), axis=1).min() > 1e-3


# ---- beta-binomial


def beta_of(out):
    logit, log_c = np.split(out, 2, axis=-1)
    c = 2 * np.exp(log_c)
    return c * special.expit(logit), c * special.expit(-logit)


def test_beta_binomial_reads_logits_then_logs_of_concentrations(rng):
    out, x = 2 * rng.standard_normal((4, 10)), rng.integers(0, 18, (4, 5))
    expected = stats.betabinom.logpmf(x, 17, *beta_of(out)).sum(axis=1)
    np.testing.assert_allclose(BetaBinomial(18).forward(x / 17, out)[0], expected, rtol=1e-11)
    np.testing.assert_allclose(BetaBinomial(18).mean(out), special.expit(out[:, :5]), rtol=1e-13)


def test_at_outputs_of_zero_all_levels_are_as_likely():
    np.testing.assert_allclose(of_every_level(BetaBinomial(), np.zeros(2)), -np.log(256), rtol=1e-12)


@pytest.mark.parametrize("log_c", [15.0, 30.0, 60.0, 88.0, 300.0])
def test_beta_binomial_of_a_large_concentration_is_a_binomial(log_c, rng):
    """Where log B(x + a, n - x + b) - log B(a, b) as it stands would lose every digit."""
    x, logit = np.arange(256.0)[:, None], 3 * rng.standard_normal(1)
    log_p = beta_binomial_log_prob(logit, np.array([log_c]), x=x, n=255)
    np.testing.assert_allclose(
        log_p, stats.binom.logpmf(x[:, 0], 255, special.expit(logit)), rtol=1e-11 + 5e4 * np.exp(-log_c)
    )
    dlogit, dlog_c = beta_binomial_log_prob_backward(np.ones(256), logit + 0 * x, log_c + 0 * x, x=x, n=255)
    np.testing.assert_allclose(dlogit, x - 255 * special.expit(logit), rtol=1e-9, atol=1e-9 + 1e5 * np.exp(-log_c))
    np.testing.assert_allclose(dlog_c, 0, atol=1e-11 + 1e5 * np.exp(-log_c))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_beta_binomial_is_right_at_saturated_outputs(dtype):
    """A logit of -60 makes black certain; p of white is next to 2 a / c (1 + c) (2 + c), so that its slope is 1."""
    logit, log_c = np.array([[-60.0], [-60.0], [60.0], [60.0]], dtype), np.zeros((4, 1), dtype)
    x = np.array([[0], [3], [3], [1]], dtype)
    with np.errstate(all="raise", under="ignore"):
        log_p = beta_binomial_log_prob(logit, log_c, x=x, n=3)
        dlogit, dlog_c = beta_binomial_log_prob_backward(np.ones(4, dtype), logit, log_c, x=x, n=3)
    np.testing.assert_allclose(log_p[:3], [0, -60 + np.log(1 / 3), 0], rtol=1e-6, atol=1e-20)
    np.testing.assert_allclose(dlogit[:, 0], [0, 1, 0, -1], rtol=1e-6, atol=1e-20)
    slope = 1 - (1 + 1 / 2 + 1 / 3)  # in log c, at c = 1
    np.testing.assert_allclose(dlog_c[:2, 0], [0, slope], rtol=1e-6, atol=1e-15)
    far = beta_binomial_log_prob(np.array([-2000.0, 2000.0]), np.zeros(2), x=np.array([0.0, 3.0]), n=3)
    assert far == pytest.approx(0, abs=1e-12)


def test_a_small_concentration_says_black_or_white():
    p = np.exp(of_every_level(BetaBinomial(), np.array([np.log(3), -12.0])))
    np.testing.assert_allclose(p[[0, -1]], [0.25, 0.75], rtol=1e-3)
    assert p[1:-1].sum() < 1e-4


def test_a_categorical_can_say_what_both_say(rng):
    """The same log-probabilities as logits: the same log p, mean and draw."""
    for likelihood in (DiscretizedLogisticMixture(7, 2), BetaBinomial(7)):
        out = rng.standard_normal(likelihood.n_out)
        logits = of_every_level(likelihood, out)
        x, u = rng.random((50, 1)), rng.random((50, 1))
        np.testing.assert_allclose(likelihood.forward(x, out)[0], Categorical(7).forward(x, logits)[0], rtol=1e-11)
        np.testing.assert_allclose(likelihood.mean(out), Categorical(7).mean(logits), rtol=1e-11)
        drawn = [p.draw(np.tile(o, (50, 1)), u) for p, o in ((likelihood, out), (Categorical(7), logits))]
        np.testing.assert_allclose(*drawn, atol=1e-12)

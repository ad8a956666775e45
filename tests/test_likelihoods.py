"""Which output means what: against scipy, block by block."""

import numpy as np
import pytest
from scipy import stats

from minivae.likelihoods import (
    LIKELIHOODS,
    Bernoulli,
    BetaBinomial,
    Categorical,
    DiscretizedLogisticMixture,
    Gaussian,
    GaussianFixed,
    GaussianFull,
    Mixed,
    NegativeBinomial,
    Poisson,
    Softmax,
    StudentT,
)


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


# ---- Student's t, counts, one choice of D, several side by side


def test_student_t_has_a_scale_and_degrees_of_freedom(rng):
    x, mu = rng.standard_normal((2, 4, 3))
    likelihood = StudentT(std=0.5, n=3, df=4.0).bind("float64")
    assert set(likelihood.params) == {"log_var", "log_df"}
    assert not any(p.decay for p in likelihood.params.values())
    np.testing.assert_allclose(likelihood.log_df.data, np.full(3, np.log(4)), rtol=1e-6)
    likelihood.log_var.data[...], likelihood.log_df.data[...] = [0.0, 1.0, -1.0], np.log([2.0, 3.0, 30.0])
    expected = stats.t.logpdf(x, [2, 3, 30], mu, np.exp([0, 0.5, -0.5])).sum(axis=1)
    np.testing.assert_allclose(likelihood.forward(x, mu)[0], expected, rtol=1e-12)
    np.testing.assert_array_equal(likelihood.mean(mu), mu)


def test_gaussian_with_a_variance_for_each_column(rng):
    x, mu = rng.standard_normal((2, 4, 3))
    likelihood = Gaussian(std=0.5, n=3).bind("float64")
    likelihood.log_var.data[...] = [0.0, 1.0, -1.0]
    expected = stats.norm.logpdf(x, mu, np.exp([0, 0.5, -0.5])).sum(axis=1)
    np.testing.assert_allclose(likelihood.forward(x, mu)[0], expected, rtol=1e-13)


@pytest.mark.parametrize("cls", [Gaussian, StudentT])
def test_rounding_adds_its_variance(cls, rng):
    """exp(log_var) + rounding^2, whose gradient is checked against differences; so the density has an upper bound."""
    x, out = rng.standard_normal((2, 6, 3))
    rounding = [0.3, 0.0, 1.0]
    likelihood = cls(std=0.5, n=3, rounding=rounding).bind("float64")
    scale = np.sqrt(0.25 + np.float32(np.square(rounding)))
    law = stats.norm(out, scale) if cls is Gaussian else stats.t(5, out, scale)
    log_px_z, cache = likelihood.forward(x, out)
    np.testing.assert_allclose(log_px_z, law.logpdf(x).sum(axis=1), rtol=1e-6)
    likelihood.zero_grad()
    likelihood.backward(np.ones(6), cache)
    slope = likelihood.log_var.grad.copy()
    for i in range(3):
        sides = []
        for h in (1e-5, -1e-5):
            likelihood.log_var.data[i] += h
            sides.append(likelihood.forward(x, out)[0].sum())
            likelihood.log_var.data[i] -= h
        np.testing.assert_allclose(slope[i], (sides[0] - sides[1]) / 2e-5, rtol=1e-6)
    likelihood.log_var.data[...] = -200.0
    assert likelihood.forward(out, out)[0].max() < np.inf
    np.testing.assert_allclose(np.exp(0.5 * likelihood.scale)[[0, 2]], [0.3, 1.0], rtol=1e-6)


def test_counts_come_in_units(rng):
    """At outputs of 0 the mean of each column is its unit; the encoder sees log 2 there."""
    unit, out = np.array([0.5, 30.0, 1e4]), 0.3 * rng.standard_normal((4, 3))
    for likelihood in (Poisson(unit).bind("float64"), NegativeBinomial(list(unit), n=3).bind("float64")):
        np.testing.assert_allclose(likelihood.mean(0 * out), np.tile(unit, (4, 1)), rtol=1e-6)
        np.testing.assert_allclose(likelihood.seen(unit[None]), np.log(2), rtol=1e-6)
        np.testing.assert_array_equal(likelihood.seen(np.zeros((1, 3))), 0)
        m, x = likelihood.mean(out), rng.poisson(np.tile(unit, (4, 1))).astype(float)
        if type(likelihood) is Poisson:
            expected = stats.poisson.logpmf(x, m)
        else:
            likelihood.log_r.data[...] = np.log([0.5, 2.0, 50.0])
            expected = stats.nbinom.logpmf(x, [0.5, 2, 50], 1 / (1 + m / [0.5, 2, 50]))
        np.testing.assert_allclose(likelihood.forward(x, out)[0], expected.sum(axis=1), rtol=1e-9)
    assert NegativeBinomial().log_r.data == 0
    assert Poisson().unit.data == 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Poisson([1.0, 0.0]), "unit: expected a finite number > 1e-18"),
        (lambda: Poisson("many"), "unit: expected a list of numbers, got 'many'"),
        (lambda: Poisson([]), "unit: expected a whole number >= 1, got 0"),
        (lambda: NegativeBinomial([1.0, 2.0, 3.0], n=2), "n: expected 1 or 3, the columns, got 2"),
        (lambda: StudentT(df=0), "df: expected a finite number > 0.001"),
        (lambda: Gaussian(n=0), "n: expected a whole number >= 1, got 0"),
        (lambda: Poisson([1.0, 2.0]).forward(np.zeros((4, 3)), np.zeros((4, 3))), "x: expected 2 columns"),
        (lambda: Mixed([(Bernoulli(), 2)]).forward(np.zeros((4, 3)), np.zeros((4, 3))), "x, out: expected 2 columns"),
        (lambda: Mixed([(GaussianFull(), 2)]), "parts: expected likelihoods with one output per column, got Gaussian"),
        (lambda: Mixed([(Bernoulli(), 0)]), "parts: expected a whole number >= 1, got 0"),
    ],
)  # fmt: skip
def test_what_they_refuse(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("likelihood", "out", "moments"),
    [
        (StudentT(std=0.7, df=8.0), [0.3, -2.0], lambda: stats.t.stats(8, [0.3, -2], 0.7)),
        (Poisson([0.5, 20.0]), [0.3, -0.2], lambda: stats.poisson.stats([0.5 * np.exp(0.3), 20 * np.exp(-0.2)])),
        (NegativeBinomial(2.0), [0.3, -1.0],
         lambda: stats.nbinom.stats(1, 1 / (1 + 2 * np.exp([0.3, -1.0])))),
    ],
)  # fmt: skip
def test_draws_have_the_moments(likelihood, out, moments, rng):
    likelihood.bind("float64")
    out, (mean, variance) = np.array(out), moments()
    draws = likelihood.draw(out, likelihood.draw_noise(rng, (400_000, 2)).astype("float64"))
    np.testing.assert_allclose(likelihood.mean(out), mean, rtol=1e-6)
    for samples, truth in ((draws, mean), ((draws - mean) ** 2, variance)):
        error = samples.std(axis=0) / len(draws) ** 0.5
        assert (np.abs(samples.mean(axis=0) - truth) < 4 * error).all()
        assert (np.abs(samples.mean(axis=0) - truth - 12 * error) > 8 * error).all()  # the test can fail


def test_noise_of_zero_is_drawn():
    """Where an inverse distribution function is -1 or minus infinity."""
    noise, out = np.array([[0.0, 1 - 2**-24]]), np.zeros((1, 2))
    for cls in (StudentT, Poisson, NegativeBinomial):
        draws = cls().bind("float64").draw(out, noise)
        assert np.isfinite(draws).all()
        assert draws[0, 0] < draws[0, 1]
        assert cls is StudentT or draws[0, 0] == 0
    assert Softmax().draw(out, 0 * noise).sum() == 1
    nothing = np.full((1, 2), -800.0)
    for cls in (Poisson, NegativeBinomial):
        np.testing.assert_array_equal(cls().bind("float64").draw(nothing, noise), 0)


def test_softmax_draws_each_choice_as_often_as_it_is_probable(rng):
    p, likelihood = np.array([0.1, 0.2, 0.3, 0.4]), Softmax()
    out = np.log(p) + 5
    np.testing.assert_allclose(likelihood.mean(out), p, rtol=1e-12)
    draws = likelihood.draw(np.tile(out, (200_000, 1)), likelihood.draw_noise(rng, (200_000, 4)).astype("float64"))
    np.testing.assert_array_equal(draws.sum(axis=1), 1)
    error = np.sqrt(p * (1 - p) / len(draws))
    assert (np.abs(draws.mean(axis=0) - p) < 4 * error).all()
    assert (np.abs(draws.mean(axis=0) - p - 0.01) > 8 * error).all()  # the test can fail


def parts():
    return [(Gaussian(0.5, 2), 2), (Poisson(3.0), 1), (Softmax(), 3), (StudentT(), 2), (NegativeBinomial(), 1)]


def test_mixed_is_the_sum_of_its_parts(rng):
    mixed, alone = Mixed(parts()).bind("float64"), [part.bind("float64") for part, _ in parts()]
    assert list(mixed.params) == ["parts.0.log_var", "parts.3.log_var", "parts.3.log_df", "parts.4.log_r"]
    out, noise = rng.standard_normal((4, 9)), mixed.draw_noise(rng, (4, 9))
    assert (noise.dtype, noise.shape) == ("float32", (4, 9))
    x, g = mixed.draw(out, noise.astype("float64")), rng.standard_normal(4)
    stops = np.cumsum([width for _, width in parts()])[:-1]
    log_px_z, cache = mixed.forward(x, out)
    calls = [p.forward(a, b) for p, a, b in zip(alone, *(np.split(v, stops, axis=1) for v in (x, out)), strict=True)]
    np.testing.assert_allclose(log_px_z, sum(value for value, _ in calls), rtol=1e-13)
    mixed.zero_grad()
    dout = mixed.backward(g, cache)
    for part in alone:
        part.zero_grad()
    np.testing.assert_array_equal(
        dout, np.concatenate([p.backward(g, c) for p, (_, c) in zip(alone, calls, strict=True)], axis=1)
    )
    np.testing.assert_array_equal(mixed.grad, np.concatenate([p.grad for p in alone]))
    for method in ("mean", "seen"):
        given = out if method == "mean" else x
        each = [getattr(p, method)(a) for p, a in zip(alone, np.split(given, stops, axis=1), strict=True)]
        np.testing.assert_array_equal(getattr(mixed, method)(given), np.concatenate(each, axis=1))
    assert (x[:, 3:6].sum(axis=1) == 1).all()
    assert (x[:, [2, 8]] == np.floor(x[:, [2, 8]])).all()
    assert not mixed.missing
    mixed.missing = True
    assert all(part.missing for part in mixed.parts)
    assert mixed.seen(x).shape == (4, 18)


@pytest.mark.parametrize("make", [Bernoulli, lambda: Categorical(3), lambda: DiscretizedLogisticMixture(5, 2),
                                  lambda: BetaBinomial(5), Gaussian, lambda: GaussianFixed(0.5), GaussianFull,
                                  StudentT, Poisson, NegativeBinomial])  # fmt: skip
def test_what_is_missing_is_as_if_its_column_were_not_there(make, rng):
    likelihood = make().bind("float64")
    likelihood.missing = True
    n = likelihood.n_out
    x = np.array([[1.0, 0, 1, 0], [0, 1, 1, 0]])
    out, g = rng.standard_normal((3, 2, n, 4)), rng.standard_normal((3, 2))
    holes = x.copy()
    holes[:, [1, 2]] = np.nan
    results = []
    for rows, outs in ((holes, out), (x[:, [0, 3]], out[..., [0, 3]])):
        likelihood.zero_grad()
        log_px_z, cache = likelihood.forward(rows, outs.reshape(3, 2, -1))
        dout = likelihood.backward(g, cache).reshape(outs.shape)
        results.append((log_px_z, dout[..., [0, -1]], likelihood.grad.copy()))
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)


def test_nan_is_looked_for_only_where_values_may_be_missing(rng):
    """Elsewhere it is NaN in the value, as before."""
    for cls in (Bernoulli, Gaussian, StudentT, Poisson, NegativeBinomial):
        x = np.array([[0.0, np.nan]])
        assert np.isnan(cls().bind("float64").forward(x, np.zeros((1, 2)))[0]).all()
        assert cls().seen(x[:, :1]).shape == (1, 1)


def test_pixels_and_their_mask_are_neighbors():
    """An image (h, w, c) becomes (h, w, 2 c)."""
    likelihood = Bernoulli()
    likelihood.missing = True
    x = np.array([[0.25, np.nan, 1.0]], "float32")
    seen = likelihood.seen(x)
    np.testing.assert_array_equal(seen, [[0.25, 1, 0, 0, 1, 1]])
    assert seen.dtype == np.float32
    np.testing.assert_array_equal(Bernoulli().seen(x), x)

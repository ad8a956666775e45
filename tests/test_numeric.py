"""Formulas that rooms share."""

import itertools

import numpy as np
import pytest

from minivae.numeric import (
    cut,
    digamma_rise,
    log_one_plus,
    log_rising,
    side_by_side,
    sigmoid,
    stratified_log_weights,
    sum_rows,
)

DTYPES = pytest.mark.parametrize("dtype", ["float32", "float64"])


@DTYPES
def test_sigmoid_is_right_at_both_ends(dtype):
    """Relative to the true value: 2e-9 at -20 in float32 as well."""
    x = np.linspace(-87, 87, 2001).astype(dtype)
    exact = 1 / (1 + np.exp(-x.astype("longdouble")))
    np.testing.assert_allclose(sigmoid(x), exact, rtol=4 * np.finfo(dtype).eps)


@DTYPES
def test_sigmoid_of_what_is_far_out(dtype):
    """No warning, where exp(-x) is infinite; NaN is passed on."""
    y = sigmoid(np.array([-np.inf, -1000, 0, 1000, np.inf, np.nan], dtype))
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, [0, 0, 0.5, 1, 1, np.nan])


@DTYPES
def test_log_one_plus_is_right_however_small_e_is(dtype):
    e = np.concatenate([np.geomspace(1e-30, 1, 2001), [0]]).astype(dtype)
    np.testing.assert_allclose(log_one_plus(e), np.log1p(e.astype("longdouble")), rtol=4 * np.finfo(dtype).eps)
    assert np.isnan(log_one_plus(np.array(np.nan, dtype)))


@pytest.mark.parametrize("y", [1e-250, 1e-9, 0.01, 0.5, 1, 3.3, 20, 1e3, 1e9, 1e20, 1e100])
def test_rising_factorials(y):
    """Against the sum of logs, and its slope against that of inverses: relative to the result, however large y is."""
    for k in (0.0, 1.0, 2.0, 9.0, 255.0, 3000.0):
        terms = np.longdouble(y) + np.arange(k)
        np.testing.assert_allclose(log_rising(np.array(y), k), np.log(terms).sum(), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(digamma_rise(np.array(y), k), (1 / terms).sum(), rtol=1e-11, atol=0)


def test_sum_rows():
    g = np.arange(24.0).reshape(2, 3, 4)
    np.testing.assert_array_equal(sum_rows(g), g.sum(axis=(0, 1)))
    np.testing.assert_array_equal(sum_rows(g[0]), g[0].sum(axis=0))


@pytest.mark.parametrize("B", [2, 3, 5])
def test_stratified_weights(B):
    """Over all batches of B of N = 5 rows the mean of sum_j W_ij q(z_i | n_j) is q(z_i) = 1/N sum_n q(z_i | n)."""
    N = 5
    q = np.random.default_rng(0).random((N, N))  # q(z_i | n)
    batches = np.array(list(itertools.permutations(range(N), B)))
    W = np.exp(stratified_log_weights(B, N))
    estimates = (W * q[batches[:, :, None], batches[:, None, :]]).sum(axis=2)  # (batches, B)
    for i in range(N):
        assert estimates[batches == i].mean() == pytest.approx(q[i].mean(), rel=1e-12)
        for j in range(B):
            assert estimates[:, j][batches[:, j] == i].mean() == pytest.approx(q[i].mean(), rel=1e-12)


@DTYPES
@pytest.mark.parametrize("widths", [[3], [2, 1, 4], [1, 2] * 6])
def test_columns_that_are_cut_stand_side_by_side_again(widths, dtype):
    a = np.random.default_rng(0).random((2, 3, sum(widths))).astype(dtype)
    parts = cut(a, widths)
    assert [part.shape for part in parts] == [(2, 3, width) for width in widths]
    np.testing.assert_array_equal(parts[-1], a[..., -widths[-1] :])
    assert all(np.shares_memory(part, a) for part in parts)
    again = side_by_side(parts)
    np.testing.assert_array_equal(again, a)
    assert again.dtype == a.dtype

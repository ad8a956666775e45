"""Formulas that rooms share."""

import numpy as np
import pytest

from minivae.numeric import log_one_plus, sigmoid, sum_rows

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


def test_sum_rows():
    g = np.arange(24.0).reshape(2, 3, 4)
    np.testing.assert_array_equal(sum_rows(g), g.sum(axis=(0, 1)))
    np.testing.assert_array_equal(sum_rows(g[0]), g[0].sum(axis=0))

"""Formulas that rooms share."""

import numpy as np

from minivae.numeric import sum_rows


def test_sum_rows():
    g = np.arange(24.0).reshape(2, 3, 4)
    np.testing.assert_array_equal(sum_rows(g), g.sum(axis=(0, 1)))
    np.testing.assert_array_equal(sum_rows(g[0]), g[0].sum(axis=0))

"""Missing values in arrays: NaN and what is masked stay NaN in the rows, and are counted."""

import numpy as np
import pytest

from minivae import load_data
from minivae.backend import as_array
from minivae.data.protocol import Protocol
from minivae.metrics import check_pair

X = np.random.default_rng(0).random((60, 4))
GAPS = np.random.default_rng(1).random((60, 4)) < 0.3
HOLES = np.where(GAPS, np.nan, X)


def rows(x, **options):
    return load_data(x, **{"likelihood": "gaussian", "validation": 0, **options})


def test_a_masked_array_is_missing_values():
    x = np.ma.masked_equal([[1.0, -9999], [2, 3], [0, 1]] * 20, -9999)
    data = load_data(x, likelihood="gaussian")
    assert data.protocol.missing == 20
    assert (data.protocol.low, data.protocol.high) == (0, 3)
    seen = np.concatenate([data.train.x, data.validation.x])
    assert np.isnan(seen).sum() == 20
    assert set(np.unique(seen[~np.isnan(seen)])) == {0, 1, 2, 3}


@pytest.mark.parametrize(
    ("x", "options", "divisor"),
    [
        (HOLES, {}, 1),
        (np.ma.array(X, mask=GAPS), {}, 1),
        (np.ma.array(np.where(GAPS, np.inf, X), mask=GAPS), {}, 1),
        (np.ma.array(np.where(GAPS, 255, 200 * X).astype("uint8"), mask=GAPS), {}, 255),
        (np.ma.array((5 * X).astype("int64"), mask=GAPS), {"scale": "max"}, 4),
        (np.ma.array(HOLES, mask=GAPS.T.reshape(60, 4)), {}, 1),
    ],
)
def test_what_is_missing_stays_missing(x, options, divisor):
    data = rows(x, **options)
    gaps = np.ma.getmaskarray(x) | np.isnan(np.ma.getdata(x).astype("float64"))
    np.testing.assert_array_equal(np.isnan(data.train.x), gaps)
    np.testing.assert_allclose(data.train.x[~gaps], np.ma.getdata(x)[~gaps] / divisor, rtol=1e-6)
    assert data.protocol.missing == gaps.sum()
    assert data.protocol.divisor == divisor
    assert Protocol.from_json(data.protocol.to_json()) == data.protocol
    prepared = data.protocol.prepare(x, "x", "gaussian")
    np.testing.assert_array_equal(prepared, data.train.x)


def test_a_mask_without_gaps_is_none():
    assert rows(np.ma.array(X)).protocol.missing is None
    assert rows(np.ma.array(X, mask=np.zeros_like(GAPS))).protocol.sha256 == rows(X).protocol.sha256
    assert rows(np.ma.array(X, mask=GAPS)).protocol.sha256 != rows(np.ma.array(X, mask=~GAPS)).protocol.sha256


@pytest.mark.parametrize("binarize", ["each", "once", "threshold"])
def test_bits_of_what_is_missing(binarize):
    data = load_data(HOLES, binarize=binarize, validation=20, split_order="tail")
    rng = np.random.default_rng(0)
    for x, gaps in ((data.present(data.train.x, rng), GAPS[:40]), (data.validation.x, GAPS[40:])):
        np.testing.assert_array_equal(np.isnan(x), gaps)
        assert set(np.unique(x[~gaps])) == {0, 1}


def test_bits_with_gaps_are_bits():
    bits = np.where(GAPS, np.nan, X > 0.5)
    data = load_data(bits, validation=0)
    assert data.protocol.binarize == "none"
    assert data.protocol.entropy_floor is None
    grey = load_data(HOLES, binarize="none", validation=0).protocol
    p = X.astype("float32").astype("float64")
    floor = -np.where(GAPS, 0, p * np.log(p) + (1 - p) * np.log(1 - p)).sum() / 60
    assert grey.entropy_floor == pytest.approx(floor)


def test_standardized_by_what_is_there():
    data = rows(HOLES, standardize=True)
    np.testing.assert_allclose(data.protocol.mean, np.nanmean(HOLES, axis=0))
    np.testing.assert_allclose(data.protocol.std, np.nanstd(HOLES, axis=0))
    expected = (HOLES - np.nanmean(HOLES, axis=0)) / np.nanstd(HOLES, axis=0)
    np.testing.assert_allclose(data.train.x, expected, rtol=1e-5, atol=1e-6)
    empty = HOLES.copy()
    empty[:, 2] = np.nan
    with pytest.raises(ValueError, match="x: expected a number in each column, column 2 is missing in all 60 training"):
        rows(empty, standardize=True)


def test_dequantized_and_shifted():
    x = np.ma.array((255 * np.random.default_rng(0).random((60, 4, 4))).astype("uint8"))
    x[:, 1, 2] = np.ma.masked
    data = rows(x, dequantize=True)
    seen = data.present(data.train.x, np.random.default_rng(0)).reshape(60, 4, 4)
    assert np.isnan(seen[:, 1, 2]).all()
    assert np.isnan(seen).sum() == 60
    assert np.isnan(rows(x, augment=1).present(data.train.x, np.random.default_rng(0))).sum() >= 60


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rows(X).protocol.prepare(HOLES, "input", "gaussian"),
         rf"input: expected no missing values, as in training, got {GAPS.sum()}, the first in row 0, column "
         rf"{GAPS[0].argmax()}; fill them, or train on data with missing values"),
        (lambda: rows(np.where(GAPS, np.inf, X)), "x: expected finite float32 values, got infinity in row 0"),
        (lambda: rows(np.full((6, 4), np.nan)), "x: expected at least one value in the training split, all are"),
        (lambda: rows(HOLES, likelihood="bernoulli", scale=0.5),
         r"x: expected pixels or bits in \[0, 1\], got .* to 1.9"),
    ],
)  # fmt: skip
def test_where_none_may_be_missing(call, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        call()


def test_missing_labels_are_refused(tmp_path):
    y = np.arange(60.0)
    y[[7, 9]] = np.nan
    np.savez(tmp_path / "x.npz", x=X, y=y)
    with pytest.raises(ValueError, match="y: expected a label for each row, 2 of 60 are missing, the first in row 7"):
        load_data(tmp_path / "x.npz")


def test_missing_in_validation_only(tmp_path):
    np.savez(tmp_path / "x.npz", x=X, x_val=HOLES, x_test=HOLES)
    data = load_data(tmp_path / "x.npz")
    assert data.protocol.missing == GAPS.sum()
    np.testing.assert_array_equal(np.isnan(data.test().x), GAPS)


class Likelihood:
    missing = True


class Model:
    likelihood = Likelihood()
    D = 4

    @property
    def missing(self):
        return self.likelihood.missing


def test_models_that_know_missing_values():
    x, _ = check_pair(HOLES, None, Model())
    np.testing.assert_array_equal(x, HOLES)
    with pytest.raises(ValueError, match="x: expected finite values, got infinity"):
        check_pair(np.where(GAPS, np.inf, X), None, Model())
    with pytest.raises(ValueError, match="x: expected finite values, got NaN or infinity"):
        check_pair(HOLES, None, object())
    np.testing.assert_array_equal(as_array(np.ma.array([[1, 2]], mask=[[0, 1]]), "x"), [[1, np.nan]])

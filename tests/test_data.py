import gzip
import hashlib
import io
import json
import struct
import threading
from dataclasses import fields, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from minivae.backend import generator
from minivae.data import batches, load_data
from minivae.data.columns import Column
from minivae.data.convert import packed_bits, small_omniglot
from minivae.data.download import DOWNLOADS, FileSet, fetch
from minivae.data.preprocess import entropy_floor, shift, to_bits
from minivae.data.protocol import Protocol
from minivae.data.sources import SPRITES
from minivae.data.splits import cut
from minivae.data.sprites import sprites


def idx(array):
    return gzip.compress(b"\0\0\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
                         + array.tobytes())  # fmt: skip


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (30, 4, 4)).astype("uint8")


@pytest.fixture
def idx_folder(tmp_path, images):
    folder = tmp_path / "mnist"
    folder.mkdir()
    for kind, n in (("train", 30), ("t10k", 12)):
        (folder / f"{kind}-images-idx3-ubyte.gz").write_bytes(idx(images[:n]))
        (folder / f"{kind}-labels-idx1-ubyte.gz").write_bytes(idx(np.arange(n, dtype="uint8") % 10))
    return tmp_path


# ---- the protocol


def test_digits():
    data = load_data("digits")
    assert data.shape == (8, 8, 1)
    assert [len(data.train.x), len(data.validation.x), len(data.test().x)] == [1250, 250, 297]
    assert data.train.x.dtype == "float32"
    assert data.train.x.max() == 1
    assert set(np.unique(data.train.x * 16)) <= set(range(17))
    assert data.protocol.binarize == "each"
    assert set(np.unique(data.validation.x)) == set(np.unique(data.test().x)) == {0, 1}
    from sklearn.datasets import load_digits

    np.testing.assert_array_equal(data.test().y, load_digits().target[-297:])
    np.testing.assert_array_equal(data.validation.y, load_digits().target[1250:1500])


def test_validation_and_test_bits_are_always_the_same():
    a = load_data("digits")
    b = load_data("digits", binarize="once")
    np.testing.assert_array_equal(a.validation.x, b.validation.x)
    np.testing.assert_array_equal(a.test().x, a.test().x)
    grey = load_data("digits", binarize="none")
    for epoch, x, bits in ((1, grey.validation.x, a.validation.x), (2, grey.test().x, a.test().x)):
        np.testing.assert_array_equal(bits, to_bits(x, generator(0, "bits", epoch).random(x.shape, "float32")))


def test_the_recorded_seed_draws_the_bits():
    protocol = load_data("digits").protocol
    assert protocol.bits_seed == 0
    x = np.full((5, 8, 8), 0.5)
    expected = to_bits(x.reshape(5, 64), generator(3, "bits", 2).random((5, 64), "float32"))
    np.testing.assert_array_equal(replace(protocol, bits_seed=3).prepare(x, "x", "bernoulli"), expected)


def test_binarize_each_is_new_at_every_presentation():
    data = load_data("digits")
    x = data.train.x[:200]
    rng = generator(0, "present")
    first = data.present(x, rng)
    second = data.present(x, rng)
    assert set(np.unique(first)) == {0, 1}
    assert (first != second).any()
    mean = np.mean([data.present(x, rng) for _ in range(400)], axis=0)
    assert np.abs(mean - x).max() < 0.15  # P(bit = 1) is the pixel


def test_binarize_once_threshold_none():
    once = load_data("digits", binarize="once")
    again = load_data("digits", binarize="once")
    np.testing.assert_array_equal(once.train.x, again.train.x)
    assert once.present(once.train.x, None) is once.train.x
    grey = load_data("digits", binarize="none")
    np.testing.assert_array_equal(load_data("digits", binarize="threshold").train.x, grey.train.x > 0.5)
    np.testing.assert_array_equal(load_data("digits", binarize="threshold").validation.x, grey.validation.x > 0.5)
    assert grey.protocol.entropy_floor == pytest.approx(entropy_floor(grey.train.x))
    assert 10 < grey.protocol.entropy_floor < 64 * np.log(2)
    assert load_data("digits", "bernoulli").protocol.entropy_floor is None
    assert load_data("digits", likelihood="gaussian").protocol.binarize == "none"


def test_entropy_floor():
    assert entropy_floor(np.array([[0.0, 1.0, 1.0]], "float32")) == 0
    assert entropy_floor(np.full((3, 4), 0.5, "float32")) == pytest.approx(4 * np.log(2))
    x = np.full((1, 1), 0.2)
    assert entropy_floor(x) == pytest.approx(-0.2 * np.log(0.2) - 0.8 * np.log(0.8))


def test_bits_from_a_threshold():
    np.testing.assert_array_equal(to_bits(np.array([0.0, 0.3, 1.0]), np.array([0.0, 0.2, 0.9])), [0, 1, 1])


@pytest.mark.parametrize(("validation", "expected"), [(None, 5), (0, 0), (29, 29)])
def test_validation_sizes(validation, expected):
    data = load_data(np.eye(30), validation=validation, split_order="tail")
    assert data.protocol.n_validation == expected
    assert len(data.train.x) == 30 - expected
    assert (data.validation is None) == (expected == 0)
    np.testing.assert_array_equal(data.train.x, np.eye(30)[: 30 - expected])
    assert len(data.pictured.x) > 0


def test_one_example():
    data = load_data(np.zeros((1, 6)))
    assert data.validation is None
    assert data.train.x.shape == (1, 6)


# ---- its record

OLD_RECORD = json.loads((Path(__file__).parent / "old_run" / "settings.json").read_text())["data"]  # without labels
RECORD = OLD_RECORD | {
    "shape": [2],
    "labels": {"kind": "rows", "count": 3},
    "levels": 256,
    "mean": [0.1, -2.5],
    "std": [1.0, 3.25],
    "entropy_floor": 13.79,
    "dtype": "uint8",
    "low": 0,
    "high": 250,
    "outside": 2,
    "missing": 3,
    "split_seed": 0,
    "side": 8,
    "columns": [
        {"name": "a", "kind": "real", "dtype": "float64", "missing": 0, "low": 0.0, "high": 1.0, "center": 0.5,
         "scale": 0.2, "decimals": 1},
        {"name": "b", "kind": "binary", "dtype": "bool", "missing": 1, "levels": [False, True]},
    ],
    "label": {"name": "c", "kind": "category", "dtype": "str", "missing": 0, "levels": ["x", "y", "z"]},
    "labelled": 100,
    "label_seed": 0,
    "rare": {"class": 2, "share": 0.01, "train": 12, "validation": 1},
}  # fmt: skip


def test_every_field_is_recorded():
    protocol = Protocol(OLD_RECORD["name"], OLD_RECORD["sha256"], (2,), n_train=1250, n_validation=250, divisor=1,
                        binarize="each", bits_seed=0, labels={"kind": "rows", "count": 3}, levels=256,
                        mean=(0.1, -2.5), std=(1.0, 3.25), entropy_floor=13.79, dtype="uint8", low=0, high=250,
                        outside=2, missing=3, split_seed=0, side=8,
                        columns=(Column("a", "real", "float64", 0, None, 0.0, 1.0, 0.5, 0.2, 1),
                                 Column("b", "binary", "bool", 1, (False, True))),
                        label=Column("c", "category", "str", 0, ("x", "y", "z")), labelled=100,
                        label_seed=0, rare=RECORD["rare"])  # fmt: skip
    of_others = {"quadrants", "tokens", "vocabulary"}  # see test_quadrants.py and test_text.py
    assert of_others | set(RECORD) == {field.name for field in fields(Protocol)}
    assert protocol.to_json() == RECORD
    assert list(protocol.to_json()) == list(RECORD)  # settings.json keeps this order
    assert Protocol.from_json(json.loads(json.dumps(RECORD))) == protocol


def test_what_is_not_known_is_not_recorded():
    protocol = Protocol.from_json(OLD_RECORD)
    assert protocol.shape == (8, 8, 1)
    assert [protocol.labels, protocol.levels, protocol.mean, protocol.std, protocol.entropy_floor] == [None] * 5
    assert protocol.to_json() == OLD_RECORD
    assert list(protocol.to_json()) == list(OLD_RECORD)
    assert protocol == replace(load_data("digits", scale="pixels").protocol, labels=None)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"binarize": "none"},
        {"likelihood": "gaussian", "dequantize": True},
        {"likelihood": "gaussian", "standardize": True},
        {"source": np.random.default_rng(0).random((9, 3)).astype("float32")},
    ],
)
def test_a_record_gives_its_protocol_back(options):
    protocol = load_data(**options).protocol
    assert Protocol.from_json(json.loads(json.dumps(protocol.to_json()))) == protocol


def without(name):
    return {key: value for key, value in RECORD.items() if key != name}


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (None, "expected a table of fields, got None"),
        ([RECORD], r"expected a table of fields, got \["),
        ({}, "name: expected text without control characters, got none"),
        (without("bits_seed"), "bits_seed: expected a whole number >= 0, got none"),
        (RECORD | {"sizes": 3}, "sizes: unknown field; expected one of name, sha256, .*, split_seed$"),
        (RECORD | {"name": None}, "name: expected text without control characters, got None"),
        (RECORD | {"sha256": 5}, "sha256: expected text without control characters, got 5"),
        *[(RECORD | {"shape": v}, "shape: expected 1 or 3 whole numbers >= 1, got ")
          for v in (None, 8, "abc", [], [8, 8], [0], [8.0, 8, 1], ["8", 8, 1], [True])],
        (RECORD | {"n_train": "1250"}, "n_train: expected a whole number >= 1, got '1250'"),
        (RECORD | {"n_train": 0}, "n_train: expected a whole number >= 1, got 0"),
        (RECORD | {"n_train": True}, "n_train: expected a whole number >= 1, got True"),
        (RECORD | {"n_validation": -1}, "n_validation: expected a whole number >= 0, got -1"),
        (RECORD | {"divisor": 0}, "divisor: expected a number > 0, got 0"),
        (RECORD | {"divisor": "255"}, "divisor: expected a number > 0, got '255'"),
        (RECORD | {"dtype": "<U1"}, "dtype: expected a dtype of numbers, got '<U1'"),
        (RECORD | {"dtype": None}, "dtype: expected a dtype of numbers, got None"),
        (RECORD | {"low": "0"}, "low: expected a number, got '0'"),
        (RECORD | {"high": float("inf")}, "high: expected a number, got inf"),
        (without("high"), "dtype, low, high: expected all three, or none of them"),
        (RECORD | {"low": 251}, "low: expected a number <= high, got 251"),
        (RECORD | {"outside": -1}, "outside: expected a whole number >= 0, got -1"),
        (RECORD | {"missing": 0}, "missing: expected a whole number >= 1, got 0"),
        (RECORD | {"split_seed": 0.5}, "split_seed: expected a whole number >= 0, got 0.5"),
        (RECORD | {"binarize": ["each"]}, r"binarize: expected one of each, once, threshold, none, got \['each'\]"),
        (RECORD | {"labels": None}, "labels: expected their kind, classes or rows, and a count >= 1, got None"),
        (RECORD | {"labels": {"kind": "rows"}}, "labels: expected their kind"),
        (RECORD | {"labels": {"kind": "names", "count": 2}}, "labels: expected their kind"),
        (RECORD | {"labels": {"kind": "rows", "count": 0}}, "labels: expected their kind"),
        (RECORD | {"labels": {"kind": "rows", "count": 3, "of": "x"}}, "labels: expected their kind"),
        (RECORD | {"levels": 1}, "levels: expected a whole number >= 2, got 1"),
        (RECORD | {"mean": 0.5}, "mean: expected a list of numbers, got 0.5"),
        (RECORD | {"mean": [1.0, float("nan")]}, "mean: expected a list of numbers, got "),
        (RECORD | {"std": ["1", 1.0]}, "std: expected a list of numbers > 0, got "),
        (RECORD | {"std": [0.0, 1.0]}, "std: expected a list of numbers > 0, got "),
        (RECORD | {"std": [1.0]}, "mean, std: expected 2 numbers each, or none of both"),
        (without("mean"), "mean, std: expected 2 numbers each, or none of both"),
        (RECORD | {"entropy_floor": "13"}, "entropy_floor: expected a number, got '13'"),
        (RECORD | {"std": [1.0] * 9999 + [1]}, "std: expected a list of numbers > 0, got .{,99}$"),
    ],
)  # fmt: skip
def test_what_is_no_record(record, message):
    with pytest.raises(ValueError, match=f"^{message}") as error:
        Protocol.from_json(record)
    assert "\n" not in str(error.value)


def test_the_first_field_that_differs():
    protocol = Protocol.from_json(RECORD)
    assert protocol.first_difference(Protocol.from_json(RECORD)) is None
    assert protocol.first_difference(replace(protocol, std=(1.0, 3.0), divisor=255)) == "divisor"
    for name, value in OLD_RECORD.items():
        assert protocol.first_difference(replace(protocol, **{name: (value, "another")})) == name


@pytest.mark.parametrize(
    ("y", "labels"),
    [
        (None, None),
        (np.arange(30) % 7, {"kind": "classes", "count": 7}),
        (np.arange(30) % 7 // 3 * 3, {"kind": "classes", "count": 7}),  # 0, 3 and 6
        (np.arange(30) == 29, {"kind": "classes", "count": 2}),  # the largest is in the validation split
        (np.arange(30) - 1, None),  # whole numbers below 0 are no classes
        (np.ones((30, 2)), {"kind": "rows", "count": 2}),
        (np.eye(30, 5, dtype="uint8"), {"kind": "rows", "count": 5}),
    ],
)
def test_labels_are_recorded(y, labels, tmp_path):
    data = load_data(save(tmp_path / "x.npz", x=np.eye(30), **({} if y is None else {"y": y})), split_order="tail")
    assert data.protocol.labels == labels
    assert data.protocol.to_json().get("labels") == labels
    if y is not None:
        assert data.train.y.dtype == ("int64" if y.ndim == 1 else "float32")
        np.testing.assert_array_equal(np.concatenate([data.train.y, data.validation.y]), y)


CLASSES = {"kind": "classes", "count": 3}
ROWS = {"kind": "rows", "count": 2}


@pytest.mark.parametrize(
    ("labels", "y", "message"),
    [
        (CLASSES, [0, 3], "y: expected classes 0 to 2, as in training, got 0 to 3"),
        (CLASSES, [-1, 2], "y: expected classes 0 to 2, as in training, got -1 to 2"),
        (CLASSES, np.ones((2, 3)), "y: expected classes 0 to 2, as in training, got rows of 3"),
        (CLASSES, None, "y: expected classes 0 to 2, as in training, got none"),
        (CLASSES, [0, 1, 2], "y: expected 2 integer labels"),
        (ROWS, np.ones((2, 3)), "y: expected rows of 2 numbers, as in training, got rows of 3"),
        (ROWS, [0, 1], "y: expected rows of 2 numbers, as in training, got 0 to 1"),
        (ROWS, None, "y: expected rows of 2 numbers, as in training, got none"),
    ],
)
def test_labels_are_what_they_were_in_training(labels, y, message):
    protocol = Protocol.from_json(OLD_RECORD | {"labels": labels})
    fitting = [2, 0] if labels == CLASSES else [[1, 2], [3, 4]]
    np.testing.assert_array_equal(protocol.prepare_labels(fitting, "y", 2), fitting)
    with pytest.raises(ValueError, match=f"^{message}"):
        protocol.prepare_labels(y, "y", 2)


# ---- shifts, dequantization, standardization


def test_shift_moves_pixels_and_repeats_the_edge():
    x = np.arange(12.0, dtype="float32").reshape(1, 12)  # 3 x 4
    images = np.repeat(x, 4, axis=0)
    moved = shift(images, (3, 4, 1), np.array([[0, 0], [1, 0], [0, -1], [5, 5]])).reshape(4, 3, 4)
    image = x.reshape(3, 4)
    np.testing.assert_array_equal(moved[0], image)
    np.testing.assert_array_equal(moved[1], image[[0, 0, 1]])
    np.testing.assert_array_equal(moved[2], image[:, [1, 2, 3, 3]])
    np.testing.assert_array_equal(moved[3], np.zeros((3, 4)))
    color = np.random.default_rng(0).random((2, 3 * 4 * 3)).astype("float32")
    moved = shift(color, (3, 4, 3), np.array([[0, 1], [1, 0]])).reshape(2, 3, 4, 3)
    np.testing.assert_array_equal(moved[0, :, 1:], color.reshape(2, 3, 4, 3)[0, :, :-1])
    np.testing.assert_array_equal(moved[1, 1:], color.reshape(2, 3, 4, 3)[1, :-1])


def test_every_shift_is_as_likely():
    """One bright pixel in the middle goes to each of the nine places, and nowhere else."""
    x = np.zeros((9000, 5, 5))
    x[:, 2, 2] = 1
    data = load_data(x, augment=1, validation=0)
    seen = data.present(data.train.x, np.random.default_rng(0)).mean(axis=0).reshape(5, 5)
    assert seen.sum() == pytest.approx(1)
    assert (np.abs(seen[1:4, 1:4] - 1 / 9) < 4 * (8 / 81 / 9000) ** 0.5).all()
    np.testing.assert_array_equal(data.settle(data.train.x, None), data.train.x)  # evaluation sees no shifts


def test_shifts_are_for_training_images_only():
    data = load_data("digits", augment=2)
    np.testing.assert_array_equal(data.validation.x, load_data("digits").validation.x)
    with pytest.raises(ValueError, match="augment: shifts need images, got rows of 3 values"):
        load_data(np.zeros((4, 3)), augment=1)


def test_dequantization_spreads_levels_evenly():
    x = np.tile(np.arange(256, dtype="uint8").reshape(1, 16, 16), (120, 1, 1))
    data = load_data(x, likelihood="gaussian", dequantize=True)
    seen = data.present(data.train.x, np.random.default_rng(0))
    fraction = seen * 256 - x[:100].reshape(100, -1)
    assert fraction.min() > -1e-4
    assert fraction.max() < 1 + 1e-4
    assert abs(fraction.mean() - 0.5) < 4 * (1 / 12 / fraction.size) ** 0.5
    assert (data.present(data.train.x, np.random.default_rng(1)) != seen).mean() > 0.99
    again = load_data(x, likelihood="gaussian", dequantize=True)
    np.testing.assert_array_equal(again.validation.x, data.validation.x)
    assert load_data("digits", likelihood="gaussian", dequantize=True).protocol.levels == 17
    with pytest.raises(ValueError, match="dequantize: expected integer pixels"):
        load_data(np.zeros((6, 3)), likelihood="gaussian", dequantize=True)


def test_standardization_uses_the_training_split_only(tmp_path):
    x = np.arange(24.0).reshape(12, 2) * [1, 100]
    np.savez(tmp_path / "x.npz", x=x, x_test=x + 1)
    data = load_data(tmp_path / "x.npz", likelihood="gaussian", standardize=True, split_order="tail")
    mean = x[:10].mean(axis=0)
    std = x[:10].std(axis=0)
    np.testing.assert_allclose(data.train.x, (x[:10] - mean) / std, rtol=1e-5)
    np.testing.assert_allclose(data.validation.x, (x[10:] - mean) / std, rtol=1e-5)
    np.testing.assert_allclose(data.test().x, (x + 1 - mean) / std, rtol=1e-5)
    assert data.protocol.mean == pytest.approx(mean.tolist())


def test_batches_cover_everything():
    parts = batches(10, 4)
    np.testing.assert_array_equal(np.concatenate(parts), range(10))
    assert [len(p) for p in parts] == [4, 4, 2]
    shuffled = batches(10, 3, np.random.default_rng(0))
    assert sorted(np.concatenate(shuffled)) == list(range(10))
    assert [len(p) for p in batches(3, 100)] == [3]


# ---- users' files


def save(path, **arrays):
    np.savez(path, **arrays)
    return path


def test_npy_rows_and_images(tmp_path, images):
    np.save(tmp_path / "a.npy", images)
    data = load_data(tmp_path / "a.npy", split_order="tail")
    assert data.shape == (4, 4, 1)
    np.testing.assert_array_equal(data.train.x[0], (images[0] / np.float32(255)).ravel())
    assert data.protocol.sha256 == hashlib.sha256((tmp_path / "a.npy").read_bytes()).hexdigest()
    with pytest.raises(ValueError, match="a.npy has no test split"):
        data.test()
    rows = np.random.default_rng(0).standard_normal((20, 3))
    np.save(tmp_path / "b.npy", rows)
    data = load_data(str(tmp_path / "b.npy"), likelihood="gaussian", split_order="tail")
    assert data.shape == (3,)
    np.testing.assert_array_equal(data.train.x, rows[:17].astype("float32"))


def test_npz_with_everything(tmp_path, images):
    color = np.stack([images] * 3, axis=-1)
    path = save(tmp_path / "a.npz", x_train=color, y=np.arange(30), x_test=color[:4], y_test=np.arange(4))
    data = load_data(path, split_order="tail")
    assert data.shape == (4, 4, 3)
    np.testing.assert_array_equal(data.validation.y, np.arange(25, 30))
    assert data.test().x.shape == (4, 48)
    np.testing.assert_array_equal(data.test().y, np.arange(4))


@pytest.mark.parametrize("dtype", ["uint8", "bool", "int64", "float64"])
def test_bits_stay_bits(tmp_path, dtype):
    bits = np.eye(12).astype(dtype)
    np.save(tmp_path / "bits.npy", bits)
    data = load_data(tmp_path / "bits.npy", split_order="tail")
    assert data.protocol.binarize == "none"
    np.testing.assert_array_equal(data.train.x, np.eye(12)[:10])
    assert data.protocol.entropy_floor is None


LABELS = "y: expected 6 integer labels, or 6 rows of numbers, got dtype "


def bad(name):
    """(file content or arrays, what the message says) of a bad file."""
    x = np.random.default_rng(0).random((6, 4))
    nan = x.copy()
    nan[2, 1] = np.nan
    inf = x.copy()
    inf[0, 0] = np.inf
    return {
        "object": ({"x": np.array([[1, None]], dtype=object)}, "is no readable .npy or .npz file"),
        "text": ({"x": np.array([["a", "b"]])}, "x: expected numbers, got dtype <U1"),
        "complex": ({"x": x + 1j}, "x: expected numbers, got dtype complex128"),
        "nan": ({"x": nan * np.nan}, "x: expected at least one value in the training split, all are missing"),
        "inf": ({"x": inf}, "x: expected finite"),
        "overflow": ({"x": x * 1e300}, "x: expected finite"),
        "range": ({"x": 2 * x}, r"x: expected pixels or bits in \[0, 1\]"),
        "negative": ({"x": -x}, r"x: expected pixels or bits in \[0, 1\]"),
        "sixteen bits": (
            {"x": np.array([[0, 4095]], "uint16")},
            r"scale: uint16 values from 0 to 4095 need one; .* max",
        ),
        "empty": ({"x": np.zeros((0, 4))}, "x: expected at least one example"),
        "no values": ({"x": np.zeros((3, 0))}, "x: expected at least one example"),
        "one axis": ({"x": np.zeros(5)}, "x: expected rows"),
        "five axes": ({"x": np.zeros((2, 2, 2, 2, 2))}, "x: expected rows"),
        "no x": ({"images": x}, "has no array x or x_train"),
        "both": ({"x": x, "x_train": x}, "has both x and x_train"),
        "few labels": ({"x": x, "y": np.arange(5)}, f"{LABELS}int64, shape \\(5,\\)"),
        "real labels": ({"x": x, "y": x[:, 0]}, f"{LABELS}float64, shape \\(6,\\)"),
        "text labels": ({"x": x, "y": np.array(list("abcdef"))}, "y: expected numbers, got dtype <U1"),
        "few rows": ({"x": x, "y": x[:5]}, f"{LABELS}float64, shape \\(5, 4\\)"),
        "empty rows": ({"x": x, "y": x[:, :0]}, f"{LABELS}float64, shape \\(6, 0\\)"),
        "boxes": ({"x": x, "y": x[:, :, None]}, f"{LABELS}float64, shape \\(6, 4, 1\\)"),
        "nan rows": ({"x": x, "y": nan}, "y: expected a label for each row, 1 of 6 are missing, the first in row 2"),
        "large rows": ({"x": x, "y": x * 1e300}, "y: expected finite float32 values, got NaN or infinity"),
        "not npz": (b"hello", "is no readable .npy or .npz file"),
        "nothing": (b"", "is no readable .npy or .npz file"),
    }[name]


NAMES = ["object", "text", "complex", "nan", "inf", "overflow", "range", "negative", "sixteen bits", "empty",
         "no values", "one axis", "five axes", "no x", "both", "few labels", "real labels",
         "text labels", "few rows", "empty rows", "boxes", "nan rows", "large rows", "not npz", "nothing"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_bad_files(name, tmp_path):
    content, message = bad(name)
    path = tmp_path / "a.npz"
    path.write_bytes(content) if isinstance(content, bytes) else save(path, **content)
    with pytest.raises(ValueError, match=message) as error:
        load_data(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("shape", [(8, 8, 10), (8, 8, 8), (5, 4, 2), (3, 8, 8)])
def test_any_number_of_channels(shape):
    """Hyperspectral images, and volumes, whose last axis stands for channels."""
    x = np.random.default_rng(0).random((20, *shape)).astype("float32")
    data = load_data(x, likelihood="gaussian", validation=5)
    assert data.shape == shape
    np.testing.assert_array_equal(data.train.x, x[cut(20, 5)[0]].reshape(15, -1))


def test_bad_test_splits(tmp_path):
    x = np.eye(6)
    with pytest.raises(ValueError, match=r"x_test: expected examples of shape \(6,\), as in training, got \(5,\)"):
        load_data(save(tmp_path / "a.npz", x=x, x_test=np.eye(5))).test()
    with pytest.raises(ValueError, match=r"x_test: expected pixels or bits in \[0, 1\]"):
        load_data(save(tmp_path / "b.npz", x=x, x_test=3.5 * x)).test()
    with pytest.raises(ValueError, match="y_test: expected 6 integer labels"):
        load_data(save(tmp_path / "c.npz", x=x, x_test=x, y_test=np.arange(5))).test()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"{'descr'", b"?'descr'"),
        (b"(6, 4)", b"(6, 4 "),
        (b"'<f8'", b"',f4'"),
        (b"(6, 4), }      ", b"(10000000000000)"),
    ],
)
def test_damaged_npy_headers(old, new, tmp_path):
    np.save(tmp_path / "a.npy", np.random.default_rng(0).random((6, 4)))
    content = (tmp_path / "a.npy").read_bytes()
    assert old in content
    (tmp_path / "a.npy").write_bytes(content.replace(old, new))
    with pytest.raises(ValueError, match="a.npy is no readable .npy or .npz file of numbers"):
        load_data(tmp_path / "a.npy")


@pytest.mark.parametrize("cut", [10, 100, 300])
def test_truncated_npz(cut, tmp_path):
    path = save(tmp_path / "a.npz", x=np.random.default_rng(0).random((6, 40)))
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(ValueError, match="is no readable .npy or .npz file"):
        load_data(path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"source": "cifar"},
            "data: expected digits, .*, expressions, a .npy, .npz, .csv or .txt file, or a folder of pictures, got",
        ),
        ({"source": "gone.npy"}, "gone.npy does not exist"),
        ({"binarize": "sometimes"}, "binarize: expected one of each, once, threshold, none, got 'sometimes'"),
        ({"validation": 1500}, "validation: expected 0 to 1499 of the 1500 training examples, got 1500"),
        ({"validation": -1}, "validation: expected a whole number >= 0, got -1"),
        ({"source": "sprites", "sprites": {"size": 3}}, "sprites: expected side, shape, .* x, y, got 'size'"),
        ({"source": "sprites", "sprites": {"shape": [3]}}, "shape: expected whole numbers from 0 to 2, got 3"),
        ({"source": "digits", "sprites": {"side": 16}}, "sprites: expected data sprites, got 'digits'"),
        ({"source": np.eye(9), "sprites": {"side": 16}}, "sprites: expected data sprites, got an array"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        load_data(**options)


# ---- IDX files and downloads


def test_idx_folder(idx_folder, images, monkeypatch):
    data = load_data("mnist", idx_folder)
    np.testing.assert_array_equal(data.train.x, images[:25].reshape(25, -1) / np.float32(255))
    np.testing.assert_array_equal(data.train.y, np.arange(25) % 10)
    assert len(data.test().x) == 12
    monkeypatch.setenv("MINIVAE_DATA", str(idx_folder))
    assert load_data("mnist").protocol == data.protocol


def test_missing_file_in_data_dir(idx_folder):
    with pytest.raises(ValueError, match=r"data_dir: .*fashion_mnist.*train-images-idx3-ubyte.gz does not exist"):
        load_data("fashion", idx_folder)
    (idx_folder / "mnist" / "t10k-images-idx3-ubyte.gz").unlink()
    with pytest.raises(ValueError, match="t10k-images-idx3-ubyte.gz does not exist"):
        load_data("mnist", idx_folder).test()  # training does not look at the test split


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda b: b[: len(b) // 2], "is damaged"),
        (lambda b: b[:-20] + b"\0" * 20, "is damaged"),
        (lambda b: b"", "is not an IDX file|is damaged"),
        (lambda b: b"plain text", "is damaged"),
        (lambda b: gzip.compress(gzip.decompress(b)[:-7]), "is truncated"),
        (lambda b: gzip.compress(b"\0\0\x0d\1" + b"\0" * 8), "is not an IDX file"),
        (lambda b: gzip.compress(b"\0\0"), "is not an IDX file"),
    ],
)
def test_damaged_idx(damage, message, idx_folder):
    path = idx_folder / "mnist" / "train-images-idx3-ubyte.gz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=message):
        load_data("mnist", idx_folder)


@pytest.fixture
def server(images, monkeypatch):
    """A local server: /good/ has the files, /wrong/ others, /cut/ parts, /gone/ nothing. Requests are counted."""
    requests = []
    content = {"/good/f.gz": idx(images), "/wrong/f.gz": idx(images[:3])}
    for file, body in PUBLISHED.items():
        content |= {f"/good/{file}": body, f"/cut/{file}": body[: len(body) // 2]}
        content |= {f"/wrong/{file}": PUBLISHED[file.replace("train", "valid").replace("background", "evaluation")]}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            requests.append(self.path)
            body = content.get(self.path)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *args):
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{httpd.server_port}"
    sha256 = hashlib.sha256(gzip.decompress(content["/good/f.gz"])).hexdigest()

    def mirrors(*names):
        urls = tuple(f"{base}/{name}/" for name in names)
        monkeypatch.setitem(DOWNLOADS, "toy", FileSet("toy", urls, {"f.gz": sha256}))
        for name in ("static-mnist", "omniglot"):
            hashes = {file: hashlib.sha256(array.tobytes()).hexdigest() for file, array in CONVERTED[name].items()}
            monkeypatch.setitem(DOWNLOADS, name, DOWNLOADS[name]._replace(mirrors=urls, sha256=hashes))
        return requests

    yield mirrors
    httpd.shutdown()
    httpd.server_close()


def test_download_tries_mirrors_until_the_content_is_right(server, tmp_path):
    requests = server("gone", "wrong", "good")
    path = fetch("toy", "f.gz", tmp_path)
    assert requests == ["/gone/f.gz", "/wrong/f.gz", "/good/f.gz"]
    assert fetch("toy", "f.gz", tmp_path) == path
    assert len(requests) == 3  # from the cache
    path.write_bytes(b"damaged")
    fetch("toy", "f.gz", tmp_path)
    assert len(requests) == 6


def test_download_of_recompressed_content(server, tmp_path, images):
    """Mirrors compress the same images to different bytes: the hash is that of the content."""
    server()
    path = tmp_path / "toy" / "f.gz"
    path.parent.mkdir()
    path.write_bytes(gzip.compress(gzip.decompress(idx(images)), 1))
    assert fetch("toy", "f.gz", tmp_path) == path


def test_download_that_fails_leaves_nothing(server, tmp_path):
    server("gone", "wrong")
    with pytest.raises(
        ConnectionError, match=r"no mirror gave f.gz \(.*gone.*HTTPError.*wrong.*other content.*--data-dir"
    ):
        fetch("toy", "f.gz", tmp_path)
    assert not list(tmp_path.rglob("*.gz"))


# small stand-ins for what others publish, made without the code that converts it


def matlab(bits, **others):
    file = io.BytesIO()
    scipy.io.savemat(file, {"X": bits.astype("float64")} | others)
    return file.getvalue()


def npz(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


BITS = {f"binarized_mnist_{kind}.amat": np.random.default_rng(i).integers(0, 2, (n, 784)).astype("uint8")
        for i, (kind, n) in enumerate((("train", 10), ("valid", 2), ("test", 4)))}  # fmt: skip
PAPER = {f"images_{kind}.npz": np.random.default_rng(n).random((n, 20, 105, 105)) < 0.8
         for kind, n in (("background", 3), ("evaluation", 2))}  # fmt: skip
PUBLISHED = {file: matlab(x) for file, x in BITS.items()} | {file: npz(images=x) for file, x in PAPER.items()}


def boxed(paper):
    """Ink, 255, averaged over those pixels whose centers lie in a box of 3.75 x 3.75, rounded after each axis."""
    low = 3.75 * np.arange(28)[:, None]
    center = np.arange(105) + 0.5
    member = (low < center) & (center <= low + 3.75)  # (28, 105), 3 or 4 pixels each
    share = member / member.sum(1, keepdims=True)
    rows = np.floor(255 * (~paper @ share.T) + 0.5)
    return np.floor(share @ rows + 0.5 + 1e-9).astype("uint8")


CONVERTED = {"static-mnist": {file: np.packbits(x, axis=1) for file, x in BITS.items()},
             "omniglot": {file: boxed(x) for file, x in PAPER.items()}}  # fmt: skip


@pytest.fixture
def cache(server, tmp_path, monkeypatch):
    """The user's cache, with only the good mirror."""
    monkeypatch.setattr("pooch.os_cache", lambda _: tmp_path)
    return server("good")


def test_small_omniglot(tmp_path):
    path = tmp_path / "a.npz"
    for file, paper in PAPER.items():
        path.write_bytes(PUBLISHED[file])
        np.testing.assert_array_equal(small_omniglot(path), boxed(paper))
    paper = PAPER["images_evaluation.npz"]
    for content in (b"", PUBLISHED[file][:-500], npz(x=paper), npz(images=paper[:, :9]), npz(images=paper * 1)):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="a.npz is damaged"):
            small_omniglot(path)


def test_static_mnist_downloaded(cache):
    data = load_data("static-mnist")
    bits = [BITS[f"binarized_mnist_{kind}.amat"] for kind in ("train", "valid", "test")]
    assert data.shape == (28, 28, 1)
    assert data.protocol.binarize == "none"
    np.testing.assert_array_equal(data.train.x, bits[0])
    np.testing.assert_array_equal(data.validation.x, bits[1])  # 2 of 12 as 10,000 of 60,000: its own validation split
    assert data.train.y is None
    assert cache == ["/good/binarized_mnist_train.amat", "/good/binarized_mnist_valid.amat"]
    x = data.test().x
    assert sorted(map(bytes, x.astype("uint8"))) == sorted(map(bytes, bits[2]))
    np.testing.assert_array_equal(x, load_data("static-mnist").test().x)
    assert len(cache) == 3  # the rest is from the cache


def test_omniglot_downloaded(cache, tmp_path):
    data = load_data("omniglot", binarize="none", validation=0)
    small = CONVERTED["omniglot"]["images_background.npz"] / np.float32(255)
    assert sorted(data.train.y) == sorted([0, 1, 2] * 20)
    assert (np.diff(data.train.y) != 0).sum() > 20  # shuffled
    for character in range(3):
        drawn = data.train.x[data.train.y == character]
        assert sorted(map(bytes, drawn)) == sorted(map(bytes, small[character].reshape(20, -1)))
    assert cache == ["/good/images_background.npz"]  # training does not look at the test split
    assert set(data.test().y) == {3, 4}
    kept = sorted(path.name for path in (tmp_path / "omniglot").iterdir())
    assert kept == ["images_background.npy", "images_evaluation.npy"]
    assert load_data("omniglot").protocol.sha256 == data.protocol.sha256
    assert len(cache) == 2


@pytest.mark.parametrize(
    ("name", "file"), [("static-mnist", "binarized_mnist_train.amat"), ("omniglot", "images_background.npz")]
)
def test_converted_downloads(name, file, server, tmp_path):
    requests = server("gone", "cut", "wrong", "good")
    path = fetch(name, file, tmp_path)
    assert requests == [f"/{mirror}/{file}" for mirror in ("gone", "cut", "wrong", "good")]
    np.testing.assert_array_equal(np.load(path), CONVERTED[name][file])
    content = path.read_bytes()
    for damaged in (content[:-1], content[:60], b"", content[:-1] + b"?", content.replace(b"{'descr'", b"?'descr'")):
        path.write_bytes(damaged)
        requests.clear()
        np.testing.assert_array_equal(np.load(fetch(name, file, tmp_path)), CONVERTED[name][file])
        assert len(requests) == 4
    server("gone", "cut", "wrong")
    path.write_bytes(b"damaged")
    with pytest.raises(ConnectionError, match=r"gone.*HTTPError.*cut.*ValueError.*wrong.*other content.*--data-dir D"):
        fetch(name, file, tmp_path)
    assert not list((tmp_path / path.parent.name).iterdir())


def test_text_and_matlab_bits(tmp_path):
    x = BITS["binarized_mnist_train.amat"]
    rows = "\n".join(" ".join(map(str, row)) for row in x) + "\n"
    for content in (matlab(x), matlab(x.T), matlab(x, y=np.arange(5)), rows.encode()):
        (tmp_path / "a.amat").write_bytes(content)
        np.testing.assert_array_equal(packed_bits(tmp_path / "a.amat"), np.packbits(x, axis=1))
    for content in (b"", b"0 1 1 0", rows.replace("1", "2").encode(), matlab(x + 1), matlab(x[:, :9]), matlab(x, y=x)):
        (tmp_path / "a.amat").write_bytes(content)
        with pytest.raises(ValueError, match="a.amat is damaged"):
            packed_bits(tmp_path / "a.amat")


def test_converted_sets_in_data_dir(cache, tmp_path):
    """As published, or in the .npz file that has labels too; nothing is downloaded."""
    expected = {name: load_data(name) for name in ("static-mnist", "omniglot")}
    cache.clear()
    a = tmp_path / "a"
    b = tmp_path / "b"
    for folder in (a, b):
        (folder / "binarized_mnist").mkdir(parents=True)
        (folder / "omniglot").mkdir()
    for file in BITS:
        (a / "binarized_mnist" / file).write_bytes(PUBLISHED[file])
    for file in PAPER:
        (a / "omniglot" / file).write_bytes(PUBLISHED[file])
    arrays = {}
    for file, packed in CONVERTED["static-mnist"].items():
        kind = file.removeprefix("binarized_mnist_").removesuffix(".amat")
        arrays |= {f"{kind}_packed": packed, f"{kind}_labels": packed[:, 50] % 10}
    np.savez(b / "binarized_mnist" / "binarized_mnist_static.npz", **arrays)
    small = CONVERTED["omniglot"]
    np.savez(b / "omniglot" / "omniglot_28x28_box.npz",
             background=small["images_background.npz"], evaluation=small["images_evaluation.npz"])  # fmt: skip
    for name, data in expected.items():
        for folder in (a, b):
            other = load_data(name, folder)
            assert replace(other.protocol, labels=None) == replace(data.protocol, labels=None)  # one file has some
            np.testing.assert_array_equal(other.test().x, data.test().x)
    bits = load_data("static-mnist", b)
    np.testing.assert_array_equal(bits.validation.y, arrays["valid_labels"])
    for x, y in (bits.train, bits.validation, bits.test()):
        np.testing.assert_array_equal(np.packbits(x.astype(bool), axis=1)[:, 50] % 10, y)
    assert cache == ["/good/binarized_mnist_test.amat", "/good/images_evaluation.npz"]  # of `expected`


def test_bad_converted_sets_in_data_dir(tmp_path):
    for name, file in (("static-mnist", "binarized_mnist_static.npz"), ("omniglot", "omniglot_28x28_box.npz")):
        path = tmp_path / DOWNLOADS[name].folder / file
        with pytest.raises(ValueError, match=f"data_dir: .*{file} does not exist"):
            load_data(name, tmp_path)
        path.parent.mkdir()
        path.write_bytes(b"PK damaged")
        with pytest.raises(ValueError, match=f"{file} is no readable"):
            load_data(name, tmp_path)
        save(path, x=np.eye(3))
        with pytest.raises(ValueError, match=rf"{file}: expected an array .* of bytes \(N, .*\), got none"):
            load_data(name, tmp_path)
        save(path, train_packed=np.zeros((3, 99), "uint8"), background=np.zeros((3, 20, 28, 28)))
        with pytest.raises(ValueError, match=rf"{file}: expected an array .* got dtype .*, shape \(3, "):
            load_data(name, tmp_path)
    packed = {f"{kind}_packed": np.zeros((2, 98), "uint8") for kind in ("train", "valid", "test")}
    save(tmp_path / "binarized_mnist" / "binarized_mnist_static.npz", test_labels=np.arange(1), **packed)
    with pytest.raises(ValueError, match="test_labels: expected 2 integer labels"):
        load_data("static-mnist", tmp_path).test()


def test_every_file_has_a_hash_and_a_mirror():
    for one in DOWNLOADS.values():
        assert len(one.mirrors) >= 1
        assert all(mirror.endswith("/") for mirror in one.mirrors)
        assert len(set(one.sha256.values())) == len(one.sha256) >= 1
        assert all(len(h) == 64 for h in one.sha256.values())


# ---- sprites


def test_sprites():
    data = load_data("sprites")
    assert data.shape == (32, 32, 1)
    assert [len(data.train.x), len(data.validation.x), len(data.test().x)] == [16_000, 3_200, 3_840]
    assert data.protocol.binarize == "none"
    for y in (data.train.y, data.validation.y, data.test().y):
        assert np.abs(np.bincount(y, minlength=3) / len(y) - 1 / 3).max() < 0.04  # shuffled
    everything = np.concatenate([data.train.x, data.validation.x, data.test().x]).reshape(-1, 32, 32)
    images, _ = sprites(32, **{name: SPRITES[name] for name in ("orientation", "x", "y")})
    assert sorted(map(bytes, everything.astype("uint8"))) == sorted(map(bytes, images))
    assert data.protocol == load_data("sprites").protocol


def test_sprites_of_another_kind():
    data = load_data("sprites", sprites={"side": 16, "shape": [2], "x": [3], "y": [0], "orientation": None})
    assert data.shape == (16, 16, 1)
    assert [len(data.train.x), len(data.validation.x), len(data.test().x)] == [167, 33, 40]
    assert set(data.train.y) == {2}
    assert data.protocol.sha256 != load_data("sprites", sprites={"side": 16}).protocol.sha256
    few = load_data("sprites", sprites={"shape": [0], "scale": [5], "orientation": [0], "x": [3], "y": [0, 1]})
    with pytest.raises(ValueError, match="sprites has no test split"):
        few.test()


# ---- the real files, where they are


@pytest.mark.data
@pytest.mark.parametrize("name", ["mnist", "fashion"])
def test_real_files(name, data_dir):
    for file, sha256 in DOWNLOADS[name].sha256.items():
        content = gzip.decompress((data_dir / DOWNLOADS[name].folder / file).read_bytes())
        assert hashlib.sha256(content).hexdigest() == sha256
    data = load_data(name, data_dir)
    assert [len(data.train.x), len(data.validation.x), len(data.test().x)] == [50_000, 10_000, 10_000]
    assert data.shape == (28, 28, 1)
    mean = {"mnist": 0.1307, "fashion": 0.2860}[name]  # the well-known means of the 60,000
    everything = np.concatenate([data.train.x.mean(1), load_data(name, data_dir, binarize="none").validation.x.mean(1)])
    assert everything.mean() == pytest.approx(mean, abs=1e-4)


@pytest.mark.data
def test_real_converted_sets(data_dir):
    with np.load(data_dir / "binarized_mnist" / "binarized_mnist_static.npz") as file:
        for kind in ("train", "valid", "test"):
            sha256 = DOWNLOADS["static-mnist"].sha256[f"binarized_mnist_{kind}.amat"]
            assert hashlib.sha256(file[f"{kind}_packed"].tobytes()).hexdigest() == sha256
    with np.load(data_dir / "omniglot" / "omniglot_28x28_box.npz") as file:
        for kind in ("background", "evaluation"):
            sha256 = DOWNLOADS["omniglot"].sha256[f"images_{kind}.npz"]
            assert hashlib.sha256(file[kind].tobytes()).hexdigest() == sha256
    bits = load_data("static-mnist", data_dir)
    assert [len(bits.train.x), len(bits.validation.x), len(bits.test().x)] == [50_000, 10_000, 10_000]
    grey = load_data("mnist", data_dir, binarize="none").test()
    for digit in range(10):  # the bits of a class have the mean of its grey pixels
        means = [x[y == digit].mean() for x, y in (bits.test(), grey)]
        assert means[0] == pytest.approx(means[1], rel=0.01)
    data = load_data("omniglot", data_dir)
    assert [len(data.train.x), len(data.validation.x), len(data.test().x)] == [16_067, 3_213, 13_180]
    assert set(data.train.y) | set(data.validation.y) == set(range(964))
    assert set(data.test().y) == set(range(964, 1623))

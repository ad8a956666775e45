"""The scale of a user's data: decided by dtype, likelihood or option, recorded, and held against later data."""

import json
import re

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_digits

from minivae import Adam, fit, load_data
from minivae.cli import main
from minivae.data.protocol import Protocol
from minivae.data.rows import Rows
from minivae.data.scale import find
from minivae.models import MODELS
from minivae.runs import Run

SMALL = ["--hidden", "8", "--latent", "2", "--epochs", "1"]
SCANS = np.random.default_rng(0).integers(0, 201, (300, 16, 16)).astype("uint16")
GREY = np.random.default_rng(0).integers(0, 256, (60, 4, 4)).astype("uint8")
UNIT = np.random.default_rng(0).random((60, 4, 4))
pytestmark = pytest.mark.usefixtures("no_pictures")


def error_of(capsys, *argv):
    assert main([str(part) for part in argv]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error


# ---- the decision


@pytest.mark.parametrize(
    ("x", "options", "divisor"),
    [
        (GREY, {}, 255),
        (GREY > 127, {}, 1),
        ((GREY > 127).astype("int64"), {}, 1),
        ((GREY > 127).astype("uint8"), {}, 1),
        (UNIT, {}, 1),
        (SCANS, {"scale": 255}, 255),
        (SCANS, {"scale": 200.5}, 200.5),
        (SCANS, {"scale": "max"}, 200),
        (SCANS, {"scale": "dtype"}, 65535),
        (SCANS, {"scale": "none", "likelihood": "gaussian"}, 1),
        (GREY // 16, {"scale": 15}, 15),
        (GREY // 16, {"likelihood": "categorical"}, 15),
        (GREY.astype("int64") % 5, {"likelihood": "categorical", "levels": 5}, 4),
        (GREY, {"likelihood": "categorical", "scale": 255}, 255),
        (GREY, {"likelihood": "beta-binomial"}, 255),
        (GREY, {"likelihood": "logistic-mixture", "levels": 512}, 511),
        (GREY // 16, {"likelihood": "logistic-mixture", "levels": 16}, 15),
        (100 * UNIT, {"scale": 100}, 100),
        (SCANS, {"likelihood": "gaussian", "standardize": True}, 1),
    ],
)
def test_what_values_are_divided_by(x, options, divisor):
    data = load_data(x, validation=0, **options)
    protocol = data.protocol
    assert (protocol.divisor, type(protocol.divisor)) == (divisor, type(divisor))
    assert (protocol.dtype, protocol.low, protocol.high) == (x.dtype.name, x.min(), x.max())
    assert Protocol.from_json(json.loads(json.dumps(protocol.to_json()))) == protocol
    if not options.get("standardize"):
        np.testing.assert_allclose(data.train.x, x.reshape(len(x), -1) / divisor, rtol=1e-6)
        np.testing.assert_array_equal(protocol.converted(*seen(x), "x", "gaussian").read(), data.train.x)


def seen(x):
    rows = Rows(x)
    return rows, find(rows, "x")


@pytest.mark.parametrize(
    ("x", "options", "message"),
    [
        (SCANS, {}, r"uint16 values from 0 to 200 need one; expected --scale 255, max \(200\), dtype \(65535\) or "),
        (SCANS, {"likelihood": "gaussian"}, "scale: uint16 .* expected standardize = true in --config, or --scale"),
        (20 * SCANS, {}, r"expected --scale a number, max \(4000\), dtype"),
        (-SCANS.astype("int64") - 1, {}, "int64 values from -201 to -1 need one; expected --scale a number, dtype"),
        (load_digits().images.astype("uint8"), {}, r"uint8 values from 0 to 16 need one; images of 256 levels"),
        (SCANS, {"likelihood": "categorical"}, "from 0 to 200 are no levels 0 to 15; expected levels = 201"),
        (GREY // 16, {"likelihood": "beta-binomial"}, "from 0 to 15 are no levels 0 to 255; expected levels = 16"),
        (GREY.astype("int64") - 9, {"likelihood": "categorical"}, "x: int64 values from -9 to .* are no levels"),
        (UNIT, {"scale": "dtype"}, "scale: expected integers for dtype, got float64 values from"),
        (-SCANS.astype("int64"), {"scale": "max"}, "expected values above 0 for max, got int64 values from -200"),
        (SCANS, {"scale": 0}, "scale: expected a number > 0, max, dtype or none, got 0"),
        (SCANS, {"scale": "most"}, "scale: expected a number > 0, max, dtype or none, got 'most'"),
        (SCANS, {"scale": 100}, r"x: expected pixels or bits in \[0, 1\], got 0 to 2$"),
        (SCANS, {"scale": 9, "standardize": True, "likelihood": "gaussian"}, "scale: expected none, with standardize"),
        ("digits", {"scale": 16}, "scale: expected none, data digits has its own, got 16"),
    ],
)  # fmt: skip
def test_where_nothing_decides(x, options, message):
    with pytest.raises(ValueError, match=message) as error:
        load_data(x, **options)
    assert "\n" not in str(error.value)


def test_the_flag_and_what_training_prints(tmp_path, capsys):
    np.save(tmp_path / "x.npy", SCANS)
    argv = ["train", *SMALL, "--data", tmp_path / "x.npy", "--out", tmp_path / "a"]
    assert "expected --scale 255, max (200), dtype (65535) or none" in error_of(capsys, *argv)
    assert main([str(part) for part in (*argv, "--scale", "max")]) == 0
    out = capsys.readouterr().out
    assert "x: uint16 from 0 to 200, divided by 200: 0 to 1; 0 validation values lie outside\n" in out
    run = Run.open(tmp_path / "a")
    assert (run.settings["scale"], run.protocol.divisor, run.protocol.outside) == ("max", 200, 0)
    assert main(["evaluate", str(tmp_path / "a"), "--split", "validation"]) == 0


def test_levels_are_seen_as_levels():
    """Integers 0 to 4 under five levels are what k / 4 is: all were level 0 once."""
    r = np.random.default_rng(0)
    z = r.integers(0, 4, 600)
    P = r.dirichlet(np.ones(5) * 0.3, (4, 12))
    k = np.array([[r.choice(5, p=p) for p in P[i]] for i in z])
    elbos = []
    for x in (k, k / 4):
        data = load_data(x, likelihood="categorical", levels=5)
        np.testing.assert_array_equal(np.unique(data.train.x), np.float32([0, 0.25, 0.5, 0.75, 1]))
        model = MODELS["vae"].build(data.shape, np.random.default_rng(0), likelihood="categorical", levels=5,
                                    hidden=(32,), latent=3).bind("float32")  # fmt: skip
        history = fit(model, Adam(model, lr=3e-3), data, epochs=60, batch_size=50, progress=False)
        elbos.append(history[-1]["validation"]["elbo"])
    assert elbos[0] == elbos[1]
    assert -17 < elbos[0] < -13  # without the data's structure it is 12 log 5 = 19.3 below 0, at most


@pytest.mark.parametrize(
    ("x", "options", "note"),
    [
        (255 * UNIT, {}, "x: values from .* to 25.* are far from 1 in size for a likelihood gaussian; --scale max, or "
                         "standardize = true in --config, brings them near$"),
        (np.rint(255 * UNIT), {}, ".*; counts suit --likelihood poisson or negative-binomial$"),
        (SCANS, {"scale": "none"}, ".*; counts suit --likelihood poisson"),
        (UNIT / 100, {}, "x: values from .* to 0.00999.* are far from 1"),
    ],
)  # fmt: skip
def test_values_that_a_gaussian_hardly_means(x, options, note):
    (said,) = load_data(x, likelihood="gaussian", **options).notes
    assert re.match(note, said)


@pytest.mark.parametrize("x", [UNIT, GREY, np.random.default_rng(0).standard_normal((60, 5)), np.ones((9, 3))])
def test_values_in_no_doubt(x):
    assert load_data(x, likelihood="gaussian").notes == []
    assert load_data(1000 * UNIT, likelihood="gaussian", standardize=True).notes == []


def test_a_note_is_printed_before_training(tmp_path, capsys):
    np.save(tmp_path / "x.npy", 20 * UNIT)
    argv = ["train", *SMALL, "--data", str(tmp_path / "x.npy"), "--likelihood", "gaussian"]
    assert main([*argv, "--out", str(tmp_path / "a")]) == 0
    out = capsys.readouterr().out
    assert out.index("are far from 1 in size") < out.index("epoch 1/1")


def test_rounding_beyond_one_is_tolerated():
    x = UNIT.astype("float32")
    x[3, 2, 1] = np.float32(1.0000001)
    x[4, 2, 1] = -1e-8
    data = load_data(x)
    assert (data.train.x.min(), data.train.x.max()) == (0, 1)
    assert data.protocol.high == 1.0000001192092896
    x[3, 2, 1] = 1.00001
    with pytest.raises(ValueError, match=r"x: expected pixels or bits in \[0, 1\], got .* to 1.00001001$"):
        load_data(x)


def test_standardized_in_float64():
    """Timestamps keep their distinct values: float32 has 2 of 600."""
    x = np.stack([1.7e9 + 100 * np.random.default_rng(0).random(600), np.full(600, 1.7e9 + 0.1)], axis=1)
    data = load_data(x, likelihood="gaussian", standardize=True, validation=0)
    assert len(np.unique(data.train.x[:, 0])) > 590
    np.testing.assert_allclose(data.train.x.std(axis=0), [1, 0], rtol=1e-5)
    np.testing.assert_array_equal(data.train.x[:, 1], 0)  # a constant column stays
    assert data.protocol.mean == pytest.approx(tuple(x.mean(axis=0)), rel=1e-13)
    np.testing.assert_array_equal(data.protocol.prepare(x, "x", "gaussian"), data.train.x)
    np.testing.assert_allclose(data.protocol.original(data.train.x), x, rtol=0, atol=1e-4)


# ---- later data


def trained_on(x, **options):
    return load_data(x, **{"likelihood": "gaussian", **options}).protocol


INTEGERS = trained_on(GREY)
FLOATS = trained_on(UNIT)
WIDE = trained_on(SCANS, scale="max")
BITS = trained_on(GREY > 127)
TABLE = trained_on(50 * UNIT + 20, standardize=True)


@pytest.mark.parametrize(
    ("protocol", "x", "scale"),
    [
        (INTEGERS, GREY, 255),
        (INTEGERS, GREY.astype("int64"), 255),
        (INTEGERS, GREY // 16, 255),  # the dtype says so
        (INTEGERS, UNIT, 1),
        (INTEGERS, UNIT - 0.1, 1),  # decoded means
        (INTEGERS, GREY > 127, 1),
        (FLOATS, UNIT.astype("float16"), 1),
        (FLOATS, GREY > 127, 1),
        (FLOATS, (GREY > 127).astype("uint8"), 1),
        (FLOATS, UNIT * np.where(np.arange(60) == 7, 1e4, 1)[:, None, None], 1),  # an outlier
        (WIDE, SCANS[:, :4, :4], 200),
        (WIDE, SCANS[:, :4, :4] / 200, 1),
        (BITS, (GREY > 127).astype("int64"), 1),
        (BITS, UNIT, 1),
        (trained_on(100 * UNIT, scale=100), (99 * UNIT).astype("int64"), 100),
    ],
)  # fmt: skip
def test_later_data_on_the_scale_of_training(protocol, x, scale):
    shaped = Protocol(**{**vars(protocol), "shape": (4, 4, 1)})
    np.testing.assert_allclose(shaped.prepare(x, "x", "gaussian"), x.reshape(len(x), -1) / scale, rtol=1e-3)


@pytest.mark.parametrize(
    ("protocol", "x", "message"),
    [
        (FLOATS, GREY, r"expected values in \[0, 1\], as in training, got uint8 values from 0 to 255; divide them"),
        (FLOATS, GREY.astype("float64"), "got float64 values from 0 to 255; divide them by 255"),
        (FLOATS, 255 * UNIT, "expected values on the scale of training, from 0.00.* to 0.99.*, got float64 values"),
        (FLOATS, SCANS[:, :4, :4] + 900, "from 900 to 1100; divide them by what 1 stands for"),
        (INTEGERS, GREY.astype("float64"), "got float64 values from 0 to 255; divide them by 255"),
        (INTEGERS, 255 * UNIT, "expected pixels divided by 255, as in training, got float64 values from"),
        (INTEGERS, 20 * SCANS[:, :4, :4], "expected uint8, as in training, got uint16 values from 0 to 4000"),
        (INTEGERS, -GREY.astype("int64"), "expected uint8, as in training, got int64 values from -255 to 0"),
        (BITS, GREY, "expected bits, as in training, got uint8 values from 0 to 255"),
        (TABLE, 1000 * UNIT, "expected values on the scale of training, from 20.* to .*, got float64"),
        (TABLE, 1000 + 0 * GREY.astype("int64"), "expected values on the scale of training"),
        (FLOATS, np.where(UNIT > 0.9, np.inf, UNIT), "expected finite float32 values, got infinity in row 0"),
    ],
)  # fmt: skip
def test_later_data_on_another_scale(protocol, x, message):
    with pytest.raises(ValueError, match=f"^input: .*{message}") as error:
        protocol.prepare(x, "input", "gaussian")
    assert "\n" not in str(error.value)


def test_values_outside_are_counted():
    x = UNIT.copy()
    x[5, 1, 1], x[9, 0, 0] = 7, -3
    assert FLOATS.count_outside(x, "x") == 2
    assert FLOATS.count_outside(UNIT, "x") == 0
    assert INTEGERS.count_outside(UNIT + 0.5, "x") == (UNIT + 0.5 > 1).sum()  # they come divided
    assert Protocol.from_json({**FLOATS.to_json(), "low": 0.5}).count_outside(UNIT, "x") == (UNIT < 0.5).sum()
    data = load_data(np.arange(12.0).reshape(12, 1), likelihood="gaussian", split_order="tail")
    assert data.protocol.outside == 2


def test_old_records_prepare_as_they_did():
    record = {name: v for name, v in INTEGERS.to_json().items() if name not in ("dtype", "low", "high", "outside")}
    old = Protocol.from_json(record)
    np.testing.assert_array_equal(old.prepare(GREY, "x", "gaussian"), GREY.reshape(60, -1) / np.float32(255))
    np.testing.assert_array_equal(old.prepare(1.5 * UNIT, "x", "gaussian"), np.float32(1.5 * UNIT).reshape(60, -1))
    with pytest.raises(ValueError, match="x: expected pixels divided by 255, as in training, got 0 to 255"):
        old.prepare(GREY.astype("float64"), "x", "gaussian")
    assert old.count_outside(GREY, "x") == 0


def test_an_old_run_keeps_its_scale_and_its_split(tmp_path):
    """Of integers from 0 to 255 in any dtype, standardized in float32, the last ones held out."""
    x = GREY.astype("int64")
    data = load_data(x, scale="pixels", split_order="tail")
    np.testing.assert_array_equal(data.train.x, x[:50].reshape(50, -1).astype("float32") / np.float32(255))
    assert not {"dtype", "low", "high", "outside", "split_seed"} & set(data.protocol.to_json())
    rows = np.float32(100 * UNIT.reshape(60, -1))
    data = load_data(100 * UNIT, "", "gaussian", standardize=True, scale="pixels", split_order="tail")
    mean = rows[:50].mean(axis=0, dtype="float64").astype("float32")
    std = rows[:50].std(axis=0, dtype="float64").astype("float32")
    np.testing.assert_array_equal(data.train.x, (rows[:50] - mean) / std)
    assert data.protocol.mean == tuple(mean.tolist())
    np.save(tmp_path / "x.npy", x)
    argv = ["train", *SMALL, "--data", str(tmp_path / "x.npy"), "--scale", "pixels", "--split-order", "tail"]
    assert main([*argv, "--out", str(tmp_path / "a")]) == 0
    settings = json.loads((tmp_path / "a" / "settings.json").read_text())
    for name in ("scale", "split_order"):
        del settings["settings"][name]  # of a run that is older than they are
    (tmp_path / "a" / "settings.json").write_text(json.dumps(settings))
    assert main(["train", "--resume", "--epochs", "2", "--out", str(tmp_path / "a")]) == 0
    assert main(["evaluate", str(tmp_path / "a"), "--split", "validation"]) == 0


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": UNIT, "x_test": GREY}, "x_test: expected values in [0, 1], as in training, got uint8 values"),
        ({"x": UNIT, "x_val": GREY}, "x_val: expected values in [0, 1], as in training, got uint8 values"),
        ({"x": UNIT, "x_test": UNIT[:, :3]}, "x_test: expected examples of shape (4, 4, 1), as in training, got"),
        ({"x": UNIT, "x_test": UNIT, "y": np.arange(60), "y_test": np.arange(5)}, "y_test: expected 60 integer labels"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_found_before_training(arrays, message, tmp_path, capsys):
    np.savez(tmp_path / "x.npz", **arrays)
    argv = ("train", *SMALL, "--data", tmp_path / "x.npz", "--out", tmp_path / "a")
    for likelihood in ("gaussian", "bernoulli"):
        assert message in error_of(capsys, *argv, "--likelihood", likelihood)
    assert not (tmp_path / "a").exists()
    with pytest.raises(ValueError, match=re.escape(message)):
        load_data(tmp_path / "x.npz", likelihood="gaussian")


def test_encode_of_another_scale(tmp_path, capsys):
    np.save(tmp_path / "x.npy", UNIT)
    argv = ["train", *SMALL, "--data", tmp_path / "x.npy", "--likelihood", "gaussian", "--out", tmp_path / "a"]
    assert main(list(map(str, argv))) == 0
    np.save(tmp_path / "b.npy", GREY)
    capsys.readouterr()
    argv = ["encode", tmp_path / "a", "--input", tmp_path / "b.npy", "--out", tmp_path / "z.npy"]
    assert "input: expected values in [0, 1], as in training, got uint8" in error_of(capsys, *argv)
    np.save(tmp_path / "b.npy", np.where(UNIT > 0.99, 3, UNIT))
    assert main(list(map(str, argv))) == 0
    assert f"input: {(UNIT > 0.99).sum()} values lie outside the range of training" in capsys.readouterr().out


# ---- what is no array of numbers


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([[1, 2], [3]], "data: expected an array of numbers, got list of 2 rows of 1 to 2 values"),
        (
            sparse.csr_matrix(np.eye(4)),
            r"data: expected numbers, got a sparse csr_matrix \(4, 4\); its .toarray\(\) is one",
        ),
        (
            sparse.coo_array(np.eye(4)),
            r"data: expected numbers, got a sparse coo_array \(4, 4\); its .toarray\(\) is one",
        ),
    ],
)
def test_what_is_no_array(x, message):
    with pytest.raises(ValueError, match=message) as error:
        load_data(x)
    assert "\n" not in str(error.value)


def test_bytes_are_no_scans():
    """Of a run on 16-bit pixels, the same picture in 8 bits would be 257 times as dark."""
    scans = np.random.default_rng(0).integers(0, 60000, (40, 16)).astype("uint16")
    protocol = load_data(scans, scale="dtype", likelihood="gaussian").protocol
    assert protocol.prepare(scans[:4].astype("int64"), "x", "gaussian").max() > 0.5
    with pytest.raises(ValueError, match="x: expected uint16, as in training, got uint8 values"):
        protocol.prepare((scans // 257).astype("uint8"), "x", "gaussian")


def test_many_values_in_a_hundredth_of_the_range_are_on_another_scale():
    x = np.random.default_rng(0).random((40, 16)) * 255
    protocol = load_data(x, likelihood="gaussian").protocol
    with pytest.raises(ValueError, match="x: expected values on the scale of training, from .* got float64"):
        protocol.prepare(x[:10] / 255, "x", "gaussian")
    protocol.prepare(x[:2] / 255, "x", "gaussian")  # too few to tell
    protocol.prepare(np.full((10, 16), 0.5), "x", "gaussian")

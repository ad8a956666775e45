"""A .npy file that stays on disk gives the numbers of one that is read at once, and a training needs no more."""

import numpy as np
import pytest

from minivae import Adam, fit, load_data
from minivae.backend import generator
from minivae.cli import main
from minivae.data import rows
from minivae.data.rows import Rows
from minivae.evaluate import codes, elbo_standard_error, log_evidence
from minivae.metrics import mean_metrics
from minivae.models import MODELS
from minivae.runs import Run

R = np.random.default_rng(0)
GREY = R.integers(0, 256, (90, 3, 5)).astype("uint8")
REAL = R.standard_normal((90, 15))
pytestmark = pytest.mark.usefixtures("no_pictures")


def both(path, x, monkeypatch, **options):
    """The data set of a file read at once, and of the same file left where it is."""
    np.save(path, x)
    whole = load_data(path, **options)
    assert isinstance(whole.train.x, np.ndarray)
    monkeypatch.setattr(rows, "LARGE", 100)
    monkeypatch.setattr("minivae.data.rows.at_once", lambda n, D: 7)
    large = load_data(path, **options)
    assert isinstance(large.train.x, Rows)
    return whole, large


CASES = [
    (GREY, {}),
    (GREY, {"binarize": "once"}),
    (GREY, {"binarize": "threshold"}),
    (GREY, {"binarize": "none"}),
    (GREY, {"split_order": "tail", "augment": 1}),
    (GREY, {"validation": 0}),
    (GREY, {"likelihood": "gaussian", "dequantize": True}),
    (GREY.astype(">u2"), {"scale": "max"}),
    (np.asfortranarray(GREY), {}),
    (REAL, {"likelihood": "gaussian"}),
    (np.where(REAL > 1.5, np.nan, REAL), {"likelihood": "gaussian", "standardize": True}),
    (REAL.astype("float32"), {"likelihood": "gaussian", "standardize": True}),
]


@pytest.mark.parametrize(("x", "options"), CASES)
def test_the_same_numbers(x, options, tmp_path, monkeypatch):
    whole, large = both(tmp_path / "x.npy", x, monkeypatch, **options)
    assert large.notes == whole.notes
    if options.get("standardize"):  # sums in parts
        np.testing.assert_allclose(large.protocol.mean, whole.protocol.mean, rtol=1e-9, atol=1e-12)
    else:
        assert large.protocol == whole.protocol
    tolerance = {"rtol": 1e-6 if options.get("standardize") else 0, "atol": 1e-6 * bool(options.get("standardize"))}
    order = np.random.default_rng(0).permutation(len(whole.train.x))
    for split in ("train", "validation", "pictured"):
        a, b = getattr(whole, split), getattr(large, split)
        if a is None:
            assert b is None
            continue
        assert (b.x.shape, b.x.dtype, b.x.ndim, len(b.x)) == (a.x.shape, a.x.dtype, 2, len(a.x))
        i = order[order < len(a.x)]
        for part in (slice(None), slice(3, 8), slice(None, None, 2), i, i[:0], i[:1], np.sort(i[:9])):
            assert type(b.x[part]) is np.ndarray
            np.testing.assert_allclose(b.x[part], a.x[part], **tolerance)
    np.testing.assert_allclose(
        large.settle(large.train.x, generator(0, "present"))[order[:20]],
        whole.settle(whole.train.x, generator(0, "present"))[order[:20]],
        **tolerance,
    )
    seen = [data.present(data.train.x[:9], np.random.default_rng(3)) for data in (whole, large)]
    np.testing.assert_allclose(*seen, **tolerance)


def test_training_and_every_measure(tmp_path, monkeypatch, device):
    whole, large = both(tmp_path / "x.npy", GREY, monkeypatch)
    found = []
    for data in (whole, large):
        model = MODELS["vae"].build(data.shape, np.random.default_rng(0), hidden=(8,), latent=2).bind("float32", device)
        history = fit(model, Adam(model), data, epochs=2, batch_size=32, progress=False)
        x = data.validation.x
        found.append([
            [line["validation"] for line in history], mean_metrics(model, x, None, generator(0, "evaluate")),
            elbo_standard_error(model, x, generator(0, "evaluate")), codes(model, x).tolist(),
            log_evidence(model, x, 3, generator(0, "evaluate")).tolist(), model.theta[:9].tolist(),
        ])  # fmt: skip
    assert found[0] == found[1]


def test_every_command(tmp_path, monkeypatch, capsys):
    np.save(tmp_path / "x.npy", GREY)
    run = str(tmp_path / "a")
    argv = ["train", "--hidden", "8", "--latent", "2", "--epochs", "1", "--data", str(tmp_path / "x.npy"), "--out"]
    assert main([*argv, str(tmp_path / "b")]) == 0
    monkeypatch.setattr(rows, "LARGE", 100)
    assert main([*argv, run]) == 0
    assert isinstance(Run.open(run).read_data().train.x, Rows)
    for name in ("best.safetensors", "last.safetensors"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    for argv in (["reconstruct"], ["interpolate"], ["traverse"], ["latent"], ["uncertainty"], ["ledger"],
                 ["evaluate", "--split", "train", "--samples", "2"],
                 ["evaluate", "--split", "validation"]):  # fmt: skip
        command, *options = argv
        assert main([command, run, *options]) == 0, argv
        monkeypatch.setattr(rows, "LARGE", 2**26)
        if command == "evaluate":
            assert main([command, str(tmp_path / "b"), *options]) == 0
            name = f"evaluate-{options[1]}.json"
            assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
        monkeypatch.setattr(rows, "LARGE", 100)
    assert main(["train", "--resume", "--epochs", "2", "--out", run]) == 0


def test_a_mapped_array_stays_where_it_is(tmp_path, monkeypatch):
    np.save(tmp_path / "x.npy", GREY)
    monkeypatch.setattr(rows, "LARGE", 100)
    x = np.load(tmp_path / "x.npy", mmap_mode="r")
    data = load_data(x)
    assert isinstance(data.train.x, Rows)
    assert np.shares_memory(data.train.x.x, x)
    np.testing.assert_array_equal(data.validation.x[:], load_data(GREY).validation.x)


@pytest.mark.parametrize(
    ("x", "options", "message"),
    [
        (REAL, {}, r"x: expected pixels or bits in \[0, 1\]"),
        (
            np.where(REAL > 2, np.inf, REAL),
            {"likelihood": "gaussian"},
            "x: expected finite float32 values, got infinity",
        ),
        (GREY.astype("int64"), {}, "scale: int64 values from 0 to 255 need one"),
    ],
)
def test_what_does_not_fit_is_found_in_parts(x, options, message, tmp_path, monkeypatch):
    np.save(tmp_path / "x.npy", x)
    monkeypatch.setattr(rows, "LARGE", 100)
    monkeypatch.setattr("minivae.data.rows.at_once", lambda n, D: 7)
    with pytest.raises(ValueError, match=message):
        load_data(tmp_path / "x.npy", **options)


def test_more_than_memory(tmp_path, monkeypatch):
    """What is mapped may be larger than memory; what is announced must still be in the file."""
    np.save(tmp_path / "x.npy", GREY)
    monkeypatch.setattr(rows, "LARGE", 100)
    monkeypatch.setattr("minivae.data.arrays.memory", lambda: 100)
    assert len(load_data(tmp_path / "x.npy").train.x) == 75
    content = (tmp_path / "x.npy").read_bytes()
    (tmp_path / "x.npy").write_bytes(content[:-1])
    with pytest.raises(ValueError, match="needs 1,350 bytes, the file has 1,349"):
        load_data(tmp_path / "x.npy")

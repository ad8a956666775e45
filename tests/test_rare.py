"""A class of which a training sees few rows."""

import json

import numpy as np
import pandas as pd
import pytest
from test_cli import error_of

from minivae import load_data
from minivae.cli import main
from minivae.data.protocol import Protocol
from minivae.runs import Run

RARE = {"class": 8, "share": 0.02}


def test_a_class_keeps_its_share_and_the_others_all_rows():
    """So many rows that they are the share of the split; those that are left are rows as they were, in their order."""
    whole, few = (load_data("digits", likelihood="gaussian", rare=rare) for rare in (None, RARE))
    for name in ("train", "validation"):
        (x, y), (x_all, y_all) = getattr(few, name), getattr(whole, name)
        n = len(y) - (y != 8).sum()
        assert n == round(0.02 / 0.98 * (y_all != 8).sum())
        assert few.protocol.rare[name] == n
        np.testing.assert_array_equal(x[y != 8], x_all[y_all != 8])
        at = [np.flatnonzero((x_all == row).all(axis=1))[0] for row in x]
        assert (np.diff(at) > 0).all()
    assert abs((few.train.y == 8).mean() - 0.02) < 0.001
    np.testing.assert_array_equal(few.test().y, whole.test().y)
    assert few.protocol.n_train == len(few.train.x)
    assert (load_data("digits", likelihood="gaussian", rare=RARE).train.x == few.train.x).all()


def test_what_is_computed_of_the_training_split_is_of_the_rows_that_are_left(tmp_path):
    x, y = np.arange(60.0)[:, None] * [[1, 2]], np.arange(60) % 3
    np.savez(tmp_path / "rare.npz", x=x, y=y)
    few = load_data(tmp_path / "rare.npz", likelihood="gaussian", standardize=True,
                    rare={"class": 1, "share": 0.1})  # fmt: skip
    assert few.train.x.mean(axis=0) == pytest.approx([0, 0], abs=1e-6)
    assert few.train.x.std(axis=0) == pytest.approx([1, 1], abs=1e-6)
    assert (few.train.y == 1).sum() == round(len(few.train.y) * 0.1)


def test_with_few_labels():
    data = load_data("digits", rare=RARE, labelled=20)
    assert (data.train.y == 8).sum() == 2
    assert len(data.train.x) == load_data("digits", rare=RARE).protocol.n_train


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rare": {"class": 8}}, "rare: expected a class and its share, got no share"),
        ({"rare": {"class": 8, "share": 0.5}}, "rare: expected a share below the 0.0968 that class 8 has"),
        ({"rare": {"class": 12, "share": 0.01}}, "rare: expected a class of the training split, got 12"),
        ({"rare": {"class": -1, "share": 0.01}}, "rare.class: expected a whole number >= 0, got -1"),
        ({"rare": RARE, "source": np.eye(8)}, "rare: expected data with classes"),
        ({"rare": RARE, "source": pd.DataFrame({"a": [1.5, 2.5, 3.5]})}, "rare: expected images or rows with classes"),
        ({"rare": RARE, "source": "modes"}, "rare: expected none, of data modes it is a part of the density"),
    ],
)
def test_bad_values(options, message):
    with pytest.raises(ValueError, match=message):
        load_data(**options)


def test_a_run_says_and_records_it(tmp_path, capsys, no_pictures):
    (tmp_path / "c.toml").write_text("rare = {class = 8, share = 0.02}")
    out = tmp_path / "a"
    quick = ["--hidden", "5", "--latent", "2", "--epochs", "1"]
    assert main(["train", *quick, "--config", str(tmp_path / "c.toml"), "--out", str(out)]) == 0
    run = Run.open(out)
    n, m = run.protocol.rare["train"], run.protocol.rare["validation"]
    said = capsys.readouterr().out
    assert f"y: class 8 is rare, {n} training rows and {m} for validation; the test split keeps all of its rows" in said
    assert Protocol.from_json(json.loads(json.dumps(run.protocol.to_json()))) == run.protocol
    assert run.read_data().protocol == run.protocol
    assert main(["train", *quick, "--out", str(tmp_path / "b")]) == 0
    capsys.readouterr()
    assert main(["compare", str(out), str(tmp_path / "b")]) == 0
    assert "cannot be compared" in capsys.readouterr().out
    settings = json.loads((out / "settings.json").read_text())
    settings["data"]["rare"]["share"] = 2
    (out / "settings.json").write_text(json.dumps(settings))
    assert "rare: expected a class, its share, and its rows" in error_of(capsys, "info", out)

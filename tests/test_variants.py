"""figures/variants.py: what it lists, the page with its open rows, and that it goes on where it was cut off."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from figures import variants, variants_plots, variants_runs
from figures.variants import COMPARISONS, RUNS, Row
from minivae.runs.settings import complete, read_options

DIGITS = {"data": "digits", "hidden": [8], "latent": 2, "epochs": 1}
MINE = {
    "vae": DIGITS | {"model": "vae"},
    "vamp": DIGITS | {"model": "vamp", "components": 3},
    "grey-digits": DIGITS | {"model": "vae", "binarize": "none", "likelihood": "gaussian", "dequantize": True},
    "planar": DIGITS | {"model": "flow", "flows": 2},
}
EQUAL = ("data", "hidden", "latent", "activation", "epochs", "batch_size", "lr", "schedule", "seed")
ROWS = [Row("vae", "N(0, I)", None, 30.0), Row("vamp", "VampPrior", "vae", 28.5), Row("planar", "2 flows", "vae", 29.0)]


@pytest.mark.parametrize("options", RUNS.values(), ids=RUNS)
def test_runs_have_options(options):
    complete(read_options(options))


def test_comparisons_are_of_equal_runs():
    """The same data, sizes, schedule and seed in all rows of a comparison; the first is what the others are held to."""
    for _, rows in COMPARISONS.values():
        equal = [{name: RUNS[row.run].get(name) for name in EQUAL} for row in rows]
        assert all(settings == equal[0] for settings in equal)
        assert [row.base for row in rows] == [None] + [rows[0].run] * (len(rows) - 1)


@pytest.fixture
def mine(monkeypatch, tmp_path):
    """Three small runs and one that is left open; pictures of few steps."""
    monkeypatch.setattr(variants, "RUNS", MINE)
    monkeypatch.setattr(variants, "COMPARISONS", {"Digits": ("Some digits.", ROWS)})
    monkeypatch.setattr(variants, "PRIORS", {"vae": "N(0, I)", "vamp": "VampPrior"})
    tiny = {
        "energies": partial(variants_plots.energies, counts=(1,), steps=2),
        "snr": partial(variants_plots.snr, Ks=(1, 2), S=4, epochs=1),
    }
    monkeypatch.setattr(variants_plots, "WITHOUT_RUNS", tiny)
    monkeypatch.setenv("PYTHONPATH", str(Path(variants.__file__).parents[1]))
    return partial(variants.write, tmp_path, tmp_path / "runs", ["vae", "vamp", "grey-digits"], K=5)


def test_the_page(mine, tmp_path, monkeypatch, capsys):
    mine()
    page = (tmp_path / "variants.md").read_text()
    found = json.loads((tmp_path / "variants.json").read_text())
    effect, error = found["effects"]["vamp"]
    values = [np.load(tmp_path / "runs" / name / "evidence-test-5.npy") for name in ("vae", "vamp")]
    assert effect == pytest.approx((values[1] - values[0]).mean())
    assert error == pytest.approx((values[1] - values[0]).std(ddof=1) / len(values[0]) ** 0.5)
    assert f"(K = 5) | {effect:+.2f} +- {error:.2f} | 28.50 (+1.50) | 40 |" in page
    assert f"- VampPrior: {effect:+.2f} +- {error:.2f} nats. The effect " in page
    assert "| 2 flows | open | `python -m figures.variants --only planar` |" in page
    assert "| digits | gaussian | vae | 64-8-2 relu | 1 |" in page
    parts = found["kl"]["vamp"]
    assert parts["kl"]["value"] == pytest.approx(parts["mutual_information"]["value"] + parts["marginal_kl"]["value"])
    names = {path.name for path in tmp_path.glob("*.*")}
    assert names == {"variants.md", "variants.json", *(f"variants_{name}.png" for name in
                     ("evidence", "pseudo", "energies", "snr"))}  # fmt: skip

    def refuse(*_args, **_others):
        raise AssertionError("all was done already")

    monkeypatch.setattr(variants_runs.subprocess, "Popen", refuse)
    monkeypatch.setattr(variants_runs, "minivae", refuse)
    mine()
    assert (tmp_path / "variants.md").read_text() == page
    monkeypatch.setattr(variants, "RUNS", MINE | {"vae": MINE["vae"] | {"latent": 3}})
    with pytest.raises(ValueError, match="vae: expected latent = 3, got 2"):
        mine()


def test_a_training_that_was_cut_off_is_gone_on_with(mine, tmp_path):
    """Nothing is trained without a budget; two epochs in two calls are those of one."""
    variants.write(tmp_path, tmp_path / "runs", ["vae"], K=5, minutes=0)
    page = (tmp_path / "variants.md").read_text()
    assert "| N(0, I) | open | `python -m figures.variants --only vae` |" in page
    run = {"a": MINE["vae"], "b": MINE["vae"] | {"epochs": 2}}
    variants_runs.train(run, tmp_path / "runs")
    (tmp_path / "runs" / "a").rename(tmp_path / "runs" / "c")
    settings = tmp_path / "runs" / "c" / "settings.json"
    settings.write_text(settings.read_text().replace('"epochs": 1', '"epochs": 2'))
    assert variants.open_row("c", tmp_path / "runs", 2)[0] == "open, 1 of 2 epochs"
    variants_runs.train({"c": run["b"]}, tmp_path / "runs")
    b, c = ((tmp_path / "runs" / name / "last.safetensors").read_bytes() for name in "bc")
    assert b == c


def test_a_training_that_fails_is_said(tmp_path, capsys):
    variants_runs.train({"bad": DIGITS | {"latent": 0}}, tmp_path)
    assert f"bad: failed, see {tmp_path}/bad.log" in capsys.readouterr().out
    assert "latent: expected a whole number >= 1, got 0" in (tmp_path / "bad.log").read_text()

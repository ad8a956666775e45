"""figures/variants.py: what it lists, the page with its open rows, and that it goes on where it was cut off."""

import json
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from figures import variants, variants_plots, variants_runs
from figures.variants import COMPARISONS, RUNS, Row
from minivae.cli import main
from minivae.models import VampVAE
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


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """All runs but "planar"."""
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("minivae.cli.training.draw_run", lambda run, data: None)
        for name in ("vae", "vamp", "grey-digits"):
            config = folder / f"{name}.toml"
            config.write_text("".join(f"{option} = {json.dumps(value)}\n" for option, value in MINE[name].items()))
            assert main(["train", "--config", str(config), "--out", str(folder / name)]) == 0
    return folder


@pytest.fixture
def mine(monkeypatch, tmp_path, trained):
    """The page of three small runs and one that is left open; pictures of few steps."""
    shutil.copytree(trained, tmp_path / "runs")
    monkeypatch.setattr(variants, "RUNS", MINE)
    monkeypatch.setattr(variants, "EVERY", MINE)
    monkeypatch.setattr(variants, "COMPARISONS", {"Digits": ("Some digits.", ROWS)})
    monkeypatch.setattr(variants, "PRIORS", {"vae": "N(0, I)", "vamp": "VampPrior"})
    monkeypatch.setattr(variants, "LEVELED", {"ladder": "ladder"})
    monkeypatch.setattr(variants, "LADDER", "ladder")
    tiny = {
        "energies": partial(variants_plots.energies, counts=(1,), steps=2),
        "snr": partial(variants_plots.snr, Ks=(1, 2), S=4, epochs=1),
    }
    monkeypatch.setattr(variants_plots, "WITHOUT_RUNS", tiny)
    return partial(variants.write, tmp_path, tmp_path / "runs", ["vae", "vamp", "grey-digits"], K=5)


def test_the_page(mine, tmp_path, monkeypatch, capsys):
    mine()
    page = (tmp_path / "variants.md").read_text()
    found = json.loads((tmp_path / "variants.json").read_text())
    effect, error = found["rows"]["Digits"]["vamp"]["effect"]
    values = [np.load(tmp_path / "runs" / name / "evidence-test-5.npy") for name in ("vae", "vamp")]
    assert effect == pytest.approx((values[1] - values[0]).mean())
    assert error == pytest.approx((values[1] - values[0]).std(ddof=1) / len(values[0]) ** 0.5)
    assert f"(K = 5) | {effect:+.2f} +- {error:.2f} | 28.50 (+1.50) | {variants_runs.lines_of(VampVAE)} |" in page
    appears = "appears" if effect > 2 * error else "**does not appear**"
    assert f"- VampPrior: the effect {appears}, {effect:+.2f} +- {error:.2f} nats, published +1.50." in page
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
    (tmp_path / "runs").rename(tmp_path / "away")  # the page of another machine: rows stay
    variants.write(tmp_path, tmp_path / "runs", [], K=5)
    assert (tmp_path / "variants.md").read_text() == page
    (tmp_path / "runs").rmdir()
    (tmp_path / "away").rename(tmp_path / "runs")
    monkeypatch.setattr(variants, "RUNS", MINE | {"vae": MINE["vae"] | {"latent": 3}})
    with pytest.raises(ValueError, match="vae: expected latent = 3, got 2"):
        mine()


def test_two_runs_without_a_common_number_of_samples(mine, tmp_path):
    """Then both are evaluated by the number that was asked for."""
    runs = tmp_path / "runs"
    assert main(["evaluate", str(runs / "vae"), "--samples", "9"]) == 0
    found = variants.compare(ROWS[:2], runs, 5, {})
    assert [found[name]["K"] for name in ("vae", "vamp")] == [5, 5]
    assert main(["evaluate", str(runs / "vamp"), "--samples", "9"]) == 0
    assert variants.compare(ROWS[:2], runs, 5, {})["vamp"]["K"] == 9


def test_a_training_that_was_cut_off_is_gone_on_with(tmp_path, trained, monkeypatch):
    """Nothing is trained without a budget; two epochs in two calls are those of one."""
    monkeypatch.setenv("PYTHONPATH", str(Path(variants.__file__).parents[1]))
    shutil.copytree(trained / "vae", tmp_path / "cut")
    settings = tmp_path / "cut" / "settings.json"
    settings.write_text(settings.read_text().replace('"epochs": 1', '"epochs": 2'))
    assert variants.open_row("cut", tmp_path, 2) == ["open, 1 of 2 epochs", "`python -m figures.variants --only cut`"]
    runs = dict.fromkeys(("cut", "whole"), MINE["vae"] | {"epochs": 2})
    variants_runs.train(runs, tmp_path, minutes=0)
    assert variants_runs.state_of(tmp_path / "cut") == (1, 2)
    assert not (tmp_path / "whole").exists()
    variants_runs.train(runs, tmp_path)
    cut, whole = ((tmp_path / name / "last.safetensors").read_bytes() for name in runs)
    assert cut == whole


def test_a_training_that_fails_is_said(tmp_path, capsys):
    variants_runs.train({"bad": DIGITS | {"latent": 0}}, tmp_path)
    assert f"bad: failed, see {tmp_path}/bad.log" in capsys.readouterr().out
    assert "latent: expected a whole number >= 1, got 0" in (tmp_path / "bad.log").read_text()

"""figures/codes.py: its runs, the sections with open rows, and what is shown of runs that are finished."""

import json
import math

import numpy as np
import pytest

from figures import codes, control_measures
from figures.codes_runs import GRADIENTS, RUNS
from figures.variants_runs import toml
from minivae.cli import main
from minivae.reports import read_result
from minivae.reproduce import ROWS as PUBLISHED
from minivae.runs import Run
from minivae.runs.settings import complete, read_options

TINY = {"data": "digits", "binarize": "once", "hidden": [8], "latent": 2, "epochs": 2, "batch_size": 50}
MINE = {
    "choices-relaxed": TINY | {"model": "gumbel", "categories": 3},
    "modal-product": TINY | {"model": "multimodal"},
    "modal-mixture": TINY | {"model": "multimodal", "experts": "mixture"},
    "modal-vae": TINY | {"model": "vae"},
}


@pytest.mark.parametrize("options", RUNS.values(), ids=RUNS)
def test_runs_have_options(options):
    complete(read_options(options))


def test_gradients_differ_in_the_gradient_alone():
    """Beside the temperature, which is each one's own; and they are the runs of the published rows."""
    own = {"gradient", "temperature", "temperature_end", "temperature_epochs"}
    for name in list(GRADIENTS)[:3]:
        rest = {option: value for option, value in RUNS[name].items() if option not in own}
        assert rest == {option: value for option, value in RUNS["choices-score"].items() if option != "gradient"}
        assert PUBLISHED[f"jang-{name.removeprefix('choices-')}"].settings == RUNS[name]


def test_a_page_without_runs_is_open(tmp_path):
    lines, found = codes.sections(tmp_path / "runs", tmp_path, {})
    page = "\n".join(lines)
    assert not any(found.values())
    assert not list(tmp_path.iterdir())
    for name in (*RUNS, "blur-vqvae", "blur-aae", "blur-vaegan"):
        assert name in page
    assert "python -m figures.blur --only blur-vqvae`" in page


def test_what_is_shown_of_finished_runs(tmp_path, monkeypatch):
    """Numbers of the run folders; the same page from what was kept of them."""
    monkeypatch.setattr("minivae.cli.training.draw_run", lambda run, data: None)
    monkeypatch.setattr(control_measures, "RUNS", MINE)
    monkeypatch.setattr(codes, "MODAL_SAMPLES", 3)
    folder = tmp_path / "runs"
    folder.mkdir()
    for name, options in MINE.items():
        config = folder / f"{name}.toml"
        config.write_text("".join(f"{option} = {toml(value)}\n" for option, value in options.items()))
        assert main(["train", "--config", str(config), "--out", str(folder / name)]) == 0
    lines, found = codes.sections(folder, tmp_path, {})
    report = json.loads((folder / "choices-relaxed" / "evaluate-test.json").read_text())
    page = "\n".join(lines)
    assert f"| {-report['elbo']:.2f} +- {report['elbo_standard_error']:.2f} |" in page
    joint, vae = (read_result(Run.open(folder / name), "test", 3).values for name in ("modal-product", "modal-vae"))
    effect = np.mean(joint - vae) + math.log(10)
    assert found["modalities"]["modal-product"]["effect"][0] == pytest.approx(effect)
    assert f"| {effect:+.2f} +- " in page
    for picture in ("variants_choices.png", "variants_modal-product.png", "variants_modal-mixture.png"):
        assert (tmp_path / picture).exists()
        assert f"]({picture})" in page
    again, _ = codes.sections(tmp_path / "none", tmp_path, json.loads(json.dumps(found)))
    assert again == lines

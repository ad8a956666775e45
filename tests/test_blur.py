"""figures/blur.py: its runs, the page with open rows, what is measured, and that rows stay as they were kept."""

import json

import numpy as np
import pytest

from figures import blur, blur_measures
from figures.blur_runs import FASHION, ROWS, RUNS, WAYS, means, with_noise
from figures.variants_runs import toml
from minivae.cli import main
from minivae.runs.settings import complete, read_options

OWN = {"latent"}  # in which networks may differ
TINY = {"data": "digits", "binarize": "none", "hidden": [8], "latent": 2, "epochs": 1, "batch_size": 50}


@pytest.mark.parametrize("options", RUNS.values(), ids=RUNS)
def test_runs_have_options(options):
    complete(read_options(options))


def test_runs_have_equal_images_networks_and_epochs():
    assert set(ROWS) == set(RUNS) == set(WAYS)
    for name, options in RUNS.items():
        for option, value in FASHION.items():
            if option not in OWN and not (name == "blur-vqvae" and option == "hidden"):  # it has convolutions alone
                assert options[option] == value


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """Two runs of digits, one of them trained; the folders of runs and of the page."""
    monkeypatch.setattr("minivae.cli.training.draw_run", lambda run, data: None)
    monkeypatch.setattr(blur_measures, "FASHION", TINY)
    monkeypatch.setattr(blur_measures, "SETS", 2)
    runs = {"blur-vae": TINY | {"likelihood": "gaussian-fixed", "std": 0.3}, "blur-learned": TINY | {"model": "ae"}}
    monkeypatch.setattr(blur, "RUNS", runs)
    monkeypatch.setattr(blur, "ROWS", {run: ROWS[run] for run in runs})
    monkeypatch.setattr(blur, "WAYS", {run: {"means": means, "with noise": with_noise} for run in runs})
    folder, out = tmp_path / "runs", tmp_path / "out"
    out.mkdir()
    folder.mkdir()
    config = folder / "blur-vae.toml"
    config.write_text("".join(f"{name} = {toml(value)}\n" for name, value in runs["blur-vae"].items()))
    assert main(["train", "--config", str(config), "--out", str(folder / "blur-vae")]) == 0
    return folder, out


def test_the_page(mine, monkeypatch, capsys):
    folder, out = mine
    blur.write(out, folder, list(blur.RUNS), 0)
    page, kept = (out / "blur.md").read_text(), json.loads((out / "blur.json").read_text())
    assert "open: `python -m figures.blur --only blur-learned`" in page
    assert set(kept["rows"]) == {"blur-vae"}
    for picture in blur.PICTURES:
        assert (out / picture).exists()
        assert f"]({picture})" in page
    m = kept["rows"]["blur-vae"]
    assert set(m["samples"]) == {"means", "with noise"}
    assert m["samples"]["means"]["sharpness"][0] < m["samples"]["with noise"]["sharpness"][0]
    assert kept["real"]["frechet_distance"][0] < m["samples"]["means"]["frechet_distance"][0]
    monkeypatch.setattr(blur, "scene", None)  # nothing is measured again
    blur.write(out, folder.parent / "none", list(blur.RUNS), 0)
    assert (out / "blur.md").read_text() == page


def test_test_images_are_as_sharp_as_they_are():
    x = np.random.default_rng(0).random((40, 64), "float32")
    features = blur_measures.Features(lambda rows: rows[:, :5], {})
    look = blur_measures.Scene(x, x, (8, 8, 1), features, x[:, :5])
    found = blur_measures.likeness(look, [x, x / 2])
    assert found["sharpness"][0] == pytest.approx((1 + 0.25) / 2)
    assert blur_measures.likeness(look, [x])["frechet_distance"][0] == pytest.approx(0, abs=1e-9)


def test_images_are_cut_to_what_pictures_show():
    images = blur_measures.in_parts(3, lambda rows: np.array([-1.0, 0.5, 2.0])[rows, None])
    np.testing.assert_array_equal(images[:, 0], [0, 0.5, 1])

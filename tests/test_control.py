"""figures/control.py: its runs, the sections with open rows, and that rows stay as they were kept."""

import json
from functools import partial

import numpy as np
import pytest

from figures import control, control_factors, control_measures, control_plots
from figures.control_runs import EDITS, METHODS, RUNS, seeds_of
from figures.variants_runs import toml
from minivae.cli import families, main
from minivae.data.sources import sprite_grid
from minivae.evaluate import kl_parts, posteriors
from minivae.runs import Run
from minivae.runs.settings import complete, read_options

TINY = {"hidden": [8], "latent": 2, "epochs": 2, "batch_size": 50}
HEARTS = {"side": 8, "shape": [2], "orientation": [0, 4], "x": [0, 16, 31], "y": [8, 12, 16, 20]}  # 144 images
SPRITES = TINY | {"data": "sprites", "sprites": HEARTS}
MINE = {
    **{f"sprites-{method}-seed0": SPRITES | METHODS[method][1] for method in ("beta1", "capacity")},
    "sprites-beta1-seed1": SPRITES | METHODS["beta1"][1] | {"seed": 1},
    "quadrants1-net": TINY | {"data": "digits", "binarize": "once", "quadrants": 1, "model": "net"},
    "quadrants1-cvae": TINY | {"data": "digits", "binarize": "once", "quadrants": 1, "model": "cvae"},
}
del MINE["quadrants1-net"]["latent"]


@pytest.mark.parametrize("options", RUNS.values(), ids=RUNS)
def test_runs_have_options(options):
    complete(read_options(options))


def test_methods_differ_in_the_method_alone():
    """So equal data, networks, epochs and seeds; the picture of every edit is of a run."""
    for method, (_, options, seeds) in METHODS.items():
        for seed, name in enumerate(seeds_of(method)):
            own = {option: value for option, value in RUNS[name].items() if option not in options}
            assert own == {option: value for option, value in RUNS["sprites-beta1-seed0"].items()
                           if option not in (*options, "model", "beta")} | {"seed": seed}  # fmt: skip
        assert len(seeds_of(method)) == seeds
    assert {name for name, *_ in EDITS.values()} <= set(RUNS)


def test_a_page_without_runs_is_open(tmp_path):
    lines, found = control.sections(tmp_path / "runs", tmp_path, {})
    page = "\n".join(lines)
    assert not any(found.values())
    assert "open, 0 of 5 runs: `python -m figures.variants --only sprites-beta1-seed0 sprites-beta1-seed1" in page
    assert not list(tmp_path.iterdir())
    for name in RUNS:
        assert name in page


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("control")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("minivae.cli.training.draw_run", lambda run, data: None)
        for name, options in MINE.items():
            config = folder / f"{name}.json"
            config.write_text("".join(f"{option} = {toml(value)}\n" for option, value in options.items()))
            assert main(["train", "--config", str(config), "--out", str(folder / name)]) == 0
    return folder


@pytest.fixture
def mine(monkeypatch):
    monkeypatch.setattr(control_measures, "RUNS", MINE)
    monkeypatch.setattr(families.disentanglement, "REPEATS", 2)
    for score in ("beta_vae_score", "factor_vae_score"):
        of_few = partial(getattr(families.disentanglement, score), votes=(200, 100))
        monkeypatch.setattr(families.disentanglement, score, of_few)
    monkeypatch.setattr(control, "PUBLISHED", {1: (99.75, 63.91)})
    monkeypatch.setattr(control, "QUADRANT_SAMPLES", 5)


def test_factors(mine, trained, tmp_path):
    lines, found = control.factors(trained, tmp_path, {})
    assert set(found) == {name for name in MINE if name.startswith("sprites")}
    one = [found[f"sprites-beta1-seed{seed}"]["log_px_z"] for seed in (0, 1)]
    page = "\n".join(lines)
    assert f"| beta-VAE, beta 1 | vae | 2 of 5 | {np.mean(one):.2f} ({np.std(one, ddof=1):.2f}) |" in page
    assert "| beta-VAE, beta 16 | open, 0 of 3 runs" in page
    run = Run.open(trained / "sprites-beta1-seed1")
    model, _ = run.load_model()
    x = run.protocol.prepare(sprite_grid(HEARTS)[0], "x", "bernoulli")
    parts = kl_parts(model, *posteriors(model, x), np.random.default_rng(1), 100_000)
    exact, found_there = parts["total_correlation"], found["sprites-beta1-seed1"]["total_correlation"]
    assert found_there == pytest.approx(exact.mean(), abs=0.01)
    curve = found["sprites-capacity-seed0"]["curve"]
    assert [part[3] for part in curve] == pytest.approx([10 * epoch / 100 for epoch in (1, 2)])
    assert [part[1] for part in curve] == pytest.approx([0.025, 0.125])  # of two steps
    kept = json.loads(json.dumps(found))
    again, same = control.factors(tmp_path / "away", tmp_path, kept)  # the page of another machine: rows stay
    assert "\n".join(again) == page
    assert json.loads(json.dumps(same)) == kept


def test_conditions(mine, trained, tmp_path):
    lines, found = control.conditions(trained, tmp_path, {})
    page = "\n".join(lines)
    values = [np.load(trained / f"quadrants1-{kind}" / "evidence-test-5.npy") for kind in ("net", "cvae")]
    effect, error = found["quadrants1-cvae"]["effect"]
    assert effect == pytest.approx((values[1] - values[0]).mean())
    assert error == pytest.approx((values[1] - values[0]).std(ddof=1) / len(values[0]) ** 0.5)
    assert f"the CVAE is ahead by {effect:+.2f} +- {error:.2f} nats, published +35.84" in page
    assert (tmp_path / "variants_completions.png").exists()
    again, _ = control.conditions(tmp_path / "away", tmp_path, json.loads(json.dumps(found)))
    assert "\n".join(again) == page


def test_a_run_of_other_options_is_refused(mine, trained, tmp_path, monkeypatch):
    monkeypatch.setitem(MINE, "quadrants1-cvae", MINE["quadrants1-cvae"] | {"latent": 3})
    with pytest.raises(ValueError, match="quadrants1-cvae: expected latent = 3, got 2"):
        control.conditions(trained, tmp_path, {})


def made(log_px_z, correlation):
    return {"log_px_z": log_px_z, "total_correlation": correlation}


def test_total_correlation_is_compared_at_equal_reconstruction():
    """By a straight line between the means of two betas; outside of them nothing is said."""
    by_method = {"beta1": [made(-10, 4.0), made(-10, 6.0)], "beta4": [made(-20, 1.0)],
                 "tcvae": [made(-15, 1.5), made(-17.5, 1.5)], "weighted": [made(-21, 0.0)]}  # fmt: skip
    lines = control_factors.correlations(by_method)
    # the line is 3 at -15 and 2 at -17.5: gains of 1.5 and 0.5
    assert lines[0] == "- beta-TCVAE, beta 6, stratified: the effect **does not appear**, lower by 1.00 +- 0.50 nats."
    assert lines[1] == "- beta-TCVAE, beta 6, weighted: no beta-VAE here has its reconstruction."


def test_pictures(tmp_path):
    runs = [made(-10.0, 4.0) | {"kl": 9.0, "scores": {"MIG": 0.1}},
            made(-11.0, 3.0) | {"kl": 8.0, "scores": {"MIG": 0.2}}]  # fmt: skip
    titles = {"beta1": "beta 1", "tcvae": "TC"}
    control_plots.draw_rate(dict.fromkeys(titles, runs), titles, tmp_path / "rate.png")
    control_plots.draw_scores(dict.fromkeys(titles, runs), titles, ["MIG"], tmp_path / "scores.png")
    control_plots.draw_errors({"M1": [1.0, 2.0]}, tmp_path / "errors.png")
    assert len(list(tmp_path.iterdir())) == 3

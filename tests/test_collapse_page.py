"""figures.collapse: tables and differences of rows that are there, on stubs."""

import numpy as np
import pytest

from figures import collapse
from figures.collapse_runs import CURES, RUNS, SEEDS


def row(cure, seed):
    found = {"log_px": -14.0 - seed, "tokens": 7.0, "elbo": -15.0 - seed, "seconds": 10.0}
    if cure != "lm":
        found |= {"kl": 4.0 + seed, "mutual_information": 3.0, "active": 5, "back": 0.25, "kl_of_epochs": [1.0, 2.0]}
    return found


def test_each_cure_is_trained_with_each_seed_and_differs_from_the_others():
    assert set(RUNS) == {f"{cure}-{seed}" for cure in CURES for seed in SEEDS}
    assert len({str(options) for options in RUNS.values()}) == len(RUNS)
    assert [RUNS[f"none-{seed}"]["seed"] for seed in SEEDS] == list(SEEDS)


def test_table_has_means_of_the_seeds_and_open_rows():
    found = {f"{cure}-{seed}": row(cure, seed) for cure in ("lm", "linear") for seed in SEEDS} | {
        "weak-0": row("weak", 0)
    }
    lines = collapse.table(found, {"linear": (-0.5, 0.02)}).splitlines()
    assert len(lines) == 2 + len(CURES)
    by = {line.split(" | ")[0].strip("| "): line for line in lines}
    perplexity = [np.exp((14 + seed) / 7) for seed in SEEDS]
    linear = by[CURES["linear"][0]]
    assert f"{np.mean(perplexity):.3f} +- {np.std(perplexity, ddof=1):.3f}" in linear
    assert "-0.500 +- 0.020" in linear
    assert "5.00 +- 1.00" in linear  # KL
    assert "25.0 %" in linear
    assert "(1 of 3 seeds)" in by[CURES["weak"][0] + " (1 of 3 seeds)"]
    assert "--only none-0" in by[CURES["none"][0]]


def test_differences_are_paired_over_lines_and_seeds():
    rng = np.random.default_rng(0)
    hard = rng.standard_normal(50)  # some lines are harder than others, for all models
    log_px = {f"lm-{seed}": 10 * hard + seed for seed in SEEDS}
    gain = rng.standard_normal((3, 50))
    log_px |= {f"linear-{seed}": log_px[f"lm-{seed}"] + gain[seed] for seed in SEEDS}
    log_px["weak-0"] = log_px["lm-0"] - 2
    found = collapse.differences(log_px)
    mean = gain.mean(axis=0)
    assert found["linear"] == pytest.approx((mean.mean(), mean.std(ddof=1) / 50**0.5))
    assert found["weak"] == pytest.approx((-2, 0), abs=1e-12)
    assert set(found) == {"linear", "weak"}


def test_pictures_show_the_cures_that_are_there(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", lambda figure, *_, **__: drawn.append(figure))
    found = {f"{cure}-{seed}": row(cure, seed) for cure in ("lm", "linear") for seed in SEEDS}
    collapse.draw_curves(found, tmp_path / "a.png")
    collapse.draw_trade(found, {"linear": (-0.5, 0.02)}, tmp_path / "b.png")
    (curve, _), (points, *_) = drawn[0].axes[0].lines, drawn[1].axes[0].lines
    np.testing.assert_array_equal(curve.get_ydata(), [1, 2])
    assert (points.get_xdata()[0], points.get_ydata()[0]) == (3.0, -0.5)

"""The modes that samples have: scores of points whose modes are known, and the measure of runs."""

import json

import numpy as np
import pytest
from scipy import stats
from test_cli import error_of

from minivae.cli import main
from minivae.cli.families import MEASURES, Case
from minivae.data import draw_modes, load_data, mode_centers, modes_entropy
from minivae.evaluate import call_rates, corrected_share, mode_scores, mode_width, near_modes
from minivae.params import replaced
from minivae.plot import draw_class_shares, draw_mode_samples
from minivae.runs import Run

# ---- points and classes


def test_points_of_the_density_have_all_modes():
    """98.9 % of them within 3 std, and KL (K - 1) / (2 n) on average; |z| < 4."""
    centers, n = mode_centers(), 2000
    found = []
    for seed in range(40):
        x, y = draw_modes(rows=n, seed=seed)
        modes = near_modes(x, centers, 0.05)
        assert (modes[modes >= 0] == y[modes >= 0]).all()
        found.append(mode_scores(modes, np.full(8, 1 / 8)))
    quality, kl = (np.array([getattr(score, name) for score in found]) for name in ("quality", "kl"))
    share = 1 - np.exp(-4.5)
    assert abs(quality.mean() - share) < 4 * np.sqrt(share * (1 - share) / (40 * n))
    assert abs(kl.mean() - 7 / (2 * n)) < 4 * kl.std() / np.sqrt(40)
    assert {(score.found, score.kept) for score in found} == {(8, 8)}


def test_the_width_of_a_cut_gaussian():
    """E[r^2 / 2 | r < 3] of a plane is 1 - (9 / 2) e^(-9/2) / (1 - e^(-9/2)); twice as wide points are wider."""
    centers = mode_centers()
    x, _ = draw_modes(rows=40_000)
    expected = np.sqrt(1 - 4.5 * np.exp(-4.5) / (1 - np.exp(-4.5)))
    assert mode_width(x, near_modes(x, centers, 0.05), centers, 0.05) == pytest.approx(expected, abs=0.01)
    wide, _ = draw_modes(rows=1000, std=0.1)
    assert mode_width(wide, near_modes(wide, centers, 0.05), centers, 0.05) > 1.2
    assert mode_width(x[:3], np.full(3, -1), centers, 0.05) is None


def test_scores_of_modes_that_are_dropped():
    """Of four modes one is missing, one has a stray point; the others are alike."""
    modes = np.array([0] * 45 + [1] * 45 + [2] + [-1] * 9)
    found = mode_scores(modes, np.full(4, 0.25))
    assert (found.quality, found.found, found.kept) == (0.91, 3, 2)
    q = np.array([45, 45, 1, 0]) / 91
    assert found.kl == pytest.approx(stats.entropy(q, np.full(4, 0.25)))
    np.testing.assert_allclose(found.shares, [0.45, 0.45, 0.01, 0])
    assert mode_scores(np.array([-1, -1]), [0.5, 0.5])[:4] == (0.0, 0, 0, None)
    assert mode_scores(np.array([0, 1]), [1.0, 0.0]).kl is None  # infinite


def test_a_rare_mode_is_kept_by_a_tenth_of_its_own_share():
    modes = np.array([0] * 997 + [1] * 3)
    assert mode_scores(modes, [0.98, 0.02]).kept == 2
    assert mode_scores(modes, [0.96, 0.04]).kept == 1


def test_what_a_classifier_calls_a_rare_class():
    """Calls by its rates come back to the share behind them."""
    rates = call_rates(np.array([[90, 10, 0], [4, 95, 1], [0, 0, 0]]))
    np.testing.assert_allclose(rates, [[0.9, 0.1, 0], [0.04, 0.95, 0.01], [0, 0, 1]])
    shares = np.array([0.3, 0.02, 0.68])
    assert corrected_share(shares @ rates[:, 1], rates, shares, 1) == pytest.approx(0.02)
    dropped = np.array([0.3, 0, 0.68]) / 0.98
    assert corrected_share(dropped @ rates[:, 1], rates, shares, 1) == pytest.approx(0)
    assert corrected_share(0.5, np.full((3, 3), 1 / 3), shares, 1) is None


# ---- runs


def trained(tmp_path, model, *options, config=""):
    (tmp_path / "c.toml").write_text(config)
    command = ["train", "--model", model, *options, "--epochs", "1", "--config", str(tmp_path / "c.toml")]
    assert main([*command, "--out", str(tmp_path / model)]) == 0
    return tmp_path / model


@pytest.fixture
def quick(monkeypatch, no_pictures):
    for name, value in (("SAMPLES", 300), ("SETS", 2), ("STEPS", 60), ("DRAWS", 3)):
        monkeypatch.setattr(f"minivae.cli.families.modes.{name}", value)
    for name in ("draw_mode_samples", "draw_class_shares"):
        monkeypatch.setattr(f"minivae.cli.families.modes.{name}", lambda *args: None)


def numbers_of(path, name="evaluate-test.json"):
    return json.loads((path / name).read_text())["measures"]["modes"]


def case_of(path):
    run = Run.open(path)
    data, (model, _) = run.read_data(), run.load_model()
    x, labels = data.test()
    return Case(run, model, data, "test", x, None, labels, 0, 1)


def test_a_model_that_is_the_density(tmp_path, quick, capsys):
    """Of one mode PPCA is the density, but for its fit: log p(x) is known to 0.01 nats, in the units of the data."""
    for name, options in (("a", ""), ("b", "standardize = true\n")):
        (tmp_path / name).mkdir()
        out = trained(tmp_path / name, "ppca", "--data", "modes",
                      config=options + "modes = {kind = 'grid', count = 1, std = 0.3}")  # fmt: skip
        assert main(["evaluate", str(out), "--measure", "modes"]) == 0
        found = numbers_of(out)["log_px"]
        assert found["exact"]
        assert abs(found["difference"]) < 0.01
        assert found["entropy"] == pytest.approx(modes_entropy(kind="grid", count=1, std=0.3))
        assert abs(found["known_log_px"] + found["entropy"]) < 4 * found["known_log_px_standard_error"]
        printed = capsys.readouterr().out
        assert "nats, exactly; known" in printed
        assert "means: without the noise of p(x | z)" in printed
        scores = numbers_of(out)["scores"]
        assert scores["samples"]["high_quality"] > 0.97
        assert scores["samples"]["width"] == pytest.approx(scores["the density"]["width"], abs=0.05)
        assert scores["means"]["width"] < 0.8  # along one line


def test_a_model_that_drops_a_rare_mode(tmp_path, quick, capsys):
    """Samples that are points of all modes but one, drawn in the place of the model's own."""
    modes = "modes = {rare = {class = 3, share = 0.05}}"
    out = trained(tmp_path, "vae", "--data", "modes", "--hidden", "4", config=modes)
    case = case_of(out)
    x, y = draw_modes(rows=4000, rare={"class": 3, "share": 0.05})
    kept = x[y != 3]

    def sample(n, rng, y=None, draw=None):
        return kept[rng.integers(len(kept), size=n)]

    with replaced(case.model, sample=sample):
        found = MEASURES["modes"](case)
    scores = found.numbers["scores"]["samples"]
    assert (scores["modes_found"], scores["modes_kept"]) == (7, 7)
    assert found.numbers["rare"]["share"] == 0
    assert "mode 3, rare: 5 % of the density, 0 +- 0 % of the samples lie near it" in found.lines
    assert set(found.numbers["scores"]) == {"samples", "the density"}
    assert found.numbers["scores"]["the density"]["modes_kept"] == 8
    assert any("a bound, by 3 draws of z for each row" in line for line in found.lines)


def test_an_autoencoder_has_a_mixture_beside(tmp_path, quick, capsys):
    out = trained(tmp_path, "ae", "--data", "modes", "--hidden", "4")
    assert main(["evaluate", str(out), "--images", "50", "--measure", "modes"]) == 0
    found = numbers_of(out, "evaluate-test-50-rows.json")
    assert set(found["scores"]) == {"samples", "means", "mixture", "the density"}
    assert found["rows"] == 50
    printed = capsys.readouterr().out
    assert "mixture: z from 10 Gaussians fitted to the codes, not from one" in printed
    assert "log p(x): ae says nothing of it" in printed


def test_classes_of_images(tmp_path, quick, capsys):
    """Test images in the place of samples, without the rare class, or with too much of it."""
    out = trained(tmp_path, "ppca", config="rare = {class = 8, share = 0.02}")
    case = case_of(out)
    x, y = load_data("digits", likelihood="gaussian", dequantize=True).test()
    found = {}
    for name, rows in (("dropped", x[y != 8]), ("all", x)):

        def sample(n, rng, y=None, draw=None, rows=rows):
            return rows[rng.integers(len(rows), size=n)]

        with replaced(case.model, sample=sample):
            found[name] = MEASURES["modes"](case)
    dropped, every = (found[name].numbers for name in ("dropped", "all"))
    assert dropped["accuracy"] > 0.8
    assert dropped["rare"]["training_share"] == pytest.approx(0.02, abs=0.001)
    assert dropped["training_shares"][8] == dropped["rare"]["training_share"]
    assert every["rare"]["share"] == pytest.approx((y == 8).mean(), abs=0.08)
    assert dropped["rare"]["share"] < 0.05 < every["rare"]["share"]
    assert sum(dropped["expected_shares"]) == pytest.approx(1)
    assert any(line.startswith("class 8, rare: 2 % of training rows. The network calls") for line in found["all"].lines)


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        ("cvae", ["--data", "modes"], "measure: modes needs a model that is not given y, cvae is"),
        ("vae", ["--data", "x.npy"], "measure: modes needs data modes, or 2 classes or more of every row"),
        ("lm", ["--data", "expressions"], "measure: modes needs images or rows, the run is of text"),
    ],
)
def test_what_it_needs(model, options, message, tmp_path, quick, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("minivae.data.corpora.DRAWN", (60, 20))
    np.save("x.npy", np.random.default_rng(0).random((200, 4)))
    out = trained(tmp_path, model, *options, "--hidden", "4")
    split = ["--split", "validation"] if model != "cvae" else []
    assert message in error_of(capsys, "evaluate", out, *split, "--measure", "modes")


def test_pictures_are_the_same_each_time(tmp_path):
    x, y = draw_modes("grid", rows=300)
    shares = np.random.default_rng(0).random((3, 25))
    for name in ("a", "b"):
        draw_mode_samples(x, y > 3, mode_centers(kind="grid"), lambda x: -(x**2).sum(axis=-1), shares,
                          np.full(25, 0.04), "points", tmp_path / f"{name}.png")  # fmt: skip
        draw_class_shares(shares[:, :4], np.full(4, 0.25), "classes", tmp_path / f"{name}2.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (tmp_path / "a2.png").read_bytes() == (tmp_path / "b2.png").read_bytes()

"""Mixtures of known sources, the score of their recovery, and the measure of a run."""

import json

import numpy as np
import pytest
from test_cli import error_of

from minivae import load_data
from minivae.cli import main
from minivae.data import mixed_sources
from minivae.data.nonlinear import SLOPE
from minivae.evaluate import mean_correlation_coefficient
from minivae.evaluate.recovery import turned_score
from minivae.plot import draw_recovery

METHODS = pytest.mark.parametrize("method", ["pearson", "spearman"])


# ---- the data


def test_shapes_and_bytes():
    x, y, s = mixed_sources(7, 11, 2, 5, seed=3)
    assert (x.shape, y.shape, s.shape) == ((77, 5), (77,), (77, 2))
    assert (x.dtype, y.dtype, s.dtype) == ("float32", "int64", "float32")
    np.testing.assert_array_equal(np.bincount(y), [11] * 7)
    assert (np.diff(y) != 0).mean() > 0.5  # in a random order
    again, other = (mixed_sources(7, 11, 2, 5, seed=seed)[0] for seed in (3, 4))
    assert x.tobytes() == again.tobytes() != other.tobytes()


@pytest.mark.parametrize("means", [False, True])
def test_sources_are_independent_gaussians_in_each_segment(means):
    """Spreads uniform in [0.5, 3], means 0 or in [-5, 5]; |z| < 4 of each correlation."""
    _, y, s = mixed_sources(60, 2000, 3, means=means)
    centers = np.array([s[y == u].mean(axis=0) for u in range(60)])
    spreads = np.array([s[y == u].std(axis=0) for u in range(60)])
    assert 0.45 < spreads.min() < 0.65
    assert 2.85 < spreads.max() < 3.15
    assert abs(spreads.mean() - 1.75) < 4 * 2.5 / np.sqrt(12 * 180)
    z = centers / spreads * np.sqrt(2000)
    assert (abs(z).max() < 4.5) != means
    if means:
        assert 4.5 < abs(centers).max() < 5.3
    first = s[y == 0]
    correlations = np.corrcoef(first.T)[np.triu_indices(3, 1)]
    assert (abs(correlations) < 4 / np.sqrt(2000)).all()
    kurtosis = (((first - centers[0]) / spreads[0]) ** 4).mean()
    assert kurtosis == pytest.approx(3, abs=4 * np.sqrt(24 / 6000))


def test_one_layer_is_a_turn_and_three_are_not_linear():
    """Without noise one layer keeps lengths; three are no linear map of the sources, and lengths come back by SLOPE."""
    x, _, s = mixed_sources(5, 400, 2, 4, layers=1, noise=0)
    np.testing.assert_allclose(np.linalg.norm(x, axis=1), np.linalg.norm(s, axis=1), rtol=1e-5)
    x, _, s = mixed_sources(5, 400, 2, 2, layers=3, noise=0)
    fit = s @ np.linalg.lstsq(s, x, rcond=None)[0]
    assert ((x - fit) ** 2).mean() > 0.02 * (x**2).mean()
    ratio = np.linalg.norm(x, axis=1) / np.linalg.norm(s, axis=1)
    assert ratio.min() >= SLOPE**2 * (1 - 1e-4)
    assert ratio.max() <= 1 + 1e-4


def test_noise_is_added_last():
    (x, y, s), (clean, y2, s2) = (mixed_sources(5, 400, 2, noise=noise) for noise in (0.3, 0))
    np.testing.assert_array_equal(s, s2)
    np.testing.assert_array_equal(y, y2)
    assert (x - clean).std() == pytest.approx(0.3, rel=4 / np.sqrt(2 * 4000))


def test_the_set():
    data = load_data("sources", sources={"segments": 6, "rows": 12, "count": 3})
    x, y, _ = mixed_sources(6, 12, 3)
    assert (data.protocol.n_train, data.protocol.n_validation, data.shape) == (50, 10, (3,))
    np.testing.assert_array_equal(np.concatenate([data.train.x, data.validation.x, data.test().x]), x)
    np.testing.assert_array_equal(np.concatenate([data.train.y, data.validation.y, data.test().y]), y)
    assert data.protocol.labels == {"kind": "classes", "count": 6}
    assert load_data("sources").protocol.sha256 == load_data("sources", sources={}).protocol.sha256
    assert load_data("sources").protocol.sha256 != load_data("sources", sources={"seed": 1}).protocol.sha256


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"segments": 1}, "sources.segments: expected a whole number >= 2, got 1"),
        ({"count": 3, "columns": 2}, "sources.columns: expected as many as sources, 3, or more, got 2"),
        ({"noise": -1}, "sources.noise: expected a finite number >= 0, got -1"),
        ({"means": 1}, "sources.means: expected true or false, got 1"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        mixed_sources(**options)
    with pytest.raises(ValueError, match=message):
        load_data("sources", sources=options)


# ---- the score


def some(n=3, N=4000, seed=0):
    return np.random.default_rng(seed).standard_normal((N, n))


@METHODS
def test_sources_in_another_order_sign_and_unit_score_1(method):
    s = some()
    z = np.stack([5 - 0.01 * s[:, 2], 7 + 0 * s[:, 0], 30 * s[:, 0], -s[:, 1]], axis=1)
    found = mean_correlation_coefficient(z, s, method)
    assert found.score == pytest.approx(1)
    assert found.latents.tolist() == [2, 3, 0]
    expected = [[0, 0, 1, 0], [0, 0, 0, -1], [-1, 0, 0, 0]]
    np.testing.assert_allclose(found.correlations, expected, atol=4 / np.sqrt(4000))


def test_a_latent_that_is_bent_keeps_its_ranks():
    s = some()
    assert mean_correlation_coefficient(np.exp(3 * s), s, "spearman").score == pytest.approx(1)
    assert mean_correlation_coefficient(np.exp(3 * s), s, "pearson").score < 0.5


@METHODS
def test_noise_scores_near_0(method):
    assert mean_correlation_coefficient(some(seed=1), some(), method).score < 4 / np.sqrt(4000)


def test_a_turn_by_45_degrees():
    s = some(2, 100_000)
    z = s @ np.array([[1, 1], [-1, 1]]) / np.sqrt(2)
    assert mean_correlation_coefficient(z, s).score == pytest.approx(np.sqrt(0.5), abs=0.01)
    assert mean_correlation_coefficient(z, s, "spearman").score == pytest.approx(6 / np.pi * np.arcsin(np.sqrt(1 / 8)),
                                                                                 abs=0.01)  # fmt: skip


def test_pairs_are_the_best_in_sum_and_not_one_by_one():
    """The first source correlates 0.8 and 0.6 with two latents, the second 0.6 and 0: 0.6 + 0.6 is above 0.8 + 0."""
    a, b, c = np.linalg.qr(some() - some().mean(axis=0))[0].T
    z = np.stack([0.8 * a + 0.6 * b, 0.6 * a + 0.8 * c], axis=1)
    found = mean_correlation_coefficient(z, np.stack([a, b], axis=1))
    assert found.latents.tolist() == [1, 0]
    assert found.score == pytest.approx(0.6)


def test_sources_without_a_latent_score_0():
    s = some()
    found = mean_correlation_coefficient(s[:, 1:2], s)
    assert found.score == pytest.approx(1 / 3)
    assert found.latents.tolist() == [-1, 0, -1]


def test_sources_that_are_turned_at_random():
    """Of two, the mean of max(|cos a|, |sin a|) is 2 sqrt(2) / pi; more sources have less."""
    scores = [turned_score(n, np.random.default_rng(0), 4000) for n in (1, 2, 5)]
    assert scores[:2] == [1, pytest.approx(2 * np.sqrt(2) / np.pi, abs=4 * 0.09 / np.sqrt(4000))]
    assert 0.6 < scores[2] < 0.8


@pytest.mark.parametrize(
    ("codes", "sources", "message"),
    [
        (some()[:, 0], some(), r"codes: expected finite numbers in two rows or more, got dtype float64, shape \(4000,"),
        (np.where(some() > 0, np.nan, 1), some(), "codes: expected finite numbers"),
        (some(), some() > 0, "sources: .* got dtype bool"),
        (some(N=9), some(), "codes: expected 4000 rows, as of sources, got 9"),
        (some(), some() * [1, 0, 1], "sources: expected values that vary, column 1 does not"),
    ],
)
def test_bad_input(codes, sources, message):
    with pytest.raises(ValueError, match=message):
        mean_correlation_coefficient(codes, sources)
    with pytest.raises(ValueError, match="method: expected one of pearson, spearman, got 'kendall'"):
        mean_correlation_coefficient(some(), some(), "kendall")


# ---- the command


def trained(tmp_path, model="vae", config="", data="sources"):
    (tmp_path / "c.toml").write_text(config)
    options = ["--hidden", "8", "--latent", "3", "--epochs", "1", "--config", str(tmp_path / "c.toml")]
    assert main(["train", "--model", model, "--data", data, *options, "--out", str(tmp_path / model)]) == 0
    return tmp_path / model


MIXTURE = "sources = {segments = 4, rows = 30, columns = 3}\n"


@pytest.mark.parametrize("model", ["vae", "iwae", "cvae", "ae"])
def test_a_run(model, tmp_path, capsys, no_pictures):
    run = trained(tmp_path, model, MIXTURE + "standardize = true")
    assert main(["evaluate", str(run), "--measure", "recovery"]) == 0
    found = json.loads((run / "evaluate-test.json").read_text())["measures"]["recovery"]
    said = capsys.readouterr().out
    assert f"pearson {found['pearson']['score']:.4f}; {found['pearson']['of_other_rows']:.4f} with the codes of" in said
    assert ("given the segment y" in said) == (model == "cvae")
    assert (found["rows"], found["sources"], found["latents"]) == (20, 2, 3)
    assert (run / "recovery-test.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("split", ["test", "validation", "train"])
@pytest.mark.parametrize("config", ["", "standardize = true", "split_order = 'shuffle'"])
def test_codes_that_are_the_sources(split, config, tmp_path, monkeypatch, no_pictures):
    """Of a linear mixture without noise the turn back gives the sources of just these rows, whatever the split."""
    run = trained(tmp_path, config=MIXTURE.replace("}", ", layers = 1, noise = 0}") + config)
    x, _, s = mixed_sources(4, 30, 2, 3, layers=1, noise=0)
    data = load_data("sources", sources={"segments": 4, "rows": 30, "columns": 3, "layers": 1, "noise": 0},
                     standardize="standardize" in config)  # fmt: skip
    seen = data.protocol.prepare(x, "x", "gaussian")
    back = np.linalg.lstsq(np.hstack([seen, np.ones((120, 1))]), s, rcond=None)[0]
    monkeypatch.setattr("minivae.cli.families.recovery.codes",
                        lambda model, x, y: np.hstack([x, np.ones((len(x), 1))]) @ back)  # fmt: skip
    assert main(["evaluate", str(run), "--measure", "recovery", "--split", split, "--images", "15"]) == 0
    found = json.loads((run / f"evaluate-{split}-15-rows.json").read_text())["measures"]["recovery"]
    assert found["pearson"]["score"] == pytest.approx(1)
    assert found["pearson"]["latents"] == [0, 1]


def test_what_it_refuses(tmp_path, capsys, no_pictures):
    run = trained(tmp_path, data="digits")
    said = error_of(capsys, "evaluate", run, "--measure", "recovery")
    assert "measure: recovery needs data with known sources, sources, the run has digits" in said
    run = trained(tmp_path, "hvae", MIXTURE)
    assert "recovery needs one level of latents" in error_of(capsys, "evaluate", run, "--measure", "recovery")
    run = trained(tmp_path, "iwae", MIXTURE)
    assert "needs 2 rows or more" in error_of(capsys, "evaluate", run, "--measure", "recovery", "--images", "1")


@pytest.mark.parametrize(("n", "L"), [(1, 1), (2, 5), (12, 20), (3, 1)])
def test_the_picture(n, L, tmp_path):
    s, z = some(n, 50), some(L, 50, seed=1)
    found = mean_correlation_coefficient(z, s)
    draw_recovery(s, z, found.latents, found.correlations, found.score, tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")

"""Detection: areas under ROC curves and their errors where both are known, scores of rows, and the command."""

import json

import numpy as np
import pytest
from scipy.stats import norm

from minivae.cli import main
from minivae.data import load_data
from minivae.evaluate import anomaly_scores, auroc_interval, aurocs, false_positive_rate, typicality


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def one(normal, anomalies):
    """(AUROC, its standard error) of one score."""
    auroc, covariance = aurocs(normal[None], anomalies[None])
    return auroc[0], covariance[0, 0] ** 0.5


def test_areas_by_hand():
    """Pairs counted one by one; a tie is one half."""
    normal, anomalies = np.array([1.0, 2.0, 2.0, 5.0]), np.array([2.0, 3.0, 6.0])
    pairs = [(a > b) + 0.5 * (a == b) for a in anomalies for b in normal]
    assert one(normal, anomalies)[0] == pytest.approx(np.mean(pairs))
    assert one(normal, normal)[0] == 0.5
    assert one(normal, anomalies + 9) == (1.0, 0.0)
    assert one(normal + 9, anomalies) == (0.0, 0.0)


def test_delong_by_hand():
    """V10 and V01 as double sums over the pairs (DeLong et al. 1988, eq. 4 to 7), of two scores of the same rows."""
    rng = np.random.default_rng(1)
    normal, anomalies = rng.integers(0, 5, (2, 6)).astype(float), rng.integers(1, 6, (2, 4)).astype(float)
    pairs = anomalies[:, :, None] > normal[:, None, :]
    pairs = pairs + 0.5 * (anomalies[:, :, None] == normal[:, None, :])  # (S, m, n)
    auroc, covariance = aurocs(normal, anomalies)
    np.testing.assert_allclose(auroc, pairs.mean(axis=(1, 2)))
    np.testing.assert_allclose(covariance, np.cov(pairs.mean(axis=2)) / 4 + np.cov(pairs.mean(axis=1)) / 6)


@pytest.mark.parametrize("shift", [0.0, 0.7, 2.0])
def test_two_gaussians(shift, rng):
    """AUROC = Phi(d / sqrt 2); its error is that of repeats, and the interval holds it in about 95 % of them."""
    truth = norm.cdf(shift / 2**0.5)
    found, errors, held = [], [], 0
    for _ in range(400):
        auroc, error = one(rng.standard_normal(60), shift + rng.standard_normal(90))
        low, high = auroc_interval(auroc, error, 60)
        found.append(auroc)
        errors.append(error)
        held += low <= truth <= high
    z = (np.mean(found) - truth) / (np.std(found) / 20)
    assert abs(z) < 4
    assert np.std(found) == pytest.approx(np.mean(errors), rel=0.12)
    assert 0.92 <= held / 400 <= 0.98


def test_differences_of_two_scores_of_the_same_rows(rng):
    """The covariance is that of repeats: a difference of scores that agree has a far smaller error than either."""
    found, variances = [], []
    for _ in range(300):
        common = rng.standard_normal((1, 80))
        normal = common + 0.3 * rng.standard_normal((2, 80))
        anomalies = 1 + rng.standard_normal((1, 80)) + 0.3 * rng.standard_normal((2, 80))
        auroc, c = aurocs(normal, anomalies)
        found.append(auroc[0] - auroc[1])
        variances.append(c[0, 0] + c[1, 1] - 2 * c[0, 1])
    assert np.std(found) == pytest.approx(np.mean(variances) ** 0.5, rel=0.15)
    assert np.std(found) < 0.5 * c[0, 0] ** 0.5


def test_intervals_at_the_ends():
    """All of n pairs one way: the bound that this has a chance of 2.5 % (Clopper & Pearson 1934)."""
    low, high = auroc_interval(1.0, 0.0, 10)
    assert (low**10, high) == (pytest.approx(0.025), 1.0)
    assert auroc_interval(0.0, 0.0, 10) == (0.0, 1 - low)
    low, high = auroc_interval(0.99, 0.02, 50)
    assert 0.5 < low < 0.99 < high < 1


def test_false_positives(rng):
    """Of Gaussians a shift d apart: 95 % of the anomalies lie above d - 1.645, which 1 - Phi(d - 1.645) exceed."""
    rate, error = false_positive_rate(rng.standard_normal(20_000), 3 + rng.standard_normal(20_000), rng)
    truth = 1 - norm.cdf(3 - norm.ppf(0.95))
    assert abs(rate - truth) < 4 * error
    assert 0 < error < 0.1 * truth
    assert false_positive_rate(np.zeros(5), np.ones(5), rng) == (0.0, 0.0)


def test_scores_and_typicality():
    held_out = {"log_px": np.array([-4.0, -6.0])}
    scores = {"log_px": np.array([-9.0, -5.0, -1.0, -3.0, -8.0]), "log_px_z": -np.arange(5.0), "kl": np.arange(5.0),
              "elbo": -2 * np.arange(5.0)}  # fmt: skip
    found = anomaly_scores(scores, held_out)
    np.testing.assert_array_equal(found["typicality"], [4, 0, 4, 2, 3])
    np.testing.assert_array_equal(found["evidence"], [9, 5, 1, 3, 8])
    np.testing.assert_array_equal(found["reconstruction"], np.arange(5))
    np.testing.assert_array_equal(found["elbo"], 2 * np.arange(5))
    np.testing.assert_array_equal(typicality(scores["log_px"], held_out["log_px"], 2), [2, 3])
    assert list(anomaly_scores({"log_px_z": np.zeros(2)}, {})) == ["reconstruction"]


def test_bad_scores():
    with pytest.raises(ValueError, match="normal: expected finite scores .S, at least 2 rows., got NaN or infinity"):
        aurocs(np.array([[np.nan, 1]]), np.ones((1, 3)))
    with pytest.raises(ValueError, match="anomalies: expected finite scores .S, at least 2 rows., got shape .1, 1."):
        aurocs(np.ones((1, 3)), np.ones((1, 1)))
    with pytest.raises(ValueError, match="anomalies: expected 2 scores of a row, as of normal rows, got 1"):
        aurocs(np.ones((2, 3)), np.ones((1, 3)))


# ---- the command


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Trained on the digits 0 and 1 alone; others.npz holds the rest of the test split, noise.npy no digits."""
    folder = tmp_path_factory.mktemp("runs")
    data = load_data("digits", binarize="none", likelihood="gaussian")
    (x, y), test = data.train, data.test()
    shaped = lambda x: x.reshape(-1, 8, 8)  # noqa: E731
    np.savez(folder / "some.npz", x=shaped(x[y < 2]), x_test=shaped(test.x[test.y < 2]))
    np.savez(folder / "others.npz", x=shaped(test.x[test.y > 1]), y=test.y[test.y > 1])
    np.save(folder / "noise.npy", np.random.default_rng(0).random((50, 8, 8)))
    options = ["--hidden", "16", "--latent", "3", "--epochs", "30", "--batch-size", "8", "--out", str(folder / "a")]
    main(["train", "--data", str(folder / "some.npz"), *options])
    return folder


def test_some_classes_against_the_others(run, capsys):
    assert main(["evaluate", str(run / "a"), "--measure", "detection", "--against", str(run / "others.npz")]) == 0
    out = capsys.readouterr().out
    found = json.loads((run / "a" / "evaluate-test.json").read_text())["measures"]["detection"]
    assert found["scores"]["evidence"]["auroc"] > 0.8
    assert set(found["scores"]) >= {"reconstruction", "kl", "elbo", "evidence", "typicality", "mean value"}
    assert (
        found["scores"]["evidence"]["low"] < found["scores"]["evidence"]["auroc"] < found["scores"]["evidence"]["high"]
    )
    assert set(found["by_class"]) == set("23456789")
    assert found["log_p"]["normal"]["mean"] > found["log_p"]["anomalies"]["mean"]
    assert "AUROC: the chance that an anomaly scores above a normal row" in out
    assert " fails: it is higher" not in out
    assert (run / "a" / "detection-test.png").exists()
    before = (run / "a" / "evaluate-test.json").read_bytes()
    assert main(["evaluate", str(run / "a"), "--measure", "detection", "--against", str(run / "others.npz")]) == 0
    assert (run / "a" / "evaluate-test.json").read_bytes() == before


def test_a_likelihood_that_fails_is_said(run, tmp_path, capsys):
    """Empty images are more likely than digits: log p(x) ranks them the wrong way, and typicality the right one."""
    np.save(run / "empty.npy", np.zeros((50, 8, 8)))
    assert main(["evaluate", str(run / "a"), "--measure", "detection", "--against", str(run / "empty.npy")]) == 0
    found = json.loads((run / "a" / "evaluate-test.json").read_text())["measures"]["detection"]["scores"]
    fails = "log p(x) fails: it is higher for these rows" in capsys.readouterr().out
    assert fails == (found["evidence"]["high"] < 0.5)
    assert found["mean value"]["auroc"] == 0.0


@pytest.mark.parametrize(("options", "message"), [
    (["--measure", "detection"], "measure: detection needs --against DATA, the rows that are to be detected"),
    (["--against", "others.npz"], "against: expected --measure detection with it"),
    (["--measure", "detection", "--against", "gone.npz"], "against: gone.npz does not exist"),
    (["--measure", "detection", "--against", "digits.npy"], "against: expected examples of shape (8, 8, 1), as in "
     "training, got (9,)"),
    (["--measure", "detection", "--against", "some.npz"], "against: expected other data than the run was trained on"),
])  # fmt: skip
def test_what_is_refused(run, options, message, monkeypatch, capsys):
    monkeypatch.chdir(run)
    np.save("digits.npy", np.zeros((4, 9)))
    assert main(["evaluate", "a", *options]) == 2
    assert message in capsys.readouterr().err

"""Detection of anomalies: AUROC and its errors where they are known, typical values, a picture, a command."""

import itertools
import json
import math

import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy.stats import norm
from sklearn.datasets import load_digits
from sklearn.metrics import roc_curve

from minivae.backend import generator
from minivae.cli import main
from minivae.evaluate import anomaly_scores, auroc_interval, aurocs, false_positive_rate, row_scores, typicality
from minivae.plot import draw_detection
from minivae.plot import style as drawing
from minivae.runs import Run
from minivae.trained import load_run


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(autouse=True)
def _quick(request, monkeypatch):
    """No pictures, unless the test is about them."""
    if "pictures" not in request.keywords:
        monkeypatch.setattr("minivae.cli.families.detection.draw_detection", lambda *_: None)


def one(normal, anomalies):
    """(AUROC, standard error) of a single score."""
    auroc, covariance = aurocs([normal], [anomalies])
    return auroc[0], covariance[0, 0] ** 0.5


def psi(a, b):
    """1 where anomaly b is above normal row a, 1/2 where both are equal."""
    return (b > a) + 0.5 * (b == a)


# ---- the area


def test_area_by_hand():
    assert one([1, 2, 3], [4, 5])[0] == 1
    assert one([4, 5], [1, 2, 3])[0] == 0
    assert one([7, 7], [7, 7, 7]) == (0.5, 0)
    assert one([0, 1], [1, 2])[0] == (1 + 1 + 0.5 + 1) / 4


def test_area_against_all_pairs(rng):
    """Few different values, so many ties."""
    normal, anomalies = rng.integers(0, 6, (2, 40)), rng.integers(1, 8, (2, 25))
    auroc, _ = aurocs(normal, anomalies)
    for s in range(2):
        assert auroc[s] == pytest.approx(psi(normal[s, :, None], anomalies[s]).mean(), abs=1e-14)


@pytest.mark.parametrize("shift", [0.0, 0.5, 1.0, 2.0])
def test_area_of_two_gaussians(shift, rng):
    """Phi(d / sqrt 2); a set that is shifted by a tenth more is seen to be wrong."""
    auroc, error = one(rng.standard_normal(8000), shift + rng.standard_normal(8000))
    assert abs(auroc - norm.cdf(shift / math.sqrt(2))) < 4 * error
    off, error = one(rng.standard_normal(8000), shift + 0.1 + rng.standard_normal(8000))
    assert abs(off - norm.cdf(shift / math.sqrt(2))) > 4 * error


# ---- its errors


def test_covariance_on_average_over_all_samples():
    """All samples of 3 normal rows and 2 anomalies with 3 values each, two scores of a row, weighed by how often they
    occur. The variance of an AUROC is (xi11 + (n - 1) xi10 + (m - 1) xi01) / (m n), with xi10 the covariance of psi
    over pairs that share the anomaly, xi01 the normal row, xi11 both; the average of DeLong's is larger by
    (xi11 - xi10 - xi01) / (m n), which follows from its definition. The same holds between two scores.
    """
    n, m = 3, 2
    values = np.array([[0.0, 1.0, 2.0], [1.0, 0.0, 1.0]])  # two scores of the three kinds of rows, with ties
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.1, 0.3, 0.6])
    found = mean = outer = covered = 0.0
    for kinds in itertools.product(range(3), repeat=n + m):
        a, b = list(kinds[:n]), list(kinds[n:])
        weight = p[a].prod() * q[b].prod()
        auroc, covariance = aurocs(values[:, a], values[:, b])
        covered, found, mean = covered + weight, found + weight * covariance, mean + weight * auroc
        outer = outer + weight * np.outer(auroc, auroc)
    assert covered == pytest.approx(1)
    table = psi(values[:, :, None], values[:, None, :])  # (score, kind of normal row, kind of anomaly)
    theta = np.einsum("sab,a,b->s", table, p, q)
    centered = table - theta[:, None, None]
    xi10 = np.einsum("sb,tb,b->st", *[np.einsum("sab,a->sb", centered, p)] * 2, q)
    xi01 = np.einsum("sa,ta,a->st", *[np.einsum("sab,b->sa", centered, q)] * 2, p)
    xi11 = np.einsum("sab,tab,a,b->st", centered, centered, p, q)
    exact = (xi11 + (n - 1) * xi10 + (m - 1) * xi01) / (m * n)
    np.testing.assert_allclose(mean, theta, atol=1e-14)
    np.testing.assert_allclose(outer - np.outer(mean, mean), exact, atol=1e-14)
    np.testing.assert_allclose(found, exact + (xi11 - xi10 - xi01) / (m * n), atol=1e-14)


def test_covariance_against_the_bootstrap(rng):
    """Of the difference of two scores of the same rows, which are much alike."""
    normal, anomalies = rng.standard_normal((1, 150)), 0.7 + rng.standard_normal((1, 100))
    normal, anomalies = (
        np.concatenate([part, part + 0.5 * rng.standard_normal(part.shape)]) for part in (normal, anomalies)
    )
    _, covariance = aurocs(normal, anomalies)
    drawn = []
    for _ in range(1000):
        rows = rng.integers(0, 150, 150), rng.integers(0, 100, 100)
        pairs = [psi(normal[s, rows[0], None], anomalies[s, rows[1]]).mean() for s in range(2)]
        drawn.append(pairs)
    np.testing.assert_allclose(covariance, np.cov(np.array(drawn).T), rtol=0.15)
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    assert variance == pytest.approx(np.diff(drawn, axis=1).var(), rel=0.2)
    assert variance < 0.3 * (covariance[0, 0] + covariance[1, 1])  # what is gained by the pairs


@pytest.mark.parametrize("shift", [0.0, 2.5])
def test_intervals_cover(shift, rng):
    """The truth lies in 95 % of 400 intervals, |z| < 4 of the binomial, of small sets; in fewer of 80 %."""
    truth = norm.cdf(shift / math.sqrt(2))
    inside = narrow = 0
    for _ in range(400):
        auroc, error = one(rng.standard_normal(40), shift + rng.standard_normal(40))
        low, high = auroc_interval(auroc, error, 40)
        inside += low <= truth <= high
        low, high = auroc_interval(auroc, 0.65 * error, 40)
        narrow += low <= truth <= high
    assert abs(inside - 380) < 4 * math.sqrt(400 * 0.95 * 0.05)
    assert abs(narrow - 380) > 4 * math.sqrt(400 * 0.95 * 0.05)


def test_interval_by_hand():
    low, high = auroc_interval(0.8, 0.05, 10)
    half = 1.959964 * 0.05 / 0.16
    assert low == pytest.approx(1 / (1 + math.exp(-(math.log(4) - half))), rel=1e-6)
    assert high == pytest.approx(1 / (1 + math.exp(-(math.log(4) + half))), rel=1e-6)
    assert auroc_interval(0.999, 0.1, 10)[1] <= 1


def test_interval_of_separated_sets():
    """n independent pairs that all come out one way have the probability low**n, 2.5 %."""
    low, high = auroc_interval(1.0, 0.0, 10)
    assert (low**10, high) == (pytest.approx(0.025), 1)
    assert auroc_interval(0.0, 0.0, 10) == (0, 1 - low)


def test_refused():
    with pytest.raises(ValueError, match=r"^normal: expected finite scores \(S, at least 2 rows\), got shape \(3,\)$"):
        aurocs([1, 2, 3], [[1, 2]])
    with pytest.raises(ValueError, match=r"^anomalies: .* got shape \(1, 1\)$"):
        aurocs([[1, 2]], [[1]])
    with pytest.raises(ValueError, match=r"^anomalies: .* got NaN or infinity$"):
        aurocs([[1, 2]], [[1, np.nan]])
    with pytest.raises(ValueError, match=r"^anomalies: expected 1 scores of a row, as of normal rows, got 2$"):
        aurocs([[1, 2]], [[1, 2], [3, 4]])


# ---- false positives


@pytest.mark.parametrize("m", [2, 19, 20, 21, 60, 100, 333])
def test_false_positives_against_scikit_learn(m, rng):
    normal, anomalies = rng.integers(0, 30, 200), rng.integers(5, 40, m)
    rate, error = false_positive_rate(normal, anomalies, rng)
    fpr, tpr, _ = roc_curve([0] * 200 + [1] * m, np.concatenate([normal, anomalies]), drop_intermediate=False)
    assert rate == fpr[np.argmax(tpr >= 0.95)]
    assert 0 < error < 0.3


def test_false_positives_of_two_gaussians(rng):
    """P(normal > d + z(5 %)), and an error that fits the spread of the rates of 200 other sets."""
    rates = [false_positive_rate(*sets(rng), rng, draws=2)[0] for _ in range(200)]
    rate, error = false_positive_rate(*sets(rng), rng)
    truth = norm.sf(2 + norm.ppf(0.05))
    assert abs(np.mean(rates) - truth) < 4 * np.std(rates) / math.sqrt(200) + 0.002
    assert error == pytest.approx(np.std(rates), rel=0.35)
    assert abs(rate - truth) < 4 * error


def sets(rng, n=1000):
    return rng.standard_normal(n), 2 + rng.standard_normal(n)


# ---- typical values


def test_typicality_by_hand():
    log_px = np.array([-1.0, -3.0, -8.0, -2.0, -5.0])
    np.testing.assert_array_equal(typicality(log_px, np.array([-2.0, -4.0])), [2, 0, 5, 1, 2])
    np.testing.assert_array_equal(typicality(log_px, np.array([-2.0, -4.0]), together=2), [1, 2])


def test_typicality_sees_what_evidence_does_not(rng):
    """Rows with as much evidence on average and twice its spread: 1/2, and P(|2 a| > |b|) = 2 / pi arctan 2."""
    normal, anomalies, held_out = rng.standard_normal(8000), 2 * rng.standard_normal(8000), rng.standard_normal(10**6)
    auroc, error = one(-normal, -anomalies)
    assert abs(auroc - 0.5) < 4 * error
    auroc, error = one(*(typicality(part, held_out) for part in (normal, anomalies)))
    assert abs(auroc - 2 / math.pi * math.atan(2)) < 4 * error < 0.02


@pytest.mark.parametrize("M", [1, 4])
def test_typicality_of_what_is_too_likely(M, rng):
    """Rows more likely by one standard deviation. |sqrt(M) + a| > |b| where (sqrt(M) + a + b) / sqrt 2 and
    (sqrt(M) + a - b) / sqrt 2, which are independent, have one sign."""
    normal, anomalies = rng.standard_normal(8000), 1 + rng.standard_normal(8000)
    auroc, error = one(-normal, -anomalies)
    assert abs(auroc - norm.cdf(-1 / math.sqrt(2))) < 4 * error
    auroc, error = one(*(typicality(part, np.zeros(2), M) for part in (normal, anomalies)))
    p = norm.cdf(math.sqrt(M / 2))
    assert abs(auroc - p**2 - (1 - p) ** 2) < 4 * error < 0.04


def test_scores_are_higher_for_what_looks_less_normal():
    scores = {"elbo": -5.0, "log_px": -4.0, "log_px_z": -2.0, "kl": 3.0}
    scores = {name: np.array([value]) for name, value in scores.items()}
    expected = {"reconstruction": 2, "kl": 3, "elbo": 5, "evidence": 4, "typicality": 6}
    assert anomaly_scores(scores, {"log_px": np.array([-9.0, -11.0])}) == expected
    assert list(anomaly_scores({"log_px_z": np.array([-2.0])}, {"log_px_z": np.zeros(3)})) == ["reconstruction"]


# ---- the command


SMALL = ("train", "--hidden", "32", "--latent", "2", "--batch-size", "20")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Runs on zeros alone; files of zeros that they have not seen, and of other digits."""
    folder = tmp_path_factory.mktemp("detection")
    images, y = load_digits(return_X_y=True)
    x = (images / 16).astype("float32").reshape(-1, 8, 8)
    zeros, others = x[y == 0], x[y > 0][:400]
    np.savez(folder / "zeros.npz", x=zeros[:100], x_test=zeros[100:140])
    np.savez(folder / "more.npz", x=zeros[140:])
    np.savez(folder / "others.npz", x=others, y=y[y > 0][:400])
    np.save(folder / "small.npy", others[:, :4])
    np.save(folder / "single.npy", others[:1])
    np.savez(folder / "zeros_y.npz", x=zeros[:40], y=np.arange(40) % 2, x_test=zeros[40:80], y_test=np.arange(40) % 2)
    for run, data, *options in (
        ("vae", "zeros", "--epochs", "60"),
        ("ae", "zeros", "--epochs", "60", "--model", "ae"),
        ("cvae", "zeros_y", "--epochs", "1", "--model", "cvae"),
        ("whole", "zeros", "--epochs", "1", "--validation", "0"),
    ):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("minivae.cli.training.draw_run", lambda run, data: None)
            assert main([*SMALL, "--data", str(folder / f"{data}.npz"), *options, "--out", str(folder / run)]) == 0
    return folder


def command(files, run, against, *arguments):
    return main(["evaluate", str(files / run), "--measure", "detection", "--against", str(files / against), *arguments])


def found(files, run, against, split="test"):
    assert command(files, run, against, "--split", split) == 0
    return json.loads((files / run / f"evaluate-{split}.json").read_text())["measures"]["detection"]


@pytest.mark.pictures
def test_one_class_against_the_rest(files, capsys):
    """Other digits are told from zeros, unseen zeros are not; the same command says the same."""
    result = found(files, "vae", "others.npz")
    said, picture = capsys.readouterr().out, (files / "vae" / "detection-test.png").read_bytes()
    assert result["rows"] == [40, 400, 16]
    assert result["scores"]["evidence"]["low"] > 0.9
    assert set(result["by_class"]) == set("123456789")
    assert "fails" not in said
    assert found(files, "vae", "others.npz") == result
    assert capsys.readouterr().out == said
    assert (files / "vae" / "detection-test.png").read_bytes() == picture
    for name, part in found(files, "vae", "more.npz")["scores"].items():
        assert part["low"] < 0.5 < part["high"], name


def test_figures_are_those_of_the_scores(files):
    """Of all rows, since there are fewer than the most; differences and their errors by DeLong's covariance."""
    run = Run.open(files / "vae")
    model, _ = run.load_model()
    data = run.read_data()
    others = run.protocol.prepare(np.load(files / "others.npz")["x"], "x", "bernoulli")
    parts = [row_scores(model, x, 100, generator(0, "evaluate", 43)) for x in (data.test().x, others)]
    result = found(files, "vae", "others.npz")["scores"]
    for name, key in (("reconstruction", "log_px_z"), ("elbo", "elbo"), ("evidence", "log_px")):
        assert result[name]["auroc"] == pytest.approx(one(-parts[0][key], -parts[1][key])[0], abs=1e-12)
    auroc, covariance = aurocs(*(np.stack([part["kl"], -part["log_px"]]) for part in parts))
    assert result["kl"]["standard_error"] == pytest.approx(covariance[0, 0] ** 0.5)
    assert result["kl"]["minus_evidence"] == pytest.approx(auroc[0] - auroc[1])
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    assert result["kl"]["minus_evidence_standard_error"] == pytest.approx(variance**0.5)
    assert "minus_evidence" not in result["evidence"]
    bits = [x.sum(axis=1) for x in (data.test().x, others)]
    assert result["mean_value"]["auroc"] == pytest.approx(one(*bits)[0])


def test_likelihood_fails(files, capsys):
    """The picture that the decoder holds for likeliest is more likely than zeros that someone wrote."""
    x = load_run(files / "vae").decode(np.zeros((30, 2))) > 0.5
    np.save(files / "likeliest.npy", x.astype("float32"))
    assert found(files, "vae", "likeliest.npy")["scores"]["evidence"]["high"] < 0.5
    assert "log p(x) fails" in capsys.readouterr().out


def test_other_splits_and_models(files):
    """Typical values never come from the rows that are tested; an autoencoder has its reconstruction alone."""
    assert found(files, "vae", "others.npz", "train")["rows"] == [84, 400, 16]
    assert found(files, "vae", "others.npz", "validation")["rows"] == [16, 400, 84]
    assert found(files, "whole", "others.npz")["rows"] == [40, 400, 100]
    result = found(files, "ae", "others.npz")
    assert list(result["scores"]) == ["reconstruction", "mean_value"]
    assert result["scores"]["reconstruction"]["low"] > 0.9


@pytest.mark.parametrize(
    ("run", "against", "arguments", "message"),
    [
        ("vae", "zeros.npz", [], "against: expected other data than the run was trained on, got "),
        ("vae", "small.npy", [], "against: expected examples of shape (8, 8, 1), as in training, got (4, 8, 1)"),
        ("vae", "single.npy", [], "against: expected at least 2 rows, got 1"),
        ("vae", "none.npy", [], "none.npy does not exist"),
        ("vae", "zeros.txt", [], "against: "),
        ("cvae", "others.npz", [], "measure: detection needs a model of x alone, cvae is given y"),
        ("whole", "others.npz", ["--split", "train"], "split: detection needs normal rows beside those of train"),
    ],
)
def test_refusals(files, run, against, arguments, message, capsys):
    capsys.readouterr()
    assert command(files, run, against, *arguments) != 0
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1


def test_against_and_measure_need_each_other(files, capsys):
    assert main(["evaluate", str(files / "vae"), "--measure", "detection"]) != 0
    assert "measure: detection needs --against DATA, the rows that are to be detected" in capsys.readouterr().err
    assert main(["evaluate", str(files / "vae"), "--against", "digits"]) != 0
    assert "against: expected --measure detection with it" in capsys.readouterr().err


@pytest.mark.pictures
def test_picture(tmp_path, rng, monkeypatch):
    """Histograms in % of the rows, a ROC curve whose area is that of its label."""
    drawn = []
    monkeypatch.setattr(drawing, "write_atomic", lambda path, content: drawn.append(path))
    figures = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, *_, **__: figures.append(figure))
    normal, anomalies = rng.standard_normal(500), 1 + rng.standard_normal(300)
    draw_detection({"score": (normal, anomalies)}, {"a": (normal, anomalies)}, ("n", "m"), tmp_path / "a.png")
    left, right = figures[0].axes
    heights = [sum(bar.get_height() for bar in container) for container in left.containers]
    assert heights == pytest.approx([100, 100], abs=1)
    share, found = right.lines[0].get_data()
    assert np.trapezoid(found, share) == pytest.approx(one(normal, anomalies)[0])
    assert (left.get_xlabel(), left.get_ylabel(), right.lines[0].get_label()) == ("score", "% of rows", "a")

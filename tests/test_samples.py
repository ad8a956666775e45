"""Samples against data: known answers of each measure, the classifier whose features they use, and the command."""

import json
from math import comb

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from test_cli import PNG, error_of

from minivae import check_gradients
from minivae.cli import main
from minivae.cli.families import samples as family
from minivae.cli.families.base import Case
from minivae.evaluate import (
    Classifier,
    augmented_accuracy,
    classifier_features,
    copies,
    expected_coverage,
    fit_classifier,
    frechet_distance,
    manifold_scores,
    principal_features,
    sharpness,
)
from minivae.models import CVAE, VAE
from minivae.plot import draw_neighbors
from minivae.runs import Run


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def whitened(rng, N, d):
    """Rows (N, d) whose mean is 0 and whose covariance is the identity, up to rounding."""
    x = rng.standard_normal((N, d))
    x -= x.mean(axis=0)
    return x @ np.linalg.inv(np.linalg.cholesky(np.cov(x, rowvar=False))).T


# ---- the distance


def test_frechet_distance_of_diagonal_gaussians(rng):
    """|m|^2 + sum (std_a - std_b)^2, in every rotation."""
    x, turn = whitened(rng, 50, 4), np.linalg.qr(rng.standard_normal((4, 4)))[0]
    a, b, m = np.array([1.0, 2, 0.5, 3]), np.array([2.0, 2, 1, 0]), np.array([0.5, 0, -1, 2])
    expected = m @ m + ((a - b) ** 2).sum()
    assert frechet_distance(x * a @ turn, (x * b + m) @ turn) == pytest.approx(expected, rel=1e-7)
    assert frechet_distance((x * b + m) @ turn, x * a @ turn) == pytest.approx(expected, rel=1e-7)


def test_frechet_distance_of_covariances_that_do_not_commute(rng):
    """tr (C_a C_b)^(1/2) = (tr C_a C_b + 2 (det C_a C_b)^(1/2))^(1/2) in two dimensions."""
    x = whitened(rng, 30, 2)
    A, B = rng.standard_normal((2, 2, 2))
    C = A.T @ A @ B.T @ B
    mixed = np.sqrt(np.trace(C) + 2 * np.sqrt(np.linalg.det(C)))
    expected = np.trace(A.T @ A + B.T @ B) - 2 * mixed
    assert frechet_distance(x @ A, x @ B) == pytest.approx(expected, rel=1e-9)


def test_frechet_distance_of_equal_and_of_shifted_rows(rng):
    """Also where there are fewer rows than features."""
    for N, d in ((40, 3), (5, 9), (7, 1)):
        x, shift = rng.standard_normal((N, d)), rng.standard_normal(d)
        assert frechet_distance(x, x) == pytest.approx(0, abs=1e-6)
        assert frechet_distance(x, x + shift) == pytest.approx(shift @ shift, abs=1e-6)


# ---- precision, recall, density, coverage


def by_definition(real, made, k, k_density):
    """The four scores, ball after ball."""
    radius = lambda rows, i, k: np.sort(np.linalg.norm(rows - rows[i], axis=1))[k]  # noqa: E731, itself is the first
    inside = lambda x, rows, k: [  # noqa: E731
        np.linalg.norm(x - row) <= radius(rows, i, k) for i, row in enumerate(rows)
    ]
    balls = np.array([inside(x, real, k_density) for x in made])
    return {
        "precision": np.mean([any(inside(x, real, k)) for x in made]),
        "recall": np.mean([any(inside(x, made, k)) for x in real]),
        "density": balls.sum() / (k_density * len(made)),
        "coverage": balls.any(axis=0).mean(),
    }


@pytest.mark.parametrize(("k", "k_density"), [(3, 5), (4, 2)])
def test_scores_by_their_definition(k, k_density, rng):
    real, made = rng.standard_normal((2, 40, 3))
    made = made + 0.7
    scores = manifold_scores(real, made, k, k_density)
    assert scores == pytest.approx(by_definition(real, made, k, k_density), abs=1e-12)
    assert len({round(value, 6) for value in scores.values()}) == 4


def test_large_sets_come_in_parts(rng):
    """3,000 rows have two parts of distances, and their order counts nothing: the last rows lie far from each other."""
    real, made = rng.random((2, 3000, 2))
    made[2900:] += 3 * rng.random((100, 2))
    scores = manifold_scores(real, made)
    assert scores["precision"] < 0.98
    assert scores == manifold_scores(real, made[::-1]) == manifold_scores(real[::-1], made)


def test_scores_of_equal_and_of_distant_sets(rng):
    x = rng.standard_normal((60, 4))
    scores = manifold_scores(x, x)
    assert [scores[name] for name in ("precision", "recall", "coverage")] == [1, 1, 1]
    assert set(manifold_scores(x, x + 100).values()) == {0}


def test_modes_that_are_left_out_and_modes_that_are_invented(rng):
    """Two modes against one: half of the recall is lost, or half of the precision."""
    mode = rng.random((200, 2))
    both = np.concatenate([mode, mode + 50])
    one = np.concatenate([mode, mode + 1e-6])
    scores = manifold_scores(both, one)
    assert (scores["precision"], scores["recall"], scores["coverage"]) == (1, 0.5, 0.5)
    scores = manifold_scores(one, both)
    assert (scores["precision"], scores["recall"]) == (0.5, 1)
    assert scores["density"] < 0.7


def test_an_outlier_makes_precise_but_not_dense():
    """One real row far away has a ball around all of the samples, but one only."""
    real = np.append(np.linspace(0, 1, 50), 1000)[:, None]
    made = np.linspace(400, 500, 51)[:, None]
    scores = manifold_scores(real, made)
    assert scores["precision"] == 1
    assert scores["density"] == pytest.approx(1 / 5)
    assert scores["coverage"] == pytest.approx(1 / 51)


def test_expectations_of_one_distribution(rng):
    """Density and coverage of 64 pairs of sets, within 4 standard errors."""
    pairs = rng.standard_normal((64, 2, 150, 2))
    scores = [manifold_scores(real, made) for real, made in pairs]
    for name, expected in (("density", 1), ("coverage", expected_coverage(150))):
        values = np.array([s[name] for s in scores])
        error = values.std(ddof=1) / 8
        assert abs(values.mean() - expected) < 4 * error, name
        assert error < 0.01


def test_expected_coverage():
    """Of 2 rows, k = 1: the nearest of three others is real with probability 1/3. Else the nearest k are all real."""
    assert expected_coverage(2, 1) == pytest.approx(2 / 3)
    assert expected_coverage(20, 5) == pytest.approx(1 - comb(19, 5) / comb(39, 5))
    assert expected_coverage(10**6, 5) == pytest.approx(1 - 2**-5, rel=1e-5)


@pytest.mark.parametrize(
    ("f", "args", "message"),
    [
        (frechet_distance, (np.zeros((3, 2)), np.zeros((3, 3))), r"rows: expected two sets .*\(3, 2\) and \(3, 3\)"),
        (frechet_distance, (np.zeros((1, 2)), np.zeros((3, 2))), "rows: expected two sets of 2 or more rows"),
        (frechet_distance, (np.zeros(3), np.zeros(3)), "rows: expected two sets"),
        (manifold_scores, (np.zeros((9, 2)), np.full((9, 2), np.nan)), "rows: expected two sets .* finite"),
        (manifold_scores, (np.zeros((9, 2)), np.zeros((8, 2))), "real, made: expected as many rows of both, above 5"),
        (manifold_scores, (np.zeros((5, 2)), np.zeros((5, 2))), "real, made: .*, above 5, got 5 and 5"),
        (manifold_scores, (np.zeros((9, 2)), np.zeros((9, 2)), 0), "k_manifold: expected"),
        (copies, (np.zeros((2, 2)), np.zeros((2, 3)), np.zeros((2, 2))), "rows: expected two sets"),
        (copies, (np.zeros((0, 2)), np.zeros((2, 2)), np.zeros((2, 2))), "rows: expected two sets of 1 or more"),
    ],
)  # fmt: skip
def test_bad_rows(f, args, message):
    with pytest.raises(ValueError, match=message):
        f(*args)


# ---- sharpness


def test_sharpness_of_one_pixel():
    """-4 v at the pixel, v at each neighbor, and 0 in the mean: 20 v^2 over the pixels."""
    images = np.zeros((3, 6, 5, 1), "float32")
    images[0, 2, 2] = 3
    images[1, 0, 0] = 3  # the edge goes on: -2 v there, v at two neighbors
    np.testing.assert_allclose(sharpness(images), [20 * 9 / 30, 6 * 9 / 30, 0])


def test_sharpness_of_channels_is_apart(rng):
    """No derivative between the channels; a ramp has none inside."""
    grey = rng.random((4, 8, 8, 1)).astype("float32")
    np.testing.assert_allclose(sharpness(grey.repeat(3, axis=3)), sharpness(grey), rtol=1e-5)
    flat = np.broadcast_to(np.array([0.1, 0.5, 0.9], "float32"), (2, 8, 8, 3))
    np.testing.assert_allclose(sharpness(flat), 0, atol=1e-12)


def test_blur_takes_sharpness_away(rng):
    images = rng.random((5, 12, 12, 1)).astype("float32")
    blurred = [gaussian_filter(images, (0, s, s, 0)) for s in (0, 0.5, 1, 2)]
    assert (np.diff([sharpness(part) for part in blurred], axis=0) < 0).all()


# ---- copies


def test_training_rows_are_copies(rng):
    train, held_out = rng.standard_normal((300, 200)), rng.standard_normal((100, 200))
    order = rng.permutation(300)
    found = copies(train[order], held_out, train)
    np.testing.assert_array_equal(found["nearest"], order)
    np.testing.assert_array_equal(found["distance"], 0)
    assert found["share"] == 1
    assert found["held_out_share"] == pytest.approx(0.05, abs=0.01)
    assert found["z"] > 10


def test_a_tenth_of_copies_is_found(rng):
    train, held_out, made = rng.standard_normal((3, 1000, 10))
    made[:100] = train[:100]
    found = copies(made, held_out, train)
    assert found["share"] == pytest.approx(0.1 + 0.9 * 0.05, abs=0.03)
    assert found["z"] > 5


@pytest.mark.parametrize("bits", [False, True])
def test_independent_draws_are_no_copies(bits, rng):
    """z of 60 repeats has the mean 0 and the standard deviation 1, also where distances of bits are often equal."""
    z = []
    for _ in range(60):
        made, held_out, train = (rng.random((n, 8)) for n in (900, 100, 250))
        found = copies(*((rows < 0.5) if bits else rows for rows in (made, held_out, train)), share=0.2)
        z.append(found["z"])
    assert abs(np.mean(z)) < 4 / np.sqrt(60)
    assert 0.7 < np.std(z) < 1.35


def test_distances_are_exact():
    found = copies([[0.0, 0], [3, 4]], [[9.0, 0]], [[0.0, 0], [0, 0.5], [6, 8]])
    np.testing.assert_array_equal(found["distance"], np.float32([0, 5 if 12.25 + 9 > 25 else 21.25**0.5]))
    np.testing.assert_array_equal(found["nearest"], [0, 1])


# ---- the classifier


@pytest.mark.parametrize("shape", [(6,), (4, 5, 1), (3, 8, 1)])
def test_gradients_of_the_classifier(shape, rng):
    model = Classifier.build(shape, 3, rng).bind("float64")
    model.theta += 0.05 * rng.standard_normal(model.theta.shape)
    checks = check_gradients(model, rng.random((4, model.D)), rng, y=np.array([0, 2, 2, 1]))
    assert checks.ok, checks
    assert len(checks) == len(model.params)


def test_which_rows_get_convolutions(rng):
    names = [any("Conv" in type(p).__name__ for p in Classifier.build(shape, 2, rng).body.layers)
             for shape in ((4, 4, 1), (28, 28, 3), (3, 8, 1), (16,))]  # fmt: skip
    assert names == [True, True, False, False]


def test_loss_accuracy_and_features_by_hand(rng):
    model = Classifier.build((6,), 3, rng).bind("float64")
    x, y = rng.standard_normal((5, 6)), np.array([0, 1, 2, 1, 1])
    h = model.features(x)
    assert h.shape == (5, 64)
    assert (h >= 0).all()
    logits = h @ model.head.W.data + model.head.b.data
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    metrics = model.loss_and_grads(x, None, y=y)
    assert metrics["loss"] == pytest.approx(-np.log(p[np.arange(5), y]).mean())
    assert metrics["accuracy"] == (p.argmax(axis=1) == y).mean() == model.accuracy(x, y)


def blobs(rng, n, spread=0.1):
    """Rows (n, 6) of three classes that lie apart."""
    y = rng.integers(0, 3, n)
    return (np.eye(6)[y] + spread * rng.standard_normal((n, 6))).astype("float32"), y


def test_accuracy_is_1_where_classes_lie_apart_and_chance_of_shuffled_labels(rng):
    (x, y), (x_test, y_test) = blobs(rng, 600), blobs(rng, 900)
    features = classifier_features(x, y, (x_test, y_test), (6,), 3)
    assert features.about["accuracy"] == 1
    assert features.about["accuracy_standard_error"] == 0
    assert classifier_features(x, y, (x_test, (y_test + 1) % 3), (6,), 3).about["accuracy"] == 0
    shuffled = classifier_features(x, rng.permutation(y), (x_test, rng.permutation(y_test)), (6,), 3)
    p, error = (shuffled.about[name] for name in ("accuracy", "accuracy_standard_error"))
    assert abs(p - 1 / 3) < 4 * error
    assert error == pytest.approx((p * (1 - p) / 900) ** 0.5)


def test_features_are_those_of_their_seed(rng):
    x, y = blobs(rng, 300)
    a, b, c = (classifier_features(x, y, (x, y), (6,), 3, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(a.of(x), b.of(x))
    assert a.about == b.about
    assert a.about["weights"] != c.about["weights"]
    assert a.about["dimension"] == a.of(x).shape[1]


def test_principal_features(rng):
    """All components: distances stay. Less of them: the largest."""
    x = rng.standard_normal((50, 5)) * [1, 5, 3, 2, 4]
    features = principal_features(x)
    assert (features.about["dimension"], features.about["variance"]) == (5, pytest.approx(1))
    assert frechet_distance(features.of(x), features.of(x + 1)) == pytest.approx(5, abs=1e-6)
    wide = principal_features(rng.standard_normal((100, 40)))
    assert wide.about["dimension"] == 32
    assert 0.8 < wide.about["variance"] < 1
    assert principal_features(x[:3]).about["dimension"] == 3
    assert principal_features(x).about == features.about


def test_augmentation(rng):
    """Real rows as samples are worth what they are; noise as samples leaves chance, and does harm."""
    (x, y), held_out = blobs(rng, 200, 0.3), blobs(rng, 600, 0.3)
    same = augmented_accuracy(x, y, x[:100], held_out, (6,), 3, steps=60)
    assert same["made"] == same["real"] > 0.8
    noise = augmented_accuracy(x, y, rng.standard_normal((100, 6)).astype("float32"), held_out, (6,), 3, steps=60)
    assert noise["real"] == same["real"]
    assert noise["made"] < 0.7 * same["real"]
    assert noise["both"] < same["real"]
    assert noise["twice_real"] == same["twice_real"]
    apart = augmented_accuracy(x, y, x[100:], held_out, (6,), 3, steps=60)  # these have other classes
    assert apart["made"] < 0.7 * same["real"]


def test_each_training_of_an_augmentation_has_as_many_steps(rng, monkeypatch):
    rows = []

    def fit(x, y, shape, classes, epochs, seed):
        rows.append((len(x), epochs))
        return fit_classifier(x, y, shape, classes, epochs=1)

    monkeypatch.setattr("minivae.evaluate.features.fit_classifier", fit)
    x, y = blobs(rng, 256)
    augmented_accuracy(x, y, x[:128], (x, y), (6,), 3, steps=40)
    assert rows == [(128, 40), (128, 40), (256, 20), (256, 20)]


# ---- the command


SMALL = ["--hidden", "16", "--latent", "3", "--epochs", "3"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """{name: a run} of bits, of grey pixels given their class, and of a table."""
    folder = tmp_path_factory.mktemp("samples")
    rows = ["a,b,c", *(f"{i % 7},{i * i % 11},{'xyz'[i % 3]}" for i in range(150))]
    (folder / "t.csv").write_text("\n".join(rows))
    options = {
        "bits": [],
        "grey": ["--model", "cvae", "--likelihood", "gaussian"],
        "table": ["--data", folder / "t.csv"],
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("minivae.cli.training.draw_run", lambda run, data: None)
        for name, more in options.items():
            assert main(["train", *SMALL, *map(str, more), "--out", str(folder / name)]) == 0
    return {name: folder / name for name in options}


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(family, "SETS", 2)
    monkeypatch.setattr(family, "REAL", 100)
    monkeypatch.setattr(family, "STEPS", 8)


def case_of(path, split="test"):
    run = Run.open(path)
    model, _ = run.load_model()
    data = run.read_data()
    x, y = data.test() if split == "test" else data.validation
    return Case(run, model, data, split, x, y if model.labels is not None else None, y, 0, 1)


def numbers(tree):
    for part in tree.values():
        yield from numbers(part) if isinstance(part, dict) else [part] * isinstance(part, float)


def test_summary():
    assert family.summary([{"a": 1}, {"a": 3}, {"a": 5}]) == {"a": 3, "a_standard_error": pytest.approx(2 / 3**0.5)}
    assert family.summary([{"a": 1}]) == {"a": 1}
    assert family.said({"a": 0.5, "a_standard_error": 0.0123}, "a", 100) == "50 +- 1.2"
    assert family.said({"a": 0.5}, "a") == "0.5"


@pytest.mark.usefixtures("quick")
def test_command(runs, capsys):
    """Twice the same bytes; every number finite, every share from 0 to 1; pictures beside it."""
    path = runs["bits"]
    shown = []
    for _ in range(2):
        assert main(["evaluate", str(path), "--measure", "samples"]) == 0
        files = [path / name for name in ("evaluate-test.json", "precision_recall-test.png", "neighbors-test.png")]
        shown.append((capsys.readouterr().out, *(file.read_bytes() for file in files)))
    assert shown[0] == shown[1]
    assert all(content.startswith(PNG) for content in shown[0][2:])
    found = json.loads(shown[0][1])["measures"]["samples"]
    assert set(found) == {"rows", "what", "features", "scores", "expected_coverage", "sharpness", "copies",
                          "augmentation"}  # fmt: skip
    assert np.isfinite(list(numbers(found))).all()
    assert (found["rows"], found["what"], found["features"]["kind"]) == (
        297,
        "draws of p(x | z)",
        "principal components",
    )
    floor, scores = found["scores"]["training_rows"], found["scores"]["samples"]
    assert (floor["sets"], scores["sets"]) == (2, 2)
    assert floor["frechet_distance"] < scores["frechet_distance"]
    assert min(part["frechet_distance_standard_error"] for part in (floor, scores)) > 0
    sharp = found["sharpness"]
    assert sharp["ratio"] < 0.7  # after three epochs
    squares = [(sharp[f"{name}_standard_error"] / sharp[name]) ** 2 for name in ("ratio", "samples", "training_images")]
    assert squares[0] == pytest.approx(squares[1] + squares[2])
    assert "augmentation: accuracy on test rows" in shown[0][0]


@pytest.mark.usefixtures("quick")
def test_what_is_given_to_a_conditional_model(runs, monkeypatch):
    """The y of the held-out rows, to augment those of real rows; what it gives are means, since pixels are grey."""
    asked = []

    def sample(self, n, rng, y=None, draw=None):
        asked.append((y, draw))
        return VAE.sample(self, n, rng, y, draw)

    def augmented(x, y, made, *args, **kwargs):
        np.testing.assert_array_equal(asked[-1][0], y[: len(made)])
        return {"real": 0.5, "made": 0.4, "both": 0.75, "twice_real": 0.9}

    monkeypatch.setattr(family, "augmented_accuracy", augmented)
    monkeypatch.setattr(CVAE, "sample", sample)
    case = case_of(runs["grey"])
    found = family.samples(case).numbers
    assert found["what"] == "means of p(x | z)"
    assert all(draw is None for _, draw in asked)
    held = np.sort(case.y)
    assert len(asked) == 2 + 1 + 2  # sets, sharpness, augmentation; 297 and 100 rows at once
    for y, _ in asked[:3]:
        np.testing.assert_array_equal(np.sort(y), held)
    assert found["augmentation"]["conditional"] is True
    assert found["augmentation"]["gain"] == 0.25
    assert len(asked[3][0]) == 100


@pytest.mark.usefixtures("quick")
def test_a_model_that_gives_training_rows(runs, monkeypatch):
    """It is as near as training rows are, as sharp, and found out; through it real rows are worth what they are."""
    case = case_of(runs["bits"])
    x, _ = case.train()
    grey = case.data.train.x

    def sample(self, n, rng, y=None, draw=None):
        rows = rng.permutation(len(x))[:n]
        return grey[rows] if draw is None else x[rows]

    monkeypatch.setattr(VAE, "sample", sample)
    monkeypatch.setattr(VAE, "reconstruct", lambda self, x, eps, draw: x)
    found = family.samples(case).numbers
    scores, floor = found["scores"]["samples"], found["scores"]["training_rows"]
    for name in ("frechet_distance", "precision", "recall", "density", "coverage"):
        assert scores[name] == pytest.approx(floor[name], rel=0.15)
    assert found["sharpness"]["ratio"] == pytest.approx(1, abs=4 * found["sharpness"]["ratio_standard_error"])
    assert (found["copies"]["share"], found["copies"]["copies"]) == (1, 297)
    assert found["copies"]["z"] > 10
    assert found["augmentation"]["made"] == found["augmentation"]["real"]


@pytest.mark.usefixtures("quick")
def test_many_rows_get_features_of_a_classifier(runs, monkeypatch, capsys):
    monkeypatch.setattr(family, "CLASSIFIED", 1000)
    assert main(["evaluate", str(runs["bits"]), "--measure", "samples", "--split", "validation"]) == 0
    found = json.loads((runs["bits"] / "evaluate-validation.json").read_text())["measures"]["samples"]["features"]
    assert (found["kind"], found["dimension"], found["trained_on"]) == ("classifier", 64, 1250)
    assert 0.3 < found["accuracy"] < 1
    assert "64 features: activations of a classifier, right for" in capsys.readouterr().out


def test_a_table_has_draws_but_no_images_and_no_classes(runs, capsys):
    assert main(["evaluate", str(runs["table"]), "--measure", "samples", "--split", "validation"]) == 0
    out = capsys.readouterr().out
    assert "sharpness: left out, the data are no images" in out
    assert "augmentation: left out, the data do not have 2 to 1,000 classes of every row" in out
    found = json.loads((runs["table"] / "evaluate-validation.json").read_text())["measures"]["samples"]
    assert found["what"] == "draws of p(x | z)"
    assert "augmentation" not in found
    assert not (runs["table"] / "neighbors-validation.png").exists()


def test_refused(runs, monkeypatch, capsys):
    evaluate = ["evaluate", runs["bits"], "--measure", "samples"]
    message = "minivae: measure: samples needs held-out rows; expected --split test or validation\n"
    assert error_of(capsys, *evaluate, "--split", "train") == message
    monkeypatch.setattr(family, "LEAST", 300)
    assert "measure: samples needs 300 training rows and as many held out, the run has 297" in error_of(
        capsys, *evaluate
    )
    case = case_of(runs["bits"])
    case.model.likelihood.missing = True
    with pytest.raises(ValueError, match="measure: samples needs data without missing values"):
        family.samples(case)


def test_samples_that_are_not_finite(runs):
    case = case_of(runs["bits"])
    case.model.theta[...] = np.nan
    with pytest.raises(FloatingPointError, match="test split: 297 of 297 samples have values that are not finite"):
        family.samples(case)


def test_neighbors_of_rows(tmp_path, rng):
    pair = rng.random((2, 20, 12))
    draw_neighbors([tuple(pair), tuple(pair[:, ::-1])], (12,), tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(PNG)

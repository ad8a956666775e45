"""Few labels: which are kept, how they come into every batch, the two bounds of M2, and what its tools say."""

import json

import numpy as np
import pytest
from scipy import special, stats
from test_cli import error_of

from minivae import log_evidence
from minivae.cli import main
from minivae.data import load_data
from minivae.data.protocol import Protocol
from minivae.data.splits import few_labels
from minivae.densities import choice_bound
from minivae.gradcheck import check_gradients
from minivae.models import M2, Labels
from minivae.models.examples import small
from minivae.optim import Adam
from minivae.runs import Run
from minivae.train import fit


@pytest.fixture
def rng():
    return np.random.default_rng(0)


# ---- the bounds


def linear(rng, C=3, L=2, D=5):
    """(model, log p(x, y) of rows x, (N, C)): x = W z + V_y + b + 0.6 noise, and q(z | x, y) is p(z | x, y)."""
    model = M2.build((D,), rng, labels=Labels("classes", C), hidden=(), latent=L, likelihood="gaussian-fixed", std=0.6)
    model.bind("float64")
    decoder = model.decoder.layers[0]
    decoder.W.data[...] = rng.standard_normal((L + C, D))
    decoder.W.data[L:] /= 10
    decoder.b.data[...] = rng.standard_normal(D)
    W, means = decoder.W.data[:L], decoder.b.data + 10 * decoder.W.data[L:]  # (C, D)
    # the columns of W are made orthogonal, so that p(z | x, y) is diagonal
    W[...] = np.linalg.qr(W.T)[0].T * np.array([[1.5], [0.7]])
    precision = 1 + (W * W).sum(axis=1) / 0.36
    M = W.T / 0.36 / precision  # (D, L): mu = (x - mean_y) M
    first = model.encoder.first.layers[0]
    first.W.data[...] = np.concatenate([M, np.zeros((D, L))], axis=1)
    first.b.data[...] = np.concatenate([np.zeros(L), -np.log(precision)])
    model.encoder.rows.W.data[...] = np.concatenate([-means @ M, np.zeros((C, L))], axis=1) / 10

    def log_joint(x):
        cov = W.T @ W + 0.36 * np.eye(D)
        return np.stack([stats.multivariate_normal(mean, cov).logpdf(x) for mean in means], axis=1) - np.log(C)

    return model, log_joint


def test_the_evidence_is_a_sum_over_the_classes(rng):
    """Where q(z | x, y) is exact every log-weight is log p(x), whatever its noise, and whatever y is given."""
    model, log_joint = linear(rng)
    x = 2 * rng.standard_normal((6, 5))
    log_px = special.logsumexp(log_joint(x), axis=1)
    eps = rng.standard_normal((4, 6, 2))
    np.testing.assert_allclose(model.log_weights(x, eps), np.tile(log_px, (4, 1)), rtol=1e-10)
    np.testing.assert_allclose(model.log_weights(x, eps, y=np.arange(6) % 3), np.tile(log_px, (4, 1)), rtol=1e-10)
    model.params["encoder.first.layers.0.b"].data[:2] += 0.3  # q is no longer exact
    assert np.abs(model.log_weights(x, eps) - log_px).max() > 0.05
    np.testing.assert_allclose(log_evidence(model, x, 20_000, rng), log_px, atol=0.03)


def mean_over_noise(model, x, y=None, draws=400):
    """Means of the metrics, and the standard error of `loss`, over draws of z."""
    rng = np.random.default_rng(1)
    found = [model.loss_and_grads(x, model.draw_noise(rng, len(x)), y=y, grads=False) for _ in range(draws)]
    means = {name: np.mean([part[name] for part in found]) for name in found[0]}
    return means, np.std([part["loss"] for part in found]) / draws**0.5


def test_both_bounds_are_what_the_exact_model_says(rng):
    """L(x, y) is -log p(x, y), and U(x) is -log p(x) and the KL of q(y | x) from p(y | x), which q = p takes away."""
    model, log_joint = linear(rng)
    model.alpha = 0.0
    x, y = 2 * rng.standard_normal((6, 5)), np.array([0, 1, 2, 2, 0, 1])
    joint = log_joint(x)
    found, error = mean_over_noise(model, x, y)
    assert abs(found["loss"] + joint[np.arange(6), y].mean()) < 4 * error < 0.2
    posterior = joint - special.logsumexp(joint, axis=1, keepdims=True)
    found, error = mean_over_noise(model, x)
    missing = -np.log(3) - posterior.mean()  # KL of the uniform q(y | x) at the start
    assert abs(found["loss"] - missing + special.logsumexp(joint, axis=1).mean()) < 4 * error < 0.2
    assert found["loss"] == pytest.approx(-found["elbo"])
    assert found["elbo"] == pytest.approx(found["log_px_z"] - found["kl"])
    half = np.array([0, -1, 2, -1, 0, -1])
    known = half >= 0
    found, error = mean_over_noise(model, x, half)
    rows = np.where(known, -joint[np.arange(6), half], -joint.mean(axis=1) - np.log(3))
    assert abs(found["loss"] - rows.mean()) < 4 * error < 0.2


def test_no_other_q_of_y_has_a_larger_bound(rng):
    log_w, logits = 3 * rng.standard_normal((2, 50, 4))
    exact = special.logsumexp(log_w, axis=1)
    np.testing.assert_allclose(choice_bound(log_w, log_w), exact, rtol=1e-12)
    assert (choice_bound(logits, log_w) < exact).all()
    q = special.softmax(logits, axis=1)
    loss = (q * (np.log(q) - (log_w - exact[:, None]))).sum(axis=1)  # KL(q || w / sum w)
    np.testing.assert_allclose(choice_bound(logits, log_w), exact - loss, rtol=1e-10)


def test_alpha_weighs_the_labels(rng):
    model, x, _ = small("m2", rng)
    y = np.array([0, -1, 2, -1, -1])
    noise = model.draw_noise(rng, 5)
    log_q = np.log(model.classify(x))
    without, with_ = (value_at(model, alpha, x, noise, y) for alpha in (0.0, 2.0))
    assert with_ - without == pytest.approx(-2 * (log_q[0, 0] + log_q[2, 2]) / 2)


def value_at(model, alpha, x, noise, y):
    model.alpha = alpha
    return model.loss_and_grads(x, noise, y=y)["loss"]


@pytest.mark.parametrize("y", [None, [0, 1, 2, 1, 0], [-1] * 5])
@pytest.mark.parametrize("options", [{}, {"labels_only": True}])
def test_batches_of_one_kind(y, options, rng):
    """Gradients without labels, and with all of them; the error is unknown where no row has one."""
    model, x, _ = small("m2", rng, **options)
    y = None if y is None else np.array(y)
    assert (checks := check_gradients(model, x, rng, y=y)).ok, checks
    metrics = model.loss_and_grads(x, model.draw_noise(rng, 5), y=y)
    assert np.isnan(metrics["error"]) == (y is None or y.max() < 0)
    if y is not None and y.max() >= 0:
        wrong = model.classify(x).argmax(axis=1) != y
        assert metrics["error"] == pytest.approx(100 * wrong.mean())


def test_labels_come_first(rng):
    """Until `labels_first` epochs are over the classifier learns as from the labels alone, and all else as ever."""
    grads = {}
    x, y, noise = None, None, None
    for name, options in {"first": {"labels_first": 2}, "only": {"labels_only": True}, "both": {}}.items():
        model, x, y = small("m2", np.random.default_rng(0), pass_steps=10, dropout=0.1, **options)
        noise = model.draw_noise(np.random.default_rng(1), len(x))
        for t in (19, 20):
            model.loss_and_grads(x, noise, y=y, t=t)
            grads[name, t] = {part: np.concatenate([model.params[n].grad.ravel() for n in model.below(part)])
                              for part in ("classifier", "encoder", "decoder")}  # fmt: skip
    for part in grads["both", 19]:
        of = {key: value[part] for key, value in grads.items()}
        same = of["only", 19] if part == "classifier" else of["both", 19]
        np.testing.assert_allclose(of["first", 19], same, rtol=1e-12)
        np.testing.assert_allclose(of["first", 20], of["both", 20], rtol=1e-12)
    assert np.abs(grads["both", 19]["classifier"] - grads["only", 19]["classifier"]).max() > 1e-3


def test_no_class_differs_from_another_at_the_start(rng):
    model = M2.build((4, 4, 1), rng, labels=Labels("classes", 3), hidden=(7,), latent=2).bind("float64")
    x = (rng.random((5, 16)) < 0.5).astype("float64")
    np.testing.assert_array_equal(model.classify(x), np.full((5, 3), 1 / 3))
    z = rng.standard_normal((5, 2))
    np.testing.assert_array_equal(model.decode(z, y=np.zeros(5, int)), model.decode(z, y=np.arange(5) % 3))
    np.testing.assert_array_equal(model.encode(x, y=np.zeros(5, int)), model.encode(x, y=np.arange(5) % 3))


def test_dropout_is_the_classifier_s(rng):
    model, _, _ = small("m2", rng, dropout=0.3)
    noise = model.draw_noise(rng, 5)
    assert [noise[name] is None for name in ("cls", "enc", "dec")] == [False, True, True]
    assert set(model.draw_noise(rng, 5, train=False)) == set(noise)


# ---- for users


def test_without_y_the_likeliest_is_taken(rng):
    model, x, _ = small("m2", rng, n=30, shake=0.5)
    likeliest = model.classify(x).argmax(axis=1)
    assert len(np.unique(likeliest)) > 1
    np.testing.assert_allclose(model.classify(x).sum(axis=1), 1)
    np.testing.assert_array_equal(model.encode(x), model.encode(x, y=likeliest))
    np.testing.assert_array_equal(model.reconstruct(x), model.reconstruct(x, y=likeliest))
    other = (likeliest + 1) % 3
    some = np.where(np.arange(30) < 10, other, -1)
    np.testing.assert_array_equal(model.encode(x, y=some)[:10], model.encode(x, y=other)[:10])
    np.testing.assert_array_equal(model.encode(x, y=some)[10:], model.encode(x)[10:])
    assert np.abs(model.encode(x, y=other) - model.encode(x)).max() > 1e-3
    eps = rng.standard_normal((30, 2))
    assert np.abs(model.reconstruct(x, eps) - model.reconstruct(x)).max() > 1e-3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m, x: m.decode(np.zeros((5, 2))), "y: expected classes 0 to 2, .*, got none"),
        (lambda m, x: m.decode(np.zeros((5, 2)), y=np.full(5, -1)), "y: expected classes 0 to 2, .*, got -1 to -1"),
        (lambda m, x: m.encode(x, y=np.full(5, 3)), "y: expected classes 0 to 2, .*, got 3 to 3"),
        (lambda m, x: m.encode(x, y=np.full(5, -2)), "y: expected classes 0 to 2, .*, got -2 to -2"),
        (lambda m, x: m.encode(x, y=np.zeros(5)), "y: expected classes 0 to 2, .*, got dtype float64"),
        (lambda m, x: m.encode(x, y=np.zeros(4, int)), "y: expected classes 0 to 2"),
        (lambda m, x: small("m2", np.random.default_rng(0), norm="batch"), "norm: expected one without statistics"),
        (lambda m, x: small("m2", np.random.default_rng(0), labels=Labels("rows", 3)), "labels: expected classes"),
    ],
)
def test_what_is_refused(call, message, rng):
    model, x, _ = small("m2", rng)
    with pytest.raises(ValueError, match=message):
        call(model, x)


def test_q_of_y_alone_refuses_what_it_has_not_learned(rng):
    model, x, y = small("m2", rng, labels_only=True)
    assert set(model.metrics) == {"loss", "error"} == set(model.loss_and_grads(x, model.draw_noise(rng, 5), y=y))
    assert model.log_weights is None
    for call in (
        model.encode,
        model.reconstruct,
        lambda x: model.decode(x[:, :2], y=y),
        lambda x: model.sample(3, rng),
    ):
        with pytest.raises(ValueError, match="labels_only: expected a model that has learned p"):
            call(x)


# ---- few labels


def test_as_many_of_each_class():
    y = np.repeat([0, 1, 2, 5], [50, 20, 3, 40])
    for n, expected in {8: [2, 2, 2, 2], 12: [3, 3, 3, 3], 40: [13, 12, 3, 12]}.items():
        kept = few_labels(y, n, 0)
        counts = [(kept == c).sum() for c in (0, 1, 2, 5)]
        assert sorted(counts) == sorted(expected)
        assert counts[2] <= 3
        known = kept >= 0
        assert known.sum() == n
        np.testing.assert_array_equal(kept[known], y[known])
    np.testing.assert_array_equal(few_labels(y, 8, 3), few_labels(y, 8, 3))
    assert (few_labels(y, 8, 3) != few_labels(y, 8, 4)).any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labelled": 3}, "labelled: expected at least one of each of the 10 classes, got 3"),
        ({"labelled": 1250}, "labelled: expected fewer than the 1250 rows of the training split, got 1250"),
        ({"labelled": 0}, "labelled: expected a whole number >= 1, got 0"),
        ({"labelled": 20, "validation": 0}, "labelled: expected a validation split"),
        ({"labelled": 20, "label_seed": -1}, "label_seed: expected a whole number >= 0, got -1"),
        ({"labelled": 20, "source": np.eye(8)}, "labelled: expected data with classes"),
    ],
)
def test_few_labels_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        load_data(**options)


@pytest.mark.parametrize(("labelled", "batch_size", "heads"), [
    (20, 50, 5), (13, 7, 1), (700, 100, 56), (20, 2, 1), (20, 2000, 125),  # the last: all rows in one batch
])  # fmt: skip
def test_every_batch_has_its_share_of_labels(labelled, batch_size, heads):
    """Rows without a label come once in an epoch, those with one as often as each other, to one."""
    data = load_data("digits", labelled=labelled, label_seed=1)
    assert data.train.y.min() == -1
    assert data.validation.y.min() >= 0 <= data.test()[1].min()
    order = data.order(np.random.default_rng(0), batch_size)
    assert len(order) == data.protocol.presented(batch_size)
    known = data.train.y[order] >= 0
    for start in range(0, len(order), batch_size):
        assert known[start : start + batch_size].sum() == heads < len(known[start : start + batch_size])
    times = np.bincount(order, minlength=1250)
    assert (times[data.train.y < 0] == 1).all()
    assert np.ptp(times[data.train.y >= 0]) <= 1
    assert times[data.train.y >= 0].min() >= (labelled < 1000 * heads / batch_size)
    np.testing.assert_array_equal(order, data.order(np.random.default_rng(0), batch_size))
    turns = order[known]
    rounds = [turns[i : i + labelled] for i in range(0, len(turns) - labelled + 1, labelled)]
    for first, second in zip(rounds, [*rounds[1:], np.sort(turns)[:labelled]], strict=True):
        assert (first != second).any()  # drawn anew each time


def test_with_all_labels_an_epoch_is_a_permutation():
    data = load_data("digits")
    np.testing.assert_array_equal(data.order(np.random.default_rng(3), 50), np.random.default_rng(3).permutation(1250))
    assert data.protocol.presented(50) == 1250


def test_a_batch_of_one_has_no_room():
    with pytest.raises(ValueError, match="batch_size: expected 2 or more"):
        load_data("digits", labelled=20).protocol.presented(1)


def test_the_seed_of_the_run_draws_the_labels(tmp_path, capsys, no_pictures):
    runs = {}
    for seed in ("0", "1"):
        out = tmp_path / seed
        options = ["--labelled", "30", "--hidden", "5", "--latent", "2", "--epochs", "1", "--seed", seed]
        assert main(["train", "--model", "m2", *options, "--out", str(out)]) == 0
        assert f"y: 30 of 1250 training labels are kept, drawn by seed {seed}" in capsys.readouterr().out
        runs[seed] = Run.open(out)
        assert (runs[seed].protocol.labelled, runs[seed].protocol.label_seed) == (30, int(seed))
        assert Protocol.from_json(json.loads(json.dumps(runs[seed].protocol.to_json()))) == runs[seed].protocol
        np.testing.assert_array_equal(
            runs[seed].read_data().train.y, few_labels(load_data("digits").train.y, 30, int(seed))
        )
    assert main(["train", "--hidden", "5", "--latent", "2", "--epochs", "1", "--out", str(tmp_path / "vae")]) == 0
    capsys.readouterr()
    assert main(["compare", str(tmp_path / "0"), str(tmp_path / "vae")]) == 0
    assert "cannot be compared" not in capsys.readouterr().out  # both have an ELBO of log p(x)
    error = error_of(capsys, "evaluate", tmp_path / "0", "--split", "train")
    assert error == "minivae: split: expected test or validation, train has 30 labels for 1250 rows\n"


@pytest.mark.parametrize("model", ["vae", "cvae", "ae"])
def test_other_models_refuse_few_labels(model, tmp_path, capsys):
    error = error_of(capsys, "train", "--model", model, "--labelled", "30", "--out", tmp_path / "a")
    assert error == f"minivae: labelled: model {model} does not learn from some of the labels, only m2, multimodal\n"
    assert not (tmp_path / "a").exists()


def test_pictures_are_refused_where_there_is_nothing_to_draw(tmp_path, capsys):
    (tmp_path / "c.toml").write_text("labels_only = true\npictures_every = 1\n")
    options = ["--model", "m2", "--labelled", "30", "--config", str(tmp_path / "c.toml")]
    error = error_of(capsys, "train", *options, "--out", tmp_path / "a")
    assert error.startswith("minivae: pictures_every: expected a model that generates")


# ---- what few labels and many rows teach


def patterns(rng, n, D=24):
    """Three patterns of bits, of which every bit is wrong with probability 0.3."""
    y = rng.integers(0, 3, n)
    flips = rng.random((n, D)) < 0.3
    return ((rng.random((3, D)) < 0.5)[y] != flips).astype("float32"), y


def test_rows_without_labels_teach_the_classes(rng, tmp_path):
    """The same net on the labels alone, two of each class, is wrong more often."""
    x, y = patterns(rng, 1500)
    np.savez(tmp_path / "x.npz", x=x, y=y)
    errors = {}
    for only in (False, True):
        data = load_data(tmp_path / "x.npz", labelled=6, validation=500)
        options = {"alpha": 1.0, "labels_first": 2, "labels_only": only, "pass_steps": 45}
        networks = {"labels": Labels("classes", 3), "hidden": (16,), "latent": 1}
        model = M2.build((24,), np.random.default_rng(0), **networks, **options)
        model.bind("float32")
        fit(model, Adam(model, 5e-3), data, epochs=8, batch_size=25, progress=False)
        errors[only] = 100 * float((model.classify(data.validation.x).argmax(axis=1) != data.validation.y).mean())
    assert errors[False] < 0.6 * errors[True], errors


# ---- the measure


def test_the_measure_of_m2(tmp_path, capsys, no_pictures):
    out = tmp_path / "m2"
    small = ["--hidden", "8", "--latent", "2", "--epochs", "2"]
    assert main(["train", "--model", "m2", "--labelled", "50", *small, "--out", str(out)]) == 0
    assert main(["evaluate", str(out), "--measure", "labels"]) == 0
    report = json.loads((out / "evaluate-test.json").read_text())
    found = report["measures"]["labels"]
    table = np.array(found["confusion"])
    assert table.shape == (10, 10)
    wrong = 1 - np.trace(table) / table.sum()
    assert found["error"] == pytest.approx(100 * wrong) == pytest.approx(report["error"], abs=1e-3)
    assert found["standard_error"] == pytest.approx(100 * (wrong * (1 - wrong) / (table.sum() - 1)) ** 0.5)
    assert "has learned from 50 labels" in capsys.readouterr().out
    assert (out / "labels-test.png").exists()


def test_the_measure_of_codes(tmp_path, capsys, no_pictures):
    """M1: on raw rows it is what scikit-learn says with the same labels, drawn anew five times."""
    from sklearn.svm import SVC

    out = tmp_path / "vae"
    small = ["--hidden", "8", "--latent", "2", "--epochs", "2", "--binarize", "threshold"]
    assert main(["train", *small, "--out", str(out)]) == 0
    assert main(["evaluate", str(out), "--measure", "labels"]) == 0
    found = json.loads((out / "evaluate-test.json").read_text())["measures"]["labels"]
    data = Run.open(out).read_data()
    x_test, y_test = data.test()
    expected = []
    for seed in range(5):
        kept = few_labels(data.train.y, 100, seed) >= 0
        machine = SVC(C=10).fit(data.train.x[kept], data.train.y[kept])
        expected.append(100 * np.mean(machine.predict(x_test) != y_test))
    assert found["rows"]["errors"] == pytest.approx(expected)
    assert found["rows"]["deviation"] == pytest.approx(np.std(expected, ddof=1))
    assert found["codes"]["error"] > found["rows"]["error"]  # of two latents after two epochs
    for arguments, message in {
        ("--split", "train"): "split: labels needs rows that were not in training, got train",
    }.items():
        assert message in error_of(capsys, "evaluate", out, "--measure", "labels", *arguments)
    x = np.random.default_rng(0).random((300, 2, 2)).round()
    for name, y in {"one": np.zeros(300, int), "many": np.arange(300) % 150}.items():
        np.savez(tmp_path / f"{name}.npz", x=x, y=y)
        assert main(["train", "--data", str(tmp_path / f"{name}.npz"), *small, "--out", str(tmp_path / name)]) == 0
        message = "measure: labels needs 2 to 100 classes and more than 100 rows of training, the run has "
        split = ["--split", "validation"]
        assert message in error_of(capsys, "evaluate", tmp_path / name, "--measure", "labels", *split)
    given = tmp_path / "cvae"
    assert main(["train", "--model", "cvae", *small, "--out", str(given)]) == 0
    message = "measure: labels needs a model that is not told y, cvae is"
    assert message in error_of(capsys, "evaluate", given, "--measure", "labels")

import math
from dataclasses import replace

import numpy as np
import pytest

from minivae import VAE, Adam, fit, load_data
from minivae.backend import generator, place, to_numpy
from minivae.data import Split
from minivae.finite import all_finite, first_nonfinite
from minivae.metrics import mean_metrics
from minivae.models.base import METRICS, Metric
from minivae.train import _presented, best_line, describe, stopped


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="module")
def bits():
    return load_data((np.random.default_rng(0).random((40, 12)) < 0.3).astype(float))


def small(data, seed=0, **options):
    return VAE.build(data.shape, generator(seed, "weights"), hidden=(8,), latent=2, **options)


def test_same_seed_same_bytes_other_seed_other(bits):
    thetas = []
    for seed in (0, 0, 1):
        model = small(bits)
        fit(model, Adam(model), bits, epochs=2, batch_size=16, seed=seed, progress=False)
        thetas.append(model.theta.copy())
    np.testing.assert_array_equal(thetas[0], thetas[1])
    assert (thetas[0] != thetas[2]).any()


def test_history_and_lines(bits, capsys):
    model, seen = small(bits), []
    history = fit(model, Adam(model), bits, epochs=2, batch_size=16, on_epoch=seen.append)
    assert history == seen
    assert [line["epoch"] for line in history] == [1, 2]
    for split in ("train", "validation"):
        m = history[0][split]
        assert list(m) == ["loss", "elbo", "log_px_z", "kl"]
        assert m["elbo"] == pytest.approx(m["log_px_z"] - m["kl"], rel=1e-5)
    out = capsys.readouterr().out.splitlines()
    assert len(out) == 2
    assert out[0].startswith("epoch 1/2")
    assert "validation: elbo" in out[0]


def test_training_metrics_weigh_examples_not_batches(bits):
    """A last batch of 1 counts as one example: with learning rate 0 the epoch's mean is the data's."""
    data = load_data(bits.train.x[:33], validation=0)
    model = small(data)
    history = fit(model, Adam(model, lr=lambda t: 0.0), data, epochs=1, batch_size=32, progress=False)
    noise = generator(0, "noise")
    order = generator(0, "shuffle").permutation(33)
    parts = [order[:32], order[32:]]
    total = sum(
        float(model.loss_and_grads(data.train.x[p], model.draw_noise(noise, len(p)))["loss"]) * len(p) for p in parts
    )
    assert history[0]["train"]["loss"] == pytest.approx(total / 33, rel=1e-6)


def test_every_epoch_has_its_own_order_bits_and_noise():
    """With learning rate 0 epochs differ by what is drawn for them only; validation draws the same every time."""
    data = load_data("digits")
    model = small(data)
    first, second = fit(model, Adam(model, lr=lambda t: 0.0), data, epochs=2, progress=False)
    assert first["train"] != second["train"]
    assert first["validation"] == second["validation"]
    epochs = [next(iter(_presented(data, *data.train, epoch, 50, 0))) for epoch in (0, 0, 1)]
    np.testing.assert_array_equal(epochs[0][0], epochs[1][0])
    assert (epochs[0][1] != epochs[2][1]).any()  # another order
    grey = [generator(0, "present", epoch).random(3) for epoch in (0, 1)]
    assert (grey[0] != grey[1]).all()
    fixed = load_data("digits", binarize="threshold")
    rows = [np.concatenate([x for x, _ in _presented(fixed, *fixed.train, e, 128, 0)]) for e in (0, 1)]
    assert (rows[0] != rows[1]).any()
    np.testing.assert_array_equal(np.sort(rows[0].sum(axis=1)), np.sort(rows[1].sum(axis=1)))  # all of them, once
    model = small(fixed)
    whole = fit(model, Adam(model, lr=lambda t: 0.0), fixed, epochs=2, batch_size=9999, progress=False)
    assert whole[0]["train"]["loss"] != pytest.approx(whole[1]["train"]["loss"], rel=1e-6)  # other noise


def test_schedules_are_read_at_the_step(bits, monkeypatch):
    """Training at t = 0, 1, 2, ...; validation and ledger at the number of steps done; the same after a resume."""
    monkeypatch.setattr("minivae.metrics.BATCH", 4)  # two batches of validation

    def run(model, epochs, history=()):
        seen, rates, ledgers = [], [], []
        model.beta = lambda t: seen.append(t) or 0.1 * t
        optimizer = Adam(model, lr=lambda t: rates.append(t) or 0.0)
        optimizer.t = 3 * len(history)
        history = fit(
            model, optimizer, bits, epochs=epochs, batch_size=12, history=history, progress=False,
            ledger=lambda model, x, y, rng, t: ledgers.append(t),
        )  # fmt: skip
        return history, seen, rates, ledgers

    assert (len(bits.train.x), len(bits.validation.x)) == (34, 6)
    model = small(bits)
    history, seen, rates, ledgers = run(model, 2)
    assert seen == [0, 1, 2, 3, 3, 3, 4, 5, 6, 6]
    assert rates == [0, 1, 2, 3, 4, 5]
    assert ledgers == [3, 6]
    for line, t in zip(history, (3, 6), strict=True):
        m = line["validation"]
        assert m["loss"] == pytest.approx(0.1 * t * m["kl"] - m["log_px_z"], rel=1e-6)
    again, seen, rates, ledgers = run(model, 2, history[:1])
    assert (seen, rates, ledgers) == ([3, 4, 5, 6, 6], [3, 4, 5], [6])
    assert again[1]["validation"] == history[1]["validation"]
    assert again[1]["train"] == history[1]["train"]


class Labeled(VAE):
    """Sees whether y stays with its x."""

    def loss_and_grads(self, x, noise, y=None, t=0, grads=True):
        np.testing.assert_array_equal(y, x[:, :2] if y.ndim == 2 else x[:, 0])
        self.counts[grads] += len(y)
        return super().loss_and_grads(x, noise, t=t, grads=grads)


@pytest.mark.parametrize("label", [lambda x: x[:, 0].astype(int), lambda x: x[:, :2]], ids=["classes", "rows"])
def test_y_goes_with_x_in_training_and_validation(bits, label):
    splits = {name: Split(x, label(x)) for name, (x, _) in (("train", bits.train), ("validation", bits.validation))}
    model = Labeled.build(bits.shape, generator(0, "weights"), hidden=(8,), latent=2)
    model.counts = {True: 0, False: 0}
    fit(model, Adam(model), replace(bits, **splits), epochs=2, batch_size=5, progress=False)
    assert model.counts == {True: 2 * 34, False: 2 * 6}


def lines(*values):
    return [{"validation": {"a": value}} for value in values]


def test_the_best_line_is_the_first_best_in_the_metrics_direction():
    history = lines(3.0, 1.0, 5.0, 1.0, 5.0)
    assert best_line(history, "a") == best_line(history, "a", "higher") == 2
    assert best_line(history, "a", "lower") == 1


def test_stopped_counts_from_the_best():
    assert not stopped([], "a", 1)
    assert not stopped(lines(5.0, 1.0, 1.0), "a", None)
    history = lines(3.0, 1.0, 5.0, 1.0, 5.0)
    assert [stopped(history, "a", n) for n in (1, 2, 3)] == [True, True, False]
    assert [stopped(history, "a", n, "lower") for n in (2, 3, 4)] == [True, True, False]


def test_the_model_says_in_which_direction_its_monitor_is_better(bits, capsys):
    """The KL falls in these epochs: where higher is better, the first was the best."""
    lengths = {}
    for better in ("higher", "lower"):
        model = small(bits)
        model.monitor = "kl"
        model.metrics = METRICS | {"kl": Metric("KL", better)}
        lengths[better] = len(fit(model, Adam(model, 3e-3), bits, epochs=6, batch_size=12, early_stop=2))
    assert lengths == {"higher": 3, "lower": 6}
    assert capsys.readouterr().out.count("stopped early: validation kl was best at epoch 1") == 1


def test_a_line_shows_the_units():
    line = {"epoch": 3, "seconds": 1.23, "train": {"loss": 9.0, "elbo": -1.5, "codes": 7.0}}
    metrics = METRICS | {"codes": Metric("codes in use", "higher", "bits")}
    assert describe(line, 20, metrics) == "epoch  3/20     1.2 s  train: elbo -1.50  codes 7.00 bits  nats per example"


def test_a_metric_that_is_not_declared_is_refused(bits):
    model = small(bits)
    model.metrics = {name: METRICS[name] for name in ("loss", "elbo", "kl")}
    with pytest.raises(ValueError, match="metrics: VAE returns log_px_z, but does not declare it"):
        fit(model, Adam(model), bits, epochs=1, progress=False)


def test_bad_input(bits):
    model = small(bits)
    for options, message in (
        ({"epochs": 0}, "epochs: expected a whole number >= 1, got 0"),
        ({"batch_size": 0}, "batch_size: expected"),
    ):
        with pytest.raises(ValueError, match=message):
            fit(model, Adam(model), bits, **options)


def test_divergence_in_validation_is_found_too():
    """A step so large that only the evaluation after it overflows."""
    data = load_data((np.random.default_rng(0).random((40, 12)) < 0.3).astype(float))
    model = small(data)
    with pytest.raises(FloatingPointError, match=r"step 1: the loss is not finite; first operation .*: \w+"):
        fit(model, Adam(model, lr=1e12), data, epochs=1, batch_size=100, progress=False)
    assert all_finite(model.theta)


@pytest.mark.parametrize(("n", "batch_size"), [(1, 8), (5, 100), (9, 4), (3, 1)])
def test_small_data(n, batch_size, bits):
    data = load_data(bits.train.x[:n], validation=0)
    model = small(data)
    history = fit(model, Adam(model), data, epochs=2, batch_size=batch_size, progress=False)
    assert "validation" not in history[0]
    assert math.isfinite(history[-1]["train"]["loss"])


def test_evaluation_loss_is_near_training_loss():
    """The same data through training and evaluation: no switch makes them two different models."""
    data = load_data("digits", binarize="threshold")
    model = small(data, dropout=0.1)
    fit(model, Adam(model), data, epochs=30, progress=False)
    rng = np.random.default_rng(0)
    trained = model.loss_and_grads(data.train.x, model.draw_noise(rng, len(data.train.x)), grads=False)["elbo"]
    evaluated = mean_metrics(model, data.train.x, None, rng)["elbo"]
    assert abs(trained - evaluated) < 2


def test_training_beats_independent_pixels():
    data = load_data("digits")
    model = VAE.build(data.shape, generator(0, "weights"), hidden=(64,), latent=6)
    history = fit(model, Adam(model, 3e-3), data, epochs=60, progress=False)
    p = data.train.x.mean(axis=0).clip(1e-6, 1 - 1e-6)
    x = data.validation.x
    independent = (x * np.log(p) + (1 - x) * np.log(1 - p)).sum(axis=1).mean()
    assert history[-1]["validation"]["elbo"] > independent + 2.5


def test_first_ten_losses_are_recorded():
    """Recorded numbers: an optimization changes them by rounding only."""
    data = load_data("digits")
    model = VAE.build(data.shape, generator(0, "weights"), hidden=(32,), latent=4).bind("float64")
    optimizer, rng, bits_rng = Adam(model), generator(0, "noise"), generator(0, "present")
    losses = []
    for t in range(10):
        x = place(data.present(data.train.x[t * 100 : (t + 1) * 100], bits_rng), like=model.theta)
        losses.append(model.loss_and_grads(x, place(model.draw_noise(rng, 100), like=model.theta), t=t)["loss"])
        optimizer.step()
    np.testing.assert_allclose(losses, RECORDED, rtol=1e-9)


RECORDED = [
    51.97043798524363, 51.49887531664035, 50.21686885600193, 51.02435561938478, 48.739749035125996,
    49.137454419129746, 47.39912793024895, 46.649834445363275, 46.58396139331522, 47.44273809020643,
]  # fmt: skip


# ---- divergence


def test_divergence_names_the_operation(bits):
    model = small(bits)
    theta = model.theta.copy()
    with pytest.raises(FloatingPointError, match=r"epoch 1, step \d+: .* first operation to give such a value: "):
        fit(model, Adam(model, lr=1e30), bits, epochs=3, batch_size=16, progress=False)
    np.testing.assert_array_equal(model.theta, theta)  # as at the start of the epoch


@pytest.mark.parametrize(
    ("part", "value", "expected"),
    [
        ("encoder.layers.0.W", np.nan, "encoder.layers.0.forward (Dense)"),
        ("encoder.layers.2.b", 1e30, "densities.sampling.reparameterize"),
        ("decoder.layers.2.W", np.inf, "decoder.layers.2.forward (Dense)"),
    ],
)
def test_first_nonfinite(part, value, expected, bits, rng):
    model = small(bits)
    x, noise = bits.train.x[:5], model.draw_noise(rng, 5)
    assert first_nonfinite(model, lambda stop: model.loss_and_grads(x, noise)) is None
    model.params[part].data[...] = value
    with np.errstate(all="ignore"):
        assert first_nonfinite(model, lambda stop: model.loss_and_grads(x, noise)) == expected


def test_first_nonfinite_sees_parameter_gradients_and_updates(bits, rng):
    model = small(bits)
    x, noise = bits.train.x[:5].copy(), model.draw_noise(rng, 5)
    x[0, 0] = np.nan  # the forward through max(x W, 0) may survive; dW cannot
    model.params["encoder.layers.0.W"].data[0] = 0
    with np.errstate(all="ignore"):
        name = first_nonfinite(model, lambda stop: model.loss_and_grads(x, noise))
    assert name == "encoder.layers.0.forward (Dense)"  # NaN * 0
    model = small(bits)
    optimizer = Adam(model, lr=lambda t: np.inf)

    def replay(stop):
        model.loss_and_grads(bits.train.x[:5], noise)
        optimizer.step()

    with np.errstate(all="ignore"):
        assert first_nonfinite(model, replay) == "the update of theta and of the moments (Adam)"


def test_all_finite():
    assert all_finite([np.ones(3), None, {"a": (np.zeros(2), True, np.array([1, 2]))}])
    assert not all_finite([np.ones(3), {"a": (np.array([0, np.inf]),)}])


class Spoiled(Adam):
    """An average that is no longer finite, beside parameters that are."""

    def step(self):
        super().step()
        self.average.fill(np.inf)


def test_a_divergence_that_only_the_average_shows(bits):
    model = small(bits)
    with pytest.raises(FloatingPointError, match=r"first operation to .*: the update of theta and of the moments"):
        fit(model, Spoiled(model, ema=0.9), bits, epochs=1, progress=False)
    assert all_finite(model.theta)


def test_moments_that_overflow_are_a_divergence(bits):
    """Gradients above 1e19 in float32: their squares are infinite, theta stays as it was, and a resume would refuse."""
    model = small(bits)
    optimizer = Adam(model)
    right = model.loss_and_grads

    def huge(*args, **kwargs):
        metrics = right(*args, **kwargs)
        model.grad.fill(1e25)
        return metrics

    model.loss_and_grads = huge
    with pytest.raises(FloatingPointError, match=r"first operation to .*: the update of theta and of the moments"):
        fit(model, optimizer, bits, epochs=1, progress=False)
    assert all_finite(optimizer.arrays())


# ---- randomness and placement


def test_generators_depend_on_seed_purpose_epoch():
    first = generator(3, "noise", 2).random(5)
    np.testing.assert_array_equal(first, generator(3, "noise", 2).random(5))
    for other in (generator(4, "noise", 2), generator(3, "shuffle", 2), generator(3, "noise", 3)):
        assert (other.random(5) != first).all()
    with pytest.raises(ValueError, match="seed: expected 0 or more, got -1"):
        generator(-1, "noise")


def test_place_casts_floats_only():
    tree = {"a": [np.ones(2), None, True, np.arange(3)], "b": (np.zeros(1, "float32"), np.array([True]))}
    moved = place(tree, like=np.zeros(1, "float32"))
    assert moved["a"][0].dtype == "float32"
    assert moved["a"][1:3] == [None, True]
    assert moved["a"][3].dtype == tree["a"][3].dtype
    assert moved["b"][1].dtype == bool
    assert to_numpy(tree)["b"][0] is tree["b"][0]


# ---- BatchNorm and batches of one


@pytest.mark.parametrize(("n", "sizes"), [(33, [33]), (65, [32, 33]), (64, [32, 32]), (66, [32, 32, 2]), (2, [2])])
def test_under_batch_norm_an_example_that_is_left_over_joins_the_batch_before(n, sizes, monkeypatch):
    data = load_data(np.eye(80)[:n], validation=0)
    for norm, expected in (("batch", sizes), ("layer", [32] * (n // 32) + [n % 32] * (n % 32 > 0))):
        model = small(data, norm=norm)
        seen = []
        step = model.loss_and_grads
        monkeypatch.setattr(model, "loss_and_grads", lambda x, *a, seen=seen, step=step, **k: (
            seen.append(len(x)), step(x, *a, **k))[1])  # fmt: skip
        optimizer = Adam(model)
        fit(model, optimizer, data, epochs=1, batch_size=32, progress=False)
        assert seen == expected
        assert optimizer.t == len(expected)


@pytest.mark.parametrize(("n", "batch_size"), [(8, 1), (1, 8), (1, 1)])
def test_batch_norm_refuses_batches_of_one(n, batch_size):
    data = load_data(np.eye(8)[:n], validation=0)
    model = small(data, norm="batch")
    before = model.theta.copy()
    with pytest.raises(ValueError, match=f"^batch_size: expected at least 2 .* batch_size {batch_size} for {n} tra"):
        fit(model, Adam(model), data, epochs=1, batch_size=batch_size, progress=False)
    np.testing.assert_array_equal(model.theta, before)
    model = small(data, norm="layer")
    fit(model, Adam(model), data, epochs=1, batch_size=batch_size, progress=False)

"""On a stand-in for a GPU, see strict.py: a step neither transfers nor waits, and runs move between backends."""

import json
import math

import cases
import numpy as np
import pytest
import strict

from minivae import fit, load_data
from minivae.backend import array_module, floats, generator, load_backend, place, to_numpy
from minivae.cli import main
from minivae.densities import log_mean_exp
from minivae.evaluate import decodings, elbo_standard_error, kl_per_latent, ledger_line, log_evidence, posteriors
from minivae.layers import Embedding, ReLU
from minivae.metrics import mean_metrics
from minivae.models import VAE
from minivae.optim import OPTIMIZERS, Adam
from minivae.runs import Run, checkpoint
from minivae.schedules import cosine, warm_up

EXPLICIT = {"place.<locals>.move", "to_numpy.<locals>.<lambda>", "Module.bind.<locals>.flat"}  # where data may move


@pytest.fixture(autouse=True)
def _registered():
    with strict.registered():
        yield


@pytest.fixture
def x():
    return strict.asarray(np.arange(6, dtype="float32").reshape(2, 3))


# ---- the stand-in refuses what it must


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x + np.ones(3, "float32"),
        lambda x: np.ones(3, "float32") + x,
        lambda x: x + np.float32(1),
        lambda x: np.float64(1) * x,
        lambda x: x / np.array(2.0),
        lambda x: x @ np.ones((3, 2)),
        lambda x: x.__iadd__(np.ones(3)),
        lambda x: np.exp(x),
        lambda x: np.sum(x),
        lambda x: np.asarray(x),
        lambda x: np.array([x, x]),
        lambda x: np.concatenate([x, x]),
        lambda x: np.add(np.ones(3), 1, out=x),
        lambda x: np.ones((2, 3)).__setitem__(slice(None), x),
        lambda x: x.__setitem__(0, np.ones(3)),
        lambda x: x.__setitem__(0, np.float32(1)),
        lambda x: x[np.array([0, 1])],
        lambda x: x[[0, 1]],
        lambda x: x[np.int64(0)],
        lambda x: x[: np.int64(1)],
        lambda x: x < np.zeros(3),
        lambda x: x.fill(np.float64(1)),
        lambda x: strict.exp(np.ones(3)),
        lambda x: strict.exp(1.0),
        lambda x: strict.add(x, np.float64(1)),
        lambda x: strict.add(x, 1, where=x > 0),
        lambda x: strict.add(x, 1, out=np.ones((2, 3))),
        lambda x: strict.concatenate([x, np.ones((2, 3))]),
        lambda x: strict.stack([1.0, 2.0]),
        lambda x: strict.where(x > 0, x, np.zeros(3)),
        lambda x: strict.full(3, np.float64(1)),
        lambda x: strict.broadcast_arrays(x, 1.0),
        lambda x: strict.matmul(x, 2.0),
        lambda x: strict.add.at(x, strict.arange(2), 1.0),
        lambda x: range(x[0, 0]),
        lambda x: iter(x.sum()),
        lambda x: {x: 1},
    ],
)
def test_it_does_not_mix_with_numpy(f, x):
    with pytest.raises(TypeError):
        f(x)
    np.testing.assert_array_equal(x.get(), np.arange(6).reshape(2, 3))


@pytest.mark.parametrize(
    ("f", "error"),
    [
        (lambda x: x[strict.asarray([0, 2])], IndexError),  # out of range: CuPy takes it modulo the length
        (lambda x: x[2], IndexError),
        (lambda x: x[x], IndexError),
        (lambda x: x.__setitem__(strict.asarray([1, 1]), 0.0), IndexError),
        (lambda x: x.__setitem__(strict.asarray([1, -1]), 0.0), IndexError),  # the same row twice
        (lambda x: strict.lib.stride_tricks.as_strided(x, (2, 4), (12, 4)), ValueError),
        (lambda x: strict.broadcast_to(x[0], (4, 3)).fill(0.0), ValueError),
        (lambda x: x.put, AttributeError),
        (lambda x: x.repeat(2, axis=0), AttributeError),  # a launch for every row
        (lambda x: strict.median, AttributeError),
        (lambda x: x.__array_priority__, AttributeError),
    ],
)
def test_it_refuses_what_is_undefined_on_a_gpu(f, error, x):
    with pytest.raises(error):
        f(x)


@pytest.mark.parametrize(
    ("f", "kinds"),
    [
        (lambda x: float(x[0, 1]), ["wait"]),
        (lambda x: int(x[0, 1]), ["wait"]),
        (lambda x: bool(x[0, 1] > 0), ["wait"]),
        (lambda x: math.isfinite(x[0, 1]), ["wait"]),
        (lambda x: x[0, 1].item(), ["wait"]),
        (lambda x: x.tolist(), ["wait"]),
        (lambda x: f"{x[0, 1]:.2f}", ["wait"]),
        (repr, ["wait"]),
        (lambda x: list(x[0]), ["wait"]),
        (lambda x: x[x > 2], ["wait"]),
        (lambda x: x.nonzero(), ["wait"]),
        (lambda x: x.get(), ["transfer", "wait"]),
        (lambda x: strict.asnumpy(x), ["transfer", "wait"]),
        (lambda x: strict.asarray(np.ones(3)), ["transfer"]),
        (lambda x: strict.asarray(1.0), ["transfer"]),
        (lambda x: strict.asarray(x, "float64"), []),
        (lambda x: strict.stack(9 * [x]), ["transfer"]),  # CuPy sends the addresses of more than 8 arrays
        (lambda x: strict.concatenate(8 * [x]), []),
        (lambda x: list(x), []),  # its rows are views
        (lambda x: (len(x), x.shape, x.T.strides, x.sum(axis=0), x[:, None, 0], strict.ones(3) @ x.T @ x), []),
    ],
)
def test_what_it_records(f, kinds, x):
    x = strict.asarray(x, "float64")
    with strict.recorded() as events:
        f(x)
    assert [event.kind for event in events] == kinds
    assert all(event.where.startswith("test_strict.py:") for event in events)
    f(x)
    assert len(events) == len(kinds)  # only inside


@pytest.mark.parametrize(
    ("f", "operations"),
    [
        (lambda x: x + 1, {"add": 1}),
        (lambda x: 1 - x @ x.T, {"matmul": 1, "sub": 1}),
        (lambda x: -x > 0, {"neg": 1, "gt": 1}),
        (lambda x: x.__imul__(2), {"mul": 1}),
        (lambda x: strict.exp(x, out=x), {"exp": 1}),
        (lambda x: (x.sum(), strict.stack([x, x])), {"sum": 1, "stack": 1}),
        (lambda x: strict.where(x > 0, x, 0), {"gt": 1, "where": 1}),
        (lambda x: (x.fill(0), x[0].sort(), x.__setitem__(0, 1.0)), {"fill": 1, "sort": 1, "setitem": 1}),
        (lambda x: (strict.ones(3), strict.zeros_like(x), strict.empty(3)), {"ones": 1, "zeros_like": 1}),
        (lambda x: (x.T, x[0], x[:, None], x.reshape(3, 2), x.ravel(), strict.broadcast_to(x, (4, 2, 3)), list(x)), {}),
        (lambda x: (x.T.reshape(2, 3), x.T.ravel()), {"reshape": 1, "ravel": 1}),  # copies
        (lambda x: x[strict.arange(2)], {"arange": 1, "getitem": 1}),
        (lambda x: (x.astype("float32"), x.astype("float32", copy=False), strict.asarray(x)), {"astype": 1}),
        (lambda x: (strict.asarray(x, "float64"), strict.ascontiguousarray(x)), {"astype": 1}),
        (lambda x: (strict.ascontiguousarray(x.T), strict.split(x, 3, axis=1)), {"ascontiguousarray": 1}),
        (lambda x: (x[:0] + 1, x[:0].fill(0), strict.zeros(0)), {}),  # no numbers
        (lambda x: (x.get(), float(x[0, 0]), x.shape, len(x), strict.asarray(np.ones(3))), {}),  # recorded, not counted
        (lambda x: generator(0, "noise", like=x).random((2, 3), "float32"), {"random": 1}),
    ],
)  # fmt: skip
def test_what_it_counts(f, operations, x):
    with strict.launched() as outer, strict.launched() as inner:
        f(x)
    f(strict.asarray(np.ones((2, 3), "float32")))
    assert outer == inner == operations


@pytest.mark.parametrize("arch", ["dense", "conv"])
def test_kernels_are_counted_in_the_place_of_their_lines(arch):
    """The lines of NumPy come back afterwards, with numbers."""
    model = VAE.build((4, 4, 1), np.random.default_rng(0), arch=arch, hidden=(3,), channels=(2, 3), latent=2)
    model.bind("float32", "strict")
    optimizer, rng = Adam(model), generator(0, "noise", like=model.theta)
    counts = []
    for kernels, N in ((False, 2), (True, 2), (False, 5)):
        x = strict.ones((N, 16), "float32")
        before = model.theta.copy()
        with strict.recorded() as events, strict.launched(kernels) as launched:
            loss = model.loss_and_grads(x, model.draw_noise(rng, N))["loss"]
            optimizer.step()
        assert events == []
        counts.append(launched)
        if kernels:
            assert math.isnan(loss)
            model.theta[...] = before
        else:
            assert math.isfinite(loss)
    assert counts[0] == counts[2]  # whatever the batch size
    assert counts[0].total() - counts[1].total() > 20
    kernels = {"adam"} | {f + end for f in ("bernoulli_log_prob", "kl_standard_normal", "reparameterize")
                          for end in ("", "_backward")}  # fmt: skip
    assert kernels <= counts[1].keys() - counts[0].keys()
    assert {counts[1][name] for name in kernels} == {1}


def test_its_arrays_are_arrays(x):
    """Without axes too; views are views; out= and in-place operators write where they are told; new memory is NaN."""
    for a in (x.sum(), x[0, 0], strict.exp(x[0, 0]), x[0] @ x[0], x.max(), 1 - x.mean(), -x[0, 0]):
        assert isinstance(a, strict.ndarray)
        assert (a.shape, a.dtype) == ((), "float32")
    row = x[1]
    row *= 2
    x.T[0] = 7.0
    x[strict.asarray([0, 1]), strict.asarray([2, 1])] = strict.zeros(2)
    out = strict.empty((2, 3), "float32")
    assert bool(strict.isnan(out).all())
    assert strict.add(x, 1, out=out) is out
    np.testing.assert_array_equal(out.get(), [[8, 2, 1], [8, 1, 11]])
    before = x
    x -= 1
    assert x is before
    np.testing.assert_array_equal(x.get(), out.get() - 2)
    assert array_module(x) is strict
    assert floats([x[0, 0], x[0, 1]]) == [6.0, 0.0]


def test_minivae_knows_it_only_while_it_is_registered():
    assert load_backend("strict") is strict
    del strict.backend.BACKENDS["strict"]
    try:
        with pytest.raises(ValueError, match="expected one of numpy, compiled, cupy, got 'strict'"):
            load_backend("strict")
    finally:
        strict.backend.BACKENDS["strict"] = lambda: strict


# ---- a step


def prepare(make, device, cls, **options):
    rng = np.random.default_rng(0)
    model, x, y = make(rng)
    model.bind("float32", device)
    if "rates" in options and not model.below("decoder"):
        options["rates"] = {next(iter(model.params)): 0.5}
    optimizer = cls(model, **options)
    return model, optimizer, [place((x, y, model.draw_noise(rng, len(x))), like=model.theta) for _ in range(3)]


ADDITIONS = {
    "plain": {"lr": 1e-4},  # rates of counts, exp of the outputs, run away at the default of SGD
    "all": {"lr": warm_up(cosine(1e-2, 5), 2), "clip": 0.1, "rates": {"decoder": 0.5}, "ema": 0.9},
}


@pytest.mark.parametrize("options", ADDITIONS.values(), ids=ADDITIONS)
@pytest.mark.parametrize("cls", OPTIMIZERS.values(), ids=OPTIMIZERS)
@pytest.mark.parametrize("make", [pytest.param(m, id=i) for i, m in cases.MODELS.items()])
def test_a_step_neither_transfers_nor_waits(make, cls, options):
    results = []
    for device in ("numpy", "strict"):
        model, optimizer, batches = prepare(make, device, cls, **options)
        with strict.recorded() as events:
            losses = []
            for t, (x, y, noise) in enumerate(batches):
                losses.append(model.loss_and_grads(x, noise, y=y, t=t)["loss"])
                optimizer.step()
            with optimizer.averaged():
                losses.append(model.loss_and_grads(x, noise, y=y, t=t, grads=False)["loss"])
        assert events == []
        results.append(([float(loss) for loss in losses], *map(to_numpy, (model.theta, model.state))))
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("cls", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_nothing_to_learn(cls):
    cls(ReLU().bind("float32", "strict")).step()


def test_reading_a_metric_is_seen():
    """The test above can fail."""
    model, _, [(x, _, noise), *_] = prepare(cases.MODELS["vae dense bernoulli"], "strict", Adam)
    with strict.recorded() as events:
        assert model.loss_and_grads(x, noise)["loss"] > 0
    assert strict.count(events) == {"transfer": 0, "wait": 1}
    assert events[0].what == "__bool__"
    assert events[0].where.startswith("test_strict.py:")


def test_embedding_sums_in_a_fixed_order():
    """Its gradient, without the atomics of add.at: many places, few rows."""
    rng = np.random.default_rng(0)
    layer, x, dy = Embedding(3, 4, rng), rng.integers(0, 3, (50, 2)), rng.standard_normal((50, 2, 4))
    grads = []
    for device in ("numpy", "strict"):
        layer.bind("float64", device)
        layer.zero_grad()
        indices, g = place((x, dy), like=layer.theta)
        for _ in range(2):  # added to what is there
            with strict.recorded() as events:
                layer.backward(g, layer.forward(indices)[1])
            assert events == []
        grads.append(to_numpy(layer.W.grad))
    np.testing.assert_allclose(*grads, rtol=1e-12)


# ---- a training


@pytest.fixture(scope="module")
def data():
    """Grey pixels, so bits at every presentation: 60 training examples and 12 to validate."""
    return load_data(np.random.default_rng(0).random((72, 16)).astype("float32").reshape(72, 4, 4))


def small(data, device, **options):
    options = {"hidden": (8,), "latent": 2, "dropout": 0.1, "norm": "batch"} | options
    return VAE.build(data.shape, generator(0, "weights"), **options).bind("float32", device)


def without_seconds(history):
    return [{k: v for k, v in line.items() if k != "seconds"} for line in history]


@pytest.mark.parametrize("batch_size", [60, 16, 7])
def test_what_an_epoch_costs(batch_size, data):
    """However many steps: the order of the rows goes up, and the validation split with its noise. Three waits.

    They are for the metrics, for theta, states and moments, which must be finite, and for the validation metrics.
    """
    model = small(data, "strict")
    optimizer, epochs = Adam(model, clip=1.0, ema=0.9), []
    with strict.recorded() as events:

        def on_epoch(line):
            epochs.append(events[:])
            events.clear()

        fit(model, optimizer, data, epochs=3, batch_size=batch_size, on_epoch=on_epoch, progress=False)
    assert epochs[0][0].kind == "transfer"  # the training split, once
    epochs[0] = epochs[0][1:]
    for epoch in epochs:
        addresses = batch_size < 60  # of the metrics, on the device, where they are more than 8
        assert strict.count(epoch) == {"transfer": 1 + 2 + 3 + addresses, "wait": 3}  # and three down
        assert [event.what for event in epoch if event.kind == "wait"] == ["get", "get", "get"]
        assert {event.where.split()[1] for event in epoch if event.kind == "transfer"} <= EXPLICIT | {"floats"}


@pytest.mark.parametrize("cls", OPTIMIZERS.values(), ids=OPTIMIZERS)
@pytest.mark.parametrize("options", [{}, {"arch": "conv", "channels": (3, 4), "norm": "group", "free_bits": 0.1}])
def test_training_agrees_with_numpy(options, cls, data):
    results = []
    for device in ("numpy", "strict"):
        model = small(data, device, **options)
        history = fit(model, cls(model, clip=1.0), data, epochs=3, batch_size=16, ledger=ledger_line, progress=False)
        results.append((history, to_numpy(model.theta)))
    (one, theta), (other, same) = results
    np.testing.assert_allclose(theta, same, rtol=1e-4, atol=1e-5)
    for a, b in zip(one, other, strict=True):
        for split in ("train", "validation"):
            assert a[split] == pytest.approx(b[split], rel=1e-5)
            assert all(type(value) is float for value in b[split].values())
        np.testing.assert_allclose(a["ledger"]["kl"], b["ledger"]["kl"], rtol=1e-3)


@pytest.mark.parametrize(("lr", "bad"), [(lambda t: math.inf if t == 5 else 1e-3, 2), (lambda t: 1e-3, None)])
def test_divergence_is_found_at_the_end_of_the_epoch(lr, bad, data):
    """By the same step and operation as on NumPy, which stops there; the model is put back to the epoch's start."""
    messages = []
    for device in ("numpy", "strict"):
        model, steps = small(data, device, norm="none"), []
        optimizer = Adam(model, lr)
        run = model.loss_and_grads
        model.loss_and_grads = lambda *args, run=run, steps=steps, **how: steps.append(1) or run(*args, **how)
        saved = []
        if bad is None:
            fit(model, optimizer, data, epochs=2, batch_size=16, on_epoch=saved.append, progress=False)
            assert len(saved) == 2
            continue
        with pytest.raises(FloatingPointError) as caught:
            fit(model, optimizer, data, epochs=3, batch_size=16, on_epoch=saved.append, progress=False)
        messages.append(str(caught.value))
        assert len(saved) == 1  # nothing of the bad epoch reaches a checkpoint
        assert optimizer.t == 4
        assert np.isfinite(to_numpy(model.theta)).all()
    if bad is not None:
        assert messages[0] == messages[1]
        assert "epoch 2, step 3" in messages[0]


# ---- evaluation


def test_evaluation_agrees_with_numpy_and_waits_when_asked(data):
    x = data.validation.x
    values, waits = [], []
    for device in ("numpy", "strict"):
        model, found, waited = small(data, device), [], []
        for f in (
            lambda model: list(mean_metrics(model, x, None, np.random.default_rng(0)).values()),
            lambda model: log_evidence(model, x, 7, np.random.default_rng(0), max_values=200),
            lambda model: elbo_standard_error(model, x, np.random.default_rng(0)),
            lambda model: kl_per_latent(model, x),
            lambda model: np.concatenate(posteriors(model, x)),
            lambda model: decodings(model, x, 2, np.random.default_rng(0)),
            lambda model: to_numpy(model.sample(3, np.random.default_rng(0))),
            lambda model: to_numpy(log_mean_exp(place(x, like=model.theta))),
        ):
            with strict.recorded() as events:
                found.append(f(model))
            waited.append(strict.count(events)["wait"])
        values.append(found)
        waits.append(waited)
    for a, b in zip(*values, strict=True):
        assert type(a) is type(b)
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    assert waits == [[0] * 8, [1, 12, 1, 3, 2, 1, 1, 1]]


# ---- checkpoints


@pytest.mark.parametrize(("one", "other"), [("numpy", "strict"), ("strict", "numpy")])
def test_a_checkpoint_goes_on_on_the_other_backend(one, other, data, tmp_path):
    def start(device):
        model = small(data, device)
        return model, Adam(model, ema=0.9)

    def go(model, optimizer, epochs, history=()):
        return fit(model, optimizer, data, epochs=epochs, batch_size=16, history=history, progress=False)

    model, optimizer = start(one)
    history = go(model, optimizer, 2)
    with strict.recorded() as events:
        checkpoint.save(tmp_path / "a.safetensors", model, optimizer, {"step": optimizer.t})
    n = len(model.arrays()) + len(optimizer.arrays())
    assert strict.count(events) == ({"transfer": n, "wait": n} if one == "strict" else {"transfer": 0, "wait": 0})
    arrays, meta = checkpoint.load(tmp_path / "a.safetensors")

    moved, mover = start(other)
    checkpoint.restore(moved, arrays, mover)
    mover.t = meta["step"]
    np.testing.assert_array_equal(to_numpy(moved.theta), to_numpy(model.theta))
    checkpoint.save(tmp_path / "b.safetensors", moved, mover, meta)
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()

    stayed, went = go(model, optimizer, 3, history), go(moved, mover, 3, history)
    np.testing.assert_allclose(to_numpy(moved.theta), to_numpy(model.theta), rtol=1e-4, atol=1e-5)
    assert went[2]["validation"] == pytest.approx(stayed[2]["validation"], rel=1e-5)


def test_a_run_moves_between_backends(tmp_path, no_pictures, capsys):
    """Trained on one, resumed on the other, evaluated on a machine that has neither the GPU nor its library."""
    train = ["train", "--hidden", "8", "--latent", "2", "--batch-size", "500"]
    whole, moved = tmp_path / "whole", tmp_path / "moved"
    assert main([*train, "--epochs", "3", "--out", str(whole)]) == 0
    assert main([*train, "--epochs", "1", "--backend", "strict", "--out", str(moved)]) == 0
    for epochs, device in ((2, "numpy"), (3, "strict")):
        resume = ["train", "--resume", "--out", str(moved), "--epochs", str(epochs), "--backend", device]
        assert main(resume) == 0
    a, b = (Run.open(path).history() for path in (whole, moved))
    for one, other in zip(a, b, strict=True):
        assert one["validation"] == pytest.approx(other["validation"], rel=1e-5)
    assert Run.open(moved).settings["backend"] == "strict"
    model, meta = Run.open(moved).load_model()
    assert array_module(model.theta) is strict
    assert meta["settings"]["backend"] in ("numpy", "strict")

    recorded = json.loads((moved / "settings.json").read_text())
    recorded["settings"]["backend"] = "cupy"
    (moved / "settings.json").write_text(json.dumps(recorded))
    capsys.readouterr()
    assert main(["evaluate", str(moved)]) == 0
    assert "elbo" in capsys.readouterr().out

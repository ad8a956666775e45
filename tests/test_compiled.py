"""The backend compiled in the place of numpy: every model on it, its convolutions, runs that move, odd arrays."""

import itertools
import math
from functools import cache

import numpy as np
import pytest
from cases import MODELS, arrays
from test_runs import Killed, content

from minivae import densities
from minivae.backend import array_module, has_kernels, load_backend, place, to_numpy, tree_map
from minivae.cli import main
from minivae.compiled import CompiledArray
from minivae.finite import all_finite
from minivae.layers import GRU, MaskedConv2d, patches
from minivae.models.examples import small
from minivae.numeric import sigmoid
from minivae.optim import Adam
from minivae.runs import Run, checkpoint

DTYPES = pytest.mark.parametrize("dtype", ["float32", "float64"])
TOLERANCE = {"float32": 5e-6, "float64": 1e-13}


@pytest.fixture(autouse=True)
def everything(monkeypatch):
    """Small arrays have kernels, too."""
    try:
        load_backend("compiled")
    except ValueError as error:
        pytest.skip(str(error))
    monkeypatch.setattr("minivae.compiled.SMALL", 0)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def close(got, expected, tolerance, what=""):
    """Arrays of two trees, relative to the largest number of each."""
    got, expected = arrays(to_numpy(got)), arrays(to_numpy(expected))
    assert len(got) == len(expected)
    for a, b in zip(got, expected, strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype), what
        if a.dtype.kind != "f":
            np.testing.assert_array_equal(a, b, what)
        elif a.size:
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * np.nanmax(np.abs(b)), err_msg=what)


# ---- Models


def answers(model, x, y, noise, rng):
    """{what a user asks: what the model says} at its parameters as they are."""
    said = {}
    known = None if y is None else abs(y)  # to decode, it must be known
    if model.latent == "prior":
        said["decode"] = model.decode(noise["prior"])
    elif model.latent is not None:
        z = said["encode"] = model.encode(x, y=y)
        said["decode"] = model.decode(z[0] if isinstance(z, tuple) else z, y=known)
    if model.latent != "prior":
        said["reconstruct"] = model.reconstruct(x, y=known)
    if model.log_weights is not None:
        eps = place(model.draw_eps(rng, 3, len(x)), like=model.theta)
        said["log_weights"] = model.log_weights(x, eps, y=known)
        said["reconstruct with eps"] = model.reconstruct(x, eps[0], y=known)
    said["sample"] = model.sample(len(x), rng, y=known)
    return said


def three_steps(make, dtype, backend):
    """(metrics and gradient of each step, answers after them); all of them are of the backend."""
    model, x, y = make(np.random.default_rng(0))
    model.bind(dtype, backend)
    optimizer, steps, rng = Adam(model, adam_eps=1e-3), [], np.random.default_rng(1)  # so that rounding is no step
    x, y = place((x, y), like=model.theta)
    for t in range(3):
        noise = place(model.draw_noise(rng, len(x)), like=model.theta)
        metrics = model.loss_and_grads(x, noise, y=y, t=t)
        assert all(isinstance(float(value), float) and value.dtype == dtype for value in metrics.values())
        steps.append(([np.asarray(value) for value in metrics.values()], model.grad.copy()))
        optimizer.step()
    said = answers(model, x, y, noise, rng)
    for what, a in ((what, a) for what, tree in said.items() for a in arrays(tree)):
        assert array_module(a) is load_backend(backend), what
        assert a.dtype.kind != "f" or a.dtype == dtype, what
    return steps, said


@DTYPES
@pytest.mark.parametrize("make", [pytest.param(make, id=label) for label, make in MODELS.items()])
def test_a_model_learns_and_answers_as_on_numpy(make, dtype):
    """Three steps of Adam: metrics and gradient of each, then all that a user asks. Rounding alone differs."""
    steps, said = three_steps(make, dtype, "numpy")
    got_steps, got_said = three_steps(make, dtype, "compiled")
    tolerance = 300 * TOLERANCE[dtype]
    for t, (got, expected) in enumerate(zip(got_steps, steps, strict=True)):
        close(got, expected, tolerance, f"step {t}")
    assert got_said.keys() == said.keys()
    for what in said:
        close(got_said[what], said[what], tolerance, what)


def test_many_rows_stay_on_the_backend(rng):
    """More than are taken at once."""
    model, x, _ = MODELS["vae dense bernoulli"](rng)
    model.bind("float32", "compiled")
    x = place(np.tile(x, (300, 1)), like=model.theta)
    for a in (*model.encode(x), model.reconstruct(x), model.sample(1500, rng)):
        assert type(a) is CompiledArray
        assert len(a) == 1500


# ---- Convolutions


def geometries(rng, n):
    """(h, w, c), kernel, stride, padding of images into which the kernel fits: chosen ones, then random ones."""
    yield (1, 1, 1), (1, 1), (1, 1), (0, 0)
    yield (1, 1, 3), (1, 1), (3, 2), (2, 1)  # stride and padding beyond the kernel: patches of nothing
    yield (5, 2, 2), (2, 1), (3, 4), (0, 3)
    yield (2, 7, 9), (2, 4), (1, 3), (3, 5)
    yield (4, 6, 33), (1, 1), (1, 1), (0, 0)
    while n:
        size, (kernel, stride) = rng.integers(1, 8, 2), rng.integers(1, 6, (2, 2))
        padding = rng.integers(0, 5, 2)
        if (size + 2 * padding >= kernel).all():
            shape = (*size.tolist(), int(rng.choice([1, 3, 8, 40])))
            yield shape, *(tuple(pair.tolist()) for pair in (kernel, stride, padding))
            n -= 1


GEOMETRIES = list(geometries(np.random.default_rng(0), 60))


@DTYPES
@pytest.mark.parametrize("N", [0, 1, 3])
def test_patches_of_images(N, dtype, rng, monkeypatch):
    """To columns: the same bits. Back: the same sums, in another order."""
    monkeypatch.setattr(patches, "SHORT", 0)  # short runs by the kernel, too
    for geometry in GEOMETRIES:
        shape, kernel, stride, padding = geometry
        x = rng.standard_normal((N, *shape)).astype(dtype)
        columns = patches.image_to_columns(x, kernel, stride, padding)
        got = patches.image_to_columns(x.view(CompiledArray), kernel, stride, padding)
        assert (type(got), got.shape, got.dtype) == (CompiledArray, columns.shape, dtype)
        np.testing.assert_array_equal(got, columns, str(geometry))
        columns = rng.standard_normal(columns.shape).astype(dtype)
        image = patches.columns_to_image(columns, shape[:2], stride, padding)
        got = patches.columns_to_image(columns.view(CompiledArray), shape[:2], stride, padding)
        assert type(got) is CompiledArray
        close(got, image, TOLERANCE[dtype], str(geometry))


@DTYPES
def test_spread_in_parts(dtype, rng, monkeypatch):
    """y W over images: by phases on numpy, by patches here; size may leave pixels that no patch reaches."""
    monkeypatch.setattr(patches, "PART", 50)
    for geometry in GEOMETRIES:
        (h, w, c), kernel, stride, padding = geometry
        y = rng.standard_normal((3, *patches.out_size((h, w), kernel, stride, padding), 2)).astype(dtype)
        W = rng.standard_normal((*kernel, c, 2)).astype(dtype)
        image = patches.spread(y, W, (h, w), stride, padding)
        got = patches.spread(y.view(CompiledArray), W, (h, w), stride, padding)
        close(got, image, 2 * TOLERANCE[dtype], str(geometry))
        np.testing.assert_array_equal(y.view(CompiledArray), y)


def test_patches_of_arrays_with_gaps_of_bytes_and_read_only(rng):
    whole = rng.standard_normal((4, 10, 9, 6))
    for x in (whole[::2, ::3, ::-1, 1::2], whole.transpose(0, 2, 1, 3), np.broadcast_to(whole[0], (3, 10, 9, 6)),
              whole > 0, (9 * whole).astype("uint8")):  # fmt: skip
        expected = patches.image_to_columns(x, (2, 3), (1, 2), (1, 0))
        got = patches.image_to_columns(x.view(CompiledArray), (2, 3), (1, 2), (1, 0))
        assert got.dtype == x.dtype
        np.testing.assert_array_equal(got, expected)
        assert not np.shares_memory(got, x)
    columns = rng.standard_normal((2, 3, 4, 3, 2, 2)).swapaxes(1, 2)
    expected = patches.columns_to_image(columns, (6, 4), (1, 1), (0, 0))
    close(patches.columns_to_image(columns.view(CompiledArray), (6, 4), (1, 1), (0, 0)), expected, 1e-13)


@pytest.mark.parametrize("N", [0, 1, 3])
@pytest.mark.parametrize("of_dy", ["float32", "float64"])
@DTYPES
def test_a_recurrent_layer(N, of_dy, dtype, rng):
    """Its gradient comes with gaps, and may be of another dtype."""
    layer = GRU(3, 5, rng)
    x, h = rng.standard_normal((N, 4, 3)), rng.standard_normal((N, 5))
    dy = rng.standard_normal((N, 8, 5)).astype(of_dy)[:, ::2]
    results = []
    for backend in ("numpy", "compiled"):
        layer.bind(dtype, backend).zero_grad()
        y, cache = layer.forward(place((x, h), like=layer.theta))
        dx = layer.backward(load_backend(backend).asarray(dy), cache)
        results.append((y, dx, layer.grad.copy()))
    close(*reversed(results), 10 * max(TOLERANCE[dtype], TOLERANCE[of_dy]))


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian", "gaussian-fixed", "gaussian-full", "student-t"])
def test_examples_as_bytes(likelihood, rng):
    """A model may be given them as they lie in a file."""
    model, x, _ = small("vae", rng, likelihood=likelihood)
    noise, x, steps = model.draw_noise(rng, len(x)), x.astype("uint8"), []
    for backend in ("numpy", "compiled"):
        model.bind("float32", backend)
        metrics = model.loss_and_grads(*place((x, noise), like=model.theta))
        steps.append(([np.asarray(value) for value in metrics.values()], model.grad.copy()))
    close(*reversed(steps), 300 * TOLERANCE["float32"])


@pytest.mark.parametrize("N", [0, 2])
def test_a_masked_convolution(N, rng):
    """Is no layer of the tables; its convolution has kernels all the same."""
    layer = MaskedConv2d(2, 3, 3, rng, own=True).bind("float64")
    layer.b.data[...] = 1, 2, 3
    x, dy = rng.standard_normal((N, 5, 4, 2)), rng.standard_normal((N, 5, 4, 3))
    y, cache = layer.forward(x)
    expected = y, layer.backward(dy, cache), layer.grad.copy()
    layer.bind("float64", "compiled").zero_grad()
    y, cache = layer.forward(x.view(CompiledArray))
    close((y, layer.backward(dy.view(CompiledArray), cache), layer.grad), expected, 1e-13)


# ---- Arrays as they come


def gaussians(rng, shape):
    return rng.standard_normal(shape), rng.standard_normal(shape)


def check(f, args, data, tolerance=1e-13):
    """f and its backward of compiled arrays as of plain ones; the results are new memory, the arguments untouched."""
    backward, g = getattr(densities, f"{f.__name__}_backward"), None
    y = f(*args, **data)
    g = np.random.default_rng(2).standard_normal(y.shape).astype(y.dtype)
    expected = y, backward(g, *args, **data)
    args, data, g = tree_map(lambda a: a.view(CompiledArray), (args, data, g))
    held = [a.copy() for a in arrays([args, data, g])]
    got = f(*args, **data), backward(g, *args, **data)
    close(got, expected, tolerance, f.__name__)
    for a, before in zip(arrays([args, data, g]), held, strict=True):
        np.testing.assert_array_equal(a, before)
    gradients = arrays([got[1]])
    inputs = arrays([args, data, g])
    if f is densities.reparameterize:  # dmu is dz, as on numpy
        gradients = gradients[1:]
    assert not any(np.shares_memory(a, b) for a in (got[0], *gradients) for b in inputs)


@DTYPES
def test_whatever_broadcasts(dtype, rng):
    """Of all pairs of shapes: rows, columns, single numbers, none; also a column as long as a row."""
    shapes = (4, 4), (4, 1), (1, 4), (4,), (1,), (1, 1), (3, 4, 4), (3, 1, 4), (3, 4, 1), (1, 4, 1), (3, 1, 1)
    tolerance = 10 * TOLERANCE[dtype]
    for of_mu, of_log_var in itertools.product((*shapes, (0, 4)), repeat=2):
        if not broadcast(of_mu, of_log_var):
            continue
        mu, log_var = (rng.standard_normal(shape).astype(dtype) for shape in (of_mu, of_log_var))
        check(densities.kl_standard_normal, (mu, log_var), {}, tolerance)
        check(densities.bernoulli_log_prob, (mu,), {"x": 1 * (log_var > 0)}, tolerance)
        for of_eps in (shapes[i] for i in rng.permutation(len(shapes))[:4]):
            if broadcast(of_mu, of_log_var, of_eps):
                eps = rng.standard_normal(of_eps).astype(dtype)
                check(densities.reparameterize, (mu, log_var), {"eps": eps}, tolerance)
                of_observed = shapes[rng.integers(len(shapes))]
                observed = rng.random(of_observed) < 0.7 if broadcast(of_mu, of_log_var, of_eps, of_observed) else None
                args = eps, mu, log_var
                check(densities.gaussian_log_prob, args, {"observed": observed}, 20 * tolerance)  # terms may cancel


def broadcast(*shapes):
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        return None


def test_a_gradient_that_is_a_column(rng):
    """As many rows as latents: no row for all."""
    mu, log_var = gaussians(rng, (5, 5))
    g = rng.standard_normal((5, 1))
    expected = densities.kl_standard_normal_backward(g, mu, log_var)
    g, mu, log_var = (a.view(CompiledArray) for a in (g, mu, log_var))
    close(densities.kl_standard_normal_backward(g, mu, log_var), expected, 1e-13)


@pytest.mark.parametrize(
    "made",
    [
        lambda a: a[::2],
        lambda a: a[:, ::2],
        lambda a: a[::-1],
        lambda a: a[:, ::-1],
        lambda a: a.T,
        lambda a: a[:, 2:5],
        lambda a: np.asfortranarray(a),
        lambda a: np.broadcast_to(a[0], (7, 12)),
        lambda a: a[:0],
        lambda a: a[:, :1],
        lambda a: np.frombuffer(b"\0" + a.tobytes(), "uint8")[1:].view("float64").reshape(a.shape),
    ],
    ids="rows columns upside-down backwards transposed middle fortran constant nothing one unaligned".split(),
)
def test_arrays_with_gaps_and_read_only(made, rng):
    mu, log_var = (made(a) for a in gaussians(rng, (12, 12)))
    for writeable in (True, False):
        if not writeable:
            mu, log_var = mu.copy("A"), log_var.copy("A")
            mu.flags.writeable = log_var.flags.writeable = False
        check(densities.kl_standard_normal, (mu, log_var), {})
        check(densities.reparameterize, (mu, log_var), {"eps": mu})
        close(sigmoid(mu.view(CompiledArray)), sigmoid(mu), 1e-13)
        for dtype in ("uint8", "bool", "int64", "float32", "float64"):
            x = (log_var > 0).astype(dtype)
            check(densities.bernoulli_log_prob, (mu,), {"x": x})
            if dtype != "float32":
                check(densities.gaussian_log_prob, (x, mu, log_var), {"observed": mu > 0})


def test_numbers_in_the_byte_order_of_other_machines(rng):
    mu, log_var = gaussians(rng, (3, 4))
    foreign = log_var.astype(log_var.dtype.newbyteorder())
    expected = densities.kl_standard_normal(mu, log_var)
    for args in ((mu, foreign), (mu.astype(foreign.dtype), foreign)):
        got = densities.kl_standard_normal(*(a.view(CompiledArray) for a in args))
        np.testing.assert_allclose(got, expected, rtol=1e-13)


def test_numbers_without_axes(rng):
    mu, log_var = gaussians(rng, ())
    check(densities.kl_standard_normal, (np.asarray(mu), np.asarray(log_var)), {})
    check(densities.kl_standard_normal, (np.asarray(mu), rng.standard_normal((2, 3))), {})
    check(densities.kl_standard_normal, (np.asarray(mu), rng.standard_normal((2, 1))), {})


@DTYPES
def test_the_same_bits_wherever_it_lies(dtype, rng):
    """A compiler may begin a loop number by number, up to where memory suits it: sums would depend on luck."""
    logits, g, seen = rng.standard_normal((3, 101)).astype(dtype), np.ones(3, dtype), set()
    for start in range(16):
        memory = np.empty(logits.size + 32, dtype)
        start += -(memory.ctypes.data // memory.itemsize) % 16
        a = memory[start : start + logits.size].reshape(logits.shape).view(CompiledArray)
        a[...] = logits
        results = densities.bernoulli_log_prob(a, x=a), densities.reparameterize(a, a, eps=a)
        seen.add(b"".join(r.tobytes() for r in (*results, densities.bernoulli_log_prob_backward(g, a, x=a))))
    assert len(seen) == 1


def test_shapes_and_values_of_new_arrays():
    """As NumPy's functions have them."""
    xp = load_backend("compiled")
    for shape in ((), (2, 3), [2, 3], 4, np.int64(4), (0, 2), (1000, 3), [1000, 3]):
        for dtype in ("float32", float, np.int64, bool, np.dtype("uint8"), None):
            for name in ("zeros", "ones", "empty"):
                got, expected = getattr(xp, name)(shape, dtype), getattr(np, name)(shape, dtype)
                assert (type(got), got.shape, got.dtype) == (CompiledArray, expected.shape, expected.dtype)
                assert name == "empty" or (got == expected).all()
        for value in (-1, 2.5, True, math.nan, np.float32(3)):
            got, expected = xp.full(shape, value), np.full(shape, value)
            assert (type(got), got.shape, got.dtype) == (CompiledArray, expected.shape, expected.dtype)
            np.testing.assert_array_equal(got, expected)
    np.testing.assert_array_equal(xp.full((2, 3), [1, 2, 3]), np.full((2, 3), [1, 2, 3]))


def test_what_numpy_makes_of_them(rng):
    """Arrays of the backend, whichever function made them; whole numbers and bits have no kernels."""
    xp = load_backend("compiled")
    a = xp.asarray(rng.standard_normal((3, 4)))
    for made in (xp.zeros(3), xp.ones((2, 2), "float32"), xp.full(2, 7.0), xp.empty((0, 3)), xp.zeros_like(a),
                 xp.ones_like(a), xp.arange(5), xp.eye(2), xp.stack([a, a]), xp.concatenate([a, a]), a + 1, a @ a.T,
                 xp.where(a > 0, a, 0), xp.exp(a), a[1:], a.reshape(-1), a.sum(axis=0), xp.zeros(600)):  # fmt: skip
        assert type(made) is CompiledArray
        assert has_kernels(made) == (made.dtype.kind == "f")
        assert array_module(made) is xp
    assert type(to_numpy(a)) is np.ndarray
    assert xp.zeros(2000).ctypes.data % 64 == xp.empty(2000, "float32").ctypes.data % 64 == 0
    assert (xp.zeros(2000) == 0).all()
    assert (xp.ones(2000, "int64") == 1).all()


@DTYPES
@pytest.mark.parametrize("number", [int, float, np.float64], ids=lambda number: number.__name__)
def test_adam_of_numbers_of_any_kind(number, dtype, rng):
    """A model's own betas and a rate that was replaced are read by nobody: an integer is a number, too."""
    thetas = []
    for backend in ("numpy", "compiled"):
        model, x, _ = MODELS["vae dense gaussian"](np.random.default_rng(0))
        model.adam_betas = {"loss": (number(0), number(0) + 0.5)}
        model.bind(dtype, backend)
        optimizer = Adam(model, ema=0.5, clip=1.0)
        optimizer.lr = lambda t: number(1)
        for t in range(3):
            model.grad[...] = place(np.random.default_rng(t).standard_normal(model.grad.size), like=model.theta)
            optimizer.step()
        thetas.append(to_numpy([model.theta, optimizer.average]))
    close(*thetas, TOLERANCE[dtype])


@DTYPES
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_one_number_that_is_not_finite_is_found(bad, dtype, rng):
    for n in (1, 7, 5000):
        a = rng.standard_normal(n).astype(dtype).view(CompiledArray)
        assert all_finite([a, (a, {"b": a})])
        for i in (0, n // 2, n - 1):
            wrong = a.copy()
            wrong[i] = bad
            assert not all_finite([a, (a, {"b": wrong})])


# ---- Runs


@cache
def images(folder):
    x = np.random.default_rng(0).random((60, 8, 8), "float32")
    np.savez(folder / "x.npz", x=(x < 0.4).astype("uint8"), y=np.arange(60) % 3)
    return folder / "x.npz"


@pytest.fixture
def command(tmp_path_factory, tmp_path, no_pictures):
    """What trains four epochs of small convolutional networks."""
    data = images(tmp_path_factory.getbasetemp())
    (tmp_path / "c.toml").write_text(
        "arch = 'conv'\nchannels = [3, 2]\nhidden = [5]\nlatent = 2\nbatch_size = 16\nepochs = 4\ndropout = 0.1\n"
        "clip = 1.0\nema = 0.9\nlr = 0.01\n"
    )
    return ["train", "--data", str(data), "--config", str(tmp_path / "c.toml"), "--validation", "12"]


def stopped(command, out, after, monkeypatch):
    """A training that is killed when it would save epoch `after` + 1."""
    save = Run._save

    def killed_save(self, which, model, optimizer, at):
        if (which, at) == ("last", after + 1):
            raise Killed
        save(self, which, model, optimizer, at)

    with monkeypatch.context() as patch:
        patch.setattr(Run, "_save", killed_save)
        with pytest.raises(Killed):
            main([*command, "--out", str(out)])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_same_bytes_again_and_after_a_stop(dtype, command, tmp_path, monkeypatch):
    command += ["--backend", "compiled", "--dtype", dtype]
    whole, again, cut = (tmp_path / name for name in ("whole", "again", "cut"))
    for out in (whole, again):
        assert main([*command, "--out", str(out)]) == 0
    stopped(command, cut, 2, monkeypatch)
    assert content(again) == content(whole) != content(cut)
    assert main(["train", "--resume", "--out", str(cut)]) == 0
    assert content(cut) == content(whole)


@pytest.mark.parametrize("way", [("numpy", "compiled"), ("compiled", "numpy")], ids=" to ".join)
def test_a_run_goes_on_on_the_other_backend(way, command, tmp_path, monkeypatch):
    """It is the run that it would have been, up to rounding; files hold plain arrays."""
    first, then = way
    whole, moved = tmp_path / "whole", tmp_path / "moved"
    assert main([*command, "--backend", "numpy", "--out", str(whole)]) == 0
    stopped([*command, "--backend", first], moved, 2, monkeypatch)
    assert main(["train", "--resume", "--out", str(moved), "--backend", then]) == 0
    assert Run.open(moved).settings["backend"] == then
    (expected, _), (got, _) = (checkpoint.load(out / "last.safetensors") for out in (whole, moved))
    assert got.keys() == expected.keys()
    for name in expected:
        assert type(got[name]) is np.ndarray
        np.testing.assert_allclose(got[name], expected[name], rtol=1e-3, atol=1e-4, err_msg=name)
    lines, got_lines = content(whole)[2], content(moved)[2]
    assert len(got_lines) == len(lines) == 4
    for got, expected in zip(got_lines, lines, strict=True):
        assert got["validation"] == pytest.approx(expected["validation"], rel=1e-4)
    for asked in (["evaluate", "--split", "validation", "--samples", "3"], ["sample"], ["info"]):
        assert main([asked[0], str(moved), *asked[1:]]) == 0


def test_a_training_that_is_not_finite_names_the_same_operation(command, tmp_path, capsys):
    said = []
    for backend in ("numpy", "compiled"):
        out = tmp_path / backend
        assert main([*command, "--backend", backend, "--lr", "1e30", "--out", str(out)]) == 1
        said.append(capsys.readouterr().err.replace(str(out), "run"))
    assert said[0] == said[1]
    assert "the loss is not finite; first operation to give such a value: layers.conv.convolve" in said[0]

"""The kernels against their NumPy twins: compiled for this machine, as a GPU's on a CPU (see cuda_on_cpu.py), and on a
GPU where there is one."""

import ctypes
from collections import Counter
from contextlib import contextmanager, nullcontext
from functools import cache, wraps
from importlib.util import find_spec
from inspect import signature, unwrap
from pathlib import Path
from types import MethodType, SimpleNamespace

import numpy as np
import pytest
from cases import OPERATIONS, arrays, gaussian
from cuda_on_cpu import COMPILER, Kernels

from minivae import backend, densities, kernels, layers, numeric, optim
from minivae.backend import generator, has_kernels, place, to_numpy, tree_map
from minivae.densities import bernoulli_log_prob, gaussian_log_prob, kl_standard_normal, reparameterize
from minivae.finite import first_nonfinite
from minivae.kernels import KERNELS, cuda
from minivae.kernels.text import DEVICE, FUNCTIONS
from minivae.layers import (
    ACTIVATIONS,
    ELU,
    GELU,
    Conv2d,
    ConvTranspose2d,
    Dense,
    Dropout,
    Layer,
    LeakyReLU,
    Network,
    ReLU,
    Sequential,
    Sigmoid,
    SiLU,
    Softplus,
    Split,
    Tanh,
)
from minivae.models import VAE

WIRED = (bernoulli_log_prob, kl_standard_normal, reparameterize)
DTYPES = pytest.mark.parametrize("dtype", ["float32", "float64"])
TOLERANCE = {"float32": 4e-6, "float64": 1e-12}


# every activation's text, whose kernels are called alike; and all of them in one, which takes one compilation
ALIKE = [kernels.text_of(act(), kernels.LAYERS[act.__name__]) for act in ACTIVATIONS.values()]
TOGETHER = "".join(
    f"namespace n{i} {{\n{text.replace('KERNEL(activate', f'KERNEL(_{i}_activate')}\n"
    f"#undef Y\n#undef DX\n#undef KEPT\n}} using namespace n{i};\n"
    for i, text in enumerate(ALIKE)
)


# ---- Devices: the CPU in the place of a GPU, and a GPU


class OnCpu:
    """Inside `on()` the library takes NumPy's arrays for those of a device with kernels."""

    name = "numpy"

    def __init__(self, monkeypatch, compiled, falling):
        self.monkeypatch, self.compiled, self.falling = monkeypatch, compiled, falling
        self.launched = []

    def put(self, tree):
        return tree

    @contextmanager
    def on(self):
        with self.monkeypatch.context() as patch:
            patch.setattr(backend, "kernel", self.kernel)
            patch.setattr(kernels.rows, "on_host", lambda x: False)
            for module in (kernels, kernels.rows):
                patch.setattr(module, "has_kernels", lambda x: str(getattr(first(x), "dtype", "")) in TOLERANCE)
            yield

    def kernel(self, text, name, dtype):
        text = text.removeprefix(DEVICE + FUNCTIONS)
        i = ALIKE.index(text) if text in ALIKE else None
        library = self.compiled(cuda(text if i is None else TOGETHER), dtype)
        library.falling = self.falling
        self.launched.append(name)
        return library[name if i is None else f"_{i}_{name}"]


def first(tree):
    return first(tree[0]) if isinstance(tree, tuple) else tree


class Compiled:
    """Inside `on()` small arrays have kernels, too."""

    name = "compiled"

    def __init__(self, monkeypatch):
        self.monkeypatch = monkeypatch
        self.launched = []

    def put(self, tree):
        return tree_map(backend.load_backend("compiled").asarray, tree)

    @contextmanager
    def on(self):
        function = kernels.rows._function
        with self.monkeypatch.context() as patch:
            patch.setattr("minivae.compiled.SMALL", 0)
            patch.setattr(kernels.rows, "_function", lambda *what: self.launched.append(what[1]) or function(*what))
            yield


class OnGpu:
    name = "cupy"

    def put(self, tree):
        xp = backend.load_backend("cupy")
        return tree_map(xp.asarray, tree)

    def on(self):
        return nullcontext()


@pytest.fixture(scope="session")
def compiled(tmp_path_factory):
    if COMPILER is None:
        pytest.skip("no C++ compiler on this machine")
    return cache(lambda text, dtype: Kernels(text, dtype, tmp_path_factory.mktemp(dtype)))


def needs_a_c_compiler():
    try:
        backend.load_backend("compiled")
    except ValueError as error:
        pytest.skip(str(error))


@pytest.fixture(params=["rising", "falling", "compiled", pytest.param("cupy", marks=pytest.mark.gpu)])
def device(request, monkeypatch):
    if request.param == "cupy":
        return OnGpu()
    if request.param == "compiled":
        needs_a_c_compiler()
        return Compiled(monkeypatch)
    return OnCpu(monkeypatch, request.getfixturevalue("compiled"), request.param == "falling")


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def check_operation(device, f, args, data):
    """f and its gradients by kernels, against the lines of NumPy."""
    backward, dtype = getattr(densities, f"{f.__name__}_backward"), args[0].dtype
    y = f(*args, **data)
    g = np.random.default_rng(1).standard_normal((*y.shape, 2)).astype(dtype)  # every other number is taken
    gradients = backward(g[..., 0], *args, **data)
    args, data, g = device.put(args), device.put(data), device.put(g)[..., 0]
    with device.on():
        got, got_gradients = f(*args, **data), backward(g, *args, **data)
    if not isinstance(gradients, tuple):
        gradients, got_gradients = (gradients,), (got_gradients,)
    for a, b in zip((got, *got_gradients), (y, *gradients), strict=True):
        assert (a.shape, a.dtype) == (b.shape, dtype)
        np.testing.assert_allclose(to_numpy(a), b, rtol=TOLERANCE[dtype.name], atol=TOLERANCE[dtype.name])


# ---- Kernels and twins


@DTYPES
@pytest.mark.parametrize("f", [*WIRED, gaussian_log_prob], ids=lambda f: f.__name__)
def test_cases_of_the_operations(device, f, dtype, rng):
    """Whatever broadcasts in NumPy broadcasts in a kernel."""
    for make in OPERATIONS[f]:
        args, data = tree_map(lambda a: a.astype(dtype), make(rng))
        check_operation(device, f, args, data)


@DTYPES
@pytest.mark.parametrize("D", [1, 255, 256, 257, 784])
def test_bernoulli_of_any_width_and_saturated(device, D, dtype, rng):
    logits = rng.uniform(-30, 30, (2, 3, D)).astype(dtype)
    logits[0, :, ::3] *= 40  # sigmoid rounds to 0 or 1
    logits[1, 0] = 0
    x = rng.integers(0, 2, (3, D)).astype(dtype)
    check_operation(device, bernoulli_log_prob, (logits,), {"x": x})
    check_operation(device, bernoulli_log_prob, (logits,), {"x": x.astype("uint8")})
    check_operation(device, bernoulli_log_prob, (logits[0],), {"x": rng.random((3, D)).astype(dtype)})


def test_a_gradient_may_broadcast(device, rng):
    g, logits = rng.standard_normal(3), rng.standard_normal((2, 3, 5))
    with device.on():
        got = densities.bernoulli_log_prob_backward(*device.put((g, logits)), x=device.put(np.ones(5)))
    expected = densities.bernoulli_log_prob_backward(g, logits, x=np.ones(5))
    np.testing.assert_allclose(to_numpy(got), expected, rtol=1e-12)


def test_saturated_logits_are_exact(device):
    """A right answer costs nothing, a wrong one its logit; infinity and NaN are passed on."""
    logits = device.put(np.array([[1000.0], [-1000.0], [-np.inf], [np.nan]]))
    with device.on():
        log_p = [to_numpy(bernoulli_log_prob(logits, x=device.put(np.full((4, 1), x)))) for x in (0.0, 1.0)]
    np.testing.assert_array_equal(log_p, [[-1000, 0, np.nan, np.nan], [0, -1000, -np.inf, np.nan]])


@DTYPES
def test_confident_pixels_have_small_numbers(device, dtype):
    """Of the right size, not 0: -2e-9 at logit -20 of a 0, in float32 as well."""
    logits = np.linspace(-30, 30, 61).astype(dtype)[:, None]
    x = (logits > 0).astype(dtype)
    data = {"x": device.put(x)}
    g = np.ones(61, dtype)
    with device.on():
        log_p = to_numpy(bernoulli_log_prob(device.put(logits), **data))
        dlogits = to_numpy(densities.bernoulli_log_prob_backward(*device.put((g, logits)), **data))
    e = np.exp(-np.abs(logits.astype("float64")))
    np.testing.assert_allclose(log_p, -np.log1p(e)[:, 0], rtol=TOLERANCE[dtype])
    np.testing.assert_allclose(dlogits, (2 * x - 1) * e / (1 + e), rtol=TOLERANCE[dtype])


@DTYPES
def test_latents_at_both_ends(device, dtype, rng):
    """log_var from -20 to 20; mu and log_var are the halves of what an encoder returns, eps may have K samples."""
    N, L = 7, 300
    both = rng.standard_normal((N, 2 * L)).astype(dtype)
    both[:, L:] = rng.uniform(-20, 20, (N, L))
    both = device.put(both)
    mu, log_var = both[:, :L], both[:, L:]
    for shape in ((N, L), (2, N, L)):
        eps = rng.standard_normal(shape).astype(dtype)
        check_latents(device, reparameterize, mu, log_var, {"eps": eps}, rng)
    check_latents(device, kl_standard_normal, mu, log_var, {}, rng)


def check_latents(device, f, mu, log_var, data, rng):
    """As check_operation, on views that are on the device already; gradients are summed over samples."""
    backward, tolerance = getattr(densities, f"{f.__name__}_backward"), TOLERANCE[mu.dtype.name]
    args = to_numpy((mu, log_var))
    y = f(*args, **data)
    g = np.broadcast_to(rng.standard_normal(y.shape[1:]), y.shape).astype(mu.dtype)
    expected = (y, *backward(g, *args, **data))
    with device.on():
        got = (f(mu, log_var, **device.put(data)), *backward(device.put(g), mu, log_var, **device.put(data)))
    for a, b in zip(got, expected, strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        np.testing.assert_allclose(to_numpy(a), b, rtol=tolerance, atol=10 * tolerance)


@DTYPES
@pytest.mark.parametrize("cls", [optim.Adam, optim.AdamW])
@pytest.mark.parametrize(
    "options", [{}, {"ema": 0.9}, {"rates": {"layers.0": 0.3}, "clip": 1.0}], ids=["plain", "average", "rates and clip"]
)
def test_adam_has_the_same_bits(device, cls, options, dtype):
    def run(name):
        rng = np.random.default_rng(0)
        model = Sequential(Dense(19, 31, rng), Dense(31, 7, rng)).bind(dtype, name)
        optimizer = cls(model, lr=lambda t: 0.1 / (t + 3), **options)
        for _ in range(4):
            model.grad[...] = place(rng.standard_normal(model.grad.size), like=model.theta)
            optimizer.step()
        return to_numpy([model.theta, *optimizer.arrays().values()])

    expected = run("numpy")
    with device.on():
        got = run(device.name)
    for a, b in zip(got, expected, strict=True):
        if device.name != "cupy" or "clip" not in options:  # a GPU sums the norm in another order
            np.testing.assert_array_equal(a, b)
        np.testing.assert_allclose(a, b, rtol=1e-4 if dtype == "float32" else 1e-11)


@DTYPES
@pytest.mark.parametrize(
    ("shape", "options", "activations"),
    [
        ((300,), {}, 2),
        ((300,), {"dropout": 0.3, "activation": "tanh"}, 2),  # not a launch more
        ((9, 8, 1), {"dropout": 0.3, "arch": "conv", "channels": (3, 4), "activation": "silu"}, 3 + 3),
    ],
    ids=["dense", "dropout", "dropout conv"],
)
def test_a_step_of_the_vae(device, shape, options, activations, dtype, rng):
    """Metrics and gradient of a step, through the kernels that it is meant to take; and so are its next steps."""
    x = (rng.random((5, np.prod(shape))) < 0.4).astype(dtype)

    def run(name):
        model = VAE.build(shape, np.random.default_rng(0), hidden=(20,), latent=3, beta=0.5, **options)
        model.bind(dtype, name)
        optimizer, lines = optim.Adam(model), []
        for t in range(3):
            noise = place(model.draw_noise(generator(0, "noise", t), len(x)), like=model.theta)
            metrics = model.loss_and_grads(place(x, like=model.theta), noise)
            lines.append([float(v) for v in metrics.values()])
            gradient = to_numpy(model.grad).copy()
            optimizer.step()
        return lines, gradient

    lines, gradient = run("numpy")
    with device.on():
        got_lines, got_gradient = run(device.name)
    tolerance = 100 * TOLERANCE[dtype]
    np.testing.assert_allclose(got_lines, lines, rtol=tolerance)
    np.testing.assert_allclose(got_gradient, gradient, rtol=tolerance, atol=tolerance * np.abs(gradient).max())
    if device.name != "cupy":
        once = {f.__name__ + end: 3 for f in WIRED for end in ("", "_backward")}
        often = {"activate" + end: 3 * activations for end in ("", "_backward")}
        assert Counter(but_patches(device.launched)) == {"adam": 3, **once, **often}


def but_patches(names):
    return [name for name in names if name not in ("image_to_columns", "columns_to_image")]


def test_more_rows_than_blocks(device, monkeypatch, rng):
    monkeypatch.setattr(backend, "BLOCKS", 3)
    x = (rng.random((8, 20)) < 0.5).astype(float)
    check_operation(device, bernoulli_log_prob, (rng.standard_normal((8, 20)),), {"x": x})
    check_operation(device, reparameterize, gaussian(rng, 70, 20), {"eps": rng.standard_normal((70, 20))})
    theta = [np.ones(4000), np.ones(4000)]
    for vector, context in zip(theta, (nullcontext(), device.on()), strict=True):
        with context:
            moved = device.put(vector) if vector is theta[1] else vector
            model = Sequential(Dense(1, 2000, rng)).bind("float64", device.name if vector is theta[1] else "numpy")
            model.theta[...], model.grad[...] = moved, moved
            optim.Adam(model).step()
            vector[...] = to_numpy(model.theta)
    np.testing.assert_array_equal(*theta)


def test_nothing_is_nothing(device):
    with device.on():
        empty = device.put(np.zeros((0, 4)))
        assert bernoulli_log_prob(empty, x=empty).shape == (0,)
        assert kernels.each("reparameterize", empty, empty, empty).shape == (0, 4)


@DTYPES
def test_a_gaussian_of_what_was_observed(device, dtype, rng):
    """std from e^-10 to e^10; one std for all pixels, or one for each; pixels that were not observed may be NaN."""
    x, mu = rng.standard_normal((2, 5, 300)).astype(dtype)
    for log_var in (np.array(0.7), rng.uniform(-20, 20, (300,)), rng.uniform(-3, 3, (5, 300))):
        data = {"observed": rng.random((5, 300)) < 0.7}
        gaps = np.where(data["observed"], x, np.nan).astype(dtype)
        args = mu + 0.1 * x, mu, log_var.astype(dtype)
        for given, how in ((args, {}), (args, data), ((gaps, *args[1:]), data)):
            expected = [gaussian_log_prob(*given, **how)]
            g = rng.standard_normal(5).astype(dtype)
            expected += densities.gaussian_log_prob_backward(g, *given, **how)
            with device.on():
                got = [gaussian_log_prob(*device.put(given), **device.put(how))]
                got += densities.gaussian_log_prob_backward(*device.put((g, *given)), **device.put(how))
            for a, b in zip(got, expected, strict=True):
                assert (a.shape, a.dtype) == (b.shape, b.dtype)
                np.testing.assert_allclose(
                    to_numpy(a), b, rtol=20 * TOLERANCE[dtype], atol=1e-4 * np.abs(b).max() * 1e-2
                )


def test_a_complex_step_runs_the_plain_lines(device):
    """A kernel knows only reals; what carries a derivative in its imaginary part must not lose it."""
    mu, log_var, eps = np.full((2, 3), 0.5 + 1e-30j), np.zeros((2, 3)), np.ones((2, 3))
    with device.on():
        z = reparameterize(*device.put((mu, log_var)), eps=device.put(eps))
    np.testing.assert_array_equal(to_numpy(z), mu + 1)


# ---- Activations, with the b before them and the mask behind them

NAMED = pytest.mark.parametrize("name", ACTIVATIONS)
BOOLS = (False, True)
ENDS = (np.nan, np.inf, -np.inf, 0.0, 80.0, -80.0)


def close(got, expected):
    """Trees of arrays; NaN is NaN, infinity infinity, and -0 is 0."""
    got, expected = to_numpy((got, expected))
    if isinstance(expected, np.ndarray):
        assert (got.shape, got.dtype) == (expected.shape, expected.dtype)
        tolerance = TOLERANCE[expected.dtype.name]
        np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)
    elif isinstance(expected, list | tuple):
        assert len(got) == len(expected)
        for a, b in zip(got, expected, strict=True):
            close(a, b)
    else:
        assert got is expected


@DTYPES
@NAMED
@pytest.mark.parametrize("with_mask", BOOLS)
@pytest.mark.parametrize("with_b", BOOLS)
def test_an_activation_and_its_neighbours(device, with_b, with_mask, name, dtype, rng):
    """One launch forward and one backward; values, caches and gradients are those of NumPy's lines, at the ends too."""
    layers = [Dense(4, 12, rng)] * with_b + [ACTIVATIONS[name]()] + [Dropout(0.4, (12,))] * with_mask
    x, dy = (rng.standard_normal((5, n)).astype(dtype)[:, ::2] for n in (8 if with_b else 24, 24))
    noise = place([layer.draw_noise(rng, 5) for layer in layers], like=x)
    numbers = rng.uniform(-4, 4, (12,)).astype(dtype)
    numbers[:6] = ENDS
    if not with_b:
        x[0], x[1:, 6:] = numbers, 2 * x[1:, 6:]
    dy[1, :3] = np.nan, np.inf, -np.inf
    net = Sequential(*layers).bind(dtype)
    if with_b:
        layers[0].b.data[...] = numbers
    with np.errstate(all="ignore"):
        y, caches = net.forward(x, noise)
        behind = layers[-1].backward(dy, caches[-1]) if with_mask else dy
        dh = layers[with_b].backward(behind, caches[with_b])
    net.bind(dtype, device.name)
    x, dy, noise = device.put((x, dy, noise))
    with device.on():
        got, got_caches = net.forward(x, noise)
        above = Sequential(*layers[with_b:])
        got_dh = above.backward(dy, got_caches[with_b:])
        from_plain = above.backward(dy, device.put(caches[with_b:]))
    close((got, got_dh, from_plain), (y, dh, dh))
    assert device.name == "cupy" or device.launched == ["activate", *["activate_backward"] * 2]
    with np.errstate(all="ignore"):  # each part's own backward, from the kernels' caches
        got_caches, dy = to_numpy((got_caches, dy))
        behind = layers[-1].backward(dy, got_caches[-1]) if with_mask else dy
        close(layers[with_b].backward(behind, got_caches[with_b]), dh)
    if name != "relu":
        close(got_caches, caches)


@DTYPES
@pytest.mark.parametrize("act", [Sigmoid(), SiLU(), GELU(), Softplus(), LeakyReLU(0)], ids=lambda a: type(a).__name__)
def test_activations_far_below_0(device, act, dtype):
    """Small numbers are those of NumPy's lines, not 0; 0 times infinity is not taken."""
    x = np.linspace(-6, -3, 30).astype(dtype) * (1 if isinstance(act, GELU) else 4)
    x[0] = -np.inf if isinstance(act, LeakyReLU) else x[0]
    y, cache = act.forward(x)
    dx = act.backward(np.ones_like(x), cache)
    with device.on():
        got, caches = Sequential(act).forward(device.put(x))
        got_dx = Sequential(act).backward(device.put(np.ones_like(x)), caches)
    for a, b in ((got, y), (got_dx, dx)):
        np.testing.assert_allclose(to_numpy(a), b, rtol=20 * TOLERANCE[dtype])


@DTYPES
@pytest.mark.parametrize("lead", [(2, 4), (0,)], ids=["K samples", "nothing"])
def test_gradients_through_a_network(device, lead, dtype, rng):
    """Leading axes, no examples, noise or none; two live calls, with and without accumulate and need_dx."""
    body = Dense(5, 6, rng), LeakyReLU(0.3), Dropout(0.5, (6,)), Dropout(0.4, (6,)), Dense(6, 4, rng)
    layers = Dropout(0.3, (5,)), *body, Dropout(0.2, (4,)), ELU(), Tanh()
    net, x = (Network if len(lead) > 1 else Sequential)(*layers), rng.standard_normal((2, *lead, 5)).astype(dtype)
    dy = rng.standard_normal((2, *lead, 4)).astype(dtype)
    noises = place([net.draw_noise(rng, np.prod(lead)), None], like=x)

    def run(name, put=lambda tree: tree):
        net.bind(dtype, name).zero_grad()
        net.theta[...] = place(np.linspace(-1, 1, net.theta.size), like=net.theta)
        calls = [net.forward(put(x[i]), put(noises[i])) for i in (0, 1)]
        held = tree_map(np.copy, to_numpy(calls))
        results = [y for y, _ in calls]
        for i in (1, 0, 0):
            results.append(net.backward(put(dy[i]), calls[i][1]))
            results.append(to_numpy(net.grad).copy())
        results.append(net.backward(put(dy[0]), calls[0][1], accumulate=False))
        assert net.backward(put(dy[0]), calls[0][1], accumulate=False, need_dx=False) is None
        np.testing.assert_array_equal(to_numpy(net.grad), results[-2])
        for a, b in zip(arrays(to_numpy(calls)), arrays(held), strict=True):
            np.testing.assert_array_equal(a, b)  # nobody wrote into a cache
        return results

    expected = run("numpy")
    with device.on():
        got = run(device.name, device.put)
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(to_numpy(a), b, rtol=20 * TOLERANCE[dtype], atol=20 * TOLERANCE[dtype])
    if device.name != "cupy":
        assert Counter(device.launched) == {"activate": 2 * 3, "activate_backward": 4 * 3 + 3}


@pytest.mark.parametrize("N", [0, 2])
@pytest.mark.parametrize(
    "make",
    [
        lambda rng: Conv2d(2, 3, 3, rng, 2, 1),
        lambda rng: Conv2d(2, 1, 1, rng),
        lambda rng: ConvTranspose2d(2, 3, 4, rng, 2, 1),
        lambda rng: ConvTranspose2d(2, 1, (3, 1), rng, (1, 3), (1, 0), (0, 2)),
    ],
)
@pytest.mark.parametrize("act", [ReLU, Tanh, SiLU])
def test_images(device, act, make, N, rng):
    """b of every channel, also of one; the mask may broadcast over pixels."""
    x = rng.standard_normal((N, 5, 4, 2))
    shape = make(rng).forward(x.astype("float32"))[0].shape[1:]
    for mask_shape in (shape, (1, 1, shape[-1])):
        convolution = make(rng)
        net = Sequential(convolution, act(), Dropout(0.4, mask_shape)).bind("float64")
        convolution.b.data[...] = np.arange(shape[-1]) - 0.7
        noise, dy = place(net.draw_noise(rng, N), like=x), rng.standard_normal((N, *shape))
        y, caches = net.forward(x, noise)
        dx, grad = net.backward(dy, caches), net.grad.copy()
        net.bind("float64", device.name).zero_grad()
        with device.on():
            got, caches = net.forward(*device.put((x, noise)))
            got_dx = net.backward(device.put(dy), caches)
        close((got, got_dx), (y, dx))
        np.testing.assert_allclose(to_numpy(net.grad), grad, rtol=1e-11, atol=1e-11)
    assert device.name == "cupy" or but_patches(device.launched) == ["activate", "activate_backward"] * 2


@pytest.mark.parametrize("images", BOOLS)
def test_nothing_is_copied_for_a_kernel(device, images, monkeypatch, rng):
    """A launch saved is none if another one copies b to every pixel first."""
    layer, shape = (Conv2d(2, 3, 2, rng), (4, 4, 3)) if images else (Dense(2, 3, rng), (3,))
    net, launched = Sequential(layer, Tanh(), Dropout(0.5, shape)).bind("float64", device.name), []
    x = device.put(np.ones((2, 5, 5, 2) if images else (2, 2)))
    noise = place(net.draw_noise(rng, 2), like=net.theta)
    start = kernels.rows.start
    monkeypatch.setattr(kernels.rows, "start", lambda *args, **how: launched.append(args) or start(*args, **how))
    with device.on():
        y, caches = net.forward(x, noise)
        net.backward(y, caches)
    forward, backward = (args for args in launched if args[0].startswith("activate"))
    given = (forward[5], layer.b.data), (forward[7], noise[2]), (backward[3], y), (backward[5], caches[1])
    for a, b in given:
        assert same(a, b)


def pointer(a):
    return a.ctypes.data if isinstance(a, np.ndarray) else a.data.ptr


def same(a, b):
    return pointer(a) == pointer(b)


def test_no_more_is_kept_than_is_needed(device, rng):
    """Of an activation's x and y: one, which is often there already."""
    x, mask = device.put((rng.standard_normal((3, 4)), np.ones((3, 4))))
    dense = Dense(4, 4, rng).bind("float64", device.name)
    with device.on():
        for act, alone, masked in ((ReLU, "y", "y"), (Tanh, "y", "own"), (SiLU, "x", "x")):
            for layers, expected in (((act(),), alone), ((act(), Dropout(0.5, (4,))), masked)):
                y, (kept, *_) = Sequential(*layers).forward(x, [None, mask])
                assert [same(kept, x), same(kept, y)] == [expected == "x", expected == "y"]
                y, (_, kept, *_) = Sequential(dense, *layers).forward(x, [None, None, mask])
                assert same(kept, y) == (expected == "y")
                assert not same(kept, x)


def test_whole_numbers_and_tuples_run_the_plain_lines(device, rng):
    """b is added once, whoever adds it."""
    x = rng.integers(0, 2, (4, 5)).astype("uint8")
    net = Sequential(Dense(5, 3, rng), ReLU(), Dropout(0.5, (3,))).bind("float64")
    net.layers[0].b.data[...] = 1
    noise = place(net.draw_noise(rng, 4), like=net.theta)
    expected = net.forward(x, noise)[0]
    net.bind("float64", device.name)
    with device.on():
        close(net.forward(*device.put((x, noise)))[0], expected)
        assert Sequential().forward((x, x))[0] == (x, x)


# what may stand in the place of a layer's method; each calls `f` as well


def on_the_instance(monkeypatch, layer, method, f):
    original = getattr(layer, method)
    setattr(layer, method, lambda *args, **kwargs: f(original(*args, **kwargs)))


def disguised(monkeypatch, layer, method, f):
    original = getattr(type(layer), method)
    function = wraps(original)(lambda *args, **kwargs: f(original(*args, **kwargs)))
    setattr(layer, method, MethodType(function, layer))


def on_the_class(monkeypatch, layer, method, f):
    original = getattr(type(layer), method)
    monkeypatch.setattr(type(layer), method, lambda *args, **kwargs: f(original(*args, **kwargs)))


def in_a_subclass(monkeypatch, layer, method, f):
    original = getattr(type(layer), method)
    layer.__class__ = type("Own", (type(layer),), {method: lambda *args, **kwargs: f(original(*args, **kwargs))})


@pytest.mark.parametrize("replace", [on_the_instance, disguised, on_the_class, in_a_subclass], ids=lambda f: f.__name__)
@pytest.mark.parametrize("method", ["forward", "backward"])
@pytest.mark.parametrize("i", range(3))
def test_what_replaces_a_method_is_not_passed_by(device, i, method, replace, monkeypatch, rng):
    """A laboratory watches, a user's subclass computes: each must be called, and nothing else change."""
    net, calls = Sequential(Dense(3, 4, rng), Tanh(), Dropout(0.5, (4,))).bind("float64"), []
    x, dy = rng.standard_normal((5, 3)), rng.standard_normal((5, 4))
    noise = place(net.draw_noise(rng, 5), like=x)
    y, caches = net.forward(x, noise)
    expected = y, net.backward(dy, caches)
    net.bind("float64", device.name)
    replace(monkeypatch, net.layers[i], method, lambda result: calls.append(i) or result)
    with device.on():
        y, caches = net.forward(*device.put((x, noise)))
        close((y, net.backward(device.put(dy), caches)), expected)
    assert calls == [i]
    if device.name != "cupy":
        assert device.launched == ([] if i == 1 else ["activate", "activate_backward"])


@pytest.mark.parametrize("part", [1, 2])
def test_a_backward_of_your_own_gets_the_cache_of_its_forward(device, part, rng):
    """Straight through what was dropped, or through the kink: y, and not y mask, is what such a backward may need."""

    class ThroughDropout(Dropout):
        def backward(self, dy, cache, accumulate=True, need_dx=True):
            return dy

    class ThroughReLU(ReLU):
        def backward(self, dy, cache, accumulate=True, need_dx=True):
            return dy * (cache + 1)

    act, dropout = (ThroughReLU, Dropout) if part == 1 else (ReLU, ThroughDropout)
    net = Sequential(Dense(3, 4, rng), act(), dropout(0.5, (4,))).bind("float64")
    x, dy = rng.standard_normal((5, 3)), rng.standard_normal((5, 4))
    noise = place(net.draw_noise(rng, 5), like=x)
    expected = net.backward(dy, net.forward(x, noise)[1])
    net.bind("float64", device.name)
    with device.on():
        _, caches = net.forward(*device.put((x, noise)))
        close(net.backward(device.put(dy), caches), expected)


def test_a_subclass_that_replaces_nothing_has_the_kernels(device, rng):
    class Wide(Dense):
        pass

    net = Sequential(Wide(3, 4, rng), ReLU()).bind("float64", device.name)
    with device.on():
        net.forward(device.put(np.ones((2, 3))))
    assert device.name == "cupy" or device.launched == ["activate"]


def test_your_own_activation(device, monkeypatch, rng):
    """Without formulas its lines run; with them, its kernel."""

    class Square(Layer):
        def forward(self, x, noise=None):
            return x * x, x

        def backward(self, dy, cache, accumulate=True, need_dx=True):
            return 2 * cache * dy

    net = Sequential(Dense(3, 4, rng), Square()).bind("float64", device.name)
    x, dy = device.put((rng.standard_normal((2, 3)), rng.standard_normal((2, 4))))
    results = []
    with device.on():
        for _ in range(2):
            y, caches = net.forward(x)
            results.append((y, net.backward(dy, caches)))
            assert device.name == "cupy" or device.launched == ["activate", "activate_backward"] * (len(results) - 1)
            monkeypatch.setitem(kernels.LAYERS, "Square", kernels.Activation("x", y="x * x", dx="2 * x * dy"))
            kernels.fused(Square)
    close(results[1], to_numpy(results[0]))


def test_without_an_entry_in_the_tables():
    def one_more(x):
        return x

    for what in (one_more, type("OneMore", (Layer,), {})):
        with pytest.raises(ValueError, match=f"expected a name in the tables of minivae.kernels, got {what.__name__}"):
            kernels.fused(what)


def test_lines_and_kernel_take_the_same_arguments():
    for name, kernel in kernels.OPERATIONS.items():
        operation = next(getattr(room, name) for room in (optim, densities, numeric) if hasattr(room, name))
        assert signature(kernel) == signature(operation)
        assert unwrap(operation) is not operation  # @fused stands above it


def test_every_entry_of_a_layer_is_taken():
    """By the class of that name, which has @fused above it."""
    for name, entry in kernels.LAYERS.items():
        cls = getattr(layers, name)
        assert kernels.OWN[cls.forward, cls.backward] == entry


def test_a_network_that_ends_in_a_tuple(device, rng):
    """Its gradient is a tuple; noise and caches may be named."""
    net = Sequential(Dense(3, 6, rng), Tanh(), Dropout(0.5, (6,)), Split(2)).bind("float64")
    x, dy = rng.standard_normal((5, 3)), (rng.standard_normal((5, 3)), rng.standard_normal((5, 3)))
    noise = place(net.draw_noise(rng, 5), like=x)
    y, caches = net.forward(x, noise)
    dx = net.backward(dy, caches)
    net.bind("float64", device.name)
    x, dy, noise = device.put((x, dy, noise))
    with device.on():
        got, caches = net.forward(x, noise=noise)
        close((got, net.backward(dy, accumulate=False, cache=caches)), (y, dx))
    assert device.name == "cupy" or device.launched == ["activate", "activate_backward"]


@pytest.mark.parametrize(
    ("part", "value", "expected"),
    [
        ("encoder.layers.0.W", np.nan, "encoder.layers.0.forward (Dense)"),
        ("encoder.layers.0.b", np.inf, "encoder.layers.0.forward (Dense)"),  # added by the kernel of layer 1
        ("encoder.layers.3.b", 1e30, "densities.sampling.reparameterize"),
        ("decoder.layers.3.b", np.nan, "decoder.layers.3.forward (Dense)"),
        ("decoder.layers.0.b", -1e308, "decoder.layers.1.backward (Square)"),
    ],
)
def test_what_is_not_finite_has_the_same_name(device, part, value, expected, monkeypatch, rng):
    """That of a layer or of an operation, never of what launches its kernel; new memory is no value."""

    formulas = {"y": "x < 0 ? 0 : x * x", "dx": "x < 0 ? 1e9 * x * dy : 2 * x * dy"}  # overflows when it returns
    monkeypatch.setitem(kernels.LAYERS, "Square", kernels.Activation("x", **formulas))

    @kernels.fused
    class Square(Layer):
        def forward(self, x, noise=None):
            return np.where(x < 0, 0, x * x), x

        def backward(self, dy, cache, accumulate=True, need_dx=True):
            return np.where(cache < 0, 1e9 * cache * dy, 2 * cache * dy)

    model = VAE.build((6,), np.random.default_rng(0), hidden=(5,), latent=2, dropout=0.5)
    if "Square" in expected:
        model.decoder.layers[1] = Square()
    model.bind("float64")
    model.params[part].data[...] = value
    x, noise = np.ones((4, 6)), model.draw_noise(rng, 4)
    with np.errstate(all="ignore"):
        assert first_nonfinite(model, lambda stop: model.loss_and_grads(x, noise)) == expected
    model.bind("float64", device.name)
    x, noise = place((x, noise), like=model.theta)
    empty = np.empty
    with device.on(), np.errstate(all="ignore"):
        if device.name == "numpy":
            monkeypatch.setattr(np, "empty", lambda shape, dtype: np.full_like(empty(shape, dtype), np.nan))
        assert first_nonfinite(model, lambda stop: model.loss_and_grads(x, noise)) == expected


# ---- Who has kernels


def test_numpy_has_none():
    for x in (np.zeros(3), np.float32(1), 1.0):
        assert not has_kernels(x)


def test_a_module_without_raw_kernels_runs_the_plain_lines(monkeypatch):
    """What decides is whether the array's module can compile, not that it is not NumPy; and only for reals."""

    class Module:
        pass

    def array(dtype):
        return SimpleNamespace(dtype=np.dtype(dtype))

    monkeypatch.setattr(backend, "array_module", lambda x: Module)
    assert not has_kernels(array("float64"))
    Module.RawModule = None
    assert has_kernels(array("float64"))
    assert has_kernels(array("float32"))
    assert not has_kernels(array("float16"))
    assert not has_kernels(array(complex))
    assert not has_kernels(np.zeros(3))


def test_a_kernel_is_compiled_once_for_all(monkeypatch):
    """What is asked of CuPy: RawModule(code=, options=).get_function(name)(grid, block, args)."""
    made, launched = [], []

    class CuPy:
        class RawModule:
            def __init__(self, *, code, options):
                made.append((code, options))

            def get_function(self, name):
                return lambda *args: launched.append((name, *args))

    monkeypatch.setitem(__import__("sys").modules, "cupy", CuPy)
    for cached in (backend._module, backend.kernel):
        cached.cache_clear()
    try:
        for name in ("f", "g", "f"):
            backend.launch("text", name, np.dtype("float32"), 7, 3, 0.5, "array")
    finally:
        for cached in (backend._module, backend.kernel):
            cached.cache_clear()
    assert made == [("typedef float real;\n#define THREADS 256\ntext", ("--fmad=false",))]
    assert launched[2] == ("f", (7,), (256,), (3, 0.5, "array"))
    assert [type(a) for a in launched[0][3]] == [np.int64, np.float32, str]


# ---- The CPU in the place of a GPU can fail


def test_a_missing_barrier_is_seen(tmp_path, rng):
    if COMPILER is None:
        pytest.skip("no C++ compiler on this machine")
    x = rng.standard_normal((4, 500))
    expected = bernoulli_log_prob(x, x=np.ones_like(x))
    pieces = cuda(KERNELS).split("__syncthreads();")
    assert len(pieces) == 3
    for i, text in enumerate((f"{pieces[0]};{pieces[1]}__syncthreads();{pieces[2]}",
                              f"{pieces[0]}__syncthreads();{pieces[1]};{pieces[2]}")):  # fmt: skip
        library = Kernels(text, "float64", folder(tmp_path, i))
        wrong = []
        for library.falling in (False, True):
            log_p = np.empty(4)
            args = (4, 500, x, 500, np.ones_like(x), 500, log_p)
            library["bernoulli_log_prob"]((2,), (256,), tuple(np.int64(a) if isinstance(a, int) else a for a in args))
            wrong.append(not np.allclose(log_p, expected))
        assert any(wrong), f"barrier {i}"


def folder(parent, name):
    path = parent / str(name)
    path.mkdir()
    return path


def test_a_barrier_for_some_threads_is_seen(tmp_path):
    if COMPILER is None:
        pytest.skip("no C++ compiler on this machine")
    text = 'extern "C" __global__ void f(real* x) { if (threadIdx.x < 3) __syncthreads(); x[threadIdx.x] = 1; }'
    with pytest.raises(AssertionError, match="f: a barrier that not every thread reaches"):
        Kernels(text, "float64", tmp_path)["f"]((1,), (8,), (np.zeros(8),))


def test_arguments_are_checked(compiled):
    f = compiled(cuda(KERNELS), "float32")["adam"]
    vector, n = np.zeros(3, "float32"), np.int64(3)
    right = (np.int64(1), n, *[vector] * 4, *[np.float32(0.5)] * 6, *[np.int64(0)] * 3)
    f((1,), (256,), right)
    for i, wrong in ((1, 3), (2, np.zeros(3)), (6, 0.5), (14, n)):
        with pytest.raises(AssertionError, match=f"argument {i} of adam"):
            f((1,), (256,), (*right[:i], wrong, *right[i + 1 :]))
    with pytest.raises(AssertionError, match="adam takes 15 arguments, got 14"):
        f((1,), (256,), right[:-1])


# ---- NVIDIA's compiler, which needs no GPU


def nvrtc():
    """The library of the nvidia-cuda-nvrtc-cu12 wheel."""
    spec = find_spec("nvidia") and find_spec("nvidia.cuda_nvrtc")
    files = [
        f for folder in (spec.submodule_search_locations if spec else []) for f in Path(folder).glob("lib/libnvrtc.so*")
    ]
    if not files:
        pytest.skip("nvidia-cuda-nvrtc-cu12 is not installed")
    return ctypes.CDLL(str(files[0]))


def compile_ptx(source):
    """(status, log, PTX) of NVIDIA's compiler; a status of 0 is success."""
    library, program, size = nvrtc(), ctypes.c_void_p(), ctypes.c_size_t()
    options = [o.encode() for o in ("--gpu-architecture=compute_80", "-std=c++17", *backend.OPTIONS)]

    def text(what):
        assert getattr(library, f"nvrtcGet{what}Size")(program, ctypes.byref(size)) == 0
        buffer = ctypes.create_string_buffer(size.value)
        assert getattr(library, f"nvrtcGet{what}")(program, buffer) == 0
        return buffer.value.decode()

    assert library.nvrtcCreateProgram(ctypes.byref(program), source.encode(), b"kernels.cu", 0, None, None) == 0
    status = library.nvrtcCompileProgram(program, len(options), (ctypes.c_char_p * len(options))(*options))
    result = status, text("ProgramLog"), text("PTX") if status == 0 else ""
    library.nvrtcDestroyProgram(ctypes.byref(program))
    return result


@DTYPES
def test_nvidias_compiler_takes_every_kernel(dtype):
    status, log, ptx = compile_ptx(backend.cuda_source(cuda(KERNELS), dtype))
    assert status == 0, log
    assert "warning" not in log, log
    assert ptx.count(".visible .entry") == len(kernels.OPERATIONS) + 2  # and those of patches
    assert "fma.rn.f64 " not in ptx or dtype == "float64"
    assert (".f64" in ptx) == (dtype == "float64")  # no float is turned into a double


@DTYPES
@pytest.mark.parametrize("text", ALIKE, ids=ACTIVATIONS)
def test_nvidias_compiler_takes_every_activation(text, dtype):
    status, log, ptx = compile_ptx(backend.cuda_source(cuda(text), dtype))
    assert status == 0, log
    assert "warning" not in log, log
    assert ptx.count(".visible .entry") == 2
    assert (".f64" in ptx) == (dtype == "float64")


def test_nvidias_compiler_refuses_a_slip():
    status, log, _ = compile_ptx(backend.cuda_source(cuda(KERNELS).replace("real sum = 0;", "real sum = 0"), "float32"))
    assert status != 0
    assert 'expected a ";"' in log

"""The GPU's kernels against their NumPy twins: on a CPU (see cuda_on_cpu.py), and on a GPU where there is one."""

import ctypes
from contextlib import contextmanager, nullcontext
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from cases import OPERATIONS
from cuda_on_cpu import COMPILER, Kernels

from minivae import backend, densities, kernels, optim
from minivae.backend import generator, has_kernels, place, to_numpy, tree_map
from minivae.densities import bernoulli_log_prob, kl_standard_normal, reparameterize
from minivae.kernels import CUDA
from minivae.layers import Dense, Sequential
from minivae.models import VAE

WIRED = (bernoulli_log_prob, kl_standard_normal, reparameterize)
DTYPES = pytest.mark.parametrize("dtype", ["float32", "float64"])
TOLERANCE = {"float32": 4e-6, "float64": 1e-12}


# ---- Devices: the CPU in the place of a GPU, and a GPU


class OnCpu:
    """Inside `on()` the library takes NumPy's arrays for those of a device with kernels."""

    name = "numpy"

    def __init__(self, monkeypatch, compiled):
        self.monkeypatch, self.compiled = monkeypatch, compiled

    def put(self, tree):
        return tree

    @contextmanager
    def on(self):
        with self.monkeypatch.context() as patch:
            patch.setattr(backend, "kernel", lambda text, name, dtype: self.compiled[dtype][name])
            for module in (densities, optim):
                patch.setattr(module, "has_kernels", lambda x: True)
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
    return {dtype: Kernels(CUDA, dtype, tmp_path_factory.mktemp(dtype)) for dtype in TOLERANCE}


@pytest.fixture(params=["rising", "falling", pytest.param("cupy", marks=pytest.mark.gpu)])
def device(request, monkeypatch):
    if request.param == "cupy":
        return OnGpu()
    compiled = request.getfixturevalue("compiled")
    for kernels_ in compiled.values():
        kernels_.falling, kernels_.launched = request.param == "falling", []
    return OnCpu(monkeypatch, compiled)


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
@pytest.mark.parametrize("f", WIRED, ids=lambda f: f.__name__)
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
    check_latents(device, kl_standard_normal, mu[..., None], log_var[..., None], {}, rng)


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
@pytest.mark.parametrize("options", [{}, {"rates": {"layers.0": 0.3}, "clip": 1.0}], ids=["plain", "rates and clip"])
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
        if device.name == "numpy" or "clip" not in options:  # a GPU sums the norm in another order
            np.testing.assert_array_equal(a, b)
        np.testing.assert_allclose(a, b, rtol=1e-4 if dtype == "float32" else 1e-11)


@DTYPES
def test_a_step_of_the_vae(device, dtype, rng):
    """Metrics and gradient of a step, through the kernels that it is meant to take; and so are its next steps."""
    x = (rng.random((5, 300)) < 0.4).astype(dtype)

    def run(name):
        model = VAE.build((300,), np.random.default_rng(0), hidden=(20,), latent=3, beta=0.5).bind(dtype, name)
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
    if device.name == "numpy":
        both = {f.__name__ + end for f in WIRED for end in ("", "_backward")}
        assert set(device.compiled[dtype].launched) == both | {"adam"}
        assert len(device.compiled[dtype].launched) == 3 * 7


def test_more_rows_than_blocks(device, monkeypatch, rng):
    monkeypatch.setattr(backend, "BLOCKS", 3)
    x = (rng.random((8, 20)) < 0.5).astype(float)
    check_operation(device, bernoulli_log_prob, (rng.standard_normal((8, 20)),), {"x": x})
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


# ---- Who has kernels


def test_numpy_has_none():
    for x in (np.zeros(3), np.float32(1), 1.0):
        assert not has_kernels(x)


def test_a_module_without_raw_kernels_runs_the_plain_lines(monkeypatch):
    """What decides is whether the array's module can compile, not that it is not NumPy; and only for reals."""

    class Module:
        pass

    x = np.zeros(3)
    monkeypatch.setattr(backend, "array_module", lambda x: Module)
    assert not has_kernels(x)
    Module.RawModule = None
    assert has_kernels(x)
    assert has_kernels(x.astype("float32"))
    assert not has_kernels(x.astype("float16"))
    assert not has_kernels(x.astype(complex))


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
    pieces = CUDA.split("__syncthreads();")
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
    f = compiled["float32"]["adam"]
    vector, n = np.zeros(3, "float32"), np.int64(3)
    right = (n, *[vector] * 4, *[np.float32(0.5)] * 4, np.int64(0))
    f((1,), (256,), right)
    for i, wrong in ((0, 3), (1, np.zeros(3)), (5, 0.5), (9, n)):
        with pytest.raises(AssertionError, match=f"argument {i} of adam"):
            f((1,), (256,), (*right[:i], wrong, *right[i + 1 :]))
    with pytest.raises(AssertionError, match="adam takes 10 arguments, got 9"):
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
    status, log, ptx = compile_ptx(backend.cuda_source(CUDA, dtype))
    assert status == 0, log
    assert "warning" not in log, log
    assert ptx.count(".visible .entry") == 7
    assert "fma.rn.f64 " not in ptx or dtype == "float64"
    assert (".f64" in ptx) == (dtype == "float64")  # no float is turned into a double


def test_nvidias_compiler_refuses_a_slip():
    status, log, _ = compile_ptx(backend.cuda_source(CUDA.replace("real sum = 0;", "real sum = 0"), "float32"))
    assert status != 0
    assert 'expected a ";"' in log

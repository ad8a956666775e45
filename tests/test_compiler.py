"""C texts compiled on this machine: what the compiler is asked, where its work is kept, how exact the formulas are."""

import os
import subprocess
import sys
import textwrap
import warnings

import numpy as np
import pytest

from minivae import backend, compiled, kernels
from minivae.compiled import COMPILERS, CompiledArray, aligned
from minivae.kernels import c_source

DTYPES = pytest.mark.parametrize("dtype", ["float32", "float64"])
EXACT = {"float32": "float64", "float64": "longdouble"}


@pytest.fixture(autouse=True)
def needs_a_c_compiler():
    try:
        backend.load_backend("compiled")
    except ValueError as error:
        pytest.skip(str(error))


@pytest.fixture
def fresh(monkeypatch, tmp_path):
    """A machine on which nothing was compiled; a function that forgets again."""

    def forget():
        for cached in (compiled.compiler, compiled._loaded, compiled.function):
            cached.cache_clear()

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    forget()
    yield forget
    monkeypatch.undo()
    forget()


def a_tool(folder, name, body):
    """A program of this name that comes before all others."""
    folder.mkdir(exist_ok=True)
    tool = folder / name
    tool.write_text(f"#!/bin/sh\n{body}\n")
    tool.chmod(0o755)


# ---- The compiler and its cache


def test_a_text_is_compiled_once_for_all_processes(fresh, monkeypatch):
    commands = []
    run = compiled._run
    monkeypatch.setattr(compiled, "_run", lambda command, text: commands.append(command) or run(command, text))
    text = "void three(double* x) { *x = 3; }\n"
    for _ in range(2):  # two processes
        fresh()
        x = np.zeros(1)
        compiled.run(compiled.function(text, "three"), "d", x)
        assert x == 3
    assert ["-shared" in command for command in commands] == [False, True, False]
    (file,) = compiled.folder().iterdir()
    assert file.suffix == ".so"


def test_the_file_depends_on_text_options_compiler_and_processor(fresh, monkeypatch):
    path, machine = compiled.compiler()
    files = {compiled.library("int a;\n"), compiled.library("int b;\n")}
    monkeypatch.setattr(compiled, "OPTIONS", ("-O1", *compiled.OPTIONS[1:]))
    files.add(compiled.library("int a;\n"))
    for pair in (
        (path, machine + "#define __another__ 1\n"),
        (os.path.join(os.path.dirname(path), ".", "cc"), machine),
    ):
        monkeypatch.setattr(compiled, "compiler", lambda pair=pair: pair)
        files.add(compiled.library("int a;\n"))
    assert len(files) == 5
    assert "__VERSION__" in machine  # of the compiler
    assert "CHAR_BIT" in machine or "__CHAR_BIT__" in machine


def test_two_processes_at_once(tmp_path):
    """Both compile, both are right, and one file is left."""
    code = textwrap.dedent("""
        import numpy as np
        from minivae import compiled, densities
        from minivae.backend import load_backend
        compiled.SMALL = 0
        x = load_backend("compiled").asarray(np.ones((3, 4)))
        print(densities.reparameterize(x, 0 * x, eps=x).sum())
    """)
    env = os.environ | {"XDG_CACHE_HOME": str(tmp_path)}
    both = [subprocess.Popen([sys.executable, "-c", code], env=env, stdout=subprocess.PIPE, text=True) for _ in "ab"]
    assert [process.communicate()[0].strip() for process in both] == ["24.0"] * 2
    folder = next(tmp_path.rglob("kernels"))
    assert {file.suffix for file in folder.iterdir()} == {".so"}
    assert len(list(folder.iterdir())) == 2  # the text that `ready` tries, and the kernels


def test_no_compiler_is_said_in_one_line(fresh, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ValueError, match=r"^backend: compiled needs a C compiler \(gcc, cc, clang\), this machine has "
                                         r"none; install one, or use numpy$"):  # fmt: skip
        backend.load_backend("compiled")
    assert backend.load_backend("numpy") is np
    assert backend.available("compiled") == "numpy"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("echo 'x.c:1: error: no header' >&2; exit 1", "x.c:1: error: no header"),
        ("case \"$*\" in *-shared*) echo 'cannot link' >&2; exit 1;; esac", "cannot link"),
        ("exit 4", ""),
    ],
)
def test_a_compiler_that_fails_is_quoted(fresh, monkeypatch, tmp_path, body, says):
    a_tool(tmp_path / "bin", COMPILERS[0], body)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(ValueError, match=f"needs a working C compiler, .*cc says '{says}'; use numpy$"):
        backend.load_backend("compiled")
    assert not list(compiled.folder().glob("*.so"))


def test_a_cache_that_cannot_be_written(fresh, monkeypatch, tmp_path):
    (tmp_path / "minivae").write_text("a file where a folder should be")
    with pytest.raises(
        ValueError, match=r"^backend: compiled keeps its code in .*kernels, from where it cannot be used"
    ):
        backend.load_backend("compiled")


def test_a_file_that_is_no_library(fresh):
    file = compiled.library("#include <tgmath.h>\n")
    file.write_bytes(b"cut off")
    with pytest.raises(ValueError, match="from where it cannot be used"):
        backend.load_backend("compiled")


@pytest.mark.parametrize(
    ("said", "several"),
    [
        ("__x86_64__ 1|__GNUC__ 12|__GLIBC__ 2|__GLIBC_MINOR__ 36", True),
        ("__x86_64__ 1|__GNUC__ 12|__GLIBC__ 2|__GLIBC_MINOR__ 34", False),
        ("__x86_64__ 1|__GNUC__ 12", False),  # another C library
        ("__x86_64__ 1|__GNUC__ 4|__clang__ 1|__GLIBC__ 2|__GLIBC_MINOR__ 36", False),
        ("__aarch64__ 1|__GNUC__ 12|__GLIBC__ 2|__GLIBC_MINOR__ 36", False),
    ],
)
def test_where_it_is_slower_than_numpy_it_says_so_once(said, several, fresh, monkeypatch):
    machine = "".join(f"#define {line}\n" for line in said.split("|"))
    assert compiled.takes_several(machine) == several
    monkeypatch.setattr(compiled, "_run", lambda command, text: machine)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(2):
            assert compiled.compiler()[1] == machine
    assert ["one number at a time" in str(w.message) for w in caught] == [True] * (not several)


def test_the_text_asks_what_python_asks():
    """Kernels call the functions for several numbers where `takes_several` says that there are some, and only there."""
    text = subprocess.run([compiled.compiler()[0], "-E", "-x", "c", "-"], input=c_source("", "float32"), text=True,
                          capture_output=True, check=True).stdout  # fmt: skip
    assert ("notinbranch" in text) == compiled.takes_several(compiled.compiler()[1])


# ---- Arrays


def test_the_array_decides(tmp_path):
    """What is computed with compiled arrays is compiled, and only the class says so."""
    xp = backend.load_backend("compiled")
    x, plain = xp.asarray(np.arange(6.0).reshape(2, 3)), np.ones((2, 3))
    made = (x + plain, plain @ x.T, x[:1], x.sum(axis=0), np.exp(x), xp.zeros((2, 3)), xp.ones(3), xp.full(2, 5.0),
            xp.empty((2, 2), "float32"), xp.zeros_like(x), xp.ones_like(x), xp.concatenate((x, x)), xp.stack((x, x)),
            xp.where(x > 0, x, 1), xp.broadcast_to(x, (4, 2, 3)), xp.arange(3), xp.eye(2))  # fmt: skip
    for array in made:
        assert type(array) is CompiledArray
        assert backend.array_module(array) is xp
    assert xp.__name__ == "compiled"
    assert backend.array_module(plain) is np
    assert type(backend.to_numpy(x)) is np.ndarray
    assert type(backend.place(plain, like=x)) is np.ndarray  # too small to gain by kernels
    assert type(backend.place(np.ones(compiled.SMALL), like=x)) is CompiledArray
    with compiled.of_any_size():
        assert type(backend.place(plain, like=x)) is CompiledArray
    assert type(backend.place(x, like=plain)) is np.ndarray
    assert backend.on_host(x)
    for arguments in (((2, 2), 3), ((2, 2), 3.5, "float32"), ([2], True), (3, np.arange(3))):  # as NumPy's
        np.testing.assert_array_equal(xp.full(*arguments), np.full(*arguments), strict=True)
    assert xp.zeros_like(x, bool).dtype == bool


@pytest.mark.parametrize("shape", [(3,), (1000,), (31, 57), (5, 7, 40), (0, 4), 5000])
def test_large_arrays_begin_with_a_line_of_the_cache(shape):
    """A store that crosses such a line takes several times as long."""
    for dtype in ("float32", "float64"):
        for _ in range(3):
            a = aligned(shape, np.dtype(dtype), CompiledArray)
            assert a.shape == (shape if isinstance(shape, tuple) else (shape,))
            assert a.flags.c_contiguous
            assert a.flags.writeable
            a[...] = 1
            assert a.nbytes < compiled.PAGE or compiled.address(a) % compiled.ALIGNED == 0


def test_an_address_is_that_of_the_first_number():
    a = np.arange(12.0).reshape(3, 4)
    fixed = a.copy()
    fixed.flags.writeable = False
    for view in (a, a[1:, 1:], a[:, ::2], a.T, fixed, fixed[1:], a.view(CompiledArray)):
        assert compiled.address(view) == view.ctypes.data


# ---- How exact the formulas are

UNITS = 4  # in the last place, the largest error that is allowed


def values(function, x, dtype):
    """function(x) by a kernel for each number."""
    text = f"KERNEL(f, IN(x), real* y) {{ EACH_NUMBER OUT(y) = {function}(AT(x)); }}"
    y = np.empty_like(x)
    name = x.dtype.char
    compiled.run(compiled.function(c_source(text, dtype), "f"), name, 1, x.size, x, x.size, y)
    return y


def in_units(got, exact, dtype):
    """|got - exact| in units in the last place of `exact`, of numbers that are not tiny."""
    spacing = np.spacing(np.abs(exact).astype(dtype)).astype(exact.dtype)
    normal = np.abs(exact) >= np.finfo(dtype).tiny
    return (np.abs(got.astype(exact.dtype) - exact) / spacing)[normal].max()


@DTYPES
@pytest.mark.parametrize("name", ["exp", "expm1", "log1p", "tanh", "sqrt"])
def test_functions_of_several_numbers_are_exact_to_four_units(name, dtype):
    rng = np.random.default_rng(0)
    ends = {"float32": 87, "float64": 700}[dtype]
    x = np.concatenate([rng.uniform(-ends, ends, 100_000), rng.normal(size=100_000), 10 ** rng.uniform(-9, 0, 100_000),
                        -(10 ** rng.uniform(-9, -0.01, 100_000))]).astype(dtype)  # fmt: skip
    if name in ("log1p", "sqrt"):
        x = x[x > -1] if name == "log1p" else np.abs(x)
    error = in_units(values(name, x, dtype), getattr(np, name)(x.astype(EXACT[dtype])), dtype)
    assert error <= (0.5 if name == "sqrt" else UNITS)


@DTYPES
@pytest.mark.parametrize("name", ["exp", "expm1", "log1p", "tanh"])
def test_functions_at_the_ends(name, dtype):
    """Infinity, NaN and 0 are those of NumPy, wherever they stand among other numbers."""
    x = np.array([np.nan, np.inf, -np.inf, 0, -0.0, -1, 1e30, -1e30, 1e-40, 0.5] * 7, dtype)
    with np.errstate(all="ignore"):
        expected = getattr(np, name)(x)
    np.testing.assert_allclose(values(name, x, dtype), expected, rtol=1e-6 if dtype == "float32" else 1e-14)


def test_a_machine_without_functions_of_several_numbers_computes_the_same():
    """Another C library or compiler takes its own exp, one number at a time: slower, and right."""
    rng = np.random.default_rng(0)
    text = c_source(kernels.KERNELS, "float32").replace("#if defined(__x86_64__)", "#if 0 && defined(__x86_64__)")
    assert "#if 0" in text
    x, logits = (rng.random((40, 70)) < 0.5).astype("float32"), 5 * rng.standard_normal((40, 70), dtype="float32")
    both = []
    for source in (text, c_source(kernels.KERNELS, "float32")):
        log_p = np.empty(40, "float32")
        compiled.run(compiled.function(source, "bernoulli_log_prob"), "f", 40, 70, logits, 70, x, 70, log_p)
        both.append(log_p)
    np.testing.assert_allclose(*both, rtol=2e-6)

"""NumPy's arrays, whose operations are compiled: C text to machine code, once on each machine.

A CompiledArray is an ndarray that says so by its class alone. Products and whatever has no kernel are NumPy's; it goes
through them unchanged. `compiled` is NumPy with arrays of this class.
"""

import ctypes
import math
import os
import re
import warnings
from contextlib import contextmanager
from functools import cache, wraps
from pathlib import Path
from types import ModuleType

import numpy as np

COMPILERS = ("gcc", "cc", "clang")  # the first is the one with an exp for several numbers at once
# Without fused multiply-adds each operation rounds as NumPy's does. Nobody reads errno or the traps of a formula.
OPTIONS = ("-O3", "-march=native", "-fopenmp-simd", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math")
CTYPES = {"f": ctypes.c_float, "d": ctypes.c_double}
SMALL = 2**14  # numbers: the start of a kernel takes longer than NumPy's lines for fewer
PAGE = 4096  # bytes: smaller arrays are not aligned, which would take longer than it saves
ALIGNED = 64  # bytes: a store that crosses such a line takes several times as long
MAKERS = "arange array asarray ascontiguousarray broadcast_to concatenate eye stack where".split()


class CompiledArray(np.ndarray):
    """An ndarray whose operations are compiled kernels, where there are any."""

    __slots__ = ()


class _Compiled(ModuleType):
    """NumPy, except that the arrays which its functions make are CompiledArrays."""

    def __getattr__(self, name):
        function = getattr(np, name)
        if name in MAKERS:
            function = _making(function)
        setattr(self, name, function)  # so that it is looked up once
        return function

    @staticmethod
    def empty(shape, dtype="float64"):
        return aligned(shape, np.dtype(dtype), CompiledArray)

    def full(self, shape, value, dtype=None):
        array = self.empty(shape, np.asarray(value).dtype if dtype is None else dtype)
        array[...] = value
        return array

    def zeros(self, shape, dtype="float64"):
        return self.full(shape, 0.0, dtype)

    def ones(self, shape, dtype="float64"):
        return self.full(shape, 1.0, dtype)

    def zeros_like(self, array, dtype=None):
        return self.zeros(array.shape, array.dtype if dtype is None else dtype)

    def ones_like(self, array, dtype=None):
        return self.ones(array.shape, array.dtype if dtype is None else dtype)


def marked(array):
    """A view of the array, compiled where it is large: NumPy takes half a microsecond longer for another class."""
    return array.view(CompiledArray if array.size >= SMALL else np.ndarray)


@contextmanager
def of_any_size():
    """Inside, a small array is taken for a large one: to compare kernels with NumPy's lines, whatever they take."""
    global SMALL
    before, SMALL = SMALL, 0
    try:
        yield
    finally:
        SMALL = before


def aligned(shape, dtype, cls):
    """A new array that begins where a line of the processor's cache does."""
    size = dtype.itemsize * (math.prod(shape) if isinstance(shape, tuple | list) else shape)
    if size < PAGE:
        return cls(shape, dtype)
    memory = np.empty(size + ALIGNED, "uint8")
    return cls(shape, dtype, memory, -address(memory) % ALIGNED)


def _making(function):
    """The function, whose array is a CompiledArray."""

    @wraps(function)
    def made(*args, **kwargs):
        return function(*args, **kwargs).view(CompiledArray)

    return made


compiled = _Compiled("compiled", __doc__)


def ready():
    """`compiled`, once a first text went through the compiler; ValueError where that fails."""
    _loaded("#include <tgmath.h>\n")
    return compiled


def takes_several(machine):
    """Whether there is an exp for several numbers at once, by what a compiler says of itself: as the text asks."""
    said = dict(re.findall(r"#define (\w+) (.*)", machine))
    glibc = tuple(int(said.get(name, 0)) for name in ("__GLIBC__", "__GLIBC_MINOR__"))
    return "__x86_64__" in said and "__GNUC__" in said and "__clang__" not in said and glibc >= (2, 35)


def folder():
    """Where compiled texts are kept: in the user's cache."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tqdm, which pooch loads, has one in a notebook without widgets
        import pooch

    return Path(pooch.os_cache("minivae")) / "kernels"


@cache
def compiler():
    """(the compiler's path, what it says of itself, of the C library and of this processor)."""
    import shutil

    path = next(filter(None, map(shutil.which, COMPILERS)), None)
    if path is None:
        raise ValueError(f"backend: compiled needs a C compiler ({', '.join(COMPILERS)}), this machine has none; "
                         "install one, or use numpy")  # fmt: skip
    machine = _run([path, *OPTIONS, "-dM", "-E", "-x", "c", "-"], "#include <limits.h>\n")
    if not takes_several(machine):
        warnings.warn("backend compiled: without gcc and glibc 2.35 on x86-64 exp and tanh are computed one number at "
                      "a time, and most operations take longer than numpy's", stacklevel=2)  # fmt: skip
    return path, machine


def _run(command, text):
    import subprocess

    result = subprocess.run(command, input=text, capture_output=True, text=True)
    if result.returncode:
        lines = result.stderr.strip().splitlines()
        error = next((line for line in lines if "error" in line), "".join(lines[-1:]))
        raise ValueError(f"backend: compiled needs a working C compiler, {command[0]} says {error!r}; use numpy")
    return result.stdout


def library(text):
    """The file of a C text, compiled unless it is there. Its name is a hash of all that it depends on."""
    import hashlib

    from .files import beside

    path, machine = compiler()
    name = hashlib.sha256("\n".join((text, *OPTIONS, path, machine)).encode()).hexdigest()
    file = folder() / f"{name[:32]}.so"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        with beside(file) as made:
            _run([path, *OPTIONS, "-shared", "-fPIC", "-o", str(made), "-x", "c", "-", "-lm"], text)
            os.replace(made, file)  # whole or not at all, whoever else compiles it at the same time
    return file


@cache
def _loaded(text):
    try:
        return ctypes.CDLL(str(library(text)))
    except OSError as error:
        raise ValueError(f"backend: compiled keeps its code in {folder()}, from where it cannot be used: {error}; "
                         "use numpy") from None  # fmt: skip


@cache
def function(text, name):
    """Function `name` of a C text. What it takes is set at its first call, see `run`."""
    f = _loaded(text)[name]
    f.restype = None
    return f


def address(a):
    """Where the first number of an array lies."""
    try:
        return ctypes.addressof(ctypes.c_char.from_buffer(a))  # a quarter of the time of the line below
    except (TypeError, ValueError, BufferError):  # an array with gaps, or one that is only read
        return a.ctypes.data


def run(f, real, *args):
    """Call a function of a library. A float goes as a `real`, an array as its address, an integer as long long."""
    values = [address(a) if isinstance(a, np.ndarray) else a for a in args]
    if f.argtypes is None:
        f.argtypes = [CTYPES[real] if type(value) is float else ctypes.c_longlong for value in values]
    f(*values)

"""NumPy, NumPy with compiled kernels, or CuPy, chosen by the array; and the one place where generators are made.

No other file knows that CuPy exists. Functions that create arrays or call ufuncs begin with
`xp = array_module(x)`; `to_numpy` and `place` are called at the edges, never inside a step.
"""

import math
import sys
from functools import cache
from importlib import import_module

import numpy as np

from .compiled import CompiledArray, compiled, marked, ready
from .options import kind_of

ON_HOST = (np.ndarray, np.generic, float, int)
REALS = {"float32": "float", "float64": "double"}  # dtype: its name in C
THREADS, BLOCKS = 256, 65535  # of a block, a power of two; of a launch, at most
OPTIONS = ("--fmad=false",)  # of the compiler: without fused multiply-adds each operation rounds as NumPy's does

# What a generator is for. A generator is a function of (seed, purpose, epoch): nothing to save, everything replays.
PURPOSES = {
    "weights": 0,
    "shuffle": 1,
    "present": 2,
    "noise": 3,
    "validation": 4,
    "bits": 5,
    "sample": 6,
    "evaluate": 7,
    "gradcheck": 8,
    "split": 9,
    "labels": 10,
}


def array_module(x):
    """The module whose functions work on `x`: numpy, `compiled`, or the package that its class comes from (cupy)."""
    if isinstance(x, ON_HOST):
        return compiled if type(x) is CompiledArray else np
    return sys.modules[type(x).__module__.partition(".")[0]]


def load_backend(name):
    """The array module called `name`; ValueError if it is unknown or cannot run on this machine."""
    if name not in BACKENDS:
        raise ValueError(f"backend: expected one of {', '.join(BACKENDS)}, got {name!r}")
    return BACKENDS[name]()


def available(name):
    """`name` if this machine can run it, else numpy: for reading what another machine has trained."""
    try:
        load_backend(name)
        return name
    except ValueError:
        return "numpy"


def _cupy():
    try:
        import cupy
    except ImportError:
        raise ValueError("backend: cupy is not installed; pip install 'minivae[cuda12]' or 'minivae[cuda13]'") from None
    if not cupy.is_available():
        raise ValueError("backend: cupy found no GPU on this machine; use numpy")
    return cupy


BACKENDS = {"numpy": lambda: np, "compiled": ready, "cupy": _cupy}  # what loads each
SPECIAL = {"numpy": "scipy.special", "compiled": "scipy.special", "cupy": "cupyx.scipy.special"}


def special(x):
    """The module whose gammaln, betaln and digamma work on `x`. It is loaded when they are first asked for."""
    return import_module(SPECIAL[array_module(x).__name__])


def on_host(x):
    """Whether `x` lies where Python runs: all but what is on a GPU."""
    return isinstance(x, ON_HOST)


def has_kernels(tree):
    """Whether an array, or the first one in nested tuples, has kernels: those of its backend take its dtype."""
    while isinstance(tree, tuple):
        tree = tree[0]
    if isinstance(tree, ON_HOST):
        return type(tree) is CompiledArray and tree.dtype.char in "fd" and tree.dtype.isnative
    return hasattr(array_module(tree), "RawModule") and tree.dtype.name in REALS


def cuda_source(text, dtype):
    """A text of `kernels/` with what it leaves open: which numbers are `real`, and the threads of a block."""
    return f"typedef {REALS[dtype]} real;\n#define THREADS {THREADS}\n{text}"


@cache
def _module(text, dtype):
    import cupy

    return cupy.RawModule(code=cuda_source(text, dtype), options=OPTIONS)


@cache
def kernel(text, name, dtype):
    """Kernel `name` of a CUDA text as f(grid, block, args), compiled once per process."""
    return _module(text, dtype).get_function(name)


def launch(text, name, dtype, blocks, *args):
    """Run a kernel for reals of `dtype`. Python floats go as reals, integers as long long, 0 also as a null pointer."""
    args = [dtype.type(a) if isinstance(a, float) else np.int64(a) if isinstance(a, int) else a for a in args]
    kernel(text, name, dtype.name)((min(blocks, BLOCKS),), (THREADS,), tuple(args))


def keep_freed_memory():
    """Let the memory that a step frees serve the next step. Training calls it at its start, as do passes in parts.

    glibc takes a large array from the system as a block of its own and gives the block back when the array is freed:
    every step faults its memory in anew, a seventh of the time of a convolutional step. Once a block of this size was
    freed, glibc takes smaller ones from its heap, and keeps up to twice as much free there. 31 MiB is near the largest
    size of which it learns this, 32 MiB. Nobody writes to the block, so it costs no memory; other allocators ignore it.
    """
    np.empty(31 * 2**20, "uint8")


def unbroadcast(g, shape):
    """Sum `g` over the axes that broadcasting had added to an array of `shape`."""
    if g.size == math.prod(shape):  # it added none, or axes of one
        return g.reshape(shape)
    g = g.sum(axis=tuple(range(g.ndim - len(shape))))
    stretched = tuple(i for i, n in enumerate(shape) if n == 1 and g.shape[i] != 1)
    return g.sum(axis=stretched, keepdims=True) if stretched else g


def tree_map(f, tree):
    """`f` of every array in nested dicts, lists and tuples, named ones too; anything else (None, numbers) stays."""
    if isinstance(tree, dict):
        return {k: tree_map(f, v) for k, v in tree.items()}
    if isinstance(tree, list | tuple):
        parts = [tree_map(f, v) for v in tree]
        return type(tree)(*parts) if hasattr(tree, "_fields") else type(tree)(parts)
    return f(tree) if hasattr(tree, "dtype") else tree


def take(part, rows):
    """These rows of an array, by their indices or as a slice; of None, which stands for no labels, None."""
    return None if part is None else part[rows]


def as_array(x, name):
    """A user's numbers as an array, one of a device as it is; ValueError for anything else."""
    if type(x).__module__.partition(".")[0] in BACKENDS and not isinstance(x, np.ndarray):
        return x
    try:
        array = np.ma.filled(x.astype("float64"), np.nan) if np.ma.is_masked(x) else np.asarray(x)
    except Exception as error:  # lists of different lengths, or whatever __array__ of another class raises
        raise ValueError(f"{name}: expected an array of numbers, got {kind_of(x, error)}") from None
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name}: expected numbers, got {kind_of(x, array.dtype)}")
    return array


def to_numpy(tree):
    """The same tree with every array in host memory."""
    return tree_map(lambda x: np.asarray(x) if on_host(x) else x.get(), tree)


def floats(numbers):
    """Python floats of a list of arrays without axes; from a device they come together, in one transfer."""
    if not numbers or on_host(numbers[0]):
        return list(map(float, numbers))
    return to_numpy(array_module(numbers[0]).stack(numbers)).tolist()


def place(tree, like):
    """The same tree on the device of `like`, its large arrays compiled as it is; floating ones also take its dtype."""
    xp = array_module(like)

    def move(x):
        if hasattr(x, "placed"):  # rows of a large file
            return x.placed(like)
        x = to_numpy(x) if on_host(like) else x
        x = xp.asarray(x, dtype=like.dtype if x.dtype.kind == "f" else None)
        return marked(x) if xp is compiled else x

    return tree_map(move, tree)


def generator(seed, purpose, epoch=0, like=None):
    """A generator that depends on (seed, purpose, epoch) and on nothing else.

    NumPy's, for compiled arrays as well; or one that draws where the array `like` lies, on a GPU other numbers than
    NumPy's. What is drawn with either: random and standard_normal (size, dtype), integers (high, size).
    """
    if seed < 0:
        raise ValueError(f"seed: expected 0 or more, got {seed}")
    key = [seed, PURPOSES[purpose], epoch]
    if like is None or on_host(like):
        return np.random.default_rng(key)
    random = array_module(like).random
    return random.Generator(random.Philox4x3210(key))

"""A backend for tests that forbids what a GPU would do badly or silently, on any machine.

Its arrays are NumPy arrays in disguise and behave as CuPy's do, but stricter. Refused: NumPy arrays and scalars,
NumPy's functions, implicit conversion, indices out of range (CuPy wraps them), duplicate indices in an assignment and
`add.at` (undefined, or in any order). New memory is NaN. Recorded: transfers, and every wait for the device; counted:
operations. minivae does not know it: `with registered()`.

    with strict.recorded() as events:
        model.loss_and_grads(x, noise)
    assert events == []

Names are those of CuPy 14 only, functions and methods; whatever else is an AttributeError. So is `repeat`, for which
CuPy launches a copy for every index of the axis: broadcast and reshape.
"""

import math
import os
import sys
from collections import Counter
from contextlib import contextmanager
from types import SimpleNamespace
from typing import NamedTuple
from unittest.mock import patch

import numpy as np
from scipy import special

from minivae import backend

UFUNCS = (
    "abs", "absolute", "add", "ceil", "cos", "divide", "equal", "exp", "expm1", "floor", "floor_divide", "greater",
    "greater_equal", "isfinite", "isinf", "isnan", "less", "less_equal", "log", "log1p", "logaddexp", "logical_and",
    "logical_not", "logical_or", "matmul", "maximum", "minimum", "mod", "multiply", "negative", "not_equal", "power",
    "reciprocal", "rint", "sign", "sin", "sqrt", "square", "subtract", "tanh", "true_divide",
)  # fmt: skip
SPECIAL = ("betaln", "digamma", "gammaln")  # of cupyx.scipy.special
LINALG = ("inv", "slogdet")  # of cupy.linalg
CREATION = ("arange", "eye", "full", "linspace", "ones", "zeros")
FUNCTIONS = (
    "all", "any", "argmax", "argmin", "argsort", "broadcast_arrays", "broadcast_to", "clip", "concatenate", "cumsum",
    "diagonal", "dot", "expand_dims", "flip", "full_like", "max", "mean", "min", "moveaxis", "ones_like", "outer",
    "prod", "repeat", "reshape", "roll", "sort", "split", "squeeze", "stack", "std", "sum", "swapaxes", "take",
    "take_along_axis", "tensordot", "tile", "trace", "transpose", "tril", "triu", "var", "where", "zeros_like",
)  # fmt: skip
METHODS = (
    "all", "any", "argmax", "argmin", "argsort", "astype", "clip", "copy", "cumprod", "cumsum", "diagonal", "dot",
    "fill", "flatten", "max", "mean", "min", "prod", "ravel", "reshape", "round", "sort", "squeeze", "std",
    "sum", "swapaxes", "take", "trace", "transpose", "var", "view",
)  # fmt: skip
PROPERTIES = ("dtype", "flags", "itemsize", "nbytes", "ndim", "shape", "size", "strides")
DTYPES = ("bool_", "float32", "float64", "int8", "int32", "int64", "uint8")
BINARY = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.divide, "floordiv": np.floor_divide,
    "mod": np.remainder, "pow": np.power, "matmul": np.matmul, "and": np.bitwise_and, "or": np.bitwise_or,
    "xor": np.bitwise_xor,
}  # fmt: skip
COMPARISONS = ("lt", "le", "gt", "ge", "eq", "ne")
UNARY = {"neg": np.negative, "pos": np.positive, "abs": np.absolute, "invert": np.invert}


class Event(NamedTuple):
    """`kind`: "transfer" or "wait"; `what` asked for it, and where."""

    kind: str
    what: str
    where: str


_records, _counters = [], []


@contextmanager
def recorded():
    """The list of events inside."""
    events = []
    _records.append(events)
    try:
        yield events
    finally:
        _records.pop()


def count(events):
    """{"transfer": n, "wait": n}."""
    return {kind: [event.kind for event in events].count(kind) for kind in ("transfer", "wait")}


@contextmanager
def launched(kernels=False):
    """{operation: times} inside, of those that a GPU launches at least once; views and new memory are none.

    `kernels`: minivae finds a device that runs its kernels. They are counted by name and compute nothing, so that all
    values are NaN; what a step launches does not depend on them.
    """
    counter = Counter()
    _counters.append(counter)
    here = {"RawModule": None} if kernels else {}
    compiled = patch.object(backend, "kernel", lambda text, name, dtype: lambda *how: _launch(name))
    try:
        with patch.dict(globals(), here), compiled:
            yield counter
    finally:
        _counters.pop()


@contextmanager
def registered():
    """Inside, minivae knows the backend "strict"."""
    backend.BACKENDS["strict"] = lambda: sys.modules[__name__]
    backend.SPECIAL["strict"] = "strict"
    try:
        yield
    finally:
        del backend.BACKENDS["strict"], backend.SPECIAL["strict"]


def _note(kind, what):
    frame = sys._getframe(1)
    while frame.f_code.co_filename == __file__:
        frame = frame.f_back
    code = frame.f_code
    event = Event(kind, what, f"{os.path.basename(code.co_filename)}:{frame.f_lineno} {code.co_qualname}")
    for events in _records:
        events.append(event)


def _launch(what, result=None, *sources):
    """Count an operation, unless it made no numbers, or a view of a source."""
    if not _counters:
        return
    results = result if isinstance(result, tuple | list) else [result]
    if any(r is None or (r.size and not any(np.may_share_memory(r, a) for a in sources)) for r in results):
        for counter in _counters:
            counter[what] += 1


def _host(value, what):
    """NumPy's view of an argument; TypeError if it lives in host memory, unless it is a Python number or a setting."""
    if isinstance(value, ndarray):
        return value._a
    if isinstance(value, np.ndarray | np.generic):
        raise TypeError(f"{what}: expected strict arrays and Python numbers, got NumPy's {type(value).__name__}")
    if type(value) in (tuple, list):
        return type(value)(_host(part, what) for part in value)
    if value is None or type(value) in (bool, int, float, str) or isinstance(value, type | np.dtype):
        return value
    raise TypeError(f"{what}: expected strict arrays and Python numbers, got {type(value).__name__}")


def _operand(value, what):
    """As `_host`, of an array or a Python number."""
    if not isinstance(value, ndarray) and type(value) not in (bool, int, float):
        raise TypeError(f"{what}: expected a strict array or a Python number, got {type(value).__name__}")
    return _host(value, what)


def _own(value, what):
    """As `_host`, of an array or a sequence of them."""
    if type(value) in (tuple, list):
        return [_own(part, what) for part in value]
    if not isinstance(value, ndarray):
        raise TypeError(f"{what}: expected a strict array, got {type(value).__name__}")
    return value._a


def _device(result):
    """Arrays of NumPy's result: those without axes stay arrays."""
    return type(result)(map(_device, result)) if isinstance(result, tuple | list) else ndarray(np.asarray(result))


def _call(f, what, args, kwargs):
    out = kwargs.get("out")
    kwargs = {name: _host(value, what) for name, value in kwargs.items()}
    with np.errstate(all="ignore"):  # a GPU does not warn
        result = f(*args, **kwargs)
    if out is None and result is not None:
        own = getattr(f, "__self__", None)  # of a method
        _launch(what, result, *(a for a in (own, *args) if isinstance(a, np.ndarray)))
        return _device(result)
    _launch(what, f.__self__ if out is None else out)
    return out


class ndarray:
    """An array on the device that is none. `_a` is its memory: nobody else has it."""

    __slots__ = ("_a",)
    __array_ufunc__ = None  # NumPy's operators leave it to ours, which refuse; its functions raise TypeError
    __hash__ = None

    def __init__(self, a):
        self._a = a

    def _refuse(self, *args, **kwargs):
        raise TypeError("NumPy: expected its own arrays, got a strict one; fetch it with to_numpy")

    __array__ = __array_function__ = _refuse
    __array_interface__ = __array_struct__ = property(_refuse)

    def get(self):
        """A copy in host memory."""
        _note("transfer", "get")
        _note("wait", "get")
        return self._a.copy()

    @property
    def T(self):
        return ndarray(self._a.T)

    def __len__(self):
        return len(self._a)

    def __iter__(self):
        if self.ndim == 1:
            _note("wait", "iteration over elements")
        return (self[i] for i in range(len(self)))

    def __getitem__(self, key):
        key = _key(key)
        if any(isinstance(part, np.ndarray) and part.dtype == bool for part in key):
            _note("wait", "a boolean mask")  # how many are true is to be known
        result = self._a[key]
        _launch("getitem", result, self._a)
        return ndarray(result)

    def __setitem__(self, key, value):
        key = _key(key)
        if any(isinstance(part, np.ndarray) for part in key):
            places = np.arange(self.size).reshape(self.shape)[key].ravel()
            if len(np.unique(places)) < len(places):
                raise IndexError("assignment: expected every index once; which value stays is undefined on a GPU")
        self._a[key] = _operand(value, "assignment")
        _launch("setitem", self._a[key])

    def nonzero(self):
        _note("wait", "nonzero")
        return _device(self._a.nonzero())

    def __getattr__(self, name):
        raise AttributeError(f"strict: arrays have no {name!r}; is it one of CuPy's?")


def _key(key):
    """An index as a tuple that ends in an ellipsis, so that NumPy gives arrays, never scalars."""
    key = key if isinstance(key, tuple) else (key,)
    for part in key:
        numbers = (part.start, part.stop, part.step) if isinstance(part, slice) else (part,)
        if not all(n is None or n is Ellipsis or type(n) is int or isinstance(n, ndarray) for n in numbers):
            raise TypeError(f"index: expected whole numbers, slices and strict arrays, got {part!r}")
        if isinstance(part, ndarray) and part.dtype.kind not in "biu":
            raise IndexError(f"index: expected integers or booleans, got {part.dtype}")
    key = tuple(part._a if isinstance(part, ndarray) else part for part in key)
    return key if any(part is Ellipsis for part in key) else (*key, Ellipsis)


def _add_to_class():
    def reading(name):
        def method(self, *args):
            _note("wait", name)
            return getattr(self._a, name)(*args)

        return method

    def binary(name, f, swapped=False):
        def method(self, other):
            other = _operand(other, name)
            with np.errstate(all="ignore"):
                result = f(other, self._a) if swapped else f(self._a, other)
            _launch(name, result)
            return _device(result)

        return method

    def in_place(name, f):
        def method(self, other):
            with np.errstate(all="ignore"):
                f(self._a, _operand(other, name), out=self._a)
            _launch(name, self._a)
            return self

        return method

    def unary(name, f):
        def method(self):
            _launch(name, self._a)
            return _device(f(self._a))

        return method

    def delegated(name):
        def method(self, *args, **kwargs):
            return _call(getattr(self._a, name), name, _host(args, name), kwargs)

        return method

    for name in ("__float__", "__int__", "__bool__", "__complex__", "__repr__", "__str__", "__format__",
                 "item", "tolist", "tobytes"):  # fmt: skip
        setattr(ndarray, name, reading(name))
    for name, f in BINARY.items():
        setattr(ndarray, f"__{name}__", binary(name, f))
        setattr(ndarray, f"__r{name}__", binary(name, f, swapped=True))
        if name != "matmul":  # CuPy has none either
            setattr(ndarray, f"__i{name}__", in_place(name, f))
    for name, f in zip(COMPARISONS, (np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal),
                       strict=True):  # fmt: skip
        setattr(ndarray, f"__{name}__", binary(name, f))
    for name, f in UNARY.items():
        setattr(ndarray, f"__{name}__", unary(name, f))
    for name in METHODS:
        setattr(ndarray, name, delegated(name))
    for name in PROPERTIES:
        setattr(ndarray, name, property(lambda self, name=name: getattr(self._a, name)))


_add_to_class()


class ufunc:
    """One of CuPy's elementwise functions (and matmul): some argument is an array, the others may be numbers."""

    def __init__(self, name):
        self.name = name

    def __call__(self, *args, **kwargs):
        if not set(kwargs) <= {"out", "dtype"}:
            raise TypeError(f"{self.name}: expected out or dtype, got {', '.join(kwargs)}")
        host = [(_own if self.name == "matmul" else _operand)(a, self.name) for a in args]
        if not any(isinstance(a, ndarray) for a in args):
            raise TypeError(f"{self.name}: expected a strict array, got numbers only")
        return _call(getattr(special if self.name in SPECIAL else np, self.name), self.name, host, kwargs)

    def at(self, *args):
        raise TypeError(f"{self.name}.at: a GPU would sum in any order")


def asarray(a, dtype=None):
    """An array of host data, which is a transfer, or of a strict array, which is none."""
    if isinstance(a, ndarray):
        return a.astype(dtype or a.dtype, copy=False)
    _note("transfer", "asarray")
    return ndarray(np.array(a, dtype))


def asnumpy(a):
    return a.get()


def empty(shape, dtype="float64"):
    """Nothing in it may be read before it was written, so it is NaN."""
    a = np.zeros(shape, dtype)
    if a.dtype.kind == "f":
        a.fill(np.nan)
    return ndarray(a)


def empty_like(a, dtype=None):
    return empty(a.shape, dtype or a.dtype)


def result_type(*arrays):
    return np.result_type(*(_own(a, "result_type") for a in arrays))


def ascontiguousarray(a, dtype=None):
    return _call(np.ascontiguousarray, "ascontiguousarray", [_own(a, "ascontiguousarray"), dtype], {})


def _as_strided(x, shape, strides):
    """A view that must stay inside x, from its first element on."""
    a = _own(x, "as_strided")
    last = sum((n - 1) * stride for n, stride in zip(shape, strides, strict=True)) + a.itemsize
    if math.prod(shape) and (min(strides) < 0 or last > a.nbytes or not a.flags.c_contiguous):
        raise ValueError(f"as_strided: shape {shape}, strides {strides} leave the memory of {a.nbytes} bytes")
    return ndarray(np.lib.stride_tricks.as_strided(a, shape, strides))


class Generator:
    """Draws on the device what NumPy's would draw with the same key, by the methods that both have."""

    def __init__(self, rng):
        self._rng = rng

    def random(self, size, dtype="float64"):
        return _call(self._rng.random, "random", (size, dtype), {})

    def standard_normal(self, size, dtype="float64"):
        return _call(self._rng.standard_normal, "standard_normal", (size, dtype), {})

    def integers(self, high, *, size):
        return _call(self._rng.integers, "integers", (high,), {"size": size})


def _of_matrix(name):
    f = getattr(np.linalg, name)
    return lambda a: _call(lambda a: tuple(f(a)) if name == "slogdet" else f(a), name, [_own(a, name)], {})


random = SimpleNamespace(Generator=Generator, Philox4x3210=np.random.default_rng)
lib = SimpleNamespace(stride_tricks=SimpleNamespace(as_strided=_as_strided))
linalg = SimpleNamespace(**{name: _of_matrix(name) for name in LINALG})
newaxis = None


def is_available():
    return True


def __getattr__(name):
    """The functions in the tables above."""
    if name in UFUNCS or name in SPECIAL:
        return ufunc(name)
    if name in DTYPES:
        return getattr(np, name)
    if name in CREATION:
        return lambda *args, **kwargs: _call(getattr(np, name), name, _host(args, name), kwargs)
    if name in FUNCTIONS:

        def function(*args, **kwargs):
            pairs = dict.fromkeys(("dot", "outer", "tensordot", "take_along_axis"), 2)
            arrays = {"where": 1, "broadcast_arrays": len(args), **pairs}.get(name, 1)
            host = [*(_own(a, name) for a in args[:arrays]), *(_host(a, name) for a in args[arrays:])]
            if name in ("concatenate", "stack") and len(args[0]) > 8:
                _note("transfer", f"{name}: the addresses of {len(args[0])} arrays")
            return _call(getattr(np, name), name, host, kwargs)

        return function
    raise AttributeError(f"strict: no function {name!r}; is it one of CuPy's? Then add it to its table")

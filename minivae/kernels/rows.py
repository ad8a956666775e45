"""Arrays as the rows that a kernel walks over, and its start on a GPU or on a CPU."""

import math
from functools import cache

import numpy as np

from .. import compiled
from ..backend import REALS, THREADS, array_module, has_kernels, launch, on_host
from ..compiled import CompiledArray, aligned, function, run
from .text import DEVICE, FUNCTIONS, HOST, KERNELS


def each(name, *inputs, n_out=1, null=0, text=KERNELS):
    """`n_out` new arrays, by a kernel that takes each number by itself; in the shape to which the inputs broadcast.

    An input may be None, a null pointer, or a float, the same for all numbers. After the outputs come `null` further
    null pointers.
    """
    like = inputs[0]
    dtype, shape = like.dtype, like.shape
    arrays = [a for a in inputs if a is not None and type(a) is not float]
    alike = all([a.shape == shape and a.dtype is dtype and a.flags.c_contiguous for a in arrays])
    if not alike and any([a.shape not in (shape, shape[-1:]) for a in arrays]):
        shape = np.broadcast_shapes(*(a.shape for a in arrays))
    outputs = [empty(shape, like) for _ in range(n_out)]
    walked = (1, outputs[0].size) if alike else shape or (1,)  # without gaps all rows are one
    args = as_rows(*inputs, like=like, shape=walked, alike=alike)
    start(name, walked, like, *args, *outputs, *[0] * null, text=text, of_numbers=True)
    return outputs if n_out > 1 else outputs[0]


def large(a):
    """Whether the array is worth the start of a kernel; on a GPU each is."""
    return not on_host(a) or a.size >= compiled.SMALL


def pays(arrays):
    """Whether one of the arrays has kernels and is large; not where one is complex, for a complex step."""
    return any([has_kernels(a) and large(a) for a in arrays]) and all(
        [a.dtype.kind != "c" for a in arrays if hasattr(a, "dtype")]
    )


def start(name, shape, like, *args, text=KERNELS, of_numbers=False):
    """Run a kernel over the rows of an array of `shape`, on the machine and in the dtype of `like`.

    Python floats go as reals, integers as long long, 0 also as a null pointer. On a GPU each row is a block's, or,
    `of_numbers`, as many numbers as a block has threads.
    """
    rows, D = math.prod(shape[:-1]), shape[-1]
    if on_host(like):
        real = like.dtype.char
        run(_function(text, name, real), real, rows, D, *args)
    else:
        launch(cuda(text), name, like.dtype, -(-rows * D // THREADS) if of_numbers else rows, rows, D, *args)


@cache
def cuda(text):
    """A text of kernels as CUDA C; `backend` says which numbers are `real`."""
    return DEVICE + FUNCTIONS + text


def c_source(text, dtype):
    """A text of kernels as C."""
    return f"typedef {REALS[dtype]} real;\n{HOST}{FUNCTIONS}{text}"


@cache
def _function(text, name, real):
    return function(c_source(text, np.dtype(real).name), name)


def empty(shape, like):
    """A new array for a kernel to fill, on the machine and in the dtype of `like`."""
    return aligned(shape, like.dtype, CompiledArray) if on_host(like) else array_module(like).empty(shape, like.dtype)


def as_rows(*arrays, like, shape, alike=False):
    """[array, step, array, step, ...] in the dtype of `like`: broadcast to `shape`, `step` from a row to the next.

    An array is copied where its rows do not lie in equal steps; `alike`: all have this shape and no gaps. None becomes
    a null pointer, a float stays as it is.
    """
    args = []
    for a in arrays:
        if a is None:
            args += (0, 0)
        elif type(a) is float:
            args.append(a)
        elif alike:
            args += (a, shape[-1])
        else:
            args += _as_rows(a, like, shape)
    return args


def _as_rows(a, like, shape):
    """(array, step) of one array."""
    if a.dtype == like.dtype:
        if a.shape == shape and a.flags.c_contiguous:
            return a, shape[-1]
        if a.shape == shape and a.ndim == 2 and a.strides[1] == a.itemsize:  # as the halves of an encoder's output lie
            return a, a.strides[0] // a.itemsize
        if a.size == shape[-1] and a.shape[-1:] == shape[-1:] and a.flags.c_contiguous:  # as b: one row for all
            return a, 0
    xp = array_module(like)
    a = xp.broadcast_to(a.astype(like.dtype, copy=False), shape)
    return xp.ascontiguousarray(a), shape[-1]

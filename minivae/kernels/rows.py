"""Arrays as the rows that a kernel walks over, and the launches."""

import math

import numpy as np

from ..backend import THREADS, array_module, launch
from .text import CUDA


def each(name, *inputs, n_out=1, null=0, text=CUDA):
    """`n_out` new arrays, by a kernel that takes each number by itself; in the shape to which the inputs broadcast.

    An input may be None, a null pointer, or a float, the same for all numbers. After the outputs come `null` further
    null pointers.
    """
    like = inputs[0]
    shape = np.broadcast_shapes(*(a.shape for a in inputs if hasattr(a, "shape")))
    outputs = [array_module(like).empty(shape, like.dtype) for _ in range(n_out)]
    n = math.prod(shape)
    rows = math.prod(shape[:-1])
    args = as_rows(*inputs, like=like, shape=shape)
    launch(text, name, like.dtype, -(-n // THREADS), rows, shape[-1], *args, *outputs, *[0] * null)
    return outputs if n_out > 1 else outputs[0]


def each_row(name, shape, dtype, *args):
    """Launch a kernel with a block for each row of an array of `shape`."""
    rows = math.prod(shape[:-1])
    launch(CUDA, name, dtype, rows, rows, shape[-1], *args)


def as_rows(*arrays, like, shape):
    """[array, step, array, step, ...] in the dtype of `like`: broadcast to `shape`, `step` from a row to the next.

    An array is copied where its rows do not lie in equal steps. None becomes a null pointer, a float stays as it is.
    """
    xp = array_module(like)
    args = []
    for a in arrays:
        if a is None:
            args += [0, 0]
            continue
        if isinstance(a, float):
            args.append(a)
            continue
        a = a.astype(like.dtype, copy=False)
        a = xp.broadcast_to(a, shape if a.ndim > 1 else (math.prod(shape[:-1]), shape[-1]))
        if a.ndim == 2 and a.strides[1] == a.itemsize:  # as the halves of an encoder's output lie
            args += [a, a.strides[0] // a.itemsize]
        else:
            args += [xp.ascontiguousarray(a), shape[-1]]
    return args

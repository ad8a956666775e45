"""Embedding: an index becomes the row of a table that has its number."""

import numpy as np

from ..backend import array_module
from ..options import sizes
from ..params import Param
from .base import Layer

FEW = 256  # rows of W up to which a product with one-hot rows is faster than adding row by row


class Embedding(Layer):
    """y = W[x], the same as Dense on one-hot rows, without the rows.

    x (...) are whole numbers from 0 to n - 1, of any shape. W (n, width) has one row per index, and y (..., width) has
    the row W[x] in the place of x. Indices have no gradient: dx is None.
    """

    def __init__(self, n, width, rng):
        n, width = sizes(n=n, width=width)
        W = rng.standard_normal((n, width), dtype="float32") / width**0.5  # rows of length about 1
        self.W = Param(W, decay=False)

    def forward(self, x, noise=None):
        n = len(self.W.data)
        if x.dtype.kind not in "iu":
            raise ValueError(f"x: expected integers, got {x.dtype}")
        # on a GPU nothing is checked: the step would have to wait for the answer
        if isinstance(x, np.ndarray) and x.size and not (x.min() >= 0 and x.max() < n):
            raise ValueError(f"x: expected indices in 0 to {n - 1}, got {x.min()} to {x.max()}")
        return self.W.data[x], x

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        if not accumulate:
            return
        # forward copied row i of W to every place with x = i, so now row i of dW is the sum of dy at those places
        if isinstance(dy, np.ndarray) and len(self.W.data) > FEW:
            np.add.at(self.W.grad, cache, dy)
        else:  # a product with one-hot rows (n, places); a GPU would add in any order, and round differently each time
            one_hot = array_module(dy).arange(len(self.W.data))[:, None] == cache.reshape(-1)
            self.W.add_product(one_hot.astype(dy.dtype), dy.reshape(-1, dy.shape[-1]))

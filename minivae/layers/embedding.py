"""Embedding: a row of a table for each index."""

import numpy as np

from ..backend import array_module
from ..params import Param
from .base import Layer


class Embedding(Layer):
    """y = W[x]: indices x (...) in 0..n-1, W (n, width) -> y (..., width). Row i gathers dy of all places with x = i.

    The same as Dense on one-hot rows, without the rows. Indices have no gradient: dx is None.
    """

    def __init__(self, n, width, rng):
        self.W = Param(
            rng.standard_normal((n, width), dtype="float32") / width**0.5, decay=False
        )  # rows of length about 1

    def forward(self, x, noise=None):
        n = len(self.W.data)
        if x.dtype.kind not in "iu":
            raise ValueError(f"x: expected integers, got {x.dtype}")
        if isinstance(x, np.ndarray) and x.size and not (x.min() >= 0 and x.max() < n):  # a GPU would have to wait
            raise ValueError(f"x: expected indices in 0 to {n - 1}, got {x.min()} to {x.max()}")
        return self.W.data[x], x

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        if not accumulate:
            return
        if isinstance(dy, np.ndarray):
            np.add.at(self.W.grad, cache, dy)
        else:  # which a GPU would do in any order: as a product with one-hot columns (n, places)
            one_hot = array_module(dy).arange(len(self.W.data))[:, None] == cache.reshape(-1)
            self.W.add_product(one_hot.astype(dy.dtype), dy.reshape(-1, dy.shape[-1]))

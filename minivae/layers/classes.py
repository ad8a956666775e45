"""A network of x and of its class y, for every class at once."""

from ..backend import array_module
from .base import Layer
from .combine import Network
from .dense import Dense
from .embedding import Embedding

ONE = 10.0  # in a one-hot row of y, where 1 would leave y to learn slower than what stands beside it


class EachClass(Layer):
    """y_c = rest(first(x) + ONE V_c) for each class c: the network of x with one-hot rows of c behind its input.

    x (N, n_in) -> y (C, N, n_out), or a tuple of such arrays. `first`, which ends in a dense layer of H outputs, is
    computed once, and not for every class. V (C, H), 0 at the start, are the rows of W of that layer that belong to the
    classes.
    """

    def __init__(self, first, count, rest, rng):
        self.n_in = first.n_in
        self.first = first
        self.rows = Embedding(count, first.layers[-1].b.data.size, rng)
        self.rows.W.data[...] = 0
        self.rest = rest

    def draw_noise(self, rng, n):
        noise = self.first.draw_noise(rng, n), self.rest.draw_noise(rng, len(self.rows.W.data) * n)
        return None if noise == (None, None) else noise

    def forward(self, x, noise=None):
        in_first, in_rest = (None, None) if noise is None else noise
        h, c_first = self.first.forward(x, in_first)  # (N, H)
        V, c_rows = self.rows.forward(array_module(h).arange(len(self.rows.W.data)))  # (C, H)
        y, c_rest = self.rest.forward(h + ONE * V[:, None], in_rest)
        return y, (c_first, c_rows, c_rest)

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        c_first, c_rows, c_rest = cache
        dh = self.rest.backward(dy, c_rest, accumulate)  # (C, N, H)
        # forward added ONE V_c to every h_n, and h_n to every V_c, so now each gets the sum over the others
        self.rows.backward(ONE * dh.sum(axis=1), c_rows, accumulate)
        return self.first.backward(dh.sum(axis=0), c_first, accumulate, need_dx)


def of_each_class(network, count, rng):
    """The same network of x with a class, which comes in at its first dense layer."""
    cut = 1 + next(i for i, layer in enumerate(network.layers) if isinstance(layer, Dense))
    return EachClass(Network(*network.layers[:cut]), count, Network(*network.layers[cut:]), rng)

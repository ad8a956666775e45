"""The gated recurrent unit (Cho et al. 2014): one step, and unrolled over time.

Its gates: r (reset) and u (update, the paper's z, a name that the latents have). n is the candidate.
"""

import numpy as np

from ..backend import array_module
from ..numeric import sigmoid, sum_rows
from ..params import Param
from .base import Layer
from .initialize import glorot


class GRUCell(Layer):
    """(x, h) -> h' = (1 - u) n + u h: u = 1 keeps the old state, u = 0 takes the candidate.

        r = sigmoid(x W_r + h U_r + b_r),  u = sigmoid(x W_u + h U_u + b_u),  n = tanh(x W_n + b_n + r (h U_n + c))

    x (N, n_in), h (N, H); W (n_in, 3 H), U (H, 3 H), b (3 H,), in blocks r, u, n; c (H,). The reset gate works on the
    product h U_n, as in the first version of the paper (1406.1078v1) and in cuDNN: a step is two matrix products.
    """

    def __init__(self, n_in, H, rng):
        self.W = Param(np.concatenate([glorot(rng, (n_in, H), n_in, H) for _ in range(3)], axis=1))
        self.U = Param(np.concatenate([glorot(rng, (H, H), H, H) for _ in range(3)], axis=1))
        self.b = Param(np.zeros(3 * H), decay=False)
        self.c = Param(np.zeros(H), decay=False)

    def forward(self, x, noise=None):
        x, h = x
        H = h.shape[-1]
        a, g = x @ self.W.data + self.b.data, h @ self.U.data  # (N, 3 H) each
        gates = sigmoid(a[:, : 2 * H] + g[:, : 2 * H])
        r, u = gates[:, :H], gates[:, H:]
        m = g[:, 2 * H :] + self.c.data  # (N, H)
        n = array_module(h).tanh(a[:, 2 * H :] + r * m)
        return n + u * (h - n), (x, h, r, u, m, n)

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        x, h, r, u, m, n = cache
        dn = dy * (1 - u) * (1 - n * n)  # through the tanh
        du = dy * (h - n) * u * (1 - u)
        dr = dn * m * r * (1 - r)
        xp = array_module(dy)
        da = xp.concatenate((dr, du, dn), axis=1)  # (N, 3 H)
        dg = xp.concatenate((dr, du, dn * r), axis=1)
        if accumulate:
            self.W.add_product(x.T, da)
            self.U.add_product(h.T, dg)
            self.b.grad += sum_rows(da)
            self.c.grad += sum_rows(dn * r)
        return da @ self.W.data.T, dy * u + dg @ self.U.data.T


class GRU(Layer):
    """A GRUCell unrolled: (x (N, T, n_in), h0 (N, H)) -> the states h_1 .. h_T (N, T, H). The cache is the T caches.

    Backward through time: h_t gets the gradient from its own output and from the step after it.
    """

    def __init__(self, n_in, H, rng):
        self.cell = GRUCell(n_in, H, rng)

    def forward(self, x, noise=None):
        x, h = x
        states, caches = [], []
        for t in range(x.shape[1]):
            h, cache = self.cell.forward((x[:, t], h))
            states.append(h)
            caches.append(cache)
        return array_module(h).stack(states, axis=1), caches

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        xp, dx, dh = array_module(dy), [], 0
        for t in range(len(cache) - 1, -1, -1):
            dx_t, dh = self.cell.backward(dy[:, t] + dh, cache[t], accumulate)
            dx.append(dx_t)
        return xp.stack(dx[::-1], axis=1), dh

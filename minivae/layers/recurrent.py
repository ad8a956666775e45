"""The gated recurrent unit (Cho et al. 2014): one step, and unrolled over time.

Its gates are r (reset) and u (update; the paper's z, which is the name of the latents here). n is the candidate for
the new state h'. Sizes: N examples, T steps of time, n_in numbers in x, H in a state h.
"""

import numpy as np

from ..backend import array_module
from ..numeric import sigmoid, sum_rows
from ..options import sizes
from ..params import Param
from .base import Layer
from .initialize import glorot


class GRUCell(Layer):
    """(x, h) -> h' = (1 - u) n + u h: u = 1 keeps the old state, u = 0 takes the candidate.

        r = sigmoid(x W_r + h U_r + b_r)
        u = sigmoid(x W_u + h U_u + b_u)
        n = tanh(x W_n + b_n + r (h U_n + c))

    x (N, n_in) and h (N, H) have one row per example, and so has h' (N, H). W (n_in, 3 H), U (H, 3 H) and b (3 H,) are
    three blocks beside each other, for r, u and n; c is (H,). The reset gate multiplies the product h U_n, not h, as in
    the first version of the paper (1406.1078v1) and in cuDNN: so a step is two matrix products.
    """

    def __init__(self, n_in, H, rng):
        n_in, H = sizes(n_in=n_in, H=H)
        self.W = Param(np.concatenate([glorot(rng, (n_in, H), n_in, H) for _ in range(3)], axis=1))
        self.U = Param(np.concatenate([glorot(rng, (H, H), H, H) for _ in range(3)], axis=1))
        self.b = Param(np.zeros(3 * H), decay=False)
        self.c = Param(np.zeros(H), decay=False)

    def forward(self, x, noise=None):
        x, h = x
        H = h.shape[-1]
        a = x @ self.W.data + self.b.data  # (N, 3 H)
        g = h @ self.U.data  # (N, 3 H)
        gates = sigmoid(a[:, : 2 * H] + g[:, : 2 * H])
        r = gates[:, :H]
        u = gates[:, H:]
        m = g[:, 2 * H :] + self.c.data  # (N, H)
        n = array_module(h).tanh(a[:, 2 * H :] + r * m)
        return n + u * (h - n), (x, h, r, u, m, n)

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        x, h, r, u, m, n = cache
        # forward was h' = n + u (h - n), n = tanh(a_n + r m) and u = sigmoid(a_u + g_u), so now
        da_n = dy * (1 - u) * (1 - n * n)
        da_u = dy * (h - n) * u * (1 - u)
        # forward multiplied m by r = sigmoid(a_r + g_r), so now each gets what the other one was
        dm = da_n * r
        da_r = da_n * m * r * (1 - r)
        xp = array_module(dy)
        da = xp.concatenate((da_r, da_u, da_n), axis=1)  # (N, 3 H)
        dg = xp.concatenate((da_r, da_u, dm), axis=1)  # (N, 3 H)
        # forward was a = x W + b and g = h U, so now both go back as in a dense layer
        if accumulate:
            self.W.add_product(x.T, da)
            self.U.add_product(h.T, dg)
            self.b.grad += sum_rows(da)
            self.c.grad += sum_rows(dm)
        dx = da @ self.W.data.T
        dh = dy * u + dg @ self.U.data.T  # h went into h' directly, and through U
        return dx, dh


class GRU(Layer):
    """A GRUCell unrolled over time: one cell, and so one set of parameters, for all T steps.

    (x (N, T, n_in), h_0 (N, H)) -> y (N, T, H), the states h_1 .. h_T. What does not depend on a state is one product
    for all steps: x W + b before the first of them, and all gradients but dh behind the last. Inside, the blocks of r,
    u and n come first, then time, so that a step goes over numbers that lie together.
    """

    def __init__(self, n_in, H, rng):
        self.cell = GRUCell(n_in, H, rng)

    def forward(self, x, noise=None):
        x, h = x
        xp, (N, T, n_in), H = array_module(x), x.shape, h.shape[-1]
        W, U, b, c = (param.data for param in (self.cell.W, self.cell.U, self.cell.b, self.cell.c))
        x = xp.ascontiguousarray(x.swapaxes(0, 1)).reshape(T * N, n_in)
        a = x @ _blocks(W)  # (3, T N, H)
        a += b.reshape(3, 1, H)
        a = a.reshape(3, T, N, H).astype(xp.result_type(a, h), copy=False)  # a complex step may be in h alone
        m, states = xp.empty(a.shape[1:], a.dtype), xp.empty((T + 1, N, H), a.dtype)  # h_0 .. h_T
        states[0] = h
        for t in range(T):  # as in the cell; r, u and n take the place of their sums
            gates, n = a[:2, t], a[2, t]
            g = _blocks(states[t] @ U)  # (3, N, H)
            gates += g[:2]
            _gate(gates)
            xp.add(g[2], c, out=m[t])
            n += gates[0] * m[t]
            xp.tanh(n, out=n)
            xp.subtract(states[t], n, out=states[t + 1])
            states[t + 1] *= gates[1]
            states[t + 1] += n
        return states[1:].swapaxes(0, 1), (x, states, a, m)

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        x, states, a, m = cache
        xp, cell, (T, N, H) = array_module(dy), self.cell, m.shape
        d = xp.empty((4, T, N, H), xp.result_type(a, dy))  # da_r, da_u, dm, da_n
        U = xp.ascontiguousarray(_blocks(cell.U.data).swapaxes(1, 2))
        dh = xp.zeros((N, H), d.dtype)
        # forward gave h_t to the output and to step t + 1, so now it gets the sum of both gradients, from the last on
        for t in range(T - 1, -1, -1):
            dh += dy[:, t]
            r, u, n = a[:, t]
            da_r, da_u, dm, da_n = d[:, t]
            # as in the cell, with dn = dh (1 - u) and u (h - n) = h' - n
            dn = 1 - u
            dn *= dh
            xp.multiply(n, n, out=da_n)
            xp.subtract(1, da_n, out=da_n)
            da_n *= dn
            xp.multiply(da_n, r, out=dm)
            xp.subtract(1, r, out=da_r)
            da_r *= m[t]
            da_r *= dm
            xp.subtract(states[t + 1], n, out=da_u)
            da_u *= dn
            dh -= dn
            dh += (d[:3, t] @ U).sum(axis=0)
        d = d.reshape(4, T * N, H)
        da, dg = (d[0], d[1], d[3]), d[:3]
        if accumulate:
            h = states[:-1].reshape(T * N, H)
            for i in range(3):
                block = slice(i * H, (i + 1) * H)
                cell.W.grad[:, block] += x.T @ da[i]
                cell.U.grad[:, block] += h.T @ dg[i]
                cell.b.grad[block] += sum_rows(da[i])
            cell.c.grad += sum_rows(d[2])
        if not need_dx:
            return None
        dx = sum(part @ block.T for part, block in zip(da, _blocks(cell.W.data), strict=True))
        return dx.reshape(T, N, x.shape[-1]).swapaxes(0, 1), dh


def _blocks(W):
    """The blocks of r, u and n beside each other in W (n, 3 H), a view (3, n, H)."""
    return W.reshape(len(W), 3, W.shape[-1] // 3).swapaxes(0, 1)


def _gate(a):
    """sigmoid(a) = (1 + tanh(a / 2)) / 2, in place: half the time of `sigmoid`, whose far ends a gate does not need."""
    a *= 0.5
    array_module(a).tanh(a, out=a)
    a += 1
    a *= 0.5

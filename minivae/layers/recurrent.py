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
    for all steps: x W + b before the first of them, and all gradients but dh behind the last. Inside, time comes first.
    """

    def __init__(self, n_in, H, rng):
        self.cell = GRUCell(n_in, H, rng)

    def forward(self, x, noise=None):
        x, h = x
        xp, (N, T, n_in), H = array_module(x), x.shape, h.shape[-1]
        W, U, b, c = (param.data for param in (self.cell.W, self.cell.U, self.cell.b, self.cell.c))
        x = xp.ascontiguousarray(x.swapaxes(0, 1)).reshape(T * N, n_in)
        gates = (x @ W[:, : 2 * H] + b[: 2 * H]).reshape(T, N, 2 * H)
        n = (x @ W[:, 2 * H :] + b[2 * H :]).reshape(T, N, H)
        dtype = xp.result_type(n, h)  # a complex step may be in h alone
        gates, n = gates.astype(dtype, copy=False), n.astype(dtype, copy=False)
        m, states = xp.empty((T, N, H), dtype), xp.empty((T + 1, N, H), dtype)  # h_0 .. h_T
        states[0] = h
        for t in range(T):  # as in the cell; r, u and n take the place of their sums
            g = states[t] @ U  # (N, 3 H)
            gates[t] += g[:, : 2 * H]
            _gate(gates[t])
            xp.add(g[:, 2 * H :], c, out=m[t])
            n[t] += gates[t, :, :H] * m[t]
            xp.tanh(n[t], out=n[t])
            xp.subtract(states[t], n[t], out=states[t + 1])
            states[t + 1] *= gates[t, :, H:]
            states[t + 1] += n[t]
        return states[1:].swapaxes(0, 1), (x, states, gates, m, n)

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        x, states, gates, m, n = cache
        xp, cell, (T, N, H) = array_module(dy), self.cell, m.shape
        d = xp.empty((T, N, 4 * H), xp.result_type(n, dy))  # da_r, da_u, da_n, dm beside each other
        U = xp.ascontiguousarray(cell.U.data.T)  # (3 H, H)
        dh = 0
        # forward gave h_t to the output and to step t + 1, so now it gets the sum of both gradients, from the last on
        for t in range(T - 1, -1, -1):
            dh = dy[:, t] + dh
            r, u = gates[t, :, :H], gates[t, :, H:]
            da_r, da_u, da_n, dm = (d[t, :, i * H : (i + 1) * H] for i in range(4))
            # as in the cell
            rest = 1 - u
            e = dh * rest
            e *= 1 - n[t] * n[t]
            da_n[...] = e
            xp.multiply(e, r, out=dm)
            e *= m[t]
            e *= r
            e *= 1 - r
            da_r[...] = e
            rest *= u
            rest *= states[t] - n[t]
            xp.multiply(rest, dh, out=da_u)
            dh *= u
            dh += d[t, :, : 2 * H] @ U[: 2 * H]
            dh += dm @ U[2 * H :]
        rows = d.reshape(T * N, 4 * H)
        if accumulate:
            before = states[:-1].reshape(T * N, H)
            cell.W.add_product(x.T, rows[:, : 3 * H])
            cell.U.grad[:, : 2 * H] += before.T @ rows[:, : 2 * H]
            cell.U.grad[:, 2 * H :] += before.T @ rows[:, 3 * H :]
            sums = sum_rows(rows)
            cell.b.grad += sums[: 3 * H]
            cell.c.grad += sums[3 * H :]
        if not need_dx:
            return None
        return (rows[:, : 3 * H] @ cell.W.data.T).reshape(T, N, x.shape[-1]).swapaxes(0, 1), dh


def _gate(a):
    """sigmoid(a) = (1 + tanh(a / 2)) / 2, in place: half the time of `sigmoid`, whose far ends a gate does not need."""
    a *= 0.5
    array_module(a).tanh(a, out=a)
    a += 1
    a *= 0.5

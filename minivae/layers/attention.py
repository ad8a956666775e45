"""Causal attention (Vaswani et al. 2017): each step of a sequence looks at itself and at the steps before it.

Sizes: N examples, T steps, `heads` looks of d = width / heads numbers each. s is a step that is looked at, t one that
looks.
"""

import math

from ..backend import array_module
from ..numeric import softmax
from ..options import sizes
from ..params import Param
from .base import Layer
from .dense import Dense


class CausalAttention(Layer):
    """y_t = out(a_t): a_t is the mean of the values v_s of the steps s <= t, weighted by what t looks for.

        q, k, v = qkv(x)                           query, key and value of each step and head
        p_st = softmax over s <= t of k_s . q_t / sqrt(d)
        a_t = sum_s p_st v_s

    x (N, T, width) -> y in the same shape; p (N, heads, T, T), keys s down and queries t across; a has the heads beside
    each other. What stands behind a step changes nothing there, so short lines may be filled up to T. A bias of keys
    adds the same to all scores of a query, so it changes nothing either, and its gradient is 0.
    """

    def __init__(self, width, heads, rng):
        width, self.heads = sizes(width=width, heads=heads)
        if width % self.heads:
            raise ValueError(f"heads: expected a divisor of width = {width}, got {heads}")
        self.qkv = Dense(width, 3 * width, rng)
        self.out = Dense(width, width, rng)

    def forward(self, x, noise=None):
        N, T, width = x.shape
        rows, c_qkv = self.qkv.forward(x.reshape(N * T, width))  # (N T, 3 width)
        q, k, v = self._parts(rows, N, T)  # (N, heads, T, d) each
        p = self._probabilities(q, k)  # (N, heads, T, T)
        a = array_module(x).empty((N * T, width), rows.dtype)
        array_module(x).matmul(p.swapaxes(-1, -2), v, out=self._parts(a, N, T)[0])
        y, c_out = self.out.forward(a)
        return y.reshape(x.shape), (c_qkv, q, k, v, p, a, c_out)

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        c_qkv, q, k, v, p, a, c_out = cache
        xp, (N, T, width) = array_module(dy), dy.shape
        da = self.out.backward(dy.reshape(N * T, width), c_out, accumulate)  # (N T, width)
        mean = (a * da).reshape(N, T, self.heads, width // self.heads).sum(axis=-1)  # of dp_t under p_t
        mean = mean.swapaxes(1, 2)[:, :, None]  # (N, heads, 1, T)
        da = self._parts(da, N, T)[0]  # (N, heads, T, d)
        drows = xp.empty((N * T, 3 * width), da.dtype)
        dq, dk, dv = self._parts(drows, N, T)
        # forward was a_t = sum_s p_st v_s, so now dv_s = sum_t p_st da_t and dp_st = v_s . da_t
        xp.matmul(p, da, out=dv)
        dscores = v @ da.swapaxes(-1, -2)  # dp, (N, heads, T, T)
        # forward was p_t = softmax(scores of t), so now dscore_st = p_st (dp_st - mean_t) / sqrt(d) with
        # mean_t = sum_r p_rt dp_rt = sum_r p_rt v_r . da_t = a_t . da_t; it is 0 where p is 0
        dscores -= mean
        dscores *= p
        dscores /= math.sqrt(q.shape[-1])
        # forward was score_st = k_s . q_t / sqrt(d), so now each gets what the other one was
        xp.matmul(dscores.swapaxes(-1, -2), k, out=dq)
        xp.matmul(dscores, q, out=dk)
        dx = self.qkv.backward(drows, c_qkv, accumulate, need_dx)
        return dx.reshape(dy.shape) if need_dx else None

    def weights(self, x):
        """How much step t looks at step s, (N, heads, T, T): queries down, keys across, each row sums to 1."""
        N, T, width = x.shape
        q, k, _ = self._parts(self.qkv(x.reshape(N * T, width)), N, T)
        return self._probabilities(q, k).swapaxes(-1, -2)

    def step(self, x, memory=None):
        """(y (N, width) of one step more, what is remembered then), of x (N, width) there.

        What is remembered are the keys and values (N, heads, t, d) of the t steps before; None: there are none.
        """
        q, k, v = self._parts(self.qkv(x), len(x), 1)  # (N, heads, 1, d) each
        if memory is not None:
            k, v = (array_module(x).concatenate(pair, axis=-2) for pair in zip(memory, (k, v), strict=True))
        a = self._probabilities(q, k).swapaxes(-1, -2) @ v  # (N, heads, 1, d)
        return self.out(a.reshape(x.shape)), (k, v)

    def _parts(self, rows, N, T):
        """Rows (N T, n width) of n things beside each other -> (n, N, heads, T, d), views."""
        n, d = rows.shape[-1] // self.out.n_in, self.out.n_in // self.heads
        return rows.reshape(N, T, n, self.heads, d).transpose(2, 0, 3, 1, 4)

    def _probabilities(self, q, k):
        """p (N, heads, S, T) of S keys, down, and the queries of the last T of their steps, across.

        A step that comes later has the score -infinity.
        """
        xp, S, T = array_module(q), k.shape[-2], q.shape[-2]
        scores = k @ q.swapaxes(-1, -2)
        scores /= math.sqrt(q.shape[-1])
        steps = xp.arange(S)
        scores += xp.where(steps[:, None] > steps[S - T :], -math.inf, 0.0).astype(scores.dtype)
        return softmax(scores)


class Positions(Layer):
    """y_t = x_t + W_t, so that what is blind to the order of the steps can tell them apart.

    x (N, t, width), t <= T steps -> y in the same shape. W (T, width) has one row per step.
    """

    def __init__(self, T, width, rng):
        T, width = sizes(T=T, width=width)
        W = rng.standard_normal((T, width), dtype="float32") / width**0.5  # rows of length about 1, as in Embedding
        self.W = Param(W, decay=False)

    def forward(self, x, noise=None):
        return x + self.rows(0, x.shape[1]), None

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        # forward added row t of W in every example, so now its gradient is the sum of dy over them
        if accumulate:
            self.W.grad[: dy.shape[1]] += dy.sum(axis=0)
        return dy

    def rows(self, start, stop):
        """Those of the steps from `start` on, before `stop`; ValueError beyond T."""
        if stop > len(self.W.data):
            raise ValueError(f"x: expected at most {len(self.W.data)} steps, got {stop}")
        return self.W.data[start:stop]

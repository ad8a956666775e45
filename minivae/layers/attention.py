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
        a = p.swapaxes(-1, -2) @ v  # (N, heads, T, d)
        y, c_out = self.out.forward(a.swapaxes(1, 2).reshape(N * T, width))
        return y.reshape(x.shape), (c_qkv, q, k, v, p, c_out)

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        c_qkv, q, k, v, p, c_out = cache
        N, T, width = dy.shape
        (da,) = self._parts(self.out.backward(dy.reshape(N * T, width), c_out, accumulate), N, T)  # (N, heads, T, d)
        # forward was a_t = sum_s p_st v_s, so now dv_s = sum_t p_st da_t and dp_st = v_s . da_t
        dv = p @ da
        dp = v @ da.swapaxes(-1, -2)  # (N, heads, T, T)
        # forward was p_t = softmax(scores of t), so now dscore_st = p_st (dp_st - sum_r p_rt dp_rt), 0 where p is 0
        dscores = p * dp
        dscores -= p * dscores.sum(axis=-2, keepdims=True)
        # forward was score_st = k_s . q_t / sqrt(d), so now each gets what the other one was
        dscores /= math.sqrt(q.shape[-1])
        dq = dscores.swapaxes(-1, -2) @ k
        dk = dscores @ q
        drows = array_module(dy).stack([part.swapaxes(1, 2) for part in (dq, dk, dv)], axis=2)  # (N, T, 3, heads, d)
        dx = self.qkv.backward(drows.reshape(N * T, 3 * width), c_qkv, accumulate, need_dx)
        return dx.reshape(dy.shape) if need_dx else None

    def weights(self, x):
        """How much step t looks at step s, (N, heads, T, T): queries down, keys across, each row sums to 1."""
        N, T, width = x.shape
        q, k, _ = self._parts(self.qkv(x.reshape(N * T, width)), N, T)
        return self._probabilities(q, k).swapaxes(-1, -2)

    def _parts(self, rows, N, T):
        """Rows (N T, n width) of n things beside each other -> (n, N, heads, T, d), views."""
        n, d = rows.shape[-1] // self.out.n_in, self.out.n_in // self.heads
        return rows.reshape(N, T, n, self.heads, d).transpose(2, 0, 3, 1, 4)

    def _probabilities(self, q, k):
        """p (N, heads, T, T), keys down and queries across: a step that comes later has the score -infinity."""
        xp = array_module(q)
        scores = k @ q.swapaxes(-1, -2)
        scores /= math.sqrt(q.shape[-1])
        steps = xp.arange(q.shape[-2])
        scores += xp.where(steps[:, None] > steps, -math.inf, 0.0).astype(scores.dtype)
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
        t, T = x.shape[1], len(self.W.data)
        if t > T:
            raise ValueError(f"x: expected at most {T} steps, got {t}")
        return x + self.W.data[:t], None

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        # forward added row t of W in every example, so now its gradient is the sum of dy over them
        if accumulate:
            self.W.grad[: dy.shape[1]] += dy.sum(axis=0)
        return dy

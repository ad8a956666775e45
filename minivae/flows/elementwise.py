"""Bijectors of each number by itself."""

import math

import numpy as np

from ..backend import array_module, on_host
from ..numeric import sigmoid, sum_rows
from ..options import real, sizes
from ..params import Param
from .base import Bijector


class Logit(Bijector):
    """z' = log(p / q), p = alpha + (1 - 2 alpha) z, q = 1 - p, takes [0, 1] to the reals (Dinh et al. 2017, sec. 4.1).

    log_det = sum log((1 - 2 alpha) / (p q)). alpha > 0 keeps the ends finite; z (..., L) may leave [0, 1] by
    alpha / (1 - 2 alpha). What is beyond is NaN.
    """

    def __init__(self, alpha=1e-6):
        self.alpha = real(below=0.5)("alpha", alpha)

    def forward(self, z, context=None):
        xp, slope = array_module(z), 1 - 2 * self.alpha
        p, q = self.alpha + slope * z, self.alpha + slope * (1 - z)  # 1 - p would lose the digits of a small q
        log_p, log_q = xp.log(p), xp.log(q)
        log_det = z.shape[-1] * math.log(slope) - (log_p + log_q).sum(axis=-1)
        return (log_p - log_q, log_det), (p, q)

    def backward(self, dz, dlog_det, cache, accumulate=True):
        p, q = cache
        # forward was log p - log q, and -log p - log q in log_det; p has the slope 1 - 2 alpha, and q the opposite one
        return (1 - 2 * self.alpha) * ((dz - dlog_det[..., None]) / p + (dz + dlog_det[..., None]) / q), None

    def inverse(self, z, context=None):
        return (sigmoid(z) - self.alpha) / (1 - 2 * self.alpha)


class ActNorm(Bijector):
    """z' = exp(RATE log_scale) (z + RATE shift), a scale and a shift of each number that are learned (Kingma & Dhariwal
    2018, sec. 3.1).

    log_det = RATE sum log_scale. Adam, by whose steps all parameters move alike, moves the map RATE times as far.
    z (..., L); both parameters (L,).
    """

    RATE = 10.0

    def __init__(self, L):
        (L,) = sizes(L=L)
        self.log_scale = Param(np.zeros(L), decay=False)
        self.shift = Param(np.zeros(L), decay=False)

    def forward(self, z, context=None):
        scale = self._scale()
        z = scale * (z + self.RATE * self.shift.data)
        log_det = array_module(z).full(z.shape[:-1], self.RATE, z.dtype) * self.log_scale.data.sum()
        return (z, log_det), z

    def backward(self, dz, dlog_det, cache, accumulate=True):
        dmoved = dz * self._scale()
        if accumulate:
            # forward had scale, with the slope RATE scale, before z + RATE shift, and RATE log_scale in every log_det
            self.log_scale.grad += self.RATE * (sum_rows(dz * cache) + dlog_det.sum())
            self.shift.grad += self.RATE * sum_rows(dmoved)
        return dmoved, None

    def inverse(self, z, context=None):
        return z / self._scale() - self.RATE * self.shift.data

    def _scale(self):
        return array_module(self.log_scale.data).exp(self.RATE * self.log_scale.data)


class Bins(Bijector):
    """z' = F(z), F of each number a distribution function on [0, 1] that is linear in each of K equal bins (Müller et
    al. 2019, "Neural importance sampling", sec. 4.1).

    In bin k it has the slope K p_k, p = (1 - LEAST) softmax(RATE logits) + LEAST / K; log_det = sum log K p_k. Of K
    grey levels that are dequantized it is all that there is to say of a number by itself. z (..., L), logits (L, K).
    """

    RATE = 10.0  # see ActNorm
    LEAST = 1e-3

    def __init__(self, L, K):
        L, self.K = sizes(L=L, K=K)
        self.logits = Param(np.zeros((L, self.K)), decay=False)

    def forward(self, z, context=None):
        xp, (_, p, below) = array_module(z), self._tables()
        k = xp.floor(self.K * z).clip(0, self.K - 1)  # the bin of each number
        at = self._at(k)
        part = self.K * z - k  # of it that lies below z, 0 to 1
        p_k = p.reshape(-1)[at]
        return (below.reshape(-1)[at] + p_k * part, xp.log(self.K * p_k).sum(axis=-1)), (at, part, p_k)

    def backward(self, dz, dlog_det, cache, accumulate=True):
        at, part, p_k = cache
        if accumulate:
            s, _, _ = self._tables()
            # forward had p_k part + sum of p_j, j < k, and log p_k in log_det, so now p_j gets dz of the bins above j
            of_bin = self._per_bin(dz, at)  # (L, K)
            dp = of_bin.sum(axis=1)[:, None] - of_bin.cumsum(axis=1)
            dp = (1 - self.LEAST) * (dp + self._per_bin(dz * part + dlog_det[..., None] / p_k, at))
            self.logits.grad += self.RATE * s * (dp - (s * dp).sum(axis=1)[:, None])  # of softmax
        return dz * (self.K * p_k), None

    def inverse(self, z, context=None):
        """By bisection for the bin: the last k with sum of p_j, j < k, not above z."""
        xp, (_, p, below) = array_module(z), self._tables()
        k = 0 * z
        step = 1 << (self.K - 1).bit_length()
        while step > 1:
            step //= 2
            up = (k + step).clip(0, self.K - 1)
            k = xp.where(below.reshape(-1)[self._at(up)] <= z, up, k)
        at = self._at(k)
        return (k + (z - below.reshape(-1)[at]) / p.reshape(-1)[at]) / self.K

    def _tables(self):
        """softmax s, p, and below_k = sum of p_j, j < k: (L, K) each."""
        xp, a = array_module(self.logits.data), self.RATE * self.logits.data
        s = xp.exp(a - a.max(axis=1)[:, None])
        s = s / s.sum(axis=1)[:, None]
        p = (1 - self.LEAST) * s + self.LEAST / self.K
        return s, p, p.cumsum(axis=1) - p

    def _at(self, k):
        """Where bin k (..., L) of each number stands in tables (L K,)."""
        xp = array_module(k)
        return k.astype("int64") + self.K * xp.arange(k.shape[-1])

    def _per_bin(self, a, at):
        """(L, K): sums of a (..., L) over all rows whose number lies in a bin."""
        xp, shape = array_module(a), self.logits.data.shape
        if on_host(a):
            return np.bincount(at.ravel(), a.ravel(), math.prod(shape)).reshape(shape).astype(a.dtype)
        rows = at.reshape(-1, shape[0])[..., None] == xp.arange(math.prod(shape)).reshape(shape)  # no order of a sum
        return (rows * a.reshape(-1, shape[0])[..., None]).sum(axis=0)

"""Bijectors of each number by itself."""

import math

import numpy as np

from ..backend import array_module
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

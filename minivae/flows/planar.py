"""Flows of one simple map each, whose parameters are the context: every example has its own."""

import math

from ..backend import array_module, unbroadcast
from ..numeric import sigmoid, softplus
from ..options import sizes
from .base import Bijector

SHIFT = math.log(math.e - 1)  # softplus of it is 1
TINY = 1e-12


def above_minus_one(a):
    """m(a) = softplus(a + SHIFT) - 1 > -1, with m(0) = 0: where the context is 0 a flow is the identity."""
    return softplus(a + SHIFT) - 1


class Planar(Bijector):
    """z' = z + v tanh(w z + b), log_det = log(1 + (1 - tanh^2) w v)   (Rezende & Mohamed 2015, eq. 10 - 12).

    v = u + (m(w u) - w u) w / |w|^2, so that w v = m(w u) > -1 and there is an inverse (appendix A.1); their m is
    softplus - 1, ours is 0 at 0. z (..., L), context (..., 2 L + 1): u, w and b of each example.
    """

    def __init__(self, L):
        (self.L,) = sizes(L=L)
        self.H = 2 * self.L + 1

    def forward(self, z, context):
        u, w, b, wu, ww, v = self._parameters(context)
        xp = array_module(z)
        h = xp.tanh((z * w).sum(axis=-1) + b)  # (...,)
        wv = (w * v).sum(axis=-1)
        det = 1 + (1 - h * h) * wv
        return (z + h[..., None] * v, xp.log(det)), (z, context, h, wv, det, v)

    def backward(self, dz, dlog_det, cache, accumulate=True):
        z, context, h, wv, det, v = cache
        u, w, b, wu, ww, _ = self._parameters(context)
        lead = context.shape[:-1]
        slope = 1 - h * h
        ddet = dlog_det / det
        # forward put h into z' = z + h v and into det = 1 + (1 - h^2) w v, so now
        da = slope * ((dz * v).sum(axis=-1) - 2 * h * wv * ddet)  # of w z + b
        dwv = unbroadcast(ddet * slope, lead)[..., None]
        dv = unbroadcast(dz * h[..., None], v.shape) + dwv * w
        dw = unbroadcast(da[..., None] * z, w.shape) + dwv * v
        # and v = u + c w, c = (m(w u) - w u) / |w|^2, so now
        c = (above_minus_one(wu) - wu) / ww
        dc = (dv * w).sum(axis=-1) / ww  # d / d (m(w u) - w u)
        dwu = (dc * (sigmoid(wu + SHIFT) - 1))[..., None]
        dw = dw + c[..., None] * dv + dwu * u - 2 * (dc * c)[..., None] * w
        db = unbroadcast(da, lead)[..., None]
        dcontext = array_module(dz).concatenate((dv + dwu * w, dw, db), axis=-1)
        return dz + da[..., None] * w, dcontext

    def inverse(self, z, context):
        """By bisection: a = w z is the root of a + w v tanh(a + b) = w z', which rises with a."""
        _, w, b, _, _, v = self._parameters(context)
        xp = array_module(z)
        wv = (w * v).sum(axis=-1)
        target = (z * w).sum(axis=-1)
        low, high = target - xp.abs(wv), target + xp.abs(wv)
        for _ in range(60):
            a = (low + high) / 2
            below = a + wv * xp.tanh(a + b) < target
            low, high = xp.where(below, a, low), xp.where(below, high, a)
        return z - xp.tanh(a + b)[..., None] * v

    def _parameters(self, context):
        """u, w (..., L), b, w u, |w|^2 (...), v (..., L)."""
        u, w, b = context[..., : self.L], context[..., self.L : -1], context[..., -1]
        wu = (w * u).sum(axis=-1)
        ww = (w * w).sum(axis=-1) + TINY
        v = u + ((above_minus_one(wu) - wu) / ww)[..., None] * w
        return u, w, b, wu, ww, v


class Radial(Bijector):
    """z' = z + beta h (z - c), h = 1 / (alpha + r), r = |z - c|   (Rezende & Mohamed 2015, eq. 14, appendix A.2).

    log_det = (L - 1) log(1 + beta h) + log(1 + alpha beta h^2), which is theirs with h - r h^2 = alpha h^2. alpha is
    exp(a) and beta = alpha m(b) > -alpha. z (..., L), context (..., L + 2): the center c, a and b of each example.
    """

    def __init__(self, L):
        (self.L,) = sizes(L=L)
        self.H = self.L + 2

    def forward(self, z, context):
        xp = array_module(z)
        c, alpha, beta, _ = self._parameters(context)
        d = z - c
        r = xp.sqrt((d * d).sum(axis=-1))
        h = 1 / (alpha + r)
        log_det = (self.L - 1) * xp.log1p(beta * h) + xp.log1p(alpha * beta * h * h)
        return (z + (beta * h)[..., None] * d, log_det), (d, r, h, context)

    def backward(self, dz, dlog_det, cache, accumulate=True):
        d, r, h, context = cache
        xp = array_module(dz)
        _, alpha, beta, m = self._parameters(context)
        lead = context.shape[:-1]
        q = beta * h
        # forward put q = beta h into z' = z + q d and into (L - 1) log(1 + q), and e = alpha beta h^2 into log(1 + e)
        dq = (dz * d).sum(axis=-1) + dlog_det * (self.L - 1) / (1 + q)
        de = dlog_det / (1 + alpha * q * h)
        dh = dq * beta + 2 * de * alpha * q
        dr = -dh * h * h
        dbeta = unbroadcast(dq * h + de * alpha * h * h, lead)
        dalpha = unbroadcast(de * q * h + dr, lead) + dbeta * m
        dd = dz * q[..., None] + (dr / xp.maximum(r, TINY))[..., None] * d
        db = dbeta * alpha * sigmoid(context[..., -1] + SHIFT)
        columns = (unbroadcast(-dd, (*lead, self.L)), (dalpha * alpha)[..., None], db[..., None])
        return dz + dd, xp.concatenate(columns, axis=-1)

    def inverse(self, z, context):
        """r' = r + beta r / (alpha + r) is r^2 + p r - alpha r' = 0 with p = alpha + beta - r'."""
        xp = array_module(z)
        c, alpha, beta, _ = self._parameters(context)
        d = z - c
        r_new = xp.sqrt((d * d).sum(axis=-1))
        p = alpha + beta - r_new
        root = xp.sqrt(p * p + 4 * alpha * r_new)
        product = 2 * alpha * r_new
        r = xp.where(p > 0, product / xp.maximum(p + root, TINY), (root - p) / 2)
        return c + d / (1 + beta / (alpha + r))[..., None]

    def _parameters(self, context):
        """c (..., L), alpha, beta, m(b) (...)."""
        alpha = array_module(context).exp(context[..., -2])
        m = above_minus_one(context[..., -1])
        return context[..., : self.L], alpha, alpha * m, m

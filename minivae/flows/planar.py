"""Flows of one simple map each, whose parameters are the context: every example has its own."""

import math

from ..backend import array_module, unbroadcast
from ..numeric import dot, sigmoid, softplus
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
        w, b, v, m, c_parameters = self._parameters(context)
        h = array_module(z).tanh(dot(z, w) + b)  # (...,)
        det = 1 + (1 - h * h) * m  # w v = m
        return (z + h[..., None] * v, array_module(z).log(det)), (z, w, v, h, m, det, c_parameters)

    def backward(self, dz, dlog_det, cache, accumulate=True):
        z, w, v, h, m, det, (u, wu, ww, c) = cache
        lead = wu.shape
        slope = 1 - h * h
        ddet = dlog_det / det
        # forward put h into z' = z + h v and into det = 1 + (1 - h^2) m, so now
        da = slope * (dot(dz, v) - 2 * h * m * ddet)  # of w z + b
        dv = unbroadcast(dz * h[..., None], v.shape)
        dw = unbroadcast(da[..., None] * z, w.shape)
        db = unbroadcast(da, lead)[..., None]
        # v = u + c w, c = (m - w u) / |w|^2, so now
        dc = dot(dv, w) / ww  # of m - w u
        dm = unbroadcast(ddet * slope, lead) + dc
        dwu = (dm * sigmoid(wu + SHIFT) - dc)[..., None]
        dw = dw + c[..., None] * dv + dwu * u - 2 * (dc * c)[..., None] * w
        dcontext = array_module(dz).concatenate((dv + dwu * w, dw, db), axis=-1)
        return dz + da[..., None] * w, dcontext

    def inverse(self, z, context):
        """By bisection: a = w z is the root of a + w v tanh(a + b) = w z', which rises with a."""
        w, b, v, wv, _ = self._parameters(context)
        xp = array_module(z)
        target = dot(z, w)
        low, high = target - xp.abs(wv), target + xp.abs(wv)
        for _ in range(60):
            a = (low + high) / 2
            below = a + wv * xp.tanh(a + b) < target
            low, high = xp.where(below, a, low), xp.where(below, high, a)
        return z - xp.tanh(a + b)[..., None] * v

    def _parameters(self, context):
        """w (..., L), b (...), v (..., L), m = w v (...), and what `backward` needs beside them."""
        u, w, b = context[..., : self.L], context[..., self.L : -1], context[..., -1]
        wu = dot(w, u)
        ww = dot(w, w) + TINY
        m = above_minus_one(wu)
        c = (m - wu) / ww
        return w, b, u + c[..., None] * w, m, (u, wu, ww, c)


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
        c, b, alpha, beta, m = self._parameters(context)
        d = z - c
        r = xp.sqrt(dot(d, d))
        h = 1 / (alpha + r)
        log_det = (self.L - 1) * xp.log1p(beta * h) + xp.log1p(alpha * beta * h * h)
        return (z + (beta * h)[..., None] * d, log_det), (d, r, h, b, alpha, beta, m)

    def backward(self, dz, dlog_det, cache, accumulate=True):
        d, r, h, b, alpha, beta, m = cache
        xp = array_module(dz)
        lead = b.shape
        q = beta * h
        # forward put q = beta h into z' = z + q d and into (L - 1) log(1 + q), and e = alpha beta h^2 into log(1 + e)
        dq = dot(dz, d) + dlog_det * (self.L - 1) / (1 + q)
        de = dlog_det / (1 + alpha * q * h)
        dh = dq * beta + 2 * de * alpha * q
        dr = -dh * h * h
        dbeta = unbroadcast(dq * h + de * alpha * h * h, lead)
        dalpha = unbroadcast(de * q * h + dr, lead) + dbeta * m
        dd = dz * q[..., None] + (dr / xp.maximum(r, TINY))[..., None] * d
        db = dbeta * alpha * sigmoid(b + SHIFT)
        columns = (unbroadcast(-dd, (*lead, self.L)), (dalpha * alpha)[..., None], db[..., None])
        return dz + dd, xp.concatenate(columns, axis=-1)

    def inverse(self, z, context):
        """r' = r + beta r / (alpha + r) is r^2 + p r - alpha r' = 0 with p = alpha + beta - r'."""
        xp = array_module(z)
        c, _, alpha, beta, _ = self._parameters(context)
        d = z - c
        r_new = xp.sqrt(dot(d, d))
        p = alpha + beta - r_new
        root = xp.sqrt(p * p + 4 * alpha * r_new)
        product = 2 * alpha * r_new
        r = xp.where(p > 0, product / xp.maximum(p + root, TINY), (root - p) / 2)
        return c + d / (1 + beta / (alpha + r))[..., None]

    def _parameters(self, context):
        """c (..., L), b, alpha, beta, m(b) (...)."""
        b = context[..., -1]
        alpha = array_module(context).exp(context[..., -2])
        m = above_minus_one(b)
        return context[..., : self.L], b, alpha, alpha * m, m

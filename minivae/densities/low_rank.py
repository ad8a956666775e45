"""A Gaussian whose covariance is of low rank but for one variance in all directions, and its maximum likelihood.

C = W' W + s I, W (L, D): x = z W + b + sqrt(s) eps. Everything goes by M = W W' + s I, which is L x L: log |C| =
(D - L) log s + log |M|, and C^{-1} d = (d - m W) / s with m = d W' M^{-1}, by Woodbury's identity (Tipping & Bishop
1999, "Probabilistic principal component analysis", sec. 3).
"""

import math
from typing import NamedTuple

import numpy as np

from ..backend import array_module
from ..numeric import wide
from .reals import LOG_2PI


def low_rank_posterior(x, W, b, log_var):
    """m = (x - b) W' M^{-1}, the mean of p(z | x) under z ~ N(0, I).   x (..., D), W (L, D), b (D,) -> (..., L).

    The covariance of p(z | x) is s M^{-1}; log_var (1,) is log s.
    """
    return (x - b) @ (W.T @ _inverse(W, log_var)[0])


def low_rank_log_prob(x, W, b, log_var):
    """log N(x; b, W' W + s I) = -1/2 (D log 2 pi + (D - L) log s + log |M| + |d - m W|^2 / s + |m|^2), d = x - b.

    x (..., D), W (L, D), b (D,), log_var (1,) -> (...) nats.
    """
    (L, D), d = W.shape, x - b
    M_inv, log_det = _inverse(W, log_var)
    m = d @ (W.T @ M_inv)
    e = d - m @ W
    square = (e * e).sum(axis=-1) * array_module(x).exp(-log_var) + (m * m).sum(axis=-1)
    return -0.5 * (D * LOG_2PI + (D - L) * log_var + log_det + square)


def low_rank_log_prob_backward(g, x, W, b, log_var):
    """dx = -g r, db = sum g r, dW = sum g m' r - G M^{-1} W, dlog_var = (s sum g |r|^2 - G s tr C^{-1}) / 2.

    g (...), r = C^{-1} d (..., D), m (..., L), G = sum g. Forward took -log |C| - d C^{-1} d', whose gradient by C is
    -C^{-1} + r' r. W comes twice in C = W' W + s I, so now dW = W (-C^{-1} + r' r), where W C^{-1} = M^{-1} W and
    W r' = m'; and s stands on its diagonal: s tr C^{-1} = D - L + s tr M^{-1}.
    """
    (L, D), d = W.shape, x - b
    xp = array_module(x)
    s = xp.exp(log_var)
    M_inv, _ = _inverse(W, log_var)
    m = d @ (W.T @ M_inv)
    r = (d - m @ W) / s
    gr, G = g[..., None] * r, g.sum()
    dW = m.reshape(-1, L).T @ gr.reshape(-1, D) - G * (M_inv @ W)
    dlog_var = 0.5 * (s * (gr * r).sum() - G * (D - L + s * xp.trace(M_inv)))
    return -gr, dW, gr.reshape(-1, D).sum(axis=0), dlog_var


def _inverse(W, log_var):
    """M^{-1} (L, L) and log |M|, of M = W W' + s I: computed in float64, for s is small beside W W'."""
    xp = array_module(W)
    M = wide(W) @ wide(W).T + xp.exp(wide(log_var)) * xp.eye(len(W))
    sign, log_det = xp.linalg.slogdet(M)  # the sign is 1, but for a complex step, which goes into its logarithm
    return xp.linalg.inv(M).astype(W.dtype), (log_det + xp.log(sign)).astype(W.dtype)


class Optimum(NamedTuple):
    """The largest mean log p(x) over the data, `log_px` in nats, and what has it: W (L, D), b (D,), s."""

    W: np.ndarray
    b: np.ndarray
    s: float
    log_px: float


def low_rank_optimum(mean, C, L, s=None):
    """Maximum likelihood of data with this mean (D,) and covariance C (D, D), for a fixed `s`, or with None the best.

    With eigenvalues e_1 >= ... >= e_D of C and their directions U: s is the mean of the D - L discarded ones, W = (e -
    s)^{1/2} U', up to a rotation, and log p = -1/2 sum_d log 2 pi v_d + e_d / v_d, where v_d is max(e_d, s) for d <= L
    and s beyond   (Tipping & Bishop, eq. 7 and 8). In float64; ValueError if nothing is discarded.
    """
    e, U = np.linalg.eigh(C)
    e = e[::-1]
    U = U[:, ::-1]
    s = e[L:].sum() / max(len(e) - L, 1) if s is None else s
    if s <= 1e-12 * e[0]:
        raise ValueError(f"latent: expected fewer than the data have directions of variance, got {L}")
    v = np.where(np.arange(len(e)) < L, np.maximum(e, s), s)
    log_px = -0.5 * (math.log(2 * math.pi) + np.log(v) + e / v).sum()
    return Optimum(np.sqrt(v[:L] - s)[:, None] * U[:, :L].T, mean, float(s), float(log_px))

"""Counts, computed in float64: in float32 log x! of a large x is wrong by whole nats."""

from ..backend import array_module, special, unbroadcast
from ..numeric import digamma_less_log, keep, sigmoid, softplus, wide


def poisson_log_prob(log_rate, *, x, observed=None):
    """log p = sum_d x log m - m - log x!, m = exp(log_rate).   log_rate, x = 0, 1, 2, ... (..., D) -> (...) nats."""
    l, x = wide(log_rate), wide(x)
    log_p = x * l - array_module(l).exp(l) - special(x).gammaln(x + 1)
    return keep(log_p, observed).sum(axis=-1).astype(log_rate.dtype)


def poisson_log_prob_backward(g, log_rate, *, x, observed=None):
    """dlog_rate = g (x - m).   g (...), log_rate and x (..., D) -> dlog_rate in the shape of log_rate."""
    m = array_module(log_rate).exp(wide(log_rate))
    return unbroadcast(keep(g[..., None] * (x - m), observed), log_rate.shape).astype(log_rate.dtype)


def negative_binomial_log_prob(log_mean, log_r, *, x, observed=None):
    """log p = sum_d log Gamma(x + r) / (Gamma(r) x!) + r log(r / (r + m)) + x log(m / (r + m)).

    m = exp(log_mean), r = exp(log_r), whose variance is m + m^2 / r; all (..., D), which broadcast -> (...) nats. The
    first part is -log B(r, x + 1) - log(x + r), B the beta function, which stays exact where r is large.
    """
    xp = array_module(log_mean)
    x, r, t = wide(x), xp.exp(wide(log_r)), wide(log_mean) - log_r  # t = log(m / r)
    log_p = -special(x).betaln(r, x + 1) - xp.log(x + r) - r * softplus(t) - x * softplus(-t)
    return keep(log_p, observed).sum(axis=-1).astype(log_mean.dtype)


def negative_binomial_log_prob_backward(g, log_mean, log_r, *, x, observed=None):
    """dlog_mean = g e, dlog_r = g (r (digamma(x + r) - digamma(r) - log(1 + m / r)) - e), e = r (x - m) / (r + m).

    Forward saw log_r in t = log_mean - log_r, which gives -e, and beside it in r alone.
    """
    xp = array_module(log_mean)
    g, x, r, t = g[..., None], wide(x), xp.exp(wide(log_r)), wide(log_mean) - log_r
    e = x * sigmoid(-t) - r * sigmoid(t)
    slope = digamma_less_log(x + r) - digamma_less_log(r) + xp.log1p(x / r) - softplus(t)
    dlog_mean, dlog_r = keep(g * e, observed), keep(g * (r * slope - e), observed)
    return (
        unbroadcast(dlog_mean, log_mean.shape).astype(log_mean.dtype),
        unbroadcast(dlog_r, log_r.shape).astype(log_r.dtype),
    )

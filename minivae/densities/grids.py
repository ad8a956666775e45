"""Grey levels 0, 1, ..., n: what a logistic density has of each, mixtures of them, and the beta-binomial."""

from ..backend import array_module, unbroadcast
from ..numeric import digamma_rise, keep, log_rising, sigmoid, softmax, wide
from .pixels import LARGEST

LEAST = 1e-250  # products of its inverse with numbers of levels are finite in float64


def logistic_log_prob(mu, log_scale, *, lower, upper):
    """log P(lower < y < upper) = log(sigmoid(b) - sigmoid(a)) of a logistic y, a = (lower - mu) / s, b likewise.

    mu, log_scale, lower, upper (..., D), which broadcast -> (..., D) nats, each number by itself; s = exp(log_scale).
    Computed as log sigmoid(b) + log sigmoid(-a) + log(1 - exp(a - b)), which is right where the difference rounds to 0.
    """
    xp = array_module(mu)
    _, a, b, width = _in_scales(mu, log_scale, lower, upper)
    p = -xp.expm1(-width) / ((1 + xp.exp(-xp.abs(a))) * (1 + xp.exp(-xp.abs(b))))
    return xp.log(p) - xp.maximum(a, 0) + xp.minimum(b, 0)


def logistic_log_prob_backward(g, mu, log_scale, *, lower, upper):
    """dmu = g (sigmoid(a) - sigmoid(-b)) / s, dlog_scale = g (a sigmoid(a) - b sigmoid(-b) - w / (exp(w) - 1)).

    g (..., D), w = b - a. Forward took log sigmoid(b) + log sigmoid(-a) + log(1 - exp(-w)), so now b gets sigmoid(-b),
    a gets -sigmoid(a) and w gets 1 / (exp(w) - 1); log_scale divides all three.
    """
    inv_scale, a, b, width = _in_scales(mu, log_scale, lower, upper)
    above, below = sigmoid(a), sigmoid(-b)
    dmu = g * inv_scale * (above - below)
    dlog_scale = g * (a * above - b * below - width / array_module(mu).expm1(width))
    return unbroadcast(dmu, mu.shape), unbroadcast(dlog_scale, log_scale.shape)


def _in_scales(mu, log_scale, lower, upper):
    """1 / s, a, b, b - a. A bound far out becomes one where exp(a) or exp(-b) is next to 0: infinity * 0 is NaN."""
    xp = array_module(mu)
    inv_scale = xp.exp(-log_scale)
    a, b, width = (lower - mu) * inv_scale, (upper - mu) * inv_scale, (upper - lower) * inv_scale
    xp.maximum(a, -LARGEST, out=a)
    xp.minimum(b, LARGEST, out=b)
    xp.minimum(width, LARGEST, out=width)
    return inv_scale, a, b, width


def mixture_log_prob(logits, log_p, *, observed=None):
    """log p = sum_d log sum_m softmax(l_d)_m p_m: each of the D numbers has a mixture of M densities of its own.

    logits l, log_p (..., M, D) nats -> (...) nats.
    """
    return keep(_log_sum_exp(logits + log_p) - _log_sum_exp(logits), observed).sum(axis=-1)


def mixture_log_prob_backward(g, logits, log_p, *, observed=None):
    """dl_m = g (r_m - softmax(l)_m), dlog_p_m = g r_m.   g (...), logits l and log_p (..., M, D).

    r = softmax(l + log_p) is what each m is responsible for: forward took log sum_m exp of l + log_p, less that of l.
    """
    g = keep(g[..., None], observed)[..., None, :]
    r = softmax(logits + log_p)
    return unbroadcast(g * (r - softmax(logits)), logits.shape), unbroadcast(g * r, log_p.shape)


def _log_sum_exp(l):
    """log sum_m exp(l_m) over the last axis but one.   l (..., M, D) -> (..., D)."""
    xp = array_module(l)
    top = l.max(axis=-2)
    return top + xp.log(xp.exp(l - top[..., None, :]).sum(axis=-2))


def beta_binomial_log_prob(logit, log_c, *, x, n, observed=None):
    """log p = sum_d log n! / (x! (n - x)!) + log B(x + a, n - x + b) / B(a, b), B the beta function; x = 0, 1, ..., n.

    a = c sigmoid(logit), b = c sigmoid(-logit), c = exp(log_c); all (..., D), which broadcast -> (...) nats.
    In float64, from log Gamma(a + x) / Gamma(a) and its like: exact where c is large, too, and it is a binomial.
    """
    xp = array_module(logit)
    x, (a, b, c), _ = _beta(logit, log_c, x)
    ones, k = xp.ones(n + 1), xp.arange(n + 1.0)
    choices = log_rising(ones, n) - log_rising(ones, k) - log_rising(ones, n - k)  # of each level
    log_p = log_rising(a, x) + log_rising(b, n - x) - log_rising(c, n) + choices[xp.where(x == x, x, 0).astype("int64")]
    return keep(log_p, observed).sum(axis=-1).astype(logit.dtype)


def beta_binomial_log_prob_backward(g, logit, log_c, *, x, n, observed=None):
    """dlogit = g ((1 - m) A - m B), dlog_c = g (A + B - C), m = sigmoid(logit), A = a (digamma(a + x) - digamma(a)).

    Forward took log Gamma(a + x) / Gamma(a), so A is its slope in log a; B is that of b and n - x, C of c and n.
    """
    x, (a, b, c), m = _beta(logit, log_c, x)
    A, B, C = a * digamma_rise(a, x), b * digamma_rise(b, n - x), c * digamma_rise(c, n)
    g = g[..., None]
    dlogit, dlog_c = keep(g * ((1 - m) * A - m * B), observed), keep(g * (A + B - C), observed)
    return (
        unbroadcast(dlogit, logit.shape).astype(logit.dtype),
        unbroadcast(dlog_c, log_c.shape).astype(log_c.dtype),
    )


def _beta(logit, log_c, x):
    """x, (a, b, c) and the mean m of Beta(a, b), in float64; a and b of at least LEAST, which logits of 700 reach."""
    xp = array_module(logit)
    logit, c = wide(logit), xp.exp(wide(log_c))
    m = sigmoid(logit)
    return wide(x), (xp.maximum(c * m, LEAST), xp.maximum(c * sigmoid(-logit), LEAST), c), m

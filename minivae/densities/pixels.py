"""Bits, and one choice among several."""

import math

from ..backend import array_module, unbroadcast
from ..kernels import fused
from ..numeric import log_one_plus, softmax

LARGEST = 88.0  # exp of it is finite in float32


@fused
def bernoulli_log_prob(logits, *, x):
    """log p = sum_d x log s + (1 - x) log(1 - s), s = sigmoid(l).   logits l, x in [0, 1] (..., D) -> (...) nats.

    Computed as sum_d (x - 1/2) l - |l| / 2 - log(1 + exp(-|l|)), which is right where s rounds to 0 or 1, too.
    """
    xp = array_module(logits)
    log_p = xp.subtract(x, 0.5, dtype=logits.dtype) * logits  # (..., D)
    e = xp.abs(logits)
    e *= -0.5
    log_p += e  # -|l| / 2
    e *= 2
    e = xp.exp(e, out=e)
    log_p -= log_one_plus(e)
    return log_p @ xp.ones(log_p.shape[-1], log_p.dtype)


@fused
def bernoulli_log_prob_backward(g, logits, *, x):
    """dl = g (x - s).   g (...), logits l and x (..., D) -> dlogits in the shape of logits.

    Forward took x log s + (1 - x) log(1 - s), so now x - s is x (1 - s) - (1 - x) s. With the odds o = s / (1 - s) =
    exp(l) it is (x o - o + x) / (1 + o): right where s rounds to 0 or 1, too.
    """
    xp = array_module(logits)
    largest = xp.full(logits.shape[-1], LARGEST, logits.dtype)  # with a number instead of a row it takes longer
    odds = xp.minimum(logits, largest)
    odds = xp.exp(odds, out=odds)
    dlogits = xp.multiply(x, odds, dtype=logits.dtype)
    dlogits -= odds
    dlogits += x
    odds += 1
    dlogits /= odds
    dlogits *= g[..., None]
    return unbroadcast(dlogits, logits.shape)


def categorical_log_prob(logits, *, x):
    """log p = sum_d log softmax(l_d)_{x_d} = sum_d l_{x_d, d} - log sum_c exp(l_{c, d}).

    logits l (..., n, D), x (..., D) whole numbers from 0 to n - 1 -> (...) nats, NaN where x is none of them.
    """
    xp = array_module(logits)
    hot = _one_hot(x, logits)
    chosen = xp.where(hot, logits, 0).sum(axis=-2)  # (..., D)
    chosen = xp.where(hot.any(axis=-2), chosen, math.nan)
    top = logits.max(axis=-2)
    return (chosen - top - xp.log(xp.exp(logits - top[..., None, :]).sum(axis=-2))).sum(axis=-1)


def categorical_log_prob_backward(g, logits, *, x):
    """dl_{c, d} = g (1[c = x_d] - softmax(l_d)_c).   g (...), x (..., D) -> dlogits in the shape of logits (..., n, D).

    Forward took l at x_d and subtracted log sum_c exp(l_c), so now that l gets g, and all get -g softmax_c.
    """
    xp = array_module(logits)
    hot = _one_hot(x, logits)
    dlogits = xp.where(hot.any(axis=-2, keepdims=True), hot - softmax(logits), math.nan)
    return unbroadcast(g[..., None, None] * dlogits, logits.shape)


def _one_hot(x, logits):
    """(..., n, D) booleans, true where c = x_d."""
    return x[..., None, :] == array_module(logits).arange(logits.shape[-2])[:, None]


def softmax_log_prob(logits, *, x):
    """log p = sum_c x_c log softmax(l)_c: one choice among D, logits l and one-hot x (..., D) -> (...) nats.

    x may also count many choices; the multinomial coefficient, which depends on x alone, is left out.
    """
    xp = array_module(logits)
    logits = logits - logits.max(axis=-1, keepdims=True)
    return (x * (logits - xp.log(xp.exp(logits).sum(axis=-1, keepdims=True)))).sum(axis=-1)


def softmax_log_prob_backward(g, logits, *, x):
    """dl_c = g (x_c - softmax(l)_c sum_b x_b).   g (...), logits l and x (..., D) -> dlogits in the shape of logits.

    Forward subtracted log sum_b exp(l_b) once for each choice, so now -g softmax_c comes as often.
    """
    dlogits = x - softmax(logits[..., None])[..., 0] * x.sum(axis=-1, keepdims=True)
    return unbroadcast(g[..., None] * dlogits, logits.shape)

"""The operations that have a kernel: names, arguments and values are those of `densities` and `optim`."""

import numpy as np

from ..backend import THREADS, array_module, launch, unbroadcast
from .rows import as_rows, each, each_row
from .text import CUDA


def bernoulli_log_prob(logits, *, x):
    shape = np.broadcast_shapes(logits.shape, x.shape)
    log_p = array_module(logits).empty(shape[:-1], logits.dtype)
    each_row("bernoulli_log_prob", shape, logits.dtype, *as_rows(logits, x, like=logits, shape=shape), log_p)
    return log_p


def bernoulli_log_prob_backward(g, logits, *, x):
    xp = array_module(logits)
    shape = np.broadcast_shapes(logits.shape, x.shape)
    dlogits = xp.empty(shape, logits.dtype)
    g = xp.ascontiguousarray(xp.broadcast_to(g, shape[:-1]), logits.dtype)
    rows = as_rows(logits, x, like=logits, shape=shape)
    each_row("bernoulli_log_prob_backward", shape, logits.dtype, g, *rows, dlogits)
    return unbroadcast(dlogits, logits.shape)


def kl_standard_normal(mu, log_var):
    return each("kl_standard_normal", mu, log_var)


def kl_standard_normal_backward(g, mu, log_var):
    dmu, dlog_var = each("kl_standard_normal_backward", g, mu, log_var, n_out=2)
    return unbroadcast(dmu, mu.shape), unbroadcast(dlog_var, log_var.shape)


def reparameterize(mu, log_var, *, eps):
    return each("reparameterize", mu, log_var, eps)


def reparameterize_backward(dz, mu, log_var, *, eps):
    dlog_var = each("reparameterize_backward", dz, log_var, eps)
    return unbroadcast(dz, mu.shape), unbroadcast(dlog_var, log_var.shape)


def adam(theta, g, sum_g, sum_g2, b1, b2, tiny, rate):
    n = theta.size
    rates = (rate, 0) if isinstance(rate, float) else (0.0, rate)  # 0: a null pointer
    launch(CUDA, "adam", theta.dtype, -(-n // THREADS), n, theta, g, sum_g, sum_g2, b1, b2, tiny, *rates)


OPERATIONS = {
    f.__name__: f
    for f in (
        adam,
        bernoulli_log_prob,
        bernoulli_log_prob_backward,
        kl_standard_normal,
        kl_standard_normal_backward,
        reparameterize,
        reparameterize_backward,
    )
}

"""Gaussians and the KL divergence between two, and Student's t."""

import math

from ..backend import array_module, special, unbroadcast
from ..kernels import fused
from ..numeric import digamma_less_log, keep, wide

LOG_2PI = math.log(2 * math.pi)


@fused
def gaussian_log_prob(x, mu, log_var, *, observed=None):
    """log N(x; mu, exp(log_var)) = -1/2 sum_d log 2 pi + log_var + (x - mu)^2 / exp(log_var).

    x, mu, log_var (..., D), which broadcast -> (...) nats.
    """
    u = (x - mu) * array_module(x).exp(-0.5 * log_var)
    return -0.5 * keep(LOG_2PI + log_var + u * u, observed).sum(axis=-1)


@fused
def gaussian_log_prob_backward(g, x, mu, log_var, *, observed=None):
    """dx = -g u / std, dmu = g u / std, dlog_var = g (u^2 - 1) / 2, with u = (x - mu) / std.

    Forward took -(log_var + u^2) / 2, so now du = -g u, and u has the slopes 1 / std, -1 / std and -u / 2.
    """
    g = g[..., None]
    inv_std = array_module(x).exp(-0.5 * log_var)
    u = (x - mu) * inv_std
    dmu = keep(g * u * inv_std, observed)
    dlog_var = keep(0.5 * g * (u * u - 1), observed)
    return unbroadcast(-dmu, x.shape), unbroadcast(dmu, mu.shape), unbroadcast(dlog_var, log_var.shape)


def standard_normal_log_prob(z):
    """log N(z; 0, 1) = -1/2 sum_l log 2 pi + z^2.   z (..., L) -> (...) nats."""
    return -0.5 * (LOG_2PI + z * z).sum(axis=-1)


def standard_normal_log_prob_backward(g, z):
    """dz = -g z.   g (...), z (..., L) -> dz (..., L)."""
    return -g[..., None] * z


@fused
def kl_standard_normal(mu, log_var):
    """KL(N(mu, exp(log_var)) || N(0, 1)) = (mu^2 + exp(log_var) - 1 - log_var) / 2   (Kingma & Welling, app. B).

    mu, log_var (..., L) -> (..., L) nats, each latent by itself: the KL of all is their sum.
    """
    return 0.5 * (mu * mu + array_module(mu).exp(log_var) - 1 - log_var)


@fused
def kl_standard_normal_backward(g, mu, log_var):
    """dmu = g mu, dlog_var = g (exp(log_var) - 1) / 2.   g, mu, log_var (..., L) -> (dmu, dlog_var)."""
    xp = array_module(mu)
    dmu, dlog_var = xp.broadcast_arrays(g * mu, 0.5 * g * (xp.exp(log_var) - 1))
    return unbroadcast(dmu, mu.shape), unbroadcast(dlog_var, log_var.shape)


def kl_gaussians(mu, log_var, mu_p, log_var_p):
    """KL(N(mu, v) || N(mu_p, v_p)) = (log v_p - log v + (v + (mu - mu_p)^2) / v_p - 1) / 2, v = exp(log_var).

    mu, log_var, mu_p, log_var_p (..., L), which broadcast -> (..., L) nats, each latent by itself.
    """
    xp = array_module(mu)
    d = mu - mu_p
    return 0.5 * (log_var_p - log_var + xp.exp(log_var - log_var_p) + d * d * xp.exp(-log_var_p) - 1)


def kl_gaussians_backward(g, mu, log_var, mu_p, log_var_p):
    """dmu = g d / v_p, dlog_var = g (v / v_p - 1) / 2, dmu_p = -dmu, dlog_var_p = g (1 - v / v_p - d^2 / v_p) / 2.

    g (..., L), d = mu - mu_p. Forward divided v and d^2 by v_p, so now both quotients are in dlog_var_p, with a minus.
    """
    xp = array_module(mu)
    d = mu - mu_p
    precision = xp.exp(-log_var_p)
    ratio = xp.exp(log_var - log_var_p)
    g, d, ratio, precision = xp.broadcast_arrays(g, d, ratio, precision)
    dmu = g * d * precision
    dlog_var = 0.5 * g * (ratio - 1)
    dlog_var_p = 0.5 * g * (1 - ratio - d * d * precision)
    return (
        unbroadcast(dmu, mu.shape),
        unbroadcast(dlog_var, log_var.shape),
        unbroadcast(-dmu, mu_p.shape),
        unbroadcast(dlog_var_p, log_var_p.shape),
    )


def pairwise_gaussian_log_prob(z, mu, log_var):
    """log N(z; mu_c, exp(log_var_c)) of every z under every c: z (..., L), mu and log_var (C, L) -> (C, ...) nats.

    Of sum_l (z - mu)^2 / v = z^2 (1 / v)' - 2 z (mu / v)' + mu^2 (1 / v)' all are matrix products, in float64: the
    terms are larger than their sum.
    """
    xp = array_module(z)
    rows, mu, log_var = wide(z).reshape(-1, z.shape[-1]), wide(mu), wide(log_var)
    precision = xp.exp(-log_var)  # (C, L)
    square = precision @ (rows * rows).T - 2 * ((precision * mu) @ rows.T)  # (C, R)
    square += (precision * mu * mu + log_var + LOG_2PI).sum(axis=-1)[:, None]
    return (-0.5 * square).astype(z.dtype).reshape(len(mu), *z.shape[:-1])


def pairwise_gaussian_log_prob_backward(g, z, mu, log_var):
    """dz = sum_c g_c (mu_c - z) / v_c, dmu_c = sum_z g_c (z - mu_c) / v_c, dlog_var_c = sum_z g_c (u^2 - 1) / 2.

    g (C, ...), u = (z - mu) / std. Forward summed products over l, so now the sums over c and z are products, too.
    """
    xp = array_module(z)
    rows, m, g = wide(z).reshape(-1, z.shape[-1]), wide(mu), wide(g).reshape(len(mu), -1)
    precision = xp.exp(-wide(log_var))
    n = g.sum(axis=-1)[:, None]  # (C, 1)
    gz, gzz = g @ rows, g @ (rows * rows)  # (C, L)
    dz = g.T @ (precision * m) - (g.T @ precision) * rows
    dmu = precision * (gz - n * m)
    dlog_var = 0.5 * (precision * (gzz - 2 * m * gz + n * m * m) - n)
    return dz.reshape(z.shape).astype(z.dtype), dmu.astype(mu.dtype), dlog_var.astype(log_var.dtype)


def student_t_log_prob(x, mu, log_var, log_df, *, observed=None):
    """log p = -sum_d log B(v / 2, 1 / 2) + (log_df + log_var + (v + 1) log(1 + u^2 / v)) / 2, v = exp(log_df).

    u = (x - mu) / std, B the beta function; x, mu, log_var, log_df (..., D), which broadcast -> (...) nats.
    """
    xp = array_module(x)
    v = xp.exp(log_df)
    u = (x - mu) * xp.exp(-0.5 * log_var)
    log_beta = special(x).betaln(0.5 * xp.exp(wide(log_df)), 0.5).astype(log_df.dtype)
    return -keep(log_beta + 0.5 * (log_df + log_var + (v + 1) * xp.log1p(u * u / v)), observed).sum(axis=-1)


def student_t_log_prob_backward(g, x, mu, log_var, log_df, *, observed=None):
    """dmu = g (1 + 1 / v) u / (1 + s) / std, dx = -dmu, dlog_var = g ((v + 1) q - 1) / 2, with s = u^2 / v.

    dlog_df = g (h + q - v (log(1 + s) - q)) / 2, with q = s / (1 + s): forward took log(1 + s) v + 1 times, and s falls
    as v grows. h = v (digamma((v + 1) / 2) - digamma(v / 2)) - 1 is the slope of -2 log B - log_df.
    """
    xp = array_module(x)
    g = g[..., None]
    v = xp.exp(log_df)
    inv_std = xp.exp(-0.5 * log_var)
    u = (x - mu) * inv_std
    s = u * u / v
    q = s / (1 + s)
    w = xp.exp(wide(log_df))
    h = w * (digamma_less_log(0.5 * w + 0.5) - digamma_less_log(0.5 * w) + xp.log1p(1 / w)) - 1
    dmu = keep(g * (1 + 1 / v) * u / (1 + s) * inv_std, observed)
    dlog_var = keep(0.5 * g * ((v + 1) * q - 1), observed)
    dlog_df = keep(0.5 * g * (h.astype(log_df.dtype) + q - v * (xp.log1p(s) - q)), observed)
    return (
        unbroadcast(-dmu, x.shape),
        unbroadcast(dmu, mu.shape),
        unbroadcast(dlog_var, log_var.shape),
        unbroadcast(dlog_df, log_df.shape),
    )

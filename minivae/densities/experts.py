"""Several Gaussians of one z, the experts, each of which has seen something else: their product and their mixture."""

import math

from ..backend import array_module
from .reals import gaussian_log_prob, gaussian_log_prob_backward
from .sampling import log_mean_exp, log_mean_exp_backward


def product_of_experts(mu, log_var, *, observed):
    """(mu, log_var) of the Gaussian that is proportional to N(z; 0, I) prod_m N(z; mu_m, v_m)^o_m, v = exp(log_var).

    1 / v = 1 + sum_m o_m / v_m, mu = v sum_m o_m mu_m / v_m: precisions add up, and means are weighted by them. mu and
    log_var (M, N, L), observed o (M, N) of 1, or 0 for an expert that has seen nothing -> (2, N, L)   (Wu & Goodman
    2018, sec. 2.2).
    """
    xp = array_module(mu)
    precision = observed[..., None] * xp.exp(-log_var)
    total = 1 + precision.sum(axis=0)
    return xp.stack(((precision * mu).sum(axis=0) / total, -xp.log(total)))


def product_of_experts_backward(g, mu, log_var, *, observed):
    """dmu_m = w_m g_mu, dlog_var_m = w_m (g_log_var - g_mu (mu_m - mu)), w_m = o_m v / v_m.   g (2, N, L).

    Forward weighted mu_m by w_m, so now it gets that share; a wider expert weighs less, which moves the mean away from
    mu_m, and widens the product.
    """
    mean, log_v = product_of_experts(mu, log_var, observed=observed)
    w = observed[..., None] * array_module(mu).exp(log_v - log_var)
    return w * g[0], w * (g[1] - g[0] * (mu - mean))


def mixture_of_experts(z, mu, log_var, *, observed):
    """log q(z), q the mean of those N(z; mu_m, v_m) that have seen something (Shi et al. 2019, eq. 2).

    z (..., N, L), mu and log_var (M, N, L), observed (M, N) of 1 or 0, at least one of them 1 -> (..., N) nats.
    """
    return log_mean_exp(_each_expert(z, mu, log_var, observed)) + _unseen(observed)


def mixture_of_experts_backward(g, z, mu, log_var, *, observed):
    """Each expert gets g times its share of the density at z, of which -inf, no density, is 0.   g (..., N)."""
    g = log_mean_exp_backward(g, _each_expert(z, mu, log_var, observed))  # (M, ..., N)
    mu, log_var = (_beside(part, z.ndim) for part in (mu, log_var))
    dz, dmu, dlog_var = gaussian_log_prob_backward(g, z, mu, log_var)
    return dz, *(part.reshape(len(part), *part.shape[-2:]) for part in (dmu, dlog_var))


def _each_expert(z, mu, log_var, observed):
    """log N(z; mu_m, v_m) (M, ..., N), -inf where an expert has seen nothing."""
    log_q = gaussian_log_prob(z, _beside(mu, z.ndim), _beside(log_var, z.ndim))
    return array_module(z).where(_beside(observed, z.ndim - 1) > 0, log_q, -math.inf)


def _beside(a, ndim):
    """a (M, N, ..) with axes of 1 behind M, so that it stands beside arrays of `ndim` axes."""
    return a.reshape(len(a), *[1] * (ndim + 1 - a.ndim), *a.shape[1:])


def _unseen(observed):
    """log M / m, m of the M experts have seen something: (N,)."""
    return math.log(len(observed)) - array_module(observed).log(observed.sum(axis=0))

"""The density of the batch's mixture of posteriors, and of each latent by itself: for the total correlation."""

from ..backend import array_module
from .reals import LOG_2PI
from .sampling import log_mean_exp, log_mean_exp_backward


def aggregate_log_prob(z, mu, log_var, *, log_weights):
    """log q(z) and log q(z_l) under q = 1/M sum_m w_m N(mu_m, std_m^2), w relative weights whose mean is 1.

    z (N, L), mu, log_var (M, L), log_weights (M, N), log w_m in the density of z_n -> (N, 1 + L) nats: the joint
    density first, then that of each latent   (Chen et al. 2018, app. C).
    """
    log_q, _, _ = _log_q(z, mu, log_var)
    joint = log_mean_exp(log_weights + log_q.sum(axis=-1))
    log_q += log_weights[..., None]
    return array_module(z).concatenate([joint[:, None], log_mean_exp(log_q)], axis=1)


def aggregate_log_prob_backward(g, z, mu, log_var, *, log_weights):
    """g (N, 1 + L) -> dz (N, L), dmu, dlog_var (M, L)."""
    log_q, d, inverse = _log_q(z, mu, log_var)
    # forward was two mixtures of the same densities, so now each density gets its share of both
    joint = log_mean_exp_backward(g[:, 0], log_weights + log_q.sum(axis=-1))
    log_q += log_weights[..., None]
    dlog_q = log_mean_exp_backward(g[:, 1:], log_q)  # (M, N, L)
    dlog_q += joint[..., None]
    dd = dlog_q * d  # less the derivative by d = (z - mu) / std, of log_q = -(log 2 pi + log_var + d^2) / 2
    dlog_var = (dd * d).sum(axis=1) - dlog_q.sum(axis=1)
    dd *= inverse
    return -dd.sum(axis=0), dd.sum(axis=1), 0.5 * dlog_var


def _log_q(z, mu, log_var):
    """(log N(z_nl; mu_ml, std_ml^2), (z - mu) / std (M, N, L), 1 / std (M, 1, L))."""
    inverse = array_module(z).exp(-0.5 * log_var[:, None])
    d = z - mu[:, None]
    d *= inverse
    log_q = d * d
    log_q += LOG_2PI + log_var[:, None]
    log_q *= -0.5
    return log_q, d, inverse

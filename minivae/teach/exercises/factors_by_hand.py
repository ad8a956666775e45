"""The functions that lesson 19 asks for, and once more with places where people make a mistake in them."""

import numpy as np

from .draws import log_sum_exp

LOG_2PI = np.log(2 * np.pi)


def kl_parts(log_qz_x, log_qz, log_qz_l, log_pz_l):
    product = log_qz_l.sum(axis=1)
    return (log_qz_x - log_qz).mean(), (log_qz - product).mean(), (product - log_pz_l.sum(axis=1)).mean()


def gaussian_tc(C):
    return (np.log(np.diag(C)).sum() - np.linalg.slogdet(C)[1]) / 2


def aggregate(z, mu, log_var, M):
    N = len(z)
    log_q = -0.5 * (LOG_2PI + log_var + (z[:, None] - mu) ** 2 / np.exp(log_var))  # (N, N, L): z_n under x_m
    log_w = np.log(np.where(np.eye(N, dtype=bool), 1 / M, (M - 1) / (M * (N - 1))))
    return log_sum_exp(log_w + log_q.sum(axis=2), axis=1), log_sum_exp(log_w[..., None] + log_q, axis=1)


def table(a, b):
    """The share of the rows with each pair of values (A, B)."""
    p = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(p, (a, b), 1 / len(a))
    return p


def log_of(p):
    return np.log(np.where(p > 0, p, 1))


def entropy(a):
    p = np.bincount(a) / len(a)
    return -(p * log_of(p)).sum()


def mutual_information(a, b):
    p = table(a, b)
    return (p * (log_of(p) - log_of(p.sum(axis=1, keepdims=True)) - log_of(p.sum(axis=0)))).sum()


def mig(codes, factors):
    information = np.array([[mutual_information(a, v) for v in factors.T] for a in codes.T])  # (L, F)
    ordered = np.sort(information, axis=0)
    return ((ordered[-1] - ordered[-2]) / [entropy(v) for v in factors.T]).mean()


def wrong_order(a, b):
    return (np.sign(b - a[:, None]).mean() + 1) / 2


# ---- the same with other arguments: the mistakes


def parts_variant(log_qz_x, log_qz, log_qz_l, log_pz_l, total=np.mean, over=np.sum, mi=1, tc=1, dim_kl=1,
                  first=lambda q_x, q, product, p: q_x - q, second=lambda q_x, q, product, p: q - product,
                  third=lambda q_x, q, product, p: product - p):  # fmt: skip
    logs = log_qz_x, log_qz, over(log_qz_l, axis=1), over(log_pz_l, axis=1)
    return mi * total(first(*logs)), tc * total(second(*logs)), dim_kl * total(third(*logs))


def gaussian_variant(C, half=0.5, sign=1, log=np.log, marginal=np.diag, total=np.sum, const=0.0, single=1,
                     joint=lambda C: np.linalg.slogdet(C)[1]):  # fmt: skip
    return half * sign * (single * total(log(marginal(C))) - joint(C) + const * len(C))


def equal(N, M):
    return np.full((N, N), 1 / N)


def weights(N, M, own=lambda N, M: 1 / M, other=lambda N, M: (M - 1) / (M * (N - 1)), where=None):
    where = np.eye(N, dtype=bool) if where is None else where(N)
    return np.where(where, own(N, M), other(N, M))


def first_column(N):
    return np.broadcast_to(np.arange(N) == 0, (N, N))


def aggregate_variant(z, mu, log_var, M, w=weights, const=LOG_2PI, half=0.5, variance=np.exp, height=1, turn=False,
                      late=False, each=lambda a: a, inner=np.sum, log_mean=log_sum_exp):  # fmt: skip
    N = len(z)
    log_q = -half * (const + height * log_var + (z[:, None] - mu) ** 2 / variance(log_var))
    if turn:
        log_q = log_q.swapaxes(0, 1)
    with np.errstate(divide="ignore"):
        log_w = np.log(w(N, M))
    log_qz_l = log_mean(log_w[..., None] + log_q, axis=1)
    log_qz = log_qz_l.sum(axis=1) if late else log_mean(log_w + inner(log_q, axis=2), axis=1)
    return log_qz, each(log_qz_l)


def information_variant(a, b, log=log_of, of_a=1, of_b=1, joint=1, sign=1, weigh=lambda p: p, size=1,
                        over=lambda p: 1):  # fmt: skip
    p = table(a, b)
    log_p_a, log_p_b = log(p.sum(axis=1, keepdims=True)), log(p.sum(axis=0))
    terms = joint * log(p) - of_a * log_p_a - of_b * log_p_b
    terms = np.where(p > 0, terms, 0) if log is log_of else terms
    return sign * (weigh(p) * terms).sum() * (len(a) if size != 1 else 1) / over(p)


def mig_variant(codes, factors, shape=lambda a: a, second=-2, over=None, total=np.mean, axis=0, of=mutual_information,
                gap=lambda best, other: best - other):  # fmt: skip
    information = shape(np.array([[of(a, v) for v in factors.T] for a in codes.T]))
    ordered = np.sort(information, axis=axis)
    ordered = ordered if axis == 0 else ordered.T
    scale = np.array([entropy(v) for v in factors.T]) if over is None else over(codes, factors, ordered)
    return total(gap(ordered[-1], ordered[second]) / scale)


def order_variant(a, b, tie=0.5, swap=False, total=np.mean, twice=1, scale=1.0):
    difference = b - a[:, None]
    difference = -difference if swap else difference
    return scale * twice * total((difference > 0) + tie * (difference == 0))

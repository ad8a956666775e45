"""The functions that lesson 18 asks for, and once more with places where people make a mistake in them."""

import numpy as np

from ...densities import kl_gaussians as kl
from ...densities import kl_gaussians_backward
from .draws import as_it_is


def kl_backward(mu, log_var, mu_p, log_var_p):
    return kl_gaussians_backward(1.0, mu, log_var, mu_p, log_var_p)


def merge(mu, log_var, mu_p, log_var_p):
    one, other = np.exp(-log_var), np.exp(-log_var_p)
    return (one * mu + other * mu_p) / (one + other), -np.log(one + other)


def merge_backward(dmu_q, dlog_var_q, mu, log_var, mu_p, log_var_p):
    mu_q, log_var_q = merge(mu, log_var, mu_p, log_var_p)
    w, w_p = np.exp(log_var_q - log_var), np.exp(log_var_q - log_var_p)
    return (w * dmu_q, w * (dlog_var_q + (mu_q - mu) * dmu_q),
            w_p * dmu_q, w_p * (dlog_var_q + (mu_q - mu_p) * dmu_q))  # fmt: skip


def ladder(mu_1, log_var_1, mu_2, log_var_2, A, log_var_p, eps_1, eps_2):
    z2 = mu_2 + np.exp(log_var_2 / 2) * eps_2
    mu_p = z2 @ A
    mu_q, log_var_q = merge(mu_1, log_var_1, mu_p, log_var_p)
    z1 = mu_q + np.exp(log_var_q / 2) * eps_1
    return z1, kl(mu_q, log_var_q, mu_p, log_var_p).sum(axis=-1), kl(mu_2, log_var_2, 0, 0).sum(axis=-1)


def variance_of_means(z):
    half = len(z) // 2
    a, b = z[:half].mean(axis=0), z[half:].mean(axis=0)
    return ((a - a.mean(axis=0)) * (b - b.mean(axis=0))).mean(axis=0)


def upper_share(x):
    return x.mean(axis=1).var(axis=0).sum() / x.var(axis=(0, 1)).sum()


# ---- the same with other arguments: the mistakes


def kl_backward_variant(mu, log_var, mu_p, log_var_p, half=0.5, square=1, over=as_it_is, variance=np.exp, one=1,
                        one_p=1, ratio=np.divide, in_p=1, spread=1, sign_p=-1, power=np.square, distance=1, inner=1,
                        inner_p=1, logs=1, over_p=as_it_is, over_mu=None, total=as_it_is):  # fmt: skip
    v, v_p = variance(log_var), variance(log_var_p)
    d = mu - distance * mu_p
    dmu = square * d / over(v_p)
    dlog_var = half * (ratio(v, v_p) - one) * (v**-1.0 if inner == 0 else 1)
    within = one_p - (in_p * ratio(v, v_p) + spread * power(d) / over(v_p)) * (v_p / over_p(v_p))
    dlog_var_p = half * logs * within
    dmu_p = dmu if over_mu is None else d / over_mu(v)
    return tuple(total(a) for a in (dmu, dlog_var, sign_p * dmu_p, dlog_var_p * (v_p**-1.0 if inner_p == 0 else 1)))


def merge_variant(mu, log_var, mu_p, log_var_p, precision=lambda log_var: np.exp(-log_var), weigh=as_it_is, swap=False,
                  divide=True, add=np.add, prior=1, wanted=lambda total: -np.log(total), half=1):  # fmt: skip
    one, other = precision(log_var), precision(log_var_p)
    a, b = (weigh(other), weigh(one)) if swap else (weigh(one), weigh(other))
    top = half * (a * mu + prior * b * mu_p)
    return top / (a + b) if divide is True else top * (a + b if divide is None else 1), wanted(add(one, other))


def merge_backward_variant(dmu_q, dlog_var_q, mu, log_var, mu_p, log_var_p, share=as_it_is, swap=False, moved=1,
                           widened=1, away=lambda mu_q, mu: mu_q - mu, prior=1, weigh=1, total=as_it_is, scale=1,
                           once=1, whole=None, pull=as_it_is):  # fmt: skip
    mu_q, log_var_q = merge(mu, log_var, mu_p, log_var_p)
    w, w_p = share(np.exp(log_var_q - log_var)), share(np.exp(log_var_q - log_var_p))
    if swap:
        w, w_p = w_p, w
    outer, outer_p = (w, w_p) if weigh else (1, 1)
    pulled = pull(dmu_q)
    dlog_var = outer * (widened * dlog_var_q + moved * away(mu_q, mu) * pulled)
    dlog_var_p = outer_p * (widened * dlog_var_q + moved * away(mu_q, mu_p) * pulled)
    if once != 1:  # one of the two paths without its share
        a, b = (dlog_var_q, 0) if once == "width" else (0, pulled)
        dlog_var = dlog_var + (1 - w) * (a + b * (mu_q - mu))
        dlog_var_p = dlog_var_p + (1 - w_p) * (a + b * (mu_q - mu_p))
    if whole:
        w, w_p = whole(log_var), whole(log_var_p)
    return tuple(total(a) for a in (w * dmu_q, scale * dlog_var, prior * w_p * dmu_q, prior * scale * dlog_var_p))


def ladder_variant(mu_1, log_var_1, mu_2, log_var_2, A, log_var_p, eps_1, eps_2, std=lambda a: np.exp(a / 2), noise=1,
                   noise_1=1, own=False, below="prior", of="merged", draw="merged", top=as_it_is,
                   total=lambda a: a.sum(axis=-1), swap=False, wide=as_it_is, std_1=None, at="mean", upper=0,
                   spread="merged", joined=merge):  # fmt: skip
    z2 = mu_2 + noise * std(log_var_2) * eps_2
    mu_p = z2 @ A
    log_p = wide(log_var_p) + 0 * mu_p
    q = (mu_1, log_var_1) if own else joined(mu_1, log_var_1, mu_p, log_p)
    mu_z, log_var_z = {"merged": q, "prior": (mu_p, log_p), "own": (mu_1, log_var_1)}[draw]
    log_var_z = log_var_1 if spread == "own" else log_var_z
    z1 = mu_z + noise_1 * (std_1 or std)(log_var_z) * eps_1
    p = (mu_p, log_p) if below == "prior" else (0 * mu_p, 0 * mu_p)
    q = q if of == "merged" else (mu_1, log_var_1)
    q = (z1, q[1]) if at == "z1" else q
    one = kl(*p, *q) if swap else kl(*q, *p)
    return z1, total(one), total(top(kl(mu_2, log_var_2, 0, upper)))


def variance_of_means_variant(z, first=lambda z: z[: len(z) // 2], other=lambda z: z[len(z) // 2 :], center=1, axis=0,
                              total=lambda a: a.mean(axis=0), mean=np.mean):  # fmt: skip
    a, b = mean(first(z), axis=axis), mean(other(z), axis=axis)
    return total((a - center * a.mean(axis=0)) * (b - center * b.mean(axis=0)))


def upper_share_variant(x, within=1, of=0, spread=np.var, ratio=lambda a, b: a.sum() / b.sum(), whole=(0, 1),
                        complement=False):  # fmt: skip
    between = spread(x.mean(axis=within), axis=of)
    found = ratio(between, spread(x, axis=whole))
    return 1 - found if complement else found

"""The functions that lesson 7 asks for, and once more with places where people make a mistake in them."""

import numpy as np

from .draws import summed

LOG_2PI = np.log(2 * np.pi)


def kl(mu, log_var, mu_p, log_var_p):
    ratio = np.exp(log_var - log_var_p)
    return 0.5 * (log_var_p - log_var + ratio + (mu - mu_p) ** 2 / np.exp(log_var_p) - 1).sum(axis=-1)


def kl_backward(mu, log_var, mu_p, log_var_p):
    return (mu - mu_p) / np.exp(log_var_p), 0.5 * (np.exp(log_var - log_var_p) - 1)


def kl_monte_carlo(mu, log_var, eps):
    z = mu + np.exp(log_var / 2) * eps
    terms = 0.5 * (z**2 - eps**2 - log_var).sum(axis=-1)
    return terms.mean(axis=0), terms.std(axis=0) / len(eps) ** 0.5


def posterior(x, w, b, var_x):
    precision = w**2 / var_x + 1
    return w * (x - b) / var_x / precision, np.broadcast_to(-np.log(precision), x.shape)


def elbo_parts(x, mu, log_var, w, b, var_x):
    v, zero, var = np.exp(log_var), np.zeros_like(mu), w**2 + var_x
    log_px_z = -0.5 * (LOG_2PI + np.log(var_x) + ((x - w * mu - b) ** 2 + w**2 * v) / var_x).sum(axis=-1)
    log_pz = -0.5 * (LOG_2PI + mu**2 + v).sum(axis=-1)
    entropy = 0.5 * (LOG_2PI + log_var + 1).sum(axis=-1)
    log_px = -0.5 * (LOG_2PI + np.log(var) + (x - b) ** 2 / var).sum(axis=-1)
    gap = kl(mu, log_var, *posterior(x, w, b, var_x))
    return log_px_z, kl(mu, log_var, zero, zero), log_pz, entropy, log_px, gap


def elbo_backward(x, mu, log_var, w, b, var_x):
    return w * (x - w * mu - b) / var_x - mu, 0.5 * (1 - np.exp(log_var) * (w**2 / var_x + 1))


# ---- the same with other arguments: the mistakes


def kl_variant(mu, log_var, mu_p, log_var_p, half=0.5, logs=1, ratio=np.divide, square=np.square, distance=1,
               over=lambda v, v_p: v_p, one=lambda L: 1, variance=np.exp, p=1, mean_p=1, swap=False,
               total=summed):  # fmt: skip
    mu_p, log_var_p = p * mean_p * mu_p, p * log_var_p
    if swap:
        mu, log_var, mu_p, log_var_p = mu_p, log_var_p, mu, log_var
    v, v_p = variance(log_var), variance(log_var_p)
    apart = distance * square(mu - mu_p) / over(v, v_p)
    return half * total(logs * (log_var_p - log_var) + ratio(v, v_p) + apart - one(mu.shape[-1]))


def kl_backward_variant(mu, log_var, mu_p, log_var_p, half=0.5, square=2, ratio=np.divide, over=lambda v, v_p: v_p,
                        one=1, variance=np.exp, mean_p=1, inner=lambda log_var: 1, distance=0,
                        total=lambda a: a):  # fmt: skip
    v, v_p, away = variance(log_var), variance(log_var_p), mu - mean_p * mu_p
    dlog_var = half * (ratio(v, v_p) - one + distance * away**2 / v_p) * inner(log_var)
    return total(half * square * away / over(v, v_p)), total(dlog_var)


def monte_carlo_variant(mu, log_var, eps, std=lambda log_var: np.exp(log_var / 2), sign=1, half=0.5, log=1, const=0,
                        in_q=lambda z, eps, mu, v: eps**2, in_p=lambda z, eps, mu, v: z**2, total=summed,
                        mean=lambda terms: terms.mean(axis=0),
                        error=lambda terms: terms.std(axis=0) / len(terms) ** 0.5):  # fmt: skip
    z, v = mu + std(log_var) * eps, np.exp(log_var)
    terms = sign * half * total(in_p(z, eps, mu, v) - in_q(z, eps, mu, v) - log * log_var + const)
    return mean(terms), error(terms)


def posterior_variant(x, w, b, var_x, prior=1, pixel=lambda w, var_x: w**2 / var_x, bias=1, noise=lambda var_x: var_x,
                      slope=lambda w: w, over=lambda var_x: var_x, weight=lambda v: v, times=1,
                      wanted=np.log):  # fmt: skip
    var_x = noise(var_x)
    v = 1 / (prior + pixel(w, var_x))
    return weight(v) * slope(w) * (x - bias * b) / over(var_x), times * wanted(v) + np.zeros_like(x)


def parts_variant(x, mu, log_var, w, b, var_x, half=0.5, const=LOG_2PI, bias=1, noise=lambda var_x: var_x, log=1,
                  slope=lambda w: w, spread=lambda w, v: w**2 * v, over=lambda var_x: 1, spread_z=1, std=1, prior=0,
                  swap_prior=False, one=1, log_q=1, entropy=1, var=lambda w, var_x: w**2 + var_x, log_x=1,
                  mean_x=lambda w, b, mu: b, swap_gap=False, to="posterior", total=summed):  # fmt: skip
    v, zero = np.exp(std * log_var), np.zeros_like(mu)
    q, p, given_x = (mu, log_var), (zero, zero + prior), posterior(x, w, b, var_x)
    b, var_x = bias * b, noise(var_x)
    squares = (x - slope(w) * mu - b) ** 2 + spread(w, v) * over(var_x)
    to_prior = kl_variant(*(p + q if swap_prior else q + p), total=total)
    to_posterior = kl_variant(*(given_x + q if swap_gap else q + given_x), total=total)
    var_of_x = var(w, var_x)
    return (
        -half * total(const + log * np.log(var_x) + squares / var_x),
        to_prior,
        -half * total(const + mu**2 + spread_z * v),
        entropy * half * total(const + log_q * log_var + one),
        -half * total(const + log_x * np.log(var_of_x) + (x - mean_x(w, b, mu)) ** 2 / var_of_x),
        to_prior if to == "prior" else to_posterior,
    )


def elbo_backward_variant(x, mu, log_var, w, b, var_x, recon=1, kl=1, bias=1, inner=lambda w: w, slope=lambda w: w,
                          noise=lambda var_x: var_x, one=1, half=0.5, spread=lambda w, v: w**2 * v,
                          variance=np.exp, loss=1, total=lambda a: a):  # fmt: skip
    v, var_x = variance(log_var), noise(var_x)
    dmu = recon * slope(w) * (x - inner(w) * mu - bias * b) / var_x - kl * mu
    dlog_var = -recon * half * spread(w, v) / var_x - kl * half * (v - one)
    return loss * total(dmu), loss * total(dlog_var)

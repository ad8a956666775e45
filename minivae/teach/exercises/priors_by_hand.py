"""The functions that lesson 17 asks for, and once more with places where people make a mistake in them."""

import numpy as np

from ...numeric import sigmoid
from .draws import as_it_is, log_sum_exp, summed

LOG_2PI = np.log(2 * np.pi)


def log_density(z, mu, log_var):
    """log N(z_n; mu_c, exp(log_var_c)): z (N, L), mu and log_var (C, L) -> (C, N)."""
    d = z - mu[:, None]
    return -0.5 * (LOG_2PI + log_var[:, None] + d**2 / np.exp(log_var)[:, None]).sum(axis=-1)


def log_mixture(z, mu, log_var, log_w):
    return log_sum_exp(log_w[:, None] + log_density(z, mu, log_var))


def surgery(z, mu, log_var, log_pz):
    log_q = log_density(z, mu, log_var)  # (N, N)
    log_qz = log_sum_exp(log_q) - np.log(len(mu))
    return (np.diagonal(log_q) - log_qz).mean(), (log_qz - log_pz).mean()


def best_gaussian(mu, log_var):
    return mu.mean(axis=0), np.log(np.exp(log_var).mean(axis=0) + mu.var(axis=0))


def log_mixture_backward(g, z, mu, log_var, log_w):
    a = log_w[:, None] + log_density(z, mu, log_var)
    r = (g * np.exp(a - log_sum_exp(a)))[..., None]  # (C, N, 1)
    d, v = z - mu[:, None], np.exp(log_var)[:, None]
    return -(r * d / v).sum(axis=0), (r * d / v).sum(axis=1), 0.5 * (r * (d**2 / v - 1)).sum(axis=1)


def pseudo_forward(a, W1, b1, W2, b2):
    mu, log_var = np.split(np.tanh(sigmoid(a) @ W1 + b1) @ W2 + b2, 2, axis=1)
    return mu, log_var


def pseudo_backward(dmu, dlog_var, a, W1, b1, W2):
    u = sigmoid(a)
    h = np.tanh(u @ W1 + b1)
    dheads = np.concatenate([dmu, dlog_var], axis=1)
    dt = dheads @ W2.T * (1 - h**2)
    return dt @ W1.T * u * (1 - u), u.T @ dt, h.T @ dheads


def log_normal(z, mu, log_var):
    return -0.5 * (LOG_2PI + log_var + (z - mu) ** 2 / np.exp(log_var)).sum(axis=-1)


def prior_laws(kl, mu, log_var, mu_p, log_var_p, eps):
    equal = kl(mu_p[None], log_var_p[None], mu_p, log_var_p)[0]
    z = mu + np.exp(log_var / 2) * eps
    terms = log_normal(z, mu, log_var) - log_normal(z, mu_p, log_var_p)  # (K, N)
    error = terms.std(axis=0) / len(eps) ** 0.5
    return equal, (kl(mu, log_var, mu_p, log_var_p) - terms.mean(axis=0)) / error


# ---- the same with other arguments: the mistakes


def density_variant(z, mu, log_var, variance=np.exp, half=-0.5, const=LOG_2PI, log=1, square=np.square, total=summed):
    d, v = z - mu[:, None], variance(log_var)[:, None]
    return half * total(const + log * log_var[:, None] + square(d) / v)


def mixture_variant(z, mu, log_var, log_w, weigh=lambda w, p: w + p, say=log_sum_exp, shift=lambda a: 0,
                    **density):  # fmt: skip
    a = weigh(log_w[:, None], density_variant(z, mu, log_var, **density))
    return say(a) + shift(a)


def mean_of_logs(z, mu, log_var, log_w):
    return (np.exp(log_w)[:, None] * log_density(z, mu, log_var)).sum(axis=0)


def surgery_variant(z, mu, log_var, log_pz, weight=lambda N: -np.log(N), own=np.diagonal, marginal=log_sum_exp,
                    hide=0, ahead=1, behind=1, first="qz_x", second="qz", minus="qz", total=np.mean,
                    prior=lambda log_pz, z: log_pz, times=np.zeros_like, more=as_it_is, each=as_it_is):  # fmt: skip
    log_q = each(log_density(z, mu, log_var), z.shape[1])
    seen = np.where(np.eye(len(z)) * hide > 0, -np.inf, log_q)
    parts = {"qz_x": own(log_q), "qz": marginal(seen) + weight(len(z)), "0": 0 * log_pz}
    parts["pz"] = prior(log_pz, z)
    at = {name: np.exp(times(parts[name])) for name in (first, second)}
    information = total(ahead * at[first] * (parts[first] - parts[minus]))
    return more(information, len(z)), total(behind * at[second] * (parts[second] - parts["pz"]))


def surgery_of_pairs(z, mu, log_var, log_pz):
    log_q = log_density(z, mu, log_var)
    log_qz = log_sum_exp(log_q) - np.log(len(mu))
    return (log_q - log_qz).sum() / len(z), (log_qz - log_pz).mean()


def surgery_by_formula(z, mu, log_var, log_pz):
    log_qz = log_sum_exp(log_density(z, mu, log_var)) - np.log(len(mu))
    return (-0.5 * summed(LOG_2PI + 1 + log_var) - log_qz).mean(), (log_qz - log_pz).mean()


def gaussian_variant(mu, log_var, center=lambda mu, v: mu.mean(axis=0), width=lambda v: v.mean(axis=0), wide=1,
                     spread=lambda mu: mu.var(axis=0), apart=1, say=np.log, variance=np.exp):  # fmt: skip
    v = variance(log_var)
    return center(mu, v), say(wide * width(v) + apart * spread(mu))


def backward_variant(g, z, mu, log_var, log_w, share=lambda a, log_w: np.exp(a - log_sum_exp(a)), upstream=lambda g: g,
                     logs=as_it_is, variance=np.exp, over=lambda v: v, sign=(1, 1, 1), half=0.5, one=1,
                     square=np.square, inner=lambda v: 1, last=lambda r, g: r, of_z=lambda a: a.sum(axis=0),
                     of_c=lambda a: a.sum(axis=1), outer=lambda v: 1):  # fmt: skip
    a = logs(log_w)[:, None] + log_density(z, mu, log_var)
    r = (upstream(g) * share(a, log_w[:, None]))[..., None]
    d, v = z - mu[:, None], variance(log_var)[:, None]
    dlog_var = half * (r * square(d) / over(v) - one * last(r, g[:, None])) * inner(v)
    dmu = r * d / over(v) * outer(v)
    return sign[0] * -of_z(dmu), sign[1] * of_c(dmu), sign[2] * of_c(dlog_var)


def pseudo_variant(dmu, dlog_var, a, W1, b1, W2, heads=lambda m, v: (m, v), pixels=sigmoid, inputs=lambda u, a: u,
                   units=lambda h, t: h, squash=lambda u, a: u * (1 - u), bend=lambda h, t: 1 - h**2, bias=1,
                   first=lambda dt, dh: dt, rows=lambda a: 1, sign=1, unit=np.tanh):  # fmt: skip
    u = pixels(a)
    t = u @ W1 + bias * b1
    h = unit(t)
    dheads = sign * np.concatenate(heads(dmu, dlog_var), axis=1) * rows(a)
    dh = dheads @ W2.T
    dt = dh * bend(h, t)
    return dt @ W1.T * squash(u, a), inputs(u, a).T @ first(dt, dh), units(h, t).T @ dheads


def exchanged(dmu, dlog_var, a, W1, b1, W2):
    u = sigmoid(a)
    h = np.tanh(u @ W1 + b1)
    dheads = np.concatenate([dmu, dlog_var], axis=1)
    dt = dheads @ W2.T * (1 - h**2)
    return dt @ W1.T * u * (1 - u), u.T @ dt, dt.T @ dheads


def laws_variant(kl, mu, log_var, mu_p, log_var_p, eps, q=lambda mu, log_var, mu_p, log_var_p: (mu_p, log_var_p),
                 say=lambda a: a[0], std=lambda a: np.exp(a / 2), start=lambda mu, mu_p: mu, learned=1, wide=1,
                 width=as_it_is, mean=lambda t: t.mean(axis=0), more=lambda eps: 0,
                 of_q=1, of_p=-1, sign=1, spread=lambda t: t.std(axis=0) / len(t) ** 0.5,
                 charged=lambda kl, *args: kl(*args), before=lambda a: a, log_q=1, log_p=1, each=1,
                 whole=1):  # fmt: skip
    at = [np.atleast_2d(a) for a in q(mu, log_var, mu_p, log_var_p)]
    equal = say(kl(*at, mu_p, log_var_p))
    z = start(mu, mu_p) + std(width(log_var, log_var_p)) * eps
    terms = of_q * log_normal(z, mu, log_var) + of_p * log_normal(z, learned * mu_p, wide * log_var_p)
    terms = terms + 0.5 * ((1 - log_q) * summed(log_var) - (1 - log_p) * summed(log_var_p))
    terms = (terms + more(eps)) / mu.shape[1] ** (1 - each)
    error = spread(terms)
    score = sign * (charged(kl, mu, log_var, mu_p, log_var_p) / (error if whole else 1) - mean(terms) / error)
    return equal, before(score)

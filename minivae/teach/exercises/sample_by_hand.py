"""The functions that lesson 8 asks for, and once more with places where people make a mistake in them."""

import numpy as np

from .draws import as_it_is


def reparameterize(mu, log_var, eps):
    return mu + np.exp(log_var / 2) * eps


def reparameterize_backward(dz, mu, log_var, eps):
    return dz, dz * eps * np.exp(log_var / 2) / 2


def around_the_sample(dl1, dl2, v1, v2, mu, log_var, eps):
    dz = dl1 * v1 + dl2 * v2
    dstd = dz * eps
    return dz, dstd, dz + mu, dstd * np.exp(log_var / 2) / 2 + (np.exp(log_var) - 1) / 2


def score(z, mu, log_var):
    var = np.exp(log_var)
    return (z - mu) / var, ((z - mu) ** 2 / var - 1) / 2


def score_function(f, z, mu, log_var, baseline):
    dmu, dlog_var = score(z, mu, log_var)
    return (f - baseline)[:, None] * dmu, (f - baseline)[:, None] * dlog_var


def leave_one_out(f):
    return (f.sum() - f) / (len(f) - 1)


# ---- the same with other arguments: the mistakes


def sample_variant(mu, log_var, eps, std=lambda log_var: np.exp(log_var / 2), stretch=1, mean=1, noise=as_it_is):
    return mean * mu + stretch * std(log_var) * noise(eps)


def sample_backward_variant(dz, mu, log_var, eps, slope=lambda log_var: np.exp(log_var / 2) / 2,
                            noise=lambda mu, log_var, eps: eps, dmu=lambda dz, mu, log_var, eps: dz, loss=as_it_is,
                            kl=0, total=as_it_is):  # fmt: skip
    dz = loss(dz)
    dlog_var = dz * noise(mu, log_var, eps) * slope(log_var) + kl * (np.exp(log_var) - 1) / 2
    return total(dmu(dz, mu, log_var, eps) + kl * mu), total(dlog_var)


def pencil_variant(dl1, dl2, v1, v2, mu, log_var, eps, dz=None, dstd=None, dmu=None, dlog_var=None):
    """Some of the four lines otherwise: each is a function of the names that it takes, and what follows takes it up."""
    a = {"dl1": dl1, "dl2": dl2, "v1": v1, "v2": v2, "mu": mu, "log_var": log_var, "eps": eps}
    a["var"], a["std"] = np.exp(log_var), np.exp(log_var / 2)
    a["dz"] = dz(**a) if dz else dl1 * v1 + dl2 * v2
    a["dstd"] = dstd(**a) if dstd else a["dz"] * eps
    a["dmu"] = dmu(**a) if dmu else a["dz"] + mu
    a["dlog_var"] = dlog_var(**a) if dlog_var else a["dstd"] * a["std"] / 2 + (a["var"] - 1) / 2
    return tuple(a[name] for name in ("dz", "dstd", "dmu", "dlog_var"))


def score_variant(z, mu, log_var, var=np.exp, sign=1, mean=1, half=0.5, square=1, power=np.square, one=1,
                  inner=lambda log_var: 1, total=as_it_is):  # fmt: skip
    away = z - mean * mu
    dlog_var = half * (square * power(away) / var(log_var) - one) * inner(log_var)
    return total(sign * 2 * half * away / var(log_var)), total(dlog_var)


def score_function_variant(f, z, mu, log_var, baseline, weight=np.subtract, along=lambda w: w[:, None],
                           mean=as_it_is):  # fmt: skip
    weights = along(weight(f, baseline))
    return tuple(mean(weights * a) for a in score(z, mu, log_var))

"""The functions that lesson 20 asks for, and once more with places where people make a mistake in them."""

import numpy as np

from ...numeric import one_hot
from .codes_by_hand import last, softmax


def hot(y, C):
    """One-hot rows (N, C); of -1 a row of zeros."""
    return one_hot(np.asarray(y, "int64"), int(C), np.zeros(1))


def log_softmax(a):
    shifted = a - a.max(axis=-1, keepdims=True)
    return shifted - np.log(last(np.exp(shifted)))


# ---- a condition: x (N, n), y (N,), C -> (N, n + C)


def beside(x, y, C):
    return np.concatenate([x, hot(y, C)], axis=1)


# ---- between the nets: dgiven (N, L + C), weight (N,), mu, log_var, eps (N, L) -> dmu, dlog_var


def latent_backward(dgiven, weight, mu, log_var, eps):
    return latent_variant(dgiven, weight, mu, log_var, eps)


def latent_variant(dgiven, weight, mu, log_var, eps, cut=lambda g, L: g[:, :L], through=1, noise=None, half=0.5,
                   std=lambda a: np.exp(a / 2), kl=1, weigh=lambda w: w[:, None], one=1, half_kl=0.5, kl_mu=1,
                   var=np.exp):  # fmt: skip
    dz = through * cut(dgiven, mu.shape[1])
    dstd = dz * (eps if noise is None else noise)
    w = kl * weigh(weight)
    return dz + kl_mu * w * mu, half * dstd * std(log_var) + w * half_kl * (var(log_var) - one)


def mu_squared(dgiven, weight, mu, log_var, eps):
    dmu, dlog_var = latent_backward(dgiven, weight, mu, log_var, eps)
    return dmu + weight[:, None] * (mu**2 - mu), dlog_var


def kl_for_its_slope(dgiven, weight, mu, log_var, eps):
    dmu, dlog_var = latent_backward(dgiven, weight, mu, log_var, eps)
    return dmu, dlog_var + weight[:, None] * 0.5 * (mu**2 - log_var)


def in_std(dgiven, weight, mu, log_var, eps):
    dmu, dlog_var = latent_backward(dgiven, weight, mu, log_var, eps)
    return dmu, dlog_var * 2 / np.exp(log_var / 2)


def latent_loss(dgiven, weight, mu, log_var, eps):
    """Whose gradient that is: what the decoder says of z as a linear function, and the weighed KL."""
    z = mu + np.exp(log_var / 2) * eps
    kl = 0.5 * (mu**2 + np.exp(log_var) - 1 - log_var).sum(axis=1)
    return (dgiven[:, : mu.shape[1]] * z).sum() + (weight * kl).sum()


# ---- classes summed out: logits, bounds (N, C) -> (N,)


def softmax_of_all(a):
    return np.exp(a) / np.exp(a).sum()


def class_bound(logits, bounds):
    return class_bound_variant(logits, bounds)


def class_bound_variant(logits, bounds, q=softmax, entropy=1, weight=lambda q: q, log_q=log_softmax,
                        total=lambda a: a.sum(axis=1), sign=1):  # fmt: skip
    return sign * total(weight(q(logits)) * (bounds - entropy * log_q(logits)))


def class_bound_backward(logits, bounds):
    return class_bound_backward_variant(logits, bounds)


def class_bound_backward_variant(logits, bounds, q=softmax, entropy=1, mean=lambda q, v: last(q * v), sign=1,
                                 weight=lambda q: q, dbounds=lambda q: q, one=0, total=lambda a: a,
                                 log_q=log_softmax):  # fmt: skip
    p = q(logits)
    v = bounds - entropy * log_q(logits) - one
    return total(sign * weight(p) * (v - mean(p, v))), total(sign * dbounds(p))


# ---- labels for some: bounds, logits (N, C), y (N,), -1 where it is unknown, alpha -> a number, and its gradient


def m2_loss(bounds, logits, y, alpha):
    return m2_variant(bounds, logits, y, alpha)


def m2_variant(bounds, logits, y, alpha, target=None, bound=class_bound, known_bound=1, unknown_bound=1,
               over=lambda known: len(known), labels=1, weight=lambda alpha: alpha, label_sign=-1, sign=-1,
               label_over=lambda known: known.sum(), parts=None, log_q=log_softmax):  # fmt: skip
    y = np.asarray(y, "int64")
    known = (y >= 0).astype(float)
    wanted = hot(y if target is None else target(y, bounds.shape[1]), bounds.shape[1])
    of_known = known_bound * (wanted * bounds).sum(axis=1)
    of_unknown = unknown_bound * (1 - known) * bound(logits, bounds)
    if parts is not None:
        return parts(of_known, of_unknown, known) + alpha * -(wanted * log_softmax(logits)).sum() / known.sum()
    label = labels * weight(alpha) * label_sign * (wanted * log_q(logits)).sum() / label_over(known)
    return sign * (of_known + of_unknown).sum() / over(known) + label


def none_for_zero(function):
    """With y > 0 where y >= 0 is meant."""
    return lambda bounds, logits, y, alpha: function(bounds, logits, np.where(y == 0, -1, y), alpha)


def label_part_of_all(bounds, logits, y, alpha, over):
    """Rows without a label stand in it as well, with the last class."""
    part = log_softmax(logits)[np.arange(len(y)), y].sum() / over(y >= 0)
    return m2_variant(bounds, logits, y, alpha, labels=0) - alpha * part


def m2_backward(bounds, logits, y, alpha):
    return m2_backward_variant(bounds, logits, y, alpha)


def m2_backward_variant(bounds, logits, y, alpha, u_known=0, labels=1, label_sign=1, over=lambda known: len(known),
                        label_over=lambda known: known.sum(), weight=lambda alpha: alpha, sign=-1,
                        of_known=lambda wanted, q: wanted, of_unknown=lambda q: q, unknown=1,
                        entropy=1, label=lambda q, wanted, known: known * q - wanted,
                        mean=lambda q, v: last(q * v)):  # fmt: skip
    y = np.asarray(y, "int64")
    known, q = (y >= 0).astype(float)[:, None], softmax(logits)
    wanted = hot(y, bounds.shape[1])
    of_u, _ = class_bound_backward_variant(logits, bounds, entropy=entropy, mean=mean)
    share = 1 - known + u_known * known
    dlogits = sign * unknown * share * of_u / over(known)
    dlogits = dlogits + labels * label_sign * weight(alpha) * label(q, wanted, known) / label_over(known)
    return dlogits, sign * (known * of_known(wanted, q) + (1 - known) * of_unknown(q)) / over(known)

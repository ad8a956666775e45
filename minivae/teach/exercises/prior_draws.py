"""What the exercises of lesson 17 are tried on."""

import numpy as np

from .draws import one_of
from .priors_by_hand import pseudo_forward


def components(rng):
    """N z; in one of the draws the first is far from all of C Gaussians, so that in the others no number is large."""
    N, C, L = one_of(rng, (9, 5, 2), (11, 6, 3), (12, 7, 4))
    z = rng.standard_normal((N, L))
    if N == 12:
        z[0] = 60 + 5 * rng.random(L)
    log_w = rng.standard_normal(C)
    log_w -= np.log(np.exp(log_w).sum())
    mu, log_var = rng.standard_normal((C, L)), rng.uniform(-1.5, 1, (C, L))
    return {"z": z, "mu": mu, "log_var": log_var, "log_w": log_w}


def for_gradient(rng):
    """Of the z that is far g is small, so that its gradient is not the largest by far."""
    inputs = components(rng)
    g = rng.standard_normal(len(inputs["z"]))
    g[0] *= 1e-3 if len(g) == 12 else 1
    return {"g": g} | inputs


def posteriors(rng):
    """One of the draws has so many latents that every density is 0 in float64."""
    N, L = one_of(rng, (9, 2), (11, 3), (12, 1000))
    mu, log_var = 2 * rng.standard_normal((N, L)), rng.uniform(-2, 0, (N, L))
    z = mu + np.exp(log_var / 2) * rng.standard_normal((N, L))
    return {"z": z, "mu": mu, "log_var": log_var, "log_pz": -2 - rng.gamma(2, 1, N)}


def heads(rng):
    N, L = one_of(rng, (9, 2), (11, 3), (12, 4))
    return {"mu": 1 + rng.standard_normal((N, L)), "log_var": rng.uniform(-2, 1, (N, L))}


def encoder(rng):
    C, D, H, L = one_of(rng, (5, 9, 6, 2), (8, 11, 7, 3), (10, 12, 4, 1))
    shapes = {"dmu": (C, L), "dlog_var": (C, L), "a": (C, D), "W1": (D, H), "b1": H, "W2": (H, 2 * L)}
    return {name: rng.standard_normal(shape) / (1 + (name[0] == "W")) for name, shape in shapes.items()}


def heads_of(dmu, dlog_var, a, W1, b1, W2):
    mu, log_var = pseudo_forward(a, W1, b1, W2, np.zeros(W2.shape[1]))
    return (dmu * mu + dlog_var * log_var).sum()


def suspect(rng):
    """A KL with a bug: each latent is charged against each of the prior's, and a share of all that is summed.

    In one of the draws with the wrong sign, too.
    """
    share = rng.uniform(0.4, 0.7)

    def kl(mu, log_var, mu_p, log_var_p):
        one = np.ndim(mu) == 1  # its KL is a number
        mu, log_var = np.atleast_2d(mu)[..., None], np.atleast_2d(log_var)[..., None]
        each = log_var_p - log_var + (np.exp(log_var) + (mu - mu_p) ** 2) / np.exp(log_var_p) - 1
        total = sign * share * each.mean(axis=-1).sum(axis=-1)
        return total[0] if one else total

    K, N, L = one_of(rng, (30, 5, 2), (41, 6, 3), (52, 7, 4))
    sign = -1 if K == 41 else 1
    shapes = {"mu": (N, L), "log_var": (N, L), "mu_p": L, "log_var_p": L, "eps": (K, N, L)}
    return {"kl": kl} | {name: rng.standard_normal(shape) for name, shape in shapes.items()}

"""What the average KL is spent on, and which latents move with x.

    E_x KL(q(z|x) || p(z)) = I(x; z) + KL(q(z) || p(z)),   KL(q(z) || p(z)) = TC(z) + sum_l KL(q(z_l) || p(z_l))

q(z) = 1/N sum_n q(z | x_n) is the mixture of the posteriors of the N rows that are given: all of them are in it, so
nothing is estimated from a mini-batch (Hoffman & Johnson 2016, "ELBO surgery", eq. 6; Chen et al. 2018, "Isolating
sources of disentanglement", 1802.04942, eq. 2).
"""

import math

import numpy as np

from ..backend import array_module, place, to_numpy
from ..data import batches
from ..densities import LOG_2PI, gaussian_log_prob, reparameterize
from ..metrics import BATCH
from ..numeric import at_once
from ..options import whole
from ..priors import ConditionalNormal

ACTIVE = 0.01  # variance of the posterior mean above which a latent is active
DRAWS = 10_000  # z that are drawn, about
BLOCK = 2**17  # densities that are computed at once: they stay in a near cache
NARROW = -40.0  # log-variance of a Gaussian that is a point, within float64


def kl_parts(model, mu, log_var, rng, draws=DRAWS):
    """The parts of the average KL, each as a value per row: the mean over the rows is the estimate.

    About `draws` z are drawn, as many from q(z | x_n) for each row n, at least one; or one for each of `draws` random
    rows, where there are more. The cost is draws N L densities.

    Parameters
    ----------
    model : Model
        With a prior.
    mu, log_var : arrays (N, L)
        Posteriors of all rows, as `posteriors` gives them.
    rng : numpy.random.Generator
    draws : int

    Returns
    -------
    dict of arrays (M,), M = min(draws, N), in nats, means over the z of a row
        "mutual_information": log q(z | x) - log q(z), whose mean I(x; z) is at most log N, whatever the model.
        "marginal_kl": log q(z) - log p(z). Together they are log q(z | x) - log p(z), whose mean is the average KL.
        Where the model has a KL of each latent, p(z) is a product and the marginal KL has parts:
        "total_correlation": log q(z) - sum_l log q(z_l).
        "dimension_kl" (M, L): log q(z_l) - log p(z_l).

    Raises
    ------
    ValueError
        If mu and log_var are no two arrays (N, L) of N >= 1 rows, or the model has no prior p(z), the same for all.
    FloatingPointError
        If a density is not finite.
    """
    mu, log_var = _checked(mu, log_var)
    if getattr(model, "prior", None) is None:
        raise ValueError(f"model: expected one with a prior, {type(model).__name__} has none")
    if isinstance(model.prior, ConditionalNormal):
        raise ValueError(f"model: expected one prior p(z) for all rows, {type(model).__name__} has p(z | y)")
    draws = whole(1)("draws", draws)
    rows = rng.permutation(len(mu))[:draws]
    own = mu[rows], log_var[rows]
    z = reparameterize(*own, eps=rng.standard_normal((max(1, draws // len(mu)), *own[0].shape)))  # (S, M, L)
    log_qz_l, log_qz = np.empty(z.shape), np.empty(z.shape[:2])
    for s, part in enumerate(z):
        log_qz[s], log_qz_l[s] = log_aggregate(part, mu, log_var)
    parts = {"mutual_information": gaussian_log_prob(z, *own) - log_qz}
    if model.has_kl:
        log_pz_l = _log_prior_of_each(model, z)
        parts["marginal_kl"] = log_qz - log_pz_l.sum(axis=-1)
        parts["total_correlation"] = log_qz - log_qz_l.sum(axis=-1)
        parts["dimension_kl"] = log_qz_l - log_pz_l
    else:
        parts["marginal_kl"] = log_qz - _log_prior(model, z)
    parts = {name: part.mean(axis=0) for name, part in parts.items()}
    if not all(np.isfinite(part).all() for part in parts.values()):
        raise FloatingPointError("latents: a density of q(z) is not finite; the posteriors are too narrow or too wide")
    return parts


def log_aggregate(z, mu, log_var):
    """log q(z) (M,) and log q(z_l) (M, L) of z (M, L), q the mixture of N Gaussians mu, log_var (N, L): nats.

    For z drawn from one of them: its own density is in the mean, so no mean of exp(...) rounds to 0 in one latent.
    """
    N, L = mu.shape
    centers, constants = mu.T.copy(), -0.5 * (LOG_2PI + log_var.T)
    scales = np.exp(-0.5 * log_var.T) * math.sqrt(0.5)
    log_qz, log_qz_l = np.empty(len(z)), np.empty(z.shape)
    size = at_once(len(z), N, BLOCK)
    for start in range(0, len(z), size):
        part = slice(start, start + size)
        joint = np.zeros((len(z[part]), N))
        for l in range(L):
            log_q = z[part, l, None] - centers[l]  # (m, N), in place from here on
            log_q *= scales[l]
            log_q *= log_q
            np.subtract(constants[l], log_q, out=log_q)  # log N(z_l; mu_nl, var_nl)
            joint += log_q
            log_qz_l[part, l] = np.log(np.exp(log_q, out=log_q).mean(axis=1))
        top = joint.max(axis=1)
        joint -= top[:, None]
        log_qz[part] = top + np.log(np.exp(joint, out=joint).mean(axis=1))
    return log_qz, log_qz_l


def activity(mu):
    """Variance over the rows of the posterior mean, mu (N, L) -> (variances (L,), their standard errors (L,)).

    A latent is active where it is above `ACTIVE` = 0.01 (Burda et al. 2016, sec. 5).
    """
    mu, _ = _checked(mu, mu)
    squares = (mu - mu.mean(axis=0)) ** 2
    return squares.mean(axis=0), squares.std(axis=0, ddof=1) / math.sqrt(len(mu))


def _checked(mu, log_var):
    mu, log_var = np.asarray(mu, "float64"), np.asarray(log_var, "float64")
    if mu.ndim != 2 or mu.shape != log_var.shape or len(mu) < 2:
        raise ValueError(f"mu, log_var: expected (N, L) each, of 2 rows or more, got {mu.shape} and {log_var.shape}")
    return mu, log_var


def _log_prior(model, z):
    """log p(z) (S, M) of z (S, M, L), in parts that bound the memory."""
    parts = [place(z[:, rows], like=model.theta) for rows in batches(z.shape[1], at_once(BATCH, z.shape[2]))]
    return np.concatenate([to_numpy(model.prior.forward(part)[0]) for part in parts], axis=1)


def _log_prior_of_each(model, z):
    """log p(z_l) (..., L) of z (..., L): KL(N(z, v) || p) = -log p(z) - (log(2 pi v) + 1) / 2, where v goes to 0."""
    point = array_module(model.theta).asarray(z)
    kl = model.prior.kl(point, 0 * point + NARROW)
    return -to_numpy(kl) - 0.5 * (LOG_2PI + NARROW + 1)

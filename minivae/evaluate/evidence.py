"""The evidence log p(x) by importance sampling, what its samples say beside it, and scores of rows."""

from typing import NamedTuple

import numpy as np

from ..backend import place, take, to_numpy
from ..data import batches
from ..densities import log_mean_exp
from ..metrics import BATCH, check_pair
from ..numeric import at_once
from .chunks import VALUES, checked, chunks, own_noise, shared_noise


def log_evidence(model, x, K, rng, max_values=VALUES, progress=False, y=None):
    """log p(x) of each row, log 1/K sum_k p(x, z_k) / q(z_k | x) with z_k ~ q: a lower bound in expectation.

    Parameters
    ----------
    model : Model
        Any with `log_weights(x, eps, y) -> (K, N)`, and `draw_eps` for its noise.
    x : array (N, D)
    K : int
        Samples per row.
    rng : numpy.random.Generator
    max_values : int
        About how many floats the decoder's output may take; the result does not depend on it, up to rounding.
    progress : bool
        Show a bar on a terminal.
    y : array, optional
        Of a conditional model, whose evidence is log p(x | y).

    Returns
    -------
    numpy.ndarray (N,), float64
        Nats per example.

    Raises
    ------
    ValueError
        If K is no whole number from 1 up, x are no rows of numbers or y not as many, or the model has no evidence.
    """
    x, y, K = checked(model, x, y, K)
    result = np.empty(len(x))
    for rows, parts in chunks(model, x, y, K, own_noise(model, rng), max_values, progress, "log p(x)"):
        log_w = [model.log_weights(x_rows, eps, y=y_rows) for x_rows, eps, y_rows in parts]
        result[rows] = log_mean_exp(np.concatenate(to_numpy(log_w)).astype("float64"))
    return result


class Evidence(NamedTuple):
    """What K samples z_k ~ q(z | x) say of each row, in nats; all but `bounds` are arrays (N,) in float64.

    Attributes
    ----------
    log_px
        log 1/K sum_k w_k, w_k = p(x, z_k) / q(z_k | x): below log p(x) in expectation (Burda et al. 2016, theorem 1).
    elbo, log_px_z, kl
        ELBO, reconstruction E_q[log p(x | z)] and KL(q(z | x) || p(z)), elbo = log_px_z - kl: means over the samples,
        but the KL is the analytic one where the model has it. Of a mixture of experts a sample is one z of each, and
        these are of the bound of that, above the model's own `elbo`.
    ess
        Effective sample size (sum_k w_k)^2 / sum_k w_k^2, from 1 to K (Kong 1992): how many of the samples count.
    bounds
        {k: (N,)}, k = 1, 10, 100, ... below K and K itself: the bound of k samples, mean over the K // k groups of
        them. That of k = 1 is the ELBO with a sampled KL.
    """

    log_px: np.ndarray
    elbo: np.ndarray
    log_px_z: np.ndarray
    kl: np.ndarray
    ess: np.ndarray
    bounds: dict


def sampled_evidence(model, x, K, rng, progress=False, y=None):
    """The `Evidence` of each row of x (N, D) from exactly K samples each; arguments and errors as of `log_evidence`."""
    x, y, K = checked(model, x, y, K)
    return _evidence(model, x, y, K, own_noise(model, rng), progress, "log p(x)")


def row_scores(model, x, K, rng, progress=False, y=None):
    """Scores of each row of x (N, D) in nats: {"elbo", "log_px", "log_px_z", "kl": (N,) float64}, as in `Evidence`.

    All rows share the same noise: no score depends on the other rows, or on their order. Of a model without evidence,
    which draws nothing, {"log_px_z"} alone, or of one with codes z {"elbo", "log_px_z", "kl"}; of one whose log p(x)
    is exact, {"log_px"}.
    """
    if model.exact:
        return {"log_px": log_evidence(model, x, 1, rng, y=y)}
    if model.latent == "codes" and model.log_weights is None:
        log_px_z, log_pz = code_terms(model, x, y)
        return {"elbo": log_px_z + log_pz, "log_px_z": log_px_z, "kl": -log_pz}
    if model.latent == "prior":
        raise ValueError(f"model: expected one that says how likely an x is, {type(model).__name__} does not")
    if model.log_weights is None:
        return {"log_px_z": _through_codes(model, *check_pair(x, y, model))}
    x, y, K = checked(model, x, y, K)
    found = _evidence(model, x, y, K, shared_noise(model, K, rng), progress, "scores")
    return {name: getattr(found, name) for name in ("elbo", "log_px", "log_px_z", "kl")}


def _evidence(model, x, y, K, noise, progress, what):
    ks = [10**i for i in range(len(str(K))) if 10**i < K] + [K]
    scores = {name: np.empty(len(x)) for name in ("log_px", "elbo", "log_px_z", "kl", "ess")}
    bounds = {k: np.empty(len(x)) for k in ks}
    for rows, parts in chunks(model, x, y, K, noise, VALUES, progress, what):
        terms = [np.stack(to_numpy(model.log_terms(x_rows, eps, y=y_rows))) for x_rows, eps, y_rows in parts]
        log_px_z, log_pz, log_qz_x = np.concatenate(terms, axis=1).astype("float64")  # (K, n) each
        log_w = log_px_z + log_pz - log_qz_x
        kl = (log_qz_x - log_pz).mean(axis=0)
        if model.has_kl:
            x_rows, y_rows = place((x[rows], take(y, rows)), like=model.theta)
            kl = model.prior_of(y_rows, len(x_rows)).kl(*model.encode(x_rows, y=y_rows))  # (n, L)
            kl = to_numpy(kl).sum(axis=-1, dtype="float64")
        log_px = log_mean_exp(log_w)
        scores["log_px"][rows] = log_px
        scores["log_px_z"][rows] = log_px_z.mean(axis=0)
        scores["kl"][rows] = kl
        scores["elbo"][rows] = log_px_z.mean(axis=0) - kl
        scores["ess"][rows] = np.exp(2 * log_px - log_mean_exp(2 * log_w)) * K
        for k in ks:
            groups = log_w[: K // k * k].reshape(k, K // k, -1)  # K // k groups of k samples
            bounds[k][rows] = log_mean_exp(groups).mean(axis=0)
    return Evidence(**scores, bounds=bounds)


def code_terms(model, x, y=None):
    """(log p(x | z), log p(z)) (N,) nats of the codes z of each row: their sum is its ELBO, for q(z | x) is one-hot."""
    x, y = check_pair(x, y, model)
    parts = []
    for rows in batches(len(x), at_once(BATCH, x.shape[1])):
        x_rows, y_rows = place((x[rows], take(y, rows)), like=model.theta)
        parts.append(to_numpy(model.log_terms(x_rows, y=y_rows)[:2]))
    return tuple(np.concatenate(part).astype("float64") for part in zip(*parts, strict=True))


def _through_codes(model, x, y):
    """log p(x | z) (N,) at the code of each row."""
    parts = []
    for rows in batches(len(x), at_once(BATCH, x.shape[1])):
        x_rows, y_rows = place((x[rows], take(y, rows)), like=model.theta)
        out = model.decoder(model.given(model.encode(x_rows, y=y_rows), y_rows))
        parts.append(to_numpy(model.likelihood.forward(x_rows, out)[0]))
    return np.concatenate(parts).astype("float64")

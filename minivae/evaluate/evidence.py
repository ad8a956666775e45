"""What needs several z for each row: the evidence log p(x), scores of rows, and values for those that are missing."""

import sys

import numpy as np

from ..backend import place, take, to_numpy
from ..data import batches
from ..densities import log_mean_exp
from ..metrics import BATCH, check_pair
from ..numeric import at_once
from ..options import whole

VALUES = 2**20  # about how many floats the decoder's output may take


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
    x, y, K = _checked(model, x, y, K)
    result = np.empty(len(x))
    # drawn row by row, so that no size of a chunk changes which noise a row gets
    chunks = _chunks(model, x, y, K, lambda k, size, n: model.draw_eps(rng, size, n), max_values, progress, "log p(x)")
    for rows, parts in chunks:
        log_w = [model.log_weights(x_rows, eps, y=y_rows) for x_rows, eps, y_rows in parts]
        result[rows] = log_mean_exp(np.concatenate(to_numpy(log_w)).astype("float64"))
    return result


def row_scores(model, x, K, rng, progress=False, y=None):
    """Scores of each row of x (N, D) in nats: {"elbo", "log_px", "log_px_z", "kl": (N,) float64}, means over K samples.

    log_px is the estimate of `log_evidence`, log_px_z the reconstruction, elbo = log_px_z - kl; the KL is the analytic
    one where the model has it. All rows share the same noise: no score depends on the other rows, or on their order.
    Of a model without evidence, which draws nothing, {"log_px_z"} alone.
    """
    if model.log_weights is None:
        return {"log_px_z": _through_codes(model, *check_pair(x, y, model))}
    x, y, K = _checked(model, x, y, K)
    scores = {name: np.empty(len(x)) for name in ("elbo", "log_px", "log_px_z", "kl")}
    for rows, parts in _chunks(model, x, y, K, _shared(model, K, rng), VALUES, progress, "scores"):
        terms = [np.stack(to_numpy(model.log_terms(x_rows, eps, y=y_rows))) for x_rows, eps, y_rows in parts]
        log_px_z, log_pz, log_qz_x = np.concatenate(terms, axis=1).astype("float64")  # (K, n) each
        kl = (log_qz_x - log_pz).mean(axis=0)
        if model.has_kl:
            x_rows, y_rows = place((x[rows], take(y, rows)), like=model.theta)
            kl = to_numpy(model.prior.kl(*model.encode(x_rows, y=y_rows))).sum(axis=-1, dtype="float64")
        scores["log_px_z"][rows] = log_px_z.mean(axis=0)
        scores["kl"][rows] = kl
        scores["elbo"][rows] = log_px_z.mean(axis=0) - kl
        scores["log_px"][rows] = log_mean_exp(log_px_z + log_pz - log_qz_x)
    return scores


def impute(model, x, K, rng, draws=None, progress=False, y=None):
    """Values for the NaN in x (N, D), given the rest of their row -> x filled (N, D); with draws M, (M, N, D).

    z_k ~ q(z | observed x), weighted by p(observed x, z_k) / q(z_k | x): x_hat is the weighted mean of p(x | z_k), the
    self-normalized estimate of E[missing x | observed x] (Mattei & Frellsen 2019, MIWAE, eq. 12). A draw takes one z_k
    by its weight, and then x from p(x | z_k): K is how good the weights are, M how many draws. Raises ValueError as
    `log_evidence` does.
    """
    x, y, K = _checked(model, x, y, K)
    filled = np.array(x if draws is None else np.broadcast_to(x, (whole(1)("draws", draws), *x.shape)))
    gaps = np.isnan(x)
    chunks = _chunks(model, x, y, K, _shared(model, K, rng), VALUES, progress, "impute")
    for rows, parts in chunks:
        parts = list(parts)
        log_w = to_numpy([model.log_weights(x_rows, eps, y=y_rows) for x_rows, eps, y_rows in parts])
        log_w = np.concatenate(log_w).astype("float64")  # (K, n)
        w = np.exp(log_w - log_w.max(axis=0))
        w /= w.sum(axis=0)
        gap = gaps[rows]
        if draws is None:
            x_hat, k = 0.0, 0
            for x_rows, eps, y_rows in parts:
                found = to_numpy(model.reconstruct(x_rows, eps, y=y_rows))  # (k, n, D)
                x_hat = x_hat + (w[k : k + len(found), :, None] * found).sum(axis=0)
                k += len(found)
            filled[rows][gap] = x_hat[gap]
            continue
        eps = np.concatenate(to_numpy([eps for _, eps, _ in parts]))
        x_rows, _, y_rows = parts[0]
        for m in range(draws):
            below = w.cumsum(axis=0) < rng.random(w.shape[1])
            k = np.minimum(below.sum(axis=0), K - 1)  # rounding may leave the last sum below 1
            chosen = place(eps[k, np.arange(len(k))], like=model.theta)
            found = to_numpy(model.reconstruct(x_rows, chosen, y=y_rows, draw=rng))
            filled[m, rows][gap] = found[gap]
    return filled


def _through_codes(model, x, y):
    """log p(x | z) (N,) at the code of each row."""
    parts = []
    for rows in batches(len(x), at_once(BATCH, x.shape[1])):
        x_rows, y_rows = place((x[rows], take(y, rows)), like=model.theta)
        out = model.decoder(model.given(model.encode(x_rows, y=y_rows), y_rows))
        parts.append(to_numpy(model.likelihood.forward(x_rows, out)[0]))
    return np.concatenate(parts).astype("float64")


def _checked(model, x, y, K):
    K = whole(1)("K", K)
    x, y = check_pair(x, y, model)
    if model.log_weights is None:
        raise ValueError(f"model: expected one with an evidence log p(x), {type(model).__name__} has none")
    return x, y, K


def _shared(model, K, rng):
    """Noise that is the same for every row: (first sample, how many, rows) -> eps (size, n, L)."""
    eps = model.draw_eps(rng, K, 1)
    return lambda k, size, n: np.broadcast_to(eps[k : k + size], (size, n, *eps.shape[2:]))


def _chunks(model, x, y, K, noise, max_values, progress, what):
    """(rows, parts) of a few rows at a time; parts are (x, eps, y) on the model's device, a few of K samples each."""
    from tqdm import tqdm

    at_once = max(1, max_values // x.shape[1])  # pairs (k, n) that go through the decoder together
    n_rows = max(1, at_once // K)
    n_samples = min(K, at_once)
    starts = range(0, len(x), n_rows)
    for start in tqdm(starts, what, leave=False, disable=not (progress and sys.stderr.isatty())):
        rows = slice(start, min(start + n_rows, len(x)))
        x_rows, y_rows = place((x[rows], take(y, rows)), like=model.theta)

        def parts(x_rows=x_rows, y_rows=y_rows):
            for k in range(0, K, n_samples):
                eps = noise(k, min(n_samples, K - k), len(x_rows))
                yield x_rows, place(eps, like=model.theta), y_rows

        yield rows, parts()

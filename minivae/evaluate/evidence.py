"""The evidence log p(x), by importance sampling from the posterior (Burda et al. 2016, eq. 8)."""

import sys

import numpy as np

from ..backend import place, take, to_numpy
from ..densities import log_mean_exp
from ..metrics import check_pair
from ..options import whole


def log_evidence(model, x, K, rng, max_values=2**20, progress=False, y=None):
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
    from tqdm import tqdm

    K = whole(1)("K", K)
    x, y = check_pair(x, y, model)
    if model.log_weights is None:
        raise ValueError(f"model: expected one with an evidence log p(x), {type(model).__name__} has none")
    at_once = max(1, max_values // x.shape[1])  # pairs (k, n) that go through the decoder together
    n_rows = max(1, at_once // K)
    n_samples = min(K, at_once)
    result = np.empty(len(x))
    starts = range(0, len(x), n_rows)
    for start in tqdm(starts, "log p(x)", leave=False, disable=not (progress and sys.stderr.isatty())):
        chunk = slice(start, start + n_rows)
        rows, y_rows = place((x[chunk], take(y, chunk)), like=model.theta)
        parts = []
        for k in range(0, K, n_samples):
            size = min(n_samples, K - k)
            # drawn row by row, so that neither chunk size changes which noise a row gets
            eps = place(model.draw_eps(rng, size, len(rows)), like=model.theta)
            parts.append(to_numpy(model.log_weights(rows, eps, y=y_rows)))
        result[start : start + n_rows] = log_mean_exp(np.concatenate(parts).astype("float64"))
    return result

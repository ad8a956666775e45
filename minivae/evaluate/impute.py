"""Values for those that are missing in a row, given the rest of it."""

import numpy as np

from ..backend import place, to_numpy
from ..options import whole
from .chunks import VALUES, checked, chunks, shared_noise


def impute(model, x, K, rng, draws=None, progress=False, y=None):
    """Values for the NaN in x (N, D), given the rest of their row -> x filled (N, D); with draws M, (M, N, D).

    z_k ~ q(z | observed x), weighted by p(observed x, z_k) / q(z_k | x): x_hat is the weighted mean of p(x | z_k), the
    self-normalized estimate of E[missing x | observed x] (Mattei & Frellsen 2019, MIWAE, eq. 12). A draw takes one z_k
    by its weight, and then x from p(x | z_k): K is how good the weights are, M how many draws. Raises ValueError as
    `log_evidence` does.
    """
    if model.infers_y:
        raise ValueError(f"model: expected one whose x_hat is of z alone or of a y that is given, got "
                         f"{type(model).__name__}")  # fmt: skip
    x, y, K = checked(model, x, y, K)
    filled = np.array(x if draws is None else np.broadcast_to(x, (whole(1)("draws", draws), *x.shape)))
    gaps = np.isnan(x)
    parts_of_rows = chunks(model, x, y, K, shared_noise(model, K, rng), VALUES, progress, "impute")
    for rows, parts in parts_of_rows:
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

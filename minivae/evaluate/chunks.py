"""Several z for each row, in parts that take little memory: which rows, which of their samples, with which noise."""

import sys

import numpy as np

from ..backend import place, take
from ..metrics import check_pair
from ..options import whole

VALUES = 2**20  # about how many floats the decoder's output may take


def checked(model, x, y, K):
    """The same, once the model has an evidence and they fit it; ValueError if not."""
    K = whole(1)("K", K)
    x, y = check_pair(x, y, model)
    if model.log_weights is None:
        raise ValueError(f"model: expected one with an evidence log p(x), {type(model).__name__} has none")
    return x, y, K


def own_noise(model, rng):
    """Noise of each row's own, drawn row by row, so that no size of a part changes which noise a row gets."""
    return lambda k, size, n: model.draw_eps(rng, size, n)


def shared_noise(model, K, rng):
    """Noise that is the same for every row: (first sample, how many, rows) -> eps (size, n, L)."""
    eps = model.draw_eps(rng, K, 1)
    return lambda k, size, n: np.broadcast_to(eps[k : k + size], (size, n, *eps.shape[2:]))


def chunks(model, x, y, K, noise, max_values, progress, what):
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

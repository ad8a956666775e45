"""Averages of a model's own metrics over a whole split, in memory-bounded batches."""

import math

import numpy as np

from .backend import as_array, floats, place, take
from .data import batches
from .data.rows import Rows
from .numeric import all_known, at_once

BATCH = 500  # rows, at most


def check_pair(x, y, model):
    """(x, y) as arrays; ValueError unless x are the model's rows of numbers and y, if there is one, has as many."""
    x = x if isinstance(x, Rows) else as_array(x, "x")
    D = getattr(model, "D", None)
    if x.ndim != 2 or D not in (None, x.shape[1]):
        raise ValueError(f"x: expected rows of {D or 'D'} values, got shape {x.shape}")
    gaps = getattr(model, "missing", False)
    if isinstance(x, np.ndarray) and not all_known(x, gaps):
        raise ValueError(f"x: expected finite values, got {'' if gaps else 'NaN or '}infinity")
    if y is None:
        return x, None
    y = as_array(y, "y")
    if y.ndim == 0 or len(y) != len(x):
        raise ValueError(f"y: expected a label for each of {len(x)} rows, got shape {y.shape}")
    return x, y


def mean_metrics(model, x, y, rng, t=0):
    """The model's metrics, means over the rows of x: no dropout, no gradients.

    Parameters
    ----------
    model : Model
    x : array (N, D)
    y : array (N,) or (N, count), optional
        Labels of the rows, for a model that is given them.
    rng : numpy.random.Generator
        Draws the noise of each row.
    t : int
        Step at which schedules such as beta are read.

    Returns
    -------
    dict of float
        The metrics of `model.loss_and_grads`.

    Raises
    ------
    ValueError
        If x are no rows of numbers, or none at all, or y has not as many.
    """
    x, y = check_pair(x, y, model)
    if not len(x):
        raise ValueError(f"x: expected at least one row, got shape {x.shape}")
    parts = []
    for rows in batches(len(x), at_once(BATCH, x.shape[1])):
        noise = place(model.draw_noise(rng, len(rows), train=False), like=model.theta)
        x_rows, y_rows = place((x[rows], take(y, rows)), like=model.theta)
        parts.append((model.loss_and_grads(x_rows, noise, y=y_rows, t=t, grads=False), len(rows)))
    return averages(parts)[0]


def averages(parts):
    """Of [(metrics, examples)] of each batch: ({name: mean over the examples}, index of the first batch that is bad).

    A batch is bad if one of its values is not finite; None if none is. All values are fetched together: a device is
    waited for once.
    """
    values = iter(floats([value for metrics, _ in parts for value in metrics.values()]))
    totals = dict.fromkeys(parts[0][0], 0.0)
    examples = 0
    bad = None
    for i, (metrics, n) in enumerate(parts):
        examples += n
        for name in metrics:
            totals[name] += next(values) * n
        if bad is None and not all(map(math.isfinite, totals.values())):
            bad = i
    return {name: total / examples for name, total in totals.items()}, bad

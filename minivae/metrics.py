"""Averages of a model's own metrics over a whole split, in memory-bounded batches."""

import math

from .backend import floats, place
from .data import batches

BATCH = 500


def mean_metrics(model, x, y, rng, t=0):
    """The model's metrics, averaged over the rows of x, in nats per example: no dropout, no gradients.

    Parameters
    ----------
    model : Model
    x, y : array (N, D), array (N,) or None
    rng : numpy.random.Generator
        Draws one sample per row.
    t : int
        Step at which schedules such as beta are read.

    Returns
    -------
    dict of float
        The metrics of `model.loss_and_grads`.
    """
    parts = []
    for rows in batches(len(x), BATCH):
        noise = place(model.draw_noise(rng, len(rows), train=False), like=model.theta)
        x_rows, y_rows = place((x[rows], None if y is None else y[rows]), like=model.theta)
        parts.append((model.loss_and_grads(x_rows, noise, y=y_rows, t=t, grads=False), len(rows)))
    return averages(parts)[0]


def averages(parts):
    """({name: mean over the examples}, first batch with a value that is not finite or None) of [(metrics, examples)].

    All values are fetched together: a device is waited for once.
    """
    values = iter(floats([value for metrics, _ in parts for value in metrics.values()]))
    totals, examples, bad = dict.fromkeys(parts[0][0], 0.0), 0, None
    for i, (metrics, n) in enumerate(parts):
        examples += n
        for name in metrics:
            totals[name] += next(values) * n
        if bad is None and not all(map(math.isfinite, totals.values())):
            bad = i
    return {name: total / examples for name, total in totals.items()}, bad

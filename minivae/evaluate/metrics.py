"""Measures beside the model's own metrics."""

import numpy as np

from ..backend import place, take, to_numpy
from ..data import batches
from ..metrics import BATCH, check_pair
from ..numeric import at_once
from .evidence import code_terms
from .results import standard_error


def elbo_standard_error(model, x, rng, y=None):
    """Standard error of the mean ELBO over the rows of x (N, D); None for a single row.

    From log_weights of as many samples as the model takes, whose KL is sampled too: a little above that of an ELBO with
    an analytic KL. Of codes without log_weights it is that of their exact ELBO.
    """
    return standard_error(sampled_elbos(model, x, rng, y))


def sampled_elbos(model, x, rng, y=None):
    """The ELBO of each row of x (N, D), as `elbo_standard_error` takes it: (N,) nats."""
    x, y = check_pair(x, y, model)
    if model.log_weights is None:
        return sum(code_terms(model, x, y))
    parts = []
    for rows in batches(len(x), at_once(BATCH, x.shape[1])):
        eps = place(model.draw_eps(rng, model.n_samples, len(rows)), like=model.theta)
        x_rows, y_rows = place((x[rows], take(y, rows)), like=model.theta)
        parts.append(to_numpy(model.log_weights(x_rows, eps, y=y_rows)).mean(axis=0))
    return np.concatenate(parts).astype("float64")

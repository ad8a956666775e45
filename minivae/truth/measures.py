"""Measures where their value is known: of posteriors and codes made by hand, so that they say nothing of a model."""

import itertools
import math

import numpy as np

from ..densities import log_mean_exp
from ..evaluate import mutual_information_gap
from ..numeric import stratified_log_weights
from .known_answers import EXACT, equal
from .laws import Law, Laws


def measure_laws():
    """{what is said: Law} of what is estimated from batches."""
    return Laws({"I(n; z) of 60,000 posteriors far apart: log 60,000": information_of_rows(64, 60_000)})


def measures_known():
    """{what is said: Law} of measures of codes."""
    v = np.array(list(itertools.product(range(3), range(4), range(5))))
    return Laws({"the mutual information gap of z = factors: 1": equal(mutual_information_gap(v, v), 1)})


def information_of_rows(B, N):
    """I(n; z) = mean of log q(z | n) - log q(z) is log N where posteriors do not overlap (pitfall 8)."""
    n = np.arange(B)
    log_q = -0.5 * (100.0 * (n[:, None] - n)) ** 2  # log q(z_i | n_j) of means 100 apart, but for a constant
    log_qz = log_mean_exp((log_q + stratified_log_weights(B, N)).T) + math.log(B)
    information = float((np.diag(log_q) - log_qz).mean())
    return Law(information, math.log(N), abs(information / math.log(N) - 1), EXACT)

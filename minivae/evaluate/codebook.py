"""How latents that are codes are used."""

import math
from typing import NamedTuple

import numpy as np

from ..backend import take, to_numpy
from ..data import batches
from ..metrics import BATCH, check_pair
from ..numeric import at_once
from ..options import sizes


class CodeUse(NamedTuple):
    """`shares` (K,) of the codes at all places together, and `place_shares` (T, K) of those at each."""

    shares: np.ndarray
    place_shares: np.ndarray

    @property
    def perplexity(self):
        """exp of the entropy of the shares: 1 where one code is used, K where all are used alike."""
        return float(np.exp(_entropy(self.shares)))

    @property
    def used(self):
        """How many codes are used at all."""
        return int((self.shares > 0).sum())

    @property
    def place_entropy(self):
        """Of the codes at each place (T,), nats, at most log K."""
        return _entropy(self.place_shares)


def code_use(codes, K):
    """The `CodeUse` of codes (N, T), whole numbers below K; ValueError if they are none."""
    (K,), codes = sizes(K=K), np.asarray(codes)
    if codes.dtype.kind not in "iu" or codes.ndim != 2 or not codes.size or not 0 <= codes.min() <= codes.max() < K:
        raise ValueError(
            f"codes: expected whole numbers (N, T) from 0 to {K - 1}, got {codes.dtype}, shape {codes.shape}"
        )
    counts = np.stack([np.bincount(column, minlength=K) for column in codes.T])  # (T, K)
    return CodeUse(counts.sum(axis=0) / codes.size, counts / len(codes))


class ChoiceParts(NamedTuple):
    """Of each of T choices among K (T,), nats: kl = mutual_information + marginal_kl, means over rows x.

    KL(q(z_t | x) || 1 / K), I(x; z_t) where x is one of the rows, and KL(q(z_t) || 1 / K), q(z_t) the mean over them.
    """

    kl: np.ndarray
    mutual_information: np.ndarray
    marginal_kl: np.ndarray


def choice_parts(model, x, y=None):
    """The `ChoiceParts` of rows x (N, D), exact; ValueError for a model whose q(z | x) is not of choices."""
    if model.choices is None:
        raise ValueError(f"model: expected one whose q(z | x) is of choices, that of {type(model).__name__} is not")
    x, y = check_pair(x, y, model)
    inside, q = 0.0, 0.0  # the entropies of q(z_t | x) and q(z_t), which are summed first
    for rows in batches(len(x), at_once(BATCH, x.shape[1])):
        each = to_numpy(model.choices(x[rows], y=take(y, rows))).astype("float64")
        inside, q = inside + _entropy(each).sum(axis=0) / len(x), q + each.sum(axis=0) / len(x)
    outside, most = _entropy(q), math.log(model.K)
    return ChoiceParts(most - inside, outside - inside, most - outside)


def _entropy(p):
    """-sum_k p_k log p_k, p (..., K) -> (...) nats."""
    return abs((p * np.log(np.where(p > 0, p, 1))).sum(axis=-1))

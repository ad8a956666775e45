"""How latents that are codes are used."""

from typing import NamedTuple

import numpy as np

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


def _entropy(p):
    """-sum_k p_k log p_k, p (..., K) -> (...) nats."""
    return abs((p * np.log(np.where(p > 0, p, 1))).sum(axis=-1))

"""Do samples have the modes of the data? Of points these are known centers, of images the classes that are told apart.

As in "VEEGAN" (Srivastava et al. 2017, 1705.07761, sec. 5.1): a point is of high quality if it lies within three
standard deviations of a center, and a mode is found where one such point is nearest to its center.
"""

from typing import NamedTuple

import numpy as np

REACH = 3.0  # standard deviations: 98.9 % of a Gaussian's points in a plane
FEW = 0.1  # of its probability: a mode that has less is lost, though a stray point may find it


class ModeScores(NamedTuple):
    """Of n samples.

    Attributes
    ----------
    quality : float
        Share of the samples that are of a mode.
    found, kept : int
        How many modes have a sample; how many have a tenth of their probability or more.
    kl : float or None
        KL(q || p) in nats of the shares q of the modes among the samples that are of one from their probabilities p.
        Of n samples of p itself it is (K - 1) / (2 n) on average. None: no sample is of a mode, or it is infinite, as
        one is of a mode whose probability is 0.
    shares : array (K,)
        Of all samples.
    """

    quality: float
    found: int
    kept: int
    kl: float | None
    shares: np.ndarray


def near_modes(x, centers, std):
    """Which center (K, 2) each point x (N, 2) is within `REACH` std of, the nearest; -1: of none."""
    square = ((np.asarray(x, "float64")[:, None] - centers) ** 2).sum(axis=-1)  # (N, K)
    return np.where(square.min(axis=1) <= (REACH * std) ** 2, square.argmin(axis=1), -1)


def mode_width(x, modes, centers, std):
    """Root mean square distance, along an axis, of the points of a mode from its center, in std; None without any.

    Of the density itself it is 0.974, since points beyond `REACH` are of no mode.
    """
    of_one = modes >= 0
    if not of_one.any():
        return None
    return float(np.sqrt(((x[of_one] - centers[modes[of_one]]) ** 2).mean()) / std)


def mode_scores(modes, probabilities):
    """The `ModeScores` of the modes (n,) of samples, -1 for none, and of the modes' probabilities (K,)."""
    modes, p = np.asarray(modes), np.asarray(probabilities, "float64")
    counts = np.bincount(modes[modes >= 0], minlength=len(p))
    shares, kl = counts / len(modes), None
    if counts.any() and (p[counts > 0] > 0).all():
        q = counts / counts.sum()
        kl = float((q[q > 0] * np.log(q[q > 0] / p[q > 0])).sum())
    return ModeScores(float(shares.sum()), int((counts > 0).sum()), int((shares >= FEW * p).sum()), kl, shares)


def call_rates(table):
    """(C, C), the share of the rows of class i that are taken for class j, of how many are; (1 for i) without rows."""
    totals = table.sum(axis=1, keepdims=True)
    return np.where(totals > 0, table / np.maximum(totals, 1), np.eye(len(table)))


def corrected_share(called, rates, shares, c):
    """About which share of rows is of class c, where so many are `called` c: (called - f) / (t - f).

    t is the share of class c that is called so, f that of the others in their `shares` (C,). None where t <= f.
    """
    others = np.where(np.arange(len(shares)) == c, 0.0, shares)
    t, f = rates[c, c], float(others @ rates[:, c] / others.sum())
    return None if t <= f else float((called - f) / (t - f))

"""Of each level of a hierarchy of latents: what it costs, and which of its latents move with x."""

import math
from typing import NamedTuple

import numpy as np

from ..backend import to_numpy
from ..options import whole
from .chunks import VALUES, checked, chunks, own_noise

DRAWS = 50  # z of each row


class Levels(NamedTuple):
    """`kl` (N, levels), nats of each row and level; of each latent the variance of its mean, and its error, (L,)."""

    kl: np.ndarray
    variances: np.ndarray
    errors: np.ndarray


def by_level(model, x, rng, y=None, draws=DRAWS, progress=False):
    """What `draws` z ~ q(z | x) say of the levels of each row of x (N, D).

    The KL of a level is the mean of log q - log p of that level, given the one that it depends on. A latent is active
    where the variance over the rows of its mean E_q[z | x] is above `ACTIVE` (Burda et al. 2016, sec. 5): the mean of
    products of two means, of the first half of the draws and of the other, so that their noise adds nothing.

    Raises ValueError for a model without levels, and for fewer than two draws or rows.
    """
    if model.levels is None:
        raise ValueError(f"model: expected one with levels of latents, {type(model).__name__} has none")
    x, y, draws = checked(model, x, y, whole(2)("draws", draws))
    if len(x) < 2:
        raise ValueError(f"x: expected two rows or more, got {len(x)}")
    kl, halves = np.zeros((len(x), len(model.levels))), np.zeros((2, len(x), model.L))
    half = draws // 2
    for rows, parts in chunks(model, x, y, 2 * half, own_noise(model, rng), VALUES, progress, "levels"):
        done = 0
        for x_rows, eps, y_rows in parts:
            heads = model.encoder(model.seen(x_rows, y_rows))
            (z, _), c_q = model.posterior.forward(heads, eps)
            pairs = zip(model.posterior.log_levels(c_q), model.prior.log_levels(model.prior.forward(z)[1]), strict=True)
            kl[rows] += np.stack([to_numpy(q - p).sum(axis=0, dtype="float64") for q, p in pairs], axis=-1)
            z = to_numpy(z)
            cut = min(max(half - done, 0), len(z))  # of these, how many belong to the first half
            halves[0, rows] += z[:cut].sum(axis=0, dtype="float64")
            halves[1, rows] += z[cut:].sum(axis=0, dtype="float64")
            done += len(z)
    a, b = halves / half
    products = (a - a.mean(axis=0)) * (b - b.mean(axis=0))
    return Levels(kl / (2 * half), products.mean(axis=0), products.std(axis=0, ddof=1) / math.sqrt(len(x)))

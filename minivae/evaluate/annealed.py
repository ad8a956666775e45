r"""Annealed importance sampling: a second estimate of log p(x), which needs no encoder (Neal 2001; Wu et al. 2017).

    p_t(z) ~ p(z) p(x | z)^{beta_t},   0 = beta_0 < beta_1 < ... < beta_T = 1
    w = prod_t p(x | z_{t-1})^{beta_t - beta_{t-1}},   z_0 ~ p(z),   z_t from z_{t-1} by a move that leaves p_t as it is

E[w] = p(x), for any moves of that kind: so log of the mean of w over chains is below log p(x) in expectation, and
approaches it with the number of steps T. Moves are Hamiltonian (Neal 2011, algorithm 1): leapfrog steps along the
hand-written gradient d log p_t / dz, and an acceptance test. Their step sizes are found in a first run with other
noise and then held: a size that adapts to its own chain would not leave p_t as it is.
"""

import math
import sys
from typing import NamedTuple

import numpy as np

from ..backend import array_module, place, take, to_numpy
from ..densities import log_mean_exp
from ..numeric import sigmoid
from ..options import whole
from .chunks import VALUES, checked
from .joint import joint_terms

LEAPS = 10  # leapfrog steps of a move
ACCEPT = 0.65  # share of the moves that should be accepted (Neal 2011, sec. 4.4.3)


class Annealed(NamedTuple):
    """What annealed importance sampling found of each row.

    `log_px` (N,) nats; `ess` (N,), how many of the chains count, (sum w)^2 / sum w^2; `accepted`, the share of moves
    that were accepted, which should be near 0.65: far below it the chains stand still.
    """

    log_px: np.ndarray
    ess: np.ndarray
    accepted: float


def annealed_evidence(model, x, T, rng, chains=16, y=None, progress=False):
    """log p(x) of each row of x (N, D), from independent chains of T annealed steps.

    Parameters
    ----------
    model : Model
        With an evidence, a `prior` that can be drawn from, a `decoder` and a `likelihood`. The encoder has no part.
    x : array (N, D)
    T : int
        Steps from the prior to the posterior, along a sigmoid (Wu et al. 2017, sec. 4.1).
    rng : numpy.random.Generator
    chains : int
        For each row.
    y : array, optional
        Of a conditional model.
    progress : bool
        Show a bar on a terminal.

    Returns
    -------
    Annealed

    Raises
    ------
    ValueError
        As of `log_evidence`, and if T or chains is no whole number from 1 up.
    """
    if getattr(model, "prior", None) is None:
        raise ValueError(f"model: expected one with a prior, {type(model).__name__} has none")
    if model.prior.K is not None:
        raise ValueError(f"model: annealing needs latents that are numbers, those of {type(model).__name__} are codes")
    if model.infers_y:
        raise ValueError(f"model: annealing is known for z alone, {type(model).__name__} has classes y as well")
    x, y, T = checked(model, x, y, whole(1)("T", T))
    if model.missing and not model.likelihood.missing and np.isnan(x).any():
        raise ValueError("x: annealing is known for rows of which all is known, got NaN")
    chains = whole(1)("chains", chains)
    betas = _betas(T)
    log_w = np.empty((chains, len(x)))
    accepted = []
    n_rows = max(1, VALUES // (x.shape[1] * chains))
    starts = list(range(0, len(x), n_rows))
    sizes = None
    with _bar(T * (len(starts) + 1), progress) as bar:
        for start in starts:
            rows = slice(start, start + n_rows)
            given = place((x[rows], take(y, rows)), like=model.theta)
            if sizes is None:  # from the first rows, with noise of their own
                sizes = _anneal(model, *given, betas, chains, rng, np.full(T, 0.1), bar, adapt=True)[2]
            log_w[:, rows], share, _ = _anneal(model, *given, betas, chains, rng, sizes, bar)
            accepted.append(share * len(given[0]))
    log_px = log_mean_exp(log_w)
    ess = chains * np.exp(2 * log_px - log_mean_exp(2 * log_w))
    return Annealed(log_px, ess, float(sum(accepted) / len(x)))


def _betas(T):
    """(T + 1,): sigmoid(4 (2 t / T - 1)), moved and scaled to run from 0 to 1."""
    s = sigmoid(np.linspace(-4, 4, T + 1))
    return (s - s[0]) / (s[-1] - s[0])


def _anneal(model, x, y, betas, chains, rng, sizes, bar, adapt=False):
    """(log w (chains, N), share of moves that were accepted, the sizes of the leaps, after adaption if asked for)."""
    normal = lambda: place(rng.standard_normal(z.shape, dtype="float32"), like=model.theta)  # noqa: E731
    noise = [model.prior.draw_noise(rng, len(x)) for _ in range(chains)]
    prior = model.prior_of(y, len(x))
    z = array_module(model.theta).stack([prior.draw(place(part, like=model.theta)) for part in noise])
    log_w = np.zeros(z.shape[:-1])
    sizes = sizes.copy()
    total = 0.0
    here = joint_terms(model, x, z, y)
    for t, beta in enumerate(betas[1:], 1):
        log_w += (beta - betas[t - 1]) * to_numpy(here[0]).astype("float64")
        z, here, moved = _move(model, x, y, z, here, float(beta), float(sizes[t - 1]), normal(), rng)
        total += moved / len(sizes)
        if adapt and t < len(sizes):
            sizes[t] = sizes[t - 1] * math.exp(0.5 * (moved - ACCEPT))
        bar.update()
    return log_w, total, sizes


def _move(model, x, y, z, here, beta, size, momentum, rng):
    """One Hamiltonian move of all chains under log p(z) + beta log p(x | z): (z, its terms, share that moved)."""
    xp = array_module(z)
    energy = lambda terms, p: terms[2] + beta * terms[0] - 0.5 * (p * p).sum(axis=-1)  # noqa: E731
    slope = lambda terms: terms[3] + beta * terms[1]  # noqa: E731
    before = energy(here, momentum)
    new, p, terms = z, momentum + 0.5 * size * slope(here), here
    for leap in range(LEAPS):
        new = new + size * p
        terms = joint_terms(model, x, new, y)
        p = p + (size if leap < LEAPS - 1 else 0.5 * size) * slope(terms)
    u = place(rng.random(before.shape, dtype="float32"), like=z)
    moved = xp.log(u) < energy(terms, p) - before  # never where the energy is NaN
    keep = lambda a, b: xp.where(moved if a.ndim == moved.ndim else moved[..., None], a, b)  # noqa: E731
    return keep(new, z), tuple(map(keep, terms, here)), float(moved.mean())


def _bar(total, progress):
    from tqdm import tqdm

    return tqdm(total=total, desc="annealing", leave=False, disable=not (progress and sys.stderr.isatty()))

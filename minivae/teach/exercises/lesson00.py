"""Exercises of lesson 0: arrays, shapes, nats, and sums of very small numbers."""

from functools import partial

import numpy as np

from ..exercise import Exercise
from .draws import one_of


def standardize(x):
    return (x - x.mean(axis=0)) / x.std(axis=0)


def squared_distances(x, p):
    return ((x[:, None, :] - p) ** 2).sum(axis=-1)


def coin_log_prob(x, p):
    return (x * np.log(p) + (1 - x) * np.log(1 - p)).sum(axis=-1)


def log_sum_exp(log_w):
    top = log_w.max(axis=0)
    return top + np.log(np.exp(log_w - top).sum(axis=0))


# ---- what they are tried on


def _table(rng):
    """Columns in different units."""
    N, D = one_of(rng, (6, 4), (8, 3), (5, 7))
    return {"x": rng.standard_normal((N, D)) * np.resize([1, 10, 0.1, 3], D) + np.resize([5, -20, 1, 0], D)}


def _rows(rng):
    N, M, D = one_of(rng, (3, 4, 5), (5, 3, 4), (4, 5, 3))
    return {"x": rng.standard_normal((N, D)), "p": rng.standard_normal((M, D))}


def _coins(rng):
    """Bits and probabilities whose shapes broadcast: for each of M rows of p, or for one."""
    bits, coins = one_of(rng, ((3, 1, 5), (4, 5)), ((4, 1, 3), (5, 3)), ((5, 4), (4,)))
    return {"x": (rng.random(bits) < 0.5).astype(float), "p": rng.uniform(0.1, 0.9, coins)}


def _weights(rng):
    """First as many rows as columns; some columns are so low that exp gives 0, or so high that it gives infinity."""
    K, N = one_of(rng, (5, 5), (4, 7), (6, 3))
    return {"log_w": rng.standard_normal((K, N)) * np.resize([3, 3, -2000, 3, 3], N)
            + np.resize([0, -2000, -800, 900, -5], N)}  # fmt: skip


# ---- the same with another part, which is a mistake that people make


def _standardize(x, *, center=lambda x: x.mean(axis=0), scale=lambda x: x.std(axis=0)):
    return (x - center(x)) / scale(x)


def _distances(x, p, *, size=np.square, add=lambda a: a.sum(axis=-1), end=lambda d: d):
    return end(add(size(x[:, None, :] - p)))


def _log_prob(x, p, *, log=np.log, zeros=lambda x, p, log: (1 - x) * log(1 - p), add=lambda a: a.sum(axis=-1),
              end=lambda a: a):  # fmt: skip
    return end(add(x * log(p) + zeros(x, p, log)))


def _log_sum(log_w, *, top=lambda w: w.max(axis=0), add=lambda a: a.sum(axis=0), log=np.log, back=1):
    m = top(log_w)
    return back * m + log(add(np.exp(log_w - m)))


EXERCISES = (
    Exercise(
        "0.1",
        "standardize",
        "u",
        _table,
        standardize,
        hints=(
            "x.mean(axis=0) adds up over the examples, so that one number per column is left: shape (D,).",
            "NumPy subtracts an array (D,) from every row of an array (N, D), and divides every row by one, by itself.",
        ),
        slips={
            "mean and std of the whole table: each column has its own, axis=0": partial(
                _standardize, center=np.mean, scale=np.std),
            "one std for all columns: each has its own, axis=0": partial(_standardize, scale=np.std),
            "one mean for all columns: each has its own, axis=0": partial(_standardize, center=np.mean),
            "the rows are standardized: the examples are axis 0": lambda x: standardize(x.T).T,
            "divided by the variance": partial(_standardize, scale=lambda x: x.var(axis=0)),
            "multiplied with the std, not divided by it": partial(_standardize, scale=lambda x: 1 / x.std(axis=0)),
            "the mean is not subtracted": partial(_standardize, center=lambda x: 0),
            "the mean is added": partial(_standardize, center=lambda x: -x.mean(axis=0)),
            "the mean is subtracted, but the std is not divided by": partial(_standardize, scale=lambda x: 1),
            "std divides by N - 1 there; here by N, as x.std does": partial(
                _standardize, scale=lambda x: x.std(axis=0, ddof=1)),
            "divided first: the mean must be subtracted before": lambda x: x / x.std(axis=0) - x.mean(axis=0),
            "brackets: the mean must be subtracted before anything is divided": lambda x: (
                x - x.mean(axis=0) / x.std(axis=0)),
            "scaled by the smallest and the largest number": lambda x: (
                (x - x.min(axis=0)) / (x.max(axis=0) - x.min(axis=0))),
            "divided by the norm of the column, which is sqrt(N) times its std": lambda x: (
                standardize(x) / np.sqrt(len(x))),
            "the median is not the mean": partial(_standardize, center=lambda x: np.median(x, axis=0)),
        },
    ),
    Exercise(
        "0.2",
        "squared_distances",
        "d",
        _rows,
        squared_distances,
        hints=(
            "The result needs an axis for the rows of x and one for those of p: x[:, None, :] is (N, 1, D).",
            "(N, 1, D) and (M, D) broadcast to (N, M, D): all differences. Square them, and add up over the last axis.",
        ),
        slips={
            "rows of p down and rows of x across: that is the transpose": partial(_distances, end=np.transpose),
            "the square root is not asked for": partial(_distances, end=np.sqrt),
            "the sum of |differences|, where their squares are asked": partial(_distances, size=np.abs),
            "square each difference before you add them up": lambda x, p: (x[:, None, :] - p).sum(axis=-1) ** 2,
            "the differences are not squared": partial(_distances, size=lambda a: a),
            "that is the mean over D; the sum is asked": partial(_distances, add=lambda a: a.mean(axis=-1)),
            "(x - p)^2 = x^2 - 2 x p + p^2: the 2 is missing": lambda x, p: squared_distances(x, p) + x @ p.T,
            "(x - p)^2 = x^2 - 2 x p + p^2: p^2 is missing": lambda x, p: (
                squared_distances(x, p) - (p**2).sum(axis=-1)),
            "(x - p)^2 = x^2 - 2 x p + p^2: x^2 is missing": lambda x, p: (
                squared_distances(x, p) - (x**2).sum(axis=-1)[:, None]),
            "(x - p)^2 is not x^2 - p^2": lambda x, p: ((x**2).sum(axis=-1)[:, None] - (p**2).sum(axis=-1)),
            "(x - p)^2 is not x^2 + p^2": lambda x, p: ((x**2).sum(axis=-1)[:, None] + (p**2).sum(axis=-1)),
            "x + p, where their difference is asked": lambda x, p: squared_distances(x, -p),
            "that is the product of every row with every row": lambda x, p: x @ p.T,
            "not added up over the last axis": partial(_distances, add=lambda a: a),
            "added up over the rows of p, not over D": partial(_distances, add=lambda a: a.sum(axis=1)),
            "added up over the rows of x, not over D": partial(_distances, add=lambda a: a.sum(axis=0)),
        },
    ),
    Exercise(
        "0.3",
        "coin_log_prob",
        "log_px",
        _coins,
        coin_log_prob,
        points=2,
        hints=(
            "For one coin: what is the logarithm where x = 1, and what where x = 0? Then find one formula that is the "
            "first for x = 1 and the second for x = 0. The folded steps below the exercise go on from here.",
            "x is 1 in the one case and 0 in the other; 1 - x is the other way round. So each can switch one part off.",
            "Only the coins are added up, sum(axis=-1): the last axis, however many there are before it.",
        ),
        slips={
            "in bits: np.log is the natural logarithm": partial(_log_prob, log=np.log2),
            "with the logarithm to base 10: np.log is the natural one": partial(_log_prob, log=np.log10),
            "the tosses that show 0 count as well": partial(_log_prob, zeros=lambda x, p, log: 0),
            "the factor 1 - x is missing: where x = 1, log(1 - p) must vanish": partial(
                _log_prob, zeros=lambda x, p, log: log(1 - p)),
            "a 0 has the probability 1 - p, not p": partial(_log_prob, zeros=lambda x, p, log: (1 - x) * log(p)),
            "log(1 - p) is not 1 - log(p)": partial(_log_prob, zeros=lambda x, p, log: (1 - x) * (1 - log(p))),
            "the two parts are to be added; here the second is subtracted": partial(
                _log_prob, zeros=lambda x, p, log: -(1 - x) * log(1 - p)),
            "p and 1 - p are exchanged: p is the probability of a 1": lambda x, p: coin_log_prob(x, 1 - p),
            "the mean over the coins; their logs add up": partial(_log_prob, add=lambda a: a.mean(axis=-1)),
            "that is what it costs; log p is its negative": partial(_log_prob, end=np.negative),
            "that is the probability; its logarithm is asked": partial(_log_prob, end=np.exp),
            "added up over all axes: only the last one holds the coins": partial(_log_prob, add=np.sum),
            "log first, then add up: probabilities of independent coins are multiplied": lambda x, p: (
                np.log((x * p + (1 - x) * (1 - p)).sum(axis=-1))),
            "the logarithm is missing: those are the probabilities, added up": partial(_log_prob, log=lambda p: p),
            "added up over axis 1; the coins are the last axis": partial(_log_prob, add=lambda a: a.sum(axis=1)),
            "added up over the first axis; the coins are the last": partial(_log_prob, add=lambda a: a.sum(axis=0)),
            "not added up over the last axis": partial(_log_prob, add=lambda a: a),
        },
    ),
    Exercise(
        "0.4",
        "log_sum_exp",
        "log_sum",
        _weights,
        log_sum_exp,
        points=2,
        hints=(
            "exp is the problem: of -800 it is 0, of 800 infinite. Which number could you subtract from a whole column "
            "before exp, and how do you make up for it after log? The folded steps below the exercise go on from here.",
            "Subtract something of each column such that its largest number becomes exp(0) = 1.",
            "The largest of each column: log_w.max(axis=0). What you subtract before exp is added after log.",
        ),
        slips={
            "exp of large numbers is infinite, and log of exp of very low ones is -infinity": lambda log_w: (
                np.log(np.exp(log_w).sum(axis=0))),
            "one m for all columns: each has its own, axis=0": partial(_log_sum, top=np.max),
            "something else than the largest of the column was taken out of the sum, and exp overflows": partial(
                _log_sum, top=lambda w: w.min(axis=0)),
            "what was subtracted before exp must be added after log": partial(_log_sum, back=0),
            "subtracted again after log: it must be added": partial(_log_sum, back=-1),
            "the largest alone; the others add to it": partial(_log_sum, log=lambda a: 0),
            "the mean of exp; its sum is asked": partial(_log_sum, add=lambda a: a.mean(axis=0)),
            "the sum is over the first axis alone, one for each column": partial(_log_sum, add=np.sum),
            "one number for all columns: each has its own": lambda log_w: log_sum_exp(log_w.ravel()),
            "np.log2 does not undo exp; np.log does": partial(_log_sum, log=np.log2),
            "after the sum comes a log": partial(_log_sum, log=lambda a: a),
            "the largest is multiplied with what is left, not added to it": lambda log_w: (
                log_w.max(axis=0) * (log_sum_exp(log_w) - log_w.max(axis=0))),
            "summed along the rows: the first axis is asked": lambda log_w: log_sum_exp(log_w.T),
            "the sum of the logs is the log of the product": lambda log_w: log_w.sum(axis=0),
            "the logarithm of the sum is subtracted from the largest; it must be added": lambda log_w: (
                2 * log_w.max(axis=0) - log_sum_exp(log_w)),
            "that is the sum; its logarithm is asked": lambda log_w: np.exp(log_sum_exp(log_w)),
        },
    ),
)  # fmt: skip

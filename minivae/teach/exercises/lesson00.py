"""Exercises of lesson 0: arrays, shapes, nats, and sums of very small numbers."""

import math

import numpy as np

from ..exercise import Exercise


def standardize(x):
    return (x - x.mean(axis=0)) / x.std(axis=0)


def squared_distances(x, p):
    return ((x[:, None, :] - p) ** 2).sum(axis=-1)


def coin_log_prob(x, p):
    return (x * np.log(p) + (1 - x) * np.log(1 - p)).sum(axis=-1)


def log_sum_exp(log_w):
    top = log_w.max(axis=0)
    return top + np.log(np.exp(log_w - top).sum(axis=0))


def _table(rng):
    """Columns in different units."""
    return {"x": rng.standard_normal((rng.integers(5, 9), 4)) * [1, 10, 0.1, 3] + [5, -20, 1, 0]}


def _rows(rng):
    N, M, D = rng.permutation([3, 4, 5])
    return {"x": rng.standard_normal((N, D)), "p": rng.standard_normal((M, D))}


def _coins(rng):
    """Bits (N, 1, D) or (N, 1, 1, D), and probabilities (M, D), which broadcast to (..., M, D)."""
    ones = [1] * rng.integers(1, 3)
    N, M, D = rng.permutation([3, 4, 5])
    return {"x": (rng.random((N, *ones, D)) < 0.5).astype(float), "p": rng.uniform(0.1, 0.9, (M, D))}


def _weights(rng):
    """As many rows as columns; some columns are so low that exp gives 0, one is so wide that only its top will do."""
    return {"log_w": rng.standard_normal((5, 5)) * [3, 3, 3, 3, -2000] + [0, -2000, -5, 900, -800]}


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
            "one mean and one std for all columns: each has its own, axis=0": lambda x: (x - x.mean()) / x.std(),
            "one std for all columns: each has its own, axis=0": lambda x: (x - x.mean(axis=0)) / x.std(),
            "one mean for all columns: each has its own, axis=0": lambda x: (x - x.mean()) / x.std(axis=0),
            "the rows are standardized: the examples are axis 0": lambda x: (
                (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)),
            "divided by the variance": lambda x: (x - x.mean(axis=0)) / x.var(axis=0),
            "the mean is not subtracted": lambda x: x / x.std(axis=0),
            "the mean is subtracted, but the std is not divided by": lambda x: x - x.mean(axis=0),
            "std divides by N - 1 there; here by N, as x.std does": lambda x: (
                (x - x.mean(axis=0)) / x.std(axis=0, ddof=1)),
            "divided first: the mean must be subtracted before": lambda x: x / x.std(axis=0) - x.mean(axis=0),
            "scaled by the smallest and the largest number": lambda x: (
                (x - x.min(axis=0)) / (x.max(axis=0) - x.min(axis=0))),
            "divided by the norm of the column, which is sqrt(N) times its std": lambda x: (
                standardize(x) / math.sqrt(len(x))),
            "the median is not the mean": lambda x: (x - np.median(x, axis=0)) / x.std(axis=0),
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
            "rows of p down and rows of x across: that is the transpose": lambda x, p: squared_distances(x, p).T,
            "the square root is not asked for": lambda x, p: np.sqrt(squared_distances(x, p)),
            "the sum of |differences|, where their squares are asked": lambda x, p: (
                np.abs(x[:, None, :] - p).sum(axis=-1)),
            "square each difference before you add them up": lambda x, p: (x[:, None, :] - p).sum(axis=-1) ** 2,
            "that is the mean over D; the sum is asked": lambda x, p: squared_distances(x, p) / x.shape[1],
            "(x - p)^2 = x^2 - 2 x p + p^2: the 2 is missing": lambda x, p: squared_distances(x, p) + x @ p.T,
            "x + p, where their difference is asked": lambda x, p: squared_distances(x, -p),
            "that is the product of every row with every row": lambda x, p: x @ p.T,
            "not added up over the last axis": lambda x, p: (x[:, None, :] - p) ** 2,
            "added up over the rows of p, not over D": lambda x, p: ((x[:, None, :] - p) ** 2).sum(axis=1),
        },
    ),
    Exercise(
        "0.3",
        "coin_log_prob",
        "log_px",
        _coins,
        coin_log_prob,
        hints=(
            "For one coin: where x = 1 the first part is log p and the second must vanish; where x = 0 the other way.",
            "Only the coins are added up, sum(axis=-1): the last axis, however many there are before it.",
        ),
        slips={
            "in bits: np.log is the natural logarithm": lambda x, p: coin_log_prob(x, p) / math.log(2),
            "the tosses that show 0 count as well": lambda x, p: (x * np.log(p)).sum(axis=-1),
            "the factor 1 - x is missing: where x = 1, log(1 - p) must vanish": lambda x, p: (
                (x * np.log(p) + np.log(1 - p)).sum(axis=-1)),
            "p and 1 - p are exchanged: p is the probability of a 1": lambda x, p: coin_log_prob(x, 1 - p),
            "the mean over the coins; their logs add up": lambda x, p: coin_log_prob(x, p) / x.shape[-1],
            "that is what it costs; log p is its negative": lambda x, p: -coin_log_prob(x, p),
            "that is the probability; its logarithm is asked": lambda x, p: np.exp(coin_log_prob(x, p)),
            "added up over all axes: only the last one holds the coins": lambda x, p: coin_log_prob(x, p).sum(),
            "log first, then add up: probabilities of independent coins are multiplied": lambda x, p: (
                np.log((x * p + (1 - x) * (1 - p)).sum(axis=-1))),
            "the two cases are added, not subtracted": lambda x, p: (
                (x * np.log(p) - (1 - x) * np.log(1 - p)).sum(axis=-1)),
            "added up over axis 1; the coins are the last axis": lambda x, p: (
                (x * np.log(p) + (1 - x) * np.log(1 - p)).sum(axis=1)),
            "not added up over the last axis": lambda x, p: x * np.log(p) + (1 - x) * np.log(1 - p),
        },
    ),
    Exercise(
        "0.4",
        "log_sum_exp",
        "log_sum",
        _weights,
        log_sum_exp,
        hints=(
            "Subtract something before exp, so that the largest number of each column becomes exp(0) = 1.",
            "The largest of each column: log_w.max(axis=0). What you subtract before exp is added after log.",
        ),
        slips={
            "exp of large numbers is infinite, and log of exp of very low ones is -infinity": lambda log_w: (
                np.log(np.exp(log_w).sum(axis=0))),
            "one m for all columns: each has its own, axis=0": lambda log_w: (
                log_w.max() + np.log(np.exp(log_w - log_w.max()).sum(axis=0))),
            "what was subtracted before exp must be added after log": lambda log_w: (
                log_sum_exp(log_w) - log_w.max(axis=0)),
            "the largest alone; the others add to it": lambda log_w: log_w.max(axis=0),
            "the mean of exp; its sum is asked": lambda log_w: log_sum_exp(log_w) - math.log(len(log_w)),
            "the sum is over the first axis alone, one for each column": lambda log_w: (
                log_w.max(axis=0) + np.log(np.exp(log_w - log_w.max(axis=0)).sum())),
            "exp is undone by a log, after the sum": lambda log_w: (
                log_w.max(axis=0) + np.exp(log_w - log_w.max(axis=0)).sum(axis=0)),
            "summed along the rows: the first axis is asked": lambda log_w: log_sum_exp(log_w.T),
            "the sum of the logs is the log of the product": lambda log_w: log_w.sum(axis=0),
            "added where it is to be subtracted": lambda log_w: 2 * log_w.max(axis=0) - log_sum_exp(log_w),
        },
    ),
)  # fmt: skip

"""Answers of lesson 0 that people give: wrong ones with the words that name them, and right ones that look unusual."""

import math

import numpy as np

from minivae.teach import exercise

standardize, squared_distances, coin_log_prob, log_sum_exp = (
    exercise(number).reference for number in ("0.1", "0.2", "0.3", "0.4")
)


# ---- 0.1


def column_by_column(x):
    u = np.zeros(x.shape)
    for d in range(x.shape[1]):
        column = x[:, d]
        m = sum(column) / len(column)
        u[:, d] = (column - m) / math.sqrt(sum((column - m) ** 2) / len(column))
    return u


def on_a_copy(x):
    u = x.copy()
    u -= u.mean(axis=0)
    u /= np.sqrt((u**2).mean(axis=0))
    return u


def in_place(x):
    x -= x.mean(axis=0)
    x /= x.std(axis=0)
    return x


def four_columns(x):
    u = np.zeros((len(x), 4))
    for d in range(4):
        u[:, d] = (x[:, d] - x[:, d].mean()) / x[:, d].std()
    return u


# ---- 0.2


def distances_by_loops(x, p):
    d = np.zeros((len(x), len(p)))
    for n in range(len(x)):
        for m in range(len(p)):
            d[n, m] = np.linalg.norm(x[n] - p[m]) ** 2
    return d


def distances_by_products(x, p):
    return (x**2).sum(1)[:, None] - 2 * x @ p.T + (p**2).sum(1)


def distances_by_einsum(x, p):
    difference = np.expand_dims(x, 1) - np.expand_dims(p, 0)
    return np.einsum("nmd,nmd->nm", difference, difference)


def distances_of_rows(x, p):
    return np.array([((row - p) ** 2).sum(axis=1) for row in x])


def rows_down(x, p):
    return np.array([((x - row) ** 2).sum(axis=1) for row in p])


def same_rows(x, p):
    return ((x - p[: len(x)]) ** 2).sum(axis=1)


def only_the_last(x, p):
    for row in p:
        d = ((x - row) ** 2).sum(axis=1)
    return d


# ---- 0.3


def by_where(x, p):
    return np.sum(np.where(x == 1, np.log(p), np.log(1 - p)), -1)


def by_a_product(x, p):
    return np.log((p**x * (1 - p) ** (1 - x)).prod(axis=-1))


def by_logits(x, p):
    logits = np.log(p / (1 - p))
    return (x * logits + np.log1p(-p)).sum(axis=-1)


def coins_by_loops(x, p):
    x, p = np.broadcast_arrays(x, p)
    total = np.zeros(x.shape[:-1])
    for d in range(x.shape[-1]):
        total += x[..., d] * np.log(p[..., d]) + (1 - x[..., d]) * np.log(1 - p[..., d])
    return total


def by_math(x, p):
    return sum(x * math.log(p) + (1 - x) * math.log(1 - p))


def by_an_if(x, p):
    return np.log(p).sum() if x == 1 else np.log(1 - p).sum()


# ---- 0.4


def sum_by_loops(log_w):
    found = []
    for column in log_w.T:
        m = max(column)
        found.append(m + math.log(sum(math.exp(value - m) for value in column)))
    return np.array(found)


def sum_with_kept_axis(log_w):
    m = np.amax(log_w, axis=0, keepdims=True)
    return (m + np.log(np.sum(np.exp(log_w - m), axis=0, keepdims=True)))[0]


def sum_in_pairs(log_w):
    total = log_w[0]
    for row in log_w[1:]:
        m = np.maximum(total, row)
        total = m + np.log(np.exp(total - m) + np.exp(row - m))
    return total


def sum_with_axis_left(log_w):
    m = log_w.max(axis=0, keepdims=True)
    return m + np.log(np.exp(log_w - m).sum(axis=0, keepdims=True))


def mean_taken_out(log_w):
    m = log_w.mean(axis=0)
    return m + np.log(np.exp(log_w - m).sum(axis=0))


def largest_of_rows(log_w):
    m = log_w.max(axis=1)
    return m + np.log(np.exp(log_w - m[:, None]).sum(axis=1))


WRONG = {
    "0.1": [
        (lambda x: (x - x.mean()) / x.std(), "mean and std of the whole table"),
        (lambda x: (x - x.mean(axis=0)) / x.std(), "one std for all columns"),
        (lambda x: (x - x.mean()) / x.std(axis=0), "one mean for all columns"),
        (lambda x: (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True), "the rows are standardized"),
        (lambda x: (x - x.mean(axis=0)) / x.var(axis=0), "divided by the variance"),
        (lambda x: (x - x.mean(axis=0)) * x.std(axis=0), "multiplied with the std"),
        (lambda x: x / x.std(axis=0), "the mean is not subtracted"),
        (lambda x: x - x.mean(axis=0), "the std is not divided by"),
        (lambda x: x - x.mean(axis=0) / x.std(axis=0), "brackets"),
        (lambda x: (x - x.mean(axis=0)) / x.std(axis=0, ddof=1), "std divides by N - 1"),
        (lambda x: (x - x.mean()) / x.var(axis=0), "a second mistake is left"),
        (lambda x: (x - np.median(x, axis=0)) / x.std(axis=0), "the median is not the mean"),
        (lambda x: (x.mean(axis=0) - x) / x.std(axis=0), "the sign is wrong"),
        (lambda x: (x - x.mean(axis=1)) / x.std(axis=1), "it stopped with ValueError"),
        (lambda x: ((x - x.mean(axis=0)) / x.std(axis=0)).T, "it is the transpose"),
        (lambda x: (x - x.mean(axis=0)) / abs(x).mean(axis=0), ""),
        (in_place, "it writes into its argument x"),
        (four_columns, "it stopped with IndexError"),
        (lambda x: print(standardize(x)), "is a return missing?"),
    ],
    "0.2": [
        (rows_down, "rows of p down and rows of x across"),
        (lambda x, p: np.sqrt(squared_distances(x, p)), "the square root is not asked for"),
        (lambda x, p: np.linalg.norm(x[:, None] - p, axis=-1), "the square root is not asked for"),
        (lambda x, p: np.abs(x[:, None] - p).sum(axis=-1), "the sum of |differences|"),
        (lambda x, p: (x[:, None] - p).sum(axis=-1) ** 2, "square each difference before"),
        (lambda x, p: ((x[:, None] - p) ** 2).mean(axis=-1), "that is the mean over D"),
        (lambda x, p: np.abs(x[:, None] - p).mean(axis=-1), "a second mistake is left"),
        (lambda x, p: (x**2).sum(1)[:, None] - x @ p.T + (p**2).sum(1), "the 2 is missing"),
        (lambda x, p: (x**2).sum(1)[:, None] + 2 * x @ p.T + (p**2).sum(1), "x + p, where their difference"),
        (lambda x, p: (x**2).sum(1)[:, None] - 2 * x @ p.T, "p^2 is missing"),
        (lambda x, p: x @ p.T, "the product of every row"),
        (lambda x, p: (x[:, None] - p) ** 2, "not added up over the last axis"),
        (lambda x, p: ((x[:, None] - p) ** 2).sum(), "summed over everything"),
        (lambda x, p: ((x[:, None] - p) ** 2).sum(axis=1), "added up over the rows of p"),
        (lambda x, p: ((x - p) ** 2).sum(axis=-1), "it stopped with ValueError"),
        (same_rows, ""),
        (only_the_last, ""),
        (lambda x, p: None, "is a return missing?"),
        (lambda x, p: distances_by_loops(x, p)[:3, :4], "does it take a size for granted?"),
    ],
    "0.3": [
        (lambda x, p: (x * np.log2(p) + (1 - x) * np.log2(1 - p)).sum(axis=-1), "in bits"),
        (lambda x, p: (x * np.log10(p) + (1 - x) * np.log10(1 - p)).sum(axis=-1), "to base 10"),
        (lambda x, p: (x * np.log(p)).sum(axis=-1), "the tosses that show 0 count as well"),
        (lambda x, p: (x * np.log(p) + np.log(1 - p)).sum(axis=-1), "the factor 1 - x is missing"),
        (lambda x, p: (x * np.log(p) + (1 - x) * np.log(p)).sum(axis=-1), "a 0 has the probability 1 - p"),
        (lambda x, p: (x * np.log(p) + (1 - x) * (1 - np.log(p))).sum(axis=-1), "is not 1 - log(p)"),
        (lambda x, p: (x * np.log(p) - (1 - x) * np.log(1 - p)).sum(axis=-1), "here the second is subtracted"),
        (lambda x, p: (x * np.log(1 - p) + (1 - x) * np.log(p)).sum(axis=-1), "p and 1 - p are exchanged"),
        (lambda x, p: (x * np.log(p) + (1 - x) * np.log(1 - p)).mean(axis=-1), "the mean over the coins"),
        (lambda x, p: -(x * np.log2(p) + (1 - x) * np.log2(1 - p)).sum(axis=-1), "in bits"),
        (lambda x, p: (x * np.log2(p)).sum(axis=-1), "a second mistake is left"),
        (lambda x, p: -coin_log_prob(x, p), "that is what it costs"),
        (lambda x, p: np.where(x == 1, p, 1 - p).prod(axis=-1), "that is the probability"),
        (lambda x, p: np.where(x == 1, p, 1 - p).sum(axis=-1), "the logarithm is missing"),
        (lambda x, p: coin_log_prob(x, p).sum(), "added up over all axes"),
        (lambda x, p: x * np.log(p) + (1 - x) * np.log(1 - p), "not added up over the last axis"),
        (lambda x, p: (x * np.log(p) + (1 - x) * np.log(1 - p)).sum(axis=0), "added up over the first axis"),
        (lambda x, p: (x * np.log(p) + (1 - x) * np.log(1 - p)).sum(axis=1), "added up over axis 1"),
        (lambda x, p: (x * np.log(p) + (1 - x) * np.log(1 - p)).sum(axis=2), "went well"),
        (lambda x, p: (x * np.log(p) + (1 - x) * np.log(1 - p)).sum(axis=-1, keepdims=True), "in another shape"),
        (lambda x, p: np.log(p) @ x.T + np.log(1 - p) @ (1 - x).T, ""),
        (by_math, "it stopped with TypeError"),
        (by_an_if, "it stopped with ValueError"),
    ],
    "0.4": [
        (lambda log_w: np.log(np.exp(log_w).sum(axis=0)), "exp of large numbers is infinite"),
        (lambda log_w: log_w.max() + np.log(np.exp(log_w - log_w.max()).sum(axis=0)), "one m for all columns"),
        (lambda log_w: np.log(np.exp(log_w - log_w.max(axis=0)).sum(axis=0)), "must be added after log"),
        (lambda log_w: np.log(np.exp(log_w - log_w.max(axis=0)).sum(axis=0)) - log_w.max(axis=0), "subtracted again"),
        (mean_taken_out, "something else than the largest"),
        (largest_of_rows, "summed along the rows"),
        (lambda log_w: log_w.max(axis=0), "the largest alone"),
        (lambda log_w: log_w.max(axis=0) + np.log(np.exp(log_w - log_w.max(axis=0)).mean(axis=0)), "the mean of exp"),
        (lambda log_w: np.log(np.exp(log_w - log_w.max(axis=0)).mean(axis=0)), "a second mistake is left"),
        (lambda log_w: log_w.max(axis=0) + np.log(np.exp(log_w - log_w.max(axis=0)).sum()), "the first axis alone"),
        (lambda log_w: log_w.max(axis=0) + np.exp(log_w - log_w.max(axis=0)).sum(axis=0), "after the sum comes a log"),
        (lambda log_w: log_w.max(axis=0) * np.log(np.exp(log_w - log_w.max(axis=0)).sum(axis=0)), "is multiplied"),
        (lambda log_w: np.log(np.exp(log_w)).sum(axis=0), ""),
        (lambda log_w: log_w.sum(axis=0), "the log of the product"),
        (lambda log_w: np.exp(log_sum_exp(log_w)), "its logarithm is asked"),
        (lambda log_w: log_sum_exp(log_w) / math.log(2), "the factor 1.4427"),
        (lambda log_w: log_w.max(0) + np.log2(np.exp(log_w - log_w.max(0)).sum(axis=0)), "np.log2 does not undo exp"),
        (sum_with_axis_left, "in another shape"),
        (lambda log_w: log_sum_exp(log_w).max(), "one number for all columns"),
        (lambda log_w: math.log(sum(math.exp(w) for w in log_w)), "it stopped with TypeError"),
        (lambda log_w: list(log_sum_exp(log_w)), "got a list"),
        (lambda log_w: None, "is a return missing?"),
    ],
}

RIGHT = {
    "0.1": [
        column_by_column,
        on_a_copy,
        lambda x: ((x.T - x.T.mean(1, keepdims=True)) / np.sqrt(x.T.var(1, keepdims=True))).T,
        lambda x: np.stack([standardize(column[:, None])[:, 0] for column in x.T], axis=1),
        lambda x: standardize(x).astype("float32"),
    ],
    "0.2": [distances_by_loops, distances_by_products, distances_by_einsum, distances_of_rows],
    "0.3": [by_where, by_a_product, by_logits, coins_by_loops, lambda x, p: coin_log_prob(1 - x, 1 - p)],
    "0.4": [sum_by_loops, sum_with_kept_axis, sum_in_pairs, np.logaddexp.reduce],
}

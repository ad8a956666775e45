"""Exercises of lesson 11: errors between machines, code for any array, a fused operation, a sum in a fixed order."""

import numpy as np

from ...backend import array_module
from ..exercise import Exercise


def relative_error(a, b):
    return np.abs(a - b).max() / np.abs(b).max()


def log_mean_exp(log_w):
    """The answer of the lesson; minivae's own is also right where all weights are 0."""
    xp = array_module(log_w)
    top = log_w.max(axis=0)
    return top + xp.log(xp.exp(log_w - top).mean(axis=0))


def traffic(n, itemsize, unary, binary, inputs, outputs):
    return n * itemsize * (2 * unary + 3 * binary), n * itemsize * (inputs + outputs)


def sample_and_kl_fused(mu, log_var, eps, block=16384):
    xp = array_module(mu)
    z, kl, buffer = xp.empty_like(mu), xp.empty_like(mu), xp.empty(block, mu.dtype)
    for start in range(0, len(mu), block):
        part = slice(start, start + block)
        m, l, z_part, kl_part = mu[part], log_var[part], z[part], kl[part]
        std = buffer[: len(m)]
        xp.multiply(l, 0.5, out=std)
        xp.exp(std, out=std)
        xp.multiply(std, eps[part], out=z_part)
        z_part += m
        xp.multiply(m, m, out=kl_part)
        std *= std
        kl_part += std
        kl_part -= 1
        kl_part -= l
        kl_part *= 0.5
    return z, kl


def tree_sum(x):
    while len(x) > 1:
        half = len(x) // 2
        x = x[:half] + x[half:]
    return x[0]


def _pair(rng):
    """The largest of a - b and of b are negative, and there a = -b, so that a missing or moved |.| shows."""
    shape = rng.integers(4, 8), 5
    b, small = 7 * rng.standard_normal(shape), 1e-2 * rng.standard_normal(shape)
    b *= -np.sign(b.flat[np.abs(b).argmax()])
    i = np.abs(small).argmax()
    small *= -np.sign(small.flat[i])
    b.flat[i] = -small.flat[i] / 2
    return {"a": b + small, "b": b}


def _log_weights(rng):
    """Columns far below the smallest exp, each somewhere else, with one entry each far below the others."""
    K, N = rng.integers(3, 7), 4
    log_w = 3 * rng.standard_normal((K, N)) - rng.uniform(1000, 3000, N)
    log_w[-1] -= 9000
    return {"log_w": log_w}


def _counts(rng):
    n = np.sort(rng.integers(100, 100000, 4)).astype("float64")
    unary, binary, inputs, outputs = (int(k) for k in (*rng.integers(3, 9, 2), *rng.permutation([2, 3, 5])[:2]))
    return {"n": n, "itemsize": int(rng.choice([2, 4, 8])), "unary": unary, "binary": binary, "inputs": inputs,
            "outputs": outputs}  # fmt: skip


def _latents(rng):
    """The last block is shorter than the others."""
    block = int(rng.integers(6, 9))
    n = 3 * block + int(rng.integers(2, block - 1))
    return {name: rng.standard_normal(n) for name in ("mu", "log_var", "eps")} | {"block": block}


def _columns(rng):
    """Large numbers, which cancel on level 1 in the first column, on level 2 in the second, and so on.

    What is left in a column depends on the order up to its level.
    """
    n = int(2 ** rng.integers(4, 6))
    x = 10 * rng.standard_normal((n, 4))
    for level in range(4):
        large = 1e16 * rng.standard_normal((2**level, n >> (level + 1)))
        x[:, level] += np.concatenate([large, -large], axis=1).ravel()
    return {"x": x}


def _unshifted(log_w):
    with np.errstate(divide="ignore", over="ignore"):
        return np.log(np.exp(log_w).mean(axis=0))


def _fused_as(last=True, square=True, half=0.5, sign=1, first_eps=False, mean=True, squared_before=False):
    """The fused operation with a mistake."""

    def f(mu, log_var, eps, block):
        z, kl = np.zeros_like(mu), np.zeros_like(mu)
        for start in range(0, len(mu) if last else len(mu) - len(mu) % block, block):
            part = slice(start, start + block)
            m, l = mu[part], log_var[part]
            std = np.exp(0.5 * l)
            e = eps[: len(m)] if first_eps else eps[part]
            z[part] = (std * std if squared_before else std) * e + (m if mean else 0)
            kl[part] = half * (m * m + (std * std if square else std) - 1 - sign * l)
        return z, kl

    return f


def _halved(x, rows):
    while len(x) > rows:
        x = x[: len(x) // 2] + x[len(x) // 2 :]
    return x


def _neighbors(x):
    while len(x) > 1:
        x = x[0::2] + x[1::2]
    return x[0]


EXERCISES = (
    Exercise(
        "11.1",
        "relative_error",
        "error",
        _pair,
        relative_error,
        hints=(
            "Two numbers: the largest |a - b| of all entries, and the largest |b| of all entries.",
            "np.abs first, then .max() over everything; then one quotient.",
        ),
        slips={
            "divided entry by entry: an entry of b that is nearly 0 decides": lambda a, b: np.abs((a - b) / b).max(),
            "divided by the largest |a|: b is what is taken for true": lambda a, b: (
                np.abs(a - b).max() / np.abs(a).max()),
            "the largest a - b without |.|: a difference below 0 counts as well": lambda a, b: (
                (a - b).max() / np.abs(b).max()),
            "the largest b without |.|": lambda a, b: np.abs(a - b).max() / b.max(),
            "the mean of the differences, not the largest: one wrong entry of many would not be seen": lambda a, b: (
                np.abs(a - b).mean() / np.abs(b).mean()),
            "not divided: the error depends on the units": lambda a, b: np.abs(a - b).max(),
            "divided by the smallest |b|": lambda a, b: np.abs(a - b).max() / np.abs(b).min(),
            "the quotient of two norms": lambda a, b: np.linalg.norm(a - b) / np.linalg.norm(b),
        },
    ),
    Exercise(
        "11.2",
        "log_mean_exp",
        "log_mean",
        _log_weights,
        log_mean_exp,
        hints=(
            "Subtract the largest log_w of each column first, log_w.max(axis=0).",
            "After the log, add what you have subtracted.",
            "xp = array_module(log_w) is NumPy for a NumPy array; take xp.exp and xp.log.",
        ),
        slips={
            "without the largest taken out: exp(-1000) is 0, and log(0) is not finite": _unshifted,
            "the largest of all columns is taken out; what is far below it is 0 again": lambda log_w: (
                log_w.max() + _unshifted(log_w - log_w.max())),
            "the largest is not added back after the log": lambda log_w: log_mean_exp(log_w) - log_w.max(axis=0),
            "what is taken out is not the largest: exp of what lies far above it is infinite": lambda log_w: (
                log_w.mean(axis=0) + _unshifted(log_w - log_w.mean(axis=0))),
            "the sum over k, not the mean": lambda log_w: log_mean_exp(log_w) + np.log(len(log_w)),
            "the mean of the logs: that is smaller than the log of the mean": lambda log_w: log_w.mean(axis=0),
            "the largest alone; the others count, too": lambda log_w: log_w.max(axis=0),
            "over the last axis; k is the first": lambda log_w: log_mean_exp(log_w.T),
            "divided by the number of all entries, not by K": lambda log_w: (
                log_mean_exp(log_w) - np.log(log_w.shape[1])),
        },
    ),
    Exercise(
        "11.3",
        "traffic",
        "plain, fused",
        _counts,
        traffic,
        hints=(
            "Line by line: an operation with one argument reads one array and writes one, with two it reads two and "
            "writes one.",
            "Fused, whatever comes between inputs and outputs stays in the registers: it is neither written nor read.",
        ),
        slips={
            "an operation with two arguments reads two arrays and writes one: that is three": (
                lambda n, itemsize, unary, binary, inputs, outputs: (
                    n * itemsize * 2 * (unary + binary), n * itemsize * (inputs + outputs))),
            "what is read is counted, what is written is not": lambda n, itemsize, unary, binary, inputs, outputs: (
                n * itemsize * (unary + 2 * binary), n * itemsize * inputs),
            "what is written is counted, what is read is not": lambda n, itemsize, unary, binary, inputs, outputs: (
                n * itemsize * (unary + binary), n * itemsize * outputs),
            "numbers are counted, not bytes": lambda n, itemsize, unary, binary, inputs, outputs: (
                n * (2 * unary + 3 * binary), n * (inputs + outputs)),
            "plain and fused are exchanged": lambda *counts: traffic(*counts)[::-1],
            "operations with one argument are two arrays, those with two are three": (
                lambda n, itemsize, unary, binary, inputs, outputs: (
                    n * itemsize * (3 * unary + 2 * binary), n * itemsize * (inputs + outputs))),
            "fused, an input is read once, not once per operation": (
                lambda n, itemsize, unary, binary, inputs, outputs: (
                    traffic(n, itemsize, unary, binary, inputs, outputs)[0],
                    n * itemsize * (inputs * (unary + binary) + outputs))),
        },
    ),
    Exercise(
        "11.4",
        "sample_and_kl_fused",
        "z, kl",
        _latents,
        sample_and_kl_fused,
        hints=(
            "Make z, kl and one buffer of `block` numbers before the loop. Slices mu[start : start + block] and so on "
            "are views: what is written with out= lands in z and kl themselves.",
            "The last block may be shorter: take as much of the buffer as mu has left there, buffer[: len(m)].",
            "Make z before you square std in place, since z needs std. kl in this order: mu mu, + std std, - 1, "
            "- log_var, times 0.5.",
        ),
        slips={
            "the last block, which is shorter, is left out": _fused_as(last=False),
            "kl has std where the variance std std belongs": _fused_as(square=False),
            "the 0.5 of kl is missing": _fused_as(half=1.0),
            "log_var is added to kl, not subtracted": _fused_as(sign=-1),
            "every block takes the first eps": _fused_as(first_eps=True),
            "z lacks mu": _fused_as(mean=False),
            "std is squared before z is made": _fused_as(squared_before=True),
        },
        tolerance=0.0,
    ),
    Exercise(
        "11.5",
        "tree_sum",
        "total",
        _columns,
        tree_sum,
        hints=(
            "One level: rows 0 to half - 1 plus rows half to the end, entry by entry; half as many rows are left.",
            "Repeat while there is more than one row, and return the row itself, x[0].",
        ),
        slips={
            "one row after the other, from the end": lambda x: np.cumsum(x[::-1], axis=0)[-1],
            "one row after the other: that is the running sum": lambda x: np.cumsum(x, axis=0)[-1],
            "each row with its neighbor: a tree as well, but another one, with other bits": _neighbors,
            "the last level is missing: two rows are left": lambda x: _halved(x, 2)[0],
            "the mean, not the sum": lambda x: tree_sum(x) / len(x),
        },
        tolerance=0.0,
    ),
)  # fmt: skip

"""Exercises of lesson 11: errors between machines, code for any array, a fused operation, a sum in a fixed order."""

from functools import partial

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
    """The largest of a - b and of b are negative, and where a - b is, a = -b: so a missing or moved |.| shows.

    Both stand in the last row, where who looks at fewer rows does not see them; the smallest b is the first.
    """
    shape = rng.integers((4, 3), (15, 8))
    b, small = 7 * rng.standard_normal(shape), 1e-2 * rng.standard_normal(shape)
    b.flat[0], small.flat[0] = 1e-3, 1e-6
    for array, last in (b, -1), (small, -2):
        i = np.abs(array).argmax()
        array.flat[[i, last]] = array.flat[[last, i]]
        array *= -np.sign(array.flat[last])
    b.flat[-2] = -small.flat[-2] / 2
    return {"a": b + small, "b": b}


def _log_weights(rng):
    """Columns far below the smallest exp, each somewhere else, with one entry each far below the others."""
    N, K = rng.integers((9, 3), (20, 8))
    log_w = 3 * rng.standard_normal((K, N)) - rng.uniform(1000, 3000, N)
    log_w[-1] -= 9000
    return {"log_w": log_w}


def _counts(rng):
    """Whole numbers that differ from each other, and from those of the other draws."""
    itemsize, size, inputs, unary = (int(k) for k in rng.integers((1, 2, 5, 11), (12, 7, 12, 18)))
    n = np.sort(rng.integers(100, 100000, size)).astype("float64")
    return {"n": n, "itemsize": itemsize, "unary": unary, "binary": unary + size + 4, "inputs": inputs,
            "outputs": inputs + 2 * size}  # fmt: skip


def _latents(rng):
    """The last block is shorter than the others."""
    block = int(rng.integers(6, 17))
    n = 3 * block + int(rng.integers(2, block - 1))
    return {name: rng.standard_normal(n) for name in ("mu", "log_var", "eps")} | {"block": block}


def _columns(rng):
    """Large numbers, which cancel on level 1 in the first column, on level 2 in the second, and so on.

    What is left in a column depends on the order up to its level.
    """
    levels = int(rng.integers(4, 8, 2)[-1])
    n = 2**levels
    x = 10 * rng.standard_normal((n, levels))
    for level in range(levels):
        large = 1e16 * rng.standard_normal((2**level, n >> (level + 1)))
        x[:, level] += np.concatenate([large, -large], axis=1).ravel()
    return {"x": x}


def _error(a, b, *, size=np.abs, of_b=np.abs, by=lambda a, b: b, largest=np.max, below=np.max):
    """A relative error with switches for both of its parts."""
    return largest(size(a - b)) / below(of_b(by(a, b)))


def _log_mean(log_w, *, out=lambda w: w.max(axis=0), back=1, mean=lambda w: w.mean(axis=0), log=np.log):
    """log_mean_exp with switches for what is taken out, and for the mean."""
    with np.errstate(all="ignore"):
        return back * out(log_w) + log(mean(np.exp(log_w - out(log_w))))


def _moved(n, itemsize, unary, binary, inputs, outputs, *, of_unary=2, of_binary=3, reads=1, writes=1, bytes=True,
           inputs_read=lambda operations: 1, order=1):  # fmt: skip
    """The traffic with switches for what is counted."""
    size = n * (itemsize if bytes else 1)
    plain = of_unary * unary + of_binary * binary
    fused = reads * inputs * inputs_read(unary + binary) + writes * outputs
    return (size * plain, size * fused)[::order]


def _fused_as(mu, log_var, eps, block, *, last=True, exponent=0.5, square=True, half=0.5, one=1, sign=1, eps_of="block",
              mean=True, squared_before=False):  # fmt: skip
    """The fused operation with a mistake."""
    z, kl = np.zeros_like(mu), np.zeros_like(mu)
    for start in range(0, len(mu) if last else len(mu) - len(mu) % block, block):
        part = slice(start, start + block)
        m, l = mu[part], log_var[part]
        std = np.exp(exponent * l)
        e = {"block": eps[part], "first": eps[: len(m)], "none": 1}[eps_of]
        z[part] = (std * std if squared_before else std) * e + (m if mean else 0)
        kl[part] = half * (m * m + (std * std if square else std) - one - sign * l)
    return z, kl


def _halved(x, *, rows=1, add=lambda a, b: a + b, mean=False):
    n = len(x)
    while len(x) > rows:
        x = add(x[: len(x) // 2], x[len(x) // 2 :])
    return x[0] / (n if mean else 1)


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
            "divided by the largest |a|: b is what is taken for true": partial(_error, by=lambda a, b: a),
            "the largest a - b without |.|: a difference below 0 counts as well": partial(_error, size=lambda d: d),
            "the largest b without |.|": partial(_error, of_b=lambda b: b),
            "the difference of |a| and |b|: 1 and -1 are far apart": lambda a, b: (
                np.abs(np.abs(a) - np.abs(b)).max() / np.abs(b).max()),
            "the mean of the differences, not the largest: one wrong entry of many would not be seen": partial(
                _error, largest=np.mean, below=np.mean),
            "the mean of the differences: the largest counts": partial(_error, largest=np.mean),
            "divided by the mean of |b|: its largest counts": partial(_error, below=np.mean),
            "not divided: the error depends on the units": partial(_error, below=lambda b: 1),
            "divided by the smallest |b|": partial(_error, below=np.min),
            "the quotient of two norms": partial(_error, largest=np.linalg.norm, below=np.linalg.norm),
            "upside down: the differences stand above": lambda a, b: 1 / relative_error(a, b),
        },
    ),
    Exercise(
        "11.2",
        "log_mean_exp",
        "log_mean",
        _log_weights,
        log_mean_exp,
        points=2,
        hints=(
            "The largest log_w of each column, log_w.max(axis=0), is what makes the numbers extreme. What is the sum "
            "if you take exp of it out as a factor?",
            "The logarithm of a product is a sum: what you took out comes back after the log.",
            "xp = array_module(log_w) is NumPy for a NumPy array; take xp.exp and xp.log.",
        ),
        slips={
            "without the largest taken out: exp(-1000) is 0, and log(0) is not finite": partial(
                _log_mean, out=lambda w: 0),
            "the largest of all columns is taken out; what is far below it is 0 again": partial(_log_mean, out=np.max),
            "the largest is not added back after the log": partial(_log_mean, back=0),
            "the largest is subtracted after the log; it must come back": partial(_log_mean, back=-1),
            "what is taken out is not the largest: exp of what lies far above it is infinite": partial(
                _log_mean, out=lambda w: w.mean(axis=0)),
            "the sum over k, not the mean": partial(_log_mean, mean=lambda w: w.sum(axis=0)),
            "the mean of the logs: that is smaller than the log of the mean": lambda log_w: log_w.mean(axis=0),
            "the largest alone; the others count, too": lambda log_w: log_w.max(axis=0),
            "over the last axis; k is the first": lambda log_w: log_mean_exp(log_w.T),
            "divided by the number of columns, not by K": partial(
                _log_mean, mean=lambda w: w.sum(axis=0) / w.shape[1]),
            "divided by the number of all entries, not by K": partial(
                _log_mean, mean=lambda w: w.sum(axis=0) / w.size),
            "the log is missing": partial(_log_mean, log=lambda a: a),
        },
    ),
    Exercise(
        "11.3",
        "traffic",
        "plain, fused",
        _counts,
        traffic,
        points=2,
        hints=(
            "Line by line: how many whole arrays does one operation read, and how many does it write? An operation "
            "with one argument first, then one with two.",
            "Fused, whatever comes between inputs and outputs stays in the registers: it is neither written nor read.",
        ),
        slips={
            "an operation with two arguments reads two arrays and writes one: that is three": partial(
                _moved, of_binary=2),
            "an operation with one argument writes its result, too: that is two": partial(_moved, of_unary=1),
            "what is read is counted, what is written is not": partial(_moved, of_unary=1, of_binary=2, writes=0),
            "what is written is counted, what is read is not": partial(_moved, of_unary=1, of_binary=1, reads=0),
            "numbers are counted, not bytes": partial(_moved, bytes=False),
            "plain and fused are exchanged": partial(_moved, order=-1),
            "operations with one argument are two arrays, those with two are three": partial(
                _moved, of_unary=3, of_binary=2),
            "fused, the outputs are written, too": partial(_moved, writes=0),
            "fused, the inputs are read, too": partial(_moved, reads=0),
            "fused, an input is read once, not once per operation": partial(
                _moved, inputs_read=lambda operations: operations),
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
            "the last block, which is shorter, is left out": partial(_fused_as, last=False),
            "std is exp(log_var / 2): the half is missing": partial(_fused_as, exponent=1),
            "kl has std where the variance std std belongs": partial(_fused_as, square=False),
            "the 0.5 of kl is missing": partial(_fused_as, half=1.0),
            "the - 1 of kl is missing": partial(_fused_as, one=0),
            "log_var is added to kl, not subtracted": partial(_fused_as, sign=-1),
            "log_var is missing in kl": partial(_fused_as, sign=0),
            "every block takes the first eps": partial(_fused_as, eps_of="first"),
            "z lacks eps": partial(_fused_as, eps_of="none"),
            "z lacks mu": partial(_fused_as, mean=False),
            "std is squared before z is made": partial(_fused_as, squared_before=True),
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
            "the last level is missing: two rows are left": partial(_halved, rows=2),
            "only the first level: the other rows are left out": lambda x: (x[: len(x) // 2] + x[len(x) // 2 :])[0],
            "the second half is subtracted": partial(_halved, add=lambda a, b: a - b),
            "only the second half is taken: the first is lost": partial(_halved, add=lambda a, b: b),
            "only the first half is taken: the second is lost": partial(_halved, add=lambda a, b: a),
            "the second half is turned round: row i meets row half + i": partial(
                _halved, add=lambda a, b: a + b[::-1]),
            "the mean, not the sum": partial(_halved, mean=True),
        },
        tolerance=0.0,
    ),
)  # fmt: skip

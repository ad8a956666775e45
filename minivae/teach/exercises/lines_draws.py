"""What the exercises of lesson 23 are tried on."""

import numpy as np

from ...numeric import sigmoid
from .draws import one_of
from .gru_by_hand import unrolled


def grammar(rng):
    """Rules of S symbols: some go on to others, and the last of each symbol to none."""
    S, each = one_of(rng, (3, 3), (4, 2), (5, 4))
    left = np.repeat(np.eye(S), each, axis=0)
    right = rng.integers(0, 3, (S * each, S)).astype(float)
    right[each - 1 :: each] = 0
    p = rng.uniform(0.05, 0.2, (S, each)) / (each - 1) / S * 4
    p[:, -1] = 1 - p[:, :-1].sum(axis=1)
    return {"p": p.reshape(-1), "left": left, "right": right}


def lines(rng):
    """Tokens 1 .. V - 1, a 0 where a line ends, anything behind it, and a line that is cut off before its end."""
    N, T = one_of(rng, (7, 9), (6, 11), (8, 10))
    x = rng.integers(1, 6, (N, T))
    for row, end in zip(x[1:], rng.permutation(np.arange(2, T - 2).repeat(2))[: N - 1], strict=True):
        row[end] = 0
        row[end + 1] = rng.integers(1, 6)
        row[end + 2 :] = rng.integers(0, 3, T - end - 2)
    x[-1, -1] = 0
    return {"x": x}


def predicted(rng):
    """Large logits, and a token that is so unlikely that its probability is rounded to 0."""
    N, T, V = one_of(rng, (4, 7, 9), (6, 5, 8), (5, 9, 6))
    x, counts = rng.integers(0, V, (N, T)), np.ones((N, T))
    for i, row in enumerate(counts):
        row[T - 1 - i % (T - 2) :] = 0
    logits = 2 * rng.standard_normal((N, T, V)) + 900.0
    logits[1, 0, x[1, 0]] -= 800
    return {"logits": logits, "x": x, "counts": counts}


def step(rng):
    N, H = one_of(rng, (4, 6), (5, 3), (6, 4))
    a, h = rng.standard_normal((N, 3 * H)), rng.standard_normal((N, H))
    return {"a": a, "h": h, "U": rng.standard_normal((H, 3 * H)), "c": rng.standard_normal(H)}


def gates(rng):
    shape = one_of(rng, (4, 6), (5, 3), (6, 4))
    given = {name: rng.standard_normal(shape) for name in ("dh_new", "h", "a_r", "a_u", "a_n", "m")}
    r = sigmoid(given["a_r"])
    return given | {"r": r, "u": sigmoid(given["a_u"]), "n": np.tanh(given["a_n"] + r * given["m"])}


def time(rng):
    T, N, H = one_of(rng, (5, 3, 4), (4, 5, 2), (3, 4, 5))
    given = {"dy": rng.standard_normal((T, N, H)), "a": rng.standard_normal((T, N, 3 * H)),
             "h_0": rng.standard_normal((N, H)), "U": rng.standard_normal((H, 3 * H)) / H**0.5,
             "c": rng.standard_normal(H)}  # fmt: skip
    kept = unrolled(given["a"], given["h_0"], given["U"], given["c"])
    return given | dict(zip(("states", "r", "u", "m", "n"), kept, strict=True))

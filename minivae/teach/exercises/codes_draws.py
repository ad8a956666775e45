"""What the exercises of lesson 21 are tried on."""

import numpy as np

from .codes_by_hand import gumbel_softmax, softmax


def _sizes(rng):
    """N, K, d, other ones for each of SEEDS."""
    return rng.integers(24, 40), rng.integers(5, 9), rng.integers(3, 6)


def places(rng):
    N, K, d = _sizes(rng)
    return {"z": rng.standard_normal((N, d)), "e": rng.standard_normal((K, d)) * rng.uniform(0.3, 1.5, (K, 1))}


def _codes_of(rng):
    """Places and their codes, of which two are chosen by none, the last and another, and one by one place alone."""
    N, K, d = _sizes(rng)
    z, used = rng.standard_normal((N, d)), rng.permutation(K - 1)[: K - 2]
    codes = used[rng.integers(1, K - 2, N)]
    codes[rng.integers(N)] = used[0]
    return z, codes, K, d


def back(rng):
    z, codes, K, d = _codes_of(rng)
    e = rng.standard_normal((K, d))
    return {"dz_q": rng.standard_normal(z.shape), "z": z, "e": e, "codes": codes, "commit": rng.uniform(0.2, 0.6),
            "held_z": z.copy(), "held_e": e.copy()}  # fmt: skip


def averages(rng):
    z, codes, K, d = _codes_of(rng)
    return {"count": rng.uniform(1, 4, K), "total": rng.standard_normal((K, d)), "z": z, "codes": codes}


def smoothed(rng):
    return averages(rng) | {"decay": rng.uniform(0.6, 0.8), "tiny": rng.uniform(0.1, 0.3)}


def choices(rng):
    shape = rng.integers(4, 12), rng.integers(3, 8)
    return {"logits": rng.standard_normal(shape), "f": rng.uniform(0.5, 3, shape)}


COLD = 0.2  # so that of SEEDS the last is cold, and the first two are not


def noise(rng):
    """Cold in some draws: an exponential of scores / temperature overflows there. Else some row has no y above 0.5."""
    cold = rng.random() < COLD
    return warm(rng) | ({"temperature": 0.002} if cold else {})


def warm(rng):
    """Such that some row has no y above one half, and some have."""
    shape, temperature, y = (rng.integers(6, 12), rng.integers(4, 7)), rng.uniform(0.4, 0.8), np.ones((1, 1))
    while y.max(axis=-1).min() > 0.45 or (y > 0.5).sum() < 3:
        logits, gumbel = 0.5 * rng.standard_normal(shape), rng.gumbel(size=shape)
        y = softmax((logits + gumbel) / temperature)
    return {"logits": logits, "gumbel": gumbel, "temperature": temperature}


def relaxed(rng):
    inputs = warm(rng)
    return inputs | {"dy": rng.standard_normal(inputs["logits"].shape), "y": gumbel_softmax(**inputs)[1]}

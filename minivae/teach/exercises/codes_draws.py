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


FAR = 0.2  # so that of SEEDS the last has large logits, or is cold, and the first two are not


def choices(rng):
    """In some draws the logits of each row are 750 more or less: that leaves p, but not every way to compute it."""
    far, shape = rng.random() < FAR, (rng.integers(4, 12), rng.integers(3, 8))
    shift = np.where(np.arange(shape[0]) % 2, 750, -750)[:, None] * far
    return {"logits": rng.standard_normal(shape) + shift, "f": rng.uniform(0.5, 3, shape)}


def noise(rng):
    """Cold in some draws: an exponential of scores / temperature overflows there. Else some row has no y above 0.5."""
    cold = rng.random() < FAR
    return warm(rng) | ({"temperature": 0.0005} if cold else {})


def warm(rng):
    """Such that some row has no y above one half, and some have, and that what may choose z chooses another each."""
    shape, t, y, ways = (rng.integers(6, 12), rng.integers(4, 7)), rng.uniform(0.4, 0.8), np.ones((1, 1)), {}
    while y.max(axis=-1).min() > 0.45 or (y > 0.5).sum() < 3 or len(ways) < 5:
        logits, gumbel = 0.5 * rng.standard_normal(shape), rng.gumbel(size=shape)
        y = softmax((logits + gumbel) / t)
        scores = logits, gumbel, logits + gumbel, logits / t + gumbel, logits + gumbel / t
        ways = {tuple(a.argmax(axis=-1)) for a in scores}
    return {"logits": logits, "gumbel": gumbel, "temperature": t}


def relaxed(rng):
    """One y is exactly 0, since its logit is far below."""
    inputs = warm(rng)
    inputs["logits"][0, 0] = -1000
    return inputs | {"dy": rng.standard_normal(inputs["logits"].shape), "y": gumbel_softmax(**inputs)[1]}

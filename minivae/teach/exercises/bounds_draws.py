"""What the exercises of lessons 13 and 15 are tried on where both ask for the same, and the others of lesson 13."""

import numpy as np

from .draws import one_of

FAR_APART = ("exp overflows where the log w of one example lie 2,000 apart: subtract their largest, not their mean, "
             "median or smallest")  # fmt: skip


def draws(rng):
    K, N, L = rng.integers((10, 4, 3), (30, 10, 9))
    shapes = {"mu": (N, L), "log_var": (N, L), "eps": (K, N, L)}
    return {"log_px_z": 3 * rng.standard_normal((K, N)) - 20} | {
        name: rng.standard_normal(shape) for name, shape in shapes.items()
    }


def log_weights(rng):
    """Of examples at which exp is 0, at which it overflows, and at which nothing happens.

    The last time those of one more example lie so far apart that, unless their largest is subtracted, exp overflows.
    """
    apart = one_of(rng, 0, 0, 2000)
    K, N = rng.integers((8, 4), (30, 10))
    log_w = 1.5 * rng.standard_normal((K, N)) + np.array([-900.0, 800.0, 0.0])[np.arange(N) % 3]
    log_w[:, 3] += 900 - apart * (np.arange(K) != 1)
    return {"log_w": log_w}


def two_bounds(rng):
    N, K_1 = (int(n) for n in rng.integers((4, 5), (15, 40)))
    K_2 = K_1 + int(rng.integers(10, 300))
    log_px, c = rng.uniform(-30, -20, N), rng.uniform(1, 3, N)
    return {"bound_1": log_px - c / K_1, "K_1": K_1, "bound_2": log_px - c / K_2, "K_2": K_2}


def two_models(rng):
    """Which agree on what is a difficult image, as models do."""
    N = rng.integers(30, 60)
    common = 4 * rng.standard_normal(N) - 25
    a, b = common + rng.standard_normal((2, N))
    return {"a": a, "b": b + rng.choice([1.5, -1.5])}


def means(rng):
    """Means far from 0 but for three; variances on both sides of the threshold, one above 0.01, one below its square.

    So it is another number of latents that are active, or not; whose standard deviation, mean, mean square is above the
    threshold; or whose variance is above 0.01.
    """
    N, L = one_of(rng, (23, 11), (31, 12), (38, 13))
    threshold = rng.uniform(0.02, 0.04)
    variance = threshold * np.where(np.arange(L) >= 5, rng.uniform(1.6, 16, L), rng.uniform(0.05, 0.2, L))
    variance[:2] = 0.3 * threshold**2, (0.01 * threshold) ** 0.5
    mean = rng.uniform(0.3, 1, L)
    mean[[0, 2, -1]] = 0.1 * threshold
    mu = rng.standard_normal((N, L))
    return {"mu": (mu - mu.mean(axis=0)) / mu.std(axis=0) * np.sqrt(variance) + mean, "threshold": threshold}

"""What the exercises of lesson 20 are tried on."""

import numpy as np


def with_classes(rng):
    """Rows and classes, the last of which is in none of them."""
    N, n, C = rng.integers(9, 16), rng.integers(3, 7), rng.integers(4, 8)
    return {"x": rng.standard_normal((N, n)), "y": rng.integers(0, C - 1, N), "C": C}


def between(rng):
    N, L, C = rng.integers(5, 10), rng.integers(3, 6), rng.integers(5, 8)
    latent = {name: rng.standard_normal((N, L)) for name in ("mu", "log_var", "eps")}
    return {"dgiven": rng.standard_normal((N, L + C)), "weight": rng.uniform(0.2, 0.8, N)} | latent


def bounds(rng):
    shape = rng.integers(5, 12), rng.integers(3, 8)
    return {"logits": rng.standard_normal(shape), "bounds": rng.uniform(-6, -3, shape)}


def few_labels(rng):
    """About a third of the rows have a label, one of them 0, and one another."""
    inputs = bounds(rng)
    N, C = inputs["logits"].shape
    y = np.where(np.arange(N) < 1 + N // 4, rng.integers(0, C - 1, N), -1)
    y[:2] = 0, rng.integers(1, C - 1)
    return {"bounds": inputs["bounds"], "logits": inputs["logits"], "y": rng.permutation(y),
            "alpha": rng.uniform(1.3, 2)}  # fmt: skip

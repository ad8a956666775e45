"""The arrays that the exercises of lesson 14 are tried on."""

import numpy as np


def decoder(rng):
    return {"w": rng.standard_normal(rng.integers(4, 9)), "var_x": rng.uniform(0.3, 0.8), "beta": rng.uniform(1.5, 3)}


def directions(rng):
    """Variances of which some are above beta var_x, and some between it and var_x, and some below both.

    Their mean is above beta var_x in the first draw of a check, below it in the second.
    """
    var_x, beta, n = rng.uniform(0.3, 0.8), rng.uniform(2.5, 4), rng.integers(3, 6)
    level = beta * var_x
    alive = rng.uniform(1.5, 6, n) if n == 3 else rng.uniform(1.1, 1.3, n)
    lam = np.concatenate([level * alive, level * rng.uniform(0.5, 0.8, 2),
                          var_x * rng.uniform(0.3, 0.8, rng.integers(1, 4))])  # fmt: skip
    return {"lam": rng.permutation(lam), "var_x": var_x, "beta": beta}


def pulled(rng):
    L, N = rng.integers(3, 6), rng.choice([7, 9, 11, 13])  # N is never 2 L
    mu = rng.standard_normal((N, L))
    beta = rng.uniform(1.5, 3)
    against = np.where(np.arange(L) % 2, -1, 2) * beta  # of the reconstruction: cosines of both signs
    return {"mu": mu, "dmu": (0.5 * rng.standard_normal((N, L)) + (beta - against) * mu) / N, "beta": beta}


def steps(rng):
    """Step 0, steps of the rise, its last one, steps after it, in no order; in the third draw one alone, a number."""
    steps = int(rng.integers(20, 40))
    n = rng.integers(8, 14)
    t = np.sort(rng.choice(np.arange(1, 2 * steps), n, replace=False))
    beta = rng.uniform(2, 4)
    many = np.append(rng.permutation([0, steps, *t]), 2 * steps + 7)
    return {"t": int(t[2]) if n == 8 else many, "beta": beta, "steps": steps}


def some_free(rng):
    """Two latents above `least`; four below it, of which beta times one is above, and one is below least / N.

    Another one is between least / N and least / L. The sum of all is between `least` and L times `least`, that of the
    first example below `least`.
    """
    L, N = rng.integers(6, 9), rng.choice([9, 11, 13, 15])  # N is never 2 L
    beta, least = rng.uniform(2, 3), rng.uniform(0.48, 0.55)
    kl = rng.exponential(size=(N, L)) + 0.01
    kl[0] *= 0.05
    part = np.concatenate([[0.5 / N, (N * L) ** -0.5], rng.uniform(0.22, 0.3, L - 5), [0.6],
                           rng.uniform([1.2, 1.6], [1.4, 1.8])])  # fmt: skip
    return {"kl": kl * rng.permutation(part) * least / kl.mean(axis=0), "beta": beta, "least": least}


def held(rng):
    """The KL is above C in the first draw of a check, below it in the second."""
    L, N = rng.integers(3, 6), rng.choice([7, 9, 11, 13])  # N is never 2 L
    kl = rng.exponential(size=(N, L))
    return {"kl": kl, "gamma": rng.uniform(2, 5), "C": kl.sum() / N * (1.45 if N == 9 else 0.7)}

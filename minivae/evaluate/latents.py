"""Walks through the latent space: which latents carry something, and what lies between and around examples."""

import numpy as np

from ..backend import place, take, to_numpy
from ..data import batches
from ..metrics import BATCH, check_pair
from ..numeric import at_once


def posteriors(model, x, y=None):
    """(mu, log_var) of every row, x (N, D) -> (N, L) each, in host memory; encoded in memory-bounded batches.

    Raises ValueError for a model whose q(z | x) is no Gaussian.
    """
    if model.latent != "gaussian":
        raise ValueError(f"model: expected one with a Gaussian q(z | x), {type(model).__name__} has none")
    parts = _encoded(model, x, y)
    return tuple(np.concatenate(part) for part in zip(*parts, strict=True))


def codes(model, x, y=None):
    """One z for every row, x (N, D) -> (N, L): the mean of a Gaussian q(z | x), else what `encode` gives."""
    parts = _encoded(model, x, y)
    return np.concatenate([part[0] if model.latent == "gaussian" else part for part in parts])


def _encoded(model, x, y):
    x, y = check_pair(x, y, model)
    parts = batches(len(x), at_once(BATCH, x.shape[1]))
    return [to_numpy(model.encode(x[rows], y=take(y, rows))) for rows in parts]


def moments(model, x, rng, y=None, S=64):
    """Mean and standard deviation of q(z | x), x (N, D) -> (N, L) each; of S draws where it is no Gaussian.

    Raises ValueError for a model that has no q(z | x).
    """
    if model.latent == "gaussian":
        mu, log_var = posteriors(model, x, y)
        return mu, np.exp(0.5 * log_var)
    if getattr(model, "posterior", None) is None:
        raise ValueError(f"model: expected one with a posterior q(z | x), {type(model).__name__} has none")
    x, y = check_pair(x, y, model)
    means, spreads = [], []
    for rows in batches(len(x), at_once(BATCH // S, x.shape[1])):
        heads = model.encoder(model.seen(model.examples(x[rows]), take(y, rows)))
        eps = rng.standard_normal((S, len(x[rows]), model.L), dtype="float32")
        (z, _), _ = model.posterior.forward(heads, place(eps, like=model.theta))
        means.append(to_numpy(z.mean(axis=0)))
        spreads.append(to_numpy(z.std(axis=0)))
    return np.concatenate(means), np.concatenate(spreads)


def kl_per_latent(model, x, y=None):
    """Mean KL of each latent, x (N, D) -> (L,) nats. A latent near 0 carries nothing: its posterior is the prior.

    Raises ValueError for a model without such a KL.
    """
    if not model.has_kl:
        raise ValueError(f"model: expected one with a KL of each latent, {type(model).__name__} has none")
    return mean_kl(model, *posteriors(model, x, y), y)


def mean_kl(model, mu, log_var, y=None):
    """The same of posteriors that are known: mu, log_var (N, L) -> (L,)."""
    return row_kl(model, mu, log_var, y).mean(axis=0, dtype="float64")


def row_kl(model, mu, log_var, y=None):
    """KL of each row and latent: mu, log_var (N, L) -> (N, L) nats."""
    return to_numpy(model.prior_of(y, len(mu)).kl(*place((mu, log_var), like=model.theta)))


def interpolate(a, b, steps, how="linear"):
    """From a (n, L) to b (n, L) in equal steps -> (n, steps, L).

    "linear": (1 - t) a + t b, which passes nearer to 0 than almost any draw of a standard normal in many dimensions.
    "spherical": sin((1 - t) w) / sin(w) a + sin(t w) / sin(w) b, w the angle between them (Shoemake 1985), which keeps
    their length.
    """
    if how not in ("linear", "spherical"):
        raise ValueError(f"how: expected linear or spherical, got {how!r}")
    t = np.linspace(0, 1, steps)[:, None]
    a, b = a[:, None].astype("float64"), b[:, None].astype("float64")  # (n, 1, L)
    lengths = np.linalg.norm(a, axis=-1, keepdims=True) * np.linalg.norm(b, axis=-1, keepdims=True)
    angle = np.arccos(np.clip((a * b).sum(axis=-1, keepdims=True) / np.maximum(lengths, 1e-12), -1, 1))
    straight = (np.sin(angle) < 1e-6) | (lengths == 0)  # one direction, or opposite ones: no arc is the shortest
    if how == "linear":
        straight = np.ones_like(straight)
    sin = np.where(straight, 1, np.sin(angle))
    wa = np.where(straight, 1 - t, np.sin((1 - t) * angle) / sin)
    wb = np.where(straight, t, np.sin(t * angle) / sin)
    return (wa * a + wb * b).astype("float32")


def traverse(z, latents, values):
    """One latent at a time set to each value: z (L,) -> (len(latents), len(values), L)."""
    walks = np.tile(z, (len(latents), len(values), 1))
    for walk, latent in zip(walks, latents, strict=True):
        walk[:, latent] = values
    return walks


def place_of(levels, k):
    """(level, number in it) of latent k where z is made of levels, from 1 and from 0: of [3, 2] latent 4 is (2, 1)."""
    for level, width in enumerate(levels, 1):
        if k < width:
            return level, k
        k -= width
    raise ValueError(f"k: expected a latent of {sum(levels)}")


def carried_down(model, z, level):
    """z (..., L), in host memory, with the levels below `level` at their mean given those from there up."""
    z = place(z, like=model.theta)
    return to_numpy(model.prior.draw_below(level, z, 0 * z))


def normal_quantiles(n):
    """n values that cut the standard normal into parts of equal probability, each in the middle of its part."""
    from statistics import NormalDist

    return np.array([NormalDist().inv_cdf((i + 0.5) / n) for i in range(n)], "float32")


def decodings(model, x, S, rng, y=None):
    """S decodings of each row of x (N, D): x_hat = decode(z), z ~ q(z | x) -> (S, N, D)."""
    eps = rng.standard_normal((S, len(x), model.L), dtype="float32")
    return to_numpy(model.reconstruct(place(x, like=model.theta), eps, y=y))


class Spread:
    """The standard deviation over the first axis of an array (S, ...) that comes in parts (Chan et al. 1979).

    Of a single part in float32 it is that part's `std`, to the bit.
    """

    count, mean, squares = 0, 0.0, 0.0  # squares: the sum of (value - mean)^2

    def add(self, part):
        """Another part (s, ...)."""
        S = self.count + len(part)
        step = part.mean(axis=0, dtype="float64") - self.mean
        self.squares = self.squares + len(part) * part.var(axis=0).astype("float64")
        self.squares += self.count * len(part) / S * step**2
        self.mean = self.mean + len(part) / S * step
        self.count = S

    def std(self, dtype):
        """Of all that was added (...)."""
        return np.sqrt(self.squares / self.count).astype(dtype)

"""Points of a plane around a few centers: mixtures of Gaussians of which density, entropy and modes are known.

The toy data of mode collapse: eight Gaussians on a ring, and a grid of 25 (Metz et al. 2016, 1611.02163; Srivastava et
al. 2017, "VEEGAN", 1705.07761). All are isotropic and of one std; they are equally likely, unless one of them is rare.
"""

import math

import numpy as np

from ..options import one_of, real, table_of, whole
from .splits import read_rare

RADIUS = 2.0  # of the ring
STEP = 2.0  # between neighbors of the grid
COUNT = {"ring": 8, "grid": 25}
OPTIONS = {
    "kind": one_of(tuple(COUNT)),
    "count": whole(1, 100),
    "std": real(),
    "rows": whole(1, 10**7),
    "seed": whole(0),
    "rare": read_rare,
}
REACH, NODES = 7.0, 71  # of the quadrature around a center, in units of std
_read = table_of(OPTIONS)


def read_modes(name, values):
    """Arguments of `draw_modes`, as a table of names and values; ValueError names the one that is wrong."""
    read = _read(name, values)
    kind = read.get("kind", "ring")
    count = read.get("count", COUNT[kind])
    if kind == "grid" and math.isqrt(count) ** 2 != count:
        raise ValueError(f"{name}.count: expected a square number for a grid, got {count}")
    if "rare" in read and not read["rare"]["class"] < count > 1:
        raise ValueError(f"{name}.rare: expected two modes or more, and one of them, got {read['rare']['class']} of "
                         f"{count}")  # fmt: skip
    return read


def mode_centers(**options):
    """Centers (K, 2) of the modes in the order of y: round the ring from (2, 0) on, or line after line of the grid."""
    return _known(options)[0]


def mode_weights(**options):
    """Probabilities (K,) of the modes."""
    return _known(options)[2]


def modes_log_prob(x, **options):
    """log p(x) in nats, x (..., 2) -> (...,), float64; `options` as for `draw_modes`."""
    x = np.asarray(x, "float64")
    if x.ndim < 1 or x.shape[-1] != 2:
        raise ValueError(f"x: expected points (..., 2), got shape {x.shape}")
    return _log_prob(x, *_known(options))


def modes_entropy(**options):
    """-E log p(x) in nats, to 1e-8: what no model's mean -log p(x) on new points is below; as for `draw_modes`.

    The trapezoidal rule around each center, which converges faster than any power of its step for such integrands.
    """
    centers, std, weights = _known(options)
    u = np.linspace(-REACH, REACH, NODES)
    u = np.stack(np.meshgrid(u, u), axis=-1).reshape(-1, 2)  # (nodes, 2)
    w = np.exp(-0.5 * (u**2).sum(axis=-1)) * (u[1, 0] - u[0, 0]) ** 2 / (2 * math.pi)
    means = [w @ _log_prob(center + std * u, centers, std, weights) for center in centers]
    return -float(weights @ np.array(means))


def draw_modes(kind="ring", count=None, std=0.05, rows=14400, seed=0, rare=None):
    """Points of a mixture of Gaussians, and which of them each is of.

    Parameters
    ----------
    kind : {"ring", "grid"}
        Centers on a circle of radius 2 about 0, or 2 from each other on a square about 0.
    count : int, optional
        How many; None: 8 on a ring, 25 on a grid.
    std : float
        Of each, in both directions.
    rows : int
    seed : int
        Of the points.
    rare : dict, optional
        {"class": number of a mode, "share": its probability}; the others have the same. None: all have the same.

    Returns
    -------
    x : array (rows, 2), float32
    y : array (rows,), int64
        The modes.

    Raises
    ------
    ValueError
        If an argument is none of these.
    """
    given = {"kind": kind, "std": std, "rows": rows, "seed": seed}
    given |= {name: value for name, value in (("count", count), ("rare", rare)) if value is not None}
    given = read_modes("modes", given)
    centers, std, weights = _known(given)
    rng = np.random.default_rng(given["seed"])
    y = rng.choice(len(centers), size=given["rows"], p=weights)
    return (centers[y] + std * rng.standard_normal((len(y), 2))).astype("float32"), y


def _known(options):
    """(centers (K, 2), std, weights (K,)) of a mixture; rows and seed decide none of them."""
    given = {"kind": "ring", "std": 0.05} | read_modes("modes", options)
    count = given.get("count", COUNT[given["kind"]])
    if given["kind"] == "ring":
        angle = 2 * math.pi * np.arange(count) / count
        centers = RADIUS * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    else:
        side = math.isqrt(count)
        line = STEP * (np.arange(side) - (side - 1) / 2)
        centers = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    weights = np.full(count, 1 / count)
    if "rare" in given:
        share = given["rare"]["share"]
        weights[:] = (1 - share) / (count - 1)
        weights[given["rare"]["class"]] = share
    return centers, given["std"], weights


def _log_prob(x, centers, std, weights):
    """log sum_k weights_k N(x; centers_k, std^2 I): x (..., 2) -> (...,)."""
    square = ((x[..., None, :] - centers) ** 2).sum(axis=-1)  # (..., K)
    log_p = np.log(weights) - square / (2 * std**2) - math.log(2 * math.pi * std**2)
    top = log_p.max(axis=-1)
    return top + np.log(np.exp(log_p - top[..., None]).sum(axis=-1))

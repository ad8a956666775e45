"""Independent sources, mixed by a random network: Gaussians whose spread depends on a segment.

The data of time-contrastive learning (Hyvarinen & Morioka 2016, 1605.06336) and of identifiable VAEs (Khemakhem et al.
2020, 1907.04809, section 5). The sources that made each row are known, so that one can say whether a model finds them.
"""

import numpy as np

from ..options import real, switch, table_of, whole

SPREAD = (0.5, 3.0)  # range of the standard deviations, as in their code
CENTER = 5.0  # means, where there are any, lie between -5 and 5
SLOPE = 0.1  # of the leaky ReLU below 0
OPTIONS = {
    "segments": whole(2, 10**4),
    "rows": whole(1, 10**6),
    "count": whole(1, 100),
    "columns": whole(1, 10**4),
    "layers": whole(1, 100),
    "means": switch,
    "noise": real(closed=True),
    "seed": whole(0),
}
_read = table_of(OPTIONS)


def read_options(name, values):
    """Arguments of `mixed_sources`, as a table of names and values; ValueError names the one that is wrong."""
    read = _read(name, values)
    count = read.get("count", 2)
    if read.get("columns", count) < count:
        raise ValueError(f"{name}.columns: expected as many as sources, {count}, or more, got {read['columns']}")
    return read


def mixed_sources(segments=40, rows=250, count=2, columns=None, layers=3, means=False, noise=0.1, seed=0):
    """Rows x that a random network makes of independent sources, in a random order.

    A source is N(m, s^2), m and s those of its segment: s uniform in `SPREAD`, m = 0, or with `means` uniform between
    -5 and 5. The network is one-to-one: orthonormal matrices, and a leaky ReLU between two of them.

    Parameters
    ----------
    segments, rows : int
        How many segments, and rows of each.
    count : int
        Number of sources.
    columns : int, optional
        Of x, at least `count`. None: as many as sources.
    layers : int
        Matrices; 1 is a linear mixture.
    means : bool
    noise : float
        Standard deviation of the Gaussian noise that is added to x.
    seed : int
        Of everything.

    Returns
    -------
    x : array (N, columns), float32
    y : array (N,), int64
        The segments.
    sources : array (N, count), float32

    Raises
    ------
    ValueError
        If an argument is none of these, or there are fewer columns than sources.
    """
    given = {"segments": segments, "rows": rows, "count": count, "layers": layers, "means": means, "noise": noise,
             "seed": seed} | ({} if columns is None else {"columns": columns})  # fmt: skip
    given = {"columns": count} | read_options("sources", given)
    rng = np.random.default_rng(given["seed"])
    segments, count, columns = given["segments"], given["count"], given["columns"]
    std = rng.uniform(*SPREAD, (segments, count))
    center = rng.uniform(-CENTER, CENTER, (segments, count)) * given["means"]
    y = rng.permutation(np.repeat(np.arange(segments), given["rows"]))
    sources = center[y] + std[y] * rng.standard_normal((len(y), count))
    x = sources
    for layer in range(given["layers"]):
        x = np.where(x < 0, SLOPE * x, x) if layer else x
        W, _ = np.linalg.qr(rng.standard_normal((columns, x.shape[1])))  # orthonormal columns
        x = x @ W.T
    x = x + given["noise"] * rng.standard_normal(x.shape)
    return x.astype("float32"), y, sources.astype("float32")

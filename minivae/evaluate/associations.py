"""How two tables agree: each column by itself, and the columns in pairs."""

import numpy as np

BINS = 10  # of a numeric column, with as many cells each as ties allow


def binned(frame, columns, edges=None):
    """({name: whole numbers (N,), -1 where empty}, {name: levels or edges}): cells as bins.

    A category's bins are its levels. A numeric column's have equally many cells; the edges of another table are used if
    they are given.
    """
    codes, found = {}, {}
    for column in columns:
        cells = frame[column.name]
        if column.levels is not None:
            found[column.name] = column.levels
            place = {level: i for i, level in enumerate(column.levels)}
            codes[column.name] = np.array([place.get(v, -1) for v in cells.tolist()])
            continue
        values = cells.to_numpy("float64", na_value=np.nan)
        if edges is None:
            inner = np.unique(np.nanquantile(values, np.arange(1, BINS) / BINS))
        else:
            inner = edges[column.name]
        found[column.name] = inner
        codes[column.name] = np.where(np.isnan(values), -1, np.searchsorted(inner, values, side="left"))
    return codes, found


def associations(codes):
    """Cramer's V of each pair of columns, 0 (independent) to 1: {name: bins (N,)} -> (C, C).

    V^2 = chi^2 / (N (min(rows, columns) - 1)), without its bias (Bergsma 2013); rows with an empty cell are left out.
    """
    names = list(codes)
    V = np.eye(len(names))
    for i, a in enumerate(names):
        for j in range(i):
            V[i, j] = V[j, i] = _cramer(codes[a], codes[names[j]])
    return V


def _cramer(a, b):
    both = (a >= 0) & (b >= 0)
    a, b = (np.unique(part[both], return_inverse=True)[1] for part in (a, b))
    N = len(a)
    if N < 2:
        return 0.0
    r, k = a.max() + 1, b.max() + 1
    counts = np.bincount(a * k + b, minlength=r * k).reshape(r, k)
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0) / N
    phi2 = ((counts - expected) ** 2 / expected).sum() / N
    phi2 = max(0.0, phi2 - (r - 1) * (k - 1) / (N - 1))
    r, k = r - (r - 1) ** 2 / (N - 1), k - (k - 1) ** 2 / (N - 1)
    smaller = min(r, k) - 1
    return float(np.sqrt(phi2 / smaller)) if smaller > 0 else 0.0


def marginal_distance(codes, other, name):
    """Total variation distance, 0 to 1, between the bins of a column in two tables: half the sum of |p - q|."""
    a, b = codes[name][codes[name] >= 0], other[name][other[name] >= 0]
    n = max(a.max(initial=0), b.max(initial=0)) + 1
    p, q = (np.bincount(part, minlength=n) / max(1, len(part)) for part in (a, b))
    return float(np.abs(p - q).sum() / 2)

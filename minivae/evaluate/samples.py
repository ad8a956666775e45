"""Are samples like the data? How near, how varied, how sharp, and whether they are copies of training rows.

Features (N, d) are rows of numbers in which Euclidean distance means something: see features.py. "Real" are rows of the
data, "made" are samples of a model.
"""

import numpy as np

from ..options import whole

K_MANIFOLD, K_DENSITY = 3, 5  # neighbors, as in the papers
LAPLACIAN = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]], "float32")


def frechet_distance(a, b):
    """Squared Frechet distance between Gaussians with the means m and covariances C of two sets of features.

    |m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2))   (Heusel et al. 2017, eq. 6)

    Parameters
    ----------
    a, b : array (N, d) and (M, d)
        Of finite sets it is too large, by about 1 / N: compare sets of one size, and with what two sets of real rows
        have.

    Returns
    -------
    float
        In squared units of the features, >= 0.

    Raises
    ------
    ValueError
        If a or b are not at least two rows of finite numbers, or differ in d.
    """
    a, b = _features(a, b)
    root = _root(np.cov(a, rowvar=False).reshape(a.shape[1], -1))
    C_b = np.cov(b, rowvar=False).reshape(root.shape)
    # tr (C_a C_b)^(1/2) = tr (R C_b R)^(1/2), R = C_a^(1/2): that matrix is symmetric
    mixed = np.sqrt(np.linalg.eigvalsh(root @ C_b @ root).clip(0)).sum()
    shift = a.mean(axis=0) - b.mean(axis=0)
    return float(max(0.0, shift @ shift + (root * root).sum() + np.trace(C_b) - 2 * mixed))


def _root(C):
    """The symmetric square root of a covariance (d, d)."""
    values, vectors = np.linalg.eigh(C)
    return vectors * np.sqrt(values.clip(0)) @ vectors.T


def manifold_scores(real, made, k_manifold=K_MANIFOLD, k_density=K_DENSITY):
    """Precision, recall, density and coverage of samples.

    A ball lies around each row of a set, as wide as the distance to its k-th neighbor in that set. Precision: the share
    of `made` in a ball of `real`; recall: of `real` in a ball of `made` (Kynkaanniemi et al. 2019, eq. 1-2, k = 3).
    Density: in how many balls of `real` a row of `made` lies, over k, which one outlier with a large ball changes
    little; coverage: the share of balls of `real` with some `made` in it (Naeem et al. 2020, sec. 3, k = 5).

    Parameters
    ----------
    real, made : array (N, d)
        Features, equally many: all four depend on N.
    k_manifold, k_density : int
        Neighbors, of precision and recall, and of density and coverage.

    Returns
    -------
    dict of float
        Each from 0 to 1 but density, which may be above 1. Where both sets come from one distribution the mean of
        density is 1, that of coverage `expected_coverage`.

    Raises
    ------
    ValueError
        If real or made are not equally many rows of finite numbers, more than k of them, or differ in d.
    """
    from sklearn.metrics import pairwise_distances_chunked

    real, made = _features(real, made)
    ks = (whole(1)("k_manifold", k_manifold), whole(1)("k_density", k_density))
    if len(real) != len(made) or len(real) <= max(ks):
        raise ValueError(f"real, made: expected as many rows of both, above {max(ks)}, got {len(real)} and {len(made)}")
    real_manifold, real_density = _radii(real, ks)
    made_manifold, _ = _radii(made, ks)
    inside = 0  # balls of `real` around each made row, in all
    precise = 0
    recalled, covered = np.zeros((2, len(real)), bool)
    start = 0
    for part in pairwise_distances_chunked(made, real, working_memory=64):  # (n, N) distances of n made rows
        precise += (part <= real_manifold).any(axis=1).sum()
        within = part <= real_density
        inside += np.count_nonzero(within)
        covered |= within.any(axis=0)
        recalled |= (part <= made_manifold[start : start + len(part), None]).any(axis=0)
        start += len(part)
    N = len(real)
    return {"precision": float(precise / N), "recall": float(recalled.mean()), "density": float(inside / (ks[1] * N)),
            "coverage": float(covered.mean())}  # fmt: skip


def expected_coverage(N, k=K_DENSITY):
    """1 - (N-1)...(N-k) / ((2N-1)...(2N-k)): the mean coverage where both sets, of N rows each, have one distribution.

    A ball is empty if the nearest k of the other 2N - 1 rows are all real (Naeem et al. 2020, lemma 2).
    """
    i = np.arange(1, k + 1)
    return float(1 - ((N - i) / (2 * N - i)).prod())


def _radii(rows, ks):
    """For each k: the distance of each row to its k-th neighbor among the others, (N,)."""
    from sklearn.neighbors import NearestNeighbors

    distances, _ = NearestNeighbors(n_neighbors=max(ks), algorithm="brute").fit(rows).kneighbors()
    return [distances[:, k - 1] for k in ks]


def sharpness(images):
    """The variance over the pixels of the Laplacian of each image, which blur makes small: (N, h, w, c) -> (N,).

    The Laplacian is the sum of the four neighbors less four times the pixel; beyond an edge the edge goes on.
    """
    from scipy.ndimage import convolve

    edges = convolve(images, LAPLACIAN[None, :, :, None], mode="nearest")
    return edges.var(axis=(1, 2, 3), dtype="float64")


def copies(made, held_out, train, share=0.05):
    """Whether samples are copies of training rows: how near they are to them, against how near held-out rows are.

    Of the distances of held-out rows to their nearest training row, `share` lie at or below a limit. If more samples
    than that do, they are copies of training rows, or all too like to them (Meehan et al. 2020 compare the same
    distances by their ranks).

    Parameters
    ----------
    made, held_out, train : array (n, D), (m, D) and (N, D)
        Rows in one unit. Euclidean distance: of bits the root of how many differ.
    share : float
        Of held-out rows, from 0 to 1.

    Returns
    -------
    dict
        "distance" (n,) of each sample to its nearest training row, "nearest" (n,) which that is, "held_out_distance"
        (m,); "share" of the samples at or below the limit, "held_out_share" the same of held-out rows, near the one
        asked for; "z" their difference over its standard error where both kinds of rows come from one distribution.

    Raises
    ------
    ValueError
        If one of the three are no rows of finite numbers, or they differ in D.
    """
    from sklearn.neighbors import NearestNeighbors

    made, train = _features(made, train, least=1, dtype="float32")
    held_out, _ = _features(held_out, train, least=1, dtype="float32")
    index = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(train)
    nearest = index.kneighbors(made, return_distance=False)[:, 0]
    distance, other = (
        np.linalg.norm(rows - train[at], axis=1)  # anew: those of `kneighbors` are not quite 0 where rows are equal
        for rows, at in ((made, nearest), (held_out, index.kneighbors(held_out, return_distance=False)[:, 0]))
    )
    limit = np.quantile(other, share, method="lower")
    p, q, n, m = (distance <= limit).mean(), (other <= limit).mean(), len(made), len(held_out)
    pooled = (n * p + m * q) / (n + m)
    error = np.sqrt(max(pooled * (1 - pooled), 1 / (n + m)) * (1 / n + 1 / m))
    return {"distance": distance, "nearest": nearest, "held_out_distance": other, "share": float(p),
            "held_out_share": float(q), "z": float((p - q) / error)}  # fmt: skip


def _features(a, b, least=2, dtype="float64"):
    """Two sets of rows as floats; ValueError where one is none."""
    a, b = np.asarray(a, dtype), np.asarray(b, dtype)
    for rows in (a, b):
        if rows.ndim != 2 or len(rows) < least or rows.shape[1:] != a.shape[1:] or not np.isfinite(rows).all():
            shapes = " and ".join(str(part.shape) for part in (a, b))
            raise ValueError(f"rows: expected two sets of {least} or more rows of as many finite numbers, got {shapes}")
    return a, b

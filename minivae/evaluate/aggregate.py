"""How far the codes of all data together, q(z), are from N(0, I): from draws of q(z) alone, which any encoder gives.

With m and C the mean and the covariance of q, the KL has two parts, whatever q is:

    KL(q(z) || N(0, I)) = KL(N(m, C) || N(0, I)) + KL(q(z) || N(m, C))
"""

import numpy as np


def aggregate_kl(z, rng):
    """The two parts, each as a value per row: the mean over the rows is the estimate.

    The second is estimated from the distances of each code to its nearest neighbor among the other codes, r, and among
    as many draws from N(m, C), s: the mean of L log s / r (Wang, Kulkarni & Verdu 2009, eq. 5, k = 1).

    Parameters
    ----------
    z : array (N, L)
        Draws from q(z), one of each row of the data, say. Rows that are equal count once.
    rng : numpy.random.Generator

    Returns
    -------
    dict of arrays (n,), of the n different rows, in nats
        "moments": exact, but for about L (L + 3) / 4 n nats too much. "shape": right on average where q is Gaussian,
        too small where it is not, the more so the more latents there are: of 10,000 draws from ten clusters in 8
        latents it finds 1.84 nats of 1.88, in 20 latents 3.7 of 5.5; of a uniform q in 8 latents 0.66 of 1.41.

    Raises
    ------
    ValueError
        If z are not above L + 1 different rows of finite numbers, or they do not vary in every direction.
    """
    from sklearn.neighbors import NearestNeighbors

    z = np.asarray(z, "float64")
    if z.ndim != 2 or not np.isfinite(z).all():
        raise ValueError(f"z: expected rows (N, L) of finite numbers, got shape {z.shape}")
    z = np.unique(z, axis=0)
    n, L = z.shape
    if n < L + 2:
        raise ValueError(f"z: expected {L + 2} different rows or more, got {n}")
    m = z.mean(axis=0)
    variances, axes = np.linalg.eigh(np.cov(z, rowvar=False, bias=True).reshape(L, L))
    if variances[0] < 1e-10 * variances[-1]:
        raise ValueError("z: expected codes that vary in every direction, these have an infinite KL")
    white = (z - m) @ axes / np.sqrt(variances)  # mean 0, covariance I: a KL is the same in any coordinates
    moments = 0.5 * ((z * z).sum(axis=1) - (white * white).sum(axis=1) - np.log(variances).sum())
    others = rng.standard_normal((n - 1, L))  # as many as each code has others
    r, s = (NearestNeighbors(n_neighbors=1, algorithm="brute").fit(rows) for rows in (white, others))
    r, s = r.kneighbors()[0][:, 0], s.kneighbors(white)[0][:, 0]
    return {"moments": moments, "shape": L * np.log(s / r)}

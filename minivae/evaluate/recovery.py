"""Recovery: are latents the known sources of the data, up to their order, sign and unit?

Codes z (N, L) are one point per example, sources (N, n) what made it. Nonlinear mixtures of independent sources cannot
be unmixed from x alone (Hyvarinen & Pajunen 1999): a score far above that of a random turn is not luck.
"""

from typing import NamedTuple

import numpy as np

from ..options import one_of

METHODS = ("pearson", "spearman")


class Recovery(NamedTuple):
    """What `mean_correlation_coefficient` gives.

    Attributes
    ----------
    score : float
        The mean of |correlation| of the pairs.
    latents : array (n,)
        The latent of each source, -1 where there is none for it.
    correlations : array (n, L)
        Of all sources and latents, with signs.
    """

    score: float
    latents: np.ndarray
    correlations: np.ndarray


def mean_correlation_coefficient(codes, sources, method="pearson"):
    """How well latents are known sources (Hyvarinen & Morioka 2016; Khemakhem et al. 2020, section 5).

    Each source gets a latent of its own, so that the sum of their |correlations| is largest; the score is the mean over
    the sources. It is 1 for sources in another order, sign and unit, and near 0 for noise. Two sources that are turned
    by 45 degrees score sqrt(1/2), a random turn of them 0.9 on average: it says more of many sources than of two.

    Parameters
    ----------
    codes : array (N, L)
        A latent that is the same in all rows has correlation 0. Of fewer latents than sources the others score 0.
    sources : array (N, n)
    method : {"pearson", "spearman"}
        Correlation of the values, or of their ranks, which does not change where a latent is bent but rises.

    Returns
    -------
    Recovery

    Raises
    ------
    ValueError
        If codes and sources are no finite numbers (N, L) and (N, n) of two rows or more, or a source does not vary.
    """
    from scipy.optimize import linear_sum_assignment
    from scipy.stats import rankdata

    method = one_of(METHODS)("method", method)
    z, s = _checked("codes", codes), _checked("sources", sources)
    if len(z) != len(s):
        raise ValueError(f"codes: expected {len(s)} rows, as of sources, got {len(z)}")
    if not np.ptp(s, axis=0).all():
        raise ValueError(f"sources: expected values that vary, column {np.ptp(s, axis=0).argmin()} does not")
    if method == "spearman":
        z, s = rankdata(z, axis=0), rankdata(s, axis=0)
    r = _standardized(s).T @ _standardized(z) / len(z)  # (n, L)
    rows, columns = linear_sum_assignment(-abs(r))
    latents = np.full(len(r), -1)
    latents[rows] = columns
    return Recovery(float(abs(r[rows, columns]).sum() / len(r)), latents, r)


def turned_score(n, rng, turns=500):
    """The mean score of n sources of equal variance that are turned at random: what whitening alone gives."""
    from scipy.optimize import linear_sum_assignment
    from scipy.stats import ortho_group

    Q = ortho_group.rvs(n, turns, random_state=rng).reshape(turns, n, n) if n > 1 else np.ones((1, 1, 1))
    return float(np.mean([abs(q)[linear_sum_assignment(-abs(q))].mean() for q in Q]))


def _checked(name, values):
    """As float64; ValueError unless they are finite numbers (N, n), two rows or more."""
    values = np.asarray(values)
    if values.ndim != 2 or values.dtype.kind not in "iuf" or len(values) < 2 or not np.isfinite(values).all():
        raise ValueError(f"{name}: expected finite numbers in two rows or more, got dtype {values.dtype}, shape "
                         f"{values.shape}")  # fmt: skip
    return values.astype("float64")


def _standardized(x):
    """Columns of mean 0 and standard deviation 1; of one that does not vary, 0."""
    x = np.where(np.ptp(x, axis=0) > 0, x - x.mean(axis=0), 0)
    return x / np.where(x.any(axis=0), x.std(axis=0), 1)

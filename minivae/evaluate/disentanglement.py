"""Disentanglement: does each latent go with one known factor? Six published scores, from 0 to 1.

Codes z (N, L) are one point per example (posterior means), factors v (N, F) whole numbers: which value of each factor
made the example. Where a paper is silent, the conventions are those of Locatello et al. (2019, 1811.12359) and their
disentanglement_lib: 20 bins, 64 pairs in a vote, 10,000 votes to learn from and 5,000 to be tested on.

No score changes when latents are permuted, scaled or change their sign, and none sees a latent that is the same in all
rows. What they say of codes that are known, F independent factors of the same number K of values:

    score                identity   every latent twice    pairs turned by 45 degrees   noise
    beta-VAE             1          1                     1 / 2                        1 / F
    FactorVAE            1          1                     1 / 2                        1 / F
    MIG                  1          0                     0                            0
    DCI disentanglement  1          1                     1 - log 2 / log F            0
    DCI completeness     1          1 - log 2 / log 2 F   1 - log 2 / log F            0
    DCI informativeness  1          1                     1                            1 / K
    SAP, ordered         1          0                     0                            0
    SAP, categorical     1 - 1 / K  0                     0                            0
    modularity           1          1                     (F - 2) / (F - 1)            above 0

A turn by 45 degrees leaves both latents of a pair with the same of both factors. By other angles they differ, and the
scores by votes are near 1 for codes that mix all factors: only the others see such a turn.
"""

from typing import NamedTuple

import numpy as np

from ..data import batches
from ..numeric import at_once
from ..options import whole

BINS = 20  # of a latent
PAIRS = 64  # in a vote
VOTES = (10_000, 5_000)  # to learn from, to be tested on
TREES = 10  # of a forest


class Dci(NamedTuple):
    """The three scores of `dci`: does a latent go with one factor, a factor with one latent, and is it told at all?"""

    disentanglement: float
    completeness: float
    informativeness: float


def beta_vae_score(codes, factors, rng, votes=VOTES):
    """How well a linear classifier tells which factor two examples share (Higgins et al. 2017, section 3).

    A vote is the mean of |z1 - z2| (L,) over 64 pairs, drawn anew, that share the value of one factor and are otherwise
    random; logistic regression of standardized votes says which factor it was.

    Parameters
    ----------
    codes : array (N, L)
    factors : array (N, F), whole numbers
    rng : numpy.random.Generator
    votes : (int, int)
        How many votes the classifier learns from, and how many test it.

    Returns
    -------
    float
        The share of test votes that are told right: 1 / F by chance. It is near 1 for most codes that mix factors as
        well, since a linear classifier may weigh several latents.

    Raises
    ------
    ValueError
        If codes are no finite numbers (N, L), not all the same, or factors no whole numbers (N, F) with at least two
        columns of two values each.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    (x, k), (x_test, k_test) = _votes(_differences, codes, factors, rng, votes)
    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(x, k)
    return float(classifier.score(x_test, k_test))


def factor_vae_score(codes, factors, rng, votes=VOTES):
    """How well the latent that varies least tells which factor was fixed (Kim & Mnih 2018, section 4).

    A vote is the latent with the smallest variance, relative to that in all rows, over 64 examples that share the value
    of one factor. Each latent stands for the factor that it came with most often. Arguments and errors as for
    `beta_vae_score`.

    Returns
    -------
    float
        The share of test votes that are told right: 1 / F by chance. Codes that have every factor twice score 1,
        and most that mix factors score nearly as much.
    """
    (latent, k), (latent_test, k_test) = _votes(_least, codes, factors, rng, votes)
    counts = np.zeros((np.shape(codes)[1], np.shape(factors)[1]))
    np.add.at(counts, (latent, k), 1)
    return float((counts.argmax(axis=1)[latent_test] == k_test).mean())


def mutual_information(codes, factors, bins=BINS):
    """I(z_j; v_k) in nats (L, F), each latent cut into bins of equal width; 0 for a latent that is always the same.

    It is that of the rows as they are: of N rows of noise it is about (bins - 1) (K - 1) / (2 N), not 0. Raises
    ValueError as `beta_vae_score` does.
    """
    from sklearn.metrics import mutual_info_score

    z, v, active = _checked(codes, factors)
    bins = whole(2)("bins", bins)
    binned = [np.digitize(latent, np.histogram_bin_edges(latent, bins)[1:-1]) for latent in z.T]
    result = np.zeros((len(active), v.shape[1]))
    result[active] = [[mutual_info_score(latent, factor) for factor in v.T] for latent in binned]
    return result


def entropy(factor):
    """H(v) in nats of a factor (N,)."""
    p = np.unique(factor, return_counts=True)[1] / len(factor)
    return -(p * np.log(p)).sum()


def mutual_information_gap(codes, factors, bins=BINS):
    """How far the best latent of each factor is ahead of the second (Chen et al. 2018, eq. 6).

    MIG = mean over k of (I(z_j; v_k) - max_{i != j} I(z_i; v_k)) / H(v_k), j the latent with the largest: 0 where two
    latents tell the same. A factor of more values than there are bins cannot reach 1. `codes`, `factors` and errors as
    for `beta_vae_score`.
    """
    information = mutual_information(codes, factors, bins)
    return float((_gap(information) / [entropy(factor) for factor in np.asarray(factors).T]).mean())


def modularity(codes, factors, bins=BINS):
    """Whether each latent tells of one factor alone (Ridgeway & Mozer 2018, section 3).

    The mean over latents of 1 - sum_{k != best} I(z_j; v_k)^2 / (I(z_j; v_best)^2 (F - 1)), those left out that tell
    nothing. Codes that have every factor twice score 1, and noise more than 0, since only the ratios of its I count.
    `codes`, `factors` and errors as for `beta_vae_score`.
    """
    squared = mutual_information(codes, factors, bins) ** 2
    best = squared.max(axis=1)
    others = squared.sum(axis=1) - best
    tells = best > 1e-20  # less than 1e-10 nats is rounding
    if not tells.any():
        return 0.0
    return float(1 - (others[tells] / best[tells]).mean() / (squared.shape[1] - 1))


def separated_attribute_predictability(codes, factors, categorical=()):
    """SAP: how far the best latent of each factor, taken alone, predicts it better than the second (Kumar et al. 2018).

    The score of a pair is R^2 of a linear regression for an ordered factor, and the balanced accuracy of K - 1
    thresholds for one of K categories: 1 / K by chance, so that such a factor adds at most 1 - 1 / K. A latent that is
    always the same has score 0. `codes`, `factors` and errors as for `beta_vae_score`.

    Parameters
    ----------
    categorical : sequence of int
        Columns of factors whose values have no order.
    """
    z, v, _ = _checked(codes, factors)
    scores = [[_threshold_score(latent, factor) if k in categorical else np.corrcoef(latent, factor)[0, 1] ** 2
               for k, factor in enumerate(v.T)] for latent in z.T]  # fmt: skip
    return float(_gap(np.array(scores)).mean())


def dci(codes, factors, rng):
    """Disentanglement, completeness, informativeness of how forests predict factors (Eastwood & Williams 2018, sec. 2).

    With the importance R_jk of latent j in the random forest that predicts factor k, and its shares P: a latent has
    1 - H_F(P_j.), a factor 1 - H_L(P_.k), H_n the entropy to the base n; both are averaged with their importance as
    weights. A forest has ten trees, grown in full, where the paper tunes their depth. As in disentanglement_lib it is a
    classifier, and informativeness its accuracy. It learns from two thirds of the rows, drawn at random, and is tested
    on the others. Arguments and errors as for `beta_vae_score`.

    Returns
    -------
    Dci
        A latent of noise raises completeness, by the base of its logarithm.
    """
    from sklearn.ensemble import RandomForestClassifier

    z, v, _ = _checked(codes, factors)
    rows, test = np.split(rng.permutation(len(z)), [2 * len(z) // 3])
    importances, right = [], []
    for factor in v.T:
        seed = int(rng.integers(2**31))
        forest = RandomForestClassifier(TREES, max_features=None, random_state=seed)
        forest.fit(z[rows], factor[rows])
        importances.append(forest.feature_importances_)
        right.append(forest.score(z[test], factor[test]))
    R = np.array(importances).T  # (L, F)
    return Dci(_concentrated(R), _concentrated(R.T), float(np.mean(right)))


def _checked(codes, factors):
    """(codes of the latents that vary (N, l), standardized; factors as 0, 1, ...; which latents vary (L,))."""
    z, v = np.asarray(codes), np.asarray(factors)
    if z.ndim != 2 or z.dtype.kind not in "iuf" or not np.isfinite(z).all():
        raise ValueError(f"codes: expected finite numbers (N, L), got dtype {z.dtype}, shape {z.shape}")
    if v.ndim != 2 or v.dtype.kind not in "iu" or v.shape[0] != len(z) or v.shape[1] < 2:
        raise ValueError(f"factors: expected whole numbers ({len(z)}, 2 or more), got dtype {v.dtype}, shape {v.shape}")
    z = z.astype("float64")
    active = np.ptp(z, axis=0) > 0 if len(z) else np.zeros(z.shape[1], bool)
    if not active.any():
        raise ValueError("codes: expected a latent that varies, all are the same in every row")
    v = np.stack([np.unique(factor, return_inverse=True)[1] for factor in v.T], axis=1)
    alone = np.flatnonzero(v.max(axis=0) == 0)
    if len(alone):
        raise ValueError(f"factors: expected two values or more of each, column {alone[0]} has one")
    z = z[:, active]
    return (z - z.mean(axis=0)) / z.std(axis=0), v, active


def _votes(vote, codes, factors, rng, numbers):
    """[(votes (n, ...), the factor of each (n,)) for n of `numbers`]; factors are drawn uniformly."""
    z, v, _ = _checked(codes, factors)
    F = v.shape[1]
    found = []
    for n in numbers:
        counts = rng.multinomial(whole(1)("votes", n), np.full(F, 1 / F))
        parts = [vote(z, v[:, k], len(rows), rng) for k, count in enumerate(counts)
                 for rows in batches(count, at_once(count, PAIRS * z.shape[1]))]  # fmt: skip
        found.append((np.concatenate(parts), np.repeat(np.arange(F), counts)))
    return found


def _differences(z, factor, n, rng):
    """n votes (n, L) of pairs that share the value of a factor (N,)."""
    first = rng.integers(len(z), size=(n, PAIRS))
    return abs(z[first] - z[_partners(factor, first, rng)]).mean(axis=1)


def _least(z, factor, n, rng):
    """n votes (n,): the latent, of those standardized, that varies least where all share the value of a factor (N,)."""
    first = rng.integers(len(z), size=(n, 1))
    rows = _partners(factor, np.repeat(first, PAIRS, axis=1), rng)
    return z[rows].var(axis=1).argmin(axis=1)


def _partners(factor, rows, rng):
    """For each of `rows` a row drawn from those with the same value of a factor (N,)."""
    order = np.argsort(factor, kind="stable")
    counts = np.bincount(factor)
    start = counts.cumsum() - counts
    value = factor[rows]
    return order[start[value] + rng.integers(counts[value])]


def _gap(scores):
    """The largest of each column less the second (F,), of scores (L, F); 0 is the second of a single latent."""
    ordered = np.sort(np.pad(scores, ((1, 0), (0, 0))), axis=0)
    return ordered[-1] - ordered[-2]


def _threshold_score(latent, factor):
    """Balanced accuracy of the thresholds on a latent (N,) that tell the K values of a factor (N,) best."""
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.tree import DecisionTreeClassifier

    tree = DecisionTreeClassifier(max_leaf_nodes=factor.max() + 1, class_weight="balanced", random_state=0)
    column = latent[:, None]
    return balanced_accuracy_score(factor, tree.fit(column, factor).predict(column))


def _concentrated(R):
    """The mean of 1 - H_n(P) over rows of importances R (m, n), P their shares; weighed by the rows' sums."""
    n = R.shape[1]
    if n == 1:
        return 1.0
    P = R + 1e-11  # a row of zeros is spread evenly
    P = P / P.sum(axis=1, keepdims=True)
    entropy = -(P * np.log(P)).sum(axis=1) / np.log(n)
    return float(np.average(1 - entropy, weights=R.sum(axis=1) + 1e-11))

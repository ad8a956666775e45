"""Detection of anomalies: scores of rows, and how well a score tells two sets of rows apart, with its uncertainty.

A score is higher for a row that looks less like the training data. Its AUROC is the probability that an anomaly has a
higher one than a normal row, where a tie counts one half: 0.5 of a blind score, below it where anomalies look normal.
"""

import numpy as np

LEVEL = 0.95  # of confidence intervals


def anomaly_scores(scores, held_out):
    """Scores of rows in nats, higher for those that look less normal: {name: (N,)}.

    Parameters
    ----------
    scores, held_out : dict of arrays
        What `row_scores` gives for the N rows, and for normal rows that are not among them.

    Returns
    -------
    dict of arrays (N,)
        "reconstruction" -log p(x | z), "kl" KL(q(z | x) || p(z)), "elbo" -ELBO, "evidence" -log p(x) and "typicality",
        see there. Of a model without evidence, "reconstruction" alone, and of one with codes "kl" and "elbo" as well;
        of one without latents the last two.
    """
    found = {"reconstruction": -scores["log_px_z"]} if "log_px_z" in scores else {}
    if "elbo" in scores:
        found |= {"kl": scores["kl"], "elbo": -scores["elbo"]}
    if "log_px" not in scores:
        return found
    found |= {"evidence": -scores["log_px"]}
    return found | {"typicality": typicality(scores["log_px"], held_out["log_px"])}


def typicality(log_px, held_out, together=1):
    """How far -log p(x) lies from its mean over normal rows (Nalisnick et al. 2019, arXiv 1906.02994).

        |1/M sum_m -log p(x_m) - H|,    H the mean of -log p(x) over rows held out

    A set of rows that are too likely is untypical as well.

    Parameters
    ----------
    log_px : array (N,)
        Of the rows, nats.
    held_out : array
        Of normal rows, which are neither among them nor chosen by them.
    together : int
        M, how many rows that follow each other are judged as one; what is left over has no score.

    Returns
    -------
    array (N // M,)
    """
    n = len(log_px) // together
    means = log_px[: n * together].reshape(n, together).mean(axis=1)
    return np.abs(means - np.mean(held_out))


def aurocs(normal, anomalies):
    """Areas under the ROC curves of S scores of the same rows, and their covariance (DeLong et al. 1988).

        V10[s, j] = share of the normal rows below anomaly j,     V01[s, i] = share of the anomalies above normal row i
        auroc = mean_j V10,     covariance = cov(V10) / m + cov(V01) / n,     ties counting one half

    Parameters
    ----------
    normal : array (S, n)
    anomalies : array (S, m)
        Scores, higher for what looks anomalous.

    Returns
    -------
    auroc : array (S,)
    covariance : array (S, S)
        Over the rows: the standard error of auroc[s] is sqrt(covariance[s, s]), and the variance of a difference
        auroc[s] - auroc[t] is covariance[s, s] + covariance[t, t] - 2 covariance[s, t].

    Raises
    ------
    ValueError
        If these are no finite scores, S of at least two rows each.
    """
    from sklearn.metrics import roc_auc_score

    normal, anomalies = (_checked(*pair) for pair in (("normal", normal), ("anomalies", anomalies)))
    if len(normal) != len(anomalies):
        raise ValueError(f"anomalies: expected {len(normal)} scores of a row, as of normal rows, got {len(anomalies)}")
    is_anomaly = np.repeat([0, 1], [normal.shape[1], anomalies.shape[1]])
    auroc = [roc_auc_score(is_anomaly, np.concatenate(pair)) for pair in zip(normal, anomalies, strict=True)]
    V10 = np.stack([_below(*pair) for pair in zip(normal, anomalies, strict=True)])  # (S, m)
    V01 = 1 - np.stack([_below(*pair) for pair in zip(anomalies, normal, strict=True)])  # (S, n)
    covariance = np.cov(V10) / V10.shape[1] + np.cov(V01) / V01.shape[1]
    return np.array(auroc), covariance.reshape(len(normal), len(normal))


def auroc_interval(auroc, error, n):
    """95 % confidence interval (low, high) of an AUROC with this standard error.

    auroc +- 1.96 errors on the scale of log(auroc / (1 - auroc)), which keeps it between 0 and 1. Where one set lies
    wholly above the other the error is 0, and `n`, the rows of the smaller set, decides: of n independent pairs all
    came out one way (Clopper & Pearson 1934).
    """
    from scipy.special import expit, logit
    from scipy.stats import norm

    if auroc in (0, 1):
        bound = ((1 - LEVEL) / 2) ** (1 / n)
        return (bound, 1.0) if auroc == 1 else (0.0, 1 - bound)
    half = norm.ppf((1 + LEVEL) / 2) * error / (auroc * (1 - auroc))
    low, high = expit(logit(auroc) + half * np.array([-1, 1]))
    return float(low), float(high)


def false_positive_rate(normal, anomalies, rng, draws=200):
    """(rate, its standard error): which share of normal rows (n,) score as high as 95 % of the anomalies (m,).

    The error is that of `draws` bootstrap samples of both sets: 0 where the two do not overlap.
    """
    values = [_false_positives(normal, anomalies)]
    for _ in range(draws):
        values.append(_false_positives(*(rng.choice(part, len(part)) for part in (normal, anomalies))))
    return float(values[0]), float(np.std(values[1:], ddof=1))


def _false_positives(normal, anomalies):
    lowest = np.sort(anomalies)[len(anomalies) // 20]  # 95 % of the anomalies score as high or higher
    return np.mean(normal >= lowest)


def _below(rows, values):
    """Which share of rows (n,) lies below each of values (m,), ties counting one half: (m,)."""
    rows = np.sort(rows)
    return (np.searchsorted(rows, values, "left") + np.searchsorted(rows, values, "right")) / (2 * len(rows))


def _checked(name, scores):
    scores = np.asarray(scores, "float64")
    if scores.ndim != 2 or scores.shape[1] < 2 or not np.isfinite(scores).all():
        got = f"shape {scores.shape}" if np.isfinite(scores).all() else "NaN or infinity"
        raise ValueError(f"{name}: expected finite scores (S, at least 2 rows), got {got}")
    return scores

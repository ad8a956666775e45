"""Anomalies: how scores of normal rows and of others lie, and how well each score tells them apart."""

import numpy as np

from .style import BLUE, CLASSES, GREY, ORANGE, figure_to

BINS = 60


def draw_detection(histograms, scores, names, path):
    """Histograms of two sets of rows, and the ROC curves of scores of theirs.

    Parameters
    ----------
    histograms : {label of the axis: (normal (n,), anomalies (m,))}
    scores : {label of the curve: (normal (n,), anomalies (m,))}
        Higher for what looks anomalous.
    names : (str, str)
        What the two sets are called.
    path : path
    """
    from sklearn.metrics import roc_curve

    with figure_to(path, (4.4 * (len(histograms) + 1) + 3, 4.2)) as figure:
        *left, right = figure.subplots(1, len(histograms) + 1)
        for ax, (label, parts) in zip(left, histograms.items(), strict=True):
            ends = [np.quantile(part, (0.002, 0.998)) for part in parts]
            bins = np.linspace(np.min(ends), np.max(ends), BINS + 1)
            for part, color, name in zip(parts, (BLUE, ORANGE), names, strict=True):
                weights = np.full(len(part), 100 / len(part))
                ax.hist(part, bins, weights=weights, color=color, alpha=0.6, label=name)
            ax.set(xlabel=label, ylabel="% of rows")
        left[0].legend()
        left[0].set_title("normal rows and anomalies")
        for (label, parts), color in zip(scores.items(), CLASSES, strict=False):
            is_anomaly = np.repeat([0, 1], list(map(len, parts)))
            right.plot(*roc_curve(is_anomaly, np.concatenate(parts))[:2], color=color, label=label)
        right.plot([0, 1], [0, 1], "--", color=GREY, lw=1)
        right.set(title="ROC: AUROC, 95 % interval", xlabel="share of normal rows above the threshold")
        right.set(ylabel="share of anomalies above the threshold")
        right.legend(loc="center left", bbox_to_anchor=(1, 0.5))

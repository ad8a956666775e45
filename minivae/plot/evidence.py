"""Estimates of log p(x): how bounds rise with the number of samples, and which classes are hard."""

import numpy as np

from .style import BLUE, CLASSES, GREY, ORANGE, figure_to


def draw_evidence(bounds, results, labels, path):
    """Left: bounds {k: (N,)} against k with two standard errors of their means. Right: the evidence of each class.

    `results`: what was estimated, each with its `values` (N,) and `method`; those of annealing are lines on the left.
    Without `labels` (N,) the right panel is a histogram over the rows. All in nats per row.
    """
    with figure_to(path, (10.5, 4.2)) as figure:
        left, right = figure.subplots(1, 2)
        ks = list(bounds)
        means, errors = (np.array([f(bounds[k]) for k in ks]) for f in (np.mean, _error))
        left.errorbar(ks, means, 2 * errors, fmt="-o", color=BLUE, capsize=3, label="importance sampling")
        for result in results:
            if result.method.startswith("annealing"):
                left.axhline(result.mean, color=ORANGE, label=result.method)
                left.axhspan(*(result.mean + 2 * _error(result.values) * np.array([-1, 1])), color=ORANGE, alpha=0.15)
        left.set(
            xscale="log",
            xlabel="samples K",
            ylabel="nats per row",
            title=f"mean bound of K samples on {results[0].quantity}, +- 2 standard errors",
        )
        left.legend(loc="lower right")
        values = results[0].values
        right.set_ylabel("nats per row")
        if labels is None:
            right.hist(values, 40, color=BLUE)
            right.set(title=f"{results[0].quantity} of the rows", xlabel="nats", ylabel="rows")
            return
        names = np.unique(labels)
        for i, name in enumerate(names):
            part = values[labels == name]
            right.errorbar(i, part.mean(), 2 * _error(part), fmt="o", color=CLASSES[i % len(CLASSES)], capsize=3)
        right.axhline(values.mean(), color=GREY, lw=1)
        right.set(title=f"{results[0].quantity} of each class, +- 2 standard errors (gray: all)", xlabel="class")
        right.set_xticks(range(len(names)), [str(name) for name in names])


def _error(values):
    return values.std() / max(1, len(values) - 1) ** 0.5

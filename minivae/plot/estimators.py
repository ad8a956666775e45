"""Bias and variance of estimators of one gradient."""

import math

import numpy as np

from .style import CLASSES, GREY, figure_to


def draw_estimators(studies, path):
    """A row for each of {label: Study}: bias beside what chance alone gives (if known for all), and variance.

    A Study is {layer: {estimator: Estimate}} with the whole "encoder" last, and says which estimators are `biased`.
    """
    known = not any(math.isnan(e.bias) for s in studies.values() for e in s["encoder"].values())
    with figure_to(path, (6.5 + 6 * known, 1.1 + 3.4 * len(studies))) as figure:
        axes = figure.subplots(len(studies), 1 + known, squeeze=False, sharex=True, sharey="col")
        for (label, s), row in zip(studies.items(), axes, strict=True):
            whole = s["encoder"]
            unit = "|exact|" if known else "|mean|"
            order = sorted(whole, key=lambda name: whole[name].variance)
            ratio = whole[order[-1]].variance / whole[order[0]].variance
            row[-1].set_title(f"{label}\nleast variance: {order[0]} ({order[-1]}: {ratio:,.0f} x)")
            row[-1].set(ylabel=f"variance of one draw / {unit}²", xticks=range(len(s)), xticklabels=s)
            if known:
                biased = ", ".join(s.biased) or "none, all are within what chance gives"
                row[0].set_title(f"{label}\nbiased: {biased}")
                row[0].set_ylabel("bias |mean - exact| / |exact|")
            for ax, field in zip(row, ("bias", "variance")[-len(row) :], strict=True):
                _draw_estimates(ax, s, field)
        figure.supxlabel(f"layer (W and b), {s.S:,} draws of eps, {s.N} examples", fontsize=10)
        figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=3 + 3 * known)


def _draw_estimates(ax, study, field):
    """One field of every Estimate with its standard error, the estimators of a layer side by side."""
    ax.set_yscale("log", nonpositive="clip")
    ax.grid(False, axis="x")
    estimators = list(study["encoder"])
    for i, name in enumerate(estimators):
        estimates = [layer[name] for layer in study.values()]
        value, error = (np.array([getattr(e, f) for e in estimates]) for f in (field, f"{field}_error"))
        at = np.arange(len(study)) + 0.16 * (i - (len(estimators) - 1) / 2)
        ax.errorbar(at, value, error, fmt="o", ms=5, color=CLASSES[i], label=name)
        if field == "bias":
            chance = [e.chance for e in estimates]
            ax.plot(at, chance, "_", color="black", ms=11, mew=1.3, label=None if i else "by chance")
    ax.vlines(np.arange(1, len(study)) - 0.5, 0, 1, color=GREY, lw=0.6, transform=ax.get_xaxis_transform())

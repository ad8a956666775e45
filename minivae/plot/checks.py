"""What checks find: errors against the step size, which detector sees which mistake, and how far machines differ."""

import numpy as np

from .style import BLUE, CLASSES, GREY, ORANGE, figure_to


def draw_error_curves(curves, path, wrong=None, title="error of a numeric derivative against its step size"):
    """U-curves side by side, {label: Curve}, say float32 and float64; `wrong`: of a wrong gradient, grey.

    A Curve has `h`, the errors `two` and `four`, and the predicted minima `best2` and `best4`, (h, error) each.
    """
    with figure_to(path, (5.6 * len(curves), 4.4)) as figure:
        axes = figure.subplots(1, len(curves), sharex=True, sharey=True, squeeze=False)[0]
        for ax, (label, curve) in zip(axes, curves.items(), strict=True):
            for error, best, color, points in (
                (curve.two, curve.best2, ORANGE, "two points"),
                (curve.four, curve.best4, BLUE, "four points"),
            ):
                ax.loglog(curve.h, np.maximum(error, 1e-17), "-", color=color, label=points)
                ax.loglog(*best, "*", ms=15, mec="white", color=color, label=f"{points}, predicted minimum")
            if wrong is not None:
                ax.loglog(
                    wrong[label].h, wrong[label].four, "--", lw=1.2, color=GREY, label="four points, wrong gradient"
                )
            ax.set(title=label, xlabel="step size h")
        axes[0].set_ylabel("relative error")
        axes[0].legend(loc="lower left")
        figure.suptitle(title, fontsize=11)


def draw_matrix(verdicts, prices, path, titles, detectors):
    """Which detector sees which mistake; beside it what a training under it logs, and what it is worth.

    `verdicts` {name: {letter: what its detector sees}} and `prices` {name: (logged, true)}, nats, both
    with "right code" among the names. `titles` {name: text of its row}, `detectors` {letter: head of its column}.
    """
    columns = [*detectors.values(), "logged loss", "true loss"]
    with figure_to(path, (11.4, 0.36 * len(verdicts) + 1.3)) as figure:
        ax = figure.subplots()
        for i, (name, row) in enumerate(verdicts.items()):
            for j, letter in enumerate(detectors):
                look = {"marker": "s", "color": BLUE} if row[letter] else {"marker": "_", "color": GREY, "alpha": 0.35}
                ax.scatter(j, i, s=150, linewidths=1.2, **look)
            for j, (nats, right) in enumerate(zip(prices[name], prices["right code"], strict=True)):
                color = GREY if abs(nats - right) < 1 else ORANGE
                ax.text(len(detectors) + j, i, f"{nats:.1f}", ha="center", va="center", color=color)
        ax.set_xticks(range(len(columns)), columns)
        ax.set_yticks(range(len(verdicts)), [titles.get(name, name) for name in verdicts])
        ax.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(verdicts) - 0.5, -0.5))
        ax.tick_params(length=0, labeltop=True, labelbottom=False)
        ax.grid(False)
        figure.suptitle("what sees which mistake of published VAEs, and the nats that a training with it logs and has "
                        "(orange: off by more than 1)", fontsize=11)  # fmt: skip


def draw_parity(comparisons, names, times, batch_sizes, path):
    """Errors per part, drift of the loss over the steps, milliseconds per step against the batch size.

    `comparisons` {title: Parity} have errors of `values` and `gradients` by the parts' `names`, and the `drift` of the
    losses; `times` {machine: [ms for each of the batch sizes]}.
    """
    with figure_to(path, (14, 4.6)) as figure:
        left, middle, right = figure.subplots(1, 3, width_ratios=(1.5, 1, 1))
        for color, (title, p) in zip(CLASSES, comparisons.items(), strict=False):
            for errors, marker, what in ((p.values, "o", "values"), (p.gradients, "x", "gradients")):
                shown = [(i, errors[name]) for i, name in enumerate(names) if errors.get(name)]
                if shown:  # equal arrays have no place on a logarithmic axis
                    left.semilogy(*zip(*shown, strict=True), marker, ms=5, color=color, label=f"{title}, {what}")
            draw_drift(middle, p.drift, color, title)
        draw_milliseconds(right, times, batch_sizes)
        left.set_xticks(range(len(names)), names, rotation=90, fontsize=7)
        left.set(title="largest error per part", ylabel="max|a - b| / max|b|")
        middle.set(title="drift of the loss", xlabel="step", ylabel="relative difference")
        right.set(title="time per step", xlabel="batch size", ylabel="milliseconds")
        for ax in (left, middle, right):
            ax.legend(fontsize=8)


def draw_drift(ax, drift, color, label=None):
    """How far two losses are apart after each step. Equal losses have no place on a logarithmic axis."""
    apart = np.where(drift > 0, drift, np.nan)
    ax.semilogy(1 + np.arange(len(drift)), apart, ".-", ms=3, lw=0.8, color=color, label=label)


def draw_milliseconds(ax, times, batch_sizes):
    """Time per step against the batch size, {machine: [ms for each of the sizes]}."""
    for color, (machine, row) in zip(CLASSES, times.items(), strict=False):
        ax.loglog(batch_sizes, row, "-o", ms=4, color=color, label=machine)
    shortest, longest = min(map(min, times.values())), max(map(max, times.values()))
    ticks = [t for t in (0.2, 0.5, 1, 2, 5, 10, 20, 50, 100) if shortest <= t <= longest]
    ax.set_yticks(ticks, [str(t) for t in ticks])
    ax.set_xticks(batch_sizes, [str(n) for n in batch_sizes])
    ax.minorticks_off()

"""Errors of classifiers that learn from few labels."""

import numpy as np

from .style import BLUE, GREY, ORANGE, figure_to


def draw_errors(errors, path):
    """{way: errors in percent}, a dot for each draw of the labels and a line at their mean; draws are joined."""
    ways = list(errors)
    values = np.array(list(errors.values()))  # (ways, draws)
    with figure_to(path, (2 + 1.6 * len(ways), 4.2)) as figure:
        ax = figure.subplots()
        ax.plot(range(len(ways)), values, color=GREY, linewidth=0.8, alpha=0.6)
        for i, part in enumerate(values):
            ax.scatter(np.full(len(part), i), part, s=36, color=BLUE, zorder=3, linewidths=0)
            ax.plot([i - 0.2, i + 0.2], 2 * [part.mean()], color=ORANGE)
            ax.text(i + 0.23, part.mean(), f"{part.mean():.1f}", va="center")
        ax.set_xticks(range(len(ways)), ways)
        ax.set(xlim=(-0.5, len(ways) - 0.3), ylim=(0, None), ylabel="error, %", title="learned from few labels")


def draw_confusion(table, title, path):
    """How many rows of class i (down) are taken for class j (across), in a table (C, C)."""
    C = len(table)
    side = max(4.2, 1.2 + 0.5 * C)
    with figure_to(path, (side + 0.4, side)) as figure:
        ax = figure.subplots()
        ax.imshow(table / np.maximum(table.sum(axis=1, keepdims=True), 1), vmin=0, vmax=1, cmap="Blues")
        ax.grid(False)
        if C <= 20:
            for (i, j), n in np.ndenumerate(table):
                share = n / max(table[i].sum(), 1)
                ax.text(j, i, n or "", ha="center", va="center", color="white" if share > 0.6 else "black", size=8)
        ax.set(xlabel="likeliest y", ylabel="y", title=title, xticks=range(C), yticks=range(C))

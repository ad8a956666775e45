"""Tables: the columns of two tables side by side, and their pairwise associations."""

import math

import numpy as np

from .style import BLUE, GREY, ORANGE, figure_to

ACROSS = 4  # panels in a row
LEVELS = 12  # of a category that are drawn; the others together


def marginals(first, second, columns, path, title, names=("data", "samples")):
    """A panel for each column: the share of cells by value or level in two DataFrames. Empty cells are left out."""
    with _panels(len(columns), path, title) as (figure, axes):
        for ax, column in zip(axes, columns, strict=True):
            cells = [frame[column.name].dropna() for frame in (first, second)]
            if column.levels is not None:
                _bars(ax, column, cells)
            else:
                _histograms(ax, column, [part.to_numpy("float64") for part in cells])
            ax.set_title(_short(column.name), parse_math=False)
        _legend(figure, names)


def reconstructed_columns(x, x_hat, columns, path, title):
    """A panel for each column: of numbers x against x_hat, of levels the share of cells that come back right."""
    with _panels(len(columns), path, title) as (_, axes):
        for ax, column in zip(axes, columns, strict=True):
            known = x[column.name].notna().to_numpy()
            a, b = x[column.name][known], x_hat[column.name][known]
            if column.levels is not None:
                levels, places = _largest(column, [a])
                right = [(b[a == level] == level).mean() if (a == level).any() else 0.0 for level in levels]
                ax.bar(places[: len(levels)], right, color=BLUE)
                _level_ticks(ax, levels)
                ax.set(ylim=(0, 1), ylabel="share that is right")
            else:
                ax.plot(a.to_numpy("float64"), b.to_numpy("float64"), ".", ms=3, color=BLUE, alpha=0.5)
                span = [column.low, column.high]
                ax.plot(span, span, color=GREY, lw=1)
                ax.set(xlabel="x", ylabel="x_hat")
            ax.set_title(_short(column.name), parse_math=False)


def association_matrices(first, second, labels, path, title, names=("data", "samples")):
    """Two matrices (C, C) of associations, 0 to 1, and the difference between them."""
    side = 2.2 + 0.26 * len(labels)
    with figure_to(path, (3 * side, 0.85 * side)) as figure:
        figure.suptitle(title)
        axes = figure.subplots(1, 3)
        parts = ((names[0], first, "Blues", 0), (names[1], second, "Blues", 0))
        for ax, (name, matrix, colors, low) in zip(
            axes, (*parts, ("difference", second - first, "RdBu_r", -1)), strict=True
        ):
            shown = ax.imshow(matrix, vmin=low, vmax=1, cmap=colors)
            ax.grid(False)
            ax.set_title(name)
            short = [_short(label) for label in labels]
            ax.set_xticks(range(len(labels)), short, rotation=90, fontsize=8, parse_math=False)
            ax.set_yticks(range(len(labels)), short, fontsize=8, parse_math=False)
            figure.colorbar(shown, ax=ax, shrink=0.7, label="Cramer's V" if low == 0 else f"{names[1]} - {names[0]}")


def _panels(n, path, title):
    from contextlib import contextmanager

    @contextmanager
    def panels():
        across = min(n, ACROSS)
        down = -(-n // across)
        with figure_to(path, (2.9 * across + 0.4, 2.5 * down + 0.7)) as figure:
            figure.suptitle(title, parse_math=False)
            axes = figure.subplots(down, across, squeeze=False).ravel()
            for ax in axes[n:]:
                ax.set_axis_off()
            yield figure, axes[:n]

    return panels()


def _histograms(ax, column, parts):
    both = np.concatenate(parts)
    both = both[np.isfinite(both)]
    low, high = (column.low, column.high) if not len(both) else np.quantile(both, (0.002, 0.998))
    low, high = min(low, column.low) if column.kind == "count" else low, max(high, low + 1e-9 * max(1, abs(low)))
    if column.kind == "positive":
        edges = np.geomspace(max(low, 1e-300), high, 31)
        ax.set_xscale("log")
        ticks = edges[[0, 15, 30]]
        ax.set_xticks(ticks, [f"{tick:,.0f}" if tick >= 1000 else f"{tick:.3g}" for tick in ticks])
        ax.set_xticks([], minor=True)
    elif column.decimals == 0 and high - low <= 60:
        edges = np.arange(math.floor(low), math.ceil(high) + 2) - 0.5
    else:
        edges = np.linspace(low, high, 31)
        ax.locator_params(axis="x", nbins=4)
    for values, color in zip(parts, (BLUE, ORANGE), strict=True):
        weights = np.full(len(values), 1 / max(1, len(values)))
        ax.hist(np.clip(values, edges[0], edges[-1]), edges, weights=weights, histtype="step", color=color, lw=1.6)
    ax.set(ylabel="share")


def _bars(ax, column, parts):
    levels, places = _largest(column, parts)
    for part, color, shift in zip(parts, (BLUE, ORANGE), (-0.2, 0.2), strict=True):
        shares = [(part == level).mean() for level in levels]
        if len(places) > len(levels):
            shares.append(1 - sum(shares))
        ax.bar(places + shift, shares, 0.4, color=color)
    _level_ticks(ax, [*levels, *["others"] * (len(places) - len(levels))])
    ax.set(ylabel="share")


def _largest(column, parts):
    """(levels that are drawn, places (n,)): all, or the most frequent of the first table and a place for the others."""
    if len(column.levels) <= LEVELS:
        return list(column.levels), np.arange(len(column.levels))
    counts = parts[0].value_counts()
    kept = sorted(column.levels, key=lambda level: -counts.get(level, 0))[: LEVELS - 1]
    return kept, np.arange(LEVELS)


def _level_ticks(ax, levels):
    names = [_short(level, 12) for level in levels]
    slanted = sum(map(len, names)) > 24
    ax.set_xticks(range(len(names)), names, rotation=90 if slanted else 0, fontsize=7, parse_math=False)
    ax.grid(False, axis="x")


def _legend(figure, names):
    from matplotlib.patches import Patch

    handles = [Patch(color=color, label=name) for color, name in zip((BLUE, ORANGE), names, strict=True)]
    figure.legend(handles=handles, loc="outside upper right")


def _short(text, most=24):
    text = str(text)
    return text if len(text) <= most else f"{text[: most - 1]}…"

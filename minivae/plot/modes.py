"""Samples over the modes of the data, and how often each mode comes."""

import numpy as np

from .style import BLUE, GREY, ORANGE, figure_to

GRID = 400  # points along an axis of the density
DEPTH = 12.0  # nats below its highest place, down to which the density is drawn


def draw_mode_samples(x, near, centers, log_prob, shares, probabilities, title, path):
    """Left: points x (n, 2) over the density, those that are `near` (n,) no mode in another color. Right: `_shares`."""
    reach = 1.25 * abs(centers).max() + 0.5
    u = np.linspace(-reach, reach, GRID)
    log_p = log_prob(np.stack(np.meshgrid(u, u), axis=-1))
    outside = int((abs(x) > reach).any(axis=1).sum())
    with figure_to(path, (10.5, 5)) as figure:
        left, right = figure.subplots(1, 2)
        depth = np.clip(log_p - log_p.max(), -DEPTH, 0)
        left.imshow(depth, origin="lower", extent=2 * (-reach, reach), cmap="Greys", vmax=DEPTH)
        for inside, color, label in ((True, BLUE, "within 3 std of a center"), (False, ORANGE, "near none")):
            part = x[near == inside]
            left.scatter(*part.T, s=3, alpha=0.6, color=color, linewidths=0, rasterized=True,
                         label=f"{label}: {len(part):,}")  # fmt: skip
        left.grid(False)
        left.set(xlim=(-reach, reach), ylim=(-reach, reach), xlabel="x[0]", ylabel="x[1]")
        left.set_title(title + f"; {outside:,} lie outside" * (outside > 0))
        left.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=2, markerscale=4)
        _shares(right, shares, probabilities, "mode", "probability")


def draw_class_shares(shares, expected, title, path):
    """Shares (sets, C) of samples that are called each class, against those of rows as in training (C,)."""
    with figure_to(path, (max(5, 1.5 + 0.6 * len(expected)), 4.4)) as figure:
        ax = figure.subplots()
        _shares(ax, shares, expected, "class, as a classifier says", "of rows as in training")
        ax.set_title(title)


def _shares(ax, shares, expected, name, label):
    """Bars with standard errors over the sets, and beside them a line where they should be."""
    K = len(expected)
    errors = 100 * shares.std(axis=0, ddof=1) / len(shares) ** 0.5
    ax.bar(range(K), 100 * shares.mean(axis=0), yerr=errors, color=BLUE, ecolor=GREY, width=0.7, label="samples")
    ax.hlines(100 * expected, np.arange(K) - 0.45, np.arange(K) + 0.45, color=ORANGE, label=label)
    top = 100 * max(expected.max(), shares.mean(axis=0).max())
    ax.set(ylim=(0, 1.25 * top), xlabel=name, ylabel="share, %", xticks=range(0, K, max(1, K // 10)))
    ax.legend()

"""Known sources against the latents that were found for them."""

import math

import numpy as np

from .style import BLUE, figure_to

PANELS = 9  # sources that are drawn, at most
DOTS = 2000


def draw_recovery(sources, codes, latents, correlations, score, path):
    """Left: |correlation| of each source and latent (n, L); right: sources (N, n) against their latents, codes (N, L).

    `latents` (n,) are the latents of the sources, -1 for none.
    """
    n, L = correlations.shape
    pairs = [(i, k) for i, k in enumerate(latents) if k >= 0][:PANELS]
    side = math.ceil(math.sqrt(len(pairs)))
    left_width = 2.2 + 0.55 * L
    with figure_to(path, (left_width + 6, max(4.2, 1.4 + 0.4 * n))) as figure:
        left, right = figure.subfigures(1, 2, width_ratios=(left_width, 6))
        ax = left.subplots()
        shown = ax.imshow(abs(correlations), vmin=0, vmax=1, cmap="Blues", aspect="auto")
        for (i, k), r in np.ndenumerate(correlations):
            ax.text(k, i, f"{r:.2f}", ha="center", va="center", color="white" if abs(r) > 0.6 else "black", size=8)
        ax.grid(False)
        ax.set_xticks(range(L), [f"z[{k}]" for k in range(L)], rotation=90 if L > 10 else 0)
        ax.set_yticks(range(n), [f"s[{i}]" for i in range(n)])
        ax.set(title="correlation, shaded by its size", xlabel="latent", ylabel="source")
        left.colorbar(shown, ax=ax)
        axes = right.subplots(math.ceil(len(pairs) / side), side, squeeze=False)
        for ax in axes.flat[len(pairs) :]:
            ax.set_visible(False)
        for ax, (i, k) in zip(axes.flat, pairs, strict=False):
            ax.scatter(codes[:DOTS, k], sources[:DOTS, i], s=4, alpha=0.4, color=BLUE, linewidths=0, rasterized=True)
            ax.set_xlabel(f"z[{k}]", labelpad=1)
            ax.set_ylabel(f"s[{i}]", labelpad=1)
            ax.tick_params(labelsize=7)
        some = "" if len(pairs) == n else f", {len(pairs)} of {n}"
        right.suptitle(f"sources against their latents{some}; mean |correlation| {score:.3f}", size=11)

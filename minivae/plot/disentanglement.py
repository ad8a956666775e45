"""Which latent tells of which factor, and the scores that sum it up."""

import numpy as np

from .style import BLUE, GREY, figure_to


def draw_disentanglement(share, latents, factors, scores, path):
    """Left: what each latent tells of each factor, share (L, F) of its entropy; right: {score: (value, error)} as bars.

    `latents` and `factors` are names of rows and columns.
    """
    with figure_to(path, (5.6 + 0.9 * len(factors), max(4.2, 1.2 + 0.32 * len(latents)))) as figure:
        left, right = figure.subplots(1, 2, width_ratios=(0.9 * len(factors), 4.6))
        shown = left.imshow(share, vmin=0, vmax=1, cmap="Blues", aspect="auto")
        for (j, k), value in np.ndenumerate(share):
            left.text(k, j, f"{value:.2f}", ha="center", va="center", color="white" if value > 0.6 else "black", size=8)
        left.grid(False)
        left.set_xticks(range(len(factors)), factors)
        left.set_yticks(range(len(latents)), latents)
        left.set(title="mutual information / entropy of the factor", xlabel="factor", ylabel="latent")
        figure.colorbar(shown, ax=left)
        values, errors = np.array(list(scores.values())).T
        at = np.arange(len(scores))
        right.barh(at, values, color=BLUE, xerr=errors, ecolor=GREY, capsize=3)
        right.set_yticks(at, list(scores))
        right.set(title="scores, 1 is best; with standard errors", xlim=(0, 1.15), ylim=(len(scores) - 0.5, -0.5))
        for i, value in enumerate(values):
            right.text(value + errors[i] + 0.02, i, f"{value:.2f}", va="center", size=9)

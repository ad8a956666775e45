"""The KL of each latent: over the epochs of a training, and at its end."""

import numpy as np

from ..models.base import COLLAPSED
from .ledger import draw_kl_lines, name_rows
from .style import BLUE, GREY, figure_to


def draw_kl(kl, history, path, title="the evaluated split"):
    """Bars of the KL of each latent, kl (L,) nats, the largest at the top; beside them `history`, over the epochs.

    `history` is a list of (epoch, kl (L,)); with none, or a single one, the bars stand alone. What has collapsed is
    grey.
    """
    kl = np.asarray(kl, "float64")
    order = np.argsort(-kl, kind="stable")
    several = len(history) > 1
    with figure_to(path, (5.4 + 6.2 * several, max(3.2, 1.2 + 0.24 * min(len(kl), 30)))) as figure:
        *left, ax = figure.subplots(1, 1 + several, squeeze=False, width_ratios=[1.2] * several + [1])[0]
        if several:
            draw_kl_lines(left[0], [epoch for epoch, _ in history], np.array([line for _, line in history]))
        colors = [GREY if value < COLLAPSED else BLUE for value in kl[order]]
        ax.barh(range(len(kl)), kl[order], color=colors, lw=0)
        ax.set(title=f"KL of each latent, {title}: {kl.sum():.1f} nats in all", xlabel="nats per example",
               ylim=(len(kl) - 0.5, -0.5))  # fmt: skip
        ax.grid(False, axis="y")
        name_rows(ax, [f"z[{i}]" for i in order])

"""How often codes are used."""

import numpy as np

from .style import BLUE, GREY, figure_to


def draw_code_use(use, path, title="examples"):
    """A bar for each code, the most frequent first, beside what each would have if all were used alike."""
    K = len(use.shares)
    with figure_to(path, (7.2, 3.6)) as figure:
        ax = figure.subplots()
        ax.fill_between(np.arange(K + 1), np.append(100 * np.sort(use.shares)[::-1], 0), step="post", color=BLUE, lw=0)
        ax.axhline(100 / K, color=GREY, lw=1)
        ax.set(title=f"use of {K} codes, {title}: perplexity {use.perplexity:.1f}, {use.used} used", xlim=(0, K),
               xlabel="code, the most frequent first", ylabel="share of all places, %")  # fmt: skip

"""The drawings of lesson 21, Codes."""

import numpy as np

from ..style import BLUE, CLASSES, GREY, ORANGE, figure_to

COLORS = {"exact": "black", "straight-through": CLASSES[3], "relaxed, 1": BLUE, "relaxed, 0.5": CLASSES[9],
          "relaxed, 0.1": CLASSES[2], "score function": CLASSES[4], "score, baseline": ORANGE}  # fmt: skip


def _image(ax, image, **options):
    ax.imshow(image, **({"cmap": "gray", "vmin": 0, "vmax": 1} | options))
    ax.set(xticks=[], yticks=[])
    ax.grid(False)


def maps(path, x, codes, x_hat, white):
    """Digits (n, 64), their codes (n, 16) as numbers colored by `white` (K,), and reconstructions."""
    with figure_to(path, (10, 3.4)) as figure:
        rows = figure.subplots(3, len(x))
        for column, (one, map_of, found) in enumerate(zip(x, codes, x_hat, strict=True)):
            _image(rows[0, column], one.reshape(8, 8))
            _image(rows[1, column], white[map_of].reshape(4, 4), cmap="viridis")
            _image(rows[2, column], found.reshape(8, 8))
            for place, code in enumerate(map_of):
                look = {"fontsize": 7, "color": "black" if white[code] > 0.6 else "white"}
                rows[1, column].text(place % 4, place // 4, str(code), ha="center", va="center", **look)
        for row, name in zip(rows[:, 0], ("digit", "its codes", "decoded"), strict=True):
            row.set_ylabel(name)


def dead(path, logs, K):
    """Used codes, perplexity and log p(x | z) after each epoch, (epochs, 3) of each seed: without restarts and with."""
    with figure_to(path, (10, 3.4)) as figure:
        axes = figure.subplots(1, 3)
        for runs, name, color in zip(logs, ("without restarts", "with restarts"), (ORANGE, BLUE), strict=True):
            for i, log in enumerate(runs):
                for ax, values in zip(axes, log.T, strict=True):
                    ax.plot(range(1, len(log) + 1), values, color=color, label=None if i else name)
        axes[0].axhline(K, color=GREY, ls="--", lw=1)
        axes[0].set(title="codes used, of held-out digits", ylabel="codes", ylim=(0, K + 4))
        axes[1].set(title="perplexity of their shares", ylabel="codes", ylim=(0, K + 4))
        axes[2].set(title="log p(x | z), held-out", ylabel="nats")
        axes[2].legend(loc="lower right")
        for ax in axes:
            ax.set(xlabel="epoch")


def where(path, found, shares):
    """Of codes that are used most: (number, mean of the pixels around, shares of the places), and their shares."""
    with figure_to(path, (10, 2.3)) as figure:
        rows = figure.subplots(2, len(found))
        most = max(places.max() for *_, places in found)
        for ax, below, (k, around, places), share in zip(*rows, found, shares, strict=True):
            _image(ax, around)
            _image(below, places, cmap="Blues", vmax=most)
            ax.set_title(f"{k}\n{100 * share:.0f} %", fontsize=9)
        rows[0, 0].set_ylabel("around")
        rows[1, 0].set_ylabel("where")


def samples(path, images, count=14):
    """A row of pictures of each kind."""
    with figure_to(path, (10, 3.4)) as figure:
        rows = figure.subplots(len(images), count)
        for row, (name, x) in zip(rows, images.items(), strict=True):
            for ax, image in zip(row, x[:count], strict=True):
                _image(ax, image.reshape(8, 8))
            row[0].set_ylabel(name.replace(" ", "\n", 1), rotation=0, ha="right", va="center")


def bias(path, p1, slopes, temperatures, relaxed, others):
    """Mean gradients of two values against p_1; bias and variance of four values against the temperature."""
    with figure_to(path, (10, 3.9)) as figure:
        left, middle, right = figure.subplots(1, 3)
        for name, values in slopes.items():
            left.plot(p1, values, color=COLORS[name], label=name)
        left.axhline(0, color=GREY, lw=1)
        left.set(title="two values: mean gradient", xlabel="probability of value 1", ylabel="nats by its logit")
        left.legend(fontsize=8)
        bias, error, variance = relaxed.T
        middle.errorbar(temperatures, bias, 2 * error, fmt="o-", color=BLUE, ms=4, capsize=2, label="relaxed")
        right.plot(temperatures, variance, "o-", color=BLUE, ms=4, label="relaxed")
        for name, (off, _, spread) in others.items():
            if name == "straight-through":
                middle.axhline(off, color=COLORS[name], ls="--", label=name)
            right.axhline(spread, color=COLORS[name], ls="--", label=name)
        middle.axhline(0, color=ORANGE, ls="--", label="score function")
        middle.set(title="four values: bias", ylabel="of the exact gradient's length", xscale="log", ylim=(-0.05, 1))
        right.set(title="four values: variance of a draw", ylabel="of its squared length", xscale="log", yscale="log")
        for ax in (middle, right):
            ax.set(xlabel="temperature")
            ax.legend(fontsize=8)


def descent(path, gaps):
    """{name: gaps (seeds, steps)}: each seed, thin, and their mean."""
    with figure_to(path, (10, 3.6)) as figure:
        ax = figure.subplots()
        for name, runs in gaps.items():
            ax.plot(runs.T, color=COLORS[name], lw=0.5, alpha=0.35)
            ax.plot(np.mean(runs, axis=0), color=COLORS[name], label=name)
        ax.set(title="who closes the gap", xlabel="step", ylabel="gap to -log p(x), nats", yscale="log", ylim=(1e-4, 4))
        ax.legend(loc="upper right", ncols=2)

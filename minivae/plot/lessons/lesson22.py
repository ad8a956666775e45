"""The drawings of lesson 22, Critics and blur."""

import numpy as np

from ..style import BLUE, CLASSES, GREY, ORANGE, figure_to


def _row_of_images(ax, images, name):
    """Images (n, h, w) side by side, with a gap of one pixel."""
    gaps = np.pad(images, ((0, 0), (0, 0), (0, 1)), constant_values=np.nan)
    ax.imshow(np.concatenate(list(gaps), axis=1)[:, :-1], cmap="gray", vmin=0, vmax=1)
    ax.set_facecolor("white")
    ax.set_ylabel(name, rotation=0, ha="right", va="center")
    ax.set(xticks=(), yticks=())
    ax.grid(False)
    for side in ax.spines.values():
        side.set_visible(False)


def page(path, rows, places):
    """Samples of each model, {name: images (n, h, w)}, and {name: (sharpness, nats), an array per seed}."""
    with figure_to(path, (11, 4.4)) as figure:
        left, right = figure.subfigures(1, 2, width_ratios=(1.25, 1))
        for ax, (name, images) in zip(left.subplots(len(rows), 1), rows.items(), strict=True):
            _row_of_images(ax, images, name)
        left.suptitle("samples", fontsize=11)
        ax = right.subplots()
        ax.axvline(1, color=GREY, ls="--", lw=1)
        for (name, (sharp, nats)), color in zip(places.items(), CLASSES, strict=False):
            ax.plot(sharp, nats, "o", color=color, label=name)
        ax.set(title="three seeds of each", xlabel="sharpness of samples; held-out digits have 1",
               ylabel="log p(x) of held-out digits, nats")  # fmt: skip
        ax.legend(loc="lower left", fontsize=9)


def blurred(path, bands, z, stds):
    """What the best decoder says along z: images (len(z), h, w) for each std of q."""
    with figure_to(path, (10, 2.9)) as figure:
        axes = figure.subplots(len(bands), len(z))
        for row, images, std in zip(axes, bands, stds, strict=True):
            for ax, image in zip(row, images, strict=True):
                ax.imshow(image, cmap="gray_r", vmin=0, vmax=1)
                ax.set(xticks=(), yticks=())
                ax.grid(False)
                for side in ax.spines.values():
                    side.set(visible=True, color=GREY)
            row[0].set_ylabel(f"std {std:g}", rotation=0, ha="right", va="center")
        for ax, place in zip(axes[-1], z, strict=True):
            ax.set_xlabel(f"{place:g}", fontsize=9)
        figure.suptitle("eight images of a bar, and the best answer at each z", fontsize=11)
        figure.supxlabel("z", fontsize=10)


def price(path, distance, costs, kept):
    """Nats of three ways to say which of two images it is, {name: nats}, and the contrast that the best keeps."""
    with figure_to(path, (10, 3.4)) as figure:
        left, right = figure.subplots(1, 2)
        styles = ((ORANGE, "--"), (GREY, ":"), (BLUE, "-"))
        for (name, nats), (color, line) in zip(costs.items(), styles, strict=True):
            left.plot(distance, nats, color=color, ls=line, label=name)
        left.set(title="what it costs", ylabel="nats above no cost at all", ylim=(0, 2.2))
        left.legend(loc="upper left")
        right.plot(distance, kept, color=BLUE)
        right.set(title="what is left of the difference", ylabel="distance of answers / of images")
        for ax in (left, right):
            ax.axvline(2, color=GREY, lw=1)
            ax.set(xlabel="distance of the two images, in units of s")


def critic(path, x, true, learned, bins, histograms):
    """Odds that are best and learned at x; and {name: (shares in `bins` of data, of samples)}."""
    with figure_to(path, (11, 3.4)) as figure:
        left, *others = figure.subplots(1, 1 + len(histograms), width_ratios=(1.2, *[1] * len(histograms)))
        left.plot(x, true, color=GREY, ls="--", label="log p(x) / p_g(x)")
        left.plot(x, learned, color=BLUE, label="odds of a trained critic")
        left.set(title="a critic alone", xlabel="x", ylabel="odds, nats", ylim=(-9, 8))
        left.legend(loc="upper center")
        for ax, (name, (data, made)) in zip(others, histograms.items(), strict=True):
            ax.stairs(data, bins, color=GREY, fill=True, alpha=0.4, label="data")
            ax.stairs(made, bins, color=ORANGE, lw=1.8, label="samples")
            ax.set(title=name, xlabel="x", ylabel="share per bin", ylim=(0, 0.3))
            ax.legend(loc="upper right", fontsize=9)

"""The drawings of lesson 19, Factors."""

import numpy as np

from ..style import BLUE, CLASSES, GREY, ORANGE, figure_to


def seeds(path, found, names):
    """A dot for each seed, {method: numbers (seeds, measures)}; `names` of the measures. A bar is the mean."""
    with figure_to(path, (11, 3.4)) as figure:
        for i, (ax, name) in enumerate(zip(figure.subplots(1, len(names)), names, strict=True)):
            for at, (numbers, color) in enumerate(zip(found.values(), CLASSES, strict=False)):
                spread = np.linspace(-0.18, 0.18, len(numbers))
                ax.plot(at + spread, numbers[:, i], "o", color=color, alpha=0.8)
                ax.hlines(numbers[:, i].mean(), at - 0.28, at + 0.28, color=color)
            ax.set(title=name, xticks=range(len(found)), xticklabels=list(found), xlim=(-0.5, len(found) - 0.5))


def estimates(path, rhos, exact, found, sizes, information, known):
    """Total correlation by correlation, {name: nats at rhos}; and I(x; z) by batch, {name: nats}, with its answer."""
    with figure_to(path, (10, 3.6)) as figure:
        left, right = figure.subplots(1, 2)
        left.plot(rhos, exact, color=GREY, ls="--", label="exact")
        for (name, nats), color in zip(found.items(), CLASSES, strict=False):
            left.plot(rhos, nats, "o", ms=4, color=color, label=name)
        left.set(title="total correlation of two latents", xlabel="correlation", ylabel="total correlation, nats")
        right.axhline(known, color=GREY, ls="--", label="exact, log M")
        for (name, nats), color in zip(information.items(), (BLUE, ORANGE), strict=True):
            right.plot(sizes, nats, "o-", ms=4, color=color, label=name)
        right.set(title="mutual information of codes that tell their image", xlabel="batch N", ylabel="I(x; z), nats")
        right.set_xscale("log", base=2)
        right.set_xticks(sizes, [str(N) for N in sizes])
        for ax in (left, right):
            ax.legend()


def turned(path, degrees, gaps, tc):
    """What a turn of a code by some degrees does to its gap, and to its total correlation."""
    with figure_to(path, (7, 3.4)) as figure:
        ax = figure.subplots()
        ax.plot(degrees, gaps, color=BLUE, label="MIG")
        ax.plot(degrees, tc, color=ORANGE, ls="--", label="total correlation, nats")
        ax.set(title="one code, turned", xlabel="angle, degrees", xticks=range(0, 91, 15), ylim=(-0.05, 1.05))
        ax.legend()

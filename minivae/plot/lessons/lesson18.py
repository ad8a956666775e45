"""The drawings of lesson 18, Levels."""

import numpy as np

from ..style import BLUE, CLASSES, GREY, ORANGE, figure_to


def both_learn(path, z, qs, before, after, costs, least):
    """Densities at z of several q and of p, before and after it learned; the mean KL after each step."""
    with figure_to(path, (10, 3.6)) as figure:
        left, right = figure.subplots(1, 2)
        for i, q in enumerate(qs):
            left.plot(z, q, color=BLUE, lw=1.2, label="five q" if not i else None)
        left.plot(z, before, color=GREY, ls="--", label="p before")
        left.plot(z, after, color=ORANGE, lw=2.4, label="p after")
        left.set(title="p learns to cover what the q are", xlabel="z", ylabel="density")
        left.legend(fontsize=9)
        right.plot(costs, color=ORANGE, label="descended with your gradient")
        right.axhline(least, color=GREY, ls="--", label="at the moments of the q")
        right.set(title="mean KL(q || p)", xlabel="step", ylabel="nats", ylim=(0, None), xlim=(-1, 60))
        right.legend(fontsize=9)


def merged(path, z, cases):
    """For each case (title, density that x gives, density of the prior, their product): curves at z."""
    with figure_to(path, (10, 3.2)) as figure:
        axes = figure.subplots(1, len(cases), sharey=True)
        for ax, (title, of_x, prior, product) in zip(axes, cases, strict=True):
            ax.plot(z, of_x, color=BLUE, label="what x says")
            ax.plot(z, prior, color=GREY, ls="--", label="what z2 says, the prior")
            ax.plot(z, product, color=ORANGE, label="both, merged")
            ax.set(title=title, xlabel="z1", ylim=(-0.05, 1.8))
        axes[0].set_ylabel("density")
        axes[0].legend(fontsize=9, loc="upper left")


def levels(path, found, chance):
    """Of each model {name: (KL (seeds, 2), variances of z2 (L2,), shares (seeds,))}: three panels."""
    names, places = list(found), np.arange(len(found))
    with figure_to(path, (12, 3.9)) as figure:
        left, middle, right = figure.subplots(1, 3)
        kl = np.array([kl.mean(axis=0) for kl, *_ in found.values()])
        left.bar(places, kl[:, 0], 0.6, color=GREY, label="z1")
        left.bar(places, kl[:, 1], 0.6, bottom=kl[:, 0], color=ORANGE, label="z2")
        left.set(title="KL of each level", ylabel="nats")
        left.legend(fontsize=9)
        for i, (name, (_, variances, _)) in enumerate(found.items()):
            unit = np.arange(1, len(variances) + 1)
            middle.plot(unit, np.sort(variances)[::-1], "o-", color=CLASSES[i], ms=4, label=name.replace("\n", " "))
        middle.set(title="each unit of z2: variance of its mean", xlabel="unit, the largest first", ylim=(-0.03, 0.9))
        middle.legend(fontsize=8)
        for i, (*_, shares) in enumerate(found.values()):
            right.plot(np.full(len(shares), i), 100 * shares, "o", color=CLASSES[i], ms=7)
        right.axhline(100 * chance, color=GREY, ls="--")
        right.text(len(names) - 0.5, 100 * chance + 2, "chance", color=GREY, ha="right")
        right.set(title="what z2 decides of a sample", ylabel="% of the variance", ylim=(0, 100))
        right.set_xlim(-0.5, len(names) - 0.5)
        for ax in (left, right):
            ax.set_xticks(places, names, fontsize=8)
            ax.grid(axis="x", visible=False)


def held(path, rows, shape):
    """Pictures {title: (R, S, D)}: in a row the same z2, and other z1."""
    with figure_to(path, (10, 4.1)) as figure:
        for ax, (title, x) in zip(figure.subplots(1, len(rows)), rows.items(), strict=True):
            R, S, _ = x.shape
            h, w = shape[:2]
            tiles = np.ones((R, S, h + 2, w + 1))
            tiles[:, :, :h, :w] = 1 - x.reshape(R, S, h, w)
            ax.imshow(tiles.transpose(0, 2, 1, 3).reshape(R * (h + 2), S * (w + 1)), cmap="gray", vmin=0, vmax=1)
            ax.set(title=title, xticks=[], yticks=[], xlabel="other z1", ylabel="another z2 in each row")
            ax.grid(False)

"""The drawings of lesson 17, Priors that fit."""

import numpy as np

from ..grids import draw_images, tiles_of
from ..style import BLUE, CLASSES, GREY, ORANGE, figure_to


def fits(path, side, q, normal, mixture):
    """The density of codes q on a grid, below the contours of two priors."""
    with figure_to(path, (10, 4.8)) as figure:
        titles = "q(z), and N(0, I) in orange", "q(z), and 30 Gaussians in orange"
        for ax, p, title in zip(figure.subplots(1, 2), (normal, mixture), titles, strict=True):
            shown = ax.pcolormesh(side, side, q, cmap="Blues", vmax=np.quantile(q, 0.998), rasterized=True)
            ax.contour(side, side, p, levels=[0.01, 0.03, 0.06, 0.1, 0.14], colors=ORANGE, linewidths=1.2)
            ax.set(title=title, xlabel="z[0]", ylabel="z[1]", aspect="equal", xlim=(-4.2, 4.2), ylim=(-4.2, 4.2))
            ax.grid(False)
        figure.colorbar(shown, ax=figure.axes, label="density of the codes, q(z)")


def gains(path, found, limit):
    """What C Gaussians gain over N(0, I): {C: (training images, held-out images)}, and the most there is to gain."""
    with figure_to(path, (8, 3.6)) as figure:
        ax = figure.subplots()
        Cs, (seen, new) = list(found), np.array(list(found.values())).T
        ax.axhline(limit, color=GREY, ls="--", label="KL(q(z) || N(0, I)): all there is to gain")
        ax.plot(Cs, seen, "o-", color=BLUE, label="training images")
        ax.plot(Cs, new, "o-", color=ORANGE, label="held-out images")
        ax.set(title="encoder and decoder stay as they are, the prior is replaced", xlabel="Gaussians C",
               ylabel="ELBO gained, nats", ylim=(0, 1.15 * limit), xscale="log")  # fmt: skip
        ax.set_xticks(Cs, [str(C) for C in Cs])
        ax.minorticks_off()
        ax.legend(loc="lower right")


def samples(path, images, shape):
    """Decoded draws of two priors: {name: images (n, D)}."""
    with figure_to(path, (10, 2.5)) as figure:
        for ax, (name, x_hat) in zip(figure.subplots(1, 2), images.items(), strict=True):
            rows = x_hat.clip(0, 1).reshape(5, -1, x_hat.shape[-1])
            draw_images(ax, rows, tiles_of(rows, shape))
            ax.set_title(f"decoded draws of {name}")


def pseudo(path, inputs, decoded, shape):
    """Pseudo-inputs, and below each what the decoder makes of its code."""
    with figure_to(path, (10, 2.2)) as figure:
        ax = figure.subplots()
        rows = np.stack([inputs, decoded.clip(0, 1)])
        draw_images(ax, rows, tiles_of(rows, shape), labels=("pseudo-input", "decoded"))


def priors(path, found):
    """{prior: (seeds, (information, marginal KL, held-out ELBO))}."""
    with figure_to(path, (10, 3.8)) as figure:
        left, right = figure.subplots(1, 2, width_ratios=(3, 2))
        for i, numbers in enumerate(found.values()):
            at = i + 0.25 * (np.arange(len(numbers)) - 1)
            information, marginal, elbo = numbers.T
            bars = left.bar(at, information, 0.2, color=GREY), left.bar(at, marginal, 0.2, information, color=ORANGE)
            for place, height, amount in zip(at, information + marginal, marginal, strict=True):
                left.text(place, height + 0.05, f"{amount:.2f}", ha="center", color=ORANGE, fontsize=8)
            right.plot(at, elbo, "o", color=CLASSES[i])
            right.plot([at[0] - 0.1, at[-1] + 0.1], [elbo.mean()] * 2, color=CLASSES[i])
        left.legend(bars, ("information", "marginal KL"), loc="upper center", ncols=2)
        left.set(title="mean KL of the training images, three seeds each", ylabel="nats",
                 ylim=(0, 1.35 * max(numbers[:, :2].sum(axis=1).max() for numbers in found.values())))  # fmt: skip
        right.set(title="held-out images: dots are seeds, lines means", ylabel="ELBO, nats", xlim=(-0.6, 2.6))
        for ax in (left, right):
            ax.set_xticks(range(len(found)), found, fontsize=9)
            ax.grid(False, axis="x")


def wrong(path, pairs, right_kl, charged):
    """KLs between all pairs of latents of one example, and what is right and what is charged for each example."""
    with figure_to(path, (10, 3.8)) as figure:
        left, right = figure.subplots(1, 2)
        shown = left.imshow(pairs, cmap="Oranges", vmin=0)
        for (i, j), nats in np.ndenumerate(pairs):
            dark = nats > 0.6 * pairs.max()
            left.text(j, i, f"{nats:.2f}", ha="center", va="center", color="white" if dark else "black",
                      weight="bold" if i == j else "normal")  # fmt: skip
        left.set(title="first example: the diagonal is meant, all is charged", xlabel="latent of the prior",
                 ylabel="latent of q", xticks=range(len(pairs)), yticks=range(len(pairs)))  # fmt: skip
        left.grid(False)
        figure.colorbar(shown, ax=left, label="KL, nats")
        at = np.arange(len(charged))
        right.bar(at - 0.2, right_kl, 0.38, color=BLUE, label="right")
        right.bar(at + 0.2, charged, 0.38, color=ORANGE, label="charged")
        right.set(title="what the program charges", xlabel="example", ylabel="KL, nats", xticks=at)
        right.legend()

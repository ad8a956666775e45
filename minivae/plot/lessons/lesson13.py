"""The drawings of lesson 13, How good is it?"""

import numpy as np

from ..style import BLUE, CLASSES, GREY, ORANGE, figure_to


def climb(path, Ks, log_px, bounds, shifts, ess, expected):
    """Mean bounds {name of q: (Ks,)} below log p(x); effective samples at each shift of q, and what is expected."""
    with figure_to(path, (10, 3.8)) as figure:
        left, right = figure.subplots(1, 2)
        left.axhline(log_px, color=GREY, ls="--")
        left.text(Ks[0], log_px + 0.25, f"log p(x) = {log_px:.2f}", color=GREY)
        for (name, means), color in zip(bounds.items(), (BLUE, CLASSES[2], ORANGE, CLASSES[3]), strict=True):
            left.plot(Ks, means, "o-", ms=4, color=color, label=name)
        left.set(title="the bound of K draws climbs to log p(x)", xlabel="draws K", ylabel="nats")
        left.set_ylim(None, log_px + 1)
        left.set_xscale("log", base=4)
        left.set_xticks(Ks, [f"{K:,}" for K in Ks])
        left.legend(loc="lower right", title="q", fontsize=9)
        right.plot(shifts, ess, "o-", ms=4, color=BLUE, label="found, median of 50 examples")
        right.plot(shifts, np.maximum(expected, 0.5), color=GREY, ls="--", label="1,000 exp(-2 KL)")
        right.axhline(1, color=ORANGE, lw=1)
        right.text(shifts[-1], 1.1, "one draw decides", color=ORANGE, ha="right")
        right.set(title="the worse q is, the fewer of 1,000 draws count", ylabel="effective samples", yscale="log",
                  xlabel="mean of q off by so many of its standard deviations", ylim=(0.7, 1800))  # fmt: skip
        right.legend(loc="upper right", fontsize=9)


def silent(path, widths, errors, ess, claimed):
    """Estimates less log p(x), (widths, repeats), of q of several widths; effective samples and claimed errors."""
    with figure_to(path, (10, 3.8)) as figure:
        ax = figure.subplots()
        places = np.arange(len(widths))
        for i, (found, own) in enumerate(zip(errors, claimed, strict=True)):
            ax.plot(i + np.linspace(-0.22, 0.22, len(found)), found, "o", ms=3, color=BLUE, alpha=0.6)
            ax.errorbar(i + 0.33, found.mean(), own, fmt="_", ms=10, color=ORANGE, capsize=3)
        ax.plot([], [], "o", ms=3, color=BLUE, label="40 estimates")
        ax.errorbar([], [], [], fmt="_", color=ORANGE, capsize=3, label="their mean, and the error that one claims")
        ax.axhline(0, color=GREY, ls="--")
        ax.set(title="1,000 draws from a q of the right mean and a wrong width", xlim=(-0.6, len(widths) - 0.4),
               xlabel="standard deviation of q, as a multiple of the posterior's; n effective samples",
               ylabel="estimate - log p(x), nats")  # fmt: skip
        ax.set_xticks(places, [f"{width:g}\nn = {n:,.1f}" for width, n in zip(widths, ess, strict=True)])
        ax.legend(loc="lower right")


def digits(path, Ks, bounds, errors, x, log_px):
    """Bounds {model: (Ks,)} with errors; the most and the least probable images x (2, n, D), log_px (2, n)."""
    with figure_to(path, (10, 3.8)) as figure:
        left, right = figure.subfigures(1, 2, width_ratios=(1, 1.1))
        ax = left.subplots()
        for (name, means), color in zip(bounds.items(), (BLUE, ORANGE), strict=True):
            ax.errorbar(Ks, means, errors[name], fmt="o-", ms=4, color=color, capsize=3, label=name)
        ax.set(title="bounds on log p(x), mean of 297 digits", xlabel="draws K", ylabel="nats", xscale="log")
        ax.set_xticks(Ks, [f"{K:,}" for K in Ks])
        ax.minorticks_off()
        ax.legend(loc="center right", fontsize=9)
        axes = right.subplots(2, x.shape[1])
        for row, images, numbers in zip(axes, x, log_px, strict=True):
            for ax, image, number in zip(row, images, numbers, strict=True):
                ax.imshow(image.reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
                ax.set_title(f"{number:.1f}", fontsize=10)
                ax.set_xticks([])
                ax.set_yticks([])
                ax.spines[:].set_visible(True)
        right.suptitle("most probable (above) and least, log p(x) in nats", fontsize=11)


def protocols(path, nats):
    """{protocol: (nats of the first model, of the second)}, as pairs of dots."""
    with figure_to(path, (10, 3.6)) as figure:
        ax = figure.subplots()
        names = list(nats)[::-1]
        pairs = np.array([nats[name] for name in names])
        rows = np.arange(len(names))
        ax.hlines(rows, pairs.min(axis=1), pairs.max(axis=1), color=GREY, lw=1)
        for column, color, label in ((0, BLUE, "16 latents"), (1, ORANGE, "2 latents")):
            ax.plot(pairs[:, column], rows, "o", color=color, label=label)
        ax.axvline(nats["bits drawn once, bound of K = 100"][0], color=BLUE, ls="--", lw=1)
        ax.set_yticks(rows, names)
        ax.set(title="two models, six protocols", xlabel="nats per image, as one would report them", ylim=(-0.6, 5.6))
        ax.legend(loc="lower right")


def active(path, variance, spread, threshold):
    """Two parts of the variance of z for each latent, (L,) each, the busiest first."""
    with figure_to(path, (10, 3.4)) as figure:
        ax = figure.subplots()
        order, places = np.argsort(-variance), np.arange(len(variance))
        ax.bar(places, variance[order], color=BLUE, label="variance of the posterior mean")
        ax.bar(places, spread[order], bottom=variance[order], color=BLUE, alpha=0.25, label="mean posterior variance")
        ax.axhline(threshold, color=ORANGE, lw=1)
        ax.text(len(places) - 0.4, threshold + 0.02, f"active above {threshold}", color=ORANGE, ha="right")
        ax.axhline(1, color=GREY, ls="--", lw=1)
        ax.set(title="what moves z: the digit (dark), or chance (light)", xlabel="latent", ylabel="variance of z",
               ylim=(0, 1.45))  # fmt: skip
        ax.set_xticks(places, [str(latent) for latent in order])
        ax.legend(loc="upper center", ncols=2)

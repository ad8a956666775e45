"""The drawings of lesson 8, How does the gradient go through a sample?"""

import numpy as np

from ..style import BLUE, GREY, ORANGE, figure_to

RED = "#c0392b"
HOW = BLUE, RED, ORANGE  # reparameterization, score function, score with a baseline


def two_ways(path):
    """What happens to the average of a cost f when q moves: its samples move along, or their weights change."""

    def f(z):
        return 1.2 + np.sin(1.3 * z) + 0.12 * z**2

    def normal(z, mu):
        return np.exp(-0.5 * (z - mu) ** 2)

    grid, z, move = np.linspace(-2.8, 3.2, 300), np.array([-1.7, -0.95, -0.4, 0.15, 0.7, 1.3, 2.0]), 0.5
    with figure_to(path, (10, 3.6)) as figure:
        for ax, samples_move in zip(figure.subplots(1, 2, sharey=True), (True, False), strict=True):
            ax.plot(grid, f(grid), color="black", lw=1.2)
            for mu, color in ((0, GREY), (move, BLUE)):
                ax.fill_between(grid, -0.6, -0.6 + 0.8 * normal(grid, mu), color=color, alpha=0.2)
                ax.plot(grid, -0.6 + 0.8 * normal(grid, mu), color=color)
            for at in z:
                if samples_move:
                    end = at + move, f(at + move)
                    ax.annotate("", end, (at, f(at)), arrowprops={"arrowstyle": "-|>", "color": ORANGE, "shrinkA": 0})
                    ax.plot(at, f(at), "o", color=GREY, ms=5)
                else:
                    weight = normal(at, move) / normal(at, 0)  # the area of the disc
                    ax.plot(at, f(at), "o", color=ORANGE, ms=11 * weight**0.5, mec="none")
                    ax.plot(at, f(at), "o", mfc="none", mec="black", ms=11, mew=1)
            ax.set(xlabel="z", ylim=(-0.6, 3.3), yticks=[])
            ax.text(2.25, 2.95, "cost f(z)")
            ax.text(-2.75, -0.1, "q(z), before\n(grey) and after", color=BLUE, fontsize=9)
        figure.axes[1].text(-1.9, 2.95, "ring: weight before", color="black", fontsize=9)
        figure.axes[1].text(-1.9, 2.65, "disc: weight after", color=ORANGE, fontsize=9)
        figure.axes[0].set_title("reparameterization: the samples move")
        figure.axes[1].set_title("score function: the weights of the samples change")


def variance(path, stds, sizes, found):
    """Variances of one draw, {how: (formula at stds, measured at stds, measured at numbers of latents)}."""
    with figure_to(path, (10, 3.6)) as figure:
        left, right = figure.subplots(1, 2)
        for (how, (line, dots, of_many)), color in zip(found.items(), HOW, strict=True):
            left.plot(stds, line, color=color)
            left.plot(stds, dots, "o", color=color, ms=4)
            right.plot(sizes, of_many, "o:", color=color, ms=4, label=how)
        for ax in (left, right):
            ax.set(xscale="log", yscale="log", ylabel="variance of one draw's dmu[0]")
            ax.xaxis.set_major_formatter("{x:g}")
        left.set(title="one latent, mu = 1: a narrow q is bad for the score", xlabel="std of q")
        right.set(title="mu = 1, std = 0.5: more latents, worse for the score", xlabel="number of latents L")
        right.legend(loc="upper left")


def descent(path, gaps):
    """The gap at each step, {how: (runs, steps)}."""
    with figure_to(path, (10, 3.6)) as figure:
        ax = figure.subplots()
        for (how, runs), color in zip(gaps.items(), HOW, strict=True):
            steps = range(0, runs.shape[1], 5)
            ax.semilogy(steps, runs[:, ::5].T, color=color, lw=1, label=[how] + [None] * (len(runs) - 1))
        ax.set(title="the same rate, the same number of draws: only the noise differs (three runs each)")
        ax.set(xlabel="step", ylabel="KL(q || p(z | x)), nats")
        ax.legend(loc="lower left")

"""Drawings of lesson 5."""

import numpy as np

from ..style import BLUE, CLASSES, GREY, ORANGE, figure_to

GREEN, PURPLE, RED = "#3a9a5b", "#7d5ba6", "#c0392b"


def bowl(path, panels):
    """Contours of the bowl with curvatures 1 and 30; of each panel a title, a line below it, and positions (n, 2)."""
    x, y = np.meshgrid(np.linspace(-5, 2, 200), np.linspace(-1.3, 1.3, 200))
    with figure_to(path, (10, 3.6)) as figure:
        axes = figure.subplots(1, 3, sharex=True, sharey=True)
        for ax, (title, line, positions), color in zip(axes, panels, CLASSES, strict=False):
            ax.contour(x, y, 0.5 * (x**2 + 30 * y**2), levels=[0.5, 3, 8, 18], colors=GREY, linewidths=0.7)
            ax.plot(*positions.T, "-o", ms=3, lw=1.2, color=color)
            ax.plot(0, 0, "k+", ms=10)
            ax.set(title=title, xlabel="theta[0], curvature 1", xlim=(-4.9, 1.9), ylim=(-1.35, 1.35))
            ax.text(-4.7, -1.27, line, fontsize=9)
            ax.grid(False)
        axes[0].set_ylabel("theta[1], curvature 30")


def schedule(path, rates, losses, floors):
    """Three rates over the steps, the loss that each leads to, and the floors of the constant ones."""
    colors = dict(zip(rates, (ORANGE, BLUE, GREEN), strict=True))
    with figure_to(path, (10, 3.6)) as figure:
        left, right = figure.subplots(1, 2)
        for name, color in colors.items():
            left.plot(rates[name], color=color, label=name)
            right.semilogy(losses[name], color=color, label=f"rate {name}")
        for floor in floors:
            right.axhline(floor, color=GREY, ls=":", lw=1.2)
        left.set(title="three rates", xlabel="step", ylabel="learning rate")
        left.legend(loc="center right")
        right.set(
            title="a noisy bowl: each constant rate has its floor", xlabel="step", ylabel="mean loss of 20,000 runs"
        )
        right.legend()


def training(path, ends, best, long):
    """Loss over the rate for each method, and curves: of each at its best rate, and of two long runs of Adam."""
    with figure_to(path, (10, 3.6)) as figure:
        left, middle, right = figure.subplots(1, 3)
        for (name, of), (rate, curve), color in zip(
            ends.items(), best.values(), (BLUE, ORANGE, PURPLE, GREEN), strict=True
        ):
            left.semilogx(of.keys(), of.values(), "-o", ms=4, color=color, label=name)
            middle.plot(curve, color=color, label=f"rate {rate}")
        for (name, curve), color in zip(long.items(), (GREEN, RED), strict=True):
            right.plot(curve, color=color, label=name)
        left.set(title="200 steps; no mark: diverged", xlabel="learning rate", ylabel="loss, nats", ylim=(24.5, 32))
        middle.set(title="each at its best rate", xlabel="step", ylim=(24.5, 32))
        right.set(title="a rate too large to stay with", xlabel="step", ylim=(23.5, 31))
        for ax in (left, middle, right):
            ax.legend(fontsize=8)

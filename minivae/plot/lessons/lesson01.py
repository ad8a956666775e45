"""Drawings of lesson 1: a curve that a net fits."""

from ..style import BLUE, CLASSES, GREY, ORANGE, figure_to


def fit(path, x, target, curves, losses):
    """{step: curve} of the net beside its target, and the loss of each step."""
    with figure_to(path, (10, 3.6)) as figure:
        left, right = figure.subplots(1, 2)
        left.plot(x, target, color=GREY, lw=4, alpha=0.4, label="target")
        for (step, y), color in zip(curves.items(), (ORANGE, CLASSES[2], BLUE), strict=True):
            left.plot(x, y, color=color, label=f"after {step} steps")
        left.set(title="what the net computes: straight pieces", xlabel="x", ylabel="y")
        left.legend()
        right.semilogy(losses, color=BLUE)
        right.set(title="mean squared error", xlabel="step", ylabel="loss")

"""Drawings of lesson 11."""

import numpy as np

from ..checks import draw_drift, draw_milliseconds
from ..style import BLUE, CLASSES, GREY, ORANGE, figure_to

U = 2.0**-24  # the unit of rounding of float32


def parity(path, found):
    """Errors of each part in one step, and the drift of the loss, {title: Parity}."""
    with figure_to(path, (10, 4.6)) as figure:
        left, right = figure.subplots(1, 2, width_ratios=(1.6, 1))
        for color, (title, p) in zip(CLASSES, found.items(), strict=False):
            names = list(dict.fromkeys((*p.values, *p.gradients)))
            label = title
            for errors, marker in ((p.values, "o"), (p.gradients, "x")):
                shown = [(i, errors[name]) for i, name in enumerate(names) if errors.get(name)]
                if shown:  # equal arrays have no place on a logarithmic axis
                    x, y = zip(*shown, strict=True)
                    left.semilogy(x, y, marker, ms=5, color=color, label=label)
                    label = None
            draw_drift(right, p.drift, color)
        for ax in (left, right):
            ax.axhline(U, color=GREY, ls=":", label="u of float32")
        left.set_xticks(range(len(names)), names, rotation=90, fontsize=8)
        left.set(title="largest error of each part in one step: values o, gradients x", ylabel="max|a - b| / max|b|")
        left.set_ylim(top=1)
        top = 0.5 if len(found) > 2 else 1  # with more machines there is room between float32 and float64
        left.legend(fontsize=8, loc="upper left", bbox_to_anchor=(0, top))
        right.set(title="drift of the loss in training", xlabel="step", ylabel="relative difference")


def sums(path, n, running, tree):
    """Errors of sums of n numbers, one after the other and as a tree, and the bound of each."""
    with figure_to(path, (8, 3.8)) as figure:
        ax = figure.subplots()
        ax.loglog(n, running, "-o", ms=4, color=ORANGE, label="one after the other")
        ax.loglog(n, n * U, ":", color=ORANGE, label="its bound, n u")
        ax.loglog(n, tree, "-o", ms=4, color=BLUE, label="as a tree")
        ax.loglog(n, np.log2(n) * U, ":", color=BLUE, label="its bound, log2(n) u")
        ax.set(
            title="float32 sums: the tree stays at u, the running sum does not",
            xlabel="numbers added",
            ylabel="relative error",
        )
        ax.legend()


def times(path, sizes, each, batches, steps):
    """Nanoseconds per number, {function: by size}, and milliseconds of a training step, {machine: by batch}."""
    with figure_to(path, (10, 3.6)) as figure:
        left, right = figure.subplots(1, 2)
        for (name, row), color in zip(each.items(), (ORANGE, BLUE, CLASSES[2]), strict=False):
            left.loglog(sizes, row, "-o", ms=4, color=color, label=name)
        draw_milliseconds(right, steps, batches)
        left.set(title="float32 on the CPU: time per number", xlabel="numbers in an array", ylabel="nanoseconds")
        right.set(title="a training step", xlabel="batch size", ylabel="milliseconds")
        for ax in (left, right):
            ax.legend()

"""Drawings of lesson 2: two trainings, errors against the step size, and a kink."""

import numpy as np

from ..style import BLUE, CLASSES, GREY, ORANGE, figure_to


def nets(path, x, target, runs):
    """{slope: (losses, y)} of two trainings: the losses, and what the nets compute in the end."""
    with figure_to(path, (10, 3.6)) as figure:
        left, right = figure.subplots(1, 2)
        right.plot(x, target, color=GREY, lw=4, alpha=0.4, label="target")
        for (name, (losses, y)), color, style in zip(runs.items(), (BLUE, ORANGE), ("-", "--"), strict=True):
            left.semilogy(losses, style, color=color, label=f"slope {name}")
            right.plot(x, y, style, color=color, label=f"slope {name}")
        left.set_yticks([0.03, 0.1, 0.3, 0.6], ["0.03", "0.1", "0.3", "0.6"])
        left.minorticks_off()
        left.set(title="both losses fall", xlabel="step", ylabel="mean squared error")
        right.set(title="what the two nets compute after training", xlabel="x", ylabel="y")
        left.legend()
        right.legend()


def curve(path, steps, errors, minima, rounding):
    """{method: errors} against the step size; stars at the predicted minima {method: (h, error)}."""
    with figure_to(path, (10, 3.8)) as figure:
        ax = figure.subplots()
        for (name, error), color, style in zip(
            errors.items(), (ORANGE, BLUE, CLASSES[2]), ("-", "-", "--"), strict=True
        ):
            ax.loglog(steps, np.maximum(error, 1e-17), style, color=color, label=name)
            if name in minima:
                ax.loglog(*minima[name], "*", ms=16, mec="white", color=color, label=f"{name}, predicted minimum")
        ax.loglog(steps, rounding, ":", color=GREY, label="rounding of two points, R / h")
        ax.set(title="error of three numeric derivatives of sin at x = 1", xlabel="step size h", ylabel="error",
               ylim=(5e-18, 1e4))  # fmt: skip
        ax.legend(loc="upper center", ncols=2)


def kink(path, a, line, chord, quotient, steps, quotients, beyond):
    """max(s, 0) as a line (s, f) with a chord over a; the quotient for each step, and its formula beyond the kink."""
    s, f = line
    h = (chord[0][1] - chord[0][0]) / 2
    with figure_to(path, (10, 3.6)) as figure:
        left, right = figure.subplots(1, 2)
        left.plot(s, f, color=GREY, lw=4, alpha=0.5, label="max(s, 0)")
        left.plot(s[s > -0.05], s[s > -0.05], "--", color=BLUE, label="slope at a: 1")
        left.plot(*chord, "-o", color=ORANGE, label=f"difference quotient, h = {h:g}: {quotient:.2f}")
        left.plot(a, a, "o", color=BLUE)
        left.set(title=f"across the kink, at a = {a}", xlabel="s", ylabel="f(s)")
        left.legend()
        right.semilogx(steps, quotients, color=ORANGE, label="difference quotient")
        right.semilogx(steps, beyond, ":", color="black", label="1/2 + a / 2h beyond a")
        right.axvline(a, color=GREY, lw=1)
        right.text(a * 0.9, 0.55, "h = a", color=GREY, ha="right")
        right.set(title="right within the distance of the kink, wrong beyond", xlabel="step size h", ylabel="quotient")
        right.legend()


def four(path, steps, curves):
    """Four curves of errors against the step size, A to D."""
    with figure_to(path, (10, 3.2)) as figure:
        axes = figure.subplots(1, 4, sharex=True, sharey=True)
        for ax, name, error in zip(axes, "ABCD", curves, strict=True):
            ax.loglog(steps, np.maximum(error, 1e-16), color=BLUE, lw=1.5)
            ax.axhline(1e-7, color=GREY, ls="--", lw=1)
            ax.set(title=name, xlabel="step size h")
        axes[0].set_ylabel("relative error")
        figure.suptitle("error against step size (dashed: the limit)", fontsize=11)

"""Models whose evidence is exact: a linear VAE on its way to the optimum; a bound, and the posterior that it misses."""

import numpy as np

from .style import BLUE, GREY, ORANGE, figure_to


def draw_linear_training(history, best, path):
    """The bounds with the optimum `best` in nats, and the principal angle.

    `history` {"step", "elbo", "log_px", "angle"}: (T,) each, nats per example and degrees.
    """
    with figure_to(path, (10.5, 4)) as figure:
        left, right = figure.subplots(1, 2)
        left.axhline(best, color=GREY, ls="--", label="optimum in closed form (PCA)")
        left.plot(history["step"], history["log_px"], color=BLUE, label="exact log p(x)")
        left.plot(history["step"], history["elbo"], color=ORANGE, label="ELBO")
        start = np.interp(10, history["step"], history["elbo"])
        left.set(title="the ELBO climbs to the largest log p(x)", ylabel="nats per example", xscale="log",
                 ylim=(start, best + 0.08 * (best - start)), xlabel="step")  # fmt: skip
        left.legend(loc="lower right", fontsize=9)
        right.plot(history["step"], history["angle"], color=BLUE)
        right.set(title="the decoder finds the principal subspace", ylabel="largest principal angle in degrees",
                  xscale="log", yscale="log", xlabel="step")  # fmt: skip
        for axis in (left.xaxis, right.xaxis, right.yaxis):
            axis.set_major_formatter("{x:g}")


def draw_bound_and_gap(result, path):
    """Of one example, `result` as `truth.quadrature.bound_and_gap` gives it.

    Left: how far the importance-weighted bound is too low, and the delta method's line. Right: the true posterior and q
    over it, whose KL is the gap of the ELBO.
    """
    Ks = result.Ks
    density = result.density
    with figure_to(path, (11, 4.8)) as figure:
        from matplotlib.patches import Ellipse

        left, right = figure.subplots(1, 2)
        left.axhline(result.gap, color=ORANGE, ls=":", label=f"ELBO gap by quadrature, {result.gap:.3f} nats")
        left.plot(Ks, result.variance / (2 * Ks), color=GREY, ls="--", label="Var(w / p(x)) / (2 K)")
        dots = {"fmt": "o", "ms": 4, "lw": 1.2, "capsize": 3, "color": BLUE}
        left.errorbar(Ks, result.bias, 2 * result.error, label="measured, two standard errors", **dots)
        left.set(title="how far the bound of K samples is below log p(x)", xlabel="K", ylabel="nats",
                 xscale="log", yscale="log")  # fmt: skip
        left.set_xticks(Ks[::2], [str(K) for K in Ks[::2]])
        left.minorticks_off()
        left.legend()
        right.contourf(*result.axes, density, density.max() * np.linspace(0.03, 1, 12), cmap="Blues")
        right.contour(*result.axes, density, result.levels, colors=BLUE, linewidths=1.2)
        for k in (1, 2):
            right.add_patch(Ellipse(result.mu, *(2 * k * result.std), fill=False, ec=ORANGE, lw=1.8))
        right.plot([], [], color=BLUE, label="p(z | x): 39 % and 86 % of its mass")
        right.plot([], [], color=ORANGE, label="q(z | x): the same, one and two std")
        right.legend(loc="upper left", fontsize=9)
        right.set(title=f"one example: KL(q || p(z | x)) = {result.gap:.3f} nats", xlabel="z[0]", ylabel="z[1]",
                  aspect="equal")  # fmt: skip

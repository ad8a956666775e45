"""The drawings of lesson 7, The ELBO, three ways."""

from ..style import BLUE, CLASSES, GREY, ORANGE, figure_to


def gap(path, z, prior, posterior, guesses, mu, elbo, log_px):
    """Densities at z, and the ELBO at the means `mu`; `guesses` are (mean, density, its ELBO), three of them."""
    with figure_to(path, (10, 3.6)) as figure:
        left, right = figure.subplots(1, 2)
        left.plot(z, prior, color=GREY, ls="--", label="prior p(z)")
        left.fill_between(z, posterior, color=BLUE, alpha=0.25)
        left.plot(z, posterior, color=BLUE, label="posterior p(z | x)")
        right.axhline(log_px, color=BLUE, ls="--")
        right.text(-0.68, log_px + 0.12, f"log p(x) = {log_px:.4f}", color=BLUE)
        right.plot(mu, elbo, color=GREY)
        right.fill_between(mu, elbo, log_px, color=GREY, alpha=0.15)
        for (at, density, bound), color in zip(guesses, (CLASSES[3], ORANGE, CLASSES[2]), strict=True):
            left.plot(z, density, color=color, label=f"q, mean {at:.2f}")
            arrow = {"arrowstyle": "<->", "color": color, "shrinkA": 0}
            right.annotate("", (at, log_px), (at, bound), arrowprops=arrow)
            right.plot(at, bound, "o", color=color)
            right.text(at + 0.05, bound - 0.95, f"gap {log_px - bound:.2f}", color=color)
        left.set(title="what z is like, given x = 2", xlabel="z", ylabel="density")
        right.set(title="the ELBO as q is moved: a bound, and its gap", xlabel="mean of q", ylabel="ELBO, nats",
                  ylim=(-7.5, -1.2))  # fmt: skip
        left.legend(fontsize=9)


def monte_carlo(path, exact, sizes, means, errors):
    """KLs from K samples, means and errors (runs, sizes), beside the formula's."""
    with figure_to(path, (10, 3.6)) as figure:
        left, right = figure.subplots(1, 2)
        for i, (mean, error) in enumerate(zip(means, errors, strict=True)):
            left.errorbar(sizes * 1.18 ** (i - 1), mean, 2 * error, fmt="o", ms=4, color=CLASSES[i], capsize=2)
        left.axhline(exact, color=GREY, ls="--", label=f"formula: {exact:.4f} nats")
        left.set(title="KL from K samples, three runs, two standard errors", ylabel="KL, nats", xscale="log")
        left.legend()
        right.loglog(sizes, errors[0], "o", color=BLUE, label="standard error, as computed")
        right.loglog(sizes, errors[0][-1] * (sizes[-1] / sizes) ** 0.5, color=GREY, ls="--", label="1 / root of K")
        right.set(title="four times the samples, half the error", ylabel="standard error, nats")
        right.legend()
        for ax in (left, right):
            ax.set(xlabel="samples K", xticks=sizes, xticklabels=[f"{K:,}" for K in sizes])
            ax.minorticks_off()


def climb(path, mu, log_var, elbo, posterior, log_px, grid, gaps):
    """The steps of q over contours of its gap on a grid, and its ELBO at each step."""
    with figure_to(path, (10, 3.6)) as figure:
        left, right = figure.subplots(1, 2)
        lines = left.contour(*grid, gaps, [0.1, 0.3, 1, 3, 10], colors=GREY, linewidths=1)
        left.clabel(lines, fmt="%g", fontsize=8)
        left.plot(mu, log_var, "o-", color=ORANGE, ms=3, lw=1)
        left.plot(*posterior, "*", color=BLUE, ms=14)
        left.text(mu[0] + 0.05, log_var[0] + 0.15, "start", color=ORANGE)
        left.set(title="contours: nats below log p(x); dots: steps; star: posterior", xlabel="mu", ylabel="log_var")
        right.axhline(log_px, color=BLUE, ls="--", label="log p(x)")
        right.plot(elbo, color=ORANGE, label="ELBO")
        right.set(title="the bound reaches what it bounds", xlabel="step", ylabel="nats")
        right.legend(loc="lower right")


def importance(path, Ks, gaps):
    """How far the bound of K samples is below log p(x): {name of q: (gaps, their standard errors)}."""
    with figure_to(path, (10, 3.6)) as figure:
        ax = figure.subplots()
        for (name, (means, errors)), color in zip(gaps.items(), (CLASSES[3], ORANGE), strict=True):
            ax.errorbar(Ks, means, 2 * errors, fmt="o-", ms=4, color=color, capsize=2, label=name)
            ax.plot(Ks, means[-1] * Ks[-1] / Ks, color=GREY, ls="--", lw=1)
        ax.plot([], [], color=GREY, ls="--", lw=1, label="1 / K")
        ax.set(title="the bound of K samples closes its gap: twice the samples, half the gap", xlabel="samples K",
               ylabel="log p(x) - bound, nats", yscale="log", ylim=(4e-4, 6))  # fmt: skip
        ax.set_xscale("log", base=2)
        ax.set_xticks(Ks, [str(K) for K in Ks])
        ax.legend(loc="upper right")

"""The drawings of lesson 24, Five families."""

import numpy as np

from ..style import BLUE, CLASSES, GREY, ORANGE, figure_to

REACH = 3.0


def _plane(ax, title, reach=REACH):
    ax.set(title=title, xlim=(-reach, reach), ylim=(-reach, reach), xticks=[], yticks=[], aspect="equal")
    ax.grid(False)


def samples(path, log_prob, points):
    """{name: points (n, 2)} over the density: the first are data; `log_prob`: (..., 2) -> nats."""
    u = np.linspace(-REACH, REACH, 201)
    density = np.exp(log_prob(np.stack(np.meshgrid(u, u), axis=-1)) / 3)  # the cube root shows where it is small
    with figure_to(path, (10.5, 2.05)) as figure:
        for ax, (name, x) in zip(figure.subplots(1, len(points)), points.items(), strict=True):
            ax.imshow(density, extent=2 * (-REACH, REACH), origin="lower", cmap="Blues", vmax=1.5 * density.max())
            ax.plot(*x.T, ".", ms=1.6, color=ORANGE)
            _plane(ax, name)


def noise(path, steps):
    """(modes y (n,), {t: points (n, 2), the same ones with more and more noise}), in the colors of the modes."""
    y, clouds = steps
    with figure_to(path, (10.5, 2.05)) as figure:
        for ax, (t, x) in zip(figure.subplots(1, len(clouds)), clouds.items(), strict=True):
            ax.scatter(*x.T, s=2, c=np.array(CLASSES)[y], linewidths=0)
            _plane(ax, f"t = {t}")


def slopes(path, odds, kept, saturating):
    """Two losses of the generator, each (its values, its derivatives), at the critic's odds of a sample."""
    with figure_to(path, (10, 3.2)) as figure:
        axes = figure.subplots(1, 2)
        for ax, part, title in zip(axes, (0, 1), ("loss, nats", "its derivative in the odds"), strict=True):
            ax.plot(odds, kept[part], color=BLUE, label="-log sigmoid(odds): non-saturating")
            ax.plot(odds, saturating[part], color=ORANGE, ls="--", label="log sigmoid(-odds): saturating")
            ax.set(title=title, xlabel="critic's log-odds that a sample is data")
        axes[0].legend(loc="upper right", fontsize=9)


def stability(path, marks, found):
    """{name: (shares near a mode (seeds, marks), relative difference of a twin (marks,))}, a column for each."""
    with figure_to(path, (10.5, 4.4)) as figure:
        upper, lower = figure.subplots(2, len(found), sharex=True, sharey="row")
        for top, low, (name, (shares, apart)), color in zip(upper, lower, found.items(), CLASSES, strict=False):
            for line in shares:
                top.plot(marks, 100 * line, "o-", ms=3, lw=1.3, color=color, alpha=0.8)
            low.semilogy(marks[: len(apart)], apart, "o-", ms=3, color=color)
            low.axhline(1e-13, color=GREY, ls="--", lw=1)
            top.set(title=name, ylim=(0, 100))
            low.set(xlabel="step", ylim=(1e-14, 10), yticks=[1e-13, 1e-9, 1e-5, 1e-1], xticks=[0, 500, 1000])
            low.minorticks_off()
        upper[0].set_ylabel("near a mode, %")
        lower[0].set_ylabel("difference of the twin")


def likelihood(path, entropy, bars, silent):
    """{what: costs -log p(x) in nats of all seeds} above the entropy; `silent` are families that say nothing."""
    with figure_to(path, (10, 3)) as figure:
        ax = figure.subplots()
        rows = [*bars, *silent]
        colors = (CLASSES[3], CLASSES[0], CLASSES[0], CLASSES[4])  # those of the families elsewhere
        for i, (costs, color) in enumerate(zip(bars.values(), colors, strict=True)):
            ax.barh(i, np.mean(costs) - entropy, left=entropy, height=0.55, color=color, alpha=0.35)
            ax.plot(costs, np.full(len(costs), i), "o", ms=5, color=color)
        for i in range(len(bars), len(rows)):
            ax.text(entropy + 0.05, i, "says nothing about p(x)", color=GREY, va="center")
        ax.axvline(entropy, color="black", ls="--", lw=1.2)
        ax.text(entropy + 0.02, -0.75, f"entropy of the density: {entropy:.3f}", va="center", fontsize=9)
        ax.set(yticks=range(len(rows)), yticklabels=rows, ylim=(len(rows) - 0.5, -1.1),
               xlim=(0, 1.03 * max(map(max, bars.values()))),
               xlabel="-log p(x) of new points, nats: dots are seeds, bars their mean")  # fmt: skip


def planes(path, modes):
    """{name: nearest modes (side, side) of what z decodes to, -1 for none}."""
    from matplotlib.colors import to_rgb

    colors = np.array([to_rgb(color) for color in CLASSES])
    with figure_to(path, (10.5, 2.4)) as figure:
        for ax, (name, of) in zip(figure.subplots(1, len(modes)), modes.items(), strict=True):
            shown = colors[of]
            shown[of < 0] = 0.93
            ax.imshow(shown, extent=2 * (-REACH, REACH), origin="lower")
            _plane(ax, name)


def cost(path, one, jumps, steps):
    """Share near a mode and evaluations of a network: {name: (evaluations, shares)}, and of diffusion's two ways."""
    with figure_to(path, (10, 3.4)) as figure:
        ax = figure.subplots()
        ax.plot(*_mean(jumps), "o-", color=CLASSES[4], label="diffusion, no noise on the way")
        ax.plot(*_mean(steps), "s", ms=8, color=CLASSES[4], label="diffusion, all steps, with noise")
        for (name, (calls, shares)), color in zip(one.items(), CLASSES, strict=False):
            ax.plot(calls, 100 * np.mean(shares), "D", ms=7, color=color, label=name)
        ax.set(xscale="log", xlabel="evaluations of a network for one sample", ylabel="near a mode, %", ylim=(0, 100))
        ticks = [1, 2, 4, 10, 20, 50]
        ax.set_xticks(ticks, [str(tick) for tick in ticks])
        ax.minorticks_off()
        ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))


def _mean(pair):
    calls, shares = pair
    return calls, 100 * np.mean(shares, axis=0)


def coverage(path, shares, expected):
    """{name: shares of the modes (seeds, K)}, bars for the mean and a dot for each seed, and where all should be."""
    with figure_to(path, (10.5, 2.7)) as figure:
        axes = figure.subplots(1, len(shares), sharey=True)
        for ax, (name, of), color in zip(axes, shares.items(), CLASSES, strict=False):
            of = 100 * np.array(of)
            ax.bar(range(of.shape[1]), of.mean(axis=0), color=color, alpha=0.35)
            for row in of:
                ax.plot(row, ".", ms=5, color=color)
            ax.axhline(100 * expected, color="black", ls="--", lw=1)
            ax.set(title=name, xlabel="mode", xticks=range(of.shape[1]))
        axes[0].set_ylabel("share of samples, %")

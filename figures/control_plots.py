"""The pictures of figures.control."""

import numpy as np

from minivae.evaluate import completions
from minivae.plot import BLUE, CLASSES, GREY, ORANGE, Tiles, figure_to
from minivae.plot.grids import draw_images


def draw_rate(by_method, titles, path):
    """KL against -log p(x | z), and total correlation against log p(x | z): a point for each run of {method: runs}."""
    betas = [method for method in by_method if method.startswith("beta")]
    others = [method for method in by_method if method not in betas]
    colors = dict(zip(others, CLASSES[1:], strict=False)) | dict.fromkeys(betas, BLUE)
    with figure_to(path, (10, 4.2)) as figure:
        rate, correlation = figure.subplots(1, 2)
        for ax, x, y in ((rate, "kl", "log_px_z"), (correlation, "log_px_z", "total_correlation")):
            sign = -1 if ax is rate else 1
            means = sorted((np.mean([m[x] for m in by_method[b]]), sign * np.mean([m[y] for m in by_method[b]]))
                           for b in betas)  # fmt: skip
            if means:
                ax.plot(*zip(*means, strict=True), color=GREY, lw=1, zorder=1)
            for method, runs in by_method.items():
                label = "beta-VAE" if method in betas else titles[method]
                label = label if method not in betas[1:] else None
                ax.plot([m[x] for m in runs], [sign * m[y] for m in runs], "o" if method in betas else "s", ms=5,
                        color=colors[method], label=label, alpha=0.8)  # fmt: skip
        for b in betas:
            at = np.mean([m["kl"] for m in by_method[b]]), -np.mean([m["log_px_z"] for m in by_method[b]])
            rate.annotate(b.removeprefix("beta"), at, (6, 5), textcoords="offset points", fontsize=9)
        rate.set(xlabel="rate: KL(q(z | x) || p(z)), nats", ylabel="distortion: -log p(x | z), nats",
                 title="what is kept and what is lost; numbers are beta")  # fmt: skip
        correlation.set(xlabel="reconstruction: log p(x | z), nats", ylabel="total correlation of q(z), nats",
                        title="total correlation at that reconstruction")  # fmt: skip
        handles, names = rate.get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=3)


def draw_scores(by_method, titles, scores, path):
    """A panel for each score: a point for each run, and a line at the mean of each method."""
    with figure_to(path, (12, 3.6)) as figure:
        axes = figure.subplots(1, len(scores), squeeze=False)[0]
        y = np.arange(len(by_method))[::-1]
        for ax, score in zip(axes, scores, strict=True):
            for at, runs in zip(y, by_method.values(), strict=True):
                values = [m["scores"][score] for m in runs]
                ax.plot(values, [at] * len(values), "o", ms=4, color=BLUE, alpha=0.7)
                ax.plot([np.mean(values)] * 2, [at - 0.3, at + 0.3], color=ORANGE, lw=2)
            ax.set(title=score, yticks=y, yticklabels=[])
            ax.margins(x=0.15)
        axes[0].set_yticklabels([titles[method] for method in by_method], fontsize=8)
        figure.suptitle("scores of each seed (dots) and their mean (bar)", fontsize=11)


def draw_capacity(curves, path):
    """KL and C over the epochs, of {run: [(KL in training, mean C, KL in validation, C)]}."""
    with figure_to(path, (5.4, 3.4)) as figure:
        ax = figure.subplots()
        for i, curve in enumerate(curves.values()):
            kl, _, held_out, C = np.array(curve).T
            epochs = np.arange(1, len(kl) + 1)
            ax.plot(epochs, held_out, color=GREY, lw=0.8, label=None if i else "KL, validation, after an epoch")
            ax.plot(epochs - 0.5, kl, color=BLUE, lw=1.5, label=None if i else "KL, training, mean of an epoch")
        ax.plot(epochs, C, "--", color=ORANGE, lw=1.5, label="C(t)")
        ax.set(xlabel="epoch", ylabel="nats", title=f"the KL follows the capacity, {len(curves)} seeds")
        ax.legend()


def draw_completions(pairs, path, n=6, S=5):
    """Digits of the test split from 1, 2 and 3 quadrants: what is given, the net's mean, S of the CVAE, and the truth.

    `pairs`: for each number of quadrants the Run of a net and that of a CVAE.
    """
    with figure_to(path, (5.4 * len(pairs), 0.7 * n + 0.9)) as figure:
        for ax, runs in zip(figure.subplots(1, len(pairs), squeeze=False)[0], pairs, strict=True):
            p = runs[1].protocol
            x, y = (part[:n] for part in runs[1].read_data().test())
            net, cvae = (completions(run.load_model()[0], p, x, y, count, np.random.default_rng(0))
                         for run, count in zip(runs, (1, S), strict=True))  # fmt: skip
            bands = np.concatenate([net[:, :2], cvae[:, 1:]], axis=1)  # (n, 3 + S, D)
            tops = ["given", "net", *[""] * (S // 2), "CVAE", *[""] * (S - 1 - S // 2), "truth"]
            draw_images(ax, list(bands), Tiles(p.shape, n, 3 + S), tops=tops)
            ax.set_title(f"{p.quadrants} quadrant{'s' * (p.quadrants > 1)}")


def draw_errors(errors, path):
    """A line of points for each way {what: errors in %}, and a bar at their mean."""
    with figure_to(path, (6.6, 0.6 * len(errors) + 1.1)) as figure:
        ax = figure.subplots()
        y = np.arange(len(errors))[::-1]
        for at, values in zip(y, errors.values(), strict=True):
            ax.plot(values, [at] * len(values), "o", color=BLUE, alpha=0.7)
            ax.plot([np.mean(values)] * 2, [at - 0.3, at + 0.3], color=ORANGE, lw=2)
        ax.set(yticks=y, yticklabels=[what.replace("\\|", "|") for what in errors], xlim=(0, None),
               xlabel="test error in %: draws (dots), mean (bar)")  # fmt: skip

"""Drawings of lesson 3: sizes of signals on their way through the layers, and trainings."""

import numpy as np

from ..style import BLUE, CLASSES, GREY, ORANGE, figure_to


def signals(path, measured, predicted):
    """{start: (sizes forward, backward)} by layer, and curves of predicted sizes."""
    colors = ORANGE, CLASSES[3], BLUE, CLASSES[4], CLASSES[2]
    with figure_to(path, (10, 3.8)) as figure:
        left, right = figure.subplots(1, 2, sharex=True)
        for (name, (forward, backward)), color in zip(measured.items(), colors, strict=True):
            layer = np.arange(1, len(forward) + 1)
            left.semilogy(layer, forward, color=color, label=name)
            right.semilogy(layer, backward, color=color)
        for sizes in predicted:
            left.semilogy(layer, sizes, "k--", lw=1)
        left.plot([], [], "k--", lw=1, label="predicted")
        left.set(title="forward: activations a", xlabel="layer", ylabel="root mean square")
        right.set(title="backward: gradients, from right to left", xlabel="layer", ylabel="root mean square")
        left.set_xticks([1, 5, 10, 15, 20])
        figure.legend(loc="outside lower center", ncols=3)


def normalized(path, with_norm, without):
    """{start: (sizes forward, backward)} by layer, with LayerNorm and without."""
    with figure_to(path, (10, 3.6)) as figure:
        axes = figure.subplots(1, 2, sharex=True, sharey=True)
        for name, color, width in zip(with_norm, (ORANGE, BLUE, CLASSES[3]), (8, 4.5, 1.5), strict=True):
            for ax, level, other in zip(axes, with_norm[name], without[name], strict=True):
                layer = np.arange(1, len(level) + 1)
                ax.semilogy(layer, level, color=color, lw=width, label=name)
                ax.semilogy(layer, other, ":", color=color, lw=1.2)
        axes[0].plot([], [], ":", color=GREY, lw=1.2, label="without LayerNorm (a)")
        axes[0].set(title="forward: h after each block", xlabel="layer", ylabel="root mean square")
        axes[1].set(title="backward: gradients, from right to left", xlabel="layer")
        axes[0].set_xticks([1, 5, 10, 15, 20])
        axes[0].legend(loc="lower left", fontsize=9)


def training(path, runs, starts):
    """{(start, with LayerNorm or not): losses}; the `starts` are in the order of their colors."""
    colors = dict(zip(starts, (ORANGE, CLASSES[4], BLUE, CLASSES[3]), strict=True))
    with figure_to(path, (10, 3.6)) as figure:
        axes = figure.subplots(1, 2, sharey=True)
        for (name, norm), losses in runs.items():
            smooth = np.convolve(losses, np.ones(10) / 10, "valid")
            axes[int(norm)].plot(smooth, "--" if "Xavier" in name else "-", color=colors[name], label=name)
        for ax, title in zip(axes, ("without LayerNorm", "with LayerNorm"), strict=True):
            ax.axhline(np.log(10), color=GREY, ls=":", lw=1.2)
            ax.set(title=title, xlabel="step", ylim=(0, 2.8))
            ax.legend(loc="lower left")
        axes[0].set_ylabel("loss (nats), mean of 10 steps")

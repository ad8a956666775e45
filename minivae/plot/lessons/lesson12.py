"""Drawings of lesson 12."""

from ..style import BLUE, ORANGE, figure_to


def curves(path, logged):
    """The logged loss of each program, {name: nats of each epoch}; the last one is right code."""
    *_, right = logged
    with figure_to(path, (10, 3.6)) as figure:
        for ax, (name, nats) in zip(figure.subplots(2, 4).flat, logged.items(), strict=False):
            ax.plot(range(1, len(nats) + 1), nats, color=BLUE if name == right else ORANGE)
            ax.set(title=name, xticks=(1, 10, 20))
        figure.axes[-1].set_visible(False)
        figure.suptitle("what each program logs as its loss; every axis has its own numbers", fontsize=11)
        figure.supxlabel("epoch", fontsize=10)
        figure.supylabel("logged loss (nats)", fontsize=10)

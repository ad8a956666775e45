"""The pictures of figures.codes."""

from minivae.plot import CLASSES, figure_to


def draw_curves(curves, path):
    """-ELBO of the validation images over the epochs, of {what: [nats]}."""
    with figure_to(path, (6.4, 3.6)) as figure:
        ax = figure.subplots()
        for color, (what, values) in zip(CLASSES, curves.items(), strict=False):
            ax.plot(range(1, len(values) + 1), values, color=color, label=what)
        ends = [values[-1] for values in curves.values()]
        ax.set(xlabel="epoch", ylabel="-ELBO, validation, nats", ylim=(min(ends) - 3, max(ends) + 25))
        ax.legend()

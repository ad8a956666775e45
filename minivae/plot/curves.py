"""Learning curves, of one run or of several."""

from ..models.base import METRICS
from .style import BLUE, CLASSES, ORANGE, figure_to

ACROSS = 4  # panels side by side, at most


def learning_curves(history, path, metrics=METRICS):
    """Each metric apart, training and validation: `history` as fit returns it, `metrics` {name: Metric} of the model.

    Of a VAE ELBO, reconstruction and KL: a KL that falls to 0 while the reconstruction stops improving is a collapsed
    posterior.
    """
    curves = [(split, color, _points(history, split)) for split, color in (("train", BLUE), ("validation", ORANGE))]
    _panels([curve for curve in curves if curve[2]], path, metrics)


def comparison(histories, path, metrics=METRICS):
    """The same panels for several runs, {name: history}: validation metrics, or training ones where there are none."""
    split = "validation" if all("validation" in line for h in histories.values() for line in h) else "train"
    colors = [CLASSES[i % len(CLASSES)] for i in range(len(histories))]
    curves = [(n, c, _points(h, split)) for (n, h), c in zip(histories.items(), colors, strict=True)]
    _panels(curves, path, metrics, f"{split} split")


def _points(history, split):
    """{metric: (epochs, values)} of one split; a loss, whose weights may change on the way, has no curve."""
    points = {}
    for line in history:
        for name, value in line.get(split, {}).items():  # a line of an older version may lack some
            if not name.startswith("loss"):
                epochs, values = points.setdefault(name, ([], []))
                epochs.append(line["epoch"])
                values.append(value)
    return points


def _panels(curves, path, metrics, title=None):
    """A panel per metric with all curves (name, color, points); long names go below the panels."""
    below = len(curves) > 2 or max(len(name) for name, _, _ in curves) > 12
    panels = list(dict.fromkeys(name for _, _, points in curves for name in points))
    rows = -(-len(panels) // ACROSS)
    with figure_to(path, (10.5, 3.2 * rows + 0.22 * len(curves) * below)) as figure:
        from matplotlib.lines import Line2D

        axes = figure.subplots(rows, -(-len(panels) // rows), squeeze=False).ravel()
        for ax in axes[len(panels) :]:
            ax.remove()
        for ax, metric in zip(axes, panels, strict=False):
            for _, color, points in curves:
                if metric in points:  # dots for short runs, where single epochs can be told apart
                    epochs, values = points[metric]
                    ax.plot(epochs, values, "-o", ms=3 * (len(epochs) <= 30), color=color)
            label, _, unit = metrics[metric]
            ax.set(title=label, xlabel="epoch", ylabel=f"{unit} per example")
            ax.xaxis.get_major_locator().set_params(integer=True)
        lines = [Line2D([], [], color=color) for _, color, _ in curves]  # a panel may lack some of them
        names = [name.encode(errors="replace").decode() for name, _, _ in curves]  # of a folder: it may be no UTF-8
        names = [f"./{name}" if name.startswith("_") else name for name in names]
        where = {"loc": "outside lower center", "title": title} if below else {}
        legend = (figure if below else axes[0]).legend(lines, names, **where)
        for text in legend.get_texts():  # a name may hold a $
            text.set_parse_math(False)

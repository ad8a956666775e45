"""Samples against data: how precise and how varied, and the nearest training rows."""

from .grids import image_grid, pairs_of_rows
from .style import BLUE, ORANGE, figure_to

PAIRS = (("recall", "precision"), ("coverage", "density"))  # across, up
COLUMNS, CURVES = 10, 3  # images, or panels of curves, of each kind


def draw_manifold_scores(made, real, path):
    """Precision against recall, and density against coverage, a dot for each set: lists of dicts of the four numbers.

    `made` are sets of samples, `real` of training rows, each against the same held-out rows.
    """
    kinds = (made, BLUE, "o", "samples"), (real, ORANGE, "s", "training rows")
    with figure_to(path, (9, 4.2)) as figure:
        for ax, (across, up) in zip(figure.subplots(1, 2), PAIRS, strict=True):
            for sets, color, marker, label in kinds:
                at = [[scores[name] for scores in sets] for name in (across, up)]
                ax.scatter(*at, s=36, color=color, marker=marker, alpha=0.6, linewidths=0, label=label)
            top = max(1.0, *(scores[up] for scores in (*made, *real)))
            ax.set(xlim=(0, 1.02), ylim=(0, 1.02 * top), title=f"{up} against {across}, of each set")
            ax.set(xlabel=f"{across}: how much of the data is met", ylabel=f"{up}: how much lies among data")
            ax.legend(loc="lower left")


def draw_neighbors(bands, shape, path):
    """Samples and, directly below each, the training row that is nearest: bands [(sample (n, D), row (n, D)), ...].

    Those of the first pair are any, those of the second the ones nearest to training rows.
    """
    if len(shape) == 3:
        rows = [part[:COLUMNS] for pair in bands for part in pair]
        title = "samples and their nearest training rows: any above, those nearest of all below"
        image_grid(rows, shape, path, title, ["sample", "nearest"])
    else:
        shown = [(row, sample) for pair in bands for sample, row in list(zip(*pair, strict=True))[:CURVES]]
        title = "samples (blue) and their nearest training rows (grey): any above, those nearest of all below"
        pairs_of_rows(shown, shape, path, title)

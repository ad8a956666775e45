"""Samples against data: how precise and how varied, and the nearest training rows."""

from .grids import image_grid, pairs_of_rows
from .style import BLUE, ORANGE, figure_to

PAIRS = (("recall", "precision"), ("coverage", "density"))  # across, up
COLUMNS = 10


def draw_manifold_scores(made, real, path):
    """Precision against recall, and density against coverage, a dot for each set: lists of dicts of the four numbers.

    `made` are sets of samples, `real` of training rows, each against the same held-out rows.
    """
    with figure_to(path, (9, 4.2)) as figure:
        for ax, (across, up) in zip(figure.subplots(1, 2), PAIRS, strict=True):
            for sets, color, marker, label in (
                (made, BLUE, "o", "samples"),
                (real, ORANGE, "s", "training rows"),
            ):
                ax.scatter(
                    [scores[across] for scores in sets],
                    [scores[up] for scores in sets],
                    s=36,
                    color=color,
                    marker=marker,
                    alpha=0.6,
                    linewidths=0,
                    label=label,
                )
            top = max(1.0, *(scores[up] for scores in (*made, *real)))
            ax.set(xlim=(0, 1.02), ylim=(0, 1.02 * top), title=f"{up} against {across}")
            ax.set(xlabel=f"{across}: how much of the data is met", ylabel=f"{up}: how much lies among data")
            ax.legend(loc="lower left")


def draw_neighbors(bands, shape, path):
    """Samples and, directly below each, the training row that is nearest: bands [(sample (n, D), row (n, D)), ...].

    Those of the first pair are any, those of the second the ones nearest to training rows.
    """
    title = "samples, and below each its nearest training row: {} any samples, {} those nearest of all"
    if len(shape) == 3:
        rows = [part[:COLUMNS] for pair in bands for part in pair]
        image_grid(rows, shape, path, title.format("above", "below"), ["sample", "nearest"])
    else:
        shown = [rows for pair in bands for rows in list(zip(*pair, strict=True))[:4]]
        pairs_of_rows([(row, made) for made, row in shown], shape, path,
                      "samples (blue) and their nearest training rows (grey): four any, four nearest of all")  # fmt: skip

"""Pictures of images of which some quadrants are given."""

from .. import plot
from ..backend import generator
from ..evaluate import completions
from .decoding import in_tiles, shape_of

COMPLETIONS = 6  # of an image


def draw_completions(run, model, n, seed, path, title, seen, draw=False):
    """About n completions of the first images of the split `seen`, a row each; one of each where nothing is random."""
    S = 1 if model.latent is None and not draw else COMPLETIONS
    x, y = (part[: max(1, n // COMPLETIONS)] for part in seen)
    rng, noise = generator(seed, "sample"), generator(seed, "sample", 1) if draw else None
    tiles = plot.Tiles(shape_of(run), len(x), S + 2)

    def complete(rows):
        return completions(model, run.protocol, x[rows], y[rows], S, rng, noise)

    bands = in_tiles(path, tiles, len(x), complete)  # (n, S + 2, d)
    plot.walks(list(bands), shape_of(run), path, title, (), ["given", *[""] * S, "truth"])

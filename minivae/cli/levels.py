"""Samples of a hierarchy of latents: what a level leaves to those below it."""

from .. import plot
from ..backend import generator, place
from ..options import whole
from .arrays import DATA
from .decoding import decoded, shape_of


def draw_levels(run, model, n, seed, path, level, draw):
    """About n samples, whose rows share the levels from `level` up."""
    if model.levels is None or len(model.levels) < 2:
        raise ValueError(f"level: expected a model of two levels or more, got {run.settings['model']}")
    level = whole(2, len(model.levels))("level", level)
    if path.suffix.lower() in DATA or run.protocol.columns is not None or draw:
        raise ValueError("level: expected a picture of images or rows, without --draw")
    rows, columns = plot.square(n)
    tiles = plot.Tiles(shape_of(run), rows, columns)
    bands = _sampled(path, model, level, rows, columns, seed, tiles)
    top, down = (", ".join(f"z{i}" for i in part) for part in (range(level, len(model.levels) + 1), range(1, level)))
    plot.walks(bands, shape_of(run), path, f"samples: in a row the same {top}, new draws of {down}", [""] * rows)


def _sampled(path, model, level, rows, columns, seed, tiles):
    """[(columns, d)] of each row, in which all have the same levels from `level` up; those below are drawn anew."""
    rng = generator(seed, "sample")
    z, noise = (place(model.prior.draw_noise(rng, n), like=model.theta) for n in (rows, rows * columns))
    z = model.prior.draw(z).repeat(columns, axis=0)
    return list(decoded(path, model, model.prior.draw_below(level, z, noise).reshape(rows, columns, -1), tiles))

"""Grids of images, or of small curves where an example is a row of a table."""

import math
from contextlib import contextmanager

import numpy as np

from .style import BLUE, GREY, figure_to
from .tiles import Tiles


def value_range(parts):
    """What is drawn black and what white: 0 and 1 where all values are between them."""
    low, high = min(part.min() for part in parts), max(part.max() for part in parts)
    return (0, 1) if low >= 0 and high <= 1 else (low, high)


def tiles_of(bands, shape):
    """How examples of a shape are shown in a grid of which each band (n, D) is a row."""
    return Tiles(shape, len(bands), max(map(len, bands)))


def _canvas(bands, tiles):
    """(picture (H, W, 3) of a grid of images, the space between them)."""
    bands = [tiles.reduce(band) for band in bands]
    low, high = value_range(bands)
    h, w = tiles.size
    gap = max(1, round(h / 14))
    columns = max(map(len, bands))
    canvas = np.ones((len(bands) * (h + gap) - gap, columns * (w + gap) - gap, 3), "float32")
    for i, band in enumerate(bands):
        for j, image in enumerate(tiles.images((band - low) / max(high - low, 1e-12))):
            canvas[i * (h + gap) : i * (h + gap) + h, j * (w + gap) : j * (w + gap) + w] = image[:, :, :3]
    return canvas.clip(0, 1), gap


def draw_images(ax, bands, tiles, labels=(), tops=()):
    """A grid of images; `labels` repeat down the left side, `tops` stand above the columns."""
    h, w = tiles.size
    canvas, gap = _canvas(bands, tiles)
    ax.imshow(canvas, interpolation="nearest")
    ax.grid(False)
    ax.spines[:].set_visible(False)
    rows = range(len(bands) if labels else 0)
    ax.set_yticks([i * (h + gap) + (h - 1) / 2 for i in rows], [labels[i % len(labels)] for i in rows])
    ax.set_xticks([j * (w + gap) + (w - 1) / 2 for j in range(len(tops))], tops)
    ax.tick_params(length=0, labeltop=True, labelbottom=False)


def image_grid(bands, shape, path, title, labels=(), tops=()):
    """A picture of one grid of images."""
    tiles = tiles_of(bands, shape)
    title += tiles.note
    h, w = tiles.size
    columns = max(map(len, bands))
    scale = 6.4 / max(len(bands) * h, columns * w)
    margin = 0.9 + 0.07 * max(map(len, labels), default=0)
    width = max(columns * w * scale + margin, 0.08 * max(map(len, title.split("\n"))))
    height = len(bands) * h * scale + 0.4 + 0.2 * bool(tops) + 0.25 * title.count("\n")
    with figure_to(path, (width, height)) as figure:
        ax = figure.subplots()
        draw_images(ax, bands, tiles, labels, tops)
        ax.set_title(title)
        if tiles.note:
            ax.set_anchor("N")  # the layout sees how much room a longer title needs


def draw_rows(ax, rows, tiles):
    """Rows (n, D) over their columns, colored from the first to the last."""
    import matplotlib

    for i, row in enumerate(tiles.reduce(rows)):
        color = matplotlib.colormaps["viridis"](i / max(len(rows) - 1, 1))
        ax.plot(tiles.columns, tiles.curve(row), lw=1.2, color=color)
    number_columns(ax, tiles)


def bands_of_rows(bands, shape, path, title, labels):
    """A panel for each band of rows."""
    tiles = Tiles(shape)
    with _curve_panels(len(bands), tiles, path, (9, 6.5), title + ", from dark to light") as axes:
        for i, (ax, band) in enumerate(zip(axes, bands, strict=True)):
            draw_rows(ax, band, tiles)
            ax.set_title(labels[i % len(labels)])


def pairs_of_rows(pairs, shape, path, title):
    """Rows of a table as small curves over their columns: (x, x_hat or None) each."""
    tiles = Tiles(shape)
    with _curve_panels(len(pairs), tiles, path, (8, 6), title) as axes:
        for ax, pair in zip(axes, pairs, strict=True):
            for row, color in zip(pair, (GREY, BLUE) if pair[1] is not None else (BLUE, GREY), strict=True):
                if row is not None:
                    ax.plot(tiles.columns, tiles.curve(tiles.reduce(row)), "-o", ms=2, lw=1.2, color=color)


@contextmanager
def _curve_panels(n, tiles, path, size, title):
    """The axes of n panels in a square, for curves over the columns of a table."""
    side = math.ceil(math.sqrt(n))
    with figure_to(path, size) as figure:
        axes = figure.subplots(-(-n // side), side, sharex=True, sharey=True, squeeze=False)
        for ax in axes.flat[n:]:
            ax.set_visible(False)
        yield axes.flat[:n]
        number_columns(axes[0, 0], tiles)
        figure.supxlabel(tiles.axis)
        figure.supylabel("value")
        figure.suptitle(title, fontsize=11)


def number_columns(ax, tiles):
    """Whole numbers below the columns, few where they are long; below the channels of a signal theirs."""
    if len(tiles.full) == 2:
        T, c = tiles.full
        channels = range(0, c, -(-c // 6))
        ax.set_xticks([i * tiles.pitch + (T - 1) / 2 for i in channels], channels)
        return
    ax.xaxis.get_major_locator().set_params(integer=True, nbins=3 if tiles.note else "auto")

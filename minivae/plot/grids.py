"""Grids of images, or of small curves where an example is a row of a table."""

import math
from contextlib import contextmanager

import numpy as np

from .style import BLUE, GREY, figure_to


def value_range(parts):
    """What is drawn black and what white: 0 and 1 where all values are between them."""
    low, high = min(part.min() for part in parts), max(part.max() for part in parts)
    return (0, 1) if low >= 0 and high <= 1 else (low, high)


def _canvas(bands, shape):
    """(picture (H, W, 3) of a grid of images, the space between them): each band (n, D) is one row of it."""
    h, w, c = shape
    low, high = value_range(bands)
    columns = max(len(band) for band in bands)
    gap = max(1, round(h / 14))
    canvas = np.ones((len(bands) * (h + gap) - gap, columns * (w + gap) - gap, 3), "float32")
    for i, band in enumerate(bands):
        for j, row in enumerate((band - low) / max(high - low, 1e-12)):
            image = row.reshape(h, w, c)
            image = image[:, :, :3] if c >= 3 else np.repeat(image.mean(axis=2, keepdims=True), 3, axis=2)
            canvas[i * (h + gap) : i * (h + gap) + h, j * (w + gap) : j * (w + gap) + w] = image
    return canvas.clip(0, 1), gap


def draw_images(ax, bands, shape, labels=(), tops=()):
    """A grid of images; `labels` repeat down the left side, `tops` stand above the columns."""
    h, w, _ = shape
    canvas, gap = _canvas(bands, shape)
    ax.imshow(canvas, interpolation="nearest")
    ax.grid(False)
    ax.spines[:].set_visible(False)
    rows = range(len(bands) if labels else 0)
    ax.set_yticks([i * (h + gap) + (h - 1) / 2 for i in rows], [labels[i % len(labels)] for i in rows])
    ax.set_xticks([j * (w + gap) + (w - 1) / 2 for j in range(len(tops))], tops)
    ax.tick_params(length=0, labeltop=True, labelbottom=False)


def image_grid(bands, shape, path, title, labels=(), tops=()):
    """A picture of one grid of images."""
    h, w, _ = shape
    columns = max(len(band) for band in bands)
    scale = 6.4 / max(len(bands) * h, columns * w)
    margin = 0.9 + 0.07 * max(map(len, labels), default=0)
    with figure_to(path, (columns * w * scale + margin, len(bands) * h * scale + 0.4 + 0.2 * bool(tops))) as figure:
        ax = figure.subplots()
        draw_images(ax, bands, shape, labels, tops)
        ax.set_title(title)


def draw_rows(ax, rows):
    """Rows (n, D) over their columns, colored from the first to the last."""
    import matplotlib

    for i, row in enumerate(rows):
        ax.plot(np.arange(len(row)), row, lw=1.2, color=matplotlib.colormaps["viridis"](i / max(len(rows) - 1, 1)))
    ax.xaxis.get_major_locator().set_params(integer=True)


def bands_of_rows(bands, path, title, labels):
    """A panel for each band of rows."""
    with _curve_panels(len(bands), path, (9, 6.5), title + ", from dark to light") as axes:
        for i, (ax, band) in enumerate(zip(axes, bands, strict=True)):
            draw_rows(ax, band)
            ax.set_title(labels[i % len(labels)])


def pairs_of_rows(pairs, path, title):
    """Rows of a table as small curves over their columns: (x, x_hat or None) each."""
    with _curve_panels(len(pairs), path, (8, 6), title) as axes:
        for ax, pair in zip(axes, pairs, strict=True):
            for row, color in zip(pair, (GREY, BLUE) if pair[1] is not None else (BLUE, GREY), strict=True):
                if row is not None:
                    ax.plot(np.arange(len(row)), row, "-o", ms=2, lw=1.2, color=color)


@contextmanager
def _curve_panels(n, path, size, title):
    """The axes of n panels in a square, for curves over the columns of a table."""
    side = math.ceil(math.sqrt(n))
    with figure_to(path, size) as figure:
        axes = figure.subplots(-(-n // side), side, sharex=True, sharey=True, squeeze=False)
        for ax in axes.flat[n:]:
            ax.set_visible(False)
        yield axes.flat[:n]
        axes[0, 0].xaxis.get_major_locator().set_params(integer=True)
        figure.supxlabel("column")
        figure.supylabel("value")
        figure.suptitle(title, fontsize=11)

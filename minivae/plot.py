"""Pictures: one style, one palette, labeled axes with units. Each function writes one file, always the same bytes."""

import io
import math
import warnings
from contextlib import contextmanager

import numpy as np

from .checkpoint import write_atomic
from .evaluate import principal_plane

BLUE, ORANGE, GREY = "#2a6fbb", "#d9722e", "#8a8f98"
CLASSES = ("#2a6fbb", "#d9722e", "#3a9a5b", "#c0392b", "#7d5ba6", "#8c6d46", "#d678a8", "#7a7f87", "#b5b035", "#35a9b5")
STYLE = {
    "figure.dpi": 100, "savefig.dpi": 100, "font.size": 10, "axes.titlesize": 11, "axes.spines.top": False,
    "axes.spines.right": False, "axes.grid": True, "grid.alpha": 0.25, "legend.frameon": False, "lines.linewidth": 1.8,
}  # fmt: skip
PANELS = (("elbo", "ELBO"), ("log_px_z", "reconstruction, log p(x | z)"), ("kl", "KL(q(z | x) || p(z))"))


def learning_curves(history, path):
    """ELBO, reconstruction and KL apart, training and validation, in nats: `history` as fit returns it.

    A KL that falls to 0 while the reconstruction stops improving is a collapsed posterior.
    """
    curves = [(split, color, _points(history, split)) for split, color in (("train", BLUE), ("validation", ORANGE))]
    _panels([curve for curve in curves if curve[2]], path)


def comparison(histories, path):
    """The same panels for several runs, {name: history}: validation metrics, or training ones where there are none."""
    split = "validation" if all("validation" in line for h in histories.values() for line in h) else "train"
    colors = [CLASSES[i % len(CLASSES)] for i in range(len(histories))]
    curves = [(n, c, _points(h, split)) for (n, h), c in zip(histories.items(), colors, strict=True)]
    _panels(curves, path, f"{split} split")


def samples(x_hat, shape, path, title="samples: decoded draws from the prior"):
    """A square of generated examples: x_hat (n, D) of shape (h, w, c), drawn as images, or (D,), drawn as curves."""
    columns = math.ceil(math.sqrt(len(x_hat)))
    if len(shape) == 3:
        _image_rows([x_hat[i : i + columns] for i in range(0, len(x_hat), columns)], shape, path, title)
    else:
        _curves([(x_hat[i], None) for i in range(min(len(x_hat), 9))], path, title)


def reconstructions(x, x_hat, shape, path, columns=10):
    """Originals and, directly below each, their reconstructions: x, x_hat (n, D)."""
    title = "reconstructions: x above, x_hat = decode(mu) below"
    if len(shape) == 3:
        bands = [part[i : i + columns] for i in range(0, len(x), columns) for part in (x, x_hat)]
        _image_rows(bands, shape, path, title, ["x", "x_hat"])
    else:
        pairs = list(zip(x[:9], x_hat[:9], strict=True))
        _curves(pairs, path, "reconstructions: x (grey), x_hat = decode(mu) (blue)")


def walks(bands, shape, path, title, labels, tops=()):
    """Decoded walks through the latent space, bands of x_hat (steps, D): a row of images or a panel of curves each.

    `labels` name the walks, `tops` the first and the last columns.
    """
    if len(shape) == 3:
        _image_rows(bands, shape, path, title, labels, tops)
    else:
        _curve_bands(bands, path, title, labels)


def latent_means(mu, y, path, grid=None, shape=None):
    """Where the encoder puts examples, mu (N, L), colored by class y (N,) if there are any.

    Two latents are shown as they are, one against the examples' order, more by their first two principal components.
    `grid` (n, m, D), decoded from Gaussian quantiles of that plane, first row at the top, is drawn beside it.
    """
    points, _, _, share = principal_plane(mu)
    if mu.shape[1] == 1:
        points, names = np.concatenate([mu, np.arange(len(mu))[:, None]], axis=1), ["mu[0]", "example"]
    elif share is None:
        names = ["mu[0]", "mu[1]"]
    else:
        names = [f"principal component {i + 1} of mu ({r:.0%} of the variance)" for i, r in enumerate(share)]
    with figure_to(path, (6.4, 5.4) if grid is None else (12, 5.4)) as figure:
        *left, ax = figure.subplots(1, 1 if grid is None else 2, squeeze=False)[0]
        if grid is not None and len(shape) == 3:
            _draw_images(left[0], list(grid), shape)
            left[0].set(title="decoded Gaussian quantiles of the plane beside", xlabel=names[0])
            left[0].set_ylabel("" if mu.shape[1] == 1 else names[1])
        elif grid is not None:
            _draw_curves(left[0], grid[:, len(grid[0]) // 2])
            left[0].set(title="decoded Gaussian quantiles along the vertical axis", ylabel="value", xlabel="column")
        _draw_classes(figure, ax, points[:, :2], y)
        ax.set(title="latent means, one dot per example", xlabel=names[0], ylabel=names[1])


def uncertainty(x, x_hat, draws, mu, std, y, shape, path, names):
    """What the posterior leaves open. Left: x, x_hat = decode(mu), some decodings of z ~ q(z | x), their spread.

    x, x_hat (n, D), draws (S, n, D). Right: the posteriors of the same examples as ellipses of one and two standard
    deviations, mu, std (N, 2) or (N, 1) of the latents called `names`, among the means of all N examples.
    """
    from matplotlib.patches import Ellipse

    if mu.shape[1] == 1:
        order = np.arange(len(mu), dtype=mu.dtype)[:, None]
        mu, std, names = np.hstack([mu, order]), np.hstack([std, 0 * order + 0.3]), [*names, "example"]
    spread = draws.std(axis=0)
    top = float(spread.max())
    with figure_to(path, (12, 5.4)) as figure:
        left, ax = figure.subplots(1, 2, width_ratios=(1.35, 1))
        if len(shape) == 3:
            low, high = _range([x, x_hat, draws])
            shown = low + (high - low) * spread / max(top, 1e-12)
            bands = [np.stack([x[i], x_hat[i], *draws[:7, i], shown[i]]) for i in range(len(x))]
            tops = ["x", "x_hat", *[""] * (len(bands[0]) - 3), "spread"]
            _draw_images(left, bands, shape, [str(i + 1) for i in range(len(x))], tops)
            left.set_title("decodings of z ~ q(z | x) between x_hat and their standard deviation")
            left.set_xlabel(f"spread: pixel-wise standard deviation, white is {top:.2f}")
        else:
            columns = np.arange(x.shape[1])
            left.plot(columns, x[0], "-o", ms=3, color=GREY, label="x")
            left.plot(columns, x_hat[0], color=BLUE, label="x_hat = decode(mu)")
            band = draws[:, 0].mean(axis=0) + 2 * spread[0] * np.array([[-1], [1]])
            left.fill_between(columns, *band, color=BLUE, alpha=0.2, lw=0, label="two standard deviations of decodings")
            left.set(title="one example", xlabel="column", ylabel="value")
            left.legend()
        _draw_classes(figure, ax, mu, y, alpha=0.4)
        for i in range(len(x)):
            for width in (2, 4):
                ax.add_patch(Ellipse(mu[i], *(width * std[i]), fill=False, ec="black", lw=2.4 / width))
            ax.annotate(str(i + 1), mu[i], ha="center", va="center", weight="bold")
        ax.set(title="posteriors q(z | x): one and two standard deviations", xlabel=names[0], ylabel=names[1])


def animation(frames, path, seconds=0.25):
    """PNG pictures as one GIF that runs for ever, the last one shown longer."""
    from PIL import Image

    try:
        images = [Image.open(frame).convert("RGB") for frame in frames]
    except OSError as error:
        raise ValueError(f"run: its pictures cannot be read ({error})") from None
    size = tuple(max(image.size[i] for image in images) for i in (0, 1))
    pages = []
    for image in images:
        page = Image.new("RGB", size, "white")
        page.paste(image)
        pages.append(page.quantize(64, dither=Image.Dither.NONE))
    content, ms = io.BytesIO(), round(1000 * seconds)
    pages[0].save(content, "GIF", save_all=True, append_images=pages[1:], loop=0,
                  duration=[ms] * (len(pages) - 1) + [8 * ms])  # fmt: skip
    write_atomic(path, content.getvalue())


def _points(history, split):
    """{metric: (epochs, values)} of one split, of the metrics that the model has."""
    lines = [line for line in history if split in line]
    names = [name for name, _ in PANELS if lines and name in lines[0][split]]
    return {name: ([line["epoch"] for line in lines], [line[split][name] for line in lines]) for name in names}


def _panels(curves, path, title=None):
    """A panel per metric with all curves (name, color, points); long names go below the panels."""
    below = len(curves) > 2 or max(len(name) for name, _, _ in curves) > 12
    with figure_to(path, (10.5, 3.2 + 0.22 * len(curves) * below)) as figure:
        panels = [panel for panel in PANELS if any(panel[0] in points for _, _, points in curves)]
        axes = figure.subplots(1, len(panels), squeeze=False)[0]
        for ax, (metric, label) in zip(axes, panels, strict=True):
            for _, color, points in curves:
                if metric in points:  # dots for short runs, where single epochs can be told apart
                    epochs, values = points[metric]
                    ax.plot(epochs, values, "-o", ms=3 * (len(epochs) <= 30), color=color)
            ax.set(title=label, xlabel="epoch", ylabel="nats per example")
            ax.xaxis.get_major_locator().set_params(integer=True)
        lines, names = axes[0].get_lines(), [f"./{name}" if name.startswith("_") else name for name, _, _ in curves]
        where = {"loc": "outside lower center", "title": title} if below else {}
        legend = (figure if below else axes[0]).legend(lines, names, **where)
        for text in legend.get_texts():  # a name may hold a $
            text.set_parse_math(False)


def _draw_classes(figure, ax, points, y, alpha=0.7):
    """Dots (N, 2), colored by class."""
    classes = [None] if y is None else list(np.unique(y))
    if len(classes) > len(CLASSES):
        dots = ax.scatter(*points.T, s=7, c=y, cmap="viridis", alpha=alpha, linewidths=0)
        figure.colorbar(dots, label="class")
        return
    for i, label in enumerate(classes):
        rows = slice(None) if label is None else y == label
        ax.scatter(*points[rows].T, s=9, alpha=alpha, color=CLASSES[i], linewidths=0, label=label)
    if len(classes) > 1:
        legend = ax.legend(title="class", loc="center left", bbox_to_anchor=(1, 0.5), markerscale=2)
        for handle in legend.legend_handles:
            handle.set_alpha(1)


def _range(parts):
    """What is drawn black and what white: 0 and 1 where all values are between them."""
    low, high = min(part.min() for part in parts), max(part.max() for part in parts)
    return (0, 1) if low >= 0 and high <= 1 else (low, high)


def _canvas(bands, shape):
    """(picture (H, W, 3) of a grid of images, the space between them): each band (n, D) is one row of it."""
    (h, w, c), (low, high) = shape, _range(bands)
    columns, gap = max(len(band) for band in bands), max(1, round(h / 14))
    canvas = np.ones((len(bands) * (h + gap) - gap, columns * (w + gap) - gap, 3), "float32")
    for i, band in enumerate(bands):
        for j, row in enumerate((band - low) / max(high - low, 1e-12)):
            image = row.reshape(h, w, c)
            image = image[:, :, :3] if c >= 3 else np.repeat(image.mean(axis=2, keepdims=True), 3, axis=2)
            canvas[i * (h + gap) : i * (h + gap) + h, j * (w + gap) : j * (w + gap) + w] = image
    return canvas.clip(0, 1), gap


def _draw_images(ax, bands, shape, labels=(), tops=()):
    """A grid of images; `labels` repeat down the left side, `tops` stand above the columns."""
    (h, w, _), (canvas, gap) = shape, _canvas(bands, shape)
    ax.imshow(canvas, interpolation="nearest")
    ax.grid(False)
    ax.spines[:].set_visible(False)
    rows = range(len(bands) if labels else 0)
    ax.set_yticks([i * (h + gap) + (h - 1) / 2 for i in rows], [labels[i % len(labels)] for i in rows])
    ax.set_xticks([j * (w + gap) + (w - 1) / 2 for j in range(len(tops))], tops)
    ax.tick_params(length=0, labeltop=True, labelbottom=False)


def _image_rows(bands, shape, path, title, labels=(), tops=()):
    """A picture of one grid of images."""
    (h, w, _), columns = shape, max(len(band) for band in bands)
    scale = 6.4 / max(len(bands) * h, columns * w)
    margin = 0.9 + 0.07 * max(map(len, labels), default=0)
    with figure_to(path, (columns * w * scale + margin, len(bands) * h * scale + 0.4 + 0.2 * bool(tops))) as figure:
        ax = figure.subplots()
        _draw_images(ax, bands, shape, labels, tops)
        ax.set_title(title)


def _draw_curves(ax, rows):
    """Rows (n, D) over their columns, colored from the first to the last."""
    import matplotlib

    for i, row in enumerate(rows):
        ax.plot(np.arange(len(row)), row, lw=1.2, color=matplotlib.colormaps["viridis"](i / max(len(rows) - 1, 1)))
    ax.xaxis.get_major_locator().set_params(integer=True)


def _curve_bands(bands, path, title, labels):
    """A panel for each band of rows."""
    with _curve_panels(len(bands), path, (9, 6.5), title + ", from dark to light") as axes:
        for i, (ax, band) in enumerate(zip(axes, bands, strict=True)):
            _draw_curves(ax, band)
            ax.set_title(labels[i % len(labels)])


def _curves(pairs, path, title):
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


@contextmanager
def figure_to(path, size):
    """A styled figure, written to `path` when the block ends without an error."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # in the name of a run
        figure = Figure(size, layout="constrained")
        yield figure
        content = io.BytesIO()
        figure.savefig(content, format="png", metadata={"Software": None})
    write_atomic(path, content.getvalue())

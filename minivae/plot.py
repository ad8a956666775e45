"""Pictures: one style, one palette, labeled axes with units. Each function writes one PNG, always the same bytes."""

import io
import math
from contextlib import contextmanager

import numpy as np

from .checkpoint import write_atomic

BLUE, ORANGE, GREY = "#2a6fbb", "#d9722e", "#8a8f98"
CLASSES = ("#2a6fbb", "#d9722e", "#3a9a5b", "#c0392b", "#7d5ba6", "#8c6d46", "#d678a8", "#7a7f87", "#b5b035", "#35a9b5")
STYLE = {
    "figure.dpi": 100, "savefig.dpi": 100, "font.size": 10, "axes.titlesize": 11, "axes.spines.top": False,
    "axes.spines.right": False, "axes.grid": True, "grid.alpha": 0.25, "legend.frameon": False, "lines.linewidth": 1.8,
}  # fmt: skip


def learning_curves(history, path):
    """ELBO, reconstruction and KL apart, training and validation, in nats: `history` as fit returns it.

    A KL that falls to 0 while the reconstruction stops improving is a collapsed posterior.
    """
    panels = (("elbo", "ELBO"), ("log_px_z", "reconstruction, log p(x | z)"), ("kl", "KL(q(z | x) || p(z))"))
    with _figure(path, (10.5, 3.2)) as figure:
        axes = figure.subplots(1, len(panels))
        for ax, (name, title) in zip(axes, panels, strict=True):
            for split, color in (("train", BLUE), ("validation", ORANGE)):
                points = [(line["epoch"], line[split][name]) for line in history if split in line]
                if points:  # dots for short runs, where single epochs can be told apart
                    ax.plot(*zip(*points, strict=True), "-o", ms=3 * (len(points) <= 30), color=color, label=split)
            ax.set(title=title, xlabel="epoch", ylabel="nats per example")
            ax.xaxis.get_major_locator().set_params(integer=True)
        axes[0].legend()


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


def latent_means(mu, y, path):
    """Where the encoder puts examples, mu (N, L), colored by class y (N,) if there are any.

    Two latents are shown as they are, one against the examples' order, more by their first two principal components.
    """
    names = [f"mu[{i}]" for i in range(mu.shape[1])]
    if mu.shape[1] == 1:
        mu, names = np.concatenate([mu, np.arange(len(mu))[:, None]], axis=1), [*names, "example"]
    elif mu.shape[1] > 2 and len(mu) > 2 and np.ptp(mu, axis=0).any():
        from sklearn.decomposition import PCA

        pca = PCA(2, svd_solver="full").fit(mu)
        mu = pca.transform(mu)
        names = [f"principal component {i + 1} of mu ({r:.0%} of the variance)"
                 for i, r in enumerate(pca.explained_variance_ratio_)]  # fmt: skip
    with _figure(path, (6.4, 5.4)) as figure:
        ax = figure.subplots()
        classes = [None] if y is None else list(np.unique(y))
        many = len(classes) > len(CLASSES)
        if many:
            dots = ax.scatter(*mu[:, :2].T, s=7, c=y, cmap="viridis", alpha=0.8, linewidths=0)
            figure.colorbar(dots, label="class")
        for i, label in enumerate(() if many else classes):
            rows = slice(None) if label is None else y == label
            ax.scatter(*mu[rows, :2].T, s=9, alpha=0.7, color=CLASSES[i], linewidths=0, label=label)
        if len(classes) > 1 and not many:
            ax.legend(title="class", loc="center left", bbox_to_anchor=(1, 0.5), markerscale=2)
        ax.set(title="latent means, one dot per example", xlabel=names[0], ylabel=names[1])


def _image_rows(bands, shape, path, title, labels=()):
    """A grid of images: each band (n, D) is one row of it; `labels` repeat down the left side."""
    h, w, c = shape
    low, high = min(band.min() for band in bands), max(band.max() for band in bands)
    low, high = (0, 1) if low >= 0 and high <= 1 else (low, high)
    columns, gap = max(len(band) for band in bands), max(1, round(h / 14))
    canvas = np.ones((len(bands) * (h + gap) - gap, columns * (w + gap) - gap, 3), "float32")
    for i, band in enumerate(bands):
        for j, row in enumerate((band - low) / max(high - low, 1e-12)):
            image = row.reshape(h, w, c)
            image = image[:, :, :3] if c >= 3 else np.repeat(image.mean(axis=2, keepdims=True), 3, axis=2)
            canvas[i * (h + gap) : i * (h + gap) + h, j * (w + gap) : j * (w + gap) + w] = image
    scale = 6.4 / max(canvas.shape[:2])
    with _figure(path, (canvas.shape[1] * scale + 0.9, canvas.shape[0] * scale + 0.4)) as figure:
        ax = figure.subplots()
        ax.imshow(canvas.clip(0, 1), interpolation="nearest")
        ax.set_title(title)
        ax.grid(False)
        ax.spines[:].set_visible(False)
        ticks = [i * (h + gap) + h / 2 for i in range(len(bands))] if labels else []
        ax.set_yticks(ticks, [labels[i % len(labels)] for i in range(len(ticks))])
        ax.set_xticks([])
        ax.tick_params(length=0)


def _curves(pairs, path, title):
    """Rows of a table as small curves over their columns: (x, x_hat or None) each."""
    side = math.ceil(math.sqrt(len(pairs)))
    with _figure(path, (8, 6)) as figure:
        axes = figure.subplots(-(-len(pairs) // side), side, sharex=True, sharey=True, squeeze=False)
        for ax, pair in zip(axes.flat, pairs, strict=False):
            for row, color in zip(pair, (GREY, BLUE) if pair[1] is not None else (BLUE, GREY), strict=True):
                if row is not None:
                    ax.plot(np.arange(len(row)), row, "-o", ms=2, lw=1.2, color=color)
        for ax in axes.flat[len(pairs) :]:
            ax.set_visible(False)
        axes[0, 0].xaxis.get_major_locator().set_params(integer=True)
        figure.supxlabel("column")
        figure.supylabel("value")
        figure.suptitle(title, fontsize=11)


@contextmanager
def _figure(path, size):
    """A styled figure, written to `path` when the block ends without an error."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(size, layout="constrained")
        yield figure
        content = io.BytesIO()
        figure.savefig(content, format="png", metadata={"Software": None})
    write_atomic(path, content.getvalue())

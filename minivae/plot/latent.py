"""The latent space: where examples lie, what posteriors leave open."""

import numpy as np

from .grids import draw_images, draw_rows, number_columns, tiles_of, value_range
from .style import BLUE, CLASSES, GREY, figure_to
from .tiles import Tiles

SHOWN = 7  # decodings of an example


def latent_means(mu, y, path, grid=None, shape=None, name="mu"):
    """Where the encoder puts examples, mu (N, L), colored by class y (N,) if there are any.

    Two latents are shown as they are, one against the examples' order, more by their first two principal components.
    `grid` (n, m, D), decoded from Gaussian quantiles of that plane, first row at the top, is drawn beside it.
    """
    points, _, _, share = principal_plane(mu)
    if mu.shape[1] == 1:
        points = np.concatenate([mu, np.arange(len(mu))[:, None]], axis=1)
        names = [f"{name}[0]", "example"]
    elif share is None:
        names = [f"{name}[0]", f"{name}[1]"]
    else:
        names = [f"principal component {i + 1} of {name} ({r:.0%} of the variance)" for i, r in enumerate(share)]
    with figure_to(path, (6.4, 5.4) if grid is None else (12, 5.4)) as figure:
        *left, ax = figure.subplots(1, 1 if grid is None else 2, squeeze=False)[0]
        if grid is not None and len(shape) == 3:
            tiles = tiles_of(grid, shape)
            draw_images(left[0], grid, tiles)
            left[0].set(title="decoded Gaussian quantiles of the plane beside" + tiles.note, xlabel=names[0])
            left[0].set_ylabel("" if mu.shape[1] == 1 else names[1])
        elif grid is not None:
            tiles = Tiles(shape)
            draw_rows(left[0], grid[:, len(grid[0]) // 2], tiles)
            left[0].set(title="decoded Gaussian quantiles along the vertical axis", ylabel="value")
            left[0].set_xlabel(tiles.axis)
        _draw_classes(figure, ax, points[:, :2], y)
        ax.set(
            title=f"{'latent means' if name == 'mu' else 'codes'}, one dot per example",
            xlabel=names[0],
            ylabel=names[1],
        )


def uncertainty(x, x_hat, draws, mu, std, y, shape, path, names, spread=None):
    """What the posterior leaves open. Left: x, x_hat = decode(mu), some decodings of z ~ q(z | x), their spread.

    x, x_hat (n, D), draws (S, n, D); `spread` (n, D), their standard deviation, is needed where `draws` are reduced
    already. Right: the posteriors of the same examples as ellipses of one and two standard deviations, mu, std (N, 2)
    or (N, 1) of the latents called `names`, among the means of all N examples.
    """
    if mu.shape[1] == 1:
        order = np.arange(len(mu), dtype=mu.dtype)[:, None]
        mu = np.hstack([mu, order])
        std = np.hstack([std, 0 * order + 0.3])
        names = [*names, "example"]
    spread = draws.std(axis=0) if spread is None else spread
    tiles = Tiles(shape, len(x), 3 + min(len(draws), SHOWN))
    x, x_hat, draws, spread = map(tiles.reduce, (x, x_hat, draws, spread))
    top = float(spread.max())
    with figure_to(path, (12, 5.4)) as figure:
        from matplotlib.patches import Ellipse

        left, ax = figure.subplots(1, 2, width_ratios=(1.35, 1))
        if len(shape) == 3:
            low, high = value_range([x, x_hat, draws])
            shown = low + (high - low) * spread / max(top, 1e-12)
            bands = [np.stack([x[i], x_hat[i], *draws[:SHOWN, i], shown[i]]) for i in range(len(x))]
            tops = ["x", "x_hat", *[""] * (len(bands[0]) - 3), "spread"]
            draw_images(left, bands, tiles, [str(i + 1) for i in range(len(x))], tops)
            left.set_title("decodings of z ~ q(z | x) between x_hat and their standard deviation" + tiles.note)
            left.set_xlabel(f"spread: pixel-wise standard deviation, white is {top:.2f}")
        else:
            columns = tiles.columns
            left.plot(columns, tiles.curve(x[0]), "-o", ms=3, color=GREY, label="x")
            left.plot(columns, tiles.curve(x_hat[0]), color=BLUE, label="x_hat = decode(mu)")
            band = draws[:, 0].mean(axis=0) + 2 * spread[0] * np.array([[-1], [1]])
            left.fill_between(
                columns,
                *map(tiles.curve, band),
                color=BLUE,
                alpha=0.2,
                lw=0,
                label="two standard deviations of decodings",
            )
            left.set(title="one example", xlabel=tiles.axis, ylabel="value")
            number_columns(left, tiles)
            left.legend()
        _draw_classes(figure, ax, mu, y, alpha=0.4)
        for i in range(len(x)):
            for width in (2, 4):
                ax.add_patch(Ellipse(mu[i], *(width * std[i]), fill=False, ec="black", lw=2.4 / width))
            ax.annotate(str(i + 1), mu[i], ha="center", va="center", weight="bold")
        ax.set(title="posteriors q(z | x): one and two standard deviations", xlabel=names[0], ylabel=names[1])


def principal_plane(mu):
    """(coordinates (N, 2), center (L,), axes (2, L), share (2,) of the variance) of the means' largest two directions.

    An axis is as long as the standard deviation along it. Two latents are their own plane: center 0, axes of length 1,
    no shares (None).
    """
    if mu.shape[1] <= 2 or len(mu) < 3 or not np.ptp(mu, axis=0).any():
        axes = np.eye(2, mu.shape[1], dtype="float32")
        return mu @ axes.T, np.zeros(mu.shape[1], "float32"), axes, None
    from sklearn.decomposition import PCA

    pca = PCA(2, svd_solver="full").fit(mu)
    axes = (pca.components_ * np.sqrt(pca.explained_variance_)[:, None]).astype("float32")
    return pca.transform(mu), pca.mean_.astype("float32"), axes, pca.explained_variance_ratio_


def _draw_classes(figure, ax, points, y, alpha=0.7):
    """Dots (N, 2), colored by class."""
    classes = [None] if y is None or np.ndim(y) > 1 else list(np.unique(y))  # rows of numbers have no color
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

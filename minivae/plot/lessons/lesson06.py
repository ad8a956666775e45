"""The drawings of lesson 6, From autoencoder to VAE."""

from ..style import CLASSES, figure_to


def clouds(path, z, mu, std, y):
    """Codes of an autoencoder, points, beside those of a VAE, ellipses of one standard deviation; y: their classes."""
    from matplotlib.patches import Ellipse

    colors = [CLASSES[digit] for digit in y]
    with figure_to(path, (10, 4.6)) as figure:
        left, right = figure.subplots(1, 2)
        left.scatter(*z.T, s=12, color=colors, linewidths=0)
        left.set(title="autoencoder: a code is a point", xlabel="z[0]", ylabel="z[1]")
        for center, sides, color in zip(mu, 2 * std, colors, strict=True):
            right.add_patch(Ellipse(center, *sides, color=color, alpha=0.3, lw=0))
        right.scatter(*mu.T, s=6, color=colors, linewidths=0)
        for radius in (1, 2):
            right.add_patch(Ellipse((0, 0), 2 * radius, 2 * radius, fill=False, ec="black", lw=1, ls="--"))
        right.set(title="VAE: a code is a cloud, and all share N(0, I)", xlabel="z[0]", ylabel="z[1]",
                  xlim=(-3.4, 3.4), ylim=(-3.4, 3.4), aspect="equal")  # fmt: skip


def holes(path, spaces, y, limit):
    """Maps of code spaces, {name: (codes, the two sides of the map, distances on it)}; beyond `limit` is a hole."""
    with figure_to(path, (10, 4.9)) as figure:
        axes = figure.subplots(1, 2)
        for ax, (name, (codes, sides, far)) in zip(axes, spaces.items(), strict=True):
            shown = ax.pcolormesh(*sides, far, cmap="Greys", vmin=0.8, vmax=2.6, rasterized=True)
            ax.contour(*sides, far, levels=[limit], colors="black", linewidths=1.2)
            for digit in range(10):
                ax.scatter(*codes[y == digit].T, s=4, color=CLASSES[digit], linewidths=0, label=digit)
            ax.set(title=f"{name}: {(far > limit).mean():.1%} of the map is nothing like a digit", xlabel="z[0]",
                   ylabel="z[1]", xlim=sides[0][[0, -1]], ylim=sides[1][[0, -1]])  # fmt: skip
            ax.grid(False)
        figure.colorbar(shown, ax=axes, label="distance to the nearest training digit")
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=10, markerscale=3, title="digit")

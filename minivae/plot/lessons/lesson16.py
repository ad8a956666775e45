"""The drawings of lesson 16, Posteriors that bend."""

import numpy as np

from ..style import BLUE, CLASSES, ORANGE, figure_to

GREEN = CLASSES[2]
PARTS = {"family gap": BLUE, "amortization gap": ORANGE}


def bend(path, axes, density, levels, draws, gaps):
    """Contours of p(z | x) on two axes, and draws of each q, {name: z (n, 2)}, with its gap in nats."""
    with figure_to(path, (10, 3.1)) as figure:
        for ax, (name, z) in zip(figure.subplots(1, 4, sharex=True, sharey=True), draws.items(), strict=True):
            ax.plot(*z.T, ".", color=ORANGE, ms=3, alpha=0.6, mec="none")
            ax.contour(*axes, density, levels, colors=BLUE, linewidths=1.2)
            ax.set(title=f"{name}\n{gaps[name]:.2f} nats", xlabel="z1", aspect="equal",
                   xlim=axes[0][[0, -1]], ylim=axes[1][[0, -1]])  # fmt: skip
        figure.axes[0].set_ylabel("z2")


def planar(path, before, after, log_det, along, lines):
    """Rows of points before and after a planar flow, and w z' against w z for several w v: {w v: values}."""
    with figure_to(path, (10, 3.6)) as figure:
        left, middle, right = figure.subplots(1, 3)
        for ax, z, title in ((left, before, "z, in rows and columns"), (middle, after, "z' = z + v tanh(w z + b)")):
            points = ax.scatter(*z.reshape(-1, 2).T, c=log_det, s=7, cmap="coolwarm", vmin=-1.2, vmax=1.2)
            ax.set(title=title, xlabel="z1", ylabel="z2", aspect="equal", xlim=(-4, 4), ylim=(-5, 5))
        figure.colorbar(points, ax=middle, label="log det, nats", shrink=0.8)
        for (k, values), color in zip(lines.items(), (GREEN, BLUE, ORANGE), strict=True):
            right.plot(along, values, color=color, label=f"w v = {k:g}")
        right.set(title="along w: can one go back?", xlabel="w z", ylabel="w z'")
        right.legend()


def energies(path, edge, true, fitted):
    """Four densities on a square, {name: (n, n)}, and fits of them: {T: [(z (m, m, 2), density (m, m), KL)]}."""
    with figure_to(path, (8.6, 9.1)) as figure:
        grid = figure.subplots(1 + len(fitted), len(true))
        tops = [density.max() for density in true.values()]
        for ax, (name, density), top in zip(grid[0], true.items(), tops, strict=True):
            ax.imshow(density, origin="lower", extent=(-edge, edge) * 2, cmap="viridis", vmin=0, vmax=top)
            ax.set_title(f"{name}: true density")
        for row, (T, fits) in zip(grid[1:], fitted.items(), strict=True):
            for ax, (z, density, kl), top in zip(row, fits, tops, strict=True):
                ax.set_facecolor("#440154")  # the color of 0
                ax.pcolormesh(z[..., 0], z[..., 1], density, shading="gouraud", cmap="viridis", vmin=0, vmax=top,
                              rasterized=True)  # fmt: skip
                ax.set_title(f"{T} flow{'s' * (T > 1)}: KL {kl:.2f} nats")
        for ax in grid.flat:
            ax.set(xlim=(-edge, edge), ylim=(-edge, edge), xticks=(-3, 0, 3), yticks=(-3, 0, 3), aspect="equal")
            ax.grid(False)
        for ax in grid[-1]:
            ax.set_xlabel("z1")
        for ax in grid[:, 0]:
            ax.set_ylabel("z2")


def masks(path, mask_in, mask_out, order, jacobian):
    """Both masks, the number of ways from each latent to each output, and the Jacobian, sorted by `order`."""
    L = len(mask_in)
    names = [f"z{i + 1}" for i in range(L)]
    ways = mask_in @ mask_out
    ordered = [names[i] for i in order]
    with figure_to(path, (10, 3.3)) as figure:
        axes = figure.subplots(1, 4, width_ratios=(1.7, 1.1, 1, 1))
        for ax, a, title in zip(axes, (mask_in, mask_out.T, ways.T, np.abs(jacobian)[np.ix_(order, order)]),
                                ("mask_in", "mask_out, transposed", "ways from z to the outputs",
                                 "|dz'/dz|, in the order"), strict=True):  # fmt: skip
            ax.imshow(a, cmap="Blues", vmin=0, vmax=max(a.max(), 1e-9), aspect="auto")
            ax.set_title(title)
            ax.grid(False)
        for ax in axes[:2]:
            ax.set(xlabel="hidden unit", xticks=range(0, mask_in.shape[1], 3))
        axes[0].set(ylabel="latent", yticks=range(L), yticklabels=names)
        axes[1].set(ylabel="output for", yticks=range(L), yticklabels=names)
        axes[2].set(xlabel="latent", ylabel="output for", xticks=range(L), xticklabels=names, yticks=range(L),
                    yticklabels=names)  # fmt: skip
        axes[3].set(xlabel="latent", ylabel="output for", xticks=range(L), xticklabels=ordered, yticks=range(L),
                    yticklabels=ordered)  # fmt: skip
        for i, row in enumerate(ways.T):
            for j, n in enumerate(row):
                axes[2].text(j, i, f"{n:g}", ha="center", va="center", fontsize=8,
                             color="white" if n > ways.max() / 2 else "black")  # fmt: skip


def gaps(path, x, log_px, bounds, means):
    """log p(x) over x, ELBOs {name: (of the best q, of the encoder's)}; mean gaps {name: (family, amortization)}."""
    with figure_to(path, (10, 3.8)) as figure:
        left, middle, right = figure.subplots(1, 3)
        for ax, (name, (best, encoder)) in zip((left, middle), bounds.items(), strict=True):
            ax.fill_between(x, best, log_px, color=BLUE, alpha=0.3, label="family gap")
            ax.fill_between(x, encoder, best, color=ORANGE, alpha=0.4, label="amortization gap")
            ax.plot(x, log_px, color="black", label="log p(x)")
            ax.plot(x, encoder, color=ORANGE, label="ELBO of the encoder's q")
            ax.set(title=f"q: {name}", xlabel="x", ylabel="nats", ylim=(min(log_px.min(), encoder.min()) - 0.3, None))
        low = min(ax.get_ylim()[0] for ax in (left, middle))
        for ax in (left, middle):
            ax.set_ylim(low, None)
        middle.legend(*left.get_legend_handles_labels(), loc="lower left", fontsize=8)
        start = np.zeros(len(means))
        for i, (part, color) in enumerate(PARTS.items()):
            values = np.array([of[i] for of in means.values()])
            right.barh(range(len(means)), values, left=start, color=color, label=part, height=0.6)
            start = start + values
        for row, total in enumerate(start):
            right.text(total + 0.02, row, f"{total:.2f}", va="center", fontsize=9)
        right.set(title="mean over draws of x", xlabel="log p(x) - ELBO, nats", yticks=range(len(means)),
                  yticklabels=list(means), xlim=(0, 1.2 * start.max()))  # fmt: skip
        right.invert_yaxis()
        right.legend(fontsize=9, loc="lower right")

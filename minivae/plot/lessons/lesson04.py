"""Drawings of lesson 4: a kernel on a line, what filters see, a filter that was learned, and the checkerboard."""

from ..style import BLUE, CLASSES, GREY, ORANGE, figure_to

COLORS = BLUE, ORANGE, CLASSES[2]  # of the three weights of a kernel


def line(path, x, y, A):
    """A kernel that slides along x; the same as a matrix A (4, 6), and its transpose."""
    with figure_to(path, (10, 3.4)) as figure:
        left, middle, right = figure.subplots(1, 3, width_ratios=(1.5, 1, 0.75))
        left.set(xlim=(-1.2, 5.6), ylim=(-0.8, 1.6), title="y: the kernel 2, 1, -1 slides along x")
        left.axis("off")
        box = {"boxstyle": "square,pad=0.45", "facecolor": "white", "edgecolor": GREY}
        for row, name, values, start in ((1, "x", x, 0), (0, "y", y, 1)):
            left.text(-1, row, name, ha="center", va="center", fontsize=12)
            for i, value in enumerate(values):
                left.text(start + i, row, f"{value:g}", ha="center", va="center", bbox=box, fontsize=12)
        for i in range(len(y)):
            for k, color in enumerate(COLORS):
                left.plot([i + k, i + 1], [0.8, 0.2], color=color, lw=1.6)
        for k, color in enumerate(COLORS):
            left.text(1.7 + k, -0.65, f"times {A[0, k]:g}", color=color, ha="center")
        _numbers(middle, A, A[0, :3], "forward: y = A x")
        _numbers(right, A.T, A[0, :3], "backward: dx = A' dy")


def maps(path, images, maps, names):
    """A row for each image (h, w, 1): itself and its maps (h_out, w_out, 4)."""
    with figure_to(path, (10, 4.4)) as figure:
        for image, found, axes in zip(images, maps, figure.subplots(2, 5), strict=True):
            axes[0].imshow(image, cmap="gray", vmin=0, vmax=1)
            _bare(axes[0], f"x, {image.shape[0]} x {image.shape[1]}")
            for i, name in enumerate(names):
                top = abs(found[..., i]).max()
                axes[i + 1].imshow(found[..., i], cmap=_signed(), vmin=-top, vmax=top)
                _bare(axes[i + 1], f"{name}, {found.shape[0]} x {found.shape[1]}")


def learned(path, kernels, losses):
    """{title: kernel (3, 3)} and the loss of each step."""
    with figure_to(path, (10, 2.6)) as figure:
        *axes, last = figure.subplots(1, 5, width_ratios=(1, 1, 1, 1, 1.6))
        for ax, (title, kernel) in zip(axes, kernels.items(), strict=True):
            ax.imshow(kernel, cmap=_signed(), vmin=-2, vmax=2)
            for k, row in enumerate(kernel):
                for l, weight in enumerate(row):
                    ax.text(l, k, f"{weight:.2f}", ha="center", va="center")
            _bare(ax, title)
        last.semilogy(losses, color=BLUE)
        last.set(title="squared error", xlabel="step", ylabel="loss")


def checkerboard(path, counts, measured, expected):
    """{length of the kernel: ...}: patches over each pixel; spread in the fifth row, and that by the counts."""
    with figure_to(path, (10, 3.6)) as figure:
        *axes, right = figure.subplots(1, 3, width_ratios=(1, 1, 1.15))
        for ax, (kernel, color) in zip(axes, ((3, ORANGE), (4, BLUE)), strict=True):
            ax.imshow(counts[kernel], cmap="Blues", vmin=0, vmax=7)
            for i, row in enumerate(counts[kernel]):
                for j, n in enumerate(row):
                    ax.text(j, i, f"{n:g}", ha="center", va="center", fontsize=9)
            _bare(ax, f"kernel {kernel}: patches per pixel")
            right.plot(measured[kernel], "o", color=color, label=f"kernel {kernel}, measured")
            right.plot(expected[kernel], color=color, lw=1, label="root of the count")
        right.set(title="random kernels: spread in the fifth row", xlabel="column", ylabel="standard deviation")
        right.set_ylim(0.8, 2.7)
        right.legend(ncols=2, fontsize=8, loc="upper center")


def _bare(ax, title):
    ax.set(title=title, xticks=[], yticks=[])
    ax.grid(False)
    ax.spines[:].set_visible(False)


def _numbers(ax, matrix, weights, title):
    """The numbers of a matrix in boxes, one color per weight of the kernel."""
    color = dict(zip(weights, COLORS, strict=True))
    for i, row in enumerate(matrix):
        for j, value in enumerate(row):
            shade = 1 if value else 0.5
            ax.text(j, i, f"{value:g}", ha="center", va="center", color=color.get(value, GREY), alpha=shade)
    ax.imshow(matrix != 0, cmap="Greys", vmin=0, vmax=9)
    _bare(ax, title)


def _signed():
    """Colors from blue, negative, over white to orange."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("signed", [BLUE, "white", ORANGE])

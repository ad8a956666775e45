"""The drawings of lesson 20, Given a label."""

from ..style import BLUE, CLASSES, GREY, ORANGE, figure_to


def _image(ax, image):
    ax.imshow(image.reshape(8, 8), cmap="gray", vmin=0, vmax=1)
    ax.set(xticks=[], yticks=[])
    ax.grid(False)


def style(path, x, decoded):
    """Digits (n, 64), and each one's z decoded with ten classes (n, 10, 64)."""
    with figure_to(path, (10, 5.2)) as figure:
        rows = figure.subplots(len(x), 12, width_ratios=[1, 0.25] + 10 * [1])
        for row, one, others in zip(rows, x, decoded, strict=True):
            _image(row[0], one)
            row[1].axis("off")
            for ax, image in zip(row[2:], others, strict=True):
                _image(ax, image)
        rows[0, 0].set_title("its z, from")
        for y, ax in enumerate(rows[0, 2:]):
            ax.set_title(f"y = {y}")


def bound(path, q, values, top, best, b):
    """The bound of two classes against q(0), its largest value `top` at `best`, and the two classes' own bounds."""
    with figure_to(path, (10, 3.4)) as figure:
        ax = figure.subplots()
        ax.plot(q, values, color=BLUE, label="bound of log p(x), by q")
        ax.plot(q, q * b[0] + (1 - q) * b[1], color=GREY, ls="--", label="without the entropy of q")
        ax.axhline(top, color=ORANGE, ls="--", lw=1, label=f"log(exp({b[0]:g}) + exp({b[1]:g})) = {top:.2f}")
        ax.plot(best, top, "o", color=ORANGE)
        ax.annotate(f"softmax of the bounds: {best:.2f}", (best, top), (best - 0.3, top + 0.12), color=ORANGE)
        ax.set(title="which q is best", xlabel="q(first class | x)", ylabel="nats", ylim=(b[1] - 0.1, top + 0.35))
        ax.legend(loc="lower right")


def labels(path, errors, judged):
    """Errors of each draw, {way: (draws,)}, joined draw by draw, beside that of who has all labels."""
    ways = list(errors)
    with figure_to(path, (10, 3.4)) as figure:
        ax = figure.subplots()
        for i, pair in enumerate(zip(*errors.values(), strict=True)):
            ax.plot(pair, range(len(ways)), "o-", color=CLASSES[i], lw=1, label=f"draw {i + 1}")
        for row, found in enumerate(errors.values()):
            ax.plot(found.mean(), row + 0.15, "v", color="black", label="mean" if row == 0 else None)
        ax.axvline(judged, color=GREY, ls="--", label="all labels, another classifier")
        ax.set(title="five draws of a hundred labels", xlabel="test digits wrong, %", yticks=range(len(ways)),
               yticklabels=ways, ylim=(-0.4, len(ways) - 0.5), xlim=(0, None))  # fmt: skip
        ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))


def halves(path, rows):
    """Rows of pictures: what is given, the net's mean, completions, the truth."""
    S = rows.shape[1] - 3
    with figure_to(path, (9, 5.6)) as figure:
        axes = figure.subplots(*rows.shape[:2])
        for row, images in zip(axes, rows, strict=True):
            for ax, image in zip(row, images, strict=True):
                _image(ax, image)
        names = ["given", "net", *(f"z {s + 1}" for s in range(S)), "truth"]
        for ax, name in zip(axes[0], names, strict=True):
            ax.set_title(name)

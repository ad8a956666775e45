"""Drawings of lesson 0: the map of the course, new digits, templates, and what digits cost."""

import textwrap

import numpy as np

from ..style import BLUE, CLASSES, GREY, ORANGE, figure_to

PLACES = {0: (0, 0), 1: (1, 0), 2: (2.2, 2), 3: (2.2, 1), 4: (2.2, -2), 5: (2.2, -1), 6: (3.2, -1), 7: (2.2, 0),
          8: (3.2, 0), 9: (4.2, 0), 10: (5.4, -2), 11: (5.4, 0), 12: (5.4, 2)}  # fmt: skip
PLACES |= {13 + i: (1.08 * (i % 6), -3.75 - 1.05 * (i // 6)) for i in range(12)}  # below, in two rows
GROUPS = {
    "networks": (BLUE, (0, 1, 3, 4, 5)),
    "the VAE": (CLASSES[2], range(6, 11)),
    "trust": (ORANGE, (2, 11, 12, 13)),
    "a better VAE": (CLASSES[4], range(14, 19)),
    "what it is for, and its relatives": (CLASSES[3], range(19, 25)),
}
COLORS = {number: color for color, numbers in GROUPS.values() for number in numbers}
WIDTH, HEIGHT = 0.42, 0.39  # half of a box
BELOW = 13  # from this lesson on each uses lesson 9


def course_map(path, course, shortest):
    """The lessons {number: Lesson} as boxes; an arrow to each from those it uses, but for what follows from others.

    All in the frame use lesson 9; what else they use is written into their boxes.
    """
    from matplotlib.patches import Rectangle

    with figure_to(path, (11.5, 7.6)) as figure:
        ax = figure.subplots()
        ax.set(xlim=(-0.52, 5.92), ylim=(-5.3, 2.45))
        ax.axis("off")
        arrow = {"arrowstyle": "-|>", "color": GREY, "shrinkA": 0, "shrinkB": 0}
        for number, lesson in course.items():
            x, y = PLACES[number]
            fill = "#e9f0e6" if number in shortest else "white"
            ax.add_patch(Rectangle((x - WIDTH, y - HEIGHT), 2 * WIDTH, 2 * HEIGHT, fc=fill, ec=COLORS[number], lw=2))
            title, others = textwrap.fill(lesson.title, 17), _direct(course, number)
            if number >= BELOW:
                title += "".join(f"\n+ {n:02d}" for n in others if n != 9)
            ax.text(x, y, f"{number:02d}  ({lesson.hours:g} h)\n{title}", ha="center", va="center", fontsize=8)
            for other in others if number < BELOW else ():
                ax.annotate("", (x - WIDTH, y), (PLACES[other][0] + WIDTH, PLACES[other][1]), arrowprops=arrow)
        ax.add_patch(Rectangle((-0.5, -5.28), 6.4, 2.05, fc="none", ec=GREY))
        ax.annotate("", (4.2, -3.23), (4.2, -HEIGHT), arrowprops=arrow)
        ax.text(4.13, -3.08, "each of these uses 09; what else it uses stands behind the +", fontsize=9, ha="right")
        for i, (name, (color, _)) in enumerate(GROUPS.items()):
            ax.text(-0.42, 2.2 - 0.3 * i, f"■ {name}", color=color, fontsize=10)
        ax.text(-0.42, 0.7, "filled: the shortest way to a VAE", fontsize=10)


def _direct(course, number):
    """The lessons that it uses and that none of the others it uses needs itself."""
    return [a for a in course[number].uses if not any(a in _needed(course, b) for b in course[number].uses)]


def _needed(course, number):
    """All that a lesson uses, directly or not."""
    return {n for other in course[number].uses for n in (other, *_needed(course, other))}


def new_digits(path, x, x_hat):
    """Digits of the training data, and as many that a model has made."""
    with figure_to(path, (10, 3)) as figure:
        for ax, images, title in zip(
            figure.subplots(1, 2), (x, x_hat), ("digits that people wrote", "digits that a VAE made up"), strict=True
        ):
            ax.imshow(_tiled(images, 8), cmap="gray", vmin=0, vmax=1)
            ax.set_title(title)
            ax.axis("off")


def nearest(path, p, bits, labels, found):
    """The ten templates p (10, 64); below them ten digits, with the template that is found to be the nearest."""
    with figure_to(path, (10, 3.4)) as figure:
        for ax, image, title in zip(
            figure.subplots(2, 10).flat,
            [*p, *bits],
            [*(f"p for {digit}" for digit in range(10)),
             *(f"{a}, nearest {b}" for a, b in zip(labels, found, strict=True))],
            strict=True,
        ):  # fmt: skip
            ax.imshow(image.reshape(8, 8), cmap="gray", vmin=0, vmax=1)
            ax.set_title(title, fontsize=9, color=ORANGE if title[0] not in ("p", title[-1]) else "black")
            ax.axis("off")
        figure.suptitle(
            "ten templates, and ten digits with the template that is nearest (orange: the wrong one)", fontsize=11
        )


def nats(path, costs, new):
    """{model: nats of each digit}, and eight new images (8, 64)."""
    with figure_to(path, (10, 3.6)) as figure:
        left, right = figure.subplots(1, 2, width_ratios=(1.6, 1))
        for (name, cost), color in zip(costs.items(), (GREY, ORANGE, BLUE), strict=True):
            if name == "chance":
                left.axvline(cost[0], color=color, ls="--", label=f"chance, {cost[0]:.1f}")
            else:
                left.hist(cost, np.arange(5, 56, 2), color=color, alpha=0.55, label=f"{name}, mean {cost.mean():.1f}")
        left.set(title="what each digit costs", xlabel="-log p(x) (nats)", ylabel="digits", xlim=(10, 75))
        left.legend()
        right.imshow(_tiled(new, 4), cmap="gray")
        right.set_title("eight new images from ten templates")
        right.axis("off")


def _tiled(images, columns):
    """Images of 8 x 8 pixels in rows, each in a grey frame."""
    framed = [np.pad(image.reshape(8, 8), 1, constant_values=0.5) for image in images]
    return np.block([framed[i : i + columns] for i in range(0, len(framed), columns)])

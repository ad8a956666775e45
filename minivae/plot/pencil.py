"""The VAE that is redone by hand, as a graph: values in its nodes, gradients that come back below them."""

import numpy as np

from ..tables import four_digits
from .style import BLUE, GREY, ORANGE, figure_to

# where the nodes stand, and what small inputs come in above (1) or below (-1) them
PLACES = {
    "x1": (0, 4.1), "x2": (0, 2.1), "a": (1.7, 3.1), "h": (3.05, 3.1), "mu": (4.7, 4.1), "log_var": (4.7, 2.1),
    "std": (6.9, 2.1), "kl": (7.1, 0.2), "z": (8.2, 4.1), "l1": (9.9, 5.1), "l2": (9.9, 3.1), "log_p1": (11.5, 5.1),
    "log_p2": (11.5, 3.1), "log_px_z": (13, 4.1), "loss": (14.5, 4.1),
}  # fmt: skip
SMALL = {
    "a": (1, "w1", "w2", "b"), "mu": (1, "m", "m0"), "log_var": (-1, "s", "s0"), "z": (-1, "eps"),
    "l1": (1, "v1", "c1"), "l2": (-1, "v2", "c2"), "log_p1": (1, "x1"), "log_p2": (-1, "x2"),
}  # fmt: skip
CENTER = {"ha": "center", "va": "center"}
PLAIN = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}


def draw_pencil(worked, path):
    """Values above gradients; where a node is used twice, its edges carry the parts of its gradient.

    `worked` has `values` {"mu": ...}, `grads` {"dmu": ...}, `edges` {(node, node that uses it): what comes back on it}.
    """
    values = worked.values
    grads = worked.grads
    title = f"loss = kl - log_px_z = {values['loss']:.4f} nats\nvalues in blue, d loss / d node in orange; "
    title += "an edge of a node that is used twice carries its part, and the node has their sum"
    sources = [source for source, _ in worked.edges]
    with figure_to(path, (14, 6)) as figure:
        ax = figure.subplots()
        ax.set(xlim=(-0.7, 15.2), ylim=(-0.3, 6.8), title=title)
        ax.set_axis_off()
        boxes = {name: _draw_node(ax, name, values, grads, at) for name, at in PLACES.items()}
        for name, (x, y) in PLACES.items():
            side, *inputs = SMALL.get(name, (0,))
            for i, part in enumerate(inputs):
                at = (x + 0.72 * (i - (len(inputs) - 1) / 2), y + 1.27 * side)
                _draw_arrow(ax, _draw_node(ax, part, values, grads, at, small=True), boxes[name])
            for (source, target), back in worked.edges.items():
                if target == name:
                    _draw_arrow(ax, boxes[source], boxes[name], bent=source == "kl")
                    if sources.count(source) > 1:
                        x0, y0 = PLACES[source]
                        t = 0.4 if name in ("std", "kl") else 0.5  # clear of their crossing
                        at = x0 + t * (x - x0), y0 + t * (y - y0)
                        ax.text(*at, four_digits(back), color=ORANGE, size=8.5, zorder=4, bbox=PLAIN, **CENTER)
        for source in ("x1", "x2"):
            _draw_arrow(ax, boxes[source], boxes["a"])


def _draw_node(ax, name, values, grads, at, small=False):
    """A box of name, value and gradient; inputs and data have no gradient here."""
    from matplotlib.patches import FancyBboxPatch

    grad = grads.get(f"d{name}", 1.0 if name == "loss" else None)
    lines = [(name, "black"), (four_digits(values[name]), BLUE)]
    lines += [] if grad is None else [(four_digits(grad), ORANGE)]
    w, h, size, step = (0.62, 0.62, 8.5, 0.22) if small else (0.98, 0.84, 10, 0.27)
    h *= len(lines) / 3
    box = FancyBboxPatch((at[0] - w / 2, at[1] - h / 2), w, h, boxstyle="round,pad=0,rounding_size=0.12",
                         fc="white", ec="none" if small else GREY, lw=1.2, zorder=3)  # fmt: skip
    ax.add_patch(box)
    for i, (text, color) in enumerate(lines):
        y = at[1] + step * ((len(lines) - 1) / 2 - i)
        ax.text(at[0], y, text, color=color, size=size, weight="normal" if i else "bold", zorder=4, **CENTER)
    return box


def _draw_arrow(ax, start, end, bent=False):
    """From the rim of a box to the rim of another, straight or around a corner below `end`."""
    x0, y0 = _middle(start)
    x1, y1 = _middle(end)
    style = {"arrowstyle": "-|>,head_width=0.2", "color": GREY, "lw": 1.1, "shrinkA": 1, "shrinkB": 1}
    style["connectionstyle"] = "angle,angleA=0,angleB=90,rad=9" if bent else "arc3"
    ends = (_rim(start, x1, y0 if bent else y1), _rim(end, x1 if bent else x0, y0))
    ax.annotate("", ends[1], ends[0], arrowprops=style, zorder=1)


def _rim(box, x, y):
    """Where the line from the middle of a box towards (x, y) leaves it."""
    middle = _middle(box)
    d = np.array([x, y]) - middle
    return middle + d / max(2 * abs(d) / (box.get_width(), box.get_height()))


def _middle(box):
    return np.mean(box.get_bbox().get_points(), axis=0)

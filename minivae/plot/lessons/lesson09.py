"""Drawings of lesson 9."""

import numpy as np

from ..style import BLUE, GREY, ORANGE, figure_to

PLACES = {"x": (0, 0), "W1 b1\nW2 b2": (1.4, -1.3), "out": (1.4, 0), "mu": (2.8, 0.6), "log_var": (2.8, -0.6),
          "eps": (3.4, 1.7), "z": (4.5, 1), "W3 b3\nW4 b4": (6, -0.3), "logits": (6, 1), "log_px_z": (7.6, 1),
          "kl": (4.5, -1), "loss": (8.6, 0)}  # fmt: skip
SHAPES = {"x": "N, D", "out": "N, 2L", "mu": "N, L", "log_var": "N, L", "eps": "N, L", "z": "N, L", "logits": "N, D",
          "log_px_z": "N", "kl": "N", "loss": "N"}  # fmt: skip
ARROWS = (("x", "out"), ("W1 b1\nW2 b2", "out"), ("out", "mu"), ("out", "log_var"), ("mu", "z"), ("log_var", "z"),
          ("eps", "z"), ("z", "logits"), ("W3 b3\nW4 b4", "logits"), ("logits", "log_px_z"), ("mu", "kl"),
          ("log_var", "kl"), ("log_px_z", "loss"), ("kl", "loss"))  # fmt: skip
STEPS = {0: "1 preprocess", 2.1: "2 encode", 4.5: "3 sample", 6: "4 decode", 8.1: "5 loss"}


def graph(path):
    """Names and shapes of all that a step of a VAE computes, the arrows of both directions, and the steps above."""
    with figure_to(path, (10, 4.4)) as figure:
        ax = figure.subplots()
        ax.axis("off")
        ax.set(xlim=(-0.5, 9.1), ylim=(-1.8, 2.5), title="one training step of a VAE")
        for start, end in ARROWS:
            a, b = np.array(PLACES[start]), np.array(PLACES[end])
            along = (b - a) / np.linalg.norm(b - a)
            a, b, side = a + 0.42 * along, b - 0.42 * along, 0.06 * np.array([-along[1], along[0]])
            ax.annotate("", b + side, a + side, arrowprops={"arrowstyle": "->", "color": BLUE})
            if start not in ("x", "eps"):  # data and noise need no gradient
                ax.annotate("", a - side, b - side, arrowprops={"arrowstyle": "->", "color": ORANGE})
        for name, (i, j) in PLACES.items():
            text = f"{name}\n({SHAPES[name]})" if name in SHAPES else name
            ax.text(i, j, text, ha="center", va="center", fontsize=9)
        for i, text in STEPS.items():
            ax.text(i, 2.2, text, ha="center", weight="bold", color=BLUE)
        ax.text(9, -1.3, "6 backward: gradients, from the loss to the left", ha="right", color=ORANGE, weight="bold")
        ax.text(9, -1.65, "7 update: the weights of encoder and decoder", ha="right", color=GREY, weight="bold")

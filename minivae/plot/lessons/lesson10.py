"""Drawings of lesson 10: the network in boxes, and who comes how far in how many epochs."""

from ..style import BLUE, CLASSES, GREY, ORANGE, figure_to


def net(path, sides, channels=(1, 5, 8, 8, 5, 1), L=8):
    """The encoder's and the decoder's images as boxes, six `sides`, and the latents between them."""
    from matplotlib.patches import Rectangle

    with figure_to(path, (10, 2.4)) as figure:
        ax = figure.subplots()
        ax.set(xlim=(-0.5, 114.5), ylim=(-11, 13), aspect="equal")
        ax.axis("off")
        centers = [8, 27, 42, 71, 86, 106]
        for i, (x, n, c) in enumerate(zip(centers, sides, channels, strict=True)):
            color = BLUE if i < 3 else ORANGE
            for k in reversed(range(c)):
                at = x - n / 2 + 0.35 * k, -n / 2 + 0.35 * k
                ax.add_patch(Rectangle(at, n, n, facecolor="white", edgecolor=color, lw=0.9))
            ax.text(x, -n / 2 - 1, f"{n} x {n} x {c}", ha="center", va="top")
        for x, text in ((55.5, "mu\nlog_var"), (62.5, "z")):
            ax.text(x, 0, text, ha="center", va="center", fontsize=11)
        ax.text(59, -5, f"{L} latents", ha="center", va="top")
        for start, end, text in ((16.8, 22.2, "conv"), (33.5, 39.2, "conv"), (47.3, 51.8, "dense"), (59, 61.5, ""),
                                 (63.7, 68.2, "dense"), (76.3, 81.2, "conv'"), (92.5, 97.3, "conv'")):  # fmt: skip
            ax.annotate("", (end, 0), (start, 0), arrowprops={"arrowstyle": "->", "color": GREY, "lw": 1.5})
            ax.text((start + end) / 2, 1, text, ha="center", fontsize=9)
        ax.text(26, 11.5, "encoder: sides are halved", color=BLUE, ha="center", fontsize=11)
        ax.text(88, 11.5, "decoder: sides are doubled", color=ORANGE, ha="center", fontsize=11)
        ax.text(59, 11.5, "sample", ha="center", fontsize=11)


def contest(path, of_two, of_one):
    """{net: validation ELBO (seeds, epochs)} with two sprites and with one: each seed, and their mean."""
    colors = {"conv": BLUE, "dense": ORANGE, "dense, 4 x parameters": CLASSES[3]}
    with figure_to(path, (10, 4.2)) as figure:
        left, right = figure.subplots(1, 2)
        for ax, curves in ((left, of_two), (right, of_one)):
            for name, values in curves.items():
                color = colors[name.removesuffix(", pixels shuffled")]
                line, epochs = ":" if "shuffled" in name else "-", range(1, values.shape[1] + 1)
                ax.plot(epochs, values.T, line, color=color, lw=0.6, alpha=0.5)
                ax.plot(epochs, values.mean(axis=0), line, color=color, label=name)
            ax.set(xlabel="epoch", ylabel="validation ELBO, nats")
            ax.legend(loc="lower right")
        left.set(title="two sprites: conv is ahead at equal parameters", ylim=(-72, -24))
        right.set(title="one sprite: a head start, no more", ylim=(-40, -12))

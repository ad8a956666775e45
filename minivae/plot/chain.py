"""A chain of values with the gradients that come back."""

from .style import BLUE, GREY, ORANGE, figure_to


def draw_chain(nodes, path, title):
    """Nodes (name, value, gradient) from left to right; values above, gradients below."""
    with figure_to(path, (1.6 * len(nodes), 2.6)) as figure:
        ax = figure.subplots()
        ax.set(xlim=(-0.6, len(nodes) - 0.4), ylim=(-1.3, 1.3), title=title)
        ax.axis("off")
        for i, (name, value, gradient) in enumerate(nodes):
            ax.text(i, 0, name, ha="center", va="center", fontsize=12,
                    bbox={"boxstyle": "circle,pad=0.5", "facecolor": "white", "edgecolor": GREY})  # fmt: skip
            ax.text(i, 0.75, f"{value:g}", ha="center", va="center", color=BLUE)
            ax.text(i, -0.75, f"{gradient:g}", ha="center", va="center", color=ORANGE)
            if i:
                for y, color, (start, end) in (
                    (0.12, BLUE, (i - 0.68, i - 0.32)),
                    (-0.12, ORANGE, (i - 0.32, i - 0.68)),
                ):
                    ax.annotate("", (end, y), (start, y), arrowprops={"arrowstyle": "->", "color": color})
        ax.text(-0.6, 1.2, "forward: values", color=BLUE, fontsize=9)
        ax.text(-0.6, -1.25, "backward: d loss / d value", color=ORANGE, fontsize=9)

"""What each head of attention looks at."""

from .style import figure_to

ACROSS = 4  # panels beside each other
SIDE, LETTER = 6.0, 0.17  # of a panel, at most, and of a token in it, inches


def draw_attention(blocks, tokens, path, title):
    """A panel for each head of each block: how much the token of a row looks at that of a column.

    `blocks` are weights (heads, T, T), `tokens` T texts; a space is shown as an open box.
    """
    panels = [(f"block {b}, head {i}", p) for b, weights in enumerate(blocks) for i, p in enumerate(weights)]
    T, across = len(tokens), min(len(blocks[0]), ACROSS)
    down = -(-len(panels) // across)
    side = min(max(2.4, 0.8 + LETTER * T), SIDE)
    size = 8 * min(1, (side - 0.8) / (LETTER * T))
    shown = [token.replace(" ", "\N{OPEN BOX}") for token in tokens]
    with figure_to(path, (side * across + 0.8, side * down + 0.8)) as figure:
        figure.suptitle(title, size=11, parse_math=False)
        axes = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
        for ax in axes.flat[len(panels) :]:
            ax.axis("off")
        for ax, (name, p) in zip(axes.flat, panels, strict=False):
            image = ax.imshow(p, vmin=0, vmax=1, cmap="Blues")
            ax.grid(False)
            ax.set_title(name)
            ax.set_xticks(range(T), shown, fontsize=size, parse_math=False)
            ax.set_yticks(range(T), shown, fontsize=size, parse_math=False)
            ax.tick_params(length=0, labelbottom=True)
            for label in ax.get_xticklabels():
                label.set_rotation(90 if len(label.get_text()) > 1 else 0)
        figure.supxlabel("looks at", fontsize=10)
        figure.supylabel("token", fontsize=10)
        figure.colorbar(image, ax=axes, label="weight", shrink=0.8)

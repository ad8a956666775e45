"""What each head of attention looks at."""

from .style import figure_to

ACROSS = 4  # panels beside each other


def draw_attention(weights, tokens, path):
    """A panel for each head: how much the token of a row looks at that of a column, `weights` (heads, T, T).

    `tokens` are T texts; a space is shown as an open box.
    """
    heads, T = len(weights), len(tokens)
    rows, columns = -(-heads // ACROSS), min(heads, ACROSS)
    side = max(2.4, 0.8 + 0.17 * T)
    shown = [token.replace(" ", "\N{OPEN BOX}") for token in tokens]
    with figure_to(path, (side * columns + 0.8, side * rows + 0.5)) as figure:
        panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        for ax in panels.flat[heads:]:
            ax.axis("off")
        for i, (ax, p) in enumerate(zip(panels.flat, weights, strict=False)):
            image = ax.imshow(p, vmin=0, vmax=1, cmap="Blues")
            ax.grid(False)
            ax.set_title(f"head {i}")
            ax.set_xticks(range(T), shown, fontsize=8, parse_math=False)
            ax.set_yticks(range(T), shown, fontsize=8, parse_math=False)
            ax.tick_params(length=0, labelbottom=True)
            for label in ax.get_xticklabels():
                label.set_rotation(90 if len(label.get_text()) > 1 else 0)
        figure.supxlabel("looks at", fontsize=10)
        figure.supylabel("token", fontsize=10)
        figure.colorbar(image, ax=panels, label="weight", shrink=0.8)

"""Lines of text as a picture: a table of one fixed pitch, in which what differs from an original has a color."""

import math
import textwrap
from difflib import SequenceMatcher

from .style import GREY, ORANGE, figure_to

SIZE = 9  # of letters, points
PITCH, DOWN = 0.08, 0.18  # from a letter to the next, which are whole pixels, and from a row to the next, inches
ACROSS, ROWS = 120, 200  # letters of a row, and rows, at most
GAP = 3  # letters between columns
LEAST = 60  # letters that a title has room for


def draw_lines(rows, heads, path, title):
    """A table of lines: rows of cells below their `heads`, if there are any. An empty row is a gap.

    A cell is a text, or pieces of one, [(text, color)], as `marked` and `repeated` give them. What is too long ends in
    an ellipsis, and of more than `ROWS` rows the number of those that are left out is said.
    """
    left_out = len(rows) - ROWS
    cells = [[_pieces(cell) for cell in row] for row in ([heads] if heads else []) + list(rows[:ROWS])]
    columns = max(map(len, cells))
    widths = [max([_length(row[i]) for row in cells if i < len(row)]) for i in range(columns)]
    widest = _widest(widths, ACROSS - GAP * (columns - 1))
    starts = [sum(min(w, widest) + GAP for w in widths[:i]) for i in range(columns + 1)]
    across = max(LEAST, starts[-1] - GAP) + 2
    above = textwrap.wrap(title, int(0.9 * across))
    down = len(cells) + (left_out > 0) + 0.5 + 1.2 * len(above)
    top = 1.2 * len(above) + 0.8
    down = top + len(cells) + (left_out > 0) + 0.5
    with figure_to(path, (across * PITCH, down * DOWN)) as figure:
        figure.set_layout_engine("none")
        ax = figure.add_axes((0, 0, 1, 1), xlim=(-1, across - 1), ylim=(down - 1, -1))
        ax.set_axis_off()
        ax.text(0, -0.5, "\n".join(above), size=11, va="top", parse_math=False)
        for i, row in enumerate(cells):
            weight = "bold" if heads and i == 0 else "normal"
            for start, cell in zip(starts, row, strict=False):
                for text, color in _cut(cell, widest):
                    ax.text(start, top + i, text, size=SIZE, color=color, weight=weight, family="monospace",
                            parse_math=False)  # fmt: skip
                    start += len(text)
        if left_out > 0:
            ax.text(0, down - 1.5, f"and {left_out:,} rows more", size=SIZE, color=GREY)


def side_by_side(lines):
    """Rows of lines, about as many in a row as there are rows, or as many as have room."""
    longest = max(map(len, lines), default=0)
    across = max(1, min(math.ceil(math.sqrt(len(lines))), (ACROSS + GAP) // (longest + GAP)))
    return [lines[i : i + across] for i in range(0, len(lines), across)]


def marked(line, original):
    """A cell: the line, orange where it is another than the original; a low line stands where it lacks something."""
    pieces = []
    for what, _, _, c, d in SequenceMatcher(None, original, line, autojunk=False).get_opcodes():
        if what == "equal":
            pieces.append((line[c:d], "black"))
        else:
            pieces.append((line[c:d].replace(" ", "\N{OPEN BOX}") or "_", ORANGE))
    return pieces


def repeated(lines):
    """Cells of the lines of a walk: grey where a line is the one before it."""
    return [[(line, GREY if i and line == lines[i - 1] else "black")] for i, line in enumerate(lines)]


def _pieces(cell):
    return [(cell, "black")] if isinstance(cell, str) else cell


def _length(pieces):
    return sum(len(text) for text, _ in pieces)


def _widest(widths, room):
    """The largest width of a column with which all have room."""
    return next((w for w in range(max(widths), 1, -1) if sum(min(w, width) for width in widths) <= room), 1)


def _cut(pieces, width):
    """Pieces of at most `width` letters, the last of them an ellipsis where more were there."""
    if _length(pieces) <= width:
        return pieces
    left, kept = width - 1, []
    for text, color in pieces:
        kept.append((text[:left], color))
        left -= len(kept[-1][0])
    return [*kept, ("\N{HORIZONTAL ELLIPSIS}", GREY)]

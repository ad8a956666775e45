"""Tables as text: aligned for a terminal, or in Markdown for a page."""


def aligned(rows, align="<>"):
    """Lines of equal columns, two spaces apart: rows of cells, the first of which may be a head.

    `align` has a character for each column, "<" for the left and ">" for the right; the last one serves the rest.
    """
    rows = [[str(cell) for cell in row] for row in rows]
    align = align.ljust(len(rows[0]) if rows else 0, align[-1])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map("{:{}{}}".format, row, align, widths)).rstrip() for row in rows]


def markdown(*rows):
    """A table of rows of cells, the first one the head."""
    lines = [f"| {' | '.join(map(str, row))} |" for row in rows]
    return "\n".join([lines[0], "|---" * len(rows[0]) + "|", *lines[1:]])


def four_digits(value):
    """A number with four significant digits, zero without a sign."""
    return f"{value + 0.0:.4g}"

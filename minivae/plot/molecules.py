"""Molecules as chemists draw them: RDKit's drawings in a grid, a line of text below each."""

import io

from .style import GREY, figure_to

SIDE = 200, 160  # of a drawing, pixels
LINE = 34  # characters of text below it


def draw_molecules(molecules, texts, columns, title, path, tops=()):
    """A grid of RDKit's molecules, row after row, each with its text; None, which is no molecule, stays empty.

    `tops` stand above the columns.
    """
    from matplotlib.image import imread
    from rdkit.Chem import Mol
    from rdkit.Chem.Draw import rdMolDraw2D

    width, height = SIDE
    rows = -(-len(molecules) // columns)
    row = height + 20  # with its text
    drawing = rdMolDraw2D.MolDraw2DCairo(2 * columns * width, 2 * rows * row, 2 * width, 2 * row)
    look = drawing.drawOptions()
    look.drawMolsSameScale, look.bondLineWidth, look.legendFraction = False, 3, 20 / row
    shown = [Mol() if molecule is None else molecule for molecule in molecules]
    drawing.DrawMolecules(shown, legends=[" "] * len(shown))  # a space keeps the room of the text
    drawing.FinishDrawing()
    with figure_to(path, (columns * width / 100, rows * row / 100 + (0.7 if tops else 0.4))) as figure:
        ax = figure.subplots()
        ax.imshow(imread(io.BytesIO(drawing.GetDrawingText())), extent=(0, columns, rows, 0), aspect=row / width)
        ax.grid(False)
        ax.spines[:].set_visible(False)
        ax.set_yticks([])
        figure.suptitle(title, fontsize=11)
        ax.set_xticks([i + 0.5 for i in range(len(tops))], tops)
        ax.tick_params(length=0, labeltop=True, labelbottom=False)
        for i, (molecule, text) in enumerate(zip(molecules, texts, strict=True)):
            text = text if len(text) <= LINE else f"{text[: LINE - 4]} ..."
            ax.text(i % columns + 0.5, i // columns + 0.98, text, ha="center", va="bottom", size=8,
                    color=GREY if molecule is None else "black", parse_math=False)  # fmt: skip

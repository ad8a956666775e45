"""One style, one palette: each picture is written whole, always the same bytes."""

import io
import warnings
from contextlib import contextmanager

from ..files import write_atomic

BLUE, ORANGE, GREY = "#2a6fbb", "#d9722e", "#8a8f98"
CLASSES = ("#2a6fbb", "#d9722e", "#3a9a5b", "#c0392b", "#7d5ba6", "#8c6d46", "#d678a8", "#7a7f87", "#b5b035", "#35a9b5")
STYLE = {
    "figure.dpi": 100, "savefig.dpi": 100, "font.size": 10, "axes.titlesize": 11, "axes.spines.top": False,
    "axes.spines.right": False, "axes.grid": True, "grid.alpha": 0.25, "legend.frameon": False, "lines.linewidth": 1.8,
}  # fmt: skip


def check_matplotlib():
    """ValueError where matplotlib cannot be imported: in MPLBACKEND it accepts no other names than those it knows."""
    try:
        import matplotlib  # noqa: F401
    except ValueError as error:
        raise ValueError(f"MPLBACKEND: matplotlib cannot be imported ({error})") from None


@contextmanager
def figure_to(path, size):
    """A styled figure, written to `path` when the block ends without an error; the user's own styles have no part."""
    check_matplotlib()
    from matplotlib import style
    from matplotlib.figure import Figure

    with style.context(["default", STYLE]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # in the name of a run
        figure = Figure(size, layout="constrained")
        yield figure
        content = io.BytesIO()
        figure.savefig(content, format="png", metadata={"Software": None})
    write_atomic(path, content.getvalue())

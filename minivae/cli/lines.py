"""Pictures and files of lines of text: what commands draw and write where the data are text."""

import numpy as np

from .. import plot
from ..data.lines import SUFFIX
from ..evaluate import latents
from ..trained import Trained
from .arrays import say_outside, write_data
from .decoding import made_of

LIKELIEST = "each token the likeliest given those before it"


def draw_line_samples(run, model, n, seed, path, title, draw=False, **choice):
    """n lines into the picture or the file; `choice` as for `Trained.drawn`."""
    lines = Trained(model, run.protocol, run.settings["likelihood"]).drawn(n, seed, None, draw, **choice)
    if path.suffix.lower() == SUFFIX:
        write_data(path, lines)
        return
    if model.latent is None:
        how = [f"{title}: {model.sampled}"]
    else:
        how = [f"{title}: decoded {model.sampled}", "tokens drawn" if draw else LIKELIEST]
    says = {"temperature": "temperature {}", "top_k": "of the {} likeliest"}
    how += [says[name].format(value) for name, value in choice.items()]
    plot.draw_lines(plot.side_by_side(lines), (), path, ", ".join(how))


def draw_line_reconstructions(run, model, x, path, kind):
    """Lines x (N, T) beside what comes back of them."""
    back = Trained(model, run.protocol, run.settings["likelihood"]).through(x, None)
    lines = run.protocol.original(x)
    equal = sum(map(str.__eq__, lines, back))
    rows = [(line, plot.marked(x_hat, line)) for line, x_hat in zip(lines, back, strict=True)]
    title = f"{len(x)} {kind} lines, of which {equal} come back as they are: {LIKELIEST}; orange is what differs"
    plot.draw_lines(rows, ("x", f"x_hat = {made_of(model)}"), path, title)


def between_lines(run, given):
    """Rows x (2, T) of the two lines of --between; ValueError where the data are no text."""
    if run.protocol.tokens is None:
        raise ValueError(f"between: expected none, {run.protocol.name} is no text")
    say_outside(run.protocol, given, "between")
    return run.protocol.prepare(given, "between", run.settings["likelihood"])


def draw_line_walks(run, model, x, mu, steps, path):
    """Walks between each two of the lines x (2 n, T), whose means are mu (2 n, L), into the picture or the file."""
    lines, trained = run.protocol.original(x), Trained(model, run.protocol, run.settings["likelihood"])
    kinds = ("linear", "spherical")
    walks = [latents.interpolate(mu[::2], mu[1::2], steps, kind) for kind in kinds]  # (n, steps, L) each
    decoded = iter(trained.decode(np.stack(walks, axis=1).reshape(-1, mu.shape[1])))
    names = ["x", *(f"{t:.2f}" for t in np.linspace(0, 1, steps)), "x"]
    rows, written = [], []
    for first, last in zip(lines[::2], lines[1::2], strict=True):
        cells = [[next(decoded) for _ in range(steps)] for _ in kinds]
        written += [line for walk in cells for line in (first, *walk, last, "")]
        cells = [[first, *plot.repeated(walk), last] for walk in cells]
        rows += [*zip(names, *cells, strict=True), ()]
    if path.suffix.lower() == SUFFIX:
        write_data(path, written[:-1])
        return
    title = f"between two lines: decoded walks from mu to mu, {LIKELIEST}; grey is the line above once more"
    plot.draw_lines(rows[:-1], ("", *kinds), path, title)


def draw_line_traversal(run, model, walks, labels, values, path, title):
    """A column for each latent, below its name and size, `labels`: the lines of its walk z (steps, L)."""
    trained = Trained(model, run.protocol, run.settings["likelihood"])
    cells = [[size, *plot.repeated(trained.decode(walk))] for (_, size), walk in zip(labels, walks, strict=True)]
    names = ["", *(f"{value:+.1f}" for value in values)]
    heads = ["", *(name for name, _ in labels)]
    title += f"; {LIKELIEST}; grey is the line above once more"
    plot.draw_lines(list(zip(names, *cells, strict=True)), heads, path, title)

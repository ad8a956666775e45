"""The pictures of figures.sequences."""

import numpy as np

from minivae.evaluate import codes
from minivae.evaluate.molecules import molecules, properties
from minivae.plot import CLASSES, GREY, draw_attention, draw_molecules, figure_to

COLUMNS = 5  # molecules in a row
REACHED = 20  # lines that reach a place that is shown
TICKS = (4, 6, 8, 12, 16, 24, 32, 48, 64)  # of the lengths of expressions
LINE = "a=a+(b+3)*7+a"  # whose attention is drawn


def draw_excess(rows, path):
    """{what: row}: by how much the NLL of expressions is above what is true, for lines of some lengths."""
    with figure_to(path, (7.4, 4.2)) as figure:
        ax = figure.subplots()
        for i, (what, row) in enumerate(rows.items()):
            mean, error = np.array([group["excess"] for group in row["by_length"]], float).T
            at = np.array([group["tokens"] for group in row["by_length"]]) * 1.02 ** (i - len(rows) / 2)
            ax.errorbar(at, mean, 2 * error, fmt="o-", ms=4, lw=1.2, capsize=2, color=CLASSES[i], label=what)
        ax.axhline(0, color="black", lw=1, label="the grammar itself")
        ax.set(xscale="log", xlabel="tokens of a line, with its end mark",
               ylabel="NLL above the true -log p, nats", title="what models lack (+- 2 standard errors)")  # fmt: skip
        ax.set_xticks(TICKS, TICKS)
        ax.set_xticks([], minor=True)
        figure.legend(loc="outside lower center", ncols=2, fontsize=8)


def draw_places(rows, path):
    """{what: row}: the KL of each place of lines."""
    with figure_to(path, (7.4, 4.2)) as figure:
        ax = figure.subplots()
        for i, (what, row) in enumerate(rows.items()):
            of = row["places"]
            n = sum(lines >= REACHED for lines in of["lines"])
            kl, error = np.array(of["kl"][:n]), np.array(of["error"][:n], float)
            ax.plot(range(1, n + 1), kl, "o-", ms=3, color=CLASSES[i], label=what)
            ax.fill_between(range(1, n + 1), kl - 2 * error, kl + 2 * error, color=CLASSES[i], alpha=0.2, lw=0)
        ax.axhline(0, color=GREY, lw=0.8)
        ax.set(xlabel=f"place of the token, while {REACHED} lines reach it", ylabel="KL of the place, nats",
               title="what z says of each token beyond those before it (+- 2 standard errors)")  # fmt: skip
        figure.legend(loc="outside lower center", ncols=2, fontsize=8)


def draw_samples(rows, path):
    """{what: row}: molecules among the first samples of each model, five each."""
    cells = [(what, line) for what, row in rows.items() for line in (row["samples"] + [""] * COLUMNS)[:COLUMNS]]
    texts = [what if line else "" for what, line in cells]
    title = "molecules among the first samples, tokens drawn"
    draw_molecules(molecules([line for _, line in cells]), texts, COLUMNS, title, path)


def draw_climb(of, title, path):
    """A row for each molecule: itself, its reconstruction, and what the climb comes to."""
    lines = [line for row in zip(*of["lines"], strict=True) for line in row]
    texts = [f"log P {value:.2f}" if np.isfinite(value) else "no molecule" for value in properties(lines, "logp")]
    draw_molecules(molecules(lines), texts, 3, title, path, ("test molecule", "reconstructed", "climbed"))


def draw_line_attention(model, protocol, path):
    """What the heads of the last block of a decoder look at while it is given `LINE`."""
    x = protocol.prepare([LINE], "line", "tokens")
    z = codes(model, x)
    before = np.pad(x[:, : len(LINE)], ((0, 0), (1, 0))).astype("int64")  # (1, T), the start mark first
    e = model.decoder.embedding(before)  # (1, T, E)
    weights = model.decoder.body.weights(np.concatenate((e, np.repeat(z[:, None], e.shape[1], axis=1)), axis=-1))
    draw_attention(weights[-1][0], ["start", *LINE], path)

"""The pictures of figures.sequences."""

import numpy as np

from minivae.evaluate import codes
from minivae.evaluate.molecules import molecules, properties
from minivae.plot import CLASSES, GREY, draw_attention, draw_molecules, figure_to

COLUMNS = 5  # molecules in a row
REACHED = 20  # lines that reach a place that is shown
TICKS = (4, 8, 16, 32, 64)  # of the lengths of expressions
LINE = "a=a+(b+3)*7+a"  # whose attention is drawn


def draw_excess(rows, path):
    """{what: row}: by how much the NLL of expressions is above what is true, by their length and their parentheses."""
    with figure_to(path, (8.6, 4.2)) as figure:
        panels = figure.subplots(1, 2, sharey=True)
        for ax, count in zip(panels, ("tokens", "parentheses"), strict=True):
            for i, (what, row) in enumerate(rows.items()):
                at = np.array([group["count"] for group in row["groups"][count]])
                aside = i - len(rows) / 2
                at = at * 1.02**aside if count == "tokens" else at + 0.04 * aside
                mean, error = np.array([group["excess"] for group in row["groups"][count]], float).T
                ax.errorbar(at, mean, 2 * error, fmt="o-", ms=4, lw=1.2, capsize=2, color=CLASSES[i],
                            label=what if ax is panels[0] else None)  # fmt: skip
            ax.axhline(0, color="black", lw=1, label="the grammar itself" if ax is panels[0] else None)
        panels[0].set(xscale="log", xlabel="tokens of a line, with its end mark",
                      ylabel="NLL above the true -log p, nats")  # fmt: skip
        panels[0].set_xticks(TICKS, TICKS)
        panels[0].set_xticks([], minor=True)
        panels[1].set(xlabel="pairs of parentheses in a line")
        figure.suptitle("what models lack, a line (+- 2 standard errors)", size=11)
        figure.legend(loc="outside lower center", ncols=2, fontsize=8)


def draw_places(rows, path):
    """{what: row}: the KL of each place of lines."""
    with figure_to(path, (7.4, 4.2)) as figure:
        ax = figure.subplots()
        for i, (what, row) in enumerate(rows.items()):
            of = row["places"]
            n = sum(lines >= REACHED for lines in of["reached"])
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
    """What the heads of a decoder look at while it is given `LINE`."""
    x = protocol.prepare([LINE], "line", "tokens")
    weights = model.decoder.weights(x[:, : len(LINE) + 1], codes(model, x))  # (1, heads, T, T) of each block
    title = f"attention of the decoder that reads {LINE}"
    draw_attention([block[0] for block in weights], ["<start>", *LINE], path, title)

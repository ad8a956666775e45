"""Commands of one line of text: its neighbors, and what attention looks at."""

import numpy as np

from .. import plot
from ..backend import generator, place, to_numpy
from ..layers.lines import ends_of
from ..options import whole
from ..tables import aligned
from ..trained import Trained
from .arrays import say_outside
from .base import argument
from .decoding import codes
from .drawing import drawing
from .lines import LIKELIEST

LINE = argument("--line", required=True, metavar="TEXT", help="a line of text")
TO_ALL = {"lines": (), "tables": True, "parts": True, "codes": True}  # what is no text is refused here
MOST = 200  # neighbors


@drawing(
    "neighbors.png",
    LINE,
    argument("--n", default="10", metavar="N", help="how many (default: 10)"),
    argument("--seed", default="0", metavar="N", help="of the draws from q(z | x) (default: 0)"),
    **TO_ALL,
)
def neighbors(run, path, line, n, seed):
    """Print and draw what is near a line of text: training lines with the nearest means mu, and decoded draws of z.

    The distance is |mu - mu of the line|. Draws are of q(z | x), and each token is the likeliest given those before it.
    """
    n, seed = whole(1, MOST)("n", n), whole(0)("seed", seed)
    trained, x = _given(run, line)
    mu, std = trained.encode([line])
    seen = run.read_data().train.x
    distance = np.linalg.norm(codes(path, trained.model, seen, None) - mu, axis=1)
    nearest = {}
    for i in np.argsort(distance, kind="stable"):
        nearest.setdefault(bytes(seen[i]), i)
        if len(nearest) == n:
            break
    rows = list(nearest.values())
    eps = generator(seed, "sample").standard_normal((len(rows), mu.shape[1]), dtype="float32")
    found = [f"{distance[i]:.2f}" for i in rows], run.protocol.original(seen[rows]), trained.decode(mu + std * eps)
    heads = ("distance", "training line", "decoded draw of q(z | x)")
    rows = list(zip(*found, strict=True))
    print(*aligned([heads, *rows], "><"), sep="\n")
    (x,) = run.protocol.original(x)
    plot.draw_lines(rows, heads, path, f"near {x}: by the distance of means mu, and draws, {LIKELIEST}")


@drawing("attention.png", LINE, **TO_ALL)
def attention(run, path, line):
    """Draw what the decoder of a transformer looks at, token by token of a line, at the mean of q(z | x)."""
    trained, x = _given(run, line)
    if run.settings["arch"] != "transformer":
        raise ValueError(f"run: attention needs arch transformer, got {run.settings['arch']}")
    model = trained.model
    z = np.zeros((1, 0), x.dtype) if model.latent is None else trained.encode([line])[0]
    T = int(ends_of(x)[0]) + 1
    weights = model.decoder.weights(*place((x[:, :T], z), like=model.theta))
    tokens = ["<start>", *(run.protocol.vocabulary[int(number)] for number in x[0, : T - 1])]
    title = "attention of the decoder"
    plot.draw_attention([to_numpy(block[0]) for block in weights], tokens, path, title)


def _given(run, line):
    """(what is trained, the row x (1, T) of a line); ValueError where the data are no text."""
    if run.protocol.tokens is None:
        raise ValueError(f"run: expected one of text, {run.protocol.name} is none")
    model, _ = run.load_model()
    trained = Trained(model, run.protocol, run.settings["likelihood"], argument="line")
    say_outside(run.protocol, [line], "line")
    return trained, trained.prepared([line])[0]

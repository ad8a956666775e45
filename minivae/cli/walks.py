"""Commands that draw walks through the latent space: interpolate and traverse."""

import numpy as np

from .. import plot
from ..backend import take
from ..data.lines import SUFFIX
from ..evaluate import latents
from ..options import whole
from .base import argument
from .codes import draw_changed_codes, outputs_of
from .decoding import DOTS, codes, decoded, is_standard, latent_name, name_of, shape_of, told
from .drawing import drawing
from .lines import between_lines, draw_line_traversal, draw_line_walks

WALKS, STEPS = 100, 1000  # of a picture, at most


@drawing(
    "interpolations.png",
    argument("--n", default="4", metavar="N", help="at most so many pairs of examples (default: 4)"),
    argument("--steps", default="9", metavar="N", help="decodings between and with the two ends (default: 9)"),
    argument("--between", nargs=2, metavar="LINE", help="of text: these two lines in the place of examples"),
    lines=(SUFFIX,),
    codes=True,
)
def interpolate(run, path, n, steps, between):
    """Write a picture of what lies between pairs of examples: linear and spherical interpolation of their means.

    Of a model with a codebook, of what its encoder gives before the nearest codes are taken. Of text also a file, with
    an empty line between two walks, each of which begins and ends with the line of an example.
    """
    n, steps = whole(1, WALKS)("n", n), whole(2, STEPS)("steps", steps)
    model, _ = run.load_model()
    x, y = run.read_data().pictured if between is None else (between_lines(run, between), None)
    n = min(n, len(x) // 2)
    if n == 0:
        raise ValueError(f"run: a walk needs two examples, {run.path} has {len(x)}")
    x = x[: 2 * n]
    y = take(y, slice(2 * n))
    mu, onto = outputs_of(run, model, x, y) if model.latent == "codes" else (codes(path, model, x, y), lambda z: z)
    if run.protocol.tokens is not None:
        draw_line_walks(run, model, x, mu, steps, path)
        return
    tiles = plot.Tiles(shape_of(run), 2 * n, steps + 2)
    x = tiles.reduce(x)
    bands = []
    for path_kind in ("linear", "spherical"):
        z = onto(latents.interpolate(mu[::2], mu[1::2], steps, path_kind)).swapaxes(0, 1)  # (steps, n, L)
        x_hat = decoded(path, model, z, tiles, take(y, slice(None, None, 2))).swapaxes(0, 1)  # (n, steps, d)
        bands.append([np.concatenate([x[2 * i : 2 * i + 1], x_hat[i], x[2 * i + 1 : 2 * i + 2]]) for i in range(n)])
    bands = [band for pair in zip(*bands, strict=True) for band in pair]
    title = f"between two examples: decoded walks from {name_of(model)} to {name_of(model)}"
    if model.latent == "codes":
        title = "between two examples: the codes nearest to walks from z_e to z_e, decoded"
    title += ", given the left one's y" * (model.labels is not None and model.decodes_y)
    tops = ["x", *[""] * steps, "x"]
    plot.walks(bands, shape_of(run), path, title, ["linear", "spherical"], tops)


@drawing(
    "traversal.png",
    argument("--example", default="0", metavar="I", help="which of the pictured examples (default: 0)"),
    argument("--n", default="10", metavar="N", help="at most so many latents, those with the most KL (default: 10)"),
    argument("--steps", default="11", metavar="N", help="values of each latent, from -3 to 3 (default: 11)"),
    lines=(),
    codes=True,
)
def traverse(run, path, example, n, steps):
    """Write a picture of what each latent does: one at a time goes from -3 to 3, ordered by their KL.

    Where there is no KL of each latent, from three standard deviations of the codes below their mean to three above it.
    Of a hierarchy the levels below that of the latent follow it, at their mean. Of a model with codes one place at a
    time has each of its most frequent codes, ordered by the entropy of what is there.
    """
    n, steps = whole(1, WALKS)("n", n), whole(2, STEPS)("steps", steps)
    model, _ = run.load_model()
    x, y = run.read_data().pictured
    i = _example(x, example)
    y_of_it = take(y, slice(i, i + 1))
    if model.latent == "codes":
        draw_changed_codes(run, path, model, *(take(part, slice(DOTS)) for part in (x, y)), i, n, steps)
        return
    mu = codes(path, model, x[i : i + 1], y_of_it, above=True)[0]
    x_seen, y_seen = (take(part, slice(DOTS)) for part in (x, y))
    values = np.linspace(-3, 3, steps, dtype="float32")
    z = codes(path, model, x_seen, y_seen, above=True)
    if model.has_kl:
        size = latents.kl_per_latent(model, x_seen, told(model, y_seen))
        unit = "nats"
    else:
        size = z.std(axis=0)
        unit = "std"
    if is_standard(model):
        starts, widths = np.zeros_like(z[0]), np.ones_like(z[0])
        title = "one latent at a time, from -3 to 3"
    else:
        starts, widths = z.mean(axis=0), z.std(axis=0)
        title = "one latent at a time, three standard deviations of the codes around their mean"
    order = np.argsort(-size, kind="stable")[:n]
    walks = [latents.traverse(mu, [k], starts[k] + widths[k] * values)[0] for k in order]
    if model.levels is not None:
        above = [latents.place_of(model.levels, k)[0] for k in order]
        walks = [latents.carried_down(model, walk, level) for walk, level in zip(walks, above, strict=True)]
        title += ",\nand the levels below it at their mean"
    labels = [(latent_name(model, k), f"{size[k]:.2f} {unit}") for k in order]
    if run.protocol.tokens is not None:
        draw_line_traversal(run, model, walks, labels, values, path, title)
        return
    tiles = plot.Tiles(shape_of(run), len(walks), steps)
    x_hat = decoded(path, model, np.stack(walks), tiles, y_of_it)
    tops = ["-3", *[""] * (steps - 2), "3"]
    plot.walks(list(x_hat), shape_of(run), path, title, list(map(", ".join, labels)), tops)


def _example(x, which):
    """Number of a row of x, as the user gave it."""
    i = whole(0)("example", which)
    if i >= len(x):
        raise ValueError(f"example: expected a whole number < {len(x)}, got {i}")
    return i

"""Pictures of models whose latents are codes."""

import numpy as np

from .. import plot
from ..backend import place, take, to_numpy
from ..evaluate import choice_parts, code_use, codes
from .decoding import decoded, shape_of


def outputs_of(run, model, x, y):
    """(z_e (n, L) of examples, the function from z_e (..., L) to the nearest codes (..., T)); a ValueError without."""
    if model.quantizer is None:
        raise ValueError(f"run: interpolate needs outputs of the encoder that have nearest codes, those of the model "
                         f"{run.settings['model']} have none")  # fmt: skip
    outputs = model.encoder(model.seen(place(x, like=model.theta), y))
    return to_numpy(outputs), lambda z: to_numpy(model.quantizer.nearest(place(z, like=model.theta)))


def draw_changed_codes(run, path, model, x, y, i, n, steps):
    """Example i with one place at a time changed to each of its `steps` most frequent codes, the n places in rows.

    First those at which the codes of x (N, D) have the largest entropy.
    """
    z = codes(model, x, y)
    use = code_use(z, model.K)
    order = np.argsort(-use.place_entropy, kind="stable")[:n]
    often = np.argsort(-use.place_shares, axis=1, kind="stable")[:, :steps]  # (T, at most K)
    walks = np.tile(z[i], (len(order), often.shape[1], 1))
    for walk, k in zip(walks, order, strict=True):
        walk[:, k] = often[k]
    tiles = plot.Tiles(shape_of(run), *walks.shape[:2])
    x_hat = decoded(path, model, walks, tiles, take(y, slice(i, i + 1)))
    title = "one place at a time, with its most frequent codes, the first at the left"
    labels = [f"place {k}, entropy {use.place_entropy[k]:.2f}" for k in order]
    plot.walks(list(x_hat), shape_of(run), path, title, labels, [""] * often.shape[1])


def draw_use(model, x, y, path):
    """The picture of how often examples x (N, D) use each code; of choices, that are no common codes, of their KL."""
    if model.choices is not None:
        plot.draw_kl(choice_parts(model, x, y).kl, [], path, "examples")
        return
    plot.draw_code_use(code_use(codes(model, x, y), model.K), path)

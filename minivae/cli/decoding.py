"""What pictures show of a model, by the path of the picture: decoded in parts, reduced to its tiles, and finite."""

import math

import numpy as np

from ..backend import generator, take, to_numpy
from ..data import batches
from ..evaluate import latents
from ..finite import finite_rows
from ..numeric import at_once
from ..priors import StandardNormal

DOTS = 5000  # examples that the latent space is shown by, at most


def in_tiles(path, tiles, n, decode):
    """decode(rows), (..., D), of n rows: in parts, each reduced to (..., d) before the next is decoded."""
    parts = batches(n, at_once(n, math.prod(tiles.full)))
    return finite_rows(np.concatenate([tiles.reduce(to_numpy(decode(rows))) for rows in parts]), "x_hat", path.stem)


def decoded(path, model, z, tiles, y=None):
    """z (..., n, L), or codes (..., n, T), decoded, (..., n, d); y are n labels, or one for all."""
    flat = z.reshape(-1, z.shape[-1])
    y = _repeated(y, len(flat))
    x_hat = in_tiles(path, tiles, len(flat), lambda rows: model.decode(flat[rows], y=take(y, rows)))
    return x_hat.reshape(*z.shape[:-1], -1)


def sampled(path, model, n, seed, y, tiles, draw=False):
    """n samples (n, d), with the likelihood's noise if `draw`; of labels y, in turns, where there are any."""
    rng, y = generator(seed, "sample"), _repeated(y, n)
    noise = generator(seed, "sample", 1) if draw else None
    return in_tiles(path, tiles, n, lambda rows: model.sample(len(rows), rng, y=take(y, rows), draw=noise))


def reconstructed(run, path, model, x, y, tiles):
    """Reconstructions (n, d) of x (n, D); of parts of images with the rest that is given."""

    def through(rows):
        return run.protocol.whole(to_numpy(model.reconstruct(x[rows], y=take(told(model, y), rows))), take(y, rows))

    return in_tiles(path, tiles, len(x), through)


def codes(path, model, x, y, above=False):
    """What `encode` gives for each example (n, L); 0 in the levels that are not decoded, unless they are asked for."""
    z = finite_rows(latents.codes(model, x, told(model, y)), name_of(model), path.stem)
    if model.levels is not None and not above:
        z[:, model.levels[0] :] = 0
    return z


def told(model, y):
    """What an encoder is told of y in pictures of q(z | x): nothing where y is a second thing that z explains."""
    return None if model.explains_y else y


def _repeated(y, n):
    return None if y is None else np.resize(y, (n, *y.shape[1:]))


def name_of(model):
    """What is decoded of that which `encode` gives for each example, as pictures name it."""
    return "mu" if model.latent == "gaussian" else "z" if model.levels is None else "z1"


def made_of(model):
    """What `reconstruct` gives, as pictures name it."""
    return "the mean of p(x | y)" if model.latent is None else f"decode({name_of(model)})"


def is_standard(model):
    """Whether a standard normal prior says where the latents are."""
    return isinstance(getattr(model, "prior", None), StandardNormal)


def latent_name(model, k):
    """Latent k as pictures name it; in a hierarchy by its level."""
    if model.levels is None:
        return f"z[{k}]"
    level, number = latents.place_of(model.levels, k)
    return f"z{level}[{number}]"


def shape_of(run):
    """(h, w, c), (D,), or (T, c) of a signal of several channels."""
    shape, c = run.protocol.shape, run.settings.get("signal")
    return shape if c in (None, 1) else (shape[0] // c, c)

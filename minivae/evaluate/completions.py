"""Images that a model completes, of which it is given some quadrants."""

import numpy as np

from ..backend import to_numpy
from ..data.quadrants import BLANK


def completions(model, protocol, x, y, S, rng, draw=None):
    """Whole images (N, S + 2, D) of parts x (N, ..) and y: what is given of each, S completions of it, and the truth.

    A completion is the mean of p(x | z, y), z a draw from the prior; or with the generator `draw` a sample of it.
    """
    x_hat = to_numpy(model.sample(len(x) * S, rng, y=np.repeat(y, S, axis=0), draw=draw)).reshape(len(x), S, -1)
    blank = np.full_like(x, BLANK)
    return protocol.whole(np.concatenate([blank[:, None], x_hat, x[:, None]], axis=1), y[:, None])

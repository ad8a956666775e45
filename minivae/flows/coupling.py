"""Coupling: half of the numbers says how the other half is scaled and shifted, so that the inverse is as cheap."""

import numpy as np

from ..backend import array_module
from ..layers import Blocks, Conv2d, Dense, Network, Put, ReLU, Reshape, Residual, Split, Take
from ..layers.initialize import glorot, he
from ..options import each, sizes, whole
from ..params import Constant
from .base import Bijector


class Coupling(Bijector):
    """z' = z where the mask is 1, else exp(log_scale) z + t   (Dinh et al. 2017, "RealNVP", eq. 7 and 9).

    (s, t) = network(mask z), log_scale = 2 tanh(s / 2), log_det = sum of log_scale where the mask is 0. z (..., L), and
    so are s and t; mask (L,) of 0 and 1. There is no context.
    """

    def __init__(self, mask, network):
        self.mask = Constant(mask)
        self.network = network

    def forward(self, z, context=None):
        xp, keep = array_module(z), self.mask.data
        (s, t), c_network = self.network.forward(keep * z)
        log_scale = (1 - keep) * 2 * xp.tanh(0.5 * s)
        scale = xp.exp(log_scale)
        return (scale * z + (1 - keep) * t, log_scale.sum(axis=-1)), (z, scale, log_scale, c_network)

    def backward(self, dz, dlog_det, cache, accumulate=True):
        z, scale, log_scale, c_network = cache
        keep = self.mask.data
        # forward scaled z by exp(log_scale), summed log_scale and added t, all of it where the mask is 0, so now
        dlog_scale = dz * scale * z + dlog_det[..., None]
        ds = (1 - keep) * dlog_scale * (1 - 0.25 * log_scale * log_scale)  # of 2 tanh(s / 2): 1 - tanh^2
        dkept = self.network.backward((ds, (1 - keep) * dz), c_network, accumulate)
        return dz * scale + keep * dkept, None

    def inverse(self, z, context=None):
        keep = self.mask.data
        s, t = self.network(keep * z)
        log_scale = (1 - keep) * 2 * array_module(z).tanh(0.5 * s)
        return (z - (1 - keep) * t) * array_module(z).exp(-log_scale)


def mask_of(shape, odd=False):
    """(L,): 1 for the numbers that are kept. Of rows (L,) every second, of images (h, w, c) the squares of one color.

    The even ones, or with `odd` the others; of images as of a checkerboard, in all channels alike.
    """
    shape = each(whole(1))("shape", shape)
    if len(shape) == 1:
        return np.arange(shape[0]) % 2 == bool(odd)
    h, w, c = shape
    return np.repeat(np.add.outer(np.arange(h), np.arange(w)) % 2 == bool(odd), c)


def masked_coupling(L, width, rng, odd=False):
    """The Coupling of rows of L numbers whose network, of one hidden layer, has columns for all of them."""
    L, width = sizes(L=L, width=width)
    last = _last(Dense(width, 2 * L, rng, glorot))
    return Coupling(mask_of([L], odd), Network(Dense(L, width, rng), ReLU(), last, Split(2)))


def dense_coupling(shape, hidden, rng, odd=False):
    """The Coupling of rows (L,) or images (h, w, c) whose network sees what is kept, and says what is moved, alone."""
    mask = mask_of(shape, odd)
    kept, moved, L = *map(np.flatnonzero, (mask, ~mask)), len(mask)
    layers, width = [Take(kept, L)], len(kept)
    for n in each(whole(1))("hidden", hidden):
        layers += [Dense(width, n, rng, he), ReLU()]
        width = n
    last = _last(Dense(width, 2 * len(moved), rng, glorot))
    return Coupling(mask, Network(*layers, last, Put(np.concatenate([moved, L + moved]), 2 * L), Split(2)))


def conv_coupling(shape, channels, rng, odd=False):
    """The Coupling of images (h, w, c) by 3x3 convolutions, `channels` of which make a residual block each.

    All have one width. What is moved is 0 in what the network sees.
    """
    (h, w, c), (n, *rest) = shape, each(whole(1))("channels", channels)
    if any(other != n for other in rest):
        raise ValueError(f"channels: expected blocks of one width, got {channels}")
    blocks = [Residual(ReLU(), Conv2d(n, n, 3, rng, padding=1, init=he), ReLU(), _last(Conv2d(n, n, 1, rng)))
              for _ in channels]  # fmt: skip
    last = _last(Conv2d(n, 2 * c, 3, rng, padding=1))
    network = Network(Reshape(h, w, c), Conv2d(c, n, 3, rng, padding=1), *blocks, ReLU(), last, Blocks(2), Split(2))
    return Coupling(mask_of(shape, odd), network)


def _last(layer):
    """A layer that starts with so small weights that what it is a part of is near the identity."""
    layer.W.data *= 0.1
    return layer

"""Coupling: half of the latents says how the other half is scaled and shifted, so that the inverse is as cheap."""

import numpy as np

from ..backend import array_module
from ..layers import Dense, Network, ReLU, Split
from ..layers.initialize import glorot
from ..options import sizes
from ..params import Constant
from .base import Bijector


class Coupling(Bijector):
    """z' = z where the mask is 1, else exp(log_scale) z + t   (Dinh et al. 2017, "RealNVP", eq. 7 and 9).

    (s, t) = network(mask z), log_scale = 2 tanh(s / 2), log_det = sum of log_scale where the mask is 0. Every second
    latent is kept: the even ones, or with `odd` the odd ones. z (..., L); there is no context.
    """

    def __init__(self, L, width, rng, odd=False):
        L, width = self.L, _ = sizes(L=L, width=width)
        self.mask = Constant(np.arange(L) % 2 == bool(odd))
        last = Dense(width, 2 * L, rng, glorot)
        last.W.data *= 0.1  # near the identity
        self.network = Network(Dense(L, width, rng), ReLU(), last, Split(2))

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

"""The inverse autoregressive flow: one pass of a masked network gives every latent its own step."""

import numpy as np

from ..backend import array_module, unbroadcast
from ..layers import MaskedDense, Network, Tanh
from ..numeric import sigmoid
from ..options import sizes
from .base import Bijector


class IAF(Bijector):
    """One step of an inverse autoregressive flow, with a MADE of one hidden layer (Kingma et al. 2016, eq. 10 - 14).

        [m, s] = MADE(z, h),    g = sigmoid(s + 2),    z' = g z + (1 - g) m,    log_det = sum_i log g_i

    m_i and s_i depend on the latents before i and on all of the context h: so the Jacobian is triangular, and its
    diagonal is g. z (..., L), h (..., H) -> z' (..., L), log_det (...); m, s and g are (..., L). With `reverse` the
    last latent comes first: after two steps, one in each order, every latent depends on all.
    """

    def __init__(self, L, H, width, rng, reverse=False):
        L, H, width = self.L, self.H, _ = sizes(L=L, H=H, width=width)
        self.order = list(range(L))[::-1] if reverse else list(range(L))
        rank = np.argsort(self.order)  # latent i is number rank[i] in the order
        hidden = np.arange(width) % L  # hidden unit j sees the latents whose rank is below hidden[j], and all of h
        sees_z = rank[:, None] < hidden  # (L, width)
        sees_h = np.ones((H, width))
        shown_to = hidden[:, None] <= rank  # (width, L)
        self.made = Network(
            MaskedDense(np.concatenate([sees_z, sees_h]), rng),
            Tanh(),
            MaskedDense(np.concatenate([shown_to, shown_to], axis=1), rng, scale=0.1),  # near the identity
        )

    def forward(self, z, context):
        xp = array_module(z)
        h = xp.broadcast_to(context, (*z.shape[:-1], self.H))
        out, c_made = self.made.forward(xp.concatenate((z, h), axis=-1))  # (..., 2 L)
        m = out[..., : self.L]
        g = sigmoid(out[..., self.L :] + 2)
        return (g * z + (1 - g) * m, xp.log(g).sum(axis=-1)), (z, m, g, c_made, context.shape)

    def backward(self, dz, dlog_det, cache, accumulate=True):
        z, m, g, c_made, shape = cache
        dm = dz * (1 - g)
        # forward put g = sigmoid(s + 2) into z' = m + g (z - m) and into log_det = sum log g, so now
        # dg = dz' (z - m) + dlog_det / g, and ds = g (1 - g) dg
        ds = (1 - g) * (g * dz * (z - m) + dlog_det[..., None])
        dinput = self.made.backward(array_module(dz).concatenate((dm, ds), axis=-1), c_made, accumulate)
        # z went into z' directly and through the MADE; h, which samples share, gets the sum over them
        return dz * g + dinput[..., : self.L], unbroadcast(dinput[..., self.L :], shape)

    def inverse(self, z, context):
        """One latent after another: after i passes the first i latents in the order are right."""
        before = 0 * z  # what `forward` takes to z
        for _ in range(self.L):
            _, (_, m, g, _, _) = self.forward(before, context)
            before = (z - (1 - g) * m) / g
        return before

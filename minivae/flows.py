"""Bijectors z' = f(z, context) with log |det df / dz|: a flow is made of them."""

import numpy as np

from .backend import array_module, unbroadcast
from .layers import MaskedDense, Network, Tanh
from .layers.base import Layer
from .numeric import sigmoid
from .options import sizes


class Bijector(Layer):
    """A map of rows of L latents, which can be inverted: there is one z for each z'.

    z (..., L), context (..., H) -> z' (..., L) and log_det = log |det df / dz| (...) in nats. The context is what the
    map may depend on beside z: one row for each example, which several samples of it may share.
    """

    def forward(self, z, context=None):
        """((z', log_det), cache)."""
        raise NotImplementedError

    def backward(self, dz, dlog_det, cache, accumulate=True):
        """(dz (..., L) of the input, dcontext), from dz of z' and dlog_det (...); dcontext None without a context."""
        raise NotImplementedError

    def inverse(self, z, context=None):
        """The z (..., L) that `forward` takes to this z'; ValueError where there is no closed form."""
        raise NotImplementedError


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


class Chain(Bijector):
    """Bijectors one after another, all with the same context; log_det (...) is the sum of their log_dets."""

    def __init__(self, *flows):
        self.flows = list(flows)

    def forward(self, z, context=None):
        caches = []
        total = 0
        for flow in self.flows:
            (z, log_det), cache = flow.forward(z, context)
            caches.append(cache)
            total = total + log_det
        return (z, total), caches

    def backward(self, dz, dlog_det, cache, accumulate=True):
        total = None
        # forward added every log_det to the sum and gave every flow the context, so now each gets all of dlog_det, and
        # dcontext is the sum of theirs
        for flow, c_flow in zip(self.flows[::-1], cache[::-1], strict=True):
            dz, dcontext = flow.backward(dz, dlog_det, c_flow, accumulate)
            if dcontext is not None:
                total = dcontext if total is None else total + dcontext
        return dz, total

    def inverse(self, z, context=None):
        for flow in self.flows[::-1]:
            z = flow.inverse(z, context)
        return z

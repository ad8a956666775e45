"""Bijectors z' = f(z, context) with log |det df / dz|: what a flow is made of."""

import numpy as np

from .backend import array_module, unbroadcast
from .layers import MaskedDense, Network, Tanh
from .layers.base import Layer
from .numeric import sigmoid


class Bijector(Layer):
    """z (..., L), context (..., H) -> z' (..., L) and log |det df / dz| (...) nats; one z for each z'."""

    def forward(self, z, context=None):
        """((z', log_det), cache)."""
        raise NotImplementedError

    def backward(self, dz, dlog_det, cache, accumulate=True):
        """(dz of the input, dcontext) from those of z' and log_det; dcontext is None where there is no context."""
        raise NotImplementedError

    def inverse(self, z, context=None):
        """The z that `forward` takes to this one; ValueError where there is no closed form."""
        raise NotImplementedError


class IAF(Bijector):
    """One step of an inverse autoregressive flow, with a MADE of one hidden layer (Kingma et al. 2016, eq. 10 - 14).

        [m, s] = MADE(z, h),    g = sigmoid(s + 2),    z' = g z + (1 - g) m,    log_det = sum_i log g_i

    m_i and s_i see the latents before i and all of the context h: the Jacobian is triangular, its diagonal g.
    z (..., L), h (..., H) -> z' (..., L), log_det (...). `reverse`: the last latent comes first.
    """

    def __init__(self, L, H, width, rng, reverse=False):
        self.L = L
        self.H = H
        self.order = list(range(L))[::-1] if reverse else list(range(L))
        rank = np.argsort(self.order)  # latent i comes at place rank[i]
        hidden = np.arange(width) % L  # hidden unit j sees the latents of a lower rank than hidden[j], and all of h
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
        # g stands in z' and in log g: dg = dz' (z - m) + dlog_det / g; and ds = g (1 - g) dg
        ds = (1 - g) * (g * dz * (z - m) + dlog_det[..., None])
        dinput = self.made.backward(array_module(dz).concatenate((dm, ds), axis=-1), c_made, accumulate)
        return dz * g + dinput[..., : self.L], unbroadcast(dinput[..., self.L :], shape)

    def inverse(self, z, context):
        """One latent after another: after i passes the first i of the order are right."""
        before = 0 * z
        for _ in range(self.L):
            _, (_, m, g, _, _) = self.forward(before, context)
            before = (z - (1 - g) * m) / g
        return before


class Chain(Bijector):
    """Bijectors one after another, all with the same context; log_det is the sum of theirs."""

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
        for flow, c_flow in zip(self.flows[::-1], cache[::-1], strict=True):
            dz, dcontext = flow.backward(dz, dlog_det, c_flow, accumulate)
            if dcontext is not None:
                total = dcontext if total is None else total + dcontext
        return dz, total

    def inverse(self, z, context=None):
        for flow in self.flows[::-1]:
            z = flow.inverse(z, context)
        return z

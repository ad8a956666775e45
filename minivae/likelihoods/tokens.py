"""The likelihood of lines of text: a choice among V tokens at each place, given those before it."""

import numpy as np

from ..backend import array_module, unbroadcast
from ..layers.lines import ends_of
from ..numeric import softmax
from ..options import whole
from .base import Likelihood


class Tokens(Likelihood):
    """Lines x (..., T) of whole numbers from 0 to V - 1: out (..., T * V) are logits, V for each place of the line.

    A line ends at its first 0, the end mark, which counts as a token; what stands behind it adds nothing to log p(x) or
    to a gradient. x_hat is the likeliest token of each place, given those of x before it.
    """

    values = "tokens"

    def __init__(self, V):
        self.n_out = whole(2)("V", V)

    def forward(self, x, out):
        if isinstance(x, np.ndarray) and x.size and not (x.min() >= 0 and x.max() < self.n_out):  # a GPU would wait
            raise ValueError(f"x: expected tokens from 0 to {self.n_out - 1}, got {x.min()} to {x.max()}")
        xp, T = array_module(out), x.shape[-1]
        logits = self._logits(out, T)  # (..., T, V)
        places = np.broadcast_shapes(x.shape, logits.shape[:-1])
        chosen = xp.broadcast_to(x, places).astype("int64")[..., None]  # (..., T, 1)
        counts = (xp.arange(T) <= ends_of(x)[..., None]).astype(out.dtype)  # (..., T)
        e = xp.empty((*places, self.n_out), out.dtype)
        xp.subtract(logits, logits.max(axis=-1, keepdims=True), out=e)
        log_p = xp.take_along_axis(e, chosen, axis=-1)[..., 0]
        xp.exp(e, out=e)
        total = e.sum(axis=-1)  # (..., T)
        log_p -= xp.log(total)
        return (log_p * counts).sum(axis=-1), (e, total, chosen, counts, out.shape)

    def backward(self, g, cache, accumulate=True):
        e, total, chosen, counts, shape = cache
        g = g[..., None] * counts  # (..., T)
        # forward took the logit of the chosen token and log sum exp of all, so now that gets g and all get -g e / total
        dlogits = e * -(g / total)[..., None]
        rows = dlogits.reshape(-1, self.n_out)
        rows[array_module(g).arange(len(rows)), chosen.reshape(-1)] += g.reshape(-1)
        return unbroadcast(dlogits.reshape(*e.shape[:-2], e.shape[-2] * self.n_out), shape)

    def mean(self, out):
        """The likeliest token of each place, (..., T)."""
        return self._logits(out).argmax(axis=-1).astype(out.dtype)

    def draw(self, out, noise):
        """The token at which the cumulated probability passes the noise."""
        p = softmax(self._logits(out)[..., None])[..., 0]
        return (p.cumsum(axis=-1)[..., :-1] <= noise[..., None]).sum(axis=-1).astype(out.dtype)

    def _logits(self, out, T=None):
        """out (..., T * V) -> (..., T, V)."""
        places, rest = divmod(out.shape[-1], self.n_out)
        if rest or T not in (None, places):
            raise ValueError(f"out: expected {T or 'T'} x {self.n_out} columns, got {out.shape[-1]}")
        return out.reshape(*out.shape[:-1], places, self.n_out)

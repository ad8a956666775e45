"""Networks of lines of text: an encoder reads a line to its end, a decoder says at each place what may come next.

A line x (N, T) is made of whole numbers from 0 to V - 1. It ends at its first 0, the end mark, which stands before the
first token as well; what is behind its end has no part in anything. E is the width of the embedding of a token.
"""

import math

import numpy as np

from ..backend import array_module
from ..numeric import softmax
from ..options import each, real, sizes, whole
from .base import Layer
from .combine import Network, Sequential, Split
from .dense import Dense
from .embedding import Embedding
from .recurrent import GRU
from .sequences import next_step, transformer, weights_of

END, UNKNOWN = 0, 1  # marks: of the end and the start, and of a token that is not known


def ends_of(x):
    """Where lines x (..., T) end: the place (...) of the first end mark, or the last place."""
    is_end = x == END
    xp = array_module(x)
    return xp.where(is_end.any(axis=-1), is_end.argmax(axis=-1), x.shape[-1] - 1)


def trimmed(x):
    """Lines x (N, T) without the places that are behind the end of all of them; on a GPU, which would wait, as is."""
    return x[:, : 1 + ends_of(x).max()] if isinstance(x, np.ndarray) and len(x) else x


class Recurrent(Layer):
    """GRUs one above another, from states of zeros: x (N, T, n_in) -> states of the last (N, T, hidden[-1])."""

    def __init__(self, n_in, hidden, rng):
        (self.n_in,), hidden = sizes(n_in=n_in), each(whole(1))("hidden", hidden)
        if not hidden:
            raise ValueError("hidden: expected a width or more, got none")
        self.layers = [GRU(n, H, rng) for n, H in zip([n_in, *hidden], hidden, strict=False)]

    def forward(self, x, noise=None):
        return self._through(x, self._start(x))[:2]

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        for i in range(len(self.layers) - 1, -1, -1):
            back = self.layers[i].backward(dy, cache[i], accumulate, need_dx or i > 0)
            dy = None if back is None else back[0]  # the states before the first step are constants
        return dy

    def _start(self, x):
        """The states of each GRU before the first step of x (N, ..., n_in)."""
        return [array_module(x).zeros((len(x), len(layer.cell.c.data)), x.dtype) for layer in self.layers]

    def step(self, x, memory=None):
        """(y (N, H) of the next step, what is remembered then) of x (N, n_in); `memory` None: the first step."""
        y, _, memory = self._through(x[:, None], self._start(x) if memory is None else memory)
        return y[:, 0], memory

    def _through(self, x, states):
        caches, last = [], []
        for layer, h in zip(self.layers, states, strict=True):
            x, cache = layer.forward((x, h))
            caches.append(cache)
            last.append(x[:, -1])
        return x, caches, last


class Transformer(Layer):
    """Attention above a dense layer: x (N, t, n_in) -> (N, t, width), t <= T. See `sequences.transformer`."""

    def __init__(self, n_in, width, blocks, heads, T, rng):
        self.n_in, width = sizes(n_in=n_in, width=width)
        self.network = Sequential(Network(Dense(n_in, width, rng)), transformer(width, blocks, heads, T, rng))

    def forward(self, x, noise=None):
        return self.network.forward(x)

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        return self.network.backward(dy, cache, accumulate, need_dx)

    def step(self, x, memory=None):
        """(y (N, width) of the next step, what is remembered then) of x (N, n_in); `memory` None: the first step."""
        dense, blocks = self.network.layers
        return next_step(blocks, dense(x), memory)

    def weights(self, x):
        """How much each step looks at each, of x (N, t, n_in): (N, heads, t, t) of each block."""
        dense, blocks = self.network.layers
        return weights_of(blocks, dense(x))


class LineEncoder(Layer):
    """x (N, T) -> heads (mu, log_var), each (N, L), of the state of `body` at the end of each line.

    `body` (N, T, E) -> (N, T, H) is causal: what it says at a place depends on this place and those before it.
    """

    def __init__(self, V, E, body, H, L, rng):
        self.embedding = Embedding(V, E, rng)
        self.body = body
        self.heads = Network(Dense(H, 2 * L, rng), Split(2))

    def forward(self, x, noise=None):
        xp, x = array_module(x), trimmed(x)
        e, c_emb = self.embedding.forward(x.astype("int64"))  # (N, T, E)
        states, c_body = self.body.forward(e)  # (N, T, H)
        at = xp.arange(len(x)), ends_of(x)
        heads, c_heads = self.heads.forward(states[at])  # of (N, H)
        return heads, (c_emb, c_body, c_heads, at, states.shape)

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        c_emb, c_body, c_heads, at, shape = cache
        if not accumulate:
            return
        dlast = self.heads.backward(dy, c_heads)
        # forward took one state of each line, so now the others get 0
        dstates = array_module(dlast).zeros(shape, dlast.dtype)
        dstates[at] = dlast
        self.embedding.backward(self.body.backward(dstates, c_body), c_emb)


class LineDecoder(Layer):
    """(x (N, T), z (N, L)) -> out (N, T * V): at each place logits of the token there, given z and those before it.

    `body` (N, T, E + L) -> (N, T, H) is causal, and sees z at every place. Its noise is word dropout: each token of x
    is unknown to it with probability p (Bowman et al. 2016, sec. 3.1). T is the longest line that `write` makes.
    """

    def __init__(self, V, E, L, body, H, T, rng, p=0.0):
        self.V, self.n_in, self.T = *sizes(V=V), L, *sizes(T=T)
        self.p = real(below=1, closed=True)("p", p)
        self.embedding = Embedding(V, E, rng)
        self.body = body
        self.out = Network(Dense(H, V, rng))

    def draw_noise(self, rng, n):
        """1 where the token is hidden, (n, T)."""
        return (rng.random((n, self.T), dtype="float32") < self.p).astype("float32") if self.p else None

    def forward(self, x, noise=None):
        (x, z), (N, T) = x, x[0].shape
        e, c_emb = self.embedding.forward(_before(x, noise))
        states, c_body = self.body.forward(self._beside(e, z))
        out, c_out = self.out.forward(states)  # (N, T, V)
        return out.reshape(N, T * self.V), (c_emb, c_body, c_out, out.shape)

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        c_emb, c_body, c_out, shape = cache
        d = self.body.backward(self.out.backward(dy.reshape(shape), c_out, accumulate), c_body, accumulate)
        L = self.n_in
        self.embedding.backward(d[..., : d.shape[-1] - L], c_emb, accumulate)
        # forward put z beside the token of every place, so now it gets the sum over places; tokens have no gradient
        return None, d[..., d.shape[-1] - L :].sum(axis=1)

    def weights(self, x, z):
        """How much each place of lines x (N, T) looks at each, (N, heads, T, T) of each block of a transformer."""
        return self.body.weights(self._beside(self.embedding(_before(x)), z))

    def write(self, z, noise=None, temperature=1.0, top_k=None):
        """Lines (N, T) written token by token, each chosen given those before it, until its end mark.

        z (N, L). noise (N, T), uniform from 0 to 1: the token at which the cumulated probability passes it, of
        softmax(logits / temperature) over the `top_k` likeliest. None: the likeliest token.
        """
        xp = array_module(z)
        lines = xp.zeros((len(z), self.T), z.dtype)
        token, memory = xp.full(len(z), END, "int64"), None
        goes_on = xp.ones(len(z), bool)
        for t in range(self.T - 1):  # the last place is that of an end mark
            e = self._beside(self.embedding(token)[:, None], z)  # (N, 1, E + L)
            y, memory = self.body.step(e[:, 0], memory)
            token = _chosen(self.out(y), None if noise is None else noise[:, t], temperature, top_k)
            goes_on = goes_on & (token != END)
            lines[:, t] = xp.where(goes_on, token, END)
            if isinstance(z, np.ndarray) and not goes_on.any():  # a GPU would have to wait for the answer
                break
        return lines

    def _beside(self, e, z):
        """Embeddings e (N, T, E) with z (N, L) beside each, (N, T, E + L)."""
        xp = array_module(e)
        return xp.concatenate((e, xp.broadcast_to(z[:, None], (*e.shape[:2], z.shape[-1]))), axis=-1)


def _before(x, noise=None):
    """The token before each place of lines x (N, T), first the start mark; where noise (N, T) is 1, it is unknown."""
    xp = array_module(x)
    before = xp.full(x.shape, END, "int64")
    before[:, 1:] = x[:, :-1] if noise is None else xp.where(noise[:, : x.shape[1] - 1] > 0, UNKNOWN, x[:, :-1])
    return before


def _chosen(logits, noise, temperature, top_k):
    """A token for each row of logits (N, V), see `LineDecoder.write`."""
    if noise is None:
        return logits.argmax(axis=-1)
    xp = array_module(logits)
    logits = (logits - logits.max(axis=-1, keepdims=True)) / temperature
    if top_k is not None and top_k < logits.shape[-1]:
        least = xp.sort(logits, axis=-1)[:, -top_k, None]
        logits = xp.where(logits < least, -math.inf, logits)
    p = softmax(logits[..., None])[..., 0].cumsum(axis=-1)
    return (p[:, :-1] <= noise[:, None] * p[:, -1:]).sum(axis=-1)  # the last is 1 but for rounding

"""Priors of codes, whole numbers from 0 to K - 1 at T places. They have no gradient for z: a code has none."""

import math

from ..backend import array_module
from ..layers import Conv2d, Embedding, MaskedConv2d, ReLU, Residual, Sequential
from ..numeric import softmax
from ..options import each, sizes, whole
from ..params import Constant
from .base import Prior


class _Codes(Prior):
    """p(z) of L places, each with one of K codes."""

    def __init__(self, K, L):
        super().__init__(L)
        (self.K,) = sizes(K=K)

    def backward(self, g, cache, accumulate=True):
        """None: codes have no gradient."""

    def draw_noise(self, rng, n):
        """Uniform numbers from 0 to 1, (n, L)."""
        return rng.random((n, self.L), dtype="float32")


class UniformCodes(_Codes):
    """p(z) = K^-L: each code is as likely as each other one."""

    def __init__(self, K, L):
        super().__init__(K, L)
        self.one = Constant(1)  # of the model's dtype, which codes have not

    def forward(self, z):
        return array_module(z).full(z.shape[:-1], -self.L * math.log(self.K), self.one.data.dtype), None

    def draw(self, noise):
        return array_module(noise).minimum(noise * self.K, self.K - 1).astype("int64")


class PixelCNN(_Codes):
    """p(z) = prod_t p(z_t | z_1, .., z_{t - 1}), row after row of places   (van den Oord et al. 2016, 1601.06759).

    z (..., L) are codes at the h x w places of `side`, L = h w. They are embedded, (h, w, width / 2); then come a
    masked convolution that does not see the place itself, (h, w, width), `blocks` residual blocks of masked ones that
    do, and logits (h, w, K).
    """

    def __init__(self, K, side, width, blocks, rng):
        self.side = h, w = each(whole(1))("side", side)
        super().__init__(K, h * w)
        (width,), blocks = sizes(width=width), whole(0)("blocks", blocks)
        half, reach = -(-width // 2), 2 if h > 1 else 16  # places that the first convolution sees of a row
        first, kernel = ((min(2 * h - 1, 2 * r + 1), min(max(3, 2 * w - 1), 2 * r + 1)) for r in (reach, 1))
        self.embedding = Embedding(K, half, rng)
        self.network = Sequential(
            MaskedConv2d(half, width, first, rng),
            *(
                Residual(ReLU(), Conv2d(width, half, 1, rng), ReLU(), MaskedConv2d(half, half, kernel, rng, own=True),
                         ReLU(), Conv2d(half, width, 1, rng))
                for _ in range(blocks)
            ),
            ReLU(),
            Conv2d(width, K, 1, rng),
        )  # fmt: skip

    def forward(self, z):
        xp = array_module(z)
        x, c_emb = self.embedding.forward(z.reshape(-1, *self.side))
        logits, c_net = self.network.forward(x)  # (N, h, w, K)
        shifted = logits - logits.max(axis=-1, keepdims=True)
        p = xp.exp(shifted)
        total = p.sum(axis=-1, keepdims=True)
        p /= total
        chosen = z.reshape(*shifted.shape[:-1], 1)
        log_p = xp.take_along_axis(shifted, chosen, axis=-1) - xp.log(total)  # (N, h, w, 1), of each place
        return log_p.reshape(*z.shape[:-1], self.L).sum(axis=-1), (p, chosen, c_emb, c_net)

    def backward(self, g, cache, accumulate=True):
        p, chosen, c_emb, c_net = cache
        if not accumulate:
            return
        # forward took the logit of the chosen code and log sum exp of all, so now that gets g, and all get -g p
        dlogits = g.reshape(-1, 1, 1, 1) * ((chosen == array_module(p).arange(self.K)) - p)
        self.embedding.backward(self.network.backward(dlogits, c_net), c_emb)

    def draw(self, noise):
        """z (n, L), place after place; the noise passes the cumulated probability of the rows that it needs."""
        xp = array_module(noise)
        h, w = self.side
        z = xp.zeros((len(noise), h, w), "int64")
        for i in range(h):
            for j in range(w):
                logits = self.network(self.embedding(z[:, : i + 1]))[:, i, j]  # (n, K)
                p = softmax(logits[..., None])[..., 0].cumsum(axis=-1)
                z[:, i, j] = (p[:, :-1] <= noise[:, i * w + j, None]).sum(axis=-1)
        return z.reshape(len(noise), self.L)

"""Vector quantization: each place of z becomes the nearest of K codes, and the codes follow z."""

import numpy as np

from ..backend import array_module
from ..numeric import one_hot
from ..options import one_of, real, sizes
from ..params import Param, State
from .base import Layer

CODEBOOKS = ("ema", "loss")
TINY = 1e-5  # of Laplace smoothing


class Quantize(Layer):
    """z (N, T d), T places of d numbers -> (z_q (N, T d), gap (N,), gap_codes (N,)), z_q of the K codes e (K, d).

    z_q = z + sg[e - z], gap = ||z - sg[e]||^2 and gap_codes = ||sg[z] - e||^2, e the nearest code of each place (van
    den Oord et al. 2017, 1711.00937, eq. 1 to 3): z gets the gradients of z_q and of gap, the codes that of gap_codes.

    With codebook "loss" the codes are a Param, W. With "ema" they are total / count, moving means of the places that
    chose them (appendix A.1), and gap_codes has no gradient. A code that fewer places choose than `revive` times their
    mean over all codes is moved to a place of the batch, which `noise` names: as all are in the first step, whose
    counts are next to 0. It starts with twice that count, so that it has log(2) / (1 - decay) steps to be chosen.
    """

    def __init__(self, K, d, T, rng, codebook="ema", decay=0.99, revive=0.03):
        self.K, self.d, self.T = sizes(K=K, d=d, T=T)
        self.n_in = self.T * self.d
        self.revive = real(below=0.5, closed=True)("revive", revive)
        rate = 1 - real(below=1, closed=True)("decay", decay)
        e = rng.standard_normal((self.K, self.d), dtype="float32")
        self.count = State(np.full(self.K, 1e-3), rate)
        if one_of(CODEBOOKS)("codebook", codebook) == "loss":
            self.W = Param(e, decay=False)
            self.moved = State(np.zeros(e.shape), 1.0)  # by what revival has moved the codes
        else:
            self.W = None
            self.total = State(1e-3 * e, rate)

    def codes(self):
        """e (K, d). Counts are smoothed, so that none is 0."""
        if self.W is not None:
            return self.W.data + self.moved.data
        n = self.count.data
        N = n.sum()
        return self.total.data / ((n + TINY) * (N / (N + self.K * TINY)))[:, None]

    def nearest(self, z):
        """z (..., T d) -> the numbers of the nearest codes (..., T), whose z e - ||e||^2 / 2 is largest."""
        e = self.codes()
        scores = z.reshape(-1, self.d) @ e.T
        scores -= 0.5 * (e * e).sum(axis=-1)
        return scores.argmax(axis=-1).reshape(*z.shape[:-1], self.T)

    def lookup(self, codes):
        """Codes by their numbers: (..., T) -> e (..., T d)."""
        return self.codes()[codes].reshape(*codes.shape[:-1], self.n_in)

    def draw_noise(self, rng, n):
        """For each code a place of the batch, where revival would move it."""
        return {"places": rng.integers(max(n, 1) * self.T, size=self.K)}

    def stopped(self, x, noise):
        """Adds what sg[] holds, and which codes are chosen: `codes` (N, T), `e` and `z` (N, T d)."""
        if noise is not None and "codes" in noise:
            return noise
        codes = self.nearest(x)
        return (noise or {}) | {"codes": codes, "e": self.lookup(codes), "z": x}

    def forward(self, x, noise=None):
        held = self.stopped(x, noise)
        codes, e, z = held["codes"], held["e"], held["z"]
        to_x, to_e = x - e, z - self.lookup(codes)
        y = e + (x - z), (to_x * to_x).sum(axis=-1), (to_e * to_e).sum(axis=-1)
        return y, (z, codes, to_x, to_e, held.get("places"))

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        (dz_q, dgap, dgap_codes), (z, codes, to_x, to_e, places) = dy, cache
        if accumulate:
            chosen = one_hot(codes.reshape(-1), self.K, z).T  # (K, N T)
            if self.W is not None:
                # forward subtracted row k of the codes at each place that chose it, so now it gets -2 to_e from there
                self.W.add_product(chosen, (-2 * dgap_codes[:, None] * to_e).reshape(-1, self.d))
            if places is not None and z.size:
                self._follow(z.reshape(-1, self.d), chosen, places)
        # forward took z_q for x + sg[e - x], so now x gets its gradient as it is, and 2 (x - e) of gap
        return dz_q + 2 * dgap[:, None] * to_x

    def _follow(self, z, chosen, places):
        """Pull counts and codes towards those of z (N T, d), and dead codes to z[places] (K, d)."""
        xp = array_module(z)
        least = self.revive * len(z) / self.K
        dead = self.count.data < least  # (K,)
        born = z[places]

        def pull(state, target, wanted, dead):
            """Towards `target`; where codes are dead, so far that the step ends at `wanted`."""
            state.pull_towards(xp.where(dead, state.data + (wanted - state.data) / state.rate, target))

        if self.W is None:
            pull(self.total, chosen @ z, 2 * least * born, dead[:, None])
        else:
            pull(self.moved, self.moved.data, born - self.W.data, dead[:, None])
        pull(self.count, chosen.sum(axis=1), 2 * least, dead)

    def perplexity(self, codes):
        """exp of the entropy of how often each code is used, from 1 to K: of codes of any shape, a number."""
        xp = array_module(codes)
        p = (xp.arange(self.K)[:, None] == codes.reshape(-1)).mean(axis=1, dtype=self.count.data.dtype)
        return xp.exp(-(p * xp.log(xp.where(p > 0, p, 1))).sum())

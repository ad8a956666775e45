"""What a model of things that are seen in several ways offers, whichever of these are known."""

import math
from typing import NamedTuple

import numpy as np

from ..backend import array_module, as_array, place
from ..densities import product_of_experts, reparameterize
from ..layers import Network
from ..likelihoods import Likelihood
from ..numeric import one_hot, softmax
from ..options import whole


class Modality(NamedTuple):
    """One way to see a thing: its networks, its likelihood, the weight of that in the loss, its name in the noise."""

    encoder: Network
    decoder: Network
    likelihood: Likelihood
    weight: float
    name: str


def check_norm(norm, other):
    """ValueError for statistics of the batch, which would mix z that `other` has a part in with z without it."""
    if norm == "batch":
        raise ValueError("norm: expected none, layer or group, since a decoder sees what is found with and without "
                         f"{other}; got batch")  # fmt: skip


class SeenTwice:
    """Of a VAE with two `modalities` and `_views(x, y)`, what there is to see of each, and in which rows."""

    missing = True

    def encode(self, x, y=None):
        """Mean and log-variance of q(z | x, y), (N, L) each; of a mixture the mean that x says, or y where x is NaN."""
        mu, log_var = self._posterior(self.examples(x), y)
        return (mu, log_var) if self.experts == "product" else mu

    def reconstruct(self, x, eps=None, y=None, draw=None):
        """x (N, D) -> x_hat (N, D), through what `encode` says, or with its noise; rows of NaN are found from y."""
        mu, log_var = self._posterior(self.examples(x), y)
        z = mu if eps is None else reparameterize(mu, log_var, eps=self.rows(eps, "eps", self.L, len(mu)))
        return self._x_hat(z, y, draw)

    def examples(self, x):
        """A user's x (..., D); what is NaN as a whole is not known."""
        x = self.rows(x, "x", self.D, missing=True)
        if x.ndim != 2:
            raise ValueError(f"x: expected rows (N, {self.D}), got shape {x.shape}")
        looks = not self.likelihood.missing and isinstance(x, np.ndarray)
        if looks and any(np.isnan(view).any() for view in self._views(x)[0]):
            raise ValueError("x: expected rows that are finite, or NaN as a whole, got NaN in some of their values")
        return x

    def loss_law(self, metrics, t):
        """None: the loss has the bounds of parts as well, and a weight of log p(y | z)."""
        return {}

    def _posterior(self, x, y=None):
        """(mu, log_var) (N, L) of q(z | x, y); of a mixture, of one expert: that of x, or of y where x is NaN."""
        _, known, q = self._experts(x, y)
        if self.experts == "product":
            return tuple(product_of_experts(*q, observed=known))
        q, _, _ = self._shares(q, known)
        return tuple(array_module(part).where(known[0][:, None] > 0, part[0], part[1]) for part in q)

    def _experts(self, x, y):
        """What `_views` gives of x and y, and (mu, log_var) of each expert, (2, N, L) each."""
        seen, known = self._views(x, y)
        heads = [self.in_parts(part.encoder, part.likelihood.seen(v))
                 for part, v in zip(self.modalities, seen, strict=True)]  # fmt: skip
        return seen, known, [array_module(x).stack(parts) for parts in zip(*heads, strict=True)]

    def _log_p(self, seen, known, z):
        """log p(x, y | z) of what is known, z (..., N, L) -> (..., N)."""
        total = 0
        for part, v, o in zip(self.modalities, seen, known, strict=True):
            log_p = self.in_parts(lambda z, part=part, v=v: part.likelihood.forward(v, part.decoder(z))[0], z, 256)
            total = total + o * log_p
        return total

    def _shares(self, q, known):
        """((mu, log_var) of the experts, their shares (2, N) in q(z | x, y), which of them have one, 1 or 0).

        An expert that has seen nothing has none; where both have not, both are the prior.
        """
        takes = array_module(known).where(known.any(axis=0), known, 1)
        return [known[..., None] * part for part in q], takes / takes.sum(axis=0), takes

    def _decoded(self, seen, g, z, noise, which, grads, call):
        """Sums of g (2, .., N) log p(x_m | z) over the m in `which`, plain and weighted, and dz of minus the second."""
        total, weighted, dz = 0, 0, 0
        for m in which:
            part = self.modalities[m]
            out, c_dec = part.decoder.forward(z, noise[call + part.name])
            log_p, c_x = part.likelihood.forward(seen[m], out)
            value = (g[m] * log_p).sum()
            total, weighted = total + value, weighted + part.weight * value
            if grads:
                dz = dz + part.decoder.backward(part.likelihood.backward(-part.weight * g[m], c_x), c_dec)
        return total, weighted, dz


class WithLabel:
    """Of one whose modalities are x and its class y, with a `label_encoder` and a `label_decoder`."""

    sampled = "draws from q(z | y)"
    conditional = True
    infers_y = True
    explains_y = True
    decodes_y = False

    @property
    def modalities(self):
        y = Modality(self.label_encoder, self.label_decoder, self.label_likelihood, self.label_weight, "_y")
        return Modality(self.encoder, self.decoder, self.likelihood, 1.0, ""), y

    def classify(self, x):
        """p(y | z) at the mean of q(z | x), x (N, D) -> (N, C)."""
        return self.decode_label(self._posterior(self.examples(x))[0])

    def decode_label(self, z):
        """p(y | z), z (N, L) -> (N, C)."""
        return softmax(self.in_parts(self.label_decoder, self.rows(z, "z", self.L)).T).T

    def sample(self, n, rng, y=None, draw=None):
        """x_hat (n, D) of y (n,): z from q(z | y), which is the prior where y is -1, or there is none."""
        n = whole(0)("n", n)
        x = array_module(self.theta).full((n, self.D), math.nan, self.theta.dtype)
        eps = place(rng.standard_normal((n, self.L), dtype="float32"), like=self.theta)
        return self._x_hat(reparameterize(*self._posterior(x, y), eps=eps), y, draw)

    def _views(self, x, y=None):
        """([x (N, D), one-hot rows of y (N, C)], zeros where they are not known; which are known (2, N), 1 or 0)."""
        xp, N = array_module(x), len(x)
        known = ~xp.isnan(x).all(axis=-1)
        y = xp.full(N, -1) if y is None else as_array(y, "y")
        self.labels.checked(y + (y == -1), N)
        y = one_hot(y, self.labels.count, x)
        return [xp.where(known[:, None], x, 0), y], xp.stack((known.astype(x.dtype), y.sum(axis=-1)))

"""What a model of x and its class y offers to those who do not know y: it finds the likeliest."""

import numpy as np

from ..backend import array_module, as_array
from ..densities import reparameterize
from ..layers import ONE, Join
from ..numeric import one_hot, softmax
from ..options import whole


class InferredY:
    """Of a VAE with a `classifier` of x, and an `encoder` that gives q(z | x, y) of every class y, (C, N, L)."""

    conditional = True
    infers_y = True
    latent = "point"  # q(z | x) is a mixture of Gaussians, one for each class
    join = Join()

    def classify(self, x):
        """q(y | x): x (N, D) -> (N, C)."""
        return softmax(self.in_parts(self.classifier, self.seen(self.examples(x))).T).T

    def encode(self, x, y=None):
        """The mean of q(z | x, y): x (N, D) -> (N, L); of the likeliest y where it is -1, or there is none."""
        return self._posterior(x, y)[0]

    def reconstruct(self, x, eps=None, y=None, draw=None):
        """x (N, D) -> x_hat (N, D), through y, or the likeliest, and z = mu or mu + std eps; `draw` as for `decode`."""
        mu, log_var, y = self._posterior(x, y)
        z = mu if eps is None else reparameterize(mu, log_var, eps=self.rows(eps, "eps", self.L, len(mu)))
        return self._x_hat(z, y, draw)

    def sample(self, n, rng, y=None, draw=None):
        """x_hat (n, D) of y (n,); without y the classes take turns: 0, 1, 2, ..."""
        return super().sample(n, rng, np.arange(whole(0)("n", n)) % self.labels.count if y is None else y, draw)

    def seen(self, x, y=None):
        """What the networks of x see: y comes later."""
        return self.likelihood.seen(x)

    def given(self, x, y):
        """z (..., N, L) -> (..., N, L + C): behind it y (N,), as one-hot rows."""
        self._check_generates()
        return self.join.forward((x, ONE * self._target(self.labels.checked(y, x.shape[-2]), x)))[0]

    def _beside_each(self, z):
        """z (..., C, N, L) -> (..., C, N, L + C): behind it each class, as a one-hot row."""
        return self.join.forward((z, ONE * array_module(z).eye(self.labels.count, dtype=z.dtype)[:, None]))[0]

    def _target(self, y, like):
        """One-hot rows (N, C) of classes y (N,), of zeros where they are -1, or there are none."""
        N, C = like.shape[-2], self.labels.count
        y = array_module(like).full(N, -1) if y is None else as_array(y, "y")
        self.labels.checked(y + (y == -1), N)
        return one_hot(y, C, like)

    def _posterior(self, x, y):
        """(mu, log_var) (N, L) of q(z | x, y), and y (N,), the likeliest where it is not known."""
        self._check_generates()
        x = self.examples(x)
        if x.ndim != 2:
            raise ValueError(f"x: expected rows (N, {self.D}), got shape {x.shape}")
        x = self.seen(x)
        xp, target = array_module(x), self._target(y, x)
        likeliest = self.in_parts(self.classifier, x).argmax(axis=-1)
        y = xp.where(target.any(axis=-1), target.argmax(axis=-1), likeliest)
        q = self.in_parts(lambda x: tuple(part.swapaxes(0, 1) for part in self.encoder(x)), x)  # (N, C, L)
        return *(part[xp.arange(len(y)), y] for part in q), y

    def _check_generates(self):
        if not self.generates:
            raise ValueError("labels_only: expected a model that has learned p(x), this one has learned q(y | x) alone")

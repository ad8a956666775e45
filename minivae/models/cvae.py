r"""The conditional variational autoencoder (Sohn, Lee & Yan 2015; Kingma et al. 2014, 1406.5298, M2).

        y ------------+--------------------------------+
                      v                                v
        x --(x, y)--encoder--> mu, log_var --> z --(z, y)--decoder--> out --likelihood--> log p(x | y, z)

\mathcal{L}(x | y) = E_{q(z|x,y)}[\log p(x|y,z)] - \beta KL(q(z|x,y) || p(z)) <= \log p(x|y)   (Kingma 2014, eq. 6)

The decoder is told y, so that z need only say the rest: for digits, the style of the writing.
"""

import numpy as np

from ..backend import array_module, place
from ..layers import Join
from ..options import whole
from .base import Labels, beta_of
from .networks import build_networks
from .vae import VAE


class CVAE(VAE):
    """A VAE of x given y, which is a class or a row of numbers.

    Parameters
    ----------
    encoder : Network
        (x, y) (..., D + labels.count) -> (mu, log_var), each (..., L).
    decoder : Network
        (z, y) (..., L + labels.count) -> out (..., D * likelihood.n_out).
    labels : Labels
        What y is, and how many columns it takes.
    likelihood, prior, beta, free_bits
        As for VAE.

    Raises
    ------
    ValueError
        If there are no labels, or the decoder's first layer does not fix the number of latents.
    """

    conditional = True

    def __init__(self, encoder, decoder, labels, likelihood=None, prior=None, beta=1.0, free_bits=0.0):
        self.labels = Labels.read(labels)
        self.join = Join()
        super().__init__(encoder, decoder, likelihood, prior, beta, free_bits)

    @classmethod
    def build(cls, shape, rng, *, labels=None, beta=1.0, beta_schedule="constant", beta_epochs=None, free_bits=0.0,
              pass_steps=1, **networks):  # fmt: skip
        """A model of data of `shape`, (h, w, c) or (D,), and of its `labels`: options as for VAE.build."""
        encoder, decoder, likelihood = build_networks(shape, rng, given=Labels.read(labels).count, **networks)
        beta = beta_of(beta, beta_schedule, beta_epochs, pass_steps)
        return cls(encoder, decoder, labels, likelihood, beta=beta, free_bits=free_bits)

    def given(self, x, y):
        """x or z (..., N, n) -> (..., N, n + labels.count): behind it y, as one-hot rows or as the rows of numbers."""
        return self.join.forward((x, self._columns(x, y)))[0]

    def sample(self, n, rng, y=None, draw=None):
        """x_hat (n, D) of y (n,) or (n, count); without y the classes take turns: 0, 1, 2, ..."""
        if y is None and self.labels.kind == "classes":
            y = np.arange(whole(0)("n", n)) % self.labels.count
        return super().sample(n, rng, y, draw)

    def _columns(self, x, y):
        """y as columns (N, labels.count) for x (..., N, n), in the dtype of x."""
        y = self.labels.checked(y, x.shape[-2])
        y = place(y, like=self.theta)
        if self.labels.kind == "rows":
            return y.astype(x.dtype, copy=False)
        return (y[:, None] == array_module(x).arange(self.labels.count)).astype(x.dtype)

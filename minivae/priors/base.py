"""What every prior is."""

from ..layers.base import Layer
from ..options import sizes


class Prior(Layer):
    """p(z) of `L` latents: a density, its gradient, and draws.

    `kl` and `kl_backward` are None where KL(q || p) of a Gaussian q has no closed form. `kl` gives the nats of each
    latent by itself, and the model sums them: if they were summed here, a caller with one axis more would get another
    number, and no gradient check would see it.
    """

    kl = None
    kl_backward = None
    K = None  # of codes z, whole numbers: how many there are. They have no gradient, dz is None

    def __init__(self, L):
        (self.L,) = sizes(L=L)

    def forward(self, z):
        """z (..., L) -> (log p(z) (...) nats, cache)."""
        raise NotImplementedError

    def backward(self, g, cache, accumulate=True):
        """dz (..., L), from the gradient g (...) of log p(z)."""
        raise NotImplementedError

    def draw_noise(self, rng, n):
        """What `draw` turns into n latents: standard normal, (n, L)."""
        return rng.standard_normal((n, self.L), dtype="float32")

    def draw(self, noise):
        """z (n, L), n draws from p(z)."""
        raise NotImplementedError

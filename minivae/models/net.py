r"""The plain net, to compare a conditional VAE with (Sohn, Lee & Yan 2015, sec. 5.1): it predicts x from y at once.

        y --decoder--> out --likelihood--> log p(x | y)

loss = -\log p(x | y)

There is no z: given y the numbers of x are independent of each other. Where y leaves several x open, the mean of
p(x | y) is a blur of all of them.
"""

import math

import numpy as np

from ..backend import array_module
from ..likelihoods import Bernoulli
from ..options import whole
from .base import METRICS, Metric, Model
from .exact import Exact
from .labels import Labels
from .networks import NETWORKS, build_networks


class PlainNet(Exact, Model):
    """A network of y, which is a class or a row of numbers.

    Parameters
    ----------
    decoder : Network
        y (..., labels.count) -> out (..., D * likelihood.n_out).
    labels : Labels
        What y is, and how many columns it takes.
    likelihood : Likelihood, optional
        None: a new Bernoulli.
    D : int, optional
        Values in a row of x. None: any.

    Raises
    ------
    ValueError
        If there are no labels.
    """

    options = {name: option for name, option in NETWORKS.items() if name != "latent"}
    metrics = {"loss": METRICS["loss"], "log_px": Metric("log p(x | y)", "higher")}
    latent = None
    L = 0
    sampled = "y"
    conditional = True

    def __init__(self, decoder, labels, likelihood=None, D=None):
        self.labels = Labels.read(labels)
        self.decoder = decoder
        self.likelihood = Bernoulli() if likelihood is None else likelihood
        self.D = D
        self.bind()

    @classmethod
    def build(cls, shape, rng, *, labels=None, pass_steps=1, **networks):
        """A model of data of `shape`, (h, w, c) or (D,), and of its `labels`: options as for `build_networks`.

        The network is the decoder of a VAE with y in the place of z.
        """
        _, decoder, likelihood = build_networks(shape, rng, latent=Labels.read(labels).count, **networks)
        return cls(decoder, labels, likelihood, math.prod(shape))

    def draw_noise(self, rng, n, train=True):
        """All that is random in a step on `n` examples; `train=False` leaves out dropout and its like."""
        return {"dec": self.decoder.draw_noise(rng, n) if train else None}

    def loss_and_grads(self, x, noise, y=None, t=0, grads=True):
        """Metrics of one step on x (N, D), means over the examples in nats; the gradients of `loss` go into `grad`."""
        N = len(x)
        out, c_dec = self.decoder.forward(self.labels.columns(y, N, self.theta), noise["dec"])  # (N, D * n_out)
        log_px, c_x = self.likelihood.forward(x, out)  # loss: (N,) nats
        log_px = log_px.sum() / N
        if grads:  # backward
            self.zero_grad()
            g = array_module(out).full(N, 1 / N, out.dtype)  # d loss / d (one example's loss)
            self.decoder.backward(self.likelihood.backward(-g, c_x), c_dec, need_dx=False)
        return {"loss": -log_px, "log_px": log_px}

    def log_px(self, x, y=None):
        """log p(x | y) of x (N, D), (N,) nats."""
        return self.likelihood.forward(x, self.decoder(self.labels.columns(y, len(x), self.theta)))[0]

    def encode(self, x, y=None):
        """A ValueError: there is no z."""
        raise ValueError("model: expected one with latents, PlainNet has none")

    def decode(self, z, y=None, draw=None):
        """A ValueError: there is no z."""
        return self.encode(z)

    def sample(self, n, rng, y=None, draw=None):
        """x_hat (n, D) of y (n,) or (n, count), the mean of p(x | y), or with the generator `draw` a sample of it.

        Without y the classes take turns: 0, 1, 2, ...
        """
        if y is None and self.labels.kind == "classes":
            y = np.arange(whole(0)("n", n)) % self.labels.count
        return self._x_hat(self.labels.columns(y, n, self.theta), None, draw)

    def reconstruct(self, x, eps=None, y=None, draw=None):
        """x_hat (N, D), what is predicted of y; of x (N, D) nothing but N is used. `draw` as for `sample`."""
        return self._x_hat(self.labels.columns(y, len(self.examples(x)), self.theta), None, draw)

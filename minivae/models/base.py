"""What every model is: options, a loss with its gradients, metrics with their units, and what it knows of z."""

import math
from typing import NamedTuple

import numpy as np

from ..backend import array_module, keep_freed_memory, place, tree_map
from ..options import Option, one_of, real, whole
from ..params import Module
from ..schedules import BETA_SCHEDULES


class Metric(NamedTuple):
    """A number that `loss_and_grads` returns: its name in pictures, whether "higher" or "lower" is better, its unit."""

    title: str
    better: str
    unit: str = "nats"


METRICS = {
    "loss": Metric("loss", "lower"),
    "elbo": Metric("ELBO", "higher"),
    "log_px_z": Metric("reconstruction, log p(x | z)", "higher"),
    "kl": Metric("KL(q(z | x) || p(z))", "lower"),
}


BETA = {
    "beta": Option(real(closed=True), 1.0, "weight of the KL in the loss", "X"),
    "beta_schedule": Option(one_of(BETA_SCHEDULES), "constant", "how beta comes to its value",
                            "|".join(BETA_SCHEDULES)),
    "beta_epochs": Option(whole(1), None, "length of the linear rise, or of a cycle, in epochs (default: 10)",
                          fill=lambda settings: 10, needs=("beta_schedule", ("linear", "cyclical")), optional=True),
}  # fmt: skip


def beta_of(beta, beta_schedule, beta_epochs, pass_steps):
    """beta(t), of the options in `BETA` and the steps of a pass over the training data."""
    return BETA_SCHEDULES[beta_schedule](beta, (beta_epochs or 1) * pass_steps)


class Labels(NamedTuple):
    """What y is: "classes", whole numbers below `count`, y (N,); or "rows" of `count` numbers, y (N, count)."""

    kind: str
    count: int


class Model(Module):
    """A module with a loss. Its parameters are views of flat vectors, which neither deepcopy nor pickle keeps.

    Attributes
    ----------
    options : {name: Option}
        What `build` takes, and with it the command line, configurations and checkpoints.
    objectives : {loss: name prefixes}
        Which parameters each loss trains.
    metrics : {name: Metric}
        What `loss_and_grads` returns.
    monitor : str
        The metric of the validation split by which the best checkpoint is chosen.
    latent : {"gaussian", "point"}
        What `encode` gives: (mu, log_var) of a Gaussian q(z | x), or one z for each x.
    sampled : str
        What `sample` decodes, for the titles of pictures.
    labels : Labels, optional
        What y must be, for a model that is given one.
    """

    options = {}
    objectives = {"loss": ("",)}
    metrics = METRICS
    monitor = "elbo"
    latent = "gaussian"
    sampled = "draws from the prior"
    conditional = False  # whether a model of this class is given y
    labels = None
    log_weights = None  # a method of those models that have an evidence

    def __reduce_ex__(self, protocol):
        raise TypeError(f"{type(self).__name__} cannot be copied or pickled; build it again and restore a checkpoint")

    @property
    def has_kl(self):
        """Whether it charges a KL of each latent by itself, `prior.kl` of (mu, log_var)."""
        prior = getattr(self, "prior", None)
        return self.latent == "gaussian" and prior is not None and prior.kl is not None

    def loss_law(self, metrics, t):
        """{in words: what the loss is} of the other metrics, where it is made of them: for the tests of laws."""
        return {}

    def given(self, x, y):
        """x or z, and beside it, in further columns, what a conditional model is given."""
        return x

    def stopped(self, x, noise, y=None, t=0):
        """The noise, and with it all that a step treats as a constant: what a gradient check must hold."""
        return noise

    def rows(self, x, name, width):
        """A user's array (..., width) on the model's device, in its dtype; ValueError for another shape."""
        x = place(x, like=self.theta)
        if width is not None and (x.ndim < 2 or x.shape[-1] != width):
            raise ValueError(f"{name}: expected rows of {width} values, got shape {x.shape}")
        return x

    def in_parts(self, f, x, n=1024):
        """f(x), an array or a tuple of them, some n examples at a time: what f makes on the way takes little memory."""
        n = max(1, n // max(1, math.prod(x.shape[1:-1])))
        if len(x) <= n or array_module(x) is not np:
            return f(x)
        keep_freed_memory()
        whole = tree_map(lambda a: np.empty((len(x), *a.shape[1:]), a.dtype), f(x[:1]))
        for i in range(0, len(x), n):
            y = f(x[i : i + n])
            if isinstance(y, tuple):
                for all_of_it, part in zip(whole, y, strict=True):
                    all_of_it[i : i + n] = part
            else:
                whole[i : i + n] = y
        return whole

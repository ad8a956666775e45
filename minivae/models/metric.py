"""The numbers that models return of a step: their names in pictures, directions and units."""

from typing import NamedTuple


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
COLLAPSED = 0.01  # nats of KL below which a latent carries nothing

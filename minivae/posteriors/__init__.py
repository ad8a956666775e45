"""Posteriors q(z | x): what the encoder's outputs, its heads, mean. They are layers, since a flow owns parameters.

N examples, K samples of z for each, L latents. log q(z | x) is in nats.
"""

from .base import DiagonalGaussian, FlowPosterior, Posterior
from .hierarchy import BottomUp, TopDown

__all__ = ["BottomUp", "DiagonalGaussian", "FlowPosterior", "Posterior", "TopDown"]

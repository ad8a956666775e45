"""Priors p(z). They are layers, since they may own parameters.

Of z (..., L), rows of L latents, log p(z) (...) is the sum over the last axis, in nats.
"""

from .base import Prior
from .gaussians import DiagonalNormal, StandardNormal
from .hierarchy import Hierarchy

__all__ = ["DiagonalNormal", "Hierarchy", "Prior", "StandardNormal"]

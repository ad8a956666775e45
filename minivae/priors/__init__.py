"""Priors p(z). They are layers, since they may own parameters.

Of z (..., L), rows of L latents, log p(z) (...) is the sum over the last axis, in nats.
"""

from .base import Prior
from .codes import PixelCNN, UniformCodes
from .flow import FlowPrior
from .gaussians import ConditionalNormal, DiagonalNormal, StandardNormal
from .hierarchy import Hierarchy
from .mixtures import FittedMixture, Mixture, VampPrior

__all__ = ["ConditionalNormal", "DiagonalNormal", "FittedMixture", "FlowPrior", "Hierarchy", "Mixture", "PixelCNN",
           "Prior", "StandardNormal", "UniformCodes", "VampPrior"]  # fmt: skip

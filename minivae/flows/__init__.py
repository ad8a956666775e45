"""Bijectors z' = f(z, context) with log |det df / dz|: a flow is made of them."""

from .autoregressive import IAF
from .base import Bijector, Chain, Unconditional
from .coupling import Coupling
from .planar import Planar, Radial

__all__ = ["IAF", "Bijector", "Chain", "Coupling", "Planar", "Radial", "Unconditional"]

"""Bijectors z' = f(z, context) with log |det df / dz|: a flow is made of them."""

from .autoregressive import IAF
from .base import Bijector, Chain

__all__ = ["IAF", "Bijector", "Chain"]

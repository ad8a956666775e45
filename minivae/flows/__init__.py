"""Bijectors z' = f(z, context) with log |det df / dz|: a flow is made of them."""

from .autoregressive import IAF
from .base import Bijector, Chain, Unconditional
from .coupling import Coupling, conv_coupling, dense_coupling, masked_coupling
from .elementwise import ActNorm, Bins, Logit
from .planar import Planar, Radial

__all__ = ["IAF", "ActNorm", "Bijector", "Bins", "Chain", "Coupling", "Logit", "Planar", "Radial", "Unconditional",
           "conv_coupling", "dense_coupling", "masked_coupling"]  # fmt: skip

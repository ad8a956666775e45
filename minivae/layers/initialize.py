"""Initial weights that keep signals and gradients at one size through many layers. Each call is a new draw."""

import math


def glorot(rng, shape, fan_in, fan_out):
    """Uniform of variance 2 / (fan_in + fan_out), for tanh, sigmoid, linear outputs (Glorot & Bengio 2010, eq. 16)."""
    return (2 * rng.random(shape, dtype="float32") - 1) * math.sqrt(6 / (fan_in + fan_out))


def he(rng, shape, fan_in, fan_out):
    """Normal of variance 2 / fan_in, for ReLU and its like, which halve the signal (He et al. 2015, eq. 10)."""
    return rng.standard_normal(shape, dtype="float32") * math.sqrt(2 / fan_in)

"""Initial weights that keep signals and gradients at one size through many layers. Each call is a new draw."""

import math

from ..files import memory


def check_memory(shape):
    """ValueError, before memory is taken, if weights of this shape cannot be trained on this machine."""
    needed = 16 * math.prod(shape) / 2**30  # float32 of the weights, of their gradient and of two moments of Adam
    if needed > memory() / 2**30:
        raise ValueError(f"weights {shape}: expected smaller hidden, channels or latent, they need {needed:,.0f} GiB")


def glorot(rng, shape, fan_in, fan_out):
    """Uniform of variance 2 / (fan_in + fan_out), for tanh, sigmoid, linear outputs (Glorot & Bengio 2010, eq. 16)."""
    check_memory(shape)
    return (2 * rng.random(shape, dtype="float32") - 1) * math.sqrt(6 / (fan_in + fan_out))


def he(rng, shape, fan_in, fan_out):
    """Normal of variance 2 / fan_in, for ReLU and its like, which halve the signal (He et al. 2015, eq. 10)."""
    check_memory(shape)
    return rng.standard_normal(shape, dtype="float32") * math.sqrt(2 / fan_in)

"""Critics of images or rows, from the options that models with one share."""

import math

from ..layers import Network, conv_critic, dense_critic
from .networks import as_images


def build_critic(shape, rng, arch, hidden, channels, signal=None, free=False):
    """(body, head) of data of `shape`: x (..., D) -> features (..., F) -> the log-odds (..., 1) that x is real.

    The features are what the convolutions of widths `channels` leave, or what the last of the `hidden` layers gives.
    They are spectrally normalized, or where they are `free`, not.
    """
    if arch == "conv":
        shape = shape if signal is None else as_images(shape, arch, signal)
        return conv_critic(shape, channels, hidden, free=free, rng=rng)
    *body, last = dense_critic(math.prod(shape), hidden, free=free, rng=rng).layers
    return Network(*body), Network(last)

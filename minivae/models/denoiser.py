"""The network that finds the noise in x_t, from the options of models of diffusion."""

import math

import numpy as np

from ..densities.noising import BETAS, Noising
from ..layers import conv_denoiser, dense_denoiser, sinusoids
from ..options import Option, each, one_of, read_arguments, whole
from .grey import GREY
from .networks import MOST

E = 64  # numbers that a time is told by
SPAN = 1000  # the last time, whatever T: so that sines of it are as in the paper


def _hidden(settings):
    """Widths of the residual blocks, where none are given."""
    return [400, 400] if settings["data"] in GREY[1:] else [128, 128, 128]


DENOISER = {
    "arch": Option(one_of(("dense", "conv")), "dense", "a chain of residual blocks, or a U-Net", "dense|conv"),
    "hidden": Option(each(whole(1, MOST)), None, "widths of the residual blocks", "N", True, fill=_hidden),
    "channels": Option(each(whole(1, MOST)), None, "of the levels of the U-Net (default: 16 32 64)", "N", True,
                       fill=lambda settings: [16, 32, 64], needs=("arch", ("conv",)), optional=True),
    "noise": Option(one_of(BETAS), "cosine", "how much of it each step adds", "|".join(BETAS)),
    "times": Option(whole(2, 10**4), 200, "steps from data to noise", "T"),
    "jumps": Option(whole(1, 10**4), None, "steps of encode and decode, the map without noise (default: 50, or all)",
                    "N", fill=lambda settings: min(50, settings["times"])),
}  # fmt: skip


def build_denoiser(shape, rng, arch="dense", hidden=(128, 128, 128), channels=(16, 32, 64), noise="cosine", times=200):
    """(network, what it is told of each time (T, E), Noising of T steps) for data of `shape`, (h, w, c) or (D,).

    Raises ValueError for values that the options of these names do not take, and for images that cannot be halved.
    """
    arch, hidden, noise, T = read_arguments(DENOISER, arch=arch, hidden=hidden, noise=noise, times=times)
    shape = each(whole(1))("shape", shape)
    if arch == "conv":
        network = conv_denoiser(shape, channels, E, rng=rng)
    else:
        network = dense_denoiser(math.prod(shape), hidden, E, rng=rng)
    return network, sinusoids(np.arange(1, T + 1) * SPAN / T, E), Noising(BETAS[noise](T))

"""Encoders and decoders of the usual shapes. `hidden` and `channels` are in the encoder's order; decoders mirror it."""

import math

from .activations import ACTIVATIONS, Sigmoid, Tanh
from .combine import Blocks, Network, Reshape, Split
from .conv import Conv2d, ConvTranspose2d
from .dense import Dense
from .dropout import Dropout
from .initialize import glorot, he
from .norm import BatchNorm, GroupNorm, LayerNorm

NORMS = {
    "none": lambda n: [],
    "batch": lambda n: [BatchNorm(n)],
    "layer": lambda n: [LayerNorm(n)],
    # groups of 8 channels, or a few more where 8 does not divide n
    "group": lambda n: [GroupNorm(n, math.gcd(n, max(1, n // 8)))],
}


def dense_encoder(D, hidden, L, activation="relu", dropout=0.0, norm="none", *, rng):
    """x (..., D) -> (mu, log_var), each (..., L)."""
    body, width = _dense_stack(D, hidden, activation, dropout, norm, rng)
    return Network(*body, Dense(width, 2 * L, rng), Split(2))


def dense_decoder(L, hidden, D, n_out=1, activation="relu", dropout=0.0, norm="none", *, rng):
    """z (..., L) -> out (..., n_out * D), in n_out blocks, as the likelihood asks."""
    body, width = _dense_stack(L, hidden[::-1], activation, dropout, norm, rng)
    return Network(*body, Dense(width, D * n_out, rng))


def conv_encoder(shape, channels, hidden, L, activation="relu", dropout=0.0, norm="none", *, rng):
    """x (..., h * w * c) -> (mu, log_var): 4x4 convolutions of stride 2, each halving the image, then dense layers."""
    act, init = _activation(activation)
    normalize = _norm(norm)
    sides, c_in = _sides(shape, channels), shape[2]
    layers = [Reshape(*shape)]
    for c_out in channels:
        layers += [Conv2d(c_in, c_out, 4, rng, stride=2, padding=1, init=init), *normalize(c_out), act()]
        c_in = c_out
    flat = math.prod(sides[-1]) * c_in
    body, width = _dense_stack(flat, hidden, activation, dropout, norm, rng)
    return Network(*layers, Reshape(flat), *body, Dense(width, 2 * L, rng), Split(2))


def conv_decoder(L, hidden, channels, shape, n_out=1, activation="relu", dropout=0.0, norm="none", *, rng):
    """z (..., L) -> out (..., n_out * h * w * c), in n_out blocks: the mirror of conv_encoder.

    Where a convolution had rounded an odd side down, output padding gives the pixel back.
    """
    act, init = _activation(activation)
    normalize = _norm(norm)
    sides, widths = _sides(shape, channels), [shape[2] * n_out, *channels]
    flat = math.prod(sides[-1]) * widths[-1]
    layers, _ = _dense_stack(L, [flat, *hidden][::-1], activation, dropout, norm, rng)
    layers.append(Reshape(*sides[-1], widths[-1]))
    for i in reversed(range(len(channels))):
        odd = tuple(big - 2 * small for big, small in zip(sides[i], sides[i + 1], strict=True))
        layers.append(ConvTranspose2d(widths[i + 1], widths[i], 4, rng, 2, 1, odd, init if i else glorot))
        if i:  # the last convolution's output is raw
            layers += [*normalize(widths[i]), act()]
    return Network(*layers, Blocks(n_out))


def _activation(name):
    """(class, initialization) of an activation: He's for those that halve the signal, Glorot's for the others."""
    if name not in ACTIVATIONS:
        raise ValueError(f"activation: expected one of {', '.join(ACTIVATIONS)}, got {name!r}")
    act = ACTIVATIONS[name]
    return act, glorot if act in (Tanh, Sigmoid) else he


def _norm(name):
    """Function of a width that gives the layers between a layer and its activation: none, or one."""
    if name not in NORMS:
        raise ValueError(f"norm: expected one of {', '.join(NORMS)}, got {name!r}")
    return NORMS[name]


def _dense_stack(width, hidden, activation, dropout, norm, rng):
    """[Dense, (norm), activation, (Dropout)] per hidden width, and the width that comes out."""
    act, init = _activation(activation)
    normalize = _norm(norm)
    layers = []
    for n in hidden:
        layers += [Dense(width, n, rng, init), *normalize(n), act()]
        if dropout:
            layers.append(Dropout(dropout, (n,)))
        width = n
    return layers, width


def _sides(shape, channels):
    """[(h, w)] before, between and after the convolutions; ValueError when nothing is left of the image."""
    if len(shape) != 3:
        raise ValueError(f"arch: conv needs images (h, w, c), got rows of {shape[0]} values; use dense")
    if not channels:
        raise ValueError("channels: expected at least one convolution")
    sides = [tuple(shape[:2])]
    for _ in channels:
        sides.append(tuple(n // 2 for n in sides[-1]))
    if min(sides[-1]) < 1:
        raise ValueError(f"channels: {len(channels)} layers of stride 2 leave nothing of a {shape[0]}x{shape[1]} image")
    return sides

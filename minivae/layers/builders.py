"""Encoders and decoders of the usual shapes. `hidden` and `channels` are in the encoder's order; decoders mirror it.

An encoder has any number of `heads`, the outputs that a posterior asks for: (mu, log_var) are two. `given` further
columns behind x or z are a condition.
"""

import math

from .activations import ACTIVATIONS, Sigmoid, Tanh
from .combine import Blocks, Network, Reshape, Split
from .condition import ColumnsToChannels
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


def dense_encoder(D, hidden, L, activation="relu", dropout=0.0, norm="none", *, heads=2, given=0, rng):
    """x (..., D + given) -> a tuple of `heads` arrays (..., L); one array where there is one head."""
    body, width = _dense_stack(D + given, hidden, activation, dropout, norm, rng)
    return Network(*body, Dense(width, heads * L, rng), *_split(heads))


def dense_decoder(L, hidden, D, n_out=1, activation="relu", dropout=0.0, norm="none", *, given=0, rng):
    """z (..., L + given) -> out (..., n_out * D), in n_out blocks, as the likelihood asks."""
    body, width = _dense_stack(L + given, hidden[::-1], activation, dropout, norm, rng)
    return Network(*body, Dense(width, D * n_out, rng))


def conv_encoder(shape, channels, hidden, L, activation="relu", dropout=0.0, norm="none", *, heads=2, given=0, rng):
    """x (..., h * w * c + given) -> `heads` arrays (..., L): convolutions, each halving the image, then dense."""
    layers, side, c = _conv_stack(shape, channels, activation, norm, given, rng)
    flat = math.prod(side) * c
    body, width = _dense_stack(flat, hidden, activation, dropout, norm, rng)
    return Network(*layers, Reshape(flat), *body, Dense(width, heads * L, rng), *_split(heads))


def conv_decoder(L, hidden, channels, shape, n_out=1, activation="relu", dropout=0.0, norm="none", *, given=0, rng):
    """z (..., L + given) -> out (..., n_out * h * w * c), in n_out blocks: the mirror of conv_encoder."""
    side = _sides(shape, channels)[-1]
    widths = [math.prod(side) * channels[-1], *hidden][::-1]
    layers, _ = _dense_stack(L + given, widths, activation, dropout, norm, rng)
    return Network(*layers, Reshape(*side, channels[-1]), *_image_stack(shape, channels, n_out, activation, norm, rng))


def spatial_encoder(shape, channels, depth, activation="relu", norm="none", *, heads=1, given=0, rng):
    """x (..., h * w * c + given) -> `heads` arrays (..., places * depth): a latent of `depth` numbers at each place.

    The places are what the convolutions leave of the image, row by row; there is no dense layer.
    """
    layers, _, c = _conv_stack(shape, channels, activation, norm, given, rng)
    return Network(*layers, Conv2d(c, heads * depth, 1, rng), Blocks(heads), *_split(heads))


def spatial_decoder(depth, channels, shape, n_out=1, activation="relu", norm="none", *, given=0, rng):
    """z (..., places * depth + given) -> out (..., n_out * h * w * c), in n_out blocks: spatial_encoder's mirror."""
    act, init = _activation(activation)
    side = _sides(shape, channels)[-1]
    first = [Conv2d(depth + given, channels[-1], 1, rng, init=init), *_norm(norm)(channels[-1]), act()]
    return Network(_image(*side, depth, given), *first, *_image_stack(shape, channels, n_out, activation, norm, rng))


def _split(heads):
    return [Split(heads)] if heads > 1 else []


def _image(h, w, c, given):
    """Rows to images; a condition in the columns behind them becomes channels."""
    return ColumnsToChannels(h, w, c, given) if given else Reshape(h, w, c)


def _conv_stack(shape, channels, activation, norm, given, rng):
    """(layers, (h, w), channels) of 4x4 convolutions of stride 2, each halving the image."""
    act, init = _activation(activation)
    normalize = _norm(norm)
    sides = _sides(shape, channels)
    c_in = shape[2] + given
    layers = [_image(*shape, given)]
    for c_out in channels:
        layers += [Conv2d(c_in, c_out, 4, rng, stride=2, padding=1, init=init), *normalize(c_out), act()]
        c_in = c_out
    return layers, sides[-1], c_in


def _image_stack(shape, channels, n_out, activation, norm, rng):
    """Layers from (N, h', w', channels[-1]) to raw outputs (N, n_out * h * w * c): the mirror of _conv_stack.

    Where a convolution had rounded an odd side down, output padding gives the pixel back.
    """
    act, init = _activation(activation)
    normalize = _norm(norm)
    sides = _sides(shape, channels)
    widths = [shape[2] * n_out, *channels]
    layers = []
    for i in reversed(range(len(channels))):
        lost = tuple(big - 2 * small for big, small in zip(sides[i], sides[i + 1], strict=True))
        layers.append(ConvTranspose2d(widths[i + 1], widths[i], 4, rng, 2, 1, lost, init if i else glorot))
        if i:  # the last convolution's output is raw
            layers += [*normalize(widths[i]), act()]
    return [*layers, Blocks(n_out)]


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

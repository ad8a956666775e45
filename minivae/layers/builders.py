"""Encoders and decoders of the usual shapes.

x (..., D) are rows of D numbers; images are rows of h * w * c. `hidden` are the widths of dense layers, `channels`
those of convolutions, both in the encoder's order: a decoder mirrors it. A signal is an image of one line for
convolutions, and (T, c), T steps of c numbers, for a GRU. An encoder has any number of `heads`, the outputs that a
posterior asks for: (mu, log_var) are two. Where their widths differ, `heads` are these. `given` is the number of
further columns behind x or z that are a condition.
"""

import math

import numpy as np

from .activations import ACTIVATIONS, LeakyReLU, Sigmoid, Tanh
from .combine import Blocks, Network, Reshape, Split
from .condition import ColumnsToChannels
from .conv import Conv2d, ConvTranspose2d
from .dense import Dense
from .dropout import Dropout
from .initialize import glorot, he
from .norm import BatchNorm, GroupNorm, LayerNorm
from .recurrent import GRU
from .spectral import Spectral
from .steps import FromZero, Last, Repeat

NORMS = {
    "none": lambda n: [],
    "batch": lambda n: [BatchNorm(n)],
    "layer": lambda n: [LayerNorm(n)],
    # groups of 8 channels where 8 divides n, else fewer and larger ones
    "group": lambda n: [GroupNorm(n, math.gcd(n, max(1, n // 8)))],
}


def dense_encoder(D, hidden, L, activation="relu", dropout=0.0, norm="none", *, heads=2, given=0, rng):
    """x (..., D + given) -> a tuple of `heads` arrays (..., L), or the array itself where there is one head.

    The last dense layer makes all heads at once, beside each other: (..., heads * L).
    """
    body, width = _dense_stack(D + given, hidden, activation, dropout, norm, rng)
    return Network(*body, *_last(width, heads, L, rng))


def dense_decoder(L, hidden, D, n_out=1, activation="relu", dropout=0.0, norm="none", *, given=0, rng):
    """z (..., L + given) -> out (..., n_out * D), in n_out blocks of width D, as the likelihood asks."""
    body, width = _dense_stack(L + given, hidden[::-1], activation, dropout, norm, rng)
    return Network(*body, Dense(width, D * n_out, rng))


def conv_encoder(shape, channels, hidden, L, activation="relu", dropout=0.0, norm="none", *, heads=2, given=0, rng):
    """x (..., h * w * c + given) -> `heads` arrays (..., L): convolutions that halve the image each, then dense layers.

    What the convolutions leave, images (N, h', w', channels[-1]), is flattened to rows for the dense layers.
    """
    layers, side, c = _conv_stack(shape, channels, activation, norm, given, rng)
    flat = math.prod(side) * c
    body, width = _dense_stack(flat, hidden, activation, dropout, norm, rng)
    return Network(*layers, Reshape(flat), *body, *_last(width, heads, L, rng))


def conv_decoder(L, hidden, channels, shape, n_out=1, activation="relu", dropout=0.0, norm="none", *, given=0, rng):
    """z (..., L + given) -> out (..., n_out * h * w * c), in n_out blocks: the mirror of conv_encoder.

    Dense layers up to h' * w' * channels[-1], which become small images, then transposed convolutions that double them.
    """
    side = _sides(shape, channels)[-1]
    widths = [math.prod(side) * channels[-1], *hidden][::-1]
    layers, _ = _dense_stack(L + given, widths, activation, dropout, norm, rng)
    return Network(*layers, Reshape(*side, channels[-1]), *_image_stack(shape, channels, n_out, activation, norm, rng))


def spatial_encoder(shape, channels, depth, activation="relu", norm="none", *, heads=1, given=0, rng):
    """x (..., h * w * c + given) -> `heads` arrays (..., places * depth): `depth` latents at each place.

    The places are the h' * w' pixels that the convolutions leave of the image, row by row; there is no dense layer.
    """
    layers, _, c = _conv_stack(shape, channels, activation, norm, given, rng)
    return Network(*layers, Conv2d(c, heads * depth, 1, rng), Blocks(heads), *_split(heads))


def spatial_decoder(depth, channels, shape, n_out=1, activation="relu", norm="none", *, given=0, rng):
    """z (..., places * depth + given) -> out (..., n_out * h * w * c), in n_out blocks: spatial_encoder's mirror."""
    act, init = _activation(activation)
    side = _sides(shape, channels)[-1]
    first = [Conv2d(depth + given, channels[-1], 1, rng, init=init), *_norm(norm)(channels[-1]), act()]
    return Network(_image(*side, depth, given), *first, *_image_stack(shape, channels, n_out, activation, norm, rng))


def gru_encoder(shape, hidden, L, activation="relu", dropout=0.0, norm="none", *, heads=2, given=0, rng):
    """x (..., T * c + given) -> `heads` arrays (..., L): a GRU along T steps of c numbers, then dense layers.

    hidden[0] is the width of the state, of which the last goes on. What is given is there at every step.
    """
    T, c = shape
    H, n = _state(hidden), c + given
    body, width = _dense_stack(H, hidden[1:], activation, dropout, norm, rng)
    layers = [_image(1, T, c, given), Reshape(T, n), FromZero(H), _gru(n, H, T, rng), Last()]
    return Network(*layers, *body, *_last(width, heads, L, rng))


def gru_decoder(L, hidden, shape, n_out=1, activation="relu", dropout=0.0, norm="none", *, given=0, rng):
    """z (..., L + given) -> out (..., n_out * T * c), in n_out blocks: the mirror of gru_encoder.

    Dense layers up to hidden[0] numbers, which a GRU of that width sees at every step; each of its states makes a step.
    """
    T, c = shape
    H = _state(hidden)
    layers, _ = _dense_stack(L + given, hidden[::-1], activation, dropout, norm, rng)
    each_step = [Reshape(1, T, H), Conv2d(H, n_out * c, 1, rng), Blocks(n_out)]
    return Network(*layers, Repeat(T), FromZero(H), _gru(H, H, T, rng), *each_step)


def dense_critic(n_in, hidden, *, bounded=True, free=False, rng):
    """x (..., n_in) -> log-odds (..., 1) that x is real: those of two x differ by at most their distance.

    Not `bounded`, the last layer is free, and learns how many times that; `free`, no layer is spectrally normalized.
    """
    norm = _as_it_is if free else Spectral
    layers = []
    for n in hidden:
        layers += [norm(Dense(n_in, n, rng)), LeakyReLU(0.2)]
        n_in = n
    last = Dense(n_in, 1, rng)
    return Network(*layers, norm(last) if bounded else last)


def conv_critic(shape, channels, hidden, *, free=False, rng):
    """(body, head), of images: x (..., h * w * c) -> features (..., F) -> log-odds (..., 1) that x is real.

    The features are what the convolutions, each of which halves the image, leave of it; the head is a dense_critic.
    """
    norm = _as_it_is if free else Spectral
    kernel, stride, padding = _halving(shape)
    side = _sides(shape, channels)[-1]
    layers = [Reshape(*shape)]
    for c_in, c_out in zip([shape[2], *channels], channels, strict=False):
        layers += [norm(Conv2d(c_in, c_out, kernel, rng, stride, padding)), LeakyReLU(0.2)]
    F = math.prod(side) * channels[-1]
    return Network(*layers, Reshape(F)), dense_critic(F, hidden, free=free, rng=rng)


def _as_it_is(layer):
    return layer


def _last(width, heads, L, rng):
    """The last layers of an encoder: one Dense makes all heads, (N, L) each, or as wide as `heads` says."""
    total = sum(heads) if isinstance(heads, list | tuple) else heads * L
    return [Dense(width, total, rng), *_split(heads)]


def _split(heads):
    """The cut into heads, where there is more than one."""
    if isinstance(heads, list | tuple):
        return [Split(heads)]
    return [Split(heads)] if heads > 1 else []


def _state(hidden):
    """The width of a GRU's state."""
    if not hidden:
        raise ValueError("hidden: expected the width of the state of a GRU first, got no width")
    return hidden[0]


def _gru(n_in, H, T, rng):
    """A GRU whose states keep what they have for 2 to T steps at the start: sigmoid(b_u) = 1 - 1 / steps.

    With b_u = 0 half of it is gone at each step (Tallec & Ollivier 2018, arXiv 1804.11188, section 2.2).
    """
    gru = GRU(n_in, H, rng)
    gru.cell.b.data[H : 2 * H] = np.log(rng.uniform(1, max(1, T - 1), H))
    return gru


def _image(h, w, c, given):
    """The first layer: rows (N, h * w * c + given) to images (N, h, w, c + given)."""
    return ColumnsToChannels(h, w, c, given) if given else Reshape(h, w, c)


def _conv_stack(shape, channels, activation, norm, given, rng):
    """(layers, (h', w'), channels[-1]): from rows (N, h * w * c + given) to images (N, h', w', channels[-1]).

    The convolutions are 4x4 with stride 2 and padding 1: each halves the sides of the image, rounded down.
    """
    act, init = _activation(activation)
    normalize, (kernel, stride, padding) = _norm(norm), _halving(shape)
    sides = _sides(shape, channels)
    c_in = shape[2] + given
    layers = [_image(*shape, given)]
    for c_out in channels:
        layers += [Conv2d(c_in, c_out, kernel, rng, stride, padding, init), *normalize(c_out), act()]
        c_in = c_out
    return layers, sides[-1], c_in


def _image_stack(shape, channels, n_out, activation, norm, rng):
    """Layers from images (N, h', w', channels[-1]) to raw outputs (N, n_out * h * w * c): the mirror of _conv_stack.

    Where a convolution of the encoder had rounded a side down, output padding gives the pixel back.
    """
    act, init = _activation(activation)
    normalize, (kernel, stride, padding) = _norm(norm), _halving(shape)
    sides = _sides(shape, channels)
    widths = [shape[2] * n_out, *channels]
    layers = []
    for i in reversed(range(len(channels))):
        lost = tuple(a - s * b for a, b, s in zip(sides[i], sides[i + 1], stride, strict=True))  # 0 or 1 per axis
        first = init if i else glorot
        layers.append(ConvTranspose2d(widths[i + 1], widths[i], kernel, rng, stride, padding, lost, first))
        if i:  # the output of the last convolution is raw
            layers += [*normalize(widths[i]), act()]
    return [*layers, Blocks(n_out)]


def _activation(name):
    """(class, initial weights) of an activation: He's before all that halve the signal, Glorot's before the others."""
    if name not in ACTIVATIONS:
        raise ValueError(f"activation: expected one of {', '.join(ACTIVATIONS)}, got {name!r}")
    act = ACTIVATIONS[name]
    return act, glorot if act in (Tanh, Sigmoid) else he


def _norm(name):
    """A function n -> list of the normalizations of n channels, one or none, that stand before an activation."""
    if name not in NORMS:
        raise ValueError(f"norm: expected one of {', '.join(NORMS)}, got {name!r}")
    return NORMS[name]


def _dense_stack(width, hidden, activation, dropout, norm, rng):
    """(layers, width): Dense, norm, activation and Dropout for each hidden width, and the width of the last.

    Norm and Dropout only where they are asked for.
    """
    act, init = _activation(activation)
    normalize = _norm(norm)
    layers = []
    for n in hidden:
        layers += [Dense(width, n, rng, init), *normalize(n), act()]
        if dropout:
            layers.append(Dropout(dropout, (n,)))
        width = n
    return layers, width


def _halving(shape):
    """Pairs (kernel, stride, padding) that halve an image, but no side of one pixel, which a signal has."""
    return tuple(zip(*((4, 2, 1) if n > 1 else (1, 1, 0) for n in shape[:2]), strict=True))


def _sides(shape, channels):
    """[(h, w), .., (h', w')]: sides before, between and after the convolutions; ValueError where nothing is left."""
    if len(shape) != 3:
        raise ValueError(f"arch: conv needs images (h, w, c), got rows of {shape[0]} values; use dense, or --signal "
                         "CHANNELS for rows of a signal")  # fmt: skip
    if not channels:
        raise ValueError("channels: expected at least one convolution")
    sides = [tuple(shape[:2])]
    for _ in channels:
        sides.append(tuple(n // s for n, s in zip(sides[-1], _halving(shape)[1], strict=True)))
    if min(sides[-1]) < 1 or max(shape[:2]) == 1:
        raise ValueError(f"channels: {len(channels)} layers of stride 2 leave nothing of a {shape[0]}x{shape[1]} image")
    return sides

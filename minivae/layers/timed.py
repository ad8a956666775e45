"""Networks that are told a time: what a diffusion model asks of how much noise it sees (Ho et al. 2020, appendix B).

A time comes as a row e (N, E) of sines and cosines, beside the rows or images h of N examples.
"""

import math

import numpy as np

from ..options import each, sizes, whole
from .activations import SiLU
from .base import Layer
from .builders import NORMS
from .combine import Join, Reshape, Sequential
from .conv import Conv2d
from .dense import Dense
from .initialize import he
from .pool import AvgPool2d, Upsample

LONGEST = 10_000  # over 2 pi, the period of the slowest sine


def sinusoids(t, width):
    """Sines, then cosines of times t (T,) -> (T, width), at frequencies from 1 to 1 / 10,000 (Vaswani et al. 2017).

    Near times have near rows, and all rows the same length. width is even.
    """
    half = whole(2)("width", width) // 2
    frequencies = np.exp(-math.log(LONGEST) * np.arange(half) / max(1, half - 1))
    angles = np.asarray(t)[:, None] * frequencies
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)


class Timed(Layer):
    """y = skip(h) + after(before(h) + W e + b): a residual block that each time shifts.

    h (N, ..., n_in) -> before(h), y (N, ..., n_out), rows or images; W (E, n_out), b (n_out,) are those of `time`.
    """

    def __init__(self, before, after, time, skip=None):
        self.before, self.after, self.time = before, after, time
        self.skip = Sequential(*([] if skip is None else [skip]))

    def forward(self, x, noise=None):
        h, e = x
        a, c_before = self.before.forward(h)
        shift, c_time = self.time.forward(e)  # (N, n_out)
        f, c_after = self.after.forward(a + shift.reshape(len(a), *[1] * (a.ndim - 2), a.shape[-1]))
        same, c_skip = self.skip.forward(h)
        return same + f, (c_before, c_time, c_after, c_skip)

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        c_before, c_time, c_after, c_skip = cache
        da = self.after.backward(dy, c_after, accumulate)
        # forward added one row to all pixels of an example, so now it gets the sum of theirs
        de = self.time.backward(da.sum(axis=tuple(range(1, da.ndim - 1))), c_time, accumulate)
        # and h went through `before` and through `skip`, so now dh is the sum of what both send back
        dh = self.before.backward(da, c_before, accumulate) + self.skip.backward(dy, c_skip, accumulate)
        return dh, de


class Denoiser(Layer):
    """(x (N, D), e (N, E)) -> the noise in x (N, D): a U-Net (Ronneberger et al. 2015), or without `down` a chain.

        first - down_1 ------------- join - up_1 - last
                  shrink - middle - grow

    What a block of `down` makes is kept and shrinks to half; behind `middle` it grows again, joined with what was kept.
    `embed` makes of e what all blocks see. Every block is a Timed; `middle` is a list of them.
    """

    def __init__(self, embed, first, down, middle, up, last):
        self.embed, self.first, self.down, self.middle, self.up, self.last = embed, first, down, middle, up, last
        self.shrink, self.grow, self.join = AvgPool2d(2), Upsample(2), Join()

    def forward(self, x, noise=None):
        x, e = x
        e, c_embed = self.embed.forward(e)
        h, c_first = self.first.forward(x)
        kept, c_down, c_middle, c_up = [], [], [], []
        for block in self.down:
            h, c_block = block.forward((h, e))
            kept.append(h)
            h, c_shrink = self.shrink.forward(h)
            c_down.append((c_block, c_shrink))
        for block in self.middle:
            h, c_block = block.forward((h, e))
            c_middle.append(c_block)
        for block in self.up:
            h, c_grow = self.grow.forward(h)
            h, c_join = self.join.forward((h, kept.pop()))
            h, c_block = block.forward((h, e))
            c_up.append((c_grow, c_join, c_block))
        y, c_last = self.last.forward(h)
        return y, (c_embed, c_first, c_down, c_middle, c_up, c_last)

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        c_embed, c_first, c_down, c_middle, c_up, c_last = cache
        dh = self.last.backward(dy, c_last, accumulate)
        de, dkept = 0, []
        for block, (c_grow, c_join, c_block) in zip(self.up[::-1], c_up[::-1], strict=True):
            dh, own = block.backward(dh, c_block, accumulate)
            dh, kept = self.join.backward(dh, c_join)
            dkept.append(kept)
            dh, de = self.grow.backward(dh, c_grow), de + own
        for block, c_block in zip(self.middle[::-1], c_middle[::-1], strict=True):
            dh, own = block.backward(dh, c_block, accumulate)
            de = de + own
        for block, (c_block, c_shrink) in zip(self.down[::-1], c_down[::-1], strict=True):
            # forward gave what a block makes to `shrink` and, as `kept`, to `up`, so now it gets both gradients
            dh = self.shrink.backward(dh, c_shrink) + dkept.pop()
            dh, own = block.backward(dh, c_block, accumulate)
            de = de + own
        de = self.embed.backward(de, c_embed, accumulate, need_dx)
        dx = self.first.backward(dh, c_first, accumulate, need_dx)
        return (dx, de) if need_dx else None


def dense_denoiser(D, hidden, E, *, rng):
    """(x (N, D), e (N, E)) -> (N, D): a chain of Timed blocks, the first of width hidden[0], and so on."""
    hidden = each(whole(1))("hidden", hidden)
    if not hidden:
        raise ValueError("hidden: expected at least one width, got none")
    width = hidden[0]
    embed = Sequential(Dense(E, width, rng, he), SiLU())
    middle, n_in = [], width
    for n in hidden:
        before = Sequential(*NORMS["layer"](n_in), SiLU(), Dense(n_in, n, rng, he))
        after = Sequential(*NORMS["layer"](n), SiLU(), Dense(n, n, rng, he))
        middle.append(Timed(before, after, Dense(width, n, rng), None if n == n_in else Dense(n_in, n, rng)))
        n_in = n
    last = Sequential(*NORMS["layer"](n_in), SiLU(), _quiet(Dense(n_in, D, rng)))
    return Denoiser(embed, Dense(D, width, rng), [], middle, [], last)


def conv_denoiser(shape, channels, E, *, rng):
    """(x (N, h * w * c), e (N, E)) -> (N, h * w * c): a U-Net of images, one level for each of `channels`.

    Between two levels the sides are halved. Raises ValueError where the sides cannot be halved so often.
    """
    channels = each(whole(1))("channels", channels)
    if len(shape) != 3 or not channels:
        raise ValueError(f"channels: expected images (h, w, c) and a width, got shape {shape}, channels {channels}")
    h, w, c = sizes(h=shape[0], w=shape[1], c=shape[2])
    parts = 2 ** (len(channels) - 1)
    if h % parts or w % parts:
        raise ValueError(f"channels: {len(channels)} widths halve an image {len(channels) - 1} times, {h}x{w} pixels "
                         "cannot be")  # fmt: skip
    width = 4 * channels[0]
    embed = Sequential(Dense(E, width, rng, he), SiLU())

    def block(n_in, n):
        before = Sequential(*NORMS["group"](n_in), SiLU(), Conv2d(n_in, n, 3, rng, 1, 1, he))
        after = Sequential(*NORMS["group"](n), SiLU(), Conv2d(n, n, 3, rng, 1, 1, he))
        return Timed(before, after, Dense(width, n, rng), None if n == n_in else Conv2d(n_in, n, 1, rng))

    *outer, inner = channels
    down, up, n_in = [], [], channels[0]
    for n in outer:
        down.append(block(n_in, n))
        n_in = n
    middle = [block(n_in, inner)]
    n_in = inner
    for n in outer[::-1]:
        up.append(block(n_in + n, n))
        n_in = n
    first = Sequential(Reshape(h, w, c), Conv2d(c, channels[0], 3, rng, 1, 1))
    last = Sequential(*NORMS["group"](n_in), SiLU(), _quiet(Conv2d(n_in, c, 3, rng, 1, 1)), Reshape(h * w * c))
    return Denoiser(embed, first, down, middle, up, last)


def _quiet(layer):
    """The last layer, all of whose weights start at 0: the first guess of the noise is none at all."""
    layer.W.data[...] = 0
    return layer

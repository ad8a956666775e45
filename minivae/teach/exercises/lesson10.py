"""Exercises of lesson 10: sides and costs of convolutions, the encoder and decoder of a small convolutional VAE."""

from functools import partial

import numpy as np

from ..exercise import Exercise
from .conv_by_hand import flip
from .conv_vae_by_hand import (
    conv_cost,
    conv_side,
    cost_by,
    decode,
    decoder,
    double,
    double_backward,
    doubled,
    encode,
    encode_backward,
    encoder,
    encoder_gradients,
    halve,
    mirrored_side,
    relu,
    side_by,
    transposed_side,
)
from .draws import one_of

# kernel, stride, padding, how many n; in the first no two mistakes give the same sides
SIDES = (14, 5, 3, 13), (6, 3, 1, 9), (9, 2, 3, 1)
COSTS = (8, 5, 3, 4), (4, 7, 5, 6), (16, 3, 2, 7)  # side, kernel, c_in, c_out
ENCODERS = (8, 5, 3, 4, 2), (12, 6, 2, 5, 3), (16, 4, 3, 2, 5)  # side of x, N, c1, c2, L
DECODERS = (2, 4, 5, 3, 6), (3, 6, 2, 4, 5), (4, 5, 3, 2, 7)  # side of the small image, N, c1, c2, L
DOUBLES = (3, 2, 4, 2, 5), (6, 2, 5, 3, 3), (5, 4, 2, 5, 3)  # N, h, w, c_in, c_out


def _side(rng):
    """Several sides at once, with all rests that there are; or one, a plain number."""
    kernel, stride, padding, many = one_of(rng, *SIDES)
    n = kernel + int(rng.integers(5, 9)) + np.arange(many)
    return {"n": n if many > 1 else int(n[0]), "kernel": kernel, "stride": stride, "padding": padding}


def _cost(rng):
    return dict(zip(("side", "kernel", "c_in", "c_out"), one_of(rng, *COSTS), strict=True))


def _weights(rng, *shapes):
    """{W1, b1, W2, b2, W3, b3}, such that most ReLUs are alive in some place."""
    given = {}
    for i, shape in enumerate(shapes, 1):
        given[f"W{i}"] = rng.standard_normal(shape) / np.prod(shape[:-1]) ** 0.5
        given[f"b{i}"] = 0.5 + 0.5 * rng.standard_normal(shape[-1])
    return given


def _encoder(rng):
    """Grey images, so one channel; no two of N, L and the other channels are equal."""
    side, N, c1, c2, L = one_of(rng, *ENCODERS)
    flat = (side // 4) ** 2 * c2
    given = {"x": rng.standard_normal((N, side * side))}
    given |= _weights(rng, (4, 4, 1, c1), (4, 4, c1, c2), (flat, 2 * L))
    return given | {"dmu": rng.standard_normal((N, L)), "dlog_var": rng.standard_normal((N, L))}


def _decoder(rng):
    """Grey images, so one channel comes out; no two of N, L and the other channels are equal. Logits of both signs."""
    side, N, c1, c2, L = one_of(rng, *DECODERS)
    given = {"z": rng.standard_normal((N, L))} | _weights(rng, (L, side * side * c1), (4, 4, c1, c2), (4, 4, c2, 1))
    return given | {"b3": given["b3"] / 5}


def _double(rng):
    """As many channels out as in for one of the seeds, not the first: there the shapes do not show an exchange."""
    N, h, w, c_in, c_out = one_of(rng, *DOUBLES)
    given = {"x": rng.standard_normal((N, h, w, c_in)), "W": rng.standard_normal((4, 4, c_in, c_out))}
    return given | {"b": rng.standard_normal(c_out), "dy": rng.standard_normal((N, 2 * h, 2 * w, c_out))}


def _nothing(dmu, dlog_var):
    return np.ones_like(dmu), np.ones_like(dlog_var)


def _times(d, h):
    return d * h


EXERCISES = (
    Exercise(
        "10.1",
        "conv_side",
        "side",
        _side,
        conv_side,
        hints=(
            "With padding the image has the side n + 2 padding. The rest is as in lesson 4: how often does the kernel "
            "fit, if it moves by the stride?",
            "The first place is 0, the last is at most n + 2 padding - kernel. Count the multiples of stride between "
            "them, both ends included. // rounds down, in an array each number by itself.",
        ),
        slips={
            "padding is on both sides of the image, so twice": partial(side_by, twice=False),
            "the first place is missing: + 1": partial(side_by, first=False),
            "kernel and stride are exchanged": lambda n, kernel, stride, padding: conv_side(n, stride, kernel, padding),
            "the padding is subtracted": partial(side_by, sign=-1),
            "rounded up: a kernel that does not fit whole does not count": partial(
                side_by, rest=lambda a, b: -(-a // b)),
            "rounded to the nearest: a kernel that does not fit whole does not count": partial(
                side_by, rest=lambda a, b: np.round(a / b)),
            "the last place is missing where the kernel ends with the image": partial(
                side_by, first=False, rest=lambda a, b: -(-a // b)),
            "1 is added before the division; it counts the first place, so it comes after": partial(
                side_by, first=False, rest=lambda a, b: (a + 1) // b),
            "not rounded: a side is a whole number": partial(side_by, rest=np.true_divide),
            "the padding is missing": partial(side_by, padded=False),
            "n // stride: that is right for kernel 4, stride 2, padding 1, but not always": lambda n, kernel, stride,
                padding: n // stride,
            "n // 2: that is right for kernel 4, stride 2, padding 1, but not always": lambda n, *others: n // 2,
            "that is the side of a transposed convolution; this goes the other way": transposed_side,
        },
    ),
    Exercise(
        "10.2",
        "transposed_side",
        "side",
        _side,
        transposed_side,
        hints=(
            "n patches, each a stride further than the one before: where does the last one begin? (Not at n stride.)",
            "Try n = 1 and n = 2: how long is the large image before anything is cut off? And then how much is?",
        ),
        slips={
            "the last of n patches begins at (n - 1) stride, not at n stride": partial(mirrored_side, steps=0),
            "padding is cut off at both ends, so twice": partial(mirrored_side, cut=1),
            "stride - 1 too many: the large image ends where the last patch ends": lambda n, kernel, stride, padding: (
                transposed_side(n, kernel, stride, padding) + stride - 1),
            "kernel and stride are exchanged": lambda n, kernel, stride, padding: transposed_side(
                n, stride, kernel, padding),
            "the padding is cut off here, not added": partial(mirrored_side, cut=-2),
            "the padding is missing": partial(mirrored_side, cut=0),
            "n stride: that is right only where kernel = stride + 2 padding": lambda n, kernel, stride, padding: (
                n * stride),
            "2 n: that is right for kernel 4, stride 2, padding 1, but not always": lambda n, *others: 2 * n,
            "that is the side of a convolution; this goes the other way": conv_side,
            "the last patch begins at (n - 1) stride, and it has a length": partial(mirrored_side, long=False),
            "where the last patch begins is not yet where it ends": partial(mirrored_side, long=False, cut=0),
        },
    ),
    Exercise(
        "10.3",
        "conv_cost",
        "parameters, products",
        _cost,
        conv_cost,
        hints=(
            "Parameters: the number of entries of W (kernel, kernel, c_in, c_out) and of b (c_out,). Does the size of "
            "the image matter?",
            "One number of the output is a sum of kernel kernel c_in products. How many numbers does the output have?",
        ),
        slips={
            "the biases are missing: one for each output channel": partial(cost_by, biases="none"),
            "a bias for each input channel; they are added to the output": partial(cost_by, biases="in"),
            "one bias in all; there is one for each output channel": partial(cost_by, biases="one"),
            "a kernel is square: kernel rows and kernel columns": partial(cost_by, square=False),
            "each output channel looks at all input channels": partial(cost_by, all_in=False),
            "the output is an image: side rows and side columns": partial(cost_by, image=False),
            "all places share the same weights": partial(cost_by, shared=False),
            "parameters and products are exchanged": lambda *a: conv_cost(*a)[::-1],
            "adding a bias is no product": partial(cost_by, adds=True),
            "4 is written in, but `kernel` says how long the kernel is": partial(cost_by, length=4),
            "the bias is like one more input, so its + 1 does not belong to c_out": partial(cost_by, biases="input"),
            "c_out biases, not c_in + c_out: only what comes out gets one": partial(cost_by, biases="both"),
            "a bias for each place of the output, but all places share them": partial(cost_by, biases="places"),
            "`side` is that of the output already; here it is taken for that of the input": partial(cost_by, grow=0.5),
            "that is twice the side of the output, but there are products for the places of the output only": partial(
                cost_by, grow=2),
            "c_in + c_out kernels, but there is one for each pair of a channel in and a channel out": partial(
                cost_by, pairs=False),
            "every weight is used at every place of the output": lambda side, *a: (
                conv_cost(side, *a)[0], conv_cost(1, *a)[1]),
        },
    ),
    Exercise(
        "10.4",
        "encode",
        "mu, log_var",
        _encoder,
        encode,
        hints=(
            "A row of D pixels is a square image with one channel: x.reshape(len(x), side, side, 1), side the root of "
            "D.",
            "The formula from the inside outward. Before the dense layer h2 becomes flat, one row for each example.",
            "Out come 2 L numbers for each example. The first half of the columns is mu, the second log_var. No ReLU "
            "here: both may be negative.",
        ),
        slips={
            "the ReLU after the first convolution is missing": partial(encoder, first=False),
            "the ReLU after the second convolution is missing": partial(encoder, last=False),
            "both ReLUs are missing": partial(encoder, first=False, last=False),
            "mu and log_var are exchanged: mu is the first half": partial(encoder, exchanged=True),
            "every second column: mu is the first half": partial(encoder, every_second=True),
            "a ReLU on the output: mu and log_var may be negative": partial(encoder, after=relu),
            "channels first before it is flat: reshape alone keeps the order (row, column, channel)": partial(
                encoder, channels_first=True),
            "rows and columns of h2 are exchanged before it is flat": partial(encoder, turned_flat=True),
            "the ReLU comes after each convolution, not before it": partial(encoder, before=True),
            "log_var is the log of the variance: nothing is applied to it": lambda *a: (encode(*a)[0], np.exp(
                encode(*a)[1])),
            "that is the standard deviation; log_var is the log of its square": lambda *a: (encode(*a)[0], np.exp(
                0.5 * encode(*a)[1])),
            "rows and columns of the image are exchanged": partial(encoder, transpose=True),
            "b3 is missing": partial(encoder, bias=False),
        },
    ),
    Exercise(
        "10.5",
        "decode",
        "out",
        _decoder,
        decode,
        hints=(
            "The encoder backward in order: first the dense layer and its ReLU, then an image, then double, relu, "
            "double.",
            "The image has as many channels as double with W2 takes in, c = W2.shape[2]. Its side is the root of the "
            "number of pixels, which is h1.shape[1] // c.",
            "After the last double comes no ReLU and no sigmoid: out are logits. Flat again, (N, D).",
        ),
        slips={
            "the ReLU after the dense layer is missing": partial(decoder, first=False),
            "the ReLU between the two transposed convolutions is missing": partial(decoder, second=False),
            "both ReLUs are missing": partial(decoder, first=False, second=False),
            "a sigmoid at the end: the likelihood takes logits": partial(
                decoder, after=lambda out: 1 / (1 + np.exp(-out))),
            "a ReLU at the end: a logit is negative where a pixel is rather black": partial(decoder, after=relu),
            "channels first: the axes are (N, side, side, c)": partial(decoder, channels_first=True),
            "rows and columns of the small image are exchanged": partial(decoder, transpose=True),
            "b1 is missing": partial(decoder, biases=(0, 1, 1)),
            "b2 is missing": partial(decoder, biases=(1, 0, 1)),
            "b3 is missing": partial(decoder, biases=(1, 1, 0)),
            "the border of 1, which a transposed convolution cuts off, is still there": partial(decoder, cut=False),
            "still images: a model's rows are flat, (N, D)": lambda z, *a: decode(z, *a).reshape(
                len(z), *[int((decode(z, *a).shape[1]) ** 0.5)] * 2, 1),
        },
    ),
    Exercise(
        "10.6",
        "encode_backward",
        "dW1, db1, dW2, db2, dW3, db3",
        _encoder,
        encode_backward,
        value=lambda x, W1, b1, W2, b2, W3, b3, dmu, dlog_var: sum(
            (a * b).sum() for a, b in zip((dmu, dlog_var), encode(x, W1, b1, W2, b2, W3, b3), strict=True)),
        points=2,
        hints=(
            "Compute the images, h1 and h2 again. From the end: dout is dmu and dlog_var side by side, np.concatenate "
            "along axis 1.",
            "The dense layer's input was h2, flat. What comes back through it is flat too: give it the shape of h2.",
            "Then twice the same: through ReLU, then halve_backward with that layer's input: h1 for the second, the "
            "images for the first.",
        ),
        slips={
            "the second ReLU is left out, or its mask is h >= 0, which is true everywhere": partial(
                encoder_gradients, last=False),
            "the first ReLU is left out, or its mask is h >= 0, which is true everywhere": partial(
                encoder_gradients, first=False),
            "both ReLUs are left out, or their masks are h >= 0, which is true everywhere": partial(
                encoder_gradients, first=False, last=False),
            "times h in the place of h > 0: the slope of a ReLU is 0 or 1": partial(encoder_gradients, gate=_times),
            "a ReLU of the gradient; what counts is where h is positive, the gradient may be negative": partial(
                encoder_gradients, gate=lambda d, h: relu(d)),
            "channels first: what comes back has the order (row, column, channel), that of h2": partial(
                encoder_gradients, channels_first=True),
            "times h in the place of h > 0 in the first layer": partial(encoder_gradients, first_gate=_times),
            "a ReLU of the gradient in the first layer, where h1 > 0 counts": partial(
                encoder_gradients, first_gate=lambda d, h: relu(d)),
            "h1 and h2 are computed again without their ReLUs": partial(encoder_gradients, relus=(False, False)),
            "h1 is computed again without its ReLU": partial(encoder_gradients, relus=(False, True)),
            "h2 is computed again without its ReLU": partial(encoder_gradients, relus=(True, False)),
            "the second convolution's input is h1 after the ReLU, not before it": partial(
                encoder_gradients, raw_input=True),
            "summed over the 2 L numbers of each example, but all examples share b3": partial(
                encoder_gradients, db3_axis=1),
            "dmu and dlog_var are exchanged: mu is the first half": partial(encoder_gradients, exchanged=True),
            "dmu and dlog_var take turns in the columns: mu is the first half": partial(
                encoder_gradients, every_second=True),
            "dmu is in the place of dlog_var too": partial(
                encoder_gradients, upstream=lambda dmu, dlog_var: (dmu, dmu)),
            "the upstream gradients are not used": partial(encoder_gradients, upstream=_nothing),
            "dlog_var is not used": partial(
                encoder_gradients, upstream=lambda dmu, dlog_var: (dmu, 0 * dlog_var)),
            "dmu is not used": partial(encoder_gradients, upstream=lambda dmu, dlog_var: (0 * dmu, dlog_var)),
            "averaged over the examples: whether the loss is a mean is already in dmu and dlog_var": partial(
                encoder_gradients, upstream=lambda dmu, dlog_var: (dmu / len(dmu), dlog_var / len(dmu))),
        },
    ),
    Exercise(
        "10.7",
        "double_backward",
        "dx, dW, db",
        _double,
        double_backward,
        value=lambda x, W, b, dy: (dy * double(x, W, b)).sum(),
        around=lambda x, W, b, dy: {"sizes": {"N": len(x), "(2 h) (2 w)": dy[0, :, :, 0].size}},
        points=2,
        hints=(
            "For dx: pixel (i, j) of x painted a patch. What comes back for it is that patch of dy, times the kernel, "
            "added up. That gathers a patch into one number: it is a convolution of dy.",
            "double goes from c_in to c_out channels, so the convolution back goes from c_out to c_in. What shape has "
            "its kernel, and in which order are those numbers in W? How many biases does it add, and what are they?",
            "For dW: in the sum S of all dy times y, each weight stands between a number of x and one of dy, as in "
            "halve, where dy is the large image. So halve_backward knows dW, in the order (4, 4, c_out, c_in).",
        ),
        slips={
            "the channels of W are as they were: on the way back c_out channels come in, and c_in go out": partial(
                doubled, kernel=lambda W: W if W.shape[2] == W.shape[3] else W.swapaxes(2, 3)),
            "the kernel is mirrored: each number goes back by the way on which it came": partial(
                doubled, kernel=lambda W: flip(W.swapaxes(2, 3))),
            "reshape does not exchange axes: it puts the same order into another shape": partial(
                doubled, kernel=lambda W: W.reshape(*W.shape[:2], W.shape[3], W.shape[2])),
            "rows and columns of the kernel are exchanged too: only its channels are": partial(
                doubled, kernel=lambda W: W.transpose(1, 0, 3, 2)),
            "that is double again: what comes back has the size of x": partial(doubled, dx_by=double),
            "a ReLU on the way back, but double has none": partial(doubled, dx_by=lambda *a: relu(halve(*a))),
            "the channels of dW are exchanged: the third axis goes with x, the last with dy": partial(
                doubled, weights=lambda dV: dV),
            "the kernel of dW is mirrored": partial(doubled, weights=lambda dV: flip(dV.swapaxes(2, 3))),
            "dy is not used: the upstream gradient is missing": partial(doubled, upstream=False),
            "the mean over all places, but the bias is added at every one of them: the sum": partial(
                doubled, bias=lambda dy, x: dy.mean(axis=(0, 1, 2))),
            "summed over the images only: the bias is added at every pixel too": partial(
                doubled, bias=lambda dy, x: dy.sum(axis=0)),
            "summed over the pixels only: all images share the bias": partial(
                doubled, bias=lambda dy, x: dy.sum(axis=(1, 2))),
            "that is the sum of x, the bias of the mirrored convolution; b was added to y, where dy arrives": partial(
                doubled, bias=lambda dy, x: x.sum(axis=(0, 1, 2))),
            "summed over the channels and not over the images: each channel has its bias, and all images share it":
                partial(doubled, bias=lambda dy, x: dy.sum(axis=(1, 2, 3))),
        },
    ),
)  # fmt: skip

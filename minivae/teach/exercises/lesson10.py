"""Exercises of lesson 10: sides and costs of convolutions, the encoder and decoder of a small convolutional VAE."""

import numpy as np

from ..exercise import Exercise
from . import lesson04

BORDER = (0, 0), (1, 1), (1, 1), (0, 0)


def relu(a):
    return np.maximum(a, 0)


def halve(x, W, b):
    """Convolution with kernel 4, stride 2, padding 1: x (N, 2 h, 2 w, c_in) -> y (N, h, w, c_out)."""
    return lesson04.conv_forward(np.pad(x, BORDER), W, b, 2)


def halve_backward(dy, x, W):
    dx, dW, db = lesson04.conv_backward(dy, np.pad(x, BORDER), W, 2)
    return dx[:, 1:-1, 1:-1], dW, db


def double(x, W, b):
    """The transposed convolution: x (N, h, w, c_in) -> y (N, 2 h, 2 w, c_out)."""
    return lesson04.conv_transpose(x, W, 2)[:, 1:-1, 1:-1] + b


def conv_side(n, kernel, stride, padding):
    return (n + 2 * padding - kernel) // stride + 1


def transposed_side(n, kernel, stride, padding):
    return (n - 1) * stride + kernel - 2 * padding


def conv_cost(side, kernel, c_in, c_out):
    weights = kernel * kernel * c_in * c_out
    return weights + c_out, side * side * weights


def encode(x, W1, b1, W2, b2, W3, b3):
    side = int(x.shape[1] ** 0.5)
    h1 = relu(halve(x.reshape(len(x), side, side, 1), W1, b1))
    h2 = relu(halve(h1, W2, b2))
    out = h2.reshape(len(x), -1) @ W3 + b3
    L = out.shape[1] // 2
    return out[:, :L], out[:, L:]


def decode(z, W1, b1, W2, b2, W3, b3):
    h1 = relu(z @ W1 + b1)
    c = W2.shape[2]
    side = int((h1.shape[1] // c) ** 0.5)
    h2 = relu(double(h1.reshape(len(z), side, side, c), W2, b2))
    return double(h2, W3, b3).reshape(len(z), -1)


def encode_backward(dmu, dlog_var, x, W1, b1, W2, b2, W3, b3):
    return _backward(dmu, dlog_var, x, W1, b1, W2, b2, W3, b3)


def _backward(dmu, dlog_var, x, W1, b1, W2, b2, W3, b3, last=True, first=True, swapped=False):
    """encode_backward, or without one of its ReLUs, or with the halves exchanged."""
    side = int(x.shape[1] ** 0.5)
    images = x.reshape(len(x), side, side, 1)
    h1 = relu(halve(images, W1, b1))
    h2 = relu(halve(h1, W2, b2))
    dout = np.concatenate([dlog_var, dmu] if swapped else [dmu, dlog_var], axis=1)
    dW3, db3 = h2.reshape(len(x), -1).T @ dout, dout.sum(axis=0)
    dh2 = (dout @ W3.T).reshape(h2.shape)
    dh1, dW2, db2 = halve_backward(dh2 * (h2 > 0) if last else dh2, h1, W2)
    _, dW1, db1 = halve_backward(dh1 * (h1 > 0) if first else dh1, images, W1)
    return dW1, db1, dW2, db2, dW3, db3


def _side(rng):
    """Several sides at once, of which some leave a rest. No n stride: kernel is not stride + 2 padding."""
    stride, padding = rng.integers(2, 4), rng.integers(1, 3)
    kernel = stride + 2 * padding + 2
    return {"n": np.arange(6) + rng.integers(12, 20), "kernel": int(kernel), "stride": int(stride),
            "padding": int(padding)}  # fmt: skip


def _cost(rng):
    side, kernel = rng.choice([4, 8, 16]), rng.choice([3, 5])
    return {"side": int(side), "kernel": int(kernel), "c_in": int(rng.integers(2, 5)), "c_out": int(rng.integers(6, 9))}


def _weights(rng, *shapes):
    """{W1, b1, W2, b2, W3, b3}, such that most ReLUs are alive in some place."""
    given = {}
    for i, shape in enumerate(shapes, 1):
        given[f"W{i}"] = rng.standard_normal(shape) / np.prod(shape[:-1]) ** 0.5
        given[f"b{i}"] = 0.5 + 0.5 * rng.standard_normal(shape[-1])
    return given


def _encoder(rng):
    """8 x 8 images; h2 is (N, 2, 2, 2): there a wrong order of axes has a fitting shape."""
    N = int(rng.integers(2, 5))
    given = {"x": rng.standard_normal((N, 64))} | _weights(rng, (4, 4, 1, 2), (4, 4, 2, 2), (8, 4))
    return given | {"dmu": rng.standard_normal((N, 2)), "dlog_var": rng.standard_normal((N, 2))}


def _decoder(rng):
    """The small image is (N, 2, 2, 3): channels in, channels out and side are to be told apart."""
    N = int(rng.integers(2, 5))
    return {"z": rng.standard_normal((N, 3))} | _weights(rng, (3, 12), (4, 4, 3, 2), (4, 4, 2, 1))


def _encode(x, W1, b1, W2, b2, W3, b3, first=relu, last=relu, flat=lambda h: h, axis=1):
    """encode with its parts exchangeable."""
    side = int(x.shape[1] ** 0.5)
    h1 = first(halve(x.reshape(len(x), side, side, 1), W1, b1))
    out = flat(last(halve(h1, W2, b2))).reshape(len(x), -1) @ W3 + b3
    return (out[:, :2], out[:, 2:]) if axis == 1 else (out[:, ::2], out[:, 1::2])


def _decode(z, W1, b1, W2, b2, W3, b3, first=relu, second=relu, last=lambda out: out, image=None):
    """decode with its parts exchangeable."""
    h1 = first(z @ W1 + b1)
    h1 = h1.reshape(len(z), 2, 2, 3) if image is None else image(h1)
    return last(double(second(double(h1, W2, b2)), W3, b3).reshape(len(z), -1))


def _same(a):
    return a


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
            "padding is on both sides of the image, so twice": lambda n, kernel, stride, padding: (
                n + padding - kernel) // stride + 1,
            "the first place is missing: + 1": lambda n, kernel, stride, padding: (
                n + 2 * padding - kernel) // stride,
            "rounded up: a kernel that does not fit whole does not count": lambda n, kernel, stride, padding: -(
                -(n + 2 * padding - kernel) // stride) + 1,
            "not rounded: a side is a whole number": lambda n, kernel, stride, padding: (
                n + 2 * padding - kernel) / stride + 1,
            "the padding is missing": lambda n, kernel, stride, padding: (n - kernel) // stride + 1,
            "n // stride: that is right for kernel 4, stride 2, padding 1, but not always": lambda n, kernel, stride,
                padding: n // stride,
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
            "It begins at (n - 1) stride and is kernel long. Then padding is cut off, at both ends.",
        ),
        slips={
            "the last of n patches begins at (n - 1) stride, not at n stride": lambda n, kernel, stride, padding: (
                n * stride + kernel - 2 * padding),
            "padding is cut off at both ends, so twice": lambda n, kernel, stride, padding: (
                (n - 1) * stride + kernel - padding),
            "the padding is cut off here, not added": lambda n, kernel, stride, padding: (
                (n - 1) * stride + kernel + 2 * padding),
            "the padding is missing": lambda n, kernel, stride, padding: (n - 1) * stride + kernel,
            "n stride: that is right only where kernel = stride + 2 padding": lambda n, kernel, stride, padding: (
                n * stride),
            "that is the side of a convolution; this goes the other way": conv_side,
            "the last patch begins at (n - 1) stride, and it has a length": lambda n, kernel, stride, padding: (
                (n - 1) * stride),
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
            "the biases are missing: one for each output channel": lambda side, kernel, c_in, c_out: (
                kernel**2 * c_in * c_out, side**2 * kernel**2 * c_in * c_out),
            "a bias for each input channel; they are added to the output": lambda side, kernel, c_in, c_out: (
                kernel**2 * c_in * c_out + c_in, side**2 * kernel**2 * c_in * c_out),
            "a kernel is square: kernel rows and kernel columns": lambda side, kernel, c_in, c_out: (
                kernel * c_in * c_out + c_out, side**2 * kernel * c_in * c_out),
            "each output channel looks at all input channels": lambda side, kernel, c_in, c_out: (
                kernel**2 * c_out + c_out, side**2 * kernel**2 * c_out),
            "the output is an image: side rows and side columns": lambda side, kernel, c_in, c_out: (
                kernel**2 * c_in * c_out + c_out, side * kernel**2 * c_in * c_out),
            "all places share the same weights": lambda side, kernel, c_in, c_out: (
                side**2 * (kernel**2 * c_in * c_out + c_out), side**2 * kernel**2 * c_in * c_out),
            "parameters and products are exchanged": lambda *a: conv_cost(*a)[::-1],
            "adding a bias is no product": lambda side, kernel, c_in, c_out: (
                kernel**2 * c_in * c_out + c_out, side**2 * (kernel**2 * c_in * c_out + c_out)),
            "every weight is used at every place of the output": lambda side, kernel, c_in, c_out: (
                kernel**2 * c_in * c_out + c_out, kernel**2 * c_in * c_out),
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
            "halve, relu, halve, relu. Then flat again, one row for each example, and the dense layer: @ W3 + b3.",
            "Out come 2 L numbers for each example. The first half of the columns is mu, the second log_var. No ReLU "
            "here: both may be negative.",
        ),
        slips={
            "the ReLU after the first convolution is missing": lambda *a: _encode(*a, first=_same),
            "the ReLU after the second convolution is missing": lambda *a: _encode(*a, last=_same),
            "mu and log_var are exchanged: mu is the first half": lambda *a: _encode(*a)[::-1],
            "every second column: mu is the first half": lambda *a: _encode(*a, axis=2),
            "a ReLU on the output: mu and log_var may be negative": lambda *a: tuple(map(relu, _encode(*a))),
            "channels first before it is flat: reshape alone keeps the order (row, column, channel)": lambda *a:
                _encode(*a, flat=lambda h: np.moveaxis(h, -1, 1)),
            "log_var is the log of the variance: nothing is applied to it": lambda *a: (
                _encode(*a)[0], np.exp(_encode(*a)[1])),
            "rows and columns of the image are exchanged": lambda x, *a: _encode(
                x.reshape(-1, 8, 8).swapaxes(1, 2).reshape(len(x), 64), *a),
            "b3 is missing": lambda x, W1, b1, W2, b2, W3, b3: _encode(x, W1, b1, W2, b2, W3, 0 * b3),
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
            "the ReLU after the dense layer is missing": lambda *a: _decode(*a, first=_same),
            "the ReLU between the two transposed convolutions is missing": lambda *a: _decode(*a, second=_same),
            "a sigmoid at the end: the likelihood takes logits": lambda *a: _decode(
                *a, last=lambda out: 1 / (1 + np.exp(-out))),
            "a ReLU at the end: a logit is negative where a pixel is rather black": lambda *a: _decode(*a, last=relu),
            "channels first: the axes are (N, side, side, c)": lambda *a: _decode(
                *a, image=lambda h: np.moveaxis(h.reshape(len(h), 3, 2, 2), 1, -1)),
            "still images: a model's rows are flat, (N, D)": lambda *a: _decode(*a).reshape(len(a[0]), 8, 8, 1),
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
        hints=(
            "Compute the images, h1 and h2 again. From the end: dout is dmu and dlog_var side by side, np.concatenate "
            "along axis 1.",
            "The dense layer's input was h2, flat. What comes back through it, dout @ W3.T, is flat too: give it the "
            "shape of h2.",
            "Then twice the same: through ReLU, times (h > 0), then halve_backward with that layer's input: h1 for the "
            "second, the images for the first.",
        ),
        slips={
            "the ReLU after the second convolution is left out on the way back": lambda *a: _backward(*a, last=False),
            "the ReLU after the first convolution is left out on the way back": lambda *a: _backward(*a, first=False),
            "dmu and dlog_var are exchanged: mu is the first half": lambda *a: _backward(*a, swapped=True),
            "both ReLUs are left out on the way back": lambda *a: _backward(*a, last=False, first=False),
            "dmu is in the place of dlog_var too": lambda dmu, dlog_var, *a: _backward(dmu, dmu, *a),
            "the upstream gradients are not used": lambda dmu, dlog_var, *a: _backward(1 + 0 * dmu, 1 + 0 * dmu, *a),
            "dlog_var is not used": lambda dmu, dlog_var, *a: _backward(dmu, 0 * dlog_var, *a),
            "averaged over the examples: whether the loss is a mean is already in dmu and dlog_var": lambda dmu,
                dlog_var, *a: _backward(dmu / len(dmu), dlog_var / len(dmu), *a),
        },
    ),
)  # fmt: skip

"""The functions that lesson 10 asks for; and the same with switches, each of which is a mistake that people make."""

import numpy as np

from .conv_by_hand import conv_backward, conv_forward, conv_transpose

BORDER = (0, 0), (1, 1), (1, 1), (0, 0)


def relu(a):
    return np.maximum(a, 0)


def halve(x, W, b):
    """Convolution with kernel 4, stride 2, padding 1: x (N, 2 h, 2 w, c_in) -> y (N, h, w, c_out)."""
    return conv_forward(np.pad(x, BORDER), W, b, 2)


def halve_backward(dy, x, W):
    dx, dW, db = conv_backward(dy, np.pad(x, BORDER), W, 2)
    return dx[:, 1:-1, 1:-1], dW, db


def double(x, W, b):
    """The transposed convolution: x (N, h, w, c_in) -> y (N, 2 h, 2 w, c_out)."""
    return conv_transpose(x, W, 2)[:, 1:-1, 1:-1] + b


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
    return encoder_gradients(dmu, dlog_var, x, W1, b1, W2, b2, W3, b3)


def double_backward(dy, x, W):
    return doubled(dy, x, W)


# ---- with mistakes


def side_by(n, kernel, stride, padding, *, twice=True, padded=True, sign=1, first=True, rest=np.floor_divide):
    """conv_side with one border, or none, or -1 times as many, without the first place, or with another division."""
    border = sign * (2 if twice else 1) * padding * padded
    return rest(n + border - kernel, stride) + first


def mirrored_side(n, kernel, stride, padding, *, steps=-1, long=True, cut=2):
    """transposed_side with n + steps steps, without the length of the last patch, or another cut."""
    return (n + steps) * stride + kernel * long - cut * padding


def cost_by(side, kernel, c_in, c_out, *, biases="out", square=True, all_in=True, image=True, shared=True, adds=False,
            length=None, grow=1, pairs=True):  # fmt: skip
    """conv_cost with other biases, kernels or sides, or a kernel of one row, or places that do not share."""
    kernels = (c_in * c_out if pairs else c_in + c_out) if all_in else c_out
    weights = (length or kernel) ** (2 if square else 1) * kernels
    places = int(grow * side) ** (2 if image else 1)
    bias = {"out": c_out, "in": c_in, "none": 0, "one": 1, "both": c_in + c_out, "places": places * c_out,
            "input": weights // c_out}[biases]  # fmt: skip
    return (weights + bias) * (1 if shared else side * side), places * (weights + c_out * adds)


def turned(x):
    """Rows x with rows and columns of each square image exchanged."""
    side = int(x.shape[1] ** 0.5)
    return x.reshape(-1, side, side).swapaxes(1, 2).reshape(x.shape)


def encoder(x, W1, b1, W2, b2, W3, b3, *, first=True, last=True, transpose=False, channels_first=False, bias=True,
            every_second=False, after=None, exchanged=False, before=False, turned_flat=False):  # fmt: skip
    """encode without b3, with other ReLUs or orders of the numbers, or something `after` the last layer."""
    x = turned(x) if transpose else x
    x, last = (relu(x), False) if before else (x, last)
    side = int(x.shape[1] ** 0.5)
    h1 = halve(x.reshape(len(x), side, side, 1), W1, b1)
    h2 = halve(relu(h1) if first else h1, W2, b2)
    h2 = relu(h2) if last else h2
    h2 = h2.swapaxes(1, 2) if turned_flat else h2
    h2 = np.moveaxis(h2, -1, 1) if channels_first else h2
    out = h2.reshape(len(x), -1) @ W3 + (b3 if bias else 0 * b3)
    out = out if after is None else after(out)
    L = out.shape[1] // 2
    mu, log_var = (out[:, ::2], out[:, 1::2]) if every_second else (out[:, :L], out[:, L:])
    return (log_var, mu) if exchanged else (mu, log_var)


def decoder(z, W1, b1, W2, b2, W3, b3, *, first=True, second=True, channels_first=False, transpose=False, after=None,
            biases=(1, 1, 1), cut=True):  # fmt: skip
    """decode without some ReLUs, biases or cuts, with another order of the numbers, or something `after` the end."""
    b1, b2, b3 = (b * there for b, there in zip((b1, b2, b3), biases, strict=True))
    grow = double if cut else lambda x, W, b: conv_transpose(x, W, 2) + b
    h1, c = z @ W1 + b1, W2.shape[2]
    h1 = relu(h1) if first else h1
    side = int((h1.shape[1] // c) ** 0.5)
    if channels_first:
        h1 = np.moveaxis(h1.reshape(len(z), c, side, side), 1, -1)
    h1 = h1.reshape(len(z), side, side, c)
    h2 = grow(h1.swapaxes(1, 2) if transpose else h1, W2, b2)
    out = grow(relu(h2) if second else h2, W3, b3).reshape(len(z), -1)
    return out if after is None else after(out)


def encoder_gradients(dmu, dlog_var, x, W1, b1, W2, b2, W3, b3, *, first=True, last=True, gate=None, exchanged=False,
                      channels_first=False, every_second=False, upstream=None, first_gate=None, relus=(True, True),
                      raw_input=False, db3_axis=0):  # fmt: skip
    """encode_backward with other ReLUs, forward or backward, another order of the numbers, or other dmu, dlog_var."""
    side, gate = int(x.shape[1] ** 0.5), gate or (lambda d, h: d * (h > 0))
    dmu, dlog_var = upstream(dmu, dlog_var) if upstream else (dmu, dlog_var)
    images = x.reshape(len(x), side, side, 1)
    a1 = halve(images, W1, b1)
    h1 = relu(a1) if relus[0] else a1
    h2 = halve(h1, W2, b2)
    h2 = relu(h2) if relus[1] else h2
    dout = np.concatenate([dlog_var, dmu] if exchanged else [dmu, dlog_var], axis=1)
    dout = np.stack([dmu, dlog_var], axis=2).reshape(dout.shape) if every_second else dout
    dW3, db3 = h2.reshape(len(x), -1).T @ dout, dout.sum(axis=db3_axis)
    dh2 = dout @ W3.T
    if channels_first:
        dh2 = np.moveaxis(dh2.reshape(len(x), h2.shape[3], *h2.shape[1:3]), 1, -1)
    dh2 = dh2.reshape(h2.shape)
    dh1, dW2, db2 = halve_backward(gate(dh2, h2) if last else dh2, a1 if raw_input else h1, W2)
    _, dW1, db1 = halve_backward((first_gate or gate)(dh1, h1) if first else dh1, images, W1)
    return dW1, db1, dW2, db2, dW3, db3


def doubled(dy, x, W, *, kernel=lambda W: W.swapaxes(2, 3), dx_by=halve, weights=None, bias=None, upstream=True):
    """double_backward with another kernel or another function from dy to dx, without dy, or with other dW and db."""
    dy = dy if upstream else np.ones_like(dy)
    V = kernel(W)
    dx = dx_by(dy, V, np.zeros(V.shape[3]))
    _, dV, _ = halve_backward(x, dy, W.swapaxes(2, 3))
    return dx, weights(dV) if weights else dV.swapaxes(2, 3), bias(dy, x) if bias else dy.sum(axis=(0, 1, 2))

"""The functions that lesson 4 asks for, and those of people who make a mistake in them."""

import numpy as np


def conv_matrix(w, n, stride):
    n_out = (n - len(w)) // stride + 1
    A = np.zeros((n_out, n))
    for i in range(n_out):
        A[i, i * stride : i * stride + len(w)] = w
    return A


def im2col(x, kh, kw, stride):
    N, h, w, c = x.shape
    h_out, w_out = (h - kh) // stride + 1, (w - kw) // stride + 1
    columns = np.zeros((N, h_out, w_out, kh, kw, c))
    for k in range(kh):
        for l in range(kw):
            columns[:, :, :, k, l] = x[:, k : k + stride * h_out : stride, l : l + stride * w_out : stride]
    return columns


def conv_forward(x, W, b, stride):
    kh, kw, c_in, c_out = W.shape
    columns = im2col(x, kh, kw, stride)
    rows = columns.reshape(-1, kh * kw * c_in)
    return (rows @ W.reshape(-1, c_out) + b).reshape(*columns.shape[:3], c_out)


def col2im(dcolumns, h, w, stride):
    N, h_out, w_out, kh, kw, c = dcolumns.shape
    dx = np.zeros((N, h, w, c))
    for k in range(kh):
        for l in range(kw):
            dx[:, k : k + stride * h_out : stride, l : l + stride * w_out : stride] += dcolumns[:, :, :, k, l]
    return dx


def conv_backward(dy, x, W, stride):
    N, h, w, _ = x.shape
    kh, kw, c_in, c_out = W.shape
    columns = im2col(x, kh, kw, stride)
    rows, drows = columns.reshape(-1, kh * kw * c_in), dy.reshape(-1, c_out)
    dW = (rows.T @ drows).reshape(W.shape)
    dcolumns = (drows @ W.reshape(-1, c_out).T).reshape(columns.shape)
    return col2im(dcolumns, h, w, stride), dW, drows.sum(axis=0)


def conv_transpose(x, W, stride):
    N, h, w, c_in = x.shape
    kh, kw, _, c_out = W.shape
    columns = np.einsum("nijc,klcd->nijkld", x, W)
    return col2im(columns, (h - 1) * stride + kh, (w - 1) * stride + kw, stride)


def repeated(w, n, stride):
    """conv_matrix without a stride, as many rows."""
    A = conv_matrix(w, n, 1)
    return A[: (n - len(w)) // stride + 1]


def dilated(x, kh, kw, stride):
    """Patches without a stride, whose pixels are a stride apart."""
    N, h, w, c = x.shape
    h_out, w_out = (h - kh) // stride + 1, (w - kw) // stride + 1
    rows = np.minimum(np.arange(h_out)[:, None] + stride * np.arange(kh), h - 1)
    columns = np.minimum(np.arange(w_out)[:, None] + stride * np.arange(kw), w - 1)
    return x[:, rows][:, :, :, columns].transpose(0, 1, 3, 2, 4, 5)


def first_patches(x, kh, kw, stride):
    """Stride 1, as many patches."""
    full = im2col(x, kh, kw, 1)
    return full[:, : (x.shape[1] - kh) // stride + 1, : (x.shape[2] - kw) // stride + 1]


def one_too_few(x, kh, kw, stride):
    return im2col(x, kh, kw, stride)[:, :-1, :-1]


def flip(W):
    return W[::-1, ::-1]


def exchange(W):
    """The channels of W exchanged, where there are as many out as in."""
    return W.swapaxes(2, 3) if W.shape[2] == W.shape[3] else W


def reshaped(x, W, b, stride):
    kh, kw, c_in, c_out = W.shape
    columns = im2col(x, kh, kw, stride)
    rows = columns.reshape(-1, kh * kw * c_in)
    return (rows @ W.reshape(c_out, -1).T + b).reshape(*columns.shape[:3], c_out)


def overwritten(dcolumns, h, w, stride):
    """col2im with = in the place of +=."""
    N, h_out, w_out, kh, kw, c = dcolumns.shape
    dx = np.zeros((N, h, w, c))
    for k in range(kh):
        for l in range(kw):
            dx[:, k : k + stride * h_out : stride, l : l + stride * w_out : stride] = dcolumns[:, :, :, k, l]
    return dx


def averaged(dcolumns, h, w, stride):
    """col2im divided by the number of patches that a pixel is in."""
    return col2im(dcolumns, h, w, stride) / np.maximum(col2im(np.ones_like(dcolumns), h, w, stride), 1)


def without_stride(dcolumns, h, w, stride):
    return col2im(dcolumns, h, w, 1)


def dx_by(spread=col2im, change=lambda W: W):
    """conv_backward with another way from dy to dx."""

    def backward(dy, x, W, stride):
        dcolumns = np.einsum("nijd,klcd->nijklc", dy, change(W))
        return spread(dcolumns, *x.shape[1:3], stride), *conv_backward(dy, x, W, stride)[1:]

    return backward


def grads(dW=lambda dW, x, dy: dW, db=lambda db, x, dy: db):
    """conv_backward with a mistake in dW or db."""

    def backward(dy, x, W, stride):
        dx, *grads = conv_backward(dy, x, W, stride)
        return dx, dW(grads[0], x, dy), db(grads[1], x, dy)

    return backward


def spread_by(spread):
    def transpose(x, W, stride):
        columns = np.einsum("nijc,klcd->nijkld", x, W)
        (kh, kw), (h, w) = W.shape[:2], x.shape[1:3]
        return spread(columns, int((h - 1) * stride + kh), int((w - 1) * stride + kw), stride)

    return transpose


def larger(x, W, stride):
    """Image sides h s + k: one step too many."""
    (kh, kw), (h, w) = W.shape[:2], x.shape[1:3]
    return col2im(np.einsum("nijc,klcd->nijkld", x, W), int(h * stride + kh), int(w * stride + kw), stride)

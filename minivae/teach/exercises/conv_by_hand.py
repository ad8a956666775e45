"""The functions that lesson 4 asks for; and the same with switches, each of which is a mistake that people make."""

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


def matrix(w, n, stride, *, mirrored=False, dense=False, fewer=False, taller=False, turned=False):
    """conv_matrix, or with a mirrored kernel, moved by 1, a row too few, as many rows as with stride 1, transposed."""
    A = conv_matrix(w[::-1] if mirrored else w, n, 1 if dense else stride)
    if dense:
        A = A[: (n - len(w)) // stride + 1]
    if taller:
        A = np.concatenate([A, np.zeros((n - len(w) + 1 - len(A), n))])
    A = A[:-1] if fewer else A
    return A.T if turned else A


def patches(x, kh, kw, stride, *, dense=False, dilated=False, fewer=(0, 0), mirrored=False, turned=False):
    """im2col; or patches 1 apart, whose pixels may be a stride apart; too few, mirrored, rows and columns exchanged."""
    h_out, w_out = ((n - k) // stride + 1 - less for n, k, less in zip(x.shape[1:3], (kh, kw), fewer, strict=True))
    apart, between = (1, stride) if dilated else (1 if dense else stride, 1)
    rows = np.minimum(apart * np.arange(h_out)[:, None] + between * np.arange(kh), x.shape[1] - 1)
    columns = np.minimum(apart * np.arange(w_out)[:, None] + between * np.arange(kw), x.shape[2] - 1)
    found = x[:, rows][:, :, :, columns].transpose(0, 1, 3, 2, 4, 5)
    found = found[:, :, :, ::-1, ::-1] if mirrored else found
    return found.swapaxes(3, 4) if turned else found


def without_end(x, kh, kw, stride):
    """im2col whose slices have no end: as many patches as the first slice has rows and columns, 0 where none is."""
    N, h, w, c = x.shape
    columns = np.zeros((N, -(-h // stride), -(-w // stride), kh, kw, c))
    for k in range(kh):
        for l in range(kw):
            pixels = x[:, k::stride, l::stride]
            columns[:, : pixels.shape[1], : pixels.shape[2], k, l] = pixels
    return columns


def flip(W):
    return W[::-1, ::-1]


def exchange(W):
    """W read as (kh, kw, c_out, c_in); with as many channels out as in, that is an exchange of its last two axes."""
    kh, kw, c_in, c_out = W.shape
    return W.reshape(kh, kw, c_out, c_in).swapaxes(2, 3)


def turn(W):
    """The matrix of W, (kh kw c_in, c_out), filled column by column of the kernel."""
    return W.swapaxes(0, 1).reshape(W.shape)


def channels_first(W):
    return np.moveaxis(W, 2, 0).reshape(W.shape)


def channels_before(W):
    """W read as (c_in, kh, kw, c_out)."""
    kh, kw, c_in, c_out = W.shape
    return np.moveaxis(W.reshape(c_in, kh, kw, c_out), 0, 2)


def last_pixel(W):
    """0 but for the last pixel of each kernel."""
    V = np.zeros_like(W)
    V[-1, -1] = W[-1, -1]
    return V


def kernels_in_rows(W):
    return W.reshape(W.shape[3], -1).T.reshape(W.shape)


def forward(x, W, b, stride, *, kernel=None, bias=lambda W: 1, strided=True, channels=None, flat=False):
    """conv_forward with another kernel, b another number of times, without the stride, of a few channels of x, flat."""
    x = x if channels is None else np.concatenate([x[..., :channels], 0 * x[..., channels:]], axis=-1)
    y = conv_forward(x, kernel(W) if kernel else W, bias(W) * b, stride if strided else 1)
    return y.reshape(-1, len(b)) if flat else y


def overwritten(dcolumns, h, w, stride):
    """col2im with = in the place of +=."""
    N, h_out, w_out, kh, kw, c = dcolumns.shape
    dx = np.zeros((N, h, w, c))
    for k in range(kh):
        for l in range(kw):
            dx[:, k : k + stride * h_out : stride, l : l + stride * w_out : stride] = dcolumns[:, :, :, k, l]
    return dx


def last_wins(dcolumns, h, w, stride):
    """col2im by a loop over the patches, with = in the place of +=."""
    N, h_out, w_out, kh, kw, c = dcolumns.shape
    dx = np.zeros((N, h, w, c))
    for i in range(h_out):
        for j in range(w_out):
            dx[:, i * stride : i * stride + kh, j * stride : j * stride + kw] = dcolumns[:, i, j]
    return dx


def averaged(dcolumns, h, w, stride):
    """col2im divided by the number of patches that a pixel is in."""
    return col2im(dcolumns, h, w, stride) / np.maximum(col2im(np.ones_like(dcolumns), h, w, stride), 1)


def spread(dcolumns, h, w, stride, *, way=col2im, strided=True, mirrored=False, turned=False, short=False, first=False):
    """col2im in another way, without the stride, of mirrored or turned patches or their first row, or too short."""
    dcolumns = dcolumns[:, :, :, :1] if first else dcolumns
    dcolumns = dcolumns[:, :, :, ::-1, ::-1] if mirrored else dcolumns
    dcolumns = dcolumns.swapaxes(3, 4) if turned else dcolumns
    room = sum(dcolumns.shape[3:5])  # turned patches may be too long for the image
    dx = way(dcolumns, h + room, w + room, stride if strided else 1)[:, :h, :w]
    return dx[:, :, :-1] if short else dx


def gradients(dy, x, W, stride, *, kernel=None, way=None, upstream=True, dense=False, weights=None, bias=None):
    """conv_backward with another kernel or way from dy to dx, without dy, dW by stride 1, or with other dW and db."""
    dy = dy if upstream else np.ones_like(dy)
    dx, dW, db = conv_backward(dy, x, W, stride)
    if kernel or way:
        dcolumns = np.einsum("nijd,klcd->nijklc", dy, kernel(W) if kernel else W)
        dx = (way or col2im)(dcolumns, *x.shape[1:3], stride)
    if dense:
        (_, h_out, w_out, _), (kh, kw, _, _) = dy.shape, W.shape
        _, dW, _ = conv_backward(dy, x[:, : h_out + kh - 1, : w_out + kw - 1], W, 1)
    return dx, weights(dW, x) if weights else dW, bias(dy) if bias else db


def mirror(x, W, stride, *, kernel=None, way=col2im, strided=True, sides=lambda h, k, stride: (h - 1) * stride + k):
    """conv_transpose with another kernel, another way from patches to an image, of other sides."""
    columns = np.einsum("nijc,klcd->nijkld", x, kernel(W) if kernel else W)
    h, w = (int(sides(n, k, stride)) for n, k in zip(x.shape[1:3], W.shape[:2], strict=True))
    room = stride * max(W.shape[:2])  # parts of the last patches may not fit
    return way(columns, h + room, w + room, stride if strided else 1)[:, :h, :w]

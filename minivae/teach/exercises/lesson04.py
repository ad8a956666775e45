"""Exercises of lesson 4: a convolution as a matrix, patches as rows and back, and the transposed convolution."""

import numpy as np

from ..exercise import Exercise
from .conv_by_hand import (
    averaged,
    col2im,
    conv_backward,
    conv_forward,
    conv_matrix,
    conv_transpose,
    dilated,
    dx_by,
    exchange,
    first_patches,
    flip,
    grads,
    im2col,
    larger,
    one_too_few,
    overwritten,
    repeated,
    reshaped,
    spread_by,
    without_stride,
)


def _sizes(rng):
    """A kernel larger than the stride (patches overlap), an image whose last column is in no patch."""
    stride = int(rng.integers(2, 4))
    kh, kw = stride + 1, stride + 2
    h_out, w_out = 2, rng.integers(2, 4)
    return stride, kh, kw, int((h_out - 1) * stride + kh), int((w_out - 1) * stride + kw + 1)


def _line(rng):
    stride, k, n_out = rng.integers(2, 4), rng.integers(4, 6), rng.integers(2, 5)
    return {"w": rng.standard_normal(k), "n": int((n_out - 1) * stride + k + 1), "stride": int(stride)}


def _image(rng):
    stride, kh, kw, h, w = _sizes(rng)
    return {"x": rng.standard_normal((3, h, w, 2)), "kh": kh, "kw": kw, "stride": stride}


def _conv(rng):
    """As many channels out as in, if the stride is 2: an exchange has the right shape, and is still wrong."""
    stride, kh, kw, h, w = _sizes(rng)
    c_out = stride
    x, W, b = rng.standard_normal((3, h, w, 2)), rng.standard_normal((kh, kw, 2, c_out)), rng.standard_normal(c_out)
    return {"x": x, "W": W, "b": b, "stride": stride, "dy": rng.standard_normal(conv_forward(x, W, b, stride).shape)}


def _columns(rng):
    image = _image(rng)
    _, h, w, _ = image["x"].shape
    dcolumns = rng.standard_normal(im2col(**image).shape)
    return {"x": image["x"], "dcolumns": dcolumns, "h": h, "w": w, "stride": image["stride"]}


def _small(rng):
    stride, kh, kw, _, _ = _sizes(rng)
    return {"x": rng.standard_normal((3, 2, 3, 2)), "W": rng.standard_normal((kh, kw, 2, stride)), "stride": stride}


EXERCISES = (
    Exercise(
        "4.1",
        "conv_matrix",
        "A",
        _line,
        conv_matrix,
        hints=(
            "How many rows? The last patch starts at i s and must end within x: i s + k <= n, so i <= (n - k) / s.",
            "Start from zeros of shape (n_out, n). Row i holds the whole kernel, once, as the slice of length k that "
            "starts at column i s.",
        ),
        slips={
            "the kernel moves by 1 from row to row, not by the stride": repeated,
            "the kernel is mirrored: w[0] belongs to the first pixel of the patch": lambda w, n, stride: conv_matrix(
                w[::-1], n, stride),
            "one row is missing: between the first and the last patch there are (n - k) // s steps, so one patch more":
                lambda w, n, stride: conv_matrix(w, n, stride)[:-1],
            "as many rows as with stride 1: the kernel starts at every stride-th place only": lambda w, n, stride: (
                np.zeros((n - len(w) + 1, n))),
            "that is the transpose: y has one number per row of A, x one per column": lambda w, n, stride: conv_matrix(
                w, n, stride).T,
        },
    ),
    Exercise(
        "4.2",
        "im2col",
        "columns",
        _image,
        im2col,
        hints=(
            "h_out = (h - kh) // stride + 1, and the same with w. Make zeros of shape (N, h_out, w_out, kh, kw, c) and "
            "fill them.",
            "Fix one pixel (k, l) of the kernel. Over all patches, its pixels in x are a slice: rows k, k + s, "
            "k + 2 s, ..., h_out of them.",
            "x[:, k : k + stride * h_out : stride, ...] has those rows. With two loops, over k and l, all is filled.",
        ),
        slips={
            "the patches start at every pixel, not at every stride-th": first_patches,
            "the pixels inside a patch are a stride apart; it is the patches that are": dilated,
            "the right numbers, but each patch keeps its axes (kh, kw, c)": lambda x, kh, kw, stride: im2col(
                x, kh, kw, stride).reshape(len(x), (x.shape[1] - kh) // stride + 1, -1, kh * kw * x.shape[3]),
            "channels come last, here as everywhere": lambda x, kh, kw, stride: np.moveaxis(
                im2col(x, kh, kw, stride), -1, 3),
            "rows and columns of the patches are exchanged": lambda x, kh, kw, stride: im2col(
                x, kh, kw, stride).swapaxes(3, 4),
            "rows and columns of the image are exchanged": lambda x, kh, kw, stride: im2col(
                x, kh, kw, stride).swapaxes(1, 2),
            "the patches are mirrored: pixel (k, l) of a patch is k rows and l columns after its first": lambda x, kh,
                kw, stride: im2col(x, kh, kw, stride)[:, :, :, ::-1, ::-1],
            "the last patches are missing: between the first and the last there are (h - kh) // stride steps, so one "
            "patch more": one_too_few,
        },
    ),
    Exercise(
        "4.3",
        "conv_forward",
        "y",
        _conv,
        conv_forward,
        hints=(
            "columns = im2col(x, kh, kw, stride) has axes (N, h_out, w_out, kh, kw, c_in). As a matrix, each patch is "
            "one row of kh kw c_in numbers.",
            "W has axes (kh, kw, c_in, c_out): as a matrix, each kernel is one column, W.reshape(-1, c_out). The order "
            "within a row of the one and a column of the other is the same.",
            "After the product and + b there are N h_out w_out rows of c_out numbers: reshape to (N, h_out, w_out, "
            "c_out).",
        ),
        slips={
            "b is missing": lambda x, W, b, stride: conv_forward(x, W, 0 * b, stride),
            "the kernel is mirrored: that is the convolution of mathematics, not that of neural nets": lambda x, W, b,
                stride: conv_forward(x, flip(W), b, stride),
            "the stride is not used": lambda x, W, b, stride: conv_forward(x, W, b, 1),
            "the channels of W are exchanged: the third axis goes with the channels of x": lambda x, W, b, stride:
                conv_forward(x, exchange(W), b, stride),
            "one row for each place: give them the axes (N, h_out, w_out, c_out) again": lambda x, W, b, stride:
                conv_forward(x, W, b, stride).reshape(-1, len(b)),
            "W is reshaped to rows of c_out kernels; but its last axis is c_out, so kernels are columns": reshaped,
        },
    ),
    Exercise(
        "4.4",
        "col2im",
        "dx",
        _columns,
        col2im,
        value=lambda x, dcolumns, stride: (dcolumns * im2col(x, *dcolumns.shape[3:5], int(stride))).sum(),
        hints=(
            "im2col copies pixel (s i + k, s j + l) of x to columns[:, i, j, k, l]. What comes back for that pixel "
            "comes from there, and from every other place it was copied to.",
            "Start from zeros (N, h, w, c). The loops and the slices are those of im2col, with the two sides "
            "exchanged: the slice of dx gets what comes back from dcolumns[:, :, :, k, l].",
            "Gets, or gets added? A pixel that is in several patches was used several times.",
        ),
        slips={
            "overwritten where patches overlap: a pixel used several times gets the sum of what comes back":
                overwritten,
            "averaged where patches overlap: the sum is wanted": averaged,
            "the stride is not used": without_stride,
            "it ends with the last patch; but dx has the shape of x, zeros where no patch is": lambda dcolumns, h, w,
                stride: col2im(dcolumns, h, w, stride)[:, :, :-1],
            "rows and columns of the patches are exchanged": lambda dcolumns, h, w, stride: col2im(
                dcolumns.swapaxes(3, 4), h + 1, w, stride)[:, :h, :w],
            "the patches are mirrored": lambda dcolumns, h, w, stride: col2im(
                dcolumns[:, :, :, ::-1, ::-1], h, w, stride),
        },
    ),
    Exercise(
        "4.5",
        "conv_backward",
        "dx, dW, db",
        _conv,
        conv_backward,
        value=lambda x, W, b, stride, dy: (dy * conv_forward(x, W, b, int(stride))).sum(),
        around=lambda x, W, b, stride, dy: {
            "sizes": {"N": len(x), "h_out w_out": dy[0, :, :, 0].size}
        },
        hints=(
            "Let rows be the patches as a matrix, and drows = dy.reshape(-1, c_out). Then forward was rows @ V + b "
            "with V = W.reshape(-1, c_out): a dense layer, whose gradients are those of lesson 1.",
            "dV = rows.T @ drows, in the shape of W; db is a sum over all rows; d rows = drows @ V.T.",
            "rows was made from x by im2col, so col2im takes d rows back to dx, once it has the shape of the columns "
            "again.",
        ),
        slips={
            "the channels of W are exchanged: dy has the output channels, which are W's last axis": dx_by(
                change=exchange),
            "the kernel is mirrored: each number goes back by the way on which it came": dx_by(change=flip),
            "overwritten where patches overlap: a pixel used several times gets the sum of what comes back": dx_by(
                overwritten),
            "the stride is not used on the way back": dx_by(without_stride),
            "averaged where patches overlap: the sum is wanted": dx_by(averaged),
            "dy is not used: the upstream gradient is missing": lambda dy, x, W, stride: conv_backward(
                np.ones_like(dy), x, W, stride),
            "still a matrix: dW has the shape of W": grads(dW=lambda dW, x, dy: dW.reshape(-1, dW.shape[3])),
            "the mean over all places, but the bias is added at every one of them: the sum": grads(
                db=lambda db, x, dy: dy.mean(axis=(0, 1, 2))),
            "summed over the images only: the bias is added at every pixel too": grads(
                db=lambda db, x, dy: dy.sum(axis=0)),
            "averaged over the images: whether the loss is a mean is already in dy": grads(
                dW=lambda dW, x, dy: dW / len(x)),
            "the channels are exchanged: the third axis goes with x, the last with dy": grads(
                dW=lambda dW, x, dy: dW.swapaxes(2, 3)),
        },
    ),
    Exercise(
        "4.6",
        "conv_transpose",
        "y",
        _small,
        conv_transpose,
        hints=(
            "conv_backward does it already: its path from dy to dx. Two steps: a matrix product that makes a patch of "
            "every pixel, then col2im.",
            "The product sums over c_in, W's third axis: columns[n, i, j, k, l, d] is the sum over c of x[n, i, j, c] "
            'W[k, l, c, d]. np.einsum writes that as it stands: "nijc,klcd->nijkld".',
            "The image that col2im is to fill has the sides (h - 1) stride + kh and (w - 1) stride + kw: room for the "
            "last patch, and no more.",
        ),
        slips={
            "the channels of W are exchanged: here x has the channels of the third axis": lambda x, W, stride:
                conv_transpose(x, exchange(W), stride),
            "the kernel is mirrored: pixel (k, l) of the patch is x times W[k, l]": lambda x, W, stride:
                conv_transpose(x, flip(W), stride),
            "overwritten where patches overlap: they are added": spread_by(overwritten),
            "averaged where patches overlap: they are added": spread_by(averaged),
            "the patches are 1 apart, not a stride": lambda x, W, stride: conv_transpose(x, W, 1),
            "the image has h stride rows, so parts of the last patches do not fit": lambda x, W, stride: conv_transpose(
                x, W, stride)[:, : x.shape[1] * stride, : x.shape[2] * stride],
            "the image is a stride too large: the last patch starts at (h - 1) stride": larger,
        },
    ),
)  # fmt: skip

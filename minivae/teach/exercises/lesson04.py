"""Exercises of lesson 4: a convolution as a matrix, patches as rows and back, and the transposed convolution."""

from functools import partial

import numpy as np

from ..exercise import Exercise
from .conv_by_hand import (
    averaged,
    channels_before,
    channels_first,
    col2im,
    conv_backward,
    conv_forward,
    conv_matrix,
    conv_transpose,
    exchange,
    flip,
    forward,
    gradients,
    im2col,
    kernels_in_rows,
    last_pixel,
    last_wins,
    matrix,
    mirror,
    overwritten,
    patches,
    spread,
    turn,
    without_end,
)
from .conv_draws import backward, columns, image, layer, line, small

EXERCISES = (
    Exercise(
        "4.1",
        "conv_matrix",
        "A",
        line,
        conv_matrix,
        hints=(
            "How many rows? The last patch starts at i s and must end within x: i s + m <= n, so i <= (n - m) / s.",
            "Start from zeros of shape (n_out, n). Row i holds the whole kernel, once, as the slice of length m that "
            "starts at column i s.",
        ),
        slips={
            "the kernel moves by 1 from row to row, not by the stride": partial(matrix, dense=True),
            "the kernel is mirrored: w[0] belongs to the first pixel of the patch": partial(matrix, mirrored=True),
            "one row is missing: between the first and the last patch there are (n - m) // s steps, so one patch more":
                partial(matrix, fewer=True),
            "one row too many: its kernel would end outside x": lambda w, n, stride: conv_matrix(w, n + stride, stride)[
                : round((n - len(w)) / stride) + 1, :n],
            "as many rows as with stride 1: the kernel starts at every stride-th place only": partial(
                matrix, taller=True),
            "the stride is not used: that is the matrix for stride 1": lambda w, n, stride: conv_matrix(w, n, 1),
            "that is the transpose: y has one number per row of A, x one per column": partial(matrix, turned=True),
        },
    ),
    Exercise(
        "4.2",
        "im2col",
        "columns",
        image,
        im2col,
        hints=(
            "h_out = (h - kh) // stride + 1, and the same with w. Make zeros of shape (N, h_out, w_out, kh, kw, c) and "
            "fill them.",
            "Fix one pixel (k, l) of the kernel. Over all patches, its pixels in x are a slice: rows k, k + s, "
            "k + 2 s, ..., h_out of them.",
            "x[:, k : k + stride * h_out : stride, ...] has those rows. With two loops, over k and l, all is filled.",
        ),
        slips={
            "the patches start at every pixel, not at every stride-th": partial(patches, dense=True),
            "as many patches as with stride 1: the stride is not used": lambda x, kh, kw, stride: im2col(x, kh, kw, 1),
            "the pixels inside a patch are a stride apart; it is the patches that are": partial(patches, dilated=True),
            "the slice needs an end: h_out rows and w_out columns, not all that are left": without_end,
            "the right numbers, but each patch keeps its axes (kh, kw, c)": lambda x, kh, kw, stride: im2col(
                x, kh, kw, stride).reshape(len(x), (x.shape[1] - kh) // stride + 1, -1, kh * kw * x.shape[3]),
            "channels come last, here as everywhere": lambda x, kh, kw, stride: np.moveaxis(
                im2col(x, kh, kw, stride), -1, 3),
            "rows and columns of the patches are exchanged": partial(patches, turned=True),
            "rows and columns of the image are exchanged": lambda x, kh, kw, stride: im2col(
                x, kh, kw, stride).swapaxes(1, 2),
            "the patches are mirrored: pixel (k, l) of a patch is k rows and l columns after its first": partial(
                patches, mirrored=True),
            "the last patches are missing: between the first and the last there are (h - kh) // stride steps, so one "
            "patch more": partial(patches, fewer=(1, 1)),
            "the last row of patches is missing: a patch that ends with the image counts too": partial(
                patches, fewer=(1, 0)),
            "the last column of patches is missing: a patch that ends with the image counts too": partial(
                patches, fewer=(0, 1)),
            "the axes of the places come first, (h_out, w_out), then those of the patch": lambda x, kh, kw, stride:
                im2col(x, kh, kw, stride).transpose(0, 3, 4, 1, 2, 5),
            "kh and kw are exchanged: a patch has kh rows and kw columns": lambda x, kh, kw, stride: im2col(
                x, kw, kh, stride),
        },
    ),
    Exercise(
        "4.3",
        "conv_forward",
        "y",
        layer,
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
            "b is missing": partial(forward, bias=lambda W: 0),
            "b is added twice": partial(forward, bias=lambda W: 2),
            "b is added for every pixel of the kernel: once for each number of y": partial(
                forward, bias=lambda W: W[:, :, 0, 0].size),
            "only the last pixel of the kernel counts: the sum over all of them is wanted": partial(
                forward, kernel=last_pixel),
            "the kernel is mirrored: that is the convolution of mathematics, not that of neural nets": partial(
                forward, kernel=flip),
            "the stride is not used": partial(forward, strided=False),
            "the channels of W are exchanged: the third axis goes with the channels of x": partial(
                forward, kernel=exchange),
            "one row for each place: give them the axes (N, h_out, w_out, c_out) again": partial(forward, flat=True),
            "W is reshaped to rows of c_out kernels; but its last axis is c_out, so kernels are columns": partial(
                forward, kernel=kernels_in_rows),
            "rows and columns of the kernel are exchanged": partial(forward, kernel=turn),
            "the channels of W are put first; within a row of the patches they are last": partial(
                forward, kernel=channels_first),
            "the channels of the patches are put first; within a column of the kernels they are last": partial(
                forward, kernel=channels_before),
            "W.T has all four axes the other way round, (c_out, c_in, kw, kh), so reshape mixes them up": partial(
                forward, kernel=lambda W: W.T.reshape(W.shape)),
            "only the first channel of x is used; a kernel covers all channels": partial(forward, channels=1),
            "channels come last, here as everywhere": lambda x, W, b, stride: np.moveaxis(
                conv_forward(x, W, b, stride), -1, 1),
        },
    ),
    Exercise(
        "4.4",
        "col2im",
        "dx",
        columns,
        col2im,
        value=lambda x, dcolumns, stride: (dcolumns * im2col(x, *dcolumns.shape[3:5], int(stride))).sum(),
        points=2,
        hints=(
            "im2col copies pixel (s i + k, s j + l) of x to columns[:, i, j, k, l]. What comes back for that pixel "
            "comes from there, and from every other place it was copied to.",
            "Start from zeros (N, h, w, c). The loops and the slices are those of im2col, with the two sides "
            "exchanged: the slice of dx gets what comes back from dcolumns[:, :, :, k, l].",
            "Gets, or gets added? A pixel that is in several patches was used several times.",
        ),
        slips={
            "overwritten where patches overlap: a pixel used several times gets the sum of what comes back":
                partial(spread, way=overwritten),
            "only the last patch counts where patches overlap: a pixel used several times gets the sum of what comes "
            "back": partial(spread, way=last_wins),
            "averaged where patches overlap: the sum is wanted": partial(spread, way=averaged),
            "only the first row of the kernel's pixels came back: does the function return before its loops end?":
                partial(spread, first=True),
            "the stride is not used": partial(spread, strided=False),
            "it ends with the last patch; but dx has the shape of x, zeros where no patch is": partial(
                spread, short=True),
            "rows and columns of the patches are exchanged": partial(spread, turned=True),
            "the patches are mirrored": partial(spread, mirrored=True),
        },
    ),
    Exercise(
        "4.5",
        "conv_backward",
        "dx, dW, db",
        backward,
        conv_backward,
        value=lambda x, W, b, stride, dy: (dy * conv_forward(x, W, b, int(stride))).sum(),
        around=lambda x, W, b, stride, dy: {
            "sizes": {"N": len(x), "h_out w_out": dy[0, :, :, 0].size}
        },
        points=2,
        hints=(
            "Let rows be the patches as a matrix, V = W.reshape(-1, c_out), and drows = dy.reshape(-1, c_out). Forward "
            "was rows @ V + b: a dense layer, whose examples are the rows. Its gradients are those of lesson 1.",
            "Shapes help: dV is (kh kw c_in, c_out), rows (R, kh kw c_in) and drows (R, c_out). dV is a sum over all R "
            "rows, and so is db.",
            "rows was made from x by im2col, so col2im takes d rows back to dx, once it has the shape of the columns "
            "again.",
        ),
        slips={
            "the channels of W are exchanged: dy has the output channels, which are W's last axis": partial(
                gradients, kernel=exchange),
            "the kernel is mirrored: each number goes back by the way on which it came": partial(
                gradients, kernel=flip),
            "overwritten where patches overlap: a pixel used several times gets the sum of what comes back": partial(
                gradients, way=overwritten),
            "only the last patch counts where patches overlap: a pixel used several times gets the sum of what comes "
            "back": partial(gradients, way=last_wins),
            "the stride is not used on the way back": partial(gradients, way=partial(spread, strided=False)),
            "averaged where patches overlap: the sum is wanted": partial(gradients, way=averaged),
            "it ends with the last patch; but dx has the shape of x, zeros where no patch is": partial(
                gradients, way=partial(spread, short=True)),
            "W is reshaped where V must be transposed: reshape leaves the numbers in their order": partial(
                gradients, kernel=kernels_in_rows),
            "dy meets pixels that are 1 apart: forward they were a stride apart": partial(gradients, dense=True),
            "these are the gradients of the patches; col2im takes them back to the image": partial(
                gradients, way=lambda dcolumns, h, w, stride: dcolumns),
            "dy is not used: the upstream gradient is missing": partial(gradients, upstream=False),
            "still a matrix: dW has the shape of W": partial(
                gradients, weights=lambda dW, x: dW.reshape(-1, dW.shape[3])),
            "the mean over all places, but the bias is added at every one of them: the sum": partial(
                gradients, bias=lambda dy: dy.mean(axis=(0, 1, 2))),
            "summed over the images only: the bias is added at every pixel too": partial(
                gradients, bias=lambda dy: dy.sum(axis=0)),
            "summed over the places of each image only: all images share the bias": partial(
                gradients, bias=lambda dy: dy.sum(axis=(1, 2))),
            "the first image only: all images share the bias, so what comes back from all is summed": partial(
                gradients, bias=lambda dy: dy[0].sum(axis=(0, 1))),
            "averaged over the images: whether the loss is a mean is already in dy": partial(
                gradients, weights=lambda dW, x: dW / len(x)),
            "the channels are exchanged: the third axis goes with x, the last with dy": partial(
                gradients, weights=lambda dW, x: dW.swapaxes(2, 3)),
            "the kernel of dW is mirrored: dW[k, l] belongs to pixel (k, l) of the patches": partial(
                gradients, weights=lambda dW, x: flip(dW)),
        },
    ),
    Exercise(
        "4.6",
        "conv_transpose",
        "y",
        small,
        conv_transpose,
        hints=(
            "conv_backward does it already: its path from dy to dx. Two steps: a matrix product that makes a patch of "
            "every pixel, then col2im.",
            "The product sums over c_in, the last axis of x and the third of W, and leaves columns (N, h, w, kh, kw, "
            "c_out). np.einsum writes that as it stands: a letter for each axis, the same letter where it sums.",
            "The image that col2im is to fill has the sides (h - 1) stride + kh and (w - 1) stride + kw: room for the "
            "last patch, and no more.",
        ),
        slips={
            "the channels of W are exchanged: here x has the channels of the third axis": partial(
                mirror, kernel=exchange),
            "the kernel is mirrored: pixel (k, l) of the patch is x times W[k, l]": partial(mirror, kernel=flip),
            "overwritten where patches overlap: they are added": partial(mirror, way=overwritten),
            "only the last patch counts where patches overlap: they are added": partial(mirror, way=last_wins),
            "averaged where patches overlap: they are added": partial(mirror, way=averaged),
            "W is reshaped as if c_in were its first axis; it is the third, so move it first": partial(
                mirror, kernel=channels_before),
            "the stride is not used: the patches are 1 apart, and the image has room for no more": lambda x, W, stride:
                conv_transpose(x, W, 1),
            "the image is as large as it should be, but the patches in it are 1 apart, not a stride": partial(
                mirror, strided=False),
            "the image has h stride rows, so parts of the last patches do not fit": partial(
                mirror, sides=lambda h, k, stride: h * stride),
            "the image is too large: the last patch starts at (h - 1) stride and has kh rows, and there it ends":
                partial(mirror, sides=lambda h, k, stride: h * stride + k - 1),
            "the image is a stride too large: the last patch starts at (h - 1) stride": partial(
                mirror, sides=lambda h, k, stride: h * stride + k),
        },
    ),
)  # fmt: skip

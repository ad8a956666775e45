"""Answers of lesson 4 that people give: wrong ones with the words that name them, and right ones that look unusual."""

import numpy as np

from minivae.teach import exercise

im2col, col2im, conv_backward = (exercise(number).reference for number in ("4.2", "4.4", "4.5"))


# ---- 4.1


def one_row_short(w, n, stride):
    A = np.zeros(((n - len(w)) // stride, n))
    for i in range(len(A)):
        A[i, stride * i : stride * i + len(w)] = w
    return A


def moved_by_one(w, n, stride):
    A = np.zeros(((n - len(w)) // stride + 1, n))
    for i in range(len(A)):
        A[i, i : i + len(w)] = w
    return A


def no_stride_at_all(w, n, stride):
    A = np.zeros((n - len(w) + 1, n))
    for i in range(len(A)):
        A[i, i : i + len(w)] = w
    return A


def rows_of_stride_one(w, n, stride):
    A = np.zeros((n - len(w) + 1, n))
    for i in range((n - len(w)) // stride + 1):
        A[i, stride * i : stride * i + len(w)] = w
    return A


def mirrored_matrix(w, n, stride):
    A = np.zeros(((n - len(w)) // stride + 1, n))
    for i in range(len(A)):
        for k in range(len(w)):
            A[i, stride * i + k] = w[-1 - k]
    return A


def columns_for_rows(w, n, stride):
    A = np.zeros((n, (n - len(w)) // stride + 1))
    for i in range(A.shape[1]):
        A[stride * i : stride * i + len(w), i] = w
    return A


def mirrored_and_short(w, n, stride):
    return mirrored_matrix(w, n, stride)[:-1]


def kernel_of_four(w, n, stride):
    A = np.zeros(((n - 4) // stride + 1, n))
    for i in range(len(A)):
        A[i, stride * i : stride * i + 4] = w
    return A


def rows_as_a_list(w, n, stride):
    return [[0.0] * i + list(w) + [0.0] * (n - i - len(w)) for i in range(0, n - len(w) + 1, stride)]


def by_images_of_units(w, n, stride):
    units = np.eye(n)
    return np.array([[w @ unit[i : i + len(w)] for unit in units] for i in range(0, n - len(w) + 1, stride)])


def by_indices(w, n, stride):
    n_out = (n - len(w)) // stride + 1
    rows = np.arange(n_out)[:, None]
    A = np.zeros((n_out, n), dtype="float32")
    A[rows, stride * rows + np.arange(len(w))] = w
    return A


# ---- 4.2


def patches_by_a_loop(x, kh, kw, stride):
    N, h, w, c = x.shape
    h_out, w_out = (h - kh) // stride + 1, (w - kw) // stride + 1
    columns = np.empty((N, h_out, w_out, kh, kw, c))
    for i in range(h_out):
        for j in range(w_out):
            columns[:, i, j] = x[:, stride * i : stride * i + kh, stride * j : stride * j + kw]
    return columns


def patches_by_windows(x, kh, kw, stride):
    windows = np.lib.stride_tricks.sliding_window_view(x, (kh, kw), axis=(1, 2))[:, ::stride, ::stride]
    return windows.transpose(0, 1, 2, 4, 5, 3)


def patches_cut_to_size(x, kh, kw, stride):
    h_out, w_out = (x.shape[1] - kh) // stride + 1, (x.shape[2] - kw) // stride + 1
    rows = [[x[:, k::stride, l::stride][:, :h_out, :w_out] for l in range(kw)] for k in range(kh)]
    return np.moveaxis(np.array(rows), (0, 1), (3, 4))


def slice_without_end(x, kh, kw, stride):
    N, h, w, c = x.shape
    columns = np.zeros((N, (h - kh) // stride + 1, (w - kw) // stride + 1, kh, kw, c))
    for k in range(kh):
        for l in range(kw):
            columns[:, :, :, k, l] = x[:, k::stride, l::stride]
    return columns


def room_for_all_that_is_left(x, kh, kw, stride):
    N, _, _, c = x.shape
    columns = np.zeros((*x[:, ::stride, ::stride].shape[:3], kh, kw, c))
    for k in range(kh):
        for l in range(kw):
            part = x[:, k::stride, l::stride]
            columns[:, : part.shape[1], : part.shape[2], k, l] = part
    return columns


def windows_without_stride(x, kh, kw, stride):
    windows = np.lib.stride_tricks.sliding_window_view(x, (kh, kw), axis=(1, 2))
    return windows.transpose(0, 1, 2, 4, 5, 3)


def windows_with_channels_first(x, kh, kw, stride):
    return np.lib.stride_tricks.sliding_window_view(x, (kh, kw), axis=(1, 2))[:, ::stride, ::stride]


def start_at_every_pixel(x, kh, kw, stride):
    columns = np.zeros((len(x), (x.shape[1] - kh) // stride + 1, (x.shape[2] - kw) // stride + 1, kh, kw, x.shape[3]))
    for i in range(columns.shape[1]):
        for j in range(columns.shape[2]):
            columns[:, i, j] = x[:, i : i + kh, j : j + kw]
    return columns


def flat_patches(x, kh, kw, stride):
    columns = patches_by_a_loop(x, kh, kw, stride)
    return columns.reshape(*columns.shape[:3], -1)


def one_row_per_patch(x, kh, kw, stride):
    return patches_by_a_loop(x, kh, kw, stride).reshape(-1, kh * kw * x.shape[3])


def mirrored_patches(x, kh, kw, stride):
    return patches_by_a_loop(x[:, ::-1, ::-1], kh, kw, stride)[:, ::-1, ::-1]


def flipped_pixels(x, kh, kw, stride):
    columns = np.zeros_like(patches_by_a_loop(x, kh, kw, stride))
    for k in range(kh):
        for l in range(kw):
            columns[:, :, :, kh - 1 - k, kw - 1 - l] = patches_by_a_loop(x, kh, kw, stride)[:, :, :, k, l]
    return columns


def flipped_and_short(x, kh, kw, stride):
    return flipped_pixels(x, kh, kw, stride)[:, :-1, :-1]


def without_a_return(x, kh, kw, stride):
    patches_by_a_loop(x, kh, kw, stride)


# ---- 4.3


def layer(x, W, b, stride, kernel=None, bias=True):
    return np.einsum("nijklc,klcd->nijd", im2col(x, *W.shape[:2], stride), W if kernel is None else kernel) + bias * b


def forward_by_loops(x, W, b, stride):
    kh, kw, _, c_out = W.shape
    h_out, w_out = (x.shape[1] - kh) // stride + 1, (x.shape[2] - kw) // stride + 1
    y = np.zeros((len(x), h_out, w_out, c_out))
    for i in range(h_out):
        for j in range(w_out):
            patch = x[:, stride * i : stride * i + kh, stride * j : stride * j + kw]
            y[:, i, j] = np.tensordot(patch, W, 3) + b
    return y


def forward_in_float32(x, W, b, stride):
    return layer(x.astype("float32"), W.astype("float32"), b.astype("float32"), stride)


def rows_of_kernels(x, W, b, stride):
    kh, kw, c_in, c_out = W.shape
    columns = im2col(x, kh, kw, stride)
    y = columns.reshape(-1, kh * kw * c_in) @ W.reshape(c_out, -1).T + b
    return y.reshape(*columns.shape[:3], c_out)


def transposed_by_reshape(x, W, b, stride):
    columns = im2col(x, *W.shape[:2], stride)
    y = columns.reshape(-1, W[..., 0].size) @ W.reshape(-1, W.shape[3]) + b
    return y.reshape(W.shape[3], *columns.shape[:3]).transpose(1, 2, 3, 0)


def places_mixed_up(x, W, b, stride):
    y = layer(x, W, b, stride)
    return y.reshape(len(x), y.shape[2], y.shape[1], -1)


# ---- 4.4


def back_by_loops(dcolumns, h, w, stride):
    N, h_out, w_out, kh, kw, c = dcolumns.shape
    dx = np.zeros((N, h, w, c))
    for i in range(h_out):
        for j in range(w_out):
            dx[:, stride * i : stride * i + kh, stride * j : stride * j + kw] += dcolumns[:, i, j]
    return dx


def back_by_add_at(dcolumns, h, w, stride):
    N, h_out, w_out, kh, kw, c = dcolumns.shape
    rows = stride * np.arange(h_out)[:, None, None, None] + np.arange(kh)[:, None]
    columns = stride * np.arange(w_out)[:, None, None] + np.arange(kw)
    dx = np.zeros((N, h, w, c))
    np.add.at(dx, (slice(None), rows, columns), dcolumns)
    return dx


def not_added(dcolumns, h, w, stride):
    N, h_out, w_out, kh, kw, c = dcolumns.shape
    dx = np.zeros((N, h, w, c))
    for k in range(kh):
        for l in range(kw):
            dx[:, k : k + stride * h_out : stride, l : l + stride * w_out : stride] = dcolumns[:, :, :, k, l]
    return dx


def into_empty(dcolumns, h, w, stride):
    N, h_out, w_out, kh, kw, c = dcolumns.shape
    dx = np.empty((N, h, w, c))
    for i in range(h_out):
        for j in range(w_out):
            dx[:, stride * i : stride * i + kh, stride * j : stride * j + kw] += dcolumns[:, i, j]
    return dx


def no_stride(dcolumns, h, w, stride):
    N, h_out, w_out, kh, kw, c = dcolumns.shape
    dx = np.zeros((N, h, w, c))
    for k in range(kh):
        for l in range(kw):
            dx[:, k : k + h_out, l : l + w_out] += dcolumns[:, :, :, k, l]
    return dx


def added_without_end(dcolumns, h, w, stride):
    N, h_out, w_out, kh, kw, c = dcolumns.shape
    dx = np.zeros((N, h, w, c))
    for k in range(kh):
        for l in range(kw):
            dx[:, k::stride, l::stride] += dcolumns[:, :, :, k, l]
    return dx


def as_large_as_the_patches(dcolumns, h, w, stride):
    N, h_out, w_out, kh, kw, c = dcolumns.shape
    return back_by_loops(dcolumns, (h_out - 1) * stride + kh, (w_out - 1) * stride + kw, stride)


def upside_down(dcolumns, h, w, stride):
    return not_added(dcolumns[:, :, :, ::-1, ::-1], h, w, stride)


def mean_of_the_copies(dcolumns, h, w, stride):
    return back_by_loops(dcolumns, h, w, stride) / np.maximum(back_by_loops(0 * dcolumns + 1, h, w, stride), 1)


def without_channels(dcolumns, h, w, stride):
    return back_by_loops(dcolumns, h, w, stride).sum(axis=-1)


# ---- 4.5


def all_by_einsum(dy, x, W, stride):
    columns = im2col(x, *W.shape[:2], stride)
    dcolumns = np.einsum("nijd,klcd->nijklc", dy, W)
    dW = np.einsum("nijklc,nijd->klcd", columns, dy)
    return [back_by_loops(dcolumns, *x.shape[1:3], stride), dW, dy.sum((0, 1, 2))]


def image_by_image(dy, x, W, stride):
    parts = [conv_backward(dy[n : n + 1], x[n : n + 1], W, stride) for n in range(len(x))]
    dx, dW, db = zip(*parts, strict=True)
    return np.concatenate(dx), sum(dW), sum(db)


def with_another_way(way):
    def backward(dy, x, W, stride):
        _, dW, db = conv_backward(dy, x, W, stride)
        return way(np.einsum("nijd,klcd->nijklc", dy, W), *x.shape[1:3], stride), dW, db

    return backward


def with_grads(change):
    return lambda dy, x, W, stride: change(*conv_backward(dy, x, W, stride), x, dy)


def kernel_turned(dy, x, W, stride):
    return conv_backward(dy, x, W[::-1, ::-1], stride)


def channels_turned(dy, x, W, stride):
    dx, _, _ = conv_backward(dy, x, W.swapaxes(2, 3), stride)
    return dx, *conv_backward(dy, x, W, stride)[1:]


def no_upstream(dy, x, W, stride):
    return conv_backward(np.ones(dy.shape), x, W, stride)


def product_of_the_wrong_transpose(dy, x, W, stride):
    columns = im2col(x, *W.shape[:2], stride)
    rows, drows = columns.reshape(-1, W[..., 0].size), dy.reshape(-1, W.shape[3])
    dx, _, db = conv_backward(dy, x, W, stride)
    return dx, (drows.T @ rows).reshape(W.shape), db


# ---- 4.6


def painted(x, W, stride):
    N, h, w, _ = x.shape
    kh, kw, _, c_out = W.shape
    y = np.zeros((N, (h - 1) * stride + kh, (w - 1) * stride + kw, c_out))
    for i in range(h):
        for j in range(w):
            y[:, stride * i : stride * i + kh, stride * j : stride * j + kw] += np.tensordot(x[:, i, j], W, (1, 2))
    return y


def by_the_gradient_of_a_convolution(x, W, stride):
    sides = (n_stride + k for n_stride, k in zip(stride * (np.array(x.shape[1:3]) - 1), W.shape[:2], strict=True))
    dx, _, _ = conv_backward(x, np.zeros((len(x), *sides, W.shape[3])), W.swapaxes(2, 3), stride)
    return dx


def painted_over(x, W, stride):
    N, h, w, _ = x.shape
    kh, kw, _, c_out = W.shape
    y = np.zeros((N, (h - 1) * stride + kh, (w - 1) * stride + kw, c_out))
    for k in range(kh):
        for l in range(kw):
            y[:, k : k + stride * h : stride, l : l + stride * w : stride] = x @ W[k, l]
    return y


def painted_side_by_side(x, W, stride):
    return col2im(np.einsum("nijc,klcd->nijkld", x, W), x.shape[1] - 1 + len(W), x.shape[2] - 1 + W.shape[1], 1)


def painted_close_on_a_large_canvas(x, W, stride):
    N, h, w, _ = x.shape
    kh, kw, _, c_out = W.shape
    y = np.zeros((N, (h - 1) * stride + kh, (w - 1) * stride + kw, c_out))
    for i in range(h):
        for j in range(w):
            y[:, i : i + kh, j : j + kw] += np.tensordot(x[:, i, j], W, (1, 2))
    return y


def a_canvas_too_large(x, W, stride):
    N, h, w, _ = x.shape
    kh, kw, _, c_out = W.shape
    y = np.zeros((N, h * stride + kh, w * stride + kw, c_out))
    for i in range(h):
        for j in range(w):
            y[:, stride * i : stride * i + kh, stride * j : stride * j + kw] += np.tensordot(x[:, i, j], W, (1, 2))
    return y


WRONG = {
    "4.1": [
        (one_row_short, "one row is missing"),
        (moved_by_one, "the kernel moves by 1 from row to row"),
        (no_stride_at_all, "the stride is not used"),
        (rows_of_stride_one, "as many rows as with stride 1"),
        (mirrored_matrix, "the kernel is mirrored"),
        (columns_for_rows, "transpose"),
        (mirrored_and_short, "a second mistake is left"),
        (kernel_of_four, "does it take a size for granted?"),
        (rows_as_a_list, "got a list"),
        (lambda w, n, stride: None, "is a return missing?"),
        (lambda w, n, stride: w @ np.eye(n), "it stopped with ValueError"),
    ],
    "4.2": [
        (slice_without_end, "could not broadcast"),
        (room_for_all_that_is_left, "the slice needs an end"),
        (windows_without_stride, "the stride is not used"),
        (windows_with_channels_first, "channels come last"),
        (start_at_every_pixel, "the patches start at every pixel"),
        (flat_patches, "keeps its axes"),
        (one_row_per_patch, "the right numbers, in another shape"),
        (mirrored_patches, ""),
        (flipped_pixels, "the patches are mirrored"),
        (flipped_and_short, "a second mistake is left"),
        (lambda x, kh, kw, stride: patches_by_a_loop(x, kh, kw, stride)[:, :-1, :-1], "the last patches are missing"),
        (lambda x, kh, kw, stride: patches_by_a_loop(x, kh, kw, stride).swapaxes(3, 4), "of the patches are exchanged"),
        (lambda x, kh, kw, stride: patches_by_a_loop(x, kw, kh, stride), ""),
        (lambda x, kh, kw, stride: patches_by_a_loop(x, kh, kw, 2), "does it take a size for granted?"),
        (without_a_return, "is a return missing?"),
    ],
    "4.3": [
        (lambda x, W, b, stride: layer(x, W, b, stride, bias=False), "b is missing"),
        (lambda x, W, b, stride: layer(x, W, b, stride, kernel=W[::-1, ::-1]), "the kernel is mirrored"),
        (lambda x, W, b, stride: layer(x, W, b, 1), "the stride is not used"),
        (lambda x, W, b, stride: layer(x, W.swapaxes(2, 3), b, stride), "the channels of W are exchanged"),
        (lambda x, W, b, stride: layer(x, W[::-1, ::-1], 0 * b, stride), "a second mistake is left"),
        (lambda x, W, b, stride: layer(x[..., :1], W[:, :, :1], b, stride), "only the first channel"),
        (rows_of_kernels, "W is reshaped to rows"),
        (transposed_by_reshape, "the right numbers in another order"),
        (places_mixed_up, "the right numbers, in another shape"),
        (lambda x, W, b, stride: layer(x, W, b, stride).reshape(-1, len(b)), "one row for each place"),
        (lambda x, W, b, stride: im2col(x, *W.shape[:2], stride) @ W + b, "it stopped with ValueError"),
        (lambda x, W, b, stride: layer(x, W, 2 * b, stride), ""),
    ],
    "4.4": [
        (not_added, "overwritten where patches overlap"),
        (into_empty, "np.empty"),
        (no_stride, "the stride is not used"),
        (added_without_end, "it stopped with ValueError"),
        (as_large_as_the_patches, "zeros where no patch is"),
        (upside_down, "a second mistake is left"),
        (mean_of_the_copies, "averaged where patches overlap"),
        (without_channels, ""),
        (lambda dcolumns, h, w, stride: back_by_loops(dcolumns, 7, 9, stride), "does it take a size for granted?"),
        (lambda dcolumns, h, w, stride: back_by_loops(dcolumns[:, :, :, ::-1, ::-1], h, w, stride), "mirrored"),
        (lambda dcolumns, h, w, stride: back_by_loops(dcolumns, h, w, stride) / len(dcolumns), "the factor 1/N"),
    ],
    "4.5": [
        (with_another_way(not_added), "overwritten where patches overlap"),
        (with_another_way(no_stride), "the stride is not used on the way back"),
        (with_another_way(mean_of_the_copies), "averaged where patches overlap"),
        (with_another_way(lambda dcolumns, h, w, stride: dcolumns), "the gradients of the patches"),
        (channels_turned, "the channels of W are exchanged"),
        (kernel_turned, "the kernel is mirrored"),
        (no_upstream, "dy is not used"),
        (product_of_the_wrong_transpose, "transpose"),
        (with_grads(lambda dx, dW, db, x, dy: (dx, dW.reshape(-1, dW.shape[3]), db)), "still a matrix"),
        (with_grads(lambda dx, dW, db, x, dy: (dx, dW, dy.mean((0, 1, 2)))), "the mean over all places"),
        (with_grads(lambda dx, dW, db, x, dy: (dx, dW, dy.sum(0))), "summed over the images only"),
        (with_grads(lambda dx, dW, db, x, dy: (dx, dW, dy.sum((1, 2)))), "all images share the bias"),
        (with_grads(lambda dx, dW, db, x, dy: (dx, dW / len(x), db / len(x))), "averaged over the images"),
        (with_grads(lambda dx, dW, db, x, dy: (dx, dW.swapaxes(2, 3), db)), "the channels are exchanged"),
        (with_grads(lambda dx, dW, db, x, dy: (dx, dW)), "got 2 values"),
        (with_grads(lambda dx, dW, db, x, dy: (dW, dx, db)), "that is dW"),
        (with_grads(lambda dx, dW, db, x, dy: (-dx, -dW, -db)), "the sign is wrong"),
        (with_grads(lambda dx, dW, db, x, dy: None), "is a return missing?"),
        (
            lambda dy, x, W, stride: conv_backward(dy, x, W[::-1, ::-1], stride)[:2] + (dy.mean((0, 1, 2)),),
            "db: the mean over all places",
        ),
    ],
    "4.6": [
        (painted_over, "overwritten where patches overlap"),
        (painted_side_by_side, "the stride is not used"),
        (painted_close_on_a_large_canvas, "the patches in it are 1 apart"),
        (a_canvas_too_large, "a stride too large"),
        (lambda x, W, stride: painted(x, W, stride)[:, : stride * x.shape[1], : stride * x.shape[2]], "h stride rows"),
        (lambda x, W, stride: painted(x, W.swapaxes(2, 3), stride), "the channels of W are exchanged"),
        (lambda x, W, stride: painted(x, W[::-1, ::-1], stride), "the kernel is mirrored"),
        (lambda x, W, stride: painted_over(x, W[::-1, ::-1], stride), "a second mistake is left"),
        (lambda x, W, stride: painted(x, W, 2), "does it take a size for granted?"),
        (lambda x, W, stride: x @ W, "it stopped with ValueError"),
        (lambda x, W, stride: painted(x, W, stride).sum(axis=0), ""),
    ],
}

RIGHT = {
    "4.1": [by_images_of_units, by_indices],
    "4.2": [patches_by_a_loop, patches_by_windows, patches_cut_to_size],
    "4.3": [forward_by_loops, forward_in_float32, layer],
    "4.4": [back_by_loops, back_by_add_at],
    "4.5": [all_by_einsum, image_by_image],
    "4.6": [painted, by_the_gradient_of_a_convolution],
}

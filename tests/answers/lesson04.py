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


def kernel_of_five(w, n, stride):
    A = np.zeros(((n - 5) // stride + 1, n))
    for i in range(len(A)):
        A[i, stride * i : stride * i + 5] = w
    return A


def to_the_end_of_range(w, n, stride):
    starts = range(0, n - len(w), stride)
    A = np.zeros((len(starts), n))
    for row, start in zip(A, starts, strict=True):
        row[start : start + len(w)] = w
    return A


def rows_rounded_up(w, n, stride):
    A = np.zeros((int(np.ceil((n - len(w)) / stride)), n))
    for i in range(len(A)):
        A[i, stride * i : stride * i + len(w)] = w
    return A


def while_there_is_room(w, n, stride):
    rows, start = [], 0
    while start + len(w) < n:
        row = np.zeros(n)
        row[start : start + len(w)] = w
        rows.append(row)
        start += stride
    return np.array(rows)


def rows_rounded(w, n, stride):
    A = np.zeros((round((n - len(w)) / stride) + 1, n))
    for i in range(len(A)):
        A[i, stride * i : stride * i + len(w)] = w
    return A


def rows_rounded_and_cut(w, n, stride):
    A = np.zeros((round((n - len(w)) / stride) + 1, n + stride))
    for i in range(len(A)):
        A[i, stride * i : stride * i + len(w)] = w
    return A[:, :n]


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


def patches_of_places(x, kh, kw, rows, columns):
    """The patches that start at these rows and columns; pixels outside the image are 0."""
    x = np.pad(x, ((0, 0), (0, kh), (0, kw), (0, 0)))
    return np.stack([np.stack([x[:, i : i + kh, j : j + kw] for j in columns], 1) for i in rows], 1)


def places_rounded(x, kh, kw, stride):
    rows, columns = ((round((n - k) / stride) + 1) for n, k in zip(x.shape[1:3], (kh, kw), strict=True))
    return patches_of_places(x, kh, kw, stride * np.arange(rows), stride * np.arange(columns))


def places_in_range(x, kh, kw, stride):
    _, h, w, _ = x.shape
    return patches_of_places(x, kh, kw, range(0, h - kh, stride), range(0, w - kw, stride))


def places_of_steps(x, kh, kw, stride):
    _, h, w, _ = x.shape
    rows, columns = (h - kh + 1) // stride, (w - kw + 1) // stride
    return patches_of_places(x, kh, kw, stride * np.arange(rows), stride * np.arange(columns))


def columns_in_range(x, kh, kw, stride):
    _, h, w, _ = x.shape
    return patches_of_places(x, kh, kw, range(0, h - kh + 1, stride), range(0, w - kw - 1, stride))


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


def pytorch_names(x, W, b, stride):
    kh, kw, co, ci = W.shape
    columns = im2col(x, kh, kw, stride)
    return (columns.reshape(-1, kh * kw * ci) @ W.reshape(-1, co) + b).reshape(*columns.shape[:3], co)


def W_read_with_exchanged_channels(x, W, b, stride):
    kh, kw, ci, co = W.shape
    return np.einsum("nijklc,kldc->nijd", im2col(x, kh, kw, stride), W.reshape(kh, kw, co, ci)) + b


def W_turned_by_T(x, W, b, stride):
    columns = im2col(x, *W.shape[:2], stride)
    y = columns.reshape(-1, W[..., 0].size) @ W.T.reshape(-1, len(b)) + b
    return y.reshape(*columns.shape[:3], len(b))


def columns_with_channels_first(x, W, b, stride):
    columns = im2col(x, *W.shape[:2], stride)
    rows = np.moveaxis(columns, -1, 3).reshape(-1, W[..., 0].size)
    return (rows @ W.reshape(-1, len(b)) + b).reshape(*columns.shape[:3], len(b))


def bias_in_the_loop(x, W, b, stride):
    columns = im2col(x, *W.shape[:2], stride)
    y = 0
    for k in range(W.shape[0]):
        for l in range(W.shape[1]):
            y = y + columns[:, :, :, k, l] @ W[k, l] + b
    return y


def assigned_in_the_loop(x, W, b, stride):
    columns = im2col(x, *W.shape[:2], stride)
    for k in range(W.shape[0]):
        for l in range(W.shape[1]):
            y = columns[:, :, :, k, l] @ W[k, l]
    return y + b


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


def last_patch_wins(dcolumns, h, w, stride):
    N, h_out, w_out, kh, kw, c = dcolumns.shape
    dx = np.zeros((N, h, w, c))
    for i in range(h_out):
        for j in range(w_out):
            dx[:, i * stride : i * stride + kh, j * stride : j * stride + kw] = dcolumns[:, i, j]
    return dx


def by_fancy_index(dcolumns, h, w, stride):
    N, h_out, w_out, kh, kw, c = dcolumns.shape
    rows = stride * np.arange(h_out)[:, None, None, None] + np.arange(kh)[:, None]
    columns = stride * np.arange(w_out)[:, None, None] + np.arange(kw)
    dx = np.zeros((N, h, w, c))
    dx[:, rows, columns] += dcolumns
    return dx


def return_in_the_loop(dcolumns, h, w, stride):
    N, h_out, w_out, kh, kw, c = dcolumns.shape
    dx = np.zeros((N, h, w, c))
    for k in range(kh):
        for l in range(kw):
            dx[:, k : k + stride * h_out : stride, l : l + stride * w_out : stride] += dcolumns[:, :, :, k, l]
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


def dy_as_a_dense_kernel(dy, x, W, stride):
    dx, dW, db = conv_backward(dy, x, W, stride)
    _, h_out, w_out, _ = dy.shape
    for k in range(W.shape[0]):
        for l in range(W.shape[1]):
            dW[k, l] = np.einsum("nijc,nijd->cd", x[:, k : k + h_out, l : l + w_out], dy)
    return dx, dW, db


def V_reshaped(dy, x, W, stride):
    _, dW, db = conv_backward(dy, x, W, stride)
    drows, columns = dy.reshape(-1, W.shape[3]), im2col(x, *W.shape[:2], stride)
    dcolumns = (drows @ W.reshape(W.shape[3], -1)).reshape(columns.shape)
    return col2im(dcolumns, *x.shape[1:3], stride), dW, db


def backward_with_pytorch_names(dy, x, W, stride):
    kh, kw, co, ci = W.shape
    columns = im2col(x, kh, kw, stride)
    drows = dy.reshape(-1, co)
    dW = (columns.reshape(-1, kh * kw * ci).T @ drows).reshape(W.shape)
    dcolumns = (drows @ W.reshape(-1, co).T).reshape(columns.shape)
    return col2im(dcolumns, *x.shape[1:3], stride), dW, drows.sum(axis=0)


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


def painted_with_W_reshaped(x, W, stride):
    kh, kw, ci, co = W.shape
    patches = (x.reshape(-1, ci) @ W.reshape(ci, -1)).reshape(*x.shape[:3], kh, kw, co)
    return col2im(patches, (x.shape[1] - 1) * stride + kh, (x.shape[2] - 1) * stride + kw, stride)


def painted_with_pytorch_names(x, W, stride):
    kh, kw, co, ci = W.shape
    patches = np.einsum("nijc,klcd->nijkld", x, W).reshape(*x.shape[:3], kh, kw, co)
    return col2im(patches, (x.shape[1] - 1) * stride + kh, (x.shape[2] - 1) * stride + kw, stride)


def last_patch_painted(x, W, stride):
    sides = ((n - 1) * stride + k for n, k in zip(x.shape[1:3], W.shape[:2], strict=True))
    return last_patch_wins(np.einsum("nijc,klcd->nijkld", x, W), *sides, stride)


def painted_on(side):
    def paint(x, W, stride):
        sides = (side(n, k, stride) for n, k in zip(x.shape[1:3], W.shape[:2], strict=True))
        return col2im(np.einsum("nijc,klcd->nijkld", x, W), *sides, stride)

    return paint


WRONG = {
    "4.1": [
        (one_row_short, "one row is missing"),
        (to_the_end_of_range, "one row is missing"),
        (rows_rounded_up, "one row is missing"),
        (while_there_is_room, "one row is missing"),
        (rows_rounded, "it stopped with ValueError"),
        (rows_rounded_and_cut, "one row too many"),
        (moved_by_one, "the kernel moves by 1 from row to row"),
        (no_stride_at_all, "the stride is not used"),
        (rows_of_stride_one, "as many rows as with stride 1"),
        (mirrored_matrix, "the kernel is mirrored"),
        (columns_for_rows, "transpose"),
        (mirrored_and_short, "a second mistake is left"),
        (kernel_of_five, "does it take a size for granted?"),
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
        (lambda x, kh, kw, stride: patches_by_a_loop(x, kw, kh, stride), "kh and kw are exchanged"),
        (places_rounded, "expected shape (7, 4, 9, 6, 2, 5)"),
        (places_in_range, "the last row of patches is missing"),
        (places_of_steps, "the last row of patches is missing"),
        (columns_in_range, "the last column of patches is missing"),
        (
            lambda x, kh, kw, stride: patches_by_a_loop(x, kh, kw, stride).transpose(0, 3, 4, 1, 2, 5),
            "the axes of the places come first",
        ),
        (lambda x, kh, kw, stride: patches_by_a_loop(x, kh, kw, 2), "does it take a size for granted?"),
        (without_a_return, "is a return missing?"),
    ],
    "4.3": [
        (lambda x, W, b, stride: layer(x, W, b, stride, bias=False), "b is missing"),
        (lambda x, W, b, stride: layer(x, W, b, stride, kernel=W[::-1, ::-1]), "the kernel is mirrored"),
        (lambda x, W, b, stride: layer(x, W, b, 1), "the stride is not used"),
        (lambda x, W, b, stride: layer(x, W.swapaxes(2, 3), b, stride), "it stopped with ValueError"),
        (W_read_with_exchanged_channels, "the channels of W are exchanged"),
        (pytorch_names, "it stopped with ValueError"),
        (W_turned_by_T, "W.T has all four axes the other way round"),
        (columns_with_channels_first, "the channels of the patches are put first"),
        (bias_in_the_loop, "b is added for every pixel of the kernel"),
        (assigned_in_the_loop, "only the last pixel of the kernel counts"),
        (lambda x, W, b, stride: np.moveaxis(layer(x, W, b, stride), 3, 1), "channels come last"),
        (lambda x, W, b, stride: layer(x, W[::-1, ::-1], 0 * b, stride), "a second mistake is left"),
        (lambda x, W, b, stride: layer(x[..., :1], W[:, :, :1], b, stride), "only the first channel"),
        (rows_of_kernels, "W is reshaped to rows"),
        (transposed_by_reshape, "the right numbers in another order"),
        (places_mixed_up, "the right numbers, in another shape"),
        (lambda x, W, b, stride: layer(x, W, b, stride).reshape(-1, len(b)), "one row for each place"),
        (lambda x, W, b, stride: im2col(x, *W.shape[:2], stride) @ W + b, "it stopped with ValueError"),
        (lambda x, W, b, stride: layer(x, W, 2 * b, stride), "b is added twice"),
    ],
    "4.4": [
        (not_added, "overwritten where patches overlap"),
        (last_patch_wins, "only the last patch counts"),
        (by_fancy_index, "only the last patch counts"),
        (return_in_the_loop, "does the function return before its loops end?"),
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
        (channels_turned, "it stopped with ValueError"),
        (backward_with_pytorch_names, "it stopped with ValueError"),
        (with_another_way(last_patch_wins), "dx: only the last patch counts"),
        (with_another_way(as_large_as_the_patches), "dx: it ends with the last patch"),
        (V_reshaped, "dx: W is reshaped where V must be transposed"),
        (dy_as_a_dense_kernel, "dW: dy meets pixels that are 1 apart"),
        (with_grads(lambda dx, dW, db, x, dy: (dx, dW, dy[0].sum((0, 1)))), "db: the first image only"),
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
        (lambda x, W, stride: painted(x, W.swapaxes(2, 3), stride), "it stopped with ValueError"),
        (painted_with_pytorch_names, "it stopped with ValueError"),
        (painted_with_W_reshaped, "W is reshaped as if c_in were its first axis"),
        (last_patch_painted, "only the last patch counts"),
        (painted_on(lambda n, k, stride: n * stride + k - 1), "the image is too large"),
        (painted_on(lambda n, k, stride: (n - 1) * stride + k + 1), "the image is too large"),
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

"""The patches of images as rows of a matrix, and rows added back to images. Images are NHWC.

Sizes, kernels, strides and paddings are pairs (rows, columns). A CPU works in parts, so small that they stay in the
cache of its processor.
"""

import math

from .. import kernels
from ..backend import array_module, on_host
from ..options import shown, whole

PART = 200_000  # numbers in a part: in float32 less than a megabyte
SHORT = 32  # numbers in a run of a patch


def pair(value, name, least):
    """A pair, of one number or of two; ValueError unless they are whole numbers of at least `least`."""
    values = tuple(value) if isinstance(value, tuple | list) else (value, value)
    if len(values) != 2:
        raise ValueError(f"{name}: expected a whole number >= {least} or a pair of them, got {shown(value)}")
    return tuple(whole(least)(name, v) for v in values)


def out_size(size, kernel, stride, padding):
    """(h_out, w_out): how often the kernel fits into the image, (h + 2 p - kh) // s + 1; ValueError if not once."""
    times = tuple((n + 2 * p - k) // s + 1 for n, k, s, p in zip(size, kernel, stride, padding, strict=True))
    if min(times) < 1:
        raise ValueError(f"x: a {size[0]}x{size[1]} image with padding {padding} is smaller than the kernel {kernel}")
    return times


def image_to_columns(x, kernel, stride, padding):
    """Every patch of every image.   x (N, h, w, c) -> columns (N, h_out, w_out, kh, kw, c).

    columns[n, i, j, k, l] = x[n, s i + k - p, s j + l - p], 0 outside of the image.
    """
    kh, kw = kernel
    sh, sw = stride
    ph, pw = padding
    xp = array_module(x)
    N, h, w, c = x.shape
    h_out, w_out = out_size((h, w), kernel, stride, padding)
    if kw * c >= SHORT and _has_kernels(x):
        return kernels.image_to_columns(x, kernel, stride, padding, (h_out, w_out))
    if ph or pw:
        padded = xp.zeros((N, h + 2 * ph, w + 2 * pw, c), x.dtype)
        padded[:, ph : ph + h, pw : pw + w] = x
        x = padded
    step_n, step_h, step_w, step_c = x.strides
    strides = (step_n, sh * step_h, sw * step_w, step_h, step_w, step_c)
    windows = xp.lib.stride_tricks.as_strided(x, (N, h_out, w_out, kh, kw, c), strides)  # a view: patches overlap
    # a row of a patch is a run of kw * c numbers; where runs are short, memory gets the order (kh, kw, c, N, h_out,
    # w_out), in which whole images are copied: the same array, but faster
    if kw * c < SHORT:
        columns = xp.empty((kh, kw, c, N, h_out, w_out), x.dtype).transpose(3, 4, 5, 0, 1, 2)
    else:
        columns = xp.empty(windows.shape, x.dtype)
    columns[...] = windows
    return columns


def columns_to_image(columns, size, stride, padding):
    """The transpose: x[n, s i + k - p, s j + l - p] += columns[n, i, j, k, l].

    columns (N, h_out, w_out, kh, kw, c) -> x (N, *size, c). Patches overlap, so a pixel is the sum of all its copies.
    """
    h, w = size
    sh, sw = stride
    ph, pw = padding
    N, h_out, w_out, kh, kw, c = columns.shape
    if _has_kernels(columns) and columns.flags.c_contiguous:
        return kernels.columns_to_image(columns, size, stride, padding)
    x = array_module(columns).zeros((N, h + 2 * ph, w + 2 * pw, c), columns.dtype)
    for i in range(kh):
        for j in range(kw):  # pixel (i, j) of every patch: these lie apart
            x[:, i : i + sh * h_out : sh, j : j + sw * w_out : sw] += columns[:, :, :, i, j]
    return x[:, ph : ph + h, pw : pw + w]


def parts(x, size):
    """Slices of the examples of x, which make `size` numbers each: on a CPU PART numbers a slice, on a GPU all."""
    n = max(1, PART // size) if on_host(x) else max(1, len(x))
    return [slice(i, i + n) for i in range(0, len(x), n)]


def patches(x, kernel, stride, padding):
    """Part by part, (slice, columns): the patches of n examples as rows, (n * h_out * w_out, kh * kw * c)."""
    width = math.prod(kernel) * x.shape[3]
    if kernel == stride == (1, 1) and padding == (0, 0) and x.size:  # pixels are their own patches
        yield slice(None), x.reshape(-1, width)
        return
    for part in parts(x, math.prod(out_size(x.shape[1:3], kernel, stride, padding)) * width):
        yield part, image_to_columns(x[part], kernel, stride, padding).reshape(-1, width)


def _has_kernels(x):
    """Those of patches are for a CPU: how fast they are on a GPU was not measured."""
    return on_host(x) and kernels.pays((x,))


def spread(y, W, size, stride, padding):
    """The transpose of a convolution: x[n, s i + k - p, s j + l - p, c] += sum_m y[n, i, j, m] W[k, l, c, m].

    y (N, h_out, w_out, m), W (kh, kw, c, m) -> x (N, *size, c). With k = s a + r, 0 <= r < s, this is
    x[s i + r - p] = sum_a y[i - a] W[s a + r]: for each phase r a convolution of stride 1, and all phases share y. So
    for each a (and b, in the columns) one matrix product gives all s^2 phases, as channels; no patches overlap in it.
    Arranging the phases as pixels is left to the end.
    """
    h, w = size
    sh, sw = stride
    ph, pw = padding
    kh, kw, c, m = W.shape
    xp = array_module(y)
    N, h_out, w_out, _ = y.shape
    if kh == kw == sh == sw == 1 and (ph, pw) == (0, 0):  # pixels are their own patches
        return (y.reshape(-1, m) @ W.reshape(c, m).T).reshape(N, h, w, c)
    if _has_kernels(y):
        return _spread_columns(y, W, size, stride, padding)
    A = -(-kh // sh)  # rounded up
    B = -(-kw // sw)
    if (kh, kw) != (A * sh, B * sw):  # a kernel with zeros up to a whole number of strides
        padded = xp.zeros((A * sh, B * sw, c, m), W.dtype)
        padded[:kh, :kw] = W
        W = padded
    taps = W.reshape(A, sh, B, sw, c, m).transpose(0, 2, 5, 1, 3, 4).reshape(A, B, m, sh * sw * c)
    rows = h_out + A - 1
    columns = w_out + B - 1
    covered = ph + h <= rows * sh and pw + w <= columns * sw  # else the last pixels are in no patch, and stay 0
    make = xp.empty if covered else xp.zeros
    x = make((N, max(rows * sh, ph + h), max(columns * sw, pw + w), c), y.dtype)
    for part in parts(y, rows * columns * sh * sw * c):
        flat = y[part].reshape(-1, m)
        phases = xp.zeros((len(y[part]), rows, columns, sh * sw * c), y.dtype)
        for a in range(A):
            for b in range(B):
                tap = (flat @ taps[a, b]).reshape(-1, h_out, w_out, sh * sw * c)
                phases[:, a : a + h_out, b : b + w_out] += tap
        image = x[part, : rows * sh, : columns * sw].reshape(-1, rows, sh, columns, sw * c)  # always a view
        image[...] = phases.reshape(-1, rows, columns, sh, sw * c).swapaxes(2, 3)
    return x[:, ph : ph + h, pw : pw + w]


def _spread_columns(y, W, size, stride, padding):
    """`spread` as it stands in the first formula: one product makes the patches, and a kernel adds them up."""
    N, h_out, w_out, m = y.shape
    kh, kw, c, _ = W.shape
    W = array_module(y).ascontiguousarray(W.transpose(3, 0, 1, 2)).reshape(m, -1)  # (m, kh * kw * c)
    x = array_module(y).empty((N, *size, c), y.dtype)
    for part in parts(y, h_out * w_out * W.shape[1]):
        columns = (y[part].reshape(-1, m) @ W).reshape(-1, h_out, w_out, kh, kw, c)
        x[part] = columns_to_image(columns, size, stride, padding)
    return x

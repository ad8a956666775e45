"""Images as rows of patches and back. Images are NHWC; a CPU works in parts that stay in its cache."""

import math

import numpy as np

from ..backend import array_module

PART = 200_000  # numbers that a part has: in float32 less than a megabyte


def pair(value, name, least):
    """(value, value) of one number, or the pair itself; ValueError unless whole numbers of at least `least`."""
    values = tuple(value) if isinstance(value, tuple | list) else (value, value)
    if len(values) != 2 or not all(isinstance(v, int) and v >= least for v in values):
        raise ValueError(f"{name}: expected a whole number >= {least} or a pair of them, got {value!r}")
    return values


def out_size(size, kernel, stride, padding):
    """(h_out, w_out) of a convolution, (h + 2 p - kh) // s + 1; ValueError where no kernel fits."""
    fits = tuple((n + 2 * p - k) // s + 1 for n, k, s, p in zip(size, kernel, stride, padding, strict=True))
    if min(fits) < 1:
        raise ValueError(f"x: a {size[0]}x{size[1]} image with padding {padding} is smaller than the kernel {kernel}")
    return fits


def image_to_columns(x, kernel, stride, padding):
    """Patches as rows.   x (N, h, w, c) -> columns (N, h_out, w_out, kh, kw, c).

    Patches of few channels, whose pixels lie together in short runs only, are stored pixel by pixel: the same array in
    another order of memory.
    """
    (kh, kw), (sh, sw), (ph, pw) = kernel, stride, padding
    xp = array_module(x)
    N, h, w, c = x.shape
    h_out, w_out = out_size((h, w), kernel, stride, padding)
    if ph or pw:
        padded = xp.zeros((N, h + 2 * ph, w + 2 * pw, c), x.dtype)
        padded[:, ph : ph + h, pw : pw + w] = x
        x = padded
    of_n, of_h, of_w, of_c = x.strides
    strides = (of_n, sh * of_h, sw * of_w, of_h, of_w, of_c)
    windows = xp.lib.stride_tricks.as_strided(x, (N, h_out, w_out, kh, kw, c), strides)  # a view: patches overlap
    if kw * c < 32:
        columns = xp.empty((kh, kw, c, N, h_out, w_out), x.dtype).transpose(3, 4, 5, 0, 1, 2)
    else:
        columns = xp.empty(windows.shape, x.dtype)
    columns[...] = windows
    return columns


def columns_to_image(columns, size, stride, padding):
    """The transpose: every row added to its patch.   columns (N, h_out, w_out, kh, kw, c) -> x (N, h, w, c)."""
    (h, w), (sh, sw), (ph, pw) = size, stride, padding
    N, h_out, w_out, kh, kw, c = columns.shape
    x = array_module(columns).zeros((N, h + 2 * ph, w + 2 * pw, c), columns.dtype)
    for i in range(kh):
        for j in range(kw):
            x[:, i : i + sh * h_out : sh, j : j + sw * w_out : sw] += columns[:, :, :, i, j]
    return x[:, ph : ph + h, pw : pw + w]


def parts(x, size):
    """Slices of the examples of x that together have PART numbers, `size` each; on a GPU all of them at once."""
    n = max(1, PART // size) if array_module(x) is np else max(1, len(x))
    return [slice(i, i + n) for i in range(0, len(x), n)]


def patches(x, kernel, stride, padding):
    """(slice, columns of those examples as a matrix (n * h_out * w_out, kh * kw * c)), part by part."""
    K = math.prod(kernel) * x.shape[3]
    for part in parts(x, math.prod(out_size(x.shape[1:3], kernel, stride, padding)) * K):
        yield part, image_to_columns(x[part], kernel, stride, padding).reshape(-1, K)


def spread(y, W, size, stride, padding):
    """x[n, s i + k - p, s j + l - p, c] += sum_m y[n, i, j, m] W[k, l, c, m]: a convolution's gradient, its transpose.

    y (N, h_out, w_out, m), W (kh, kw, c, m) -> x (N, *size, c). With k = s a + r, the pixels x[s i + r - p] are
    sum_a y[i - a] W[s a + r]: for each r a convolution of stride 1, and all r share y. So a tap (a, b) of the kernel is
    one matrix product to s^2 c channels, of which the image is made at the end; no patches overlap within a tap.
    """
    (h, w), (sh, sw), (ph, pw), (kh, kw, c, m) = size, stride, padding, W.shape
    xp = array_module(y)
    N, h_out, w_out, _ = y.shape
    A, B = -(-kh // sh), -(-kw // sw)
    if (kh, kw) != (A * sh, B * sw):  # zeros up to a whole number of steps
        W, given = xp.zeros((A * sh, B * sw, c, m), W.dtype), W
        W[:kh, :kw] = given
    taps = W.reshape(A, sh, B, sw, c, m).transpose(0, 2, 5, 1, 3, 4).reshape(A, B, m, sh * sw * c)
    rows, columns = h_out + A - 1, w_out + B - 1
    covered = ph + h <= rows * sh and pw + w <= columns * sw  # else the last pixels are in no patch
    new = xp.empty if covered else xp.zeros
    x = new((N, max(rows * sh, ph + h), max(columns * sw, pw + w), c), y.dtype)
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

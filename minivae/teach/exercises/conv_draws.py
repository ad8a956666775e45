"""Arrays that the functions of lesson 4 are tried on. The kernel fits exactly, or leaves 1 or 2 pixels over."""

from .draws import one_of


def _image(rng, N, h_out, w_out, kh, kw, c, stride, rest=(0, 1)):
    """Images that kh x kw patches fill, but for the last rest[0] rows and rest[1] columns."""
    h, w = (h_out - 1) * stride + kh + rest[0], (w_out - 1) * stride + kw + rest[1]
    return rng.standard_normal((N, h, w, c))


def _sizes(rng):
    """The stride, and six numbers that are larger: no two are equal, and patches overlap."""
    stride = int(rng.integers(2, 4))
    N, h_out, kh, kw, w_out, c, _ = map(int, stride + 1 + rng.permutation(7))
    return stride, N, h_out, w_out, kh, kw, c


def _few_pixels(rng):
    """The same and c_out, but few: gradients are checked pixel by pixel. No kernel is as long as N, h_out or w_out."""
    stride, N, c, c_out = ((2, 8, 2, 6), (3, 6, 3, 3))[rng.integers(2)]
    return stride, N, *map(int, (*2 + rng.permutation(2), *4 + rng.permutation(2))), c, c_out


def line(rng):
    """The kernel ends with x; is shorter than the stride, and leaves 2 over; moves by 1."""
    stride, m, n_out, rest = one_of(rng, (2, 5, 6, 0), (3, 2, 4, 2), (1, 4, 7, 0))
    return {"w": rng.standard_normal(m), "n": (n_out - 1) * stride + m + rest, "stride": stride}


def image(rng):
    """The last rows or columns that no patch covers: 0 and 1; 2 and 1, of a kernel narrower than the stride; none."""
    stride, *sizes, rest = one_of(
        rng, (2, 8, 3, 5, 4, 7, 9, (0, 1)), (3, 7, 4, 9, 6, 2, 5, (2, 1)), (1, 6, 5, 7, 3, 4, 2, (0, 0)))  # fmt: skip
    return {"x": _image(rng, *sizes, stride, rest), "kh": sizes[3], "kw": sizes[4], "stride": stride}


def layer(rng):
    """As many channels out as in, but not at first: there, an exchange shows by its shape."""
    stride, N, h_out, w_out, kh, kw, c = _sizes(rng)
    c_out = c + 3 - stride
    W, b = rng.standard_normal((kh, kw, c, c_out)), rng.standard_normal(c_out)
    return {"x": _image(rng, N, h_out, w_out, kh, kw, c, stride), "W": W, "b": b, "stride": stride}


def backward(rng):
    """As many channels out as in, but not at first."""
    stride, N, h_out, w_out, kh, kw, c, c_out = _few_pixels(rng)
    x, W = _image(rng, N, h_out, w_out, kh, kw, c, stride), rng.standard_normal((kh, kw, c, c_out))
    b, dy = rng.standard_normal(c_out), rng.standard_normal((N, h_out, w_out, c_out))
    return {"x": x, "W": W, "b": b, "stride": stride, "dy": dy}


def columns(rng):
    stride, N, h_out, w_out, kh, kw, c, _ = _few_pixels(rng)
    x, dcolumns = _image(rng, N, h_out, w_out, kh, kw, c, stride), rng.standard_normal((N, h_out, w_out, kh, kw, c))
    return {"x": x, "dcolumns": dcolumns, "h": x.shape[1], "w": x.shape[2], "stride": stride}


def small(rng):
    """As many channels out as in, but not at first."""
    stride, N, h, w, kh, kw, c = _sizes(rng)
    W = rng.standard_normal((kh, kw, c, c + 3 - stride))
    return {"x": rng.standard_normal((N, h, w, c)), "W": W, "stride": stride}

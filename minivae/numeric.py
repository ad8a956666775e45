"""What rooms above share: formulas that are right at both ends of their range, and how much is done at once."""

from itertools import accumulate

import numpy as np

from .backend import array_module, place, special
from .kernels import fused

VALUES = 2**21  # numbers of x or x_hat: about so many are computed at once
LEAST = 2.0**-25  # stands for uniform noise of 0, which in float32 is anything below 2^-24


@fused
def sigmoid(x):
    """1 / (1 + exp(-x)).   x of any shape -> the same shape.

    Far below 0 it is exp(x): 2e-9 at -20, where half of 1 + tanh(x / 2) would be 0 in float32. Still further down
    exp(-x) is infinite, and 1 / infinity is 0.
    """
    with np.errstate(over="ignore"):
        y = array_module(x).exp(-x)
    y += 1
    return 1 / y


def log_one_plus(e):
    """log(1 + e).   e from 0 to 1, of any shape -> the same shape.

    It is log(u), u = 1 + e rounded, less what the rounding added to e. The function log1p gives the same, but takes
    four times as long on a CPU without AVX-512.
    """
    u = 1 + e
    y = array_module(e).log(u)
    u -= 1
    u -= e  # all of -e where e is below 6e-8, in float32
    y -= u
    return y


def all_known(x, missing):
    """Whether all of x is finite, or with `missing` NaN, which then stands for what is not known."""
    return not np.isinf(x).any() if missing else np.isfinite(x).all()


def softplus(t):
    """log(1 + exp(t)), without an exp that overflows."""
    xp = array_module(t)
    return xp.maximum(t, 0) + log_one_plus(xp.exp(-xp.abs(t)))


def digamma_less_log(y):
    """digamma(y) - log(y), y > 0: where y is large the difference would be rounding, so there it is the series."""
    xp = array_module(y)
    w = 1 / (y * y)
    far = -0.5 / y - w * (1 / 12 - w / 120)
    return xp.where(y > 100, far, special(y).digamma(y) - xp.log(y))


def log_rising(y, k):
    """log Gamma(y + k) / Gamma(y) = log y (y + 1) ... (y + k - 1).   y > 0, k >= 0 in float64, which broadcast.

    y is moved up by eight, to where Stirling's series has 13 digits. The part of Gamma that grows is taken as a whole,
    so that nothing large is subtracted where y is large.
    """
    xp = array_module(y)
    Y = y + 8
    q, p = y * (y + 7), (y + k) * (y + k + 7)  # y (y + 1) ... (y + 7) is q (q + 6) (q + 10) (q + 12)
    moved = (p / q) * ((p + 6) / (q + 6)) * ((p + 10) / (q + 10)) * ((p + 12) / (q + 12))
    return k * xp.log(Y) + (Y + k - 0.5) * xp.log1p(k / Y) - k + (_stirling(Y + k) - _stirling(Y)) - xp.log(moved)


def _stirling(y):
    """log Gamma(y) less ((y - 1/2) log y - y + 1/2 log 2 pi), y >= 8."""
    w = 1 / (y * y)
    return (1 / 12 - w * (1 / 360 - w * (1 / 1260 - w * (1 / 1680 - w / 1188)))) / y


def digamma_rise(y, k):
    """digamma(y + k) - digamma(y) = 1 / y + 1 / (y + 1) + ... + 1 / (y + k - 1), the slope of `log_rising` in y."""
    Y = y + 8
    moved = _eight_inverses(y) - _eight_inverses(y + k)
    return array_module(y).log1p(k / Y) + (_stirling_slope(Y + k) - _stirling_slope(Y)) + moved


def _stirling_slope(y):
    """digamma(y) - log(y), y >= 8."""
    w = 1 / (y * y)
    return -0.5 / y - w * (1 / 12 - w * (1 / 120 - w * (1 / 252 - w * (1 / 240 - w / 132))))


def _eight_inverses(y):
    """1 / y + 1 / (y + 1) + ... + 1 / (y + 7), in pairs."""
    q = y * (y + 7)
    return (2 * y + 7) * (1 / q + 1 / (q + 6) + 1 / (q + 10) + 1 / (q + 12))


def cut(a, widths):
    """[the columns of each width, one after another]: views of a (..., sum of widths)."""
    stops = accumulate(widths)
    return [a[..., stop - width : stop] for width, stop in zip(widths, stops, strict=True)]


def side_by_side(arrays):
    """Arrays (..., D_i) -> (..., sum of D_i), the mirror of `cut`."""
    first = arrays[0]
    if len(arrays) <= 8:
        return array_module(first).concatenate(arrays, axis=-1)
    # a GPU would be sent the addresses of more
    widths = [a.shape[-1] for a in arrays]
    y = array_module(first).empty((*first.shape[:-1], sum(widths)), first.dtype)
    for columns, a in zip(cut(y, widths), arrays, strict=True):
        columns[...] = a
    return y


def softmax(logits):
    """exp(l) / sum_c exp(l_c) over the last axis but one.   logits (..., n, D) -> (..., n, D).

    The largest logit is subtracted first, which changes nothing, so that no exp overflows.
    """
    p = logits - logits.max(axis=-2, keepdims=True)
    p = array_module(p).exp(p, out=p)
    p /= p.sum(axis=-2, keepdims=True)
    return p


def one_hot(y, count, like):
    """Rows (..., count) of whole numbers y (...), on the device and in the dtype of `like`; of -1 a row of zeros."""
    xp = array_module(like)
    return (place(y, like)[..., None] == xp.arange(count)).astype(like.dtype)


def gumbel(u):
    """-log(-log u), of uniform noise u from 0 to 1: logits plus this are largest at c as often as softmax_c says.

    (Gumbel 1954)
    """
    xp = array_module(u)
    return -xp.log(-xp.log(xp.maximum(u, LEAST)))


def wide(a):
    """The same numbers in float64; complex ones stay complex."""
    return a + array_module(a).zeros(1, "float64")


def keep(a, observed):
    """`a` where it was observed, 0 elsewhere; None: all of it."""
    return a if observed is None else array_module(a).where(observed, a, 0)


def stratified_log_weights(B, N):
    """log W (B, B), so that q(z_i) of N rows is about sum_j W_ij q(z_i | n_j) over a batch of B, z_i ~ q(z | n_i).

    Minibatch stratified sampling (Chen et al. 2018, appendix C.2): with M = B - 1, the row that z_i came from weighs
    1 / N, its neighbor (N - M) / (N M), the others 1 / M. The mean over batches is q(z_i); that of its log is not.
    """
    M = B - 1
    W = np.full((B, B), 1 / M)
    W.flat[:: B + 1] = 1 / N  # the diagonal
    W.flat[1 :: B + 1] = (N - M) / (N * M)  # right of it
    W[M, 0] = (N - M) / (N * M)
    return np.log(W)


def sum_rows(dy):
    """Sum over all axes but the last, (..., n) -> (n,).

    A matrix product with ones: many times faster than `sum` where rows are short.
    """
    rows = dy.reshape(-1, dy.shape[-1])
    return array_module(dy).ones(len(rows), dy.dtype) @ rows


def dot(a, b):
    """sum_l a_l b_l, a and b (..., l) -> (...): matrix products of one row and one column each."""
    return (a[..., None, :] @ b[..., None])[..., 0, 0]


def at_once(n, D, most=VALUES):
    """How many of n rows of D values are computed at once, so that it needs little memory: `most` values, or a row."""
    return max(1, min(n, most // max(1, D)))

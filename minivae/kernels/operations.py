"""The operations that have a kernel: names, arguments and values are those of `densities` and `optim`."""

import math

import numpy as np

from ..backend import array_module, unbroadcast
from .rows import as_rows, each, empty, start

LOG_2PI = math.log(2 * math.pi)


def _of_rows(g, like, shape):
    """g with a number for each row of `shape`."""
    if g.shape == shape[:-1] and g.dtype == like.dtype and g.flags.c_contiguous:
        return g
    xp = array_module(like)
    return xp.ascontiguousarray(xp.broadcast_to(g, shape[:-1]), like.dtype)


def bernoulli_log_prob(logits, *, x):
    shape = np.broadcast_shapes(logits.shape, x.shape)
    log_p = empty(shape[:-1], logits)
    start("bernoulli_log_prob", shape, logits, *as_rows(logits, x, like=logits, shape=shape), log_p)
    return log_p


def bernoulli_log_prob_backward(g, logits, *, x):
    shape = np.broadcast_shapes(logits.shape, x.shape)
    dlogits = empty(shape, logits)
    rows = as_rows(logits, x, like=logits, shape=shape)
    start("bernoulli_log_prob_backward", shape, logits, _of_rows(g, logits, shape), *rows, dlogits)
    return unbroadcast(dlogits, logits.shape)


def _gaussian_rows(x, mu, log_var, observed):
    """(shape, like, rows): the shape to which they broadcast, an array of their dtype, and they as rows."""
    arrays = [x, mu, log_var] if observed is None else [x, mu, log_var, observed]
    shape, like = np.broadcast_shapes(*(a.shape for a in arrays)), x if x.dtype.kind == "f" else mu
    return shape, like, as_rows(x, mu, log_var, observed, like=like, shape=shape)


def gaussian_log_prob(x, mu, log_var, *, observed=None):
    shape, like, rows = _gaussian_rows(x, mu, log_var, observed)
    log_p = empty(shape[:-1], like)
    start("gaussian_log_prob", shape, like, *rows, LOG_2PI, log_p)
    return log_p


def gaussian_log_prob_backward(g, x, mu, log_var, *, observed=None):
    shape, like, rows = _gaussian_rows(x, mu, log_var, observed)
    results = [empty(shape, like) for _ in range(3)]
    start("gaussian_log_prob_backward", shape, like, _of_rows(g, like, shape), *rows, *results)
    return tuple(unbroadcast(d, a.shape) for d, a in zip(results, (x, mu, log_var), strict=True))


def kl_standard_normal(mu, log_var):
    return each("kl_standard_normal", mu, log_var)


def kl_standard_normal_backward(g, mu, log_var):
    dmu, dlog_var = each("kl_standard_normal_backward", g, mu, log_var, n_out=2)
    return unbroadcast(dmu, mu.shape), unbroadcast(dlog_var, log_var.shape)


def reparameterize(mu, log_var, *, eps):
    return each("reparameterize", mu, log_var, eps)


def reparameterize_backward(dz, mu, log_var, *, eps):
    dlog_var = each("reparameterize_backward", dz, log_var, eps)
    return unbroadcast(dz, mu.shape), unbroadcast(dlog_var, log_var.shape)


def adam(theta, g, sum_g, sum_g2, b1, b2, tiny, lr, unit, scale=None, decay=None):
    b1, b2, tiny, unit = map(float, (b1, b2, tiny, unit))  # an integer would go as one
    rates = (0.0, 0.0, unit, lr) if np.ndim(lr) else (float(lr), float(lr * unit), unit, 0)  # 0: a null pointer
    factors = (0 if a is None else a for a in (scale, decay))
    start("adam", (1, theta.size), theta, theta, g, sum_g, sum_g2, b1, b2, tiny, *rates, *factors, of_numbers=True)


def follow(average, theta, share):
    start("follow", (1, theta.size), theta, average, theta, float(share), of_numbers=True)


def sigmoid(x):
    return each("logistic", x)


def image_to_columns(x, kernel, stride, padding, size):
    (N, *image, c), (h_out, w_out) = x.shape, size
    x = x if x.flags.c_contiguous else array_module(x).ascontiguousarray(x)
    columns = empty((N, h_out, w_out, *kernel, c), x)
    sizes = (*image, c, h_out, w_out, *kernel, *stride, *padding)
    start("image_to_columns", (N * h_out * w_out, math.prod(kernel) * c), x, x, columns, *sizes)
    return columns


def columns_to_image(columns, size, stride, padding):
    (N, h_out, w_out, *kernel, c), (h, w) = columns.shape, size
    image = empty((N, h, w, c), columns)
    sizes = (h, w, c, h_out, w_out, *kernel, *stride, *padding)
    start("columns_to_image", (N * h, w * c), columns, columns, image, *sizes)
    return image


OPERATIONS = {
    f.__name__: f
    for f in (
        adam,
        bernoulli_log_prob,
        bernoulli_log_prob_backward,
        follow,
        gaussian_log_prob,
        gaussian_log_prob_backward,
        kl_standard_normal,
        kl_standard_normal_backward,
        reparameterize,
        reparameterize_backward,
        sigmoid,
    )
}

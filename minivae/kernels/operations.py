"""The operations that have a kernel: names, arguments and values are those of `densities` and `optim`."""

import math

import numpy as np

from ..backend import array_module, unbroadcast
from .rows import as_rows, each, empty, start


def bernoulli_log_prob(logits, *, x):
    shape = np.broadcast_shapes(logits.shape, x.shape)
    log_p = empty(shape[:-1], logits)
    start("bernoulli_log_prob", shape, logits, *as_rows(logits, x, like=logits, shape=shape), log_p)
    return log_p


def bernoulli_log_prob_backward(g, logits, *, x):
    shape = np.broadcast_shapes(logits.shape, x.shape)
    dlogits = empty(shape, logits)
    if g.shape != shape[:-1] or g.dtype != logits.dtype or not g.flags.c_contiguous:
        xp = array_module(logits)
        g = xp.ascontiguousarray(xp.broadcast_to(g, shape[:-1]), logits.dtype)
    start("bernoulli_log_prob_backward", shape, logits, g, *as_rows(logits, x, like=logits, shape=shape), dlogits)
    return unbroadcast(dlogits, logits.shape)


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
    rates = (lr, lr * unit, unit, 0) if isinstance(lr, float) else (0.0, 0.0, unit, lr)  # 0: a null pointer
    factors = (0 if a is None else a for a in (scale, decay))
    start("adam", (1, theta.size), theta, theta, g, sum_g, sum_g2, b1, b2, tiny, *rates, *factors, of_numbers=True)


def follow(average, theta, share):
    start("follow", (1, theta.size), theta, average, theta, share, of_numbers=True)


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
        kl_standard_normal,
        kl_standard_normal_backward,
        reparameterize,
        reparameterize_backward,
    )
}

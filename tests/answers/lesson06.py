"""Answers of lesson 6 that people give: wrong ones with the words that name them, and right ones that look unusual."""

import numpy as np

# ---- 6.1: x, L -> x_hat, variances


def svd(x):
    return np.linalg.svd(x - x.mean(axis=0), full_matrices=False)


def pca_columns(x, L):
    mean = x.mean(0)
    U, S, V = svd(x)
    z = (x - mean) @ V[:, :L]
    return mean + z @ V[:, :L].T, S**2 / len(x)


def pca_not_centered(x, L):
    U, S, V = np.linalg.svd(x, full_matrices=False)
    return x @ V[:L].T @ V[:L], S**2 / len(x)


def pca_no_mean_back(x, L):
    U, S, V = svd(x)
    return (x - x.mean(0)) @ V[:L].T @ V[:L], S**2 / len(x)


def pca_last(x, L):
    U, S, V = svd(x)
    return x.mean(0) + (x - x.mean(0)) @ V[-L:].T @ V[-L:], S**2 / len(x)


def pca_singular_values(x, L):
    U, S, V = svd(x)
    return x.mean(0) + (x - x.mean(0)) @ V[:L].T @ V[:L], S


def pca_n_minus_1(x, L):
    U, S, V = svd(x)
    return x.mean(0) + (x - x.mean(0)) @ V[:L].T @ V[:L], S**2 / (len(x) - 1)


def pca_first_variances(x, L):
    U, S, V = svd(x)
    return x.mean(0) + (x - x.mean(0)) @ V[:L].T @ V[:L], (S**2 / len(x))[:L]


def pca_codes(x, L):
    U, S, V = svd(x)
    return (x - x.mean(0)) @ V[:L].T, S**2 / len(x)


def pca_no_mean_back_no_square(x, L):
    U, S, V = svd(x)
    return (x - x.mean(0)) @ V[:L].T @ V[:L], S / len(x)


def pca_two_directions(x, L):
    U, S, V = svd(x)
    return x.mean(0) + (x - x.mean(0)) @ V[:6].T @ V[:6], S**2 / len(x)


def pca_wrong_product(x, L):
    U, S, V = svd(x)
    return x.mean(0) + (x - x.mean(0)) @ V[:L], S**2 / len(x)


def pca_by_u(x, L):
    U, S, V = svd(x)
    return (U[:, :L] * S[:L]) @ V[:L] + x.mean(0), np.square(S) / x.shape[0]


def pca_by_eigh(x, L):
    m = x.mean(axis=0)
    values, vectors = np.linalg.eigh((x - m).T @ (x - m) / len(x))
    order = np.argsort(values)[::-1]
    P = vectors[:, order[:L]]
    return m + (x - m) @ P @ P.T, values[order]


# ---- 6.2: x, W1 ... b4 -> z, x_hat


def net(x, W1, b1, W2, b2):
    h = np.maximum(x @ W1 + b1, 0)
    return h @ W2 + b2, (x, h)


def net_back(dy, cache, W1, W2):
    x, h = cache
    da = (dy @ W2.T) * (h > 0)
    return da @ W1.T, (x.T @ da, da.sum(axis=0), h.T @ dy, dy.sum(axis=0))


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def no_sigmoid(x, *p):
    z, _ = net(x, *p[:4])
    return z, net(z, *p[4:])[0]


def sigmoid_on_code(x, *p):
    z = sigmoid(net(x, *p[:4])[0])
    return z, sigmoid(net(z, *p[4:])[0])


def relu_on_code(x, *p):
    z = np.maximum(net(x, *p[:4])[0], 0)
    return z, sigmoid(net(z, *p[4:])[0])


def tanh_out(x, *p):
    z, _ = net(x, *p[:4])
    return z, np.tanh(net(z, *p[4:])[0])


def wrong_sigmoid(x, *p):
    z, _ = net(x, *p[:4])
    return z, 1 / (1 + np.exp(net(z, *p[4:])[0]))


def cache_forgotten(x, *p):
    z = net(x, *p[:4])
    return z, sigmoid(net(z, *p[4:])[0])


def x_hat_first(x, *p):
    z, _ = net(x, *p[:4])
    return sigmoid(net(z, *p[4:])[0]), z


def relu_on_code_and_tanh(x, *p):
    z = np.maximum(net(x, *p[:4])[0], 0)
    return z, np.tanh(net(z, *p[4:])[0])


def by_hand(x, W1, b1, W2, b2, W3, b3, W4, b4):
    z = (x @ W1 + b1).clip(0) @ W2 + b2
    logits = (z @ W3 + b3).clip(0) @ W4 + b4
    return z, np.exp(logits) / (1 + np.exp(logits))


# ---- 6.3: x, W1 ... b4 -> eight gradients


def back(x, p, dlogits, code=lambda dz, z: dz):
    z, c_enc = net(x, *p[:4])
    logits, c_dec = net(z, *p[4:])
    dz, decoder = net_back(dlogits(sigmoid(logits), logits), c_dec, p[4], p[6])
    _, encoder = net_back(code(dz, z), c_enc, p[0], p[2])
    return *encoder, *decoder


def no_slope(x, *p):
    return back(x, p, lambda s, a: 2 * (s - x) / len(x))


def slope_of_input(x, *p):
    return back(x, p, lambda s, a: 2 * (s - x) / len(x) * a * (1 - a))


def slope_of_x(x, *p):
    return back(x, p, lambda s, a: 2 * (s - x) / len(x) * x * (1 - x))


def no_two(x, *p):
    return back(x, p, lambda s, a: (s - x) / len(x) * s * (1 - s))


def no_n(x, *p):
    return back(x, p, lambda s, a: 2 * (s - x) * s * (1 - s))


def over_pixels(x, *p):
    return back(x, p, lambda s, a: 2 * (s - x) / x.size * s * (1 - s))


def x_minus_x_hat(x, *p):
    return back(x, p, lambda s, a: 2 * (x - s) / len(x) * s * (1 - s))


def relu_between(x, *p):
    return back(x, p, lambda s, a: 2 * (s - x) / len(x) * s * (1 - s), lambda dz, z: dz * (z > 0))


def cross_entropy(x, *p):
    return back(x, p, lambda s, a: (s - x) / len(x))


def no_slope_no_n(x, *p):
    return back(x, p, lambda s, a: 2 * (s - x))


def no_two_relu_between(x, *p):
    return back(x, p, lambda s, a: (s - x) / len(x) * s * (1 - s), lambda dz, z: dz * (z > 0))


def decoder_first(x, *p):
    g = back(x, p, lambda s, a: 2 * (s - x) / len(x) * s * (1 - s))
    return *g[4:], *g[:4]


def in_groups(x, *p):
    g = back(x, p, lambda s, a: 2 * (s - x) / len(x) * s * (1 - s))
    return g[:4], g[4:]


def seven_examples(x, *p):
    return back(x, p, lambda s, a: 2 * (s - x) / 7 * s * (1 - s))


def right_with_the_slope_from_the_logits(x, *p):
    return list(back(x, p, lambda s, a: (s - x) / (2 * len(x) * np.cosh(a / 2) ** 2)))


def example_by_example(x, *p):
    total = None
    for i in range(len(x)):
        row = x[i : i + 1]
        g = back(row, p, lambda s, a, row=row: 2 * (s - row) / len(x) * s * (1 - s))
        total = g if total is None else [a + b for a, b in zip(total, g, strict=True)]
    return total


# ---- 6.4: z, eps -> samples


def covariance(z):
    return (z - z.mean(0)).T @ (z - z.mean(0)) / len(z)


def not_transposed(z, eps):
    return z.mean(0) + eps @ np.linalg.cholesky(covariance(z))


def no_root(z, eps):
    return z.mean(0) + eps @ covariance(z)


def std_only(z, eps):
    return z.mean(0) + z.std(0) * eps


def n_minus_1(z, eps):
    return z.mean(0) + eps @ np.linalg.cholesky(np.cov(z, rowvar=False)).T


def not_centered(z, eps):
    return z.mean(0) + eps @ np.linalg.cholesky(z.T @ z / len(z)).T


def no_mean(z, eps):
    return eps @ np.linalg.cholesky(covariance(z)).T


def root_of_numbers(z, eps):
    return z.mean(0) + eps @ np.sqrt(covariance(z))


def covariance_of_rows(z, eps):
    return z.mean(0) + eps @ np.linalg.cholesky(np.cov(z)).T


def no_mean_not_transposed(z, eps):
    return eps @ np.linalg.cholesky(covariance(z))


def not_divided_n_not_transposed(z, eps):
    return z.mean(0) + eps @ np.linalg.cholesky(covariance(z) * len(z))


def as_columns(z, eps):
    return (z.mean(0)[:, None] + np.linalg.cholesky(covariance(z)) @ eps.T).T


def one_by_one(z, eps):
    C = np.linalg.cholesky(np.cov(z.T, ddof=0))
    return np.array([z.mean(0) + C @ e for e in eps])


# ---- 6.5: a, b -> distances


def squares_of(a, b):
    return ((a[:, None, :] - b[None, :, :]) ** 2).sum(axis=2)


def no_root_of_squares(a, b):
    return squares_of(a, b).min(axis=1)


def farthest(a, b):
    return np.sqrt(squares_of(a, b).max(axis=1))


def wrong_axis(a, b):
    return np.sqrt(squares_of(a, b).min(axis=0))


def which(a, b):
    return squares_of(a, b).argmin(axis=1)


def absolute(a, b):
    return np.abs(a[:, None, :] - b[None, :, :]).sum(axis=2).min(axis=1)


def mixed_once(a, b):
    squares = (a**2).sum(1)[:, None] + (b**2).sum(1)[None] - a @ b.T
    return np.sqrt(np.maximum(squares, 0).min(1))


def not_clipped(a, b):
    squares = (a**2).sum(1)[:, None] + (b**2).sum(1)[None] - 2 * a @ b.T
    return np.sqrt(squares.min(1))


def all_of_them(a, b):
    return np.sqrt(squares_of(a, b))


def mixed_once_no_root(a, b):
    squares = (a**2).sum(1)[:, None] + (b**2).sum(1)[None] - a @ b.T
    return np.maximum(squares, 0).min(1)


def eleven(a, b):
    return np.array([np.sqrt(squares_of(a[i : i + 1], b)).min() for i in range(11)])


def with_loops(a, b):
    return np.array([min(np.linalg.norm(x - y) for y in b) for x in a])


def absolute_value_first(a, b):
    squares = np.einsum("nd,nd->n", a, a)[:, None] - 2 * a @ b.T + np.einsum("md,md->m", b, b)
    return np.sqrt(np.abs(squares)).min(axis=1)


WRONG = {
    "6.1": [
        (pca_columns, "the directions are the rows"),
        (pca_not_centered, "the mean is not subtracted first"),
        (pca_no_mean_back, "the mean is not added back"),
        (pca_last, "the last L directions are kept"),
        (pca_singular_values, "those are the singular values"),
        (pca_n_minus_1, "divided by N - 1"),
        (pca_first_variances, "only L variances are there"),
        (pca_codes, "those are the codes"),
        (pca_no_mean_back_no_square, "x_hat: the mean is not added back"),
        (pca_no_mean_back_no_square, "variances: the singular values are not squared"),
        (pca_two_directions, "of other sizes, went well"),
        (pca_wrong_product, "it stopped with ValueError"),
    ],
    "6.2": [
        (no_sigmoid, "the sigmoid is missing"),
        (sigmoid_on_code, "the code goes through a sigmoid"),
        (relu_on_code, "the code goes through a ReLU"),
        (tanh_out, "tanh lies between -1 and 1"),
        (wrong_sigmoid, "the sign inside the sigmoid"),
        (cache_forgotten, "it stopped with"),
        (x_hat_first, "the order is z, x_hat"),
        (relu_on_code_and_tanh, "mend that first: a second mistake is left"),
    ],
    "6.3": [
        (no_slope, "the slope of the sigmoid is missing"),
        (slope_of_input, "s its output, not its input"),
        (slope_of_x, "not x (1 - x)"),
        (no_two, "the 2 of the square is missing"),
        (no_n, "the 1/N is missing"),
        (over_pixels, "the loss is a sum over the pixels"),
        (x_minus_x_hat, "x_hat is what changes"),
        (relu_between, "between encoder and decoder there is no ReLU"),
        (cross_entropy, "mend that first: a second mistake is left"),
        (no_slope_no_n, "mend that first: a second mistake is left"),
        (no_two_relu_between, "mend that first: a second mistake is left"),
        (decoder_first, "the order is dW1, db1"),
        (in_groups, "got 2 values"),
        (seven_examples, "of other sizes, went well"),
    ],
    "6.4": [
        (not_transposed, "C is not transposed"),
        (no_root, "the covariance itself, not its root"),
        (std_only, "their covariance is lost"),
        (n_minus_1, "divided by N - 1"),
        (not_centered, "the covariance is that of z - mean"),
        (no_mean, "the mean is missing"),
        (root_of_numbers, "the root of each number of the covariance"),
        (covariance_of_rows, "it stopped with LinAlgError"),
        (no_mean_not_transposed, "mend that first: a second mistake is left"),
        (not_divided_n_not_transposed, "mend that first: a second mistake is left"),
    ],
    "6.5": [
        (no_root_of_squares, "the root is missing"),
        (farthest, "the farthest, not the nearest"),
        (wrong_axis, "along the other axis"),
        (which, "which one is the nearest"),
        (absolute, "the sum of absolute differences"),
        (mixed_once, "the mixed term comes twice"),
        (not_clipped, "which has no root"),
        (all_of_them, "those are all distances"),
        (mixed_once_no_root, "mend that first: a second mistake is left"),
        (eleven, "of other sizes, went well"),
    ],
}
RIGHT = {
    "6.1": [pca_by_u, pca_by_eigh],
    "6.2": [by_hand],
    "6.3": [right_with_the_slope_from_the_logits, example_by_example],
    "6.4": [as_columns, one_by_one],
    "6.5": [with_loops, absolute_value_first],
}
FIXED = {}

"""Exercises of lesson 6: PCA, an autoencoder forward and backward, sampling from it, and judging the samples."""

import numpy as np

from ...numeric import sigmoid
from ..exercise import Exercise
from .vae_by_hand import PARAMETERS, net_backward, net_forward


def pca(x, L):
    mean = x.mean(axis=0)
    _, S, V = np.linalg.svd(x - mean, full_matrices=False)
    return mean + (x - mean) @ V[:L].T @ V[:L], S**2 / len(x)


def autoencoder(x, W1, b1, W2, b2, W3, b3, W4, b4):
    z, _ = net_forward(x, W1, b1, W2, b2)
    return z, sigmoid(net_forward(z, W3, b3, W4, b4)[0])


def autoencoder_backward(x, W1, b1, W2, b2, W3, b3, W4, b4):
    return _backward(x, W1, b1, W2, b2, W3, b3, W4, b4)


def sample_like(z, eps):
    return z.mean(axis=0) + eps @ np.linalg.cholesky(np.cov(z.T, bias=True)).T


def nearest_distance(a, b):
    return np.sqrt(_squares(a, b).min(axis=1))


# ---- some of them once more, with places where they can be made wrong


def _pca(x, L, center=True, back=True, keep=None):
    mean = x.mean(axis=0) * center
    _, S, V = np.linalg.svd(x - mean, full_matrices=False)
    V = V[:L] if keep is None else V[keep(L)]
    return mean * back + (x - mean) @ V.T @ V, S**2 / len(x)


def _with_columns(x, L):
    mean = x.mean(axis=0)
    V = np.linalg.svd(x - mean, full_matrices=False)[2][:, :L]
    return mean + (x - mean) @ V @ V.T


def _slope(x_hat, logits):
    return x_hat * (1 - x_hat)


def _backward(x, W1, b1, W2, b2, W3, b3, W4, b4, slope=_slope, factor=2.0, code=lambda dz: dz):
    z, c_enc = net_forward(x, W1, b1, W2, b2)
    logits, c_dec = net_forward(z, W3, b3, W4, b4)
    x_hat = sigmoid(logits)
    dlogits = factor * (x_hat - x) / len(x) * slope(x_hat, logits)
    dz, decoder = net_backward(dlogits, c_dec, W3, W4)
    _, encoder = net_backward(code(dz), c_enc, W1, W2)
    return *encoder, *decoder


def _squares(a, b, cross=2):
    return np.maximum((a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - cross * a @ b.T, 0)


def _covariance(z):
    return np.cov(z.T, bias=True)


def _symmetric(z, eps):
    variances, V = np.linalg.eigh(_covariance(z))
    return z.mean(axis=0) + eps @ (V * np.sqrt(variances)) @ V.T


def _table(rng):
    N, D = rng.integers(8, 12), rng.integers(4, 7)
    return {"x": rng.standard_normal((N, D)) * np.arange(1, D + 1) + 2, "L": 2}


def _images(rng):
    N, D, H, L = 5, 6, 4, int(rng.integers(2, 4))
    shapes = (D, H), H, (H, L), L, (L, H), H, (H, D), D
    weights = {name: rng.standard_normal(shape) for name, shape in zip(PARAMETERS, shapes, strict=True)}
    return {"x": rng.random((N, D))} | weights


def _codes(rng):
    N, L = rng.integers(6, 9), 2
    z = rng.standard_normal((N, L)) @ np.array([[2.0, 1.0], [0.0, 0.5]]) + 3
    return {"z": z, "eps": rng.standard_normal((5, L))}


def _points(rng):
    """Rows of a are rows of b: their distance is 0, and rounding makes some a little less than 0 before the root."""
    n, m, D = rng.integers(9, 12), rng.integers(12, 15), 5
    a, b = 10 + rng.standard_normal((n, D)), 10 + rng.standard_normal((m, D))
    a[:8] = b[:8]
    return {"a": a, "b": b}


def _sizes(x, **rest):
    return {"sizes": {"N": len(x), "D": x.shape[1]}}


EXERCISES = (
    Exercise(
        "6.1",
        "pca",
        "x_hat, variances",
        _table,
        pca,
        around=_sizes,
        hints=(
            "np.linalg.svd(x - mean, full_matrices=False) returns U, S, V with the directions in the ROWS of V, those "
            "with the largest S first.",
            "The codes are (x - mean) @ V[:L].T, (N, L). Going back is a product with V[:L], and the mean is added.",
            "The variance along a direction is S^2 / N, since U has orthonormal columns.",
        ),
        slips={
            "the mean is not subtracted first": lambda x, L: _pca(x, L, center=False),
            "one mean of all numbers is subtracted; each pixel has its own": lambda x, L: (
                lambda m: (_pca(x - m, L, center=False)[0] + m, _pca(x - m, L, center=False)[1]))(x.mean()),
            "the mean is not added back": lambda x, L: _pca(x, L, back=False),
            "the first L directions are thrown away, not kept": lambda x, L: _pca(x, L, keep=lambda L: slice(L, None)),
            "the last L directions are kept, those of the smallest variance": lambda x, L: (
                _pca(x, L, keep=lambda L: slice(-L, None))),
            "the directions are the rows of what np.linalg.svd returns last, not its columns": lambda x, L: (
                _with_columns(x, L), pca(x, L)[1]),
            "the singular values are not squared": lambda x, L: (
                pca(x, L)[0], np.sqrt(pca(x, L)[1] * len(x)) / len(x)),
            "divided by N - 1; the mean over the examples divides by N": lambda x, L: (
                pca(x, L)[0], pca(x, L)[1] * len(x) / (len(x) - 1)),
            "that are standard deviations, not variances": lambda x, L: (pca(x, L)[0], np.sqrt(pca(x, L)[1])),
            "that is the sum over the examples; the variance is their mean": lambda x, L: (
                pca(x, L)[0], pca(x, L)[1] * len(x)),
        },
    ),
    Exercise(
        "6.2",
        "autoencoder",
        "z, x_hat",
        _images,
        autoencoder,
        around=_sizes,
        hints=(
            "Encoder: net_forward with x and the first four parameters gives the codes z and a cache.",
            "Decoder: net_forward with z and the other four gives logits; sigmoid turns them into grey values.",
        ),
        slips={
            "the sigmoid is missing: x_hat must lie between 0 and 1": lambda x, *p: (
                autoencoder(x, *p)[0], net_forward(autoencoder(x, *p)[0], *p[4:])[0]),
            "tanh lies between -1 and 1, the sigmoid between 0 and 1": lambda x, *p: (
                autoencoder(x, *p)[0], np.tanh(net_forward(autoencoder(x, *p)[0], *p[4:])[0])),
            "the code goes through a sigmoid, too; any number is allowed there": lambda x, *p: (
                sigmoid(autoencoder(x, *p)[0]), sigmoid(net_forward(sigmoid(autoencoder(x, *p)[0]), *p[4:])[0])),
            "the code goes through a ReLU; any number is allowed there": lambda x, *p: (
                np.maximum(autoencoder(x, *p)[0], 0),
                sigmoid(net_forward(np.maximum(autoencoder(x, *p)[0], 0), *p[4:])[0])),
        },
    ),
    Exercise(
        "6.3",
        "autoencoder_backward",
        ", ".join(f"d{name}" for name in PARAMETERS),
        _images,
        autoencoder_backward,
        value=lambda x, W1, b1, W2, b2, W3, b3, W4, b4: (
            ((autoencoder(x, W1, b1, W2, b2, W3, b3, W4, b4)[1] - x) ** 2).sum() / len(x)),
        around=_sizes,
        hints=(
            "Forward first, as in autoencoder, but keep both caches.",
            "From the end: dx_hat from the square, dlogits through the slope of the sigmoid, which can be written with "
            "x_hat alone.",
            "net_backward with the decoder's cache gives dz and four gradients. dz is the dy of the encoder.",
        ),
        slips={
            "the slope of the sigmoid is missing": lambda *a: _backward(*a, slope=lambda x_hat, logits: 1.0),
            "the slope of the sigmoid is s (1 - s), s its output, not its input": lambda *a: _backward(
                *a, slope=lambda x_hat, logits: logits * (1 - logits)),
            "the slope is that of the output, x_hat (1 - x_hat), not x (1 - x)": lambda *a: _backward(
                *a, slope=lambda x_hat, logits: a[0] * (1 - a[0])),
            "multiplied with the sigmoid, not with its slope": lambda *a: _backward(
                *a, slope=lambda x_hat, logits: x_hat),
            "the 2 of the square is missing": lambda *a: _backward(*a, factor=1.0),
            "the sign: x_hat is what changes, x is what is subtracted": lambda *a: _backward(*a, factor=-2.0),
            "the loss is the mean over the examples: the 1/N is missing": lambda *a: _backward(
                *a, factor=2.0 * len(a[0])),
            "the loss is a sum over the pixels, not a mean": lambda *a: _backward(*a, factor=2.0 / a[0].shape[1]),
            "the code is given a slope: between encoder and decoder there is no ReLU": lambda *a: _backward(
                *a, code=lambda dz: dz * (net_forward(*a[:5])[0] > 0)),
        },
    ),
    Exercise(
        "6.4",
        "sample_like",
        "samples",
        _codes,
        sample_like,
        hints=(
            "Three things: the mean of z over the examples, its covariance (divided by N), np.linalg.cholesky of that.",
            "For one eps (a column) the sample is mean + C eps. Rows instead of columns: what happens to C?",
        ),
        slips={
            "the mean is missing": lambda z, eps: sample_like(z, eps) - z.mean(axis=0),
            "C is not transposed: rows of eps are multiplied from the left": lambda z, eps: (
                z.mean(axis=0) + eps @ np.linalg.cholesky(_covariance(z))),
            "the covariance itself, not its root: that samples have the covariance S S": lambda z, eps: (
                z.mean(axis=0) + eps @ _covariance(z)),
            "each latent has the right variance, but their covariance is lost": lambda z, eps: (
                z.mean(axis=0) + eps * z.std(axis=0)),
            "the covariance is that of z - mean, not of z": lambda z, eps: (
                z.mean(axis=0) + eps @ np.linalg.cholesky(z.T @ z / len(z)).T),
            "each latent has its own mean": lambda z, eps: sample_like(z, eps) - z.mean(axis=0) + z.mean(),
            "that is a root of S and a sample of the same Gaussian, but not that of the Cholesky factor": _symmetric,
            "divided by N - 1, as np.cov does unless told otherwise": lambda z, eps: (
                z.mean(axis=0) + eps @ np.linalg.cholesky(np.cov(z.T)).T),
        },
    ),
    Exercise(
        "6.5",
        "nearest_distance",
        "distances",
        _points,
        nearest_distance,
        hints=(
            "Make the matrix (n, m) of squared distances first: (a**2).sum(axis=1) as a column, (b**2).sum(axis=1) as "
            "a row, and a product of matrices for the mixed term.",
            "Where a row of a is a row of b, rounding may leave -1e-14. np.maximum(..., 0) before the root.",
            "Each row of the matrix belongs to one row of a: take the smallest along axis 1.",
        ),
        slips={
            "that are squared distances: the root is missing": lambda a, b: _squares(a, b).min(axis=1),
            "the farthest, not the nearest": lambda a, b: np.sqrt(_squares(a, b).max(axis=1)),
            "the mean over all of b, not the nearest": lambda a, b: np.sqrt(_squares(a, b)).mean(axis=1),
            "the squares are averaged over the pixels, not summed": lambda a, b: (
                nearest_distance(a, b) / np.sqrt(a.shape[1])),
            "that is the sum of absolute differences; the distance is the root of the sum of squares": lambda a, b: (
                np.abs(a[:, None] - b).sum(axis=-1).min(axis=1)),
            "the mixed term comes twice: (a - b)^2 = a^2 - 2 a b + b^2": lambda a, b: (
                np.sqrt(_squares(a, b, cross=1).min(axis=1))),
            "that is which one is the nearest, not how far it is": lambda a, b: _squares(a, b).argmin(axis=1),
        },
        tolerance=1e-5,  # where a distance is 0, the root of a rounding error is left
    ),
)  # fmt: skip

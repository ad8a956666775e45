"""Exercises of lesson 6: PCA, an autoencoder forward and backward, sampling from it, and judging the samples."""

from functools import partial

import numpy as np

from ...numeric import sigmoid
from ..exercise import Exercise
from .draws import as_it_is
from .vae_by_hand import PARAMETERS, net_backward, net_forward


def pca(x, L):
    mean = x.mean(axis=0)
    _, S, V = np.linalg.svd(x - mean, full_matrices=False)
    return mean + (x - mean) @ V[:L].T @ V[:L], S**2 / len(x)


def autoencoder(x, W1, b1, W2, b2, W3, b3, W4, b4):
    z, _ = net_forward(x, W1, b1, W2, b2)
    return z, sigmoid(net_forward(z, W3, b3, W4, b4)[0])


def autoencoder_backward(x, W1, b1, W2, b2, W3, b3, W4, b4):
    return _backward_variant(x, W1, b1, W2, b2, W3, b3, W4, b4)


def sample_like(z, eps):
    return z.mean(axis=0) + eps @ np.linalg.cholesky(np.cov(z.T, bias=True)).T


def nearest_distance(a, b):
    return np.sqrt(_squares(a, b).min(axis=1))


# ---- the same with other arguments: the mistakes


def _first(V, L):
    return V[:L]


def _variance(S, N):
    return S**2 / N


def _pca_variant(x, L, mean=lambda x: x.mean(axis=0), code_mean=1, back=1, keep=_first, variance=_variance,
                 shown=lambda variances, L: variances):  # fmt: skip
    m = mean(x)
    _, S, V = np.linalg.svd(x - m, full_matrices=False)
    kept = keep(V, L)
    return m * back + (x - code_mean * m) @ kept.T @ kept, shown(variance(S, len(x)), L)


def _with_columns(x, L):
    mean = x.mean(axis=0)
    V = np.linalg.svd(x - mean, full_matrices=False)[2][:, :L]
    return mean + (x - mean) @ V @ V.T, pca(x, L)[1]


def _codes_only(x, L):
    mean = x.mean(axis=0)
    return (x - mean) @ np.linalg.svd(x - mean, full_matrices=False)[2][:L].T, pca(x, L)[1]


def _autoencoder_variant(x, W1, b1, W2, b2, W3, b3, W4, b4, code=as_it_is, out=sigmoid, to=as_it_is):
    z = code(net_forward(x, W1, b1, W2, b2)[0])
    return z, out(net_forward(to(z), W3, b3, W4, b4)[0])


def _softmax(a):
    e = np.exp(a - a.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def _slope(x, x_hat, logits):
    return x_hat * (1 - x_hat)


def _backward_variant(x, W1, b1, W2, b2, W3, b3, W4, b4, slope=_slope, two=2, sign=1, mean=len, target=1,
                      pixels=lambda x: 1, code=lambda dz, z: dz):  # fmt: skip
    z, c_enc = net_forward(x, W1, b1, W2, b2)
    logits, c_dec = net_forward(z, W3, b3, W4, b4)
    x_hat = sigmoid(logits)
    dlogits = two * sign * (x_hat - target * x) / mean(x) / pixels(x) * slope(x, x_hat, logits)
    dz, decoder = net_backward(dlogits, c_dec, W3, W4)
    _, encoder = net_backward(code(dz, z), c_enc, W1, W2)
    return *encoder, *decoder


def _covariance(z):
    return np.cov(z.T, bias=True)


def _sample_variant(z, eps, mean=lambda z: z.mean(axis=0), covariance=_covariance, root=np.linalg.cholesky,
                    turn=np.transpose):  # fmt: skip
    return mean(z) + eps @ turn(root(covariance(z)))


def _symmetric_root(S):
    variances, V = np.linalg.eigh(S)
    return (V * np.sqrt(variances)) @ V.T


def _squares(a, b, cross=2):
    return np.maximum((a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - cross * a @ b.T, 0)


def _unclipped(a, b):
    return np.sqrt((a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T).min(axis=1)


def _nearest_variant(a, b, cross=2, root=np.sqrt, of=lambda squares: squares.min(axis=1)):
    return of(root(_squares(a, b, cross)))


# ---- their arguments


def _table(rng):
    N, D, L = rng.integers(14, 20), rng.integers(9, 13), rng.integers(2, 8)
    return {"x": rng.standard_normal((N, D)) * np.arange(1, D + 1) + 2, "L": L}


def _images(rng):
    N, D, H, L = rng.integers(5, 11), rng.integers(7, 11), rng.integers(4, 10), rng.integers(2, 6)
    shapes = (D, H), H, (H, L), L, (L, H), H, (H, D), D
    weights = {name: rng.standard_normal(shape) for name, shape in zip(PARAMETERS, shapes, strict=True)}
    return {"x": rng.random((N, D))} | weights


def _codes(rng):
    N, L, n = rng.integers(8, 14), rng.integers(2, 6), rng.integers(4, 10)
    z = rng.standard_normal((N, L)) @ rng.standard_normal((L, L)) + 3
    return {"z": z, "eps": rng.standard_normal((n, L))}


def _points(rng):
    """Rows of a are rows of b: their distance is 0, and rounding makes some a little less than 0 before the root."""
    n, m, D = rng.integers(9, 15), rng.integers(14, 18), rng.integers(4, 10)
    a, b = 10 + rng.standard_normal((n, D)), 10 + rng.standard_normal((m, D))
    a[:8] = b[:8]
    return {"a": a, "b": b}


def _sizes(x, **rest):
    return {"sizes": {"N": len(x), "D": x.shape[1]}}


_pca, _forward = partial(partial, _pca_variant), partial(partial, _autoencoder_variant)
_backward, _draw = partial(partial, _backward_variant), partial(partial, _sample_variant)
_nearest = partial(partial, _nearest_variant)

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
            "the mean is not subtracted first": _pca(mean=lambda x: 0.0),
            "one mean of all numbers is subtracted; each pixel has its own": _pca(mean=np.mean),
            "the mean over the pixels is subtracted, not over the images": _pca(
                mean=lambda x: x.mean(axis=1, keepdims=True)),
            "the mean is not added back": _pca(back=0),
            "the mean is not subtracted before x is projected": _pca(code_mean=0),
            "the first L directions are thrown away, not kept": _pca(keep=lambda V, L: V[L:]),
            "the last L directions are kept, those of the smallest variance": _pca(keep=lambda V, L: V[-L:]),
            "one direction too few is kept": _pca(keep=lambda V, L: V[: L - 1]),
            "one direction too many is kept": _pca(keep=lambda V, L: V[: L + 1]),
            "all directions are kept: that is x itself": _pca(keep=lambda V, L: V),
            "the directions are the rows of what np.linalg.svd returns last, not its columns": _with_columns,
            "those are the codes, not yet put together again": _codes_only,
            "the singular values are not squared": _pca(variance=lambda S, N: S / N),
            "divided by N - 1; the mean over the examples divides by N": _pca(variance=lambda S, N: S**2 / (N - 1)),
            "those are standard deviations, not variances": _pca(variance=lambda S, N: S / N**0.5),
            "those are the singular values; a variance is the square of one over N": _pca(variance=lambda S, N: S),
            "that is the sum over the examples; the variance is their mean": _pca(variance=lambda S, N: S**2),
            "those are shares of the total variance": _pca(variance=lambda S, N: S**2 / (S**2).sum()),
            "only L variances are there; all are wanted": _pca(shown=lambda variances, L: variances[:L]),
            "those are the variances that are lost; all are wanted": _pca(shown=lambda variances, L: variances[L:]),
            "the smallest comes first": _pca(shown=lambda variances, L: variances[::-1]),
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
            "the sigmoid is missing: x_hat must lie between 0 and 1": _forward(out=as_it_is),
            "tanh lies between -1 and 1, the sigmoid between 0 and 1": _forward(out=np.tanh),
            "a ReLU is no sigmoid: it has no upper limit": _forward(out=lambda a: np.maximum(a, 0)),
            "a softmax makes the pixels of an image add up to 1; the sigmoid acts on each by itself": _forward(
                out=_softmax),
            "the sigmoid is applied twice": _forward(out=lambda a: sigmoid(sigmoid(a))),
            "the sign inside the sigmoid: it is 1 / (1 + exp(-a))": _forward(out=lambda a: sigmoid(-a)),
            "the code goes through a sigmoid, too; any number is allowed there": _forward(code=sigmoid),
            "the code goes through a tanh; any number is allowed there": _forward(code=np.tanh),
            "the code goes through a ReLU; any number is allowed there": _forward(code=lambda z: np.maximum(z, 0)),
            "the decoder gets the code after a ReLU; any number is allowed there": _forward(
                to=lambda z: np.maximum(z, 0)),
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
        points=2,
        hints=(
            "Forward first, as in autoencoder, but keep both caches.",
            "From the end: how does the loss change with x_hat, and x_hat with the logits? Multiply, entry by entry.",
            "net_backward with the decoder's cache gives dz and four gradients. dz is the dy of the encoder.",
        ),
        slips={
            "the slope of the sigmoid is missing": _backward(slope=lambda x, x_hat, logits: 1.0),
            "the slope of the sigmoid is s (1 - s), s its output, not its input": _backward(
                slope=lambda x, x_hat, logits: logits * (1 - logits)),
            "the slope is that of the output, x_hat (1 - x_hat), not x (1 - x)": _backward(
                slope=lambda x, x_hat, logits: x * (1 - x)),
            "multiplied with the sigmoid, not with its slope": _backward(slope=lambda x, x_hat, logits: x_hat),
            "the slope of the sigmoid is half there: x_hat is missing in x_hat (1 - x_hat)": _backward(
                slope=lambda x, x_hat, logits: 1 - x_hat),
            "that is the slope of tanh, 1 - x_hat^2": _backward(slope=lambda x, x_hat, logits: 1 - x_hat**2),
            "that is the slope of a ReLU": _backward(slope=lambda x, x_hat, logits: logits > 0),
            "the slope of the sigmoid is there twice": _backward(
                slope=lambda x, x_hat, logits: (x_hat * (1 - x_hat)) ** 2),
            "the sigmoid is applied once more before its slope": _backward(
                slope=lambda x, x_hat, logits: sigmoid(x_hat) * (1 - sigmoid(x_hat))),
            "the 2 of the square is missing": _backward(two=1),
            "the sign: x_hat is what changes, x is what is subtracted": _backward(sign=-1),
            "x is not subtracted: the slope of a square is twice the difference": _backward(target=0),
            "the loss is the mean over the examples: the 1/N is missing": _backward(mean=lambda x: 1),
            "the loss is a sum over the pixels, not a mean": _backward(pixels=lambda x: x.shape[1]),
            "the code is given a slope: between encoder and decoder there is no ReLU": _backward(
                code=lambda dz, z: dz * (z > 0)),
            "the code is given the slope of a sigmoid; it goes through none": _backward(
                code=lambda dz, z: dz * z * (1 - z)),
            "the encoder gets the code in the place of its gradient": _backward(code=lambda dz, z: z),
        },
    ),
    Exercise(
        "6.4",
        "sample_like",
        "samples",
        _codes,
        sample_like,
        points=2,
        hints=(
            "eps eps^T has the mean I. What is the mean of (C eps) (C eps)^T, then? It must be the covariance of z.",
            "np.linalg.cholesky gives a matrix that, multiplied with its own transpose, is the one that it was given.",
            "The covariance is divided by N. For one eps (a column) the sample is mean + C eps. If eps is a row, what "
            "happens to C?",
        ),
        slips={
            "the mean is missing": _draw(mean=lambda z: 0),
            "each latent has its own mean": _draw(mean=np.mean),
            "the mean is subtracted": _draw(mean=lambda z: -z.mean(axis=0)),
            "C is not transposed: rows of eps are multiplied from the left": _draw(turn=as_it_is),
            "the covariance itself, not its root: the samples' covariance is its square": _draw(root=as_it_is),
            "the root of each number of the covariance is no root of the matrix": _draw(root=np.sqrt),
            "each latent has the right variance, but their covariance is lost": _draw(
                root=lambda S: np.diag(np.sqrt(np.diag(S)))),
            "those are variances: each eps is multiplied with a standard deviation, and the covariance is lost": (
                _draw(root=lambda S: np.diag(np.diag(S)))),
            "one number for all latents: each has a standard deviation of its own, and they vary together": (
                lambda z, eps: z.mean(axis=0) + eps * z.std()),
            "the covariance is that of z - mean, not of z": _draw(covariance=lambda z: z.T @ z / len(z)),
            "the covariance is not divided by N": _draw(covariance=lambda z: len(z) * _covariance(z)),
            "divided by N - 1, as np.cov does unless told otherwise": _draw(covariance=lambda z: np.cov(z.T)),
            "that is a root, and a sample of the same Gaussian, but not that of the Cholesky factor": _draw(
                root=_symmetric_root),
            "C is the inverse of a root: that makes the covariance of the codes the unit matrix": _draw(
                root=lambda S: np.linalg.inv(np.linalg.cholesky(S))),
            "no C at all: those samples have the covariance I": _draw(root=lambda S: np.eye(len(S))),
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
            "those are squared distances: the root is missing": _nearest(root=as_it_is),
            "the farthest, not the nearest": _nearest(of=lambda d: d.max(axis=1)),
            "the mean over all of b, not the nearest": _nearest(of=lambda d: d.mean(axis=1)),
            "the nearest of all: one number per row of a is wanted": _nearest(of=lambda d: d.min()),
            "along the other axis: that is how near each row of b is to a": _nearest(of=lambda d: d.min(axis=0)),
            "those are all distances: the nearest row of b is wanted for each row of a": _nearest(of=as_it_is),
            "that is which one is the nearest, not how far it is": _nearest(of=lambda d: d.argmin(axis=1)),
            "the mixed term comes twice: (a - b)^2 = a^2 - 2 a b + b^2": _nearest(cross=1),
            "the mixed term is missing: (a - b)^2 = a^2 - 2 a b + b^2": _nearest(cross=0),
            "the mixed term has the wrong sign: (a - b)^2 = a^2 - 2 a b + b^2": _nearest(cross=-2),
            "the squares are averaged over the pixels, not summed": lambda a, b: (
                nearest_distance(a, b) / np.sqrt(a.shape[1])),
            "that is the sum of absolute differences; the distance is the root of the sum of squares": lambda a, b: (
                np.abs(a[:, None] - b).sum(axis=-1).min(axis=1)),
            "where a row is in both, rounding leaves a little less than 0, which has no root": _unclipped,
        },
        tolerance=1e-5,  # where a distance is 0, the root of a rounding error is left
    ),
)  # fmt: skip

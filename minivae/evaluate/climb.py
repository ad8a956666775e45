"""A number predicted from codes, and codes moved to where the prediction is higher.

    v(u) = mean + std f(u),   u_{k+1} = P(u_k + rate dv/du),   u whitened z, see `Whitening`

f is a small network, trained on codes whose number is known (Gomez-Bombarelli et al. 2018, "Automatic chemical design
using a data-driven continuous representation of molecules", 1610.02415, section 2). P keeps u where f was trained: at
most `limit` from where it began, and no farther from 0 than codes of data are. In z the codes fill some directions and
are thin in others; there a slope may be steep by chance, and a short step leads to where no codes are. In u a step of
some length goes equally far in all directions, beside the spread of the codes.

That the prediction rises says little: what is decoded may have no more of the number. Random moves of the same length
say what moving alone does. Nothing here knows what z stands for.
"""

import math
from typing import NamedTuple

import numpy as np

from ..backend import array_module, floats, generator, place
from ..data.dataset import Split
from ..layers import dense_encoder
from ..models import Metric, Model
from ..numeric import dot
from ..optim import AdamW
from ..params import Constant
from ..train import fit
from .features import as_they_are

HIDDEN, RATE, DECAY, BATCH, EPOCHS, PATIENCE = (64, 64), 3e-3, 1.0, 128, 200, 20
THIN = 1e-6  # of the variance of the widest direction: no direction counts as thinner
HELD = 10  # one code of so many says when to stop
LEAST = 20  # codes
DECAYS = np.logspace(-3, 4, 8)  # of the linear regression


class Whitening(NamedTuple):
    """u = (z - mean) @ to, whose covariance over the codes is the identity, and back: z = mean + u @ back."""

    mean: np.ndarray
    to: np.ndarray
    back: np.ndarray

    @classmethod
    def of(cls, z):
        """That of codes z (N, L)."""
        variances, axes = np.linalg.eigh(np.cov(z.T.astype("float64")).reshape(2 * z.shape[1:]))
        widths = np.sqrt(np.maximum(variances, max(THIN * variances[-1], 1e-20)))
        return cls(z.mean(axis=0), (axes / widths).astype("float32"), (axes * widths).T.astype("float32"))

    def whitened(self, z):
        """z (..., L) -> u (..., L)."""
        return (z - self.mean) @ self.to

    def codes(self, u):
        """u (..., L) -> z (..., L)."""
        return self.mean + u @ self.back


class Predictor(Model):
    """v of u, trained by loss = (f - (v - mean) / std)^2, the mean over the rows: 1 - loss is about R^2.

    Parameters
    ----------
    network : Network
        f: u (..., L) -> (..., 1).
    mean, std : float
        Of the numbers.
    """

    metrics = {"loss": Metric("squared error, of the variance", "lower", "")}
    monitor = "loss"

    def __init__(self, network, mean=0.0, std=1.0):
        self.network = network
        self.mean, self.std = Constant(mean), Constant(std)
        self.D = network.n_in
        self.bind()

    def forward(self, u):
        """(v (...), cache) of u (..., L)."""
        f, cache = self.network.forward(u)
        return self.mean.data + self.std.data * f[..., 0], cache

    def backward(self, dv, cache, accumulate=True, need_dx=True):
        """du (..., L) of dv (...)."""
        # forward multiplied f by std, so now df = std dv
        return self.network.backward((self.std.data * dv)[..., None], cache, accumulate, need_dx)

    def draw_noise(self, rng, n, train=True):
        """None: nothing in a step is random."""

    def loss_and_grads(self, x, noise, y=None, t=0, grads=True):
        """Metrics of one step on whitened codes x (N, L) and numbers y (N,); the gradients of `loss` go into `grad`."""
        N = len(x)
        v, cache = self.forward(x)  # (N,)
        error = (v - y) / self.std.data
        if grads:
            self.zero_grad()
            self.backward(2 / N * error / self.std.data, cache, need_dx=False)
        return {"loss": (error * error).sum() / N}

    def predict(self, u):
        """v (N,) of u (N, L)."""
        return self.in_parts(lambda part: self.forward(part)[0], self.rows(u, "u", self.D))


def fit_predictor(u, values, *, seed=0):
    """A Predictor of numbers from codes, trained by AdamW until one code in ten, held out, is not predicted better.

    Parameters
    ----------
    u : array (N, L)
        Whitened codes.
    values : array (N,)
    seed : int
        Of weights, the order of the codes, and which are held out.

    Raises
    ------
    ValueError
        For fewer than 20 codes, for numbers that are not finite or all the same, and for codes that are all the same.
    """
    u, values = _checked(u, values)
    held, rows = np.split(generator(seed, "split").permutation(len(u)), [len(u) // HELD])
    network = dense_encoder(u.shape[1], HIDDEN, 1, "tanh", heads=1, rng=generator(seed, "weights"))
    model = Predictor(network, values.mean(dtype="float64"), values.std(dtype="float64"))
    data = as_they_are(Split(u[rows], values[rows]), Split(u[held], values[held]))
    best = [math.inf, None]

    def keep(line):
        loss = line["validation"]["loss"]
        if loss < best[0]:
            best[:] = loss, model.theta.copy()

    fit(model, AdamW(model, RATE, DECAY), data, epochs=EPOCHS, batch_size=BATCH, seed=seed, early_stop=PATIENCE,
        on_epoch=keep, progress=False)  # fmt: skip
    model.theta[...] = best[1]
    return model


def fit_linear(u, values):
    """A function u (N, L) -> (N,) beside which a Predictor can be seen: a ridge regression. Errors as for that."""
    from sklearn.linear_model import RidgeCV

    return RidgeCV(DECAYS).fit(*_checked(u, values)).predict


def r_squared(values, predicted):
    """1 - mean (value - predicted)^2 / variance of the values, (N,) each: 1 is exact, 0 as good as their mean."""
    return float(1 - ((values - predicted) ** 2).mean() / values.var())


def slope(predictor, u):
    """dv/du (N, L) of u (N, L); the gradients of parameters stay as they are."""
    v, cache = predictor.forward(u)
    return predictor.backward(array_module(v).ones_like(v), cache, accumulate=False)


def climb(predictor, u, steps, rate, limit, largest=math.inf):
    """Steps along the gradient of the prediction.

    Parameters
    ----------
    predictor : Predictor, or what has such a `forward` and `backward`
    u : array (N, L)
        Where they begin.
    steps : int
    rate : float
        u moves by rate dv/du in a step.
    limit : float
        The largest distance from where it began.
    largest : float
        Of |u|; what begins beyond goes no farther than it is.

    Returns
    -------
    array (steps + 1, N, L)
        The path, its beginning included.
    """
    path = [u]
    for _ in range(steps):
        path.append(_near(path[-1] + rate * slope(predictor, path[-1]), u, limit, largest))
    return array_module(u).stack(path)


def even_rate(predictor, u, steps, limit):
    """The rate at which u (N, L) would be `limit` away after these steps, if all slopes were as they are on average."""
    (mean,) = floats([_length(slope(predictor, u)).mean()])
    return limit / (steps * max(mean, 1e-12))


def random_moves(u, lengths, rng, largest=math.inf):
    """u (N, L) moved in random directions by these lengths (N,), |u| held as by `climb`."""
    move = place(rng.standard_normal(u.shape, dtype="float32"), like=u)
    return _near(u + move / _length(move) * lengths[:, None], u, math.inf, largest)


def _near(u, start, limit, largest):
    """u (N, L), at most `limit` from its start and of at most the length `largest`, or that of the start.

    The second ball holds the start, so that what is brought back into it comes no farther from the start.
    """
    u = start + _shortened(u - start, limit)
    return _shortened(u, array_module(u).maximum(_length(start), largest))


def _shortened(a, most):
    """Rows a (N, L) that are longer than `most`, a number or (N, 1), made so long."""
    xp = array_module(a)
    return a * xp.minimum(most / xp.maximum(_length(a), 1e-12), 1)


def _length(a):
    """|a| of rows (N, L) -> (N, 1)."""
    return array_module(a).sqrt(dot(a, a))[:, None]


def _checked(u, values):
    """Codes and their numbers as float32."""
    u, values = np.asarray(u, "float32"), np.asarray(values, "float32")
    if u.ndim != 2 or values.shape != u.shape[:1] or len(u) < LEAST:
        raise ValueError(f"codes: expected (N, L) of {LEAST} rows or more, and as many values, got {u.shape} and "
                         f"{values.shape}")  # fmt: skip
    for name, part in (("codes", u), ("values", values)):
        if not np.isfinite(part).all():
            raise ValueError(f"{name}: expected finite numbers, got NaN or infinity")
        if not np.ptp(part, axis=0).any():
            raise ValueError(f"{name}: expected some that differ, all are the same")
    return u, values

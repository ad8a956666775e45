"""A number predicted from z, and z moved to where the prediction is higher.

    v(z) = mean + std f((z - center) / width),   z_{k+1} = P(z_k + rate dv/dz)

f is a small network, trained on codes whose number is known (Gomez-Bombarelli et al. 2018, "Automatic chemical design
using a data-driven continuous representation of molecules", 1610.02415, section 2). P keeps z where f was trained: at
most `limit` from where it began, and no farther from 0 than codes of data are. That the prediction rises says little:
what is decoded may have no more of the number. Random moves of the same length say what moving alone does. Nothing here
knows what z stands for.
"""

import math

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

HIDDEN, RATE, BATCH, EPOCHS, PATIENCE = (64, 64), 3e-3, 128, 200, 20
HELD = 10  # one code of so many says when to stop
LEAST = 20  # codes
DECAYS = np.logspace(-3, 4, 8)  # of the linear regression


class Predictor(Model):
    """v of z, trained by loss = (f - (v - mean) / std)^2, the mean over the rows: 1 - loss is about R^2.

    Parameters
    ----------
    network : Network
        f: u (..., L) -> (..., 1).
    center, width : array (L,), float
        u = (z - center) / width. One width serves all latents: those in which codes hardly differ stay small.
    mean, std : float
    """

    metrics = {"loss": Metric("squared error, of the variance", "lower", "")}
    monitor = "loss"

    def __init__(self, network, center=0.0, width=1.0, mean=0.0, std=1.0):
        self.network = network
        self.center, self.width, self.mean, self.std = map(Constant, (center, width, mean, std))
        self.D = network.n_in
        self.bind()

    def forward(self, z):
        """(v (...), cache) of z (..., L)."""
        f, cache = self.network.forward((z - self.center.data) / self.width.data)
        return self.mean.data + self.std.data * f[..., 0], cache

    def backward(self, dv, cache, accumulate=True, need_dx=True):
        """dz (..., L) of dv (...)."""
        # forward multiplied f by std and divided z by width, so now both gradients are
        du = self.network.backward((self.std.data * dv)[..., None], cache, accumulate, need_dx)
        return du / self.width.data if need_dx else None

    def draw_noise(self, rng, n, train=True):
        """None: nothing in a step is random."""

    def loss_and_grads(self, x, noise, y=None, t=0, grads=True):
        """Metrics of one step on codes x (N, L) and numbers y (N,); the gradients of `loss` go into `grad`."""
        N = len(x)
        v, cache = self.forward(x)  # (N,)
        error = (v - y) / self.std.data
        if grads:
            self.zero_grad()
            self.backward(2 / N * error / self.std.data, cache, need_dx=False)
        return {"loss": (error * error).sum() / N}

    def predict(self, z):
        """v (N,) of a user's z (N, L)."""
        return self.in_parts(lambda part: self.forward(part)[0], self.rows(z, "z", self.D))


def fit_predictor(z, values, *, seed=0):
    """A Predictor of numbers from codes, trained by AdamW until one code in ten, held out, is not predicted better.

    Parameters
    ----------
    z : array (N, L)
    values : array (N,)
    seed : int
        Of weights, the order of the codes, and which are held out.

    Raises
    ------
    ValueError
        For fewer than 20 codes, for numbers that are not finite or all the same, and for codes that are all the same.
    """
    z, values = _checked(z, values)
    held, rows = np.split(generator(seed, "split").permutation(len(z)), [len(z) // HELD])
    network = dense_encoder(z.shape[1], HIDDEN, 1, "tanh", heads=1, rng=generator(seed, "weights"))
    width = math.sqrt(z.var(axis=0, dtype="float64").max())
    model = Predictor(network, z.mean(axis=0), width, values.mean(dtype="float64"), values.std(dtype="float64"))
    data = as_they_are(Split(z[rows], values[rows]), Split(z[held], values[held]))
    best = [math.inf, None]

    def keep(line):
        loss = line["validation"]["loss"]
        if loss < best[0]:
            best[:] = loss, model.theta.copy()

    fit(model, AdamW(model, RATE), data, epochs=EPOCHS, batch_size=BATCH, seed=seed, early_stop=PATIENCE,
        on_epoch=keep, progress=False)  # fmt: skip
    model.theta[...] = best[1]
    return model


def fit_linear(z, values):
    """A function z (N, L) -> (N,) beside which a Predictor can be seen: a ridge regression. Errors as for that."""
    from sklearn.linear_model import RidgeCV

    return RidgeCV(DECAYS).fit(*_checked(z, values)).predict


def r_squared(values, predicted):
    """1 - mean (value - predicted)^2 / variance of the values, (N,) each: 1 is exact, 0 as good as their mean."""
    return float(1 - ((values - predicted) ** 2).mean() / values.var())


def slope(predictor, z):
    """dv/dz (N, L) of z (N, L); the gradients of parameters stay as they are."""
    v, cache = predictor.forward(z)
    return predictor.backward(array_module(v).ones_like(v), cache, accumulate=False)


def climb(predictor, z, steps, rate, limit, largest=math.inf):
    """Steps along the gradient of the prediction.

    Parameters
    ----------
    predictor : Predictor, or what has such a `forward` and `backward`
    z : array (N, L)
        Where they begin.
    steps : int
    rate : float
        z moves by rate dv/dz in a step.
    limit : float
        The largest distance from where it began.
    largest : float
        Of |z|; z that begins beyond goes no farther than it is.

    Returns
    -------
    array (steps + 1, N, L)
        The path, its beginning included.
    """
    path = [z]
    for _ in range(steps):
        path.append(_near(path[-1] + rate * slope(predictor, path[-1]), z, limit, largest))
    return array_module(z).stack(path)


def even_rate(predictor, z, steps, limit):
    """The rate at which z (N, L) would be `limit` away after these steps, if all slopes were as they are on average."""
    (mean,) = floats([_length(slope(predictor, z)).mean()])
    return limit / (steps * max(mean, 1e-12))


def random_moves(z, lengths, rng, largest=math.inf):
    """z (N, L) moved in random directions by these lengths (N,), |z| held as by `climb`."""
    move = place(rng.standard_normal(z.shape, dtype="float32"), like=z)
    return _near(z + move / _length(move) * lengths[:, None], z, math.inf, largest)


def _near(z, start, limit, largest):
    """z (N, L), at most `limit` from its start and of at most the length `largest`, or that of the start.

    The second ball holds the start, so that what is brought back into it comes no farther from the start.
    """
    xp = array_module(z)
    z = start + _shortened(z - start, limit)
    return _shortened(z, xp.maximum(_length(start), largest))


def _shortened(a, most):
    """Rows a (N, L) that are longer than `most`, a number or (N, 1), made so long."""
    xp = array_module(a)
    return a * xp.minimum(most / xp.maximum(_length(a), 1e-12), 1)


def _length(a):
    """|a| of rows (N, L) -> (N, 1)."""
    return array_module(a).sqrt(dot(a, a))[:, None]


def _checked(z, values):
    """Codes and their numbers as float32."""
    z, values = np.asarray(z, "float32"), np.asarray(values, "float32")
    if z.ndim != 2 or values.shape != z.shape[:1] or len(z) < LEAST:
        raise ValueError(
            f"z, values: expected (N, L) and (N,) of {LEAST} rows or more, got {z.shape} and {values.shape}"
        )
    for name, part in (("z", z), ("values", values)):
        if not np.isfinite(part).all():
            raise ValueError(f"{name}: expected finite numbers, got NaN or infinity")
        if not np.ptp(part, axis=0).any():
            raise ValueError(f"{name}: expected some that differ, all are the same")
    return z, values

r"""What the ELBO misses of log p(x), in two parts (Cremer, Li & Duvenaud 2018, "Inference suboptimality in variational
autoencoders", 1801.03558, eq. 5).

    log p(x) - L(q) = [log p(x) - L(q*)] + [L(q*) - L(q)]
                          family gap         amortization gap

q is the encoder's Gaussian of x, q* the diagonal Gaussian that is best for this x alone, L the ELBO.
"""

from typing import NamedTuple

import numpy as np

from ..backend import array_module, place, take, to_numpy
from ..data import batches
from ..densities import log_mean_exp, reparameterize, reparameterize_backward
from ..metrics import check_pair
from ..numeric import at_once
from ..optim import Adam
from ..options import whole
from ..params import Module, Param, replaced
from ..schedules import cosine
from .chunks import VALUES
from .joint import joint_terms


class Gap(NamedTuple):
    """Of each row, in nats: log p(x), the ELBO of q*, and that of the encoder's q, (N,) each."""

    log_px: np.ndarray
    elbo_best: np.ndarray
    elbo: np.ndarray

    @property
    def family(self):
        """What is left when q is the best diagonal Gaussian, (N,): the posterior is no such Gaussian."""
        return self.log_px - self.elbo_best

    @property
    def amortization(self):
        """What optimizing q for one row alone gains, (N,): one encoder serves all rows."""
        return self.elbo_best - self.elbo


def approximation_gap(model, x, rng, y=None, steps=300, draws=8, K=2000, lr=0.1):
    """The gap of each row of x (N, D) in its two parts; the model, gradients included, is left as found.

    Both ELBOs, and log p(x) by importance sampling from q*, are of the same K new draws. In expectation all three are
    at most what they stand for: q* is where Adam ends, and an importance-weighted bound is below log p(x).

    Parameters
    ----------
    model : Model
        With a Gaussian q(z | x), an evidence, and a prior with `kl`.
    x : array (N, D)
    rng : numpy.random.Generator
    y : array, optional
        Of a conditional model.
    steps, draws : int
        Of Adam, and z for each row in each of them, for q*. It begins at the encoder's q.
    K : int
        Draws for the estimates.
    lr : float
        Learning rate of the first step; it falls to 0 along half a cosine.

    Returns
    -------
    Gap

    Raises
    ------
    ValueError
        If an argument is none of these, or the model lacks something.
    """
    steps, draws, K = (whole(1)(*pair) for pair in (("steps", steps), ("draws", draws), ("K", K)))
    x, y = check_pair(x, y, model)
    if not model.has_kl or model.log_weights is None:
        raise ValueError(f"model: expected one with an evidence and a KL of each latent, {type(model).__name__} lacks "
                         "them")  # fmt: skip
    gaps = np.empty((3, len(x)))
    for rows in batches(len(x), at_once(len(x), max(K * model.L, draws * x.shape[1]), VALUES)):
        x_rows, y_rows = place((x[rows], take(y, rows)), like=model.theta)
        encoded = model.encode(x_rows, y=y_rows)
        best = best_gaussian(model, x_rows, rng, y_rows, steps, draws, lr)
        eps = place(model.draw_eps(rng, K, len(rows)), like=model.theta)
        of_best, of_encoder = (_log_weights(model, x_rows, eps, y_rows, q) for q in (best, encoded))
        gaps[:, rows] = log_mean_exp(of_best), of_best.mean(axis=0), of_encoder.mean(axis=0)
    return Gap(*gaps)


def best_gaussian(model, x, rng, y=None, steps=300, draws=8, lr=0.1):
    """(mu, log_var), (N, L) each, of the largest ELBO of each row of x (N, D); x and y on the model's device.

    Adam descends the mean of log q(z) - log p(x, z) by z alone: the parameters of q inside log q(z) are held, whose
    gradient has mean 0. So nothing is left of the noise where q is the posterior (Roeder, Wu & Duvenaud 2017, "Sticking
    the landing", 1703.09194, eq. 5).
    """

    def slopes(mu, log_var):
        eps = place(model.draw_eps(rng, draws, len(x)), like=mu)
        z = reparameterize(mu, log_var, eps=eps)  # (S, N, L)
        _, dz, _, dz_prior = joint_terms(model, x, z, y)
        dz = -(dz + dz_prior) / draws  # of the mean over the draws
        dz -= eps / draws * array_module(mu).exp(-0.5 * log_var)  # log q, whose slope in z is -eps / std
        return reparameterize_backward(dz, mu, log_var, eps=eps)

    return tuple(_descended(model.encode(x, y=y), slopes, steps, lr, like=model.theta))


def best_heads(model, x, rng, steps=400, draws=16, lr=0.05):
    """The heads of the largest ELBO of each row of x (N, D), of any posterior: of a flow, its context as well.

    `model`: an IWAE. Parameters of its posterior that all rows share stay as they are. Adam begins at the encoder's
    heads and descends log q(z | x) - log p(x, z), by as many pairs eps, -eps as `draws` holds.
    """
    pairs = max(draws // 2, 1)

    def slopes(*heads):
        eps = place(model.draw_eps(rng, pairs, len(x)), like=heads[0])
        eps = array_module(eps).concatenate((eps, -eps))
        (z, log_qz_x), cache = model.posterior.forward(heads, eps)
        _, dz, _, dz_prior = joint_terms(model, x, z)
        g = array_module(z).full(log_qz_x.shape, 0.5 / pairs, z.dtype)
        return model.posterior.backward(-(dz + dz_prior) * g[..., None], g, cache, False)

    return _descended(model.encoder(model.seen(x, None)), slopes, steps, lr, like=model.theta)


def _descended(heads, slopes, steps, lr, like):
    """Heads (N, .) each, after `steps` of Adam down `slopes(*heads)`, along half a cosine; placed like theta `like`."""
    q = Heads(*to_numpy(heads))
    q.bind(like.dtype.name, array_module(like).__name__)
    heads = [head.data for head in q.heads]
    adam = Adam(q, lr=cosine(lr, steps), betas=(0.9, 0.95))  # the large gradients of the start are soon forgotten
    for _ in range(steps):
        for head, dhead in zip(q.heads, slopes(*heads), strict=True):
            head.grad[...] = dhead
        adam.step()
    return heads


class Heads(Module):
    """Outputs of an encoder for each row, as parameters: of a Gaussian mu, log_var (N, L)."""

    def __init__(self, *heads):
        self.heads = [Param(head) for head in heads]


def _log_weights(model, x, eps, y, q):
    """log p(x, z) - log q(z) at z = mu + std eps, (K, N) float64, for the Gaussians q = (mu, log_var)."""
    with replaced(model, encoder=lambda seen: q):
        return to_numpy(model.log_weights(x, eps, y=y)).astype("float64")

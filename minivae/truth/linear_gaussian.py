r"""A VAE with exact answers: linear decoder and encoder, Gaussian likelihood of one variance, fixed or learned.

    p(z) = N(0, I),  p(x | z) = N(z W + b, s I),  W (L, D):   p(x) = N(b, C),  C = W' W + s I

It is probabilistic PCA (Tipping & Bishop 1999). The posterior is N(m, S), S = s M^{-1}, m = (x - b) W' M^{-1},
M = W W' + s I; the maximum of the likelihood has the principal subspace of the data, and the ELBO reaches it, since a
rotation makes S diagonal (Lucas et al. 2019, "Don't blame the ELBO", 1911.02469).
"""

import math

import numpy as np

from ..densities import LOG_2PI, kl_standard_normal
from ..densities.low_rank import low_rank_optimum
from ..layers import Dense
from ..likelihoods import Gaussian, GaussianFixed
from ..models import VAE
from ..optim import Adam
from ..schedules import cosine


def build(rng, D=5, L=2, std=0.6, likelihood="gaussian-fixed", diagonal=False):
    """A linear VAE in float64 with normal weights and biases; `likelihood` may also be "gaussian", which learns `std`.

    `diagonal`: orthogonal rows of W, of lengths from 1.3 down to 0.4, so that S is diagonal, as q(z | x) is.
    """
    model = VAE.build((D,), rng, hidden=(), latent=L, likelihood=likelihood, std=std).bind("float64")
    for dense in (model.encoder.layers[0], model.decoder.layers[0]):
        for param in (dense.W, dense.b):
            param.data[...] = 0.7 * rng.standard_normal(param.data.shape)
    if diagonal:
        rows = np.linalg.qr(rng.standard_normal((D, L)))[0].T
        model.decoder.layers[0].W.data[...] = rows * np.geomspace(1.3, 0.4, L)[:, None]
    return model


def weights(model):
    """(W (L, D), b (D,), s) of the decoder x = z W + b + sqrt(s) eps, in float64; ValueError for another model."""
    layers = model.decoder.layers
    likelihood = model.likelihood
    if len(layers) != 1 or not isinstance(layers[0], Dense):
        raise ValueError(f"decoder: expected one Dense, got {', '.join(type(layer).__name__ for layer in layers)}")
    if not isinstance(likelihood, Gaussian | GaussianFixed):
        raise ValueError(f"likelihood: expected Gaussian or GaussianFixed, got {type(likelihood).__name__}")
    W, b = (param.data.astype("float64") for param in (layers[0].W, layers[0].b))
    return W, b, math.exp(likelihood.moments(b)[1][0])


def posterior(model, x):
    """p(z | x) = N(m, S): x (N, D) -> m (N, L), S (L, L), the same for all x   (Tipping & Bishop, sec. 3.1)."""
    W, b, s = weights(model)
    M_inv = np.linalg.inv(W @ W.T + s * np.eye(len(W)))
    return (model.rows(x, "x", len(b)) - b) @ W.T @ M_inv, s * M_inv


def log_evidence(model, x):
    """log p(x) = log N(x; b, C): x (N, D) -> (N,) nats.

    Without C: log |C| = D log s - log |S|, and (x - b) C^{-1} (x - b)' = |x - b - m W|^2 / s + |m|^2.
    """
    W, b, s = weights(model)
    m, S = posterior(model, x)
    error = model.rows(x, "x", len(b)) - b - m @ W
    square = (error**2).sum(axis=1) / s + (m**2).sum(axis=1)
    return -0.5 * (len(b) * (LOG_2PI + math.log(s)) - np.linalg.slogdet(S)[1] + square)


def elbo(model, x):
    """The ELBO without sampling: x (N, D) -> (N,) nats   (Lucas et al. 2019, sec. 4; any encoder).

    E_q |x - b - z W|^2 = |x - b - mu W|^2 + sum_l var_l |W_l|^2.
    """
    W, b, s = weights(model)
    x = model.rows(x, "x", len(b))
    mu, log_var = model.encode(x)
    square = ((x - b - mu @ W) ** 2).sum(axis=1) + np.exp(log_var) @ (W**2).sum(axis=1)
    return -0.5 * (len(b) * (LOG_2PI + math.log(s)) + square / s) - kl_standard_normal(mu, log_var).sum(axis=-1)


def make_posterior_exact(model):
    """Set the linear encoder to the true posterior. ValueError if its covariance is not diagonal."""
    W, b, _ = weights(model)
    A, S = posterior(model, np.eye(len(b)) + b)  # m = (x - b) A, A (D, L)
    off = np.abs(S - np.diag(np.diag(S))).max()
    if not off <= 1e-10 * S.max():
        raise ValueError(
            f"model: expected orthogonal rows of W, got a posterior covariance of {off:.1e} off the diagonal"
        )
    dense = model.encoder.layers[0]
    dense.W.data[...] = np.concatenate([A, 0 * A], axis=1)
    dense.b.data[...] = np.concatenate([-b @ A, np.log(np.diag(S))])


def optimum(x, L, s=None):
    """The `Optimum` of data x (N, D) with L latents, for a fixed variance `s` or, with None, for the best one."""
    x = np.asarray(x, "float64")
    return low_rank_optimum(x.mean(axis=0), np.cov(x.T, bias=True), L, s)


def principal_angle(W, V):
    """Largest angle between the row spaces of W and V, (L, D) each, in degrees: 0 for the same subspace."""
    W, V = (np.linalg.qr(rows.T)[0].T for rows in (W, V))  # orthonormal rows
    cos = np.linalg.svd(V @ W.T, compute_uv=False).min()
    sin = np.linalg.norm(V - V @ W.T @ W, 2)  # exact for small angles, where the arc cosine is not
    return math.degrees(math.atan2(sin, cos))


def train(model, x, steps, rng, lr=0.1):
    """Adam on all rows of x (N, D) at every step, rate falling to 0 along a cosine; eps is sampled, the KL analytic.

    Returns {"step", "elbo", "log_px", "angle"}: (T,) each, at steps that are denser at the start; exact means over x
    in nats, and degrees from the subspace of `optimum`.
    """
    optimizer = Adam(model, lr=cosine(lr, steps))
    V = optimum(x, model.L).W
    shown = set(np.geomspace(1, steps, 120).round().astype(int).tolist())
    history = []
    for t in range(1, steps + 1):
        model.loss_and_grads(x, model.draw_noise(rng, len(x)), t=t)
        optimizer.step()
        if t in shown:
            angle = principal_angle(weights(model)[0], V)
            history.append((t, elbo(model, x).mean(), log_evidence(model, x).mean(), angle))
    return dict(zip(("step", "elbo", "log_px", "angle"), np.array(history).T, strict=True))

"""A VAE whose evidence is known exactly: linear decoder, fixed variance, so p(x) is a Gaussian."""

import numpy as np
from scipy import stats

from minivae.layers import Dense, Network, Split
from minivae.likelihoods import GaussianFixed
from minivae.models import VAE

STD = 0.6


def linear_gaussian(rng, D=5, L=2, orthogonal=False):
    """(VAE, log_px): x = z W + b + STD eps. With orthogonal rows of W the posterior is diagonal."""
    model = VAE(Network(Dense(D, 2 * L, rng), Split(2)), Network(Dense(L, D, rng)), GaussianFixed(STD)).bind("float64")
    model.theta[...] = 0.7 * rng.standard_normal(model.theta.size)
    dense = model.decoder.layers[0]
    if orthogonal:
        dense.W.data[...] = np.linalg.qr(rng.standard_normal((D, L)))[0].T * np.array([[1.3], [0.4]])[:L]
    W, b = dense.W.data, dense.b.data

    def log_px(x):
        return stats.multivariate_normal(b, W.T @ W + STD**2 * np.eye(D)).logpdf(x)

    return model, log_px


def make_posterior_exact(model):
    """Set the encoder to the true posterior: N(M^-1 W (x - b), STD^2 M^-1), M = W W' + STD^2 I, diagonal here."""
    W, b = model.decoder.layers[0].W.data, model.decoder.layers[0].b.data
    M = np.diag(W @ W.T) + STD**2
    A = (W / M[:, None]).T  # (D, L)
    encoder = model.encoder.layers[0]
    encoder.W.data[...] = np.concatenate([A, 0 * A], axis=1)
    encoder.b.data[...] = np.concatenate([-b @ A, np.log(STD**2 / M)])

"""A better p(z) of an autoencoder, once it is trained: a mixture of Gaussians that is fitted to its codes.

Ex-post density estimation (Ghosh et al. 2020, "From variational to deterministic autoencoders", 1903.12436, sec. 4).
"""

import warnings

import numpy as np

from ..backend import generator, place
from ..options import whole
from ..params import Constant
from ..priors import FittedMixture
from .latents import codes

ROWS = 10_000  # codes that a mixture is fitted to, at most
LEAST = 1e-4  # variance that is added to each direction, of codes whose variances are 1


def has_no_prior(model):
    """Whether each x has one code z, and nothing says how likely a z is."""
    return model.latent == "point" and getattr(model, "prior", None) is None


def mixture_of_codes(model, x, C, seed=0):
    """p(z), a `FittedMixture` of C Gaussians of any covariance, of the codes of rows x (N, D), 10,000 of them at most.

    By expectation maximization, from a start that depends on `seed`. Set as `model.prior` of an AE it is what `sample`
    draws from. Raises ValueError for a model that has a prior, and for fewer rows than Gaussians.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    C = whole(1)("mixture", C)
    if not has_no_prior(model):
        raise ValueError(f"mixture: expected a model with codes and without a prior, got {type(model).__name__}")
    if len(x) < C:
        raise ValueError(f"mixture: expected at most as many Gaussians as rows, {len(x)}, got {C}")
    rng = generator(seed, "sample", 2)
    z = codes(model, x[np.sort(rng.permutation(len(x))[:ROWS])]).astype("float64")
    mean, std = z.mean(axis=0), z.std(axis=0)
    std = np.where(std > 0, std, 1.0)
    fitted = GaussianMixture(C, reg_covar=LEAST, random_state=int(rng.integers(2**31)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a mixture that still moves a little is one, too
        fitted.fit((z - mean) / std)
    R = np.linalg.cholesky(fitted.covariances_).swapaxes(1, 2)  # covariance R' R
    prior = FittedMixture(fitted.weights_, mean + std * fitted.means_, R * std)
    for constant in prior.named(Constant).values():
        constant.data = place(constant.data, like=model.theta)
    return prior

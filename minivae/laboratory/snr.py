r"""How much of the encoder's gradient is signal, when more samples make the bound tighter (Rainforth et al. 2018,
"Tighter variational bounds are not necessarily better", 1802.04537).

    SNR = |E g| / sqrt(E |g - E g|^2),  g the gradient that the encoder gets in one step

For an IWAE of K samples, with the reparameterized gradient, E g falls like 1 / K and the standard deviation of g like
1 / sqrt(K), so that the SNR falls like 1 / sqrt(K) (theorem 1). The doubly reparameterized gradient has the same mean
and a standard deviation that falls like K^(-3/2): its SNR rises like sqrt(K) (Tucker et al. 2019, 1810.04152). Both
laws are of a K at which the weights are no longer dominated by a few samples.
"""

import math
from typing import NamedTuple

import numpy as np

from ..layers import Dense, Network, Split
from ..likelihoods import GaussianFixed
from ..models.iwae import GRADIENTS, IWAE
from ..params import replaced


class Ratio(NamedTuple):
    """Signal over noise, and its standard error."""

    snr: float
    error: float


def gradients_of(model, x, K, gradient, S, rng):
    """What the encoder of an IWAE gets from x (N, D) in each of S draws: (S, P). `gradient` and K replace the model's.

    Changes `model.grad`.
    """
    names = model.below("encoder")
    grads = []
    with replaced(model, K=K, doubly=gradient == "doubly"):
        for _ in range(S):
            model.loss_and_grads(x, model.draw_noise(rng, len(x)))
            grads.append(np.concatenate([model.params[name].grad.ravel() for name in names]))
    return np.array(grads, "float64")


def moments(grads):
    """|E g|^2 and E |g - E g|^2 without bias, (1 + S,) each: of gradients (S, P), then of all but each one of them.

    |E g|^2 is the mean of g_i g_j over the pairs i != j.
    """
    S = len(grads)
    A = grads @ grads.T
    own, others = np.diag(A), A.sum(axis=1)
    n = np.r_[S, np.full(S, S - 1)]
    squares = np.r_[own.sum(), own.sum() - own]
    signal = (np.r_[A.sum(), A.sum() - 2 * others + own] - squares) / (n * (n - 1))
    return signal, squares / n - signal


def signal_to_noise(model, x, Ks, S, rng):
    """{gradient: {K: Ratio}} of the encoder of an IWAE as it stands, with K samples in its bound: x (N, D), S draws.

    E g is the same for both gradients, and taken from the draws of the doubly reparameterized one, which know it
    better; where they do not, the SNR is 0. Errors are the jackknife's. Changes `model.grad`.
    """
    found = {gradient: {} for gradient in GRADIENTS}
    for K in Ks:
        parts = {gradient: moments(gradients_of(model, x, K, gradient, S, rng)) for gradient in GRADIENTS}
        signal = np.maximum(parts["doubly"][0], 0)
        for gradient, (_, noise) in parts.items():
            snr, *without = np.sqrt(signal / noise)
            found[gradient][K] = Ratio(float(snr), math.sqrt((S - 1) * np.var(without)))
    return found


def near_the_optimum(D, rng, off=0.01):
    """An IWAE of p(x | z) = N(z, I), z of D latents, and q(z | x) = N(x / 2, 2/3 I): its mean is the exact one, x / 2.

    Then all parameters are moved by draws from N(0, off^2), as in the paper's section 4.
    """
    encoder, decoder = Network(Dense(D, 2 * D, rng), Split(2)), Network(Dense(D, D, rng))
    model = IWAE(encoder, decoder, GaussianFixed(1.0)).bind("float64")
    to_heads, to_x = encoder.layers[0], decoder.layers[0]
    model.theta[...] = 0
    to_heads.W.data[:, :D], to_heads.b.data[D:], to_x.W.data[...] = np.eye(D) / 2, math.log(2 / 3), np.eye(D)
    model.theta += off * rng.standard_normal(model.theta.size)
    return model

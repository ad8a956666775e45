r"""Four densities p(z) = exp(-U(z)) / Z in two dimensions that no Gaussian fits, and flows that are fitted to them
(Rezende & Mohamed 2015, "Variational Inference with Normalizing Flows", 1505.05770, table 1 and figure 3).

    U1 = ((|z| - 2) / 0.4)^2 / 2 - log(exp(-((z1 - 2) / 0.6)^2 / 2) + exp(-((z1 + 2) / 0.6)^2 / 2))
    U2 = ((z2 - w1) / 0.4)^2 / 2
    U3 = -log(exp(-((z2 - w1) / 0.35)^2 / 2) + exp(-((z2 - w1 + w2) / 0.35)^2 / 2))
    U4 = -log(exp(-((z2 - w1) / 0.4)^2 / 2) + exp(-((z2 - w1 + w3) / 0.35)^2 / 2))

    w1 = sin(pi z1 / 2),  w2 = 3 exp(-((z1 - 1) / 0.6)^2 / 2),  w3 = 3 sigmoid((z1 - 1) / 0.3)

U2 to U4 go on along z1 for ever, and have no Z. The paper shows them between -4 and 4: there a wall is added here,
((|z1| - 4) / 0.2)^2 / 2 outside.

A flow z = f(z0), z0 ~ N(0, I), has q(z) = N(z0; 0, I) / |det df / dz0|. Its free energy is a bound that needs no Z:

    F = E_q[log q(z) + U(z)] = KL(q || p) - log Z >= -log Z                                             (eq. 15)
"""

import math

import numpy as np

from ..densities import standard_normal_log_prob
from ..flows import Chain, Planar, Unconditional
from ..numeric import sigmoid, softplus
from ..optim import Adam
from ..schedules import cosine

EDGE = 4.0  # of what is shown

# ---- Energies: z (..., 2) -> U (...), dU / dz (..., 2)


def two_moons(z):
    r = np.sqrt((z * z).sum(axis=-1))
    ring, slope = _square(r, 2, 0.4)
    peaks, along = _either(_square(z[..., 0], 2, 0.6), _square(z[..., 0], -2, 0.6))
    dz = (slope / np.maximum(r, 1e-12))[..., None] * z
    return ring + peaks, dz + _columns(along, 0 * along)


def wave(z):
    w, dw = _w1(z[..., 0])
    U, slope = _square(z[..., 1], w, 0.4)
    return _walled(z, U, _columns(-slope * dw, slope))


def split_wave(z):
    """The lower branch leaves the wave near z1 = 1 and comes back."""
    w2 = 3 * np.exp(-0.5 * ((z[..., 0] - 1) / 0.6) ** 2)
    return _two_waves(z, w2, -w2 * (z[..., 0] - 1) / 0.6**2, 0.35)


def fork(z):
    """The lower branch leaves the wave at z1 = 1 for good."""
    s = sigmoid((z[..., 0] - 1) / 0.3)
    return _two_waves(z, 3 * s, 3 * s * (1 - s) / 0.3, 0.4)


ENERGIES = {"U1": two_moons, "U2": wave, "U3": split_wave, "U4": fork}


def _two_waves(z, below, dbelow, std):
    """Of the wave w1 of width std, and of the same, `below` (...) lower, of width 0.35."""
    w, dw = _w1(z[..., 0])
    (a, da), (b, db) = _square(z[..., 1], w, std), _square(z[..., 1], w - below, 0.35)
    U, dz2 = _either((a, da), (b, db))
    _, dz1 = _either((a, -da * dw), (b, -db * (dw - dbelow)))
    return _walled(z, U, _columns(dz1, dz2))


def _w1(z1):
    return np.sin(math.pi / 2 * z1), math.pi / 2 * np.cos(math.pi / 2 * z1)


def _square(a, mean, std):
    """((a - mean) / std)^2 / 2, and its slope in a."""
    e = (a - mean) / std
    return 0.5 * e * e, e / std


def _either(first, second):
    """-log(exp(-a) + exp(-b)) and its slope, from (a, slope of a) and (b, slope of b)."""
    (a, da), (b, db) = first, second
    share = sigmoid(b - a)  # exp(-a) / (exp(-a) + exp(-b))
    return a - softplus(a - b), share * da + (1 - share) * db


def _walled(z, U, dz):
    out = np.sign(z[..., 0]) * np.maximum(np.abs(z[..., 0]) - EDGE, 0)
    wall, slope = _square(out, 0, 0.2)
    return U + wall, dz + _columns(slope, 0 * slope)


def _columns(dz1, dz2):
    return np.stack((dz1, dz2), axis=-1)


# ---- Flows: from and to N(0, I)


def planar(T, rng):
    """T planar flows of two latents, one after another, which start near the identity."""
    return Chain(*(Unconditional(Planar(2), rng) for _ in range(T)))


def free_energy(energy, flow, z0, weight=1.0):
    """E_q[log q(z) + weight U(z)] of the draws z = f(z0), z0 (N, 2); its gradient is added to the flow's."""
    (z, log_det), cache = flow.forward(z0)
    U, dz = energy(z)
    n = len(z0)
    flow.backward(weight / n * dz, np.full(n, -1 / n), cache)  # forward was -log_det + weight U
    return float((standard_normal_log_prob(z0) - log_det + weight * U).mean())


def fit(energy, flow, rng, steps=2000, batch_size=200, lr=0.01):
    """Minimize the free energy of a flow, which is bound here, by Adam; lr falls to 0 along half a cosine.

    U counts little at first, by a weight that rises from 0.01 to 1 over the first half, so that q does not settle in
    the first mode that it meets (the paper, eq. 20).
    """
    flow.bind("float64")
    optimizer = Adam(flow, lr=cosine(lr, steps))
    for t in range(steps):
        flow.zero_grad()
        free_energy(energy, flow, rng.standard_normal((batch_size, 2)), min(1, 0.01 + 2 * t / steps))
        optimizer.step()
    return flow


def log_density(flow, z):
    """log q(z) (...) of z (..., 2), through the inverse of the flow."""
    z0 = flow.inverse(z)
    (_, log_det), _ = flow.forward(z0)
    return standard_normal_log_prob(z0) - log_det


def square_of(n, edge=EDGE):
    """n times n points (n, n, 2) in the middles of equal squares, rows upwards, and the area of one."""
    side = edge * (2 * np.arange(n) + 1 - n) / n
    return np.stack(np.meshgrid(side, side), axis=-1), (2 * edge / n) ** 2


def partition(energy, n=400, edge=7.0):
    """Z, the integral of exp(-U), by a sum over a square that holds all of it."""
    z, area = square_of(n, edge)
    return float(np.exp(-energy(z)[0]).sum() * area)


def divergence(energy, flow, n=400, edge=7.0):
    """KL(q || p) in nats, by a sum over the same square; what q has outside is left out."""
    z, area = square_of(n, edge)
    log_q = log_density(flow, z)
    return float((np.exp(log_q) * (log_q + energy(z)[0] + math.log(partition(energy, n, edge)))).sum() * area)

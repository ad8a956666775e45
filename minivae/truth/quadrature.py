r"""The true log p(x) of a VAE with one or two latents, by quadrature; and with it what the bounds on it miss.

    log p(x) = log \int p(x | z) p(z) dz ~ log sum_i h^L |A| p(x | z_i) p(z_i),   z_i = mode + A u_i

u_i is a grid of step h around the mode of p(z | x), and A A' the inverse of the curvature there: in u the posterior is
about N(0, I), whatever its width. For a smooth integrand that vanishes at the ends the equal weights of the trapezoid
rule are exact up to terms like exp(-2 pi^2 / h^2) (Trefethen & Weideman 2014, "The exponentially convergent trapezoidal
rule"). Every result is compared with half the nodes and with two thirds of the range, and refined until neither moves
it by 1e-8 nats.
"""

import math
from typing import NamedTuple

import numpy as np

from ..densities import gaussian_log_prob, log_mean_exp
from ..evaluate.joint import joint_terms
from ..params import replaced

TOLERANCE = 1e-8  # nats
STEP = 0.4  # of the first grid, in standard deviations; twice that is wrong by 1e-13 on a Gaussian
REACH = 8.0  # standard deviations that a grid spans at least, to either side
DEPTH = 40.0  # nats below the highest node of the prior's grid down to which nodes are kept in the range
MOST_NODES = 2**20


def log_evidence_by_quadrature(model, x):
    """log p(x), right to 1e-8 nats: x (N, D) -> (N,) float64.

    `model`: a VAE in float64 with one or two latents; any likelihood, a smooth decoder (tanh, not ReLU). ValueError for
    another number of latents, for float32, and where 2^20 nodes are not enough.
    """
    return np.array([
        _integrate(lambda z, x=row: log_joint(model, x, z), *posterior_frame(model, row), _evidence)
        for row in _rows(model, x)
    ])  # fmt: skip


def elbo_by_quadrature(model, x):
    """The ELBO without sampling, and its gap KL(q(z | x) || p(z | x)): x (N, D) -> two arrays (N,), nats.

    Both are sums over the posterior's nodes: E_q[log p(x | z)] less the analytic KL to the prior, and the KL between
    the two densities made to sum to 1 there. The gap uses neither log p(x) nor the ELBO, so ELBO + gap = log p(x) is a
    check. Arguments and ValueErrors as above; the latter also where no grid holds both q and the posterior.
    """
    x = _rows(model, x)
    mu, log_var = model.encode(x)
    results = np.empty((len(x), 2))
    for n, row in enumerate(x):

        def f(z, n=n, row=row):
            return np.stack([*log_joint(model, row, z), gaussian_log_prob(z, mu[n], log_var[n])])

        results[n] = _integrate(f, *posterior_frame(model, row), _elbo_and_gap)
    results[:, 0] -= model.prior.kl(mu, log_var).sum(axis=-1)
    return results[:, 0], results[:, 1]


def elbo_over_noise(model, x, heads=None, tolerance=TOLERANCE):
    """The ELBO of any posterior that makes z of eps ~ N(0, I), flows too, without sampling: x (N, D) -> (N,) nats.

    A sum of log p(x, z) - log q(z | x) over a grid of eps, which is made finer until halving it moves nothing by
    `tolerance` nats. `heads`: of each row, in the place of the encoder's. Model and ValueErrors as above.
    """
    x = _rows(model, x)
    heads = model.encoder(model.seen(x, None)) if heads is None else heads
    return np.array([
        _over_noise(model, x[n : n + 1], [head[n : n + 1] for head in heads], tolerance) for n in range(len(x))
    ])  # fmt: skip


def _over_noise(model, x, heads, tolerance):
    """E[log w] of one row x (1, D)."""
    found = math.nan
    for step in 0.4, 0.2, 0.1, 0.05, 0.025:
        axis = step * np.arange(-round(REACH / step), round(REACH / step) + 1)
        eps = np.stack(np.meshgrid(*[axis] * model.L), axis=-1).reshape(-1, 1, model.L)
        mass = np.exp(-0.5 * (eps * eps).sum(axis=(1, 2)))
        seen = mass > 1e-13
        with replaced(model, encoder=lambda seen: heads):
            finer = (mass[seen] @ model.log_weights(x, eps[seen])[:, 0]) / mass[seen].sum()
        if abs(finer - found) < tolerance:
            return finer
        found = finer
    raise ValueError(f"model: the mean over eps still moves at steps of {step}; expected a smooth decoder (no ReLU)")


def log_joint(model, x, z):
    """(log p(x | z), log p(z)), stacked: one example x (D,), z (M, L) -> (2, M) nats."""
    log_px_z = model.in_parts(lambda z: model.likelihood.forward(x, model.decoder(z))[0], z, 256)
    return np.stack([log_px_z, model.prior.forward(z)[0]])


def log_joint_gradient(model, x, z):
    """d log p(x, z) / dz by the hand-written backward passes: x (D,), z (M, L) -> (M, L)."""
    _, dz, _, dz_prior = joint_terms(model, x, z)
    return dz + dz_prior


def posterior_frame(model, x):
    """(mode (L,), A (L, L), reach (L,)) of p(z | x), x (D,): a grid over |u| <= reach at mode + A u holds all its mass.

    Newton steps find the mode from the highest node of a coarse grid over the prior; the reach takes in all high nodes
    of that grid, so that a second mode far away is not missed.
    """
    L = model.L
    axis = np.linspace(-5, 5, 41)
    coarse = np.stack(np.meshgrid(*[axis] * L, indexing="ij"), axis=-1).reshape(-1, L)
    height = log_joint(model, x, coarse).sum(axis=0)
    z = coarse[height.argmax()]
    top = height.max()
    if not math.isfinite(top):
        raise FloatingPointError(f"model: log p(x, z) is {top} on a grid over the prior")
    for _ in range(20):
        gradient, curvature, V = _curvature(model, x, z)
        step = V @ (V.T @ gradient / curvature)
        sizes = z + 0.5 ** np.arange(20)[:, None] * step  # the longest part of the step that climbs
        heights = log_joint(model, x, sizes).sum(axis=0)
        climbs = np.flatnonzero(heights > top)
        if not len(climbs):
            break
        z, top = sizes[climbs[0]], heights[climbs[0]]
    _, curvature, V = _curvature(model, x, z)
    u = (coarse[height > height.max() - DEPTH] - z) @ V * np.sqrt(curvature)
    return z, V / np.sqrt(curvature), 1.5 * np.maximum(REACH, np.abs(u).max(axis=0))


def _curvature(model, x, z, h=1e-4):
    """Gradient of log p(x, z), and eigenvalues and eigenvectors of minus its Hessian, by differences of the gradient.

    The eigenvalues are made positive and at least 1, the prior's own, so that a Newton step climbs and stays short.
    """
    L = len(z)
    moves = h * np.concatenate([np.zeros((1, L)), np.eye(L), -np.eye(L)])
    g = log_joint_gradient(model, x, z + moves)
    H = (g[1 : L + 1] - g[L + 1 :]) / (2 * h)
    e, V = np.linalg.eigh(-(H + H.T) / 2)
    return g[0], np.maximum(np.abs(e), 1), V


def _integrate(f, center, A, reach, total):
    """`total(logs (k, ...), log_dz)` over a grid around `center`, once it no longer moves: f(z (M, L)) -> logs (k, M).

    One grid gives three totals: of all nodes, of every second one, and of the inner two thirds of the range.
    """
    L = len(center)
    h = STEP
    while True:
        n = 2 * np.ceil(reach / (2 * h)).astype(int)  # nodes to either side of the center; even, to halve them
        if (2 * n + 1).prod() > MOST_NODES:
            raise ValueError(f"model: the integral over z still moves at {MOST_NODES} nodes; expected a smooth decoder "
                             "(no ReLU), and q(z | x) near the posterior")  # fmt: skip
        u = h * np.stack(np.meshgrid(*[np.arange(-k, k + 1) for k in n], indexing="ij"), axis=-1)
        logs = f(center + u.reshape(-1, L) @ A.T).reshape(-1, *(2 * n + 1))
        log_dz = np.linalg.slogdet(A)[1] + L * math.log(h)
        every_second = (slice(None), *[slice(None, None, 2)] * L)
        inner = (slice(None), *[slice(k // 3, 2 * k + 1 - k // 3) for k in n])
        result = total(logs, log_dz)
        wide = np.all(np.abs(total(logs[inner], log_dz) - result) < TOLERANCE)
        fine = np.all(np.abs(total(logs[every_second], log_dz + L * math.log(2)) - result) < TOLERANCE)
        if wide and fine:
            return result
        h, reach = (h / 2, reach) if wide else (h, 1.5 * reach)  # ends that do not vanish spoil the rule at any h


def _evidence(logs, log_dz):
    """log sum_i p(x | z_i) p(z_i) dz."""
    return _log_sum(logs[0] + logs[1]) + log_dz


def _elbo_and_gap(logs, log_dz):
    """sum_i q_i log p(x | z_i) and sum_i q_i log(q_i / p_i), both densities normalized over the nodes."""
    log_px_z, log_pz, log_q = logs
    log_p, log_q = (a - _log_sum(a) for a in (log_px_z + log_pz, log_q))
    q = np.exp(log_q)
    return np.array([(q * log_px_z).sum(), (q * (log_q - log_p)).sum()])


def _log_sum(logs):
    """log sum_i exp(logs_i) over all nodes."""
    return log_mean_exp(logs.ravel()) + math.log(logs.size)


def bound_by_quadrature(model, x, Ks):
    """E[log 1/K sum_k w_k], the bound of K samples, without sampling: x (N, D) -> (len(Ks), N) nats.

    With r = w / p(x) and phi(t) = E[exp(-t r)], E[log 1/K sum_k r_k] = int_0^inf (exp(-t) - phi(t / K)^K) dt / t, since
    log s = int_0^inf (exp(-t) - exp(-s t)) dt / t. Both integrals are sums over equal steps, of eps and of log t.
    `model`: a VAE of one latent, as for `log_evidence_by_quadrature`, which says what is raised.
    """
    if model.L != 1:
        raise ValueError(f"model: expected one latent, got {model.L}")
    log_px = log_evidence_by_quadrature(model, x)
    eps = np.linspace(-12, 12, 2401)
    mass = np.exp(gaussian_log_prob(eps[:, None], np.zeros(1), np.zeros(1))) * (eps[1] - eps[0])  # (M,)
    r = np.exp(model.log_weights(_rows(model, x), np.broadcast_to(eps[:, None, None], (len(eps), len(x), 1))) - log_px)
    u = np.linspace(-40, 120, 3201)  # log t
    t = np.exp(u)
    bounds = np.empty((len(Ks), len(x)))
    for i, K in enumerate(Ks):
        for n in range(len(x)):
            # phi(t / K)^K; near t = 0 by 1 - phi, which rounding would lose
            phi = -(mass[:, None] * np.expm1(-np.outer(r[:, n], t / K))).sum(axis=0)
            bounds[i, n] = (-np.expm1(K * np.log1p(-np.minimum(phi, 1))) + np.expm1(-t)).sum() * (u[1] - u[0])
    return bounds + log_px


def bound_bias(model, x, log_px, Ks, draws, rng):
    """log p(x) - E[log 1/K sum_k w_k] of the importance-weighted bound (Burda et al. 2016, eq. 8), nats.

    The same `draws` weights of each row are cut into draws / K bounds, for each K. The mean of r = 1/K sum_k w_k / p(x)
    is known to be 1, so r - 1 serves as a control variate: E[log r] is the mean of log r - c (r - 1), c the regression
    of log r on r, which at large K varies far less than log r.

    Parameters
    ----------
    x : array (N, D)
    log_px : array (N,)
        As `log_evidence_by_quadrature` gives it.
    Ks : sequence of int
        Each divides `draws`.

    Returns
    -------
    bias, error : arrays (len(Ks), N)
        Estimates and their standard errors.
    variance : array (N,)
        Of w / p(x) over the draws; the bias at large K is about variance / (2 K) (delta method). Where a
        decoder saturates, p(z | x) has tails as wide as the prior's: a narrower q has a finite one in its draws only.
    """
    if any(draws % K or draws == K for K in Ks):
        raise ValueError(f"Ks: expected proper divisors of {draws} draws, got {tuple(Ks)}")
    sizes = [min(4096, draws - i) for i in range(0, draws, 4096)]
    log_w = [model.log_weights(x, rng.standard_normal((size, len(x), model.L))) for size in sizes]
    ratio = np.exp(np.concatenate(log_w) - log_px)  # (draws, N)
    bias = []
    error = []
    for K in Ks:
        r = ratio.reshape(-1, K, len(x)).mean(axis=1)
        log_r = np.log(r)
        d = r - r.mean(axis=0)
        c = (d * log_r).mean(axis=0) / np.maximum((d * d).mean(axis=0), 1e-30)  # 0 / 0 for the exact posterior
        samples = c * (r - 1) - log_r
        bias.append(samples.mean(axis=0))
        error.append(samples.std(axis=0, ddof=1) / math.sqrt(len(r)))
    return np.array(bias), np.array(error), ratio.var(axis=0)


class BoundAndGap(NamedTuple):
    """Of one example and a model of two latents: bounds of K samples, and p(z | x) beside q(z | x).

    `bias`, `error` (K's,): how far each bound is below log p(x), nats; `variance` of w / p(x). `gap`: of the ELBO.
    `density` (n, n): p(z | x) on a grid of two `axes`; above the two `levels` it has 86 % and 39 % of its mass. `mu`,
    `std` (2,): of q(z | x).
    """

    Ks: np.ndarray
    bias: np.ndarray
    error: np.ndarray
    variance: float
    gap: float
    axes: list
    density: np.ndarray
    levels: list
    mu: np.ndarray
    std: np.ndarray


def bound_and_gap(model, x, rng, draws=2**20):
    """The BoundAndGap of one example x (1, D), for a model of two latents; 1024 divides `draws`, at least twice."""
    if model.L != 2:
        raise ValueError(f"model: expected two latents, got {model.L}")
    log_px = log_evidence_by_quadrature(model, x)
    Ks = 2 ** np.arange(11)
    bias, error, variance = bound_bias(model, x, log_px, Ks, draws, rng)
    gap = elbo_by_quadrature(model, x)[1][0]
    mu, log_var = (a[0] for a in model.encode(x))
    mode, A, _ = posterior_frame(model, x[0])
    std = np.exp(0.5 * log_var)
    half = 4 * max(std.max(), np.sqrt((A**2).sum(axis=1)).max()) + np.abs(mode - mu).max() / 2
    axes = [c + np.linspace(-half, half, 201) for c in (mode + mu) / 2]
    z = np.stack(np.meshgrid(*axes), axis=-1)
    density = np.exp(log_joint(model, x[0], z.reshape(-1, 2)).sum(axis=0).reshape(z.shape[:2]) - log_px)
    ordered = np.sort(density.ravel())[::-1]
    mass = ordered.cumsum() / density.sum()
    levels = [ordered[np.searchsorted(mass, 1 - math.exp(-(k**2) / 2))] for k in (2, 1)]
    return BoundAndGap(Ks, bias[:, 0], error[:, 0], variance[0], gap, axes, density, levels, mu, std)


def _rows(model, x):
    """x (N, D), once the model is one that this file can integrate over."""
    if model.L not in (1, 2):
        raise ValueError(f"model: expected one or two latents, got {model.L}")
    if model.theta.dtype != "float64":
        raise ValueError(f"model: expected float64, got {model.theta.dtype}; bind it by model.bind('float64')")
    return model.rows(x, "x", model.encoder.n_in)

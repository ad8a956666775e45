r"""Five estimators of the gradient of the ELBO with respect to the encoder, on one network, beside the exact gradient.

With z = mu + std eps, log w = log p(x | z) + log p(z) - log q(z | x) and loss = -E_eps[log w], averaged over examples,

    pathwise          d/d(mu, log_var) of  KL(q || p) - log p(x | z(mu, log_var))     (Kingma & Welling 2013, eq. 7)
    sampled KL        d/d(mu, log_var) of  -log w at z(mu, log_var): the KL by its sample, too   (the same, eq. 6)
    path derivative   the same without the derivative of log q at fixed z: only through z      (Roeder et al. 2017)
    score function    -log w times the derivative of log q at fixed z                          (Williams 1992)
    score, baseline   -(log w - b(x)) times the same                                           (Mnih & Gregor 2014)

Mnih and Gregor learn their b(x); here it is log w at z = mu, which MuProp starts from (Gu et al. 2016). All five have
the same mean, since E_q[d log q at fixed z] = 0, and very different variances. They differ only in (dmu, dlog_var),
what is sent back into the encoder: the rest is `encoder.backward`, which is linear, so that one Jacobian turns all
draws at once into gradients. The decoder's is the same for all five. beta is 1, no bits are free.
"""

import math
from typing import NamedTuple

import numpy as np

from ..densities import gaussian_log_prob, gaussian_log_prob_backward, reparameterize, reparameterize_backward
from ..gradcheck.compare import norm
from ..tables import aligned

Z = 4.0  # of a squared bias, above which chance does not explain it

# ---- Estimators: x (N, D), eps (S, N, L) -> (dmu, dlog_var), each (S, N, L): d loss in nats, for each of S draws


def pathwise(model, x, eps):
    """Through z = mu + std eps, with the KL in closed form: what VAE.loss_and_grads does."""
    mu, log_var, z = _sample(model, x, eps)
    _, dz = model.log_px_z_and_slope(x, z)
    dmu, dlog_var = reparameterize_backward(-dz / len(x), mu, log_var, eps=eps)
    dmu_kl, dlog_var_kl = model.prior.kl_backward(np.full(z.shape, 1 / len(x)), mu, log_var, accumulate=False)
    return dmu + dmu_kl, dlog_var + dlog_var_kl


def pathwise_sampled_kl(model, x, eps):
    """The whole derivative of -log w: the path through z, and that of log q at fixed z."""
    _, path, score = _log_w(model, x, eps)
    return tuple((direct - through) / len(x) for through, direct in zip(path, score, strict=True))


def path_derivative(model, x, eps):
    """Sticking the landing: 0 at every eps where q(z | x) = p(z | x), since log w is log p(x) at every z there."""
    _, path, _ = _log_w(model, x, eps)
    return tuple(-through / len(x) for through in path)


def score_function(model, x, eps, baseline=0.0):
    """REINFORCE: needs no gradient of the decoder. Unbiased for any baseline (N,) that does not depend on eps."""
    log_w, _, score = _log_w(model, x, eps)
    return tuple((baseline - log_w)[..., None] / len(x) * direct for direct in score)


def score_function_baseline(model, x, eps):
    """The baseline is log w at eps = 0: a function of x alone, so exactly unbiased, and log p(x) where q = p(z | x)."""
    return score_function(model, x, eps, model.log_weights(x, np.zeros((1, *eps.shape[1:])))[0])


ESTIMATORS = {
    "pathwise": pathwise,
    "sampled KL": pathwise_sampled_kl,
    "path derivative": path_derivative,
    "score function": score_function,
    "score, baseline": score_function_baseline,
}


def _sample(model, x, eps):
    """mu, log_var, z, each (S, N, L): repeated for every draw, so that the draws keep their gradients apart."""
    mu, log_var = (np.broadcast_to(a, eps.shape) for a in model.encoder(x))
    return mu, log_var, reparameterize(mu, log_var, eps=eps)


def _log_w(model, x, eps):
    """log w (S, N), its derivative by (mu, log_var) through z, and that of log q at fixed z: two pairs of (S, N, L)."""
    mu, log_var, z = _sample(model, x, eps)
    log_px_z, dz = model.log_px_z_and_slope(x, z)
    log_pz, c_z = model.prior.forward(z)
    ones = np.ones_like(log_pz)
    dz_q, *score = gaussian_log_prob_backward(ones, z, mu, log_var)
    dz = dz + model.prior.backward(ones, c_z, accumulate=False) - dz_q
    path = reparameterize_backward(dz, mu, log_var, eps=eps)
    return log_px_z + log_pz - gaussian_log_prob(z, mu, log_var), path, score


# ---- From draws to gradients


def encoder_gradient(estimator, model, x, eps):
    """One estimate of d loss / d (the encoder's P parameters): x (N, D), eps (N, L) -> (P,). Changes `model.grad`."""
    dmu, dlog_var = estimator(model, x, eps[None])
    return _encoder_backward(model, model.encoder.forward(x)[1], dmu[0], dlog_var[0])


def encoder_jacobian(model, x):
    """(2 N L, P): `latent_gradients @ jacobian` is `encoder_gradient` for all draws at once. Changes `model.grad`."""
    (mu, _), cache = model.encoder.forward(x)
    units = np.eye(2 * mu.size).reshape(-1, len(x), 2, mu.shape[-1])  # 1 in one number of (dmu, dlog_var), 0 elsewhere
    return np.array([_encoder_backward(model, cache, unit[:, 0], unit[:, 1]) for unit in units])


def _encoder_backward(model, cache, dmu, dlog_var):
    model.zero_grad()
    model.encoder.backward((dmu, dlog_var), cache, need_dx=False)
    return np.concatenate([model.params[name].grad.ravel() for name in model.below("encoder")])


def latent_gradients(estimator, model, x, eps, part=100):
    """What each draw sends into the encoder, `part` draws at a time: eps (S, N, L) -> (S, 2 N L)."""
    pieces = (np.concatenate(estimator(model, x, eps[i : i + part]), axis=-1) for i in range(0, len(eps), part))
    return np.concatenate([piece.reshape(len(piece), -1) for piece in pieces])


def quadrature(n, L):
    """E over eps ~ N(0, I): equidistant nodes (., L), n from -9 to 9 per latent, and weights, those of 1e-20 left out.

    For smooth functions the error of such a sum falls geometrically in n, to rounding (Trefethen & Weideman 2014).
    """
    node = 9 * (2 * np.indices((n,) * L).reshape(L, -1).T + 1 - n) / n
    w = np.exp(-0.5 * (node * node).sum(axis=1))
    w /= w.sum()
    return node[w > 1e-20], w[w > 1e-20]


def exact_latent_gradient(estimator, model, x):
    """E over eps of `latent_gradients`, (2 N L,), to 1e-9 of its norm, for one or two latents.

    The loss is a sum over examples with an eps each, so one node serves all examples: sum_k w_k latent_gradient(eps_k).
    The nodes per latent are doubled until that changes nothing. Raises ValueError where 512 of them are too few.
    """
    mean = math.inf
    for n in (32, 64, 128, 256, 512):
        eps, w = quadrature(n, model.L)
        last = mean
        mean = w @ latent_gradients(estimator, model, x, np.repeat(eps[:, None], len(x), axis=1))
        if norm(mean - last) < 1e-9 * norm(mean):
            return mean
    raise ValueError(f"exact gradient: expected a quadrature that settles, got changes at {n} nodes per latent")


# ---- Bias and variance


class Estimate(NamedTuple):
    """Of one estimator in one layer, relative to the exact gradient's norm. Biases are NaN where that is not known."""

    bias: float  # |mean - exact| / |exact|
    bias_error: float  # its standard error
    chance: float  # what an unbiased estimator shows with so many draws: sqrt(tr(cov) / S) / |exact|
    z: float  # of the squared bias, about N(0, 1) where there is none; above Z the estimator is biased
    variance: float  # of one draw: tr(cov) / |exact|^2
    variance_error: float  # its standard error


class Study(dict):
    """{layer: {estimator: Estimate}}, last the whole "encoder"; printed as a table. `N` examples, `S` draws of eps."""

    @property
    def biased(self):
        """Names of the estimators whose bias, in some layer, is more than chance gives."""
        return [name for name in self["encoder"] if max(layer[name].z for layer in self.values()) > Z]

    def __str__(self):
        rows = [("", "relative bias", "by chance", "    z", "variance of one draw")]
        for layer, row in self.items():
            for name, e in row.items():
                bias = f"{e.bias:.4f} +- {e.bias_error:.4f}", f"{e.chance:.4f}", f"{e.z:.1f}"
                bias = ("unknown", "", "") if math.isnan(e.bias) else bias
                rows.append((f"{layer}, {name}", *bias, f"{e.variance:9.3g} +- {e.variance_error:.1g}"))
        return "\n".join(aligned(rows, "<<>><"))


def study(model, x, S, rng, estimators=ESTIMATORS):
    """Bias and variance, in each layer of the encoder, of S draws of each estimator: all get the same eps (S, N, L).

    With one or two latents the exact gradient is known. With more, the mean of the `pathwise` draws takes its place
    for the variances. Changes `model.grad`. Raises ValueError for a model in float32 or fewer than 2 draws.
    """
    if S < 2:
        raise ValueError(f"S: expected at least 2 draws, got {S}")
    if model.theta.dtype != "float64":
        raise ValueError(f"model: expected float64 parameters, got {model.theta.dtype}")
    x = model.rows(x, "x", model.encoder.n_in)
    known = model.L <= 2
    eps = rng.standard_normal((S, len(x), model.L))
    d = {name: latent_gradients(f, model, x, eps) for name, f in estimators.items()}  # (S, 2 N L) each
    exact = exact_latent_gradient(pathwise, model, x) if known else latent_gradients(pathwise, model, x, eps).mean(0)
    jacobian = encoder_jacobian(model, x)
    grams = {}  # {layer: J J'}, (2 N L, 2 N L)
    start = 0
    for name in model.below("encoder"):
        J = jacobian[:, start : start + model.params[name].data.size]
        start += J.shape[1]
        layer = name.rpartition(".")[0]
        grams[layer] = grams.get(layer, 0) + J @ J.T
    grams["encoder"] = jacobian @ jacobian.T
    result = Study({layer: {f: _estimate(d[f], exact, A, known) for f in d} for layer, A in grams.items()})
    result.N = len(x)
    result.S = S
    return result


def _estimate(d, exact, A, known):
    """Of gradients d J, d (S, 2 N L), through their products alone: (d J)(d J)' = d A d', A = J J'.

    The squared bias of an unbiased estimator has mean tr(C A) / S, C the covariance of a d, and is near a multiple of
    a chi-square with nu degrees of freedom (Satterthwaite 1946), whose cube root is near normal (Wilson & Hilferty).
    """
    S = len(d)
    off = d.mean(axis=0) - exact
    e = d - d.mean(axis=0)
    CA = e.T @ (e @ A) / (S - 1)
    norm = math.sqrt(exact @ A @ exact)
    total = np.trace(CA)
    squares = ((e @ A) * e).sum(axis=1)  # of the draws' distances from the mean
    variance = total / norm**2, squares.std() / math.sqrt(S) / norm**2
    if not known:
        return Estimate(*[math.nan] * 4, *variance)
    bias = math.sqrt(off @ A @ off)
    along = e @ A @ off / bias  # each draw's error in the direction of the bias
    nu = total**2 / (CA * CA.T).sum()
    z = ((S * bias**2 / total) ** (1 / 3) - 1 + 2 / (9 * nu)) / math.sqrt(2 / (9 * nu))
    biases = bias / norm, along.std() / math.sqrt(S) / norm, math.sqrt(total / S) / norm, z
    return Estimate(*(math.inf if math.isnan(b) else b for b in biases), *variance)  # of draws that are NaN, or alike

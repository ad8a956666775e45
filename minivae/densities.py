"""Log-probabilities, KL divergences and the reparameterization: value and gradient side by side.

Each operation is a pair: `f(*args)` and `f_backward(g, *args)`, the gradients of sum(g * f), one per argument and in
its shape. Data and noise are keyword arguments and get none. Densities sum over the last axis only, all earlier axes
broadcast, and no constant is left out: (..., D) -> (...) nats.
"""

import math

from .backend import array_module, unbroadcast
from .kernels import fused
from .numeric import sigmoid, softmax

LOG_2PI = math.log(2 * math.pi)


# ---- Bernoulli: log p(x) = x log s + (1 - x) log(1 - s), s = sigmoid(logits)


@fused
def bernoulli_log_prob(logits, *, x):
    """log p = sum x l - max(l, 0) - log(1 + exp(-|l|)), l = logits: right where sigmoid(l) rounds to 0 or 1.

    With h = |l| / 2 that is sum (x - 1/2) l - h + log((1 + tanh h) / 2), which takes the fewest passes over l.
    """
    xp = array_module(logits)
    log_p = xp.subtract(x, 0.5, dtype=logits.dtype) * logits
    h = 0.5 * logits
    log_p -= xp.abs(h, out=h)
    h = xp.tanh(h, out=h)
    h += 1
    h *= 0.5
    log_p += xp.log(h, out=h)
    return log_p @ xp.ones(log_p.shape[-1], log_p.dtype)


@fused
def bernoulli_log_prob_backward(g, logits, *, x):
    """dl = g (x - sigmoid(l))."""
    dlogits = x - sigmoid(logits)
    dlogits *= g[..., None]
    return unbroadcast(dlogits, logits.shape)


# ---- Categorical: log p(x) = log softmax(logits)_x


def categorical_log_prob(logits, *, x):
    """log p = sum_d l_{x_d, d} - log sum_c exp(l_{c, d}).   logits l (..., n, D), integers x (..., D) -> (...)."""
    xp = array_module(logits)
    chosen = xp.where(_one_hot(x, logits), logits, 0).sum(axis=-2)  # (..., D)
    top = logits.max(axis=-2)
    return (chosen - top - xp.log(xp.exp(logits - top[..., None, :]).sum(axis=-2))).sum(axis=-1)


def categorical_log_prob_backward(g, logits, *, x):
    """dl_{c, d} = g (1[c = x_d] - softmax(l)_{c, d})."""
    return unbroadcast(g[..., None, None] * (_one_hot(x, logits) - softmax(logits)), logits.shape)


def _one_hot(x, logits):
    """(..., n, D) booleans, true where c = x_d."""
    return x[..., None, :] == array_module(logits).arange(logits.shape[-2])[:, None]


# ---- Gaussians


def gaussian_log_prob(x, mu, log_var):
    """log N(x; mu, exp(log_var)) = -1/2 sum log 2 pi + log_var + (x - mu)^2 / exp(log_var)."""
    u = (x - mu) * array_module(x).exp(-0.5 * log_var)
    return -0.5 * (LOG_2PI + log_var + u * u).sum(axis=-1)


def gaussian_log_prob_backward(g, x, mu, log_var):
    """With u = (x - mu) / std: dx = -g u / std, dmu = g u / std, dlog_var = g (u^2 - 1) / 2."""
    g, inv_std = g[..., None], array_module(x).exp(-0.5 * log_var)
    u = (x - mu) * inv_std
    dmu = g * u * inv_std
    dlog_var = 0.5 * g * (u * u - 1)
    return unbroadcast(-dmu, x.shape), unbroadcast(dmu, mu.shape), unbroadcast(dlog_var, log_var.shape)


def standard_normal_log_prob(z):
    """log N(z; 0, 1) = -1/2 sum log 2 pi + z^2."""
    return -0.5 * (LOG_2PI + z * z).sum(axis=-1)


def standard_normal_log_prob_backward(g, z):
    """dz = -g z."""
    return -g[..., None] * z


@fused
def kl_standard_normal(mu, log_var):
    """KL(N(mu, exp(log_var)) || N(0, 1)) = (mu^2 + exp(log_var) - 1 - log_var) / 2   (Kingma & Welling, app. B).

    (..., L) -> (..., L) nats, each latent by itself: the KL of all is their sum.
    """
    return 0.5 * (mu * mu + array_module(mu).exp(log_var) - 1 - log_var)


@fused
def kl_standard_normal_backward(g, mu, log_var):
    """dmu = g mu, dlog_var = g (exp(log_var) - 1) / 2;   g (..., L)."""
    dmu, dlog_var = array_module(mu).broadcast_arrays(g * mu, 0.5 * g * (array_module(mu).exp(log_var) - 1))
    return unbroadcast(dmu, mu.shape), unbroadcast(dlog_var, log_var.shape)


def kl_gaussians(mu, log_var, mu_p, log_var_p):
    """KL(N(mu, v) || N(mu_p, v_p)) = (log v_p - log v + (v + (mu - mu_p)^2) / v_p - 1) / 2, v = exp(log_var).

    (..., L) -> (..., L) nats, each latent by itself.
    """
    xp = array_module(mu)
    d = mu - mu_p
    return 0.5 * (log_var_p - log_var + xp.exp(log_var - log_var_p) + d * d * xp.exp(-log_var_p) - 1)


def kl_gaussians_backward(g, mu, log_var, mu_p, log_var_p):
    """dmu = g d / v_p, dlog_var = g (v / v_p - 1) / 2, dmu_p = -dmu, dlog_var_p = g (1 - v / v_p - d^2 / v_p) / 2."""
    xp = array_module(mu)
    d = mu - mu_p
    precision = xp.exp(-log_var_p)
    ratio = xp.exp(log_var - log_var_p)
    g, d, ratio, precision = xp.broadcast_arrays(g, d, ratio, precision)
    dmu = g * d * precision
    dlog_var = 0.5 * g * (ratio - 1)
    dlog_var_p = 0.5 * g * (1 - ratio - d * d * precision)
    return (
        unbroadcast(dmu, mu.shape),
        unbroadcast(dlog_var, log_var.shape),
        unbroadcast(-dmu, mu_p.shape),
        unbroadcast(dlog_var_p, log_var_p.shape),
    )


def free_bits(kl, *, least):
    """sum_l max(mean_n kl_nl, least): kl (N, L) nats -> ()   (Kingma et al. 2016, app. C.8).

    A latent whose KL, averaged over the batch, is below `least` costs `least` whatever it is, so that nothing drives it
    to 0. With least = 0 it is the mean of the KL, sum_l kl_nl.
    """
    return array_module(kl).maximum(kl.sum(axis=0) / len(kl), least).sum()


def free_bits_backward(g, kl, *, least):
    """dkl_nl = g / N where mean_n kl_nl >= least, else 0; everywhere if least = 0, below which only rounding gets."""
    above = (kl.sum(axis=0) / len(kl) >= least).astype(kl.dtype) if least > 0 else array_module(kl).ones_like(kl[0])
    return array_module(kl).broadcast_to(g / len(kl) * above, kl.shape)


# ---- Sampling


@fused
def reparameterize(mu, log_var, *, eps):
    """z = mu + std eps, std = exp(log_var / 2): a sample of N(mu, std^2) as a function of mu and log_var.

    mu, log_var (N, L), eps (N, L) or (K, N, L) -> z in the shape of eps   (Kingma & Welling, sec. 2.4).
    """
    return mu + array_module(mu).exp(0.5 * log_var) * eps


@fused
def reparameterize_backward(dz, mu, log_var, *, eps):
    """dmu = dz, dlog_var = dz eps std / 2, summed over the samples that share them."""
    dlog_var = 0.5 * dz * eps * array_module(mu).exp(0.5 * log_var)
    return unbroadcast(dz, mu.shape), unbroadcast(dlog_var, log_var.shape)


def log_mean_exp(log_w):
    """log (1/K sum_k exp(log_w_k)) over the first axis, (K, ...) -> (...), shifted by the largest: no overflow."""
    xp = array_module(log_w)
    top = log_w.max(axis=0)
    return top + xp.log(xp.exp(log_w - top).mean(axis=0))


def log_mean_exp_backward(g, log_w):
    """dlog_w_k = g softmax(log_w)_k: the normalized importance weights."""
    w = array_module(log_w).exp(log_w - log_w.max(axis=0))
    return g * (w / w.sum(axis=0))

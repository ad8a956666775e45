"""Log-probabilities, KL divergences and the reparameterization: value and gradient side by side.

Each operation is a pair: `f(*args)` and `f_backward(g, *args)`, the gradients of sum(g * f), one per argument and in
its shape; g has the shape of f. Data and noise are keyword arguments and get none. Log-probabilities sum over the last
axis only, (..., D) -> (...) nats; all earlier axes broadcast, and no constant is left out.
"""

import math

from .backend import array_module, unbroadcast
from .kernels import fused
from .numeric import log_one_plus, softmax

LOG_2PI = math.log(2 * math.pi)
LARGEST = 88.0  # exp of it is finite in float32
TINY = 1e-30  # below 1 / K, the least mean of K numbers whose largest is 1


# ---- Bernoulli


@fused
def bernoulli_log_prob(logits, *, x):
    """log p = sum_d x log s + (1 - x) log(1 - s), s = sigmoid(l).   logits l, x in [0, 1] (..., D) -> (...) nats.

    Computed as sum_d (x - 1/2) l - |l| / 2 - log(1 + exp(-|l|)), which is right where s rounds to 0 or 1, too.
    """
    xp = array_module(logits)
    log_p = xp.subtract(x, 0.5, dtype=logits.dtype) * logits  # (..., D)
    e = xp.abs(logits)
    e *= -0.5
    log_p += e  # -|l| / 2
    e *= 2
    e = xp.exp(e, out=e)
    log_p -= log_one_plus(e)
    return log_p @ xp.ones(log_p.shape[-1], log_p.dtype)


@fused
def bernoulli_log_prob_backward(g, logits, *, x):
    """dl = g (x - s).   g (...), logits l and x (..., D) -> dlogits in the shape of logits.

    Forward took x log s + (1 - x) log(1 - s), so now x - s is x (1 - s) - (1 - x) s. With the odds o = s / (1 - s) =
    exp(l) it is (x o - o + x) / (1 + o): right where s rounds to 0 or 1, too.
    """
    xp = array_module(logits)
    largest = xp.full(logits.shape[-1], LARGEST, logits.dtype)  # with a number instead of a row it takes longer
    odds = xp.minimum(logits, largest)
    odds = xp.exp(odds, out=odds)
    dlogits = xp.multiply(x, odds, dtype=logits.dtype)
    dlogits -= odds
    dlogits += x
    odds += 1
    dlogits /= odds
    dlogits *= g[..., None]
    return unbroadcast(dlogits, logits.shape)


# ---- Categorical


def categorical_log_prob(logits, *, x):
    """log p = sum_d log softmax(l_d)_{x_d} = sum_d l_{x_d, d} - log sum_c exp(l_{c, d}).

    logits l (..., n, D), x (..., D) whole numbers from 0 to n - 1 -> (...) nats, NaN where x is none of them.
    """
    xp = array_module(logits)
    hot = _one_hot(x, logits)
    chosen = xp.where(hot, logits, 0).sum(axis=-2)  # (..., D)
    chosen = xp.where(hot.any(axis=-2), chosen, math.nan)
    top = logits.max(axis=-2)
    return (chosen - top - xp.log(xp.exp(logits - top[..., None, :]).sum(axis=-2))).sum(axis=-1)


def categorical_log_prob_backward(g, logits, *, x):
    """dl_{c, d} = g (1[c = x_d] - softmax(l_d)_c).   g (...), x (..., D) -> dlogits in the shape of logits (..., n, D).

    Forward took l at x_d and subtracted log sum_c exp(l_c), so now that l gets g, and all get -g softmax_c.
    """
    xp = array_module(logits)
    hot = _one_hot(x, logits)
    dlogits = xp.where(hot.any(axis=-2, keepdims=True), hot - softmax(logits), math.nan)
    return unbroadcast(g[..., None, None] * dlogits, logits.shape)


def _one_hot(x, logits):
    """(..., n, D) booleans, true where c = x_d."""
    return x[..., None, :] == array_module(logits).arange(logits.shape[-2])[:, None]


# ---- Gaussians


def gaussian_log_prob(x, mu, log_var):
    """log N(x; mu, exp(log_var)) = -1/2 sum_d log 2 pi + log_var + (x - mu)^2 / exp(log_var).

    x, mu, log_var (..., D), which broadcast -> (...) nats.
    """
    u = (x - mu) * array_module(x).exp(-0.5 * log_var)
    return -0.5 * (LOG_2PI + log_var + u * u).sum(axis=-1)


def gaussian_log_prob_backward(g, x, mu, log_var):
    """dx = -g u / std, dmu = g u / std, dlog_var = g (u^2 - 1) / 2, with u = (x - mu) / std.

    Forward took -(log_var + u^2) / 2, so now du = -g u, and u has the slopes 1 / std, -1 / std and -u / 2.
    """
    g = g[..., None]
    inv_std = array_module(x).exp(-0.5 * log_var)
    u = (x - mu) * inv_std
    dmu = g * u * inv_std
    dlog_var = 0.5 * g * (u * u - 1)
    return unbroadcast(-dmu, x.shape), unbroadcast(dmu, mu.shape), unbroadcast(dlog_var, log_var.shape)


def standard_normal_log_prob(z):
    """log N(z; 0, 1) = -1/2 sum_l log 2 pi + z^2.   z (..., L) -> (...) nats."""
    return -0.5 * (LOG_2PI + z * z).sum(axis=-1)


def standard_normal_log_prob_backward(g, z):
    """dz = -g z.   g (...), z (..., L) -> dz (..., L)."""
    return -g[..., None] * z


@fused
def kl_standard_normal(mu, log_var):
    """KL(N(mu, exp(log_var)) || N(0, 1)) = (mu^2 + exp(log_var) - 1 - log_var) / 2   (Kingma & Welling, app. B).

    mu, log_var (..., L) -> (..., L) nats, each latent by itself: the KL of all is their sum.
    """
    return 0.5 * (mu * mu + array_module(mu).exp(log_var) - 1 - log_var)


@fused
def kl_standard_normal_backward(g, mu, log_var):
    """dmu = g mu, dlog_var = g (exp(log_var) - 1) / 2.   g, mu, log_var (..., L) -> (dmu, dlog_var)."""
    xp = array_module(mu)
    dmu, dlog_var = xp.broadcast_arrays(g * mu, 0.5 * g * (xp.exp(log_var) - 1))
    return unbroadcast(dmu, mu.shape), unbroadcast(dlog_var, log_var.shape)


def kl_gaussians(mu, log_var, mu_p, log_var_p):
    """KL(N(mu, v) || N(mu_p, v_p)) = (log v_p - log v + (v + (mu - mu_p)^2) / v_p - 1) / 2, v = exp(log_var).

    mu, log_var, mu_p, log_var_p (..., L), which broadcast -> (..., L) nats, each latent by itself.
    """
    xp = array_module(mu)
    d = mu - mu_p
    return 0.5 * (log_var_p - log_var + xp.exp(log_var - log_var_p) + d * d * xp.exp(-log_var_p) - 1)


def kl_gaussians_backward(g, mu, log_var, mu_p, log_var_p):
    """dmu = g d / v_p, dlog_var = g (v / v_p - 1) / 2, dmu_p = -dmu, dlog_var_p = g (1 - v / v_p - d^2 / v_p) / 2.

    g (..., L), d = mu - mu_p. Forward divided v and d^2 by v_p, so now both quotients are in dlog_var_p, with a minus.
    """
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

    A latent whose mean KL is below `least` costs `least` whatever it is, so that nothing drives it to 0.
    """
    if not least:
        return kl.sum() / len(kl)
    return array_module(kl).maximum(kl.sum(axis=0) / len(kl), least).sum()


def free_bits_backward(g, kl, *, least):
    """dkl_nl = g / N where mean_n kl_nl >= least, else 0.   g (), kl (N, L) -> dkl (N, L).

    Forward took the larger one, so now a mean below `least` gets nothing.
    """
    xp = array_module(kl)
    above = (kl.sum(axis=0) / len(kl) >= least).astype(kl.dtype) if least else xp.ones(kl.shape[-1], kl.dtype)  # (L,)
    return xp.broadcast_to(g / len(kl) * above, kl.shape)


# ---- Sampling


@fused
def reparameterize(mu, log_var, *, eps):
    """z = mu + std eps, std = exp(log_var / 2): a sample of N(mu, std^2) as a function of mu and log_var.

    mu, log_var (N, L), eps (N, L) or (K, N, L) -> z in the shape of eps   (Kingma & Welling, sec. 2.4).
    """
    return mu + array_module(mu).exp(0.5 * log_var) * eps


@fused
def reparameterize_backward(dz, mu, log_var, *, eps):
    """dmu = dz, dlog_var = dz eps std / 2.   dz, eps (N, L) or (K, N, L) -> dmu, dlog_var (N, L).

    Forward gave K samples the same mu and log_var, so now their gradients are summed over the K.
    """
    dlog_var = 0.5 * dz * eps * array_module(mu).exp(0.5 * log_var)
    return unbroadcast(dz, mu.shape), unbroadcast(dlog_var, log_var.shape)


def log_mean_exp(log_w):
    """log (1/K sum_k exp(log_w_k)) over the first axis.   log_w (K, ...) -> (...); -inf where all are -inf."""
    xp = array_module(log_w)
    w, top = _shifted_exp(log_w)
    return top + xp.log(xp.maximum(w.mean(axis=0), TINY))


def log_mean_exp_backward(g, log_w):
    """dlog_w_k = g w_k / sum_j w_j, w = exp(log_w).   g (...), log_w (K, ...) -> dlog_w (K, ...).

    Forward took the log of a mean of w, so now each sample gets its normalized importance weight; 0 where all w are 0.
    """
    w, _ = _shifted_exp(log_w)
    return g * (w / array_module(log_w).maximum(w.sum(axis=0), TINY))


def _shifted_exp(log_w):
    """exp(log_w - top) (K, ...), and top (...), the largest over the first axis: so no exp overflows."""
    xp = array_module(log_w)
    top = log_w.max(axis=0)
    return xp.exp(log_w - xp.where(xp.isfinite(top), top, 0)), top  # -inf minus -inf would be NaN

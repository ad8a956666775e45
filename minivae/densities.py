"""Log-probabilities, KL divergences and the reparameterization: value and gradient side by side.

Each operation is a pair: `f(*args)` and `f_backward(g, *args)`, the gradients of sum(g * f), one per argument and in
its shape; g has the shape of f. Data and noise are keyword arguments and get none. Log-probabilities sum over the last
axis only, (..., D) -> (...) nats; all earlier axes broadcast, and no constant is left out. `observed` (..., D) says
which terms of the sum count; x is any number where they do not.
"""

import math

from .backend import array_module, special, unbroadcast
from .kernels import fused
from .numeric import digamma_less_log, keep, log_one_plus, sigmoid, softmax, softplus, wide

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


def softmax_log_prob(logits, *, x):
    """log p = sum_c x_c log softmax(l)_c: one choice among D, logits l and one-hot x (..., D) -> (...) nats.

    x may also count many choices; the multinomial coefficient, which depends on x alone, is left out.
    """
    xp = array_module(logits)
    logits = logits - logits.max(axis=-1, keepdims=True)
    return (x * (logits - xp.log(xp.exp(logits).sum(axis=-1, keepdims=True)))).sum(axis=-1)


def softmax_log_prob_backward(g, logits, *, x):
    """dl_c = g (x_c - softmax(l)_c sum_b x_b).   g (...), logits l and x (..., D) -> dlogits in the shape of logits.

    Forward subtracted log sum_b exp(l_b) once for each choice, so now -g softmax_c comes as often.
    """
    dlogits = x - softmax(logits[..., None])[..., 0] * x.sum(axis=-1, keepdims=True)
    return unbroadcast(g[..., None] * dlogits, logits.shape)


# ---- Gaussians


def gaussian_log_prob(x, mu, log_var, *, observed=None):
    """log N(x; mu, exp(log_var)) = -1/2 sum_d log 2 pi + log_var + (x - mu)^2 / exp(log_var).

    x, mu, log_var (..., D), which broadcast -> (...) nats.
    """
    u = (x - mu) * array_module(x).exp(-0.5 * log_var)
    return -0.5 * keep(LOG_2PI + log_var + u * u, observed).sum(axis=-1)


def gaussian_log_prob_backward(g, x, mu, log_var, *, observed=None):
    """dx = -g u / std, dmu = g u / std, dlog_var = g (u^2 - 1) / 2, with u = (x - mu) / std.

    Forward took -(log_var + u^2) / 2, so now du = -g u, and u has the slopes 1 / std, -1 / std and -u / 2.
    """
    g = g[..., None]
    inv_std = array_module(x).exp(-0.5 * log_var)
    u = (x - mu) * inv_std
    dmu = keep(g * u * inv_std, observed)
    dlog_var = keep(0.5 * g * (u * u - 1), observed)
    return unbroadcast(-dmu, x.shape), unbroadcast(dmu, mu.shape), unbroadcast(dlog_var, log_var.shape)


def student_t_log_prob(x, mu, log_var, log_df, *, observed=None):
    """log p = -sum_d log B(v / 2, 1 / 2) + (log_df + log_var + (v + 1) log(1 + u^2 / v)) / 2, v = exp(log_df).

    u = (x - mu) / std, B the beta function; x, mu, log_var, log_df (..., D), which broadcast -> (...) nats.
    """
    xp = array_module(x)
    v = xp.exp(log_df)
    u = (x - mu) * xp.exp(-0.5 * log_var)
    log_beta = special(x).betaln(0.5 * xp.exp(wide(log_df)), 0.5).astype(log_df.dtype)
    return -keep(log_beta + 0.5 * (log_df + log_var + (v + 1) * xp.log1p(u * u / v)), observed).sum(axis=-1)


def student_t_log_prob_backward(g, x, mu, log_var, log_df, *, observed=None):
    """dmu = g (1 + 1 / v) u / (1 + s) / std, dx = -dmu, dlog_var = g ((v + 1) q - 1) / 2, with s = u^2 / v.

    dlog_df = g (h + q - v (log(1 + s) - q)) / 2, with q = s / (1 + s): forward took log(1 + s) v + 1 times, and s falls
    as v grows. h = v (digamma((v + 1) / 2) - digamma(v / 2)) - 1 is the slope of -2 log B - log_df.
    """
    xp = array_module(x)
    g = g[..., None]
    v = xp.exp(log_df)
    inv_std = xp.exp(-0.5 * log_var)
    u = (x - mu) * inv_std
    s = u * u / v
    q = s / (1 + s)
    w = xp.exp(wide(log_df))
    h = w * (digamma_less_log(0.5 * w + 0.5) - digamma_less_log(0.5 * w) + xp.log1p(1 / w)) - 1
    dmu = keep(g * (1 + 1 / v) * u / (1 + s) * inv_std, observed)
    dlog_var = keep(0.5 * g * ((v + 1) * q - 1), observed)
    dlog_df = keep(0.5 * g * (h.astype(log_df.dtype) + q - v * (xp.log1p(s) - q)), observed)
    return (
        unbroadcast(-dmu, x.shape),
        unbroadcast(dmu, mu.shape),
        unbroadcast(dlog_var, log_var.shape),
        unbroadcast(dlog_df, log_df.shape),
    )


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


# ---- Counts, computed in float64: in float32 log x! of a large x is wrong by whole nats


def poisson_log_prob(log_rate, *, x, observed=None):
    """log p = sum_d x log m - m - log x!, m = exp(log_rate).   log_rate, x = 0, 1, 2, ... (..., D) -> (...) nats."""
    l, x = wide(log_rate), wide(x)
    log_p = x * l - array_module(l).exp(l) - special(x).gammaln(x + 1)
    return keep(log_p, observed).sum(axis=-1).astype(log_rate.dtype)


def poisson_log_prob_backward(g, log_rate, *, x, observed=None):
    """dlog_rate = g (x - m).   g (...), log_rate and x (..., D) -> dlog_rate in the shape of log_rate."""
    m = array_module(log_rate).exp(wide(log_rate))
    return unbroadcast(keep(g[..., None] * (x - m), observed), log_rate.shape).astype(log_rate.dtype)


def negative_binomial_log_prob(log_mean, log_r, *, x, observed=None):
    """log p = sum_d log Gamma(x + r) / (Gamma(r) x!) + r log(r / (r + m)) + x log(m / (r + m)).

    m = exp(log_mean), r = exp(log_r), whose variance is m + m^2 / r; all (..., D), which broadcast -> (...) nats. The
    first part is -log B(r, x + 1) - log(x + r), B the beta function, which stays exact where r is large.
    """
    xp = array_module(log_mean)
    x, r, t = wide(x), xp.exp(wide(log_r)), wide(log_mean) - log_r  # t = log(m / r)
    log_p = -special(x).betaln(r, x + 1) - xp.log(x + r) - r * softplus(t) - x * softplus(-t)
    return keep(log_p, observed).sum(axis=-1).astype(log_mean.dtype)


def negative_binomial_log_prob_backward(g, log_mean, log_r, *, x, observed=None):
    """dlog_mean = g e, dlog_r = g (r (digamma(x + r) - digamma(r) - log(1 + m / r)) - e), e = r (x - m) / (r + m).

    Forward saw log_r in t = log_mean - log_r, which gives -e, and beside it in r alone.
    """
    xp = array_module(log_mean)
    g, x, r, t = g[..., None], wide(x), xp.exp(wide(log_r)), wide(log_mean) - log_r
    e = x * sigmoid(-t) - r * sigmoid(t)
    slope = digamma_less_log(x + r) - digamma_less_log(r) + xp.log1p(x / r) - softplus(t)
    dlog_mean, dlog_r = keep(g * e, observed), keep(g * (r * slope - e), observed)
    return (
        unbroadcast(dlog_mean, log_mean.shape).astype(log_mean.dtype),
        unbroadcast(dlog_r, log_r.shape).astype(log_r.dtype),
    )


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

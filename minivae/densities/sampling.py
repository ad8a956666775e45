"""The reparameterization, also that of choices; bounds of K samples, and free bits."""

import math

from ..backend import array_module, unbroadcast
from ..kernels import fused
from ..numeric import softmax

TINY = 1e-30  # below 1 / K, the least mean of K numbers whose largest is 1


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


def gumbel_softmax(logits, *, gumbel, temperature):
    """y = softmax((l + gumbel) / temperature): a relaxed choice, near one-hot at a low temperature.

    logits l (..., n), gumbel (..., n), see `numeric.gumbel`, which broadcast -> y in their shape. At any temperature y
    is largest where l + gumbel is: at c as often as softmax(l)_c says   (Jang et al. 2017, eq. 2).
    """
    return softmax(((logits + gumbel) / temperature)[..., None])[..., 0]


def gumbel_softmax_backward(dy, logits, *, gumbel, temperature):
    """dl_c = y_c (dy_c - sum_b y_b dy_b) / temperature.   dy (..., n) -> dl in the shape of logits.

    Forward gave the n numbers the sum 1, so now what all of them would gain alike is taken off.
    """
    y = gumbel_softmax(logits, gumbel=gumbel, temperature=temperature)
    dlogits = y * (dy - (y * dy).sum(axis=-1, keepdims=True)) / temperature
    return unbroadcast(dlogits, logits.shape)


def kl_uniform(logits):
    """KL(q || p) = sum_c q_c log(n q_c), q = softmax(l), p = 1 / n.   logits l (..., n) -> (...) nats."""
    return -choice_bound(logits, array_module(logits).full_like(logits, -math.log(logits.shape[-1])))


def kl_uniform_backward(g, logits):
    """dl_c = g q_c (log(n q_c) - KL).   g (...) -> dl (..., n): forward was a mean under q, so now a logit moves it by
    how far its term is above that mean."""
    log_p = array_module(logits).full_like(logits, -math.log(logits.shape[-1]))
    return choice_bound_backward(-g, logits, log_p)[0]


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


def choice_bound(logits, log_w):
    """sum_c q_c (log_w_c - log q_c), q = softmax(logits): at most log sum_c exp(log_w_c), which q = w / sum w reaches.

    logits, log_w (..., C) -> (...) nats: all C choices are summed out, none is drawn   (Kingma et al. 2014, eq. 7).
    """
    q, log_q = _softmax_and_log(logits)
    return (q * (log_w - log_q)).sum(axis=-1)


def choice_bound_backward(g, logits, log_w):
    """dlogits_c = g q_c (v_c - sum_b q_b v_b), v = log_w - log q, and dlog_w_c = g q_c.   g (...) -> (..., C) each.

    Forward took the mean of v under q, so now a logit moves it by how far its v is above that mean; -log q itself adds
    nothing, since sum_c q_c stays 1.
    """
    q, log_q = _softmax_and_log(logits)
    v = log_w - log_q
    dlog_w = g[..., None] * q
    return dlog_w * (v - (q * v).sum(axis=-1, keepdims=True)), dlog_w


def _softmax_and_log(logits):
    """softmax over the last axis, and its logarithm."""
    xp = array_module(logits)
    shifted = logits - logits.max(axis=-1, keepdims=True)
    log_q = shifted - xp.log(xp.exp(shifted).sum(axis=-1, keepdims=True))
    return xp.exp(log_q), log_q


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

"""The functions that lesson 9 asks for, and those of people who make a mistake in them."""

import numpy as np

from ...numeric import sigmoid

PARAMETERS = "W1", "b1", "W2", "b2", "W3", "b3", "W4", "b4"


def bernoulli_log_prob(logits, x):
    return (x * logits - np.logaddexp(0, logits)).sum(axis=-1)


def bernoulli_log_prob_backward(g, logits, x):
    return g[:, None] * (x - sigmoid(logits))


def kl_standard_normal(mu, log_var):
    return 0.5 * (mu**2 + np.exp(log_var) - 1 - log_var).sum(axis=-1)


def kl_standard_normal_backward(g, mu, log_var):
    return g[:, None] * mu, g[:, None] * 0.5 * (np.exp(log_var) - 1)


def net_forward(x, W1, b1, W2, b2):
    h = np.maximum(x @ W1 + b1, 0)
    return h @ W2 + b2, (x, h)


def net_backward(dy, cache, W1, W2):
    x, h = cache
    da = (dy @ W2.T) * (h > 0)
    return da @ W1.T, (x.T @ da, da.sum(axis=0), h.T @ dy, dy.sum(axis=0))


def vae_loss(x, eps, W1, b1, W2, b2, W3, b3, W4, b4):
    return loss(x, eps, W1, b1, W2, b2, W3, b3, W4, b4)


def vae_backward(x, eps, W1, b1, W2, b2, W3, b3, W4, b4):
    return backward(x, eps, W1, b1, W2, b2, W3, b3, W4, b4)


# ---- the same with switches: what a mistake changes


def log_prob(logits, x, *, times=1, part=lambda logits, x: x * logits, softplus=lambda l: np.logaddexp(0, l),
             total=lambda a: a.sum(axis=-1), logits_as=lambda l: l):  # fmt: skip
    logits = logits_as(logits)
    return times * total(part(logits, x) - softplus(logits))


def rounded(logits):
    """The lesson's sigmoid, which is 0 already at -45."""
    return 0.5 * (1 + np.tanh(0.5 * logits))


def from_probabilities(logits, x, *, s):
    s = s(logits)
    return (x * np.log(s) + (1 - x) * np.log(1 - s)).sum(axis=-1)


def log_prob_slope(g, logits, x, *, slope=lambda x, s: x - s, s=sigmoid, upstream=lambda g: g[:, None],
                   times=lambda x: 1):  # fmt: skip
    return times(x) * upstream(g) * slope(x, s(logits))


def kl(mu, log_var, *, square=lambda mu: mu**2, variance=np.exp, log=lambda v: v, one=1, half=0.5, sign=1,
       total=lambda a: a.sum(axis=-1)):  # fmt: skip
    return sign * half * total(square(mu) + variance(log_var) - log(log_var) - one)


def reverse_kl(mu, log_var):
    return 0.5 * (log_var + (1 + mu**2) * np.exp(-log_var) - 1).sum(axis=-1)


def kl_slopes(g, mu, log_var, *, by_mu=lambda mu: mu, by_log_var=lambda v: 0.5 * (np.exp(v) - 1), times=lambda mu: 1,
              upstream=lambda g: g[:, None], order=1):  # fmt: skip
    g = times(mu) * upstream(g) * np.ones_like(mu)
    return (g * by_mu(mu), g * by_log_var(log_var))[::order]


def std(log_var):
    return np.exp(0.5 * log_var)


def loss(x, eps, W1, b1, W2, b2, W3, b3, W4, b4, *, order=1, mean=lambda mu: mu, std=std, noise=lambda eps: eps,
         into=lambda logits: logits, exchanged=False, log_px_z_times=lambda x: 1, kl_of_z=False, kl_times=lambda x: 1,
         of_kl=1, of_log_px_z=-1, total=lambda a: a):  # fmt: skip
    """With switches for what is decoded, for both terms, and for how often each is in the loss."""
    mu, log_var = np.split(net_forward(x, W1, b1, W2, b2)[0], 2, axis=-1)[::order]
    z = mean(mu) + std(log_var) * noise(eps)
    logits = into(net_forward(z, W3, b3, W4, b4)[0])
    log_px_z = log_px_z_times(x) * bernoulli_log_prob(*((x, logits) if exchanged else (logits, x)))
    kl = kl_times(x) * kl_standard_normal(z if kl_of_z else mu, log_var)
    return total(of_kl * kl + of_log_px_z * log_px_z), total(log_px_z), total(kl)


def slope(eps, log_var):
    return 0.5 * eps * std(log_var)


def backward(x, eps, W1, b1, W2, b2, W3, b3, W4, b4, *, std=std, noise=lambda eps: eps, slope=slope,
             slope_of_z=False, z_mu=1, z_log_var=1, kl_mu=1, kl_log_var=1, kl_of_z=False, products=(), order=1,
             kl_times=lambda N: 1, log_px_z_times=lambda N: 1, times=lambda N: 1, turned=False):  # fmt: skip
    """With switches for the forward, for each of the four ways to mu and log_var, and for the two terms."""
    N = len(x)
    g = np.full(N, times(N) / N)
    out, c_enc = net_forward(x, W1, b1, W2, b2)
    mu, log_var = np.split(out, 2, axis=-1)
    z = mu + std(log_var) * noise(eps)
    logits, c_dec = net_forward(z, W3, b3, W4, b4)
    dz, decoder = net_backward(bernoulli_log_prob_backward(-log_px_z_times(N) * g, logits, x), c_dec, W3, W4)
    by_mu, by_log_var = kl_standard_normal_backward(kl_times(N) * g, z if kl_of_z else mu, log_var)
    ways = {
        "mu": (z_mu * dz, kl_mu * by_mu),
        "log_var": (z_log_var * dz * slope(z if slope_of_z else eps, log_var), kl_log_var * by_log_var),
    }
    arrived = [a * b if name in products else a + b for name, (a, b) in ways.items()]
    _, encoder = net_backward(np.concatenate(arrived[::order], axis=-1), c_enc, W1, W2)
    return (*decoder, *encoder) if turned else (*encoder, *decoder)

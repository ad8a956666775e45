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


# ---- both once more, with places where they can be made wrong


def sample(mu, log_var, eps):
    return mu + np.exp(0.5 * log_var) * eps


def loss(x, eps, W1, b1, W2, b2, W3, b3, W4, b4, sample=sample, log_prob=bernoulli_log_prob, kl=kl_standard_normal,
          factor=1):  # fmt: skip
    mu, log_var = np.split(net_forward(x, W1, b1, W2, b2)[0], 2, axis=-1)
    log_px_z = log_prob(net_forward(sample(mu, log_var, eps), W3, b3, W4, b4)[0], x)
    kl = factor * kl(mu, log_var)
    return kl - log_px_z, log_px_z, kl


def in_loss(kl, log_px_z):
    """A loss with other factors of its two terms."""

    def slip(*inputs):
        _, found_log_px_z, found_kl = loss(*inputs)
        return kl * found_kl + log_px_z * found_log_px_z, found_log_px_z, found_kl

    return slip  # fmt: skip


def kl_of_z(x, eps, *weights):
    return loss(x, eps, *weights, kl=lambda mu, log_var: kl_standard_normal(sample(mu, log_var, eps), log_var))


def chain(dz, dmu_kl, dlog_var_kl, eps, log_var):
    """What arrives at the encoder."""
    return dz + dmu_kl, 0.5 * dz * eps * np.exp(0.5 * log_var) + dlog_var_kl


def backward(x, eps, W1, b1, W2, b2, W3, b3, W4, b4, chain=chain, sample=sample, sign=-1, of_all=1):
    g = np.full(len(x), of_all / len(x))
    out, c_enc = net_forward(x, W1, b1, W2, b2)
    mu, log_var = np.split(out, 2, axis=-1)
    logits, c_dec = net_forward(sample(mu, log_var, eps), W3, b3, W4, b4)
    dz, decoder = net_backward(bernoulli_log_prob_backward(sign * g, logits, x), c_dec, W3, W4)
    arrived = chain(dz, *kl_standard_normal_backward(g, mu, log_var), eps, log_var)
    _, encoder = net_backward(np.concatenate(arrived, axis=-1), c_enc, W1, W2)
    return *encoder, *decoder


def arrives(chain):
    """A slip in what arrives at the encoder, of dz, the KL's two parts m and v, eps and log_var."""
    return lambda *inputs: backward(*inputs, chain=chain)


def ways(z_mu=1, kl_mu=1, z_log_var=1, kl_log_var=1):
    """The same with other factors of the four ways."""
    return arrives(lambda dz, m, v, eps, log_var: (
        z_mu * dz + kl_mu * m, z_log_var * 0.5 * dz * eps * np.exp(0.5 * log_var) + kl_log_var * v))  # fmt: skip


def slope(slope):
    """The same with another slope of z by log_var."""
    return arrives(lambda dz, m, v, eps, log_var: (dz + m, dz * slope(eps, log_var) + v))


def z(m, eps, log_var):
    return sample(len(m) * m, log_var, eps)  # the KL's part m is mu / N


def encoder_only(**changes):
    """A slip that shows at the encoder; what it does to the decoder has another name."""

    def slip(*inputs):
        of = {name: change(len(inputs[0])) for name, change in changes.items()}
        return *backward(*inputs, **of)[:4], *backward(*inputs)[4:]

    return slip  # fmt: skip


def terms(square=1, variance=1, log=1, one=1):
    """A KL with other factors of its four terms."""
    return lambda mu, log_var: 0.5 * (
        square * mu**2 + variance * np.exp(log_var) - log * log_var - one).sum(axis=-1)  # fmt: skip


def variance(variance):
    """A KL with another variance than exp(log_var)."""
    return lambda mu, log_var: 0.5 * (mu**2 + variance(log_var) - 1 - log_var).sum(axis=-1)


def reverse_kl(mu, log_var):
    return 0.5 * (log_var + (1 + mu**2) * np.exp(-log_var) - 1).sum(axis=-1)


def slopes(dmu, dlog_var):
    """Other derivatives of the KL by mu and by log_var."""
    return lambda g, mu, log_var: (g[:, None] * dmu(mu), g[:, None] * dlog_var(log_var))


def by_log_var(dlog_var):
    return slopes(lambda mu: mu, dlog_var)


def by_logit(slope):
    """Another derivative of log p(x), of x and s."""
    return lambda g, logits, x: g[:, None] * slope(x, sigmoid(logits))


def from_probabilities(s, x):
    return (x * np.log(s) + (1 - x) * np.log(1 - s)).sum(axis=-1)


def clipped(logits, x):
    return from_probabilities(np.clip(sigmoid(logits), 1e-7, 1 - 1e-7), x)

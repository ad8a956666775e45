"""Answers of lesson 9 that people give: wrong ones with the words that name them, and right ones that look unusual."""

import math

import numpy as np

from minivae.teach import exercise

log_prob, log_prob_backward, kl, kl_backward = (exercise(f"9.{i}").reference for i in (1, 2, 3, 4))


def sigmoid(a):
    return 0.5 * (1 + np.tanh(0.5 * a))


def net(x, W1, b1, W2, b2):
    h = np.maximum(x @ W1 + b1, 0)
    return h @ W2 + b2, (x, h)


def net_back(dy, cache, W1, W2):
    x, h = cache
    da = (dy @ W2.T) * (h > 0)
    return da @ W1.T, (x.T @ da, da.sum(axis=0), h.T @ dy, dy.sum(axis=0))


# ---- 9.1


def by_probabilities(logits, x):
    s = 1 / (1 + np.exp(-logits))
    return np.sum(x * np.log(s) + (1 - x) * np.log(1 - s), axis=1)


def with_a_tiny_number(logits, x):
    s = sigmoid(logits)
    return np.sum(x * np.log(s + 1e-10) + (1 - x) * np.log(1 - s + 1e-10), axis=1)


def overflows(logits, x):
    return (x * logits - np.log(1 + np.exp(logits))).sum(axis=1)


def log1p_overflows(logits, x):
    return (x * logits - np.log1p(np.exp(logits))).sum(axis=1)


def forgets_the_absolute_value(logits, x):
    return (x * logits - np.maximum(0, logits) - np.log1p(np.exp(-logits))).sum(axis=1)


def costs(logits, x):
    total = 0
    for d in range(logits.shape[1]):
        total = total + np.logaddexp(0, logits[:, d]) - x[:, d] * logits[:, d]
    return total


def mean_of_pixels(logits, x):
    return np.mean(x * logits - np.logaddexp(0, logits), axis=1)


def one_number(logits, x):
    return (x * logits - np.logaddexp(0, logits)).sum()


def nine_examples(logits, x):
    total = np.zeros(9)
    for n in range(9):
        total[n] = (x[n] * logits[n] - np.logaddexp(0, logits[n])).sum()
    return total


def never_set(logits, x):
    total = np.empty(len(x))
    total += (x * logits - np.logaddexp(0, logits)).sum(axis=1)
    return total


def writes_into_logits(logits, x):
    logits *= x - 0.5
    return -np.logaddexp(0, -2 * logits).sum(axis=1)


def negative_mean(logits, x):
    return (np.logaddexp(0, logits) - x * logits).mean(axis=1)


def in_a_loop(logits, x):
    out = []
    for row, bits in zip(logits, x, strict=True):
        total = 0.0
        for a, b in zip(row, bits, strict=True):
            total += b * a - max(0.0, a) - math.log1p(math.exp(-abs(a)))
        out.append(total)
    return np.array(out)


def by_the_sign(logits, x):
    """log s(l) for a 1, log s(-l) for a 0."""
    return -np.logaddexp(0, np.where(x == 1, -logits, logits)).sum(-1)


def einsum(logits, x):
    return np.einsum("nd,nd->n", x, logits) - np.einsum("nd->n", np.logaddexp(0, logits))


def single(logits, x):
    return (x * logits - np.maximum(0, logits) - np.log1p(np.exp(-abs(logits)))).sum(axis=-1).astype("float32")


# ---- 9.2


def s_minus_x(g, logits, x):
    return g[:, None] * (sigmoid(logits) - x)


def without_g(g, logits, x):
    return x - sigmoid(logits)


def g_as_a_row(g, logits, x):
    return g * (x - sigmoid(logits))


def mean_over_the_batch(g, logits, x):
    return g.reshape(-1, 1) * (x - sigmoid(logits)) / x.shape[0]


def by_the_chain(g, logits, x):
    s = sigmoid(logits)
    return g[:, None] * (x / s - (1 - x) / (1 - s)) * s * (1 - s)


def by_s_only(g, logits, x):
    s = sigmoid(logits)
    return g[:, None] * (x / s - (1 - x) / (1 - s))


def exp_overflows(g, logits, x):
    return g[:, None] * (x - np.exp(logits) / (1 + np.exp(logits)))


def summed_over_pixels(g, logits, x):
    return (g[:, None] * (x - sigmoid(logits))).sum(axis=1)


def two_of_9_2(g, logits, x):
    """No g, and the sign."""
    return sigmoid(logits) - x


def slope_twice(g, logits, x):
    s = sigmoid(logits)
    return g[:, None] * (x - s) * s * (1 - s)


def dlogits_in_a_loop(g, logits, x):
    out = np.empty_like(logits)
    for n in range(len(g)):
        for d in range(logits.shape[1]):
            out[n, d] = g[n] * (x[n, d] - sigmoid(logits[n, d]))
    return out


def dlogits_einsum(g, logits, x):
    return np.einsum("n,nd->nd", g, x - sigmoid(logits))


# ---- 9.3


def std_for_variance(mu, log_var):
    return 0.5 * np.sum(mu**2 + np.exp(0.5 * log_var) - 1 - log_var, axis=1)


def as_published(mu, log_var):
    """-1/2 sum(1 + log_var - mu^2 - sigma^2), without its minus."""
    return 0.5 * np.sum(1 + log_var - mu**2 - np.exp(log_var), axis=1)


def no_half(mu, log_var):
    return np.sum(mu**2 + np.exp(log_var) - 1 - log_var, axis=-1)


def half_of_the_first(mu, log_var):
    return (0.5 * mu**2 + np.exp(log_var) - 1 - log_var).sum(axis=-1)


def half_of_two(mu, log_var):
    return (0.5 * (mu**2 + np.exp(log_var)) - 1 - log_var).sum(axis=-1)


def kl_mean(mu, log_var):
    return 0.5 * np.mean(mu**2 + np.exp(log_var) - 1 - log_var, axis=1)


def kl_of_all(mu, log_var):
    return 0.5 * np.sum(mu**2 + np.exp(log_var) - 1 - log_var)


def kl_per_latent(mu, log_var):
    return 0.5 * (mu**2 + np.exp(log_var) - 1 - log_var)


def kl_axis_0(mu, log_var):
    return 0.5 * (mu**2 + np.exp(log_var) - 1 - log_var).sum(axis=0)


def one_outside(mu, log_var):
    return 0.5 * ((mu**2 + np.exp(log_var) - log_var).sum(axis=1) - 1)


def two_of_9_3(mu, log_var):
    """No half, and std for the variance."""
    return np.sum(mu**2 + np.exp(0.5 * log_var) - 1 - log_var, axis=1)


def four_latents(mu, log_var):
    total = 0
    for i in range(4):
        total = total + 0.5 * (mu[:, i] ** 2 + np.exp(log_var[:, i]) - 1 - log_var[:, i])
    return total


def published(mu, log_var):
    return -0.5 * np.sum(1 + log_var - mu**2 - np.exp(log_var), axis=1)


def kl_in_a_loop(mu, log_var):
    total = []
    for m, v in zip(mu, log_var, strict=True):
        total.append(sum(0.5 * (a * a + math.exp(b) - b) - 0.5 for a, b in zip(m, v, strict=True)))
    return np.array(total)


def kl_by_sigma(mu, log_var):
    sigma = np.sqrt(np.exp(log_var))
    return (0.5 * mu**2 + 0.5 * sigma**2 - np.log(sigma) - 0.5).sum(axis=1)


# ---- 9.4


def kl_back_without_g(g, mu, log_var):
    return mu, 0.5 * (np.exp(log_var) - 1)


def kl_back_row(g, mu, log_var):
    return g * mu, g * 0.5 * (np.exp(log_var) - 1)


def kl_back_two_mu(g, mu, log_var):
    return g[:, None] * 2 * mu, g[:, None] * (np.exp(log_var) - 1)


def kl_back_half_of_exp(g, mu, log_var):
    return g[:, None] * mu, g[:, None] * (0.5 * np.exp(log_var) - 1)


def kl_back_no_one(g, mu, log_var):
    return g[:, None] * mu, g[:, None] * 0.5 * np.exp(log_var)


def kl_back_sign(g, mu, log_var):
    return g[:, None] * mu, 0.5 * g[:, None] * (1 - np.exp(log_var))


def kl_back_exchanged(g, mu, log_var):
    return 0.5 * g[:, None] * (np.exp(log_var) - 1), g[:, None] * mu


def kl_back_none(g, mu, log_var):
    dmu = g[:, None] * mu  # noqa: F841
    dlog_var = g[:, None] * 0.5 * (np.exp(log_var) - 1)  # noqa: F841


def kl_back_one_array(g, mu, log_var):
    dmu = dlog_var = np.zeros_like(mu)
    dmu[:] = g[:, None] * mu
    dlog_var[:] = 0.5 * g[:, None] * (np.exp(log_var) - 1)
    return dmu, dlog_var


def kl_back_wrong_both(g, mu, log_var):
    return 0.5 * g[:, None] * mu, g[:, None] * (np.exp(log_var) - 1)


def kl_back_over_n(g, mu, log_var):
    g = g[:, np.newaxis] / mu.shape[0]
    return g * mu, g * (np.exp(log_var) - 1) / 2


def kl_back_stacked(g, mu, log_var):
    return g[:, None] * np.array([mu, 0.5 * (np.exp(log_var) - 1)])


def kl_back_loop(g, mu, log_var):
    dmu, dlog_var = np.zeros(mu.shape), np.zeros(mu.shape)
    for n in range(len(g)):
        dmu[n] = g[n] * mu[n]
        dlog_var[n] = g[n] * np.expm1(log_var[n]) / 2
    return [dmu, dlog_var]


# ---- 9.5


def vae(x, eps, W1, b1, W2, b2, W3, b3, W4, b4, std=lambda v: np.exp(0.5 * v)):
    out, _ = net(x, W1, b1, W2, b2)
    L = out.shape[1] // 2
    mu, log_var = out[:, :L], out[:, L:]
    logits, _ = net(mu + std(log_var) * eps, W3, b3, W4, b4)
    return mu, log_var, logits


def elbo(x, eps, *weights):
    mu, log_var, logits = vae(x, eps, *weights)
    return log_prob(logits, x) - kl(mu, log_var), log_prob(logits, x), kl(mu, log_var)


def added(x, eps, *weights):
    mu, log_var, logits = vae(x, eps, *weights)
    return log_prob(logits, x) + kl(mu, log_var), log_prob(logits, x), kl(mu, log_var)


def vae_by_variance(x, eps, *weights):
    mu, log_var, logits = vae(x, eps, *weights, std=np.exp)
    return kl(mu, log_var) - log_prob(logits, x), log_prob(logits, x), kl(mu, log_var)


def vae_by_log_var(x, eps, *weights):
    mu, log_var, logits = vae(x, eps, *weights, std=lambda v: v)
    return kl(mu, log_var) - log_prob(logits, x), log_prob(logits, x), kl(mu, log_var)


def split_by_rows(x, eps, W1, b1, W2, b2, W3, b3, W4, b4):
    out, _ = net(x, W1, b1, W2, b2)
    mu, log_var = np.split(out, 2)
    logits, _ = net(mu + np.exp(0.5 * log_var) * eps, W3, b3, W4, b4)
    return kl(mu, log_var) - log_prob(logits, x), log_prob(logits, x), kl(mu, log_var)


def log_var_first(x, eps, W1, b1, W2, b2, W3, b3, W4, b4):
    out, _ = net(x, W1, b1, W2, b2)
    log_var, mu = np.split(out, 2, axis=1)
    logits, _ = net(mu + np.exp(0.5 * log_var) * eps, W3, b3, W4, b4)
    return kl(mu, log_var) - log_prob(logits, x), log_prob(logits, x), kl(mu, log_var)


def every_second(x, eps, W1, b1, W2, b2, W3, b3, W4, b4):
    out, _ = net(x, W1, b1, W2, b2)
    mu, log_var = out[:, ::2], out[:, 1::2]
    logits, _ = net(mu + np.exp(0.5 * log_var) * eps, W3, b3, W4, b4)
    return kl(mu, log_var) - log_prob(logits, x), log_prob(logits, x), kl(mu, log_var)


def probabilities(x, eps, *weights):
    mu, log_var, logits = vae(x, eps, *weights)
    log_px_z = log_prob(sigmoid(logits), x)
    return kl(mu, log_var) - log_px_z, log_px_z, kl(mu, log_var)


def own_noise(x, eps, *weights):
    eps = np.random.default_rng().standard_normal(eps.shape)
    mu, log_var, logits = vae(x, eps, *weights)
    return kl(mu, log_var) - log_prob(logits, x), log_prob(logits, x), kl(mu, log_var)


def means(x, eps, *weights):
    mu, log_var, logits = vae(x, eps, *weights)
    return (kl(mu, log_var) - log_prob(logits, x)).mean(), log_prob(logits, x).mean(), kl(mu, log_var).mean()


def five_latents(x, eps, W1, b1, W2, b2, W3, b3, W4, b4):
    out, _ = net(x, W1, b1, W2, b2)
    mu, log_var = out[:, :5], out[:, 5:]
    logits, _ = net(mu + np.exp(0.5 * log_var) * eps, W3, b3, W4, b4)
    return kl(mu, log_var) - log_prob(logits, x), log_prob(logits, x), kl(mu, log_var)


def only_loss(x, eps, *weights):
    mu, log_var, logits = vae(x, eps, *weights)
    return kl(mu, log_var) - log_prob(logits, x)


def kl_of_the_sample(x, eps, *weights):
    mu, log_var, logits = vae(x, eps, *weights)
    z = mu + np.exp(0.5 * log_var) * eps
    return kl(z, log_var) - log_prob(logits, x), log_prob(logits, x), kl(z, log_var)


def two_of_9_5(x, eps, *weights):
    """The variance for std, and the sign of log_px_z in the loss."""
    mu, log_var, logits = vae(x, eps, *weights, std=np.exp)
    return kl(mu, log_var) + log_prob(logits, x), log_prob(logits, x), kl(mu, log_var)


def kl_first(x, eps, *weights):
    mu, log_var, logits = vae(x, eps, *weights)
    return kl(mu, log_var) - log_prob(logits, x), kl(mu, log_var), log_prob(logits, x)


def stacked_loss(x, eps, *weights):
    mu, log_var, logits = vae(x, eps, *weights)
    a, b = log_prob(logits, x), kl(mu, log_var)
    return np.stack([-(a - b), a, b])


def example_by_example(x, eps, W1, b1, W2, b2, W3, b3, W4, b4):
    log_px_z, kls = [], []
    for row, e in zip(x, eps, strict=True):
        out = np.maximum(row @ W1 + b1, 0) @ W2 + b2
        mu, log_var = out[: len(e)], out[len(e) :]
        z = mu + np.sqrt(np.exp(log_var)) * e
        logits = np.maximum(z @ W3 + b3, 0) @ W4 + b4
        log_px_z.append(log_prob(logits, row))
        kls.append(kl(mu, log_var))
    log_px_z, kls = np.array(log_px_z), np.array(kls)
    return kls - log_px_z, log_px_z, kls


# ---- 9.6


def vae_back(arrives, mean=True, sign=-1, std=lambda v: np.exp(0.5 * v)):
    """What a learner writes, with another line or two."""

    def answer(x, eps, W1, b1, W2, b2, W3, b3, W4, b4):
        N = len(x)
        g = np.ones(N) / N if mean else np.ones(N)
        out, c_enc = net(x, W1, b1, W2, b2)
        mu, log_var = np.split(out, 2, axis=-1)
        z = mu + std(log_var) * eps
        logits, c_dec = net(z, W3, b3, W4, b4)
        dz, decoder = net_back(log_prob_backward(sign * g, logits, x), c_dec, W3, W4)
        dmu_kl, dlog_var_kl = kl_backward(g, mu, log_var)
        both = arrives(dz, dmu_kl, dlog_var_kl, eps, log_var)
        return *net_back(np.concatenate(both, axis=1), c_enc, W1, W2)[1], *decoder

    return answer


right = vae_back(lambda dz, m, v, eps, log_var: (dz + m, dz * eps * np.exp(log_var / 2) / 2 + v))


def with_numbers_that_are_set(x, eps, *weights):
    return tuple(np.array(a, copy=True, order="F") for a in right(x, eps, *weights))


def summed_examples(x, eps, *weights):
    """The mean of the examples' gradients, one after the other."""
    found = [right(x[n : n + 1], eps[n : n + 1], *weights) for n in range(len(x))]
    return [sum(arrays) / len(x) for arrays in zip(*found, strict=True)]


def by_hand(x, eps, W1, b1, W2, b2, W3, b3, W4, b4):
    N, L = eps.shape
    a = x @ W1 + b1
    h = a * (a > 0)
    out = h @ W2 + b2
    std = np.exp(out[:, L:] / 2)
    z = out[:, :L] + std * eps
    a3 = z @ W3 + b3
    h3 = a3 * (a3 > 0)
    dlogits = (sigmoid(h3 @ W4 + b4) - x) / N
    da3 = np.einsum("nd,hd->nh", dlogits, W4) * (a3 > 0)
    dz = np.matmul(da3, W3.T)
    dout = np.empty_like(out)
    dout[:, :L] = dz + out[:, :L] / N
    dout[:, L:] = dz * eps * std / 2 + (std**2 - 1) / (2 * N)
    da = (dout @ W2.T) * (a > 0)
    return (np.einsum("nd,nh->dh", x, da), da.sum(0), h.T @ dout, dout.sum(0), z.T @ da3, da3.sum(0),
            h3.T @ dlogits, dlogits.sum(0))  # fmt: skip


def six_gradients(x, eps, *weights):
    return right(x, eps, *weights)[:6]


def decoder_first(x, eps, *weights):
    found = right(x, eps, *weights)
    return *found[4:], *found[:4]


def eps_outside(x, eps, W1, b1, W2, b2, W3, b3, W4, b4):
    return right(x, z, W1, b1, W2, b2, W3, b3, W4, b4)  # noqa: F821


def bias_not_summed(x, eps, *weights):
    found = list(right(x, eps, *weights))
    logits = vae(x, eps, *weights)[2]
    found[7] = (sigmoid(logits) - x) / len(x)
    return found


def nine_rows(x, eps, *weights):
    return tuple(a * len(x) / 9 for a in right(x, eps, *weights))


WRONG = {
    "9.1": [
        (by_probabilities, "from probabilities: s is exactly 1"),
        (with_a_tiny_number, ""),
        (overflows, "exp(l) overflows at l = 800"),
        (log1p_overflows, "exp(l) overflows at l = 800"),
        (forgets_the_absolute_value, "the exponent is -|l|; -l is positive where l is negative"),
        (costs, "the sign: a log-probability of bits is never positive"),
        (mean_of_pixels, "averaged over the pixels"),
        (one_number, "summed over everything"),
        (nine_examples, "of other sizes, went well: does it take a size for granted?"),
        (never_set, "np.empty holds what was in memory before"),
        (writes_into_logits, "it writes into its argument logits"),
        (negative_mean, "the sign is wrong, and it is off by exactly the factor 1/D"),
    ],
    "9.2": [
        (s_minus_x, "the sign"),
        (without_g, "g is not used"),
        (g_as_a_row, "it stopped with ValueError"),
        (mean_over_the_batch, "divided by N"),
        (by_the_chain, "not finite"),
        (by_s_only, "that is the derivative by s, not by the logit"),
        (exp_overflows, "exp(l) overflows at l = 800: use sigmoid"),
        (summed_over_pixels, "got shape"),
        (two_of_9_2, "mend that first: a second mistake is left"),
        (slope_twice, "times s (1 - s), the slope of the sigmoid: it has canceled already"),
    ],
    "9.3": [
        (std_for_variance, "std stands where the variance should"),
        (as_published, "the sign: a KL is never negative"),
        (no_half, "the 1/2 is missing"),
        (half_of_the_first, "the 1/2 belongs to all four terms, not to mu^2 alone"),
        (half_of_two, "the 1/2 belongs to all four terms; log_var and the 1 lack it"),
        (kl_mean, "averaged over the latents"),
        (kl_of_all, "summed over everything"),
        (kl_per_latent, "not summed over the latents"),
        (kl_axis_0, "summed over the examples; sum over the latents"),
        (one_outside, "the 1 stands outside of the sum"),
        (two_of_9_3, "mend that first: a second mistake is left"),
        (four_latents, "called with mu"),
    ],
    "9.4": [
        (kl_back_without_g, "g is not used"),
        (kl_back_row, "it stopped with ValueError"),
        (kl_back_two_mu, "the 1/2 of the KL is missing"),
        (kl_back_half_of_exp, "the 1/2 belongs to both"),
        (kl_back_no_one, "the term -log_var is forgotten"),
        (kl_back_sign, "dlog_var: the sign"),
        (kl_back_exchanged, "the two are exchanged: dmu comes first"),
        (kl_back_none, "got None: is a return missing?"),
        (kl_back_one_array, "dmu and dlog_var are one array"),
        (kl_back_wrong_both, "the slope of mu^2 is 2 mu: its 2 is missing"),
        (kl_back_over_n, "divided by N"),
    ],
    "9.5": [
        (elbo, "that is the ELBO"),
        (added, "log_px_z is added"),
        (vae_by_variance, "z with the variance"),
        (vae_by_log_var, "z with log_var"),
        (split_by_rows, "it stopped with ValueError"),
        (log_var_first, "the halves are exchanged"),
        (every_second, ""),
        (probabilities, "it takes the logits"),
        (own_noise, "it draws numbers of its own"),
        (means, "the mean over the examples is taken already"),
        (five_latents, "of other sizes, went well"),
        (only_loss, "expected it to return loss, log_px_z, kl"),
        (kl_of_the_sample, "the KL is of z; it is of the Gaussian"),
        (two_of_9_5, "mend that first: a second mistake is left"),
        (kl_first, "that is kl; the order is loss, log_px_z, kl"),
    ],
    "9.6": [
        (vae_back(lambda dz, m, v, eps, log_var: (dz, 0.5 * dz * eps * np.exp(0.5 * log_var))),
         "the KL's part never reaches the encoder"),
        (vae_back(lambda dz, m, v, eps, log_var: (dz + m, dz * eps * np.exp(0.5 * log_var) + v)),
         "the slope of std = exp(log_var / 2) is std / 2: the 1/2 is missing"),
        (vae_back(lambda dz, m, v, eps, log_var: (dz + m, dz + v)), "the whole slope is missing"),
        (vae_back(lambda dz, m, v, eps, log_var: (m, v)), "dz is not used"),
        (vae_back(lambda dz, m, v, eps, log_var: (dz + m, 0.5 * dz * np.exp(0.5 * log_var) + v)),
         "eps is missing"),
        (vae_back(lambda dz, m, v, eps, log_var: (0.5 * dz * eps * np.exp(0.5 * log_var) + v, dz + m)),
         "the gradients of mu and log_var are exchanged"),
        (vae_back(lambda dz, m, v, eps, log_var: (dz + m, 0.5 * dz * eps * np.exp(0.5 * log_var) + v), mean=False),
         "the 1/N is missing"),
        (vae_back(lambda dz, m, v, eps, log_var: (dz + m, 0.5 * dz * eps * np.exp(0.5 * log_var) + v), sign=1),
         "the reconstruction's sign"),
        (vae_back(lambda dz, m, v, eps, log_var: (dz - m, 0.5 * dz * eps * np.exp(0.5 * log_var) - v)),
         "the KL's part is subtracted"),
        (vae_back(lambda dz, m, v, eps, log_var: (dz + m, dz * eps * np.exp(log_var) + v), std=np.exp),
         "the gradient of another loss"),
        (vae_back(lambda dz, m, v, eps, log_var: (dz, dz * eps * np.exp(0.5 * log_var) + v)),
         "mend that first: a second mistake is left"),
        (vae_back(lambda dz, m, v, eps, log_var: (dz + m, 0.5 * dz * np.exp(0.5 * log_var) + v), mean=False),
         "mend that first: a second mistake is left"),
        (vae_back(lambda dz, m, v, eps, log_var: (dz.sum(0) + m, 0.5 * dz * eps * np.exp(0.5 * log_var) + v)), ""),
        (six_gradients, "got 6 values"),
        (decoder_first, "the decoder's gradients come first"),
        (eps_outside, "it stopped with NameError"),
        (bias_not_summed, "not summed over the broadcast axes"),
        (nine_rows, "of other sizes, went well"),
    ],
}  # fmt: skip
RIGHT = {
    "9.1": [in_a_loop, by_the_sign, einsum, single],
    "9.2": [dlogits_in_a_loop, dlogits_einsum, lambda g, logits, x: (g * (x - sigmoid(logits)).T).T],
    "9.3": [published, kl_in_a_loop, kl_by_sigma],
    "9.4": [kl_back_stacked, kl_back_loop],
    "9.5": [stacked_loss, example_by_example],
    "9.6": [with_numbers_that_are_set, summed_examples, by_hand],
}

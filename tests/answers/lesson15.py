"""Answers of lesson 15 that people give: wrong ones with the words that name them, and right ones that look unusual."""

import numpy as np

from minivae.teach import exercise


def softmax(a):
    e = np.exp(a - a.max(axis=0, keepdims=True))
    return e / e.sum(axis=0, keepdims=True)


# ---- 15.1: g, log_w -> dlog_w


def every_draw_alike(g, log_w):
    return g * np.ones_like(log_w) / len(log_w)


def softmax_of_the_loss(g, log_w):
    return g * softmax(-log_w)


def overflowing(g, log_w):
    w = np.exp(log_w)
    return g * w / w.sum(axis=0)


def not_divided(g, log_w):
    return g * np.exp(log_w - log_w.max(axis=0))


def without_g(g, log_w):
    return softmax(log_w)


def one_over_k(g, log_w):
    return g * softmax(log_w) / log_w.shape[0]


def over_examples(g, log_w):
    e = np.exp(log_w - log_w.max(axis=1)[:, None])
    return g * e / e.sum(axis=1)[:, None]


def of_the_loss(g, log_w):
    return -g * softmax(log_w)


def mean_subtracted(g, log_w):
    w = np.exp(log_w - log_w.mean(axis=0))
    return g * w / w.sum(axis=0)


def smallest_subtracted(g, log_w):
    w = np.exp(log_w - log_w.min(axis=0))
    return g * (w / w.sum(axis=0))


def by_logsumexp(g, log_w):
    return g * np.exp(log_w - np.logaddexp.reduce(log_w, axis=0))


def in_loops(g, log_w):
    out = np.zeros_like(log_w)
    for n in range(log_w.shape[1]):
        top = max(log_w[:, n])
        total = sum(np.exp(one - top) for one in log_w[:, n])
        for k in range(len(log_w)):
            out[k, n] = g[n] * np.exp(log_w[k, n] - top) / total
    return out


# ---- 15.2 and 15.4: log_w, dz, log_var, eps -> dmu, dlog_var


def weighted(v, mu_part, log_var_part):
    return (v[..., None] * mu_part).sum(axis=0), (v[..., None] * log_var_part).sum(axis=0)


def as_for_the_elbo(log_w, dz, log_var, eps):
    return dz.mean(axis=0), (0.5 * dz * eps * np.exp(log_var / 2) + 0.5).mean(axis=0)


def without_log_q(log_w, dz, log_var, eps):
    return weighted(softmax(log_w), dz, dz * eps * np.exp(log_var / 2) / 2)


def log_q_sign(log_w, dz, log_var, eps):
    return weighted(softmax(log_w), dz, dz * eps * np.exp(log_var / 2) / 2 - 0.5)


def half_missing(log_w, dz, log_var, eps):
    return weighted(softmax(log_w), dz, dz * eps * np.exp(log_var / 2) + 0.5)


def variance_for_std(log_w, dz, log_var, eps):
    return weighted(softmax(log_w), dz, dz * eps * np.exp(log_var) / 2 + 0.5)


def worst_decides(log_w, dz, log_var, eps):
    return weighted(softmax(-log_w), dz, dz * eps * np.exp(log_var / 2) / 2 + 0.5)


def mean_of_weighted(log_w, dz, log_var, eps):
    a, b = exercise("15.2").reference(log_w, dz, log_var, eps)
    return a / len(eps), b / len(eps)


def loss_gradient(log_w, dz, log_var, eps):
    a, b = weighted(softmax(log_w), dz, dz * eps * np.exp(log_var / 2) / 2 + 0.5)
    return -a, -b


def exchanged(*args):
    return exercise("15.2").reference(*args)[::-1]


def with_einsum(log_w, dz, log_var, eps):
    v = softmax(log_w)
    dstd = np.einsum("kn,knl,knl->nl", v, dz, eps)
    return np.einsum("kn,knl->nl", v, dz), 0.5 * np.exp(0.5 * log_var) * dstd + 0.5


def sticking(log_w, dz, log_var, eps):
    std = np.exp(log_var / 2)
    path = dz + eps / std
    return weighted(softmax(log_w), path, path * eps * std / 2)


def score_part(log_w, dz, log_var, eps):
    std, v = np.exp(log_var / 2), softmax(log_w)
    path = dz + eps / std
    return weighted(v - v**2, path, path * eps * std / 2)


def no_log_q(log_w, dz, log_var, eps):
    return weighted(softmax(log_w) ** 2, dz, dz * eps * np.exp(log_var / 2) / 2)


def wrong_sign_of_log_q(log_w, dz, log_var, eps):
    std = np.exp(log_var / 2)
    path = dz - eps / std
    return weighted(softmax(log_w) ** 2, path, path * eps * std / 2)


def squares_normalized(log_w, dz, log_var, eps):
    std, v2 = np.exp(log_var / 2), softmax(log_w) ** 2
    path = dz + eps / std
    return weighted(v2 / v2.sum(axis=0), path, path * eps * std / 2)


def only_weights_squared(log_w, dz, log_var, eps):
    return weighted(softmax(log_w) ** 2, dz, dz * eps * np.exp(log_var / 2) / 2 + 0.5)


def old_half_left(log_w, dz, log_var, eps):
    std = np.exp(log_var / 2)
    path = dz + eps / std
    return weighted(softmax(log_w) ** 2, path, path * eps * std / 2 + 0.5)


def no_half(log_w, dz, log_var, eps):
    std = np.exp(log_var / 2)
    path = dz + eps / std
    return weighted(softmax(log_w) ** 2, path, path * eps * std)


def eps_over_variance(log_w, dz, log_var, eps):
    std = np.exp(log_var / 2)
    path = dz + eps / np.exp(log_var)
    return weighted(softmax(log_w) ** 2, path, path * eps * std / 2)


def no_half_not_squared(log_w, dz, log_var, eps):
    std = np.exp(log_var / 2)
    path = dz + eps / std
    return weighted(softmax(log_w), path, path * eps * std)


def by_slopes(log_w, dz, log_var, eps):
    """v - v (1 - v), and the slope of log q in z as -(z - mu) / var."""
    v, std = softmax(log_w), np.exp(log_var / 2)
    c = (v - v * (1 - v))[:, :, None]
    slope = dz - -(std * eps) / np.exp(log_var)
    return np.sum(c * slope, 0), np.sum(c * slope * 0.5 * std * eps, 0)


def draw_by_draw(log_w, dz, log_var, eps):
    v, std = softmax(log_w), np.sqrt(np.exp(log_var))
    dmu, dlog_var = np.zeros_like(log_var), np.zeros_like(log_var)
    for k in range(len(eps)):
        path = v[k][:, None] ** 2 * (dz[k] + eps[k] / std)
        dmu += path
        dlog_var += path * eps[k] * std / 2
    return dmu, dlog_var


# ---- 15.3: elbo, bound, log_px -> above_elbo, below_log_px


def z(d):
    return d.mean() / (d.std() / np.sqrt(d.size))


def turned(elbo, bound, log_px):
    return z(elbo - bound), z(bound - log_px)


def second_turned(elbo, bound, log_px):
    return z(bound - elbo), z(bound - log_px)


def unpaired(elbo, bound, log_px):
    S = len(elbo)
    return (bound.mean() - elbo.mean()) / np.sqrt(elbo.var() / S + bound.var() / S), z(log_px - bound)


def in_spreads(elbo, bound, log_px):
    a, b = bound - elbo, log_px - bound
    return a.mean() / a.std(), b.mean() / b.std()


def differences(elbo, bound, log_px):
    return np.mean(bound - elbo), log_px - np.mean(bound)


def against_the_elbo(elbo, bound, log_px):
    return z(bound - elbo), z(elbo - bound)


def one_turned(elbo, bound, log_px):
    return z(elbo - bound), z(log_px - bound)


def by_roots(elbo, bound, log_px):
    return [np.sqrt(len(d)) * np.mean(d) / np.std(d) for d in (bound - elbo, log_px - bound)]


# ---- 15.5: grads -> signal, noise


def biased(grads):
    mean = grads.mean(axis=0)
    return np.linalg.norm(mean), np.sqrt(((grads - mean) ** 2).sum() / (len(grads) - 1))


def by_s(grads):
    mean, S = grads.mean(axis=0), len(grads)
    noise2 = ((grads - mean) ** 2).sum() / S
    return np.sqrt((mean**2).sum() - noise2 / S), np.sqrt(noise2)


def of_the_mean(grads):
    signal, noise = by_traces(grads)
    return signal, noise / np.sqrt(len(grads))


def squares(grads):
    signal, noise = by_traces(grads)
    return signal**2, noise**2


def per_parameter(grads):
    mean, S = grads.mean(axis=0), len(grads)
    v = grads.var(axis=0, ddof=1)
    return np.sqrt(np.maximum(mean**2 - v / S, 0)), np.sqrt(v)


def averaged(grads):
    mean, S = grads.mean(axis=0), len(grads)
    v = grads.var(axis=0, ddof=1).mean()
    return np.sqrt((mean**2).mean() - v / S), np.sqrt(v)


def all_noise_off(grads):
    mean, noise2 = grads.mean(axis=0), grads.var(axis=0, ddof=1).sum()
    return np.sqrt(max((mean**2).sum() - noise2, 0)), np.sqrt(noise2)


def not_cut_off(grads):
    mean, noise2 = grads.mean(axis=0), grads.var(axis=0, ddof=1).sum()
    return np.sqrt((mean**2).sum() - noise2 / len(grads)), np.sqrt(noise2)


def size_of_the_estimate(grads):
    mean, noise2 = grads.mean(axis=0), grads.var(axis=0, ddof=1).sum()
    return np.sqrt(np.abs((mean**2).sum() - noise2 / len(grads))), np.sqrt(noise2)


def sign_of_the_estimate(grads):
    mean, noise2 = grads.mean(axis=0), grads.var(axis=0, ddof=1).sum()
    signal2 = (mean**2).sum() - noise2 / len(grads)
    return np.sign(signal2) * np.sqrt(np.abs(signal2)), np.sqrt(noise2)


def cut_off_at_the_bias(grads):
    mean, noise2 = grads.mean(axis=0), grads.var(axis=0, ddof=1).sum()
    signal2 = (mean**2).sum() - noise2 / len(grads)
    return np.sqrt(signal2 if signal2 > 0 else (mean**2).sum()), np.sqrt(noise2)


def by_traces(grads):
    C = np.cov(grads.T)
    return np.sqrt(max(grads.mean(0) @ grads.mean(0) - np.trace(C) / len(grads), 0)), np.sqrt(np.trace(C))


def by_pairs(grads):
    """|E g|^2 as the mean of g_i g_j over the pairs i != j."""
    S, A = len(grads), grads @ grads.T
    signal2 = (A.sum() - np.trace(A)) / (S * (S - 1))
    return max(signal2, 0) ** 0.5, (np.trace(A) / S - signal2) ** 0.5


WRONG = {
    "15.1": [
        (every_draw_alike, "the ELBO: every draw alike"),
        (softmax_of_the_loss, "upside down"),
        (overflowing, "exp overflows at 800"),
        (not_divided, "the weights are not divided by their sum"),
        (without_g, "g is missing"),
        (one_over_k, "1 / K is left over"),
        (over_examples, "normalized over the examples"),
        (of_the_loss, "the sign"),
        (mean_subtracted, "not their mean, median or smallest"),
        (smallest_subtracted, "not their mean, median or smallest"),
    ],
    "15.2": [
        (as_for_the_elbo, "averaged over the draws, as for the ELBO"),
        (without_log_q, "the 1/2 that comes from log q is missing"),
        (log_q_sign, "the sign of the 1/2 that comes from log q"),
        (half_missing, "the 1/2 is missing at dz"),
        (variance_for_std, "variance for standard deviation"),
        (worst_decides, "the weights are those of -log w"),
        (mean_of_weighted, "their sum is wanted"),
        (loss_gradient, "the sign"),
        (exchanged, "exchanged"),
        (sticking, "dmu: log q at z does not contain mu"),
    ],
    "15.3": [
        (turned, "both signs"),
        (second_turned, "the sign of the second"),
        (one_turned, "the sign of the first"),
        (unpaired, "elbo and bound are of the same draws"),
        (in_spreads, "divided by the spread of one set"),
        (differences, "those are the mean differences"),
        (against_the_elbo, "the second compares with the ELBO"),
    ],
    "15.4": [
        (sticking, "v, where its square belongs"),
        (score_part, "v (1 - v) is what the score's part amounts to"),
        (no_log_q, "the way through log q is missing"),
        (wrong_sign_of_log_q, "the sign of eps / std"),
        (squares_normalized, "the squared weights are normalized again"),
        (only_weights_squared, "15.2 with squared weights"),
        (with_einsum, "that is the reparameterized gradient of 15.2"),
        (old_half_left, "the 1/2 of log q's own log_var does not belong here"),
        (no_half, "the 1/2 is missing"),
        (eps_over_variance, "eps / variance"),
        (no_half_not_squared, "v, where its square belongs"),
    ],
    "15.5": [
        (biased, "is not subtracted from the signal"),
        (by_s, "it is S - 1"),
        (of_the_mean, "that is the noise of the mean"),
        (squares, "both are squares"),
        (per_parameter, "not summed over the parameters"),
        (averaged, "averaged over the parameters"),
        (all_noise_off, "all of the noise is subtracted"),
        (not_cut_off, "of a number below 0 there is no root"),
        (size_of_the_estimate, "its size is taken"),
        (sign_of_the_estimate, "the root of its size with a minus"),
        (cut_off_at_the_bias, "the noise is not subtracted there"),
    ],
}
RIGHT = {
    "15.1": [by_logsumexp, in_loops],
    "15.2": [with_einsum],
    "15.3": [by_roots],
    "15.4": [by_slopes, draw_by_draw],
    "15.5": [by_traces, by_pairs],
}
FIXED = {}

"""Answers of lesson 13 that people give: wrong ones with the words that name them, and right ones that look unusual."""

import numpy as np

from minivae.teach import exercise

LOG_2PI = np.log(2 * np.pi)


def log_normal(z, mu, log_var):
    return -0.5 * (LOG_2PI + log_var + (z - mu) ** 2 / np.exp(log_var))


# ---- 13.1: log_px_z, mu, log_var, eps -> log_w


def weights_by_density(log_px_z, mu, log_var, eps):
    z = mu + np.sqrt(np.exp(log_var)) * eps
    return log_px_z + (log_normal(z, 0, 0) - log_normal(z, mu, log_var)).sum(axis=2)


def weights_in_a_loop(log_px_z, mu, log_var, eps):
    rows = []
    for k in range(len(eps)):
        z = mu + np.exp(0.5 * log_var) * eps[k]
        rows.append(log_px_z[k] - 0.5 * (z * z - eps[k] ** 2 - log_var).sum(-1))
    return np.stack(rows)


def q_on_top(log_px_z, mu, log_var, eps):
    z = mu + np.exp(log_var / 2) * eps
    return log_px_z + log_normal(z, 0, 0).sum(-1) + log_normal(z, mu, log_var).sum(-1) + LOG_2PI * mu.shape[1]


def the_joint(log_px_z, mu, log_var, eps):
    z = mu + np.exp(log_var / 2) * eps
    return log_px_z - 0.5 * (z**2).sum(-1)


def without_prior(log_px_z, mu, log_var, eps):
    return log_px_z + 0.5 * (log_var + eps**2).sum(-1)


def analytic_kl(log_px_z, mu, log_var, eps):
    kl = -0.5 * (1 + log_var - mu**2 - np.exp(log_var)).sum(1)
    return log_px_z - kl[None, :]


def variance_as_std(log_px_z, mu, log_var, eps):
    z = mu + np.exp(log_var) * eps
    return log_px_z - 0.5 * (z**2).sum(-1) + 0.5 * (eps**2 + log_var).sum(-1)


def prior_at_mu(log_px_z, mu, log_var, eps):
    return log_px_z - 0.5 * (mu**2).sum(-1) + 0.5 * (eps**2 + log_var).sum(-1)


def log_2pi_in_q_only(log_px_z, mu, log_var, eps):
    z = mu + np.exp(log_var / 2) * eps
    return log_px_z + np.sum(-(z**2) / 2 - log_normal(z, mu, log_var), axis=-1)


def not_summed(log_px_z, mu, log_var, eps):
    z = mu + np.exp(log_var / 2) * eps
    return log_px_z[:, :, None] + log_normal(z, 0, 0) - log_normal(z, mu, log_var)


def mean_over_latents(log_px_z, mu, log_var, eps):
    z = mu + np.exp(log_var / 2) * eps
    return log_px_z + (log_normal(z, 0, 0) - log_normal(z, mu, log_var)).mean(-1)


def weights_themselves(*args):
    return np.exp(weights_by_density(*args))


def half_and_log_var(log_px_z, mu, log_var, eps):
    z = mu + np.exp(log_var / 2) * eps
    return log_px_z - (z**2).sum(-1) + (eps**2).sum(-1)


def own_noise(log_px_z, mu, log_var, eps):
    return weights_by_density(log_px_z, mu, log_var, np.random.default_rng().standard_normal(eps.shape))


# ---- 13.2: log_w -> bound


def naive(log_w):
    return np.log(np.exp(log_w).mean(axis=0))


def mean_of_logs(log_w):
    return np.mean(log_w, axis=0)


def one_maximum(log_w):
    m = np.max(log_w)
    return m + np.log(np.mean(np.exp(log_w - m), axis=0))


def sum_of_exp(log_w):
    return np.logaddexp.reduce(log_w, axis=0)


def not_added_back(log_w):
    return np.log(np.exp(log_w - log_w.max(0)).mean(0))


def over_the_examples(log_w):
    m = log_w.max(axis=-1)
    return m + np.log(np.mean(np.exp(log_w - m[:, None]), axis=-1))


def divided_outside(log_w):
    return np.logaddexp.reduce(log_w, axis=0) / len(log_w)


def minus_log_n(log_w):
    return np.logaddexp.reduce(log_w, axis=0) - np.log(log_w.shape[1])


def mean_subtracted(log_w):
    m = log_w.mean(axis=0)
    return m + np.log(np.exp(log_w - m).mean(axis=0))


def smallest_subtracted(log_w):
    m = log_w.min(axis=0)
    return m + np.log(np.exp(log_w - m).mean(axis=0))


def middle_subtracted(log_w):
    m = (log_w.max(axis=0) + log_w.min(axis=0)) / 2
    return m + np.log(np.mean(np.exp(log_w - m), axis=0))


def clipped(log_w):
    return np.log(np.exp(np.clip(log_w, -700, 700)).mean(axis=0))


def by_logaddexp(log_w):
    return np.logaddexp.reduce(log_w - np.log(len(log_w)), axis=0)


def by_scipy(log_w):
    from scipy.special import logsumexp

    return logsumexp(log_w, axis=0, b=1 / len(log_w))


# ---- 13.3: log_w -> n


def normalized(log_w):
    w = np.exp(log_w - log_w.max(axis=0, keepdims=True))
    return w / w.sum(axis=0)


def sum_of_squares(log_w):
    return np.sum(normalized(log_w) ** 2, axis=0)


def root(log_w):
    return 1 / np.sqrt(np.sum(normalized(log_w) ** 2, axis=0))


def not_squared(log_w):
    return 1 / normalized(log_w).sum(axis=0)


def share(log_w):
    return 1 / np.sum(normalized(log_w) ** 2, axis=0) / log_w.shape[0]


def overflow(log_w):
    w = np.exp(log_w)
    return w.sum(0) ** 2 / (w**2).sum(0)


def one_top(log_w):
    w = np.exp(log_w - log_w.max())
    return w.sum(0) ** 2 / (w**2).sum(0)


def unnormalized(log_w):
    w = np.exp(log_w - log_w.max(0))
    return 1 / (w**2).sum(0)


def perplexity(log_w):
    v = normalized(log_w)
    return np.exp(-np.sum(v * np.log(v), axis=0))


def inverse_largest(log_w):
    return 1 / normalized(log_w).max(axis=0)


def by_shares_of_the_mean(log_w):
    w = np.exp(log_w - log_w.mean(axis=0))
    return 1 / ((w / w.sum(axis=0)) ** 2).sum(axis=0)


def by_squares_of_the_mean(log_w):
    w = np.exp(log_w - log_w.mean(axis=0))
    return w.sum(axis=0) ** 2 / (w**2).sum(axis=0)


def count_as_moments(log_w):
    w = np.exp(log_w - log_w.max(axis=0))
    return len(w) / (1 + w.var(axis=0) / w.mean(axis=0) ** 2)


def count_by_ratio(log_w):
    w = np.exp(log_w - np.max(log_w, 0))
    return np.square(w.sum(0)) / np.square(w).sum(0)


# ---- 13.4: bound_1, K_1, bound_2, K_2 -> log_px


def exchanged(bound_1, K_1, bound_2, K_2):
    return (K_1 * bound_2 - K_2 * bound_1) / (K_1 - K_2)


def weighted_mean(bound_1, K_1, bound_2, K_2):
    return (K_1 * bound_1 + K_2 * bound_2) / (K_1 + K_2)


def doubled(bound_1, K_1, bound_2, K_2):
    return 2 * bound_2 - bound_1


def not_divided(bound_1, K_1, bound_2, K_2):
    return K_2 * bound_2 - K_1 * bound_1


def constant_c(bound_1, K_1, bound_2, K_2):
    return (bound_2 - bound_1) * K_1 * K_2 / (K_2 - K_1)


def plain_mean(bound_1, K_1, bound_2, K_2):
    return (bound_1 + bound_2) / 2


def better_one(bound_1, K_1, bound_2, K_2):
    return np.maximum(bound_1, bound_2)


def gap_subtracted(bound_1, K_1, bound_2, K_2):
    c = (bound_2 - bound_1) / (1 / K_1 - 1 / K_2)
    return bound_2 - c / K_2


def by_c(bound_1, K_1, bound_2, K_2):
    c = (bound_2 - bound_1) / (1 / K_1 - 1 / K_2)
    return bound_1 + c / K_1


def by_a_line(bound_1, K_1, bound_2, K_2):
    return np.array([np.polyfit([1 / K_1, 1 / K_2], pair, 1)[1] for pair in zip(bound_1, bound_2, strict=True)])


# ---- 13.5: a, b -> mean, error


def unpaired(a, b):
    return np.mean(a) - np.mean(b), np.sqrt(np.var(a) / len(a) + np.var(b) / len(b))


def spread_of_one(a, b):
    return np.mean(a - b), np.std(a - b)


def over_n(a, b):
    return np.mean(a - b), np.std(a - b) / len(a)


def difference_of_spreads(a, b):
    return np.mean(a - b), (np.std(a) - np.std(b)) / np.sqrt(len(a))


def b_minus_a(a, b):
    return np.mean(b - a), np.std(b - a) / len(a) ** 0.5


def magnitude(a, b):
    d = np.abs(a - b)
    return d.mean(), d.std() / len(d) ** 0.5


def unbiased(a, b):
    return (a - b).mean(), np.std(a - b, ddof=1) / np.sqrt(len(a))


def errors_added(a, b):
    return a.mean() - b.mean(), a.std() / np.sqrt(len(a)) + b.std() / np.sqrt(len(b))


def not_averaged(a, b):
    return a - b, np.std(a - b) / np.sqrt(len(a))


def with_covariance(a, b):
    c = np.cov(a, b, bias=True)
    return a.mean() - b.mean(), np.sqrt((c[0, 0] + c[1, 1] - 2 * c[0, 1]) / len(a))


# ---- 13.6: mu, threshold -> variance, active


def deviation(mu, threshold):
    s = np.std(mu, axis=0)
    return s, np.sum(s > threshold)


def mean_square(mu, threshold):
    v = np.mean(mu**2, axis=0)
    return v, np.sum(v > threshold)


def unbiased_variance(mu, threshold):
    v = np.var(mu, axis=0, ddof=1)
    return v, int((v > threshold).sum())


def of_the_rows(mu, threshold):
    v = mu.var(axis=1)
    return v, (v > threshold).sum()


def asleep(mu, threshold):
    v = mu.var(axis=0)
    return v, len(v) - np.count_nonzero(v > threshold)


def a_share(mu, threshold):
    v = mu.var(axis=0)
    return v, np.mean(v > threshold)


def a_mask(mu, threshold):
    v = mu.var(axis=0)
    return v, v > threshold


def always_a_hundredth(mu, threshold):
    v = mu.var(axis=0)
    return v, (v > 1e-2).sum()


def which_ones(mu, threshold):
    v = mu.var(axis=0)
    return v, np.flatnonzero(v > threshold)


def by_mean_squares(mu, threshold):
    return np.var(mu, axis=0), ((mu**2).mean(axis=0) > threshold).sum()


def by_means(mu, threshold):
    return np.var(mu, axis=0), (np.abs(mu.mean(axis=0)) > threshold).sum()


def by_deviations(mu, threshold):
    return np.var(mu, axis=0), (np.std(mu, axis=0) > threshold).sum()


def counted(mu, threshold):
    v = [np.mean((column - column.mean()) ** 2) for column in mu.T]
    return np.array(v), sum(1 for one in v if one > threshold)


def by_moments(mu, threshold):
    v = (mu**2).mean(0) - mu.mean(0) ** 2
    return v, len(v[v > threshold])


WRONG = {
    "13.1": [
        (q_on_top, "the sign of log q(z | x)"),
        (the_joint, "log q(z | x) is missing"),
        (without_prior, "log p(z) is missing"),
        (analytic_kl, "that is the KL by formula"),
        (variance_as_std, "variance for standard deviation"),
        (prior_at_mu, "log p(z) is taken at mu"),
        (log_2pi_in_q_only, "log(2 pi) is in log q, but not in log p"),
        (not_summed, "not summed over the latents"),
        (mean_over_latents, "averaged over the latents, not summed"),
        (weights_themselves, "that is w; its logarithm is wanted"),
        (half_and_log_var, "mend that first: a second mistake is left"),
        (own_noise, "it draws numbers of its own"),
    ],
    "13.2": [
        (naive, "exp overflows at 800 and is 0 at -900"),
        (mean_of_logs, "that is the mean of the logarithms, the ELBO"),
        (one_maximum, "the largest of all examples is subtracted"),
        (sum_of_exp, "that is the logarithm of the sum"),
        (not_added_back, "the largest log w is not added back"),
        (over_the_examples, "the mean over the examples: axis 0 are the draws"),
        (divided_outside, "1 / K belongs inside the logarithm"),
        (minus_log_n, "divided by the number of examples"),
        (mean_subtracted, "not their mean, median or smallest"),
        (smallest_subtracted, "not their mean, median or smallest"),
        (middle_subtracted, "not their mean, median or smallest"),
        (clipped, "log w is clipped"),
    ],
    "13.3": [
        (sum_of_squares, "upside down"),
        (root, "the root is too much"),
        (not_squared, "the weights are not squared"),
        (share, "the share of the draws that count"),
        (overflow, "exp overflows at 800 and is 0 at -900"),
        (one_top, "the largest of all examples is subtracted"),
        (unnormalized, "the weights are not normalized"),
        (perplexity, "the exponential of the entropy"),
        (inverse_largest, "one by the largest weight"),
        (by_shares_of_the_mean, "not their mean, median or smallest"),
        (by_squares_of_the_mean, "not their mean, median or smallest"),
    ],
    "13.4": [
        (exchanged, "the two K are exchanged"),
        (weighted_mean, "c is still in it"),
        (doubled, "right for K_2 = 2 K_1 only"),
        (not_divided, "not divided"),
        (constant_c, "that is c"),
        (plain_mean, "a plain mean of both"),
        (better_one, "that is the better bound itself"),
        (gap_subtracted, "the gap is subtracted"),
    ],
    "13.5": [
        (unpaired, "the error for two models on different images"),
        (spread_of_one, "the spread of one image"),
        (over_n, "divided by N"),
        (difference_of_spreads, "the two standard deviations are subtracted"),
        (b_minus_a, "the sign"),
        (magnitude, "without its sign"),
        (unbiased, "ddof=1"),
        (errors_added, "the two standard errors are added"),
        (not_averaged, "expected a single number"),
    ],
    "13.6": [
        (deviation, "that is the standard deviation"),
        (mean_square, "the mean square"),
        (unbiased_variance, "ddof=1"),
        (of_the_rows, "over the latents: axis 0 are the examples"),
        (asleep, "those are the latents that are not active"),
        (a_share, "that is their share"),
        (a_mask, "True and False for each latent"),
        (always_a_hundredth, "the threshold is 0.01 only if the argument says so"),
        (which_ones, "expected a single number"),
        (by_mean_squares, "counted are the mean squares"),
        (by_means, "counted are the means"),
        (by_deviations, "compared is the standard deviation"),
    ],
}
RIGHT = {
    "13.1": [weights_by_density, weights_in_a_loop],
    "13.2": [by_logaddexp, by_scipy],
    "13.3": [count_as_moments, count_by_ratio],
    "13.4": [by_c, by_a_line],
    "13.5": [with_covariance, exercise("13.5").reference],
    "13.6": [counted, by_moments],
}
FIXED = {}

"""Answers of lesson 12 that people give: wrong ones with the words that name them, and right ones that look unusual."""

import math

import numpy as np

from minivae.teach import exercise

z_score = exercise("12.1").reference

# ---- 12.1


def in_spreads(samples, expected):
    return (samples.mean() - expected) / samples.std()


def std_by_n(samples, expected):
    return (samples.mean() - expected) / (samples.std() / samples.size)


def by_rows(samples, expected):
    return (samples.mean() - expected) / (samples.std() / np.sqrt(len(samples)))


def by_variance(samples, expected):
    return (samples.mean() - expected) / (samples.var() / np.sqrt(samples.size))


def absolute(samples, expected):
    return abs(samples.mean() - expected) / (samples.std() / np.sqrt(samples.size))


def multiplied(samples, expected):
    return (samples.mean() - expected) / (samples.std() * np.sqrt(samples.size))


def of_each_column(samples, expected):
    return (samples.mean(axis=0) - expected) / (samples.std(axis=0) / np.sqrt(len(samples)))


def own_n(samples, expected):
    return (samples.mean() - expected) / (samples.std() / math.sqrt(57400))


def in_a_list(samples, expected):
    return [z_score(samples, expected)]


def two_of_12_1(samples, expected):
    """The variance, and the sign."""
    return (expected - samples.mean()) / (samples.var() / np.sqrt(samples.size))


def by_bessel(samples, expected):
    n = samples.shape[0] * samples.shape[1]
    return float(math.sqrt(n) * np.mean(samples - expected) / np.std(samples, ddof=1))


def by_sums(samples, expected):
    s = (samples - expected).ravel()
    n, total, squares = len(s), math.fsum(s), math.fsum(s * s)
    return total / math.sqrt(squares - total**2 / n)


# ---- 12.2


def by_exp_log_var(z, mu, log_var):
    u = (z - mu) / np.exp(log_var)
    return z_score(u**2, 1)


def mean_of_u(z, mu, log_var):
    u = (z - mu) / np.exp(log_var / 2)
    return z_score(u, 0)


def the_variance(z, mu, log_var):
    return ((z - mu) / np.exp(log_var / 2)).var()


def without_mu(z, mu, log_var):
    return z_score((z / np.exp(log_var / 2)) ** 2, 1)


def to_zero(z, mu, log_var):
    return z_score(((z - mu) / np.exp(log_var / 2)) ** 2, 0)


def squared_by_std(z, mu, log_var):
    return z_score((z - mu) ** 2 / np.exp(log_var / 2), 1)


def by_log_var(z, mu, log_var):
    return z_score(((z - mu) / log_var) ** 2, 1)


def two_of_12_2(z, mu, log_var):
    """mu is forgotten, and 0 expected."""
    return z_score((z / np.exp(log_var / 2)) ** 2, 0)


def in_z_itself(z, mu, log_var):
    z -= mu
    z /= np.exp(log_var / 2)
    return z_score(z * z, 1)


def of_seven(z, mu, log_var):
    total = []
    for n in range(7):
        total.append(((z[:, n] - mu[n]) / np.exp(log_var[n] / 2)) ** 2)
    return z_score(np.array(total), 1)


def own_eps(z, mu, log_var):
    eps = np.random.default_rng().standard_normal(z.shape)
    return z_score(eps**2, 1)


def without_a_root(z, mu, log_var):
    """(z - mu)^2 / variance."""
    return z_score(np.square(z - mu[None]) * np.exp(-log_var)[None], 1.0)


def latent_by_latent(z, mu, log_var):
    K, N, L = z.shape
    u = np.zeros((L, N, K))
    for i in range(L):
        for n in range(N):
            u[i, n] = (z[:, n, i] - mu[n, i]) / math.exp(log_var[n, i] / 2)
    return z_score(u**2 - 1, 0)


# ---- 12.3


def p_minus_q(log_qz_x, log_pz, kl):
    return z_score(log_pz - log_qz_x - kl, 0)


def other_way(log_qz_x, log_pz, kl):
    return z_score(kl - (log_qz_x - log_pz), 0)


def mean_kl(log_qz_x, log_pz, kl):
    return z_score(log_qz_x - log_pz, kl.mean())


def no_kl(log_qz_x, log_pz, kl):
    return z_score(log_qz_x - log_pz, 0)


def expected_kl(log_qz_x, log_pz, kl):
    return z_score(log_qz_x - log_pz, kl)


def by_example(log_qz_x, log_pz, kl):
    return z_score((log_qz_x - log_pz).mean(axis=0) - kl, 0)


def ratio_of_logs(log_qz_x, log_pz, kl):
    return z_score(log_qz_x / log_pz - kl, 0)


def a_column(log_qz_x, log_pz, kl):
    return z_score(log_qz_x - log_pz - kl[:, None], 0)


def exponentials(log_qz_x, log_pz, kl):
    return z_score(np.exp(log_qz_x - log_pz) - kl, 0)


def two_of_12_3(log_qz_x, log_pz, kl):
    """log p is added, and the KL as well."""
    return z_score(log_qz_x + log_pz + kl, 0)


def eight_examples(log_qz_x, log_pz, kl):
    s = np.zeros((8, len(log_pz)))
    for n in range(8):
        s[n] = log_qz_x[:, n] - log_pz[:, n] - kl[n]
    return z_score(s, 0)


def returns_nothing(log_qz_x, log_pz, kl):
    print(z_score(log_qz_x - log_pz - kl, 0))


def row_by_row(log_qz_x, log_pz, kl):
    return z_score(np.stack([q - kl - p for q, p in zip(log_qz_x, log_pz, strict=True)]), 0)


def transposed(log_qz_x, log_pz, kl):
    return np.float32(z_score((log_qz_x - log_pz).T - kl[:, None], 0))


# ---- 12.4


def only_x(loss, x, eps):
    return loss(np.tile(x, (2, 1)), eps) / loss(x, eps)


def x_stacked_eps_repeated(loss, x, eps):
    return loss(np.concatenate([x, x]), np.repeat(eps, 2, axis=0)) / loss(x, eps)


def wider(loss, x, eps):
    return loss(np.tile(x, 2), np.tile(eps, 2)) / loss(x, eps)


def times_two(loss, x, eps):
    return loss(2 * x, 2 * eps) / loss(x, eps)


def upside_down(loss, x, eps):
    return loss(x, eps) / loss(np.vstack([x, x]), np.vstack([eps, eps]))


def the_difference(loss, x, eps):
    return loss(np.vstack([x, x]), np.vstack([eps, eps])) - loss(x, eps)


def new_noise(loss, x, eps):
    more = np.random.default_rng().standard_normal(eps.shape)
    return loss(np.vstack([x, x]), np.vstack([eps, more])) / loss(x, eps)


def halves(loss, x, eps):
    return loss(np.vstack([x, x]), np.vstack([eps, eps])) / (2 * loss(x, eps))


def two_of_12_4(loss, x, eps):
    """Wider, and upside down."""
    return loss(x, eps) / loss(np.tile(x, 2), np.tile(eps, 2))


def nine_rows(loss, x, eps):
    x2, eps2 = np.zeros((18, x.shape[1])), np.zeros((18, eps.shape[1]))
    x2[:9], x2[9:], eps2[:9], eps2[9:] = x, x, eps, eps
    return loss(x2, eps2) / loss(x, eps)


def each_twice(loss, x, eps):
    return loss(np.repeat(x, 2, axis=0), np.repeat(eps, 2, axis=0)) / loss(x, eps)


def in_lists(loss, x, eps):
    once = float(loss(x, eps))
    return loss(np.array(list(x) + list(x)), np.append(eps, eps, axis=0)) / once


# ---- 12.5


def half_logits(log_prob, D):
    return -log_prob(0.5 * np.ones((1, D)), x=np.ones((1, D))).sum() / (D * np.log(2))


def no_minus(log_prob, D):
    return log_prob(np.zeros((1, D)), x=np.ones((1, D))).sum() / (D * np.log(2))


def log2(log_prob, D):
    return -log_prob(np.zeros((1, D)), x=np.ones((1, D))).sum() / (D * np.log2(2))


def by_one(log_prob, D):
    return -log_prob(np.zeros((1, D)), x=np.ones((1, D))).sum() / np.log(2)


def of_784(log_prob, D):
    return -log_prob(np.zeros((1, 784)), x=np.ones((1, 784))).sum() / (784 * np.log(2))


def exchanged(log_prob, D):
    return -log_prob(np.ones((1, D)), x=np.zeros((1, D))).sum() / (D * np.log(2))


def positional(log_prob, D):
    return -log_prob(np.zeros((1, D)), np.ones((1, D))).sum() / (D * np.log(2))


def not_a_number(log_prob, D):
    return -log_prob(np.zeros((1, D)), x=np.ones((1, D))) / (D * np.log(2))


def the_expected_one(log_prob, D):
    return 1.0


def two_of_12_5(log_prob, D):
    """No minus, and by ln 2 alone."""
    return log_prob(np.zeros((1, D)), x=np.ones((1, D))).sum() / np.log(2)


def random_bits(log_prob, D):
    bits = (np.random.default_rng().random((1, D)) < 0.5) * 1.0
    return float(-log_prob(np.zeros((1, D)), x=bits)[0] / math.log(2**D)) if D < 1000 else 0.0


def one_row_less(log_prob, D):
    return log_prob(np.zeros(D), x=np.arange(D) % 2) / (D * math.log(0.5))


# ---- 12.6


def answers(*words):
    return lambda: words


RIGHT_WORDS = "law", "gradient", "known answer", "loss curve", "known answer", "law"

SECOND = "mend that first: a second mistake is left"
WRONG = {
    "12.1": [
        (in_spreads, "that is in standard deviations of one number"),
        (std_by_n, "the standard error is std / sqrt(n), not std / n"),
        (by_rows, "n is the number of all numbers"),
        (by_variance, "the variance stands where the standard deviation belongs"),
        (absolute, "the sign"),
        (multiplied, "the mean of n spreads less than one number, not more"),
        (of_each_column, "got shape"),
        (own_n, "went well"),
        (in_a_list, "got a list"),
        (two_of_12_1, SECOND),
    ],
    "12.2": [
        (by_exp_log_var, "divided by exp(log_var), which is the variance"),
        (mean_of_u, "that tests the mean of u"),
        (the_variance, "that is the variance of u"),
        (without_mu, "mu is not subtracted"),
        (to_zero, "the mean of u * u is 1, not 0"),
        (squared_by_std, "(z - mu)^2 is divided by std once"),
        (by_log_var, "divided by log_var: std is exp(log_var / 2)"),
        (two_of_12_2, SECOND),
        (in_z_itself, "it writes into its argument z"),
        (of_seven, "it stopped with IndexError"),
        (own_eps, "it draws numbers of its own"),
    ],
    "12.3": [
        (p_minus_q, "the sign: KL(q || p) is the mean of log q - log p"),
        (other_way, "expected minus found: the other way round"),
        (mean_kl, "not with their mean"),
        (no_kl, "the KL is not subtracted"),
        (expected_kl, "got shape"),
        (by_example, "averaged over the draws first"),
        (ratio_of_logs, "the densities are divided; their logarithms are subtracted"),
        (a_column, "it stopped with ValueError"),
        (exponentials, ""),
        (two_of_12_3, SECOND),
        (eight_examples, "it stopped with IndexError"),
        (returns_nothing, "got None: is a return missing?"),
    ],
    "12.4": [
        (only_x, "it stopped with ValueError"),
        (x_stacked_eps_repeated, "a copy must meet the same noise as its original: double both"),
        (wider, "axis 1 are the pixels"),
        (times_two, "those are the arrays times 2, not twice"),
        (upside_down, "upside down: once by twice"),
        (the_difference, "the difference, where the ratio is asked"),
        (new_noise, "it draws numbers of its own"),
        (halves, "divided by twice the loss"),
        (two_of_12_4, SECOND),
        (nine_rows, "went well"),
    ],
    "12.5": [
        (half_logits, "the logits: probability 1/2 is logit 0"),
        (no_minus, "log_prob is negative"),
        (log2, "in nats D ln 2"),
        (by_one, "D pixels cost D ln 2, one costs ln 2"),
        (of_784, "that is for 784 pixels"),
        (exchanged, "and the bits are 0"),
        (positional, "it stopped with TypeError"),
        (not_a_number, "the right numbers, in another shape"),
        (the_expected_one, "1 is what right code gives"),
        (two_of_12_5, SECOND),
    ],
    "12.6": [
        (answers("loss curve", *RIGHT_WORDS[1:]), "A's loss falls, and lower than that of right code"),
        (answers("law", "law", *RIGHT_WORDS[2:]), "B's two laws hold"),
        (answers(*RIGHT_WORDS[:2], "gradient", *RIGHT_WORDS[3:]), "C's gradient passes"),
        (answers(*RIGHT_WORDS[:3], "gradient", *RIGHT_WORDS[4:]), "D's gradient is wrong, but"),
        (answers(*RIGHT_WORDS[:4], "loss curve", "law"), "E's loss is large, but it falls"),
        (answers(*RIGHT_WORDS[:5], "known answer"), "F's two ratios are 1"),
        (answers("gradient", "gradient", "known answer", "loss curve", "law", "law"), "bug_e: E's two laws hold"),
        (answers(*["known answer"] * 6), "D's two ratios are 1"),
        (answers("laws", *RIGHT_WORDS[1:]), "'laws' is not it"),
        (answers(None, *RIGHT_WORDS[1:]), "None is not it"),
        (answers(1, *RIGHT_WORDS[1:]), "1 is not it"),
    ],
}
RIGHT = {
    "12.1": [by_bessel, by_sums],
    "12.2": [without_a_root, latent_by_latent],
    "12.3": [row_by_row, transposed],
    "12.4": [each_twice, in_lists],
    "12.5": [random_bits, one_row_less],
    "12.6": [answers(*RIGHT_WORDS), lambda: [str(word) for word in RIGHT_WORDS]],
}

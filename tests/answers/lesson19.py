"""Answers of lesson 19 that people give: wrong ones with the words that name them, and right ones that look unusual."""

import numpy as np
from scipy.special import logsumexp
from scipy.stats import mannwhitneyu, norm
from sklearn.metrics import mutual_info_score

from minivae.teach import exercise

kl_parts, gaussian_tc, aggregate, mig = (exercise(number).reference for number in ("19.1", "19.2", "19.3", "19.5"))

# ---- 19.1


def whole_first(log_qz_x, log_qz, log_qz_l, log_pz_l):
    _, second, third = kl_parts(log_qz_x, log_qz, log_qz_l, log_pz_l)
    return (log_qz_x - log_pz_l.sum(axis=1)).mean(), second, third


def marginal_second(log_qz_x, log_qz, log_qz_l, log_pz_l):
    first, _, third = kl_parts(log_qz_x, log_qz, log_qz_l, log_pz_l)
    return first, (log_qz - log_pz_l.sum(axis=1)).mean(), third


def turned_second(log_qz_x, log_qz, log_qz_l, log_pz_l):
    first, second, third = kl_parts(log_qz_x, log_qz, log_qz_l, log_pz_l)
    return first, -second, third


def all_means(log_qz_x, log_qz, log_qz_l, log_pz_l):
    return ((log_qz_x - log_qz).mean(), (log_qz - log_qz_l.mean(axis=1)).mean(),
            (log_qz_l.mean(axis=1) - log_pz_l.mean(axis=1)).mean())  # fmt: skip


def all_sums(*logs):
    return tuple(len(logs[0]) * part for part in kl_parts(*logs))


def not_averaged(log_qz_x, log_qz, log_qz_l, log_pz_l):
    return log_qz_x - log_qz, log_qz - log_qz_l.sum(axis=1), (log_qz_l - log_pz_l).sum(axis=1)


def exchanged(*logs):
    first, second, third = kl_parts(*logs)
    return second, first, third


def skips_q(log_qz_x, log_qz, log_qz_l, log_pz_l):
    _, second, third = kl_parts(log_qz_x, log_qz, log_qz_l, log_pz_l)
    return (log_qz_x - log_qz_l.sum(axis=1)).mean(), second, third


def two_of_parts(log_qz_x, log_qz, log_qz_l, log_pz_l):
    """Sums over the draws, and the second turned."""
    first, second, third = kl_parts(log_qz_x, log_qz, log_qz_l, log_pz_l)
    return len(log_qz) * first, -len(log_qz) * second, len(log_qz) * third


def broadcast(log_qz_x, log_qz, log_qz_l, log_pz_l):
    return (log_qz_x - log_qz).mean(), (log_qz - log_qz_l).mean(), (log_qz_l - log_pz_l).mean()


def by_loops(log_qz_x, log_qz, log_qz_l, log_pz_l):
    N, L = log_qz_l.shape
    first = second = third = 0.0
    for n in range(N):
        product = sum(log_qz_l[n, i] for i in range(L))
        first += (log_qz_x[n] - log_qz[n]) / N
        second += (log_qz[n] - product) / N
        third += (product - sum(log_pz_l[n])) / N
    return first, second, third


def what_is_left(log_qz_x, log_qz, log_qz_l, log_pz_l):
    """The third as the whole KL less the others."""
    kl = (log_qz_x - log_pz_l.sum(axis=1)).mean()
    first, second = (log_qz_x - log_qz).mean(), (log_qz - log_qz_l.sum(axis=1)).mean()
    return np.array([first, second, kl - first - second])


# ---- 19.2


def without_half(C):
    return np.log(np.diag(C)).sum() - np.log(np.linalg.det(C))


def negative(C):
    return 0.5 * (np.log(np.linalg.det(C)) - np.log(np.diag(C)).sum())


def only_det(C):
    return -0.5 * np.log(np.linalg.det(C))


def only_variances(C):
    return 0.5 * np.log(np.diag(C)).sum()


def log_of_trace(C):
    return 0.5 * (np.log(np.trace(C)) - np.log(np.linalg.det(C)))


def with_stds(C):
    return 0.5 * (np.log(np.sqrt(np.diag(C))).sum() - np.log(np.linalg.det(C)))


def in_bits(C):
    return 0.5 * (np.log2(np.diag(C)).sum() - np.log2(np.linalg.det(C)))


def of_two(C):
    return -0.5 * np.log(1 - C[0, 1] ** 2 / (C[0, 0] * C[1, 1]))


def plus_l(C):
    return 0.5 * (np.log(np.diag(C)).sum() - np.log(np.linalg.det(C)) + len(C))


def no_log_det(C):
    return 0.5 * (np.log(np.diag(C)).sum() - np.linalg.det(C))


def gaussian_two(C):
    """No half, and the sign."""
    return np.log(np.linalg.det(C)) - np.log(np.diag(C)).sum()


def by_correlations(C):
    std = np.sqrt(np.diag(C))
    return -0.5 * np.log(np.linalg.det(C / np.outer(std, std)))


def by_cholesky(C):
    return np.log(np.diag(C)).sum() / 2 - np.log(np.diag(np.linalg.cholesky(C))).sum()


# ---- 19.3


def densities(z, mu, log_var):
    return norm.logpdf(z[:, None], mu, np.exp(0.5 * log_var))


def by(w, z, mu, log_var):
    log_q = densities(z, mu, log_var)
    return logsumexp(np.log(w) + log_q.sum(axis=-1), axis=1), logsumexp(np.log(w)[..., None] + log_q, axis=1)


def column(z, mu, log_var, M):
    """As in the published code: w.view(-1)[::N + 1] was meant, [:, 0] was written."""
    N = len(z)
    w = np.full((N, N), (M - 1) / (M * (N - 1)))
    w[:, 0] = 1 / M
    return by(w, z, mu, log_var)


def all_one_over_n(z, mu, log_var, M):
    return by(np.full((len(z), len(z)), 1 / len(z)), z, mu, log_var)


def weighted(z, mu, log_var, M):
    """Minibatch-weighted: 1 / (N M) for all."""
    return by(np.full((len(z), len(z)), 1 / (len(z) * M)), z, mu, log_var)


def own_one_over_n(z, mu, log_var, M):
    N = len(z)
    w = np.full((N, N), (M - 1) / (M * (N - 1)))
    np.fill_diagonal(w, 1 / N)
    return by(w, z, mu, log_var)


def right_weights(N, M):
    w = np.full((N, N), (M - 1) / (M * (N - 1)))
    np.fill_diagonal(w, 1 / M)
    return w


def turned(z, mu, log_var, M):
    log_q, log_w = densities(z, mu, log_var), np.log(right_weights(len(z), M))
    return logsumexp(log_w + log_q.sum(axis=-1), axis=0), logsumexp(log_w[..., None] + log_q, axis=0)


def products_of_means(z, mu, log_var, M):
    log_qz_l = aggregate(z, mu, log_var, M)[1]
    return log_qz_l.sum(axis=1), log_qz_l


def variance_as_std(z, mu, log_var, M):
    log_q = norm.logpdf(z[:, None], mu, np.exp(log_var))
    log_w = np.log(right_weights(len(z), M))
    return logsumexp(log_w + log_q.sum(axis=-1), axis=1), logsumexp(log_w[..., None] + log_q, axis=1)


def no_constant(z, mu, log_var, M):
    log_qz, log_qz_l = aggregate(z, mu, log_var, M)
    half = 0.5 * np.log(2 * np.pi)
    return log_qz + half * z.shape[1], log_qz_l + half


def summed_over_latents(z, mu, log_var, M):
    log_qz, log_qz_l = aggregate(z, mu, log_var, M)
    return log_qz, log_qz_l.sum(axis=1)


def others_not_shared(z, mu, log_var, M):
    N = len(z)
    w = np.full((N, N), (M - 1) / M)
    np.fill_diagonal(w, 1 / M)
    return by(w, z, mu, log_var)


def aggregate_two(z, mu, log_var, M):
    """A column, and no constant."""
    log_qz, log_qz_l = column(z, mu, log_var, M)
    half = 0.5 * np.log(2 * np.pi)
    return log_qz + half * z.shape[1], log_qz_l + half


def one_array(z, mu, log_var, M):
    return np.column_stack(aggregate(z, mu, log_var, M))


def with_exp(z, mu, log_var, M):
    w, q = right_weights(len(z), M), np.exp(densities(z, mu, log_var))
    return np.log((w * q.prod(axis=2)).sum(axis=1)), np.log(np.einsum("nm,nml->nl", w, q))


def row_by_row(z, mu, log_var, M):
    N, L = z.shape
    log_qz, log_qz_l = np.zeros(N), np.zeros((N, L))
    for n in range(N):
        others = [m for m in range(N) if m != n]
        q = norm.pdf(z[n], mu, np.exp(log_var / 2))
        log_qz[n] = np.log(q[n].prod() / M + (1 - 1 / M) * q[others].prod(axis=1).mean())
        log_qz_l[n] = np.log(q[n] / M + (1 - 1 / M) * q[others].mean(axis=0))
    return log_qz, log_qz_l


# ---- 19.4


def shares(a, b):
    return np.histogram2d(a, b, bins=(np.arange(a.max() + 2), np.arange(b.max() + 2)))[0] / len(a)


def with_log_0(a, b):
    p = shares(a, b)
    return (p * np.log(p / np.outer(p.sum(axis=1), p.sum(axis=0)))).sum()


def with_log2(a, b):
    return mutual_info_score(a, b) / np.log(2)


def upside_down(a, b):
    return -mutual_info_score(a, b)


def pair_entropy(a, b):
    p = shares(a, b)
    return -(p[p > 0] * np.log(p[p > 0])).sum()


def of_a(a, b):
    return mutual_info_score(a, a)


def with_counts(a, b):
    return mutual_info_score(a, b) * len(a)


def normalized(a, b):
    return mutual_info_score(a, b) / mutual_info_score(b, b)


def correlation(a, b):
    return -0.5 * np.log(1 - np.corrcoef(a, b)[0, 1] ** 2)


def information_two(a, b):
    """Counts, and the sign."""
    return -len(a) * mutual_info_score(a, b)


def a_matrix(a, b):
    p = shares(a, b)
    return p * np.log(np.maximum(p, 1e-300) / np.outer(p.sum(axis=1), p.sum(axis=0)))


def by_entropies(a, b):
    return mutual_info_score(a, a) + mutual_info_score(b, b) - pair_entropy(a, b)


def by_pairs(a, b):
    """A mean over the rows."""
    n_a, n_b = np.bincount(a), np.bincount(b)
    both = np.array([((a == i) & (b == j)).sum() for i, j in zip(a, b, strict=True)])
    return np.log(len(a) * both / (n_a[a] * n_b[b])).mean()


# ---- 19.5


def matrix(codes, factors):
    return np.array([[mutual_info_score(a, v) for v in factors.T] for a in codes.T])


def entropies(factors):
    return np.array([mutual_info_score(v, v) for v in factors.T])


def gaps(information):
    ordered = np.sort(information, axis=0)
    return ordered[-1] - ordered[-2]


def not_divided(codes, factors):
    return gaps(matrix(codes, factors)).mean()


def other_axis(codes, factors):
    ordered = np.sort(matrix(codes, factors), axis=1)
    return ((ordered[:, -1] - ordered[:, -2]) / [mutual_info_score(a, a) for a in codes.T]).mean()


def viewed(codes, factors):
    """The matrix came out (F, L), and was given the wanted shape."""
    information = np.array([[mutual_info_score(a, v) for a in codes.T] for v in factors.T])
    return (gaps(information.reshape(codes.shape[1], -1)) / entropies(factors)).mean()


def best_only(codes, factors):
    return (matrix(codes, factors).max(axis=0) / entropies(factors)).mean()


def to_the_last(codes, factors):
    information = matrix(codes, factors)
    return ((information.max(axis=0) - information.min(axis=0)) / entropies(factors)).mean()


def by_one_entropy(codes, factors):
    return (gaps(matrix(codes, factors)) / entropies(factors).mean()).mean()


def by_log_values(codes, factors):
    return (gaps(matrix(codes, factors)) / np.log([len(np.unique(v)) for v in factors.T])).mean()


def each_factor(codes, factors):
    return gaps(matrix(codes, factors)) / entropies(factors)


def summed(codes, factors):
    return (gaps(matrix(codes, factors)) / entropies(factors)).sum()


def mig_two(codes, factors):
    """Not divided, and summed."""
    return gaps(matrix(codes, factors)).sum()


def ascending(codes, factors):
    ordered = np.sort(matrix(codes, factors), axis=0)
    return ((ordered[0] - ordered[1]) / entropies(factors)).mean()


def by_deleting(codes, factors):
    total = 0
    for v in factors.T:
        told = [mutual_info_score(a, v) for a in codes.T]
        best = told.pop(int(np.argmax(told)))
        total += (best - max(told)) / mutual_info_score(v, v)
    return total / factors.shape[1]


def by_partition(codes, factors):
    two = np.partition(matrix(codes, factors).T, -2, axis=1)[:, -2:]
    return float(np.average((two[:, 1] - two[:, 0]) / entropies(factors)))


# ---- 19.6


def a_above(a, b):
    return ((a[:, None] > b) + 0.5 * (a[:, None] == b)).mean()


def no_ties(a, b):
    return (b > a[:, None]).mean()


def full_ties(a, b):
    return (b >= a[:, None]).mean()


def count(a, b):
    return ((b > a[:, None]) + 0.5 * (b == a[:, None])).sum()


def percent(a, b):
    return 100 * ((b > a[:, None]) + 0.5 * (b == a[:, None])).mean()


def by_mean_of_a(a, b):
    return np.mean(b > np.mean(a))


def side_by_side(a, b):
    return np.mean(b > a)


def compare_means(a, b):
    return float(np.mean(b) > np.mean(a))


def normal(a, b):
    """As if scores were normal."""
    return norm.cdf((b.mean() - a.mean()) / np.sqrt(a.var() + b.var()))


def order_two(a, b):
    """The other way round, without ties."""
    return (a[:, None] > b).mean()


def by_mann_whitney(a, b):
    return mannwhitneyu(b, a).statistic / (len(a) * len(b))


def all_pairs(a, b):
    return sum((y > x) + (y == x) / 2 for x in a for y in b) / a.size / b.size


SECOND = "mend that first: a second mistake is left"
WRONG = {
    "19.1": [
        (whole_first, "the first is the whole KL"),
        (marginal_second, "that is 0 only where q(z) is the prior"),
        (turned_second, "sign"),
        (all_means, "averaged over the latents"),
        (all_sums, "sums over the draws where means are wanted"),
        (not_averaged, "expected a single number, got shape"),
        (exchanged, "the order is first, second, third"),
        (skips_q, "not with the product of the q(z_l)"),
        (two_of_parts, "the sign is wrong, and it is off by exactly the factor N"),
        (broadcast, "it stopped with ValueError"),
    ],
    "19.2": [
        (without_half, "the half is missing"),
        (negative, "sign"),
        (only_det, "the variances of the single latents are forgotten"),
        (only_variances, "the determinant is forgotten"),
        (log_of_trace, "the logarithm of the sum of the variances"),
        (with_stds, "standard deviations where variances should be"),
        (in_bits, "in bits"),
        (of_two, ""),
        (plus_l, "the squares are left over"),
        (no_log_det, "the determinant without its logarithm"),
        (gaussian_two, "the sign is wrong, and it is off by exactly the factor 2"),
    ],
    "19.3": [
        (column, "here it fills a column"),
        (all_one_over_n, "all weights are 1 / N"),
        (weighted, ""),
        (own_one_over_n, "one's own weight is 1 / M, not 1 / N"),
        (turned, "turned: the sum is over the posteriors"),
        (products_of_means, "log q(z) is the mean of products"),
        (variance_as_std, ""),
        (no_constant, "log(2 pi) is missing"),
        (summed_over_latents, "log_qz_l is wanted for each latent"),
        (others_not_shared, "the others' weight is divided among N - 1"),
        (aggregate_two, SECOND),
        (one_array, "expected it to return log_qz, log_qz_l"),
    ],
    "19.4": [
        (with_log_0, ""),
        (with_log2, "in bits"),
        (upside_down, "sign"),
        (pair_entropy, "that is the entropy of the pair"),
        (of_a, "that is H(a)"),
        (with_counts, "counts where shares should be"),
        (normalized, "divided by the entropy of b"),
        (correlation, ""),
        (information_two, SECOND),
        (a_matrix, "expected a single number, got shape"),
    ],
    "19.5": [
        (not_divided, "not divided by the entropies"),
        (other_axis, "not the two best factors of a latent"),
        (viewed, "reshape is no transpose"),
        (best_only, "the best alone"),
        (to_the_last, "the best less the worst"),
        (by_one_entropy, "divided by the mean entropy"),
        (by_log_values, "divided by the entropy's upper limit"),
        (each_factor, "expected a single number, got shape"),
        (summed, "the sum over the factors"),
        (mig_two, SECOND),
        (ascending, ""),
    ],
    "19.6": [
        (a_above, "that is how often a is above b"),
        (no_ties, "ties are not counted"),
        (full_ties, "ties are counted in full"),
        (count, "the number of pairs"),
        (percent, "in percent"),
        (by_mean_of_a, "compared with the mean of a"),
        (side_by_side, "it stopped with ValueError"),
        (compare_means, "that compares the means"),
        (normal, ""),
        (order_two, SECOND),
    ],
}
RIGHT = {
    "19.1": [by_loops, what_is_left],
    "19.2": [by_correlations, by_cholesky],
    "19.3": [with_exp, row_by_row],
    "19.4": [by_entropies, by_pairs],
    "19.5": [by_deleting, by_partition],
    "19.6": [by_mann_whitney, all_pairs],
}

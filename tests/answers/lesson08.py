"""Answers of lesson 8 that people give: wrong ones with the words that name them, and right ones that look unusual."""

import numpy as np

from minivae.teach import exercise

reparameterize, score = exercise("8.1").reference, exercise("8.4").reference


# ---- 8.1: mu, log_var, eps -> z


def exp_of_log_var(mu, log_var, eps):
    return mu + np.exp(log_var) * eps


def half_outside(mu, log_var, eps):
    return mu + 0.5 * np.exp(log_var) * eps


def root_of_log_var(mu, log_var, eps):
    return mu + log_var**0.5 * eps


def eps_added(mu, log_var, eps):
    return mu + np.exp(log_var / 2) + eps


def own_noise(mu, log_var, eps):
    return mu + np.exp(log_var / 2) * np.random.default_rng().standard_normal(mu.shape)


def own_noise_with_a_seed(mu, log_var, eps):
    return np.random.default_rng(0).normal(mu, np.exp(log_var / 2))


def variance_and_minus(mu, log_var, eps):
    return mu - np.exp(log_var) * eps


def matrix_product(mu, log_var, eps):
    return mu + np.exp(log_var / 2) @ eps


def one_row(mu, log_var, eps):
    return (mu + np.exp(log_var / 2) * eps)[0]


def returns_nothing(mu, log_var, eps):
    mu + np.exp(log_var / 2) * eps


def in_place(mu, log_var, eps):
    mu += np.exp(log_var / 2) * eps
    return mu


def six_examples(mu, log_var, eps):
    z = np.zeros_like(mu)
    for i in range(6):
        z[i] = mu[i] + np.exp(log_var[i] / 2) * eps[i]
    return z


def root_of_variance(mu, log_var, eps):
    return eps * np.sqrt(np.exp(log_var)) + mu


def entry_by_entry(mu, log_var, eps):
    z = np.empty(mu.shape)
    for i in np.ndindex(mu.shape):
        z[i] = mu[i] + np.e ** (log_var[i] / 2) * eps[i]
    return z


# ---- 8.2: dz, mu, log_var, eps -> dmu, dlog_var


def no_half(dz, mu, log_var, eps):
    return dz, dz * eps * np.exp(log_var / 2)


def dstd(dz, mu, log_var, eps):
    return dz, dz * eps


def with_variance(dz, mu, log_var, eps):
    return dz, 0.5 * dz * eps * np.exp(log_var)


def variance_no_half(dz, mu, log_var, eps):
    return dz, dz * eps * np.exp(log_var)


def eps_in_dmu(dz, mu, log_var, eps):
    return dz * eps, 0.5 * dz * eps * np.exp(log_var / 2)


def ones(dz, mu, log_var, eps):
    return np.ones_like(mu), 0.5 * eps * np.exp(log_var / 2)


def z_for_eps(dz, mu, log_var, eps):
    z = reparameterize(mu, log_var, eps)
    return dz, dz * z * np.exp(log_var / 2) / 2


def minus_in_dlog_var(dz, mu, log_var, eps):
    return dz, -dz * eps * np.exp(log_var / 2) / 2


def summed(dz, mu, log_var, eps):
    return dz.sum(axis=0), (dz * eps * np.exp(log_var / 2) / 2).sum(axis=0)


def swapped(dz, mu, log_var, eps):
    return dz * eps * np.exp(log_var / 2) / 2, dz


def with_kl(dz, mu, log_var, eps):
    return dz + mu, dz * eps * np.exp(log_var / 2) / 2 + 0.5 * (np.exp(log_var) - 1)


def eps_in_dmu_no_half(dz, mu, log_var, eps):
    return dz * eps, dz * eps * np.exp(log_var / 2)


def dlog_var_only(dz, mu, log_var, eps):
    return dz * eps * np.exp(log_var / 2) / 2


def by_the_distance(dz, mu, log_var, eps):
    z = reparameterize(mu, log_var, eps)
    return 1.0 * dz, dz * (z - mu) / 2


def backward_stacked(dz, mu, log_var, eps):
    return np.array([dz, np.einsum("nl,nl,nl->nl", dz, eps, np.exp(log_var / 2)) / 2])


# ---- 8.3: dl1, dl2, v1, v2, mu, log_var, eps -> dz, dstd, dmu, dlog_var


def pencil(dl1, dl2, v1, v2, mu, log_var, eps, dz=None, dstd=None, dmu=None, dlog_var=None):
    std = np.sqrt(np.exp(log_var))
    dz = v1 * dl1 + v2 * dl2 if dz is None else dz
    dstd = eps * dz if dstd is None else dstd
    dmu = mu + dz if dmu is None else dmu
    dlog_var = 0.5 * std * dstd + 0.5 * (std**2 - 1) if dlog_var is None else dlog_var
    return dz, dstd, dmu, dlog_var


def one_arrow(dl1, dl2, v1, v2, mu, log_var, eps):
    return pencil(dl1, dl2, v1, v2, mu, log_var, eps, dz=dl1 * v1)


def arrows_exchanged(dl1, dl2, v1, v2, mu, log_var, eps):
    return pencil(dl1, dl2, v1, v2, mu, log_var, eps, dz=dl1 * v2 + dl2 * v1)


def no_kl_in_dmu(dl1, dl2, v1, v2, mu, log_var, eps):
    return pencil(dl1, dl2, v1, v2, mu, log_var, eps, dmu=dl1 * v1 + dl2 * v2)


def no_kl(dl1, dl2, v1, v2, mu, log_var, eps):
    dz = dl1 * v1 + dl2 * v2
    return pencil(dl1, dl2, v1, v2, mu, log_var, eps, dmu=dz, dlog_var=dz * eps * np.exp(log_var / 2) / 2)


def kl_minus(dl1, dl2, v1, v2, mu, log_var, eps):
    dz = dl1 * v1 + dl2 * v2
    std = np.exp(log_var / 2)
    return dz, dz * eps, dz - mu, dz * eps * std / 2 - 0.5 * (std**2 - 1)


def no_half_by_hand(dl1, dl2, v1, v2, mu, log_var, eps):
    dstd = (dl1 * v1 + dl2 * v2) * eps
    return pencil(dl1, dl2, v1, v2, mu, log_var, eps, dlog_var=dstd * np.exp(log_var / 2) + (np.exp(log_var) - 1) / 2)


def no_eps(dl1, dl2, v1, v2, mu, log_var, eps):
    return pencil(dl1, dl2, v1, v2, mu, log_var, eps, dstd=dl1 * v1 + dl2 * v2)


def one_arrow_no_eps(dl1, dl2, v1, v2, mu, log_var, eps):
    return pencil(dl1, dl2, v1, v2, mu, log_var, eps, dz=dl1 * v1, dstd=dl1 * v1)


def one_array(dl1, dl2, v1, v2, mu, log_var, eps):
    dz = dl1 * v1 + dl2 * v2
    dstd, dlog_var = dz * eps, dz * eps * np.exp(log_var / 2) / 2 + (np.exp(log_var) - 1) / 2
    dmu = dz
    dmu += mu
    return dz, dstd, dmu, dlog_var


def three_of_four(*args):
    return pencil(*args)[1:]


def pencil_stacked(*args):
    return np.stack(pencil(*args))


def with_lesson_code(dl1, dl2, v1, v2, mu, log_var, eps):
    dz = np.sum([dl1 * v1, dl2 * v2], axis=0)
    dmu, dlog_var = exercise("8.2").reference(dz, mu, log_var, eps)
    return [dz, dz * eps, dmu + mu, dlog_var + np.expm1(log_var) / 2]


# ---- 8.4: z, mu, log_var -> dmu, dlog_var


def in_z(z, mu, log_var):
    return (mu - z) / np.exp(log_var), 0.5 * ((z - mu) ** 2 / np.exp(log_var) - 1)


def no_constant(z, mu, log_var):
    return (z - mu) / np.exp(log_var), 0.5 * (z - mu) ** 2 / np.exp(log_var)


def plus_one(z, mu, log_var):
    return (z - mu) / np.exp(log_var), 0.5 * ((z - mu) ** 2 / np.exp(log_var) + 1)


def minus_square(z, mu, log_var):
    return (z - mu) / np.exp(log_var), -0.5 * (1 + (z - mu) ** 2 * np.exp(-log_var))


def with_std(z, mu, log_var):
    std = np.exp(log_var / 2)
    return (z - mu) / std, 0.5 * ((z - mu) ** 2 / std - 1)


def no_half_in_score(z, mu, log_var):
    return (z - mu) / np.exp(log_var), (z - mu) ** 2 / np.exp(log_var) - 1


def in_the_variance(z, mu, log_var):
    v = np.exp(log_var)
    return (z - mu) / v, 0.5 * ((z - mu) ** 2 / v**2 - 1 / v)


def both_signs(z, mu, log_var):
    return tuple(-a for a in score(z, mu, log_var))


def score_summed(z, mu, log_var):
    return tuple(a.sum(axis=1) for a in score(z, mu, log_var))


def no_mu_no_one(z, mu, log_var):
    return z / np.exp(log_var), z**2 / np.exp(log_var) / 2


def score_swapped(z, mu, log_var):
    return score(z, mu, log_var)[::-1]


def from_eps(z, mu, log_var):
    std = np.exp(0.5 * log_var)
    eps = (z - mu) / std
    return eps / std, (eps + 1) * (eps - 1) / 2


def score_float32(z, mu, log_var):
    return tuple(a.astype("float32") for a in score(z, mu, log_var))


# ---- 8.5: f, z, mu, log_var, baseline -> dmu, dlog_var


def along_latents(f, z, mu, log_var, baseline):
    dmu, dlog_var = score(z, mu, log_var)
    return (f - baseline) * dmu, (f - baseline) * dlog_var


def no_baseline(f, z, mu, log_var, baseline):
    dmu, dlog_var = score(z, mu, log_var)
    return f[:, None] * dmu, f[:, None] * dlog_var


def baseline_not_in_dlog_var(f, z, mu, log_var, baseline):
    dmu, dlog_var = score(z, mu, log_var)
    return (f - baseline)[:, None] * dmu, f[:, None] * dlog_var


def averaged(f, z, mu, log_var, baseline):
    dmu, dlog_var = score(z, mu, log_var)
    w = (f - baseline)[:, None]
    return (w * dmu).mean(axis=0), (w * dlog_var).mean(axis=0)


def baseline_along_latents(f, z, mu, log_var, baseline):
    dmu, dlog_var = score(z, mu, log_var)
    w = f[:, None] - baseline
    return w * dmu, w * dlog_var


def wrong_way_around(f, z, mu, log_var, baseline):
    dmu, dlog_var = score(z, mu, log_var)
    w = (baseline - f)[:, None]
    return w * dmu, w * dlog_var


def mean_as_baseline(f, z, mu, log_var, baseline):
    dmu, dlog_var = score(z, mu, log_var)
    w = (f - f.mean())[:, None]
    return w * dmu, w * dlog_var


def minus_and_averaged(f, z, mu, log_var, baseline):
    dmu, dlog_var = score(z, mu, log_var)
    w = (baseline - f)[:, None] / len(f)
    return w * dmu, w * dlog_var


def array_baselines_only(f, z, mu, log_var, baseline):
    dmu, dlog_var = score(z, mu, log_var)
    w = f[:, None] - baseline[:, None]
    return w * dmu, w * dlog_var


def with_a_loop(f, z, mu, log_var, baseline):
    dmu, dlog_var = score(z, mu, log_var)
    baseline = np.broadcast_to(baseline, f.shape)
    for i in range(len(f)):
        dmu[i] *= f[i] - baseline[i]
        dlog_var[i] *= f[i] - baseline[i]
    return dmu, dlog_var


def transposed(f, z, mu, log_var, baseline):
    return [((f - baseline) * a.T).T for a in score(z, mu, log_var)]


# ---- 8.6: f -> baseline


def mean_of_all(f):
    return np.full(len(f), np.mean(f))


def one_mean(f):
    return f.mean()


def over_all(f):
    return (f.sum() - f) / len(f)


def forgot_brackets(f):
    return f.sum() - f / (len(f) - 1)


def what_is_left(f):
    return f - (f.sum() - f) / (len(f) - 1)


def after_the_division(f):
    return f.sum() / (len(f) - 1) - f


def sum_of_others(f):
    return np.array([f[:i].sum() + f[i + 1 :].sum() for i in range(len(f))])


def six_draws(f):
    return (f.sum() - f) / 5


def deleted(f):
    return np.array([np.delete(f, i).mean() for i in range(len(f))])


def by_a_matrix(f):
    n = len(f)
    return (np.ones((n, n)) - np.eye(n)) @ f / (n - 1)


WRONG = {
    "8.1": [
        (exp_of_log_var, "variance for standard deviation"),
        (half_outside, "the half belongs inside the exponential"),
        (root_of_log_var, "has no root then"),
        (eps_added, "eps is added"),
        (own_noise, "it draws numbers of its own"),
        (own_noise_with_a_seed, "noise of its own"),
        (variance_and_minus, "mend that first: a second mistake is left"),
        (matrix_product, "it stopped with ValueError"),
        (one_row, "expected shape (6, 5), got shape (5,)"),
        (returns_nothing, "None: is a return missing?"),
        (in_place, "it writes into its argument mu"),
        (six_examples, "of other sizes, went well"),
    ],
    "8.2": [
        (no_half, "a factor of exactly 0.5 is missing"),
        (dstd, "that is dstd"),
        (with_variance, "variance for standard deviation"),
        (variance_no_half, "the variance is used as the slope"),
        (eps_in_dmu, "eps is in dmu"),
        (ones, "dz is forgotten"),
        (z_for_eps, "z is used where eps should be"),
        (minus_in_dlog_var, "dlog_var: the sign is wrong"),
        (summed, "summed over the examples"),
        (swapped, "the order is dmu, dlog_var"),
        (with_kl, "the KL is in it"),
        (eps_in_dmu_no_half, "dmu: eps is in dmu"),
        (eps_in_dmu_no_half, "dlog_var: a factor of exactly 0.5 is missing"),
        (dlog_var_only, "expected it to return dmu, dlog_var, got"),
    ],
    "8.3": [
        (one_arrow, "one of the two ways back is missing (l2)"),
        (arrows_exchanged, "here they are exchanged"),
        (no_kl_in_dmu, "dmu: the KL is forgotten"),
        (no_kl, "the KL is forgotten"),
        (kl_minus, "the KL's part has the wrong sign"),
        (no_half_by_hand, "a factor of exactly 0.5 is missing"),
        (no_eps, "eps is forgotten"),
        (one_arrow_no_eps, "mend that first: a second mistake is left"),
        (one_array, "dz and dmu are one array"),
        (three_of_four, "got 3 values"),
    ],
    "8.4": [
        (in_z, "the derivative in z"),
        (no_constant, "the constant in front of the exponential"),
        (plus_one, "the sign of the 1"),
        (minus_square, "the sign of the square"),
        (with_std, "std for variance"),
        (no_half_in_score, "dlog_var: the half is missing"),
        (in_the_variance, "with respect to the variance"),
        (both_signs, "the sign is wrong"),
        (score_summed, "summed over the latents"),
        (no_mu_no_one, "mend that first: a second mistake is left"),
        (score_swapped, "the order is dmu, dlog_var"),
    ],
    "8.5": [
        (along_latents, "here it goes along the latents"),
        (no_baseline, "the baseline is not used"),
        (baseline_not_in_dlog_var, "dlog_var: the baseline is not used"),
        (averaged, "averaged over the draws: one row per draw"),
        (baseline_along_latents, "the baseline goes along the latents"),
        (wrong_way_around, "what is above the baseline must count as positive"),
        (mean_as_baseline, "the mean of f is subtracted"),
        (minus_and_averaged, "the sign is wrong, and it is off by exactly the factor 1/S"),
        (array_baselines_only, "it stopped with"),
    ],
    "8.6": [
        (mean_of_all, "the mean of all: each draw is in its own baseline"),
        (one_mean, "the mean of all, as one number"),
        (over_all, "divided by the number of all draws"),
        (forgot_brackets, "a bracket is missing: the difference is divided"),
        (what_is_left, "that is f less its baseline"),
        (after_the_division, "subtracted after the division"),
        (sum_of_others, "the sum of the others, not their mean"),
        (six_draws, "of other sizes, went well"),
    ],
}
RIGHT = {
    "8.1": [root_of_variance, entry_by_entry],
    "8.2": [by_the_distance, backward_stacked],
    "8.3": [pencil, pencil_stacked, with_lesson_code],
    "8.4": [from_eps, score_float32],
    "8.5": [with_a_loop, transposed],
    "8.6": [deleted, by_a_matrix],
}
FIXED = {}

"""Answers of lesson 18 that people give: wrong ones with the words that name them, and right ones that look unusual."""

import numpy as np

# ---- 18.1: mu, log_var, mu_p, log_var_p -> dmu, dlog_var, dmu_p, dlog_var_p


def slopes(mu, log_var, mu_p, log_var_p):
    v, v_p = np.exp(log_var), np.exp(log_var_p)
    return (mu - mu_p) / v_p, v / v_p / 2 - 0.5, (mu_p - mu) / v_p, 0.5 - (v + (mu - mu_p) ** 2) / (2 * v_p)


def slopes_same_sign(*args):
    a, b, _, d = slopes(*args)
    return a, b, a, d


def slopes_mirrored(*args):
    a, b, _, _ = slopes(*args)
    return a, b, -a, -b


def slopes_p_stands(*args):
    a, b, c, d = slopes(*args)
    return a, b, 0 * c, d


def slopes_no_half(*args):
    a, b, c, d = slopes(*args)
    return a, 2 * b, c, 2 * d


def slopes_twice_the_means(*args):
    a, b, c, d = slopes(*args)
    return 2 * a, b, 2 * c, d


def slopes_without_one(mu, log_var, mu_p, log_var_p):
    a, b, c, d = slopes(mu, log_var, mu_p, log_var_p)
    return a, b, c, d - 0.5


def slopes_without_ratio(mu, log_var, mu_p, log_var_p):
    a, b, c, _ = slopes(mu, log_var, mu_p, log_var_p)
    return a, b, c, 0.5 * (1 - (mu - mu_p) ** 2 / np.exp(log_var_p))


def slopes_plus_square(mu, log_var, mu_p, log_var_p):
    a, b, c, _ = slopes(mu, log_var, mu_p, log_var_p)
    return a, b, c, 0.5 * (1 - np.exp(log_var - log_var_p) + (mu - mu_p) ** 2 * np.exp(-log_var_p))


def slopes_last_sign(*args):
    a, b, c, d = slopes(*args)
    return a, b, c, -d


def slopes_not_divided(mu, log_var, mu_p, log_var_p):
    ratio = np.exp(log_var - log_var_p)
    return mu - mu_p, 0.5 * (ratio - 1), mu_p - mu, 0.5 * (1 - ratio - (mu - mu_p) ** 2)


def slopes_in_v_p(mu, log_var, mu_p, log_var_p):
    a, b, c, d = slopes(mu, log_var, mu_p, log_var_p)
    return a, b, c, d / np.exp(log_var_p)


def slopes_std(mu, log_var, mu_p, log_var_p):
    s, s_p = np.exp(0.5 * log_var), np.exp(0.5 * log_var_p)
    d = mu - mu_p
    return d / s_p, 0.5 * (s / s_p - 1), -d / s_p, 0.5 * (1 - s / s_p - d**2 / s_p)


def slopes_order(*args):
    a, b, c, d = slopes(*args)
    return a, c, b, d


def slopes_two(*args):
    return slopes(*args)[:2]


def slopes_mean(*args):
    return tuple(a / len(a) for a in slopes(*args))


def slopes_same_sign_no_one(mu, log_var, mu_p, log_var_p):
    a, b, c, d = slopes(mu, log_var, mu_p, log_var_p)
    return a, b, -c, d - 0.5


def slopes_by_parts(mu, log_var, mu_p, log_var_p):
    out = np.zeros((4, *mu.shape))
    for n, i in np.ndindex(mu.shape):
        v, v_p, d = np.exp(log_var[n, i]), np.exp(log_var_p[n, i]), mu[n, i] - mu_p[n, i]
        out[:, n, i] = d / v_p, (v - v_p) / v_p / 2, -d / v_p, (v_p - v - d * d) / v_p / 2
    return out


def slopes_of_the_other_kl(mu, log_var, mu_p, log_var_p):
    c, d, a, b = slopes(mu_p, log_var_p, mu, log_var)
    return a, b, c, d


def slopes_of_exchanged_arguments(mu, log_var, mu_p, log_var_p):
    return slopes(mu_p, log_var_p, mu, log_var)


def slopes_of_p_first(*args):
    a, b, c, d = slopes(*args)
    return c, d, a, b


def slopes_of_means_first(*args):
    a, b, c, d = slopes(*args)
    return a, c, b, d


# ---- 18.2: mu, log_var, mu_p, log_var_p -> mu_q, log_var_q


def product(mu, log_var, mu_p, log_var_p):
    v, v_p = np.exp(log_var), np.exp(log_var_p)
    return (mu * v_p + mu_p * v) / (v + v_p), np.log(v * v_p / (v + v_p))


def product_variances_added(mu, log_var, mu_p, log_var_p):
    v, v_p = np.exp(log_var), np.exp(log_var_p)
    return (v * mu + v_p * mu_p) / (v + v_p), np.log(v + v_p)


def product_crossed(mu, log_var, mu_p, log_var_p):
    v, v_p = np.exp(log_var), np.exp(log_var_p)
    return (mu * v + mu_p * v_p) / (v + v_p), product(mu, log_var, mu_p, log_var_p)[1]


def product_log_precision(mu, log_var, mu_p, log_var_p):
    return product(mu, log_var, mu_p, log_var_p)[0], np.log(np.exp(-log_var) + np.exp(-log_var_p))


def product_variance(*args):
    m, log_v = product(*args)
    return m, np.exp(log_v)


def product_log_std(*args):
    m, log_v = product(*args)
    return m, log_v / 2


def product_plain_mean(mu, log_var, mu_p, log_var_p):
    return (mu + mu_p) / 2, product(mu, log_var, mu_p, log_var_p)[1]


def product_not_divided(mu, log_var, mu_p, log_var_p):
    return mu / np.exp(log_var) + mu_p / np.exp(log_var_p), product(mu, log_var, mu_p, log_var_p)[1]


def product_without_prior(mu, log_var, mu_p, log_var_p):
    _, log_v = product(mu, log_var, mu_p, log_var_p)
    return np.exp(log_v - log_var) * mu, log_v


def product_sums(mu, log_var, mu_p, log_var_p):
    return mu + mu_p, log_var + log_var_p


def product_average(mu, log_var, mu_p, log_var_p):
    return 0.5 * (mu + mu_p), 0.5 * (log_var + log_var_p)


def product_std(mu, log_var, mu_p, log_var_p):
    s, s_p = np.exp(log_var / 2), np.exp(log_var_p / 2)
    return (mu / s + mu_p / s_p) / (1 / s + 1 / s_p), -np.log(1 / s + 1 / s_p)


def product_swapped(*args):
    return product(*args)[::-1]


def product_crossed_log_precision(mu, log_var, mu_p, log_var_p):
    v, v_p = np.exp(log_var), np.exp(log_var_p)
    return (mu * v + mu_p * v_p) / (v + v_p), np.log(1 / v + 1 / v_p)


def product_by_a_gain(mu, log_var, mu_p, log_var_p):
    gain = 1 / (1 + np.exp(log_var - log_var_p))
    return mu_p + gain * (mu - mu_p), log_var + np.log(gain)


# ---- 18.3: dmu_q, dlog_var_q, mu, log_var, mu_p, log_var_p -> dmu, dlog_var, dmu_p, dlog_var_p


def back(dmu_q, dlog_var_q, mu, log_var, mu_p, log_var_p):
    v, v_p = np.exp(log_var), np.exp(log_var_p)
    w = v_p / (v + v_p)
    d = mu - mu_p
    t = w * (1 - w) * d * dmu_q
    return w * dmu_q, w * dlog_var_q - t, (1 - w) * dmu_q, (1 - w) * dlog_var_q + t


def back_crossed(dmu_q, dlog_var_q, mu, log_var, mu_p, log_var_p):
    m, _ = product(mu, log_var, mu_p, log_var_p)
    v, v_p = np.exp(log_var), np.exp(log_var_p)
    w = v / (v + v_p)
    w_p = v_p / (v + v_p)
    return (w * dmu_q, w * (dlog_var_q + (m - mu) * dmu_q), w_p * dmu_q, w_p * (dlog_var_q + (m - mu_p) * dmu_q))


def back_without_mean_path(dmu_q, dlog_var_q, mu, log_var, mu_p, log_var_p):
    v, v_p = np.exp(log_var), np.exp(log_var_p)
    w = v_p / (v + v_p)
    return w * dmu_q, w * dlog_var_q, (1 - w) * dmu_q, (1 - w) * dlog_var_q


def back_without_width_path(dmu_q, dlog_var_q, *args):
    return back(dmu_q, 0 * dlog_var_q, *args)


def back_sign_of_the_path(dmu_q, dlog_var_q, mu, log_var, mu_p, log_var_p):
    a, b, c, d = back(dmu_q, dlog_var_q, mu, log_var, mu_p, log_var_p)
    a0, b0, c0, d0 = back_without_mean_path(dmu_q, dlog_var_q, mu, log_var, mu_p, log_var_p)
    return a, 2 * b0 - b, c, 2 * d0 - d


def back_sign_of_the_width(dmu_q, dlog_var_q, *args):
    a, b, c, d = back(dmu_q, -dlog_var_q, *args)
    return a, b, c, d


def back_no_shares(dmu_q, dlog_var_q, mu, log_var, mu_p, log_var_p):
    _, b, _, d = back(dmu_q, dlog_var_q, mu, log_var, mu_p, log_var_p)
    return dmu_q, b, dmu_q, d


def back_distance_of_both(dmu_q, dlog_var_q, mu, log_var, mu_p, log_var_p):
    w = 1 / (1 + np.exp(log_var - log_var_p))
    d = mu - mu_p
    return w * dmu_q, w * (dlog_var_q + d * dmu_q), (1 - w) * dmu_q, (1 - w) * (dlog_var_q - d * dmu_q)


def back_prior_forgotten(*args):
    a, b, c, d = back(*args)
    return a, b, 0 * c, 0 * d


def back_prior_negative(*args):
    a, b, c, d = back(*args)
    return a, b, -c, -d


def back_root(dmu_q, dlog_var_q, mu, log_var, mu_p, log_var_p):
    m, log_v = product(mu, log_var, mu_p, log_var_p)
    w, w_p = (np.exp(0.5 * (log_v - a)) for a in (log_var, log_var_p))
    return w * dmu_q, w * (dlog_var_q + (m - mu) * dmu_q), w_p * dmu_q, w_p * (dlog_var_q + (m - mu_p) * dmu_q)


def back_swapped(*args):
    a, b, c, d = back(*args)
    return a, c, b, d


# ---- 18.4: mu_1, log_var_1, mu_2, log_var_2, A, log_var_p, eps_1, eps_2 -> z1, kl_1, kl_2


def apart(m, a, m_p, a_p):
    return 0.5 * (a_p - a + (np.exp(a) + (m - m_p) ** 2) / np.exp(a_p) - 1)


def down(mu_1, log_var_1, mu_2, log_var_2, A, log_var_p, eps_1, eps_2, **changed):
    """As most people write it; `changed` parts are computed otherwise."""
    z2 = changed.get("z2", mu_2 + np.sqrt(np.exp(log_var_2)) * eps_2)
    mu_p = z2 @ A
    q = changed.get("q", product(mu_1, log_var_1, mu_p, log_var_p * np.ones_like(mu_p)))
    drawn = changed.get("drawn", q)
    z1 = drawn[0] + np.exp(drawn[1] / 2) * eps_1
    of = changed.get("of", q)
    below = (0, 0) if changed.get("to_standard") else (mu_p, log_var_p)
    kl_1 = apart(*below, *of) if changed.get("reverse") else apart(*of, *below)
    return z1, np.sum(kl_1, axis=1), np.sum(apart(mu_2, log_var_2, 0, 0), axis=1)


def down_variance(mu_1, log_var_1, mu_2, log_var_2, A, log_var_p, eps_1, eps_2):
    z2 = mu_2 + np.exp(log_var_2) * eps_2
    m, a = product(mu_1, log_var_1, z2 @ A, log_var_p + 0 * mu_1)
    return (m + np.exp(a) * eps_1, apart(m, a, z2 @ A, log_var_p).sum(1), apart(mu_2, log_var_2, 0, 0).sum(1))


def down_mean(*args):
    return down(*args, z2=args[2])


def down_own(*args):
    return down(*args, q=args[:2])


def down_draws_own(*args):
    return down(*args, drawn=args[:2])


def down_kl_of_own(*args):
    return down(*args, of=args[:2])


def down_to_standard(*args):
    return down(*args, to_standard=True)


def down_reverse(*args):
    return down(*args, reverse=True)


def down_no_noise(mu_1, log_var_1, mu_2, log_var_2, A, log_var_p, eps_1, eps_2):
    _, one, two = down(mu_1, log_var_1, mu_2, log_var_2, A, log_var_p, eps_1, eps_2)
    z2 = mu_2 + np.exp(log_var_2 / 2) * eps_2
    return product(mu_1, log_var_1, z2 @ A, log_var_p + 0 * mu_1)[0], one, two


def down_from_prior(mu_1, log_var_1, mu_2, log_var_2, A, log_var_p, eps_1, eps_2):
    z2 = mu_2 + np.exp(log_var_2 / 2) * eps_2
    args = mu_1, log_var_1, mu_2, log_var_2, A, log_var_p, eps_1, eps_2
    return down(*args, drawn=(z2 @ A, log_var_p))


def down_not_summed(mu_1, log_var_1, mu_2, log_var_2, A, log_var_p, eps_1, eps_2):
    z2 = mu_2 + np.exp(log_var_2 / 2) * eps_2
    m, a = product(mu_1, log_var_1, z2 @ A, log_var_p + 0 * mu_1)
    return m + np.exp(a / 2) * eps_1, apart(m, a, z2 @ A, log_var_p), apart(mu_2, log_var_2, 0, 0)


def down_summed_over_all(*args):
    z1, one, two = down(*args)
    return z1, one.sum(), two.sum()


def down_free_top(*args):
    z1, one, two = down(*args)
    return z1, one, 0 * two


def down_swapped(*args):
    z1, one, two = down(*args)
    return z1, two, one


def down_wrong_noise(mu_1, log_var_1, mu_2, log_var_2, A, log_var_p, eps_1, eps_2):
    return down(mu_1, log_var_1, mu_2, log_var_2, A, log_var_p, eps_2, eps_1)


# ---- 18.5: z -> variance


def halves(z):
    K = z.shape[0]
    a, b = z[: K // 2].mean(0), z[K // 2 :].mean(0)
    return (a * b).mean(0) - a.mean(0) * b.mean(0)


def naive(z):
    return z.mean(axis=0).var(axis=0)


def one_half(z):
    return z[: len(z) // 2].mean(axis=0).var(axis=0)


def of_all(z):
    return z.reshape(-1, z.shape[2]).var(axis=0)


def over_draws(z):
    return z.var(axis=0).mean(axis=0)


def not_centered(z):
    K = len(z)
    return np.mean(z[: K // 2].mean(0) * z[K // 2 :].mean(0), axis=0)


def summed(z):
    return halves(z) * z.shape[1]


def over_n_minus_one(z):
    return halves(z) * z.shape[1] / (z.shape[1] - 1)


def one_number(z):
    return halves(z).mean()


def rooted(z):
    return np.sqrt(np.abs(halves(z)))


def correlation(z):
    a, b = z[: len(z) // 2].mean(0), z[len(z) // 2 :].mean(0)
    return halves(z) / (a.std(0) * b.std(0))


def size_of_it(z):
    return np.abs(halves(z))


def cut_off(z):
    return np.maximum(halves(z), 0)


def by_logarithms(z):
    a, b = z[: len(z) // 2].mean(0), z[len(z) // 2 :].mean(0)
    return np.exp(np.log(a - a.mean(0)) + np.log(b - b.mean(0))).mean(0)


def sizes_multiplied(z):
    a, b = z[: len(z) // 2].mean(0), z[len(z) // 2 :].mean(0)
    return (np.abs(a - a.mean(0)) * np.abs(b - b.mean(0))).mean(0)


def exp_of_the_log(z):
    return np.exp(np.log(halves(z)))


def even_and_odd(z):
    a, b = z[::2].mean(0), z[1::2].mean(0)
    return ((a - a.mean(0)) * (b - b.mean(0))).mean(0)


def sums_of_draws(z):
    return halves(z) * (len(z) // 2) ** 2


def for_each_example(z):
    a, b = z[: len(z) // 2].mean(0), z[len(z) // 2 :].mean(0)
    return (a - a.mean(0)) * (b - b.mean(0))


def halves_by_cov(z):
    a, b = (part.mean(axis=0) for part in np.split(z, 2))
    return np.array([np.cov(a[:, i], b[:, i], bias=True)[0, 1] for i in range(z.shape[2])])


# ---- 18.6: x -> share


def parted(x):
    return np.var(np.mean(x, 1), 0).sum() / np.var(x.reshape(-1, x.shape[2]), 0).sum()


def lower(x):
    return 1 - parted(x)


def other_axis(x):
    return x.mean(0).var(0).sum() / x.var((0, 1)).sum()


def of_stds(x):
    return x.mean(1).std(0).sum() / x.std((0, 1)).sum()


def mean_of_ratios(x):
    return np.mean(x.mean(1).var(0) / x.var((0, 1)))


def per_pixel(x):
    return x.mean(1).var(0) / x.var((0, 1))


def flipped(x):
    return 1 / parted(x)


def by_within(x):
    return x.mean(1).var(0).sum() / x.var(1).mean(0).sum()


def over_pixels_as_well(x):
    return x.mean(1).var(0).mean() / x.var()


def not_a_share(x):
    return x.mean(1).var(0).sum()


def within_by_whole(x):
    return x.var(axis=1).sum() / x.var(axis=(0, 1)).sum()


def parted_by_difference(x):
    return 1 - x.var(axis=1).mean(axis=0).sum() / x.var(axis=(0, 1)).sum()


def parted_in_loops(x):
    R, S, D = x.shape
    between = whole = 0.0
    for d in range(D):
        pixel = x[:, :, d]
        center = pixel.sum() / (R * S)
        whole += ((pixel - center) ** 2).sum() / (R * S)
        between += sum((pixel[r].sum() / S - center) ** 2 for r in range(R)) / R
    return between / whole


def slopes_two_of_the_square(mu, log_var, mu_p, log_var_p):
    a, b, c, _ = slopes(mu, log_var, mu_p, log_var_p)
    return a, b, c, 0.5 * (1 - np.exp(log_var - log_var_p)) - (mu - mu_p) ** 2 / np.exp(log_var_p)


def slopes_square_of_v_p(mu, log_var, mu_p, log_var_p):
    a, b, c, _ = slopes(mu, log_var, mu_p, log_var_p)
    return a, b, c, 0.5 * (1 - (np.exp(log_var) + (mu - mu_p) ** 2) / np.exp(log_var_p) ** 2)


def slopes_own_variance(mu, log_var, mu_p, log_var_p):
    a, b, _, d = slopes(mu, log_var, mu_p, log_var_p)
    return a, b, (mu_p - mu) / np.exp(log_var), d


def product_multiplied(mu, log_var, mu_p, log_var_p):
    one, other = np.exp(-log_var), np.exp(-log_var_p)
    return (one * mu + other * mu_p) * (one + other), -np.log(one + other)


def product_with_standard(mu, log_var, mu_p, log_var_p):
    one = np.exp(-log_var)
    return (one * mu + mu_p) / (one + 1), -np.log(one + 1)


def back_one_share(dmu_q, dlog_var_q, mu, log_var, mu_p, log_var_p):
    w, w_p, m = shares(mu, log_var, mu_p, log_var_p)
    return w * dmu_q, w * dlog_var_q + (m - mu) * dmu_q, w_p * dmu_q, w_p * dlog_var_q + (m - mu_p) * dmu_q


def back_wrong_mean(dmu_q, dlog_var_q, mu, log_var, mu_p, log_var_p):
    w, w_p, m = shares(mu, log_var, mu_p, log_var_p)
    moved = (m - mu) * dmu_q
    return w * dmu_q, w * (dlog_var_q + moved), w_p * dmu_q, w_p * (dlog_var_q + moved)


def back_no_upstream(dmu_q, dlog_var_q, mu, log_var, mu_p, log_var_p):
    w, w_p, m = shares(mu, log_var, mu_p, log_var_p)
    return w * dmu_q, w * (dlog_var_q + m - mu), w_p * dmu_q, w_p * (dlog_var_q + m - mu_p)


def shares(mu, log_var, mu_p, log_var_p):
    w = 1 / (1 + np.exp(log_var - log_var_p))
    return w, 1 - w, w * mu + (1 - w) * mu_p


def down_wide_prior(mu_1, log_var_1, mu_2, log_var_2, A, log_var_p, eps_1, eps_2):
    return down(mu_1, log_var_1, mu_2, log_var_2, A, 0 * log_var_p, eps_1, eps_2)


def down_at_z1(*args):
    z1 = down(*args)[0]
    mu_p = (args[2] + np.exp(args[3] / 2) * args[7]) @ args[4]
    return down(*args, of=(z1, product(args[0], args[1], mu_p, args[5] + 0 * mu_p)[1]))


def down_log_var_one(*args):
    z1, one, _ = down(*args)
    return z1, one, np.sum(apart(args[2], args[3], 0, 1), axis=1)


def noise_subtracted(z):
    return z.mean(0).var(0) - z.var(0, ddof=1).mean(0) / len(z)


def of_all_numbers(x):
    return x.mean(axis=1).var() / x.var()


def parted_ddof(x):
    return x.mean(1).var(0, ddof=1).sum() / x.var((0, 1)).sum()


WRONG = {
    "18.1": [
        (slopes_same_sign, "dmu_p has the sign of dmu"),
        (slopes_mirrored, "the squared distance is missing in dlog_var_p"),
        (slopes_p_stands, "dmu_p is 0"),
        (slopes_no_half, "the half is missing"),
        (slopes_twice_the_means, "twice dmu and dmu_p"),
        (slopes_without_one, "the derivative of log_var_p by itself, 1, is missing"),
        (slopes_without_ratio, "v / v_p is missing in dlog_var_p"),
        (slopes_plus_square, "the squared distance has the wrong sign"),
        (slopes_last_sign, "dlog_var_p has the wrong sign"),
        (slopes_not_divided, "the squares are not divided by v_p"),
        (slopes_in_v_p, "the derivative in v_p, not in log_var_p"),
        (slopes_std, "standard deviations where variances should be"),
        (slopes_order, "the order is dmu, dlog_var, dmu_p, dlog_var_p"),
        (slopes_two, "expected it to return dmu, dlog_var, dmu_p, dlog_var_p, got 2 values"),
        (slopes_mean, "averaged over the examples"),
        (slopes_same_sign_no_one, "dmu_p: the sign is wrong"),
        (slopes_two_of_the_square, "the 2 of the square is in dlog_var_p"),
        (slopes_square_of_v_p, "divided by the square of v_p in dlog_var_p"),
        (slopes_own_variance, "dmu_p is divided by v"),
        (slopes_of_the_other_kl, "that is KL(p || q)"),
        (slopes_of_exchanged_arguments, "the arguments are exchanged"),
        (slopes_of_p_first, "the order is dmu, dlog_var, dmu_p, dlog_var_p"),
        (slopes_of_means_first, "the order is dmu, dlog_var, dmu_p, dlog_var_p"),
    ],
    "18.2": [
        (product_variances_added, "the variances are added"),
        (product_crossed, "each mean is weighted by its variance"),
        (product_log_precision, "its sign"),
        (product_variance, "that is v_q; its logarithm is wanted"),
        (product_log_std, "the logarithm of the standard deviation"),
        (product_plain_mean, "the plain mean of both means"),
        (product_not_divided, "not divided by the sum of the weights"),
        (product_without_prior, "the prior's part is missing in mu_q"),
        (product_sums, "those are the sums"),
        (product_average, "a product is narrower than both"),
        (product_std, "standard deviations where variances should be"),
        (product_swapped, "the order is mu_q, log_var_q"),
        (product_crossed_log_precision, "each mean is weighted by its variance"),
        (product_multiplied, "is multiplied by the sum of the weights"),
        (product_with_standard, "the prior is taken for one of variance 1"),
    ],
    "18.3": [
        (back_crossed, "the two shares are exchanged"),
        (back_without_mean_path, "the path through mu_q is missing"),
        (back_without_width_path, "the path through log_var_q is missing"),
        (back_sign_of_the_path, "the path through mu_q has the wrong sign"),
        (back_sign_of_the_width, "the path through log_var_q has the wrong sign"),
        (back_no_shares, "the shares are missing in dmu and dmu_p"),
        (back_distance_of_both, "mu - mu_p where mu_q - mu should be"),
        (back_prior_forgotten, "the prior gets nothing"),
        (back_prior_negative, "the prior gets the opposite sign"),
        (back_root, "the root of the shares"),
        (back_swapped, "the order is dmu, dlog_var, dmu_p, dlog_var_p"),
        (back_one_share, "the path through mu_q is without the share"),
        (back_wrong_mean, "in dlog_var_p stands mu_q - mu"),
        (back_no_upstream, "dmu_q is missing in the path through mu_q"),
    ],
    "18.4": [
        (down_variance, "exp(log_var) is a variance"),
        (down_mean, "mu_p is made of mu_2"),
        (down_own, "nothing is merged"),
        (down_draws_own, "z1 is drawn from what x says alone"),
        (down_kl_of_own, "kl_1 is that of what x says alone"),
        (down_to_standard, "kl_1 is to N(0, 1)"),
        (down_reverse, "the other way around, KL(p || q)"),
        (down_no_noise, "z1 is taken at its mean"),
        (down_from_prior, "z1 is drawn from the prior given z2"),
        (down_not_summed, "not summed over the latents"),
        (down_summed_over_all, "summed over everything"),
        (down_free_top, "kl_2 is 0"),
        (down_swapped, "the order is z1, kl_1, kl_2"),
        (down_wrong_noise, "it stopped with ValueError"),
        (down_wide_prior, "log_var_p is forgotten"),
        (down_at_z1, "kl_1 is taken at the z1 that was drawn"),
        (down_log_var_one, "N(0, 1) has the log_var 0"),
    ],
    "18.5": [
        (naive, "the variance of the mean of all draws"),
        (one_half, "the variance of the mean of one half"),
        (of_all, "the variance of all draws"),
        (over_draws, "the variance over the draws"),
        (not_centered, "are not subtracted"),
        (summed, "the sum over the examples"),
        (over_n_minus_one, "divided by N - 1"),
        (one_number, "averaged over everything"),
        (rooted, "the root of it"),
        (correlation, "the correlation of both halves"),
        (even_and_odd, "every second draw"),
        (sums_of_draws, "the sums of the draws"),
        (for_each_example, "not averaged over the examples"),
        (noise_subtracted, "the noise is estimated and subtracted"),
        (size_of_it, "without its sign"),
        (cut_off, "cut off at 0"),
        (by_logarithms, "and a product may be below 0"),
        (sizes_multiplied, "of each product without its sign"),
        (exp_of_the_log, "and an estimate of a variance may be below 0"),
    ],
    "18.6": [
        (lower, "the share of the lower level"),
        (other_axis, "average over S"),
        (of_stds, "standard deviations"),
        (mean_of_ratios, "a share for each pixel, and their mean"),
        (per_pixel, "a share for each pixel"),
        (flipped, "upside down"),
        (by_within, "divided by the variance within the rows"),
        (over_pixels_as_well, "also that between the pixels"),
        (not_a_share, "not divided by the whole"),
        (within_by_whole, "that is the lower level's"),
        (of_all_numbers, "the variance of all numbers at once"),
        (parted_ddof, "ddof=1"),
    ],
}
RIGHT = {
    "18.1": [slopes, slopes_by_parts],
    "18.2": [product, product_by_a_gain],
    "18.3": [back],
    "18.4": [down],
    "18.5": [halves, halves_by_cov],
    "18.6": [parted, parted_by_difference, parted_in_loops],
}
FIXED = {}

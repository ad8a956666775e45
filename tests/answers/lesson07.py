"""Answers of lesson 7 that people give: wrong ones with the words that name them, and right ones that look unusual."""

import numpy as np

from minivae.teach import exercise

kl, kl_backward, posterior = (exercise(number).reference for number in ("7.1", "7.2", "7.4"))
LOG_2PI = np.log(2 * np.pi)


# ---- 7.1: mu, log_var, mu_p, log_var_p -> kl


def kl_not_summed(mu, log_var, mu_p, log_var_p):
    return 0.5 * (log_var_p - log_var + np.exp(log_var) / np.exp(log_var_p)
                  + (mu - mu_p) ** 2 / np.exp(log_var_p) - 1)  # fmt: skip


def kl_summed_over_everything(mu, log_var, mu_p, log_var_p):
    return np.sum(kl_not_summed(mu, log_var, mu_p, log_var_p))


def kl_mean(mu, log_var, mu_p, log_var_p):
    return kl_not_summed(mu, log_var, mu_p, log_var_p).mean(axis=1)


def kl_axis_0(mu, log_var, mu_p, log_var_p):
    return kl_not_summed(mu, log_var, mu_p, log_var_p).sum(axis=0)


def kl_keepdims(mu, log_var, mu_p, log_var_p):
    return kl_not_summed(mu, log_var, mu_p, log_var_p).sum(axis=1, keepdims=True)


def kl_without_half(mu, log_var, mu_p, log_var_p):
    v, v_p = np.exp(log_var), np.exp(log_var_p)
    return (np.log(v_p / v) + v / v_p + (mu - mu_p) ** 2 / v_p - 1).sum(axis=1)


def kl_from_a_book(mu, log_var, mu_p, log_var_p):
    """log(s2/s1) + (s1^2 + (m1 - m2)^2) / (2 s2^2) - 1/2, with log_var taken for log s."""
    v, v_p = np.exp(log_var), np.exp(log_var_p)
    return (log_var_p - log_var + (v + (mu - mu_p) ** 2) / (2 * v_p) - 0.5).sum(axis=1)


def kl_std_for_variance(mu, log_var, mu_p, log_var_p):
    s, s_p = np.exp(log_var / 2), np.exp(log_var_p / 2)
    return 0.5 * (log_var_p - log_var + s / s_p + (mu - mu_p) ** 2 / s_p - 1).sum(axis=1)


def kl_exchanged(mu, log_var, mu_p, log_var_p):
    v, v_p = np.exp(log_var), np.exp(log_var_p)
    return 0.5 * (log_var - log_var_p + v_p / v + (mu - mu_p) ** 2 / v - 1).sum(axis=1)


def kl_minus_one_once(mu, log_var, mu_p, log_var_p):
    v, v_p = np.exp(log_var), np.exp(log_var_p)
    return 0.5 * ((log_var_p - log_var + v / v_p + (mu - mu_p) ** 2 / v_p).sum(axis=1) - 1)


def kl_as_in_a_vae(mu, log_var, mu_p, log_var_p):
    return -0.5 * (1 + log_var - mu**2 - np.exp(log_var)).sum(axis=1)


def kl_no_half_no_one(mu, log_var, mu_p, log_var_p):
    v, v_p = np.exp(log_var), np.exp(log_var_p)
    return (log_var_p - log_var + v / v_p + (mu - mu_p) ** 2 / v_p).sum(axis=1)


def kl_not_squared_not_divided(mu, log_var, mu_p, log_var_p):
    return 0.5 * (log_var_p - log_var + np.exp(log_var - log_var_p) + (mu - mu_p) - 1).sum(axis=1)


def kl_wrong_logs_and_mean(mu, log_var, mu_p, log_var_p):
    v, v_p = np.exp(log_var), np.exp(log_var_p)
    return 0.5 * (log_var - log_var_p + v / v_p + (mu - mu_p) ** 2 / v_p - 1).mean(axis=1)


def kl_ratio_forgot_the_mean(mu, log_var, mu_p, log_var_p):
    return 0.5 * (log_var_p - log_var + np.exp(log_var - log_var_p) - 1).sum(axis=1)


def kl_hard_coded(mu, log_var, mu_p, log_var_p):
    total = np.zeros(6)
    for i in range(6):
        total[i] = kl_not_summed(mu, log_var, mu_p, log_var_p)[i].sum()
    return total


def kl_none(mu, log_var, mu_p, log_var_p):
    kl_not_summed(mu, log_var, mu_p, log_var_p).sum(axis=1)


def kl_crash(mu, log_var, mu_p, log_var_p):
    return 0.5 * (log_var_p @ log_var).sum(axis=1)


def kl_in_loops(mu, log_var, mu_p, log_var_p):
    out = []
    for m, a, m_p, a_p in zip(mu, log_var, mu_p, log_var_p, strict=True):
        total = 0.0
        for i in range(len(m)):
            total += (a_p[i] - a[i] - 1 + (np.exp(a[i]) + (m[i] - m_p[i]) ** 2) / np.exp(a_p[i])) / 2
        out.append(total)
    return np.array(out)


def kl_with_std(mu, log_var, mu_p, log_var_p):
    s, s_p = np.sqrt(np.exp(log_var)), np.sqrt(np.exp(log_var_p))
    return np.sum(np.log(s_p / s) + (s**2 + (mu - mu_p) ** 2) / (2 * s_p**2) - 1 / 2, -1)


def kl_float32(*args):
    return kl(*args).astype(np.float32)


# ---- 7.2: mu, log_var, mu_p, log_var_p -> dmu, dlog_var


def gradient(mu, log_var, mu_p, log_var_p, dmu=None, dlog_var=None):
    right = kl_backward(mu, log_var, mu_p, log_var_p)
    return (right[0] if dmu is None else dmu), (right[1] if dlog_var is None else dlog_var)


def wrong_sign_of_dmu(mu, log_var, mu_p, log_var_p):
    return gradient(mu, log_var, mu_p, log_var_p, dmu=(mu_p - mu) / np.exp(log_var_p))


def both_signs(mu, log_var, mu_p, log_var_p):
    return (mu_p - mu) / np.exp(log_var_p), 0.5 * (1 - np.exp(log_var - log_var_p))


def twice_dmu(mu, log_var, mu_p, log_var_p):
    return gradient(mu, log_var, mu_p, log_var_p, dmu=2 * (mu - mu_p) / np.exp(log_var_p))


def in_v(mu, log_var, mu_p, log_var_p):
    return gradient(mu, log_var, mu_p, log_var_p, dlog_var=0.5 * (1 / np.exp(log_var_p) - 1 / np.exp(log_var)))


def without_one(mu, log_var, mu_p, log_var_p):
    return gradient(mu, log_var, mu_p, log_var_p, dlog_var=np.exp(log_var - log_var_p) / 2)


def of_p(mu, log_var, mu_p, log_var_p):
    d = (mu_p - mu) / np.exp(log_var_p)
    return d, 0.5 * (1 - np.exp(log_var - log_var_p) - d**2 * np.exp(log_var_p))


def for_a_standard_normal(mu, log_var, mu_p, log_var_p):
    return mu, 0.5 * (np.exp(log_var) - 1)


def over_v_without_half(mu, log_var, mu_p, log_var_p):
    return (mu - mu_p) / np.exp(log_var), np.exp(log_var - log_var_p) - 1


def swapped(*args):
    return kl_backward(*args)[::-1]


def summed(*args):
    return tuple(a.sum(axis=0) for a in kl_backward(*args))


def of_the_mean(*args):
    return tuple(a / len(a) for a in kl_backward(*args))


def one_of_two(*args):
    return kl_backward(*args)[0]


def gradient_hard_coded(mu, log_var, mu_p, log_var_p):
    return gradient(mu, log_var, mu_p, log_var_p, dlog_var=0.5 * (np.exp(log_var - log_var_p) - np.ones((6, 5))))


def stacked(*args):
    return np.stack(kl_backward(*args))


def by_v(mu, log_var, mu_p, log_var_p):
    v, v_p = np.exp(log_var), np.exp(log_var_p)
    return [-(mu_p - mu) / v_p, v * (1 / v_p - 1 / v) / 2]


# ---- 7.3: mu, log_var, eps -> kl, error


def log_normal(z, mu, log_var):
    return -0.5 * (LOG_2PI + log_var + (z - mu) ** 2 / np.exp(log_var))


def estimate(terms):
    return terms.mean(axis=0), terms.std(axis=0) / np.sqrt(len(terms))


def p_at_eps(mu, log_var, eps):
    z = mu + np.exp(log_var / 2) * eps
    return estimate((log_normal(z, mu, log_var) - log_normal(eps, 0, 0 * mu)).sum(axis=-1))


def q_at_eps(mu, log_var, eps):
    z = mu + np.exp(log_var / 2) * eps
    return estimate((log_normal(eps, mu, log_var) - log_normal(z, 0, 0 * mu)).sum(axis=-1))


def q_standard(mu, log_var, eps):
    z = mu + np.exp(log_var / 2) * eps
    return estimate((-0.5 * z**2 - -0.5 * z**2).sum(axis=-1))


def q_square_of_z(mu, log_var, eps):
    z = mu + np.exp(log_var / 2) * eps
    log_q = -0.5 * (log_var + z**2 / np.exp(log_var))
    return estimate((log_q + 0.5 * z**2).sum(axis=-1))


def std_is_variance(mu, log_var, eps):
    z = mu + np.exp(log_var) * eps
    return estimate((-0.5 * (log_var + eps**2) + 0.5 * z**2).sum(axis=-1))


def without_log_var(mu, log_var, eps):
    z = mu + np.exp(log_var / 2) * eps
    return estimate((-0.5 * eps**2 + 0.5 * z**2).sum(axis=-1))


def p_minus_q(mu, log_var, eps):
    kl, error = right_samples(mu, log_var, eps)
    return -kl, error


def spread_of_one(mu, log_var, eps):
    z = mu + np.exp(log_var / 2) * eps
    terms = (-0.5 * (log_var + eps**2) + 0.5 * z**2).sum(axis=-1)
    return terms.mean(axis=0), terms.std(axis=0)


def over_n(mu, log_var, eps):
    z = mu + np.exp(log_var / 2) * eps
    terms = (-0.5 * (log_var + eps**2) + 0.5 * z**2).sum(axis=-1)
    return terms.mean(axis=0), terms.std(axis=0) / np.sqrt(len(mu))


def unbiased_error(mu, log_var, eps):
    z = mu + np.exp(log_var / 2) * eps
    terms = (-0.5 * (log_var + eps**2) + 0.5 * z**2).sum(axis=-1)
    return terms.mean(axis=0), terms.std(axis=0, ddof=1) / np.sqrt(len(eps))


def not_summed(mu, log_var, eps):
    z = mu + np.exp(log_var / 2) * eps
    return estimate(-0.5 * (log_var + eps**2) + 0.5 * z**2)


def wrong_axis(mu, log_var, eps):
    z = mu + np.exp(log_var / 2) * eps
    terms = (-0.5 * (log_var + eps**2) + 0.5 * z**2).sum(axis=-1)
    return terms.mean(axis=1), terms.std(axis=1) / np.sqrt(terms.shape[1])


def half_missing_and_over_k(mu, log_var, eps):
    z = mu + np.exp(log_var / 2) * eps
    terms = (z**2 - log_var - eps**2).sum(axis=-1)
    return terms.mean(axis=0), terms.std(axis=0) / len(eps)


def own_noise(mu, log_var, eps):
    return right_samples(mu, log_var, np.random.default_rng().standard_normal(eps.shape))


def hard_coded_k(mu, log_var, eps):
    kl, error = right_samples(mu, log_var, eps)
    return kl, error * np.sqrt(len(eps)) / np.sqrt(35)


def right_samples(mu, log_var, eps):
    z = mu + np.exp(0.5 * log_var) * eps
    t = (log_normal(z, mu, log_var) - log_normal(z, np.zeros_like(mu), np.zeros_like(mu))).sum(-1)
    return np.mean(t, 0), np.sqrt(np.var(t, 0) / t.shape[0])


def samples_in_a_loop(mu, log_var, eps):
    t = []
    for e in eps:
        z = mu + np.sqrt(np.exp(log_var)) * e
        t.append((0.5 * z * z - 0.5 * e * e - 0.5 * log_var).sum(axis=1))
    return np.array([sum(t) / len(t), np.std(t, axis=0) / len(t) ** 0.5])


# ---- 7.4: x, w, b, var_x -> mu_post, log_var_post


def w_not_squared(x, w, b, var_x):
    v = 1 / (1 + w / var_x)
    return v * w * (x - b) / var_x, np.log(v) + 0 * x


def variance_of_x(x, w, b, var_x):
    v = w**2 + var_x
    return v * w * (x - b) / var_x, np.log(v) + 0 * x


def without_prior(x, w, b, var_x):
    v = var_x / w**2
    return v * w * (x - b) / var_x, np.log(v) + 0 * x


def without_b(x, w, b, var_x):
    v = 1 / (1 + w**2 / var_x)
    return v * w * x / var_x, np.log(v) + 0 * x


def variance_itself(x, w, b, var_x):
    v = 1 / (1 + w**2 / var_x)
    return v * w * (x - b) / var_x, v + 0 * x


def precision_for_variance(x, w, b, var_x):
    v = 1 + w**2 / var_x
    return v * w * (x - b) / var_x, np.log(v) + 0 * x


def one_row(x, w, b, var_x):
    v = 1 / (1 + w**2 / var_x)
    return v * w * (x - b) / var_x, np.log(v)


def m_without_v(x, w, b, var_x):
    return w * (x - b) / var_x, -np.log(1 + w**2 / var_x) + 0 * x


def m_without_var_x(x, w, b, var_x):
    v = 1 / (1 + w**2 / var_x)
    return v * w * (x - b), np.log(v) + 0 * x


def no_var_x_in_precision(x, w, b, var_x):
    v = 1 / (1 + w**2)
    return v * w * (x - b) / var_x, np.log(v) + 0 * x


def no_b_no_prior(x, w, b, var_x):
    v = var_x / w**2
    return v * w * x / var_x, np.log(v) + 0 * x


def no_b_and_half_log(x, w, b, var_x):
    v = 1 / (1 + w**2 / var_x)
    return v * w * x / var_x, 0.5 * np.log(v) + 0 * x


def posterior_swapped(x, w, b, var_x):
    return posterior(x, w, b, var_x)[::-1]


def posterior_hard_coded(x, w, b, var_x):
    m, log_v = posterior(x, w, b, var_x)
    return m, np.tile(log_v[0], (6, 1))


def posterior_as_a_gain(x, w, b, var_x):
    gain = w / (w**2 + var_x)
    return gain * (x - b), np.log(np.repeat((1 - gain * w)[None], len(x), axis=0))


def posterior_in_loops(x, w, b, var_x):
    m, log_v = np.empty_like(x), np.empty_like(x)
    for n in range(len(x)):
        for i in range(x.shape[1]):
            precision = 1 + w[i] * w[i] / var_x
            m[n, i], log_v[n, i] = w[i] * (x[n, i] - b[i]) / var_x / precision, -np.log(precision)
    return m, log_v


# ---- 7.5: x, mu, log_var, w, b, var_x -> log_px_z, kl_prior, log_pz, entropy, log_px, gap


def parts(x, mu, log_var, w, b, var_x, **changed):
    """As most people write it; `changed` parts are computed otherwise."""
    v = np.exp(log_var)
    mean_square = (x - (w * mu + b)) ** 2 + v * w**2
    right = {
        "log_px_z": np.sum(-0.5 * np.log(2 * np.pi * var_x) - mean_square / (2 * var_x), axis=1),
        "kl_prior": np.sum(0.5 * (mu**2 + v - 1 - log_var), axis=1),
        "log_pz": np.sum(-0.5 * LOG_2PI - 0.5 * (mu**2 + v), axis=1),
        "entropy": np.sum(0.5 * np.log(2 * np.pi * np.e * v), axis=1),
        "log_px": np.sum(log_normal(x, b, np.log(w**2 + var_x)), axis=1),
        "gap": kl(mu, log_var, *posterior(x, w, b, var_x)),
    }
    return tuple({**right, **changed}.values())


def elbo_in_all(x, mu, log_var, w, b, var_x):
    log_px_z, kl_prior, *_ = parts(x, mu, log_var, w, b, var_x)
    return (log_px_z - kl_prior,) * 6


def three_ways(x, mu, log_var, w, b, var_x):
    log_px_z, kl_prior, *_ = parts(x, mu, log_var, w, b, var_x)
    return (log_px_z - kl_prior,) * 3


def no_spread(x, mu, log_var, w, b, var_x):
    log_px_z = np.sum(log_normal(x, w * mu + b, np.log(var_x)), axis=1)
    return parts(x, mu, log_var, w, b, var_x, log_px_z=log_px_z)


def no_spread_in_log_pz(x, mu, log_var, w, b, var_x):
    return parts(x, mu, log_var, w, b, var_x, log_pz=np.sum(log_normal(mu, 0, 0), axis=1))


def evidence_of(var):
    def answer(x, mu, log_var, w, b, var_x):
        return parts(x, mu, log_var, w, b, var_x, log_px=np.sum(log_normal(x, b, np.log(var(w, var_x))), axis=1))

    return answer


def gap_reversed(x, mu, log_var, w, b, var_x):
    return parts(x, mu, log_var, w, b, var_x, gap=kl(*posterior(x, w, b, var_x), mu, log_var))


def negative_entropy(x, mu, log_var, w, b, var_x):
    return parts(x, mu, log_var, w, b, var_x, entropy=-np.sum(0.5 * (LOG_2PI + 1 + log_var), axis=1))


def entropy_without_one(x, mu, log_var, w, b, var_x):
    return parts(x, mu, log_var, w, b, var_x, entropy=np.sum(0.5 * (LOG_2PI + log_var), axis=1))


def prior_with_log_var_one(x, mu, log_var, w, b, var_x):
    return parts(x, mu, log_var, w, b, var_x, kl_prior=kl(mu, log_var, np.zeros_like(mu), np.ones_like(mu)))


def no_spread_no_one(x, mu, log_var, w, b, var_x):
    log_px_z = np.sum(log_normal(x, w * mu + b, np.log(var_x)), axis=1)
    entropy = np.sum(0.5 * (LOG_2PI + log_var), axis=1)
    return parts(x, mu, log_var, w, b, var_x, log_px_z=log_px_z, entropy=entropy)


def no_spread_no_two_pi(x, mu, log_var, w, b, var_x):
    log_px_z = -0.5 * np.sum(np.log(var_x) + (x - w * mu - b) ** 2 / var_x, axis=1)
    return parts(x, mu, log_var, w, b, var_x, log_px_z=log_px_z)


def evidence_around_mu(x, mu, log_var, w, b, var_x):
    return parts(x, mu, log_var, w, b, var_x, log_px=np.sum(log_normal(x, w * mu + b, np.log(w**2 + var_x)), axis=1))


def parts_per_pixel(x, mu, log_var, w, b, var_x):
    return parts(x, mu, log_var, w, b, var_x, log_px=log_normal(x, b, np.log(w**2 + var_x)))


def gap_as_difference(x, mu, log_var, w, b, var_x):
    log_px_z, kl_prior, log_pz, entropy, log_px, _ = parts(x, mu, log_var, w, b, var_x)
    return [log_px_z, kl_prior, log_pz, entropy, log_px, log_px - log_px_z + kl_prior]


def parts_stacked(*args):
    return np.array(parts(*args))


# ---- 7.6: x, mu, log_var, w, b, var_x -> dmu, dlog_var


def climb(x, mu, log_var, w, b, var_x):
    v = np.exp(log_var)
    return (x - w * mu - b) / var_x * w - mu, 0.5 - 0.5 * v - 0.5 * v * w**2 / var_x


def of_the_loss(*args):
    return tuple(-a for a in climb(*args))


def kl_added(x, mu, log_var, w, b, var_x):
    v = np.exp(log_var)
    return w * (x - w * mu - b) / var_x + mu, -0.5 * w**2 * v / var_x + 0.5 * (v - 1)


def kl_forgotten(x, mu, log_var, w, b, var_x):
    return w * (x - w * mu - b) / var_x, -0.5 * w**2 * np.exp(log_var) / var_x


def no_spread_in_dlog_var(x, mu, log_var, w, b, var_x):
    return climb(x, mu, log_var, w, b, var_x)[0], -0.5 * (np.exp(log_var) - 1)


def no_inner(x, mu, log_var, w, b, var_x):
    return (x - w * mu - b) / var_x - mu, climb(x, mu, log_var, w, b, var_x)[1]


def inner_sign(x, mu, log_var, w, b, var_x):
    return -w * (x - w * mu - b) / var_x - mu, climb(x, mu, log_var, w, b, var_x)[1]


def two_left(x, mu, log_var, w, b, var_x):
    return 2 * w * (x - w * mu - b) / var_x - mu, climb(x, mu, log_var, w, b, var_x)[1]


def no_b_no_var_x(x, mu, log_var, w, b, var_x):
    return w * (x - w * mu) - mu, 0.5 * (1 - np.exp(log_var) * (1 + w**2))


def no_half(x, mu, log_var, w, b, var_x):
    return climb(x, mu, log_var, w, b, var_x)[0], 1 - np.exp(log_var) * (1 + w**2 / var_x)


def climb_mean(*args):
    return tuple(a / len(a) for a in climb(*args))


def climb_from_the_gap(x, mu, log_var, w, b, var_x):
    return tuple(-a for a in kl_backward(mu, log_var, *posterior(x, w, b, var_x)))


WRONG = {
    "7.1": [
        (kl_not_summed, "not summed over the latents"),
        (kl_summed_over_everything, "summed over everything"),
        (kl_mean, "averaged over the latents, not summed"),
        (kl_axis_0, "summed over the examples: one number per example"),
        (kl_keepdims, "the right numbers, in another shape"),
        (kl_without_half, "the half is missing"),
        (kl_from_a_book, "the half belongs to the logarithms"),
        (kl_std_for_variance, "standard deviations where variances should be"),
        (kl_exchanged, "that is KL(p || q)"),
        (kl_minus_one_once, "-1 once for all latents"),
        (kl_as_in_a_vae, "p is taken for N(0, 1)"),
        (kl_no_half_no_one, "mend that first: a second mistake is left"),
        (kl_not_squared_not_divided, "mend that first: a second mistake is left"),
        (kl_wrong_logs_and_mean, "mend that first: a second mistake is left"),
        (kl_ratio_forgot_the_mean, "the squared distance of the means is missing"),
        (kl_hard_coded, "of other sizes, went well"),
        (kl_none, "None: is a return missing?"),
        (kl_crash, "it stopped with ValueError"),
    ],
    "7.2": [
        (wrong_sign_of_dmu, "dmu: the sign is wrong"),
        (both_signs, "the sign is wrong"),
        (twice_dmu, "dmu: the half is missing"),
        (in_v, "with respect to v, not log_var"),
        (without_one, "the derivative of -log_var is missing"),
        (of_p, "the derivatives in mu_p and log_var_p"),
        (for_a_standard_normal, "not divided by the variance of p"),
        (over_v_without_half, "dlog_var: the half is missing"),
        (swapped, "the order is dmu, dlog_var"),
        (summed, "summed over the examples"),
        (of_the_mean, "averaged over the examples"),
        (one_of_two, "expected it to return dmu, dlog_var, got"),
        (gradient_hard_coded, "of other sizes, went well"),
    ],
    "7.3": [
        (p_at_eps, "log p is taken at eps: it belongs at z"),
        (q_at_eps, "log q is taken at eps: it belongs at z"),
        (q_standard, "q is taken for N(0, 1)"),
        (q_square_of_z, "in log q is the square of z - mu, not that of z"),
        (std_is_variance, "variance for standard deviation"),
        (without_log_var, "log_var is missing in log q"),
        (p_minus_q, "the sign"),
        (spread_of_one, "that is the spread of one sample"),
        (over_n, "divided by the root of the number of examples"),
        (unbiased_error, "ddof=1"),
        (not_summed, "not summed over the latents"),
        (wrong_axis, "averaged over the examples, not over the samples"),
        (half_missing_and_over_k, "the half is missing"),
        (own_noise, "it draws numbers of its own"),
        (hard_coded_k, "of other sizes, went well"),
    ],
    "7.4": [
        (w_not_squared, "w is not squared in the precision"),
        (variance_of_x, "that is the variance of x"),
        (without_prior, "the prior's 1 is missing in the precision"),
        (without_b, "b is not subtracted"),
        (variance_itself, "that is the variance; its logarithm is wanted"),
        (precision_for_variance, "that is the precision; the variance is 1 over it"),
        (one_row, "log_var_post is the same in every row"),
        (m_without_v, "mu_post is not multiplied"),
        (m_without_var_x, "mu_post is not divided by var_x"),
        (no_var_x_in_precision, "w^2 is not divided by var_x in the precision"),
        (no_b_no_prior, "mend that first: a second mistake is left"),
        (no_b_and_half_log, "mu_post: b is not subtracted"),
        (no_b_and_half_log, "log_var_post: that is the logarithm of the standard deviation"),
        (posterior_swapped, "the order is mu_post, log_var_post"),
        (posterior_hard_coded, "of other sizes, went well"),
    ],
    "7.5": [
        (elbo_in_all, ""),
        (three_ways, "got 3 values"),
        (no_spread, "log_px_z: the spread of z is forgotten"),
        (no_spread_in_log_pz, "log_pz: the spread of z is forgotten"),
        (evidence_of(lambda w, var_x: var_x + 0 * w), "log_px: the variance of x is w^2 + var_x: w^2 is missing"),
        (evidence_of(lambda w, var_x: w**2), "var_x is missing"),
        (evidence_of(lambda w, var_x: w + var_x), "w is not squared"),
        (evidence_of(lambda w, var_x: var_x**2 + w**2), "var_x is taken for a standard deviation"),
        (evidence_of(lambda w, var_x: w**2 * var_x), "a sum, not a product"),
        (gap_reversed, "the other way around"),
        (negative_entropy, "that is the mean of log q"),
        (entropy_without_one, "the 1 of the entropy is missing"),
        (prior_with_log_var_one, "the prior's variance is 1"),
        (no_spread_no_one, "log_px_z: the spread of z is forgotten"),
        (no_spread_no_one, "entropy: the 1 of the entropy is missing"),
        (no_spread_no_two_pi, "mend that first: a second mistake is left"),
        (evidence_around_mu, "log p(x) does not depend on q"),
        (parts_per_pixel, "log_px: not summed over the latents"),
    ],
    "7.6": [
        (of_the_loss, "the gradient of the loss, -ELBO"),
        (kl_added, "the KL has the wrong sign"),
        (kl_forgotten, "the KL is missing"),
        (no_spread_in_dlog_var, "the spread of z is forgotten"),
        (no_inner, "the inner derivative w is missing"),
        (inner_sign, "the inner derivative is -w"),
        (two_left, "twice the reconstruction"),
        (no_b_no_var_x, "mend that first: a second mistake is left"),
        (no_half, "the half is missing in dlog_var"),
        (climb_mean, "averaged over the examples"),
    ],
}
RIGHT = {
    "7.1": [kl_in_loops, kl_with_std, kl_float32],
    "7.2": [stacked, by_v],
    "7.3": [right_samples, samples_in_a_loop],
    "7.4": [posterior_as_a_gain, posterior_in_loops],
    "7.5": [parts, gap_as_difference, parts_stacked],
    "7.6": [climb, climb_from_the_gap],
}
FIXED = {}

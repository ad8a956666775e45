"""Answers of lesson 14 that people give: wrong ones with the words that name them, and right ones that look unusual."""

import numpy as np

# ---- 14.1: w, var_x, beta -> a, log_var


def q_of_lesson_7(w, var_x, beta):
    precision = 1 + w**2 / var_x
    return w / var_x / precision, -np.log(precision)


def q_beta_divides(w, var_x, beta):
    return w / (w**2 + var_x / beta), np.log(var_x / beta / (w**2 + var_x / beta))


def q_no_noise(w, var_x, beta):
    return w / (w * w + beta), np.log(beta / (w * w + beta))


def q_noise_squared(w, var_x, beta):
    return w / (w**2 + beta * var_x**2), np.log(beta * var_x**2 / (w**2 + beta * var_x**2))


def q_inverse(w, var_x, beta):
    return 1 / w, np.log(beta * var_x / w**2)


def q_no_w(w, var_x, beta):
    return 1 / (w**2 + beta * var_x), np.log(beta * var_x) - np.log(w**2 + beta * var_x)


def q_not_squared(w, var_x, beta):
    return w / (w + beta * var_x), np.log(beta * var_x / (w + beta * var_x))


def q_variance(w, var_x, beta):
    return w / (w**2 + beta * var_x), beta / (w**2 / var_x + beta)


def q_log_std(w, var_x, beta):
    return w / (w**2 + beta * var_x), np.log(np.sqrt(beta * var_x / (w**2 + beta * var_x)))


def q_log_precision(w, var_x, beta):
    return w / (w**2 + beta * var_x), np.log(1 + w**2 / (beta * var_x))


def q_beta_in_a_only(w, var_x, beta):
    return w / (w**2 + beta * var_x), np.log(var_x / (w**2 + var_x))


def q_beta_in_v_only(w, var_x, beta):
    return w / (w**2 + var_x), np.log(beta * var_x / (w**2 + beta * var_x))


def q_no_beta_above(w, var_x, beta):
    return w / (w**2 + beta * var_x), np.log(var_x / (w**2 + beta * var_x))


def q_sign(w, var_x, beta):
    return -w / (w**2 + beta * var_x), np.log(beta * var_x / (w**2 + beta * var_x))


def q_two(w, var_x, beta):
    return w / (w**2 + var_x), var_x / (w**2 + var_x)


def q_swapped(w, var_x, beta):
    return np.log(beta * var_x / (w**2 + beta * var_x)), w / (w**2 + beta * var_x)


def q_by_precision(w, var_x, beta):
    precision = w * w / (beta * var_x) + 1.0
    return w / (beta * var_x * precision), -np.log(precision)


def q_in_a_loop(w, var_x, beta):
    a, v = [], []
    for one in w:
        v.append(beta / (one**2 / var_x + beta))
        a.append(v[-1] * one / beta / var_x)
    return np.array(a), np.log(v)


# ---- 14.2: lam, var_x, beta -> w, kl


def latent(lam, var_x, beta):
    alive = lam > beta * var_x
    w2 = np.where(alive, lam - beta * var_x, 0)
    return np.sqrt(w2), np.where(alive, 0.5 * np.log(lam / (beta * var_x)), 0)


def latent_never_dead(lam, var_x, beta):
    return np.sqrt(lam - beta * var_x), 0.5 * np.log(lam / (beta * var_x))


def latent_negative_kl(lam, var_x, beta):
    return np.sqrt(np.maximum(lam - beta * var_x, 0)), 0.5 * np.log(lam / (beta * var_x))


def latent_no_half(lam, var_x, beta):
    w, kl = latent(lam, var_x, beta)
    return w, 2 * kl


def latent_no_beta(lam, var_x, beta):
    return np.sqrt(np.maximum(lam - var_x, 0)), 0.5 * np.log(np.maximum(lam / var_x, 1))


def latent_beta_in_kl_only(lam, var_x, beta):
    alive = lam > beta * var_x
    return np.where(alive, np.sqrt(np.abs(lam - var_x)), 0), latent(lam, var_x, beta)[1]


def latent_w_squared(lam, var_x, beta):
    return np.maximum(lam - beta * var_x, 0), latent(lam, var_x, beta)[1]


def latent_w_is_lam(lam, var_x, beta):
    return np.where(lam > beta * var_x, np.sqrt(lam), 0), latent(lam, var_x, beta)[1]


def latent_channel(lam, var_x, beta):
    w, _ = latent(lam, var_x, beta)
    return w, np.where(w > 0, 0.5 * np.log(1 + lam / (beta * var_x)), 0)


def latent_bits(lam, var_x, beta):
    w, _ = latent(lam, var_x, beta)
    return w, np.maximum(0, 0.5 * np.log2(lam / beta / var_x))


def latent_upside_down(lam, var_x, beta):
    w, kl = latent(lam, var_x, beta)
    return w, -kl


def latent_threshold_of_the_noise(lam, var_x, beta):
    alive = lam > var_x
    with np.errstate(invalid="ignore"):
        return np.where(alive, np.sqrt(lam - beta * var_x), 0), np.where(alive, 0.5 * np.log(lam / (beta * var_x)), 0)


def latent_roots(lam, var_x, beta):
    return np.maximum(np.sqrt(lam) - np.sqrt(beta * var_x), 0), latent(lam, var_x, beta)[1]


def latent_no_half_no_cut(lam, var_x, beta):
    return np.sqrt(lam - beta * var_x), np.log(lam / (beta * var_x))


def latent_by_formula_of_the_kl(lam, var_x, beta):
    w = np.sqrt(np.clip(lam - beta * var_x, 0, None))
    c = w**2 + beta * var_x
    a, v = w / c, beta * var_x / c
    return w, (a**2 * lam + v - np.log(v) - 1) / 2


# ---- 14.3: mu, dmu, beta -> reconstruction, kl, cosine


def rms(a):
    return np.sqrt(np.mean(a**2, axis=0))


def book(rec, kl):
    return rms(rec), rms(kl), (rec * kl).sum(0) / np.sqrt((rec**2).sum(0) * (kl**2).sum(0))


def book_right(mu, dmu, beta):
    return book(len(mu) * dmu - beta * mu, beta * mu)


def book_mean_loss(mu, dmu, beta):
    return book(dmu - beta * mu, beta * mu)


def book_divided(mu, dmu, beta):
    return book(len(mu) * dmu - beta * mu / len(mu), beta * mu / len(mu))


def book_no_beta(mu, dmu, beta):
    return book(len(mu) * dmu - mu, mu)


def book_total(mu, dmu, beta):
    return book(len(mu) * dmu, beta * mu)


def book_added(mu, dmu, beta):
    return book(len(mu) * dmu + beta * mu, beta * mu)


def book_other_sign(mu, dmu, beta):
    return book(beta * mu - len(mu) * dmu, beta * mu)


def book_norms(mu, dmu, beta):
    rec, kl, cosine = book_right(mu, dmu, beta)
    return rec * len(mu) ** 0.5, kl * len(mu) ** 0.5, cosine


def book_mean_squares(mu, dmu, beta):
    rec, kl, cosine = book_right(mu, dmu, beta)
    return rec**2, kl**2, cosine


def book_mean_abs(mu, dmu, beta):
    rec, kl = len(mu) * dmu - beta * mu, beta * mu
    return np.abs(rec).mean(0), np.abs(kl).mean(0), (rec * kl).mean(0) / (np.abs(rec).mean(0) * np.abs(kl).mean(0))


def book_axis(mu, dmu, beta):
    rec, kl = (a.T for a in (len(mu) * dmu - beta * mu, beta * mu))
    return book(rec, kl)


def book_product(mu, dmu, beta):
    rec, kl, _ = book_right(mu, dmu, beta)
    return rec, kl, ((len(mu) * dmu - beta * mu) * beta * mu).mean(axis=0)


def book_cosine_of_total(mu, dmu, beta):
    rec, kl, _ = book_right(mu, dmu, beta)
    return rec, kl, book(len(mu) * dmu, beta * mu)[2]


def book_swapped(mu, dmu, beta):
    rec, kl, cosine = book_right(mu, dmu, beta)
    return kl, rec, cosine


def book_in_loops(mu, dmu, beta):
    N, L = mu.shape
    out = np.zeros((3, L))
    for i in range(L):
        kl = [beta * mu[n, i] for n in range(N)]
        rec = [N * dmu[n, i] - kl[n] for n in range(N)]
        out[0, i], out[1, i] = (np.dot(rec, rec) / N) ** 0.5, (np.dot(kl, kl) / N) ** 0.5
        out[2, i] = np.dot(rec, kl) / np.linalg.norm(rec) / np.linalg.norm(kl)
    return out


# ---- 14.4: t, beta, steps -> beta_t


def rise_for_ever(t, beta, steps):
    return beta * t / steps


def rise_to_one(t, beta, steps):
    return np.minimum(1, t / steps)


def rise_stops_at_one(t, beta, steps):
    return np.minimum(t * beta / steps, 1.0)


def rise_max(t, beta, steps):
    return beta * np.maximum(t / steps, 1)


def rise_from_one_step(t, beta, steps):
    return beta * np.minimum((t + 1) / steps, 1)


def rise_falls(t, beta, steps):
    return beta * np.maximum(1 - t / steps, 0)


def rise_jumps(t, beta, steps):
    return np.where(t < steps, 0, beta)


def rise_floor(t, beta, steps):
    return beta * np.minimum(t // steps, 1)


def rise_again(t, beta, steps):
    return beta * (t % steps) / steps


def rise_upside_down(t, beta, steps):
    return beta * np.minimum(steps / t, 1)


def rise_share_of_all(t, beta, steps):
    return beta * np.minimum(t / t.max(), 1)


def rise_as_text_of_if(t, beta, steps):
    if t < steps:
        return beta * t / steps
    return beta


def rise_by_where(t, beta, steps):
    return np.where(t < steps, beta * t / steps, beta)


def rise_by_clip(t, beta, steps):
    return np.clip(beta / steps * np.asarray(t), 0, beta)


# ---- 14.5: kl, beta, least -> cost, dkl


def free(kl, beta, least):
    mean = kl.mean(0)
    return beta * np.maximum(mean, least).sum(), np.tile(np.where(mean > least, beta / len(kl), 0), (len(kl), 1))


def free_each_example(kl, beta, least):
    return beta * np.maximum(kl, least).sum(1).mean(), beta * (kl > least) / len(kl)


def free_one_budget(kl, beta, least):
    total = kl.sum(1).mean()
    return beta * max(total, least), np.full(kl.shape, beta / len(kl) if total > least else 0)


def free_min(kl, beta, least):
    mean = kl.mean(0)
    return beta * np.minimum(mean, least).sum(), free(kl, beta, least)[1]


def free_subtracted(kl, beta, least):
    return beta * np.maximum(kl.mean(0) - least, 0).sum(), free(kl, beta, least)[1]


def free_no_n(kl, beta, least):
    cost, dkl = free(kl, beta, least)
    return cost, dkl * len(kl)


def free_no_mask(kl, beta, least):
    return free(kl, beta, least)[0], np.full(kl.shape, beta / len(kl))


def free_mask_of_each(kl, beta, least):
    return free(kl, beta, least)[0], np.where(kl > least, beta / len(kl), 0)


def free_inverted(kl, beta, least):
    return free(kl, beta, least)[0], beta / len(kl) - free(kl, beta, least)[1]


def free_no_beta(kl, beta, least):
    return free(kl, 1, least)


def free_no_beta_in_dkl(kl, beta, least):
    return free(kl, beta, least)[0], free(kl, 1, least)[1]


def free_beta_inside(kl, beta, least):
    charged = beta * kl.mean(0)
    return np.maximum(charged, least).sum(), np.tile(beta * (charged > least) / len(kl), (len(kl), 1))


def free_per_latent(kl, beta, least):
    mean = kl.mean(0)
    return beta * np.maximum(mean, least), free(kl, beta, least)[1]


def free_mean_over_latents(kl, beta, least):
    return beta * np.maximum(kl.mean(0), least).mean(), free(kl, beta, least)[1]


def free_row(kl, beta, least):
    cost, dkl = free(kl, beta, least)
    return cost, dkl[0]


def free_summed(kl, beta, least):
    total = kl.sum(0)
    return beta * np.maximum(total, least).sum(), np.tile(beta * (total > least), (len(kl), 1))


def free_two(kl, beta, least):
    return free(kl, 1, least)[0], np.full(kl.shape, 1 / len(kl))


def free_in_loops(kl, beta, least):
    N, L = kl.shape
    cost, dkl = 0.0, np.zeros_like(kl)
    for i in range(L):
        mean = sum(kl[:, i]) / N
        if mean > least:
            cost += beta * mean
            dkl[:, i] = beta / N
        else:
            cost += beta * least
    return cost, dkl


# ---- 14.6: kl, gamma, C -> cost, dkl


def held(kl, gamma, C):
    total = kl.sum(1).mean()
    return gamma * np.abs(total - C), np.ones_like(kl) * gamma / len(kl) * (1 if total > C else -1)


def held_each_example(kl, gamma, C):
    over = kl.sum(1) - C
    return gamma * np.abs(over).mean(), np.repeat(gamma * np.sign(over)[:, None] / len(kl), kl.shape[1], axis=1)


def held_each_latent(kl, gamma, C):
    over = kl.mean(0) - C
    return gamma * np.abs(over).sum(), np.tile(gamma * np.sign(over) / len(kl), (len(kl), 1))


def held_mean_of_all(kl, gamma, C):
    over = kl.mean() - C
    return gamma * abs(over), np.full(kl.shape, gamma * np.sign(over) / kl.size)


def held_no_abs(kl, gamma, C):
    return gamma * (kl.sum() / len(kl) - C), np.full(kl.shape, gamma / len(kl))


def held_no_sign(kl, gamma, C):
    return held(kl, gamma, C)[0], np.full(kl.shape, gamma / len(kl))


def held_square(kl, gamma, C):
    over = kl.sum(1).mean() - C
    return gamma * over**2, np.full(kl.shape, 2 * gamma * over / len(kl))


def held_no_n(kl, gamma, C):
    cost, dkl = held(kl, gamma, C)
    return cost, dkl * len(kl)


def held_over_all(kl, gamma, C):
    cost, dkl = held(kl, gamma, C)
    return cost, dkl / kl.shape[1]


def held_distance_for_sign(kl, gamma, C):
    over = kl.sum() / len(kl) - C
    return gamma * abs(over), np.full(kl.shape, gamma * over / len(kl))


def held_wrong_way(kl, gamma, C):
    cost, dkl = held(kl, gamma, C)
    return cost, -dkl


def held_no_gamma_in_dkl(kl, gamma, C):
    return held(kl, gamma, C)[0], held(kl, 1, C)[1]


def held_one_number(kl, gamma, C):
    cost, dkl = held(kl, gamma, C)
    return cost, dkl[0, 0]


def held_only_above(kl, gamma, C):
    over = kl.sum() / len(kl) - C
    return gamma * max(over, 0), np.full(kl.shape, gamma / len(kl) if over > 0 else 0.0)


def held_gamma_on_the_kl(kl, gamma, C):
    over = gamma * kl.sum() / len(kl) - C
    return np.abs(over), np.full(kl.shape, gamma * np.sign(over) / len(kl))


def held_summed(kl, gamma, C):
    over = kl.sum() - C
    return gamma * abs(over), np.full(kl.shape, gamma * np.sign(over))


def held_no_n_no_gamma(kl, gamma, C):
    over = kl.sum() / len(kl) - C
    return abs(over), np.full(kl.shape, np.sign(over))


def held_by_quotient(kl, gamma, C):
    over = np.mean(np.sum(kl, axis=-1)) - C
    return np.sqrt((gamma * over) ** 2), np.zeros_like(kl) + gamma * over / abs(over) / kl.shape[0]


def q_times_beta(w, var_x, beta):
    return beta * w / (w**2 + beta * var_x), np.log(beta * var_x / (w**2 + beta * var_x))


def q_by_the_precision_alone(w, var_x, beta):
    precision = w**2 / var_x + beta
    return w / precision, np.log(beta / precision)


def q_times_v(w, var_x, beta):
    v = 1 / (1 + w**2 / (beta * var_x))
    return w * v, np.log(v)


def latent_log_of_the_variance(lam, var_x, beta):
    return latent(lam, var_x, beta)[0], 0.5 * np.log(np.maximum(lam, beta * var_x))


def latent_absolute(lam, var_x, beta):
    return np.sqrt(np.abs(lam - beta * var_x)), latent(lam, var_x, beta)[1]


def latent_per_noise(lam, var_x, beta):
    return np.sqrt(np.maximum(lam / var_x - beta, 0)), latent(lam, var_x, beta)[1]


def latent_charged(lam, var_x, beta):
    w, kl = latent(lam, var_x, beta)
    return w, beta * kl


def book_of_means(mu, dmu, beta):
    return book(dmu - beta * mu / len(mu), beta * mu / len(mu))


def book_summed_product(mu, dmu, beta):
    rec, kl = len(mu) * dmu - beta * mu, beta * mu
    return rms(rec), rms(kl), (rec * kl).sum(0) / rms(rec) / rms(kl)


def book_std(mu, dmu, beta):
    return (len(mu) * dmu - beta * mu).std(0), (beta * mu).std(0), book_right(mu, dmu, beta)[2]


def rise_to_the_limit(t, beta, steps):
    return np.minimum(beta, t / steps)


def rise_by_linspace(t, beta, steps):
    return np.linspace(0, beta, len(t))


def free_over_latents(kl, beta, least):
    return free(kl, beta, least)[0], np.tile(beta * (kl.mean(0) > least) / kl.shape[1], (len(kl), 1))


def free_least_in_dkl(kl, beta, least):
    return free(kl, beta, least)[0], np.where(kl.mean(0) > least, beta / len(kl), least) * np.ones_like(kl)


def free_value_in_dkl(kl, beta, least):
    return free(kl, beta, least)[0], np.tile(beta * np.maximum(kl.mean(0), least) / len(kl), (len(kl), 1))


def held_axes(kl, gamma, C):
    over = kl.mean(1).sum() - C
    return gamma * abs(over), np.full(kl.shape, gamma * np.sign(over) / kl.shape[1])


def held_each_kl(kl, gamma, C):
    return held(kl, gamma, C)[0], gamma * np.sign(kl - C) / len(kl)


def q_abs_w(w, var_x, beta):
    c = np.abs(w) + beta * var_x
    return w / c, np.log(beta * var_x / c)


def q_dropped(w, var_x, beta):
    return w / (beta * var_x), np.log(beta * var_x / (w**2 + beta * var_x))


def q_half_lost(w, var_x, beta):
    c = w**2 + 2 * beta * var_x
    return w / c, np.log(2 * beta * var_x / c)


def q_summed(w, var_x, beta):
    c = w @ w + beta * var_x
    return w / c, np.log(beta * var_x / c) * np.ones(len(w))


def latent_right(lam, var_x, beta):
    level = beta * var_x
    return np.sqrt(np.maximum(lam - level, 0)), 0.5 * np.log(np.maximum(lam / level, 1))


def latent_root_of_lam(lam, var_x, beta):
    return np.sqrt(lam), latent_right(lam, var_x, beta)[1]


def latent_root_of_c(lam, var_x, beta):
    return np.sqrt(np.maximum(lam, beta * var_x)), latent_right(lam, var_x, beta)[1]


def latent_no_mu(lam, var_x, beta):
    c = np.maximum(lam, beta * var_x)
    v = beta * var_x / c
    return latent_right(lam, var_x, beta)[0], 0.5 * (v - np.log(v) - 1)


def latent_mu_without_lam(lam, var_x, beta):
    w = latent_right(lam, var_x, beta)[0]
    c = np.maximum(lam, beta * var_x)
    a, v = w / c, beta * var_x / c
    return w, 0.5 * (a**2 + v - np.log(v) - 1)


def latent_mean_kl(lam, var_x, beta):
    w, kl = latent_right(lam, var_x, beta)
    return w, np.full_like(lam, kl.mean())


def latent_all_or_none(lam, var_x, beta):
    w, kl = latent_right(lam, var_x, beta)
    return (w, kl) if lam.mean() > beta * var_x else (0 * w, 0 * kl)


def book_n_times_both(mu, dmu, beta):
    other, pull = len(mu) * (dmu - beta * mu), beta * mu
    one, two = np.sqrt((other**2).mean(0)), np.sqrt((pull**2).mean(0))
    return one, two, (other * pull).mean(0) / one / two


def book_times_latents(mu, dmu, beta):
    pull = beta * mu
    other = mu.shape[1] * dmu - pull
    one, two = np.sqrt((other**2).mean(0)), np.sqrt((pull**2).mean(0))
    return one, two, (other * pull).mean(0) / one / two


def book_corrcoef(mu, dmu, beta):
    pull = beta * mu
    other = len(mu) * dmu - pull
    cosine = [np.corrcoef(a, b)[0, 1] for a, b in zip(other.T, pull.T, strict=True)]
    return np.sqrt((other**2).mean(0)), np.sqrt((pull**2).mean(0)), np.array(cosine)


def rise_in_place(t, beta, steps):
    b = beta * t / steps
    b[b > beta] = beta
    return b


def rise_over_entries(t, beta, steps):
    return np.array([beta * min(1, one / steps) for one in t])


def rise_then_zero(t, beta, steps):
    return np.where(t < steps, beta * t / steps, 0)


def rise_exchanged(t, beta, steps):
    return steps * np.minimum(t / beta, 1)


def free_added(kl, beta, least):
    return beta * (kl.mean(0) + least).sum(), np.full_like(kl, beta / len(kl))


def free_costs_nothing(kl, beta, least):
    m = kl.mean(0)
    return beta * np.where(m > least, m, 0).sum(), beta / len(kl) * (m >= least) * np.ones_like(kl)


def q_exponential(w, var_x, beta):
    c = w**2 + beta * var_x
    return w / c, np.exp(beta * var_x / c)


def q_log10(w, var_x, beta):
    c = w**2 + beta * var_x
    return w / c, np.log10(beta * var_x / c)


def q_v_halved(w, var_x, beta):
    return w / (w**2 + beta * var_x), np.log(0.5 * beta / (w**2 / var_x + beta))


def latent_c(lam, var_x, beta):
    return np.where(lam > beta * var_x, lam, beta * var_x), latent_right(lam, var_x, beta)[1]


def latent_plus(lam, var_x, beta):
    return (np.maximum(lam, beta * var_x) + beta * var_x) ** 0.5, latent_right(lam, var_x, beta)[1]


def latent_w_in_units_of_the_level(lam, var_x, beta):
    return np.sqrt(np.maximum(lam / (beta * var_x) - 1, 0)), latent_right(lam, var_x, beta)[1]


def latent_share(lam, var_x, beta):
    return np.sqrt(np.clip(1 - beta * var_x / lam, 0, 1)), latent_right(lam, var_x, beta)[1]


def latent_loss(lam, var_x, beta):
    c = np.maximum(lam, beta * var_x)
    return latent_right(lam, var_x, beta)[0], 0.5 * (lam / c + np.log(c))


def latent_no_log(lam, var_x, beta):
    return latent_right(lam, var_x, beta)[0], np.maximum(lam / (beta * var_x), 1) / 2


def latent_level_is_a_root(lam, var_x, beta):
    level = np.sqrt(beta * var_x)
    c = np.maximum(lam, level)
    return np.sqrt(c - level), 0.5 * np.log(c / level)


def latent_two_places(lam, var_x, beta):
    return latent_root_of_c(lam, var_x, beta)[0], latent_no_mu(lam, var_x, beta)[1]


def book_kl_divided(mu, dmu, beta):
    rec, kl, cosine = book_right(mu, dmu, beta)
    return rec, kl / len(mu), cosine


def book_signs(mu, dmu, beta):
    rec, kl, _ = book_right(mu, dmu, beta)
    return rec, kl, np.mean(np.sign(len(mu) * dmu - beta * mu) * np.sign(mu), axis=0)


def book_mean_first(mu, dmu, beta):
    other, pull = len(mu) * dmu - beta * mu, beta * mu
    return np.sqrt(other.mean(0) ** 2), np.sqrt(pull.mean(0) ** 2), book_right(mu, dmu, beta)[2]


def rise_sigmoid(t, beta, steps):
    return beta / (1 + np.exp(-(t - steps / 2)))


def rise_from_one(t, beta, steps):
    return np.interp(t, [0, steps], [1, beta])


def free_distance(kl, beta, least):
    m = kl.mean(0)
    return beta * np.abs(m - least).sum(), np.tile(beta * np.sign(m - least) / len(kl), (len(kl), 1))


def free_each_value_in_dkl(kl, beta, least):
    return free(kl, beta, least)[0], beta * np.where(kl > least, kl, least) / len(kl)


def held_and_charged(kl, gamma, C):
    total = kl.sum(1).mean()
    return total + gamma * abs(total - C), np.full_like(kl, (1 + gamma * np.sign(total - C)) / len(kl))


def q_beta_below_lost(w, var_x, beta):
    return w / (w**2 + beta * var_x), np.log(beta * var_x / w**2)


def q_abs_w_above(w, var_x, beta):
    return np.abs(w) / (w**2 + beta * var_x), np.log(beta * var_x / (w**2 + beta * var_x))


def q_twice_the_square(w, var_x, beta):
    c = 2 * w**2 + beta * var_x
    return 2 * w / c, np.log(beta * var_x / c)


def q_twice_the_square_in_a(w, var_x, beta):
    return 2 * w / (2 * w**2 + beta * var_x), np.log(beta * var_x / (w**2 + beta * var_x))


def q_twice_the_square_in_v(w, var_x, beta):
    return w / (w**2 + beta * var_x), np.log(beta * var_x / (2 * w**2 + beta * var_x))


def latent_lam_squared(lam, var_x, beta):
    return latent_right(lam**2, var_x, beta)


def latent_plus_log_v(lam, var_x, beta):
    w = latent_right(lam, var_x, beta)[0]
    c = w**2 + beta * var_x
    a, v = w / c, beta * var_x / c
    return w, 0.5 * (a**2 * lam + v + np.log(v) - 1)


def latent_channel_everywhere(lam, var_x, beta):
    return latent_right(lam, var_x, beta)[0], 0.5 * np.log(1 + lam / (beta * var_x))


def latent_abs_log(lam, var_x, beta):
    return latent_right(lam, var_x, beta)[0], 0.5 * np.abs(np.log(lam / (beta * var_x)))


def latent_minimum(lam, var_x, beta):
    c = np.minimum(lam, beta * var_x)
    return np.sqrt(c - beta * var_x), 0.5 * np.log(c / (beta * var_x))


def latent_mask_upside_down(lam, var_x, beta):
    dead = lam > beta * var_x
    return (np.where(dead, 0, np.sqrt(lam - beta * var_x)), np.where(dead, 0, 0.5 * np.log(lam / (beta * var_x))))


def latent_level_of_the_noise_in_kl(lam, var_x, beta):
    c = np.maximum(lam, beta * var_x)
    return np.sqrt(c - beta * var_x), 0.5 * np.log(c / var_x)


def latent_less_the_noise(lam, var_x, beta):
    return np.sqrt(np.maximum(lam, beta * var_x) - var_x), latent_right(lam, var_x, beta)[1]


def latent_half_of_lam(lam, var_x, beta):
    return latent_right(lam / 2, var_x, beta)


def latent_kl_of_w(lam, var_x, beta):
    w = latent_right(lam, var_x, beta)[0]
    return w, 0.5 * np.log(w**2 / (beta * var_x))


def latent_a_not_squared(lam, var_x, beta):
    w = latent_right(lam, var_x, beta)[0]
    c = w**2 + beta * var_x
    a, v = w / c, beta * var_x / c
    return w, 0.5 * (a * lam + v - np.log(v) - 1)


def book_cosine_turned(mu, dmu, beta):
    rec, kl, cosine = book_right(mu, dmu, beta)
    return rec, kl, -cosine


def book_times_size(mu, dmu, beta):
    return book(mu.size * dmu - beta * mu, beta * mu)


def book_one_cosine(mu, dmu, beta):
    rec, kl, _ = book_right(mu, dmu, beta)
    a, b = (len(mu) * dmu - beta * mu).ravel(), beta * mu.ravel()
    return rec, kl, a @ b / np.linalg.norm(a) / np.linalg.norm(b)


def book_cosine_squared(mu, dmu, beta):
    rec, kl, cosine = book_right(mu, dmu, beta)
    return rec, kl, cosine**2


def rise_clipped_at_one_step(t, beta, steps):
    return beta * np.clip(t, 1, steps) / steps


def rise_never_quite_zero(t, beta, steps):
    return beta * np.maximum(np.minimum(t / steps, 1), 1e-2)


def rise_with_a_hole(t, beta, steps):
    return beta * ((t < steps) * t / steps + (t > steps))


def rise_not_a_number(t, beta, steps):
    return beta * np.minimum(t / steps, 1) * t / t


def rise_then_zero_later(t, beta, steps):
    return np.where(t <= steps, beta * t / steps, 0)


def rise_steps_and_one(t, beta, steps):
    return beta * np.minimum(t / (steps + 1), 1)


def rise_one_step_short(t, beta, steps):
    return beta * np.clip(t, 0, steps - 1) / steps


def rise_counted(t, beta, steps):
    return beta * np.minimum(np.arange(np.size(t)) / steps, 1)


def rise_exponential(t, beta, steps):
    return beta * (1 - np.exp(-t / steps))


def rise_root(t, beta, steps):
    return beta * np.sqrt(np.minimum(t / steps, 1))


def rise_from_the_first_t(t, beta, steps):
    return beta * np.minimum((t - np.ravel(t)[0]) / steps, 1)


def rise_clip_of_an_array(t, beta, steps):
    return beta * t.clip(0, steps) / steps


def free_no_maximum(kl, beta, least):
    return beta * kl.sum(1).mean(), np.full(kl.shape, beta / len(kl))


def free_no_maximum_in_the_cost(kl, beta, least):
    return beta * kl.sum(1).mean(), free(kl, beta, least)[1]


def free_least_over_n(kl, beta, least):
    return free(kl, beta, least / len(kl))


def free_least_over_latents(kl, beta, least):
    return free(kl, beta, least / kl.shape[1])


def free_largest(kl, beta, least):
    return beta * max(kl.mean(0).max(), least), free(kl, beta, least)[1]


def free_least_once(kl, beta, least):
    return beta * (least + np.maximum(kl.mean(0) - least, 0).sum()), free(kl, beta, least)[1]


def free_mask_of_all(kl, beta, least):
    return free(kl, beta, least)[0], np.full(kl.shape, beta / len(kl) * (kl.sum(1).mean() > least))


def free_mask_of_sums(kl, beta, least):
    return free(kl, beta, least)[0], np.tile(beta / len(kl) * (kl.sum(0) > least), (len(kl), 1))


def free_mask_of_rows(kl, beta, least):
    return free(kl, beta, least)[0], np.tile(beta / len(kl) * (kl.sum(1) > least)[:, None], (1, kl.shape[1]))


def free_times_kl(kl, beta, least):
    cost, dkl = free(kl, beta, least)
    return cost, dkl * kl


def free_least_over_n_in_dkl(kl, beta, least):
    return free(kl, beta, least)[0], np.tile(np.where(kl.mean(0) > least, beta, least) / len(kl), (len(kl), 1))


def held_c_divided(kl, gamma, C):
    over = kl.sum() - C
    return gamma * abs(over) / len(kl), np.full(kl.shape, gamma * np.sign(over) / len(kl))


def held_only_below(kl, gamma, C):
    under = C - kl.sum() / len(kl)
    return gamma * max(under, 0), np.full(kl.shape, -gamma / len(kl) if under > 0 else 0.0)


def held_other_way_no_abs(kl, gamma, C):
    return gamma * (C - kl.sum() / len(kl)), np.full(kl.shape, -gamma / len(kl))


def held_other_way_in_the_cost(kl, gamma, C):
    return gamma * (C - kl.sum() / len(kl)), held(kl, gamma, C)[1]


WRONG = {
    "14.1": [
        (q_of_lesson_7, "beta is forgotten"),
        (q_beta_divides, "beta is upside down"),
        (q_no_noise, "var_x is forgotten"),
        (q_noise_squared, "taken for a standard deviation and squared"),
        (q_inverse, "the KL is left out"),
        (q_no_w, "the factor w is missing in a"),
        (q_not_squared, "w is not squared below the line"),
        (q_variance, "that is v; its logarithm is wanted"),
        (q_log_std, "the logarithm of the standard deviation"),
        (q_log_precision, "the sign of log_var"),
        (q_beta_in_a_only, "beta is in a, but not in log_var"),
        (q_beta_in_v_only, "beta is in log_var, but not in a"),
        (q_no_beta_above, "beta is missing above the line"),
        (q_sign, "a has the wrong sign"),
        (q_two, "mend that first: a second mistake is left"),
        (q_swapped, "the order is a, log_var"),
        (q_times_beta, "a is multiplied by beta:"),
        (q_by_the_precision_alone, "a is multiplied by var_x"),
        (q_times_v, "a is multiplied by beta var_x"),
        (q_abs_w, "the absolute value of w"),
        (q_dropped, "w a is dropped"),
        (q_half_lost, "twice beta var_x"),
        (q_summed, "w^2 is summed over the latents"),
        (q_exponential, "that is the exponential of v"),
        (q_log10, "to the base 10"),
        (q_v_halved, "v is halved"),
        (q_beta_below_lost, "the beta without v is dropped"),
        (q_abs_w_above, "the sign of w is lost in a"),
        (q_twice_the_square, "half of beta var_x"),
        (q_twice_the_square_in_a, "half of beta var_x"),
        (q_twice_the_square_in_v, "half of beta var_x"),
    ],
    "14.2": [
        (latent_never_dead, "there w = 0 and kl = 0 are best"),
        (latent_negative_kl, "w is 0 here, but kl is not"),
        (latent_no_half, "the half of the KL is missing"),
        (latent_no_beta, "beta is forgotten"),
        (latent_beta_in_kl_only, "beta is in kl, but not in w"),
        (latent_w_squared, "that is w^2"),
        (latent_w_is_lam, "w^2 is lam here"),
        (latent_channel, "1 is added in the logarithm"),
        (latent_bits, "in bits"),
        (latent_upside_down, "the ratio in the KL is upside down, or log v"),
        (latent_threshold_of_the_noise, "beta belongs to the threshold"),
        (latent_roots, "w is a difference of roots"),
        (latent_no_half_no_cut, "mend that first: a second mistake is left"),
        (latent_log_of_the_variance, "the logarithm is of the variance alone"),
        (latent_absolute, "the root of the absolute value"),
        (latent_per_noise, "w^2 is divided by var_x"),
        (latent_charged, "that is beta KL"),
        (latent_root_of_lam, "beta var_x is not subtracted"),
        (latent_root_of_c, "w is the root of c"),
        (latent_no_mu, "a^2 lam is forgotten"),
        (latent_mu_without_lam, "a^2 without lam"),
        (latent_mean_kl, "averaged over the latents"),
        (latent_all_or_none, "one decision for all latents"),
        (latent_c, "w is c; w^2 is c less"),
        (latent_plus, "w^2 is c + beta var_x here"),
        (latent_w_in_units_of_the_level, "w^2 is divided by beta var_x"),
        (latent_share, "that is the root of w a"),
        (latent_loss, "what is left of the loss"),
        (latent_no_log, "its logarithm is missing"),
        (latent_level_is_a_root, "the level is the root of beta var_x"),
        (latent_two_places, "w is the root of c"),
        (latent_lam_squared, "lam is taken for a standard deviation"),
        (latent_plus_log_v, "or log v has a plus"),
        (latent_channel_everywhere, "1 is added in the logarithm of every direction"),
        (latent_abs_log, "the absolute value of the logarithm"),
        (latent_minimum, "the other side is cut off"),
        (latent_mask_upside_down, "the other side is cut off"),
        (latent_level_of_the_noise_in_kl, "c over var_x in the logarithm"),
        (latent_less_the_noise, "w^2 is c less var_x"),
        (latent_half_of_lam, "c is lam / 2 here"),
        (latent_kl_of_w, "w^2 over beta var_x in the logarithm"),
        (latent_a_not_squared, "a lam stands in the KL"),
    ],
    "14.3": [
        (book_mean_loss, "times N it is that of each example's own"),
        (book_divided, "the KL's part is divided by N"),
        (book_no_beta, "beta is forgotten"),
        (book_total, "that is the total"),
        (book_added, "the KL's part is added to the total"),
        (book_other_sign, "the reconstruction's part has the wrong sign, or the cosine has"),
        (book_norms, "the sum of the squares, not their mean"),
        (book_mean_squares, "the root is missing"),
        (book_mean_abs, "the mean absolute value"),
        (book_axis, "averaged over the latents"),
        (book_product, "not divided by the two sizes"),
        (book_cosine_of_total, "the cosine with the total"),
        (book_swapped, "the order is reconstruction, kl, cosine"),
        (book_of_means, "both parts are those of the mean loss"),
        (book_summed_product, "the product is summed, but"),
        (book_std, "the spread around the mean"),
        (book_n_times_both, "beta mu is multiplied with N too"),
        (book_times_latents, "multiplied with the number of latents"),
        (book_corrcoef, "np.corrcoef"),
        (book_kl_divided, "kl: beta mu is divided by N in kl"),
        (book_signs, "the share of the signs that agree"),
        (book_mean_first, "the mean is taken before the square"),
        (book_cosine_turned, "the wrong sign, or the cosine has"),
        (book_times_size, "multiplied with mu.size"),
        (book_one_cosine, "one cosine of all entries"),
        (book_cosine_squared, "the cosine is squared"),
    ],
    "14.4": [
        (rise_for_ever, "it rises for ever"),
        (rise_in_place, "does not support item assignment"),
        (rise_over_entries, "is not iterable"),
        (rise_then_zero, "after the rise it is 0"),
        (rise_exchanged, "beta and steps are exchanged"),
        (rise_sigmoid, "a sigmoid; a line is wanted"),
        (rise_from_one, "it rises from 1"),
        (rise_to_one, "where beta belongs"),
        (rise_stops_at_one, "it stops at 1, not at beta"),
        (rise_max, "the larger of the two"),
        (rise_from_one_step, "it begins at beta / steps"),
        (rise_falls, "it falls"),
        (rise_jumps, "a jump"),
        (rise_floor, "a jump"),
        (rise_again, "it begins again"),
        (rise_upside_down, "that is steps / t"),
        (rise_share_of_all, "divided by the last t"),
        (rise_as_text_of_if, "it stopped with ValueError"),
        (rise_to_the_limit, "beta is only the limit here"),
        (rise_by_linspace, "spread evenly over the entries"),
        (rise_clipped_at_one_step, "at t = 0 it is beta / steps"),
        (rise_never_quite_zero, ""),
        (rise_with_a_hole, "at t = steps itself it is 0"),
        (rise_not_a_number, "not finite"),
        (rise_then_zero_later, "after the rise it is 0"),
        (rise_steps_and_one, "divided by steps + 1"),
        (rise_one_step_short, "it stops one step early"),
        (rise_counted, "the entries of t are counted"),
        (rise_exponential, "1 - exp(-t / steps)"),
        (rise_root, "the root of the share"),
        (rise_from_the_first_t, "it begins at the first entry of t"),
        (rise_clip_of_an_array, "here it is a number"),
    ],
    "14.5": [
        (free_added, "least is added"),
        (free_costs_nothing, "it costs nothing here"),
        (free_distance, "the distance from `least` costs"),
        (free_each_value_in_dkl, "dkl has the larger of an entry"),
        (free_each_example, "the maximum is taken for each example"),
        (free_one_budget, "or one budget for all latents together"),
        (free_min, "the cost takes the smaller of the two"),
        (free_subtracted, "least is subtracted"),
        (free_no_n, "the share 1 / N of each example is missing"),
        (free_no_mask, "the maximum is forgotten in dkl"),
        (free_mask_of_each, "dkl asks each example"),
        (free_inverted, "it is the other way around"),
        (free_no_beta, "beta is forgotten"),
        (free_no_beta_in_dkl, "beta is forgotten in dkl"),
        (free_beta_inside, "beta is inside the maximum"),
        (free_per_latent, "not summed over the latents"),
        (free_mean_over_latents, "averaged over the batch only, and summed over the latents"),
        (free_row, "dkl is (L,)"),
        (free_summed, "summed over the examples, not averaged"),
        (free_two, "beta is forgotten"),
        (free_over_latents, "divided by the number of latents: a mean"),
        (free_least_in_dkl, "dkl is `least` where"),
        (free_value_in_dkl, "dkl has the larger of the two in it"),
        (free_no_maximum, "no maximum"),
        (free_no_maximum_in_the_cost, "no maximum"),
        (free_least_over_n, "least is divided by N"),
        (free_least_over_latents, "least is divided by the number of latents"),
        (free_largest, "only the largest latent"),
        (free_least_once, "`least` is charged once"),
        (free_mask_of_all, "or one decision for all latents"),
        (free_mask_of_sums, "dkl compares the sum over the examples"),
        (free_mask_of_rows, "dkl compares each example's sum"),
        (free_times_kl, "dkl is multiplied with kl"),
        (free_least_over_n_in_dkl, "dkl is least / N where"),
    ],
    "14.6": [
        (held_each_example, "the absolute value is taken for each example"),
        (held_each_latent, "each latent is held at C"),
        (held_mean_of_all, "averaged over the latents: their KLs add up"),
        (held_no_abs, "the absolute value is missing"),
        (held_no_sign, "the sign of KL - C is forgotten in dkl"),
        (held_square, "the square of KL - C"),
        (held_no_n, "the share 1 / N of each example is missing"),
        (held_over_all, "divided by N and by the number of latents"),
        (held_distance_for_sign, "the derivative of an absolute value is a sign"),
        (held_wrong_way, "dkl has the wrong sign"),
        (held_no_gamma_in_dkl, "gamma is forgotten in dkl"),
        (held_one_number, "dkl is one number"),
        (held_only_above, "it costs nothing below C here"),
        (held_gamma_on_the_kl, "gamma weighs the KL alone"),
        (held_summed, "summed over the examples, not averaged"),
        (held_no_n_no_gamma, "gamma is forgotten"),
        (held_axes, "the axes are exchanged"),
        (held_each_kl, "compares each single KL with C"),
        (held_and_charged, "the KL itself is charged too"),
        (held_c_divided, "C is divided by N too"),
        (held_only_below, "it costs nothing above C here"),
        (held_other_way_no_abs, "it is C - KL without the absolute value"),
        (held_other_way_in_the_cost, "the cost is C - KL"),
    ],
}
RIGHT = {
    "14.1": [q_by_precision, q_in_a_loop],
    "14.2": [latent, latent_by_formula_of_the_kl],
    "14.3": [book_right, book_in_loops],
    "14.4": [rise_by_where, rise_by_clip],
    "14.5": [free, free_in_loops],
    "14.6": [held, held_by_quotient],
}
FIXED = {"14.4": {"t"}}  # one step alone, in one of the draws

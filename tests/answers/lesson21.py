"""Planted answers of lesson 21, Codes."""

import numpy as np


def soft(a, axis=-1):
    w = np.exp(a - np.max(a, axis=axis, keepdims=True))
    return w / np.sum(w, axis=axis, keepdims=True)


# ---- 21.1: z, e -> codes


def squared(z, e):
    return ((z[:, None, :] - e[None]) ** 2).sum(axis=2)


def farthest(z, e):
    return squared(z, e).argmax(axis=1)


def inner_product(z, e):
    return (z @ e.T).argmax(axis=1)


def half_the_product(z, e):
    return np.argmin((e**2).sum(axis=1) - z @ e.T, axis=1)


def plus_two(z, e):
    return np.argmin((z**2).sum(1)[:, None] + 2 * z @ e.T + (e**2).sum(1), axis=1)


def taxi(z, e):
    return np.argmin(np.abs(z[:, None] - e).sum(axis=-1), axis=1)


def not_squared(z, e):
    return np.argmin((z[:, None] - e).sum(axis=-1), axis=1)


def wrong_axis(z, e):
    return squared(z, e).argmin(axis=0)


def cosine(z, e):
    return np.argmax((z @ e.T) / np.linalg.norm(e, axis=1), axis=1)


def the_codes(z, e):
    return e[squared(z, e).argmin(axis=1)]


def the_distances(z, e):
    return squared(z, e).min(axis=1)


def distance_itself(z, e):
    return np.sqrt(squared(z, e)).min(axis=1)


def all_distances(z, e):
    return squared(z, e)


def as_one_hot(z, e):
    return np.eye(len(e))[squared(z, e).argmin(axis=1)]


def from_one(z, e):
    return squared(z, e).argmin(axis=1) + 1


def one_number(z, e):
    return squared(z, e).argmin()


def codes_crash(z, e):
    return ((z - e) ** 2).sum(axis=1).argmin()


def seven_codes(z, e):
    return squared(z, e[:5]).argmin(axis=1)


def chebyshev(z, e):
    return np.abs(z[:, None] - e).max(axis=2).argmin(axis=1)


def summed_first(z, e):
    return np.argmin(np.sum(z[:, None] - e, axis=2) ** 2, axis=1)


def summed_over_codes(z, e):
    return ((z[:, None] - e[None]) ** 2).sum(axis=1).argmin(axis=1)


def as_a_list(z, e):
    return [int(np.argmin(((one - e) ** 2).sum(axis=1))) for one in z]


def by_products(z, e):
    return (z @ e.T - 0.5 * (e * e).sum(axis=1)).argmax(axis=1)


def in_a_loop(z, e):
    return np.array([np.linalg.norm(one - e, axis=1).argmin() for one in z])


# ---- 21.2: dz_q, z, e, codes, commit -> dz, de


def gathered(rows, codes, K):
    de = np.zeros((K, rows.shape[1]))
    for row, k in zip(rows, codes, strict=True):
        de[k] += row
    return de


def grads(dz_q, z, e, codes, commit, dz=None, de=None):
    off = z - e[codes]
    return (dz_q + 2 * commit * off if dz is None else dz), (gathered(-2 * off, codes, len(e)) if de is None else de)


def no_straight_through(dz_q, z, e, codes, commit):
    return grads(dz_q, z, e, codes, commit, dz=2 * commit * (z - e[codes]))


def no_commitment(dz_q, z, e, codes, commit):
    return grads(dz_q, z, e, codes, commit, dz=dz_q.copy())


def without_two(dz_q, z, e, codes, commit):
    off = z - e[codes]
    return dz_q + commit * off, gathered(-off, codes, len(e))


def away_from_the_code(dz_q, z, e, codes, commit):
    return grads(dz_q, z, e, codes, commit, dz=dz_q + 2 * commit * (e[codes] - z))


def both_parts_in_dz(dz_q, z, e, codes, commit):
    return grads(dz_q, z, e, codes, commit, dz=dz_q + 2 * (1 + commit) * (z - e[codes]))


def commit_in_both(dz_q, z, e, codes, commit):
    return grads(dz_q, z, e, codes, commit, de=gathered(-2 * commit * (z - e[codes]), codes, len(e)))


def commit_in_de(dz_q, z, e, codes, commit):
    off = z - e[codes]
    return dz_q + 2 * off, gathered(-2 * commit * off, codes, len(e))


def code_away(dz_q, z, e, codes, commit):
    return grads(dz_q, z, e, codes, commit, de=gathered(2 * (z - e[codes]), codes, len(e)))


def true_gradient_of_lookup(dz_q, z, e, codes, commit):
    return grads(dz_q, z, e, codes, commit, de=gathered(dz_q - 2 * (z - e[codes]), codes, len(e)))


def only_the_lookup(dz_q, z, e, codes, commit):
    return grads(dz_q, z, e, codes, commit, de=gathered(dz_q, codes, len(e)))


def plus_equals(dz_q, z, e, codes, commit):
    de = np.zeros_like(e)
    de[codes] += -2 * (z - e[codes])
    return grads(dz_q, z, e, codes, commit, de=de)


def row_per_place(dz_q, z, e, codes, commit):
    return grads(dz_q, z, e, codes, commit, de=-2 * (z - e[codes]))


def mean_of_a_code(dz_q, z, e, codes, commit):
    n = np.bincount(codes, minlength=len(e))
    de = gathered(-2 * (z - e[codes]), codes, len(e)) / np.maximum(n, 1)[:, None]
    return grads(dz_q, z, e, codes, commit, de=de)


def no_two_and_plus_equals(dz_q, z, e, codes, commit):
    de = np.zeros_like(e)
    de[codes] += -2 * (z - e[codes])
    return dz_q + commit * (z - e[codes]), de


def commit_forgotten_and_sign(dz_q, z, e, codes, commit):
    off = z - e[codes]
    return dz_q + 2 * off, gathered(2 * off, codes, len(e))


def mean_commitment(dz_q, z, e, codes, commit):
    return grads(dz_q, z, e, codes, commit, dz=dz_q + commit * 2 * (z - e[codes]) / z.shape[0])


def writes_into_dz_q(dz_q, z, e, codes, commit):
    dz_q += 2 * commit * (z - e[codes])
    return grads(dz_q, z, e, codes, commit, dz=dz_q)


def quantize_swapped(*args):
    return grads(*args)[::-1]


def only_dz(*args):
    return grads(*args)[0]


def with_add_at(dz_q, z, e, codes, commit):
    pull, de = 2 * (z - e[codes]), np.zeros_like(e)
    np.subtract.at(de, codes, pull)
    return dz_q + commit * pull, de


def with_one_hot(dz_q, z, e, codes, commit):
    one = np.eye(len(e))[codes]
    return dz_q - 2 * commit * (one @ e - z), 2 * (one.sum(axis=0)[:, None] * e - one.T @ z)


# ---- 21.3: count, total, z, codes, decay, tiny -> count, total, e


def averages(count, total, z, codes, decay, tiny, n=None, s=None, old=None, new=None, smooth=None, e_of=None):
    K = len(count)
    n = np.bincount(codes, minlength=K) if n is None else n
    s = gathered(z, codes, K) if s is None else s
    old, new = decay if old is None else old, 1 - decay if new is None else new
    count2, total2 = old * count + new * n, old * total + new * s
    c, t = (count2, total2) if e_of is None else e_of(count, total, count2, total2)
    smoothed = (c + tiny) / (c.sum() + K * tiny) * c.sum() if smooth is None else smooth(c)
    return count2, total2, t / smoothed[:, None]


def decay_exchanged(count, total, z, codes, decay, tiny):
    return averages(count, total, z, codes, decay, tiny, old=1 - decay, new=decay)


def full_new(count, total, z, codes, decay, tiny):
    return averages(count, total, z, codes, decay, tiny, new=1)


def full_old(count, total, z, codes, decay, tiny):
    return averages(count, total, z, codes, decay, tiny, old=1)


def shares(count, total, z, codes, decay, tiny):
    return averages(count, total, z, codes, decay, tiny, n=np.bincount(codes, minlength=len(count)) / len(codes))


def means(count, total, z, codes, decay, tiny):
    n = np.maximum(np.bincount(codes, minlength=len(count)), 1)
    return averages(count, total, z, codes, decay, tiny, s=gathered(z, codes, len(count)) / n[:, None])


def last_place_only(count, total, z, codes, decay, tiny):
    s = np.zeros_like(total)
    s[codes] += z
    return averages(count, total, z, codes, decay, tiny, s=s)


def counted_once(count, total, z, codes, decay, tiny):
    n = np.zeros_like(count)
    n[codes] += 1
    return averages(count, total, z, codes, decay, tiny, n=n)


def counted_once_and_last(count, total, z, codes, decay, tiny):
    n, s = np.zeros_like(count), np.zeros_like(total)
    n[codes] += 1
    s[codes] += z
    return averages(count, total, z, codes, decay, tiny, n=n, s=s)


def unsmoothed(count, total, z, codes, decay, tiny):
    return averages(count, total, z, codes, decay, tiny, smooth=lambda c: c)


def plus_tiny(count, total, z, codes, decay, tiny):
    return averages(count, total, z, codes, decay, tiny, smooth=lambda c: c + tiny)


def as_shares(count, total, z, codes, decay, tiny):
    return averages(count, total, z, codes, decay, tiny, smooth=lambda c: (c + tiny) / (c.sum() + len(c) * tiny))


def without_k(count, total, z, codes, decay, tiny):
    return averages(count, total, z, codes, decay, tiny, smooth=lambda c: (c + tiny) / (c.sum() + tiny) * c.sum())


def scaled_by_places(count, total, z, codes, decay, tiny):
    def smooth(c):
        return (c + tiny) / (c.sum() + len(c) * tiny) * len(z)

    return averages(count, total, z, codes, decay, tiny, smooth=smooth)


def old_count_in_e(count, total, z, codes, decay, tiny):
    return averages(count, total, z, codes, decay, tiny, e_of=lambda c, t, c2, t2: (c, t2))


def old_both_in_e(count, total, z, codes, decay, tiny):
    return averages(count, total, z, codes, decay, tiny, e_of=lambda c, t, c2, t2: (c, t))


def sum_of_the_old(count, total, z, codes, decay, tiny):
    def smooth(c):
        return (c + tiny) / (count.sum() + len(c) * tiny) * count.sum()

    return averages(count, total, z, codes, decay, tiny, smooth=smooth)


def batch_counts_in_e(count, total, z, codes, decay, tiny):
    n = np.bincount(codes, minlength=len(count))
    return averages(count, total, z, codes, decay, tiny, e_of=lambda c, t, c2, t2: (n, t2))


def batch_alone_in_e(count, total, z, codes, decay, tiny):
    n, s = np.bincount(codes, minlength=len(count)), gathered(z, codes, len(count))
    return averages(count, total, z, codes, decay, tiny, e_of=lambda c, t, c2, t2: (n, s))


def total_for_e(count, total, z, codes, decay, tiny):
    return averages(count, total, z, codes, decay, tiny, smooth=np.ones_like)


def exchanged_and_unsmoothed(count, total, z, codes, decay, tiny):
    return averages(count, total, z, codes, decay, tiny, old=1 - decay, new=decay, smooth=lambda c: c)


def in_place(count, total, z, codes, decay, tiny):
    count *= decay
    count += (1 - decay) * np.bincount(codes, minlength=len(count))
    return count, *averages(count, total, z, codes, decay, tiny)[1:]


def no_minlength(count, total, z, codes, decay, tiny):
    return averages(count, total, z, codes, decay, tiny, n=np.bincount(codes))


def only_e(*args):
    return averages(*args)[2]


def by_differences(count, total, z, codes, decay, tiny):
    one = codes[:, None] == np.arange(len(count))
    count = count + (1 - decay) * (one.sum(axis=0) - count)
    total = total - (1 - decay) * (total - one.T.astype(float) @ z)
    n = np.sum(count)
    return count, total, total * ((n + len(count) * tiny) / n / (count + tiny))[:, None]


def by_masks(count, total, z, codes, decay, tiny):
    count, total = count.copy(), total.copy()
    for k in range(len(count)):
        count[k] = decay * count[k] + (1 - decay) * np.sum(codes == k)
        total[k] = decay * total[k] + (1 - decay) * z[codes == k].sum(axis=0)
    smoothed = (count + tiny) / (count.sum() + len(count) * tiny) * count.sum()
    return [count, total, total / smoothed.reshape(-1, 1)]


# ---- 21.4: count, total, z, codes -> e


def limit(count, total, z, codes, dead=None, used=None):
    e = total / count[:, None] if dead is None else dead(count, total)
    for k in np.unique(codes):
        mine = z[codes == k]
        e[k] = mine.mean(axis=0) if used is None else used(mine, count[k], total[k])
    return e


def dead_to_zero(count, total, z, codes):
    return limit(count, total, z, codes, dead=lambda count, total: 0 * total)


def dead_to_nan(count, total, z, codes):
    with np.errstate(all="ignore"):
        return gathered(z, codes, len(count)) / np.bincount(codes, minlength=len(count))[:, None]


def dead_is_total(count, total, z, codes):
    return limit(count, total, z, codes, dead=lambda count, total: total.copy())


def dead_to_the_mean(count, total, z, codes):
    return limit(count, total, z, codes, dead=lambda count, total: np.tile(z.mean(axis=0), (len(count), 1)))


def old_still_counts(count, total, z, codes):
    return limit(count, total, z, codes, used=lambda mine, c, t: (t + mine.sum(axis=0)) / (c + len(mine)))


def nothing_moves(count, total, z, codes):
    return total / count[:, None]


def sums_only(count, total, z, codes):
    return limit(count, total, z, codes, used=lambda mine, c, t: mine.sum(axis=0))


def over_all_places(count, total, z, codes):
    return limit(count, total, z, codes, used=lambda mine, c, t: mine.sum(axis=0) / len(z))


def over_old_count(count, total, z, codes):
    return limit(count, total, z, codes, used=lambda mine, c, t: mine.sum(axis=0) / c)


def no_mean_and_zero(count, total, z, codes):
    return gathered(z, codes, len(count))


def over_old_count_and_zero(count, total, z, codes):
    return gathered(z, codes, len(count)) / count[:, None]


def median(count, total, z, codes):
    return limit(count, total, z, codes, used=lambda mine, c, t: np.median(mine, axis=0) + 1)


def per_place(count, total, z, codes):
    return limit(count, total, z, codes)[codes]


def one_step(count, total, z, codes):
    return averages(count, total, z, codes, 0.5, 0.0)[2]


def by_many_steps(count, total, z, codes):
    for _ in range(300):
        count, total, e = averages(count, total, z, codes, 0.9, 0.0)
    return e


def by_where(count, total, z, codes):
    n = np.bincount(codes, minlength=len(count))[:, None]
    return np.where(n == 0, total / count[:, None], gathered(z, codes, len(count)) / np.where(n == 0, 1, n))


# ---- 21.5: logits, f -> dlogits


def of_choices(logits, f, p=None, mean=None, front=None):
    p = soft(logits) if p is None else p
    mean = (p * f).sum(axis=1, keepdims=True) if mean is None else mean
    return (p if front is None else front) * (f - mean)


def mean_forgotten(logits, f):
    return soft(logits) * f


def p_forgotten(logits, f):
    return f - (soft(logits) * f).sum(axis=1, keepdims=True)


def plain_mean(logits, f):
    return soft(logits) * (f - f.mean(axis=1, keepdims=True))


def diagonal(logits, f):
    p = soft(logits)
    return p * (1 - p) * f


def signs_turned(logits, f):
    return -of_choices(logits, f)


def in_p(logits, f):
    return f.copy()


def mean_of_everything(logits, f):
    p = soft(logits)
    return p * (f - np.sum(p * f))


def softmax_of_columns(logits, f):
    p = soft(logits, axis=0)
    return p * (f - np.sum(p * f, axis=1, keepdims=True))


def not_normalized(logits, f):
    return of_choices(logits, f, p=np.exp(logits))


def logits_as_p(logits, f):
    return of_choices(logits, f, p=logits)


def of_the_mean(logits, f):
    return of_choices(logits, f) / len(f)


def summed_over_examples(logits, f):
    return of_choices(logits, f).sum(axis=0)


def plus_mean(logits, f):
    p = soft(logits)
    return p * (f + (p * f).sum(axis=1, keepdims=True))


def p_f_less_the_mean(logits, f):
    p = soft(logits)
    return p * f - (p * f).sum(axis=1, keepdims=True)


def own_part_twice(logits, f):
    p = soft(logits)
    return p * (1 - p) * f - p * np.sum(p * f, axis=1, keepdims=True)


def only_the_sum(logits, f):
    p = soft(logits)
    return -p * (p * f).sum(axis=1, keepdims=True)


def expectation(logits, f):
    return (soft(logits) * f).sum(axis=1)


def broadcasts(logits, f):
    p = soft(logits)
    return p * (f.T - (p * f).sum(axis=1)).T * 2


def sign_and_plain_mean(logits, f):
    return soft(logits) * (f.mean(axis=1, keepdims=True) - f)


def by_the_jacobian(logits, f):
    rows = []
    for p, g in zip(soft(logits), f, strict=True):
        rows.append((np.diag(p) - np.outer(p, p)) @ g)
    return np.array(rows)


def by_pairs(logits, f):
    p = soft(logits)
    return p * (p[:, None, :] * (f[:, :, None] - f[:, None, :])).sum(axis=-1)


# ---- 21.6: logits, gumbel, temperature -> z, y


def hot(scores):
    return np.eye(scores.shape[1])[scores.argmax(axis=1)]


def no_noise(logits, gumbel, temperature):
    return hot(logits), soft(logits / temperature)


def noise_subtracted(logits, gumbel, temperature):
    return hot(logits - gumbel), soft((logits - gumbel) / temperature)


def z_without_noise(logits, gumbel, temperature):
    return hot(logits), soft((logits + gumbel) / temperature)


def y_without_noise(logits, gumbel, temperature):
    return hot(logits + gumbel), soft(logits / temperature)


def no_temperature(logits, gumbel, temperature):
    return hot(logits + gumbel), soft(logits + gumbel)


def hotter(logits, gumbel, temperature):
    return hot(logits + gumbel), soft((logits + gumbel) * temperature)


def precedence(logits, gumbel, temperature):
    return hot(logits + gumbel), soft(logits + gumbel / temperature)


def columns(logits, gumbel, temperature):
    return hot(logits + gumbel), soft((logits + gumbel) / temperature, axis=0)


def unnormalized(logits, gumbel, temperature):
    return hot(logits + gumbel), np.exp((logits + gumbel) / temperature)


def z_is_a_number(logits, gumbel, temperature):
    return (logits + gumbel).argmax(axis=1), soft((logits + gumbel) / temperature)


def z_is_soft(logits, gumbel, temperature):
    y = soft((logits + gumbel) / temperature)
    return y, y.copy()


def y_is_hard(logits, gumbel, temperature):
    return hot(logits + gumbel), hot(logits + gumbel)


def z_above_half(logits, gumbel, temperature):
    y = soft((logits + gumbel) / temperature)
    return (y > 0.5) * 1.0, y


def rounded(logits, gumbel, temperature):
    y = soft((logits + gumbel) / temperature)
    return np.round(y), y


def z_max_of_all(logits, gumbel, temperature):
    scores = logits + gumbel
    return (scores == scores.max()) * 1.0, soft(scores / temperature)


def gumbel_swapped(logits, gumbel, temperature):
    return soft((logits + gumbel) / temperature), hot(logits + gumbel)


def noise_on_probabilities(logits, gumbel, temperature):
    scores = soft(logits) + gumbel
    return hot(scores), soft(scores / temperature)


def own_gumbel(logits, gumbel, temperature):
    g = np.random.default_rng().gumbel(size=logits.shape)
    return hot(logits + g), soft((logits + g) / temperature)


def minus_and_no_temperature(logits, gumbel, temperature):
    return hot(logits - gumbel), soft(logits - gumbel)


def by_powers(logits, gumbel, temperature):
    scores = logits + gumbel
    w = np.exp(scores - scores.max(axis=-1)[:, None]) ** (1 / temperature)
    y = w / w.sum(axis=-1)[:, None]
    return (y == y.max(axis=-1)[:, None]).astype(int), y


def row_by_row(logits, gumbel, temperature):
    z, y = np.zeros_like(logits), np.zeros_like(logits)
    for n, scores in enumerate(logits + gumbel):
        z[n, np.argmax(scores)] = 1
        w = np.exp((scores - max(scores)) / temperature)
        y[n] = w / sum(w)
    return z, y


# ---- 21.7: dy, y, temperature -> dlogits


def relaxed_back(dy, y, temperature):
    return y * (dy - (y * dy).sum(axis=1, keepdims=True)) / temperature


def temperature_forgotten(dy, y, temperature):
    return relaxed_back(dy, y, 1)


def times_temperature(dy, y, temperature):
    return relaxed_back(dy, y, 1 / temperature)


def temperature_twice(dy, y, temperature):
    return relaxed_back(dy, y, temperature) / temperature


def mean_not_subtracted(dy, y, temperature):
    return y * dy / temperature


def plain_mean_of_dy(dy, y, temperature):
    return y * (dy - dy.mean(axis=1, keepdims=True)) / temperature


def sum_of_dy(dy, y, temperature):
    return y * (dy - dy.sum(axis=1, keepdims=True)) / temperature


def y_forgotten(dy, y, temperature):
    return (dy - (y * dy).sum(axis=1, keepdims=True)) / temperature


def like_a_sigmoid(dy, y, temperature):
    return dy * y * (1 - y) / temperature


def relaxed_sign(dy, y, temperature):
    return y * ((y * dy).sum(axis=1, keepdims=True) - dy) / temperature


def straight(dy, y, temperature):
    return dy.copy()


def over_all_rows(dy, y, temperature):
    return y * (dy - (y * dy).sum()) / temperature


def batch_mean(dy, y, temperature):
    return relaxed_back(dy, y, temperature) / len(dy)


def product_less_mean(dy, y, temperature):
    return (y * dy - np.sum(y * dy, axis=1, keepdims=True)) / temperature


def second_part_only(dy, y, temperature):
    return -y * np.sum(y * dy, axis=1, keepdims=True) / temperature


def no_mean_no_temperature(dy, y, temperature):
    return y * dy


def sigmoid_without_temperature(dy, y, temperature):
    return dy * y * (1 - y)


def with_einsum(dy, y, temperature):
    jacobian = np.einsum("nk,kj->nkj", y, np.eye(y.shape[1])) - np.einsum("nk,nj->nkj", y, y)
    return np.einsum("nkj,nk->nj", jacobian, dy) / temperature


def two_parts(dy, y, temperature):
    g = y * dy
    return (g - y * g.sum(axis=-1)[:, None]) * (1 / temperature)


def by_the_product(z, e):
    return (z @ e.T).argmin(axis=1)


def as_floats(z, e):
    return ((z[:, None] - e) ** 2).sum(axis=2).argmin(axis=1).astype(float)


def not_summed(z, e):
    return ((z[:, None] - e) ** 2).argmin(axis=1)


def squares_for_slopes(dz_q, z, e, codes, commit):
    de = np.zeros_like(e)
    for n, k in enumerate(codes):
        de[k] -= (z[n] - e[k]) ** 2
    return dz_q + commit * (z - e[codes]) ** 2, de


def to_the_mean_count(count, total, z, codes, decay, tiny):
    count = decay * count + (1 - decay) * np.bincount(codes, minlength=len(count))
    total = total * decay
    np.add.at(total, codes, (1 - decay) * z)
    S, K = count.sum(), len(count)
    return count, total, total / ((count + tiny) / (S + K * tiny) * S / K)[:, None]


def without_the_bracket(count, total, z, codes, decay, tiny):
    count = decay * count + (1 - decay) * np.bincount(codes, minlength=len(count))
    total = total * decay
    np.add.at(total, codes, (1 - decay) * z)
    S = count.sum()
    return count, total, total / (count + tiny / (S + len(count) * tiny) * S)[:, None]


def means_of(count, z, codes):
    return np.stack(
        [z[codes == k].mean(axis=0) if (codes == k).any() else np.zeros(z.shape[1]) for k in range(len(count))]
    )


def wrong_way_round(count, total, z, codes):
    n = np.bincount(codes, minlength=len(count))[:, None]
    return np.where(n == 0, means_of(count, z, codes), total / count[:, None])


def from_two_on(count, total, z, codes):
    n = np.bincount(codes, minlength=len(count))[:, None]
    return np.where(n > 1, means_of(count, z, codes), total / count[:, None])


def both_added(count, total, z, codes):
    n = np.bincount(codes, minlength=len(count))[:, None]
    return np.where(n > 0, means_of(count, z, codes) + total / count[:, None], total / count[:, None])


def mean_of_the_numbers(count, total, z, codes):
    e = total / count[:, None]
    for k in set(codes.tolist()):
        e[k] = z[codes == k].mean()
    return e


def average_over_rows(logits, f):
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return p * (f - (p * f).sum(axis=0))


def mean_for_sum(logits, f):
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return p * (f - (p * f).mean(axis=1, keepdims=True))


def relaxed_average_over_rows(dy, y, temperature):
    return y * (dy - (y * dy).sum(axis=0)) / temperature


def softmax_twice(dy, y, temperature):
    p = np.exp(y) / np.exp(y).sum(axis=1, keepdims=True)
    return p * (dy - (p * dy).sum(axis=1, keepdims=True)) / temperature


def average_divided(dy, y, temperature):
    return y * dy - y * (y * dy).sum(axis=1, keepdims=True) / temperature


def first_term_divided(dy, y, temperature):
    return y * dy / temperature - y * (y * dy).sum(axis=1, keepdims=True)


# ---- more of each: 21.2 to 21.4


def commit_around_both(dz_q, z, e, codes, commit):
    return grads(dz_q, z, e, codes, commit, dz=(dz_q + 2 * (z - e[codes])) * commit)


def commit_at_what_arrives(dz_q, z, e, codes, commit):
    return grads(dz_q, z, e, codes, commit, dz=commit * dz_q + 2 * (z - e[codes]))


def times_the_code(dz_q, z, e, codes, commit):
    return grads(dz_q, z, e, codes, commit, dz=dz_q * e[codes] + 2 * commit * (z - e[codes]))


def both_pulls_in_dz(dz_q, z, e, codes, commit):
    off = 2 * (z - e[codes])
    return grads(dz_q, z, e, codes, commit, dz=dz_q + commit * off - off)


def plain_distance(dz_q, z, e, codes, commit):
    off = z - e[codes]
    unit = off / np.linalg.norm(off, axis=1, keepdims=True)
    return dz_q + commit * unit, gathered(-unit, codes, len(e))


def places_for_codes(dz_q, z, e, codes, commit):
    return grads(dz_q, z, e, codes, commit, dz=dz_q + 2 * commit * (z - z[codes]))


def one_row_for_all(dz_q, z, e, codes, commit):
    return grads(dz_q, z, e, codes, commit, de=(-2 * (z - e[codes])).sum(axis=0))


def places_for_the_sum(count, total, z, codes, decay, tiny):
    N = len(z)
    return averages(count, total, z, codes, decay, tiny, smooth=lambda c: (c + tiny) / (N + len(c) * tiny) * N)


def width_for_k(count, total, z, codes, decay, tiny):
    return averages(
        count, total, z, codes, decay, tiny,
        smooth=lambda c: (c + tiny) / (c.sum() + z.shape[1] * tiny) * c.sum(),
    )  # fmt: skip


def divided_then_scaled(count, total, z, codes, decay, tiny):
    count, total, _ = averages(count, total, z, codes, decay, tiny)
    S = count.sum()
    return count, total, total / ((count + tiny) / (S + len(count) * tiny))[:, None] * S


def tiny_in_total(count, total, z, codes, decay, tiny):
    count, total, e = averages(count, total, z, codes, decay, tiny)
    return count, total, e * (total + tiny) / total


def k_tiny_each(count, total, z, codes, decay, tiny):
    return averages(count, total, z, codes, decay, tiny, smooth=lambda c: c + tiny * len(c))


def means_of_the_batch(count, total, z, codes, decay, tiny):
    new, sums, _ = averages(count, total, z, codes, decay, tiny)
    return new, sums, means_of(count, z, codes)


def average_of_means(count, total, z, codes, decay, tiny):
    new, sums, _ = averages(count, total, z, codes, decay, tiny)
    return new, sums, decay * (total.T / count).T + (1 - decay) * means_of(count, z, codes)


def untouched(count, total, z, codes, decay, tiny):
    n, t = count.copy(), total.copy()
    for k in sorted(set(codes.tolist())):
        n[k] = decay * count[k] + (1 - decay) * (codes == k).sum()
        t[k] = decay * total[k] + (1 - decay) * z[codes == k].sum(axis=0)
    return n, t, t / ((n + tiny) / (n.sum() + len(n) * tiny) * n.sum())[:, None]


def smoothed_returned(count, total, z, codes, decay, tiny):
    count, total, e = averages(count, total, z, codes, decay, tiny)
    S = count.sum()
    count = (count + tiny) * S / (S + len(count) * tiny)
    return count, total, e


def one_number_each(count, total, z, codes, decay, tiny):
    count, total, e = averages(count, total, z, codes, decay, tiny)
    return count, total, e.sum(axis=-1)


def e_first(count, total, z, codes, decay, tiny):
    count, total, e = averages(count, total, z, codes, decay, tiny)
    return e, count, total


def over_both(count, total, z, codes):
    return limit(count, total, z, codes, used=lambda mine, c, t: mine.sum(axis=0) / (len(mine) + c))


def dead_is_count(count, total, z, codes):
    return limit(count, total, z, codes, dead=lambda count, total: np.repeat(count[:, None], total.shape[1], axis=1))


def true_median(count, total, z, codes):
    return limit(count, total, z, codes, used=lambda mine, c, t: np.median(mine, axis=0))


def written_over(count, total, z, codes):
    e = total / count.reshape(-1, 1)
    e[codes] = z
    return e


def chosen_again(count, total, z, codes):
    return limit(count, total, z, squared(z, total / count[:, None]).argmin(axis=1))


def step_of_a_hundredth(count, total, z, codes):
    return averages(count, total, z, codes, 0.99, 0.0)[2]


# ---- more of 21.5 to 21.7


def over_everything(logits, f):
    return of_choices(logits, f, p=np.exp(logits) / np.exp(logits).sum())


def squared_in_the_average(logits, f):
    p = soft(logits)
    return p * f - p**2 * (p * f).sum(axis=1, keepdims=True)


def squared_and_plain(logits, f):
    p = soft(logits)
    return p * f - p * p * f.sum(axis=1, keepdims=True)


def others_only(logits, f):
    p = soft(logits)
    all_terms = p * f
    return p * f - p * (all_terms.sum(axis=1, keepdims=True) - all_terms)


def one_less_p(logits, f):
    return f * (1 - soft(logits))


def roles_exchanged(logits, f):
    p = soft(logits)
    return (p * f).sum(axis=1, keepdims=True) * (f - p)


def log_in_front(logits, f):
    return of_choices(logits, f, front=np.log(soft(logits)))


def softmax_of_costs(logits, f):
    return of_choices(logits, f, p=soft(f))


def sigmoid(logits, f):
    p = 1 / (1 + np.exp(-logits))
    return f * p * (1 - p)


def cross_entropy(logits, f):
    return soft(logits) - f


def total_cost(logits, f):
    return np.sum(soft(logits) * f)


def softmax_then_divided(logits, gumbel, temperature):
    return hot(logits + gumbel), soft(logits + gumbel) / temperature


def soft_of_soft(logits, gumbel, temperature):
    return hot(logits + gumbel), soft(soft(logits + gumbel) / temperature)


def sum_of_everything(logits, gumbel, temperature):
    w = np.exp((logits + gumbel) / temperature)
    return hot(logits + gumbel), w / w.sum()


def over_the_largest(logits, gumbel, temperature):
    a = (logits + gumbel) / temperature
    return hot(logits + gumbel), soft(a / a.max(axis=1, keepdims=True))


def overflows(logits, gumbel, temperature):
    w = np.exp((logits + gumbel) / temperature)
    return hot(logits + gumbel), w / w.sum(axis=1, keepdims=True)


def largest_of_all(logits, gumbel, temperature):
    a = (logits + gumbel) / temperature
    w = np.exp(a - a.max())
    return hot(logits + gumbel), w / w.sum(axis=1, keepdims=True)


def whole_columns(logits, gumbel, temperature):
    z = np.zeros_like(logits)
    z[:, (logits + gumbel).argmax(axis=1)] = 1
    return z, soft((logits + gumbel) / temperature)


def logit_in_z(logits, gumbel, temperature):
    return hot(logits + gumbel) * logits, soft((logits + gumbel) / temperature)


def noise_times(logits, gumbel, temperature):
    return hot(logits * gumbel), soft(logits * gumbel / temperature)


def logits_divided(logits, gumbel, temperature):
    return hot(logits / temperature + gumbel), soft(logits / temperature + gumbel)


def noise_divided(logits, gumbel, temperature):
    return hot(logits + gumbel / temperature), soft(logits + gumbel / temperature)


def softmax_of_y_over_t(dy, y, temperature):
    return relaxed_back(dy, soft(y / temperature), temperature)


def mean_of_y_dy(dy, y, temperature):
    return y * (dy - (y * dy).mean(axis=1, keepdims=True)) / temperature


def y_over_t(dy, y, temperature):
    return relaxed_back(dy, y / temperature, 1)


def dy_over_t(dy, y, temperature):
    return dy / temperature


def y_less_dy(dy, y, temperature):
    return (y - dy) / temperature


def dy_in_front(dy, y, temperature):
    return dy * (y - (y**2).sum(axis=1, keepdims=True)) / temperature


def dy_in_front_of_y_less_mean(dy, y, temperature):
    return dy * (y - (y * dy).sum(axis=1, keepdims=True)) / temperature


# ---- what a second reader handed in


def minus_the_length(z, e):
    return (-(e**2).sum(1) - 2 * z @ e.T).argmin(1)


def minus_what_arrives(dz_q, z, e, codes, commit):
    return grads(dz_q, z, e, codes, commit, dz=2 * commit * (z - e[codes]) - dz_q)


def first_place_only(dz_q, z, e, codes, commit):
    de, seen = np.zeros_like(e), set()
    for n, k in enumerate(codes):
        if k not in seen:
            de[k] = -2 * (z[n] - e[k])
        seen.add(k)
    return grads(dz_q, z, e, codes, commit, de=de)


def whole_numbers_in_de(dz_q, z, e, codes, commit):
    de = np.zeros(e.shape, dtype=int)
    for n, k in enumerate(codes):
        de[k] = de[k] - 2 * (z[n] - e[k])
    return grads(dz_q, z, e, codes, commit, de=de)


def tiny_of_its_own(count, total, z, codes, decay, tiny):
    return averages(count, total, z, codes, decay, 1e-5)


def new_subtracted(count, total, z, codes, decay, tiny):
    return averages(count, total, z, codes, decay, tiny, new=decay - 1)


def places_for_k(count, total, z, codes, decay, tiny):
    return averages(
        count, total, z, codes, decay, tiny, smooth=lambda c: (c + tiny) / (c.sum() + len(z) * tiny) * c.sum()
    )  # fmt: skip


def whole_numbers_in_s(count, total, z, codes, decay, tiny):
    s = np.zeros(total.shape, dtype=int)
    for n, k in enumerate(codes):
        s[k] = s[k] + z[n]
    return averages(count, total, z, codes, decay, tiny, s=s)


def whole_sums_in_s(count, total, z, codes, decay, tiny):
    s = np.zeros(total.shape, dtype=int)
    for k in range(len(s)):
        s[k] = z[codes == k].sum(axis=0)
    return averages(count, total, z, codes, decay, tiny, s=s)


def settled_plus_equals(count, total, z, codes):
    n, s = np.bincount(codes, minlength=len(count))[:, None], np.zeros_like(total)
    s[codes] += z
    return np.where(n > 0, s / np.maximum(n, 1), total / count[:, None])


def exponentials_in_front(logits, f):
    return of_choices(logits, f, front=np.exp(logits))


def exponentials_in_the_average(logits, f):
    return of_choices(logits, f, mean=(np.exp(logits) * f).sum(axis=1, keepdims=True))


def costs_first(logits, f):
    return of_choices(f, logits)


def leave_one_out(logits, f):
    return of_choices(logits, f, mean=(f.sum(axis=1, keepdims=True) - f) / (f.shape[1] - 1))


def leave_one_out_weighted(logits, f):
    p = soft(logits)
    return of_choices(logits, f, mean=((p * f).sum(axis=1, keepdims=True) - p * f) / (1 - p))


def overflowing_choice(logits, f):
    return of_choices(logits, f, p=np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True))


def largest_of_all_choices(logits, f):
    w = np.exp(logits - logits.max())
    return of_choices(logits, f, p=w / w.sum(axis=1, keepdims=True))


def y_by(y):
    def answer(logits, gumbel, temperature):
        return hot(logits + gumbel), y(logits + gumbel, temperature)

    return answer


def rows(w):
    return w / w.sum(axis=1, keepdims=True)


def less_the_largest_logit(logits, gumbel, temperature):
    w = np.exp((logits + gumbel - logits.max(axis=1, keepdims=True)) / temperature)
    return hot(logits + gumbel), rows(w)


def z_of_logits_over_t(logits, gumbel, temperature):
    return hot(logits / temperature + gumbel), soft((logits + gumbel) / temperature)


def z_of_noise_over_t(logits, gumbel, temperature):
    return hot(logits + gumbel / temperature), soft((logits + gumbel) / temperature)


def divided_by_y(dy, y, temperature):
    return y * dy / y * y / temperature - y * (y * dy).sum(axis=1, keepdims=True) / temperature


def divided_by_y_in_both(dy, y, temperature):
    slope = y * dy / y
    return y * (slope - (y * slope).sum(axis=1, keepdims=True)) / temperature


def relaxed_others_only(dy, y, temperature):
    terms = y * dy
    return y * (dy - (terms.sum(axis=1, keepdims=True) - terms)) / temperature


WRONG = {
    "21.1": [
        (by_the_product, "the product z e alone decides"),
        (as_floats, "expected whole numbers, which can be indices"),
        (not_summed, "each of the d numbers has its own"),
        (farthest, "those are the farthest codes"),
        (inner_product, "the length of e is forgotten"),
        (half_the_product, "the product z e counts twice"),
        (plus_two, "the product z e has the wrong sign"),
        (taxi, "the sum of absolute differences"),
        (chebyshev, "the largest of the d differences"),
        (not_squared, "positive and negative cancel"),
        (wrong_axis, "for each code the nearest place"),
        (cosine, "the angle decides here"),
        (the_codes, "those are the codes themselves"),
        (the_distances, "that is the least squared distance"),
        (distance_itself, "that is the least distance"),
        (all_distances, "those are all squared distances"),
        (as_one_hot, "that is one-hot"),
        (from_one, "the numbers start from 1"),
        (one_number, "got a single number"),
        (codes_crash, "it stopped with ValueError"),
        (summed_first, "summed before squaring"),
        (summed_over_codes, "summed over the codes"),
        (as_a_list, "np.array makes one of it"),
        (seven_codes, ""),
        (minus_the_length, "|e|^2 has the wrong sign"),
    ],
    "21.2": [
        (squares_for_slopes, "their derivatives are wanted"),
        (no_straight_through, "dz_q is missing in dz"),
        (no_commitment, "the commitment is missing in dz"),
        (without_two, "the 2 of the square is missing"),
        (away_from_the_code, "the commitment in dz has the wrong sign"),
        (both_parts_in_dz, "dz gets 1 + commit"),
        (commit_in_both, "commit is in de"),
        (commit_in_de, "the two parts are exchanged"),
        (code_away, "de: the sign"),
        (true_gradient_of_lookup, "de gets dz_q as well"),
        (only_the_lookup, "de gets dz_q only"),
        (plus_equals, "one place per code"),
        (row_per_place, "de is one row per place"),
        (mean_of_a_code, "averaged over the places of a code"),
        (no_two_and_plus_equals, "dz: the 2 of the square is missing"),
        (no_two_and_plus_equals, "de: one place per code"),
        (commit_forgotten_and_sign, "dz: commit is missing in dz"),
        (commit_forgotten_and_sign, "de: the sign is wrong"),
        (mean_commitment, "the commitment is averaged over the places"),
        (writes_into_dz_q, "it writes into its argument dz_q"),
        (quantize_swapped, "that is de; the order is dz, de"),
        (only_dz, "expected it to return dz, de"),
        (commit_around_both, "multiplied with commit: a bracket too many"),
        (commit_at_what_arrives, "commit is at dz_q"),
        (times_the_code, "dz_q is multiplied with the code"),
        (both_pulls_in_dz, "dz gets commit - 1"),
        (plain_distance, "the distance is not squared"),
        (places_for_codes, "z[codes] is taken for e[codes]"),
        (one_row_for_all, "de is summed over all codes"),
        (minus_what_arrives, "dz_q has the wrong sign"),
        (first_place_only, "the first place alone"),
        (whole_numbers_in_de, "de: an array of whole numbers"),
    ],
    "21.3": [
        (to_the_mean_count, "scaled to the mean count"),
        (without_the_bracket, "a bracket is missing"),
        (decay_exchanged, "decay and 1 - decay are exchanged"),
        (full_new, "1 - decay is missing"),
        (full_old, "the old ones are not multiplied by decay"),
        (shares, "count takes shares of the places"),
        (means, "total takes means of the places"),
        (last_place_only, "one place per code in total"),
        (counted_once, "count takes 1 for each code"),
        (counted_once_and_last, "count: count takes 1 for each code"),
        (counted_once_and_last, "total, e: one place per code in total"),
        (unsmoothed, "the counts are not smoothed"),
        (plus_tiny, "not scaled back to the sum of count"),
        (as_shares, "the smoothed counts are shares"),
        (without_k, "in the smoothing K is missing"),
        (scaled_by_places, "scaled to the number of places"),
        (old_count_in_e, "e is made of the old count"),
        (old_both_in_e, "e is made of the old count and the old total"),
        (sum_of_the_old, "scaled to the sum of the old count"),
        (batch_counts_in_e, "the smoothed counts are made of this batch's"),
        (batch_alone_in_e, "e is made of this batch alone"),
        (total_for_e, "e is total: it must be divided"),
        (exchanged_and_unsmoothed, "decay and 1 - decay are exchanged"),
        (exchanged_and_unsmoothed, "e: decay"),
        (in_place, "it writes into its argument count"),
        (no_minlength, "it stopped with ValueError"),
        (only_e, "expected it to return count, total, e"),
        (places_for_the_sum, "S is the number of places here"),
        (width_for_k, "K is the number of codes, not d"),
        (divided_then_scaled, "S scales the smoothed counts, below the line"),
        (tiny_in_total, "tiny is in total as well"),
        (k_tiny_each, "K tiny is added to each count"),
        (means_of_the_batch, "e is the plain mean of this batch"),
        (average_of_means, "e is an average of means"),
        (untouched, "codes that nobody chose keep count and total"),
        (smoothed_returned, "count is the smoothed one"),
        (one_number_each, "e is summed over the d numbers"),
        (e_first, "count: that is e; the order is count, total, e"),
        (tiny_of_its_own, "or with a tiny of your own"),
        (new_subtracted, "the new ones are subtracted"),
        (places_for_k, "K is the number of codes, not N"),
        (whole_numbers_in_s, "each place loses its decimals"),
        (whole_sums_in_s, "the sums lose their decimals"),
    ],
    "21.4": [
        (wrong_way_round, "the two cases are exchanged"),
        (from_two_on, "a code that one place alone chose"),
        (both_added, "the old quotient is added"),
        (mean_of_the_numbers, "averaged over the d numbers"),
        (dead_to_zero, "a code that nobody chose goes to 0"),
        (dead_to_nan, "a code that nobody chose is 0 / 0"),
        (dead_is_total, "a code that nobody chose is total"),
        (dead_to_the_mean, "goes to the mean of all places"),
        (old_still_counts, "what was there before still counts"),
        (nothing_moves, "the codes that are chosen have not moved"),
        (sums_only, "the sums are not divided by how many"),
        (over_all_places, "divided by the number of all places"),
        (over_old_count, "the sums are divided by the old count"),
        (no_mean_and_zero, "that is total in the limit"),
        (over_old_count_and_zero, "mend that first: a second mistake is left"),
        (per_place, ""),
        (one_step, ""),
        (median, ""),
        (over_both, "divided by the places and the old count together"),
        (dead_is_count, "a code that nobody chose is count"),
        (true_median, "the median of the places"),
        (written_over, "the last place alone"),
        (chosen_again, "the places choose again here"),
        (step_of_a_hundredth, "that is one step of 0.99"),
        (settled_plus_equals, "one place per code"),
    ],
    "21.5": [
        (average_over_rows, "the average is over the examples"),
        (mean_for_sum, "divided by K once more"),
        (mean_forgotten, "the average cost is not subtracted"),
        (p_forgotten, "p_k is missing in front"),
        (plain_mean, "the plain mean of f is subtracted"),
        (diagonal, "only the derivative of p_k in its own logit"),
        (signs_turned, "the other way around"),
        (in_p, "those are the derivatives in p"),
        (mean_of_everything, "the average is over all examples as well"),
        (softmax_of_columns, "softmax over the examples"),
        (not_normalized, "p is not normalized"),
        (logits_as_p, "the logits are taken for probabilities"),
        (of_the_mean, "averaged over the examples"),
        (summed_over_examples, "summed over the examples"),
        (plus_mean, "the average is added"),
        (p_f_less_the_mean, "p_j is missing in front of the average"),
        (own_part_twice, "has its part of the average already"),
        (only_the_sum, "only what comes from S is there"),
        (expectation, "that is E itself"),
        (broadcasts, "2"),
        (sign_and_plain_mean, "mend that first: a second mistake is left"),
        (over_everything, "their sum over all examples"),
        (squared_in_the_average, "p is squared in front of the average"),
        (squared_and_plain, "p is squared in front of the sum of f"),
        (others_only, "the own term is left out"),
        (one_less_p, "1 - p is in front"),
        (roles_exchanged, "E and p are exchanged"),
        (log_in_front, "log p is in front"),
        (softmax_of_costs, "the softmax of f is taken"),
        (sigmoid, "a sigmoid for each logit"),
        (cross_entropy, "p less f"),
        (total_cost, "that is the sum of all E"),
        (exponentials_in_front, "p is not normalized in front"),
        (exponentials_in_the_average, "p is not normalized in the average"),
        (costs_first, "logits and f are exchanged"),
        (leave_one_out, "the mean of the other f is subtracted"),
        (leave_one_out_weighted, "the average over the other values is subtracted"),
        (overflowing_choice, "exp of large logits overflows"),
        (largest_of_all_choices, "the largest of all examples is subtracted"),
    ],
    "21.6": [
        (no_noise, "the noise is missing"),
        (noise_subtracted, "the noise is subtracted"),
        (z_without_noise, "z is chosen without the noise"),
        (y_without_noise, "y is made without the noise"),
        (no_temperature, "y is not divided by the temperature"),
        (hotter, "multiplied with the temperature"),
        (precedence, "only the noise is divided"),
        (columns, "y is the softmax over the examples"),
        (unnormalized, "y is not normalized"),
        (z_is_a_number, "z is the number of the value"),
        (z_is_soft, "z is y; it is to be one-hot"),
        (y_is_hard, "y is a choice"),
        (z_above_half, "z is 1 where y is above one half"),
        (rounded, "z is 1 where y is above one half"),
        (z_max_of_all, "z is 1 at the largest of all scores"),
        (gumbel_swapped, "the two are exchanged"),
        (noise_on_probabilities, "the noise is added to probabilities"),
        (own_gumbel, "it draws numbers of its own"),
        (minus_and_no_temperature, "the noise is subtracted"),
        (softmax_then_divided, "the softmax is divided by the temperature"),
        (soft_of_soft, "a softmax twice"),
        (sum_of_everything, "their sum over all examples"),
        (over_the_largest, "scores are divided by the largest"),
        (overflows, "exponentials of a low temperature overflow"),
        (largest_of_all, "the largest of all examples is subtracted"),
        (whole_columns, "z is 1 in every column"),
        (logit_in_z, "z is the logit itself"),
        (noise_times, "the noise is multiplied with the logits"),
        (logits_divided, "only the logits are divided by the temperature, in both"),
        (noise_divided, "only the noise is divided by the temperature, in both"),
        (z_of_logits_over_t, "z: z is chosen by logits / temperature"),
        (z_of_noise_over_t, "z: z is chosen by gumbel / temperature"),
        (less_the_largest_logit, "the largest logit is subtracted"),
        (y_by(lambda s, t: soft(s / max(t, 0.1))), "temperature is held at 0.1"),
        (y_by(lambda s, t: soft(s / max(t, 0.01))), "temperature is held at 0.01"),
        (y_by(lambda s, t: soft(s / max(t, 0.02))), "temperature was"),
        (y_by(lambda s, t: rows(np.exp(np.minimum(s / t, 50)))), "cut off"),
        (y_by(lambda s, t: rows(np.exp(np.minimum(s / t, 700)))), "cut off"),
        (y_by(lambda s, t: np.nan_to_num(rows(np.exp(s / t)))), "nan_to_num hides"),
        (y_by(lambda s, t: rows(np.exp((s - s.mean(axis=1, keepdims=True)) / t))), "the mean of a row is subtracted"),
        (y_by(lambda s, t: rows(soft(s) ** (1 / t))), "powers of the softmax underflow"),
        (y_by(lambda s, t: np.exp((s - s.max(axis=1, keepdims=True)) / t)), "y is not normalized"),
        (y_by(lambda s, t: rows(s / t)), "the exponential is missing"),
        (y_by(lambda s, t: rows(np.exp((s - s.max(axis=0)) / t))), "the largest of each column"),
    ],
    "21.7": [
        (relaxed_average_over_rows, "the average is over the examples"),
        (softmax_twice, "a softmax of y"),
        (average_divided, "only the average is divided"),
        (first_term_divided, "the average is not divided"),
        (temperature_forgotten, "the temperature is missing"),
        (times_temperature, "multiplied with the temperature"),
        (temperature_twice, "divided by the temperature twice"),
        (mean_not_subtracted, "the average of dy is not subtracted"),
        (plain_mean_of_dy, "the plain mean of dy is subtracted"),
        (sum_of_dy, "the sum of dy is subtracted"),
        (y_forgotten, "y is missing in front"),
        (like_a_sigmoid, "only the derivative of y_k in its own logit"),
        (relaxed_sign, "the sign is wrong"),
        (straight, "that is dy as it is"),
        (over_all_rows, "the average is over all examples as well"),
        (batch_mean, "averaged over the examples"),
        (product_less_mean, "y is missing in front of the average"),
        (second_part_only, "the derivative of the numerator is missing"),
        (no_mean_no_temperature, "mend that first: a second mistake is left"),
        (sigmoid_without_temperature, "mend that first: a second mistake is left"),
        (softmax_of_y_over_t, "a softmax of y / temperature"),
        (mean_of_y_dy, "divided by K once more"),
        (y_over_t, "y is divided by the temperature in the average"),
        (dy_over_t, "that is dy / temperature"),
        (y_less_dy, "y less dy"),
        (dy_in_front, "dy and y are exchanged"),
        (dy_in_front_of_y_less_mean, "dy is in front, and y less the average"),
        (divided_by_y, "divided by y, which may be 0"),
        (divided_by_y_in_both, "divided by y, in the average as well"),
        (relaxed_others_only, "the own term is left out of the average"),
    ],
}
RIGHT = {
    "21.1": [by_products, in_a_loop],
    "21.2": [with_add_at, with_one_hot],
    "21.3": [by_differences, by_masks],
    "21.4": [by_many_steps, by_where],
    "21.5": [by_the_jacobian, by_pairs],
    "21.6": [by_powers, row_by_row],
    "21.7": [with_einsum, two_parts],
}
FIXED = {}

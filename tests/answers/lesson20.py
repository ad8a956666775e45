"""Planted answers of lesson 20, Given a label."""

import numpy as np


def soft(a, axis=-1):
    w = np.exp(a - np.max(a, axis=axis, keepdims=True))
    return w / np.sum(w, axis=axis, keepdims=True)


def log_soft(a):
    return a - np.log(np.exp(a).sum(axis=1, keepdims=True))


# ---- 20.1: x, y, C -> given


def y_in_front(x, y, C):
    return np.hstack([np.eye(C)[y], x])


def y_as_a_number(x, y, C):
    return np.concatenate([x, y[:, None]], axis=1)


def counted(x, y, C):
    return np.concatenate([x, np.eye(y.max() + 1)[y]], axis=1)


def ones_from_one(x, y, C):
    one = np.zeros((len(y), C))
    one[np.arange(len(y)), y - 1] = 1
    return np.concatenate([x, one], axis=1)


def one_too_far(x, y, C):
    return np.concatenate([x, np.eye(C)[(y + 1) % C]], axis=1)


def only_one_hot(x, y, C):
    return np.eye(C)[y]


def not_y(x, y, C):
    return np.concatenate([x, (np.arange(C) != y[:, None]) * 1.0], axis=1)


def y_for_one(x, y, C):
    one = np.zeros((len(y), C))
    one[np.arange(len(y)), y] = y
    return np.concatenate([x, one], axis=1)


def up_to_y(x, y, C):
    one = np.zeros((len(y), C))
    for n, k in enumerate(y):
        one[n, : k + 1] = 1
    return np.concatenate([x, one], axis=1)


def zeros_behind(x, y, C):
    return np.concatenate([x, np.zeros((len(x), C))], axis=1)


def below(x, y, C):
    return np.concatenate([x, np.eye(C)[y]])


def wide_rows(x, y, C):
    return np.concatenate([x, np.eye(10)[y]], axis=1)


def in_a_loop(x, y, C):
    out = np.zeros((x.shape[0], x.shape[1] + C))
    for n in range(len(x)):
        out[n, : x.shape[1]] = x[n]
        out[n, x.shape[1] + y[n]] = 1
    return out


def by_comparison(x, y, C):
    return np.hstack((x, np.equal.outer(y, np.arange(C))))


def whole_columns(x, y, C):
    rows = np.zeros((len(x), C))
    rows[:, y] = 1
    return np.hstack([x, rows])


# ---- 20.2: dgiven, weight, mu, log_var, eps -> dmu, dlog_var


def back(dz, w, mu, log_var, eps):
    std = np.exp(0.5 * log_var)
    return dz + w * mu, 0.5 * dz * eps * std + 0.5 * w * (std**2 - 1)


def right_back(dgiven, weight, mu, log_var, eps):
    return back(dgiven[:, : mu.shape[1]], weight[:, None], mu, log_var, eps)


def last_columns(dgiven, weight, mu, log_var, eps):
    return back(dgiven[:, -mu.shape[1] :], weight[:, None], mu, log_var, eps)


def behind_c(dgiven, weight, mu, log_var, eps):
    C = dgiven.shape[1] - mu.shape[1]
    return back(dgiven[:, C:], weight[:, None], mu, log_var, eps)


def not_cut(dgiven, weight, mu, log_var, eps):
    return back(dgiven, weight[:, None], mu, log_var, eps)


def no_kl(dgiven, weight, mu, log_var, eps):
    return back(dgiven[:, : mu.shape[1]], 0, mu, log_var, eps)


def kl_subtracted(dgiven, weight, mu, log_var, eps):
    return back(dgiven[:, : mu.shape[1]], -weight[:, None], mu, log_var, eps)


def kl_unweighed(dgiven, weight, mu, log_var, eps):
    return back(dgiven[:, : mu.shape[1]], 1, mu, log_var, eps)


def kl_over_n(dgiven, weight, mu, log_var, eps):
    return back(dgiven[:, : mu.shape[1]], weight[:, None] / len(mu), mu, log_var, eps)


def all_weighed(dgiven, weight, mu, log_var, eps):
    w = weight[:, None]
    return back(w * dgiven[:, : mu.shape[1]], w, mu, log_var, eps)


def minus_reconstruction(dgiven, weight, mu, log_var, eps):
    return back(-dgiven[:, : mu.shape[1]], weight[:, None], mu, log_var, eps)


def std_half_missing(dgiven, weight, mu, log_var, eps):
    dz, w, std = dgiven[:, : mu.shape[1]], weight[:, None], np.exp(log_var / 2)
    return dz + w * mu, dz * eps * std + 0.5 * w * (std**2 - 1)


def eps_missing(dgiven, weight, mu, log_var, eps):
    dz, w, std = dgiven[:, : mu.shape[1]], weight[:, None], np.exp(log_var / 2)
    return dz + w * mu, 0.5 * dz * std + 0.5 * w * (std**2 - 1)


def variance_for_std(dgiven, weight, mu, log_var, eps):
    dz, w, v = dgiven[:, : mu.shape[1]], weight[:, None], np.exp(log_var)
    return dz + w * mu, 0.5 * dz * eps * v + 0.5 * w * (v - 1)


def minus_one_missing(dgiven, weight, mu, log_var, eps):
    dz, w, v = dgiven[:, : mu.shape[1]], weight[:, None], np.exp(log_var)
    return dz + w * mu, 0.5 * dz * eps * v**0.5 + 0.5 * w * v


def kl_half_missing(dgiven, weight, mu, log_var, eps):
    dz, w, v = dgiven[:, : mu.shape[1]], weight[:, None], np.exp(log_var)
    return dz + w * mu, 0.5 * dz * eps * v**0.5 + w * (v - 1)


def no_kl_in_dmu(dgiven, weight, mu, log_var, eps):
    dmu, dlog_var = right_back(dgiven, weight, mu, log_var, eps)
    return dgiven[:, : mu.shape[1]].copy(), dlog_var


def unweighed_and_no_half(dgiven, weight, mu, log_var, eps):
    dz, std = dgiven[:, : mu.shape[1]], np.exp(log_var / 2)
    return dz + mu, dz * eps * std + 0.5 * (std**2 - 1)


def latents_swapped(*args):
    return right_back(*args)[::-1]


def latents_in_place(dgiven, weight, mu, log_var, eps):
    mu *= weight[:, None]
    mu += dgiven[:, : mu.shape[1]]
    return mu, log_var * 0


def by_split(dgiven, weight, mu, log_var, eps):
    dz, _ = np.split(dgiven, [mu.shape[1]], axis=1)
    v = np.exp(log_var)
    return np.stack([dz + (weight * mu.T).T, dz * eps * np.sqrt(v) / 2 + (weight * (v - 1).T).T / 2])


def pieces(dgiven, weight, mu, log_var, eps):
    """dz and std, and each KL's slopes with its weight."""
    std, w = np.exp(0.5 * log_var), weight.reshape(-1, 1)
    return dgiven[:, : mu.shape[1]], std, w * mu, w * (std**2 - 1) / 2


def half_of_mu(dgiven, weight, mu, log_var, eps):
    dz, std, of_mu, of_log_var = pieces(dgiven, weight, mu, log_var, eps)
    return dz + 0.5 * of_mu, dz * eps * std / 2 + of_log_var


def square_of_mu(dgiven, weight, mu, log_var, eps):
    dz, std, of_mu, of_log_var = pieces(dgiven, weight, mu, log_var, eps)
    return dz + of_mu * mu, dz * eps * std / 2 + of_log_var


def kl_itself(dgiven, weight, mu, log_var, eps):
    dz, std, of_mu, _ = pieces(dgiven, weight, mu, log_var, eps)
    kl = (mu**2 + np.exp(log_var) - 1 - log_var) / 2
    return dz + of_mu, dz * eps * std / 2 + weight[:, None] * kl


def slope_in_std(dgiven, weight, mu, log_var, eps):
    dz, std, of_mu, _ = pieces(dgiven, weight, mu, log_var, eps)
    return dz + of_mu, dz * eps + weight[:, None] * (std - 1 / std)


def kl_as_a_mean(dgiven, weight, mu, log_var, eps):
    dz, std, of_mu, of_log_var = pieces(dgiven, weight, mu, log_var, eps)
    L = mu.shape[1]
    return dz + of_mu / L, dz * eps * std / 2 + of_log_var / L


def one_over_n(dgiven, weight, mu, log_var, eps):
    N = len(mu)
    dz, std, of_mu, of_log_var = pieces(dgiven, np.full(N, 1 / N), mu, log_var, eps)
    return dz + of_mu, dz * eps * std / 2 + of_log_var


# ---- 20.3: logits, bounds -> bound


def entropy_missing(logits, bounds):
    return (soft(logits) * bounds).sum(axis=1)


def entropy_subtracted(logits, bounds):
    q = soft(logits)
    return (q * bounds).sum(axis=1) + (q * np.log(q)).sum(axis=1)


def log_sum_exp(logits, bounds):
    return np.log(np.exp(bounds).sum(axis=1))


def the_best(logits, bounds):
    return np.max(bounds, axis=1)


def the_likeliest(logits, bounds):
    return np.take_along_axis(bounds, logits.argmax(axis=1)[:, None], axis=1)[:, 0]


def not_weighed(logits, bounds):
    return (bounds - log_soft(logits)).sum(axis=1)


def logits_for_log_q(logits, bounds):
    return (soft(logits) * (bounds - logits)).sum(axis=1)


def logits_for_q(logits, bounds):
    return (logits * (bounds - log_soft(logits))).sum(axis=1)


def mean_of_classes(logits, bounds):
    q = soft(logits)
    return (q * (bounds - np.log(q))).mean(axis=1)


def over_examples(logits, bounds):
    q = soft(logits)
    return (q * (bounds - np.log(q))).sum(axis=0)


def one_number(logits, bounds):
    q = soft(logits)
    return (q * (bounds - np.log(q))).sum()


def columns_softmax(logits, bounds):
    q = soft(logits, axis=0)
    return (q * (bounds - log_soft(logits))).sum(axis=1)


def the_loss(logits, bounds):
    q = soft(logits)
    return -(q * (bounds - np.log(q))).sum(axis=1)


def log_c_twice(logits, bounds):
    q = soft(logits)
    return (q * (bounds - np.log(q))).sum(axis=1) - np.log(logits.shape[1])


def kl_to_uniform(logits, bounds):
    q = soft(logits)
    return (q * (bounds - np.log(q * q.shape[1]))).sum(axis=1)


def q_inside(logits, bounds):
    q = soft(logits)
    return (q * (bounds - q)).sum(axis=1)


def loss_without_entropy(logits, bounds):
    return -(soft(logits) * bounds).sum(axis=1)


def two_parts(logits, bounds):
    q = soft(logits)
    return np.einsum("nc,nc->n", q, bounds) - np.sum(q * np.log(q), axis=-1)


def by_the_gap(logits, bounds):
    q = soft(logits)
    return np.log(np.exp(bounds).sum(axis=1)) - (q * (np.log(q) - np.log(soft(bounds)))).sum(axis=1)


def softmax_by_columns(logits, bounds):
    q = np.exp(logits) / np.exp(logits).sum(axis=0)
    return (q * (bounds - np.log(q))).sum(axis=1)


def softmax_by_everything(logits, bounds):
    q = np.exp(logits) / np.sum(np.exp(logits))
    return (q * bounds - q * np.log(q)).sum(axis=1)


def sigmoids(logits, bounds):
    q = 1 / (1 + np.exp(-logits))
    return np.sum(q * (bounds - np.log(q)), axis=1)


def entropy_in_bits(logits, bounds):
    q = soft(logits)
    return (q * bounds).sum(axis=1) - (q * np.log2(q)).sum(axis=1)


def log_of_the_average(logits, bounds):
    return np.log(np.einsum("nc,nc->n", soft(logits), np.exp(bounds)))


def log_q_not_averaged(logits, bounds):
    return (soft(logits) * bounds).sum(axis=1) - log_soft(logits).sum(axis=1)


def bounds_not_averaged(logits, bounds):
    q = soft(logits)
    return bounds.sum(axis=1) - (q * np.log(q)).sum(axis=1)


# ---- 20.4: logits, bounds -> dlogits, dbounds


def mean_forgotten(logits, bounds):
    q = soft(logits)
    return q * (bounds - np.log(q)), q


def entropy_forgotten(logits, bounds):
    q = soft(logits)
    return q * (bounds - (q * bounds).sum(axis=1, keepdims=True)), q


def entropy_turned(logits, bounds):
    q = soft(logits)
    v = bounds + np.log(q)
    return q * (v - (q * v).sum(axis=1, keepdims=True)), q


def extra_one(logits, bounds):
    q = soft(logits)
    v = bounds - np.log(q)
    return q * (v - (q * v).sum(axis=1, keepdims=True) - 1), q


def in_q(logits, bounds):
    q = soft(logits)
    return bounds - np.log(q) - 1, q


def q_not_in_front(logits, bounds):
    q = soft(logits)
    v = bounds - np.log(q)
    return v - (q * v).sum(axis=1, keepdims=True), q


def own_logit_only(logits, bounds):
    q = soft(logits)
    return q * (1 - q) * (bounds - np.log(q)), q


def plain_mean(logits, bounds):
    q = soft(logits)
    v = bounds - np.log(q)
    return q * (v - v.mean(axis=1, keepdims=True)), q


def of_the_loss(logits, bounds):
    q = soft(logits)
    v = bounds - np.log(q)
    return -q * (v - (q * v).sum(axis=1, keepdims=True)), -q


def ones_for_bounds(logits, bounds):
    return bound_back(logits, bounds)[0], np.ones_like(bounds)


def uniform_for_bounds(logits, bounds):
    return bound_back(logits, bounds)[0], np.ones_like(bounds) / bounds.shape[1]


def hard_for_bounds(logits, bounds):
    return bound_back(logits, bounds)[0], np.eye(logits.shape[1])[logits.argmax(axis=1)]


def both_averaged(logits, bounds):
    return tuple(a / len(a) for a in bound_back(logits, bounds))


def no_mean_no_entropy(logits, bounds):
    q = soft(logits)
    return q * bounds, q


def bounds_first(logits, bounds):
    return bound_back(logits, bounds)[::-1]


def mean_of_all(logits, bounds):
    q = soft(logits)
    v = bounds - np.log(q)
    return q * (v - (q * v).sum()), q


def bound_back(logits, bounds):
    q = soft(logits)
    v = bounds - np.log(q)
    return q * (v - (q * v).sum(axis=1, keepdims=True)), q


def by_the_jacobian(logits, bounds):
    rows = []
    for q, b in zip(soft(logits), bounds, strict=True):
        rows.append((np.diag(q) - np.outer(q, q)) @ (b - np.log(q) - 1))
    return np.array(rows), soft(logits)


def softmax_by_columns_back(logits, bounds):
    q = np.exp(logits) / np.exp(logits).sum(axis=0)
    v = bounds - np.log(q)
    return q * (v - (q * v).sum(axis=1, keepdims=True)), q


def softmax_by_everything_back(logits, bounds):
    q = np.exp(logits) / np.exp(logits).sum()
    v = bounds - np.log(q)
    return q * (v - (q * v).sum(axis=1, keepdims=True)), q


def mean_of_bounds(logits, bounds):
    q = soft(logits)
    return q * (bounds - np.log(q) - (q * bounds).sum(axis=1, keepdims=True)), q


def less_the_bound(logits, bounds):
    q = soft(logits)
    value = (q * (bounds - np.log(q))).sum(axis=1)
    return q * (bounds - value[:, None]), q


def one_for_the_mean(logits, bounds):
    q = soft(logits)
    return q * (bounds - np.log(q) - 1), q


def summand_for_dbounds(logits, bounds):
    q = soft(logits)
    v = bounds - np.log(q)
    return q * (v - (q * v).sum(axis=1, keepdims=True)), q * v


def r_for_dbounds(logits, bounds):
    q = soft(logits)
    v = bounds - np.log(q)
    return q * (v - (q * v).sum(axis=1, keepdims=True)), soft(bounds)


# ---- 20.5: bounds, logits, y, alpha -> loss


def m2(bounds, logits, y, alpha, log_q=None, of_known=None, of_unknown=None, N=None, M=None):
    known, q = y >= 0, soft(logits)
    u = (q * (bounds - np.log(q))).sum(axis=1)
    a = bounds[known, y[known]] if of_known is None else of_known(u, known)
    b = u[~known] if of_unknown is None else of_unknown(known)
    log_q = np.log(q) if log_q is None else log_q
    N, M = N or len(y), M or known.sum()
    return -(a.sum() + b.sum()) / N - alpha * log_q[known, y[known]].sum() / M


def last_class(bounds, logits, y, alpha):
    of_y = bounds[np.arange(len(y)), y]
    log_q = log_soft(logits)
    return -of_y.mean() - alpha * log_q[y >= 0, y[y >= 0]].mean()


def u_for_all(bounds, logits, y, alpha):
    return m2(bounds, logits, y, alpha, of_known=lambda u, known: u[known])


def u_beside(bounds, logits, y, alpha):
    return m2(bounds, logits, y, alpha, of_known=lambda u, known: bounds[known, y[known]] + u[known])


def labels_only(bounds, logits, y, alpha):
    return m2(bounds, logits, y, alpha, of_unknown=lambda known: 0 * bounds[~known])


def without_labels(bounds, logits, y, alpha):
    return m2(bounds, logits, y, alpha, of_known=lambda u, known: 0 * u[known])


def alpha_forgotten(bounds, logits, y, alpha):
    return m2(bounds, logits, y, 1)


def no_cross_entropy(bounds, logits, y, alpha):
    return m2(bounds, logits, y, 0)


def label_sign(bounds, logits, y, alpha):
    return m2(bounds, logits, y, -alpha)


def labels_over_n(bounds, logits, y, alpha):
    return m2(bounds, logits, y, alpha, M=len(y))


def sums(bounds, logits, y, alpha):
    return m2(bounds, logits, y, alpha, N=1, M=1)


def summed_bounds(bounds, logits, y, alpha):
    return m2(bounds, logits, y, alpha, N=1)


def two_means(bounds, logits, y, alpha):
    known, q = y >= 0, soft(logits)
    u = (q * (bounds - np.log(q))).sum(axis=1)
    return -bounds[known, y[known]].mean() - u[~known].mean() - alpha * np.log(q)[known, y[known]].mean()


def bound_turned(bounds, logits, y, alpha):
    return -m2(bounds, logits, y, -alpha)


def no_entropy(bounds, logits, y, alpha):
    return m2(bounds, logits, y, alpha, of_unknown=lambda known: (soft(logits) * bounds).sum(axis=1)[~known])


def logits_for_log(bounds, logits, y, alpha):
    return m2(bounds, logits, y, alpha, log_q=logits)


def no_entropy_over_n(bounds, logits, y, alpha):
    return m2(bounds, logits, y, alpha, M=len(y), of_unknown=lambda known: (soft(logits) * bounds).sum(axis=1)[~known])


def per_row(bounds, logits, y, alpha):
    q = soft(logits)
    return -(q * (bounds - np.log(q))).sum(axis=1)


def row_after_row(bounds, logits, y, alpha):
    loss, labels = 0.0, []
    for b, q, k in zip(bounds, soft(logits), y, strict=True):
        loss -= b[k] if k >= 0 else q @ (b - np.log(q))
        if k >= 0:
            labels.append(-np.log(q[k]))
    return loss / len(y) + alpha * np.mean(labels)


def with_where(bounds, logits, y, alpha):
    q = soft(logits)
    one = (y[:, None] == np.arange(q.shape[1])) * 1.0
    each = np.where(y < 0, (q * (bounds - np.log(q))).sum(axis=1), (one * bounds).sum(axis=1))
    return -each.mean() + alpha * -(one * np.log(q)).sum() / one.sum()


def m2_with(bounds, logits, y, alpha, labeled=None, of_unknown=None, known=None, label=None, bound_factor=1):
    """The loss, or the same with one of its parts in another way."""
    q, known, n = soft(logits), y >= 0 if known is None else known, np.arange(len(y))
    u = (q * (bounds - np.log(q))).sum(axis=1) if of_unknown is None else of_unknown
    b = bounds[n, y] if labeled is None else labeled
    ce = -log_soft(logits)[n, y]
    label = ce[known].mean() if label is None else label
    return -bound_factor * (b[known].sum() + u[~known].sum()) / len(y) + alpha * label


def zero_is_no_label(bounds, logits, y, alpha):
    return m2_with(bounds, logits, y, alpha, known=y > 0)


def sign_of_u(bounds, logits, y, alpha):
    q = soft(logits)
    return m2_with(bounds, logits, y, alpha, of_unknown=-(q * (bounds - np.log(q))).sum(axis=1))


def cross_entropy_of_all_rows(bounds, logits, y, alpha):
    return m2_with(bounds, logits, y, alpha, label=-log_soft(logits)[np.arange(len(y)), y].mean())


def cross_entropy_summed_over_all(bounds, logits, y, alpha):
    return m2_with(bounds, logits, y, alpha,
                   label=-log_soft(logits)[np.arange(len(y)), y].sum() / (y >= 0).sum())  # fmt: skip


def largest_for_unknown(bounds, logits, y, alpha):
    return m2_with(bounds, logits, y, alpha, of_unknown=bounds.max(axis=1))


def log_sum_exp_for_unknown(bounds, logits, y, alpha):
    return m2_with(bounds, logits, y, alpha, of_unknown=np.logaddexp.reduce(bounds, axis=1))


def log_q_beside_b(bounds, logits, y, alpha):
    return m2_with(bounds, logits, y, alpha, labeled=(bounds - log_soft(logits))[np.arange(len(y)), y])


def q_before_b(bounds, logits, y, alpha):
    return m2_with(bounds, logits, y, alpha, labeled=(soft(logits) * bounds)[np.arange(len(y)), y])


def alpha_for_all(bounds, logits, y, alpha):
    return m2_with(bounds, logits, y, alpha, bound_factor=alpha)


def labels_over_m(bounds, logits, y, alpha):
    return m2_with(bounds, logits, y, alpha, labeled=bounds[np.arange(len(y)), y] * len(y) / np.sum(y >= 0))


# ---- 20.6: bounds, logits, y, alpha -> dlogits, dbounds


def m2_back(bounds, logits, y, alpha, u=1, u_known=0, a=None, known_is=None, unknown_is=None, N=None, M=None):
    known, N = y >= 0, N or len(y)
    M = M or known.sum()
    of_u, q = bound_back(logits, bounds)
    one = np.zeros_like(q)
    one[known, y[known]] = 1
    dlogits, dbounds = -u * of_u / N, -q / N
    dlogits[known] = -u_known * of_u[known] / N + (alpha if a is None else a) * (q - one)[known] / M
    dbounds[known] = (-one if known_is is None else known_is(q))[known] / N
    if unknown_is is not None:
        dbounds[~known] = unknown_is(q)[~known] / N
    return dlogits, dbounds


def u_everywhere(bounds, logits, y, alpha):
    return m2_back(bounds, logits, y, alpha, u_known=1)


def no_label_part(bounds, logits, y, alpha):
    return m2_back(bounds, logits, y, alpha, a=0)


def no_bound_part(bounds, logits, y, alpha):
    return m2_back(bounds, logits, y, alpha, u=0)


def label_part_turned(bounds, logits, y, alpha):
    return m2_back(bounds, logits, y, alpha, a=-alpha)


def alpha_left_out(bounds, logits, y, alpha):
    return m2_back(bounds, logits, y, alpha, a=1)


def label_part_over_n(bounds, logits, y, alpha):
    return m2_back(bounds, logits, y, alpha, M=len(y))


def not_over_n(bounds, logits, y, alpha):
    return m2_back(bounds, logits, y, alpha, N=1)


def over_labels(bounds, logits, y, alpha):
    return m2_back(bounds, logits, y, alpha, N=int((y >= 0).sum()))


def of_the_bound(bounds, logits, y, alpha):
    dlogits, dbounds = m2_back(bounds, logits, y, -alpha)
    return -dlogits, -dbounds


def u_turned(bounds, logits, y, alpha):
    return m2_back(bounds, logits, y, alpha, u=-1)


def q_for_known(bounds, logits, y, alpha):
    return m2_back(bounds, logits, y, alpha, known_is=lambda q: -q)


def nothing_for_unknown(bounds, logits, y, alpha):
    return m2_back(bounds, logits, y, alpha, unknown_is=lambda q: 0 * q)


def last_for_unknown(bounds, logits, y, alpha):
    return m2_back(bounds, logits, y, alpha, unknown_is=lambda q: -np.eye(q.shape[1])[y])


def cross_entropy_of_all(bounds, logits, y, alpha):
    q, known = soft(logits), y >= 0
    dlogits, dbounds = m2_back(bounds, logits, y, alpha, a=0)
    return dlogits + alpha * (q - np.eye(q.shape[1])[y]) / known.sum(), dbounds


def alpha_and_over_n(bounds, logits, y, alpha):
    return m2_back(bounds, logits, y, alpha, a=1, M=len(y))


def m2_swapped(*args):
    return m2_back(*args)[::-1]


def m2_one_array(*args):
    return m2_back(*args)[0]


def with_masks(bounds, logits, y, alpha):
    known = (y >= 0)[:, None]
    of_u, q = bound_back(logits, bounds)
    one = (y[:, None] == np.arange(q.shape[1])).astype(float)
    return np.where(known, alpha * (q - one) / known.sum(), -of_u / len(y)), -np.where(known, one, q) / len(y)


def m2_back_with(bounds, logits, y, alpha, known=None, label=None, du=None, db=None):
    """The gradients, or the same with one of their parts in another way."""
    q = soft(logits)
    N, C = q.shape
    known = (y >= 0 if known is None else known)[:, None]
    v = bounds - np.log(q)
    du = q * (v - (q * v).sum(axis=1, keepdims=True)) if du is None else du
    label = q - np.eye(C)[y] if label is None else label
    return (np.where(known, alpha / known.sum() * label, -du / N),
            np.where(known, -np.eye(C)[y] / N, -q / N) if db is None else np.where(known, db, -q / N))  # fmt: skip


def zero_is_no_label_back(bounds, logits, y, alpha):
    return m2_back_with(bounds, logits, y, alpha, known=y > 0)


def alpha_for_all_back(bounds, logits, y, alpha):
    dlogits, dbounds = m2_back_with(bounds, logits, y, 1)
    return alpha * dlogits, alpha * dbounds


def no_average_back(bounds, logits, y, alpha):
    q = soft(logits)
    return m2_back_with(bounds, logits, y, alpha, du=q * (bounds - np.log(q)))


def q_without_one_hot(bounds, logits, y, alpha):
    return m2_back_with(bounds, logits, y, alpha, label=soft(logits))


def own_logit(bounds, logits, y, alpha):
    q = soft(logits)
    return m2_back_with(bounds, logits, y, alpha, label=np.eye(q.shape[1])[y] * (q - 1))


def one_for_all_classes(bounds, logits, y, alpha):
    return m2_back_with(bounds, logits, y, alpha, label=soft(logits) - 1)


def sigmoid_for_softmax(bounds, logits, y, alpha):
    return m2_back_with(bounds, logits, y, alpha, label=1 / (1 + np.exp(-logits)) - np.eye(logits.shape[1])[y])


def slope_in_q(bounds, logits, y, alpha):
    return m2_back_with(bounds, logits, y, alpha, label=-np.eye(logits.shape[1])[y] / soft(logits))


def known_over_m(bounds, logits, y, alpha):
    return m2_back_with(bounds, logits, y, alpha, db=-np.eye(logits.shape[1])[y] / (y >= 0).sum())


def alpha_in_dbounds(bounds, logits, y, alpha):
    return m2_back_with(bounds, logits, y, alpha, db=-alpha * np.eye(logits.shape[1])[y] / len(y))


def all_classes_known(bounds, logits, y, alpha):
    return m2_back_with(bounds, logits, y, alpha, db=np.full(bounds.shape, -1 / len(y)))


def known_and_q(bounds, logits, y, alpha):
    return m2_back_with(bounds, logits, y, alpha, db=-(np.eye(logits.shape[1])[y] + soft(logits)) / len(y))


def plus_q(bounds, logits, y, alpha):
    dlogits, dbounds = m2_back_with(bounds, logits, y, alpha)
    return dlogits, np.where(y[:, None] < 0, -dbounds, dbounds)


WRONG = {
    "20.1": [
        (y_in_front, "y comes behind x"),
        (y_as_a_number, "y is one column of class numbers"),
        (counted, "the classes are counted in y"),
        (ones_from_one, "one column too far to the left"),
        (one_too_far, "one column too far to the right"),
        (only_one_hot, "that are the one-hot rows alone"),
        (not_y, "0 where the class is"),
        (y_for_one, "the number of the class stands"),
        (up_to_y, "ones up to the class"),
        (zeros_behind, "the columns of the classes are 0"),
        (below, "it stopped with ValueError"),
        (wide_rows, "expected shape"),
        (whole_columns, "whole columns are 1"),
    ],
    "20.2": [
        (last_columns, "the last columns of dgiven are taken"),
        (behind_c, "the last columns of dgiven are taken"),
        (not_cut, "it stopped with ValueError"),
        (no_kl, "the KL is missing in both"),
        (kl_subtracted, "the KL has the wrong sign"),
        (kl_unweighed, "the KL is not weighed"),
        (kl_over_n, "the KL is divided by N as well"),
        (all_weighed, "the reconstruction is weighed as well"),
        (minus_reconstruction, "the reconstruction has the wrong sign"),
        (std_half_missing, "the half of std"),
        (eps_missing, "eps is missing in dlog_var"),
        (variance_for_std, "variance for standard deviation"),
        (minus_one_missing, "the -1 of the KL is missing"),
        (kl_half_missing, "the half of the KL is missing"),
        (no_kl_in_dmu, "the KL is missing in dmu"),
        (unweighed_and_no_half, "the KL is not weighed"),
        (latents_swapped, "the two are exchanged"),
        (latents_in_place, "it writes into its argument mu"),
        (half_of_mu, "the KL in dmu is half of mu"),
        (square_of_mu, "the KL in dmu is mu^2"),
        (kl_itself, "the KL itself stands in dlog_var"),
        (slope_in_std, "dlog_var is the gradient in std"),
        (kl_as_a_mean, "divided by the number of latents"),
        (one_over_n, "and weight is not used"),
    ],
    "20.3": [
        (entropy_missing, "the entropy of q is missing"),
        (entropy_subtracted, "the entropy of q has the wrong sign"),
        (log_sum_exp, "that is log sum exp of the bounds"),
        (the_best, "that is the largest bound"),
        (the_likeliest, "that q holds for likeliest"),
        (not_weighed, "the classes are not weighed with q"),
        (logits_for_log_q, "the logits are taken for log q"),
        (logits_for_q, "the logits are taken for q"),
        (mean_of_classes, "averaged over the classes"),
        (over_examples, "summed over the examples"),
        (one_number, "one number for all examples"),
        (columns_softmax, "softmax over the examples"),
        (the_loss, "that is U, the loss"),
        (log_c_twice, "log C is subtracted once more"),
        (kl_to_uniform, "log C is subtracted once more"),
        (q_inside, "q where log q should be"),
        (loss_without_entropy, "mend that first: a second mistake is left"),
        (softmax_by_columns, "in q and in log q"),
        (softmax_by_everything, "softmax over everything"),
        (sigmoids, "a sigmoid of each logit"),
        (entropy_in_bits, "in bits"),
        (log_of_the_average, "the logarithm of an average of e^b"),
        (log_q_not_averaged, "-log q is added up without q"),
        (bounds_not_averaged, "the bounds are added up without q"),
    ],
    "20.4": [
        (mean_forgotten, "the average is not subtracted"),
        (entropy_forgotten, "the entropy is missing in dlogits"),
        (entropy_turned, "the entropy has the wrong sign in dlogits"),
        (extra_one, "an extra -1, or -q"),
        (in_q, "those are the derivatives in q"),
        (q_not_in_front, "q is missing in front"),
        (own_logit_only, "only the derivative of q_y in its own logit"),
        (plain_mean, "the plain mean is subtracted"),
        (of_the_loss, "the signs are those of U"),
        (ones_for_bounds, "dbounds is 1:"),
        (uniform_for_bounds, "dbounds is 1 / C"),
        (hard_for_bounds, "dbounds is 1 for the likeliest class"),
        (both_averaged, "averaged over the examples"),
        (no_mean_no_entropy, "mend that first: a second mistake is left"),
        (bounds_first, "the order is dlogits, dbounds"),
        (mean_of_all, "the average is over all examples as well"),
        (softmax_by_columns_back, "softmax over the examples"),
        (softmax_by_everything_back, "softmax over everything"),
        (mean_of_bounds, "without its entropy"),
        (less_the_bound, "log q is missing there"),
        (one_for_the_mean, "and -1 stands there"),
        (summand_for_dbounds, "dbounds is q (b - log q)"),
        (r_for_dbounds, "dbounds is the softmax of the bounds"),
    ],
    "20.5": [
        (last_class, "rows without a label take the last class"),
        (u_for_all, "all classes are summed out for rows with a label"),
        (u_beside, "rows with a label get the bound of the others as well"),
        (labels_only, "rows without a label are left out"),
        (without_labels, "rows with a label are left out of the bound"),
        (alpha_forgotten, "alpha is missing"),
        (no_cross_entropy, "the part of the labels, with alpha, is missing"),
        (label_sign, "the part of the labels has the wrong sign"),
        (labels_over_n, "divided by N, not by the number of labels"),
        (sums, "everything is a sum"),
        (summed_bounds, "the bounds are summed"),
        (two_means, "two means, one of the rows with labels"),
        (bound_turned, "the bound has the wrong sign"),
        (no_entropy, "the entropy of q is missing"),
        (logits_for_log, "the logits are taken for log q"),
        (no_entropy_over_n, "mend that first: a second mistake is left"),
        (per_row, "expected a single number"),
        (zero_is_no_label, "class 0 is taken for no label"),
        (sign_of_u, "the sign of U"),
        (cross_entropy_of_all_rows, "a mean over all rows"),
        (cross_entropy_summed_over_all, "a sum over all rows"),
        (largest_for_unknown, "the largest bound stands"),
        (log_sum_exp_for_unknown, "log sum exp of the bounds stands"),
        (log_q_beside_b, "get -log q beside b"),
        (q_before_b, "q is in front of b"),
        (alpha_for_all, "alpha multiplies everything"),
        (labels_over_m, "divided by their number; N is wanted"),
    ],
    "20.6": [
        (u_everywhere, "dlogits of rows with a label has the slope"),
        (no_label_part, "the part of the labels is missing in dlogits"),
        (no_bound_part, "the class bound is missing in dlogits"),
        (label_part_turned, "the part of the labels has the wrong sign"),
        (alpha_left_out, "alpha is missing"),
        (label_part_over_n, "the part of the labels is divided by N"),
        (not_over_n, "what comes from the bounds is not divided by N"),
        (over_labels, "divided by the number of labels; N is wanted"),
        (of_the_bound, "has the sign of the bound"),
        (u_turned, "the class bound has the wrong sign"),
        (q_for_known, "dbounds of rows with a label is q"),
        (nothing_for_unknown, "dbounds of rows without a label is 0"),
        (last_for_unknown, "dbounds of rows without a label is that of the last class"),
        (cross_entropy_of_all, "rows without a label are trained to the last class"),
        (alpha_and_over_n, "mend that first: a second mistake is left"),
        (m2_swapped, "the order is dlogits, dbounds"),
        (m2_one_array, "expected it to return dlogits, dbounds"),
        (zero_is_no_label_back, "class 0 is taken for no label"),
        (alpha_for_all_back, "alpha multiplies everything"),
        (no_average_back, "the average is not subtracted"),
        (q_without_one_hot, "the one-hot row is not subtracted"),
        (own_logit, "moves the logit of its class alone"),
        (one_for_all_classes, "1 is subtracted for all classes"),
        (sigmoid_for_softmax, "has a sigmoid"),
        (slope_in_q, "-1 / q is the slope"),
        (known_over_m, "divided by their number; N is wanted"),
        (alpha_in_dbounds, "dbounds of rows with a label has alpha"),
        (all_classes_known, "that of all classes"),
        (known_and_q, "holds q as well"),
        (plus_q, "dbounds of rows without a label has the wrong sign"),
    ],
}
RIGHT = {
    "20.1": [in_a_loop, by_comparison],
    "20.2": [right_back, by_split],
    "20.3": [two_parts, by_the_gap],
    "20.4": [bound_back, by_the_jacobian],
    "20.5": [row_after_row, with_where],
    "20.6": [m2_back, with_masks],
}
FIXED = {}

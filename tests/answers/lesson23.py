"""Answers of lesson 23 that people give: wrong ones with the words that name them, and right ones that look unusual."""

import numpy as np

from minivae.teach import exercise

entropy, mask, token_loss, gru_step, gate_gradients, through_time = (exercise(f"23.{i}").reference for i in range(1, 7))


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


# ---- 23.1: p (R,), left (R, S), right (R, S) -> H (S,)


def first_choice_only(p, left, right):
    return -(left * (p * np.log(p))[:, None]).sum(axis=0)


def positive_log(p, left, right):
    M = (left * p[:, None]).T @ right
    return np.linalg.inv(np.eye(len(M)) - M) @ (left.T @ (p * np.log(p)))


def in_bits(p, left, right):
    M = left.T @ np.diag(p) @ right
    return np.linalg.solve(np.eye(len(M)) - M, -left.T @ (p * np.log2(p)))


def two_rules_deep(p, left, right):
    h = -left.T @ (p * np.log(p))
    return h + left.T @ (p * (right @ h))


def counts_alone(p, left, right):
    M = left.T @ right
    return np.linalg.solve(np.eye(len(M)) - M, -left.T @ (p * np.log(p)))


def transposed(p, left, right):
    M = right.T @ (p[:, None] * left)
    return np.linalg.solve(np.eye(len(M)) - M, -left.T @ (p * np.log(p)))


def surprise_not_averaged(p, left, right):
    M = left.T @ (p[:, None] * right)
    return np.linalg.solve(np.eye(len(M)) - M, -left.T @ np.log(p))


def plus_m(p, left, right):
    M = left.T @ (p[:, None] * right)
    return np.linalg.solve(np.eye(len(M)) + M, -left.T @ (p * np.log(p)))


def bits_and_transposed(p, left, right):
    M = right.T @ (p[:, None] * left)
    return np.linalg.solve(np.eye(len(M)) - M, -left.T @ (p * np.log2(p)))


def whether_it_is_there(p, left, right):
    M = left.T @ (p[:, None] * (right > 0))
    return np.linalg.solve(np.eye(len(M)) - M, -left.T @ (p * np.log(p)))


def all_rules_together(p, left, right):
    S = left.shape[1]
    M = np.array([(p[:, None] * right).sum(axis=0) for _ in range(S)])
    return np.linalg.solve(np.eye(S) - M, -left.T @ (p * np.log(p)))


def entropy_of_all(p, left, right):
    return entropy(p, left, right).sum()


def three_symbols(p, left, right):
    M = left.T @ (p[:, None] * right)
    return np.linalg.solve(np.eye(4) - M, -left.T @ (p * np.log(p)))


def by_repetition(p, left, right):
    h, H = -left.T @ (p * np.log(p)), 0
    for _ in range(200):
        H = h + left.T @ (p * (right @ H)) if np.ndim(H) else h
    return H


def by_visits(p, left, right):
    """How often each symbol is rewritten, times what its choice is worth."""
    M = left.T @ (p[:, None] * right)
    visits, power = np.eye(len(M)), np.eye(len(M))
    for _ in range(200):
        power = power @ M
        visits = visits + power
    return visits @ np.array([-(p[row > 0] * np.log(p[row > 0])).sum() for row in left.T])


def without_i(p, left, right):
    M = left.T @ (p[:, None] * right)
    return np.linalg.inv(M) @ (left.T @ (-p * np.log(p)))


def rules_alike_in_m(p, left, right):
    M = (left.T @ right) / left.sum(axis=0)[:, None]
    return np.linalg.solve(np.eye(len(M)) - M, left.T @ (-p * np.log(p)))


# ---- 23.2: x (N, T) -> counts (N, T)


def not_zero(x):
    return (x != 0).astype(int)


def before_the_end(x):
    return (x == 0).cumsum(axis=1) == 0


def by_argmax(x):
    ends = np.argmax(x == 0, axis=1)
    return np.arange(x.shape[1])[None] <= ends[:, None]


def behind_the_end(x):
    seen = np.cumsum(x == 0, axis=1) - (x == 0)
    return (seen > 0).astype(float)


def one_more(x):
    ends = np.cumsum(x == 0, axis=1)
    ends = np.concatenate([np.zeros((len(x), 2), int), ends[:, :-2]], axis=1)
    return (ends == 0) * 1.0


def all_of_them(x):
    return np.ones_like(x, dtype=float)


def ends_before(x):
    return np.cumsum(x == 0, axis=1) - (x == 0)


def wrong_axis(x):
    return (np.cumsum(x == 0, axis=0) - (x == 0) == 0) * 1.0


def into_x(x):
    for row in x:
        for t in range(len(row)):
            if row[t] == 0:
                row[t:] = 0
                break
    return (x > 0) * 1.0


def mask_in_loops(x):
    counts = np.zeros(x.shape)
    for n, row in enumerate(x):
        for t, token in enumerate(row):
            counts[n, t] = 1
            if token == 0:
                break
    return counts


def mask_of_products(x):
    open_ = np.cumprod(x != 0, axis=1)
    return np.hstack([np.ones((len(x), 1), int), open_[:, :-1]])


def mask_of_truths(x):
    return ~(np.cumsum(x == 0, axis=1) - (x == 0)).astype(bool)


def second_zero(x):
    return (np.cumsum(x == 0, axis=1) < 2).astype(float)


def number_of_tokens(x):
    T = (x > 0).sum(axis=1)
    return np.array([[float(t <= T[n]) for t in range(x.shape[1])] for n in range(len(x))])


def up_to_the_index(x):
    counts = np.zeros(x.shape)
    for row, end in zip(counts, np.argmax(x == 0, axis=1), strict=True):
        row[:end] = 1
    return counts


def zeros_if_no_end(x):
    counts = np.zeros(x.shape)
    for row, line in zip(counts, x, strict=True):
        if 0 in line:
            row[: list(line).index(0) + 1] = 1
    return counts


def from_the_end_on(x):
    return np.maximum.accumulate(x == 0, axis=1).astype(float)


# ---- 23.3: logits (N, T, V), x (N, T), counts (N, T) -> loss, dlogits


def parts_of(logits, x):
    a = logits - logits.max(axis=2)[:, :, None]
    p = np.exp(a) / np.exp(a).sum(axis=2)[:, :, None]
    log_p = a - np.log(np.exp(a).sum(axis=2))[:, :, None]
    hot = np.eye(logits.shape[2])[x]
    return p, (log_p * hot).sum(axis=2), hot


def per_token(logits, x, counts):
    p, log_p, hot = parts_of(logits, x)
    n = counts.sum()
    return -(log_p * counts).sum() / n, (p - hot) * counts[:, :, None] / n


def per_token_loss_only(logits, x, counts):
    return per_token(logits, x, counts)[0], token_loss(logits, x, counts)[1]


def mean_of_everything(logits, x, counts):
    p, log_p, hot = parts_of(logits, x)
    return -np.mean(log_p * counts), (p - hot) * counts[:, :, None] / counts.size


def sum_of_lines(logits, x, counts):
    p, log_p, hot = parts_of(logits, x)
    return -np.sum(log_p * counts), (p - hot) * counts[:, :, None]


def gradient_without_mask(logits, x, counts):
    p, log_p, hot = parts_of(logits, x)
    return -np.sum(log_p * counts) / len(x), (p - hot) / len(x)


def no_mask_at_all(logits, x, counts):
    p, log_p, hot = parts_of(logits, x)
    return -log_p.sum(axis=1).mean(), (p - hot) / len(x)


def gradient_of_a_sum(logits, x, counts):
    p, log_p, hot = parts_of(logits, x)
    return -np.sum(log_p * counts, axis=1).mean(), (p - hot) * counts[:, :, None]


def gradient_turned(logits, x, counts):
    p, log_p, hot = parts_of(logits, x)
    return -np.sum(log_p * counts, axis=1).mean(), (hot - p) * counts[:, :, None] / len(x)


def log_likelihood(logits, x, counts):
    loss, dlogits = token_loss(logits, x, counts)
    return -loss, -dlogits


def without_one_hot(logits, x, counts):
    p, log_p, hot = parts_of(logits, x)
    return -np.sum(log_p * counts, axis=1).mean(), p * counts[:, :, None] / len(x)


def naive_softmax(logits, x, counts):
    p = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    hot = np.eye(logits.shape[2])[x]
    return -(np.log((p * hot).sum(axis=-1)) * counts).sum() / len(x), (p - hot) * counts[..., None] / len(x)


def masked_logits(logits, x, counts):
    p, log_p, hot = parts_of(logits * counts[:, :, None], x)
    return -log_p.sum() / len(x), (p - hot) / len(x)


def no_mask_and_per_place(logits, x, counts):
    p, log_p, hot = parts_of(logits, x)
    return -log_p.mean(), (p - hot) / log_p.size


def loss_per_line(logits, x, counts):
    _, log_p, _ = parts_of(logits, x)
    return -(log_p * counts).sum(axis=1), token_loss(logits, x, counts)[1]


def loss_in_loops(logits, x, counts):
    loss, dlogits = 0.0, np.zeros(logits.shape)
    for n, t in np.ndindex(*x.shape):
        if counts[n, t]:
            o = logits[n, t] - max(logits[n, t])
            total = np.exp(o).sum()
            loss += (np.log(total) - o[x[n, t]]) / len(x)
            dlogits[n, t] = np.exp(o) / total / len(x)
            dlogits[n, t, x[n, t]] -= 1 / len(x)
    return loss, dlogits


def loss_by_indexing(logits, x, counts):
    N, T = x.shape
    a = logits - logits.max(axis=-1, keepdims=True)
    log_p = a - np.log(np.exp(a).sum(axis=-1, keepdims=True))
    at = np.arange(N)[:, None], np.arange(T), x
    dlogits = np.exp(log_p)
    dlogits[at] -= 1
    return -np.mean((log_p[at] * counts).sum(axis=1)), dlogits * (counts / N)[:, :, None]


def softmax_and_one_hot(logits, x, counts):
    p = np.exp(logits - logits.max(axis=-1, keepdims=True))
    p /= p.sum(axis=-1, keepdims=True)
    one_hot = np.eye(logits.shape[-1])[x]
    return p, one_hot, counts[..., None] * (p - one_hot) / len(x)


def log_of_softmax(logits, x, counts):
    p, one_hot, dlogits = softmax_and_one_hot(logits, x, counts)
    return -(counts * np.log((p * one_hot).sum(axis=-1))).sum() / len(x), dlogits


def log_with_epsilon(logits, x, counts):
    p, one_hot, dlogits = softmax_and_one_hot(logits, x, counts)
    return -(counts * np.log((p * one_hot).sum(axis=-1) + 1e-9)).sum() / len(x), dlogits


def log_of_clipped(logits, x, counts):
    p, one_hot, dlogits = softmax_and_one_hot(logits, x, counts)
    return -(counts * np.log(np.maximum((p * one_hot).sum(axis=-1), 1e-12))).sum() / len(x), dlogits


def no_logarithm(logits, x, counts):
    p, one_hot, dlogits = softmax_and_one_hot(logits, x, counts)
    return -(counts * (p * one_hot).sum(axis=-1)).sum() / len(x), dlogits


def entropy_for_loss(logits, x, counts):
    p, _, dlogits = softmax_and_one_hot(logits, x, counts)
    o = logits - logits.max(axis=-1, keepdims=True)
    log_p = o - np.log(np.exp(o).sum(axis=-1, keepdims=True))
    return -((p * log_p).sum(axis=-1) * counts).sum() / len(x), dlogits


def largest_not_put_back(logits, x, counts):
    *_, dlogits = softmax_and_one_hot(logits, x, counts)
    log_sum = np.log(np.exp(logits - logits.max(axis=-1, keepdims=True)).sum(axis=-1))
    chosen = np.take_along_axis(logits, x[..., None], axis=-1)[..., 0]
    return (counts * (log_sum - chosen)).sum() / len(x), dlogits


def mean_of_each_line(logits, x, counts):
    loss, dlogits = 0.0, np.zeros(logits.shape)
    for n in range(len(x)):
        one, dlogits[n : n + 1] = token_loss(logits[n : n + 1], x[n : n + 1], counts[n : n + 1])
        loss += one / counts[n].sum() / len(x)
        dlogits[n] /= counts[n].sum() * len(x)
    return loss, dlogits


def minus_one_everywhere(logits, x, counts):
    p, *_ = softmax_and_one_hot(logits, x, counts)
    return token_loss(logits, x, counts)[0], counts[..., None] * (p - 1) / len(x)


# ---- 23.4: a (N, 3 H), h (N, H), U (H, 3 H), c (H,) -> h_new, r, u, m, n


def as_in_the_paper(a, h, U, c):
    _, r, u, m, n = gru_step(a, h, U, c)
    return u * n + (1 - u) * h, r, u, m, n


def reset_before(a, h, U, c):
    H = len(c)
    r = sigmoid(a[:, :H] + h @ U[:, :H])
    u = sigmoid(a[:, H : 2 * H] + h @ U[:, H : 2 * H])
    m = (r * h) @ U[:, 2 * H :] + c
    n = np.tanh(a[:, 2 * H :] + m)
    return (1 - u) * n + u * h, r, u, m, n


def c_outside(a, h, U, c):
    H, g = len(c), h @ U
    r, u = sigmoid(a[:, :H] + g[:, :H]), sigmoid(a[:, H : 2 * H] + g[:, H : 2 * H])
    m = g[:, 2 * H :]
    n = np.tanh(a[:, 2 * H :] + r * m + c)
    return (1 - u) * n + u * h, r, u, m, n


def u_first(a, h, U, c):
    H, s = len(c), a + h @ U
    u, r, m = sigmoid(s[:, :H]), sigmoid(s[:, H : 2 * H]), (h @ U)[:, 2 * H :] + c
    n = np.tanh(a[:, 2 * H :] + r * m)
    return (1 - u) * n + u * h, r, u, m, n


def no_tanh(a, h, U, c):
    _, r, u, m, _ = gru_step(a, h, U, c)
    n = a[:, 2 * len(c) :] + r * m
    return (1 - u) * n + u * h, r, u, m, n


def tanh_gates(a, h, U, c):
    H, g = len(c), h @ U
    r, u = np.tanh(a[:, :H] + g[:, :H]), np.tanh(a[:, H : 2 * H] + g[:, H : 2 * H])
    m = g[:, 2 * H :] + c
    n = np.tanh(a[:, 2 * H :] + r * m)
    return (1 - u) * n + u * h, r, u, m, n


def no_reset(a, h, U, c):
    _, r, u, m, _ = gru_step(a, h, U, c)
    n = np.tanh(a[:, 2 * len(c) :] + m)
    return n + u * (h - n), r, u, m, n


def forgets_h(a, h, U, c):
    _, r, u, m, n = gru_step(a, h, U, c)
    return (1 - u) * n, r, u, m, n


def state_alone(a, h, U, c):
    return gru_step(a, h, U, c)[0]


def no_tanh_and_exchanged(a, h, U, c):
    _, r, u, m, _ = gru_step(a, h, U, c)
    n = a[:, 2 * len(c) :] + r * m
    return u * n + (1 - u) * h, r, u, m, n


def four_units(a, h, U, c):
    s, g = a + h @ U, h @ U
    r, u, m = sigmoid(s[:, :6]), sigmoid(s[:, 6:12]), g[:, 12:] + c
    n = np.tanh(a[:, 12:] + r * m)
    return (1 - u) * n + u * h, r, u, m, n


def step_in_loops(a, h, U, c):
    H = len(c)
    found = np.zeros((5, *h.shape))
    for i in range(len(h)):
        for j in range(H):
            r = sigmoid(a[i, j] + h[i] @ U[:, j])
            u = sigmoid(a[i, H + j] + h[i] @ U[:, H + j])
            m = h[i] @ U[:, 2 * H + j] + c[j]
            n = np.tanh(a[i, 2 * H + j] + r * m)
            found[:, i, j] = n + u * (h[i, j] - n), r, u, m, n
    return found


def step_by_tanh(a, h, U, c):
    """A sigmoid is a tanh of half its argument."""
    g = h @ U
    (a_r, a_u, a_n), (g_r, g_u, g_n) = np.split(a, 3, axis=1), np.split(g, 3, axis=1)
    r, u = (0.5 + 0.5 * np.tanh((s + t) / 2) for s, t in ((a_r, g_r), (a_u, g_u)))
    n = np.tanh(a_n + r * (g_n + c))
    return [h * u + n - u * n, r, u, g_n + c, n]


def step_with(a, h, U, c, gates_see=1, transposed=False):
    H = h.shape[1]
    W = [U[:, i * H : (i + 1) * H] for i in range(3)]
    W = [w.T for w in W] if transposed else W
    r, u = (sigmoid(a[:, i * H : (i + 1) * H] + gates_see * h @ W[i]) for i in (0, 1))
    return r, u, h @ W[2] + c, a[:, 2 * H :]


def u_for_r(a, h, U, c):
    r, u, m, a_n = step_with(a, h, U, c)
    n = np.tanh(a_n + u * m)
    return (1 - u) * n + u * h, r, u, m, n


def r_for_u(a, h, U, c):
    r, u, m, a_n = step_with(a, h, U, c)
    n = np.tanh(a_n + r * m)
    return (1 - r) * n + r * h, r, u, m, n


def gates_of_a_alone(a, h, U, c):
    r, u, m, a_n = step_with(a, h, U, c, gates_see=0)
    n = np.tanh(a_n + r * m)
    return (1 - u) * n + u * h, r, u, m, n


def blocks_transposed(a, h, U, c):
    r, u, m, a_n = step_with(a, h, U, c, transposed=True)
    n = np.tanh(a_n + r * m)
    return (1 - u) * n + u * h, r, u, m, n


def c_twice(a, h, U, c):
    r, u, m, a_n = step_with(a, h, U, c)
    n = np.tanh(a_n + r * m + c)
    return (1 - u) * n + u * h, r, u, m, n


def m_times_r(a, h, U, c):
    r, u, m, a_n = step_with(a, h, U, c)
    m = r * m
    n = np.tanh(a_n + m)
    return (1 - u) * n + u * h, r, u, m, n


def c_in_gates(a, h, U, c):
    H = h.shape[1]
    g = h @ U + np.tile(c, 3)
    r, u = sigmoid(a[:, :H] + g[:, :H]), sigmoid(a[:, H : 2 * H] + g[:, H : 2 * H])
    n = np.tanh(a[:, 2 * H :] + r * g[:, 2 * H :])
    return (1 - u) * n + u * h, r, u, g[:, 2 * H :], n


def n_for_h(a, h, U, c):
    r, u, m, a_n = step_with(a, h, U, c)
    n = np.tanh(a_n + r * m)
    return n, r, u, m, n


# ---- 23.5: dh_new, h, r, u, m, n -> da_r, da_u, da_n, dm


def u_sign(dh_new, h, r, u, m, n):
    da_n = dh_new * (1 - u) * (1 - n * n)
    return da_n * m * r * (1 - r), dh_new * (n - h) * u * (1 - u), da_n, da_n * r


def u_without_n(dh_new, h, r, u, m, n):
    da_r, _, da_n, dm = gate_gradients(dh_new, h, r, u, m, n)
    return da_r, dh_new * h * u * (1 - u), da_n, dm


def n_gets_u(dh_new, h, r, u, m, n):
    da_n = dh_new * u * (1 - n * n)
    return da_n * m * r * (1 - r), dh_new * (h - n) * u * (1 - u), da_n, da_n * r


def no_tanh_slope(dh_new, h, r, u, m, n):
    da_n = dh_new * (1 - u)
    return da_n * m * r * (1 - r), dh_new * (h - n) * u * (1 - u), da_n, da_n * r


def tanh_twice(dh_new, h, r, u, m, n):
    da_n = dh_new * (1 - u) / np.cosh(n) ** 2
    return da_n * m * r * (1 - r), dh_new * (h - n) * u * (1 - u), da_n, da_n * r


def no_gate_slopes(dh_new, h, r, u, m, n):
    da_n = dh_new * (1 - u) * (1 - n * n)
    return da_n * m, dh_new * (h - n), da_n, da_n * r


def half_slopes(dh_new, h, r, u, m, n):
    da_n = dh_new * (1 - u) * (1 - n * n)
    return da_n * m * r * (1 - r), dh_new * (h - n) * (1 - u), da_n, da_n * r * (1 - r)


def r_gets_n(dh_new, h, r, u, m, n):
    da_n = dh_new * (1 - u) * (1 - n * n)
    return da_n * n * r * (1 - r), dh_new * (h - n) * u * (1 - u), da_n, da_n * r


def m_without_r(dh_new, h, r, u, m, n):
    da_r, da_u, da_n, _ = gate_gradients(dh_new, h, r, u, m, n)
    return da_r, da_u, da_n, da_n


def r_from_dm(dh_new, h, r, u, m, n):
    da_r, da_u, da_n, dm = gate_gradients(dh_new, h, r, u, m, n)
    return dm * m * r * (1 - r), da_u, da_n, dm


def before_tanh(dh_new, h, r, u, m, n):
    dn = dh_new * (1 - u)
    return dn * m * r * (1 - r), dh_new * (h - n) * u * (1 - u), dn * (1 - n**2), dn * r


def two_of_23_5(dh_new, h, r, u, m, n):
    """The sign of da_u, and n gets u."""
    da_n = dh_new * u * (1 - n * n)
    return da_n * m * r * (1 - r), dh_new * (n - h) * u * (1 - u), da_n, da_n * r


def another_order(*given):
    da_r, da_u, da_n, dm = gate_gradients(*given)
    return da_u, da_r, da_n, dm


def gates_as_a_chain(dh_new, h, r, u, m, n):
    dn, du = dh_new - dh_new * u, dh_new * h - dh_new * n
    ds = dn - dn * n**2
    dr, dm = ds * m, ds * r
    return np.array([dr * (r - r * r), du * (u - u * u), ds, dm])


def gates_by_differences(dh_new, h, r, u, m, n):
    """Numeric, from the values alone."""
    a_r, a_u = np.log(r / (1 - r)), np.log(u / (1 - u))
    a_n, step = np.arctanh(n) - r * m, 1e-5

    def value(d_r=0, d_u=0, d_n=0, d_m=0):
        gate = sigmoid(a_u + d_u)
        new = np.tanh(a_n + d_n + sigmoid(a_r + d_r) * (m + d_m))
        return dh_new * ((1 - gate) * new + gate * h)

    return tuple((value(**{k: step}) - value(**{k: -step})) / (2 * step) for k in ("d_r", "d_u", "d_n", "d_m"))


def r_and_m_exchanged(dh_new, h, r, u, m, n):
    da_n = dh_new * (1 - u) * (1 - n * n)
    dr, dm = da_n * r, da_n * m
    return dr * r * (1 - r), dh_new * (h - n) * u * (1 - u), da_n, dm


def square_of_the_difference(dh_new, h, r, u, m, n):
    da_n = dh_new * (1 - u) * (1 - n) ** 2
    return da_n * m * r * (1 - r), dh_new * (h - n) * u * (1 - u), da_n, da_n * r


def r_gets_h(dh_new, h, r, u, m, n):
    _, da_u, da_n, dm = gate_gradients(dh_new, h, r, u, m, n)
    return da_n * h * r * (1 - r), da_u, da_n, dm


# ---- 23.6: dy, states, r, u, m, n, U -> da, dU, dc, dh_0


def walk(dy, states, r, u, m, n, U, back, own=lambda t, dh, dy: dh + dy, third=3, dc_of=3):
    T, N, H = dy.shape
    da, dU, dc, dh = np.zeros((T, N, 3 * H)), np.zeros_like(U), np.zeros(H), np.zeros((N, H))
    for t in range(T - 1, -1, -1):
        dh = own(t, dh, dy[t])
        parts = gate_gradients(dh, states[t], r[t], u[t], m[t], n[t])
        dg = np.hstack([parts[0], parts[1], parts[third]])
        da[t] = np.hstack(parts[:3])
        dU += states[t].T @ dg
        dc += parts[dc_of].sum(axis=0)
        dh = back(dh, u[t], dg, U)
    return da, dU, dc, dh


def both_ways(dh, u, dg, U):
    return dh * u + dg @ U.T


def through_u_alone(*given):
    return walk(*given, lambda dh, u, dg, U: dg @ U.T)


def direct_alone(*given):
    return walk(*given, lambda dh, u, dg, U: dh * u)


def direct_is_one_minus_u(*given):
    return walk(*given, lambda dh, u, dg, U: dh * (1 - u) + dg @ U.T)


def direct_is_one(*given):
    return walk(*given, lambda dh, u, dg, U: dh + dg @ U.T)


def last_state_only(dy, *given):
    return walk(dy, *given, both_ways, own=lambda t, dh, d: dh + d if t == len(dy) - 1 else dh)


def dropped(*given):
    return walk(*given, both_ways, own=lambda t, dh, dy: dy)


def da_n_in_g(*given):
    return walk(*given, both_ways, third=2)


def dc_of_da_n(*given):
    return walk(*given, both_ways, dc_of=2)


def next_state(dy, states, r, u, m, n, U):
    da, _, dc, dh_0 = through_time(dy, states, r, u, m, n, U)
    dg = np.concatenate([da[..., : 2 * len(dc)], da[..., 2 * len(dc) :] * r], axis=-1)
    return da, sum(states[t + 1].T @ dg[t] for t in range(len(dy))), dc, dh_0


def last_written(dy, states, r, u, m, n, U):
    da, _, _, dh_0 = through_time(dy, states, r, u, m, n, U)
    H = U.shape[0]
    dm = da[0][:, 2 * H :] * r[0]
    return da, states[0].T @ np.hstack([da[0][:, : 2 * H], dm]), dm.sum(axis=0), dh_0


def dy_does_not_go_on(dy, states, r, u, m, n, U):
    T, N, H = dy.shape
    da, dU, dc, dh = np.zeros((T, N, 3 * H)), np.zeros_like(U), np.zeros(H), np.zeros((N, H))
    for t in reversed(range(T)):
        da_r, da_u, da_n, dm = gate_gradients(dh + dy[t], states[t], r[t], u[t], m[t], n[t])
        dg, da[t] = np.hstack([da_r, da_u, dm]), np.hstack([da_r, da_u, da_n])
        dU, dc, dh = dU + states[t].T @ dg, dc + dm.sum(axis=0), dh * u[t] + dg @ U.T
    return da, dU, dc, dh


def averaged_over_time(dy, *given):
    da, dU, dc, dh_0 = through_time(dy, *given)
    return da, dU / len(dy), dc / len(dy), dh_0


def no_transpose(*given):
    return walk(*given, lambda dh, u, dg, U: dh * u + dg @ U)


def two_of_23_6(*given):
    """The direct way is missing, and dc is of da_n."""
    return walk(*given, lambda dh, u, dg, U: dg @ U.T, dc_of=2)


def adds_into_dy(dy, states, r, u, m, n, U):
    dh = dy[-1]
    for t in range(len(dy) - 1, -1, -1):
        dh += dy[t]
    return through_time(dy, states, r, u, m, n, U)


def walk_by_products(dy, states, r, u, m, n, U):
    """dU and dc of all steps at once, behind the walk."""
    T, N, H = dy.shape
    da, dms, dh = np.empty((T, N, 3 * H)), np.empty((T, N, H)), 0
    for t in range(T)[::-1]:
        dh = dh + dy[t]
        da_n = dh * (1 - u[t]) * (1 - n[t] ** 2)
        da[t, :, 2 * H :], dms[t] = da_n, r[t] * da_n
        da[t, :, H : 2 * H] = dh * (states[t] - n[t]) * u[t] * (1 - u[t])
        da[t, :, :H] = dms[t] * m[t] * (1 - r[t])
        dh = u[t] * dh + da[t, :, : 2 * H] @ U[:, : 2 * H].T + dms[t] @ U[:, 2 * H :].T
    dg = np.concatenate([da[..., : 2 * H], dms], axis=2)
    return da, np.einsum("tni,tnj->ij", states[:-1], dg), dms.sum(axis=(0, 1)), dh


def walk_back(dy, states, r, u, m, n, U, start=0, skipped=0, share=(0, 1, 2), transposed=True, twice=0):
    T, N, H = dy.shape
    dh, da, dU, dc = np.zeros((N, H)) + start, np.zeros((T, N, 3 * H)), 0, 0
    for t in range(T - 1, -1, -1):
        dh = dh + (0 if t >= T - skipped else dy[t])
        *gates, da_n, dm = gate_gradients(dh, states[t], r[t], u[t], m[t], n[t])
        da[t] = np.hstack([*gates, da_n])
        g = [*gates, dm]
        dU, dc = dU + states[t].T @ np.hstack(g), dc + dm.sum(axis=0)
        W = [U[:, i * H : (i + 1) * H] for i in range(3)]
        dh = dh * u[t] + sum(g[i] @ (W[i].T if transposed else W[i]) for i in share) + twice * dy[t]
    return da, dU, dc, dh


def starts_with_the_last(dy, *rest):
    return walk_back(dy, *rest, start=dy[-1])


def without_the_last(dy, *rest):
    return walk_back(dy, *rest, skipped=1)


def gates_only(dy, *rest):
    return walk_back(dy, *rest, share=(0, 1))


def m_only(dy, *rest):
    return walk_back(dy, *rest, share=(2,))


def not_transposed(dy, *rest):
    return walk_back(dy, *rest, transposed=False)


def dy_twice(dy, *rest):
    return walk_back(dy, *rest, twice=1)


def first_dy_in_dh_0(dy, *rest):
    da, dU, dc, dh_0 = walk_back(dy, *rest)
    return da, dU, dc, dh_0 + dy[0]


def wraps_around(dy, states, r, u, m, n, U):
    dh = dy[-1]
    da, dU, dc = [], 0, 0
    for t in range(len(dy) - 1, -1, -1):
        da_r, da_u, da_n, dm = gate_gradients(dh, states[t], r[t], u[t], m[t], n[t])
        dg = np.hstack([da_r, da_u, dm])
        da.insert(0, np.hstack([da_r, da_u, da_n]))
        dU, dc = dU + states[t].T @ dg, dc + dm.sum(axis=0)
        dh = dy[t - 1] + dh * u[t] + dg @ U.T
    return np.array(da), dU, dc, dh


WRONG = {
    "23.1": [
        (first_choice_only, "that is the choice of the first rule alone"),
        (positive_log, "the sign: log p is negative"),
        (in_bits, "in bits"),
        (two_rules_deep, "stops after two rules"),
        (counts_alone, "p is missing in M"),
        (transposed, "M is transposed"),
        (surprise_not_averaged, "log p is not averaged"),
        (plus_m, "the sign of M"),
        (bits_and_transposed, "mend that first: a second mistake is left"),
        (whether_it_is_there, "a symbol that stands twice in a rule counts twice"),
        (all_rules_together, "M sums over those of all symbols"),
        (entropy_of_all, "expected shape"),
        (three_symbols, "it stopped with ValueError"),
        (without_i, "the I is missing"),
        (rules_alike_in_m, "not as if all were alike"),
    ],
    "23.2": [
        (not_zero, "that is where tokens are not 0"),
        (before_the_end, "the end mark counts as well"),
        (by_argmax, "a line without an end mark counts to its last place"),
        (behind_the_end, "the other way round"),
        (one_more, "one place too many"),
        (all_of_them, "every place counts"),
        (ends_before, "how many end marks there were"),
        (wrong_axis, "the sum goes over the lines"),
        (into_x, "it writes into its argument x"),
        (second_zero, "up to the next 0"),
        (number_of_tokens, "how many tokens are not 0"),
        (up_to_the_index, "the end mark is left out, and a line"),
        (zeros_if_no_end, "and not nothing"),
        (from_the_end_on, "1 from the end mark on"),
    ],
    "23.3": [
        (per_token, "divided by the number of tokens: the mean is over the lines"),
        (per_token_loss_only, "divided by the number of tokens"),
        (mean_of_everything, "divided by the number of all places"),
        (sum_of_lines, "that is the sum over the lines"),
        (gradient_without_mask, "the mask is missing in dlogits"),
        (no_mask_at_all, "the mask is missing"),
        (gradient_of_a_sum, "dlogits is not divided by N"),
        (gradient_turned, "the sign of dlogits"),
        (log_likelihood, "both signs: that is log p"),
        (without_one_hot, "1 is not subtracted where the token is"),
        (naive_softmax, "not finite"),
        (masked_logits, "the logits are multiplied with the mask"),
        (no_mask_and_per_place, "mend that first: a second mistake is left"),
        (loss_per_line, "expected a single number"),
        (log_of_softmax, "the logarithm of a p that is rounded to 0"),
        (log_with_epsilon, "some p are smaller"),
        (log_of_clipped, "some p are smaller"),
        (no_logarithm, "the logarithm is missing"),
        (entropy_for_loss, "p log p is added up"),
        (largest_not_put_back, "it belongs off o_k as well"),
        (mean_of_each_line, "a mean over the places of each line"),
        (minus_one_everywhere, "1 is subtracted for every token"),
    ],
    "23.4": [
        (as_in_the_paper, "u and 1 - u are exchanged"),
        (reset_before, "here it multiplies h before"),
        (c_outside, "c stands outside the product with r"),
        (u_first, "r and u are exchanged"),
        (no_tanh, "tanh is missing"),
        (tanh_gates, "gates have a sigmoid"),
        (no_reset, "r is missing in n"),
        (forgets_h, "the old state is missing"),
        (state_alone, "expected it to return h_new, r, u, m, n"),
        (no_tanh_and_exchanged, "mend that first: a second mistake is left"),
        (four_units, ""),
        (u_for_r, "r multiplies m in n; here it is u"),
        (r_for_u, "u weighs n and the old state; here it is r"),
        (gates_of_a_alone, "h U is missing in r and u"),
        (blocks_transposed, "the blocks of U are transposed"),
        (c_twice, "c stands in n once more"),
        (m_times_r, "m is returned with r"),
        (c_in_gates, "c is added in the gates"),
        (n_for_h, "h_new is n alone"),
    ],
    "23.5": [
        (u_sign, "the sign in da_u"),
        (u_without_n, "the one with n is forgotten"),
        (n_gets_u, "n has the factor 1 - u in h_new, not u"),
        (no_tanh_slope, "the derivative of tanh is missing"),
        (tanh_twice, ""),
        (no_gate_slopes, "da_u: the derivative of the sigmoid is missing in da_u"),
        (no_gate_slopes, "da_r: the derivative of the sigmoid is missing in da_r"),
        (half_slopes, "da_u: the derivative of the sigmoid is u (1 - u), and u is missing"),
        (half_slopes, "dm: no sigmoid is between m and the sum"),
        (r_gets_n, "r was multiplied by m, not by n"),
        (m_without_r, "m was multiplied by r, and r is missing"),
        (r_from_dm, "m and r, not m alone"),
        (before_tanh, "m and r are inside tanh"),
        (two_of_23_5, "n has the factor 1 - u in h_new, not u"),
        (another_order, "the order is da_r, da_u, da_n, dm"),
        (r_and_m_exchanged, "m and r are exchanged"),
        (square_of_the_difference, "not (1 - n)^2"),
        (r_gets_h, "r was multiplied by m, not by h"),
    ],
    "23.6": [
        (through_u_alone, "the direct way is missing"),
        (direct_alone, "the way through U is missing"),
        (direct_is_one_minus_u, "the direct way has u, not 1 - u"),
        (direct_is_one, "the direct way is multiplied by u"),
        (last_state_only, "only the last dy is used"),
        (dropped, "what comes from the later step is dropped"),
        (da_n_in_g, "U's third block gets dm, not da_n"),
        (dc_of_da_n, "dc is the sum of dm, not of da_n"),
        (next_state, "dU takes the state behind the step"),
        (last_written, "dU and dc are those of one step"),
        (dy_does_not_go_on, "the direct way has dh without it"),
        (averaged_over_time, "dU and dc are divided by T"),
        (no_transpose, "it stopped with ValueError"),
        (two_of_23_6, "mend that first: a second mistake is left"),
        (adds_into_dy, "it writes into its argument dy"),
        (starts_with_the_last, "the last dy is used twice"),
        (without_the_last, "the last dy is left out"),
        (gates_only, "the block of n is missing"),
        (m_only, "the blocks of the gates are missing"),
        (not_transposed, "the blocks of U are not transposed"),
        (dy_twice, "dy[t] is added to the state before as well"),
        (first_dy_in_dh_0, "states[0] was the output of no step"),
        (wraps_around, "dy[t - 1] is the last one at t = 0"),
    ],
}
RIGHT = {
    "23.1": [by_repetition, by_visits],
    "23.2": [mask_in_loops, mask_of_products, mask_of_truths],
    "23.3": [loss_in_loops, loss_by_indexing],
    "23.4": [step_in_loops, step_by_tanh],
    "23.5": [gates_as_a_chain, gates_by_differences],
    "23.6": [walk_by_products],
}
FIXED = {}

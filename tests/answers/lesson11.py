"""Answers of lesson 11 that people give: wrong ones with the words that name them, and right ones that look unusual."""

import math

import numpy as np

# ---- 11.1


def entry_by_entry(a, b):
    return np.max(np.abs(a - b) / np.abs(b))


def by_a(a, b):
    return np.abs(a - b).max() / np.abs(a).max()


def abs_too_late(a, b):
    return abs((a - b).max()) / abs(b).max()


def plain_b(a, b):
    return np.abs(a - b).max() / b.max()


def abs_first(a, b):
    return np.max(np.abs(a) - np.abs(b)) / np.abs(b).max()


def by_norms(a, b):
    return np.linalg.norm(a - b) / np.linalg.norm(b)


def means(a, b):
    return np.mean(np.abs(a - b)) / np.mean(np.abs(b))


def absolute_error(a, b):
    return np.abs(a - b).max()


def by_columns(a, b):
    return np.abs(a - b).max(axis=0) / np.abs(b).max(axis=0)


def whether_equal(a, b):
    return np.allclose(a, b)


def in_percent(a, b):
    return 100 * np.abs(a - b).max() / np.abs(b).max()


def nine_rows(a, b):
    return max(np.abs(a[i] - b[i]).max() for i in range(9)) / np.abs(b[:9]).max()


def two_of_11_1(a, b):
    """By the largest a, and means above."""
    return np.abs(a - b).mean() / np.abs(a).max()


def writes_the_difference(a, b):
    a -= b
    return np.abs(a).max() / np.abs(b).max()


def in_a_loop(a, b):
    above = below = 0.0
    for x, y in zip(a.flat, b.flat, strict=True):
        above, below = max(above, abs(x - y)), max(below, abs(y))
    return float(above / below)


def by_infinity_norms(a, b):
    return np.linalg.norm((a - b).ravel(), np.inf) / np.linalg.norm(b.ravel(), np.inf)


# ---- 11.2


def naive(log_w):
    return np.log(np.mean(np.exp(log_w), axis=0))


def top_of_all(log_w):
    top = log_w.max()
    return top + np.log(np.exp(log_w - top).mean(axis=0))


def not_back(log_w):
    top = log_w.max(axis=0)
    return np.log(np.exp(log_w - top).mean(axis=0))


def the_sum(log_w):
    top = log_w.max(axis=0)
    return top + np.log(np.exp(log_w - top).sum(axis=0))


def other_axis(log_w):
    top = log_w.max(axis=1, keepdims=True)
    return (top + np.log(np.exp(log_w - top).mean(axis=1, keepdims=True)))[:, 0]


def top_kept(log_w):
    top = log_w.max(axis=0, keepdims=True)
    return top + np.log(np.exp(log_w - top).mean(axis=0))


def mean_of_logs(log_w):
    return log_w.mean(axis=0)


def lowest(log_w):
    low = log_w.min(axis=0)
    return low + np.log(np.exp(log_w - low).mean(axis=0))


def scipy_like(log_w):
    return np.logaddexp.reduce(log_w, axis=1) - np.log(log_w.shape[1])


def two_of_11_2(log_w):
    """The sum, and not added back."""
    return np.log(np.exp(log_w - log_w.max(axis=0)).sum(axis=0))


def five_samples(log_w):
    top = log_w.max(axis=0)
    return top + np.log(sum(np.exp(log_w[k] - top) for k in range(5)) / 5)


def shifts_in_place(log_w):
    top = log_w.max(axis=0)
    log_w -= top
    return top + np.log(np.exp(log_w).mean(axis=0))


def by_logaddexp(log_w):
    return np.logaddexp.reduce(log_w, axis=0) - math.log(len(log_w))


def sorted_first(log_w):
    *rest, top = np.sort(log_w, axis=0)
    return top + np.log1p(np.exp(np.array(rest) - top).sum(0)) - np.log(log_w.shape[0])


def column_by_column(log_w):
    return np.array([max(w) + math.log(sum(math.exp(a - max(w)) for a in w) / len(w)) for w in log_w.T])


# ---- 11.3


def only_reads(n, itemsize, unary, binary, inputs, outputs):
    return n * itemsize * (unary + 2 * binary), n * itemsize * inputs


def two_for_each(n, itemsize, unary, binary, inputs, outputs):
    return 2 * (unary + binary) * n * itemsize, (inputs + outputs) * n * itemsize


def no_bytes(n, itemsize, unary, binary, inputs, outputs):
    return (2 * unary + 3 * binary) * n, (inputs + outputs) * n


def other_order(n, itemsize, unary, binary, inputs, outputs):
    return (inputs + outputs) * n * itemsize, (2 * unary + 3 * binary) * n * itemsize


def launches(n, itemsize, unary, binary, inputs, outputs):
    return (2 * unary + 3 * binary) * n * itemsize, n * itemsize


def inputs_again(n, itemsize, unary, binary, inputs, outputs):
    return (2 * unary + 3 * binary) * n * itemsize, (inputs * (unary + binary) + outputs) * n * itemsize


def one_total(n, itemsize, unary, binary, inputs, outputs):
    return (2 * unary + 3 * binary + inputs + outputs) * n * itemsize


def two_of_11_3(n, itemsize, unary, binary, inputs, outputs):
    """An operation with two arguments counts two, and numbers for bytes."""
    return 2 * (unary + binary) * n, (inputs + outputs) * n


def float32_only(n, itemsize, unary, binary, inputs, outputs):
    return (2 * unary + 3 * binary) * n * 4, (inputs + outputs) * n * 4


def of_sample_and_kl(n, itemsize, unary, binary, inputs, outputs):
    return (2 * 6 + 3 * 4) * n * itemsize, (3 + 2) * n * itemsize


def first_draw(n, itemsize, unary, binary, inputs, outputs):
    return (2 * unary + 3 * binary) * n * itemsize, 28 * n * itemsize


def scales_n(n, itemsize, unary, binary, inputs, outputs):
    n *= itemsize
    return (2 * unary + 3 * binary) * n, (inputs + outputs) * n


def step_by_step(n, itemsize, unary, binary, inputs, outputs):
    plain = 0 * n
    for _ in range(unary):
        plain = plain + n + n
    for _ in range(binary):
        plain = plain + 2 * n + n
    return np.array([plain, n * inputs + n * outputs]) * itemsize


# ---- 11.4


def whole_blocks(mu, log_var, eps, block):
    z, kl = np.zeros_like(mu), np.zeros_like(mu)
    for i in range(len(mu) // block):
        part = slice(i * block, (i + 1) * block)
        std = np.exp(0.5 * log_var[part])
        z[part] = mu[part] + std * eps[part]
        kl[part] = 0.5 * (mu[part] * mu[part] + std * std - 1 - log_var[part])
    return z, kl


def whole_blocks_never_set(mu, log_var, eps, block):
    z, kl = np.empty_like(mu), np.empty_like(mu)
    for i in range(len(mu) // block):
        part = slice(i * block, (i + 1) * block)
        std = np.exp(0.5 * log_var[part])
        z[part] = mu[part] + std * eps[part]
        kl[part] = 0.5 * (mu[part] * mu[part] + std * std - 1 - log_var[part])
    return z, kl


def buffer_too_long(mu, log_var, eps, block):
    z, kl, std = np.empty_like(mu), np.empty_like(mu), np.empty(block)
    for start in range(0, len(mu), block):
        part = slice(start, start + block)
        np.multiply(log_var[part], 0.5, out=std)
        np.exp(std, out=std)
        z[part] = mu[part] + std * eps[part]
        kl[part] = 0.5 * (mu[part] * mu[part] + std * std - 1 - log_var[part])
    return z, kl


def one_array(mu, log_var, eps, block):
    z = kl = np.zeros_like(mu)
    for start in range(0, len(mu), block):
        part = slice(start, start + block)
        std = np.exp(0.5 * log_var[part])
        z[part] = mu[part] + std * eps[part]
        kl[part] = 0.5 * (mu[part] * mu[part] + std * std - 1 - log_var[part])
    return z, kl


def squares_std_first(mu, log_var, eps, block):
    z, kl = np.zeros_like(mu), np.zeros_like(mu)
    for start in range(0, len(mu), block):
        part = slice(start, start + block)
        std = np.exp(0.5 * log_var[part])
        std *= std
        kl[part] = 0.5 * (mu[part] * mu[part] + std - 1 - log_var[part])
        z[part] = mu[part] + std * eps[part]
    return z, kl


def other_operation(mu, log_var, eps, block):
    z, kl = np.zeros_like(mu), np.zeros_like(mu)
    for start in range(0, len(mu), block):
        part = slice(start, start + block)
        std = np.exp(0.5 * log_var[part])
        z[part] = mu[part] + std * eps[part]
        kl[part] = 0.5 * (mu[part] ** 2 + np.exp(log_var[part]) - 1 - log_var[part])
    return z, kl


def other_order_of_kl(mu, log_var, eps, block):
    z, kl = np.zeros_like(mu), np.zeros_like(mu)
    for start in range(0, len(mu), block):
        part = slice(start, start + block)
        std = np.exp(0.5 * log_var[part])
        z[part] = mu[part] + std * eps[part]
        kl[part] = 0.5 * (std * std - 1 - log_var[part] + mu[part] * mu[part])
    return z, kl


def into_mu(mu, log_var, eps, block):
    std = np.exp(0.5 * log_var)
    kl = 0.5 * (mu * mu + std * std - 1 - log_var)
    mu += std * eps
    return mu, kl


def first_eps(mu, log_var, eps, block):
    z, kl = np.zeros_like(mu), np.zeros_like(mu)
    for start in range(0, len(mu), block):
        m, l = mu[start : start + block], log_var[start : start + block]
        std = np.exp(0.5 * l)
        z[start : start + block] = m + std * eps[: len(m)]
        kl[start : start + block] = 0.5 * (m * m + std * std - 1 - l)
    return z, kl


def two_of_11_4(mu, log_var, eps, block):
    """kl with std for the variance, and without its half."""
    std = np.exp(0.5 * log_var)
    return mu + std * eps, mu * mu + std - 1 - log_var


def blocks_of_eleven(mu, log_var, eps, block):
    z, kl = np.zeros_like(mu), np.zeros_like(mu)
    for i in range(4):
        part = slice(11 * i, 11 * (i + 1))
        std = np.exp(0.5 * log_var[part])
        z[part] = mu[part] + std * eps[part]
        kl[part] = 0.5 * (mu[part] * mu[part] + std * std - 1 - log_var[part])
    return z, kl


def only_z(mu, log_var, eps, block):
    return mu + np.exp(0.5 * log_var) * eps


def summed_kl(mu, log_var, eps, block):
    std = np.exp(0.5 * log_var)
    return mu + std * eps, 0.5 * (mu * mu + std * std - 1 - log_var).sum()


def in_pieces(mu, log_var, eps, block):
    found = []
    for start in range(0, len(mu), block):
        m, l, e = (a[start : start + block] for a in (mu, log_var, eps))
        std = np.exp(l * 0.5)
        found.append([std * e + m, (m * m + std * std - 1 - l) * 0.5])
    return np.concatenate(found, axis=1)


def split_evenly(mu, log_var, eps, block):
    """Blocks that are no longer than block, of nearly one length."""
    z, kl = np.empty_like(mu), np.empty_like(mu)
    parts = -(-len(mu) // block)
    for m, l, e, z_part, kl_part in zip(*(np.array_split(a, parts) for a in (mu, log_var, eps, z, kl)), strict=True):
        std = np.exp(l / 2)
        np.add(m, np.multiply(std, e), out=z_part)
        kl_part[:] = m * m
        kl_part += std * std
        kl_part -= 1
        kl_part -= l
        kl_part /= 2
    return [z, kl]


# ---- 11.5


def numpy_sum(x):
    return x.sum(axis=0)


def running(x):
    total = np.zeros(x.shape[1])
    for row in x:
        total = total + row
    return total


def neighbors(x):
    while len(x) > 1:
        x = x[::2] + x[1::2]
    return x[0]


def two_rows(x):
    while len(x) > 2:
        half = len(x) // 2
        x = x[:half] + x[half:]
    return x[0]


def still_a_row(x):
    while len(x) > 1:
        half = len(x) // 2
        x = x[:half] + x[half:]
    return x


def in_place(x):
    n = len(x)
    while n > 1:
        n //= 2
        x[:n] += x[n : 2 * n]
    return x[0]


def exact(x):
    return np.array([math.fsum(column) for column in x.T])


def of_rows(x):
    while x.shape[1] > 1:
        half = x.shape[1] // 2
        x = x[:, :half] + x[:, half : 2 * half]
    return x[:, 0]


def six_levels(x):
    for _ in range(6):
        half = len(x) // 2
        x = x[:half] + x[half:]
    return x[0]


def sixty_four(x):
    for half in (32, 16, 8, 4, 2, 1):
        x = x[:half] + x[half:]
    return x[0]


def two_of_11_5(x):
    """The mean, and the second half is lost."""
    return x[0] / len(x)


def recursive(x):
    if len(x) == 1:
        return x[0]
    half = len(x) // 2
    return recursive(x[:half] + x[half:])


def by_reshape(x):
    while x.shape[0] > 1:
        x = x.reshape(2, -1, x.shape[1]).sum(axis=0)
    return x[0]


def on_a_copy(x):
    x, n = x.copy(), len(x)
    while n > 1:
        n //= 2
        x[:n] += x[n : 2 * n]
    return x[0]


SECOND = "mend that first: a second mistake is left"
LAST_BITS = "right but for the last bits"
WRONG = {
    "11.1": [
        (entry_by_entry, "divided entry by entry"),
        (by_a, "divided by the largest |a|"),
        (abs_too_late, "the largest a - b without |.|"),
        (plain_b, "the largest b without |.|"),
        (abs_first, "the difference of |a| and |b|"),
        (by_norms, "the quotient of two norms"),
        (means, "the mean of the differences"),
        (absolute_error, "not divided"),
        (by_columns, "got shape"),
        (whether_equal, ""),
        (in_percent, ""),
        (nine_rows, "does it take a size for granted?"),
        (two_of_11_1, SECOND),
        (writes_the_difference, "it writes into its argument a"),
    ],
    "11.2": [
        (naive, "without the largest taken out"),
        (top_of_all, "the largest of all columns is taken out"),
        (not_back, "the largest is not added back"),
        (the_sum, "the sum over k, not the mean"),
        (other_axis, "over the last axis; k is the first"),
        (top_kept, "the right numbers, in another shape"),
        (mean_of_logs, "the mean of the logs"),
        (lowest, "what is taken out is not the largest"),
        (scipy_like, "over the last axis; k is the first"),
        (two_of_11_2, SECOND),
        (five_samples, "it stopped with IndexError"),
        (shifts_in_place, "it writes into its argument log_w"),
    ],
    "11.3": [
        (only_reads, "what is read is counted, what is written is not"),
        (two_for_each, "that is three"),
        (no_bytes, "numbers are counted, not bytes"),
        (other_order, "plain and fused are exchanged"),
        (launches, "fused: it is off by exactly the factor"),
        (inputs_again, "fused, an input is read once"),
        (one_total, "expected it to return plain, fused"),
        (two_of_11_3, "a second mistake is left"),
        (float32_only, ""),
        (of_sample_and_kl, ""),
        (first_draw, "went well"),
        (scales_n, "it writes into its argument n"),
    ],
    "11.4": [
        (whole_blocks, "the last block, which is shorter, is left out"),
        (whole_blocks_never_set, "np.empty holds what was in memory before"),
        (buffer_too_long, "it stopped with ValueError"),
        (one_array, "z and kl are one array"),
        (squares_std_first, "std is squared before z is made"),
        (other_operation, LAST_BITS),
        (other_order_of_kl, LAST_BITS),
        (into_mu, "it writes into its argument mu"),
        (first_eps, "every block takes the first eps"),
        (two_of_11_4, SECOND),
        (blocks_of_eleven, "went well"),
        (only_z, "expected it to return z, kl"),
        (summed_kl, "kl: summed over everything"),
    ],
    "11.5": [
        (numpy_sum, "that is the running sum"),
        (running, "that is the running sum"),
        (neighbors, "each row with its neighbor"),
        (two_rows, "the last level is missing"),
        (still_a_row, "the right numbers, in another shape"),
        (in_place, "it writes into its argument x"),
        (exact, ""),
        (of_rows, "got shape"),
        (six_levels, "does it take a size for granted?"),
        (sixty_four, "does it take a size for granted?"),
        (two_of_11_5, SECOND),
    ],
}
RIGHT = {
    "11.1": [in_a_loop, by_infinity_norms],
    "11.2": [by_logaddexp, sorted_first, column_by_column],
    "11.3": [step_by_step],
    "11.4": [in_pieces, split_evenly],
    "11.5": [recursive, by_reshape, on_a_copy],
}

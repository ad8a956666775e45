"""Answers of lesson 5 that people give: wrong ones with the words that name them, and right ones that look unusual."""

import math

import numpy as np

# ---- 5.1


def exchanged(curvatures):
    a, b = min(curvatures), max(curvatures)
    return 2 / (a + b), 2 / b, (b - a) / (b + a)


def ends(curvatures):
    a, b = curvatures[0], curvatures[-1]
    return 2 / b, 2 / (a + b), (b - a) / (b + a)


def one_over_max(curvatures):
    a, b = np.min(curvatures), np.max(curvatures)
    return 1 / b, 2 / (a + b), (b - a) / (b + a)


def mean_of_both(curvatures):
    a, b = np.min(curvatures), np.max(curvatures)
    return 2 / b, 1 / (a + b), (b - a) / (a + b)


def factor_of_the_steep(curvatures):
    a, b = np.min(curvatures), np.max(curvatures)
    best = 2 / (a + b)
    return 2 / b, best, 1 - best * b


def lost_share(curvatures):
    a, b = np.min(curvatures), np.max(curvatures)
    best = 2 / (a + b)
    return 2 / b, best, best * a


def per_curvature(curvatures):
    return 2 / curvatures, 2 / (curvatures.min() + curvatures.max()), 0.9


def two_of_5_1(curvatures):
    """1 / max, and the factor at the limit."""
    a, b = np.min(curvatures), np.max(curvatures)
    return 1 / b, 2 / (a + b), 1 - 2 * a / b


def first_ten(curvatures):
    a, b = curvatures[:10].min(), curvatures[:10].max()
    return 2 / b, 2 / (a + b), (b - a) / (b + a)


def sorts_in_place(curvatures):
    curvatures.sort()
    a, b = curvatures[0], curvatures[-1]
    return 2 / b, 2 / (a + b), (b - a) / (b + a)


def by_sorting(curvatures):
    a, *_, b = sorted(float(c) for c in curvatures)
    lr = 2 / (a + b)
    return 2.0 / b, lr, 1 - lr * a


def in_one_array(curvatures):
    low, high = np.sort(curvatures)[[0, -1]]
    return np.array([2 / high, 2 / (low + high), (high / low - 1) / (high / low + 1)])


# ---- 5.2


def old_velocity(theta, velocity, g, lr, momentum):
    theta = theta - lr * velocity
    velocity = momentum * velocity + g
    return theta, velocity


def average(theta, velocity, g, lr, momentum):
    velocity = momentum * velocity + (1 - momentum) * g
    return theta - lr * velocity, velocity


def as_in_keras(theta, velocity, g, lr, momentum):
    velocity = momentum * velocity - lr * g
    return theta + velocity, velocity


def up(theta, velocity, g, lr, momentum):
    velocity = velocity * momentum + g
    return theta + lr * velocity, velocity


def nesterov(theta, velocity, g, lr, momentum):
    velocity = momentum * velocity + g
    return theta - lr * (g + momentum * velocity), velocity


def in_place(theta, velocity, g, lr, momentum):
    velocity *= momentum
    velocity += g
    return theta - lr * velocity, velocity


def two_of_5_2(theta, velocity, g, lr, momentum):
    """The average, and up the slope."""
    velocity = momentum * velocity + (1 - momentum) * g
    return theta + lr * velocity, velocity


def velocity_first(theta, velocity, g, lr, momentum):
    velocity = momentum * velocity + g
    return velocity, theta - lr * velocity


def only_theta(theta, velocity, g, lr, momentum):
    return theta - lr * (momentum * velocity + g)


def nine_weights(theta, velocity, g, lr, momentum):
    new_theta, new_velocity = np.zeros(9), np.zeros(9)
    for i in range(9):
        new_velocity[i] = momentum * velocity[i] + g[i]
        new_theta[i] = theta[i] - lr * new_velocity[i]
    return new_theta, new_velocity


def step_then_velocity(theta, velocity, g, lr, momentum):
    return theta - lr * g - lr * momentum * velocity, g + momentum * velocity


def weight_by_weight(theta, velocity, g, lr, momentum):
    return np.array([[t - lr * (momentum * v + d), momentum * v + d]
                     for t, v, d in zip(theta, velocity, g, strict=True)]).T  # fmt: skip


# ---- 5.3


def uncorrected(theta, m, v, g, t, lr, b1=0.9, b2=0.999, adam_eps=1e-8):
    m = b1 * m + (1 - b1) * g
    v = b2 * v + (1 - b2) * g**2
    return theta - lr * m / (np.sqrt(v) + adam_eps), m, v


def counts_from_0(theta, m, v, g, t, lr, b1=0.9, b2=0.999, adam_eps=1e-8):
    m = b1 * m + (1 - b1) * g
    v = b2 * v + (1 - b2) * g**2
    m_hat = m / (1 - b1 ** (t + 1))
    v_hat = v / (1 - b2 ** (t + 1))
    return theta - lr * m_hat / (np.sqrt(v_hat) + adam_eps), m, v


def keeps_the_hats(theta, m, v, g, t, lr, b1=0.9, b2=0.999, adam_eps=1e-8):
    m = (b1 * m + (1 - b1) * g) / (1 - b1**t)
    v = (b2 * v + (1 - b2) * g**2) / (1 - b2**t)
    return theta - lr * m / (np.sqrt(v) + adam_eps), m, v


def eps_inside(theta, m, v, g, t, lr, b1=0.9, b2=0.999, adam_eps=1e-8):
    m = b1 * m + (1 - b1) * g
    v = b2 * v + (1 - b2) * g**2
    return theta - lr * m / (1 - b1**t) / np.sqrt(v / (1 - b2**t) + adam_eps), m, v


def own_constants(theta, m, v, g, t, lr, b1=0.9, b2=0.999, adam_eps=1e-8):
    m = 0.9 * m + 0.1 * g
    v = 0.999 * v + 0.001 * g**2
    return theta - lr * m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8), m, v


def not_squared(theta, m, v, g, t, lr, b1=0.9, b2=0.999, adam_eps=1e-8):
    m = b1 * m + (1 - b1) * g
    v = b2 * v + (1 - b2) * g
    return theta - lr * m / (1 - b1**t) / (np.sqrt(v / (1 - b2**t)) + adam_eps), m, v


def no_root(theta, m, v, g, t, lr, b1=0.9, b2=0.999, adam_eps=1e-8):
    m = b1 * m + (1 - b1) * g
    v = b2 * v + (1 - b2) * g**2
    return theta - lr * m / (1 - b1**t) / (v / (1 - b2**t) + adam_eps), m, v


def by_the_limit(theta, m, v, g, t, lr, b1=0.9, b2=0.999, adam_eps=1e-8):
    m = b1 * m + (1 - b1) * g
    v = b2 * v + (1 - b2) * g**2
    return theta - lr * (m / (1 - b1)) / (np.sqrt(v / (1 - b2)) + adam_eps), m, v


def two_of_5_3(theta, m, v, g, t, lr, b1=0.9, b2=0.999, adam_eps=1e-8):
    """v without its correction, and lr forgotten."""
    m = b1 * m + (1 - b1) * g
    v = b2 * v + (1 - b2) * g**2
    return theta - m / (1 - b1**t) / (np.sqrt(v) + adam_eps), m, v


def fourth_step(theta, m, v, g, t, lr, b1=0.9, b2=0.999, adam_eps=1e-8):
    m = b1 * m + (1 - b1) * g
    v = b2 * v + (1 - b2) * g**2
    return theta - lr * m / (1 - b1**4) / (np.sqrt(v / (1 - b2**4)) + adam_eps), m, v


def adam_in_place(theta, m, v, g, t, lr, b1=0.9, b2=0.999, adam_eps=1e-8):
    m *= b1
    m += (1 - b1) * g
    v *= b2
    v += (1 - b2) * g**2
    return theta - lr * m / (1 - b1**t) / (np.sqrt(v / (1 - b2**t)) + adam_eps), m, v


def adam_none(theta, m, v, g, t, lr, b1=0.9, b2=0.999, adam_eps=1e-8):
    m = b1 * m + (1 - b1) * g
    v = b2 * v + (1 - b2) * g**2
    theta = theta - lr * m / (1 - b1**t) / (np.sqrt(v / (1 - b2**t)) + adam_eps)


def one_memory(theta, m, v, g, t, lr, b1=0.9, b2=0.999, adam_eps=1e-8):
    first = second = np.zeros_like(m)
    first += b1 * m + (1 - b1) * g
    m_hat = first / (1 - b1**t)
    second[:] = b2 * v + (1 - b2) * g**2
    return theta - lr * m_hat / (np.sqrt(second / (1 - b2**t)) + adam_eps), first, second


def factors_in_the_rate(theta, m, v, g, t, lr, b1=0.9, b2=0.999, adam_eps=1e-8):
    m = m + (1 - b1) * (g - m)
    v = v + (1 - b2) * (g * g - v)
    root = math.sqrt(1 - b2**t)
    return theta - lr * root / (1 - b1**t) * m / (np.sqrt(v) + adam_eps * root), m, v


def adam_by_weight(theta, m, v, g, t, lr, b1=0.9, b2=0.999, adam_eps=1e-8):
    found = []
    for a, b, c, d in zip(theta, m, v, g, strict=True):
        b, c = b1 * b + (1 - b1) * d, b2 * c + (1 - b2) * d * d
        found.append((a - lr * (b / (1 - b1**t)) / (math.sqrt(c / (1 - b2**t)) + adam_eps), b, c))
    return np.stack(found, axis=1)


# ---- 5.4


def by_entry(g, largest):
    return np.clip(g, -largest, largest)


def always(g, largest):
    return g / np.linalg.norm(g) * largest


def to_norm_1(g, largest):
    norm = np.linalg.norm(g)
    return g / norm if norm > largest else g


def squared_norm(g, largest):
    norm = np.sum(g**2)
    return g * largest / norm if norm > largest else g


def largest_entry(g, largest):
    norm = np.abs(g).max()
    return g * (largest / norm) if norm > largest else g


def writes_into_g(g, largest):
    norm = np.linalg.norm(g)
    if norm > largest:
        g *= largest / norm
    return g


def forgets_to_return(g, largest):
    norm = np.linalg.norm(g)
    if norm > largest:
        return g * largest / norm


def the_factor(g, largest):
    return min(1, largest / np.linalg.norm(g))


def two_of_5_4(g, largest):
    """The mean of the squares, and the sign."""
    return -g * min(1, largest / np.sqrt((g * g).mean()))


def norm_of_ten(g, largest):
    total = 0
    for i in range(10):
        total += g[i] ** 2
    return g * min(1, largest / total**0.5)


def by_where(g, largest):
    norm = math.sqrt(sum(float(a) ** 2 for a in g))
    return np.where(norm > largest, g * (largest / norm), g)


def with_a_tiny_number(g, largest):
    return g / max(1.0, math.hypot(*g) / largest + 1e-9)


# ---- 5.5


def rises_from_0(t, lr, warm, steps):
    return lr * np.minimum(1, t / warm) * (1 + np.cos(np.pi * np.minimum(1, t / steps))) / 2


def comes_up_again(t, lr, warm, steps):
    return lr * np.minimum(1, (t + 1) / warm) * (1 + np.cos(np.pi * t / steps)) / 2


def python_min(t, lr, warm, steps):
    return lr * min(1, (t + 1) / warm) * (1 + math.cos(math.pi * min(1, t / steps))) / 2


def one_or_the_other(t, lr, warm, steps):
    cosine = 0.5 * (1 + np.cos(np.pi * np.minimum(1, t / steps)))
    return np.where(t < warm, lr * (t + 1) / warm, lr * cosine)


def after_the_warm_up(t, lr, warm, steps):
    part = np.clip((t - warm) / (steps - warm), 0, 1)
    return lr * np.minimum((t + 1) / warm, 1) * 0.5 * (1 + np.cos(np.pi * part))


def no_half(t, lr, warm, steps):
    return lr * np.minimum((t + 1) / warm, 1) * (1 + np.cos(np.pi * np.minimum(t / steps, 1)))


def in_degrees(t, lr, warm, steps):
    return lr * np.minimum((t + 1) / warm, 1) * 0.5 * (1 + np.cos(180 * np.minimum(t / steps, 1)))


def two_of_5_5(t, lr, warm, steps):
    """From 0, and comes up again."""
    return lr * np.minimum(t / warm, 1) * 0.5 * (1 + np.cos(np.pi * t / steps))


def arrays_only(t, lr, warm, steps):
    rate = np.zeros(len(t))
    for i in range(len(t)):
        rate[i] = lr * min((t[i] + 1) / warm, 1) * 0.5 * (1 + math.cos(math.pi * min(t[i] / steps, 1)))
    return rate


def six_warm_steps(t, lr, warm, steps):
    return lr * np.minimum((t + 1) / 6, 1) * 0.5 * (1 + np.cos(np.pi * np.minimum(t / steps, 1)))


def by_where_and_square(t, lr, warm, steps):
    rise = np.where(t + 1 < warm, (t + 1) / warm, 1.0)
    return np.where(t < steps, lr * rise * np.cos(0.5 * np.pi * t / steps) ** 2, 0.0)


@np.vectorize
def one_at_a_time(t, lr, warm, steps):
    return lr * min((t + 1) / warm, 1.0) * 0.5 * (1 + math.cos(math.pi * t / steps)) * (t < steps)


SECOND = "mend that first: a second mistake is left"
WRONG = {
    "5.1": [
        (exchanged, "limit and best are exchanged"),
        (ends, "not the first and the last"),
        (one_over_max, "limit: 1 / max: there the steepest coordinate arrives in one step"),
        (mean_of_both, "best: half of it: 2 over the sum of both"),
        (factor_of_the_steep, "factor: the sign is wrong"),
        (lost_share, "that is what the worst coordinate loses"),
        (per_curvature, "got shape"),
        (two_of_5_1, "factor: that is the factor at the limit, not at the best rate"),
        (first_ten, "of other sizes, went well"),
        (sorts_in_place, "it writes into its argument curvatures"),
    ],
    "5.2": [
        (old_velocity, "theta moves by the velocity of the step before"),
        (average, "that is an average; we keep the sum"),
        (as_in_keras, "lr and the sign are inside the velocity"),
        (up, "theta goes up the slope"),
        (nesterov, "that is Nesterov's step"),
        (in_place, "it writes into its argument velocity"),
        (two_of_5_2, SECOND),
        (velocity_first, "the order is theta, velocity"),
        (only_theta, "expected it to return theta, velocity"),
        (nine_weights, "of other sizes, went well"),
    ],
    "5.3": [
        (uncorrected, "the bias correction is missing"),
        (counts_from_0, "so the power is t, not t + 1"),
        (keeps_the_hats, "m and v come back corrected"),
        (eps_inside, "adam_eps is inside the root"),
        (own_constants, ""),
        (not_squared, "v averages g, not its square"),
        (no_root, "the root of v_hat is missing"),
        (by_the_limit, "the correction divides by 1 - b, without the power t"),
        (two_of_5_3, SECOND),
        (fourth_step, "went well"),
        (adam_in_place, "it writes into its argument m"),
        (adam_none, "got None: is a return missing?"),
        (one_memory, "m and v are one array"),
    ],
    "5.4": [
        (by_entry, "each entry is clipped by itself"),
        (always, "a short gradient is made longer"),
        (to_norm_1, "that is clipped to norm 1"),
        (squared_norm, "the root is missing"),
        (largest_entry, "the norm is that of the largest entry"),
        (writes_into_g, "it writes into its argument g"),
        (forgets_to_return, "expected an array, got None"),
        (the_factor, "got a single number"),
        (two_of_5_4, "the sign is wrong, and it is off by exactly the factor"),
        (norm_of_ten, "went well"),
    ],
    "5.5": [
        (rises_from_0, "the warm-up counts t + 1"),
        (comes_up_again, "after the end the cosine comes up again"),
        (python_min, "it stopped with"),
        (one_or_the_other, "both factors count during the warm-up"),
        (after_the_warm_up, "the cosine begins after the warm-up"),
        (no_half, "the half is missing"),
        (in_degrees, ""),
        (two_of_5_5, ""),
        (arrays_only, "it stopped with TypeError"),
        (six_warm_steps, "went well"),
    ],
}
RIGHT = {
    "5.1": [by_sorting, in_one_array],
    "5.2": [step_then_velocity, weight_by_weight],
    "5.3": [factors_in_the_rate, adam_by_weight],
    "5.4": [by_where, with_a_tiny_number],
    "5.5": [by_where_and_square, one_at_a_time],
}

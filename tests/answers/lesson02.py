"""Answers of lesson 2 that people give: wrong ones with the words that name them, and right ones that look unusual."""

import numpy as np

from minivae.teach import exercise

central_difference, four_points, best_step, complex_step, directional_check = (
    exercise(number).reference for number in ("2.1", "2.2", "2.3", "2.4", "2.5")
)


def along(f, x, v):
    return lambda s: f(x + s * v)


# ---- 2.1


def point_by_point(f, x, h):
    values = [(f(a + h) - f(a - h)) / (2 * h) for a in np.ravel(x)]
    return np.array(values).reshape(np.shape(x))


def forward_and_backward(f, x, h):
    forward, backward = (f(x + h) - f(x)) / h, (f(x) - f(x - h)) / h
    return (forward + backward) / 2


def moving_x(f, x, h):
    x += h
    right = f(x)
    x -= 2 * h
    return (right - f(x)) / (2 * h)


def needs_an_array(f, x, h):
    return np.array([(f(a + h) - f(a - h)) / (2 * h) for a in x])


# ---- 2.2


def from_four_values(f, x, h):
    return (f(x - 2 * h) - 8 * f(x - h) + 8 * f(x + h) - f(x + 2 * h)) / (12 * h)


def a_third_more(f, x, h):
    fine = central_difference(f, x, h)
    return fine + (fine - central_difference(f, x, 2 * h)) / 3


def wrong_sign_of_the_correction(f, x, h):
    fine = central_difference(f, x, h)
    return fine - (fine - central_difference(f, x, 2 * h)) / 3


# ---- 2.3


def step_by_logarithms(R, fifth):
    h = np.exp((np.log(45 / 4) + np.log(R) - np.log(fifth)) / 5)
    return h, fifth * h**4 / 6


def step_one_by_one(R, fifth):
    found = [best_step(a, b) for a, b in zip(np.ravel(R), np.ravel(fifth), strict=True)]
    return [np.array(values).reshape(np.shape(R)) for values in zip(*found, strict=True)]


def stacked_step(R, fifth):
    return np.stack(best_step(R, fifth))


def with_h(change):
    """The error at h, both changed."""

    def step(R, fifth):
        h = (11.25 * R / fifth) ** 0.2
        return change(h, R, fifth)

    return step


def total(h, R, fifth):
    return fifth * h**4 / 30 + 1.5 * R / h


def another_h(factor, power=0.2):
    def step(R, fifth):
        h = (factor * R / fifth) ** power
        return h, total(h, R, fifth)

    return step


# ---- 2.5


def with_three(change):
    return lambda f, g, x, directions, h: change(*directional_check(f, g, x, directions, h), g)


def check_by_loops(f, g, x, directions, h):
    hand, numeric, error = [], [], []
    length = sum(value**2 for value in g) ** 0.5
    for v in directions:
        a = sum(g[i] * v[i] for i in range(len(g)))
        n = four_points(along(f, x, v), 0.0, h)
        hand.append(a)
        numeric.append(n)
        error.append(abs(a - n) / max(abs(a), abs(n), length))
    return np.array([hand, numeric, error])


def check_with_einsum(f, g, x, directions, h):
    hand = np.einsum("kn,n->k", directions, g)
    numeric = np.zeros(len(directions))
    for k in range(len(directions)):
        numeric[k] = four_points(lambda s, v=directions[k]: f(x + s * v), 0, h)
    scale = np.stack([abs(hand), abs(numeric), np.full(len(hand), np.sqrt(g @ g))]).max(axis=0)
    return hand, numeric, abs(hand - numeric) / scale


def check_by_lists(f, g, x, directions, h):
    return tuple(list(a) for a in directional_check(f, g, x, directions, h))


def measured_by(scale, numeric=four_points):
    def check(f, g, x, directions, h):
        a = directions @ g
        n = np.array([numeric(along(f, x, v), 0.0, h) for v in directions])
        return a, n, np.abs(a - n) / scale(a, n, g)

    return check


def five_numbers(f, g, x, directions, h):
    hand = sum(directions[:, i] * g[i] for i in range(5))
    return hand, *directional_check(f, g, x, directions, h)[1:]


def coordinates_for_directions(f, g, x, directions, h):
    units = np.eye(len(x))[np.arange(len(directions)) % len(x)]
    return directional_check(f, g, x, units, h)


def norm(g):
    return np.linalg.norm(g)


WRONG = {
    "2.1": [
        (lambda f, x, h: (f(x + h) - f(x)) / h, "from x to x + h"),
        (lambda f, x, h: (f(x) - f(x - h)) / h, "from x - h to x"),
        (lambda f, x, h: (f(x + h) - f(x)) / (2 * h), "the left point is x - h"),
        (lambda f, x, h: (f(x + h) - f(x - h)) / h, "the two points are 2 h apart, not h"),
        (lambda f, x, h: (f(x + h) - f(x - h)) / 2 * h, "brackets: a / 2 * h"),
        (lambda f, x, h: f(x + h) - f(x - h) / (2 * h), "brackets: the quotient bar"),
        (lambda f, x, h: (f(x - h) - f(x + h)) / (2 * h), "the left point minus the right one"),
        (lambda f, x, h: (f(x - h) - f(x + h)) / h, "and it is off by exactly the factor 2"),
        (lambda f, x, h: f(x + h) - f(x - h), "not divided by the distance"),
        (lambda f, x, h: (f(x + h) - f(x - h)) / 2, "divided by 2"),
        (lambda f, x, h: (f(x + h) + f(x - h)) / (2 * h), "the sum of both values"),
        (lambda f, x, h: central_difference(f, x, 1e-4), "with another step"),
        (lambda f, x, h: (f(x + h / 2) - f(x - h / 2)) / h, "h / 2 away"),
        (lambda f, x, h: complex_step(f, x), "that is the derivative itself"),
        (lambda f, x, h: np.array([central_difference(f, x, h)]), "in another shape"),
        (lambda f, x, h: (f + h - f - h) / (2 * h), "it stopped with TypeError"),
        (needs_an_array, "it stopped with TypeError"),
        (moving_x, "it writes into its argument x"),
        (lambda f, x, h: None, "is a return missing?"),
    ],
    "2.2": [
        (central_difference, "that is still central_difference"),
        (lambda f, x, h: central_difference(f, x, 2 * h), "central_difference with 2 h"),
        (lambda f, x, h: (4 * central_difference(f, x, 2 * h) - central_difference(f, x, h)) / 3, "is the one to subt"),
        (lambda f, x, h: 4 * central_difference(f, x, h) - central_difference(f, x, 2 * h), "not divided by 3"),
        (lambda f, x, h: 4 * central_difference(f, x, h) - central_difference(f, x, 2 * h) / 3, "brackets"),
        (lambda f, x, h: (4 * central_difference(f, x, h) - central_difference(f, x, 2 * h)) / 5, "4 - 1 of them"),
        (lambda f, x, h: (4 * central_difference(f, x, h) - central_difference(f, x, 2 * h)) / 4, "divided by 4"),
        (lambda f, x, h: 2 * central_difference(f, x, h) - central_difference(f, x, 2 * h), "a term that doubles"),
        (lambda f, x, h: (4 * central_difference(f, x, h) + central_difference(f, x, 2 * h)) / 5, "are added"),
        (lambda f, x, h: (central_difference(f, x, h) + central_difference(f, x, 2 * h)) / 2, "the mean of both"),
        (lambda f, x, h: (16 * central_difference(f, x, h) - central_difference(f, x, 2 * h)) / 15, "16 and 1"),
        (lambda f, x, h: 4 * central_difference(f, x, 2 * h) - central_difference(f, x, h), "a second mistake is left"),
        (lambda f, x, h: four_points(f, x, h / 2), "h and h / 2"),
        (lambda f, x, h: four_points(f, x, 1e-3), "with another step"),
        (wrong_sign_of_the_correction, "the correction has the wrong sign"),
        (lambda f, x, h: -four_points(f, x, h), "the sign is wrong"),
        (lambda f, x, h: 4 * central_difference(x, h) - central_difference(x, 2 * h), "it stopped with TypeError"),
        (lambda f, x, h: None, "is a return missing?"),
    ],
    "2.3": [
        (another_h(45), "there the two terms are equal"),
        (another_h(7.5), "the rounding term is 1.5 R / h"),
        (another_h(1.5 / 4), "the 30 is missing"),
        (another_h(11.25, 1 / 4), "a fourth root"),
        (another_h(11.25, 1 / 3), "a third root"),
        (another_h(11.25, 1), "its fifth root is missing"),
        (another_h(45, 1 / 4), "a second mistake is left"),
        (lambda R, fifth: ((3 * R / fifth) ** (1 / 3), fifth * (3 * R / fifth) ** (2 / 3) / 2), "of two points"),
        (lambda R, fifth: ((11.25 * fifth / R) ** 0.2, total((11.25 * R / fifth) ** 0.2, R, fifth)), "upside down"),
        (with_h(lambda h, R, fifth: (h, fifth * h**4 / 30)), "only truncation is in it"),
        (with_h(lambda h, R, fifth: (h, 1.5 * R / h)), "only rounding is in it"),
        (with_h(lambda h, R, fifth: (h, fifth * h**4 / 30 + R / h)), "the rounding is 1.5 R / h"),
        (with_h(lambda h, R, fifth: (h, fifth * h**4 / 2)), "half of fifth h^4"),
        (with_h(lambda h, R, fifth: (h, fifth * h**2 / 2)), "half of fifth h^2"),
        (with_h(lambda h, R, fifth: (h, fifth * h**4 + 1.5 * R / h)), "a 30th of fifth h^4"),
        (with_h(lambda h, R, fifth: (total(h, R, fifth), h)), "that is error"),
        (with_h(lambda h, R, fifth: h), "expected it to return h, error"),
        (with_h(lambda h, R, fifth: (h, 0 * h)), "it is zero everywhere"),
        (lambda R, fifth: (min(R), min(fifth)), ""),
        (lambda R, fifth: None, "is a return missing?"),
    ],
    "2.4": [
        (lambda f, x, h: np.real(f(x + 1j * h)), "the real part is f itself"),
        (lambda f, x, h: np.real(f(x + 1j * h)) / h, "that is the real part over h"),
        (lambda f, x, h: np.imag(f(x + 1j * h)), "not divided by h"),
        (lambda f, x, h: np.imag(f(x + 1j * h)) * h, "multiplied with h"),
        (lambda f, x, h: np.imag(f(x + 1j * h)) / (2 * h), "divided by 2 h"),
        (lambda f, x, h: np.imag(f(x - 1j * h)) / h, "to the other side"),
        (lambda f, x, h: abs(f(x + 1j * h)) / h, "the length of the complex number"),
        (lambda f, x, h: f(x + 1j * h) / h, "expected real numbers, got complex ones"),
        (lambda f, x, h: np.imag(f(x + h)) / h, "the difference is 0"),
        (lambda f, x, h: (f(x + h) - f(x - h)) / (2 * h), "the difference is 0"),
        (lambda f, x, h: four_points(f, x, 1e-3), ""),
        (lambda f, x, h: np.imag(f(1j * h)) / h, ""),
        (lambda f, x, h: np.imag(f(x + i * h)) / h, "it stopped with NameError"),  # noqa: F821
        (lambda f, x, h: None, "is a return missing?"),
    ],
    "2.5": [
        (measured_by(lambda a, n, g: 1), "not divided by anything"),
        (measured_by(lambda a, n, g: np.abs(a)), "divided by |hand| alone"),
        (measured_by(lambda a, n, g: np.abs(n)), "divided by |numeric| alone"),
        (measured_by(lambda a, n, g: np.maximum(abs(a), abs(n))), "|g| is missing"),
        (measured_by(lambda a, n, g: np.maximum(abs(a), norm(g))), "|numeric| is missing"),
        (measured_by(lambda a, n, g: norm(g)), "divided by |g| alone"),
        (measured_by(lambda a, n, g: np.maximum(np.maximum(a, n), norm(g))), "not the numbers themselves"),
        (measured_by(lambda a, n, g: np.maximum(np.maximum(abs(a), abs(n)), abs(g).sum())), "not the sum of its sizes"),
        (measured_by(lambda a, n, g: np.maximum(np.maximum(abs(a), abs(n)), g @ g)), "the root is missing"),
        (measured_by(lambda a, n, g: abs(a) + abs(n) + norm(g)), "the sum of the three"),
        (measured_by(lambda a, n, g: np.max([abs(a).max(), abs(n).max(), norm(g)])), "one number for all directions"),
        (measured_by(lambda a, n, g: max(abs(a), abs(n), norm(g))), "it stopped with ValueError"),
        (measured_by(lambda a, n, g: 1, central_difference), "a second mistake is left"),
        (lambda f, g, x, directions, h: directional_check(f, g, x, directions), "with another step"),
        (lambda f, g, x, directions, h: directional_check(f, -g, x, directions, h), "hand: the sign is wrong"),
        (lambda f, g, x, directions, h: directional_check(f, g, 0 * x, directions, h), "that one begins at 0"),
        (coordinates_for_directions, ""),
        (with_three(lambda hand, numeric, error, g: (np.full(len(hand), norm(g)), numeric, error)), "the norm of g"),
        (with_three(lambda hand, numeric, error, g: (0 * hand + g.sum(), numeric, error)), "not weighted by v"),
        (with_three(lambda hand, numeric, error, g: (numeric, hand, error)), "that is numeric"),
        (with_three(lambda hand, numeric, error, g: (hand, numeric, error.max())), "got a single number"),
        (with_three(lambda hand, numeric, error, g: (hand, numeric)), "got 2 values"),
        (with_three(lambda hand, numeric, error, g: (hand, numeric, 100 * error)), "the factor 100"),
        (lambda f, g, x, directions, h: directional_check(f, g, x, directions.T, h), "it stopped with ValueError"),
        (five_numbers, "is a size written into it?"),
        (check_by_lists, "got a list"),
        (lambda f, g, x, directions, h: None, "is a return missing?"),
    ],
    "2.6": [
        (lambda: ("right", "float32", "kink", "wrong"), "the higher left branch"),
        (lambda: ("float32", "kink", "right", "wrong"), "a U has no jump"),
        (lambda: ("float32", "wrong", "kink", "right"), "no step makes its error small"),
        (lambda: ("float32", "right", "wrong", "kink"), "cannot be wrong"),
        (lambda: ("wrong", "right", "kink", "float32"), "a flat floor"),
        (lambda: ("kink", "float32", "wrong", "right"), ""),
        (lambda: ("Float32", "right", "kink", "wrong"), "'Float32' is not it"),
        (lambda: (None, "right", "kink", "wrong"), "None is not it"),
    ],
}

RIGHT = {
    "2.1": [
        point_by_point,
        forward_and_backward,
        lambda f, x, h: f(x + h) / (2 * h) - f(x - h) / (2 * h),
        lambda f, x, h: np.subtract(f(x + h), f(x - h)) / h / 2,
    ],
    "2.2": [from_four_values, a_third_more, lambda f, x, h: np.float64(4 / 3) * central_difference(f, x, h)
            - central_difference(f, x, 2 * h) / 3],
    "2.3": [step_by_logarithms, step_one_by_one, stacked_step],
    "2.4": [
        lambda f, x, h: f(x + 1j * h).imag / h,
        lambda f, x, h: np.imag(f(np.asarray(x) + complex(0, h))) / h,
        lambda f, x, h: np.real((f(x + 1j * h) - f(x - 1j * h)) / (2j * h)),
    ],
    "2.5": [check_by_loops, check_with_einsum],
    "2.6": [lambda: ("float32", "right", "kink", "wrong")],
}  # fmt: skip

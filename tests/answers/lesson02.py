"""Answers of lesson 2 that people give: wrong ones with the words that name them, and right ones that look unusual."""

import numpy as np

from minivae.teach import exercise

central_difference, four_points = (exercise(number).reference for number in ("2.1", "2.2"))


# ---- 2.1


def by_two_slopes(f, x, h):
    to_the_right = (f(x + h) - f(x)) / h
    to_the_left = (f(x) - f(x - h)) / h
    return (to_the_right + to_the_left) / 2


def point_by_point(f, x, h):
    if np.ndim(x) == 0:
        return float((f(x + h) - f(x - h)) / (2 * h))
    slopes = np.zeros(len(x))
    for i, at in enumerate(x):
        slopes[i] = (f(at + h) - f(at - h)) / (2 * h)
    return slopes


def in_float32(f, x, h):
    return np.float32((f(x + h) - f(x - h)) / (2 * h))


def in_place(f, x, h):
    slope = np.array(f(x + h))
    slope -= f(x - h)
    slope /= 2 * h
    return slope


def one_sided(f, x, h):
    return (f(x + h) - f(x)) / h


def as_a_list(f, x, h):
    return [(f(at + h) - f(at - h)) / (2 * h) for at in np.atleast_1d(x)]


def for_seven_points(f, x, h):
    slopes = np.zeros(7)
    for i in range(7):
        slopes[i] = (f(x[i] + h) - f(x[i] - h)) / (2 * h)
    return slopes


def shifts_x(f, x, h):
    x += h
    right = f(x)
    x -= 2 * h
    return (right - f(x)) / (2 * h)


def no_return(f, x, h):
    (f(x + h) - f(x - h)) / (2 * h)


# ---- 2.2


def by_values(f, x, h):
    return (8 * (f(x + h) - f(x - h)) - (f(x + 2 * h) - f(x - 2 * h))) / (12 * h)


def by_a_stencil(f, x, h):
    weights = np.array([1, -8, 8, -1]) / (12 * h)
    values = np.stack([f(x + k * h) for k in (-2, -1, 1, 2)])
    return np.tensordot(weights, values, axes=1)


def what_is_added_to_the_fine_one(f, x, h):
    fine, coarse = central_difference(f, x, h), central_difference(f, x, 2 * h)
    return fine + (fine - coarse) / 3


def weighted(fine, coarse, by=1):
    """A sum of the two quotients."""
    return lambda f, x, h: (fine * central_difference(f, x, h) + coarse * central_difference(f, x, 2 * h)) / by


def coarse_over_2h(f, x, h):
    coarse = (f(x + 2 * h) - f(x - 2 * h)) / (2 * h)
    return (4 * central_difference(f, x, h) - coarse) / 3


def half_steps(f, x, h):
    return (4 * central_difference(f, x, h / 2) - central_difference(f, x, h)) / 3


def half_for_double(f, x, h):
    return (4 * central_difference(f, x, h) - central_difference(f, x, h / 2)) / 3


def stencil_of_one_side(f, x, h):
    return (-3 * f(x) + 4 * f(x + h) - f(x + 2 * h)) / (2 * h)


# ---- 2.3


def best_of(truncation, rounding):
    """The lowest point of truncation fifth h^4 + rounding R / h, by hand."""

    def step(R, fifth):
        h = (rounding * R / (4 * truncation * fifth)) ** 0.2
        return h, truncation * fifth * h**4 + rounding * R / h

    return step


def by_logarithms(R, fifth):
    h = np.exp((np.log(45 / 4) + np.log(R) - np.log(fifth)) / 5)
    return h, fifth * h**4 / 6


def by_the_rounding(R, fifth):
    h = np.power(45 * R / (4 * fifth), 1 / 5)
    return np.stack([h, 5 / 4 * 1.5 * R / h])


def one_by_one(R, fifth):
    steps, errors = np.zeros(R.shape), np.zeros(R.shape)
    for i in range(len(R)):
        steps[i] = (11.25 * R[i] / fifth[i]) ** 0.2
        errors[i] = fifth[i] * steps[i] ** 4 / 30 + 3 * R[i] / (2 * steps[i])
    return steps, errors


def equal_terms(R, fifth):
    h = (45 * R / fifth) ** (1 / 5)
    return h, 2 * fifth * h**4 / 30


def integer_root(R, fifth):
    h = (11.25 * R / fifth) ** (1 // 5)
    return h, fifth * h**4 / 30 + 1.5 * R / h


def right_step(error):
    """The right h, and this error."""

    def step(R, fifth):
        h = (11.25 * R / fifth) ** 0.2
        return h, error(h, R, fifth)

    return step


def two_points(R, fifth):
    h = (3 * R / fifth) ** (1 / 3)
    return h, fifth * h**2 / 2


def no_root_and_no_rounding(R, fifth):
    h = 11.25 * R / fifth
    return h, fifth * h**4 / 30


def a_grid(R, fifth):
    steps = 10.0 ** np.linspace(-6, 0, 1000)
    E = fifth[:, None] * steps**4 / 30 + 1.5 * R[:, None] / steps
    return steps[E.argmin(axis=1)], E.min(axis=1)


# ---- 2.4


def by_the_attribute(f, x, h):
    return f(x + complex(0, 1) * h).imag / h


def by_a_complex_array(f, x, h):
    z = np.asarray(x).astype(complex)
    z = z + h * 1j
    return np.imag(f(z) / h)


def from_both_sides(f, x, h):
    return np.imag(f(x + 1j * h) - f(x - 1j * h)) / (2 * h)


def not_the_imaginary_part(f, x, h):
    return f(x + 1j * h) / h


def a_real_step(f, x, h):
    return np.imag(f(x + h)) / h


# ---- 2.5


def in_a_loop(f, g, x, directions, h):
    hand, numeric, error = [], [], []
    for v in directions:
        a = sum(g * v)
        D = four_points(lambda s, v=v: f(x + s * v), 0.0, h)
        hand.append(a)
        numeric.append(D)
        error.append(abs(a - D) / max(abs(a), abs(D), sum(g**2) ** 0.5))
    return np.array(hand), np.array(numeric), np.array(error)


def stacked(f, g, x, directions, h):
    hand = np.einsum("kn,n->k", directions, g)
    f_at = lambda s: np.array([f(x + s * v) for v in directions])  # noqa: E731
    numeric = (8 * (f_at(h) - f_at(-h)) - f_at(2 * h) + f_at(-2 * h)) / (12 * h)
    scales = np.stack([abs(hand), abs(numeric), np.full(len(hand), np.sqrt(g @ g))])
    return np.stack([hand, numeric, abs(hand - numeric) / scales.max(axis=0)])


def in_single_precision(f, g, x, directions, h):
    return tuple(a.astype("float32") for a in in_a_loop(f, g, x, directions, h))


def with_error(error):
    """The right slopes, and this error."""

    def directional_check(f, g, x, directions, h):
        hand, numeric, _ = in_a_loop(f, g, x, directions, h)
        return hand, numeric, error(hand, numeric, g)

    return directional_check


def over(scale):
    """The difference over this scale of |hand|, |numeric| and the norm of g."""
    return with_error(lambda a, D, g: abs(a - D) / scale(abs(a), abs(D), np.sqrt(g @ g)))


def with_numeric(slope):
    """Another numeric slope, of a function of s; the error goes with it."""

    def directional_check(f, g, x, directions, h):
        hand = directions @ g
        numeric = np.array([slope(lambda s, v=v: f(x + s * v), h) for v in directions])
        return hand, numeric, abs(hand - numeric) / np.maximum(np.maximum(abs(hand), abs(numeric)), np.sqrt(g @ g))

    return directional_check


def unit_directions(f, g, x, directions, h):
    return in_a_loop(f, g, x, directions / np.linalg.norm(directions, axis=1, keepdims=True), h)


def all_products(f, g, x, directions, h):
    _, numeric, error = in_a_loop(f, g, x, directions, h)
    return directions * g, numeric, error


def only_the_worst(f, g, x, directions, h):
    hand, numeric, error = in_a_loop(f, g, x, directions, h)
    return hand, numeric, error.max()


def from_numeric_to_hand(f, g, x, directions, h):
    hand, numeric, error = in_a_loop(f, g, x, directions, h)
    return numeric, hand, error


def for_five_parameters(f, g, x, directions, h):
    hand, numeric, error = in_a_loop(f, g, x, directions, h)
    return (directions.reshape(-1, 5) @ g[:5])[: len(hand)], numeric, error


def two_points_and_no_scale(f, g, x, directions, h):
    hand, numeric, _ = with_numeric(lambda on_line, h: central_difference(on_line, 0.0, h))(f, g, x, directions, h)
    return hand, numeric, abs(hand - numeric)


def a_product_that_does_not_fit(f, g, x, directions, h):
    return g @ directions, None, None


WRONG = {
    "2.1": [
        (one_sided, "the one-sided quotient, from x to x + h"),
        (lambda f, x, h: (f(x) - f(x - h)) / h, "the one-sided quotient, from x - h to x"),
        (lambda f, x, h: (f(x + h) - f(x)) / (2 * h), "f(x) stands where f(x - h) should"),
        (lambda f, x, h: (f(x + h) - f(x - h)) / h, "the two points are 2 h apart"),
        (lambda f, x, h: (f(x + h) - f(x - h)) / 2 * h, "brackets: a / 2 * h"),
        (lambda f, x, h: f(x + h) - f(x - h) / (2 * h), "the quotient bar stands under both values"),
        (lambda f, x, h: (f(x + h) + f(x - h)) / (2 * h), "the sum of both values"),
        (lambda f, x, h: (f(x - h) - f(x + h)) / (2 * h), "the left point minus the right one"),
        (lambda f, x, h: (f(x + h) - f(x - h)) / 2, "divided by 2 only"),
        (lambda f, x, h: f(x + h) - f(x - h), "not divided by the distance"),
        (lambda f, x, h: (f(x + h) - 2 * f(x) + f(x - h)) / h**2, "a second derivative"),
        (lambda f, x, h: (f(x + 1e-4) - f(x - 1e-4)) / 2e-4, "h is an argument"),
        (lambda f, x, h: (f(x - h) - f(x + h)) / h, "the sign is wrong, and it is off by exactly the factor 2"),
        (lambda f, x, h: (f(x) - f(x + h)) / h, ""),
        (lambda f, x, h: f(x + h) + f(x - h), ""),
        (as_a_list, "got a list"),
        (for_seven_points, "x was an array there, here it is a number"),
        (shifts_x, "it writes into its argument x"),
        (no_return, "is a return missing?"),
    ],
    "2.2": [
        (weighted(-1, 4, by=3), "the coarse quotient, with 2 h, is the one to subtract"),
        (central_difference, "that is still central_difference"),
        (lambda f, x, h: central_difference(f, x, 2 * h), "that is central_difference with 2 h"),
        (weighted(2, -1), "the weights are those of a term that doubles"),
        (weighted(4, 1, by=5), "the weights 4 and 1 are added"),
        (weighted(4, 1, by=3), "the coarse quotient is added"),
        (weighted(0.5, 0.5), "averages their errors"),
        (weighted(4, -1), "not divided by 3"),
        (weighted(4, -1, by=5), "4 - 1 quotients are left"),
        (weighted(4, -1 / 3), "brackets: all of 4 D_h - D_2h is divided by 3"),
        (weighted(16, -1, by=15), "16 and 1 are the weights for a term with h^4"),
        (weighted(-4, 1, by=3), "the sign is wrong"),
        (coarse_over_2h, "the points of the coarse quotient are 4 h apart"),
        (half_steps, "with h and h / 2"),
        (half_for_double, "the second quotient is that of h / 2"),
        (lambda f, x, h: weighted(4, 1)(f, x, h), "a second mistake is left"),
        (stencil_of_one_side, ""),
        (lambda f, x, h: four_points(f, x, 1e-3), "h is an argument"),
        (lambda f, x, h: (central_difference(f, x, h), central_difference(f, x, 2 * h)), "got a tuple"),
        (lambda f, x, h: None, "is a return missing?"),
    ],
    "2.3": [
        (two_points, "the best step of two points"),
        (equal_terms, "a 4 is missing"),
        (best_of(1 / 30, 1), "h, error: the rounding is that of two points"),
        (best_of(1 / 30, 4 / 3), "the rounding of D_2h is missing"),
        (best_of(1 / 30, 7 / 6), "roundings may add up"),
        (best_of(1 / 30, 5 / 3), "the rounding of D_2h is R / 2h"),
        (best_of(1 / 30, 4.5), "in the rounding, the division by 3 is missing"),
        (best_of(1 / 120, 1.5), "in the truncation, that of D_h is taken"),
        (best_of(1 / 10, 1.5), "in the truncation, the division by 3 is missing"),
        (best_of(1 / 120, 1), "a second mistake is left"),
        (right_step(lambda h, R, fifth: fifth * h**4 / 30 + R / h), "error: there the rounding is that of two points"),
        (right_step(lambda h, R, fifth: fifth * h**4 / 30), "only truncation is in it"),
        (right_step(lambda h, R, fifth: 1.5 * R / h), "only rounding is in it"),
        (right_step(lambda h, R, fifth: fifth * h**4 / 2), "half of fifth h^4"),
        (right_step(lambda h, R, fifth: fifth * h**4 / 15), "as if both terms were equal"),
        (right_step(lambda h, R, fifth: fifth * h**4 / 30 - 1.5 * R / h), "rounding is subtracted"),
        (no_root_and_no_rounding, "a second mistake is left"),
        (integer_root, "1 // 5 is 0"),
        (a_grid, ""),
        (lambda R, fifth: (best_of(1 / 30, 1.5)(R, fifth)[1], best_of(1 / 30, 1.5)(R, fifth)[0]), "that is error"),
        (lambda R, fifth: best_of(1 / 30, 1.5)(R, fifth)[0], "expected it to return h, error"),
        (lambda R, fifth: best_of(1 / 30, 1.5)(R[0], fifth[0]), "got a single number"),
        (lambda R, fifth: best_of(1 / 30, 1.5)(fifth, R), "R and fifth are exchanged"),
    ],
    "2.4": [
        (lambda f, x, h: np.real(f(x + 1j * h)), "the real part is f itself"),
        (lambda f, x, h: np.real(f(x + 1j * h)) / h, "that is the real part over h"),
        (lambda f, x, h: np.abs(f(x + 1j * h)) / h, "the length of the complex number over h"),
        (lambda f, x, h: np.imag(f(x + 1j * h)), "not divided by h"),
        (lambda f, x, h: (f(x + h) - f(x)) / h, "a real step does nothing here"),
        (a_real_step, "a real step does nothing here"),
        (lambda f, x, h: np.imag(f(x + 1j * h)) / (2 * h), "there is one point only"),
        (lambda f, x, h: np.imag(f(x - 1j * h)) / h, "the step is taken to the other side"),
        (lambda f, x, h: np.imag(f(x + 1j)) / h, "the step is i, not i h"),
        (lambda f, x, h: np.imag(f(1j * (x + h))) / h, "brackets: only h is multiplied with i"),
        (lambda f, x, h: np.imag(f(x - 1j * h)) / (2 * h), "the sign is wrong"),
        (lambda f, x, h: central_difference(f, x, 1e-3), ""),
        (not_the_imaginary_part, "got complex ones"),
        (lambda f, x, h: central_difference(f, x, 1j * h), "got complex ones"),
        (lambda f, x, h: None, "is a return missing?"),
    ],
    "2.5": [
        (with_error(lambda a, D, g: abs(a - D)), "the error is not divided by anything"),
        (over(lambda a, D, norm: a), "divided by |hand| alone"),
        (over(lambda a, D, norm: D), "divided by |numeric| alone"),
        (over(lambda a, D, norm: norm), "divided by |g| alone"),
        (over(lambda a, D, norm: np.maximum(a, D)), "|g| is missing in the denominator"),
        (over(lambda a, D, norm: np.maximum(a, norm)), "|numeric| is missing in the denominator"),
        (over(lambda a, D, norm: np.maximum(D, norm)), "|hand| is missing in the denominator"),
        (over(lambda a, D, norm: a + D + norm), "divided by the sum of the three"),
        (over(lambda a, D, norm: np.minimum(np.minimum(a, D), norm)), "divided by the smallest of the three"),
        (over(lambda a, D, norm: max(max(a), max(D), norm)), "each has a largest of its own"),
        (over(lambda a, D, norm: np.maximum(np.maximum(a, D), norm**2)), "the root is missing"),
        (with_error(lambda a, D, g: abs(a - D) / np.maximum(np.maximum(a, D), np.sqrt(g @ g))), "may be negative"),
        (with_error(lambda a, D, g: abs(a - D) / np.maximum(abs(a), g)), "it stopped with ValueError"),
        (lambda *args: (*in_a_loop(*args)[:2], -in_a_loop(*args)[2]), "the sign is wrong"),
        (with_numeric(lambda on_line, h: central_difference(on_line, 0.0, h)), "that takes two points"),
        (with_numeric(lambda on_line, h: (on_line(h) - on_line(0.0)) / h), "a one-sided quotient"),
        (with_numeric(lambda on_line, h: four_points(on_line, 0.0, 1e-3)), "h is an argument"),
        (unit_directions, "here each is divided by its length"),
        (all_products, "expected shape (25,), got shape (25, 5)"),
        (only_the_worst, "got a single number"),
        (from_numeric_to_hand, "that is numeric"),
        (for_five_parameters, "does it take a size for granted?"),
        (two_points_and_no_scale, "a second mistake is left"),
        (a_product_that_does_not_fit, "it stopped with ValueError"),
        (lambda f, g, x, directions, h: None, "is a return missing?"),
    ],
    "2.6": [
        (lambda: ("right", "float32", "kink", "wrong"), "the higher left branch"),
        (lambda: ("float32", "right", "wrong", "kink"), "C does get right at small steps"),
        (lambda: ("float32", "kink", "right", "wrong"), "C jumps where it crosses something"),
        (lambda: ("float32", "wrong", "kink", "right"), "D is flat"),
        (lambda: ("right", "right", "right", "wrong"), "'right' is not it"),
        (lambda: ("Float32", "Right", "Kink", "Wrong"), "'Right' is not it"),
        (lambda: (0, 1, 2, 3), "is not it"),
    ],
}

RIGHT = {
    "2.1": [by_two_slopes, point_by_point, in_float32, in_place],
    "2.2": [by_values, by_a_stencil, what_is_added_to_the_fine_one],
    "2.3": [by_logarithms, by_the_rounding, one_by_one],
    "2.4": [by_the_attribute, by_a_complex_array, from_both_sides],
    "2.5": [in_a_loop, stacked, in_single_precision],
    "2.6": [lambda: ["float32", "right", "kink", "wrong"]],
}

"""Exercises of lesson 2: difference quotients, the best step, a check along directions, and the complex step."""

import numpy as np

from ..exercise import Exercise


def central_difference(f, x, h):
    return (f(x + h) - f(x - h)) / (2 * h)


def four_points(f, x, h):
    return (4 * central_difference(f, x, h) - central_difference(f, x, 2 * h)) / 3


def best_step(R, fifth):
    h = (11.25 * R / fifth) ** (1 / 5)
    return h, fifth * h**4 / 30 + 1.5 * R / h


def complex_step(f, x, h=1e-20):
    return np.imag(f(x + 1j * h)) / h


def directional_check(f, g, x, directions, h=1e-3):
    hand = directions @ g
    numeric = np.array([four_points(_along(f, x, v), 0.0, h) for v in directions])
    scale = np.maximum(np.maximum(np.abs(hand), np.abs(numeric)), np.linalg.norm(g))
    return hand, numeric, np.abs(hand - numeric) / scale


def read_curves():
    return "float32", "right", "kink", "wrong"


def _along(f, x, v):
    return lambda s: f(x + s * v)


def _smooth(rng):
    """A smooth f of a number or every entry of x, no polynomial of low order; h so large that truncation shows."""
    number, (a, b) = rng.integers(2), rng.uniform(1, 2, 2)
    f = lambda x: np.sin(a * x) + np.exp(b * x / 2)  # noqa: E731
    x = float(rng.standard_normal()) if number else rng.standard_normal(rng.integers(4, 8))
    return {"f": f, "x": x, "h": float(rng.uniform(0.2, 0.4))}


def _tiny_step(rng):
    return _smooth(rng) | {"h": float(10.0 ** -rng.integers(18, 25))}


def _sizes(rng):
    return {"R": 10.0 ** rng.uniform(-17, -6, 6), "fifth": 10.0 ** rng.uniform(-2, 2, 6)}


def _directions(rng):
    """A gradient that is wrong, so that its error is no rounding; each of the three scales decides somewhere."""
    n, K = 5, 16
    A, x = rng.standard_normal((n, n)), rng.standard_normal(n)
    f = lambda x: np.sin(A @ x).sum() + (x**2).sum()  # noqa: E731
    g = (np.cos(A @ x) @ A + 2 * x) * rng.uniform(-0.2, 2.2, n)
    return {"f": f, "g": g, "x": x, "directions": rng.choice((-1.0, 1.0), (K, n)), "h": 0.3}


def _checked(scale, numeric=four_points, hand=lambda g, directions: directions @ g, difference=np.abs):
    """A directional check with another part."""

    def check(f, g, x, directions, h):
        a = hand(g, directions)
        n = np.array([numeric(_along(f, x, v), 0.0, h) for v in directions])
        return a, n, difference(a - n) / scale(np.abs(a), np.abs(n), np.linalg.norm(g))

    return check


def _signed(f, g, x, directions, h):
    a, n, _ = directional_check(f, g, x, directions, h)
    return a, n, np.abs(a - n) / np.maximum(np.maximum(a, n), np.linalg.norm(g))


def _by_sizes(f, g, x, directions, h):
    return _checked(lambda a, n, _: np.maximum(np.maximum(a, n), np.abs(g).sum()))(f, g, x, directions, h)


def _true_slope(f, x, h):
    return four_points(f, x, 1e-3)


def _largest(a, n, g):
    return np.maximum(np.maximum(a, n), g)


def _best(factor, power):
    """Another factor, another power of the ratio."""

    def step(R, fifth):
        h = (factor * R / fifth) ** power
        return h, fifth * h**4 / 30 + 1.5 * R / h

    return step


def _with_error(error):
    def step(R, fifth):
        h, _ = best_step(R, fifth)
        return h, error(h, R, fifth)

    return step


def _swapped(*names):
    return lambda: names


EXERCISES = (
    Exercise(
        "2.1",
        "central_difference",
        "D",
        _smooth,
        central_difference,
        hints=(
            "f is called twice, once to the right of x and once to the left.",
            "The two points are 2 h apart, and that is what the difference has to be divided by.",
        ),
        slips={
            "that is the one-sided quotient, from x to x + h": lambda f, x, h: (f(x + h) - f(x)) / h,
            "that is the one-sided quotient, from x - h to x": lambda f, x, h: (f(x) - f(x - h)) / h,
            "the two points are 2 h apart, not h": lambda f, x, h: (f(x + h) - f(x - h)) / h,
            "brackets: a / 2 * h is (a / 2) * h": lambda f, x, h: (f(x + h) - f(x - h)) / 2 * h,
            "brackets: the quotient bar stands under both values": lambda f, x, h: f(x + h) - f(x - h) / (2 * h),
            "the left point minus the right one": lambda f, x, h: (f(x - h) - f(x + h)) / (2 * h),
            "that is not divided by the distance": lambda f, x, h: f(x + h) - f(x - h),
            "the sum of both values: what changes from left to right is their difference": lambda f, x, h: (
                (f(x + h) + f(x - h)) / (2 * h)),
            "that is a second derivative": lambda f, x, h: (f(x + h) - 2 * f(x) + f(x - h)) / h**2,
            "that is the derivative itself, or with another step: h is an argument": _true_slope,
            "the points are 2 h away from x, not h": lambda f, x, h: central_difference(f, x, 2 * h),
            "the points are h / 2 away from x, not h": lambda f, x, h: (f(x + h / 2) - f(x - h / 2)) / h,
        },
    ),
    Exercise(
        "2.2",
        "four_points",
        "D4",
        _smooth,
        four_points,
        hints=(
            "Call central_difference twice, with h and with 2 h.",
            "Doubling h makes the h^2 term four times as large. Take the fine quotient four times and the coarse one "
            "once, so that the terms cancel. What is left is three times the derivative.",
        ),
        slips={
            "the coarse quotient, with 2 h, is the one to subtract: its error is the larger": lambda f, x, h: (
                (4 * central_difference(f, x, 2 * h) - central_difference(f, x, h)) / 3),
            "that is still central_difference: its h^2 term is there": lambda f, x, h: central_difference(f, x, h),
            "the weights are those of a term that doubles; with 2 h, h^2 becomes four times as large": lambda f, x, h: (
                2 * central_difference(f, x, h) - central_difference(f, x, 2 * h)),
            "the weights 4 and 1 are added, so the h^2 terms do not cancel": lambda f, x, h: (
                (4 * central_difference(f, x, h) + central_difference(f, x, 2 * h)) / 5),
            "the mean of both quotients averages their errors, it does not cancel them": lambda f, x, h: (
                (central_difference(f, x, h) + central_difference(f, x, 2 * h)) / 2),
            "not divided by 3, what 4 - 1 quotients add up to": lambda f, x, h: (
                4 * central_difference(f, x, h) - central_difference(f, x, 2 * h)),
            "brackets: all of 4 D_h - D_2h is divided by 3": lambda f, x, h: (
                4 * central_difference(f, x, h) - central_difference(f, x, 2 * h) / 3),
            "16 and 1 are the weights for a term with h^4; here it is h^2": lambda f, x, h: (
                (16 * central_difference(f, x, h) - central_difference(f, x, 2 * h)) / 15),
            "8 and 1 are the weights for a term with h^3; here it is h^2": lambda f, x, h: (
                (8 * central_difference(f, x, h) - central_difference(f, x, 2 * h)) / 7),
            "that is the derivative itself, or with another step: h is an argument": _true_slope,
            "that cancels the h^2 term with h and h / 2; the exercise takes h and 2 h": lambda f, x, h: (
                four_points(f, x, h / 2)),
        },
    ),
    Exercise(
        "2.3",
        "best_step",
        "h, error",
        _sizes,
        best_step,
        around=lambda R, fifth: {"sizes": {}, "others": {}},
        hints=(
            "Write E(h) = fifth h^4 / 30 + 1.5 R / h and differentiate: the first term falls by a power, the second "
            "becomes negative.",
            "E'(h) = 4 fifth h^3 / 30 - 1.5 R / h^2 must be 0. Multiply by h^2: then there is one power of h, and "
            "R / fifth with a number.",
            "The number is 1.5 * 30 / 4, and h is a fifth root. The error is E at this h.",
        ),
        slips={
            "that is the best step of two points: of h^2 f''' / 6 + R / h": lambda R, fifth: (
                (3 * R / fifth) ** (1 / 3), fifth * (3 * R / fifth) ** (2 / 3) / 6 + R / (3 * R / fifth) ** (1 / 3)),
            "there the two terms are equal; their sum is lowest where their slopes cancel": _best(45, 1 / 5),
            "the derivative of h^4 is 4 h^3: the 4 is missing": _best(1.5 * 30, 1 / 5),
            "the rounding term is 1.5 R / h, not R / h": _best(7.5, 1 / 5),
            "a fourth root: 1 / h has the derivative -1 / h^2, so that h^5 is left": _best(11.25, 1 / 4),
            "h^5 is right, its fifth root is missing": _best(11.25, 1),
            "upside down: more rounding must give a larger step": lambda R, fifth: (
                (11.25 * fifth / R) ** (1 / 5), fifth * (11.25 * fifth / R) ** (4 / 5) / 30),
            "with four points the rounding is 1.5 R / h, not R / h": _with_error(
                lambda h, R, fifth: fifth * h**4 / 30 + R / h),
            "that is half of fifth h^4, as if by the formula of two points": _with_error(
                lambda h, R, fifth: fifth * h**4 / 2),
            "only truncation is in it, rounding comes on top": _with_error(
                lambda h, R, fifth: fifth * h**4 / 30),
            "only rounding is in it, truncation comes on top": _with_error(lambda h, R, fifth: 1.5 * R / h),
        },
    ),
    Exercise(
        "2.4",
        "complex_step",
        "D",
        _tiny_step,
        complex_step,
        tolerance=1e-12,  # a difference quotient comes near, too
        hints=(
            "In Python the imaginary unit is 1j, so x + i h is x + 1j * h.",
            "f of it is complex. np.imag takes its imaginary part, which is h times the derivative.",
        ),
        slips={
            "the real part is f itself; the derivative is in the imaginary part": lambda f, x, h: (
                np.real(f(x + 1j * h))),
            "not divided by h": lambda f, x, h: np.imag(f(x + 1j * h)),
            "with a real step so small, x + h is x: the difference is 0": lambda f, x, h: (f(x + h) - f(x)) / h,
            "divided by 2 h, but there is one point only, at the distance h": lambda f, x, h: (
                np.imag(f(x + 1j * h)) / (2 * h)),
            "the step is taken to the other side": lambda f, x, h: np.imag(f(x - 1j * h)) / h,
            "the length of the complex number is f again; its imaginary part is wanted": lambda f, x, h: (
                np.abs(f(x + 1j * h)) / h),
            "that is the real part over h; the derivative is in the imaginary part": lambda f, x, h: (
                np.real(f(x + 1j * h)) / h),
        },
    ),
    Exercise(
        "2.5",
        "directional_check",
        "hand, numeric, error",
        _directions,
        directional_check,
        around=lambda f, g, x, directions, h: {"sizes": {"n": len(x)}, "others": {}},
        hints=(
            "directions is an array (K, n), so its matrix product with g (n,) holds all K numbers <g, v>.",
            "For one v, along(f, x, v) is a function of one number s. Its derivative at s = 0 is four_points(..., 0.0, "
            "h). Collect one per direction into an array.",
            "np.maximum compares two arrays entry by entry; use it twice for the largest of three. np.linalg.norm(g) "
            "is one number, the same for all directions.",
        ),
        slips={
            "that is the norm of g; the slope along v is <g, v>": _checked(
                _largest, hand=lambda g, directions: np.full(len(directions), np.linalg.norm(g))),
            "the products g_i v_i are not weighted by v: that is the sum of g, the same for all directions": _checked(
                _largest, hand=lambda g, directions: np.full(len(directions), g.sum())),
            "that takes two points; use four_points": _checked(_largest, central_difference),
            "the error is not divided by anything: it has the units of the loss": _checked(lambda a, n, g: 1),
            "divided by |hand| alone: that is infinite for a gradient that was never computed": _checked(
                lambda a, n, g: a),
            "divided by |numeric| alone": _checked(lambda a, n, g: n),
            "|g| is missing in the denominator: <g, v> may be small by chance": _checked(
                lambda a, n, g: np.maximum(a, n)),
            "divided by |g| alone: the larger of |hand| and |numeric| may exceed it": _checked(
                lambda a, n, g: np.full_like(a, g)),
            "|hand| and |numeric|, not the numbers themselves, which may be negative": _signed,
            "the norm of g is the root of the sum of its squares, not the sum of its sizes": _by_sizes,
            "h is an argument: the slope was taken with another step": lambda f, g, x, directions, h: (
                directional_check(f, g, x, directions, 1e-3)),
            "divided by the sum of the three, not by the largest": _checked(lambda a, n, g: a + n + g),
            "divided by the smallest of the three, which may be near 0": _checked(
                lambda a, n, g: np.minimum(np.minimum(a, n), g)),
            "one number for all directions: each has a largest of its own": _checked(
                lambda a, n, g: np.full_like(a, max(a.max(), n.max(), g))),
            "the sign is kept: a wrong gradient may have a negative error, below every limit": _checked(
                _largest, difference=lambda d: d),
        },
    ),
    Exercise(
        "2.6",
        "",
        "A, B, C, D",
        lambda rng: {},
        read_curves,
        hints=(
            "Which curve has no step at which its error is small? A wrong gradient does not get right by another h.",
            "A kink is at a certain distance. Within it the quotient is right, beyond it wrong: look for a jump.",
            "Two curves are clean Us. Their left branches are R / h: how large is R in each?",
        ),
        slips={
            "A and B are both Us; that with the higher left branch has the larger rounding": _swapped(
                "right", "float32", "kink", "wrong"),
            "C jumps where it crosses something; a U has no jump": _swapped("float32", "kink", "right", "wrong"),
            "D is flat: no step makes its error small": _swapped("float32", "wrong", "kink", "right"),
            "C does get right at small steps, so its gradient cannot be wrong; and D never does": _swapped(
                "float32", "right", "wrong", "kink"),
            "A gets as good as its precision allows; a wrong gradient has a flat floor over many h": _swapped(
                "wrong", "right", "kink", "float32"),
            "C jumps at one distance; rounding has no such place": _swapped("kink", "right", "float32", "wrong"),
        },
    ),
)  # fmt: skip

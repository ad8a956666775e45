"""Exercises of lesson 2: difference quotients, the best step, a check along directions, and the complex step."""

from functools import partial

import numpy as np

from ..exercise import Exercise
from .draws import one_of


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


# ---- what they are tried on


def _smooth(rng):
    """A smooth f of a number or every entry of x, positive and negative; h so large that truncation shows."""
    shape, (a, b) = one_of(rng, (6,), (), (4,)), rng.uniform(1, 2, 2)
    f = lambda x: np.sin(a * x) + np.exp(b * x / 2) - 1  # noqa: E731
    x = rng.standard_normal(shape)
    return {"f": f, "x": x if shape else float(x), "h": float(rng.uniform(0.3, 0.5))}


def _tiny_step(rng):
    return _smooth(rng) | {"h": float(10.0 ** -rng.integers(18, 25))}


def _sizes(rng):
    shape = one_of(rng, (6,), (), (4,))
    return {"R": 10.0 ** rng.uniform(-17, -6, shape), "fifth": 10.0 ** rng.uniform(-2, 2, shape)}


def _directions(rng):
    """A gradient that is wrong, so that its error is no rounding; each of the three scales decides somewhere."""
    n, K = one_of(rng, (5, 16), (7, 12), (4, 20))
    A, x = rng.standard_normal((n, n)), rng.standard_normal(n)
    f = lambda x: np.sin(A @ x).sum() + (x**2).sum()  # noqa: E731
    g = (np.cos(A @ x) @ A + 2 * x) * rng.uniform(-0.2, 2.2, n)
    return {"f": f, "g": g, "x": x, "directions": rng.choice((-1.0, 1.0), (K, n)), "h": float(rng.uniform(0.2, 0.4))}


# ---- the same with another part, which is a mistake that people make


def _difference(f, x, h, *, right=1, left=1, over=2, sign=1):
    """Points at x + right h and x - left h, divided by over h."""
    return sign * (f(x + right * h) - f(x - left * h)) / (over * h)


def _four(f, x, h, *, fine=4, coarse=-1, over=3, swapped=False, step=1):
    """Quotients with these weights; `swapped`: the coarse one in the place of the fine one; or of another step."""
    a, b = central_difference(f, x, step * h), central_difference(f, x, 2 * step * h)
    a, b = (b, a) if swapped else (a, b)
    return (fine * a + coarse * b) / over


def _best(R, fifth, *, factor=11.25, power=1 / 5, error=lambda h, R, fifth: fifth * h**4 / 30 + 1.5 * R / h):
    h = (factor * R / fifth) ** power
    return h, error(h, R, fifth)


def _largest(a, n, g):
    return np.maximum(np.maximum(a, n), g)


def _checked(f, g, x, directions, h, *, hand=lambda g, directions: directions @ g, numeric=four_points, start=1,
             size=np.abs, norm=np.linalg.norm, scale=_largest, difference=np.abs):  # fmt: skip
    a = hand(g, directions)
    n = np.array([numeric(_along(f, start * x, v), 0.0, h) for v in directions])
    return a, n, difference(a - n) / scale(size(a), size(n), norm(g))


def _of_length_one(f, g, x, directions, h):
    return directional_check(f, g, x, directions / np.linalg.norm(directions, axis=1, keepdims=True), h)


def _true_slope(f, x, h):
    return four_points(f, x, 1e-3)


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
            "that is the one-sided quotient, from x to x + h": partial(_difference, left=0, over=1),
            "that is the one-sided quotient, from x - h to x": partial(_difference, right=0, over=1),
            "the left point is x - h, not x": partial(_difference, left=0),
            "the right point is x + h, not x": partial(_difference, right=0),
            "the two points are 2 h apart, not h": partial(_difference, over=1),
            "divided by 4 h; the two points are 2 h apart": partial(_difference, over=4),
            "brackets: a / 2 * h is (a / 2) * h": lambda f, x, h: (f(x + h) - f(x - h)) / 2 * h,
            "brackets: the quotient bar stands under both values": lambda f, x, h: f(x + h) - f(x - h) / (2 * h),
            "the left point minus the right one": partial(_difference, sign=-1),
            "that is not divided by the distance": lambda f, x, h: f(x + h) - f(x - h),
            "divided by 2; the distance is 2 h": lambda f, x, h: (f(x + h) - f(x - h)) / 2,
            "the sum of both values: what changes from left to right is their difference": lambda f, x, h: (
                (f(x + h) + f(x - h)) / (2 * h)),
            "that is a second derivative": lambda f, x, h: (f(x + h) - 2 * f(x) + f(x - h)) / h**2,
            "that is the derivative itself, or with another step: h is an argument": _true_slope,
            "the points are 2 h away from x, not h": partial(_difference, right=2, left=2, over=4),
            "the points are h / 2 away from x, not h": partial(_difference, right=0.5, left=0.5, over=1),
        },
    ),
    Exercise(
        "2.2",
        "four_points",
        "D4",
        _smooth,
        four_points,
        points=2,
        hints=(
            "Call central_difference twice, with h and with 2 h. Each result is f' and an error: how much larger is it "
            "with 2 h? The folded steps below the exercise go on from here.",
            "Doubling h makes the h^2 term four times as large. Choose the weights such that these terms cancel. How "
            "many times f' is then left?",
        ),
        slips={
            "the coarse quotient, with 2 h, is the one to subtract: its error is the larger": partial(
                _four, swapped=True),
            "that is still central_difference: its h^2 term is there": central_difference,
            "that is central_difference with 2 h: its h^2 term is there, four times as large": lambda f, x, h: (
                central_difference(f, x, 2 * h)),
            "the weights are those of a term that doubles; with 2 h, h^2 becomes four times as large": partial(
                _four, fine=2, over=1),
            "both quotients are added, so the h^2 terms do not cancel": partial(_four, coarse=1, over=5),
            "one quotient is subtracted, so 4 - 1 of them are left to divide by": partial(_four, over=5),
            "divided by 4; 4 - 1 quotients are left": partial(_four, over=4),
            "the mean of both quotients averages their errors, it does not cancel them": partial(
                _four, fine=1, coarse=1, over=2),
            "the correction has the wrong sign: the result lies beyond D_h, seen from D_2h": partial(
                _four, fine=2, coarse=1, over=3),
            "not divided by 3, what 4 - 1 quotients add up to": partial(_four, over=1),
            "brackets: all of 4 D_h - D_2h is divided by 3": partial(_four, coarse=-1 / 3, over=1),
            "16 and 1 are the weights for a term with h^4; here it is h^2": partial(_four, fine=16, over=15),
            "8 and 1 are the weights for a term with h^3; here it is h^2": partial(_four, fine=8, over=7),
            "that is the derivative itself, or with another step: h is an argument": _true_slope,
            "that cancels the h^2 term with h and h / 2; the exercise takes h and 2 h": partial(_four, step=0.5),
        },
    ),
    Exercise(
        "2.3",
        "best_step",
        "h, error",
        _sizes,
        best_step,
        points=2,
        around=lambda R, fifth: {"sizes": {}, "others": {}},
        hints=(
            "As for two points: where the sum of the two terms is lowest, its slope is 0. What is the slope of each "
            "term? The folded steps below the exercise go on from here.",
            "4 fifth h^3 / 30 - 1.5 R / h^2 must be 0. Multiply by h^2: then there is one power of h, and R / fifth "
            "with a number.",
            "The number is 1.5 * 30 / 4, and h is a fifth root. The error is E at this h.",
        ),
        slips={
            "that is the best step of two points: of h^2 f''' / 6 + R / h": lambda R, fifth: (
                (3 * R / fifth) ** (1 / 3), fifth * (3 * R / fifth) ** (2 / 3) / 6 + R / (3 * R / fifth) ** (1 / 3)),
            "there the two terms are equal; their sum is lowest where their slopes cancel, and that of h^4 is 4 h^3":
                partial(_best, factor=1.5 * 30),
            "the rounding term is 1.5 R / h, not R / h": partial(_best, factor=7.5),
            "the truncation is a 30th of fifth h^4: the 30 is missing in h": partial(_best, factor=1.5 / 4),
            "a fourth root: 1 / h has the derivative -1 / h^2, so that h^5 is left": partial(_best, power=1 / 4),
            "a third root, as for two points: here h^5 is left": partial(_best, power=1 / 3),
            "h^5 is right, its fifth root is missing": partial(_best, power=1),
            "upside down: more rounding must give a larger step": lambda R, fifth: (
                (11.25 * fifth / R) ** (1 / 5), fifth * (11.25 * fifth / R) ** (4 / 5) / 30),
            "with four points the rounding is 1.5 R / h, not R / h": partial(
                _best, error=lambda h, R, fifth: fifth * h**4 / 30 + R / h),
            "that is half of fifth h^4, as if by the formula of two points": partial(
                _best, error=lambda h, R, fifth: fifth * h**4 / 2),
            "that is half of fifth h^2, the formula of two points": partial(
                _best, error=lambda h, R, fifth: fifth * h**2 / 2),
            "the truncation is a 30th of fifth h^4, not all of it": partial(
                _best, error=lambda h, R, fifth: fifth * h**4 + 1.5 * R / h),
            "only truncation is in it, rounding comes on top": partial(
                _best, error=lambda h, R, fifth: fifth * h**4 / 30),
            "only rounding is in it, truncation comes on top": partial(_best, error=lambda h, R, fifth: 1.5 * R / h),
            "the two errors are to be added; here one is subtracted": partial(
                _best, error=lambda h, R, fifth: 1.5 * R / h - fifth * h**4 / 30),
        },
    ),
    Exercise(
        "2.4",
        "complex_step",
        "D",
        _tiny_step,
        complex_step,
        tolerance=1e-14,  # a difference quotient comes near, too
        hints=(
            "In Python the imaginary unit is 1j, so x + i h is x + 1j * h.",
            "f of it is complex. np.imag takes its imaginary part, which is h times the derivative.",
        ),
        slips={
            "the real part is f itself; the derivative is in the imaginary part": lambda f, x, h: (
                np.real(f(x + 1j * h))),
            "not divided by h": lambda f, x, h: np.imag(f(x + 1j * h)),
            "multiplied with h, not divided by it": lambda f, x, h: np.imag(f(x + 1j * h)) * h,
            "with a real step so small, x + h is x: the difference is 0": lambda f, x, h: (f(x + h) - f(x)) / h,
            "divided by 2 h, but there is one point only, at the distance h": lambda f, x, h: (
                np.imag(f(x + 1j * h)) / (2 * h)),
            "the step is taken to the other side": lambda f, x, h: np.imag(f(x - 1j * h)) / h,
            "the length of the complex number is |f| again; its imaginary part is wanted": lambda f, x, h: (
                np.abs(f(x + 1j * h)) / h),
            "that is the real part over h; the derivative is in the imaginary part": lambda f, x, h: (
                np.real(f(x + 1j * h)) / h),
            "that is the angle over h, which is f' / f": lambda f, x, h: np.angle(f(x + 1j * h)) / h,
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
            "that is the norm of g; the slope along v is <g, v>": partial(
                _checked, hand=lambda g, directions: np.full(len(directions), np.linalg.norm(g))),
            "the products g_i v_i are not weighted by v: that is the sum of g, the same for all directions": partial(
                _checked, hand=lambda g, directions: np.full(len(directions), g.sum())),
            "that takes two points; use four_points": partial(_checked, numeric=central_difference),
            "h is an argument: the slope was taken with another step": lambda f, g, x, directions, h: (
                directional_check(f, g, x, directions, 1e-3)),
            "the line of f(x + s v) begins at x, that one begins at 0": partial(_checked, start=0),
            "the directions are taken as they are, not made of length 1": _of_length_one,
            "the error is not divided by anything: it has the units of the loss": partial(
                _checked, scale=lambda a, n, g: 1),
            "divided by |hand| alone: that is infinite for a gradient that was never computed": partial(
                _checked, scale=lambda a, n, g: a),
            "divided by |numeric| alone": partial(_checked, scale=lambda a, n, g: n),
            "|g| is missing in the denominator: <g, v> may be small by chance": partial(
                _checked, scale=lambda a, n, g: np.maximum(a, n)),
            "|numeric| is missing in the denominator: it may be the largest": partial(
                _checked, scale=lambda a, n, g: np.maximum(a, g)),
            "|hand| is missing in the denominator: it may be the largest": partial(
                _checked, scale=lambda a, n, g: np.maximum(n, g)),
            "divided by |g| alone: the larger of |hand| and |numeric| may exceed it": partial(
                _checked, scale=lambda a, n, g: np.full_like(a, g)),
            "|hand| and |numeric|, not the numbers themselves, which may be negative": partial(
                _checked, size=lambda a: a),
            "the norm of g is the root of the sum of its squares, not the sum of its sizes": partial(
                _checked, norm=lambda g: np.abs(g).sum()),
            "the norm of g is the root of the sum of its squares: the root is missing": partial(
                _checked, norm=lambda g: (g**2).sum()),
            "divided by the sum of the three, not by the largest": partial(_checked, scale=lambda a, n, g: a + n + g),
            "divided by the smallest of the three, which may be near 0": partial(
                _checked, scale=lambda a, n, g: np.minimum(np.minimum(a, n), g)),
            "one number for all directions: each has a largest of its own": partial(
                _checked, scale=lambda a, n, g: np.full_like(a, max(a.max(), n.max(), g))),
            "the sign is kept: a wrong gradient may have a negative error, below every limit": partial(
                _checked, difference=lambda d: d),
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

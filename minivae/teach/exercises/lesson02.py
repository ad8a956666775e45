"""Exercises of lesson 2: difference quotients, the best step, a check along directions, and the complex step."""

from functools import partial

import numpy as np

from ..exercise import Exercise
from .derivatives_by_hand import (
    best_step,
    central_difference,
    checked,
    complex_step,
    directional_check,
    four,
    four_points,
    imaginary,
    largest,
    step,
    true_slope,
    two,
)


def read_curves():
    return "float32", "right", "kink", "wrong"


def _smooth(rng):
    """A smooth f of a number or every entry of x, no polynomial of low order; h so large that truncation shows."""
    n, (a, b) = int(rng.integers(5, 11)), rng.uniform(1, 2, 2)
    f = lambda x: np.sin(a * x) + np.exp(b * x / 2) - 1  # noqa: E731
    x = rng.uniform(-3, 2, n)
    return {"f": f, "x": x if n % 2 else float(x[0]), "h": float(rng.uniform(0.2, 0.4))}


def _tiny_step(rng):
    return _smooth(rng) | {"h": float(10.0 ** -rng.integers(18, 25))}


def _sizes(rng):
    """Of R and fifth so near each other that every entry of h and error counts."""
    K = rng.integers(5, 12)
    return {"R": 10.0 ** rng.uniform(-10, -9, K), "fifth": 10.0 ** rng.uniform(-1, 1, K)}


def _directions(rng):
    """A gradient that is wrong, so that its error is no rounding; each of the three scales decides somewhere."""
    n, K = rng.integers(4, 8), rng.integers(20, 30)
    A, x = rng.standard_normal((n, n)), rng.standard_normal(n)
    f = lambda x: np.sin(A @ x).sum() + (x**2).sum()  # noqa: E731
    g = (np.cos(A @ x) @ A + 2 * x) * rng.uniform(-1, 2, n)
    return {"f": f, "g": g, "x": x, "directions": rng.choice((-1.0, 1.0), (K, n)), "h": float(rng.uniform(0.2, 0.4))}


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
            "that is the one-sided quotient, from x to x + h": partial(two, at=(1, 0), over=lambda h: h),
            "that is the one-sided quotient, from x - h to x": partial(two, at=(0, -1), over=lambda h: h),
            "f(x) stands where f(x - h) should": partial(two, at=(1, 0)),
            "f(x) stands where f(x + h) should": partial(two, at=(0, -1)),
            "the two points are 2 h apart, not h": partial(two, over=lambda h: h),
            "brackets: a / 2 * h is (a / 2) * h": partial(two, over=lambda h: 2 / h),
            "brackets: the quotient bar stands under both values": lambda f, x, h: f(x + h) - f(x - h) / (2 * h),
            "the left point minus the right one": partial(two, at=(-1, 1)),
            "that is not divided by the distance": partial(two, over=lambda h: 1),
            "divided by 2 only: the distance is 2 h": partial(two, over=lambda h: 2),
            "the sum of both values: what changes from left to right is their difference": partial(two, signs=(1, 1)),
            "that is a second derivative": lambda f, x, h: (f(x + h) - 2 * f(x) + f(x - h)) / h**2,
            "that is the derivative itself, or with another step: h is an argument": true_slope,
            "the points are 2 h away from x, not h": partial(two, at=(2, -2), over=lambda h: 4 * h),
            "the points are h / 2 away from x, not h": partial(two, at=(0.5, -0.5), over=lambda h: h),
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
            "What do D_h and D_2h have in common, and what differs? Write the two series below each other.",
            "Two unknown weights need two conditions: what is f' multiplied with in the sum, and what should that be? "
            "And f''' h^2?",
            "The h^2 term of D_2h is four times that of D_h. So take D_h four times and D_2h away once: then it is "
            "gone. How many f' are left?",
        ),
        slips={
            "the coarse quotient, with 2 h, is the one to subtract: its error is the larger": partial(
                four, weights=(-1, 4)),
            "that is still central_difference: its h^2 term is there": partial(four, weights=(1, 0), over=1),
            "that is central_difference with 2 h": partial(four, weights=(0, 1), over=1),
            "the weights are those of a term that doubles; with 2 h, h^2 becomes four times as large": partial(
                four, weights=(2, -1), over=1),
            "the weights 4 and 1 are added, so the h^2 terms do not cancel": partial(four, weights=(4, 1), over=5),
            "the coarse quotient is added; it is to be subtracted, so that its h^2 term goes": partial(
                four, weights=(4, 1)),
            "the mean of both quotients averages their errors, it does not cancel them": partial(
                four, weights=(1, 1), over=2),
            "not divided by 3, what 4 - 1 quotients add up to": partial(four, over=1),
            "4 - 1 quotients are left, not 4 + 1": partial(four, over=5),
            "brackets: all of 4 D_h - D_2h is divided by 3": partial(four, weights=(4, -1 / 3), over=1),
            "16 and 1 are the weights for a term with h^4; here it is h^2": partial(four, weights=(16, -1), over=15),
            "8 and 1 are the weights for a term with h^3; here it is h^2": partial(four, weights=(8, -1), over=7),
            "the points of the coarse quotient are 4 h apart, not 2 h": partial(four, weights=(4, -2)),
            "that is the derivative itself, or with another step: h is an argument": true_slope,
            "that cancels the h^2 term with h and h / 2; the exercise takes h and 2 h": partial(four, steps=(0.5, 1)),
            "the second quotient is that of h / 2, not of 2 h": partial(four, steps=(1, 0.5)),
        },
    ),
    Exercise(
        "2.3",
        "best_step",
        "h, error",
        _sizes,
        best_step,
        around=lambda R, fifth: {"sizes": {}, "others": {}},
        points=2,
        hints=(
            "First E(h): one term is the size of what was left after exercise 2.2. The other is what four values, "
            "each wrong by R at most, can do to the weighted sum of D_h and D_2h.",
            "One term grows with h, the other falls. At the lowest point of their sum the two slopes cancel. Multiply "
            "that condition so that all h are on one side.",
            "h is a fifth root of a number times R / fifth. The error is E at this h.",
        ),
        slips={
            "that is the best step of two points: of h^2 f''' / 6 + R / h": lambda R, fifth: (
                (3 * R / fifth) ** (1 / 3), fifth * (3 * R / fifth) ** (2 / 3) / 6 + R / (3 * R / fifth) ** (1 / 3)),
            "a 4 is missing: the slope of h^4 is 4 h^3. Or the two terms were made equal; their slopes are to cancel":
                partial(step, slope=1),
            "the slope of h^4 is 4 h^3, not 3 h^2 or 3 h^3": partial(step, slope=3),
            "the rounding is that of two points, R / h: four values with these weights may be wrong by more": partial(
                step, rounding=1),
            "the rounding of D_2h is missing": partial(step, rounding=4 / 3),
            "roundings may add up, whatever the sign of the weight; here that of D_2h is subtracted": partial(
                step, rounding=7 / 6),
            "the rounding of D_2h is R / 2h, not R / h: its points are twice as far apart": partial(
                step, rounding=5 / 3),
            "in the rounding, the division by 3 is missing": partial(step, rounding=4.5),
            "each of the two quotients is wrong by R / h at most, not by 2 R / h": partial(step, rounding=3),
            "in the truncation, that of D_h is taken, fifth h^4 / 120; that of D_2h is in it, too": partial(
                step, truncation=1 / 120),
            "in the truncation, the division by 3 is missing": partial(step, truncation=1 / 10),
            "a fourth root: 1 / h has the slope -1 / h^2, so that h^5 is left": partial(step, root=1 / 4),
            "h^5 is right, its fifth root is missing": partial(step, root=1),
            "1 // 5 is 0, so that h is 1 everywhere": partial(step, root=0),
            "upside down: the larger the rounding, the larger must h be": partial(step, upside_down=True),
            "R and fifth are exchanged: more rounding must give a larger step": lambda R, fifth: best_step(fifth, R),
            "there the rounding is that of two points, R / h": partial(
                step, error=lambda h, R, fifth: fifth * h**4 / 30 + R / h),
            "that is half of fifth h^4, as if by the formula of two points": partial(
                step, error=lambda h, R, fifth: fifth * h**4 / 2),
            "twice the truncation, as if both terms were equal there; only their slopes are, but for the sign": partial(
                step, error=lambda h, R, fifth: fifth * h**4 / 15),
            "only truncation is in it, rounding comes on top": partial(
                step, error=lambda h, R, fifth: fifth * h**4 / 30),
            "only rounding is in it, truncation comes on top": partial(
                step, error=lambda h, R, fifth: 1.5 * R / h),
            "rounding is subtracted, but two errors may add up": partial(
                step, error=lambda h, R, fifth: fifth * h**4 / 30 - 1.5 * R / h),
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
            "the real part is f itself; the derivative is in the imaginary part": partial(
                imaginary, part=np.real, over=lambda h: 1),
            "that is the real part over h; the derivative is in the imaginary part": partial(imaginary, part=np.real),
            "the length of the complex number is |f|; the imaginary part is wanted": partial(
                imaginary, part=np.abs, over=lambda h: 1),
            "that is the length of the complex number over h; its imaginary part is wanted": partial(
                imaginary, part=np.abs),
            "the angle of the complex number is f' h / f; its imaginary part is wanted": partial(
                imaginary, part=np.angle),
            "not divided by h": partial(imaginary, over=lambda h: 1),
            "a real step does nothing here: x + h is x, and f of it has no imaginary part": partial(
                imaginary, to=lambda x, h: x + h),
            "divided by 2 h, but there is one point only, at the distance h": partial(
                imaginary, over=lambda h: 2 * h),
            "the step is taken to the other side": partial(imaginary, to=lambda x, h: x - 1j * h),
            "the step is i, not i h": partial(imaginary, to=lambda x, h: x + 1j),
            "the step is i, not i h, and nothing is divided by h": partial(
                imaginary, to=lambda x, h: x + 1j, over=lambda h: 1),
            "brackets: only h is multiplied with i, not x": partial(imaginary, to=lambda x, h: 1j * (x + h)),
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
                checked, hand=lambda g, directions: np.full(len(directions), np.linalg.norm(g))),
            "the products g_i v_i are not weighted by v: that is the sum of g, the same for all directions": partial(
                checked, hand=lambda g, directions: np.full(len(directions), g.sum())),
            "that is the size of <g, v>; its sign is missing": partial(
                checked, hand=lambda g, directions: np.abs(directions @ g)),
            "the directions are taken as they are; here each is divided by its length": (
                lambda f, g, x, directions, h: directional_check(f, g, x, directions / len(x) ** 0.5, h)),
            "that takes two points; use four_points": partial(checked, numeric=central_difference),
            "that is a one-sided quotient; use four_points": partial(
                checked, numeric=partial(two, at=(1, 0), over=lambda h: h)),
            "the error is not divided by anything: it has the units of the loss": partial(
                checked, scale=lambda a, n, g: 1),
            "divided by |hand| alone: that is infinite for a gradient that was never computed": partial(
                checked, scale=lambda a, n, g: np.abs(a)),
            "divided by |numeric| alone": partial(checked, scale=lambda a, n, g: np.abs(n)),
            "|g| is missing in the denominator: <g, v> may be small by chance": partial(
                checked, scale=lambda a, n, g: np.maximum(np.abs(a), np.abs(n))),
            "divided by |g| alone: the larger of |hand| and |numeric| may exceed it": partial(
                checked, scale=lambda a, n, g: np.linalg.norm(g)),
            "|numeric| is missing in the denominator": partial(
                checked, scale=lambda a, n, g: np.maximum(np.abs(a), np.linalg.norm(g))),
            "|hand| is missing in the denominator": partial(
                checked, scale=lambda a, n, g: np.maximum(np.abs(n), np.linalg.norm(g))),
            "|hand| and |numeric|, not the numbers themselves, which may be negative": partial(
                checked, scale=lambda a, n, g: np.maximum(np.maximum(a, n), np.linalg.norm(g))),
            "the norm of g is the root of the sum of its squares, not the sum of its sizes": partial(
                checked, scale=lambda a, n, g: np.maximum(largest(a, n, g), np.abs(g).sum())),
            "the norm of g is the root of the sum of its squares: the root is missing": partial(
                checked, scale=lambda a, n, g: np.maximum(np.maximum(np.abs(a), np.abs(n)), (g**2).sum())),
            "the norm of g is the root of the sum of its squares, not its largest entry": partial(
                checked, scale=lambda a, n, g: np.maximum(np.maximum(np.abs(a), np.abs(n)), np.abs(g).max())),
            "h is an argument: the slope was taken with another step": lambda f, g, x, directions, h: (
                directional_check(f, g, x, directions, 1e-3)),
            "divided by the sum of the three, not by the largest": partial(
                checked, scale=lambda a, n, g: np.abs(a) + np.abs(n) + np.linalg.norm(g)),
            "divided by the smallest of the three, which may be near 0": partial(
                checked, scale=lambda a, n, g: np.minimum(np.minimum(np.abs(a), np.abs(n)), np.linalg.norm(g))),
            "one number for all directions: each has a largest of its own": partial(
                checked, scale=lambda a, n, g: largest(a, n, g).max()),
            "the sign is kept: a wrong gradient may have a negative error, below every limit": partial(
                checked, difference=lambda d: d),
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

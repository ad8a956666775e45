"""The functions that lesson 2 asks for; and the same with switches, each of which is a mistake that people make."""

import numpy as np


def along(f, x, v):
    return lambda s: f(x + s * v)


def central_difference(f, x, h):
    return (f(x + h) - f(x - h)) / (2 * h)


def four_points(f, x, h):
    return (4 * central_difference(f, x, h) - central_difference(f, x, 2 * h)) / 3


def best_step(R, fifth):
    h = (11.25 * R / fifth) ** (1 / 5)
    return h, fifth * h**4 / 30 + 1.5 * R / h


def complex_step(f, x, h=1e-20):
    return np.imag(f(x + 1j * h)) / h


def largest(a, n, g):
    """Of |a|, |n| and the norm of g."""
    return np.maximum(np.maximum(np.abs(a), np.abs(n)), np.linalg.norm(g))


def directional_check(f, g, x, directions, h=1e-3):
    hand = directions @ g
    numeric = np.array([four_points(along(f, x, v), 0.0, h) for v in directions])
    return hand, numeric, np.abs(hand - numeric) / largest(hand, numeric, g)


def two(f, x, h, *, at=(1, -1), signs=(1, -1), over=lambda h: 2 * h):
    """central_difference of other points, with other signs, divided by something else."""
    return (signs[0] * f(x + at[0] * h) + signs[1] * f(x + at[1] * h)) / over(h)


def four(f, x, h, *, weights=(4, -1), over=3, steps=(1, 2)):
    """four_points with other weights, divided by another number, with other steps."""
    fine, coarse = (central_difference(f, x, step * h) for step in steps)
    return (weights[0] * fine + weights[1] * coarse) / over


def step(R, fifth, *, truncation=1 / 30, rounding=1.5, slope=4, root=1 / 5, upside_down=False, error=None):
    """best_step of another E(h), with another slope of h^4 or another root; or with another error."""
    ratio = rounding * R / (slope * truncation * fifth)
    h = (1 / ratio if upside_down else ratio) ** root
    return h, error(h, R, fifth) if error else truncation * fifth * h**4 + rounding * R / h


def imaginary(f, x, h, *, part=np.imag, to=lambda x, h: x + 1j * h, over=lambda h: h):
    """complex_step with another part of f, to another point, divided by something else."""
    return part(f(to(x, h))) / over(h)


def checked(f, g, x, directions, h, *, hand=lambda g, directions: directions @ g, numeric=four_points, scale=largest,
            difference=np.abs):  # fmt: skip
    """directional_check with another part."""
    a = hand(g, directions)
    n = np.array([numeric(along(f, x, v), 0.0, h) for v in directions])
    return a, n, difference(a - n) / scale(a, n, g)


def true_slope(f, x, h):
    return four_points(f, x, 1e-3)

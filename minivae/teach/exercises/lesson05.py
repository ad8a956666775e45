"""Exercises of lesson 5: the largest rate, momentum, Adam, clipping by norm, warm-up and cosine."""

import math

import numpy as np

from ..exercise import Exercise


def best_rate(curvatures):
    low, high = curvatures.min(), curvatures.max()
    return 2 / high, 2 / (low + high), (high - low) / (high + low)


def momentum_step(theta, velocity, g, lr, momentum):
    velocity = momentum * velocity + g
    return theta - lr * velocity, velocity


def adam_step(theta, m, v, g, t, lr, b1=0.9, b2=0.999, adam_eps=1e-8):
    m = b1 * m + (1 - b1) * g
    v = b2 * v + (1 - b2) * g * g
    m_hat, v_hat = m / (1 - b1**t), v / (1 - b2**t)
    return theta - lr * m_hat / (np.sqrt(v_hat) + adam_eps), m, v


def clip_by_norm(g, largest):
    norm = np.sqrt((g * g).sum())
    return g * min(1, largest / norm) if norm > 0 else g


def rate_at(t, lr, warm, steps):
    return lr * np.minimum((t + 1) / warm, 1) * 0.5 * (1 + np.cos(np.pi * np.minimum(t / steps, 1)))


def _curvatures(rng):
    return {"curvatures": rng.uniform(0.5, 20, rng.integers(4, 9))}


def _momentum(rng):
    arrays = {name: rng.standard_normal(6) for name in ("theta", "velocity", "g")}
    return arrays | {"lr": rng.uniform(0.1, 0.3), "momentum": rng.uniform(0.6, 0.8)}


def _adam(rng):
    theta, m, g = rng.standard_normal((3, 6))
    b1, b2 = rng.uniform(0.6, 0.8), rng.uniform(0.9, 0.97)
    return {"theta": theta, "m": m, "v": rng.random(6), "g": g, "t": int(rng.integers(2, 6)), "lr": rng.uniform(1, 2),
            "b1": b1, "b2": b2, "adam_eps": rng.uniform(0.05, 0.1)}  # fmt: skip


def _clip(rng):
    """One of the draws that check makes is clipped, the other is not."""
    times = 0.3 if rng.random() < 0.5 else 3.0
    g = rng.standard_normal(7)
    return {"g": g, "largest": times * math.sqrt((g * g).sum())}


def _schedule(rng):
    """Of many steps at once: within the warm-up, after it, and after the end."""
    warm, steps = int(rng.integers(5, 9)), int(rng.integers(30, 50))
    return {"t": np.arange(steps + 5.0), "lr": rng.uniform(0.1, 1), "warm": warm, "steps": steps}


def _adam_as(b1_of_g=None, square=True, m_hat=None, v_hat=None, ratio=None):
    """Adam with one part of it replaced."""

    def step(theta, m, v, g, t, lr, b1, b2, adam_eps):
        m = b1 * m + (1 - b1 if b1_of_g is None else b1_of_g) * g
        v = b2 * v + (1 - b2) * (g * g if square else np.abs(g))
        first = (m_hat or (lambda m, b, t: m / (1 - b**t)))(m, b1, t)
        second = (v_hat or (lambda v, b, t: v / (1 - b**t)))(v, b2, t)
        quotient = ratio or (lambda a, b, tiny: a / (np.sqrt(b) + tiny))
        return theta - lr * quotient(first, second, adam_eps), m, v

    return step


def _of_theta(step):
    """For the diagnosis: the new theta is the old one and a step."""

    def around(**inputs):
        after = step(**inputs)[0]
        return {"terms": {"old theta": inputs["theta"], "step": after - inputs["theta"]}}

    return around


EXERCISES = (
    Exercise(
        "5.1",
        "best_rate",
        "limit, best, factor",
        _curvatures,
        best_rate,
        hints=(
            "The limit must hold for every curvature at once. Which of them asks for the smallest rate?",
            "The best rate makes the slowest and the fastest coordinate equally good: 1 - lr min = lr max - 1. Solve "
            "it for lr.",
            "Put that rate into 1 - lr min, over a common denominator.",
        ),
        slips={
            "limit and best are exchanged": lambda c: (best_rate(c)[1], best_rate(c)[0], best_rate(c)[2]),
            "half of it: 2 over the sum of both": lambda c: (2 / c.max(), 1 / (c.min() + c.max()), best_rate(c)[2]),
            "the curvatures are in any order: take the smallest and the largest, not the first and the last": (
                lambda c: best_rate(c[[0, -1]])),
            "the limit is the one of the smallest curvature, at which all others diverge": lambda c: (
                2 / c.min(), *best_rate(c)[1:]),
            "1 / max: there the steepest coordinate arrives in one step; the limit is where it comes back as far as it "
            "was": lambda c: (1 / c.max(), *best_rate(c)[1:]),
            "the mean of all curvatures: only the smallest and the largest decide": lambda c: (
                2 / c.max(), 1 / c.mean(), best_rate(c)[2]),
            "that is the factor at the limit, not at the best rate": lambda c: (
                *best_rate(c)[:2], 1 - 2 * c.min() / c.max()),
            "min / max tells how narrow the bowl is; the factor of a step is 1 - best min": lambda c: (
                *best_rate(c)[:2], c.min() / c.max()),
        },
    ),
    Exercise(
        "5.2",
        "momentum_step",
        "theta, velocity",
        _momentum,
        momentum_step,
        hints=(
            "The new velocity comes first: what is kept of the old one, and the gradient.",
            "Then theta moves against the new velocity, lr times it.",
        ),
        slips={
            "theta moves by the velocity of the step before; this gradient does not act yet": lambda th, v, g, lr, b: (
                th - lr * v, b * v + g),
            "theta moves by the gradient alone, as without momentum": lambda th, v, g, lr, b: (
                th - lr * g, b * v + g),
            "the gradient is weighted with 1 - momentum: that is an average; we keep the sum": lambda th, v, g, lr, b: (
                th - lr * (b * v + (1 - b) * g), b * v + (1 - b) * g),
            "theta goes up the slope: the velocity is a sum of gradients, subtract it": lambda th, v, g, lr, b: (
                th + lr * (b * v + g), b * v + g),
            "momentum belongs to the old velocity, not to the gradient": lambda th, v, g, lr, b: (
                th - lr * (v + b * g), v + b * g),
            "the gradient is subtracted in the velocity; it is added there, and theta moves against the velocity": (
                lambda th, v, g, lr, b: (th + lr * (b * v - g), b * v - g)),
            "that is Nesterov's step, g + momentum velocity": lambda th, v, g, lr, b: (
                th - lr * (g + b * (b * v + g)), b * v + g),
            "lr is inside the velocity: another convention, in which a change of lr acts late": lambda th, v, g, lr, b:
                (th - (b * v + lr * g), b * v + lr * g),
        },
        around=_of_theta(momentum_step),
    ),
    Exercise(
        "5.3",
        "adam_step",
        "theta, m, v",
        _adam,
        adam_step,
        hints=(
            "Both averages first: m of g with b1, v of g * g with b2. Return them as they are, without the correction.",
            "m_hat = m / (1 - b1**t) and v_hat = v / (1 - b2**t), with t = 1 at the first step.",
            "The step is lr m_hat divided by the root of v_hat; adam_eps is added after the root is taken.",
        ),
        slips={
            "the bias correction is missing": _adam_as(m_hat=lambda m, b, t: m, v_hat=lambda v, b, t: v),
            "v has no bias correction": _adam_as(v_hat=lambda v, b, t: v),
            "m has no bias correction": _adam_as(m_hat=lambda m, b, t: m),
            "t counts from 1 here, so the power is t, not t + 1": _adam_as(
                m_hat=lambda m, b, t: m / (1 - b ** (t + 1)), v_hat=lambda v, b, t: v / (1 - b ** (t + 1))),
            "t counts from 1 here, so the power is t, not t - 1": _adam_as(
                m_hat=lambda m, b, t: m / (1 - b ** (t - 1)), v_hat=lambda v, b, t: v / (1 - b ** (t - 1))),
            "adam_eps is added to the root of v_hat, after the correction, not to that of v": (
                lambda theta, m, v, g, t, lr, b1, b2, tiny: adam_step(
                    theta, m, v, g, t, lr, b1, b2, tiny / math.sqrt(1 - b2**t))),
            "the correction divides by 1 - b, without the power t": _adam_as(
                m_hat=lambda m, b, t: m / (1 - b), v_hat=lambda v, b, t: v / (1 - b)),
            "the correction divides: m is too small": _adam_as(
                m_hat=lambda m, b, t: m * (1 - b**t), v_hat=lambda v, b, t: v * (1 - b**t)),
            "it is the power b1**t, not the product": _adam_as(
                m_hat=lambda m, b, t: m / (1 - b * t), v_hat=lambda v, b, t: v / np.abs(1 - b * t)),
            "b1 and b2 are exchanged": lambda theta, m, v, g, t, lr, b1, b2, tiny: (
                adam_step(theta, m, v, g, t, lr, b2, b1, tiny)),
            "the root of v_hat is missing": _adam_as(ratio=lambda m, v, tiny: m / (v + tiny)),
            "adam_eps is inside the root": _adam_as(ratio=lambda m, v, tiny: m / np.sqrt(v + tiny)),
            "adam_eps is 1e-8 whatever was asked for, or missing": _adam_as(
                ratio=lambda m, v, tiny: m / (np.sqrt(v) + 1e-8)),
            "v averages |g|, not its square": _adam_as(square=False),
            "g enters m with its whole weight, not 1 - b1": _adam_as(b1_of_g=1),
            "theta goes up the slope": _adam_as(ratio=lambda m, v, tiny: -m / (np.sqrt(v) + tiny)),
            "m and v come back corrected; the next step would correct them again": (
                lambda theta, m, v, g, t, lr, b1, b2, tiny: (
                    adam_step(theta, m, v, g, t, lr, b1, b2, tiny)[0], (b1 * m + (1 - b1) * g) / (1 - b1**t),
                    (b2 * v + (1 - b2) * g * g) / (1 - b2**t))),
        },
        around=_of_theta(adam_step),
    ),
    Exercise(
        "5.4",
        "clip_by_norm",
        "clipped",
        _clip,
        clip_by_norm,
        hints=(
            "The norm is the root of the sum of all squares: one number for the whole gradient.",
            "A gradient that is short enough stays as it is; a longer one is multiplied with the one number that gives "
            "it the norm `largest`. min(1, ...) is both.",
        ),
        slips={
            "each entry is clipped by itself: that turns the gradient": lambda g, largest: np.clip(
                g, -largest, largest),
            "a short gradient is made longer: it must stay as it is": lambda g, largest: (
                g * largest / np.linalg.norm(g)),
            "that is clipped to norm 1, not to `largest`": lambda g, largest: g / np.linalg.norm(g),
            "the root is missing: that is the square of the norm": lambda g, largest: g * min(1, largest / (g @ g)),
            "the norm is that of the largest entry; all entries count": lambda g, largest: (
                g * min(1, largest / np.abs(g).max())),
            "the sum of |g_i|; the norm is the root of the sum of squares": lambda g, largest: (
                g * min(1, largest / np.abs(g).sum())),
            "the root of the mean of the squares, not of their sum": lambda g, largest: (
                g * min(1, largest / np.sqrt((g * g).mean()))),
            "a gradient that is too long is dropped, not shortened": lambda g, largest: (
                g * (np.linalg.norm(g) <= largest)),
            "never shortened, only lengthened: min and max are exchanged": lambda g, largest: (
                g * max(1, largest / np.linalg.norm(g))),
        },
    ),
    Exercise(
        "5.5",
        "rate_at",
        "rate",
        _schedule,
        rate_at,
        hints=(
            "Two factors of lr. The first rises: 1 / warm at t = 0, 2 / warm at t = 1, and from t = warm - 1 on it is "
            "1. np.minimum takes arrays of steps, too.",
            "The second falls: cos goes from 1 to -1 as its angle goes from 0 to pi; shift and halve it, so that it "
            "goes from 1 to 0.",
            "The angle is pi times the part of the run that is over, t / steps, at most 1.",
        ),
        slips={
            "the first step has rate 0, and is lost: the warm-up counts t + 1": lambda t, lr, warm, steps: (
                lr * np.minimum(t / warm, 1) * 0.5 * (1 + np.cos(np.pi * np.minimum(t / steps, 1)))),
            "there is no warm-up": lambda t, lr, warm, steps: (
                lr * 0.5 * (1 + np.cos(np.pi * np.minimum(t / steps, 1)))),
            "the warm-up goes on rising: it ends at 1": lambda t, lr, warm, steps: (
                lr * (t + 1) / warm * 0.5 * (1 + np.cos(np.pi * np.minimum(t / steps, 1)))),
            "after the end the cosine comes up again: t / steps is at most 1": lambda t, lr, warm, steps: (
                lr * np.minimum((t + 1) / warm, 1) * 0.5 * (1 + np.cos(np.pi * t / steps))),
            "a quarter of the wave: it reaches cos(pi / 2); we go to cos(pi) and shift": lambda t, lr, warm, steps: (
                lr * np.minimum((t + 1) / warm, 1) * np.cos(0.5 * np.pi * np.minimum(t / steps, 1))),
            "the cosine begins with the run: both factors count during the warm-up, too": lambda t, lr, warm, steps: (
                np.where(t < warm, lr * (t + 1) / warm, lr * 0.5 * (1 + np.cos(np.pi * np.minimum(t / steps, 1))))),
            "only the warm-up counts t + 1; the cosine is at t / steps": lambda t, lr, warm, steps: (
                lr * np.minimum((t + 1) / warm, 1) * 0.5 * (1 + np.cos(np.pi * np.minimum((t + 1) / steps, 1)))),
            "falls on a straight line, not a cosine": lambda t, lr, warm, steps: (
                lr * np.minimum((t + 1) / warm, 1) * (1 - np.minimum(t / steps, 1))),
            "the half is missing: 1 + cos starts at 2": lambda t, lr, warm, steps: (
                lr * np.minimum((t + 1) / warm, 1) * (1 + np.cos(np.pi * np.minimum(t / steps, 1)))),
            "the cosine begins after the warm-up; ours runs over all steps, as the library's": (
                lambda t, lr, warm, steps: lr * np.minimum((t + 1) / warm, 1) * 0.5 * (
                    1 + np.cos(np.pi * np.clip((t - warm) / (steps - warm), 0, 1)))),
        },
    ),
)  # fmt: skip

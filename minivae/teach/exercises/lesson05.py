"""Exercises of lesson 5: the largest rate, momentum, Adam, clipping by norm, warm-up and cosine."""

import math
from functools import partial

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
    """The smallest and the largest stand near the end, where who looks at the first few does not see them."""
    n = rng.integers(5, 16)
    c = np.sort(rng.uniform(0.5, 20, n))
    return {"curvatures": np.concatenate([c[2:-1], c[[0, -1, 1]]])}


def _momentum(rng):
    n = rng.integers(4, 15)
    arrays = {name: rng.standard_normal(n) for name in ("theta", "velocity", "g")}
    return arrays | {"lr": rng.uniform(0.1, 0.3), "momentum": rng.uniform(0.6, 0.8)}


def _adam(rng):
    n, t = rng.integers((4, 2), (15, 7))
    theta, m, g = rng.standard_normal((3, n))
    b1, b2 = rng.uniform(0.6, 0.8), rng.uniform(0.9, 0.97)
    return {"theta": theta, "m": m, "v": rng.random(n), "g": g, "t": int(t), "lr": rng.uniform(1, 2), "b1": b1,
            "b2": b2, "adam_eps": rng.uniform(0.05, 0.1)}  # fmt: skip


def _clip(rng):
    """Of the draws that check makes the first is clipped and has most entries, the others are not clipped."""
    n = rng.integers(5, 16, 2)[-1]
    times = 0.3 if rng.random() > 0.4 else 3.0
    g = rng.standard_normal(n)
    return {"g": g, "largest": times * math.sqrt((g * g).sum())}


def _schedule(rng):
    """Of many steps at once: within the warm-up, after it, and after the end. The third draw of check has one step."""
    steps, warm = rng.integers((30, 4), (60, 9))
    t = 0.9 * steps if rng.random() < 0.27 else np.arange(steps + 5.0)
    return {"t": t, "lr": rng.uniform(0.1, 1), "warm": int(warm), "steps": int(steps)}


def _rate(curvatures, *, low=np.min, high=np.max, limit=lambda low, high: 2 / high,
          best=lambda low, high, mean: 2 / (low + high), factor=lambda low, high: (high - low) / (high + low),
          order=(0, 1, 2)):  # fmt: skip
    """With switches for the two curvatures that decide, and for what is made of them."""
    low, high = low(curvatures), high(curvatures)
    found = limit(low, high), best(low, high, curvatures.mean()), factor(low, high)
    return tuple(found[i] for i in order)


def _step(theta, velocity, g, lr, momentum, *, of_old=lambda b: b, of_g=lambda b, lr: 1, by=lambda new, old, g, b: new,
          rate=lambda lr: lr, sign=-1, kept=lambda new, old, g: new):  # fmt: skip
    """Momentum with switches for the two factors in the velocity, and for what theta moves by."""
    new = of_old(momentum) * velocity + of_g(momentum, lr) * g
    return theta + sign * rate(lr) * by(new, velocity, g, momentum), kept(new, velocity, g)


def _adam_as(theta, m, v, g, t, lr, b1, b2, adam_eps, *, power=lambda t: t, m_hat=lambda m, b, t: m / (1 - b**t),
             v_hat=lambda v, b, t: v / (1 - b**t), of_g=lambda b: 1 - b, g_in_v=lambda g: g * g, first=lambda m, g: m,
             root=np.sqrt, quotient=lambda m, root, tiny: m / (root + tiny), tiny=lambda tiny, b2, t: tiny,
             rate=lambda lr: lr, sign=-1, exchanged=False, kept=lambda new, hat: new):  # fmt: skip
    """Adam with switches for its parts, in their order."""
    b1, b2 = (b2, b1) if exchanged else (b1, b2)
    m, v, t = b1 * m + of_g(b1) * g, b2 * v + of_g(b2) * g_in_v(g), power(t)
    one, two = m_hat(m, b1, t), v_hat(v, b2, t)
    step = quotient(first(one, g), root(two), tiny(adam_eps, b2, t))
    return theta + sign * rate(lr) * step, kept(m, one), kept(v, two)


def _clipped(g, largest, *, norm=np.linalg.norm, factor=lambda largest, norm: min(1, largest / norm)):
    return g * factor(largest, norm(g))


def _rate_as(t, lr, warm, steps, *, rise=lambda t, warm: np.minimum((t + 1) / warm, 1), half=0.5, angle=np.pi,
             fall=lambda angle, part: 1 + np.cos(angle * part), part=lambda t, warm, steps: np.minimum(t / steps, 1),
             combine=lambda rise, fall, t, warm: rise * fall):  # fmt: skip
    """The schedule with switches for both factors."""
    return lr * combine(rise(t, warm), half * fall(angle, part(t, warm, steps)), t, warm)


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
        points=2,
        hints=(
            "The limit must hold for every curvature at once. Which of them asks for the smallest rate?",
            "At the best rate the slowest coordinate is as good as it can be. Which coordinates can be the slowest? "
            "One gets better as lr grows, the other worse.",
            "Put the best rate into the factor of either of the two, over a common denominator.",
        ),
        slips={
            "limit and best are exchanged": partial(_rate, order=(1, 0, 2)),
            "half of it: 2 over the sum of both": partial(_rate, best=lambda low, high, mean: 1 / (low + high)),
            "the difference of both curvatures, where their sum belongs": partial(
                _rate, best=lambda low, high, mean: 2 / (high - low)),
            "1 / max is best for the steepest coordinate alone: the flattest then creeps": partial(
                _rate, best=lambda low, high, mean: 1 / high),
            "the curvatures are in any order: take the smallest and the largest, not the first and the last": partial(
                _rate, low=lambda c: c[0], high=lambda c: c[-1]),
            "the curvatures are in any order: take the smallest and the largest, not the last and the first": partial(
                _rate, low=lambda c: c[-1], high=lambda c: c[0]),
            "the limit is the one of the smallest curvature, at which all others diverge": partial(
                _rate, limit=lambda low, high: 2 / low),
            "1 / max: there the steepest coordinate arrives in one step; the limit is where it comes back as far as it "
            "was": partial(_rate, limit=lambda low, high: 1 / high),
            "the mean of all curvatures: only the smallest and the largest decide": partial(
                _rate, best=lambda low, high, mean: 1 / mean),
            "that is the factor at the limit, not at the best rate": partial(
                _rate, factor=lambda low, high: 1 - 2 * low / high),
            "that is what the worst coordinate loses in a step; the factor says what is left of it": partial(
                _rate, factor=lambda low, high: 2 * low / (low + high)),
            "min / max tells how narrow the bowl is; the factor of a step is another number": partial(
                _rate, factor=lambda low, high: low / high),
            "max / min tells how narrow the bowl is; the factor of a step is below 1": partial(
                _rate, factor=lambda low, high: high / low),
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
            "theta moves by the velocity of the step before; this gradient does not act yet": partial(
                _step, by=lambda new, old, g, b: old),
            "theta moves by the gradient alone, as without momentum": partial(_step, by=lambda new, old, g, b: g),
            "the gradient is weighted with 1 - momentum: that is an average; we keep the sum": partial(
                _step, of_g=lambda b, lr: 1 - b),
            "theta goes up the slope: the velocity is a sum of gradients, subtract it": partial(_step, sign=1),
            "momentum belongs to the old velocity, not to the gradient": partial(
                _step, of_old=lambda b: 1, of_g=lambda b, lr: b),
            "nothing is forgotten: the old velocity is not multiplied with momentum": partial(
                _step, of_old=lambda b: 1),
            "momentum multiplies the gradient, too; it belongs to the old velocity alone": partial(
                _step, of_g=lambda b, lr: b),
            "1 - momentum is kept of the old velocity, where it is momentum": partial(_step, of_old=lambda b: 1 - b),
            "the gradient is subtracted in the velocity; it is added there": partial(_step, of_g=lambda b, lr: -1),
            "the gradient is subtracted in the velocity; it is added there, and theta moves against the velocity":
                partial(_step, of_g=lambda b, lr: -1, sign=1),
            "that is Nesterov's step, g + momentum velocity": partial(_step, by=lambda new, old, g, b: g + b * new),
            "lr is inside the velocity: another convention, in which a change of lr acts late": partial(
                _step, of_g=lambda b, lr: lr, rate=lambda lr: 1),
            "lr and the sign are inside the velocity: another convention, in which a change of lr acts late": partial(
                _step, of_g=lambda b, lr: -lr, rate=lambda lr: 1, sign=1),
            "lr is missing": partial(_step, rate=lambda lr: 1),
            "the velocity that comes back is the old one": partial(_step, kept=lambda new, old, g: old),
        },
        around=_of_theta(momentum_step),
    ),
    Exercise(
        "5.3",
        "adam_step",
        "theta, m, v",
        _adam,
        adam_step,
        points=2,
        hints=(
            "Both averages first: m of g with b1, v of g * g with b2. Return them as they are, without the correction.",
            "If every gradient were the same g, what would m be after one step, after two? By which number of b1 and t "
            "do you divide it to get g?",
            "The step is lr m_hat divided by the root of v_hat; adam_eps is added after the root is taken.",
        ),
        slips={
            "the bias correction is missing": partial(
                _adam_as, m_hat=lambda m, b, t: m, v_hat=lambda v, b, t: v),
            "v has no bias correction": partial(_adam_as, v_hat=lambda v, b, t: v),
            "m has no bias correction": partial(_adam_as, m_hat=lambda m, b, t: m),
            "t counts from 1 here, so the power is t, not t + 1": partial(_adam_as, power=lambda t: t + 1),
            "t counts from 1 here, so the power is t, not t - 1": partial(_adam_as, power=lambda t: t - 1),
            "adam_eps is added to the root of v_hat, after the correction, not to that of v": partial(
                _adam_as, tiny=lambda tiny, b2, t: tiny / math.sqrt(1 - b2**t)),
            "the correction divides by 1 - b, without the power t": partial(
                _adam_as, m_hat=lambda m, b, t: m / (1 - b), v_hat=lambda v, b, t: v / (1 - b)),
            "the correction divides by the power alone; the weights add up to 1 less it": partial(
                _adam_as, m_hat=lambda m, b, t: m / b**t, v_hat=lambda v, b, t: v / b**t),
            "the correction divides: m is too small": partial(
                _adam_as, m_hat=lambda m, b, t: m * (1 - b**t), v_hat=lambda v, b, t: v * (1 - b**t)),
            "it is the power b1**t, not the product": partial(
                _adam_as, m_hat=lambda m, b, t: m / (1 - b * t), v_hat=lambda v, b, t: v / np.abs(1 - b * t)),
            "b1 and b2 are exchanged": partial(_adam_as, exchanged=True),
            "the root of v_hat is missing": partial(_adam_as, root=lambda v: v),
            "the step is not divided by the root of v_hat": partial(_adam_as, quotient=lambda m, root, tiny: m),
            "adam_eps is inside the root": partial(
                _adam_as, quotient=lambda m, root, tiny: m / np.sqrt(root**2 + tiny)),
            "adam_eps is 1e-8 whatever was asked for, or missing": partial(_adam_as, tiny=lambda tiny, b2, t: 1e-8),
            "v averages |g|, not its square": partial(_adam_as, g_in_v=np.abs),
            "v averages g, not its square": partial(_adam_as, g_in_v=lambda g: g),
            "g enters both averages with its whole weight, not 1 - b": partial(_adam_as, of_g=lambda b: 1),
            "the step is made of g, not of its average m": partial(_adam_as, first=lambda m, g: g),
            "lr is missing": partial(_adam_as, rate=lambda lr: 1),
            "theta goes up the slope": partial(_adam_as, sign=1),
            "m and v come back corrected; the next step would correct them again": partial(
                _adam_as, kept=lambda new, hat: hat),
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
            "a short gradient is made longer: it must stay as it is": partial(
                _clipped, factor=lambda largest, norm: largest / norm),
            "that is clipped to norm 1, not to `largest`": partial(_clipped, factor=lambda largest, norm: 1 / norm),
            "multiplied with `largest`, and not divided by the norm": partial(
                _clipped, factor=lambda largest, norm: largest),
            "the quotient is upside down: a long gradient must become shorter": partial(
                _clipped, factor=lambda largest, norm: max(1, norm / largest)),
            "the root is missing: that is the square of the norm": partial(_clipped, norm=lambda g: g @ g),
            "the norm is that of the largest entry; all entries count": partial(_clipped, norm=lambda g: abs(g).max()),
            "the sum of |g_i|; the norm is the root of the sum of squares": partial(
                _clipped, norm=lambda g: abs(g).sum()),
            "the root of the mean of the squares, not of their sum": partial(
                _clipped, norm=lambda g: np.sqrt((g * g).mean())),
            "a gradient that is too long is dropped, not shortened": partial(
                _clipped, factor=lambda largest, norm: norm <= largest),
            "it comes back as it was: a gradient that is too long must become shorter": lambda g, largest: g,
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
            "the first step has rate 0, and is lost: the warm-up counts t + 1": partial(
                _rate_as, rise=lambda t, warm: np.minimum(t / warm, 1)),
            "the warm-up is over at t = warm - 1; it rises by 1 / warm in a step": partial(
                _rate_as, rise=lambda t, warm: np.minimum((t + 1) / (warm + 1), 1)),
            "there is no warm-up": partial(_rate_as, rise=lambda t, warm: 1),
            "lr is missing": lambda t, lr, warm, steps: rate_at(t, 1, warm, steps),
            "the warm-up goes on rising: it ends at 1": partial(_rate_as, rise=lambda t, warm: (t + 1) / warm),
            "after the end the cosine comes up again: t / steps is at most 1": partial(
                _rate_as, part=lambda t, warm, steps: t / steps),
            "a quarter of the wave: it reaches cos(pi / 2); we go to cos(pi) and shift": partial(
                _rate_as, half=1, fall=lambda angle, part: np.cos(0.5 * angle * part)),
            "the cosine begins with the run: both factors count during the warm-up, too": partial(
                _rate_as, combine=lambda rise, fall, t, warm: np.where(t < warm, rise, fall)),
            "the two factors are multiplied, not the smaller one taken": partial(
                _rate_as, combine=lambda rise, fall, t, warm: np.minimum(rise, fall)),
            "only the warm-up counts t + 1; the cosine is at t / steps": partial(
                _rate_as, part=lambda t, warm, steps: np.minimum((t + 1) / steps, 1)),
            "falls on a straight line, not a cosine": partial(
                _rate_as, half=1, fall=lambda angle, part: 1 - part),
            "the half is missing: 1 + cos starts at 2": partial(_rate_as, half=1),
            "that rises: 1 + cos falls from 2 to 0, 1 - cos rises": partial(
                _rate_as, fall=lambda angle, part: 1 - np.cos(angle * part)),
            "cos alone goes down to -1; shift and halve it": partial(
                _rate_as, half=1, fall=lambda angle, part: np.cos(angle * part)),
            "pi is missing: the cosine of t / steps hardly falls": partial(_rate_as, angle=1),
            "the cosine begins after the warm-up; ours runs over all steps, as the library's": partial(
                _rate_as, part=lambda t, warm, steps: np.clip((t - warm) / (steps - warm), 0, 1)),
        },
    ),
)  # fmt: skip

"""Schedules: the learning rate, beta and the like as functions of the global step t = 0, 1, 2, ..."""

import math

from .options import real, real_number


def _read(value, **steps):
    """`value` and a number of steps as floats; ValueError unless they are finite, and the second is above 0."""
    return real_number("value", value), *(real()(name, number) for name, number in steps.items())


def schedule(value):
    """`value`, a number or a function of the step, as a function of the step that gives Python floats.

    A NumPy scalar would turn float32 into float64.
    """
    if callable(value):
        return lambda t: float(value(t))
    number = real_number("value", value)
    return lambda t: number


def cosine(value, steps):
    """From `value` down to 0 along half a cosine (Loshchilov & Hutter 2017, eq. 5); from step `steps` on it stays 0."""
    value, steps = _read(value, steps=steps)
    return lambda t: 0.5 * value * (1 + math.cos(math.pi * min(t / steps, 1)))


def step_decay(value, every, factor=0.1):
    """`value`, multiplied by `factor` after each `every` steps."""
    value, every = _read(value, every=every)
    factor = real_number("factor", factor)
    return lambda t: value * factor ** (t // every)


def iwae_stages(value, pass_steps):
    """3^i passes over the data at `value` 10^(-i / 7), i = 0 .. 7, then on at the last (Burda et al. 2016, sec. 5).

    `pass_steps`, the steps of a pass, may be a fraction: the same stages in fewer steps.
    """
    value, pass_steps = _read(value, pass_steps=pass_steps)

    def rate(t):
        done = t // pass_steps  # passes
        i = max(i for i in range(8) if (3**i - 1) // 2 <= done)  # stage i begins after 1 + 3 + ... + 3^(i - 1) passes
        return value * 10 ** (-i / 7)

    return rate


def warm_up(rate, steps):
    """`rate(t)`, times (t + 1) / `steps` during the first `steps` steps."""
    steps = real_number("steps", steps)
    return lambda t: rate(t) * min((t + 1) / max(steps, 1), 1)


def linear(value, steps):
    """From 0 up to `value` in `steps` steps, and on at `value` (the warm-up of Soenderby et al. 2016)."""
    value, steps = _read(value, steps=steps)
    return lambda t: value * min(t / steps, 1)


def falling(value, end, steps):
    """From `value` by a constant factor per step down to `end` in `steps` steps, and on at `end`."""
    value, steps = _read(value, steps=steps)
    factor = real()("end", end) / value
    return lambda t: value * factor ** min(t / steps, 1)


def cyclical(value, steps):
    """Cycles of `steps` steps: from 0 up to `value` in the first half, at `value` in the other (Fu et al. 2019)."""
    value, steps = _read(value, steps=steps)
    return lambda t: value * min(2 * (t % steps) / steps, 1)


IWAE_PASSES = 3280  # 1 + 3 + ... + 3^7
# of the learning rate: (value, steps of the run, steps of a pass over the data)
SCHEDULES = {
    "constant": lambda value, steps, pass_steps: schedule(value),
    "cosine": lambda value, steps, pass_steps: cosine(value, steps),
    "step": lambda value, steps, pass_steps: step_decay(value, math.ceil(steps / 3)),
    "iwae": lambda value, steps, pass_steps: iwae_stages(value, pass_steps),
    "iwae-scaled": lambda value, steps, pass_steps: iwae_stages(value, steps / IWAE_PASSES),
}
CLOSED = ("cosine", "step", "iwae-scaled")  # those that are laid over the whole run: it cannot be made longer later
# of beta: (value, steps of the rise or of a cycle)
BETA_SCHEDULES = {"constant": lambda value, steps: schedule(value), "linear": linear, "cyclical": cyclical}

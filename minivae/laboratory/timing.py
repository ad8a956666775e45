"""How everything here is timed: blocks of calls, in turns that rotate, and their quartiles.

A machine is faster in one minute than in the next. So what is compared takes turns, and a ratio is of paired turns.
"""

import statistics
import time
from typing import NamedTuple

from ..backend import generator, place, to_numpy
from ..optim import Adam


def seconds_of(run, calls=1, wait=None):
    """Seconds of run(0), run(1), ...: all `calls` together. `wait` is called before, and at the end of the last."""
    if wait is not None:
        wait()
    began = time.perf_counter()
    for i in range(calls):
        run(i)
    if wait is not None:
        wait()
    return time.perf_counter() - began


def in_turns(measures, rounds):
    """{name: [what its measure() returns in each round]}: one after the other, each round begins with the next."""
    names = list(measures)
    results = {name: [] for name in names}
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            results[name].append(measures[name]())
    return results


def training_step(model, x, y=None, clip=None):
    """f(i): a step of Adam on the rows x (N, D), always with the same noise; all that it needs lies on the device."""
    optimizer = Adam(model, clip=clip)
    x, y, noise = place((x, y, model.draw_noise(generator(0, "noise"), len(x))), like=model.theta)

    def step(i):
        model.loss_and_grads(x, noise, y=y)
        optimizer.step()

    return step


def wait_for(array):
    """Wait until a device has computed an array, and all that it was given to do before."""
    to_numpy(array.reshape(-1)[:1])


class Quartiles(NamedTuple):
    """A quarter of the values is below `low`, a quarter above `high`."""

    low: float
    median: float
    high: float


def quartiles(values):
    """The Quartiles of two values or more."""
    return Quartiles(*statistics.quantiles(values, n=4, method="inclusive"))


def ratio(times, others):
    """The Quartiles of times / others, paired: of the same turns."""
    return quartiles([a / b for a, b in zip(times, others, strict=True)])


def adding(f, spent, name):
    """f, which adds the seconds of each call to spent[name]."""

    def call(*args, **kwargs):
        began = time.perf_counter()
        result = f(*args, **kwargs)
        spent[name] = spent.get(name, 0.0) + time.perf_counter() - began
        return result

    return call

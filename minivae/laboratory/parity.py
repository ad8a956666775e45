"""One model on several machines and dtypes: the same weights, data and noise, compared number by number.

Per part of the model the largest error of its value and of the gradient that arrives at it, max|a - b| / max|b|; how
far the losses of a training drift apart; and milliseconds per step against the batch size. Noise is always NumPy's.
A machine is a backend and a dtype. What is compared runs in kernels wherever there are any, however small the arrays
are; what is timed does so where training does.
"""

import math
from contextlib import ExitStack
from functools import partial
from typing import NamedTuple

import numpy as np

from ..backend import BACKENDS, generator, load_backend, place, take, to_numpy, tree_map
from ..gradcheck.problems import as_tuple
from ..gradcheck.trace import parts_of
from ..kernels import of_any_size
from ..optim import Adam
from ..params import replaced
from ..tables import aligned
from .timing import in_turns, quartiles, seconds_of, training_step, wait_for

REFERENCE = ("numpy", "float64")


class Parity(NamedTuple):
    """Of one backend and dtype against another: {part: error} of values and gradients, and losses of both, (steps,)."""

    values: dict
    gradients: dict
    loss: np.ndarray
    reference: np.ndarray

    @property
    def drift(self):
        """|loss - reference| after each step, relative."""
        return np.abs(self.loss - self.reference) / np.abs(self.reference)


def machines():
    """[(backend, dtype)] that this machine can run, the reference first."""
    pairs = []
    for name in BACKENDS:
        try:
            load_backend(name)
        except ValueError:
            continue
        pairs += [(name, "float64"), (name, "float32")]
    return pairs


def parity(build, x, steps=100, batch_size=128, lr=1e-3, y=None, on=None):
    """{"cupy float32 / numpy float32": Parity}: every machine against NumPy in its dtype, float32 against float64.

    Parameters
    ----------
    build : callable(rng) -> Model
        Called once per machine with the same generator.
    x : array (N, D)
        Its first `batch_size` rows are compared part by part; the steps of Adam run through all of it.
    y : array (N,) or (N, count), optional
        Labels of the rows, for a model that is given them.
    on : list of (backend, dtype), optional
        NumPy's two among them. Default: all that this machine can run.
    """
    with of_any_size():
        runs = {machine: _run(build, x, y, machine, steps, batch_size, lr) for machine in on or machines()}
    comparisons = {}
    for backend, dtype in runs:
        other = REFERENCE if backend == "numpy" else ("numpy", dtype)
        if (backend, dtype) != other:
            values, gradients, loss = runs[backend, dtype]
            values_b, gradients_b, loss_b = runs[other]
            comparisons[f"{backend} {dtype} / {' '.join(other)}"] = Parity(
                {name: error(a, values_b[name]) for name, a in values.items()},
                {name: error(a, gradients_b[name]) for name, a in gradients.items()},
                loss,
                loss_b,
            )
    return comparisons


def error(a, b):
    """max|a - b| / max|b| over arrays or tuples of them; infinite where one of them is not finite."""
    a, b = (np.concatenate([np.ravel(part) for part in as_tuple(arrays)]) for arrays in (a, b))
    largest = float(np.abs(a - b).max() / max(np.abs(b).max(), 1e-300))
    return largest if math.isfinite(largest) else math.inf


def milliseconds(build, x, batch_sizes=(32, 128, 512), seconds=0.3, y=None):
    """{"numpy float32": [ms per step of Adam for each batch size]}: medians of turns, for `seconds` on each machine."""
    medians = {f"{backend} {dtype}": [] for backend, dtype in machines()}
    for size in batch_sizes:
        rows = np.resize(x, (size, x.shape[1]))
        labels = None if y is None else np.resize(y, (size, *y.shape[1:]))
        measures = {}
        for name in medians:
            backend, dtype = name.split()
            model = build(generator(0, "weights")).bind(dtype, backend)
            step = training_step(model, rows, labels)
            measures[name] = partial(seconds_of, step, wait=partial(wait_for, model.theta))
        in_turns(measures, 1)  # takes memory, and compiles kernels
        turn = sum(once for (once,) in in_turns(measures, 1).values())
        times = in_turns(measures, max(3, round(seconds * len(medians) / turn)))
        for name, row in medians.items():
            row.append(1000 * quartiles(times[name]).median)
    return medians


def _run(build, x, y, machine, steps, batch_size, lr):
    """({part: value}, {part or parameter: gradient}, losses) on one machine, all as float64 on the host."""
    backend, dtype = machine
    model = build(generator(0, "weights")).bind(dtype, backend)
    optimizer = Adam(model, lr=lr)
    n_batches = math.ceil(len(x) / batch_size)

    def batch(t, epoch):
        start = t % n_batches * batch_size
        part = slice(start, start + batch_size)
        rows = x[part]
        return place((rows, take(y, part), model.draw_noise(generator(0, "noise", epoch), len(rows))), like=model.theta)

    values, gradients = _watched(model, *batch(0, 0))
    losses = []
    for t in range(steps):
        rows, labels, noise = batch(t, t + 1)
        losses.append(model.loss_and_grads(rows, noise, y=labels, t=t)["loss"])
        optimizer.step()
    return values, gradients, np.array([float(to_numpy(loss)) for loss in losses])


def _watched(model, x, y, noise):
    """What every part gives in a step, and what arrives at its backward; the parameters' gradients."""
    values = {}
    gradients = {}

    def watch(name, part):
        def forward(*args, original=part.forward, **kwargs):
            y, cache = original(*args, **kwargs)
            values[name] = y
            return y, cache

        def backward(dy, *args, original=part.backward, **kwargs):
            gradients[name] = dy
            return original(dy, *args, **kwargs)

        return replaced(part, forward=forward, backward=backward)

    parts = parts_of(model)
    # no fused kernel takes the place of a layer that is watched: so once more, as in training, with the networks alone
    networks = {name: part for name, part in parts.items() if any(other.startswith(f"{name}.") for other in parts)}
    for watched in (parts, networks):
        with ExitStack() as stack:
            for name, part in watched.items():
                stack.enter_context(watch(name, part))
            model.loss_and_grads(x, noise, y=y)
    gradients |= {name: p.grad for name, p in model.params.items()}
    return tree_map(np.copy, to_numpy((values, gradients)))  # the next step writes into what NumPy has


def names_of(comparisons):
    """Of all parts and parameters, in order."""
    return list(dict.fromkeys(name for p in comparisons.values() for name in (*p.values, *p.gradients)))


def table(comparisons):
    """The largest errors, as text: one row per part and parameter, two columns per comparison."""
    head = [cell for one, other in (title.split(" / ") for title in comparisons) for cell in (one, f"/ {other}")]
    rows = [("", *head), ("", *("value", "gradient") * len(comparisons))]
    for name in names_of(comparisons):
        errors = (part.get(name) for p in comparisons.values() for part in (p.values, p.gradients))
        rows.append((name, *("" if error is None else f"{error:.1e}" for error in errors)))
    lines = aligned(rows)
    for title, p in comparisons.items():
        lines.append(f"{title}: loss after {len(p.loss)} steps {p.loss[-1]:.6f} and {p.reference[-1]:.6f}, "
                     f"largest drift {p.drift.max():.1e}")  # fmt: skip
    return "\n".join(lines)

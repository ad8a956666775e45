"""The training loop: one, for every model."""

import math
import sys
import time

import numpy as np

from .backend import generator, place
from .data import batches
from .evaluate import mean_metrics
from .finite import all_finite, first_nonfinite


def fit(model, optimizer, data, *, epochs=20, batch_size=128, seed=0, first_epoch=0, on_epoch=None, progress=True):
    """Train `model` on `data.train`, epoch by epoch.

    Parameters
    ----------
    model : Model
    optimizer : Optimizer
        Made for this model; its step count goes on from where it stands.
    data : Dataset
    epochs, batch_size, seed : int
        Each epoch's order, bits and noise depend on (seed, epoch) and on nothing else.
    first_epoch : int
        Epochs already done, when a run is resumed.
    on_epoch : callable(line), optional
        Called after every epoch with its line of metrics.
    progress : bool
        Show a bar on a terminal, and print a line per epoch.

    Returns
    -------
    list of dict
        {"epoch", "seconds", "train": {...}, "validation": {...}}, nats per example.

    Raises
    ------
    FloatingPointError
        When the loss or a parameter is no longer finite; names the first operation that produced such a value.
    """
    x = place(data.train.x, like=model.theta)
    history = []
    for epoch in range(first_epoch, epochs):
        began = time.perf_counter()
        start = _copy(model, optimizer)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # finiteness is tested instead
            train, steps, finite = _epoch(model, optimizer, data, x, epoch, batch_size, seed, progress)
            if not (finite and all_finite([model.theta, model.state])):
                _explain(model, optimizer, start, data, x, epoch, batch_size, seed, steps)
        line = {"epoch": epoch + 1, "seconds": 0.0, "train": train}
        if data.validation is not None:
            noise = generator(seed, "validation")  # the same noise every epoch, so that epochs can be compared
            line["validation"] = mean_metrics(model, data.validation.x, noise, t=optimizer.t)
            if not all(map(math.isfinite, line["validation"].values())):
                raise FloatingPointError(f"epoch {epoch + 1}: the validation loss is not finite: {line['validation']}")
        line["seconds"] = round(time.perf_counter() - began, 3)
        if progress:
            print(describe(line, epochs), flush=True)
        if on_epoch is not None:
            on_epoch(line)
        history.append(line)
    return history


def describe(line, epochs):
    """One epoch's metrics as a line for people."""
    text = f"epoch {line['epoch']:>{len(str(epochs))}}/{epochs}  {line['seconds']:6.1f} s"
    for split in ("train", "validation"):
        if split in line:
            text += f"  {split}: " + "  ".join(f"{k} {v:.2f}" for k, v in line[split].items() if k != "loss")
    return text + "  nats"


def _presented(data, x, epoch, batch_size, seed):
    """The mini-batches of one epoch, as they are presented."""
    shuffle, bits = generator(seed, "shuffle", epoch), generator(seed, "binarize", epoch)
    for rows in batches(len(x), batch_size, shuffle):
        yield data.present(x[place(rows, like=x)], bits)


def _epoch(model, optimizer, data, x, epoch, batch_size, seed, progress, stop=lambda: False):
    """(mean metrics, steps done, whether every loss was finite) of one pass over x."""
    from tqdm import tqdm

    totals, finite, steps = {}, True, 0
    noise_rng = generator(seed, "noise", epoch)
    bar = tqdm(total=-(-len(x) // batch_size), desc=f"epoch {epoch + 1}", leave=False,
               disable=not (progress and sys.stderr.isatty()))  # fmt: skip
    with bar:
        for batch in _presented(data, x, epoch, batch_size, seed):
            noise = place(model.draw_noise(noise_rng, len(batch)), like=x)
            metrics = model.loss_and_grads(batch, noise, t=optimizer.t)
            optimizer.step()
            steps += 1
            for name, value in metrics.items():
                totals[name] = totals.get(name, 0.0) + float(value) * len(batch)
            finite = math.isfinite(totals["loss"])
            if not finite or stop():
                break
            bar.update()
    return {name: total / len(x) for name, total in totals.items()}, steps, finite


def _copy(model, optimizer):
    return optimizer.t, [(a, a.copy()) for a in (model.theta, model.state, *optimizer.arrays().values())]


def _explain(model, optimizer, start, data, x, epoch, batch_size, seed, steps):
    """Put the epoch's start back, replay it with checked operations, and raise with what was found."""
    optimizer.t, copies = start

    def put_back():
        for array, copy in copies:
            array[...] = copy

    put_back()
    culprit = first_nonfinite(
        model, lambda stop: _epoch(model, optimizer, data, x, epoch, batch_size, seed, False, stop)
    )
    put_back()
    optimizer.t = start[0]
    raise FloatingPointError(
        f"epoch {epoch + 1}, step {steps}: the loss is not finite; first operation to give such a value: "
        f"{culprit or 'unknown'}"
    )

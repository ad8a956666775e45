"""The training loop: one, for every model."""

import math
import sys
import time

import numpy as np

from .backend import array_module, generator, place
from .finite import all_finite, first_nonfinite
from .metrics import averages, mean_metrics


def fit(
    model,
    optimizer,
    data,
    *,
    epochs=20,
    batch_size=128,
    seed=0,
    early_stop=None,
    ledger=None,
    history=(),
    on_epoch=None,
    progress=True,
):
    """Train `model` on `data.train`, epoch by epoch.

    Parameters
    ----------
    model : Model
    optimizer : Optimizer
        Made for this model; its step count goes on from where it stands.
    data : Dataset
    epochs, batch_size, seed : int
        Each epoch's order, bits and noise depend on (seed, epoch) and on nothing else. Bits and noise are drawn on
        the model's device, the order by NumPy.
    early_stop : int, optional
        Stop when the model's `monitor` on the validation split has not been better for so many epochs.
    ledger : callable(model, x, y, rng, t) -> dict, optional
        What to add to each epoch's line as "ledger", of the validation split, else of the training split, with the
        same noise every epoch: `minivae.evaluate.ledger_line`, how the gradients split into reconstruction and KL.
    history : sequence of dict
        The lines of the epochs already done, when a run is resumed.
    on_epoch : callable(line), optional
        Called after every epoch with its line of metrics.
    progress : bool
        Show a bar on a terminal, and print a line per epoch.

    Returns
    -------
    list of dict
        {"epoch", "seconds", "train": {...}, "validation": {...}}, nats per example; `history` and what was added. The
        validation metrics are those of the averaged parameters if the optimizer keeps an average. "ledger", on
        request, is that of the parameters that learn.

    Raises
    ------
    ValueError
        If epochs or batch_size is below 1, or there is early_stop without a validation split.
    FloatingPointError
        When the loss or a parameter is no longer finite; names the first operation that produced such a value.
    """
    for name, value in (("epochs", epochs), ("batch_size", batch_size)):
        if value < 1:
            raise ValueError(f"{name}: expected at least 1, got {value}")
    if early_stop is not None and data.validation is None:
        raise ValueError("early_stop: expected a validation split, got none")
    x, y = place((data.train.x, data.train.y), like=model.theta)
    watched = None if ledger is None else data.pictured
    history = list(history)
    for epoch in range(len(history), epochs):
        if stopped(history, model.monitor, early_stop):
            if progress:
                print(f"stopped early: validation {model.monitor} was best at epoch {epoch - early_stop}", flush=True)
            break
        began = time.perf_counter()
        put_back = _keep(model, optimizer)
        line = {"epoch": epoch + 1, "seconds": 0.0}
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # finiteness is tested instead
            line["train"], steps, finite = _epoch(model, optimizer, data, x, y, epoch, batch_size, seed, progress)
            finite = finite and all_finite([model.theta, model.state])
            if finite and data.validation is not None:
                noise = generator(seed, "validation")  # the same noise every epoch, so that epochs can be compared
                with optimizer.averaged():
                    line["validation"] = mean_metrics(model, *data.validation, noise, t=optimizer.t)
                finite = _finite(line["validation"])
            if not finite:
                _explain(model, optimizer, put_back, data, x, y, epoch, batch_size, seed, steps)
            if ledger is not None:
                line["ledger"] = ledger(model, *watched, generator(seed, "validation"), optimizer.t)
        line["seconds"] = round(time.perf_counter() - began, 3)
        if progress:
            print(describe(line, epochs), flush=True)
        if on_epoch is not None:
            on_epoch(line)
        history.append(line)
    return history


def stopped(history, monitor, early_stop):
    """Whether the best validation value is `early_stop` epochs old, so that a run should go no further."""
    if early_stop is None or not history:
        return False
    values = [line["validation"][monitor] for line in history]
    return len(values) - 1 - values.index(max(values)) >= early_stop


def describe(line, epochs):
    """One epoch's metrics as a line for people."""
    text = f"epoch {line['epoch']:>{len(str(epochs))}}/{epochs}  {line['seconds']:6.1f} s"
    for split in ("train", "validation"):
        if split in line:
            text += f"  {split}: " + "  ".join(f"{k} {v:.2f}" for k, v in line[split].items() if k != "loss")
    return text + "  nats per example"


def _presented(data, x, y, epoch, batch_size, seed):
    """The mini-batches (x, y) of one epoch, as they are presented; all of it on the device of x."""
    bits = generator(seed, "present", epoch, like=x)
    order = place(generator(seed, "shuffle", epoch).permutation(len(x)), like=x)
    for start in range(0, len(x), batch_size):
        rows = order[start : start + batch_size]
        yield data.present(x[rows], bits), None if y is None else y[rows]


def _epoch(model, optimizer, data, x, y, epoch, batch_size, seed, progress, stop=lambda: False):
    """(mean metrics, steps up to the first whose metrics are not finite, whether there was none) of one pass over x.

    On NumPy it ends the pass. Elsewhere it is looked for at the end: to read a metric is to wait for the device.
    """
    from tqdm import tqdm

    done, watched = [], array_module(x) is np
    rng, n_batches = generator(seed, "noise", epoch, like=x), -(-len(x) // batch_size)
    shown = progress and sys.stderr.isatty()
    with tqdm(total=n_batches, desc=f"epoch {epoch + 1}", leave=False, disable=not shown) as bar:
        for x_rows, y_rows in _presented(data, x, y, epoch, batch_size, seed):
            noise = place(model.draw_noise(rng, len(x_rows)), like=x)
            metrics = model.loss_and_grads(x_rows, noise, y=y_rows, t=optimizer.t)
            optimizer.step()
            done.append((metrics, len(x_rows)))
            if (watched and not _finite(metrics)) or stop():
                break
            bar.update()
    means, bad = averages(done)
    return means, len(done) if bad is None else bad + 1, bad is None


def _finite(metrics):
    return all(map(math.isfinite, metrics.values()))


def _keep(model, optimizer):
    """A function that puts model and optimizer back to where they are now."""
    t, kept = optimizer.t, [(a, a.copy()) for a in (model.theta, model.state, *optimizer.arrays().values())]

    def put_back():
        optimizer.t = t
        for array, copy in kept:
            array[...] = copy

    return put_back


def _explain(model, optimizer, put_back, data, x, y, epoch, batch_size, seed, steps):
    """Put the epoch's start back, replay it with checked operations, and raise with what was found."""

    def replay(stop):
        put_back()
        _epoch(model, optimizer, data, x, y, epoch, batch_size, seed, False, stop)
        if not stop() and data.validation is not None:
            with optimizer.averaged():
                mean_metrics(model, *data.validation, generator(seed, "validation"), t=optimizer.t)

    culprit = first_nonfinite(model, replay)
    put_back()
    raise FloatingPointError(
        f"epoch {epoch + 1}, step {steps}: the loss is not finite; first operation to give such a value: {culprit}"
    )

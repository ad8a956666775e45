"""The training loop: one, for every model."""

import math
import sys
import time

import numpy as np

from .backend import generator, keep_freed_memory, on_host, place, take
from .finite import all_finite, first_nonfinite
from .layers import BatchNorm
from .metrics import averages, check_pair, mean_metrics
from .options import Option, read_arguments, whole

OPTIONS = {
    "epochs": Option(whole(1), 20, "passes over the training set", "N", on_resume="grows"),
    "batch_size": Option(whole(1), 128, "examples per step", "N"),
    "early_stop": Option(whole(1), None, "stop when validation was not better for N epochs", "N", optional=True,
                         on_resume="grows"),
    "seed": Option(whole(0, 2**64), 0, "of everything random", "N"),
}  # fmt: skip


def fit(model, optimizer, data, *, epochs=20, batch_size=128, seed=0, early_stop=None, ledger=None, history=(),
        on_epoch=None, progress=True):  # fmt: skip
    """Train `model` on `data.train`, epoch by epoch.

    Where its best parameters are known, `model.solve`, they are set at the start of the first epoch; grey levels that
    are spread anew at every presentation are spread once for that, as those of validation are.

    Parameters
    ----------
    model : Model
    optimizer : Optimizer
        Made for this model; its step count goes on from where it stands.
    data : Dataset
    epochs, batch_size, seed : int
        Each epoch's order, bits and noise depend on (seed, epoch) and on nothing else. Bits and noise are drawn on
        the model's device, the order by NumPy. Under BatchNorm one example that is left over joins the batch before.
    early_stop : int, optional
        Stop when the model's `monitor` on the validation split has not been better for this many epochs.
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
        {"epoch", "seconds", "train": {...}, "validation": {...}} of `history` and of each new epoch: the model's
        metrics, means over the examples. A step of training reads schedules at its own t = 0, 1, 2, ..., validation at
        the number of steps that are done. The validation metrics are those of the averaged parameters if the optimizer
        keeps an average. "ledger", on request, is that of the parameters that learn.

    Raises
    ------
    ValueError
        If an argument is none that its option takes or does not fit the others, or the model returns a metric that it
        does not declare.
    FloatingPointError
        When the loss or a parameter is no longer finite; names the first operation that produced such a value.
    """
    numbers = {"epochs": epochs, "batch_size": batch_size, "seed": seed, "early_stop": early_stop}
    epochs, batch_size, seed, early_stop = read_arguments(OPTIONS, **numbers)
    if optimizer.model is not model:
        raise ValueError("optimizer: expected one that was made for this model, got one of another")
    check_early_stop(early_stop, model, data)
    check_solvable(model, data)
    for split in filter(None, (data.train, data.validation)):
        check_pair(*split, model)
    check_batches(model, len(data.train.x), batch_size)
    keep_freed_memory()
    x, y = place((data.train.x, data.train.y), like=model.theta)
    pictured = None if ledger is None else data.pictured
    history = list(history)
    for epoch in range(len(history), epochs):
        if stopped(history, model.monitor, early_stop, model.better):
            best = best_line(history, model.monitor, model.better)
            if progress:
                print(f"stopped early: validation {model.monitor} was best at epoch {best + 1}", flush=True)
            break
        began = time.perf_counter()
        if epoch == 0 and model.solve is not None:
            model.solve(data.settle(data.train.x, data.protocol.bits_generator("train")))
            optimizer.restart()
        put_back = _keep(model, optimizer)
        line = {"epoch": epoch + 1, "seconds": 0.0}
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # finiteness is tested instead
            line["train"], steps, finite = _epoch(model, optimizer, data, x, y, epoch, batch_size, seed, progress)
            finite = finite and all_finite([model.theta, model.state, *optimizer.arrays().values()])
            if finite and data.validation is not None:
                noise = generator(seed, "validation")  # the same noise every epoch, so that epochs can be compared
                with optimizer.averaged():
                    line["validation"] = mean_metrics(model, *data.validation, noise, t=optimizer.t)
                finite = _finite(line["validation"])
            if not finite:
                _explain(model, optimizer, put_back, data, x, y, epoch, batch_size, seed, steps)
            if ledger is not None:
                line["ledger"] = ledger(model, *pictured, generator(seed, "validation"), optimizer.t)
        line["seconds"] = round(time.perf_counter() - began, 3)
        unknown = [name for name in line["train"] if name not in model.metrics]
        if unknown:
            raise ValueError(f"metrics: {type(model).__name__} returns {', '.join(unknown)}, but does not declare it")
        if progress:
            print(describe(line, epochs, model.metrics), flush=True)
        if on_epoch is not None:
            on_epoch(line)
        history.append(line)
    return history


def check_early_stop(early_stop, model, data):
    """ValueError where there is nothing by which to stop early."""
    if early_stop is None:
        return
    if model.monitor is None:
        raise ValueError(f"early_stop: expected none, no metric of {type(model).__name__} says which epoch is best")
    if data.validation is None:
        raise ValueError("early_stop: expected a validation split, got none")


def check_solvable(model, data):
    """ValueError where a model sets its best parameters of rows that are another choice in each epoch."""
    if model.solve is not None and data.augment:
        raise ValueError(f"augment: expected 0 of a model that is fitted in closed form, got {data.augment}")


def best_line(history, monitor, better="higher"):
    """Index of the first line with the best validation value of the metric `monitor`; `better`: "higher" or "lower"."""
    values = [line["validation"][monitor] for line in history]
    return values.index(max(values) if better == "higher" else min(values))


def stopped(history, monitor, early_stop, better="higher"):
    """Whether the best validation value is `early_stop` epochs old, so that a run should go no further."""
    if early_stop is None or not history:
        return False
    return len(history) - 1 - best_line(history, monitor, better) >= early_stop


def describe(line, epochs, metrics):
    """One epoch's values of `metrics`, {name: Metric}, as a line for people; units other than nats stand behind each.

    "nats per example" ends it, where there are any.
    """
    text = f"epoch {line['epoch']:>{len(str(epochs))}}/{epochs}  {line['seconds']:6.1f} s"
    units = {name: "" if metric.unit == "nats" else metric.unit for name, metric in metrics.items()}
    for split in ("train", "validation"):
        if split in line:
            shown = [f"{k} {v:.2f} {units[k]}".rstrip() for k, v in line[split].items() if k != "loss"]
            text += f"  {split}: " + "  ".join(shown)
    return text + "  nats per example" * any(metric.unit == "nats" for metric in metrics.values())


def check_batches(model, n, batch_size):
    """ValueError for batches of one example under BatchNorm: it is its own mean, and nothing of it is left."""
    if model.named(BatchNorm) and min(n, batch_size) < 2:
        raise ValueError(f"batch_size: expected at least 2 examples in each step under BatchNorm, got batch_size "
                         f"{batch_size} for {n} training examples")  # fmt: skip


def batch_starts(n, batch_size, batch_norm):
    """Where the mini-batches of n examples begin. Under BatchNorm one example that is left over begins none."""
    return range(0, n - bool(batch_norm), batch_size)


def _presented(data, x, y, epoch, batch_size, seed, batch_norm=False):
    """The mini-batches (x, y) of one epoch, as they are presented; all of it on the device of x."""
    bits = generator(seed, "present", epoch, like=x[:1])
    order = place(data.order(generator(seed, "shuffle", epoch), batch_size), like=x[:1])
    starts = batch_starts(len(order), batch_size, batch_norm)
    for start, stop in zip(starts, (*starts[1:], len(order)), strict=True):
        rows = order[start:stop]
        yield data.present(x[rows], bits), take(y, rows)


def _epoch(model, optimizer, data, x, y, epoch, batch_size, seed, progress, stop=lambda: False):
    """One pass over x: (mean metrics, number of steps, whether all metrics were finite).

    A step whose metrics are not finite is the last that counts. On a CPU it ends the pass. On a GPU the metrics are
    read after the pass: to read one is to wait for it.
    """
    from tqdm import tqdm

    done = []  # (metrics, examples) of each step
    reads_now = on_host(model.theta)
    rng = generator(seed, "noise", epoch, like=model.theta)
    batch_norm = model.named(BatchNorm)
    shown = progress and sys.stderr.isatty()
    n_batches = len(batch_starts(data.protocol.presented(batch_size), batch_size, batch_norm)) if shown else None
    with tqdm(total=n_batches, desc=f"epoch {epoch + 1}", leave=False, disable=not shown) as bar:
        for x_rows, y_rows in _presented(data, x, y, epoch, batch_size, seed, batch_norm):
            noise = place(model.draw_noise(rng, len(x_rows)), like=model.theta)
            metrics = model.loss_and_grads(x_rows, noise, y=y_rows, t=optimizer.t)
            optimizer.step()
            done.append((metrics, len(x_rows)))
            if (reads_now and not _finite(metrics)) or stop():
                break
            bar.update()
    means, bad = averages(done)
    return means, len(done) if bad is None else bad + 1, bad is None


def _finite(metrics):
    return all(map(math.isfinite, metrics.values()))


def _keep(model, optimizer):
    """A function that puts model and optimizer back to where they are now."""
    t = optimizer.t
    kept = [(a, a.copy()) for a in (model.theta, model.state, *optimizer.arrays().values())]

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

"""Commands that measure and tell: evaluate, compare, info."""

import json

from .. import plot
from ..backend import generator
from ..evaluate import elbo_standard_error, log_evidence
from ..files import write_atomic
from ..metrics import mean_metrics
from ..runs import Run
from ..runs.settings import FREE, whole
from .base import RUN, argument, command, output, short


@command(
    RUN,
    argument("--split", default="test", choices=("test", "validation", "train"), help="default: test"),
    argument("--samples", metavar="K", help="also log p(x) by importance sampling with K samples"),
)
def evaluate(run, split, samples):
    """Measure a run on a split and write evaluate-SPLIT.json."""
    run = Run.open(run)
    samples = None if samples is None else whole(1)("samples", samples)
    model, meta = run.load_model()
    data = run.read_data()
    if split == "validation" and data.validation is None:
        raise ValueError(f"split: {run.path} was trained without a validation split")
    x, y = {"test": data.test, "validation": lambda: data.validation, "train": lambda: data.train}[split]()
    if split == "train":
        x = data.settle(x, generator(0, "present"))
    result = mean_metrics(model, x, y, generator(0, "evaluate"), t=meta["step"])
    error = elbo_standard_error(model, x, generator(0, "evaluate"))
    report = {"split": split, "examples": len(x), "checkpoint": meta["checkpoint"], "epoch": meta["epoch"]}
    report |= result | {"elbo_standard_error": error}
    print(f"{split}: {len(x)} examples, {meta['checkpoint']} checkpoint, epoch {meta['epoch']}")
    print(f"elbo {_plus_minus(result['elbo'], error)} nats")
    print(f"log_px_z {result['log_px_z']:.2f} nats\nkl {result['kl']:.2f} nats")
    if samples is not None:
        log_px = log_evidence(model, x, samples, generator(0, "evaluate", 1), progress=True)
        error = None if len(x) < 2 else float(log_px.std(ddof=1) / len(x) ** 0.5)
        report |= {"log_px": float(log_px.mean()), "log_px_standard_error": error, "samples": samples}
        print(f"log_px {_plus_minus(log_px.mean(), error)} nats (importance sampling, K = {samples})")
    write_atomic(run.path / f"evaluate-{split}.json", (json.dumps(report, indent=2) + "\n").encode())


@command(
    argument("runs", nargs="+", metavar="RUN"),
    argument("--out", metavar="FILE", help="default: compare.png in the folder of the first run"),
)
def compare(runs, out):
    """Print the last and best figures of runs side by side, where their settings differ, and draw their curves."""
    runs = [Run.open(run) for run in runs]
    path = output(out, ".png", runs[0].path / "compare.png")
    if len({run.path.resolve() for run in runs}) < len(runs):
        raise ValueError(f"runs: expected each run once, got {', '.join(str(run.path) for run in runs)}")
    histories = {str(run.path): run.finished() for run in runs}
    for name, history in histories.items():
        if not history:
            raise ValueError(f"runs: {name} has not finished an epoch yet")
    head = ("run", "split", "epoch", "elbo", "log_px_z", "kl", "best elbo", "at epoch", "seconds")
    _print_table(head, [(name, *_figures(history)) for name, history in histories.items()])
    for name in runs[0].settings:
        values = [str(short(run.settings[name])) for run in runs]
        if len(set(values)) > 1 and name not in FREE:
            print(f"{name}: {', '.join(values)}")
    if any(_unit(run) != _unit(runs[0]) for run in runs):
        print("these runs have different data, bits, units or likelihoods: their nats cannot be compared")
    plot.comparison(histories, path)
    print(path)


def _unit(run):
    """What must be equal if the nats of two runs are to be compared."""
    kind = "density" if run.settings["likelihood"].startswith("gaussian") else run.settings["likelihood"]
    names = ("sha256", "n_validation", "binarize", "levels", "mean", "std")
    return [kind, run.settings["levels"], *(run.protocol.get(name) for name in names)]


def _figures(history):
    """What `compare` shows of one run: the last line, and the best."""
    split = "validation" if "validation" in history[-1] else "train"
    best = max(history, key=lambda line: line[split]["elbo"])
    numbers = [f"{history[-1][split][name]:.2f}" for name in ("elbo", "log_px_z", "kl")]
    seconds = sum(line["seconds"] for line in history)
    return (split, str(history[-1]["epoch"]), *numbers, f"{best[split]['elbo']:.2f}", str(best["epoch"]),
            f"{seconds:.0f}")  # fmt: skip


def _print_table(head, rows):
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    for row in (head, *rows):
        first, *others = (cell.ljust(w) if i < 2 else cell.rjust(w) for i, (cell, w) in
                          enumerate(zip(row, widths, strict=True)))  # fmt: skip
        print("  ".join((first, *others)))


@command(RUN)
def info(run):
    """Print what a run is and where it stands."""
    run = Run.open(run)
    model, meta = run.load_model()
    history = run.finished()
    print(f"{run.path}: {len(history)} of {run.settings['epochs']} epochs; {meta['checkpoint']} checkpoint is of "
          f"epoch {meta['epoch']}")  # fmt: skip
    print("settings   " + "  ".join(f"{k} {short(v)}" for k, v in run.settings.items() if v is not None))
    print("data       " + "  ".join(f"{k} {_brief(v)}" for k, v in run.protocol.items()))
    print(f"model      {model.theta.size:,} parameters")
    for name, p in model.params.items():
        print(f"  {name:<28} {'x'.join(map(str, p.data.shape))}")
    for split in ("train", "validation"):
        if history and split in history[-1]:
            metrics = "  ".join(f"{k} {v:.2f}" for k, v in history[-1][split].items())
            print(f"{split:<11}epoch {history[-1]['epoch']}: {metrics} nats")


def _brief(value):
    """A part of the protocol: of long lists, their beginning."""
    return short(value) if not isinstance(value, list) or len(value) < 5 else f"{short(value[:4])} ..."


def _plus_minus(mean, error):
    return f"{mean:.2f}" if error is None else f"{mean:.2f} +- {error:.2f}"

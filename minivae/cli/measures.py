"""Commands that measure and tell: evaluate, compare, info."""

from hashlib import sha256

from .. import plot
from ..backend import generator, to_numpy
from ..data.columns import described
from ..evaluate import elbo_standard_error, log_evidence
from ..files import check_writable, held
from ..metrics import mean_metrics
from ..models import MODELS
from ..options import whole
from ..runs import Run
from ..runs.settings import options_of
from ..tables import aligned
from .base import FORCE, RUN, argument, check_finite, command, opened, output, short
from .families import MEASURES, Case


@command(
    RUN,
    argument("--split", default="test", choices=("test", "validation", "train"), help="default: test"),
    argument("--samples", metavar="K", help="also log p(x) by importance sampling with K samples"),
    argument("--measure", metavar="NAME", nargs="+", default=(), choices=MEASURES, help=f"also {', '.join(MEASURES)}"),
    argument("--against", metavar="DATA", help="other data, whose rows detection takes for anomalies"),
)
def evaluate(run, split, samples, measure, against):
    """Measure a run on a split and write evaluate-SPLIT.json."""
    if against is not None and "detection" not in measure:
        raise ValueError("against: expected --measure detection with it")
    samples = None if samples is None else whole(1)("samples", samples)
    with opened(run) as run:
        model, meta = run.load_model()
        data = run.read_data()
        check_writable(run.path, "run")
        if split == "validation" and data.validation is None:
            raise ValueError(f"split: {run.path} was trained without a validation split")
        x, labels = {"test": data.test, "validation": lambda: data.validation, "train": lambda: data.train}[split]()
        y = labels
        if model.labels is not None:
            y = run.protocol.prepare_labels(y, "y_test" if split == "test" else "y", len(x))
        if split == "train":
            x = data.settle(x, generator(0, "present"))
        if samples is not None and model.log_weights is None:
            raise ValueError(f"samples: the model {run.settings['model']} has no evidence log p(x) to estimate")
        report = {"split": split, "examples": len(x), "checkpoint": meta["checkpoint"], "epoch": meta["epoch"]}
        weights = to_numpy([model.theta, model.state])  # the file may be of another epoch by now
        report["weights"] = sha256(b"".join(part.tobytes() for part in weights)).hexdigest()
        result = mean_metrics(model, x, y, generator(0, "evaluate"), t=meta["step"])
        errors = {}
        if "elbo" in model.metrics and model.log_weights is not None:
            errors["elbo_standard_error"] = elbo_standard_error(model, x, generator(0, "evaluate"), y)
        check_finite(result | errors, f"{split} split")
        print(f"{split}: {len(x)} examples, {meta['checkpoint']} checkpoint, epoch {meta['epoch']}")
        for name, metric in _shown(model.metrics).items():
            print(f"{name} {_plus_minus(result[name], errors.get(f'{name}_standard_error'))} {metric.unit}")
        evidence = {}
        if samples is not None:
            log_px = log_evidence(model, x, samples, generator(0, "evaluate", 1), progress=True, y=y)
            error = None if len(x) < 2 else float(log_px.std(ddof=1) / len(x) ** 0.5)
            evidence = {"log_px": float(log_px.mean()), "log_px_standard_error": error}
            check_finite(evidence, f"{split} split, {samples} samples")
            what = "log_px" if model.labels is None else "log p(x | y)"
            print(f"{what} {_plus_minus(log_px.mean(), error)} nats (importance sampling, K = {samples})")
        case = Case(run, model, data, split, x, y if model.labels is not None else None, labels, against=against)
        measures = {name: _measured(name, case) for name in measure}
        evidence = {str(samples): evidence} if evidence else {}
        dropped = run.keep_report(split, report, result | errors, evidence, measures)
        if dropped is not None:
            print(f"evaluate-{split}.json: its figures of epoch {dropped} are replaced")


def _measured(name, case):
    """The numbers of a family of measures; what people read is printed, and its pictures are drawn into the run."""
    findings = MEASURES[name](case)
    print(f"{name}:", *findings.lines, sep="\n  ")
    for file, draw in findings.pictures.items():
        path = case.run.file(f"{file}-{case.split}.png")
        draw(path)
        print(f"  {path}")
    return findings.numbers


@command(
    argument("runs", nargs="+", metavar="RUN"),
    argument("--out", metavar="FILE", help="default: compare.png in the folder of the first run"),
    FORCE,
)
def compare(runs, out, force):
    """Print the last and best figures of runs side by side, where their settings differ, and draw their curves."""
    runs = [Run.open(run) for run in runs]
    path = output(out, ".png", runs[0].file("compare.png"), force)
    if len({run.path.resolve() for run in runs}) < len(runs):
        raise ValueError(f"runs: expected each run once, got {', '.join(str(run.path) for run in runs)}")
    histories = {str(run.path): run.finished() for run in runs}
    for name, history in histories.items():
        if not history:
            raise ValueError(f"runs: {name} has not finished an epoch yet")
    metrics = {name: metric for run in runs for name, metric in _shown(MODELS[run.settings["model"]].metrics).items()}
    models = [MODELS[run.settings["model"]] for run in runs]
    monitors = {cls.monitor for cls in models}
    best = f"best {models[0].monitor}" if len(monitors) == 1 else "best"
    head = ("run", "split", "epoch", *metrics, best, "at epoch", "seconds")
    rows = []
    for (name, history), cls in zip(histories.items(), models, strict=True):
        rows.append((name, *_figures(history, metrics, cls, named=best == "best")))
    print(*aligned([head, *rows], "<<>"), sep="\n")
    for name, option in {n: o for run in runs for n, o in options_of(run.settings["model"]).items()}.items():
        values = [str(short(run.settings[name])) if name in run.settings else "-" for run in runs]
        if len(set(values)) > 1 and option.on_resume != "free":
            print(f"{name}: {', '.join(values)}")
    if any(_unit(run) != _unit(runs[0]) for run in runs):
        print("these runs have different data, bits, units or likelihoods, or some are given y: their nats cannot be "
              "compared")  # fmt: skip
    with held(runs[0].path):
        plot.comparison(histories, path, metrics)
    print(path)


def _unit(run):
    """What must be equal if the nats of two runs are to be compared."""
    kind = "density" if run.settings["likelihood"].startswith("gaussian") else run.settings["likelihood"]
    names = ("sha256", "n_validation", "split_seed", "divisor", "binarize", "levels", "mean", "std")
    kind = (kind, MODELS[run.settings["model"]].conditional)  # log p(x | y) is not log p(x)
    return [kind, run.settings.get("levels"), *(getattr(run.protocol, name) for name in names)]


def _shown(metrics):
    """The metrics that mean the same in every run: not the losses, whose weights are settings."""
    return {name: metric for name, metric in metrics.items() if not name.startswith("loss")}


def _figures(history, metrics, model, named):
    """What `compare` shows of a run of a model: the last line, and the best by its monitor, `named` if they differ."""
    monitor = model.monitor
    split = "validation" if "validation" in history[-1] else "train"
    pick = max if model.metrics[monitor].better == "higher" else min
    best = pick(history, key=lambda line: line[split][monitor])
    last = history[-1][split]
    numbers = [f"{last[name]:.2f}" if name in last else "-" for name in metrics]
    value = f"{monitor} " * named + f"{best[split][monitor]:.2f}"
    seconds = sum(line["seconds"] for line in history)
    return split, str(history[-1]["epoch"]), *numbers, value, str(best["epoch"]), f"{seconds:.0f}"


@command(RUN)
def info(run):
    """Print what a run is and where it stands."""
    run = Run.open(run)
    model, meta = run.load_model()
    history = run.finished()
    print(f"{run.path}: {len(history)} of {run.settings['epochs']} epochs; {meta['checkpoint']} checkpoint is of "
          f"epoch {meta['epoch']}")  # fmt: skip
    print("settings   " + "  ".join(f"{k} {short(v)}" for k, v in run.settings.items() if v is not None))
    recorded = {k: v for k, v in run.protocol.to_json().items() if k not in ("columns", "label")}
    print("data       " + "  ".join(f"{k} {_brief(v)}" for k, v in recorded.items()))
    if run.protocol.columns is not None:
        print(*("  " + line for line in described(run.protocol.columns)), sep="\n")
    if run.protocol.label is not None:
        print(f"label      {'  '.join(run.protocol.label.described())}")
    print(f"model      {model.theta.size:,} parameters")
    shapes = [(name, "x".join(map(str, p.data.shape))) for name, p in model.params.items()]
    print(*("  " + line for line in aligned(shapes, "<")), sep="\n")
    for split in ("train", "validation"):
        if history and split in history[-1]:
            metrics = "  ".join(f"{k} {v:.2f} {model.metrics[k].unit}" for k, v in history[-1][split].items())
            print(f"{split:<11}epoch {history[-1]['epoch']}: {metrics}")


def _brief(value):
    """A part of the protocol: of long lists, their beginning."""
    return short(value) if not isinstance(value, list) or len(value) < 5 else f"{short(value[:4])} ..."


def _plus_minus(mean, error):
    return f"{mean:.2f}" if error is None else f"{mean:.2f} +- {error:.2f}"

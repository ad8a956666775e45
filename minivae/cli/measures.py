"""Commands that measure and tell: evaluate, compare, info."""

from hashlib import sha256

import numpy as np

from .. import plot
from ..backend import generator, take, to_numpy
from ..data.columns import described
from ..evaluate import log_evidence, sampled_elbos, standard_error
from ..files import check_writable, held
from ..metrics import mean_metrics
from ..models import MODELS
from ..options import whole
from ..reports import keep_report, read_result
from ..runs import Run
from ..runs.settings import options_of
from ..tables import aligned
from .base import FORCE, RUN, argument, check_finite, command, opened, output, short
from .evidence import bits_of, estimates, grey_floor, perplexity_of
from .families import MEASURES, Case

SPLITS = ("test", "validation", "train")
CHOICE = 9  # number of the generator that chooses rows


@command(
    RUN,
    argument("--split", default="test", choices=SPLITS, help="default: test"),
    argument("--samples", metavar="K", help="also log p(x) by importance sampling with K samples"),
    argument("--annealed", metavar="T", help="also log p(x) by annealed importance sampling in T steps, 16 chains"),
    argument("--images", metavar="N", help="measure N rows of the split, chosen at random, instead of all"),
    argument("--measure", metavar="NAME", nargs="+", default=(), choices=MEASURES, help=f"also {', '.join(MEASURES)}"),
    argument("--against", metavar="DATA", help="other data, whose rows detection takes for anomalies"),
    argument("--seed", default="0", metavar="N", help="of everything random here (default: 0)"),
)
def evaluate(run, split="test", samples=None, annealed=None, images=None, measure=(), against=None, seed="0"):
    """Measure a run on a split and write evaluate-SPLIT.json."""
    if against is not None and "detection" not in measure:
        raise ValueError("against: expected --measure detection with it")
    samples, annealed, images = (
        None if value is None else whole(1)(name, value)
        for name, value in (("samples", samples), ("annealed", annealed), ("images", images))
    )
    seed = whole(0)("seed", seed)
    with opened(run) as run:
        model, meta = run.load_model()
        case = _case(run, model, split, images, seed, meta["epoch"], against)
        check_writable(run.path, "run")
        if annealed is not None and model.exact:
            raise ValueError(f"annealed: nothing to estimate of the model {run.settings['model']}; --samples gives its "
                             f"exact {model.evidence}")  # fmt: skip
        if annealed is not None and getattr(model, "decoder", None) is None:
            raise ValueError(f"annealed: needs a z that is decoded, which {run.settings['model']} lacks")
        for name, wanted in (("samples", samples), ("annealed", annealed)):
            if wanted is not None and model.log_weights is None:
                why = "has no evidence log p(x) to estimate"
                if model.latent == "codes":
                    why = "has one code for each x: its ELBO is exact, and no more samples could say more"
                raise ValueError(f"{name}: the model {run.settings['model']} {why}")
        x, y = case.x, case.y
        report = {"split": split, "examples": len(x), "checkpoint": meta["checkpoint"], "epoch": meta["epoch"]}
        weights = to_numpy([model.theta, model.state])  # the file may be of another epoch by now
        report["weights"] = sha256(b"".join(part.tobytes() for part in weights)).hexdigest()
        report |= {"seed": seed, "images": case.images, "data": case.described, "rows_sha256": case.sha256}
        result = mean_metrics(model, x, y, generator(seed, "evaluate"), t=meta["step"])
        errors, rows = {}, None
        if "elbo" in model.metrics and (model.log_weights is not None or model.latent == "codes"):
            rows = sampled_elbos(model, x, generator(seed, "evaluate"), y)
            errors["elbo_standard_error"] = standard_error(rows)
            if model.draws_terms:  # else the mean has another error
                result["elbo"] = float(rows.mean())
        elif model.exact:
            rows = log_evidence(model, x, 1, None, y=y)
            errors["log_px_standard_error"] = standard_error(rows)
        check_finite(result | errors, f"{split} split")
        print(f"{split}: {len(x)} examples, {meta['checkpoint']} checkpoint, epoch {meta['epoch']}")
        for name, metric in _shown(model.metrics).items():
            print(f"{name} {_plus_minus(result[name], errors.get(f'{name}_standard_error'))} {metric.unit}")
        for name in ("elbo", "log_px"):
            bits, levels = bits_of(case, result[name]) if name in result else (None, None)
            if bits is not None:
                result |= {f"{name}_bits_per_dimension": bits, "levels": levels}
                spread = ", dequantized" * (run.protocol.levels is not None)
                print(f"{name} {bits:.4f} bits per dimension, of {levels} levels{spread}")
        value, error = perplexity_of(case, rows, result.get(model.monitor))
        if value is not None:
            result |= {"perplexity": value, "perplexity_standard_error": error}
        floor = grey_floor(case)
        if floor is not None:
            result["entropy_floor"] = floor
            print(f"grey pixels: no log_px_z of these rows can exceed {-floor:.2f} nats, their negative entropy")
        dropped = keep_report(run, case.stem, report, result | errors, estimates(case, samples, annealed), {})
        if dropped is not None:
            print(f"evaluate-{case.stem}.json: its figures of epoch {dropped} are replaced")
        for name in measure:  # each is kept, whatever becomes of the next
            keep_report(run, case.stem, report, result | errors, {}, {name: _measured(name, case)})


def _case(run, model, split, images, seed, epoch, against):
    """The rows that are measured: all of a split, or some that are chosen at random."""
    data = run.read_data()
    if split == "validation" and data.validation is None:
        raise ValueError(f"split: {run.path} was trained without a validation split")
    x, labels = {"test": data.test, "validation": lambda: data.validation, "train": lambda: data.train}[split]()
    y = None
    if split == "train" and run.protocol.labelled is not None:
        raise ValueError(f"split: expected test or validation, train has {run.protocol.labelled} labels for "
                         f"{len(x)} rows")  # fmt: skip
    if model.labels is not None:
        y = run.protocol.prepare_labels(labels, "y_test" if split == "test" else "y", len(x))
    if split == "train":
        x = data.settle(x, generator(0, "present"))
    of = None
    if images is not None:
        if images > len(x):
            raise ValueError(f"images: expected at most the {len(x)} rows of the {split} split, got {images}")
        of = len(x)
        chosen = np.sort(generator(seed, "evaluate", CHOICE).permutation(of)[:images])
        x, y, labels = x[chosen], take(y, chosen), take(labels, chosen)
    return Case(run, model, data, split, x, y, labels, seed, epoch, of, against)


def _measured(name, case):
    """The numbers of a family of measures; what people read is printed, and its pictures are drawn into the run."""
    findings = MEASURES[name](case)
    print(f"{name}:", *findings.lines, sep="\n  ")
    for file, draw in findings.pictures.items():
        path = case.run.file(f"{file}-{case.stem}.png")
        draw(path)
        print(f"  {path}")
    return findings.numbers


@command(
    argument("runs", nargs="+", metavar="RUN"),
    argument("--evidence", metavar="K", help="the differences of their log p(x) from K samples, as evaluate kept them"),
    argument("--split", default="test", choices=SPLITS, help="of --evidence (default: test)"),
    argument("--out", metavar="FILE", help="default: compare.png in the folder of the first run"),
    FORCE,
)
def compare(runs, evidence, split, out, force):
    """Print the last and best figures of runs side by side, where their settings differ, and draw their curves.

    With --evidence: by how many nats log p(x) of each run is above that of the first, paired over the rows; refused
    where they are not of the same rows, bits and K.
    """
    evidence = None if evidence is None else whole(1)("evidence", evidence)
    runs = [Run.open(run) for run in runs]
    path = output(out, ".png", runs[0].file("compare.png"), force)
    if len({run.path.resolve() for run in runs}) < len(runs):
        raise ValueError(f"runs: expected each run once, got {', '.join(str(run.path) for run in runs)}")
    histories = {str(run.path): run.finished() for run in runs}
    for name, history in histories.items():
        if not history:
            raise ValueError(f"runs: {name} has not finished an epoch yet")
    own = [MODELS[run.settings["model"]].metrics_of(run.settings) for run in runs]
    metrics = {name: metric for part in own for name, metric in _shown(part).items()}
    models = [MODELS[run.settings["model"]] for run in runs]
    monitors = {cls.monitor for cls in models}
    best = f"best {models[0].monitor}" if len(monitors) == 1 and None not in monitors else "best"
    results = [] if evidence is None else [read_result(run, split, evidence) for run in runs]
    differences = [result.minus(results[0]) for result in results[1:]]
    head = ("run", "split", "epoch", *metrics, best, "at epoch", "seconds")
    rows = []
    for (name, history), cls in zip(histories.items(), models, strict=True):
        rows.append((name, *_figures(history, metrics, cls, named=best == "best")))
    print(*aligned([head, *rows], "<<>"), sep="\n")
    for name, option in {n: o for run in runs for n, o in options_of(run.settings["model"]).items()}.items():
        values = [str(short(run.settings[name])) if name in run.settings else "-" for run in runs]
        if len(set(values)) > 1 and option.on_resume != "free":
            print(f"{name}: {', '.join(values)}")
    for name in metrics:
        titles = list(dict.fromkeys(part[name].title for part in own if name in part))
        if len(titles) > 1:
            print(f"{name} is not the same in all runs: {'; '.join(titles)}")
    if any(_unit(run) != _unit(runs[0]) for run in runs):
        print("these runs have different data, bits, units or likelihoods, or some are given y: their nats cannot be "
              "compared")  # fmt: skip
    for run, result in zip(runs, results, strict=False):
        print(f"{run.path}: {result.line()}")
    for run, (difference, error) in zip(runs[1:], differences, strict=False):
        print(f"{run.path} less {runs[0].path}: {difference:+.2f} +- {error or 0:.2f} nats, paired over the rows")
    with held(runs[0].path):
        plot.comparison(histories, path, metrics)
    print(path)


def _unit(run):
    """What must be equal if the nats of two runs are to be compared."""
    likelihood = run.settings["likelihood"]
    kind = "density" if likelihood.startswith("gaussian") else likelihood
    if run.settings.get("levels") is not None:
        kind = "levels"  # however their probabilities come about
    names = ("sha256", "n_validation", "split_seed", "divisor", "binarize", "levels", "mean", "std", "quadrants",
             "tokens", "vocabulary", "rare")  # fmt: skip
    model = MODELS[run.settings["model"]]
    kind = (kind, model.conditional and not model.infers_y, model.explains_y)  # log p(x | y), log p(x), or log p(x, y)
    return [kind, run.settings.get("levels"), *(getattr(run.protocol, name) for name in names)]


def _shown(metrics):
    """The metrics that mean the same in every run: not the losses, whose weights are settings."""
    return {name: metric for name, metric in metrics.items() if not name.startswith("loss")}


def _figures(history, metrics, model, named):
    """What `compare` shows of a run of a model: the last line, and the best by its monitor, `named` if they differ."""
    monitor = model.monitor
    split = "validation" if "validation" in history[-1] else "train"
    last = history[-1][split]
    numbers = [f"{last[name]:.2f}" if name in last else "-" for name in metrics]
    value = epoch = "-"
    if monitor is not None:
        pick = max if model.metrics[monitor].better == "higher" else min
        best = pick(history, key=lambda line: line[split][monitor])
        value, epoch = f"{monitor} " * named + f"{best[split][monitor]:.2f}", str(best["epoch"])
    seconds = sum(line["seconds"] for line in history)
    return split, str(history[-1]["epoch"]), *numbers, value, epoch, f"{seconds:.0f}"


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

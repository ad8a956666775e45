"""The command line: train, sample, reconstruct, evaluate, gradcheck, info.

Bad input is one line on stderr and exit code 2; a training that diverged or a gradient that is wrong is exit code 1.
"""

import argparse
import json
import os
import shlex
import sys
from contextlib import ExitStack
from pathlib import Path

from . import __version__, checkpoint
from .backend import generator, to_numpy
from .data.download import DOWNLOADS
from .evaluate import elbo_standard_error, log_evidence, mean_metrics
from .gradcheck import LIMIT, check_model
from .likelihoods import LIKELIHOODS
from .models import MODELS
from .runs import Run, build_model, build_optimizer, check_out, read_data
from .settings import OPTIONS, complete, read_config, read_options, whole
from .train import fit

PICTURED = 30  # examples in a picture of reconstructions


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        raise ValueError(message)


def main(argv=None):
    """Run a command; returns the exit code."""
    try:
        arguments = vars(_parser().parse_args(argv))
        return arguments.pop("command")(**arguments) or 0
    except BrokenPipeError:  # whoever read the output has gone; so does Python's last flush
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except (ValueError, OSError, MemoryError) as error:
        message, code = str(error) or type(error).__name__, 2
    except FloatingPointError as error:
        message, code = str(error), 1
    except KeyboardInterrupt:
        message, code = "interrupted", 130
    print(f"minivae: {' '.join(message.split())}", file=sys.stderr)
    return code


def train(out=None, resume=False, config=None, **flags):
    """Train a model into a run folder."""
    given = (read_config(config) if config else {}) | read_options({k: v for k, v in flags.items() if v is not None})
    _absolute_paths(given)
    with ExitStack() as stack:
        if resume:
            if out is None:
                raise ValueError("resume: expected --out RUN, the folder of the run to go on with")
            run = Run.open(out)
            stack.enter_context(run.lock())
            model, optimizer, data = run.resume(given)
        else:
            if out is not None:
                check_out(out)  # before anything that takes time
            settings = complete(given)
            data = read_data(settings)
            model = build_model(settings, data.shape)
            optimizer = build_optimizer(settings, model, data.protocol["n_train"])
            run = Run.create(out, settings, data.protocol, model, optimizer)
            stack.enter_context(run.lock())
        return _fit_run(run, model, optimizer, data)


def _fit_run(run, model, optimizer, data):
    """Train a run to its end and draw its pictures; returns the exit code."""
    epochs, batch_size, seed = (run.settings[name] for name in ("epochs", "batch_size", "seed"))
    try:
        if run.epoch == epochs:
            print(f"{run.path} is finished: {run.epoch} of {epochs} epochs are done")
        else:
            _describe(run, model, data)
            fit(model, optimizer, data, epochs=epochs, batch_size=batch_size, seed=seed, first_epoch=run.epoch,
                on_epoch=lambda line: run.record(line, model, optimizer))  # fmt: skip
        _train_pictures(run, data)
    except FloatingPointError as error:
        raise FloatingPointError(f"{error}; {run.path} keeps the checkpoint of epoch {run.epoch}") from None
    except KeyboardInterrupt:
        print(f"\nstopped; the checkpoint of epoch {run.epoch} is kept. Go on with:\n"
              f"  minivae train --resume --out {shlex.quote(str(run.path))}", file=sys.stderr)  # fmt: skip
        return 130
    return 0


def sample(run, n, seed, out=None):
    """Write a picture of samples."""
    run = Run.open(run)
    path, n = _png(out, run, "samples.png"), whole(1)("n", n)
    model, _ = run.load_model()
    _sample_picture(run, model, n, whole(0)("seed", seed), path)
    print(path)


def reconstruct(run, out=None):
    """Write a picture of examples, held out where there are any, and their reconstructions."""
    run = Run.open(run)
    path = _png(out, run, "reconstructions.png")
    model, _ = run.load_model()
    _reconstruction_picture(run, model, run.read_data(), path)
    print(path)


def evaluate(run, split, samples=None):
    """Measure a run on a split and write evaluate-SPLIT.json."""
    run = Run.open(run)
    samples = None if samples is None else whole(1)("samples", samples)
    model, meta = run.load_model()
    data = run.read_data()
    if split == "validation" and data.validation is None:
        raise ValueError(f"split: {run.path} was trained without a validation split")
    x, y = {"test": data.test, "validation": lambda: data.validation, "train": lambda: data.train}[split]()
    if split == "train":
        x = data.present(x, generator(0, "binarize"))
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
    checkpoint.write_atomic(run.path / f"evaluate-{split}.json", (json.dumps(report, indent=2) + "\n").encode())


def gradcheck(model, arch, likelihood):
    """Check every parameter's gradient of a small model; exit code 1 when one is wrong."""
    rng = generator(0, "gradcheck")
    options = {"hidden": [10], "channels": [3, 4], "latent": 2, "dropout": 0.2}
    instance = MODELS[model].build((4, 4, 1), rng, arch=arch, likelihood=likelihood, **options).bind("float64")
    instance.theta += 0.1 * rng.standard_normal(instance.theta.shape)  # zero biases sit exactly on kinks of ReLU
    x = (rng.random((5, 16)) < 0.5).astype("float64") if likelihood == "bernoulli" else rng.random((5, 16))
    checks = check_model(instance, x, rng)
    width = max(map(len, checks))
    print(f"{model}, {arch}, {likelihood}: {instance.theta.size} parameters, float64, limit {LIMIT:.0e}")
    for name, check in checks.items():
        kinks = f"  ({check.kinks} of {check.directions} directions cross a kink)" if check.kinks else ""
        print(f"{name:<{width}}  relative error {check.error:.1e}  {'ok' if check.ok else 'NOT OK'}{kinks}")
    return 0 if all(check.ok for check in checks.values()) else 1


def info(run):
    """Print what a run is and where it stands."""
    run = Run.open(run)
    model, meta = run.load_model()
    last = run.read("last")[1]["epoch"]
    history = run.history()[:last]  # beyond it a run that was cut off may have a line that will be replayed
    print(f"{run.path}: {last} of {run.settings['epochs']} epochs; {meta['checkpoint']} checkpoint is of "
          f"epoch {meta['epoch']}")  # fmt: skip
    print("settings   " + "  ".join(f"{k} {_short(v)}" for k, v in run.settings.items() if v is not None))
    print("data       " + "  ".join(f"{k} {_short(v)}" for k, v in run.protocol.items()))
    print(f"model      {model.theta.size:,} parameters")
    for name, p in model.params.items():
        print(f"  {name:<28} {'x'.join(map(str, p.data.shape))}")
    for split in ("train", "validation"):
        if history and split in history[-1]:
            metrics = "  ".join(f"{k} {v:.2f}" for k, v in history[-1][split].items())
            print(f"{split:<11}epoch {history[-1]['epoch']}: {metrics} nats")


def _parser():
    parser = _Parser(prog="minivae", description="Variational autoencoders from scratch, every gradient by hand.")
    parser.add_argument("--version", action="version", version=f"minivae {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)

    def add(command):
        sub = commands.add_parser(command.__name__, help=command.__doc__, description=command.__doc__,
                                  allow_abbrev=False)  # fmt: skip
        sub.set_defaults(command=command)
        return sub

    sub = add(train)
    for name, option in OPTIONS.items():
        shown = "" if option.default is None else f" (default: {_short(option.default)})"
        sub.add_argument("--" + name.replace("_", "-"), dest=name, metavar=option.metavar, help=option.help + shown,
                         nargs="+" if option.many else None)  # fmt: skip
    sub.add_argument("--out", metavar="DIR", help="the run folder (default: a new runs/MODEL-DATA-ARCH-NNN)")
    sub.add_argument("--resume", action="store_true", help="go on with the run in --out")
    sub.add_argument("--config", metavar="FILE.toml", help="options by their Python names; flags win")

    sub = add(sample)
    sub.add_argument("run", metavar="RUN")
    sub.add_argument("--n", default="64", metavar="N", help="how many (default: 64)")
    sub.add_argument("--seed", default="0", metavar="N", help="of the draws from the prior (default: 0)")
    sub.add_argument("--out", metavar="FILE.png", help="default: samples.png in the run folder")
    sub = add(reconstruct)
    sub.add_argument("run", metavar="RUN")
    sub.add_argument("--out", metavar="FILE.png", help="default: reconstructions.png in the run folder")
    sub = add(evaluate)
    sub.add_argument("run", metavar="RUN")
    sub.add_argument("--split", default="test", choices=("test", "validation", "train"), help="default: test")
    sub.add_argument("--samples", metavar="K", help="also log p(x) by importance sampling with K samples")
    sub = add(gradcheck)
    sub.add_argument("--model", default="vae", choices=tuple(MODELS))
    sub.add_argument("--arch", default="dense", choices=("dense", "conv"))
    sub.add_argument("--likelihood", default="bernoulli", choices=tuple(LIKELIHOODS))
    add(info).add_argument("run", metavar="RUN")
    return parser


def _absolute_paths(given):
    """Make recorded paths independent of the folder that a command is called from."""
    if given.get("data", "").lower().endswith((".npy", ".npz")):
        given["data"] = str(Path(given["data"]).absolute())
    if given.get("data") in DOWNLOADS and "data_dir" not in given and os.environ.get("MINIVAE_DATA"):
        given["data_dir"] = os.environ["MINIVAE_DATA"]
    if "data_dir" in given:
        given["data_dir"] = str(Path(given["data_dir"]).absolute())


def _describe(run, model, data):
    p = data.protocol
    print(f"{run.path}: {p['name']}, {p['n_train']} training and {p['n_validation']} validation examples of "
          f"{'x'.join(map(str, data.shape))}, binarize {p['binarize']}; {model.theta.size:,} parameters")  # fmt: skip
    if "entropy_floor" in p:
        print(f"grey pixels under a Bernoulli likelihood: log_px_z cannot exceed {-p['entropy_floor']:.2f} nats, the "
              "negative entropy of the pixels; --binarize each makes them bits")  # fmt: skip


def _png(out, run, name):
    """Where a picture goes: a .png file in a folder that exists."""
    if out is None:
        return run.path / name
    path = Path(out)
    if path.suffix.lower() != ".png":
        raise ValueError(f"out: expected a file name ending in .png, got {out}")
    if not path.absolute().parent.is_dir():
        raise ValueError(f"out: the folder {path.absolute().parent} does not exist")
    return path


def _train_pictures(run, data):
    from . import plot

    model, _ = run.load_model()
    plot.learning_curves(run.history(), run.path / "curves.png")
    _reconstruction_picture(run, model, data, run.path / "reconstructions.png")
    _sample_picture(run, model, 64, 0, run.path / "samples.png")
    x, y = data.pictured
    rows = slice(0, 5000)
    plot.latent_means(to_numpy(model.encode(x[rows])[0]), None if y is None else y[rows], run.path / "latents.png")
    names = ("curves", "reconstructions", "samples", "latents")
    print("pictures: " + ", ".join(str(run.path / f"{name}.png") for name in names))


def _sample_picture(run, model, n, seed, path):
    from . import plot

    x_hat = to_numpy(model.sample(n, generator(seed, "sample")))
    plot.samples(x_hat, tuple(run.protocol["shape"]), path)


def _reconstruction_picture(run, model, data, path):
    from . import plot

    x = data.pictured.x[:PICTURED]
    plot.reconstructions(x, to_numpy(model.reconstruct(x)), tuple(run.protocol["shape"]), path)


def _plus_minus(mean, error):
    return f"{mean:.2f}" if error is None else f"{mean:.2f} +- {error:.2f}"


def _short(value):
    return " ".join(map(str, value)) if isinstance(value, list) else value

"""minivae train."""

import os
import shlex
import sys
from contextlib import ExitStack
from pathlib import Path

from .. import plot
from ..data.download import DOWNLOADS
from ..data.sources import is_own
from ..evaluate import ledger_line
from ..files import check_writable
from ..models import MODELS
from ..runs import Run, build_model, build_optimizer, check_out, check_run, read_data, start
from ..runs.settings import complete, every_option, options_of, read_config, read_options
from ..train import fit, stopped
from .base import argument, command, short
from .pictures import draw_epoch, draw_run

OPTIONS = every_option()


def _flags():
    """A flag for every option that has a metavar, of whichever model."""
    for name, option in OPTIONS.items():
        if option.metavar:
            yield argument("--" + name.replace("_", "-"), dest=name, metavar=option.metavar,
                           help=_help(name, option), nargs="+" if option.many else None)  # fmt: skip


def _help(name, option):
    """What it is for, which models have it if not all do, its default, and that of each model that has another."""
    owners = [model for model in MODELS if name in options_of(model)]
    notes = [f"only {', '.join(owners)}"] * (len(owners) < len(MODELS))
    defaults = {"": option.default} | {f" of {model}": options_of(model)[name].default for model in owners}
    notes += [f"default{of}: {short(default)}" for of, default in defaults.items()
              if default is not None and (not of or str(default) != str(option.default))]  # fmt: skip
    return option.help + (f" ({'; '.join(notes)})" if notes else "")


def _others():
    """The options of a configuration file that have no flag, as the help shows them."""
    return "; ".join(f"{name} ({option.help})" for name, option in OPTIONS.items() if not option.metavar)


@command(
    *_flags(),
    argument("--out", metavar="DIR", help="the run folder (default: a new runs/MODEL-DATA-ARCH-NNN)"),
    argument("--resume", action="store_true", help="go on with the run in --out"),
    argument(
        "--config", metavar="FILE.toml", help="options by their Python names; flags win. Only there: " + _others()
    ),
)
def train(out=None, resume=False, config=None, **flags):
    """Train a model into a run folder."""
    plot.check_matplotlib()  # before anything that takes time
    texts = ({} if config is None else read_config(config)) | {k: v for k, v in flags.items() if v is not None}
    with ExitStack() as stack:
        if resume:
            if out is None:
                raise ValueError("resume: expected --out RUN, the folder of the run to go on with")
            run = Run.open(out)
            stack.enter_context(run.lock())
            given = absolute_paths(read_options({"model": run.settings["model"]} | texts))
            model, optimizer, data = run.resume(given)
        else:
            given = absolute_paths(read_options(texts))
            if out is not None:
                check_out(out)
            settings = complete(given)
            data = read_data(settings)
            model = build_model(settings, data.protocol)
            optimizer = build_optimizer(settings, model, data.protocol)
            start(settings, model, data)
            check_run(settings, model, data)
            run = Run.create(out, settings, data.protocol, model, optimizer)
            stack.enter_context(run.lock())
        return _fit_run(run, model, optimizer, data)


def _fit_run(run, model, optimizer, data):
    """Train a run to its end and draw its pictures; returns the exit code."""
    epochs, early_stop, every = (run.settings[name] for name in ("epochs", "early_stop", "pictures_every"))
    history = run.history()[: run.epoch]

    def draw(epoch):
        try:
            draw_epoch(run, model, data, epoch)
        except FloatingPointError as error:  # of draws that no step has made yet: the training itself is finite
            print(f"{error}; no picture")

    def on_epoch(line):
        # before the epoch counts as done, so that a cut loses no picture
        if every and line["epoch"] % every == 0:
            with optimizer.averaged():
                draw(line["epoch"])
        run.record(line, model, optimizer)

    try:
        if run.epoch == epochs or stopped(history, model.monitor, early_stop, model.better):
            early = " and stopped early" if run.epoch < epochs else ""
            print(f"{run.path} is finished{early}: {run.epoch} of {epochs} epochs are done")
        else:
            _describe(run, model, data)
            check_writable(run.path, "out")
            if every:
                check_writable(run.file("samples"), "pictures_every")
            if every and run.epoch == 0:
                draw(0)
            ledger = ledger_line if run.settings["ledger"] else None
            fit(model, optimizer, data, epochs=epochs, batch_size=run.settings["batch_size"],
                seed=run.settings["seed"], early_stop=early_stop, ledger=ledger, history=history,
                on_epoch=on_epoch)  # fmt: skip
        draw_run(run, data)
    except FloatingPointError as error:
        raise FloatingPointError(f"{error}; {run.path} keeps the checkpoint of epoch {run.epoch}") from None
    except KeyboardInterrupt:
        print(f"\nstopped; the checkpoint of epoch {run.epoch} is kept. Go on with:\n"
              f"  minivae train --resume --out {shlex.quote(str(run.path))}", file=sys.stderr)  # fmt: skip
        return 130
    return 0


def absolute_paths(given):
    """Options whose recorded paths do not depend on the folder that a command is called from."""
    if "data" in given and is_own(given["data"]):
        given["data"] = str(Path(given["data"]).absolute())
    if given.get("data") in DOWNLOADS and "data_dir" not in given and os.environ.get("MINIVAE_DATA"):
        given["data_dir"] = os.environ["MINIVAE_DATA"]
    if "data_dir" in given:
        given["data_dir"] = str(Path(given["data_dir"]).absolute())
    return given


def _describe(run, model, data):
    p = data.protocol
    if len(p.shape) == 3 and p.shape[0] in (1, 3, 4) and p.shape[2] > 4:
        print("images of {} rows, {} columns and {} channels, which stand last; if yours stand first, move that axis "
              "to the end".format(*p.shape))  # fmt: skip
    print(f"{run.path}: {p.name}, {p.n_train} training and {p.n_validation} validation examples of "
          f"{'x'.join(map(str, data.shape))}, binarize {p.binarize}; {model.theta.size:,} parameters")  # fmt: skip
    for line in (*p.said(), *data.notes):
        print(line)
    if p.entropy_floor is not None and "log_px_z" in model.metrics:
        print(f"grey pixels under a Bernoulli likelihood: log_px_z cannot exceed {-p.entropy_floor:.2f} nats, the "
              "negative entropy of the pixels; --binarize each makes them bits")  # fmt: skip

"""The runs of figures.variants: trained in the background, evaluated once, and read."""

import argparse
import io
import json
import math
import os
import signal
import subprocess
import sys
import time
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np

from minivae.cli import main as minivae
from minivae.options import real
from minivae.reports import read_report, read_result
from minivae.runs import Run
from minivae.runs.settings import complete, read_options
from minivae.tables import markdown

KEPT = ("kl", "mutual_information", "marginal_kl", "active_units", "kl_per_level", "active_units_per_level")


def lines_of(cls):
    """Lines of the file that a class is written in."""
    return len(Path(sys.modules[cls.__module__].__file__).read_text().splitlines())


# ---- What the pages share


def page_parser(doc, names, page, folder):
    """The arguments of a command that trains, measures and writes `page` into `folder`."""
    parser = argparse.ArgumentParser(description=doc.partition("\n")[0])
    parser.add_argument("--runs", type=Path, default=Path("runs/variants"), help="where trainings are kept")
    parser.add_argument("--out", type=Path, default=folder, help=f"folder for {page} and its pictures")
    parser.add_argument("--only", nargs="+", choices=names, metavar="NAME", help="train these runs alone")
    parser.add_argument("--budget", metavar="MINUTES", help="of training, 0 for none; the next call goes on")
    return parser


def page_main(write, doc, names, page, folder, runs=None):
    """The command of a page: write(out, runs, names, minutes) with its arguments; `runs`: where, if not as usual."""
    parser = page_parser(doc, names, page, folder)
    parser.set_defaults(**({} if runs is None else {"runs": Path(runs)}))
    given = parser.parse_args()
    try:
        write(given.out, given.runs, given.only or names, minutes_of(given.budget))
    except ValueError as error:
        parser.error(error)


def minutes_of(budget):
    """What --budget says; None without it."""
    return None if budget is None else real(closed=True)("budget", budget)


def settings_table(runs):
    """Every run with its options."""
    options = {run: " ".join(f"{name}={json.dumps(value)}" for name, value in of.items()) for run, of in runs.items()}
    return markdown(("run", "options"), *((f"`{run}`", text) for run, text in options.items()))


# ---- Trainings


def state_of(folder):
    """(finished epochs, wanted epochs) of a run folder; None where there is none."""
    if not folder.exists():
        return None
    run = Run.open(folder)
    return len(run.finished()), run.settings["epochs"]


def is_finished(folder):
    state = state_of(folder)
    return state is not None and state[0] == state[1]


def train(runs, folder, minutes=None, processes=2):
    """Train the runs {name: options} that are not finished, `processes` at once, for so many minutes at most."""
    waiting = [name for name in runs if not is_finished(folder / name)]
    in_processes(waiting, lambda name: _start(name, runs[name], folder), folder, minutes, processes)


def in_processes(names, start, folder, minutes=None, processes=2):
    """Trainings start(name) in processes of their own, some at once, for so many minutes; their logs are in `folder`.

    What runs then is interrupted.
    """
    began = time.monotonic()
    waiting, running = list(names), {}
    while waiting or running:
        if minutes is not None and time.monotonic() - began >= 60 * minutes:
            for process in running.values():
                process.send_signal(signal.SIGINT)
            for process in running.values():
                process.wait()
            return
        while waiting and len(running) < processes:
            name = waiting.pop(0)
            running[name] = start(name)
        time.sleep(0.2)
        for name, process in list(running.items()):
            if process.poll() is not None:
                print(f"{name}: {'trained' if process.returncode == 0 else f'failed, see {folder / name}.log'}",
                      flush=True)  # fmt: skip
                del running[name]


def _start(name, options, folder):
    """A training in a process of its own: from its options, or from its last epoch."""
    out = folder / name
    config = folder / f"{name}.toml"
    config.write_text("".join(f"{option} = {toml(value)}\n" for option, value in options.items()))
    what = ["--config", config, "--out", out, *["--resume"] * out.exists()]
    print(f"{name}: training, log in {out}.log", flush=True)
    with open(f"{out}.log", "a") as log:
        return subprocess.Popen([sys.executable, "-m", "minivae", "train", *what], stdout=log, stderr=log,
                                env=os.environ | {"OPENBLAS_NUM_THREADS": "1"})  # fmt: skip


def toml(value):
    """A value of an option as TOML, which writes tables otherwise than JSON."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} = {toml(part)}" for name, part in value.items()) + "}"
    return json.dumps(value)


# ---- What is measured of a run


def run_of(name, options, folder):
    """The Run of that name; ValueError for one of other options."""
    run = Run.open(folder / name)
    wanted = complete(read_options(options))
    others = [option for option in options if run.settings[option] != wanted[option]]
    if others:
        raise ValueError(f"{run.path}: expected {others[0]} = {wanted[others[0]]}, got {run.settings[others[0]]}")
    return run


def measure(name, options, folder, K, exactly=False):
    """What a row shows of a finished run, with {K: Result} of every estimate of K samples or more.

    It is evaluated where nothing of the kind is kept, or nothing of K samples `exactly`. Raises ValueError for a run
    of other options.
    """
    run = run_of(name, options, folder)
    model, meta = run.load_model()
    report = report_of(run, meta)
    if not any(int(k) == K or (int(k) > K and not exactly) for k in report["evidence"]):
        evaluate(name, folder, "--samples", K)
        report = report_of(run, meta)
    D = math.prod(run.protocol.x_shape)
    sizes = [D, *run.settings["hidden"], model.L]
    return {
        "results": {int(k): read_result(run, "test", int(k)) for k in report["evidence"] if int(k) >= K},
        "model": run.settings["model"],
        "architecture": f"{'-'.join(map(str, sizes))} {run.settings['activation']}",
        "epochs": run.settings["epochs"],
        "parameters": model.theta.size,
        "seconds": float(np.median([line["seconds"] for line in run.finished()])),
        "elbo": report["elbo"],
        "elbo_error": report["elbo_standard_error"],
        "D": D,
        "levels": run.protocol.levels or 1 if model.likelihood.n_levels is None else 1,
    }


def evaluate(name, folder, *what):
    """`minivae evaluate` of a run."""
    text = ["evaluate", str(folder / name), *map(str, what)]
    print(f"{name}: minivae {' '.join(text)}", flush=True)
    command(name, folder, text)


def command(name, folder, text):
    """A command of minivae, whose words are returned, and go into the run's log."""
    words = io.StringIO()
    with redirect_stdout(words):
        code = minivae(text)
    with open(folder / f"{name}.log", "a") as log:
        log.write(words.getvalue())
    if code:
        raise RuntimeError(f"minivae {' '.join(text)} failed")
    return words.getvalue()


def report_of(run, meta):
    """What `evaluate` has kept of the weights that are used, of all rows of the test split."""
    report = read_report(run.file("evaluate-test.json"))
    return report if report is not None and report["epoch"] == meta["epoch"] else {"evidence": {}, "measures": {}}


def latents_of(folder, names):
    """{name: what `evaluate --measure latents` says of it} of the runs that are finished."""
    found = {}
    for name in filter(lambda name: is_finished(folder / name), names):
        run = Run.open(folder / name)
        meta = run.load_model()[1]
        if "latents" not in report_of(run, meta)["measures"]:
            evaluate(name, folder, "--measure", "latents")
        measured = report_of(run, meta)["measures"]["latents"]
        found[name] = {part: measured[part] for part in KEPT if part in measured}
    return found


def sample(name, folder, path):
    """Samples of a hierarchy, whose rows share z2 and what is above it."""
    command(name, folder, ["sample", str(folder / name), "--level", "2", "--out", str(path), "--force"])

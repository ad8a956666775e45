"""minivae reproduce: a published protocol from its data to a row of a table, by the commands that everyone has."""

import math
import os
import subprocess
import time
from pathlib import Path

import numpy as np

from ..backend import generator
from ..evaluate import ACTIVE, activity, posteriors
from ..laboratory.timing import seconds_of
from ..options import real
from ..reports import read_result
from ..reproduce import ROWS, write_row
from ..runs import Run, build_model, build_optimizer, read_data
from ..runs.settings import complete, read_options
from ..tables import aligned
from .base import argument, command
from .measures import evaluate
from .training import absolute_paths, train

PAGE = Path("figures")  # of a clone
TIMED = 40  # steps


@command(
    argument("name", nargs="?", metavar="NAME", choices=list(ROWS), help="a row; without one, all are listed"),
    argument("--budget", metavar="MINUTES", help="train about so long: as many epochs, under the schedule as a whole"),
    argument("--out", metavar="DIR", help="the run folder (default: runs/NAME); one that is there is gone on with"),
    argument("--data-dir", metavar="DIR", help="folder of the data, which are not downloaded then"),
)
def reproduce(name, budget, out, data_dir):
    """Train and measure a row of a published table; it goes into figures/reproduction.md of a clone, and RUN/."""
    if name is None:
        head = ("name", "source", "model", "published NLL")
        print(*aligned([head, *((r.name, r.source, r.model, f"{r.nll:.2f}") for r in ROWS.values())]), sep="\n")
        return None
    row = ROWS[name]
    budget = None if budget is None else real()("budget", budget)
    folder = Path("runs", name) if out is None else Path(out)
    given = row.settings | ({} if data_dir is None else {"data_dir": data_dir})
    if folder.exists():
        code = train(out=folder, resume=True, **given | {"epochs": Run.open(folder).settings["epochs"]})
    else:
        epochs = given["epochs"] if budget is None else min(given["epochs"], _epochs(given, budget))
        if out is None:
            folder.parent.mkdir(exist_ok=True)
        code = train(out=folder, **given | {"epochs": epochs})
    if code:
        return code
    began = time.perf_counter()
    evaluate(folder, samples=str(row.samples))
    measured = _measured(row, Run.open(folder), time.perf_counter() - began)
    for place in (PAGE, folder) if (PAGE / "reproduction.json").exists() else (folder,):
        if write_row(place, name, measured, ROWS.values()):
            print(place / "reproduction.md")
        else:
            print(f"{place / 'reproduction.md'} has this row of a longer training, which stays")
    print(f"{row.source}, {row.model}: published {row.nll:.2f}, ours {measured['nll']:.2f} +- "
          f"{measured['standard_error']:.2f} nats")  # fmt: skip
    return 0


def _epochs(given, minutes):
    """How many epochs take so long here, by some steps of them."""
    settings = complete(absolute_paths(read_options(given)))
    data = read_data(settings)
    model = build_model(settings, data.protocol)
    optimizer = build_optimizer(settings, model, data.protocol)
    rng, n = generator(0, "noise"), settings["batch_size"]

    def step(i):
        model.loss_and_grads(data.present(data.train.x[:n], rng), model.draw_noise(rng, n))
        optimizer.step()

    an_epoch = float(np.median([seconds_of(step) for _ in range(TIMED)])) * len(data.train.x) / n
    epochs = max(1, int(60 * minutes / an_epoch))
    print(f"{an_epoch:.1f} s an epoch: {epochs} epochs in {minutes:g} minutes")
    return epochs


def _measured(row, run, seconds):
    result = read_result(run, "test", row.samples)
    model, meta = run.load_model()
    active = None
    if model.latent == "gaussian":
        active = int((activity(posteriors(model, run.read_data().test().x)[0])[0] > ACTIVE).sum())
    levels = run.protocol.levels  # of a density: of x + u, u uniform in a level's interval
    spread = 0.0 if levels is None else math.prod(run.protocol.shape) * math.log(levels)
    threads = os.environ.get("OPENBLAS_NUM_THREADS", os.cpu_count())
    return {
        "nll": spread - result.mean, "standard_error": result.standard_error, "active": active,
        "epochs": run.settings["epochs"], "best_epoch": meta["epoch"], "published_epochs": row.settings["epochs"],
        "training_seconds": sum(line["seconds"] for line in run.finished()),
        "evidence_seconds": seconds, "threads": f"{threads} thread" + "s" * (str(threads) != "1"),
        "commit": _commit(), "line": result.line(),
    }  # fmt: skip


def _commit():
    """Of the clone that this file lies in; of an installed minivae its version."""
    from .. import __version__

    here = Path(__file__).parents[2]
    try:
        asked = ["git", "-C", str(here), "rev-parse", "--short", "HEAD"]
        return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return f"minivae {__version__}"

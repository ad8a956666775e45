"""One training of figures.families: so many seconds of one thread, and what the model was on the way.

`python -m figures.families_train FOLDER NAME` trains a run of `families_runs` and writes NAME.npz, then NAME.json. What
is cut off leaves neither. Seconds are those of the process, not of the clock on the wall, which also counts what other
processes do; they are of steps and of what lies between two of them, not of measures.
"""

import json
import math
import os
import subprocess
import sys
import time
from dataclasses import replace
from io import BytesIO
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from minivae.files import dump, write_atomic
from minivae.runs import build_model, build_optimizer, read_data
from minivae.runs.build import start
from minivae.runs.settings import complete, read_options
from minivae.train import fit

from .families_runs import RUNS
from .variants_runs import in_processes

MANY = 10**6  # epochs, more than any number of seconds has room for


class Enough(Exception):
    """The seconds are used up."""


class Clocked:
    """The steps of an optimizer, and copies of the model when so many seconds of them are over."""

    def __init__(self, model, optimizer, marks):
        self.model, self.optimizer, self.marks = model, optimizer, marks
        self.descend = optimizer.step
        self.kept = {"theta": [], "state": [], "seconds": [], "steps": []}
        optimizer.step = self.step
        self.began = time.process_time()

    def step(self):
        self.descend()
        if not math.isfinite(self.model.grad.sum()):
            raise FloatingPointError("a gradient is not finite")
        used = time.process_time() - self.began
        while len(self.kept["steps"]) < len(self.marks) and used >= self.marks[len(self.kept["steps"])]:
            self.keep(used)
        if len(self.kept["steps"]) == len(self.marks):
            raise Enough

    def keep(self, used):
        """A copy of the model as it is now, of the average of its parameters where one is kept."""
        before = time.process_time()
        with self.optimizer.averaged():
            self.kept["theta"].append(self.model.theta.copy())
            self.kept["state"].append(self.model.state.copy())
        self.kept["seconds"].append(used)
        self.kept["steps"].append(self.optimizer.t)
        self.began += time.process_time() - before


def trained(options, seconds, marks):
    """({name: arrays of each mark}, {what is said of the training}) of a run; a failed one has fewer marks."""
    settings = complete(read_options(options))
    data = replace(read_data(settings), validation=None)
    model = build_model(settings, data.protocol)
    start(settings, model, data)
    optimizer = build_optimizer(settings, model, data.protocol)
    clock = Clocked(model, optimizer, [seconds * mark for mark in marks])
    failed = None
    if model.solve is not None:  # the closed form is all of the training
        model.solve(data.settle(data.train.x, data.protocol.bits_generator("train")))
        clock.keep(time.process_time() - clock.began)
        marks = [1.0]
    else:
        try:
            fit(model, optimizer, data, epochs=MANY, batch_size=settings["batch_size"], seed=settings["seed"],
                progress=False)  # fmt: skip
        except Enough:
            pass
        except FloatingPointError as error:
            failed = str(error)
    kept = {name: np.array(values) for name, values in clock.kept.items()}
    return kept, {"parameters": model.theta.size, "failed": failed, "n_train": data.protocol.n_train,
                  "marks": [float(mark) for mark in marks[: len(kept["steps"])]]}  # fmt: skip


def save(folder, name):
    """Train a run and write its files."""
    run = RUNS[name]
    kept, said = trained(run["options"], run["seconds"], run["marks"])
    content = BytesIO()
    np.savez(content, **kept)
    write_atomic(folder / f"{name}.npz", content.getvalue())
    write_atomic(folder / f"{name}.json", dump({"run": run} | said, indent=2))


def read(folder, name):
    """({name: arrays}, {what is said of the training}) of a finished run; ValueError where it was another one."""
    said = json.loads((folder / f"{name}.json").read_text())
    if said["run"] != json.loads(dump(RUNS[name])):
        raise ValueError(f"runs: {folder / name}.json is of other options than {name} has now")
    with np.load(folder / f"{name}.npz") as arrays:
        return dict(arrays), said


def is_trained(folder, name):
    """Whether a run is there, of the options that it has now; one of others is trained again."""
    file = folder / f"{name}.json"
    return file.exists() and json.loads(file.read_text())["run"] == json.loads(dump(RUNS[name]))


def model_of(options, arrays, mark, data=None):
    """(model as it was at a mark, its data); `data` None: they are read."""
    settings = complete(read_options(options))
    data = read_data(settings) if data is None else data
    model = build_model(settings, data.protocol)
    model.theta[...] = arrays["theta"][mark]
    model.state[...] = arrays["state"][mark]
    return model, data


def start_process(folder, name):
    """The training of a run in a process of its own, of one thread."""
    print(f"{name}: training, log in {folder / name}.log", flush=True)
    with open(folder / f"{name}.log", "a") as log:
        return subprocess.Popen([sys.executable, "-m", "figures.families_train", str(folder), name], stdout=log,
                                stderr=log, env=os.environ | {"OPENBLAS_NUM_THREADS": "1"})  # fmt: skip


def train(names, folder, minutes=None, processes=2):
    """Train the runs of these names that are not there, `processes` at once, for so many minutes at most.

    One that is cut off is begun again the next time.
    """
    waiting = [name for name in names if not is_trained(folder, name)]
    in_processes(waiting, lambda name: start_process(folder, name), folder, minutes, processes)


if __name__ == "__main__":
    save(Path(sys.argv[1]), sys.argv[2])

"""The run folder: settings.json, metrics.jsonl, last.safetensors, best.safetensors, and pictures.

A folder without last.safetensors never exists: it is built under a temporary name with the checkpoint of step 0. After
every epoch `best` (if better), the line in metrics.jsonl, and `last` are written, in this order; `last` says where the
run is, and whatever lies beyond it is dropped and replayed.
"""

import os
import platform
import re
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from .. import __version__
from ..backend import available
from ..files import append, beside, check_file, dump, inside, owned, sweep, sync_folder, write_atomic
from ..models import MODELS
from ..options import is_number
from . import checkpoint
from .build import build_model, build_optimizer, check_run, read_data
from .records import read_metrics, read_settings
from .settings import deciding, resumed, with_older


class Run:
    """One folder and what is in it: `Run.create` starts one, `Run.open` reads one."""

    def __init__(self, path, settings, protocol, epoch=0, best=None):
        self.path, self.settings, self.protocol = Path(path), settings, protocol
        self.epoch, self.best = epoch, best

    @classmethod
    def create(cls, out, settings, protocol, model, optimizer):
        """A new folder `out` (None: the next runs/MODEL-DATA-ARCH-NNN), with the checkpoint of step 0 in it."""
        if out is not None:
            check_out(out)
            final = Path(out).resolve()
        else:
            Path("runs").mkdir(exist_ok=True)
            data = re.sub(r"\W+", "_", Path(settings["data"]).stem)
            stem = "-".join((settings["model"], data, *(settings[name] for name in ("arch",) if name in settings)))
            final = next_name(Path("runs"), stem)
        sweep(final.parent)
        with beside(final) as building:
            try:
                building.mkdir()
                run = cls(building, settings, protocol)
                run._write_settings()
                (building / "metrics.jsonl").touch()
                run._save("last", model, optimizer, 0)
                while True:
                    try:
                        os.replace(building, final)
                        break
                    except OSError:
                        if out is not None:
                            check_out(out)  # another process may have taken it
                        if out is not None or not final.exists():
                            raise
                        final = next_name(Path("runs"), stem)
                sync_folder(final.parent)
            except OSError as error:
                raise OSError(error.errno, f"out: cannot write {final}: {error.strerror}") from None
        run.path = final if out is None else Path(out)
        return run

    @classmethod
    def open(cls, path):
        """A run that exists; ValueError if the folder is missing, damaged or something else."""
        check_file(path, "run", folder=True)
        return cls(path, *read_settings(inside(path, "settings.json")))

    def file(self, *names):
        """Path of a file of this run; ValueError where a symbolic link in the folder leads out of it."""
        return inside(self.path, *names)

    def lock(self):
        """A context in which no other process trains this run; ValueError if one does."""
        return owned(self.path)

    def resume(self, given):
        """Model, optimizer and data as the last checkpoint left them; metrics beyond it are dropped."""
        self.settings, self.protocol = read_settings(self.file("settings.json"))  # as they are behind the lock
        settings = resumed(self.settings, given)
        data = self.read_data(settings)
        model = build_model(settings, self.protocol)
        optimizer = build_optimizer(settings, model, self.protocol)
        meta = self._restore("last", model, optimizer)
        check_run(settings, model, data)
        lines = self.finished(meta["epoch"])
        self.epoch, self.best, optimizer.t = meta["epoch"], meta["best"], meta["step"]
        if settings != self.settings:  # from here on files change
            self.settings = settings
            self._write_settings()
        for folder in (self.path, self.file("samples")):
            sweep(folder)
        metrics = self.file("metrics.jsonl")
        kept = b"".join(map(dump, lines))
        if kept != metrics.read_bytes():
            write_atomic(metrics, kept)
        return model, optimizer, data

    def load_model(self):
        """(model, meta) of the best checkpoint, or of the last where there is no best."""
        settings = self.settings | {"backend": available(self.settings["backend"])}
        model = build_model(settings, self.protocol)
        if self.file("best.safetensors").exists():  # holds the average, if the optimizer keeps one
            return model, self._restore("best", model) | {"checkpoint": "best"}
        optimizer = build_optimizer(self.settings, model, self.protocol)
        meta = self._restore("last", model, optimizer)
        if optimizer.ema is not None:
            model.theta[...] = optimizer.average
        return model, meta | {"checkpoint": "last"}

    def read_data(self, settings=None):
        """The run's data; ValueError if they are no longer what the run was trained on."""
        data = read_data(self.settings if settings is None else settings)
        old = self.protocol
        new = data.protocol
        if not MODELS[self.settings["model"]].conditional:  # labels decide no number
            new = replace(new, labels=old.labels)
        name = old.first_difference(new)
        if name is not None:
            values = f"expected {getattr(old, name)}, got {getattr(new, name)}"
            raise ValueError(f"data: not what the run was trained on ({name}: {values})")
        return data

    def record(self, line, model, optimizer):
        """Keep what an epoch gave: best, the line of metrics, last, in this order."""
        epoch = line["epoch"]
        if "validation" in line and model.monitor and self._is_better(line["validation"][model.monitor], model):
            self.best = line["validation"][model.monitor]
            with optimizer.averaged():
                self._save("best", model, optimizer, epoch)
        append(self.file("metrics.jsonl"), dump(line))
        self._save("last", model, optimizer, epoch)
        self.epoch = epoch

    def _is_better(self, value, model):
        if self.best is None:
            return True
        return value > self.best if model.better == "higher" else value < self.best

    def history(self):
        """The lines of metrics.jsonl, one for each epoch; a run that was cut off may have one more than `last` saw."""
        return read_metrics(self.file("metrics.jsonl"), self.settings, self.protocol)

    def finished(self, epochs=None):
        """The lines of the epochs that `last` has seen (None: it is asked); ValueError if one is missing."""
        epochs = self.read("last")[1]["epoch"] if epochs is None else epochs
        lines = self.history()
        if len(lines) < epochs:
            raise ValueError(f"run: {self.path / 'metrics.jsonl'} ends or is damaged after epoch {len(lines)}, but "
                             f"last.safetensors is of epoch {epochs}")  # fmt: skip
        return lines[:epochs]

    def _write_settings(self):
        versions = {"minivae": __version__, "python": platform.python_version()}
        versions |= {name: version(name) for name in ("numpy", "scikit-learn", "safetensors")}
        document = {"settings": self.settings, "data": self.protocol.to_json(), "versions": versions}
        write_atomic(self.file("settings.json"), dump(document, indent=2))

    def _save(self, which, model, optimizer, epoch):
        meta = {"epoch": epoch, "step": optimizer.t, "best": self.best, "settings": deciding(self.settings),
                "data": self.protocol.to_json()}  # fmt: skip
        checkpoint.save(self.file(f"{which}.safetensors"), model, optimizer, meta)

    def read(self, which):
        """(arrays, meta) of a checkpoint, "best" or "last"; ValueError unless it belongs to this run."""
        path = self.file(f"{which}.safetensors")
        arrays, meta = checkpoint.load(path)
        if not (
            isinstance(meta, dict)
            and all(type(meta.get(name)) is int and meta[name] >= 0 for name in ("epoch", "step"))
            and (meta.get("best", "") is None or is_number(meta.get("best")))
        ):
            raise ValueError(f"checkpoint: {path} was not written by a training run of minivae")
        expected = deciding(self.settings)
        made_by = meta.get("settings")
        if isinstance(made_by, dict):  # it may be older than an option, and made on another backend
            known = with_older(made_by, self.settings["model"])
            made_by = {name: known[name] for name in known if name in expected or name in made_by}
            made_by["backend"] = expected["backend"]
        same = made_by == expected and meta.get("data") == self.protocol.to_json()
        if not same or meta["epoch"] > self.settings["epochs"]:
            raise ValueError(f"checkpoint: {path} belongs to other settings than {self.path / 'settings.json'}")
        return arrays, meta

    def _restore(self, which, model, optimizer=None):
        arrays, meta = self.read(which)
        checkpoint.restore(model, arrays, optimizer, self.path / f"{which}.safetensors")
        return meta


def check_out(out):
    """ValueError unless `out` can become a new run folder: its parent exists, and it does not or is empty."""
    out = Path(out)
    if not out.absolute().parent.is_dir():
        raise ValueError(f"out: the folder {out.absolute().parent} does not exist")
    if out.resolve() == Path.cwd():
        raise ValueError(f"out: {out} is the folder that you are in; expected a new one")
    try:
        taken = out.exists() and (not out.is_dir() or any(out.iterdir()))
    except OSError as error:
        raise ValueError(f"out: cannot open {out} ({error.strerror})") from None
    if taken:
        raise ValueError(f"out: {out} exists and is not an empty folder; expected a new one, or --resume")


def next_name(folder, stem):
    """folder/stem-NNN, one above the highest number there."""
    found = (re.fullmatch(rf"{re.escape(stem)}-(\d+)", path.name) for path in folder.iterdir())
    return folder / f"{stem}-{max((int(match[1]) for match in found if match), default=0) + 1:03d}"

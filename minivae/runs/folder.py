"""The run folder: settings.json, metrics.jsonl, last.safetensors, best.safetensors, and pictures.

A folder without last.safetensors never exists: it is built under a temporary name with the checkpoint of step 0. After
every epoch `best` (if better), the line in metrics.jsonl, and `last` are written, in this order; `last` says where the
run is, and whatever lies beyond it is dropped and replayed.
"""

import json
import os
import platform
import re
import shutil
from contextlib import contextmanager
from dataclasses import replace
from glob import escape
from importlib.metadata import version
from pathlib import Path

from .. import __version__
from ..backend import available
from ..data.protocol import Protocol
from ..files import sync_folder, write_atomic
from ..models import MODELS
from . import checkpoint
from .build import build_model, build_optimizer, check_ledger, read_data
from .settings import deciding, is_complete, read_options, resumed, with_older


class Run:
    """One folder and what is in it. `Run.create` starts one, `Run.open` reads one."""

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
            stem = "-".join((settings["model"], re.sub(r"\W+", "_", Path(settings["data"]).stem), settings["arch"]))
            final = next_name(Path("runs"), stem)
        remove_abandoned(final)
        building = final.with_name(f".{final.name}.{os.getpid()}.partial")
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
        except BaseException:
            shutil.rmtree(building, ignore_errors=True)
            raise
        sync_folder(final.parent)
        run.path = final if out is None else Path(out)
        return run

    @classmethod
    def open(cls, path):
        """A run that exists; ValueError if the folder is missing, damaged or something else."""
        path = Path(path)
        if not path.is_dir():
            raise ValueError(f"run: {path} {'is a file, expected a run folder' if path.exists() else 'does not exist'}")
        file = path / "settings.json"
        try:
            recorded = json.loads(file.read_text(encoding="utf-8"))
            settings = recorded["settings"]
            settings |= read_options({k: v for k, v in settings.items() if v is not None})
            settings = with_older(settings, settings["model"])
            data = recorded["data"]
            if not is_complete(settings):
                raise KeyError
        except OSError as error:
            raise ValueError(f"run: cannot read {file} ({error.strerror}); is it a run folder?") from None
        except (KeyError, TypeError, AttributeError, RecursionError, UnicodeDecodeError, json.JSONDecodeError):
            raise ValueError(f"run: {file} is damaged") from None
        try:
            return cls(path, settings, Protocol.from_json(data))
        except ValueError as error:
            raise ValueError(f"run: {file} is damaged ({error})") from None

    @contextmanager
    def lock(self):
        """Keep other processes from training this run; ValueError if one does. The system forgets it at any exit."""
        if not hasattr(os, "O_DIRECTORY"):
            yield
            return
        import fcntl

        handle = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise ValueError(f"run: {self.path} is being trained by another process") from None
            yield
        finally:
            os.close(handle)

    def resume(self, given):
        """Model, optimizer and data as the last checkpoint left them; metrics beyond it are dropped."""
        settings = resumed(self.settings, given)
        data = self.read_data(settings)
        model = build_model(settings, self.protocol)
        optimizer = build_optimizer(settings, model, self.protocol)
        meta = self._restore("last", model, optimizer)
        check_ledger(settings, model, data)
        lines = self.history()[: meta["epoch"]]
        if len(lines) < meta["epoch"]:
            raise ValueError(f"run: {self.path / 'metrics.jsonl'} ends at epoch {len(lines)}, last at {meta['epoch']}")
        self.epoch = meta["epoch"]
        self.best = meta["best"]
        optimizer.t = meta["step"]
        if settings != self.settings:  # from here on files change
            self.settings = settings
            self._write_settings()
        for leftover in self.path.rglob(".*.partial"):
            leftover.unlink()
        kept = "".join(json.dumps(line) + "\n" for line in lines)
        if kept.encode() != (self.path / "metrics.jsonl").read_bytes():
            write_atomic(self.path / "metrics.jsonl", kept.encode())
        return model, optimizer, data

    def load_model(self):
        """(model, meta) of the best checkpoint, or of the last where there is no best."""
        settings = self.settings | {"backend": available(self.settings["backend"])}
        model = build_model(settings, self.protocol)
        if (self.path / "best.safetensors").exists():  # holds the average, if the optimizer keeps one
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
        if "validation" in line and self._is_better(line["validation"][model.monitor], model):
            self.best = line["validation"][model.monitor]
            with optimizer.averaged():
                self._save("best", model, optimizer, epoch)
        metrics = self.path / "metrics.jsonl"
        try:
            with open(metrics, "a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise OSError(error.errno, f"cannot write {metrics}: {error.strerror}") from None
        self._save("last", model, optimizer, epoch)
        self.epoch = epoch

    def _is_better(self, value, model):
        if self.best is None:
            return True
        return value > self.best if model.metrics[model.monitor].better == "higher" else value < self.best

    def history(self):
        """The lines of metrics.jsonl, of epochs 1, 2, 3 and so on, up to the first that is cut off or damaged."""
        lines, splits = [], ["train"] + ["validation"] * (self.protocol.n_validation > 0)
        try:
            content = (self.path / "metrics.jsonl").read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            raise ValueError(f"run: cannot read {self.path / 'metrics.jsonl'} ({error.strerror})") from None
        for text in content.splitlines():
            try:
                line = json.loads(text)
                figures = [value for split in splits for value in (line[split]["loss"], *line[split].values())]
                if line["epoch"] != len(lines) + 1 or not all(
                    isinstance(v, float) for v in [line["seconds"], *figures]
                ):
                    break
            except (KeyError, TypeError, AttributeError, RecursionError, json.JSONDecodeError):
                break
            lines.append(line)
        return lines

    def finished(self):
        """The lines of the epochs that `last` has seen; a run that was cut off may have one more, to be replayed."""
        return self.history()[: self.read("last")[1]["epoch"]]

    def _write_settings(self):
        versions = {"minivae": __version__, "python": platform.python_version()}
        versions |= {name: version(name) for name in ("numpy", "scikit-learn", "safetensors")}
        document = {"settings": self.settings, "data": self.protocol.to_json(), "versions": versions}
        write_atomic(self.path / "settings.json", (json.dumps(document, indent=2) + "\n").encode())

    def _save(self, which, model, optimizer, epoch):
        meta = {"epoch": epoch, "step": optimizer.t, "best": self.best, "settings": deciding(self.settings),
                "data": self.protocol.to_json()}  # fmt: skip
        checkpoint.save(self.path / f"{which}.safetensors", model, optimizer, meta)

    def read(self, which):
        """(arrays, meta) of a checkpoint, "best" or "last"; ValueError unless it belongs to this run."""
        path = self.path / f"{which}.safetensors"
        arrays, meta = checkpoint.load(path)
        if not (
            isinstance(meta, dict)
            and all(isinstance(meta.get(name), int) and meta[name] >= 0 for name in ("epoch", "step"))
            and isinstance(meta.get("best", ""), float | int | None)
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
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(f"out: {out} exists and is not an empty folder; expected a new one, or --resume")


def next_name(folder, stem):
    """folder/stem-NNN, one above the highest number there."""
    found = (re.fullmatch(rf"{re.escape(stem)}-(\d+)", path.name) for path in folder.iterdir())
    return folder / f"{stem}-{max((int(match[1]) for match in found if match), default=0) + 1:03d}"


def remove_abandoned(final):
    """Remove half-built folders of `final` whose process is gone; it was killed before its run came to be."""
    for path in final.parent.glob(f".{escape(final.name)}.*.partial"):
        pid = path.name.split(".")[-2]
        if path.is_dir() and pid.isdigit() and not _alive(int(pid)):
            shutil.rmtree(path, ignore_errors=True)


def _alive(pid):
    """Whether another process has this number; where the system cannot tell, one has."""
    if pid == os.getpid():  # in a container the number of a killed process comes back
        return False
    if os.name != "posix":
        return True
    try:
        os.kill(pid, 0)  # sends nothing, only asks
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True

"""A fault at every step of a command on the disk: one line, nothing lost, and the same command then ends well."""

import errno
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from faults import KINDS, Died, faulty
from test_runs import Killed, content

from minivae.cli import main
from minivae.files import write_atomic
from minivae.runs import Run

SMALL = ["--hidden", "3", "--latent", "2"]


# ---- the faulty disk itself


def work(folder):
    """Every kind of operation."""
    folder.mkdir()
    with open(folder / "a.tmp", "wb") as file:
        file.write(b"12345678")
        file.flush()
        os.fsync(file.fileno())
    os.replace(folder / "a.tmp", folder / "a")
    (folder / "b").write_text("text")
    (folder / "b").unlink()
    (folder / "b").unlink(missing_ok=True)
    (folder / "a").read_bytes()
    (folder / "d").touch()
    (folder / "e").mkdir()
    (folder / "e").mkdir(exist_ok=True)
    shutil.rmtree(folder / "e")


STEPS = ["mkdir f", "open a.tmp", "write a.tmp", "fsync a.tmp", "replace a", "open b", "write b", "unlink b", "open d",
         "mkdir e", "rmtree e"]  # fmt: skip


def test_every_operation_is_counted(tmp_path):
    with faulty(tmp_path) as disk:
        work(tmp_path / "f")
    assert [f"{operation} {path.name}" for operation, path in disk.log] == STEPS
    assert {path.name: path.read_bytes() for path in (tmp_path / "f").iterdir()} == {
        "a": b"12345678",
        "d": b"",
    }
    with faulty(tmp_path / "elsewhere") as disk:
        work(tmp_path / "g")
    assert not disk.log


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("k", range(1, len(STEPS) + 1))
def test_the_kth_operation_fails(k, kind, tmp_path):
    """Nothing follows a death; a write that fails has written half."""
    name = STEPS[k - 1].split()[1]
    with faulty(tmp_path, k, kind) as disk:
        with pytest.raises(Died if kind == "dies" else OSError) as raised:
            work(tmp_path / "f")
        if kind == "dies":
            with pytest.raises(Died):
                (tmp_path / "more").mkdir()
        else:
            assert raised.value.errno == getattr(errno, kind)
            assert f"f/{name}'" in f"{raised.value}".replace("f'", "f/f'")
    assert len(disk.log) == k or (kind != "dies" and "write" in STEPS[k - 1])  # once more
    if STEPS[k - 1] == "write a.tmp":
        assert (tmp_path / "f" / "a.tmp").read_bytes() == (b"1234" if kind in ("dies", "ENOSPC") else b"12345678")


@pytest.mark.parametrize("kind", ["ENOSPC", "dies"])
def test_a_copy_that_stops_halfway(kind, tmp_path):
    (tmp_path / "a").write_bytes(b"12345678")
    with faulty(tmp_path, 2, kind) as disk:
        with pytest.raises((OSError, Died)):
            shutil.copyfile(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == b"1234"
    with faulty(tmp_path) as disk:
        shutil.copyfile(tmp_path / "a", tmp_path / "b")
    assert [operation for operation, _ in disk.log] == ["open", "write", "write"]  # the last one finds the end


def test_a_full_disk_stays_full_but_files_can_be_removed(tmp_path):
    (tmp_path / "old").touch()
    with faulty(tmp_path, 1, "ENOSPC"):
        for _ in range(2):
            with pytest.raises(OSError, match="No space left"):
                (tmp_path / "new").touch()
        (tmp_path / "old").unlink()
    assert not list(tmp_path.iterdir())


# ---- commands on it


class Scenario(NamedTuple):
    """`prepare(folder)`; then `command`, which does not end well; then `again`, which must, `again_if_run` on a run."""

    prepare: Callable
    command: list
    again_if_run: list | None = None


def finished(folder):
    assert (
        main(
            ["train", *SMALL, "--data", str(folder.parent / "data.npz"), "--epochs", "2", "--out", str(folder / "run")]
        )
        == 0
    )


def cut(folder):
    """A run that was killed in its first epoch, when `best` and the metrics were written."""
    save = Run._save

    def killed_save(self, which, model, optimizer, at):
        if (which, at) == ("last", 1):
            raise Killed
        save(self, which, model, optimizer, at)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Run, "_save", killed_save)
        with pytest.raises(Killed):
            finished(folder)


def evaluated(folder):
    finished(folder)
    assert main(["evaluate", str(folder / "run")]) == 0


TRAIN = ["train", *SMALL, "--data", "../data.npz", "--epochs", "2", "--config", "../c.toml", "--out", "run"]
RESUME = ["train", "--resume", "--epochs", "3", "--out", "run"]
SCENARIOS = {
    "train": Scenario(lambda folder: None, TRAIN, ["train", "--resume", "--out", "run"]),
    "resume": Scenario(cut, RESUME),
    "evaluate": Scenario(finished, ["evaluate", "run"]),
    "evaluate again": Scenario(evaluated, ["evaluate", "run", "--samples", "3"]),
    "lessons": Scenario(lambda folder: None, ["lessons", "mine"]),
}


@pytest.fixture
def small(tmp_path, monkeypatch):
    """Tiny data, pictures of a few bytes, three lessons; the folder to be in is one of tmp_path."""
    rng = np.random.default_rng(0)
    x = rng.random((30, 4, 4), "float32")
    np.savez(tmp_path / "data.npz", x=x[:24], x_test=x[24:])
    (tmp_path / "c.toml").write_text("pictures_every = 1\n")
    for part in ("", "solutions/"):
        (tmp_path / "lessons" / part).mkdir()
        for i in range(3):
            (tmp_path / "lessons" / f"{part}0{i}_lesson.ipynb").write_bytes(bytes(range(100)))
    (tmp_path / "lessons" / "README.md").write_text("the syllabus")

    def draw_run(run, data):
        for name in ("curves", "samples"):
            write_atomic(run.path / f"{name}.png", b"a picture")

    monkeypatch.setattr("minivae.cli.pictures._draw_samples", lambda *args, **_: write_atomic(args[4], b"a picture"))
    monkeypatch.setattr("minivae.cli.training.draw_run", draw_run)
    monkeypatch.setattr("minivae.plot.draw_evidence", lambda *args: write_atomic(args[-1], b"a picture"))
    monkeypatch.setattr("minivae.cli.lessons.PLACES", (tmp_path / "lessons",))
    monkeypatch.setattr(os, "fsync", lambda number: None)  # the system goes on: it loses nothing, and this is slow


def files_in(folder):
    """{path below the folder: bytes}."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def result(folder):
    """What must be equal: the names of all files, and all their bytes but the seconds in metrics.jsonl."""
    files = files_in(folder)
    files.pop("run/metrics.jsonl", None)
    return files, content(folder / "run") if (folder / "run").exists() else None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_fault_at_every_step(name, kind, small, tmp_path, monkeypatch, capsys):
    scenario = SCENARIOS[name]
    template, folder = tmp_path / "template", tmp_path / "here"
    template.mkdir()
    scenario.prepare(template)
    before = files_in(template)
    versions = {path: {text} for path, text in before.items()}  # of each file all that are whole

    def watch():
        for path, text in files_in(folder).items():
            versions.setdefault(path, set()).add(text)

    shutil.copytree(template, folder)
    monkeypatch.chdir(folder)
    with faulty(folder, watch=watch) as disk:
        assert main(scenario.command) == 0
    watch()
    expected = result(folder)
    wrong = []
    for k, (operation, path) in enumerate(disk.log, 1):
        shutil.rmtree(folder)
        shutil.copytree(template, folder)
        os.chdir(folder)
        for fault in after_fault(scenario, folder, k, kind, before, versions, expected, capsys):
            wrong.append(f"{k}: {operation} {path.relative_to(folder)}: {fault}")
    print(f"{name}, {kind}: {len(disk.log)} faults, {len(wrong)} findings")
    assert not wrong, "\n".join(["", *wrong])


def names_one_of(folder, error):
    """Whether an error names a path: one of the folder, or one of the run or the lessons in it."""
    return str(folder) in error or re.search(r"\b(run|mine)\b", error.removeprefix("minivae: run: "))


def after_fault(scenario, folder, k, kind, before, versions, expected, capsys):
    """What is wrong after the k-th step failed."""
    capsys.readouterr()
    with faulty(folder, k, kind):
        try:
            code = main(scenario.command)
        except Died:
            code = "died"
    error = capsys.readouterr().err
    if kind == "dies" and code != "died":
        yield f"did not die but ended with {code}"
    if kind != "dies" and code not in (0, 2):
        yield f"exit code {code}"
    if code == 2 and not (error.startswith("minivae: ") and error.count("\n") == 1 and names_one_of(folder, error)):
        yield f"error: {error}"
    after = files_in(folder)
    for path, text in after.items():
        is_hidden = any(part.startswith(".") for part in Path(path).parts)
        if not is_hidden and not path.endswith("metrics.jsonl") and text not in versions.get(path, ()):
            yield f"{path} is damaged"
    lost = [path for path in before.keys() - after.keys() if path in expected[0]]
    if lost:
        yield f"lost {', '.join(lost)}"
    exists = (folder / "run").exists()
    if exists:
        if main(["info", "run"]) != 0:
            yield f"info: {capsys.readouterr().err}"
    again = scenario.again_if_run if exists and scenario.again_if_run else scenario.command
    if main(again) != 0:
        yield f"again: {capsys.readouterr().err}"
        return
    files, run = result(folder)
    if files.keys() != expected[0].keys():
        yield f"files: {sorted(files.keys() ^ expected[0].keys())}"
    elif (files, run) != expected:
        yield "other bytes than without a fault"

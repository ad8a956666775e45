"""What can go wrong around a run: another folder under its name, numbers that are not finite, odd files and shells.

Each case was answered wrongly once.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file
from test_cli import error_of
from test_runs import content, train

from minivae.backend import as_array
from minivae.cli import base, in_one_line, main
from minivae.data import load_data
from minivae.evaluate import Result
from minivae.files import alone, append, beside, check_writable, dump, held, parse, read_file, sweep, write_atomic
from minivae.models import VAE
from minivae.optim import SGD, Adam
from minivae.reports import keep_report
from minivae.runs import Run
from minivae.teach.exercise import LESSONS
from minivae.train import fit


@pytest.fixture(autouse=True)
def _quick(no_pictures):
    """No pictures at the end of a training."""


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "whole"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("minivae.cli.training.draw_run", lambda run, data: None)
        assert train(out, epochs=2) == 0
    return out


@pytest.fixture
def run(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "run")


def bytes_in(folder):
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def shell(*argv, **how):
    """A command in a process of its own."""
    command = [sys.executable, "-m", "minivae", *map(str, argv)]
    return subprocess.run(command, capture_output=True, text=True, errors="surrogateescape", **how)


# ---- another folder under the name of the run


def replaced(out, how, successor):
    """The run in `out` is removed or renamed, and another one comes in its place."""
    shutil.rmtree(out) if how == "removed" else out.rename(out.with_name("elsewhere"))
    if successor is not None:
        shutil.copytree(successor, out)


@pytest.mark.parametrize("moment", ["before an epoch is recorded", "while a checkpoint is written"])
@pytest.mark.parametrize("how", ["removed", "renamed", "renamed, and nothing came"])
def test_a_run_writes_only_while_its_folder_is_there(how, moment, finished, tmp_path, monkeypatch, capsys):
    out, record, fsync, done = tmp_path / "run", Run.record, os.fsync, []
    successor = None if "nothing" in how else finished

    def strike(self, line, *args):
        if line["epoch"] == 2 and moment.startswith("before"):
            replaced(out, how, successor)
        done.append(line["epoch"])
        record(self, line, *args)

    def strike_in_write(handle):
        if done == [1, 2]:
            done.append("struck")
            replaced(out, how, successor)
        fsync(handle)

    monkeypatch.setattr(Run, "record", strike)
    if moment.startswith("while"):
        monkeypatch.setattr("minivae.files.os.fsync", strike_in_write)
    assert train(out, "--seed", "5", epochs=4) == 2
    assert f"run: {out} is no longer the folder that it was" in capsys.readouterr().err
    assert not out.exists() if successor is None else bytes_in(out) == bytes_in(finished)


def test_pictures_and_results_go_into_the_folder_that_was_opened_or_nowhere(run, finished, monkeypatch, capsys):
    for command, module, name in (("sample", "pictures", "sampled"), ("evaluate", "measures", "mean_metrics")):
        right = getattr(sys.modules[f"minivae.cli.{module}"], name)

        def strike(*args, right=right, **kwargs):
            replaced(run, "removed", finished)
            return right(*args, **kwargs)

        with monkeypatch.context() as patch:
            patch.setattr(f"minivae.cli.{module}.{name}", strike)
            assert "is no longer the folder that it was" in error_of(capsys, command, run)
        assert bytes_in(run) == bytes_in(finished)


def test_a_run_is_read_behind_its_lock(run, finished, monkeypatch):
    """What another process has changed after the run was opened: its settings, or the whole folder."""
    opened = Run.open(run)
    assert main(["train", "--resume", "--out", str(run), "--epochs", "3"]) == 0
    with opened.lock():
        opened.resume({})
    assert (opened.settings["epochs"], opened.epoch) == (3, 3)

    def strike(path, right=Run.open):
        opened = right(path)
        replaced(run, "removed", finished)
        return opened

    monkeypatch.setattr(Run, "open", strike)
    with pytest.raises(ValueError, match="no longer the folder"), base.opened(run):
        write_atomic(run / "a", b"1")
    assert bytes_in(run) == bytes_in(finished)
    replaced(run, "removed", finished)
    with held(run):
        replaced(run, "renamed", None)
        with pytest.raises(ValueError, match="no longer the folder"):
            check_writable(run, "out")
    assert not run.exists()


def test_lines_that_are_added_go_into_the_folder_that_was_opened_or_nowhere(run, finished, monkeypatch):
    def swapping(path, mode):
        file = open(path, mode)
        replaced(run, "removed", finished)
        return file

    with held(run):
        monkeypatch.setattr("minivae.files.open", swapping, raising=False)
        with pytest.raises(ValueError, match="no longer the folder"):
            append(run / "metrics.jsonl", b"x")
    assert bytes_in(run) == bytes_in(finished)


def test_what_is_no_json():
    assert parse(dump({"a": [1.5, None, "b"]})) == {"a": [1.5, None, "b"]}
    for text in ("NaN", "[Infinity]", '{"a": -Infinity}', "9" * 5000, ""):
        with pytest.raises(ValueError, match=r"."):
            parse(text)
    with pytest.raises(ValueError, match="not JSON compliant"):
        dump({"a": float("nan")})


def test_writes_beside_the_folder_are_free(run, tmp_path):
    with held(run):
        shutil.rmtree(run)
        write_atomic(tmp_path / "other", b"1")
        with pytest.raises(ValueError, match="no longer the folder"):
            write_atomic(run / "a", b"1")
    run.mkdir()
    write_atomic(run / "a", b"1")


# ---- numbers that are not finite


def with_weights(run, factor):
    for which in ("best", "last"):
        path = run / f"{which}.safetensors"
        with safe_open(path, "numpy") as file:
            meta = file.metadata()
            arrays = {name: file.get_tensor(name) for name in file.keys()}
        arrays = {n: a if n.startswith("optimizer") else (factor * a).astype(a.dtype) for n, a in arrays.items()}
        save_file(arrays, path, meta)


@pytest.mark.parametrize("command", ["evaluate", "ledger", "uncertainty"])
def test_figures_that_are_not_finite_are_exit_code_1(command, run, capsys):
    with_weights(run, 1e10)
    before = bytes_in(run)
    assert main([command, str(run)]) == 1
    out, err = capsys.readouterr()
    assert err.count("\n") == 1
    assert "finite" in err
    assert not any(word in out for word in ("nan", "inf"))
    assert bytes_in(run) == before


def test_outliers_in_the_test_split(tmp_path, capsys):
    """1e30 in an exponential overflows: the metrics are named, and nothing is written."""
    x = np.random.default_rng(0).standard_normal((40, 3)).astype("float32")
    np.savez(tmp_path / "x.npz", x=x, x_test=np.concatenate([x[:9], np.full((1, 3), 1e30)]))
    options = ["--data", str(tmp_path / "x.npz"), "--likelihood", "gaussian"]
    assert train(tmp_path / "a", *options, epochs=1) == 0
    assert main(["evaluate", str(tmp_path / "a"), "--samples", "3"]) == 1
    assert "test split: not finite (loss is nan, elbo is nan, log_px_z is nan, kl is inf" in capsys.readouterr().err
    assert not (tmp_path / "a" / "evaluate-test.json").exists()


def test_a_step_size_of_beta_that_no_axis_can_show(tmp_path, capsys):
    (tmp_path / "c.toml").write_text("optimizer = 'sgd'\nlr = 1e-30\nbeta = 1e20\n")
    assert train(tmp_path / "a", "--config", str(tmp_path / "c.toml"), epochs=1) == 0
    assert main(["ledger", str(tmp_path / "a")]) == 0


# ---- what flags refuse is refused everywhere


def built(**options):
    return VAE.build((4,), np.random.default_rng(0), hidden=(3,), latent=2, **options)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: load_data(likelihood="foo"), "likelihood: expected one of bernoulli"),
        (lambda: load_data(augment=-1), "augment: expected a whole number >= 0, got -1"),
        (lambda: load_data(validation=True), "validation: expected a whole number >= 0, got True"),
        (lambda: load_data([["a"]]), "data: expected numbers, got dtype"),
        (lambda: load_data([[1, 2], [3]]), "data: expected an array of numbers, got list"),
        (lambda: load_data(np.eye(9), scale=0), "scale: expected a number > 0, max, dtype or none, got 0"),
        (lambda: load_data(np.eye(9), split_order="head"), "split_order: expected one of shuffle, tail, got 'head'"),
        (lambda: built(beta=np.nan), "beta: expected a finite number >= 0, got nan"),
        (lambda: built(beta="x"), "beta: expected a finite number >= 0, got 'x'"),
        (lambda: built(beta=-1), "beta: expected a finite number >= 0, got -1"),
        (lambda: built(free_bits=np.nan), "free_bits: expected a finite number >= 0, got nan"),
        (lambda: built(norm=[]), "norm: expected one of none, batch, layer, group"),
        (lambda: built(dropout=2), "dropout: expected a finite number >= 0 and < 1, got 2"),
        (lambda: Adam(built(), rates={"encoder": -1}), "rates.encoder: expected a finite number >= 0, got -1"),
        (lambda: Adam(built(), rates={"encoder": np.nan}), "rates.encoder: expected a finite number >= 0, got nan"),
        (lambda: Adam(built(), betas=(2, 2)), "betas: expected a finite number >= 0 and < 1, got 2"),
        (lambda: Adam(built(), lr=10**400), "lr: expected a finite number > 0, got 1000"),
        (lambda: SGD(built(), momentum=2), "momentum: expected a finite number >= 0 and < 1, got 2"),
    ],
)
def test_values_that_flags_refuse_are_refused_in_python(call, message):
    with pytest.raises(ValueError, match=f"^{message.replace('[', chr(92) + '[')}"):
        call()


def test_what_fit_refuses():
    data = load_data(np.eye(12)[:, :4], validation=2)
    model = built()
    for options, message in (
        ({"early_stop": 0}, "early_stop: expected a whole number >= 1, got 0"),
        ({"epochs": 1.5}, "epochs: expected a whole number >= 1, got 1.5"),
        ({"seed": -1}, "seed: expected a whole number >= 0, got -1"),
    ):
        with pytest.raises(ValueError, match=message):
            fit(model, Adam(model), data, progress=False, **options)
    with pytest.raises(ValueError, match="optimizer: expected one that was made for this model, got one of another"):
        fit(model, Adam(built()), data, progress=False)
    data.train = data.train._replace(y=np.arange(20))
    with pytest.raises(ValueError, match="y: expected a label for each of 10 rows, got shape"):
        fit(model, Adam(model), data, progress=False)


def test_lists_tensors_and_masked_arrays():
    model = built()
    x = np.eye(4, dtype="float32")
    for same in (x.tolist(), np.ma.array(x), x.astype("float64"), x.astype(int), x.astype(bool)):
        np.testing.assert_array_equal(model.encode(same)[0], model.encode(x)[0])
    for odd in (None, "abc", [[1, 2], [3]], x[0], 3, np.array([[object()]]), x.astype(complex), x * np.nan):
        with pytest.raises(ValueError, match="^x: expected "):
            model.encode(odd)

    class Tensor:
        def __array__(self, *args, **kwargs):
            raise RuntimeError("call detach first")

    with pytest.raises(ValueError, match=r"x: expected an array of numbers, got Tensor \(call detach first\)"):
        as_array(Tensor(), "x")


# ---- nothing is overwritten unasked


def test_evaluations_are_kept_by_what_they_are_of(run, capsys):
    def report():
        return json.loads((run / "evaluate-test.json").read_text())

    for argv in (["--samples", "20"], [], ["--samples", "5"]):
        assert main(["evaluate", str(run), *argv]) == 0
    both = report()["evidence"]
    assert list(both) == ["5", "20"]
    assert main(["train", "--resume", "--out", str(run), "--epochs", "5"]) == 0
    capsys.readouterr()
    assert main(["evaluate", str(run)]) == 0
    assert "evaluate-test.json: its figures of epoch 2 are replaced" in capsys.readouterr().out
    assert report()["evidence"] == {}
    assert report()["epoch"] == 5
    for text in ("", "[]", '{"epoch": 1, "evidence": {"a": 3}}', '{"epoch": NaN}'):
        (run / "evaluate-test.json").write_text(text)
        assert main(["evaluate", str(run)]) == 0
        assert report()["epoch"] == 5


def test_a_report_names_the_weights_that_were_measured(run, monkeypatch):
    """A training may write the next checkpoint while the data are read."""
    reports = []
    read = Run.read_data

    def after_another_checkpoint(self):
        with_weights(run, 0.5)
        return read(self)

    for read_data in (read, after_another_checkpoint):
        monkeypatch.setattr(Run, "read_data", read_data)
        assert main(["evaluate", str(run)]) == 0
        reports.append(json.loads((run / "evaluate-test.json").read_text()))
    assert reports[0] == reports[1]


def test_the_first_form_of_a_report_is_read(run):
    assert main(["evaluate", str(run), "--samples", "5"]) == 0
    path = run / "evaluate-test.json"
    report = json.loads(path.read_text())
    old = {name: value for name, value in report.items() if name not in ("evidence", "weights")}
    first = {name: report["evidence"]["5"][name] for name in ("log_px", "log_px_standard_error")}
    path.write_text(json.dumps(old | first | {"samples": 5}))
    assert main(["evaluate", str(run), "--samples", "7"]) == 0
    assert json.loads(path.read_text())["evidence"].keys() == {"5", "7"}
    assert json.loads(path.read_text())["evidence"]["5"] == first


def test_pictures_of_the_run_are_replaced_and_other_files_are_not(run, tmp_path, capsys):
    mine = tmp_path / "mine.png"
    mine.write_bytes(b"mine")
    for argv in (["sample", run], ["compare", run], ["pencil"]):
        assert f"out: {mine} exists; expected the name of a new file, or --force" in error_of(
            capsys, *argv, "--out", mine
        )
    assert mine.read_bytes() == b"mine"
    assert main(["sample", str(run), "--out", str(mine), "--force"]) == 0
    assert mine.read_bytes().startswith(b"\x89PNG")
    for _ in range(2):
        assert main(["sample", str(run)]) == 0
        assert main(["sample", str(run), "--out", str(run / "samples.png")]) == 0
    (run / "notes.png").write_bytes(b"mine")
    assert "notes.png exists" in error_of(capsys, "sample", run, "--out", run / "notes.png")


# ---- several at once


def test_writers_of_one_file_do_not_meet(tmp_path):
    """Each has a name of its own; who reads finds one of them, whole."""
    contents = [bytes([65 + i]) * 100_000 for i in range(4)]

    def work(i):
        for _ in range(40):
            write_atomic(tmp_path / "a", contents[i])
            assert (tmp_path / "a").read_bytes() in contents

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert os.listdir(tmp_path) == ["a"]


def test_reports_of_several_writers_are_all_kept(run):
    def work(K):
        values, ess = np.full(3, -float(K)), np.ones(3)
        found = Result(values, "log p(x)", "importance sampling", K, ess, "digits test", "all 3 rows", "0")
        keep_report(Run.open(run), "test", {"epoch": 2}, {}, {"evidence": {str(K): found}}, {})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(1, 41)))
    report = json.loads((run / "evaluate-test.json").read_text())
    assert list(report["evidence"]) == [str(K) for K in range(1, 41)]


def test_who_comes_second_waits(tmp_path):
    path, order = tmp_path / "a", []
    path.touch()

    def second():
        with alone(path):
            order.append("second")

    with ThreadPoolExecutor(1) as pool:
        with alone(path):
            waiting = pool.submit(second)
            time.sleep(0.1)
            order.append("first")
        waiting.result()
    assert order == ["first", "second"]


def test_only_what_the_dead_have_begun_is_swept_away(tmp_path):
    with beside(tmp_path / "a") as own:
        _, _, host, pid, number = own.name.replace(".", "-").split("-")[:5]
        name = f".minivae-{host}-{{}}-0123abcd.partial".format
        kept = {own.name, name(os.getppid()), ".notes.partial", ".minivae-notes.partial", "a"}
        kept |= {name(999999999).replace(host, "00000000")}  # of another machine
        for file in kept | {name(999999999), name(pid)}:  # of the dead, one of whom had the number of this process
            (tmp_path / file).touch()
        sweep(tmp_path)
        assert set(os.listdir(tmp_path)) == kept
    assert set(os.listdir(tmp_path)) == kept - {own.name}


def test_a_file_that_is_replaced_while_one_waits_is_waited_for_again(tmp_path):
    path, seen = tmp_path / "a", []
    path.write_text("old")

    def second():
        with alone(path):
            seen.append(path.read_text())

    def third():
        with alone(path):
            time.sleep(0.2)
            path.write_text("third")

    with ThreadPoolExecutor(2) as pool:
        with alone(path):
            waiting = [pool.submit(second)]
            time.sleep(0.1)
            write_atomic(path, b"new")
            waiting.append(pool.submit(third))
            time.sleep(0.1)
        for task in waiting:
            task.result()
    assert seen == ["third"]


# ---- what is read from a run


def damaged(line, **changes):
    return json.dumps(line | changes) + "\n"


@pytest.mark.parametrize(
    "change",
    [
        lambda line: damaged(line, validation={k: v for k, v in line["validation"].items() if k != "elbo"}),
        lambda line: damaged(line, validation=line["validation"] | {"kl": 10**400}),
        lambda line: damaged(line, train=line["train"] | {"\x1b[31m": 1.0}),
        lambda line: damaged(line, train=line["train"] | {"novelty": 1.0}),
        lambda line: damaged(line, seconds=float("nan")),
        lambda line: damaged(line, epoch=True),
        lambda line: damaged(line, ledger={"kl": "x"}),
        lambda line: damaged(line, ledger=3),
        lambda line: damaged(line, more={}),
        lambda line: damaged(line).replace("0.", "0." + 5000 * "9", 1).replace("9.", ".", 1)[:-1] + "9" * 5000 + "\n",
        lambda line: damaged(line).replace('"epoch": 1', f'"epoch": 1{"0" * 5000}'),
    ],
)
def test_lines_of_metrics_that_no_training_wrote(change, run, capsys):
    first, second = (run / "metrics.jsonl").read_text().splitlines(keepends=True)
    (run / "metrics.jsonl").write_text(change(json.loads(first)) + second)
    for argv in (["info", run], ["compare", run], ["ledger", run], ["train", "--resume", "--out", run]):
        assert "metrics.jsonl ends or is damaged after epoch 0, but last.safetensors is of epoch 2" in error_of(
            capsys, *argv
        )


def test_ledgers_of_other_shapes(tmp_path, capsys):
    (tmp_path / "c.toml").write_text("ledger = true\n")
    out = tmp_path / "a"
    assert train(out, "--config", str(tmp_path / "c.toml"), epochs=1) == 0
    line = json.loads((out / "metrics.jsonl").read_text())
    good = line["ledger"]
    for bad in (
        good | {"kl": good["kl"][:-1]},
        good | {"mu": good["mu"] | {"cosine": [0.0, None]}},
        good | {"layers": good["layers"] | {"more": 1}},
        good | {"layers": {"\x1b]0;x\x07": next(iter(good["layers"].values()))}},
        good | {"log_var": []},
    ):
        (out / "metrics.jsonl").write_text(damaged(line, ledger=bad))
        assert "metrics.jsonl ends or is damaged" in error_of(capsys, "ledger", out)
    (out / "metrics.jsonl").write_text(damaged(line))
    assert main(["ledger", str(out)]) == 0


def test_settings_with_numbers_of_5000_digits_or_escapes(run, capsys):
    path = run / "settings.json"
    text = path.read_text()
    for old, new in (
        ('"epochs": 2', f'"epochs": {"9" * 5000}'),
        ('"epochs": 2', f'"epochs": {"9" * 400}'),
        ('"name": "digits"', '"name": "\\u001b]0;owned\\u0007digits"'),
        ('"data": "digits"', '"data": "\\u001b[31mdigits"'),
        ('"lr": 0.001', '"lr": 1e999'),
    ):
        assert old in text
        path.write_text(text.replace(old, new))
        error = error_of(capsys, "info", run)
        assert f"run: {path} is damaged" in error
        assert "\x1b" not in error


# ---- a folder from a stranger


@pytest.mark.parametrize("name", ["metrics.jsonl", "last.safetensors", "settings.json", "samples"])
def test_links_out_of_a_run_are_not_followed(name, run, tmp_path, capsys):
    victim = tmp_path / "victim"
    (tmp_path / "c.toml").write_text("pictures_every = 1\n")
    if name == "samples":
        victim.mkdir()
    else:
        (run / name).rename(victim)
    (run / name).symlink_to(victim)
    before = victim.read_bytes() if victim.is_file() else None
    argv = ["train", "--resume", "--out", run, "--epochs", "3", "--config", tmp_path / "c.toml"]
    assert f"run: {run / name} is a symbolic link out of the run folder" in error_of(capsys, *argv)
    assert not list(victim.iterdir()) if before is None else victim.read_bytes() == before
    (run / name).unlink()
    if before is not None:
        victim.rename(run / f"my {name}")
        (run / name).symlink_to(f"my {name}")  # inside of it they may be
        assert main(["info", str(run)]) == 0


def test_what_is_no_file_is_not_opened(run, tmp_path, capsys):
    """A pipe would block for ever."""
    os.mkfifo(tmp_path / "pipe.npy")
    os.mkfifo(tmp_path / "pipe.toml")
    assert "config: expected a file, " in error_of(capsys, "train", "--config", tmp_path / "pipe.toml")
    assert "data: expected a file, " in error_of(
        capsys, "train", "--data", tmp_path / "pipe.npy", "--out", tmp_path / "a"
    )
    (run / "metrics.jsonl").unlink()
    os.mkfifo(run / "metrics.jsonl")
    assert "metrics.jsonl is neither file nor folder" in error_of(capsys, "info", run)


def test_sizes_in_headers_are_no_promise(tmp_path, capsys, monkeypatch):
    """A header of 8 PiB, in a .npy and in a .npz file, and one that is larger than memory; before memory is taken."""
    np.save(tmp_path / "x.npy", np.zeros((4, 4)))
    good = (tmp_path / "x.npy").read_bytes()
    bad = good.replace(b"(4, 4), }" + 18 * b" ", b"(1000000, 1000000000), }   ")
    assert len(bad) == len(good)
    assert bad != good
    (tmp_path / "x.npy").write_bytes(bad)
    import zipfile

    for kind in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        with zipfile.ZipFile(tmp_path / "x.npz", "w", kind) as archive:
            archive.writestr("x.npy", bad)
        for file in ("x.npy", "x.npz"):
            error = error_of(capsys, "train", "--data", tmp_path / file, "--out", tmp_path / "a")
            assert "shape (1000000, 1000000000) of float64 needs 8,000,000,000,000,000 bytes, the file has 128" in error
    (tmp_path / "x.npy").write_bytes(good)
    monkeypatch.setattr("minivae.data.arrays.memory", lambda: 100)
    with pytest.raises(ValueError, match="more than this machine's memory"):
        load_data(tmp_path / "x.npy")


def test_arrays_that_find_no_memory_are_not_called_unreadable(tmp_path, capsys, monkeypatch):
    def full(*args, **kwargs):
        raise MemoryError("Unable to allocate 9 GiB")

    np.save(tmp_path / "x.npy", np.eye(4))
    monkeypatch.setattr("numpy.lib.format.read_array", full)
    error = error_of(capsys, "train", "--data", tmp_path / "x.npy", "--out", tmp_path / "a")
    assert error == "minivae: not enough memory (Unable to allocate 9 GiB)\n"


def test_a_model_beyond_memory_is_refused_before_it_is_made(tmp_path, capsys):
    error = error_of(capsys, "train", "--hidden", "1000000", "1000000", "--out", tmp_path / "a")
    assert "expected smaller hidden, channels or latent, they need" in error


def test_batches_beyond_memory_are_refused_before_a_training(tmp_path, monkeypatch, capsys):
    """Not the parameters but 128 x 64 x 1,000 logits would take it."""
    monkeypatch.setattr("minivae.runs.build.memory", lambda: 10**8)
    (tmp_path / "c.toml").write_text("likelihood = 'categorical'\nlevels = 1000\n")
    error = error_of(capsys, "train", "--hidden", "1", "--config", tmp_path / "c.toml", "--out", tmp_path / "a")
    assert "batch_size: expected fewer examples, samples or levels, a step needs 131,072,000 bytes" in error
    assert not (tmp_path / "a").exists()


# ---- shells


def test_a_closed_stderr_and_a_full_output(run, tmp_path):
    command = f"{sys.executable} -m minivae"
    for line, code in (
        (f"{command} info nothing 2>&-", 2),
        (f"{command} info '{run}' >&- 2>&-", 0),
        (f"{command} info '{run}' > /dev/full", 2),
    ):
        result = subprocess.run(line, shell=True, capture_output=True, text=True)
        assert result.returncode == code, line
        assert "Traceback" not in result.stderr
    assert result.stderr == "minivae: output: cannot write (No space left on device)\n"


def test_without_docstrings(run):
    result = subprocess.run([sys.executable, "-OO", "-m", "minivae", "info", run], capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")


def test_a_working_folder_that_is_gone(tmp_path):
    (tmp_path / "gone").mkdir()
    line = f"cd '{tmp_path / 'gone'}' && rmdir ../gone && {sys.executable} -m minivae train"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(os.path.abspath, filter(None, sys.path)))}
    result = subprocess.run(line, shell=True, capture_output=True, text=True, env=environment)
    assert result.returncode == 2
    assert result.stderr.startswith("minivae: working folder: cannot be read (No such file or directory)")


def test_names_that_are_no_utf8(run, tmp_path):
    odd = os.fsdecode(b"run\xff")
    run.rename(tmp_path / odd)
    for argv in (["info", odd], ["sample", odd], ["info", odd + "x"]):
        result = shell(*argv, cwd=tmp_path, env=os.environ | {"PYTHONPATH": os.getcwd()})
        assert result.returncode == 2 * argv[1].endswith("x")
        assert "Traceback" not in result.stderr
        assert "run\\udcff" in result.stdout + result.stderr


@pytest.mark.parametrize("seconds", [0.05, 0.12, 0.2, 0.3])
def test_an_interrupt_while_importing_is_one_line(seconds):
    command = [sys.executable, "-m", "minivae", "zoo"]
    heard = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)  # noqa: E731 - also where the tests run unheard
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, preexec_fn=heard)
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    error = process.communicate()[1]
    assert "minivae" not in error or error == "minivae: interrupted\n"  # before minivae's first line Python speaks


def test_terminal_escapes_in_names_are_not_printed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for argv in (["info", "\x1b[31m"], ["sample", "a", "--out", "\x1b.png"], ["fly\x1b[31m"]):
        assert "\x1b" not in error_of(capsys, *argv)


# ---- files of users, and messages


@pytest.mark.parametrize(
    "body",
    ["class E(BaseException): pass\nraise E('mine')", "import sys; sys.exit(0)", "raise GeneratorExit",
     "def X(rng): raise SystemExit", LAYER := """
from minivae.layers import Layer
class X(Layer):
    n_in = 3
    def forward(self, x, noise=None): return x, None
    def backward(self, dy, cache, accumulate=True, need_dx=True): raise SystemExit(0)
"""],
)  # fmt: skip
def test_files_that_raise_anything_or_exit(body, tmp_path, capsys):
    (tmp_path / "mine.py").write_text(body)
    error = error_of(capsys, "gradcheck", f"{tmp_path / 'mine.py'}:X")
    assert "mine.py:X: checking raised SystemExit" in error if body is LAYER else error.startswith("minivae: part: ")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["units", "--pixels", "9" * 400], "pixels: expected a whole number <= 9007199254740992, got 9999"),
        (
            ["train", "--epochs", "9" * 400, "--out", "a"],
            "epochs: expected a whole number <= 9007199254740992, got 9999",
        ),
        (["train", "--config", "", "--out", "a"], "config: expected text, got ''"),
        (["lessons", ""], "folder: expected text, got ''"),
        (["train", "--out", "x" * 300], "File name too long"),
        (["sample", "RUN", "--out", "x" * 300 + ".png"], "out: cannot write xxx"),
        (["info", "x" * 5000], "run: cannot read xxx"),
        (["train", "--config", "x" * 300], "config: cannot read xxx"),
        (["train", "--data", "x" * 300 + ".npy", "--out", "a"], "data: cannot read "),
        (["train", "--data", "a\nb.npy", "--out", "a"], "data: expected text without control characters"),
    ],
)
def test_messages_name_the_option_or_the_file(argv, message, run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    error = error_of(capsys, *(run if a == "RUN" else a for a in argv))
    assert message in error
    assert "Errno" not in error
    assert len(error) < 1000
    assert os.listdir(tmp_path) == ["run"]


@pytest.mark.parametrize("epochs", [2, 3])
def test_a_folder_for_pictures_that_cannot_be_written(epochs, run, tmp_path, capsys):
    """It is refused before the training goes on, and nothing is changed."""
    (tmp_path / "c.toml").write_text("pictures_every = 1\n")
    (run / "samples").write_text("mine")
    argv = ["train", "--resume", "--out", run, "--config", tmp_path / "c.toml", "--epochs", str(epochs + 1)]
    before = content(run)
    assert f"pictures_every: cannot write into {run / 'samples'} (File exists)" in error_of(capsys, *argv)
    assert (content(run)[0], content(run)[2]) == (before[0], before[2])


def test_lessons_go_on_where_a_full_disk_stopped_them(tmp_path, monkeypatch, capsys):
    write = write_atomic

    def full(path, data):
        if path.name.startswith("02"):
            raise OSError(28, f"cannot write {path}: No space left on device")
        write(path, data)

    monkeypatch.chdir(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("minivae.cli.lessons.write_atomic", full)
        assert "DIR: cannot write mine/02" in error_of(capsys, "lessons", "mine")
    assert main(["lessons", "mine"]) == 0
    assert len(list((tmp_path / "mine").rglob("*.ipynb"))) == 2 * len(LESSONS)
    assert main(["lessons", "mine"]) == 0


# ---- files that change meanwhile, and pictures of very many things


def test_a_file_that_may_not_be_read_is_not_called_damaged(run, monkeypatch, capsys):
    monkeypatch.setattr("minivae.files.os.access", lambda path, how: not str(path).endswith("last.safetensors"))
    assert f"checkpoint: cannot read {run / 'last.safetensors'} (Permission denied)" in error_of(capsys, "info", run)


def test_a_test_split_that_is_gone(tmp_path):
    x = np.eye(12)
    np.savez(tmp_path / "x.npz", x=x, x_test=x)
    data = load_data(tmp_path / "x.npz")
    np.savez(tmp_path / "x.npz", x=x)
    with pytest.raises(ValueError, match=r"data: .*x.npz has no array x_test any more"):
        data.test()


def test_pictures_of_very_many_steps_and_walks_are_refused(run, capsys):
    for command in ("interpolate", "traverse"):
        for option, most in (("--steps", 1000), ("--n", 100)):
            assert f"expected a whole number <= {most}, got 999999" in error_of(capsys, command, run, option, "999999")


def test_samples_of_very_many_classes_of_rows(tmp_path, monkeypatch):
    """Each class is a panel of its own: 10,000 of them took matplotlib hours."""
    np.savez(tmp_path / "x.npz", x=np.eye(12)[:, :3], y=[*range(11), 5000])
    assert train(tmp_path / "a", "--model", "cvae", "--data", str(tmp_path / "x.npz"), epochs=1) == 0
    drawn = []
    monkeypatch.setattr("minivae.plot.walks", lambda bands, shape, path, title, labels: drawn.append((title, labels)))
    assert main(["sample", str(tmp_path / "a")]) == 0
    ((title, labels),) = drawn
    assert title.endswith("a row for each y below 100")
    assert labels == [str(c) for c in range(100)]


def test_labels_beyond_int64(tmp_path):
    np.savez(tmp_path / "x.npz", x=np.eye(4), y=np.array([0, 1, 2, 2**63], "uint64"))
    with pytest.raises(ValueError, match=r"y: expected labels below 2\*\*63, got 9223372036854775808"):
        load_data(tmp_path / "x.npz")


def test_arrays_may_hold_options():
    options = {"hidden": np.array([3]), "latent": np.int64(2), "dropout": np.array(0.1)}
    model = VAE.build((4,), np.random.default_rng(0), **options)
    assert model.params["encoder.layers.0.W"].data.shape == (4, 3)
    assert Adam(model, lr=np.array(0.1), betas=np.array([0.5, 0.5])).betas == {"loss": (0.5, 0.5)}


def test_an_old_run_with_a_bad_test_split_is_still_read(tmp_path, capsys):
    """Its training is refused today; what was trained is drawn and goes on."""
    x = np.eye(24)
    np.savez(tmp_path / "x.npz", x=x, x_test=x[:, :3])
    assert train(tmp_path / "a", "--data", str(tmp_path / "x.npz"), "--scale", "pixels", epochs=1) == 0
    assert "x_test: expected examples" in error_of(
        capsys, "train", "--data", tmp_path / "x.npz", "--out", tmp_path / "b"
    )
    for argv in (
        ["sample", "a"],
        ["evaluate", "a", "--split", "train"],
        ["train", "--resume", "--epochs", "2", "--out", "a"],
    ):
        assert main([str(tmp_path / "a") if part == "a" else part for part in argv]) == 0


def test_no_memory_for_a_checkpoint(tmp_path, monkeypatch, capsys):
    class PanicException(BaseException):
        """What safetensors raises then."""

    def panic(*args):
        raise PanicException("Python API call failed")

    monkeypatch.setattr("safetensors.numpy.save", panic)
    assert f"not enough memory (no memory for the bytes of {tmp_path}" in error_of(
        capsys, "train", "--out", tmp_path / "a"
    )
    assert not list(tmp_path.iterdir())


def test_files_that_are_too_large_and_archives_that_promise_too_much(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(b"1234")
    assert read_file(tmp_path / "a", "data", 4) == b"1234"
    with pytest.raises(ValueError, match="data: expected at most 3 bytes, .*/a has 4"):
        read_file(tmp_path / "a", "data", 3)
    np.savez_compressed(tmp_path / "x.npz", x=np.zeros((100, 100)))
    assert load_data(tmp_path / "x.npz").train.x.shape == (84, 100)
    monkeypatch.setattr("minivae.data.arrays.DEFLATED", 1)
    with pytest.raises(ValueError, match=r"no readable .npy or .npz file of numbers \(x.npy: 80,128 bytes out of"):
        load_data(tmp_path / "x.npz")


def test_one_line_of_whatever_a_file_may_hold():
    assert in_one_line("a\x1b[31m\n  b\x07 \udcff") == "a\\x1b[31m b\\x07 \\udcff"
    assert in_one_line("x" * 1000) == "x" * 900 + " ..."


def test_a_best_value_that_is_not_finite(run, capsys):
    path = run / "last.safetensors"
    with safe_open(path, "numpy") as file:
        meta = file.metadata()["minivae"]
        arrays = {name: file.get_tensor(name) for name in file.keys()}
    best = json.loads(meta)["best"]
    save_file(arrays, path, {"minivae": meta.replace(str(best), "1e999")})
    assert f"checkpoint: {path} was not written by a training run" in error_of(
        capsys, "train", "--resume", "--out", run
    )

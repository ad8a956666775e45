"""Run folders: the same bytes for the same command, whole or not at all, and a resume that replays to the step."""

import errno
import json
import os
import shutil

import numpy as np
import pytest

from minivae.backend import generator
from minivae.cli import main
from minivae.files import beside
from minivae.metrics import mean_metrics
from minivae.models import VAE
from minivae.optim import Adam
from minivae.runs import Run, checkpoint, next_name

SMALL = ["train", "--hidden", "8", "--latent", "2", "--batch-size", "500"]


def train(out, *options, epochs=3):
    return main([*SMALL, "--epochs", str(epochs), "--out", str(out), *options])


@pytest.fixture(autouse=True)
def _quick(request):
    """No pictures, unless the test is about them."""
    if "pictures" not in request.keywords:
        request.getfixturevalue("no_pictures")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "whole"
    assert train(out, "--dropout", "0.1") == 0
    return out


def content(run):
    """What must be equal: checkpoints byte for byte, settings, metrics without their seconds."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    weights = {path.name: path.read_bytes() for path in run.glob("*.safetensors")}
    return weights, (run / "settings.json").read_text(), [{k: v for k, v in m.items() if k != "seconds"} for m in lines]


def test_what_is_in_a_run_folder(finished):
    names = {p.name for p in finished.iterdir()}
    pictures = {"curves.png", "reconstructions.png", "samples.png", "latents.png"}
    assert names == pictures | {"settings.json", "metrics.jsonl", "last.safetensors", "best.safetensors"}
    recorded = json.loads((finished / "settings.json").read_text())
    assert recorded["settings"]["hidden"] == [8]
    assert recorded["data"]["sha256"]
    assert recorded["versions"]["numpy"] == np.__version__
    lines = [json.loads(line) for line in (finished / "metrics.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2, 3]
    assert list(lines[0]) == ["epoch", "seconds", "train", "validation"]


def test_checkpoint_holds_no_path_time_or_host(finished):
    arrays, meta = checkpoint.load(finished / "last.safetensors")
    assert set(meta) == {"epoch", "step", "best", "settings", "data"}
    assert (meta["epoch"], meta["step"]) == (3, 9)
    assert not {"out", "data_dir", "epochs", "data"} & set(meta["settings"])
    assert str(finished.parent).encode() not in (finished / "last.safetensors").read_bytes()
    assert {"encoder.layers.0.W", "optimizer.sum_g", "optimizer.sum_g2"} <= set(arrays)


def test_two_folders_same_bytes(finished, tmp_path):
    assert train(tmp_path / "again", "--dropout", "0.1") == 0
    assert content(tmp_path / "again") == content(finished)


@pytest.mark.parametrize("epochs", [1, 2])
def test_growing_epochs_is_an_uninterrupted_run(epochs, finished, tmp_path):
    out = tmp_path / "grown"
    assert train(out, "--dropout", "0.1", epochs=epochs) == 0
    assert main(["train", "--resume", "--out", str(out), "--epochs", "3"]) == 0
    assert content(out) == content(finished)


def temporary_of_the_dead(path, pid=999999999):
    """The name of what a process that is gone has begun."""
    with beside(path) as temporary:
        return path.with_name(temporary.name.replace(f"-{os.getpid()}-", f"-{pid}-"))


class Killed(BaseException):
    """Stands for kill -9: nothing in the program catches it."""


@pytest.mark.parametrize("epoch", [1, 2, 3])
@pytest.mark.parametrize("moment", ["before best", "before metrics", "in metrics", "before last", "after last"])
def test_resume_after_a_cut_between_any_two_writes(epoch, moment, finished, tmp_path, monkeypatch):
    out = tmp_path / "cut"
    save = Run._save

    def cut_save(self, which, model, optimizer, at):
        if at == epoch and moment == f"before {which}":
            raise Killed
        if at == epoch and moment == "in metrics" and which == "last":
            with open(self.path / "metrics.jsonl", "r+b") as file:
                file.truncate(os.path.getsize(file.name) - 25)
            raise Killed
        save(self, which, model, optimizer, at)
        if at == epoch and (moment, which) in (("before metrics", "best"), ("after last", "last")):
            raise Killed

    monkeypatch.setattr(Run, "_save", cut_save)
    with pytest.raises(Killed):
        train(out, "--dropout", "0.1")
    monkeypatch.setattr(Run, "_save", save)
    temporary_of_the_dead(out / "best.safetensors").write_bytes(b"half")
    (out / ".notes.partial").write_text("mine")
    assert main(["train", "--resume", "--out", str(out)]) == 0
    assert content(out) == content(finished)
    assert [path.name for path in out.glob(".*")] == [".notes.partial"]


def test_cut_before_the_first_checkpoint_leaves_no_run(tmp_path, monkeypatch):
    def cut(*args, **kwargs):
        raise Killed

    for name in ("minivae.runs.Run._save", "minivae.runs.folder.os.replace"):
        with monkeypatch.context() as patch:
            patch.setattr(name, cut)
            with pytest.raises(Killed):
                train(tmp_path / "a")
        assert not list(tmp_path.iterdir())
    for pid in (999999999, os.getpid()):  # what a real kill leaves; in a container the same number comes back
        left = temporary_of_the_dead(tmp_path / "a", pid)
        left.mkdir()
        (left / "settings.json").touch()
    assert train(tmp_path / "a", epochs=1) == 0
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


FEATURES = {
    "batch norm": "norm = 'batch'",
    "moving average": "ema = 0.9",
    "beta cycles and free bits": "beta_schedule = 'cyclical'\nbeta_epochs = 2\nfree_bits = 0.3",
    "beta warm-up": "beta_schedule = 'linear'\nbeta_epochs = 4",
    "stages and warm-up": "schedule = 'iwae'\nwarm_up = 1.5",
    "nesterov and rates": "optimizer = 'sgd'\nnesterov = true\nlr = 1e-5\nrates = {encoder = 0.5}",
    "shifts": "augment = 1",
    "dequantization": "likelihood = 'gaussian'\ndequantize = true",
    "standardization": "likelihood = 'gaussian-full'\nstandardize = true",
    "categorical": "likelihood = 'categorical'\nlevels = 4",
    "early stop": "early_stop = 1\nlr = 0.05",
    "pictures": "pictures_every = 1",
    "average without validation": "ema = 0.5\nvalidation = 0",
}


@pytest.mark.parametrize("config", FEATURES.values(), ids=FEATURES)
def test_resume_is_exact_with_every_feature(config, tmp_path, monkeypatch):
    """Killed in the third of five epochs, after `best` was written, and resumed: the bytes of an uninterrupted run."""
    file, whole, cut = tmp_path / "c.toml", tmp_path / "whole", tmp_path / "cut"
    file.write_text(config)
    assert train(whole, "--config", str(file), epochs=5) == 0
    save = Run._save

    def killed_save(self, which, model, optimizer, at):
        if at == 3 and which == "last":
            raise Killed
        save(self, which, model, optimizer, at)

    with monkeypatch.context() as patch:
        patch.setattr(Run, "_save", killed_save)
        with pytest.raises(Killed):
            train(cut, "--config", str(file), epochs=5)
    assert main(["train", "--resume", "--out", str(cut)]) == 0
    assert content(cut) == content(whole)
    for path in [*whole.rglob("*.png")]:
        assert path.name == "curves.png" or path.read_bytes() == (cut / path.relative_to(whole)).read_bytes()
    assert main(["sample", str(cut)]) == 0


def test_early_stop(tmp_path, capsys):
    """Stops when validation was not better for two epochs; says so; a resume knows it; a larger number goes on."""
    out = tmp_path / "a"
    assert train(out, "--early-stop", "2", "--lr", "0.05", epochs=40) == 0
    text = capsys.readouterr().out
    elbos = [line["validation"]["elbo"] for line in content(out)[2]]
    n = len(elbos)
    assert n < 40
    assert elbos.index(max(elbos)) == n - 3
    assert f"stopped early: validation elbo was best at epoch {n - 2}" in text
    assert main(["train", "--resume", "--out", str(out)]) == 0
    assert f"is finished and stopped early: {n} of 40 epochs" in capsys.readouterr().out
    assert main(["train", "--resume", "--out", str(out), "--early-stop", "1"]) == 2
    assert "early_stop: expected 2, as the run was started with, got 1; it may grow" in capsys.readouterr().err
    assert main(["train", "--resume", "--out", str(out), "--early-stop", "3"]) == 0
    other = tmp_path / "b"
    assert train(other, "--early-stop", "3", "--lr", "0.05", epochs=40) == 0
    assert content(other)[0] == content(out)[0]


def test_the_averaged_parameters_are_the_ones_that_are_used(tmp_path):
    """Validation, best, and the model that commands load have the average; last has both."""
    file = tmp_path / "c.toml"
    file.write_text("ema = 0.9\n")
    for validation in ("250", "0"):
        out = tmp_path / validation
        assert train(out, "--config", str(file), "--validation", validation) == 0
        run = Run.open(out)
        arrays, _ = run.read("last")
        model, meta = run.load_model()
        assert meta["epoch"] == 3
        assert (model.theta == arrays["optimizer.average"]).all()
        assert (model.params["encoder.layers.0.W"].data != arrays["encoder.layers.0.W"]).any()
    elbo = mean_metrics(Run.open(tmp_path / "250").load_model()[0], *Run.open(tmp_path / "250").read_data().validation,
                        generator(0, "validation"))["elbo"]  # fmt: skip
    assert content(tmp_path / "250")[2][-1]["validation"]["elbo"] == elbo


def test_resume_of_a_finished_run_says_so(finished, capsys):
    before = content(finished)
    assert main(["train", "--resume", "--out", str(finished)]) == 0
    assert "is finished: 3 of 3 epochs are done" in capsys.readouterr().out
    assert content(finished) == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--lr", "0.01"], "lr: expected 0.001, as the run was started with, got 0.01"),
        (["--hidden", "9"], "hidden: expected [8], as the run was started with, got [9]"),
        (["--epochs", "2"], "epochs: expected 3, as the run was started with, got 2; it may grow"),
        (["--data", "mnist"], "data: expected digits, as the run was started with, got mnist"),
    ],
)
def test_resume_with_other_options(options, message, finished, capsys):
    before = content(finished)
    assert main(["train", "--resume", "--out", str(finished), *options]) == 2
    assert message in capsys.readouterr().err
    assert content(finished) == before


def test_epochs_do_not_grow_under_a_schedule(tmp_path, capsys):
    out = tmp_path / "cosine"
    assert train(out, "--schedule", "cosine", epochs=1) == 0
    assert main(["train", "--resume", "--out", str(out), "--epochs", "2"]) == 2
    assert "it may grow, but not under schedule cosine" in capsys.readouterr().err


def test_resume_with_options_that_agree(finished):
    same = ["--hidden", "8", "--lr", "1e-3", "--epochs", "3", "--dropout", ".1"]
    assert main(["train", "--resume", "--out", str(finished), *same]) == 0


def test_best_is_the_best_validation_elbo(finished):
    lines = [json.loads(line) for line in (finished / "metrics.jsonl").read_text().splitlines()]
    best = max(lines, key=lambda line: line["validation"]["elbo"])
    assert checkpoint.load(finished / "best.safetensors")[1]["epoch"] == best["epoch"]
    assert checkpoint.load(finished / "last.safetensors")[1]["best"] == best["validation"]["elbo"]


@pytest.mark.pictures
def test_without_validation_there_is_no_best(tmp_path, capsys):
    out = tmp_path / "a"
    assert train(out, "--validation", "0", epochs=1) == 0
    assert not (out / "best.safetensors").exists()
    assert (out / "latents.png").exists()
    assert main(["evaluate", str(out)]) == 0
    assert "last checkpoint, epoch 1" in capsys.readouterr().out
    assert main(["evaluate", str(out), "--split", "validation"]) == 2


def test_divergence_keeps_the_last_good_checkpoint(tmp_path, capsys):
    out = tmp_path / "a"
    assert train(out, "--lr", "1e20") == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "first operation to give such a value" in error
    assert f"{out} keeps the checkpoint of epoch 0" in error
    assert checkpoint.load(out / "last.safetensors")[1]["epoch"] == 0


def line_of(epoch, elbo, loss):
    metrics = {"loss": loss, "elbo": elbo, "log_px_z": elbo, "kl": 0.0}
    return {"epoch": epoch, "seconds": 0.0, "train": metrics, "validation": metrics}


def test_best_is_chosen_by_elbo_kept_over_a_resume_and_read(finished, tmp_path, capsys):
    """Epochs 4 to 6 are made up: the best elbo is that of epoch 4, the lowest loss that of epoch 5."""
    out = shutil.copytree(finished, tmp_path / "run")
    settings = json.loads((out / "settings.json").read_text())
    settings["settings"]["epochs"] = 6
    (out / "settings.json").write_text(json.dumps(settings))
    for epoch, elbo, loss in ((4, -1.0, 9.0), (5, -2.0, 1.0), (6, -1.5, 2.0)):
        run = Run.open(out)
        model, optimizer, _ = run.resume({})
        model.theta[0] = epoch
        run.record(line_of(epoch, elbo, loss), model, optimizer)
    run = Run.open(out)
    model, meta = run.load_model()
    assert (meta["checkpoint"], meta["epoch"], meta["best"]) == ("best", 4, -1.0)
    assert model.theta[0] == 4
    assert run.resume({})[0].theta[0] == 6
    assert main(["info", str(out)]) == 0
    assert "6 of 6 epochs; best checkpoint is of epoch 4" in capsys.readouterr().out


def test_info_stops_where_last_does(finished, tmp_path, capsys):
    out = shutil.copytree(finished, tmp_path / "run")
    with open(out / "metrics.jsonl", "a") as file:
        file.write(json.dumps(line_of(4, -1.0, 1.0)) + "\n")
    assert main(["info", str(out)]) == 0
    assert "3 of 3 epochs" in capsys.readouterr().out


@pytest.mark.parametrize(
    "meta",
    [
        [],
        None,
        3,
        {},
        {"epoch": 1, "step": 2},
        {"epoch": "x", "step": 2, "best": None},
        {"epoch": 1, "step": -1, "best": None},
        {"epoch": 1, "step": 2, "best": [1]},
    ],
)
def test_checkpoints_with_foreign_metadata(meta, finished, tmp_path, capsys):
    out = shutil.copytree(finished, tmp_path / "run")
    run = Run.open(out)
    model, optimizer, _ = run.resume({})
    for which in ("last", "best"):
        checkpoint.save(out / f"{which}.safetensors", model, optimizer, meta)
    for command in ("sample", "info"):
        assert main([command, str(out)]) == 2
        error = capsys.readouterr().err
        assert "was not written by" in error
        assert error.count("\n") == 1


def test_interrupt_inside_a_checkpoint_names_the_epoch_that_is_kept(tmp_path, monkeypatch, capsys):
    out, save = tmp_path / "a", Run._save

    def interrupted(self, which, model, optimizer, epoch):
        if (which, epoch) == ("last", 2):
            raise KeyboardInterrupt
        save(self, which, model, optimizer, epoch)

    monkeypatch.setattr(Run, "_save", interrupted)
    assert train(out) == 130
    assert "the checkpoint of epoch 1 is kept" in capsys.readouterr().err
    assert checkpoint.load(out / "last.safetensors")[1]["epoch"] == 1


def test_interrupt_keeps_the_last_epoch_and_says_how_to_go_on(finished, tmp_path, monkeypatch, capsys):
    out, record = tmp_path / "a", Run.record

    def interrupted(self, line, *args):
        if line["epoch"] == 2:
            raise KeyboardInterrupt
        record(self, line, *args)

    monkeypatch.setattr(Run, "record", interrupted)
    assert train(out, "--dropout", "0.1") == 130
    error = capsys.readouterr().err
    assert "the checkpoint of epoch 1 is kept" in error
    assert f"minivae train --resume --out {out}" in error
    monkeypatch.setattr(Run, "record", record)
    assert main(["train", "--resume", "--out", str(out)]) == 0
    assert content(out) == content(finished)


def test_odd_names_of_folders(tmp_path, monkeypatch, capsys):
    (tmp_path / "here").mkdir()
    (tmp_path / "target").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "target")
    monkeypatch.chdir(tmp_path / "here")
    assert train(".", epochs=1) == 2
    assert "out: . is the folder that you are in; expected a new one" in capsys.readouterr().err
    for name in ("a**b [c]", "später mit Leerzeichen", "../link"):
        assert train(name, epochs=1) == 0
        assert (tmp_path / "here" / name / "last.safetensors").exists()
        assert main(["train", "--resume", "--out", name, "--epochs", "2"]) == 0
    assert (tmp_path / "link").is_symlink()
    moved = tmp_path / "moved"
    (tmp_path / "target").rename(moved)
    assert main(["evaluate", str(moved)]) == 0


def test_runs_are_numbered(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        assert main([*SMALL, "--epochs", "1"]) == 0
    assert sorted(p.name for p in (tmp_path / "runs").iterdir()) == ["vae-digits-dense-001", "vae-digits-dense-002"]
    (tmp_path / "runs" / "vae-digits-dense-1041").mkdir()
    assert next_name(tmp_path / "runs", "vae-digits-dense").name == "vae-digits-dense-1042"


def test_two_processes_that_want_one_number(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    real, taken = os.replace, []

    def replace(a, b):
        if str(b).endswith("-001") and not taken:  # another process is a moment faster
            taken.append(b)
            os.mkdir(b)
            open(os.path.join(b, "x"), "w").close()
        real(a, b)

    monkeypatch.setattr("minivae.runs.folder.os.replace", replace)
    assert main([*SMALL, "--epochs", "1"]) == 0
    assert sorted(os.listdir("runs")) == ["vae-digits-dense-001", "vae-digits-dense-002"]


# ---- damage


def small_model():
    model = VAE.build((4,), np.random.default_rng(0), hidden=(3,), latent=2)
    return model, Adam(model)


def test_checkpoint_round_trip_and_bytes(tmp_path):
    model, optimizer = small_model()
    optimizer.sum_g[...] = 0.5
    theta = model.theta.copy()
    checkpoint.save(tmp_path / "a", model, optimizer, {"b": 1, "a": [1.5, None]})
    checkpoint.save(tmp_path / "b", model, optimizer, {"a": [1.5, None], "b": 1})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    model.theta += 1
    optimizer.sum_g.fill(0)
    arrays, meta = checkpoint.load(tmp_path / "a")
    assert meta == {"b": 1, "a": [1.5, None]}
    checkpoint.restore(model, arrays, optimizer)
    np.testing.assert_array_equal(model.theta, theta)
    assert (optimizer.sum_g == 0.5).all()


def test_arrays_are_written_in_c_order(tmp_path):
    model, optimizer = small_model()
    model.arrays = lambda: {"W": np.asfortranarray(np.arange(6.0).reshape(2, 3))}
    checkpoint.save(tmp_path / "a", model, optimizer, {})
    np.testing.assert_array_equal(checkpoint.load(tmp_path / "a")[0]["W"], np.arange(6.0).reshape(2, 3))


def test_foreign_arrays_change_nothing(tmp_path):
    model, optimizer = small_model()
    theta, good = model.theta.copy(), {name: a.copy() for name, a in model.arrays().items()}
    first = next(iter(good))
    for change, message in [
        ({first: good[first][:2]}, "has shape"),
        ({first: good[first] * np.nan}, "not finite"),
        ({"other": good[first]}, "other is not part of this model"),
    ]:
        with pytest.raises(ValueError, match=message):
            checkpoint.restore(model, good | change)
    with pytest.raises(ValueError, match=f"{first} is missing"):
        checkpoint.restore(model, {k: v for k, v in good.items() if k != first})
    with pytest.raises(ValueError, match="optimizer.sum_g is missing"):
        checkpoint.restore(model, good, optimizer)
    np.testing.assert_array_equal(model.theta, theta)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda b: b[:100], "is damaged or not a safetensors file"),
        (lambda b: b[:-5], "is damaged or not a safetensors file"),
        (lambda b: b"", "is damaged or not a safetensors file"),
        (lambda b: b"text" * 100, "is damaged or not a safetensors file"),
        (lambda b: b.replace(b"minivae", b"another"), "was not written by minivae"),
        (lambda b: b.replace(b'\\"seed\\": 0', b'\\"seed\\": 7'), "belongs to other settings"),
        (lambda b: b.replace(b"encoder.layers.0.W", b"encoder.layers.9.W"), "encoder.layers.0.W is missing"),
        (None, "does not exist"),
    ],
)
def test_damaged_checkpoints(damage, message, finished, tmp_path, capsys):
    run = shutil.copytree(finished, tmp_path / "run")
    for which in ("best", "last"):
        path = run / f"{which}.safetensors"
        original = path.read_bytes()
        path.unlink() if damage is None else path.write_bytes(damage(original))
        if damage is not None:
            assert path.read_bytes() != original
    assert main(["sample", str(run)]) == 2
    assert message in capsys.readouterr().err
    assert main(["train", "--resume", "--out", str(run), "--epochs", "4"]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "{",
        '{"settings": {"hidden": "x"}, "data": {}}',
        "null",
        '{"settings": {}, "data": {"shape": [3], "n_train": 2}}',
        "[" * 100_000,
    ],
)
def test_damaged_settings(text, finished, tmp_path, capsys):
    run = shutil.copytree(finished, tmp_path / "run")
    (run / "settings.json").write_text(text)
    assert main(["info", str(run)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "settings.json" in error or "hidden" in error


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [("data", "divisor", "GONE"), ("data", "n_validation", "GONE"), ("data", "novelty", 1)]
    + [("data", "binarize", "maybe"), ("data", "labels", {"kind": "classes"}), ("data", "labels", None)]
    + [("settings", n, None) for n in ("model", "hidden", "latent", "seed", "epochs", "optimizer")]
    + [("settings", "lr", "fast"), ("data", "n_train", "1250"), ("data", "n_train", 0)]
    + [("data", "shape", v) for v in (None, 8, "abc", ["a", 8, 1], [8.0, 8.0, 1.0], [0, 8, 1], [8, 8], [])],
)
def test_damaged_parts_of_settings(part, name, value, finished, tmp_path, capsys):
    run = shutil.copytree(finished, tmp_path / "run")
    document = json.loads((run / "settings.json").read_text())
    document[part][name] = value
    if value == "GONE":
        del document[part][name]
    (run / "settings.json").write_text(json.dumps(document))
    for argv in (["info", str(run)], ["train", "--resume", "--out", str(run)]):
        assert main(argv) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        assert "is damaged" in error or "lr: expected" in error
        assert part == "settings" or f"is damaged ({name}: " in error


def test_arrays_of_another_type(finished, tmp_path, capsys):
    from safetensors.numpy import save_file

    run = shutil.copytree(finished, tmp_path / "run")
    arrays, meta = checkpoint.load(run / "best.safetensors")
    for dtype in ("int32", "float16", "float64"):
        changed = {name: a.astype(dtype) for name, a in arrays.items()}
        save_file(changed, run / "best.safetensors", {"minivae": json.dumps(meta, sort_keys=True)})
        assert main(["sample", str(run)]) == 2
        assert f"has dtype {dtype}, expected float32" in capsys.readouterr().err


def test_a_data_file_may_move(tmp_path, capsys):
    """Its name and its content may not change."""
    np.save(tmp_path / "x.npy", np.eye(20))
    out = tmp_path / "run"
    assert train(out, "--data", str(tmp_path / "x.npy"), epochs=1) == 0
    (tmp_path / "there").mkdir()
    moved = (tmp_path / "x.npy").rename(tmp_path / "there" / "x.npy")
    assert main(["reconstruct", str(out)]) == 2
    assert main(["train", "--resume", "--out", str(out), "--data", str(moved)]) == 0
    assert main(["reconstruct", str(out)]) == 0
    np.save(tmp_path / "y.npy", np.eye(20))
    capsys.readouterr()
    assert main(["train", "--resume", "--out", str(out), "--data", str(tmp_path / "y.npy")]) == 2
    assert "data: not what the run was trained on (name: expected x.npy, got y.npy)" in capsys.readouterr().err


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5\n",
        '{"epoch": 1}\n',
        '{"epoch": 2, "train": {}}\n',
        '{"epoch": 1, "seconds": 0.1, "train": {}, "validation": {}}\n',
        '{"epoch": 1, "seconds": 0.1, "train": {"loss": 1.0}}\n',
        '{"epoch": 1, "seconds": 0.1, "train": {"loss": 1.0}, "validation": []}\n',
        '{"epoch": 1, "seconds": 0.1, "train": {"loss": "1"}, "validation": {"loss": 1.0}}\n',
        "[" * 100_000,
    ],
)
def test_damaged_metrics(text, finished, tmp_path, capsys):
    """Nothing is changed by a resume that cannot be."""
    run = shutil.copytree(finished, tmp_path / "run")
    (run / "metrics.jsonl").write_text(text)
    before = {p.name: p.read_bytes() for p in run.iterdir()}
    for argv in (["info", str(run)], ["compare", str(run)], ["train", "--resume", "--out", str(run), "--epochs", "5"]):
        assert main(argv) == 2
        assert "metrics.jsonl ends or is damaged after epoch 0, but last.safetensors is of" in capsys.readouterr().err
    (run / "metrics.jsonl").unlink()
    assert main(["train", "--resume", "--out", str(run), "--epochs", "5"]) == 2
    (run / "metrics.jsonl").write_text(text)
    assert {p.name: p.read_bytes() for p in run.iterdir()} == before


def test_one_process_at_a_time(finished, tmp_path, capsys):
    out = shutil.copytree(finished, tmp_path / "run")
    with Run.open(out).lock():
        assert main(["train", "--resume", "--out", str(out), "--epochs", "4"]) == 2
    assert f"{out} is being trained by another process" in capsys.readouterr().err
    assert content(out) == content(finished)
    assert main(["train", "--resume", "--out", str(out)]) == 0


def test_data_that_changed_since(tmp_path, capsys):
    path = tmp_path / "x.npy"
    np.save(path, np.eye(20))
    assert train(tmp_path / "run", "--data", str(path), epochs=1) == 0
    np.save(path, 1 - np.eye(20))
    assert main(["reconstruct", str(tmp_path / "run")]) == 2
    assert "not what the run was trained on (sha256" in capsys.readouterr().err


def test_full_disk_keeps_what_was_there(tmp_path, monkeypatch, capsys):
    out, fsync, calls = tmp_path / "a", os.fsync, []

    def full(handle):
        calls.append(handle)
        if len(calls) > 12:
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(handle)

    monkeypatch.setattr("minivae.files.os.fsync", full)
    assert train(out) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "No space left on device" in error
    assert str(out) in error
    monkeypatch.setattr("minivae.files.os.fsync", fsync)
    assert not list(out.glob(".*"))
    assert main(["train", "--resume", "--out", str(out)]) == 0

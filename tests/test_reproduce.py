"""Published protocols: what their settings are, the run that repeats one, and the page."""

import json

import numpy as np
import pytest

from minivae import cli
from minivae.cli import main
from minivae.reports import read_result
from minivae.reproduce import ROWS, Published
from minivae.reproduce.page import page, write_row
from minivae.runs import Run
from minivae.runs.settings import complete, read_options
from minivae.schedules import SCHEDULES

SETTINGS = {"data": "digits", "hidden": [8], "latent": 2, "epochs": 3}
SHORT = Published("short", "a table, row 1", "VAE 64-8-2", 25.0, 30, SETTINGS, active=2, differs="everything")
MEASURED = {"nll": 26.0, "standard_error": 0.25, "active": 2, "epochs": 2, "best_epoch": 2, "published_epochs": 3,
            "training_seconds": 61.0, "evidence_seconds": 2.5, "threads": "1 thread", "commit": "abc",
            "line": "log p(x) -26.00"}  # fmt: skip


@pytest.fixture
def short(monkeypatch, tmp_path):
    """The command with one row of the built-in digits, in a new folder."""
    monkeypatch.setattr(cli.reproduce, "ROWS", {"short": SHORT})
    monkeypatch.setattr(cli.reproduce, "TIMED", 3)
    monkeypatch.chdir(tmp_path)
    command = next(function for function, _ in cli.COMMANDS if function.__name__ == "reproduce")
    return lambda **given: command(**{"name": "short", "budget": None, "out": None, "data_dir": None} | given)


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_the_settings_are_options(row):
    settings = complete(read_options(row.settings))
    assert settings["data"] in ("mnist", "static-mnist")
    assert row.samples >= 128 or row.name.startswith(("jang-", "maf-"))  # negative ELBOs, and an exact log p(x)
    if settings["dequantize"]:  # 1.5 to 2.5 bits a pixel
        assert 1.5 < row.nll / (784 * np.log(2)) < 2.5
    else:
        assert 80 < row.nll < 111


@pytest.mark.parametrize("name", [name for name in ROWS if "burda" in name and "hour" not in name])
def test_burdas_schedule(name):
    """Batches of 20, 3,280 passes, the last of which at 1e-4 (the paper, section 5); k is that of the name."""
    row = ROWS[name]
    settings = complete(read_options(row.settings))
    assert settings["epochs"] == sum(3**i for i in range(8))
    assert (settings["batch_size"], settings["adam_eps"], settings["activation"]) == (20, 1e-4, "tanh")
    steps = settings["epochs"] * 3000
    assert SCHEDULES[settings["schedule"]](settings["lr"], steps, 3000)(steps - 1) == pytest.approx(1e-4)
    kind, k = name.split("-")[-2:]
    assert (settings["model"], settings.get("samples", 1)) == ("vae" if name.endswith("vae-1") else "iwae", int(k))
    assert settings.get("bound", "elbo" if kind == "vae" else "iwae") == {"vae": "elbo", "iwae": "iwae"}[kind]


def test_from_data_to_a_row(short, tmp_path, capsys):
    """The run, its evidence and the row agree; a second call finds all done and writes the same row."""
    assert short() == 0
    out = capsys.readouterr().out
    run = Run.open(tmp_path / "runs" / "short")
    found = json.loads((run.path / "reproduction.json").read_text())["short"]
    result = read_result(run, "test", 30)
    assert found["nll"] == -result.mean
    assert found["epochs"] == found["published_epochs"] == 3
    assert f"a table, row 1, VAE 64-8-2: published 25.00, ours {found['nll']:.2f} +- " in out
    text = (run.path / "reproduction.md").read_text()
    assert f"| a table, row 1 | VAE 64-8-2 | resampled | 30 | 25.00 | {found['nll']:.2f} +- " in text
    assert result.line() in text
    weights = (run.path / "last.safetensors").read_bytes()
    assert short() == 0
    again = json.loads((run.path / "reproduction.json").read_text())["short"]
    assert again["nll"] == found["nll"]
    assert (run.path / "last.safetensors").read_bytes() == weights


def test_a_run_that_was_cut_off_is_gone_on_with(short, tmp_path):
    assert short(out="whole") == 0
    assert main(["train", "--hidden", "8", "--latent", "2", "--epochs", "1", "--out", "cut"]) == 0
    settings = json.loads((tmp_path / "cut" / "settings.json").read_text())
    settings["settings"]["epochs"] = 3
    (tmp_path / "cut" / "settings.json").write_text(json.dumps(settings))
    assert short(out="cut") == 0
    assert (tmp_path / "cut" / "last.safetensors").read_bytes() == (
        tmp_path / "whole" / "last.safetensors"
    ).read_bytes()


def test_a_budget_scales_the_epochs_and_is_said(short, tmp_path, monkeypatch):
    """The page of a clone keeps a row of a longer training; the run folder has its own."""
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "reproduction.json").write_text("{}")
    assert short(out="whole") == 0
    assert short(out="small", budget="1e-9") == 0
    assert Run.open("small").settings["epochs"] == 1
    assert "| 1 of 3 (scaled) |" in (tmp_path / "small" / "reproduction.md").read_text()
    assert "| 3 of 3 |" in (tmp_path / "figures" / "reproduction.md").read_text()
    assert short(out="large", budget="1e9") == 0
    assert Run.open("large").settings["epochs"] == 3


def test_another_run_is_refused(short, tmp_path):
    main(["train", "--hidden", "9", "--epochs", "1", "--out", "other"])
    with pytest.raises(ValueError, match="hidden: expected .9., as the run was started with, got .8."):
        short(out="other")
    with pytest.raises(ValueError, match="budget: expected a finite number > 0, got 0"):
        short(budget="0")


def test_the_page(tmp_path):
    """Open rows name their command; what differs is said; a longer training stays."""
    text = page({}, [SHORT])
    assert (
        "| a table, row 1 | VAE 64-8-2 | resampled | 30 | 25.00 | open | 2 |  |  |  | `minivae reproduce short` |"
        in text
    )
    assert "- `short`: everything." in text
    assert write_row(tmp_path, "short", MEASURED, [SHORT])
    assert (
        "26.00 +- 0.25 | 2, 2 | 2 of 3 (scaled) | 1 min, 1 thread | 2 s | abc |"
        in (tmp_path / "reproduction.md").read_text()
    )
    assert not write_row(tmp_path, "short", MEASURED | {"epochs": 1, "nll": 30.0}, [SHORT])
    assert json.loads((tmp_path / "reproduction.json").read_text())["short"]["nll"] == 26.0


def test_all_are_listed(capsys):
    assert main(["reproduce"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["name", *ROWS]
    assert main(["reproduce", "nothing"]) == 2


@pytest.mark.data
def test_a_published_protocol_on_its_data(data_dir, tmp_path, monkeypatch):
    """One epoch of altosaar's, from the data to its row: better than one mean for all images, 205.8 nats."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli.reproduce, "TIMED", 3)
    assert main(["reproduce", "altosaar-vae", "--budget", "0.001", "--data-dir", str(data_dir)]) == 0
    found = json.loads((tmp_path / "runs" / "altosaar-vae" / "reproduction.json").read_text())["altosaar-vae"]
    assert 97 < found["nll"] < 160
    assert found["epochs"] == 1

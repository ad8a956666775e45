"""A run folder that was written before options stood on the models: it opens, evaluates, samples and resumes.

`old_run/` was trained for two epochs; `epoch-4.safetensors` is where the code of then ended after four.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from minivae.cli import main
from minivae.models import VAE
from minivae.options import UNKNOWN, Option, real
from minivae.runs import Run, checkpoint

OLD = Path(__file__).parent / "old_run"
pytestmark = pytest.mark.usefixtures("no_pictures")


@pytest.fixture
def old(tmp_path):
    for name in ("settings.json", "metrics.jsonl", "best.safetensors", "last.safetensors"):
        shutil.copy(OLD / name, tmp_path / name)
    return tmp_path


def assert_close_to(path, expected):
    arrays, meta = checkpoint.load(path)
    truth, _ = checkpoint.load(expected)
    assert set(arrays) == set(truth)
    for name, a in arrays.items():
        np.testing.assert_allclose(a, truth[name], rtol=1e-4, atol=1e-6)
    return meta


def test_it_opens_and_evaluates_as_it_did(old, capsys):
    assert main(["evaluate", str(old), "--samples", "5"]) == 0
    report = json.loads((old / "evaluate-test.json").read_text())
    expected = {"loss": 45.71814, "elbo": -45.83836, "log_px_z": -45.43764, "kl": 0.400725}
    assert {name: report[name] for name in expected} == pytest.approx(expected, rel=1e-5)
    assert report["evidence"]["5"]["log_px"] == pytest.approx(-44.70463, rel=1e-5)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:4] == ["elbo -45.84 +- 0.15 nats", "log_px_z -45.44 nats", "kl 0.40 nats"]
    assert lines[4] == "elbo 1.0333 bits per dimension, of 2 levels"
    assert lines[5].startswith("log p(x) -44.70 +- 0.06 nats, 1.0077 bits per dimension, by importance sampling with 5")


@pytest.mark.parametrize("command", ["sample", "reconstruct", "traverse", "latent", "info", "ledger"])
def test_every_command_serves_it(command, old):
    assert main([command, str(old)]) == 0


def test_it_resumes_where_the_old_code_would(old):
    assert main(["train", "--resume", "--out", str(old), "--epochs", "4"]) == 0
    meta = assert_close_to(old / "last.safetensors", OLD / "epoch-4.safetensors")
    assert (meta["epoch"], meta["step"]) == (4, 20)
    lines = [json.loads(line) for line in (old / "metrics.jsonl").read_text().splitlines()]
    assert [round(line["validation"]["elbo"], 2) for line in lines] == [-46.37, -45.60, -44.99, -44.49]


def more(monkeypatch, **fields):
    """One option more on the model, which `build` does not read."""
    build = VAE.build.__func__
    option = Option(real(closed=True), 7.0, "a new one", **fields)
    monkeypatch.setattr(VAE, "options", VAE.options | {"novelty": option})
    monkeypatch.setattr(VAE, "build", classmethod(lambda cls, *args, novelty, **rest: build(cls, *args, **rest)))


def test_an_option_more_leaves_old_runs_as_they_were(old, monkeypatch):
    """It has the value that the code had then, not the default of now; and it may not be another one on resume."""
    more(monkeypatch, older=0.5)
    assert Run.open(old).settings["novelty"] == 0.5
    assert main(["train", "--resume", "--out", str(old), "--epochs", "4"]) == 0
    assert_close_to(old / "last.safetensors", OLD / "epoch-4.safetensors")
    assert json.loads((old / "settings.json").read_text())["settings"]["novelty"] == 0.5
    assert Run.open(old).settings["novelty"] == 0.5  # of a checkpoint that has it now


def test_an_option_without_a_past_is_a_damage(old, monkeypatch):
    more(monkeypatch, older=UNKNOWN)
    with pytest.raises(ValueError, match="settings.json is damaged"):
        Run.open(old)

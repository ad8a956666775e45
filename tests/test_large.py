"""Large examples: what commands compute at once, what they refuse, and that a picture of them needs little memory."""

import re
import subprocess
import sys

import numpy as np
import pytest
from test_cli import error_of
from test_house import PACKAGE

from minivae import VAE
from minivae.backend import generator
from minivae.cli import main
from minivae.evaluate import Spread, decodings, ledger_line, posteriors
from minivae.metrics import mean_metrics
from minivae.numeric import VALUES, at_once
from minivae.runs import Run, checkpoint

SIDE = 300
D = SIDE * SIDE
COMMANDS = ["sample", "reconstruct", "interpolate", "traverse", "latent", "uncertainty"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Images of 90,000 pixels: 23 of them are decoded at once."""
    folder = tmp_path_factory.mktemp("runs")
    x = np.random.default_rng(0).random((30, SIDE, SIDE)) < np.linspace(0.1, 0.9, SIDE)
    np.save(folder / "x.npy", x.astype("uint8"))
    options = ["--hidden", "2", "--latent", "2", "--epochs", "1", "--validation", "28", "--data", str(folder / "x.npy")]
    assert main(["train", *options, "--out", str(folder / "a")]) == 0
    return folder / "a"


@pytest.fixture
def decoded(monkeypatch):
    """How many rows each decoding gave."""
    rows, decode = [], VAE._x_hat

    def watched(self, z, y=None, draw=None):
        x_hat = decode(self, z, y, draw)
        rows.append(x_hat.size // x_hat.shape[-1])
        return x_hat

    monkeypatch.setattr(VAE, "_x_hat", watched)
    return rows


# ---- rows at once


def test_rows_at_once():
    assert at_once(500, 784) == 500
    assert at_once(1024, 2048) == 1024
    assert at_once(500, 2**20) == 2
    assert at_once(500, 2**30) == 1
    assert at_once(0, 0) == 1


def test_a_model_takes_few_large_rows(monkeypatch):
    """In and out: the width of z says nothing of the width of x_hat."""
    rng = np.random.default_rng(0)
    model = VAE.build((D,), rng, hidden=(2,), latent=3)
    seen = {}
    for name in ("encoder", "decoder"):
        part = getattr(model, name)
        forward = part.forward
        monkeypatch.setattr(part, "forward", lambda x, noise=None, name=name, forward=forward: (
            seen.setdefault(name, []).append(len(x)) or forward(x, noise)))  # fmt: skip
    monkeypatch.setattr("minivae.evaluate.ledger.VALUES", 15 * D)
    x = rng.random((30, D), dtype="float32")
    mu, _ = model.encode(x)
    model.decode(mu)
    posteriors(model, x)
    mean_metrics(model, x, None, rng)
    assert VALUES // D == 23
    assert max(seen["encoder"]) == max(seen["decoder"]) == 23
    seen.clear()
    ledger_line(model, x, None, rng)
    assert set(seen["encoder"]) == {2 * 15}  # each row twice


# ---- pictures


@pytest.mark.parametrize("command", COMMANDS)
def test_pictures_hold_few_decodings_at_once(command, run, decoded):
    assert main([command, str(run)]) == 0
    assert sum(decoded) > 20
    assert max(decoded) <= (23 * 6 if command == "uncertainty" else 23)  # 23 decodings of each of six examples


def test_small_examples_are_decoded_together(tmp_path, decoded):
    """So that their pictures are what they were."""
    options = ["--hidden", "2", "--latent", "2", "--epochs", "1"]
    assert main(["train", *options, "--out", str(tmp_path / "a")]) == 0
    assert sorted(decoded) == [30, 64]
    for command in COMMANDS:
        assert main([command, str(tmp_path / "a")]) == 0
    assert decoded[2:] == [64, 30, 36, 36, 22, 225, 300, 6]


def test_what_is_drawn_are_means_of_what_is_decoded(run, monkeypatch):
    """The spread is that of pixels, not of the means that are drawn."""
    shown = {}
    monkeypatch.setattr("minivae.plot.samples", lambda x_hat, *rest: shown.update(samples=x_hat))
    monkeypatch.setattr("minivae.plot.uncertainty", lambda *args: shown.update(args=args))
    model, x = Run.open(run).load_model()[0], Run.open(run).read_data().validation.x
    assert main(["sample", str(run), "--n", "64"]) == 0
    assert main(["uncertainty", str(run), "--n", "2"]) == 0

    def means(x, n):
        return x.reshape(*x.shape[:-1], SIDE // n, n, SIDE // n, n).mean(axis=(-3, -1)).reshape(*x.shape[:-1], -1)

    x_hat = model.sample(64, generator(0, "sample"))
    np.testing.assert_allclose(shown["samples"], means(x_hat, 2), rtol=1e-5)
    draws = decodings(model, x[:2], 50, generator(0, "sample"))
    _, _, seen, *_, spread = shown["args"]
    np.testing.assert_allclose(seen, means(draws, 2), rtol=1e-5)
    np.testing.assert_allclose(spread, means(draws.std(axis=0), 2), rtol=1e-4)


def test_spread_of_parts():
    x = np.random.default_rng(0).standard_normal((50, 3, 4), dtype="float32") + np.float32(1000)
    for sizes in ([50], [1] * 50, [7] * 7 + [1], [23, 23, 4]):
        spread = Spread()
        for part in np.split(x, np.cumsum(sizes)[:-1]):
            spread.add(part)
        np.testing.assert_allclose(spread.std("float32"), x.std(axis=0, dtype="float64"), rtol=1e-4)
    whole = Spread()
    whole.add(x)
    np.testing.assert_array_equal(whole.std("float32"), x.std(axis=0))


def test_memory_of_long_thin_images(tmp_path):
    """Training, its pictures and the latent space of 5000 x 1 images, with two gigabytes of addresses."""
    np.save(tmp_path / "x.npy", np.random.default_rng(0).integers(0, 256, (12, 5000, 1), dtype="uint8"))
    code = """
import resource, sys
from minivae.cli import main
resource.setrlimit(resource.RLIMIT_AS, (2 * 2**30,) * 2)
small = ["--hidden", "4", "--latent", "2", "--epochs", "1"]
assert main(["train", "--data", "x.npy", *small, "--out", "a"]) == 0
assert main(["latent", "a"]) == 0
"""
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env={"PYTHONPATH": PACKAGE.parent,
                            "OPENBLAS_NUM_THREADS": "1"})  # fmt: skip
    assert result.returncode == 0, result.stderr


# ---- what is not finite


LARGE = {"decoder.layers.0.b": 10, "decoder.layers.2.W": 3e38}


@pytest.fixture
def broken(tmp_path, no_pictures):
    """A function: a run on a table, with other weights by their names."""

    def build(weights):
        np.save(tmp_path / "x.npy", np.random.default_rng(0).standard_normal((60, 5)))
        (tmp_path / "c.toml").write_text("likelihood = 'gaussian'\n")
        options = ["--data", str(tmp_path / "x.npy"), "--config", str(tmp_path / "c.toml")]
        small = ["--hidden", "4", "--latent", "2", "--epochs", "1"]
        assert main(["train", *small, *options, "--out", str(tmp_path / "a")]) == 0
        path = tmp_path / "a" / "best.safetensors"
        run = Run.open(tmp_path / "a")
        model, _ = run.load_model()
        _, meta = checkpoint.load(path)
        for name, value in weights.items():
            model.params[name].data[...] = value
        checkpoint.save(path, model, None, meta)
        return run.path

    return build


@pytest.mark.parametrize(
    ("weights", "command", "message"),
    [
        (LARGE, "sample", r"samples: 64 of 64 x_hat have values that are not finite"),
        (LARGE, "reconstruct", r"reconstructions: 10 of 10 x_hat have"),
        (LARGE, "interpolate", r"interpolations: 36 of 36 x_hat have"),
        (LARGE, "traverse", r"traversal: 22 of 22 x_hat have"),
        (LARGE, "latent", r"latent_space: 225 of 225 x_hat have"),
        (LARGE, "uncertainty", r"uncertainty: 300 of 300 x_hat have"),
        ({"encoder.layers.2.W": 3e38}, "latent", r"latent_space: \d+ of 10 mu have"),
        ({"encoder.layers.2.b": 300}, "uncertainty", r"uncertainty: 10 of 10 std have"),
    ],
)
def test_what_is_not_finite_is_no_picture(weights, command, message, broken, capsys):
    """One line that counts it, and no warning of NumPy's beside it."""
    path = broken(weights)
    capsys.readouterr()
    assert main([command, str(path)]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert re.match(f"minivae: {message}", error)
    assert not list(path.glob("*.png"))


# ---- pictures that are read


def test_pictures_that_animate_refuses(tmp_path, capsys):
    from PIL import Image

    (tmp_path / "c.toml").write_text("pictures_every = 1\n")
    options = ["--hidden", "2", "--latent", "2", "--epochs", "1", "--config", str(tmp_path / "c.toml")]
    assert main(["train", *options, "--out", str(tmp_path / "a")]) == 0
    frame = tmp_path / "a" / "samples" / "epoch-00001.png"
    good = frame.read_bytes()

    def refused():
        return error_of(capsys, "animate", tmp_path / "a")

    Image.new("1", (4001, 10)).save(frame)
    assert f"run: cannot read {frame} as PNG (expected at most 4000 pixels to each side, got (4001, 10))" in refused()
    size = (2**31 - 1).to_bytes(4, "big")
    frame.write_bytes(good[:16] + size + size + good[24:])  # only the header says so: what Pillow calls a bomb
    assert f"run: cannot read {frame} as PNG" in refused()
    Image.new("RGB", (10, 10)).save(frame, "JPEG")
    assert f"run: cannot read {frame} as PNG" in refused()
    frame.write_bytes(good[:-40])
    assert f"run: cannot read {frame} as PNG" in refused()
    for cut in range(8, 60):
        frame.write_bytes(good[:cut] + b"\xff" + good[cut + 1 :])
        if main(["animate", str(tmp_path / "a")]):
            assert f"run: cannot read {frame} as PNG" in refused()
    frame.unlink()
    (tmp_path / "elsewhere.png").write_bytes(good)
    frame.symlink_to(tmp_path / "elsewhere.png")
    assert f"run: {frame} is a symbolic link out of the run folder" in refused()
    frame.unlink()
    frame.mkdir()
    assert f"run: expected a file, {frame} is a folder" in refused()
    frame.rmdir()
    (frame.parent / "same").write_bytes(good)
    frame.symlink_to("same")
    assert main(["animate", str(tmp_path / "a")]) == 0

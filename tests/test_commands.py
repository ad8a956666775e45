"""The commands that draw, convert and compare: what they do, and what bad input gets."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from test_cli import PNG, SMALL, error_of

from minivae.cli import main
from minivae.data.protocol import Protocol
from minivae.data.splits import cut
from minivae.evaluate import kl_per_latent
from minivae.layers import GRU
from minivae.runs import Run, build_model, build_optimizer

PICTURES = {
    "sample": "samples.png",
    "reconstruct": "reconstructions.png",
    "interpolate": "interpolations.png",
    "traverse": "traversal.png",
    "latent": "latent_space.png",
    "uncertainty": "uncertainty.png",
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Three latents, pictures of every epoch."""
    folder = tmp_path_factory.mktemp("runs")
    (folder / "c.toml").write_text("pictures_every = 1\n")
    options = ["--hidden", "8", "--latent", "3", "--epochs", "2", "--config", str(folder / "c.toml")]
    assert main(["train", *options, "--out", str(folder / "a")]) == 0
    return folder / "a"


@pytest.fixture(scope="module")
def table_run(tmp_path_factory):
    """A standardized table of 40 rows and 5 columns of very different sizes."""
    folder = tmp_path_factory.mktemp("table")
    x = np.random.default_rng(0).standard_normal((40, 5)) * [1, 10, 100, 0.1, 0] + [0, 5, -300, 2, 7]
    np.save(folder / "x.npy", x)
    (folder / "c.toml").write_text("standardize = true\nlikelihood = 'gaussian'\n")
    options = ["--data", str(folder / "x.npy"), "--config", str(folder / "c.toml")]
    assert main(["train", *SMALL, *options, "--out", str(folder / "a")]) == 0
    return folder / "a"


# ---- pictures


@pytest.mark.parametrize(("command", "name"), PICTURES.items())
def test_pictures_of_images(command, name, run, tmp_path, capsys):
    assert main([command, str(run)]) == 0
    assert capsys.readouterr().out == f"{run / name}\n"
    assert (run / name).read_bytes().startswith(PNG)
    assert main([command, str(run), "--out", str(tmp_path / "b.PNG")]) == 0
    assert (tmp_path / "b.PNG").read_bytes() == (run / name).read_bytes()


@pytest.mark.parametrize("arch", ["dense", "conv"])
def test_pictures_of_many_channels(arch, tmp_path, capsys):
    x = np.random.default_rng(0).random((200, 8, 8, 10))
    np.save(tmp_path / "x.npy", x)
    options = ["--data", str(tmp_path / "x.npy"), "--arch", arch, "--likelihood", "gaussian", *SMALL]
    assert main(["train", *options, "--out", str(tmp_path / "a")]) == 0
    assert "167 training and 33 validation examples of 8x8x10" in capsys.readouterr().out
    for command, name in PICTURES.items():
        assert main([command, str(tmp_path / "a")]) == 0
        assert (tmp_path / "a" / name).read_bytes().startswith(PNG)


@pytest.mark.parametrize("model", ["vae", "cvae"])
def test_pictures_of_signals(model, tmp_path):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "x.npz", x=rng.random((60, 18)), y=rng.integers(0, 2, 60))
    options = ["--data", str(tmp_path / "x.npz"), "--arch", "conv", "--signal", "2", "--likelihood", "gaussian", *SMALL]
    assert main(["train", "--model", model, *options, "--out", str(tmp_path / "a")]) == 0
    assert Run.open(tmp_path / "a").settings["signal"] == 2
    for command, name in PICTURES.items():
        given = ["--y", "1"] if (model, command) == ("cvae", "latent") else []
        assert main([command, str(tmp_path / "a"), *given]) == 0
        assert (tmp_path / "a" / name).read_bytes().startswith(PNG)


def test_a_gru_of_signals(tmp_path, no_pictures):
    np.save(tmp_path / "x.npy", np.random.default_rng(0).random((20, 6)))
    options = ["--data", str(tmp_path / "x.npy"), "--arch", "gru", "--signal", "2", "--likelihood", "gaussian", *SMALL]
    assert main(["train", *options, "--out", str(tmp_path / "a")]) == 0
    run = Run.open(tmp_path / "a")
    assert (run.settings["arch"], run.settings["signal"]) == ("gru", 2)
    (gru,) = run.load_model()[0].encoder.named(GRU).values()
    assert gru.cell.W.data.shape == (2, 3 * run.settings["hidden"][0])


def test_channels_that_stand_first_are_named(tmp_path, capsys, no_pictures):
    np.save(tmp_path / "x.npy", np.random.default_rng(0).random((20, 3, 8, 8)))
    assert main(["train", "--data", str(tmp_path / "x.npy"), *SMALL, "--out", str(tmp_path / "a")]) == 0
    assert "images of 3 rows, 8 columns and 8 channels, which stand last; if yours" in capsys.readouterr().out


@pytest.mark.parametrize("command", PICTURES)
def test_pictures_of_tables(command, table_run, tmp_path):
    assert main([command, str(table_run), "--out", str(tmp_path / "a.png")]) == 0
    assert (tmp_path / "a.png").read_bytes().startswith(PNG)


@pytest.mark.parametrize("latent", ["1", "2"])
def test_pictures_of_few_latents(latent, tmp_path, no_pictures):
    out = tmp_path / "a"
    assert main(["train", "--hidden", "8", "--latent", latent, "--epochs", "1", "--out", str(out)]) == 0
    for command in PICTURES:
        assert main([command, str(out)]) == 0


def test_what_the_walks_show(run, monkeypatch, tmp_path):
    """Ends are reconstructions of the examples beside them; traversals go through the example, most KL first."""
    shown = {}
    monkeypatch.setattr("minivae.plot.walks", lambda bands, shape, path, title, labels, tops: shown.update(
        bands=bands, labels=labels))  # fmt: skip
    r = Run.open(run)
    model, x = r.load_model()[0], r.read_data().validation.x
    assert main(["interpolate", str(run), "--n", "3", "--steps", "4"]) == 0
    assert len(shown["bands"]) == 6
    for i, band in enumerate(shown["bands"]):
        pair = x[2 * (i // 2) : 2 * (i // 2) + 2]
        np.testing.assert_array_equal(band[[0, -1]], pair)
        np.testing.assert_allclose(band[[1, -2]], model.reconstruct(pair), rtol=1e-4)
    assert (shown["bands"][0][2] != shown["bands"][1][2]).any()  # linear, spherical
    assert main(["traverse", str(run), "--example", "7", "--n", "2", "--steps", "7"]) == 0
    kl = [float(label.split()[1]) for label in shown["labels"]]
    assert len(kl) == 2
    assert kl == sorted(kl, reverse=True)
    first = int(shown["labels"][0][2])
    mu = model.encode(x[7:8])[0][0]
    mu[first] = 3
    np.testing.assert_allclose(shown["bands"][0][-1], model.decode(mu[None])[0], rtol=1e-5)


def test_what_the_latent_space_shows(tmp_path, monkeypatch, no_pictures):
    """Two latents: the corner of the grid is the decoded outermost quantile, up is up."""
    out, shown = tmp_path / "a", {}
    assert main(["train", *SMALL, "--out", str(out)]) == 0
    monkeypatch.setattr("minivae.plot.latent_means", lambda mu, y, path, grid, *rest, name: shown.update(grid=grid))
    assert main(["latent", str(out), "--n", "5"]) == 0
    model = Run.open(out).load_model()[0]
    corner = np.array([[-1.2815516, 1.2815516]], "float32")  # Gaussian quantiles of 0.1 and 0.9
    assert shown["grid"].shape == (5, 5, 64)
    np.testing.assert_allclose(shown["grid"][0, 0], model.decode(corner)[0], rtol=1e-5)


def test_what_uncertainty_shows(run, monkeypatch):
    shown = {}
    monkeypatch.setattr("minivae.plot.uncertainty", lambda *args: shown.update(args=args))
    assert main(["uncertainty", str(run), "--n", "2"]) == 0
    x, x_hat, draws, mu, std, y, shape, _, names, spread = shown["args"]
    model = Run.open(run).load_model()[0]
    assert (x.shape, draws.shape, shape) == ((2, 64), (50, 2, 64), (8, 8, 1))
    np.testing.assert_array_equal(x_hat, model.reconstruct(x))
    latents = [int(name[2]) for name in names]
    kl = kl_per_latent(model, Run.open(run).read_data().validation.x)
    assert latents == np.argsort(-kl)[:2].tolist()
    full_mu, full_log_var = model.encode(Run.open(run).read_data().validation.x)
    np.testing.assert_array_equal(mu, full_mu[:, latents])
    np.testing.assert_allclose(std, np.exp(0.5 * full_log_var[:, latents]), rtol=1e-6)
    np.testing.assert_array_equal(spread, draws.std(axis=0))
    assert (spread > 0).all()


def test_animation(run, tmp_path, capsys):
    """One page per picture, in the order of the epochs, the same bytes each time."""
    from PIL import Image

    assert sorted(p.name for p in (run / "samples").iterdir()) == [f"epoch-0000{i}.png" for i in range(3)]
    assert main(["animate", str(run)]) == 0
    assert capsys.readouterr().out == f"{run / 'samples.gif'}\n"
    with Image.open(run / "samples.gif") as gif:
        assert gif.n_frames == 3
        gif.seek(1)
        page = np.asarray(gif.convert("RGB"), "float64")
        frame = np.asarray(Image.open(run / "samples" / "epoch-00001.png").convert("RGB"), "float64")
        assert np.abs(page - frame).mean() < 3
    assert main(["animate", str(run), "--out", str(tmp_path / "b.gif")]) == 0
    assert (tmp_path / "b.gif").read_bytes() == (run / "samples.gif").read_bytes()


# ---- arrays


def test_encode_sees_what_evaluate_sees(run, tmp_path):
    """Raw test images through encode are the test split through the encoder, bits and all."""
    data = Run.open(run).read_data()
    from sklearn.datasets import load_digits

    np.save(tmp_path / "x.npy", (load_digits().images[-297:] / 16).astype("float32"))
    assert main(["encode", str(run), "--input", str(tmp_path / "x.npy"), "--out", str(tmp_path / "z.npy")]) == 0
    mu = np.load(tmp_path / "z.npy")
    assert (mu.shape, mu.dtype) == ((297, 3), np.float32)
    np.testing.assert_allclose(mu, Run.open(run).load_model()[0].encode(data.test().x)[0], rtol=1e-4, atol=1e-5)
    assert main(["decode", str(run), "--input", str(tmp_path / "z.npy"), "--out", str(tmp_path / "x_hat.npy")]) == 0
    x_hat = np.load(tmp_path / "x_hat.npy")
    assert x_hat.shape == (297, 8, 8, 1)
    np.testing.assert_allclose(x_hat.reshape(297, -1), Run.open(run).load_model()[0].decode(mu), rtol=1e-4, atol=1e-5)


def test_tables_come_back_in_their_units(table_run, tmp_path):
    """A decoder that returns the standardized input returns the table: here means where z says nothing."""
    x = np.load(table_run.parent / "x.npy")
    run = Run.open(table_run)
    rows = run.protocol.prepare(x, "x", "gaussian")
    train = rows[cut(40, run.protocol.n_validation)[0]]
    np.testing.assert_allclose(train.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(train.std(axis=0), [1, 1, 1, 1, 0], atol=1e-4)  # a constant column stays
    np.testing.assert_allclose(run.protocol.original(rows), x, rtol=1e-4, atol=1e-3)
    np.save(tmp_path / "z.npy", np.zeros((3, 2)))
    assert main(["decode", str(table_run), "--input", str(tmp_path / "z.npy"), "--out", str(tmp_path / "x.npy")]) == 0
    x_hat = np.load(tmp_path / "x.npy")
    assert x_hat.shape == (3, 5)
    assert (np.abs(x_hat - x.mean(axis=0)) < 4 * x.std(axis=0) + 0.2).all()


def test_dequantized_pixels_come_back_to_their_levels():
    protocol = Protocol(
        "x.npy", "0", (4,), n_train=60, n_validation=4, divisor=255, binarize="none", bits_seed=0, levels=256
    )
    x = np.arange(256, dtype="uint8").reshape(64, 4)
    rows = protocol.prepare(x, "x", "gaussian")
    assert (np.abs(rows * 256 - x - 0.5) < 0.5001).all()  # each within its own interval
    assert (rows * 256 - x).std() > 0.2
    np.testing.assert_allclose(protocol.original((x + 0.5) / 256), x, atol=1e-4)


@pytest.mark.parametrize(
    ("command", "array", "message"),
    [
        ("encode", np.zeros((3, 8, 9)), "input: expected examples of shape (8, 8, 1), as in training, got (8, 9, 1)"),
        ("encode", np.zeros((3, 64)), "input: expected examples of shape (8, 8, 1), as in training, got (64,)"),
        ("encode", np.full((3, 8, 8), 1.5), "input: expected pixels or bits in [0, 1]"),
        (
            "encode",
            np.full((3, 8, 8), 2.0),
            "input: expected values in [0, 1], as in training, got float64 values from 2",
        ),
        (
            "encode",
            np.full((3, 8, 8), 16),
            "input: expected values in [0, 1], as in training, got int64 values from 16",
        ),
        (
            "encode",
            np.full((3, 8, 8), np.nan),
            "input: expected no missing values, as in training, got 192, the first in",
        ),
        ("encode", np.array([["a"]]), "input: expected numbers, got dtype <U1"),
        ("encode", np.zeros((0, 8, 8)), "input: expected at least one example, got shape (0, 8, 8)"),
        ("encode", np.float64(3), "input: expected at least one example, got shape ()"),
        ("decode", np.zeros((3, 2)), "input: expected numbers (N, 3), got dtype float64, shape (3, 2)"),
        ("decode", np.zeros(3), "input: expected numbers (N, 3), got dtype float64, shape (3,)"),
        ("decode", np.full((2, 3), np.inf), "input: expected finite float32 values, got NaN or infinity"),
        ("decode", np.full((2, 3), 1e300), "input: expected finite float32 values, got NaN or infinity"),
        ("decode", np.array([["a", "b", "c"]]), "input: expected numbers (N, 3), got dtype <U1, shape (1, 3)"),
        ("decode", np.array([{}]), "is no readable .npy or .npz file of numbers"),
    ],
)
def test_bad_arrays(command, array, message, run, tmp_path, capsys):
    np.save(tmp_path / "x.npy", array)
    assert message in error_of(capsys, command, run, "--input", tmp_path / "x.npy", "--out", tmp_path / "y.npy")
    assert [p.name for p in tmp_path.iterdir()] == ["x.npy"]


def test_an_archive_is_no_array(run, tmp_path, capsys):
    np.savez(tmp_path / "x.npz", a=np.zeros(3))
    (tmp_path / "x.npz").rename(tmp_path / "x.npy")
    argv = ("encode", run, "--input", tmp_path / "x.npy", "--out", tmp_path / "y.npy")
    assert "input: expected one array" in error_of(capsys, *argv)


def test_integers_and_floats_of_a_table_are_the_same(tmp_path, capsys, no_pictures):
    """Standardized tables have no pixel scale: the round trip holds, whatever the dtype."""
    x = np.random.default_rng(0).integers(0, 256, (40, 3))
    np.save(tmp_path / "i.npy", x)
    np.save(tmp_path / "f.npy", x.astype("float64"))
    (tmp_path / "c.toml").write_text("standardize = true\nlikelihood = 'gaussian'\n")
    out = str(tmp_path / "a")
    options = ["--data", str(tmp_path / "i.npy"), "--config", str(tmp_path / "c.toml")]
    assert main(["train", *SMALL, *options, "--out", out]) == 0
    for name in "if":
        paths = ["--input", str(tmp_path / f"{name}.npy"), "--out", str(tmp_path / f"z{name}.npy")]
        assert main(["encode", out, *paths]) == 0
    np.testing.assert_array_equal(np.load(tmp_path / "zi.npy"), np.load(tmp_path / "zf.npy"))
    protocol = replace(Run.open(out).protocol, mean=(0.0,) * 3, std=(1e-3,) * 3)
    with pytest.raises(ValueError, match="x: expected values that stay finite when they are standardized"):
        protocol.prepare(np.array([[3e38, 1, 2], [3, 4, 5]]), "x", "gaussian")


def test_pixels_that_were_not_divided_are_refused(tmp_path, capsys, no_pictures):
    x = np.random.default_rng(0).integers(0, 256, (40, 4, 4), "uint8")
    np.savez(tmp_path / "x.npz", x=x, x_test=x + 0.5)
    out = str(tmp_path / "a")
    argv = ["train", *SMALL, "--data", tmp_path / "x.npz", "--likelihood", "gaussian", "--out", out]
    assert "x_test: expected pixels divided by 255, as in training, got float64 values from 0.5" in error_of(
        capsys, *argv
    )
    assert [p.name for p in tmp_path.iterdir()] == ["x.npz"]


def test_arrays_are_never_overwritten(run, tmp_path, capsys):
    path = tmp_path / "x.npy"
    np.save(path, np.zeros((3, 8, 8)))
    before = path.read_bytes()
    assert "exists; expected the name of a new file" in error_of(capsys, "encode", run, "--input", path, "--out", path)
    assert path.read_bytes() == before


# ---- compare


def test_compare(run, tmp_path, capsys, no_pictures):
    other = tmp_path / "other"
    assert main(["train", *SMALL, "--out", str(other)]) == 0
    capsys.readouterr()
    assert main(["compare", str(run), str(other), "--out", str(tmp_path / "c.png")]) == 0
    head, first, second, *rest = capsys.readouterr().out.splitlines()
    assert head.split() == ["run", "split", "epoch", "elbo", "log_px_z", "kl", "best", "elbo", "at", "epoch", "seconds"]
    line = json.loads((other / "metrics.jsonl").read_text().splitlines()[-1])["validation"]
    assert second.split()[:5] == [str(other), "validation", "1", f"{line['elbo']:.2f}", f"{line['log_px_z']:.2f}"]
    assert first.split()[:3] == [str(run), "validation", "2"]
    elbos = [json.loads(line)["validation"]["elbo"] for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert first.split()[6:8] == [f"{max(elbos):.2f}", str(1 + elbos.index(max(elbos)))]
    assert "latent: 3, 2" in rest
    assert "epochs: 2, 1" in rest
    assert not any("cannot be compared" in text for text in rest)
    assert rest[-1] == str(tmp_path / "c.png")
    assert (tmp_path / "c.png").read_bytes().startswith(PNG)


def test_compare_shows_the_best_and_not_only_the_last(run, tmp_path, capsys):
    other = shutil.copytree(run, tmp_path / "b")
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    lines[0]["validation"]["elbo"] = -1.25
    (other / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert main(["compare", str(other)]) == 0
    assert capsys.readouterr().out.splitlines()[1].split()[6:8] == ["-1.25", "1"]


@pytest.mark.parametrize(
    ("options", "comparable"),
    [
        ([["--likelihood", "gaussian"], ["--likelihood", "gaussian-full"]], True),
        ([["--likelihood", "gaussian"], ["--likelihood", "categorical"]], False),
        ([["--likelihood", "categorical"], ["--likelihood", "categorical", "--config", "LEVELS"]], False),
        ([["--likelihood", "categorical"], ["--likelihood", "beta-binomial"]], True),
        ([["--likelihood", "beta-binomial"], ["--likelihood", "logistic-mixture", "--config", "LEVELS"]], False),
        ([["--seed", "1"], ["--binarize", "once"]], False),
        ([["--seed", "1"], ["--latent", "1"]], True),
    ],
)
def test_which_nats_can_be_compared(options, comparable, tmp_path, capsys, no_pictures):
    (tmp_path / "c.toml").write_text("levels = 4\n")
    for name, given in zip("ab", options, strict=True):
        given = [str(tmp_path / "c.toml") if o == "LEVELS" else o for o in given]
        assert main(["train", "--hidden", "4", "--epochs", "1", *given, "--out", str(tmp_path / name)]) == 0
    assert main(["compare", str(tmp_path / "a"), str(tmp_path / "b")]) == 0
    assert ("cannot be compared" in capsys.readouterr().out) is not comparable


def test_compare_says_when_nats_cannot_be_compared(run, table_run, tmp_path, capsys):
    assert main(["compare", str(run), str(table_run), "--out", str(tmp_path / "c.png")]) == 0
    assert "their nats cannot be compared" in capsys.readouterr().out


def test_compare_says_where_a_name_means_two_things(tmp_path, capsys, no_pictures):
    for model in ("tcvae", "factorvae"):
        assert main(["train", *SMALL, "--model", model, "--out", str(tmp_path / model)]) == 0
    capsys.readouterr()
    assert main(["compare", str(tmp_path / "tcvae"), str(tmp_path / "factorvae")]) == 0
    said = "tc is not the same in all runs: total correlation in the batch; critic's total correlation"
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if "not the same" in line] == [said]


def test_compare_of_a_run_without_an_epoch(run, tmp_path, capsys):
    empty = shutil.copytree(run, tmp_path / "b")
    (empty / "metrics.jsonl").write_text("")
    assert "metrics.jsonl ends or is damaged after epoch 0, but last.safetensors is of epoch 2" in error_of(
        capsys, "compare", run, empty
    )
    new = Run.open(shutil.copytree(run, tmp_path / "c"))
    settings = new.settings | {"epochs": 2}
    model = build_model(settings, new.protocol)
    Run.create(tmp_path / "d", settings, new.protocol, model, build_optimizer(settings, model, new.protocol))
    assert f"runs: {tmp_path / 'd'} has not finished an epoch yet" in error_of(capsys, "compare", run, tmp_path / "d")


# ---- bad input


def test_names_that_a_picture_could_trip_over(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a$x^$", "_b", "\u65e5\u672c"):
        shutil.copytree(run, tmp_path / name)
    assert main(["compare", "a$x^$", "_b", "\u65e5\u672c"]) == 0
    assert (tmp_path / "a$x^$" / "compare.png").exists()


def test_animation_of_what_is_no_picture(run, tmp_path, capsys):
    other = shutil.copytree(run, tmp_path / "b")
    (other / "samples" / "epoch-notes.png").write_text("mine")
    assert main(["animate", str(other)]) == 0
    (other / "samples" / "epoch-00001.png").write_text("not a picture")
    assert "epoch-00001.png as PNG (cannot identify" in error_of(capsys, "animate", other)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["interpolate", "RUN", "--n", "0"], "n: expected a whole number >= 1, got 0"),
        (["interpolate", "RUN", "--steps", "1"], "steps: expected a whole number >= 2, got 1"),
        (["interpolate", "RUN", "--out", "a.jpg"], "out: expected a file name ending in .png, got a.jpg"),
        (["traverse", "RUN", "--example", "250"], "example: expected a whole number < 250, got 250"),
        (["traverse", "RUN", "--example", "-1"], "example: expected a whole number >= 0, got -1"),
        (["traverse", "RUN", "--n", "x"], "n: expected a whole number >= 1, got 'x'"),
        (["traverse", "RUN", "--steps", "1"], "steps: expected a whole number >= 2, got 1"),
        (["latent", "RUN", "--n", "1"], "n: expected a whole number >= 2, got 1"),
        (["latent", "RUN", "--n", "101"], "n: expected a whole number <= 100, got 101"),
        (["latent", "gone"], "run: gone does not exist"),
        (["uncertainty", "RUN", "--n", "0"], "n: expected a whole number >= 1, got 0"),
        (["uncertainty", "RUN", "--seed", "-1"], "seed: expected a whole number >= 0, got -1"),
        (["animate", "RUN", "--out", "a.png"], "out: expected a file name ending in .gif, got a.png"),
        (["animate", "OTHER"], "has no pictures of its epochs; train with pictures_every = N"),
        (["encode", "RUN"], "the following arguments are required: --input, --out"),
        (["encode", "RUN", "--input", "gone.npy", "--out", "z.npy"], "input: gone.npy does not exist"),
        (["encode", "RUN", "--input", "x.csv", "--out", "z.npy"], "input: expected a file name ending in .npy"),
        (["encode", "RUN", "--input", "gone.npy", "--out", "z.txt"], "out: expected a file name ending in .npy"),
        (["decode", "RUN", "--input", "gone.npy", "--out", "no/z.npy"], "does not exist"),
        (["compare"], "the following arguments are required: RUN"),
        (["compare", "RUN", "RUN"], "runs: expected each run once"),
        (["compare", "RUN", "gone"], "run: gone does not exist"),
        (["compare", "RUN", "--out", "c.pdf"], "out: expected a file name ending in .png, got c.pdf"),
    ],
)
def test_bad_commands(argv, message, run, table_run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    argv = [{"RUN": run, "OTHER": table_run}.get(a, a) for a in argv]
    assert message in error_of(capsys, *argv)
    assert not list(tmp_path.iterdir())

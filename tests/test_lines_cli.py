"""What people do with models of lines of text on the command line."""

import io

import numpy as np
import pandas as pd
import pytest
from test_cli import PNG, error_of

from minivae import load_run, plot
from minivae.cli import main
from minivae.cli.pictures import draw_run
from minivae.data import expressions
from minivae.evaluate import latents, tokens_of
from minivae.runs import Run

SMALL = ("--hidden", "8", "--embedding", "4", "--epochs", "2", "--lr", "0.02")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """200 lines, a VAE of them, a language model, and a transformer."""
    folder = tmp_path_factory.mktemp("lines")
    lines = expressions(300, np.random.default_rng(0))
    lines = [line for line in lines if len(line) < 20][:200]
    (folder / "lines.txt").write_text("\n".join(lines) + "\n")
    data = ["train", "--data", str(folder / "lines.txt"), *SMALL]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("minivae.cli.training.draw_run", lambda run, data: None)
        for name, options in {
            "vae": ["--model", "seqvae", "--latent", "3", "--beta", "0.01"],
            "lm": ["--model", "lm"],
            "heads": ["--model", "seqvae", "--arch", "transformer", "--heads", "2", "--latent", "2"],
        }.items():
            assert main([*data, *options, "--out", str(folder / name)]) == 0
    return folder


@pytest.fixture(scope="module")
def model(folder):
    return load_run(folder / "vae")


@pytest.fixture
def tables(monkeypatch):
    """The last table that a command drew: its cells, its rows as texts, heads and title."""
    shown = {}

    def draw(rows, heads, path, title):
        texts = [tuple(map(text_of, row)) for row in rows]
        shown.update(cells=list(rows), rows=texts, heads=tuple(heads), title=title)

    monkeypatch.setattr(plot, "draw_lines", draw)
    return shown


def text_of(cell):
    return cell if isinstance(cell, str) else "".join(text for text, _ in cell)


def lines_of(path):
    return path.read_text().split("\n")[:-1]


# ---- pictures


@pytest.mark.parametrize(
    ("rows", "heads", "title"),
    [
        ([("a", "b")], ("x", "y"), "a short title"),
        ([("a" * 300, "b" * 7), (), ("$x^2$", "\N{REPLACEMENT CHARACTER} \u00e9")], ("x", "y"), "a long title " * 30),
        ([["", ""]], (), ""),
        ([["a"]] * 9, (), "many"),
    ],
)
def test_tables_of_lines(rows, heads, title, tmp_path, monkeypatch):
    monkeypatch.setattr("minivae.plot.lines.ROWS", 5)
    for name in "ab":
        plot.draw_lines(rows, heads, tmp_path / f"{name}.png", title)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (tmp_path / "a.png").read_bytes().startswith(PNG)


def test_letters_are_as_far_apart_as_the_columns_are(tmp_path):
    """Two pieces of one word stand as the word does."""
    import matplotlib.image

    pictures = []
    for name, cell in (("a", "iiWWii" * 9), ("b", [("iiWWii" * 3, "black"), ("iiWWii" * 6, "black")])):
        plot.draw_lines([(cell, "x")], (), tmp_path / f"{name}.png", "words")
        pictures.append(matplotlib.image.imread(io.BytesIO((tmp_path / f"{name}.png").read_bytes())))
    np.testing.assert_array_equal(*pictures)


def test_what_is_marked():
    assert plot.marked("abc", "abc") == [("abc", "black")]
    assert plot.marked("axc", "abc") == [("a", "black"), ("x", plot.ORANGE), ("c", "black")]
    assert plot.marked("ac", "abbc") == [("a", "black"), ("__", plot.ORANGE), ("c", "black")]
    assert plot.marked("a c", "ac")[1] == ("\N{OPEN BOX}", plot.ORANGE)
    assert plot.marked("", "") == []
    colors = [color for ((_, color),) in plot.repeated(["a", "a", "b", "a"])]
    assert colors == ["black", plot.GREY, "black", "black"]


def test_lines_side_by_side():
    assert plot.side_by_side(list("abcde")) == [["a", "b", "c"], ["d", "e"]]
    assert plot.side_by_side(["a" * 70, "b", "c"]) == [["a" * 70], ["b"], ["c"]]
    assert plot.side_by_side(["a" * 200]) == [["a" * 200]]


@pytest.mark.pictures
def test_pictures_of_a_training(folder, tmp_path, capsys):
    (tmp_path / "c.toml").write_text("pictures_every = 1\n")
    data = ["--data", str(folder / "lines.txt"), "--config", str(tmp_path / "c.toml"), *SMALL, "--epochs", "1"]
    assert main(["train", *data, "--model", "seqvae", "--latent", "2", "--out", str(tmp_path / "a")]) == 0
    names = ["curves", "reconstructions", "samples", "latents"]
    said = ", ".join(str(tmp_path / "a" / f"{name}.png") for name in names)
    assert capsys.readouterr().out.splitlines()[-1] == f"pictures: {said}"
    assert {path.stem for path in (tmp_path / "a").glob("*.png")} == set(names)
    assert main(["animate", str(tmp_path / "a")]) == 0
    assert main(["sample", str(tmp_path / "a"), "--out", str(tmp_path / "b.png")]) == 0
    assert (tmp_path / "a" / "samples.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_a_language_model_has_no_reconstructions_to_draw(folder, tables, monkeypatch, capsys):
    monkeypatch.setattr(plot, "learning_curves", lambda *args: None)
    run = Run.open(folder / "lm")
    draw_run(run, run.read_data())
    assert capsys.readouterr().out == f"pictures: {run.path / 'curves.png'}, {run.path / 'samples.png'}\n"
    assert tables["title"] == "samples: draws token by token"


# ---- samples, reconstructions


def test_samples(folder, model, tables, tmp_path):
    """The picture, the file and Python have the same lines; a seed gives the same, another one others."""
    run, out = str(folder / "vae"), tmp_path / "a.txt"
    assert main(["sample", run, "--n", "6"]) == 0
    assert tables["title"] == "samples: decoded draws from the prior, each token the likeliest given those before it"
    assert sum(tables["rows"], ()) == tuple(model.sample(6))
    choice = ["--draw", "--temperature", "0.5", "--top-k", "3"]
    assert main(["sample", run, "--n", "6", *choice, "--out", str(out)]) == 0
    assert lines_of(out) == model.sample(6, draw=True, temperature=0.5, top_k=3)
    assert main(["sample", run, "--n", "6", *choice]) == 0
    assert sum(tables["rows"], ()) == tuple(lines_of(out))
    assert tables["title"].endswith("decoded draws from the prior, tokens drawn, temperature 0.5, of the 3 likeliest")
    assert model.sample(6, draw=True, seed=1) != model.sample(6, draw=True) == model.sample(6, draw=True)
    assert model.sample(6, draw=True, top_k=1) == model.sample(6)


def test_samples_of_a_language_model(folder, tables, tmp_path):
    """Tokens are always drawn."""
    run = load_run(folder / "lm")
    assert main(["sample", str(folder / "lm"), "--n", "9"]) == 0
    assert tables["title"] == "samples: draws token by token"
    assert sum(tables["rows"], ()) == tuple(run.sample(9))
    out = tmp_path / "a.txt"
    assert main(["sample", str(folder / "lm"), "--n", "9", "--temperature", "0.1", "--out", str(out)]) == 0
    assert lines_of(out) == run.sample(9, temperature=0.1) != run.sample(9)


def test_reconstructions(folder, model, tables, tmp_path):
    x = Run.open(folder / "vae").read_data().validation.x[:30]
    lines = model.protocol.original(x)
    back = model.reconstruct(lines)
    assert main(["reconstruct", str(folder / "vae")]) == 0
    equal = sum(a == b for a, b in zip(lines, back, strict=True))
    assert tables["title"].startswith(f"30 held-out lines, of which {equal} come back as they are: each token the like")
    assert [row[0] for row in tables["rows"]] == lines
    assert tables["cells"] == [(a, plot.marked(b, a)) for a, b in zip(lines, back, strict=True)]
    (tmp_path / "x.txt").write_text("\n".join(lines))
    given = ["reconstruct", str(folder / "vae"), "--input", str(tmp_path / "x.txt")]
    assert main([*given, "--out", str(tmp_path / "back.txt")]) == 0
    assert lines_of(tmp_path / "back.txt") == back == model.decode(model.encode(lines)[0])
    assert main(given) == 0
    assert tables["title"].startswith("30 given lines")


def test_files_of_lines(folder, model, tmp_path, capsys):
    """Lines to codes and back; a score of each, with its perplexity."""
    run, x = str(folder / "vae"), ["--input", str(folder / "lines.txt")]
    lines = lines_of(folder / "lines.txt")
    for name in ("z.npy", "z.csv", "z.npz"):
        assert main(["encode", run, *x, "--out", str(tmp_path / name)]) == 0
    np.testing.assert_array_equal(np.load(tmp_path / "z.npy"), model.encode(lines)[0])
    for name in ("z.npy", "z.csv"):
        assert main(["decode", run, "--input", str(tmp_path / name), "--out", str(tmp_path / f"{name}.txt")]) == 0
    assert lines_of(tmp_path / "z.npy.txt") == lines_of(tmp_path / "z.csv.txt") == model.reconstruct(lines)
    capsys.readouterr()
    assert main(["score", run, *x, "--samples", "4", "--threshold", "0.1", "--out", str(tmp_path / "s.csv")]) == 0
    out = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in out[:7]] == ["nats", "elbo", "log_px", "log_px_z", "kl", "per", "perplexity"]
    assert out[5] == "per character"
    scores = pd.read_csv(tmp_path / "s.csv")
    expected = np.exp(-scores["log_px"] / [len(line) + 1 for line in lines])
    np.testing.assert_allclose(scores["perplexity"], expected, rtol=1e-5)
    assert "perplexity_quantile" in scores


def test_draws_of_python(model):
    z = np.zeros((5, 3))
    assert len(set(model.decode(z))) == 1
    drawn = model.decode(z, draw=True, temperature=2.0)
    assert len(set(drawn)) > 1
    assert drawn == model.decode(z, draw=True, temperature=2.0) != model.decode(z, draw=True, temperature=2.0, seed=1)


# ---- walks


def test_walks(folder, model, tables, tmp_path):
    """From line to line and from mean to mean, linear and spherical; the file has the same lines."""
    run, out = str(folder / "vae"), tmp_path / "a.txt"
    x = Run.open(folder / "vae").read_data().validation.x[:4]
    lines, mu = model.protocol.original(x), model.encode(model.protocol.original(x))[0]
    assert main(["interpolate", run, "--n", "2", "--steps", "4"]) == 0
    assert main(["interpolate", run, "--n", "2", "--steps", "4", "--out", str(out)]) == 0
    assert tables["heads"] == ("", "linear", "spherical")
    first, second = tables["rows"][:6], tables["rows"][7:]
    assert tables["rows"][6] == ()
    assert [row[0] for row in first] == ["x", "0.00", "0.33", "0.67", "1.00", "x"]
    written = "\n".join(lines_of(out)).split("\n\n")
    for i, rows in enumerate((first, second)):
        for k, kind in enumerate(("linear", "spherical")):
            walk = [row[1 + k] for row in rows]
            z = latents.interpolate(mu[2 * i : 2 * i + 1], mu[2 * i + 1 : 2 * i + 2], 4, kind)[0]
            assert walk == [lines[2 * i], *model.decode(z), lines[2 * i + 1]]
            assert written[2 * i + k].split("\n") == walk
    assert [color for ((_, color),) in (row[1] for row in tables["cells"][1:5])][0] == "black"


def test_a_walk_between_two_lines(folder, tables, capsys):
    assert main(["interpolate", str(folder / "vae"), "--between", "a=1", "b=(q)", "--steps", "3"]) == 0
    assert [row[1] for row in (tables["rows"][0], tables["rows"][-1])] == ["a=1", "b=(\N{REPLACEMENT CHARACTER})"]
    assert len(tables["rows"]) == 5
    assert "between: 1 tokens are not in the vocabulary of training" in capsys.readouterr().out


def test_what_each_latent_does(folder, model, tables):
    assert main(["traverse", str(folder / "vae"), "--n", "2", "--steps", "3"]) == 0
    assert [row[0] for row in tables["rows"]] == ["", "-3.0", "+0.0", "+3.0"]
    x = Run.open(folder / "vae").read_data().validation.x[:1]
    z = model.encode(model.protocol.original(x))[0].repeat(3, axis=0)
    z[:, int(tables["heads"][1][2])] = [-3, 0, 3]
    assert [row[1] for row in tables["rows"][1:]] == model.decode(z)
    assert tables["rows"][0][1].endswith(" nats")


# ---- what is refused


LACKING = "model: expected one with latents, LanguageModel has none"


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ("sample vae --temperature 0.5", "temperature: expected draw with it, without which each token is the likeli"),
        ("sample vae --top-k 0 --draw", "top_k: expected a whole number >= 1, got 0"),
        ("sample vae --temperature 0 --draw", "temperature: expected a finite number > 0, got 0"),
        ("sample vae --out a.npy", "out: expected a file name ending in .png or .txt, got a.npy"),
        ("decode vae --input z.npy --out a.csv", "out: the examples are text; expected a file name ending in .txt"),
        ("encode vae --input x.npy --out z.npy", "input: expected a file name ending in .txt, lines of text"),
        (f"interpolate vae --between {'x' * 99} y", "between: expected at most "),
        ("latent vae", "run: vae is of text, and latent draws images or rows; text has sample, reconstruct, inter"),
        ("uncertainty vae", "is of text, and uncertainty draws images or rows"),
        ("edit vae", "is of text, and edit draws images or rows"),
        *((f"{command} lm", LACKING) for command in ("reconstruct", "interpolate", "traverse")),
        ("encode lm --input lines.txt --out z.npy", LACKING),
        ("impute vae --input lines.txt --out a.csv", "run: impute needs a model that was trained on data with"),
    ],
)
def test_refusals(argv, message, folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    assert message in error_of(capsys, *argv.split())
    assert not (folder / "a.csv").exists()


def test_other_data_have_no_lines(tmp_path, capsys, no_pictures):
    np.save(tmp_path / "x.npy", np.eye(6))
    run = tmp_path / "a"
    assert main(["train", "--data", str(tmp_path / "x.npy"), "--hidden", "2", "--latent", "1", "--epochs", "1",
                 "--out", str(run)]) == 0  # fmt: skip
    assert "temperature: expected none, x.npy is no text" in error_of(capsys, "sample", run, "--temperature", 1)
    assert "between: expected none, x.npy is no text" in error_of(capsys, "interpolate", run, "--between", "a", "b")
    np.save(tmp_path / "z.npy", np.zeros((1, 1)))
    decode = ("decode", run, "--input", tmp_path / "z.npy", "--out", tmp_path / "a.txt")
    assert "out: the examples are no text; expected a file name ending in .npy or .csv" in error_of(capsys, *decode)


def test_tokens_of_lines():
    np.testing.assert_array_equal(tokens_of(np.array([[3, 4, 0, 0], [0, 0, 0, 0], [2, 2, 2, 0]])), [3, 1, 4])

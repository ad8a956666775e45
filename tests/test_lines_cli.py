"""What people do with models of lines of text on the command line."""

import io
import json

import numpy as np
import pandas as pd
import pytest
from test_cli import PNG, error_of

from minivae import load_run, plot
from minivae.backend import generator
from minivae.cli import main
from minivae.cli.families import lines as family
from minivae.cli.pictures import draw_run
from minivae.data import expressions
from minivae.evaluate import latents, log_evidence, tokens_of
from minivae.reports import read_result
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
    assert plot.marked("ac", "abbc") == [("a", "black"), ("_", plot.ORANGE), ("c", "black")]
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
    assert model.decode(z, draw=True, top_k=1) == model.decode(z)
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


# ---- one line


def test_neighbors(folder, model, tables, capsys):
    """Training lines by the distance of their means, each once, and decoded draws of q(z | x)."""
    seen = Run.open(folder / "vae").read_data().train.x
    lines = model.protocol.original(seen)
    assert main(["neighbors", str(folder / "vae"), "--line", lines[3], "--n", "4"]) == 0
    out = capsys.readouterr().out.splitlines()
    rows = tables["rows"]
    assert tables["heads"] == ("distance", "training line", "decoded draw of q(z | x)")
    assert rows[0][:2] == ("0.00", lines[3])
    distances = np.linalg.norm(model.encode(lines)[0] - model.encode([lines[3]])[0], axis=1)
    of_line = {line: distance for line, distance in zip(lines, distances, strict=True)}
    nearest = sorted(of_line.values())[:4]
    assert len({row[1] for row in rows}) == 4
    np.testing.assert_allclose([of_line[row[1]] for row in rows], nearest, atol=1e-6)
    assert [row[0] for row in rows] == [f"{distance:.2f}" for distance in nearest]
    assert [line.split()[:2] for line in out[1:5]] == [list(row[:2]) for row in rows]
    assert out[-1] == str(folder / "vae" / "neighbors.png")
    mu, std = model.encode([lines[3]])
    eps = generator(0, "sample").standard_normal((4, 3), dtype="float32")
    assert [row[2] for row in rows] == model.decode(mu + std * eps)
    assert main(["neighbors", str(folder / "vae"), "--line", lines[3], "--n", "4", "--seed", "1"]) == 0
    assert [row[:2] for row in tables["rows"]] == [row[:2] for row in rows]


def test_attention(folder, monkeypatch):
    """Each place of the decoder, the token before it in a row, and what it looks at; of a z that is mu."""
    shown = {}
    monkeypatch.setattr(plot, "draw_attention", lambda blocks, tokens, path, title: shown.update(
        blocks=blocks, tokens=tokens))  # fmt: skip
    assert main(["attention", str(folder / "heads"), "--line", "a=b"]) == 0
    assert shown["tokens"] == ["<start>", "a", "=", "b"]
    (weights,) = shown["blocks"]
    assert weights.shape == (2, 4, 4)
    np.testing.assert_allclose(weights.sum(axis=-1), 1, rtol=1e-5)
    assert (np.triu(weights, 1) == 0).all()
    first = shown["blocks"]
    assert main(["attention", str(folder / "heads"), "--line", "a=c"]) == 0
    np.testing.assert_allclose(shown["blocks"][0][:, 0, 0], 1)
    assert (shown["blocks"][0][:, 1:3] != first[0][:, 1:3]).any()  # tokens are the same there, z is not


# ---- measures


def test_measures_of_lines(folder, model, capsys, monkeypatch):
    monkeypatch.setattr(family, "LINES", 9)
    monkeypatch.setattr(family, "DRAWS", 5)
    monkeypatch.setattr(plot, "draw_evidence", lambda *args: None)
    run = Run.open(folder / "vae")
    x = run.read_data().validation.x
    argv = ["evaluate", str(folder / "vae"), "--split", "validation", "--samples", "5", "--measure", "lines"]
    assert main(argv) == 0
    out = capsys.readouterr().out
    report = json.loads((folder / "vae" / "evaluate-validation.json").read_text())
    tokens = tokens_of(x)
    assert report["perplexity"] == pytest.approx(np.exp(-report["elbo"] / tokens.mean()))
    evidence = report["evidence"]["5"]
    assert evidence["perplexity"] == pytest.approx(np.exp(-evidence["log_px"] / tokens.mean()))
    for found in (report, evidence):
        said = f"perplexity at most {found['perplexity']:.3f} +- {found['perplexity_standard_error']:.3f} per character"
        assert f"{said}, the end mark of a line among them\n" in out
    assert read_result(run, "validation", 5).perplexity == evidence["perplexity"]
    found = report["measures"]["lines"]
    lines = model.protocol.original(x)
    back = model.reconstruct(lines)
    assert found["reconstructions"]["exact"]["count"] == sum(a == b for a, b in zip(lines, back, strict=True))
    pairs = [zip(f"{line}.", f"{x_hat}.", strict=False) for line, x_hat in zip(lines, back, strict=True)]
    right = sum(a == b for pair in pairs for a, b in pair)
    assert found["reconstructions"]["tokens"] == pytest.approx(right / tokens.sum())
    assert (found["places"]["lines"], found["places"]["draws"]) == (9, 5)
    assert found["places"]["reached"][0] == 9
    assert found["places"]["of_line"] == pytest.approx(np.dot(found["places"]["kl"], found["places"]["reached"]) / 9)
    assert set(found["samples"]) == {"lines", "drawn", "likeliest", "validation"}
    assert found["samples"]["validation"]["different"]["count"] == len(set(lines))
    assert found["samples"]["validation"]["tokens"] == pytest.approx(tokens.mean())
    drawn = run.load_model()[0].sample(len(x), generator(0, "evaluate", 82), draw=generator(0, "evaluate", 83))
    assert found["samples"]["drawn"]["tokens"] == pytest.approx(tokens_of(drawn).mean())
    assert (folder / "vae" / "lines-validation.png").read_bytes().startswith(PNG)


def test_measures_of_a_language_model(folder, capsys):
    """Its perplexity is exact, and there is no z to say anything."""
    assert main(["evaluate", str(folder / "lm"), "--split", "validation", "--measure", "lines"]) == 0
    out = capsys.readouterr().out
    report = json.loads((folder / "lm" / "evaluate-validation.json").read_text())
    run = Run.open(folder / "lm")
    x = run.read_data().validation.x
    log_px = log_evidence(run.load_model()[0], x, 1, None)
    assert report["perplexity"] == pytest.approx(np.exp(-log_px.sum() / tokens_of(x).sum()))
    assert f"perplexity {report['perplexity']:.3f} +- " in out
    assert set(report["measures"]["lines"]) == {"samples"}
    assert set(report["measures"]["lines"]["samples"]) == {"lines", "drawn", "validation"}


def test_detection_of_lines(folder, tmp_path, monkeypatch):
    """Scores and, without a model, the number of tokens."""
    monkeypatch.setattr("minivae.cli.families.detection.SAMPLES", 2)
    monkeypatch.setattr("minivae.cli.families.detection.draw_detection", lambda *args: None)
    (tmp_path / "b.txt").write_text("a=b\na=c\nb=a\n" * 4)
    scores = {}
    for name in ("vae", "lm"):
        argv = ["evaluate", str(folder / name), "--split", "validation", "--measure", "detection"]
        assert main([*argv, "--against", str(tmp_path / "b.txt")]) == 0
        report = json.loads((folder / name / "evaluate-validation.json").read_text())
        scores[name] = report["measures"]["detection"]["scores"]
    tokens = tokens_of(Run.open(folder / "vae").read_data().validation.x)
    assert scores["vae"]["tokens"]["auroc"] == pytest.approx((tokens < 4).mean() + (tokens == 4).mean() / 2)
    assert set(scores["lm"]) == {"evidence", "typicality", "tokens"}


def test_the_ledger_of_lines(folder, no_pictures, monkeypatch, capsys):
    monkeypatch.setattr("minivae.cli.ledger.draw_ledger", lambda history, path: None)
    assert main(["ledger", str(folder / "vae")]) == 0
    assert "z[0]" in capsys.readouterr().out


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
        ("neighbors lm --line a=b", LACKING),
        ("neighbors vae --line a=b --n 0", "n: expected a whole number >= 1, got 0"),
        (f"neighbors vae --line {'x' * 99}", "line: expected at most "),
        ("attention vae --line a=b", "run: attention needs arch transformer, got gru"),
        (
            "evaluate lm --split validation --annealed 2",
            "annealed: nothing to estimate of the model lm",
        ),
        (
            "evaluate lm --split validation --measure latents",
            "measure: latents needs a Gaussian q(z | x), the model lm",
        ),
        ("evaluate vae", "split: lines.txt has no test split; expected --split validation"),
        ("ledger lm", "the ledger needs a KL of each latent"),
        ("evaluate vae --split validation --measure samples", "measure: samples needs images or rows, the run is of t"),
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
    for command in ("neighbors", "attention"):
        assert "run: expected one of text, x.npy is none" in error_of(capsys, command, run, "--line", "a")
    evaluate = ("evaluate", run, "--split", "train", "--measure", "lines")
    assert "measure: lines needs lines of text, x.npy is none" in error_of(capsys, *evaluate)
    np.save(tmp_path / "z.npy", np.zeros((1, 1)))
    decode = ("decode", run, "--input", tmp_path / "z.npy", "--out", tmp_path / "a.txt")
    assert "out: the examples are no text; expected a file name ending in .npy or .csv" in error_of(capsys, *decode)

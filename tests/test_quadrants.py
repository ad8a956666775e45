"""Images that are cut: what is given is y, the rest x, and both come together again."""

import json

import numpy as np
import pytest
from test_cli import error_of

from minivae.cli import main
from minivae.data import load_data
from minivae.data.protocol import Protocol
from minivae.data.quadrants import cut, given_mask, together
from minivae.evaluate import completions
from minivae.models.examples import small
from minivae.models.labels import Labels
from minivae.runs import Run
from minivae.trained import load_run


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def bits(n=30, shape=(6, 4)):
    return (np.random.default_rng(1).random((n, *shape)) < 0.5).astype("uint8")


def test_which_quadrants_are_given():
    picture = np.array([["a", "b"], ["c", "d"]]).repeat(3, axis=0).repeat(2, axis=1).reshape(1, 24)
    given = ["".join(dict.fromkeys(picture[:, given_mask((6, 4, 1), q)][0])) for q in (1, 2, 3)]
    assert given == ["c", "ac", "acd"]  # lower left; left half; all but the upper right
    assert [given_mask((5, 3, 2), q).sum() for q in (1, 2, 3)] == [6, 10, 22]  # odd sides: the larger half is below
    x, y = cut(picture, given_mask((6, 4, 1), 1))
    assert (set(x[0]), set(y[0])) == ({"a", "b", "d"}, {"c"})


@pytest.mark.parametrize("quadrants", [1, 2, 3])
def test_parts_come_together_again(quadrants, rng):
    rows = rng.random((2, 5, 24))
    mask = given_mask((6, 4, 1), quadrants)
    np.testing.assert_array_equal(together(*cut(rows, mask), mask), rows)
    x, y = rng.random((3, 5, 24 - mask.sum())), rng.random((5, mask.sum()))  # three samples of each
    np.testing.assert_array_equal(cut(together(x, y, mask), mask)[1], np.stack([y] * 3))


@pytest.mark.parametrize("binarize", [None, "once", "threshold"])
def test_data_are_cut_and_bits_are_the_same_in_both(binarize, tmp_path):
    x = bits() if binarize is None else np.random.default_rng(1).random((30, 6, 4)).astype("float32")
    np.savez(tmp_path / "x.npz", x=x[:24], y=np.arange(24) % 3, x_test=x[24:], y_test=np.arange(6))
    whole, parts = (load_data(tmp_path / "x.npz", binarize=binarize, validation=6, quadrants=q) for q in (None, 1))
    p = parts.protocol
    assert (parts.shape, p.shape, p.labels) == ((18,), (6, 4, 1), {"kind": "rows", "count": 6})
    for name in ("train", "validation"):
        np.testing.assert_array_equal(p.whole(*getattr(parts, name)), getattr(whole, name).x)
    np.testing.assert_array_equal(p.whole(*parts.test()), whole.test().x)
    assert set(np.unique(parts.train.y)) == {0, 1}
    assert p.first_difference(Protocol.from_json(json.loads(json.dumps(p.to_json())))) is None
    rows, y = p.parted(p.prepare(x[24:], "x", "bernoulli"))  # as the test split
    np.testing.assert_array_equal(rows, parts.test().x)
    np.testing.assert_array_equal(y, parts.test().y)


@pytest.mark.parametrize(
    ("x", "options", "message"),
    [
        (bits(), {"quadrants": 4}, "quadrants: expected a whole number <= 3, got 4"),
        (bits().reshape(30, 24), {"quadrants": 1}, "quadrants: expected images, got examples of 24"),
        (bits(shape=(1, 8)), {"quadrants": 1}, "quadrants: expected images, got examples of 1x8x1"),
        (bits() * 0.5, {"quadrants": 1, "binarize": "none"}, "quadrants: expected bits, got other values"),
        (bits() * 0.5, {"quadrants": 1}, "binarize each draws them anew"),
        (bits(), {"quadrants": 1, "augment": 1}, "augment shifts them anew"),
        (np.where(np.eye(24)[:, :, None].repeat(4, 2), np.nan, 1.0), {"quadrants": 2}, "quadrants: .*some are missing"),
    ],
)  # fmt: skip
def test_what_cannot_be_cut(x, options, message):
    with pytest.raises(ValueError, match=message):
        load_data(x, **options)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"quadrants": 4}, "quadrants: expected 1, 2 or 3, got 4"),
        ({"quadrants": 2}, "labels: expected"),
        ({"shape": [24]}, "quadrants: expected images"),
    ],
)
def test_a_record_that_does_not_fit(change, message):
    record = load_data(bits(), quadrants=1).protocol.to_json()
    with pytest.raises(ValueError, match=message):
        Protocol.from_json(record | change)


def test_a_completion_keeps_what_is_given(rng):
    model, x, y = small("cvae", rng, shape=(18,), labels=Labels("rows", 6), prior="learned")
    p = load_data(bits(), quadrants=1).protocol
    found = completions(model, p, x, y, 4, np.random.default_rng(1))
    assert found.shape == (5, 6, 24)
    made, given = p.parted(found)
    np.testing.assert_array_equal(given, np.stack([y] * 6, axis=1))
    assert (made[:, 0] == 0.5).all()
    np.testing.assert_array_equal(made[:, -1], x)
    assert made[:, 1:5].std(axis=1).min() > 0  # each has its own z
    of_y = model.sample(20, np.random.default_rng(1), y=np.repeat(y, 4, axis=0)).reshape(5, 4, 18)
    np.testing.assert_array_equal(made[:, 1:5], of_y)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cut")
    x = bits()
    np.savez(folder / "x.npz", x=x[:24], y=np.arange(24) % 3, x_test=x[24:], y_test=np.arange(6))
    np.save(folder / "new.npy", x[20:])
    for name, options in (("cvae", ["--prior", "learned"]), ("net", []), ("ivae", [])):
        latent = [] if name == "net" else ["--latent", "2"]
        assert main(["train", "--model", name, *options, *latent, "--data", str(folder / "x.npz"), "--quadrants", "1",
                     "--epochs", "2", "--hidden", "4", "--out", str(folder / name)]) == 0  # fmt: skip
    return folder


@pytest.mark.pictures
@pytest.mark.parametrize("name", ["cvae", "net", "ivae"])
def test_commands_draw_whole_images_or_say_why_not(name, folder, tmp_path, monkeypatch, capsys):
    shown = []
    monkeypatch.setattr("minivae.plot.walks", lambda bands, shape, *rest: shown.append((np.array(bands), shape, rest)))
    assert main(["sample", str(folder / name), "--out", str(tmp_path / "a.png"), "--n", "12"]) == 0
    bands, shape, (_, title, _, tops) = shown[0]
    S = 1 if name == "net" else 6
    x, y = Run.open(folder / name).read_data().validation
    whole = Run.open(folder / name).protocol.whole(x, y)[: 12 // 6]
    assert (shape, bands.shape, tops[0], tops[-1]) == ((6, 4, 1), (len(whole), S + 2, 24), "given", "truth")
    np.testing.assert_array_equal(bands[:, -1], whole)
    assert "y" in title
    for command in ("interpolate", "traverse", "latent", "edit", "uncertainty"):
        error = error_of(capsys, command, folder / name)
        assert f"is of images that are cut, which {command} does not draw" in error
    monkeypatch.setattr("minivae.plot.reconstructions", lambda x, x_hat, *rest: shown.append((x, x_hat)))
    assert main(["reconstruct", str(folder / name), "--out", str(tmp_path / "b.png")]) == 0
    np.testing.assert_array_equal(shown[1][0], Run.open(folder / name).protocol.whole(x, y))
    given = given_mask((6, 4, 1), 1)
    np.testing.assert_array_equal(shown[1][1][:, given], y)
    assert "expected none, completions are of pictured images" in error_of(capsys, "sample", folder / name, "--y", "1")
    for measure in ("samples", "disentanglement"):
        assert "measure: " in error_of(capsys, "evaluate", folder / name, "--measure", measure)


@pytest.mark.parametrize("name", ["cvae", "net"])
def test_later_images_are_cut_as_those_of_training(name, folder, tmp_path, capsys):
    run, new = str(folder / name), str(folder / "new.npy")
    x = np.load(new)
    trained = load_run(run)
    found = trained.reconstruct(x)
    assert found.shape == (10, 6, 4, 1)
    np.testing.assert_array_equal(found[:, 3:, :2, 0], x[:, 3:, :2])
    assert main(["score", run, "--input", new, "--out", str(tmp_path / "s.csv")]) == 0
    assert main(["sample", run, "--n", "20", "--out", str(tmp_path / "s.npy")]) == 0
    assert np.load(tmp_path / "s.npy").shape == (20, 6, 4, 1)
    assert main(["reconstruct", run, "--input", new, "--out", str(tmp_path / "r.npy")]) == 0
    np.testing.assert_array_equal(np.load(tmp_path / "r.npy"), found)
    with pytest.raises(ValueError, match="y: expected none, it is cut out of the images"):
        trained.score(x, y=np.zeros(10, "int64"))
    np.save(tmp_path / "small.npy", x[:, 1:])
    error = error_of(capsys, "encode", run, "--input", tmp_path / "small.npy", "--out", tmp_path / "z.npy")
    assert "expected examples of shape (6, 4, 1)" in error


@pytest.mark.parametrize("name", ["cvae", "ivae"])
def test_latents_are_decoded_into_whole_images(name, folder, tmp_path, capsys):
    """Also where the decoder is not told y, which is a part of the image."""
    z, y = np.random.default_rng(0).standard_normal((4, 2)), np.ones((4, 6), "float32")
    trained = load_run(str(folder / name))
    found = trained.decode(z, y)
    assert found.shape == (4, 6, 4, 1)
    assert (found[:, 3:, :2] == 1).all()
    with pytest.raises(ValueError, match="y: expected labels"):
        trained.decode(z)


def test_the_difference_of_two_models_is_paired(folder, capsys):
    """The exact log p(x | y) of a net beside the bound of a CVAE, of the same rows."""
    for name in ("net", "cvae"):
        assert main(["evaluate", str(folder / name), "--samples", "50"]) == 0
    out = capsys.readouterr().out
    assert "x.npz test, static bits, 1 of 4 quadrants given" in out
    assert "nats, " in out
    assert "exactly; " in out
    assert main(["compare", str(folder / "net"), str(folder / "cvae"), "--evidence", "50"]) == 0
    assert "paired over the rows" in capsys.readouterr().out
    error = error_of(capsys, "evaluate", folder / "net", "--annealed", "3")
    assert "annealed: nothing to estimate of the model net" in error


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model", "vae"], "quadrants: expected a model that is given them, as y, got vae"),
        (["--model", "cvae", "--arch", "conv"], "arch: expected dense for the rest of images that are cut, got conv"),
        (["--model", "net", "--data", "mine.csv"], "quadrants"),
    ],
)
def test_runs_that_cannot_be(options, message, folder, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.csv").write_text("a,b\n" + "1.5,2.5\n" * 20)
    error = error_of(capsys, "train", "--data", folder / "x.npz", *options, "--quadrants", "1", "--out", tmp_path / "a")
    assert message in error

"""Directions of latent space, what is read off images, and the command that edits them."""

import re

import numpy as np
import pytest
from test_cli import PNG, SMALL, error_of

from minivae.cli import main
from minivae.cli.attributes import Classes, Factors
from minivae.data import load_data, sprites
from minivae.data.rows import find_rows
from minivae.evaluate.directions import SURE, class_direction, to_class, to_label, value_direction
from minivae.models import CVAE, IVAE
from minivae.runs import Run

# ---- directions


def mixed(n=20_000, seed=0):
    """Codes z = s A, factors s (n, 4) independent: a bit, a number from 0 to 4, and two Gaussians."""
    rng = np.random.default_rng(seed)
    s = np.stack([rng.random(n) < 0.3, rng.integers(0, 5, n), *rng.standard_normal((2, n))], axis=1)
    return s, rng.standard_normal((4, 4))


def test_only_what_goes_along_d_changes_and_r_is_what_was_wanted():
    s, A = mixed()
    z = s @ A
    direction = value_direction(z, s[:, 1])
    moved = direction.move(z, 3.5)
    np.testing.assert_allclose(direction.read(moved), 3.5)
    d = direction.d / np.linalg.norm(direction.d)
    rest = (moved - z) - np.outer((moved - z) @ d, d)
    assert abs(rest).max() < 1e-9
    assert direction.move(z.astype("float32"), 1).dtype == "float32"


@pytest.mark.parametrize("column", [0, 1])
def test_a_move_changes_its_own_factor_alone(column):
    """z' A^-1 has the wanted value, and the others, which are independent of it, as they were: within 4 / sqrt(n)."""
    s, A = mixed()
    z = s @ A + 7
    if column:
        moved = value_direction(z, s[:, 1]).move(z, 3)
    else:
        direction = class_direction(z, s[:, 0] == 1)
        moved = to_class(direction, z)
        np.testing.assert_allclose(direction.read(moved), np.maximum(direction.read(z), np.log(SURE / (1 - SURE))))
    found = (moved - 7) @ np.linalg.inv(A)
    others = [k for k in range(4) if k != column]
    step = abs(found - s)[:, column].max()
    spread = s[:, column].std() / s[:, others].std(axis=0)
    assert (abs(found - s)[:, others].max(axis=0) < 4 / np.sqrt(len(s)) * step / spread / s[:, column].std() ** 1).all()
    if column:
        np.testing.assert_allclose(found[:, 1], 3, atol=1e-9)
    else:
        assert (found[s[:, 0] == 0, 0] > 0.5).all()


def test_what_has_the_class_already_stays():
    s, A = mixed()
    z = s @ A
    direction = class_direction(z, s[:, 0] == 1)
    far = z + 50 * direction.d
    np.testing.assert_array_equal(to_class(direction, far), far)


def test_units_of_latents_do_not_count():
    s, A = mixed()
    z, unit = s @ A, np.array([1e-3, 1, 50, 1e4])
    for make in (lambda z: class_direction(z, s[:, 0] == 1), lambda z: value_direction(z, s[:, 1])):
        found = make(z * unit).move(z * unit, 3.0) / unit
        np.testing.assert_allclose(found, make(z).move(z, 3.0), atol=0.1)  # a fit that ends a little earlier


def test_codes_that_tell_nothing():
    z = np.zeros((10, 2), "float32")
    for call in (lambda: class_direction(z, np.arange(10) > 4), lambda: value_direction(z, np.arange(10))):
        with pytest.raises(ValueError, match="z: expected codes that change with the attribute, these tell nothing"):
            call()
    with pytest.raises(ValueError, match="members: expected some of 10 examples, got none"):
        class_direction(z, np.zeros(10, bool))
    with pytest.raises(ValueError, match="values: expected two or more, all are 3"):
        value_direction(z, np.full(10, 3))


@pytest.mark.parametrize("cls", [CVAE, IVAE])
def test_another_label_keeps_the_place_in_the_prior(cls):
    """(z - mean) / std is the same in p(z | y) before and after; a prior without y moves nothing."""
    rng = np.random.default_rng(0)
    options = {"prior": "learned"} if cls is CVAE else {}
    model = cls.build((6,), rng, labels=("classes", 3), latent=2, hidden=(5,), **options)
    model.theta[...] = rng.standard_normal(model.theta.shape)
    z, y, other = rng.standard_normal((9, 2)).astype("float32"), np.arange(9) % 3, (np.arange(9) + 1) % 3
    moved = to_label(model, z, y, other)
    mean, log_var = model.prior_network(model.labels.columns(y, 9, model.theta))
    mean2, log_var2 = model.prior_network(model.labels.columns(other, 9, model.theta))
    np.testing.assert_allclose((moved - mean2) / np.exp(0.5 * log_var2), (z - mean) / np.exp(0.5 * log_var), rtol=1e-3)
    assert abs(moved - z).max() > 0.1
    np.testing.assert_allclose(to_label(model, moved, other, y), z, rtol=1e-3, atol=1e-4)
    plain = CVAE.build((6,), rng, labels=("classes", 3), latent=2, hidden=(5,))
    np.testing.assert_array_equal(to_label(plain, z, y, other), z)


# ---- what is read off images


GRID = {"side": 32, "shape": [0, 2], "scale": [0, 3, 5], "orientation": [0], "x": [0, 15, 31], "y": [0, 8, 15, 23, 31]}
CONFIG = "sprites = {" + ", ".join(f"{name} = {value}" for name, value in GRID.items()) + "}\n"


def trained(tmp_path, *options, config=""):
    (tmp_path / "c.toml").write_text(config)
    assert main(["train", *SMALL, "--config", str(tmp_path / "c.toml"), "--out", str(tmp_path / "a"), *options]) == 0
    return tmp_path / "a"


@pytest.fixture(autouse=True)
def quick(no_pictures, monkeypatch):
    monkeypatch.setattr("minivae.cli.attributes.STEPS", 20)


def test_factors_are_those_of_the_nearest_image(tmp_path):
    reader = Factors(Run.open(trained(tmp_path, "--data", "sprites", config=CONFIG)))
    images, factors = sprites(**GRID)
    x = images.reshape(len(images), -1).astype("float32")
    assert reader.names == ("shape", "scale", "x", "y")
    np.testing.assert_array_equal(reader.known(x, None), factors)
    noise = np.random.default_rng(0).random(x.shape, dtype="float32")
    np.testing.assert_array_equal(reader.read(0.8 * x + 0.1 * noise), factors)
    assert (reader.read(0 * x) == -1).all()  # nothing is there, which is no small sprite
    assert (reader.read(np.full_like(x, 0.5)) == -1).all()
    assert reader.said("shape", 2) == "heart"


def test_how_far_factors_are_apart(tmp_path):
    """Steps; of shapes 1; orientations up to the turn of a square (39 / 4 steps), an ellipse (39 / 2), a heart (39)."""
    far = Factors.far
    a = np.array([[0, 1, 0, 5, 7], [1, 1, 2, 5, 7], [2, 1, 0, 5, 7], [2, 1, 0, 5, 7]])
    b = np.array([[0, 4, 10, 5, 0], [1, 1, 22, 9, 7], [2, 1, 20, 5, 7], [0, 1, 20, 5, 7]])
    expected = [[0, 3, 0.25, 0, 7], [0, 0, 0.5, 4, 0], [0, 0, 19, 0, 0], [1, 0, 0.5, 0, 0]]
    np.testing.assert_allclose(far(None, a, b), expected)
    np.testing.assert_allclose(far(None, b, a), expected)


def test_rows_are_found_where_they_are_first():
    x = np.random.default_rng(0).random((6, 3), dtype="float32")
    parts = [x[[2, 2, 0]], x[[5, 0]]]
    np.testing.assert_array_equal(find_rows(x[[0, 5, 2]], parts), [2, 3, 0])
    with pytest.raises(KeyError):
        find_rows(x[:2], parts)


def test_classes_are_told_and_keep_their_numbers(monkeypatch):
    monkeypatch.setattr("minivae.cli.attributes.STEPS", 300)
    data = load_data("digits", binarize="threshold")
    some = np.isin(data.train.y, [3, 8, 9])
    reader = Classes(data.train.x[some], data.train.y[some], data.shape)
    held = np.isin(data.validation.y, [3, 8, 9])
    known = reader.known(data.validation.x[held], data.validation.y[held])
    assert (reader.read(data.validation.x[held]) == known).mean() > 0.8
    assert reader.values("class").tolist() == [3, 8, 9]


# ---- the command


def figures(text, row):
    """The numbers of a line of the table."""
    line = next(line for line in text.splitlines() if line.startswith(row))
    return [float(number) for number in re.findall(r"\d+\.\d+", line)]


@pytest.mark.parametrize("model", ["vae", "cvae"])
@pytest.mark.parametrize("attribute", ["shape", "scale", "x", "y"])
@pytest.mark.parametrize("to", [[], ["--to"]])
def test_codes_that_are_the_factors(model, attribute, to, tmp_path, monkeypatch, capsys):
    """A model whose codes are factors, and that draws them: each edit is right, and nothing else changes."""
    run = trained(tmp_path, "--data", "sprites", "--model", model, "--latent", "5", config=CONFIG)
    images, factors = sprites(**GRID)
    x = images.reshape(len(images), -1).astype("float32")
    unit = np.array([1, 1.5, 1, 15, 15])
    monkeypatch.setattr("minivae.cli.editing.codes", lambda path, model, rows, y: (factors[find_rows(rows, [x])] / unit
                                                                                  ).astype("float32"))  # fmt: skip

    def draw(self, z, y=None):
        z = np.array(z)
        if y is not None:
            z[:, 0] = y  # which is all that it knows of the shape
        return x[abs(z[:, None] - factors / unit).sum(axis=-1).argmin(axis=1)]

    monkeypatch.setattr(f"minivae.models.{model}.{model.upper()}.decode", draw, raising=False)
    capsys.readouterr()
    given = [*to, {"shape": "heart", "scale": "5", "x": "31", "y": "0"}[attribute]] if to else []
    assert main(["edit", str(run), "--attribute", attribute, *given]) == 0
    out = capsys.readouterr().out
    assert figures(out, "edited")[0] == 1
    assert figures(out, "reconstructed")[0] == 1
    for row in ("edited", "reconstructed"):
        assert figures(out, row)[2:] == [0] * (4 if attribute == "shape" else 5)
    assert ("giving another y" in out) == (model == "cvae" and attribute == "shape")
    assert (run / "edits.png").read_bytes().startswith(PNG)


def test_an_edit_that_is_a_step_off(tmp_path, monkeypatch, capsys):
    """What is drawn has the wanted scale, one less: no edit is right, and all else is."""
    run = trained(tmp_path, "--data", "sprites", config=CONFIG.replace("[0, 3, 5]", "[2, 3, 4]"))
    images, _ = sprites(**GRID | {"scale": [3]})
    monkeypatch.setattr("minivae.models.VAE.decode", lambda self, z, y=None: np.resize(
        images[0].astype("float32"), (*z.shape[:-1], 1024)))  # fmt: skip
    capsys.readouterr()
    assert main(["edit", str(run), "--attribute", "scale", "--to", "4"]) == 0
    assert figures(capsys.readouterr().out, "edited")[:4] == [0, 0, 1, 0]


def test_orientations_that_look_alike_are_no_edit(tmp_path, capsys):
    """Of a square turned by a quarter and as it is: there is nothing to change. Hearts alone are edited."""
    grid = "sprites = {side = 32, shape = [SHAPES], scale = [5], orientation = [0, 10], x = [0, 15, 31]}\n"
    run = trained(tmp_path, "--data", "sprites", config=grid.replace("SHAPES", "0, 2"))
    hearts = (Run.open(run).read_data().validation.y == 2).sum()
    capsys.readouterr()
    assert main(["edit", str(run), "--attribute", "orientation", "--n", "1"]) == 0
    assert f"orientation: {hearts} held-out examples" in capsys.readouterr().out
    (tmp_path / "b").mkdir()
    run = trained(tmp_path / "b", "--data", "sprites", config=grid.replace("SHAPES", "0"))
    assert main(["edit", str(run), "--attribute", "orientation"]) == 2
    assert "another value than all held-out examples have, got none for those of the run" in capsys.readouterr().err


def test_an_edit_that_does_nothing_reaches_nothing(tmp_path, monkeypatch, capsys):
    run = trained(tmp_path, "--data", "sprites", config=CONFIG)
    monkeypatch.setattr("minivae.models.VAE.decode", lambda self, z, y=None: np.zeros((*z.shape[:-1], 1024), "float32"))
    capsys.readouterr()
    assert main(["edit", str(run), "--attribute", "scale"]) == 0
    out = capsys.readouterr().out
    assert [line.split() for line in out.splitlines()[2:4]] == [
        [*name, "0.000", "+-", "0.000", "-", "1.000", "-", "-", "-"] for name in (["edited"], ["reconstructed"])
    ]


def test_classes_of_digits(tmp_path, monkeypatch, capsys):
    """Rows and columns of the picture: x, x_hat, then each class; or steps to the one that is wanted."""
    shown = {}
    monkeypatch.setattr("minivae.plot.walks", lambda bands, shape, path, title, labels, tops: shown.update(
        bands=bands, labels=labels, tops=tops, title=title))  # fmt: skip
    run = trained(tmp_path)
    model, validation = Run.open(run).load_model()[0], Run.open(run).read_data().validation
    capsys.readouterr()
    assert main(["edit", str(run), "--n", "3"]) == 0
    out = capsys.readouterr().out
    assert "class: 250 held-out examples, each to another value, drawn at random, by a direction of mu" in out
    assert len(figures(out, "another example")) == 3
    assert (np.shape(shown["bands"]), shown["tops"]) == ((3, 12, 64), ["x", "x_hat", *map(str, range(10))])
    np.testing.assert_array_equal([band[0] for band in shown["bands"]], validation.x[:3])
    x_hat = model.reconstruct(validation.x[:3])
    np.testing.assert_allclose([band[1] for band in shown["bands"]], x_hat, rtol=1e-4)
    assert shown["labels"] == [str(c) for c in validation.y[:3]]
    assert main(["edit", str(run), "--to", "3", "--steps", "4", "--n", "2"]) == 0
    others = validation.y != 3
    assert f"class: {others.sum()} held-out examples, each to 3, by" in capsys.readouterr().out
    assert (np.shape(shown["bands"]), shown["tops"]) == ((2, 6, 64), ["x", "x_hat", "", "", "", "3"])
    assert shown["labels"] == [str(c) for c in validation.y[others][:2]]
    steps = np.diff(np.array(shown["bands"])[:, 1:], axis=1)
    assert (abs(steps).max(axis=2) > 0).all()
    last = [band[-1] for band in shown["bands"]]
    assert main(["edit", str(run), "--to", "3", "--steps", "1", "--n", "2"]) == 0
    np.testing.assert_allclose([band[-1] for band in shown["bands"]], last, rtol=1e-4)


def test_another_class_of_a_conditional_model(tmp_path, monkeypatch):
    shown = {}
    monkeypatch.setattr("minivae.plot.walks", lambda bands, *rest: shown.update(bands=bands, tops=rest[-1]))
    run = trained(tmp_path, "--model", "cvae")
    model, (x, y) = Run.open(run).load_model()[0], Run.open(run).read_data().validation
    assert main(["edit", str(run), "--to", "3", "--n", "2"]) == 0
    x, y = x[y != 3][:2], y[y != 3][:2]
    assert shown["tops"] == ["x", "x_hat", "3"]
    z = model.encode(x, y)[0]
    np.testing.assert_allclose([band[1] for band in shown["bands"]], model.decode(z, y), rtol=1e-4)
    np.testing.assert_allclose([band[2] for band in shown["bands"]], model.decode(z, np.array([3, 3])), rtol=1e-4)


def test_who_judges_knows_labels_that_the_model_does_not(tmp_path, monkeypatch, capsys):
    judges = []
    monkeypatch.setattr("minivae.cli.editing.Classes", lambda *given: judges.append(given) or Classes(*given))
    run = trained(tmp_path, "--model", "m2", "--labelled", "100")
    assert main(["edit", str(run), "--n", "1"]) == 0
    assert len(judges[0][1]) == 1250
    np.testing.assert_array_equal(np.unique(judges[0][1]), np.arange(10))
    assert "by giving another y" in capsys.readouterr().out


def test_the_seed_chooses_what_is_wanted(tmp_path, capsys):
    run = trained(tmp_path)
    said = []
    for seed in ("0", "0", "1"):
        capsys.readouterr()
        assert main(["edit", str(run), "--seed", seed]) == 0
        said.append(capsys.readouterr().out)
    assert said[0] == said[1] != said[2]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--to", "13"], "to: expected one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, got 13"),
        (["--attribute", "scale"], "attribute: expected one of class, got scale"),
        (["--n", "0"], "n: expected a whole number >= 1, got 0"),
        (["--steps", "0"], "steps: expected a whole number >= 1, got 0"),
        (["--out", "a.npy"], "ending in .png"),
    ],
)
def test_bad_values(options, message, tmp_path, capsys):
    run = trained(tmp_path)
    assert message in error_of(capsys, "edit", run, *options)
    assert not (run / "edits.png").exists()


@pytest.mark.parametrize(
    ("arrays", "options", "message"),
    [
        ({}, [], "run: edit needs data with classes, x.npz has none"),
        ({"y": np.random.default_rng(0).random((30, 2))}, [], "run: edit needs data with classes"),
        ({"y": np.arange(30) - 5}, [], "run: edit needs data with classes"),
        ({"y": np.arange(30) % 3}, ["--validation", "0"], "run: edit needs held-out examples"),
        ({"y": np.zeros(30, int)}, [], "run: edit needs two classes or more, x.npz has one"),
    ],
)
def test_what_it_refuses(arrays, options, message, tmp_path, capsys):
    np.savez(tmp_path / "x.npz", x=np.random.default_rng(0).random((30, 4, 4)), **arrays)
    run = trained(tmp_path, "--data", str(tmp_path / "x.npz"), *options)
    assert message in error_of(capsys, "edit", run)


def test_gaps_are_refused_and_rows_are_served(tmp_path, capsys):
    x = np.random.default_rng(0).random((60, 5))
    y = (x[:, 0] > 0.5).astype(int)
    np.savez(tmp_path / "x.npz", x=x, y=y)
    run = trained(tmp_path, "--data", str(tmp_path / "x.npz"), "--likelihood", "gaussian")
    assert main(["edit", str(run)]) == 0
    assert (run / "edits.png").read_bytes().startswith(PNG)
    x[3, 2] = np.nan
    (tmp_path / "b").mkdir()
    np.savez(tmp_path / "b" / "x.npz", x=x, y=y)
    run = trained(tmp_path / "b", "--data", str(tmp_path / "b" / "x.npz"), "--likelihood", "gaussian")
    assert "run: edit needs data without missing values" in error_of(capsys, "edit", run)

"""figures.families: equal parameters, trainings by the second, measures of known samples, verdicts, open rows."""

import json

import numpy as np
import pytest

from figures import families, families_measures, families_runs, families_scenes, families_train
from figures.families_measures import halves_probe, jump, shown
from figures.families_runs import DATA, FAMILIES, MAIN, RUNS, TRAINED, WIDTHS, WITHIN, fitted, options_of, parameters_of
from figures.families_scenes import quality, real_rows, scene
from figures.families_tables import coverage_table, likelihood_table, quality_of_images, stability_table, words_table
from figures.families_train import read, save, trained
from figures.families_verdicts import OF, WORDS, Word, failures, holds, told, verdict
from minivae.data import mode_centers
from minivae.files import dump
from minivae.runs.settings import complete, read_options

KNOWN = [family for family in TRAINED if family in families_runs.MODELS]


@pytest.mark.parametrize("name", MAIN)
def test_runs_have_options(name):
    complete(read_options(RUNS[name]["options"]))


def test_every_run_is_another():
    assert len({json.dumps(run) for run in RUNS.values()}) == len(RUNS)
    assert list(RUNS)[: len(MAIN)] == MAIN
    rates = [RUNS[f"digits-gan-{name}0"]["options"]["lr"] for name in ("", "slow-", "fast-")]
    lr = options_of("gan", "digits")["lr"]
    assert rates == pytest.approx([lr, lr / 3, 3 * lr])


@pytest.mark.parametrize("family", KNOWN)
@pytest.mark.parametrize("data", ["ring", "digits", "mnist"])
def test_parameters_are_equal(family, data):
    got = parameters_of(options_of(family, data), DATA[data].shape)
    assert abs(got / DATA[data].parameters - 1) <= WITHIN


def test_equal_sizes_have_equal_widths():
    for family in TRAINED:
        assert WIDTHS[family]["ring"] == WIDTHS[family]["grid"]
        assert WIDTHS[family]["mnist"] == WIDTHS[family]["fashion"]


def test_the_width_that_fits():
    assert fitted("vae", "ring") == WIDTHS["vae"]["ring"]


# ---- Trainings

TINY = {"model": "vae", "data": "modes", "modes": {"rows": 120}, "latent": 1, "hidden": [2], "batch_size": 10}


def test_a_training_lasts_as_long_as_it_should():
    kept, said = trained(TINY, 0.06, [0.5, 1.0])
    assert said["failed"] is None
    assert said["marks"] == [0.5, 1.0]
    assert (kept["seconds"] >= [0.03, 0.06]).all()
    assert kept["seconds"][1] < 0.5
    assert kept["steps"][1] > kept["steps"][0] > 0
    assert kept["theta"].shape == (2, said["parameters"])
    assert (kept["theta"][0] != kept["theta"][1]).any()


def test_the_average_is_what_is_kept():
    kept, _ = trained(TINY | {"ema": 0.999}, 0.03, [1.0])
    again, _ = trained(TINY, 0.03, [1.0])
    assert (kept["theta"] != again["theta"]).any()


def test_a_training_that_fails_says_so():
    kept, said = trained(TINY | {"optimizer": "sgd", "lr": 1e30}, 5, [0.5, 1.0])
    assert said["failed"] == "a gradient is not finite"
    assert said["marks"] == []
    assert len(kept["theta"]) == 0


def test_a_run_of_other_options_is_refused(tmp_path, monkeypatch):
    monkeypatch.setitem(RUNS, "ring-vae-0", {"options": TINY, "seconds": 0.01, "marks": [1.0]})
    save(tmp_path, "ring-vae-0")
    arrays, said = read(tmp_path, "ring-vae-0")
    assert len(arrays["theta"]) == 1
    assert families_train.is_trained(tmp_path, "ring-vae-0")
    model, data = families_train.model_of(TINY, arrays, 0)
    np.testing.assert_array_equal(model.theta, arrays["theta"][0])
    monkeypatch.setitem(RUNS, "ring-vae-0", {"options": TINY | {"lr": 0.1}, "seconds": 0.01, "marks": [1.0]})
    assert not families_train.is_trained(tmp_path, "ring-vae-0")
    with pytest.raises(ValueError, match=r"ring-vae-0.json is of other options"):
        read(tmp_path, "ring-vae-0")


# ---- Measures


def test_points_as_they_are_made():
    of = scene("ring")
    found = real_rows(of)
    assert found["found"] == found["modes"] == 8
    assert found["near"] == pytest.approx(1 - np.exp(-4.5), abs=0.01)
    assert found["width"] == pytest.approx(1, abs=0.05)
    assert found["unlike"] < 0.03


def test_points_of_one_mode_and_of_none():
    of, rng = scene("ring"), np.random.default_rng(0)
    one = (mode_centers(kind="ring")[3] + 0.2 * rng.standard_normal((1000, 2))).astype("float32")
    found = quality(of, one)
    assert found["found"] == 1
    assert found["near"] == pytest.approx(1 - np.exp(-9 / 8), abs=0.05)
    assert found["width"] > 1.3
    none = quality(of, rng.standard_normal((1000, 2)).astype("float32") / 10)
    assert none["found"] == 0
    assert none["near"] == 0
    assert none["width"] is None
    assert none["unlike"] == 1


def test_walks():
    even = np.arange(16.0)[None, :, None] * np.ones(3)
    assert jump(even) == pytest.approx(1 / 15)
    assert jump((even > 7).astype(float)) == 1
    assert jump(0 * even) is None


def test_a_probe_of_what_is_and_of_what_is_not_told():
    z = np.random.default_rng(0).standard_normal((400, 2))
    assert halves_probe(z, z[:, 0] > 0)[0] > 0.95
    assert halves_probe(z, np.random.default_rng(1).random(400) > 0.5)[0] == pytest.approx(0.5, abs=0.1)
    assert halves_probe(z, np.zeros(400)) is None


def test_spread_levels_come_back():
    class Of:
        class protocol:
            levels = 17

    x = ((np.arange(17) + 0.99) / 17).astype("float32")
    np.testing.assert_allclose(shown(x, Of, "digits"), np.arange(17) / 16, rtol=1e-6)
    assert shown(np.array([-0.1, 1.2]), Of, "digits").tolist() == [0, 1]
    assert shown(np.array([-0.1, 1.2]), Of, "ring").tolist() == [-0.1, 1.2]


def test_all_is_measured_of_a_run(tmp_path, monkeypatch):
    options = TINY | {"modes": DATA["ring"].options["modes"]}
    monkeypatch.setitem(RUNS, "ring-vae-0", {"options": options, "seconds": 0.02, "marks": [0.5, 1.0]})
    monkeypatch.setitem(families_scenes.ROWS, "points", 60)
    monkeypatch.setattr(families_measures, "scene", scene.__wrapped__)  # one is kept of other tests, with more rows
    for name, value in {"K": {"points": 3}, "ROWS": 20, "WALKS": 5, "TIMED": 10, "LEAST": 0.01}.items():
        monkeypatch.setattr(families_measures, name, value)
    save(tmp_path, "ring-vae-0")
    row = json.loads(dump(families_measures.measured(tmp_path, "ring-vae-0")))
    assert [of["rows"] for of in row["likelihood"]] == [20, 20]
    assert row["likelihood"][1]["kind"] == "bound"
    assert row["likelihood"][1]["beside"][0] < 0
    assert row["cost"]["step"] > 0
    assert 0 <= row["structure"]["unlike"] <= 1
    assert row["steps"][1] > row["steps"][0]


# ---- Verdicts

SHARES = [0.1] * 10
IMAGES = {"frechet_distance": 4.0, "precision": 0.7, "recall": 0.5, "coverage": 0.6, "sharpness": 0.5, "unlike": 0.1,
          "found": 10, "modes": 10, "shares": SHARES}  # fmt: skip
POINTS = {"frechet_distance": 0.1, "precision": 0.7, "recall": 0.5, "coverage": 0.6, "near": 0.7, "width": 1.5,
          "unlike": 0.1, "found": 7, "modes": 8, "shares": SHARES}  # fmt: skip
STRUCTURE = {"probe": [0.9, 0.01], "pixels": [0.92, 0.01], "prior_probe": [0.5, 0.01], "jump": 0.1, "unlike": 0.05,
             "unlike_between": 0.1}  # fmt: skip


def row_of(name, quality=None, **more):
    data = name.split("-")[0]
    quality = (POINTS if DATA[data].kind == "points" else IMAGES) | (quality or {})
    return {"run": json.loads(dump(RUNS[name])), "parameters": 1000, "failed": None, "marks": [1.0], "seconds": [10.0],
            "steps": [1234], "quality": [quality], "likelihood": [{"kind": "none"}], "structure": STRUCTURE,
            "cost": {"step": 2.0, "sample": 0.1, "memory": 3.5}} | more  # fmt: skip


@pytest.fixture
def found():
    rows = {name: row_of(name) for name in RUNS if name.startswith(("digits", "ring"))}
    rows["digits-ppca-0"] = row_of("digits-ppca-0", {"frechet_distance": 64.0})
    real = {"digits": IMAGES | {"frechet_distance": 1.0, "coverage": 0.9}, "ring": POINTS | {"near": 0.99}}
    return {"rows": rows, "real": real}


def test_words():
    assert holds(Word(("moderate", "high")), ("high", "blurry"))
    assert not holds(Word(("moderate", "high")), ("very high", None))
    assert holds(Word(("high",), "sharp"), ("high", "sharp"))
    assert not holds(Word(("high",), "sharp"), ("high", "blurry"))
    assert str(WORDS["ae"]["coverage"]) == "none, not generative"
    assert str(WORDS["vae"]["quality"]) == "moderate, blurry"


@pytest.mark.parametrize(
    ("distance", "word"), [(1.9, "very high"), (3.9, "high"), (4.1, "moderate"), (15.9, "moderate"), (16.1, "low")]
)
def test_quality_of_images_is_a_place_between_real_rows_and_the_baseline(found, distance, word):
    found["rows"]["digits-vae-0"] = row_of("digits-vae-0", {"frechet_distance": distance})
    assert OF["quality"](found, "digits", "vae") == (word, "blurry")
    assert verdict(found, "quality", "digits", "vae") == (f"{word}, blurry", word == "moderate")


@pytest.mark.parametrize(("near", "word"), [(0.97, "very high"), (0.9, "high"), (0.88, "moderate"), (0.58, "low")])
def test_quality_of_points(found, near, word):
    found["rows"]["ring-gan-0"] = row_of("ring-gan-0", {"near": near, "width": 1.0})
    assert OF["quality"](found, "ring", "gan") == (word, "sharp")


def test_stability(found):
    assert OF["stability"](found, "digits", "gan") == ("high", None)
    found["rows"]["digits-gan-3"] = row_of("digits-gan-3", {"frechet_distance": 7.0})
    assert OF["stability"](found, "digits", "gan") == ("moderate", None)
    found["rows"]["digits-gan-3"] = row_of("digits-gan-3", {"frechet_distance": 11.9})
    found["rows"]["digits-gan-2"] = row_of("digits-gan-2", {"frechet_distance": 3.0})
    assert OF["stability"](found, "digits", "gan") == ("low", None)  # far apart
    found["rows"]["digits-gan-2"] = row_of("digits-gan-2")
    found["rows"]["digits-gan-3"] = row_of("digits-gan-3", {"frechet_distance": 12.1})
    assert OF["stability"](found, "digits", "gan") == ("moderate", None)  # one of seven fails
    found["rows"]["digits-gan-fast-0"] = row_of("digits-gan-fast-0", failed="nan", marks=[], quality=[])
    assert OF["stability"](found, "digits", "gan") == ("low", None)
    del found["rows"]["digits-gan-fast-0"]
    assert OF["stability"](found, "digits", "gan") is None
    assert "| 1 of 6, 1 open |" in stability_table(found)


def test_points_fail_without_half_of_the_modes(found):
    for more, failed in (({"found": 4}, False), ({"found": 3}, True), ({"frechet_distance": 99.0}, False)):
        assert failures("ring", {"a": row_of("ring-gan-0", more), "b": row_of("ring-gan-1")}) == {
            "a": failed,
            "b": False,
        }


def test_likelihood(found):
    for kind, word in (("exact", "exact"), ("bound", "approximate"), ("none", "none")):
        found["rows"]["digits-vae-0"] = row_of("digits-vae-0", likelihood=[{"kind": kind, "nats": [-9, 0.1]}])
        assert OF["likelihood"](found, "digits", "vae") == (word, None)
    for beside, word in (([0.3, 0.1], "exact"), ([0.5, 0.1], "too high")):
        own = {"kind": "exact", "nats": [-1.0, 0.1], "beside": beside}
        found["rows"]["ring-nvp-0"] = row_of("ring-nvp-0", likelihood=[own])
        assert OF["likelihood"](found, "ring", "nvp") == (word, None)
    assert "| -1.00 +- 0.10 | 0.500 +- 0.100 |" in likelihood_table(found)


@pytest.mark.parametrize(
    ("more", "word"),
    [({}, "high"), ({"unlike": 0.11}, "moderate"), ({"unlike": 0.41}, "low"), ({"jump": 0.21}, "moderate"),
     ({"jump": None}, "low"), ({"probe": None}, "high"), ({"probe": [0.86, 0.01]}, "moderate")],
)  # fmt: skip
def test_structure(found, more, word):
    found["rows"]["digits-vae-0"] = row_of("digits-vae-0", structure=STRUCTURE | more)
    assert OF["structure"](found, "digits", "vae") == (word, None)
    assert verdict(found, "structure", "ring", "vae") == (None, None)


def test_efficiency(found):
    cost = {"step": 2.0, "sample": 0.1, "memory": 3.5}
    for sample, word in ((0.3, "high"), (2.9, "moderate"), (3.1, "low")):
        found["rows"]["digits-ddpm-0"] = row_of("digits-ddpm-0", cost=cost | {"sample": sample})
        assert OF["efficiency"](found, "digits", "ddpm") == (word, None)
    del found["rows"]["digits-nvp-0"]
    assert OF["efficiency"](found, "digits", "ddpm") is None


def test_coverage(found, monkeypatch):
    for share, word in ((0.64, "high"), (0.62, "moderate"), (0.3, "low")):
        found["rows"]["digits-gan-0"] = row_of("digits-gan-0", {"coverage": share})
        assert OF["coverage"](found, "digits", "gan") == (word, None)
    for modes, word in ((8, "high"), (7, "moderate"), (6, "moderate"), (5, "low")):
        found["rows"]["ring-gan-0"] = row_of("ring-gan-0", {"found": modes})
        assert OF["coverage"](found, "ring", "gan") == (word, None)
    found["real"]["fashion"] = found["real"]["digits"]
    for rare, word in ((0.006, "high"), (0.004, "moderate")):
        found["rows"]["fashion-gan-0"] = row_of("fashion-gan-0", {"coverage": 0.8, "rare": rare})
        assert OF["coverage"](found, "fashion", "gan") == (word, None)
    assert "| 0.4 % | low | moderate: **not** |" in coverage_table(found)


def test_words_count_the_sets_of_data(found):
    assert told(found, "structure", "vae") == (1, 1)
    assert "| VAE | high: 2 of 2 | moderate, blurry: 2 of 2 |" in words_table(found)
    assert "moderate: open" in words_table({"rows": {}, "real": {}})
    assert "| open" in quality_of_images({"rows": {}, "real": {}})


# ---- The page


def test_the_page_with_open_rows(tmp_path, monkeypatch):
    rows = {"digits-vae-0": row_of("digits-vae-0"), "ring-vae-0": row_of("ring-vae-0", run={"options": {}})}
    (tmp_path / "families.json").write_text(dump({"rows": rows, "real": {}}).decode())
    families.write(tmp_path, tmp_path / "none", list(RUNS), 0)
    page = (tmp_path / "families.md").read_text()
    for title, *_ in families.PARTS.values():
        assert f"## {title}\n" in page
    assert "open: `python -m figures.families --only ring-vae-0`" in page  # it was of other options
    assert "--only digits-vae-0`" not in page
    assert "](families_quality.png)" in page
    for family in FAMILIES:
        assert f"| {FAMILIES[family].what} |" in page


def test_nothing_to_show(tmp_path):
    with pytest.raises(ValueError, match="^budget: no run is finished yet"):
        families.write(tmp_path, tmp_path / "none", list(RUNS), 0)


def test_lesson_24_says_of_the_page_what_stands_there():
    """Its paragraph about the ring: steps, the order of the families, the modes of the GAN."""
    rows = json.loads((families.HERE / "families.json").read_text())["rows"]
    ring = {name: rows[f"ring-{name}-0"] for name in TRAINED}
    own = {name: row["marks"].index(1.0) for name, row in ring.items()}
    steps = [row["steps"][own[name]] for name, row in ring.items()]
    assert (round(min(steps), -3), round(max(steps), -3)) == (4000, 11000)
    near = {name: row["quality"][own[name]]["near"] for name, row in ring.items()}
    assert sorted(near, key=near.get, reverse=True) == ["ddpm", "gan", "nvp", "vae", "ae"]
    assert near["vae"] > 0.45
    assert near["nvp"] > 0.65
    found = [of["found"] for of in ring["gan"]["quality"]]
    assert (found[own["gan"]], found[ring["gan"]["marks"].index(4.0)]) == (8, 5)

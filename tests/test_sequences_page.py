"""figures/sequences.py: its runs, what is measured on small models, the floor, and the page with open rows."""

import json

import numpy as np
import pytest

from figures import sequences, sequences_measures
from figures.sequences import EVERY, floor_checked, write
from figures.sequences_measures import (
    Case,
    accuracies,
    climbs,
    grouped,
    neighbors,
    of_expressions,
    of_names,
    some,
    walks,
)
from figures.sequences_runs import RUNS
from figures.sequences_tables import WHAT, molecules_part, words_part
from minivae import load_data
from minivae.data.expressions import expressions, log_prob
from minivae.evaluate import tokens_of
from minivae.models import SeqVAE
from minivae.runs.settings import complete, read_options


@pytest.mark.parametrize("options", RUNS.values(), ids=RUNS)
def test_runs_have_options(options):
    complete(read_options(options))


def test_every_row_has_a_run():
    assert set(WHAT) == set(EVERY)


@pytest.fixture(scope="module")
def case():
    """A small model of expressions that has learned nothing."""
    data = load_data(expressions(90, np.random.default_rng(0)), validation=30)
    protocol, rng = data.protocol, np.random.default_rng(0)
    model = SeqVAE.build(data.shape, rng, vocabulary=len(protocol.vocabulary), hidden=[8], embedding=4, latent=2)
    return Case(model, protocol, data.train.x, data.validation.x, data.validation.x)


@pytest.fixture
def small(monkeypatch):
    for name, value in {"K": 3, "SAMPLES": 20, "SHOWN": 4, "PLACES": 5, "STEPS": 5, "CLIMBERS": 6}.items():
        monkeypatch.setattr(sequences_measures, name, value)


@pytest.mark.parametrize("more", [0.0, 0.4])
def test_the_floor(case, small, monkeypatch, more):
    """A model that is the grammar has an excess of 0; one that claims 0.4 nats more is refused."""
    truth = np.array([log_prob(line) for line in case.protocol.original(case.test)])
    own = truth + more + 0.01 * np.random.default_rng(0).standard_normal(len(truth))
    monkeypatch.setattr(sequences_measures, "likelihood", lambda model, x: ({}, own))
    row, log_px = of_expressions(case)
    assert log_px is own
    assert [sum(group["lines"] for group in groups) for groups in row["groups"].values()] == [30, 30]
    assert row["truth"][0] == pytest.approx(-truth.mean())
    assert row["excess"][0] == pytest.approx(-more, abs=0.01)
    assert row["grammatical"]["of"] == 20
    json.dumps(row, allow_nan=False)
    if not more:
        assert floor_checked("mine", row) is row
    else:
        with pytest.raises(ValueError, match="^mine: expected an NLL that is not below the grammar's"):
            floor_checked("mine", row)


def test_a_little_below_the_floor_is_chance():
    assert floor_checked("mine", {"excess": [-0.029, 0.01]})
    with pytest.raises(ValueError, match="3.1 standard errors"):
        floor_checked("mine", {"excess": [-0.031, 0.01]})


def test_groups_of_lines():
    found = grouped(np.arange(5.0), np.array([4, 6, 8, 8, 50]), (4, 6, 9, 20))
    assert [(group["count"], group["lines"], group["excess"][0]) for group in found] == [
        (4, 1, 0), (pytest.approx(22 / 3), 3, 2), (50, 1, 4)]  # fmt: skip


def test_accuracy_counts_the_end_and_nothing_behind_it():
    x = np.array([[3, 4, 0, 0], [3, 0, 0, 0]], "float32")
    np.testing.assert_allclose(accuracies(x, np.array([[3, 5, 0, 7], [3, 4, 0, 0]])), [2 / 3, 1 / 2])


def test_some_rows_are_spread():
    assert some(np.arange(1000)).tolist() == list(range(0, 1000, 4))
    assert some(np.arange(7)).tolist() == list(range(7))


def test_names(case, small, monkeypatch):
    lines = case.protocol.original(case.train)
    monkeypatch.setattr(sequences_measures, "NAMED", lines[:2])
    monkeypatch.setattr(sequences_measures, "WALKS", [(lines[0], lines[3])])
    row, log_px = of_names(case)
    assert row["perplexity"][0] == pytest.approx(np.exp(-log_px.sum() / tokens_of(case.test).sum()))
    assert row["new"]["of"] == row["different"]["count"]
    assert row["held"]["of"] == row["new"]["count"]
    assert len(row["places"]["kl"]) == tokens_of(case.test[:5]).max()
    json.dumps(row, allow_nan=False)


def test_the_nearest_name_is_the_name_itself(case, small):
    lines = case.protocol.original(case.train)
    longest = max(lines, key=len)
    found = neighbors(case, [lines[0], longest])
    assert [len(near) for near in found] == [4, 4]
    assert found[1][0] == longest


def test_walks_begin_and_end_with_the_lines_of_the_means(case):
    lines = case.protocol.original(case.train[:2])
    mu, _ = case.trained.encode(lines)
    (walk,) = walks(case, [lines])
    assert len(walk) == sequences_measures.STOPS
    assert [walk[0], walk[-1]] == case.trained.decode(mu)


def test_climbs(case, small, monkeypatch):
    """A property that is linear in z, known by the decoder's own lines: the climb raises it, random moves do not."""
    rng = np.random.default_rng(0)
    z = rng.standard_normal((60, 2)).astype("float32")
    z[-1] = 5, 0  # one that is far leaves room

    class Trained:
        def decode(self, z):
            return [f"{3 * a + b:.3f}" for a, b in z]

    class Stub(Case):
        trained = Trained()

    lines = Trained().decode(z)
    monkeypatch.setattr(sequences_measures, "codes", lambda model, x: z)
    monkeypatch.setattr(sequences_measures, "properties", lambda lines, name: np.array(lines, float))
    monkeypatch.setattr(sequences_measures, "canonical", lambda lines: lines)
    found = climbs(Stub(*case), "logp", lines, lines, z)
    assert min(found["r_squared"]) > 0.9
    rows = {}
    for row in found["rows"]:
        rows.setdefault(row["how"], []).append(row)
    assert [len(rows[how]) for how in rows] == [1, 1, 3, 3]
    slope = np.std(np.array(lines, float), ddof=1)  # of whitened codes: |S^(1/2) w|, w the weights, is the deviation
    for climbed, moved, share in zip(rows["climbed"], rows["moved at random"], sequences_measures.LIMITS, strict=True):
        assert moved["length"] == pytest.approx(climbed["length"])
        assert climbed["length"] <= share * found["far"] * 1.001
        assert climbed["change"][0] == pytest.approx(slope * climbed["length"], rel=0.05)
        assert abs(moved["change"][0]) < climbed["change"][0] / 1.5
    assert rows["reconstructed"][0]["change"][0] == 0
    assert [len(part) for part in found["lines"]] == [6, 6, 6]


def row_of(name, **more):
    """A row as it is measured, of numbers that are easy to find."""
    share = {"count": 3, "of": 4, "share": 0.75, "standard_error": 0.217}
    groups = [{"count": count, "lines": 9, "excess": [0.1, 0.01]} for count in (4.0, 8.0)]
    return {"options": EVERY[name], "n_train": 20_000, "n_test": 6000, "rows": 6000, "tokens": 9.8, "nll": [15.4, 0.2],
            "perplexity": [4.8, 0.1], "samples": ["a=a", "b=b*2"], "truth": [15.2, 0.2], "excess": [0.123, 0.004],
            "groups": {"tokens": groups, "parentheses": groups}, "grammatical": share,
            "different": share, "new": share, "held": share,
            "made_tokens": [7.1, 0.1], "seen": 1200} | more  # fmt: skip


@pytest.fixture
def page(tmp_path):
    """A folder in which two rows are kept."""
    rows = {name: row_of(name) for name in ("expressions-lm", "lm-0")}
    rows["old"] = {"options": {}}
    (tmp_path / "sequences.json").write_text(json.dumps({"rows": rows, "beside": {}}))
    return tmp_path


def test_the_page(page):
    write(page, page / "none", list(RUNS), 0)
    text, kept = (page / "sequences.md").read_text(), json.loads((page / "sequences.json").read_text())
    assert set(kept["rows"]) == {"expressions-lm", "lm-0"}
    assert "| GRU language model | 15.40 +- 0.20 | 1.5686 | +0.123 +- 0.004 |  | 75.0 +- 21.7 % |" in text
    assert "| GRU language model | 4.800 +- 0.100 |  | 75.0 +- 21.7 % |" in text
    for name in set(EVERY) - set(kept["rows"]):
        assert f"open: `python -m figures.{'sequences' if name in RUNS else 'collapse'} --only {name}`" in text
    assert (page / "sequences_excess.png").exists()
    assert "](sequences_excess.png)" in text
    assert "](sequences_places.png)" not in text


def test_tables_of_molecules_and_words():
    share = {"count": 1, "of": 4, "share": 0.25, "standard_error": 0.217}
    none = share | {"of": 0, "share": None, "standard_error": None}
    made = {"validity": share, "uniqueness": none, "novelty": none, "qed": [0.7, None]}
    end = {"how": "climbed", "length": 1.5, "predicted": 4.25, "valid": share, "value": [4.0, 0.5], "different": 1,
           "weight": [300.0, 2.0], "change": [None, None]}  # fmt: skip
    climbs = {"r_squared": [0.65, 0.58], "tested": 4999, "far": 7.45, "rows": [end]}
    row = row_of("molecules-smiles", drawn=made, greedy=made, test_qed=[0.73, 0.01], same=share, back_valid=share,
                 accuracy=[0.5, 0.1], climbs={"logp": climbs}, kl=[77.0, 0.5], elbo=[-85.0, 1.0])  # fmt: skip
    text = "\n".join(molecules_part({"molecules-smiles": row}, {"molecules-smiles": [-45.17, 0.65]}))
    assert "| VAE, SMILES | 9.8 | 4.800 +- 0.100 | 15.40 +- 0.20 | -45.17 +- 0.65 | -85.00 +- 1.00 |" in text
    assert "| VAE, SMILES | 25.0 +- 21.7 % | 25.0 +- 21.7 % | 50.0 % |" in text
    assert "| VAE, SMILES, likeliest tokens | 25.0 +- 21.7 % | none | none | 0.700 |" in text
    assert "| climbed | 1.50 | 25.0 +- 21.7 % | 1 | 4.00 +- 0.50 |  | 4.25 | 300 +- 2 |" in text
    assert "R^2 of the prediction on 4,999 test molecules: 0.650, of a ridge regression 0.580" in text
    text = "\n".join(words_part({"shakespeare-vae": row | {"unknown": share, "walks": [["a", "b", "c"]]}}, {}))
    assert "| VAE | 9.80 | 4.8 +- 0.1 |" in text
    assert "| model | 0.00 | 0.50 | 1.00 |" in text


def test_what_lies_below_the_floor_is_not_written(page, monkeypatch):
    before = (page / "sequences.json").read_bytes()
    monkeypatch.setattr(sequences, "is_finished", lambda folder: folder.name == "expressions-vae")
    row = row_of("expressions-vae", excess=[-0.1, 0.01])
    monkeypatch.setattr(sequences, "measured", lambda *given: (row, np.zeros(3)))
    with pytest.raises(ValueError, match="10.0 standard errors; the measure or the model is wrong"):
        write(page, page / "runs", [], 0)
    assert (page / "sequences.json").read_bytes() == before
    assert not (page / "sequences.md").exists()


def test_log_p_beside_the_language_model_is_paired(page, monkeypatch):
    monkeypatch.setattr(sequences, "draw", lambda *given: None)
    values = {"lm-0": np.array([-1.0, -30.0, -8.0]), "none-0": np.array([-0.5, -29.0, -8.0])}
    monkeypatch.setattr(sequences, "is_finished", lambda folder: folder.name in values)
    monkeypatch.setattr(sequences, "measured", lambda name, *given: (row_of(name), values[name]))
    write(page, page / "runs", [], 0)
    mean, error = json.loads((page / "sequences.json").read_text())["beside"]["none-0"]
    assert (mean, error) == (pytest.approx(0.5), pytest.approx(0.5 / 3**0.5))
    monkeypatch.setattr(sequences, "measured", None)  # nothing is measured again
    before = (page / "sequences.md").read_bytes()
    write(page, page / "runs", [], 0)
    assert (page / "sequences.md").read_bytes() == before

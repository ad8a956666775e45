"""Lines of SMILES as molecules, with answers known by hand; drawn, measured and climbed by the commands."""

import re
import sys
from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import pytest
from test_cli import PNG

from minivae.cli.climb import climb
from minivae.cli.families import MEASURES, Case
from minivae.data.dataset import Split
from minivae.evaluate import molecule_measures
from minivae.evaluate.molecules import PROPERTIES, Share, canonical, molecules, properties
from minivae.models import Model
from minivae.plot import draw_molecules

chem = pytest.mark.skipif(find_spec("rdkit") is None, reason="RDKit is not installed: pip install -e '.[chem]'")
MODULE = sys.modules[MEASURES["molecules"].__module__]
NO_MOLECULES = ["", " ", "C(", "c1cccc1", "C(C)(C)(C)(C)C", "CC O", "é", "\ud800", "<unknown>", "C" + "(" * 500]


@chem
@pytest.mark.parametrize("line", NO_MOLECULES)
def test_what_is_no_molecule(line, capfd):
    assert canonical([line, "CC"]) == [None, "CC"]
    assert np.isnan(properties([line], "logp")).all()
    assert "".join(capfd.readouterr()) == ""  # RDKit says nothing


@chem
def test_shares_by_hand():
    """Of 8 lines 6 are valid, of these 3 are different, of these 2 are new: benzene is written in two ways."""
    made = ["CCO", "OCC", "C(O)C", "c1ccccc1", "C1=CC=CC=C1", "CN", "C(", ""]
    found = molecule_measures(made, ["C1C=CC=CC=1", "nonsense"])
    assert found == {"validity": (6, 8), "uniqueness": (3, 6), "novelty": (2, 3)}
    assert found["validity"].value == 0.75
    assert found["validity"].standard_error == pytest.approx(np.sqrt(0.75 * 0.25 / 8))
    assert found["validity"].said() == "0.750 +- 0.153 (6 of 8)"


@chem
def test_stereoisomers_are_two_molecules():
    assert molecule_measures(["C[C@H](N)O", "C[C@@H](N)O"], ["CC(N)O"]) == {"validity": (2, 2), "uniqueness": (2, 2),
                                                                            "novelty": (2, 2)}  # fmt: skip


@chem
def test_where_nothing_is_valid():
    found = molecule_measures(["(", ")"], ["C"])
    assert found == {"validity": (0, 2), "uniqueness": (0, 0), "novelty": (0, 0)}
    assert found["novelty"].value is None
    assert found["novelty"].standard_error is None
    assert found["novelty"].said() == "none of none"
    assert molecule_measures([], ["C"])["validity"] == Share(0, 0)


@chem
def test_properties_of_known_molecules():
    """Ethanol, naphthalene, aspirin: log P of two by hand, with the table of Wildman & Crippen; QED is RDKit's own."""
    lines = ["CCO", "c1ccc2ccccc2c1", "CC(=O)Oc1ccccc1C(=O)O"]
    ethanol = 0.1441 - 0.2035 - 0.2893 + 5 * 0.1230 - 0.2677
    naphthalene = 8 * 0.1581 + 2 * 0.2955 + 8 * 0.1230
    known = {
        "weight": [46.069, 128.174, 180.159],
        "rings": [0, 2, 1],
        "logp": [ethanol, naphthalene, 1.3101],
        "qed": [0.4068, 0.5114, 0.5501],
    }
    assert known.keys() == PROPERTIES.keys()
    for name, values in known.items():
        np.testing.assert_allclose(properties(lines, name), values, rtol=1e-3)
    with pytest.raises(ValueError, match="property: expected one of logp, qed, weight, rings, got 'taste'"):
        properties(lines, "taste")


def test_without_rdkit(monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "rdkit"] + ["rdkit"]:
        monkeypatch.setitem(sys.modules, name, None)
    for call in (lambda: molecule_measures(["C"], ["C"]), lambda: properties(["C"], "qed")):
        with pytest.raises(ValueError, match="^data: molecules need RDKit, which is not installed"):
            call()


@chem
def test_the_picture(tmp_path):
    def drawn(name, line, what):
        path, texts = tmp_path / name, ["log P $2", f"no molecule: {line}", ""]
        draw_molecules(molecules([what, line, "c1ccccc1"]), texts, 2, "three", path, ["x", "climbed"])
        return path.read_bytes()

    first = drawn("a.png", "C(" * 99, "CCO")
    assert first.startswith(PNG)
    assert first == drawn("b.png", "C(" * 99, "CCO")
    assert first != drawn("b.png", "C(" * 99, "CCC")
    assert first != drawn("b.png", "N(" * 99, "CCO")  # what is none is shown, too


# ---- the commands, on a model whose answers are known


class Chains(Model):
    """Lines of carbons and then oxygens, x (N, 16) with 1 for C and 2 for O; z are their numbers, less `lost` of C."""

    L, D, lost = 2, 16, 0
    likelihood = SimpleNamespace(missing=False)

    def __init__(self):
        self.bind()

    def encode(self, x, y=None):
        mu = np.stack([(x == 1).sum(axis=1), (x == 2).sum(axis=1)], axis=1).astype("float32")
        return mu, 0 * mu - 9

    def decode(self, z, y=None, draw=None):
        c, o = np.clip(np.rint(z - [self.lost, 0]), 0, 8).T[..., None]
        place = np.arange(self.D)
        return np.where(place < c, 1, np.where(place < c + o, 2, 0)).astype("float32")

    def sample(self, n, rng, y=None, draw=None):
        return self.decode(rng.integers([0, 0], [5, 2], (n, 2)))

    def reconstruct(self, x, eps=None, y=None, draw=None):
        return self.decode(self.encode(x)[0])


def chains(tmp_path, tokens="characters", carbon="C"):
    """A run of such lines: 300 of training with 1 to 6 C and up to 2 O, and 30 of test."""
    vocabulary = ["", carbon, "O"]
    protocol = SimpleNamespace(tokens=tokens, quadrants=None, label=None, missing=None, whole=lambda x, y: x,
                               original=lambda x: ["".join(vocabulary[int(i)] for i in row) for row in x])  # fmt: skip
    model, rng = Chains(), np.random.default_rng(0)
    train, test = (model.decode(rng.integers([1, 0], [7, 3], (n, 2))) for n in (300, 30))
    data = SimpleNamespace(train=Split(train, None), test=lambda: Split(test, None), has_test=True)
    settings = {"data": "chains", "model": "chains", "likelihood": "tokens"}
    return SimpleNamespace(path=tmp_path, protocol=protocol, settings=settings, read_data=lambda: data,
                           load_model=lambda: (model, {}))  # fmt: skip


def measured(run):
    model, data = run.load_model()[0], run.read_data()
    return MEASURES["molecules"](Case(run, model, data, "test", data.test().x, None, None, 0, 1))


@chem
def test_the_measure_of_samples(tmp_path, monkeypatch):
    """Samples have 0 to 4 C and 0 or 1 O: a tenth is empty, nine are molecules, of which O is new."""
    monkeypatch.setattr(MODULE, "SAMPLES", 200)
    run = chains(tmp_path)
    x = np.concatenate([run.read_data().test().x, np.zeros((1, 16))])  # a line that comes back, and is no molecule
    run.read_data().test = lambda: Split(x, None)
    found = measured(run)
    numbers = found.numbers
    assert numbers["validity"]["of"] == numbers["samples"] == 200
    assert numbers["validity"]["share"] == pytest.approx(0.9, abs=4 * numbers["validity"]["standard_error"])
    assert numbers["uniqueness"]["count"] == 9
    assert (numbers["novelty"]["count"], numbers["novelty"]["of"]) == (1, 9)
    assert (numbers["reconstruction"]["count"], numbers["reconstruction"]["of"]) == (30, 31)
    weights = numbers["properties"]["weight"]
    assert weights["samples"]["mean"] < weights["test"]["mean"]
    assert f"{numbers['validity']['share']:.3f} +- " in found.lines[0]
    assert any(line.startswith("weight") and f"{weights['test']['mean']:.3f} +- " in line for line in found.lines)
    found.pictures["molecules"](tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(PNG)


@chem
def test_the_measure_of_a_model_that_makes_no_molecules(tmp_path, monkeypatch):
    run = chains(tmp_path)
    monkeypatch.setattr(Chains, "lost", 99)
    monkeypatch.setattr(Chains, "sample", lambda self, n, rng, **_: self.decode(np.zeros((n, 2))))
    found = measured(run)
    assert found.numbers["validity"]["count"] == 0
    assert found.numbers["reconstruction"]["count"] == 0
    assert 0 < found.numbers["reconstruction_validity"]["count"] < 30  # water
    assert found.numbers["properties"]["qed"]["samples"] == {"mean": None, "standard_error": None, "deviation": None}
    assert found.pictures == {}


@chem
def test_the_measure_of_a_model_without_z(tmp_path, monkeypatch):
    monkeypatch.setattr(Chains, "latent", None)
    monkeypatch.setattr(MODULE, "SAMPLES", 50)
    found = measured(chains(tmp_path))
    assert found.numbers["validity"]["of"] == 50
    assert "reconstruction" not in found.numbers


def climbed(run, capsys, **options):
    """(all lines that the command prints, {row: its numbers, which are two spaces apart})."""
    given = {"property": "weight", "steps": "8", "limit": "2", "n": "30", "seed": "0"} | options
    climb.__wrapped__(run, run.path / "climb.png", **given)
    lines = capsys.readouterr().out.splitlines()
    return lines, {name: cells for name, *cells in (re.split("  +", line) for line in lines[2:7])}


@chem
def test_a_climb_of_weight(tmp_path, capsys):
    """The slope is (14, 16): a move of 2 along it adds 1.3 C and 1.5 O, so 1 or 2 of each where there is room."""
    lines, rows = climbed(chains(tmp_path), capsys)
    assert list(rows) == ["held out", "reconstructed", "half the way", "climbed", "moved at random"]
    assert rows["held out"] == rows["reconstructed"][:2]
    assert all(row[0] == "1.000 +- 0.000" for row in list(rows.values())[:4])
    change, error = map(float, rows["climbed"][2].split(" +- "))
    before, after = (float(rows[name][1].split()[0]) for name in ("reconstructed", "climbed"))
    assert 25 < change < 55
    assert after - before == pytest.approx(change, abs=0.02)
    assert 0 < error < 5
    assert 0 < float(rows["half the way"][2].split()[0]) < change
    assert abs(float(rows["moved at random"][2].split()[0])) < 10
    assert rows["climbed"][3] == "30"
    assert 30 < float(rows["climbed"][4]) - float(rows["reconstructed"][2]) < 50
    assert lines[0].endswith(" far on average, 2.00 at most")
    r2 = re.match(r"R\^2 of the prediction ([\d.]+), of a linear regression ([\d.]+), on 30", lines[7]).groups()
    assert min(map(float, r2)) > 0.99
    assert (tmp_path / "climb.png").read_bytes().startswith(PNG)


@chem
def test_a_climb_counts_what_is_no_molecule_any_more(tmp_path, capsys, monkeypatch):
    """A decoder that writes N in the place of O where z has moved: NC is one, N(N( none."""
    run = chains(tmp_path)
    decode = Chains.decode

    def broken(self, z, y=None, draw=None):
        moved = abs(z - np.rint(z)).max(axis=1) > 1e-3
        return np.where(moved[:, None] & (np.arange(16) < 1), 3, decode(self, z))

    monkeypatch.setattr(Chains, "decode", broken)
    run.protocol.original = lambda x: ["".join(["", "C", "O", "("][int(i)] for i in row) for row in x]
    monkeypatch.setattr(sys.modules["minivae.cli.climb"], "TRAIN", 50)
    lines, rows = climbed(run, capsys, limit=None)
    assert "both learned from 50 of training" in lines[7]
    assert [rows[name][0][:5] for name in rows] == ["1.000", "1.000", "0.000", "0.000", "0.000"]
    assert rows["climbed"][1:4] == ["-", "-", "0"]
    assert (tmp_path / "climb.png").exists()


@chem
def test_what_they_refuse(tmp_path, capsys, monkeypatch):
    no_text, no_molecules = chains(tmp_path, tokens=None), chains(tmp_path, carbon="?")
    for run, why in (
        (no_text, "needs lines of text that are molecules, the run is of chains"),
        (no_molecules, "needs lines that are molecules in SMILES; of 200 training lines 0 are"),
    ):
        with pytest.raises(ValueError, match=f"^measure: molecules {why}"):
            measured(run)
        with pytest.raises(ValueError, match=f"^run: climb {why}"):
            climbed(run, capsys)
    few = chains(tmp_path)
    few.read_data().has_test, few.read_data().validation = False, None
    with pytest.raises(ValueError, match="run: climb needs held-out molecules, .* has no test and no validation split"):
        climbed(few, capsys)
    few.read_data().validation = Split(few.read_data().train.x[:1], None)
    with pytest.raises(ValueError, match="run: climb needs 2 held-out molecules or more, .* has 1"):
        climbed(few, capsys)
    with pytest.raises(ValueError, match="run: values: expected some that differ, all are the same"):
        climbed(chains(tmp_path), capsys, property="rings")
    monkeypatch.setattr(Chains, "latent", None)
    with pytest.raises(ValueError, match="run: climb needs latents that are numbers, which the model chains lacks"):
        climbed(chains(tmp_path), capsys)

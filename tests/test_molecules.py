"""Lines of SMILES as molecules, with answers known by hand; drawn, measured and climbed by the commands."""

import sys
from importlib.util import find_spec

import numpy as np
import pytest
from test_cli import PNG

from minivae.evaluate import molecule_measures
from minivae.evaluate.molecules import PROPERTIES, Share, canonical, molecules, properties
from minivae.plot import draw_molecules

chem = pytest.mark.skipif(find_spec("rdkit") is None, reason="RDKit is not installed: pip install -e '.[chem]'")
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
    """Ethanol, naphthalene, aspirin: log P summed by hand from the table of Wildman & Crippen for the first two.

    QED of the first and the last are RDKit's own.
    """
    lines = ["CCO", "c1ccc2ccccc2c1", "(", "CC(=O)Oc1ccccc1C(=O)O"]
    known = {"weight": [46.069, 128.174, np.nan, 180.159], "rings": [0, 2, np.nan, 1],
             "logp": [0.1441 - 0.2035 - 0.2893 + 5 * 0.1230 - 0.2677, 2.8398, np.nan, 1.3101], "qed": [0.4068, None, np.nan, 0.5501]}  # fmt: skip
    assert known.keys() == PROPERTIES.keys()
    for name, values in known.items():
        given = [i for i, value in enumerate(values) if value is not None]
        np.testing.assert_allclose(properties(lines, name)[given], [values[i] for i in given], rtol=1e-3)
    with pytest.raises(ValueError, match="property: expected one of logp, qed, weight, rings, got 'taste'"):
        properties(lines, "taste")


def test_without_rdkit(monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "rdkit"] + ["rdkit"]:
        monkeypatch.setitem(sys.modules, name, None)
    for call in (lambda: molecule_measures(["C"], ["C"]), lambda: properties(["C"], "qed")):
        with pytest.raises(ValueError, match=r'^rdkit: is not installed, .*; pip install -e "\.\[chem\]"$'):
            call()


@chem
def test_the_picture(tmp_path):
    lines = ["CCO", "(", "c1ccccc1"]
    texts = ["log P $2", "no molecule: ( " * 9, ""]
    draw_molecules(molecules(lines), texts, 2, "three", tmp_path / "a.png", ["x", "climbed"])
    draw_molecules(molecules(lines), texts, 2, "three", tmp_path / "b.png", ["x", "climbed"])
    assert (tmp_path / "a.png").read_bytes().startswith(PNG)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    draw_molecules(molecules(["CCO", "C", "c1ccccc1"]), texts, 2, "three", tmp_path / "b.png", ["x", "climbed"])
    assert (tmp_path / "a.png").read_bytes() != (tmp_path / "b.png").read_bytes()

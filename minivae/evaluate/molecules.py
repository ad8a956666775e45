"""Molecules as lines of text, SMILES (Weininger 1988): are they molecules, different ones, new ones, and what are they?

RDKit, the extra `chem`, reads them. A line is valid if it is one word, and RDKit reads it: then its valences and
rings are possible. Two lines are the same molecule if their canonical SMILES are the same.
"""

import math
from typing import NamedTuple

import numpy as np

PROPERTIES = {
    "logp": "log P",  # of octanol and water, by the sum over atoms of Wildman & Crippen 1999
    "qed": "QED",  # how like a drug, 0 to 1 (Bickerton et al. 2012)
    "weight": "weight",  # dalton
    "rings": "rings",
}


class Share(NamedTuple):
    """How many of how many."""

    count: int
    of: int

    @property
    def value(self):
        """count / of; None of none."""
        return self.count / self.of if self.of else None

    @property
    def standard_error(self):
        """sqrt(p (1 - p) / n), of a binomial share; None of none."""
        return math.sqrt(self.value * (1 - self.value) / self.of) if self.of else None

    def said(self):
        """For people."""
        if not self.of:
            return "none of none"
        return f"{self.value:.3f} +- {self.standard_error:.3f} ({self.count:,} of {self.of:,})"

    def to_json(self):
        """{name: number}."""
        return self._asdict() | {"share": self.value, "standard_error": self.standard_error}


def molecule_measures(made, trained_on):
    """What lines that a model has made are worth (Gomez-Bombarelli et al. 2018; Brown et al. 2019, GuacaMol, sec. 2).

    Parameters
    ----------
    made : list of str
    trained_on : list of str
        The lines of the training split.

    Returns
    -------
    dict of Share
        "validity": the valid ones of all; "uniqueness": different molecules of the valid ones, which falls with their
        number; "novelty": those of the different molecules that are not in the training split.

    Raises
    ------
    ValueError
        Without RDKit.
    """
    valid = [smiles for smiles in canonical(made) if smiles is not None]
    different = set(valid)
    new = different - set(canonical(trained_on))
    return {"validity": Share(len(valid), len(made)), "uniqueness": Share(len(different), len(valid)),
            "novelty": Share(len(new), len(different))}  # fmt: skip


def canonical(lines):
    """The canonical SMILES of each line; None where it is no molecule. ValueError without RDKit."""
    from_molecule = _rdkit().MolToSmiles
    return [None if molecule is None else from_molecule(molecule) for molecule in molecules(lines)]


def properties(lines, name):
    """One of `PROPERTIES` of each line (N,), float64; NaN where it is no molecule.

    Raises ValueError for another name, or without RDKit.
    """
    if name not in PROPERTIES:
        raise ValueError(f"property: expected one of {', '.join(PROPERTIES)}, got {name!r}")
    read = molecules(lines)
    from rdkit.Chem import QED, Crippen, Descriptors, rdMolDescriptors

    of = {"logp": Crippen.MolLogP, "qed": QED.qed, "weight": Descriptors.MolWt, "rings": rdMolDescriptors.CalcNumRings}
    with _silence():
        return np.array([np.nan if molecule is None else of[name](molecule) for molecule in read], "float64")


def molecules(lines):
    """RDKit's molecule of each line; None where it is none. ValueError without RDKit."""
    from_smiles = _rdkit().MolFromSmiles
    with _silence():
        return [from_smiles(line) if line.isascii() and len(line.split()) == 1 else None for line in lines]


def _rdkit():
    try:
        from rdkit import Chem
    except ImportError:
        raise ValueError('data: molecules need RDKit, which is not installed; pip install -e ".[chem]"') from None
    return Chem


def _silence():
    """Inside, RDKit does not print why a line is no molecule."""
    from rdkit import rdBase

    return rdBase.BlockLogs()

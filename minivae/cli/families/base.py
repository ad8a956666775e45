"""What the families of measures of `minivae evaluate --measure` share: what one gets, and what it gives back."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ...backend import generator
from ...evaluate import hash_of

MEASURES = {}  # {name: function(Case) -> Findings}


@dataclass
class Case:
    """A trained model and the rows that it is measured on.

    Attributes
    ----------
    run, model, data
        The Run, its best model and its Dataset.
    split : {"test", "validation", "train"}
    x : array (N, D)
        Rows of the split as the model sees them, bits drawn.
    y : array, optional
        What a conditional model is given with them.
    labels : array (N,), optional
        Their classes, where the data have any.
    seed : int
    epoch : int
        The epoch of the training that the model is of.
    of : int, optional
        How many rows the split has, where these are some of them, chosen at random; None: these are all.
    against : str, optional
        Other data, whose rows are to be detected as anomalies.
    """

    run: Any
    model: Any
    data: Any
    split: str
    x: np.ndarray
    y: np.ndarray | None
    labels: np.ndarray | None
    seed: int
    epoch: int
    of: int | None = None
    against: str | None = None

    @property
    def stem(self):
        """What the names of files about these rows end in."""
        chosen = "" if self.of is None else f"-{len(self.x)}-rows"
        return self.split + chosen + (f"-seed-{self.seed}" if self.seed else "")

    @property
    def images(self):
        """Which rows of the split these are, in words."""
        n = len(self.x)
        return f"all {n} rows" if self.of is None else f"{n} of {self.of} rows, chosen by seed {self.seed}"

    @cached_property
    def sha256(self):
        """Of the rows and of what y they are given."""
        return hash_of(self.x, self.y)

    @property
    def described(self):
        """The source, the split and how values became what the model sees, in words."""
        p = self.run.protocol
        given = "" if p.quadrants is None else f", {p.quadrants} of 4 quadrants given"
        return f"{p.name} {self.split}, {p.values_said(self.run.settings['likelihood'])}{given}"

    def rng(self, number):
        """The generator of a measure: its number, which no other has."""
        return generator(self.seed, "evaluate", number)

    def train(self):
        """(x (N, D), classes (N,) or None) of the training split, with bits as the first presentation draws them.

        None also where only some classes are known.
        """
        x = self.data.settle(self.data.train.x, generator(0, "present"))
        return x, classes(self.data.train.y) if self.data.protocol.labelled is None else None


@dataclass
class Findings:
    """What a family found.

    Attributes
    ----------
    numbers : dict
        For evaluate-SPLIT.json: names, and finite numbers, texts, lists or dicts of them.
    lines : list of str
        The same for people, with units and errors.
    pictures : {name: callable(path)}
        Each writes one PNG.
    """

    numbers: dict
    lines: list
    pictures: dict = field(default_factory=dict)


def family(function):
    """Make a function of a Case a family of measures, by its name."""
    MEASURES[function.__name__] = function
    return function


def classes(y):
    """y as classes (N,), whole numbers; None where the data have none."""
    return y if y is not None and np.ndim(y) == 1 and np.asarray(y).dtype.kind in "iu" else None

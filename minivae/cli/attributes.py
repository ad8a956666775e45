"""What an edit changes: the class of an example, or a factor of a sprite; and how it is read off any image.

Readers know nothing of the model. Values (N, F) have a column for each of their `columns`, and `names` are those that
vary. `known` are values of examples as they are in the data, `read` those that are seen in any rows x (N, D), -1 where
there are none, `far` is how far values are apart, `said` one as people write it. Where one column was changed, `kept`
(N, ...) says how far the `rest` is from that of x; `notes` say what these figures are.
"""

import math

import numpy as np

from ..backend import to_numpy
from ..data import batches
from ..data.rows import find_rows
from ..data.sources import sprite_grid
from ..data.sprites import GRID, SHAPES
from ..evaluate.features import BATCH, fit_classifier

STEPS = 500  # of the training of the classifier, about
TURNS = np.array([4, 2, 1])  # of a square, an ellipse and a heart: so often a full turn shows the same
NEAR = 0.5
CIRCLE = len(GRID["orientation"]) - 1  # steps of a full turn


class Classes:
    """The class, told by a small network that is trained on rows x (N, D) of a shape and their classes y (N,)."""

    columns = names = ("class",)
    ordered = ()

    def __init__(self, x, y, shape):
        self.classes = np.unique(y)
        epochs = math.ceil(STEPS * BATCH / len(x))
        index = np.searchsorted(self.classes, y)
        self.network = fit_classifier(x, index, shape, len(self.classes), epochs=epochs)

    def values(self, name):
        return self.classes

    def known(self, x, y):
        return y[:, None]

    def read(self, x):
        logits = to_numpy(self.network.head(self.network.features(x)))
        return self.classes[logits.argmax(axis=1)][:, None]

    def far(self, a, b):
        return (a != b).astype(float)

    def said(self, name, value):
        return str(value)

    def rest(self, column):
        return ["distance to x"]

    def kept(self, column, x_hat, x, seen, known):
        return ((x_hat - x) ** 2).mean(axis=1, keepdims=True) ** 0.5

    def notes(self, x, known):
        right = (self.read(x) == known).mean()
        return [f"as wanted: told by a classifier of x that is right on {right:.3f} of the examples as they are",
                "not edited: as it was; another example: of the wanted class, not edited",
                "distance to x: root mean square over its values"]  # fmt: skip


class Factors:
    """Indices into `GRID` of the factors of a sprite: of a run's grid the image that is nearest in its pixels.

    Where images of the grid are the same, the first counts. No sprite is what is nearly as far from the nearest as an
    empty image, |x - image|^2 > `NEAR` |image|^2.
    """

    columns = tuple(GRID)

    def __init__(self, run):
        self.images, self.factors = sprite_grid(run.settings["sprites"])
        self.names = tuple(name for k, name in enumerate(GRID) if np.ptp(self.factors[:, k]))
        self.ordered = tuple(name for name in self.names if name != "shape")
        self.prepared = lambda rows: run.protocol.prepare(self.images[rows], "sprites", run.settings["likelihood"])

    def values(self, name):
        return np.unique(self.factors[:, self.columns.index(name)])

    def known(self, x, y):
        return self.factors[find_rows(x, map(self.prepared, self._parts()))]

    def read(self, x):
        least, size, nearest = np.full(len(x), np.inf), np.zeros(len(x)), np.zeros(len(x), int)
        for rows in self._parts():
            images = self.prepared(rows)
            sizes = (images**2).sum(axis=1)
            far = sizes - 2 * x @ images.T + (x**2).sum(axis=1)[:, None]  # (N, rows), squared
            first = far.argmin(axis=1)
            nearer = np.flatnonzero(far.min(axis=1) < least)
            best = first[nearer]
            least[nearer], size[nearer], nearest[nearer] = far[nearer, best], sizes[best], rows[best]
        return np.where((least <= NEAR * size)[:, None], self.factors[nearest], -1)

    def far(self, a, b):
        """Steps of the grid; of shapes 1. Orientations are compared up to the turns of the rounder of both shapes."""
        far = abs(a - b).astype(float)
        far[:, 0] = far[:, 0] > 0
        period = CIRCLE / np.maximum(TURNS[a[:, 0]], TURNS[b[:, 0]])
        turn = far[:, 2] % period
        far[:, 2] = np.minimum(turn, period - turn)
        return far

    def said(self, name, value):
        return SHAPES[value] if name == "shape" else str(value)

    def rest(self, column):
        return ["no sprite", *(name for name in self.names if name != self.columns[column])]

    def kept(self, column, x_hat, x, seen, known):
        none = seen[:, :1] < 0
        far = self.far(seen, known)[:, [self.columns.index(name) for name in self.rest(column)[1:]]]
        return np.hstack([none, np.where(none, np.nan, far)])

    def notes(self, x, known):
        return ["as wanted: so is the nearest image of the run's grid; not edited: as it was; no sprite: far from all",
                "the others: mean change; off by: mean distance to what is wanted; both of sprites only, in steps of",
                "the grid, of shapes the share that changed, orientations up to turns that look alike"]  # fmt: skip

    def _parts(self):
        return batches(len(self.images), 4096)

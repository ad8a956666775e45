"""minivae edit: examples changed by one attribute, and how far it is reached and the rest is kept."""

import numpy as np

from .. import plot
from ..backend import generator, to_numpy
from ..data import batches
from ..evaluate.directions import class_direction, to_class, to_label, value_direction
from ..finite import finite_rows
from ..metrics import BATCH
from ..numeric import at_once
from ..options import whole
from ..runs import read_data
from ..tables import aligned
from .attributes import Classes, Factors
from .base import argument
from .decoding import codes, decoded, name_of, shape_of
from .drawing import drawing
from .walks import STEPS, WALKS

TRAIN = 20_000  # training examples that directions and the classifier are fitted to, at most
EDITED = 1000  # examples that are edited for the figures, at most
SHOWN = 10  # values that a picture shows in turn, at most


@drawing(
    "edits.png",
    argument("--attribute", metavar="NAME", help="of sprites shape, scale, orientation, x or y (default: the class)"),
    argument("--to", metavar="VALUE", help="the wanted class, or the index of a factor (default: each in turn)"),
    argument("--n", default="8", metavar="N", help="at most so many examples (default: 8)"),
    argument("--steps", default="6", metavar="N", help="of the way to the value of --to (default: 6)"),
    argument("--seed", default="0", metavar="N", help="of the wanted values, where --to says none (default: 0)"),
)  # fmt: skip
def edit(run, path, attribute, to, n, steps, seed):
    """Change examples by an attribute and keep the rest: write a picture, and print how far both are true.

    A model that is given the class decodes an example with another one, its code at the same place of p(z | y). Else
    the code moves along a direction, to where a regression of the attribute on codes gives the wanted value.
    """
    n, steps, seed = whole(1, WALKS)("n", n), whole(1, STEPS)("steps", steps), whole(0)("seed", seed)
    editor = Editor(run, path, attribute)
    wanted = editor.value_of(to)
    examples = editor.examples(wanted)
    editor.draw(*(part[:n] for part in examples), wanted, steps)
    print(*editor.figures(*examples, wanted, generator(seed, "evaluate")), sep="\n")


class Editor:
    """A run, one attribute of its examples, and how they are changed by it."""

    def __init__(self, run, path, attribute):
        self.run, self.path = run, path
        self.model, _ = run.load_model()
        self.data = run.read_data()
        if (run.protocol.labels or {}).get("kind") != "classes":
            raise ValueError(f"run: edit needs data with classes, {run.protocol.name} has none")
        if self.data.validation is None:
            raise ValueError(f"run: edit needs held-out examples, {run.path} has no validation split")
        if self.model.likelihood.missing:
            raise ValueError("run: edit needs data without missing values, those of the run may have some")
        if run.protocol.labelled is not None:  # who judges knows all labels
            self.data = read_data(run.settings | {"labelled": None})
        rows = generator(0, "split").permutation(len(self.data.train.x))[:TRAIN]
        x, y = self.data.settle(self.data.train.x, generator(0, "present"))[rows], self.data.train.y[rows]
        self.z = self.encoded(x, y)
        self.reader = Factors(run) if run.settings["data"] == "sprites" else Classes(x, y, run.protocol.shape)
        self.name = self.reader.names[0] if attribute is None and self.reader.names else attribute
        if self.name not in self.reader.names:
            raise ValueError(f"attribute: expected one of {', '.join(self.reader.names)}, got {attribute}")
        self.column = self.reader.columns.index(self.name)
        self.values = self.reader.values(self.name)
        if len(self.values) < 2:
            raise ValueError(f"run: edit needs two classes or more, {run.protocol.name} has one")
        self.seen = self.reader.known(x, y)[:, self.column]
        self.by_y = self.name in ("class", "shape") and self.model.conditional and not self.model.explains_y
        self.way = "giving another y" if self.by_y else f"a direction of {name_of(self.model)}"

    def value_of(self, to):
        """The value that --to says; None without it."""
        said = {self.reader.said(self.name, value): value for value in self.values}
        if to is not None and to not in said:
            raise ValueError(f"to: expected one of {', '.join(list(said)[:40])}, got {to}")
        return None if to is None else said[to]

    def examples(self, wanted):
        """(x, y, values (N, F)) of held-out examples that are to be changed."""
        x, y = (part[:EDITED] for part in self.data.validation)
        known = self.reader.known(x, y)
        rows = self.others(known).any(axis=1) if wanted is None else self.apart(known, wanted) >= 1
        if not rows.any():
            what = "none for those of the run" if wanted is None else wanted
            raise ValueError(f"to: expected another value than all held-out examples have, got {what}")
        return x[rows], y[rows], known[rows]

    def others(self, known):
        """Which values are not those of the examples, (N, values) of bool. Orientations that look alike are one."""
        return np.stack([self.apart(known, value) >= 1 for value in self.values], axis=1)

    def apart(self, known, values):
        """How far the attribute in `known` (N, F) is from values, one or (N,)."""
        other = known.copy()
        other[:, self.column] = values
        return self.reader.far(known, other)[:, self.column]

    def encoded(self, x, y):
        """z (N, L), by an encoder that is given y where it takes one."""
        return codes(self.path, self.model, x, y if self.model.conditional else None)

    def edited(self, z, y, targets):
        """(z, y) with the attribute changed to `targets` (N,)."""
        if self.by_y:
            return to_label(self.model, z, y, targets), targets
        try:
            if self.name in self.reader.ordered:
                return value_direction(self.z, self.seen).move(z, targets), y
            z = z.copy()
            for value in np.unique(targets):
                rows = targets == value
                z[rows] = to_class(class_direction(self.z, self.seen == value), z[rows])
            return z, y
        except ValueError as error:
            raise ValueError(f"run: {error}") from None

    # ---- the figures

    def figures(self, x, y, known, wanted, rng):
        """Lines: how many edits reach the wanted value, what becomes of the rest, and the same without an edit."""
        targets, z = self.targets(known, wanted, rng), self.encoded(x, y)
        cases = {"edited": (*self.edited(z, y, targets), targets), "reconstructed": (z, y, known[:, self.column])}
        if self.reader.columns == ("class",):
            others = np.array([rng.choice(np.flatnonzero(self.seen == value)) for value in targets])
            cases["another example"] = self.z[others], targets, targets
        is_ordered = self.name in self.reader.ordered
        table = [("", f"{self.name} as wanted", *["off by"] * is_ordered, *self.reader.rest(self.column))]
        for name, (z_of, y_of, aim) in cases.items():
            seen, kept = self._read(z_of, y_of, x, known)
            off = np.where(seen[:, self.column] < 0, np.nan, self.apart(seen, aim))
            p = (off < 1).mean()
            parts = [off] * is_ordered + list(kept.T)
            means = [part[part == part].mean() if (part == part).any() else None for part in parts]  # NaN: nothing seen
            shown = ("-" if mean is None else f"{mean:.3f}" for mean in means)
            table.append((name, f"{p:.3f} +- {(p * (1 - p) / len(x)) ** 0.5:.3f}", *shown))
        to = "another value, drawn at random" if wanted is None else self.reader.said(self.name, wanted)
        return [f"{self.name}: {len(x)} held-out examples, each to {to}, by {self.way}", *aligned(table),
                *self.reader.notes(x, known)]  # fmt: skip

    def targets(self, known, wanted, rng):
        """What the attribute of each example is to become (N,): what is wanted, or a random one of its others."""
        if wanted is not None:
            return np.full(len(known), wanted)
        others = self.others(known)
        return self.values[(rng.random(others.shape) * others).argmax(axis=1)]

    def _read(self, z, y, x, known):
        """(values (N, F) that are seen in the decoded z, how far the rest is from that of x (N, ...))."""
        seen, kept = [], []
        for rows in batches(len(x), at_once(BATCH, x.shape[1])):
            x_hat = to_numpy(self.model.decode(z[rows], y=y[rows] if self.model.conditional else None))
            seen.append(self.reader.read(finite_rows(x_hat, "x_hat", self.path.stem)))
            kept.append(self.reader.kept(self.column, x_hat, x[rows], seen[-1], known[rows]))
        return np.concatenate(seen), np.concatenate(kept)

    # ---- the picture

    def draw(self, x, y, known, wanted, steps):
        """In each row an example, what is decoded without an edit, and edits: steps to `wanted`, or each value."""
        z = self.encoded(x, y)
        if wanted is None:
            shown = self.values[np.linspace(0, len(self.values) - 1, min(SHOWN, len(self.values))).round().astype(int)]
            edits = [self.edited(z, y, np.full(len(x), value)) for value in shown]
            tops = [self.reader.said(self.name, value) for value in shown]
        else:
            z_end, y_end = self.edited(z, y, np.full(len(x), wanted))
            steps = 1 if self.by_y else steps  # there is nothing between two classes
            edits = [(z + (z_end - z) * step / steps, y_end) for step in range(1, steps + 1)]
            tops = [""] * (steps - 1) + [self.reader.said(self.name, wanted)]
        tiles = plot.Tiles(shape_of(self.run), len(x), len(edits) + 2)
        given = lambda y: y if self.model.conditional else None  # noqa: E731
        columns = [tiles.reduce(x)]
        columns += [decoded(self.path, self.model, z_of, tiles, given(y_of)) for z_of, y_of in [(z, y), *edits]]
        labels = [self.reader.said(self.name, value) for value in known[:, self.column]]
        to = "" if wanted is None else f" to {tops[-1]}"
        title = f"{self.name} changed{to} by {self.way}"
        plot.walks(list(np.stack(columns, axis=1)), shape_of(self.run), self.path, title, labels, ["x", "x_hat", *tops])

"""`--measure cross`: how well is one thing found from the other, by a model of things that are seen in two ways?"""

from functools import partial

import numpy as np

from ...backend import place, take, to_numpy
from ...data import batches
from ...data.preprocess import is_binary
from ...evaluate import fit_classifier, standard_error
from ...metrics import BATCH
from ...numeric import at_once
from ...plot import walks
from .base import Findings, classes, family

SHOWN = 10  # samples of each class in the picture


@family
def cross(case):
    """Shares of right classes: found from x; and of x drawn from a class, or with one from the prior, by a classifier.

    The classifier has learned from training rows; what it makes of held-out rows is the most that x of y can reach.
    """
    model, name = case.model, case.run.settings["model"]
    if not model.explains_y:
        raise ValueError(f"measure: cross needs a model that generates x and y, {name} does not")
    x, y = case.train()
    if classes(case.labels) is None or case.labels.min() < 0 or y is None:
        raise ValueError("measure: cross needs data in which every row has a class")
    if case.split == "train":
        raise ValueError("split: cross needs rows that were not in training, got train")
    count, draws, rng = model.labels.count, is_binary(np.asarray(case.x[:BATCH])), case.rng(60)
    judge = fit_classifier(np.asarray(x[:]), y, case.run.protocol.shape, count, seed=case.seed)
    noise = rng if draws else None

    def in_parts(f):
        parts = [to_numpy(f(rows)) for rows in batches(len(case.x), at_once(BATCH, case.x.shape[1]))]
        return np.concatenate(parts)

    def judged(x):
        return in_parts(lambda rows: judge.head(judge.features(x[rows]))).argmax(axis=1)

    found = in_parts(lambda rows: model.classify(place(case.x[rows], like=model.theta))).argmax(axis=1)
    made = in_parts(lambda rows: model.sample(len(case.x[rows]), rng, y=take(case.labels, rows), draw=noise))
    z = rng.standard_normal((len(case.x), model.L), dtype="float32")
    free = in_parts(lambda rows: model.decode(z[rows], draw=noise))
    drawn = in_parts(lambda rows: model.decode_label(z[rows])).argmax(axis=1)
    right = {
        "y_from_x": found == case.labels,
        "x_from_y": judged(made) == case.labels,
        "both_from_the_prior": judged(free) == drawn,
        "held_out_rows": judged(np.asarray(case.x[:])) == case.labels,
    }
    says = {
        "y_from_x": "likeliest y of x, compared with its class",
        "x_from_y": "x of a class, as the classifier takes it",
        "both_from_the_prior": "x and likeliest y of one z from the prior, as the classifier takes x",
        "held_out_rows": f"{case.split} rows themselves, as the classifier takes them",
    }
    numbers, lines = {"rows": len(case.x)}, [f"right classes, of {len(case.x):,} each; x are "
                                             f"{'draws' if draws else 'means'} of p(x | z)"]  # fmt: skip
    for key, hits in right.items():
        values = 100.0 * hits
        error = standard_error(values) or 0.0
        numbers |= {key: float(values.mean()), f"{key}_standard_error": error}
        lines.append(f"{values.mean():6.2f} +- {error:.2f} %  {says[key]}")
    rows = [to_numpy(model.sample(SHOWN, case.rng(61), y=np.full(SHOWN, c))) for c in range(min(count, 20))]
    title = f"decoded draws from q(z | y), {numbers['x_from_y']:.1f} % of which look like y"
    draw = partial(walks, rows, case.run.protocol.shape, title=title, labels=[str(c) for c in range(len(rows))])
    return Findings(numbers, lines, {"cross": lambda path: draw(path=path)})

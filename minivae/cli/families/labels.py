"""labels: how often is the class wrong that few labels teach?"""

from functools import partial

import numpy as np

from ...backend import place, to_numpy
from ...data import batches
from ...evaluate import codes, confusion, errors_of_few, standard_error
from ...metrics import BATCH
from ...plot import draw_confusion, draw_errors
from .base import Findings, classes, family

LABELS = 100  # of the training split, for a model that has learned without
DRAWS = 5


@family
def labels(case):
    """Error of q(y | x); of a model of x alone, of a classifier that learns from its codes and a few labels."""
    name = case.run.settings["model"]
    if classes(case.labels) is None or case.labels.min() < 0:
        raise ValueError("measure: labels needs data with classes, whole numbers from 0 up")
    if case.model.infers_y:
        return _of_classifier(case)
    if case.model.conditional:
        raise ValueError(f"measure: labels needs a model that is not told y, {name} is")
    if case.model.likelihood.missing:
        raise ValueError("measure: labels needs rows without missing values")
    if case.split == "train":
        raise ValueError("split: labels needs rows that were not in training, got train")
    return _of_codes(case)


def _of_classifier(case):
    """Share of the rows whose likeliest y is another than theirs."""
    parts = [case.model.classify(place(case.x[rows], like=case.model.theta)) for rows in batches(len(case.x), BATCH)]
    predicted = np.concatenate(to_numpy(parts)).argmax(axis=1)
    wrong = 100.0 * (predicted != case.labels)
    error, deviation = float(wrong.mean()), standard_error(wrong)
    table = confusion(case.labels, predicted, case.model.labels.count)
    kept = case.run.protocol.labelled or case.run.protocol.n_train
    numbers = {"labels": kept, "error": error, "standard_error": deviation, "confusion": table.tolist()}
    lines = [f"q(y | x), which has learned from {kept} labels, is wrong in {error:.2f} +- {deviation or 0:.2f} % of "
             f"{len(wrong):,} rows", "+-: standard error over the rows; not over draws of the labels"]  # fmt: skip
    title = f"{case.split} split, {error:.2f} % wrong"
    return Findings(numbers, lines, {"labels": partial(draw_confusion, table, title)})


def _of_codes(case):
    """Errors of support vector machines on the codes and on the rows themselves, with the same labels."""
    model = case.model
    x, y = case.train()
    count = len(np.unique(y))
    if not 2 <= count <= LABELS < len(y):
        raise ValueError(f"measure: labels needs 2 to {LABELS} classes and more than {LABELS} rows of training, the "
                         f"run has {count} and {len(y)}")  # fmt: skip
    ways = {
        "codes": (lambda rows: _features(model, x[rows]), _features(model, case.x)),
        "rows": (lambda rows: np.asarray(x[rows]), np.asarray(case.x)),
    }
    errors = {name: errors_of_few(features, y, test, case.labels, LABELS, DRAWS)
              for name, (features, test) in ways.items()}  # fmt: skip
    numbers = {"labels": LABELS, "draws": DRAWS}
    lines = [f"support vector machines that learn from {LABELS} labels of the training split, errors on "
             f"{len(case.x):,} rows of {case.split}"]  # fmt: skip
    for name, found in errors.items():
        numbers[name] = {"errors": found.tolist(), "error": float(found.mean()), "deviation": float(found.std(ddof=1))}
        what = "the codes" if name == "codes" else "the rows themselves"
        lines.append(f"{what}: {found.mean():.2f} % wrong, standard deviation {found.std(ddof=1):.2f} over {DRAWS} "
                     "draws of the labels")  # fmt: skip
    return Findings(numbers, lines, {"labels": partial(draw_errors, errors)})


def _features(model, x):
    """One row of numbers for each of x (N, D): its code, whose numbers are one-hot rows where they are names."""
    z = codes(model, x)
    return np.eye(model.K, dtype="float32")[z].reshape(len(z), -1) if model.latent == "codes" else z

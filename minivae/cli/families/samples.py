"""`--measure samples`: are samples like held-out rows? How near, how varied, how sharp, copied or not, and of what use."""

from functools import partial
from typing import NamedTuple

import numpy as np

from ...backend import place, take, to_numpy
from ...data import batches
from ...evaluate.features import augmented_accuracy, classifier_features, principal_features
from ...evaluate.samples import (
    K_DENSITY,
    K_MANIFOLD,
    copies,
    expected_coverage,
    frechet_distance,
    manifold_scores,
    sharpness,
)
from ...finite import finite_rows
from ...metrics import BATCH
from ...numeric import at_once
from ...plot import draw_manifold_scores, draw_neighbors
from ...tables import aligned, four_digits
from .base import Case, Findings, classes, family

ROWS, SETS = 10_000, 5  # samples in a set, at most; sets, and repeats of trainings
LEAST = 20  # rows
CLASSIFIED = 5_000  # training rows, from which on a classifier gives the features
COPIED, SHARE = 2_000, 0.05  # samples that are compared with all training rows, at most; see `copies`
REAL = 1_000  # rows to augment, at most
SAYS = {
    "frechet_distance": "of means and covariances; 0 is best, but fewer rows give more",
    "precision": f"share of samples that lie among held-out rows, k = {K_MANIFOLD}",
    "recall": f"share of held-out rows that lie among samples, k = {K_MANIFOLD}",
    "density": f"how densely held-out rows lie around samples, k = {K_DENSITY}; 1 where both are alike",
    "coverage": f"share of held-out rows with a sample near, k = {K_DENSITY}; {{:.3f}} where both are alike",
}


class Part(NamedTuple):
    """Rows x (N, D) of a split, the same as an encoder sees them, and their classes (N,) or None."""

    x: np.ndarray
    seen: np.ndarray
    y: np.ndarray | None


class Study(NamedTuple):
    """What the measures share: `count` classes, 0 where rows have none; whether samples are noisy draws of p(x | z)."""

    case: Case
    train: Part
    held: Part
    count: int
    noisy: bool

    def seen(self, x):
        """Rows as an encoder sees them, counts as logarithms, in host memory."""
        return to_numpy(self.case.model.likelihood.seen(place(x, like=self.case.model.theta)))

    def drawn(self, n, y, rng, noisy):
        """n samples (n, D): z from the prior, given y (n, ...) or None."""
        sample, noise = self.case.model.sample, rng if noisy else None
        return self._in_parts(n, lambda rows: sample(len(rows), rng, y=take(y, rows), draw=noise))

    def redrawn(self, x, rng):
        """Samples of p(x' | z), z ~ q(z | x), or the code of x where there is no q: x (n, D) -> x' (n, D)."""
        model, noise = self.case.model, rng if self.noisy else None

        def one(rows):
            eps = None if model.log_weights is None else model.draw_eps(rng, 1, len(rows))[0]
            return model.reconstruct(x[rows], eps, draw=noise)

        return self._in_parts(len(x), one)

    def _in_parts(self, n, f):
        parts = [to_numpy(f(rows)) for rows in batches(n, at_once(BATCH, self.held.x.shape[1]))]
        return finite_rows(np.concatenate(parts), "samples", f"{self.case.split} split")


@family
def samples(case):
    """Samples against held-out rows, beside training rows against the same.

    Like is compared with like: draws of p(x | z) with bits and rows of a table, means with grey images. A conditional
    model is given the y of the held-out rows. Classes and rows enough give features of a classifier.
    """
    if case.model.likelihood.missing:
        raise ValueError("measure: samples needs data without missing values, those of the run may have some")
    if case.split == "train":
        raise ValueError("measure: samples needs held-out rows; expected --split test or validation")
    n = min(ROWS, len(case.x), len(case.data.train.x))
    if n < LEAST:
        raise ValueError(f"measure: samples needs {LEAST} training rows and as many held out, the run has {n}")
    study = _study(case)
    numbers, lines, pictures = {}, [], {}
    rows, others = (case.rng(30).permutation(len(part.x)) for part in (study.held, study.train))
    made = study.drawn(n, take(case.y, rows[:n]), case.rng(31), study.noisy)
    for found in (
        _likeness(study, rows[:n], others, made),
        _sharpness(study, rows[:n], others[:n]),
        _copies(study, rows[:COPIED], made[:COPIED]),
        _augmentation(study),
    ):
        numbers |= found.numbers
        lines += found.lines
        pictures |= found.pictures
    return Findings(numbers, lines, pictures)


def _study(case):
    protocol = case.run.protocol
    noisy = protocol.binarize != "none" or len(protocol.shape) != 3
    study = Study(case, None, None, 0, noisy)
    train, held = (
        Part(x[:], study.seen(x[:]), classes(y))  # of a large file the rows are read here
        for x, y in (case.train(), (case.x, case.labels))
    )
    known = train.y is not None and held.y is not None and protocol.labels["count"] > 1
    return study._replace(train=train, held=held, count=protocol.labels["count"] if known else 0)


def _likeness(study, rows, others, made):
    """Distances in features of SETS sets of samples, the first of them `made`, and of as many sets of training rows."""
    case, train, held, n = study.case, study.train, study.held, len(rows)
    if study.count and len(train.x) >= CLASSIFIED:
        held_out = held.seen, held.y
        features = classifier_features(train.seen, train.y, held_out, case.run.protocol.shape, study.count, case.seed)
        p, error = 100 * features.about["accuracy"], 100 * features.about["accuracy_standard_error"]
        kind = f"activations of a classifier trained on {len(train.x):,} rows, right for {p:.1f} +- {error:.1f} % of "
        kind += f"the {case.split} rows"
    else:
        features = principal_features(train.seen, case.seed)
        kind = f"principal components, {features.about['variance']:.0%} of the variance of the training rows"
    real, rng = features.of(held.seen[rows]), case.rng(32)
    scores = {"samples": [], "training_rows": []}
    for i in range(SETS):
        x = made if i == 0 else study.drawn(n, take(case.y, rows), rng, study.noisy)
        scores["samples"].append(_scores(real, features.of(study.seen(x))))
    for i in range(min(SETS, len(others) // n)):
        scores["training_rows"].append(_scores(real, features.of(train.seen[others[i * n : (i + 1) * n]])))
    alike = expected_coverage(n)
    numbers = {"rows": n, "drawn_from": "p(x | z)" if study.noisy else "means of p(x | z)", "features": features.about,
               "expected_coverage": alike}  # fmt: skip
    numbers |= {name: _summary(sets) | {"sets": len(sets)} for name, sets in scores.items()}
    table = [("", "samples", "training rows", "")]
    for name, says in SAYS.items():
        table.append((name.replace("_", " "), *(_said(numbers[kind], name) for kind in scores), says.format(alike)))
    lines = [
        f"{SETS} sets of {n:,} samples, {numbers['drawn_from']}, and {len(scores['training_rows'])} of as many training "
        f"rows, against {n:,} {case.split} rows",
        f"in {features.about['dimension']} features: {kind}; figures in other features cannot be compared",
        *aligned(table, "<<<<"),
        "+-: standard error over the sets",
    ]
    draw = partial(draw_manifold_scores, scores["samples"], scores["training_rows"])
    return Findings(numbers, lines, {"precision_recall": draw})


def _scores(real, made):
    return {"frechet_distance": frechet_distance(real, made)} | manifold_scores(real, made)


def _sharpness(study, rows, others):
    """Means of p(x | z) against training images as they are before bits are drawn: both grey where there is grey."""
    case, shape = study.case, study.case.run.protocol.shape
    if len(shape) != 3:
        return Findings({}, [])
    made = study.drawn(len(rows), take(case.y, rows), case.rng(33), noisy=False)
    values = [sharpness(x.reshape(-1, *shape)) for x in (made, case.data.train.x[others])]
    (a, a_error), (b, b_error) = (_mean(v) for v in values)
    if b == 0:
        return Findings({}, ["sharpness: the training images are flat"])
    error = a / b * ((a_error / max(a, 1e-300)) ** 2 + (b_error / b) ** 2) ** 0.5
    bits = case.run.protocol.binarize in ("once", "threshold")
    line = f"sharpness {a / b:.3f} +- {error:.3f} (variance of the Laplacian of means of p(x | z) over that of training "
    line += "images" + ", which are bits" * bits + "; below 1 is blur)"
    numbers = {"samples": a, "samples_standard_error": a_error, "training_images": b,
               "training_images_standard_error": b_error, "ratio": a / b, "ratio_standard_error": error}  # fmt: skip
    return Findings({"sharpness": numbers}, [line])


def _copies(study, rows, made):
    """How near samples are to training rows; the picture is of ten of them, and of the ten nearest."""
    case, train = study.case, study.train
    found = copies(study.seen(made), study.held.seen[rows], train.seen, SHARE)
    distance, other = found["distance"], found["held_out_distance"]
    numbers = {"samples": len(made), "training_rows": len(train.x), "distance": float(np.median(distance)),
               "held_out_distance": float(np.median(other)), "share_asked_for": SHARE}  # fmt: skip
    numbers |= {name: found[name] for name in ("share", "held_out_share", "z")} | {"copies": int((distance == 0).sum())}
    error = (found["share"] * (1 - found["share"]) / len(made)) ** 0.5
    numbers["share_standard_error"] = error
    lines = [
        f"copies: {100 * found['share']:.1f} +- {100 * error:.1f} % of {len(made):,} samples are as near to a training "
        f"row as the nearest {100 * found['held_out_share']:.1f} % of {case.split} rows are, z = {found['z']:.1f} (above "
        f"3: samples are too like training rows); {numbers['copies']} are equal to one",
        f"median distance to the nearest of {len(train.x):,} training rows: samples {numbers['distance']:.3g}, "
        f"{case.split} rows {numbers['held_out_distance']:.3g}",
    ]
    if case.run.protocol.columns is not None:
        return Findings({"copies": numbers}, lines)
    bands = [(made[i], train.x[found["nearest"][i]]) for i in (np.arange(len(made)), np.argsort(distance, kind="stable"))]
    draw = partial(draw_neighbors, bands, case.run.protocol.shape)
    return Findings({"copies": numbers}, lines, {"neighbors": draw})


def _augmentation(study):
    """The accuracy of classifiers trained on few real rows, on samples with their classes, and on both."""
    case, train, held = study.case, study.train, study.held
    n = min(REAL, len(train.x) // 2)
    if not study.count:
        return Findings({}, ["augmentation: needs rows with classes, the run's have none"])
    rng, runs = case.rng(34), []
    for repeat in range(SETS):
        rows = rng.permutation(len(train.x))[: 2 * n]
        x, y = train.seen[rows], train.y[rows]
        if case.model.labels is None:
            made = study.redrawn(train.x[rows[:n]], rng)
        else:
            made = study.drawn(n, y[:n], rng, study.noisy)
        held_out = held.seen, held.y
        runs.append(augmented_accuracy(x, y, study.seen(made), held_out, case.run.protocol.shape, study.count,
                                       seed=case.seed + repeat))  # fmt: skip
        runs[-1]["gain"] = runs[-1]["both"] - runs[-1]["real"]
    numbers = _summary(runs) | {"rows": n, "repeats": SETS, "conditional": case.model.labels is not None}
    p = {name: _said(numbers, name, 100) + " %" for name in runs[0]}
    how = "drawn given their classes" if case.model.labels is not None else "draws of p(x' | z), z from q(z | x) of them"
    lines = [
        f"augmentation: a classifier trained on {n:,} real rows is right for {p['real']} of the {case.split} rows; on "
        f"{n:,} samples, {how}, {p['made']}; on both {p['both']}, a gain of {p['gain']}; on {2 * n:,} real rows "
        f"{p['twice_real']} ({SETS} repeats of as many steps; the model itself has seen all {len(train.x):,} rows)"
    ]
    return Findings({"augmentation": numbers}, lines)


def _mean(values):
    """(mean, its standard error) of independent numbers; the error of a single one is not known."""
    values = np.asarray(values, "float64")
    return float(values.mean()), float(values.std(ddof=1) / len(values) ** 0.5) if len(values) > 1 else None


def _summary(runs):
    """{name: mean, name_standard_error: its error} of a list of dicts of numbers."""
    found = {}
    for name in runs[0]:
        mean, error = _mean([run[name] for run in runs])
        found |= {name: mean} | ({} if error is None else {f"{name}_standard_error": error})
    return found


def _said(numbers, name, times=1):
    """A number of a summary for people."""
    error = numbers.get(f"{name}_standard_error")
    if error is None:
        return four_digits(times * numbers[name])
    return f"{four_digits(times * numbers[name])} +- {times * error:.2g}"

"""`--measure samples`: are samples like held-out rows? How near, how varied, how sharp; copied or not; of what use."""

from functools import partial
from typing import NamedTuple

import numpy as np

from ...backend import place, take, to_numpy
from ...data import batches
from ...data.preprocess import is_binary
from ...evaluate import has_no_prior, mixture_of_codes, standard_error
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
from ...models import DDPM
from ...numeric import at_once
from ...params import replaced
from ...plot import draw_manifold_scores, draw_neighbors
from ...priors import UniformCodes
from ...tables import aligned, four_digits
from ...truth.laws import has_likelihood
from .base import Case, Findings, classes, family

ROWS, SETS = 10_000, 5  # samples in a set, at most; sets, and repeats of trainings
LEAST = 20  # rows
MIXTURE = 10  # Gaussians that are fitted to codes which have no prior
CLASSIFIED, CLASSES = 5_000, 1_000  # training rows from which on a classifier gives the features; classes, at most
COPIED, SHARE = 2_000, 0.05  # samples that are compared with all training rows, at most; see `copies`
REAL, STEPS = 1_000, 160  # rows to augment, at most; of a training of these
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
    """What the measures share: `count` of classes that can be told, or 0; whether samples are draws of p(x | z)."""

    case: Case
    train: Part
    held: Part
    count: int
    draws: bool

    @property
    def what(self):
        if self.is_function:
            return "functions of z"
        return "draws of p(x | z)" if self.draws else "means of p(x | z)"

    @property
    def images(self):
        return "samples" if self.is_function else "means of p(x | z)"

    @property
    def is_function(self):
        return _is_function(self.case.model)

    def sample(self, n, y, rng, draws):
        """n samples (n, D): z from the prior, or in its place q(z | y), given y (n, ...) or None."""
        sample, noise = self.case.model.sample, rng if draws else None
        return self._in_parts(n, lambda rows: sample(len(rows), rng, y=take(y, rows), draw=noise))

    def sample_like(self, x, rng):
        """The same with z ~ q(z | x), or the code of x where there is no q: x (n, D) -> (n, D)."""
        model, noise = self.case.model, rng if self.draws else None

        def through(rows):
            eps = None if model.log_weights is None else model.draw_eps(rng, 1, len(rows))[0]
            return model.reconstruct(x[rows], eps, draw=noise)

        return self._in_parts(len(x), through)

    def _in_parts(self, n, f):
        parts = [to_numpy(f(rows)) for rows in batches(n, at_once(BATCH, self.held.x.shape[1]))]
        return finite_rows(np.concatenate(parts), "samples", f"{self.case.split} split")


@family
def samples(case):
    """Samples against held-out rows, beside training rows against the same.

    Like is compared with like: draws of p(x | z) with bits and with rows, its means with grey images. A conditional
    model is given the y of the held-out rows. Where there are classes and rows enough, features are a classifier's.
    """
    study = study_of(case, "samples")
    n = min(ROWS, len(case.x), len(case.data.train.x))
    rows, others = (case.rng(30).permutation(len(part.x)) for part in (study.held, study.train))
    made = study.sample(n, take(case.y, rows[:n]), case.rng(31), study.draws)
    findings = Findings({}, [])
    for found in (
        _likeness(study, rows[:n], others, made),
        _sharpness(study, rows[:n], others[:n]),
        _copies(study, rows[:COPIED], made[:COPIED]),
        _augmentation(study),
    ):
        findings.numbers |= found.numbers
        findings.lines += found.lines
        findings.pictures |= found.pictures
    return findings


def study_of(case, measure):
    """The Study of a case; ValueError, in the name of a measure, where there are no rows to compare samples with."""
    protocol = case.run.protocol
    if case.model.likelihood.missing:
        raise ValueError(f"measure: {measure} needs data without missing values, those of the run may have some")
    if protocol.tokens is not None:
        raise ValueError(f"measure: {measure} needs images or rows, the run is of text; expected lines")
    if protocol.quadrants is not None:
        raise ValueError(f"measure: {measure} needs whole images, those of the run are cut")
    if case.split == "train":
        raise ValueError(f"measure: {measure} needs held-out rows; expected --split test or validation")
    n = min(len(case.x), len(case.data.train.x))
    if n < LEAST:
        raise ValueError(f"measure: {measure} needs {LEAST} training rows and as many held out, the run has {n}")
    train, held = _part(case, *case.train()), _part(case, case.x, case.labels)
    known = train.y is not None and held.y is not None and protocol.labels is not None
    count = protocol.labels["count"] if known and 1 < protocol.labels["count"] <= CLASSES else 0
    bits = is_binary(held.x) and case.model.likelihood.values == "unit"
    draws = not _is_function(case.model) and (bits or len(protocol.shape) != 3)
    return Study(case, train, held, count, draws)


def _is_function(model):
    """Whether x is a function of z, so that there is no p(x | z)."""
    return model.latent == "prior" or not has_likelihood(model)


def _part(case, x, y):
    x = x[:]  # a large file is read
    return Part(x, seen(case, x), classes(y))


def seen(case, x):
    """Rows as an encoder sees them, counts as logarithms, in host memory."""
    return to_numpy(case.model.likelihood.seen(place(x, like=case.model.theta)))


def _likeness(study, rows, others, made):
    """Scores of SETS sets of samples, the first of them `made`, and of sets of training rows."""
    case, train, held, n = study.case, study.train, study.held, len(rows)
    if study.count and len(train.x) >= CLASSIFIED:
        held_out, shape = (held.seen, held.y), case.run.protocol.shape
        features = classifier_features(train.seen, train.y, held_out, shape, study.count, seed=case.seed)
        accuracy = said(features.about, "accuracy", 100)
        kind = f"activations of a classifier, right for {accuracy} % of {case.split} rows"
    else:
        features = principal_features(train.seen, seed=case.seed)
        kind = f"principal components, {features.about['variance']:.0%} of the variance of training rows"
    real, rng = features.of(held.seen[rows]), case.rng(32)
    scores = {"samples": [], "training_rows": []}
    for i in range(SETS):
        x = made if i == 0 else study.sample(n, take(case.y, rows), rng, study.draws)
        scores["samples"].append(_scores(real, features.of(seen(case, x))))
    if case.model.latent == "codes" and not isinstance(case.model.prior, UniformCodes):
        with replaced(case.model, prior=UniformCodes(case.model.K, case.model.T)):
            x = [study.sample(n, take(case.y, rows), rng, study.draws) for _ in range(SETS)]
        scores["uniform_codes"] = [_scores(real, features.of(seen(case, part))) for part in x]
    if has_no_prior(case.model):
        with replaced(case.model, prior=mixture_of_codes(case.model, train.x, MIXTURE, case.seed)):
            x = [study.sample(n, None, rng, study.draws) for _ in range(SETS)]
        scores["mixture"] = [_scores(real, features.of(seen(case, part))) for part in x]
    for i in range(min(SETS, len(others) // n)):
        scores["training_rows"].append(_scores(real, features.of(train.seen[others[i * n : (i + 1) * n]])))
    alike = expected_coverage(n)
    of_codes = [f"mixture: z from {MIXTURE} Gaussians fitted to the codes, not from one"] * ("mixture" in scores)
    found = {name: summary(sets) | {"sets": len(sets)} for name, sets in scores.items()}
    table = [("", *(name.replace("_", " ") for name in scores), "")]
    for name, says in SAYS.items():
        table.append((name.replace("_", " "), *(said(part, name) for part in found.values()), says.format(alike)))
    lines = [
        f"sets of {n:,}: {SETS} of samples, {study.what}, and {len(scores['training_rows'])} of training rows, against "
        f"{n:,} {case.split} rows; +- standard errors over the sets",
        f"{features.about['dimension']} features: {kind}; figures in other features cannot be compared",
        *aligned(table, "<"),
        *of_codes,
    ]
    numbers = {"rows": n, "what": study.what, "features": features.about, "scores": found, "expected_coverage": alike}
    draw = partial(draw_manifold_scores, scores["samples"], scores["training_rows"])
    return Findings(numbers, lines, {"precision_recall": draw})


def _scores(real, made):
    return {"frechet_distance": frechet_distance(real, made)} | manifold_scores(real, made)


def _sharpness(study, rows, others):
    """Means of p(x | z) against training images as they are before bits are drawn: both grey where there is grey."""
    case, shape = study.case, study.case.run.protocol.shape
    if len(shape) != 3:
        return Findings({}, ["sharpness: left out, the data are no images"])
    made = study.sample(len(rows), take(case.y, rows), case.rng(33), draws=False)
    images, numbers = case.data.train.x[others], {}
    for name, x in (("samples", made), ("training_images", images)):
        numbers |= summary([{name: v} for v in sharpness(x.reshape(-1, *shape))])
    a, b = (numbers[name] for name in ("samples", "training_images"))
    if b == 0:
        return Findings({}, ["sharpness: left out, the training images are flat"])
    numbers["ratio"] = a / b
    errors = [numbers[f"{name}_standard_error"] for name in ("samples", "training_images")]
    numbers["ratio_standard_error"] = (errors[0] ** 2 + (a / b * errors[1]) ** 2) ** 0.5 / b
    line = f"sharpness {said(numbers, 'ratio')}: the variance of the Laplacian of {study.images}, over that of "
    line += "training images" + ", which are bits" * is_binary(images)
    return Findings({"sharpness": numbers}, [f"{line}; below 1 is blur"])


def _copies(study, rows, made):
    """How near samples are to training rows; the picture is of ten of them, and of the ten nearest."""
    case, train = study.case, study.train
    found = copies(seen(case, made), study.held.seen[rows], train.seen, SHARE)
    distance, p = found["distance"], found["share"]
    numbers = {"n_samples": len(made), "n_training_rows": len(train.x), "copies": int((distance == 0).sum()),
               "median_distance": float(np.median(distance)), "share": p,
               "share_standard_error": (p * (1 - p) / len(made)) ** 0.5, "held_out_share": found["held_out_share"],
               "median_held_out_distance": float(np.median(found["held_out_distance"])), "z": found["z"]}  # fmt: skip
    lines = [
        f"copies: {said(numbers, 'share', 100)} % of {len(made):,} samples are as near to one of {len(train.x):,} "
        f"training rows as the nearest {100 * found['held_out_share']:.3g} % of {case.split} rows are",
        f"  z = {found['z']:.1f}, above 3 they are too like training rows; {numbers['copies']} are equal to one",
        f"  median distance {numbers['median_distance']:.3g}, of {case.split} rows "
        f"{numbers['median_held_out_distance']:.3g}",
    ]
    if case.run.protocol.columns is not None:
        return Findings({"copies": numbers}, lines)
    shown = np.arange(len(made)), np.argsort(distance, kind="stable")
    bands = [(made[i], train.x[found["nearest"][i]]) for i in shown]
    return Findings({"copies": numbers}, lines, {"neighbors": partial(draw_neighbors, bands, case.run.protocol.shape)})


def _augmentation(study):
    """The accuracy of classifiers trained on few real rows, on samples of their classes, and on both."""
    case, train, held, model = study.case, study.train, study.held, study.case.model
    if not study.count:
        return Findings({}, [f"augmentation: left out, the data do not have 2 to {CLASSES:,} classes of every row"])
    if study.is_function:  # the code of x gives x itself, if there is one
        return Findings({}, ["augmentation: left out, samples of a class need a p(x | z) and an encoder, or a given y"])
    if isinstance(model, DDPM):
        return Findings({}, ["augmentation: left out, the noise that is added to x leaves nothing of its class"])
    n, rng, runs = min(REAL, len(train.x) // 2), case.rng(34), []
    held_out, shape = (held.seen, held.y), case.run.protocol.shape
    for repeat in range(SETS):
        rows = rng.permutation(len(train.x))[: 2 * n]
        x, y = train.seen[rows], train.y[rows]
        given = model.labels is not None
        made = study.sample(n, y[:n], rng, study.draws) if given else study.sample_like(train.x[rows[:n]], rng)
        seed = case.seed + repeat
        run = augmented_accuracy(x, y, seen(case, made), held_out, shape, study.count, steps=STEPS, seed=seed)
        runs.append(run | {"gain": run["both"] - run["real"]})
    z = "z their code" if model.log_weights is None else "z from q(z | x) of them"
    if given:
        z = "z from q(z | y) of their classes" if model.explains_y else "z from the prior, given their classes"
    says = {"real": f"{n:,} real rows", "made": f"as many samples: {study.what}, {z}", "both": "both",
            "gain": "gain of both over the real rows", "twice_real": f"{2 * n:,} real rows"}  # fmt: skip
    numbers = summary(runs) | {"rows": n, "repeats": SETS, "conditional": given}
    lines = [
        f"augmentation: accuracy on {case.split} rows of a classifier that was trained on",
        *aligned([(f"  {what}", f"{said(numbers, name, 100)} %") for name, what in says.items()], "<"),
        f"  {SETS} repeats of as many steps, +- standard errors over them; the model saw all {len(train.x):,} rows",
    ]
    return Findings({"augmentation": numbers}, lines)


def summary(runs):
    """{name: mean, name_standard_error: its error, if there are two} of a list of dicts of numbers."""
    found = {}
    for name in runs[0]:
        values = np.array([run[name] for run in runs], "float64")
        found[name] = float(values.mean())
        if len(values) > 1:
            found[f"{name}_standard_error"] = standard_error(values)
    return found


def said(numbers, name, times=1):
    """A number of a summary for people."""
    value, error = numbers[name], numbers.get(f"{name}_standard_error")
    return four_digits(times * value) + (f" +- {times * error:.2g}" if error is not None else "")

"""`--measure cross`: how well is one thing found from the other, by a model of things that are seen in two ways?"""

from functools import partial

import numpy as np

from ...backend import place, take, to_numpy
from ...data import batches
from ...data.preprocess import is_binary
from ...data.quadrants import BLANK
from ...evaluate import fit_classifier, sampled_evidence, standard_error
from ...layers import beside, left_and_right
from ...metrics import BATCH
from ...numeric import at_once
from ...plot import walks
from .base import Findings, classes, family

SHOWN = 10  # samples of each class in the picture; images
DRAWN = 4  # completions of each half of an image
DRAWS = 20  # of z, whose decodings' mean is what is found of a half
ROWS, SAMPLES, FEWER = 1000, 50, 10  # rows whose evidence is estimated, at most; of z for each, and before that


@family
def cross(case):
    """What is found of y from x and of x from y, or of one half of an image from the other."""
    if case.model.explains_y:
        return _of_labels(case)
    if case.model.modalities is None:
        raise ValueError(f"measure: cross needs a model of things that are seen in two ways, "
                         f"{case.run.settings['model']} is none")  # fmt: skip
    return _of_halves(case)


def _in_parts(case, f):
    """f(rows) of all rows of the case, a few at a time."""
    return np.concatenate([to_numpy(f(rows)) for rows in batches(len(case.x), at_once(BATCH, case.x.shape[1]))])


def _of_labels(case):
    """Shares of right classes: found from x; and of x drawn from a class, or with one from the prior, by a classifier.

    The classifier has learned from training rows; what it makes of held-out rows is the most that x of y can reach.
    """
    model = case.model
    x, y = case.train()
    if classes(case.labels) is None or case.labels.min() < 0 or y is None:
        raise ValueError("measure: cross needs data in which every row has a class")
    if case.split == "train":
        raise ValueError("split: cross needs rows that were not in training, got train")
    count, draws, rng = model.labels.count, is_binary(np.asarray(case.x[:BATCH])), case.rng(60)
    judge = fit_classifier(np.asarray(x[:]), y, case.run.protocol.shape, count, seed=case.seed)
    noise = rng if draws else None

    in_parts = partial(_in_parts, case)

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
    title = (f"means of p(x | z), z from q(z | y); of {'draws' if draws else 'means'} {numbers['x_from_y']:.1f} % look "
             "like y")  # fmt: skip
    draw = partial(walks, rows, case.run.protocol.shape, title=title, labels=[str(c) for c in range(len(rows))])
    return Findings(numbers, lines, {"cross": lambda path: draw(path=path)})


def _of_halves(case):
    """Square errors of a half that is found from the other, and how many nats it has once that is known.

    Each log p is a bound from below, its difference from another one no bound: how far each still grows is told too.
    """
    model, shape = case.model, case.run.protocol.shape
    x = np.asarray(case.x[:])
    mean = np.nanmean(case.train()[0][:], axis=0, dtype="float64")[None]
    numbers, lines, some = {"rows": len(x), "samples": SAMPLES}, [], x[:ROWS]
    found = {"both": sampled_evidence(model, some, SAMPLES, case.rng(62))}
    for name, given in _halves(x, shape).items():
        x_hat = _in_parts(case, partial(_mean_of_draws, model, given, case.rng(63)))
        gaps = np.isnan(given[0])
        error = ((x_hat - x)[:, gaps] ** 2).mean(axis=1)
        chance = ((mean - x)[:, gaps] ** 2).mean(axis=1)
        found[name] = sampled_evidence(model, given[: len(some)], SAMPLES, case.rng(62))
        nats = found["both"].log_px - found[name].log_px
        other = "right" if name == "left" else "left"
        parts = {"square_error": error, "square_error_of_means": chance, "log_p": nats}
        numbers[f"{other}_from_{name}"] = {key: [float(v.mean()), standard_error(v)] for key, v in parts.items()}
        lines.append(f"{other} half from the {name}: mean square error of a pixel {_said(error, 4)}, of the mean of "
                     f"training rows {_said(chance, 4)}; log p({other} | {name}) {_said(nats, 2)} nats")  # fmt: skip
    log_p = {name: part.log_px for name, part in found.items()}
    grown = {name: float((part.log_px - part.bounds[FEWER]).mean()) for name, part in found.items()}
    shared = log_p["both"] - log_p["left"] - log_p["right"]
    numbers["log_p"] = {name: [float(v.mean()), standard_error(v)] for name, v in log_p.items()}
    numbers["log_p_grown"] = {"from_samples": FEWER} | grown
    numbers["shared"] = [float(shared.mean()), standard_error(shared)]
    lines += [
        f"log p(both) {_said(log_p['both'], 2)} nats, more than log p(left) + log p(right) by {_said(shared, 2)}; by "
        f"{SAMPLES} samples of {len(some):,} rows",
        f"each log p is a bound from below, and a difference of two none: from {FEWER} samples to {SAMPLES} they grew, "
        + ", ".join(f"{name} by {by:.2f}" for name, by in grown.items()),
    ]
    return Findings(numbers, lines, {"cross": partial(_draw_halves, case, x[:SHOWN])})


def _mean_of_draws(model, given, rng, rows):
    """The mean of what z from q(z | half) are decoded to, (n, D)."""
    eps = rng.standard_normal((DRAWS, len(rows), model.L), dtype="float32")
    return sum(to_numpy(model.reconstruct(given[rows], e)) for e in eps) / DRAWS


def _halves(x, shape):
    """{"left", "right": x (N, D) of which that half alone is known}, NaN elsewhere."""
    left, right = left_and_right(x, shape)
    return {"left": beside(left, np.full_like(right, np.nan), shape),
            "right": beside(np.full_like(left, np.nan), right, shape)}  # fmt: skip


def _draw_halves(case, x, path):
    """Of each image its halves, completed by draws from q(z | half), and the image itself."""
    model, shape, rng = case.model, case.run.protocol.shape, case.rng(61)
    bands = []
    for given in _halves(x, shape).values():
        eps = rng.standard_normal((DRAWN, len(x), model.L), dtype="float32")
        x_hat = np.stack([to_numpy(model.reconstruct(given, e)) for e in eps])
        filled = np.where(np.isnan(given), x_hat, given)
        bands += [np.nan_to_num(given, nan=BLANK)[None], filled]
    bands = np.concatenate([*bands, x[None]]).swapaxes(0, 1)  # (n, 2 + 2 DRAWN + 1, D)
    tops = ["left", *[""] * DRAWN, "right", *[""] * DRAWN, "truth"]
    walks(list(bands), shape, path, "halves that are given, completed by draws from q(z | half)", (), tops)


def _said(values, digits):
    return f"{values.mean():.{digits}f} +- {standard_error(values) or 0:.{digits}f}"

"""What samples of figures.families are compared with: held-out rows, features of them, and who tells the classes."""

from functools import cache
from typing import NamedTuple

import numpy as np

from minivae.backend import generator
from minivae.data import Split, load_data, mode_centers, modes_log_prob
from minivae.data.splits import thinned
from minivae.evaluate import (
    expected_coverage,
    fit_classifier,
    frechet_distance,
    manifold_scores,
    mode_scores,
    mode_width,
    near_modes,
    sharpness,
)
from minivae.evaluate.modes import FEW

from .families_runs import DATA

ROWS = {"points": 1000, "images": 500}  # samples, and held-out rows, at most
UNLIKE = 0.99  # share of held-out rows that lie nearer to a training row than what is unlike the data
EPOCHS = {"digits": 40}  # of the classifier, where they are few
TOLD = 2000  # held-out rows that say how far is far
RUNGS = 5000  # training rows that the nearest ones are looked for in, at most


class Rows(NamedTuple):
    """`train` and `held` (N, D) in the units that pictures show, all of them, and their classes; `rare` ones thinned.

    `kept`: indices of the rows of both that have the rare class at its share.
    """

    train: np.ndarray
    train_y: np.ndarray
    held: np.ndarray
    held_y: np.ndarray
    kept: tuple


class Scene(NamedTuple):
    """The rows that samples are compared with, and what is known of them.

    `features`: x (N, D) -> (N, d); `classify`: x (N, D) -> (N,) classes; `accuracy` of that on held-out rows, and
    `mistaken`, the share of rows of other classes that it takes for the rare one. `unlike`: x (N, D) -> (N,), which
    rows are unlike the data. `shares` (K,) of the classes in training. `rare`: (class, share), or None.
    """

    name: str
    shape: tuple
    train: np.ndarray
    train_y: np.ndarray
    held: np.ndarray
    held_y: np.ndarray
    features: object
    classify: object
    shares: np.ndarray
    accuracy: float
    mistaken: float
    unlike: object
    rare: tuple | None


@cache
def rows_of(name):
    """The Rows of a set of data, the same for all families: points, or images as grey as they are."""
    options = dict(DATA[name].options)
    rare = options.pop("rare", None)
    data = load_data(options.pop("data"), binarize="none", likelihood="gaussian", **options)
    test, train = held_out(data), data.train
    kept = tuple(np.arange(len(part.x)) for part in (train, test))
    if rare is not None:
        kept = thinned(train.y, rare, "train"), thinned(test.y, rare, "validation")
    return Rows(train.x[:], train.y, test.x, test.y, kept)


def held_out(data):
    """The rows that nothing is trained on: those of the test split, with those of validation where they are few."""
    test = data.test()
    if len(test.x) >= max(ROWS.values()):
        return test
    return Split(*(np.concatenate(pair) for pair in zip(test, data.validation, strict=True)))


def shown_rows(name, n):
    """The first n rows that samples are compared with."""
    of = rows_of(name)
    return of.held[of.kept[1]][:n]


@cache
def scene(name):
    """The Scene of a set of data. The classifier of images learns from all training rows, the rare class among them."""
    of, rows = DATA[name], rows_of(name)
    rare, mistaken = of.options.get("rare"), 0.0
    if of.kind == "points":
        centers = mode_centers(**of.options["modes"])
        features, K, accuracy = (lambda x: x), len(centers), 1.0

        def classify(x):
            return ((x[:, None] - centers) ** 2).sum(axis=-1).argmin(axis=1)

    else:
        K = int(rows.train_y.max()) + 1
        classifier = fit_classifier(rows.train, rows.train_y, of.shape, K, epochs=EPOCHS.get(name, 3))
        features = classifier.features

        def classify(x):
            return classifier.head(features(x)).argmax(axis=1)

        taken = classify(rows.held)
        accuracy = float((taken == rows.held_y).mean())
        if rare is not None:
            mistaken = float((taken[rows.held_y != rare["class"]] == rare["class"]).mean())
    train, held = rows.kept
    shares = np.bincount(rows.train_y[train], minlength=K) / len(train)
    views = (features,) if of.kind == "points" else (features, lambda x: x)
    unlike = _strangers(rows.train[train[:RUNGS]], rows.held[held[:TOLD]], views)
    held = held[: ROWS[of.kind]]
    return Scene(name, of.shape, rows.train[train], rows.train_y[train], rows.held[held], rows.held_y[held], features,
                 classify, shares, accuracy, mistaken, unlike, rare and (rare["class"], rare["share"]))  # fmt: skip


def _strangers(train, held, views):
    """f: x (N, D) -> (N,), which rows lie further from all training rows than 99 % of held-out rows do, in any view.

    A classifier has few features that tell what is no image at all from images; pixels are one more view.
    """
    from sklearn.neighbors import NearestNeighbors

    indices = [NearestNeighbors(n_neighbors=1, algorithm="brute").fit(view(train)) for view in views]

    def distances(x):
        return [index.kneighbors(view(x))[0][:, 0] for index, view in zip(indices, views, strict=True)]

    limits = [np.quantile(distance, UNLIKE) for distance in distances(held)]

    def unlike(x):
        return np.any([own > limit for own, limit in zip(distances(x), limits, strict=True)], axis=0)

    return unlike


# ---- What samples are like


def quality(of, made):
    """{measure: number} of samples made (N, D) beside held-out rows, as many of these."""
    n = min(len(of.held), len(made))
    real, h = of.features(of.held[:n]), of.features(made[:n])
    found = {"frechet_distance": frechet_distance(real, h)} | manifold_scores(real, h)
    found |= {"unlike": unlike(of, made), "rows": n, "expected_coverage": expected_coverage(n)}
    return found | (_of_points(of, made) if len(of.shape) == 1 else _of_images(of, made[:n], n))


def unlike(of, x):
    """The share of the rows x that are unlike the data."""
    return float(of.unlike(x).mean())


def _of_points(of, made):
    """Points near a mode, modes found, and how wide the points near a mode are, over the truth."""
    options = DATA[of.name].options["modes"]
    centers, std = mode_centers(**options), options["std"]
    modes = near_modes(made, centers, std)
    scores = mode_scores(modes, of.shares)
    return {"near": scores.quality, "found": scores.kept, "modes": len(centers),
            "width": mode_width(made, modes, centers, std), "shares": scores.shares.tolist()}  # fmt: skip


def _of_images(of, made, n):
    """Sharpness over that of held-out images, and the share of each class that the classifier sees."""
    shares = np.bincount(of.classify(made), minlength=len(of.shares)) / len(made)
    sharp = [float(sharpness(x.reshape(-1, *of.shape)).mean()) for x in (made, of.held[:n])]
    found = {"sharpness": sharp[0] / sharp[1], "shares": shares.tolist(), "modes": len(shares),
             "found": int((shares >= FEW * of.shares).sum())}  # fmt: skip
    if of.rare is not None:
        found["rare"] = float(shares[of.rare[0]])
    return found


def real_rows(of):
    """The quality of training rows, which no samples can be expected to pass, and how well classes are told."""
    rows = generator(0, "evaluate").permutation(len(of.train))[: len(of.held)]
    return quality(of, of.train[rows]) | {"accuracy": of.accuracy, "mistaken": of.mistaken}


def known_log_prob(name, x):
    """log p(x) (N,) nats of points, as they were made."""
    return modes_log_prob(x, **DATA[name].options["modes"])

"""What samples of figures.families are compared with: held-out rows, features of them, and who tells the classes."""

from functools import cache
from typing import NamedTuple

import numpy as np

from minivae.backend import generator
from minivae.data import Split, load_data, mode_centers, modes_log_prob
from minivae.data.splits import thinned
from minivae.evaluate import expected_coverage, fit_classifier, frechet_distance, manifold_scores, sharpness

from .families_runs import DATA

ROWS = 1000  # samples, and held-out rows, at most
FAR = 3.0  # of a mode, in its std: a point that is nearer is near that mode
FOUND = 0.1  # of the share of a mode among the data: a mode with less of the samples is not found
UNLIKE = 0.99  # share of held-out rows that lie nearer to a training row than what is unlike the data
EPOCHS = {"digits": 40}  # of the classifier, where they are few
RUNGS = 5000  # training rows that the nearest ones are looked for in, at most


class Scene(NamedTuple):
    """Rows in the units that pictures show: `train` and `held` (N, D), their classes, and what is known of them.

    `features`: x (N, D) -> (N, d); `classify`: x (N, D) -> (N,) classes; `accuracy` of that on held-out rows, and
    `mistaken`, the share of rows of other classes that it takes for the rare one. `far`: the distance in features from
    the nearest training row, beyond which a row is unlike the data. `rare`: (class, share), or None.
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
    near: object
    far: float
    rare: tuple | None


@cache
def scene(name):
    """The Scene of a set of data; the same for all families."""
    of = DATA[name]
    return _points(name, of) if of.kind == "points" else _images(name, of)


def _points(name, of):
    data = load_data(**_source(of.options))
    test = data.test()
    centers = mode_centers(**of.options["modes"])

    def classify(x):
        return to_centers(x, centers)[1]

    shares = np.bincount(data.train.y, minlength=len(centers)) / len(data.train.y)
    near, far = _nearness(data.train.x, test.x)
    return Scene(name, of.shape, data.train.x, data.train.y, test.x[:ROWS], test.y[:ROWS], lambda x: x, classify,
                 shares, 1.0, 0.0, near, far, None)  # fmt: skip


def to_centers(x, centers):
    """(distance to the nearest center, its number), (N,) each, of points x (N, 2)."""
    distances = np.linalg.norm(x[:, None] - centers, axis=-1)
    return distances.min(axis=1), distances.argmin(axis=1)


def _source(options):
    return {"source": options["data"], "modes": options["modes"], "likelihood": "gaussian"}


def _images(name, of):
    """Grey images as they are; the classifier learns from all training images, the rare class among them."""
    data = load_data(of.options["data"], binarize="none", likelihood="gaussian")
    test, shape = held_out(data), data.protocol.shape
    x, y = data.train.x[:], data.train.y
    K = data.protocol.labels["count"]
    epochs = EPOCHS.get(name, 3)
    classifier = fit_classifier(x, y, shape, K, epochs=epochs)

    def classify(x):
        return classifier.head(classifier.features(x)).argmax(axis=1)

    taken = classify(test.x)
    rare = of.options.get("rare")
    train, held = np.arange(len(x)), np.arange(len(test.x))
    mistaken = 0.0
    if rare is not None:
        train, held = (thinned(labels, rare, split) for labels, split in ((y, "train"), (test.y, "validation")))
        mistaken = float((taken[test.y != rare["class"]] == rare["class"]).mean())
        rare = rare["class"], rare["share"]
    shares = np.bincount(y[train], minlength=K) / len(train)
    near, far = _nearness(classifier.features(x[train[:RUNGS]]), classifier.features(test.x[held]))
    held = held[:ROWS]
    return Scene(name, shape, x[train], y[train], test.x[held], test.y[held], classifier.features, classify, shares,
                 float((taken == test.y).mean()), mistaken, near, far, rare)  # fmt: skip


def held_out(data):
    """The rows that nothing is trained on: those of the test split, with those of validation where they are few."""
    test = data.test()
    if len(test.x) >= ROWS:
        return test
    return Split(*(np.concatenate(pair) for pair in zip(test, data.validation, strict=True)))


def _nearness(train, held):
    """(f: features (N, d) -> distances (N,) to the nearest training row, the distance that few held-out rows pass)."""
    from sklearn.neighbors import NearestNeighbors

    index = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(train[:RUNGS])

    def near(features):
        return index.kneighbors(features)[0][:, 0]

    return near, float(np.quantile(near(held), UNLIKE))


# ---- What samples are like


def quality(of, made):
    """{measure: number} of samples made (N, D) beside held-out rows, as many of these."""
    n = min(len(of.held), len(made))
    real, h = of.features(of.held[:n]), of.features(made[:n])
    found = {"frechet_distance": frechet_distance(real, h)} | manifold_scores(real, h)
    found |= {"unlike": unlike(of, made), "rows": n, "expected_coverage": expected_coverage(n)}
    return found | (_of_points(of, made) if len(of.shape) == 1 else _of_images(of, made[:n], n))


def unlike(of, x):
    """The share of the rows x that lie further from all training rows than 99 % of held-out rows do."""
    return float((of.near(of.features(x)) > of.far).mean())


def _of_points(of, made):
    """Points near a mode, modes found, and how wide the points near a mode are, over the truth."""
    options = DATA[of.name].options["modes"]
    centers, std = mode_centers(**options), options["std"]
    distance, mode = to_centers(made, centers)
    near = distance <= FAR * std
    shares = np.bincount(mode[near], minlength=len(centers)) / len(made)
    width = float(np.sqrt((distance[near] ** 2).mean() / 2) / std) if near.any() else None
    return {"near": float(near.mean()), "found": int((shares >= FOUND * of.shares).sum()), "modes": len(centers),
            "width": width, "shares": shares.tolist()}  # fmt: skip


def _of_images(of, made, n):
    """Sharpness over that of held-out images, and the share of each class that the classifier sees."""
    shares = np.bincount(of.classify(made), minlength=len(of.shares)) / len(made)
    sharp = [float(sharpness(x.reshape(-1, *of.shape)).mean()) for x in (made, of.held[:n])]
    found = {"sharpness": sharp[0] / sharp[1], "shares": shares.tolist(), "modes": len(shares),
             "found": int((shares >= FOUND * of.shares).sum())}  # fmt: skip
    if of.rare is not None:
        found["rare"] = float(shares[of.rare[0]])
    return found


def real_rows(of):
    """The quality of training rows, which no samples can be expected to pass."""
    rows = generator(0, "evaluate").permutation(len(of.train))[: len(of.held)]
    return quality(of, of.train[rows])


def known_log_prob(name, x):
    """log p(x) (N,) nats of points, as they were made."""
    return modes_log_prob(x, **DATA[name].options["modes"])

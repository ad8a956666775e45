"""What is measured of the runs of figures.blur: all of them in the same features, by the same test images."""

from typing import NamedTuple

import numpy as np

from minivae.backend import generator, to_numpy
from minivae.data import batches, load_data
from minivae.evaluate import classifier_features, frechet_distance, manifold_scores, sharpness, standard_error
from minivae.evaluate.features import Features

from .blur_runs import FASHION
from .variants_runs import evaluate, report_of, run_of

SETS, ROWS = 3, 10_000  # of samples, each against as many test images
BATCH = 500
SHOWN = 10  # images that pictures show
LIKE = ("frechet_distance", "precision", "recall", "density", "coverage")


class Scene(NamedTuple):
    """Grey images in [0, 1], rows (N, D): `train` and `test`; `features` of a classifier, those `real` of the test."""

    train: np.ndarray
    test: np.ndarray
    shape: tuple
    features: Features
    real: np.ndarray


def scene():
    """The images that all models are compared on, and what tells how like samples are to them."""
    data = load_data(FASHION["data"], binarize="none", likelihood="gaussian")
    test = data.test()
    shape = data.protocol.shape
    features = classifier_features(data.train.x, data.train.y, test, shape, 10)
    n = min(ROWS, len(test.x))
    return Scene(data.train.x, test.x[:n], shape, features, features.of(test.x[:n]))


def likeness(scene, sets):
    """{score: [mean, standard error over the sets]} of sets of images (N, D), each against the test images."""
    found = {name: [] for name in (*LIKE, "sharpness")}
    truth = sharpness(scene.test.reshape(-1, *scene.shape)).mean()
    for images in sets:
        h = scene.features.of(images)
        scores = {"frechet_distance": frechet_distance(scene.real, h)} | manifold_scores(scene.real, h)
        scores["sharpness"] = float(sharpness(images.reshape(-1, *scene.shape)).mean() / truth)
        for name, value in scores.items():
            found[name].append(value)
    return {name: [float(np.mean(values)), standard_error(np.array(values))] for name, values in found.items()}


def real_rows(scene):
    """The scores of sets of training images, which are as like to the test images as can be."""
    order = generator(0, "evaluate").permutation(len(scene.train))
    n = len(scene.test)
    return likeness(scene, [scene.train[order[i * n : (i + 1) * n]] for i in range(min(SETS, len(order) // n))])


def measured(name, options, folder, scene, ways):
    """What the page shows of a finished run; `ways`: {how samples are drawn: sample(model, n, rng) -> x_hat (n, D)}.

    Images are cut to [0, 1], as pictures show them.
    """
    run = run_of(name, options, folder)
    model, meta = run.load_model()
    if "loss" not in report_of(run, meta):
        evaluate(name, folder)
    report = report_of(run, meta)
    x_hat = in_parts(len(scene.test), lambda rows: model.reconstruct(scene.test[rows]))
    errors = ((x_hat - scene.test) ** 2).mean(axis=1)
    found = {
        "options": options,
        "parameters": model.theta.size,
        "epoch": meta["epoch"],
        "metrics": {metric: report[metric] for metric in model.metrics},
        "levels": run.protocol.levels if model.likelihood.n_levels is None else 1,  # None: a density of other numbers
        "squared_error": [float(errors.mean()), standard_error(errors)],
        "reconstructions": likeness(scene, [x_hat])["sharpness"][0],
        "samples": {},
    }
    for how, sample in ways.items():
        rng = generator(0, "sample")
        found["samples"][how] = likeness(scene, [made(model, sample, len(scene.test), rng) for _ in range(SETS)])
    return found


def made(model, sample, n, rng):
    """n samples (n, D)."""
    return in_parts(n, lambda rows: sample(model, len(rows), rng))


def in_parts(n, images):
    """images(rows), (.., D), of n rows, a few at a time, cut to [0, 1]."""
    return np.concatenate([to_numpy(images(rows)) for rows in batches(n, BATCH)]).clip(0, 1)


def shown(name, options, folder, scene, ways):
    """(reconstructions of the first test images, {how: samples}) of a run, for pictures."""
    model, _ = run_of(name, options, folder).load_model()
    x_hat = in_parts(SHOWN, lambda rows: model.reconstruct(scene.test[rows]))
    return x_hat, {how: made(model, sample, SHOWN, generator(0, "sample")) for how, sample in ways.items()}

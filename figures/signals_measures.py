"""What is measured of the runs of figures.signals, and of linear models of the same rows."""

import math
import time

import numpy as np

from minivae.backend import generator, to_numpy
from minivae.evaluate import ACTIVE, anomaly_scores, aurocs, row_scores, standard_error
from minivae.laboratory.timing import training_step

from .signals_runs import arrays_of, seeds_of
from .variants_runs import run_of

SAMPLES = 50  # of z, for log p(x)
STEPS_TIMED = 20
SCORES = {"reconstruction": "reconstruction", "elbo": "-ELBO", "evidence": "-log p(x)"}
TESTED = ("x_test", "anomalies")
COMPONENTS = {"ecg": (2, 8), "digits": (16,)}  # of PCA; the larger ones are as many as latents


def measured(name, options, folder):
    """What a row shows of a finished run."""
    run = run_of(name, options, folder)
    model, _ = run.load_model()
    found = {
        "options": options,
        "parameters": model.theta.size,
        "steps": math.ceil(run.protocol.n_train / options["batch_size"]),
        "curve": [line["validation"]["elbo"] for line in run.finished()],
    }
    kind = name.partition("-")[0]
    rows = {part: to_numpy(run.protocol.prepare(x, part, "gaussian")) for part, x in rows_of(kind, folder).items()}
    scores = {part: row_scores(model, x, SAMPLES, generator(0, "evaluate")) for part, x in rows.items() if part != "x"}
    found["seconds"] = seconds_of_step(run.load_model()[0], rows["x"][: options["batch_size"]])
    found |= {score: mean_of(scores["x_test"][score]) for score in ("elbo", "log_px", "kl")}
    if kind == "ecg":
        normal, unusual = (anomaly_scores(scores[part], scores["x_test"]) for part in TESTED)
        return found | {"auroc": detection({s: (normal[s], unusual[s]) for s in SCORES}, of_best(rows))}
    mu = {part: model.encode(x)[0] for part, x in rows.items()}
    found["active"] = int((mu["x_test"].var(axis=0) > ACTIVE).sum())
    return found | probes(mu["x"], mu["x_test"], folder)


def seconds_of_step(model, x):
    """The least time of one core that a step of training takes on rows x, of some; it trains the model."""
    step, times = training_step(model, x), []
    for i in range(STEPS_TIMED):
        began = time.process_time()
        step(i)
        times.append(time.process_time() - began)
    return min(times)


def of_seeds(name, found):
    """What was measured of the finished runs of a network."""
    return [found[run] for run in seeds_of(name) if run in found]


def rows_of(kind, folder):
    """{"x", "x_test", and of heartbeats "anomalies"}: all rows as they are in the files."""
    arrays = arrays_of(folder / f"{kind}.npz")
    rows = {part: arrays[part] for part in ("x", "x_test")}
    return rows | ({"anomalies": arrays_of(folder / "ecg-anomalies.npz")["x"]} if kind == "ecg" else {})


def detection(scores, best):
    """{score: [AUROC, its standard error, AUROC minus that of `best`, its standard error]}.

    `scores` are {score: (normal (n,), anomalies (m,))}, `best` such a pair.
    """
    pairs = [*scores.values(), best]
    auroc, covariance = aurocs(*(np.stack([pair[k] for pair in pairs]) for k in (0, 1)))
    variance = np.diag(covariance) + covariance[-1, -1] - 2 * covariance[-1]  # of the difference
    errors = np.sqrt(np.diag(covariance)), np.sqrt(np.maximum(variance, 0))
    return {name: [float(a[i]) for a in (auroc, errors[0], auroc - auroc[-1], errors[1])]
            for i, name in enumerate(scores)}  # fmt: skip


def linear_scores(x, rows, k):
    """Scores of rows under k principal components of x: squared error, and -log p(x) of probabilistic PCA."""
    pca = _pca(x, k)
    back = pca.inverse_transform(pca.transform(rows))
    return {"reconstruction": ((rows - back) ** 2).sum(axis=1), "evidence": -pca.score_samples(rows)}


def of_best(rows):
    """(of test rows, of anomalies): the squared error under the fewest components, which the others are beside."""
    return [linear_scores(rows["x"], rows[part], COMPONENTS["ecg"][0])["reconstruction"] for part in TESTED]


def linear_rows(folder):
    """{"ecg", "digits": {what it is: what a row shows of it}} of linear models of the same rows."""
    found = {"ecg": {}, "digits": {}}
    rows = rows_of("ecg", folder)
    for k in COMPONENTS["ecg"]:
        normal, unusual = (linear_scores(rows["x"], rows[part], k) for part in TESTED)
        scores = {score: (normal[score], unusual[score]) for score in normal}
        found["ecg"][f"PCA, {k} components"] = {
            "log_px": mean_of(-normal["evidence"]),
            "auroc": detection(scores, of_best(rows)),
        }
    rows = rows_of("digits", folder)
    x, test = rows["x"], rows["x_test"]
    for k in COMPONENTS["digits"]:
        pca = _pca(x, k)
        found["digits"][f"PCA, {k} components"] = {"log_px": mean_of(pca.score_samples(test))} | probes(
            pca.transform(x), pca.transform(test), folder
        )
    found["digits"]["the frames themselves"] = probes(x, test, folder)
    return found


def mean_of(values):
    """[mean, standard error]."""
    return [float(values.mean()), standard_error(values)]


def probes(codes, test, folder):
    """{"digit", "speaker": [share of test codes that a linear classifier of codes gets right, standard error]}."""
    found = {}
    for name, file in (("digit", "digits.npz"), ("speaker", "digits-speakers.npz")):
        y = arrays_of(folder / file)
        found[name] = probe(codes, y["y"], test, y["y_test"])
    return found


def probe(codes, y, test, y_test):
    """[accuracy on test, its standard error] of a logistic regression of y on codes (N, L)."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    p = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)).fit(codes, y).score(test, y_test)
    return [float(p), float((p * (1 - p) / len(test)) ** 0.5)]


def _pca(x, k):
    from sklearn.decomposition import PCA

    return PCA(k, svd_solver="full").fit(x)

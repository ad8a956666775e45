"""detection: does a model tell the rows of other data from those that it was trained on, and by which score?"""

import os
from functools import partial

import numpy as np

from ...data.inputs import read_examples
from ...data.sources import read_source
from ...evaluate import (
    anomaly_scores,
    auroc_interval,
    aurocs,
    false_positive_rate,
    row_scores,
    standard_error,
    tokens_of,
    typicality,
)
from ...finite import finite_rows
from ...plot import draw_detection
from ...tables import aligned
from ...trained import SAMPLES
from .base import Findings, classes, family

ROWS = 2000  # of each set, at most
TOGETHER = 10  # rows that are judged as one
CLASSES = 20  # of anomalies, at most


@family
def detection(case):
    """AUROC of each score, how the scores differ, and whether the likelihood fails."""
    if case.against is None:
        raise ValueError("measure: detection needs --against DATA, the rows that are to be detected")
    if case.model.labels is not None and not case.model.infers_y:
        raise ValueError(f"measure: detection needs a model of x alone, {case.run.settings['model']} is given y")
    others, y = _others(case)
    usual, usual_name = _usual(case)
    sets = {case.split: case.x, "against": others, usual_name: usual}
    for name, x in sets.items():
        if len(x) < 2:
            raise ValueError(f"{name}: expected at least 2 rows, got {len(x)}")
    chosen = [case.rng(40 + i).permutation(len(x))[:ROWS] for i, x in enumerate(sets.values())]
    x = [part[rows] for part, rows in zip(sets.values(), chosen, strict=True)]

    blind, what = ("mean_value", "mean value of a row")
    if case.run.protocol.tokens is not None:
        blind, what = ("tokens", "tokens of a line, with the end mark")
    *tested, held_out = (_row_scores(case, part) for part in x)
    normal, anomalies = (anomaly_scores(part, held_out) for part in tested)
    for scores, rows in ((normal, x[0]), (anomalies, x[1])):
        scores[blind] = _mean_values(rows) if blind == "mean_value" else tokens_of(rows)  # needs no model
    kinds = {"evidence": "log p(x)", "elbo": "ELBO", "reconstruction": "log p(x | z)"}
    best, log_p = next(pair for pair in kinds.items() if pair[0] in normal)
    figures = _figures(normal, anomalies, case.rng(44), best)
    if best == "evidence" and min(map(len, x)) >= 2 * TOGETHER:
        name = f"typicality_of_{TOGETHER}_rows"
        groups = [{name: typicality(part["log_px"], held_out["log_px"], TOGETHER)} for part in tested]
        figures |= _figures(*groups, case.rng(45))
    by_class = {}
    if y is not None and len(np.unique(y)) <= CLASSES:
        y = y[chosen[1]]
        by_class = {str(c): _figures({best: normal[best]}, {best: anomalies[best][y == c]}, case.rng(46))[best]
                    for c in np.unique(y) if (y == c).sum() > 1}  # fmt: skip
    log_ps = [-normal[best], -anomalies[best]]
    means = [{"mean": float(part.mean()), "mean_standard_error": standard_error(part)}
             for part in log_ps]  # fmt: skip

    of = [f"{len(part):,} of {len(whole):,} rows of" for part, whole in zip(x, sets.values(), strict=True)]
    lines = [
        f"normal: {of[0]} {case.split}; anomalies: {of[1]} {case.against}; typical values: {of[2]} {usual_name}",
        "AUROC: the chance that an anomaly scores above a normal row, with its 95 % interval; 0.5 is a blind score",
        *_table(figures, best),
        f"mean {log_p}: {_said(means[0], 'mean')} nats of normal rows, {_said(means[1], 'mean')} of anomalies"
        + f" (K = {SAMPLES})" * (best == "evidence" and not case.model.exact),
    ]
    if figures[best]["high"] < 0.5:
        lines.append(f"{log_p} fails: it is higher for these rows than for those of the training data (Nalisnick et "
                     "al. 2019, arXiv 1810.09136)")  # fmt: skip
    if by_class:
        lines += [f"AUROC of {best} by class of the anomalies:"]
        lines += aligned([(f"  {c}", *_auroc(part)) for c, part in by_class.items()])
    numbers = {"against": case.against, "rows": list(map(len, x)), "samples": SAMPLES, "scores": figures,
               "log_p": dict(zip(("normal", "anomalies"), means, strict=True)), "by_class": by_class}  # fmt: skip
    curves = {" ".join((_spaced(name), *_auroc(figures[name]))): (normal[name], anomalies[name]) for name in normal}
    histograms = {f"{log_p}, nats": log_ps, what: (normal[blind], anomalies[blind])}
    names = (f"normal: {case.run.protocol.name}", f"anomalies: {os.path.basename(case.against)}")
    return Findings(numbers, lines, {"detection": partial(draw_detection, histograms, curves, names)})


def _others(case):
    """(rows (N, D), classes (N,) or None) of the other data, their test split or else all, prepared as the run's."""
    source, settings, protocol = case.against, case.run.settings, case.run.protocol
    if protocol.columns is not None or protocol.tokens is not None:
        x, y = read_examples(source, "against", protocol)[0], None
    else:
        try:
            raw = read_source(source, settings["data_dir"], side=protocol.side if os.path.isdir(source) else None)
            x, y = (raw.x, raw.y) if raw.test is None else raw.test()
        except ValueError as error:
            raise ValueError(str(error).replace("data:", "against:", 1)) from None
        if raw.sha256 == protocol.sha256 or source == settings["data"]:
            raise ValueError(f"against: expected other data than the run was trained on, got {source}")
    return protocol.prepare(x, "against", settings["likelihood"]), classes(y)


def _mean_values(x):
    return np.nansum(x, axis=1, dtype="float64") / x.shape[1]


def _usual(case):
    """(normal rows that are none of the split, what they are called)."""
    if case.split != "validation" and case.data.validation is not None:
        return case.data.validation.x, "validation"
    if case.split == "train":
        raise ValueError("split: detection needs normal rows beside those of train, the run has no validation split")
    return case.train()[0], "train"


def _row_scores(case, x):
    """Scores of rows, with the same noise for every set; FloatingPointError where one is not finite."""
    scores = row_scores(case.model, x, SAMPLES, case.rng(43), progress=True)
    finite_rows(np.stack(list(scores.values()), axis=1), "rows", "scores")
    return scores


def _figures(normal, anomalies, rng, best=None):
    """{score: AUROC, interval, false positive rate and, of others than `best`, AUROC minus its}, with errors."""
    a, b = (np.stack(list(part.values())) for part in (normal, anomalies))
    auroc, covariance = aurocs(a, b)
    errors = np.sqrt(np.diag(covariance))
    names = list(normal)
    figures = {}
    for s, name in enumerate(names):
        low, high = auroc_interval(auroc[s], errors[s], min(a.shape[1], b.shape[1]))
        rate, rate_error = false_positive_rate(a[s], b[s], rng)
        figures[name] = {"auroc": auroc[s], "standard_error": errors[s], "low": low, "high": high}
        figures[name] |= {"false_positive_rate": rate, "false_positive_rate_standard_error": rate_error}
        if best not in (None, name):
            k = names.index(best)
            variance = covariance[s, s] + covariance[k, k] - 2 * covariance[s, k]
            figures[name] |= {f"minus_{best}": auroc[s] - auroc[k]}
            figures[name] |= {f"minus_{best}_standard_error": max(variance, 0) ** 0.5}  # rounding may leave -1e-20
    return {name: {what: float(number) for what, number in part.items()} for name, part in figures.items()}


def _table(figures, best):
    """Lines of the figures."""
    rows = [("score", "AUROC", "", f"minus {best}'s", "false positives where 95 % are found")]
    minus = f"minus_{best}"
    for name, part in figures.items():
        difference = _said(part, minus, "+.4f") if minus in part else ""
        rows.append((_spaced(name), *_auroc(part), difference, _said(part, "false_positive_rate", ".3f")))
    return aligned(rows, "<")


def _auroc(part):
    return f"{part['auroc']:.4f}", f"({part['low']:.4f} to {part['high']:.4f})"


def _said(part, name, digits=".2f"):
    """A figure and its standard error as people read them."""
    return f"{part[name]:{digits}} +- {part[f'{name}_standard_error']:{digits.lstrip('+')}}"


def _spaced(name):
    return name.replace("_", " ")

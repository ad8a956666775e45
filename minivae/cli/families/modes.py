"""`--measure modes`: which modes samples have, known centers or classes; where p(x) is known, log p(x) against it."""

import math
from functools import partial

import numpy as np

from ...backend import generator, to_numpy
from ...data import draw_modes, mode_centers, mode_weights, modes_entropy, modes_log_prob
from ...evaluate import (  # fmt: skip
    call_rates,
    confusion,
    corrected_share,
    has_no_prior,
    log_evidence,
    mixture_of_codes,
    mode_scores,
    mode_width,
    near_modes,
    standard_error,
)
from ...evaluate.features import BATCH, EPOCHS, fit_classifier
from ...params import replaced
from ...plot import draw_class_shares, draw_mode_samples
from ...runs import read_data
from ...tables import aligned
from .base import Findings, family
from .samples import MIXTURE, SETS, said, seen, study_of, summary

SAMPLES = 2500  # in a set, as in the literature
STEPS = 500  # of the training of the classifier, about
DRAWS = 100  # of z for each row, where log p(x) is a bound
SAYS = {
    "high_quality": "share of samples within 3 std of a center",
    "modes_found": "modes with one such sample or more",
    "modes_kept": "modes with a tenth of their probability or more",
    "kl": "nats, KL of the modes of these samples from their probabilities",
    "width": "of samples about their center, over std",
}


@family
def modes(case):
    """Of points, how many samples are near which mode; of images with classes, of which class a classifier says."""
    study = study_of(case, "modes")
    if case.model.labels is not None:
        raise ValueError(f"measure: modes needs a model that is not given y, {case.run.settings['model']} is")
    if case.run.settings["data"] == "modes":
        return _of_points(study)
    if not study.count:
        raise ValueError(f"measure: modes needs data modes, or 2 classes or more of every row, got "
                         f"{case.run.protocol.name}")  # fmt: skip
    return _of_classes(study)


def _sets(study):
    """{name: SETS sets of samples (n, D)}: as the model draws them, means of p(x | z), through a mixture of codes."""
    case = study.case
    n = SAMPLES if case.of is None else min(SAMPLES, len(case.x))

    def drawn(draws):
        return [study.sample(n, None, case.rng(90 + i), draws) for i in range(SETS)]

    sets = {"samples": drawn(study.draws)}
    if study.draws:
        means = drawn(False)
        if not np.array_equal(means[0], sets["samples"][0]):  # there is noise beside z
            sets["means"] = means
    if has_no_prior(case.model):
        with replaced(case.model, prior=mixture_of_codes(case.model, study.train.x, MIXTURE, case.seed)):
            sets["mixture"] = drawn(study.draws)
    return sets


def _notes(study, sets):
    of = {"means": "means: without the noise of p(x | z)",
          "mixture": f"mixture: z from {MIXTURE} Gaussians fitted to the codes, not from one"}  # fmt: skip
    n = len(sets["samples"][0])
    return [f"{SETS} sets of {n:,} samples, {study.what}; +- standard errors over the sets",
            *(of[name] for name in sets if name in of)]  # fmt: skip


# ---- Points


def _of_points(study):
    case, options = study.case, study.case.run.settings["modes"] or {}
    centers, std, p = mode_centers(**options), options.get("std", 0.05), mode_weights(**options)
    sets = {name: [case.run.protocol.original(x) for x in parts] for name, parts in _sets(study).items()}
    n = len(sets["samples"][0])
    own = {name: value for name, value in options.items() if name not in ("rows", "seed")}
    sets["the density"] = [draw_modes(**own, rows=n, seed=1000 + i)[0] for i in range(SETS)]
    found, shares = {}, {}
    for name, parts in sets.items():
        near = [near_modes(x, centers, std) for x in parts]
        scores = [mode_scores(m, p) for m in near]
        shares[name] = np.array([score.shares for score in scores])
        found[name] = _summary([{"high_quality": s.quality, "modes_found": s.found, "modes_kept": s.kept, "kl": s.kl,
                                 "width": mode_width(x, m, centers, std)}
                                for x, m, s in zip(parts, near, scores, strict=True)])  # fmt: skip
    table = [("", *found, ""), *((name.replace("_", " "), *(said(part, name) if name in part else "-"
             for part in found.values()), says) for name, says in SAYS.items())]  # fmt: skip
    lines = [*_notes(study, sets), f"{len(p)} modes; those of the density itself beside them", *aligned(table, "<")]
    numbers = {"rows": n, "sets": SETS, "modes": len(p), "scores": found}
    numbers["shares"] = {name: part.mean(axis=0).tolist() for name, part in shares.items()}
    if "rare" in options:
        c = options["rare"]["class"]
        part = _summary([{"share": value} for value in shares["samples"][:, c]])
        numbers["rare"] = part | {"class": c, "probability": float(p[c])}
        lines.append(f"mode {c}, rare: {100 * p[c]:.3g} % of the density, {said(part, 'share', 100)} % of the samples "
                     "lie near it")  # fmt: skip
    known = _against_the_known(study, options)
    title = f"{n:,} samples, {study.what}"
    draw = partial(draw_mode_samples, sets["samples"][0], near_modes(sets["samples"][0], centers, std) >= 0, centers,
                   partial(modes_log_prob, **own), shares["samples"], p, title)  # fmt: skip
    return Findings(numbers | known.numbers, lines + known.lines, {"modes": draw})


def _against_the_known(study, options):
    """log p(x) of the rows under the model, in the data's units, against the known one."""
    case, model, protocol = study.case, study.case.model, study.case.run.protocol
    if model.log_weights is None or model.evidence != "log p(x)":
        return Findings({}, [f"log p(x): {case.run.settings['model']} says nothing of it"])
    K = 1 if model.exact else max(1, DRAWS * model.L // model.draw_eps(case.rng(88), 1, 1).size)
    ours = log_evidence(model, study.held.x, K, case.rng(89))
    if protocol.std is not None:
        ours = ours - sum(map(math.log, protocol.std))
    known = modes_log_prob(protocol.original(study.held.x), **options)
    parts = {"log_px": ours, "known_log_px": known, "difference": ours - known}
    numbers = {}
    for name, values in parts.items():
        numbers |= {name: float(values.mean()), f"{name}_standard_error": standard_error(values)}
    numbers |= {"exact": model.exact, "draws": K, "entropy": modes_entropy(**options)}
    of = "exactly" if model.exact else f"a bound, by {K} draws of z for each row" if K > 1 else "a bound, the ELBO"
    lines = [
        f"log p(x) of {len(ours):,} {case.split} rows {said(numbers, 'log_px')} nats, {of}; known "
        f"{said(numbers, 'known_log_px')}, minus its entropy {-numbers['entropy']:.4g}",
        f"  {said(numbers, 'difference').lstrip('-')} nats {'above' if numbers['difference'] > 0 else 'below'} it, "
        "paired over the rows" + ("" if model.exact else "; what the bound misses counts, too"),
    ]
    return Findings({"log_px": numbers}, lines)


# ---- Classes


def _of_classes(study):
    """Shares of the classes by a classifier that has learned from all rows, those of a rare class among them."""
    case, C = study.case, study.count
    data = case.data if case.run.protocol.rare is None else read_data(case.run.settings | {"rare": None})
    x = data.settle(data.train.x, generator(0, "present"))[:]
    epochs = max(EPOCHS, math.ceil(STEPS * BATCH / len(x)))
    judge = fit_classifier(seen(case, x), data.train.y, case.run.protocol.shape, C, epochs=epochs, seed=case.seed)

    def called(x):
        return to_numpy(judge.head(judge.features(seen(case, x)))).argmax(axis=1)

    held = data.validation if case.split == "validation" else data.test()
    table = confusion(held.y, called(held.x[:]), C)
    rates, right = call_rates(table), float(np.trace(table) / table.sum())
    shares = np.bincount(study.train.y, minlength=C) / len(study.train.y)
    expected = shares @ rates
    sets = _sets(study)
    numbers = {"rows": len(sets["samples"][0]), "sets": SETS, "modes": C, "accuracy": right, "judge_epochs": epochs,
               "training_shares": shares.tolist(), "expected_shares": expected.tolist(), "scores": {}}  # fmt: skip
    alike = ", as if no class were rare" * (case.run.protocol.rare is not None)
    lines = [*_notes(study, sets), f"classes by a network that has learned from {len(x):,} training rows{alike}: "
             f"right for {100 * right:.4g} % of {len(held.y):,} {case.split} rows"]  # fmt: skip
    found = {}
    for name, parts in sets.items():
        scores = [mode_scores(called(x), expected) for x in parts]
        found[name] = np.array([score.shares for score in scores])
        numbers["scores"][name] = _summary([{"modes_kept": s.kept, "kl": s.kl} for s in scores])
        numbers["scores"][name] |= {"shares": found[name].mean(axis=0).tolist(),
                                    "errors": (found[name].std(axis=0, ddof=1) / SETS**0.5).tolist()}  # fmt: skip
        part = numbers["scores"][name]
        lines.append(f"{name}: {said(part, 'modes_kept')} of {C} classes with a tenth of their share or more; KL of "
                     f"the classes {said(part, 'kl') + ' nats' if 'kl' in part else 'infinite'}")  # fmt: skip
    head = ("class", "of training rows", "called so of such rows", *(f"of {name}" for name in found))
    rows = [(str(c), _percent(shares[c]), _percent(expected[c]), *(_percent(part[:, c]) for part in found.values()))
            for c in range(C)]  # fmt: skip
    lines += aligned([head, *rows], "<>")
    rare = case.run.protocol.rare
    if rare is not None:
        numbers["rare"], line = _rare(rare["class"], found["samples"], shares, expected, rates)
        lines.append(line)
    title = f"classes of {SETS} sets of {numbers['rows']:,} samples, {study.what}"
    return Findings(numbers, lines, {"modes": partial(draw_class_shares, found["samples"], expected, title)})


def _rare(c, found, shares, expected, rates):
    """(numbers, line) of the rare class, of which found (SETS, C) are the shares that are called each class."""
    others = np.where(np.arange(len(shares)) == c, 0.0, shares)
    mistaken = float(others @ rates[:, c] / others.sum())
    part = _summary([{"called": value} for value in found[:, c]])
    part |= {"class": c, "training_share": float(shares[c]), "expected": float(expected[c]),
             "right": float(rates[c, c]), "mistaken": mistaken,
             "share": corrected_share(part["called"], rates, shares, c)}  # fmt: skip
    about = ""
    if part["share"] is not None:
        about = f"; without these mistakes about {100 * max(part['share'], 0):.3g} % of the samples are of it"
    line = (f"class {c}, rare: {100 * shares[c]:.3g} % of training rows. The network calls {100 * rates[c, c]:.4g} % "
            f"of class {c} so, and {100 * mistaken:.3g} % of the others: {100 * expected[c]:.3g} % of rows as in "
            f"training, and {said(part, 'called', 100)} % of the samples{about}")  # fmt: skip
    return part, line


def _percent(values):
    """A share, or the mean of several with its standard error, in percent."""
    if np.ndim(values) == 0:
        return f"{100 * values:.2f} %"
    return f"{100 * values.mean():.2f} +- {100 * values.std(ddof=1) / len(values) ** 0.5:.2f} %"


def _summary(runs):
    """As `summary`, without what is None in one of the runs."""
    names = [name for name in runs[0] if all(run[name] is not None for run in runs)]
    return summary([{name: run[name] for name in names} for run in runs])

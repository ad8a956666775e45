"""The tables of figures.families: each number, and beside it the usual word and whether it holds here."""

from math import isfinite
from statistics import mean, stdev

from minivae.tables import four_digits, markdown

from .families_runs import BASELINE, DATA, FAMILIES, LONGER, TRAINED, options_of, parts_of
from .families_verdicts import (
    ASPECTS,
    MEASURED,
    OF,
    WORDS,
    at,
    end_of,
    failures,
    names_of,
    runs_of,
    told,
    value_of,
    verdict,
)

KINDS = {"points": [name for name, of in DATA.items() if of.kind == "points"],
         "images": [name for name, of in DATA.items() if of.kind == "images"]}  # fmt: skip
LAST = LONGER[-1]


def number(value, digits=3):
    """A number of so many digits; nothing of None."""
    return "" if value is None else f"{value:.{digits}f}" if isfinite(value) else "not finite"


def pm(pair, digits=3):
    """Mean +- standard error."""
    return "" if pair is None else f"{pair[0]:.{digits}f} +- {pair[1]:.{digits}f}"


def percent(pair):
    return "" if pair is None else f"{100 * pair[0]:.1f} +- {100 * pair[1]:.1f} %"


def rows_of(found, aspect, sets, cells, width, families=FAMILIES, above=None):
    """Rows of a table: of each set of data and family its `cells(data, family)`, the usual word, and what is here.

    `cells` gives None where the run is not there; `above(data)` are the cells of real rows.
    """
    rows = []
    for data in sets:
        if above is not None and data in found["real"]:
            rows.append((DATA[data].what, "*training rows*", *above(data), "", ""))
        for family in families:
            own = cells(data, family)
            if own is None:
                own = [f"open: `python -m figures.families --only {data}-{family}-0`", *[""] * (width - 1)]
            rows.append((DATA[data].what, FAMILIES[family].what, *own, *said(found, aspect, data, family)))
    return rows


def said(found, aspect, data, family):
    """(the usual word, what is here and whether that is it)."""
    if family not in WORDS or data not in MEASURED[aspect]:
        return "", ""
    here, ok = verdict(found, aspect, data, family)
    return str(WORDS[family][aspect]), "open" if here is None else f"{here}: {'ok' if ok else '**not**'}"


# ---- Sizes


def sizes(found):
    """Parameters of each family on each set of data, with the width that was chosen."""
    rows = [("family", *(of.what for of in DATA.values()))]
    for family in TRAINED:
        cells = []
        for data in DATA:
            row = found["rows"].get(f"{data}-{family}-0")
            cells.append("open" if row is None else f"{row['parameters']:,} ({width_of(family, data)})")
        rows.append((FAMILIES[family].what, *cells))
    budget = [f"{of.parameters:,}; {of.seconds:g} s" for of in DATA.values()]
    return markdown(*rows, ("*wanted; seconds*", *budget))


def width_of(family, data):
    """The options that a width decides, in words."""
    own = FAMILIES[family].sized(1, DATA[data].kind)
    return ", ".join(f"{name} {' '.join(map(str, options_of(family, data)[name]))}" for name in own)


# ---- Stability


def stability_table(found):
    """Spread of the number of quality over the seeds, at each rate, and the share of runs that fail."""
    head = ("data", "family", "runs that fail", "of the default rate", "a third of it", "three times", "word", "here")
    rows = [head]
    for data in (name for name, of in DATA.items() if of.stability):
        for family in TRAINED:
            runs = runs_of(found, data, family)
            if not runs:
                cells = (f"open: `python -m figures.families --only {names_of(data, family)[0]}`", "", "", "")
            else:
                failed = sum(failures(data, runs).values())
                missing = len(names_of(data, family)) - len(runs)
                count = f"{failed} of {len(runs)}" + f", {missing} open" * (missing > 0)
                cells = (count, *(seeds(runs, data, rate) for rate in ("default", "slow", "fast")))
            rows.append((DATA[data].what, FAMILIES[family].what, *cells, *said(found, "stability", data, family)))
    return markdown(*rows)


def seeds(runs, data, rate):
    """Mean and standard deviation over the seeds of a rate, of the runs that came to an end."""
    own = [row for name, row in runs.items() if parts_of(name)[2] == rate]
    ends = [row["quality"][at(row)] for row in own if at(row) is not None and row["quality"][at(row)] is not None]
    values = [value_of(data, quality) for quality in ends]
    if not values:
        return "none came to an end" if own else "open"
    wide = f" +- {stdev(values):.3g}" if len(values) > 1 else ""
    return f"{four_digits(mean(values))}{wide} ({len(values)})"


# ---- Quality and coverage


def quality_of_points(found):
    def cells_of(quality, longer=None):
        return (number(quality["near"]), number(quality["width"], 2), number(quality["precision"]),
                f"{quality['frechet_distance']:.4f}", "" if longer is None else number(longer["near"]))  # fmt: skip

    head = ("data", "family", "near a mode", "width of a mode", "precision", "Frechet distance",
            f"near a mode, {LAST:g} times the seconds", "word", "here")  # fmt: skip
    return _quality_table(found, head, "quality", KINDS["points"], cells_of, 5)


def quality_of_images(found):
    def cells_of(quality, longer=None):
        return (four_digits(quality["frechet_distance"]), number(quality["precision"]), number(quality["sharpness"], 2),
                "" if longer is None else four_digits(longer["frechet_distance"]))  # fmt: skip

    head = ("data", "family", "Frechet distance", "precision", "sharpness", f"distance, {LAST:g} times the seconds",
            "word", "here")  # fmt: skip
    return _quality_table(found, head, "quality", KINDS["images"], cells_of, 4)


def coverage_table(found):
    def cells_of(quality, longer=None):
        rare = f"{100 * quality['rare']:.1f} %" if "rare" in quality else ""
        return (number(quality["recall"]), number(quality["coverage"]), f"{quality['found']} of {quality['modes']}",
                "" if longer is None else f"{longer['found']} of {longer['modes']}", rare)  # fmt: skip

    head = ("data", "family", "recall", "coverage", "modes found", f"{LAST:g} times the seconds", "rare class", "word",
            "here")  # fmt: skip
    return _quality_table(found, head, "coverage", DATA, cells_of, 5)


def _quality_table(found, head, aspect, names, cells_of, n):
    """Cells of samples at the end and after longer, `cells_of(quality, longer)`, below those of training rows."""

    def cells(data, family):
        own = end_of(found, data, family)
        return None if own is None else cells_of(own, end_of(found, data, family, share=LAST))

    return markdown(head, *rows_of(found, aspect, names, cells, n, above=lambda data: cells_of(found["real"][data])))


def classifiers(found):
    """How well the classifier of each set of images tells its classes, and the rare one."""
    lines = []
    for data in (data for data in KINDS["images"] if "accuracy" in found["real"].get(data, {})):
        real = found["real"][data]
        line = f"- {DATA[data].what}: the classifier is right for {100 * real['accuracy']:.1f} % of held-out rows"
        if "rare" in DATA[data].options:
            line += f", and takes {100 * real['mistaken']:.2f} % of those of other classes for the rare one"
        lines.append(line + ".")
    return lines


# ---- Likelihood


def likelihood_table(found):
    def cells(data, family):
        own = end_of(found, data, family, "likelihood")
        if own is None:
            return None
        if own["kind"] == "none":
            return "", "", "", "", ""
        longer = end_of(found, data, family, "likelihood", LAST)
        part = "beside" if DATA[data].kind == "points" else "bits"
        row = found["rows"][f"{data}-{family}-0"]
        best = (max if part == "beside" else min)(range(len(row["steps"])), key=lambda i: row["likelihood"][i][part][0])
        best = f"{row['likelihood'][best][part][0]:.3f} at {row['seconds'][best]:.0f} s"
        cell = (pm(own["beside"]), "") if part == "beside" else ("", pm(own["bits"]))
        return (pm(own["nats"], 2), *cell, pm(longer[part]) if longer else "", best)

    head = ("data", "family", "log p(x), nats", "less the known log p(x)", "bits per dimension",
            f"the same, {LAST:g} times the seconds", "best on the way", "word", "here")  # fmt: skip
    return markdown(head, *rows_of(found, "likelihood", DATA, cells, 5))


# ---- What z is like, and cost


def structure_table(found):
    def cells(data, family):
        own = found["rows"].get(f"{data}-{family}-0", {}).get("structure")
        if own is None:
            return None
        return (
            percent(own["probe"]) or "no code",
            percent(own["pixels"]),
            percent(own["prior_probe"]),
            number(own["jump"]),
            *(f"{100 * own[what]:.1f} %" for what in ("unlike", "unlike_between")),
        )

    head = ("data", "family", "probe of codes", "probe of the rows", "probe of draws", "longest step of a walk",
            "unlike the data", "halfway", "word", "here")  # fmt: skip
    return markdown(head, *rows_of(found, "structure", DATA, cells, 6))


def cost_table(found):
    def cells(data, family):
        row = found["rows"].get(f"{data}-{family}-0")
        if row is None or "cost" not in row:
            return None
        mark, own = at(row), row["cost"]
        step = "closed form" if family == BASELINE else f"{own['step']:.2f}"
        return (f"{row['seconds'][mark]:.1f}", f"{row['steps'][mark]:,}", step, f"{own['sample']:.3g}",
                f"{own['memory']:.1f}")  # fmt: skip

    head = ("data", "family", "seconds", "steps", "ms of a step", "ms of a sample", "MB of a step", "word", "here")
    return markdown(head, *rows_of(found, "efficiency", DATA, cells, 5))


def ways_table(found):
    """Other ways to sample from models that are above, beside the same measures."""
    rows = [("data", "way", "near a mode", "Frechet distance", "precision", "recall", "ms of a sample")]
    for data in DATA:
        for row in (found["rows"].get(f"{data}-{family}-0", {}) for family in TRAINED):
            for way, own in row.get("ways", {}).items():
                rows.append((DATA[data].what, way, number(own.get("near")), four_digits(own["frechet_distance"]),
                             number(own["precision"]), number(own["recall"]), f"{own['sample']:.3g}"))  # fmt: skip
    return markdown(*rows)


# ---- All words


def words_table(found):
    """Each word, and on how many of the sets of data it holds."""
    rows = [("family", *ASPECTS.values())]
    for family in TRAINED:
        cells = []
        for aspect in ASPECTS:
            ok, known = told(found, aspect, family)
            cells.append(f"{WORDS[family][aspect]}: {f'{ok} of {known}' if known else 'open'}")
        rows.append((FAMILIES[family].what, *cells))
    return markdown(*rows)


def limits():
    """What each word takes, as the functions say it."""
    return [f"- {ASPECTS[aspect]}: {' '.join(OF[aspect].__doc__.split())}" for aspect in ASPECTS]

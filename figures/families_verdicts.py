"""The words of the usual comparison of families of generative models, and what the numbers of figures.families say.

A word here is a function of numbers, with the limits that its docstring says. None: a run that it needs is not there.
"""

import math
from typing import NamedTuple

from .families_runs import BASELINE, DATA, RUNS, TRAINED, parts_of

ASPECTS = {
    "stability": "training stability",
    "quality": "sample quality",
    "likelihood": "likelihood",
    "structure": "latent structure",
    "efficiency": "efficiency",
    "coverage": "mode coverage",
}


class Word(NamedTuple):
    """What is said of a family: words each of which would do, and what its samples are said to look like."""

    words: tuple
    look: str | None = None
    says: str | None = None  # where it is said in other words

    def __str__(self):
        return self.says or " or ".join(self.words) + (f", {self.look}" if self.look else "")


WORDS = {  # the usual ones
    "vae": {"stability": Word(("high",)), "quality": Word(("moderate",), "blurry"),
            "likelihood": Word(("approximate",)), "structure": Word(("high",)), "efficiency": Word(("high",)),
            "coverage": Word(("high",))},
    "gan": {"stability": Word(("low",)), "quality": Word(("high",), "sharp"), "likelihood": Word(("none",)),
            "structure": Word(("moderate",)), "efficiency": Word(("moderate",)), "coverage": Word(("low",))},
    "ae": {"stability": Word(("high",)), "quality": Word(("low",)), "likelihood": Word(("none",)),
           "structure": Word(("low",)), "efficiency": Word(("high",)),
           "coverage": Word(("low",), says="none, not generative")},
    "nvp": {"stability": Word(("moderate",)), "quality": Word(("moderate", "high")), "likelihood": Word(("exact",)),
            "structure": Word(("moderate", "high")), "efficiency": Word(("moderate",)), "coverage": Word(("high",))},
    "ddpm": {"stability": Word(("high",)), "quality": Word(("very high",)), "likelihood": Word(("approximate",)),
             "structure": Word(("low",)), "efficiency": Word(("low",)), "coverage": Word(("high",))},
}  # fmt: skip
KINDS = {"exact": "exact", "bound": "approximate", "none": "none"}
SHARP = 0.8, 1.25  # of the sharpness of real images: below is blurry, above is grain
BEYOND = 4  # standard errors that log p(x) may lie above the known one


IMAGES = [name for name, of in DATA.items() if of.kind == "images"]
MEASURED = {  # on which sets of data a word is measured
    "stability": [name for name, of in DATA.items() if of.stability],
    "structure": IMAGES,  # modes lie apart: a walk between them must jump, or pass where nothing is
} | {aspect: list(DATA) for aspect in ("quality", "likelihood", "efficiency", "coverage")}


def at(row, share=1.0):
    """The number of the mark of a run at that share of its seconds; None where it has none."""
    return row["marks"].index(share) if share in row["marks"] else None


def end_of(found, data, family, part="quality", share=1.0):
    """What is measured of a main run at a share of its seconds; None where it is not there, or nothing finite."""
    row = found["rows"].get(f"{data}-{family}-0")
    if row is None or at(row, share) is None:
        return None
    return row[part][at(row, share)]


def value_of(data, quality):
    """The one number of quality: of points the share near a mode, of images the Frechet distance."""
    return quality["near" if DATA[data].kind == "points" else "frechet_distance"]


def holds(word, measured):
    """Whether what is measured, (word, look), is what is said."""
    level, look = measured
    return level in word.words and word.look in (None, look)


# ---- Each aspect: (word, look or None) of a family on a set of data; None where it is open


def stability(found, data, family):
    """high: no run fails, and all lie within half of their median; low: a fifth or more fail, or two medians apart."""
    runs = runs_of(found, data, family)
    if len(runs) < len(names_of(data, family)):
        return None
    failed = failures(data, runs)
    share = sum(failed.values()) / len(runs)
    wide = spread([value_of(data, row["quality"][at(row)]) for name, row in runs.items() if not failed[name]])
    if share >= 0.2 or wide > 2:
        return "low", None
    return ("high" if share == 0 and wide <= 0.5 else "moderate"), None


def names_of(data, family):
    return [name for name in RUNS if parts_of(name)[:2] == (data, family)]


def runs_of(found, data, family):
    return {name: found["rows"][name] for name in names_of(data, family) if name in found["rows"]}


def spread(values):
    """The largest less the smallest, over the median; infinite of no values."""
    ordered = sorted(values)
    return (ordered[-1] - ordered[0]) / ordered[len(ordered) // 2] if ordered else math.inf


def failures(data, runs):
    """{run: whether it failed}: no finite loss or samples; fewer than half of the modes or classes among its samples;
    or of images a Frechet distance above three times the median of the family's runs."""
    ends = {name: None if row["failed"] or at(row) is None else row["quality"][at(row)] for name, row in runs.items()}
    distances = sorted(end["frechet_distance"] for end in ends.values() if end is not None)
    most = 3 * distances[len(distances) // 2] if distances and DATA[data].kind == "images" else math.inf
    return {name: end is None or end["found"] < end["modes"] / 2 or end["frechet_distance"] > most
            for name, end in ends.items()}  # fmt: skip


def quality(found, data, family):
    """Of points the share near a mode over that of the data: very high from 0.97, high from 0.9, moderate from 0.6.

    Of images the place of the log of the Frechet distance between real rows, 0, and the linear baseline, 1: very high
    up to 1/6, high up to 1/3, moderate up to 2/3.
    """
    own = end_of(found, data, family)
    real = found["real"].get(data)
    if own is None or real is None:
        return None
    if DATA[data].kind == "points":
        share = own["near"] / real["near"]
        limits = {"very high": 0.97, "high": 0.9, "moderate": 0.6}
        return next((word for word, least in limits.items() if share >= least), "low"), look_of_points(own)
    position = place(found, data, own)
    if position is None:
        return None
    limits = {"very high": 1 / 6, "high": 1 / 3, "moderate": 2 / 3}
    return next((word for word, most in limits.items() if position <= most), "low"), look(own["sharpness"])


def place(found, data, own):
    """Where a Frechet distance lies between real rows and the linear baseline, in logs."""
    baseline, real = end_of(found, data, BASELINE), found["real"].get(data)
    if baseline is None or real is None:
        return None
    a, b = (math.log(of["frechet_distance"]) for of in (real, baseline))
    return (math.log(own["frechet_distance"]) - a) / (b - a)


def look(ratio):
    return "blurry" if ratio < SHARP[0] else "sharp" if ratio <= SHARP[1] else "grainy"


def look_of_points(own):
    """Points whose modes are wider than the truth are blurred, in their way."""
    return None if own["width"] is None else look(1 / own["width"])


def likelihood(found, data, family):
    """Exact, approximate or none, as the model says; "too high" of points where it is above the known log p(x)."""
    own = end_of(found, data, family, "likelihood")
    if own is None:
        return None
    if "beside" in own and own["beside"][0] > BEYOND * own["beside"][1]:
        return "too high", None
    return KINDS[own["kind"]], None


def structure(found, data, family):
    """high: at most a tenth of the prior decodes to what is unlike the data, and the longest of 15 steps of a walk is
    at most a fifth of it; low: above four tenths of either; of models with an encoder high also needs a linear probe
    of codes within 0.05 of that of the rows."""
    row = found["rows"].get(f"{data}-{family}-0")
    if row is None or "structure" not in row:
        return None
    own = row["structure"]
    jump = 1.0 if own["jump"] is None else own["jump"]
    if own["unlike"] > 0.4 or jump > 0.4:
        return "low", None
    told = own["probe"] is None or own["probe"][0] >= own["pixels"][0] - 0.05
    return ("high" if own["unlike"] <= 0.1 and jump <= 0.2 and told else "moderate"), None


def efficiency(found, data, family):
    """The time of a step of training, and of a sample, over that of the fastest family: high where both are below 3,
    moderate below 30."""
    costs = {other: found["rows"].get(f"{data}-{other}-0", {}).get("cost") for other in TRAINED}
    if any(of is None for of in costs.values()):
        return None
    worst = max(costs[family][what] / min(of[what] for of in costs.values()) for what in ("step", "sample"))
    return ("high" if worst <= 3 else "moderate" if worst <= 30 else "low"), None


def coverage(found, data, family):
    """high: all modes or classes are found, and coverage is at least 0.7 of that of real rows; low: fewer than three
    quarters of the modes, or coverage below 0.35 of that; not high where less than half of a rare class is there."""
    own, real = end_of(found, data, family), found["real"].get(data)
    if own is None or real is None:
        return None
    modes, share = own["found"] / own["modes"], own["coverage"] / real["coverage"]
    if modes < 0.75 or share < 0.35:
        return "low", None
    kept = "rare" not in own or own["rare"] >= DATA[data].options["rare"]["share"] / 2
    return ("high" if modes == 1 and share >= 0.7 and kept else "moderate"), None


OF = {"stability": stability, "quality": quality, "likelihood": likelihood, "structure": structure,
      "efficiency": efficiency, "coverage": coverage}  # fmt: skip


def verdict(found, aspect, data, family):
    """(word here, whether what is said holds) or (None, None) where it is open, or nothing is said."""
    measured = OF[aspect](found, data, family) if family in WORDS and data in MEASURED[aspect] else None
    if measured is None:
        return None, None
    level, seen = measured
    said = WORDS[family][aspect]
    return level + (f", {seen}" if seen and said.look else ""), holds(said, measured)


def told(found, aspect, family):
    """(on how many sets of data the word holds, on how many that is known)."""
    marks = [verdict(found, aspect, data, family)[1] for data in DATA]
    known = [mark for mark in marks if mark is not None]
    return sum(known), len(known)

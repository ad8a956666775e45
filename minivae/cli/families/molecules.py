"""`--measure molecules`: are lines that are drawn molecules, different ones, new ones, and like those held out?"""

from functools import partial

import numpy as np

from ...backend import generator
from ...evaluate import molecule_measures, standard_error
from ...evaluate.molecules import PROPERTIES, Share, canonical, properties
from ...evaluate.molecules import molecules as read_lines
from ...plot import draw_molecules
from ...tables import aligned
from ...trained import Trained
from .base import Findings, family

SAMPLES = 1000  # and held-out lines, at most
TRIED, MOST = 200, 0.5  # training lines of which so large a share must be molecules
SHOWN, COLUMNS = 20, 5
SAYS = {
    "validity": "samples that are molecules; their tokens are drawn",
    "uniqueness": "molecules among them that are different",
    "novelty": "different ones that are not in the training split",
    "reconstruction": "{split} lines that come back from their code as the same molecule",
    "reconstruction_validity": "{split} lines that come back as a molecule, the same or not",
}


@family
def molecules(case):
    """Validity, uniqueness, novelty of samples; their properties beside those of held-out lines; reconstruction."""
    run, n = case.run, SAMPLES
    check_molecules(run, case.data, "measure: molecules")
    trained = Trained(case.model, run.protocol, run.settings["likelihood"])
    made, held = trained.sample(n, case.seed, draw=True), run.protocol.original(case.x[:n])
    found = molecule_measures(made, run.protocol.original(case.data.train.x))
    if case.model.latent is not None:
        back = canonical(trained.through(case.x[:n], None))
        same = [a is not None and a == b for a, b in zip(canonical(held), back, strict=True)]
        found |= {"reconstruction": Share(sum(same), len(same)),
                  "reconstruction_validity": Share(sum(a is not None for a in back), len(back))}  # fmt: skip
    shares = [(name.replace("_", " "), share.said(), SAYS[name].format(split=case.split))
              for name, share in found.items()]  # fmt: skip
    numbers = {"samples": n} | {name: share.to_json() for name, share in found.items()}
    numbers["properties"], table = _properties({"samples": made, case.split: held})
    drawn = [line for line in made if canonical([line]) != [None]][:SHOWN]
    pictures = {}
    if drawn:
        title = f"the first {len(drawn)} molecules of {n:,} samples"
        pictures["molecules"] = partial(draw_molecules, read_lines(drawn), _texts(drawn), COLUMNS, title)
    return Findings(numbers, [*aligned(shares, "<"), *table], pictures)


def check_molecules(run, data, who):
    """ValueError unless the run is of lines, of which most are molecules; `who` needs them."""
    if run.protocol.tokens is None:
        raise ValueError(f"{who} needs lines of text that are molecules, the run is of {run.settings['data']}")
    x = data.train.x
    rows = generator(0, "evaluate", 70).permutation(len(x))[:TRIED]
    valid = sum(smiles is not None for smiles in canonical(run.protocol.original(x[rows])))
    if valid < MOST * len(rows):
        raise ValueError(f"{who} needs lines that are molecules in SMILES; of {len(rows)} training lines {valid} are")


def _properties(lines):
    """(numbers, lines for people) of what molecules among {name: lines} are like on average."""
    values = {(name, kind): properties(part, name) for name in PROPERTIES for kind, part in lines.items()}
    values = {key: part[np.isfinite(part)] for key, part in values.items()}
    numbers = {name: {kind: _moments(values[name, kind]) for kind in lines} for name in PROPERTIES}
    rows = [("", *(f"{kind}: mean  deviation" for kind in lines))]
    rows += [(title, *(_said(numbers[name][kind]) for kind in lines)) for name, title in PROPERTIES.items()]
    return numbers, aligned(rows, "<>")


def _moments(values):
    """Mean with its error, and deviation; None each where there is no value."""
    if not len(values):
        return dict.fromkeys(("mean", "standard_error", "deviation"))
    return {"mean": float(values.mean()), "standard_error": standard_error(values), "deviation": float(values.std())}


def _said(moments):
    if moments["mean"] is None:
        return "-"
    return f"{moments['mean']:.3f} +- {moments['standard_error'] or 0:.3f}  {moments['deviation']:.3f}"


def _texts(lines):
    """What stands below drawn molecules."""
    both = zip(properties(lines, "logp"), properties(lines, "qed"), strict=True)
    return [f"log P {logp:.2f}, QED {qed:.2f}" for logp, qed in both]

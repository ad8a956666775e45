"""minivae climb: codes of molecules moved to where a property is predicted higher, and what is decoded there."""

from typing import NamedTuple

import numpy as np

from .. import evaluate
from ..backend import generator
from ..evaluate import fit_predictor, standard_error
from ..evaluate.climb import Whitening, even_rate, fit_linear, r_squared, random_moves
from ..evaluate.molecules import PROPERTIES, Share, molecules, properties
from ..options import real, whole
from ..plot import draw_molecules
from ..tables import aligned, four_digits
from ..trained import Trained
from .base import argument
from .decoding import codes
from .drawing import drawing
from .families.molecules import check_molecules

TRAIN, HELD = 10_000, 1_000  # molecules that the prediction learns from, and that it is tested on, at most
NEAR = 0.5  # of the distance of codes from their mean: how far one may go, where nothing else is said
SHOWN = 6
TOPS = ("held out", "reconstructed", "climbed")


@drawing(
    "climb.png",
    argument("--property", default="logp", choices=PROPERTIES, help=f"{', '.join(PROPERTIES)} (default: logp)"),
    argument("--steps", default="20", metavar="N", help="along the gradient (default: 20)"),
    argument("--limit", metavar="R", help="farthest from where a code began, in standard deviations of codes (default: "
             "half as far as codes are from their mean)"),
    argument("--n", default="200", metavar="N", help="at most so many held-out molecules (default: 200)"),
    argument("--seed", default="0", metavar="N", help="of all that is random here (default: 0)"),
    lines=(),
)  # fmt: skip
def climb(run, path, property, steps, limit, n, seed):
    """Move codes of held-out molecules along the gradient of a predicted property: print before and after, draw both.

    The prediction is a small network that learns from codes of the training split. Beside it, as a control, the codes
    move as far in random directions.
    """
    steps, n, seed = whole(1, 1000)("steps", steps), whole(1, HELD)("n", n), whole(0)("seed", seed)
    limit = None if limit is None else real()("limit", limit)
    model, _ = run.load_model()
    data = run.read_data()
    check_molecules(run, data, "run: climb")
    if model.latent not in ("gaussian", "point"):
        raise ValueError(f"run: climb needs latents that are numbers, which the model {run.settings['model']} lacks")
    split = data.test() if data.has_test else data.validation
    if split is None:
        raise ValueError(f"run: climb needs held-out molecules, {run.path} has no test and no validation split")
    train = _known(run, path, model, data.train.x, property, generator(seed, "evaluate", 71), TRAIN)
    held = _known(run, path, model, split.x, property, generator(seed, "evaluate", 72), HELD)
    if len(held.lines) < 2:
        raise ValueError(f"run: climb needs 2 held-out molecules or more, {run.path} has {len(held.lines)}")
    scale = Whitening.of(train.z)
    u, u_held = scale.whitened(train.z), scale.whitened(held.z)
    try:
        predictor, linear = fit_predictor(u, train.values, seed=seed), fit_linear(u, train.values)
    except ValueError as error:
        raise ValueError(f"run: {error}") from None
    start, lengths = u_held[:n], np.linalg.norm(u, axis=1)
    limit, largest = NEAR * float(lengths.mean()) if limit is None else limit, float(lengths.max())
    way = evaluate.climb(predictor, start, steps, even_rate(predictor, start, steps, limit), limit, largest)
    far = np.linalg.norm(way[-1] - start, axis=1)
    ends = {"reconstructed": start, "half the way": way[(steps + 1) // 2], "climbed": way[-1],
            "moved at random": random_moves(start, far, generator(seed, "evaluate", 73), largest)}  # fmt: skip
    trained = Trained(model, run.protocol, run.settings["likelihood"])
    decoded = {"held out": held.lines[:n]}
    decoded |= {what: trained.decode(scale.codes(part)) for what, part in ends.items()}
    predicted = {what: predictor.predict(part).mean() for what, part in ends.items()}
    scores = [four_digits(r_squared(held.values, f(u_held))) for f in (predictor.predict, linear)]
    print(f"{PROPERTIES[property]} of {len(start)} held-out molecules; their codes go {steps} steps along the gradient "
          f"of its prediction, {far.mean():.2f} far on average, {limit:.2f} at most")  # fmt: skip
    print(*_table(property, decoded, predicted), sep="\n")
    print(f"R^2 of the prediction {scores[0]}, of a linear regression {scores[1]}, on {len(u_held):,} held-out "
          f"molecules; both learned from {len(u):,} of training")  # fmt: skip
    print("change: from the reconstruction, where both are molecules; +-: standard errors over molecules")
    print(f"distances are in standard deviations of the codes, which are {lengths.mean():.2f} from their mean")
    _draw(property, [decoded[what][:SHOWN] for what in TOPS], path)


class Known(NamedTuple):
    """Molecules as lines of text, their codes z (n, L), and a property (n,)."""

    lines: list
    z: np.ndarray
    values: np.ndarray


def _known(run, path, model, x, name, rng, most):
    """The molecules among at most so many rows x (N, T), chosen at random."""
    x = x[rng.permutation(len(x))[:most]]
    lines = run.protocol.original(x)
    values = properties(lines, name)
    rows = np.flatnonzero(np.isfinite(values))
    return Known([lines[i] for i in rows], codes(path, model, x[rows], None), values[rows])


def _table(name, decoded, predicted):
    """Lines of {what: lines of text}: how many are molecules, their property, its change, what was predicted."""
    values = {what: properties(lines, name) for what, lines in decoded.items()}
    before = values["reconstructed"]
    rows = [("", "valid", PROPERTIES[name], "change", "in", "predicted")]
    for what, found in values.items():
        valid = np.isfinite(found)
        both = valid & np.isfinite(before)
        change = "" if what in ("held out", "reconstructed") else _mean((found - before)[both], "+")
        share = Share(int(valid.sum()), len(valid))
        rows.append((what, f"{share.value:.3f} +- {share.standard_error:.3f}", _mean(found[valid]), change,
                     both.sum() if change else "", f"{predicted[what]:.2f}" if what in predicted else ""))  # fmt: skip
    return aligned(rows, "<>")


def _mean(values, sign="-"):
    """Mean and standard error for people."""
    return f"{values.mean():{sign}.2f} +- {standard_error(values) or 0:.2f}" if len(values) else "-"


def _draw(name, columns, path):
    """A row for each held-out molecule: itself, its reconstruction, and what the climb comes to."""
    lines = [line for row in zip(*columns, strict=True) for line in row]
    texts = [f"{PROPERTIES[name]} {value:.2f}" if np.isfinite(value) else f"no molecule: {line}"
             for line, value in zip(lines, properties(lines, name), strict=True)]  # fmt: skip
    draw_molecules(molecules(lines), texts, len(TOPS), f"a climb of {PROPERTIES[name]}", path, TOPS)

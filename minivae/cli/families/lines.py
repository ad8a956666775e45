"""`--measure lines`: what z says of each place of lines of text, how they come back, and what samples are like."""

from functools import partial

import numpy as np

from ...backend import to_numpy
from ...data.vocabulary import TOKENS
from ...evaluate import edit_distances, line_shares, place_kl, standard_error, tokens_of
from ...evaluate.molecules import Share
from ...plot import draw_place_kl
from ...tables import aligned
from .base import Findings, family

LINES, DRAWS = 200, 100  # random lines whose places are measured, at most; draws from the prior for each
ROWS = 2000  # first lines that are reconstructed, and samples, at most
SHOWN = 8  # places, for people
LIKELIEST = "each token the likeliest given those before it"


@family
def lines(case):
    """KL of each place, reconstructions, and samples of a model of lines of text; without a z, samples."""
    if case.run.protocol.tokens is None:
        raise ValueError(f"measure: lines needs lines of text, {case.run.protocol.name} is none")
    findings = Findings({}, [])
    parts = [_samples] if case.model.latent is None else [_reconstructions, _places, _samples]
    for part in parts:
        found = part(case)
        findings.numbers |= found.numbers
        findings.lines += found.lines
        findings.pictures |= found.pictures
    return findings


def _reconstructions(case):
    x = np.asarray(case.x[:ROWS])
    x_hat = to_numpy(case.model.reconstruct(x))
    tokens, edits = tokens_of(x), edit_distances(x, x_hat)
    reached = np.arange(x.shape[1]) < tokens[:, None]
    exact, right = Share(int((edits == 0).sum()), len(x)), Share(int((reached & (x == x_hat)).sum()), int(tokens.sum()))
    distance, error = float(edits.mean()), standard_error(edits)
    numbers = {"exact": exact.to_json(), "tokens": right.value, "edit_distance": distance,
               "edit_distance_standard_error": error}  # fmt: skip
    lines = [
        f"of {len(x):,} lines come back from mu, {LIKELIEST}, as they are: {exact.said()}",
        f"  tokens that stand where they were: {right.value:.3f}; tokens to put in, take out or change in a line: "
        f"{distance:.2f}" + ("" if error is None else f" +- {error:.2f}"),
    ]
    return Findings({"reconstructions": numbers}, lines)


def _places(case):
    rows = np.sort(case.rng(80).permutation(len(case.x))[:LINES])
    found = place_kl(case.model, np.asarray(case.x[rows]), DRAWS, case.rng(81))
    total, error = float(found.of_line.mean()), standard_error(found.of_line)
    of_places = {name: [None if np.isnan(value) else float(value) for value in getattr(found, name)]
                 for name in ("kl", "standard_error", "effective")}  # fmt: skip
    numbers = {"lines": len(rows), "draws": DRAWS, "of_line": total, "of_line_standard_error": error,
               "reached": found.reached.tolist()} | of_places  # fmt: skip
    said = f"{total:.2f}" + ("" if error is None else f" +- {error:.2f}")
    some = min(SHOWN, len(found.kl))
    lines = [
        f"KL(p(x_t | x_<t, z) || p(x_t | x_<t)), z from q(z | x), in all places of a line: {said} nats, "
        f"{len(rows)} lines",
        f"  in the first {some} places: {'  '.join(f'{kl:.2f}' for kl in found.kl[:some])}",
        f"  p(x_t | x_<t) by {DRAWS} draws from the prior, of which at the last of these places "
        f"{found.effective[some - 1]:.1f} count; where few do, it is too near to one of them",
    ]
    draw = partial(draw_place_kl, found, title=f"what z says of each place, {len(rows)} {case.split} lines")
    return Findings({"places": numbers}, lines, {"lines": lambda path: draw(path=path)})


def _samples(case):
    model, n = case.model, min(ROWS, len(case.x))
    made = {"drawn": model.sample(n, case.rng(82), draw=case.rng(83))}
    if model.latent is not None:
        made["likeliest"] = model.sample(n, case.rng(82))
    sets = {name: to_numpy(x) for name, x in made.items()} | {case.split: np.asarray(case.x[:n])}
    trained_on = np.asarray(case.train()[0][:])
    found = {name: line_shares(x, trained_on) for name, x in sets.items()}
    one = TOKENS[case.run.protocol.tokens].one
    rows = [
        (f"{n:,} lines", *found, ""),
        ("different", *(_share(part.different) for part in found.values()), ""),
        ("new", *(_share(part.new) for part in found.values()), "of these, no line of the training split"),
        ("length", *(f"{part.tokens:.2f} +- {part.tokens_standard_error or 0:.2f}" for part in found.values()),
         f"{one}s, with the end mark"),
    ]  # fmt: skip
    numbers = {name: {"different": part.different.to_json(), "new": part.new.to_json(), "tokens": part.tokens,
                      "tokens_standard_error": part.tokens_standard_error} for name, part in found.items()}  # fmt: skip
    what = f"samples: drawn token by token{'' if model.latent is None else ', or ' + LIKELIEST}"
    return Findings({"samples": numbers | {"lines": n}}, [what, *("  " + line for line in aligned(rows, "<"))])


def _share(share):
    return "-" if not share.of else f"{share.value:.3f} +- {share.standard_error:.3f}"

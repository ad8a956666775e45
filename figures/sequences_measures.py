"""What is measured of the runs of figures.sequences: numbers and lines, all that the page says of a run."""

import math
from typing import NamedTuple

import numpy as np

from minivae.backend import generator
from minivae.data import Protocol
from minivae.data.expressions import log_prob
from minivae.evaluate import (
    climb,
    codes,
    fit_predictor,
    interpolate,
    line_shares,
    log_evidence,
    molecule_measures,
    perplexity,
    place_kl,
    posteriors,
    sampled_evidence,
    standard_error,
    tokens_of,
)
from minivae.evaluate.climb import Whitening, even_rate, fit_linear, r_squared, random_moves
from minivae.evaluate.molecules import Share, canonical, properties
from minivae.models import Model
from minivae.trained import Trained

from .variants_runs import run_of

K = 100  # samples of z for log p(x) of a line, and draws from the prior for the KL of a place
SOME = 250  # test lines of log p(x) where lines or vocabularies are long
SAMPLES = 5000
SHOWN = 10  # samples that the page shows
PLACES = 100  # lines of the KL of each place
GROUPS = {"tokens": (4, 6, 10, 16, 24, 42), "parentheses": (0, 1, 2, 3, 4)}  # of expressions: the least of each group
STEPS, CLIMBERS = 20, 200
LIMITS = (0.25, 0.5, 1.0)  # of a climb, of the mean distance of a code from the mean code
LEARNED = 10_000  # molecules that predictions learn from
DRAWN = 1.0, 6  # the climb and the molecules of the picture
NAMED = ("catherine", "william", "zoe")  # whose neighbors are shown
WALKS = (("ana", "christopher"), ("emma", "oliver"), ("zara", "benjamin"))
STOPS = 7  # of a walk, its ends among them


class Case(NamedTuple):
    """A model, what makes rows of lines, and rows x (N, T) of the splits."""

    model: Model
    protocol: Protocol
    train: np.ndarray
    held: np.ndarray
    test: np.ndarray

    @property
    def trained(self):
        return Trained(self.model, self.protocol, "tokens")


def measured(name, options, folder):
    """(what the page says of a finished run, log p(x) (N,) of the test lines that it is measured on)."""
    run = run_of(name, options, folder)
    model, _ = run.load_model()
    data = run.read_data()
    case = Case(model, run.protocol, data.train.x, data.validation.x, data.test().x)
    row, log_px = OF[options["data"]](case)
    about = {"options": options, "parameters": model.theta.size, "n_train": len(case.train),
             "n_test": len(case.test), "seconds": sum(line["seconds"] for line in run.finished())}  # fmt: skip
    return about | row, log_px


def likelihood(model, x):
    """({name: number}, log p(x) (N,)) of lines x (N, T): exact of a language model, of a VAE a bound by K samples."""
    found, tokens = {}, tokens_of(x)
    if model.latent is None:
        log_px = log_evidence(model, x, 1, generator(0, "evaluate"))
    else:
        evidence = sampled_evidence(model, x, K, generator(0, "evaluate", 1), progress=True)
        log_px = evidence.log_px
        found = {"elbo": mean_of(evidence.elbo), "kl": mean_of(evidence.kl)}
    return found | {"rows": len(x), "tokens": float(tokens.mean()), "nll": mean_of(-log_px),
                    "perplexity": list(perplexity(log_px, tokens))}, log_px  # fmt: skip


def mean_of(values):
    """[mean, standard error]; None each of no values."""
    return [float(np.mean(values)), standard_error(np.asarray(values))] if len(values) else [None, None]


def some(x):
    """At most `SOME` of the rows x, evenly spaced."""
    return x[:: max(1, len(x) // SOME)][:SOME]


def places(case):
    """KL of each place, of the first test lines: {name: list}."""
    found = place_kl(case.model, case.test[:PLACES], K, generator(0, "evaluate", 2))
    error = [None if np.isnan(value) else float(value) for value in found.standard_error]
    return {"kl": found.kl.tolist(), "error": error, "reached": found.reached.tolist()}


# ---- Expressions: what is true of each line is known


def of_expressions(case):
    found, log_px = likelihood(case.model, case.test)
    lines = case.protocol.original(case.test)
    truth = np.array([log_prob(line) for line in lines])
    counts = {"tokens": tokens_of(case.test), "parentheses": np.array([line.count("(") for line in lines])}
    made = case.trained.sample(SAMPLES, 0, draw=True)
    grammatical = [math.isfinite(log_prob(line)) for line in made]
    found |= {"truth": mean_of(-truth), "excess": mean_of(truth - log_px), "samples": made[:SHOWN],
              "groups": {what: grouped(truth - log_px, of, GROUPS[what]) for what, of in counts.items()},
              "grammatical": Share(sum(grammatical), len(grammatical)).to_json()}  # fmt: skip
    if case.model.latent is not None:
        found["places"] = places(case)
    return found, log_px


def grouped(excess, counts, least):
    """[{mean count, lines, excess [mean, standard error]}] of groups of lines, each from its `least` to the next."""
    groups = np.searchsorted(least, counts, side="right")
    rows = [np.flatnonzero(groups == i) for i in range(1, len(least) + 1)]
    return [{"count": float(counts[i].mean()), "lines": len(i), "excess": mean_of(excess[i])} for i in rows if len(i)]


# ---- Names


def of_names(case):
    found, log_px = likelihood(case.model, case.test)
    rng, draw = generator(0, "sample"), generator(0, "sample", 1)
    made = case.model.sample(SAMPLES, rng, draw=draw)
    shares, known = line_shares(made, case.train), set(map(bytes, case.train))
    new, held = ({*map(bytes, x)} - known for x in (made, np.concatenate((case.held, case.test))))
    seen = sum(bytes(row) in known for row in case.test)
    found |= {"different": shares.different.to_json(), "new": shares.new.to_json(),
              "held": Share(len(new & held), len(new)).to_json(), "seen": seen,
              "made_tokens": [shares.tokens, shares.tokens_standard_error],
              "samples": case.protocol.original(made[: 2 * SHOWN])}  # fmt: skip
    if case.model.latent is not None:
        found |= {"walks": walks(case, WALKS), "neighbors": neighbors(case, NAMED), "places": places(case)}
    return found, log_px


def walks(case, pairs):
    """The lines of a walk from mu to mu for each pair of lines."""
    mu, _ = case.trained.encode([line for pair in pairs for line in pair])
    z = interpolate(mu[::2], mu[1::2], STOPS)  # (pairs, STOPS, L)
    lines = case.trained.decode(z.reshape(-1, z.shape[-1]))
    return [lines[i : i + STOPS] for i in range(0, len(lines), STOPS)]


def neighbors(case, lines):
    """The different training lines whose means are nearest to those of these lines, a list for each."""
    x = np.unique(case.train, axis=0)
    known, _ = posteriors(case.model, x)
    mu, _ = case.trained.encode(list(lines))
    near = [np.argsort(((known - own) ** 2).sum(axis=1), kind="stable")[:SHOWN] for own in mu]
    return [case.protocol.original(x[rows]) for rows in near]


# ---- Molecules


def of_molecules(case):
    found, log_px = likelihood(case.model, some(case.test))
    trained_on = case.protocol.original(case.train)
    made = case.trained.sample(SAMPLES, 0, draw=True)
    lines = case.protocol.original(case.test)
    found |= {"drawn": shares_of(made, trained_on), "test_qed": qed_of(lines)}
    found["samples"] = [line for line in canonical(made[: 10 * SHOWN]) if line][:SHOWN]
    if case.model.latent is not None:
        found["greedy"] = shares_of(case.trained.sample(SAMPLES, 0), trained_on)
        z = codes(case.model, case.test)
        found |= reconstructed(case, lines, z)
        found["climbs"] = {name: climbs(case, name, trained_on[:LEARNED], lines, z) for name in ("logp", "qed")}
    return found, log_px


def shares_of(made, trained_on):
    """How many samples are valid, different and new, and the mean QED of the valid ones."""
    shares = {name: share.to_json() for name, share in molecule_measures(made, trained_on).items()}
    return shares | {"qed": qed_of(made)}


def qed_of(lines):
    values = properties(lines, "qed")
    return mean_of(values[np.isfinite(values)])


def reconstructed(case, lines, z):
    """How many test molecules come back from the mean of their posterior, the likeliest token at each place."""
    x_hat = case.model.decode(z)
    back, originals = canonical(case.protocol.original(x_hat)), canonical(lines)
    same = sum(a is not None and a == b for a, b in zip(originals, back, strict=True))
    valid = sum(line is not None for line in back)
    return {"same": Share(same, len(lines)).to_json(), "back_valid": Share(valid, len(lines)).to_json(),
            "accuracy": mean_of(accuracies(case.test, x_hat))}  # fmt: skip


def accuracies(x, x_hat):
    """Of each line x (N, T), its end mark included, the share of places at which x_hat has the same token."""
    counts = np.arange(x.shape[1]) < tokens_of(x)[:, None]
    return ((x == x_hat) & counts).sum(axis=1) / counts.sum(axis=1)


def climbs(case, name, trained_on, lines, z):
    """A property predicted from z, and what climbing its gradient comes to, at each of `LIMITS`, beside random moves.

    `trained_on` are the first lines of the training split, `lines` all of the test split, and z (N, L) their codes,
    which are whitened: lengths are in standard deviations. The first `CLIMBERS` of these climb.
    """
    z_known = codes(case.model, case.train[: len(trained_on)])
    scale = Whitening.of(z_known)
    known, z = scale.whitened(z_known), scale.whitened(z)
    values, truth = (properties(part, name) for part in (trained_on, lines))
    read, read_too = np.isfinite(values), np.isfinite(truth)  # RDKit reads almost all
    predictor, linear = fit_predictor(known[read], values[read]), fit_linear(known[read], values[read])
    scores = [r_squared(truth[read_too], predict(z[read_too])) for predict in (predictor.predict, linear)]
    far = float(np.linalg.norm(known, axis=1).mean())
    largest = float(np.linalg.norm(known, axis=1).max())
    start, originals = z[:CLIMBERS], lines[:CLIMBERS]
    before = case.trained.decode(scale.codes(start))
    rows = [{"how": "test molecules"} | after(name, before, originals)]
    found = {"r_squared": scores, "tested": int(read_too.sum()), "learned": int(read.sum()), "far": far, "rows": rows}

    def ended(how, end):
        decoded = case.trained.decode(scale.codes(end))
        lengths = np.linalg.norm(end - start, axis=1)
        rows.append({"how": how, "length": float(lengths.mean()), "predicted": float(predictor.predict(end).mean())}
                    | after(name, before, decoded))  # fmt: skip
        return lengths, decoded

    ended("reconstructed", start)
    for share in LIMITS:
        limit = share * far
        end = climb(predictor, start, STEPS, even_rate(predictor, start, STEPS, limit), limit, largest)[-1]
        lengths, climbed = ended("climbed", end)
        ended("moved at random", random_moves(start, lengths, generator(0, "evaluate", 3), largest))
        if share == DRAWN[0]:
            found["lines"] = [part[: DRAWN[1]] for part in (originals, before, climbed)]
    return found


def after(name, before, lines):
    """What lines are, beside what they were before: valid, different, their property, its change, and their weight."""
    values, was = properties(lines, name), properties(before, name)
    valid, both = np.isfinite(values), np.isfinite(values - was)
    found = {"valid": Share(int(valid.sum()), len(lines)).to_json(), "value": mean_of(values[valid]),
             "different": len(set(canonical(lines)) - {None}),
             "weight": mean_of(properties(lines, "weight")[valid])}  # fmt: skip
    return found | {"change": mean_of((values - was)[both])}


# ---- Words


def of_words(case):
    found, log_px = likelihood(case.model, some(case.test))
    found["unknown"] = Share(int((case.test == 1).sum()), int(tokens_of(case.test).sum())).to_json()
    found["samples"] = case.trained.sample(SHOWN, 0, draw=True)
    if case.model.latent is not None:
        lines = case.protocol.original(case.test[: 2 * SHOWN])
        found["walks"] = walks(case, [sorted(lines, key=len)[-2:]])
        found["places"] = places(case)
    return found, log_px


OF = {"expressions": of_expressions, "names": of_names, "smiles": of_molecules, "shakespeare": of_words}

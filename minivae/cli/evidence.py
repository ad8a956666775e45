"""The evidence of a run: what `evaluate` estimates, prints and draws."""

import time
from dataclasses import replace

import numpy as np

from .. import plot
from ..data.preprocess import entropy_floor
from ..data.vocabulary import TOKENS
from ..evaluate import Result, annealed_evidence, log_evidence, perplexity, sampled_evidence, tokens_of
from ..laboratory.units import bits_per_dimension
from .base import check_finite
from .families.base import classes

CHAINS = 16  # of annealed importance sampling


def grey_floor(case):
    """The entropy floor of these rows in nats, where grey pixels are under a Bernoulli likelihood; else None."""
    known = case.run.protocol.entropy_floor is not None and "log_px_z" in case.model.metrics
    return float(entropy_floor(case.x)) if known else None


def bits_of(case, log_p):
    """(bits per dimension, levels) of a mean log-probability of the rows; (None, None) where it is no probability.

    That is under a likelihood of densities, of grey values as chances of bits, or where values are missing, or with y.
    A density of levels that are dequantized is as good as a probability: its bits are at least theirs.
    """
    likelihood, spread = case.model.likelihood, case.run.protocol.levels
    levels = likelihood.n_levels or spread
    if levels is None or likelihood.missing or case.model.explains_y or case.run.protocol.entropy_floor is not None:
        return None, None
    return bits_per_dimension(-log_p, case.x.shape[1], spread or 1), levels


def perplexity_of(case, log_p, mean=None):
    """(perplexity, its standard error) of log-probabilities (N,) of the rows, printed; (None, None) of what is no text.

    `mean`: what is known of their mean, where they are sampled.
    """
    protocol = case.run.protocol
    if protocol.tokens is None:
        return None, None
    moved = 0 if mean is None else mean - log_p.mean()
    value, error = perplexity(log_p + moved, tokens_of(case.x))
    at_most = "" if case.model.exact else "at most "
    said = f"{value:.3f}" + ("" if error is None else f" +- {error:.3f}")
    print(f"perplexity {at_most}{said} per {TOKENS[protocol.tokens].one}, the end mark of a line among them")
    return value, error


def estimates(case, K, T):
    """{"evidence": {K: Result}, "annealed": {T: Result}} of those that are wanted; printed as lines, and drawn."""
    found = {"evidence": {}, "annealed": {}}
    if case.model.exact and K is not None:
        exact = log_evidence(case.model, case.x, 1, case.rng(1), y=case.y)
        found["evidence"][str(K)] = _result(case, exact, "exact", K, np.full(len(exact), float(K)))
        return found
    if K is not None:
        began = time.perf_counter()
        sampled = sampled_evidence(case.model, case.x, K, case.rng(1), progress=True, y=case.y)
        seconds = time.perf_counter() - began
        along = {str(k): float(bound.mean()) for k, bound in sampled.bounds.items()}
        found["evidence"][str(K)] = _result(case, sampled.log_px, "importance sampling", K, sampled.ess, along)
        print("bounds of K samples: " + "  ".join(f"{k}: {b:.2f}" for k, b in along.items()) + f" ({seconds:.0f} s)")
        if case.model.experts == "mixture":
            print("a sample is one z of each of two experts: so the bound of 1 is above the ELBO")
    if T is not None:
        annealed = annealed_evidence(case.model, case.x, T, case.rng(2), CHAINS, y=case.y, progress=True)
        found["annealed"][str(T)] = _result(case, annealed.log_px, f"annealing in {T} steps", CHAINS, annealed.ess)
        print(f"annealing: {annealed.accepted:.0%} of the moves were accepted")
    if K is not None and T is not None:
        difference, error = found["annealed"][str(T)].minus(found["evidence"][str(K)])
        print(f"annealed less importance-sampled: {difference:+.2f} +- {error or 0:.2f} nats, paired over the rows")
    if K is not None:
        path = case.run.file(f"evidence-{case.stem}.png")
        results = [result for kind in found.values() for result in kind.values()]
        plot.draw_evidence(sampled.bounds, results, classes(case.labels), path)
        print(path)
    return found


def _result(case, values, method, K, ess, bounds=None):
    quantity = case.model.evidence
    bits, levels = bits_of(case, float(values.mean()))
    density = case.run.protocol.levels is not None
    if levels not in (None, 2) and not density:  # of other levels the same rows have another log p(x)
        quantity += f" of {levels} levels"
    result = Result(values, quantity, method, K, ess, case.described, case.images, case.sha256, bounds, bits)
    check_finite({quantity: result.mean}, f"{case.split} split, {K} samples")
    print(result.line())
    value, error = perplexity_of(case, values)
    return replace(result, perplexity=value, perplexity_standard_error=error)

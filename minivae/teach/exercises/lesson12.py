"""Exercises of lesson 12: laws and known answers, and six programs with a bug each."""

import contextlib
import math

import numpy as np

from ...densities import bernoulli_log_prob
from ...laboratory.zoo import ZOO, planted
from ..exercise import Exercise

BUGS = dict(zip("ABCDEF", ("1", "13", "5a", "2", "16", "14b"), strict=True))  # their names in the zoo


def bug(letter):
    """Inside `with bug("A"):`, minivae has that bug; with None it is as it is."""
    return planted(_mutant(letter)) if letter else contextlib.nullcontext()


def reveal(letter):
    """Print what the bug is, where it was published, and the lines of minivae that it changes."""
    mutant = _mutant(letter)
    print(f"{letter}: {mutant.title}\n   seen in {mutant.seen_in}\n{mutant.diff()}\n")


def _mutant(letter):
    return next(mutant for mutant in ZOO if mutant.name == BUGS[letter])


def z_score(samples, expected):
    return (samples.mean() - expected) / (samples.std() / math.sqrt(samples.size))


def variance_law(z, mu, log_var):
    u = (z - mu) / np.exp(0.5 * log_var)
    return z_score(u * u, 1)


def kl_law(log_qz_x, log_pz, kl):
    return z_score(log_qz_x - log_pz - kl, 0)


def batch_twice(loss, x, eps):
    return loss(np.tile(x, (2, 1)), np.tile(eps, (2, 1))) / loss(x, eps)


def chance_level(log_prob, D):
    return -log_prob(np.zeros((1, D)), x=np.ones((1, D))).sum() / (D * math.log(2))


def _samples(rng):
    samples = rng.standard_normal((300, 200)) * rng.uniform(1, 2) + rng.uniform(1, 2)
    return {"samples": samples, "expected": samples.mean() + rng.uniform(0.01, 0.02)}


def _posterior(rng):
    """Draws whose standard deviation is 1 % too small."""
    mu, log_var, eps = rng.standard_normal((3, 2)), rng.standard_normal((3, 2)), rng.standard_normal((10_000, 3, 2))
    return {"z": mu + 0.99 * np.exp(0.5 * log_var) * eps, "mu": mu, "log_var": log_var}


def _densities(rng):
    kl = rng.uniform(1, 5, 4)
    log_pz = rng.standard_normal((20_000, 4)) - 2
    return {"log_qz_x": log_pz + kl - 0.02 + rng.standard_normal((20_000, 4)), "log_pz": log_pz, "kl": kl}


def _half_a_mean(rng):
    """A loss with a mean over the examples in one part and a sum in the other."""

    def loss(x, eps):
        return ((x * x).sum(axis=1) + 2).mean() + ((x.sum(axis=1) + eps.sum(axis=1)) ** 2).sum()

    N = rng.integers(3, 7)
    return {"loss": loss, "x": rng.standard_normal((N, 4)), "eps": rng.standard_normal((N, 2))}


def _averaged_over_pixels(rng):
    def log_prob(logits, *, x):
        return bernoulli_log_prob(logits, x=x) / logits.shape[-1] ** 0.5

    return {"log_prob": log_prob, "D": int(rng.integers(10, 800))}


def _hunt():
    return "law", "gradient", "known answer", "loss curve", "known answer", "law"


def _other(i, word):
    """The answers of one who takes `word` for bug number i."""
    return lambda: (*_hunt()[:i], word, *_hunt()[i + 1 :])


EXERCISES = (
    Exercise(
        "12.1",
        "z_score",
        "z",
        _samples,
        z_score,
        hints=(
            "Three numbers are needed: samples.mean(), samples.std() and n = samples.size.",
            "The mean of n numbers spreads less than one of them: its standard error is std / sqrt(n).",
        ),
        slips={
            "that is in standard deviations of one number; the mean of n spreads less": lambda samples, expected: (
                (samples.mean() - expected) / samples.std()),
            "the standard error is std / sqrt(n), not std / n": lambda samples, expected: (
                z_score(samples, expected) * math.sqrt(samples.size)),
            "the variance stands where the standard deviation belongs": lambda samples, expected: (
                z_score(samples, expected) / samples.std()),
            "n is the number of all numbers, samples.size; len counts the rows": lambda samples, expected: (
                z_score(samples, expected) * math.sqrt(len(samples) / samples.size)),
            "that is the difference; divide it by its standard error": lambda samples, expected: (
                samples.mean() - expected),
            "the sign: found minus expected; it says on which side": lambda samples, expected: (
                abs(z_score(samples, expected))),
        },
        tolerance=1e-4,
    ),
    Exercise(
        "12.2",
        "variance_law",
        "z_of_variance",
        _posterior,
        variance_law,
        hints=(
            "Undo the sampler: what was eps, if z = mu + std eps?",
            "u = (z - mu) / std with std = exp(0.5 * log_var). The numbers whose mean is known are u * u.",
        ),
        slips={
            "divided by exp(log_var), which is the variance": lambda z, mu, log_var: (
                z_score(((z - mu) / np.exp(log_var)) ** 2, 1)),
            "that tests the mean of u; its variance is the mean of u * u": lambda z, mu, log_var: (
                z_score((z - mu) / np.exp(0.5 * log_var), 0)),
            "the mean of u should not be 1": lambda z, mu, log_var: (
                z_score((z - mu) / np.exp(0.5 * log_var), 1)),
            "that is the variance of u; z_score says how far off it is": lambda z, mu, log_var: (
                ((z - mu) / np.exp(0.5 * log_var)).var()),
            "that is the mean of u * u; z_score says how far off it is": lambda z, mu, log_var: (
                (((z - mu) / np.exp(0.5 * log_var)) ** 2).mean()),
            "multiplied with std: to undo the sampler, divide": lambda z, mu, log_var: (
                z_score(((z - mu) * np.exp(0.5 * log_var)) ** 2, 1)),
            "(z - mu)^2 is divided by std once; square the quotient": lambda z, mu, log_var: (
                z_score((z - mu) ** 2 / np.exp(0.5 * log_var), 1)),
            "mu is not subtracted: the square of z holds it too": lambda z, mu, log_var: (
                z_score((z / np.exp(0.5 * log_var)) ** 2, 1)),
            "the mean of u * u is 1, not 0": lambda z, mu, log_var: (
                z_score(((z - mu) / np.exp(0.5 * log_var)) ** 2, 0)),
            "that law is true as well, but there the latents with a large variance decide: divide by std first":
                lambda z, mu, log_var: z_score((z - mu) ** 2 - np.exp(log_var), 0),
        },
        tolerance=1e-4,
    ),
    Exercise(
        "12.3",
        "kl_law",
        "z_of_kl",
        _densities,
        kl_law,
        hints=(
            "kl (N,) is the expectation over z of log q(z | x) - log p(z), for each example its own.",
            "Subtract kl from every row of log_qz_x - log_pz; NumPy does so by itself. What is then the expectation?",
        ),
        slips={
            "the sign: KL(q || p) is the mean of log q - log p, with z from q": lambda log_qz_x, log_pz, kl: (
                z_score(log_pz - log_qz_x - kl, 0)),
            "each example has its own KL; compare with it, not with their mean": lambda log_qz_x, log_pz, kl: (
                z_score(log_qz_x - log_pz, kl.mean())),
            "the KL is not subtracted": lambda log_qz_x, log_pz, kl: z_score(log_qz_x - log_pz, 0),
            "log p(z) is missing: that is the negative entropy": lambda log_qz_x, log_pz, kl: (
                z_score(log_qz_x - kl, 0)),
            "right as a law, but averaged over the examples first: take all K N numbers": lambda log_qz_x, log_pz, kl: (
                z_score((log_qz_x - log_pz - kl).mean(axis=1), 0)),
            "expected minus found: the other way round": lambda log_qz_x, log_pz, kl: (
                z_score(kl - log_qz_x + log_pz, 0)),
            "that is the mean; z_score says how far off it is": lambda log_qz_x, log_pz, kl: (
                (log_qz_x - log_pz - kl).mean()),
            "averaged over the draws first, so that only N numbers are left": lambda log_qz_x, log_pz, kl: (
                z_score((log_qz_x - log_pz - kl).mean(axis=0), 0)),
        },
        tolerance=1e-4,
    ),
    Exercise(
        "12.4",
        "batch_twice",
        "ratio",
        _half_a_mean,
        batch_twice,
        hints=(
            "np.tile(x, (2, 1)) is x below itself. Which of the two arrays have a row per example?",
            "Call loss twice, with the doubled arrays and with the given ones, and divide.",
        ),
        slips={
            "a copy must meet the same noise as its original: double both in the same way": lambda loss, x, eps: (
                loss(np.tile(x, (2, 1)), np.repeat(eps, 2, axis=0)) / loss(x, eps)),
            "axis 1 are the pixels; the examples are axis 0": lambda loss, x, eps: (
                loss(np.tile(x, (1, 2)), np.tile(eps, (1, 2))) / loss(x, eps)),
            "upside down: once by twice": lambda loss, x, eps: 1 / batch_twice(loss, x, eps),
            "the difference, where the ratio is asked": lambda loss, x, eps: (
                (batch_twice(loss, x, eps) - 1) * loss(x, eps)),
            "that is x times 2, not x twice": lambda loss, x, eps: loss(2 * x, eps) / loss(x, eps),
            "those are the arrays times 2, not twice": lambda loss, x, eps: loss(2 * x, 2 * eps) / loss(x, eps),
            "that is the loss of the doubled batch; divide by that of the batch": lambda loss, x, eps: (
                batch_twice(loss, x, eps) * loss(x, eps)),
        },
    ),
    Exercise(
        "12.5",
        "chance_level",
        "ratio",
        _averaged_over_pixels,
        chance_level,
        hints=(
            "Which logit says that a bit is 1 with probability 1/2?",
            "log_prob(np.zeros((1, D)), x=bits) holds one number, log p(bits). Its cost is the negative of that.",
        ),
        slips={
            "log_prob is negative; what it costs is the negative of that": lambda log_prob, D: (
                -chance_level(log_prob, D)),
            "the logits: probability 1/2 is logit 0": lambda log_prob, D: (
                -log_prob(np.full((1, D), 0.5), x=np.ones((1, D))).sum() / (D * math.log(2))),
            "logit 1 is not chance: sigmoid(1) = 0.73": lambda log_prob, D: (
                -log_prob(np.ones((1, D)), x=np.ones((1, D))).sum() / (D * math.log(2))),
            "in bits D, in nats D ln 2: np.log, not np.log2": lambda log_prob, D: (
                chance_level(log_prob, D) * math.log(2)),
            "D pixels cost D ln 2, one costs ln 2": lambda log_prob, D: chance_level(log_prob, D) * D,
            "that is the cost; divide it by D ln 2": lambda log_prob, D: chance_level(log_prob, D) * D * math.log(2),
        },
    ),
    Exercise(
        "12.6",
        "",
        "bug_a, bug_b, bug_c, bug_d, bug_e, bug_f",
        lambda rng: {},
        _hunt,
        hints=(
            "Go down one column of the table and compare each number with what right code has, in the last column.",
            "A z-score is a finding above 4 either way, a gradient error above 1e-7, a ratio if it is not 1. A loss "
            "curve is one if it does not fall, is below 0, or is not finite.",
            "One program has findings of two kinds; the first in the order loss curve, gradient, law, known answer "
            "counts. Another has its only one in the row of the extreme log_var.",
        ),
        slips={
            "A's loss falls, and lower than that of right code: no one would look": _other(0, "loss curve"),
            "A's gradient passes at both places: a right gradient of a wrong function": _other(0, "gradient"),
            "A's two ratios are 1": _other(0, "known answer"),
            "B's loss is that of right code, number by number": _other(1, "loss curve"),
            "B's two laws hold": _other(1, "law"),
            "B's two ratios are 1": _other(1, "known answer"),
            "C's loss falls as it should; how many nats it is no curve can say": _other(2, "loss curve"),
            "C's gradient passes: it is that of the loss which C has": _other(2, "gradient"),
            "C's two laws hold; which of the ratios is not 1?": _other(2, "law"),
            "D's gradient is wrong, but something complains that you had for nothing": _other(3, "gradient"),
            "D's two laws hold": _other(3, "law"),
            "D's two ratios are 1": _other(3, "known answer"),
            "E's loss is large, but it falls, and that is all that a curve tells": _other(4, "loss curve"),
            "E's gradient passes: it is that of the loss which E has": _other(4, "gradient"),
            "E's two laws hold; which of the ratios is not 1?": _other(4, "law"),
            "F's loss is that of right code, number by number": _other(5, "loss curve"),
            "F's gradient passes at both places": _other(5, "gradient"),
            "F's two ratios are 1": _other(5, "known answer"),
        },
    ),
)  # fmt: skip

"""Exercises of lesson 12: laws and known answers, and six programs with a bug each."""

import contextlib
import math
from functools import partial

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
    shape = rng.integers((300, 150), (360, 200))
    samples = rng.standard_normal(shape) * rng.uniform(1, 2) + rng.uniform(1, 2)
    return {"samples": samples, "expected": samples.mean() + rng.uniform(0.01, 0.02)}


def _posterior(rng):
    """Draws whose standard deviation is 1 % too small."""
    K, N, L = rng.integers((5_000, 4, 2), (6_000, 10, 9))
    mu, log_var = rng.standard_normal((2, N, L))
    return {"z": mu + 0.99 * np.exp(0.5 * log_var) * rng.standard_normal((K, N, L)), "mu": mu, "log_var": log_var}


def _densities(rng):
    K, N = rng.integers((15_000, 4), (16_000, 12))
    kl = rng.uniform(1, 5, N)
    log_pz = rng.standard_normal((K, N)) - 2
    return {"log_qz_x": log_pz + kl - 0.02 + rng.standard_normal((K, N)), "log_pz": log_pz, "kl": kl}


def _half_a_mean(rng):
    """A loss with a mean over the examples in one part and a sum in the other."""

    def loss(x, eps):
        return ((x * x).sum(axis=1) + 2).mean() + ((x.sum(axis=1) + eps.sum(axis=1)) ** 2).sum()

    N, D, L = rng.integers((4, 10, 2), (15, 20, 9))
    return {"loss": loss, "x": rng.standard_normal((N, D)), "eps": rng.standard_normal((N, L))}


def _averaged_over_pixels(rng):
    def log_prob(logits, *, x):
        return bernoulli_log_prob(logits, x=x) / logits.shape[-1] ** 0.4

    return {"log_prob": log_prob, "D": int(rng.integers(10, 800))}


def _score(samples, expected, *, spread=np.std, n=lambda samples: math.sqrt(samples.size), sign=1, scale=True):
    """A z-score with switches for its standard error."""
    error = spread(samples) / n(samples) if scale else 1
    return sign * (samples.mean() - expected) / error


def _variance(z, mu, log_var, *, center=lambda mu: mu, divide=lambda v: np.exp(0.5 * v), power=2, expected=1,
              absolute=False, say=z_score):  # fmt: skip
    """The law of the variance with switches for how the sampler is undone."""
    u = ((z - center(mu)) / divide(log_var)) ** power
    found = say(u, expected)
    return abs(found) if absolute else found


def _kl_score(log_qz_x, log_pz, kl, *, of_q=1, of_p=-1, of_kl=-1, sign=1, over=None, say=lambda s: z_score(s, 0),
              each=lambda kl: kl):  # fmt: skip
    """The law of the KL with switches for its three parts."""
    s = of_q * log_qz_x + of_p * log_pz + of_kl * each(kl)
    return sign * say(s if over is None else s.mean(axis=over))


def _ratio(loss, x, eps, *, of_x=lambda a: np.tile(a, (2, 1)), of_eps=lambda a: np.tile(a, (2, 1)), exponent=1,
           say=lambda twice, once: twice / once):  # fmt: skip
    """The batch twice with switches for what is done to its two arrays."""
    return say(loss(of_x(x), of_eps(eps)), loss(x, eps)) ** exponent


def _chance(log_prob, D, *, logit=0.0, bit=1.0, sign=-1, known=lambda D: D * math.log(2)):
    """Chance with switches for the logits, and for what the cost is divided by."""
    return sign * log_prob(np.full((1, D), logit), x=np.full((1, D), bit)).sum() / known(D)


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
        points=2,
        hints=(
            "Three numbers are needed: samples.mean(), samples.std() and n = samples.size.",
            "The mean of n numbers spreads less than one of them. Its variance says how much less: variances add up, "
            "and a factor comes out squared.",
        ),
        slips={
            "that is in standard deviations of one number; the mean of n spreads less": partial(
                _score, n=lambda samples: 1),
            "the standard error is std / sqrt(n), not std / n": partial(_score, n=np.size),
            "the mean of n spreads less than one number, not more: std is divided by sqrt(n)": partial(
                _score, n=lambda samples: 1 / math.sqrt(samples.size)),
            "the variance stands where the standard deviation belongs": partial(_score, spread=np.var),
            "n is the number of all numbers, samples.size; len counts the rows": partial(
                _score, n=lambda samples: math.sqrt(len(samples))),
            "n is the number of all numbers, samples.size; not that of the columns": partial(
                _score, n=lambda samples: math.sqrt(samples.shape[-1])),
            "that is the difference; divide it by its standard error": partial(_score, scale=False),
            "the sign: found minus expected; it says on which side": partial(_score, sign=-1),
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
            "divided by exp(log_var), which is the variance": partial(_variance, divide=np.exp),
            "that tests the mean of u; its variance is the mean of u * u": partial(_variance, power=1, expected=0),
            "the mean of u should not be 1": partial(_variance, power=1),
            "that is the variance of u, the mean of u * u; z_score says how far off it is": partial(
                _variance, say=lambda u, expected: u.mean()),
            "multiplied with std: to undo the sampler, divide": partial(_variance, divide=lambda v: np.exp(-0.5 * v)),
            "divided by log_var: std is exp(log_var / 2)": partial(_variance, divide=lambda v: v),
            "not divided by std": partial(_variance, divide=lambda v: 1),
            "(z - mu)^2 is divided by std once; square the quotient": partial(
                _variance, divide=lambda v: np.exp(0.25 * v)),
            "mu is not subtracted: the square of z holds it too": partial(_variance, center=lambda mu: 0),
            "the mean of u * u is 1, not 0": partial(_variance, expected=0),
            "without its sign: it says on which side the variance is": partial(_variance, absolute=True),
            "that law is true as well, but there the latents with a large variance decide: divide by std first":
                lambda z, mu, log_var: z_score((z - mu) ** 2 - np.exp(log_var), 0),
            "u * u is averaged over the draws first: take all numbers": partial(
                _variance, say=lambda u, expected: z_score(u.mean(axis=0), expected)),
        },
        tolerance=1e-4,
    ),
    Exercise(
        "12.3",
        "kl_law",
        "z_of_kl",
        _densities,
        kl_law,
        points=2,
        hints=(
            "kl (N,) is an expectation over z of two of the densities' logarithms, for each example its own. Of which?",
            "NumPy subtracts kl (N,) from every row of an array (K, N) by itself. What is then the expectation of each "
            "number?",
        ),
        slips={
            "the sign: KL(q || p) is the mean of log q - log p, with z from q": partial(_kl_score, of_q=-1, of_p=1),
            "each example has its own KL; compare with it, not with their mean": partial(_kl_score, each=np.mean),
            "each example has its own KL; compare with it, not with their sum": partial(_kl_score, each=np.sum),
            "the KL is not subtracted": partial(_kl_score, of_kl=0),
            "the KL is added, where it should be subtracted": partial(_kl_score, of_kl=1),
            "log p(z) is missing: that is the negative entropy": partial(_kl_score, of_p=0),
            "log q(z | x) is missing: that is the cross-entropy": partial(_kl_score, of_q=0),
            "log p(z) is added, where it should be subtracted": partial(_kl_score, of_p=1),
            "right as a law, but averaged over the examples first: take all K N numbers": partial(_kl_score, over=1),
            "expected minus found: the other way round": partial(_kl_score, sign=-1),
            "that is the mean; z_score says how far off it is": partial(_kl_score, say=np.mean),
            "averaged over the draws first, so that only N numbers are left": partial(_kl_score, over=0),
            "the densities are divided; their logarithms are subtracted": lambda log_qz_x, log_pz, kl: (
                z_score(log_qz_x / log_pz - kl, 0)),
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
            "a copy must meet the same noise as its original: double both in the same way": partial(
                _ratio, of_eps=lambda eps: np.repeat(eps, 2, axis=0)),
            "a copy must meet the same noise as its original; it gets the other examples' noise": partial(
                _ratio, of_eps=lambda eps: np.concatenate([eps, eps[::-1]])),
            "a copy must meet the same noise as its original; it gets none": partial(
                _ratio, of_eps=lambda eps: np.concatenate([eps, 0 * eps])),
            "axis 1 are the pixels; the examples are axis 0": partial(
                _ratio, of_x=lambda x: np.tile(x, (1, 2)), of_eps=lambda eps: np.tile(eps, (1, 2))),
            "upside down: once by twice": partial(_ratio, exponent=-1),
            "the difference, where the ratio is asked": partial(_ratio, say=lambda twice, once: twice - once),
            "that is x times 2, not x twice": partial(_ratio, of_x=lambda x: 2 * x, of_eps=lambda eps: eps),
            "those are the arrays times 2, not twice": partial(
                _ratio, of_x=lambda x: 2 * x, of_eps=lambda eps: 2 * eps),
            "that is the loss of the doubled batch; divide by that of the batch": partial(
                _ratio, say=lambda twice, once: twice),
            "divided by twice the loss: if the loss is a mean, the ratio itself is 1": partial(
                _ratio, say=lambda twice, once: twice / (2 * once)),
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
            "log_prob is negative; what it costs is the negative of that": partial(_chance, sign=1),
            "the logits: probability 1/2 is logit 0": partial(_chance, logit=0.5),
            "the logits: probability 1/2 is logit 0; and the bits, too, are 1/2": partial(_chance, logit=0.5, bit=0.5),
            "logit 1 is not chance: sigmoid(1) = 0.73": partial(_chance, logit=1.0),
            "logit 1 is not chance: sigmoid(1) = 0.73, and the bits are 0": partial(_chance, logit=1.0, bit=0.0),
            "in bits D, in nats D ln 2: np.log, not np.log2": partial(_chance, known=lambda D: D),
            "D pixels cost D ln 2, one costs ln 2": partial(_chance, known=lambda D: math.log(2)),
            "that is the cost; divide it by D ln 2": partial(_chance, known=lambda D: 1),
            "D ln 2 is 784 ln 2 for 784 pixels only": partial(_chance, known=lambda D: 784 * math.log(2)),
            "that is for 784 pixels, whatever D is": lambda log_prob, D: chance_level(log_prob, 784),
            "1 is what right code gives; this log_prob may be wrong, so call it": lambda log_prob, D: 1.0,
            "upside down: D ln 2 by the cost": lambda log_prob, D: 1 / chance_level(log_prob, D),
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

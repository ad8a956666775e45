"""Exercises of lesson 8: a sample as a function of mu and log_var, its gradient, and the score-function estimator."""

from functools import partial

import numpy as np

from ...densities import bernoulli_log_prob, gaussian_log_prob, kl_standard_normal
from ...numeric import sigmoid
from ..exercise import Exercise
from . import sample_by_hand as by_hand
from .draws import as_it_is
from .sample_by_hand import (
    around_the_sample,
    leave_one_out,
    reparameterize,
    reparameterize_backward,
    score,
    score_function,
)

HALF = "a factor of exactly 0.5 is missing: the chain rule through exp(log_var / 2)"


def _shape(rng):
    """(N, L), other ones for each of SEEDS."""
    return rng.integers(4, 10), rng.integers(3, 7)


def _sample(rng):
    shape = _shape(rng)
    return {name: rng.standard_normal(shape) for name in ("dz", "mu", "log_var", "eps")}


def _pencil(rng):
    n = rng.integers(4, 10)
    v = {name: rng.standard_normal(n) for name in ("mu", "log_var", "eps", "v1", "v2", "c1", "c2")}
    v |= {name: rng.integers(0, 2, n).astype("float64") for name in ("x1", "x2")}
    l1, l2 = _logits(**v)
    return v | {"dl1": sigmoid(l1) - v["x1"], "dl2": sigmoid(l2) - v["x2"]}


def _logits(mu, log_var, eps, v1, v2, c1, c2, x1, x2):
    z = reparameterize(mu, log_var, eps)
    return v1 * z + c1, v2 * z + c2


def _pencil_loss(mu, log_var, eps, v1, v2, c1, c2, x1, x2):
    """kl - log_px_z, summed over the examples."""
    logits = np.array(_logits(mu, log_var, eps, v1, v2, c1, c2, x1, x2)).T
    log_px_z = bernoulli_log_prob(logits, x=np.array([x1, x2]).T)
    return (kl_standard_normal(mu, log_var) - log_px_z).sum()


def _points(rng):
    shape = _shape(rng)
    return {name: rng.standard_normal(shape) for name in ("z", "mu", "log_var")}


def _draws(rng):
    """As many draws as latents: what goes along the wrong axis has the right shape, and is still wrong.

    The baseline is an array for the first two of SEEDS, a number for the third.
    """
    S = rng.integers(4, 10)
    baseline = 2 + rng.standard_normal(S if rng.integers(4) else None)
    inputs = {name: rng.standard_normal((S, S)) for name in ("z", "mu", "log_var")}
    return inputs | {"f": 3 + rng.standard_normal(S), "baseline": baseline}


def _costs(rng):
    return {"f": 3 + rng.standard_normal(rng.integers(4, 10))}


def _around_sample(**a):
    factors = {"std": np.exp(a["log_var"] / 2), "eps": a["eps"]}
    return {"factors": factors | ({"dz": a["dz"]} if "dz" in a else {})}


def _around_points(z, mu, log_var):
    return {"factors": {"std": np.exp(log_var / 2), "z - mu": z - mu}}


def _around_draws(f, z, mu, log_var, baseline):
    return {"sizes": {"S": len(f)}} | _around_points(z, mu, log_var)


_z, _back = partial(partial, by_hand.sample_variant), partial(partial, by_hand.sample_backward_variant)
_by_hand = partial(partial, by_hand.pencil_variant)
_score, _weighted = partial(partial, by_hand.score_variant), partial(partial, by_hand.score_function_variant)

EXERCISES = (
    Exercise(
        "8.1",
        "reparameterize",
        "z",
        _sample,
        reparameterize,
        hints=(
            "log_var is the logarithm of std squared. What is log(std), then, and what is std?",
            "log(std^2) = 2 log(std). Halve it first, then np.exp.",
        ),
        slips={
            "variance for standard deviation: exp(log_var) is std squared": _z(std=np.exp),
            "log_var is used as it is: a standard deviation is positive": _z(std=as_it_is),
            "the exponential is missing: log_var / 2 is log(std)": _z(std=lambda a: a / 2),
            "the half belongs inside the exponential: exp(log_var) / 2 is half the variance": _z(
                std=lambda a: np.exp(a) / 2),
            "log_var is twice log(std), not half of it": _z(std=lambda a: np.exp(2 * a)),
            "the sign of the exponent: that is 1 / std": _z(std=lambda a: np.exp(-a / 2)),
            "log_var may be negative, and has no root then; exp gets rid of its log": _z(std=np.sqrt),
            "log_var is a logarithm already, and may be negative: exp undoes it": _z(std=np.log),
            "eps is forgotten: z is not random any more": _z(noise=np.ones_like),
            "eps is squared": _z(noise=np.square),
            "it does not use the eps that it is given, but noise of its own": _z(
                noise=lambda eps: np.random.default_rng(0).standard_normal(eps.shape)),
            "eps is summed over the examples: each has noise of its own": _z(noise=lambda eps: eps.sum(axis=0)),
            "mu is forgotten: that is only the distance from the mean": _z(mean=0),
            "mu is subtracted": _z(mean=-1),
            "eps is subtracted": _z(stretch=-1),
            "that is the mean of z, without any noise": _z(stretch=0),
            "mu is multiplied too: only eps is stretched": lambda mu, log_var, eps: (mu + eps) * np.exp(log_var / 2),
            "mu and std have changed places: mu moves, std stretches": lambda mu, log_var, eps: (
                mu * eps + np.exp(log_var / 2)),
            "eps is added: std multiplies it": lambda mu, log_var, eps: mu + np.exp(log_var / 2) + eps,
        },
        around=_around_sample,
    ),
    Exercise(
        "8.2",
        "reparameterize_backward",
        "dmu, dlog_var",
        _sample,
        reparameterize_backward,
        value=lambda mu, log_var, eps, dz: (dz * reparameterize(mu, log_var, eps)).sum(),
        points=2,
        hints=(
            "Every entry of z depends on the mu, log_var and eps at the same place alone: no sums, only products.",
            "From log_var to z in two steps: log_var -> std -> z. What is the slope of each? Their product, times dz, "
            "is wanted.",
            "The slope of the first step is the derivative of exp(log_var / 2) with respect to log_var: an inner "
            "derivative comes before the exponential.",
        ),
        slips={
            HALF: _back(slope=lambda a: np.exp(a / 2)),
            "that is dstd: the step from log_var to std is missing": _back(slope=lambda a: 1),
            "of the slope of std = exp(log_var / 2) only the inner derivative is there": _back(slope=lambda a: 0.5),
            "the variance is used as the slope of the standard deviation": _back(slope=np.exp),
            "variance for standard deviation: exp(log_var) is std squared": _back(slope=lambda a: np.exp(a) / 2),
            "log_var is used where std should be": _back(slope=lambda a: a / 2),
            "1 / std is used where std should be": _back(slope=lambda a: np.exp(-a / 2) / 2),
            "the inner derivative of log_var / 2 is 1/2, not 2": _back(slope=lambda a: 2 * np.exp(a / 2)),
            "eps is forgotten: the slope of z in std": _back(noise=lambda mu, log_var, eps: 1),
            "z is used where eps should be": _back(noise=reparameterize),
            "mu is used where eps should be": _back(noise=lambda mu, log_var, eps: mu),
            "z is used where std * eps should be: mu is in z, too": _back(
                noise=reparameterize, slope=lambda a: 0.5),
            "dz is forgotten: that is the slope of z, not of the loss": _back(loss=np.ones_like),
            "averaged over the examples: whether the loss is a mean is already in dz": _back(
                loss=lambda dz: dz / len(dz)),
            "the KL is in it: here only what comes back through z is wanted": _back(kl=1),
            "mu is in dmu: z has the slope 1 in mu": _back(dmu=lambda dz, mu, log_var, eps: dz * mu),
            "eps is in dmu: z has the slope 1 in mu": _back(dmu=lambda dz, mu, log_var, eps: dz * eps),
            "std is in dmu: z has the slope 1 in mu": _back(
                dmu=lambda dz, mu, log_var, eps: dz * np.exp(log_var / 2)),
            "summed over the examples: each has a mu and a log_var of its own, nothing is summed": _back(
                total=lambda a: a.sum(axis=0)),
            "summed over the latents: each has a mu and a log_var of its own, nothing is summed": _back(
                total=lambda a: a.sum(axis=1)),
        },
        around=_around_sample,
    ),
    Exercise(
        "8.3",
        "around_the_sample",
        "dz, dstd, dmu, dlog_var",
        _pencil,
        around_the_sample,
        value=_pencil_loss,
        points=2,
        hints=(
            "Find z in the picture: two arrows leave it, to l1 and to l2. What comes back along each is the number "
            "there times the slope of that step; then add.",
            "mu has two arrows too, to z and to kl. Along the first comes dz, along the second the slope of kl.",
            "log_var: one part comes from std, as in 8.2, the other is the derivative of (exp(log_var) - log_var) / 2.",
        ),
        slips={
            "z is used twice, and one of the two ways back is missing (l2)": _by_hand(dz=lambda dl1, v1, **a: dl1 * v1),
            "z is used twice, and one of the two ways back is missing (l1)": _by_hand(dz=lambda dl2, v2, **a: dl2 * v2),
            "the slopes v1 and v2 are forgotten": _by_hand(dz=lambda dl1, dl2, **a: dl1 + dl2),
            "v1 belongs to l1 and v2 to l2; here they are exchanged": _by_hand(
                dz=lambda dl1, dl2, v1, v2, **a: dl1 * v2 + dl2 * v1),
            "the two ways are multiplied: what comes back adds up": _by_hand(
                dz=lambda dl1, dl2, v1, v2, **a: dl1 * v1 * dl2 * v2),
            "each way back has its own slope: multiply first, then add": _by_hand(
                dz=lambda dl1, dl2, v1, v2, **a: (dl1 + dl2) * (v1 + v2)),
            "those are the slopes alone: what comes back, dl1 and dl2, is missing": _by_hand(
                dz=lambda v1, v2, **a: v1 + v2),
            "the KL is in dstd: in the picture no arrow goes from std to kl": _by_hand(
                dstd=lambda dz, eps, var, **a: dz * eps + (var - 1) / 2),
            "the KL's slope in std is in dstd: in the picture the KL is made of mu and log_var, not of std": _by_hand(
                dstd=lambda dz, eps, std, **a: dz * eps + std - 1 / std,
                dlog_var=lambda dstd, std, **a: dstd * std / 2),
            "only the KL is there: what comes back through z is missing": _by_hand(
                dmu=lambda mu, **a: mu, dlog_var=lambda var, **a: (var - 1) / 2),
            "the KL itself is added, not its slope": _by_hand(
                dmu=lambda dz, mu, **a: dz + mu**2 / 2,
                dlog_var=lambda dstd, std, var, log_var, **a: dstd * std / 2 + (var - 1 - log_var) / 2),
            "the slope of mu^2 / 2: the 2 of the square and the half cancel": _by_hand(
                dmu=lambda dz, mu, **a: dz + 2 * mu),
            "the KL is forgotten: mu and log_var are used twice": _by_hand(
                dmu=lambda dz, **a: dz, dlog_var=lambda dstd, std, **a: dstd * std / 2),
            "the KL's part has the wrong sign: loss = kl - log_px_z, and the minus is in dl1 and dl2 already": _by_hand(
                dmu=lambda dz, mu, **a: dz - mu, dlog_var=lambda dstd, std, var, **a: dstd * std / 2 - (var - 1) / 2),
            "eps is forgotten: the slope of z in std": _by_hand(dstd=lambda dz, **a: dz),
            HALF: _by_hand(
                dlog_var=lambda dstd, std, var, **a: dstd * std + (var - 1) / 2),
            "the factor 0.5 of the KL is missing in its part of dlog_var": _by_hand(
                dlog_var=lambda dstd, std, var, **a: dstd * std / 2 + var - 1),
            "dstd is added as it is: the step from log_var to std is missing": _by_hand(
                dlog_var=lambda dstd, var, **a: dstd + (var - 1) / 2),
            "variance for standard deviation: exp(log_var) is std squared": _by_hand(
                dlog_var=lambda dstd, var, **a: dstd * var / 2 + (var - 1) / 2),
            "the KL's part of dlog_var: the derivative of -log_var is missing": _by_hand(
                dlog_var=lambda dstd, std, var, **a: dstd * std / 2 + var / 2),
        },
        around=_around_sample,
    ),
    Exercise(
        "8.4",
        "score",
        "dmu, dlog_var",
        _points,
        score,
        value=lambda z, mu, log_var: gaussian_log_prob(z, mu, log_var).sum(),
        points=2,
        hints=(
            "Only two terms of log q hold the parameters. Write the square as (z - mu)^2 exp(-log_var).",
            "What is the derivative of exp(-log_var)? An inner derivative comes before the exponential.",
            "Test the signs: where z is far from mu, a larger variance makes it more probable.",
        ),
        slips={
            "the sign: that is the derivative in z": _score(sign=-1),
            "std for variance: the square is divided by std squared": _score(var=lambda a: np.exp(a / 2)),
            "the variance is squared: exp(log_var) is std squared already": _score(var=lambda a: np.exp(2 * a)),
            "multiplied by the variance: the square is divided by it": _score(var=lambda a: np.exp(-a)),
            "log_var is used where its exponential should be": _score(var=as_it_is),
            "the square is not divided by the variance": _score(var=lambda a: 1),
            "mu is not subtracted from z": _score(mean=0),
            "mu is added to z": _score(mean=-1),
            "the half is missing": _score(half=1),
            "the half belongs to the square as well": _score(square=2),
            "the half belongs to the 1 as well": _score(one=2),
            "z - mu is not squared": _score(power=as_it_is),
            "the sign of the square: the derivative of exp(-log_var) is negative, and so is what stands before it": (
                _score(square=-1)),
            "the constant in front of the exponential, 1 / std, depends on log_var too": _score(one=0),
            "the sign of the 1: the slope of -log_var / 2 is negative": _score(one=-1),
            "that is the derivative with respect to the variance, not its logarithm": _score(
                inner=lambda a: np.exp(-a)),
            "that is the derivative with respect to std, not log_var": _score(inner=lambda a: 2 * np.exp(-a / 2)),
            "that is log q itself, not a derivative": lambda z, mu, log_var: (
                *(-((z - mu) ** 2 / np.exp(log_var) + log_var + np.log(2 * np.pi)) / 2,) * 2,),
            "the square (z - mu)^2 is in that term, and stays when log_var changes": lambda z, mu, log_var: (
                score(z, mu, log_var)[0], (np.exp(-log_var) - 1) / 2),
            "summed over the latents: a number per entry of z is wanted": _score(total=lambda a: a.sum(axis=-1)),
            "summed over the examples: a number per entry of z is wanted": _score(total=lambda a: a.sum(axis=0)),
        },
        around=_around_points,
    ),
    Exercise(
        "8.5",
        "score_function",
        "dmu, dlog_var",
        _draws,
        score_function,
        value=lambda f, z, mu, log_var, baseline: ((f - baseline) * gaussian_log_prob(z, mu, log_var)).sum(),
        hints=(
            "First the scores, by your function `score`: (S, L) each. Then every row is weighted by one number.",
            "f - baseline has the shape (S,). To go along the rows it needs a second axis: [:, None].",
        ),
        slips={
            "f is a number per draw; here it goes along the latents": _weighted(along=as_it_is),
            "the baseline is not used": _weighted(weight=lambda f, b: f),
            "the baseline is added": _weighted(weight=np.add),
            "f is multiplied with the baseline": _weighted(weight=np.multiply),
            "f is divided by the baseline": _weighted(weight=np.divide),
            "the sign: what is above the baseline must count as positive": _weighted(weight=lambda f, b: b - f),
            "f is not used: the score alone has the mean 0": _weighted(weight=lambda f, b: np.ones_like(f)),
            "f is not used, only the baseline": _weighted(weight=lambda f, b: b + 0 * f),
            "the mean of f is subtracted, not the baseline that is given": _weighted(
                weight=lambda f, b: f - f.mean()),
            "averaged over the draws already: the mean is taken outside": _weighted(
                weight=lambda f, b: (f - b) / len(f)),
            "averaged over the draws: one row per draw is wanted": _weighted(mean=lambda a: a.mean(axis=0)),
            "summed over the draws: one row per draw is wanted": _weighted(mean=lambda a: a.sum(axis=0)),
            "the baseline goes along the latents; like f it belongs to the draws": _weighted(
                weight=lambda f, b: f[:, None] - b, along=as_it_is),
            "the baseline is subtracted too late, from the product; it belongs to f": (
                lambda f, z, mu, log_var, baseline: tuple(
                    f[:, None] * a - np.reshape(baseline, (-1, 1)) for a in score(z, mu, log_var))),
            "np.outer multiplies every draw's weight with every draw's score": lambda f, z, mu, log_var, baseline: (
                tuple(np.outer(f - baseline, a) for a in score(z, mu, log_var))),
        },
        around=_around_draws,
    ),
    Exercise(
        "8.6",
        "leave_one_out",
        "baseline",
        _costs,
        leave_one_out,
        hints=(
            "The sum of the others is the sum of all less one's own.",
            "How many others are there?",
        ),
        slips={
            "the mean of all: each draw is in its own baseline, and that biases the gradient": lambda f: (
                np.full_like(f, f.mean())),
            "divided by the number of all draws; of the others there is one less": lambda f: (f.sum() - f) / len(f),
            "one's own value is still in the sum": lambda f: np.full_like(f, f.sum() / (len(f) - 1)),
            "that is f less the mean, what remains after the baseline": lambda f: f - f.mean(),
            "that is f less its baseline: the baseline itself is wanted": lambda f: f - leave_one_out(f),
            "the sum of the others, not their mean": lambda f: f.sum() - f,
            "the mean of all, as one number: each draw is in its own baseline, and that biases the gradient": (
                lambda f: f.mean()),
            "one's own cost is subtracted after the division: it is subtracted from the sum": lambda f: (
                f.sum() / (len(f) - 1) - f),
            "the mean of all stands where their sum belongs": lambda f: (f.mean() - f) / (len(f) - 1),
            "a bracket is missing: the difference is divided, not only one's own cost": lambda f: (
                f.sum() - f / (len(f) - 1)),
            "a bracket is missing: the 1 is subtracted from the number of draws": lambda f: (f.sum() - f) / len(f) - 1,
        },
        around=lambda f: {"sizes": {"S": len(f), "S - 1": len(f) - 1}},
    ),
)  # fmt: skip

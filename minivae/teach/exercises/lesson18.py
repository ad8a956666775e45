"""Exercises of lesson 18: two Gaussians that both learn; their merge; a ladder of two levels; what a level decides."""

from functools import partial

import numpy as np

from ..exercise import Exercise
from . import levels_by_hand as by_hand
from .draws import as_it_is, averaged, one_of
from .levels_by_hand import kl, kl_backward, ladder, merge, merge_backward, upper_share, variance_of_means


def _gaussians(rng):
    shape = rng.integers(4, 10), rng.integers(3, 7)
    return {name: rng.standard_normal(shape) for name in ("mu", "log_var", "mu_p", "log_var_p")}


def _upstream(rng):
    given = _gaussians(rng)
    return {name: rng.standard_normal(given["mu"].shape) for name in ("dmu_q", "dlog_var_q")} | given


def _two_levels(rng):
    N, L1, L2 = rng.integers(5, 10), rng.integers(4, 7), rng.integers(2, 4)
    L1, L2 = L1 + N % 3, L2 + N % 2
    shapes = {"mu_1": (N, L1), "log_var_1": (N, L1), "mu_2": (N, L2), "log_var_2": (N, L2), "A": (L2, L1),
              "log_var_p": (L1,), "eps_1": (N, L1), "eps_2": (N, L2)}  # fmt: skip
    return {name: rng.standard_normal(shape) for name, shape in shapes.items()}


def _draws(rng):
    """The last time the two halves of a latent that is dead go against each other: there the estimate is below 0."""
    dead = one_of(rng, False, False, True)
    K, N, L = 2 * rng.integers(3, 9), rng.integers(5, 12), rng.integers(3, 6)
    mean = 1 + rng.standard_normal((N, L))
    z = mean + rng.standard_normal((K, N, L))
    if dead:
        z[K // 2 :, :, 0] = 0.7 - z[: K // 2, :, 0] + 0.1 * rng.standard_normal((K // 2, N))
    return {"z": z}


def _images(rng):
    R, S, D = rng.integers(4, 9), rng.integers(9, 14), rng.integers(15, 22)
    return {"x": 0.5 + rng.standard_normal((R, 1, D)) + rng.uniform(0.5, 1.5, D) * rng.standard_normal((R, S, D))}


def _merged_pull(dmu_q, dlog_var_q, mu, log_var, mu_p, log_var_p):
    mu_q, log_var_q = merge(mu, log_var, mu_p, log_var_p)
    return (dmu_q * mu_q + dlog_var_q * log_var_q).sum()


def _turned(gradients):
    """Those of the second Gaussian first."""
    return *gradients[2:], *gradients[:2]


def _sizes(mu, **_):
    return {"sizes": dict(zip("NL", mu.shape, strict=True))}


_both, _merge = partial(partial, by_hand.kl_backward_variant), partial(partial, by_hand.merge_variant)
_back, _ladder = partial(partial, by_hand.merge_backward_variant), partial(partial, by_hand.ladder_variant)
_halves, _share = partial(partial, by_hand.variance_of_means_variant), partial(partial, by_hand.upper_share_variant)

EXERCISES = (
    Exercise(
        "18.1",
        "kl_backward",
        "dmu, dlog_var, dmu_p, dlog_var_p",
        _gaussians,
        kl_backward,
        points=2,
        value=lambda mu, log_var, mu_p, log_var_p: kl(mu, log_var, mu_p, log_var_p).sum(),
        hints=(
            "mu_p is in the square only, beside mu: what differs between the two derivatives?",
            "log_var_p is in three places: by itself, in exp(log_var - log_var_p), and in exp(-log_var_p), which "
            "divides the square. The derivative of exp(-a) is -exp(-a).",
            "Test: where mu = mu_p and log_var = log_var_p all four must be 0.",
        ),
        slips={
            "the half is missing in dlog_var and dlog_var_p": _both(half=1),
            "half of dmu and dmu_p: the 2 of the square and the half cancel": _both(square=0.5),
            "twice dmu and dmu_p: the 2 of the square and the half cancel": _both(square=2),
            "dmu_p has the sign of dmu: in the square mu_p stands with a minus": _both(sign_p=1),
            "dmu_p is 0: p learns as well": _both(sign_p=0),
            "the squared distance is missing in dlog_var_p: it is divided by v_p": _both(spread=0),
            "the squared distance has the wrong sign in dlog_var_p: it is divided by v_p": _both(spread=-1),
            "the distance is not squared in dlog_var_p": _both(power=as_it_is),
            "v / v_p is missing in dlog_var_p": _both(in_p=0),
            "v / v_p has the wrong sign in dlog_var_p: log_var_p is in it with a minus": _both(in_p=-1),
            "the derivative of log_var_p by itself, 1, is missing": _both(one_p=0),
            "dlog_var_p has the wrong sign": _both(logs=-1),
            "the 2 of the square is in dlog_var_p: log_var_p is not in the square, only below it": _both(spread=2),
            "divided by the square of v_p in dlog_var_p: the derivative of e^-a is -e^-a": _both(
                over_p=np.square),
            "dmu_p is divided by v: in the square's quotient stands v_p": _both(over_mu=as_it_is),
            "that is KL(p || q), the other way around: in KL(q || p) the logarithms are averaged over q": (
                lambda mu, log_var, mu_p, log_var_p: _turned(kl_backward(mu_p, log_var_p, mu, log_var))),
            "that is KL(p || q), with the gradients of p first: the arguments are exchanged, q is mu, log_var": (
                lambda mu, log_var, mu_p, log_var_p: kl_backward(mu_p, log_var_p, mu, log_var)),
            "p is taken for N(0, 1)": lambda mu, log_var, mu_p, log_var_p: (
                kl_backward(mu, log_var, 0 * mu_p, 0 * log_var_p)),
            "the squares are not divided by v_p": _both(over=np.ones_like),
            "divided by the square of v_p, which is a variance already": _both(over=np.square),
            "the derivative of -log_var is missing in dlog_var": _both(one=0),
            "the ratio is upside down: it is v / v_p": _both(ratio=lambda v, v_p: v_p / v),
            "standard deviations where variances should be": _both(variance=lambda a: np.exp(a / 2)),
            "log_var is used where its exponential should be": _both(variance=as_it_is),
            "that is the derivative in v_p, not in log_var_p": _both(inner_p=0),
            "that is the derivative in v, not in log_var": _both(inner=0),
            "mu_p is forgotten in the distance": _both(distance=0),
            "the two means are added: their distance is wanted": _both(distance=-1),
            "averaged over the examples; the sum is wanted": _both(total=lambda a: a / len(a)),
            "summed over the examples: a number per entry is wanted": _both(total=lambda a: a.sum(axis=0)),
            "summed over the latents: a number per entry is wanted": _both(total=lambda a: a.sum(axis=-1)),
        },
        around=_sizes,
    ),
    Exercise(
        "18.2",
        "merge",
        "mu_q, log_var_q",
        _gaussians,
        merge,
        points=2,
        hints=(
            "The logarithm of a product is a sum. Write down both logarithms as functions of z, up to constants.",
            "Collect the factor of z^2 and that of z, as in exercise 7.4. Compare with log N(z; mu_q, v_q).",
            "Precisions, 1 / v, are what adds. With one = np.exp(-log_var) and other = np.exp(-log_var_p) no variance "
            "needs to be written.",
        ),
        slips={
            "each mean is weighted by its variance: the surer of the two must count more": _merge(swap=True),
            "the variances are added: their precisions 1 / v are": _merge(
                wanted=lambda total: np.log(total), precision=np.exp),
            "log_var_q is the logarithm of the precision: its sign": _merge(wanted=np.log),
            "that is v_q; its logarithm is wanted": _merge(wanted=lambda total: 1 / total),
            "that is the precision; the logarithm of the variance is wanted": _merge(wanted=as_it_is),
            "that is the logarithm of the standard deviation": _merge(wanted=lambda total: -0.5 * np.log(total)),
            "each mean is weighted by one over its standard deviation: by its precision": _merge(weigh=np.sqrt),
            "each mean is weighted by the square of its precision": _merge(weigh=np.square),
            "the plain mean of both means: each counts by its precision": _merge(weigh=np.ones_like),
            "the sum of the weighted means is not divided by the sum of the weights": _merge(divide=False),
            "mu_q is half of what it is to be: the precisions are added, not averaged": _merge(half=0.5),
            "the sum of the weighted means is multiplied by the sum of the weights: divide": _merge(divide=None),
            "log_var is used where its exponential should be": _merge(precision=lambda a: 1 / a),
            "the prior is taken for one of variance 1": lambda mu, log_var, mu_p, log_var_p: (
                merge(mu, log_var, mu_p, 0 * log_var_p)),
            "the precisions are averaged: they add": _merge(wanted=lambda total: -np.log(total / 2)),
            "the prior's part is missing in mu_q": _merge(prior=0),
            "the prior's part is subtracted in mu_q": _merge(prior=-1),
            "the precisions are subtracted: they add": _merge(add=lambda a, b: np.abs(a - b)),
            "the precisions are multiplied: they add": _merge(add=np.multiply),
            "standard deviations where variances should be": _merge(precision=lambda a: np.exp(-a / 2)),
            "those are the sums: of the means, and of log_var": lambda mu, log_var, mu_p, log_var_p: (
                mu + mu_p, log_var + log_var_p),
            "that is the mixture's, or the average: a product is narrower than both": (
                lambda mu, log_var, mu_p, log_var_p: ((mu + mu_p) / 2, (log_var + log_var_p) / 2)),
        },
        around=_sizes,
    ),
    Exercise(
        "18.3",
        "merge_backward",
        "dmu, dlog_var, dmu_p, dlog_var_p",
        _upstream,
        merge_backward,
        value=_merged_pull,
        hints=(
            "First your merge, for mu_q and log_var_q. Then the shares: w = v_q / v, as np.exp(log_var_q - log_var).",
            "dmu = w dmu_q. Into log_var go two gradients, both times w: that of log_var_q as it is, that of mu_q "
            "times mu_q - mu.",
            "For the prior the same with w_p and mu_p. w + w_p is 1.",
        ),
        slips={
            "the two shares are exchanged": _back(swap=True),
            "the shares are missing in dmu and dmu_p": lambda dmu_q, dlog_var_q, mu, log_var, mu_p, log_var_p: (
                dmu_q, merge_backward(dmu_q, dlog_var_q, mu, log_var, mu_p, log_var_p)[1],
                dmu_q, merge_backward(dmu_q, dlog_var_q, mu, log_var, mu_p, log_var_p)[3]),
            "the shares are missing in dlog_var and dlog_var_p": _back(weigh=0),
            "the root of the shares: v_q / v is meant, not a ratio of standard deviations": _back(share=np.sqrt),
            "the shares are squared": _back(share=np.square),
            "the shares are upside down: v_q is the smaller one": _back(share=lambda w: 1 / w),
            "the path through mu_q is missing in dlog_var: a wider one counts less, which moves mu_q": _back(moved=0),
            "the path through mu_q has the wrong sign in dlog_var": _back(moved=-1),
            "the path through log_var_q is missing in dlog_var": _back(widened=0),
            "the path through log_var_q has the wrong sign in dlog_var: a wider one widens the product": _back(
                widened=-1),
            "the path through mu_q is without the share in dlog_var: both paths have it": _back(once="mean"),
            "the path through log_var_q is without the share in dlog_var: both paths have it": _back(once="width"),
            "dmu_q is missing in the path through mu_q": _back(pull=np.ones_like),
            "dmu is dmu_q by v: the share is v_q / v": _back(whole=lambda a: np.exp(-a)),
            "in dlog_var_p stands mu_q - mu: there it is mu_q - mu_p": lambda *given: (
                *merge_backward(*given)[:3], _prior_moved(*given, 1)),
            "in dlog_var_p stands mu - mu_q: there it is mu_q - mu_p": lambda *given: (
                *merge_backward(*given)[:3], _prior_moved(*given, -1)),
            "mu_q where mu_q - mu should be": _back(away=lambda mu_q, mu: mu_q),
            "mu where mu_q - mu should be": _back(away=lambda mu_q, mu: mu),
            "mu - mu_p where mu_q - mu should be": lambda dmu_q, dlog_var_q, mu, log_var, mu_p, log_var_p: (
                _against(dmu_q, dlog_var_q, mu, log_var, mu_p, log_var_p)),
            "the prior gets the opposite sign: it gets its own share": _back(prior=-1),
            "the prior gets nothing: it learns as well": _back(prior=0),
            "half of dlog_var and dlog_var_p": _back(scale=0.5),
            "averaged over the examples: dmu_q is the gradient already": _back(total=lambda a: a / len(a)),
            "summed over the examples: a number per entry is wanted": _back(total=lambda a: a.sum(axis=0)),
        },
        around=_sizes,
    ),
    Exercise(
        "18.4",
        "ladder",
        "z1, kl_1, kl_2",
        _two_levels,
        ladder,
        hints=(
            "From the top down: z2 of mu_2, log_var_2 and eps_2; mu_p = z2 @ A; then your merge.",
            "z1 is drawn from what was merged, with eps_1. kl_1 is from the same to the prior given z2; kl_2 is to "
            "N(0, 1).",
            "log_var_p has the shape (L1,) and broadcasts. kl_gaussians gives a number per latent: sum the last axis.",
        ),
        slips={
            "exp(log_var) is a variance; the noise is multiplied by its root": _ladder(std=np.exp),
            "log_var is used as it is: std is exp(log_var / 2)": _ladder(std=as_it_is),
            "mu_p is made of mu_2, the mean: it is made of the z2 that was drawn": _ladder(noise=0),
            "z1 is taken at its mean": _ladder(noise_1=0),
            "nothing is merged: z1 and kl_1 are those of x alone": _ladder(own=True),
            "z1 is drawn from what x says alone: what is merged is q": _ladder(draw="own"),
            "z1 is drawn from the prior given z2: x is forgotten": _ladder(draw="prior"),
            "kl_1 is that of what x says alone: q is what is merged": _ladder(of="own"),
            "kl_1 is to N(0, 1): the prior of z1 is the one given z2": _ladder(below="standard"),
            "kl_1 is the other way around, KL(p || q)": _ladder(swap=True),
            "kl_1 and kl_2 are averaged over the latents, not summed": _ladder(total=averaged),
            "kl_1 and kl_2 are not summed over the latents": _ladder(total=as_it_is),
            "kl_1 and kl_2 are summed over the examples: one number for each is wanted": _ladder(
                total=lambda a: a.sum(axis=0)),
            "kl_1 and kl_2 are summed over everything": _ladder(total=np.sum),
            "kl_2 is 0: the upper level pays as well": _ladder(top=np.zeros_like),
            "kl_2 is to a Gaussian of log_var 1: N(0, 1) has the log_var 0": _ladder(upper=1),
            "log_var_p is forgotten: the prior given z2 need not have the variance 1": _ladder(wide=np.zeros_like),
            "the noise of z1 is multiplied by the variance, not by its root": _ladder(std_1=np.exp),
            "z1 has the spread of what x says alone: that of what is merged is smaller": _ladder(spread="own"),
            "kl_1 is taken at the z1 that was drawn: it is a KL of Gaussians, whose mean is mu_q": _ladder(at="z1"),
            "the means are added in the place of a merge": _ladder(
                joined=lambda mu, a, mu_p, a_p: (mu + mu_p, merge(mu, a, mu_p, a_p)[1])),
        },
    ),
    Exercise(
        "18.5",
        "variance_of_means",
        "variance",
        _draws,
        variance_of_means,
        hints=(
            "a = z[: K // 2].mean(axis=0) and b of the other half, (N, L) each.",
            "Subtract from each its mean over the examples, multiply, and average over the examples.",
        ),
        slips={
            "the variance of the mean of all draws: their noise is in it": _halves(first=as_it_is, other=as_it_is),
            "the variance of the mean of one half: its noise is in it": _halves(other=lambda z: z[: len(z) // 2]),
            "the variance of all draws: that of each q(z | x) is in it": lambda z: z.var(axis=(0, 1)),
            "the variance over the draws: that over the examples is wanted": lambda z: z.var(axis=0).mean(axis=0),
            "the means over the examples are not subtracted": _halves(center=0),
            "the halves are of the examples: they are of the draws": lambda z: (
                variance_of_means(z[:, : z.shape[1] // 2 * 2].swapaxes(0, 1))),
            "the sum over the examples, not their mean": _halves(total=lambda a: a.sum(axis=0)),
            "divided by N - 1; here it is N": _halves(total=lambda a: a.sum(axis=0) / (len(a) - 1)),
            "averaged over the latents: one number per latent is wanted": _halves(total=lambda a: a.mean(axis=1)),
            "averaged over everything: one number per latent is wanted": _halves(total=np.mean),
            "not averaged over the examples": _halves(total=as_it_is),
            "the root of it: a variance is wanted": _halves(total=lambda a: np.sqrt(np.abs(a.mean(axis=0)))),
            "without its sign: an estimate of a variance may be below 0": _halves(
                total=lambda a: np.abs(a.mean(axis=0))),
            "cut off at 0: an estimate of a variance may be below 0, and then its mean is the variance": _halves(
                total=lambda a: np.maximum(a.mean(axis=0), 0)),
            "of each product without its sign: both halves may lie on different sides of their means": _halves(
                total=lambda a: np.abs(a).mean(axis=0)),
            "there is no logarithm of a number below 0, and a product may be below 0": _halves(
                total=lambda a: np.where(a > 0, a, np.nan).mean(axis=0)),
            "there is no logarithm or root of a number below 0, and an estimate of a variance may be below 0": _halves(
                total=lambda a: np.where(a.mean(axis=0) > 0, a.mean(axis=0), np.nan)),
            "one draw of each half, not the mean of all": _halves(mean=lambda z, axis: z[0]),
            "the sums of the draws, not their means": _halves(mean=np.sum),
            "every second draw: take the first half and the other, so that all do the same": _halves(
                first=lambda z: z[::2], other=lambda z: z[1::2]),
            "the noise is estimated and subtracted, another way: here two halves are multiplied": lambda z: (
                z.mean(axis=0).var(axis=0) - z.var(axis=0, ddof=1).mean(axis=0) / len(z)),
            "the noise is subtracted, another way, and as too small, without ddof=1": lambda z: (
                z.mean(axis=0).var(axis=0) - z.var(axis=0).mean(axis=0) / len(z)),
            "both halves are centered by the mean of all: each by its own": lambda z: (
                variance_of_means(z)
                - (z[: len(z) // 2].mean(axis=(0, 1)) - z[len(z) // 2 :].mean(axis=(0, 1))) ** 2 / 4),
            "that is the correlation of both halves": lambda z: (
                variance_of_means(z) / np.sqrt(_halves(other=lambda z: z[: len(z) // 2])(z)
                                               * _halves(first=lambda z: z[len(z) // 2 :])(z))),
        },
    ),
    Exercise(
        "18.6",
        "upper_share",
        "share",
        _images,
        upper_share,
        hints=(
            "x.mean(axis=1) are the means of the rows of pictures, (R, D); their variance over R, (D,), is what the "
            "upper level decides.",
            "The whole variance is x.var(axis=(0, 1)). Sum both over the pixels before you divide.",
        ),
        slips={
            "that is the share of the lower level": _share(complement=True),
            "averaged over R, which is what z2 moves: average over S": _share(within=0),
            "standard deviations: variances add up, these do not": _share(spread=np.std),
            "a share for each pixel, and their mean: sum over the pixels first": _share(
                ratio=lambda a, b: (a / b).mean()),
            "a share for each pixel: sum over the pixels, one number is wanted": _share(ratio=lambda a, b: a / b),
            "upside down: the whole by the part": _share(ratio=lambda a, b: b.sum() / a.sum()),
            "divided by the variance within the rows, not by the whole": lambda x: (
                x.mean(axis=1).var(axis=0).sum() / x.var(axis=1).mean(axis=0).sum()),
            "the variance within the rows by the whole: that is the lower level's": lambda x: (
                x.var(axis=1).sum() / x.var(axis=(0, 1)).sum()),
            "the whole variance is also that between the pixels here: over R and S only": lambda x: (
                x.mean(axis=1).var(axis=0).mean() / x.var()),
            "the part by the sum of the rows' own variances: by the whole": lambda x: (
                x.mean(axis=1).var(axis=0).sum() / x.var(axis=1).sum()),
            "the variance of all numbers at once: over R for each pixel, then summed": lambda x: (
                x.mean(axis=1).var() / x.var()),
            "that is np.var with ddof=1; here the plain one is wanted": lambda x: (
                x.mean(axis=1).var(axis=0, ddof=1).sum() / x.var(axis=(0, 1)).sum()),
            "the variance between the rows, not divided by the whole": lambda x: x.mean(axis=1).var(axis=0).sum(),
        },
    ),
)  # fmt: skip


def _against(dmu_q, dlog_var_q, mu, log_var, mu_p, log_var_p):
    """merge_backward with the distance of the two means in the place of each one's from mu_q."""
    _, log_var_q = merge(mu, log_var, mu_p, log_var_p)
    w, w_p, d = np.exp(log_var_q - log_var), np.exp(log_var_q - log_var_p), mu - mu_p
    return w * dmu_q, w * (dlog_var_q + d * dmu_q), w_p * dmu_q, w_p * (dlog_var_q - d * dmu_q)


def _prior_moved(dmu_q, dlog_var_q, mu, log_var, mu_p, log_var_p, sign):
    """dlog_var_p with the distance of mu in the place of its own."""
    mu_q, log_var_q = merge(mu, log_var, mu_p, log_var_p)
    return np.exp(log_var_q - log_var_p) * (dlog_var_q + sign * (mu_q - mu) * dmu_q)

"""Exercises of lesson 13: log p(x) from K draws, how many of them count, and what a comparison of two models needs."""

from functools import partial

import numpy as np

from ...densities import log_mean_exp
from ..exercise import Exercise
from . import bounds_draws as draws
from .bounds_draws import FAR_APART

LOG_2PI = np.log(2 * np.pi)


def log_weights(log_px_z, mu, log_var, eps):
    return _weights(log_px_z, mu, log_var, eps)


def bound(log_w):
    return log_mean_exp(log_w)


def effective_samples(log_w):
    return _effective(log_w)


def extrapolate(bound_1, K_1, bound_2, K_2):
    return (K_2 * bound_2 - K_1 * bound_1) / (K_2 - K_1)


def difference(a, b):
    return _difference(a, b)


def active_units(mu, threshold):
    return _active(mu, threshold)


# ---- the answers with switches: what a mistake changes


def _weights(log_px_z, mu, log_var, eps, std=lambda v: np.exp(v / 2), in_p=lambda z, eps, mu: z**2,
             in_q=lambda z, eps, mu, v: eps**2, log=1, half=0.5, of_x=1, of_p=1, of_q=1, const=0,
             total=lambda a: a.sum(axis=-1)):  # fmt: skip
    z = mu + std(log_var) * eps
    log_pz = -half * total(in_p(z, eps, mu) + 0 * z)
    log_qz_x = -half * total(in_q(z, eps, mu, log_var) + log * log_var + const)
    return of_x * (log_px_z if log_pz.ndim == 2 else log_px_z[..., None]) + of_p * log_pz - of_q * log_qz_x


def _with_formula(log_px_z, mu, log_var, eps):
    return log_px_z - 0.5 * (mu**2 + np.exp(log_var) - 1 - log_var).sum(axis=-1)


def _bound(log_w, top=lambda w: w.max(axis=0), back=1, count=len):
    largest = top(log_w)
    return np.log(np.exp(log_w - largest).sum(axis=0)) - np.log(count(log_w)) + back * largest


def _clipped(most, log_w):
    return np.log(np.exp(np.clip(log_w, -most, most)).mean(axis=0))


def _across(log_w):
    return _bound(log_w.T)


def _normalized(log_w, axis=0):
    w = np.exp(log_w - log_w.max(axis=axis, keepdims=True))
    return w / w.sum(axis=axis, keepdims=True)


def _effective(log_w, axis=0, weights=_normalized, power=2, exponent=-1, times=lambda K: 1, total=np.sum):
    return times(len(log_w)) * total(weights(log_w, axis) ** power, axis=axis) ** exponent


def _unnormalized(log_w, axis):
    return np.exp(log_w - log_w.max(axis=axis, keepdims=True))


def _weights_of_mean_1(log_w, axis):
    return len(log_w) * _normalized(log_w, axis)


def _in_danger(log_w):
    w = np.exp(log_w)
    return w.sum(axis=0) ** 2 / (w**2).sum(axis=0)


def _extrapolated(bound_1, K_1, bound_2, K_2, by_1=lambda K_1, K_2: K_1, by_2=lambda K_1, K_2: K_2, sign=-1,
                  over=lambda K_1, K_2: K_2 - K_1):  # fmt: skip
    return (by_2(K_1, K_2) * bound_2 + sign * by_1(K_1, K_2) * bound_1) / over(K_1, K_2)


def _difference(a, b, sign=1, size=lambda a: a, spread=lambda a, b: (a - b).std(), n=lambda N: N**0.5,
                mean=np.mean):  # fmt: skip
    return sign * mean(size(a - b)), spread(a, b) / n(len(a))


def _active(mu, threshold, variance=lambda mu: mu.var(axis=0), active=lambda v, t: (v > t).sum()):
    v = variance(mu)
    return v, active(v, threshold)


_w, _b, _e = partial(partial, _weights), partial(partial, _bound), partial(partial, _effective)
_x, _d, _a = partial(partial, _extrapolated), partial(partial, _difference), partial(partial, _active)

EXERCISES = (
    Exercise(
        "13.1",
        "log_weights",
        "log_w",
        draws.draws,
        log_weights,
        hints=(
            "z = mu + std eps has the shape of eps, (K, N, L), and (z - mu)^2 / std^2 is eps^2.",
            "log p(z) and log q(z | x) are sums over the latents, the last axis: (K, N), as log_px_z is.",
            "log_w = log_px_z + log_pz - log_qz_x.",
        ),
        slips={
            "the sign of log q(z | x): w has q below the line": _w(of_q=-1),
            "log q(z | x) is missing: that is log p(x, z)": _w(of_q=0),
            "log p(z) is missing": _w(of_p=0),
            "log p(z) is subtracted": _w(of_p=-1),
            "log p(x | z) is missing": _w(of_x=0),
            "that is log q - log p: w has p above the line": _w(of_x=-1, of_p=-1, of_q=-1),
            "the half is missing": _w(half=1),
            "log_var is missing in log q(z | x)": _w(log=0),
            "the sign of log_var in log q(z | x): all three terms have the same": _w(log=-1),
            "half of log_var: in the bracket it is log_var, the half stands before it": _w(log=0.5),
            "log(2 pi) is in log q, but not in log p: it must be in both, or in none": _w(const=LOG_2PI),
            "log(2 pi) is in log p, but not in log q: it must be in both, or in none": _w(const=-LOG_2PI),
            "log p(z) is taken at eps: it belongs at z": _w(in_p=lambda z, eps, mu: eps**2),
            "log p(z) is taken at mu: it belongs at z, a number for each draw": _w(in_p=lambda z, eps, mu: mu**2),
            "log p(z) is taken at z - mu: the prior's mean is 0": _w(in_p=lambda z, eps, mu: (z - mu) ** 2),
            "log q is taken at eps: it belongs at z": _w(in_q=lambda z, eps, mu, v: (eps - mu) ** 2 / np.exp(v)),
            "the square in log q is not divided by the variance": _w(in_q=lambda z, eps, mu, v: (z - mu) ** 2),
            "the square in log q is divided by the standard deviation": _w(
                in_q=lambda z, eps, mu, v: (z - mu) ** 2 / np.exp(v / 2)),
            "in log q is the square of z - mu, not that of z": _w(in_q=lambda z, eps, mu, v: z**2 / np.exp(v)),
            "variance for standard deviation: exp(log_var) is std squared": _w(std=np.exp),
            "log_var is used as it is: std is exp(log_var / 2)": _w(std=lambda v: v),
            "that is the KL by formula, the same for all draws: each draw has its own log p(z) - log q(z | x)":
                _with_formula,
            "averaged over the latents, not summed": _w(total=lambda a: a.mean(axis=-1)),
            "not summed over the latents: one number per draw and example is wanted": _w(total=lambda a: a),
            "that is w; its logarithm is wanted": lambda *args: np.exp(log_weights(*args)),
        },
    ),
    Exercise(
        "13.2",
        "bound",
        "bound",
        draws.log_weights,
        bound,
        hints=(
            "The largest log w of each example is log_w.max(axis=0). Subtract it, then no exp can overflow, and one of "
            "the K is exp(0) = 1.",
            "log of the mean over axis 0 of what you have, and the largest added back.",
        ),
        slips={
            "that is the mean of the logarithms, the ELBO: average w first": lambda log_w: log_w.mean(axis=0),
            "exp overflows at 800 and is 0 at -900: subtract the largest log w of each example first": _b(
                top=lambda w: 0),
            "the largest of all examples is subtracted; each needs its own": _b(top=lambda w: w.max()),
            FAR_APART: _b(top=lambda w: w.mean(axis=0)),
            "the largest log w is not added back": _b(back=0),
            "the largest log w is subtracted at the end; add it back": _b(back=-1),
            "that is the logarithm of the sum: it must be that of the mean": _b(count=lambda w: 1),
            "divided by the number of examples; the mean is over the K draws": _b(count=lambda w: w.shape[1]),
            "1 / K belongs inside the logarithm": lambda log_w: (bound(log_w) + np.log(len(log_w))) / len(log_w),
            "log K is added; it is subtracted": _b(count=lambda w: 1 / len(w)),
            "that is the largest log w": lambda log_w: log_w.max(axis=0),
            "the mean over the examples: axis 0 are the draws": _across,
            "that is the mean of log w by its normalized weights": lambda log_w: (
                _normalized(log_w) * log_w).sum(axis=0),
            "averaged over the examples: one number for each is wanted": lambda log_w: bound(log_w).mean(),
            "the sign: that is minus the bound": lambda log_w: -bound(log_w),
        } | {f"log w is clipped at {most}, which changes it: subtract the largest of each example":
             partial(_clipped, most) for most in (100, 500, 700, 709)},
    ),
    Exercise(
        "13.3",
        "effective_samples",
        "n",
        draws.log_weights,
        effective_samples,
        points=2,
        hints=(
            "Variances of independent numbers add up, and a factor comes out squared.",
            "A plain mean of n draws has the variance sigma^2 / n. Set both variances equal and solve for n.",
            "Before exp, subtract the largest log w of each example: the normalized weights do not change.",
        ),
        slips={
            "upside down: that is the sum of the squared weights, the variance in units of sigma^2": _e(exponent=1),
            "the root is too much: set the variances equal, not the standard deviations": _e(exponent=-0.5),
            "the weights are not squared: a factor comes out of a variance squared": _e(power=1),
            "the weights are not normalized: they must have the sum 1": _e(weights=_unnormalized),
            "weights with the mean 1 are taken, where their sum must be 1": _e(weights=_weights_of_mean_1),
            "that is the share of the draws that count; their number is K times that": _e(times=lambda K: 1 / K),
            "exp overflows at 800 and is 0 at -900: subtract the largest log w of each example first": _in_danger,
            "the largest of all examples is subtracted; each needs its own": _e(weights=lambda w, axis: (
                np.exp(w - w.max()) / np.exp(w - w.max()).sum(axis=axis, keepdims=True))),
            FAR_APART: lambda log_w: _in_danger(log_w - log_w.mean(axis=0)),
            "that is one by the largest weight": lambda log_w: 1 / _normalized(log_w).max(axis=0),
            "that is the exponential of the entropy of the weights, another count": lambda log_w: np.exp(
                -(_normalized(log_w) * np.log(_normalized(log_w))).sum(axis=0)),
            "that is the number of draws, whatever their weights": lambda log_w: np.full(
                log_w.shape[1], float(len(log_w))),
            "the log weights are used as weights: exp is missing": _e(weights=lambda w, axis: w / w.sum(axis=axis)),
            "normalized over the examples: axis 0 are the draws": _e(axis=1),
            "summed over the examples: one number for each is wanted": _e(total=lambda a, axis: a.sum()),
            "the mean over the draws stands where their sum should": _e(total=np.mean),
        },
    ),
    Exercise(
        "13.4",
        "extrapolate",
        "log_px",
        draws.two_bounds,
        extrapolate,
        points=2,
        hints=(
            "Two equations, two unknowns: bound_1 = log p(x) - c / K_1, and the same with 2. You want log p(x).",
            "Multiply each equation with its own K. Then both contain the same c.",
        ),
        slips={
            "the two K are exchanged: the larger K has the better bound, and must weigh more": _x(
                by_1=lambda K_1, K_2: K_2, by_2=lambda K_1, K_2: K_1, over=lambda K_1, K_2: K_1 - K_2),
            "that is the mean of both by their K: c is still in it": _x(sign=1, over=lambda K_1, K_2: K_1 + K_2),
            "a plain mean of both: c is still in it": _x(
                by_1=lambda K_1, K_2: 1, by_2=lambda K_1, K_2: 1, sign=1, over=lambda K_1, K_2: 2),
            "2 bound_2 - bound_1 is right for K_2 = 2 K_1 only": _x(
                by_1=lambda K_1, K_2: 1, by_2=lambda K_1, K_2: 2, over=lambda K_1, K_2: 1),
            "that is for a gap like 1 / K^2": _x(by_1=lambda K_1, K_2: K_1**2, by_2=lambda K_1, K_2: K_2**2,
                                                 over=lambda K_1, K_2: K_2**2 - K_1**2),
            "not divided: after subtracting, log p(x) has the factor K_2 - K_1": _x(over=lambda K_1, K_2: 1),
            "divided by K_2 + K_1: the factor of log p(x) is a difference": _x(over=lambda K_1, K_2: K_1 + K_2),
            "divided by K_2 alone: the factor of log p(x) is a difference": _x(over=lambda K_1, K_2: K_2),
            "the sign: the two differences are turned in opposite ways": _x(over=lambda K_1, K_2: K_1 - K_2),
            "that is c": lambda bound_1, K_1, bound_2, K_2: (bound_2 - bound_1) / (1 / K_1 - 1 / K_2),
            "that is the gap of bound_2; log p(x) lies that far above it": lambda bound_1, K_1, bound_2, K_2: (
                extrapolate(bound_1, K_1, bound_2, K_2) - bound_2),
            "that is the better bound itself; go on to K = infinity": lambda bound_1, K_1, bound_2, K_2: bound_2,
            "the gap is subtracted: log p(x) lies above the bounds": lambda bound_1, K_1, bound_2, K_2: (
                2 * bound_2 - extrapolate(bound_1, K_1, bound_2, K_2)),
            "averaged over the examples: one number for each is wanted": lambda *args: extrapolate(*args).mean(),
        },
        tolerance=1e-9,
    ),
    Exercise(
        "13.5",
        "difference",
        "mean, error",
        draws.two_models,
        difference,
        hints=(
            "Every image gives one number, a - b. What are the mean of these numbers and the standard error of it?",
            "The standard error of a mean of N numbers is their np.std, divided by the root of N.",
        ),
        slips={
            "that is the error for two models on different images: take the spread of a - b, image by image": _d(
                spread=lambda a, b: (a.var() + b.var()) ** 0.5),
            "the spread of a alone": _d(spread=lambda a, b: a.std()),
            "the spread of b alone": _d(spread=lambda a, b: b.std()),
            "the two standard deviations are subtracted: take that of the difference": _d(
                spread=lambda a, b: a.std() - b.std()),
            "the two standard errors are added": _d(spread=lambda a, b: a.std() + b.std()),
            "the spread of a + b: the difference is wanted": _d(spread=lambda a, b: (a + b).std()),
            "that is the spread of one image; the error of a mean of N is smaller": _d(n=lambda N: 1),
            "divided by N; the standard error falls more slowly": _d(n=lambda N: N),
            "the variance where the standard deviation should be": _d(spread=lambda a, b: (a - b).var()),
            "that is np.std with ddof=1; here the plain one is wanted": _d(spread=lambda a, b: (a - b).std(ddof=1)),
            "the sign: a - b is wanted, positive where a is better": _d(sign=-1),
            "without its sign: it says which model is better on an image": _d(
                size=np.abs, spread=lambda a, b: np.abs(a - b).std()),
            "the sign of the mean is taken off; it says which model is better": _d(mean=lambda d: abs(d.mean())),
            "the sum over the images, not their mean": _d(mean=np.sum),
            "the median; the mean is wanted": _d(mean=np.median),
        },
    ),
    Exercise(
        "13.6",
        "active_units",
        "variance, active",
        draws.means,
        active_units,
        hints=(
            "np.var over the examples, axis 0, gives one number per latent.",
            "A comparison gives True and False; their sum is the number of those that are True.",
        ),
        slips={
            "that is the standard deviation; the variance is wanted": _a(variance=lambda mu: mu.std(axis=0)),
            "the mean square: subtract the mean first, mu need not be around 0": _a(
                variance=lambda mu: (mu**2).mean(axis=0)),
            "np.var with ddof=1; here the plain one is wanted": _a(variance=lambda mu: mu.var(axis=0, ddof=1)),
            "over the latents: axis 0 are the examples": _a(variance=lambda mu: mu.var(axis=1)),
            "one number for all latents; each has its own variance": _a(variance=lambda mu: mu.var()),
            "the mean over the examples, not the variance": _a(variance=lambda mu: mu.mean(axis=0)),
            "the sum of squares, not divided by N": _a(variance=lambda mu: mu.var(axis=0) * len(mu)),
            "those are the latents that are not active": _a(active=lambda v, t: (v <= t).sum()),
            "that is their share, the number is wanted": _a(active=lambda v, t: (v > t).mean()),
            "True and False for each latent; how many are there?": _a(active=lambda v, t: v > t),
            "compared is the standard deviation; the threshold is of variances": _a(
                active=lambda v, t: (np.sqrt(v) > t).sum()),
            "the threshold is 0.01 only if the argument says so": _a(active=lambda v, t: (v > 0.01).sum()),
            "all latents are counted": _a(active=lambda v, t: len(v)),
            "counted are the mean squares above the threshold; the variances are to be": lambda mu, threshold: (
                mu.var(axis=0), ((mu**2).mean(axis=0) > threshold).sum()),
            "counted are the means above the threshold; the variances are to be": lambda mu, threshold: (
                mu.var(axis=0), (np.abs(mu.mean(axis=0)) > threshold).sum()),
        },
    ),
)  # fmt: skip

"""Exercises of lesson 15: the gradient of the bound of K draws, its doubly reparameterized form, and their noise."""

from functools import partial

import numpy as np

from ...densities import log_mean_exp, log_mean_exp_backward
from ..exercise import Exercise
from .bounds_draws import FAR_APART, log_weights
from .draws import as_it_is, one_of


def bound_backward(g, log_w):
    return log_mean_exp_backward(g, log_w)


def reparameterized(log_w, dz, log_var, eps):
    return _path(log_w, dz, log_var, eps)


def bound_law(elbo, bound, log_px):
    return _law(elbo, bound, log_px)


def doubly(log_w, dz, log_var, eps):
    return _double(log_w, dz, log_var, eps)


def signal_and_noise(grads):
    return _ratio(grads)


# ---- what they are tried on


def _log_w(rng):
    log_w = log_weights(rng)["log_w"]
    return {"g": rng.uniform(0.5, 2, log_w.shape[1]), "log_w": log_w, "offset": log_w.max(axis=0)}


def _draws(rng):
    """log p(x, z) = -a (z - c)^2 / 2, summed over the latents: of each of N examples another c."""
    K, N, L = rng.integers((5, 4, 3), (12, 9, 7))
    mu, log_var, c = rng.standard_normal((3, N, L))
    a, eps = rng.uniform(0.5, 1.5, L), rng.standard_normal((K, N, L))
    z = mu + np.exp(log_var / 2) * eps
    return {"log_w": _joint_less_q(mu, log_var, eps, a, c), "dz": -a * (z - c), "log_var": log_var, "eps": eps,
            "mu": mu, "a": a, "c": c}  # fmt: skip


def _joint_less_q(mu, log_var, eps, a, c):
    z = mu + np.exp(log_var / 2) * eps
    return 0.5 * (log_var + eps**2 - a * (z - c) ** 2).sum(axis=-1)


def _value(mu, log_var, eps, a, c):
    return log_mean_exp(_joint_less_q(mu, log_var, eps, a, c)).sum()


def _bounds(rng):
    S = rng.integers(100, 200)
    elbo = 2 * rng.standard_normal(S) - 25
    return {"elbo": elbo, "bound": elbo + 1 + 0.5 * rng.standard_normal(S), "log_px": rng.uniform(-24, -23.5)}


def _gradients(rng):
    """The last time their mean is so small that the estimate of signal squared is below 0."""
    large = one_of(rng, True, True, False)
    S, P = rng.integers((30, 12), (60, 25))
    noise = 2 * rng.standard_normal((S, P))
    small = (noise - noise.mean(axis=0)) + 0.6 * noise.mean(axis=0)
    return {"grads": 3 * rng.standard_normal(P) + noise if large else small}


# ---- the answers with switches: what a mistake changes


def _normalized(log_w, axis=0):
    w = np.exp(log_w - log_w.max(axis=axis, keepdims=True))
    return w / w.sum(axis=axis, keepdims=True)


def _uniform(log_w):
    return np.full(log_w.shape, 1 / len(log_w))


def _upside_down(log_w):
    return _normalized(-log_w)


def _unnormalized(log_w):
    return np.exp(log_w - log_w.max(axis=0))


def _in_danger(log_w):
    return np.exp(log_w) / np.exp(log_w).sum(axis=0)


def _one_top(log_w):
    w = np.exp(log_w - log_w.max())
    return w / w.sum(axis=0)


def _back(g, log_w, weights=_normalized, upstream=lambda g: g, times=lambda K: 1, power=1):
    return times(len(log_w)) * upstream(g) * weights(log_w) ** power


def _std(log_var):
    return np.exp(log_var / 2)


def _path(log_w, dz, log_var, eps, weights=_normalized, power=1, std=_std, half=0.5, of_q=0.5, noise=lambda eps: eps,
          in_mu=lambda dz, eps, std: dz, sign=1, total=lambda a: a.sum(axis=0), turned=1):  # fmt: skip
    v = (weights(log_w) ** power)[..., None]
    s = std(log_var)
    dmu = v * in_mu(dz, eps, s)
    dlog_var = v * (half * dz * noise(eps) * s + of_q)
    return (sign * total(dmu), sign * total(dlog_var))[::turned]


def _law(elbo, bound, log_px, spread=lambda d, *_: d.std(), n=lambda S: S**0.5, sign_1=1, sign_2=1,
         limit=lambda log_px, elbo: log_px, scale=True):  # fmt: skip
    above, below = sign_1 * (bound - elbo), sign_2 * (limit(log_px, elbo) - bound)
    errors = [spread(above, bound, elbo) / n(len(elbo)), spread(below, bound, 0 * bound) / n(len(elbo))]
    if not scale:
        errors = 1, 1
    return above.mean() / errors[0], below.mean() / errors[1]


def _double(log_w, dz, log_var, eps, weights=_normalized, factor=lambda v: v**2, std=_std, half=0.5, of_q=1, left=0,
            over=lambda eps, std: eps / std, inner=lambda eps, std: eps * std, sign=1,
            total=lambda a: a.sum(axis=0)):  # fmt: skip
    c, s = factor(weights(log_w))[..., None], std(log_var)
    path = dz + of_q * over(eps, s)
    return sign * total(c * path), sign * total(c * (half * path * inner(eps, s) + left))


def _ratio(grads, axis=0, fewer=1, less=lambda S: 1 / S, squares=np.sum, root=np.sqrt, root_2=np.sqrt, of_mean=0,
           center=lambda g: g.mean(axis=0), cut=lambda a, mean2: np.maximum(a, 0)):  # fmt: skip
    S = grads.shape[axis]
    noise2 = squares(((grads - center(grads)) ** 2).sum(axis=axis) / (S - fewer))
    mean2 = squares(grads.mean(axis=axis) ** 2)
    return root(cut(mean2 - less(S) * noise2, mean2)), root_2(noise2 / S**of_mean)


_b, _r, _l = partial(partial, _back), partial(partial, _path), partial(partial, _law)
_d, _s = partial(partial, _double), partial(partial, _ratio)

EXERCISES = (
    Exercise(
        "15.1",
        "bound_backward",
        "dlog_w",
        _log_w,
        bound_backward,
        value=lambda g, log_w, offset: (g * log_mean_exp(log_w - offset)).sum(),  # the same slope, rounded less
        points=2,
        hints=(
            "L is the logarithm of a sum of exponentials. Outer slope: 1 over what is inside. Inner slope: of all K "
            "terms only one contains log w_k.",
            "1 / K is above and below the line, and cancels. What is left has the sum 1 over the draws.",
            "Subtract log_w.max(axis=0) first: the common factor cancels as well. Then times g.",
        ),
        slips={
            "that is the gradient of the mean of log w, the ELBO: every draw alike": _b(weights=_uniform),
            "upside down: those are the weights of -log w, by which the worst draw decides": _b(weights=_upside_down),
            "the weights are not divided by their sum": _b(weights=_unnormalized),
            "exp overflows at 800 and is 0 at -900: subtract the largest log w of each example first": _b(
                weights=_in_danger),
            "the largest of all examples is subtracted; each needs its own": _b(weights=_one_top),
            FAR_APART: _b(weights=lambda w: _in_danger(w - w.mean(axis=0))),
            "normalized over the examples: axis 0 are the draws": _b(weights=partial(_normalized, axis=1)),
            "the log weights are divided by their sum: exp is missing": _b(weights=lambda w: w / w.sum(axis=0)),
            "1 / K is left over: it is above and below the line": _b(times=lambda K: 1 / K),
            "the factor K is left over: 1 / K is above and below the line": _b(times=lambda K: K),
            "g is missing: the derivative of what follows by each bound": _b(upstream=lambda g: 1),
            "g is squared": _b(upstream=np.square),
            "divided by g": _b(upstream=lambda g: 1 / g),
            "the sign: a larger weight makes the bound larger": _b(times=lambda K: -1),
            "the weights are squared": _b(power=2),
            "summed over the draws: a number for each is wanted": lambda g, log_w: bound_backward(g, log_w).sum(axis=0),
        },
    ),
    Exercise(
        "15.2",
        "reparameterized",
        "dmu, dlog_var",
        _draws,
        reparameterized,
        value=_value,
        hints=(
            "v is your bound_backward with g = 1 for every example: (K, N). v[..., None] goes with (K, N, L).",
            "dmu: the v-weighted sum of dz over the draws. dlog_var: of dz eps std / 2 + 1 / 2.",
        ),
        slips={
            "averaged over the draws, as for the ELBO; each draw has its weight v": _r(weights=_uniform),
            "the weights are those of -log w: the worst draw decides": _r(weights=_upside_down),
            "the weights are not normalized": _r(weights=_unnormalized),
            "the weights are squared: that belongs to the other gradient": _r(power=2),
            "the 1/2 that comes from log q is missing in dlog_var": _r(of_q=0),
            "the sign of the 1/2 that comes from log q: log w holds - log q, and that + log_var / 2": _r(of_q=-0.5),
            "from log q comes 1/2, not 1": _r(of_q=1),
            "std / 2 is the slope of std = exp(log_var / 2): the 1/2 is missing at dz": _r(half=1),
            "variance for standard deviation: std is exp(log_var / 2)": _r(std=np.exp),
            "std is missing in dlog_var": _r(std=np.ones_like),
            "divided by std: z = mu + std eps": _r(std=lambda v: np.exp(-v / 2)),
            "eps is missing in dlog_var": _r(noise=np.ones_like),
            "dmu: log q at z does not contain mu, when z = mu + std eps": _r(in_mu=lambda dz, eps, std: dz + eps / std),
            "dmu: the slope of z in mu is 1": _r(in_mu=lambda dz, eps, std: dz * std),
            "the sign: that is the gradient of the loss, minus the bound": _r(sign=-1),
            "the weighted terms are averaged over the draws: their sum is wanted, the weights have the sum 1": _r(
                total=lambda a: a.mean(axis=0)),
            "not summed over the draws": _r(total=lambda a: a),
            "the two are exchanged": _r(turned=-1),
        },
    ),
    Exercise(
        "15.3",
        "bound_law",
        "above_elbo, below_log_px",
        _bounds,
        bound_law,
        hints=(
            "Two differences, (S,) each: bound - elbo, and log_px - bound.",
            "The z-score of a mean against 0: d.mean() / (d.std() / sqrt(S)).",
        ),
        slips={
            "the sign of the first: bound - elbo, positive where the law holds": _l(sign_1=-1),
            "the sign of the second: log_px - bound, positive where the law holds": _l(sign_2=-1),
            "both signs: positive is where the law holds": _l(sign_1=-1, sign_2=-1),
            "elbo and bound are of the same draws: take the spread of their difference": _l(
                spread=lambda d, a, b: (a.var() + b.var()) ** 0.5),
            "divided by the spread of one set; the mean of S spreads less": _l(n=lambda S: 1),
            "the standard error is std / sqrt(S), not std / S": _l(n=lambda S: S),
            "std is multiplied with sqrt(S); a mean of S spreads less": _l(n=lambda S: S**-0.5),
            "the variance where the standard deviation should be": _l(spread=lambda d, *_: d.var()),
            "those are the mean differences; divide each by its standard error": _l(scale=False),
            "the second compares with the ELBO; it is about log p(x)": _l(limit=lambda log_px, elbo: elbo),
            "that is np.std with ddof=1; here the plain one is wanted": _l(spread=lambda d, *_: d.std(ddof=1)),
        },
    ),
    Exercise(
        "15.4",
        "doubly",
        "dmu, dlog_var",
        _draws,
        doubly,
        points=2,
        hints=(
            "The gradient is the sum of v_k (path_k - score_k). The mean of v_k score_k is, by the identity, the mean "
            "of another multiple of path_k.",
            "That multiple is the slope of v_k in log w_k. For v = w / (w + R), with R held and dw / dlog w = w, take "
            "the quotient rule, and write the result by v alone.",
            "path_k in mu is dz + eps / std; in log_var it is the same, times eps std / 2.",
        ),
        slips={
            "v, where its square belongs: right for K = 1 only": _d(factor=lambda v: v),
            "v (1 - v) is what the score's part amounts to; it is subtracted from v": _d(factor=lambda v: v * (1 - v)),
            "v (1 + v): the score's part is subtracted": _d(factor=lambda v: v * (2 - v)),
            "1 - v, where v squared belongs": _d(factor=lambda v: 1 - v),
            "the cube of v; its square is wanted": _d(factor=lambda v: v**3),
            "the root of v; its square is wanted": _d(factor=np.sqrt),
            "every draw alike; v squared belongs there": _d(factor=lambda v: np.full(v.shape, 1 / len(v))),
            "the weights are not normalized": _d(weights=_unnormalized),
            "the weights are those of -log w: the worst draw decides": _d(weights=_upside_down),
            "the squared weights are normalized again; they are not": _d(
                factor=lambda v: v**2 / (v**2).sum(axis=0)),
            "the way through log q is missing: its slope in z is -eps / std, and it is subtracted": _d(of_q=0),
            "the sign of eps / std: log q falls away from mu, and it is subtracted": _d(of_q=-1),
            "eps std: the slope of log q in z has std below the line": _d(over=lambda eps, std: eps * std),
            "eps / variance: (z - mu) / variance is eps / std": _d(over=lambda eps, std: eps / std**2),
            "eps is not divided by std": _d(over=lambda eps, std: eps),
            "the 1/2 is missing: the slope of std is std / 2": _d(half=1),
            "std is missing in the slope of z in log_var": _d(inner=lambda eps, std: eps),
            "eps is missing in the slope of z in log_var": _d(inner=lambda eps, std: std),
            "variance for standard deviation: std is exp(log_var / 2)": _d(std=np.exp),
            "the 1/2 of log q's own log_var does not belong here: only what goes through z": _d(left=0.5),
            "that is the reparameterized gradient of 15.2": reparameterized,
            "15.2 with squared weights: the path alone belongs here, dz + eps / std": partial(_path, power=2),
            "the sign: that is the gradient of the loss, minus the bound": _d(sign=-1),
            "averaged over the draws: their sum is wanted": _d(total=lambda a: a.mean(axis=0)),
            "not summed over the draws": _d(total=lambda a: a),
        },
    ),
    Exercise(
        "15.5",
        "signal_and_noise",
        "signal, noise",
        _gradients,
        signal_and_noise,
        hints=(
            "The mean over the repetitions is (P,). Noise squared: the squares of all deviations from it, summed, "
            "divided by S - 1.",
            "Signal squared: the squares of the mean, summed, less noise squared / S. It may come out below 0: "
            "max(..., 0).",
        ),
        slips={
            "the noise that is left in the mean is not subtracted from the signal": _s(less=lambda S: 0),
            "the noise that is left in the mean is added; it is subtracted": _s(less=lambda S: -1 / S),
            "all of the noise is subtracted; in the mean of S is an S-th of its square": _s(less=lambda S: 1),
            "a root of S too much: the squares are subtracted, and that of the mean's noise is noise^2 / S": _s(
                less=lambda S: 1 / S**0.5),
            "divided by S; with the mean of the same draws it is S - 1": _s(fewer=0),
            "that is the noise of the mean; one gradient's is wanted": _s(of_mean=1),
            "that is noise squared": _s(root_2=lambda a: a),
            "that is signal squared": _s(root=lambda a: a),
            "both are squares; their roots are wanted": _s(root=lambda a: a, root_2=lambda a: a),
            "averaged over the parameters: the squares are summed": _s(squares=np.mean),
            "not summed over the parameters: two numbers are wanted": _s(squares=lambda a: a),
            "the mean is not subtracted: noise is the deviation from it": _s(center=lambda g: 0),
            "signal squared is an estimate, and here below 0; of a number below 0 there is no root: max(..., 0)": _s(
                cut=as_it_is),
            "signal squared is an estimate, and here below 0; its size is taken, where 0 is closer: max(..., 0)": _s(
                cut=lambda a, mean2: np.abs(a)),
            "signal squared is an estimate, and here below 0; that is the root of its size with a minus: max(..., 0)":
                _s(cut=as_it_is, root=lambda a: np.sign(a) * np.sqrt(np.abs(a))),
            "signal squared is an estimate, and here below 0; the noise is not subtracted there: max(..., 0)": _s(
                cut=lambda a, mean2: np.where(a > 0, a, mean2)),
            "over the parameters: axis 0 are the repetitions": _s(
                axis=1, center=lambda g: g.mean(axis=1, keepdims=True)),
        },
    ),
)  # fmt: skip

"""Exercises of lesson 8: a sample as a function of mu and log_var, its gradient, and the score-function estimator."""

import numpy as np

from ...densities import bernoulli_log_prob, gaussian_log_prob, kl_standard_normal
from ...numeric import sigmoid
from ..exercise import Exercise

HALF = "a factor of exactly 0.5 is missing: the chain rule through exp(log_var / 2)"


def reparameterize(mu, log_var, eps):
    return mu + np.exp(log_var / 2) * eps


def reparameterize_backward(dz, mu, log_var, eps):
    return dz, dz * eps * np.exp(log_var / 2) / 2


def around_the_sample(dl1, dl2, v1, v2, mu, log_var, eps):
    dz = dl1 * v1 + dl2 * v2
    dstd = dz * eps
    return dz, dstd, dz + mu, dstd * np.exp(log_var / 2) / 2 + (np.exp(log_var) - 1) / 2


def score(z, mu, log_var):
    var = np.exp(log_var)
    return (z - mu) / var, ((z - mu) ** 2 / var - 1) / 2


def score_function(f, z, mu, log_var, baseline):
    dmu, dlog_var = score(z, mu, log_var)
    return (f - baseline)[:, None] * dmu, (f - baseline)[:, None] * dlog_var


def leave_one_out(f):
    return (f.sum() - f) / (len(f) - 1)


def _sample(rng):
    shape = rng.integers(4, 7), 3
    return {name: rng.standard_normal(shape) for name in ("dz", "mu", "log_var", "eps")}


def _pencil(rng):
    v = {name: rng.standard_normal(5) for name in ("mu", "log_var", "eps", "v1", "v2", "c1", "c2")}
    v |= {name: rng.integers(0, 2, 5).astype("float64") for name in ("x1", "x2")}
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
    shape = rng.integers(4, 7), 3
    return {name: rng.standard_normal(shape) for name in ("z", "mu", "log_var")}


def _draws(rng):
    """As many draws as latents: what goes along the wrong axis has the right shape, and is still wrong.

    The baseline is an array for the first of SEEDS, a number for the second.
    """
    baseline = 2 + rng.standard_normal(None if rng.integers(2) else 5)
    inputs = {name: rng.standard_normal((5, 5)) for name in ("z", "mu", "log_var")}
    return inputs | {"f": 3 + rng.standard_normal(5), "baseline": baseline}


def _costs(rng):
    return {"f": 3 + rng.standard_normal(rng.integers(4, 9))}


def _around_sample(**a):
    factors = {"std": np.exp(a["log_var"] / 2), "eps": a["eps"]}
    return {"factors": factors | ({"dz": a["dz"]} if "dz" in a else {})}


def _around_points(z, mu, log_var, **_):
    return {"factors": {"std": np.exp(log_var / 2), "z - mu": z - mu}}


def _changed(dz=None, dstd=None, dmu=None, dlog_var=None):
    """A slip of the pencil exercise: some of its four lines otherwise."""

    def slip(dl1, dl2, v1, v2, mu, log_var, eps):
        a = {"dl1": dl1, "dl2": dl2, "v1": v1, "v2": v2, "mu": mu, "log_var": log_var, "eps": eps}
        a["var"], a["std"] = np.exp(log_var), np.exp(log_var / 2)
        a["dz"] = dz(**a) if dz else dl1 * v1 + dl2 * v2
        a["dstd"] = dstd(**a) if dstd else a["dz"] * eps
        a["dmu"] = dmu(**a) if dmu else a["dz"] + mu
        a["dlog_var"] = dlog_var(**a) if dlog_var else a["dstd"] * a["std"] / 2 + (a["var"] - 1) / 2
        return tuple(a[name] for name in ("dz", "dstd", "dmu", "dlog_var"))

    return slip


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
            "variance for standard deviation: exp(log_var) is std squared": lambda mu, log_var, eps: (
                mu + np.exp(log_var) * eps),
            "log_var is used as it is: a standard deviation is positive": lambda mu, log_var, eps: mu + log_var * eps,
            "the exponential is missing: log_var / 2 is log(std)": lambda mu, log_var, eps: mu + log_var / 2 * eps,
            "eps is forgotten: z is not random any more": lambda mu, log_var, eps: mu + np.exp(log_var / 2),
            "mu is forgotten: that is only the distance from the mean": lambda mu, log_var, eps: (
                np.exp(log_var / 2) * eps),
            "log_var is twice log(std), not half of it": lambda mu, log_var, eps: mu + np.exp(2 * log_var) * eps,
            "the sign of the exponent: that is 1 / std": lambda mu, log_var, eps: mu + np.exp(-log_var / 2) * eps,
            "eps is subtracted": lambda mu, log_var, eps: mu - np.exp(log_var / 2) * eps,
            "mu is multiplied too: only eps is stretched": lambda mu, log_var, eps: (mu + eps) * np.exp(log_var / 2),
            "mu and std have changed places: mu moves, std stretches": lambda mu, log_var, eps: (
                mu * eps + np.exp(log_var / 2)),
            "that is the mean of z, without any noise": lambda mu, log_var, eps: mu,
            "log_var may be negative, and has no root then; exp gets rid of its log": lambda mu, log_var, eps: (
                mu + np.sqrt(log_var) * eps),
            "log_var is a logarithm already, and may be negative: exp undoes it": lambda mu, log_var, eps: (
                mu + np.log(log_var) * eps),
            "it does not use the eps that it is given, but noise of its own": lambda mu, log_var, eps: (
                mu + np.exp(log_var / 2) * np.random.default_rng(0).standard_normal(eps.shape)),
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
        hints=(
            "Every entry of z depends on the mu, log_var and eps at the same place alone: no sums, only products.",
            "From log_var to z in two steps: log_var -> std -> z. Multiply dz with the slope of the second step, which "
            "is eps, then with that of the first.",
            "The slope of the first step is the derivative of exp(log_var / 2) with respect to log_var: an inner "
            "derivative comes before the exponential.",
        ),
        slips={
            HALF: lambda dz, mu, log_var, eps: (dz, dz * eps * np.exp(log_var / 2)),
            "that is dstd: the step from log_var to std is missing": lambda dz, mu, log_var, eps: (dz, dz * eps),
            "of the slope of std = exp(log_var / 2) only the inner derivative is there": lambda dz, mu, log_var, eps: (
                dz, dz * eps / 2),
            "the variance is used as the slope of the standard deviation": lambda dz, mu, log_var, eps: (
                dz, dz * eps * np.exp(log_var)),
            "variance for standard deviation: exp(log_var) is std squared": lambda dz, mu, log_var, eps: (
                dz, dz * eps * np.exp(log_var) / 2),
            "eps is forgotten: the slope of z in std": lambda dz, mu, log_var, eps: (dz, dz * np.exp(log_var / 2) / 2),
            "dz is forgotten: that is the slope of z, not of the loss": lambda dz, mu, log_var, eps: (
                np.ones_like(dz), eps * np.exp(log_var / 2) / 2),
            "z is used where eps should be": lambda dz, mu, log_var, eps: (
                dz, dz * reparameterize(mu, log_var, eps) * np.exp(log_var / 2) / 2),
            "averaged over the examples: whether the loss is a mean is already in dz": lambda dz, mu, log_var, eps: (
                dz / len(dz), dz * eps * np.exp(log_var / 2) / 2 / len(dz)),
            "mu is used where eps should be": lambda dz, mu, log_var, eps: (dz, dz * mu * np.exp(log_var / 2) / 2),
            "log_var is used where std should be": lambda dz, mu, log_var, eps: (dz, dz * eps * log_var / 2),
            "the KL is in it: here only what comes back through z is wanted": lambda dz, mu, log_var, eps: (
                dz + mu, dz * eps * np.exp(log_var / 2) / 2 + (np.exp(log_var) - 1) / 2),
            "mu is in dmu: z has the slope 1 in mu": lambda dz, mu, log_var, eps: (
                dz * mu, dz * eps * np.exp(log_var / 2) / 2),
            "eps is in dmu: z has the slope 1 in mu": lambda dz, mu, log_var, eps: (
                dz * eps, dz * eps * np.exp(log_var / 2) / 2),
            "z is used where std * eps should be: mu is in z, too": lambda dz, mu, log_var, eps: (
                dz, dz * reparameterize(mu, log_var, eps) / 2),
            "summed over the examples: each has a mu and a log_var of its own, nothing is summed": (
                lambda dz, mu, log_var, eps: (dz.sum(axis=0), (dz * eps * np.exp(log_var / 2) / 2).sum(axis=0))),
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
        hints=(
            "Find z in the picture: two arrows leave it, to l1 and to l2. What comes back along each is the number "
            "there times the slope of that step; then add.",
            "mu has two arrows too, to z and to kl. Along the first comes dz, along the second the slope of kl.",
            "log_var: one part comes from std, as in 8.2, the other is the derivative of (exp(log_var) - log_var) / 2.",
        ),
        slips={
            "z is used twice, and one of the two ways back is missing (l2)": _changed(dz=lambda dl1, v1, **a: dl1 * v1),
            "z is used twice, and one of the two ways back is missing (l1)": _changed(dz=lambda dl2, v2, **a: dl2 * v2),
            "the slopes v1 and v2 are forgotten": _changed(dz=lambda dl1, dl2, **a: dl1 + dl2),
            "v1 belongs to l1 and v2 to l2; here they are exchanged": _changed(
                dz=lambda dl1, dl2, v1, v2, **a: dl1 * v2 + dl2 * v1),
            "the two ways are multiplied: what comes back adds up": _changed(
                dz=lambda dl1, dl2, v1, v2, **a: dl1 * v1 * dl2 * v2),
            "each way back has its own slope: multiply first, then add": _changed(
                dz=lambda dl1, dl2, v1, v2, **a: (dl1 + dl2) * (v1 + v2)),
            "those are the slopes alone: what comes back, dl1 and dl2, is missing": _changed(
                dz=lambda v1, v2, **a: v1 + v2),
            "the KL is in dstd: in the picture no arrow goes from std to kl": _changed(
                dstd=lambda dz, eps, var, **a: dz * eps + (var - 1) / 2),
            "the KL's slope in std is in dstd: in the picture the KL is made of mu and log_var, not of std": _changed(
                dstd=lambda dz, eps, std, **a: dz * eps + std - 1 / std),
            "only the KL is there: what comes back through z is missing": _changed(
                dmu=lambda mu, **a: mu, dlog_var=lambda var, **a: (var - 1) / 2),
            "the KL itself is added, not its slope": _changed(
                dmu=lambda dz, mu, **a: dz + mu**2 / 2,
                dlog_var=lambda dstd, std, var, log_var, **a: dstd * std / 2 + (var - 1 - log_var) / 2),
            "the slope of mu^2 / 2: the 2 of the square and the half cancel": _changed(
                dmu=lambda dz, mu, **a: dz + 2 * mu),
            "the KL is forgotten: mu and log_var are used twice": _changed(
                dmu=lambda dz, **a: dz, dlog_var=lambda dstd, std, **a: dstd * std / 2),
            "the KL's part has the wrong sign: loss = kl - log_px_z, and the minus is in dl1 and dl2 already": _changed(
                dmu=lambda dz, mu, **a: dz - mu, dlog_var=lambda dstd, std, var, **a: dstd * std / 2 - (var - 1) / 2),
            "eps is forgotten: the slope of z in std": _changed(dstd=lambda dz, **a: dz),
            HALF: _changed(
                dlog_var=lambda dstd, std, var, **a: dstd * std + (var - 1) / 2),
            "the factor 0.5 of the KL is missing in its part of dlog_var": _changed(
                dlog_var=lambda dstd, std, var, **a: dstd * std / 2 + var - 1),
            "dstd is added as it is: the step from log_var to std is missing": _changed(
                dlog_var=lambda dstd, var, **a: dstd + (var - 1) / 2),
            "variance for standard deviation: exp(log_var) is std squared": _changed(
                dlog_var=lambda dstd, var, **a: dstd * var / 2 + (var - 1) / 2),
            "the KL's part of dlog_var: the derivative of -log_var is missing": _changed(
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
        hints=(
            "Only two terms of log q hold the parameters. Write the square as (z - mu)^2 exp(-log_var).",
            "The derivative of exp(-log_var) is -exp(-log_var): one half of the result has the square with a plus.",
        ),
        slips={
            "the sign: that is the derivative in z": lambda z, mu, log_var: (
                -(z - mu) / np.exp(log_var), score(z, mu, log_var)[1]),
            "std for variance: the square is divided by std squared": lambda z, mu, log_var: (
                (z - mu) / np.exp(log_var / 2), ((z - mu) ** 2 / np.exp(log_var / 2) - 1) / 2),
            "the variance is squared: exp(log_var) is std squared already": lambda z, mu, log_var: (
                (z - mu) / np.exp(2 * log_var), ((z - mu) ** 2 / np.exp(2 * log_var) - 1) / 2),
            "multiplied by the variance: the square is divided by it": lambda z, mu, log_var: (
                (z - mu) * np.exp(log_var), ((z - mu) ** 2 * np.exp(log_var) - 1) / 2),
            "mu is not subtracted from z": lambda z, mu, log_var: (
                z / np.exp(log_var), (z**2 / np.exp(log_var) - 1) / 2),
            "log_var is used where its exponential should be": lambda z, mu, log_var: (
                (z - mu) / log_var, ((z - mu) ** 2 / log_var - 1) / 2),
            "the half is missing": lambda z, mu, log_var: (
                2 * (z - mu) / np.exp(log_var), (z - mu) ** 2 / np.exp(log_var) - 1),
            "the constant in front of the exponential, 1 / std, depends on log_var too": lambda z, mu, log_var: (
                score(z, mu, log_var)[0], (z - mu) ** 2 / np.exp(log_var) / 2),
            "that is the derivative with respect to the variance, not its logarithm": lambda z, mu, log_var: (
                score(z, mu, log_var)[0], score(z, mu, log_var)[1] / np.exp(log_var)),
            "that is the derivative with respect to std, not log_var": lambda z, mu, log_var: (
                score(z, mu, log_var)[0], 2 * score(z, mu, log_var)[1] / np.exp(log_var / 2)),
            "that is log q itself, not a derivative": lambda z, mu, log_var: (
                *(-((z - mu) ** 2 / np.exp(log_var) + log_var + np.log(2 * np.pi)) / 2,) * 2,),
            "the square (z - mu)^2 is in that term, and stays when log_var changes": lambda z, mu, log_var: (
                score(z, mu, log_var)[0], (np.exp(-log_var) - 1) / 2),
            "the sign of the 1: the slope of -log_var / 2 is negative": lambda z, mu, log_var: (
                score(z, mu, log_var)[0], ((z - mu) ** 2 / np.exp(log_var) + 1) / 2),
            "summed over the latents: a number per entry of z is wanted": lambda z, mu, log_var: tuple(
                a.sum(axis=-1) for a in score(z, mu, log_var)),
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
            "f is a number per draw; here it goes along the latents": lambda f, z, mu, log_var, baseline: tuple(
                (f - baseline) * a for a in score(z, mu, log_var)),
            "the baseline is not used": lambda f, z, mu, log_var, baseline: tuple(
                f[:, None] * a for a in score(z, mu, log_var)),
            "the baseline is added": lambda f, z, mu, log_var, baseline: tuple(
                (f + baseline)[:, None] * a for a in score(z, mu, log_var)),
            "the sign: what is above the baseline must count as positive": lambda f, z, mu, log_var, baseline: tuple(
                (baseline - f)[:, None] * a for a in score(z, mu, log_var)),
            "f is not used: the score alone has the mean 0": lambda f, z, mu, log_var, baseline: score(z, mu, log_var),
            "averaged over the draws already: the mean is taken outside": lambda f, z, mu, log_var, baseline: tuple(
                (f - baseline)[:, None] * a / len(f) for a in score(z, mu, log_var)),
            "averaged over the draws: one row per draw is wanted": lambda f, z, mu, log_var, baseline: (
                tuple(((f - baseline)[:, None] * a).mean(axis=0) for a in score(z, mu, log_var))),
            "the baseline goes along the latents; like f it belongs to the draws": lambda f, z, mu, log_var, baseline: (
                tuple((f[:, None] - baseline) * a for a in score(z, mu, log_var))),
            "the baseline is subtracted too late, from the product; it belongs to f": (
                lambda f, z, mu, log_var, baseline: tuple(
                    f[:, None] * a - np.reshape(baseline, (-1, 1)) for a in score(z, mu, log_var))),
            "np.outer multiplies every draw's weight with every draw's score": lambda f, z, mu, log_var, baseline: (
                tuple(np.outer(f - baseline, a) for a in score(z, mu, log_var))),
        },
        around=_around_points,
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
            "the sum of the others, not their mean": lambda f: f.sum() - f,
            "the mean of all stands where their sum belongs": lambda f: (f.mean() - f) / (len(f) - 1),
            "a bracket is missing: the difference is divided, not only one's own cost": lambda f: (
                f.sum() - f / (len(f) - 1)),
            "a bracket is missing: the 1 is subtracted from the number of draws": lambda f: (f.sum() - f) / len(f) - 1,
        },
        around=lambda f: {"sizes": {"S": len(f), "S - 1": len(f) - 1}},
    ),
)  # fmt: skip

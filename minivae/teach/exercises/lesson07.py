"""Exercises of lesson 7: the KL of two Gaussians, by formula and sampled; bound and gap of a linear model."""

from functools import partial

import numpy as np

from ..exercise import Exercise
from . import elbo_by_hand as by_hand
from .draws import as_it_is, averaged
from .elbo_by_hand import LOG_2PI, elbo_backward, elbo_parts, kl, kl_backward, kl_monte_carlo, posterior


def _shape(rng):
    """(N, L), other ones for each of SEEDS."""
    return rng.integers(4, 10), rng.integers(3, 7)


def _gaussians(rng):
    shape = _shape(rng)
    return {name: rng.standard_normal(shape) for name in ("mu", "log_var", "mu_p", "log_var_p")}


def _sampled(rng):
    N, L = _shape(rng)
    shapes = {"mu": (N, L), "log_var": (N, L), "eps": (rng.integers(20, 40), N, L)}
    return {name: rng.standard_normal(shape) for name, shape in shapes.items()}


def _linear(rng):
    N, L = _shape(rng)
    shapes = {"x": (N, L), "mu": (N, L), "log_var": (N, L), "w": L, "b": L}
    return {name: rng.standard_normal(shape) for name, shape in shapes.items()} | {"var_x": rng.uniform(0.3, 0.8)}


def _sizes(mu, **_):
    return {"sizes": dict(zip("NL", mu.shape, strict=True))}


def _around_kl(mu, log_var, mu_p, log_var_p):
    return _sizes(mu) | {"factors": {"std_p": np.exp(log_var_p / 2), "std": np.exp(log_var / 2)}}


def _everything(a):
    return np.full(len(a), a.sum())


_kl, _gradient = partial(partial, by_hand.kl_variant), partial(partial, by_hand.kl_backward_variant)
_sample, _given_x = partial(partial, by_hand.monte_carlo_variant), partial(partial, by_hand.posterior_variant)
_parts, _climb = partial(partial, by_hand.parts_variant), partial(partial, by_hand.elbo_backward_variant)

EXERCISES = (
    Exercise(
        "7.1",
        "kl",
        "kl",
        _gaussians,
        kl,
        points=2,
        hints=(
            "Write down log q(z) and log p(z) for one latent, with their constants. What is the mean of (z - mu)^2, "
            "averaged over z from q?",
            "In log p stands (z - mu_p)^2. Write z - mu_p as (z - mu) + (mu - mu_p), square, and average each product.",
            "Test the result: it must be 0 where mu = mu_p and log_var = log_var_p. The ratio of two variances is best "
            "computed as np.exp(log_var - log_var_p). Sum over the last axis.",
        ),
        slips={
            "the half is missing": _kl(half=1),
            "the half belongs to the logarithms of the variances as well": _kl(logs=2),
            "the -1 is missing: two equal Gaussians must have the KL 0": _kl(one=lambda L: 0),
            "-1 once for all latents: it belongs to each": _kl(one=lambda L: 1 / L),
            "log(2 pi) is left over: it is in log q and in log p, and cancels": _kl(one=lambda L: 1 - LOG_2PI),
            "q and p are exchanged: that is KL(p || q)": _kl(swap=True),
            "the sign of the two logarithms is exchanged": _kl(logs=-1),
            "the two logarithms are missing": _kl(logs=0),
            "averaged over the latents, not summed": _kl(total=averaged),
            "not summed over the latents: one number per example is wanted": _kl(total=as_it_is),
            "summed over the examples: one number per example is wanted": _kl(total=lambda a: a.sum(axis=0)),
            "summed over the examples as well": _kl(total=_everything),
            "standard deviations where variances should be": _kl(variance=lambda a: np.exp(a / 2)),
            "log_var is used where its exponential should be": _kl(variance=as_it_is),
            "the squared distance is not divided by the variance of p": _kl(over=lambda v, v_p: 1),
            "the squared distance is divided by the variance of q; it is p's": _kl(over=lambda v, v_p: v),
            "the squared distance is divided by the square of the variance": _kl(over=lambda v, v_p: v_p**2),
            "the distance is not squared": _kl(square=as_it_is),
            "the squared distance is subtracted": _kl(distance=-1),
            "the squared distance of the means is missing": _kl(distance=0),
            "the two means are added: their distance is wanted": _kl(mean_p=-1),
            "mu_p is forgotten: p's mean need not be 0": _kl(mean_p=0),
            "the ratio is upside down: it is v / v_p": _kl(ratio=lambda v, v_p: v_p / v),
            "v is not divided by v_p": _kl(ratio=lambda v, v_p: v),
            "the ratio of the variances is missing": _kl(ratio=lambda v, v_p: 0),
            "p is taken for N(0, 1)": _kl(p=0),
        },
        around=_around_kl,
    ),
    Exercise(
        "7.2",
        "kl_backward",
        "dmu, dlog_var",
        _gaussians,
        kl_backward,
        value=lambda mu, log_var, mu_p, log_var_p: kl(mu, log_var, mu_p, log_var_p).sum(),
        hints=(
            "mu is in one term only, the squared distance. The 2 of the square and the half cancel.",
            "log_var is in two terms: -log_var, and the ratio exp(log_var - log_var_p), which is its own derivative.",
        ),
        slips={
            "the half is missing": _gradient(half=1),
            "the half is there, but the 2 of the square is not": _gradient(square=1),
            "not divided by the variance of p": _gradient(over=lambda v, v_p: 1, ratio=lambda v, v_p: v),
            "standard deviations where variances should be": _gradient(variance=lambda a: np.exp(a / 2)),
            "log_var is used where its exponential should be": _gradient(variance=as_it_is),
            "the derivative of -log_var is missing": _gradient(one=0),
            "the derivative of -log_var has the wrong sign": _gradient(one=-1),
            "the derivative of the ratio is missing": _gradient(ratio=lambda v, v_p: 0),
            "the ratio is upside down: it is v / v_p": _gradient(ratio=lambda v, v_p: v_p / v),
            "that is the derivative with respect to v, not log_var": _gradient(inner=lambda a: np.exp(-a)),
            "that is the derivative with respect to std, not log_var": _gradient(inner=lambda a: 2 * np.exp(-a / 2)),
            "mu_p is forgotten: p's mean need not be 0": _gradient(mean_p=0),
            "the two means are added: their distance is wanted": _gradient(mean_p=-1),
            "divided by the variance of q; in the formula it is p's": _gradient(over=lambda v, v_p: v),
            "multiplied with the variance of p": _gradient(
                over=lambda v, v_p: 1 / v_p, ratio=lambda v, v_p: v * v_p),
            "the squared distance is in dlog_var: it does not contain log_var": _gradient(distance=1),
            "those are the derivatives in mu_p and log_var_p": lambda mu, log_var, mu_p, log_var_p: (
                -(mu - mu_p) / np.exp(log_var_p),
                0.5 * (1 - np.exp(log_var - log_var_p) - (mu - mu_p) ** 2 / np.exp(log_var_p))),
            "averaged over the examples; the sum is wanted": _gradient(total=lambda a: a / len(a)),
            "summed over the latents: a number per entry is wanted": _gradient(total=lambda a: a.sum(axis=-1)),
            "summed over the examples: a number per entry is wanted": _gradient(total=lambda a: a.sum(axis=0)),
        },
        around=_around_kl,
    ),
    Exercise(
        "7.3",
        "kl_monte_carlo",
        "kl, error",
        _sampled,
        kl_monte_carlo,
        hints=(
            "z = mu + std eps has the shape of eps. In log q, (z - mu)^2 / std^2 is eps^2; log(2 pi) cancels.",
            "terms = log q(z) - log p(z), summed over the latents, has the shape (K, N). The mean over axis 0 is kl.",
            "np.std over the same axis, divided by the square root of the number of samples.",
        ),
        slips={
            "the sign: that is log p - log q": _sample(sign=-1),
            "the half is missing": _sample(half=1),
            "log_var is missing in log q": _sample(log=0),
            "the sign of log_var: it is in log q with a minus": _sample(log=-1),
            "in log q it is half of log_var, the logarithm of std": _sample(log=2),
            "log(2 pi) is in log p, but not in log q: it must be in both, or in none": _sample(const=LOG_2PI),
            "log(2 pi) is in log q, but not in log p: it must be in both, or in none": _sample(const=-LOG_2PI),
            "log p is taken at eps: it belongs at z": _sample(in_p=lambda z, eps, mu, v: eps**2),
            "log p is taken at z - mu: it belongs at z": _sample(in_p=lambda z, eps, mu, v: (z - mu) ** 2),
            "log p is missing: that is log q alone": _sample(in_p=lambda z, eps, mu, v: 0),
            "log q is taken at eps: it belongs at z": _sample(in_q=lambda z, eps, mu, v: (eps - mu) ** 2 / v),
            "q is taken for N(0, 1): that is the density of p, at z": _sample(in_q=lambda z, eps, mu, v: z**2, log=0),
            "the square in log q is not divided by the variance": _sample(
                in_q=lambda z, eps, mu, v: (z - mu) ** 2),
            "the square in log q is divided by the standard deviation": _sample(
                in_q=lambda z, eps, mu, v: (z - mu) ** 2 / np.sqrt(v)),
            "in log q is the square of z - mu, not that of z": _sample(in_q=lambda z, eps, mu, v: z**2 / v),
            "the square in log q is missing": _sample(in_q=lambda z, eps, mu, v: 0),
            "variance for standard deviation: exp(log_var) is std squared": _sample(std=np.exp),
            "log_var is used as it is: std is exp(log_var / 2)": _sample(std=as_it_is),
            "that is the spread of one sample: the error of the mean of K is smaller": _sample(
                error=lambda terms: terms.std(axis=0)),
            "divided by K; the standard error falls more slowly": _sample(
                error=lambda terms: terms.std(axis=0) / len(terms)),
            "that is np.std with ddof=1; here the plain one is wanted": _sample(
                error=lambda terms: terms.std(axis=0, ddof=1) / len(terms) ** 0.5),
            "the variance of the mean; its root is the error": _sample(
                error=lambda terms: terms.var(axis=0) / len(terms)),
            "the variance where the standard deviation should be": _sample(
                error=lambda terms: terms.var(axis=0) / len(terms) ** 0.5),
            "divided by the root of the number of examples; K is the number of samples": _sample(
                error=lambda terms: terms.std(axis=0) / terms.shape[1] ** 0.5),
            "averaged over the examples, not over the samples": _sample(
                mean=lambda terms: terms.mean(axis=1), error=lambda terms: terms.std(axis=1) / terms.shape[1] ** 0.5),
            "the sum over the samples, not their mean": _sample(
                mean=lambda terms: terms.sum(axis=0), error=lambda terms: terms.std(axis=0) * len(terms) ** 0.5),
            "the KL is by formula: here it comes from samples": lambda mu, log_var, eps: (
                kl(mu, log_var, 0 * mu, 0 * mu), kl_monte_carlo(mu, log_var, eps)[1]),
            "averaged over the latents, not summed": _sample(total=averaged),
            "not summed over the latents: one number per example is wanted": _sample(total=as_it_is),
        },
    ),
    Exercise(
        "7.4",
        "posterior",
        "mu_post, log_var_post",
        _linear,
        posterior,
        points=2,
        hints=(
            "Write down log p(z) + log p(x | z) as a function of z alone. What does not contain z is a constant.",
            "Collect the factor of z^2 and the factor of z. In the density of N(mu_post, v_post) they are "
            "-1 / (2 v_post) and mu_post / v_post.",
            "v_post does not depend on x, but its logarithm is wanted in the shape of x: add np.zeros_like(x).",
        ),
        slips={
            "the prior's 1 is missing in the precision": _given_x(prior=0),
            "the prior's part of the precision is subtracted: precisions add": _given_x(prior=-1),
            "b is not subtracted": _given_x(bias=0),
            "b is added: what z has to explain is x - b": _given_x(bias=-1),
            "var_x is not used: that is the posterior for the noise 1": _given_x(noise=lambda var_x: 1.0),
            "var_x is taken for a standard deviation and squared": _given_x(noise=np.square),
            "the root of var_x is taken, which is a variance already": _given_x(noise=np.sqrt),
            "that is the precision; the variance is 1 over it": _given_x(weight=lambda v: 1 / v, times=-1),
            "the sign of log_var_post: that is the logarithm of the precision": _given_x(times=-1),
            "that is the variance; its logarithm is wanted": _given_x(wanted=as_it_is),
            "that is the precision; the logarithm of the variance is wanted": _given_x(wanted=lambda v: 1 / v),
            "that is the standard deviation; the logarithm of the variance is wanted": _given_x(wanted=np.sqrt),
            "that is the logarithm of the standard deviation": _given_x(wanted=lambda v: np.log(v) / 2),
            "w is not squared in the precision": _given_x(pixel=lambda w, var_x: w / var_x),
            "the pixel's part of the precision is upside down": _given_x(pixel=lambda w, var_x: var_x / w**2),
            "w^2 is not divided by var_x in the precision": _given_x(pixel=lambda w, var_x: w**2),
            "w^2 is multiplied with var_x in the precision": _given_x(pixel=lambda w, var_x: w**2 * var_x),
            "that is the variance of x, not that of z given x": lambda x, w, b, var_x: (
                w * (x - b) / var_x * (w**2 + var_x), np.log(w**2 + var_x) + 0 * x),
            "w is missing in mu_post": _given_x(slope=lambda w: 1),
            "w is squared in mu_post": _given_x(slope=np.square),
            "mu_post is divided by w": _given_x(slope=lambda w: 1 / w),
            "mu_post is not multiplied with the variance": _given_x(weight=lambda v: 1),
            "mu_post is multiplied with the standard deviation, not with the variance": _given_x(weight=np.sqrt),
            "mu_post is not divided by var_x": _given_x(over=lambda var_x: 1),
            "log_var_post is the same in every row, but wanted in the shape of x": lambda x, w, b, var_x: (
                posterior(x, w, b, var_x)[0], posterior(x, w, b, var_x)[1][0]),
        },
    ),
    Exercise(
        "7.5",
        "elbo_parts",
        "log_px_z, kl_prior, log_pz, entropy, log_px, gap",
        _linear,
        elbo_parts,
        points=2,
        hints=(
            "Each part is one line: a formula of the text, summed over the last axis, or a call of your kl.",
            "The prior is N(0, 1): kl_prior is your kl with arrays of zeros for mu_p and log_var_p. gap is your kl to "
            "what your posterior returns.",
            "log_px is the log-density of a normal distribution at x. Its mean and variance stand above 7.4.",
        ),
        slips={
            "the spread of z is forgotten: the mean of a square is the square of the mean and a variance": _parts(
                spread=lambda w, v: 0, spread_z=0),
            "the variance of w z is w^2 v, not v": _parts(spread=lambda w, v: v),
            "the variance of w z is w^2 v, not w v": _parts(spread=lambda w, v: w * v),
            "the spread is not divided by var_x": _parts(over=lambda var_x: var_x),
            "b is forgotten": _parts(bias=0),
            "b is added: the pixel's mean is w z + b, and is subtracted": _parts(bias=-1),
            "w is forgotten: the pixel's mean is w z + b": _parts(slope=lambda w: 1),
            "var_x is taken for a standard deviation and squared": _parts(noise=np.square),
            "log var_x is missing in log p(x | z)": _parts(log=0),
            "half of log var_x: it is the logarithm of a variance already": _parts(log=0.5),
            "log(2 pi) is missing": _parts(const=0),
            "the half is missing": _parts(half=1),
            "standard deviation for variance: exp(log_var) is v": _parts(std=0.5),
            "that is KL(p || q); the KL from q to the prior is wanted": _parts(swap_prior=True),
            "the prior's variance is 1, and so its log_var is 0": _parts(prior=1),
            "the 1 of the entropy is missing: its constant is log(2 pi) + 1": _parts(one=0),
            "log_var is missing in the entropy": _parts(log_q=0),
            "half of log_var: the entropy has log v, and its half stands before the bracket": _parts(log_q=0.5),
            "the sign: that is the mean of log q, and the entropy is minus that": _parts(entropy=-1),
            "the variance of x is w^2 + var_x: w^2 is missing": _parts(var=lambda w, var_x: var_x + 0 * w),
            "the variance of x is w^2 + var_x: var_x is missing": _parts(var=lambda w, var_x: w**2),
            "the variance of x is w^2 + var_x: w is not squared": _parts(var=lambda w, var_x: w + var_x),
            "the variance of x is w^2 + var_x, a sum, not a product": _parts(var=lambda w, var_x: w**2 * var_x),
            "the logarithm of the variance is missing in log p(x)": _parts(log_x=0),
            "log p(x) does not depend on q: x has the mean b": _parts(mean_x=lambda w, b, mu: w * mu + b),
            "the gap is KL(q || posterior); here it is the other way around": _parts(swap_gap=True),
            "that is the KL to the prior; the gap is that to the posterior": _parts(to="prior"),
            "averaged over the latents, not summed": _parts(total=averaged),
            "not summed over the latents: one number per example is wanted": _parts(total=as_it_is),
        },
        around=_sizes,
    ),
    Exercise(
        "7.6",
        "elbo_backward",
        "dmu, dlog_var",
        _linear,
        elbo_backward,
        value=lambda x, mu, log_var, w, b, var_x: np.subtract(*elbo_parts(x, mu, log_var, w, b, var_x)[:2]).sum(),
        hints=(
            "Two parts each: that of the reconstruction, and minus that of the KL, your kl_backward with zeros for p.",
            "In the reconstruction mu is in a square, with the inner derivative -w. log_var is in the spread only.",
        ),
        slips={
            "the sign: that is the gradient of the loss, -ELBO": _climb(loss=-1),
            "the KL is missing": _climb(kl=0),
            "the KL has the wrong sign": _climb(kl=-1),
            "the reconstruction has the wrong sign": _climb(recon=-1),
            "the reconstruction is missing": _climb(recon=0),
            "twice the reconstruction: the 2 of the square and the half cancel": _climb(recon=2),
            "half of the reconstruction in dmu: the 2 of the square and the half cancel": _climb(
                slope=lambda w: w / 2),
            "b is forgotten": _climb(bias=0),
            "w is missing in the square": _climb(inner=lambda w: 1),
            "the inner derivative w is missing": _climb(slope=lambda w: 1),
            "the inner derivative is -w, and a minus stands before the square: the sign is plus": _climb(
                slope=np.negative),
            "the reconstruction is not divided by var_x": _climb(noise=lambda var_x: 1),
            "divided by the root of var_x, which is a variance already": _climb(noise=np.sqrt),
            "divided by the square of var_x, which is a variance already": _climb(noise=np.square),
            "the half is missing in dlog_var": _climb(half=1),
            "the derivative of -log_var, in the KL, is forgotten": _climb(one=0),
            "the spread of z is forgotten: the reconstruction depends on log_var too": _climb(
                spread=lambda w, v: 0),
            "w is not squared in the spread of w z, w^2 v": _climb(spread=lambda w, v: w * v),
            "w^2 is missing in the spread of w z, w^2 v": _climb(spread=lambda w, v: v),
            "standard deviation for variance: exp(log_var) is v": _climb(variance=lambda a: np.exp(a / 2)),
            "summed over the latents: a number per entry is wanted": _climb(total=lambda a: a.sum(axis=-1)),
            "averaged over the examples; the sum is wanted": _climb(total=lambda a: a / len(a)),
        },
        around=_sizes,
    ),
)  # fmt: skip

"""Exercises of lesson 7: the KL of two Gaussians, analytic and sampled; posterior, bound and gap of a linear model."""

import numpy as np

from ..exercise import Exercise

LOG_2PI = np.log(2 * np.pi)


def kl(mu, log_var, mu_p, log_var_p):
    ratio = np.exp(log_var - log_var_p)
    return 0.5 * (log_var_p - log_var + ratio + (mu - mu_p) ** 2 / np.exp(log_var_p) - 1).sum(axis=-1)


def kl_backward(mu, log_var, mu_p, log_var_p):
    return (mu - mu_p) / np.exp(log_var_p), 0.5 * (np.exp(log_var - log_var_p) - 1)


def kl_monte_carlo(mu, log_var, eps):
    z = mu + np.exp(log_var / 2) * eps
    terms = 0.5 * (z**2 - eps**2 - log_var).sum(axis=-1)
    return terms.mean(axis=0), terms.std(axis=0) / len(eps) ** 0.5


def posterior(x, w, b, var_x):
    precision = w**2 / var_x + 1
    return w * (x - b) / var_x / precision, np.broadcast_to(-np.log(precision), x.shape)


def elbo_three_ways(x, mu, log_var, w, b, var_x):
    return _three(x, mu, log_var, w, b, var_x)


def elbo_backward(x, mu, log_var, w, b, var_x):
    return w * (x - w * mu - b) / var_x - mu, 0.5 * (1 - np.exp(log_var) * (w**2 / var_x + 1))


def _three(
    x,
    mu,
    log_var,
    w,
    b,
    var_x,
    spread=1,
    prior=-1,
    one=1,
    gap=-1,
    back=False,
    noise=1,
    const=True,
    log_px=1,
    wide=1,
    log_s=1,
):
    """The right answers, and with other arguments the wrong ones."""
    zero, v = np.zeros_like(mu), np.exp(log_var)
    pi = LOG_2PI if const else 0
    log_px_z = -0.5 * (pi + log_s * np.log(var_x) + ((x - w * mu - b) ** 2 + spread * w**2 * v) / var_x).sum(axis=-1)
    log_pz, entropy = -0.5 * (LOG_2PI + mu**2 + spread * v).sum(axis=-1), 0.5 * (LOG_2PI + one + log_var).sum(axis=-1)
    total = w**2 + noise * var_x
    log_evidence = -0.5 * (pi + np.log(total) + (x - b) ** 2 / total).sum(axis=-1)
    q, p = (mu, log_var), posterior(x, w, b, var_x)
    between = kl(*p, *q) if back else kl(*q, *p)
    return (
        log_px_z + prior * kl(*q, zero, zero),
        log_px_z + log_pz + wide * entropy,
        log_px * log_evidence + gap * between,
    )


def _gaussians(rng):
    shape = rng.integers(4, 7), rng.integers(2, 5)
    return {name: rng.standard_normal(shape) for name in ("mu", "log_var", "mu_p", "log_var_p")}


def _sampled(rng):
    N, L = 3, 3
    shapes = {"mu": (N, L), "log_var": (N, L), "eps": (rng.integers(20, 40), N, L)}
    return {name: rng.standard_normal(shape) for name, shape in shapes.items()}


def _linear(rng):
    N, L = rng.integers(4, 7), 3
    shapes = {"x": (N, L), "mu": (N, L), "log_var": (N, L), "w": L, "b": L}
    return {name: rng.standard_normal(shape) for name, shape in shapes.items()} | {"var_x": rng.uniform(0.3, 0.8)}


def _around_kl(mu, log_var, mu_p, log_var_p):
    return {"factors": {"std_p": np.exp(log_var_p / 2), "std": np.exp(log_var / 2)}}


def _term(log_var, eps, mu, std=None, log=True, sign=1):
    z = mu + (np.exp(log_var / 2) if std is None else std) * eps
    return sign * 0.5 * (z**2 - eps**2 - (log_var if log else 0)).sum(axis=-1)


def _mean_and_error(terms, power=0.5):
    return terms.mean(axis=0), terms.std(axis=0) / len(terms) ** power


EXERCISES = (
    Exercise(
        "7.1",
        "kl",
        "kl",
        _gaussians,
        kl,
        hints=(
            "Four terms per latent: log_var_p - log_var, a ratio of variances, the squared distance over v_p, and -1.",
            "The ratio is np.exp(log_var - log_var_p). Half of the sum over the last axis is the result.",
        ),
        slips={
            "the half is missing": lambda mu, log_var, mu_p, log_var_p: 2 * kl(mu, log_var, mu_p, log_var_p),
            "the -1 is missing: two equal Gaussians must have the KL 0": lambda mu, log_var, mu_p, log_var_p: (
                kl(mu, log_var, mu_p, log_var_p) + 0.5 * mu.shape[-1]),
            "-1 once for all latents: it belongs to each": lambda mu, log_var, mu_p, log_var_p: (
                kl(mu, log_var, mu_p, log_var_p) + 0.5 * (mu.shape[-1] - 1)),
            "q and p are exchanged: that is KL(p || q)": lambda mu, log_var, mu_p, log_var_p: (
                kl(mu_p, log_var_p, mu, log_var)),
            "the sign of the two logarithms is exchanged": lambda mu, log_var, mu_p, log_var_p: (
                kl(mu, log_var, mu_p, log_var_p) + (log_var - log_var_p).sum(axis=-1)),
            "averaged over the latents, not summed": lambda mu, log_var, mu_p, log_var_p: (
                kl(mu, log_var, mu_p, log_var_p) / mu.shape[-1]),
            "standard deviations where variances should be": lambda mu, log_var, mu_p, log_var_p: 0.5 * (
                log_var_p - log_var + np.exp((log_var - log_var_p) / 2) + (mu - mu_p) ** 2 / np.exp(log_var_p / 2) - 1
                ).sum(axis=-1),
            "the squared distance is not divided by the variance of p": lambda mu, log_var, mu_p, log_var_p: 0.5 * (
                log_var_p - log_var + np.exp(log_var - log_var_p) + (mu - mu_p) ** 2 - 1).sum(axis=-1),
            "the squared distance is divided by the variance of q; it is p's": lambda mu, log_var, mu_p, log_var_p: (
                0.5 * (log_var_p - log_var + np.exp(log_var - log_var_p) + (mu - mu_p) ** 2 / np.exp(log_var) - 1)
                .sum(axis=-1)),
            "the distance is not squared": lambda mu, log_var, mu_p, log_var_p: 0.5 * (
                log_var_p - log_var + np.exp(log_var - log_var_p) + (mu - mu_p) / np.exp(log_var_p) - 1).sum(axis=-1),
            "the squared distance is subtracted": lambda mu, log_var, mu_p, log_var_p: (
                kl(mu, log_var, mu_p, log_var_p) - ((mu - mu_p) ** 2 / np.exp(log_var_p)).sum(axis=-1)),
            "the ratio is upside down: it is v / v_p": lambda mu, log_var, mu_p, log_var_p: 0.5 * (
                log_var_p - log_var + np.exp(log_var_p - log_var) + (mu - mu_p) ** 2 / np.exp(log_var_p) - 1
                ).sum(axis=-1),
            "p is taken for N(0, 1)": lambda mu, log_var, mu_p, log_var_p: kl(mu, log_var, 0 * mu, 0 * mu),
            "summed over the examples as well": lambda mu, log_var, mu_p, log_var_p: np.full(
                len(mu), kl(mu, log_var, mu_p, log_var_p).sum()),
        },
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
            "the half is missing": lambda mu, log_var, mu_p, log_var_p: (
                2 * (mu - mu_p) / np.exp(log_var_p), np.exp(log_var - log_var_p) - 1),
            "the half is there, but the 2 of the square is not": lambda mu, log_var, mu_p, log_var_p: (
                0.5 * (mu - mu_p) / np.exp(log_var_p), 0.5 * (np.exp(log_var - log_var_p) - 1)),
            "not divided by the variance of p": lambda mu, log_var, mu_p, log_var_p: (
                mu - mu_p, 0.5 * (np.exp(log_var) - 1)),
            "divided by the standard deviation of p": lambda mu, log_var, mu_p, log_var_p: (
                (mu - mu_p) / np.exp(log_var_p / 2), 0.5 * (np.exp((log_var - log_var_p) / 2) - 1)),
            "the derivative of -log_var is missing": lambda mu, log_var, mu_p, log_var_p: (
                (mu - mu_p) / np.exp(log_var_p), 0.5 * np.exp(log_var - log_var_p)),
            "that is the derivative with respect to v, not log_var": lambda mu, log_var, mu_p, log_var_p: (
                (mu - mu_p) / np.exp(log_var_p), 0.5 * (np.exp(-log_var_p) - np.exp(-log_var))),
            "that is the derivative with respect to std, not log_var": lambda mu, log_var, mu_p, log_var_p: (
                (mu - mu_p) / np.exp(log_var_p), (np.exp(log_var - log_var_p) - 1) / np.exp(log_var / 2)),
            "mu_p is forgotten: p's mean need not be 0": lambda mu, log_var, mu_p, log_var_p: (
                mu / np.exp(log_var_p), 0.5 * (np.exp(log_var - log_var_p) - 1)),
            "divided by the variance of q; in the formula it is p's": lambda mu, log_var, mu_p, log_var_p: (
                (mu - mu_p) / np.exp(log_var), 0.5 * (np.exp(log_var - log_var_p) - 1)),
            "multiplied with the variance of p": lambda mu, log_var, mu_p, log_var_p: (
                (mu - mu_p) * np.exp(log_var_p), 0.5 * (np.exp(log_var + log_var_p) - 1)),
            "that is the derivative in log_var_p": lambda mu, log_var, mu_p, log_var_p: (
                -(mu - mu_p) / np.exp(log_var_p),
                0.5 * (1 - np.exp(log_var - log_var_p) - (mu - mu_p) ** 2 / np.exp(log_var_p))),
            "averaged over the examples; the sum is wanted": lambda mu, log_var, mu_p, log_var_p: tuple(
                a / len(mu) for a in kl_backward(mu, log_var, mu_p, log_var_p)),
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
            "the sign: that is log p - log q": lambda mu, log_var, eps: _mean_and_error(
                _term(log_var, eps, mu, sign=-1)),
            "log_var is missing in log q": lambda mu, log_var, eps: _mean_and_error(
                _term(log_var, eps, mu, log=False)),
            "the sign of log_var: it is in log q with a minus": lambda mu, log_var, eps: _mean_and_error(
                _term(log_var, eps, mu) + log_var.sum(axis=-1)),
            "the square in log q is not divided by the variance": lambda mu, log_var, eps: _mean_and_error(
                _term(log_var, eps, mu) + 0.5 * ((1 - np.exp(log_var)) * eps**2).sum(axis=-1)),
            "in log q is the square of z - mu, not that of z": lambda mu, log_var, eps: _mean_and_error(
                _term(log_var, eps, mu) + 0.5 * (
                    eps**2 - (mu + np.exp(log_var / 2) * eps) ** 2 / np.exp(log_var)).sum(axis=-1)),
            "the square in log q is missing": lambda mu, log_var, eps: _mean_and_error(
                _term(log_var, eps, mu) + 0.5 * (eps**2).sum(axis=-1)),
            "variance for standard deviation: exp(log_var) is std squared": lambda mu, log_var, eps: _mean_and_error(
                _term(log_var, eps, mu, std=np.exp(log_var))),
            "the half is missing": lambda mu, log_var, eps: _mean_and_error(2 * _term(log_var, eps, mu)),
            "that is the spread of one sample: the error of the mean of K is smaller": lambda mu, log_var, eps: (
                _mean_and_error(_term(log_var, eps, mu), power=0)),
            "divided by K; the standard error falls more slowly": lambda mu, log_var, eps: _mean_and_error(
                _term(log_var, eps, mu), power=1),
            "that is np.std with ddof=1; here the plain one is wanted": lambda mu, log_var, eps: (
                _term(log_var, eps, mu).mean(0), _term(log_var, eps, mu).std(0, ddof=1) / len(eps) ** 0.5),
            "the variance of the mean; its root is the error": lambda mu, log_var, eps: (
                _term(log_var, eps, mu).mean(0), _term(log_var, eps, mu).var(0) / len(eps)),
            "averaged over the examples, not over the samples": lambda mu, log_var, eps: (
                np.full(3, _term(log_var, eps, mu).mean()),
                np.full(3, _term(log_var, eps, mu).std() / len(eps) ** 0.5)),
            "the KL is analytic: here it comes from samples": lambda mu, log_var, eps: (
                kl(mu, log_var, 0 * mu, 0 * mu), _mean_and_error(_term(log_var, eps, mu))[1]),
            "averaged over the latents, not summed": lambda mu, log_var, eps: _mean_and_error(
                _term(log_var, eps, mu) / mu.shape[-1]),
        },
    ),
    Exercise(
        "7.4",
        "posterior",
        "m, log_v",
        _linear,
        posterior,
        hints=(
            "The precision 1 / v is what stands before z^2: one part comes from the likelihood, and 1 from the prior.",
            "m = v w (x - b) / var_x. log_v is minus the logarithm of the precision, in the shape of x "
            "(np.broadcast_to, or add zeros).",
        ),
        slips={
            "the prior's 1 is missing in the precision": lambda x, w, b, var_x: (
                (x - b) / w, np.log(var_x / w**2) + 0 * x),
            "b is not subtracted": lambda x, w, b, var_x: (w * x / (w**2 + var_x), posterior(x, w, b, var_x)[1]),
            "b is added: what z has to explain is x - b": lambda x, w, b, var_x: posterior(x, w, -b, var_x),
            "var_x is not used: that is the posterior for the noise 1": lambda x, w, b, var_x: posterior(x, w, b, 1.0),
            "the sign of log_v: that is the precision": lambda x, w, b, var_x: (
                posterior(x, w, b, var_x)[0], -posterior(x, w, b, var_x)[1]),
            "that is the variance; its logarithm is wanted": lambda x, w, b, var_x: (
                posterior(x, w, b, var_x)[0], np.exp(posterior(x, w, b, var_x)[1])),
            "that is the logarithm of the standard deviation": lambda x, w, b, var_x: (
                posterior(x, w, b, var_x)[0], posterior(x, w, b, var_x)[1] / 2),
            "w is not squared in the precision": lambda x, w, b, var_x: (
                w * (x - b) / var_x / (np.abs(w) / var_x + 1), -np.log(np.abs(w) / var_x + 1) + 0 * x),
            "var_x is taken for a standard deviation and squared": lambda x, w, b, var_x: posterior(x, w, b, var_x**2),
            "w is missing in m": lambda x, w, b, var_x: (
                (x - b) / (w**2 + var_x), posterior(x, w, b, var_x)[1]),
            "m is not multiplied with v": lambda x, w, b, var_x: (w * (x - b) / var_x, posterior(x, w, b, var_x)[1]),
        },
    ),
    Exercise(
        "7.5",
        "elbo_three_ways",
        "by_kl, by_entropy, by_gap",
        _linear,
        elbo_three_ways,
        hints=(
            "First log_px_z, the mean of log p(x | z) over q; the first two ways share it. The KL to the prior is your "
            "kl with arrays of zeros for mu_p and log_var_p.",
            "Second way: log_px_z + log_pz + entropy, where log_pz is the mean of log p(z) over q.",
            "Third way: log p(x) is the log-density of N(b, w^2 + var_x) at x, summed over the pixels; subtract your "
            "kl to your posterior.",
        ),
        slips={
            "the spread of z is forgotten: the mean of a square is the square of the mean and a variance": (
                lambda *a: _three(*a, spread=0)),
            "b is forgotten": lambda x, mu, log_var, w, b, var_x: _three(x, mu, log_var, w, 0 * b, var_x),
            "the KL to the prior is added": lambda *a: _three(*a, prior=1),
            "the KL to the prior is missing": lambda *a: _three(*a, prior=0),
            "the 1 of the entropy is missing: its constant is log(2 pi) + 1": lambda *a: _three(*a, one=0),
            "the entropy is missing": lambda *a: _three(*a, wide=0),
            "the entropy is subtracted": lambda *a: _three(*a, wide=-1),
            "log var_x is missing in log p(x | z)": lambda *a: _three(*a, log_s=0),
            "standard deviation for variance: exp(log_var) is v": lambda x, mu, log_var, *a: (
                _three(x, mu, log_var / 2, *a)),
            "the gap is added: a bound is below log p(x)": lambda *a: _three(*a, gap=1),
            "the gap is missing: that is log p(x)": lambda *a: _three(*a, gap=0),
            "the gap is KL(q || posterior); here it is the other way around": lambda *a: _three(*a, back=True),
            "the variance of x is missing var_x": lambda *a: _three(*a, noise=0),
            "log(2 pi) is missing": lambda *a: _three(*a, const=False),
            "log p(x) is missing": lambda *a: _three(*a, log_px=0),
        },
    ),
    Exercise(
        "7.6",
        "elbo_backward",
        "dmu, dlog_var",
        _linear,
        elbo_backward,
        value=lambda x, mu, log_var, w, b, var_x: _three(x, mu, log_var, w, b, var_x)[0].sum(),
        hints=(
            "Two parts each: that of the reconstruction, and minus that of the KL, your kl_backward with zeros for p.",
            "In the reconstruction mu is in a square, with the inner derivative -w. log_var is in the spread only.",
        ),
        slips={
            "the sign: that is the gradient of the loss, -ELBO": lambda *a: tuple(-g for g in elbo_backward(*a)),
            "the KL is missing": lambda x, mu, log_var, w, b, var_x: (
                w * (x - w * mu - b) / var_x, -0.5 * np.exp(log_var) * w**2 / var_x),
            "the KL has the wrong sign": lambda x, mu, log_var, w, b, var_x: (
                w * (x - w * mu - b) / var_x + mu, -0.5 * np.exp(log_var) * w**2 / var_x + 0.5 * (np.exp(log_var) - 1)),
            "the reconstruction has the wrong sign": lambda x, mu, log_var, w, b, var_x: (
                -w * (x - w * mu - b) / var_x - mu, 0.5 * (1 - np.exp(log_var) * (1 - w**2 / var_x))),
            "b is forgotten": lambda x, mu, log_var, w, b, var_x: elbo_backward(x, mu, log_var, w, 0 * b, var_x),
            "w is missing in the square": lambda x, mu, log_var, w, b, var_x: (
                w * (x - mu - b) / var_x - mu, elbo_backward(x, mu, log_var, w, b, var_x)[1]),
            "divided by the root of var_x, which is a variance already": lambda x, mu, log_var, w, b, var_x: (
                elbo_backward(x, mu, log_var, w, b, var_x**0.5)),
            "the derivative of -log_var in the KL is missing": lambda x, mu, log_var, w, b, var_x: (
                w * (x - w * mu - b) / var_x - mu, -0.5 * np.exp(log_var) * (w**2 / var_x + 1)),
            "the reconstruction is missing": lambda x, mu, log_var, w, b, var_x: (-mu, 0.5 * (1 - np.exp(log_var))),
            "the inner derivative w is missing": lambda x, mu, log_var, w, b, var_x: (
                (x - w * mu - b) / var_x - mu, 0.5 * (1 - np.exp(log_var) * (np.abs(w) / var_x + 1))),
            "the reconstruction is not divided by var_x": lambda x, mu, log_var, w, b, var_x: (
                w * (x - w * mu - b) - mu, 0.5 * (1 - np.exp(log_var) * (w**2 + 1))),
            "the spread of z is forgotten: the reconstruction depends on log_var too": lambda *a: (
                elbo_backward(*a)[0], 0.5 * (1 - np.exp(a[2]))),
            "twice the reconstruction: the 2 of the square and the half cancel": lambda x, mu, log_var, w, b, var_x: (
                2 * w * (x - w * mu - b) / var_x - mu, 0.5 * (1 - np.exp(log_var) * (2 * w**2 / var_x + 1))),
            "standard deviation for variance: exp(log_var) is v": lambda x, mu, log_var, w, b, var_x: (
                w * (x - w * mu - b) / var_x - mu, 0.5 * (1 - np.exp(log_var / 2) * (w**2 / var_x + 1))),
        },
    ),
)  # fmt: skip

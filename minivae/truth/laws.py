"""Laws: what must hold of a right function, whatever its parameters are.

A gradient check cannot see a wrong function: its gradient may be right. Monte-Carlo laws are in standard errors, exact
ones relative; each is a function by itself. `check_laws` calls those that say something of a model.
"""

import math
from typing import NamedTuple

import numpy as np

from ..backend import place, take
from ..evaluate import log_evidence
from ..likelihoods import Likelihood, Mixed
from ..params import replaced
from ..tables import aligned

Z = 4.0  # standard errors: happens by chance once in 16,000


class Law(NamedTuple):
    """`error`: |value - expected| in standard errors, or relative; it holds if that is below `limit`."""

    value: float
    expected: float
    error: float
    limit: float

    @property
    def ok(self):
        return 0 <= self.error < self.limit  # NaN is not


class Laws(dict):
    """{what is said: Law}, printed as a table."""

    @property
    def ok(self):
        return all(law.ok for law in self.values())

    def __str__(self):
        rows = []
        for name, law in self.items():
            error = f"({law.error:.2g}{' standard errors' if law.limit == Z else ''})"
            error = error if math.isfinite(law.error) else "(not finite)"
            verdict = "ok" if law.ok else "NOT OK"
            rows.append((name, f"{law.value: .6g}, expected {law.expected: .6g}  {error}  {verdict}"))
        return "\n".join(aligned(rows, "<"))


def check_laws(model, x, rng, y=None, log_px=None):
    """Every law here that says something of a model, in float64, and data x (N, D), y; `log_px` (N,) if it is known."""
    laws = {}
    if model.latent == "gaussian" and "kl" in model.metrics:
        sample = sampled(model, x, rng, y=y)
        laws |= moments_of_z(sample) | monte_carlo_kl(model.prior_of(y, len(x)), sample)
    if has_likelihood(model):
        laws |= likelihood_adds_up(model.likelihood, rng)
    if getattr(model, "prior", None) is not None:
        prior = model.prior_of(take(y, slice(1)), 1)  # of the first row
        if prior.K is not None:
            laws |= codes_of_prior(prior, rng)
        else:
            laws |= {"the prior adds up to 1": integral_of_prior(prior, rng)}
            laws |= {"the prior's draws have its density": draws_of_prior(prior, rng)}
    if model.log_weights is not None and "elbo" in model.metrics:
        laws |= bounds_ordered(model, x, rng, log_px=log_px, y=y)
    if "iwae" in model.metrics:
        laws |= importance_weighted(model, x, rng, y)
    if getattr(model, "posterior", None) is not None:
        laws |= {"the posterior adds up to 1": integral_of_posterior(model, x, rng, y)}
    return Laws(laws)


def has_likelihood(model):
    """Whether a model has a p(x | z): one without z has none, and where z is a function of x there is but one x."""
    return type(getattr(model, "likelihood", None)) not in (type(None), Likelihood)


def averaged(samples, expected):
    """The Law that the mean of samples (n,) is `expected`."""
    samples = np.asarray(samples, "float64")
    error = samples.std(ddof=1) / math.sqrt(len(samples))
    off = abs(samples.mean() - expected) / (error or 1e-12)
    return Law(float(samples.mean()), float(expected), float(off) if math.isfinite(error) else math.inf, Z)


def moments_of_z(sample):
    """What the decoder sees has the moments that the encoder says (pitfall 1); `sample` is what `sampled` gives."""
    mu, log_var, z, _ = sample
    u = ((z - mu) / np.exp(0.5 * log_var)).ravel()
    return {"mean of (z - mu) / std": averaged(u, 0.0), "variance of (z - mu) / std": averaged(u * u, 1.0)}


def monte_carlo_kl(prior, sample):
    """The KL that is charged is the mean of log q(z | x) - log p(z) over the z that are decoded, as `sampled` gives."""
    mu, log_var, z, kl = sample
    log_qz_x = _log_normal(z, mu, log_var)
    log_pz = prior.forward(z)[0]
    return {"KL = mean of log q - log p": averaged((log_qz_x - log_pz).mean(axis=1), kl)}


def likelihood_adds_up(likelihood, rng):
    """{name: Law} that exp(log_px_z) adds up to 1; of a mixed one, each part's of two columns."""
    if isinstance(likelihood, Mixed):
        parts = enumerate(zip(likelihood.parts, likelihood.widths, strict=True))
        return {f"part {i} of the likelihood adds up to 1": integral_of_likelihood(part, rng)
                for i, (part, width) in parts if width == 2 or part.values == "one-hot"}  # fmt: skip
    return {"the likelihood adds up to 1": integral_of_likelihood(likelihood, rng)}


def integral_of_likelihood(likelihood, rng):
    """The sum, or the integral, of exp(log_px_z) over all x of two dimensions is 1 (pitfall 14)."""
    out = rng.standard_normal(2 * likelihood.n_out)
    noise = likelihood.draw_noise(rng, (4000, 2)).astype("float64")
    drawn = likelihood.draw(out, noise)
    volume = 1.0
    if likelihood.n_levels is not None:
        axes = 2 * [np.linspace(0, 1, likelihood.n_levels)]
    elif likelihood.values == "counts":
        axes = 2 * [np.arange(4 * drawn.max() + 40)]
    elif likelihood.values == "one-hot":
        log_px_z, _ = likelihood.forward(np.eye(2), np.stack([out, out]))
        return _one(np.exp(log_px_z).sum())
    elif likelihood.values == "tokens":
        x = np.stack(np.meshgrid(*2 * [np.arange(likelihood.n_out)]), axis=-1).reshape(-1, 2)
        lines = x[(x[:, 0] > 0) | (x[:, 1] == 0)]  # nothing is behind an end
        return _one(np.exp(likelihood.forward(lines, np.broadcast_to(out, (len(lines), len(out))))[0]).sum())
    else:
        middle = drawn.mean(axis=0)
        reach = 40 * drawn.std(axis=0)  # beyond it Student's t with 5 degrees of freedom has 1e-7
        axes = [np.linspace(m - r, m + r, 801) for m, r in zip(middle, reach, strict=True)]
        volume = math.prod(axis[1] - axis[0] for axis in axes)
    total = 0.0
    for first in axes[0]:
        x = np.stack([np.full(len(axes[1]), first), axes[1]], axis=-1)
        log_px_z, _ = likelihood.forward(x, np.broadcast_to(out, (len(x), len(out))))
        total += float(np.exp(log_px_z).sum() * volume)
    return _one(total)


def _one(total):
    """The Law that a sum over all x is 1."""
    return Law(float(total), 1.0, float(abs(total - 1)), 1e-6)


def integral_of_prior(prior, rng, draws=100_000):
    """The mean of p(z) / r(z) is 1, r a normal somewhat wider than the prior's own draws."""
    own = _draws(prior, rng, 4000)
    mean = own.mean(axis=0)
    std = 1.3 * own.std(axis=0)
    z = mean + std * rng.standard_normal((draws, len(mean)))
    return averaged(np.exp(prior.forward(z)[0] - _log_normal(z, mean, 2 * np.log(std))), 1.0)


def draws_of_prior(prior, rng, draws=100_000):
    """The mean of r(z) / p(z) over the prior's own draws is 1, r a normal somewhat narrower than they are.

    So `sample` decodes what the loss charges for.
    """
    z = _draws(prior, rng, draws)
    return averaged(np.exp(_log_narrower(z) - prior.forward(z)[0]), 1.0)


def codes_of_prior(prior, rng, draws=100_000, most=20_000):
    """The sum of p(z) over all K^L codes is 1, and a random number for each has the mean over draws that p says.

    Of more codes than `most` nothing is said.
    """
    n = prior.K**prior.L
    if n > most:
        return {}
    powers = prior.K ** np.arange(prior.L)
    p = np.exp(prior.forward(np.arange(n)[:, None] // powers % prior.K)[0])
    numbers = rng.standard_normal(n)
    drawn = numbers[_draws(prior, rng, draws) @ powers]
    return {"the prior adds up to 1": _one(p.sum()), "the prior's draws have its density": averaged(drawn, p @ numbers)}


def _draws(prior, rng, n):
    return prior.draw(place(prior.draw_noise(rng, n), like=np.zeros(1)))


def _log_normal(z, mean, log_var):
    """log N(z; mean, exp(log_var)) (...) nats; not that of `densities`, whose mistakes the laws must see."""
    return -0.5 * (math.log(2 * math.pi) + log_var + (z - mean) ** 2 / np.exp(log_var)).sum(axis=-1)


def _log_narrower(z):
    """log r(z) (n,) nats of draws z (n, L), r a normal somewhat narrower than they are."""
    return _log_normal(z, z.mean(axis=0), 2 * np.log(0.7 * z.std(axis=0)))


def integral_of_posterior(model, x, rng, y=None, draws=100_000):
    """The mean of r(z) / q(z | x) over draws of q is 1, r a normal somewhat narrower than they are; of one example."""
    x, y = (take(part, slice(1)) for part in (x, y))
    heads = model.encoder(model.seen(x, y))
    (z, log_qz_x), _ = model.posterior.forward(heads, rng.standard_normal((draws, 1, model.L)))
    return averaged(np.exp(_log_narrower(z[:, 0]) - log_qz_x[:, 0]), 1.0)


def importance_weighted(model, x, rng, y=None, repeats=400):
    """The metric `iwae` is L_K of `log_evidence`, which has weights of its own (pitfall 6); means over draws."""
    K = len(model.draw_noise(rng, 1, train=False)["eps"])
    mine = []
    for _ in range(repeats):
        noise = model.draw_noise(rng, len(x), train=False)
        mine.append(float(model.loss_and_grads(x, noise, y=y, grads=False)["iwae"]))
    return {f"iwae is L_{K}": averaged(np.array(mine) - _bounds(model, x, K, rng, y, repeats), 0.0)}


def _bounds(model, x, K, rng, y, repeats):
    """L_K of `log_evidence` (repeats,) nats, each the mean over the rows of x with new samples."""
    y_rows = None if y is None else np.repeat(y, repeats, axis=0)
    bounds = log_evidence(model, np.repeat(x, repeats, axis=0), K, rng, y=y_rows)
    return bounds.reshape(len(x), repeats).mean(axis=0)


def bounds_ordered(model, x, rng, K=32, repeats=200, log_px=None, y=None):
    """ELBO = L_1 <= L_K of `log_evidence` <= log p(x) (Burda et al. 2016, theorem 1), means over the examples.

    The ELBO and L_1 = mean of log p(x, z) - log q(z | x) are of the same z, so that log p(x | z) cancels between them:
    where it has heavy tails, a mean over hundreds of z says little. Where a step draws something else, as one time of
    diffusion in the place of a whole way, they are not.
    """
    rows, y_rows = copies(x, 10), copies(y, 10)
    eps = model.draw_eps(rng, repeats, len(rows)).astype("float64")
    noise = model.draw_noise(rng, len(rows), train=False)
    elbo = []
    for e in eps:
        if e.shape[-1] == noise["eps"].shape[-1]:
            same = noise | {"eps": np.broadcast_to(e, noise["eps"].shape)}  # of K samples, too
        else:
            same = model.draw_noise(rng, len(rows), train=False)
        elbo.append(float(model.loss_and_grads(rows, same, y=y_rows, grads=False)["elbo"]))
    one = model.log_weights(rows, eps, y=y_rows).mean(axis=1)
    many = _bounds(model, x, K, rng, y, repeats)
    laws = {f"L_1 <= L_{K}": _at_least(many - one, 0.0)}
    if model.infers_y or model.experts == "mixture":  # weights are sums over y, or over experts
        laws |= {"ELBO <= L_1": _at_least(one - elbo, 0.0)}
    else:
        laws |= {"L_1 is the ELBO": averaged(one - elbo, 0.0)}
    return laws if log_px is None else laws | {f"L_{K} <= log p(x)": _at_least(np.mean(log_px) - many, 0.0)}


def _at_least(samples, expected):
    """The Law that the mean of samples is no smaller; rounding may make it so."""
    law = averaged(samples, expected)
    return law._replace(error=0.0) if math.isfinite(law.error) and law.value > expected - 1e-9 else law


def copies(a, n):
    """An array n times over along its first axis; None stays None."""
    return None if a is None else np.tile(a, (n, *[1] * (a.ndim - 1)))


def sampled(model, x, rng, draws=20_000, y=None):
    """(mu, log_var (N, L), z (draws, N, L), mean KL) of steps of evaluation on copies of x, seen from outside.

    A loss that couples the examples of a batch is computed on x as it is, and with fewer draws.
    """
    decoded = []  # of a step
    latents = []
    spied = model.decoder if model.modalities is None else model.modalities[0].decoder  # of two halves one
    decode = spied.forward

    def decoder(z, *args):
        seen = z[1] if model.reads_text else z  # a line stands before z
        decoded.append(seen[..., : model.L])  # without the columns of a condition
        return decode(z, *args)

    at_once = max(1, 2**20 // x.size)
    if model.pairs_examples or couples(model, x, rng, y):
        at_once = 1
        draws = draws // 10
    kl = []
    with replaced(spied, forward=decoder):
        done = 0
        while done < draws:
            n = min(at_once, draws - done)
            rows, y_rows = copies(x, n), copies(y, n)
            noise = model.draw_noise(rng, len(rows), train=False)
            noise["eps"] = rng.standard_normal(noise["eps"].shape)
            decoded.clear()
            metrics = model.loss_and_grads(rows, noise, y=y_rows, grads=False)
            z = decoded[0].reshape(-1, len(x), model.L)  # (K n, N, L): K samples of each of n copies; not of a prior
            latents.append(z)
            kl.append((float(metrics["kl"]), len(z)))
            done += len(z)
    mu, log_var = model.encode(x, y=y)
    mean_kl = sum(value * n for value, n in kl) / sum(n for _, n in kl)
    return mu, log_var, np.concatenate(latents), mean_kl


def noise_twice(model, noise, n):
    """Noise of n examples twice over, along the axis of the examples: the one that grows with their number."""
    larger = model.draw_noise(np.random.default_rng(0), n + 1, train=False)

    def doubled(name, a):
        axis = next(i for i, (k, m) in enumerate(zip(a.shape, larger[name].shape, strict=True)) if k != m)
        return np.concatenate([a, a], axis=axis)

    return {name: a if a is None else doubled(name, a) for name, a in noise.items()}


def couples(model, x, rng, y=None):
    """Whether the loss of a batch twice over is another one: it depends on which examples are together."""
    noise = model.draw_noise(rng, len(x), train=False)
    twice = noise_twice(model, noise, len(x))
    once = float(model.loss_and_grads(x, noise, y=y, grads=False)["loss"])
    again = float(model.loss_and_grads(copies(x, 2), twice, y=copies(y, 2), grads=False)["loss"])
    return abs(again - once) > 1e-9 * abs(once)

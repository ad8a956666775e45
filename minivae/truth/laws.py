"""Laws: what a gradient check cannot see. A right gradient of a wrong function passes every one of them.

Monte-Carlo laws are in standard errors, exact ones relative; each is a function by itself, `check_laws` calls all.
"""

import math
from typing import NamedTuple

import numpy as np

from ..evaluate import log_evidence
from ..params import replaced

Z = 4.0  # standard errors: happens by chance once in 16,000


class Law(NamedTuple):
    """`error`: |value - expected| in standard errors, or relative; it holds if that is below `limit`."""

    value: float
    expected: float
    error: float
    limit: float

    @property
    def ok(self):
        return self.error < self.limit  # NaN is not


class Laws(dict):
    """{what is said: Law}, printed as a table."""

    @property
    def ok(self):
        return all(law.ok for law in self.values())

    def __str__(self):
        width = max(map(len, self), default=0)
        return "\n".join(
            f"{name:<{width}}  {law.value: .6g}, expected {law.expected: .6g}  "
            f"({law.error:.2g}{' standard errors' if law.limit == Z else ''})  {'ok' if law.ok else 'NOT OK'}"
            for name, law in self.items()
        )


def check_laws(model, x, rng, log_px=None):
    """Every law here, of a VAE in float64 and data x (N, D); `log_px` (N,) where the evidence is known."""
    sample = sampled(model, x, rng)
    laws = moments_of_z(sample) | monte_carlo_kl(model.prior, sample)
    laws |= {"the likelihood adds up to 1": integral_of_likelihood(model.likelihood, rng)}
    laws |= {"the prior adds up to 1": integral_of_prior(model.prior, rng)}
    return Laws(laws | bounds_ordered(model, x, rng, log_px=log_px))


def averaged(samples, expected):
    """The Law that the mean of samples (n,) is `expected`."""
    samples = np.asarray(samples, "float64")
    error = samples.std(ddof=1) / math.sqrt(len(samples))
    off = abs(samples.mean() - expected)
    return Law(float(samples.mean()), float(expected), float(off / error if error else off / 1e-12), Z)


def moments_of_z(sample):
    """What the decoder sees has the moments that the encoder says (pitfall 1); `sample` is what `sampled` gives."""
    mu, log_var, z, _ = sample
    u = ((z - mu) / np.exp(0.5 * log_var)).ravel()
    return {"mean of (z - mu) / std": averaged(u, 0.0), "variance of (z - mu) / std": averaged(u * u, 1.0)}


def monte_carlo_kl(prior, sample):
    """The KL that is charged is the mean of log q(z | x) - log p(z) over the z that are decoded, as `sampled` gives."""
    mu, log_var, z, kl = sample
    log_qz_x = -0.5 * (math.log(2 * math.pi) + log_var + (z - mu) ** 2 / np.exp(log_var)).sum(axis=-1)
    log_pz = prior.forward(z)[0]
    return {"KL = mean of log q - log p": averaged((log_qz_x - log_pz).mean(axis=1), kl)}


def integral_of_likelihood(likelihood, rng):
    """The sum, or the integral, of exp(log_px_z) over all x of two dimensions is 1 (pitfall 14)."""
    out = rng.standard_normal(2 * likelihood.n_out)
    noise = likelihood.draw_noise(rng, (4000, 2)).astype("float64")
    levels = np.unique(likelihood.draw(0 * out, noise))  # where all of a few levels are as likely
    if len(levels) < 1000:
        axes, volume = [levels, levels], 1.0
    else:
        drawn = likelihood.draw(out, noise)
        middle, reach = drawn.mean(axis=0), 10 * drawn.std(axis=0)
        axes = [np.linspace(m - r, m + r, 401) for m, r in zip(middle, reach, strict=True)]
        volume = math.prod(axis[1] - axis[0] for axis in axes)
    total = 0.0
    for first in axes[0]:
        x = np.stack([np.full(len(axes[1]), first), axes[1]], axis=-1)
        log_px_z, _ = likelihood.forward(x, np.broadcast_to(out, (len(x), len(out))))
        total += float(np.exp(log_px_z).sum() * volume)
    return Law(total, 1.0, abs(total - 1), 1e-6)


def integral_of_prior(prior, rng, draws=100_000):
    """The mean of p(z) / r(z) is 1, r a normal somewhat wider than the prior's own draws."""
    own = prior.draw(prior.draw_noise(rng, 4000).astype("float64"))
    mean, std = own.mean(axis=0), 1.3 * own.std(axis=0)
    eps = rng.standard_normal((draws, len(mean)))
    log_r = -0.5 * (math.log(2 * math.pi) + 2 * np.log(std) + eps * eps).sum(axis=-1)
    return averaged(np.exp(prior.forward(mean + std * eps)[0] - log_r), 1.0)


def bounds_ordered(model, x, rng, K=32, repeats=200, log_px=None):
    """ELBO = L_1 <= L_K of `log_evidence` <= log p(x) (Burda et al. 2016, theorem 1), means over the examples.

    The ELBO and L_1 = mean of log p(x, z) - log q(z | x) are of the same z, so that log p(x | z) cancels between them:
    where it has heavy tails, a mean over hundreds of z says little.
    """
    rows = np.tile(x, (10, 1))
    eps, noise = rng.standard_normal((repeats, len(rows), model.L)), model.draw_noise(rng, len(rows), train=False)
    elbo = [float(model.loss_and_grads(rows, noise | {"eps": e}, grads=False)["elbo"]) for e in eps]
    one = model.log_weights(rows, eps).mean(axis=1)
    many = log_evidence(model, np.repeat(x, repeats, axis=0), K, rng).reshape(len(x), repeats).mean(axis=0)
    laws = {f"L_1 <= L_{K}": _at_least(many - one, 0.0), "L_1 is the ELBO": averaged(one - elbo, 0.0)}
    return laws if log_px is None else laws | {f"L_{K} <= log p(x)": _at_least(np.mean(log_px) - many, 0.0)}


def _at_least(samples, expected):
    """The Law that the mean of samples is no smaller; rounding may make it so."""
    law = averaged(samples, expected)
    return law._replace(error=0.0) if law.value > expected - 1e-9 else law


def sampled(model, x, rng, draws=20_000):
    """mu, log_var (N, L), z (draws, N, L), the mean KL, of steps of evaluation on copies of x, seen from outside."""
    posteriors, latents = [], []
    encode, decode = model.encoder.forward, model.decoder.forward

    def encoder(*args):
        q, cache = encode(*args)
        posteriors.append(q)
        return q, cache

    def decoder(z, *args):
        latents.append(z)
        return decode(z, *args)

    at_once = max(1, 2**20 // x.size)
    with replaced(model.encoder, forward=encoder), replaced(model.decoder, forward=decoder):
        for k in range(0, draws, at_once):
            rows = np.tile(x, (min(at_once, draws - k), 1))
            noise = model.draw_noise(rng, len(rows), train=False)
            noise["eps"] = rng.standard_normal((len(rows), model.L))
            kl = float(model.loss_and_grads(rows, noise, grads=False)["kl"])
    mu, log_var = (a[: len(x)] for a in posteriors[0])
    return mu, log_var, np.concatenate(latents).reshape(draws, len(x), -1), kl

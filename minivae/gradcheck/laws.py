"""Laws: what a gradient check cannot see. A right gradient of a wrong function passes every one of them.

Monte-Carlo laws are in standard errors, exact ones relative; each is a function by itself, `check_laws` calls all.
"""

import math
from typing import NamedTuple

import numpy as np

from ..evaluate import log_evidence
from .trace import replaced

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
    laws = moments_of_z(model, x, rng) | monte_carlo_kl(model, x, rng)
    laws |= {"the likelihood adds up to 1": integral_of_likelihood(model.likelihood, rng)}
    laws |= {"the prior adds up to 1": integral_of_prior(model.prior, rng)}
    return Laws(laws | bounds_ordered(model, x, rng, log_px=log_px))


def averaged(samples, expected):
    """The Law that the mean of samples (n,) is `expected`."""
    samples = np.asarray(samples, "float64")
    error = samples.std(ddof=1) / math.sqrt(len(samples))
    off = abs(samples.mean() - expected)
    return Law(float(samples.mean()), float(expected), float(off / error if error else off / 1e-12), Z)


def moments_of_z(model, x, rng, draws=20_000):
    """What the decoder sees has the mean and the variance that the encoder says (pitfall 1)."""
    mu, log_var, z, _ = _sampled(model, x, rng, draws)
    u = ((z - mu) / np.exp(0.5 * log_var)).ravel()
    return {"mean of (z - mu) / std": averaged(u, 0.0), "variance of (z - mu) / std": averaged(u * u, 1.0)}


def monte_carlo_kl(model, x, rng, draws=20_000):
    """The KL that is charged is the mean of log q(z | x) - log p(z) over the z that are decoded."""
    mu, log_var, z, metrics = _sampled(model, x, rng, draws)
    log_qz_x = -0.5 * (math.log(2 * math.pi) + log_var + (z - mu) ** 2 / np.exp(log_var)).sum(axis=-1)
    log_pz = model.prior.forward(z)[0]
    per_draw = (log_qz_x - log_pz).reshape(draws, len(x)).mean(axis=1)
    return {"KL = mean of log q - log p": averaged(per_draw, float(metrics["kl"]))}


def integral_of_likelihood(likelihood, rng):
    """The sum, or the integral, of exp(log_px_z) over all x of two dimensions is 1 (pitfall 14)."""
    out = rng.standard_normal(2 * likelihood.n_out)
    drawn = likelihood.draw(out, likelihood.draw_noise(rng, (2000, 2)).astype("float64"))
    levels = np.unique(drawn)
    if len(levels) <= 64:
        axes, volume = [levels, levels], 1.0
    else:
        middle, reach = drawn.mean(axis=0), 10 * drawn.std(axis=0)
        axes = [np.linspace(m - r, m + r, 401) for m, r in zip(middle, reach, strict=True)]
        volume = math.prod(axis[1] - axis[0] for axis in axes)
    x = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    total = float(np.exp(likelihood.forward(x, np.broadcast_to(out, (len(x), len(out))))[0]).sum() * volume)
    return Law(total, 1.0, abs(total - 1), 1e-6)


def integral_of_prior(prior, rng, draws=100_000):
    """The mean of p(z) / r(z) is 1, r a normal somewhat wider than the prior's own draws."""
    own = prior.draw(prior.draw_noise(rng, 4000).astype("float64"))
    mean, std = own.mean(axis=0), 1.3 * own.std(axis=0)
    eps = rng.standard_normal((draws, len(mean)))
    log_r = -0.5 * (math.log(2 * math.pi) + 2 * np.log(std) + eps * eps).sum(axis=-1)
    return averaged(np.exp(prior.forward(mean + std * eps)[0] - log_r), 1.0)


def bounds_ordered(model, x, rng, K=32, repeats=400, log_px=None):
    """ELBO = L_1 <= L_K of `log_evidence` <= log p(x) (Burda et al. 2016, theorem 1), means over the examples."""
    rows = np.repeat(x, repeats, axis=0)
    one, many = (log_evidence(model, rows, k, rng).reshape(len(x), repeats).mean(axis=0) for k in (1, K))
    metrics = _sampled(model, x, rng, repeats)[3]
    gain, slack = many - one, 0.02 * abs(float(many.mean()))
    laws = {
        f"L_1 <= L_{K}": _at_least(gain, 0.0),
        "L_1 is the ELBO": averaged(one - float(metrics["elbo"]), 0.0)._replace(
            error=abs(one.mean() - float(metrics["elbo"])) / max(one.std() / math.sqrt(repeats), slack / Z)
        ),
    }
    return laws if log_px is None else laws | {f"L_{K} <= log p(x)": _at_least(np.mean(log_px) - many, 0.0)}


def _at_least(samples, expected):
    """The Law that the mean of samples is no smaller; rounding may make it so."""
    law = averaged(samples, expected)
    return law._replace(error=0.0) if law.value > expected - 1e-9 else law


def _sampled(model, x, rng, draws):
    """(mu, log_var, z, metrics) of a step of evaluation on `draws` copies of x, seen from outside."""
    seen = {}
    encode, decode = model.encoder.forward, model.decoder.forward

    def encoder(*args):
        seen["q"], cache = encode(*args)
        return seen["q"], cache

    def decoder(z, *args):
        seen["z"] = z
        return decode(z, *args)

    rows = np.tile(x, (draws, 1))
    noise = model.draw_noise(rng, len(rows), train=False) | {"eps": rng.standard_normal((len(rows), model.L))}
    with replaced(model.encoder, "forward", encoder), replaced(model.decoder, "forward", decoder):
        metrics = model.loss_and_grads(rows, noise, grads=False)
    return *seen["q"], seen["z"], metrics

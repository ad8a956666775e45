"""Exercises of lesson 9: the loss of a whole VAE, and its whole gradient."""

import numpy as np

from ...numeric import sigmoid
from ..exercise import Exercise
from .vae_by_hand import (
    PARAMETERS,
    arrives,
    backward,
    bernoulli_log_prob,
    bernoulli_log_prob_backward,
    by_log_var,
    by_logit,
    chain,
    clipped,
    encoder_only,
    from_probabilities,
    in_loss,
    kl_of_z,
    kl_standard_normal,
    kl_standard_normal_backward,
    loss,
    reverse_kl,
    sample,
    slope,
    slopes,
    terms,
    vae_backward,
    vae_loss,
    variance,
    ways,
    z,
)


def _bits(rng):
    """Some logits are far out, where s rounds to 0 or 1."""
    shape = rng.integers(4, 7), rng.integers(5, 9)
    x, logits = rng.integers(2, size=shape) * 1.0, 3 * rng.standard_normal(shape)
    x[:4, 0], logits[:4, 0] = (1, 0, 0, 1), (800, -800, 45, -45)
    return {"g": rng.standard_normal(len(x)), "logits": logits, "x": x}


def _posterior(rng):
    shape = rng.integers(3, 7), rng.integers(2, 5)
    return {"g": rng.standard_normal(shape[0])} | {n: rng.standard_normal(shape) for n in ("mu", "log_var")}


def _vae(rng):
    N, D, H, L = 5, 6, 4, int(rng.integers(2, 4))
    shapes = (D, H), H, (H, 2 * L), 2 * L, (L, H), H, (H, D), D
    weights = {name: rng.standard_normal(shape) for name, shape in zip(PARAMETERS, shapes, strict=True)}
    weights["W2"] *= 0.5
    return {"x": rng.integers(2, size=(N, D)) * 1.0, "eps": rng.standard_normal((N, L))} | weights


def _pixels(x, **rest):
    return {"sizes": {"N": len(x), "D": x.shape[1]}}


def _latents(mu, log_var, **rest):
    return {"sizes": {"N": len(mu), "L": mu.shape[1]}, "factors": {"std": np.exp(0.5 * log_var)}}


EXERCISES = (
    Exercise(
        "9.1",
        "bernoulli_log_prob",
        "log_px_z",
        _bits,
        bernoulli_log_prob,
        around=_pixels,
        hints=(
            "log s = l - log(1 + exp(l)) and log(1 - s) = -log(1 + exp(l)). Put both in: what stands in front of "
            "log(1 + exp(l))?",
            "log(1 + exp(l)) overflows at l = 800. It is also log(exp(0) + exp(l)): see np.logaddexp.",
            "Sum over the last axis only, so that one number per example is left.",
        ),
        slips={
            "clipped probabilities: at a logit of 45 that says 16 nats where it should be 45": clipped,
            "from probabilities: s is exactly 0 or 1 where the decoder is sure": lambda logits, x: (
                from_probabilities(sigmoid(logits), x)),
            "from probabilities: s is exactly 1 at a logit of 45, and log(1 - s) infinite": lambda logits, x: (
                from_probabilities(1 / (1 + np.exp(-logits)), x)),
            "exp(l) overflows at l = 800: take the larger exponent out of the logarithm first": lambda logits, x: (
                (x * logits - np.log(1 + np.exp(logits))).sum(axis=-1)),
            "max(0, l) is missing in front of log(1 + exp(-|l|))": lambda logits, x: (
                (x * logits - np.log1p(np.exp(-abs(logits)))).sum(axis=-1)),
            "clipped logits: at 800 and -800 the cost is cut off": lambda logits, x: (
                bernoulli_log_prob(logits.clip(-30, 30), x)),
            "the sign: a log-probability of bits is never positive": lambda logits, x: -bernoulli_log_prob(logits, x),
            "averaged over the pixels: the log-probability of an image is a sum over them": lambda logits, x: (
                bernoulli_log_prob(logits, x) / x.shape[1]),
            "0 and 1 are exchanged": lambda logits, x: bernoulli_log_prob(logits, 1 - x),
            "only the pixels that are 1 count; a 0 has a probability, too": lambda logits, x: (
                -(x * np.logaddexp(0, -logits)).sum(axis=-1)),
        },
    ),
    Exercise(
        "9.2",
        "bernoulli_log_prob_backward",
        "dlogits",
        _bits,
        bernoulli_log_prob_backward,
        value=lambda g, logits, x: (g * bernoulli_log_prob(logits, x)).sum(),
        around=_pixels,
        hints=(
            "Differentiate x l - log(1 + exp(l)) by l: the first term gives x. What is the derivative of the second?",
            "exp(l) / (1 + exp(l)) is the sigmoid of l. And g has one number per example: as a column, g[:, None], it "
            "goes over all pixels of its example.",
        ),
        slips={
            "the sign: log_px_z grows with a logit where the pixel is 1": by_logit(lambda x, s: s - x),
            "g is not used: the upstream gradient is missing": lambda g, logits, x: x - sigmoid(logits),
            "each example has its own g; that is their sum": lambda g, logits, x: g.sum() * (x - sigmoid(logits)),
            "each example has its own g; that is their mean": lambda g, logits, x: g.mean() * (x - sigmoid(logits)),
            "divided by N: if there is a mean over the examples, g carries it already": lambda g, logits, x: (
                g[:, None] * (x - sigmoid(logits)) / len(x)),
            "x is forgotten: the first term, x l, has a slope, too": by_logit(lambda x, s: -s),
            "without its sign: the gradient says which way a logit should go": by_logit(lambda x, s: abs(x - s)),
            "that is the derivative by s, not by the logit": by_logit(lambda x, s: x / s - (1 - x) / (1 - s)),
            "times s (1 - s), the slope of the sigmoid: it has canceled already": by_logit(
                lambda x, s: (x - s) * s * (1 - s)),
            "averaged over the pixels; the log-probability is their sum": lambda g, logits, x: (
                g[:, None] * (x - sigmoid(logits)) / x.shape[1]),
            "only the pixels that are 1 count; a 0 has a probability, too": by_logit(lambda x, s: x * (1 - s)),
            "the logits are taken for probabilities": lambda g, logits, x: g[:, None] * (x - logits),
        },
    ),
    Exercise(
        "9.3",
        "kl_standard_normal",
        "kl",
        _posterior,
        kl_standard_normal,
        around=lambda mu, **rest: {"sizes": {"N": len(mu), "L": mu.shape[1]}},
        hints=(
            "It is the last displayed formula, term by term; sigma^2 is exp(log_var).",
            "Sum over the latents, the last axis. Where mu and log_var are 0 it must be 0.",
        ),
        slips={
            "the 1/2 is missing": terms(2, 2, 2, 2),
            "the 1/2 belongs to all four terms, not to mu^2 alone": terms(1, 2, 2, 2),
            "the sign: a KL is never negative": terms(-1, -1, -1, -1),
            "the sign of mu^2: a code far from 0 costs more": terms(square=-1),
            "the sign of the variance: a wide q costs, too": terms(variance=-1),
            "the sign of log_var: q costs more the narrower it is": terms(log=-1),
            "the sign of the 1: at mu = 0, log_var = 0 it must be 0": terms(one=-1),
            "the sign of one side: mu^2 stands with sigma^2, log_var with the 1": terms(1, -1, -1, -1),
            "the 1 is missing: at mu = 0, log_var = 0 it must be 0": terms(one=0),
            "the 1 stands outside of the sum: it counts once per latent": lambda mu, log_var: (
                0.5 * ((mu**2 + np.exp(log_var) - log_var).sum(axis=-1) - 1)),
            "std stands where the variance should: exp(log_var / 2)": variance(lambda v: np.exp(0.5 * v)),
            "the variance is exp(log_var), not log_var": variance(lambda v: v),
            "the variance is squared: exp(log_var) is sigma^2 already": variance(lambda v: np.exp(v) ** 2),
            "log_var is taken for log sigma; it is log sigma^2": lambda mu, log_var: (
                kl_standard_normal(mu, 2 * log_var)),
            "log_var is a logarithm already: that is the logarithm of a logarithm": lambda mu, log_var: (
                0.5 * (mu**2 + np.exp(log_var) - 1 - np.log(log_var)).sum(axis=-1)),
            "mu is not squared": lambda mu, log_var: 0.5 * (mu + np.exp(log_var) - 1 - log_var).sum(axis=-1),
            "that is the KL the other way round, from the prior to the posterior": reverse_kl,
            "averaged over the latents: the KL of independent latents is a sum": lambda mu, log_var: (
                kl_standard_normal(mu, log_var) / mu.shape[1]),
        },
    ),
    Exercise(
        "9.4",
        "kl_standard_normal_backward",
        "dmu, dlog_var",
        _posterior,
        kl_standard_normal_backward,
        value=lambda g, mu, log_var: (g * kl_standard_normal(mu, log_var)).sum(),
        around=_latents,
        hints=(
            "Each term holds one mu and one log_var, so nothing is summed: differentiate mu^2 / 2 by mu, and "
            "(exp(log_var) - log_var) / 2 by log_var.",
            "Both are multiplied with the g of their example, as a column: g[:, None].",
        ),
        slips={
            "g is not used: the upstream gradient is missing": lambda g, mu, log_var: (
                mu, 0.5 * (np.exp(log_var) - 1)),
            "divided by N: if there is a mean over the examples, g carries it already": lambda g, mu, log_var: (
                g[:, None] * mu / len(mu), g[:, None] * 0.5 * (np.exp(log_var) - 1) / len(mu)),
            "the 1/2 of the KL is missing": slopes(lambda mu: 2 * mu, lambda v: np.exp(v) - 1),
            "the slope of mu^2 is 2 mu: its 2 is missing": slopes(
                lambda mu: 0.5 * mu, lambda v: 0.5 * (np.exp(v) - 1)),
            "the sign: a large log_var makes the variance, and so the KL, grow": by_log_var(
                lambda v: 0.5 * (1 - np.exp(v))),
            "the term -log_var is forgotten: its slope is -1": by_log_var(lambda v: 0.5 * np.exp(v)),
            "the term -log_var is not differentiated: its slope is -1": by_log_var(lambda v: 0.5 * (np.exp(v) - v)),
            "std stands where the variance should: exp(log_var / 2)": by_log_var(
                lambda v: 0.5 * (np.exp(0.5 * v) - 1)),
            "that is the derivative by the variance, not by its logarithm": by_log_var(
                lambda v: 0.5 * (1 - np.exp(-v))),
            "that is the derivative by sigma; times d sigma / d log_var = sigma / 2": by_log_var(
                lambda v: np.exp(0.5 * v) - np.exp(-0.5 * v)),
        },
    ),
    Exercise(
        "9.5",
        "vae_loss",
        "loss, log_px_z, kl",
        _vae,
        vae_loss,
        around=_pixels,
        hints=(
            "Five lines in the order of the picture: out of the encoder, its two halves, z, the logits, and the two "
            "terms of the loss.",
            "np.split(out, 2, axis=-1) gives the two halves; std is exp(log_var / 2).",
            "loss = kl - log_px_z, one number per example: no mean yet.",
        ),
        slips={
            "log_px_z is added; it must be subtracted: a likely image has a small loss": in_loss(1, 1),
            "the sign: that is the ELBO, which is to grow; the loss is its negative": in_loss(-1, 1),
            "the KL is subtracted, so it would grow for ever": in_loss(-1, -1),
            "the KL is not in it": in_loss(0, -1),
            "the reconstruction is not in it": in_loss(1, 0),
            "the KL counts half: its 1/2 is in it already": in_loss(0.5, -1),
            "the KL is averaged over the pixels; it has nothing to do with them": lambda *a: loss(
                *a, factor=1 / a[0].shape[1]),
            "the KL is of z; it is of the Gaussian, so of mu": kl_of_z,
            "z without its noise: z = mu": lambda *a: loss(*a, sample=lambda mu, log_var, eps: mu),
            "eps is decoded, not z": lambda *a: loss(*a, sample=lambda mu, log_var, eps: eps),
            "the sign: z = mu + sigma eps": lambda *a: loss(
                *a, sample=lambda mu, log_var, eps: mu - np.exp(0.5 * log_var) * eps),
            "z with exp(-log_var / 2): that is 1 / sigma": lambda *a: loss(
                *a, sample=lambda mu, log_var, eps: mu + np.exp(-0.5 * log_var) * eps),
            "z with the variance where the standard deviation should be": lambda *a: loss(
                *a, sample=lambda mu, log_var, eps: mu + np.exp(log_var) * eps),
            "z with log_var where the standard deviation should be": lambda *a: loss(
                *a, sample=lambda mu, log_var, eps: mu + log_var * eps),
            "z: the half of std = exp(log_var / 2) is in the exponent, not in front": lambda *a: loss(
                *a, sample=lambda mu, log_var, eps: mu + 0.5 * np.exp(log_var) * eps),
            "the halves are exchanged: mu is the first one": lambda *a: loss(
                *a, sample=lambda mu, log_var, eps: sample(log_var, mu, eps),
                kl=lambda mu, log_var: kl_standard_normal(log_var, mu)),
            "bernoulli_log_prob was given probabilities; it takes the logits": lambda *a: loss(
                *a, log_prob=lambda logits, x: bernoulli_log_prob(sigmoid(logits), x)),
            "x and the logits are exchanged": lambda *a: loss(
                *a, log_prob=lambda logits, x: bernoulli_log_prob(x, logits)),
            "the reconstruction is averaged over the pixels, so the KL counts D times as much": lambda *a: loss(
                *a, log_prob=lambda logits, x: bernoulli_log_prob(logits, x) / x.shape[1]),
        },
    ),
    Exercise(
        "9.6",
        "vae_backward",
        ", ".join(f"d{name}" for name in PARAMETERS),
        _vae,
        vae_backward,
        value=lambda x, eps, W1, b1, W2, b2, W3, b3, W4, b4: vae_loss(x, eps, W1, b1, W2, b2, W3, b3, W4, b4)[0].mean(),
        around=_pixels,
        hints=(
            "Compute forward as in vae_loss, and keep the caches. Then g, an array (N,): what is the derivative of "
            "the mean by one example's loss? kl gets g, and log_px_z, which has a minus, gets -g.",
            "Decoder: dlogits, then net_backward with the decoder's cache gives dz and the last four gradients.",
            "mu and log_var each have two ways to the loss: through z (lesson 8) and through the KL. Add what comes "
            "back, put both side by side in the order in which the encoder gave them, and go through the encoder.",
        ),
        slips={
            "the KL's part never reaches the encoder": ways(kl_mu=0, kl_log_var=0),
            "the KL's part is missing at mu": ways(kl_mu=0),
            "the KL's part is missing at log_var": ways(kl_log_var=0),
            "the reconstruction's part never reaches the encoder: dz is not used": ways(z_mu=0, z_log_var=0),
            "the way from z to mu is missing": ways(z_mu=0),
            "the way from z to log_var is missing": ways(z_log_var=0),
            "the KL's part is subtracted: the loss holds + kl": ways(kl_mu=-1, kl_log_var=-1),
            "the KL's part counts half: its 1/2 is in it already": ways(kl_mu=0.5, kl_log_var=0.5),
            "the KL's part counts twice": ways(kl_mu=2, kl_log_var=2),
            "the KL's part counts twice at mu": ways(kl_mu=2),
            "the KL's part is of z; it is of mu": arrives(
                lambda dz, m, v, eps, log_var: chain(dz, z(m, eps, log_var) / len(m), v, eps, log_var)),
            "the KL's part is not divided by N": lambda *a: ways(kl_mu=len(a[0]), kl_log_var=len(a[0]))(*a),
            "the two ways to mu are multiplied; what comes back on two ways is added": arrives(
                lambda dz, m, v, eps, log_var: (dz * m, chain(dz, m, v, eps, log_var)[1])),
            "the two ways are multiplied; what comes back on two ways is added": arrives(
                lambda dz, m, v, eps, log_var: (dz * m, chain(dz, m, 0, eps, log_var)[1] * v)),
            "the slope of std = exp(log_var / 2) is std / 2: the 1/2 is missing": ways(z_log_var=2),
            "on the way from z to log_var the sign is wrong": ways(z_log_var=-1),
            "on the way from z to log_var the variance stands where the standard deviation should": slope(
                lambda eps, log_var: 0.5 * eps * np.exp(log_var)),
            "on the way from z to log_var eps is missing": slope(lambda eps, log_var: 0.5 * np.exp(0.5 * log_var)),
            "on the way from z to log_var std is missing": slope(lambda eps, log_var: 0.5 * eps),
            "on the way from z to log_var std / 2 is missing": slope(lambda eps, log_var: eps),
            "on the way from z to log_var z stands where eps should": arrives(
                lambda dz, m, v, eps, log_var: chain(dz, m, v, eps, log_var)[:1]
                + (0.5 * dz * z(m, eps, log_var) * np.exp(0.5 * log_var) + v,)),
            "the gradients of mu and log_var are exchanged": arrives(lambda *arrays: chain(*arrays)[::-1]),
            "the reconstruction's sign: log_px_z has a minus in the loss": lambda *a: backward(*a, sign=1),
            "everything has the wrong sign: that is the gradient of the ELBO": encoder_only(of_all=lambda N: -1),
            "the loss is the mean over the examples: the 1/N is missing": lambda *a: backward(*a, of_all=len(a[0])),
            "the 1/N is missing in the reconstruction, and only there": encoder_only(sign=lambda N: -N),
            "divided by N twice": lambda *a: backward(*a, of_all=1 / len(a[0])),
            "the decoder was given mu, not z": lambda *a: backward(*a, sample=lambda mu, log_var, eps: mu),
        },
    ),
)  # fmt: skip

"""Exercises of lesson 9: the loss of a whole VAE, and its whole gradient."""

from functools import partial

import numpy as np

from ...numeric import sigmoid
from ..exercise import Exercise
from .vae_by_hand import (
    PARAMETERS,
    backward,
    bernoulli_log_prob,
    bernoulli_log_prob_backward,
    from_probabilities,
    kl,
    kl_slopes,
    kl_standard_normal,
    kl_standard_normal_backward,
    log_prob,
    log_prob_slope,
    loss,
    reverse_kl,
    rounded,
    vae_backward,
    vae_loss,
)


def _bits(rng):
    """Some logits are far out, where s rounds to 0 or 1."""
    shape = rng.integers((4, 9), (15, 14))
    x, logits = rng.integers(2, size=shape) * 1.0, 3 * rng.standard_normal(shape)
    x[:4, 0], logits[:4, 0] = (1, 0, 0, 1), (800, -800, 45, -45)
    return {"g": rng.standard_normal(len(x)), "logits": logits, "x": x}


def _posterior(rng):
    shape = rng.integers((6, 2), (12, 6))
    return {"g": rng.standard_normal(shape[0])} | {n: rng.standard_normal(shape) for n in ("mu", "log_var")}


def _vae(rng):
    """Sizes of a draw differ from each other, too, also those of the two hidden layers; N is odd."""
    D, N, H, L = rng.integers((12, 2, 8, 2), (23, 6, 15, 6)) * (1, 2, 1, 1) + (0, 1, 0, 0)
    shapes = (D, H), H, (H, 2 * L), 2 * L, (L, H + 5), H + 5, (H + 5, D), D
    weights = {name: 0.7 * rng.standard_normal(shape) for name, shape in zip(PARAMETERS, shapes, strict=True)}
    weights["W2"] *= 0.5
    return {"x": rng.integers(2, size=(N, D)) * 1.0, "eps": rng.standard_normal((N, L))} | weights


def _pixels(x, **rest):
    return {"sizes": {"N": len(x), "D": x.shape[1]}}


def _latents(mu, log_var, **rest):
    return {"sizes": {"N": len(mu), "L": mu.shape[1]}, "factors": {"std": np.exp(0.5 * log_var)}}


def _half(v):
    return np.exp(0.5 * v)


EXERCISES = (
    Exercise(
        "9.1",
        "bernoulli_log_prob",
        "log_px_z",
        _bits,
        bernoulli_log_prob,
        around=_pixels,
        points=2,
        hints=(
            "Write s as a fraction with exp(l) in it, and 1 - s as well. What are the logarithms of the two fractions?",
            "An exp overflows at l = 800. Take the larger of exp(0) and exp(l) out of the logarithm, or see "
            "np.logaddexp.",
            "Sum over the last axis only, so that one number per example is left.",
        ),
        slips={
            "clipped probabilities: at a logit of 45 that says 16 nats where it should be 45": partial(
                from_probabilities, s=lambda l: np.clip(sigmoid(l), 1e-7, 1 - 1e-7)),
            "from probabilities: at a logit of 45 s is exactly 1, at -45 exactly 0; infinite logarithms": partial(
                from_probabilities, s=rounded),
            "from probabilities: s is exactly 1 at a logit of 45, and log(1 - s) infinite": partial(
                from_probabilities, s=sigmoid),
            "exp(l) overflows at l = 800: take the larger exponent out of the logarithm first": partial(
                log_prob, softplus=lambda l: np.log(1 + np.exp(l))),
            "max(0, l) is missing in front of log(1 + exp(-|l|))": partial(
                log_prob, softplus=lambda l: np.log1p(np.exp(-abs(l)))),
            "the exponent is -|l|; with |l| it overflows": partial(
                log_prob, softplus=lambda l: np.maximum(0, l) + np.log1p(np.exp(abs(l)))),
            "the exponent is -|l|; -l is positive where l is negative": partial(
                log_prob, softplus=lambda l: np.maximum(0, l) + np.log1p(np.exp(-l))),
            "max(0, l) alone: log(1 + exp(-|l|)) is missing": partial(log_prob, softplus=lambda l: np.maximum(0, l)),
            "clipped logits: at 800 and -800 the cost is cut off": partial(
                log_prob, logits_as=lambda l: l.clip(-30, 30)),
            "the sign: a log-probability of bits is never positive": partial(log_prob, times=-1),
            "averaged over the pixels: the log-probability of an image is a sum over them": partial(
                log_prob, total=lambda a: a.mean(axis=-1)),
            "summed over the examples; sum over the pixels, the last axis": partial(
                log_prob, total=lambda a: a.sum(axis=0)),
            "not summed over the pixels: one number per example is asked": partial(log_prob, total=lambda a: a),
            "0 and 1 are exchanged": lambda logits, x: bernoulli_log_prob(logits, 1 - x),
            "only the pixels that are 1 count; a 0 has a probability, too": partial(
                log_prob, softplus=lambda l: 0, part=lambda l, x: -x * np.logaddexp(0, -l)),
            "only the pixels that are 0 count; a 1 has a probability, too": partial(
                log_prob, softplus=lambda l: 0, part=lambda l, x: -(1 - x) * np.logaddexp(0, l)),
            "the logit is missing where x is 1": partial(log_prob, part=lambda l, x: 0),
            "the logit counts where x is 1 only": partial(log_prob, part=lambda l, x: l),
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
            "One number per pixel: its bit, less what sigmoid makes of its logit.",
            "g has one number per example: as a column, g[:, None], it goes over all pixels of its example.",
        ),
        slips={
            "the sign: log_px_z grows with a logit where the pixel is 1": partial(
                log_prob_slope, slope=lambda x, s: s - x),
            "g is not used: the upstream gradient is missing": partial(log_prob_slope, upstream=lambda g: 1),
            "each example has its own g; that is their sum": partial(log_prob_slope, upstream=np.sum),
            "each example has its own g; that is their mean": partial(log_prob_slope, upstream=np.mean),
            "each example has its own g; that is the first one's": partial(log_prob_slope, upstream=lambda g: g[0]),
            "divided by N: if there is a mean over the examples, g carries it already": partial(
                log_prob_slope, times=lambda x: 1 / len(x)),
            "x is forgotten: the first term, x l, has a slope, too": partial(log_prob_slope, slope=lambda x, s: -s),
            "without its sign: the gradient says which way a logit should go": partial(
                log_prob_slope, slope=lambda x, s: abs(x - s)),
            "that is the derivative by s, not by the logit": partial(
                log_prob_slope, slope=lambda x, s: x / s - (1 - x) / (1 - s), s=rounded),
            "times s (1 - s), the slope of the sigmoid: it has canceled already": partial(
                log_prob_slope, slope=lambda x, s: (x - s) * s * (1 - s)),
            "averaged over the pixels; the log-probability is their sum": partial(
                log_prob_slope, times=lambda x: 1 / x.shape[1]),
            "only the pixels that are 1 count; a 0 has a probability, too": partial(
                log_prob_slope, slope=lambda x, s: x * (1 - s)),
            "only the pixels that are 0 count; a 1 has a probability, too": partial(
                log_prob_slope, slope=lambda x, s: -(1 - x) * s),
            "the logits are taken for probabilities": partial(log_prob_slope, s=lambda l: l),
            "that is the probability of a 0: the sigmoid of -l": partial(log_prob_slope, s=lambda l: sigmoid(-l)),
            "exp(l) overflows at l = 800: use sigmoid": partial(
                log_prob_slope, s=lambda l: np.exp(l) / (1 + np.exp(l))),
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
            "the 1/2 is missing": partial(kl, half=1),
            "the 1/2 belongs to all four terms, not to mu^2 alone": partial(kl, half=1, square=lambda mu: 0.5 * mu**2),
            "the 1/2 belongs to all four terms; log_var and the 1 lack it": partial(
                kl, log=lambda v: 2 * v, one=2),
            "the sign: a KL is never negative": partial(kl, sign=-1),
            "the sign of mu^2: a code far from 0 costs more": partial(kl, square=lambda mu: -(mu**2)),
            "the sign of the variance: a wide q costs, too": partial(kl, variance=lambda v: -np.exp(v)),
            "the sign of log_var: q costs more the narrower it is": partial(kl, log=lambda v: -v),
            "the sign of the 1: at mu = 0, log_var = 0 it must be 0": partial(kl, one=-1),
            "the sign of one side: mu^2 stands with sigma^2, log_var with the 1": partial(
                kl, square=lambda mu: -(mu**2), sign=-1),
            "mu^2 is missing: a code far from 0 costs more": partial(kl, square=lambda mu: 0),
            "log_var is missing: q costs more the narrower it is": partial(kl, log=lambda v: 0),
            "the variance is missing: a wide q costs, too": partial(kl, variance=lambda v: 0),
            "the 1 is missing: at mu = 0, log_var = 0 it must be 0": partial(kl, one=0),
            "the 1 stands outside of the sum: it counts once per latent": lambda mu, log_var: (
                kl(mu, log_var, one=0) - 0.5),
            "std stands where the variance should: exp(log_var / 2)": partial(kl, variance=_half),
            "the variance is exp(log_var), not log_var": partial(kl, variance=lambda v: v),
            "the variance is squared: exp(log_var) is sigma^2 already": partial(kl, variance=lambda v: np.exp(2 * v)),
            "log_var is taken for log sigma; it is log sigma^2": partial(
                kl, variance=lambda v: np.exp(2 * v), log=lambda v: 2 * v),
            "log_var is a logarithm already: that is the logarithm of a logarithm": partial(kl, log=np.log),
            "mu is not squared": partial(kl, square=lambda mu: mu),
            "that is the KL the other way round, from the prior to the posterior": reverse_kl,
            "averaged over the latents: the KL of independent latents is a sum": partial(
                kl, total=lambda a: a.mean(axis=-1)),
            "not summed over the latents: one number per example is asked": partial(kl, total=lambda a: a),
            "summed over the examples; sum over the latents, the last axis": partial(kl, total=lambda a: a.sum(axis=0)),
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
        points=2,
        hints=(
            "Each term holds one mu and one log_var, so nothing is summed: differentiate mu^2 / 2 by mu, and "
            "(exp(log_var) - log_var) / 2 by log_var.",
            "Both are multiplied with the g of their example, as a column: g[:, None].",
        ),
        slips={
            "g is not used: the upstream gradient is missing": partial(kl_slopes, upstream=lambda g: 1),
            "each example has its own g; that is their sum": partial(kl_slopes, upstream=np.sum),
            "each example has its own g; that is their mean": partial(kl_slopes, upstream=np.mean),
            "divided by N: if there is a mean over the examples, g carries it already": partial(
                kl_slopes, times=lambda mu: 1 / len(mu)),
            "the two are exchanged: dmu comes first": partial(kl_slopes, order=-1),
            "the 1/2 of the KL is missing": partial(
                kl_slopes, by_mu=lambda mu: 2 * mu, by_log_var=lambda v: np.exp(v) - 1),
            "the slope of mu^2 is 2 mu: its 2 is missing": partial(kl_slopes, by_mu=lambda mu: 0.5 * mu),
            "mu^2 is not differentiated": partial(kl_slopes, by_mu=lambda mu: 0.5 * mu**2),
            "the sign: a large log_var makes the variance, and so the KL, grow": partial(
                kl_slopes, by_log_var=lambda v: 0.5 * (1 - np.exp(v))),
            "the sign of the slope of -log_var: it is -1": partial(
                kl_slopes, by_log_var=lambda v: 0.5 * (np.exp(v) + 1)),
            "the term -log_var is forgotten: its slope is -1": partial(kl_slopes, by_log_var=lambda v: 0.5 * np.exp(v)),
            "exp(log_var) is forgotten: only the slope of -log_var is there": partial(
                kl_slopes, by_log_var=lambda v: -0.5 + 0 * v),
            "the term -log_var is not differentiated: its slope is -1": partial(
                kl_slopes, by_log_var=lambda v: 0.5 * (np.exp(v) - v)),
            "the 1/2 belongs to both, to exp(log_var) and to the slope of -log_var": partial(
                kl_slopes, by_log_var=lambda v: 0.5 * np.exp(v) - 1),
            "the 1/2 is missing at dlog_var": partial(kl_slopes, by_log_var=lambda v: np.exp(v) - 1),
            "std stands where the variance should: exp(log_var / 2)": partial(
                kl_slopes, by_log_var=lambda v: 0.5 * (_half(v) - 1)),
            "that is the derivative by the variance, not by its logarithm": partial(
                kl_slopes, by_log_var=lambda v: 0.5 * (1 - np.exp(-v))),
            "that is the derivative by sigma; times d sigma / d log_var = sigma / 2": partial(
                kl_slopes, by_log_var=lambda v: _half(v) - _half(-v)),
        },
    ),
    Exercise(
        "9.5",
        "vae_loss",
        "loss, log_px_z, kl",
        _vae,
        vae_loss,
        around=_pixels,
        points=3,
        hints=(
            "Five lines in the order of the picture: out of the encoder, its two halves, z, the logits, and the two "
            "terms of the loss.",
            "np.split(out, 2, axis=-1) gives the two halves; std is exp(log_var / 2).",
            "loss = kl - log_px_z, one number per example: no mean yet.",
        ),
        slips={
            "log_px_z is added; it must be subtracted: a likely image has a small loss": partial(loss, of_log_px_z=1),
            "the sign: that is the ELBO, which is to grow; the loss is its negative": partial(
                loss, of_kl=-1, of_log_px_z=1),
            "the KL is subtracted, so it would grow for ever": partial(loss, of_kl=-1),
            "the KL is not in it": partial(loss, of_kl=0),
            "the reconstruction is not in it": partial(loss, of_log_px_z=0),
            "the KL counts half: its 1/2 is in it already": partial(loss, of_kl=0.5),
            "the KL is averaged over the pixels; it has nothing to do with them": partial(
                loss, kl_times=lambda x: 1 / x.shape[1]),
            "the KL is of z; it is of the Gaussian, so of mu": partial(loss, kl_of_z=True),
            "z without its noise: z = mu": partial(loss, noise=lambda eps: 0),
            "eps is decoded, not z": partial(loss, mean=lambda mu: 0, std=lambda v: 1),
            "z without mu": partial(loss, mean=lambda mu: 0),
            "z without sigma: z = mu + eps": partial(loss, std=lambda v: 1),
            "the sign: z = mu + sigma eps": partial(loss, noise=lambda eps: -eps),
            "z with exp(-log_var / 2): that is 1 / sigma": partial(loss, std=lambda v: _half(-v)),
            "z with the variance where the standard deviation should be": partial(loss, std=np.exp),
            "z with log_var where the standard deviation should be": partial(loss, std=lambda v: v),
            "z with exp(2 log_var): the root of the variance has half of the exponent": partial(
                loss, std=lambda v: np.exp(2 * v)),
            "z: the half of std = exp(log_var / 2) is in the exponent, not in front": partial(
                loss, std=lambda v: 0.5 * np.exp(v)),
            "the halves are exchanged: mu is the first one": partial(loss, order=-1),
            "bernoulli_log_prob was given probabilities; it takes the logits": partial(
                loss, into=lambda logits: sigmoid(logits)),
            "x and the logits are exchanged": partial(loss, exchanged=True),
            "the reconstruction is averaged over the pixels, so the KL counts D times as much": partial(
                loss, log_px_z_times=lambda x: 1 / x.shape[1]),
            "the mean over the examples is taken already; return one number per example": partial(loss, total=np.mean),
            "summed over the examples; return one number per example": partial(loss, total=np.sum),
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
        points=3,
        hints=(
            "Compute forward as in vae_loss, and keep the caches. Then g, an array (N,): what is the derivative of "
            "the mean by one example's loss? And with which sign does each of the two terms stand in the loss?",
            "Decoder: dlogits, then net_backward with the decoder's cache gives dz and the last four gradients.",
            "mu and log_var each have two ways to the loss: through z (lesson 8) and through the KL. Put what arrives "
            "at both side by side, in the order in which the encoder gave them, and go through the encoder.",
        ),
        slips={
            "the KL's part never reaches the encoder": partial(backward, kl_mu=0, kl_log_var=0),
            "the KL's part is missing at mu": partial(backward, kl_mu=0),
            "the KL's part is missing at log_var": partial(backward, kl_log_var=0),
            "the reconstruction's part never reaches the encoder: dz is not used": partial(
                backward, z_mu=0, z_log_var=0),
            "the way from z to mu is missing": partial(backward, z_mu=0),
            "the way from z to log_var is missing": partial(backward, z_log_var=0),
            "the KL's part is subtracted: the loss holds + kl": partial(backward, kl_times=lambda N: -1),
            "the KL's part counts half: its 1/2 is in it already": partial(backward, kl_times=lambda N: 0.5),
            "the KL's part counts twice": partial(backward, kl_times=lambda N: 2),
            "the KL's part counts twice at mu": partial(backward, kl_mu=2),
            "the KL's part counts twice at log_var": partial(backward, kl_log_var=2),
            "the KL's part is of z; it is of mu": partial(backward, kl_of_z=True),
            "the KL's part is not divided by N": partial(backward, kl_times=lambda N: N),
            "the two ways to mu are multiplied; what comes back on two ways is added": partial(
                backward, products=("mu",)),
            "the two ways are multiplied; what comes back on two ways is added": partial(
                backward, products=("mu", "log_var")),
            "the slope of std = exp(log_var / 2) is std / 2: the 1/2 is missing": partial(backward, z_log_var=2),
            "on the way from z to log_var the sign is wrong": partial(backward, z_log_var=-1),
            "on the way from z to log_var the variance stands where the standard deviation should": partial(
                backward, slope=lambda eps, v: 0.5 * eps * np.exp(v)),
            "on the way from z to log_var eps is missing": partial(backward, slope=lambda eps, v: 0.5 * _half(v)),
            "on the way from z to log_var std is missing": partial(backward, slope=lambda eps, v: 0.5 * eps),
            "on the way from z to log_var std / 2 is missing": partial(backward, slope=lambda eps, v: eps),
            "on the way from z to log_var the whole slope is missing: dz arrives there as it is": partial(
                backward, slope=lambda eps, v: 1),
            "on the way from z to log_var z stands where eps should": partial(backward, slope_of_z=True),
            "the gradients of mu and log_var are exchanged": partial(backward, order=-1),
            "the reconstruction's sign: log_px_z has a minus in the loss": partial(
                backward, log_px_z_times=lambda N: -1),
            "everything has the wrong sign: that is the gradient of the ELBO": partial(backward, times=lambda N: -1),
            "the loss is the mean over the examples: the 1/N is missing": partial(backward, times=lambda N: N),
            "the 1/N is missing in the reconstruction, and only there": partial(backward, log_px_z_times=lambda N: N),
            "divided by N twice": partial(backward, times=lambda N: 1 / N),
            "the decoder was given mu, not z": partial(backward, noise=lambda eps: 0),
            "sigma is exp(log_var / 2): with exp(log_var), forward and backward, that is the gradient of another loss":
                partial(backward, std=np.exp, slope=lambda eps, v: eps * np.exp(v)),
            "the decoder's gradients come first; the encoder's should": partial(backward, turned=True),
        },
    ),
)  # fmt: skip

"""What goes wrong in exercises 14.4 to 14.6: {number: {a mistake in words: who makes it}}."""

from functools import partial

import numpy as np

from . import collapse_by_hand as by_hand
from .collapse_by_hand import capacity, free_bits, warm_up


def _one(beta):
    return 1.0


_rise, _free = partial(partial, by_hand.warm_up_variant), partial(partial, by_hand.free_bits_variant)
_hold = partial(partial, by_hand.capacity_variant)

CURES = {
    "14.4": {
        "it rises for ever: from step `steps` on it stays": _rise(cap=lambda share, top: share),
        "it is 1 from some step on, where beta belongs": _rise(
            times=lambda beta: 1, share=lambda t, steps: t / steps),
        "it stops at 1, not at beta": lambda t, beta, steps: np.minimum(beta * t / steps, 1),
        "beta is only the limit here: the share t / steps is multiplied by it": lambda t, beta, steps: (
            np.minimum(t / steps, beta)),
        "spread evenly over the entries of t: each entry says at which step": lambda t, beta, steps: (
            np.linspace(0, beta, np.size(t))),
        "the larger of the two, where the smaller belongs": _rise(cap=np.maximum),
        "it begins at beta / steps: at t = 0 it is to be 0": _rise(first=1),
        "it begins one step late": _rise(first=-1),
        "it begins one step late, and is 0 until then": _rise(share=lambda t, steps: np.maximum(t - 1, 0) / steps),
        "at t = 0 it is beta / steps; it is to be 0": _rise(share=lambda t, steps: np.maximum(t, 1) / steps),
        "it begins at the first entry of t: it is to begin at t = 0": _rise(
            share=lambda t, steps: (t - np.ravel(t)[0]) / steps),
        "the entries of t are counted: each of them says at which step": _rise(
            share=lambda t, steps: np.arange(np.size(t)) / steps),
        "it falls: it is to rise from 0 to beta": _rise(shape=lambda share: 1 - share),
        "a jump at step `steps`; between 0 and beta it is to be a line": _rise(share=np.floor_divide),
        "it begins again after each `steps` steps: from there on it is to stay": _rise(
            share=lambda t, steps: t % steps / steps),
        "that is steps / t": _rise(share=lambda t, steps: steps / t),
        "it is not divided by steps": _rise(share=lambda t, steps: t),
        "divided by steps - 1: at t = steps it is to be beta, not before": _rise(
            share=lambda t, steps: t / (steps - 1)),
        "divided by steps + 1: at t = steps it is to be beta already": _rise(
            share=lambda t, steps: t / (steps + 1)),
        "it stops one step early, below beta": _rise(share=lambda t, steps: np.minimum(t, steps - 1) / steps),
        "after the rise it is 0: there it is to stay": _rise(shape=lambda share: share * (share < 1)),
        "after the rise it is 0, from the step after `steps` on: there it is to stay": _rise(
            share=lambda t, steps: t / steps * (t <= steps)),
        "at t = steps itself it is 0; it is to be beta": _rise(
            share=lambda t, steps: np.minimum(t / steps, 1) * (t != steps)),
        "beta and steps are exchanged": lambda t, beta, steps: warm_up(t, steps, beta),
        "it rises from 1; it is to rise from 0": lambda t, beta, steps: 1 + warm_up(t, beta - 1, steps),
        "a sigmoid; a line is wanted": lambda t, beta, steps: beta / (1 + np.exp(steps / 2 - t)),
        "an S-curve; a line is wanted": _rise(shape=lambda share: 1 / (1 + np.exp(-10 * (share - 0.5)))),
        "half a cosine; a line is wanted": _rise(shape=lambda share: 0.5 - 0.5 * np.cos(np.pi * share)),
        "it is squared; a line is wanted": _rise(shape=np.square),
        "the root of the share; a line is wanted": _rise(shape=np.sqrt),
        "1 - exp(-t / steps); a line is wanted": _rise(share=lambda t, steps: 1 - np.exp(-t / steps)),
        "it reaches beta at steps / 2 already": _rise(share=lambda t, steps: 2 * t / steps),
        "it is divided by the last t, not by steps": _rise(share=lambda t, steps: t / np.ravel(t)[-1]),
    },
    "14.5": {
        "the maximum is taken for each example: here the mean over the batch comes first": _free(
            mean=lambda kl: kl, total=lambda a: a.sum() / len(a)),
        "no maximum here, or one budget for all latents together: each latent has a maximum of its own": _free(
            mean=lambda kl: kl.mean(axis=0).sum(), total=lambda a: a),
        "one budget for all latents together, L times least: each has its own": lambda kl, beta, least: (
            beta * max(kl.sum() / len(kl), least * kl.shape[1]),
            np.full_like(kl, beta / len(kl) * (kl.sum() / len(kl) >= least * kl.shape[1]))),
        "least is divided by N: the mean over the batch is compared with `least` itself": lambda kl, beta, least: (
            free_bits(kl, beta, least / len(kl))),
        "least is divided by the number of latents: each latent has `least` for itself": lambda kl, beta, least: (
            free_bits(kl, beta, least / kl.shape[1])),
        "only the largest latent is charged: their costs add up": _free(
            mean=lambda kl: kl.mean(axis=0), total=np.max),
        "`least` is charged once: each latent costs that at least": lambda kl, beta, least: (
            beta * (least + np.maximum(kl.mean(axis=0) - least, 0).sum()), free_bits(kl, beta, least)[1]),
        "the smaller of the two: the charge is at least `least`": _free(larger=np.minimum, reached=np.less),
        "the cost takes the smaller of the two; it is the larger one": _free(larger=np.minimum),
        "least is subtracted: a latent below it still costs `least`": _free(minus=1),
        "least is added, where the larger of the two belongs": _free(
            larger=np.add, reached=lambda m, least: m > -1),
        "below `least` it costs nothing here: it costs `least`, a constant": _free(
            larger=lambda m, least: np.where(m > least, m, 0)),
        "the distance from `least` costs here: it is the larger of the two that does": _free(
            larger=lambda m, least: abs(m - least), reached=lambda m, least: np.sign(m - least)),
        "averaged over the latents: their costs add up": _free(
            total=np.mean, share=lambda kl: 1 / kl.size),
        "the mean is over all of kl: averaged over the batch only, and summed over the latents": _free(
            total=np.mean),
        "not summed over the latents: the cost is one number": _free(total=lambda a: a),
        "averaged over the latents, not over the examples": _free(
            mean=lambda kl: kl.mean(axis=1), share=lambda kl: 1 / kl.shape[1],
            shape=lambda dkl, kl: np.broadcast_to(dkl[:, None], kl.shape)),
        "summed over the examples, not averaged": _free(mean=lambda kl: kl.sum(axis=0), share=lambda kl: 1),
        "beta is forgotten": _free(price=_one, dprice=_one),
        "beta is forgotten in the cost": _free(price=_one),
        "beta is forgotten in dkl": _free(dprice=_one),
        "beta is inside the maximum: it weighs the charge, also that of `least`": lambda kl, beta, least: (
            np.maximum(beta * kl.mean(axis=0), least).sum(),
            np.broadcast_to(beta / len(kl) * (beta * kl.mean(axis=0) >= least), kl.shape)),
        "the share 1 / N of each example is missing in dkl": _free(share=lambda kl: 1),
        "dkl is divided by N and by the number of latents": _free(share=lambda kl: 1 / kl.size),
        "dkl is divided by the number of latents: a mean over N examples gives 1 / N": _free(
            share=lambda kl: 1 / kl.shape[1]),
        "dkl is `least` where the bits are free: there the cost is a constant, and its derivative 0": (
            lambda kl, beta, least: (free_bits(kl, beta, least)[0], np.where(
                kl.mean(axis=0) >= least, beta / len(kl), least) + 0 * kl)),
        "dkl has the larger of the two in it: its derivative in kl is 1 / N, or 0": lambda kl, beta, least: (
            free_bits(kl, beta, least)[0], beta / len(kl) * np.maximum(kl.mean(axis=0), least) + 0 * kl),
        "dkl has the larger of an entry and `least` in it: its derivative is 1 / N, or 0": lambda kl, beta, least: (
            free_bits(kl, beta, least)[0], beta / len(kl) * np.maximum(kl, least)),
        "the maximum is forgotten in dkl, or one decision for all latents: below `least` a KL does not pull": _free(
            reached=lambda m, least: m > -1),
        "dkl is there where the bits are free, and 0 where they are not: it is the other way around": _free(
            reached=np.less),
        "dkl asks each example whether it is above `least`: the mean over the batch decides": (
            lambda kl, beta, least: (free_bits(kl, beta, least)[0], beta / len(kl) * (kl >= least))),
        "dkl compares the sum over the examples with `least`: their mean decides": lambda kl, beta, least: (
            free_bits(kl, beta, least)[0], beta / len(kl) * (kl.sum(axis=0) >= least) + 0 * kl),
        "dkl compares each example's sum with `least`: the mean of each latent decides": lambda kl, beta, least: (
            free_bits(kl, beta, least)[0], beta / len(kl) * (kl.sum(axis=1, keepdims=True) >= least) + 0 * kl),
        "dkl is multiplied with kl: the derivative of a mean is 1 / N, whatever kl is": lambda kl, beta, least: (
            free_bits(kl, beta, least)[0], free_bits(kl, beta, least)[1] * kl),
        "dkl is least / N where the bits are free: there the cost is a constant, and its derivative 0": (
            lambda kl, beta, least: (free_bits(kl, beta, least)[0], np.where(
                kl.mean(axis=0) >= least, beta, least) / len(kl) + 0 * kl)),
        "dkl is (L,): it is the same for all examples, but wanted in the shape of kl": _free(
            shape=lambda dkl, kl: dkl),
    },
    "14.6": {
        "the absolute value is taken for each example: the KL is averaged first": _hold(
            mean=lambda kl: kl.sum(axis=1), total=lambda a: a.mean(),
            shape=lambda dkl, kl: np.broadcast_to(dkl[:, None], kl.shape)),
        "each latent is held at C: their sum is": _hold(
            mean=lambda kl: kl.mean(axis=0), total=lambda a: a.sum()),
        "averaged over the latents: their KLs add up": _hold(mean=np.mean, share=lambda kl: 1 / kl.size),
        "the KL in the cost is averaged over the latents: they add up": lambda kl, gamma, C: (
            gamma * abs(kl.mean() - C), capacity(kl, gamma, C)[1]),
        "summed over the examples, not averaged": _hold(mean=np.sum, share=lambda kl: 1),
        "the axes are exchanged: summed over the latents, averaged over the examples": _hold(
            mean=lambda kl: kl.sum() / kl.shape[1], share=lambda kl: 1 / kl.shape[1]),
        "dkl compares each single KL with C: it is their mean over the examples, of all latents": (
            lambda kl, gamma, C: (capacity(kl, gamma, C)[0], gamma / len(kl) * np.sign(kl - C))),
        "the KL itself is charged too: only its distance from C costs": lambda kl, gamma, C: tuple(
            a + b for a, b in zip(capacity(kl, gamma, C), (kl.sum() / len(kl), 1 / len(kl)), strict=True)),
        "the absolute value is missing": _hold(away=lambda u: u, slope=np.ones_like),
        "the absolute value is missing in the cost": _hold(away=lambda u: u),
        "it is C - KL without the absolute value": _hold(away=np.negative, slope=lambda u: -1.0),
        "the cost is C - KL, without the absolute value": _hold(away=np.negative),
        "the square of KL - C, where its absolute value belongs": _hold(away=np.square, slope=lambda u: 2 * u),
        "the square of KL - C, and half of it, where its absolute value belongs": _hold(
            away=lambda u: u**2 / 2, slope=lambda u: u),
        "it costs nothing below C here: there it costs as much as above": _hold(
            away=lambda u: np.maximum(u, 0), slope=lambda u: 1.0 * (u > 0)),
        "it costs nothing above C here: there it costs as much as below": _hold(
            away=lambda u: np.maximum(-u, 0), slope=lambda u: -1.0 * (u < 0)),
        "gamma is forgotten": _hold(price=_one, dprice=_one),
        "gamma is forgotten in the cost": _hold(price=_one),
        "gamma is forgotten in dkl": _hold(dprice=_one),
        "gamma weighs the KL alone: it weighs the whole of KL - C": lambda kl, gamma, C: (
            abs(gamma * kl.sum() / len(kl) - C),
            np.full_like(kl, gamma * np.sign(gamma * kl.sum() / len(kl) - C) / len(kl))),
        "C is forgotten": _hold(at=lambda C: 0),
        "C is added: it is the distance of the KL from C": _hold(at=lambda C: -C),
        "C is divided by N too: the KL is averaged, and then C is subtracted": lambda kl, gamma, C: (
            gamma * abs(kl.sum() - C) / len(kl), np.full_like(kl, gamma * np.sign(kl.sum() - C) / len(kl))),
        "dkl has the wrong sign: above C it is to bring the KL down": _hold(times=-1),
        "the sign of KL - C is forgotten in dkl: below C it pushes up": _hold(slope=np.ones_like),
        "dkl is as large as KL - C: the derivative of an absolute value is a sign": _hold(slope=lambda u: u),
        "the share 1 / N of each example is missing in dkl": _hold(share=lambda kl: 1),
        "dkl is divided by N and by the number of latents": _hold(share=lambda kl: 1 / kl.size),
        "dkl is one number: it is the same for all, but wanted in the shape of kl": _hold(
            shape=lambda dkl, kl: dkl),
    },
}  # fmt: skip

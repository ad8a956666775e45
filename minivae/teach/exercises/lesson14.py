"""Exercises of lesson 14: what a latent is worth; the two pulls on mu; warm-up, free bits, a capacity."""

from functools import partial

import numpy as np

from ..exercise import Exercise
from . import collapse_by_hand as by_hand
from . import collapse_draws as draws
from .collapse_by_hand import best_latent, best_q, capacity, free_bits, ledger, warm_up


def _one(beta):
    return 1.0


_q, _latent = partial(partial, by_hand.best_q_variant), partial(partial, by_hand.best_latent_variant)
_pull, _rise = partial(partial, by_hand.ledger_variant), partial(partial, by_hand.warm_up_variant)
_w_or_kl, _book = partial(partial, by_hand.latent_of), partial(partial, by_hand.ledger_of)
_free, _hold = partial(partial, by_hand.free_bits_variant), partial(partial, by_hand.capacity_variant)

EXERCISES = (
    Exercise(
        "14.1",
        "best_q",
        "a, log_var",
        draws.decoder,
        best_q,
        points=2,
        hints=(
            "Differentiate the loss once by a and once by v, with w held. Each derivative is 0 at the best place.",
            "By a: -w (1 - w a) lam / var_x + beta a lam = 0. What happens to lam? By v: w^2 / var_x + beta - beta / v "
            "= 0.",
            "Solve both, and bring beta var_x to the top: for beta = 1 you must find lesson 7's posterior again.",
        ),
        slips={
            "beta is forgotten: that is the posterior, the best q for beta = 1": _q(price=_one),
            "beta is upside down: a larger one must draw q nearer to the prior": _q(price=lambda beta: 1 / beta),
            "beta is squared": _q(price=np.square),
            "beta is in log_var, but not in a": _q(slope_price=_one),
            "beta is in a, but not in log_var": _q(spread_price=_one),
            "var_x is forgotten: that is for the noise 1": _q(noise=lambda var_x: 1.0),
            "var_x is taken for a standard deviation and squared": _q(noise=np.square),
            "the root of var_x is taken, which is a variance already": _q(noise=np.sqrt),
            "w is not squared below the line": _q(square=lambda w: w),
            "the factor w is missing in a": _q(top=np.ones_like),
            "a is w^2 / (w^2 + beta var_x), with one w too many": _q(top=np.square),
            "the absolute value of w, where its square belongs": _q(square=np.abs),
            "in the derivative by a, w a is dropped: from (1 - w a) it comes to w^2 below the line": (
                lambda w, var_x, beta: (w / (beta * var_x), best_q(w, var_x, beta)[1])),
            "twice beta var_x: the KL and the square have the same half": _q(price=lambda beta: 2 * beta),
            "w^2 is summed over the latents: each has its own": _q(square=lambda w: (w**2).sum() + 0 * w),
            "a has the wrong sign: a positive w asks for a positive a": _q(times=-1),
            "a is multiplied by beta: above the line stands w alone": _q(lift=lambda beta, var_x: beta),
            "a is multiplied by var_x: above the line stands w alone": _q(lift=lambda beta, var_x: var_x),
            "a is multiplied by beta var_x: above the line stands w alone": _q(lift=lambda beta, var_x: beta * var_x),
            "the KL is left out: a = 1 / w reconstructs best, and v has nothing that holds it": _q(prior=0),
            "the two terms below the line are subtracted: they add": _q(bottom=np.subtract),
            "beta is missing above the line in v": _q(over=lambda s, var_x, w: var_x),
            "v has 1 above the line, where beta var_x belongs": _q(over=lambda s, var_x, w: 1.0),
            "that is 1 - v: above the line stands w^2": _q(over=lambda s, var_x, w: w**2),
            "v is halved: the half stands before both terms with v": _q(over=lambda s, var_x, w: s / 2),
            "that is v; its logarithm is wanted": _q(wanted=lambda v: v),
            "that is the exponential of v; its logarithm is wanted": _q(wanted=np.exp),
            "that is the logarithm to the base 10; the natural one is wanted": _q(wanted=np.log10),
            "that is the logarithm of the standard deviation": _q(wanted=lambda v: 0.5 * np.log(v)),
            "the sign of log_var: that is the logarithm of the precision 1 / v": _q(wanted=lambda v: -np.log(v)),
            "that is the precision 1 / v; the logarithm of v is wanted": _q(wanted=lambda v: 1 / v),
            "that is the standard deviation; the logarithm of the variance is wanted": _q(wanted=np.sqrt),
        },
    ),
    Exercise(
        "14.2",
        "best_latent",
        "w, kl",
        draws.directions,
        best_latent,
        points=2,
        hints=(
            "Put c = w^2 + beta var_x. Then a = w / c, v = beta var_x / c and 1 - w a = v. Write the loss as a "
            "function of c alone.",
            "Up to the factor beta / 2 and constants, lam / c + log c is left. Where is its derivative 0? And can c be "
            "that, if lam is less than beta var_x?",
            "Now the KL, with c = lam: what is a^2 lam + v then? Only a logarithm is left. And np.maximum takes care "
            "of the latents that are worth nothing.",
        ),
        slips={
            "beta is forgotten: that is for beta = 1": _latent(price=_one),
            "beta is upside down: a larger one must leave fewer nats": _latent(price=lambda beta: 1 / beta),
            "beta is squared": _latent(price=np.square),
            "beta is in kl, but not in w": _latent(w_price=_one),
            "beta is in w, but not in kl": _latent(kl_price=_one),
            "var_x is forgotten: that is for the noise 1": _latent(noise=lambda var_x: 1.0),
            "var_x is taken for a standard deviation and squared": _latent(noise=np.square),
            "the root of var_x is taken, which is a variance already": _latent(noise=np.sqrt),
            "w^2 is lam here: what the noise makes of the variance is not subtracted": _latent(less=0),
            "w^2 is lam + beta var_x here: the noise explains a part, so it is subtracted": _latent(less=-1),
            "the level is the root of beta var_x here": _latent(noise=np.sqrt, price=np.sqrt),
            "w is the root of lam here, also where w = 0 is best: beta var_x is not subtracted": _w_or_kl(
                w=lambda lam, c, s: np.sqrt(lam)),
            "w is the root of c; w^2 is c less beta var_x": _w_or_kl(w=lambda lam, c, s: np.sqrt(c)),
            "w is c; w^2 is c less beta var_x": _w_or_kl(w=lambda lam, c, s: c),
            "w^2 is c + beta var_x here; it is c less beta var_x": _w_or_kl(w=lambda lam, c, s: np.sqrt(c + s)),
            "w^2 is divided by beta var_x": _w_or_kl(w=lambda lam, c, s: np.sqrt(c / s - 1)),
            "w^2 is divided by c: that is the root of w a": _w_or_kl(w=lambda lam, c, s: np.sqrt(1 - s / c)),
            "a^2 lam is forgotten in the KL: the mean of mu^2": _w_or_kl(kl=lambda lam, c, s: by_hand.kl_of(c, 0, s)),
            "a^2 without lam: the mean of mu^2 = a^2 x^2 is a^2 lam": _w_or_kl(
                kl=lambda lam, c, s: by_hand.kl_of(c, 1, s)),
            "that is what is left of the loss, lam / c + log c; the KL is wanted": _w_or_kl(
                kl=lambda lam, c, s: (lam / c + np.log(c)) / 2),
            "half of c over beta var_x: its logarithm is missing": _w_or_kl(kl=lambda lam, c, s: c / s / 2),
            "averaged over the latents: each has its own KL": _w_or_kl(
                kl=lambda lam, c, s: np.log(c / s).mean() / 2 + 0 * c),
            "one decision for all latents: each direction has its own variance": lambda lam, var_x, beta: tuple(
                part * (lam.mean() > beta * var_x) for part in best_latent(lam, var_x, beta)),
            "that is w^2; its root is wanted": _latent(root=lambda w: w),
            "w is a difference of roots; it is the root of a difference": _w_or_kl(
                w=lambda lam, c, s: np.sqrt(c) - np.sqrt(s)),
            "the half of the KL is missing": _latent(half=1),
            "the ratio in the KL is upside down": _latent(ratio=lambda lam, s: s / lam),
            "1 is added in the logarithm: that is c = lam + beta var_x, and the best c is lam": _latent(extra=1),
            "the logarithm is of the variance alone: it is of lam over beta var_x": _latent(
                ratio=lambda lam, s: np.maximum(lam, s), cut_kl=False),
            "that is (r - 1 - log r) / 2: a^2 lam + v is 1, and the logarithm has a plus": _latent(
                half=1, log=lambda r: (r - 1 - np.log(r)) / 2),
            "w^2 is divided by var_x": _latent(per=lambda var_x: var_x),
            "w is the root of the absolute value: where lam is below beta var_x it is 0": _w_or_kl(
                w=lambda lam, c, s: np.sqrt(np.abs(lam - s))),
            "that is beta KL, what the loss charges; the KL itself is wanted": _latent(paid=lambda beta: beta),
            "in bits: the logarithm is the natural one": _latent(log=np.log2),
            "the logarithm is missing in the KL": _latent(log=lambda r: r),
            "where lam is below beta var_x there is no such place: there w = 0 and kl = 0 are best": _latent(cut=False),
            "where lam is below beta var_x w is 0 here, but kl is not": _latent(cut_kl=False),
            "it is alive from lam = var_x on here: beta belongs to the threshold as well": _latent(
                edge=lambda s, var_x: var_x),
        },
    ),
    Exercise(
        "14.3",
        "ledger",
        "reconstruction, kl, cosine",
        draws.pulled,
        ledger,
        hints=(
            "N dmu is the gradient of each example's own loss. The KL's part of it is beta mu; the rest is the "
            "reconstruction's.",
            "Root mean square over the examples: square, mean(axis=0), root. One number per latent.",
            "The cosine of two columns: the mean of their product, divided by both root mean squares.",
        ),
        slips={
            "dmu is that of the mean loss: times N it is that of each example's own": _pull(N=lambda mu: 1),
            "dmu is divided by N once more": _pull(N=lambda mu: 1 / len(mu)),
            "beta is forgotten in the KL's part": _pull(price=_one),
            "the KL's part is divided by N, but dmu is multiplied with it": _pull(pull=lambda mu: mu / len(mu)),
            "both parts are those of the mean loss: N times as much is each example's own": _pull(
                N=lambda mu: 1, pull=lambda mu: mu / len(mu)),
            "beta mu is divided by N in kl: that is its part in the mean loss": _book(
                kl=lambda rest, pull: by_hand.rms(pull) / len(pull)),
            "in the cosine the product is summed, but the squares are averaged": _book(
                cosine=lambda rest, pull: (rest * pull).sum(axis=0) / by_hand.rms(rest) / by_hand.rms(pull)),
            "that is the share of the signs that agree, less that of the others; sizes count in a cosine": _book(
                cosine=lambda rest, pull: np.sign(rest * pull).mean(axis=0)),
            "the mean is taken before the square, where signs cancel: square first": _book(
                reconstruction=lambda rest, pull: abs(rest.mean(axis=0)), kl=lambda rest, pull: abs(pull.mean(axis=0))),
            "beta mu is multiplied with N too: only dmu is": lambda mu, dmu, beta: ledger(
                mu, dmu + (1 / len(mu) - 1) * beta * mu, beta),
            "dmu is multiplied with the number of latents: N is that of the examples": _pull(N=lambda mu: mu.shape[1]),
            "the cosine of the deviations from the means (np.corrcoef); that of the parts themselves is wanted": _book(
                cosine=by_hand.correlation),
            "half of mu: the derivative of mu^2 / 2 is mu": _pull(pull=lambda mu: mu / 2),
            "twice mu: the derivative of mu^2 / 2 is mu": _pull(pull=lambda mu: 2 * mu),
            "the KL's part is mu^2 / 2 here: that is the KL, its derivative is wanted": _pull(
                pull=lambda mu: mu**2 / 2),
            "the KL's part has the wrong sign: it is beta mu": _pull(sign=-1),
            "the KL's part is added to the total: it is a part of it, and is subtracted": _pull(split=np.add),
            "that is the total: the KL's part is not subtracted": _pull(split=lambda total, kl: total),
            "the reconstruction's part has the wrong sign": _pull(split=lambda total, kl: kl - total),
            "the mean absolute value; the root mean square is wanted": _pull(
                power=np.abs, root=lambda a: a, over=lambda a, b: a * b),
            "the root is missing: that is a mean square": _pull(root=lambda a: a, over=lambda a, b: np.sqrt(a * b)),
            "the sum of the squares, not their mean": _pull(mean=lambda a: a.sum(axis=0)),
            "averaged over the latents: one number per latent is wanted": _pull(mean=lambda a: a.mean(axis=1)),
            "averaged over everything: one number per latent is wanted": _pull(mean=np.mean),
            "the spread around the mean is taken (np.std); the root mean square is wanted": _book(
                reconstruction=lambda rest, pull: rest.std(axis=0), kl=lambda rest, pull: pull.std(axis=0)),
            "the cosine with the total; that of the two parts is wanted": _pull(against=lambda total, kl: total),
            "the product is not divided by the two sizes": _pull(over=lambda a, b: 1),
            "the product is divided by the product of the squares": _pull(over=lambda a, b: (a * b) ** 2),
            "that is the angle; its cosine is wanted": _pull(angle=np.arccos),
            "the sign of the cosine is lost": _pull(angle=np.abs),
        },
    ),
    Exercise(
        "14.4",
        "warm_up",
        "beta_t",
        draws.steps,
        warm_up,
        hints=("t / steps is the share of the rise that is done. It must not go on beyond 1.", "np.minimum(..., 1)"),
        slips={
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
            "it falls: it is to rise from 0 to beta": _rise(shape=lambda share: 1 - share),
            "a jump at step `steps`; between 0 and beta it is to be a line": _rise(share=np.floor_divide),
            "it begins again after each `steps` steps: from there on it is to stay": _rise(
                share=lambda t, steps: t % steps / steps),
            "that is steps / t": _rise(share=lambda t, steps: steps / t),
            "it is not divided by steps": _rise(share=lambda t, steps: t),
            "divided by steps - 1: at t = steps it is to be beta, not before": _rise(
                share=lambda t, steps: t / (steps - 1)),
            "after the rise it is 0: there it is to stay": _rise(shape=lambda share: share * (share < 1)),
            "beta and steps are exchanged": lambda t, beta, steps: warm_up(t, steps, beta),
            "it rises from 1; it is to rise from 0": lambda t, beta, steps: 1 + warm_up(t, beta - 1, steps),
            "a sigmoid; a line is wanted": lambda t, beta, steps: beta / (1 + np.exp(steps / 2 - t)),
            "an S-curve; a line is wanted": _rise(shape=lambda share: 1 / (1 + np.exp(-10 * (share - 0.5)))),
            "half a cosine; a line is wanted": _rise(shape=lambda share: 0.5 - 0.5 * np.cos(np.pi * share)),
            "it is squared; a line is wanted": _rise(shape=np.square),
            "it reaches beta at steps / 2 already": _rise(share=lambda t, steps: 2 * t / steps),
            "it is divided by the last t, not by steps": _rise(share=lambda t, steps: t / np.ravel(t)[-1]),
        },
    ),
    Exercise(
        "14.5",
        "free_bits",
        "cost, dkl",
        draws.some_free,
        free_bits,
        value=lambda kl, beta, least: free_bits(kl, beta, least)[0],
        hints=(
            "mean = kl.mean(axis=0), one number per latent; np.maximum with least; the sum; times beta.",
            "Of a latent whose mean is the larger one, each of the N entries has the share 1 / N. Of the others, none.",
            "(mean >= least) is 1 or 0 for each latent; np.broadcast_to(..., kl.shape) repeats it for the examples.",
        ),
        slips={
            "the maximum is taken for each example: here the mean over the batch comes first": _free(
                mean=lambda kl: kl, total=lambda a: a.sum() / len(a)),
            "one budget for all latents together: each has its own": _free(
                mean=lambda kl: kl.mean(axis=0).sum(), total=lambda a: a),
            "one budget for all latents together, L times least: each has its own": lambda kl, beta, least: (
                beta * max(kl.sum() / len(kl), least * kl.shape[1]),
                np.full_like(kl, beta / len(kl) * (kl.sum() / len(kl) >= least * kl.shape[1]))),
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
            "the maximum is forgotten in dkl: below `least` the KL does not pull": _free(
                reached=lambda m, least: m > -1),
            "dkl is there where the bits are free, and 0 where they are not: it is the other way around": _free(
                reached=np.less),
            "dkl asks each example whether it is above `least`: the mean over the batch decides": (
                lambda kl, beta, least: (free_bits(kl, beta, least)[0], beta / len(kl) * (kl >= least))),
            "dkl is (L,): it is the same for all examples, but wanted in the shape of kl": _free(
                shape=lambda dkl, kl: dkl),
        },
    ),
    Exercise(
        "14.6",
        "capacity",
        "cost, dkl",
        draws.held,
        capacity,
        value=lambda kl, gamma, C: capacity(kl, gamma, C)[0],
        hints=(
            "KL = kl.sum() / len(kl): all latents, averaged over the examples. One number, before the absolute value.",
            "The derivative of |u| is the sign of u. u = KL - C, and each entry of kl has the share 1 / N in it.",
            "np.sign(...) is +1, -1 or 0; np.full_like(kl, number) has the shape.",
        ),
        slips={
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
            "the square of KL - C, where its absolute value belongs": _hold(away=np.square, slope=lambda u: 2 * u),
            "the square of KL - C, and half of it, where its absolute value belongs": _hold(
                away=lambda u: u**2 / 2, slope=lambda u: u),
            "it costs nothing below C here: there it costs as much as above": _hold(
                away=lambda u: np.maximum(u, 0), slope=lambda u: 1.0 * (u > 0)),
            "gamma is forgotten": _hold(price=_one, dprice=_one),
            "gamma is forgotten in the cost": _hold(price=_one),
            "gamma is forgotten in dkl": _hold(dprice=_one),
            "gamma weighs the KL alone: it weighs the whole of KL - C": lambda kl, gamma, C: (
                abs(gamma * kl.sum() / len(kl) - C),
                np.full_like(kl, gamma * np.sign(gamma * kl.sum() / len(kl) - C) / len(kl))),
            "C is forgotten": _hold(at=lambda C: 0),
            "C is added: it is the distance of the KL from C": _hold(at=lambda C: -C),
            "dkl has the wrong sign: above C it is to bring the KL down": _hold(times=-1),
            "the sign of KL - C is forgotten in dkl: below C it pushes up": _hold(slope=np.ones_like),
            "dkl is as large as KL - C: the derivative of an absolute value is a sign": _hold(slope=lambda u: u),
            "the share 1 / N of each example is missing in dkl": _hold(share=lambda kl: 1),
            "dkl is divided by N and by the number of latents": _hold(share=lambda kl: 1 / kl.size),
            "dkl is one number: it is the same for all, but wanted in the shape of kl": _hold(
                shape=lambda dkl, kl: dkl),
        },
    ),
)  # fmt: skip

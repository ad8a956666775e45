"""What goes wrong in exercises 14.1 to 14.3: {number: {a mistake in words: who makes it}}."""

from functools import partial

import numpy as np

from . import collapse_by_hand as by_hand
from .collapse_by_hand import best_latent, best_q, ledger


def _one(beta):
    return 1.0


_q, _latent = partial(partial, by_hand.best_q_variant), partial(partial, by_hand.best_latent_variant)
_pull, _book = partial(partial, by_hand.ledger_variant), partial(partial, by_hand.ledger_of)
_w_or_kl = partial(partial, by_hand.latent_of)

LATENTS = {
    "14.1": {
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
        "the sign of w is lost in a: a negative w asks for a negative a": _q(top=np.abs),
        "in the derivative by a, w a is dropped: from (1 - w a) it comes to w^2 below the line": (
            lambda w, var_x, beta: (w / (beta * var_x), best_q(w, var_x, beta)[1])),
        "twice beta var_x: the KL and the square have the same half": _q(price=lambda beta: 2 * beta),
        "half of beta var_x: the KL and the square have the same half": _q(price=lambda beta: beta / 2),
        "w^2 is summed over the latents: each has its own": _q(square=lambda w: (w**2).sum() + 0 * w),
        "a has the wrong sign: a positive w asks for a positive a": _q(times=-1),
        "a is multiplied by beta: above the line stands w alone": _q(lift=lambda beta, var_x: beta),
        "a is multiplied by var_x: above the line stands w alone": _q(lift=lambda beta, var_x: var_x),
        "a is multiplied by beta var_x: above the line stands w alone": _q(lift=lambda beta, var_x: beta * var_x),
        "the KL is left out: a = 1 / w reconstructs best, and v has nothing that holds it": _q(prior=0),
        "the two terms below the line are subtracted: they add": _q(bottom=np.subtract),
        "beta is missing above the line in v": _q(over=lambda s, var_x, w: var_x),
        "in the derivative by v, the beta without v is dropped: it comes to beta var_x below the line": (
            lambda w, var_x, beta: (best_q(w, var_x, beta)[0], np.log(beta * var_x / w**2))),
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
    "14.2": {
        "beta is forgotten: that is for beta = 1": _latent(price=_one),
        "beta is upside down: a larger one must leave fewer nats": _latent(price=lambda beta: 1 / beta),
        "beta is squared": _latent(price=np.square),
        "lam is taken for a standard deviation and squared: it is a variance": lambda lam, var_x, beta: (
            best_latent(lam**2, var_x, beta)),
        "c is lam / 2 here: with one half before all of it, lam / c + log c is smallest at lam": (
            lambda lam, var_x, beta: best_latent(lam / 2, var_x, beta)),
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
        "w^2 is c less var_x; it is c less beta var_x": lambda lam, var_x, beta: (
            np.sqrt(np.maximum(lam, beta * var_x) - var_x), best_latent(lam, var_x, beta)[1]),
        "c over var_x in the logarithm; it is c over beta var_x": lambda lam, var_x, beta: (
            best_latent(lam, var_x, beta)[0], np.log(np.maximum(lam, beta * var_x) / var_x) / 2),
        "w^2 over beta var_x in the logarithm; it is c over beta var_x, c = w^2 + beta var_x": _w_or_kl(
            kl=lambda lam, c, s: np.log((c - s) / s) / 2),
        "a lam stands in the KL; the mean of mu^2 = a^2 x^2 is a^2 lam": _w_or_kl(
            kl=lambda lam, c, s: (lam * np.sqrt(c - s) / c + s / c + np.log(c / s) - 1) / 2),
        "the other side is cut off (np.minimum?): where lam is above beta var_x the latent lives": _w_or_kl(
            w=lambda lam, c, s: np.sqrt(np.minimum(lam, s) - s),
            kl=lambda lam, c, s: np.log(np.minimum(lam, s) / s) / 2),
        "the absolute value of the logarithm: where lam is below beta var_x kl is 0": _w_or_kl(
            kl=lambda lam, c, s: abs(np.log(lam / s)) / 2),
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
        "the ratio in the KL is upside down, or log v has a plus: the KL has - log v": _latent(
            ratio=lambda lam, s: s / lam),
        "1 is added in the logarithm: that is c = lam + beta var_x, and the best c is lam": _latent(extra=1),
        "1 is added in the logarithm of every direction: that is c = lam + beta var_x": _latent(extra=1, cut_kl=False),
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
    "14.3": {
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
        "dmu is multiplied with mu.size: N is the number of the examples": _pull(N=np.size),
        "the cosine of the deviations from the means (np.corrcoef); that of the parts themselves is wanted": _book(
            cosine=by_hand.correlation),
        "half of mu: the derivative of mu^2 / 2 is mu": _pull(pull=lambda mu: mu / 2),
        "twice mu: the derivative of mu^2 / 2 is mu": _pull(pull=lambda mu: 2 * mu),
        "the KL's part is mu^2 / 2 here: that is the KL, its derivative is wanted": _pull(
            pull=lambda mu: mu**2 / 2),
        "the KL's part has the wrong sign: it is beta mu": _pull(sign=-1),
        "the KL's part is added to the total: it is a part of it, and is subtracted": _pull(split=np.add),
        "that is the total: the KL's part is not subtracted": _pull(split=lambda total, kl: total),
        "the reconstruction's part has the wrong sign, or the cosine has": _pull(split=lambda total, kl: kl - total),
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
        "the cosine is squared": _pull(angle=np.square),
        "one cosine of all entries: each latent has its own": _book(
            cosine=lambda rest, pull: (rest * pull).sum() / np.sqrt((rest**2).sum() * (pull**2).sum())),
    },
}  # fmt: skip

"""What goes wrong in exercise 17.6: {number: {a mistake in words: who makes it}}."""

from functools import partial

import numpy as np

from .draws import as_it_is
from .priors_by_hand import LOG_2PI, laws_variant

_laws = partial(partial, laws_variant)


def _formula(mu, log_var, mu_p, log_var_p):
    return 0.5 * (log_var_p - log_var + (np.exp(log_var) + (mu - mu_p) ** 2) / np.exp(log_var_p) - 1).sum(axis=-1)


LAWS = {
    "17.6": {
        "that is what it charges for the posteriors: for the first law q is the prior itself": _laws(
            q=lambda mu, log_var, mu_p, log_var_p: (mu, log_var), say=np.mean),
        "q is N(0, I) there: for the first law q is the prior, mu_p and log_var_p": _laws(
            q=lambda mu, log_var, mu_p, log_var_p: (0 * mu_p, 0 * log_var_p)),
        "q has the prior's mean, but not its log_var": _laws(
            q=lambda mu, log_var, mu_p, log_var_p: (mu_p, 0 * log_var_p)),
        "equal is without its sign: a kl that is wrong may charge less than nothing": _laws(say=lambda a: abs(a[0])),
        "0 is what right code gives; this kl may be wrong: call it with the prior for q": _laws(say=lambda a: 0.0),
        "an array of one number: take the number, [0]": _laws(say=as_it_is),
        "the sign of the score: charged minus sampled, it is positive where too much is charged": _laws(sign=-1),
        "only the mean of the draws is divided by the standard error: the difference is": _laws(whole=0),
        "not divided by the standard error": _laws(spread=lambda t: 1),
        "divided by the spread of one draw: the mean of K spreads less": _laws(spread=lambda t: t.std(axis=0)),
        "the standard error is std / sqrt(K), not std / K": _laws(spread=lambda t: t.std(axis=0) / len(t)),
        "the standard error is std / sqrt(K), not std sqrt(K)": _laws(spread=lambda t: t.std(axis=0) * len(t) ** 0.5),
        "the variance stands where the standard deviation belongs": _laws(
            spread=lambda t: t.var(axis=0) / len(t) ** 0.5),
        "that is the variance of the mean; its root is the standard error": _laws(
            spread=lambda t: t.var(axis=0) / len(t)),
        "divided by the root of N: K is the number of draws": _laws(
            spread=lambda t: t.std(axis=0) / t.shape[1] ** 0.5),
        "K - 1 stands for K, or ddof=1: here the plain np.std and K are wanted": _laws(
            spread=lambda t: t.std(axis=0, ddof=1) / len(t) ** 0.5),
        "summed over the draws; the mean is wanted": _laws(mean=lambda t: t.sum(axis=0)),
        "what kl charges is missing in the score": _laws(charged=lambda kl, mu, *_: np.zeros(len(mu))),
        "kl is called with mu and log_var exchanged": _laws(
            charged=lambda kl, mu, log_var, *prior: kl(log_var, mu, *prior)),
        "kl is called with mu_p and log_var_p exchanged": _laws(
            charged=lambda kl, mu, log_var, mu_p, log_var_p: kl(mu, log_var, log_var_p, mu_p)),
        "one spread for all examples: each has its own, over axis 0": _laws(
            spread=lambda t: t.std() / len(t) ** 0.5),
        "log p is that of N(0, I): the prior has mu_p and log_var_p": _laws(learned=0, wide=0),
        "log p has mu_p, but not log_var_p": _laws(wide=0),
        "log p has log_var_p, but not mu_p": _laws(learned=0),
        "the half is missing in both log densities": _laws(of_q=2, of_p=-2),
        "log_var is missing in log q": _laws(log_q=0),
        "log_var_p is missing in log p, beside its square": _laws(log_p=0),
        "log_var and log_var_p are missing in the log densities": _laws(log_q=0, log_p=0),
        "the square is missing in log q": _laws(more=lambda eps: 0.5 * (eps**2).sum(axis=-1)),
        "log(2 pi) is missing in log q: it is in both or in none": _laws(
            more=lambda eps: 0.5 * LOG_2PI * eps.shape[-1]),
        "log(2 pi) is missing in log p: it is in both or in none": _laws(
            more=lambda eps: -0.5 * LOG_2PI * eps.shape[-1]),
        "averaged over the latents, not summed": _laws(each=0),
        "log p(z) is missing: that is the entropy alone": _laws(of_p=0),
        "log q(z) is missing": _laws(of_q=0),
        "log p - log q: the KL is the mean of log q - log p": _laws(of_q=-1, of_p=1),
        "log p(z) is added, where it should be subtracted": _laws(of_p=1),
        "z is drawn around mu_p: the draws are from q, around mu": _laws(start=lambda mu, mu_p: mu_p),
        "z is drawn from the prior: the draws are from q, with mu and log_var": _laws(
            start=lambda mu, mu_p: mu_p, width=lambda log_var, log_var_p: log_var_p),
        "mu is missing in z: the draws are mu + std eps": _laws(start=lambda mu, mu_p: 0),
        "z is eps alone: the draws are mu + std eps": _laws(start=lambda mu, mu_p: 0, std=lambda a: 1),
        "variance for standard deviation: exp(log_var) is std squared": _laws(std=np.exp),
        "the half is in log_var twice: std is exp(log_var / 2)": _laws(std=lambda a: np.exp(a / 4)),
        "exp is missing: std is exp(log_var / 2)": _laws(std=lambda a: a / 2),
        "log_var is used as it is: std is exp(log_var / 2)": _laws(std=as_it_is),
        "that compares with the right formula: kl may be wrong, so call it": _laws(
            charged=lambda kl, *args: _formula(*args)),
        "averaged over the examples: one score for each is wanted": _laws(before=np.mean),
        "without its sign: it says whether too much is charged": _laws(before=np.abs),
    },
}  # fmt: skip

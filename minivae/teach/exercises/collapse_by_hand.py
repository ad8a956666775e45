"""The functions that lesson 14 asks for, and once more with places where people make a mistake in them."""

import numpy as np

from .draws import as_it_is


def best_q(w, var_x, beta):
    spread = beta * var_x
    return w / (w**2 + spread), np.log(spread / (w**2 + spread))


def best_latent(lam, var_x, beta):
    spread = beta * var_x
    kept = np.maximum(lam, spread)
    return np.sqrt(kept - spread), 0.5 * np.log(kept / spread)


def rms(a):
    return np.sqrt((a**2).mean(axis=0))


def ledger(mu, dmu, beta):
    kl = beta * mu
    reconstruction = len(mu) * dmu - kl
    norms = rms(reconstruction), rms(kl)
    return *norms, (reconstruction * kl).mean(axis=0) / (norms[0] * norms[1])


def warm_up(t, beta, steps):
    return beta * np.minimum(t / steps, 1)


def free_bits(kl, beta, least):
    mean = kl.mean(axis=0)
    cost = beta * np.maximum(mean, least).sum()
    return cost, np.broadcast_to(beta / len(kl) * (mean >= least), kl.shape)


def capacity(kl, gamma, C):
    over = kl.sum() / len(kl) - C
    return gamma * abs(over), np.full_like(kl, gamma * np.sign(over) / len(kl))


# ---- the same with other arguments: the mistakes


def latent_of(lam, var_x, beta, w=None, kl=None):
    """best_latent with another w or kl: functions of lam, c = max(lam, s) and s = beta var_x."""
    s = beta * var_x
    c, right = np.maximum(lam, s), best_latent(lam, var_x, beta)
    return right[0] if w is None else w(lam, c, s), right[1] if kl is None else kl(lam, c, s)


def ledger_of(mu, dmu, beta, **other):
    """ledger with another reconstruction, kl or cosine: functions of the reconstruction's part and of the KL's."""
    parts = len(mu) * dmu - beta * mu, beta * mu
    right = dict(zip(("reconstruction", "kl", "cosine"), ledger(mu, dmu, beta), strict=True))
    return tuple((right | {name: function(*parts) for name, function in other.items()}).values())


def kl_of(c, var_mu, spread):
    """The KL where the mean of a^2 x^2 is taken for var_mu times a^2, a^2 = w^2 / c^2 = (c - spread) / c^2."""
    v = spread / c
    return 0.5 * (var_mu * (c - spread) / c**2 + v - np.log(v) - 1)


def correlation(a, b):
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    return (a * b).mean(axis=0) / (a.std(axis=0) * b.std(axis=0))


def best_q_variant(w, var_x, beta, noise=as_it_is, price=as_it_is, slope_price=as_it_is, spread_price=as_it_is,
                   square=np.square, top=as_it_is, lift=lambda beta, var_x: 1, bottom=np.add,
                   over=lambda s, var_x, w: s, prior=1, times=1, wanted=np.log):  # fmt: skip
    var_x, beta = noise(var_x), price(beta)
    s_a, s_v = slope_price(beta) * var_x, spread_price(beta) * var_x
    a = times * lift(beta, var_x) * top(w) / bottom(square(w), prior * s_a)
    return a, wanted(over(s_v, var_x, w) / bottom(square(w), prior * s_v))


def best_latent_variant(lam, var_x, beta, noise=as_it_is, price=as_it_is, kl_price=as_it_is, w_price=as_it_is, less=1,
                        root=np.sqrt, half=0.5, log=np.log, ratio=np.divide, cut=True, cut_kl=True,
                        edge=lambda s, var_x: s, extra=0, per=lambda var_x: 1, paid=lambda beta: 1):  # fmt: skip
    var_x, beta = noise(var_x), price(beta)
    s_w, s = w_price(beta) * var_x, kl_price(beta) * var_x
    alive = lam > edge(beta * var_x, var_x)
    w = root((np.where(alive, lam - less * s_w, 0) if cut else lam - less * s_w) / per(var_x))
    kl = paid(beta) * half * log(extra + ratio(lam, s))
    return w, np.where(alive, kl, 0) if cut and cut_kl else kl


def ledger_variant(mu, dmu, beta, N=len, pull=as_it_is, price=as_it_is, sign=1, split=np.subtract, power=np.square,
                   mean=lambda a: a.mean(axis=0), root=np.sqrt, against=None, angle=as_it_is,
                   over=np.multiply):  # fmt: skip
    kl = sign * price(beta) * pull(mu)
    total = N(mu) * dmu
    reconstruction = split(total, kl)
    one, other = (root(mean(power(part))) for part in (reconstruction, kl))
    partner = reconstruction if against is None else against(total, kl)
    size = one if against is None else np.sqrt((partner**2).mean(axis=0))
    return one, other, angle(mean(partner * kl) / over(size, other))


def warm_up_variant(t, beta, steps, share=np.divide, first=0, top=1, cap=np.minimum, times=lambda beta: beta,
                    shape=as_it_is):  # fmt: skip
    return times(beta) * shape(cap(share(t + first, steps), top))


def free_bits_variant(kl, beta, least, mean=lambda kl: kl.mean(axis=0), larger=np.maximum, total=np.sum, price=as_it_is,
                      dprice=as_it_is, share=lambda kl: 1 / len(kl), reached=np.greater_equal, minus=0,
                      shape=lambda dkl, kl: np.broadcast_to(dkl, kl.shape)):  # fmt: skip
    m = mean(kl)
    cost = price(beta) * total(larger(m, least) - minus * least)
    return cost, shape(dprice(beta) * share(kl) * reached(m, least), kl)


def capacity_variant(kl, gamma, C, mean=lambda kl: kl.sum() / len(kl), away=np.abs, slope=np.sign, price=as_it_is,
                     dprice=as_it_is, share=lambda kl: 1 / len(kl), at=as_it_is, total=as_it_is, times=1,
                     shape=lambda dkl, kl: np.broadcast_to(dkl, kl.shape)):  # fmt: skip
    over = mean(kl) - at(C)
    return price(gamma) * total(away(over)), shape(times * dprice(gamma) * share(kl) * slope(over), kl)

"""The functions that lesson 24 asks for, and once more with places where people make a mistake in them."""

import numpy as np

from ...numeric import sigmoid, softplus
from .draws import as_it_is, summed


def halves(x):
    """(N, D) -> the half that is kept and the half that is moved, (N, D / 2) each."""
    return x[:, : x.shape[1] // 2], x[:, x.shape[1] // 2 :]


def coupling(x, net):
    kept, moved = halves(x)
    log_scale, shift = net(kept)
    return np.concatenate([kept, np.exp(log_scale) * moved + shift], axis=1), log_scale.sum(axis=1)


def coupling_inverse(z, net):
    kept, moved = halves(z)
    log_scale, shift = net(kept)
    return np.concatenate([kept, np.exp(-log_scale) * (moved - shift)], axis=1)


def coupling_backward(dz, dlog_det, x, log_scale):
    dkept, dmoved = halves(dz)
    scale = np.exp(log_scale)
    dlog_scale = dmoved * scale * halves(x)[1] + dlog_det[:, None]
    return np.concatenate([dkept, dmoved * scale], axis=1), dlog_scale, dmoved


def noised(x, eps, t, beta):
    abar = np.cumprod(1 - beta)[t - 1][:, None]
    return np.sqrt(abar) * x + np.sqrt(1 - abar) * eps


def noise_loss(eps_hat, eps, weight):
    error = eps_hat - eps
    return (weight * (error**2).sum(axis=1)).mean(), 2 * weight[:, None] * error / len(eps)


def generator_loss(odds_g):
    return softplus(-odds_g).mean(), -sigmoid(-odds_g) / len(odds_g)


# ---- the same with other arguments: the mistakes


def coupling_variant(x, net, scale=np.exp, move=lambda scale, moved, shift: scale * moved + shift,
                     swap=False, log=as_it_is, total=summed, sign=1):  # fmt: skip
    kept, moved = halves(x)
    if swap:
        kept, moved = moved, kept
    log_scale, shift = net(kept)
    z = move(scale(log_scale), moved, shift)
    return np.concatenate([z, kept] if swap else [kept, z], axis=1), sign * total(log(log_scale, shift, kept))


def inverse_variant(z, net, swap=False, ask=0, scale=lambda log_scale: np.exp(-log_scale),
                    back=lambda scale, moved, shift: scale * (moved - shift), keep=as_it_is):  # fmt: skip
    kept, moved = halves(z)
    if swap:
        kept, moved = moved, kept
    log_scale, shift = net((kept, moved)[ask])
    x = back(scale(log_scale), moved, shift)
    return np.concatenate([x, keep(kept, x)] if swap else [keep(kept, x), x], axis=1)


def backward_variant(dz, dlog_det, x, log_scale, scale=np.exp, kept=1, of_z=1,
                     of_det=lambda dlog_det: dlog_det[:, None], times=lambda x, scale: halves(x)[1], inner=as_it_is,
                     out=as_it_is, moved=lambda dmoved, scale: dmoved * scale, shift=as_it_is):  # fmt: skip
    dkept, dmoved = halves(dz)
    s = scale(log_scale)
    dlog_scale = of_z * dmoved * inner(s) * times(x, s) + of_det(dlog_det)
    return np.concatenate([kept * dkept, moved(dmoved, s)], axis=1), out(dlog_scale, s, dlog_det), shift(dmoved, s)


def noised_variant(x, eps, t, beta, left=lambda beta: np.cumprod(1 - beta), at=-1, root=np.sqrt,
                   noise=lambda abar: np.sqrt(1 - abar), added=None, sign=1, swap=False):  # fmt: skip
    i = np.clip(t + at, 0, len(beta) - 1)
    abar = left(beta)[i][:, None]
    spread = noise(abar) if added is None else added(beta)[i][:, None]
    if swap:
        x, eps = eps, x
    return root(abar) * x + sign * spread * eps


def loss_variant(eps_hat, eps, weight, power=2, total=summed, mean=np.mean, weigh=as_it_is, two=2, sign=1,
                 weigh_d=as_it_is, over=lambda N, D: N, out=as_it_is):  # fmt: skip
    error = eps_hat - eps
    loss = mean(weigh(weight) * total(np.abs(error) ** power))
    return loss, out(sign * two * weigh_d(weigh(weight))[:, None] * error / over(*eps.shape))


def critic_variant(odds, odds_g, real=-1, made=1, half=0.5, half_d=0.5, cost=softplus, slope=sigmoid, sign=1, sign_g=1,
                   mean=np.mean, over=len, flip=1, flip_g=1):  # fmt: skip
    loss = sign * half * (mean(cost(real * odds)) + mean(cost(made * odds_g)))
    dodds = half_d * real * slope(flip * real * odds) / over(odds)
    return loss, sign * dodds, sign * sign_g * half_d * made * slope(flip_g * made * odds_g) / over(odds_g)


def generator_variant(odds_g, cost=lambda odds: softplus(-odds), slope=lambda odds: -sigmoid(-odds), half=1, half_d=1,
                      mean=np.mean, over=len, sign=1):  # fmt: skip
    return half * mean(cost(odds_g)), sign * half_d * slope(odds_g) / over(odds_g)

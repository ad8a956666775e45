"""The functions that lesson 21 asks for, and once more with places where people make a mistake in them."""

from functools import partial

import numpy as np
from scipy import special

from ...numeric import one_hot

softmax = partial(special.softmax, axis=-1)


def last(a):
    """The sum over the last axis, which stays."""
    return a.sum(axis=-1, keepdims=True)


def chosen(codes, K):
    """1 where place n chose code k, (N, K)."""
    return one_hot(codes.astype("int64"), K, np.zeros(1))


# ---- nearest codes: z (N, d), e (K, d) -> (N,)


def nearest(z, e):
    return (last(e * e).T - 2 * z @ e.T).argmin(axis=-1)


def nearest_variant(z, e, length=1.0, product=-2.0, scores=None, best=np.argmin, axis=-1, wanted=None):
    far = length * last(e * e).T + product * z @ e.T if scores is None else scores(z[:, None] - e)
    codes = best(far, axis=axis)
    return codes if wanted is None else wanted(z, e, codes)


# ---- straight-through: dz_q, z (N, d), e (K, d), codes (N,), commit -> dz (N, d), de (K, d)


def quantize_backward(dz_q, z, e, codes, commit):
    return quantize_backward_variant(dz_q, z, e, codes, commit)


def quantize_backward_variant(dz_q, z, e, codes, commit, through=1, pull=2.0, sign=1, weight=lambda commit: commit,
                              follow=2.0, sign_e=1, weight_e=lambda commit: 1, into_e=0, gather=None):  # fmt: skip
    codes = codes.astype("int64")
    off = z - e[codes]
    of_e = -sign_e * follow * weight_e(commit) * off + into_e * dz_q
    de = chosen(codes, len(e)).T @ of_e if gather is None else gather(of_e, codes, e)
    pulled = commit / len(z) if weight == "mean" else weight(commit)
    return through * dz_q + sign * pull * pulled * off, de


def written_once(of_e, codes, e):
    """What `de[codes] += of_e` does: of the places that chose one code only the last counts."""
    de = np.zeros_like(e)
    de[codes] = of_e
    return de


def first_written(of_e, codes, e):
    """Of the places that chose one code only the first counts."""
    return written_once(of_e[::-1], codes[::-1], e)


def objective(dz_q, z, e, codes, commit, held_z, held_e):
    """Whose gradients dz and de are: `held` copies do not move."""
    codes = codes.astype("int64")
    return (dz_q * z).sum() + commit * ((z - held_e[codes]) ** 2).sum() + ((held_z - e[codes]) ** 2).sum()


# ---- moving average: count (K,), total (K, d), z (N, d), codes (N,), decay, tiny -> count, total, e


def follow(count, total, z, codes, decay, tiny):
    return follow_variant(count, total, z, codes, decay, tiny)


def follow_variant(count, total, z, codes, decay, tiny, old=lambda decay: decay, new=lambda decay: 1 - decay,
                   counted=lambda one: one.sum(axis=0), added=lambda one, z: one.T @ z,
                   smooth=lambda n, tiny: (n + tiny) / (n.sum() + len(n) * tiny) * n.sum(), over=None,
                   upper=None):  # fmt: skip
    one = chosen(codes, len(count))
    counts = {"old": count, "batch": counted(one), None: old(decay) * count + new(decay) * counted(one)}
    totals = {"old": total, "batch": added(one, z), None: old(decay) * total + new(decay) * added(one, z)}
    return counts[None], totals[None], totals[upper] / smooth(counts[over], tiny)[:, None]


# ---- where that ends: count (K,), total (K, d), z (N, d), codes (N,) -> e (K, d)


def settled(count, total, z, codes):
    return settled_variant(count, total, z, codes)


def settled_variant(count, total, z, codes, used=lambda n, s, count, total, z: s / np.maximum(n, 1)[:, None],
                    dead=lambda count, total, z: total / count[:, None]):  # fmt: skip
    one = chosen(codes, len(count))
    n, s = one.sum(axis=0), one.T @ z
    return np.where(n[:, None] > 0, used(n, s, count, total, z), dead(count, total, z))


def settled_from(least, count, total, z, codes):
    """The codes that fewer than `least` places chose stay."""
    n = chosen(codes, len(count)).sum(axis=0)
    return np.where(n[:, None] >= least, settled(count, total, z, codes), total / count[:, None])


def swapped(count, total, z, codes):
    one = chosen(codes, len(count))
    n = one.sum(axis=0)
    return np.where(n[:, None] > 0, total / count[:, None], one.T @ z / np.maximum(n, 1)[:, None])


# ---- an expectation over choices: logits, f (N, K) -> dlogits (N, K)


def exact_gradient(logits, f):
    return exact_variant(logits, f)


def exact_variant(logits, f, p=softmax, mean=lambda p, f: last(p * f), weight=lambda p: p, sign=1, total=lambda a: a):
    p = p(logits)
    return total(sign * weight(p) * (f - mean(p, f)))


# ---- Gumbel: logits, gumbel (N, K), temperature -> z, y (N, K)


def gumbel_softmax(logits, gumbel, temperature):
    return gumbel_variant(logits, gumbel, temperature)


def gumbel_variant(logits, gumbel, temperature, noise=1, over=lambda logits, gumbel, t: (logits + gumbel) / t,
                   soft=softmax, score=lambda logits, gumbel: logits + gumbel, hard=None):  # fmt: skip
    scores = score(logits, noise * gumbel)
    y = soft(over(logits, noise * gumbel, temperature))
    return chosen(scores.argmax(axis=-1), logits.shape[1]) if hard is None else hard(scores, y), y


def gumbel_softmax_backward(dy, y, temperature):
    return gumbel_backward_variant(dy, y, temperature)


def gumbel_backward_variant(dy, y, temperature, mean=lambda y, dy: last(y * dy), weight=lambda y: y,
                            over=lambda t: t, sign=1, total=lambda a: a):  # fmt: skip
    return total(sign * weight(y) * (dy - mean(y, dy)) / over(temperature))

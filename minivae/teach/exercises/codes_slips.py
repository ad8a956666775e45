"""What goes wrong in exercises 21.1 to 21.4: {number: {a mistake in words: who makes it}}."""

from functools import partial

import numpy as np

from . import codes_by_hand as by_hand
from .codes_by_hand import last

_near, _through = partial(partial, by_hand.nearest_variant), partial(partial, by_hand.quantize_backward_variant)
_follow, _settled = partial(partial, by_hand.follow_variant), partial(partial, by_hand.settled_variant)


def _scaled_by_the_old(count, total, z, codes, decay, tiny):
    n, total, _ = by_hand.follow(count, total, z, codes, decay, tiny)
    S = count.sum()
    return total / ((n + tiny) / (S + len(n) * tiny) * S)[:, None]


def _mean_of_chosen(one, z):
    return one.T @ z / np.maximum(one.sum(axis=0), 1)[:, None]


def _cut_each(one, z):
    """The sums, cut off after each place."""
    s = np.zeros((one.shape[1], z.shape[1]))
    for of_code, place in zip(one, z, strict=True):
        s = np.where(of_code[:, None] > 0, np.trunc(s + place), s)
    return s


def _back(dz, of_code=lambda off: -2 * off):
    """dz is made of dz_q, off = z - e_c, commit and e_c; each place gives its code `of_code`."""

    def slip(dz_q, z, e, codes, commit):
        off = z - e[codes]
        return dz(dz_q, off, commit, e[codes]), by_hand.chosen(codes, len(e)).T @ of_code(off)

    return slip


def _e_of(e):
    """Right averages; e is made of these, tiny, z and the old count."""

    def slip(count, total, z, codes, decay, tiny):
        n, total, _ = by_hand.follow(count, total, z, codes, decay, tiny)
        return n, total, e(n, total, tiny, z, count)

    return slip


def _of_means(e):
    """Right averages; e is made of the old total / count, the means of this batch and decay."""

    def slip(count, total, z, codes, decay, tiny):
        n, new, _ = by_hand.follow(count, total, z, codes, decay, tiny)
        return n, new, e(total / count[:, None], _mean_of_chosen(by_hand.chosen(codes, len(count)), z), decay)

    return slip


def _chosen_alone(count, total, z, codes, decay, tiny):
    n, new, _ = by_hand.follow(count, total, z, codes, decay, tiny)
    used = by_hand.chosen(codes, len(count)).any(axis=0)
    n, new = np.where(used, n, count), np.where(used[:, None], new, total)
    return n, new, new / ((n + tiny) / (n.sum() + len(n) * tiny) * n.sum())[:, None]


def _of_each(count, total, z, codes, of):
    """Codes that are chosen get `of` their places (n, d)."""
    e = total / count[:, None]
    for k in np.unique(codes):
        e[k] = of(z[codes == k])
    return e


CODES = {
    "21.1": {
        "those are the farthest codes: argmin is wanted": _near(best=np.argmax),
        "the length of e is forgotten: the largest product z e is not the nearest code": _near(length=0),
        "the product z e alone decides here: a near code has a large one, and its own length counts": _near(
            length=0, product=1.0),
        "each of the d numbers has its own nearest code here: the squares are to be summed over them": _near(
            scores=lambda off: off**2, axis=1),
        "the product z e counts twice in the squared distance": _near(product=-1.0),
        "the product z e has the wrong sign: a near code has a large product": _near(product=2.0),
        "|e|^2 has the wrong sign: it is + |e|^2 - 2 z e": _near(length=-1.0),
        "the sum of absolute differences; squares are wanted": _near(scores=lambda off: abs(off).sum(axis=-1)),
        "the largest of the d differences; a sum of squares is wanted": _near(scores=lambda off: abs(off).max(-1)),
        "the differences are not squared: positive and negative cancel": _near(scores=lambda off: off.sum(axis=-1)),
        "the angle decides here, since the codes are divided by their length; distance is wanted": _near(
            wanted=lambda z, e, _: (z @ (e / last(e * e) ** 0.5).T).argmax(axis=-1)),
        "summed before squaring: positive and negative differences cancel": _near(
            scores=lambda off: off.sum(axis=-1) ** 2),
        "summed over the codes; for each code the sum over the d numbers is wanted": lambda z, e: (
            (z[:, None] - e) ** 2).sum(axis=1).argmin(axis=1),
        "only the first of the d numbers is compared": _near(scores=lambda off: off[..., 0] ** 2),
        "for each code the nearest place: for each place the nearest code is wanted": _near(
            scores=lambda off: (off**2).sum(axis=-1), axis=0),
        "those are the codes themselves; their numbers are wanted": _near(wanted=lambda z, e, codes: e[codes]),
        "that is the least squared distance; which code has it is wanted": _near(
            wanted=lambda z, e, codes: ((z - e[codes]) ** 2).sum(axis=-1)),
        "that is the least distance; which code has it is wanted": _near(
            wanted=lambda z, e, codes: ((z - e[codes]) ** 2).sum(axis=-1) ** 0.5),
        "those are all squared distances; for each place the nearest code is wanted": lambda z, e: (
            (z[:, None] - e) ** 2).sum(axis=-1),
        "the numbers start from 1; in NumPy they start from 0": _near(wanted=lambda z, e, codes: codes + 1),
        "that is one-hot; numbers are wanted": _near(wanted=lambda z, e, codes: by_hand.chosen(codes, len(e))),
    },
    "21.2": {
        "dz_q is missing in dz: straight-through hands it on": _through(through=0),
        "dz_q has the wrong sign in dz: straight-through hands it on as it is": _through(through=-1),
        "the commitment is missing in dz": _through(pull=0.0),
        "the 2 of the square is missing": _through(pull=1.0, follow=1.0),
        "the 2 of the square is missing in dz": _through(pull=1.0),
        "the 2 of the square is missing in de": _through(follow=1.0),
        "the commitment in dz has the wrong sign: its derivative is along z - e": _through(sign=-1),
        "commit is missing in dz": _through(weight=lambda commit: 1),
        "commit is squared in dz": _through(weight=np.square),
        "dz gets 1 + commit: in the last part of the loss z is held": _through(weight=lambda commit: 1 + commit),
        "commit is in de: it weighs the part in which e is held": _through(weight_e=lambda commit: commit),
        "those are the squares; their derivatives are wanted": lambda dz_q, z, e, codes, commit: (
            dz_q + commit * (z - e[codes]) ** 2, -by_hand.chosen(codes, len(e)).T @ (z - e[codes]) ** 2),
        "the two parts are exchanged: commit weighs that of z, and 1 that of e": _through(
            weight=lambda commit: 1, weight_e=lambda commit: commit),
        "de gets 1 + commit: in the commitment e is held": _through(weight_e=lambda commit: 1 + commit),
        "the sign of de: a gradient step subtracts it, and the code must move to z": _through(sign_e=-1),
        "de gets dz_q as well: straight-through hands that to z alone": _through(into_e=1),
        "de gets dz_q only: straight-through hands that to z, and the codes have their own part": _through(
            into_e=1, follow=0.0),
        "one place per code: those that chose the same must be added": _through(gather=by_hand.written_once),
        "the first place alone counts for its code: those that chose the same must be added": _through(
            gather=by_hand.first_written),
        "de is one row per place: those that chose the same code must be added, (K, d)": _through(
            gather=lambda of_e, codes, e: of_e),
        "averaged over the places of a code; the sum is wanted": _through(
            gather=lambda of_e, codes, e: _mean_of_chosen(by_hand.chosen(codes, len(e)), of_e)),
        "the commitment is averaged over the places; the sum is wanted": _through(weight="mean"),
        "averaged over all places; the sum is wanted": _through(
            gather=lambda of_e, codes, e: by_hand.chosen(codes, len(e)).T @ of_e / len(of_e)),
        "dz_q and the commitment are multiplied with commit: a bracket too many": _back(
            lambda dz_q, off, commit, _: (dz_q + 2 * off) * commit),
        "commit is at dz_q; it weighs the commitment": _back(lambda dz_q, off, commit, _: commit * dz_q + 2 * off),
        "dz_q is multiplied with the code; it goes to z as it is": _back(
            lambda dz_q, off, commit, code: dz_q * code + 2 * commit * off),
        "dz gets commit - 1: in the last part of the loss z is held": _back(
            lambda dz_q, off, commit, _: dz_q + 2 * (commit - 1) * off),
        "the distance is not squared: that is the slope of its root": _back(
            lambda dz_q, off, commit, _: dz_q + commit * off / last(off * off) ** 0.5,
            lambda off: -off / last(off * off) ** 0.5),
        "z[codes] is taken for e[codes]": lambda dz_q, z, e, codes, commit: (
            dz_q + 2 * commit * (z - z[codes]), by_hand.quantize_backward(dz_q, z, e, codes, commit)[1]),
        "de is summed over all codes: a row for each is wanted": _through(
            gather=lambda of_e, codes, e: of_e.sum(axis=0)),
    },
    "21.3": {
        "decay and 1 - decay are exchanged": _follow(old=lambda decay: 1 - decay, new=lambda decay: decay),
        "1 - decay is missing: new ones would count in full": _follow(new=lambda decay: 1),
        "the old ones are not multiplied by decay": _follow(old=lambda decay: 1),
        "the old ones are forgotten": _follow(old=lambda decay: 0),
        "the new ones are multiplied by decay as well": _follow(new=lambda decay: decay),
        "the new ones are subtracted: they come with 1 - decay": _follow(new=lambda decay: decay - 1),
        "count takes shares of the places; numbers are wanted": _follow(counted=lambda one: one.mean(axis=0)),
        "total takes means of the places; sums are wanted": _follow(added=_mean_of_chosen),
        "total takes sums that are divided by N": _follow(added=lambda one, z: one.T @ z / len(z)),
        "one place per code in total: those that chose the same must be added": _follow(
            added=lambda one, z: by_hand.written_once(z, one.argmax(axis=1), np.zeros((one.shape[1], z.shape[1])))),
        "count takes 1 for each code that was chosen; how often is wanted": _follow(
            counted=lambda one: np.minimum(one.sum(axis=0), 1)),
        "each place loses its decimals: the sums are in an array of whole numbers": _follow(added=_cut_each),
        "the sums lose their decimals: they are put into an array of whole numbers": _follow(
            added=lambda one, z: np.trunc(one.T @ z)),
        "the counts are not smoothed, or with a tiny of your own: it is an argument": _follow(smooth=lambda n, tiny: n),
        "the smoothed counts are not scaled back to the sum of count": _follow(smooth=lambda n, tiny: n + tiny),
        "the smoothed counts are shares: the factor S, the sum of count, is missing": _follow(
            smooth=lambda n, tiny: (n + tiny) / (n.sum() + len(n) * tiny)),
        "scaled to the mean count S / K; to their sum S is wanted": _follow(
            smooth=lambda n, tiny: (n + tiny) / (n.sum() + len(n) * tiny) * n.sum() / len(n)),
        "a bracket is missing: tiny alone is divided and scaled, not count + tiny": _follow(
            smooth=lambda n, tiny: n + tiny / (n.sum() + len(n) * tiny) * n.sum()),
        "in the smoothing K is missing: tiny is added to each of K counts": _follow(
            smooth=lambda n, tiny: (n + tiny) / (n.sum() + tiny) * n.sum()),
        "tiny is in the sum of the smoothing only, not in each count": _follow(
            smooth=lambda n, tiny: n / (n.sum() + len(n) * tiny) * n.sum()),
        "tiny is subtracted in the smoothing": _follow(
            smooth=lambda n, tiny: (n - tiny) / (n.sum() - len(n) * tiny) * n.sum()),
        "the smoothed counts are scaled to the number of places; to the sum of count is wanted": lambda *args: (
            *by_hand.follow(*args)[:2], by_hand.follow(*args)[2] * by_hand.follow(*args)[0].sum() / len(args[2])),
        "the smoothed counts are scaled to the sum of the old count; that of the new one is wanted": lambda *args: (
            *by_hand.follow(*args)[:2], _scaled_by_the_old(*args)),
        "e is made of the old count": _follow(over="old"),
        "the smoothed counts are made of this batch's; the moving count is wanted": _follow(over="batch"),
        "e is made of this batch alone: the moving averages are wanted": _follow(over="batch", upper="batch"),
        "e is made of the old total": _follow(upper="old"),
        "e is made of the old count and the old total": _follow(over="old", upper="old"),
        "e is total: it must be divided by the smoothed counts": _follow(smooth=lambda n, tiny: np.ones_like(n)),
        "e is multiplied with the smoothed counts": _follow(
            smooth=lambda n, tiny: 1 / ((n + tiny) / (n.sum() + len(n) * tiny) * n.sum())),
        "S is the number of places here; it is the sum of count": _e_of(
            lambda n, total, tiny, z, _: total / ((n + tiny) / (len(z) + len(n) * tiny) * len(z))[:, None]),
        "K is the number of codes, not N": _e_of(
            lambda n, total, tiny, z, _: total / ((n + tiny) / (n.sum() + len(z) * tiny) * n.sum())[:, None]),
        "K is the number of codes, not d": _e_of(
            lambda n, total, tiny, z, _: total / ((n + tiny) / (n.sum() + z.shape[1] * tiny) * n.sum())[:, None]),
        "a bracket is missing: S scales the smoothed counts, below the line": _e_of(
            lambda n, total, tiny, *_: total / ((n + tiny) / (n.sum() + len(n) * tiny))[:, None] * n.sum()),
        "tiny is in total as well; counts alone are smoothed": _e_of(
            lambda n, total, tiny, *_: (total + tiny) / ((n + tiny) / (n.sum() + len(n) * tiny) * n.sum())[:, None]),
        "K tiny is added to each count; tiny is wanted, and the scale": _follow(
            smooth=lambda n, tiny: n + len(n) * tiny),
        "e is the plain mean of this batch's places: the moving averages are wanted": _of_means(
            lambda old, mean, decay: mean),
        "e is an average of means: count and total are averaged, then divided": _of_means(
            lambda old, mean, decay: decay * old + (1 - decay) * mean),
        "codes that nobody chose keep count and total: these are multiplied with decay, too": _chosen_alone,
        "count is the smoothed one; the plain one is wanted": lambda count, total, z, codes, decay, tiny: (
            lambda n, total, e: ((n + tiny) / (n.sum() + len(n) * tiny) * n.sum(), total, e))(
                *by_hand.follow(count, total, z, codes, decay, tiny)),
        "e is summed over the d numbers": lambda *args: (
            lambda n, total, e: (n, total, e.sum(axis=1)))(*by_hand.follow(*args)),
    },
    "21.4": {
        "a code that nobody chose goes to 0: its count and its total shrink by the same factor": _settled(
            dead=lambda count, total, z: 0 * total),
        "a code that nobody chose is 0 / 0: what is its quotient before the limit?": _settled(
            dead=lambda count, total, z: np.nan * total),
        "a code that nobody chose is total; it is a quotient before the limit, and stays it": _settled(
            dead=lambda count, total, z: total),
        "a code that nobody chose goes to the mean of all places: what would draw it there?": _settled(
            dead=lambda count, total, z: z.mean(axis=0) + 0 * total),
        "a code that nobody chose: total is multiplied with count": _settled(
            dead=lambda count, total, z: total * count[:, None]),
        "what was there before still counts in a code that is chosen: its share is decay^t": _settled(
            used=lambda n, s, count, total, z: (s + total) / (n + count)[:, None]),
        "the two cases are exchanged: the codes that nobody chose are those that stay": by_hand.swapped,
        "a code that one place alone chose is chosen": lambda *args: by_hand.settled_from(2, *args),
        "the old quotient is added in a code that is chosen: its share is decay^t": _settled(
            used=lambda n, s, count, total, z: s / np.maximum(n, 1)[:, None] + total / count[:, None]),
        "a code that is chosen goes to the mean of all places: those that chose it are wanted": _settled(
            used=lambda n, s, count, total, z: z.mean(axis=0) + 0 * s),
        "averaged over the d numbers as well: each has its own mean": _settled(
            used=lambda n, s, *_: s.mean(axis=1, keepdims=True) / np.maximum(n, 1)[:, None] + 0 * s),
        "the codes that are chosen have not moved": lambda count, total, z, codes: total / count[:, None],
        "the sums are not divided by how many places chose the code": _settled(used=lambda n, s, *_: s),
        "the sums are divided by the number of all places, not of those that chose the code": _settled(
            used=lambda n, s, *_: s / n.sum()),
        "the sums are divided by the old count": _settled(used=lambda n, s, count, *_: s / count[:, None]),
        "that is total in the limit; e is total over count": _settled(
            used=lambda n, s, count, total, z: s, dead=lambda count, total, z: 0 * total),
        "the sums are divided by the places and the old count together: the share of the old is decay^t": _settled(
            used=lambda n, s, count, *_: s / (n + count)[:, None]),
        "a code that nobody chose is count; it is total over count, and stays it": _settled(
            dead=lambda count, total, z: count[:, None] + 0 * total),
        "the median of the places; their mean is wanted": lambda *args: _of_each(
            *args, lambda mine: np.median(mine, axis=0)),
        "the last place alone: the mean of all that chose the code is wanted": lambda *args: _of_each(
            *args, lambda mine: mine[-1]),
        "one place per code in the sums: those that chose the same must be added": lambda *args: _of_each(
            *args, lambda mine: mine[-1] / len(mine)),
        "the places choose again here; their choices are given": lambda count, total, z, codes: by_hand.settled(
            count, total, z, by_hand.nearest(z, total / count[:, None])),
        "that is one step of 0.99: the limit is wanted": lambda *args: by_hand.follow(*args, 0.99, 0.0)[2],
        "that is one step of 0.9: the limit is wanted": lambda *args: by_hand.follow(*args, 0.9, 0.0)[2],
    },
}  # fmt: skip

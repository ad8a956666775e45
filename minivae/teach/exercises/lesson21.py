"""Exercises of lesson 21: nearest codes, straight-through, moving averages, Gumbel, the exact gradient of a choice."""

from functools import partial

import numpy as np

from ..exercise import Exercise
from . import codes_by_hand as by_hand
from . import codes_draws as draws
from .codes_by_hand import last, softmax


def _of_y(dy, logits, gumbel, temperature):
    return (dy * softmax((logits + gumbel) / temperature)).sum()


_near, _through = partial(partial, by_hand.nearest_variant), partial(partial, by_hand.quantize_backward_variant)
_follow, _settled = partial(partial, by_hand.follow_variant), partial(partial, by_hand.settled_variant)
_exact, _gumbel = partial(partial, by_hand.exact_variant), partial(partial, by_hand.gumbel_variant)
_relax = partial(partial, by_hand.gumbel_backward_variant)


def _scaled_by_the_old(count, total, z, codes, decay, tiny):
    n, total, _ = by_hand.follow(count, total, z, codes, decay, tiny)
    S = count.sum()
    return total / ((n + tiny) / (S + len(n) * tiny) * S)[:, None]


def _mean_of_chosen(one, z):
    return one.T @ z / np.maximum(one.sum(axis=0), 1)[:, None]


EXERCISES = (
    Exercise(
        "21.1",
        "nearest",
        "codes",
        draws.places,
        by_hand.nearest,
        indices=True,
        hints=(
            "z[:, None] - e has the shape (N, K, d): place n less code k. What is left to do with its last axis?",
            "Squares, summed over d, are the squared distances (N, K). For each n the k with the least one is wanted.",
            "np.argmin(..., axis=1) gives whole numbers (N,).",
        ),
        slips={
            "those are the farthest codes: argmin is wanted": _near(best=np.argmax),
            "the length of e is forgotten: the largest product z e is not the nearest code": _near(length=0),
            "the product z e alone decides here: a near code has a large one, and its own length counts": _near(
                length=0, product=1.0),
            "each of the d numbers has its own nearest code here: the squares are to be summed over them": _near(
                scores=lambda off: off**2, axis=1),
            "the product z e counts twice in the squared distance": _near(product=-1.0),
            "the product z e has the wrong sign: a near code has a large product": _near(product=2.0),
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
    ),
    Exercise(
        "21.2",
        "quantize_backward",
        "dz, de",
        draws.back,
        by_hand.quantize_backward,
        value=by_hand.objective,
        points=2,
        hints=(
            "dz has two parts: dz_q as it is, and the derivative of commit ||z - e||^2 with e held.",
            "For one place the last part of the loss gives its code -2 (z - e), whatever commit is.",
            "Several places may have chosen one code, and their parts add up: np.add.at(de, codes, parts), or a loop "
            "over the places. de[codes] += parts keeps only one of them.",
        ),
        slips={
            "dz_q is missing in dz: straight-through hands it on": _through(through=0),
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
            "de is one row per place: those that chose the same code must be added, (K, d)": _through(
                gather=lambda of_e, codes, e: of_e),
            "averaged over the places of a code; the sum is wanted": _through(
                gather=lambda of_e, codes, e: _mean_of_chosen(by_hand.chosen(codes, len(e)), of_e)),
            "the commitment is averaged over the places; the sum is wanted": _through(weight="mean"),
            "averaged over all places; the sum is wanted": _through(
                gather=lambda of_e, codes, e: by_hand.chosen(codes, len(e)).T @ of_e / len(of_e)),
        },
    ),
    Exercise(
        "21.3",
        "follow",
        "count, total, e",
        draws.smoothed,
        by_hand.follow,
        points=2,
        hints=(
            "n_k: np.bincount(codes, minlength=len(count)). s_k: np.add.at(s, codes, z) on zeros (K, d).",
            "Both averages are decay times the old plus (1 - decay) times the new.",
            "The smoothed counts are made of the new count; their sum is that of count. Then e = total / smoothed, "
            "where a [:, None] gives each row its own.",
        ),
        slips={
            "decay and 1 - decay are exchanged": _follow(old=lambda decay: 1 - decay, new=lambda decay: decay),
            "1 - decay is missing: new ones would count in full": _follow(new=lambda decay: 1),
            "the old ones are not multiplied by decay": _follow(old=lambda decay: 1),
            "the old ones are forgotten": _follow(old=lambda decay: 0),
            "the new ones are multiplied by decay as well": _follow(new=lambda decay: decay),
            "count takes shares of the places; numbers are wanted": _follow(counted=lambda one: one.mean(axis=0)),
            "total takes means of the places; sums are wanted": _follow(added=_mean_of_chosen),
            "total takes sums that are divided by N": _follow(added=lambda one, z: one.T @ z / len(z)),
            "one place per code in total: those that chose the same must be added": _follow(
                added=lambda one, z: by_hand.written_once(z, one.argmax(axis=1), np.zeros((one.shape[1], z.shape[1])))),
            "count takes 1 for each code that was chosen; how often is wanted": _follow(
                counted=lambda one: np.minimum(one.sum(axis=0), 1)),
            "the counts are not smoothed": _follow(smooth=lambda n, tiny: n),
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
        },
    ),
    Exercise(
        "21.4",
        "settled",
        "e",
        draws.averages,
        by_hand.settled,
        points=2,
        hints=(
            "Write down count after one step, after two, after three, with n_k the same in each. What is left of the "
            "first count, and what has been added in all?",
            "After t steps the factor of the first count is decay^t, and that of n_k is 1 - decay^t. The same holds "
            "for total and s_k. Which factors are in the quotient if n_k is 0?",
            "np.where(n[:, None] > 0, a, b) takes rows from a or b. np.maximum(n, 1) avoids a division by 0.",
        ),
        slips={
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
        },
    ),
    Exercise(
        "21.5",
        "exact_gradient",
        "dlogits",
        draws.choices,
        by_hand.exact_gradient,
        value=lambda logits, f: (softmax(logits) * f).sum(),
        points=2,
        hints=(
            "p_k = exp(l_k) / S with S = sum_j exp(l_j). A logit is in the numerator of its own p and in every S.",
            "The derivative of p_k in l_j is p_k (1 if k = j else 0) - p_k p_j. Put that into the sum over k.",
            "One of the two sums that come out is E itself. What does it say of a logit whose f is above the average?",
        ),
        slips={
            "the average cost is not subtracted: that treats S as a constant": _exact(mean=lambda p, f: 0),
            "p_k is missing in front: f less the average": _exact(weight=lambda p: 1),
            "the plain mean of f is subtracted; it is the one weighted with p": _exact(
                mean=lambda p, f: f.mean(axis=-1, keepdims=True)),
            "only the derivative of p_k in its own logit: l_j is in all other p_k as well": _exact(
                weight=lambda p: p * (1 - p), mean=lambda p, f: 0),
            "the other way around: the average less f": _exact(sign=-1),
            "the average is added, not subtracted": _exact(mean=lambda p, f: -last(p * f)),
            "those are the derivatives in p; the logits are wanted": _exact(mean=lambda p, f: 0, weight=lambda p: 1),
            "the sum of all f is subtracted; each is weighted with its p": _exact(mean=lambda p, f: last(f)),
            "the average is over all examples as well": _exact(mean=lambda p, f: (p * f).sum()),
            "the average is over the examples; it is over the K values": _exact(mean=lambda p, f: (p * f).sum(axis=0)),
            "the average is divided by K once more: the p have the sum 1": _exact(
                mean=lambda p, f: (p * f).mean(axis=-1, keepdims=True)),
            "softmax over the examples; it is over the K values": _exact(p=lambda logits: softmax(logits, axis=0)),
            "p is not normalized: exp(l) must be divided by its sum": _exact(p=np.exp),
            "the logits are taken for probabilities": _exact(p=lambda logits: logits),
            "p is squared in front": _exact(weight=np.square),
            "p (1 - p) is in front; the derivatives of the other p_k make the average": _exact(
                weight=lambda p: p * (1 - p)),
            "that is E itself, an average for each example; its derivatives are wanted": lambda logits, f: (
                softmax(logits) * f).sum(axis=-1),
            "p_j (1 - p_j) f_j has its part of the average already: the sum is over the others then": _exact(
                weight=lambda p: 1, p=softmax, mean=lambda p, f: f - p * (1 - p) * f + p * last(p * f)),
            "p_j is missing in front of the average": lambda logits, f: (
                softmax(logits) * f - last(softmax(logits) * f)),
            "only what comes from S is there: the derivative of the numerator is missing": lambda logits, f: (
                -softmax(logits) * last(softmax(logits) * f)),
            "averaged over the examples; the sum is wanted": _exact(total=lambda a: a / len(a)),
            "summed over the examples: a number per logit is wanted": _exact(total=lambda a: a.sum(axis=0)),
        },
    ),
    Exercise(
        "21.6",
        "gumbel_softmax",
        "z, y",
        draws.noise,
        by_hand.gumbel_softmax,
        hints=(
            "scores = logits + gumbel. z is 1 where a row of them is largest: np.eye(K)[scores.argmax(axis=1)].",
            "y is the softmax over the K values of scores / temperature: exponentials over the sum of their row.",
        ),
        slips={
            "the noise is missing: the likeliest value would always be chosen": _gumbel(noise=0),
            "the noise is subtracted: a Gumbel number is not as often -g as g": _gumbel(noise=-1),
            "z is chosen without the noise": _gumbel(score=lambda logits, gumbel: logits),
            "y is made without the noise": _gumbel(over=lambda logits, gumbel, t: logits / t),
            "z is chosen by the noise alone": _gumbel(score=lambda logits, gumbel: gumbel),
            "y is not divided by the temperature": _gumbel(over=lambda logits, gumbel, t: logits + gumbel),
            "multiplied with the temperature; divided is wanted": _gumbel(
                over=lambda logits, gumbel, t: (logits + gumbel) * t),
            "only the noise is divided by the temperature": _gumbel(over=lambda logits, gumbel, t: logits + gumbel / t),
            "only the logits are divided by the temperature": _gumbel(
                over=lambda logits, gumbel, t: logits / t + gumbel),
            "the noise is added to probabilities; it belongs to the logits": lambda logits, *noise: (
                by_hand.gumbel_softmax(softmax(logits), *noise)),
            "the temperature is squared": _gumbel(over=lambda logits, gumbel, t: (logits + gumbel) / t**2),
            "y is not normalized: each row must have the sum 1": _gumbel(soft=np.exp),
            "y is the softmax over the examples; it is over the K values": _gumbel(soft=lambda a: softmax(a, axis=0)),
            "y is the logarithm of the softmax": _gumbel(soft=lambda a: np.log(softmax(a))),
            "y is the scores, without a softmax": _gumbel(soft=lambda a: a),
            "y is a choice; only z is one": _gumbel(soft=lambda a: by_hand.chosen(a.argmax(axis=-1), a.shape[1])),
            "z is the number of the value; one-hot rows are wanted": _gumbel(
                hard=lambda scores, y: scores.argmax(axis=-1)),
            "z is y; it is to be one-hot": _gumbel(hard=lambda scores, y: y),
            "the two are exchanged: z comes first": lambda *args: by_hand.gumbel_softmax(*args)[::-1],
            "z is 1 where the scores are least": _gumbel(
                hard=lambda scores, y: by_hand.chosen(scores.argmin(axis=-1), scores.shape[1])),
            "z is the largest of each column; for each row one is wanted": _gumbel(
                hard=lambda scores, y: (scores == scores.max(axis=0)).astype(float)),
            "z is 1 where y is above one half, which may be nowhere in a row": _gumbel(
                hard=lambda scores, y: (y > 0.5).astype(float)),
        },
    ),
    Exercise(
        "21.7",
        "gumbel_softmax_backward",
        "dlogits",
        draws.relaxed,
        by_hand.gumbel_softmax_backward,
        value=_of_y,
        hints=(
            "In 21.5 the numbers f did not depend on the logits, and what was differentiated was sum_k p_k f_k. Which "
            "numbers stand in the place of f and of p here?",
            "The softmax gets (logits + gumbel) / temperature: the chain rule brings one more factor.",
        ),
        slips={
            "the temperature is missing: the softmax gets logits / temperature": _relax(over=lambda t: 1),
            "multiplied with the temperature; divided is wanted": _relax(over=lambda t: 1 / t),
            "divided by the temperature twice": _relax(over=np.square),
            "the average of dy is not subtracted": _relax(mean=lambda y, dy: 0),
            "the plain mean of dy is subtracted; it is the one weighted with y": _relax(
                mean=lambda y, dy: dy.mean(axis=-1, keepdims=True)),
            "the sum of dy is subtracted; each is weighted with its y": _relax(mean=lambda y, dy: last(dy)),
            "y is missing in front": _relax(weight=np.ones_like),
            "only the derivative of y_k in its own logit": _relax(mean=lambda y, dy: 0, weight=lambda y: y * (1 - y)),
            "y (1 - y) is in front; it is y": _relax(weight=lambda y: y * (1 - y)),
            "y is squared in front": _relax(weight=np.square),
            "the other way around: the sign is wrong": _relax(sign=-1),
            "the average is added, not subtracted": _relax(mean=lambda y, dy: -last(y * dy)),
            "the average is over all examples as well": _relax(mean=lambda y, dy: (y * dy).sum()),
            "the average is over the examples; it is over the K values": _relax(
                mean=lambda y, dy: (y * dy).sum(axis=0)),
            "a softmax of y: y is one already": _relax(weight=softmax, mean=lambda y, dy: last(softmax(y) * dy)),
            "only the average is divided by the temperature": lambda dy, y, t: y * dy - y * last(y * dy) / t,
            "the average is not divided by the temperature": lambda dy, y, t: y * dy / t - y * last(y * dy),
            "that is dy as it is": lambda dy, y, temperature: dy,
            "y is missing in front of the average": lambda dy, y, temperature: (y * dy - last(y * dy)) / temperature,
            "the derivative of the numerator is missing": lambda dy, y, t: -y * last(y * dy) / t,
            "averaged over the examples; the sum is wanted": _relax(total=lambda a: a / len(a)),
            "summed over the examples: a number per logit is wanted": _relax(total=lambda a: a.sum(axis=0)),
        },
    ),
)  # fmt: skip

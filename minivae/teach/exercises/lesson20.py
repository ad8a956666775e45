"""Exercises of lesson 20: a condition beside x and z, the way back between the nets, classes that are summed out."""

from functools import partial

import numpy as np

from ...numeric import sigmoid
from ..exercise import Exercise
from . import labels_by_hand as by_hand
from . import labels_draws as draws
from .codes_by_hand import last, softmax
from .labels_by_hand import hot, log_softmax


def _beside(part=None, where=-1):
    """Another thing in the place of the one-hot rows, and another order."""

    def answer(x, y, C):
        columns = hot(y, C) if part is None else part(y, C)
        return np.concatenate([x, columns][::-where], axis=1)

    return answer


_latent, _u = partial(partial, by_hand.latent_variant), partial(partial, by_hand.class_bound_variant)
_u_back, _m2 = partial(partial, by_hand.class_bound_backward_variant), partial(partial, by_hand.m2_variant)
_m2_back = partial(partial, by_hand.m2_backward_variant)

EXERCISES = (
    Exercise(
        "20.1",
        "beside",
        "given",
        draws.with_classes,
        by_hand.beside,
        hints=(
            "np.eye(C) has a 1 in column k of row k. Which of its rows belongs to an example of class y?",
            "np.eye(C)[y] is (N, C). np.concatenate([a, b], axis=1) puts b to the right of a.",
        ),
        slips={
            "y comes behind x, not before it": _beside(where=1),
            "y is one column of class numbers: class 6 is not twice class 3, so one-hot rows are wanted": _beside(
                lambda y, C: y[:, None]),
            "the classes are counted in y: C says how many there are, also where the last one is missing": _beside(
                lambda y, C: hot(y, y.max() + 1)),
            "the 1 is one column too far to the right: classes start from 0": _beside(
                lambda y, C: np.roll(hot(y, C), 1, axis=1)),
            "the 1 is one column too far to the left: classes start from 0": _beside(
                lambda y, C: np.roll(hot(y, C), -1, axis=1)),
            "that are the one-hot rows alone; x is missing": lambda x, y, C: hot(y, C),
            "0 where the class is, and 1 elsewhere": _beside(lambda y, C: 1 - hot(y, C)),
            "the number of the class stands where a 1 should": _beside(lambda y, C: hot(y, C) * y[:, None]),
            "ones up to the class: only its own column is 1": _beside(
                lambda y, C: (np.arange(C) <= y[:, None]).astype(float)),
            "whole columns are 1, those of all classes that are in y; each row has one 1": _beside(
                lambda y, C: np.tile(hot(y, C).max(axis=0), (len(y), 1))),
            "all rows have the class of the first": _beside(lambda y, C: hot(0 * y + y[0], C)),
            "the one-hot rows are divided by C": _beside(lambda y, C: hot(y, C) / C),
            "the columns of the classes are 0": _beside(lambda y, C: 0 * hot(y, C)),
        },
    ),
    Exercise(
        "20.2",
        "latent_backward",
        "dmu, dlog_var",
        draws.between,
        by_hand.latent_backward,
        value=by_hand.latent_loss,
        hints=(
            "L is the number of columns of mu. Which columns of dgiven are those of z?",
            "From z: dmu gets dz, dlog_var gets dz eps std / 2 with std = exp(log_var / 2).",
            "From the KL of each example, times its weight: mu, and (exp(log_var) - 1) / 2. weight[:, None] is (N, 1).",
        ),
        slips={
            "the last columns of dgiven are taken: z is in front, y behind it": _latent(cut=lambda g, L: g[:, -L:]),
            "the reconstruction is missing: only the KL is there": _latent(through=0),
            "the reconstruction has the wrong sign: dgiven is of the loss already": _latent(through=-1),
            "the KL is missing in both": _latent(kl=0),
            "the KL has the wrong sign": _latent(kl=-1),
            "the KL is not weighed": _latent(weigh=lambda w: 1),
            "the KL has the mean weight; each example has its own": _latent(weigh=np.mean),
            "the KL is divided by N as well: that is in weight": _latent(weigh=lambda w: w[:, None] / len(w)),
            "the reconstruction is weighed as well: dgiven has its weight already": lambda dgiven, w, *rest: (
                by_hand.latent_backward(dgiven * w[:, None], w, *rest)),
            "the KL is missing in dmu": _latent(kl_mu=0),
            "the KL in dmu is twice mu: the slope of mu^2 / 2 is mu": _latent(kl_mu=2),
            "the KL in dmu is half of mu: the slope of mu^2 / 2 is mu": _latent(kl_mu=0.5),
            "the KL in dmu is mu^2: its slope is wanted": by_hand.mu_squared,
            "the KL itself stands in dlog_var: its slope is wanted": by_hand.kl_for_its_slope,
            "dlog_var is the gradient in std: std = exp(log_var / 2) is between": by_hand.in_std,
            "the KL is divided by the number of latents: it is a sum over them": lambda dgiven, w, mu, *rest: (
                by_hand.latent_backward(dgiven, w / mu.shape[1], mu, *rest)),
            "the KL is divided by N, and weight is not used: each example has its own": _latent(
                weigh=lambda w: 1 / len(w)),
            "the half of std = exp(log_var / 2) is missing": _latent(half=1),
            "eps is missing in dlog_var": _latent(noise=1),
            "std is missing in dlog_var": _latent(std=np.ones_like),
            "variance for standard deviation: std is exp(log_var / 2)": _latent(std=np.exp),
            "log_var is used where std should be": _latent(std=lambda a: a),
            "the -1 of the KL is missing": _latent(one=0),
            "the half of the KL is missing in dlog_var": _latent(half_kl=1),
            "std stands in the KL where the variance should": _latent(var=lambda a: np.exp(a / 2)),
            "the two are exchanged: dmu comes first": lambda *args: by_hand.latent_backward(*args)[::-1],
        },
    ),
    Exercise(
        "20.3",
        "class_bound",
        "bound",
        draws.bounds,
        by_hand.class_bound,
        points=2,
        hints=(
            "Lesson 7: log p(x) is at least E_q[log p(x, z) - log q(z)]. Here y is the latent, and E_q a sum over C.",
            "Which q is it, and is b_y above or below the log p(x, y) that it stands for?",
            "log q is the logits less the logarithm of the sum of their exponentials.",
        ),
        slips={
            "the entropy of q is missing: -log q(y|x) belongs into the average": _u(entropy=0),
            "the entropy of q has the wrong sign: log q is subtracted": _u(entropy=-1),
            "that is log sum exp of the bounds, the largest over all q; here q is given": lambda logits, bounds: (
                np.log(np.exp(bounds).sum(axis=1))),
            "that is the largest bound of each example; the average under q is wanted": lambda logits, bounds: (
                bounds.max(axis=1)),
            "that is the bound of the class that q holds for likeliest; the average under q is wanted":
                lambda logits, bounds: bounds[np.arange(len(bounds)), logits.argmax(axis=1)],
            "all classes weigh the same; q gives the weights": _u(weight=lambda q: 1 / q.shape[1]),
            "the classes are not weighed with q: a sum of all of them": _u(weight=lambda q: 1),
            "the logits are taken for log q: their softmax must be taken": _u(log_q=lambda a: a),
            "the logits are taken for q: their softmax must be taken": _u(q=lambda a: a),
            "exp(logits) is not divided by its sum": _u(q=np.exp),
            "softmax over the examples; it is over the classes": _u(q=lambda a: softmax(a, axis=0)),
            "softmax over the examples, in q and in log q: it is over the classes": _u(
                q=lambda a: softmax(a, axis=0), log_q=lambda a: np.log(softmax(a, axis=0))),
            "softmax over everything; it is over the classes of each example": _u(
                q=by_hand.softmax_of_all, log_q=lambda a: np.log(by_hand.softmax_of_all(a))),
            "a sigmoid of each logit; q is their softmax": _u(q=sigmoid, log_q=lambda a: np.log(sigmoid(a))),
            "in bits: nats have the natural logarithm": _u(log_q=lambda a: np.log2(softmax(a))),
            "that is the logarithm of an average of e^b; with y as a latent log q stands in the average":
                lambda logits, bounds: np.log((softmax(logits) * np.exp(bounds)).sum(axis=1)),
            "-log q is added up without q in front: the entropy is an average": lambda logits, bounds: (
                (softmax(logits) * bounds - log_softmax(logits)).sum(axis=1)),
            "the bounds are added up without q in front: both parts are averages": lambda logits, bounds: (
                (bounds - softmax(logits) * log_softmax(logits)).sum(axis=1)),
            "q where log q should be": _u(log_q=softmax),
            "averaged over the classes; the sum is wanted": _u(total=lambda a: a.mean(axis=1)),
            "summed over the examples; one number per example is wanted": _u(total=lambda a: a.sum(axis=0)),
            "one number for all examples; one per example is wanted": _u(total=np.sum),
            "one number per class; the sum over the classes is wanted": _u(total=lambda a: a),
            "that is U, the loss; the bound has the other sign": _u(sign=-1),
            "log C is subtracted once more: log p(y) is in each bound already": lambda logits, bounds: (
                by_hand.class_bound(logits, bounds) - np.log(bounds.shape[1])),
            "that is the entropy of q alone": lambda logits, bounds: by_hand.class_bound(logits, 0 * bounds),
        },
    ),
    Exercise(
        "20.4",
        "class_bound_backward",
        "dlogits, dbounds",
        draws.bounds,
        by_hand.class_bound_backward,
        value=lambda logits, bounds: by_hand.class_bound(logits, bounds).sum(),
        points=2,
        hints=(
            "A bound b_y is in one term only, and linear there.",
            "The derivative of q_y in the logit l_c is q_y (1 if y = c else 0) - q_y q_c. What does each q_y multiply?",
            "log q_y depends on the logits as well. Its part is the sum of q_y times the slope of log q_y. Compute it: "
            "q times the slope of log q is the slope of q, and all q together are 1.",
        ),
        slips={
            "the average is not subtracted in dlogits": _u_back(mean=lambda q, v: 0),
            "the plain mean is subtracted in dlogits; it is the one weighted with q": _u_back(
                mean=lambda q, v: v.mean(axis=1, keepdims=True)),
            "the entropy is missing in dlogits": _u_back(entropy=0),
            "the entropy has the wrong sign in dlogits": _u_back(entropy=-1),
            "an extra -1, or -q, in dlogits: q times the slope of log q adds up to 0": lambda logits, bounds: (
                by_hand.class_bound_backward(logits, bounds)[0] - softmax(logits), softmax(logits)),
            "q is missing in front in dlogits": _u_back(weight=np.ones_like),
            "q (1 - q) is in front in dlogits: the derivatives of the other q make the average": _u_back(
                weight=lambda q: q * (1 - q)),
            "only the derivative of q_y in its own logit": _u_back(weight=lambda q: q * (1 - q), mean=lambda q, v: 0),
            "those are the derivatives in q; the logits are wanted": lambda logits, bounds: (
                bounds - log_softmax(logits) - 1, softmax(logits)),
            "the average is added in dlogits": _u_back(mean=lambda q, v: -last(q * v)),
            "the average is over all examples as well": _u_back(mean=lambda q, v: (q * v).sum()),
            "the signs are those of U, the loss": _u_back(sign=-1),
            "softmax over the examples; it is over the classes": _u_back(
                q=lambda a: softmax(a, axis=0), log_q=lambda a: np.log(softmax(a, axis=0))),
            "softmax over everything; it is over the classes of each example": _u_back(
                q=by_hand.softmax_of_all, log_q=lambda a: np.log(by_hand.softmax_of_all(a))),
            "the average of b is subtracted in dlogits, without its entropy": lambda logits, bounds: (
                by_hand.class_bound_backward_variant(
                    logits, bounds, mean=lambda q, v: last(q * bounds))),
            "the average of v is subtracted from b in dlogits: log q is missing there": lambda logits, bounds: (
                by_hand.class_bound_backward_variant(
                    logits, bounds, entropy=0, mean=lambda q, v: last(q * (bounds - log_softmax(logits))))),
            "the average is forgotten in dlogits, and -1 stands there: the slope of log q adds up to 0": _u_back(
                mean=lambda q, v: 1),
            "exp(logits) is not divided by its sum": _u_back(q=np.exp),
            "dbounds is 1: each bound is multiplied with its q": _u_back(dbounds=np.ones_like),
            "dbounds is 1 / C: the weights are q": _u_back(dbounds=lambda q: np.full_like(q, 1 / q.shape[1])),
            "dbounds is 1 for the likeliest class: all are summed out": _u_back(
                dbounds=lambda q: hot(q.argmax(axis=1), q.shape[1])),
            "dbounds is q (b - log q): the derivative in b is wanted": lambda logits, bounds: (
                by_hand.class_bound_backward(logits, bounds)[0],
                softmax(logits) * (bounds - log_softmax(logits))),
            "dbounds is the softmax of the bounds; the weights are those of the logits": lambda logits, bounds: (
                by_hand.class_bound_backward(logits, bounds)[0], softmax(bounds)),
            "dbounds is q log q": _u_back(dbounds=lambda q: q * np.log(q)),
            "averaged over the examples; the sum is wanted": _u_back(total=lambda a: a / len(a)),
            "summed over the examples: a number per class of each is wanted": _u_back(total=lambda a: a.sum(axis=0)),
        },
    ),
    Exercise(
        "20.5",
        "m2_loss",
        "loss",
        draws.few_labels,
        by_hand.m2_loss,
        hints=(
            "known = y >= 0. Rows with a label give bounds[n, y[n]], the others class_bound.",
            "bounds[known, y[known]] picks one number per row with a label. In NumPy, y = -1 picks the last column.",
            "Both go into one sum, which is divided by N and has a minus. The last part is a mean over the rows with "
            "labels alone.",
        ),
        slips={
            "rows without a label take the last class: y = -1 is the last column to NumPy": _m2(
                bound=lambda logits, bounds: bounds[:, -1]),
            "rows with a label get the bound of the others as well": lambda bounds, logits, y, alpha: (
                by_hand.m2_loss(bounds, logits, y, alpha)
                - ((y >= 0) * by_hand.class_bound(logits, bounds)).mean()),
            "all classes are summed out for rows with a label as well: there the class is known":
                lambda bounds, logits, y, alpha: by_hand.m2_variant(bounds, logits, y, alpha, known_bound=0) - (
                    (y >= 0) * by_hand.class_bound(logits, bounds)).mean(),
            "class 0 is taken for no label: that is -1": by_hand.none_for_zero(by_hand.m2_loss),
            "the rows without a label have the sign of U; the bound is -U": _m2(unknown_bound=-1),
            "the part of the labels is a mean over all rows: y = -1 is the last column to NumPy": partial(
                by_hand.label_part_of_all, over=len),
            "the part of the labels is a sum over all rows: y = -1 is the last column to NumPy": partial(
                by_hand.label_part_of_all, over=lambda known: known.sum()),
            "the largest bound stands in the rows without a label": _m2(
                bound=lambda logits, bounds: bounds.max(axis=1)),
            "log sum exp of the bounds stands in the rows without a label: q is given": _m2(
                bound=lambda logits, bounds: np.log(np.exp(bounds).sum(axis=1))),
            "rows with a label get -log q beside b: there the class is known": lambda bounds, logits, y, alpha: (
                by_hand.m2_loss(bounds, logits, y, alpha)
                + (hot(y, bounds.shape[1]) * log_softmax(logits)).sum() / len(y)),
            "q is in front of b in rows with a label: there the class is known": lambda bounds, logits, y, alpha: (
                by_hand.m2_loss(bounds, logits, y, alpha)
                + (hot(y, bounds.shape[1]) * bounds * (1 - softmax(logits))).sum() / len(y)),
            "alpha multiplies everything; it belongs to the part of the labels": lambda bounds, logits, y, alpha: (
                alpha * by_hand.m2_loss(bounds, logits, y, 1)),
            "the bounds of rows with a label are divided by their number; N is wanted": _m2(
                parts=lambda a, b, known: -a.sum() / known.sum() - b.sum() / len(known)),
            "rows without a label are left out": _m2(unknown_bound=0),
            "rows with a label are left out of the bound": _m2(known_bound=0),
            "the part of the labels, with alpha, is missing": _m2(labels=0),
            "alpha is missing": _m2(weight=lambda alpha: 1),
            "the part of the labels has the wrong sign: -log q is to fall": _m2(label_sign=1),
            "the bound has the wrong sign: a loss is its negative": _m2(sign=1),
            "the part of the labels is divided by N, not by the number of labels": _m2(label_over=len),
            "the part of the labels is a sum; their mean is wanted": _m2(label_over=lambda known: 1),
            "the bounds are summed; their mean over all rows is wanted": _m2(over=lambda known: 1),
            "everything is a sum; means are wanted": _m2(over=lambda known: 1, label_over=lambda known: 1),
            "the bounds are divided by the number of labels; N is wanted": _m2(over=np.sum),
            "two means, one of the rows with labels and one of the others; one mean of all is wanted": _m2(
                parts=lambda a, b, known: -a.sum() / known.sum() - b.sum() / (1 - known).sum()),
            "the entropy of q is missing in the rows without a label": _m2(
                bound=partial(by_hand.class_bound_variant, entropy=0)),
            "the logits are taken for log q": _m2(log_q=lambda a: a),
            "q where log q should be": _m2(log_q=softmax),
        },
    ),
    Exercise(
        "20.6",
        "m2_backward",
        "dlogits, dbounds",
        draws.few_labels,
        by_hand.m2_backward,
        value=by_hand.m2_loss,
        points=2,
        hints=(
            "Start from class_bound_backward for all rows. Which rows keep it, and what stands in the others?",
            "dbounds is -1 / N times one-hot rows, or times q. dlogits of a row with a label has the last part alone.",
            "The slope of -log q_y in the logits is q less the one-hot row of y.",
        ),
        slips={
            "dlogits of rows with a label has the slope of the class bound as well: there no class is summed out":
                _m2_back(u_known=1),
            "the part of the labels is missing in dlogits": _m2_back(labels=0),
            "the class bound is missing in dlogits": _m2_back(unknown=0),
            "the part of the labels has the wrong sign: q less one-hot": _m2_back(label_sign=-1),
            "alpha is missing": _m2_back(weight=lambda alpha: 1),
            "class 0 is taken for no label: that is -1": by_hand.none_for_zero(by_hand.m2_backward),
            "alpha multiplies everything; it belongs to the part of the labels": lambda bounds, logits, y, alpha: (
                tuple(alpha * d for d in by_hand.m2_backward(bounds, logits, y, 1))),
            "the average is not subtracted in dlogits of rows without a label": _m2_back(mean=lambda q, v: 0),
            "the one-hot row is not subtracted in the part of the labels": _m2_back(
                label=lambda q, wanted, known: known * q),
            "the part of the labels moves the logit of its class alone: the others get q": _m2_back(
                label=lambda q, wanted, known: wanted * (q - 1)),
            "1 is subtracted for all classes in the part of the labels, not for y alone": _m2_back(
                label=lambda q, wanted, known: known * (q - 1)),
            "the part of the labels has a sigmoid; q is the softmax": lambda bounds, logits, y, alpha: (
                by_hand.m2_backward_variant(bounds, logits, y, alpha, label=lambda q, wanted, known: (
                    known * sigmoid(logits) - wanted))),
            "-1 / q is the slope of -log q in q; the logits are wanted": _m2_back(
                label=lambda q, wanted, known: -wanted / q),
            "dbounds of rows with a label is divided by their number; N is wanted": _m2_back(
                of_known=lambda wanted, q: wanted * len(q) / wanted.sum()),
            "dbounds of rows with a label has alpha: that is in the part of the labels alone":
                lambda bounds, logits, y, alpha: by_hand.m2_backward_variant(
                    bounds, logits, y, alpha, of_known=lambda wanted, q: alpha * wanted),
            "dbounds of rows with a label is that of all classes: only its own counts": _m2_back(
                of_known=lambda wanted, q: np.ones_like(q)),
            "dbounds of rows with a label holds q as well": _m2_back(of_known=lambda wanted, q: wanted + q),
            "dbounds of rows without a label has the wrong sign": _m2_back(of_unknown=lambda q: -q),
            "alpha is squared": _m2_back(weight=np.square),
            "the part of the labels is divided by N, not by the number of labels": _m2_back(label_over=len),
            "the part of the labels is not divided by the number of labels": _m2_back(label_over=lambda known: 1),
            "what comes from the bounds is not divided by N": _m2_back(over=lambda known: 1),
            "what comes from the bounds is divided by the number of labels; N is wanted": _m2_back(over=np.sum),
            "what comes from the bounds has the sign of the bound; the loss is its negative": _m2_back(sign=1),
            "the class bound has the wrong sign in dlogits": _m2_back(unknown=-1),
            "the entropy is missing in dlogits": _m2_back(entropy=0),
            "dbounds of rows with a label is q; there the class is known": _m2_back(of_known=lambda wanted, q: q),
            "dbounds of rows with a label is 0": _m2_back(of_known=lambda wanted, q: 0 * q),
            "dbounds of rows without a label is 0": _m2_back(of_unknown=lambda q: 0 * q),
            "dbounds of rows without a label is that of the last class: y = -1 is the last column to NumPy": _m2_back(
                of_unknown=lambda q: hot(np.full(len(q), q.shape[1] - 1), q.shape[1])),
            "rows without a label have q in the part of the labels: they are not in it": _m2_back(
                label=lambda q, wanted, known: q - wanted),
            "rows without a label are trained to the last class: y = -1 is the last column to NumPy": _m2_back(
                label=lambda q, wanted, known: q - wanted - (1 - known) * hot(
                    np.full(len(q), q.shape[1] - 1), q.shape[1])),
            "the part of the labels is the one-hot row alone: q is missing": _m2_back(
                label=lambda q, wanted, known: -wanted),
        },
    ),
)  # fmt: skip

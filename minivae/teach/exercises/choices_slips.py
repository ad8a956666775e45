"""What goes wrong in exercises 21.5 to 21.7: {number: {a mistake in words: who makes it}}."""

from functools import partial

import numpy as np

from . import codes_by_hand as by_hand
from .codes_by_hand import last, softmax

_exact, _gumbel = partial(partial, by_hand.exact_variant), partial(partial, by_hand.gumbel_variant)
_relax = partial(partial, by_hand.gumbel_backward_variant)


def _with_p(logits, f, gradient):
    p = softmax(logits)
    return gradient(p, f, last(p * f))


def _shares(weight):
    return weight / last(weight)


def _y_of(y):
    """z is right; y is made of the scores and the temperature."""
    return lambda logits, gumbel, t: (by_hand.gumbel_softmax(logits, gumbel, t)[0], y(logits + gumbel, t))


CHOICES = {
    "21.5": {
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
        "p is not normalized in front: exp(l) must be divided by its sum": lambda logits, f: _with_p(
            logits, f, lambda p, f, E: np.exp(logits) * (f - E)),
        "p is not normalized in the average: exp(l) must be divided by its sum": lambda logits, f: _with_p(
            logits, f, lambda p, f, E: p * (f - last(np.exp(logits) * f))),
        "exp of large logits overflows: the softmax that is given subtracts the largest of a row first": _exact(
            p=lambda logits: _shares(np.exp(logits))),
        "the largest of all examples is subtracted; with large logits each row needs its own": _exact(
            p=lambda logits: _shares(np.exp(logits - logits.max()))),
        "logits and f are exchanged: logits come first": lambda logits, f: by_hand.exact_gradient(f, logits),
        "the mean of the other f is subtracted; it is the average of all, weighted with p": _exact(
            mean=lambda p, f: (last(f) - f) / (f.shape[-1] - 1)),
        "the average over the other values is subtracted; it is E, over all": _exact(
            mean=lambda p, f: (last(p * f) - p * f) / (1 - p)),
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
        "exponentials are divided by their sum over all examples": _exact(
            p=lambda logits: np.exp(logits) / np.exp(logits).sum()),
        "p is squared in front of the average": lambda logits, f: _with_p(logits, f, lambda p, f, E: p * f - p**2 * E),
        "p is squared in front of the sum of f: that sum has weights, and they are in E": lambda logits, f: _with_p(
            logits, f, lambda p, f, E: p * f - p**2 * last(f)),
        "the own term is left out of the average; the derivative of S brings it as well": lambda logits, f: _with_p(
            logits, f, lambda p, f, E: p * (f - (E - p * f))),
        "1 - p is in front; p f is the term of E, and its p has a derivative": lambda logits, f: _with_p(
            logits, f, lambda p, f, E: f * (1 - p)),
        "E and p are exchanged": lambda logits, f: _with_p(logits, f, lambda p, f, E: E * (f - p)),
        "log p is in front; it is p": _exact(weight=np.log),
        "the softmax of f is taken; it is that of the logits": lambda logits, f: by_hand.exact_gradient(f, f),
        "a sigmoid for each logit; they share one softmax": lambda logits, f: (
            (lambda p: p * (1 - p) * f)(1 / (1 + np.exp(-logits)))),
        "p less f: that is the gradient of another loss, with f for the target": lambda logits, f: softmax(logits) - f,
        "that is the sum of all E, a number; its derivatives are wanted": lambda logits, f: (softmax(logits) * f).sum(),
    },
    "21.6": {
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
        "z is 1 at the largest of all scores; for each row one is wanted": _gumbel(
            hard=lambda scores, y: (scores == scores.max()).astype(float)),
        "z is the largest of each column; for each row one is wanted": _gumbel(
            hard=lambda scores, y: (scores == scores.max(axis=0)).astype(float)),
        "z is 1 where y is above one half, which may be nowhere in a row": _gumbel(
            hard=lambda scores, y: (y > 0.5).astype(float)),
        "the softmax is divided by the temperature; its scores are to be": _y_of(lambda s, t: softmax(s) / t),
        "a softmax twice": _y_of(lambda s, t: softmax(softmax(s) / t)),
        "exponentials are divided by their sum over all examples": _y_of(
            lambda s, t: np.exp(s / t) / np.exp(s / t).sum()),
        "scores are divided by the largest; it may be subtracted": _y_of(
            lambda s, t: softmax(s / t / (s / t).max(axis=-1, keepdims=True))),
        "exponentials of a low temperature overflow: the softmax above subtracts the largest of a row first": _y_of(
            lambda s, t: _shares(np.exp(s / t))),
        "the largest of all examples is subtracted; at a low temperature each row needs its own": _y_of(
            lambda s, t: _shares(np.exp((s - s.max()) / t))),
        "nan_to_num hides that exponentials of a low temperature overflow: the largest of a row is to be subtracted": (
            _y_of(lambda s, t: np.nan_to_num(_shares(np.exp(s / t))))),
        "the mean of a row is subtracted: at a low temperature that does not keep exponentials from overflow": _y_of(
            lambda s, t: _shares(np.exp((s - s.mean(axis=-1, keepdims=True)) / t))),
        "the largest logit is subtracted; the largest of logits + gumbel is to be": lambda logits, gumbel, t: (
            by_hand.gumbel_softmax(logits, gumbel, t)[0],
            _shares(
                np.exp((logits + gumbel - logits.max(axis=-1, keepdims=True)) / t))),
        "the largest of each column is subtracted; each row needs its own": _y_of(
            lambda s, t: _shares(np.exp((s - s.max(axis=0)) / t))),
        "powers of the softmax underflow at a low temperature: its scores are to be divided": _y_of(
            lambda s, t: _shares(softmax(s) ** (1 / t))),
        "scores are cut off at 700, so that large ones are alike; the largest of a row is to be subtracted": _y_of(
            lambda s, t: softmax(np.minimum(s / t, 700))),
        "scores are cut off at 50, so that large ones are alike; the largest of a row is to be subtracted": _y_of(
            lambda s, t: softmax(np.minimum(s / t, 50))),
        "the temperature is held at 0.1; it may be lower": _y_of(lambda s, t: softmax(s / max(t, 0.1))),
        "the temperature is held at 0.01; it may be lower": _y_of(lambda s, t: softmax(s / max(t, 0.01))),
        "y is not normalized, only its largest subtracted: each row must have the sum 1": _y_of(
            lambda s, t: np.exp((s - s.max(axis=-1, keepdims=True)) / t)),
        "the exponential is missing in y": _y_of(lambda s, t: s / last(s)),
        "z is chosen by logits / temperature + gumbel; the temperature is for y": lambda logits, gumbel, t: (
            by_hand.gumbel_softmax(logits / t, gumbel, t)[0], by_hand.gumbel_softmax(logits, gumbel, t)[1]),
        "z is chosen by gumbel / temperature + logits; the temperature is for y": lambda logits, gumbel, t: (
            by_hand.gumbel_softmax(logits, gumbel / t, t)[0], by_hand.gumbel_softmax(logits, gumbel, t)[1]),
        "z is 1 in every column that some row chose: each row has one of its own": _gumbel(
            hard=lambda scores, y: 0 * scores + by_hand.chosen(scores.argmax(axis=-1), scores.shape[1]).max(axis=0)),
        "z is the logit itself; a 1 is wanted there": lambda logits, gumbel, t: (
            lambda z, y: (z * logits, y))(*by_hand.gumbel_softmax(logits, gumbel, t)),
        "the noise is multiplied with the logits; it is added": lambda logits, gumbel, t: by_hand.gumbel_softmax(
            logits * gumbel, 0 * gumbel, t),
        "only the logits are divided by the temperature, in both": lambda logits, gumbel, t: by_hand.gumbel_softmax(
            logits / t + gumbel, 0 * gumbel, 1.0),
        "only the noise is divided by the temperature, in both": lambda logits, gumbel, t: by_hand.gumbel_softmax(
            logits + gumbel / t, 0 * gumbel, 1.0),
    },
    "21.7": {
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
        "divided by y, which may be 0": lambda dy, y, t: (y * dy / y * y - y * last(y * dy)) / t,
        "divided by y, in the average as well: it may be 0": lambda dy, y, t: by_hand.gumbel_softmax_backward(
            y * dy / y, y, t),
        "the own term is left out of the average": _relax(mean=lambda y, dy: last(y * dy) - y * dy),
        "averaged over the examples; the sum is wanted": _relax(total=lambda a: a / len(a)),
        "summed over the examples: a number per logit is wanted": _relax(total=lambda a: a.sum(axis=0)),
        "a softmax of y / temperature: y is one already": lambda dy, y, t: by_hand.gumbel_softmax_backward(
            dy, softmax(y / t), t),
        "the average is divided by K once more: the y have the sum 1": _relax(
            mean=lambda y, dy: (y * dy).mean(axis=-1, keepdims=True)),
        "y is divided by the temperature in the average as well": lambda dy, y, t: (
            by_hand.gumbel_softmax_backward(dy, y / t, 1)),
        "that is dy / temperature: the slopes of the softmax are missing": lambda dy, y, t: dy / t,
        "y less dy: that is the gradient of another loss, with dy for the target": lambda dy, y, t: (y - dy) / t,
        "dy and y are exchanged: y is in front, and dy less its average": lambda dy, y, t: dy * (y - last(y * y)) / t,
        "dy is in front, and y less the average: y is in front, and dy less the average": lambda dy, y, t: (
            dy * (y - last(y * dy)) / t),
    },
}  # fmt: skip

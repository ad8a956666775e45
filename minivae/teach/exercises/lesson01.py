"""Exercises of lesson 1: a dense layer, ReLU, and a chain of two layers, forward and backward."""

from functools import partial

import numpy as np

from ..exercise import Exercise
from .draws import one_of, turned


def dense_forward(x, W, b):
    return x @ W + b


def dense_backward(dy, x, W):
    return dy @ W.T, x.T @ dy, dy.sum(axis=0)


def relu_forward(a):
    return np.maximum(a, 0)


def relu_backward(dh, h):
    return dh * (h > 0)


def squared_error_backward(y, target):
    return 2 * (y - target) / len(y)


def net_backward(dy, x, W1, b1, W2, b2):
    h = relu_forward(dense_forward(x, W1, b1))
    dh, dW2, db2 = dense_backward(dy, h, W2)
    _, dW1, db1 = dense_backward(relu_backward(dh, h), x, W1)
    return dW1, db1, dW2, db2


# ---- what they are tried on


def _arrays(rng, **shapes):
    return {name: rng.standard_normal(shape) for name, shape in shapes.items()}


def _dense(rng):
    """First a transpose of W has the right shape, and is still wrong; then one example, and one output."""
    N, n_in, n_out = one_of(rng, (5, 4, 4), (1, 3, 5), (3, 6, 1))
    return _arrays(rng, x=(N, n_in), W=(n_in, n_out), b=(n_out,), dy=(N, n_out))


def _relu(rng):
    """With a number just above 0, which ReLU does not cut."""
    shape = one_of(rng, (5, 4), (3, 7), (6, 2))
    a, dh = 2 * rng.standard_normal(shape), rng.standard_normal(shape)
    a[1, 1] = 0.001
    return {"a": a, "h": relu_forward(a), "dh": dh}


def _error(rng):
    shape = one_of(rng, (5, 4), (7, 3), (6, 2))
    return _arrays(rng, y=shape, target=shape)


def _net(rng):
    """First all sizes differ; then one example, and one output."""
    N, n, m, k = one_of(rng, (6, 3, 4, 2), (1, 2, 6, 3), (5, 4, 3, 1))
    return _arrays(rng, x=(N, n), W1=(n, m), b1=(m,), W2=(m, k), b2=(k,), dy=(N, k))


# ---- the same with another part, which is a mistake that people make


def _forward(x, W, b, *, product=lambda x, W: x @ W, add=lambda y, b: y + b):
    return add(product(x, W), b)


def _backward(dy, x, W, *, upstream=lambda dy: dy, dx=lambda dy, W: dy @ W.T, dW=lambda dy, x: x.T @ dy,
              db=lambda dy: dy.sum(axis=0)):  # fmt: skip
    dy = upstream(dy)
    return dx(dy, W), dW(dy, x), db(dy)


def _returned_early(dy, x, W, *, outputs=None, inputs=None):
    """After the first example, or after some of its outputs, or inputs of these."""
    dx, dW, seen = np.zeros(x.shape), np.zeros(W.shape), np.zeros(dy.shape)
    seen[0, :outputs] = dy[0, :outputs]
    dx[:, :inputs], dW[:inputs] = (seen @ W.T)[:, :inputs], (x.T @ seen)[:inputs]
    return dx, dW, seen.sum(axis=0)


def _same_width(dW):
    """A dW that NumPy makes of x and dy only where they have one shape."""
    return partial(_backward, dW=lambda dy, x: dW(dy, x) if dy.shape == x.shape else x.T @ dy)


def _error_backward(y, target, *, error=lambda y, target: y - target, slope=lambda u: 2 * u, mean=lambda u: u / len(u),
                    after=lambda dy: dy):  # fmt: skip
    return after(mean(slope(error(y, target))))


def _net_backward(dy, x, W1, b1, W2, b2, *, bias=1, last=lambda dy, y: dy, mask=relu_backward, seen=lambda a, h, y: h,
                  into=lambda da, dy: da, first=lambda x, a, h: x, db1=lambda da, dh: da):  # fmt: skip
    a = dense_forward(x, W1, bias * b1)
    h = relu_forward(a)
    y = dense_forward(h, W2, b2)
    dy = last(dy, y)
    dh = dy @ W2.T
    da = into(mask(dh, h), dy)
    return first(x, a, h).T @ da, db1(da, dh).sum(axis=0), seen(a, h, y).T @ dy, dy.sum(axis=0)


def _stepped(dy, *arrays, rate):
    return [p - rate * g for p, g in zip(arrays[1:], net_backward(dy, *arrays), strict=True)]


EXERCISES = (
    Exercise(
        "1.1",
        "dense_forward",
        "y",
        _dense,
        dense_forward,
        hints=(
            "Write down the shapes: x (N, n_in), W (n_in, n_out), y (N, n_out). Only one product of x and W has them.",
            "b has the shape (n_out,). NumPy adds it to every row by itself.",
        ),
        slips={
            "b is missing": partial(_forward, add=lambda y, b: y),
            "b is subtracted": partial(_forward, add=lambda y, b: y - b),
            "b is multiplied with, not added": partial(_forward, add=lambda y, b: y * b),
            "b is inside the product: x (W + b) multiplies it with x": lambda x, W, b: x @ (W + b),
            "b is added to x, before the product: it belongs to the outputs": lambda x, W, b: (
                (x + b) @ W if len(b) == len(W) else dense_forward(x, W, b)),
            "each output has its own b_j, not the sum of all": partial(_forward, add=lambda y, b: y + b.sum()),
            "each output has its own b_j, not the mean of all": partial(_forward, add=lambda y, b: y + b.mean()),
            "b is added once for each input; it is there once": lambda x, W, b: x @ W + len(W) * b,
            "b is added twice; it is there once": partial(_forward, add=lambda y, b: y + b + b),
            "the product is subtracted from b, not added to it": partial(_forward, add=lambda y, b: b - y),
            "that is the mean over the inputs i; y_nj is a sum": partial(
                _forward, product=lambda x, W: x @ W / len(W)),
            "only the last input i is left: = overwrites, += adds": partial(
                _forward, product=lambda x, W: np.outer(x[:, -1], W[-1])),
            "only the last input i is left, and b is lost: = overwrites, += adds": lambda x, W, b: (
                np.outer(x[:, -1], W[-1])),
            "W is transposed: the sum in y_nj is over its first index": partial(
                _forward, product=lambda x, W: x @ turned(W)),
            "what is negative is set to 0; this layer does not do that": partial(
                _forward, add=lambda y, b: np.maximum(y + b, 0)),
            "summed over the examples as well: each has its own y": lambda x, W, b: (x @ W + b).sum(axis=0),
        },
    ),
    Exercise(
        "1.2",
        "dense_backward",
        "dx, dW, db",
        _dense,
        dense_backward,
        value=lambda x, W, b, dy: (dy * dense_forward(x, W, b)).sum(),
        points=2,
        hints=(
            "Take one entry at a time. Change W_ij by a little: which entries of y change, and by how much? Then the "
            "same with x_ni and with b_j. The folded steps below the exercise go on from here.",
            "Try it with two examples, one input and one output: the loss depends on W by both y_1 and y_2. Then add "
            "inputs and outputs.",
            "Three loops, over n, i and j, are enough: what does each product x_ni W_ij give back to x_ni and to W_ij?",
        ),
        slips={
            "W is not transposed: x_ni meets W_ij in y_nj, so the sum is over the second index of W": partial(
                _backward, dx=lambda dy, W: dy @ turned(W.T)),
            "dy and x are exchanged, which gives the transpose": partial(_backward, dW=lambda dy, x: dy.T @ x),
            "averaged over the examples: whether the loss is a mean is already in dy": partial(
                _backward, upstream=lambda dy: dy / len(dy)),
            "b_j is added in every row n, so the sum is over axis 0; that is axis 1": partial(
                _backward, db=lambda dy: dy.sum(axis=1)),
            "that sums x; b_j gets what comes back, the sum of dy": lambda dy, x, W: (
                dy @ W.T, x.T @ dy, x.sum(axis=0)),
            "dy is not summed over the examples": partial(_backward, db=lambda dy: dy),
            "that is the slope of y in b alone; what comes back is multiplied with it, and summed": partial(
                _backward, db=lambda dy: np.ones(dy.shape[1])),
            "dy is not used: the upstream gradient is missing": partial(_backward, upstream=np.ones_like),
            "dy is already the derivative of the loss: the loss's 2 and 1/N are in it": partial(
                _backward, upstream=lambda dy: 2 * dy / len(dy)),
            "only the first example is there: is the return inside the loop?": _returned_early,
            "only the first output of the first example is there: is the return inside the loops?": partial(
                _returned_early, outputs=1),
            "only the first product is there: is the return inside the innermost loop?": partial(
                _returned_early, outputs=1, inputs=1),
            "summed over the examples: each row of x has its own gradient": partial(
                _backward, dx=lambda dy, W: (dy @ W.T).sum(axis=0)),
            "every row is the sum over all examples; each row of x has its own gradient": partial(
                _backward, dx=lambda dy, W: np.tile((dy @ W.T).sum(axis=0), (len(dy), 1))),
            "the last index of x and dy is summed; it is the examples that add up": _same_width(
                lambda dy, x: x @ dy.T),
            "the last index of dy and x is summed; it is the examples that add up": _same_width(
                lambda dy, x: dy @ x.T),
            "added once for each input i, not once: is it inside the loop over i?": lambda dy, x, W: (
                dy @ W.T, x.T @ dy, len(W) * dy.sum(axis=0)),
            "the examples' parts, not yet added up": partial(_backward, dW=lambda dy, x: x[:, :, None] * dy[:, None]),
            "the last example's part alone: they add up over the examples": partial(
                _backward, dW=lambda dy, x: np.outer(x[-1], dy[-1]), db=lambda dy: dy[-1]),
            "the product of two sums over the examples; it is a sum of products": partial(
                _backward, dW=lambda dy, x: np.outer(x.sum(axis=0), dy.sum(axis=0))),
            "that is W, which is known; its gradient is asked": lambda dy, x, W: (dy @ W.T, W, dy.sum(axis=0)),
        },
    ),
    Exercise(
        "1.3",
        "relu_forward",
        "h",
        _relu,
        relu_forward,
        hints=("np.maximum compares two arrays, or an array and a number, entry by entry.",),
        slips={
            "negative numbers are mirrored, not cut": lambda a: np.abs(a),
            "that is the minimum, so what is left are the negative numbers": lambda a: np.minimum(a, 0),
            "that is where a is positive, not the value there": lambda a: (a > 0) * 1.0,
            "np.max(a, 0) is the largest along axis 0; np.maximum compares entry by entry": lambda a: np.max(a, 0),
            "that is one maximum for all entries": lambda a: a.max() * np.ones_like(a),
            "that is one number: the largest of all": lambda a: a.max(),
            "the negative numbers are kept, with the other sign; the positive ones should be": lambda a: (
                np.maximum(-a, 0)),
            "only the positive numbers are left; h has the shape of a, with 0 where a is negative": lambda a: a[a > 0],
            "negative numbers become 0; here some of each passes": lambda a: np.where(a > 0, a, 0.01 * a),
            "large numbers are cut as well; only those below 0 are": lambda a: a.clip(0, 1),
            "nothing is cut: that is a": lambda a: a,
        },
    ),
    Exercise(
        "1.4",
        "relu_backward",
        "da",
        _relu,
        relu_backward,
        value=lambda a, dh: (dh * relu_forward(a)).sum(),
        hints=(
            "Where a is positive, h = a, so a change of a passes unchanged. Where it is negative, h stays 0.",
            "h > 0 is an array of True and False; as factors they are 1 and 0.",
        ),
        slips={
            "dh is not used: that is the derivative of ReLU alone": lambda dh, h: (h > 0) * 1.0,
            "the gradient passes everywhere, also where ReLU is flat": lambda dh, h: dh,
            "the ReLU of the gradient: what decides is the sign of h, not of dh": lambda dh, h: np.maximum(dh, 0),
            "multiplied with h, not with its derivative, which is 0 or 1": lambda dh, h: dh * h,
            "dh and h are exchanged: what decides is the sign of h": lambda dh, h: h * (dh > 0),
            "the other way round: it passes where ReLU is flat, and nowhere else": lambda dh, h: dh * (h <= 0),
            "zero everywhere; if you ask where h < 0: h is never below 0": lambda dh, h: dh * (h < 0),
            "1 where h is positive, and dh where it is 0; what passes is dh, and where h is 0 nothing": lambda dh, h: (
                np.where(h > 0, 1, dh)),
            "a little passes where h is 0; ReLU is flat there": lambda dh, h: np.where(h > 0, dh, 0.01 * dh),
            "half of it passes where h is 0; there the slope 0 is taken": lambda dh, h: np.where(h > 0, dh, dh / 2),
            "dh loses its sign; it passes as it is": lambda dh, h: np.abs(dh) * (h > 0),
            "only what passes is left; da has the shape of h, with 0 where h is 0": lambda dh, h: dh[h > 0],
            "negative dh is cut as well; only h decides": lambda dh, h: np.maximum(dh, 0) * (h > 0),
            "that is h, which is known; the gradient before it is asked": lambda dh, h: h,
        },
    ),
    Exercise(
        "1.5",
        "",
        "dy",
        _error,
        squared_error_backward,
        value=lambda y, target: ((y - target) ** 2).sum() / len(y),
        hints=(
            "Only one term of the sum holds y_nj: (y_nj - target_nj)^2 / N.",
            "The derivative of u^2 is 2 u, and N is the number of rows, len(y), not of all entries.",
        ),
        slips={
            "the 2 of the square is missing": partial(_error_backward, slope=lambda u: u),
            "the sum over the examples is not divided by N": partial(_error_backward, mean=lambda u: u),
            "the 2 of the square and the division by N are both missing": partial(
                _error_backward, slope=lambda u: u, mean=lambda u: u),
            "divided by the number of outputs; the loss divides by the number of examples": partial(
                _error_backward, mean=lambda u: u / u.shape[1]),
            "divided by the number of all entries; the loss divides by the number of examples": partial(
                _error_backward, mean=lambda u: u / u.size),
            "multiplied with N; the loss is divided by it": partial(_error_backward, mean=lambda u: u * len(u)),
            "that is the loss": lambda y, target: ((y - target) ** 2).sum() / len(y),
            "summed over the examples: y_nj has a gradient of its own": partial(
                _error_backward, after=lambda dy: dy.sum(axis=0)),
            "summed over the outputs: y_nj has a gradient of its own": partial(
                _error_backward, after=lambda dy: dy.sum(axis=1)),
            "the sign: y is what changes, target is what is subtracted": partial(
                _error_backward, error=lambda y, target: target - y),
            "that is what each entry adds to the loss, not how it changes": partial(
                _error_backward, slope=lambda u: u**2),
            "that is the square of each error, not how it changes; and N is missing": lambda y, target: (
                (y - target) ** 2),
            "still squared: the derivative of u^2 is 2 u": partial(_error_backward, slope=lambda u: 2 * u**2),
            "without the sign of y - target: a y that is too small must grow": partial(
                _error_backward, error=lambda y, target: np.abs(y - target)),
            "target is not subtracted": partial(_error_backward, error=lambda y, target: y),
            "target is added; the loss subtracts it": partial(_error_backward, error=lambda y, target: y + target),
            "brackets are missing: * and / go before -": lambda y, target: 2 * y - target / len(y),
        },
    ),
    Exercise(
        "1.6",
        "net_backward",
        "dW1, db1, dW2, db2",
        _net,
        net_backward,
        value=lambda x, W1, b1, W2, b2, dy: (dy * dense_forward(relu_forward(dense_forward(x, W1, b1)), W2, b2)).sum(),
        points=2,
        hints=(
            "Write down the names from x to y: each is made from the one before it. Then go from the end, one step for "
            "each. The folded steps below the exercise do it.",
            "Compute a = x W1 + b1 and h = relu(a) first. The last dense layer takes dy and gives dh (and dW2, db2). "
            "ReLU takes dh and gives da.",
            "Each dense_backward needs the input of its own layer: the second one h, the first one x.",
        ),
        slips={
            "ReLU is left out on the way back": partial(_net_backward, mask=lambda dh, h: dh),
            "b1 is missing in the forward": partial(_net_backward, bias=0),
            "da is dh where h is positive: relu_backward takes dh first, then h": partial(
                _net_backward, mask=lambda dh, h: relu_backward(h, dh)),
            "multiplied with h, not with ReLU's slope, which is 0 or 1": partial(
                _net_backward, mask=lambda dh, h: dh * h),
            "the ReLU of the gradient: what decides is the sign of h, not of dh": partial(
                _net_backward, mask=lambda dh, h: np.maximum(dh, 0)),
            "the order is dW1, db1, dW2, db2": lambda dy, x, W1, b1, W2, b2: (
                *net_backward(dy, x, W1, b1, W2, b2)[2:], *net_backward(dy, x, W1, b1, W2, b2)[:2]),
            "the second layer's input is h, after ReLU, not a": partial(_net_backward, seen=lambda a, h, y: a),
            "those are the parameters, which are known; their gradients are asked": (
                lambda dy, x, W1, b1, W2, b2: (W1, b1, W2, b2)),
            "the second layer's input is h; y comes out of it": partial(_net_backward, seen=lambda a, h, y: y),
            "the first layer's input is x, not h": partial(_net_backward, first=lambda x, a, h: h),
            "the first layer's input is x; a comes out of it": partial(_net_backward, first=lambda x, a, h: a),
            "dy goes into both layers; the first one gets what comes back through the second": partial(
                _net_backward, into=lambda da, dy: dy),
            "there is no ReLU, neither in the forward nor on the way back": partial(
                _net_backward, mask=lambda dh, h: dh, seen=lambda a, h, y: a),
            "the other way round: it passes where ReLU is flat, and nowhere else": partial(
                _net_backward, mask=lambda dh, h: dh * (h <= 0)),
            "zero everywhere; if you ask where h < 0: h is never below 0": partial(
                _net_backward, mask=lambda dh, h: dh * (h < 0)),
            "b1 is added to a, so it gets da: after ReLU's mask": partial(_net_backward, db1=lambda da, dh: dh),
            "there is no ReLU behind the second layer": partial(_net_backward, last=relu_backward),
            "averaged over the examples: whether the loss is a mean is already in dy": partial(
                _net_backward, last=lambda dy, y: dy / len(dy)),
            "dy is already the derivative of the loss: the loss's 2 and 1/N are in it": partial(
                _net_backward, last=lambda dy, y: 2 * dy / len(dy)),
            "dy is not used: the upstream gradient is missing": partial(
                _net_backward, last=lambda dy, y: np.ones_like(dy)),
            **{f"those are the parameters after a step with the rate {rate}; their gradients are asked": partial(
                _stepped, rate=rate) for rate in (1, 0.1, 0.01)},
        },
    ),
)  # fmt: skip

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
    """First as many inputs as outputs: a transpose has the right shape, and is still wrong."""
    N, n_in, n_out = one_of(rng, (5, 4, 4), (3, 6, 2), (7, 3, 5))
    return _arrays(rng, x=(N, n_in), W=(n_in, n_out), b=(n_out,), dy=(N, n_out))


def _relu(rng):
    shape = one_of(rng, (5, 4), (3, 7), (6, 2))
    a, dh = 2 * rng.standard_normal(shape), rng.standard_normal(shape)
    return {"a": a, "h": relu_forward(a), "dh": dh}


def _error(rng):
    shape = one_of(rng, (5, 4), (7, 3), (6, 2))
    return _arrays(rng, y=shape, target=shape)


def _net(rng):
    """First as many hidden units as outputs."""
    N, n, m, k = one_of(rng, (6, 3, 4, 4), (5, 4, 3, 2), (7, 2, 6, 3))
    return _arrays(rng, x=(N, n), W1=(n, m), b1=(m,), W2=(m, k), b2=(k,), dy=(N, k))


# ---- the same with another part, which is a mistake that people make


def _forward(x, W, b, *, weights=lambda W: W, add=lambda y, b: y + b):
    return add(x @ weights(W), b)


def _backward(dy, x, W, *, upstream=lambda dy: dy, dx=lambda dy, W: dy @ W.T, dW=lambda dy, x: x.T @ dy,
              db=lambda dy: dy.sum(axis=0)):  # fmt: skip
    dy = upstream(dy)
    return dx(dy, W), dW(dy, x), db(dy)


def _net_backward(dy, x, W1, b1, W2, b2, *, bias=1, last=lambda dy, y: dy, back=lambda W: W.T, mask=relu_backward,
                  seen=lambda a, h: h, first=lambda x, h: x, db1=lambda da, dh: da):  # fmt: skip
    a = dense_forward(x, W1, bias * b1)
    h = relu_forward(a)
    dy = last(dy, dense_forward(h, W2, b2))
    dh = dy @ back(W2)
    da = mask(dh, h)
    return first(x, h).T @ da, db1(da, dh).sum(axis=0), seen(a, h).T @ dy, dy.sum(axis=0)


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
            "W is transposed: the sum in y_nj is over its first index": partial(_forward, weights=turned),
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
            "dW_ij is a sum over n of x_ni dy_nj. That is a product of matrices: which of the two has to be transposed "
            "so that n is in the middle? Then do the same for x_ni, which is in y_nj for every j.",
            "b_j is added to row after row, so its gradient is the sum of dy over the rows, axis 0.",
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
            "the 2 of the square is missing": lambda y, target: (y - target) / len(y),
            "the sum over the examples is not divided by N": lambda y, target: 2 * (y - target),
            "the 2 of the square and the division by N are both missing": lambda y, target: y - target,
            "divided by the number of outputs; the loss divides by the number of examples": lambda y, target: (
                2 * (y - target) / y.shape[1]),
            "that is the loss": lambda y, target: ((y - target) ** 2).sum() / len(y),
            "nothing is summed: y_nj has a gradient of its own": lambda y, target: (
                2 * (y - target).sum(axis=0) / len(y)),
            "divided by the number of all entries; the loss divides by the number of examples": lambda y, target: (
                2 * (y - target) / y.size),
            "the sign: y is what changes, target is what is subtracted": lambda y, target: 2 * (target - y) / len(y),
            "that is what each entry adds to the loss, not how it changes": lambda y, target: (
                (y - target) ** 2 / len(y)),
            "still squared: the derivative of u^2 is 2 u": lambda y, target: 2 * (y - target) ** 2 / len(y),
            "without the sign of y - target: a y that is too small must grow": lambda y, target: (
                2 * np.abs(y - target) / len(y)),
            "target is not subtracted": lambda y, target: 2 * y / len(y),
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
            "the second layer's input is h, after ReLU, not a": partial(_net_backward, seen=lambda a, h: a),
            "those are the parameters, which are known; their gradients are asked": (
                lambda dy, x, W1, b1, W2, b2: (W1, b1, W2, b2)),
            "the first layer's input is x, not h": partial(_net_backward, first=lambda x, h: h),
            "W2 is not transposed on the way back": partial(_net_backward, back=lambda W: turned(W.T)),
            "b1 is added to a, so it gets da: after ReLU's mask": partial(_net_backward, db1=lambda da, dh: dh),
            "there is no ReLU behind the second layer": partial(_net_backward, last=relu_backward),
            "averaged over the examples: whether the loss is a mean is already in dy": partial(
                _net_backward, last=lambda dy, y: dy / len(dy)),
            "dy is not used: the upstream gradient is missing": partial(
                _net_backward, last=lambda dy, y: np.ones_like(dy)),
        },
    ),
)  # fmt: skip

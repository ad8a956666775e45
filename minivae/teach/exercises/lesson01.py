"""Exercises of lesson 1: a dense layer, ReLU, and a chain of two layers, forward and backward."""

import numpy as np

from ..exercise import Exercise


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


def _dense(rng):
    N, n_in, n_out = rng.integers(3, 7, 3)
    return {name: rng.standard_normal(shape) for name, shape in (("x", (N, n_in)), ("W", (n_in, n_out)), ("b", n_out))}


def _square(rng):
    """As many inputs as outputs: a transpose has the right shape, and is still wrong."""
    return {
        name: rng.standard_normal(shape) for name, shape in (("x", (5, 4)), ("W", (4, 4)), ("b", 4), ("dy", (5, 4)))
    }


def _relu(rng):
    a = rng.standard_normal((rng.integers(3, 7), 5))
    return {"a": a, "h": relu_forward(a), "dh": rng.standard_normal(a.shape)}


def _error(rng):
    shape = rng.integers(4, 8), 3
    return {"y": rng.standard_normal(shape), "target": rng.standard_normal(shape)}


def _net(rng):
    N, n, m, k = 6, 3, 5, 2
    arrays = {"x": (N, n), "W1": (n, m), "b1": (m,), "W2": (m, k), "b2": (k,), "dy": (N, k)}
    return {name: rng.standard_normal(shape) for name, shape in arrays.items()}


def _without_mask(dy, x, W1, b1, W2, b2):
    h = relu_forward(dense_forward(x, W1, b1))
    dh, dW2, db2 = dense_backward(dy, h, W2)
    _, dW1, db1 = dense_backward(dh, x, W1)
    return dW1, db1, dW2, db2


def _before_relu(dy, x, W1, b1, W2, b2):
    a = dense_forward(x, W1, b1)
    dh, dW2, db2 = dense_backward(dy, a, W2)
    _, dW1, db1 = dense_backward(relu_backward(dh, a), x, W1)
    return dW1, db1, dW2, db2


def _exchanged(dy, x, W1, b1, W2, b2):
    h = relu_forward(dense_forward(x, W1, b1))
    dh, dW2, db2 = dense_backward(dy, h, W2)
    _, dW1, db1 = dense_backward(relu_backward(h, dh), x, W1)
    return dW1, db1, dW2, db2


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
            "b is missing": lambda x, W, b: x @ W,
            "b is subtracted": lambda x, W, b: x @ W - b,
            "b is multiplied with, not added": lambda x, W, b: x @ W * b,
            "b is inside the product: x (W + b) multiplies it with x": lambda x, W, b: x @ (W + b),
            "each output has its own b_j, not the sum of all": lambda x, W, b: x @ W + b.sum(),
        },
    ),
    Exercise(
        "1.2",
        "dense_backward",
        "dx, dW, db",
        _square,
        dense_backward,
        value=lambda x, W, b, dy: (dy * dense_forward(x, W, b)).sum(),
        hints=(
            "y_nj = sum_i x_ni W_ij + b_j. Take one entry, W_ij: it is in y_nj of every example n, times x_ni. So "
            "dW_ij is a sum over n.",
            "A sum over n of x_ni dy_nj is a product of matrices: which of the two has to be transposed so that n is "
            "in the middle? Then do the same for x_ni, which is in y_nj for every j.",
            "b_j is added to row after row, so its gradient is the sum of dy over the rows, axis 0.",
        ),
        slips={
            "W is not transposed: dx_ni = sum_j dy_nj W_ij sums over the second index of W": lambda dy, x, W: (
                dy @ W, x.T @ dy, dy.sum(axis=0)),
            "dy and x are exchanged, which gives the transpose": lambda dy, x, W: (dy @ W.T, dy.T @ x, dy.sum(axis=0)),
            "averaged over the examples: whether the loss is a mean is already in dy": lambda dy, x, W: (
                dy @ W.T / len(x), x.T @ dy / len(x), dy.mean(axis=0)),
            "b_j is added in every row n, so the sum is over axis 0; that is axis 1": lambda dy, x, W: (
                dy @ W.T, x.T @ dy, dy.sum(axis=1)),
            "that sums x; b_j gets what comes back, the sum of dy": lambda dy, x, W: (
                dy @ W.T, x.T @ dy, x.sum(axis=0)),
            "dy is not summed over the examples": lambda dy, x, W: (dy @ W.T, x.T @ dy, dy),
            "dy is not used: the upstream gradient is missing": lambda dy, x, W: (
                np.ones_like(dy) @ W.T, x.T @ np.ones_like(dy), np.ones_like(dy).sum(axis=0)),
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
            "that is one maximum for all entries": lambda a: np.maximum(a, 0).max() * np.ones_like(a),
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
            "divided by the number of outputs; the loss divides by the number of examples": lambda y, target: (
                2 * (y - target) / y.shape[1]),
            "that is the loss": lambda y, target: ((y - target) ** 2).sum() / len(y),
            "nothing is summed: y_nj has a gradient of its own": lambda y, target: (
                2 * (y - target).sum(axis=0) / len(y)),
            "divided by the number of all entries; the loss divides by the number of examples": lambda y, target: (
                2 * (y - target) / y.size),
            "the sign: y is what changes, target is what is subtracted": lambda y, target: 2 * (target - y) / len(y),
        },
    ),
    Exercise(
        "1.6",
        "net_backward",
        "dW1, db1, dW2, db2",
        _net,
        net_backward,
        value=lambda x, W1, b1, W2, b2, dy: (dy * dense_forward(relu_forward(dense_forward(x, W1, b1)), W2, b2)).sum(),
        hints=(
            "Compute what the backward needs first: a = x W1 + b1 and h = relu(a).",
            "Go from the end: the last dense layer takes dy and gives dh (and dW2, db2). ReLU takes dh and gives da.",
            "Each dense_backward needs the input of its own layer: the second one h, the first one x.",
        ),
        slips={
            "ReLU is left out on the way back": _without_mask,
            "b1 is missing in the forward": lambda dy, x, W1, b1, W2, b2: net_backward(dy, x, W1, 0 * b1, W2, b2),
            "da is dh where h is positive: relu_backward takes dh first, then h": _exchanged,
            "the order is dW1, db1, dW2, db2": lambda dy, x, W1, b1, W2, b2: (
                *net_backward(dy, x, W1, b1, W2, b2)[2:], *net_backward(dy, x, W1, b1, W2, b2)[:2]),
            "the second layer's input is h, after ReLU, not a": _before_relu,
        },
    ),
)  # fmt: skip

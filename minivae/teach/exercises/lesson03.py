"""Exercises of lesson 3: how signals grow with depth, initial weights, LayerNorm forward and backward."""

from functools import partial

import numpy as np

from ..exercise import Exercise
from .draws import one_of, turned
from .layernorm_by_hand import (
    across,
    backward,
    block,
    block_backward,
    forward,
    layernorm_backward,
    layernorm_forward,
    mean,
    mean_square,
    scales,
    through,
)


def mean_square_after(q, n, std, depth):
    return q * n * std**2 * (n * std**2 / 2) ** (depth - 1)


def initial_scales(n_in, n_out):
    return np.sqrt(6 / (n_in + n_out)), np.sqrt(2 / n_in)


# ---- what they are tried on


def _depths(rng):
    last = one_of(rng, 7, 5, 9)
    q, std = rng.uniform(0.5, 2), rng.uniform(0.05, 0.2)
    return {"q": float(q), "n": int(rng.integers(50, 200)), "std": float(std), "depth": np.arange(1, last + 1)}


def _sizes(rng):
    count = one_of(rng, 6, 4, 5)
    n_in = rng.integers(10, 500, count)
    return {"n_in": n_in, "n_out": n_in + rng.integers(1, 300, count)}


def _rows(rng):
    """tiny is so large that where it is added shows."""
    N, n = one_of(rng, (5, 6), (7, 4), (4, 8))
    return {"x": 1 + 2 * rng.standard_normal((N, n)), "gain": 1 + 0.5 * rng.standard_normal(n),
            "b": rng.standard_normal(n), "tiny": float(rng.uniform(0.1, 0.5))}  # fmt: skip


def _gradients(rng):
    """First as many examples as features, so that the axes have the same length."""
    N, n = one_of(rng, (6, 6), (5, 4), (4, 7))
    arrays = {"x": 1 + 2 * rng.standard_normal((N, n)), "gain": 1 + 0.5 * rng.standard_normal(n),
              "b": rng.standard_normal(n), "dy": rng.standard_normal((N, n))}  # fmt: skip
    _, u, s = layernorm_forward(arrays["x"], arrays["gain"], arrays["b"])
    return arrays | {"u": u, "s": s}


def _block(rng):
    """First as many inputs as outputs: a transpose has the right shape."""
    N, n_in, n = one_of(rng, (7, 5, 5), (5, 3, 6), (6, 7, 4))
    arrays = {"x": rng.standard_normal((N, n_in)), "W": rng.standard_normal((n_in, n)), "b": rng.standard_normal(n),
              "gain": 1 + 0.5 * rng.standard_normal(n), "dh": rng.standard_normal((N, n))}  # fmt: skip
    h, u, s = block(*(arrays[name] for name in ("x", "W", "gain", "b")))
    return arrays | {"h": h, "u": u, "s": s}


EXERCISES = (
    Exercise(
        "3.1",
        "mean_square_after",
        "q_a",
        _depths,
        mean_square_after,
        points=2,
        hints=(
            "One layer multiplies the mean square by a number, and the next one again. What does ReLU do with it, and "
            "where is a ReLU? The folded steps below the exercise go on from here.",
            "The first layer has no ReLU before it: its mean square is q times one factor.",
            "Each further layer multiplies by the same number, which holds the 1/2 of ReLU: depth - 1 times.",
        ),
        slips={
            "ReLU lies between two layers: the first factor has no 1/2, the others have one": partial(
                mean_square, first=0.5, half=1),
            "the first layer has its own factor, without 1/2: n std^2 is missing": lambda q, n, std, depth: (
                q * (n * std**2 / 2) ** (depth - 1)),
            "q is a mean square already": lambda q, n, std, depth: q * mean_square_after(q, n, std, depth),
            "the half that ReLU takes away is missing": partial(mean_square, half=1),
            "half of it: before the first layer is no ReLU, and it is a that counts, before its own": partial(
                mean_square, first=0.5),
            "one factor too many: the first layer is depth = 1": partial(mean_square, more=1),
            "one factor too few: the first layer has one of its own, and depth - 1 follow": partial(
                mean_square, more=-1),
            "a variance is std**2": partial(mean_square, power=1),
            "n terms are added in each output: n is missing": lambda q, n, std, depth: (
                q * std**2 * (std**2 / 2) ** (depth - 1)),
            "that is the root of the mean square": partial(mean_square, root=0.5),
            "layers multiply, they do not add": lambda q, n, std, depth: (
                q * n * std**2 * (1 + (depth - 1) * n * std**2 / 2)),
            "a factor for each layer is a power, not the factor times the number of layers": lambda q, n, std, depth: (
                q * n * std**2 * depth),
            "ReLU halves the mean square, not its root: the factor is 1/2, not 1/4": partial(mean_square, half=0.25),
            "n std^2 is a factor of every layer, not of the first alone": lambda q, n, std, depth: (
                q * n * std**2 / 2.0 ** (depth - 1)),
            "that is one layer's: the depth is not used": lambda q, n, std, depth: q * n * std**2 + 0 * depth,
        },
    ),
    Exercise(
        "3.2",
        "initial_scales",
        "xavier_bound, he_std",
        _sizes,
        initial_scales,
        around=lambda n_in, n_out: {"sizes": {}, "others": {}},
        hints=(
            "Xavier: put r^2 / 3 = 2 / (n_in + n_out) and solve for r.",
            "He: solve n_in std^2 / 2 = 1 for std.",
        ),
        slips={
            "that is the standard deviation; a uniform number between -r and r has the variance r^2 / 3": partial(
                scales, bound=lambda n, m: 2 / (n + m)),
            "the two are exchanged: xavier_bound comes first": lambda n, m: initial_scales(n, m)[::-1],
            "Xavier adds the two widths, it does not multiply them": partial(scales, bound=lambda n, m: 6 / (n * m)),
            "n_out is missing: Xavier takes the mean of both widths": partial(scales, bound=lambda n, m: 6 / n),
            "He takes n_in, not the mean of both widths": partial(scales, std=lambda n, m: 4 / (n + m)),
            "that is r^2, the root is missing": partial(scales, root=1),
            "the forward condition alone: n_out is missing": partial(scales, bound=lambda n, m: 3 / n),
            "the backward condition alone: n_in is missing": partial(scales, bound=lambda n, m: 3 / m),
            "n_in + n_out is twice the mean of both: a 2 is missing": partial(scales, bound=lambda n, m: 3 / (n + m)),
            "brackets: 6 / n + m is (6 / n) + m": partial(scales, bound=lambda n, m: 6 / n + m),
            "r is half the width of the interval: that would be right for a width, whose variance is width^2 / 12":
                partial(scales, bound=lambda n, m: 24 / (n + m)),
            "the 3 of r^2 / 3 is on the other side: r^2 is three times the variance": partial(
                scales, bound=lambda n, m: 2 / (3 * (n + m))),
            "the half of ReLU is missing": partial(scales, std=lambda n, m: 1 / n),
            "that is the variance, the root is missing": partial(scales, he_root=1),
            "that is the backward condition; an output has n_in terms": partial(scales, std=lambda n, m: 2 / m),
            "the 1/2 of ReLU belongs to the other side: std must grow to make up for it": partial(
                scales, std=lambda n, m: 0.5 / n),
            "that is Xavier's standard deviation": partial(scales, std=lambda n, m: 2 / (n + m)),
            "that is a bound of uniform numbers; He's are normal, and their standard deviation is asked": partial(
                scales, std=lambda n, m: 6 / n),
        },
    ),
    Exercise(
        "3.3",
        "layernorm_forward",
        "y, u, s",
        _rows,
        layernorm_forward,
        around=lambda x, gain, b, tiny: {"sizes": {"n": x.shape[-1]}, "others": {}},
        hints=(
            "Every row by itself: the mean over axis -1. With keepdims=True it is (N, 1) and can be subtracted from x.",
            "The variance is the mean of the squares of what is left, s = 1 / sqrt(var + tiny), and u their product.",
        ),
        slips={
            "the mean over the examples, axis 0: that is BatchNorm": partial(forward, axis=0),
            "the mean over everything: each row has its own": partial(forward, axis=(0, 1)),
            "the mean is not subtracted": partial(forward, center=0),
            "the variance with n - 1; here it is the mean square, over n": partial(
                forward, var=lambda c, axis: mean(c**2, axis) * c.shape[-1] / (c.shape[-1] - 1)),
            "the variance is the mean of the squares, not their sum": partial(
                forward, var=lambda c, axis: mean(c**2, axis) * c.shape[-1]),
            "divided by the variance, not by its root": partial(forward, s=lambda v, tiny: 1 / (v + tiny)),
            "multiplied with the standard deviation, not divided by it": partial(
                forward, s=lambda v, tiny: np.sqrt(v + tiny)),
            "tiny is added to the variance, inside the root": partial(
                forward, s=lambda v, tiny: 1 / (np.sqrt(v) + tiny)),
            "tiny is missing, or another number: it is an argument": partial(
                forward, s=lambda v, tiny: 1 / np.sqrt(v)),
            "that is the standard deviation; s is 1 over it": lambda x, gain, b, tiny: (
                lambda y, u, s: (y, u, 1 / s))(*layernorm_forward(x, gain, b, tiny)),
            "that is the variance; s is 1 over its root": lambda x, gain, b, tiny: (
                lambda y, u, s: (y, u, 1 / s**2 - tiny))(*layernorm_forward(x, gain, b, tiny)),
            "u is without gain and b: that is y": lambda x, gain, b, tiny: (
                lambda y, u, s: (y, y, s))(*layernorm_forward(x, gain, b, tiny)),
            "u is divided by the standard deviation, too: that is only centered": lambda x, gain, b, tiny: (
                lambda y, u, s: (y, u / s, s))(*layernorm_forward(x, gain, b, tiny)),
            "gain and b are missing": partial(forward, y=lambda u, gain, b: u),
            "gain times the sum: b is added last": partial(forward, y=lambda u, gain, b: gain * (u + b)),
            "b is missing": partial(forward, y=lambda u, gain, b: gain * u),
            "gain is missing": partial(forward, y=lambda u, gain, b: u + b),
        },
    ),
    Exercise(
        "3.4",
        "layernorm_backward",
        "dx, dgain, db",
        _gradients,
        layernorm_backward,
        value=lambda x, gain, b, dy: (dy * layernorm_forward(x, gain, b)[0]).sum(),
        points=2,
        around=lambda x, gain, b, dy, u, s: {
            "sizes": {"n": x.shape[-1]}, "factors": {"gain": gain, "s": s, "u": u, "dy": dy}},
        hints=(
            "Begin with y = gain u + b: gain and b serve all rows, as a bias does. Then x acts on u in three ways. The "
            "folded steps below the exercise follow them.",
            "du = dy * gain. dx is s times what is left of du when two things are removed: one comes from the mean, "
            "the other from the variance.",
            "Each of the two is built from a row mean, over axis -1 with keepdims=True: of du, and of du * u.",
        ),
        slips={
            "mean and variance are treated as constants: that is the direct way alone": partial(
                backward, first=lambda d: 0, second=lambda d, u: 0),
            "the way through the variance is missing: what lies along u is not removed": partial(
                backward, second=lambda d, u: 0),
            "the way through the mean is missing: what lies along the ones is not removed": partial(
                backward, first=lambda d: 0),
            "gain is forgotten in du": partial(backward, du=lambda dy, gain: dy),
            "the factor s of u = s (x - mean) is missing": partial(backward, power=0),
            "there is one factor s; the others went into u": partial(backward, power=2),
            "s is divided by: u = s c grows with s, and so does dx": partial(backward, power=-1),
            "gain belongs to du, inside both means": partial(
                backward, du=lambda dy, gain: dy, outer=lambda gain: gain),
            "gain is in the direct way only; the means are of du = dy gain": lambda dy, u, s, gain: (
                s * (dy * gain - mean(dy) - u * mean(dy * u)), (dy * u).sum(axis=0), dy.sum(axis=0)),
            "the way through the variance is half of what it should be: v is a square": partial(
                backward, second=lambda d, u: u * mean(d * u) / 2),
            "the way through the variance is twice what it should be: the root has a 1/2": partial(
                backward, second=lambda d, u: 2 * u * mean(d * u)),
            "the mean of du u is divided by n - 1; it is a mean over n": partial(
                backward, second=lambda d, u: u * mean(d * u) * u.shape[-1] / (u.shape[-1] - 1)),
            "the means are taken over the examples, axis 0: that is BatchNorm's": partial(
                backward, first=lambda d: mean(d, 0), second=lambda d, u: u * mean(d * u, 0)),
            "the means are taken over everything: each row has its own": partial(
                backward, first=np.mean, second=lambda d, u: u * np.mean(d * u)),
            "without keepdims=True the means of the rows are subtracted from the columns": partial(
                backward, first=across, second=lambda d, u: u * across(d * u)),
            "sums in the place of means": partial(
                backward, first=lambda d: d.shape[-1] * mean(d), second=lambda d, u: d.shape[-1] * u * mean(d * u)),
            "the second term is a number per row times u: that factor u is missing": partial(
                backward, second=lambda d, u: mean(d * u)),
            "the second mean is of du u; its factor u is missing": partial(
                backward, second=lambda d, u: u * mean(d)),
            "both terms are subtracted; the second is added": partial(
                backward, second=lambda d, u: -u * mean(d * u)),
            "both terms are subtracted; the first is added": partial(backward, first=lambda d: -mean(d)),
            "dy, not du: gain is in the forward with the slope u alone": partial(
                backward, dgain=lambda dy, u, gain: (dy * gain * u).sum(axis=0)),
            "u is missing: that is the gradient of b": partial(backward, dgain=lambda dy, u, gain: dy.sum(axis=0)),
            "gain has nothing to do with b, which is only added": partial(
                backward, db=lambda dy, gain: (dy * gain).sum(axis=0)),
            "averaged over the examples; whether the loss is a mean is already in dy": partial(
                backward, dgain=lambda dy, u, gain: (dy * u).mean(axis=0), db=lambda dy, gain: dy.mean(axis=0)),
            "summed over the features; gain and b have one number for each": partial(
                backward, dgain=lambda dy, u, gain: (dy * u).sum(axis=1), db=lambda dy, gain: dy.sum(axis=1)),
            "not summed over the examples, which share gain and b": partial(
                backward, dgain=lambda dy, u, gain: dy * u, db=lambda dy, gain: dy),
        },
    ),
    Exercise(
        "3.5",
        "block_backward",
        "dx, dW, dgain, db",
        _block,
        block_backward,
        value=lambda x, W, gain, b, dh: (dh * block(x, W, gain, b)[0]).sum(),
        around=lambda x, W, gain, b, dh, h, u, s: {"sizes": {"N": len(x), "n": u.shape[-1]}, "factors": {"s": s}},
        points=2,
        hints=(
            "Three steps, from the end: ReLU gives dy from dh and h. Your layernorm_backward gives da. The dense layer "
            "without bias gives dx and dW from da.",
            "The dense layer is that of lesson 1: a_nj = sum_i x_ni W_ij.",
        ),
        slips={
            "ReLU is left out on the way back": partial(through, mask=lambda dh, u, h: dh),
            "ReLU bends y = gain u + b, not u: where it passes, h is positive": partial(
                through, mask=lambda dh, u, h: dh * (u > 0)),
            "multiplied with h, not with ReLU's slope, which is 0 or 1": partial(through, mask=lambda dh, u, h: dh * h),
            "the ReLU of the gradient: what decides is the sign of h, not of dh": partial(
                through, mask=lambda dh, u, h: np.maximum(dh, 0)),
            "ReLU comes last, so its backward comes first": partial(
                through, mask=lambda dh, u, h: dh, late=lambda da, h: da * (h > 0)),
            "gain is left out on the way back": partial(
                through, norm=partial(backward, du=lambda dy, gain: dy)),
            "LayerNorm is left out on the way back": partial(
                through, norm=lambda dy, u, s, gain: (dy, (dy * u).sum(axis=0), dy.sum(axis=0))),
            "mean and variance are treated as constants": partial(
                through, norm=partial(backward, first=lambda d: 0, second=lambda d, u: 0)),
            "W is not transposed": partial(through, dx=lambda da, W: da @ turned(W.T)),
            "what W multiplies is the block's input x, not u": partial(through, dW=lambda da, x, u, h: u.T @ da),
            "what W multiplies is x, not the output h": partial(through, dW=lambda da, x, u, h: h.T @ da),
            "da and x are exchanged, which gives the transpose": partial(through, dW=lambda da, x, u, h: da.T @ x),
            "that stops at a: the dense layer is still to come": partial(through, dx=lambda da, W: da),
            "averaged over the examples; whether the loss is a mean is already in dh": lambda dh, *rest: (
                block_backward(dh / len(dh), *rest)),
            "dh is not used: the upstream gradient is missing": lambda dh, *rest: (
                block_backward(np.ones_like(dh), *rest)),
        },
    ),
)  # fmt: skip

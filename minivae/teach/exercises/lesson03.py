"""Exercises of lesson 3: how signals grow with depth, initial weights, LayerNorm forward and backward."""

from functools import partial

import numpy as np

from ..exercise import Exercise
from .norm_by_hand import (
    backward,
    block_backward,
    block_forward,
    forward,
    half_masked,
    initial_scales,
    layernorm_backward,
    layernorm_forward,
    mean_square,
    mean_square_after,
    scales,
    through,
)


def _depths(rng):
    """All within a power of ten, so that every entry of the answer counts."""
    n = int(rng.integers(50, 200))
    return {"q": float(rng.uniform(0.5, 2)), "n": n, "std": float((rng.uniform(1.2, 1.7) / n) ** 0.5),
            "depth": np.arange(1, rng.integers(6, 12))}  # fmt: skip


def _widths(rng):
    K = rng.integers(5, 12)
    n_in = rng.integers(10, 500, K)
    return {"n_in": n_in, "n_out": n_in + rng.integers(1, 300, K)}


def _rows(rng):
    """tiny is so large that where it is added shows."""
    N, n = 5 + rng.permutation(5)[:2]
    return {"x": 1 + 2 * rng.standard_normal((N, n)), "gain": 1 + 0.5 * rng.standard_normal(n),
            "b": rng.standard_normal(n), "tiny": float(rng.uniform(0.1, 0.5))}  # fmt: skip


def _gradients(rng):
    """s is (N, 1), one number per row."""
    arrays = _rows(rng)
    _, u, s = layernorm_forward(arrays["x"], arrays["gain"], arrays["b"])
    return arrays | {"dy": rng.standard_normal(u.shape), "u": u, "s": s}


def _block(rng):
    """Sometimes as many features out as in: then a transpose has the right shape, and is still wrong. s is (N, 1)."""
    N, n, m = 5 + rng.permutation(5)[:3]
    m = (m, n)[rng.integers(2)]
    arrays = {"x": rng.standard_normal((N, n)), "W": rng.standard_normal((n, m)), "b": rng.standard_normal(m),
              "gain": 1 + 0.5 * rng.standard_normal(m), "dh": rng.standard_normal((N, m))}  # fmt: skip
    h, u, s = block_forward(*(arrays[name] for name in ("x", "W", "gain", "b")))
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
            "One layer first. The square of the sum a_j is a double sum of products; which of them have a mean that "
            "is not 0?",
            "Then ReLU. If a is as likely as -a, how much of the mean square is in its positive part?",
            "The first layer has no ReLU before it: its mean square is q times one factor. Each further layer "
            "multiplies by another one, the same each time: depth - 1 times.",
        ),
        slips={
            "ReLU lies between two layers: the first factor has no 1/2, the others have one": partial(
                mean_square, first=0.5, later=1),
            "the first layer has its own factor, without 1/2: n std^2 is missing": partial(mean_square, start=1),
            "q is a mean square already": lambda q, n, std, depth: mean_square(q * q, n, std, depth),
            "the half that ReLU takes away is missing": partial(mean_square, later=1),
            "one 1/2 too many: no ReLU is before the first layer, and the last layer's own comes behind its a": partial(
                mean_square, first=0.5),
            "one factor too many: the first layer is depth = 1": partial(mean_square, more=1),
            "one factor too few: the first layer is depth = 1": partial(mean_square, more=-1),
            "a variance is std**2": partial(mean_square, power=1),
            "n terms are added in each output: n is missing": partial(mean_square, terms=0),
            "that is the root of the mean square": partial(mean_square, root=0.5),
            "layers multiply, they do not add": lambda q, n, std, depth: (
                q * n * std**2 * (1 + (depth - 1) * n * std**2 / 2)),
            "ReLU halves the mean square, not its root: the factor is 1/2, not 1/4": partial(mean_square, later=0.25),
            "ReLU takes one half away, it does not double": partial(mean_square, later=2),
            "ReLU's factor here is that of a variance; the mean of h is not 0, and what counts is the mean square":
                partial(mean_square, later=0.5 - 0.5 / np.pi),
        },
    ),
    Exercise(
        "3.2",
        "initial_scales",
        "xavier_bound, he_std",
        _widths,
        initial_scales,
        around=lambda n_in, n_out: {"sizes": {}, "others": {}},
        hints=(
            "Xavier: put r^2 / 3 = 2 / (n_in + n_out) and solve for r.",
            "He: solve n_in std^2 / 2 = 1 for std.",
        ),
        slips={
            "that is the standard deviation; a uniform number between -r and r has the variance r^2 / 3": partial(
                scales, bound=lambda n, m: np.sqrt(2 / (n + m))),
            "the two are exchanged: xavier_bound comes first": lambda n, m: scales(n, m)[::-1],
            "Xavier adds the two widths, it does not multiply them": partial(
                scales, bound=lambda n, m: np.sqrt(6 / (n * m))),
            "n_out is missing: Xavier takes the mean of both widths": partial(
                scales, bound=lambda n, m: np.sqrt(6 / n)),
            "He takes n_in, not the mean of both widths": partial(scales, std=lambda n, m: np.sqrt(4 / (n + m))),
            "that is r^2, the root is missing": partial(scales, bound=lambda n, m: 6 / (n + m)),
            "the forward condition alone: n_out is missing": partial(scales, bound=lambda n, m: np.sqrt(3 / n)),
            "the backward condition alone: n_in is missing": partial(scales, bound=lambda n, m: np.sqrt(3 / m)),
            "n_in + n_out is twice the mean of both: a 2 is missing": partial(
                scales, bound=lambda n, m: np.sqrt(3 / (n + m))),
            "the 3 is on the wrong side: r^2 is three times the variance": partial(
                scales, bound=lambda n, m: np.sqrt(2 / (3 * (n + m)))),
            "r is half the width of the interval: that would be right for a width, whose variance is width^2 / 12":
                partial(scales, bound=lambda n, m: np.sqrt(24 / (n + m))),
            "the half of ReLU is missing": partial(scales, std=lambda n, m: np.sqrt(1 / n)),
            "that is the variance, the root is missing": partial(scales, std=lambda n, m: 2 / n),
            "that is the backward condition; an output has n_in terms": partial(
                scales, std=lambda n, m: np.sqrt(2 / m)),
            "the 1/2 of ReLU belongs to the other side: std must grow to make up for it": partial(
                scales, std=lambda n, m: np.sqrt(0.5 / n)),
            "that is Xavier's standard deviation": partial(scales, std=lambda n, m: np.sqrt(2 / (n + m))),
            "that is a bound of uniform numbers; He's are normal": partial(scales, std=lambda n, m: np.sqrt(6 / n)),
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
            "the mean is not subtracted": partial(forward, center=False),
            "the variance is the mean square of x - m, not of x": partial(forward, var=lambda c, x: x**2),
            "the variance with n - 1; here it is the mean square, over n": partial(forward, ddof=1),
            "the variance is the mean of the squares, not their sum": partial(
                forward, var=lambda c, x: c**2 * x.shape[1]),
            "that is the mean of the sizes |x - m|; a variance is the mean of their squares": partial(
                forward, var=lambda c, x: np.abs(c)),
            "divided by the variance, not by its root": partial(forward, scale=lambda v, tiny: 1 / (v + tiny)),
            "multiplied with the standard deviation, not divided by it": partial(
                forward, scale=lambda v, tiny: np.sqrt(v + tiny)),
            "s is 1 over the standard deviation; that is the standard deviation": partial(
                forward, kept=lambda y, u, s: (u, 1 / s)),
            "tiny is added to the variance, inside the root": partial(
                forward, scale=lambda v, tiny: 1 / (np.sqrt(v) + tiny)),
            "tiny is missing, or another number: it is an argument": partial(
                forward, scale=lambda v, tiny: 1 / np.sqrt(v)),
            "u is without gain and b: that is y": partial(forward, kept=lambda y, u, s: (y, s)),
            "u is divided by the standard deviation, too: that is only centered": partial(
                forward, kept=lambda y, u, s: (u / s, s)),
            "gain and b are missing": partial(forward, y=lambda u, gain, b: u),
            "gain times the sum: b is added last": partial(forward, y=lambda u, gain, b: gain * (u + b)),
            "b is missing": partial(forward, y=lambda u, gain, b: gain * u),
            "gain is missing": partial(forward, y=lambda u, gain, b: u + b),
            "gain and b are exchanged": partial(forward, y=lambda u, gain, b: b * u + gain),
        },
    ),
    Exercise(
        "3.4",
        "layernorm_backward",
        "dx, dgain, db",
        _gradients,
        layernorm_backward,
        value=lambda x, gain, b, tiny, dy: (dy * layernorm_forward(x, gain, b)[0]).sum(),
        around=lambda x, gain, b, tiny, dy, u, s: {
            "sizes": {"N": len(x), "n": x.shape[-1]}, "factors": {"gain": gain, "s": s, "u": u, "dy": dy}},
        points=2,
        hints=(
            "Begin with y = gain u + b: what are du, dgain and db? gain and b serve all rows, as a bias does.",
            "For one row, let x change by a small dx, and follow it: what changes in m, in c = x - m, in v, in s, and "
            "so in u = s c? Whatever is multiplied with the mean of c is 0.",
            "dx is s times what is left of du when two things are taken away: one comes from the mean, one from the "
            "variance. Each is built from a row mean, over axis -1 with keepdims=True.",
        ),
        slips={
            "mean and variance are treated as constants: that is the direct way alone": partial(
                backward, mean=0, spread=0),
            "the way through the variance is missing: what lies along u is not removed": partial(backward, spread=0),
            "the way through the mean is missing: what lies along the ones is not removed": partial(backward, mean=0),
            "gain is forgotten in du": partial(backward, direct=False, inside=False),
            "the factor s of u = s (x - mean) is missing": partial(backward, power=0),
            "there is one factor s; the others went into u": partial(backward, power=2),
            "s is divided by: u = s c grows with s, and so does dx": partial(backward, power=-1),
            "gain belongs to du, inside both means": partial(backward, direct=False, inside=False, outside=True),
            "gain is in the direct way only; the means are of du = dy gain": partial(backward, inside=False),
            "the way through the variance is half of what it should be: v is a square": partial(backward, spread=0.5),
            "the way through the variance is twice what it should be: the root has a 1/2": partial(backward, spread=2),
            "the mean of du u is divided by n - 1; it is a mean over n": partial(backward, ddof=1),
            "a factor of s too many: u holds one already": partial(backward, by=lambda u, s: (s * u, u)),
            "u stands where x - m should, or the other way round: u = s (x - m) is in the second term twice": partial(
                backward, by=lambda u, s: (u / s, u)),
            "the means are taken over the examples, axis 0: that is BatchNorm's": partial(backward, axis=0),
            "sums in the place of means": partial(backward, average=np.sum),
            "the second term is a number per row times u: that factor u is missing": partial(
                backward, by=lambda u, s: (1, u)),
            "the second mean is of du u; its factor u is missing": partial(backward, by=lambda u, s: (u, 1)),
            "both terms are subtracted; that with u is added": partial(backward, spread=-1),
            "both terms are subtracted; the mean of du is added": partial(backward, mean=-1),
            "both terms are subtracted, not added": partial(backward, mean=-1, spread=-1),
            "dy, not du: gain is in the forward with the slope u alone": partial(
                backward, dgain=lambda dy, u, gain: dy * gain * u),
            "u is missing: that is the gradient of b": partial(backward, dgain=lambda dy, u, gain: dy),
            "gain has nothing to do with b, which is only added": partial(backward, db=lambda dy, gain: dy * gain),
            "averaged over the examples; whether the loss is a mean is already in dy": partial(
                backward, total=lambda a: a.mean(axis=0)),
            "summed over the features; gain and b have one number for each": partial(
                backward, total=lambda a: a.sum(axis=1)),
            "not summed over the examples, which all use the same gain and b": partial(backward, total=lambda a: a),
        },
    ),
    Exercise(
        "3.5",
        "block_backward",
        "dx, dW, dgain, db",
        _block,
        block_backward,
        value=lambda x, W, gain, b, dh: (dh * block_forward(x, W, gain, b)[0]).sum(),
        around=lambda x, W, gain, b, dh, h, u, s: {
            "sizes": {"N": len(x), "n_in": x.shape[1], "n_out": h.shape[1]}, "factors": {"s": s}},
        hints=(
            "Three steps, from the end: ReLU gives dy from dh and h. Your layernorm_backward gives da. The dense layer "
            "without bias gives dx and dW from da.",
            "The dense layer is that of lesson 1: a_nj = sum_i x_ni W_ij.",
        ),
        slips={
            "ReLU is left out on the way back, or asked for h >= 0, which is always so": partial(
                through, mask=lambda h, u: 1),
            "ReLU bends y = gain u + b, not u: where it passes, h is positive": partial(
                through, mask=lambda h, u: u > 0),
            "multiplied with h, not with ReLU's slope, which is 0 or 1": partial(through, mask=lambda h, u: h),
            "ReLU comes last, so its backward comes first": partial(through, late=True),
            "dgain and db come from dy, behind ReLU's slope, not from dh": half_masked,
            "gain is left out on the way back": partial(through, norm=partial(backward, direct=False, inside=False)),
            "LayerNorm's mean and variance are treated as constants": partial(
                through, norm=partial(backward, mean=0, spread=0)),
            "LayerNorm is left out on the way back": partial(
                through, norm=partial(backward, direct=False, inside=False, mean=0, spread=0, power=0)),
            "what W multiplies is the block's input x, not u": partial(
                through, dW=lambda da, x, u, h: u.T @ da if u.shape == x.shape else x.T @ da),
            "what W multiplies is x, not the output h": partial(
                through, dW=lambda da, x, u, h: h.T @ da if h.shape == x.shape else x.T @ da),
            "W is not transposed": partial(
                through, dx=lambda da, W: da @ W if len(W) == len(W.T) else da @ W.T),
            "da and x are exchanged, which gives the transpose": partial(through, dW=lambda da, x, u, h: da.T @ x),
            "that stops at a: the dense layer is still to come": partial(through, dx=lambda da, W: da),
        },
    ),
)  # fmt: skip

"""Exercises of lesson 3: how signals grow with depth, initial weights, LayerNorm forward and backward."""

import numpy as np

from ..exercise import Exercise


def mean_square_after(q, n, std, depth):
    return q * n * std**2 * (n * std**2 / 2) ** (depth - 1)


def initial_scales(n_in, n_out):
    return np.sqrt(6 / (n_in + n_out)), np.sqrt(2 / n_in)


def layernorm_forward(x, gain, b, tiny=1e-5):
    centered = x - x.mean(axis=-1, keepdims=True)
    s = 1 / np.sqrt((centered**2).mean(axis=-1, keepdims=True) + tiny)
    u = s * centered
    return gain * u + b, u, s


def layernorm_backward(dy, u, s, gain):
    return _standardized(dy * gain, u, s), (dy * u).sum(axis=0), dy.sum(axis=0)


def block_backward(dh, x, W, gain, u, s, h):
    dy = dh * (h > 0)
    da, dgain, db = layernorm_backward(dy, u, s, gain)
    return da @ W.T, x.T @ da, dgain, db


def block(x, W, gain, b, tiny=1e-5):
    """(h, u, s) of h = relu(LayerNorm(x W))."""
    y, u, s = layernorm_forward(x @ W, gain, b, tiny)
    return np.maximum(y, 0), u, s


def _standardized(du, u, s, axis=-1):
    return s * (du - du.mean(axis=axis, keepdims=True) - u * (du * u).mean(axis=axis, keepdims=True))


def _depths(rng):
    q, std = rng.uniform(0.5, 2), rng.uniform(0.05, 0.2)
    return {"q": float(q), "n": int(rng.integers(50, 200)), "std": float(std), "depth": np.arange(1, 8)}


def _sizes(rng):
    n_in = rng.integers(10, 500, 6)
    return {"n_in": n_in, "n_out": n_in + rng.integers(1, 300, 6)}


def _rows(rng):
    """tiny is so large that where it is added shows."""
    N, n = rng.integers(4, 8, 2)
    return {"x": 1 + 2 * rng.standard_normal((N, n)), "gain": 1 + 0.5 * rng.standard_normal(n),
            "b": rng.standard_normal(n), "tiny": float(rng.uniform(0.1, 0.5))}  # fmt: skip


def _gradients(rng):
    """As many examples as features, so that the axes have the same length."""
    arrays = {"x": 1 + 2 * rng.standard_normal((6, 6)), "gain": 1 + 0.5 * rng.standard_normal(6),
              "b": rng.standard_normal(6), "dy": rng.standard_normal((6, 6))}  # fmt: skip
    _, u, s = layernorm_forward(arrays["x"], arrays["gain"], arrays["b"])
    return arrays | {"u": u, "s": s}


def _block(rng):
    """Square W: a transpose has the right shape."""
    arrays = {"x": rng.standard_normal((7, 5)), "W": rng.standard_normal((5, 5)), "b": rng.standard_normal(5),
              "gain": 1 + 0.5 * rng.standard_normal(5), "dh": rng.standard_normal((7, 5))}  # fmt: skip
    h, u, s = block(*(arrays[name] for name in ("x", "W", "gain", "b")))
    return arrays | {"h": h, "u": u, "s": s}


def _forward(center=True, var=lambda c, axis: (c**2).mean(axis=axis, keepdims=True), axis=-1,
             s=lambda v, tiny: 1 / np.sqrt(v + tiny), y=lambda u, gain, b: gain * u + b):  # fmt: skip
    """A LayerNorm with another part."""

    def forward(x, gain, b, tiny):
        c = x - x.mean(axis=axis, keepdims=True) if center else x
        scale = s(var(c, axis), tiny)
        scale = scale + np.zeros((len(x), 1)) if scale.size == 1 else scale
        return y(c * scale, gain, b), c * scale, scale

    return forward


def _backward(dx, dgain=lambda dy, u, gain: (dy * u).sum(axis=0), db=lambda dy: dy.sum(axis=0)):
    """A backward with another part: dx of (du, u, s)."""
    return lambda dy, u, s, gain: (dx(dy * gain, u, s), dgain(dy, u, gain), db(dy))


def _mean(a):
    return a.mean(axis=-1, keepdims=True)


def _through(mask=lambda dh, u, h: dh * (h > 0), norm=layernorm_backward, last=lambda da, x, W, h: (
        da @ W.T, x.T @ da)):  # fmt: skip
    """A block's backward with another part."""

    def backward(dh, x, W, gain, u, s, h):
        da, dgain, db = norm(mask(dh, u, h), u, s, gain)
        return *last(da, x, W, h), dgain, db

    return backward


def _relu_last(dh, x, W, gain, u, s, h):
    da, dgain, db = layernorm_backward(dh, u, s, gain)
    da = da * (h > 0)
    return da @ W.T, x.T @ da, dgain, db


EXERCISES = (
    Exercise(
        "3.1",
        "mean_square_after",
        "q_a",
        _depths,
        mean_square_after,
        hints=(
            "The first layer has no ReLU before it: its mean square is q times one factor.",
            "Each further layer multiplies by the same number, which holds the 1/2 of ReLU: depth - 1 times.",
        ),
        slips={
            "ReLU lies between two layers: the first factor has no 1/2, the others have one": lambda q, n, std, depth: (
                q * n * std**2 / 2 * (n * std**2) ** (depth - 1)),
            "the first layer has its own factor, without 1/2: n std^2 is missing": lambda q, n, std, depth: (
                q * (n * std**2 / 2) ** (depth - 1)),
            "q is a mean square already": lambda q, n, std, depth: q * mean_square_after(q, n, std, depth),
            "the half that ReLU takes away is missing": lambda q, n, std, depth: q * (n * std**2) ** depth,
            "there is no ReLU before the first layer, so its factor has no 1/2": lambda q, n, std, depth: (
                q * (n * std**2 / 2) ** depth),
            "one factor too many: the first layer is depth = 1": lambda q, n, std, depth: (
                q * n * std**2 * (n * std**2 / 2) ** depth),
            "a variance is std**2": lambda q, n, std, depth: q * n * std * (n * std / 2) ** (depth - 1),
            "n terms are added in each output: n is missing": lambda q, n, std, depth: (
                q * std**2 * (std**2 / 2) ** (depth - 1)),
            "that is the root of the mean square": lambda q, n, std, depth: (
                np.sqrt(mean_square_after(q, n, std, depth))),
            "layers multiply, they do not add": lambda q, n, std, depth: (
                q * n * std**2 * (1 + (depth - 1) * n * std**2 / 2)),
            "ReLU halves the mean square, not its root: the factor is 1/2, not 1/4": lambda q, n, std, depth: (
                q * n * std**2 * (n * std**2 / 4) ** (depth - 1)),
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
            "that is the standard deviation; a uniform number between -r and r has the variance r^2 / 3": lambda n, m: (
                np.sqrt(2 / (n + m)), np.sqrt(2 / n)),
            "the two are exchanged: xavier_bound comes first": lambda n, m: initial_scales(n, m)[::-1],
            "Xavier adds the two widths, it does not multiply them": lambda n, m: (
                np.sqrt(6 / (n * m)), np.sqrt(2 / n)),
            "n_out is missing: Xavier takes the mean of both widths": lambda n, m: (np.sqrt(6 / n), np.sqrt(2 / n)),
            "He takes n_in, not the mean of both widths": lambda n, m: (np.sqrt(6 / (n + m)), np.sqrt(4 / (n + m))),
            "that is r^2, the root is missing": lambda n, m: (6 / (n + m), np.sqrt(2 / n)),
            "the forward condition alone: n_out is missing": lambda n, m: (np.sqrt(3 / n), np.sqrt(2 / n)),
            "the backward condition alone: n_in is missing": lambda n, m: (np.sqrt(3 / m), np.sqrt(2 / n)),
            "n_in + n_out is twice the mean of both: a 2 is missing": lambda n, m: (
                np.sqrt(3 / (n + m)), np.sqrt(2 / n)),
            "r is half the width of the interval: that would be right for a width, whose variance is width^2 / 12": (
                lambda n, m: (np.sqrt(24 / (n + m)), np.sqrt(2 / n))),
            "the half of ReLU is missing": lambda n, m: (np.sqrt(6 / (n + m)), np.sqrt(1 / n)),
            "that is the variance, the root is missing": lambda n, m: (np.sqrt(6 / (n + m)), 2 / n),
            "that is the backward condition; an output has n_in terms": lambda n, m: (
                np.sqrt(6 / (n + m)), np.sqrt(2 / m)),
            "the 1/2 of ReLU belongs to the other side: std must grow to make up for it": lambda n, m: (
                np.sqrt(6 / (n + m)), np.sqrt(0.5 / n)),
            "that is Xavier's standard deviation": lambda n, m: (np.sqrt(6 / (n + m)), np.sqrt(2 / (n + m))),
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
            "the mean over the examples, axis 0: that is BatchNorm": _forward(axis=0),
            "the mean over everything: each row has its own": _forward(axis=(0, 1)),
            "the mean is not subtracted": _forward(center=False),
            "the variance with n - 1; here it is the mean square, over n": _forward(
                var=lambda c, axis: (c**2).sum(axis=axis, keepdims=True) / (c.shape[-1] - 1)),
            "the variance is the mean of the squares, not their sum": _forward(
                var=lambda c, axis: (c**2).sum(axis=axis, keepdims=True)),
            "divided by the variance, not by its root": _forward(s=lambda v, tiny: 1 / (v + tiny)),
            "multiplied with the standard deviation, not divided by it": _forward(s=lambda v, tiny: np.sqrt(v + tiny)),
            "tiny is added to the variance, inside the root": _forward(s=lambda v, tiny: 1 / (np.sqrt(v) + tiny)),
            "tiny is missing, or another number: it is an argument": _forward(s=lambda v, tiny: 1 / np.sqrt(v)),
            "u is without gain and b: that is y": lambda x, gain, b, tiny: (
                lambda y, u, s: (y, y, s))(*layernorm_forward(x, gain, b, tiny)),
            "u is divided by the standard deviation, too: that is only centered": lambda x, gain, b, tiny: (
                lambda y, u, s: (y, u / s, s))(*layernorm_forward(x, gain, b, tiny)),
            "gain and b are missing": _forward(y=lambda u, gain, b: u),
            "gain times the sum: b is added last": _forward(y=lambda u, gain, b: gain * (u + b)),
            "b is missing": _forward(y=lambda u, gain, b: gain * u),
        },
    ),
    Exercise(
        "3.4",
        "layernorm_backward",
        "dx, dgain, db",
        _gradients,
        layernorm_backward,
        value=lambda x, gain, b, dy: (dy * layernorm_forward(x, gain, b)[0]).sum(),
        around=lambda x, gain, b, dy, u, s: {
            "sizes": {"n": x.shape[-1]}, "factors": {"gain": gain, "s": s, "u": u, "dy": dy}},
        hints=(
            "Begin with y = gain u + b: du = dy * gain. gain and b serve all rows, as a bias does.",
            "dx is s times what is left of du when two things are removed: one comes from the mean, one from the "
            "variance. Each is built from a row mean, over axis -1 with keepdims=True.",
        ),
        slips={
            "mean and variance are treated as constants: that is the direct way alone": _backward(
                lambda du, u, s: s * du),
            "the way through the variance is missing: what lies along u is not removed": _backward(
                lambda du, u, s: s * (du - _mean(du))),
            "the way through the mean is missing: what lies along the ones is not removed": _backward(
                lambda du, u, s: s * (du - u * _mean(du * u))),
            "gain is forgotten in du": lambda dy, u, s, gain: (
                _standardized(dy, u, s), (dy * u).sum(axis=0), dy.sum(axis=0)),
            "the factor s of u = s (x - mean) is missing": _backward(
                lambda du, u, s: du - _mean(du) - u * _mean(du * u)),
            "there is one factor s; the others went into u": _backward(lambda du, u, s: s**2 * _standardized(du, u, s)),
            "s is divided by: u = s c grows with s, and so does dx": _backward(
                lambda du, u, s: _standardized(du, u, s) / s**2),
            "gain belongs to du, inside both means": lambda dy, u, s, gain: (
                gain * _standardized(dy, u, s), (dy * u).sum(axis=0), dy.sum(axis=0)),
            "gain is in the direct way only; the means are of du = dy gain": lambda dy, u, s, gain: (
                s * (dy * gain - _mean(dy) - u * _mean(dy * u)), (dy * u).sum(axis=0), dy.sum(axis=0)),
            "the way through the variance is half of what it should be: v is a square": _backward(
                lambda du, u, s: s * (du - _mean(du) - u * _mean(du * u) / 2)),
            "the way through the variance is twice what it should be: the root has a 1/2": _backward(
                lambda du, u, s: s * (du - _mean(du) - 2 * u * _mean(du * u))),
            "the mean of du u is divided by n - 1; it is a mean over n": _backward(
                lambda du, u, s: s * (du - _mean(du) - u * _mean(du * u) * u.shape[-1] / (u.shape[-1] - 1))),
            "a factor of s too many: u holds one already": _backward(
                lambda du, u, s: s * (du - _mean(du) - s * u * _mean(du * u))),
            "the means are taken over the examples, axis 0: that is BatchNorm's": _backward(
                lambda du, u, s: _standardized(du, u, s, axis=0)),
            "sums in the place of means": _backward(
                lambda du, u, s: s * (du - u.shape[-1] * (_mean(du) + u * _mean(du * u)))),
            "the second term is a number per row times u: that factor u is missing": _backward(
                lambda du, u, s: s * (du - _mean(du) - _mean(du * u))),
            "the second mean is of du u; its factor u is missing": _backward(
                lambda du, u, s: s * (du - _mean(du) - u * _mean(du))),
            "both terms are subtracted; one is added": _backward(
                lambda du, u, s: s * (du - _mean(du) + u * _mean(du * u))),
            "dy, not du: gain is in the forward with the slope u alone": _backward(
                _standardized, dgain=lambda dy, u, gain: (dy * gain * u).sum(axis=0)),
            "u is missing: that is the gradient of b": _backward(
                _standardized, dgain=lambda dy, u, gain: dy.sum(axis=0)),
            "gain has nothing to do with b, which is only added": lambda dy, u, s, gain: (
                _standardized(dy * gain, u, s), (dy * u).sum(axis=0), (dy * gain).sum(axis=0)),
            "averaged over the examples; whether the loss is a mean is already in dy": _backward(
                _standardized, lambda dy, u, gain: (dy * u).mean(axis=0), lambda dy: dy.mean(axis=0)),
            "summed over the features; gain and b have one number for each": _backward(
                _standardized, lambda dy, u, gain: (dy * u).sum(axis=1), lambda dy: dy.sum(axis=1)),
        },
    ),
    Exercise(
        "3.5",
        "block_backward",
        "dx, dW, dgain, db",
        _block,
        block_backward,
        value=lambda x, W, gain, b, dh: (dh * block(x, W, gain, b)[0]).sum(),
        around=lambda x, W, gain, b, dh, h, u, s: {"sizes": {"N": len(x), "n": x.shape[-1]}, "factors": {"s": s}},
        hints=(
            "Three steps, from the end: ReLU gives dy from dh and h. Your layernorm_backward gives da. The dense layer "
            "without bias gives dx and dW from da.",
            "The dense layer is that of lesson 1: a_nj = sum_i x_ni W_ij.",
        ),
        slips={
            "ReLU is left out on the way back": _through(mask=lambda dh, u, h: dh),
            "ReLU bends y = gain u + b, not u: where it passes, h is positive": _through(
                mask=lambda dh, u, h: dh * (u > 0)),
            "multiplied with h, not with ReLU's slope, which is 0 or 1": _through(mask=lambda dh, u, h: dh * h),
            "ReLU comes last, so its backward comes first": _relu_last,
            "gain is left out on the way back": _through(
                norm=lambda dy, u, s, gain: (_standardized(dy, u, s), (dy * u).sum(axis=0), dy.sum(axis=0))),
            "what W multiplies is the block's input x, not u": lambda dh, x, W, gain, u, s, h: (
                lambda da, dgain, db: (da @ W.T, u.T @ da, dgain, db))(
                *layernorm_backward(dh * (h > 0), u, s, gain)),
            "LayerNorm is left out on the way back": _through(
                norm=lambda dy, u, s, gain: (dy, (dy * u).sum(axis=0), dy.sum(axis=0))),
            "W is not transposed": _through(last=lambda da, x, W, h: (da @ W, x.T @ da)),
            "what W multiplies is x, not the output h": _through(last=lambda da, x, W, h: (da @ W.T, h.T @ da)),
            "da and x are exchanged, which gives the transpose": _through(
                last=lambda da, x, W, h: (da @ W.T, da.T @ x)),
            "that stops at a: the dense layer is still to come": _through(
                last=lambda da, x, W, h: (da, x.T @ da)),
        },
    ),
)  # fmt: skip

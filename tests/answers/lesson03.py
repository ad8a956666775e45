"""Answers of lesson 3 that people give: wrong ones with the words that name them, and right ones that look unusual."""

import math

import numpy as np

from minivae.teach import exercise

mean_square_after, initial_scales, layernorm_forward, layernorm_backward, block_backward = (
    exercise(number).reference for number in ("3.1", "3.2", "3.3", "3.4", "3.5")
)
FIXED = {"3.4": {"s, axis 1"}, "3.5": {"s, axis 1"}}  # one number per row


# ---- 3.1


def layer_by_layer(q, n, std, depth):
    found = []
    for last in depth:
        size = q * n * std**2
        for _ in range(last - 1):
            size = size * 0.5 * n * std**2
        found.append(size)
    return np.array(found)


def by_cumprod(q, n, std, depth):
    factors = np.full(depth.max(), n * std**2 / 2)
    factors[0] = n * std**2
    return q * np.cumprod(factors)[depth - 1]


def by_exp(q, n, std, depth):
    return 2 * q * np.exp(depth * (math.log(n) + 2 * math.log(std) - math.log(2)))


def seven_layers(q, n, std, depth):
    return np.array([mean_square_after(q, n, std, layer) for layer in range(1, 8)])


# ---- 3.3


def row_by_row(x, gain, b, tiny):
    u, s = np.zeros(x.shape), np.zeros((len(x), 1))
    for r, row in enumerate(x):
        m = sum(row) / len(row)
        s[r, 0] = (np.var(row) + tiny) ** -0.5
        u[r] = s[r, 0] * (row - m)
    return np.einsum("i,ri->ri", gain, u) + b, u, s


def by_the_second_moment(x, gain, b, tiny):
    m = x.mean(1)
    s = 1 / np.sqrt((x * x).mean(1) - m * m + tiny)
    u = (x - m[:, None]) * s[:, None]
    return u * gain + b, u, s.reshape(-1, 1)


def forward_with(axis=-1, ddof=0, root=0.5, tiny_at=None, flat=False, center=True):
    def forward(x, gain, b, tiny):
        m = x.mean(axis=axis, keepdims=True) if center else 0
        v = ((x - m) ** 2).mean(axis=axis, keepdims=True) * (x.shape[1] / (x.shape[1] - 1) if ddof else 1)
        s = 1 / (v + tiny) ** root if tiny_at is None else 1 / (np.sqrt(v) + tiny_at * tiny)
        u = (x - m) * s
        return gain * u + b, u, s.ravel() if flat else s

    return forward


def forward_then(change):
    return lambda x, gain, b, tiny: change(*layernorm_forward(x, gain, b, tiny), x, gain, b)


# ---- 3.4


def backward_by_the_jacobian(dy, u, s, gain):
    n, dx = u.shape[1], np.zeros(u.shape)
    for r in range(len(u)):
        J = s[r] * (np.eye(n) - 1 / n - np.outer(u[r], u[r]) / n)
        dx[r] = (dy[r] * gain) @ J
    return dx, np.einsum("ri,ri->i", dy, u), np.einsum("ri->i", dy)


def backward_in_steps(dy, u, s, gain):
    n = u.shape[1]
    du, c = dy * gain, u / s
    ds = (du * c).sum(axis=1, keepdims=True)
    dv = -0.5 * s**3 * ds
    dc = du * s + 2 * c * dv / n
    return dc - dc.sum(axis=1, keepdims=True) / n, np.diag(u.T @ dy), np.ones(len(dy)) @ dy


def backward_in_float32(dy, u, s, gain):
    return [a.astype("float32") for a in layernorm_backward(dy, u, s, gain)]


def average(a):
    return a.mean(axis=-1, keepdims=True)


def with_dx(change, du=None):
    def backward(dy, u, s, gain):
        d = dy * gain if du is None else du(dy, gain)
        return change(d, u, s), (dy * u).sum(axis=0), dy.sum(axis=0)

    return backward


def backward_then(change):
    return lambda dy, u, s, gain: change(*layernorm_backward(dy, u, s, gain), dy, u, s, gain)


def both_changed(dy, u, s, gain):
    return s * (dy * gain - average(dy * gain)), (dy * u).mean(axis=0), dy.mean(axis=0)


# ---- 3.5


def block_by_hand(dh, x, W, gain, u, s, h):
    da, dgain, db = backward_in_steps(np.where(h > 0, dh, 0), u, s, gain)
    return np.matmul(W, da.T).T, np.einsum("ni,nj->ij", x, da), dgain, db


def block_with(mask=None, norm=layernorm_backward, dx=None, dW=None):
    def backward(dh, x, W, gain, u, s, h):
        dy = dh * (h > 0) if mask is None else mask(dh, u, h)
        da, dgain, db = norm(dy, u, s, gain)
        return da @ W.T if dx is None else dx(da, W), x.T @ da if dW is None else dW(da, x, u, h), dgain, db

    return backward


def relu_at_the_end(dh, x, W, gain, u, s, h):
    da, dgain, db = layernorm_backward(dh, u, s, gain)
    da = da * (h > 0)
    return da @ W.T, x.T @ da, dgain, db


def mask_in_place(dh, x, W, gain, u, s, h):
    dh[h == 0] = 0
    return block_backward(dh, x, W, gain, u, s, h)


def block_then(change):
    return lambda *arrays: change(*block_backward(*arrays))


def no_norm(dy, u, s, gain):
    return dy, (dy * u).sum(0), dy.sum(0)


WRONG = {
    "3.1": [
        (lambda q, n, std, depth: q * (n * std**2 / 2) ** depth, "half of it"),
        (lambda q, n, std, depth: q * (n * std**2) ** depth, "the half that ReLU takes away is missing"),
        (lambda q, n, std, depth: q * n * std**2 * (n * std**2 / 2) ** depth, "one factor too many"),
        (lambda q, n, std, depth: q * (n * std**2 / 2) ** (depth - 1), "n std^2 is missing"),
        (lambda q, n, std, depth: q * n * std * (n * std / 2) ** (depth - 1), "a variance is std**2"),
        (lambda q, n, std, depth: q * n * std * (n * std) ** (depth - 1), "a second mistake is left"),
        (lambda q, n, std, depth: q * std**2 * (std**2 / 2) ** (depth - 1), "n is missing"),
        (lambda q, n, std, depth: np.sqrt(mean_square_after(q, n, std, depth)), "the root of the mean square"),
        (lambda q, n, std, depth: q**2 * n * std**2 * (n * std**2 / 2) ** (depth - 1), "q is a mean square already"),
        (lambda q, n, std, depth: q * n * std**2 * (n * std**2 / 4) ** (depth - 1), "not 1/4"),
        (lambda q, n, std, depth: q * n * std**2 * depth, "a power"),
        (lambda q, n, std, depth: q * n * std**2 + q * (depth - 1) * (n * std**2) ** 2 / 2, "they do not add"),
        (lambda q, n, std, depth: 2 * mean_square_after(q, n, std, depth), "the factor 2"),
        (lambda q, n, std, depth: q * n * std**2 / 2 ** (depth - 1), "not of the first alone"),
        (lambda q, n, std, depth: mean_square_after(q, n, std, depth[-1]), "got a single number"),
        (seven_layers, "is a size written into it?"),
        (lambda q, n, std, depth: sum(n * std**2 / 2 for _ in range(depth)), "it stopped with TypeError"),
        (lambda q, n, std, depth: None, "is a return missing?"),
    ],
    "3.2": [
        (lambda n, m: (np.sqrt(2 / (n + m)), np.sqrt(2 / n)), "that is the standard deviation"),
        (lambda n, m: (6 / (n + m), np.sqrt(2 / n)), "that is r^2"),
        (lambda n, m: (np.sqrt(6 / (n + m)), 2 / n), "that is the variance"),
        (lambda n, m: (6 / (n + m), 2 / n), "xavier_bound: that is r^2"),
        (lambda n, m: (np.sqrt(3 / (n + m)), np.sqrt(2 / n)), "a 2 is missing"),
        (lambda n, m: (np.sqrt(6 / n), np.sqrt(2 / n)), "n_out is missing: Xavier"),
        (lambda n, m: (np.sqrt(6 / (n * m)), np.sqrt(2 / n)), "it does not multiply them"),
        (lambda n, m: (np.sqrt(6 / (n + m)), np.sqrt(1 / n)), "the half of ReLU is missing"),
        (lambda n, m: (np.sqrt(6 / (n + m)), np.sqrt(2 / m)), "an output has n_in terms"),
        (lambda n, m: (np.sqrt(6 / (n + m)), np.sqrt(2 / (n + m))), "Xavier's standard deviation"),
        (lambda n, m: (np.sqrt(6 / (n + m)), np.sqrt(1 / (2 * n))), "belongs to the other side"),
        (lambda n, m: (np.sqrt(2 / (n + m)), np.sqrt(1 / n)), "he_std: the half of ReLU"),
        (lambda n, m: (np.sqrt(2 / n), np.sqrt(6 / (n + m))), "the two are exchanged"),
        (lambda n, m: (np.sqrt(6 / n + m), np.sqrt(2 / n)), "brackets"),
        (lambda n, m: np.sqrt(6 / (n + m)), "expected it to return xavier_bound, he_std"),
        (lambda n, m: (math.sqrt(6 / (n + m)), math.sqrt(2 / n)), "it stopped with TypeError"),
        (lambda n, m: None, "is a return missing?"),
    ],
    "3.3": [
        (forward_with(axis=0), "that is BatchNorm"),
        (forward_with(axis=None), "the mean over everything"),
        (forward_with(ddof=1), "the variance with n - 1"),
        (forward_with(root=1), "not by its root"),
        (forward_with(tiny_at=1), "inside the root"),
        (forward_with(tiny_at=0), "tiny is missing"),
        (forward_with(center=False), "the mean is not subtracted"),
        (forward_with(center=False, root=1), "a second mistake is left"),
        (forward_with(flat=True), "s: the right numbers, in another shape"),
        (lambda x, gain, b, tiny: layernorm_forward(x, gain, b), "another number"),
        (forward_then(lambda y, u, s, x, gain, b: (gain * u, u, s)), "b is missing"),
        (forward_then(lambda y, u, s, x, gain, b: (u, u, s)), "gain and b are missing"),
        (forward_then(lambda y, u, s, x, gain, b: (u + b, u, s)), "gain is missing"),
        (forward_then(lambda y, u, s, x, gain, b: (gain * (u + b), u, s)), "b is added last"),
        (forward_then(lambda y, u, s, x, gain, b: (y, y, s)), "u is without gain and b"),
        (forward_then(lambda y, u, s, x, gain, b: (y, 1 * y, s)), "u is without gain and b"),
        (forward_then(lambda y, u, s, x, gain, b: (y, u / s, s)), "that is only centered"),
        (forward_then(lambda y, u, s, x, gain, b: (y, u, 1 / s)), "s is 1 over it"),
        (forward_then(lambda y, u, s, x, gain, b: (y, s, u)), "that is s; the order"),
        (forward_then(lambda y, u, s, x, gain, b: y), "expected it to return y, u, s"),
        (lambda x, gain, b, tiny: layernorm_forward(x - x.mean(axis=1), gain, b, tiny), "it stopped with ValueError"),
        (forward_then(lambda y, u, s, x, gain, b: None), "is a return missing?"),
    ],
    "3.4": [
        (with_dx(lambda du, u, s: s * du), "treated as constants"),
        (with_dx(lambda du, u, s: s * (du - average(du))), "the way through the variance is missing"),
        (with_dx(lambda du, u, s: s * (du - u * average(du * u))), "the way through the mean is missing"),
        (with_dx(lambda du, u, s: du - average(du) - u * average(du * u)), "the factor s"),
        (with_dx(lambda du, u, s: s * (du - average(du) - average(du * u))), "that factor u is missing"),
        (with_dx(lambda du, u, s: s * (du - average(du) - u * average(du))), "its factor u is missing"),
        (with_dx(lambda du, u, s: s * (du - average(du) + u * average(du * u))), "the second is added"),
        (with_dx(lambda du, u, s: s * (du - average(du) - u * average(du * u) / 2)), "half of what it should be"),
        (with_dx(lambda du, u, s: s * (du - du.sum(1, keepdims=True) - u * (du * u).sum(1, keepdims=True))), "sums in"),
        (with_dx(lambda du, u, s: s * (du - du.mean(0) - u * (du * u).mean(0))), "that is BatchNorm's"),
        (with_dx(lambda du, u, s: s * (du - average(du) - u * average(du * u)), lambda dy, gain: dy), "gain is forg"),
        (with_dx(lambda du, u, s: s**2 * (du - average(du) - u * average(du * u))), "one factor s"),
        (with_dx(lambda du, u, s: (du - average(du) - u * average(du * u)) / s), "s is divided by"),
        (with_dx(lambda du, u, s: s * (du - average(du)), lambda dy, gain: dy), "a second mistake is left"),
        (with_dx(lambda du, u, s: s * (du - du.mean() - u * (du * u).mean())), "over everything"),
        (with_dx(lambda du, u, s: s * (du - du.mean(-1) - u * (du * u).mean(-1))), "without keepdims=True"),
        (both_changed, "dgain, db: averaged over the examples"),
        (backward_then(lambda dx, dgain, db, dy, u, s, gain: (dx, db + 0, db)), "u is missing"),
        (backward_then(lambda dx, dgain, db, dy, u, s, gain: (dx, dgain * gain, db)), "with the slope u alone"),
        (backward_then(lambda dx, dgain, db, dy, u, s, gain: (dx, dgain, (dy * gain).sum(0))), "only added"),
        (backward_then(lambda dx, dgain, db, dy, u, s, gain: (dx, (dy * u).sum(1), dy.sum(1))), "over the features"),
        (backward_then(lambda dx, dgain, db, dy, u, s, gain: (dx, dy * u, dy)), "not summed over the examples"),
        (backward_then(lambda dx, dgain, db, dy, u, s, gain: (dx, db, dgain)), "that is dgain; the order"),
        (backward_then(lambda dx, dgain, db, dy, u, s, gain: (-dx, -dgain, -db)), "the sign is wrong"),
        (backward_then(lambda dx, dgain, db, dy, u, s, gain: (dx, dgain)), "got 2 values"),
        (backward_then(lambda dx, dgain, db, dy, u, s, gain: None), "is a return missing?"),
    ],
    "3.5": [
        (block_with(mask=lambda dh, u, h: dh), "ReLU is left out on the way back"),
        (block_with(mask=lambda dh, u, h: dh * (u > 0)), "ReLU bends y"),
        (block_with(mask=lambda dh, u, h: dh * h), "multiplied with h"),
        (block_with(mask=lambda dh, u, h: np.maximum(dh, 0)), "the ReLU of the gradient"),
        (relu_at_the_end, "its backward comes first"),
        (block_with(norm=no_norm), "LayerNorm is left out"),
        (block_with(norm=lambda dy, u, s, gain: layernorm_backward(dy, u, s, np.ones_like(gain))), "gain is left out"),
        (block_with(norm=with_dx(lambda du, u, s: s * du)), "treated as constants"),
        (block_with(dx=lambda da, W: da @ W), "W is not transposed"),
        (block_with(dx=lambda da, W: da), "the dense layer is still to come"),
        (block_with(dW=lambda da, x, u, h: u.T @ da), "the block's input x, not u"),
        (block_with(dW=lambda da, x, u, h: h.T @ da), "not the output h"),
        (block_with(dW=lambda da, x, u, h: da.T @ x), "transpose"),
        (block_with(mask=lambda dh, u, h: dh, dx=lambda da, W: da @ W), "a second mistake is left"),
        (lambda dh, *rest: block_backward(dh / len(dh), *rest), "averaged over the examples"),
        (lambda dh, *rest: block_backward(np.ones_like(dh), *rest), "dh is not used"),
        (block_then(lambda dx, dW, dgain, db: (dx, dW, db, dgain)), "that is db"),
        (block_then(lambda dx, dW, dgain, db: (dx, dW, dgain)), "got 3 values"),
        (block_then(lambda dx, dW, dgain, db: (2 * dx, 2 * dW, 2 * dgain, 2 * db)), "the factor 2"),
        (mask_in_place, "it writes into its argument dh"),
        (block_then(lambda dx, dW, dgain, db: (dx, dW[:5], dgain[:5], db[:5])), "is a size written into it?"),
        (lambda dh, x, W, gain, u, s, h: layernorm_backward(dh, u, s), "it stopped with TypeError"),
        (block_then(lambda dx, dW, dgain, db: None), "is a return missing?"),
    ],
}

RIGHT = {
    "3.1": [layer_by_layer, by_cumprod, by_exp],
    "3.2": [
        lambda n, m: ((6 / (n + m)) ** 0.5, (2 / n) ** 0.5),
        lambda n, m: np.sqrt(np.array([6 / (n + m), 2 / n])),
        lambda n, m: (np.sqrt(3) * np.sqrt(2 / (n + m)), np.array([math.sqrt(2 / one) for one in n])),
    ],
    "3.3": [row_by_row, by_the_second_moment, forward_with()],
    "3.4": [backward_by_the_jacobian, backward_in_steps, backward_in_float32],
    "3.5": [block_by_hand, block_with()],
}

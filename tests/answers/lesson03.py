"""Answers of lesson 3 that people give: wrong ones with the words that name them, and right ones that look unusual."""

import numpy as np

from minivae.teach import exercise

norm_backward = exercise("3.4").reference


# ---- 3.1


def layer_by_layer(q, n, std, depth):
    found = []
    for last in depth:
        level = q * n * std * std
        for _ in range(last - 1):
            level *= n * std * std / 2
        found.append(level)
    return np.array(found)


def by_a_cumulative_product(q, n, std, depth):
    factors = np.full(depth.max(), n * std**2 / 2)
    factors[0] = n * std**2 * q
    return np.cumprod(factors)[depth - 1]


def by_logarithms(q, n, std, depth):
    return np.float32(2 * q * np.exp(depth * np.log(n * std**2 / 2)))


def the_last_only(q, n, std, depth):
    return float(q * n * std**2 * (n * std**2 / 2) ** (depth[-1] - 1))


def for_100_units(q, n, std, depth):
    return q * 100 * std**2 * (100 * std**2 / 2) ** (depth - 1)


def for_eight_layers(q, n, std, depth):
    return q * n * std**2 * (n * std**2 / 2) ** np.arange(8)


def counted_down(q, n, std, depth):
    return (q * n * std**2 * (n * std**2 / 2) ** (depth - 1))[::-1]


def after_relu(q, n, std, depth):
    for _ in range(1):
        q = q * n * std**2 / 2
    return q * (n * std**2 / 2) ** (depth - 1)


def overwrites_depth(q, n, std, depth):
    depth -= 1
    return q * n * std**2 * (n * std**2 / 2) ** depth


# ---- 3.2


def one_at_a_time(n_in, n_out):
    bounds = [(3 * 2 / (a + b)) ** 0.5 for a, b in zip(n_in, n_out, strict=True)]
    stds = [(2 / a) ** 0.5 for a in n_in]
    return np.array([bounds, stds])


def by_the_mean_of_the_widths(n_in, n_out):
    variance = 1 / ((n_in + n_out) / 2)
    return np.float32(np.sqrt(3 * variance)), np.float32((n_in / 2) ** -0.5)


def in_whole_numbers(n_in, n_out):
    return np.sqrt(6 // (n_in + n_out)), np.sqrt(2 // n_in)


def weights_themselves(n_in, n_out):
    rng = np.random.default_rng()
    r = np.sqrt(6 / (n_in + n_out))
    return rng.uniform(-r, r), np.sqrt(2 / n_in)


# ---- 3.3


def row_by_row(x, gain, b, tiny):
    y, u, s = np.zeros(x.shape), np.zeros(x.shape), np.zeros((len(x), 1))
    for r, row in enumerate(x):
        m = sum(row) / len(row)
        v = sum((row - m) ** 2) / len(row)
        s[r, 0] = (v + tiny) ** -0.5
        for i in range(len(row)):
            u[r, i] = (row[i] - m) * s[r, 0]
            y[r, i] = gain[i] * u[r, i] + b[i]
    return y, u, s


def by_std(x, gain, b, tiny):
    s = 1 / np.sqrt(x.std(axis=1, keepdims=True) ** 2 + tiny)
    u = (x - np.mean(x, 1)[:, None]) * s
    return [np.multiply(gain, u) + b, u, s]


def on_a_copy(x, gain, b, tiny):
    x = np.array(x, dtype="float32")
    x -= x.mean(axis=-1, keepdims=True)
    s = (np.einsum("ri,ri->r", x, x) / x.shape[1] + tiny)[:, None] ** -0.5
    x *= s
    return x * gain + b, x, s


def norm(x, gain, b, tiny, axis=-1, m=None, v=None, s=None):
    """LayerNorm with the statistics that are given."""
    m = x.mean(axis=axis, keepdims=True) if m is None else m
    v = ((x - m) ** 2).mean(axis=axis, keepdims=True) if v is None else v
    s = (v + tiny) ** -0.5 if s is None else s
    u = (x - m) * s
    return gain * u + b, u, s


def batch_norm(x, gain, b, tiny):
    return norm(x, gain, b, tiny, axis=0)


def over_everything(x, gain, b, tiny):
    u = (x - x.mean()) / np.sqrt(x.var() + tiny)
    return gain * u + b, u, np.full((len(x), 1), 1 / np.sqrt(x.var() + tiny))


def unbiased(x, gain, b, tiny):
    return norm(x, gain, b, tiny, v=x.var(axis=1, ddof=1, keepdims=True))


def sum_of_squares(x, gain, b, tiny):
    return norm(x, gain, b, tiny, v=((x - x.mean(axis=1, keepdims=True)) ** 2).sum(axis=1, keepdims=True))


def no_mean(x, gain, b, tiny):
    return norm(x, gain, b, tiny, m=0 * x[:, :1])


def mean_square_of_x(x, gain, b, tiny):
    return norm(x, gain, b, tiny, v=(x**2).mean(axis=1, keepdims=True))


def by_the_variance(x, gain, b, tiny):
    return norm(x, gain, b, tiny, s=1 / (x.var(axis=1, keepdims=True) + tiny))


def times_std(x, gain, b, tiny):
    return norm(x, gain, b, tiny, s=np.sqrt(x.var(axis=1, keepdims=True) + tiny))


def tiny_outside(x, gain, b, tiny):
    return norm(x, gain, b, tiny, s=1 / (x.std(axis=1, keepdims=True) + tiny))


def usual_tiny(x, gain, b, tiny):
    return norm(x, gain, b, 1e-5)


def std_for_s(x, gain, b, tiny):
    y, u, s = norm(x, gain, b, tiny)
    return y, u, 1 / s


def y_twice(x, gain, b, tiny):
    y, _, s = norm(x, gain, b, tiny)
    return y, y, s


def centered_only(x, gain, b, tiny):
    y, _, s = norm(x, gain, b, tiny)
    return y, x - x.mean(axis=1, keepdims=True), s


def flat_s(x, gain, b, tiny):
    y, u, s = norm(x, gain, b, tiny)
    return y, u, s.ravel()


def without_keepdims(x, gain, b, tiny):
    s = 1 / np.sqrt(x.var(axis=-1) + tiny)
    u = (x - x.mean(axis=-1)) * s
    return gain * u + b, u, s


def without_keepdims_transposed(x, gain, b, tiny):
    u = ((x.T - x.mean(axis=-1)) / np.sqrt(x.var(axis=-1) + tiny)).T
    return gain * u + b, u, 1 / np.sqrt(x.var(axis=-1) + tiny)


def writes_into_x(x, gain, b, tiny):
    x -= x.mean(axis=-1, keepdims=True)
    s = 1 / np.sqrt((x**2).mean(axis=-1, keepdims=True) + tiny)
    return gain * s * x + b, s * x, s


def unbiased_without_b(x, gain, b, tiny):
    y, u, s = unbiased(x, gain, b, tiny)
    return y - b, u, s


def five_features(x, gain, b, tiny):
    v = ((x - x.mean(axis=1, keepdims=True)) ** 2).sum(axis=1, keepdims=True) / 5
    return norm(x, gain, b, tiny, v=v)


# ---- 3.4


def by_the_jacobian(dy, u, s, gain):
    N, n = dy.shape
    dx = np.zeros((N, n))
    for r in range(N):
        J = s[r, 0] * (np.eye(n) - 1 / n - np.outer(u[r], u[r]) / n)
        dx[r] = (dy[r] * gain) @ J
    return dx, np.einsum("ri,ri->i", dy, u), np.ones(N) @ dy


def by_sums(dy, u, s, gain):
    n = dy.shape[1]
    du = np.multiply(dy, gain)
    sums, products = np.sum(du, 1), np.matmul(du[:, None, :], u[:, :, None])[:, 0]
    dx = s / n * (n * du - sums[:, None] - u * products)
    return dx.astype("float32"), sum(dy[r] * u[r] for r in range(len(dy))), np.sum(dy, 0)


def on_a_copy_of_dy(dy, u, s, gain):
    dgain, db = (dy * u).sum(0), dy.sum(0)
    dx = dy.copy()
    dx *= gain
    along = (dx * u).mean(1, keepdims=True)
    dx -= dx.mean(1, keepdims=True)
    dx -= along * u
    dx *= s
    return dx, dgain, db


def mean(a):
    return a.mean(axis=-1, keepdims=True)


def with_dx(change):
    """dx by this rule of (du, u, s), dgain and db right."""
    return lambda dy, u, s, gain: (change(dy * gain, u, s), (dy * u).sum(axis=0), dy.sum(axis=0))


def with_parameters(change):
    """dx right, (dgain, db) by this rule of (dy, u, gain)."""
    return lambda dy, u, s, gain: (norm_backward(dy, u, s, gain)[0], *change(dy, u, gain))


def gain_forgotten(dy, u, s, gain):
    return with_dx(lambda du, u, s: s * (dy - mean(dy) - u * mean(dy * u)))(dy, u, s, gain)


def gain_at_the_end(dy, u, s, gain):
    return with_dx(lambda du, u, s: gain * s * (dy - mean(dy) - u * mean(dy * u)))(dy, u, s, gain)


def gain_in_the_direct_way(dy, u, s, gain):
    return with_dx(lambda du, u, s: s * (du - mean(dy) - u * mean(dy * u)))(dy, u, s, gain)


def into_dy(dy, u, s, gain):
    dgain, db = (dy * u).sum(axis=0), dy.sum(axis=0)
    dy *= gain
    return s * (dy - mean(dy) - u * mean(dy * u)), dgain, db


def no_keepdims(dy, u, s, gain):
    du = dy * gain
    return s * (du - du.mean(axis=-1) - u * (du * u).mean(axis=-1)), (dy * u).sum(axis=0), dy.sum(axis=0)


def two_in_dx_and_one_in_dgain(dy, u, s, gain):
    du = dy * gain
    return s * (du - 2 * u * mean(du * u)), (dy * u).mean(axis=0), dy.sum(axis=0)


# ---- 3.5


def spelled_out(dh, x, W, gain, u, s, h):
    dy = np.where(h == 0, 0.0, dh)
    du = dy * gain
    da = s * (du - mean(du) - u * mean(du * u))
    dx = np.einsum("rj,ij->ri", da, W)
    dW = sum(np.outer(x[r], da[r]) for r in range(len(x)))
    return [dx, dW, np.einsum("ri,ri->i", dy, u), dy.sum(axis=0)]


def by_the_jacobian_of_the_block(dh, x, W, gain, u, s, h):
    da = by_the_jacobian(dh * np.sign(h), u, s, gain)[0]
    dy = dh * np.heaviside(h, 0)
    return np.matmul(W, da.T).T, np.matmul(da.T, x).T, np.diag(dy.T @ u), dy.T @ np.ones(len(dy))


def chain(mask=lambda dh, u, h: dh * (h > 0), back=norm_backward, last=lambda da, x, W, u, h: (da @ W.T, x.T @ da)):
    """A block's backward with another part."""

    def backward(dh, x, W, gain, u, s, h):
        da, dgain, db = back(mask(dh, u, h), u, s, gain)
        return *last(da, x, W, u, h), dgain, db

    return backward


def relu_at_the_end(dh, x, W, gain, u, s, h):
    da, dgain, db = norm_backward(dh, u, s, gain)
    return (da * (h > 0)) @ W.T, x.T @ (da * (h > 0)), dgain, db


def dh_for_the_parameters(dh, x, W, gain, u, s, h):
    da, _, _ = norm_backward(dh * (h > 0), u, s, gain)
    return da @ W.T, x.T @ da, (dh * u).sum(axis=0), dh.sum(axis=0)


def no_norm(dy, u, s, gain):
    return dy, (dy * u).sum(axis=0), dy.sum(axis=0)


def writes_into_dh(dh, x, W, gain, u, s, h):
    dh[h == 0] = 0
    return chain()(dh, x, W, gain, u, s, h)


def no_relu_and_h_for_x(dh, x, W, gain, u, s, h):
    da, dgain, db = norm_backward(dh, u, s, gain)
    return da @ W.T, da.T @ x, dgain, db


WRONG = {
    "3.1": [
        (lambda q, n, std, depth: q * n * std**2 / 2 * (n * std**2) ** (depth - 1), "ReLU lies between two layers"),
        (lambda q, n, std, depth: q * (n * std**2 / 2) ** (depth - 1), "n std^2 is missing"),
        (lambda q, n, std, depth: q * (n * std**2) ** depth, "the half that ReLU takes away is missing"),
        (after_relu, "one 1/2 too many"),
        (lambda q, n, std, depth: q * n * std**2 * (n * std**2 / 2) ** depth, "one factor too many"),
        (lambda q, n, std, depth: q * n * std * (n * std / 2) ** (depth - 1), "a variance is std**2"),
        (lambda q, n, std, depth: q * std**2 * (std**2 / 2) ** (depth - 1), "n is missing"),
        (lambda q, n, std, depth: np.sqrt(layer_by_layer(q, n, std, depth)), "the root of the mean square"),
        (lambda q, n, std, depth: q * n * std**2 * (n * std**2 / 4) ** (depth - 1), "the factor is 1/2, not 1/4"),
        (lambda q, n, std, depth: q**2 * n * std**2 * (n * std**2 / 2) ** (depth - 1), "q is a mean square already"),
        (lambda q, n, std, depth: q * n * std**2 * (2 * n * std**2) ** (depth - 1), "it does not double"),
        (lambda q, n, std, depth: q * n * std**2 * (n * std**2 * (0.5 - 0.5 / np.pi)) ** (depth - 1), "of a variance"),
        (lambda q, n, std, depth: q * n * std * (n * std) ** (depth - 1), "a second mistake is left"),
        (lambda q, n, std, depth: 3 * layer_by_layer(q, n, std, depth), "exactly the factor 3"),
        (for_100_units, ""),
        (for_eight_layers, "does it take a size for granted?"),
        (counted_down, "reverse order"),
        (the_last_only, "got a single number"),
        (overwrites_depth, "it writes into its argument depth"),
        (lambda q, n, std, depth: [q * n * std**2 * (n * std**2 / 2) ** (d - 1) for d in depth], "got a list"),
        (lambda q, n, std, depth: None, "is a return missing?"),
        (lambda q, n, std, depth: sum(q for _ in range(depth)), "it stopped with TypeError"),
    ],
    "3.2": [
        (lambda n, m: (np.sqrt(2 / (n + m)), np.sqrt(2 / n)), "xavier_bound: that is the standard deviation"),
        (lambda n, m: (np.sqrt(2 / n), np.sqrt(6 / (n + m))), "the two are exchanged"),
        (lambda n, m: (np.sqrt(6 / (n * m)), np.sqrt(2 / n)), "Xavier adds the two widths"),
        (lambda n, m: (np.sqrt(6 / n), np.sqrt(2 / n)), "n_out is missing: Xavier takes the mean"),
        (lambda n, m: (6 / (n + m), np.sqrt(2 / n)), "that is r^2, the root is missing"),
        (lambda n, m: (np.sqrt(3 / n), np.sqrt(2 / n)), "the forward condition alone"),
        (lambda n, m: (np.sqrt(3 / m), np.sqrt(2 / n)), "the backward condition alone"),
        (lambda n, m: (np.sqrt(3 / (n + m)), np.sqrt(2 / n)), "a 2 is missing"),
        (lambda n, m: (np.sqrt(2 / 3 / (n + m)), np.sqrt(2 / n)), "the 3 is on the wrong side"),
        (lambda n, m: (np.sqrt(6 / (n + m)), 1 / np.sqrt(n)), "the half of ReLU is missing"),
        (lambda n, m: (np.sqrt(6 / (n + m)), 2 / n), "that is the variance, the root is missing"),
        (lambda n, m: (np.sqrt(6 / (n + m)), np.sqrt(2 / m)), "that is the backward condition"),
        (lambda n, m: (np.sqrt(6 / (n + m)), np.sqrt(6 / n)), "He's are normal"),
        (lambda n, m: (6 / (n + m), 2 / n), "he_std: that is the variance, the root is missing"),
        (lambda n, m: (3 / (n + m), np.sqrt(2 / n)), ""),
        (in_whole_numbers, ""),
        (weights_themselves, "it draws numbers of its own"),
        (lambda n, m: np.sqrt(6 / (n + m)), "expected it to return xavier_bound, he_std"),
        (lambda n, m: (np.sqrt(6 / sum(n + m)), np.sqrt(2 / sum(n))), "got a single number"),
        (lambda n, m: None, "is a return missing?"),
    ],
    "3.3": [
        (batch_norm, "that is BatchNorm"),
        (over_everything, "the mean over everything"),
        (unbiased, "the variance with n - 1"),
        (sum_of_squares, "the mean of the squares, not their sum"),
        (no_mean, "the mean is not subtracted"),
        (mean_square_of_x, "the mean square of x - m, not of x"),
        (by_the_variance, "divided by the variance, not by its root"),
        (times_std, "multiplied with the standard deviation"),
        (tiny_outside, "tiny is added to the variance, inside the root"),
        (usual_tiny, "tiny is missing, or another number"),
        (std_for_s, "s: s is 1 over the standard deviation"),
        (y_twice, "u: u is without gain and b"),
        (centered_only, "that is only centered"),
        (lambda x, gain, b, tiny: (norm(x, gain, b, tiny)[1], *norm(x, gain, b, tiny)[1:]), "gain and b are missing"),
        (lambda x, gain, b, tiny: norm(x, gain, 0 * b, tiny), "y: b is missing"),
        (lambda x, gain, b, tiny: norm(x, gain, gain * b, tiny), "b is added last"),
        (lambda x, gain, b, tiny: norm(x, b, gain, tiny), "gain and b are exchanged"),
        (lambda x, gain, b, tiny: norm(x, gain, b, tiny)[::-1], "that is s; the order is y, u, s"),
        (flat_s, "the right numbers, in another shape"),
        (without_keepdims, "it stopped with ValueError"),
        (without_keepdims_transposed, "expected shape (9, 1), got shape (9,)"),
        (writes_into_x, "it writes into its argument x"),
        (unbiased_without_b, "a second mistake is left"),
        (five_features, "does it take a size for granted?"),
        (lambda x, gain, b, tiny: norm(x, gain, b, tiny)[0], "expected it to return y, u, s"),
        (lambda x, gain, b, tiny: None, "is a return missing?"),
    ],
    "3.4": [
        (with_dx(lambda du, u, s: s * du), "mean and variance are treated as constants"),
        (with_dx(lambda du, u, s: s * (du - mean(du))), "the way through the variance is missing"),
        (with_dx(lambda du, u, s: s * (du - u * mean(du * u))), "the way through the mean is missing"),
        (gain_forgotten, "gain is forgotten in du"),
        (gain_at_the_end, "gain belongs to du, inside both means"),
        (gain_in_the_direct_way, "gain is in the direct way only"),
        (with_dx(lambda du, u, s: du - mean(du) - u * mean(du * u)), "the factor s of u = s (x - mean) is missing"),
        (with_dx(lambda du, u, s: (du - mean(du) - u * mean(du * u)) / s), "s is divided by"),
        (with_dx(lambda du, u, s: s * (du - mean(du) - u * mean(du * u) / 2)), "half of what it should be"),
        (with_dx(lambda du, u, s: s * (du - mean(du) - 2 * u * mean(du * u))), "twice what it should be"),
        (with_dx(lambda du, u, s: s * (du - mean(du)) - s**2 * u * mean(du * u)), "u holds one already"),
        (with_dx(lambda du, u, s: s * (du - mean(du) - u / s * mean(du * u))), "u stands where x - m should"),
        (with_dx(lambda du, u, s: s * (du - mean(du) - mean(du * u))), "that factor u is missing"),
        (with_dx(lambda du, u, s: s * (du - mean(du) - u * mean(du))), "the second mean is of du u"),
        (with_dx(lambda du, u, s: s * (du - mean(du) + u * mean(du * u))), "that with u is added"),
        (with_dx(lambda du, u, s: s * (du + mean(du) + u * mean(du * u))), "both terms are subtracted, not added"),
        (with_dx(lambda du, u, s: s * (du - du.mean(axis=0) - u * (du * u).mean(axis=0))), "that is BatchNorm's"),
        (with_dx(lambda du, u, s: s * (du - du.sum(1)[:, None] - u * (du * u).sum(1)[:, None])), "sums in the place"),
        (with_dx(lambda du, u, s: -s * (du - mean(du) - u * mean(du * u))), "dx: the sign is wrong"),
        (with_dx(lambda du, u, s: s**2 * (du - mean(du))), "a second mistake is left"),
        (with_parameters(lambda dy, u, gain: ((dy * gain * u).sum(0), dy.sum(0))), "dgain: dy, not du"),
        (with_parameters(lambda dy, u, gain: (dy.sum(0), dy.sum(0))), "dgain: u is missing"),
        (with_parameters(lambda dy, u, gain: ((dy * u).sum(0), (dy * gain).sum(0))), "db: gain has nothing to do"),
        (with_parameters(lambda dy, u, gain: ((dy * u).mean(0), dy.mean(0))), "averaged over the examples"),
        (with_parameters(lambda dy, u, gain: ((dy * u).sum(1), dy.sum(1))), "summed over the features"),
        (with_parameters(lambda dy, u, gain: (dy * u, dy)), "not summed over the examples"),
        (with_parameters(lambda dy, u, gain: (dy.sum(0), (dy * u).sum(0))), "db: that is dgain"),
        (two_in_dx_and_one_in_dgain, "a second mistake is left"),
        (two_in_dx_and_one_in_dgain, "dgain: averaged over the examples"),
        (no_keepdims, "it stopped with ValueError"),
        (into_dy, "it writes into its argument dy"),
        (lambda dy, u, s, gain: norm_backward(dy, u, s, gain)[0], "expected it to return dx, dgain, db"),
        (lambda dy, u, s, gain: None, "is a return missing?"),
    ],
    "3.5": [
        (chain(mask=lambda dh, u, h: dh), "ReLU is left out on the way back"),
        (chain(mask=lambda dh, u, h: dh * (h >= 0)), "or asked for h >= 0"),
        (chain(mask=lambda dh, u, h: dh * (u > 0)), "ReLU bends y = gain u + b, not u"),
        (chain(mask=lambda dh, u, h: dh * h), "multiplied with h, not with ReLU's slope"),
        (relu_at_the_end, "ReLU comes last"),
        (dh_for_the_parameters, "not from dh"),
        (chain(back=no_norm), "LayerNorm is left out on the way back"),
        (chain(back=gain_forgotten), "gain is left out on the way back"),
        (chain(back=with_dx(lambda du, u, s: s * du)), "treated as constants"),
        (chain(last=lambda da, x, W, u, h: (da @ W, x.T @ da)), "W is not transposed"),
        (chain(last=lambda da, x, W, u, h: (da @ W.T, u.T @ da)), "the block's input x, not u"),
        (chain(last=lambda da, x, W, u, h: (da @ W.T, h.T @ da)), "not the output h"),
        (chain(last=lambda da, x, W, u, h: (da @ W.T, da.T @ x)), "transpose"),
        (chain(last=lambda da, x, W, u, h: (da, x.T @ da)), "the dense layer is still to come"),
        (chain(last=lambda da, x, W, u, h: (da @ W.T, x.T @ da / len(x))), "the factor 1/N"),
        (chain(mask=lambda dh, u, h: -dh * (h > 0)), "the sign is wrong"),
        (no_relu_and_h_for_x, "ReLU is left out on the way back"),
        (no_relu_and_h_for_x, "a second mistake is left"),
        (chain(last=lambda da, x, W, u, h: (x.T @ da, da @ W.T)), "that is dW"),
        (lambda dh, x, W, gain, u, s, h: norm_backward(dh * (h > 0), u, s, gain), "got 3 values"),
        (writes_into_dh, "it writes into its argument dh"),
        (lambda dh, x, W, gain, u, s, h: None, "is a return missing?"),
        (
            lambda dh, x, W, gain, u, s, h: chain()(dh, x.reshape(9, 5), W, gain, u, s, h),
            "does it take a size for granted?",
        ),
    ],
}

RIGHT = {
    "3.1": [layer_by_layer, by_a_cumulative_product, by_logarithms],
    "3.2": [one_at_a_time, by_the_mean_of_the_widths],
    "3.3": [row_by_row, by_std, on_a_copy],
    "3.4": [by_the_jacobian, by_sums, on_a_copy_of_dy],
    "3.5": [spelled_out, by_the_jacobian_of_the_block],
}

FIXED = {"3.4": {"s, axis 1"}, "3.5": {"s, axis 1"}}  # one number per row, (N, 1)

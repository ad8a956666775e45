"""Answers of lesson 1 that people give: wrong ones with the words that name them, and right ones that look unusual."""

import numpy as np

from minivae.teach import exercise

dense_forward, dense_backward, relu_forward, relu_backward, net_backward = (
    exercise(number).reference for number in ("1.1", "1.2", "1.3", "1.4", "1.6")
)


# ---- 1.1


def forward_by_loops(x, W, b):
    y = np.zeros((x.shape[0], W.shape[1]))
    for n in range(x.shape[0]):
        for j in range(W.shape[1]):
            y[n, j] = b[j]
            for i in range(x.shape[1]):
                y[n, j] += x[n, i] * W[i, j]
    return y


def bias_in_the_loop(x, W, b):
    y = np.zeros((x.shape[0], W.shape[1]))
    for i in range(x.shape[1]):
        y += np.outer(x[:, i], W[i]) + b
    return y


def forward_overwritten(x, W, b):
    y = np.zeros((x.shape[0], W.shape[1]))
    for n in range(x.shape[0]):
        for j in range(W.shape[1]):
            y[n, j] = b[j]
            for i in range(x.shape[1]):
                y[n, j] = x[n, i] * W[i, j]
    return y


def forward_overwritten_then_b(x, W, b):
    y = np.zeros((x.shape[0], W.shape[1]))
    for i in range(x.shape[1]):
        y[:] = x[:, [i]] * W[i]
    return y + b


def forward_row_by_row(x, W, b):
    return np.array([row.dot(W) + b for row in x])


def forward_with_ones(x, W, b):
    return np.hstack([x, np.ones((len(x), 1))]) @ np.vstack([W, b])


def forward_of_four(x, W, b):
    y = np.zeros((len(x), 4))
    y += x @ W
    return y + b


def forward_without_return(x, W, b):
    y = x @ W + b  # noqa: F841


def bias_into_W(x, W, b):
    W += b
    return x @ W


# ---- 1.2


def backward_by_loops(dy, x, W):
    dx, dW, db = np.zeros(x.shape), np.zeros(W.shape), np.zeros(W.shape[1])
    for n in range(x.shape[0]):
        for j in range(W.shape[1]):
            db[j] += dy[n, j]
            for i in range(x.shape[1]):
                dx[n, i] += dy[n, j] * W[i, j]
                dW[i, j] += dy[n, j] * x[n, i]
    return dx, dW, db


def returned_after_an_example(dy, x, W):
    dx, dW, db = np.zeros(x.shape), np.zeros(W.shape), np.zeros(W.shape[1])
    for n in range(len(x)):
        dx[n] += W @ dy[n]
        dW += np.outer(x[n], dy[n])
        db += dy[n]
        return dx, dW, db


def returned_after_an_output(dy, x, W):
    dx, dW, db = np.zeros(x.shape), np.zeros(W.shape), np.zeros(W.shape[1])
    for n in range(x.shape[0]):
        for j in range(W.shape[1]):
            db[j] += dy[n, j]
            for i in range(x.shape[1]):
                dx[n, i] += dy[n, j] * W[i, j]
                dW[i, j] += dy[n, j] * x[n, i]
            return dx, dW, db


def returned_at_once(dy, x, W):
    dx, dW, db = np.zeros(x.shape), np.zeros(W.shape), np.zeros(W.shape[1])
    for n in range(x.shape[0]):
        for j in range(W.shape[1]):
            db[j] += dy[n, j]
            for i in range(x.shape[1]):
                dx[n, i] += dy[n, j] * W[i, j]
                dW[i, j] += dy[n, j] * x[n, i]
                return dx, dW, db


def db_in_the_loop_over_i(dy, x, W):
    dx, dW, db = np.zeros(x.shape), np.zeros(W.shape), np.zeros(W.shape[1])
    for n in range(x.shape[0]):
        for j in range(W.shape[1]):
            for i in range(x.shape[1]):
                db[j] += dy[n, j]
                dx[n, i] += dy[n, j] * W[i, j]
                dW[i, j] += dy[n, j] * x[n, i]
    return dx, dW, db


def dx_in_every_row(dy, x, W):
    dx = np.zeros(x.shape)
    for row in dy:
        dx += W @ row
    return dx, x.T @ dy, dy.sum(0)


def loss_again(dy, x, W):
    dy = 2 * dy / len(x)
    return dense_backward(dy, x, W)


def backward_by_einsum(dy, x, W):
    return [np.einsum("nj,ij->ni", dy, W), np.einsum("ni,nj->ij", x, dy), np.einsum("nj->j", dy)]


def backward_by_matmul(dy, x, W):
    return np.matmul(W, dy.T).T, np.matmul(dy.T, x).T, np.ones(len(dy)) @ dy


def sums_overwritten(dy, x, W):
    dx, dW = np.zeros(x.shape), np.zeros(W.shape)
    for row in range(len(x)):
        dW = np.outer(x[row], dy[row])
        dx[row] = W @ dy[row]
    return dx, dW, dy.sum(axis=0)


def all_overwritten(dy, x, W):
    dx, dW, db = np.zeros(x.shape), np.zeros(W.shape), np.zeros(W.shape[1])
    for row in range(len(x)):
        dx[row], dW, db = W @ dy[row], np.outer(x[row], dy[row]), dy[row]
    return dx, dW, db


def dy_averaged_in_place(dy, x, W):
    dy /= len(dy)
    return dy @ W.T, x.T @ dy, dy.sum(axis=0)


def backward_with_kept_axes(dy, x, W):
    return dy.dot(W.T), (x[:, :, None] * dy[:, None, :]).sum(axis=0), dy.sum(axis=0, keepdims=True)[0]


def entry_by_entry(dy, x, W):
    return dy * W, x * dy, dy


def with_three(change):
    """dense_backward with something done to its outputs."""
    return lambda dy, x, W: change(*dense_backward(dy, x, W), dy, x, W)


# ---- 1.3 and 1.4


def relu_by_loops(a):
    h = np.zeros(a.shape)
    for n in range(len(a)):
        for j in range(a.shape[1]):
            if a[n, j] > 0:
                h[n, j] = a[n, j]
    return h


def relu_on_a_copy(a):
    h = a.copy()
    h[h < 0] = 0
    return h


def relu_in_place(a):
    a[a < 0] = 0
    return a


def relu_of_python(a):
    return max(a, 0)


def relu_of_lists(a):
    return [[max(value, 0) for value in row] for row in a]


def passed_on_a_copy(dh, h):
    da = dh.copy()
    da[h == 0] = 0
    return da


def passed_by_loops(dh, h):
    da = np.empty(dh.shape)
    for n, j in np.ndindex(*h.shape):
        da[n, j] = dh[n, j] if h[n, j] > 0 else 0
    return da


def passed_into_empty(dh, h):
    da = np.empty_like(dh)
    da[h > 0] = dh[h > 0]
    return da


def stopped_in_place(dh, h):
    dh[h == 0] = 0
    return dh


# ---- 1.6


def net_by_hand(dy, x, W1, b1, W2, b2):
    a = x @ W1 + b1
    h = np.where(a > 0, a, 0)
    da = np.dot(dy, W2.T) * np.where(a > 0, 1, 0)
    return x.T.dot(da), da.sum(0), h.T.dot(dy), dy.sum(0)


def net_example_by_example(dy, x, W1, b1, W2, b2):
    total = [np.zeros(a.shape) for a in (W1, b1, W2, b2)]
    for n in range(len(x)):
        for a, part in zip(total, net_by_hand(dy[n : n + 1], x[n : n + 1], W1, b1, W2, b2), strict=True):
            a += part
    return total


def net(dy, x, W1, b1, W2, b2, mask=None, h=None, W=None):
    """net_backward with another mask, or another h, or another W2 on the way back."""
    a = x @ W1 + b1
    kept = np.maximum(a, 0)
    dh = dy @ (W2 if W is None else W).T
    da = mask(dh, a, kept) if mask else dh * (a > 0)
    return x.T @ da, da.sum(axis=0), (h(a, kept) if h else kept).T @ dy, dy.sum(axis=0)


def net_of(**parts):
    return lambda *arrays: net(*arrays, **parts)


def first_layer_gets_dy(dy, x, W1, b1, W2, b2):
    h = relu_forward(dense_forward(x, W1, b1))
    _, dW1, db1 = dense_backward(dy, x, W1)
    _, dW2, db2 = dense_backward(dy, h, W2)
    return dW1, db1, dW2, db2


def first_layer_gets_dy_by_hand(dy, x, W1, b1, W2, b2):
    h = np.maximum(0, x @ W1 + b1)
    return x.T @ dy, dy.sum(0), h.T @ dy, dy.sum(0)


def relu_gets_dy(dy, x, W1, b1, W2, b2):
    h = relu_forward(dense_forward(x, W1, b1))
    dh, dW2, db2 = dense_backward(dy, h, W2)
    _, dW1, db1 = dense_backward(relu_backward(dy, h), x, W1)
    return dW1, db1, dW2, db2


def with_input(first=lambda x, a, h, y: x, second=lambda x, a, h, y: h):
    """net_backward with another array in the place of a layer's input."""

    def answer(dy, x, W1, b1, W2, b2):
        a = x @ W1 + b1
        h = np.maximum(a, 0)
        values = x, a, h, h @ W2 + b2
        da = (dy @ W2.T) * (a > 0)
        return first(*values).T @ da, da.sum(0), second(*values).T @ dy, dy.sum(0)

    return answer


def parameters_after_a_step(dy, x, W1, b1, W2, b2, rate=0.1):
    dW1, db1, dW2, db2 = net_backward(dy, x, W1, b1, W2, b2)
    return W1 - rate * dW1, b1 - rate * db1, W2 - rate * dW2, b2 - rate * db2


def with_four(change):
    return lambda dy, x, W1, b1, W2, b2: change(*net_backward(dy, x, W1, b1, W2, b2))


def no_mask(dh, a, h):
    return dh


WRONG = {
    "1.1": [
        (lambda x, W, b: x @ W, "b is missing"),
        (lambda x, W, b: x @ W - b, "b is subtracted"),
        (lambda x, W, b: x @ (W + b), "b is inside the product"),
        (lambda x, W, b: x @ W.T + b, "W is transposed"),
        (lambda x, W, b: x @ W.T, "a second mistake is left"),
        (lambda x, W, b: (x + b) @ W, "b is added to x"),
        (lambda x, W, b: np.maximum(x @ W + b, 0), "what is negative is set to 0"),
        (lambda x, W, b: x @ W + b.sum(), "not the sum of all"),
        (lambda x, W, b: (x @ W + b).sum(axis=0), "each has its own y"),
        (lambda x, W, b: W @ x + b, "it stopped with ValueError: matmul"),
        (lambda x, W, b: x * W + b, "could not be broadcast"),
        (lambda x, W, b: (x @ W + b).T, "it is the transpose"),
        (bias_in_the_loop, "b is added once for each input"),
        (lambda x, W, b: x @ W + b + b, "b is added twice"),
        (lambda x, W, b: b - x @ W, "the product is subtracted"),
        (lambda x, W, b: np.squeeze(x @ W + b), "does it take a size for granted?"),
        (lambda x, W, b: x @ W / W.shape[0] + b, "the mean over the inputs"),
        (forward_overwritten, "and b is lost"),
        (forward_overwritten_then_b, "= overwrites, += adds"),
        (lambda x, W, b: relu_forward(dense_forward(x, W, b)), "this layer does not do that"),
        (lambda x, W, b: (x @ W + b).tolist(), "got a list"),
        (forward_of_four, "does it take a size for granted?"),
        (forward_without_return, "is a return missing?"),
        (bias_into_W, "it writes into its argument W"),
    ],
    "1.2": [
        (with_three(lambda dx, dW, db, dy, x, W: (dy @ W, dW, db)), "W is not transposed"),
        (with_three(lambda dx, dW, db, dy, x, W: (dx, dy.T @ x, db)), "transpose"),
        (with_three(lambda dx, dW, db, dy, x, W: (dy @ W, dy.T @ x, db)), "dx: W is not transposed"),
        (with_three(lambda dx, dW, db, dy, x, W: (dx / len(x), dW / len(x), db / len(x))), "averaged over the exam"),
        (with_three(lambda dx, dW, db, dy, x, W: (dx, dW / len(x), db / len(x))), "dW, db: averaged over the exam"),
        (with_three(lambda dx, dW, db, dy, x, W: (dx, dW, dy.sum(axis=1))), "that is axis 1"),
        (with_three(lambda dx, dW, db, dy, x, W: (dx, dW, dy.sum())), "summed over everything"),
        (with_three(lambda dx, dW, db, dy, x, W: (dx, dW, dy)), "dy is not summed over the examples"),
        (with_three(lambda dx, dW, db, dy, x, W: (dx, dW, dy.sum(axis=0, keepdims=True))), "in another shape"),
        (with_three(lambda dx, dW, db, dy, x, W: (dW, dx, db)), "that is dW"),
        (with_three(lambda dx, dW, db, dy, x, W: (db, dW, dx)), "that is db"),
        (with_three(lambda dx, dW, db, dy, x, W: (-dx, -dW, -db)), "the sign is wrong"),
        (with_three(lambda dx, dW, db, dy, x, W: (dx.T, dW, db)), "it is the transpose"),
        (with_three(lambda dx, dW, db, dy, x, W: (dx, dW)), "got 2 values"),
        (with_three(lambda dx, dW, db, dy, x, W: (dx, x[:, :, None] * dy[:, None], db)), "not yet added up"),
        (with_three(lambda dx, dW, db, dy, x, W: (dx, np.outer(x.sum(0), dy.sum(0)), db)), "product of two sums"),
        (with_three(lambda dx, dW, db, dy, x, W: (x, W, db)), "dW: that is W, which is known"),
        (lambda dy, x, W: dense_backward(np.ones(dy.shape), x, W), "dy is not used"),
        (lambda dy, x, W: dense_backward(dy, x, W.T) if len(W) == len(W.T) else dense_backward(dy, x, W),
         "W is not transposed"),
        (lambda dy, x, W: (W.T @ dy, x.T @ dy, dy.sum(0)), "it stopped with ValueError"),
        (sums_overwritten, "the last example's part alone"),
        (all_overwritten, "dW, db: the last example's part alone"),
        (with_three(lambda dx, dW, db, dy, x, W: (dx, dW, np.ones(len(db)))), "the slope of y in b alone"),
        (dy_averaged_in_place, "it writes into its argument dy"),
        (with_three(lambda dx, dW, db, dy, x, W: (dx, dW, np.squeeze(dy.sum(0)))), "does it take a size for granted?"),
        (returned_after_an_example, "only the first example is there"),
        (returned_after_an_output, "only the first output of the first example"),
        (returned_at_once, "only the first product"),
        (db_in_the_loop_over_i, "is it inside the loop over i?"),
        (dx_in_every_row, "dx: every row is the sum over all examples"),
        (with_three(lambda dx, dW, db, dy, x, W: (dx.sum(0), dW, db)), "dx: summed over the examples"),
        (with_three(lambda dx, dW, db, dy, x, W: (dx, np.matmul(x, dy.T), db)), "the last index of x and dy is summed"),
        (with_three(lambda dx, dW, db, dy, x, W: (dx, np.matmul(dy, x.T), db)), "the last index of dy and x is summed"),
        (loss_again, "dy is already the derivative of the loss"),
        (entry_by_entry, "it stopped with ValueError"),
        (lambda dy, x, W: None, "is a return missing?"),
        (lambda dy, x, W: (dy @ W.T, (x.T @ dy)[:4, :4], dy.sum(0)), "does it take a size for granted?"),
    ],
    "1.3": [
        (abs, "mirrored, not cut"),
        (lambda a: np.minimum(a, 0), "that is the minimum"),
        (lambda a: a > 0, "that is where a is positive"),
        (lambda a: np.max(a, 0), "np.maximum compares entry by entry"),
        (lambda a: np.max(a), "one number: the largest of all"),
        (lambda a: np.maximum(a, 0.01 * a), "here some of each passes"),
        (lambda a: np.clip(a, 0, 1), "large numbers are cut as well"),
        (lambda a: np.maximum(a, 1), ""),
        (lambda a: a[a > 0], "only the positive numbers are left"),
        (lambda a: np.where(a < 0, -a, 0), "the negative numbers are kept"),
        (lambda a: np.maximum(-a, 0), "the negative numbers are kept"),
        (lambda a: np.abs(np.minimum(a, 0)), "the negative numbers are kept"),
        (lambda a: np.where(a > 0.01, a, 0), ""),
        (lambda a: -np.maximum(a, 0), "the sign is wrong"),
        (relu_in_place, "it writes into its argument a"),
        (relu_of_python, "it stopped with ValueError"),
        (relu_of_lists, "got a list"),
        (lambda a: None, "is a return missing?"),
    ],
    "1.4": [
        (lambda dh, h: h > 0, "dh is not used"),
        (lambda dh, h: dh * (h >= 0), "the gradient passes everywhere"),
        (lambda dh, h: np.maximum(dh, 0), "the ReLU of the gradient"),
        (lambda dh, h: dh * h, "multiplied with h"),
        (lambda dh, h: h * (dh > 0), "dh and h are exchanged"),
        (lambda dh, h: dh * (h == 0), "the other way round"),
        (lambda dh, h: dh * (h < 0), "h is never below 0"),
        (lambda dh, h: np.where(h > 0, 1, dh), "1 where h is positive, and dh where it is 0"),
        (lambda dh, h: dh * (h > 0.01), ""),
        (lambda dh, h: dh * np.where(h > 0, 1, 0.01), "a little passes where h is 0"),
        (lambda dh, h: dh * np.heaviside(h, 0.5), "half of it passes where h is 0"),
        (lambda dh, h: abs(dh) * (h > 0), "dh loses its sign"),
        (lambda dh, h: dh * (h > 0) * (dh > 0), "negative dh is cut as well"),
        (lambda dh, h: 2 * dh * (h > 0), "the factor 2"),
        (lambda dh, h: dh[h > 0], "only what passes is left"),
        (lambda dh, h: np.where(h > 0, h, 0), "that is h, which is known"),
        (passed_into_empty, "np.empty holds what was in memory before"),
        (lambda dh, h: dh if h > 0 else 0, "it stopped with ValueError"),
        (stopped_in_place, "it writes into its argument dh"),
    ],
    "1.5": [
        (lambda y, target: (y - target) / len(y), "the 2 of the square is missing"),
        (lambda y, target: 2 * (y - target), "not divided by N"),
        (lambda y, target: y - target, "are both missing"),
        (lambda y, target: 2 * (y - target) / y.size, "the number of all entries"),
        (lambda y, target: 2 * (target - y) / len(y), "the sign"),
        (lambda y, target: ((y - target) ** 2).sum() / len(y), "that is the loss"),
        (lambda y, target: (y - target) ** 2 / len(y), "not how it changes"),
        (lambda y, target: 2 * (y - target) ** 2 / len(y), "still squared"),
        (lambda y, target: np.mean(2 * (y - target), axis=0), "summed over the examples"),
        (lambda y, target: 2 * abs(y - target) / len(y), "without the sign"),
        (lambda y, target: 2 * np.mean(y - target), ""),
        (lambda y, target: (y - target) ** 2, "and N is missing"),
        (lambda y, target: 2 * y - target / len(y), "brackets are missing"),
        (lambda y, target: 2 * (y + target) / len(y), "target is added"),
        (lambda y, target: y + target, "a second mistake is left"),
        (lambda y, target: (2 * (y - target) / len(y)).sum(1), "summed over the outputs"),
        (lambda y, target: 2 * (y - target) * len(y), "multiplied with N"),
        (lambda y, target: (2 * (y - target) / len(y)).T, "it is the transpose"),
        (lambda y, target: None, "is a return missing?"),
    ],
    "1.6": [
        (net_of(mask=no_mask), "ReLU is left out on the way back"),
        (net_of(mask=no_mask, h=lambda a, h: a), "there is no ReLU, neither"),
        (lambda dy, *rest: net(dy / len(dy), *rest, mask=no_mask), "averaged over the examples"),
        (net_of(mask=lambda dh, a, h: dh * (a < 0)), "the other way round"),
        (net_of(mask=lambda dh, a, h: dh * (h < 0)), "dW1, db1: zero everywhere; if you ask where h < 0"),
        (first_layer_gets_dy, "it stopped with ValueError"),
        (first_layer_gets_dy_by_hand, "dW1, db1: dy goes into both layers"),
        (relu_gets_dy, "could not be broadcast"),
        (with_input(second=lambda x, a, h, y: y), "dW2: the second layer's input is h; y comes out"),
        (with_input(first=lambda x, a, h, y: a), "dW1: the first layer's input is x; a comes out"),
        (with_input(first=lambda x, a, h, y: h), "dW1: the first layer's input is x, not h"),
        (lambda dy, x, *rest: net_backward(2 * dy / len(x), x, *rest), "dy is already the derivative of the loss"),
        (parameters_after_a_step, "the parameters after a step"),
        (net_of(mask=lambda dh, a, h: dh * (dh > 0)), "the ReLU of the gradient"),
        (net_of(mask=lambda dh, a, h: h * (dh > 0)), "relu_backward takes dh first"),
        (net_of(mask=lambda dh, a, h: dh * h), "multiplied with h"),
        (net_of(h=lambda a, h: a), "the second layer's input is h"),
        (lambda dy, x, W1, b1, W2, b2: net_backward(dy, x, W1, 0 * b1, W2, b2), "b1 is missing in the forward"),
        (lambda dy, x, W1, b1, W2, b2: net(dy, x, W1, 0 * b1, W2, b2, mask=no_mask),
         "dW2: b1 is missing in the forward"),
        (lambda dy, x, W1, b1, W2, b2: net(dy, x, W1, 0 * b1, W2, b2, mask=no_mask),
         "dW1, db1: ReLU is left out on the way back"),
        (lambda *arrays: net(*arrays, W=arrays[4].T), "it stopped with ValueError"),
        (lambda dy, *rest: net_backward(dy / len(dy), *rest), "averaged over the examples"),
        (lambda dy, *rest: net_backward(np.ones_like(dy), *rest), "dy is not used"),
        (with_four(lambda dW1, db1, dW2, db2: (dW2, db2, dW1, db1)), "the order is dW1"),
        (with_four(lambda dW1, db1, dW2, db2: (dW1, dW2, db1, db2)), "that is dW2; the order"),
        (with_four(lambda dW1, db1, dW2, db2: (dW1.T, db1, dW2, db2)), "it is the transpose"),
        (with_four(lambda dW1, db1, dW2, db2: (-dW1, -db1, -dW2, -db2)), "the sign is wrong"),
        (with_four(lambda dW1, db1, dW2, db2: (dW1, db1, dW2, db1)), "db1 and db2 are one array"),
        (with_four(lambda dW1, db1, dW2, db2: (dW1, db1, dW2)), "got 3 values"),
        (lambda dy, x, W1, b1, W2, b2: dense_backward(dense_backward(dy, x, W2), x, W1), "it stopped with ValueError"),
        (lambda dy, x, W1, b1, W2, b2: (W1, b1, W2, b2), "those are the parameters"),
        (lambda *arrays: None, "is a return missing?"),
    ],
}  # fmt: skip

RIGHT = {
    "1.1": [
        forward_by_loops,
        forward_row_by_row,
        forward_with_ones,
        lambda x, W, b: np.add(np.matmul(x, W), b),
        lambda x, W, b: np.einsum("ni,ij->nj", x, W) + b.reshape(1, -1),
        lambda x, W, b: dense_forward(x, W, b).astype("float32"),
    ],
    "1.2": [backward_by_loops, backward_by_einsum, backward_by_matmul, backward_with_kept_axes],
    "1.3": [
        relu_by_loops,
        relu_on_a_copy,
        lambda a: a * (a > 0),
        lambda a: (a + np.abs(a)) / 2,
        lambda a: np.where(a < 0, 0, a),
        lambda a: a.clip(min=0),
    ],
    "1.4": [passed_on_a_copy, passed_by_loops, lambda dh, h: np.where(h > 0, dh, h), lambda dh, h: dh * np.sign(h)],
    "1.5": [
        lambda y, target: (2 / y.shape[0]) * (y - target),
        lambda y, target: -2 * (target - y) / len(y),
        lambda y, target: np.array([[2 * (a - b) / len(y) for a, b in zip(*rows, strict=True)] for rows in zip(
            y, target, strict=True)]),
        lambda y, target: (2 * (y - target) / len(y)).astype("float32"),
    ],
    "1.6": [net_by_hand, net_example_by_example, net],
}  # fmt: skip

"""Answers of lesson 10 that people give: wrong ones with the words that name them, and right ones that look unusual."""

import numpy as np

from minivae.teach import exercise

conv_forward, conv_backward, conv_transpose = (exercise(number).reference for number in ("4.3", "4.5", "4.6"))
BORDER = (0, 0), (1, 1), (1, 1), (0, 0)


def halve(x, W, b):
    return conv_forward(np.pad(x, BORDER), W, b, 2)


def halve_backward(dy, x, W):
    dx, dW, db = conv_backward(dy, np.pad(x, BORDER), W, 2)
    return dx[:, 1:-1, 1:-1], dW, db


def double(x, W, b):
    return conv_transpose(x, W, 2)[:, 1:-1, 1:-1] + b


def relu(a):
    return a * (a > 0)


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


# ---- 10.1, 10.2


def places_counted(n, kernel, stride, padding):
    return np.array([len(range(0, m + 2 * padding - kernel + 1, stride)) for m in n])


def places_counted_for_any_n(n, kernel, stride, padding):
    return np.vectorize(lambda m: len(range(0, m + 2 * padding - kernel + 1, stride)))(n)


def one_division(n, kernel, stride, padding):
    return np.floor((n - kernel + 2 * padding + stride) / stride)


def last_pixel_counted(n, kernel, stride, padding):
    return np.array([(m - 1) * stride + kernel - 2 * padding for m in n])


def last_pixel_counted_for_any_n(n, kernel, stride, padding):
    ends = [max(i * stride + k for i in range(m) for k in range(kernel)) for m in np.atleast_1d(n)]
    return np.reshape(ends, np.shape(n)) + 1 - 2 * padding


# ---- 10.3


def entries_of_the_arrays(side, kernel, c_in, c_out):
    W, b = np.zeros((kernel, kernel, c_in, c_out)), np.zeros(c_out)
    return np.array([W.size + b.size, W.size * side**2])


def cost_with(parameters):
    def conv_cost(side, kernel, c_in, c_out):
        W = kernel * kernel * c_in * c_out
        return parameters(side, W, c_in, c_out), W * side * side

    return conv_cost


# ---- 10.4


def encode_by_steps(x, W1, b1, W2, b2, W3, b3):
    N, D = x.shape
    side = round(np.sqrt(D))
    h = x.reshape(N, side, side)[..., None]
    for W, b in ((W1, b1), (W2, b2)):
        h = np.where(halve(h, W, b) > 0, halve(h, W, b), 0)
    out = np.dot(h.reshape(N, -1), W3) + b3
    return [*np.hsplit(out, 2)]


def encode_stacked(x, W1, b1, W2, b2, W3, b3):
    return np.stack(encode_by_steps(x, W1, b1, W2, b2, W3, b3))


def encode_in_float32(*arrays):
    return tuple(a.astype("float32") for a in encode_by_steps(*arrays))


def encode_with(first=relu, last=relu, flat=lambda h: h, cut=lambda out: np.hsplit(out, 2), side=None):
    def encode(x, W1, b1, W2, b2, W3, b3):
        n = side or int(x.shape[1] ** 0.5)
        h1 = first(halve(x.reshape(len(x), n, n, 1), W1, b1))
        h2 = last(halve(h1, W2, b2))
        return tuple(cut(flat(h2).reshape(len(x), -1) @ W3 + b3))

    return encode


def encode_with_relu_before(x, W1, b1, W2, b2, W3, b3):
    n = int(x.shape[1] ** 0.5)
    h = halve(relu(halve(relu(x.reshape(-1, n, n, 1)), W1, b1)), W2, b2)
    return np.split(h.reshape(len(x), -1) @ W3 + b3, 2, axis=1)


def encode_images_turned(x, *weights):
    side = int(x.shape[1] ** 0.5)
    return encode_by_steps(x.reshape(-1, side, side).transpose(0, 2, 1).reshape(x.shape), *weights)


# ---- 10.5


def decode_with(first=relu, second=relu, last=lambda out: out, image=None, side=None, c=None):
    def decode(z, W1, b1, W2, b2, W3, b3):
        h1 = first(z @ W1 + b1)
        channels = c or W2.shape[2]
        n = side or int((h1.shape[1] / channels) ** 0.5)
        h1 = image(h1, n, channels) if image else h1.reshape(len(z), n, n, channels)
        out = double(second(double(h1, W2, b2)), W3, b3)
        return last(out.reshape(len(z), -1))

    return decode


def decode_without_cutting(z, W1, b1, W2, b2, W3, b3):
    h1 = relu(z @ W1 + b1)
    n = int((h1.shape[1] / W2.shape[2]) ** 0.5)
    h2 = relu(conv_transpose(h1.reshape(len(z), n, n, -1), W2, 2) + b2)
    return (conv_transpose(h2, W3, 2) + b3).reshape(len(z), -1)


def decode_image_by_image(z, W1, b1, W2, b2, W3, b3):
    rows = []
    for code in z:
        h1 = relu(code @ W1 + b1)
        n = int((h1.size // W2.shape[2]) ** 0.5)
        h2 = relu(double(h1.reshape(1, n, n, -1), W2, b2))
        rows.append(double(h2, W3, b3).ravel())
    return np.array(rows)


# ---- 10.6


def gradients_with(last=None, first=None, side_by_side=None, unflatten=None, side=None):
    def encode_backward(dmu, dlog_var, x, W1, b1, W2, b2, W3, b3):
        n = side or int(x.shape[1] ** 0.5)
        images = x.reshape(len(x), n, n, 1)
        h1 = relu(halve(images, W1, b1))
        h2 = relu(halve(h1, W2, b2))
        dout = side_by_side(dmu, dlog_var) if side_by_side else np.hstack([dmu, dlog_var])
        dW3, db3 = h2.reshape(len(x), -1).T @ dout, dout.sum(0)
        dh2 = dout @ W3.T
        dh2 = unflatten(dh2, h2) if unflatten else dh2.reshape(h2.shape)
        dh1, dW2, db2 = halve_backward(last(dh2, h2) if last else dh2 * (h2 > 0), h1, W2)
        _, dW1, db1 = halve_backward(first(dh1, h1) if first else dh1 * (h1 > 0), images, W1)
        return dW1, db1, dW2, db2, dW3, db3

    return encode_backward


def computed_again(first=relu, last=relu, stored=False, axis=0):
    def encode_backward(dmu, dlog_var, x, W1, b1, W2, b2, W3, b3):
        n = int(x.shape[1] ** 0.5)
        images = x.reshape(len(x), n, n, 1)
        a1 = halve(images, W1, b1)
        h1 = first(a1)
        h2 = last(halve(h1, W2, b2))
        dout = np.hstack([dmu, dlog_var])
        dh2 = (dout @ W3.T).reshape(h2.shape) * (h2 > 0)
        dh1, dW2, db2 = halve_backward(dh2, a1 if stored else h1, W2)
        _, dW1, db1 = halve_backward(dh1 * (h1 > 0), images, W1)
        return dW1, db1, dW2, db2, h2.reshape(len(x), -1).T @ dout, dout.sum(axis)

    return encode_backward


def no_relu(d, h):
    return d


def at_least_0(d, h):
    return d * (h >= 0)


def times_h(d, h):
    return d * h


def relu_of_the_gradient(d, h):
    return np.maximum(d, 0)


def channels_first(dh2, h2):
    N, h, w, c = h2.shape
    return dh2.reshape(N, c, h, w).transpose(0, 2, 3, 1)


def gradients_as_a_list(*arrays):
    return list(gradients_with()(*arrays))


def gradients_by_slopes(dmu, dlog_var, x, W1, b1, W2, b2, W3, b3):
    images = x.reshape(len(x), int(len(x[0]) ** 0.5), -1, 1)
    a1 = halve(images, W1, b1)
    a2 = halve(relu(a1), W2, b2)
    h2 = relu(a2).reshape(len(x), -1)
    L = dmu.shape[1]
    dW3 = np.concatenate([h2.T @ dmu, h2.T @ dlog_var], axis=1)
    db3 = np.concatenate([dmu.sum(0), dlog_var.sum(0)])
    da2 = (dmu @ W3[:, :L].T + dlog_var @ W3[:, L:].T).reshape(a2.shape) * np.sign(relu(a2))
    dh1, dW2, db2 = halve_backward(da2, relu(a1), W2)
    _, dW1, db1 = halve_backward(dh1 * np.sign(relu(a1)), images, W1)
    return dW1, db1, dW2, db2, dW3, db3


def two_of_six(*arrays):
    return gradients_with()(*arrays)[:2]


def last_layer_first(*arrays):
    dW1, db1, dW2, db2, dW3, db3 = gradients_with()(*arrays)
    return dW3, db3, dW2, db2, dW1, db1


def bias_by_the_mean(*arrays):
    dW1, db1, dW2, db2, dW3, db3 = gradients_with()(*arrays)
    return dW1, db1, dW2, db2, dW3, db3 / len(arrays[0])


# ---- 10.7


def by_loops(dy, x, W):
    padded = np.pad(dy, BORDER)
    dx, dW = np.zeros(x.shape), np.zeros(W.shape)
    for i in range(x.shape[1]):
        for j in range(x.shape[2]):
            patch = padded[:, 2 * i : 2 * i + 4, 2 * j : 2 * j + 4]
            dx[:, i, j] = np.einsum("nkld,klcd->nc", patch, W)
            dW += np.einsum("nc,nkld->klcd", x[:, i, j], patch)
    return dx, dW, np.einsum("npqd->d", dy)


def with_one_product(dy, x, W):
    patches = np.lib.stride_tricks.sliding_window_view(np.pad(dy, BORDER), (4, 4), axis=(1, 2))[:, ::2, ::2]
    return [np.einsum("nijdkl,klcd->nijc", patches, W), np.einsum("nijc,nijdkl->klcd", x, patches), dy.sum((0, 1, 2))]


def doubled(change):
    return lambda dy, x, W: change(*by_loops(dy, x, W), dy, x, W)


def channels_not_exchanged(dy, x, W):
    _, dW, db = by_loops(dy, x, W)
    return halve(dy, W, np.zeros(W.shape[3])), dW, db


def bias_of_the_channels_out(dy, x, W):
    _, dW, db = by_loops(dy, x, W)
    return halve(dy, W.transpose(0, 1, 3, 2), np.zeros(W.shape[3])), dW, db


def weights_of_w_itself(dy, x, W):
    dx, _, db = by_loops(dy, x, W)
    return dx, halve_backward(x, dy, W)[1].transpose(0, 1, 3, 2), db


def exchanged_where_it_does_not_fit(dy, x, W):
    _, dW, db = by_loops(dy, x, W)
    V = W if W.shape[2] == dy.shape[3] else W.transpose(0, 1, 3, 2)
    return halve(dy, V, np.zeros(x.shape[3])), dW, db


def bias_of_halve_backward(dy, x, W):
    V = W.transpose(0, 1, 3, 2)
    _, dV, db = halve_backward(x, dy, V)
    return halve(dy, V, 0), dV.transpose(0, 1, 3, 2), db


def mirrored_and_not_exchanged(dy, x, W):
    _, dW, db = by_loops(dy, x, W)
    return halve(dy, W[::-1, ::-1], 0), dW, db


def reshaped(dy, x, W):
    _, dW, db = by_loops(dy, x, W)
    return halve(dy, W.reshape(4, 4, W.shape[3], W.shape[2]), 0), dW, db


def roles_of_a_convolution(dy, x, W):
    return halve_backward(dy, x, W)


WRONG = {
    "10.1": [
        (
            lambda n, kernel, stride, padding: np.round((n + 2 * padding - kernel) / stride) + 1,
            "rounded to the nearest: a kernel that does not fit whole does not count",
        ),
        (
            lambda n, kernel, stride, padding: np.array([len(range(0, m + 2 * padding - kernel, stride)) for m in n]),
            "the last place is missing where the kernel ends with the image",
        ),
        (
            lambda n, kernel, stride, padding: (n + 2 * padding - kernel + 1) // stride,
            "1 is added before the division",
        ),
        (lambda n, kernel, stride, padding: (n + padding - kernel) // stride + 1, "so twice"),
        (lambda n, kernel, stride, padding: (n + 2 * padding - kernel) // stride, "the first place is missing"),
        (lambda n, kernel, stride, padding: (n - kernel) // stride + 1, "the padding is missing"),
        (lambda n, kernel, stride, padding: (n + 2 * padding - kernel) / stride + 1, "not rounded"),
        (lambda n, kernel, stride, padding: np.ceil((n + 2 * padding - kernel) / stride) + 1, "rounded up"),
        (lambda n, kernel, stride, padding: n // 2, "n // 2: that is right"),
        (lambda n, kernel, stride, padding: n // stride, "n // stride"),
        (lambda n, kernel, stride, padding: (n + padding - kernel) // stride, "a second mistake is left"),
        (lambda n, kernel, stride, padding: (n + 2 * padding - 14) // 5 + 1, "does it take a size for granted?"),
        (lambda n, kernel, stride, padding: (n - 1) * stride + kernel - 2 * padding, "of a transposed convolution"),
        (lambda n, kernel, stride, padding: range(n), "it stopped with TypeError"),
        (lambda n, kernel, stride, padding: None, "is a return missing?"),
        (lambda n, kernel, stride, padding: (n + 2 * padding - kernel + 1) // stride, "1 is added before the division"),
        (lambda n, kernel, stride, padding: (n + 2 * padding - stride) // kernel + 1, "kernel and stride are exch"),
        (lambda n, kernel, stride, padding: -(-(n - kernel) // stride) + 1, "rounded up"),
        (
            lambda n, kernel, stride, padding: np.round((n + 2 * padding - kernel) / stride) + 1,
            "rounded to the nearest",
        ),
        (lambda n, kernel, stride, padding: (n - 2 * padding - kernel) // stride + 1, "the padding is subtracted"),
        (places_counted, "it stopped with TypeError"),
    ],
    "10.2": [
        (lambda n, kernel, stride, padding: n * stride + kernel - 2 * padding - 1, "stride - 1 too many"),
        (lambda n, kernel, stride, padding: (n - 1) * kernel + stride - 2 * padding, "kernel and stride are exchanged"),
        (last_pixel_counted, "it stopped with TypeError"),
        (lambda n, kernel, stride, padding: n * stride + kernel - 2 * padding, "not at n stride"),
        (lambda n, kernel, stride, padding: (n - 1) * stride + kernel - padding, "so twice"),
        (lambda n, kernel, stride, padding: (n - 1) * stride + kernel, "the padding is missing"),
        (lambda n, kernel, stride, padding: (n - 1) * stride + kernel + 2 * padding, "cut off here, not added"),
        (lambda n, kernel, stride, padding: n * stride, "n stride: that is right only"),
        (lambda n, kernel, stride, padding: n * stride + kernel - padding, "a second mistake is left"),
        (lambda n, kernel, stride, padding: (n - 1) * stride, "is not yet where it ends"),
        (lambda n, kernel, stride, padding: 2 * n, "2 n: that is right"),
        (lambda n, kernel, stride, padding: (n + 2 * padding - kernel) // stride + 1, "that is the side of a conv"),
    ],
    "10.3": [
        (lambda side, kernel, c_in, c_out: (kernel**2 * c_in * c_out, side**2 * kernel**2 * c_in * c_out), "biases"),
        (lambda side, kernel, c_in, c_out: (kernel**2 * c_in * c_out + 1, (side * kernel) ** 2 * c_in * c_out), "one"),
        (lambda side, kernel, c_in, c_out: (kernel**2 * c_in * c_out + c_out, kernel**2 * c_in * c_out), "every place"),
        (lambda side, kernel, c_in, c_out: entries_of_the_arrays(side, kernel, c_in, c_out)[::-1], "are exchanged"),
        (lambda side, kernel, c_in, c_out: entries_of_the_arrays(1, kernel, c_in, c_out) * side**2, "all places share"),
        (
            lambda side, kernel, c_in, c_out: entries_of_the_arrays(side, kernel, 1, c_out),
            "looks at all input channels",
        ),
        (lambda side, kernel, c_in, c_out: (kernel * c_in * c_out + c_out, side**2 * kernel * c_in * c_out), "square"),
        (lambda side, kernel, c_in, c_out: (kernel * c_in * c_out, side**2 * kernel * c_in * c_out), "a second"),
        (lambda side, kernel, c_in, c_out: kernel * kernel * c_in * c_out + c_out, "expected it to return"),
        (lambda side, kernel, c_in, c_out: entries_of_the_arrays(side, 5, c_in, c_out), "take a size for granted"),
        (lambda side, kernel, c_in, c_out: entries_of_the_arrays(side, 4, c_in, c_out), "4 is written in"),
        (lambda side, kernel, c_in, c_out: entries_of_the_arrays(2 * side, kernel, c_in, c_out), "twice the side"),
        (lambda side, kernel, c_in, c_out: entries_of_the_arrays(side // 2, kernel, c_in, c_out), "already"),
        (cost_with(lambda side, W, c_in, c_out: W / c_out * (c_out + 1)), "the bias is like one more input"),
        (cost_with(lambda side, W, c_in, c_out: W + c_in + c_out), "c_out biases, not c_in + c_out"),
        (cost_with(lambda side, W, c_in, c_out: W + side * side * c_out), "a bias for each place of the output"),
        (
            lambda side, kernel, c_in, c_out: (
                kernel**2 * (c_in + c_out) + c_out,
                (side * kernel) ** 2 * (c_in + c_out),
            ),
            "there is one for each pair",
        ),
    ],
    "10.4": [
        (encode_with(first=lambda h: h), "the ReLU after the first convolution is missing"),
        (encode_with(last=lambda h: h), "the ReLU after the second convolution is missing"),
        (encode_with(first=lambda h: h, last=lambda h: h), "both ReLUs are missing"),
        (encode_with(cut=lambda out: np.hsplit(out, 2)[::-1]), "mu and log_var are exchanged"),
        (encode_with(cut=lambda out: (out[:, ::2], out[:, 1::2])), "every second column"),
        (encode_with(cut=lambda out: (out[:, :2], out[:, 2:])), "does it take a size for granted?"),
        (encode_with(cut=lambda out: np.hsplit(relu(out), 2)), "a ReLU on the output"),
        (encode_with(cut=lambda out: (np.hsplit(out, 2)[0], np.exp(np.hsplit(out, 2)[1]))), "nothing is applied to it"),
        (encode_with(cut=lambda out: (np.hsplit(out, 2)[0], np.exp(np.hsplit(out, 2)[1] / 2))), "standard deviation"),
        (encode_with(flat=lambda h: np.moveaxis(h, 3, 1)), "channels first"),
        (encode_with(first=lambda h: h, flat=lambda h: np.moveaxis(h, 3, 1)), "a second mistake is left"),
        (encode_with(side=8), "does it take a size for granted?"),
        (encode_with(flat=lambda h: h.transpose(0, 2, 1, 3)), "rows and columns of h2 are exchanged"),
        (encode_with_relu_before, "the ReLU comes after each convolution"),
        (encode_images_turned, "rows and columns of the image are exchanged"),
        (lambda *a: encode_by_steps(*a[:-1], 0), "b3 is missing"),
        (lambda *a: encode_by_steps(*a)[0], "expected it to return mu, log_var"),
        (lambda *a: None, "is a return missing?"),
        (lambda x, *a: encode_by_steps(x[:, None], *a), "it stopped with ValueError"),
    ],
    "10.5": [
        (decode_with(first=lambda h: h), "the ReLU after the dense layer is missing"),
        (decode_with(second=lambda h: h), "the ReLU between"),
        (decode_with(first=lambda h: h, second=lambda h: h), "both ReLUs are missing"),
        (decode_with(last=sigmoid), "a sigmoid at the end"),
        (decode_with(last=relu), "a ReLU at the end"),
        (decode_with(first=lambda h: h, last=sigmoid), "a second mistake is left"),
        (decode_with(image=lambda h, n, c: h.reshape(len(h), c, n, n).transpose(0, 2, 3, 1)), "channels first"),
        (decode_with(image=lambda h, n, c: h.reshape(len(h), n, n, c).transpose(0, 2, 1, 3)), "rows and columns"),
        (decode_with(image=lambda h, n, c: h.reshape(len(h), c, n, n)), "it stopped with ValueError"),
        (decode_with(last=lambda out: out.reshape(len(out), int(out[0].size ** 0.5), -1, 1)), "still images"),
        (lambda z, W1, b1, *a: decode_with()(z, W1, 0, *a), "b1 is missing"),
        (lambda z, W1, b1, W2, b2, *a: decode_with()(z, W1, b1, W2, 0, *a), "b2 is missing"),
        (lambda *a: decode_with()(*a[:-1], 0), "b3 is missing"),
        (lambda *a: decode_with()(*a[:-1], 0)[:, ::-1], ""),
        (decode_without_cutting, "is still there"),
        (decode_with(side=2), "does it take a size for granted?"),
        (decode_with(c=5), "does it take a size for granted?"),
        (decode_with(last=lambda out: None), "is a return missing?"),
    ],
    "10.6": [
        (gradients_with(last=no_relu), "the second ReLU is left out, or"),
        (gradients_with(first=no_relu), "the first ReLU is left out, or"),
        (gradients_with(last=at_least_0), "its mask is h >= 0"),
        (gradients_with(first=at_least_0), "the first ReLU is left out, or"),
        (gradients_with(first=at_least_0, last=at_least_0), "their masks are h >= 0"),
        (gradients_with(first=no_relu, last=no_relu), "both ReLUs are left out"),
        (gradients_with(first=times_h, last=times_h), "times h in the place of h > 0"),
        (gradients_with(first=relu_of_the_gradient, last=relu_of_the_gradient), "a ReLU of the gradient"),
        (gradients_with(first=no_relu, last=times_h), "a second mistake is left"),
        (gradients_with(first=times_h), "times h in the place of h > 0 in the first layer"),
        (gradients_with(first=relu_of_the_gradient), "a ReLU of the gradient in the first layer"),
        (computed_again(first=np.array, last=np.array), "h1 and h2 are computed again without their ReLUs"),
        (computed_again(first=np.array), "h1 is computed again without its ReLU"),
        (computed_again(last=np.array), "h2 is computed again without its ReLU"),
        (computed_again(stored=True), "is h1 after the ReLU, not before it"),
        (computed_again(axis=1), "but all examples share b3"),
        (gradients_with(unflatten=channels_first), "channels first"),
        (gradients_with(unflatten=channels_first, first=no_relu), "a second mistake is left"),
        (gradients_with(side_by_side=lambda dmu, dlog_var: np.hstack([dlog_var, dmu])), "are exchanged"),
        (gradients_with(side_by_side=lambda dmu, dlog_var: np.hstack([dmu, dmu])), "in the place of dlog_var too"),
        (gradients_with(side_by_side=lambda dmu, dlog_var: np.hstack([dmu, 0 * dmu])), "dlog_var is not used"),
        (gradients_with(side_by_side=lambda dmu, dlog_var: np.vstack([dmu, dlog_var])), "it stopped with ValueError"),
        (gradients_with(side_by_side=lambda dmu, dlog_var: np.hstack([dmu, dlog_var]) / len(dmu)), "averaged over"),
        (gradients_with(side=8), "does it take a size for granted?"),
        (bias_by_the_mean, "averaged over the examples"),
        (two_of_six, "got 2 values"),
        (last_layer_first, "dW1: that is dW3; the order is"),
    ],
    "10.7": [
        (channels_not_exchanged, "it stopped with ValueError"),
        (exchanged_where_it_does_not_fit, "the channels of W are as they were"),
        (bias_of_the_channels_out, "it stopped with ValueError"),
        (weights_of_w_itself, "it stopped with ValueError"),
        (bias_of_halve_backward, "that is the sum of x"),
        (mirrored_and_not_exchanged, "it stopped with ValueError"),
        (reshaped, "reshape does not exchange axes"),
        (doubled(lambda dx, dW, db, dy, x, W: (by_loops(dy, x, W.swapaxes(0, 1))[0], dW, db)), "rows and columns"),
        (doubled(lambda dx, dW, db, dy, x, W: (dx, dW, dy.sum((1, 2, 3)))), "summed over the channels"),
        (roles_of_a_convolution, "it stopped with ValueError"),
        (doubled(lambda dx, dW, db, dy, x, W: (double(dy, W.swapaxes(2, 3), 0), dW, db)), "that is double again"),
        (doubled(lambda dx, dW, db, dy, x, W: (by_loops(dy, x, W[::-1, ::-1])[0], dW, db)), "the kernel is mirrored"),
        (doubled(lambda dx, dW, db, dy, x, W: (dx, dW.swapaxes(2, 3), db)), "the channels of dW are exchanged"),
        (doubled(lambda dx, dW, db, dy, x, W: (dx, dW[::-1, ::-1], db)), "the kernel of dW is mirrored"),
        (doubled(lambda dx, dW, db, dy, x, W: (dx, dW, dy.mean((0, 1, 2)))), "the mean over all places"),
        (doubled(lambda dx, dW, db, dy, x, W: (dx, dW, dy.sum(0))), "summed over the images only"),
        (doubled(lambda dx, dW, db, dy, x, W: (dx, dW, dy.sum((1, 2)))), "all images share the bias"),
        (doubled(lambda dx, dW, db, dy, x, W: by_loops(np.ones(dy.shape), x, W)), "dy is not used"),
        (doubled(lambda dx, dW, db, dy, x, W: (dx, dW / len(x), db / len(x))), "1/N"),
        (doubled(lambda dx, dW, db, dy, x, W: (dx, dW)), "got 2 values"),
        (doubled(lambda dx, dW, db, dy, x, W: (dW, dx, db)), "that is dW"),
        (doubled(lambda dx, dW, db, dy, x, W: (2 * dx, dW, dy.mean((0, 1, 2)))), "the factor 2"),
    ],
}

RIGHT = {
    "10.1": [places_counted_for_any_n, one_division],
    "10.2": [last_pixel_counted_for_any_n],
    "10.3": [entries_of_the_arrays],
    "10.4": [encode_by_steps, encode_stacked, encode_in_float32],
    "10.5": [decode_image_by_image],
    "10.6": [gradients_as_a_list, gradients_by_slopes],
    "10.7": [by_loops, with_one_product],
}

KERNEL, GREY = {"W2, axis 0", "W2, axis 1"}, {"W1, axis 2"}  # kernels are 4 x 4, images have one channel
FIXED = {
    "10.1": {"n"},  # a whole number in one of the draws, and arrays in the others
    "10.2": {"n"},
    "10.4": KERNEL | GREY | {"W1, axis 0", "W1, axis 1"},
    "10.5": KERNEL | {"W3, axis 0", "W3, axis 1", "W3, axis 3", "b3, axis 0"},
    "10.6": KERNEL | GREY | {"W1, axis 0", "W1, axis 1"},
    "10.7": {"W, axis 0", "W, axis 1"},
}

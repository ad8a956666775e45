"""What the conformance suite cannot know: exact values, the mirror of convolution, statistics of initial weights."""

from collections import UserList

import numpy as np
import pytest
from cases import LAYERS, arrays, every_layer_case

from minivae.backend import place, tree_map
from minivae.gradcheck import check_gradients
from minivae.layers import (
    ACTIVATIONS,
    ELU,
    GELU,
    GRU,
    NORMS,
    AvgPool2d,
    BatchNorm,
    Blocks,
    ColumnsToChannels,
    Conv2d,
    ConvTranspose2d,
    Dense,
    Dropout,
    EachClass,
    Embedding,
    GroupNorm,
    GRUCell,
    Join,
    Layer,
    LayerNorm,
    LeakyReLU,
    LineDecoder,
    LineEncoder,
    MaskedDense,
    MaxPool2d,
    Network,
    ReLU,
    Reshape,
    Residual,
    Sequential,
    Sigmoid,
    SiLU,
    Softplus,
    Split,
    Tanh,
    Upsample,
    conv_decoder,
    conv_encoder,
    dense_decoder,
    dense_encoder,
    glorot,
    he,
    spatial_decoder,
    spatial_encoder,
)
from minivae.layers.patches import columns_to_image, image_to_columns, parts
from minivae.optim import SGD
from minivae.params import Param


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def plain_convolution(x, W, b, stride, padding):
    """The definition, one output at a time."""
    (kh, kw, _, c_out), (sh, sw), (ph, pw) = W.shape, stride, padding
    x = np.pad(x, ((0, 0), (ph, ph), (pw, pw), (0, 0)))
    h_out, w_out = (x.shape[1] - kh) // sh + 1, (x.shape[2] - kw) // sw + 1
    y = np.empty((len(x), h_out, w_out, c_out))
    for n, i, j in np.ndindex(len(x), h_out, w_out):
        patch = x[n, sh * i : sh * i + kh, sw * j : sw * j + kw]
        y[n, i, j] = np.einsum("klc,klcd->d", patch, W) + b
    return y


@pytest.mark.parametrize(
    ("kernel", "stride", "padding"), [(3, 1, 0), (4, 2, 1), ((1, 3), (2, 1), (0, 2)), (2, 3, 1), ((3, 2), 1, (2, 0))]
)
@pytest.mark.parametrize(("c_in", "part"), [(2, 1), (2, 10**6), (40, 5000)])
def test_convolution_is_its_definition(kernel, stride, padding, c_in, part, rng, monkeypatch):
    """Image by image and all at once; with channels so few, and so many, that patches are stored either way."""
    monkeypatch.setattr("minivae.layers.patches.PART", part)
    conv = Conv2d(c_in, 3, kernel, rng, stride, padding).bind("float64")
    conv.b.data[...] = rng.standard_normal(3)
    x = rng.standard_normal((3, 6, 7, c_in))
    expected = plain_convolution(x, conv.W.data, conv.b.data, conv.stride, conv.padding)
    y, cache = conv.forward(x)
    np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-12)
    # the layer is linear in x and in W, so its gradients are what they are on any x and W: <y - b, dy>
    dy = rng.standard_normal(y.shape)
    conv.zero_grad()
    dx = conv.backward(dy, cache)
    along = ((expected - conv.b.data) * dy).sum()
    np.testing.assert_allclose([(dx * x).sum(), (conv.W.grad * conv.W.data).sum()], along, rtol=1e-10)
    np.testing.assert_allclose(conv.b.grad, dy.sum(axis=(0, 1, 2)), rtol=1e-12)


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding"),
    [
        *[((6, 7), 3, 1, 0), ((7, 6), 4, 2, 1), ((5, 8), (1, 3), (2, 3), (0, 1)), ((9, 5), 2, 3, 1)],
        *[((6, 8), 2, 2, 0), ((7, 8), 2, 2, 0), ((6, 9), 2, 2, 0)],  # the last row, or column, is in no patch
    ],
)
@pytest.mark.parametrize("part", [1, 10**6])
def test_transposed_convolution_is_the_transpose(size, kernel, stride, padding, part, rng, monkeypatch):
    """<conv(x), y> = <x, conv_transpose(y)> with shared weights, for every image size that maps to the same y."""
    monkeypatch.setattr("minivae.layers.patches.PART", part)
    conv = Conv2d(2, 3, kernel, rng, stride, padding).bind("float64")
    x = rng.standard_normal((2, *size, 2))
    y = rng.standard_normal(conv(x).shape)
    smallest = [(n - 1) * s - 2 * p + k for n, s, p, k in zip(y.shape[1:3], conv.stride, conv.padding, conv.kernel,
                                                               strict=True)]  # fmt: skip
    extra = tuple(big - small for big, small in zip(size, smallest, strict=True))
    mirror = ConvTranspose2d(3, 2, kernel, rng, stride, padding, extra).bind("float64")
    mirror.W.data[...] = conv.W.data.transpose(0, 1, 3, 2)
    assert mirror(y).shape == x.shape
    np.testing.assert_allclose((conv(x) * y).sum(), (x * mirror(y)).sum(), rtol=1e-12)
    with monkeypatch.context() as patch:  # nothing depends on what lay in the memory
        patch.setattr(np, "empty", lambda shape, dtype=float: np.full(shape, np.nan, dtype))
        assert np.isfinite(mirror(y)).all()
    mirror.zero_grad()
    np.testing.assert_allclose(mirror.backward(x, y), conv(x), rtol=1e-12, atol=1e-13)
    conv.zero_grad()
    conv.backward(y, x)
    np.testing.assert_allclose(mirror.W.grad, conv.W.grad.transpose(0, 1, 3, 2), rtol=1e-12, atol=1e-13)


WINDOWS = [
    (kernel, stride, padding)
    for kernel in ((1, 1), (2, 3), (3, 2), (4, 4))
    for stride in ((1, 1), (2, 1), (1, 2), (3, 2), (2, 3))
    for padding in ((0, 0), (2, 0), (0, 2), (1, 2), (2, 2))
]


@pytest.mark.parametrize("c", [1, 9])
def test_columns_are_the_patches(c, rng):
    """Every kernel, stride and padding against one patch at a time; few channels and many are stored differently."""
    x = rng.standard_normal((2, 6, 7, c))
    for kernel, stride, padding in WINDOWS:
        (kh, kw), (sh, sw), (ph, pw) = kernel, stride, padding
        padded = np.pad(x, ((0, 0), (ph, ph), (pw, pw), (0, 0)))
        columns = image_to_columns(x, kernel, stride, padding)
        h_out, w_out = (6 + 2 * ph - kh) // sh + 1, (7 + 2 * pw - kw) // sw + 1
        assert columns.shape == (2, h_out, w_out, kh, kw, c), (kernel, stride, padding)
        for i, j in np.ndindex(h_out, w_out):
            patch = padded[:, sh * i : sh * i + kh, sw * j : sw * j + kw]
            np.testing.assert_array_equal(columns[:, i, j], patch, err_msg=f"{kernel}, {stride}, {padding}")


def test_convolutions_of_every_shape_are_their_definition(rng):
    x = rng.standard_normal((2, 6, 7, 2))
    for kernel, stride, padding in WINDOWS:
        conv = Conv2d(2, 3, kernel, rng, stride, padding).bind("float64")
        conv.b.data[...] = [1, -2, 3]
        expected = plain_convolution(x, conv.W.data, conv.b.data, stride, padding)
        np.testing.assert_allclose(conv(x), expected, rtol=1e-12, atol=1e-12, err_msg=f"{kernel}, {stride}, {padding}")


def test_columns_and_images_are_transposes(rng):
    x = rng.standard_normal((2, 5, 6, 3))
    kernel, stride, padding = (2, 3), (2, 1), (1, 0)
    columns = image_to_columns(x, kernel, stride, padding)
    w = rng.standard_normal(columns.shape)
    back = columns_to_image(w, (5, 6), stride, padding)
    np.testing.assert_allclose((columns * w).sum(), (x * back).sum(), rtol=1e-12)


def test_parts_of_a_cpu_and_of_a_gpu(monkeypatch):
    """Arrays of any other module than NumPy are taken whole."""
    monkeypatch.setattr("minivae.layers.patches.PART", 10)
    assert parts(np.zeros(7), 4) == [slice(0, 2), slice(2, 4), slice(4, 6), slice(6, 8)]
    assert parts(np.zeros(2), 11) == [slice(0, 1), slice(1, 2)]
    assert parts(UserList(range(7)), 4) == [slice(0, 7)]
    assert parts(np.zeros(0), 4) == parts(UserList(), 4) == []


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda r: Dense(0, 3, r), "n_in: expected a whole number >= 1, got 0"),
        (lambda r: Dense(3, 0, r), "n_out: expected a whole number >= 1, got 0"),
        (lambda r: Conv2d(1, 1, 0, r), "kernel: expected a whole number >= 1"),
        (lambda r: Conv2d(1, 1, (3, 3, 3), r), "kernel: expected a whole number >= 1 or a pair"),
        (lambda r: Conv2d(1, 1, 3, r, stride=0), "stride: expected a whole number >= 1"),
        (lambda r: Conv2d(1, 1, 3, r, padding=-1), "padding: expected a whole number >= 0"),
        (lambda r: Conv2d(1, 1, 1.5, r), "kernel: expected a whole number >= 1, got 1.5"),
        (lambda r: Conv2d(1, 1, (1, 2, 3), r), "kernel: expected a whole number >= 1 or a pair of them, got"),
        (lambda r: Conv2d(1, 1, (3, 0), r), "kernel: expected a whole number >= 1"),
        (lambda r: Conv2d(0, 1, 3, r), "c_in: expected a whole number >= 1"),
        (lambda r: ConvTranspose2d(1, 1, 3, r, 2, 1, -1), "output_padding: expected a whole number >= 0"),
        (lambda r: ConvTranspose2d(1, 1, 3, r, 2, 1, (0, 2)), "output_padding: expected less than the stride"),
        (lambda r: ConvTranspose2d(1, 1, 2, r, padding=1)(np.zeros((1, 1, 2, 1), "float32")), "would become 0x1"),
        (lambda r: ConvTranspose2d(1, 1, 3, r, 2, 1, 2), "output_padding: expected less than the stride"),
        (lambda r: Conv2d(1, 1, 5, r)(np.zeros((1, 3, 3, 1), "float32")), "smaller than the kernel"),
        (lambda r: ConvTranspose2d(1, 1, 2, r, padding=2)(np.zeros((1, 2, 2, 1), "float32")), "would become"),
        (lambda r: Dropout(1.0, (3,)), "p: expected a finite number >= 0 and < 1"),
        (lambda r: Dropout(-0.1, (3,)), "p: expected a finite number >= 0 and < 1"),
        (lambda r: LeakyReLU(-0.1), "slope: expected a finite number >= 0 and < 1, got -0.1"),
        (lambda r: GroupNorm(6, 0), "groups: expected a whole number >= 1, got 0"),
        (lambda r: conv_encoder((8, 8, 1), (), (), 2, rng=r), "channels: expected at least one convolution"),
        (lambda r: dense_encoder(4, (3,), 2, "gelu?", rng=r), "activation: expected one of relu"),
        (lambda r: dense_encoder(4, (3,), 2, norm="spectral", rng=r), "norm: expected one of none, batch"),
        (lambda r: conv_decoder(2, (), (4,), (8, 8, 1), norm="spectral", rng=r), "norm: expected one of none, batch"),
        (lambda r: LeakyReLU(1.0), "slope: expected a finite number >= 0 and < 1, got 1.0"),
        (lambda r: GroupNorm(6, 4), "groups: expected a divisor of n = 6 channels, got 4"),
        (lambda r: MaxPool2d(0), "kernel: expected a whole number >= 1"),
        (lambda r: AvgPool2d(2, 0), "stride: expected a whole number >= 1"),
        (lambda r: AvgPool2d(3)(np.zeros((1, 2, 5, 1))), "smaller than the kernel"),
        (lambda r: Upsample(0), "factor: expected a whole number >= 1"),
        (lambda r: Embedding(3, 2, r)(np.array([[0, 3]])), "x: expected indices in 0 to 2, got 0 to 3"),
        (lambda r: Embedding(3, 2, r)(np.array([-1])), "x: expected indices in 0 to 2, got -1 to -1"),
        (lambda r: Embedding(3, 2, r)(np.array([2, -1])), "x: expected indices in 0 to 2, got -1 to 2"),
        (lambda r: Embedding(3, 2, r)(np.zeros(2)), "x: expected integers, got float64"),
        (
            lambda r: Residual(Dense(3, 2, r))(np.zeros((4, 3))),
            r"expected layers that keep the shape \(3,\), got \(2,\)",
        ),
        (lambda r: conv_encoder((12,), (4,), (), 2, rng=r), "conv needs images"),
        (lambda r: conv_encoder((1, 1, 8), (1,), (), 2, rng=r), "leave nothing of a 1x1 image"),
        (lambda r: conv_encoder((8, 8, 1), (1, 2, 3, 4), (), 2, rng=r), "leave nothing of a 8x8 image"),
    ],
)
def test_bad_arguments(make, message, rng):
    with pytest.raises(ValueError, match=message):
        make(rng)


def test_layer_norm_normalises_each_row(rng):
    y = LayerNorm(50)(3 + 5 * rng.standard_normal((4, 50)))
    np.testing.assert_allclose(y.mean(axis=-1), 0, atol=1e-12)
    np.testing.assert_allclose(y.std(axis=-1), 1, rtol=1e-5)


def test_group_norm_normalises_each_group_of_each_image(rng):
    x = rng.standard_normal((2, 4, 5, 6)) * np.arange(1, 7) + 3
    y = GroupNorm(6, 3, tiny=0.0)(x).reshape(2, 20, 3, 2)
    np.testing.assert_allclose(y.mean(axis=(1, 3)), 0, atol=1e-12)
    np.testing.assert_allclose(y.std(axis=(1, 3)), 1, rtol=1e-12)
    assert (np.abs(y.mean(axis=1)) > 0.1).any()  # channels of a group are not normalized by themselves
    rows = rng.standard_normal((3, 6))
    np.testing.assert_allclose(GroupNorm(6, 1)(rows), LayerNorm(6)(rows), rtol=1e-12)


def test_batch_norm_normalises_each_channel_over_the_batch(rng):
    x = 3 + 5 * rng.standard_normal((10, 4, 3, 2))
    y, _ = BatchNorm(2, tiny=0.0).bind("float64").forward(x, True)
    np.testing.assert_allclose(y.mean(axis=(0, 1, 2)), 0, atol=1e-12)
    np.testing.assert_allclose(y.std(axis=(0, 1, 2)), 1, rtol=1e-12)


def test_batch_norm_learns_the_mean_and_the_unbiased_variance(rng):
    """With rate 1/k at step k the states are the averages of the batches' statistics, which estimate the true ones."""
    layer = BatchNorm(3, rate=0.0).bind("float64")
    optimizer = SGD(layer, lr=lambda t: 0.0)
    for k in range(1, 4001):
        layer.mean.rate = layer.var.rate = 1 / k
        x = [1, -2, 0] + [0.5, 1, 3] * rng.standard_normal((4, 3))
        y, cache = layer.forward(x, layer.draw_noise(rng, 4))
        layer.zero_grad()
        layer.backward(y, cache)
        optimizer.step()
    np.testing.assert_allclose(layer.mean.data, [1, -2, 0], atol=0.1)
    np.testing.assert_allclose(layer.var.data, [0.25, 1, 9], rtol=0.05)  # the biased one would be a quarter less
    x = rng.standard_normal((2, 3))
    expected = (x - layer.mean.data) / np.sqrt(layer.var.data + layer.tiny)
    np.testing.assert_allclose(layer(x), expected, rtol=1e-12)
    before = layer.state.copy()
    layer.zero_grad()
    layer.backward(x, layer.forward(x)[1])  # evaluation pulls at nothing
    layer.backward(x[:1], layer.forward(x[:1], True)[1])  # and one example has no variance
    optimizer.step()
    np.testing.assert_array_equal(layer.state, before)


@pytest.mark.parametrize("norm", [LayerNorm(2), GroupNorm(2, 1), BatchNorm(1)])
def test_norms_start_as_the_formula_with_tiny(norm):
    """u = (x - mean) / sqrt(var + 1e-5), with gain 1 and b 0: here mean 0 and var 3e-5."""
    norm.bind("float64")
    x = np.array([[1.0, -1.0]]) * 3e-5**0.5
    x = x.T if isinstance(norm, BatchNorm) else x
    y, _ = norm.forward(x, norm.draw_noise(None, len(x)))
    np.testing.assert_allclose(np.abs(y), 0.75**0.5, rtol=1e-12)


def test_batch_norm_starts_as_the_identity_and_learns_from_two_examples():
    layer = BatchNorm(1).bind("float64")
    x = np.array([[1.0], [3.0]])
    np.testing.assert_allclose(layer(x), x / (1 + 1e-5) ** 0.5, rtol=1e-12)
    layer.zero_grad()
    layer.backward(x, layer.forward(x, True)[1])
    assert layer.pull.tolist() == [2, 1]  # to mean 2 and variance 2, from 0 and 1
    assert (layer.mean.rate, layer.var.rate) == (0.1, 0.1)


@pytest.fixture
def moved_batch_norm(rng):
    """BatchNorm(3) in float64 with a gain, a b and running statistics that have left their start."""
    layer = BatchNorm(3).bind("float64")
    layer.gain.data[...] = [2, -1, 0.5]
    layer.b.data[...] = [0, 1, -3]
    layer.mean.data[...] = [1, -2, 0.3]
    layer.var.data[...] = [0.25, 1, 9]
    layer.zero_grad()
    return layer


def test_batch_norm_in_evaluation_is_one_affine_map(moved_batch_norm, rng):
    """The running statistics are constants: dx = gain dy / sqrt(var + tiny), without the terms of mean and variance."""
    layer = moved_batch_norm
    x, dy = rng.standard_normal((2, 4, 2, 3)), rng.standard_normal((2, 4, 2, 3))
    y, cache = layer.forward(x)
    u = (x - layer.mean.data) / np.sqrt(layer.var.data + layer.tiny)
    np.testing.assert_allclose(y, layer.gain.data * u + layer.b.data, rtol=1e-13)
    dx = layer.backward(dy, cache)
    np.testing.assert_allclose(dx, layer.gain.data * dy / np.sqrt(layer.var.data + layer.tiny), rtol=1e-13)
    np.testing.assert_allclose(layer.gain.grad, (dy * u).sum(axis=(0, 1, 2)), rtol=1e-12)
    np.testing.assert_allclose(layer.b.grad, dy.sum(axis=(0, 1, 2)), rtol=1e-12)
    assert not layer.pull.any()


def test_batch_norm_moves_once_a_step_towards_the_mean_of_its_batches(moved_batch_norm, rng):
    """state += rate (mean of the backwards' statistics - state); forward, and accumulate=False, move nothing."""
    layer = moved_batch_norm
    before = [layer.mean.data.copy(), layer.var.data.copy()]
    batches = [rng.standard_normal((n, 3)) * [1, 2, 3] for n in (4, 7)]
    for x in batches:
        y, cache = layer.forward(x, True)
        layer.backward(y, cache)
    y, cache = layer.forward(rng.standard_normal((5, 3)), True)
    layer.backward(y, cache, accumulate=False)
    np.testing.assert_array_equal([layer.mean.data, layer.var.data], before)  # not before the step
    SGD(layer, lr=lambda t: 0.0).step()
    for state, old, f in zip((layer.mean, layer.var), before, (np.mean, np.var), strict=True):
        unbiased = {} if f is np.mean else {"ddof": 1}
        target = np.mean([f(x, axis=0, **unbiased) for x in batches], axis=0)
        np.testing.assert_allclose(state.data, old + 0.1 * (target - old), rtol=1e-12)


def test_batch_norm_of_one_row_is_b(moved_batch_norm, rng):
    """A row is its own mean: u = 0, so that y = b, no gradient comes back, and there is no variance to learn from."""
    layer = moved_batch_norm
    before = layer.state.copy()
    x, dy = rng.standard_normal((1, 3)), rng.standard_normal((1, 3))
    y, cache = layer.forward(x, True)
    np.testing.assert_array_equal(y[0], layer.b.data)
    np.testing.assert_array_equal(layer.backward(dy, cache), 0 * dy)
    assert not layer.gain.grad.any()
    np.testing.assert_array_equal(layer.b.grad, dy[0])
    SGD(layer, lr=lambda t: 0.0).step()
    np.testing.assert_array_equal(layer.state, before)


def test_batch_norm_of_one_image_has_its_pixels(moved_batch_norm, rng):
    """Statistics are over the h w positions, of which there are enough."""
    layer = moved_batch_norm
    x = rng.standard_normal((1, 2, 4, 3))
    y, cache = layer.forward(x, True)
    np.testing.assert_allclose(y.mean(axis=(0, 1, 2)), layer.b.data, rtol=1e-12, atol=1e-14)
    layer.backward(y, cache)
    target = x.reshape(8, 3).var(axis=0, ddof=1)
    np.testing.assert_allclose(layer.var.pull, target - layer.var.data, rtol=1e-12)


@pytest.mark.parametrize("make", [make for cls in (LayerNorm, GroupNorm, BatchNorm) for _, make in LAYERS[cls]])
def test_norm_gradients_where_gain_is_not_1(make, rng):
    """At the start gain dy and dy / gain are the same."""
    layer, x = make(rng)
    layer.bind("float64").theta += rng.random(layer.theta.size)
    assert all(c.ok for c in check_gradients(layer, x, rng).values())


@pytest.mark.parametrize("norm", NORMS)
def test_builders_put_the_norm_before_the_activation(norm, rng):
    encoder = conv_encoder((8, 8, 1), (8, 16), (32,), 2, norm=norm, rng=rng)
    decoder = conv_decoder(2, (32,), (8, 16), (8, 8, 1), norm=norm, rng=rng)
    cls = {"none": None, "batch": BatchNorm, "layer": LayerNorm, "group": GroupNorm}[norm]
    for network, n in ((encoder, 3), (decoder, 3)):
        kinds = [type(layer) for layer in network.layers]
        if cls is not None:
            assert kinds.count(cls) == n
            assert all(kinds[i + 1] is ReLU for i, kind in enumerate(kinds) if kind is cls)
        assert kinds.count(ReLU) == n
    assert encoder(np.zeros((3, 64), "float32"))[0].shape == (3, 2)
    assert decoder(np.zeros((3, 2), "float32")).shape == (3, 64)


def test_builders_put_dropout_after_the_dense_activations(rng):
    networks = [
        dense_encoder(20, (8, 6), 2, dropout=0.3, rng=rng),
        dense_decoder(2, (8, 6), 20, dropout=0.3, rng=rng),
        conv_encoder((4, 4, 1), (3,), (8, 6), 2, dropout=0.3, rng=rng),
        conv_decoder(2, (8, 6), (3,), (4, 4, 1), dropout=0.3, rng=rng),
    ]
    shapes = []
    for network in networks:
        layers = network.layers
        drops = [i for i, layer in enumerate(layers) if isinstance(layer, Dropout)]
        assert all(type(layers[i - 1]) is ReLU and layers[i].p == 0.3 for i in drops)
        shapes.append([layers[i].shape for i in drops])
    assert shapes == [[(8,), (6,)], [(6,), (8,)], [(8,), (6,)], [(6,), (8,), (12,)]]
    plain = dense_encoder(20, (8,), 2, rng=rng).layers, conv_decoder(2, (8,), (3,), (4, 4, 1), rng=rng).layers
    assert not any(isinstance(layer, Dropout | BatchNorm | LayerNorm | GroupNorm) for layer in (*plain[0], *plain[1]))


def test_builders_choose_the_initialization_of_convolutions(rng):
    """He's variance before ReLU, 2 / fan_in, Glorot's in front of the raw output and before tanh."""
    build = {"rng": rng, "hidden": ()}
    encoder = conv_encoder((8, 8, 16), (64, 32), L=2, **build).layers
    decoder = conv_decoder(2, channels=(16, 32), shape=(8, 8, 8), **build).layers
    tanh = conv_encoder((8, 8, 16), (64,), L=2, activation="tanh", **build).layers
    expected = [
        (encoder[1], 2 / (16 * 16)),
        (encoder[3], 2 / (16 * 64)),
        (decoder[3], 2 / (16 * 32 / 4)),
        (decoder[5], 2 / (16 * 16 / 4 + 16 * 8)),
        (tanh[1], 2 / (16 * 16 + 16 * 64 / 4)),
    ]
    for layer, variance in expected:
        assert layer.W.data.var() == pytest.approx(variance, rel=0.1)
        assert (layer.kernel, layer.stride, layer.padding) == ((4, 4), (2, 2), (1, 1))


def test_biases_start_at_zero(rng):
    starts_at_zero = [Dense(3, 2, rng).b, Conv2d(1, 2, 3, rng).b, ConvTranspose2d(1, 2, 3, rng).b]
    cell = GRUCell(3, 2, rng)
    for b in (*starts_at_zero, cell.b, cell.c, LayerNorm(3).b):
        assert not b.data.any()


def test_groups_of_the_builders():
    assert [NORMS["group"](n)[0].groups for n in (4, 8, 32, 64, 400)] == [1, 1, 4, 8, 50]


@pytest.mark.parametrize(("kernel", "stride"), [(2, None), ((3, 2), (2, 1)), (1, 2), (2, 3)])
def test_pooling_is_its_definition(kernel, stride, rng):
    x = rng.standard_normal((2, 7, 6, 3))
    for cls, f in ((AvgPool2d, np.mean), (MaxPool2d, np.max)):
        layer = cls(kernel, stride)
        (kh, kw), (sh, sw) = layer.kernel, layer.stride
        y = layer(x)
        assert y.shape == (2, (7 - kh) // sh + 1, (6 - kw) // sw + 1, 3)
        for i, j in np.ndindex(y.shape[1:3]):
            window = x[:, i * sh : i * sh + kh, j * sw : j * sw + kw]
            np.testing.assert_allclose(y[:, i, j], f(window, axis=(1, 2)), rtol=1e-13)
        dy = rng.standard_normal(y.shape)
        dx = layer.backward(dy, layer.forward(x)[1])
        np.testing.assert_allclose((dx * x).sum(), (dy * y).sum(), rtol=1e-12)  # y(s x) = s y(x), so <dx, x> = <dy, y>


def test_max_pooling_sends_a_tied_gradient_to_one_pixel():
    layer = MaxPool2d(2)
    y, cache = layer.forward(np.zeros((1, 2, 2, 1)))
    np.testing.assert_array_equal(layer.backward(y + 3, cache).ravel(), [3, 0, 0, 0])


def test_upsampling_repeats_pixels_and_average_pooling_undoes_it(rng):
    x = rng.standard_normal((2, 3, 2, 2))
    y = Upsample((2, 3))(x)
    np.testing.assert_array_equal(y[:, 2:4, 3:6], np.broadcast_to(x[:, 1:2, 1:2], (2, 2, 3, 2)))
    np.testing.assert_allclose(AvgPool2d((2, 3))(y), x, rtol=1e-14)


def test_embedding_is_dense_on_one_hot_rows(rng):
    layer, index = Embedding(5, 3, rng).bind("float64"), rng.integers(0, 5, (4, 6))
    y, cache = layer.forward(index)
    one_hot = np.eye(5)[index]
    np.testing.assert_allclose(y, one_hot @ layer.W.data, rtol=1e-14)
    w = rng.standard_normal(y.shape)
    layer.zero_grad()
    assert layer.backward(w, cache) is None
    np.testing.assert_allclose(layer.W.grad, one_hot.reshape(-1, 5).T @ w.reshape(-1, 3), rtol=1e-12, atol=1e-14)


def test_embedding_starts_with_rows_of_length_about_1():
    layer = Embedding(50, 16, np.random.default_rng(3))
    normal = np.random.default_rng(3).standard_normal((50, 16), dtype="float32")
    np.testing.assert_array_equal(layer.W.data, normal / 4)
    assert layer(np.zeros((0, 2), int)).shape == (0, 2, 16)


def test_gru_keeps_or_replaces_its_state(rng):
    """Update gate shut: the state stays. Open, and nothing carried over: a tanh layer of the input."""
    cell = GRUCell(3, 4, rng).bind("float64")
    x, h = rng.standard_normal((5, 3)), rng.standard_normal((5, 4))
    cell.b.data[4:8] = 1000
    np.testing.assert_allclose(cell((x, h)), h, rtol=1e-14)
    cell.b.data[:8] = -1000
    np.testing.assert_allclose(cell((x, h)), np.tanh(x @ cell.W.data[:, 8:]), rtol=1e-13)


def plain_gru_step(x, h, W, U, b, c):
    """h' one number at a time, from the equations alone."""
    W_r, W_u, W_n = np.split(W, 3, axis=1)
    U_r, U_u, U_n = np.split(U, 3, axis=1)
    b_r, b_u, b_n = np.split(b, 3)
    new = np.empty_like(h)
    for i, j in np.ndindex(h.shape):
        r = 1 / (1 + np.exp(-(x[i] @ W_r[:, j] + h[i] @ U_r[:, j] + b_r[j])))
        u = 1 / (1 + np.exp(-(x[i] @ W_u[:, j] + h[i] @ U_u[:, j] + b_u[j])))
        n = np.tanh(x[i] @ W_n[:, j] + b_n[j] + r * (h[i] @ U_n[:, j] + c[j]))
        new[i, j] = (1 - u) * n + u * h[i, j]
    return new


def test_gru_is_its_equations(rng):
    """One step, then five: the gate r scales the product h U_n and c, and b_n stands outside of it."""
    layer = GRU(2, 3, rng).bind("float64")
    layer.theta += 0.5 * rng.standard_normal(layer.theta.size)  # b and c start at 0, and would not be seen
    weights = [param.data for param in (layer.cell.W, layer.cell.U, layer.cell.b, layer.cell.c)]
    x, h = rng.standard_normal((4, 5, 2)), rng.standard_normal((4, 3))
    np.testing.assert_allclose(layer.cell((x[:, 0], h)), plain_gru_step(x[:, 0], h, *weights), rtol=1e-12)
    states = layer((x, h))
    for t in range(5):
        h = plain_gru_step(x[:, t], h, *weights)
        np.testing.assert_allclose(states[:, t], h, rtol=1e-11)


def test_gru_is_its_cell_step_by_step(rng):
    layer = GRU(2, 3, rng).bind("float64")
    x, h = rng.standard_normal((4, 5, 2)), rng.standard_normal((4, 3))
    states = layer((x, h))
    for t in range(5):
        h = layer.cell((x[:, t], h))
        np.testing.assert_allclose(states[:, t], h, rtol=1e-12)


def test_join_broadcasts_a_condition_over_samples(rng):
    z, y = rng.standard_normal((2, 3, 4)), rng.standard_normal((3, 2))
    joined = Join()((z, y))
    assert joined.shape == (2, 3, 6)
    for k in range(2):
        np.testing.assert_array_equal(joined[k], np.concatenate([z[k], y], axis=1))
    np.testing.assert_array_equal(Split(2)(Join()((y, y)))[1], y)
    halves, cache = Split(2).forward(joined)
    np.testing.assert_array_equal(halves, [joined[..., :3], joined[..., 3:]])
    np.testing.assert_array_equal(Split(2).backward(halves, cache), joined)


def test_residual_of_a_silent_body_is_the_identity(rng):
    x = rng.standard_normal((3, 4)).astype("float32")
    body = Dense(4, 4, rng)
    body.W.data[...] = 0
    np.testing.assert_array_equal(Residual(body)(x), x)
    skip = Dense(4, 2, rng)
    np.testing.assert_array_equal(Residual(Dense(4, 2, rng, lambda *a: np.zeros((4, 2))), skip=skip)(x), skip(x))


def test_dropout_keeps_the_mean_and_is_off_without_noise(rng):
    layer = Dropout(0.3, (10,))
    x = np.ones((50_000, 10), "float32")
    y, _ = layer.forward(x, layer.draw_noise(rng, len(x)))
    assert set(np.unique(y)) == {np.float32(0), np.float32(1 / 0.7)}
    assert abs(y.mean() - 1) < 4 * (0.3 / 0.7 / y.size) ** 0.5
    assert layer(x) is x


def test_dropout_in_evaluation_is_the_identity(rng):
    """Without noise; with noise both directions are scaled by the same mask."""
    layer = Dropout(0.3, (10,))
    x, dy = rng.standard_normal((5, 10)), rng.standard_normal((5, 10))
    y, cache = layer.forward(x)
    np.testing.assert_array_equal(y, x)
    np.testing.assert_array_equal(layer.backward(dy, cache), dy)
    mask = layer.draw_noise(rng, 5)
    y, cache = layer.forward(x, mask)
    np.testing.assert_array_equal(y, x * mask * (1 / 0.7))
    np.testing.assert_array_equal(layer.backward(dy, cache), dy * mask * (1 / 0.7))
    np.testing.assert_array_equal(layer(x), x)  # what was drawn before is not kept


def test_dropout_drops_what_is_below_p():
    class Rng:
        def random(self, shape, dtype):
            return np.array([[0, 0.25, 0.5]], dtype).reshape(shape)

    np.testing.assert_array_equal(Dropout(0.25, (3,)).draw_noise(Rng(), 1), [[0, 1, 1]])
    np.testing.assert_array_equal(Dropout(0, (3,)).draw_noise(Rng(), 1), [[1, 1, 1]])  # p = 0 is allowed


def test_sequential_noise_is_none_or_a_list(rng):
    assert Sequential(Dense(2, 3, rng), ReLU()).draw_noise(rng, 4) is None
    noise = Sequential(Dense(2, 3, rng), Dropout(0.5, (3,))).draw_noise(rng, 4)
    assert noise[0] is None
    assert noise[1].shape == (4, 3)


def test_sequential_skips_gradients_that_nobody_needs(rng, monkeypatch):
    net = Sequential(Reshape(2, 2, 1), Conv2d(1, 2, 2, rng), Reshape(2)).bind()
    y, cache = net.forward(np.ones((3, 4), "float32"))
    monkeypatch.setattr(Reshape, "backward", lambda self, dy, cache, *_: dy.reshape(cache) if self.n_in == 2 else 1 / 0)
    assert net.backward(y, cache, need_dx=False) is None


class Recorder(Layer):
    """The identity; `calls` are what its backward was asked for."""

    def __init__(self, learns):
        self.weights, self.calls = Dense(1, 1, np.random.default_rng(0)) if learns else None, []

    def forward(self, x, noise=None):
        return x, None

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        self.calls.append((accumulate, need_dx))
        return dy


@pytest.mark.parametrize("accumulate", [False, True])
def test_containers_ask_for_no_more_than_is_needed(accumulate):
    """Without need_dx: nothing below the first layer that learns, and from that one no dx."""
    net = Sequential(Recorder(False), Recorder(True), Recorder(False), Recorder(True))
    residual = Residual(Recorder(True), Recorder(True), skip=Recorder(True))
    x = np.ones((2, 3))
    for need_dx in (False, True):
        for container in (net, residual):
            dx = container.backward(x, container.forward(x)[1], accumulate, need_dx)
            assert (dx is None) is not need_dx
    skipped = [[], [(accumulate, False)], [(accumulate, True)], [(accumulate, True)]]
    assert [layer.calls for layer in net.layers] == [calls + [(accumulate, True)] for calls in skipped]
    assert [layer.calls[0][1] for layer in (*residual.body.layers, *residual.skip.layers)] == [False, True, False]
    assert all(layer.calls[1] == (accumulate, True) for layer in (*residual.body.layers, *residual.skip.layers))


def test_a_layer_must_say_what_it_does():
    for call in (lambda: Layer().forward(None), lambda: Layer().backward(None, None)):
        with pytest.raises(NotImplementedError):
            call()


@pytest.mark.parametrize("shape", [(6,), (4, 6), (2, 3, 4), (2, 3, 4, 5), (2, 3, 2, 4, 5)])
def test_relu_of_any_number_of_axes(shape, rng):
    x = rng.standard_normal(shape)
    y, cache = ReLU().forward(x)
    np.testing.assert_array_equal(y, np.where(x > 0, x, 0))
    np.testing.assert_array_equal(ReLU().backward(x, cache), np.where(x > 0, x, 0))


def test_derivatives_at_the_kink():
    for cls, slope in ((ReLU, 0), (LeakyReLU, 0.01), (ELU, 1)):
        assert cls().backward(np.ones((1, 1)), cls().forward(np.zeros((1, 1)))[1]) == slope
    np.testing.assert_array_equal(LeakyReLU(0)(np.array([-1.0, 2.0])), [0, 2])  # a slope of 0 is allowed


def test_activations_at_known_points():
    """A right gradient of a wrong function passes the gradient check; these are the functions."""
    x = np.array([[-1.0, 0.0, 2.0]])
    expected = {
        ReLU: [0, 0, 2],
        Tanh: [-0.7615941559557649, 0, 0.9640275800758169],
        Sigmoid: [0.2689414213699951, 0.5, 0.8807970779778823],
        SiLU: [-0.2689414213699951, 0, 1.7615941559557646],
        LeakyReLU: [-0.01, 0, 2],
        ELU: [-0.6321205588285577, 0, 2],
        GELU: [-0.15880800939172324, 0, 1.9545976940877752],
        Softplus: [0.31326168751822286, 0.6931471805599453, 2.1269280110429727],
    }
    assert set(expected) == set(ACTIVATIONS.values())
    for cls, y in expected.items():
        np.testing.assert_allclose(cls()(x)[0], y, rtol=1e-14)
    far = np.array([[-1000.0, 1000.0]])
    np.testing.assert_array_equal(Softplus()(far), [[0, 1000]])
    np.testing.assert_array_equal(ELU()(far), [[-1, 1000]])
    np.testing.assert_array_equal(SiLU()(far), [[0, 1000]])


def test_gelu_is_near_the_normal_distribution_function():
    from scipy.stats import norm

    x = np.linspace(-6, 6, 1001)
    assert np.abs(GELU()(x) - x * norm.cdf(x)).max() < 5e-4


def test_blocks_follow_the_likelihoods_order():
    """Channels (mean of c0, mean of c1, log-variance of c0, ...) become the block of means, then of log-variances."""
    x = np.arange(2 * 3 * 4, dtype=float).reshape(1, 2, 3, 4)
    y = Blocks(2)(x)
    np.testing.assert_array_equal(y[0, :12].reshape(2, 3, 2), x[0, :, :, :2])
    np.testing.assert_array_equal(y[0, 12:].reshape(2, 3, 2), x[0, :, :, 2:])


def test_network_folds_leading_axes(rng):
    net = Network(Dense(4, 6, rng), ReLU(), Split(2))
    x = rng.standard_normal((2, 3, 4)).astype("float32")
    a, b = net(x)
    assert a.shape == b.shape == (2, 3, 3)
    np.testing.assert_allclose(a[1], net(x[1])[0], rtol=1e-6)


@pytest.mark.parametrize(("init", "variance"), [(glorot, 2 / (300 + 500)), (he, 2 / 300)])
def test_initial_variance(init, variance, rng):
    W = init(rng, (300, 500), 300, 500)
    assert W.dtype == "float32"
    assert abs(W.mean()) < 4 * (variance / W.size) ** 0.5
    assert W.var() == pytest.approx(variance, rel=0.02)


def test_he_keeps_the_signal_through_relu(rng):
    x = rng.standard_normal((500, 256)).astype("float32")
    net = Sequential(*(layer for _ in range(10) for layer in (Dense(256, 256, rng, he), ReLU())))
    assert 0.5 < (net(x) ** 2).mean() / (x**2).mean() < 2


@pytest.mark.parametrize("init", [he, glorot])
def test_initial_scale_of_strided_convolutions(init, rng):
    """A transposed convolution sums kh kw c_in / stride^2 products per output, not kh kw c_in."""
    x = rng.standard_normal((4, 24, 24, 16)).astype("float32")
    gain = 2 if init is he else 1
    down = Conv2d(16, 64, 4, rng, 2, 1, init)(x).var()
    up = ConvTranspose2d(16, 16, 4, rng, 2, 1, 0, init)(x)[:, 4:-4, 4:-4].var()
    assert down == pytest.approx(1.0 if init is glorot else gain, rel=0.1)
    assert up == pytest.approx(0.4 if init is glorot else gain, rel=0.1)


def test_equal_shapes_start_different(rng):
    """Pitfall 15: the same seed for every layer."""
    net = Sequential(Dense(5, 5, rng), Dense(5, 5, rng), Dense(5, 5, rng))
    first, *others = (layer.W.data for layer in net.layers)
    assert not any(np.array_equal(first, other) for other in others)


@pytest.mark.parametrize("shape", [(28, 28, 1), (7, 9, 3), (8, 5, 2), (4, 4, 1), (1, 11, 3), (9, 1, 1)])
@pytest.mark.parametrize("n_out", [1, 2])
def test_conv_networks_mirror_any_image(shape, n_out, rng):
    D = int(np.prod(shape))
    encoder = conv_encoder(shape, (3, 4), (5,), 2, rng=rng)
    decoder = conv_decoder(2, (5,), (3, 4), shape, n_out, rng=rng)
    mu, log_var = encoder(np.zeros((6, D), "float32"))
    assert mu.shape == log_var.shape == (6, 2)
    assert decoder(mu).shape == (6, D * n_out)
    assert (encoder.n_in, decoder.n_in) == (D, 2)


def test_builders_mirror_and_choose_the_initialisation(rng):
    encoder = dense_encoder(20, (400, 300), 2, "relu", rng=rng)
    decoder = dense_decoder(2, (400, 300), 20, activation="tanh", rng=rng)
    assert [p.data.shape for p in encoder.named(Param).values()][::2] == [(20, 400), (400, 300), (300, 4)]
    assert [p.data.shape for p in decoder.named(Param).values()][::2] == [(2, 300), (300, 400), (400, 20)]
    assert encoder.layers[2].W.data.var() == pytest.approx(2 / 400, rel=0.05)  # He before ReLU
    assert decoder.layers[2].W.data.var() == pytest.approx(2 / 700, rel=0.05)  # Glorot before tanh


# ---- masks and conditions


def test_masked_dense_keeps_out_what_its_mask_does(rng):
    """Output j of MADE's triangle depends on inputs i >= j only, whatever W is; the mask follows bind unsaved."""
    layer = MaskedDense(np.tril(np.ones((4, 3))), rng).bind("float64")
    x = rng.standard_normal((2, 4))
    for i in range(4):
        moved = x.copy()
        moved[:, i] += 1
        np.testing.assert_array_equal((layer(moved) != layer(x)).any(axis=0), np.arange(3) <= i)
    assert layer.mask.data.dtype == "float64"
    assert set(layer.arrays()) == {"W", "b"}


def test_columns_become_channels_of_one_value(rng):
    y = ColumnsToChannels(2, 3, 1, 2)(np.arange(8.0)[None])
    np.testing.assert_array_equal(y[0, :, :, 0], np.arange(6).reshape(2, 3))
    np.testing.assert_array_equal(y[0, :, :, 1:], np.broadcast_to([6, 7], (2, 3, 2)))


@pytest.mark.parametrize("given", [0, 2])
def test_builders_of_any_number_of_heads(given, rng):
    x = rng.random((5, 36 + given), dtype="float32")
    look = {"given": given, "rng": rng}
    for heads in (1, 3):
        for encoder in (dense_encoder(36, (7,), 4, heads=heads, **look),
                        conv_encoder((6, 6, 1), (3,), (7,), 4, heads=heads, **look)):  # fmt: skip
            y = encoder(x)
            assert [a.shape for a in (y if heads > 1 else [y])] == heads * [(5, 4)]
        y = spatial_encoder((6, 6, 1), (3, 4), 2, heads=heads, **look)(x)  # 6 x 6 -> 1 x 1 place
        assert [a.shape for a in (y if heads > 1 else [y])] == heads * [(5, 2)]
    z = spatial_encoder((7, 6, 1), (3,), 2, **look)(rng.random((5, 42 + given), dtype="float32"))
    assert z.shape == (5, 3 * 3 * 2)
    decoder = spatial_decoder(2, (3,), (7, 6, 1), 2, **look)
    assert decoder(np.concatenate([z, x[:, :given]], axis=1)).shape == (5, 2 * 42)


def test_spatial_latents_lie_at_their_places(rng):
    """Numbers t d to (t + 1) d of z are place t: only pixels near it decide them."""
    encoder = spatial_encoder((8, 8, 1), (3,), 2, "tanh", rng=rng)
    x = rng.random((1, 64), dtype="float32")
    moved = x.copy()
    moved[0, 0] += 1  # the first pixel, in the patch of place 0 alone
    changed = (encoder(moved) != encoder(x)).reshape(16, 2).any(axis=1)
    np.testing.assert_array_equal(changed, np.arange(16) == 0)


@pytest.mark.parametrize(("layer", "shape"), [(Split(2), (4, 5)), (Blocks(2), (4, 3, 2, 5)), (Split(3), (2, 4, 5))])
def test_what_cannot_be_split_evenly(layer, shape):
    """No column is dropped."""
    message = f"x: expected a multiple of {layer.n} columns or channels, got 5"
    with pytest.raises(ValueError, match=message):
        layer(np.zeros(shape))


@pytest.mark.parametrize("make", [pytest.param(make, id=name) for name, make in every_layer_case()])
def test_no_examples(make, rng):
    """Shapes as ever, and no gradient. BatchNorm alone has no batch to normalize, so it is evaluated."""
    layer, x = make(rng)
    layer.bind("float64")
    N = len(arrays([x])[0])
    nothing = tree_map(lambda a: a[:0] if len(a) == N else a, x)  # other parts of x broadcast
    noise = None if layer.named(BatchNorm) else layer.draw_noise(rng, 0)
    y, cache = layer.forward(nothing, noise)
    axis = 1 if isinstance(layer, EachClass) else 0
    for a, b in zip(arrays([y]), arrays([layer.forward(x)[0]]), strict=True):
        assert a.shape == (*b.shape[:axis], 0, *b.shape[axis + 1 :])
    layer.zero_grad()
    dx = layer.backward(y, cache)
    if not isinstance(layer, Embedding | LineEncoder | LineDecoder):  # tokens have no gradient
        assert [a.shape for a in arrays([dx])] == [a.shape for a in arrays([nothing])]
    assert not layer.grad.any()


def test_batch_norm_needs_a_batch():
    with pytest.raises(ValueError, match="x: expected at least one example"):
        BatchNorm(3).forward(np.zeros((0, 3)), True)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dropout_is_as_precise_as_its_input(dtype, rng):
    """What is kept is x / (1 - p) in the dtype of x, not with a factor that was rounded before."""
    layer = Dropout(0.3, (400,))
    x = rng.standard_normal((5, 400)).astype(dtype)
    noise = place(layer.draw_noise(rng, 5), like=x)
    y, cache = layer.forward(x, noise)
    for got in (y, layer.backward(x, cache)):
        kept = got != 0
        assert got.dtype == dtype
        np.testing.assert_allclose(got[kept], x[kept] / 0.7, rtol=2 * np.finfo(dtype).eps)


def gelu(x):
    """x (1 + tanh u) / 2 = x / (1 + exp(-2 u))."""
    return x / (1 + np.exp(-2 * np.sqrt(2 / np.longdouble(np.pi)) * (x + 0.044715 * x**3)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("act", "lowest", "formula"),
    [
        (Sigmoid, -80, lambda x: 1 / (1 + np.exp(-x))),
        (SiLU, -80, lambda x: x / (1 + np.exp(-x))),
        (Softplus, -80, lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))),
        (GELU, -8, gelu),
        (ELU, -20, lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0)))),
        (Tanh, -20, np.tanh),
    ],
)
def test_activations_are_right_at_both_ends(act, lowest, formula, dtype):
    """Relative to the true value, however small it is: SiLU(-17) = -7e-7 in float32, too."""
    x = np.linspace(lowest, -lowest, 400).astype(dtype)
    tolerance = 100 * np.finfo(dtype).eps
    np.testing.assert_allclose(act()(x), formula(x.astype("longdouble")), rtol=tolerance)
    if act in (SiLU, GELU, Softplus):  # their slopes are small far below 0
        h = np.longdouble(1e-5)
        far = x[x < -2].astype("longdouble")
        slope = (formula(far - 2 * h) - 8 * formula(far - h) + 8 * formula(far + h) - formula(far + 2 * h)) / (12 * h)
        dx = act().backward(np.ones_like(x), act().forward(x)[1])[x < -2]
        np.testing.assert_allclose(dx, slope, rtol=max(tolerance, 1e-8))


@pytest.mark.parametrize("slope", [0, 0.1])
def test_leaky_relu_of_infinity(slope):
    x = np.array([-np.inf, np.inf, np.nan, -1, 1, 0], "float32")
    expected = np.array([-np.inf if slope else 0, np.inf, np.nan, -slope, 1, 0], "float32")
    y, cache = LeakyReLU(slope).forward(x)
    assert y.dtype == "float32"
    np.testing.assert_array_equal(y, expected)
    dx = LeakyReLU(slope).backward(np.ones_like(x), cache)
    np.testing.assert_array_equal(dx[[0, 1, 3, 4]], np.array([slope, 1, slope, 1], "float32"))


def test_the_columns_of_a_condition_are_counted(rng):
    layer = ColumnsToChannels(2, 3, 4, 5)
    assert layer.n_in == 2 * 3 * 4 + 5
    assert layer(rng.standard_normal((7, layer.n_in))).shape == (7, 2, 3, 4 + 5)


def test_decoder_of_latents_alone(rng):
    decoder = spatial_decoder(2, (3,), (4, 4, 1), rng=rng)
    assert decoder(rng.standard_normal((5, 2 * 2 * 2))).shape == (5, 16)

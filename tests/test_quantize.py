"""Nearest codes, how they follow the places that choose them, and where dead ones go; what a masked kernel sees."""

import numpy as np
import pytest

from minivae.layers import Conv2d, MaskedConv2d, Quantize
from minivae.layers.quantize import CODEBOOKS, TINY


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def quantizer(rng, codebook="ema", count=None, **options):
    """5 codes of 2 numbers at 3 places, used `count` times each."""
    layer = Quantize(5, 2, 3, rng, codebook, **options).bind("float64")
    if count is not None:
        if codebook == "ema":
            layer.total.data *= count / layer.count.data[:, None]
        layer.count.data[:] = count
    return layer


def step(layer, z, noise):
    """A step of the states, as the optimizer makes it; the gradient of W."""
    layer.zero_grad()
    y, cache = layer.forward(z, noise)
    layer.backward((np.zeros_like(z), np.zeros(len(z)), np.ones(len(z))), cache)
    for state in layer.states.values():
        state.step()
    return y


@pytest.mark.parametrize("codebook", CODEBOOKS)
def test_every_place_becomes_its_nearest_code(codebook, rng):
    layer, z = quantizer(rng, codebook, 4.0), rng.standard_normal((100, 6))
    (z_q, gap, gap_codes), _ = layer.forward(z)
    places, e = z.reshape(100, 3, 1, 2), layer.codes()
    far = ((places - e) ** 2).sum(axis=-1)  # (100, 3, 5)
    np.testing.assert_array_equal(layer.nearest(z), far.argmin(axis=-1))
    np.testing.assert_array_equal(z_q, e[far.argmin(axis=-1)].reshape(100, 6))
    np.testing.assert_allclose(gap, far.min(axis=-1).sum(axis=-1), rtol=1e-12)
    np.testing.assert_array_equal(gap, gap_codes)
    np.testing.assert_array_equal(layer.lookup(layer.nearest(z)[None]), z_q[None])


def test_codes_are_moving_means_of_what_chose_them(rng):
    layer, z = quantizer(rng, count=4.0, revive=0), rng.standard_normal((4, 6))
    chosen = np.eye(5)[layer.nearest(z).reshape(-1)]  # (12, 5)
    n = 0.99 * layer.count.data + 0.01 * chosen.sum(axis=0)
    total = 0.99 * layer.total.data + 0.01 * chosen.T @ z.reshape(-1, 2)
    step(layer, z, layer.draw_noise(rng, 4))
    np.testing.assert_allclose(layer.count.data, n, rtol=1e-12)
    np.testing.assert_allclose(layer.total.data, total, rtol=1e-12)
    smooth = (n + TINY) / (n.sum() + 5 * TINY) * n.sum()
    np.testing.assert_allclose(layer.codes(), total / smooth[:, None], rtol=1e-12)
    for _ in range(2000):
        step(layer, z, layer.draw_noise(rng, 4))
    codes = layer.nearest(z).reshape(-1)
    for k in np.unique(codes):
        np.testing.assert_allclose(layer.codes()[k], z.reshape(-1, 2)[codes == k].mean(axis=0), rtol=1e-4)


def test_evaluation_moves_nothing(rng):
    layer, z = quantizer(rng), rng.standard_normal((4, 6))
    before = layer.state.copy()
    step(layer, z, None)
    np.testing.assert_array_equal(layer.state, before)


@pytest.mark.parametrize("codebook", CODEBOOKS)
def test_dead_codes_land_on_the_places_that_the_noise_names(codebook, rng):
    """With twice the least count; the others go where they would have gone without them."""
    layer, other = (quantizer(np.random.default_rng(1), codebook, 4.0, revive=r) for r in (0.1, 0.0))
    z, noise = rng.standard_normal((4, 6)), {"places": np.array([11, 0, 7, 3, 5])}
    dead = np.array([0, 3])
    for part in (layer, other):
        part.count.data[dead] = 0.1  # below 0.1 times 12 places over 5 codes
    step(layer, z, noise)
    step(other, z, noise)
    np.testing.assert_allclose(layer.codes()[dead], z.reshape(-1, 2)[[11, 3]], rtol=2e-4)  # smoothed
    np.testing.assert_allclose(layer.count.data[dead], 2 * 0.1 * 12 / 5, rtol=1e-12)
    alive = [1, 2, 4]
    np.testing.assert_array_equal(layer.count.data[alive], other.count.data[alive])
    np.testing.assert_allclose(layer.codes()[alive], other.codes()[alive], rtol=1e-4)


@pytest.mark.parametrize("codebook", CODEBOOKS)
def test_the_first_step_takes_all_codes_from_the_batch(codebook, rng):
    layer, z = quantizer(rng, codebook), 5 + rng.standard_normal((40, 6))
    noise = layer.draw_noise(rng, 40)
    assert noise["places"].shape == (5,)
    assert 0 <= noise["places"].min() <= noise["places"].max() < 120
    step(layer, z, noise)
    np.testing.assert_allclose(layer.codes(), z.reshape(-1, 2)[noise["places"]], rtol=1e-4)


def test_the_loss_of_the_codes_moves_them_to_their_places(rng):
    layer, z = quantizer(rng, "loss", 4.0), rng.standard_normal((4, 6))
    codes, e = layer.nearest(z).reshape(-1), layer.codes()
    step(layer, z, layer.draw_noise(rng, 4))
    expected = [2 * (e[k] - z.reshape(-1, 2)[codes == k]).sum(axis=0) for k in range(5)]
    np.testing.assert_allclose(layer.W.grad, expected, rtol=1e-12, atol=1e-14)


def test_z_gets_the_gradient_of_z_q_as_it_is_and_that_of_the_gap(rng):
    layer, z = quantizer(rng), rng.standard_normal((4, 6))
    (z_q, _, _), cache = layer.forward(z)
    dz_q, g = rng.standard_normal(z.shape), rng.standard_normal(4)
    dz = layer.backward((dz_q, g, np.ones(4)), cache)
    np.testing.assert_allclose(dz, dz_q + 2 * g[:, None] * (z - z_q), rtol=1e-12)


def test_perplexity():
    layer = Quantize(4, 1, 2, np.random.default_rng(0)).bind("float64")
    for codes, expected in (([[0, 0]], 1), ([[0, 1], [3, 2]], 4), ([[0, 0], [2, 2]], 2), ([[0, 0], [0, 1]], 1.7547)):
        assert layer.perplexity(np.array(codes)) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("bad", [{"codebook": "mean"}, {"decay": 1}, {"revive": 0.5}, {"revive": -1}])
def test_what_no_quantizer_has_is_refused(bad, rng):
    with pytest.raises(ValueError, match=next(iter(bad))):
        Quantize(5, 2, 3, rng, **bad)


# ---- masked convolutions


@pytest.mark.parametrize("kernel", [3, 5, (1, 3), (3, 1)])
@pytest.mark.parametrize("own", [False, True])
def test_a_masked_kernel_is_a_kernel_with_zeros(kernel, own, rng):
    """The same numbers, and the same dx, as a convolution with all of the kernel, of which the later half is 0."""
    layer = MaskedConv2d(2, 3, kernel, rng, own).bind("float64")
    layer.W.data[...] = rng.standard_normal(layer.W.data.shape)
    kh, kw = (kernel, kernel) if isinstance(kernel, int) else kernel
    full = Conv2d(2, 3, kernel, rng, padding=(kh // 2, kw // 2)).bind("float64")
    before = np.arange(kh * kw).reshape(kh, kw) < kh * kw // 2 + own
    full.W.data[...] = 0
    full.W.data[: kh // 2 + 1] = layer.W.data
    full.W.data *= before[..., None, None]
    full.b.data[...] = layer.b.data[...] = rng.standard_normal(3)
    x, dy = rng.standard_normal((2, 4, 5, 2)), rng.standard_normal((2, 4, 5, 3))
    np.testing.assert_allclose(layer(x), full(x), rtol=1e-12, atol=1e-12)
    dx, dx_full = (part.backward(dy, part.forward(x)[1]) for part in (layer, full))
    np.testing.assert_allclose(dx, dx_full, rtol=1e-12, atol=1e-12)
    dW = full.W.grad * before[..., None, None]
    np.testing.assert_allclose(layer.W.grad, dW[: kh // 2 + 1], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("own", [False, True])
def test_no_later_pixel_reaches_an_earlier_one(own, rng):
    layer = MaskedConv2d(1, 2, 5, rng, own)
    x = rng.standard_normal((1, 4, 4, 1)).astype("float32")
    y = layer(x).reshape(16, 2)
    for i in range(16):
        other = x.copy()
        other.flat[i] += 1
        changed = (layer(other).reshape(16, 2) != y).any(axis=-1)
        assert not changed[: i + (not own)].any()
        assert changed[i] == own
        assert changed[i + 1 : i + 2].all() or i % 4 == 3


def test_outputs_have_the_size_of_inputs_at_the_start(rng):
    """The weights that the mask leaves out count for nothing in Glorot's sizes."""
    x = rng.standard_normal((50, 9, 9, 16)).astype("float32")
    for own in (False, True):
        assert MaskedConv2d(16, 16, 5, rng, own)(x)[:, 2:, 2:-2].std() == pytest.approx(1, rel=0.1)


@pytest.mark.parametrize(("kernel", "own"), [(2, False), ((3, 4), True), (1, False)])
def test_kernels_without_a_middle_are_refused(kernel, own, rng):
    with pytest.raises(ValueError, match="kernel: expected odd sides"):
        MaskedConv2d(1, 1, kernel, rng, own)

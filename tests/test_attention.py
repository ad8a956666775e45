"""Causal attention: what it must do besides having a right gradient. Causality is exact; of rows it is to rounding."""

import numpy as np
import pytest

from minivae.backend import place, to_numpy
from minivae.gradcheck import check_gradients
from minivae.layers import CausalAttention, Positions, next_step, transformer, weights_of


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def moved(layer, rng):
    """The same layer in float64 with biases and gains that are seen."""
    layer.bind("float64").theta += 0.3 * rng.standard_normal(layer.theta.size)
    return layer


MAKE = pytest.mark.parametrize(
    "make", [lambda rng: CausalAttention(6, 3, rng), lambda rng: transformer(6, 2, 3, 8, rng)], ids=["one", "blocks"]
)


def plain_attention(x, qkv, b, out, c, heads):
    """y one step at a time, from the equations alone.   x (T, width)."""
    q, k, v = np.split(x @ qkv + b, 3, axis=1)
    mixed = np.zeros_like(x)
    d = x.shape[1] // heads
    for i in range(heads):
        own = slice(i * d, (i + 1) * d)
        for t in range(len(x)):
            weights = np.exp([k[s, own] @ q[t, own] / d**0.5 for s in range(t + 1)])
            mixed[t, own] = weights @ v[: t + 1, own] / weights.sum()
    return mixed @ out + c


def test_attention_is_its_equations(rng):
    layer, x = moved(CausalAttention(6, 3, rng), rng), rng.standard_normal((2, 5, 6))
    weights = [param.data for param in layer.params.values()]
    for row, y in zip(x, layer(x), strict=True):
        np.testing.assert_allclose(y, plain_attention(row, *weights, heads=3), rtol=1e-12)


@MAKE
def test_the_past_does_not_see_the_future(make, rng):
    """Bit for bit, forward and backward."""
    layer, x = moved(make(rng), rng), rng.standard_normal((2, 7, 6))
    y, cache = layer.forward(x)
    for t in (1, 4, 6):
        other = x.copy()
        other[:, t] += 100 * rng.standard_normal(6)
        changed = layer(other) != y
        assert not changed[:, :t].any()
        assert changed[:, t:].any(axis=-1).all()
        w = rng.standard_normal(x.shape)
        w[:, t + 1 :] = 0
        dx = layer.backward(w, cache, accumulate=False)
        assert not dx[:, t + 1 :].any()
        assert dx[:, : t + 1].any(axis=-1).all()


@MAKE
def test_what_stands_behind_a_line_changes_nothing_in_it(make, rng):
    """The first steps of a longer row, and all gradients where the loss is theirs."""
    layer, x = moved(make(rng), rng), rng.standard_normal((2, 7, 6))
    w = np.zeros_like(x)
    w[:, :4] = rng.standard_normal((2, 4, 6))
    results = []
    for t in (4, 7):
        layer.zero_grad()
        y, cache = layer.forward(x[:, :t])
        dx = layer.backward(w[:, :t], cache)
        results.append((y[:, :4], dx[:, :4], layer.grad.copy()))
    for short, long in zip(*results, strict=True):
        np.testing.assert_allclose(short, long, rtol=1e-12, atol=1e-14)


def test_heads_have_no_order(rng):
    layer, other = (CausalAttention(6, 3, np.random.default_rng(0)).bind("float64") for _ in range(2))
    order = [2, 3, 4, 5, 0, 1]  # the heads, two columns each, one further
    for part in (other.qkv.W.data, other.qkv.b.data):
        blocks = part.reshape(-1, 3, 6)
        blocks[...] = blocks[..., order]
    other.out.W.data[...] = other.out.W.data[order]
    x = rng.standard_normal((2, 5, 6))
    np.testing.assert_allclose(layer(x), other(x), rtol=1e-12)
    np.testing.assert_allclose(layer.weights(x)[:, [1, 2, 0]], other.weights(x), rtol=1e-12)


def test_without_a_query_it_is_the_running_mean_of_the_values(rng):
    layer, x = CausalAttention(4, 2, rng).bind("float64"), rng.standard_normal((2, 5, 4))
    layer.qkv.W.data[:, :4] = 0
    layer.out.W.data[...] = np.eye(4)
    v = x @ layer.qkv.W.data[:, 8:]
    mean = np.cumsum(v, axis=1) / np.arange(1, 6)[:, None]
    np.testing.assert_allclose(layer(x), mean, rtol=1e-12)
    np.testing.assert_allclose(layer.weights(x)[1, 1], np.tril(np.ones((5, 5))) / np.arange(1, 6)[:, None], rtol=1e-12)


def test_weights_are_those_of_the_mean(rng):
    """Queries down, keys across: y is what they make of the values."""
    layer, x = CausalAttention(4, 2, rng).bind("float64"), rng.standard_normal((3, 5, 4))
    layer.out.W.data[...] = np.eye(4)
    weights, v = layer.weights(x), x @ layer.qkv.W.data[:, 8:]
    assert weights.shape == (3, 2, 5, 5)
    np.testing.assert_allclose(weights.sum(axis=-1), 1, rtol=1e-14)
    assert not weights[..., *np.triu_indices(5, 1)].any()
    np.testing.assert_allclose(layer(x)[..., :2], weights[:, 0] @ v[..., :2], rtol=1e-12)
    np.testing.assert_allclose(layer(x)[..., 2:], weights[:, 1] @ v[..., 2:], rtol=1e-12)


def test_large_scores_choose_one_step(device, rng):
    """No exp overflows, forward or backward."""
    layer = CausalAttention(6, 2, rng).bind("float32", device)
    x = place(1e4 * rng.standard_normal((2, 5, 6)), like=layer.theta)
    y, cache = layer.forward(x)
    layer.zero_grad()
    dx = layer.backward(y, cache)
    assert all(np.isfinite(to_numpy(a)).all() for a in (y, dx, layer.grad))
    assert set(np.unique(to_numpy(layer.weights(x)).round(3))) == {0, 1}


def test_the_bias_of_the_keys_has_no_gradient(rng):
    layer, x = moved(CausalAttention(6, 2, rng), rng), rng.standard_normal((2, 5, 6))
    y, cache = layer.forward(x)
    layer.zero_grad()
    layer.backward(y, cache)
    dq, dk, dv = np.split(layer.qkv.b.grad, 3)
    assert np.abs(dk).max() < 1e-14
    assert min(np.abs(dq).min(), np.abs(dv).min()) > 1e-4


def test_heads_divide_the_width(rng):
    with pytest.raises(ValueError, match="heads: expected a divisor of width = 6, got 4"):
        CausalAttention(6, 4, rng)


def test_positions(rng):
    """A row for each step, of length about 1; the steps that are not there get no gradient, those beyond T are none."""
    layer, x = Positions(5, 3, rng), rng.standard_normal((2, 3, 3), dtype="float32")
    y, cache = layer.forward(x)
    np.testing.assert_array_equal(y, x + layer.W.data[:3])
    layer.backward(y, cache)
    np.testing.assert_allclose(layer.W.grad[:3], y[0] + y[1], rtol=1e-6)
    assert not layer.W.grad[3:].any()
    assert np.linalg.norm(Positions(400, 50, rng).W.data, axis=1).mean() == pytest.approx(1, rel=0.02)
    with pytest.raises(ValueError, match="x: expected at most 5 steps, got 6"):
        layer(np.zeros((2, 6, 3), "float32"))


# ---- the transformer


def test_the_gradient_of_a_transformer(rng):
    checks = check_gradients(moved(transformer(4, 1, 2, 5, rng), rng), rng.standard_normal((3, 4, 4)), rng)
    assert checks.ok, checks
    assert len(checks) == 16


def test_a_transformer_by_hand(rng):
    """x + attention(norm(x)), then x + MLP(norm(x)), with what stands before and behind."""
    net, x = moved(transformer(6, 1, 2, 5, rng), rng), rng.standard_normal((2, 4, 6))
    positions, first, second, last = net.layers
    norm, attention = first.body.layers
    h = positions(x)
    h = h + attention(norm(h))
    norm, wide, _, narrow = second.body.layers[0].layers
    assert wide.W.data.shape == (6, 24)
    h = h + np.maximum(norm(h) @ wide.W.data + wide.b.data, 0) @ narrow.W.data + narrow.b.data
    np.testing.assert_allclose(net(x), last(h), rtol=1e-12)


def test_a_fresh_transformer(rng):
    """Its output is normalized, its ReLU layers start with He's weights, and nothing decays that should not."""
    net = transformer(128, 2, 4, 10, rng).bind()
    y = net(rng.standard_normal((3, 10, 128), dtype="float32"))
    np.testing.assert_allclose(y.mean(axis=-1), 0, atol=1e-5)
    np.testing.assert_allclose(y.var(axis=-1), 1, rtol=1e-3)
    assert net.layers[2].body.layers[0].layers[1].W.data.var() == pytest.approx(2 / 128, rel=0.05)
    assert net.theta.size == 10 * 128 + 2 * (12 * 128 * 128 + 13 * 128) + 2 * 128
    assert {name.rpartition(".")[2] for name, p in net.params.items() if p.decay} == {"W"}
    assert not net.params["layers.0.W"].decay


def test_a_transformer_on_every_backend(device, rng):
    """Float32 there and float64 in NumPy: value, dx and every gradient."""
    net, x, w = transformer(8, 1, 2, 6, rng), *rng.standard_normal((2, 3, 5, 8))
    results = []
    for dtype, where in (("float64", "numpy"), ("float32", device)):
        net.bind(dtype, where)
        net.zero_grad()
        y, cache = net.forward(place(x, like=net.theta))
        dx = net.backward(place(w, like=net.theta), cache)
        results.append(to_numpy([y, dx, net.grad.copy()]))
    for exact, rough in zip(*results, strict=True):
        np.testing.assert_allclose(rough, exact, rtol=1e-3, atol=1e-4)


def test_step_by_step_it_says_what_it_says_at_once(device, rng):
    """A line that is written token by token needs the keys and values of the steps before, and no more."""
    net = transformer(6, 2, 3, 5, rng).bind("float64", device)
    x = place(rng.standard_normal((2, 5, 6)), like=net.theta)
    y, memory = to_numpy(net(x)), None
    for t in range(5):
        step, memory = next_step(net, x[:, t], memory)
        np.testing.assert_allclose(to_numpy(step), y[:, t], rtol=1e-10, atol=1e-12)
    assert [part.shape for part in memory[1]] == 2 * [(2, 3, 5, 2)]
    with pytest.raises(ValueError, match="x: expected at most 5 steps, got 6"):
        next_step(net, x[:, 0], memory)


def test_the_weights_of_each_block(rng):
    """Those of the first one are of the normed x with its positions, those of the second of what the first one made."""
    net, x = moved(transformer(6, 2, 3, 5, rng), rng), rng.standard_normal((2, 4, 6))
    first, second = weights_of(net, x)
    positions, attends, thinks, again, _, _ = net.layers
    for p, block, h in ((first, attends, positions(x)), (second, again, thinks(attends(positions(x))))):
        norm, attention = block.body.layers
        np.testing.assert_array_equal(p, attention.weights(norm(h)))

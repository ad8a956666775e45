"""Spectral normalization: what it normalizes to, where its states go, and critics made of it."""

import numpy as np
import pytest

from minivae.layers import BatchNorm, Conv2d, ConvTranspose2d, Dense, Spectral, conv_critic, dense_critic
from minivae.optim import SGD
from minivae.params import Param, State

LAYERS = {
    "dense": lambda rng: (Dense(7, 5, rng), (4, 7)),
    "conv": lambda rng: (Conv2d(2, 3, (2, 3), rng, 2, 1), (4, 5, 6, 2)),
}
both = pytest.mark.parametrize("kind", LAYERS)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def made(kind, rng):
    layer, shape = LAYERS[kind](rng)
    return Spectral(layer).bind("float64"), rng.standard_normal(shape)


def largest(layer):
    """The largest singular value of its W."""
    W = layer.layer.W.data
    return np.linalg.svd(W.reshape(-1, W.shape[-1]), compute_uv=False)[0]


def sigma(layer, x):
    return layer.forward(x)[1][1]


def move(layer):
    """What an optimizer's step does to the states."""
    for state in layer.states.values():
        state.step()


def learn(layer, x, step):
    layer.zero_grad()
    y, cache = layer.forward(x)
    layer.backward(np.cos(y), cache)
    step(layer)


@both
def test_sigma_follows_the_largest_singular_value(kind, rng):
    """It starts there, is lost when W jumps, and comes back; while W learns slowly it stays close."""
    layer, x = made(kind, rng)
    assert sigma(layer, x) == pytest.approx(largest(layer), rel=1e-6)
    layer.layer.W.data += rng.standard_normal(layer.layer.W.data.shape)
    assert sigma(layer, x) < 0.95 * largest(layer)
    for _ in range(100):
        learn(layer, x, move)
    assert sigma(layer, x) == pytest.approx(largest(layer), rel=1e-6)
    optimizer = SGD(layer, 0.01)
    for _ in range(50):
        learn(layer, x, lambda _: optimizer.step())
        assert sigma(layer, x) == pytest.approx(largest(layer), rel=1e-2)


@both
def test_value_is_that_of_a_layer_of_norm_one(kind, rng):
    layer, x = made(kind, rng)
    layer.layer.b.data[...] = rng.standard_normal(layer.layer.b.data.shape)
    y = layer(x)
    layer.layer.W.data /= sigma(layer, x)
    assert largest(layer) == pytest.approx(1, rel=1e-6)
    np.testing.assert_allclose(layer.layer(x), y, rtol=1e-12, atol=1e-12)
    layer.layer.W.data *= 3  # its scale is of no account
    np.testing.assert_allclose(layer(x), y, rtol=1e-12, atol=1e-12)


@both
def test_states_are_one_power_iteration_whatever_the_data_and_the_calls(kind, rng):
    """Two backwards, of real and fake, pull to the same unit vectors as one; without `accumulate` nothing moves."""
    layer, x = made(kind, rng)
    W = layer.layer.W.data
    W += 0.3 * rng.standard_normal(W.shape)
    W = W.reshape(-1, W.shape[-1]).copy()
    v = layer.u.data @ W
    v /= np.linalg.norm(v)
    u = W @ v
    u /= np.linalg.norm(u)
    before = layer.state.copy()
    layer.zero_grad()
    y, cache = layer.forward(x)
    other, c_other = layer.forward(-2 * x)
    layer.backward(y, cache, accumulate=False)
    move(layer)
    np.testing.assert_array_equal(layer.state, before)
    layer.backward(other, c_other)
    layer.backward(y, cache, need_dx=False)
    move(layer)
    np.testing.assert_allclose(layer.u.data, u, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(layer.v.data, v, rtol=1e-12, atol=1e-14)


def test_only_a_dense_or_convolutional_layer(rng):
    for layer in (ConvTranspose2d(2, 3, 3, rng), BatchNorm(3)):
        with pytest.raises(ValueError, match="layer: expected a Dense or a Conv2d, got"):
            Spectral(layer)


def test_a_dense_critic_cannot_tell_more_than_a_distance(rng):
    """|odds(z) - odds(z')| <= |z - z'|, in the steepest direction as well; the same network without it can."""
    critic = dense_critic(6, [20, 20], rng=rng).bind("float64")
    assert [layer.data.ndim for layer in critic.named(State).values()] == [1] * 6
    z = 3 * rng.standard_normal((200, 6))

    def steepest():
        odds, cache = critic.forward(z)
        assert odds.shape == (200, 1)
        return np.linalg.norm(critic.backward(np.ones_like(odds), cache, accumulate=False), axis=1).max()

    assert 0.01 < steepest() <= 1 + 1e-6
    for param in critic.named(Param).values():
        param.data *= 10
    assert steepest() <= 1 + 1e-6
    critic = dense_critic(6, [20, 20], bounded=False, rng=rng).bind("float64")
    critic.layers[-1].W.data *= 100
    assert steepest() > 2


def test_a_convolutional_critic_gives_features_and_odds(rng):
    """Each convolution 4x4 with stride 2 sees a pixel in four patches, so it stretches by at most 2."""
    body, head = conv_critic((9, 8, 3), [4, 5], [6], rng=rng)
    x = rng.standard_normal((2, 7, 9 * 8 * 3)).astype("float32")
    features, c_body = body.forward(x)
    odds, c_head = head.forward(features)
    assert features.shape == (2, 7, 2 * 2 * 5)
    assert odds.shape == (2, 7, 1)
    dx = body.backward(head.backward(np.ones_like(odds), c_head), c_body)
    assert dx.shape == x.shape
    assert 0 < np.linalg.norm(dx, axis=-1).max() <= 4 + 1e-5
    assert len([*body.named(State), *head.named(State)]) == 2 * 4

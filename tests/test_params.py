import copy
import gc
import pickle

import numpy as np
import pytest

from minivae.layers import Dense, Layer, LayerNorm, Sequential
from minivae.models import VAE
from minivae.models.base import Model
from minivae.optim import SGD
from minivae.params import Module, Param, State


class Tied(Module):
    def __init__(self, rng):
        self.first = Dense(2, 2, rng)
        self.parts = [self.first, LayerNorm(2)]
        self.alone = Param(np.ones(3))


class Mean(Layer):
    """A layer that learns the mean of its input without a gradient."""

    def __init__(self, n):
        self.mean = State(np.zeros(n), rate=0.1)

    def forward(self, x, noise=None):
        return x - self.mean.data, x

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        if accumulate:
            self.mean.pull_towards(cache.mean(axis=0))
        return dy


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_names_are_paths_and_tied_parts_count_once(rng):
    module = Tied(rng).bind()
    assert list(module.params) == ["first.W", "first.b", "parts.1.gain", "parts.1.b", "alone"]
    assert module.theta.size == module.grad.size == 4 + 2 + 2 + 2 + 3


def test_parameters_are_views_of_theta(rng):
    net = Sequential(Dense(3, 2, rng), Dense(2, 1, rng))
    before = [p.data.copy() for p in net.named(Param).values()]
    net.bind("float64")
    for p, data in zip(net.params.values(), before, strict=True):
        np.testing.assert_array_equal(p.data, data)
        assert p.data.dtype == "float64"
        assert np.shares_memory(p.data, net.theta)
        assert np.shares_memory(p.grad, net.grad)
    net.theta += 1
    np.testing.assert_allclose(net.layers[1].W.data, before[2] + 1)
    net.layers[1].W.grad += 3
    assert net.grad.sum() == 6
    np.testing.assert_array_equal(net.grad[net.slices["layers.1.W"]], 3)
    net.zero_grad()
    assert not net.grad.any()


def test_first_product_of_a_step_takes_the_place_of_zeros(rng):
    """zero_grad writes nothing, yet nobody can see what was there: not the product, not a sum, not the flat vector."""
    net = Sequential(Dense(3, 2, rng), Dense(2, 4, rng)).bind("float64")
    a, b = rng.standard_normal((3, 5)), rng.standard_normal((5, 2))
    for used in (net.layers[0].W, net.layers[1].W):
        net.grad[...] = 7
        net.zero_grad()
        used.add_product(a[: len(used.data)], b.repeat(2, axis=1)[:, : used.data.shape[1]])
        once = used.grad.copy()
        assert once.any()
        used.add_product(a[: len(used.data)], b.repeat(2, axis=1)[:, : used.data.shape[1]])
        np.testing.assert_allclose(used.grad, 2 * once)
        assert not np.concatenate([p.grad.ravel() for p in net.params.values() if p is not used]).any()
        net.zero_grad()
        used.grad += 1
        assert net.grad.sum() == used.data.size
        net.grad[...] = 7
        net.zero_grad()
        assert not net.grad.any()


def test_parts_are_the_whole(rng):
    model = VAE.build((6,), rng, hidden=(5,), latent=2)
    x = rng.random((2500, 6), dtype="float32")
    for f in (lambda x: model.encoder(x), lambda x: model.encoder(x)[0]):
        whole, parts = f(x), model.in_parts(f, x)
        np.testing.assert_allclose(np.stack(parts), np.stack(whole), rtol=1e-5, atol=1e-6)
    assert model.decode(np.zeros((0, 2))).shape == (0, 6)


def test_binding_again_keeps_values(rng):
    net = Sequential(Dense(3, 2, rng)).bind("float32")
    theta = net.theta.copy()
    np.testing.assert_array_equal(net.bind("float64").theta, theta)


def test_bad_binding_says_so(rng):
    with pytest.raises(ValueError, match="dtype: expected float32 or float64, got 'int8'"):
        Dense(2, 2, rng).bind("int8")
    with pytest.raises(ValueError, match="backend: expected one of numpy, compiled, cupy, got 'abacus'"):
        Dense(2, 2, rng).bind(device="abacus")


def test_states_follow_the_mean_of_their_pulls(rng):
    layer = Mean(2).bind("float64")
    model = Sequential(layer, Dense(2, 1, rng)).bind("float64")
    assert list(model.states) == ["layers.0.mean"]
    optimizer = SGD(model, lr=lambda t: 0.0)
    x1, x2 = rng.standard_normal((2, 5, 2))
    model.zero_grad()
    for x in (x1, x2):
        y, cache = model.forward(x)
        model.backward(np.ones_like(y), cache)
        model.backward(np.ones_like(y), cache, accumulate=False)  # leaves states alone
    optimizer.step()
    np.testing.assert_allclose(model.state, 0.1 * (x1.mean(axis=0) + x2.mean(axis=0)) / 2, rtol=1e-13)
    before = model.state.copy()
    model.zero_grad()
    assert layer.mean.count == 0
    assert not model.pull.any()
    optimizer.step()
    np.testing.assert_array_equal(model.state, before)
    assert set(model.arrays()) == {"layers.0.mean", "layers.1.W", "layers.1.b"}


def test_a_step_uses_up_what_pulls_a_state():
    """A second step without a backward moves nothing; a pull after it counts by itself, also without zero_grad."""
    state = State(np.zeros(2), rate=0.5)
    state.pull_towards(np.array([2.0, 4.0]))
    state.step()
    state.step()
    np.testing.assert_array_equal(state.data, [1, 2])
    state.pull_towards(np.array([3.0, 4.0]))
    state.step()
    np.testing.assert_array_equal(state.data, [2, 3])


def test_models_refuse_copies(rng):
    model = VAE.build((4,), rng, hidden=(3,), latent=2)
    for f in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="VAE cannot be copied or pickled"):
            f(model)
    assert issubclass(VAE, Model)


def test_a_bound_part_may_be_swallowed_but_not_taken_away(rng):
    layer = Dense(3, 2, rng).bind("float64")
    net = Sequential(layer, Dense(2, 1, rng)).bind("float32")
    assert np.shares_memory(layer.W.data, net.theta)
    with pytest.raises(ValueError, match="bind: W belongs to a bound Sequential; bind that instead"):
        layer.bind("float64")
    assert np.shares_memory(layer.W.data, net.theta)


def test_a_model_that_is_gone_holds_nothing_back(rng):
    """Without waiting for the garbage collector: nothing in a model refers back to it."""
    gc.disable()
    try:
        encoder = VAE.build((4,), rng, hidden=(3,), latent=2).encoder
        assert encoder.bind("float64").theta.dtype == "float64"
    finally:
        gc.enable()


def test_parts_in_dicts_and_names_below_a_part(rng):
    class Heads(Module):
        def __init__(self):
            self.heads = {"a": Dense(2, 1, rng), "ab": [Dense(2, 1, rng)]}

    module = Heads().bind()
    assert list(module.params) == ["heads.a.W", "heads.a.b", "heads.ab.0.W", "heads.ab.0.b"]
    assert module.below("heads.a") == ["heads.a.W", "heads.a.b"]
    assert module.below("heads.ab.0.W") == ["heads.ab.0.W"]
    assert module.below("") == list(module.params)


def test_a_parameter_belongs_to_the_first_objective_that_names_it(rng):
    net = Sequential(Dense(2, 2, rng), Dense(2, 2, rng)).bind()
    everything = list(net.params)
    assert net.by_objective() == {"loss": everything}
    net.objectives = {"loss_critic": ("layers.1.b", "layers.0.W"), "loss": ("",), "loss_late": ("layers.1",)}
    critic = ["layers.0.W", "layers.1.b"]
    assert net.by_objective() == {"loss_critic": critic, "loss": ["layers.0.b", "layers.1.W"], "loss_late": []}
    net.objectives = {"loss": ("layers.0",)}
    assert net.by_objective() == {"loss": ["layers.0.W", "layers.0.b"]}

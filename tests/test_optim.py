import math

import numpy as np
import pytest

from minivae.layers import BatchNorm, Dense, LayerNorm, Sequential
from minivae.optim import OPTIMIZERS, SGD, Adam, AdamW, Optimizer
from minivae.params import Module, Param


def make(seed=0, n=4):
    rng = np.random.default_rng(seed)
    model = Sequential(Dense(n, 3, rng), LayerNorm(3)).bind("float64")
    model.grad[...] = rng.standard_normal(model.grad.size)
    return model


class Players(Module):
    """Two players, whose parameters do not lie together."""

    objectives = {"loss": ("encoder", "decoder"), "loss_critic": ("critic",)}

    def __init__(self, rng):
        self.encoder, self.critic, self.decoder = (Dense(n, 2, rng) for n in (3, 5, 4))


def players(dtype="float64"):
    """A model, and where the parameters of each objective lie."""
    rng = np.random.default_rng(1)
    model = Players(rng).bind(dtype)
    model.grad[...] = rng.standard_normal(model.grad.size)
    critic = np.zeros(model.theta.size, bool)
    critic[3 * 2 + 2 : 3 * 2 + 2 + 5 * 2 + 2] = True
    return model, {"loss": ~critic, "loss_critic": critic}


@pytest.mark.parametrize("cls", OPTIMIZERS.values())
def test_step_leaves_the_gradient_as_it_was(cls):
    model = make()
    grad, theta = model.grad.copy(), model.theta.copy()
    cls(model, clip=0.5).step()
    np.testing.assert_array_equal(model.grad, grad)
    assert (model.theta != theta).all()


def test_sgd_by_hand():
    model = make()
    theta, g = model.theta.copy(), model.grad.copy()
    optimizer = SGD(model, lr=0.1, momentum=0.5)
    optimizer.step()
    optimizer.step()
    np.testing.assert_allclose(model.theta, theta - 0.1 * g - 0.1 * 1.5 * g, rtol=1e-13)


def test_adam_by_hand():
    """Two steps of algorithm 1, written out for one coordinate."""
    model = make()
    theta = model.theta.copy()
    optimizer = Adam(model, lr=0.01)
    g1 = model.grad.copy()
    optimizer.step()
    np.testing.assert_allclose(model.theta, theta - 0.01 * np.sign(g1), atol=1e-7)  # the bias is corrected
    g2 = model.grad[...] = -0.3 * g1 + 0.1
    before = model.theta.copy()
    optimizer.step()
    m_hat = (0.9 * 0.1 * g1 + 0.1 * g2) / (1 - 0.9**2)
    v_hat = (0.999 * 0.001 * g1**2 + 0.001 * g2**2) / (1 - 0.999**2)
    np.testing.assert_allclose(model.theta, before - 0.01 * m_hat / (np.sqrt(v_hat) + 1e-8), rtol=1e-12)


@pytest.mark.parametrize("cls", OPTIMIZERS.values())
def test_blocks_of_the_cpu_update_change_nothing(cls, monkeypatch):
    results = []
    for block in (5, 10**6):
        monkeypatch.setattr("minivae.optim.BLOCK", block)
        model = make()
        optimizer = cls(model, clip=1.0, rates={"layers.0": 0.3})
        optimizer.step()
        optimizer.step()
        results.append(model.theta)
    np.testing.assert_array_equal(*results)


def test_decay_spares_biases_and_norms():
    plain, decayed = make(), make()
    Adam(plain, lr=0.1).step()
    theta = decayed.theta.copy()
    AdamW(decayed, lr=0.1, weight_decay=0.5).step()
    difference = decayed.theta - plain.theta
    W = decayed.slices["layers.0.W"]
    np.testing.assert_allclose(difference[W], -0.1 * 0.5 * theta[W], rtol=1e-10)
    difference[W] = 0
    assert not difference.any()


def test_number_of_axes_says_nothing_about_decay():
    class Both(Module):
        def __init__(self):
            self.spared = Param(np.ones((2, 3)), decay=False)
            self.decayed = Param(np.ones(4))

    model = Both().bind("float64")
    AdamW(model, lr=0.1, weight_decay=0.5).step()  # the gradient is 0
    np.testing.assert_allclose(model.theta, [1] * 6 + [0.95] * 4, rtol=1e-15)


def test_decay_follows_the_rate_of_each_coordinate():
    """theta (1 - lr(t) rate weight_decay) at every step: also the schedule counts, and a part with rate 0 stays."""
    model = Players(np.random.default_rng(0)).bind("float64")
    theta, lr = model.theta.copy(), [0.1, 0.05, 0.2]
    optimizer = AdamW(model, lr=lambda t: lr[t], weight_decay=0.5, rates={"encoder": 0.3, "critic": 0.0})
    for _ in lr:
        optimizer.step()  # the gradient is 0
    for name, rate in (("encoder.W", 0.3), ("critic.W", 0.0), ("decoder.W", 1.0)):
        own, factor = model.slices[name], math.prod(1 - rate * r * 0.5 for r in lr)
        np.testing.assert_allclose(model.theta[own], theta[own] * factor, rtol=1e-14)


def test_clipping_scales_the_whole_gradient():
    norm = np.linalg.norm(make().grad)
    for clip in (0.1 * norm, 10 * norm):
        model = make()
        theta = model.theta.copy()
        SGD(model, lr=1.0, momentum=0.0, clip=clip).step()
        np.testing.assert_allclose(theta - model.theta, model.grad * min(1, clip / norm), rtol=1e-10)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_clipping_one_objective_is_the_formula_to_the_bit(dtype):
    model = make().bind(dtype)
    model.grad[...] = np.random.default_rng(2).standard_normal(model.grad.size)
    theta, g = model.theta.copy(), model.grad
    SGD(model, lr=1.0, momentum=0.0, clip=0.5).step()
    np.testing.assert_array_equal(model.theta, theta - g * np.minimum(0.5 / (np.sqrt((g * g).sum()) + 1e-12), 1))


def test_parameters_that_lie_together_are_one_slice():
    """One call, on a GPU one launch, for each stretch of theta that one objective trains."""
    whole = make()
    assert SGD(whole).trained == {"loss": [slice(0, whole.theta.size)]}
    model, _ = players()
    assert SGD(model).trained == {"loss": [slice(0, 8), slice(20, 30)], "loss_critic": [slice(8, 20)]}


def test_each_objective_is_clipped_by_its_own_norm():
    model, where = players()
    model.grad[where["loss_critic"]] *= 100
    norms = {name: np.linalg.norm(model.grad[own]) for name, own in where.items()}
    for clip in (0.5 * norms["loss"], 2 * norms["loss"], 2 * norms["loss_critic"]):
        model.theta[...] = 0
        SGD(model, lr=1.0, momentum=0.0, clip=clip).step()
        for name, own in where.items():
            np.testing.assert_allclose(-model.theta[own], model.grad[own] * min(1, clip / norms[name]), rtol=1e-10)


def test_rates_count_after_the_clipping():
    """The norm is that of g, not of rate times g."""
    model = make()
    theta, g, norm = model.theta.copy(), model.grad.copy(), np.linalg.norm(model.grad)
    SGD(model, lr=1.0, momentum=0.0, clip=0.5 * norm, rates={"layers.0": 0.25, "layers.1": 0.5}).step()
    rate = np.where(np.arange(g.size) < model.layers[0].W.data.size + 3, 0.25, 0.5)
    np.testing.assert_allclose(theta - model.theta, rate * g * 0.5, rtol=1e-10)


def test_a_parameter_of_no_objective_is_refused():
    model = Players(np.random.default_rng(0)).bind()
    model.objectives = {"loss": ("encoder",), "loss_critic": ("critic.W",)}
    message = "objectives: expected each parameter below one of them, got none for critic.b, decoder.W, decoder.b"
    with pytest.raises(ValueError, match=message):
        SGD(model)


def test_betas_of_each_objective():
    """As if each objective had an Adam of its own; an objective that is left out has Adam's own betas."""
    for betas, of_each in (
        ({"loss_critic": (0.5, 0.9)}, {"loss": (0.9, 0.999), "loss_critic": (0.5, 0.9)}),
        ({"loss": (0.0, 0.7), "loss_critic": (0.2, 0.0)}, {"loss": (0.0, 0.7), "loss_critic": (0.2, 0.0)}),
        ((0.3, 0.4), dict.fromkeys(("loss", "loss_critic"), (0.3, 0.4))),
    ):
        (model, where), others = players(), {name: players()[0] for name in of_each}
        optimizers = [Adam(model, 0.1, betas)] + [Adam(others[name], 0.1, pair) for name, pair in of_each.items()]
        for factor in (1.0, -0.3, 0.2):
            for optimizer in optimizers:
                optimizer.model.grad[...] *= factor
                optimizer.step()
        for name, own in where.items():
            np.testing.assert_array_equal(model.theta[own], others[name].theta[own])


@pytest.mark.parametrize("cls", OPTIMIZERS.values())
def test_objectives_change_nothing_but_the_clipping(cls):
    thetas = []
    for objectives in (Players.objectives, {"loss": ("",)}):
        model, _ = players("float32")
        model.objectives = objectives
        optimizer = cls(model, rates={"encoder": 0.5}, ema=0.9)
        optimizer.step()
        optimizer.step()
        thetas.append(model.theta)
    np.testing.assert_array_equal(*thetas)


def test_rate_factors_per_part():
    model = make()
    theta = model.theta.copy()
    SGD(model, lr=1.0, rates={"layers.0": 0.25, "layers.1": 0}).step()
    moved = theta - model.theta
    np.testing.assert_allclose(moved[model.slices["layers.0.b"]], 0.25 * model.layers[0].b.grad, rtol=1e-10)
    assert not moved[model.slices["layers.1.gain"]].any()
    with pytest.raises(ValueError, match="rates: no parameter is below 'encoder'"):
        SGD(model, rates={"encoder": 1})


def test_nesterov_by_hand():
    """Descent with a look ahead: g taken at phi = theta - lr mu v, v = mu v + g, theta -= lr v (Sutskever, eq. 3, 4).

    On a bowl, |theta|^2 / 2, whose gradient is theta; our parameters are the points phi.
    """
    model = make()
    optimizer = SGD(model, lr=0.1, momentum=0.5, nesterov=True)
    theta, v = model.theta.copy(), 0.0
    for _ in range(5):
        phi = theta - 0.1 * 0.5 * v
        np.testing.assert_allclose(model.theta, phi, rtol=1e-12)
        v = 0.5 * v + phi
        theta = theta - 0.1 * v
        model.grad[...] = model.theta
        optimizer.step()


def test_moving_average():
    """The average of what theta was after each step; the first steps count more, and a step leaves theta alone."""
    model = make()
    optimizer = SGD(model, lr=0.1, momentum=0.0, ema=0.5)
    average = model.theta.copy()
    for t in range(1, 20):
        optimizer.step()
        keep = min(0.5, t / (t + 9))
        average = keep * average + (1 - keep) * model.theta
    theta = model.theta.copy()
    with optimizer.averaged():
        np.testing.assert_allclose(model.theta, average, rtol=1e-12)
    np.testing.assert_array_equal(model.theta, theta)
    with pytest.raises(ZeroDivisionError), optimizer.averaged():
        1 / 0  # noqa: B018
    np.testing.assert_array_equal(model.theta, theta)
    assert set(optimizer.arrays()) == {"velocity", "average"}
    plain = make()
    other = SGD(plain, lr=0.1, momentum=0.0)
    for _ in range(19):
        other.step()
    np.testing.assert_array_equal(plain.theta, theta)
    with other.averaged():
        np.testing.assert_array_equal(plain.theta, theta)
    for ema in (1, -0.1):
        with pytest.raises(ValueError, match=f"ema: expected a finite number >= 0 and < 1, got {ema}"):
            SGD(make(), ema=ema)


def test_the_average_keeps_0999_from_step_8991_on():
    for t, keep in ((1, 0.1), (8990, 8990 / 8999), (8991, 0.999), (20000, 0.999)):
        model = make()
        optimizer = SGD(model, ema=0.999)
        optimizer.average[...], optimizer.t = 0, t - 1
        optimizer.step()
        np.testing.assert_allclose(optimizer.average, (1 - keep) * model.theta, rtol=1e-10)
    assert 8990 / 8999 < 0.999


def test_average_that_keeps_nothing_is_theta():
    model = make()
    optimizer = SGD(model, lr=0.1, ema=0.0)
    optimizer.step()
    np.testing.assert_allclose(optimizer.average, model.theta, rtol=1e-15)


def test_what_they_are_without_options():
    for cls in (Optimizer, *OPTIMIZERS.values()):
        optimizer = cls(make())
        assert optimizer.lr(0) == 1e-3
        assert optimizer.clip is optimizer.ema is optimizer.factor is None
    adam, decayed = Adam(make()), AdamW(make())
    assert (adam.betas, adam.adam_eps) == (decayed.betas, decayed.adam_eps) == ({"loss": (0.9, 0.999)}, 1e-8)
    assert set(decayed.decay) == {0, 0.01}
    sgd = SGD(make())
    assert (sgd.momentum, sgd.nesterov) == (0.9, False)


@pytest.mark.parametrize("cls", OPTIMIZERS.values())
def test_options_of_all_reach_each(cls):
    optimizer = cls(make(), 0.5, clip=2.0, rates={"layers.0": 0.25}, ema=0.75)
    assert (optimizer.lr(0), optimizer.clip, optimizer.ema) == (0.5, 2, 0.75)
    assert set(optimizer.factor) == {0.25, 1}


def test_a_step_moves_the_states():
    """state += rate * pull / count, after one backward in training: a tenth of the way to the batch's statistics."""
    layer = BatchNorm(1).bind("float64")
    x = np.array([[1.0], [3.0]])
    layer.zero_grad()
    layer.backward(x, layer.forward(x, True)[1])
    optimizer = SGD(layer, lr=1.0, momentum=0.0)
    theta = layer.theta.copy()
    for n in (1, 2):  # without a backward between them a second step takes the gradient again, but no state moves
        optimizer.step()
        np.testing.assert_allclose([layer.mean.data, layer.var.data], [[0.2], [1.1]], rtol=1e-12)
        np.testing.assert_allclose(layer.theta, theta - n * layer.grad, rtol=1e-12)


def test_a_rule_of_ones_own_must_say_what_an_update_is():
    with pytest.raises(NotImplementedError):
        Optimizer(make()).step()


def test_learning_rate_is_read_at_the_step():
    model, seen = make(), []
    optimizer = SGD(model, lr=lambda t: seen.append(t) or 0.1)
    optimizer.step()
    optimizer.step()
    assert seen == [0, 1]


@pytest.mark.parametrize("options", [{"lr": 0}, {"lr": -1}, {"lr": math.nan}, {"lr": math.inf}, {"clip": 0}])
def test_bad_input(options):
    with pytest.raises(ValueError, match=f"{next(iter(options))}: expected a finite number > 0"):
        Adam(make(), **options)


@pytest.mark.parametrize(
    ("cls", "options", "message"),
    [
        (SGD, {"momentum": 1.0}, "momentum: expected a finite number >= 0 and < 1, got 1.0"),
        (SGD, {"momentum": -0.1}, "momentum: expected a finite number >= 0 and < 1, got -0.1"),
        (SGD, {"momentum": math.nan}, "momentum: expected a finite number >= 0 and < 1, got nan"),
        (SGD, {"ema": math.nan}, "ema: expected a finite number >= 0 and < 1, got nan"),
        (SGD, {"rates": {"layers.0": -1}}, "rates.layers.0: expected a finite number >= 0, got -1"),
        (SGD, {"rates": {"layers": math.nan}}, "rates.layers: expected a finite number >= 0, got nan"),
        (SGD, {"rates": {"": math.inf}}, "rates.: expected a finite number >= 0, got inf"),
        (Adam, {"betas": (1.0, 0.9)}, r"betas: expected a finite number >= 0 and < 1, got 1.0"),
        (Adam, {"betas": (0.9, -0.9)}, r"betas: expected a finite number >= 0 and < 1, got -0.9"),
        (Adam, {"betas": (0.9, math.nan)}, r"betas: expected a finite number >= 0 and < 1, got nan"),
        (Adam, {"betas": (0.9,)}, r"betas: expected two numbers >= 0 and < 1, got \(0.9,\)"),
        (Adam, {"betas": {"loss": (0.9, 2)}}, r"betas: expected a finite number >= 0 and < 1, got 2"),
        (Adam, {"betas": {"loss_d": (0.9, 0.9)}}, "betas: expected objectives among loss, got 'loss_d'"),
        (AdamW, {"weight_decay": -0.1}, "weight_decay: expected a finite number >= 0 and < 1e\\+15, got -0.1"),
        (
            AdamW,
            {"weight_decay": math.nan},
            "weight_decay: expected a finite number >= 0 and < 1e\\+15, got nan",
        ),
        (AdamW, {"betas": (0.9, 1)}, r"betas: expected a finite number >= 0 and < 1, got 1"),
    ],
)
def test_values_that_make_no_sense_are_refused(cls, options, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        cls(make(), **options)


def test_a_model_that_was_bound_again_needs_a_new_optimizer():
    model = make()
    optimizer = Adam(model)
    model.bind("float32")
    with pytest.raises(ValueError, match="model: bound again after this optimizer was made"):
        optimizer.step()

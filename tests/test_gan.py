"""GAN: two losses at the same parameters, what the best critic says, and samples that come to the data."""

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm
from test_factors import gradient

from minivae import Adam
from minivae.layers import Dense, Network, Tanh
from minivae.likelihoods import GaussianFixed, GaussianFull
from minivae.models import GAN
from minivae.models.examples import small
from minivae.params import State
from minivae.runs.settings import complete


@pytest.fixture
def rng():
    return np.random.default_rng(0)


class Known:
    """A critic of rows (N, 1): odds a x + b x^2, with their gradient."""

    n_in = 1

    def __init__(self, a, b):
        self.a, self.b = a, b

    def forward(self, x, noise=None):
        return self.a * x + self.b * x * x, x

    def backward(self, dy, x, accumulate=True, need_dx=True):
        return dy * (self.a + 2 * self.b * x)


def linear(objective, W=0.7, b=0.3):
    """x_g = W z + b, which is N(b, W^2)."""
    model = GAN(Network(Dense(1, 1, np.random.default_rng(0))), Network(Dense(1, 1, np.random.default_rng(1))),
                GaussianFixed(), objective)  # fmt: skip
    model.bind("float64")
    layer = model.decoder.layers[0]
    layer.W.data[...], layer.b.data[...] = W, b
    return model


def test_both_losses(rng):
    """Probabilities of two classes, written as people do."""
    model, x, _ = small("gan", rng, critic=[4])
    noise = model.draw_noise(rng, len(x), train=False)
    m = model.loss_and_grads(x, noise)
    assert set(m) == set(model.metrics)
    x_g = model.decode(noise["prior"])
    is_real, is_real_too = (1 / (1 + np.exp(-model.critic(part))) for part in (x, x_g))
    assert m["loss"] == pytest.approx(-np.log(is_real_too).mean(), rel=1e-12)
    assert m["loss_critic"] == pytest.approx(-np.mean([*np.log(is_real), *np.log(1 - is_real_too)]), rel=1e-12)
    assert m["gap"] == pytest.approx((model.critic(x) - model.critic(x_g)).mean(), rel=1e-12)
    assert (model.monitor, model.log_weights, model.latent) == (None, None, "prior")
    assert {metric.unit for metric in model.metrics.values()} == {"nats"}


def test_both_losses_of_hinge(rng):
    model, x, _ = small("gan", rng, critic=[4], objective="hinge", shake=1.0)
    noise = model.draw_noise(rng, len(x), train=False)
    m = model.loss_and_grads(x, noise)
    real, made = (model.critic(part)[:, 0] for part in (x, model.decode(noise["prior"])))
    assert m["loss"] == pytest.approx(-made.mean(), rel=1e-12)
    costs = [*(max(0, 1 - s) for s in real), *(max(0, 1 + s) for s in made)]
    assert 0 in costs  # some are beyond the margin
    assert m["loss_critic"] == pytest.approx(np.mean(costs), rel=1e-12)
    assert {metric.unit for metric in model.metrics.values()} == {""}


def test_the_best_critic_gives_the_log_ratio_of_densities(rng):
    """Of N(0, 1) and N(0.3, 0.7^2) that is a quadratic: its loss is log 2 - JS(p, p_g), and no other has a lower."""
    model, N = linear("non-saturating"), 200_000
    p, p_g = norm(0, 1), norm(0.3, 0.7)
    x, noise = rng.standard_normal((N, 1)), {"prior": rng.standard_normal((N, 1)), "dec": None}
    a, b, c = -0.3 / 0.49, 0.5 / 0.49 - 0.5, math.log(0.7) + 0.045 / 0.49  # of log p - log p_g
    np.testing.assert_allclose(c + a * 1.3 + b * 1.69, p.logpdf(1.3) - p_g.logpdf(1.3), rtol=1e-12)

    def loss_of(a, b, c):
        class Quadratic(Known):
            def forward(self, x, noise=None):
                return c + super().forward(x)[0], x

        model.critic = Quadratic(a, b)
        return model.loss_and_grads(x, noise, grads=False)["loss_critic"]

    best = loss_of(a, b, c)
    for other in ((a + 0.1, b, c), (a, b - 0.1, c), (a, b, c + 0.1)):
        assert loss_of(*other) > best
    assert loss_of(0, 0, 0) == pytest.approx(math.log(2))  # a critic that knows nothing

    def share(x):  # of 2 JS, by its definition
        m = 0.5 * (p.pdf(x) + p_g.pdf(x))
        return p.pdf(x) * math.log(p.pdf(x) / m) + p_g.pdf(x) * math.log(p_g.pdf(x) / m)

    assert best == pytest.approx(math.log(2) - 0.5 * quad(share, -8, 8)[0], abs=2e-3)


@pytest.mark.parametrize("objective", ["non-saturating", "hinge"])
def test_the_gradient_of_the_decoder_is_that_of_quadrature(objective):
    """d/dW and d/db of E cost(odds(W z + b)), the expectation an integral over z."""
    model, N = linear(objective), 20_001
    model.critic = Known(0.4, -0.8)
    # N draws: the middles of N parts of equal probability, so that a mean is an integral
    z = norm.ppf((np.arange(N) + 0.5) / N)[:, None]
    model.loss_and_grads(np.zeros((N, 1)), {"prior": z, "dec": None})

    def expected(W, b):
        odds = lambda z: 0.4 * (W * z + b) - 0.8 * (W * z + b) ** 2  # noqa: E731
        cost = (lambda o: -o) if objective == "hinge" else (lambda o: math.log1p(math.exp(-o)))
        return quad(lambda z: norm.pdf(z) * cost(odds(z)), -8, 8, epsabs=1e-12)[0]

    h, layer = 1e-4, model.decoder.layers[0]
    by_W = (expected(0.7 + h, 0.3) - expected(0.7 - h, 0.3)) / (2 * h)
    by_b = (expected(0.7, 0.3 + h) - expected(0.7, 0.3 - h)) / (2 * h)
    assert layer.W.grad.item() == pytest.approx(by_W, rel=1e-3)
    assert layer.b.grad.item() == pytest.approx(by_b, rel=1e-3)


def test_beyond_the_margin_there_is_no_gradient():
    """Of rows that the critic is sure of, which for data is above 1 and for what is made below -1."""
    model = linear("hinge", W=0.0, b=-3.0)  # everything made is -3
    layer = model.critic.layers[0]
    layer.W.data[...], layer.b.data[...] = 1.0, 0.0  # odds(x) = x
    noise = {"prior": np.zeros((2, 1)), "dec": None}
    m = model.loss_and_grads(np.array([[5.0], [2.0]]), noise)
    assert (m["loss_critic"], layer.W.grad.item(), layer.b.grad.item()) == (0, 0, 0)
    assert model.decoder.layers[0].b.grad.item() == -1  # the decoder still goes up
    model.loss_and_grads(np.array([[5.0], [0.5]]), noise)
    assert layer.W.grad.item() == pytest.approx(-0.5 / 4)  # of the one row within, x / (2 N)


def test_the_players_do_not_train_each_other(rng):
    """Data change the critic's gradient alone; each loss differentiated by its own player, both at once."""
    model, x, _ = small("gan", rng, critic=[4])
    noise = model.draw_noise(rng, len(x))
    first, second = gradient(model, x, noise), gradient(model, 1 - x, noise)
    for name, part in model.slices.items():
        assert (first[part] == second[part]).all() == name.startswith("decoder")
    assert model.objectives == {"loss": ("decoder",), "loss_critic": ("critic",)}
    assert Adam(model).betas == {"loss": (0.5, 0.999), "loss_critic": (0.5, 0.999)}


@pytest.mark.parametrize("arch", ["dense", "conv"])
def test_spectral_norms_are_one_and_move_once_a_step(arch, rng):
    options = {"arch": arch, "critic": [6, 5], "critic_channels": [3], "activation": "tanh"}
    model, x, _ = small("gan", rng, critic_norm="spectral", shake=0.0, **options)
    states = model.named(State)
    assert len(states) == 2 * (3 + (arch == "conv"))
    a, b = rng.random((2, 500, 16))
    odds = model.critic(a) - model.critic(b)
    patches = {"dense": 1, "conv": 4}[arch]  # of a 4x4 convolution with stride 2, of which each pixel is part
    assert (np.abs(odds[:, 0]) <= math.sqrt(patches) * np.linalg.norm(a - b, axis=1)).all()
    for name, param in model.params.items():
        if name.startswith("critic") and name.endswith("W"):
            param.data *= 3  # and sigma with it: the critic is the same
    np.testing.assert_allclose(model.critic(a) - model.critic(b), odds, rtol=1e-9)
    gradient(model, x, model.draw_noise(rng, len(x)))
    Adam(model).step()
    for state in states.values():
        assert np.linalg.norm(state.data) == pytest.approx(1, rel=1e-12)
    free, _, _ = small("gan", rng, **options)
    assert not free.named(State)


def test_it_draws_z_and_decodes_it(rng):
    model, x, _ = small("gan", rng)
    eps = np.random.default_rng(1).standard_normal((6, 2), dtype="float32")
    np.testing.assert_array_equal(model.sample(6, np.random.default_rng(1)), model.decode(eps))
    for call in (lambda: model.encode(x), lambda: model.reconstruct(x)):
        with pytest.raises(ValueError, match="^model: expected one that finds the z of an x, GAN only decodes z$"):
            call()
    for call in (lambda: model.decode(eps, draw=rng), lambda: model.sample(6, rng, draw=rng)):
        with pytest.raises(ValueError, match="^draw: expected none, z alone makes what a GAN decodes$"):
            call()


def test_refused(rng):
    networks = Network(Dense(2, 4, rng)), Network(Dense(4, 1, rng))
    missing = GaussianFixed()
    missing.missing = True
    for likelihood, what in ((GaussianFull(), "GaussianFull"), (missing, "GaussianFixed with missing values")):
        with pytest.raises(ValueError, match=f"^likelihood: expected bernoulli or gaussian-fixed .*, got {what}$"):
            GAN(*networks, likelihood)
    with pytest.raises(ValueError, match="^decoder: expected a first layer that fixes the number of latents"):
        GAN(Network(Tanh()), networks[1])
    with pytest.raises(ValueError, match="^objective: expected one of non-saturating, hinge, got 'w'"):
        GAN(*networks, objective="w")


def test_batch_statistics_are_those_of_training(rng):
    """Of the draws of a step, which the running averages follow; evaluation reads these."""
    model, x, _ = small("gan", rng, norm="batch")
    noise = model.draw_noise(rng, len(x))
    assert model.draw_noise(rng, len(x), train=False)["dec"] is None
    trained, evaluated = (model.loss_and_grads(x, part, grads=False) for part in (noise, noise | {"dec": None}))
    assert trained["loss"] != evaluated["loss"]
    x_g = model.decode(noise["prior"])
    assert evaluated["loss"] == pytest.approx(np.log1p(np.exp(-model.critic(x_g))).mean(), rel=1e-12)


def test_defaults():
    """Pixels stay grey, rows are real numbers, and the critic is as wide as the decoder."""
    settings = complete({"model": "gan", "hidden": [7, 5]})
    assert (settings["binarize"], settings["likelihood"], settings["critic"]) == ("none", "bernoulli", [7, 5])
    assert (settings["objective"], settings["critic_norm"]) == ("non-saturating", "none")
    assert complete({"model": "gan", "arch": "conv"})["critic_channels"] == [32, 64]
    assert complete({"model": "gan", "data": "sources"})["likelihood"] == "gaussian-fixed"
    norms = {data: complete({"model": "gan", "data": data})["norm"] for data in ("digits", "modes", "mnist", "x.npy")}
    assert norms == {"digits": "none", "modes": "none", "mnist": "batch", "x.npy": "batch"}
    model = GAN.build((3,), np.random.default_rng(0), hidden=(7, 5))
    shapes = {name: param.data.shape for name, param in model.params.items() if name.endswith("W")}
    assert list(shapes.values()) == [(20, 5), (5, 7), (7, 3), (3, 7), (7, 5), (5, 1)]
    own = {"hidden": (1,), "arch": "conv", "channels": (2,)}
    small_one = GAN.build((4, 4, 1), np.random.default_rng(0), critic=(1,), critic_channels=(1,), **own)
    assert small_one.params["critic.layers.1.W"].data.shape == (4, 4, 1, 1)
    for name in ("critic", "critic_channels"):
        with pytest.raises(ValueError, match=f"^{name}: expected a whole number >= 1, got 0$"):
            GAN.build((4, 4, 1), np.random.default_rng(0), **own, **{name: (0,)})


@pytest.mark.parametrize("objective", ["non-saturating", "hinge"])
def test_it_learns_a_mixture(objective, rng):
    """Two groups of rows: samples come to both, and between them there is little."""
    model = GAN.build((1,), rng, hidden=(32,), latent=1, likelihood="gaussian-fixed", objective=objective, critic=(32,))
    optimizer = Adam(model, lr=5e-3)
    for t in range(600):
        x = 2 * rng.integers(0, 2, (64, 1)) - 1 + 0.1 * rng.standard_normal((64, 1))
        model.loss_and_grads(x.astype("float32"), model.draw_noise(rng, 64), t=t)
        optimizer.step()
    x_g = model.sample(2000, rng)[:, 0]
    assert 0.3 < (x_g > 0).mean() < 0.7
    assert (np.abs(np.abs(x_g) - 1) < 0.5).mean() > 0.8

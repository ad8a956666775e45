"""Capacity annealing, beta-TCVAE, FactorVAE: what their losses are, against exact answers."""

import numpy as np
import pytest

from minivae.densities import aggregate_log_prob, gaussian_log_prob
from minivae.models import MODELS, CapacityVAE
from minivae.models.examples import SIZES, small
from minivae.models.networks import build_networks
from minivae.optim import Adam
from minivae.schedules import linear

SHAPE = (4, 4, 1)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def step(model, x, rng, t=0):
    return model.loss_and_grads(x, model.draw_noise(rng, len(x)), t=t)


def gradient(model, x, noise, t=0):
    model.loss_and_grads(x, noise, t=t)
    return model.grad.copy()


# ---- capacity


LATE = 9  # a step at which C has risen


@pytest.mark.parametrize(("C", "sign"), [(0.0, 1), (50.0, -1)])
def test_the_loss_is_the_distance_from_the_capacity(C, sign, rng):
    """Above C a KL counts gamma; below C it counts -gamma."""
    model, x, _ = small("capacity", rng, gamma=7.0, capacity=C, capacity_epochs=1)
    m = step(model, x, rng, LATE)
    assert m["loss"] == pytest.approx(7 * sign * (m["kl"] - C) - m["log_px_z"])
    assert m["elbo"] == m["log_px_z"] - m["kl"]


@pytest.mark.parametrize(("C", "sign"), [(0.0, 1), (50.0, -1)])
def test_the_gradient_is_that_of_a_vae_with_beta_plus_or_minus_gamma(C, sign, rng):
    model, x, _ = small("vae", rng)
    noise = model.draw_noise(rng, len(x))
    plain = gradient(model, x, noise)
    model.beta = lambda t: 0.0
    reconstruction = gradient(model, x, noise)
    held, _, _ = small("capacity", rng, gamma=3.0, capacity=C, capacity_epochs=1)
    held.theta[...] = model.theta
    expected = reconstruction + 3 * sign * (plain - reconstruction)
    np.testing.assert_allclose(gradient(held, x, noise, LATE), expected, atol=1e-12)


def test_the_capacity_rises_and_stays(rng):
    model = MODELS["capacity"].build(SHAPE, rng, capacity=12.0, capacity_epochs=3, pass_steps=4, **SIZES)
    assert [model.C(t) for t in (0, 6, 12, 99)] == [0, 6, 12, 12]


def test_the_kl_follows_the_capacity(rng):
    """Trained on patterns of many bits, the KL is where C is, within 5 %."""
    bits = np.random.default_rng(0)
    x = (bits.random((64, 16)) < 0.5).astype("float32")
    networks = build_networks(SHAPE, bits, hidden=(40,), latent=8)
    model = CapacityVAE(*networks, gamma=50.0, capacity=linear(3.0, 600)).bind("float32")
    optimizer = Adam(model, lr=3e-3)
    noise = np.random.default_rng(1)
    for t in range(900):
        m = model.loss_and_grads(x, model.draw_noise(noise, 64), t=t)
        optimizer.step()
        if t in (300, 450, 899):
            assert m["kl"] == pytest.approx(model.C(t), rel=0.05)


# ---- the aggregate posterior


def exact_log_q(z, mu, log_var, w):
    """log sum_m w_mn N(z_n; mu_m, std_m^2), one n and one m after the other."""
    return np.array([
        np.log(sum(w[m, n] * np.exp(gaussian_log_prob(z[n], mu[m], log_var[m])) for m in range(len(mu))))
        for n in range(len(z))
    ])  # fmt: skip


def test_aggregate_log_prob_is_that_of_the_mixture(rng):
    z, mu, log_var = rng.standard_normal((3, 2)), rng.standard_normal((4, 2)), rng.standard_normal((4, 2))
    w = rng.random((4, 3))
    w /= w.sum(axis=0)
    log_q = aggregate_log_prob(z, mu, log_var, log_weights=np.log(4 * w))
    np.testing.assert_allclose(log_q[:, 0], exact_log_q(z, mu, log_var, w))
    for l in range(2):
        one = slice(l, l + 1)
        np.testing.assert_allclose(log_q[:, 1 + l], exact_log_q(z[:, one], mu[:, one], log_var[:, one], w))


def known_posteriors(rng, M=400, L=2):
    """M posteriors (mu, log_var), (M, L) each, whose means are correlated."""
    mu = rng.standard_normal((M, L)) @ np.array([[1.0, 0.9], [0.0, 0.5]])
    return mu, np.full((M, L), -2.0)


def densities_of_batches(model, posteriors, n, N, draws, rng):
    """(estimates of q(z) (draws,) in batches of N with example n, q(z) itself): z stays the same, the rest is drawn."""
    mu, log_var = posteriors
    z = mu[n] + np.exp(0.5 * log_var[n]) * rng.standard_normal(2)
    exact = np.exp(gaussian_log_prob(z, mu, log_var)).mean()
    found = []
    for _ in range(draws):
        others = rng.choice(np.delete(np.arange(len(mu)), n), N - 1, replace=False)
        rows = np.concatenate([[n], others])
        log_weights = model.log_weights_of(N, z)
        log_q = aggregate_log_prob(np.tile(z, (N, 1)), mu[rows], log_var[rows], log_weights=log_weights)
        found.append(np.exp(log_q[0, 0]))
    return np.array(found), exact


@pytest.mark.parametrize("N", [4, 32])
def test_the_stratified_weights_have_no_bias(N, rng):
    """Their mean over batches is q(z); equal weights, which give the example's own posterior 1 / N, are far above."""
    posteriors = known_posteriors(rng)
    stratified, _, _ = small("tcvae", rng, estimator="stratified", n_train=400)
    weighted, _, _ = small("tcvae", rng)
    for model, right in ((stratified, True), (weighted, False)):
        rng = np.random.default_rng(5)
        found, exact = densities_of_batches(model, posteriors, 3, N, 3000, rng)
        z = (found.mean() - exact) / (found.std() / len(found) ** 0.5)
        assert (abs(z) < 4) == right
        assert right or z > 8


def test_a_batch_of_all_examples_is_the_data(rng):
    """Then both estimators have the same weights, and the three parts are exactly those of the mixture."""
    model, x, _ = small("tcvae", rng, estimator="stratified", n_train=5)
    weighted, _, _ = small("tcvae", rng)
    weighted.theta[...] = model.theta
    noise = model.draw_noise(rng, 5)
    assert step_of(model, x, noise) == pytest.approx(step_of(weighted, x, noise), rel=1e-12)
    mu, log_var = model.encode(x)
    z = mu + np.exp(0.5 * log_var) * noise["eps"]
    w = np.full((5, 5), 1 / 5)
    log_qz = exact_log_q(z, mu, log_var, w)
    each = [exact_log_q(z[:, l : l + 1], mu[:, l : l + 1], log_var[:, l : l + 1], w) for l in range(2)]
    m = step_of(model, x, noise)
    assert m["tc"] == pytest.approx((log_qz - sum(each)).mean())
    assert m["mi"] == pytest.approx((gaussian_log_prob(z, mu, log_var) - log_qz).mean())


def step_of(model, x, noise):
    return model.loss_and_grads(x, noise)


def test_the_parts_are_the_kl(rng):
    """mi + tc + dim_kl is the sampled KL, whatever the weights: with beta = 1 the loss is an IWAE's of one draw."""
    model, x, _ = small("tcvae", rng, estimator="stratified", n_train=60)
    one, _, _ = small("iwae", rng, samples=1)
    one.theta[...] = model.theta
    noise = model.draw_noise(rng, len(x))
    m = step_of(model, x, noise)
    assert m["loss"] == pytest.approx(step_of(one, x, noise | {"eps": noise["eps"][None]})["loss"])
    np.testing.assert_allclose(model.grad, one.grad, atol=1e-12)


def test_total_correlation_depends_on_the_batch(rng):
    """Latents without any, in larger batches: an estimate that falls, so it must not be compared over sizes."""
    mu = rng.standard_normal((1000, 4))
    log_var = np.full((1000, 4), -3.0)
    z = mu + np.exp(0.5 * log_var) * rng.standard_normal(mu.shape)
    found = []
    for N in (10, 50, 250):
        parts = []
        for rows in rng.permutation(1000).reshape(-1, N):
            log_q = aggregate_log_prob(z[rows], mu[rows], log_var[rows], log_weights=np.zeros((N, N)))
            parts.append((log_q[:, 0] - log_q[:, 1:].sum(axis=1)).mean())
        found.append(np.mean(parts))
    assert found[0] > found[1] + 0.5 > found[2] + 1 > 1.5


def test_a_batch_of_one_has_no_total_correlation_to_charge(rng):
    model, x, _ = small("tcvae", rng, estimator="stratified", n_train=9)
    m = step(model, x[:1], rng)
    assert m["tc"] == pytest.approx(0)
    assert m["mi"] == pytest.approx(0)


def test_what_tcvae_refuses(rng):
    with pytest.raises(ValueError, match="n_train: expected the number of training examples for estimator stratified"):
        small("tcvae", rng, estimator="stratified")
    with pytest.raises(ValueError, match="estimator: expected one of weighted, stratified, got 'both'"):
        small("tcvae", rng, estimator="both")


# ---- FactorVAE


def gaussian_critic(model, r):
    """Sets the critic's odds for N(0, [[1, r], [r, 1]]) from its formula, where it is quadratic: see below."""

    class Exact:
        def forward(self, z, noise=None):
            a, b = z[:, 0], z[:, 1]
            odds = -0.5 * np.log(1 - r * r) - (r * r * (a * a + b * b) - 2 * r * a * b) / (2 * (1 - r * r))
            return odds[:, None], z

    model.critic = Exact()


def test_the_odds_of_the_best_critic_are_the_total_correlation(rng):
    """Of two latents with correlation r it is -1/2 log(1 - r^2), and no other odds have a lower cross-entropy."""
    r, N = 0.8, 200_000
    model, _, _ = small("factorvae", rng, critic=[4])
    model.decoder = Constant(model)
    z = rng.standard_normal((N, 2)) @ np.linalg.cholesky([[1, r], [r, 1]]).T
    gaussian_critic(model, r)
    model.encoder = Known(z)
    noise = {"eps": np.zeros((N, 2)), "enc": None, "dec": None,
             "order": rng.random((N, 2)).argsort(axis=0)}  # fmt: skip
    m = model.loss_and_grads(np.zeros((N, 16)), noise, grads=False)
    assert m["tc"] == pytest.approx(-0.5 * np.log(1 - r * r), rel=0.02)
    best = m["loss_critic"]
    for other in (0.7, 0.9):
        gaussian_critic(model, other)
        assert model.loss_and_grads(np.zeros((N, 16)), noise, grads=False)["loss_critic"] > best


class Known:
    """An encoder whose means are given, with no spread to speak of."""

    def __init__(self, z):
        self.z = z

    def forward(self, x, noise=None):
        return (self.z, np.full(self.z.shape, -20.0)), None


class Constant:
    """A decoder that gives logits of 0."""

    n_in = 2

    def __init__(self, model):
        self.D = model.D

    def forward(self, z, noise=None):
        return np.zeros((len(z), self.D)), None


def test_the_players_do_not_train_each_other(rng):
    """The critic's parameters get the gradient of its own loss, which gamma does not change."""
    model, x, _ = small("factorvae", rng, critic=[4], gamma=1.0)
    noise = model.draw_noise(rng, len(x))
    first = gradient(model, x, noise)
    model.gamma = 5.0
    second = gradient(model, x, noise)
    for name, part in model.slices.items():
        same = (first[part] == second[part]).all()
        assert same == name.startswith(("critic", "decoder", "likelihood"))


def test_an_order_for_each_latent(rng):
    model, _, _ = small("factorvae", rng, critic=[4])
    order = model.draw_noise(rng, 50)["order"]
    assert (np.sort(order, axis=0) == np.arange(50)[:, None]).all()
    assert (order[:, 0] != order[:, 1]).any()


def test_adam_has_the_betas_that_the_model_names(rng):
    model, _, _ = small("factorvae", rng, critic=[4])
    assert Adam(model).betas == {"loss": (0.9, 0.999), "loss_critic": (0.5, 0.9)}
    assert Adam(model, betas={"loss_critic": (0.1, 0.2)}).betas["loss_critic"] == (0.1, 0.2)


def test_equal_weights_scale_as_a_mean(rng):
    """The batch twice over has the same loss and gradient under them; under the stratified ones it has others."""
    for options, same in (({}, True), ({"estimator": "stratified", "n_train": 40}, False)):
        model, x, _ = small("tcvae", rng, beta=3.0, **options)
        noise = model.draw_noise(rng, 5)
        once = gradient(model, x, noise)
        twice = gradient(model, np.tile(x, (2, 1)), noise | {"eps": np.tile(noise["eps"], (2, 1))})
        assert np.allclose(once, twice, rtol=1e-9, atol=1e-12) == same

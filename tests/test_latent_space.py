"""The KL in its parts, active units and the approximation gap, where the answer is known."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from cases import MODELS
from scipy.special import logsumexp
from scipy.stats import norm

from minivae import VAE
from minivae.evaluate import (
    activity,
    approximation_gap,
    best_gaussian,
    best_heads,
    gap,
    kl_parts,
    latent_space,
    posteriors,
)
from minivae.evaluate.latent_space import log_aggregate
from minivae.models.ae import AE
from minivae.models.flow import FlowVAE
from minivae.models.iwae import IWAE
from minivae.models.networks import build_networks
from minivae.models.vamp import VampVAE
from minivae.params import replaced
from minivae.priors import DiagonalNormal, Prior, StandardNormal
from minivae.truth import linear_gaussian as exact
from minivae.truth.quadrature import elbo_by_quadrature, elbo_over_noise, log_evidence_by_quadrature


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def with_prior(prior):
    """What `kl_parts` asks of a model."""
    return SimpleNamespace(has_kl=True, theta=np.zeros(0), prior=prior)


def near(values, truth, errors=4):
    """Whether the mean of values (N,) is the truth, within as many standard errors."""
    return abs(values.mean() - truth) < errors * values.std(ddof=1) / math.sqrt(len(values))


# ---- the parts of the KL


@pytest.mark.parametrize("learned", [False, True])
def test_posteriors_that_are_the_prior_have_no_part(learned, rng):
    prior = DiagonalNormal(3) if learned else StandardNormal(3)
    mu, log_var = np.zeros((50, 3)), np.zeros((50, 3))
    if learned:
        prior.mu.data = mu[0] + [0.5, -1.0, 2.0]
        prior.log_var.data = log_var[0] + [-1.0, 0.3, 0.7]
        mu, log_var = mu + prior.mu.data, log_var + prior.log_var.data
    for part in kl_parts(with_prior(prior), mu, log_var, rng).values():
        assert np.abs(part).max() < 1e-12


def test_posteriors_that_are_far_apart_reach_the_cap(rng):
    """I = log N and no more, in every row; the two latents say the same, so their total correlation is log N, too."""
    mu = 100.0 * np.arange(40)[:, None] * [1, -1]
    parts = kl_parts(with_prior(StandardNormal(2)), mu, np.zeros((40, 2)), rng)
    np.testing.assert_allclose(parts["mutual_information"], math.log(40), atol=1e-9)
    np.testing.assert_allclose(parts["total_correlation"], math.log(40), atol=1e-9)


def test_a_linear_gaussian_channel(rng):
    """q(z | x) = N(a x, s^2), x ~ N(0, 1): I = log(1 + a^2 / s^2) / 2, and q(z) is N(0, a^2 + s^2)."""
    a, s, N = 1.5, 0.4, 3000
    parts = kl_parts(with_prior(StandardNormal(1)), a * rng.standard_normal((N, 1)), np.full((N, 1), 2 * math.log(s)),
                     rng)  # fmt: skip
    assert {name: part.shape for name, part in parts.items()} == {
        "mutual_information": (N,), "marginal_kl": (N,), "total_correlation": (N,), "dimension_kl": (N, 1)}  # fmt: skip
    v = a**2 + s**2
    assert near(parts["mutual_information"], 0.5 * math.log(v / s**2))
    assert near(parts["dimension_kl"][:, 0], 0.5 * (v - 1 - math.log(v)))
    assert np.abs(parts["total_correlation"]).max() < 1e-12


def test_total_correlation_of_correlated_latents(rng):
    """q(z) = N(0, C) of correlation r: TC = -log(1 - r^2) / 2."""
    a, s, N = 1.2, 0.6, 3000
    x = rng.standard_normal((N, 2)) @ np.linalg.cholesky([[1, 0.9], [0.9, 1]]).T
    parts = kl_parts(with_prior(StandardNormal(2)), a * x, np.full((N, 2), 2 * math.log(s)), rng)
    r = 0.9 * a**2 / (a**2 + s**2)
    assert near(parts["total_correlation"], -0.5 * math.log(1 - r**2))
    assert parts["total_correlation"].mean() > 0.1


def random_posteriors(rng, N=400, L=3):
    prior = DiagonalNormal(L)
    prior.mu.data, prior.log_var.data = 0.5 * rng.standard_normal((2, L))
    return with_prior(prior), rng.standard_normal((N, L)) @ rng.standard_normal((L, L)), rng.standard_normal((N, L)) - 1


def test_the_parts_are_the_whole(rng):
    """I + TC + the KL of each latent is the analytic KL, within the error of drawing z."""
    model, mu, log_var = random_posteriors(rng)
    parts = kl_parts(model, mu, log_var, rng, draws=8000)
    whole = parts["mutual_information"] + parts["total_correlation"] + parts["dimension_kl"].sum(axis=1)
    rows = np.random.default_rng(0)
    model, mu, log_var = random_posteriors(rows)
    kl = model.prior.kl(mu, log_var).sum(axis=1)[rows.permutation(400)]
    assert near(whole - kl, 0)
    assert whole.mean() > 1


class Wide(Prior):
    """N(0, 4 I), of which nothing but the density is known."""

    def forward(self, z):
        return norm.logpdf(z, 0, 2).sum(axis=-1), None


def test_a_prior_without_a_kl_in_closed_form(rng, monkeypatch):
    """q(z) is N(0, C), p(z) = N(0, 4 I): KL = (tr C / 4 - L - log det(C / 4)) / 2; in parts of 7 rows, too."""
    a, s, N = 1.2, 0.6, 3000
    x = rng.standard_normal((N, 2)) @ np.linalg.cholesky([[1, 0.9], [0.9, 1]]).T
    C = a**2 * np.array([[1, 0.9], [0.9, 1]]) + s**2 * np.eye(2)
    model = SimpleNamespace(has_kl=False, theta=np.zeros(0), prior=Wide(2))
    posterior = a * x, np.full((N, 2), 2 * math.log(s))
    parts = kl_parts(model, *posterior, np.random.default_rng(1))
    assert set(parts) == {"mutual_information", "marginal_kl"}
    assert near(parts["marginal_kl"], 0.5 * (np.trace(C) / 4 - 2 - math.log(np.linalg.det(C / 4))))
    assert near(parts["mutual_information"], 0.5 * math.log(np.linalg.det(C) / s**4))
    monkeypatch.setattr(latent_space, "BATCH", 7)
    np.testing.assert_array_equal(kl_parts(model, *posterior, np.random.default_rng(1))["marginal_kl"],
                                  parts["marginal_kl"])  # fmt: skip


def test_pseudo_inputs_that_are_the_data_leave_no_marginal_kl(rng):
    """The best VampPrior has a component for each row: then p(z) is q(z)."""
    x = rng.random((30, 6))
    model = VampVAE.build((6,), rng, hidden=(5,), latent=3, components=30).bind("float64")
    model.prior.pseudo.data[...] = np.log(x / (1 - x))
    assert not model.has_kl
    parts = kl_parts(model, *posteriors(model, x), rng)
    np.testing.assert_allclose(parts["marginal_kl"], 0, atol=1e-9)


def test_the_aggregate_is_the_mean_of_all_posteriors(rng, monkeypatch):
    """Against scipy, in blocks of one z and of all."""
    _, mu, log_var = random_posteriors(rng)
    z = mu[:7] + rng.standard_normal((7, 3)) * np.exp(0.5 * log_var[:7])
    each = norm.logpdf(z[:, None], mu, np.exp(0.5 * log_var))  # (7, N, L)
    for block in (1, 2**17):
        monkeypatch.setattr(latent_space, "BLOCK", block)
        log_qz, log_qz_l = log_aggregate(z, mu, log_var)
        np.testing.assert_allclose(log_qz, logsumexp(each.sum(axis=2), axis=1) - math.log(400), rtol=1e-11)
        np.testing.assert_allclose(log_qz_l, logsumexp(each, axis=1) - math.log(400), rtol=1e-11)


def test_many_draws_are_several_for_each_row(rng):
    """Their mean over a row varies less."""
    model, mu, log_var = random_posteriors(rng)
    one, nine = (kl_parts(model, mu, log_var, rng, draws)["mutual_information"] for draws in (400, 9 * 400))
    assert one.shape == nine.shape == (400,)
    assert nine.std() < 0.8 * one.std()


def test_few_draws_are_of_random_rows(rng):
    """Each row at most once; the mixture is of all rows."""
    model, mu, log_var = random_posteriors(rng)
    few = kl_parts(model, mu, log_var, rng, draws=100)
    assert few["dimension_kl"].shape == (100, 3)
    mu = 10.0 * np.arange(400)[:, None]
    parts = kl_parts(with_prior(StandardNormal(1)), mu, 0 * mu - 30, rng, draws=50)
    np.testing.assert_allclose(parts["mutual_information"], math.log(400), atol=1e-9)
    squares = 2 * (parts["dimension_kl"][:, 0] + math.log(400) - 15)  # z^2 - eps^2
    assert len(np.unique((np.sqrt(np.maximum(squares, 0)) / 10).round())) == 50


def test_bad_posteriors(rng):
    model, mu, log_var = random_posteriors(rng)
    with pytest.raises(ValueError, match=r"mu, log_var: expected \(N, L\) each, of 2 rows or more, got \(1, 3\)"):
        kl_parts(model, mu[:1], log_var[:1], rng)
    with pytest.raises(ValueError, match=r"mu, log_var: .* got \(400, 3\) and \(400, 2\)"):
        kl_parts(model, mu, log_var[:, :2], rng)
    with pytest.raises(ValueError, match="draws: expected"):
        kl_parts(model, mu, log_var, rng, draws=0)
    with pytest.raises(ValueError, match="model: expected one with a prior, AE has none"):
        kl_parts(AE.build((4,), rng, hidden=(), latent=3).bind(), mu, log_var, rng)
    mu[3, 1] = np.nan
    with pytest.raises(FloatingPointError, match=r"latents: a density of q\(z\) is not finite"):
        kl_parts(model, mu, log_var, rng)


def test_activity(rng):
    mu = np.array([[0.0, 1.0], [0.2, 1.0], [0.4, 1.0], [0.2, 1.0]])
    variances, errors = activity(mu)
    np.testing.assert_allclose(variances, [0.02, 0], atol=1e-15)
    np.testing.assert_allclose(errors, [np.std([0.04, 0, 0.04, 0], ddof=1) / 2, 0], atol=1e-15)
    variances, errors = activity(0.1 * rng.standard_normal((100_000, 1)))
    assert errors[0] == pytest.approx(0.01 * math.sqrt(2 / 100_000), rel=0.05)  # of a Gaussian
    assert abs(variances[0] - 0.01) < 4 * errors[0]


# ---- the approximation gap


def test_an_exact_encoder_has_no_gap(rng):
    model = exact.build(rng, diagonal=True)
    exact.make_posterior_exact(model)
    x = rng.standard_normal((8, 5))
    found = approximation_gap(model, x, rng, K=50)
    np.testing.assert_allclose(found.elbo, exact.log_evidence(model, x), atol=1e-10)
    np.testing.assert_allclose(found.log_px, exact.log_evidence(model, x), atol=1e-3)
    assert np.abs(found.family).max() < 1e-3
    assert np.abs(found.amortization).max() < 1e-3


def test_a_bad_encoder_has_an_amortization_gap(rng):
    """A diagonal posterior: all of the gap, KL(q(z | x) || p(z | x)), is the encoder's."""
    model = exact.build(rng, diagonal=True)
    x = rng.standard_normal((8, 5))
    found = approximation_gap(model, x, rng, K=4000)
    truth = exact.log_evidence(model, x) - exact.elbo(model, x)
    assert truth.min() > 0.1
    np.testing.assert_allclose(found.amortization, truth, atol=0.2, rtol=0.05)
    assert found.amortization.mean() == pytest.approx(truth.mean(), rel=0.03)
    assert np.abs(found.family).max() < 5e-3


def test_a_correlated_posterior_has_a_family_gap(rng):
    """The best diagonal Gaussian has the mean, and of the precision P the diagonal: what is left is known."""
    model = exact.build(rng, std=0.4)
    x = rng.standard_normal((8, 5))
    m, S = exact.posterior(model, x)
    precision = np.linalg.inv(S)
    truth = 0.5 * (np.log(np.diag(precision)).sum() - np.linalg.slogdet(precision)[1])
    assert truth > 0.05
    mu, log_var = best_gaussian(model, x, rng, steps=1000, draws=32)
    np.testing.assert_allclose(mu, m, atol=0.02)
    np.testing.assert_allclose(log_var, np.tile(-np.log(np.diag(precision)), (8, 1)), atol=0.05)
    found = approximation_gap(model, x, rng, K=4000)
    assert found.family.mean() == pytest.approx(truth, rel=0.05)
    np.testing.assert_allclose(found.log_px, exact.log_evidence(model, x), atol=0.3)
    np.testing.assert_allclose(found.amortization + found.family, found.log_px - found.elbo)


@pytest.mark.parametrize("prior", [None, DiagonalNormal])
def test_a_decoder_that_is_not_linear(prior, rng):
    """Against quadrature: log p(x), the encoder's ELBO, and that no Gaussian near q* has a larger ELBO."""
    networks = build_networks((6,), rng, hidden=(5,), latent=2, activation="tanh")
    model = VAE(*networks, prior=None if prior is None else prior(2)).bind("float64")
    model.theta += 0.6 * rng.standard_normal(model.theta.shape)
    x = (rng.random((4, 6)) < 0.5).astype("float64")
    found = approximation_gap(model, x, rng, K=20_000)
    np.testing.assert_allclose(found.log_px, log_evidence_by_quadrature(model, x), atol=0.02)
    np.testing.assert_allclose(found.elbo, elbo_by_quadrature(model, x)[0], atol=0.05)

    def elbo(mu, log_var):
        with replaced(model, encode=lambda x: (mu, log_var)):
            return elbo_by_quadrature(model, x)[0]

    mu, log_var = best_gaussian(model, x, rng, steps=600)
    best = elbo(mu, log_var)
    np.testing.assert_allclose(found.elbo_best, best, atol=0.03)
    assert (best > elbo_by_quadrature(model, x)[0] + 0.01).all()
    for part in range(2):
        for step in (-0.15, 0.15):
            for latent in range(2):
                moved = [mu.copy(), log_var.copy()]
                moved[part][:, latent] += step
                assert (elbo(*moved) < best).all()


@pytest.mark.parametrize("label", [label for label in MODELS if label.startswith(("vae", "iwae", "cvae"))])
def test_every_model_is_left_as_found(label, rng):
    """And its ELBO is that of its own log-weights."""
    model, x, y = MODELS[label](rng)
    model.loss_and_grads(x, model.draw_noise(rng, len(x)), y)
    before = [a.copy() for a in (model.theta, model.grad, model.state, model.pull)]
    counts = [state.count for state in model.states.values()]
    if not model.has_kl:
        with pytest.raises(ValueError, match="model: expected one with an evidence and a KL of each latent"):
            approximation_gap(model, x, rng, y)
        return
    found = approximation_gap(model, x, np.random.default_rng(1), y, steps=3, K=500)
    for a, b in zip(before, (model.theta, model.grad, model.state, model.pull), strict=True):
        np.testing.assert_array_equal(a, b)
    assert counts == [state.count for state in model.states.values()]
    own = model.log_weights(x, model.draw_eps(rng, 500, len(x)), y=y)
    error = np.sqrt(2 * own.var(axis=0) / 500)
    assert (np.abs(found.elbo - own.mean(axis=0)) < 5 * error + 1e-9).all()


def test_the_best_of_any_posterior(rng):
    """Of a Gaussian it is q*; a flow of the same decoder comes closer, and no ELBO is above log p(x)."""
    x = (rng.random((4, 6)) < 0.5).astype("float64")
    found = {}
    for model_class in (IWAE, FlowVAE):
        model = model_class.build((6,), rng, hidden=(5,), latent=2, activation="tanh", samples=1).bind("float64")
        decoder = np.random.default_rng(1)
        for name, param in model.params.items():
            if name.startswith("decoder"):
                param.data[...] = decoder.standard_normal(param.data.shape)
        before = model.theta.copy(), model.grad.copy()
        heads = best_heads(model, x, np.random.default_rng(2), steps=600)
        np.testing.assert_array_equal((model.theta, model.grad), before)
        found[model_class] = elbo_over_noise(model, x, heads)
        assert (found[model_class] > elbo_over_noise(model, x)).all()
        assert (found[model_class] < log_evidence_by_quadrature(model, x)).all()
        if model_class is IWAE:
            np.testing.assert_allclose(elbo_over_noise(model, x), elbo_by_quadrature(model, x)[0], atol=1e-7)
            mu, log_var = best_gaussian(model, x, np.random.default_rng(3), steps=600)
            np.testing.assert_allclose(found[IWAE], elbo_over_noise(model, x, (mu, log_var)), atol=2e-3)
    assert (found[FlowVAE] > found[IWAE]).all()


def test_rows_in_parts(rng, monkeypatch):
    """Every row gets its own q*, whatever is computed at once."""
    model = exact.build(rng, diagonal=True)
    x = rng.standard_normal((7, 5))
    monkeypatch.setattr(gap, "VALUES", 3 * 4000)  # three rows
    found = approximation_gap(model, x, rng, K=2000)
    np.testing.assert_allclose(found.log_px, exact.log_evidence(model, x), atol=5e-3)
    np.testing.assert_allclose(found.elbo_best, exact.log_evidence(model, x), atol=5e-3)


def test_float32(rng):
    model, x, _ = MODELS["vae dense bernoulli"](rng)
    model.bind("float32")
    found = approximation_gap(model, x.astype("float32"), rng, steps=20, K=100)
    assert all(part.dtype == "float64" and np.isfinite(part).all() for part in found)


@pytest.mark.parametrize("name", ["steps", "draws", "K"])
def test_bad_numbers(name, rng):
    model = exact.build(rng)
    with pytest.raises(ValueError, match=f"^{name}: expected"):
        approximation_gap(model, np.zeros((2, 5)), rng, **{name: 0})
    with pytest.raises(ValueError, match="x: expected rows of 5 values"):
        approximation_gap(model, np.zeros((2, 4)), rng)

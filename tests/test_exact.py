"""Models whose evidence is known: the closed forms against scipy, the quadrature against them, and the bounds' laws."""

import numpy as np
import pytest
from scipy import integrate, linalg, stats

from minivae import VAE, Adam, fit, load_data, log_evidence
from minivae.densities import bernoulli_log_prob, reparameterize_backward
from minivae.likelihoods import LIKELIHOODS
from minivae.plot import draw_bound_and_gap, draw_linear_training
from minivae.truth import linear_gaussian as exact
from minivae.truth import quadrature
from minivae.truth.quadrature import bound_bias, elbo_by_quadrature, log_evidence_by_quadrature, log_joint


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@np.errstate(all="ignore")
def test_weights_that_are_not_finite(rng):
    model = exact.build(rng)
    model.decoder.layers[0].W.data[0, 0] = np.nan
    with pytest.raises(ValueError, match="model: expected orthogonal rows of W, got a posterior covariance of nan"):
        exact.make_posterior_exact(model)
    for integral in (log_evidence_by_quadrature, elbo_by_quadrature):
        with pytest.raises(FloatingPointError, match=r"^model: log p\(x, z\) is nan on a grid over the prior$"):
            integral(model, rng.standard_normal((2, 5)))


# ---- the linear-Gaussian model


@pytest.mark.parametrize("likelihood", ["gaussian-fixed", "gaussian"])
@pytest.mark.parametrize("L", [1, 2, 4])
def test_closed_forms(L, likelihood, rng):
    """Evidence and posterior against those of the joint Gaussian of (z, x), which knows nothing of M."""
    model = exact.build(rng, L=L, std=0.3, likelihood=likelihood)
    x = rng.standard_normal((20, 5))
    W, b, s = exact.weights(model)
    assert s == pytest.approx(0.09, rel=1e-6)
    C = W.T @ W + s * np.eye(5)
    np.testing.assert_allclose(exact.log_evidence(model, x), stats.multivariate_normal(b, C).logpdf(x), rtol=1e-11)
    m, S = exact.posterior(model, x)
    np.testing.assert_allclose(m, (x - b) @ np.linalg.solve(C, W.T), atol=1e-11)
    np.testing.assert_allclose(S, np.eye(L) - W @ np.linalg.solve(C, W.T), atol=1e-11)
    mu, log_var = model.encode(x)
    P, d = np.linalg.inv(S), mu - m
    kl = 0.5 * (
        np.exp(log_var) @ np.diag(P) + (d @ P * d).sum(axis=1) - L + np.linalg.slogdet(S)[1] - log_var.sum(axis=1)
    )
    np.testing.assert_allclose(exact.elbo(model, x) + kl, exact.log_evidence(model, x), rtol=1e-10)


def test_the_models_elbo_is_the_closed_one(rng):
    """What loss_and_grads samples has the mean that `elbo` computes."""
    model = exact.build(rng, diagonal=True)
    exact.make_posterior_exact(model)
    model.encoder.layers[0].b.data += 0.3
    x = rng.standard_normal((1, 5))
    truth = exact.elbo(model, x)[0]
    rows = np.repeat(x, 2000, axis=0)
    noise = [model.draw_noise(rng, 2000) for _ in range(100)]
    samples = np.array([model.loss_and_grads(rows, each, grads=False)["elbo"] for each in noise])
    error = samples.std() / len(samples) ** 0.5
    assert abs(samples.mean() - truth) < 4 * error
    assert abs(1.01 * samples.mean() - truth) > 8 * error


def test_exact_posterior(rng):
    """Zero gap and constant log-weights; where the posterior is not diagonal there is none."""
    model = exact.build(rng, diagonal=True)
    exact.make_posterior_exact(model)
    x = rng.standard_normal((6, 5))
    log_px = exact.log_evidence(model, x)
    np.testing.assert_allclose(exact.elbo(model, x), log_px, rtol=1e-12)
    np.testing.assert_allclose(
        model.log_weights(x, rng.standard_normal((9, 6, 2))), np.tile(log_px, (9, 1)), rtol=1e-12
    )
    elbo, gap = elbo_by_quadrature(model, x)
    np.testing.assert_allclose(elbo, log_px, rtol=1e-11)
    assert np.abs(gap).max() < 1e-12
    bias, _, variance = bound_bias(model, x, log_px, (1, 4), 64, rng)
    assert np.abs(bias).max() < 1e-12
    assert variance.max() < 1e-24
    with pytest.raises(ValueError, match="model: expected orthogonal rows of W, got a posterior covariance of"):
        exact.make_posterior_exact(exact.build(rng))


def data_with_two_directions(rng, N=300):
    """x (N, 6) with standard deviations 2 and 1.2 in two directions, and 0.35 to 0.5 in the other four."""
    scales = np.array([2.0, 1.2, 0.5, 0.45, 0.4, 0.35])
    return rng.standard_normal((N, 6)) * scales @ np.linalg.qr(rng.standard_normal((6, 6)))[0] + 1


@pytest.mark.parametrize("s", [None, 0.1, 2.0])  # learned; fixed; fixed and above the second eigenvalue
def test_nothing_is_better_than_the_optimum(s, rng):
    x = data_with_two_directions(rng)
    W, b, variance, log_px = exact.optimum(x, 2, s)
    assert s is None or variance == s

    def mean_log_px(W, b, variance):
        return stats.multivariate_normal(b, W.T @ W + variance * np.eye(6)).logpdf(x).mean()

    assert mean_log_px(W, b, variance) == pytest.approx(log_px, rel=1e-12)
    for _ in range(40):
        dW, db = 0.02 * rng.standard_normal(W.shape), 0.02 * rng.standard_normal(6)
        assert mean_log_px(W + dW, b, variance) < log_px
        assert mean_log_px(W, b + db, variance) < log_px
    if s is None:
        assert max(mean_log_px(W, b, r * variance) for r in (0.97, 1.03)) < log_px
    with pytest.raises(ValueError, match="latent: expected fewer than the data have directions of variance, got 6"):
        exact.optimum(x, 6)


def test_principal_angle(rng):
    for _ in range(5):
        W, V = rng.standard_normal((2, 3, 7))
        assert exact.principal_angle(W, V) == pytest.approx(np.degrees(linalg.subspace_angles(W.T, V.T)[0]), rel=1e-9)
        mixed = rng.standard_normal((3, 3)) @ W
        assert exact.principal_angle(W, mixed) < 1e-11
    assert exact.principal_angle(np.eye(2, 4), np.eye(4)[2:]) == 90
    assert exact.principal_angle(np.eye(1, 2), np.array([[1.0, 1e-9]])) == pytest.approx(np.degrees(1e-9), rel=1e-12)


def trained(x, beta=1.0):
    rng = np.random.default_rng(1)
    model = VAE.build((6,), rng, hidden=(), latent=2, likelihood="gaussian", std=1.0, beta=beta).bind("float64")
    return model, exact.train(model, x, 1000, rng)


def test_training_reaches_the_optimum(rng):
    """Within 0.002 nats of the largest log p(x) that any such model has, and 0.3 degrees of the principal subspace."""
    x = data_with_two_directions(rng)
    best = exact.optimum(x, 2)
    model, history = trained(x)
    assert history["angle"][0] > 30
    assert history["angle"][-1] < 0.3
    assert (history["elbo"] < history["log_px"]).all()
    assert (history["log_px"] < best.log_px).all()
    assert history["elbo"][-1] > best.log_px - 0.002
    assert exact.weights(model)[2] == pytest.approx(best.s, rel=0.01)


@pytest.mark.parametrize(("beta", "below"), [(0.5, 0.2), (0.9, 0.005)])
def test_another_weight_of_the_kl_does_not_reach_the_optimum(beta, below, rng):
    x = data_with_two_directions(rng)
    assert trained(x, beta)[1]["elbo"][-1] < exact.optimum(x, 2).log_px - below


def test_a_variance_for_a_std_does_not_reach_the_optimum(rng, monkeypatch):
    """z = mu + std^2 eps with its right gradient: log_var doubled in the sampler, and so is what comes back."""
    x = data_with_two_directions(rng)

    def backward(dz, mu, log_var, *, eps):
        dmu, dlog_var = reparameterize_backward(dz, mu, 2 * log_var, eps=eps)
        return dmu, 2 * dlog_var

    monkeypatch.setattr("minivae.models.vae.reparameterize", lambda mu, log_var, eps: mu + np.exp(log_var) * eps)
    monkeypatch.setattr("minivae.models.vae.reparameterize_backward", backward)
    assert trained(x)[1]["elbo"][-1] < exact.optimum(x, 2).log_px - 0.05


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"hidden": (3,)}, "decoder: expected one Dense, got Dense, ReLU, Dense"),
        ({"hidden": ()}, "likelihood: expected Gaussian or GaussianFixed, got Bernoulli"),
    ],
)
def test_not_linear_or_not_gaussian(model, message, rng):
    with pytest.raises(ValueError, match=message):
        exact.log_evidence(VAE.build((5,), rng, latent=2, **model), np.zeros((1, 5)))
    with pytest.raises(ValueError, match="x: expected rows of 5 values, got shape"):
        exact.log_evidence(exact.build(rng), np.zeros((1, 4)))


# ---- quadrature


@pytest.mark.parametrize("std", [0.02, 0.6, 3.0])  # posteriors from far narrower than the prior to as wide
@pytest.mark.parametrize("L", [1, 2])
def test_quadrature_is_the_closed_form(L, std, rng):
    for _ in range(3):
        model = exact.build(rng, L=L, std=std)
        x = model.sample(4, rng) + std * rng.standard_normal((4, 5))
        np.testing.assert_allclose(log_evidence_by_quadrature(model, x), exact.log_evidence(model, x), atol=1e-9)


@pytest.mark.parametrize("L", [1, 2])
def test_exact_elbo_is_the_closed_form(L, rng):
    model = exact.build(rng, L=L, diagonal=True)
    exact.make_posterior_exact(model)
    model.encoder.layers[0].b.data += rng.uniform(-1, 1, 2 * L)
    x = rng.standard_normal((4, 5))
    elbo, gap = elbo_by_quadrature(model, x)
    np.testing.assert_allclose(elbo, exact.elbo(model, x), atol=1e-9)
    np.testing.assert_allclose(gap, exact.log_evidence(model, x) - exact.elbo(model, x), atol=1e-9)
    assert gap.min() > 0.01


def test_a_posterior_that_misses(rng):
    """q ten standard deviations away and five times too narrow, with no node of the first grid upon it."""
    model = exact.build(rng, L=1, diagonal=True)
    exact.make_posterior_exact(model)
    x = rng.standard_normal((2, 5))
    b, variance = model.encoder.layers[0].b.data, exact.posterior(model, x)[1][0, 0]
    b += [10 * variance**0.5, -2 * np.log(5)]
    gap = elbo_by_quadrature(model, x)[1]
    np.testing.assert_allclose(gap, 0.5 * (1 / 25 + 100 - 1) + np.log(5), rtol=1e-9)


def test_frame_of_a_gaussian_posterior(rng):
    """Its center is the posterior mean, and A A' the posterior covariance."""
    model = exact.build(rng)
    x = rng.standard_normal((3, 5))
    m, S = exact.posterior(model, x)
    for row, mean in zip(x, m, strict=True):
        mode, A, reach = quadrature.posterior_frame(model, row)
        np.testing.assert_allclose(mode, mean, atol=1e-7)
        np.testing.assert_allclose(A @ A.T, S, atol=1e-7)
        assert reach.min() >= 1.5 * quadrature.REACH


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_one_latent_against_scipy(likelihood, rng):
    """Against scipy's adaptive rule over z; and the joint's gradient, which only centers the grid, by differences."""
    model = VAE.build((6,), rng, hidden=(5,), latent=1, activation="tanh", likelihood=likelihood).bind("float64")
    model.decoder.layers[0].W.data *= 2
    x = (rng.random((3, 6)) < 0.5).astype(float)
    for row, log_px in zip(x, log_evidence_by_quadrature(model, x), strict=True):
        mode, A, _ = quadrature.posterior_frame(model, row)
        top, std = log_joint(model, row, mode[None]).sum(), abs(A[0, 0])
        area = integrate.quad(lambda z: np.exp(log_joint(model, row, np.array([[z]])).sum() - top),  # noqa: B023
                              -12, 12, points=[mode[0] + k * std for k in (-6, -2, 0, 2, 6)],
                              epsabs=1e-12, epsrel=1e-11, limit=400)[0]  # fmt: skip
        assert log_px == pytest.approx(top + np.log(area), abs=1e-9)
        z, h = np.array([[-0.7], [0.2], [1.1]]), 1e-5
        slope = (log_joint(model, row, z + h) - log_joint(model, row, z - h)).sum(axis=0)[:, None] / (2 * h)
        np.testing.assert_allclose(quadrature.log_joint_gradient(model, row, z), slope, rtol=1e-6, atol=1e-6)


def test_two_modes(rng):
    """A decoder that is even in z has a posterior with two narrow modes: both are counted."""
    model = VAE.build((4,), rng, hidden=(2,), latent=1, activation="tanh", likelihood="gaussian-fixed", std=0.05)
    model.bind("float64")
    first, last = model.decoder.layers[0], model.decoder.layers[2]
    first.W.data[...] = 1
    first.b.data[...] = [1, -1]  # tanh(z + 1) - tanh(z - 1) is even
    last.W.data[...] = [[1, 0.5, 2, 1], [-1, -0.5, -2, -1]]
    x = model.decode(np.array([[2.0]]))
    mode, A, _ = quadrature.posterior_frame(model, x[0])
    assert abs(mode[0]) / A[0, 0] > 12  # the other mode is beyond the reach of one
    f = lambda z: np.exp(log_joint(model, x[0], np.array([[z]])).sum())  # noqa: E731
    half = integrate.quad(f, 0, 10, points=[1.5, abs(mode[0]), 2.5], epsrel=1e-12)[0]
    assert log_evidence_by_quadrature(model, x)[0] == pytest.approx(np.log(2 * half), abs=1e-9)


@pytest.fixture(scope="module")
def digits():
    """(VAE of two latents trained on 8x8 digits, ten digits that it has not seen, their log p(x))."""
    data = load_data("digits")
    model = VAE.build((8, 8, 1), np.random.default_rng(0), hidden=(32,), latent=2, activation="tanh").bind("float64")
    fit(model, Adam(model, lr=0.01), data, epochs=25, progress=False)
    x = data.validation.x[:10].astype("float64")
    return model, x, log_evidence_by_quadrature(model, x)


def test_more_nodes_and_a_wider_range_change_nothing(digits, monkeypatch):
    model, x, log_px = digits
    for changed in ({"STEP": 0.2}, {"REACH": 13.0}, {"STEP": 2.0}, {"REACH": 1.5, "DEPTH": 1e-9}):  # last: far too few
        with monkeypatch.context() as patch:
            for name, value in changed.items():
                patch.setattr(quadrature, name, value)
            np.testing.assert_allclose(log_evidence_by_quadrature(model, x[:4]), log_px[:4], rtol=0, atol=1e-8)


def test_evidence_on_a_plain_grid(digits):
    """A fixed grid over z, and the joint written down: sum_i p(x | z_i) p(z_i) dz."""
    model, x, log_px = digits
    axis = np.linspace(-9, 9, 241)
    z = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    logits, log_pz = model.decoder(z), stats.norm.logpdf(z).sum(axis=1)
    for row, value in zip(x[:2], log_px, strict=False):
        log_joint = bernoulli_log_prob(logits, x=row) + log_pz
        assert value == pytest.approx(np.log(np.exp(log_joint + 30).sum() * 0.075**2) - 30, abs=1e-8)


def test_elbo_and_gap_make_the_evidence(digits):
    model, x, log_px = digits
    elbo, gap = elbo_by_quadrature(model, x)
    np.testing.assert_allclose(elbo + gap, log_px, rtol=0, atol=1e-8)
    assert gap.min() > 1e-3
    eps = np.random.default_rng(5).standard_normal((40_000, 10, 2))
    w = model.log_weights(x, eps)
    z = (w.mean(axis=0) - elbo) / (w.std(axis=0) / len(w) ** 0.5)
    assert np.abs(z).max() < 4


def test_importance_sampling_meets_the_quadrature(digits):
    """The core's estimate at K = 60,000, whose mean over ten examples has an error of 0.001 nats."""
    model, x, log_px = digits
    rng, K = np.random.default_rng(3), 60_000
    variance = bound_bias(model, x, log_px, (1,), 2**15, rng)[2]
    error = np.sqrt(variance.sum() / K) / len(x)
    difference = (log_evidence(model, x, K, rng) - log_px).mean()
    assert abs(difference) < 4 * error
    assert abs(difference + 0.01) > 8 * error  # p(x) wrong by 1 %, 0.01 nats, would be seen


def test_bounds_are_ordered(digits):
    """ELBO = L_1 < L_2 < ... < log p(x), for every example whose posterior is not exact."""
    model, x, log_px = digits
    gap = elbo_by_quadrature(model, x)[1]
    Ks = (1, 2, 4, 8, 16)
    bias, error, _ = bound_bias(model, x, log_px, Ks, 2**15, np.random.default_rng(4))
    assert (np.abs(bias[0] - gap) < 4 * error[0]).all()
    assert (np.diff(bias.mean(axis=1)) < 0).all()
    assert (bias > 2 * error).all()
    clear = gap > 0.05
    assert clear.sum() >= 4
    assert (np.diff(bias[:, clear], axis=0) < 0).all()


def test_bias_follows_the_delta_method(rng):
    """Exact posterior, half again too wide a variance: Var(w / p) = prod t / sqrt(2 t - 1) - 1, t = 1.5."""
    model = exact.build(rng, diagonal=True)
    exact.make_posterior_exact(model)
    model.encoder.layers[0].b.data[2:] += np.log(1.5)
    x = rng.standard_normal((8, 5))
    log_px = exact.log_evidence(model, x)
    Ks = (1, 64, 256)
    bias, error, variance = (a.mean(axis=-1) for a in bound_bias(model, x, log_px, Ks, 2**16, rng))
    error /= 8**0.5  # of the mean over the rows
    truth = 1.5**2 / 2 - 1
    assert variance == pytest.approx(truth, rel=0.02)
    assert abs(bias[0] - (0.5 - np.log(1.5))) < 4 * error[0]  # KL(N(0, t) || N(0, 1)) = (t - 1 - log t) / 2, twice
    for K, b, e in zip(Ks[1:], bias[1:], error[1:], strict=True):
        assert abs(b - truth / (2 * K)) < 4 * e
        assert abs(b - 1.5 * truth / (2 * K)) > 8 * e  # the test can fail


def test_what_quadrature_cannot_do(digits, rng):
    model, x, log_px = digits
    relu = VAE.build((8, 8, 1), rng, hidden=(16,), latent=2).bind("float64")
    with pytest.raises(
        ValueError, match=r"model: the integral over z still moves .* expected a smooth decoder \(no ReLU"
    ):
        log_evidence_by_quadrature(relu, x[:1])
    with pytest.raises(ValueError, match="model: expected one or two latents, got 3"):
        log_evidence_by_quadrature(VAE.build((64,), rng, hidden=(5,), latent=3).bind("float64"), x)
    with pytest.raises(ValueError, match="model: expected float64, got float32"):
        log_evidence_by_quadrature(VAE.build((64,), rng, hidden=(5,), latent=2), x)
    with pytest.raises(ValueError, match="x: expected rows of 64 values"):
        log_evidence_by_quadrature(model, x[:, 1:])
    for K in (3, 64):
        with pytest.raises(ValueError, match="Ks: expected proper divisors of 64 draws"):
            bound_bias(model, x, log_px, (1, K), 64, rng)


# ---- pictures


def test_pictures_are_the_same_bytes(digits, tmp_path, rng):
    model, x, _ = digits
    data = data_with_two_directions(rng)
    best = exact.optimum(data, 2).log_px
    history = exact.train(exact.build(rng, D=6, likelihood="gaussian"), data, 40, rng)
    for file in ("a", "b"):
        draw_linear_training(history, best, tmp_path / f"{file}1.png")
        found = quadrature.bound_and_gap(model, x[:1], np.random.default_rng(0), draws=2**12)
        draw_bound_and_gap(found, tmp_path / f"{file}2.png")
    for i in "12":
        assert (tmp_path / f"a{i}.png").read_bytes() == (tmp_path / f"b{i}.png").read_bytes()
    one = VAE.build((64,), rng, hidden=(5,), latent=1, activation="tanh").bind("float64")
    with pytest.raises(ValueError, match="model: expected two latents, got 1"):
        quadrature.bound_and_gap(one, x[:1], rng)

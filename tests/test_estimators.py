"""Five estimators of one gradient: the same mean, exactly, by quadrature; what they differ in is the variance."""

import functools
import itertools
import math

import numpy as np
import pytest
from scipy import stats

from minivae import VAE
from minivae.densities import gaussian_log_prob_backward, reparameterize_backward
from minivae.gradcheck import LIMIT, Problem, check_directions
from minivae.laboratory import estimators as lab
from minivae.laboratory.estimators import (
    ESTIMATORS,
    encoder_gradient,
    encoder_jacobian,
    exact_latent_gradient,
    latent_gradients,
    path_derivative,
    pathwise,
    pathwise_sampled_kl,
    quadrature,
    score_function,
    study,
)
from minivae.layers import Dense, Network, Split
from minivae.likelihoods import GaussianFixed
from minivae.plot import draw_estimators

N = 4


def small(L, likelihood="bernoulli", D=9, **options):
    """A tanh VAE away from its initialization, and data for it."""
    rng = np.random.default_rng(L)
    model = VAE.build((D,), rng, hidden=(6,), latent=L, activation="tanh", likelihood=likelihood, **options)
    model.bind("float64").theta += 0.2 * rng.standard_normal(model.theta.size)
    return model, (rng.random((N, D)) < 0.5).astype("float64")


@functools.cache
def truth(L):
    return exact_latent_gradient(pathwise, *small(L))


def at_the_posterior(L=2, D=5, std=0.6):
    """x = z W + b + std noise with orthogonal rows of W: q(z | x) = N(M^-1 W (x - b), std^2 M^-1), M = W W' + std^2."""
    rng = np.random.default_rng(0)
    model = VAE(Network(Dense(D, 2 * L, rng), Split(2)), Network(Dense(L, D, rng)), GaussianFixed(std)).bind("float64")
    W, b = np.array([[1.3], [0.4]]) * np.linalg.qr(rng.standard_normal((D, L)))[0].T, rng.standard_normal(D)
    M = (W * W).sum(axis=1) + std**2  # the diagonal
    to_mu = (W / M[:, None]).T
    values = to_mu, np.zeros_like(to_mu), -b @ to_mu, np.log(std**2 / M), W, b
    model.theta[...] = np.concatenate([np.hstack(values[:2]).ravel(), *[a.ravel() for a in values[2:]]])
    return model, rng.standard_normal((N, D))


# ---- planted errors: each is a mistake that has been made


def own_baseline(model, x, eps):
    """The baseline depends on its own sample: half of that sample's log w."""
    return score_function(model, x, eps, baseline=0.5 * lab._log_w(model, x, eps)[0])


def mean_baseline(model, x, eps):
    """The mean of a pair of draws, one's own among them, in place of the other's."""
    log_w, _, _ = lab._log_w(model, x, eps)
    return score_function(model, x, eps, baseline=np.repeat(log_w.reshape(-1, 2, N).mean(axis=1), 2, axis=0))


def leave_one_out(model, x, eps):
    """The other draw of a pair: no error."""
    log_w, _, _ = lab._log_w(model, x, eps)
    return score_function(model, x, eps, baseline=log_w.reshape(-1, 2, N)[:, ::-1].reshape(-1, N))


def without_half(model, x, eps):
    """dlog_var = dz eps std: the 1/2 of std = exp(log_var / 2) is missing."""
    dmu, dlog_var = path_derivative(model, x, eps)
    return dmu, 2 * dlog_var


def without_entropy(model, x, eps):
    """The path derivative of -log p(x, z): with an entropy in closed form, its gradient -1/2 may not be dropped."""
    dmu, dlog_var = pathwise_sampled_kl(model, x, eps)
    return dmu, dlog_var + 0.5 / len(x)


def without_path_of_log_q(model, x, eps):
    """The wrong half of d log q is dropped: the path through z, not the derivative at fixed z."""
    mu, log_var, z = lab._sample(model, x, eps)
    dz, _, _ = gaussian_log_prob_backward(np.full(z.shape[:-1], 1 / len(x)), z, mu, log_var)
    path = reparameterize_backward(dz, mu, log_var, eps=eps)
    return tuple(np.subtract(pathwise_sampled_kl(model, x, eps), path))


def one_percent(model, x, eps):
    dmu, dlog_var = pathwise(model, x, eps)
    return dmu, 1.01 * dlog_var


PLANTED = {f.__name__: f for f in (own_baseline, without_half, without_entropy, without_path_of_log_q, one_percent)}


# ---- the exact gradient


@pytest.mark.parametrize("L", [1, 2])
def test_exact_gradient_is_that_of_the_expected_elbo(L):
    """Against differences of E[log w] by the same nodes: nothing of the estimators but their result is used."""
    model, x = small(L)
    eps, w = quadrature((256, 48)[L - 1], L)
    exact = truth(L) @ encoder_jacobian(model, x)

    def loss(values):
        model.theta[: exact.size] = values["encoder"]
        return -(w @ model.log_weights(x, np.repeat(eps[:, None], N, axis=1)).mean(axis=1))

    problem = Problem(loss, {"encoder": model.theta[: exact.size].copy()}, {"encoder": exact})
    assert check_directions(problem, np.random.default_rng(0))["encoder"].error < LIMIT
    wrong = problem._replace(grads={"encoder": 1.0005 * exact})
    assert check_directions(wrong, np.random.default_rng(0))["encoder"].error > LIMIT
    model.theta[: exact.size] = problem.values["encoder"]


@pytest.mark.parametrize(("L", "likelihood"), [(1, "bernoulli"), (2, "bernoulli"), (1, "gaussian"), (1, "categorical")])
def test_all_estimators_have_the_same_mean(L, likelihood):
    model, x = small(L, likelihood)
    exact = exact_latent_gradient(pathwise, model, x)

    def error(f):
        return np.linalg.norm(exact_latent_gradient(f, model, x) - exact) / np.linalg.norm(exact)

    assert {name for name, f in ESTIMATORS.items() if error(f) > 1e-9} == set()
    if L == 1:
        assert min(map(error, PLANTED.values())) > 1e-3


def test_pathwise_is_what_the_vae_does():
    for likelihood in ("bernoulli", "gaussian", "gaussian-full"):
        model, x = small(3, likelihood)
        eps = np.random.default_rng(0).standard_normal((2, N, 3))
        model.loss_and_grads(x, {"eps": eps[1], "enc": None, "dec": None})
        size = sum(model.params[name].data.size for name in model.below("encoder"))
        expected = model.grad[:size].copy()
        np.testing.assert_allclose(encoder_gradient(pathwise, model, x, eps[1]), expected, rtol=1e-10, atol=1e-14)
        assert (model.grad[size:] == 0).all()  # the decoder is only passed through
        rows = latent_gradients(pathwise, model, x, eps) @ encoder_jacobian(model, x)
        np.testing.assert_allclose(rows[1], expected, rtol=1e-10, atol=1e-14)


def test_quadrature():
    """Moments of a normal, and a cosine: E cos(a eps) = exp(-a^2 / 2)."""
    eps, w = quadrature(32, 2)
    a, b = eps.T
    for f, expected in (
        (a**0, 1),
        (a, 0),
        (a**2, 1),
        (a**2 * b**4, 3),
        (a**6, 15),
        (np.cos(a + 2 * b), math.exp(-2.5)),
    ):
        assert w @ f == pytest.approx(expected, abs=1e-10)


def test_a_gradient_that_cannot_be_found_is_not_returned():
    """A decoder with steps far steeper than the nodes are apart."""
    model, x = small(1)
    model.params["decoder.layers.0.W"].data[...] *= 1e4
    with pytest.raises(ValueError, match="exact gradient: expected a quadrature that settles"):
        exact_latent_gradient(pathwise, model, x)
    rng = np.random.default_rng(0)
    huge = lambda model, x, eps: (1e155 + 1e150 * rng.random(eps.shape),) * 2  # noqa: E731
    with np.errstate(all="ignore"), pytest.raises(ValueError, match="exact gradient: expected a quadrature that settl"):
        exact_latent_gradient(huge, model, x)


# ---- laws


def test_no_variance_at_the_true_posterior():
    """There log w = log p(x) at every z: nothing for the path derivative to learn, nor beyond the baseline."""
    model, x = at_the_posterior()
    eps = np.random.default_rng(0).standard_normal((50, N, 2))
    assert np.ptp(model.log_weights(x, eps), axis=0).max() < 1e-12
    size = {name: np.abs(latent_gradients(f, model, x, eps)).max() for name, f in ESTIMATORS.items()}
    assert max(size["path derivative"], size["score, baseline"]) < 1e-13
    assert min(size["pathwise"], size["sampled KL"], size["score function"]) > 0.1
    other, y = small(2)  # anywhere else the baseline is log w at z = mu
    assert not np.any(ESTIMATORS["score, baseline"](other, y, np.zeros((1, N, 2))))
    model.params["encoder.layers.0.b"].data[2] += 0.1  # a log-variance 10 % off
    assert np.abs(latent_gradients(path_derivative, model, x, eps)).max() > 1e-3


def test_what_sampling_the_kl_adds():
    """log q - log p(z) at z less the KL, by (mu, log_var): std eps and (mu std eps + std^2 (eps^2 - 1)) / 2."""
    model, x = small(2)
    eps = np.random.default_rng(0).standard_normal((5, N, 2))
    mu, log_var = model.encoder(x)
    std = np.exp(0.5 * log_var)
    added = np.concatenate([std * eps, 0.5 * (mu * std * eps + std**2 * (eps**2 - 1))], axis=-1) / N
    both = [latent_gradients(f, model, x, eps) for f in (pathwise_sampled_kl, pathwise)]
    np.testing.assert_allclose(both[0] - both[1], added.reshape(5, -1), rtol=1e-10, atol=1e-14)


def test_variance_of_the_dropped_term():
    """What the path derivative leaves out is d log q / N: mean 0, variance 1 / (N std)^2 and 1 / (2 N^2)."""
    model, x = small(2)
    eps = np.random.default_rng(0).standard_normal((40_000, N, 2))
    both = [latent_gradients(f, model, x, eps, 5000) for f in (pathwise_sampled_kl, path_derivative)]
    dropped = (both[0] - both[1]).reshape(-1, N, 2, 2)  # (S, N, (mu, log_var), L)
    variance = np.stack([np.exp(-model.encoder(x)[1]), np.full((N, 2), 0.5)], axis=1) / N**2
    assert np.abs(z_score(dropped, 0)).max() < 4
    assert np.abs(z_score(dropped**2, variance)).max() < 4
    assert np.abs(z_score(dropped**2, 1.3 * variance)).min() > 8  # the test can fail


def test_draws_leave_the_gradient_alone():
    """The decoder, the likelihood and the prior are only passed through."""
    model, x = small(2, "gaussian")
    eps = np.random.default_rng(0).standard_normal((3, N, 2))
    model.zero_grad()
    for f in ESTIMATORS.values():
        latent_gradients(f, model, x, eps)
    assert (model.grad == 0).all()


# ---- by Monte Carlo


def z_score(values, exact):
    """How many standard errors the mean over the first axis is off."""
    return (values.mean(axis=0) - exact) / (values.std(axis=0) / math.sqrt(len(values)))


def z_scores(f, S=20_000):
    """Of four random projections of the encoder's gradient."""
    model, x = small(2)
    rng = np.random.default_rng(0)
    jacobian = encoder_jacobian(model, x)
    v = jacobian @ rng.choice((-1.0, 1.0), size=(jacobian.shape[1], 4))
    d = latent_gradients(f, model, x, rng.standard_normal((S, N, model.L)), part=5000)
    return z_score(d @ v, truth(2) @ v)


def test_unbiased_by_monte_carlo():
    for name, f in (ESTIMATORS | {"leave one out": leave_one_out}).items():
        assert np.abs(z_scores(f)).max() < 4, name


def test_bias_is_seen_by_monte_carlo():
    for f in (own_baseline, mean_baseline, without_half, without_entropy, without_path_of_log_q):
        assert np.abs(z_scores(f)).max() > 8, f.__name__


def test_one_percent_is_seen_along_the_gradient():
    model, x = small(2)
    exact, jacobian = truth(2), encoder_jacobian(model, x)
    along = jacobian @ (exact @ jacobian)
    d = latent_gradients(pathwise, model, x, np.random.default_rng(0).standard_normal((200_000, N, 2)), part=5000)
    ratio = d @ along / (exact @ along)
    assert abs(z_score(ratio, 1)) < 4
    assert abs(z_score(1.01 * ratio, 1)) > 8


# ---- the study


def test_study_is_what_the_gradients_of_all_parameters_say():
    """Bias, chance and variance by their definitions, from one row per draw."""
    model, x = small(2)
    result = study(model, x, 300, np.random.default_rng(5))
    assert (result.N, result.S) == (N, 300)
    assert list(result) == ["encoder.layers.0", "encoder.layers.2", "encoder"]
    eps = np.random.default_rng(5).standard_normal((300, N, 2))
    jacobian = encoder_jacobian(model, x)
    exact = truth(2) @ jacobian
    n = model.params["encoder.layers.0.W"].data.size + model.params["encoder.layers.0.b"].data.size
    parts = {"encoder.layers.0": slice(n), "encoder.layers.2": slice(n, None), "encoder": slice(None)}
    for name, f in ESTIMATORS.items():
        rows = latent_gradients(f, model, x, eps) @ jacobian
        for layer, part in parts.items():
            g, e = rows[:, part], result[layer][name]
            off = g.mean(axis=0) - exact[part]
            norm, bias = np.linalg.norm(exact[part]), np.linalg.norm(off)
            variances = g.var(axis=0, ddof=1)
            assert e.bias == pytest.approx(bias / norm, rel=1e-9)
            assert e.variance == pytest.approx(variances.sum() / norm**2, rel=1e-9)
            assert e.chance == pytest.approx(math.sqrt(variances.sum() / 300) / norm, rel=1e-9)
            assert e.bias_error == pytest.approx((g @ off).std() / bias / math.sqrt(300) / norm, rel=1e-5)
            distances = ((g - g.mean(axis=0)) ** 2).sum(axis=1)
            assert e.variance_error == pytest.approx(distances.std() / math.sqrt(300) / norm**2, rel=1e-9)


def test_study_finds_the_biased_ones():
    model, x = small(2)
    result = study(model, x, 2000, np.random.default_rng(0), ESTIMATORS | PLANTED)
    found = {name for name in result["encoder"] if max(row[name].z for row in result.values()) > 4}
    assert found == PLANTED.keys() - {"one_percent"}  # below what 2,000 draws can tell
    table = str(result).splitlines()
    assert len(table) == 1 + 3 * 10
    assert len({len(line.split(" +- ")[0]) for line in table[1:]}) == 1


@np.errstate(all="ignore")
def test_an_estimator_without_a_variance_is_biased():
    """NaN has none, nor has a gradient that was forgotten."""
    model, x = small(2)
    wrong = {"nan": lambda model, x, eps: (np.nan * eps,) * 2, "zero": lambda model, x, eps: (0 * eps,) * 2}
    result = study(model, x, 50, np.random.default_rng(0), {"pathwise": pathwise} | wrong)
    assert result.biased == ["nan", "zero"]
    assert "unknown" not in str(result)


@pytest.mark.parametrize("A", [np.eye(3), np.diag([4.0, 1.0, 0.5])])
def test_z_is_that_of_a_chi_square(A):
    """S |bias|^2 nu / tr(C A) has nu = tr(C A)^2 / tr(C A C A) degrees of freedom; its tail is that of a normal z."""
    signs = np.array(list(itertools.product((-1.0, 1.0), repeat=3)))  # 8 draws, covariance 8 / 7
    nu = np.trace(A) ** 2 / (A * A).sum()
    for size in (0.3, 0.6, 1.0):
        e = lab._estimate(1 + size * np.array([1, 0, 0]) + signs, np.ones(3), A, True)
        chi_square = 8 * size**2 * A[0, 0] * nu / (8 / 7 * np.trace(A))
        assert e.z == pytest.approx(stats.norm.isf(stats.chi2(nu).sf(chi_square)), abs=0.04)


def test_z_without_bias():
    """Near N(0, 1) for skewed draws, too: over 200 studies its mean, its spread, how often it is above 2."""
    rng = np.random.default_rng(0)
    A, exact = np.diag([5.0, 2.0, 1.0, 0.5, 0.1]), np.ones(5)
    for df in (3, 30):
        z = [lab._estimate(1 + rng.chisquare(df, (1000, 5)) - df, exact, A, True).z for _ in range(200)]
        assert abs(np.mean(z)) < 0.25
        assert 0.75 < np.std(z) < 1.25
        assert np.mean(np.array(z) > 2) < 0.06
        assert np.max(z) < 4


def test_without_an_exact_gradient_only_variances_are_known(tmp_path):
    model, x = small(5)
    result = study(model, x, 400, np.random.default_rng(0))
    e = result["encoder"]
    assert all(math.isnan(v) for row in result.values() for value in row.values() for v in value[:4])
    assert e["pathwise"].variance < e["sampled KL"].variance < e["score function"].variance
    assert str(result).count("unknown") == 15
    assert result.biased == []
    draw_estimators({"five latents": result}, tmp_path / "a.png")
    assert (tmp_path / "a.png").exists()


def test_errors():
    model, x = small(1)
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="S: expected at least 2 draws, got 1"):
        study(model, x, 1, rng)
    with pytest.raises(ValueError, match="x: expected rows of 9 values"):
        study(model, x[:, :5], 10, rng)
    with pytest.raises(ValueError, match="model: expected float64 parameters, got float32"):
        study(model.bind("float32"), x, 10, rng)


def test_picture_is_the_same_bytes(tmp_path):
    model, x = small(1)
    for name in ("a.png", "b.png"):
        draw_estimators({"again": study(model, x, 50, np.random.default_rng(0))}, tmp_path / name)
    content = (tmp_path / "a.png").read_bytes()
    assert content == (tmp_path / "b.png").read_bytes()
    assert content.startswith(b"\x89PNG")

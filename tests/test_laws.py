"""The laws hold for right code, and see errors of a percent."""

import types

import numpy as np
import pytest

from minivae.densities import log_mean_exp, standard_normal_log_prob
from minivae.laboratory.detectors import model_and_data
from minivae.layers import Dense
from minivae.likelihoods import LIKELIHOODS, Tokens
from minivae.models import VAE
from minivae.models.catalog import EXAMPLES
from minivae.priors import Prior, StandardNormal
from minivae.truth.known_answers import check_known, equal, of_kl, of_likelihood, of_starts, scales, signs, untouched
from minivae.truth.laws import (
    Law,
    Laws,
    Z,
    _at_least,
    averaged,
    bounds_ordered,
    check_laws,
    couples,
    draws_of_prior,
    integral_of_likelihood,
    integral_of_prior,
    moments_of_z,
    monte_carlo_kl,
    sampled,
)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_they_hold(likelihood, rng):
    model, x = model_and_data(rng, likelihood=likelihood)
    assert (check := check_laws(model, x, rng)).ok, check
    assert (check := check_known(model, x, rng)).ok, check


@pytest.mark.parametrize("label", EXAMPLES)
def test_every_model_obeys_those_that_are_about_it(label, rng):
    """K samples, a flow as posterior, conditions, a model without noise or prior."""
    model, x, y = EXAMPLES[label](rng)
    laws = Laws(check_laws(model, x, rng, y) | check_known(model, x, rng, y))
    assert laws.ok, laws
    assert len(laws) > 10


class Endless(Tokens):
    """Counts what is behind the end of a line."""

    def forward(self, x, out):
        ends = 1.0 * np.ones_like(x)
        return super().forward(ends, out)


def test_laws_of_lines(rng):
    for likelihood, right in ((Tokens(3), True), (Endless(3), False)):
        assert integral_of_likelihood(likelihood, rng).ok == right
        laws = of_likelihood(likelihood, rng)
        assert [law.ok for law in laws.values()] == [right, right]


def test_k_samples_are_averaged_over_the_samples(rng):
    """z is (draws, N, L) of N examples, whatever K is: a posterior that is off by 1 % in one example alone is seen."""
    model, x, _ = EXAMPLES["iwae dense"](rng)
    mu, log_var, z, _ = sampled(model, x, rng, 200_000)
    assert z.shape[1:] == mu.shape == (5, 2)
    assert len(z) >= 200_000
    std = np.exp(0.5 * log_var)
    off = np.array([0.0, 0, 1, 0, 0])[:, None]
    assert moments_of_z((mu, log_var, z, 0))["variance of (z - mu) / std"].ok
    error = (z - mu - 0.05 * off * std)[:, 2] / std[2]
    assert abs(error.mean() + 0.05) < 0.01


class Coupled(VAE):
    """Its loss depends on which examples are together, as one that estimates q(z) in the batch does."""

    most = 0  # rows of a step

    def loss_and_grads(self, x, noise, y=None, t=0, grads=True):
        type(self).most = max(self.most, len(x))
        metrics = super().loss_and_grads(x, noise, y, t, grads)
        return metrics | {"loss": metrics["loss"] + np.log(len(x))}


def test_a_minibatch_loss_is_computed_on_the_batch_as_it_is(rng):
    """Tiled to 65,535 rows it would be another loss."""
    model, x = model_and_data(rng)
    model.__class__ = Coupled
    assert couples(model, x, rng)
    Coupled.most = 0
    mu, log_var, z, kl = sampled(model, x, rng)
    assert Coupled.most == 2 * len(x)  # to see that it is coupled
    assert moments_of_z((mu, log_var, z, kl))["variance of (z - mu) / std"].ok


class Parts(Prior):
    """Two Gaussians, one drawn more often; its noise is a dict."""

    kind = "right"

    def forward(self, z):
        log_p = np.stack([standard_normal_log_prob(z - 2), standard_normal_log_prob(z + 2)])
        return log_mean_exp(log_p + np.log([[0.6], [1.4]])), (z, log_p)

    def draw_noise(self, rng, n):
        return {"u": rng.random(n, dtype="float32"), "eps": rng.standard_normal((n, self.L), dtype="float32")}

    def draw(self, noise):
        share = 0.3 if self.kind == "right" else 0.5
        return noise["eps"] + 4 * (noise["u"] < share)[:, None] - 2


def test_a_prior_draws_what_it_charges_for(rng):
    """Noise in a dict, and draws of another density than `forward` has: `sample` would be silently wrong."""
    prior = Parts(2)
    assert draws_of_prior(prior, rng).ok
    assert integral_of_prior(prior, rng).ok
    prior.kind = "wrong"
    assert draws_of_prior(prior, rng).error > 8


@pytest.mark.parametrize("seed", [12, 16])
def test_no_false_alarm_where_log_px_z_has_heavy_tails(seed):
    """The ELBO of either is a mean over z that differ by hundreds of nats."""
    for likelihood, levels in (("gaussian-full", None), ("categorical", 3)):
        rng = np.random.default_rng(seed + 1)
        model, x = model_and_data(rng, likelihood=likelihood, levels=levels)
        assert bounds_ordered(model, x, rng)["L_1 is the ELBO"].error < 3


def test_smallest_and_conv(rng):
    """One latent, one example, few samples at a time, conv, batch norm, dropout, free bits."""
    for arch, options in (("dense", {}), ("conv", {"norm": "batch", "free_bits": 0.5, "dropout": 0.3})):
        model = VAE.build((4, 4, 1), rng, arch=arch, hidden=(6,), channels=(2,), latent=1, **options).bind("float64")
        x = (rng.random((1, 16)) < 0.5).astype(float)
        assert (check := check_known(model, x, rng)).ok, check
        assert (check := moments_of_z(sampled(model, x, rng, 70_000)))["variance of (z - mu) / std"].ok, check
        assert bounds_ordered(model, x, rng, K=2)["L_1 is the ELBO"].ok


def test_the_variance_of_z_to_a_percent(rng, monkeypatch):
    model, x = model_and_data(rng)
    monkeypatch.setattr("minivae.models.vae.reparameterize", lambda mu, lv, eps: mu + 1.005 * np.exp(0.5 * lv) * eps)
    assert moments_of_z(sampled(model, x, rng, 200_000))["variance of (z - mu) / std"].error > 8


def test_the_kl_to_a_percent(rng, monkeypatch):
    model, x = model_and_data(rng)
    model.params["encoder.layers.2.b"].data[:2] += 3.0  # a KL of some nats
    assert monte_carlo_kl(model.prior, sampled(model, x, rng, 60_000))["KL = mean of log q - log p"].ok
    kl = StandardNormal.kl
    monkeypatch.setattr(StandardNormal, "kl", lambda self, mu, log_var: 1.01 * kl(self, mu, log_var))
    assert monte_carlo_kl(model.prior, sampled(model, x, rng, 60_000))["KL = mean of log q - log p"].error > 8


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_likelihoods_add_up_to_one(name, rng):
    likelihood = LIKELIHOODS[name](*[100] * (name == "categorical")).bind("float64")
    assert integral_of_likelihood(likelihood, rng).ok
    forward = likelihood.forward
    likelihood.forward = types.MethodType(lambda self, x, out: (forward(x, out)[0] + 1e-5, None), likelihood)
    assert not integral_of_likelihood(likelihood, rng).ok


def test_the_prior_adds_up_to_one(rng):
    prior = StandardNormal(3)
    assert integral_of_prior(prior, rng).ok
    forward = prior.forward
    prior.forward = lambda z: (forward(z)[0] + 0.02, None)
    assert integral_of_prior(prior, rng).error > 8


def test_bounds(rng):
    model, x = model_and_data(rng)
    laws = bounds_ordered(model, x, rng, log_px=np.full(4, 0.0))
    assert [law.ok for law in laws.values()] == [True] * 3
    bound = -laws["L_32 <= log p(x)"].value
    assert not bounds_ordered(model, x, rng, log_px=np.full(4, bound - 0.3))["L_32 <= log p(x)"].ok


class Summed(VAE):
    def loss_and_grads(self, x, noise, y=None, t=0, grads=True):
        m = super().loss_and_grads(x, noise, y, t, grads)
        self.grad[...] *= len(x)
        return m


class Climbs(VAE):
    def loss_and_grads(self, x, noise, y=None, t=0, grads=True):
        m = super().loss_and_grads(x, noise, y, t, grads)
        self.grad[...] *= -1
        return m | {"elbo": m["elbo"] + 1e-6}


class Negative(VAE):
    def loss_and_grads(self, x, noise, y=None, t=0, grads=True):
        m = super().loss_and_grads(x, noise, y, t, grads)
        return m | {"kl": -m["kl"], "elbo": m["log_px_z"] + m["kl"], "loss": -m["log_px_z"] - m["kl"]}


class Scribbles(VAE):
    def loss_and_grads(self, x, noise, y=None, t=0, grads=True):
        m = super().loss_and_grads(x, noise, y, t, grads)
        x += 1
        return m


class Remembers(VAE):
    calls = 0

    def loss_and_grads(self, x, noise, y=None, t=0, grads=True):
        self.calls += 1
        m = super().loss_and_grads(x, noise, y, t, grads)
        return m | {"loss": m["loss"] + self.calls}


class PerLatent(VAE):
    def loss_and_grads(self, x, noise, y=None, t=0, grads=True):
        m = super().loss_and_grads(x, noise, y, t, grads)
        return m | {"loss": m["kl"] / self.L - m["log_px_z"]}


class Infinite(VAE):
    """Its loss and KL are infinite at the parameters, and nowhere else."""

    def loss_and_grads(self, x, noise, y=None, t=0, grads=True):
        m = super().loss_and_grads(x, noise, y, t, grads)
        return m | {"loss": np.inf, "kl": np.inf} if grads else m


class Huge(VAE):
    """Gradients whose squares overflow; of a larger batch they are larger by a thousandth."""

    def loss_and_grads(self, x, noise, y=None, t=0, grads=True):
        m = super().loss_and_grads(x, noise, y, t, grads)
        self.grad[...] *= 1e155 * (1 + 1e-3 * (len(x) > 4))
        return m


def failing(laws):
    return [name for name, law in laws.items() if not law.ok]


def test_known_answers_of_models_that_break_them(rng):
    model, x = model_and_data(rng)
    noise = model.draw_noise(rng, len(x))
    assert failing(scales(model, x, noise) | signs(model, x, noise) | untouched(model, x, noise)) == []
    model.__class__ = Summed
    assert failing(scales(model, x, noise)) == ["the batch twice over: the same gradient"]
    model.__class__ = Climbs
    assert failing(signs(model, x, noise)) == ["elbo = log_px_z - kl", "a step against the gradient lowers the loss"]
    model.__class__ = PerLatent
    assert failing(signs(model, x, noise)) == ["loss = beta kl - log_px_z"]
    model.__class__ = Negative
    assert failing(signs(model, x, noise))[0] == "kl >= 0"
    model.__class__ = Remembers
    assert failing(untouched(model, x, noise)) == ["the same step gives the same"]
    model.__class__ = Scribbles
    assert failing(untouched(model, x, noise)) == ["x is left as it was"]


def test_known_answers_of_likelihoods(rng):
    assert len(of_likelihood(LIKELIHOODS["bernoulli"](), rng)) == 5
    assert len(of_likelihood(LIKELIHOODS["gaussian-fixed"](), rng)) == 1
    bent = LIKELIHOODS["bernoulli"]()
    bent.mean = lambda out: 1 / (1 + np.exp(1 - out))
    assert failing(of_likelihood(bent, rng)) == ["at logit 0 the mean is 1/2"]


def test_a_law_says_what_it_found():
    laws = Laws({"a": Law(1.0, 1.0, 0.0, 1e-9), "long": Law(2.0, 1.0, 12.0, 4.0), "nan": Law(1.0, 1.0, np.nan, 4.0)})
    assert not laws.ok
    assert str(laws).splitlines()[1] == "long   2, expected  1  (12 standard errors)  NOT OK"
    assert not laws["nan"].ok
    assert str(laws).splitlines()[2] == "nan    1, expected  1  (not finite)  NOT OK"
    assert averaged([1.0, 1.0, 1.0], 1.0).ok
    assert not averaged([1.0, 1.0, 1.0], 1.1).ok


@np.errstate(all="ignore")
def test_what_is_not_finite_obeys_no_law(rng):
    """Neither do samples so large that their standard error is infinite: everything would be within it."""
    for error in (np.nan, np.inf, -np.inf):
        assert not Law(1.0, 1.0, error, Z).ok
    for samples in ([1.0, np.nan, 2.0], [1e200, 2e200, 3e200], [np.inf, np.inf]):
        assert not averaged(samples, 1.0).ok
        assert not _at_least(np.array(samples), 0.0).ok
    for value in (np.nan, np.inf, -np.inf):
        assert not equal(value, value).ok
    model, x = model_and_data(rng)
    noise = model.draw_noise(rng, len(x))
    model.__class__ = Infinite
    assert {"kl >= 0", "a step against the gradient lowers the loss"} <= set(failing(signs(model, x, noise)))
    model.__class__ = Huge
    assert failing(scales(model, x, noise)) == ["the batch twice over: the same gradient"]
    assert failing(signs(model, x, noise)) == []


def test_new_weights_that_are_nan_are_all_alike(monkeypatch):
    assert of_starts()["equal columns or layers of new weights"].ok
    monkeypatch.setattr(Dense, "__init__", of_nan(Dense.__init__))
    assert not of_starts()["equal columns or layers of new weights"].ok


def of_nan(init):
    def wrong(self, *args, **kwargs):
        init(self, *args, **kwargs)
        self.W.data[...] = np.nan

    return wrong


def test_the_kl_to_a_millionth(monkeypatch):
    prior = StandardNormal(3)
    assert failing(of_kl(prior)) == []
    kl = StandardNormal.kl
    monkeypatch.setattr(StandardNormal, "kl", lambda self, mu, log_var: (1 + 1e-6) * kl(self, mu, log_var))
    assert failing(of_kl(prior)) == ["KL = mean of log q - log p at eps = 1 and -1"]

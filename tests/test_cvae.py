"""A VAE of x given y: y reaches both networks, and the evidence is log p(x | y)."""

import numpy as np
import pytest
from scipy import stats

from minivae import log_evidence
from minivae.densities import kl_gaussians
from minivae.evaluate import annealed_evidence, decoder_gain, kl_parts, kl_per_latent, posteriors, sampled_evidence
from minivae.metrics import mean_metrics
from minivae.models import CVAE, Labels
from minivae.models.examples import small
from minivae.models.networks import build_networks
from minivae.params import replaced
from minivae.priors import ConditionalNormal, Mixture
from minivae.truth.laws import check_laws


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def linear_learned(rng, name="cvae", **options):
    """x = W z + V y + b + 0.6 noise, z ~ N(A y + a, exp(C y + c)); and log p(x | y) of x (N, 5). q is wide."""
    model, _, y = small(name, rng, shape=(5,), hidden=(), likelihood="gaussian-fixed", std=0.6, shake=0.3, n=12,
                        labels=Labels("rows", 3), **options)  # fmt: skip
    model.encoder.layers[0].W.data[...] = 0
    model.encoder.layers[0].b.data[...] = [0, 0, 2, 2]
    W, b = model.decoder.layers[0].W.data, model.decoder.layers[0].b.data
    mu, log_var = np.split(y @ model.prior_network.layers[0].W.data + model.prior_network.layers[0].b.data, 2, axis=1)
    means = b + mu @ W[:2] + (y @ W[2:] if len(W) > 2 else 0)
    cov = [W[:2].T @ np.diag(np.exp(v)) @ W[:2] + 0.36 * np.eye(5) for v in log_var]
    x = rng.standard_normal((12, 5))
    pairs = zip(x, means, cov, strict=True)
    return model, x, y, np.array([stats.multivariate_normal(mean, c).logpdf(row) for row, mean, c in pairs])


def linear(rng):
    """x = W z + V y + b + 0.6 noise: log p(x | y) is that of a Gaussian. q(z | x, y) is the prior."""
    networks = build_networks((5,), rng, hidden=(), latent=2, likelihood="gaussian-fixed", std=0.6, given=3)
    model = CVAE(*networks[:2], Labels("rows", 3), networks[2]).bind("float64")
    model.theta += 0.2 * rng.standard_normal(model.theta.size)
    for name in model.below("encoder"):
        model.params[name].data[...] = 0
    return model


def test_the_evidence_is_that_of_x_given_y(rng):
    model = linear(rng)
    x, y = rng.standard_normal((12, 5)), rng.standard_normal((12, 3))
    W, b = model.decoder.layers[0].W.data, model.decoder.layers[0].b.data
    cov = W[:2].T @ W[:2] + 0.36 * np.eye(5)
    means = b + y @ W[2:]
    log_px = np.array([stats.multivariate_normal(mean, cov).logpdf(row) for mean, row in zip(means, x, strict=True)])
    np.testing.assert_allclose(log_evidence(model, x, 50_000, rng, y=y), log_px, atol=0.05)
    wrong = log_evidence(model, x, 2000, rng, y=y[::-1])
    assert np.abs(wrong - log_px).max() > 0.5  # y matters
    elbo = mean_metrics(model, np.repeat(x, 200, axis=0), np.repeat(y, 200, axis=0), rng)["elbo"]
    assert elbo < log_px.mean()


@pytest.mark.parametrize(("name", "options"), [("cvae", {"prior": "learned"}), ("ivae", {})])
def test_the_evidence_with_a_learned_prior(name, options, rng):
    """The bounds are in order, below the exact log p(x | y), and come near it; not with the prior of another row."""
    model, x, y, log_px = linear_learned(rng, name, **options)
    laws = check_laws(model, x, rng, y=y, log_px=log_px)
    assert laws.ok, laws
    assert "L_32 <= log p(x)" in laws
    np.testing.assert_allclose(log_evidence(model, x, 50_000, rng, y=y), log_px, atol=0.1)
    for T, chains in ((60, 300), (1, 5000)):  # in one step it is importance sampling with the prior
        assert np.abs(annealed_evidence(model, x, T, rng, chains, y).log_px - log_px).mean() < 0.1
    wrong = log_evidence(model, x, 2000, rng, y=y[::-1])
    assert np.abs(wrong - log_px).max() > 0.5
    own = model.prior_of(y, len(x)).context
    np.testing.assert_allclose(model.prior.kl(*own, own), np.zeros((12, 2)), atol=1e-15)


def test_samples_of_a_learned_prior_are_those_of_its_y(rng):
    """Mean and variance of z that `sample` decodes; and the classes take turns, each with its prior."""
    model, _, y, _ = linear_learned(rng, prior="learned")
    seen = []
    model._x_hat = lambda z, y, draw: seen.append(z)
    model.sample(40_000, rng, np.tile(y[:1], (40_000, 1)))
    mu, log_var = model.prior_of(y[:1], 1).context
    std = np.exp(0.5 * log_var[0])
    assert (np.abs(seen[0].mean(axis=0) - mu[0]) < 4 * std / 200).all()
    np.testing.assert_allclose(seen[0].std(axis=0), std, rtol=0.02)
    model, _, _ = small("cvae", rng, prior="learned")
    eps = np.random.default_rng(1).standard_normal((4, 2), dtype="float32")
    z = model.prior_of([0, 1, 2, 0], 4).draw(eps.astype("float64"))
    np.testing.assert_allclose(model.sample(4, np.random.default_rng(1)), model.decode(z, y=[0, 1, 2, 0]))


def test_a_learned_prior_starts_near_a_standard_normal(rng):
    model = CVAE.build((4, 4, 1), rng, labels=Labels("classes", 3), prior="learned", hidden=(400, 200))
    mu, log_var = model.prior_of(np.arange(3), 3).context
    assert max(np.abs(mu).max(), np.abs(log_var).max()) < 0.5
    assert model.sampled == "draws from p(z | y)"
    assert not any(name.startswith("prior_network") for name in CVAE.build((5,), rng, labels=("rows", 2)).params)


def test_what_needs_one_prior_for_all_rows_says_so(rng):
    model, x, y = small("cvae", rng, prior="learned")
    with pytest.raises(ValueError, match=r"expected one prior p\(z\) for all rows, CVAE has p\(z \| y\)"):
        kl_parts(model, *posteriors(model, x, y), rng)
    with pytest.raises(ValueError, match="prior_network: expected one with a ConditionalNormal"):
        CVAE(model.encoder, model.decoder, model.labels, prior_network=model.prior_network)
    with pytest.raises(ValueError, match="prior_network: expected one with a ConditionalNormal"):
        CVAE(model.encoder, model.decoder, model.labels, prior=ConditionalNormal(2))
    with pytest.raises(ValueError, match="prior: expected one with a KL in closed form, got Mixture"):
        CVAE(model.encoder, model.decoder, model.labels, prior=Mixture(2, 3, rng))
    with pytest.raises(ValueError, match="prior: expected one of standard, learned, got 'wide'"):
        CVAE.build((4, 4, 1), rng, labels=Labels("classes", 3), prior="wide")


@pytest.mark.parametrize("name", ["cvae", "ivae"])
def test_tools_ask_the_prior_of_each_row(name, rng):
    """KL per latent, what z gains over one of the prior, and the parts of an evidence, each by hand."""
    model, x, y = small(name, rng, **({"prior": "learned"} if name == "cvae" else {}))
    mu, log_var = posteriors(model, x, y)
    kl = kl_gaussians(mu, log_var, *model.prior_of(y, len(x)).context)
    np.testing.assert_allclose(kl_per_latent(model, x, y), kl.mean(axis=0))
    found = sampled_evidence(model, x, 3, rng, y=y)
    np.testing.assert_allclose(found.kl, kl.sum(axis=1))
    noise = rng.standard_normal((5, 2))

    def own(seen, n):
        np.testing.assert_array_equal(seen, y)
        return model.prior.given((mu, log_var))

    with (
        replaced(model, prior_of=own, draw_eps=lambda *_: noise[None]),
        replaced(model.prior, draw_noise=lambda *_: noise),
    ):
        np.testing.assert_allclose(decoder_gain(model, x, rng, y), np.zeros(5), atol=1e-12)  # both z are the same


@pytest.mark.parametrize("arch", ["dense", "conv"])
def test_classes_are_columns_of_both_networks(arch, rng):
    model, x, y = small("cvae", rng, arch=arch)
    given = model.given(x, y)
    np.testing.assert_array_equal(given[:, 16:], np.eye(3)[y])
    np.testing.assert_array_equal(model.given(np.stack([x, x]), y), np.stack([given, given]))
    mu, _ = model.encode(x, y=y)
    assert np.abs(mu - model.encode(x, y=(y + 1) % 3)[0]).max() > 1e-3
    assert np.abs(model.decode(mu, y=y) - model.decode(mu, y=(y + 1) % 3)).max() > 1e-4


def test_samples_of_classes_in_turn_or_of_one(rng):
    model, _, _ = small("cvae", rng)
    eps = np.random.default_rng(1).standard_normal((4, 2), dtype="float32")
    in_turn = model.sample(4, np.random.default_rng(1))
    np.testing.assert_allclose(in_turn, model.decode(eps, y=[0, 1, 2, 0]))
    np.testing.assert_allclose(model.sample(4, np.random.default_rng(1), y=[2] * 4), model.decode(eps, y=[2] * 4))


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, r"y: expected classes 0 to 2, \(5,\), got none"),
        ([0, 1, 2, 0], r"got dtype int64, shape \(4,\)"),
        ([0, 1, 2, 0, 3], "got 0 to 3"),
        ([0, 1, 2, 0, -1], "got -1 to 2"),
        ([0.0, 1, 2, 0, 1], r"got dtype float64, shape \(5,\)"),
        ([[0], [1], [2], [0], [1]], r"got dtype int64, shape \(5, 1\)"),
    ],
)
def test_bad_classes(y, message, rng):
    model, x, _ = small("cvae", rng)
    with pytest.raises(ValueError, match=message):
        model.encode(x, y=y)
    with pytest.raises(ValueError, match=message):
        model.loss_and_grads(x, model.draw_noise(rng, 5), y=None if y is None else np.array(y))


def test_bad_rows_and_no_labels(rng):
    model, x, _ = small("cvae", rng, labels=Labels("rows", 2))
    with pytest.raises(ValueError, match=r"y: expected rows of numbers, \(5, 2\), got dtype float64, shape \(5, 3\)"):
        model.encode(x, y=np.zeros((5, 3)))
    with pytest.raises(ValueError, match=r"y: expected rows of numbers, \(4, 2\), got none"):
        model.sample(4, rng)
    with pytest.raises(ValueError, match="labels: expected \\(kind, count\\) of the labels y of the data, got None"):
        CVAE.build((4, 4, 1), rng)


def test_beta_comes_to_its_value_over_epochs_of_pass_steps(rng):
    """Without either: in one step."""
    rise = {"labels": Labels("classes", 3), "beta": 4.0, "beta_schedule": "linear", "hidden": (4,), "latent": 2}
    model = CVAE.build((5,), rng, beta_epochs=2, pass_steps=5, **rise)
    assert [model.beta(t) for t in (0, 5, 10)] == pytest.approx([0, 2, 4])
    assert [CVAE.build((5,), rng, **rise).beta(t) for t in (0, 1)] == [0, 4]

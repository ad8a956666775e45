"""VAE-GAN: what its three losses are, against exact answers, and whom each of them trains."""

import numpy as np
import pytest
from scipy import stats

from minivae import Adam, fit, load_data
from minivae.cli import main
from minivae.layers import Dense, Network
from minivae.likelihoods import GaussianFixed
from minivae.models import VAE, VAEGAN
from minivae.models.examples import small
from minivae.models.networks import build_networks
from minivae.numeric import sigmoid
from minivae.priors import DiagonalNormal
from minivae.runs import Run


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def gradients(model, x, noise):
    """{part: its gradient, as one vector} of a step."""
    model.loss_and_grads(x, noise)
    parts = ("encoder", "decoder", "critic", "head")
    return {part: np.concatenate([model.params[n].grad.ravel() for n in model.below(part)] or [[]]) for part in parts}


def with_pixels_as_features(rng, gamma=1.0, bias=0.0):
    """A model whose critic gives the pixels back, and whose odds are a linear function of them; 4x4 pixels."""
    encoder, decoder, _ = build_networks((4, 4, 1), rng, hidden=(6,), latent=2)
    head = Network(Dense(16, 1, rng))
    head.layers[0].b.data[...] = bias
    model = VAEGAN(encoder, decoder, Network(), head, GaussianFixed(0.3), beta=0.7, gamma=gamma, feature_std=0.3)
    return model.bind("float64"), rng.random((5, 16))


def test_where_pixels_are_the_features_it_is_a_vae(rng):
    """Its loss and the encoder's gradient are those of a Gaussian VAE; and the decoder's, where the critic is dumb."""
    model, x = with_pixels_as_features(rng)
    model.head.layers[0].W.data[...] = 0
    noise = model.draw_noise(rng, 5)
    mine = model.loss_and_grads(x, noise)
    grads = gradients(model, x, noise)
    vae = VAE.loss_and_grads(model, x, noise)
    for name in ("loss", "elbo", "log_px_z", "kl"):
        assert mine[name] == pytest.approx(vae[name], rel=1e-12)
    for part in ("encoder", "decoder"):
        vae_grad = np.concatenate([model.params[n].grad.ravel() for n in model.below(part)])
        np.testing.assert_allclose(grads[part], vae_grad, rtol=1e-10, atol=1e-13)
    assert mine["loss_decoder"] == pytest.approx(np.log(2) - vae["log_px_z"])
    assert mine["loss_critic"] == pytest.approx(np.log(2))


def test_the_reconstruction_is_a_density_of_features(rng):
    model, x, _ = small("vaegan", rng, critic=[6], feature_std=0.2)
    noise = model.draw_noise(rng, len(x))
    mu, log_var = model.encode(x)
    x_hat = model.decode(mu + np.exp(0.5 * log_var) * noise["eps"])
    density = stats.norm.logpdf(model.critic(x), model.critic(x_hat), 0.2).sum(axis=1)
    metrics = model.loss_and_grads(x, noise)
    assert metrics["log_fx_z"] == pytest.approx(density.mean(), rel=1e-12)
    assert metrics["elbo"] == pytest.approx(VAE.loss_and_grads(model, x, noise)["elbo"], rel=1e-12)  # that of pixels


@pytest.mark.parametrize(
    ("name", "value", "parts"),
    [("gamma", 3.0, {"decoder"}), ("beta", lambda t: 3.0, {"encoder"}),
     ("features", GaussianFixed(0.9), {"encoder", "decoder"})],
)  # fmt: skip
def test_what_weighs_trains(name, value, parts, rng):
    """The weights of the reconstruction and of the KL change the gradients of those who have a part in them only."""
    model, x, _ = small("vaegan", rng, critic=[6], gamma=1.0)
    noise = model.draw_noise(rng, len(x))
    before = gradients(model, x, noise)
    setattr(model, name, value)
    after = gradients(model, x, noise)
    assert {part for part in before if (before[part] != after[part]).any()} == parts


def test_the_odds_train_the_decoder_and_the_critic(rng):
    """The encoder does not hear of them; a sure critic pulls the decoder twice as hard as one at odds of 0."""
    model, x = with_pixels_as_features(rng, gamma=0.0)
    noise = model.draw_noise(rng, 5)
    found = []
    for bias in (0.0, -40.0):
        model.head.layers[0].W.data[...] = 1e-9
        model.head.layers[0].b.data[...] = bias
        found.append(gradients(model, x, noise))
        s = sigmoid(np.array(bias))  # sigma - 1 of the data, sigma of all that is decoded, half the weight each
        assert found[-1]["head"][-1] == pytest.approx((s - 1 + s) / 2, abs=1e-8)
    unsure, sure = found
    np.testing.assert_array_equal(unsure["encoder"], sure["encoder"])
    np.testing.assert_allclose(sure["decoder"], 2 * unsure["decoder"], rtol=1e-6)
    assert np.abs(sure["decoder"]).max() > 0


def of_normals(rng, slope=1.0):
    """x ~ N(0, 1), and decoded N(1, 1) from codes and from the prior; odds 1/2 - x are the log of the ratio."""
    encoder = Network(Dense(1, 2, rng))
    prior = DiagonalNormal(1)
    head = Network(Dense(1, 1, rng))
    model = VAEGAN(Known(encoder), Network(Dense(1, 1, rng)), Network(), head, GaussianFixed(), prior, gamma=0.0)
    model.bind("float64")
    for name, value in (("decoder.layers.0.W", 1), ("decoder.layers.0.b", 0), ("prior.mu", 1),
                        ("head.layers.0.W", -slope), ("head.layers.0.b", slope / 2)):  # fmt: skip
        model.params[name].data[...] = value
    return model


class Known(Network):
    """An encoder that says N(1, 1) of every x."""

    def forward(self, x, noise=None):
        return (np.ones((len(x), 1)), np.zeros((len(x), 1))), None


def test_the_best_critic_is_the_log_ratio(rng):
    """Its cross-entropy is log 2 less the Jensen-Shannon divergence, from a grid; other slopes have a larger one."""
    grid = np.linspace(-9, 10, 20_001)
    p, q = stats.norm.pdf(grid), stats.norm.pdf(grid, 1)
    exact = -0.5 * np.trapezoid(p * np.log(p / (p + q)) + q * np.log(q / (p + q)), grid)
    N = 400_000
    x = rng.standard_normal((N, 1))
    noise = of_normals(rng).draw_noise(rng, N)
    found = {slope: of_normals(rng, slope).loss_and_grads(x, noise, grads=False) for slope in (0.8, 1.0, 1.2)}
    assert found[1.0]["loss_critic"] == pytest.approx(exact, abs=2e-3)
    assert min(found, key=lambda slope: found[slope]["loss_critic"]) == 1.0
    decoder = np.trapezoid(q * np.log1p(np.exp(grid - 0.5)), grid)  # E log(1 + e^-odds) of what is decoded
    assert found[1.0]["loss_decoder"] == pytest.approx(decoder, abs=4e-3)


def test_what_is_decoded_from_the_prior_counts_as_much_as_what_is_from_codes(rng):
    model = of_normals(rng)
    x, noise = rng.standard_normal((9, 1)), model.draw_noise(rng, 9)
    other = noise | {"eps": noise["prior"], "prior": noise["eps"]}
    a, b = (model.loss_and_grads(x, n, grads=False) for n in (noise, other))
    assert a["loss_critic"] == pytest.approx(b["loss_critic"], rel=1e-12)
    assert a["loss_decoder"] == pytest.approx(b["loss_decoder"], rel=1e-12)
    assert a["log_px_z"] != b["log_px_z"]


def test_what_it_refuses(rng):
    for options, message in (
        ({"likelihood": "gaussian"}, "expected bernoulli or gaussian-fixed of whole rows, got Gaussian"),
        ({"missing": True}, "expected bernoulli or gaussian-fixed of whole rows, got Bernoulli with missing values"),
        ({"norm": "batch"}, "norm: expected one without statistics of the batch"),
    ):
        with pytest.raises(ValueError, match=message):
            small("vaegan", rng, **options)


def test_the_last_epoch_counts(tmp_path, capsys, no_pictures):
    """No metric says which is best: there is no best checkpoint, nothing stops early, `compare` shows none."""
    data = load_data("digits")
    model = VAEGAN.build(data.shape, np.random.default_rng(0), hidden=(8,), latent=2, critic=(8,))
    assert model.better is None
    with pytest.raises(ValueError, match="early_stop: expected none, no metric of VAEGAN says which epoch is best"):
        fit(model, Adam(model), data, epochs=2, early_stop=1)
    for name in ("a", "b"):
        options = ["--model", "vaegan", "--hidden", "8", "--latent", "2", "--critic", "8", "--batch-size", "500"]
        assert main(["train", *options, "--epochs", "2", "--out", str(tmp_path / name)]) == 0
    assert not (tmp_path / "a" / "best.safetensors").exists()
    assert Run.open(tmp_path / "a").load_model()[1]["epoch"] == 2
    capsys.readouterr()
    assert main(["compare", str(tmp_path / "a"), str(tmp_path / "b")]) == 0
    head, line = capsys.readouterr().out.splitlines()[:2]
    assert head.split()[-4:] == ["best", "at", "epoch", "seconds"]
    assert line.split()[-3:-1] == ["-", "-"]

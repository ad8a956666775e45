"""Models whose prior or posterior is another: what each is where it should be a plain VAE, and what it refuses."""

import numpy as np
import pytest

from minivae.backend import place
from minivae.models import MODELS, VampVAE
from minivae.models.examples import small
from minivae.params import Param


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def step(model, x, noise):
    return model.loss_and_grads(x, noise, grads=False)


@pytest.mark.parametrize("options", [{"flow": "planar"}, {"flow": "radial"}])
def test_flows_that_do_nothing_leave_a_gaussian(options, rng):
    """Where the context is 0 each flow is the identity, and the model is an IWAE of the same weights."""
    model, x, _ = small("flow", rng, flows=3, samples=2, **options)
    last = model.encoder.layers[-2]
    last.W.data[:, 4:] = 0  # behind mu and log_var
    last.b.data[4:] = 0
    plain = MODELS["iwae"].build((4, 4, 1), rng, hidden=(10,), latent=2, samples=2).bind("float64")
    for name, param in plain.params.items():
        param.data[...] = model.params[name].data[..., : param.data.shape[-1]]
    noise = place(model.draw_noise(rng, len(x)), like=model.theta)
    assert step(model, x, noise)["loss"] == pytest.approx(step(plain, x, noise)["loss"], rel=1e-12)


def test_an_iaf_whose_gates_are_open_leaves_a_gaussian(rng):
    model, x, _ = small("iaf", rng, flow_width=6, context=3)
    for made in (flow.made for flow in model.posterior.flow.flows):
        made.layers[-1].W.data[...] = 0
        made.layers[-1].b.data[...] = 50.0  # g = sigmoid(52) = 1
    heads = model.encoder(x)
    eps = rng.standard_normal((2, len(x), 2))
    (z, log_qz_x), _ = model.posterior.forward(heads, eps)
    np.testing.assert_allclose(z, heads[0] + np.exp(heads[1] / 2) * eps, rtol=1e-12)
    np.testing.assert_allclose(log_qz_x, -0.5 * (np.log(2 * np.pi) + heads[1] + eps**2).sum(axis=-1), rtol=1e-12)


def test_a_mixture_starts_near_a_standard_normal(rng):
    model = MODELS["mixture"].build((4, 4, 1), rng, hidden=(10,), latent=3, components=200).bind("float64")
    z = model.prior.draw(model.prior.draw_noise(rng, 100_000))
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=0.1)
    np.testing.assert_allclose(z.var(axis=0), 1, atol=0.1)


def test_the_encoder_of_a_vamp_prior_is_the_models(rng):
    model, _, _ = small("vamp", rng, components=3)
    assert model.prior.encoder is model.encoder
    assert sum(name.endswith("pseudo") for name in model.params) == 1
    assert len(model.params) == len(model.named(Param)) == len({id(p) for p in model.params.values()})


def test_pseudo_inputs_are_what_the_encoder_sees(rng):
    """Pixels in [0, 1] for bits; any numbers for others, and for a table with gaps a mask beside each value."""
    model, x, _ = small("vamp", rng, components=3)
    assert 0 < model.prior.inputs().min() < model.prior.inputs().max() < 1
    model, x, _ = small("vamp", rng, components=3, likelihood="gaussian", missing=True)
    assert model.prior.inputs().shape == (3, 2 * x.shape[1])
    assert model.prior.inputs().min() < 0


def test_a_vamp_prior_refuses_statistics_of_the_batch(rng):
    """Training would see data and pseudo-inputs together, evaluation would not: hundreds of nats apart."""
    with pytest.raises(ValueError, match="norm: expected one without statistics of the batch"):
        VampVAE.build((4, 4, 1), rng, norm="batch")


@pytest.mark.parametrize("name", ["flow", "iaf", "vamp", "mixture", "realnvp"])
def test_one_sample_by_default_and_more_are_a_tighter_bound(name, rng):
    assert MODELS[name].options["samples"].default == 1
    few = {"components": 5} if "components" in MODELS[name].options else {}
    model, x, _ = small(name, rng, samples=8, **few)
    rows = np.repeat(x, 2000, axis=0)
    metrics = step(model, rows, place(model.draw_noise(rng, len(rows)), like=model.theta))
    assert metrics["loss"] == pytest.approx(-metrics["iwae"])
    assert metrics["iwae"] > metrics["elbo"]

"""The VQ-VAE: an exact bound of an evidence that is a finite sum, two objectives, codes in and out."""

import itertools
import math

import numpy as np
import pytest

from minivae.backend import place
from minivae.evaluate import code_terms, elbo_standard_error, row_scores
from minivae.models import VQVAE
from minivae.models.examples import small
from minivae.optim import SGD, Adam
from minivae.priors import PixelCNN


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("options", [{}, {"arch": "conv", "channels": (3,)}, {"prior": "uniform"}])
def test_the_elbo_is_one_term_of_the_evidence(options, rng):
    """log p(x) = log sum_z p(x | z) p(z) over all K^T codes: above the ELBO, which is the term of the code of x."""
    model, x, _ = small("vqvae", rng, **options)
    z = np.array(list(itertools.product(range(model.K), repeat=model.T)))  # (K^T, T)
    log_px_z = model.likelihood.forward(x, model.decoder(model.quantizer.lookup(z))[:, None])[0]  # (K^T, N)
    joint = log_px_z + model.prior.forward(z)[0][:, None]
    log_px = np.log(np.exp(joint).sum(axis=0))
    metrics = model.loss_and_grads(x, model.draw_noise(rng, 5, train=False), grads=False)
    of_code = (model.encode(x)[None] == z[:, None]).all(axis=-1)
    elbo = joint.T[of_code.T]
    assert (elbo < log_px).all()
    assert metrics["elbo"] == pytest.approx(elbo.mean(), rel=1e-12)
    scores = row_scores(model, x, 3, rng)
    np.testing.assert_allclose(scores["elbo"], elbo, rtol=1e-12)
    np.testing.assert_allclose(sum(code_terms(model, x)), elbo, rtol=1e-12)
    assert elbo_standard_error(model, x, rng) == pytest.approx(elbo.std(ddof=1) / math.sqrt(5), rel=1e-10)
    if options.get("prior") == "uniform":
        assert metrics["kl"] == pytest.approx(model.T * math.log(model.K), rel=1e-12)


@pytest.mark.parametrize("codebook", ["ema", "loss"])
def test_each_part_gets_the_gradient_of_its_own_loss(codebook, rng):
    """The prior that of the codes' length, nothing of which reaches the encoder; the decoder that of -log p(x | z)."""
    model, x, _ = small("vqvae", rng, codebook=codebook)
    noise = model.draw_noise(rng, 5)
    model.loss_and_grads(x, noise)
    grad = model.grad.copy()

    def part(name):
        own = [np.arange(s.start, s.stop) for n, s in model.slices.items() if n.startswith(name)]
        return np.concatenate(own)

    model.prior.backward = lambda *args: None
    model.loss_and_grads(x, noise)
    np.testing.assert_array_equal(model.grad[part("encoder")], grad[part("encoder")])
    assert (model.grad[part("prior")] == 0).all()
    assert (grad[part("prior")] != 0).any()
    model.commit = 0.0
    model.loss_and_grads(x, noise)
    np.testing.assert_array_equal(model.grad[part("decoder")], grad[part("decoder")])
    assert (model.grad[part("encoder")] != grad[part("encoder")]).any()


def test_the_prior_waits(rng):
    model, x, _ = small("vqvae", rng, prior_after=2, pass_steps=3)
    noise = model.draw_noise(rng, 5)
    prior = [name for name in model.params if name.startswith("prior")]
    for t, learns in ((0, False), (5, False), (6, True)):
        model.loss_and_grads(x, noise, t=t)
        assert any((model.params[name].grad != 0).any() for name in prior) == learns


def test_codes_in_and_out(rng):
    model, x, _ = small("vqvae", rng)
    codes = model.encode(x)
    assert codes.dtype == "int64"
    assert codes.shape == (5, model.T)
    np.testing.assert_array_equal(model.decode(codes), model.reconstruct(x))
    assert model.decode(codes[None]).shape == (1, 5, 16)
    for bad in (codes.astype("float64"), codes[:, :1], codes[0], codes + model.K, codes - model.K):
        with pytest.raises(ValueError, match="z: expected"):
            model.decode(bad)
    with pytest.raises(ValueError, match="eps: expected none"):
        model.reconstruct(x, np.zeros((5, 2)))


def test_samples_are_decoded_codes_of_the_prior(rng):
    model, _, _ = small("vqvae", rng)
    noise = place(model.prior.draw_noise(np.random.default_rng(3), 4), like=model.theta)
    expected = model.decode(model.prior.draw(noise))
    np.testing.assert_array_equal(model.sample(4, np.random.default_rng(3)), expected)


def test_a_prior_of_other_codes_is_refused(rng):
    model, _, _ = small("vqvae", rng)
    for other in (PixelCNN(4, (1, model.T), 4, 1, rng), PixelCNN(3, (1, model.T + 1), 4, 1, rng)):
        with pytest.raises(ValueError, match="prior: expected one of 3 codes at 2 places"):
            VQVAE(model.encoder, model.quantizer, model.decoder, prior=other)


def test_it_learns_all_codes_of_data_that_have_as_many(rng):
    """Four clusters and four codes at one place: each cluster has its own code, and the prior their frequencies."""
    centers = np.array([[0, 0], [0, 4], [4, 0], [4, 4.0]])
    y = rng.choice(4, 800, p=[0.1, 0.2, 0.3, 0.4])
    x = (centers[y] + 0.1 * rng.standard_normal((800, 2))).astype("float32")
    model = VQVAE.build((2,), rng, latent=1, codes=4, width=2, hidden=(16,), likelihood="gaussian", prior_width=4)
    optimizer = Adam(model, lr=1e-2)
    for _ in range(300):
        rows = rng.integers(0, 800, 100)
        model.loss_and_grads(x[rows], place(model.draw_noise(rng, 100), like=model.theta))
        optimizer.step()
    table = np.zeros((4, 4))
    np.add.at(table, (y, model.encode(x)[:, 0]), 1)
    assert (np.sort(table, axis=1)[:, -1] == table.sum(axis=1)).all()  # one code each
    assert (table.max(axis=0) > 0).all()
    log_p = model.prior.forward(table.argmax(axis=1)[:, None])[0]
    np.testing.assert_allclose(np.exp(log_p), [0.1, 0.2, 0.3, 0.4], atol=0.05)


def test_without_revival_codes_die(rng):
    """What revival is for: codes that start far from every output of the encoder are never chosen."""
    used = {}
    for revive in (0.0, 0.1):
        rng = np.random.default_rng(1)
        x = 5 + rng.standard_normal((256, 4)).astype("float32")
        model = VQVAE.build((4,), rng, latent=1, codes=32, width=2, hidden=(16,), likelihood="gaussian", revive=revive,
                            prior="uniform")  # fmt: skip
        optimizer = SGD(model, lr=1e-4)
        for _ in range(100):
            model.loss_and_grads(x, place(model.draw_noise(rng, 256), like=model.theta))
            optimizer.step()
        used[revive] = len(np.unique(model.encode(x)))
    assert used[0.1] > 2 * used[0.0]


def test_convolutions_need_no_dense_layers(rng):
    """A configuration has no `hidden` and no `latent` then."""
    model = VQVAE.build((8, 8, 1), rng, arch="conv", channels=[2, 3], hidden=None, latent=None, codes=4, width=2)
    assert (model.T, model.L) == (4, 8)

import numpy as np
import pytest
from scipy import stats

from minivae import VAE, Adam
from minivae.data import load_data
from minivae.densities import log_mean_exp
from minivae.evaluate import elbo_standard_error, log_evidence
from minivae.layers import GRU, Conv2d, Dense, Network, ReLU, Reshape, Split
from minivae.likelihoods import Bernoulli, Gaussian, GaussianFixed
from minivae.metrics import mean_metrics
from minivae.models.networks import build_networks
from minivae.priors import Prior, StandardNormal
from minivae.truth import linear_gaussian as exact


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def small(rng, **options):
    return VAE.build((12,), rng, hidden=(9,), latent=3, **options).bind("float64")


# ---- a model whose evidence is known exactly


def test_elbo_is_below_the_evidence(rng):
    for _ in range(5):
        model = exact.build(rng)
        x = rng.standard_normal((40, 5))
        elbo = mean_metrics(model, np.repeat(x, 200, axis=0), None, rng)["elbo"]
        assert elbo < exact.log_evidence(model, x).mean()


def test_elbo_reaches_the_evidence_at_the_true_posterior(rng):
    model = exact.build(rng, diagonal=True)
    exact.make_posterior_exact(model)
    x = rng.standard_normal((40, 5))
    eps = rng.standard_normal((3, 40, 2))
    log_px = exact.log_evidence(model, x)
    np.testing.assert_allclose(model.log_weights(x, eps), np.tile(log_px, (3, 1)), rtol=1e-11)  # no variance at all
    model.encoder.layers[0].b.data[2] += 0.1  # a log-variance 10 % off
    assert np.abs(model.log_weights(x, eps) - log_px).max() > 0.01


def test_gap_is_the_kl_to_the_posterior(rng):
    """log p(x) - ELBO = KL(q(z | x) || p(z | x)), here for a posterior mean that is off by a known amount."""
    model = exact.build(rng, diagonal=True)
    exact.make_posterior_exact(model)
    model.encoder.layers[0].b.data[0] += 0.3
    variance = np.exp(model.encoder.layers[0].b.data[2])
    x = rng.standard_normal((1, 5))
    samples = model.log_weights(x, rng.standard_normal((2_000_000, 1, 2)))[:, 0]
    gap, error = 0.5 * 0.3**2 / variance, samples.std() / len(samples) ** 0.5
    log_px = exact.log_evidence(model, x)
    assert abs(samples.mean() - (log_px - gap)) < 4 * error
    assert abs(samples.mean() - (log_px - 1.1 * gap)) > 8 * error  # the test can fail


def test_importance_sampling_reaches_the_evidence(rng):
    model = exact.build(rng, diagonal=True)
    exact.make_posterior_exact(model)
    model.encoder.layers[0].b.data += [0.1, -0.2, 0.4, 0.3]  # moved, and wider: the weights have a small variance
    x = rng.standard_normal((8, 5))
    w = model.log_weights(x, rng.standard_normal((200_000, 8, 2)))
    log_px = exact.log_evidence(model, x)
    ratio = np.exp(w - log_px)  # its mean is 1
    z = (ratio.mean(axis=0) - 1) / (ratio.std(axis=0) / len(w) ** 0.5)
    assert np.abs(z).max() < 4
    assert np.abs((1.01 * ratio.mean(axis=0) - 1) / (ratio.std(axis=0) / len(w) ** 0.5)).min() > 8  # the test can fail
    np.testing.assert_allclose(log_evidence(model, x, 50_000, rng), log_px, atol=0.02)


def test_bounds_are_ordered_in_K(rng):
    model = exact.build(rng)
    x = rng.standard_normal((5, 5))
    w = model.log_weights(x, rng.standard_normal((60_000, 5, 2)))
    bounds = [log_mean_exp(w.reshape(-1, K, 5).swapaxes(0, 1)).mean() for K in (1, 5, 50)]
    assert bounds == sorted(bounds)
    assert bounds[-1] < exact.log_evidence(model, x).mean()


def test_evidence_does_not_depend_on_the_chunks(rng):
    model = exact.build(rng)
    x = rng.standard_normal((7, 5))
    results = [log_evidence(model, x, 30, np.random.default_rng(1), max_values=v) for v in (5, 35, 200, 10**6)]
    for other in results[1:]:
        np.testing.assert_allclose(other, results[0], rtol=1e-12)
    with pytest.raises(ValueError, match="K: expected a whole number >= 1, got 0"):
        log_evidence(model, x, 0, rng)


def test_training_reaches_the_evidence(rng):
    """Encoder and decoder are trained together: the ELBO ends at the evidence of the model that was learned."""
    x = rng.standard_normal((500, 2)) @ rng.standard_normal((2, 5)) + 0.6 * rng.standard_normal((500, 5))
    model = exact.build(rng)
    optimizer = Adam(model, lr=0.01)
    for t in range(3000):
        model.loss_and_grads(x, model.draw_noise(rng, len(x)), t=t)
        optimizer.step()
    W, b = model.decoder.layers[0].W.data, model.decoder.layers[0].b.data
    log_px = stats.multivariate_normal(b, W.T @ W + 0.36 * np.eye(5)).logpdf(x).mean()
    elbo = mean_metrics(model, np.repeat(x, 50, axis=0), None, rng)["elbo"]
    assert log_px - 0.05 < elbo < log_px + 0.01


# ---- laws of the loss


def test_duplicating_the_batch_changes_nothing(rng):
    """Pitfalls 3, 5, 16: a mean over examples, of the loss and of its gradient."""
    model = small(rng)
    x = (rng.random((6, 12)) < 0.5).astype(float)
    noise = model.draw_noise(rng, 6)
    once, grad = model.loss_and_grads(x, noise), model.grad.copy()
    twice = model.loss_and_grads(np.tile(x, (2, 1)), noise | {"eps": np.tile(noise["eps"], (2, 1))})
    assert twice == pytest.approx(once, rel=1e-12)
    np.testing.assert_allclose(model.grad, grad, rtol=1e-10, atol=1e-14)


def test_free_bits_change_the_loss_and_nothing_else(rng):
    """A collapsed encoder pays free_bits per latent, gets no gradient from the KL, and its elbo is that of beta = 1."""
    model, free = small(rng), small(np.random.default_rng(0), free_bits=0.5)
    for m in (model, free):
        m.params["encoder.layers.2.W"].data[...] = 0
        m.params["encoder.layers.2.b"].data[...] = 0.01
    free.theta[...] = model.theta
    x = (rng.random((6, model.encoder.n_in)) < 0.5).astype(model.theta.dtype)
    noise = model.draw_noise(rng, 6)
    plain, spared = model.loss_and_grads(x, noise), free.loss_and_grads(x, noise)
    assert {k: plain[k] for k in ("elbo", "log_px_z", "kl")} == {k: spared[k] for k in ("elbo", "log_px_z", "kl")}
    assert spared["loss"] == pytest.approx(0.5 * model.L - plain["log_px_z"], rel=1e-5)
    assert plain["loss"] == pytest.approx(plain["kl"] - plain["log_px_z"], rel=1e-5)
    assert (model.grad != free.grad).any()


def test_elbo_has_beta_1_and_loss_has_beta(rng):
    model = small(rng, beta=lambda t: 0.5 * t)
    x = (rng.random((6, 12)) < 0.5).astype(float)
    noise = model.draw_noise(rng, 6)
    for t in (0, 1, 4):
        m = model.loss_and_grads(x, noise, t=t)
        assert m["elbo"] == pytest.approx(m["log_px_z"] - m["kl"], rel=1e-12)
        assert m["loss"] == pytest.approx(0.5 * t * m["kl"] - m["log_px_z"], rel=1e-12)
    assert model.loss_and_grads(x, noise) == model.loss_and_grads(x, noise, t=0)
    model.zero_grad()
    model.loss_and_grads(x, noise, grads=False)
    assert not model.grad.any()


def test_log_weights_have_no_beta_and_no_free_bits(rng):
    """They are what evidence is made of, log p(x, z) - log q(z | x): only the loss may charge another KL."""
    plain = small(rng)
    x = (rng.random((4, 12)) < 0.5).astype(float)
    eps = plain.draw_eps(rng, 5, 4)
    mu, log_var = plain.encode(x)
    std = np.exp(0.5 * log_var)
    z = mu + std * eps
    p = 1 / (1 + np.exp(-plain.decoder(z)))
    log_px_z = np.log(np.where(x == 1, p, 1 - p)).sum(axis=-1)
    log_pz = stats.norm.logpdf(z).sum(axis=-1)
    log_qz_x = stats.norm.logpdf(z, mu, std).sum(axis=-1)
    np.testing.assert_allclose(plain.log_weights(x, eps), log_px_z + log_pz - log_qz_x, rtol=1e-9)
    other = small(rng, beta=lambda t: 4.0 + t, free_bits=0.5)
    other.theta[...] = plain.theta
    np.testing.assert_array_equal(other.log_weights(x, eps), plain.log_weights(x, eps))


def test_beta_comes_to_its_value_over_epochs_of_pass_steps(rng):
    """A rise of 2 epochs of 5 steps is a rise of 10 steps; without beta_epochs it is one epoch."""
    model = small(rng, beta=4.0, beta_schedule="linear", beta_epochs=2, pass_steps=5)
    assert [model.beta(t) for t in (0, 5, 9, 10, 99)] == pytest.approx([0, 2, 3.6, 4, 4])
    model = small(rng, beta=4.0, beta_schedule="cyclical", beta_epochs=None, pass_steps=8)
    assert [model.beta(t) for t in (0, 2, 4, 7, 8)] == [0, 2, 4, 4, 0]
    assert [small(rng, beta=4.0, beta_schedule="linear").beta(t) for t in (0, 1)] == [0, 4]  # in one step


def test_the_law_of_the_loss(rng):
    """The loss of a step is beta KL - log p(x | z); with free bits it is larger, and there is no law."""
    model = small(rng, beta=0.7)
    metrics = model.loss_and_grads(rng.random((6, 12)), model.draw_noise(rng, 6))
    (law,) = model.loss_law(metrics, 0).values()
    assert law == pytest.approx(metrics["loss"], rel=1e-12)
    assert small(rng, free_bits=0.5).loss_law(metrics, 0) == {}


def test_a_prior_without_a_kl_is_refused(rng):
    with pytest.raises(ValueError, match="prior: expected one with a KL in closed form, got Prior; an IWAE takes any"):
        VAE(*build_networks((5,), rng, hidden=(4,), latent=2), prior=Prior(2))


def test_chance_level(rng):
    """Logits 0 and q = p cost D ln 2 nats: 543.43 for MNIST."""
    model = VAE.build((28, 28, 1), rng)
    model.theta.fill(0)
    x = (rng.random((4, 784)) < 0.2).astype("float32")
    m = model.loss_and_grads(x, model.draw_noise(rng, 4))
    assert m["loss"] == pytest.approx(543.43, abs=0.005)
    assert m["kl"] == 0


def test_eight_images_can_be_memorised(rng):
    x = (load_data("digits").train.x[:8] > 0.5).astype("float32")
    model = VAE.build((8, 8, 1), rng, hidden=(64,), latent=4, beta=0.01)
    optimizer = Adam(model, lr=0.01)
    for t in range(400):
        m = model.loss_and_grads(x, model.draw_noise(rng, 8), t=t)
        optimizer.step()
    assert m["log_px_z"] > -0.5
    np.testing.assert_array_equal(model.reconstruct(x) > 0.5, x > 0.5)


def test_monte_carlo_kl_agrees_with_the_charged_kl(rng):
    """Pitfall 1 in a whole model: the sampler's std and the KL's variance are the same quantity."""
    model = small(rng)
    x = (rng.random((3, 12)) < 0.5).astype(float)
    eps = rng.standard_normal((100_000, 3, 3))
    w = model.log_weights(x, eps).mean(axis=1)
    elbos = [model.loss_and_grads(x, {"eps": e, "enc": None, "dec": None}, grads=False)["elbo"] for e in eps[:20_000]]
    error = (w.var() / len(w) + np.var(elbos) / len(elbos)) ** 0.5
    assert abs(w.mean() - np.mean(elbos)) < 4 * error
    kl = model.prior.kl(*model.encode(x)).sum(axis=-1).mean()
    assert abs(w.mean() - np.mean(elbos) + 0.5 * kl) > 8 * error  # half the KL would be seen


# ---- what users call


def test_shapes_of_the_users_methods(rng):
    model = small(rng)
    x = (rng.random((4, 12)) < 0.5).astype(float)
    mu, log_var = model.encode(x)
    assert mu.shape == log_var.shape == (4, 3)
    assert model.decode(mu).shape == (4, 12)
    assert model.decode(np.stack([mu, mu])).shape == (2, 4, 12)
    assert model.sample(5, rng).shape == (5, 12)
    np.testing.assert_array_equal(model.reconstruct(x), model.decode(mu))
    eps = rng.standard_normal((4, 3))
    np.testing.assert_array_equal(model.reconstruct(x, eps), model.decode(mu + np.exp(0.5 * log_var) * eps))
    np.testing.assert_array_equal(model.sample(5, np.random.default_rng(1)), model.sample(5, np.random.default_rng(1)))


def test_users_arrays_take_the_models_dtype(rng):
    model = VAE.build((12,), rng, hidden=(4,), latent=2)
    assert model.encode(rng.random((3, 12)))[0].dtype == "float32"
    assert model.encode(np.ones((3, 12), "uint8"))[0].dtype == "float32"


def test_defaults_are_made_anew(rng):
    a, b = small(rng), small(rng)
    assert isinstance(a.likelihood, Bernoulli)
    assert isinstance(a.prior, StandardNormal)
    assert a.likelihood is not b.likelihood
    assert a.prior is not b.prior
    assert a.prior.L == 3


def test_what_is_built_without_options(rng):
    model = VAE.build((12,), rng)
    widths = [(12, 400), (400, 200), (200, 40)], [(20, 200), (200, 400), (400, 12)]
    for network, expected in zip((model.encoder, model.decoder), widths, strict=True):
        assert [layer.W.data.shape for layer in network.layers if isinstance(layer, Dense)] == expected
        assert [type(layer) for layer in network.layers[:4]] == [Dense, ReLU, Dense, ReLU]
    assert (model.beta(0), model.free_bits, model.L) == (1, 0, 20)
    own = VAE(Network(Dense(3, 4, rng), Split(2)), Network(Dense(2, 3, rng)))
    assert (own.beta(5), own.free_bits) == (1, 0)
    conv = VAE.build((8, 8, 1), rng, arch="conv")
    kernels = [p.data.shape for p in conv.params.values() if p.data.ndim == 4]
    assert kernels == [(4, 4, 1, 32), (4, 4, 32, 64), (4, 4, 64, 32), (4, 4, 32, 1)]


def test_options_of_likelihoods_reach_them(rng):
    def build(name, **options):
        return VAE.build((4,), rng, hidden=(3,), latent=2, likelihood=name, **options).likelihood

    assert build("categorical", levels=5).n_out == 5
    assert build("logistic-mixture", levels=9, mixtures=4).n_levels == 9
    assert build("logistic-mixture", mixtures=4).n_out == 12
    assert build("beta-binomial", levels=9).n_levels == 9
    assert build("beta-binomial", mixtures=4, std=0.5).n_levels == 256  # those of others do nothing
    assert build("gaussian-fixed", std=0.5).std == 0.5
    assert build("gaussian", std=0.5).log_var.data == pytest.approx(2 * np.log(0.5))
    assert build("gaussian").log_var.data == Gaussian().log_var.data
    assert build("gaussian-fixed").std == GaussianFixed().std


def test_noise_of_evaluation_has_no_dropout(rng):
    model = VAE.build((12,), rng, hidden=(9,), latent=3, dropout=0.5)
    assert model.draw_noise(rng, 4)["enc"] is not None
    noise = model.draw_noise(rng, 4, train=False)
    assert noise["enc"] is noise["dec"] is None


def test_mean_metrics_and_standard_error(rng, monkeypatch):
    model = small(rng)
    x = (rng.random((11, 12)) < 0.5).astype(float)
    eps = model.draw_noise(np.random.default_rng(3), 11, train=False)
    exact = model.loss_and_grads(x, eps, grads=False)
    monkeypatch.setattr("minivae.metrics.BATCH", 4)
    monkeypatch.setattr("minivae.evaluate.metrics.BATCH", 4)
    assert mean_metrics(model, x, None, np.random.default_rng(3)) == pytest.approx(exact, rel=1e-12)
    w = model.log_weights(x, eps["eps"][None])[0]
    expected = w.std(ddof=1) / 11**0.5
    assert elbo_standard_error(model, x, np.random.default_rng(3)) == pytest.approx(expected, rel=1e-12)
    assert elbo_standard_error(model, x[:1], rng) is None


def test_evaluation_has_no_dropout(rng):
    model = VAE.build((12,), rng, hidden=(9,), latent=3, dropout=0.6).bind("float64")
    x = (rng.random((30, 12)) < 0.5).astype(float)
    eps = np.random.default_rng(3).standard_normal((30, 3), dtype="float32")
    exact = model.loss_and_grads(x, {"eps": eps, "enc": None, "dec": None}, grads=False)
    assert mean_metrics(model, x, None, np.random.default_rng(3)) == pytest.approx(exact, rel=1e-12)


def test_users_methods_have_no_dropout(rng):
    """The same weights with and without dropout layers: what users call, and log_weights, give equal numbers."""
    model, plain = (VAE.build((12,), rng, hidden=(9,), latent=3, dropout=p).bind("float64") for p in (0.6, 0.0))
    plain.theta[...] = model.theta
    x = (rng.random((5, 12)) < 0.5).astype(float)
    eps = model.draw_eps(rng, 2, 5)
    np.testing.assert_array_equal(model.encode(x), plain.encode(x))
    np.testing.assert_array_equal(model.reconstruct(x), plain.reconstruct(x))
    np.testing.assert_array_equal(model.log_weights(x, eps), plain.log_weights(x, eps))
    np.testing.assert_array_equal(*(m.sample(4, np.random.default_rng(1)) for m in (model, plain)))


def test_schedules_in_numpy_keep_float32(rng):
    model = VAE.build((12,), rng, hidden=(9,), latent=3, beta=lambda t: np.minimum(1.0, t / 1000))
    m = model.loss_and_grads((rng.random((4, 12)) < 0.5).astype("float32"), model.draw_noise(rng, 4), t=5)
    assert {v.dtype for v in m.values()} == {np.dtype("float32")}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m, r: m.encode(np.zeros((3, 7))), r"x: expected rows of 12 values, got shape \(3, 7\)"),
        (lambda m, r: m.encode(np.zeros(12)), r"x: expected rows of 12 values, got shape \(12,\)"),
        (lambda m, r: m.decode(np.zeros((3, 4))), r"z: expected rows of 3 values, got shape \(3, 4\)"),
        (lambda m, r: VAE.build((4,), r, latent=0), "latent: expected a whole number >= 1, got 0"),
        (lambda m, r: VAE.build((4,), r, hidden=(0,)), "hidden: expected a whole number >= 1, got 0"),
        (lambda m, r: VAE(m.encoder, m.decoder), "bind: encoder.layers.0.W belongs to a bound VAE; bind that instead"),
        (lambda m, r: VAE.build((4,), r, arch="tree"), "arch: expected one of dense, conv, gru, got 'tree'"),
        (lambda m, r: VAE.build((4,), r, likelihood="beta"), "likelihood: expected one of bernoulli"),
        (lambda m, r: VAE(m.encoder, Network(ReLU())), "decoder: expected a first layer that fixes the number"),
    ],
)
def test_bad_input(call, message, rng):
    with pytest.raises(ValueError, match=message):
        call(small(rng), rng)


def test_a_network_of_ones_own(rng):
    """Latents from a decoder that begins with Reshape; an encoder that does not fix its width."""
    model = VAE(small(rng).encoder, Network(Reshape(3), Dense(3, 12, rng)))
    assert model.prior.L == 3
    assert model.sample(2, rng).shape == (2, 12)


def test_a_signal_is_convolved_along_its_positions_only(rng):
    """Position after position, the channels of one beside each other: kernel 4, stride 2, padding 1 along time."""
    T, c = 9, 3
    encoder, decoder, _ = build_networks((T * c,), rng, "conv", hidden=(5,), channels=(2, 4), latent=2, signal=c)
    image, conv = encoder.layers[:2]
    x = rng.standard_normal((1, T * c)).astype("float32")
    y = conv(image(x))  # (1, 1, 4, 2)
    padded = np.pad(x.reshape(T, c), ((1, 1), (0, 0)))
    expected = [np.einsum("kc,kcm->m", padded[2 * i : 2 * i + 4], conv.W.data[0]) for i in range(4)]
    np.testing.assert_allclose(y[0, 0], expected, rtol=1e-5, atol=1e-6)
    last = decoder.layers[-2]  # a transposed convolution from (1, 4, 2) to (1, 9, 3)
    small = rng.standard_normal((1, 1, 4, 2)).astype("float32")
    expected = np.zeros((T + 2, c))
    for i in range(4):
        expected[2 * i : 2 * i + 4] += np.einsum("m,kmc->kc", small[0, 0, i], last.W.data[0])
    np.testing.assert_allclose(decoder.layers[-1](last(small))[0], expected[1:-1].ravel(), rtol=1e-5, atol=1e-6)


def last_state(gru, steps):
    """The state of a GRU behind these steps (T, c), one after another, from a state of 0."""
    h = np.zeros((1, gru.cell.c.data.size), "float32")
    for step in steps:
        h = gru.cell((step[None], h))
    return h


def test_a_gru_reads_position_after_position_to_the_last(rng):
    """y at every step, dense layers behind the last state; the decoder's state makes each step of all blocks."""
    T, c, H = 4, 3, 6
    encoder, decoder, _ = build_networks((T * c,), rng, "gru", hidden=(H, 5), latent=2, signal=c, given=(1, 0),
                                         likelihood="gaussian-full")  # fmt: skip
    x, y = rng.standard_normal((T, c)).astype("float32"), np.float32([0.7])
    gru, dense = next(iter(encoder.named(GRU).values())), list(encoder.named(Dense).values())
    h = last_state(gru, [np.concatenate([step, y]) for step in x])
    heads = np.concatenate(encoder(np.concatenate([x.ravel(), y])[None]), axis=1)
    np.testing.assert_allclose(heads, dense[1](np.maximum(dense[0](h), 0)), rtol=1e-4, atol=1e-6)
    z = rng.standard_normal((1, 2)).astype("float32")
    mu, log_var = decoder(z).reshape(2, T, c)
    gru, conv = next(iter(decoder.named(GRU).values())), next(iter(decoder.named(Conv2d).values()))
    seen = z
    for dense in decoder.named(Dense).values():
        seen = np.maximum(dense(seen), 0)
    assert seen.shape == (1, H)
    for t in range(T):
        step = last_state(gru, [seen[0]] * (t + 1)) @ conv.W.data[0, 0] + conv.b.data
        np.testing.assert_allclose(np.concatenate([mu[t], log_var[t]]), step[0], rtol=1e-4, atol=1e-6)


def test_the_states_of_a_new_gru_last_for_2_to_T_steps(rng):
    """A share u of a state is kept at each step, so that of 1 / (1 - u) steps something is left; all alike likely."""
    H, T = 300, 50
    for network in build_networks((T,), rng, "gru", hidden=(H,), latent=2)[:2]:
        (gru,) = network.named(GRU).values()
        steps = 1 + np.exp(gru.cell.b.data[H : 2 * H])
        assert 2 <= steps.min() < 4 < T - 2 < steps.max() <= T
        assert abs(steps.mean() - (2 + T) / 2) < 4 * (T - 2) / (12 * H) ** 0.5
        assert not gru.cell.b.data[:H].any()
        assert not gru.cell.b.data[2 * H :].any()
    (gru,) = build_networks((1,), rng, "gru", hidden=(3,), latent=2)[0].named(GRU).values()
    assert not gru.cell.b.data.any()


def test_a_gru_reads_an_image_row_after_row(rng):
    """As a signal of its rows; of rows of numbers each number is a position."""
    sizes = {"hidden": (5,), "latent": 2}
    of_image, of_rows, of_signal = (
        build_networks(shape, np.random.default_rng(0), "gru", signal=signal, **sizes)[:2]
        for shape, signal in (((3, 2, 2), None), ((12,), None), ((12,), 4))
    )
    x, z = rng.random((2, 12), "float32"), rng.random((2, 2), "float32")
    for image, rows, a in zip(of_image, of_signal, (x, z), strict=True):
        np.testing.assert_array_equal(image(a), rows(a))
    assert of_rows[0].layers[1].shape == (12, 1)
    with pytest.raises(ValueError, match="signal: expected rows \\(N, D\\), got images of 3x2x2"):
        build_networks((3, 2, 2), rng, "gru", signal=4, **sizes)
    with pytest.raises(ValueError, match="arch: expected dense for a table, whose columns are no steps, got gru"):
        build_networks((2,), rng, "gru", likelihood="mixed", columns=[("binary", 2, None)], **sizes)
    with pytest.raises(ValueError, match="hidden: expected the width of the state of a GRU first, got no width"):
        build_networks((12,), rng, "gru", hidden=())


def test_signals_of_one_row_length_but_other_channels_are_other_networks(rng):
    def size(signal):
        return VAE.build((12,), rng, arch="conv", channels=[2], hidden=[3], latent=2, signal=signal).theta.size

    assert size(1) != size(2) != size(3)
    with pytest.raises(ValueError, match="signal: expected a divisor of the 12 values of a row, got 5"):
        size(5)

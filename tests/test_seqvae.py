"""Models of lines: what a line's end means, what is written, how likely it is, and steps of the encoder alone."""

from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from minivae.evaluate import log_evidence
from minivae.likelihoods import Tokens
from minivae.models import MODELS
from minivae.models.examples import lines
from minivae.optim import SGD, Adam

ARCHS = {"gru": {"hidden": [4]}, "transformer": {"arch": "transformer", "hidden": [4, 4], "heads": 2}}


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(params=ARCHS)
def arch(request):
    return ARCHS[request.param]


def built(name, rng, shape=(6,), V=5, shake=0.5, **options):
    """A model of lines in float64, away from its start."""
    model = MODELS[name].build(shape, rng, vocabulary=V, **({"hidden": [4], "embedding": 3} | options)).bind("float64")
    model.theta += shake * rng.standard_normal(model.theta.size)
    return model


def every_line(V, T):
    """All lines of at most T - 1 tokens, (n, T)."""
    found = [(*line, *[0] * (T - n)) for n in range(T) for line in product(range(1, V), repeat=n)]
    return np.array(found, "float64")


def test_what_is_behind_a_line_costs_nothing_and_changes_nothing(rng, arch):
    model, x, _ = lines("seqvae", rng, latent=2, **arch)
    x[:, 3:] = 0
    noise = model.draw_noise(rng, len(x))
    loss, grad = model.loss_and_grads(x, noise), model.grad.copy()
    one = x.copy()
    one[0, 4] = 2  # behind the end of the first line, which makes none longer
    assert model.loss_and_grads(one, noise) == pytest.approx(loss, rel=1e-12)
    assert_allclose(model.grad, grad, rtol=1e-9, atol=1e-12)
    one[1] = [1, 2, 3, 4, 1, 0]  # another line, which is longer than all others
    rest = np.arange(len(x)) != 1
    assert_allclose(model.log_px_z(one, noise["eps"][None])[:, rest], model.log_px_z(x, noise["eps"][None])[:, rest],
                    rtol=1e-12)  # fmt: skip
    assert_allclose(model.encode(one)[0][rest], model.encode(x)[0][rest], rtol=1e-12)
    widths = []
    body = model.decoder.body
    model.decoder.body.forward = lambda x, noise=None: (widths.append(x.shape[1]), type(body).forward(body, x))[1]
    model.loss_and_grads(x, noise, grads=False)
    assert widths == [4]  # three tokens and the end mark, of the six places there are


def test_the_likelihood_ends_with_the_line(rng):
    likelihood = Tokens(3)
    x, out = np.array([[2.0, 1, 0, 2, 1]]), rng.standard_normal((1, 15))
    p = np.exp(out.reshape(5, 3))
    p /= p.sum(axis=1, keepdims=True)
    log_p, cache = likelihood.forward(x, out)
    assert_allclose(log_p, np.log(p[0, 2] * p[1, 1] * p[2, 0]), rtol=1e-13)
    dout = likelihood.backward(np.ones(1), cache).reshape(5, 3)
    assert (dout[3:] == 0).all()
    assert_allclose(dout[:3].sum(axis=1), 0, atol=1e-15)
    with pytest.raises(ValueError, match="x: expected tokens from 0 to 2, got 0.0 to 3.0"):
        likelihood.forward(x + (x > 1), out)
    with pytest.raises(ValueError, match="out: expected 5 x 3 columns, got 14"):
        likelihood.forward(x, out[:, 1:])


def test_all_lines_have_a_probability_of_one(rng, arch):
    """Those that `write` can make: the last place is an end mark, whatever its probability."""
    model = built("lm", rng, (4,), 3, **arch)
    x = every_line(3, 4)
    full = (x > 0).sum(axis=1) == 3
    log_p = model.log_weights(x, model.draw_eps(rng, 1, len(x)))[0]
    logits = model.likelihood._logits(model.decoder((x, np.zeros((len(x), 0)))))
    ends = logits[:, 3, 0] - np.log(np.exp(logits[:, 3]).sum(axis=1))
    p = np.exp(log_p - np.where(full, ends, 0))
    assert p.sum() == pytest.approx(1, rel=1e-12)
    n = 40_000
    drawn = model.sample(n, rng, draw=np.random.default_rng(3))
    counts = (drawn[:, None] == x).all(axis=2).sum(axis=0)
    assert counts.sum() == n
    z = (counts - n * p) / np.sqrt(n * p * (1 - p))
    assert np.abs(z[n * p > 5]).max() < 4


def test_the_likeliest_line_is_what_the_decoder_says_of_it(rng, arch):
    model = built("seqvae", rng, latent=2, **arch)
    model.params["decoder.out.layers.0.b"].data[0] -= 3  # longer lines
    z = rng.standard_normal((7, 2))
    x = model.decode(z)
    said = model.likelihood.mean(model.decoder((x, z)))
    ends = (x == 0).argmax(axis=1)
    for row, other, end in zip(x, said, ends, strict=True):
        assert_array_equal(row[:end], other[:end])
        assert end == len(row) - 1 or other[end] == 0
    assert_array_equal(model.decode(z[:1]), x[:1])
    assert_array_equal(model.decode(z[None]), x[None])
    noise = np.random.default_rng
    assert_array_equal(model.decode(z, draw=noise(0), top_k=1), x)
    assert_array_equal(model.decode(z, draw=noise(0), temperature=1e-9), x)
    assert not np.array_equal(model.decode(z, draw=noise(0)), model.decode(z, draw=noise(1)))
    for wrong in ({"temperature": 0}, {"top_k": 0}):
        with pytest.raises(ValueError, match=f"{next(iter(wrong))}: expected"):
            model.decode(z, draw=noise(0), **wrong)


def test_the_k_likeliest_tokens_keep_their_ratios(rng):
    model = built("lm", rng, (2,), 6)
    logits = model.likelihood._logits(model.decoder((np.zeros((1, 2)), np.zeros((1, 0)))))[0, 0]
    best = np.argsort(-logits)[:3]
    p = np.exp(logits[best] / 2) / np.exp(logits[best] / 2).sum()
    n = 40_000
    drawn = model.sample(n, rng, temperature=2.0, top_k=3)[:, 0]
    counts = (drawn[:, None] == best).sum(axis=0)
    assert counts.sum() == n
    assert (np.abs(counts - n * p) < 4 * np.sqrt(n * p * (1 - p))).all()


def test_the_evidence_is_that_of_quadrature(rng):
    model = built("seqvae", rng, (4,), 3, latent=1)
    x = every_line(3, 4)
    z, step = np.linspace(-9, 9, 1001, retstep=True)
    grid = np.repeat(z[:, None, None], len(x), axis=1)
    log_joint = model.log_px_z(x, grid) - 0.5 * z[:, None] ** 2 - 0.5 * np.log(2 * np.pi)
    exact = np.log(step * np.exp(log_joint).sum(axis=0))
    K = 2000
    w = np.exp(model.log_weights(x, model.draw_eps(rng, K, len(x))))
    error = w.std(axis=0) / K**0.5
    assert (np.abs(w.mean(axis=0) - np.exp(exact)) < 4 * error).all()
    assert (np.abs(w.mean(axis=0) - 1.2 * np.exp(exact)) > 8 * error).any()  # the test can fail
    bound = log_evidence(model, x, 1, rng)
    assert bound.mean() < exact.mean()


def test_any_order_of_lines_gives_the_same_numbers(rng):
    model, x, _ = lines("seqvae", rng, latent=2)
    z = rng.standard_normal((3, len(x), 2))
    alone = [model.log_px_z(x[i : i + 1], z[k : k + 1, i : i + 1])[0, 0] for k in range(3) for i in range(len(x))]
    assert_allclose(model.log_px_z(x, z).ravel(), alone, rtol=1e-12)


def test_word_dropout_hides_what_stands_before(rng):
    """All of it: then out depends on z and the place alone, but for the start mark. In evaluation nothing is hidden."""
    model = built("seqvae", rng, latent=2, word_dropout=0.5)
    x, z = np.array([[1.0, 2, 3, 4, 0, 0]]), rng.standard_normal((1, 2))
    other = np.array([[4.0, 3, 2, 1, 2, 0]])
    hidden = np.ones((1, 6))
    both = [model.decoder.forward((row, z), hidden)[0] for row in (x, other)]
    assert_array_equal(*both)
    assert not np.allclose(model.decoder((x, z)), model.decoder((other, z)))
    noise = model.draw_noise(rng, 4000)["dec"]
    assert abs(noise.mean() - 0.5) < 4 * 0.5 / noise.size**0.5
    assert model.draw_noise(rng, 4, train=False)["dec"] is None


def test_steps_of_the_encoder_alone(rng):
    """The first of three steps moves all, the others the encoder; after `aggressive_steps` each step moves all."""
    model, x, _ = lines("seqvae", rng, latent=2, aggressive=2, aggressive_epochs=1, pass_steps=6)
    moved = []
    optimizer = SGD(model, 0.1)
    for t in range(9):
        before = model.theta.copy()
        model.loss_and_grads(x, model.draw_noise(rng, len(x)), t=t)
        optimizer.step()
        moved.append([not np.array_equal(model.theta[s], before[s]) for s in
                      (model.slices[name] for name in ("encoder.embedding.W", "decoder.embedding.W"))])  # fmt: skip
    assert moved == [[True, t in (0, 3, 6, 7, 8)] for t in range(9)]
    assert [model.updates("loss", t) for t in range(10)] == [0, 1, 1, 1, 2, 2, 2, 3, 4, 5]
    assert "loss_encoder" not in lines("seqvae", rng)[0].metrics


def test_adam_counts_the_steps_of_each_objective(rng):
    """The second step of the decoder is the third of the encoder: its moments are corrected by its own count."""
    model, x, _ = lines("seqvae", rng, latent=2, aggressive=1, aggressive_epochs=10, pass_steps=9)
    optimizer = Adam(model, 0.01)
    part, seen = model.slices["decoder.embedding.W"], []
    for t in range(3):
        model.loss_and_grads(x, model.draw_noise(rng, len(x)), t=t)
        before = model.theta[part].copy()
        if t != 1:
            seen.append(model.grad[part].copy())
        optimizer.step()
    m = (0.1 * seen[1] + 0.09 * seen[0]) / (1 - 0.9**2)
    v = (0.001 * seen[1] ** 2 + 0.000999 * seen[0] ** 2) / (1 - 0.999**2)
    assert_allclose(model.theta[part], before - 0.01 * m / (np.sqrt(v) + 1e-8), rtol=1e-10)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden": []}, r"hidden: expected layers, got \[\]"),
        ({"arch": "transformer", "hidden": [4, 8]}, r"hidden: expected layers of one width, got \[4, 8\]"),
        ({"arch": "transformer", "hidden": [6], "heads": 4}, "heads: expected a divisor of width = 6, got 4"),
        ({"word_dropout": 1.0}, "word_dropout: expected a finite number >= 0 and < 1, got 1.0"),
        ({"shape": (4, 4, 1)}, r"shape: expected lines \(T,\), got images of 4x4x1"),
    ],
)
def test_refusals(options, message, rng):
    shape = options.pop("shape", (6,))
    with pytest.raises(ValueError, match=message):
        MODELS["seqvae"].build(shape, rng, vocabulary=5, **options)

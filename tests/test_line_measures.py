"""Measures of lines of text, on models and lines whose answers are known."""

import math

import numpy as np
import pytest

from minivae.densities import reparameterize
from minivae.evaluate import edit_distances, line_shares, perplexity, place_kl, tokens_of
from minivae.models.examples import lines


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def rows(*texts, T=8):
    """Lines of letters as x (N, T): a is 2."""
    x = np.zeros((len(texts), T))
    for row, text in zip(x, texts, strict=True):
        row[: len(text)] = [ord(letter) - ord("a") + 2 for letter in text]
    return x


def test_tokens():
    np.testing.assert_array_equal(tokens_of(rows("abc", "", "abcdefg")), [4, 1, 8])


def test_perplexity(rng):
    """Of a fair choice among V it is V; its error is what it varies by."""
    tokens = rng.integers(1, 9, 200)
    assert perplexity(-tokens * math.log(7), tokens) == (pytest.approx(7), pytest.approx(0, abs=1e-12))
    assert perplexity(np.array([-2.0]), np.array([2])) == (pytest.approx(math.e), None)
    tokens = rng.integers(1, 9, (3000, 200))
    log_px = -tokens * (1 + 0.3 * rng.standard_normal(tokens.shape)) - 2
    found = [perplexity(*pair) for pair in zip(log_px, tokens, strict=True)]
    values, errors = np.array(found).T
    assert values.std() == pytest.approx(errors.mean(), rel=0.05)
    assert values.mean() == pytest.approx(math.exp(1 + 2 / 4.5), rel=0.005)


@pytest.mark.parametrize(
    ("a", "b", "distance"),
    [("abcd", "abcd", 0), ("", "abc", 3), ("abc", "", 3), ("abcd", "bcd", 1), ("abcd", "acbd", 2), ("abc", "abde", 2),
     ("ab", "abab", 2), ("aaaa", "bbbb", 4), ("abcdefg", "bcdefg", 1)],
)  # fmt: skip
def test_edits(a, b, distance):
    assert edit_distances(rows(a), rows(b)) == edit_distances(rows(b), rows(a)) == distance
    several = edit_distances(rows(a, "abc", b), rows(b, "a", a))
    np.testing.assert_array_equal(several, [distance, 2, distance])


def test_shares_of_lines():
    found = line_shares(rows("a", "b", "a", "abc"), rows("b", "c", "c"))
    assert found.different[:] == (3, 4)
    assert found.new[:] == (2, 3)
    assert found.tokens == (2 + 2 + 2 + 4) / 4


def test_a_decoder_that_ignores_z_is_told_nothing(rng):
    model, x, _ = lines("seqvae", rng, n=6)
    E = model.decoder.embedding.W.data.shape[1]
    model.decoder.body.layers[0].cell.W.data[E:] = 0
    found = place_kl(model, x, 20, rng)
    assert np.abs(found.kl).max() < 1e-12
    assert np.abs(found.of_line).max() < 1e-12
    np.testing.assert_allclose(found.effective, 20)
    np.testing.assert_array_equal(found.reached, [(tokens_of(x) > t).sum() for t in range(len(found.kl))])


def test_what_z_says_of_each_place(rng):
    """p(x_t | x_<t) as an integral over the only latent."""
    model, _, _ = lines("seqvae", rng, latent=1)
    model.theta *= 6
    x, S = np.array([[2.0, 3, 2, 4, 0, 0]]), 40_000
    found = place_kl(model, x, S, np.random.default_rng(3))
    eps = np.random.default_rng(3).standard_normal((1, 1), dtype="float32")
    z = np.concatenate([reparameterize(*model.encode(x), eps=eps), np.linspace(-8, 8, 1601)[:, None]])
    logits = model.decoder((np.repeat(x[:, :5], len(z), axis=0), z)).reshape(len(z), 5, 5)
    p = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    prior, w = np.exp(-0.5 * z[1:, 0] ** 2), np.ones(1601)
    prior /= prior.sum()
    for t in range(5):
        mixture = (prior * w) @ p[1:, t] / (prior @ w)
        kl = (p[0, t] * np.log(p[0, t] / mixture)).sum()
        assert found.kl[t] == pytest.approx(kl, rel=0.05, abs=1e-3)
        assert found.effective[t] == pytest.approx(S * (prior @ w) ** 2 / (prior @ w**2), rel=0.1)
        w *= p[1:, t, int(x[0, t])]
    assert found.kl.max() > 0.1
    assert found.of_line[0] == pytest.approx(found.kl.sum())
    assert np.isnan(found.standard_error).all()


def test_means_over_the_lines_that_reach_a_place(rng):
    model, _, _ = lines("seqvae", rng)
    x = np.array([[2.0, 3, 0, 0, 0, 0], [3, 0, 0, 0, 0, 0], [4, 4, 4, 2, 3, 0]])
    found = place_kl(model, x, 30, np.random.default_rng(0))
    np.testing.assert_array_equal(found.reached, [3, 3, 2, 1, 1, 1])
    assert found.of_line.sum() == pytest.approx((found.kl * found.reached).sum())
    first = place_kl(model, x[:1], 30, np.random.default_rng(0))  # the first line has the first draws
    assert found.of_line[0] == pytest.approx(first.kl.sum())
    assert np.isfinite(found.standard_error[:3]).all()
    assert np.isnan(found.standard_error[3:]).all()


def test_on_every_device(device):
    """The same numbers, lines of several lengths."""
    x = np.array([[2.0, 3, 0, 0, 0, 0], [4, 4, 4, 2, 3, 0]])
    found = []
    for backend in ("numpy", device):
        model, _, _ = lines("seqvae", np.random.default_rng(0))
        model.bind("float64", backend)
        found.append(place_kl(model, x, 9, np.random.default_rng(0)))
    np.testing.assert_allclose(found[0].kl, found[1].kl, rtol=1e-9)

"""Priors of codes: they add up to one, see nothing of what comes later, and draw what they say; how codes are used."""

import itertools
import math

import numpy as np
import pytest
from cases import moved

from minivae.backend import place
from minivae.evaluate import code_use
from minivae.priors import PixelCNN, UniformCodes


def pixels(side=(2, 2), K=3, width=6, blocks=2):
    """A PixelCNN whose probabilities are far from even."""
    prior = moved(PixelCNN(K, side, width, blocks, np.random.default_rng(0))).bind("float64")
    prior.params["network.layers.0.W"].data *= 3
    return prior


def every(K, T):
    return np.array(list(itertools.product(range(K), repeat=T)))


PRIORS = {"2x2": pixels, "a row": lambda: pixels((1, 4)), "a column": lambda: pixels((4, 1)),
          "one place": lambda: pixels((1, 1)), "uniform": lambda: UniformCodes(3, 4).bind("float64")}  # fmt: skip


@pytest.mark.parametrize("make", PRIORS.values(), ids=PRIORS)
def test_the_probabilities_of_all_codes_add_up_to_one(make):
    prior = make()
    p = np.exp(prior.forward(every(prior.K, prior.L))[0])
    assert p.sum() == pytest.approx(1, rel=1e-12)
    assert isinstance(prior, UniformCodes) or p.max() > 2 * p.min()


@pytest.mark.parametrize("make", PRIORS.values(), ids=PRIORS)
def test_codes_are_drawn_as_often_as_they_are_probable(make):
    prior, n = make(), 40_000
    z = prior.draw(place(prior.draw_noise(np.random.default_rng(1), n), like=prior.theta))
    assert z.dtype.kind == "i"
    p = np.exp(prior.forward(every(prior.K, prior.L))[0])
    counts = np.bincount(z @ prior.K ** np.arange(prior.L)[::-1], minlength=len(p))
    chi2 = ((counts - n * p) ** 2 / (n * p)).sum()
    df = len(p) - 1
    assert abs(chi2 - df) < 5 * math.sqrt(2 * df)
    if len(p) > 3 and not isinstance(prior, UniformCodes):
        other = 0.9 * p + 0.1 / len(p)
        assert ((counts - n * other) ** 2 / (n * other)).sum() > df + 8 * math.sqrt(2 * df)  # the test can fail


@pytest.mark.parametrize("side", [(3, 3), (1, 6)])
def test_a_code_changes_no_logit_up_to_its_own_place(side):
    prior = pixels(side)
    h, w = side
    z = np.random.default_rng(0).integers(0, 3, (1, h * w))
    logits = lambda z: prior.network(prior.embedding(z.reshape(1, h, w))).reshape(h * w, 3)  # noqa: E731
    before, reached = logits(z), 0
    for i in range(h * w):
        other = z.copy()
        other[0, i] = (other[0, i] + 1) % 3
        changed = (logits(other) != before).any(axis=-1)
        assert not changed[: i + 1].any()
        reached += changed[i + 1 :].sum()
    assert reached > 0.8 * h * w * (h * w - 1) / 2


def test_leading_axes_and_no_gradient_of_codes():
    prior = pixels()
    z = np.random.default_rng(0).integers(0, 3, (2, 5, 4))
    log_pz, cache = prior.forward(z)
    np.testing.assert_array_equal(log_pz.reshape(-1), prior.forward(z.reshape(-1, 4))[0])
    assert prior.backward(np.ones((2, 5)), cache) is None


def test_uniform_codes_cost_the_log_of_their_number():
    prior = UniformCodes(7, 3).bind("float64")
    np.testing.assert_allclose(prior.forward(np.zeros((2, 3), "int64"))[0], -3 * math.log(7), rtol=1e-15)
    top = prior.draw(np.full((1, 3), np.float32(1 - 2**-24)))
    np.testing.assert_array_equal(top, 6)


def test_code_use():
    use = code_use(np.array([[0, 1], [0, 2], [0, 1], [0, 2]]), 4)
    np.testing.assert_allclose(use.shares, [0.5, 0.25, 0.25, 0])
    np.testing.assert_allclose(use.place_entropy, [0, math.log(2)], atol=1e-15)
    assert use.used == 3
    assert use.perplexity == pytest.approx(2**1.5)
    for bad in (np.zeros((2, 2)), np.array([[4]]), np.array([[-1]]), np.array([0, 1]), np.zeros((0, 2), int)):
        with pytest.raises(ValueError, match="codes: expected whole numbers"):
            code_use(bad, 4)

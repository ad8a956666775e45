"""The checker is checked: it passes right gradients, fails wrong ones, and tells a kink from an error."""

import numpy as np
import pytest

from minivae.gradcheck import Check, check_array, check_gradients, check_operation
from minivae.layers import Dense, Layer, ReLU
from minivae.models import VAE


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_right_and_wrong(rng):
    x = rng.standard_normal(20)
    f = lambda: float((x**4).sum())  # noqa: E731
    good = check_array(f, x, 4 * x**3, rng)
    assert good.ok
    assert good.error < 1e-9
    assert check_array(f, x, -4 * x**3, rng).error > 0.5
    assert not check_array(f, x, 4 * x**3 * (1 + 1e-5), rng).ok


def test_the_array_is_put_back(rng):
    x = rng.standard_normal(7)
    before = x.copy()
    check_array(lambda: float((x * x).sum()), x, 2 * x, rng)
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_gradient_that_is_not_finite_fails(bad, rng):
    x = rng.standard_normal(5)
    f = lambda: float((x * x).sum())  # noqa: E731
    g = 2 * x
    g[2] = bad
    assert not check_array(f, x, g, rng).ok
    assert not check_array(f, x, np.full(5, bad), rng).ok
    assert not check_array(lambda: float("nan"), x, 2 * x, rng).ok


def test_kinks_are_counted_and_too_many_fail(rng):
    x = rng.standard_normal(6)
    x[0] = 0.0  # every direction crosses the kink of |x_0|, however small the step
    check = check_array(lambda: float(np.abs(x).sum()), x, np.sign(x), rng)
    assert check.kinks == check.directions == 4
    assert not check.ok
    x[0] = 1.5e-3  # within 2 h of the kink for the first step size, not for the next
    check = check_array(lambda: float(np.abs(x).sum()), x, np.sign(x), rng)
    assert check.kinks == 0
    assert check.ok
    wrong = np.sign(x) * 1.0005
    assert not check_array(lambda: float(np.abs(x).sum()), x, wrong, rng).ok


@pytest.mark.parametrize(("kinks", "ok"), [(0, True), (2, True), (3, False), (4, False)])
def test_at_least_half_of_the_directions_must_survive(kinks, ok):
    assert Check(1e-10, 4, kinks).ok is ok
    assert not Check(1e-6, 4, kinks).ok


def test_zero_gradients(rng):
    x = rng.standard_normal(5)
    assert check_array(lambda: 3.0, x, 0 * x, rng).ok
    assert not check_array(lambda: 3.0, x, 0 * x + 1e-3, rng).ok


class Forgetful(Layer):
    """y = a x, without the gradient of a."""

    def __init__(self, rng):
        self.inner = Dense(3, 2, rng)

    def forward(self, x, noise=None):
        return self.inner.forward(x)

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        return self.inner.backward(dy, cache, accumulate=False)


def test_a_layer_of_ones_own(rng):
    checks = check_gradients(Forgetful(rng), rng.standard_normal((4, 3)), rng)
    assert {name: check.ok for name, check in checks.items()} == {"inner.W": False, "inner.b": False, "x": True}
    x = rng.standard_normal((4, 3)).astype("float32")
    assert all(c.ok for c in check_gradients(ReLU(), x, rng).values())  # cast, and the caller's array left alone


def test_an_operation_of_ones_own(rng):
    x = rng.standard_normal((4, 3))
    ok = check_operation(lambda a: a**2, lambda g, a: 2 * g * a, (x,), rng)
    assert ok[0].ok
    assert not check_operation(lambda a: a**2, lambda g, a: g * a, (x,), rng)[0].ok


def test_a_part_of_a_model_cannot_be_taken_out(rng):
    model = VAE.build((6,), rng, hidden=(4,), latent=2)
    with pytest.raises(ValueError, match="layers.0.W belongs to a bound VAE; bind that instead"):
        check_gradients(model.decoder, rng.standard_normal((3, 2)), rng)


def test_model_objectives_are_checked_on_their_own_parameters(rng):
    model = VAE.build((6,), rng, hidden=(4,), latent=2)
    model.objectives = {"loss": ("decoder",)}
    x = (rng.random((3, 6)) < 0.5).astype("float64")
    assert {name.split(".")[0] for name in check_gradients(model, x, rng)} == {"decoder"}

"""Flows: one step is its equations, and two in opposite orders let every latent depend on all."""

import numpy as np
import pytest
from cases import flow, moved

from minivae.flows import IAF, Bijector


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def dependence(bijector, h):
    """d z' / d z at z = 0, (L, L): row i is of z'_i."""
    L = 3
    _, cache = bijector.forward(np.zeros((L, L)), np.broadcast_to(h, (L, 2)))
    return bijector.backward(np.eye(L), np.zeros(L), cache)[0]


def test_iaf_is_its_equations(rng):
    """Kingma et al. 2016, eq. 10 - 14, with the weights of the MADE masked by hand: z then h, a tanh, m then s."""
    step = moved(IAF(2, 1, 4, rng)).bind("float64")
    W1, b1, W2, b2 = (p.data for p in step.params.values())
    sees = np.array([[0, 1, 0, 1], [0, 0, 0, 0], [1, 1, 1, 1]])  # units 1 and 3 see latent 0; none sees latent 1
    shown = np.array([[1, 1], [0, 1], [1, 1], [0, 1]])  # what has seen latent 0 is shown to latent 1 alone
    z, h = rng.standard_normal((5, 2)), rng.standard_normal((5, 1))
    hidden = np.tanh(np.concatenate([z, h], axis=1) @ (W1 * sees) + b1)
    m = hidden @ (W2[:, :2] * shown) + b2[:2]
    g = 1 / (1 + np.exp(-(hidden @ (W2[:, 2:] * shown) + b2[2:]) - 2))
    (y, log_det), _ = step.forward(z, h)
    np.testing.assert_allclose(y, g * z + (1 - g) * m, rtol=1e-12)
    np.testing.assert_allclose(log_det, np.log(g).sum(axis=1), rtol=1e-12)


@pytest.mark.parametrize("reverse", [False, True])
def test_a_latent_depends_on_all_before_it_and_on_none_after(reverse, rng):
    jacobian = dependence(moved(IAF(3, 2, 7, rng, reverse)).bind("float64"), np.ones(2))
    if reverse:
        jacobian = jacobian[::-1, ::-1]
    np.testing.assert_array_equal(jacobian != 0, np.tri(3))


def test_every_latent_depends_on_all_after_two_steps_and_on_the_context(rng):
    two = moved(flow(rng)).bind("float64")
    assert (dependence(two, np.ones(2)) != 0).all()
    for i in range(3):  # of one step: also the first latent in the order
        _, dh = (step := two.flows[0]).backward(np.eye(3)[i], np.zeros(()), step.forward(np.zeros(3), np.ones(2))[1])
        assert (dh != 0).all()


def test_inverse_of_zero(rng):
    two = moved(flow(rng)).bind("float64")
    (y, _), _ = two.forward(two.inverse(np.zeros((4, 3)), np.ones((4, 2))), np.ones((4, 2)))
    np.testing.assert_allclose(y, 0, atol=1e-12)


def test_what_a_bijector_must_have():
    for call in (lambda b: b.forward(np.zeros(2)), lambda b: b.backward(0, 0, None), lambda b: b.inverse(np.zeros(2))):
        with pytest.raises(NotImplementedError):
            call(Bijector())

"""Flows: one step is its equations, and two in opposite orders let every latent depend on all."""

import numpy as np
import pytest
from cases import flow, moved

from minivae import check_gradients
from minivae.flows import IAF, Bijector, Chain, Planar, Radial, Unconditional, masked_coupling


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


def test_planar_is_its_equations(rng):
    """Rezende & Mohamed 2015, eq. 10 - 12 and appendix A.1, one row by hand; m is 0 at 0 here."""
    u, w, b, z = rng.standard_normal(3), rng.standard_normal(3), 0.4, rng.standard_normal(3)
    v = u + (np.log1p((np.e - 1) * np.exp(w @ u)) - 1 - w @ u) * w / (w @ w)
    (y, log_det), _ = Planar(3).forward(z[None], np.concatenate([u, w, [b]])[None])
    np.testing.assert_allclose(y[0], z + v * np.tanh(w @ z + b), rtol=1e-10)
    assert log_det[0] == pytest.approx(np.log(abs(1 + (1 - np.tanh(w @ z + b) ** 2) * (v @ w))), rel=1e-10)


def test_radial_is_its_equations(rng):
    """Eq. 14 and appendix A.2, one row by hand, with h' = -1 / (alpha + r)^2."""
    c, a, b, z = rng.standard_normal(3), 0.3, -0.8, rng.standard_normal(3)
    alpha = np.exp(a)
    beta = alpha * (np.log1p((np.e - 1) * np.exp(b)) - 1)
    r = np.linalg.norm(z - c)
    h, slope = 1 / (alpha + r), -1 / (alpha + r) ** 2
    (y, log_det), _ = Radial(3).forward(z[None], np.concatenate([c, [a, b]])[None])
    np.testing.assert_allclose(y[0], z + beta * h * (z - c), rtol=1e-10)
    assert log_det[0] == pytest.approx(np.log((1 + beta * h) ** 2 * (1 + beta * h + beta * slope * r)), rel=1e-10)


@pytest.mark.parametrize("cls", [Planar, Radial])
def test_a_context_of_zero_is_the_identity_and_a_wild_one_can_be_inverted(cls, rng):
    part = cls(3)
    z = rng.standard_normal((4, 3))
    (y, log_det), _ = part.forward(z, np.zeros((4, part.H)))
    np.testing.assert_allclose(y, z, atol=1e-15)
    np.testing.assert_allclose(log_det, 0, atol=1e-15)
    context = 4 * rng.standard_normal((1000, part.H))
    z = 3 * rng.standard_normal((1000, 3))
    (y, log_det), _ = part.forward(z, context)
    assert np.isfinite(log_det).all()
    np.testing.assert_allclose(part.forward(part.inverse(y, context), context)[0][0], y, rtol=1e-6, atol=1e-9)


def test_at_its_center_a_radial_flow_has_a_gradient(rng):
    part, context = Radial(2), rng.standard_normal((1, 4))
    z = context[:, :2].copy()
    dz, dcontext = part.backward(np.ones((1, 2)), np.ones(1), part.forward(z, context)[1])
    assert np.isfinite(dz).all()
    assert np.isfinite(dcontext).all()


def test_flows_of_a_chain_share_the_context_or_have_their_own(rng):
    own = Chain(Planar(2), Radial(2), Planar(2), own=True)
    assert own.H == 5 + 4 + 5
    z, context = rng.standard_normal((2, 4, 2)), rng.standard_normal((4, 14))
    expected, total = z, 0
    for part, columns in zip(own.flows, (slice(0, 5), slice(5, 9), slice(9, 14)), strict=True):
        (expected, log_det), _ = part.forward(expected, context[:, columns])
        total = total + log_det
    (y, log_det), _ = own.forward(z, context)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(log_det, total)
    np.testing.assert_allclose(own.inverse(y, context), z, rtol=1e-8, atol=1e-10)
    assert check_gradients(own, (z, context), rng).ok
    assert check_gradients(Chain(Planar(2), Planar(2)), (z, context[:, :5]), rng).ok
    assert (Chain(Planar(2), Planar(2)).H, Chain(masked_coupling(2, 3, rng)).H) == (5, None)


def test_a_flow_by_itself_has_the_same_context_for_all(rng):
    part = Unconditional(Planar(2), rng).bind("float64")
    z = rng.standard_normal((3, 2))
    np.testing.assert_array_equal(part.forward(z)[0][0], part.flow.forward(z, np.tile(part.context.data, (3, 1)))[0][0])


@pytest.mark.parametrize("odd", [False, True])
def test_coupling_keeps_every_second_latent(odd, rng):
    """Dinh et al. 2017, eq. 7 and 9: what is kept says how the rest is scaled and shifted."""
    part = moved(masked_coupling(4, 5, rng, odd)).bind("float64")
    z = rng.standard_normal((3, 4))
    kept = np.arange(4) % 2 == odd
    (y, log_det), _ = part.forward(z)
    s, t = part.network(np.where(kept, z, 0))
    scale = 2 * np.tanh(s / 2)
    np.testing.assert_array_equal(y[:, kept], z[:, kept])
    np.testing.assert_allclose(y[:, ~kept], (np.exp(scale) * z + t)[:, ~kept], rtol=1e-12)
    np.testing.assert_allclose(log_det, scale[:, ~kept].sum(axis=1), rtol=1e-12)

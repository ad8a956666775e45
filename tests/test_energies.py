"""Energies in two dimensions: their slopes, their free energy, and what flows make of them."""

import math

import numpy as np
import pytest

from minivae.flows import Chain, Planar, Unconditional
from minivae.gradcheck import LIMIT, Problem, check_directions
from minivae.laboratory.energies import (
    ENERGIES,
    divergence,
    fit,
    free_energy,
    log_density,
    partition,
    planar,
    square_of,
)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def wild(T, rng):
    """Flows far from the identity."""
    flow = Chain(*(Unconditional(Planar(2), rng) for _ in range(T))).bind("float64")
    flow.theta *= 10
    return flow


@pytest.mark.parametrize("energy", ENERGIES.values(), ids=ENERGIES)
def test_slopes_against_differences(energy, rng):
    """Inside and behind the wall, by central differences."""
    z = 5 * rng.uniform(-1, 1, (200, 2))
    _, dz = energy(z)
    for i, step in enumerate(1e-6 * np.eye(2)):
        numeric = (energy(z + step)[0] - energy(z - step)[0]) / 2e-6
        np.testing.assert_allclose(dz[:, i], numeric, rtol=1e-6, atol=1e-6)


def test_energies_by_hand():
    """The paper's table 1 at single points."""
    at = {name: [float(energy(np.array(z))[0]) for z in ((2.0, 0.0), (1.0, 1.0))] for name, energy in ENERGIES.items()}
    ring = ((math.sqrt(2) - 2) / 0.4) ** 2 / 2
    peaks = math.log(math.exp(-((1 / 0.6) ** 2) / 2) + math.exp(-((3 / 0.6) ** 2) / 2))
    assert at["U1"] == pytest.approx([-math.log(1 + math.exp(-((4 / 0.6) ** 2) / 2)), ring - peaks], rel=1e-12)
    assert at["U2"] == pytest.approx([0, 0], abs=1e-12)  # on the wave
    assert at["U3"][1] == pytest.approx(-math.log(1 + math.exp(-((3 / 0.35) ** 2) / 2)), abs=1e-12)
    assert at["U4"][1] == pytest.approx(-math.log(1 + math.exp(-((1.5 / 0.35) ** 2) / 2)), rel=1e-9)


@pytest.mark.parametrize("energy", ENERGIES.values(), ids=ENERGIES)
def test_gradient_of_the_free_energy(energy, rng):
    flow, z0 = wild(3, rng), rng.standard_normal((20, 2))
    flow.zero_grad()
    free_energy(energy, flow, z0, weight=0.7)
    grad = flow.grad.copy()

    def value(values):
        flow.theta[...] = values["theta"]
        return free_energy(energy, flow, z0, weight=0.7)

    checks = check_directions(Problem(value, {"theta": flow.theta.copy()}, {"theta": grad}), rng)
    assert checks.ok, checks
    assert max(check.error for check in checks.values()) < LIMIT


def test_the_density_of_a_flow_is_one(rng):
    """Its sum over a square is 1, and at f(z0) it is N(z0) / |det|."""
    flow = wild(4, rng)
    z, area = square_of(300, edge=12)
    assert np.exp(log_density(flow, z)).sum() * area == pytest.approx(1, abs=1e-4)
    z0 = rng.standard_normal((50, 2))
    (z, log_det), _ = flow.forward(z0)
    np.testing.assert_allclose(log_density(flow, z), -math.log(2 * math.pi) - (z0**2).sum(-1) / 2 - log_det, rtol=1e-9)


@pytest.mark.parametrize("name", ENERGIES)
def test_free_energy_less_log_z_is_the_divergence(name, rng):
    """Two ways to one number >= 0: draws from q, and a sum over a square; more flows make it smaller."""
    energy = ENERGIES[name]
    z, area = square_of(500, edge=8)
    log_Z = math.log(np.exp(-energy(z)[0]).sum() * area)
    assert partition(energy) == pytest.approx(math.exp(log_Z), rel=1e-5)  # the wall bends sharply
    found = []
    for K in (1, 6):
        flow = fit(energy, planar(K, rng), rng, steps=400, lr=0.03)
        drawn = free_energy(energy, flow, np.random.default_rng(1).standard_normal((100_000, 2))) + log_Z
        found.append(divergence(energy, flow))
        assert found[-1] == pytest.approx(drawn, abs=0.02)
    assert 0 < found[1] < 0.7 * found[0]

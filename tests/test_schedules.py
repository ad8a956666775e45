import math

import numpy as np
import pytest

from minivae.schedules import (
    BETA_SCHEDULES,
    SCHEDULES,
    cosine,
    cyclical,
    iwae_stages,
    linear,
    schedule,
    step_decay,
    warm_up,
)


def test_schedules():
    assert schedule(3)(7) == 3
    assert schedule(abs)(-7) == 7
    assert type(schedule(np.float64)(1)) is float  # a NumPy scalar would turn float32 into float64
    f = cosine(2.0, 100)
    assert [f(0), f(50), f(100), f(150)] == pytest.approx([2, 1, 0, 0], abs=1e-12)
    assert f(25) == pytest.approx(1 + math.cos(math.pi / 4))
    g = step_decay(1.0, 10, 0.5)
    assert [g(0), g(9), g(10), g(25)] == [1, 1, 0.5, 0.25]
    assert [SCHEDULES["step"](1.0, 10, 1)(t) for t in (3, 4, 7, 8, 9)] == pytest.approx([1, 0.1, 0.1, 0.01, 0.01])
    assert type(schedule(np.float64(3))(0)) is float
    h = SCHEDULES["step"](1.0, 30, 3)
    assert [h(0), h(10), h(29)] == pytest.approx([1, 0.1, 0.01])


def test_cosine_stays_at_0_after_its_end():
    for f in (cosine(2.0, 7), warm_up(cosine(2.0, 7), 3), SCHEDULES["cosine"](2.0, 7, 1)):
        assert f(6) > 0
        assert [f(t) for t in (7, 8, 13, 14, 21, 10**9)] == [0] * 6  # 14 = twice 7: it does not come up again


@pytest.mark.parametrize("steps", [0, -3, math.nan])
def test_bad_input(steps):
    for name, make in (
        ("steps", cosine), ("every", step_decay), ("pass_steps", iwae_stages), ("steps", linear), ("steps", cyclical)
    ):  # fmt: skip
        with pytest.raises(ValueError, match=f"^{name}: expected a finite number > 0, got {steps}$"):
            make(1.0, steps)


@pytest.mark.parametrize(
    ("name", "f"), [("constant", lambda t: 2.0), ("cosine", cosine(2.0, 90)), ("iwae", iwae_stages(2.0, 5))]
)
def test_named_schedules_of_the_learning_rate(name, f):
    assert [SCHEDULES[name](2.0, 90, 5)(t) for t in range(90)] == [f(t) for t in range(90)]


@pytest.mark.parametrize(
    ("name", "f"), [("constant", lambda t: 2.0), ("linear", linear(2.0, 9)), ("cyclical", cyclical(2.0, 9))]
)
def test_named_schedules_of_beta(name, f):
    assert [BETA_SCHEDULES[name](2.0, 9)(t) for t in range(30)] == [f(t) for t in range(30)]


def test_beta_schedules_and_warm_up():
    f = linear(2.0, 10)
    assert [f(0), f(5), f(10), f(99)] == [0, 1, 2, 2]
    g = cyclical(2.0, 10)
    assert [g(0), g(2.5), g(5), g(9), g(10), g(12.5)] == [0, 1, 2, 2, 0, 1]
    h = warm_up(cosine(1.0, 100), 4)
    assert [h(0), h(1), h(3), h(50)] == pytest.approx([0.25, 0.5 * cosine(1.0, 100)(1), cosine(1.0, 100)(3), 0.5])
    assert warm_up(schedule(3.0), 0)(0) == 3


def test_iwae_stages():
    """3^i passes at 0.001 10^(-i/7): 1, 3, 9 ... passes; 3,280 of them in all."""
    rate, per_pass = iwae_stages(1e-3, 5), []
    for p in range(3280):
        assert rate(5 * p) == rate(5 * p + 4)
        per_pass.append(rate(5 * p))
    for i in range(8):
        assert sum(r == pytest.approx(1e-3 * 10 ** (-i / 7)) for r in per_pass) == 3**i
    assert per_pass[-1] == rate(10**9) == pytest.approx(1e-4)


def test_iwae_stages_laid_over_fewer_steps():
    """A tenth of all steps: each stage has a tenth of its own; the whole number of passes is the paper's schedule."""
    rate = SCHEDULES["iwae-scaled"](1e-3, 32800, 100)
    for i in range(8):
        assert sum(rate(t) == pytest.approx(1e-3 * 10 ** (-i / 7)) for t in range(32800)) == 10 * 3**i
    whole, paper = SCHEDULES["iwae-scaled"](1e-3, 5 * 3280, 5), SCHEDULES["iwae"](1e-3, 5 * 3280, 5)
    assert [whole(t) for t in range(0, 5 * 3280, 7)] == [paper(t) for t in range(0, 5 * 3280, 7)]

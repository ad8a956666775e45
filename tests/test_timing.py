"""The laboratory's watch: turns that rotate, waits where they belong, paired ratios. Nothing here depends on a time."""

from types import SimpleNamespace

import numpy as np
import pytest
import strict

from minivae.backend import generator, load_backend
from minivae.laboratory import timing
from minivae.laboratory.timing import adding, in_turns, quartiles, ratio, seconds_of, training_step, wait_for
from minivae.models import VAE
from minivae.optim import Adam


@pytest.fixture
def calls(monkeypatch):
    """What was called, of which each call takes a second."""
    calls = []
    monkeypatch.setattr(timing, "time", SimpleNamespace(perf_counter=lambda: len(calls)))
    return calls


def test_seconds_of_a_block(calls):
    assert seconds_of(calls.append, 3) == 3
    assert calls == [0, 1, 2]


def test_a_device_is_waited_for_before_and_at_the_end_only(calls):
    assert seconds_of(calls.append, 2, lambda: calls.append("wait")) == 3
    assert calls == ["wait", 0, 1, "wait"]


def test_turns_rotate(calls):
    found = in_turns({name: lambda name=name: calls.append(name) or len(calls) for name in "abc"}, 4)
    assert "".join(calls) == "abc" + "bca" + "cab" + "abc"
    assert found == {"a": [1, 6, 8, 10], "b": [2, 4, 9, 11], "c": [3, 5, 7, 12]}


def test_quartiles():
    assert quartiles([5.0, 1.0, 3.0, 2.0, 4.0]) == (2.0, 3.0, 4.0)
    assert quartiles([1.0, 2.0]).median == 1.5


def test_ratios_are_paired():
    """One turn slows both down threefold; the ratio of each turn is the same."""
    assert ratio([2.0, 6.0, 2.0], [4.0, 12.0, 4.0]) == (0.5, 0.5, 0.5)
    with pytest.raises(ValueError, match="zip"):
        ratio([1.0], [1.0, 2.0])


def test_calls_add_up(calls):
    spent = {}
    f = adding(lambda x: calls.append(x) or x, spent, "f")
    assert [f(7), f(x=8)] == [7, 8]
    assert spent == {"f": 2}


def test_waiting_is_one_number_of_the_array():
    with strict.registered():
        array = load_backend("strict").ones((3, 4))
        with strict.recorded() as events:
            wait_for(array)
        assert strict.count(events)["wait"] == 1


@pytest.mark.parametrize("clip", [None, 1e-3])
def test_a_training_step_is_one_of_training(clip):
    x = (np.random.default_rng(0).random((4, 6)) < 0.5).astype("float32")
    one, other = (VAE.build((6,), np.random.default_rng(0), hidden=(5,), latent=2) for _ in range(2))
    step = training_step(one, x, clip=clip)
    noise, optimizer = other.draw_noise(generator(0, "noise"), 4), Adam(other, clip=clip)
    for i in range(2):
        step(i)
        other.loss_and_grads(x, noise)
        optimizer.step()
    np.testing.assert_array_equal(one.theta, other.theta)

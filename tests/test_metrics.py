import numpy as np
import pytest

from minivae.metrics import averages, mean_metrics


class Recorder:
    """Loss: 100 t + the mean of x; what it is called with is kept."""

    theta = np.zeros(1)

    def __init__(self):
        self.calls = []

    def draw_noise(self, rng, n, train=True):
        assert not train
        return {"eps": rng.random((n, 1))}

    def loss_and_grads(self, x, noise, y=None, t=0, grads=True):
        self.calls.append((x, noise["eps"], y, t, grads))
        return {"loss": 100 * t + x.mean()}


def test_means_over_examples_in_batches_at_the_step(monkeypatch):
    monkeypatch.setattr("minivae.metrics.BATCH", 4)
    x, y = np.arange(11.0)[:, None], np.arange(22).reshape(11, 2)
    model = Recorder()
    assert mean_metrics(model, x, y, np.random.default_rng(0), t=7) == {"loss": pytest.approx(700 + 5)}
    seen_x, eps, seen_y, steps, grads = zip(*model.calls, strict=True)
    assert [len(rows) for rows in seen_x] == [4, 4, 3]
    np.testing.assert_array_equal(np.concatenate(seen_x), x)
    np.testing.assert_array_equal(np.concatenate(seen_y), y)
    np.testing.assert_array_equal(np.concatenate(eps), np.random.default_rng(0).random((11, 1)))
    assert (steps, grads) == ((7, 7, 7), (False, False, False))


def test_without_y_and_at_step_0():
    model = Recorder()
    mean_metrics(model, np.ones((3, 1)), None, np.random.default_rng(0))
    assert [call[2:4] for call in model.calls] == [(None, 0)]


def test_averages_weigh_examples_and_name_the_first_bad_batch():
    parts = [({"a": 1.0, "b": 2.0}, 3), ({"a": 5.0, "b": 6.0}, 1)]
    assert averages(parts) == ({"a": 2.0, "b": 3.0}, None)
    for bad in (np.nan, np.inf):
        means, first = averages([*parts, ({"a": 0.0, "b": bad}, 1), ({"a": bad, "b": 0.0}, 1)])
        assert first == 2
        assert not np.isfinite(means["b"])

"""From settings to a model and its optimizer: the schedules count steps, of which a pass has n / batch, rounded up."""

from types import SimpleNamespace

import pytest

from minivae.runs import build_model, build_optimizer
from minivae.runs.settings import complete


@pytest.mark.parametrize(("n_train", "steps"), [(5, 1), (99, 10), (100, 10), (101, 11)])
def test_schedules_count_the_steps_of_a_pass(n_train, steps):
    """The last batch of a pass is smaller where the batch size does not divide the data; it is a step as well."""
    given = {"data": "digits", "hidden": [3], "latent": 2, "batch_size": 10, "epochs": 4, "lr": 1.0}
    given |= {"beta_schedule": "linear", "beta_epochs": 3, "warm_up": 2, "schedule": "cosine"}
    settings = complete(given)
    protocol = SimpleNamespace(shape=(2, 2, 1), labels=None, n_train=n_train)
    model = build_model(settings, protocol)
    beta = [model.beta(t) for t in (0, 1, 3 * steps - 1, 3 * steps)]
    assert beta == pytest.approx([0, 1 / (3 * steps), 1 - 1 / (3 * steps), 1])
    lr = build_optimizer(settings, model, protocol).lr
    assert lr(2 * steps) == pytest.approx(0.5)  # half of the cosine, after the warm-up
    assert lr(4 * steps - 1) > lr(4 * steps) == 0
    assert lr(0) == pytest.approx(1 / (2 * steps))

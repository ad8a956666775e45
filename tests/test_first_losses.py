"""The first ten losses of every model are what they were: whatever moves one must be meant, and is recorded again.

Record: python -m tests.test_first_losses
"""

import json
from pathlib import Path

import numpy as np
import pytest

from minivae.backend import place
from minivae.models import MODELS
from minivae.models.examples import small
from minivae.optim import Adam

FILE = Path(__file__).with_name("first_losses.json")
RECORDED = json.loads(FILE.read_text()) if FILE.exists() else {}


def first_losses(name):
    """Ten steps in float64, where another order of a sum moves a loss by 1e-14."""
    rng = np.random.default_rng(0)
    model, x, y = small(name, rng)
    optimizer = Adam(model)
    losses = []
    for t in range(10):
        noise = place(model.draw_noise(rng, len(x)), like=model.theta)
        losses.append(float(model.loss_and_grads(x, noise, y=y, t=t)["loss"]))
        optimizer.step()
    return losses


@pytest.mark.parametrize("name", MODELS)
def test_first_losses(name):
    assert name in RECORDED, "not recorded: python -m tests.test_first_losses"
    np.testing.assert_allclose(first_losses(name), RECORDED[name], rtol=1e-9)


def record():
    """One line for each model."""
    lines = [f'  "{name}": {json.dumps(first_losses(name))}' for name in MODELS]
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    record()

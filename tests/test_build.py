"""From settings to a model and its optimizer: the schedules count steps, of which a pass has n / batch, rounded up."""

from dataclasses import replace

import numpy as np
import pytest

from minivae import fit, load_data
from minivae.cli import main
from minivae.runs import build_model, build_optimizer, start
from minivae.runs.settings import complete
from minivae.schedules import SCHEDULES


@pytest.mark.parametrize(("n_train", "steps"), [(5, 1), (99, 10), (100, 10), (101, 11)])
def test_schedules_count_the_steps_of_a_pass(n_train, steps):
    """The last batch of a pass is smaller where the batch size does not divide the data; it is a step as well."""
    given = {"data": "digits", "hidden": [3], "latent": 2, "batch_size": 10, "epochs": 4, "lr": 1.0}
    given |= {"beta_schedule": "linear", "beta_epochs": 3, "warm_up": 2, "schedule": "cosine"}
    settings = complete(given)
    protocol = replace(load_data("digits").protocol, shape=(2, 2, 1), n_train=n_train)
    model = build_model(settings, protocol)
    beta = [model.beta(t) for t in (0, 1, 3 * steps - 1, 3 * steps)]
    assert beta == pytest.approx([0, 1 / (3 * steps), 1 - 1 / (3 * steps), 1])
    lr = build_optimizer(settings, model, protocol).lr
    assert lr(2 * steps) == pytest.approx(0.5)  # half of the cosine, after the warm-up
    assert lr(4 * steps - 1) > lr(4 * steps) == 0
    assert lr(0) == pytest.approx(1 / (2 * steps))


@pytest.mark.parametrize("n", [33, 64, 65])
@pytest.mark.parametrize("given", [{"hidden": [3]}, {"hidden": []}, {"hidden": [], "arch": "conv", "channels": [2]}])
@pytest.mark.parametrize("norm", ["batch", "layer"])
def test_a_schedule_counts_the_steps_that_a_pass_makes(n, given, norm, monkeypatch):
    """Under BatchNorm, where there is a layer that has it, no step is made on one example alone."""
    data = load_data(np.eye(65)[:n, :64].reshape(n, 8, 8), validation=0)
    settings = complete({"norm": norm, "batch_size": 32, "epochs": 1, "beta_schedule": "linear"} | given)
    counted = []
    monkeypatch.setitem(
        SCHEDULES, "constant", lambda lr, steps, pass_steps: counted.append(pass_steps) or (lambda t: lr)
    )
    model = build_model(settings, data.protocol)
    optimizer = build_optimizer(settings, model, data.protocol)
    fit(model, optimizer, data, epochs=1, batch_size=32, progress=False)
    assert counted == [optimizer.t]


def test_batches_of_one_are_refused_under_batch_norm_before_a_run_is_made(tmp_path, capsys):
    (tmp_path / "c.toml").write_text("norm = 'batch'\nbatch_size = 1\n")
    assert main(["train", "--config", str(tmp_path / "c.toml"), "--out", str(tmp_path / "a")]) == 2
    assert capsys.readouterr().err == (
        "minivae: batch_size: expected at least 2 examples in each step under BatchNorm, got batch_size 1 for 1250 "
        "training examples\n"
    )
    assert not (tmp_path / "a").exists()


def test_the_output_bias_starts_at_the_mean_of_the_data():
    """sigmoid(b) is the mean of each training pixel, clipped; NaN has no part in it."""
    x = (np.random.default_rng(0).random((50, 6)) < np.linspace(0, 1, 6)).astype("float64")
    data = load_data(x, validation=10)
    settings = complete({"hidden": [3], "latent": 2, "output_bias": "mean"})
    model = build_model(settings, data.protocol)
    start(settings, model, data)
    b = model.decoder.layers[-1].b.data
    np.testing.assert_allclose(1 / (1 + np.exp(-b)), data.train.x.mean(axis=0).clip(0.001, 0.999), rtol=1e-5)
    x[3:9, 2] = np.nan
    gaps = load_data(x, validation=0)
    model = build_model(settings, gaps.protocol)
    start(settings, model, gaps)
    b = model.decoder.layers[-1].b.data
    np.testing.assert_allclose(1 / (1 + np.exp(-b)), np.nanmean(x, axis=0).clip(0.001, 0.999), rtol=1e-5)

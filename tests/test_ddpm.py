"""Diffusion: what the steps of noise do, the bound against a known log p(x), and the map without noise."""

import json
import math

import numpy as np
import pytest
from test_cli import error_of

from minivae.cli import main
from minivae.cli.base import opened
from minivae.densities import log_mean_exp, standard_normal_log_prob
from minivae.densities.noising import BETAS, Noising, cosine_betas
from minivae.layers import conv_denoiser, sinusoids
from minivae.layers.base import Layer
from minivae.models import DDPM
from minivae.models.examples import small

STD = 0.6  # of Gaussian data, whose noise is known


class Known(Layer):
    """E[eps | x_t] where x_0 ~ N(0, STD^2 I): what the best network says. Times are abar_t."""

    def forward(self, x, noise=None):
        x_t, abar = x
        return x_t * np.sqrt(1 - abar) / (abar * STD**2 + 1 - abar), None


def known(T, D=2, jumps=None):
    noising = Noising(cosine_betas(T))
    model = DDPM(Known(), np.array(noising.abar[1:])[:, None], noising, D, jumps=jumps or T).bind("float64")
    abar = np.array(noising.abar[1:])
    noising.error.data[...] = abar * STD**2 / (abar * STD**2 + 1 - abar)  # the variance of eps that x_t leaves open
    return model


@pytest.fixture
def rng():
    return np.random.default_rng(0)


# ---- the steps of noise


@pytest.mark.parametrize("kind", BETAS)
def test_marginals(kind):
    """q(x_t | x_0) is what t steps make of x_0 and of their noise, of variance 1 each."""
    steps = Noising(BETAS[kind](20))
    x, zero, spread = np.ones(1), np.zeros(1), 0.0
    for t in range(1, 21):
        x = steps.noised(x, zero, t)
        spread = steps.noised(zero, np.ones(1), t) ** 2 + (1 - steps.beta[t]) * spread
        np.testing.assert_allclose(x, math.sqrt(steps.abar[t]), rtol=1e-12)
        np.testing.assert_allclose(spread, 1 - steps.abar[t], rtol=1e-12)
    assert steps.abar[20] < 0.01  # next to nothing is left of the data


@pytest.mark.parametrize("t", [2, 7, 20])
def test_posterior_is_that_of_bayes(t, rng):
    """q(x_{t-1} | x_t, x_0) is proportional to q(x_t | x_{t-1}) q(x_{t-1} | x_0), two Gaussians."""
    steps = Noising(cosine_betas(20))
    x_0, eps = rng.standard_normal(2)
    x_t = math.sqrt(steps.abar[t]) * x_0 + math.sqrt(1 - steps.abar[t]) * eps
    keep, prior = math.sqrt(1 - steps.beta[t]), 1 - steps.abar[t - 1]
    precision = keep**2 / steps.beta[t] + 1 / prior
    mean = (keep * x_t / steps.beta[t] + math.sqrt(steps.abar[t - 1]) * x_0 / prior) / precision
    assert steps.least.data[t - 1] == pytest.approx(1 / precision)
    assert steps.mean(x_t, eps, t) == pytest.approx(mean)


def test_moves_and_weight(rng):
    """An error in the noise moves the mean; it costs the KL of two Gaussians of the same variance v_t."""
    steps = Noising(cosine_betas(20))
    steps.error.data[...] = rng.random(20)
    for t in range(1, 21):
        square = (steps.mean(0.3, 1.0, t) - steps.mean(0.3, 0.0, t)) ** 2
        assert steps.moves.data[t - 1] == pytest.approx(square)
        assert steps.weight()[t - 1] == pytest.approx(square / (2 * steps.variance()[t - 1]))
    assert steps.least.data[0] == 0


def test_sinusoids_tell_times_apart():
    rows = sinusoids(np.arange(1, 201), 64)
    np.testing.assert_allclose((rows**2).sum(axis=1), 32)
    distance = np.linalg.norm(rows[:, None] - rows, axis=2)
    assert distance[~np.eye(200, dtype=bool)].min() > 0.5
    assert distance[50, 51] < distance[50, 60]


# ---- the bound


def elbos(model, x, draws=400):
    """The ELBO of each row of x, from so many times and noises of each."""
    rng, rows = np.random.default_rng(1), np.repeat(x, draws, axis=0)
    return [
        model.loss_and_grads(rows[i : i + draws], model.draw_noise(rng, draws), grads=False)["elbo"]
        for i in range(0, len(rows), draws)
    ]


def test_bound_of_known_noise(rng):
    """With the best network the bound is below the known log p(x), and nearer to it the more steps there are."""
    x = STD * rng.standard_normal((40, 2))
    truth = (standard_normal_log_prob(x / STD) - 2 * math.log(STD)).mean()
    gaps = []
    for T in (10, 100):
        model = known(T)
        log_w = model.log_weights(x, model.draw_eps(rng, 200, len(x)).astype("float64"))
        gaps.append(truth - log_w.mean())
        error = log_w.mean(axis=1).std() / math.sqrt(200)
        assert gaps[-1] > -4 * error
    assert gaps[1] < 0.5 * gaps[0]


def test_weights_average_to_the_density(rng):
    """E_q[w] = p(x), whatever the noise that is found; here nearly that of N(0, STD^2 I)."""
    x, model = STD * rng.standard_normal((3, 2)), known(100)
    log_w = model.log_weights(x, model.draw_eps(rng, 2000, 3).astype("float64"))
    truth = standard_normal_log_prob(x / STD) - 2 * math.log(STD)
    np.testing.assert_allclose(log_mean_exp(log_w), truth, atol=0.05)


@pytest.mark.parametrize("dequantize", [False, True])
def test_bound_of_times_is_that_of_ways(dequantize, rng):
    """The two estimates of one ELBO agree; with x in [0, 1] both count the scale."""
    options = {"hidden": (6,), "times": 4, "jumps": 2, "shape": (3,), "likelihood": "gaussian"}
    model, x, _ = small("ddpm", rng, n=2, dequantize=dequantize, **options)
    x = x.astype("float64")
    ways = model.log_weights(x, model.draw_eps(rng, 8_000, 2).astype("float64"))
    times = [elbos(model, x[i : i + 1], 40_000)[0] for i in range(2)]
    spread = ways.std(axis=0) / math.sqrt(8_000)
    assert (abs(ways.mean(axis=0) - times) < 8 * spread + 0.01 * abs(ways.mean(axis=0))).all()


def test_scale_of_unit_data(rng):
    """The same network on x in [0, 1] and on 2 x - 1: densities differ by 2 for each number."""
    model, x, _ = small("ddpm", rng, hidden=(6,), times=4, jumps=2, likelihood="gaussian", dequantize=True)
    eps = model.draw_eps(rng, 2, len(x)).astype("float64")
    inside = model.log_weights(x, eps)
    model.scale = 1.0
    np.testing.assert_allclose(inside, model.log_weights(2 * x - 1, eps) + model.D * math.log(2), rtol=1e-10)


# ---- what is drawn


def test_draws_have_the_variance_of_the_data(rng):
    model, n = known(100, D=1), 10_000
    for x in (model.sample(n, rng, draw=rng), model.sample(n, rng, jumps=100)):
        z = (x.var() / STD**2 - 1) / math.sqrt(2 / n)
        assert abs(z) < 8  # of 0.5 % each; T steps are not quite enough of them
    assert abs(model.sample(n, rng, jumps=2).var() / STD**2 - 1) > 0.05  # two jumps are far too few


def test_map_without_noise_is_undone(rng):
    model, x = known(400), STD * rng.standard_normal((5, 2))
    z = model.encode(x)
    np.testing.assert_allclose(z, x / STD, rtol=0.05)  # of Gaussian data the map is linear
    np.testing.assert_allclose(model.decode(z), x, rtol=0.02)
    np.testing.assert_allclose(model.reconstruct(x), model.decode(z))


def test_first_guess_is_no_noise(rng):
    """The loss starts at the variance of the noise."""
    model = DDPM.build((3,), rng, hidden=(5,), times=4, jumps=2)
    noise = model.draw_noise(rng, 6)
    assert model.loss_and_grads(rng.random((6, 3)), noise)["loss"] == pytest.approx((noise["eps"] ** 2).mean())


def test_samples_of_unit_data_stay_inside(rng):
    model, _, _ = small("ddpm", rng, hidden=(6,), times=6, jumps=3, likelihood="gaussian", dequantize=True)
    for x in (model.sample(50, rng), model.sample(50, rng, jumps=2), model.decode(3 * rng.standard_normal((50, 16)))):
        assert x.min() >= -1e-9
        assert x.max() <= 1 + 1e-9


def test_refusals(rng, tmp_path, capsys, monkeypatch):
    with pytest.raises(ValueError, match=r"^channels: 3 widths halve an image 2 times, 6x8 pixels cannot be$"):
        conv_denoiser((6, 8, 1), (2, 3, 4), 6, rng=rng)
    with pytest.raises(ValueError, match=r"^channels: expected images \(h, w, c\) and a width, got shape \[5\], "):
        DDPM.build((5,), rng, arch="conv")
    with pytest.raises(ValueError, match="^jumps: expected at most 4, as many as times, got 5$"):
        DDPM.build((5,), rng, times=4, jumps=5)
    monkeypatch.setattr("minivae.cli.training.draw_run", lambda run, data: None)
    out = tmp_path / "run"
    assert main(f"train --model ddpm --hidden 4 --times 4 --jumps 2 --epochs 1 --out {out}".split()) == 0
    assert main(f"sample {out} --jumps 3 --out {tmp_path}/a.png".split()) == 0
    assert error_of(capsys, *f"sample {out} --jumps 5".split()).startswith("minivae: jumps: expected ")
    assert error_of(capsys, *f"evaluate {out} --annealed 2".split()).startswith("minivae: annealed: ")


def test_evaluate_reports_whole_ways(tmp_path, rng):
    """The ELBO and its error are of the same numbers: one time for each row would be off by tens of such errors."""
    out = tmp_path / "run"
    assert main(f"train --model ddpm --hidden 4 --times 40 --epochs 1 --out {out}".split()) == 0
    assert main(f"evaluate {out}".split()) == 0
    report = json.loads((out / "evaluate-test.json").read_text())
    with opened(str(out)) as run:
        model, _ = run.load_model()
        x = run.read_data().test().x[:]
    ways = model.log_weights(x, model.draw_eps(rng, 10, len(x))).mean(axis=0)
    assert abs(report["elbo"] - ways.mean()) < report["elbo_standard_error"]  # the rows are the same

"""RealNVP as a density of x: bijectors that can be undone, densities that add up to 1, bits of grey levels."""

import json
import math

import numpy as np
import pytest
from cases import moved
from scipy import stats
from test_cli import error_of

from minivae.cli import main
from minivae.evaluate import log_evidence, row_scores
from minivae.flows import ActNorm, Bins, Logit, conv_coupling, dense_coupling
from minivae.flows.coupling import mask_of
from minivae.gradcheck import check_gradients
from minivae.models import RealNVP
from minivae.models.examples import small
from minivae.runs.settings import complete

MAPS = {
    "logit": lambda rng: Logit(0.01),
    "bins": lambda rng: Bins(12, 3),
    "actnorm": lambda rng: ActNorm(12),
    "dense": lambda rng: dense_coupling([12], [7, 5], rng),
    "dense of images, odd": lambda rng: dense_coupling([2, 3, 2], [7], rng, odd=True),
    "linear": lambda rng: dense_coupling([12], [], rng),
    "conv": lambda rng: conv_coupling([2, 3, 2], [4, 4], rng),
    "conv, odd": lambda rng: conv_coupling([2, 3, 2], [4], rng, odd=True),
}


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def jacobian(f, x, h=1e-3):
    """d f(x) / d x of one row x (D,), by fourth-order central differences."""
    steps = h * np.eye(len(x))
    at = lambda k: f(x + k * steps)  # noqa: E731
    return (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * h)


@pytest.mark.parametrize("name", MAPS)
def test_maps_are_undone_and_charge_what_their_jacobian_says(name, rng):
    part = moved(MAPS[name](rng)).bind("float64")
    x = (rng.integers(0, 3, (3, 12)) + 0.1 + 0.8 * rng.random((3, 12))) / 3  # inside of the bins
    (z, log_det), _ = part.forward(x)
    np.testing.assert_allclose(part.inverse(z), x, rtol=0, atol=1e-10)
    sign, expected = np.linalg.slogdet(jacobian(lambda rows: part.forward(rows)[0][0], x[0]))
    assert sign > 0
    assert log_det[0] == pytest.approx(expected, abs=1e-6)
    assert check_gradients(part, (x, None), rng).ok


@pytest.mark.parametrize("label", ["dense", "conv"])
def test_a_whole_model_is_undone_and_charges_what_its_jacobian_says(label, rng):
    own = {"hidden": [5]} if label == "dense" else {"channels": [4]}
    model, x, _ = small("nvp", rng, arch=label, shape=(3, 4, 1), flows=3, dequantize=True, **own)
    z = model.encode(x)
    np.testing.assert_allclose(model.decode(z), x, rtol=0, atol=1e-10)
    np.testing.assert_allclose(model.reconstruct(x), x, rtol=0, atol=1e-10)
    _, expected = np.linalg.slogdet(jacobian(model.encode, x[0], h=1e-4))
    log_px = model.log_weights(x, model.draw_eps(rng, 2, len(x)))
    assert log_px[0, 0] == pytest.approx(stats.norm.logpdf(z[0]).sum() + expected, abs=1e-6)
    np.testing.assert_array_equal(log_px[0], log_px[1])


def test_masks_of_rows_and_of_a_checkerboard():
    np.testing.assert_array_equal(mask_of([5]), [1, 0, 1, 0, 1])
    np.testing.assert_array_equal(mask_of([5], odd=True), [0, 1, 0, 1, 0])
    board = mask_of([3, 4, 2]).reshape(3, 4, 2)
    np.testing.assert_array_equal(board[..., 0], [[1, 0, 1, 0], [0, 1, 0, 1], [1, 0, 1, 0]])
    np.testing.assert_array_equal(board[..., 1], board[..., 0])


@pytest.mark.parametrize("name", ["dense of images, odd", "conv, odd"])
def test_what_is_kept_decides_alone(name, rng):
    """s and t of a coupling do not see what they move."""
    part = moved(MAPS[name](rng)).bind("float64")
    x, kept = rng.standard_normal((2, 12)), mask_of([2, 3, 2], odd=True)
    other = np.where(kept, x, rng.standard_normal((2, 12)))
    z, log_det = part.forward(x)[0]
    np.testing.assert_array_equal(z[:, kept], x[:, kept])
    assert (z[:, ~kept] != x[:, ~kept]).all()
    np.testing.assert_array_equal(part.forward(other)[0][1], log_det)


def test_the_logit_of_uniform_noise_is_logistic(rng):
    """With alpha -> 0, x uniform in (0, 1) has a z whose density scipy knows; both ends stay finite in float32."""
    x = rng.random(5)[:, None]
    (z, log_det), _ = Logit(1e-12).forward(x)
    np.testing.assert_allclose(-log_det, stats.logistic.logpdf(z[:, 0]), rtol=1e-8)
    ends = np.array([[0.0], [2**-30], [1 - 2**-24], [1.0]], "float32")
    (z, log_det), _ = Logit(1e-6).forward(ends)
    assert z.dtype == log_det.dtype == np.float32
    np.testing.assert_allclose(z[[0, -1], 0], np.array([-1, 1]) * math.log((1 - 1e-6) / 1e-6), rtol=1e-6)
    np.testing.assert_allclose(Logit(1e-6).inverse(z), ends, atol=1e-7)


def test_bins_learn_how_often_each_level_is(rng):
    """Of dequantized levels log p(x) of a uniform F(x) is log K p_k: by gradient it comes to minus their entropy."""
    part = Bins(2, 4).bind("float64")
    p = np.array([[0.7, 0.1, 0.1, 0.1], [0.05, 0.05, 0.3, 0.6]])
    k = np.stack([rng.choice(4, 4000, p=row) for row in p], axis=1)
    x = (k + rng.random(k.shape)) / 4
    for _ in range(200):
        (z, log_det), cache = part.forward(x)
        part.zero_grad()
        part.backward(0 * x, np.full(len(x), 1 / len(x)), cache)
        part.theta += 0.02 * part.grad
    shares = np.stack([np.bincount(column, minlength=4) / len(k) for column in k.T])
    assert log_det.mean() == pytest.approx(2 * math.log(4) + (shares * np.log(shares)).sum(), abs=1e-3)
    assert stats.kstest(z[:, 0], "uniform").pvalue > 0.01
    np.testing.assert_allclose(part._tables()[1], shares, atol=2e-3)


@pytest.mark.parametrize("dequantize", [False, True])
def test_the_density_adds_up_to_1(dequantize, rng):
    """By quadrature at the middles of a grid's cells, whose borders are those of the bins."""
    own = {"dequantize": True, "logit_alpha": 1e-4, "bins": 4} if dequantize else {}
    model, _, _ = small("nvp", rng, shape=(2,), flows=4, hidden=[6], shake=0.03, **own)
    low, high, n = (0, 1, 400) if dequantize else (-12, 12, 400)
    points = low + (high - low) * (np.arange(n) + 0.5) / n
    grid = np.stack(np.meshgrid(points, points), axis=-1).reshape(-1, 2)
    p = np.exp(model.log_weights(grid, model.draw_eps(rng, 1, len(grid)))[0])
    assert p.sum() * ((high - low) / n) ** 2 == pytest.approx(1, abs=1e-3)


def test_samples_have_the_density(rng):
    """E[log p(x)] over draws is that over z; a planted error of 1 % in the scale would move it by |z| > 8."""
    model, _, _ = small("nvp", rng, shape=(2,), flows=4, hidden=[6])
    x = model.sample(20_000, rng)
    log_px = log_evidence(model, x, 1, rng)
    (z, log_det), _ = model.flow.forward(x)
    np.testing.assert_allclose(log_px, stats.norm.logpdf(z).sum(axis=1) + log_det, rtol=1e-9)
    for moment, expected, std in ((z, 0, 1), (z**2, 1, math.sqrt(2))):
        assert (np.abs(moment.mean(axis=0) - expected) * math.sqrt(len(z)) / std < 4).all()


def test_what_scores_and_evidence_say(rng):
    model, x, _ = small("nvp", rng, shape=(5,), flows=2, hidden=[4])
    assert model.exact
    scores = row_scores(model, x, 3, rng)
    assert list(scores) == ["log_px"]
    metrics = model.loss_and_grads(x, model.draw_noise(rng, len(x)), grads=False)
    assert scores["log_px"].mean() == pytest.approx(metrics["log_px"], rel=1e-12)
    assert metrics["loss"] == -metrics["log_px"]
    log_det, log_pz, nothing = model.log_terms(x, model.draw_eps(rng, 2, len(x)))
    np.testing.assert_allclose((log_det + log_pz)[1], scores["log_px"], rtol=1e-12)
    assert not nothing.any()


def test_it_learns_two_modes(rng):
    """A mixture of two Gaussians: log p(x) of the model comes near the known one, which no single Gaussian does."""
    from minivae import Adam

    model = RealNVP.build((2,), rng, hidden=[32], flows=6)
    optimizer = Adam(model, 5e-3)
    draw = lambda n: np.where(rng.random((n, 1)) < 0.5, -2.0, 2.0) + 0.3 * rng.standard_normal((n, 2))  # noqa: E731
    for _ in range(250):
        model.loss_and_grads(draw(200).astype("float32"), {})
        optimizer.step()
    x = draw(2000)
    known = np.logaddexp(*(stats.norm.logpdf(x, m, 0.3).sum(axis=1) for m in (-2, 2))) - math.log(2)
    gaussian = stats.multivariate_normal(x.mean(axis=0), np.cov(x.T)).logpdf(x)
    found = log_evidence(model, x.astype("float32"), 1, rng)
    assert known.mean() - 0.7 < found.mean() < known.mean() + 0.05
    assert found.mean() > gaussian.mean() + 0.5


# ---- on the command line


def test_grey_levels_are_spread_where_they_are_known():
    read = lambda **own: complete({"model": "nvp"} | own)  # noqa: E731
    assert read()["dequantize"] is read(data="mnist")["dequantize"] is True
    assert read(data="rows.npy")["dequantize"] is read(standardize=True)["dequantize"] is False
    assert read()["logit_alpha"] == 1e-4
    assert (read()["bins"], read(data="mnist")["bins"], read(data="rows.npy")["bins"]) == (17, 256, None)
    assert read(data="rows.npy")["logit_alpha"] is None
    assert read(arch="conv")["channels"] == [16, 16]


def test_digits_from_the_command_line(tmp_path, capsys, no_pictures):
    """Trained, evaluated: log p(x) with its error, and bits of 17 levels; codes there and back."""
    out = tmp_path / "run"
    assert main(["train", "--model", "nvp", "--flows", "2", "--hidden", "8", "--epochs", "1", "--out", str(out)]) == 0
    capsys.readouterr()
    assert main(["evaluate", str(out), "--samples", "4", "--measure", "latents"]) == 0
    printed = capsys.readouterr().out
    report = json.loads((out / "evaluate-test.json").read_text())
    bits = (-report["log_px"] + 64 * math.log(17)) / (64 * math.log(2))
    assert report["log_px_bits_per_dimension"] == pytest.approx(bits)
    assert report["levels"] == 17
    assert f"log_px {report['log_px']:.2f} +- {report['log_px_standard_error']:.2f} nats" in printed
    assert f"log_px {bits:.4f} bits per dimension, of 17 levels, dequantized" in printed
    evidence = report["evidence"]["4"]
    assert (evidence["method"], evidence["quantity"]) == ("exact", "log p(x)")
    assert evidence["bits_per_dimension"] == pytest.approx(bits)
    assert "marginal KL from one z of each" in printed
    error = error_of(capsys, "evaluate", out, "--annealed", "2")
    assert "annealed: nothing to estimate of the model nvp; --samples gives its exact log p(x)" in error


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--data", "one.npy"], "shape: expected two numbers or more in a row, half of which a coupling keeps, got 1"),
        (["--arch", "conv", "--data", "x.npy"], "shape: expected (h, w, c) for arch conv, got (3,)"),
        (["--arch", "conv", "--channels", "4", "5"], "channels: expected blocks of one width, got [4, 5]"),
        (["--arch", "gru"], "arch: expected one of dense, conv, got 'gru'"),
        (["--channels", "4"], "channels: expected arch conv, got dense"),
        (["--logit-alpha", "0.1", "--data", "x.npy"], "logit_alpha: expected dequantize True, got False"),
        (["--logit-alpha", "0.5"], "logit_alpha: expected a finite number > 0 and < 0.5, got 0.5"),
        (["--binarize", "once"], "dequantize: expected a Gaussian likelihood, no bits"),
        (["--data", "names"], "model: expected seqvae, lm for lines of text, got nvp"),
        (["--flows", "0"], "flows: expected a whole number >= 1, got 0"),
    ],
)
def test_refusals(options, message, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", np.random.default_rng(0).random((20, 3)))
    np.save("one.npy", np.random.default_rng(0).random((20, 1)))
    assert message in error_of(capsys, "train", "--model", "nvp", *options, "--out", "run")

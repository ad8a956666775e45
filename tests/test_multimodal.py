"""x and its class from one z: products and mixtures of experts, any of them known, and what one says of the other."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import special, stats
from test_cli import error_of

from minivae import load_run, log_evidence
from minivae.backend import generator
from minivae.cli import main
from minivae.cli.decoding import codes
from minivae.cli.families import MEASURES, Case
from minivae.densities import mixture_of_experts, product_of_experts
from minivae.evaluate import annealed_evidence, impute, row_scores
from minivae.evaluate.latents import kl_per_latent
from minivae.gradcheck import check_gradients
from minivae.layers import beside, left_and_right
from minivae.models import Labels
from minivae.models.examples import small
from minivae.models.multimodal import EXPERTS
from minivae.params import replaced
from minivae.runs import Run


@pytest.fixture
def rng():
    return np.random.default_rng(0)


# ---- the experts


def test_product_is_the_product_of_the_densities(rng):
    """On a grid of z the densities are multiplied and made to sum to 1; without experts it is the prior."""
    mu, log_var = rng.standard_normal((2, 3, 4, 1))
    observed = np.array([[1.0, 1, 0, 0], [1, 0, 1, 0], [1, 0, 0, 0]])
    z = np.linspace(-12, 12, 20_001)
    mean, log_v = product_of_experts(mu, log_var, observed=observed)[..., 0]
    for n in range(4):
        density = stats.norm.pdf(z)
        for m in np.flatnonzero(observed[:, n]):
            density *= stats.norm.pdf(z, mu[m, n], np.exp(0.5 * log_var[m, n]))
        density /= density.sum()
        assert mean[n] == pytest.approx((density * z).sum(), abs=1e-9)
        assert np.exp(log_v[n]) == pytest.approx((density * (z - mean[n]) ** 2).sum(), rel=1e-7)


def test_mixture_is_the_mean_of_the_densities(rng):
    mu, log_var = rng.standard_normal((2, 3, 4, 2))
    observed = np.array([[1.0, 1, 0, 1], [1, 0, 1, 1], [1, 0, 0, 1]])
    z = rng.standard_normal((5, 4, 2))
    log_q = stats.norm.logpdf(z, mu[:, None], np.exp(0.5 * log_var[:, None])).sum(axis=-1)  # (3, 5, 4)
    expected = np.log((observed[:, None] * np.exp(log_q)).sum(axis=0) / observed.sum(axis=0))
    np.testing.assert_allclose(mixture_of_experts(z, mu, log_var, observed=observed), expected, rtol=1e-10)


# ---- bounds and evidence


def known_and_not(rng, experts, **options):
    """A model of two latents, and rows of which all is known, x alone, y alone, or nothing."""
    options = {"hidden": (6,), "activation": "tanh", "shake": 0.05, "experts": experts} | options
    model, x, _ = small("multimodal", rng, n=6, **options)
    for name in ("encoder", "label_encoder"):
        model.params[f"{name}.layers.2.b"].data[2:] += 1.5  # so that no q is much narrower than the posterior
    x[[2, 5]] = np.nan
    return model, x, np.array([0, 1, 2, -1, 1, -1])


def exact(model, x, y):
    """log p of what is known, a sum over a grid of z."""
    axis = np.linspace(-8, 8, 161)
    z = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 1, 2)
    p_x = special.expit(model.decoder(z))  # (M, 1, D)
    log_px = np.where(np.isnan(x), 0, np.where(x > 0.5, np.log(p_x), np.log1p(-p_x))).sum(axis=-1)
    log_py = special.log_softmax(model.label_decoder(z), axis=-1)[:, 0, y] * (y >= 0)
    log_joint = log_px + log_py + stats.norm.logpdf(z).sum(axis=-1)
    return special.logsumexp(log_joint, axis=0) + 2 * np.log(axis[1] - axis[0])


@pytest.mark.parametrize("experts", EXPERTS)
def test_elbo_below_samples_below_quadrature(experts, rng):
    """Of the pair, of each alone, and of nothing, whose log p is 0."""
    model, x, y = known_and_not(rng, experts)
    log_p = exact(model, x, y)
    assert log_p[5] == pytest.approx(0, abs=1e-9)
    log_w = model.log_weights(x, rng.standard_normal((20_000, 6, 2)), y)
    w = np.exp(log_w - log_p)
    error = w.std(axis=0) / 20_000**0.5
    assert (np.abs(w.mean(axis=0) - 1) < 4 * error + 1e-9).all()
    assert error[:5].max() < 0.1
    assert (log_w[:, :5].mean(axis=0) < log_p[:5] - 0.01).all()
    assert np.abs(log_w[:, 5]).max() < 1e-9
    many = [model.loss_and_grads(x, {**model.draw_noise(rng, 6, train=False), "eps": eps}, y=y, grads=False)["elbo"]
            for eps in rng.standard_normal((300, 6, 2))]  # fmt: skip
    assert np.mean(many) < log_w.mean() + 4 * np.std(many) / 300**0.5


def test_loss_of_a_product_is_three_bounds(rng):
    """-ELBO(x, y) - ELBO(x) - ELBO(y), log p(y | z) weighed; of rows of which one is known there is one bound."""
    model, x, _ = small("multimodal", rng, label_weight=1.0)
    y, noise = np.array([0, 1, 2, 0, 1]), model.draw_noise(rng, 5)
    nothing = np.full_like(x, np.nan)
    parts = [model.loss_and_grads(a, noise, y=b)["loss"] for a, b in ((x, None), (nothing, y))]
    whole = model.loss_and_grads(x, noise, y=y)
    assert whole["loss"] == pytest.approx(sum(parts) - whole["elbo"])
    assert parts[0] == pytest.approx(-model.loss_and_grads(x, noise)["elbo"])
    model.label_weight = 3.0
    heavier = model.loss_and_grads(x, noise, y=y)
    assert heavier["elbo"] == whole["elbo"]
    assert heavier["loss"] > whole["loss"]


@pytest.mark.parametrize("experts", EXPERTS)
@pytest.mark.parametrize("known", ["x and y", "x", "y", "some"])
def test_gradients_whatever_is_known(experts, known, rng):
    model, x, y = known_and_not(rng, experts)
    if known != "some":
        x = np.where(np.isnan(x), 1.0, x) if "x" in known else np.full_like(x, np.nan)
        y = np.maximum(y, 0) if "y" in known else None
    checks = check_gradients(model, x, rng, y=y)
    silent = {"x": "label_", "y": ("encoder", "decoder")}.get(known, ())
    assert all(check.ok for name, check in checks.items() if not name.startswith(silent)), checks


# ---- what is said of one from the other


@pytest.mark.parametrize("experts", EXPERTS)
def test_one_from_the_other(experts, rng):
    """z of y alone decides what is drawn, z of x alone what class it has; what is not known changes nothing."""
    model, x, y = known_and_not(rng, experts)
    draws = [model.sample(6, np.random.default_rng(1), y=labels) for labels in (y, np.full(6, -1), None)]
    np.testing.assert_array_equal(draws[1], draws[2])
    unknown = y < 0
    np.testing.assert_array_equal(draws[0][unknown], draws[2][unknown])
    assert (np.abs(draws[0] - draws[2]).max(axis=1) > 1e-4)[~unknown].all()
    eps = np.random.default_rng(1).standard_normal((6, 2), dtype="float32")
    np.testing.assert_allclose(model.reconstruct(np.full_like(x, np.nan), eps, y=y), draws[0])
    p = model.classify(x)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    z = model.encode(x)
    z = z[0] if experts == "product" else z
    np.testing.assert_allclose(p, special.softmax(model.label_decoder(z), axis=-1))
    np.testing.assert_array_equal(p[2], p[5])


def test_what_is_refused(rng):
    for options, message in (({"labels": Labels("rows", 3)}, "labels: expected classes"), ({"norm": "batch"}, "norm:")):
        with pytest.raises(ValueError, match=message):
            small("multimodal", rng, **options)
    model, x, _ = small("multimodal", rng)
    x[0, 1] = np.nan
    with pytest.raises(ValueError, match="x: expected rows that are finite, or NaN as a whole"):
        model.encode(x)
    with pytest.raises(ValueError, match="y: expected classes 0 to 2"):
        model.sample(2, rng, y=np.array([0, 3]))


def test_evidence_of_both(rng):
    model, x, _ = small("multimodal", rng)
    assert model.evidence == "log p(x, y)"
    y = np.arange(5) % 3
    both, alone = (log_evidence(model, x, 2000, np.random.default_rng(1), y=labels) for labels in (y, None))
    assert (both < alone).all()


# ---- the measure


def test_the_measure(tmp_path, capsys, no_pictures):
    """Shares of 100 %, with their errors; y from x as `labels` counts it. A model of x alone has none."""
    out = tmp_path / "run"
    small = ["--hidden", "16", "--latent", "2", "--epochs", "2", "--experts", "mixture"]
    assert main(["train", "--model", "multimodal", *small, "--out", str(out)]) == 0
    assert main(["evaluate", str(out), "--samples", "5", "--measure", "cross", "labels"]) == 0
    report = json.loads((out / "evaluate-test.json").read_text())
    found = report["measures"]["cross"]
    assert found["y_from_x"] == pytest.approx(100 - report["measures"]["labels"]["error"])
    for name in ("y_from_x", "x_from_y", "both_from_the_prior", "held_out_rows"):
        p = found[name] / 100
        assert found[f"{name}_standard_error"] == pytest.approx(100 * (p * (1 - p) / (found["rows"] - 1)) ** 0.5)
    assert found["held_out_rows"] > 60 > found["x_from_y"]
    assert (out / "cross-test.png").exists()
    said = capsys.readouterr().out
    assert "log p(x, y) -" in said
    assert "bits per dimension" not in said  # of x and y together there is none
    trained, (x, _) = load_run(out), Run.open(out).read_data().validation
    np.testing.assert_array_equal(trained.sample(2, y=1), trained.sample(2, y=[1]))  # one label for all
    with replaced(trained, prepared=lambda *given: (x[:30], None)):
        found = trained.score(x[:30], samples=20)
    alone = row_scores(trained.model, x, 20, generator(0, "evaluate"))["log_px"]  # without y, as these rows are
    np.testing.assert_allclose(found["log_px_quantile"], (alone <= alone[:30, None]).mean(axis=1))
    assert "split: cross needs rows" in error_of(capsys, "evaluate", out, "--measure", "cross", "--split", "train")


def test_latents_are_those_of_x_alone(rng):
    """q(z | x), as in every other model: not what y adds to it."""
    model, x, _ = small("multimodal", rng, n=40, shake=0.3)
    y = np.arange(40) % 3
    run = SimpleNamespace(settings={"model": "multimodal", "beta": 1.0}, finished=list, file=str)
    case = Case(run, model, None, "test", x, y, y, 0, 1)
    found = MEASURES["latents"](case).numbers
    np.testing.assert_allclose(found["kl_per_latent"], kl_per_latent(model, x))
    assert np.abs(kl_per_latent(model, x, y) / found["kl_per_latent"] - 1).max() > 0.1


def test_the_measure_needs_both(tmp_path, capsys, no_pictures):
    out = tmp_path / "vae"
    assert main(["train", "--hidden", "4", "--latent", "2", "--epochs", "1", "--out", str(out)]) == 0
    error = error_of(capsys, "evaluate", out, "--measure", "cross")
    assert error == "minivae: measure: cross needs a model of things that are seen in two ways, vae is none\n"


# ---- halves of an image


def test_left_and_right(rng):
    """The columns of images, in each of n_out blocks; odd widths have the larger half on the right."""
    x = np.arange(2 * 3 * 5 * 2.0).reshape(1, 2, 3, 5, 2)  # two blocks of an image of 3 x 5 pixels, 2 channels
    left, right = left_and_right(x.reshape(1, -1), (3, 5, 2))
    np.testing.assert_array_equal(left, x[..., :2, :].reshape(1, -1))
    np.testing.assert_array_equal(right, x[..., 2:, :].reshape(1, -1))
    np.testing.assert_array_equal(beside(left, right, (3, 5, 2)), x.reshape(1, -1))


def half_known(rng, experts):
    """A model of halves and rows of which all is known, the left half, the right half, or nothing."""
    model, x, _ = small("halves", rng, n=4, experts=experts, hidden=(6,), activation="tanh", shake=0.05)
    for name in ("encoder", "right_encoder"):
        model.params[f"{name}.layers.2.b"].data[2:] += 1.5
    images = x.reshape(4, 4, 4)
    images[1, :, 2:] = images[2, :, :2] = images[3] = np.nan
    return model, x


@pytest.mark.parametrize("experts", EXPERTS)
def test_evidence_of_halves(experts, rng):
    """Of both, of one, and of nothing: log_evidence is below quadrature over all pixels that are known, and near it."""
    model, x = half_known(rng, experts)
    axis = np.linspace(-8, 8, 161)
    z = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 1, 2)
    p_x = special.expit(model.decoder(z))
    log_px = np.where(np.isnan(x), 0, np.where(x > 0.5, np.log(p_x), np.log1p(-p_x))).sum(axis=-1)
    log_p = special.logsumexp(log_px + stats.norm.logpdf(z).sum(axis=-1), axis=0) + 2 * np.log(axis[1] - axis[0])
    w = np.exp(model.log_weights(x, rng.standard_normal((20_000, 4, 2))) - log_p)
    error = w.std(axis=0) / 20_000**0.5
    assert (np.abs(w.mean(axis=0) - 1) < 4 * error + 1e-9).all()
    assert error.max() < 0.05
    np.testing.assert_allclose(log_evidence(model, x, 5000, rng), log_p, atol=0.2)
    checks = check_gradients(model, x, rng)
    assert checks.ok, checks


@pytest.mark.parametrize("experts", EXPERTS)
def test_a_half_completes_the_other(experts, rng):
    """What is known stays; what fills the rest depends on it. A half of which some pixels are missing is refused."""
    model, x = half_known(rng, experts)
    filled = impute(model, x, 50, rng)
    known = ~np.isnan(x)
    np.testing.assert_array_equal(filled[known], x[known])
    assert np.isfinite(filled).all()
    other = np.where(known, 1 - x, np.nan)
    assert np.abs(model.reconstruct(other)[1:3] - model.reconstruct(x)[1:3]).max() > 1e-3
    np.testing.assert_array_equal(model.reconstruct(other)[3], model.reconstruct(x)[3])
    with pytest.raises(ValueError, match="x: annealing is known for rows of which all is known"):
        annealed_evidence(model, x, 3, rng)
    for value in (1, -1):  # of the left half, and of the right one
        gap = x.copy()
        gap[0, value] = np.nan
        with pytest.raises(ValueError, match="x: expected rows that are finite, or NaN as a whole"):
            model.encode(gap)
    for shape in ((16,), (4, 1, 1)):
        with pytest.raises(ValueError, match=r"shape: expected images \(h, w, c\) of at least two columns"):
            small("halves", rng, shape=shape)
    with pytest.raises(ValueError, match="shape: expected a list of numbers, got None"):
        small("halves", rng, shape=None)


def test_the_measure_of_halves(tmp_path, capsys, no_pictures):
    """log p(both) is log p(left) + log p(right | left), and the other way round; what halves share is told once."""
    out = tmp_path / "run"
    small = ["--hidden", "16", "--latent", "2", "--epochs", "2"]
    assert main(["train", "--model", "halves", *small, "--out", str(out)]) == 0
    assert main(["evaluate", str(out), "--measure", "cross", "--images", "100"]) == 0
    found = json.loads((out / "evaluate-test-100-rows.json").read_text())["measures"]["cross"]
    model, _ = Run.open(out).load_model()
    assert found["rows"] == 100
    for way in ("right_from_left", "left_from_right"):
        assert 0.01 < found[way]["square_error"][0] < 0.5
        assert found[way]["log_p"][0] < 0
    both = found["log_p"]["both"][0]
    assert found["shared"][0] == pytest.approx(both - found["log_p"]["left"][0] - found["log_p"]["right"][0])
    assert found["right_from_left"]["log_p"][0] == pytest.approx(both - found["log_p"]["left"][0])
    grown = found["log_p_grown"]
    assert grown["from_samples"] == 10
    assert all(0 < grown[name] < 5 for name in ("both", "left", "right"))
    said = capsys.readouterr().out
    assert "log p(right | left) -" in said
    assert "each log p is a bound from below, and a difference of two none: from 10 samples to 50 they grew" in said
    assert list(out.glob("cross-test*.png"))
    assert model.evidence == "log p(x)"


def test_a_user_gives_one_half(tmp_path, monkeypatch):
    """The other is found; half of a half is refused in one line."""
    monkeypatch.setattr("minivae.cli.training.draw_run", lambda run, data: None)
    assert main(["train", "--model", "halves", "--hidden", "4", "--epochs", "1", "--out", str(tmp_path / "a")]) == 0
    trained = load_run(tmp_path / "a")
    x = np.random.default_rng(0).random((3, 8, 8), "float32")
    x[0, :, :4] = x[1, :, 4:] = np.nan
    for found in (trained.reconstruct(x), trained.impute(x), trained.encode(x)[0]):
        assert np.isfinite(found).all()
    np.testing.assert_allclose(trained.impute(x)[0, :, 4:].reshape(8, 4), x[0, :, 4:], atol=1e-6)
    x[2, 0, 0] = np.nan
    with pytest.raises(ValueError, match="expected rows that are finite, or NaN as a whole"):
        trained.encode(x)


def test_pictures_of_q_are_of_x_alone(rng):
    model, x, y = small("multimodal", rng)
    np.testing.assert_array_equal(codes(Path("a.png"), model, x, np.abs(y)), model.encode(x)[0])

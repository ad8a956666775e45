"""Levels of latents: exact answers, what one level comes to, what an empty message comes to, and the commands."""

import json

import numpy as np
import pytest
from cases import between, hierarchy
from scipy import stats
from test_cli import error_of

from minivae import log_evidence
from minivae.backend import place
from minivae.cli import main
from minivae.evaluate import annealed_evidence, by_level, carried_down, place_of
from minivae.layers import Columns, Dense, Network, Split
from minivae.models import HVAE, IWAE, LadderVAE
from minivae.models.examples import small
from minivae.posteriors import BottomUp, TopDown
from minivae.priors import Hierarchy
from minivae.runs.settings import complete, read_options
from minivae.truth.laws import bounds_ordered

BOTH = pytest.mark.parametrize("name", ["hvae", "ladder"])


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def linear(name, rng):
    """(model, x, log p(x)) with linear networks: z2 ~ N(0, I), z1 = z2 A + a + noise, x = z1 W + b + noise."""
    model, _, _ = small(name, rng, shape=(4,), hidden=(), latent=2, upper=[2], between=[], likelihood="gaussian-fixed",
                        std=1.0, beta_schedule="constant")  # fmt: skip
    (dense, _), (_, last) = model.prior.networks[0].layers, model.decoder.layers
    dense.W.data[...] = np.concatenate([0.5 * rng.standard_normal((2, 2)), np.zeros((2, 2))], axis=1)
    A, a, v = dense.W.data[:, :2], dense.b.data[:2], np.exp(dense.b.data[2:])
    W, b = last.W.data, last.b.data
    for name, param in model.params.items():
        if name.startswith(("encoder", "posterior")):  # q is wide, so that importance sampling is sure of its answer
            param.data *= 0.1
            if name.endswith(".b"):
                param.data[2:] = 1.0  # of log_var
    p = stats.multivariate_normal(a @ W + b, W.T @ (A.T @ A + np.diag(v)) @ W + np.eye(4))
    x = p.rvs(6, random_state=1)
    return model, x, p.logpdf(x)


@BOTH
def test_evidence_of_a_linear_hierarchy(name, rng):
    """Importance sampling and annealing reach log p(x), which is that of a Gaussian; the bounds stay below it."""
    model, x, log_px = linear(name, rng)
    np.testing.assert_allclose(log_evidence(model, x, 100_000, rng), log_px, atol=0.05)
    np.testing.assert_allclose(annealed_evidence(model, x, 200, rng, chains=64).log_px, log_px, atol=0.2)
    laws = bounds_ordered(model, x, rng, log_px=log_px)
    assert all(law.ok for law in laws.values()), laws


@pytest.mark.parametrize("cls", [HVAE, LadderVAE])
@pytest.mark.parametrize("arch", ["dense", "conv"])
def test_one_level_is_the_iwae(cls, arch, rng):
    """Loss and every gradient, by the same weights and noise."""
    networks = {"arch": arch, "hidden": (5,), "channels": (2,), "latent": 3, "dropout": 0.2}
    models = [cls.build((4, 4, 1), np.random.default_rng(1), upper=[], samples=3, beta_schedule="constant", **networks),
              IWAE.build((4, 4, 1), np.random.default_rng(1), samples=3, **networks)]  # fmt: skip
    x = (rng.random((5, 16)) < 0.5).astype("float32")
    noise = models[1].draw_noise(rng, 5)
    own = noise | {"enc": [noise["enc"]] if cls is LadderVAE else noise["enc"], "dec": [None, *noise["dec"]]}
    one, other = models[0].loss_and_grads(x, own), models[1].loss_and_grads(x, noise)
    assert one == other | {"kl_1": one["kl_1"]}
    assert one["kl_1"] == pytest.approx(one["kl"], abs=1e-4)
    np.testing.assert_array_equal(models[0].grad, models[1].grad)


def test_a_ladder_that_hears_nothing_of_x_has_the_prior_for_a_posterior(rng):
    """Heads without precision: q = p, sample by sample, so that every KL is 0."""
    model, x, _ = small("ladder", rng, latent=3, upper=[2, 2], between=[4], samples=5, beta_schedule="constant")
    for i, head in enumerate(model.encoder.heads):
        head.layers[0].W.data[...] = 0
        half = head.layers[0].b.data.size // 2
        head.layers[0].b.data[:half] = 0 if i == 2 else rng.standard_normal(half)
        head.layers[0].b.data[half:] = 0 if i == 2 else 80  # the highest level is not combined
    metrics = model.loss_and_grads(x, place(model.draw_noise(rng, len(x)), like=model.theta))
    for name in ("kl", "kl_1", "kl_2", "kl_3"):
        assert abs(metrics[name]) < 1e-12
    eps = rng.standard_normal((7, len(x), model.L))
    _, log_pz, log_qz_x = model.log_terms(x, eps)
    np.testing.assert_allclose(log_qz_x, log_pz, rtol=1e-12)
    (z, _), _ = model.posterior.forward(model.encoder(x), eps)
    np.testing.assert_allclose(z, model.prior.draw(eps), rtol=1e-12)


def test_a_ladder_weighs_by_precision(rng):
    """By hand: variances 1 / 4 and 1 have precisions 4 and 1, so the mean is 0.8 of one and 0.2 of the other."""
    network = Network(Dense(1, 2, rng), Split(2))
    network.layers[0].W.data[...] = [[3.0, 0.0]]  # p(z1 | z2) = N(3 z2, 1)
    posterior = TopDown(Hierarchy([1, 1], [network])).bind("float64")
    heads = [np.array([[value]]) for value in (10.0, np.log(0.25), 2.0, np.log(9.0))]
    (z, log_q), _ = posterior.forward(heads, np.array([[0.5, 1.0]]))
    z2 = 2 + 3 * 1.0
    mean, variance = 0.8 * 10 + 0.2 * 3 * z2, 0.2
    np.testing.assert_allclose(z, [[mean + 0.5 * variance**0.5, z2]])
    expected = stats.norm(mean, variance**0.5).logpdf(z[0, 0]) + stats.norm(2, 3).logpdf(z2)
    np.testing.assert_allclose(log_q, [expected])


def test_the_networks_of_the_prior_are_those_of_the_ladder(rng):
    """They count once, under the prior's name, and learn from both."""
    model, x, _ = small("ladder", rng, upper=[2], between=[3], samples=2, beta_schedule="constant")
    names = {name.split(".")[0] for name in model.params}
    assert names == {"prior", "encoder", "decoder"}
    assert model.theta.size == sum(p.data.size for p in model.params.values())
    for i in range(2):
        model.zero_grad()
        (z, log_q), c_q = model.posterior.forward(model.encoder(x), model.draw_eps(rng, 2, len(x)))
        part, cache, args = ((model.posterior, c_q, (z, log_q)), (model.prior, model.prior.forward(z)[1], (log_q,)))[i]
        part.backward(*args, cache)
        assert np.abs(model.params["prior.networks.0.layers.0.W"].grad).max() > 0


@BOTH
def test_the_kl_is_the_sum_of_its_levels(name, rng):
    model, x, _ = small(name, rng, upper=[2, 1], between=[3], samples=4, beta_schedule="constant")
    metrics = model.loss_and_grads(x, model.draw_noise(rng, len(x)))
    assert list(metrics)[-3:] == ["kl_1", "kl_2", "kl_3"]
    assert sum(metrics[f"kl_{i}"] for i in (1, 2, 3)) == pytest.approx(metrics["kl"], rel=1e-10)
    assert min(abs(metrics[f"kl_{i}"]) for i in (1, 2, 3)) > 1e-4
    assert set(model.metrics_of({"upper": [2, 1]})) == set(metrics)


# ---- the prior


def test_the_density_of_a_hierarchy_adds_up_to_1():
    prior = hierarchy([1, 1]).bind("float64")
    axis = np.linspace(-12, 12, 801)
    z = np.stack(np.meshgrid(axis, axis), axis=-1)
    assert np.exp(prior(z)).sum() * (axis[1] - axis[0]) ** 2 == pytest.approx(1, abs=1e-8)


def test_the_density_of_each_level(rng):
    prior = hierarchy([2, 2, 1]).bind("float64")
    z = rng.standard_normal((4, 5))
    log_pz, cache = prior.forward(z)
    parts = prior.log_levels(cache)
    np.testing.assert_allclose(sum(parts), log_pz)
    for i, (below, above) in enumerate(((z[:, :2], z[:, 2:4]), (z[:, 2:4], z[:, 4:]))):
        mu, log_var = prior.networks[i](above)
        np.testing.assert_allclose(parts[i], stats.norm(mu, np.exp(0.5 * log_var)).logpdf(below).sum(axis=1))
    np.testing.assert_allclose(parts[2], stats.norm.logpdf(z[:, 4]))


def test_levels_are_drawn_given_those_above(rng):
    prior = hierarchy([2, 2, 1]).bind("float64")
    z, noise = rng.standard_normal((2, 4, 5))
    np.testing.assert_array_equal(prior.draw_below(1, z, noise), z)
    drawn = prior.draw_below(2, z, noise)
    np.testing.assert_array_equal(drawn[:, 2:], z[:, 2:])
    mu, log_var = prior.networks[0](z[:, 2:4])
    np.testing.assert_allclose(drawn[:, :2], mu + np.exp(0.5 * log_var) * noise[:, :2])
    np.testing.assert_allclose(prior.draw_below(2, z, 0 * noise)[:, :2], mu)
    np.testing.assert_array_equal(prior.draw_below(3, z, noise)[:, 4:], z[:, 4:])
    np.testing.assert_array_equal(prior.draw(noise)[:, 4:], noise[:, 4:])


def test_what_does_not_fit_is_refused(rng):
    with pytest.raises(ValueError, match="networks: expected 2 for 3 levels, got 1"):
        Hierarchy([2, 2, 1], between([2, 1], rng))
    with pytest.raises(ValueError, match="n: expected at most L = 2 columns, got 3"):
        Columns(3, 2)
    with pytest.raises(ValueError, match="heads: TopDown takes 4, got 2"):
        TopDown(hierarchy([1, 1])).forward([np.zeros((1, 1))] * 2, np.zeros((1, 2)))
    with pytest.raises(ValueError, match="k: expected a latent of 3"):
        place_of([2, 1], 3)
    with pytest.raises(ValueError, match="model: expected one with levels of latents, VAE has none"):
        by_level(small("vae", rng)[0], np.zeros((3, 16)), rng)
    with pytest.raises(ValueError, match="x: expected two rows or more, got 1"):
        by_level(small("hvae", rng)[0], np.zeros((1, 16)), rng)


# ---- what a level carries


def test_active_units_and_kl_of_levels(rng):
    """q(z2 | z1) = N([z1, 0], 1 / 4): one latent moves as much as the mean of z1 does, the other not at all."""
    model, x, _ = small("hvae", rng, n=400, hidden=(), latent=1, upper=[2], between=[])
    dense = model.posterior.networks[0].layers[0]
    dense.W.data[...] = [[1, 0, 0, 0]]
    dense.b.data[...] = [0, 0, np.log(0.25), np.log(0.25)]
    found = by_level(model, x, rng, draws=9)  # 8 of them: two halves
    mean = model.encoder(x)[0].var()
    assert mean > 0.05
    expected = np.array([mean, mean, 0])
    assert (np.abs(found.variances - expected) < 4 * found.errors).all()
    assert found.errors.max() < 0.5 * mean
    assert found.errors[2] < 0.01  # where the noise of four draws alone has a variance of 1 / 16
    noise = model.draw_noise(rng, 4000)
    metrics = model.loss_and_grads(np.tile(x, (10, 1)), noise, grads=False)
    error = found.kl.std(axis=0) / 20
    assert (np.abs(found.kl.mean(axis=0) - [metrics["kl_1"], metrics["kl_2"]]) < 4 * error).all()


@BOTH
def test_levels_do_not_depend_on_the_parts_they_are_computed_in(name, rng, monkeypatch):
    model, x, _ = small(name, rng, n=7, upper=[2], beta_schedule="constant")
    whole = by_level(model, x, np.random.default_rng(1), draws=20)
    monkeypatch.setattr("minivae.evaluate.levels.VALUES", 16 * 13)  # 13 pairs of a row and a draw at a time
    for a, b in zip(whole, by_level(model, x, np.random.default_rng(1), draws=20), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10)


def test_where_a_latent_is():
    assert [place_of([3, 2, 1], k) for k in range(6)] == [(1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (3, 0)]


def test_what_is_below_follows(rng):
    model, _, _ = small("hvae", rng, upper=[2])
    z = rng.standard_normal((3, 4))
    np.testing.assert_array_equal(carried_down(model, z, 1), z)
    expected = np.concatenate([model.prior.networks[0](z[:, 2:])[0], z[:, 2:]], axis=1)
    np.testing.assert_allclose(carried_down(model, z, 2), expected)


def test_the_posterior_upward_is_its_formula(rng):
    posterior = BottomUp([2, 2], between([2, 2], rng)).bind("float64")
    heads, eps = rng.standard_normal((2, 3, 2)), rng.standard_normal((5, 3, 4))
    (z, log_q), cache = posterior.forward(tuple(heads), eps)
    mu, log_var = posterior.networks[0](z[..., :2])
    first = stats.norm(heads[0], np.exp(0.5 * heads[1])).logpdf(z[..., :2]).sum(axis=-1)
    second = stats.norm(mu, np.exp(0.5 * log_var)).logpdf(z[..., 2:]).sum(axis=-1)
    np.testing.assert_allclose(log_q, first + second)
    np.testing.assert_allclose(posterior.log_levels(cache), [first, second])
    np.testing.assert_allclose(posterior.describe(tuple(heads))[:, 2:], posterior.networks[0](heads[0])[0])


# ---- commands


def test_defaults_of_levels():
    """Halves upward; a ladder warms up."""
    hvae, ladder = (complete(read_options({"model": name, "latent": 12})) for name in ("hvae", "ladder"))
    assert (hvae["upper"], ladder["upper"]) == ([6], [6, 3])
    assert (hvae["beta_schedule"], ladder["beta_schedule"], ladder["beta_epochs"]) == ("constant", "linear", 10)
    assert LadderVAE.build((4,), np.random.default_rng(0), latent=1, beta_epochs=2, pass_steps=5).beta(5) == 0.5


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@BOTH
def test_ten_levels_begin_near_the_prior(name, activation, rng):
    """Variances multiply from level to level: by Glorot's weights alone the first loss was infinite."""
    model, x, _ = small(name, rng, shape=(28, 28, 1), hidden=(300,), latent=40, upper=[40] * 9, between=[100],
                        activation=activation, shake=0, beta_schedule="constant")  # fmt: skip
    metrics = model.loss_and_grads(x, model.draw_noise(rng, len(x)))
    assert metrics["kl"] < 150


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("levels") / "run"
    options = ["--hidden", "8", "--latent", "3", "--upper", "2", "1", "--between", "6", "--epochs", "2"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("minivae.cli.training.draw_run", lambda run, data: None)
        assert main(["train", "--model", "ladder", *options, "--out", str(out)]) == 0
    return out


def test_samples_by_level(run, monkeypatch):
    """In a row the levels from that one up are the same: with level 3 one z3, with level 2 one z2 as well."""
    shown, decoded = {}, []
    decode = LadderVAE.decode
    monkeypatch.setattr(LadderVAE, "decode", lambda self, z, **given: decoded.append(z) or decode(self, z, **given))
    monkeypatch.setattr("minivae.plot.walks", lambda bands, shape, path, title, labels: shown.update(
        bands=bands, title=title))  # fmt: skip
    for level, title in (("3", "the same z3, new draws of z1, z2"), ("2", "the same z2, z3, new draws of z1")):
        decoded.clear()
        assert main(["sample", str(run), "--n", "12", "--level", level]) == 0
        assert shown["title"] == f"samples: in a row {title}"
        z = np.concatenate(decoded).reshape(len(shown["bands"]), -1, 6)
        first = 5 if level == "3" else 3
        assert (z[..., first:].std(axis=1) == 0).all()
        assert (z[..., :first].std(axis=1) > 0).all()
        assert (z[..., first:].std(axis=0) > 0).all()


def test_what_has_no_levels_says_so(run, tmp_path, capsys):
    assert "level: expected a whole number >= 2, got 1" in error_of(capsys, "sample", run, "--level", "1")
    assert "level: expected a whole number <= 3, got 4" in error_of(capsys, "sample", run, "--level", "4")
    for more in (["--draw"], ["--out", tmp_path / "x.npy"]):
        assert "level: expected a picture" in error_of(capsys, "sample", run, "--level", "2", *more)
    assert main(["train", "--hidden", "8", "--epochs", "1", "--out", str(tmp_path / "vae")]) == 0
    error = error_of(capsys, "sample", tmp_path / "vae", "--level", "2")
    assert error == "minivae: level: expected a model of two levels or more, got vae\n"


def test_walks_name_their_level(run, monkeypatch):
    shown = {}
    monkeypatch.setattr("minivae.plot.walks", lambda bands, shape, path, title, labels, tops: shown.update(
        bands=bands, title=title, labels=labels))  # fmt: skip
    assert main(["traverse", str(run)]) == 0
    assert sorted(label.split(",")[0] for label in shown["labels"]) == ["z1[0]", "z1[1]", "z1[2]", "z2[0]", "z2[1]",
                                                                       "z3[0]"]  # fmt: skip
    assert "the levels below it at their mean" in shown["title"]
    assert all(band.std(axis=0).max() > 0 for band in shown["bands"])  # also of a level that is not decoded


def test_pictures_of_codes_show_z1(run, monkeypatch):
    shown = {}
    monkeypatch.setattr("minivae.plot.latent_means", lambda mu, *rest, name: shown.update(mu=mu, name=name))
    assert main(["latent", str(run)]) == 0
    assert shown["name"] == "z1"
    assert (shown["mu"][:, 3:] == 0).all()
    assert (shown["mu"][:, :3] != 0).any()


def test_the_measure_of_levels(run, capsys):
    assert main(["evaluate", str(run), "--measure", "latents"]) == 0
    out = capsys.readouterr().out
    found = json.loads((run / "evaluate-test.json").read_text())["measures"]["latents"]
    assert len(found["kl_per_level"]) == len(found["active_units_per_level"]) == 3
    assert sum(part["value"] for part in found["kl_per_level"]) == pytest.approx(found["kl"]["value"])
    assert len(found["variance_of_mean_per_latent"]["value"]) == 6
    assert f"z1  KL {found['kl_per_level'][0]['value']:.3f}" in out
    assert f"active units: {found['active_units_per_level'][1]} of 2" in out

"""Scores of disentanglement: of codes whose score is known, and of a run on sprites."""

import itertools
import json
from functools import partial

import numpy as np
import pytest

from minivae.cli import main
from minivae.cli.families import disentanglement as family
from minivae.evaluate import (
    beta_vae_score,
    dci,
    factor_vae_score,
    modularity,
    mutual_information,
    mutual_information_gap,
    separated_attribute_predictability,
)

F, K = 4, 6
VOTES = (2000, 2000)
SCORES = {
    "beta-VAE": partial(beta_vae_score, votes=VOTES),
    "FactorVAE": partial(factor_vae_score, votes=VOTES),
    "MIG": lambda z, v, rng: mutual_information_gap(z, v),
    "DCI": dci,
    "SAP": lambda z, v, rng: separated_attribute_predictability(z, v),
    "SAP, categories": lambda z, v, rng: separated_attribute_predictability(z, v, range(F)),
    "modularity": lambda z, v, rng: modularity(z, v),
}
every_score = pytest.mark.parametrize("name", SCORES)


def grid(*sizes):
    """Every combination of values of factors of these sizes, once."""
    return np.array(list(itertools.product(*map(range, sizes))))


V = grid(*[K] * F)
Z = V - (K - 1) / 2
TURNED = np.stack([Z[:, 0] + Z[:, 1], Z[:, 0] - Z[:, 1], Z[:, 2] + Z[:, 3], Z[:, 2] - Z[:, 3]], axis=1)
ALL_1 = dict.fromkeys(SCORES, (1, 1e-9)) | {"DCI": ((1, 1, 1), 1e-8)}
KNOWN = {  # {code: (z, {score: (value, tolerance)})}
    "identity": (Z, ALL_1 | {"SAP, categories": (1 - 1 / K, 1e-9)}),
    "twice": (np.hstack([Z, Z]), ALL_1 | {
        "MIG": (0, 1e-9), "SAP": (0, 1e-9), "SAP, categories": (0, 1e-9),
        "DCI": ((1, 1 - np.log(2) / np.log(2 * F), 1), 0.02)}),
    "turned": (TURNED, {
        "beta-VAE": (1 / 2, 0.045), "FactorVAE": (1 / 2, 0.045), "MIG": (0, 1e-9),
        "DCI": ((1 - np.log(2) / np.log(F), 1 - np.log(2) / np.log(F), 1), 0.02),
        "SAP": (0, 1e-9), "SAP, categories": (0, 1e-9), "modularity": ((F - 2) / (F - 1), 1e-9)}),
}  # fmt: skip


@every_score
@pytest.mark.parametrize("code", KNOWN)
def test_codes_whose_score_is_known(code, name):
    z, known = KNOWN[code]
    value, tolerance = known[name]
    assert SCORES[name](z, V, np.random.default_rng(0)) == pytest.approx(value, abs=tolerance)


@every_score
def test_noise(name):
    """0 or chance, within 4 standard errors of the votes; that of modularity is not 0 and says so."""
    v = np.tile(V, (4, 1))
    z = np.random.default_rng(1).standard_normal((len(v), F))
    chance = {"beta-VAE": (1 / F, 0.04), "FactorVAE": (1 / F, 0.04), "DCI": ((0, 0, 1 / K), 0.02),
              "modularity": (0.3, 0.1)}  # fmt: skip
    value, tolerance = chance.get(name, (0, 0.005))
    assert SCORES[name](z, v, np.random.default_rng(0)) == pytest.approx(value, abs=tolerance)


def mixed():
    """A code of no special kind, six latents."""
    rng = np.random.default_rng(3)
    return Z @ rng.standard_normal((F, 6)) + rng.standard_normal((len(Z), 6))


@every_score
def test_neither_order_nor_sign_nor_unit_of_latents_counts(name):
    z, rng = mixed(), np.random.default_rng(4)
    other = (z * [-1, 0.01, 3, -1000, 1, -7] + 5)[:, rng.permutation(6)]
    tolerance = 0.03 if name == "DCI" else 1e-3  # a forest breaks ties at random
    expected = SCORES[name](z, V, np.random.default_rng(0))
    assert SCORES[name](other, V, np.random.default_rng(0)) == pytest.approx(expected, abs=tolerance)


@every_score
def test_latents_that_never_vary_change_nothing(name):
    z = mixed()
    dead = np.insert(z, [0, 3], [7.0, -1e6], axis=1)
    assert SCORES[name](dead, V, np.random.default_rng(0)) == SCORES[name](z, V, np.random.default_rng(0))


@pytest.mark.parametrize("name", ["beta-VAE", "FactorVAE"])
def test_a_score_by_votes_is_that_of_its_generator(name):
    score = partial(SCORES[name], mixed(), V)
    assert score(np.random.default_rng(0)) == score(np.random.default_rng(0)) != score(np.random.default_rng(1))


def test_most_codes_that_mix_factors_please_votes():
    """As the docstrings say."""
    Q = np.linalg.qr(np.random.default_rng(1).standard_normal((F, F)))[0]
    rng = np.random.default_rng(0)
    assert beta_vae_score(Z @ Q, V, rng) > 0.9
    assert factor_vae_score(Z @ Q, V, rng) > 0.9
    assert mutual_information_gap(Z @ Q, V) < 0.3
    assert dci(Z @ Q, V, rng).disentanglement < 0.3


def test_a_factor_that_no_latent_tells():
    """For beta-VAE it is the one that is left over (Kim & Mnih 2018, section 4): 1. For FactorVAE it is lost."""
    rng = np.random.default_rng(0)
    assert beta_vae_score(Z[:, 1:], V, rng) == pytest.approx(1, abs=1e-3)
    assert factor_vae_score(Z[:, 1:], V, rng) == pytest.approx(1 - 1 / F, abs=0.025)
    assert mutual_information_gap(Z[:, 1:], V) == pytest.approx(1 - 1 / F)
    assert modularity(Z[:, 1:], V) == pytest.approx(1)


# ---- closed forms


def test_mutual_information():
    """Of a factor with itself its entropy, of a part of it that of the part, of a bit with noise log 2 - H(1 / 4)."""
    v = grid(4, 2, 4)
    noisy = np.where(v[:, 2] == 0, 1 - v[:, 1], v[:, 1])
    found = mutual_information(np.stack([v[:, 0], v[:, 0] // 2, noisy, 0 * noisy], axis=1), v)
    channel = np.log(2) + 0.25 * np.log(0.25) + 0.75 * np.log(0.75)
    expected = [[np.log(4), 0, 0], [np.log(2), 0, 0], [0, channel, 0], [0, 0, 0]]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_bins_are_of_equal_width():
    """One value far out takes the others into one bin; 20 bins tell 20 of 40 values."""
    v = grid(40, 2)
    assert mutual_information(v, v)[0, 0] == pytest.approx(np.log(20))
    assert mutual_information(v, v, bins=40)[0, 0] == pytest.approx(np.log(40))
    far = np.where(v == 39, 1000, v)
    assert mutual_information(far, v, bins=2)[0, 0] == pytest.approx(-np.log(39 / 40) * 39 / 40 + np.log(40) / 40)


def test_gaps():
    """A second latent that tells half: MIG (log 4 - log 2) / log 4. One with R^2 1/2 and 1/5: SAP."""
    v = grid(4, 4)
    assert mutual_information_gap(np.stack([v[:, 0], v[:, 0] // 2, v[:, 1]], axis=1), v) == pytest.approx((0.5 + 1) / 2)
    both = np.stack([v[:, 0], v[:, 0] + 2 * v[:, 1]], axis=1)  # R^2 1, 0 and 1 / 5, 4 / 5
    assert separated_attribute_predictability(both, v) == pytest.approx((1 - 1 / 5 + 4 / 5) / 2)
    assert separated_attribute_predictability(v[:, :1], v) == pytest.approx(1 / 2)  # no second latent: 0


def test_categories_have_no_order():
    """Thresholds tell them wherever they lie, in the same share of every category."""
    v = grid(3, 5)
    z = np.stack([np.array([1, 7, 3])[v[:, 0]], v[:, 1]], axis=1)
    assert separated_attribute_predictability(z, v, [0]) == pytest.approx((2 / 3 + 1) / 2)
    assert separated_attribute_predictability(z, v) < 0.7
    often = np.repeat(v, np.where(v[:, 0] == 0, 9, 1), axis=0)
    part = np.stack([often[:, 0] == 0, often[:, 1]], axis=1).astype(int)  # tells one category of three from the others
    assert separated_attribute_predictability(part, often, [0]) == pytest.approx((2 / 3 - 1 / 3 + 1) / 2)
    rows = np.repeat(grid(2, 5, 2), [4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1], axis=0)
    half = rows[:, [2, 1]]  # 0 for half of the first category, 1 for the other half and all of the rare second
    assert separated_attribute_predictability(half, rows[:, :2], [0]) == pytest.approx((3 / 4 - 1 / 2 + 1) / 2)


def test_one_latent_of_two_factors():
    v = np.tile(grid(3, 3), (20, 1))
    z = v[:, :1] + 3 * v[:, 1:]
    assert modularity(z, v) == pytest.approx(0)
    assert modularity(np.hstack([z, v[:, :1]]), v) == pytest.approx(1 / 2)
    assert dci(z, v, np.random.default_rng(0)) == pytest.approx((0, 1, 1), abs=1e-6)


def test_modularity_of_a_latent_that_tells_nothing():
    v = grid(3, 5, 7)
    assert modularity(v, v[:, :2]) == pytest.approx(1)
    assert modularity(v[:, 2:], v[:, :2]) == 0


def test_dci_weighs_latents_by_their_importance():
    """A latent that no tree uses counts for nothing in disentanglement; completeness has L in it."""
    v = np.tile(grid(3, 3), (20, 1))
    idle = np.random.default_rng(0).permutation(len(v))[:, None] % 2
    score = dci(np.hstack([v, idle]), v, np.random.default_rng(0))
    assert score == pytest.approx((1, 1, 1), abs=1e-6)


GOOD = np.random.default_rng(0).standard_normal((24, 2))
FACTORS = grid(4, 6)


@pytest.mark.parametrize(
    ("codes", "factors", "message"),
    [
        (GOOD[:, 0], FACTORS, r"codes: expected finite numbers \(N, L\), got dtype float64, shape \(24,\)"),
        (np.where(GOOD > 0, np.nan, GOOD), FACTORS, "codes: expected finite numbers"),
        (0 * GOOD, FACTORS, "codes: expected a latent that varies"),
        (GOOD[:0], FACTORS[:0], "codes: expected a latent that varies"),
        (GOOD, FACTORS[:20], r"factors: expected whole numbers \(24, 2 or more\), got dtype int64, shape \(20, 2\)"),
        (GOOD, FACTORS[:, :1], r"factors: .* shape \(24, 1\)"),
        (GOOD, FACTORS / 2, "factors: .* got dtype float64"),
        (GOOD, FACTORS * [1, 0], "factors: expected two values or more of each, column 1 has one"),
    ],
)
@every_score
def test_bad_input(name, codes, factors, message):
    with pytest.raises(ValueError, match=message):
        SCORES[name](codes, factors, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mutual_information(GOOD, FACTORS, bins=1), "bins: expected a whole number >= 2, got 1"),
        (lambda: beta_vae_score(GOOD, FACTORS, np.random.default_rng(0), votes=(0, 5)), "votes: .* got 0"),
    ],
)
def test_bad_options(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# ---- the command


def trained(tmp_path, sprites="{side = 8, shape = [0, 2], scale = [0, 5], orientation = [0, 39], x = [0, 15, 31], "
            "y = [0, 15, 31]}", **options):  # fmt: skip
    """A run on a few sprites, after two epochs."""
    options = {"data": "sprites", "hidden": [16], "latent": 3, "epochs": 2} | options
    lines = [f"{name} = {json.dumps(value)}" for name, value in options.items()]
    (tmp_path / "c.toml").write_text("\n".join([*lines, f"sprites = {sprites}" * (options["data"] == "sprites")]))
    run = tmp_path / options.get("model", "vae")
    assert main(["train", "--config", str(tmp_path / "c.toml"), "--out", str(run)]) == 0
    return run


def measured(run):
    assert main(["evaluate", str(run), "--measure", "disentanglement"]) == 0
    return json.loads((run / "evaluate-test.json").read_text())["measures"]["disentanglement"]


@pytest.fixture(autouse=True)
def quick(no_pictures, monkeypatch):
    monkeypatch.setattr(family, "REPEATS", 2)
    for name in ("beta_vae_score", "factor_vae_score"):
        monkeypatch.setattr(family, name, partial(getattr(family, name), votes=(500, 500)))


def test_a_run(tmp_path, capsys):
    run = trained(tmp_path)
    found = measured(run)
    out = capsys.readouterr().out
    assert (found["images"], found["latents"], list(found["scores"])) == (72, [0, 1, 2], list(family.SAYS))
    assert list(found["mutual_information"]) == ["shape", "scale", "x", "y"]  # orientations 0 and 39 are the same
    for name, score in found["scores"].items():
        assert 0 <= score["score"] <= 1
        assert f"{name} {score['score']:.3f} +- {score['standard_error']:.3f}" in out
    assert "72 of the 72 images of the run's grid, those of all splits" in out
    assert "0.25 by chance" in out  # 1 / F
    assert "0.42 by chance" in out  # (1/2 + 1/2 + 1/3 + 1/3) / 4
    assert "orientation" not in out
    files = [run / "evaluate-test.json", run / "disentanglement-test.png"]
    before = [file.read_bytes() for file in files]
    assert measured(run) == found
    assert [file.read_bytes() for file in files] == before


def test_codes_that_are_read_off_the_images(tmp_path, monkeypatch):
    """Whether a square is large, and where it is, are its factors: each score is 1 if they go with its image."""
    places = [0, 4, 9, 13, 18, 22, 27, 31]
    run = trained(tmp_path, f"{{side = 32, shape = [0], scale = [0, 5], orientation = [0], x = {places}, "
                  f"y = {places}}}", latent=4)  # fmt: skip

    def read(model, x, y):
        image = x.reshape(-1, 32, 32)
        area = image.sum(axis=(1, 2))
        center = [(image.sum(axis=axis) * np.arange(32)).sum(axis=1) / area for axis in (1, 2)]
        center = np.rint((np.array(center) - 7.75) / 16 * 7)  # eight places, half a picture from first to last
        z = np.stack([area > 50, 0 * area, *center], axis=1)
        return z, 0 * z

    monkeypatch.setattr(family, "posteriors", read)
    found = measured(run)
    assert found["latents"] == [0, 2, 3]  # the other is the prior: KL 0
    for name, score in found["scores"].items():
        assert score["score"] == pytest.approx(1, abs=1e-6), name
    information = np.array(list(found["mutual_information"].values()))
    np.testing.assert_allclose(information, np.diag(np.log([2, 8, 8])), atol=1e-9)


def test_a_model_without_a_kl_and_one_that_is_given_the_shape(tmp_path, capsys):
    found = measured(trained(tmp_path, model="ae"))
    assert "3 of 3 latents\n" in capsys.readouterr().out
    assert "shape" in found["mutual_information"]
    found = measured(trained(tmp_path, model="cvae"))
    assert list(found["mutual_information"]) == ["scale", "x", "y"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"data": "digits", "epochs": 1}, "needs data with known factors, sprites, the run has digits"),
        ({"sprites": "{side = 8, shape = [0], scale = [0], orientation = [0], y = [0]}"},
         "needs two factors that vary, the run's sprites have x"),
        ({"beta": 1e4, "lr": 0.03, "epochs": 30}, "needs a latent that carries something, all 3 have a KL below 0.01"),
    ],
)  # fmt: skip
def test_what_it_cannot_measure(tmp_path, options, message, capsys):
    run = trained(tmp_path, **options)
    assert main(["evaluate", str(run), "--measure", "disentanglement"]) == 2
    error = capsys.readouterr().err
    assert f"measure: disentanglement {message}" in error
    assert error.count("\n") == 1

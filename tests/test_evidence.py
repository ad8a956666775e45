"""log p(x) by sampling, on models where it is known: bounds, effective sample sizes, annealing, and its protocol."""

import json

import numpy as np
import pytest

from minivae import VAE, load_data, log_evidence
from minivae.backend import generator
from minivae.cli import main
from minivae.data.preprocess import entropy_floor
from minivae.evaluate import Result, annealed_evidence, hash_of, row_scores, sampled_evidence
from minivae.evaluate.annealed import _betas
from minivae.models.catalog import EXAMPLES
from minivae.reports import read_result
from minivae.runs import Run
from minivae.truth import linear_gaussian as exact
from minivae.truth.quadrature import bound_by_quadrature, elbo_by_quadrature, log_evidence_by_quadrature


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def imperfect(rng, L=1):
    """A linear model whose q is wider than the posterior and beside it: its weights have a finite variance."""
    model = exact.build(rng, L=L, std=0.6, diagonal=True)
    exact.make_posterior_exact(model)
    b = model.encoder.layers[0].b.data
    b[:L] += 0.3
    b[L:] += 0.7
    return model, model.sample(3, rng, draw=rng)


def bits(rng, L):
    """A model of eight bits with a smooth decoder, in float64; quadrature knows its log p(x)."""
    model = VAE.build((8,), rng, hidden=(5,), latent=L, activation="tanh").bind("float64")
    return model, (rng.random((4, 8)) < 0.5).astype("float64")


def z_score(samples, truth):
    """(number of standard errors between the means of samples (n, N) and the truth (N,), one standard error)."""
    error = samples.std(axis=0, ddof=1) / len(samples) ** 0.5
    return (samples.mean(axis=0) - truth) / error, error


# ---- the weights


@pytest.mark.parametrize("make", ["linear", "bits"])
def test_the_mean_of_the_weights_is_the_evidence(make, rng):
    model, x = imperfect(rng) if make == "linear" else bits(rng, 2)
    truth = np.exp(exact.log_evidence(model, x) if make == "linear" else log_evidence_by_quadrature(model, x))
    w = np.exp(model.log_weights(x, rng.standard_normal((100_000, len(x), model.L))))
    z, error = z_score(w, truth)
    assert np.abs(z).max() < 4
    assert (0.01 * truth / error).max() > 4  # a 1 % error would show


def test_the_bound_of_k_samples_has_its_mean(rng):
    """At K = 1 and 10, against quadrature, which agrees with the ELBO in closed form."""
    model, x = imperfect(rng)
    truth = bound_by_quadrature(model, x, (1, 10))
    np.testing.assert_allclose(truth[0], exact.elbo(model, x), rtol=1e-10)
    found = sampled_evidence(model, np.repeat(x, 20_000, axis=0), 10, rng).bounds
    for k, expected in zip((1, 10), truth, strict=True):
        z, error = z_score(found[k].reshape(3, -1).T, expected)
        assert np.abs(z).max() < 4
        assert (0.01 * np.abs(expected) / error).min() > 8


def test_quadrature_of_bounds_on_bits(rng):
    """K = 1 is the ELBO of quadrature, which another sum gives; K = 1, 10, 100 rise to log p(x)."""
    model, x = bits(rng, 1)
    bounds = bound_by_quadrature(model, x, (1, 10, 100))
    np.testing.assert_allclose(bounds[0], elbo_by_quadrature(model, x)[0], atol=1e-8)
    log_px = log_evidence_by_quadrature(model, x)
    assert (np.diff(np.vstack([bounds, log_px]), axis=0) > 0).all()
    with pytest.raises(ValueError, match="model: expected one latent, got 2"):
        bound_by_quadrature(*bits(rng, 2), (1,))


def test_the_gap_falls_as_one_over_k(rng):
    """It is positive and falls; K times the gap is the same at 100 and 1,000, to 20 %."""
    model, x = imperfect(rng)
    Ks = (1, 10, 100, 1000)
    truth = exact.log_evidence(model, x)
    gap = truth - bound_by_quadrature(model, x, Ks)
    assert (gap > 0).all()
    assert (np.diff(gap, axis=0) < 0).all()
    np.testing.assert_allclose(100 * gap[2], 1000 * gap[3], rtol=0.2)
    found = sampled_evidence(model, np.repeat(x[:1], 4000, axis=0), 1000, rng).bounds
    for k in (100, 1000):  # what is sampled has these gaps
        z, _ = z_score(found[k][:, None], bound_by_quadrature(model, x[:1], (k,))[0])
        assert np.abs(z).max() < 4


def test_with_the_exact_posterior_every_weight_is_the_evidence(rng):
    model = exact.build(rng, diagonal=True)
    exact.make_posterior_exact(model)
    x = model.sample(5, rng, draw=rng)
    truth = exact.log_evidence(model, x)
    found = sampled_evidence(model, x, 30, rng)
    for values in (found.log_px, *found.bounds.values()):
        np.testing.assert_allclose(values, truth, rtol=0, atol=1e-10)
    np.testing.assert_allclose(found.ess, 30, rtol=1e-10)


# ---- what stands beside it


class Weighed:
    """A model whose log-weights are known: of sample k of every row log(k + 1), reconstruction -1 - k."""

    theta, latent, has_kl, labels = np.zeros(1, "float32"), "gaussian", False, None
    D, log_weights = 2, True

    def draw_eps(self, rng, K, n):
        self.asked = getattr(self, "asked", 0) + K * n
        first = getattr(self, "next", 0)
        self.next = first + K
        return np.broadcast_to(np.arange(first, first + K)[:, None, None], (K, n, 1))

    def log_terms(self, x, eps, y=None):
        k = eps[..., 0].astype("float64")
        return -1 - k, 0 * k, -1 - k - np.log(k + 1)


def test_scores_bounds_and_effective_sample_size_by_hand():
    """Weights 1 .. 12: ESS = 78^2 / 650, bounds of groups of 1, 10 (the first ten) and 12."""
    model = Weighed()
    found = sampled_evidence(model, np.zeros((1, 2)), 12, None)
    assert model.asked == 12  # exactly K
    w = np.arange(1, 13)
    assert found.log_px[0] == pytest.approx(np.log(w.mean()))
    assert found.ess[0] == pytest.approx(78**2 / 650)
    assert list(found.bounds) == [1, 10, 12]
    assert found.bounds[1][0] == pytest.approx(np.log(w).mean())
    assert found.bounds[10][0] == pytest.approx(np.log(w[:10].mean()))
    assert found.bounds[12][0] == found.log_px[0]
    assert found.log_px_z[0] == pytest.approx(-w.mean())
    assert found.elbo[0] == pytest.approx(np.log(w).mean())
    assert found.kl[0] == pytest.approx(-w.mean() - np.log(w).mean())


def test_one_weight_that_dominates_counts_alone(rng):
    model, x = imperfect(rng)
    model.encoder.layers[0].b.data[0] += 60.0  # far from the posterior: no two weights are alike
    assert sampled_evidence(model, x, 100, rng).ess.max() < 1.5


@pytest.mark.parametrize(
    "label", ["vae dense bernoulli", "iwae dense flow posterior", "cvae dense", "iwae table missing"]
)
def test_it_agrees_with_the_other_estimators(label, rng):
    """The same noise gives log_evidence and, K being one part, the scores of each row alone."""
    model, x, y = EXAMPLES[label](rng)
    found = sampled_evidence(model, x, 7, np.random.default_rng(3), y=y)
    np.testing.assert_allclose(found.log_px, log_evidence(model, x, 7, np.random.default_rng(3), y=y), rtol=1e-9)
    one = row_scores(model, x[:1], 7, np.random.default_rng(3), y=None if y is None else y[:1])
    for name, value in one.items():
        np.testing.assert_allclose(getattr(found, name)[:1], value, rtol=1e-9)


def test_parts_do_not_matter(rng, monkeypatch):
    model, x = bits(rng, 2)
    whole = sampled_evidence(model, x, 50, np.random.default_rng(1))
    monkeypatch.setattr("minivae.evaluate.evidence.VALUES", 8 * 7)  # seven samples at a time
    parts = sampled_evidence(model, x, 50, np.random.default_rng(1))
    np.testing.assert_allclose(parts.log_px, whole.log_px, rtol=1e-12)
    np.testing.assert_allclose(parts.bounds[10], whole.bounds[10], rtol=1e-12)


# ---- annealing


def test_annealing_agrees_with_quadrature(rng):
    """The mean of its weights is p(x), and its log near log p(x); an encoder that knows nothing has no part."""
    model, x = bits(rng, 2)
    model.decoder.layers[-1].W.data *= 4
    model.encoder.layers[-2].b.data[...] = 1e3
    truth = log_evidence_by_quadrature(model, x)
    found = np.array([annealed_evidence(model, x, 12, rng, chains=1).log_px for _ in range(300)])
    z, error = z_score(np.exp(found - truth), 1)
    assert np.abs(z).max() < 4
    assert error.max() < 0.05
    better = annealed_evidence(model, x, 100, rng, chains=50)
    np.testing.assert_allclose(better.log_px, truth, atol=0.1)
    assert 0.4 < better.accepted < 0.9


def test_annealing_where_importance_sampling_fails(rng):
    """A q far from the posterior: the bound of 1,000 samples is far below, annealing is not."""
    model = exact.build(rng, std=0.3)
    x = model.sample(4, rng, draw=rng)
    truth = exact.log_evidence(model, x)
    assert (truth - sampled_evidence(model, x, 1000, rng).log_px).max() > 3
    found = annealed_evidence(model, x, 60, rng, chains=200)
    np.testing.assert_allclose(found.log_px, truth, atol=0.5)
    assert (found.ess > 10).all()


def test_annealing_a_conditional_model_and_leaving_the_model_as_it_was(rng):
    model, x, y = EXAMPLES["cvae dense"](rng)
    model.bind("float64")
    model.grad[...] = 7
    theta = model.theta.copy()
    found = annealed_evidence(model, x, 100, rng, chains=60, y=y)
    log_px = log_evidence(model, x, 20_000, rng, y=y)
    np.testing.assert_allclose(found.log_px, log_px, atol=0.15)
    assert (model.grad == 7).all()
    assert (model.theta == theta).all()
    with pytest.raises(ValueError, match="T: expected a whole number >= 1, got 0"):
        annealed_evidence(model, x, 0, rng, y=y)
    with pytest.raises(ValueError, match="chains: expected a whole number >= 1, got 0"):
        annealed_evidence(model, x, 3, rng, chains=0, y=y)


def test_the_temperatures():
    betas = _betas(10)
    assert betas[0] == 0
    assert betas[-1] == 1
    assert (np.diff(betas) > 0).all()
    np.testing.assert_allclose(betas + betas[::-1], 1)


# ---- results and their protocol


def result(**changes):
    given = {
        "values": np.array([-3.0, -1.0]),
        "quantity": "log p(x)",
        "method": "importance sampling",
        "K": 5,
        "ess": np.array([2.0, 4.0]),
        "data": "mnist test, static bits",
        "images": "all 2 rows",
        "rows": "ab" * 32,
    }
    return Result(**given | changes)  # fmt: skip


def test_a_result_says_its_protocol_in_one_line():
    assert result().line() == (
        "log p(x) -2.00 +- 1.00 nats by importance sampling with 5 samples (effective: 3.0, median); mnist test, "
        "static bits: all 2 rows, sha256 abababababab"
    )
    assert "in 9 steps with 16 chains" in result(method="annealing in 9 steps", K=16).line()
    one = result(values=np.array([-3.0]))
    assert one.standard_error is None
    assert "log p(x) -3.00 nats" in one.line()


def test_differences_are_paired():
    difference, error = result(values=np.array([-2.0, -1.0])).minus(result())
    assert (difference, error) == (0.5, 0.5)
    assert result().minus(result(values=np.array([-4.0, -2.0]))) == (1.0, 0.0)


@pytest.mark.parametrize(("name", "value"), [
    ("quantity", "log p(x | y)"), ("data", "mnist test, resampled bits"), ("images", "2 of 3 rows"),
    ("rows", "cd" * 32), ("K", 50),
])  # fmt: skip
def test_what_cannot_be_compared_is_refused(name, value):
    with pytest.raises(ValueError, match=f"{name}: expected the same in both results, got"):
        result().minus(result(**{name: value}))


def test_annealing_can_be_compared_with_sampling():
    assert result().minus(result(method="annealing in 9 steps", K=16)) == (0.0, 0.0)


def test_the_hash_is_of_the_rows(rng):
    x = rng.random((5, 3)).astype("float32")
    assert hash_of(x) == hash_of(x.copy()) != hash_of(x[::-1])
    changed = x.copy()
    changed[-1, -1] += 1
    assert hash_of(x) != hash_of(changed)
    assert hash_of(x) != hash_of(x, np.arange(5)) != hash_of(x, np.arange(5)[::-1])


# ---- the command


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "a"
    main(["train", "--hidden", "8", "--latent", "2", "--epochs", "2", "--out", str(out)])
    return out


def test_evaluate_writes_the_protocol(run, capsys):
    assert main(["evaluate", str(run), "--samples", "20", "--annealed", "5", "--images", "40", "--seed", "3"]) == 0
    out = capsys.readouterr().out
    report = json.loads((run / "evaluate-test-40-rows-seed-3.json").read_text())
    found = report["evidence"]["20"]
    assert found["images"] == "40 of 297 rows, chosen by seed 3"
    assert found["data"] == "digits test, resampled bits, here those of seed 0"
    assert found["rows_sha256"] == report["rows_sha256"]
    assert found["log_px"] == found["bounds"]["20"] > found["bounds"]["1"]
    assert 1 <= found["ess_smallest"] <= found["ess_median"] <= 20
    assert report["annealed"]["5"]["method"] == "annealing in 5 steps"
    assert f"log p(x) {found['log_px']:.2f} +- {found['log_px_standard_error']:.2f} nats, " in out
    assert "annealed less importance-sampled: " in out
    rows = np.load(run / "evidence-test-40-rows-seed-3-20.npy")
    assert rows.shape == (40,)
    assert rows.mean() == pytest.approx(found["log_px"])
    assert (run / "evidence-test-40-rows-seed-3.png").exists()
    assert not (run / "evaluate-test.json").exists()
    chosen = np.sort(generator(3, "evaluate", 9).permutation(297)[:40])
    assert read_result(Run.open(run), "test-40-rows-seed-3", 20).rows == hash_of(load_data("digits").test().x[chosen])


def test_all_estimates_of_the_same_weights_stay(run):
    for options in (["--samples", "5"], ["--annealed", "4"], ["--samples", "7"], []):
        assert main(["evaluate", str(run), *options]) == 0
    report = json.loads((run / "evaluate-test.json").read_text())
    assert list(report["evidence"]) == ["5", "7"]
    assert list(report["annealed"]) == ["4"]


def test_what_is_measured_stays_where_the_next_is_refused(run, capsys):
    """Detection asks for other data, after log p(x) and samples were estimated."""
    before = json.loads((run / "evaluate-test.json").read_text())
    assert main(["evaluate", str(run), "--samples", "11", "--measure", "latents", "detection"]) == 2
    assert capsys.readouterr().err.startswith("minivae: measure: detection needs --against DATA")
    after = json.loads((run / "evaluate-test.json").read_text())
    assert set(after["evidence"]) == {*before["evidence"], "11"}
    assert "latents" in after["measures"]


def test_compare_pairs_the_rows(run, tmp_path, capsys):
    other = tmp_path / "b"
    main(["train", "--hidden", "8", "--latent", "2", "--epochs", "6", "--out", str(other)])
    for out in (run, other):
        main(["evaluate", str(out), "--samples", "30"])
    capsys.readouterr()
    assert main(["compare", str(run), str(other), "--evidence", "30"]) == 0
    a, b = (np.load(out / "evidence-test-30.npy") for out in (run, other))
    error = (b - a).std(ddof=1) / 297**0.5
    line = f"{other} less {run}: {(b - a).mean():+.2f} +- {error:.2f} nats, paired over the rows"
    assert line in capsys.readouterr().out.splitlines()


def test_compare_refuses_other_bits_and_what_is_missing(run, tmp_path, capsys):
    main(
        [
            "train",
            "--hidden",
            "8",
            "--latent",
            "2",
            "--epochs",
            "1",
            "--binarize",
            "threshold",
            "--out",
            str(tmp_path / "b"),
        ]
    )
    for out in (run, tmp_path / "b"):
        main(["evaluate", str(out), "--samples", "3"])
    capsys.readouterr()
    assert main(["compare", str(run), str(tmp_path / "b"), "--evidence", "3"]) == 2
    assert capsys.readouterr().err.startswith("minivae: data: expected the same in both results, got digits test, ")
    assert main(["compare", str(run), str(tmp_path / "b"), "--evidence", "4"]) == 2
    assert f"evidence: {run} has none of 4 samples on the test split" in capsys.readouterr().err
    np.save(run / "evidence-test-3.npy", np.zeros(297))
    assert main(["compare", str(run), str(tmp_path / "b"), "--evidence", "3"]) == 2
    assert "its rows have another mean; evaluate again" in capsys.readouterr().err


def test_grey_pixels_print_their_floor(tmp_path, capsys):
    main(
        ["train", "--hidden", "8", "--latent", "2", "--epochs", "1", "--binarize", "none", "--out", str(tmp_path / "a")]
    )
    capsys.readouterr()
    assert main(["evaluate", str(tmp_path / "a")]) == 0
    floor = entropy_floor(load_data("digits", binarize="none").test().x)
    assert f"can exceed {-floor:.2f} nats" in capsys.readouterr().out
    report = json.loads((tmp_path / "a" / "evaluate-test.json").read_text())
    assert report["entropy_floor"] == pytest.approx(floor)
    assert report["data"] == "digits test, grey pixels as chances of bits"


@pytest.mark.parametrize(("options", "message"), [
    (["--images", "298"], "images: expected at most the 297 rows of the test split, got 298"),
    (["--images", "0"], "images: expected a whole number >= 1, got 0"),
    (["--annealed", "0"], "annealed: expected a whole number >= 1, got 0"),
    (["--seed", "-1"], "seed: expected a whole number >= 0, got -1"),
    (["--measure", "beauty"], "argument --measure: invalid choice: 'beauty'"),
])  # fmt: skip
def test_bad_input(run, options, message, capsys):
    assert main(["evaluate", str(run), *options]) == 2
    assert message in capsys.readouterr().err

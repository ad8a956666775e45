"""The VQ-VAE: an exact bound of an evidence that is a finite sum, two objectives, codes in and out."""

import itertools
import json
import math

import numpy as np
import pytest
from test_cli import error_of

from minivae.backend import generator, place
from minivae.cli import main
from minivae.cli.families.base import Findings
from minivae.evaluate import code_terms, code_use, elbo_standard_error, row_scores
from minivae.models import VQVAE
from minivae.models.examples import small
from minivae.optim import SGD, Adam
from minivae.priors import PixelCNN, UniformCodes
from minivae.runs import Run
from minivae.sklearn import VAETransformer
from minivae.trained import load_run


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("options", [{}, {"arch": "conv", "channels": (3,)}, {"prior": "uniform"}])
def test_the_elbo_is_one_term_of_the_evidence(options, rng):
    """log p(x) = log sum_z p(x | z) p(z) over all K^T codes: above the ELBO, which is the term of the code of x."""
    model, x, _ = small("vqvae", rng, **options)
    z = np.array(list(itertools.product(range(model.K), repeat=model.T)))  # (K^T, T)
    log_px_z = model.likelihood.forward(x, model.decoder(model.quantizer.lookup(z))[:, None])[0]  # (K^T, N)
    joint = log_px_z + model.prior.forward(z)[0][:, None]
    log_px = np.log(np.exp(joint).sum(axis=0))
    metrics = model.loss_and_grads(x, model.draw_noise(rng, 5, train=False), grads=False)
    of_code = (model.encode(x)[None] == z[:, None]).all(axis=-1)
    elbo = joint.T[of_code.T]
    assert (elbo < log_px).all()
    assert metrics["elbo"] == pytest.approx(elbo.mean(), rel=1e-12)
    scores = row_scores(model, x, 3, rng)
    np.testing.assert_allclose(scores["elbo"], elbo, rtol=1e-12)
    np.testing.assert_allclose(sum(code_terms(model, x)), elbo, rtol=1e-12)
    assert elbo_standard_error(model, x, rng) == pytest.approx(elbo.std(ddof=1) / math.sqrt(5), rel=1e-10)
    if options.get("prior") == "uniform":
        assert metrics["kl"] == pytest.approx(model.T * math.log(model.K), rel=1e-12)


@pytest.mark.parametrize("codebook", ["ema", "loss"])
def test_each_part_gets_the_gradient_of_its_own_loss(codebook, rng):
    """The prior that of the codes' length, nothing of which reaches the encoder; the decoder that of -log p(x | z)."""
    model, x, _ = small("vqvae", rng, codebook=codebook)
    noise = model.draw_noise(rng, 5)
    model.loss_and_grads(x, noise)
    grad = model.grad.copy()

    def part(name):
        own = [np.arange(s.start, s.stop) for n, s in model.slices.items() if n.startswith(name)]
        return np.concatenate(own)

    model.prior.backward = lambda *args: None
    model.loss_and_grads(x, noise)
    np.testing.assert_array_equal(model.grad[part("encoder")], grad[part("encoder")])
    assert (model.grad[part("prior")] == 0).all()
    assert (grad[part("prior")] != 0).any()
    model.commit = 0.0
    model.loss_and_grads(x, noise)
    np.testing.assert_array_equal(model.grad[part("decoder")], grad[part("decoder")])
    assert (model.grad[part("encoder")] != grad[part("encoder")]).any()


def test_the_prior_waits(rng):
    model, x, _ = small("vqvae", rng, prior_after=2, pass_steps=3)
    noise = model.draw_noise(rng, 5)
    prior = [name for name in model.params if name.startswith("prior")]
    for t, learns in ((0, False), (5, False), (6, True)):
        model.loss_and_grads(x, noise, t=t)
        assert any((model.params[name].grad != 0).any() for name in prior) == learns


def test_codes_in_and_out(rng):
    model, x, _ = small("vqvae", rng)
    codes = model.encode(x)
    assert codes.dtype == "int64"
    assert codes.shape == (5, model.T)
    np.testing.assert_array_equal(model.decode(codes), model.reconstruct(x))
    assert model.decode(codes[None]).shape == (1, 5, 16)
    for bad in (codes.astype("float64"), codes[:, :1], codes[0], codes + model.K, codes - model.K):
        with pytest.raises(ValueError, match="z: expected"):
            model.decode(bad)
    with pytest.raises(ValueError, match="eps: expected none"):
        model.reconstruct(x, np.zeros((5, 2)))


def test_samples_are_decoded_codes_of_the_prior(rng):
    model, _, _ = small("vqvae", rng)
    noise = place(model.prior.draw_noise(np.random.default_rng(3), 4), like=model.theta)
    expected = model.decode(model.prior.draw(noise))
    np.testing.assert_array_equal(model.sample(4, np.random.default_rng(3)), expected)


def test_a_prior_of_other_codes_is_refused(rng):
    model, _, _ = small("vqvae", rng)
    for other in (PixelCNN(4, (1, model.T), 4, 1, rng), PixelCNN(3, (1, model.T + 1), 4, 1, rng)):
        with pytest.raises(ValueError, match="prior: expected one of 3 codes at 2 places"):
            VQVAE(model.encoder, model.quantizer, model.decoder, prior=other)


def test_it_learns_all_codes_of_data_that_have_as_many(rng):
    """Four clusters and four codes at one place: each cluster has its own code, and the prior their frequencies."""
    centers = np.array([[0, 0], [0, 4], [4, 0], [4, 4.0]])
    y = rng.choice(4, 800, p=[0.1, 0.2, 0.3, 0.4])
    x = (centers[y] + 0.1 * rng.standard_normal((800, 2))).astype("float32")
    model = VQVAE.build((2,), rng, latent=1, codes=4, width=2, hidden=(16,), likelihood="gaussian", prior_width=4)
    optimizer = Adam(model, lr=1e-2)
    for _ in range(300):
        rows = rng.integers(0, 800, 100)
        model.loss_and_grads(x[rows], place(model.draw_noise(rng, 100), like=model.theta))
        optimizer.step()
    table = np.zeros((4, 4))
    np.add.at(table, (y, model.encode(x)[:, 0]), 1)
    assert (np.sort(table, axis=1)[:, -1] == table.sum(axis=1)).all()  # one code each
    assert (table.max(axis=0) > 0).all()
    log_p = model.prior.forward(table.argmax(axis=1)[:, None])[0]
    np.testing.assert_allclose(np.exp(log_p), [0.1, 0.2, 0.3, 0.4], atol=0.05)


def test_without_revival_codes_die(rng):
    """What revival is for: codes that start far from every output of the encoder are never chosen."""
    used = {}
    for revive in (0.0, 0.1):
        rng = np.random.default_rng(1)
        x = 5 + rng.standard_normal((256, 4)).astype("float32")
        model = VQVAE.build((4,), rng, latent=1, codes=32, width=2, hidden=(16,), likelihood="gaussian", revive=revive,
                            prior="uniform")  # fmt: skip
        optimizer = SGD(model, lr=1e-4)
        for _ in range(100):
            model.loss_and_grads(x, place(model.draw_noise(rng, 256), like=model.theta))
            optimizer.step()
        used[revive] = len(np.unique(model.encode(x)))
    assert used[0.1] > 2 * used[0.0]


# ---- through the tools


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Of digits, 2x2 places of 6 codes; without hidden layers and latents, which convolutions have not."""
    out = tmp_path_factory.mktemp("runs") / "a"
    options = ["--model", "vqvae", "--arch", "conv", "--channels", "3", "4", "--codes", "6", "--width", "2"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("minivae.cli.training.draw_run", lambda run, data: None)
        assert main(["train", *options, "--prior-width", "4", "--epochs", "2", "--out", str(out)]) == 0
    return out


def test_codes_as_data(run, tmp_path, capsys):
    """Whole numbers in every kind of file, which decode takes again, and others it refuses in one line."""
    x = (np.random.default_rng(0).random((5, 8, 8)) < 0.5).astype("uint8")
    np.save(tmp_path / "x.npy", x)
    model, _ = Run.open(run).load_model()
    codes, x_hats = model.encode(x.reshape(5, 64)), []
    for name in ("z.npy", "z.csv", "z.npz"):
        path = str(tmp_path / name)
        assert main(["encode", str(run), "--input", str(tmp_path / "x.npy"), "--out", path]) == 0
        if name == "z.npz":
            np.testing.assert_array_equal(np.load(path)["z"], codes)
            continue
        assert main(["decode", str(run), "--input", path, "--out", str(tmp_path / "x_hat.npy"), "--force"]) == 0
        x_hats.append(np.load(tmp_path / "x_hat.npy"))
    np.testing.assert_array_equal(np.load(tmp_path / "z.npy"), codes)
    assert (tmp_path / "z.csv").read_text().splitlines()[:2] == ["z0,z1,z2,z3", ",".join(map(str, codes[0]))]
    np.testing.assert_array_equal(*x_hats)
    np.testing.assert_array_equal(x_hats[0].reshape(5, 64), model.decode(codes))
    for bad in (codes + 6, codes[:, :2], codes + 0.5):
        np.save(tmp_path / "bad.npy", bad)
        error = error_of(capsys, "decode", run, "--input", tmp_path / "bad.npy", "--out", tmp_path / "new.npy")
        assert error.startswith("minivae: input: expected ")
    trained = load_run(run)
    np.testing.assert_array_equal(trained.encode(x), codes)
    scores = trained.score(x, threshold=0.5)
    np.testing.assert_array_equal(scores["unusual"], scores["elbo_quantile"] <= 0.5)
    np.testing.assert_allclose(scores["elbo"], scores["log_px_z"] - scores["kl"], rtol=1e-12)


def test_samples_through_the_prior_and_through_uniform_codes(run, tmp_path, capsys, no_pictures):
    model, _ = Run.open(run).load_model()
    out = str(tmp_path / "x.npy")
    assert main(["sample", str(run), "--n", "30", "--uniform", "--out", out]) == 0
    model.prior = UniformCodes(6, 4)
    expected = model.sample(30, generator(0, "sample"))
    np.testing.assert_array_equal(np.load(out).reshape(30, 64), expected)
    assert main(["sample", str(run), "--n", "30", "--out", out, "--force"]) == 0
    assert (np.load(out).reshape(30, 64) != expected).any()
    vae = tmp_path / "vae"
    assert main(["train", "--hidden", "4", "--latent", "1", "--epochs", "1", "--out", str(vae)]) == 0
    assert error_of(capsys, "sample", vae, "--uniform") == "minivae: uniform: expected a model with codes, got vae\n"


def test_measures_of_codes(run, monkeypatch, capsys):
    """The perplexity of a whole split, and the length of its codes; samples beside uniform codes."""
    for part in ("_sharpness", "_copies", "_augmentation"):
        monkeypatch.setattr(f"minivae.cli.families.samples.{part}", lambda *args: Findings({}, []))
    monkeypatch.setattr("minivae.cli.families.samples.SETS", 2)
    monkeypatch.setattr("minivae.cli.families.samples.ROWS", 60)
    assert main(["evaluate", str(run), "--measure", "latents", "samples", "labels"]) == 0
    report = json.loads((run / "evaluate-test.json").read_text())
    found = report["measures"]["latents"]
    model, _ = Run.open(run).load_model()
    x, _ = Run.open(run).read_data().test()
    use = code_use(model.encode(x), 6)
    assert (found["perplexity"], found["codes_used"]) == (pytest.approx(use.perplexity), use.used)
    assert found["code_length"]["value"] == pytest.approx(report["kl"], rel=1e-5)
    assert report["elbo_bits_per_dimension"] == pytest.approx(-report["elbo"] / 64 / math.log(2))
    assert set(report["measures"]["samples"]["scores"]) == {"samples", "training_rows", "uniform_codes"}
    for measure in ("recovery", "disentanglement"):
        assert "measure" in error_of(capsys, "evaluate", run, "--measure", measure)


def test_walks_through_codes(run, monkeypatch):
    """One place at a time changes, in the order of its codes' frequency; between examples, the nearest codes."""
    decoded = []
    decode = VQVAE.decode
    monkeypatch.setattr(VQVAE, "decode", lambda self, z, *args, **named: decoded.append(z) or decode(self, z))
    model, _ = Run.open(run).load_model()
    x, _ = Run.open(run).read_data().pictured
    codes = model.encode(x)
    assert main(["traverse", str(run), "--n", "3", "--steps", "4"]) == 0
    use = code_use(codes, 6)
    walks = np.concatenate(decoded).reshape(3, 4, 4)
    for walk, k in zip(walks, np.argsort(-use.place_entropy, kind="stable"), strict=False):
        np.testing.assert_array_equal(np.delete(walk, k, axis=1), np.tile(np.delete(codes[0], k), (4, 1)))
        np.testing.assert_array_equal(walk[:, k], np.argsort(-use.place_shares[k], kind="stable")[:4])
    decoded.clear()
    assert main(["interpolate", str(run), "--n", "1", "--steps", "5"]) == 0
    ends = np.concatenate(decoded).reshape(2, 5, 4)[:, [0, -1]]
    np.testing.assert_array_equal(ends, [codes[:2], codes[:2]])


def test_an_estimator(rng):
    x = rng.standard_normal((80, 3)) * [1, 10, 100]
    options = {"codes": 4, "width": 2, "prior_width": 4}
    fitted = VAETransformer(latent=3, hidden=(8,), model="vqvae", epochs=2, options=options, random_state=0).fit(x)
    codes = fitted.transform(x)
    assert codes.dtype.kind == "i"
    assert codes.shape == (80, 3)
    assert fitted.inverse_transform(codes).shape == x.shape
    assert fitted.score_samples(x).shape == (80,)
    assert list(fitted.get_feature_names_out()) == [f"vaetransformer{i}" for i in range(3)]

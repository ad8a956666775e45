"""Every model through every command: trained, killed and resumed to the bit, evaluated, compared, sampled, drawn."""

import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from test_cli import error_of
from test_runs import Killed, content

from minivae.cli import main
from minivae.models import MODELS
from minivae.models.examples import learned_prior
from minivae.runs import Run

SMALL = ["--batch-size", "500", "--epochs", "3"]
LINES = (60, 20)  # of expressions, to train on and to test on
VARIANTS = {
    "iwae": ["--model", "iwae", "--samples", "3"],
    "iwae doubly": ["--model", "iwae", "--samples", "3", "--gradient", "doubly", "--beta-schedule", "linear"],
    "cvae": ["--model", "cvae", "--free-bits", "0.1"],
    "cvae learned": ["--model", "cvae", "--prior", "learned"],
    "ivae": ["--model", "ivae"],
    "net": ["--model", "net"],
    "m2": ["--model", "m2", "--labelled", "50", "--labels-first", "1"],
    "multimodal": ["--model", "multimodal", "--labelled", "50"],
    "halves": ["--model", "halves", "--experts", "mixture"],
    "ae": ["--model", "ae"],
    "flow": ["--model", "flow", "--flows", "3"],
    "flow radial": ["--model", "flow", "--flow", "radial", "--flows", "2", "--samples", "2"],
    "iaf": ["--model", "iaf", "--flow-width", "8", "--context", "4"],
    "vamp": ["--model", "vamp", "--components", "6"],
    "mixture": ["--model", "mixture", "--components", "4"],
    "realnvp": ["--model", "realnvp", "--flow-width", "8"],
    "hvae": ["--model", "hvae", "--upper", "2", "--between", "6"],
    "capacity": ["--model", "capacity", "--capacity", "2", "--capacity-epochs", "2"],
    "tcvae": ["--model", "tcvae", "--beta", "3"],
    "tcvae stratified": ["--model", "tcvae", "--estimator", "stratified"],
    "factorvae": ["--model", "factorvae", "--critic", "6"],
    "vaegan": ["--model", "vaegan", "--critic", "6"],
    "gan": ["--model", "gan", "--critic", "6"],
    "gan hinge": ["--model", "gan", "--critic", "6", "--objective", "hinge", "--critic-norm", "spectral"],
    "gumbel": ["--model", "gumbel", "--categories", "3", "--temperature-epochs", "2"],
    "gumbel score": ["--model", "gumbel", "--categories", "3", "--gradient", "score"],
    "aae": ["--model", "aae", "--critic", "6"],
    "ladder": ["--model", "ladder", "--upper", "2", "1", "--between", "6", "--samples", "2"],
    "vqvae": ["--model", "vqvae", "--codes", "6", "--width", "3", "--prior-width", "4"],
    "vqvae loss": ["--model", "vqvae", "--codes", "6", "--codebook", "loss", "--prior", "uniform"],
    "seqvae": ["--model", "seqvae", "--aggressive", "2", "--aggressive-epochs", "1", "--word-dropout", "0.2"],
    "lm": ["--model", "lm", "--word-dropout", "0.2"],
    "nvp": ["--model", "nvp", "--flows", "2"],
    "ddpm": ["--model", "ddpm", "--times", "5", "--jumps", "2"],
    "ddpm conv": ["--model", "ddpm", "--arch", "conv", "--channels", "4", "8", "--times", "5", "--jumps", "2"],
    "ppca": ["--model", "ppca"],
    "ppca gradient": ["--model", "ppca", "--fit", "gradient"],
}


def completed(options):
    """With a size and dropout where the model has them, and of its own data where it reads text."""
    cls = MODELS[options[1]]
    sizes = {"hidden": ["--hidden", "8"], "latent": ["--latent", "2"], "dropout": ["--dropout", "0.1"]}
    own = [word for name, words in sizes.items() if name in cls.options for word in words]
    return [*options, *own, *["--data", "expressions"] * cls.reads_text]


VARIANTS = {label: completed(options) for label, options in VARIANTS.items()}


@pytest.fixture(autouse=True)
def _quick(request, monkeypatch):
    monkeypatch.setattr("minivae.data.corpora.DRAWN", LINES)
    if "pictures" not in request.keywords:
        request.getfixturevalue("no_pictures")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("members")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("minivae.data.corpora.DRAWN", LINES)
        patch.setattr("minivae.cli.training.draw_run", lambda run, data: None)
        for label, options in VARIANTS.items():
            assert main(["train", *SMALL, *options, "--out", str(folder / label)]) == 0
    return folder


def test_every_model_is_here():
    assert {options[1] for options in VARIANTS.values()} | {"vae"} == set(MODELS)


@pytest.mark.parametrize("label", VARIANTS)
@pytest.mark.parametrize("which", ["best", "last"])
def test_kill_and_resume_end_in_the_same_bytes(label, which, finished, tmp_path, monkeypatch):
    if which == "best" and (MODELS[VARIANTS[label][1]].monitor is None or label == "ppca"):
        pytest.skip("no metric says which epoch is best, or the first is")
    save = Run._save

    def killed_save(self, name, model, optimizer, at):
        if at == 2 and name == which:
            raise Killed
        save(self, name, model, optimizer, at)

    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(Run, "_save", killed_save)
        with pytest.raises(Killed):
            main(["train", *SMALL, *VARIANTS[label], "--out", str(out)])
    assert main(["train", "--resume", "--out", str(out)]) == 0
    assert content(out) == content(finished / label)


@pytest.mark.parametrize("label", VARIANTS)
def test_evaluate(label, finished, capsys):
    """Every metric that the model declares, with its unit; log p(x) where there is one, else one line."""
    run = Run.open(finished / label)
    model, _ = run.load_model()
    assert main(["evaluate", str(run.path)]) == 0
    out = capsys.readouterr().out
    report = json.loads((run.path / "evaluate-test.json").read_text())
    for name, metric in model.metrics.items():
        assert np.isfinite(report[name])
        assert name.startswith("loss") or f"{name} {report[name]:.2f}" in out
        assert metric.unit in out
    if model.log_weights is None:
        error = error_of(capsys, "evaluate", run.path, "--samples", "3")
        why = "has no evidence log p(x) to estimate"
        if model.latent == "codes":
            why = "has one code for each x: its ELBO is exact, and no more samples could say more"
        assert error == f"minivae: samples: the model {run.settings['model']} {why}\n"
    else:
        assert main(["evaluate", str(run.path), "--samples", "3"]) == 0
        found = json.loads((run.path / "evaluate-test.json").read_text())["evidence"]["3"]["log_px"]
        assert found == pytest.approx(report["log_px"]) if model.exact else found > report["elbo"]


def test_compare_models_that_differ(finished, tmp_path, capsys):
    runs = [str(finished / label) for label in VARIANTS]
    assert main(["compare", *runs, "--out", str(tmp_path / "a.png")]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split()[:3] == ["run", "split", "epoch"]
    assert {"iwae", "elbo", "log_px_z", "kl"} <= set(head.split())
    row = next(line for line in lines if line.startswith(str(finished / "ae")))
    assert row.count(" -  ") >= 3  # no iwae, elbo, kl
    assert "log_px_z -" in row
    assert any(line.startswith("samples: 3, 3, -") for line in lines)
    assert any("their nats cannot be compared" in line for line in lines)  # log p(x | y) is another number


SERVED = ("sample", "reconstruct", "interpolate", "traverse", "latent", "edit", "uncertainty", "info")
REFUSED = {
    ("ae", "uncertainty"): "uncertainty needs a q(z | x), which the model ae lacks",
    ("aae", "uncertainty"): "uncertainty needs a q(z | x), which the model aae lacks",
    **{
        (label, command): message
        for label in ("gan", "gan hinge")
        for command, message in {
            **dict.fromkeys(
                ("reconstruct", "interpolate", "traverse", "latent", "edit"),
                "model: expected one that finds the z of an x, GAN only decodes z",
            ),
            "uncertainty": "uncertainty needs a q(z | x), which the model gan lacks",
            "ledger": "the ledger needs a KL of each latent",
        }.items()
    },
    ("iwae", "ledger"): "the loss of IWAE is not affine in beta",
    **{
        (label, "ledger"): "the ledger needs a KL of each latent"
        for label in (
            "m2",
            "ae",
            "aae",
            "flow",
            "flow radial",
            "iaf",
            "vamp",
            "mixture",
            "realnvp",
            "hvae",
            "ladder",
            "vqvae",
            "vqvae loss",
        )  # fmt: skip
    },
    **{
        (label, "latent"): "y: the decodings of a conditional model need one y for all; expected --y"
        for label in ("cvae", "cvae learned", "m2")
    },
    **{
        ("net", command): "expected one with latents, PlainNet has none"
        for command in ("interpolate", "traverse", "latent", "edit")
    },
    **{
        (label, command): f"is of text, and {command} draws images or rows"
        for label in ("seqvae", "lm")
        for command in ("latent", "edit", "uncertainty")
    },
    **{
        ("lm", command): "model: expected one with latents, LanguageModel has none"
        for command in ("reconstruct", "interpolate", "traverse")
    },
    ("lm", "ledger"): "the ledger needs a KL of each latent",
    **{(label, "ledger"): "the ledger needs a KL of each latent" for label in ("nvp", "ppca", "ppca gradient")},
    **{(label, "ledger"): "the ledger needs a KL of each latent" for label in ("ddpm", "ddpm conv")},
    **{
        (label, "uncertainty"): "uncertainty needs a q(z | x), which the model ddpm lacks"
        for label in ("ddpm", "ddpm conv")
    },
    ("nvp", "uncertainty"): "uncertainty needs a q(z | x), which the model nvp lacks",
    **{
        (label, "uncertainty"): "uncertainty needs a q(z | x), which the model ppca lacks"
        for label in ("ppca", "ppca gradient")
    },
    ("net", "uncertainty"): "expected one with a posterior q(z | x), PlainNet has none",
    ("net", "ledger"): "the ledger needs a KL of each latent",
    ("capacity", "ledger"): "the loss of CapacityVAE does not depend on beta",
    ("factorvae", "ledger"): "the loss of FactorVAE does not depend on beta",
    ("halves", "ledger"): "the ledger needs a KL of each latent",
    ("halves", "uncertainty"): "model: expected one with a posterior q(z | x), HalvesVAE has none",
    ("multimodal", "ledger"): "the loss of Multimodal has more than the reconstruction beside beta",
    ("vaegan", "ledger"): "the loss of VAEGAN has more than the reconstruction beside beta",
    **dict.fromkeys((("tcvae", "ledger"), ("tcvae stratified", "ledger")), "the loss of TCVAE has more than the rec"),
    **{
        (label, command): f"run: {command} needs latents that are numbers, and those of the model gumbel are codes"
        for label in ("gumbel", "gumbel score")
        for command in ("latent", "edit", "uncertainty")
    },
    **{(label, "interpolate"): "interpolate needs outputs of" for label in ("gumbel", "gumbel score")},
    **{(label, "ledger"): "ledger needs" for label in ("gumbel", "gumbel score")},
    ("m2", "uncertainty"): "model: expected one with a posterior q(z | x), M2 has none",
    **{
        (label, command): f"run: {command} needs latents that are numbers, and those of the model vqvae are codes"
        for label in ("vqvae", "vqvae loss")
        for command in ("latent", "edit", "uncertainty")
    },
}


@pytest.mark.parametrize("label", [label for label in VARIANTS if label != "iwae doubly"])
@pytest.mark.parametrize("command", [*SERVED, "ledger"])
def test_every_command_serves_it_or_says_why_not(label, command, finished, capsys, monkeypatch):
    monkeypatch.setattr("minivae.cli.attributes.STEPS", 10)
    if (label, command) in REFUSED:
        assert REFUSED[label, command] in error_of(capsys, command, finished / label)
    else:
        assert main([command, str(finished / label)]) == 0


def test_where_a_learned_prior_lies(tmp_path, monkeypatch):
    """Pictures of the latent space are of where the codes are, not of a standard normal that is not the prior."""
    model, x, _ = learned_prior(np.random.default_rng(0))
    model.prior.mu.data[...] = 5.0
    model.params["encoder.layers.2.b"].data[:2] += 5.0
    shown = {}
    data = SimpleNamespace(pictured=(x, None))
    run = SimpleNamespace(load_model=lambda: (model, {}), read_data=lambda: data, path=tmp_path, file=tmp_path.joinpath,
                          protocol=SimpleNamespace(shape=(4, 4, 1), columns=None, quadrants=None, tokens=None),
                          settings={"model": "vae"})  # fmt: skip
    monkeypatch.setattr("minivae.runs.Run.open", lambda path: run)
    monkeypatch.setattr("minivae.plot.latent_means", lambda mu, y, path, grid, *rest, name: shown.update(grid=grid))
    monkeypatch.setattr("minivae.plot.walks", lambda bands, shape, path, title, *rest: shown.update(title=title))
    decoded = []
    decode = model.decode
    model.decode = lambda z, y=None: decoded.append(z) or decode(z, y=y)
    assert main(["latent", str(tmp_path), "--n", "5"]) == 0
    assert np.abs(decoded[-1].mean(axis=0) - model.encode(x)[0].mean(axis=0)).max() < 0.1
    assert main(["traverse", str(tmp_path)]) == 0
    assert "three standard deviations of the codes" in shown["title"]
    assert decoded[-1].min() > 1


def test_class_against_style(finished, tmp_path, monkeypatch):
    """A row for each class, and in each row the same draws of z; --y gives one class."""
    shown = {}
    monkeypatch.setattr("minivae.plot.walks", lambda bands, *rest: shown.update(bands=bands, labels=rest[3]))
    monkeypatch.setattr("minivae.plot.samples", lambda x_hat, shape, path, title: shown.update(x=x_hat, title=title))
    run = Run.open(finished / "cvae")
    model, _ = run.load_model()
    assert main(["sample", str(run.path), "--n", "40"]) == 0
    assert shown["labels"] == [str(c) for c in range(10)]
    eps = np.random.default_rng([0, 6, 0]).standard_normal((4, 2), dtype="float32")
    for c, band in enumerate(shown["bands"]):
        np.testing.assert_array_equal(band, model.decode(eps, y=np.full(4, c)))
    assert main(["sample", str(run.path), "--n", "5", "--y", "3"]) == 0
    assert shown["title"] == "samples: decoded draws from the prior, given y = 3"
    eps = np.random.default_rng([0, 6, 0]).standard_normal((5, 2), dtype="float32")
    np.testing.assert_array_equal(shown["x"], model.decode(eps, y=np.full(5, 3)))


@pytest.mark.parametrize(
    ("label", "y", "message"),
    [
        ("cvae", ["10"], "y: expected a whole number <= 9, got 10"),
        ("cvae", ["1", "2"], "y: expected one class, got 1 2"),
        ("cvae", ["x"], "y: expected a whole number >= 0, got 'x'"),
        ("ae", ["1"], "y: expected none, AE is given no labels"),
    ],
)
def test_bad_labels_on_the_command_line(label, y, message, finished, capsys):
    assert message in error_of(capsys, "sample", finished / label, "--y", *y)


def test_a_conditional_model_needs_labels(tmp_path, capsys):
    np.save(tmp_path / "x.npy", np.random.default_rng(0).random((30, 4)))
    error = error_of(capsys, "train", "--model", "cvae", "--data", tmp_path / "x.npy", "--out", tmp_path / "run")
    assert (
        error == "minivae: model: cvae needs data with labels, classes from 0 up or rows of numbers; x.npy has none\n"
    )
    assert not (tmp_path / "run").exists()


def test_other_labels_are_other_data_for_a_conditional_model_only(finished, tmp_path):
    for label in ("cvae", "ae"):
        recorded = json.loads((finished / label / "settings.json").read_text())
        recorded["data"]["labels"]["count"] = 11
        (tmp_path / label).mkdir()
        (tmp_path / label / "settings.json").write_text(json.dumps(recorded))
    assert len(Run.open(tmp_path / "ae").read_data().train.x) == 1250
    message = r"data: not what the run was trained on \(labels: expected {.*: 11}, got {.*: 10}\)"
    with pytest.raises(ValueError, match=message):
        Run.open(tmp_path / "cvae").read_data()


def test_rows_of_numbers_as_labels(tmp_path):
    """Attributes, or the rest of an image: trained, evaluated, sampled, resumed."""
    rng = np.random.default_rng(0)
    y = rng.standard_normal((90, 2)).astype("float32")
    x = y @ rng.standard_normal((2, 6)) + 0.1 * rng.standard_normal((90, 6))
    np.savez(tmp_path / "d.npz", x=x[:60], y=y[:60], x_test=x[60:], y_test=y[60:])
    out = str(tmp_path / "run")
    options = ["--model", "cvae", "--likelihood", "gaussian", "--hidden", "8", "--latent", "1", "--epochs", "2"]
    assert main(["train", "--data", str(tmp_path / "d.npz"), *options, "--out", out]) == 0
    assert json.loads((tmp_path / "run" / "settings.json").read_text())["data"]["labels"] == {
        "kind": "rows",
        "count": 2,
    }
    for command in (["evaluate", out, "--samples", "2"], ["sample", out], ["sample", out, "--y", "0.5", "-1"],
                    ["traverse", out], ["latent", out, "--y", "0", "0"], ["uncertainty", out]):  # fmt: skip
        assert main(command) == 0
    assert main(["train", "--resume", "--out", out, "--epochs", "3"]) == 0


def test_labels_of_the_test_split_that_were_not_in_training(tmp_path, capsys):
    """As Omniglot's: a conditional model cannot be given them, another model does not read them."""
    x = np.eye(12)
    np.savez(tmp_path / "d.npz", x=x, y=np.arange(12) % 3, x_test=x, y_test=np.arange(12) % 4)
    for model in ("cvae", "vae"):
        options = ["--model", model, "--hidden", "4", "--latent", "1", "--epochs", "1"]
        assert main(["train", "--data", str(tmp_path / "d.npz"), *options, "--out", str(tmp_path / model)]) == 0
    assert main(["evaluate", str(tmp_path / "vae")]) == 0
    error = error_of(capsys, "evaluate", tmp_path / "cvae")
    assert error == "minivae: y_test: expected classes 0 to 2, as in training, got 0 to 3\n"
    assert main(["evaluate", str(tmp_path / "cvae"), "--split", "validation"]) == 0


def test_a_ledger_is_refused_before_anything_is_trained(tmp_path, capsys):
    (tmp_path / "c.toml").write_text("ledger = true\nmodel = 'ae'\n")
    error = error_of(capsys, "train", "--config", tmp_path / "c.toml", "--out", tmp_path / "run")
    assert "the ledger needs" in error
    assert not (tmp_path / "run").exists()


def test_a_ledger_is_refused_on_resume_too(finished, tmp_path, capsys):
    """Neither an epoch nor the settings are lost."""
    shutil.copytree(finished / "ae", tmp_path / "run")
    before = (tmp_path / "run" / "settings.json").read_text()
    (tmp_path / "c.toml").write_text("ledger = true")
    resume = ["train", "--resume", "--out", tmp_path / "run", "--epochs", "4"]
    assert "the ledger needs" in error_of(capsys, *resume, "--config", tmp_path / "c.toml")
    assert (tmp_path / "run" / "settings.json").read_text() == before
    assert main([str(a) for a in resume]) == 0


@pytest.mark.pictures
@pytest.mark.parametrize("label", ["cvae", "ae"])
def test_pictures_of_a_training(label, tmp_path):
    out = tmp_path / "run"
    assert main(["train", *SMALL, *VARIANTS[label], "--out", str(out)]) == 0
    assert {"curves.png", "samples.png", "reconstructions.png", "latents.png"} <= {p.name for p in out.iterdir()}


def test_encode_and_decode_with_labels(finished, tmp_path, capsys):
    """Arrays in, arrays out: of a conditional model with a file of labels, of another without."""
    rng = np.random.default_rng(0)
    x, y = tmp_path / "x.npy", tmp_path / "y.npy"
    np.save(x, (rng.random((4, 8, 8)) < 0.5).astype("uint8"))
    np.save(y, np.array([3, 1, 4, 1]))
    model, _ = Run.open(finished / "cvae").load_model()
    z, x_hat = tmp_path / "z.npy", tmp_path / "x_hat.npy"
    assert main(["encode", str(finished / "cvae"), "--input", str(x), "--y", str(y), "--out", str(z)]) == 0
    assert main(["decode", str(finished / "cvae"), "--input", str(z), "--y", str(y), "--out", str(x_hat)]) == 0
    mu, _ = model.encode(np.load(x).reshape(4, 64), y=np.load(y))
    np.testing.assert_allclose(np.load(z), mu, rtol=1e-6)
    np.testing.assert_allclose(np.load(x_hat).reshape(4, 64), model.decode(mu, y=np.load(y)), rtol=1e-6)
    assert main(["encode", str(finished / "ae"), "--input", str(x), "--out", str(tmp_path / "code.npy")]) == 0
    assert np.load(tmp_path / "code.npy").shape == (4, 2)
    out = ["--input", x, "--out", tmp_path / "new.npy"]
    assert "y: expected labels" in error_of(capsys, "encode", finished / "cvae", *out)
    assert "y: expected none" in error_of(capsys, "encode", finished / "ae", *out, "--y", y)
    np.save(y, np.array([3, 1, 10, 1]))
    message = "y: expected classes 0 to 9, as in training, got 1 to 10"
    assert message in error_of(capsys, "encode", finished / "cvae", *out, "--y", y)
    np.save(y, np.array([3, 1]))
    assert "y: expected 4 integer labels" in error_of(capsys, "encode", finished / "cvae", *out, "--y", y)
    assert not (tmp_path / "new.npy").exists()

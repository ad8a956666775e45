"""The command line: what each command does, and what bad input gets: one line, exit code 2, nothing overwritten."""

import json
import subprocess
import sys

import numpy as np
import pytest

from minivae.backend import generator
from minivae.cli import main
from minivae.data import load_data
from minivae.models import MODELS
from minivae.runs import Run, build_model, build_optimizer, read_data, start
from minivae.runs.settings import complete, every_option, options_of, read_options
from minivae.train import fit

PNG = b"\x89PNG"
SMALL = ["--hidden", "8", "--latent", "2", "--epochs", "1"]


OPTIONS = every_option()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "a"
    assert main(["train", *SMALL, "--out", str(out)]) == 0
    return out


def error_of(capsys, *argv):
    """The one line of an error, after checking that it is one, without a traceback, and that the exit code is 2."""
    capsys.readouterr()
    assert main([str(a) for a in argv]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("minivae: ")
    assert captured.err.count("\n") == 1
    assert "Traceback" not in captured.err
    return captured.err


# ---- commands


def test_train_says_what_and_where(tmp_path, capsys):
    assert main(["train", *SMALL, "--out", str(tmp_path / "a")]) == 0
    first, scale, epoch, last = capsys.readouterr().out.splitlines()
    assert scale == "x: float32 from 0 to 1, as they are; 0 validation values lie outside"
    assert "digits, 1250 training and 250 validation examples of 8x8x1, binarize each" in first
    assert epoch.startswith("epoch 1/1")
    for name in ("curves", "reconstructions", "samples", "latents"):
        assert str(tmp_path / "a" / f"{name}.png") in last
        assert (tmp_path / "a" / f"{name}.png").read_bytes().startswith(PNG)


@pytest.mark.parametrize(
    "options",
    [
        ["--arch", "conv", "--channels", "4"],
        ["--likelihood", "gaussian"],
        ["--likelihood", "gaussian-fixed", "--arch", "conv", "--channels", "2", "3"],
        ["--likelihood", "logistic-mixture", "--mixtures", "2", "--levels", "17"],
        ["--likelihood", "beta-binomial", "--arch", "conv", "--channels", "2"],
        ["--likelihood", "gaussian-full", "--optimizer", "sgd", "--schedule", "step", "--clip", "1"],
        ["--binarize", "threshold", "--optimizer", "adamw", "--weight-decay", "0.1", "--activation", "tanh"],
        ["--binarize", "once", "--dtype", "float64", "--schedule", "cosine", "--beta", "0"],
        ["--hidden", "9", "7", "--latent", "1", "--activation", "silu", "--dropout", "0.2"],
    ],
)
def test_train_options(options, tmp_path):
    out = tmp_path / "a"
    assert main(["train", *SMALL, *options, "--out", str(out)]) == 0
    assert main(["evaluate", str(out), "--samples", "3"]) == 0
    assert np.isfinite(json.loads((out / "evaluate-test.json").read_text())["evidence"]["3"]["log_px"])


CHANGES = [
    {"beta": 4.0}, {"dropout": 0.3}, {"activation": "tanh"}, {"clip": 0.01}, {"seed": 1}, {"schedule": "step"},
    {"schedule": "cosine"}, {"optimizer": "sgd"}, {"optimizer": "adamw", "weight_decay": 0.5}, {"lr": 0.01},
    {"batch_size": 64}, {"latent": 3}, {"hidden": [9]}, {"arch": "conv"}, {"arch": "conv", "channels": [4]},
    {"binarize": "once"}, {"binarize": "threshold"}, {"binarize": "none"}, {"likelihood": "gaussian"},
    {"likelihood": "gaussian-fixed"}, {"likelihood": "gaussian-full"}, {"validation": 10}, {"dtype": "float64"},
    {"epochs": 4}, {"augment": 1}, {"split_order": "shuffle"},
    {"likelihood": "gaussian", "dequantize": True}, {"norm": "batch"}, {"norm": "layer"},
    {"likelihood": "gaussian", "standardize": True}, {"likelihood": "categorical"}, {"beta_schedule": "linear"},
    {"likelihood": "gaussian", "std": 0.5}, {"likelihood": "gaussian-fixed", "std": 0.5},
    {"likelihood": "categorical", "levels": 4}, {"likelihood": "logistic-mixture"}, {"likelihood": "beta-binomial"},
    {"likelihood": "logistic-mixture", "mixtures": 2}, {"likelihood": "beta-binomial", "levels": 33},
    {"beta_schedule": "cyclical"}, {"free_bits": 0.5}, {"schedule": "iwae"},
    {"beta_schedule": "linear", "beta_epochs": 2}, {"rates": {"encoder": 0.5}}, {"warm_up": 1}, {"ema": 0.9},
    {"data": "sprites", "sprites": {"side": 8, "scale": [5], "orientation": [0], "x": [3, 9], "y": [2, 7, 9]}},
    {"optimizer": "sgd", "momentum": 0.5}, {"optimizer": "sgd", "nesterov": True}, {"activation": "elu"},
    {"model": "iwae"}, {"model": "iwae", "samples": 2}, {"model": "iwae", "gradient": "doubly"}, {"model": "cvae"},
    {"model": "ae"}, {"model": "iwae", "bound": "elbo"}, {"output_bias": "mean"}, {"adam_eps": 0.1},
    {"schedule": "iwae-scaled"}, {"model": "flow"}, {"model": "flow", "flow": "radial"}, {"model": "flow", "flows": 3},
    {"model": "iaf"}, {"model": "iaf", "flow_width": 9}, {"model": "iaf", "context": 9}, {"model": "vamp"},
    {"model": "vamp", "components": 9}, {"model": "mixture"}, {"model": "realnvp"},
    {"model": "hvae"}, {"model": "hvae", "upper": [2]},
    {"model": "hvae", "upper": [1, 1]}, {"model": "hvae", "between": [5]}, {"model": "ladder"},
    {"model": "ladder", "between": [5]}, {"model": "cvae", "prior": "learned"}, {"model": "ivae"}, {"model": "net"},
    {"model": "cvae", "binarize": "once", "quadrants": 1}, {"model": "net", "binarize": "once", "quadrants": 2},
    {"model": "capacity"}, {"model": "capacity", "capacity": 2.0}, {"model": "capacity", "capacity_epochs": 2},
    {"model": "capacity", "gamma": 10.0}, {"model": "tcvae"}, {"model": "tcvae", "beta": 4.0},
    {"model": "tcvae", "beta": 4.0, "estimator": "stratified"}, {"model": "factorvae"},
    {"model": "factorvae", "gamma": 1.0}, {"model": "factorvae", "critic": [4]}, {"model": "vaegan"},
    {"model": "vaegan", "gamma": 1.0}, {"model": "vaegan", "feature_std": 0.3}, {"model": "vaegan", "critic": [4]},
    {"model": "vaegan", "arch": "conv", "critic_channels": [4]},
    {"model": "gan"}, {"model": "gan", "objective": "hinge"}, {"model": "gan", "critic_norm": "spectral"},
    {"model": "aae"}, {"model": "aae", "gamma": 1.0}, {"model": "aae", "critic": [4]},
    {"data": "sources"}, {"data": "sources", "sources": {"rows": 2}},
    {"rare": {"class": 3, "share": 0.01}}, {"data": "modes"}, {"data": "modes", "modes": {"kind": "grid"}},
    {"model": "m2"}, {"model": "m2", "alpha": 2}, {"model": "m2", "labelled": 50},
    {"model": "m2", "labelled": 50, "labels_first": 2}, {"model": "m2", "labels_only": True},
    {"model": "multimodal"}, {"model": "multimodal", "experts": "mixture"}, {"model": "multimodal", "labelled": 50},
    {"model": "multimodal", "label_weight": 2},
    {"model": "halves"}, {"model": "halves", "experts": "mixture"},
    {"model": "gumbel"}, {"model": "gumbel", "categories": 3}, {"model": "gumbel", "gradient": "straight-through"},
    {"model": "gumbel", "gradient": "score"}, {"model": "gumbel", "temperature": 0.9},
    {"model": "gumbel", "temperature_end": 0.1}, {"model": "gumbel", "temperature_epochs": 1},
    *({"model": "vqvae", "codes": 8} | change for change in (
        {}, {"codes": 9}, {"width": 3}, {"codebook": "loss"}, {"commit": 0.5}, {"decay": 0.5}, {"revive": 0.0},
        {"prior": "uniform"}, {"prior_width": 4}, {"prior_blocks": 1}, {"prior_after": 1},
    )),
    *({"model": "seqvae", "data": "expressions", "batch_size": 16} | change for change in (
        {}, {"arch": "transformer"}, {"arch": "transformer", "heads": 2}, {"decoder_hidden": [4]}, {"embedding": 5},
        {"word_dropout": 0.5}, {"aggressive": 1}, {"aggressive": 1, "aggressive_epochs": 1}, {"tokens": "words"},
    )),
    {"model": "lm", "data": "expressions"},
    {"model": "nvp"}, {"model": "nvp", "flows": 3}, {"model": "nvp", "logit_alpha": 0.1},
    {"model": "nvp", "arch": "conv"}, {"model": "nvp", "bins": 4},
    {"model": "ddpm"}, {"model": "ddpm", "noise": "linear"}, {"model": "ddpm", "times": 7, "jumps": 3},
    {"model": "ddpm", "arch": "conv"},
    {"model": "ppca"}, {"model": "ppca", "fit": "gradient"},
]  # fmt: skip
OF_OTHERS = {"signal", "side", "columns", "label", "parts"}  # of rows, folders and tables: digits are none


def trained(changes):
    """theta after a few epochs with these settings, and the optimizer."""
    small = {"epochs": 3} | ({"channels": [3]} if changes.get("arch") == "conv" else {})
    if "hidden" in options_of(changes.get("model", "vae")):
        small["hidden"] = [8]
    if changes.get("model") not in ("net", "lm", "nvp", "ddpm"):
        small["latent"] = 2
    settings = complete(read_options(small | changes))
    data = read_data(settings)
    model = build_model(settings, data.protocol)
    optimizer = build_optimizer(settings, model, data.protocol)
    start(settings, model, data)
    fit(model, optimizer, data, progress=False, **{k: settings[k] for k in ("epochs", "batch_size", "seed")})
    with optimizer.averaged():
        return model.theta.copy(), optimizer


def test_every_option_does_something(monkeypatch):
    """What is recorded must be what was done: each option changes the numbers."""
    monkeypatch.setattr("minivae.data.corpora.DRAWN", (60, 10))
    thetas = [trained(changes)[0] for changes in [{}, *CHANGES]]
    assert np.array_equal(thetas[0], trained({})[0])
    for i, a in enumerate(thetas):
        for j in range(i):
            assert a.shape != thetas[j].shape or (a != thetas[j]).any(), ([{}, *CHANGES][i], [{}, *CHANGES][j])
    tried = {name for change in CHANGES for name in change}
    others = {"data_dir", "backend", "early_stop", "pictures_every", "ledger", "scale"}  # a named set has its own scale
    assert tried == set(OPTIONS) - others - OF_OTHERS


def test_the_seed_draws_the_weights():
    settings = complete({})
    protocol = load_data("digits").protocol
    thetas = [build_model(settings | {"seed": seed}, protocol).theta for seed in (0, 0, 1)]
    np.testing.assert_array_equal(thetas[0], thetas[1])
    assert (thetas[0] != thetas[2]).any()


def test_schedules_run_over_the_whole_training():
    _, cosine = trained({"schedule": "cosine"})
    assert cosine.t == 3 * 10  # epochs * ceil(1250 / 128)
    assert cosine.lr(0) == 1e-3
    assert cosine.lr(15) == pytest.approx(5e-4)
    assert cosine.lr(30) == pytest.approx(0, abs=1e-18)
    _, step = trained({"schedule": "step"})
    assert [step.lr(t) for t in (0, 9, 10, 20, 29)] == pytest.approx([1e-3, 1e-3, 1e-4, 1e-5, 1e-5])


def test_pictures_show_what_they_say(tmp_path, monkeypatch):
    """Validation images, reconstructed through mu; means, not log-variances; decoded draws from the prior."""
    shown = {}
    monkeypatch.setattr("minivae.plot.reconstructions", lambda x, x_hat, *_: shown.update(x=x, x_hat=x_hat))
    monkeypatch.setattr("minivae.plot.latent_means", lambda mu, y, path, name: shown.update(mu=mu, y=y))
    monkeypatch.setattr("minivae.plot.samples", lambda x_hat, shape, path, title: shown.update(samples=x_hat))
    assert main(["train", *SMALL, "--out", str(tmp_path / "a")]) == 0
    run = Run.open(tmp_path / "a")
    model, validation = run.load_model()[0], run.read_data().validation
    np.testing.assert_array_equal(shown["x"], validation.x[:30])
    np.testing.assert_array_equal(shown["x_hat"], model.reconstruct(validation.x[:30]))
    np.testing.assert_array_equal(shown["mu"], model.encode(validation.x)[0])
    np.testing.assert_array_equal(shown["y"], validation.y)
    np.testing.assert_array_equal(shown["samples"], model.sample(64, generator(0, "sample")))


def test_grey_pixels_under_bernoulli_say_so(tmp_path, capsys):
    assert main(["train", *SMALL, "--binarize", "none", "--out", str(tmp_path / "a")]) == 0
    assert "log_px_z cannot exceed -1" in capsys.readouterr().out


@pytest.mark.parametrize("x", [np.eye(9)[:1], np.zeros((1, 5, 4, 3)), np.random.default_rng(0).random((7, 3))])
def test_users_own_data(x, tmp_path):
    """Rows and color images; one image is enough for every command."""
    np.savez(tmp_path / "x.npz", x=x, x_test=x)
    out = tmp_path / "a"
    assert main(["train", *SMALL, "--data", str(tmp_path / "x.npz"), "--out", str(out)]) == 0
    for command in ("sample", "reconstruct", "traverse", "latent", "uncertainty", "evaluate", "info"):
        assert main([command, str(out)]) == 0
    assert main(["interpolate", str(out)]) == (2 if len(x) < 12 else 0)  # no two validation examples
    assert json.loads((out / "evaluate-test.json").read_text())["examples"] == len(x)


def test_sample(run, tmp_path, capsys):
    pictures = {}
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        assert main(["sample", str(run), "--n", "5", "--seed", str(seed), "--out", str(tmp_path / f"{name}.png")]) == 0
        pictures[name] = (tmp_path / f"{name}.png").read_bytes()
    assert pictures["a"].startswith(PNG)
    assert pictures["a"] == pictures["b"] != pictures["c"]
    before = (run / "samples.png").read_bytes()
    assert main(["sample", str(run)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(run / "samples.png")
    assert (run / "samples.png").read_bytes() == before  # train drew the same


def test_reconstruct(run, tmp_path):
    assert main(["reconstruct", str(run), "--out", str(tmp_path / "a.png")]) == 0
    assert (tmp_path / "a.png").read_bytes() == (run / "reconstructions.png").read_bytes()


def test_evaluate(run, capsys):
    assert main(["evaluate", str(run), "--samples", "20"]) == 0
    out = capsys.readouterr().out
    report = json.loads((run / "evaluate-test.json").read_text())
    assert report["examples"] == 297
    assert f"elbo {report['elbo']:.2f} +- {report['elbo_standard_error']:.2f} nats\n" in out
    assert f"log_px_z {report['log_px_z']:.2f} nats\nkl {report['kl']:.2f} nats\n" in out
    assert report["elbo"] < report["evidence"]["20"]["log_px"] < 0
    for split, n in (("validation", 250), ("train", 1250)):
        assert main(["evaluate", str(run), "--split", split]) == 0
        assert json.loads((run / f"evaluate-{split}.json").read_text())["examples"] == n
    first = (run / "evaluate-train.json").read_bytes()
    assert main(["evaluate", str(run), "--split", "train"]) == 0
    assert (run / "evaluate-train.json").read_bytes() == first


@pytest.mark.parametrize(
    ("options", "levels"),
    [
        ([], 2),
        (["--binarize", "threshold"], 2),
        (["--likelihood", "categorical"], 17),
        (["--likelihood", "logistic-mixture", "--levels", "33"], 33),
        (["--model", "iwae", "--samples", "2", "--likelihood", "beta-binomial"], 17),
        (["--binarize", "none"], None),
        (["--likelihood", "gaussian"], None),
    ],
)
def test_evaluate_says_bits_per_dimension_of_probabilities(options, levels, tmp_path, capsys):
    """-ELBO / (64 log 2) and the same of log p(x), of so many levels; none of a density, or of chances of bits."""
    out = tmp_path / "a"
    assert main(["train", *SMALL, *options, "--out", str(out)]) == 0
    capsys.readouterr()
    assert main(["evaluate", str(out), "--samples", "4"]) == 0
    said, report = capsys.readouterr().out, json.loads((out / "evaluate-test.json").read_text())
    found = report["evidence"]["4"]
    if levels is None:
        assert not {"elbo_bits_per_dimension", "levels"} & set(report) | {"bits_per_dimension"} & set(found)
        assert "bits per dimension" not in said
        return
    bits, of_log_px = (-nats / (64 * np.log(2)) for nats in (report["elbo"], found["log_px"]))
    assert report["levels"] == levels
    assert report["elbo_bits_per_dimension"] == pytest.approx(bits)
    assert found["bits_per_dimension"] == pytest.approx(of_log_px)
    assert f"elbo {bits:.4f} bits per dimension, of {levels} levels\n" in said
    assert f" nats, {of_log_px:.4f} bits per dimension, by importance sampling" in said
    assert found["quantity"] == ("log p(x)" if levels == 2 else f"log p(x) of {levels} levels")


@pytest.mark.parametrize("arch", ["dense", "conv"])
def test_gradcheck(arch, capsys):
    assert main(["gradcheck", "--arch", arch, "--likelihood", "gaussian"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("encoder.layers.")
    assert lines[-1].startswith("likelihood.log_var")
    assert all(line.split()[-1] == "ok" for line in lines[1:])


def test_gradcheck_fails_on_a_wrong_gradient(monkeypatch, capsys):
    import minivae.models.vae as vae

    right = vae.reparameterize_backward
    monkeypatch.setattr(vae, "reparameterize_backward", lambda *a, **k: (right(*a, **k)[0], 2 * right(*a, **k)[1]))
    assert main(["gradcheck"]) == 1
    out = capsys.readouterr().out
    assert "encoder.layers.0.W" in out
    assert "NOT OK" in out
    assert all(line.endswith("ok") for line in out.splitlines() if line.startswith("decoder"))


def test_info(run, capsys):
    assert main(["info", str(run)]) == 0
    out = capsys.readouterr().out
    for text in (
        "1 of 1 epochs",
        "hidden 8",
        "binarize each",
        "decoder.layers.2.W",
        "8x64",
        "validation epoch 1: loss",
    ):
        assert text in out


def test_config_and_flags_win(tmp_path):
    config = tmp_path / "c.toml"
    config.write_text("hidden = [9, 5]\nlatent = 2\nbatch_size = 64\nlr = 1\nepochs = 1\nlikelihood = 'gaussian'\n")
    out = tmp_path / "a"
    assert main(["train", "--config", str(config), "--lr", "0.01", "--out", str(out)]) == 0
    settings = json.loads((out / "settings.json").read_text())["settings"]
    assert (settings["hidden"], settings["batch_size"], settings["lr"]) == ([9, 5], 64, 0.01)
    assert settings["likelihood"] == "gaussian"


def test_defaults():
    digits, mnist = complete({}), complete({"data": "mnist"})
    assert (digits["hidden"], digits["latent"], digits["epochs"]) == ([128], 8, 100)
    assert (mnist["hidden"], mnist["latent"], mnist["epochs"]) == ([400, 200], 20, 20)
    assert complete({"data": "mnist", "arch": "conv"})["hidden"] == [256]
    assert (digits["optimizer"], digits["lr"], digits["batch_size"], digits["seed"]) == ("adam", 1e-3, 128, 0)
    assert set(digits) == set(options_of("vae"))
    assert set(complete({"model": "ae"})) == set(options_of("ae"))
    stds = [complete({"likelihood": name} | more)["std"] for name in ("gaussian", "gaussian-fixed")
            for more in ({}, {"standardize": True}, {"std": 0.3})]  # fmt: skip
    assert stds == [0.2, 1, 0.3, 0.1, 1, 0.3]


def test_version_and_module(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0
    result = subprocess.run([sys.executable, "-m", "minivae", "train", "--epochs", "0"], capture_output=True, text=True)
    assert result.returncode == 2
    assert result.stderr == "minivae: epochs: expected a whole number >= 1, got 0\n"


# ---- bad input


BAD_VALUES = [
    ("model", "gnn"), ("data", "nothing"), ("data", "gone.npz"), ("binarize", "maybe"), ("validation", "-1"),
    ("validation", "1500"), ("arch", "tree"), ("hidden", "0"), ("hidden", "8 -1"), ("hidden", "wide"),
    ("hidden", "9 1000001"), ("channels", "0"), ("channels", "8"), ("latent", "0"), ("latent", "2.5"),
    ("activation", "step"), ("likelihood", "cauchy"),
    ("beta", "-1"), ("beta", "nan"), ("beta", "inf"), ("epochs", "0"), ("epochs", "many"), ("epochs", "1e400"),
    ("batch-size", "0"), ("optimizer", "lbfgs"), ("lr", "0"), ("lr", "-0.1"), ("lr", "nan"), ("lr", "inf"),
    ("schedule", "spiral"), ("clip", "0"), ("weight-decay", "-1"), ("weight-decay", "0.1"), ("dropout", "1"),
    ("dropout", "-0.1"), ("augment", "-1"), ("augment", "half"), ("scale", "0"), ("split-order", "x"),
    ("beta-schedule", "square"), ("free-bits", "-1"),
    ("early-stop", "0"), ("early-stop", "soon"), ("seed", "-1"), ("seed", "x"), ("backend", "abacus"),
    ("dtype", "float16"), ("samples", "0 --model iwae"), ("gradient", "triply --model iwae"),
    ("flow", "cubic --model flow"), ("flows", "0 --model flow"), ("flow-width", "0 --model iaf"),
    ("gamma", "-1 --model capacity"), ("capacity", "-1 --model capacity"),
    ("capacity-epochs", "0 --model capacity"), ("estimator", "x --model tcvae"), ("critic", "0 --model factorvae"),
    ("feature-std", "0 --model vaegan"), ("critic-channels", "4 --model vaegan"), ("early-stop", "2 --model vaegan"),
    ("objective", "wasserstein --model gan"), ("critic-norm", "batch --model gan"), ("binarize", "each --model gan"),
    ("likelihood", "gaussian --model gan"), ("early-stop", "2 --model gan"),
    ("context", "x --model iaf"), ("components", "0 --model vamp"),
    ("prior", "wide --model cvae"), ("quadrants", "4"), ("tokens", "bytes"), ("tokens", "words"),
    ("labelled", "0 --model m2"), ("labelled", "9 --model m2"), ("labelled", "50"), ("alpha", "-1 --model m2"),
    ("labels-first", "x --model m2"), ("labels-first", "1 --model m2"),
    ("experts", "sum --model multimodal"), ("label-weight", "-1 --model multimodal"),
    ("label-weight", "1 --model halves"),
    ("gradient", "doubly --model gumbel"), ("categories", "1 --model gumbel"), ("temperature", "0 --model gumbel"),
    ("temperature-end", "-1 --model gumbel"), ("temperature-epochs", "0 --model gumbel"),
    ("temperature", "1 --model gumbel --gradient score"),
    ("upper", "0 --model hvae"), ("between", "3 0 --model ladder"), ("codes", "1 --model vqvae"),
    ("width", "0 --model vqvae"), ("codebook", "x --model vqvae"), ("commit", "-1 --model vqvae"),
    ("revive", "0.5 --model vqvae"), ("prior-width", "0 --model vqvae"), ("prior-blocks", "-1 --model vqvae"),
    ("prior-after", "-1 --model vqvae"), ("prior-width", "4 --model vqvae --prior uniform"),
    ("latent", "4 --model vqvae --arch conv"), ("hidden", "4 --model vqvae --arch conv"),
    *((name, f"{value} --data expressions --model seqvae") for name, value in (
        ("arch", "conv"), ("heads", "2"), ("heads", "3 --arch transformer"), ("hidden", "8 9 --arch transformer"),
        ("decoder-hidden", "0"), ("embedding", "0"), ("word-dropout", "1"), ("aggressive", "-1"),
        ("aggressive-epochs", "0"), ("likelihood", "gaussian"), ("binarize", "once"), ("augment", "1"),
        ("tokens", "bytes"),
    )),
    ("logit-alpha", "0.5 --model nvp"), ("bins", "0 --model nvp"), ("arch", "gru --model nvp"),
    ("latent", "2 --model nvp"),
    ("times", "1 --model ddpm"), ("jumps", "300 --model ddpm"), ("noise", "sine --model ddpm"),
    ("latent", "2 --model ddpm"), ("channels", "4 4 4 4 4 --model ddpm --arch conv"),
    ("latent", "64 --model ppca"), ("fit", "x --model ppca"), ("fit", "closed"), ("hidden", "3 --model ppca"),
    ("likelihood", "bernoulli --model ppca"), ("augment", "1 --model ppca"),
    ("latent", "2 --model lm"), ("model", "vae --data expressions"), ("data", "digits --model seqvae"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), BAD_VALUES)
def test_bad_values(name, value, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("minivae.data.corpora.DRAWN", (60, 10))
    error = error_of(capsys, "train", f"--{name}", *value.split(), "--out", tmp_path / "a")
    assert error.startswith(f"minivae: {name.replace('-', '_')}: ")
    assert not list(tmp_path.iterdir())


BAD_CONFIG = [
    ("dequantize", "1", "expected true or false, got 1"),
    ("dequantize", "true", "expected a Gaussian likelihood"),
    ("standardize", "'yes'", "expected true or false, got 'yes'"),
    ("standardize", "true", "expected a Gaussian likelihood"),
    ("dequantize", "true\nlikelihood = 'gaussian'\nstandardize = true", "not both"),
    ("sprites", "{side = 8}", "expected data sprites, got 'digits'"),
    ("sprites", "{shape = [3]}\ndata = 'sprites'", "sprites.shape: expected whole numbers from 0 to 2, got 3"),
    ("sprites", "{shape = 'round'}\ndata = 'sprites'", "sprites.shape: expected a whole number >= 0, got 'round'"),
    ("sprites", "{color = 1}\ndata = 'sprites'", "expected side, shape, scale, orientation, x, y, got 'color'"),
    ("sources", "{rows = 8}", "sources: expected data sources, got 'digits'"),
    ("sources", "{rows = 0}\ndata = 'sources'", "sources.rows: expected a whole number >= 1, got 0"),
    ("sources", "{means = 1}\ndata = 'sources'", "sources.means: expected true or false, got 1"),
    ("sources", "3\ndata = 'sources'", "sources: expected a table of names and values, got 3"),
    ("sources", "{color = 1}\ndata = 'sources'", "expected segments, rows, count, columns, layers, means, noise, seed"),
    ("sources", "{columns = 1}\ndata = 'sources'", "sources.columns: expected as many as sources, 2, or more, got 1"),
    ("rare", "8", "expected a table of names and values, got 8"),
    ("rare", "{class = 8, share = 0.5}", "expected a share below the 0.0968 that class 8 has of the training split"),
    ("modes", "{std = 0.1}", "modes: expected data modes, got 'digits'"),
    ("modes", "{std = 0}\ndata = 'modes'", "modes.std: expected a finite number > 0, got 0"),
    ("modes", "{count = 8, kind = 'grid'}\ndata = 'modes'", "modes.count: expected a square number for a grid, got 8"),
    ("norm", "'spectral'", "expected one of none, batch, layer, group"),
    ("norm", "'batch'\nmodel = 'vamp'", "expected one without statistics of the batch"),
    ("levels", "1\nlikelihood = 'categorical'", "expected a whole number >= 2, got 1"),
    ("std", "0\nlikelihood = 'gaussian'", "expected a finite number > 1e-18 and < 1e+18, got 0"),
    ("std", "0.3", "expected likelihood gaussian or gaussian-fixed or student-t, got bernoulli"),
    ("levels", "4", "expected likelihood categorical or logistic-mixture or beta-binomial, got bernoulli"),
    ("mixtures", "4", "expected likelihood logistic-mixture, got bernoulli"),
    ("mixtures", "0\nlikelihood = 'logistic-mixture'", "expected a whole number >= 1, got 0"),
    ("beta_epochs", "0", "expected a whole number >= 1, got 0"),
    ("beta_epochs", "3", "expected beta_schedule linear or cyclical, got constant"),
    ("rates", "0.5", "expected a table of names and values, got 0.5"),
    ("rates", "{encoder = -1}", "rates.encoder: expected a finite number >= 0, got -1"),
    ("rates", "{coder = 1}", "no parameter is below 'coder'"),
    ("side", "0\ndata = '.'", "expected a whole number >= 1, got 0"),
    ("side", "8", "expected data that are a folder of pictures, got 'digits'"),
    ("signal", "2", "expected arch conv or gru, got dense"),
    ("hidden", "[]\narch = 'gru'", "expected the width of the state of a GRU first, got no width"),
    ("quadrants", "1", "expected the same bits in x and y at every presentation, binarize each draws them anew"),
    ("quadrants", "1\nbinarize = 'once'", "expected a model that is given them, as y, got vae"),
    ("quadrants", "1\nbinarize = 'once'\nmodel = 'net'\naugment = 2", "augment shifts them anew"),
    ("quadrants", "1\nlikelihood = 'gaussian'\nmodel = 'net'", "expected bits, got other values"),
    ("columns", '{age = "number"}', "columns.age: expected one of real, positive, count, binary, category, skip"),
    ("columns", '{age = "real"}', "expected a table, a .csv file or a DataFrame"),
    ("label", '"age"', "expected a table, a .csv file or a DataFrame"),
    ("parts", '{real = "student-t"}', "expected likelihood mixed, got bernoulli"),
    ("parts", '{real = "cauchy"}', "parts.real: expected one of gaussian, student-t, got 'cauchy'"),
    ("parts", '{reals = "gaussian"}', "parts: expected one of real, positive, count, binary, category, got 'reals'"),
    ("signal", "3\narch = 'conv'", "expected rows (N, D), got images of 8x8x1"),
    ("warm_up", "-1", "expected a finite number >= 0 and < 1e+15, got -1"),
    ("momentum", "0.5", "expected optimizer sgd, got adam"),
    ("momentum", "1\noptimizer = 'sgd'", "expected a finite number >= 0 and < 1, got 1"),
    ("nesterov", "'true'", "expected true or false, got 'true'"),
    ("nesterov", "true", "expected optimizer sgd, got adam"),
    ("adam_eps", "-1", "expected a finite number >= 0, got -1"),
    ("adam_eps", "1e-4\noptimizer = 'sgd'", "expected optimizer adam or adamw, got sgd"),
    ("output_bias", "'one'", "expected one of zero, mean, got 'one'"),
    ("output_bias", "'mean'\nlikelihood = 'gaussian'", "expected likelihood bernoulli, got gaussian"),
    ("output_bias", "'mean'\narch = 'conv'", "mean needs a decoder that ends in a dense layer, got Blocks"),
    ("bound", "'both'\nmodel = 'iwae'", "expected one of iwae, elbo, got 'both'"),
    ("ema", "1", "expected a finite number >= 0 and < 1, got 1"),
    ("early_stop", "3\nvalidation = 0", "expected a validation split"),
    ("pictures_every", "0", "expected a whole number >= 1, got 0"),
    ("ledger", "1", "expected true or false, got 1"),
    ("labels_only", "1\nmodel = 'm2'", "expected true or false, got 1"),
    ("norm", "'batch'\nmodel = 'm2'", "expected one without statistics of the batch"),
    ("norm", "'batch'\nmodel = 'vaegan'", "expected one without statistics of the batch"),
    ("likelihood", "'gaussian'\nmodel = 'vaegan'", "expected bernoulli or gaussian-fixed of whole rows, got Gaussian"),
    ("early_stop", "3\nmodel = 'vaegan'", "expected none, no metric of VAEGAN says which epoch is best"),
    ("norm", "'batch'\nmodel = 'gumbel'", "expected one without statistics of the batch"),
    ("norm", "'batch'\nmodel = 'multimodal'", "expected none, layer or group, since a decoder sees what is found"),
    ("norm", "'batch'\nmodel = 'halves'", "expected none, layer or group, since a decoder sees what is found"),
    ("label_weight", "'much'\nmodel = 'multimodal'", "expected a finite number >= 0, got 'much'"),
    ("temperature", "1\nmodel = 'gumbel'\ngradient = 'score'", "expected gradient relaxed or straight-through, got"),
    ("temperature_end", "'cold'\nmodel = 'gumbel'", "expected a finite number > 0, got 'cold'"),
    ("decay", "1\nmodel = 'vqvae'", "expected a finite number >= 0 and < 1, got 1"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "message"), BAD_CONFIG)
def test_bad_values_in_a_configuration(name, text, message, tmp_path, capsys):
    config = tmp_path / "c.toml"
    config.write_text(f"{name} = {text}\n")
    error = error_of(capsys, "train", "--config", config, "--out", tmp_path / "a")
    assert error.startswith(f"minivae: {name}")
    assert message in error
    assert [p.name for p in tmp_path.iterdir()] == ["c.toml"]


@pytest.mark.parametrize("model", MODELS)
def test_options_that_a_model_has_not_are_refused_by_name(model, tmp_path, capsys):
    """Neither as a flag nor in a configuration does an option of another model pass in silence (pitfall 24)."""
    others = {name: option for name, option in OPTIONS.items() if name not in options_of(model)}
    for name, option in others.items():
        config = tmp_path / "c.toml"
        config.write_text(f"{name} = '1'\n")
        flags = [f"--{name.replace('_', '-')}", "1"] if option.metavar else ["--config", config]
        for given in (flags, ["--config", config]):
            error = error_of(capsys, "train", "--model", model, *given, "--out", tmp_path / "a")
            assert error.startswith(f"minivae: {name}: model {model} has none, only ")
            assert not (tmp_path / "a").exists()


def test_every_option_has_a_bad_value_tested():
    tested = {name.replace("-", "_") for name, *_ in BAD_VALUES + BAD_CONFIG}
    assert tested == set(OPTIONS) - {"data_dir"}


def test_help_names_every_option(capsys):
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    for name, option in OPTIONS.items():
        assert (f"--{name.replace('_', '-')} " if option.metavar else f"{name} (") in text


def test_no_gpu(tmp_path, capsys):
    try:
        import cupy

        if cupy.is_available():
            pytest.skip("this machine has a GPU")
    except ImportError:
        pass
    assert "cupy" in error_of(capsys, "train", "--backend", "cupy", "--out", tmp_path / "a")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "required: COMMAND"),
        (["fly"], "invalid choice: 'fly'"),
        (["train", "--speed", "9"], "unrecognized arguments: --speed 9"),
        (["train", "--epoch", "9"], "unrecognized arguments: --epoch 9"),
        (["train", "--lr"], "--lr: expected one argument"),
        (["train", "--resume"], "resume: expected --out RUN"),
        (["train", "--resume", "--out", "gone"], "run: gone does not exist"),
        (["train", "--config", "gone.toml"], "config: gone.toml does not exist"),
        (["train", "--data", "mnist", "--data-dir", "gone"], "train-images-idx3-ubyte.gz does not exist"),
        (["train", "--out", "no/such/folder"], "does not exist"),
        (["sample", "gone"], "run: gone does not exist"),
        (["evaluate", "gone"], "run: gone does not exist"),
        (["evaluate", ".", "--split", "all"], "invalid choice: 'all'"),
        (["reconstruct", "."], "is it a run folder?"),
        (["info", "."], "is it a run folder?"),
        (["gradcheck", "--arch", "tree"], "invalid choice: 'tree'"),
        (["gradcheck", "--likelihood", "cauchy"], "invalid choice: 'cauchy'"),
        (["gradcheck", "--model", "gnn"], "invalid choice: 'gnn'"),
        (["gradcheck", "--model", "ppca", "--arch", "conv"], "arch: model ppca has none, got conv"),
    ],
)
def test_bad_commands(argv, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert message in error_of(capsys, *argv)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["sample", "--n", "0"], "n: expected a whole number >= 1, got 0"),
        (["sample", "--seed", "-3"], "seed: expected a whole number >= 0, got -3"),
        (["sample", "--out", "no/a.png"], "does not exist"),
        (["sample", "--out", "a.txt"], "ending in .png or .npy or .csv"),
        (["reconstruct", "--out", "a.jpg"], "ending in .png"),
        (["evaluate", "--samples", "0"], "samples: expected a whole number >= 1, got 0"),
    ],
)
def test_bad_values_of_other_commands(options, message, run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert message in error_of(capsys, options[0], run, *options[1:])
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten(run, tmp_path, capsys):
    before = {p.name: p.read_bytes() for p in run.iterdir()}
    assert "not an empty folder" in error_of(capsys, "train", *SMALL, "--out", run)
    assert {p.name: p.read_bytes() for p in run.iterdir()} == before
    file = tmp_path / "file"
    file.write_text("mine")
    assert "not an empty folder" in error_of(capsys, "train", *SMALL, "--out", file)
    assert file.read_text() == "mine"
    (tmp_path / "empty").mkdir()
    assert main(["train", *SMALL, "--out", str(tmp_path / "empty")]) == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epochs = 0", "epochs: expected a whole number >= 1, got 0"),
        ("epochs = 1.5", "epochs: expected a whole number >= 1, got 1.5"),
        ("epochs = true", "epochs: expected a whole number >= 1, got True"),
        ("lr = 'fast'", "lr: expected a finite number > 0, got 'fast'"),
        ("hidden = 8", "hidden: expected a list of numbers, got 8"),
        ("hidden = ['a']", "hidden: expected a whole number >= 1, got 'a'"),
        ("data = 3", "data: expected text, got 3"),
        ("optimizer = ['adam']", "optimizer: expected one of"),
        ("batch-size = 3", "batch-size: unknown option"),
        ("out = 'x'", "out: unknown option"),
        ("[train]\nlr = 1", "train: unknown option"),
        ("epochs = ", "is not TOML"),
        ("x = " + "[" * 5000, "is not TOML"),
        ("arch = 'conv'\nchannels = []", "channels: expected at least one convolution"),
    ],
)
def test_bad_config(text, message, tmp_path, capsys):
    config = tmp_path / "c.toml"
    config.write_text(text)
    assert message in error_of(capsys, "train", "--config", config, "--out", tmp_path / "a")
    assert [p.name for p in tmp_path.iterdir()] == ["c.toml"]


def test_bad_shapes_for_the_networks(tmp_path, capsys):
    np.save(tmp_path / "rows.npy", np.eye(9))
    out = tmp_path / "a"
    message = error_of(capsys, "train", "--arch", "conv", "--data", tmp_path / "rows.npy", "--out", out)
    assert (
        "arch: conv needs images (h, w, c), got rows of 9 values; use dense, or --signal CHANNELS for rows of a signal"
        in message
    )
    for given, said in (
        (["--arch", "conv", "--signal", "2"], "signal: expected a divisor of the 9 values of a row, got 2"),
        (["--signal", "3"], "signal: expected arch conv or gru, got dense"),
        (["--arch", "gru", "--signal", "2"], "signal: expected a divisor of the 9 values of a row, got 2"),
        (["--arch", "conv", "--signal", "0"], "signal: expected a whole number >= 1, got 0"),
        (["--arch", "conv", "--signal", "9"], "leave nothing of a 1x1 image"),
    ):
        assert said in error_of(capsys, "train", *given, "--data", tmp_path / "rows.npy", "--out", out)
    message = error_of(capsys, "train", "--arch", "conv", "--signal", "2", "--out", out)
    assert "signal: expected rows (N, D), got images of 8x8x1" in message
    message = error_of(capsys, "train", "--arch", "conv", "--channels", "1", "2", "3", "4", "--out", out)
    assert "channels: 4 layers of stride 2 leave nothing of a 8x8 image" in message
    assert not out.exists()


def test_options_read_text_and_values_alike():
    assert read_options({"lr": "1e-3", "epochs": "4"}) == read_options({"lr": 0.001, "epochs": 4})
    assert read_options({"epochs": 4.0}) == {"epochs": 4}
    assert read_options({"seed": str(2**53 + 1)}) == {"seed": 2**53 + 1}


def test_a_reader_that_goes_away(run):
    command = f"{sys.executable} -m minivae info '{run}' | head -1"
    result = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert result.stderr == ""
    assert "1 of 1 epochs" in result.stdout

"""The gradient ledger: exact parts, a model left as found, a column of metrics.jsonl, a picture, a command."""

import json
import math
from contextlib import nullcontext

import numpy as np
import pytest
from cases import MODELS
from matplotlib.figure import Figure
from test_runs import Killed, content, train

from minivae import VAE
from minivae.backend import generator
from minivae.cli import main
from minivae.evaluate import gradient_ledger, ledger_line
from minivae.layers import Dense, Network
from minivae.params import replaced
from minivae.plot import COLLAPSED, draw_ledger
from minivae.plot import ledger as drawing
from minivae.priors import StandardNormal
from minivae.runs import Run


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def tiny(rng, **options):
    model = VAE.build((5,), rng, hidden=(4,), latent=2, activation="tanh", **options).bind("float64")
    model.theta += 0.3 * rng.standard_normal(model.theta.shape)
    x = (rng.random((3, 5)) < 0.5).astype("float64")
    return model, x, model.draw_noise(rng, 3)


def rms(a):
    return np.sqrt((a * a).mean(axis=0))


# ---- the parts


WITH_KL = [label for label in MODELS if label.startswith(("vae ", "cvae", "seqvae gru")) and "prior" not in label]


@pytest.mark.parametrize("label", WITH_KL)
def test_parts_of_every_model(label, rng):
    """Against the formulas of the KL's gradient, sent back through the encoder alone; the parts add up to the total."""
    model, x, y = MODELS[label](rng)
    noise = model.draw_noise(rng, len(x))
    ledger = gradient_ledger(model, x, noise, y)
    (mu, log_var), cache = model.encoder.forward(model.seen(x, y), noise["enc"])
    kl = 0.5 * (mu**2 + np.exp(log_var) - 1 - log_var)
    np.testing.assert_allclose(ledger["kl"], kl.mean(axis=0), rtol=1e-12)
    charged = model.beta(0) * (kl.mean(axis=0) >= model.free_bits)
    dmu, dlog_var = charged * mu, charged * (np.exp(log_var) - 1) / 2  # of one example's loss
    np.testing.assert_allclose(ledger["mu"]["kl"], rms(dmu), rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(ledger["log_var"]["kl"], rms(dlog_var), rtol=1e-11, atol=1e-14)

    model.loss_and_grads(x, noise, y=y)
    total = model.grad.copy()
    model.zero_grad()
    model.encoder.backward((dmu / len(x), dlog_var / len(x)), cache)
    for name, part in model.slices.items():
        split, rest = ledger["layers"][name], model.grad[part]
        norms = {"reconstruction": total[part] - rest, "kl": rest, "total": total[part]}
        for key, expected in norms.items():
            assert split[key] == pytest.approx(np.linalg.norm(expected), rel=1e-10, abs=1e-14), (name, key)
        assert name.startswith("encoder") or split["kl"] == 0  # the KL does not reach the decoder
    for split in (ledger["mu"], ledger["log_var"], *ledger["layers"].values()):
        r, k = split["reconstruction"], split["kl"]
        np.testing.assert_allclose(split["total"] ** 2, r**2 + k**2 + 2 * split["cosine"] * r * k, atol=1e-12)
        assert (np.abs(split["cosine"]) <= 1 + 1e-12).all()


def slope(f, array, i, h=1e-3):
    """df / d array[i] by a fourth-order difference."""
    at, value = array[i], {}
    for s in (-2, -1, 1, 2):
        array[i] = at + s * h
        value[s] = f()
    array[i] = at
    return (8 * (value[1] - value[-1]) - (value[2] - value[-2])) / (12 * h)


def test_numeric_gradients_of_both_metrics(rng):
    """Of every parameter, and of mu and log_var, which are moved where they leave the encoder; beta(3) = 1.5."""
    model, x, noise = tiny(rng, beta=lambda t: 0.5 * t)
    ledger = gradient_ledger(model, x, noise, t=3)
    metric = lambda name: model.loss_and_grads(x, noise, t=3, grads=False)[name]  # noqa: E731
    parts = {"reconstruction": lambda: -metric("log_px_z"), "kl": lambda: 1.5 * metric("kl"),
             "total": lambda: metric("loss")}  # fmt: skip
    for part, f in parts.items():
        for name, p in model.params.items():
            numeric = [slope(f, p.data, i) for i in np.ndindex(p.data.shape)]
            assert ledger["layers"][name][part] == pytest.approx(np.linalg.norm(numeric), rel=1e-8, abs=1e-11)
    forward, moved = model.encoder.forward, np.zeros((2, 3, 2))
    model.encoder.forward = lambda x, noise: (tuple(forward(x, noise)[0] + moved), None)
    for part, f in parts.items():
        numeric = 3 * np.array([slope(f, moved, i) for i in np.ndindex(moved.shape)]).reshape(moved.shape)
        for name, g in zip(("mu", "log_var"), numeric, strict=True):
            np.testing.assert_allclose(ledger[name][part], rms(g), rtol=1e-8)
            np.testing.assert_array_less(1e-4, np.abs(rms(1.0005 * g) / ledger[name][part] - 1))  # the test can fail


def test_free_of_N_and_of_units(rng):
    """A batch taken twice has the same ledger; beta = 0 has no KL part."""
    model, x, noise = tiny(rng)
    once = gradient_ledger(model, x, noise)
    twice = gradient_ledger(model, np.tile(x, (2, 1)), noise | {"eps": np.tile(noise["eps"], (2, 1))})
    for name in ("mu", "log_var"):
        for part in once[name]:
            np.testing.assert_allclose(twice[name][part], once[name][part], rtol=1e-12)
    assert twice["layers"]["encoder.layers.0.W"] == pytest.approx(once["layers"]["encoder.layers.0.W"], rel=1e-12)
    model.beta = lambda t: 0.0
    none = gradient_ledger(model, x, noise)
    assert not none["mu"]["kl"].any()
    assert not none["mu"]["cosine"].any()
    np.testing.assert_array_equal(none["mu"]["total"], once["mu"]["reconstruction"])


def test_float32_up_to_its_rounding(rng):
    model, x, noise = tiny(rng)
    exact = gradient_ledger(model, x, noise)
    close = gradient_ledger(model.bind("float32"), x, noise)
    for part in ("reconstruction", "kl", "total"):
        np.testing.assert_allclose(close["mu"][part], exact["mu"][part], rtol=1e-5)


# ---- the model is left as found, whatever happens


def everything(model):
    states = [(s.count, s.data.copy(), s.pull.copy()) for s in model.states.values()]
    arrays = [model.theta.copy(), model.grad.copy(), model.state.copy(), model.pull.copy()]
    return arrays, states, dict(vars(model)), dict(vars(model.encoder))


def same(a, b):
    for left, right in zip(a[0] + sum(map(list, a[1]), []), b[0] + sum(map(list, b[1]), []), strict=True):
        np.testing.assert_array_equal(left, right)
    assert list(a[2].items()) == list(b[2].items())
    assert list(a[3].items()) == list(b[3].items())


@pytest.mark.parametrize("stale", [False, True])
def test_the_model_is_left_as_found(stale, rng):
    model, x, _ = MODELS["vae conv batch norm"](rng)
    noise = model.draw_noise(rng, len(x))
    model.loss_and_grads(1 - x, noise)
    if stale:
        model.zero_grad()
    before = everything(model)
    assert stale or before[1][0][0] == 1
    gradient_ledger(model, x, noise)
    same(everything(model), before)

    def broken(*args):
        raise ArithmeticError

    model.likelihood.backward = broken
    before = everything(model)
    with pytest.raises(ArithmeticError):
        gradient_ledger(model, x, noise)
    same(everything(model), before)


# ---- other models


class Pseudo(VAE):
    """Encodes pseudo-inputs too, and goes backward through them first."""

    def loss_and_grads(self, x, noise, y=None, t=0, grads=True):
        (mu, log_var), c_x = self.encoder.forward(x, noise["enc"])
        (mu_p, log_var_p), c_p = self.encoder.forward(1 - x, noise["enc"])
        self.zero_grad()
        self.encoder.backward((mu_p, log_var_p), c_p)
        self.encoder.backward((mu, 2 * log_var), c_x)
        return {"loss": self.beta(t), "log_px_z": 0.0}


class Plain(VAE):
    """An encoder that gives one array."""

    def loss_and_grads(self, x, noise, y=None, t=0, grads=True):
        self.zero_grad()
        z, cache = self.encoder.forward(x)
        self.encoder.backward(z, cache)
        return {"loss": self.beta(t), "log_px_z": 0.0}


class Heedless(VAE):
    """Inherits a beta that its loss ignores."""

    def loss_and_grads(self, x, noise, y=None, t=0, grads=True):
        with replaced(self, beta=lambda t: 1.0):
            return super().loss_and_grads(x, noise, y, t, grads)


class NoKL(StandardNormal):
    kl = None


def test_the_first_encoding_counts(rng):
    model, x, noise = tiny(rng)
    model.__class__ = Pseudo
    ledger = gradient_ledger(model, x, noise)
    mu, log_var = model.encode(x)
    np.testing.assert_allclose(ledger["mu"]["total"], 3 * rms(mu))
    np.testing.assert_allclose(ledger["log_var"]["total"], 6 * rms(log_var))


def test_bad_models(rng):
    model, x, noise = tiny(rng)
    plain = Plain(Network(Dense(5, 2, rng)), Network(Dense(2, 5, rng)))
    with pytest.raises(ValueError, match=r"model: expected an encoder that gives \(mu, log_var\), once, got Plain"):
        gradient_ledger(plain, x, noise)
    model.prior = NoKL(2)
    with pytest.raises(ValueError, match=r"model: the ledger needs a KL of each latent and a beta\(t\) .* VAE lacks"):
        gradient_ledger(model, x, noise)


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ("ae dense", "which AE lacks"),
        ("iwae dense flow posterior", "which IWAE lacks"),
        ("iwae dense", "the loss of IWAE is not affine in beta"),
    ],
)
def test_models_without_such_parts_are_refused(label, message, rng):
    model, x, y = MODELS[label](rng)
    with pytest.raises(ValueError, match=f"model: the ledger needs .*{message}"):
        gradient_ledger(model, x, model.draw_noise(rng, len(x)), y)


def test_a_beta_that_is_ignored_is_no_part_of_zero(rng):
    """The KL part would be 0 for every latent, and a collapse not to be told from it."""
    model, x, noise = tiny(rng)
    model.__class__ = Heedless
    with pytest.raises(ValueError, match="model: the ledger needs .* the loss of Heedless does not depend on beta"):
        gradient_ledger(model, x, noise)


# ---- in a training


CONFIG = "ledger = true\nnorm = 'batch'\nema = 0.9\nbeta_schedule = 'linear'\n"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ledger")
    (folder / "c.toml").write_text(CONFIG)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("minivae.cli.training.draw_run", lambda run, data: None)
        assert train(folder / "run", "--config", str(folder / "c.toml"), "--dropout", "0.1") == 0
    return folder / "run"


@pytest.mark.usefixtures("no_pictures")
def test_training_is_the_same_without_it(finished, tmp_path):
    file = tmp_path / "c.toml"
    file.write_text(CONFIG.replace("true", "false"))
    assert train(tmp_path / "run", "--config", str(file), "--dropout", "0.1") == 0
    weights, _, lines = content(finished)
    for line in lines:
        assert list(line.pop("ledger")) == ["kl", "mu", "log_var", "layers"]
    assert (weights, lines) == content(tmp_path / "run")[::2]


@pytest.mark.usefixtures("no_pictures")
def test_resume_is_exact(finished, tmp_path, monkeypatch):
    """Killed in the second epoch; its first part was started without the column, which may come at any time."""
    save = Run._save

    def killed_save(self, which, model, optimizer, at):
        if at == 2 and which == "last":
            raise Killed
        save(self, which, model, optimizer, at)

    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(Run, "_save", killed_save)
        with pytest.raises(Killed):
            train(out, "--config", str(finished.parent / "c.toml"), "--dropout", "0.1")
    assert main(["train", "--resume", "--out", str(out)]) == 0
    assert content(out) == content(finished)
    (tmp_path / "c.toml").write_text("ledger = false")
    assert main(["train", "--resume", "--out", str(out), "--config", str(tmp_path / "c.toml"), "--epochs", "4"]) == 0
    assert ["ledger" in line for line in content(out)[2]] == [True, True, True, False]


def test_what_a_line_holds(finished):
    """The ledger of the parameters that learn, at the step that comes next; 128 rows, twice, with eps and -eps."""
    line = content(finished)[2][-1]["ledger"]
    run = Run.open(finished)
    model, optimizer, data = run.resume({})
    x = data.validation.x[:128]
    eps = generator(0, "validation").standard_normal((256, 2), dtype="float32")[:128]
    noise = {"eps": np.concatenate([eps, -eps]), "enc": None, "dec": None}
    ledger = gradient_ledger(model, np.concatenate([x, x]), noise, t=optimizer.t)
    for name in ("mu", "log_var"):
        for part, values in ledger[name].items():
            np.testing.assert_allclose(line[name][part], values, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(line["kl"], ledger["kl"], rtol=1e-3)
    assert set(line["layers"]) == set(model.params)
    assert all(float(f"{v:.4g}") == v for v in line["kl"] + line["mu"]["total"])


def test_fewer_rows_and_labels(rng):
    model = VAE.build((5,), rng, hidden=(4,), latent=2)
    line = ledger_line(model, np.eye(5, dtype="float32"), np.arange(5), rng)
    assert json.loads(json.dumps(line)) == line


@pytest.mark.usefixtures("no_pictures")
def test_a_run_older_than_the_option(finished, tmp_path):
    settings = json.loads((finished / "settings.json").read_text())
    del settings["settings"]["ledger"], settings["settings"]["pictures_every"]
    for path in finished.glob("*.*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    run = Run.open(tmp_path)
    assert (run.settings["ledger"], run.settings["pictures_every"]) == (False, None)
    assert main(["train", "--resume", "--out", str(tmp_path), "--epochs", "3"]) == 0


# ---- the picture and the command


def split(reconstruction, kl, cosine):
    return {"reconstruction": reconstruction, "kl": kl, "total": kl, "cosine": cosine}


def line_of(epoch, kl, mu, layers=("encoder.W", "decoder.W")):
    ledger = {"kl": kl, "mu": mu, "log_var": mu, "layers": {name: split(1.0, 0.5, -0.5) for name in layers}}
    ledger["layers"]["decoder.W"] = split(2.0, 0.0, 0.0)
    return {"epoch": epoch, "ledger": ledger}


BALANCED = split([2.0, 2.0, 2.0, 3.0], [1.0, 1.0, 1.0, 1.0], [-0.5, 0.5, -0.5, -1.0])


def test_what_the_picture_shows(tmp_path, monkeypatch):
    """k / (k + a) sorted by the last KL; 1/2 is balance, 1 where nothing pulls against the KL; grey is collapsed."""
    shown = {}

    def keep_shares(ax, epochs, share, names):
        shown.update(share=share, names=names)

    monkeypatch.setattr(drawing, "figure_to", lambda path, size: nullcontext(Figure(size)))  # rendering is slow
    monkeypatch.setattr(drawing, "_draw_shares", keep_shares)
    monkeypatch.setattr(drawing, "_draw_bars", lambda ax, *args: shown.setdefault("bars", args))
    monkeypatch.setattr(drawing, "draw_kl_lines", lambda ax, epochs, kl: shown.update(epochs=epochs))
    history = [line_of(1, [1.0] * 4, BALANCED), {"epoch": 2}, line_of(3, [0.1, 0.3, 0.001, 0.2], BALANCED)]
    draw_ledger(history, tmp_path / "a.png")
    assert shown["names"] == ["z[1]", "z[3]", "z[0]", "z[2]"]
    np.testing.assert_allclose(shown["share"], [[1, 1], [0.25, 0.25], [0.5, 0.5], [0.5, np.nan]])
    assert shown["epochs"] == [1, 3]
    names, pulls, n_collapsed = shown["bars"]
    assert (names, n_collapsed) == (shown["names"], 1)
    np.testing.assert_allclose(pulls, [[2, 3, 2, 2], [1, 1, 1, 1], [0, 3, 1, 1]])


def test_pictures_of_what_cannot_be_drawn(tmp_path):
    """Gradients of 0, or not finite, among many latents; no ledger at all."""
    odd = split([math.inf, *[0.0] * 39], [math.nan, *[1e-9] * 39], [-0.5] * 40)
    draw_ledger([line_of(7, [math.nan, math.inf, *[0.0] * 38], odd)], tmp_path / "a.png")
    with pytest.raises(ValueError, match="history: expected lines with a ledger, got none; train with ledger = true"):
        draw_ledger([{"epoch": 1}], tmp_path / "b.png")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_command_of_a_training_with_the_column(finished, tmp_path, capsys):
    """Its picture is, byte for byte, that of the bare ledgers."""
    assert main(["ledger", str(finished)]) == 0
    *table, path = capsys.readouterr().out.splitlines()
    assert path == str(finished / "ledger.png")
    assert table[0].startswith("last, epoch 3: ")
    ledgers = [line["ledger"] for line in content(finished)[2]]
    kl = sorted(ledgers[-1]["kl"], reverse=True)
    assert [float(row.split()[1]) for row in table[2:]] == pytest.approx(kl, abs=1e-4)
    draw_ledger(ledgers, tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes() == (finished / "ledger.png").read_bytes()


@pytest.mark.usefixtures("no_pictures")
def test_collapse_is_seen_in_a_checkpoint_alone(tmp_path, capsys, monkeypatch):
    """Under beta = 30 the reconstruction part answers less than half of the KL's pull, and the KL is gone."""
    (tmp_path / "c.toml").write_text("beta_schedule = 'linear'\nbeta_epochs = 1\n")
    assert main(["train", "--hidden", "16", "--latent", "3", "--epochs", "25", "--lr", "0.005", "--beta", "30",
                 "--config", str(tmp_path / "c.toml"), "--out", str(tmp_path / "run")]) == 0  # fmt: skip
    drawn = []
    monkeypatch.setattr("minivae.cli.ledger.draw_ledger", lambda *args: drawn.append(args))
    capsys.readouterr()
    assert main(["ledger", str(tmp_path / "run"), "--out", str(tmp_path / "a.png")]) == 0
    ((lines, to),) = drawn
    assert (to, [list(line) for line in lines]) == (tmp_path / "a.png", [["epoch", "ledger"]])
    *table, path = capsys.readouterr().out.splitlines()
    assert path == str(tmp_path / "a.png")
    assert table[0].startswith("best checkpoint, epoch ")
    rows = [row.split() for row in table[2:]]
    assert len(rows) == 3
    for _, kl, part, rest, cosine, word in rows:
        assert float(kl) < COLLAPSED
        assert word == "collapsed"
        assert -float(cosine) * float(part) < 0.5 * float(rest)

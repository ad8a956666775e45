"""What z gains the decoder, what the doctor says of constructed histories, and the command with both."""

import json
import re

import numpy as np
import pytest
from test_cli import PNG, error_of

from minivae.backend import generator
from minivae.cli import main
from minivae.cli.families import Case
from minivae.cli.families import latents as family
from minivae.evaluate import collapse_doctor, decoder_gain, kl_per_latent, log_evidence
from minivae.plot import draw_kl, latent_space
from minivae.runs import Run
from minivae.truth import linear_gaussian as exact

SETTINGS = {"model": "vae", "beta": 1.0, "beta_schedule": "constant", "free_bits": 0.0}


def doctor(kl, gain=50.0, history=(), variances=None, **settings):
    kl = np.array(kl)
    return collapse_doctor(kl, 2 * kl if variances is None else variances, gain, SETTINGS | settings, history)


def test_what_z_gains():
    """A linear decoder: E_q log p(x | z) less that under the prior, in closed form; without its weights 0."""
    rng = np.random.default_rng(0)
    model = exact.build(rng, diagonal=True)
    exact.make_posterior_exact(model)
    W, b, s = exact.weights(model)
    row = rng.standard_normal((1, 5))
    x = np.repeat(row, 20_000, axis=0)
    mu, log_var = model.encode(row)
    of_x = ((row - b - mu @ W) ** 2).sum() + (np.exp(log_var) @ (W**2).sum(axis=1)).sum()
    of_prior = ((row - b) ** 2).sum() + (W**2).sum()
    gain = decoder_gain(model, x, rng)
    assert abs(gain.mean() - 0.5 * (of_prior - of_x) / s) < 4 * gain.std() / len(x) ** 0.5
    assert gain.mean() > 1
    model.decoder.layers[0].W.data[...] = 0
    np.testing.assert_array_equal(decoder_gain(model, x[:3], rng), 0)


# ---- what it says


def test_nothing_has_collapsed():
    assert doctor([0.5, 1.5]) == (
        "None of the 2 latents has collapsed (KL below 0.01 nats). The decoder uses z: a z from q(z | x) in the place "
        "of one from the prior gains 50.00 nats of reconstruction, for a KL of 2.00 nats. There is nothing to try."
    )


def test_some_died_and_one_never_lived():
    """Since the epoch after the last at which it was alive, even if it had been dead before."""
    history = [(1, [1, 0.5, 0.002, 0.5]), (2, [1, 0.001, 0.002, 0.5]), (3, [1, 0.2, 0.003, 0.5]),
               (4, [1, 0.001, 0.002, 0.004]), (5, [1, 0.002, 0.001, 0.5])]  # fmt: skip
    text = doctor([2.0, 0.001, 0.002, 0.5], history=history)
    assert text.startswith("2 of 4 latents have collapsed (KL below 0.01 nats). z[1] died at epoch 4; z[2] was never "
                           "alive since epoch 1, the first recorded. The decoder uses z: ")  # fmt: skip
    assert text.endswith("Unused latents are normal, 2 of 4: the ELBO charges for each that is used. There is nothing "
                         "to try; --latent 2 would do as well.")  # fmt: skip
    assert "z[0]" not in text
    assert "z[3]" not in text


def test_a_latent_that_only_the_evaluated_split_finds_dead():
    assert "z[0] died at epoch 2;" not in doctor([0.001, 1], history=[(1, [1, 1]), (2, [1, 1])])
    assert "z[0] died at epoch 2." in doctor([0.001, 1], history=[(1, [1, 1]), (2, [1, 1])])


def test_without_a_history():
    assert (
        "1 of 3 latents has collapsed (KL below 0.01 nats). Collapsed: z[2]. A training with ledger = true"
        in doctor([1, 1, 0.001])
    )


def test_more_than_half():
    text = doctor([2.0, 0.001, 0.002], history=[(1, [1, 0, 0])])
    assert "z[1] and z[2] were never alive" in text
    assert "That is more than half: --latent 1 would do as well; or, to wake others, try a warm-up" in text


def test_all_have_collapsed():
    text = doctor([0.001] * 12, gain=0.0, beta=50.0)
    assert text.startswith("All 12 latents have collapsed (KL below 0.01 nats). Collapsed: z[0], z[1], z[2], z[3], "
                           "z[4], z[5], z[6] and 5 more.")  # fmt: skip
    assert "The decoder ignores z: " in text
    assert text.endswith("Try a smaller --beta (it is 50), a warm-up of the KL (--beta-schedule linear), a KL that "
                         "costs nothing up to a limit (--free-bits 0.1), the bound of an IWAE (--model iwae), a "
                         "decoder with fewer units, one at a time.")  # fmt: skip


@pytest.mark.parametrize(
    ("gain", "use"), [(-0.001, "ignores"), (0.09, "ignores"), (0.11, "hardly uses"), (0.5, "uses")]
)
def test_a_decoder_that_does_not_use_z(gain, use):
    """Whatever the KL: what z gains is less than 0.1 nats, or less than it costs."""
    text = doctor([0.2, 0.2], gain=gain)
    assert f"{'The' if use == 'uses' else 'But the'} decoder {use} z: " in text
    assert ("Try " in text) == (use != "uses")
    assert "-0.00" not in text


def test_a_mean_that_does_not_move():
    text = doctor([0.5, 0.5, 0.5], variances=[1.0, 0.01, 0.0])
    assert "z[1] and z[2] have a KL, but a mean that does not move with x (variance 0.01 or less)" in text


def test_no_latent_follows_x():
    """Half of them dead, the others with a KL from their variance alone: that is no code with unused latents."""
    text = doctor([0.008, 0.012], gain=0.16, variances=[0.001, 0.001])
    assert "No latent follows x. Try " in text
    assert "nothing to try" not in text


def test_nothing_is_advised_that_the_run_does():
    text = doctor([0.0], gain=0.0, model="iwae", beta_schedule="linear", free_bits=0.5)
    assert text.endswith("Try a decoder with fewer units, one at a time.")


def test_other_numbers_of_latents():
    with pytest.raises(ValueError, match=r"variances: expected 2 latents, as kl has, got shape \(3,\)"):
        doctor([1, 1], variances=np.ones(3))
    with pytest.raises(ValueError, match=r"history, epoch 4: expected 2 latents, as kl has, got shape \(1,\)"):
        doctor([1, 1], history=[(4, [1.0])])


# ---- the picture and the command


def test_the_picture(tmp_path, monkeypatch):
    shown = []
    monkeypatch.setattr(latent_space, "draw_kl_lines", lambda ax, epochs, kl: shown.append((epochs, kl.tolist())))
    draw_kl([0.001, 2.0], [(1, [0.5, 1.0]), (3, [0.1, 2.0])], tmp_path / "a.png")
    draw_kl([0.001, 2.0], [(1, [0.5, 1.0])], tmp_path / "b.png")
    assert shown == [([1, 3], [[0.5, 1.0], [0.1, 2.0]])]
    assert all((tmp_path / name).read_bytes().startswith(PNG) for name in ("a.png", "b.png"))


@pytest.fixture(autouse=True)
def _few_rows(monkeypatch):
    monkeypatch.setattr(family, "GAP_ROWS", 6)
    monkeypatch.setattr(family, "GAP_DRAWS", 100)


def train(out, *options):
    (out.parent / "c.toml").write_text("ledger = true\n")
    small = ["--hidden", "16", "--latent", "3", "--epochs", "6", "--config", str(out.parent / "c.toml")]
    return main(["train", *small, *options, "--out", str(out)])


def report(out, split="test"):
    return json.loads((out / f"evaluate-{split}.json").read_text())["measures"]["latents"]


def test_the_command(tmp_path, capsys, no_pictures):
    out = tmp_path / "a"
    assert train(out, "--beta", "0.1") == 0
    capsys.readouterr()
    assert main(["evaluate", str(out), "--measure", "latents"]) == 0
    text = capsys.readouterr().out
    assert "None of the 3 latents has collapsed" in text
    found = report(out)
    run = Run.open(out)
    model, _ = run.load_model()
    x, _ = run.read_data().test()
    np.testing.assert_allclose(found["kl_per_latent"], kl_per_latent(model, x), rtol=1e-5)
    assert found["kl"]["value"] == pytest.approx(sum(found["kl_per_latent"]))
    assert found["rows"] == 297
    assert found["mutual_information"]["cap"] == pytest.approx(np.log(297))
    whole = found["mutual_information"]["value"] + found["marginal_kl"]["value"]
    assert whole == pytest.approx(found["kl"]["value"], abs=0.1)
    parts = found["total_correlation"]["value"] + found["dimension_kl"]["value"]
    assert found["marginal_kl"]["value"] == pytest.approx(parts)
    assert found["dimension_kl"]["value"] == pytest.approx(sum(found["dimension_kl_per_latent"]))
    assert found["active_units"] == 3
    gap = found["approximation_gap"]
    assert gap["gap"]["value"] == pytest.approx(gap["amortization"]["value"] + gap["family"]["value"])
    rows = generator(0, "evaluate", 11).permutation(297)[:6]
    log_px = log_evidence(model, x[rows], 2000, np.random.default_rng(0)).mean()
    assert gap["log_px"]["value"] == pytest.approx(log_px, abs=0.5)
    assert found["doctor"] in " ".join(text.split())
    before = [(out / name).read_bytes() for name in ("evaluate-test.json", "kl-test.png")]
    assert main(["evaluate", str(out), "--measure", "latents"]) == 0
    assert capsys.readouterr().out == text
    assert before == [(out / name).read_bytes() for name in ("evaluate-test.json", "kl-test.png")]


def test_a_run_that_collapses(tmp_path, capsys, no_pictures, monkeypatch):
    """The story ends at the epoch of the evaluated model."""
    out = tmp_path / "a"
    assert train(out, "--beta", "50", "--epochs", "12", "--lr", "0.01") == 0
    assert main(["evaluate", str(out), "--measure", "latents", "--split", "validation"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "All 3 latents have collapsed" in text
    died = list(map(int, re.findall(r"died at epoch (\d+)", text)))
    assert died
    epoch = json.loads((out / "evaluate-validation.json").read_text())["epoch"]
    assert max(died) <= epoch
    lines = {line["epoch"]: line["ledger"]["kl"] for line in Run.open(out).finished()}
    for latent, when in re.findall(r"z\[(\d)\] died at epoch (\d+)", text):
        assert lines[int(when) - 1][int(latent)] >= 0.01 or int(when) == epoch
    assert "a smaller --beta (it is 50)" in text
    told = []
    monkeypatch.setattr(family, "collapse_doctor", lambda *args: told.append(args[-1]) or "")
    run = Run.open(out)
    model, _ = run.load_model()
    x, _ = run.read_data().test()
    for until in (3, None):
        family.latents(Case(run, model, run.read_data(), "test", x[:20], None, None, 0, until))
    assert [[epoch for epoch, _ in history] for history in told] == [[1, 2, 3], list(range(1, 13))]


@pytest.mark.parametrize("name", ["cvae", "iwae", "vamp", "capacity", "factorvae"])
def test_other_models(name, tmp_path, no_pictures):
    """Without a ledger, which an IWAE cannot have."""
    options = ["--model", name, "--hidden", "16", "--latent", "3", "--epochs", "1"]
    assert main(["train", *options, "--out", str(tmp_path / "a")]) == 0
    assert main(["evaluate", str(tmp_path / "a"), "--measure", "latents"]) == 0
    found = report(tmp_path / "a")
    assert found["mutual_information"]["value"] + found["marginal_kl"]["value"] == pytest.approx(
        found["kl"]["value"], abs=0.1
    )
    assert (tmp_path / "a" / "pseudo-test.png").exists() == (name == "vamp")
    assert ("total_correlation" in found) == ("doctor" in found) == (name != "vamp")


def test_what_it_refuses(tmp_path, capsys, no_pictures):
    assert train(tmp_path / "a") == 0
    run = Run.open(tmp_path / "a")
    one = Case(run, run.load_model()[0], None, "test", np.zeros((1, 64)), None, None, 0, 12)
    with pytest.raises(ValueError, match="^measure: latents needs 2 rows or more, the test split has 1$"):
        family.latents(one)
    assert main(["train", "--model", "ae", "--hidden", "8", "--epochs", "1", "--out", str(tmp_path / "ae")]) == 0
    assert error_of(capsys, "evaluate", tmp_path / "ae", "--measure", "latents") == (
        "minivae: measure: latents needs a Gaussian q(z | x), the model ae has none\n"
    )

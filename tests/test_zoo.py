"""The bug zoo: every mistake is caught by what the matrix says, right code by nothing."""

import inspect

import numpy as np
import pytest

from minivae import densities
from minivae.laboratory import detectors, zoo
from minivae.laboratory.detectors import DETECTORS, TITLES, caught
from minivae.laboratory.zoo import ELSEWHERE, IWAE_STEP, STEP, WAITING, ZOO, Mutant, planted
from minivae.layers import Dense
from minivae.models import vae
from minivae.plot import draw_matrix

# what the notes on published mistakes say at the least; the zoo may find more
NOTED = {1: "W", 2: "G", 3: "G", 4: "G", 5: "U", 6: "W", 7: "UW", 8: "W", 9: "U", 10: "U", 11: "U", 12: "G", 13: "G",
         14: "W", 15: "U", 16: "U", 17: "U", 18: "U", 19: "U", 21: "W"}  # fmt: skip


def test_every_pitfall_is_in_the_zoo_or_waits():
    kept = {mutant.pitfall for mutant in ZOO}
    assert not kept & (set(WAITING) | set(ELSEWHERE))
    assert kept | set(WAITING) | set(ELSEWHERE) == set(range(1, 25))
    assert len({mutant.name for mutant in ZOO}) == len(ZOO)
    for pitfall, letters in NOTED.items():
        assert set(letters) <= {letter for m in ZOO if m.pitfall == pitfall for letter in m.caught_by}


@pytest.mark.parametrize("mutant", ZOO, ids=lambda m: m.name)
def test_what_catches_it(mutant):
    assert "".join(letter for letter, what in caught(mutant).items() if what) == mutant.caught_by


WEIGHTS, KL = 'log_mean_exp(np.concatenate(to_numpy(log_w)).astype("float64"))', "densities.kl_standard_normal"
OTHER_FORMS = {
    "1 std for var in the KL": ("W", (KL, "array_module(mu).exp(log_var) - 1 - log_var",
                                      "array_module(mu).exp(0.5 * log_var) - 1 - 0.5 * log_var")),
    "5 KL divided by L in the loss": ("U", (STEP, "self.beta(t), len(x)", "self.beta(t) / self.L, len(x)")),
    "6 in the gradient alone": ("G", (IWAE_STEP, "out.dtype), log_w_beta)", "out.dtype), -log_w_beta)")),
    "7 log K forgotten": ("U", ("evaluate.evidence.log_evidence", WEIGHTS, f"{WEIGHTS} + np.log(K)")),
    "7 mean of log weights": ("U", ("evaluate.evidence.log_evidence", WEIGHTS,
                                    "np.mean(np.concatenate(to_numpy(log_w)), axis=0)")),
    "10 the KL is subtracted": ("LU", (STEP, "loss = beta *", "loss = -beta *"),
                                (STEP, "free_bits_backward(beta,", "free_bits_backward(-beta,")),
    "12 logits clipped, gradient too": ("U", ("densities.bernoulli_log_prob", "xp = array_module(logits)",
                                              "xp = array_module(logits)\n    logits = logits.clip(-15, 15)")),
    "13 clamped in the KL alone": ("G", (KL, "return 0.5", "log_var = log_var.clip(-10, 10)\n    return 0.5")),
    "13 clamped far below": ("G", ("densities.reparameterize", "exp(0.5 * log_var)",
                                   "exp(0.5 * log_var.clip(-20, 30))")),
    "13 clamped after the encoder": ("G", (STEP, "z = reparam", "log_var = log_var.clip(-10, 10)\n    z = reparam")),
    "15 the heads alone": ("U", ("layers.initialize.glorot", "rng.random(shape,", "0.3 + 0 * rng.random(shape,")),
    "17 tanh writes into dy": ("U", ("layers.activations.Tanh.backward", "dx = cache * cache",
                                     "dy *= 1 - cache * cache\n    return dy")),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHER_FORMS)
def test_other_forms_of_these_mistakes(name):
    """The same mistake in another place is seen, too: what catches it is no luck."""
    letters, *edits = OTHER_FORMS[name]
    with planted(Mutant(name, 0, "", "", letters, tuple(edits))):
        assert all(detectors.RUNS[letter]() for letter in letters)


def test_a_mutant_is_everywhere():
    """In default arguments, in modules that imported the function, and with several edits of one function."""
    edits = (("layers.initialize.glorot", "(2 *", "(0 *"), ("layers.initialize.glorot", "- 1)", "+ 5)"))
    with planted(Mutant("x", 0, "", "", "", edits)):
        assert np.ptp(Dense(2, 2, np.random.default_rng(0)).W.data) == 0
    assert np.ptp(Dense(2, 2, np.random.default_rng(0)).W.data) > 0


def test_right_code_is_caught_by_nothing():
    assert caught() == {letter: [] for letter in DETECTORS}


def test_nothing_remains_of_a_mutant():
    step = vae.VAE.loss_and_grads, inspect.unwrap(densities.reparameterize)
    before = [f.__code__ for f in step]
    with pytest.raises(ZeroDivisionError), planted(ZOO[0]):
        1 / (step[1].__code__ is before[1])
    assert [f.__code__ for f in step] == before


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (
            ("numeric.sigmoid", "nothing like it", ""),
            "'nothing like it' once in numeric.sigmoid, found it 0",
        ),
        (("numeric.sigmoid", "y", ""), "once in numeric.sigmoid, found it"),
        (("nowhere.at_all", "", ""), "there is no nowhere.at_all"),
    ],
)
def test_a_mutant_that_no_longer_fits(edit, message):
    lines = inspect.unwrap(densities.reparameterize)
    before = lines.__code__
    with pytest.raises(ValueError, match=message), planted(Mutant("x", 0, "", "", "", (ZOO[0].edits[0], edit))):
        pass
    assert lines.__code__ is before


def test_the_diff():
    assert ZOO[0].diff().splitlines()[:3] == [
        "densities.reparameterize",
        "- exp(0.5 * log_var) * eps",
        "+ exp(log_var) * eps",
    ]


def test_pictures_of_the_matrix(tmp_path):
    names = [*(m.name for m in ZOO), "right code"]
    found = {name: dict.fromkeys(DETECTORS, []) for name in names}
    draw_matrix(found, dict.fromkeys(names, (24.0, 25.0)), tmp_path / "matrix.png", TITLES, DETECTORS)
    assert (tmp_path / "matrix.png").stat().st_size > 10_000


def test_the_price_of_a_mistake():
    """Pitfall 1 logs a lower loss than right code, and is worse."""
    right, wrong = detectors.price(epochs=10), detectors.price(ZOO[0], epochs=10)
    assert np.isfinite([*right, *wrong]).all()
    assert wrong[0] < right[0]
    assert wrong[1] - wrong[0] > 0.5 + right[1] - right[0]


def test_every_detector_runs_on_every_mutant(monkeypatch):
    monkeypatch.setattr(detectors, "RUNS", dict.fromkeys(DETECTORS, lambda: []))
    found = detectors.matrix()
    assert list(found) == [*(m.name for m in zoo.ZOO), "right code"]

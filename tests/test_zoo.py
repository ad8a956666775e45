"""The bug zoo: every mistake is caught by what the matrix says, right code by nothing."""

import numpy as np
import pytest

from minivae import densities
from minivae.gradcheck import detectors, zoo
from minivae.gradcheck.detectors import DETECTORS, caught, draw_matrix
from minivae.gradcheck.zoo import ELSEWHERE, WAITING, ZOO, Mutant, planted
from minivae.models import vae

# what the notes on published mistakes say at the least; the zoo may find more
NOTED = {1: "W", 2: "G", 3: "G", 4: "G", 5: "U", 7: "UW", 10: "U", 11: "U", 12: "G", 13: "G", 14: "W", 15: "U", 16: "U",
         17: "U", 18: "U", 19: "U"}  # fmt: skip


def test_every_pitfall_is_in_the_zoo_or_waits():
    kept = {mutant.pitfall for mutant in ZOO}
    assert not kept & (set(WAITING) | set(ELSEWHERE))
    assert kept | set(WAITING) | set(ELSEWHERE) == set(range(1, 21))
    assert len({mutant.name for mutant in ZOO}) == len(ZOO)
    for pitfall, letters in NOTED.items():
        assert set(letters) <= {letter for m in ZOO if m.pitfall == pitfall for letter in m.caught_by}


@pytest.mark.parametrize("mutant", ZOO, ids=lambda m: m.name)
def test_what_catches_it(mutant):
    assert "".join(letter for letter, what in caught(mutant).items() if what) == mutant.caught_by


def test_right_code_is_caught_by_nothing():
    assert caught() == {letter: [] for letter in DETECTORS}


def test_nothing_remains_of_a_mutant():
    before = vae.VAE.loss_and_grads, densities.reparameterize, vae.reparameterize
    with pytest.raises(ZeroDivisionError), planted(ZOO[0]):
        1 / (vae.reparameterize is before[1] or densities.reparameterize is before[1])
    assert (vae.VAE.loss_and_grads, densities.reparameterize, vae.reparameterize) == before


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (
            ("densities.sigmoid", "nothing like it", ""),
            "'nothing like it' once in densities.sigmoid, found it 0",
        ),
        (("densities.sigmoid", "y", ""), "once in densities.sigmoid, found it"),
        (("nowhere.at_all", "", ""), "there is no nowhere.at_all"),
    ],
)
def test_a_mutant_that_no_longer_fits(edit, message):
    before = densities.reparameterize
    with pytest.raises(ValueError, match=message), planted(Mutant("x", 0, "", "", "", (ZOO[0].edits[0], edit))):
        pass
    assert densities.reparameterize is before


def test_the_diff():
    assert ZOO[0].diff().splitlines()[:3] == [
        "densities.reparameterize",
        "- exp(0.5 * log_var) * eps",
        "+ exp(log_var) * eps",
    ]


def test_pictures_of_the_matrix(tmp_path):
    names = [*(m.name for m in ZOO), "right code"]
    found = {name: dict.fromkeys(DETECTORS, []) for name in names}
    draw_matrix(found, dict.fromkeys(names, (24.0, 25.0)), tmp_path / "matrix.png")
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

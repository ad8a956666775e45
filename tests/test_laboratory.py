"""The laboratory's commands, and the page that figures.laboratory writes."""

import numpy as np
import pytest

from figures import laboratory
from minivae.cli import main
from minivae.laboratory import detectors
from minivae.laboratory.zoo import ZOO
from minivae.models import VAE

MINE = """
import numpy as np
from minivae.layers import Layer

class Square(Layer):
    n_in = 3
    def forward(self, x, noise=None):
        return x * x, x
    def backward(self, dy, cache, accumulate=True, need_dx=True):
        return dy * cache

class Scribbles(Square):
    def backward(self, dy, cache, accumulate=True, need_dx=True):
        dx = 2 * dy * cache
        dy *= 0
        return dx
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(MINE)


def test_it_says_why(mine, capsys):
    assert main(["gradcheck", "mine.py:Square"]) == 1
    first, line, why = capsys.readouterr().out.splitlines()
    assert first == "mine.py:Square: 0 parameters, float64, limit 1e-07"
    assert line.endswith("NOT OK")
    assert why == "why: d x: it is off by exactly the factor 0.5"
    assert main(["gradcheck", "mine.py:Scribbles"]) == 1
    assert capsys.readouterr().out.splitlines()[1:][1:] == ["NOT OK: backward writes into dy"]


def test_every_coordinate_shows_the_worst(mine, capsys):
    assert main(["gradcheck", "mine.py:Square", "--oracle", "coordinates"]) == 1
    out = capsys.readouterr().out
    assert out.count("analytic") == 5
    assert out.count("relative error 5.0e-01") == 6


@pytest.mark.parametrize("oracle", ["directional", "coordinates", "complex"])
def test_nan_is_named_and_fails(oracle, mine, capsys):
    """A picture of it is not drawn, and no number that is not finite is taken for an error."""
    with open("mine.py", "a") as file:
        file.write("""
class Nan(Square):
    def backward(self, dy, cache, accumulate=True, need_dx=True):
        return np.where(np.arange(3) == 2, np.nan, 2 * dy * cache)

class Overflows(Square):
    def forward(self, x, noise=None):
        return x + np.inf, x

def integers(rng):
    return Square(), np.arange(6).reshape(2, 3)
""")
    assert main(["gradcheck", "mine.py:Nan", "--oracle", oracle, "--out", "curve.png"]) == 1
    _, line, why, last = capsys.readouterr().out.splitlines()
    assert line == "x  NOT OK: the gradient by hand is nan at [0, 2]"
    assert why == "why: d x: 5 of 15 entries are not finite: the first is nan at [0, 2]"
    assert last == "curve.png is not drawn: not every error is finite"
    with np.errstate(all="ignore"):
        assert main(["gradcheck", "mine.py:Overflows", "--oracle", oracle]) == 1
    _, line, why = capsys.readouterr().out.splitlines()
    assert line == "x  NOT OK: what forward gives is nan"
    assert why == "why: x: what forward gives is nan"
    assert main(["gradcheck", "mine.py:integers", "--oracle", oracle]) == 1
    assert "NOT OK: nothing was checked" in capsys.readouterr().out


def test_the_complex_step_alone_is_nan(mine, capsys):
    """Along directions nothing is wrong, and it is not rounding."""
    with open("mine.py", "a") as file:
        file.write("""
class Sigmoid(Square):
    def forward(self, x, noise=None):
        y = 1 / (1 + np.exp(800 - x))
        return y, y
    def backward(self, dy, cache, accumulate=True, need_dx=True):
        return dy * cache * (1 - cache)
""")
    with np.errstate(all="ignore"):
        assert main(["gradcheck", "mine.py:Sigmoid", "--oracle", "complex"]) == 1
    assert capsys.readouterr().out.splitlines()[1:] == ["x  NOT OK: the slope of forward is nan along direction 0"]


@np.errstate(all="ignore")
def test_a_loss_that_is_nan_once_is_seen(monkeypatch):
    step = VAE.loss_and_grads

    def nan(self, *args, t=0, **kwargs):
        return step(self, *args, t=t, **kwargs) | ({"loss": np.nan} if t == 100 else {})

    assert detectors.loss_curve() == []
    monkeypatch.setattr(VAE, "loss_and_grads", nan)
    assert detectors.loss_curve() == ["it is not finite"]


def test_the_complex_step_and_the_laws(capsys):
    assert main(["gradcheck", "--oracle", "complex", "--laws", "--likelihood", "gaussian"]) == 0
    out = capsys.readouterr().out
    assert "limit 1e-12" in out
    assert "variance of (z - mu) / std" in out
    assert "the batch twice over" in out


def test_the_curve(mine, capsys):
    assert main(["gradcheck", "mine.py:Square", "--out", "curve.png"]) == 1
    out = capsys.readouterr().out.splitlines()
    assert out[-3].startswith("float32: wrong")
    assert out[-2].startswith("float64: wrong: the error stays above 5e-01")
    assert out[-1] == "curve.png"
    assert main(["gradcheck", "--out", "model.png"]) == 0
    assert "float64: right, up to rounding" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gradcheck", "mine.py:Square", "--laws"], "laws: expected a model, mine.py:Square is a layer"),
        (["gradcheck", "--out", "curve.pdf"], "out: expected a file name ending in .png"),
        (["gradcheck", "--oracle", "autograd"], "argument --oracle: invalid choice: 'autograd'"),
        (["pencil", "--out", "nowhere/p.png"], "out: the folder"),
        (["units", "--latent", "0"], "latent: expected a whole number >= 1, got 0"),
        (["units", "--pixels", "many"], "pixels: expected a whole number >= 1, got 'many'"),
        (["zoo", "--out", "zoo.gif"], "out: expected a file name ending in .png"),
    ],
)
def test_bad_input_is_one_line(arguments, message, mine, capsys):
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_pencil_and_units(mine, capsys):
    assert main(["pencil", "--out", "p.png"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "p.png"
    assert main(["units", "--pixels", "100", "--latent", "5"]) == 0
    assert "100" in capsys.readouterr().out


def test_zoo(mine, capsys, monkeypatch):
    """What it prints follows the detectors, and so does the exit code."""
    planted = iter(ZOO)
    monkeypatch.setattr(detectors, "caught", lambda mutant: dict.fromkeys("LGWU", []) | (
        dict.fromkeys(next(planted).caught_by, ["it"]) if mutant else {}))  # fmt: skip
    monkeypatch.setattr(detectors, "price", lambda mutant: (24.0, 25.0))
    assert main(["zoo", "--out", "zoo.png"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0].endswith("caught by: law")
    assert out[-2].split() == ["right", "code", "caught", "by:", "nothing"]
    monkeypatch.setattr(detectors, "caught", lambda mutant: dict.fromkeys("LGWU", []))
    assert main(["zoo"]) == 1


def test_the_page(tmp_path, capsys):
    topics = dict.fromkeys(laboratory.TOPICS, lambda folder: "measured")
    laboratory.write(tmp_path, topics | {"paper": laboratory.paper, "rounding": laboratory.rounding})
    page = (tmp_path / "laboratory.md").read_text()
    assert "dlog_var" in page
    assert "float64, the right gradient: right, up to rounding" in page
    assert "float64, 1.0005 times it: wrong" in page
    assert {path.name for path in tmp_path.iterdir()} == {"laboratory.md", "lab_pencil.png", "lab_rounding.png"}


def test_the_published_page_is_of_this_code():
    page = (laboratory.HERE / "laboratory.md").read_text()
    assert all(f"| {mutant.title} ({mutant.pitfall}) | {mutant.seen_in} | " in page for mutant in ZOO)
    assert "Worst of all: directional" in page


def test_what_only_the_complex_step_sees(mine, capsys):
    with open("mine.py", "a") as file:
        file.write("""
class Rough(Square):
    def backward(self, dy, cache, accumulate=True, need_dx=True):
        return (2 * dy * cache).astype("float32").astype("float64")
""")
    assert main(["gradcheck", "mine.py:Rough", "--oracle", "complex"]) == 1
    assert "why: along directions nothing is wrong" in capsys.readouterr().out


def test_a_weight_that_is_no_param_is_noted(mine, capsys):
    with open("mine.py", "a") as file:
        file.write("""
class Plain(Layer):
    n_in = 3
    def __init__(self, rng):
        self.W = rng.standard_normal((3, 2))
    def forward(self, x, noise=None):
        return x @ self.W, x
    def backward(self, dy, cache, accumulate=True, need_dx=True):
        return dy @ self.W.T
""")
    assert main(["gradcheck", "mine.py:Plain"]) == 0
    assert (
        capsys.readouterr().out.splitlines()[-1]
        == "note: W is an array and has no gradient; what is to learn is a Param"
    )

"""The checker is checked: it passes right gradients, fails wrong ones, and tells a kink from an error."""

import re

import numpy as np
import pytest

from minivae.cli import main
from minivae.gradcheck import (
    Check,
    Checks,
    Problem,
    check_directions,
    check_gradients,
    diagnose,
    operation_problem,
    problems_of,
)
from minivae.layers import (
    BatchNorm,
    Dense,
    Dropout,
    Embedding,
    GRUCell,
    Layer,
    LayerNorm,
    ReLU,
    Sequential,
    Softplus,
    Tanh,
)
from minivae.models import VAE
from minivae.params import Param


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def check(f, x, g, rng):
    """Check of a gradient g of f(x)."""
    return check_directions(Problem(lambda v: f(v["x"]), {"x": x}, {"x": g}), rng)["x"]


def test_right_and_wrong(rng):
    x = rng.standard_normal(20)
    f = lambda x: (x**4).sum()  # noqa: E731
    good = check(f, x, 4 * x**3, rng)
    assert good.ok
    assert good.error < 1e-9
    assert check(f, x, -4 * x**3, rng).error > 0.5
    assert not check(f, x, 4 * x**3 * (1 + 1e-5), rng).ok


def test_the_array_is_left_alone(rng):
    x = rng.standard_normal(7)
    before = x.copy()
    check(lambda x: (x * x).sum(), x, 2 * x, rng)
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_gradient_that_is_not_finite_fails(bad, rng):
    x = rng.standard_normal(5)
    f = lambda x: (x * x).sum()  # noqa: E731
    g = 2 * x
    g[2] = bad
    assert not check(f, x, g, rng).ok
    assert not check(f, x, np.full(5, bad), rng).ok
    assert check(lambda x: float("nan"), x, 2 * x, rng).wrong  # and no kink


def test_kinks_are_counted_and_too_many_fail(rng):
    x = rng.standard_normal(6)
    x[0] = 0.0  # every direction crosses the kink of |x_0|, however small the step
    result = check(lambda x: np.abs(x).sum(), x, np.sign(x), rng)
    assert result.kinks == result.tried == 4
    assert not result.ok
    x[0] = 1.5e-3  # within 2 h of the kink for the first step size, not for the next
    result = check(lambda x: np.abs(x).sum(), x, np.sign(x), rng)
    assert result.kinks == 0
    assert result.ok
    wrong = np.sign(x) * 1.0005
    assert not check(lambda x: np.abs(x).sum(), x, wrong, rng).ok


def test_a_weak_kink_and_one_in_the_slope(rng):
    """Either sign of a kink finds one that the other misses; a smaller step passes by it."""
    x = rng.uniform(1, 2, 6)
    x[0] = 1.5e-3
    weak = lambda x: (x * x).sum() + 1e-3 * np.abs(x).sum()  # noqa: E731
    assert check(weak, x, 2 * x + 1e-3 * np.sign(x), rng).ok
    x[0] = 0.0
    odd = lambda x: (x * np.abs(x)).sum()  # noqa: E731
    assert check(odd, x, 2 * np.abs(x), rng).ok


def test_rounding_goes_by_the_size_of_the_terms(rng):
    """10,000 (sin^2 + cos^2 - 1) is zero, and so is its gradient, up to what cancels."""
    x = rng.standard_normal(6)
    f = lambda v: 1e4 * (np.sin(v["x"]) ** 2 + np.cos(v["x"]) ** 2 - 1).sum()  # noqa: E731
    assert check_directions(Problem(f, {"x": x}, {"x": 0 * x}, size=2e4 * 6), rng)["x"].ok
    assert not check_directions(Problem(f, {"x": x}, {"x": 0 * x + 1}, size=2e4 * 6), rng)["x"].ok


@pytest.mark.parametrize(("kinks", "ok"), [(0, True), (2, True), (3, False), (4, False)])
def test_at_least_half_of_the_directions_must_survive(kinks, ok):
    assert Check(1e-10, 4, kinks).ok is ok
    assert not Check(1e-6, 4, kinks).ok


def test_zero_gradients(rng):
    x = rng.standard_normal(5)
    assert check(lambda x: 3.0, x, 0 * x, rng).ok
    assert not check(lambda x: 3.0, x, 0 * x + 1e-3, rng).ok


def test_where_everything_is_zero(rng):
    """BatchNorm of one row, LayerNorm of one feature: no gradient, and no division by it."""
    for part, x in ((BatchNorm(3), rng.standard_normal((1, 3))), (LayerNorm(1), rng.standard_normal((4, 1)))):
        assert check_gradients(part, x, rng).ok
        assert check_gradients(part, x, rng, oracle="coordinates").ok


@pytest.mark.parametrize("act", [Tanh, ReLU, Softplus])
def test_parameters_of_different_scale(act, rng):
    """Steps that are large beside W = 1e-4, or beside kinks that are close together, are not the last word."""
    net = Sequential(Dense(4, 6, rng), act(), Dense(6, 6, rng), act(), Dense(6, 2, rng)).bind("float64")
    net.layers[0].W.data *= 1e4
    net.layers[2].W.data *= 1e-4
    x = rng.standard_normal((4, 4))
    assert check_gradients(net, x, rng).ok
    problem = problems_of(net, x, rng)[0]["loss"]
    wrong = problem._replace(grads={name: 1.0005 * g for name, g in problem.grads.items()})
    for name, check in check_directions(wrong, rng).items():
        assert check.error > 1e-5 or not problem.grads[name].any()  # behind a saturated tanh


def test_a_wide_relu_net(rng):
    """Thousands of units have kinks everywhere: only small steps find a way between them."""
    net = Sequential(Dense(20, 300, rng), ReLU(), Dense(300, 300, rng), ReLU(), Dense(300, 3, rng))
    assert check_gradients(net, rng.standard_normal((40, 20)), rng).ok


class Forgetful(Layer):
    """y = a x, without the gradient of a."""

    def __init__(self, rng):
        self.inner = Dense(3, 2, rng)

    def forward(self, x, noise=None):
        return self.inner.forward(x)

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        return self.inner.backward(dy, cache, accumulate=False)


def test_a_layer_of_ones_own(rng):
    checks = check_gradients(Forgetful(rng), rng.standard_normal((4, 3)), rng)
    assert {name: check.ok for name, check in checks.items()} == {"inner.W": False, "inner.b": False, "x": True}
    x = rng.standard_normal((4, 3)).astype("float32")
    assert all(c.ok for c in check_gradients(ReLU(), x, rng).values())  # cast, and the caller's array left alone


def test_an_operation_of_ones_own(rng):
    x = rng.standard_normal((4, 3))
    square = lambda a: a**2  # noqa: E731
    assert check_directions(operation_problem(square, lambda g, a: 2 * g * a, (x,), rng), rng)["a"].ok
    assert not check_directions(operation_problem(square, lambda g, a: g * a, (x,), rng), rng)["a"].ok


def test_a_part_of_a_model_cannot_be_taken_out(rng):
    model = VAE.build((6,), rng, hidden=(4,), latent=2)
    with pytest.raises(ValueError, match="layers.0.W belongs to a bound VAE; bind that instead"):
        check_gradients(model.decoder, rng.standard_normal((3, 2)), rng)


def test_a_tuple_of_inputs_and_integers(rng):
    x, index = rng.standard_normal((4, 3)), rng.integers(0, 5, (4, 2))
    checks = check_gradients(GRUCell(3, 2, rng), (x, rng.standard_normal((4, 2))), rng)
    assert list(checks) == ["W", "U", "b", "c", "x0", "x1"]
    assert checks.ok
    assert list(check_gradients(Embedding(5, 3, rng), index, rng)) == ["W"]


def test_training_or_evaluation(rng):
    """Without noise a BatchNorm is an affine map; with it every row depends on every other."""
    layer, x = BatchNorm(3), rng.standard_normal((4, 3))
    assert check_gradients(layer, x, rng).ok
    assert check_gradients(layer, x, rng, train=False).ok
    y, cache = layer.forward(x, True)
    np.testing.assert_allclose(layer.backward(np.ones_like(y), cache), 0, atol=1e-12)
    y, cache = layer.forward(x)
    assert (layer.backward(np.ones_like(y), cache) > 0.5).all()
    assert check_gradients(Dropout(0.5, (3,)), x, rng, noise=2 * (rng.random((4, 3)) < 0.5)).ok


def test_a_zero_gradient_is_told_from_a_wrong_one(rng):
    """The bias in front of a BatchNorm has none; rounding must not make it a failure, nor hide a small error."""
    net = Sequential(Dense(3, 4, rng), BatchNorm(4))
    checks = check_gradients(net, rng.standard_normal((5, 3)), rng)
    assert checks.ok
    assert checks["layers.0.b"].kinks == 0
    x = rng.standard_normal(6)
    f = lambda x: (x**2).sum() + 1e-6 * np.sin(x).sum()  # noqa: E731
    assert check(f, x, 2 * x + 1e-6 * np.cos(x), rng).ok
    assert not check(f, x, 2 * x, rng).ok
    assert not check(lambda x: 3.0 + 0 * x.sum(), x, np.full(6, 1e-7), rng).ok


def test_the_table_of_checks(rng):
    checks = check_gradients(Forgetful(rng), rng.standard_normal((4, 3)), rng)
    assert not checks.ok
    first, *_, last = str(checks).splitlines()
    assert re.fullmatch(r"inner\.W  relative error 1\.0e\+00  NOT OK", first)
    assert re.fullmatch(r"x        relative error \d\.\de-\d\d  ok", last)
    kinks = Checks({"x": Check(1e-10, 4, 1)})
    assert str(kinks) == "x  relative error 1.0e-10  ok  (1 of 4 cross a kink)"


# ---- rules that a right gradient may break


class Gain(Layer):
    """y = a x, by the rules."""

    def __init__(self):
        self.a = Param(np.ones(3))

    def forward(self, x, noise=None):
        return x * self.a.data, x

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        if accumulate:
            self.a.grad += (dy * cache).sum(axis=0)
        return dy * self.a.data


class Replaces(Gain):
    def backward(self, dy, cache, accumulate=True, need_dx=True):
        if accumulate:
            self.a.grad = (dy * cache).sum(axis=0)
        return dy * self.a.data


class Overwrites(Gain):
    def backward(self, dy, cache, accumulate=True, need_dx=True):
        if accumulate:
            self.a.grad[...] = (dy * cache).sum(axis=0)
        return dy * self.a.data


class Remembers(Gain):
    def forward(self, x, noise=None):
        self.x = x
        return x * self.a.data * x, None

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        if accumulate:
            self.a.grad += (dy * self.x * self.x).sum(axis=0)
        return 2 * dy * self.a.data * self.x


class Scribbles(Gain):
    def backward(self, dy, cache, accumulate=True, need_dx=True):
        dx = super().backward(dy, cache, accumulate)
        dy *= 2
        return dx


class Insists(Gain):
    def backward(self, dy, cache, accumulate=True, need_dx=True):
        return super().backward(dy, cache)


class Learns(Gain):
    def backward(self, dy, cache, accumulate=True, need_dx=True):
        dx = super().backward(dy, cache, accumulate)
        self.a.data -= 0.1 * self.a.grad
        return dx


class Narrows(Gain):
    def forward(self, x, noise=None):
        return (x * self.a.data).astype("float32"), x


class NeedsDx(Gain):
    def backward(self, dy, cache, accumulate=True, need_dx=True):
        if not need_dx:
            raise TypeError("a mistake inside, not of the signature")
        return super().backward(dy, cache, accumulate)


class Refuses(Gain):
    def backward(self, dy, cache):
        return super().backward(dy, cache)


@pytest.mark.parametrize(
    ("cls", "broken"),
    [
        (Gain, None),
        (Replaces, "backward replaces a.grad"),
        (Overwrites, "a second backward does not add"),
        (Remembers, "another forward changes this one's backward"),
        (Scribbles, "backward writes into dy"),
        (Learns, "forward or backward changes parameters"),
        (Insists, r"backward\(accumulate=False\) changes the gradients"),
        (Refuses, "backward must take accumulate and need_dx"),
    ],
)
def test_rules_beside_the_gradient(cls, broken, rng):
    """All of these gradients are right."""
    checks = check_gradients(cls(), rng.standard_normal((4, 3)), rng)
    assert all(check.ok for check in checks.values())
    assert checks.ok == (broken is None)
    assert [bool(re.match(broken or "", rule)) for rule in checks.broken] == [True] * (broken is not None)
    assert str(checks).count("NOT OK: ") == (broken is not None)


def test_a_type_error_inside_backward_is_not_hidden(rng):
    with pytest.raises(TypeError, match="a mistake inside"):
        check_gradients(NeedsDx(), rng.standard_normal((4, 3)), rng)


def test_float32_on_the_way_is_named(rng):
    """It makes difference quotients worthless: the check fails, and says why."""
    checks = check_gradients(Narrows(), rng.standard_normal((4, 3)), rng)
    assert not checks.ok
    assert "forward returns float32 for float64" in checks.broken[0]


class ReturnsNothing(Gain):
    def backward(self, dy, cache, accumulate=True, need_dx=True):
        super().backward(dy, cache, accumulate)


class Gives(Gain):
    """backward returns one gradient for each of what it is told to."""

    def __init__(self, *gives):
        super().__init__()
        self.gives = gives

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        dx = super().backward(dy, cache, accumulate)
        return tuple(dx if give else None for give in self.gives)


def test_the_number_of_gradients(rng):
    x = rng.standard_normal((4, 3))
    with pytest.raises(ValueError, match="Gives.backward: expected 1 gradients, got 2"):
        check_gradients(Gives(1, 1), x, rng)  # dx, dW as in other protocols
    for part in (ReturnsNothing(), Sequential(Dense(3, 3, rng), ReturnsNothing(), Tanh())):
        with pytest.raises(ValueError, match="ReturnsNothing.backward: expected dx, got None"):
            check_gradients(part, x, rng)
    with pytest.raises(ValueError, match="Second.backward: expected 2 gradients, got 1"):
        check_gradients(Second(1), (x, x), rng)
    assert not check_gradients(Second(1, 0), (x, x), rng)["x1"].ok
    (finding,) = diagnose(Second(1, 0), (x, x), rng)
    assert (finding.kind, finding.where) == ("missing", "d x1")


class Second(Gives):
    """y = a x0 + 0 x1: not the gradient of x1 is 0, but a missing one."""

    def forward(self, x, noise=None):
        return super().forward(x[0])


def test_a_forward_that_writes_into_x(rng):
    class Doubles(Gain):
        def forward(self, x, noise=None):
            x *= 2
            return x * self.a.data, x

    assert "forward or backward writes into x" in check_gradients(Doubles(), rng.standard_normal((4, 3)), rng).broken


# ---- a user's file


FILE = """
import re

import numpy as np
from minivae.layers import Dense, Layer, Tanh
from minivae.likelihoods import Bernoulli
from minivae.models import VAE
from minivae.params import Param

class Double(Layer):
    n_in = 3
    def forward(self, x, noise=None):
        return 2 * x, None
    def backward(self, dy, cache, accumulate=True, need_dx=True):
        return 2 * dy

class Wrong(Double):
    def backward(self, dy, cache, accumulate=True, need_dx=True):
        return 2.001 * dy

class Random(Layer):
    def __init__(self, rng):
        self.inner = Dense(4, 2, rng)
    def forward(self, x, noise=None):
        return self.inner.forward(x)
    def backward(self, dy, cache, accumulate=True, need_dx=True):
        return self.inner.backward(dy, cache, accumulate, need_dx)

class Needy(Double):
    def __init__(self, n, width):
        pass

class Broken(Double):
    def forward(self, x, noise=None):
        return x.nothing

class NoBackward(Layer):
    n_in = 3
    def forward(self, x, noise=None):
        return x, None

class Shapes(Layer):
    n_in = 3
    def forward(self, x, noise=None):
        return x, x
    def backward(self, dy, cache, accumulate=True, need_dx=True):
        return dy @ cache

def likelihood(rng):
    return Bernoulli(), ((rng.random((4, 3)) < 0.5).astype(float), rng.standard_normal((4, 3)))

def case(rng):
    return Random(rng), rng.standard_normal((2, 4))

def model(rng):
    return VAE.build((4,), rng, hidden=(3,), latent=2, activation="tanh"), (rng.random((5, 4)) < 0.5).astype(float)

instance = Double()
number = 3
"""


@pytest.fixture
def file(tmp_path):
    (tmp_path / "mine.py").write_text(FILE)
    return tmp_path / "mine.py"


@pytest.mark.parametrize(
    ("name", "options", "code", "lines"),
    [
        ("Double", [], 0, ["x"]),
        ("Double", ["--shape", "2", "7"], 0, ["x"]),
        ("Wrong", [], 1, ["x"]),
        ("Random", ["--shape", "3", "4"], 0, ["inner.W", "inner.b", "x"]),
        ("case", [], 0, ["inner.W", "inner.b", "x"]),
        ("instance", [], 0, ["x"]),
        ("likelihood", [], 0, ["out"]),
        ("model", [], 0, ["encoder.layers.0.W"]),
    ],
)
def test_gradcheck_of_a_file(name, options, code, lines, file, capsys):
    assert main(["gradcheck", f"{file}:{name}", *options]) == code
    first, *rest = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{file}:{name}: ")
    assert [line.split()[0] for line in rest][: len(lines)] == lines


@pytest.mark.parametrize(
    ("target", "options", "message"),
    [
        ("FILE:Missing", [], "has no Missing"),
        ("FILE:", [], "expected FILE.py:NAME"),
        ("Double", [], "expected FILE.py:NAME, got Double"),
        ("gone.py:Double", [], "gone.py does not exist"),
        ("FILE:Random", [], "shape: expected the shape of an input of Random, which has no n_in"),
        ("FILE:Random", ["--shape", "3", "5"], "Random.forward raised ValueError"),
        ("FILE:Double", ["--shape", "0"], "shape: expected a whole number >= 1, got 0"),
        ("FILE:Needy", [], "Needy needs n, width; expected at most rng. Name a function case(rng)"),
        ("FILE:Broken", [], "Broken.forward raised AttributeError"),
        ("FILE:NoBackward", [], "NoBackward: checking raised NotImplementedError"),
        ("FILE:Shapes", [], "size 5 is different from 3) (mine.py, line 47)"),
        ("FILE:number", [], "expected a Layer, a Model, or a function that returns one, got int"),
        ("SYNTAX:x", [], "importing"),
    ],
)
def test_what_goes_wrong_in_a_file_is_one_line(target, options, message, file, capsys):
    (file.parent / "syntax.py").write_text("def x(:\n")
    target = target.replace("FILE", str(file)).replace("SYNTAX", str(file.parent / "syntax.py"))
    assert main(["gradcheck", target, *options]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert "Traceback" not in error


def test_model_objectives_are_checked_on_their_own_parameters(rng):
    model = VAE.build((6,), rng, hidden=(4,), latent=2)
    model.objectives = {"loss": ("decoder",)}
    x = (rng.random((3, 6)) < 0.5).astype("float64")
    assert {name.split(".")[0] for name in check_gradients(model, x, rng)} == {"decoder"}

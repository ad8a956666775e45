"""The oracles agree with each other, and each fails on what it must: 1.0005 on an array, 1.05 on a coordinate.

None of them says ok to what is not finite, or to numbers whose squares are not.
"""

import math
import re

import cases
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minivae import densities
from minivae.backend import place, tree_map
from minivae.flows import Bijector
from minivae.gradcheck import (
    ORACLES,
    Check,
    Checks,
    Problem,
    check_adjoint,
    check_complex_step,
    check_coordinates,
    check_gradients,
    complex_step,
    diagnose_problem,
    numeric_gradient,
    operation_problem,
    problems_of,
)
from minivae.gradcheck.adjoint import is_linear
from minivae.gradcheck.compare import compared, norm
from minivae.gradcheck.complex_step import ByRealPart
from minivae.gradcheck.problems import _size, model_problems
from minivae.laboratory.rounding import Curve, error_curve
from minivae.layers import Conv2d, Dense, Layer, MaxPool2d, ReLU, Sequential, Softplus, Tanh
from minivae.models import VAE
from minivae.params import Param
from minivae.plot import draw_error_curves

LAYER_CASES = pytest.mark.parametrize("make", [pytest.param(m, id=i) for i, m in cases.every_layer_case()])
EACH_ORACLE = pytest.mark.parametrize("oracle", ORACLES)
QUIET = np.errstate(all="ignore")


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def sums(x, g, a=1.0):
    """The Problem of a sum(x), g the gradient by hand."""
    return Problem(lambda v: a * v["x"].sum(), {"x": x}, {"x": g}, again=lambda: {"x": g})


# ---- every coordinate


@LAYER_CASES
def test_every_coordinate_of_every_layer(make, rng):
    layer, x = make(rng)
    problem = problems_of(layer, x, rng)[0]["loss"]
    assert (checks := check_coordinates(problem)).ok, checks
    for name, g in problem.grads.items():
        if np.abs(g).max() < 1e-12:
            continue  # a bias in front of a BatchNorm
        wrong = g.copy()
        i = np.unravel_index(np.argsort(np.abs(g), axis=None)[g.size // 2], g.shape)  # neither the largest
        if g[i]:
            wrong[i] *= 1.05
            check = check_coordinates(problem._replace(grads=problem.grads | {name: wrong}), [name])[name]
            assert not check.ok
            assert check.worst[0].index == i
            assert check.worst[0].analytic == pytest.approx(1.05 * check.worst[0].numeric, rel=1e-4)
            assert check.worst[0].error == pytest.approx(0.05 / 1.05, rel=0.1) or abs(g[i]) < 2e-3 * np.abs(g).max()


def test_the_table_of_the_worst(rng):
    layer = Dense(3, 2, rng)
    layer.bind("float64")
    problem = problems_of(layer, rng.standard_normal((4, 3)), rng)[0]["loss"]
    problem.grads["W"][2, 1] += 1
    text = str(check_coordinates(problem))
    first, worst, *_ = text.splitlines()
    assert first.endswith("NOT OK")
    assert worst.split()[:3] == ["[2,", "1]", "analytic"]
    assert text.count("analytic") == 5


def test_coordinates_at_a_kink_are_left_out(rng):
    x = np.array([0.0, 1.0, -2.0, 1.5e-3])
    check = check_coordinates(Problem(lambda v: np.abs(v["x"]).sum(), {"x": x}, {"x": np.sign(x)}))["x"]
    assert (check.tried, check.kinks, check.why) == (4, 1, "")
    assert check.ok
    numeric = numeric_gradient(Problem(lambda v: np.abs(v["x"]).sum(), {"x": x}, {"x": np.sign(x)}), "x")
    np.testing.assert_allclose(numeric, [np.nan, 1, -1, 1], rtol=1e-9)


def test_coordinates_that_hardly_matter_do_not_decide():
    weights = np.array([1.0, 1e-6])
    for error, ok in ((1e-5, True), (1.0, False)):
        g = weights * np.array([1, 1 + error])
        check = check_coordinates(Problem(lambda v: (weights * np.sin(v["x"])).sum(), {"x": np.zeros(2)}, {"x": g}))[
            "x"
        ]
        assert check.ok is ok


# ---- complex step


@LAYER_CASES
def test_complex_step_of_every_layer(make, rng):
    layer, x = make(rng)
    problem = problems_of(layer, x, rng)[0]["loss"]
    assert (checks := check_complex_step(problem, rng)).ok, checks
    for name, g in problem.grads.items():
        if np.abs(g).max() > 1e-12:
            one = problem._replace(grads=problem.grads | {name: g * (1 + 1e-10)})
            assert not check_complex_step(one, rng)[name].ok


@pytest.mark.parametrize(
    "label",
    [
        "vae dense bernoulli",
        "vae conv gaussian-full",
        "vae conv batch norm",
        "vae free bits",
        "cvae conv",
        "ae conv",
    ],
)
def test_complex_step_of_models(label, rng):
    model, x, y = cases.MODELS[label](rng)
    assert (checks := check_gradients(model, x, rng, y=y, oracle="complex")).ok, checks
    assert max(check.error for check in checks.values()) < 1e-13
    model.forward = None  # nothing remains on the parts
    assert "forward" not in vars(model.encoder)
    assert model.theta.dtype == "float64"


def test_branches_go_by_the_real_part():
    x = (np.array([-2.0, 3.0, 0.5]) + 1e-20j * np.array([1.0, 2.0, -4.0])).view(ByRealPart)
    y = (np.array([1.0, 4.0, 0.1]) + 5e-20j).view(ByRealPart)
    np.testing.assert_array_equal(np.asarray(np.abs(x)), np.array([2.0, 3, 0.5]) + 1e-20j * np.array([-1.0, 2, -4]))
    np.testing.assert_array_equal(np.asarray(np.maximum(x, 0)).imag, [0, 2e-20, -4e-20])
    np.testing.assert_array_equal(np.asarray(np.minimum(x, y)).imag, [1e-20, 2e-20, 5e-20])
    np.testing.assert_array_equal(x > 0, [False, True, True])
    np.testing.assert_array_equal(np.sign(x), [-1, 1, 1])
    assert np.abs(np.array([1e-20j]).view(ByRealPart))[0].imag == 1e-20  # the slope of one side
    out = np.empty(3, complex)
    np.abs(x, out=out)
    np.testing.assert_array_equal(out.imag, np.abs(x).imag)
    for f in (lambda a: np.concatenate([a, a]), lambda a: np.where(a > 0, a, 0), lambda a: a[:, None].max(axis=0)):
        assert isinstance(f(x), ByRealPart)


def test_softplus_behind_a_convolution(rng):
    """Arrays that forget their class on the way would lose the imaginary part in |x|."""
    net = Sequential(Conv2d(1, 2, 2, rng), Softplus(), MaxPool2d(2), Softplus())
    assert check_gradients(net, rng.standard_normal((2, 5, 5, 1)), rng, oracle="complex").ok


def test_the_limits():
    assert complex_step.LIMIT == 1e-12


# ---- adjoint


LINEAR = {"Dense", "BatchNorm rows", "BatchNorm images", "AvgPool2d plain", "AvgPool2d overlapping", "Upsample",
          "Upsample rectangular", "Join", "Join broadcast", "Residual projected", "Dropout", "Reshape", "Split",
          "Blocks", "Columns", "Take", "Put", "ColumnsToChannels", "MaskedDense", "Upward no first block",
          "EachClass no rest", "Network leading axes", "Network images", "Conv2d plain", "Conv2d strided",
          "Conv2d rectangular", "Conv2d stride above kernel", "Repeat", "FromZero", "Last",
          "Conv2d 1x1", "ConvTranspose2d plain", "ConvTranspose2d strided",
          "ConvTranspose2d output padding", "ConvTranspose2d rectangular", "Spectral dense",
          "Spectral conv", "Halves", "Halves dropped", "MaskedConv2d A", "MaskedConv2d B", "Positions"}  # fmt: skip


@pytest.mark.parametrize("label", sorted(LINEAR))
def test_adjoint_of_linear_layers(label, rng):
    layer, x = dict(cases.every_layer_case())[label](rng)
    layer.bind("float64")
    noise = place(layer.draw_noise(rng, 4), like=layer.theta) if label == "Dropout" else None
    check = check_adjoint(layer, x, rng, noise)
    assert check.ok
    assert check.error < 1e-15
    backward = layer.backward
    layer.backward = lambda *args, **kwargs: tree_map(lambda d: 1.0005 * d, backward(*args, **kwargs))
    assert not check_adjoint(layer, x, rng, noise).ok


def test_which_layers_are_linear(rng):
    found = set()
    for label, make in cases.every_layer_case():
        layer, x = make(rng)
        if all(part.dtype.kind == "f" for part in cases.arrays([x])):  # of tokens there are no sums
            found |= {label} if is_linear(layer.bind("float64"), x) else set()
    assert found == LINEAR
    with pytest.raises(ValueError, match="layer: expected one that is linear in x, got ReLU"):
        check_adjoint(ReLU().bind("float64"), rng.standard_normal((3, 4)), rng)


# ---- every kind of part


class Affine(Bijector):
    """A bijector: z' = z exp(s) + context, s a parameter; log_det = sum s."""

    def __init__(self):
        self.log_scale = Param(np.array([0.3, -0.2, 0.5]))

    def forward(self, z, context):
        s = self.log_scale.data
        return (z * np.exp(s) + context, s.sum() + 0 * z.sum(axis=-1)), z

    def backward(self, dz, dlog_det, cache):
        s = self.log_scale.data
        self.log_scale.grad += (dz * cache * np.exp(s)).sum(axis=0) + dlog_det.sum()
        return dz * np.exp(s), dz


class Forgets(Affine):
    def backward(self, dz, dlog_det, cache):
        return super().backward(dz, 0 * dlog_det, cache)


@EACH_ORACLE
def test_a_bijector(oracle, rng):
    z, context = rng.standard_normal((2, 4, 3))
    checks = check_gradients(Affine(), (z, context), rng, oracle=oracle)
    assert list(checks) == ["log_scale", "z", "context"]
    assert checks.ok
    assert not check_gradients(Forgets(), (z, context), rng, oracle=oracle)["log_scale"].ok


@EACH_ORACLE
def test_likelihoods_priors_and_operations(oracle, rng):
    for make in cases.LIKELIHOODS.values():
        likelihood = make()
        D = likelihood.D or 2
        out = rng.standard_normal((3, D * likelihood.n_out))
        x = likelihood.draw(out, likelihood.draw_noise(rng, (3, D)).astype("float64"))
        assert check_gradients(likelihood, (x, out), rng, oracle=oracle).ok
    for make in cases.PRIORS.values():
        prior = make()
        if prior.K is not None:  # codes have no gradient
            continue
        assert check_gradients(prior, rng.standard_normal((3, prior.L)), rng, oracle=oracle).ok
    for _, f, make in cases.every_operation_case():
        rng = np.random.default_rng(0)  # so that no case depends on those before it
        args, data = make(rng)
        problem = operation_problem(f, getattr(densities, f"{f.__name__}_backward"), args, rng, **data)
        assert ORACLES[oracle](problem, rng).ok, f.__name__


def test_an_unknown_oracle(rng):
    with pytest.raises(ValueError, match="oracle: expected one of directional, coordinates, complex, got 'finite'"):
        check_gradients(ReLU(), rng.standard_normal((2, 3)), rng, oracle="finite")


def test_dx_of_another_shape_fails(rng):
    class Sums(Layer):
        def forward(self, x, noise=None):
            return x + 1, None

        def backward(self, dy, cache, accumulate=True, need_dx=True):
            return dy.sum(axis=0)

    for oracle in ORACLES:
        assert not check_gradients(Sums(), rng.standard_normal((3, 4)), rng, oracle=oracle)["x"].ok


# ---- a fourth oracle, from outside: anything that gives {name: gradient}


def agrees(problem, gradients):
    """Largest relative difference to another tool's gradients."""
    other = gradients(problem.values)
    return np.max([np.abs(other[name] - g).max() / np.abs(g).max() for name, g in problem.grads.items()])


def test_pytorch_agrees(rng):
    torch = pytest.importorskip("torch")
    layer = Sequential(Dense(4, 5, rng), Softplus(), Dense(5, 2, rng))
    problem = problems_of(layer, rng.standard_normal((3, 4)), rng)[0]["loss"]

    def gradients(values):
        t = {name: torch.tensor(a, requires_grad=True) for name, a in values.items()}
        h = torch.nn.functional.softplus(t["x"] @ t["layers.0.W"] + t["layers.0.b"])
        ((h @ t["layers.2.W"] + t["layers.2.b"]) * torch.tensor(problem.w)).sum().backward()
        return {name: a.grad.numpy() for name, a in t.items()}

    assert agrees(problem, gradients) < 1e-13
    problem.grads["x"] *= 1.0005
    assert agrees(problem, gradients) > 4e-4


# ---- rounding


def of_dtype(dtype, activation="tanh"):
    rng = np.random.default_rng(1)
    model = VAE.build((6,), rng, hidden=(8,), latent=2, activation=activation).bind(dtype)
    x = (rng.random((5, 6)) < 0.5).astype(dtype)
    return model_problems(model, x, place(model.draw_noise(rng, 5), like=model.theta))["loss"]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_curve_is_as_predicted(dtype, rng):
    problem = of_dtype(dtype)
    for name in problem.values:
        curve = error_curve(problem, name, rng)
        assert curve.verdict.startswith("right"), (name, curve.verdict)
        for error, (h, lowest) in ((curve.two, curve.best2), (curve.four, curve.best4)):
            near = error[np.abs(np.log10(curve.h / h)) < 0.5]
            assert np.median(near) < 10 * lowest
            assert np.median(near) > 0.01 * lowest
        slopes = [np.polyfit(np.log10(curve.h[a:b]), np.log10(e[a:b] + 1e-30), 1)[0]
                  for e, a, b in ((curve.two, -9, -4), (curve.four, -7, -4))]  # fmt: skip
        if dtype == "float64":
            assert slopes[0] == pytest.approx(2, abs=0.5)
            assert slopes[1] == pytest.approx(4, abs=1.0)


def test_a_wrong_gradient_has_a_floor(rng):
    problem, name = of_dtype("float64"), "decoder.layers.0.W"
    wrong = problem._replace(grads=problem.grads | {name: 1.0005 * problem.grads[name]})
    curve = error_curve(wrong, name, rng)
    assert curve.verdict.startswith("wrong: the error stays above")
    assert 1e-5 < 10**curve.reached < 1e-3
    nearly = problem._replace(grads=problem.grads | {name: (1 + 1e-7) * problem.grads[name]})
    assert error_curve(nearly, name, rng).verdict.startswith("wrong")
    with pytest.raises(ValueError, match="decoder.layers.0.W: expected a gradient that is finite and not zero"):
        error_curve(problem._replace(grads=problem.grads | {name: 0 * problem.grads[name]}), name, rng)


@QUIET
def test_curves_of_what_is_not_finite(rng):
    """A gradient whose square overflows is told from a wrong one; NaN at one h is no verdict on the others."""
    x = np.ones(5)
    assert error_curve(sums(x, np.full(5, 1e200), 1e200), "x", rng).verdict.startswith("right")
    assert error_curve(sums(x, np.full(5, 2e200), 1e200), "x", rng).verdict.startswith("wrong: the error stays above")
    with pytest.raises(ValueError, match="x: expected a gradient that is finite"):
        error_curve(sums(x, np.array([1, np.inf, 1, 1, 1])), "x", rng)
    h = 10.0 ** np.arange(-5, 1)
    small = np.full(6, 1e-12)
    for bad in (np.nan, np.inf):
        nowhere = "wrong: the error, or what rounding would allow, is not finite"
        assert Curve(h, small, small * bad, (1.0, 1.0), (1e-3, 1e-12)).verdict == nowhere
        assert Curve(h, small, small, (1.0, 1.0), (1e-3, bad)).verdict == nowhere
        there = np.where(h == 1, bad, small)
        assert Curve(h, there, there, (1.0, 1.0), (1e-3, 1e-12)).verdict.startswith("right")


def test_pictures_of_curves(tmp_path, rng):
    curve = error_curve(of_dtype("float64"), "decoder.layers.0.W", rng)
    for i in (0, 1):
        draw_error_curves({"float64": curve}, tmp_path / f"{i}.png", {"float64": curve})
    assert (tmp_path / "0.png").read_bytes() == (tmp_path / "1.png").read_bytes()


# ---- kinks


class Clamp(Layer):
    """y = x between -1 and 1, else -1 or 1."""

    def forward(self, x, noise=None):
        return x.clip(-1, 1), x

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        return dy * (np.abs(cache) < 1)


KINKS = {
    "ReLU": (ReLU, np.array([[0.7, -0.4, 0.0, 3e-8, 1.2, -2.0, 0.3, 1.0]]), 2),
    "max-pooling": (lambda: MaxPool2d((1, 2)), np.array([[[0.5, 0.5, 1.0, -1, 0.2, 0.2 + 3e-8, 2, 3]]])[..., None], 4),
    "clamp": (Clamp, np.array([[1.0, -1.0 - 3e-8, 0.5, 3.0, -0.2, 0.1, 0.9, -3.0]]), 2),
}  # fmt: skip


@pytest.mark.parametrize(("make", "x", "at_a_kink"), KINKS.values(), ids=KINKS)
def test_crossings_are_left_out_and_counted(make, x, at_a_kink, rng):
    """At a kink, or within 2e-7 of one; a wrong gradient of the others still fails."""
    layer = make().bind("float64")
    problem = problems_of(layer, x, rng)[0]["loss"]
    check = check_coordinates(problem)["x"]
    assert (check.tried, check.kinks, check.ok) == (8, at_a_kink, True)
    assert check.error < 1e-9
    wrong = problem._replace(grads={"x": 1.0005 * problem.grads["x"]})
    assert not check_coordinates(wrong)["x"].ok


# ---- what is not finite, and what is too large or too small to square


class Linear(Layer):
    """y = x W; one coordinate of one gradient is `factor` times the right one."""

    def __init__(self, W):
        self.W = Param(W)
        self.name, self.index, self.factor = "", (), 1.0

    def forward(self, x, noise=None):
        return x @ self.W.data, x

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        dW, dx = cache.T @ dy, dy @ self.W.data.T
        for name, g in (("W", dW), ("x", dx)):
            if name == self.name:
                g[self.index] *= self.factor
        if accumulate:
            self.W.grad += dW
        return dx


@QUIET
@settings(derandomize=True, deadline=None)
@given(
    exponent=st.integers(-200, 200),
    seed=st.integers(0, 9),
    name=st.sampled_from(["W", "x"]),
    place=st.tuples(st.integers(0, 1), st.integers(0, 1)),
    factor=st.sampled_from([np.nan, np.inf, -np.inf, 2.0, -1.0, 0.0, 1.05]),
)
def test_numbers_of_any_size(exponent, seed, name, place, factor):
    """The adjoint draws its own x: there W has that size."""
    rng = np.random.default_rng(seed)
    x = 10.0**exponent * rng.standard_normal((3, 2))
    layer = Linear(rng.standard_normal((2, 2))).bind("float64")
    large = Linear(np.ones((2, 2))).bind("float64")
    large.W.data[...] = 10.0**exponent * rng.standard_normal((2, 2))
    assert check_adjoint(large, x, rng).ok
    for oracle in ORACLES.values():
        assert oracle(problems_of(layer, x, rng)[0]["loss"], rng).ok
    layer.name, layer.index, layer.factor = large.name, large.index, large.factor = name, place, factor
    for oracle in ORACLES.values():
        checks = oracle(problems_of(layer, x, rng)[0]["loss"], rng)
        assert {key for key, check in checks.items() if not check.ok} == {name}
        if not math.isfinite(factor):
            assert re.fullmatch(rf"the gradient by hand is (nan|-?inf) at \[{place[0]}, {place[1]}\]", checks[name].why)
    assert check_adjoint(large, x, rng).ok == (name == "W")


def test_norms_do_not_overflow():
    for size in (1e-320, 1e-200, 1.0, 1e200, 3e307):
        assert norm(size * np.array([3.0, -4.0])) == pytest.approx(5 * size, rel=1e-3 if size < 1e-300 else 1e-15)
    assert norm((np.array([[2.0], [3.0]]), np.array(6.0))) == 7
    assert norm(np.zeros(3)) == norm(np.zeros(0)) == 0
    assert math.isnan(norm(np.array([1.0, np.nan, np.inf])))
    assert norm(np.array([1.0, -np.inf])) == math.inf


def test_an_error_of_infinities_is_infinite():
    assert compared(2.0, 1.0, 4.0, "here") == (0.25, "")
    for bad in (math.nan, math.inf, -math.inf):
        assert compared(1.0, bad, 1.0, "here") == (math.inf, f"the slope of forward is {bad} here")
        assert compared(bad, 1.0, 1.0, "here") == (math.inf, f"the slope by hand is {bad} here")
        assert compared(1.0, 1.0, bad, "here") == (math.inf, f"their scale is {bad} here")


@pytest.mark.parametrize("error", [np.nan, np.inf, -np.inf])
def test_a_check_that_is_not_finite_is_not_ok(error):
    for limit in (1e-7, np.inf, np.nan):
        assert not Check(error, 4, limit=limit).ok
    assert str(Checks(a=Check(error, 4))) == f"a  NOT OK: the error is {error}"


def test_nothing_is_not_ok(rng):
    assert not Check(0.0, 0).ok
    assert str(Checks(a=Check(0.0, 0))) == "a  relative error 0.0e+00  NOT OK: nothing was tried"
    assert not Checks().ok
    checks = check_gradients(Tanh(), np.arange(6).reshape(2, 3), rng)  # integers, which have no gradient
    assert not checks.ok
    assert str(checks) == "NOT OK: nothing was checked: there are no parameters, and x is not of real numbers"


HINDERED = {
    "NaN by hand": (sums(np.zeros((4, 3)), np.where(np.arange(3) == 1, np.nan, np.ones((4, 3)))),
                    "the gradient by hand is nan at [0, 1]", "not finite"),
    "inf by hand": (sums(np.array(2.0), np.array(np.inf)), "the gradient by hand is inf", "not finite"),
    "values": (sums(np.array([0.0, -np.inf]), np.ones(2)), "its value is -inf at [1]", "not finite"),
    "forward": (sums(np.ones(2), np.zeros(2), np.nan), "what forward gives is nan", "not finite"),
    "shape": (sums(np.ones((2, 3)), np.ones(3)), "expected a gradient of shape (2, 3), got (3,)", "shape"),
    "None": (sums(np.ones(2), None), "expected a gradient of shape (2,), got None", "missing"),
    "None for a number": (sums(np.array(2.0), None), "expected a gradient of shape (), got None", "missing"),
    "no entries": (sums(np.zeros((0, 3)), np.zeros((0, 3))), "there is nothing to compare: it has no entries, or "
                   "forward gives none", "empty"),
}  # fmt: skip


@QUIET
@pytest.mark.parametrize(("problem", "why", "kind"), HINDERED.values(), ids=HINDERED)
def test_what_cannot_be_compared_is_named(problem, why, kind, rng):
    for oracle in ORACLES.values():
        checks = oracle(problem, rng)
        assert not checks.ok
        assert str(checks) == f"x  NOT OK: {why}"
    (finding,) = diagnose_problem(problem, rng)
    assert finding.kind == kind
    assert kind != "not finite" or why.partition(" is ")[2] in finding.text
    assert "x" in finding.where


@QUIET
def test_sums_by_hand_that_overflow(rng):
    """Every entry is finite, their sum is not."""
    problem = sums(np.ones(50), np.full(50, 1.7e308))
    for oracle in ("directional", "complex"):
        checks = ORACLES[oracle](problem, rng)
        assert not checks.ok
        assert checks["x"].why == "the slope by hand is nan along direction 0"
    assert not check_coordinates(problem).ok
    (finding,) = diagnose_problem(problem, rng)
    assert finding.text.startswith("the slope by hand is ")


@QUIET
def test_beside_nan_is_no_kink(rng):
    """sqrt is NaN on one side of 0: the others must not outvote it, nor does it hide that one is wrong."""
    x = np.array([0.0, 1.0, 4.0])
    problem = Problem(lambda v: np.sqrt(v["x"]).sum(), {"x": x}, {"x": np.array([7, 0.75, 0.25])})
    check = check_coordinates(problem)["x"]
    assert (check.ok, check.kinks, check.error) == (False, 0, math.inf)
    assert check.why == "the slope of forward is inf at [0]"
    assert [entry.index for entry in check.worst] == [(1,), (2,)]
    assert check.worst[0].error == pytest.approx(1 / 3)
    assert "nan" not in str(check_coordinates(problem))
    check = ORACLES["directional"](problem, rng)["x"]
    assert (check.ok, check.why) == (False, "the slope of forward is nan along direction 0")
    (finding,) = diagnose_problem(problem._replace(again=lambda: problem.grads), rng)
    assert (finding.kind, finding.text) == ("not finite", check.why)


@QUIET
def test_terms_that_add_up_to_infinity(rng):
    """What they round cannot be told: no gradient is ok then, a right one neither."""
    for factor in (1, 2):
        problem = sums(np.ones(3), factor * np.ones(3))._replace(size=np.inf)
        for oracle in ORACLES.values():
            assert not oracle(problem, rng).ok
    ones, huge = np.ones(1), np.full(1, 1e308)
    assert _size((ones, ones), (huge, huge)) == np.inf  # and not an OverflowError


def test_a_function_that_is_zero(rng):
    for oracle in ORACLES.values():
        assert oracle(sums(np.ones(3), np.zeros(3), 0.0), rng).ok
        assert not oracle(sums(np.ones(3), np.full(3, 1e-290), 0.0), rng).ok


class Sigmoid(Layer):
    """y = 1 / (1 + exp(-x g)), which overflows on the way; the gradient of g is off by 5."""

    def __init__(self):
        self.g = Param(np.ones(3))

    def forward(self, x, noise=None):
        y = 1 / (1 + np.exp(-x * self.g.data))
        return y, (x, y)

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        x, y = cache
        slope = dy * y * (1 - y)
        if accumulate:
            self.g.grad += (slope * x).sum(axis=0) + 5
        return slope * self.g.data


@QUIET
def test_a_complex_step_that_overflows(rng):
    x = np.full((1, 3), -800.0)
    checks = check_gradients(Sigmoid(), x, rng, oracle="complex")
    assert [check.ok for check in checks.values()] == [False, False]
    assert str(checks).splitlines()[0] == "g  NOT OK: the slope of forward is nan along direction 0"
    assert [check.ok for check in check_gradients(Sigmoid(), x, rng).values()] == [False, True]


@QUIET
def test_the_adjoint_of_what_is_not_finite(rng):
    layer, x = Linear(np.ones((3, 2))).bind("float64"), rng.standard_normal((4, 3))
    layer.name, layer.index, layer.factor = "x", (2, 1), np.nan
    assert check_adjoint(layer, x, rng).why == "the gradient by hand is nan at [2, 1]"
    layer.W.data[1, 1] = np.inf
    check = check_adjoint(layer, x, rng)
    assert (check.ok, check.why) == (False, "what forward gives is nan at [0, 1]")
    layer.W.data[...], layer.name = 3e307, ""
    check = check_adjoint(layer, x, np.random.default_rng(0))
    assert (check.ok, check.why) == (False, "their scale is inf for pair 0")
    layer.W.data[...] = 0
    assert check_adjoint(layer, x, rng).ok
    layer.backward = lambda *args, **kwargs: np.full((4, 3), 1e-20)
    assert not check_adjoint(layer, x, rng).ok  # J is 0, and its transpose is not
    layer.backward = lambda *args, **kwargs: np.zeros(3)
    assert check_adjoint(layer, x, rng).why == "expected a gradient of shape (4, 3), got (3,)"


def test_an_input_without_rows(rng):
    checks = check_gradients(Dense(3, 2, rng), np.zeros((0, 3)), rng)
    assert [check.ok for check in checks.values()] == [False] * 3

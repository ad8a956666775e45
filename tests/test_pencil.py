"""The VAE on paper is the library's: every number and every derivative of the one is that of the other."""

import math
import re

import numpy as np
import pytest

from minivae import VAE
from minivae.laboratory.pencil import BACKWARD, FORWARD, PARAMETERS, pencil
from minivae.layers import Dense, Network, Split, Tanh
from minivae.plot import draw_pencil
from minivae.plot.pencil import PLACES

CASES = {
    "default": {},
    "grey pixels": {"x": (0.3, 0.8), "eps": -1.25},
    "other weights": {"x": (0, 1), "eps": 2.0, "w2": 0.7, "m": -1.5, "s0": -3.0, "v2": 4.0},
}


@pytest.fixture(params=CASES)
def case(request):
    return CASES[request.param]


def vae(p):
    """minivae's VAE of the same architecture and weights."""
    rng = np.random.default_rng(0)
    encoder = Network(Dense(2, 1, rng), Tanh(), Dense(1, 2, rng), Split(2))
    model = VAE(encoder, Network(Dense(1, 2, rng))).bind("float64")
    for name, parts in WHERE.items():
        model.params[name].data.flat = [p.values[part] for part in parts]
    return model


WHERE = {
    "encoder.layers.0.W": ("w1", "w2"),
    "encoder.layers.0.b": ("b",),
    "encoder.layers.2.W": ("m", "s"),
    "encoder.layers.2.b": ("m0", "s0"),
    "decoder.layers.0.W": ("v1", "v2"),
    "decoder.layers.0.b": ("c1", "c2"),
}


def test_every_derivative_is_its_finite_difference(case):
    p = pencil(**case)
    assert {name for name in p.grads if not name.endswith("_kl")} == {f"d{n}" for n in PARAMETERS | FORWARD} - {"dloss"}
    for name, g in p.grads.items():
        assert abs(g - p.numeric[name]) < 1e-9, name
    assert p.ok


def test_every_number_is_that_of_the_library(case):
    p = pencil(**case)
    model = vae(p)
    assert sum(len(parts) for parts in WHERE.values()) == model.theta.size == len(PARAMETERS)
    x, eps = np.array([[p.values["x1"], p.values["x2"]]]), np.array([[p.values["eps"]]])
    metrics = model.loss_and_grads(x, {"eps": eps, "enc": None, "dec": None})
    for name in ("loss", "log_px_z", "kl"):
        assert abs(metrics[name] - p.values[name]) < 1e-12
    for name, parts in WHERE.items():
        np.testing.assert_allclose(model.params[name].grad.flat, [p.grads[f"d{n}"] for n in parts], atol=1e-12)
    (mu, log_var), h = model.encoder(x), np.tanh(x @ model.encoder.layers[0].W.data + p.values["b"])
    z = mu + np.exp(log_var / 2) * eps
    logits = model.decoder(z)[0]
    found = {"h": h, "mu": mu, "log_var": log_var, "z": z, "l1": logits[0], "l2": logits[1]}
    for name, value in found.items():
        np.testing.assert_allclose(p.values[name], value.item(), rtol=0, atol=1e-12)


def test_known_answers():
    """At weights 0 each pixel costs ln 2; at mu = 1, log_var = 0 the KL is 1/2."""
    p = pencil(**(dict.fromkeys(PARAMETERS, 0.0) | {"m0": 1.0}))
    assert math.isclose(p.values["loss"], 2 * math.log(2) + 0.5, rel_tol=1e-15)
    assert (p.grads["dmu"], p.grads["dc1"], p.grads["dc2"]) == (1.0, -0.5, 0.5)


def test_a_wrong_formula_is_seen():
    """Each derivative times 1.001: its own row says so, and is the first that does."""
    case = CASES["grey pixels"]  # no derivative is 0
    assert "NOT OK" not in str(pencil(**case))
    for name, formula in BACKWARD.items():
        p = pencil(**case, derivatives={name: f"({formula})*1.001"})
        assert not p.ok
        assert re.search(r"^(\w+) .* NOT OK$", str(p), re.MULTILINE)[1] == name


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_not_ok(bad):
    p = pencil()
    for name in BACKWARD:
        for wrong in (p._replace(grads=p.grads | {name: bad}), p._replace(numeric=p.numeric | {name: bad})):
            assert not wrong.ok
            assert str(wrong).count("NOT OK") == 1


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("dstd", "dz*eps*std"),  # std twice
        ("dlog_var", "dstd*std + dlog_var_kl"),  # the 1/2 of exp(log_var/2) forgotten
        ("dlog_var_kl", "(exp(log_var) - 1)/4"),
        ("dmu", "dz"),  # the KL forgotten
        ("dl1", "dlog_p1*(sigmoid(l1) - x1)"),  # sign
        ("da", "dh*(1 - h)^2"),
    ],
)
def test_the_usual_slips_are_seen(name, wrong):
    p = pencil(derivatives={name: wrong})
    first = next(n for n in BACKWARD if p.errors[n] >= 1e-9)
    assert first == name  # and in the first row that is wrong


def test_what_comes_back_along_the_edges_adds_up(case):
    p = pencil(**case)
    back = dict.fromkeys(FORWARD, 0.0) | {"loss": 1.0}
    for (node, _), part in p.edges.items():
        back[node] += part
    for name in back.keys() - {"loss"}:
        assert abs(back[name] - p.grads[f"d{name}"]) < 1e-9, name
    assert abs(p.edges["mu", "kl"] - p.grads["dmu_kl"]) < 1e-9


FUNCTIONS = {"exp": math.exp, "log": math.log, "tanh": math.tanh, "sigmoid": lambda x: 1 / (1 + math.exp(-x))}


def rows_of(p):
    """{name: cells} of the text."""
    rows = [re.split(r"\s{2,}", line) for line in str(p).splitlines()]
    return {name: cells for name, *cells in rows if name in FORWARD | BACKWARD}


def test_text_can_be_redone():
    """It fits a page, and the numbers put in give the number of the row."""
    p = pencil()
    lines, rows = str(p).splitlines(), rows_of(p)
    assert len(lines) <= 46
    assert max(map(len, lines)) <= 100
    assert rows.keys() == (FORWARD | BACKWARD).keys()
    for name, (formula, numbers, number, *_) in rows.items():
        assert formula == (FORWARD | BACKWARD)[name]
        assert abs(eval(numbers.replace("^", "**"), FUNCTIONS) - float(number)) < 3e-4, name
        assert abs(float(number) - (p.values | p.grads)[name]) < 1e-6


@pytest.mark.parametrize("value", [0.75, -0.75])
def test_signs_are_put_in_right(value):
    """Negative numbers keep their brackets where they need them: every weight and eps with either sign."""
    for name in ("eps", *PARAMETERS):
        for row, (_, numbers, number, *_) in rows_of(pencil(**{name: value})).items():
            assert abs(eval(numbers.replace("^", "**"), FUNCTIONS) - float(number)) < 2e-3, (name, row)


def test_picture(tmp_path):
    for name in ("a.png", "b.png"):
        draw_pencil(pencil(), tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert FORWARD.keys() < PLACES.keys()  # no value is left out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"w9": 1.0}, "parameters: expected some of w1, w2"),
        ({"derivatives": {"dw9": "1"}}, "derivatives: expected some of dkl"),
        ({"derivatives": {"dmu": "dz + nu"}}, "dmu: expected a formula of known values, got dz"),
        ({"derivatives": {"dmu": "dh"}}, "dmu: expected a formula of known values, got dh"),  # not known yet
        ({"derivatives": {"dmu": "dz +"}}, "dmu: expected a formula of known values"),
        ({"derivatives": {"dmu": "__import__('os')"}}, "dmu: expected a formula of known values"),
        ({"c1": 1e4}, "log_p1: expected a formula of known values"),  # exp overflows
        ({"x": (1, 0, 1)}, "x: expected 2 pixels, got 3"),
    ],
)
def test_bad_input(options, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}") as error:
        pencil(**options)
    assert "\n" not in str(error.value)

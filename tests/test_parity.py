"""minivae parity: errors as defined, planted differences seen, the stand-in for a GPU and compiled kernels as well."""

import numpy as np
import pytest
import strict

from minivae import backend, kernels
from minivae.backend import generator
from minivae.cli import main
from minivae.laboratory.parity import REFERENCE, error, machines, milliseconds, names_of, parity, table
from minivae.layers import Dense
from minivae.models import VAE
from minivae.plot import draw_parity

NUMPY = [("numpy", "float64"), ("numpy", "float32")]
X = (np.random.default_rng(0).random((40, 16)) < 0.4).astype("float32")


def build(arch):
    return lambda rng: VAE.build((4, 4, 1), rng, arch=arch, hidden=(8,), channels=(2, 3), latent=3, dropout=0.2)


@pytest.mark.parametrize("arch", ["dense", "conv"])
def test_the_stand_in_and_the_dtypes(arch):
    with strict.registered():
        on = [machine for machine in machines() if machine[0] in ("numpy", "strict")]
        found = parity(build(arch), X, steps=5, batch_size=16, on=on)
    assert list(found) == ["numpy float32 / numpy float64", "strict float64 / numpy float64",
                           "strict float32 / numpy float32"]  # fmt: skip
    for title, limit in zip(found, (1e-4, 1e-12, 1e-4), strict=True):
        p = found[title]
        assert {"encoder", "decoder.layers.0", "likelihood"} <= set(p.values)
        assert "encoder.layers.0.W" in p.gradients or arch == "conv"
        assert max(*p.values.values(), *p.gradients.values()) < limit
        assert p.loss.shape == (5,)
        assert p.drift.max() < limit
    assert found["numpy float32 / numpy float64"].values["decoder"] > 1e-9  # two dtypes were compared


def test_a_planted_difference_is_seen(monkeypatch):
    forward = Dense.forward

    def wrong(self, x, noise=None):
        y, cache = forward(self, x)
        return (y * 1.001 if y.dtype == "float32" and self.W.data.shape == (3, 8) else y), cache

    monkeypatch.setattr(Dense, "forward", wrong)
    p = parity(build("dense"), X, steps=2)["numpy float32 / numpy float64"]
    assert p.values["encoder"] < 1e-5
    assert p.values["decoder.layers.0"] == pytest.approx(1e-3, rel=0.1)
    assert p.drift[0] > 1e-6


def test_gradients_of_parameters_are_those_of_training(monkeypatch):
    """A watched layer takes no fused kernel on a GPU: what goes wrong only where nobody watches is seen too."""
    backward = Dense.backward

    def wrong(self, dy, cache, accumulate=True, need_dx=True):
        dx = backward(self, dy, cache, accumulate, need_dx)
        if "backward" not in vars(self) and self.b.data.dtype == "float32":
            self.b.grad[...] *= 1.01
        return dx

    monkeypatch.setattr(Dense, "backward", wrong)
    p = parity(build("dense"), X, steps=1)["numpy float32 / numpy float64"]
    assert p.gradients["encoder.layers.0.b"] == pytest.approx(1e-2, rel=0.1)
    assert p.gradients["encoder.layers.0.W"] < 1e-5


@pytest.fixture
def compiled():
    """The two machines of compiled, beside NumPy's."""
    if backend.available("compiled") == "numpy":
        pytest.skip("no C compiler on this machine")
    return [*NUMPY, ("compiled", "float64"), ("compiled", "float32")]


@pytest.mark.parametrize("arch", ["dense", "conv"])
def test_compiled_kernels_of_small_arrays(arch, compiled, monkeypatch):
    """They are what is compared, however small the net is; and only while it is compared."""
    started = set()
    function = kernels.rows._function
    monkeypatch.setattr(kernels.rows, "_function", lambda *what: started.add(what[1]) or function(*what))
    found = parity(build(arch), X, steps=5, batch_size=16, on=compiled)
    assert {"activate", "activate_backward", "adam", "bernoulli_log_prob", "bernoulli_log_prob_backward",
            "kl_standard_normal", "reparameterize", "reparameterize_backward"} <= started  # fmt: skip
    for dtype, limits in ("float64", (1e-12, 1e-12)), ("float32", (1e-5, 1e-4)):
        p = found[f"compiled {dtype} / numpy {dtype}"]
        assert 0 < max(p.values.values()) < limits[0]
        assert 0 < max(p.gradients.values()) < limits[1]
        assert p.drift.max() < limits[1]
    assert kernels.rows.compiled.SMALL == 2**14
    started.clear()
    milliseconds(build(arch), X, (4,), seconds=0)
    assert not started


def test_a_planted_difference_in_a_fused_kernel_is_seen(compiled, monkeypatch):
    """It takes the place of a layer that nobody watches; the network around it is watched."""
    forward = kernels.layers.Activated.forward

    def wrong(self, x, noise=None):
        y, cache = forward(self, x, noise)
        return (1.001 * y if self.layer is model.decoder.layers[1] else y), cache

    def built(rng):
        nonlocal model
        model = build("dense")(rng)
        return model

    model = None
    monkeypatch.setattr(kernels.layers.Activated, "forward", wrong)
    p = parity(built, X, steps=1, on=compiled)["compiled float32 / numpy float32"]
    assert p.values["encoder"] < 1e-6
    assert p.values["decoder"] > 1e-5
    assert p.gradients["decoder.layers.0.W"] > 1e-5


def test_error():
    assert error(np.array([1.0, 2.0]), np.array([1.0, -4.0])) == 1.5
    assert error((np.ones(2), np.zeros(1)), (np.ones(2), np.array([0.5]))) == 0.5
    assert error(np.zeros(2), np.zeros(2)) == 0
    with np.errstate(all="ignore"):
        for bad in (np.nan, np.inf):  # an infinite error is more than any limit, and `max` does not lose it
            a, b = np.array([1.0, bad]), np.ones(2)
            assert error(a, b) == error(b, a) == error(a, a) == np.inf


def test_machines():
    assert machines()[:2] == [REFERENCE, ("numpy", "float32")] == NUMPY
    with strict.registered():
        assert machines()[-2:] == [("strict", "float64"), ("strict", "float32")]


def test_table_and_pictures(tmp_path):
    found = parity(build("dense"), X, steps=3, on=NUMPY)
    assert len(table(found).splitlines()) == 2 + len({*(p := found.popitem()[1]).values, *p.gradients}) + 1
    times = milliseconds(build("dense"), X, (4, 8), seconds=0)
    assert {name: len(row) for name, row in times.items()} == {" ".join(machine): 2 for machine in machines()}
    assert min(min(row) for row in times.values()) > 0
    equal = p._replace(values=dict.fromkeys(p.values, 0.0), gradients={}, loss=p.reference)
    draw_parity({"a": p, "equal": equal}, names_of({"a": p}), times, (4, 8), tmp_path / "p.png")
    assert (tmp_path / "p.png").stat().st_size > 10_000


def test_the_same_weights_on_each():
    a, b = (build("dense")(generator(0, "weights")).bind(dtype) for dtype in ("float32", "float64"))
    np.testing.assert_array_equal(a.theta, b.theta.astype("float32"))


def test_command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("minivae.cli.parity.SIZES", (4, 8))
    assert main(["parity", "--steps", "2", "--out", "p.png"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith("CuPy has no GPU here") or "cupy" in out[0]
    assert out[-1] == "p.png"
    assert main(["parity", "--steps", "0"]) == 2
    assert "steps: expected a whole number >= 1, got 0" in capsys.readouterr().err


def test_command_without_a_compiler(monkeypatch, capsys):
    def none():
        raise ValueError("backend: compiled needs a C compiler")

    monkeypatch.setitem(backend.BACKENDS, "compiled", none)
    monkeypatch.setattr("minivae.cli.parity.SIZES", (4, 8))
    assert main(["parity", "--steps", "2"]) == 0
    out = capsys.readouterr().out
    assert "nothing is said of compiled: backend: compiled needs a C compiler\n" in out
    assert "compiled float32" not in out

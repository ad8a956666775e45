"""Every layer, operation, likelihood, prior and model keeps the protocol. The cases are in cases.py."""

import importlib
import inspect
import pkgutil

import cases
import numpy as np
import pytest

from minivae import densities, layers, likelihoods, models, priors
from minivae.backend import place, tree_map
from minivae.gradcheck import LIMIT, check_directions, check_gradients, operation_problem, problems_of
from minivae.layers import Layer

LAYER_CASES = pytest.mark.parametrize("make", [pytest.param(m, id=i) for i, m in cases.every_layer_case()])
OPERATION_CASES = pytest.mark.parametrize(
    ("f", "make"), [pytest.param(f, m, id=i) for i, f, m in cases.every_operation_case()]
)
LIKELIHOOD_CASES = pytest.mark.parametrize(
    "make", cases.LIKELIHOODS.values(), ids=[c.__name__ for c in cases.LIKELIHOODS]
)
PRIOR_CASES = pytest.mark.parametrize("make", cases.PRIORS.values(), ids=[c.__name__ for c in cases.PRIORS])
MODEL_CASES = pytest.mark.parametrize("make", [pytest.param(m, id=i) for i, m in cases.MODELS.items()])


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def snapshot(*trees):
    return [a.copy() for a in cases.arrays(list(trees))]


def assert_same(before, *trees):
    for a, b in zip(before, cases.arrays(list(trees)), strict=True):
        np.testing.assert_array_equal(a, b)


def like(y, rng):
    w = [rng.standard_normal(part.shape).astype(part.dtype) for part in (y if isinstance(y, tuple) else (y,))]
    return tuple(w) if isinstance(y, tuple) else w[0]


def cast(x, dtype):
    return place(x, like=np.zeros(1, dtype))


def count(x):
    return len(x[0] if isinstance(x, tuple) else x)


def floats(*trees):
    return [a for a in cases.arrays(list(trees)) if a.dtype.kind == "f"]


def is_zero(g):
    """The gradient of a bias in front of a BatchNorm, which takes every constant away."""
    return np.linalg.norm(g) < 1e-12


def another(x, rng):
    """Other values of the same kind and shape: integers in another order."""
    return tree_map(lambda a: like(a, rng) if a.dtype.kind == "f" else rng.permuted(a), x)


def backward_function(f):
    return getattr(densities, f.__name__ + "_backward")


# ---- nothing is left out


def public_classes(module, base=object):
    return {
        c for _, c in inspect.getmembers(module, inspect.isclass)
        if c.__module__ == module.__name__ and issubclass(c, base) and not c.__name__.startswith("_")
    }  # fmt: skip


def modules(package):
    return [importlib.import_module(f"{package.__name__}.{m.name}") for m in pkgutil.iter_modules(package.__path__)]


def test_everything_has_a_case():
    found = set().union(*(public_classes(m, Layer) for m in modules(layers))) - {Layer}
    assert found == set(cases.LAYERS)
    assert public_classes(likelihoods) == set(cases.LIKELIHOODS) == set(likelihoods.LIKELIHOODS.values())
    assert public_classes(priors) == set(cases.PRIORS)
    assert set().union(*map(public_classes, modules(models))) == set(cases.CLASSES.values())
    assert cases.CLASSES == models.MODELS
    functions = {f for _, f in inspect.getmembers(densities, inspect.isfunction) if f.__module__ == densities.__name__}
    helpers = {densities.sigmoid, densities.softmax, densities.sum_rows, densities.unbroadcast, densities._one_hot}
    assert functions - helpers == set(cases.OPERATIONS) | {backward_function(f) for f in cases.OPERATIONS}


# ---- layers


@LAYER_CASES
def test_layer_gradient(make, rng):
    layer, x = make(rng)
    checks = check_gradients(layer, x, rng)
    assert len(checks) == len(layer.params) + len(floats(x))
    assert checks.ok, checks


@LAYER_CASES
def test_planted_errors_fail(make, rng):
    """One array times 1.0005, or one coordinate that matters times 1.05, in every parameter and input."""
    layer, x = make(rng)
    problem = problems_of(layer, x, rng)[0]["loss"]
    assert_planted_errors_fail(problem, len(layer.named(layers.BatchNorm)), rng)


def assert_planted_errors_fail(problem, without, rng):
    """`without`: how many arrays have no gradient."""
    learning = {name: g for name, g in problem.grads.items() if not is_zero(g)}
    assert len(problem.grads) - len(learning) <= without
    for name, g in learning.items():
        one = problem._replace(values={name: problem.values[name]})
        assert not check_directions(one._replace(grads={name: g * 1.0005}), rng, 2).ok
        wrong = g.copy()
        matters = np.flatnonzero(np.abs(g) > 1e-3 * np.linalg.norm(g))
        wrong.flat[matters[len(matters) // 2]] *= 1.05
        assert not check_directions(one._replace(grads={name: wrong}), rng, 2).ok


@LAYER_CASES
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_layer_keeps_dtype_and_arguments(make, dtype, rng):
    layer, x = make(rng)
    layer.bind(dtype)
    x = cast(x, dtype)
    noise = cast(layer.draw_noise(rng, count(x)), dtype)
    before = snapshot(x, noise)
    y, cache = layer.forward(x, noise)
    assert_same(before, x, noise)
    w, held = like(y, rng), snapshot(cache)
    sent = snapshot(w)
    layer.zero_grad()
    dx = layer.backward(w, cache)
    assert_same(before, x, noise)
    assert_same(held, cache)
    assert_same(sent, w)
    assert all(a.dtype == dtype for a in cases.arrays([y, dx, layer.grad, layer.pull]))
    assert [a.shape for a in cases.arrays([dx])] == [a.shape for a in floats(x)]
    layer.zero_grad()
    assert_same(cases.arrays([dx]), layer.backward(w, cache))  # a cache serves several calls


@LAYER_CASES
def test_layer_two_live_calls(make, rng):
    """Two calls of one layer may be alive at once and go backward in any order."""
    layer, x1 = make(rng)
    layer.bind("float64")
    x2 = another(x1, rng)
    n1, n2 = layer.draw_noise(rng, count(x1)), layer.draw_noise(rng, count(x1))

    def alone(x, noise, w=None):
        layer.zero_grad()
        y, cache = layer.forward(x, noise)
        w = like(y, np.random.default_rng(1)) if w is None else w
        return w, layer.backward(w, cache), np.concatenate([layer.grad, layer.pull])

    (w1, dx1, g1), (w2, dx2, g2) = alone(x1, n1), alone(x2, n2)
    for first in (1, 2):
        layer.zero_grad()
        c1, c2 = layer.forward(x1, n1)[1], layer.forward(x2, n2)[1]
        if first == 1:
            a, b = layer.backward(w1, c1), layer.backward(w2, c2)
        else:
            b, a = layer.backward(w2, c2), layer.backward(w1, c1)
        for one, two in zip(cases.arrays([a, b]), cases.arrays([dx1, dx2]), strict=True):
            np.testing.assert_allclose(one, two, rtol=1e-13)
        np.testing.assert_allclose(np.concatenate([layer.grad, layer.pull]), g1 + g2, rtol=1e-12, atol=1e-14)


@LAYER_CASES
def test_layer_accumulate_and_need_dx(make, rng):
    layer, x = make(rng)
    layer.bind("float64")
    y, cache = layer.forward(x, layer.draw_noise(rng, count(x)))
    w = like(y, rng)
    layer.zero_grad()
    dx = cases.arrays([layer.backward(w, cache)])
    once = np.concatenate([layer.grad, layer.pull])
    assert_same(dx, layer.backward(w, cache, accumulate=False))
    np.testing.assert_array_equal(np.concatenate([layer.grad, layer.pull]), once)
    other = layer.backward(w, cache, need_dx=False)
    assert other is None or all(map(np.array_equal, cases.arrays([other]), dx))
    np.testing.assert_allclose(np.concatenate([layer.grad, layer.pull]), 2 * once, rtol=1e-13)


@LAYER_CASES
def test_layer_float32_agrees_with_float64(make, rng):
    layer, x = make(rng)
    results = {}
    for dtype in ("float64", "float32"):
        layer.bind(dtype)
        noise = cast(layer.draw_noise(np.random.default_rng(5), count(x)), dtype)
        y, cache = layer.forward(cast(x, dtype), noise)
        w = tuple(np.cos(part) for part in y) if isinstance(y, tuple) else np.cos(y)
        layer.zero_grad()
        results[dtype] = cases.arrays([y, layer.backward(w, cache), layer.grad.copy()])
    for a, b in zip(results["float32"], results["float64"], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


# ---- operations


@OPERATION_CASES
def test_operation(f, make, rng):
    args, data = make(rng)
    checks = check_directions(operation_problem(f, backward_function(f), args, rng, **data), rng)
    assert len(checks) == len(args)
    assert checks.ok, checks
    g = np.ones(f(*args, **data).shape)
    before = snapshot(args, data, g)
    grads = backward_function(f)(g, *args, **data)
    assert_same(before, args, data, g)
    for a, da in zip(args, grads if isinstance(grads, tuple) else (grads,), strict=True):
        assert a.shape == da.shape
    args32, data32 = place((args, data), like=np.float32(0))
    g32 = g.astype("float32")
    got = [f(*args32, **data32), backward_function(f)(g32, *args32, **data32)]
    assert all(a.dtype == "float32" for a in cases.arrays(got))
    for a, b in zip(cases.arrays(got), cases.arrays([f(*args, **data), grads]), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


# ---- likelihoods and priors


def assert_two_live_calls(part, forward, g):
    """Calls 0 and 1 alive at once, backward in either order: the same gradients as one after the other."""
    results = []
    for order in ((0, 1), (1, 0), None):
        part.zero_grad()
        if order is None:
            dx = {i: part.backward(g[i], forward(i)[1]) for i in (0, 1)}
        else:
            live = [forward(i)[1] for i in (0, 1)]
            dx = {i: part.backward(g[i], live[i]) for i in order}
        results.append((dx[0], dx[1], part.grad.copy()))
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)


@LIKELIHOOD_CASES
def test_likelihood(make, rng):
    likelihood = make().bind("float64")
    out = rng.standard_normal((2, 3, 4 * likelihood.n_out))
    x = likelihood.draw(out, likelihood.draw_noise(rng, (2, 3, 4)).astype("float64"))
    before = snapshot(x, out)
    log_px_z, cache = likelihood.forward(x, out)
    assert log_px_z.shape == (2, 3)
    g = rng.standard_normal((2, 3))
    likelihood.zero_grad()
    dout = likelihood.backward(g, cache)
    assert_same(before, x, out)
    once = likelihood.grad.copy()
    np.testing.assert_array_equal(likelihood.backward(g, cache, accumulate=False), dout)
    np.testing.assert_array_equal(likelihood.grad, once)
    assert likelihood.mean(out).shape == x.shape
    checks = check_gradients(likelihood, (x, out), rng)
    assert set(checks) == {"out", *likelihood.params}
    assert checks.ok, checks

    likelihood.bind("float32")
    x32, out32, g32 = x.astype("float32"), out.astype("float32"), g.astype("float32")
    value, cache = likelihood.forward(x32, out32)
    draw = likelihood.draw(out32, likelihood.draw_noise(rng, x.shape))
    for a in (value, likelihood.backward(g32, cache), likelihood.mean(out32), draw):
        assert a.dtype == "float32"
    np.testing.assert_allclose(value, log_px_z, rtol=1e-4, atol=1e-4)


@LIKELIHOOD_CASES
def test_likelihood_two_live_calls(make, rng):
    likelihood = make().bind("float64")
    outs = rng.standard_normal((2, 3, 4 * likelihood.n_out))
    xs = likelihood.draw(outs, likelihood.draw_noise(rng, (2, 3, 4)).astype("float64"))
    assert_two_live_calls(likelihood, lambda i: likelihood.forward(xs[i], outs[i]), rng.standard_normal((2, 3)))


@LIKELIHOOD_CASES
def test_likelihood_is_the_density_of_its_draws(make, rng):
    """E[x] = mean(out), and E[log p] of its own draws is what the density says on average over another set of them.

    The second: log p is highest in expectation for the distribution that the draws come from (Gibbs' inequality).
    """
    likelihood = make().bind("float64")
    out = rng.standard_normal(3 * likelihood.n_out)
    noise = likelihood.draw_noise(rng, (400_000, 3)).astype("float64")
    draws = likelihood.draw(out, noise)
    error = draws.std(axis=0) / len(draws) ** 0.5
    assert (np.abs(draws.mean(axis=0) - likelihood.mean(out)) < 4 * error).all()
    assert (np.abs(draws.mean(axis=0) - likelihood.mean(out) - 0.05) > 8 * error).all()  # the test can fail
    own = likelihood.forward(draws, out)[0]
    for i in range(len(out)):
        for step in (-0.3, 0.3):
            other = out.copy()
            other[i] += step
            assert own.mean() > likelihood.forward(draws, other)[0].mean()
    for p in likelihood.params.values():
        for step in (-0.3, 0.3):
            p.data += step
            assert own.mean() > likelihood.forward(draws, out)[0].mean()
            p.data -= step


@PRIOR_CASES
def test_prior(make, rng):
    prior = make().bind("float64")
    z = prior.draw(prior.draw_noise(rng, 6).astype("float64")).reshape(2, 3, -1)
    before = snapshot(z)
    log_pz, cache = prior.forward(z)
    assert log_pz.shape == (2, 3)
    g = rng.standard_normal((2, 3))
    prior.zero_grad()
    dz = prior.backward(g, cache)
    assert_same(before, z)
    once = prior.grad.copy()
    np.testing.assert_array_equal(prior.backward(g, cache, accumulate=False), dz)
    np.testing.assert_array_equal(prior.grad, once)
    checks = check_gradients(prior, z, rng)
    assert set(checks) == {"z", *prior.params}
    assert checks.ok, checks
    zs = rng.standard_normal((2, 3, z.shape[-1]))
    assert_two_live_calls(prior, lambda i: prior.forward(zs[i]), g)
    prior.bind("float32")
    z32, g32 = z.astype("float32"), g.astype("float32")
    value, cache = prior.forward(z32)
    for a in (value, prior.backward(g32, cache), prior.draw(prior.draw_noise(rng, 3))):
        assert a.dtype == "float32"
    np.testing.assert_allclose(value, log_pz, rtol=1e-4, atol=1e-4)


@PRIOR_CASES
def test_prior_kl(make, rng):
    """The closed form, where there is one, is the mean of log q - log p, and its gradient is right."""
    prior = make().bind("float64")
    if not hasattr(prior, "kl"):
        pytest.skip("this prior has no closed form")
    mu, log_var = rng.standard_normal((2, 3, prior.L))
    assert check_directions(operation_problem(prior.kl, prior.kl_backward, (mu, log_var), rng), rng).ok
    z = densities.reparameterize(mu, log_var, eps=rng.standard_normal((1_000_000, 3, prior.L)))
    ratio = densities.gaussian_log_prob(z, mu, log_var) - prior.forward(z)[0]
    error = ratio.std(axis=0) / len(ratio) ** 0.5
    assert (np.abs(ratio.mean(axis=0) - prior.kl(mu, log_var)) < 4 * error).all()
    assert (np.abs(ratio.mean(axis=0) - 1.02 * prior.kl(mu, log_var)) > 8 * error).all()  # the test can fail


@PRIOR_CASES
def test_prior_is_the_density_of_its_draws(make, rng):
    """E[d log p(z) / dz] = 0 and E[z d log p(z) / dz] = -1 hold for draws of p only (Stein's identity)."""
    prior = make().bind("float64")
    z = prior.draw(prior.draw_noise(rng, 400_000).astype("float64"))
    score = prior.backward(np.ones(len(z)), prior.forward(z)[1], accumulate=False)
    for values, truth in ((score, 0.0), (z * score, -1.0)):
        error = values.std(axis=0) / len(z) ** 0.5
        assert (np.abs(values.mean(axis=0) - truth) < 4 * error).all()
        assert (np.abs(values.mean(axis=0) - truth - 0.02) > 8 * error).all()  # the test can fail


# ---- models


@MODEL_CASES
def test_model_gradient(make, rng):
    model, x = make(rng)
    assert model.theta.size <= 2000
    checks = check_gradients(model, x, rng)
    assert set(checks) == set(model.params)  # every parameter is trained by one of the objectives
    assert checks.ok, checks


@MODEL_CASES
def test_planted_errors_fail_in_models(make, rng):
    model, x = make(rng)
    for problem in problems_of(model, x, rng)[0].values():
        assert_planted_errors_fail(problem, len(model.named(layers.BatchNorm)), rng)


@MODEL_CASES
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_model_step_is_pure(make, dtype, rng):
    """Dtypes kept, arguments untouched, the same call gives the same bits, gradients are asked for or not."""
    model, x = make(rng)
    model.bind(dtype)
    x = x.astype(dtype)
    noise = place(model.draw_noise(rng, len(x)), like=model.theta)
    before = snapshot(x, noise, model.theta)
    first, grad = model.loss_and_grads(x, noise, t=3), model.grad.copy()
    second = model.loss_and_grads(x, noise, t=3)
    assert_same(before, x, noise, model.theta)
    assert first == second
    np.testing.assert_array_equal(model.grad, grad)
    assert {v.dtype for v in first.values()} == {np.dtype(dtype)}
    assert model.loss_and_grads(x, noise, t=3, grads=False) == first
    eps = np.stack([noise["eps"]] * 3)
    assert model.log_weights(x, eps).shape == (3, len(x))
    for a in (*model.encode(x), model.decode(noise["eps"]), model.sample(3, rng), model.reconstruct(x)):
        assert a.dtype == dtype


@MODEL_CASES
def test_model_float32_agrees_with_float64(make, rng):
    model, x = make(rng)
    noise = model.draw_noise(rng, len(x))
    exact, grad = model.loss_and_grads(x, noise), model.grad.copy()
    model.bind("float32")
    rough = model.loss_and_grads(x.astype("float32"), place(noise, like=model.theta))
    for name, value in exact.items():
        np.testing.assert_allclose(rough[name], value, rtol=1e-4, atol=1e-4)
    assert np.linalg.norm(model.grad - grad) < 1e-4 * np.linalg.norm(grad)


def test_limit_is_the_designs():
    assert LIMIT == 1e-7

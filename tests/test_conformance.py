"""Every layer, operation, likelihood, prior and model keeps the protocol. The cases are in cases.py."""

import importlib
import inspect
import pkgutil

import cases
import numpy as np
import pytest

from minivae import densities, flows, layers, likelihoods, models, posteriors, priors
from minivae.backend import array_module, load_backend, place, to_numpy, tree_map
from minivae.gradcheck import LIMIT, check_directions, check_gradients, operation_problem, problems_of
from minivae.gradcheck.problems import as_tuple
from minivae.layers import Layer

LAYER_CASES = pytest.mark.parametrize("make", [pytest.param(m, id=i) for i, m in cases.every_layer_case()])
OPERATION_CASES = pytest.mark.parametrize(
    ("f", "make"), [pytest.param(f, m, id=i) for i, f, m in cases.every_operation_case()]
)
LIKELIHOOD_CASES = pytest.mark.parametrize(
    "make", cases.LIKELIHOODS.values(), ids=[c.__name__ for c in cases.LIKELIHOODS]
)
PRIOR_CASES = pytest.mark.parametrize("make", cases.PRIORS.values(), ids=[c.__name__ for c in cases.PRIORS])
POSTERIOR_CASES = pytest.mark.parametrize("make", cases.POSTERIORS.values(), ids=[c.__name__ for c in cases.POSTERIORS])
BIJECTOR_CASES = pytest.mark.parametrize("make", cases.BIJECTORS.values(), ids=[c.__name__ for c in cases.BIJECTORS])
MODEL_CASES = pytest.mark.parametrize("make", [pytest.param(m, id=i) for i, m in cases.MODELS.items()])


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def snapshot(*trees):
    return [a.copy() for a in cases.arrays(list(trees))]


def assert_same(before, *trees):
    for a, b in zip(before, cases.arrays(list(trees)), strict=True):
        np.testing.assert_array_equal(*to_numpy([a, b]))


def assert_close(tree, other, **tolerance):
    for a, b in zip(cases.arrays([tree]), cases.arrays([other]), strict=True):
        np.testing.assert_allclose(*to_numpy([a, b]), **tolerance)


def like(y, rng):
    return tree_map(lambda part: place(rng.standard_normal(part.shape), like=part), y)


def learned(layer):
    """Its gradients and pulls, as one vector."""
    return np.concatenate(to_numpy([layer.grad, layer.pull]))


def some(device, dtype="float32"):
    """An array there, for `place`."""
    return load_backend(device).zeros(1, dtype)


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
    return getattr(importlib.import_module(f.__module__), f.__name__ + "_backward")


# ---- nothing is left out


def public_classes(module, base=object):
    return {
        c for _, c in inspect.getmembers(module, inspect.isclass)
        if c.__module__ == module.__name__ and issubclass(c, base) and not c.__name__.startswith("_")
    }  # fmt: skip


def found_in(modules, base):
    return set().union(*(public_classes(m, base) for m in modules)) - {base}


def modules(package):
    return [importlib.import_module(f"{package.__name__}.{m.name}") for m in pkgutil.iter_modules(package.__path__)]


def test_everything_has_a_case():
    found = set().union(*(public_classes(m, Layer) for m in modules(layers))) - {Layer}
    assert found == set(cases.LAYERS)
    named = set(likelihoods.LIKELIHOODS.values()) | {likelihoods.Mixed, likelihoods.Tokens}
    assert found_in(modules(likelihoods), likelihoods.Likelihood) == set(cases.LIKELIHOODS) == named
    assert {cls.__name__ for cls in named} < set(likelihoods.__all__)
    files = modules(models)  # where a model may keep its own
    assert found_in([*modules(priors), *files], priors.Prior) == set(cases.PRIORS)
    assert found_in([*modules(posteriors), *files], posteriors.Posterior) == set(cases.POSTERIORS)
    assert found_in([*modules(flows), *files], flows.Bijector) == set(cases.BIJECTORS)
    found = set().union(*(public_classes(m, models.Model) for m in modules(models))) - {models.Model}
    assert found == set(models.MODELS.values())
    assert {label.partition(" ")[0] for label in cases.MODELS} == set(models.MODELS)
    functions = {
        f for _, f in inspect.getmembers(densities, inspect.isfunction) if f.__module__.startswith(densities.__name__)
    }
    functions = {f for f in functions if not f.__name__.startswith("_")}
    assert functions == set(cases.OPERATIONS) | {backward_function(f) for f in cases.OPERATIONS}


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
def test_layer_keeps_dtype_and_arguments(make, dtype, device, rng):
    layer, x = make(rng)
    layer.bind(dtype, device)
    x = place(x, like=layer.theta)
    noise = place(layer.draw_noise(rng, count(x)), like=layer.theta)
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
    for a in cases.arrays([y, dx, layer.grad, layer.pull]):
        assert a.dtype == dtype
        assert array_module(a) is load_backend(device)
    assert [a.shape for a in cases.arrays([dx])] == [a.shape for a in floats(x)]
    layer.zero_grad()
    assert_same(cases.arrays([dx]), layer.backward(w, cache))  # a cache serves several calls


@LAYER_CASES
def test_layer_two_live_calls(make, device, rng):
    """Two calls of one layer may be alive at once and go backward in any order."""
    layer, x1 = make(rng)
    layer.bind("float64", device)
    x1, x2 = place((x1, another(x1, rng)), like=layer.theta)
    n1, n2 = (place(layer.draw_noise(rng, count(x1)), like=layer.theta) for _ in range(2))

    def alone(x, noise, w=None):
        layer.zero_grad()
        y, cache = layer.forward(x, noise)
        w = like(y, np.random.default_rng(1)) if w is None else w
        return w, layer.backward(w, cache), learned(layer)

    (w1, dx1, g1), (w2, dx2, g2) = alone(x1, n1), alone(x2, n2)
    for first in (1, 2):
        layer.zero_grad()
        c1, c2 = layer.forward(x1, n1)[1], layer.forward(x2, n2)[1]
        if first == 1:
            a, b = layer.backward(w1, c1), layer.backward(w2, c2)
        else:
            b, a = layer.backward(w2, c2), layer.backward(w1, c1)
        assert_close([a, b], [dx1, dx2], rtol=1e-13)
        np.testing.assert_allclose(learned(layer), g1 + g2, rtol=1e-12, atol=1e-14)


@LAYER_CASES
def test_layer_accumulate_and_need_dx(make, device, rng):
    layer, x = make(rng)
    layer.bind("float64", device)
    x = place(x, like=layer.theta)
    y, cache = layer.forward(x, place(layer.draw_noise(rng, count(x)), like=layer.theta))
    w = like(y, rng)
    layer.zero_grad()
    dx = cases.arrays([layer.backward(w, cache)])
    once = learned(layer)
    assert_same(dx, layer.backward(w, cache, accumulate=False))
    np.testing.assert_array_equal(learned(layer), once)
    other = layer.backward(w, cache, need_dx=False)
    if other is not None:
        assert_same(dx, other)
    np.testing.assert_allclose(learned(layer), 2 * once, rtol=1e-13)


@LAYER_CASES
def test_layer_float32_agrees_with_numpy_float64(make, device, rng):
    layer, x = make(rng)
    results = {}
    for dtype, where in (("float64", "numpy"), ("float32", device)):
        layer.bind(dtype, where)
        noise = place(layer.draw_noise(np.random.default_rng(5), count(x)), like=layer.theta)
        y, cache = layer.forward(place(x, like=layer.theta), noise)
        w = tree_map(lambda part: place(np.cos(to_numpy(part)), like=part), y)
        layer.zero_grad()
        results[dtype] = [y, layer.backward(w, cache), layer.grad.copy()]
    assert_close(results["float32"], results["float64"], rtol=1e-4, atol=1e-5)


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


@OPERATION_CASES
def test_operation_float32_agrees_with_numpy_float64(f, make, device, rng):
    args, data = make(rng)
    value = f(*args, **data)
    g = rng.standard_normal(value.shape)
    exact = [np.asarray(value), backward_function(f)(g, *args, **data)]
    args, data, g = place((args, data, g), like=some(device))
    value = f(*args, **data)
    got = [array_module(args[0]).asarray(value), backward_function(f)(g, *args, **data)]
    assert all(a.dtype == "float32" for a in (value, *cases.arrays(got)))
    assert_close(got, exact, rtol=1e-4, atol=1e-5)


# ---- likelihoods and priors


def assert_two_live_calls(part, forward, g):
    """Calls 0 and 1 alive at once, backward in either order: the same gradients as one after the other."""
    results = []
    for order in ((0, 1), (1, 0), None):
        part.zero_grad()
        if order is None:
            dx = {i: part.backward(*as_tuple(g[i]), forward(i)[1]) for i in (0, 1)}
        else:
            live = [forward(i)[1] for i in (0, 1)]
            dx = {i: part.backward(*as_tuple(g[i]), live[i]) for i in order}
        results.append((dx[0], dx[1], part.grad.copy()))
    for other in results[1:]:
        assert_close(results[0], other, rtol=1e-12, atol=1e-14)


def assert_accumulates(part, g, cache):
    """The gradients of the parameters are added to `grad`, with accumulate=False they are not; dx is the same."""
    part.zero_grad()
    dx = snapshot(part.backward(*as_tuple(g), cache))
    once = part.grad.copy()
    assert_same(dx, part.backward(*as_tuple(g), cache, accumulate=False))
    np.testing.assert_array_equal(part.grad, once)


def width_of(likelihood, D=4):
    """Columns of x; whatever the test wants, unless the likelihood fixes them."""
    return likelihood.D or D


@LIKELIHOOD_CASES
def test_likelihood(make, rng):
    likelihood = make().bind("float64")
    D = width_of(likelihood)
    out = rng.standard_normal((2, 3, D * likelihood.n_out))
    x = likelihood.draw(out, likelihood.draw_noise(rng, (2, 3, D)).astype("float64"))
    before = snapshot(x, out)
    log_px_z, cache = likelihood.forward(x, out)
    assert log_px_z.shape == (2, 3)
    g = rng.standard_normal((2, 3))
    assert_accumulates(likelihood, g, cache)
    assert_same(before, x, out)
    assert likelihood.mean(out).shape == x.shape
    checks = check_gradients(likelihood, (x, out), rng)
    assert set(checks) == {"out", *likelihood.params}
    assert checks.ok, checks
    if likelihood.mean_backward is not None:
        of_mean = operation_problem(likelihood.mean, likelihood.mean_backward, (out,), rng)
        assert check_directions(of_mean, rng).ok


@LIKELIHOOD_CASES
def test_likelihood_float32_agrees_with_numpy_float64(make, device, rng):
    likelihood, results = make(), {}
    D = width_of(likelihood)
    out, g = rng.standard_normal((2, 3, D * likelihood.n_out)), rng.standard_normal((2, 3))
    noise = likelihood.draw_noise(rng, (2, 3, D))
    for dtype, where in (("float64", "numpy"), ("float32", device)):
        likelihood.bind(dtype, where)
        o, u, dlog = place((out, noise, g), like=some(where, dtype))
        x = likelihood.draw(o, u)
        log_px_z, cache = likelihood.forward(x, o)
        likelihood.zero_grad()
        dout, seen = likelihood.backward(dlog, cache), likelihood.seen(x)
        results[dtype] = [x, log_px_z, dout, likelihood.mean(o), seen, likelihood.grad.copy()]
        if likelihood.mean_backward is not None:
            results[dtype].append(likelihood.mean_backward(x, o))
        assert all(a.dtype == dtype for a in results[dtype])
    assert_close(results["float32"], results["float64"], rtol=1e-4, atol=1e-4)


@LIKELIHOOD_CASES
def test_what_is_missing_counts_nothing(make, device, rng):
    """Neither in log_px_z, nor in any gradient: it may have been any number. The encoder sees 0 and 0 of it."""
    likelihood, D = make().bind("float64"), width_of(make())
    if likelihood.values == "tokens":
        pytest.skip("a line has an end, and nothing is missing before it")
    out = rng.standard_normal((2, 3, D * likelihood.n_out))
    x = likelihood.draw(out, likelihood.draw_noise(rng, (2, 3, D)).astype("float64"))
    observed = rng.random((3, D)) < 0.6
    if likelihood.values == "one-hot":
        observed[...] = observed[:, :1]
    elif likelihood.values == "mixed":
        observed[:, -4:-1] = observed[:, -4:-3]
    x, g = x[0], rng.standard_normal((2, 3))

    def gradients(x, out, g):
        likelihood.bind("float64", device)
        x, out, g = place((x, out, g), like=likelihood.theta if likelihood.theta.size else some(device, "float64"))
        likelihood.zero_grad()
        log_px_z, cache = likelihood.forward(x, out)
        dout = likelihood.backward(g, cache)
        return to_numpy((log_px_z, dout, likelihood.grad.copy(), likelihood.seen(x)))

    full = gradients(x, out, g)
    likelihood.missing = True
    for a, b in zip(full, gradients(x, out, g), strict=True):
        np.testing.assert_allclose(a, b[..., ::2] if b.shape != a.shape else b, rtol=1e-12, atol=1e-14)
    holes = np.where(observed, x, np.nan)
    log_px_z, dout, grad, seen = gradients(holes, out, g)
    blocks = dout.reshape(2, 3, likelihood.n_out, D)
    assert (blocks.swapaxes(-1, -2)[:, ~observed] == 0).all()
    np.testing.assert_allclose(seen[..., ::2][observed], full[3][observed], rtol=1e-12)
    assert (seen[..., ::2][~observed] == 0).all()
    np.testing.assert_array_equal(seen[..., 1::2], observed)
    other = np.where(observed, out.reshape(2, 3, likelihood.n_out, D).swapaxes(1, 2), 7).swapaxes(1, 2)
    for a, b in zip((log_px_z, grad), gradients(holes, other.reshape(out.shape), g)[::2], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)  # whatever the decoder says of it
    assert all((a == 0).all() for a in gradients(np.full(x.shape, np.nan), out, g)[:3])
    checks = check_gradients(likelihood, (holes, out), rng)
    assert checks.ok, checks


@LIKELIHOOD_CASES
def test_likelihood_two_live_calls(make, rng):
    likelihood = make().bind("float64")
    D = width_of(likelihood)
    outs = rng.standard_normal((2, 3, D * likelihood.n_out))
    xs = likelihood.draw(outs, likelihood.draw_noise(rng, (2, 3, D)).astype("float64"))
    assert_two_live_calls(likelihood, lambda i: likelihood.forward(xs[i], outs[i]), rng.standard_normal((2, 3)))


@LIKELIHOOD_CASES
def test_likelihood_is_the_density_of_its_draws(make, rng):
    """E[x] = mean(out), and E[log p] of its own draws is what the density says on average over another set of them.

    The second: log p is highest in expectation for the distribution that the draws come from (Gibbs' inequality).
    """
    likelihood = make().bind("float64")
    D = width_of(likelihood, 3)
    out = rng.standard_normal(D * likelihood.n_out)
    noise = likelihood.draw_noise(rng, (400_000, D)).astype("float64")
    draws = likelihood.draw(out, noise)
    error = draws.std(axis=0) / len(draws) ** 0.5
    if likelihood.values != "tokens":  # which have no mean
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
    z = prior.draw(place(prior.draw_noise(rng, 6), like=prior.theta)).reshape(2, 3, -1)
    before = snapshot(z)
    log_pz, cache = prior.forward(z)
    assert log_pz.shape == (2, 3)
    g = rng.standard_normal((2, 3))
    assert_accumulates(prior, g, cache)
    assert_same(before, z)
    checks = check_gradients(prior, z, rng)
    kl = set() if prior.kl is None else {f"kl: {name}" for name in ("mu_q", "log_var_q", *prior.params)}
    assert set(checks) == ({"z"} if prior.K is None else set()) | {*prior.params} | kl
    assert checks.ok or (prior.K is not None and not prior.params), checks  # of uniform codes there is nothing to check
    zs = another(z, rng)
    assert_two_live_calls(prior, lambda i: prior.forward(zs[i]), g)


@PRIOR_CASES
def test_prior_float32_agrees_with_numpy_float64(make, device, rng):
    prior, results = make(), {}
    noise, g = prior.draw_noise(rng, 3), rng.standard_normal(3)
    for dtype, where in (("float64", "numpy"), ("float32", device)):
        prior.bind(dtype, where)
        eps, dlog = place((noise, g), like=some(where, dtype))
        z = prior.draw(eps)
        log_pz, cache = prior.forward(z)
        prior.zero_grad()
        results[dtype] = [z, log_pz, prior.backward(dlog, cache), prior.grad.copy()]
        if prior.kl is not None:
            results[dtype] += [prior.kl(z, 0.5 * z), *prior.kl_backward(dlog[:, None] * z, z, 0.5 * z)]
        if prior.K is not None:
            results[dtype] = results[dtype][1::2]  # codes are whole numbers, and have no gradient
        assert all(a.dtype == dtype for a in results[dtype])
    assert_close(results["float32"], results["float64"], rtol=1e-4, atol=1e-4)


@PRIOR_CASES
def test_prior_kl(make, rng):
    """The closed form, where there is one, is the mean of log q - log p, and its gradient is right."""
    prior = make().bind("float64")
    if prior.kl is None:
        pytest.skip("this prior has no closed form")
    mu, log_var = rng.standard_normal((2, 3, prior.L))
    assert prior.kl(mu, log_var).shape == mu.shape  # nats of each latent
    z = densities.reparameterize(mu, log_var, eps=rng.standard_normal((1_000_000, 3, prior.L)))
    kl = prior.kl(mu, log_var).sum(axis=-1)
    ratio = densities.gaussian_log_prob(z, mu, log_var) - prior.forward(z)[0]
    error = ratio.std(axis=0) / len(ratio) ** 0.5
    assert (np.abs(ratio.mean(axis=0) - kl) < 4 * error).all()
    assert (np.abs(ratio.mean(axis=0) - 1.02 * kl) > 8 * error).all()  # the test can fail


@PRIOR_CASES
def test_prior_is_the_density_of_its_draws(make, rng):
    """E[d log p(z) / dz] = 0 and E[z d log p(z) / dz] = -1 hold for draws of p only (Stein's identity)."""
    prior = make().bind("float64")
    if prior.K is not None:
        pytest.skip("codes are counted instead, see test_codes.py")
    z = prior.draw(place(prior.draw_noise(rng, 1_000_000), like=prior.theta))
    score = prior.backward(np.ones(len(z)), prior.forward(z)[1], accumulate=False)
    for values, truth in ((score, 0.0), (z * score, -1.0)):
        error = values.std(axis=0) / len(z) ** 0.5
        assert (np.abs(values.mean(axis=0) - truth) < 4 * error).all()
        assert (np.abs(values.mean(axis=0) - truth - 0.02) > 8 * error).all()  # the test can fail


# ---- posteriors and bijectors


@POSTERIOR_CASES
def test_posterior(make, rng):
    """Gradients, untouched arguments, accumulate, two live calls; log q(z | x) is the density of the draws."""
    posterior, heads = make(rng)
    posterior.bind("float64")
    eps = rng.standard_normal((3, *heads[0].shape[:-1], posterior.L or heads[0].shape[-1]))
    before = snapshot(heads, eps)
    (z, log_qz_x), cache = posterior.forward(heads, eps)
    assert (z.shape, log_qz_x.shape) == (eps.shape, eps.shape[:-1])
    w = like((z, log_qz_x), rng)
    assert_accumulates(posterior, w, cache)
    assert_same(before, heads, eps)
    checks = check_gradients(posterior, (heads, eps), rng)
    assert set(checks) == {*posterior.params, *(f"head{i}" for i in range(posterior.n_heads))}
    assert checks.ok, checks
    several = rng.standard_normal((2, *eps.shape))
    assert_two_live_calls(posterior, lambda i: posterior.forward(heads, several[i]), (w, like(w, rng)))
    if posterior.score is not None:
        mu, log_var = heads
        score, _, _ = densities.gaussian_log_prob_backward(np.ones(z.shape[:-1]), z, mu, log_var)
        np.testing.assert_allclose(posterior.score(cache), score, rtol=1e-12)


@POSTERIOR_CASES
def test_posterior_is_the_density_of_its_draws(make, rng):
    """E_q[p(z) / q(z | x)] = 1 for a wide p: whatever the flow is, q integrates to one where its draws lie."""
    posterior, heads = make(rng)
    posterior.bind("float64")
    one = [head[:1] for head in heads]
    eps = rng.standard_normal((300_000, 1, posterior.L or heads[0].shape[-1]))
    (z, log_qz_x), _ = posterior.forward(one, eps)
    center = z.mean(axis=0)
    log_p = densities.gaussian_log_prob(z, center, np.log(0.5 * z.var(axis=0)))  # inside q, so that the ratio is tame
    ratio = np.exp(log_p - log_qz_x)[:, 0]
    error = ratio.std() / len(ratio) ** 0.5
    assert abs(ratio.mean() - 1) < 4 * error
    assert abs(1.02 * ratio.mean() - 1) > 8 * error  # the test can fail
    assert cases.arrays([posterior.describe(one)])[0].shape == (1, z.shape[-1])


@POSTERIOR_CASES
def test_posterior_float32_agrees_with_numpy_float64(make, device, rng):
    posterior, heads = make(rng)
    eps = rng.standard_normal((2, *heads[0].shape[:-1], posterior.L or heads[0].shape[-1]))
    results = {}
    for dtype, where in (("float64", "numpy"), ("float32", device)):
        posterior.bind(dtype, where)
        here, noise = place((heads, eps), like=some(where, dtype))
        y, cache = posterior.forward(here, noise)
        w = tree_map(lambda part: place(np.cos(to_numpy(part)), like=part), y)
        posterior.zero_grad()
        results[dtype] = [y, posterior.backward(*w, cache), posterior.describe(here), posterior.grad.copy()]
        assert all(a.dtype == dtype for a in cases.arrays(results[dtype]))
    assert_close(results["float32"], results["float64"], rtol=1e-4, atol=1e-4)


@BIJECTOR_CASES
def test_bijector(make, rng):
    """Gradients, untouched arguments, accumulate, live calls; log_det is that of the Jacobian; inverse leads back."""
    bijector, z, context = make(rng)
    bijector.bind("float64")
    before = snapshot(z, context)
    (y, log_det), cache = bijector.forward(z, context)
    assert (y.shape, log_det.shape) == (z.shape, z.shape[:-1])
    w = like((y, log_det), rng)
    assert_accumulates(bijector, w, cache)
    assert_same(before, z, context)
    checks = check_gradients(bijector, (z, context), rng)
    assert set(checks) == {"z", *(["context"] if context is not None else []), *bijector.params}
    assert checks.ok, checks
    zs = [make(rng)[1] for _ in range(2)]
    assert_two_live_calls(bijector, lambda i: bijector.forward(zs[i], context), (w, like(w, rng)))
    np.testing.assert_allclose(bijector.inverse(y, context), z, rtol=1e-10, atol=1e-12)
    L = z.shape[-1]
    copies = np.broadcast_to(z[0, 0], (L, L))
    rows = None if context is None else np.broadcast_to(context[0], (L, context.shape[-1]))
    jacobian, _ = bijector.backward(np.eye(L), np.zeros(L), bijector.forward(copies, rows)[1], accumulate=False)
    assert np.linalg.slogdet(jacobian) == pytest.approx((1, log_det[0, 0]), rel=1e-10)


# ---- models


@MODEL_CASES
def test_model_gradient(make, rng):
    model, x, y = make(rng)
    assert model.theta.size <= 2000
    checks = check_gradients(model, x, rng, y=y)
    assert set(checks) == set(model.params)  # every parameter is trained by one of the objectives
    assert checks.ok, checks


@MODEL_CASES
def test_planted_errors_fail_in_models(make, rng):
    model, x, y = make(rng)
    for problem in problems_of(model, x, rng, y=y)[0].values():
        assert_planted_errors_fail(problem, len(model.named(layers.BatchNorm)), rng)


@MODEL_CASES
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_model_step_is_pure(make, dtype, device, rng):
    """Dtypes kept, arguments untouched, the same call gives the same bits, gradients are asked for or not."""
    model, x, y = make(rng)
    model.bind(dtype, device)
    x, y, noise = place((x, y, model.draw_noise(rng, len(x))), like=model.theta)
    before = snapshot(x, y, noise, model.theta)
    first, grad = model.loss_and_grads(x, noise, y=y, t=3), model.grad.copy()
    second = model.loss_and_grads(x, noise, y=y, t=3)
    assert_same(before, x, y, noise, model.theta)
    assert first == second
    assert_same([grad], model.grad)
    assert set(first) == set(model.metrics)
    assert {model.monitor, *model.objectives} - {None} <= set(first)
    assert {v.dtype for v in first.values()} == {np.dtype(dtype)}
    assert model.loss_and_grads(x, noise, y=y, t=3, grads=False) == first
    z, decoded = (), []
    if model.latent == "prior":
        decoded = [model.decode(noise["prior"])]
    elif model.latent is not None:
        z = model.encode(x, y=y)
        y = abs(y) if model.infers_y else y  # to decode, it must be known
        assert isinstance(z, tuple) == (model.latent == "gaussian")
        decoded = [model.decode(z[0] if isinstance(z, tuple) else z, y=y)]
    if model.log_weights is not None:
        eps = place(model.draw_eps(rng, 3, len(x)), like=model.theta)
        assert model.log_weights(x, eps, y=y).shape == (3, len(x))
        assert model.reconstruct(x, eps[0], y=y).shape == x.shape
    if model.latent != "prior":
        decoded.append(model.reconstruct(x, y=y))
    for a in (*cases.arrays([z]), *decoded, model.sample(len(x), rng, y=y)):
        assert a.dtype == ("int64" if a is z and model.latent == "codes" else dtype)
        assert array_module(a) is load_backend(device)


@MODEL_CASES
def test_model_float32_agrees_with_numpy_float64(make, device, rng):
    model, x, y = make(rng)
    noise = model.draw_noise(rng, len(x))
    exact, grad = model.loss_and_grads(x, noise, y=y), model.grad.copy()
    model.bind("float32", device)
    x, y, noise = place((x, y, noise), like=model.theta)
    rough = model.loss_and_grads(x, noise, y=y)
    for name, value in exact.items():
        assert float(rough[name]) == pytest.approx(float(value), rel=1e-4, abs=1e-4)
    assert np.linalg.norm(to_numpy(model.grad) - grad) < 1e-4 * np.linalg.norm(grad)


def test_limit_is_the_designs():
    assert LIMIT == 1e-7

"""What every oracle reads: a scalar function of arrays, their values, and its gradient by hand.

A layer's is sum(w * y) with random w; so are those of a likelihood, a prior, a posterior, a bijector and an operation,
each called as the protocol says. A model's are its objectives. All in float64, and pure: f takes the arrays that it is
to use.
"""

import inspect
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from ..backend import tree_map
from .kinds import kind_of


class Problem(NamedTuple):
    """A function to differentiate, and what it is said to be.

    f : {name: array} -> scalar of the arrays' dtype; but for a model, f(values, w) for another w
    values, grads : {name: array} and {name: df / d array}, by hand
    w : d f / d y of whatever y the part gives; None for a model
    size : of the terms that f sums, which decides its rounding; 0 stands for |f|
    again : () -> grads, computed anew
    part : what it is of
    terms : {name: f} of the parts that f is the sum of, where it has such
    written : names of the arguments that a call wrote into
    n : how many examples a model was given; 0 of other parts
    """

    f: Callable
    values: dict
    grads: dict
    w: Any = None
    size: float = 0.0
    again: Callable | None = None
    part: Any = None
    terms: dict = {}
    written: set = frozenset()
    n: int = 0


def layer_problem(layer, x, rng, noise=None):
    """Of a bound layer: its parameters and x (x0, x1, ... of a tuple)."""
    names = [f"x{i}" for i in range(len(x))] if isinstance(x, tuple) else ["x"]
    noise = layer.stopped(x, noise)

    def forward(*inputs):
        return layer.forward(inputs if isinstance(x, tuple) else inputs[0], noise)

    return _of_module(layer, forward, layer.backward, names, as_tuple(x), rng)


def likelihood_problem(likelihood, x, out, rng):
    """Of sum(w * log_px_z): out, and the parameters if it has any."""
    return _of_module(likelihood, lambda out: likelihood.forward(x, out), likelihood.backward, ["out"], (out,), rng)


def prior_problem(prior, z, rng):
    """Of sum(w * log_pz)."""
    return _of_module(prior, prior.forward, prior.backward, ["z"], (z,), rng)


def kl_problem(prior, mu, log_var, rng):
    """Of sum(w * kl), of a prior that has one: mu and log_var of q, and the prior's own parameters."""

    def forward(mu, log_var):
        return prior.kl(mu, log_var), (mu, log_var)

    def backward(g, cache):
        return prior.kl_backward(g, *cache)

    return _of_module(prior, forward, backward, ["mu_q", "log_var_q"], (mu, log_var), rng)


def posterior_problem(posterior, heads, eps, rng):
    """Of sum(w * z) + sum(v * log_qz_x): every head, and the parameters."""

    def forward(*heads):
        return posterior.forward(heads, eps)

    def backward(w, cache):
        return posterior.backward(*w, cache)

    return _of_module(posterior, forward, backward, [f"head{i}" for i in range(len(heads))], heads, rng)


def bijector_problem(bijector, z, context, rng):
    """Of sum(w * z') + sum(v * log_det): z, the context if there is one, and the parameters."""
    inputs = (z,) if context is None else (z, context)

    def forward(z, context=None):
        return bijector.forward(z, context)

    def backward(w, cache):
        dz, dcontext = bijector.backward(*w, cache)
        return (dz,) if context is None else (dz, dcontext)

    return _of_module(bijector, forward, backward, ["z", "context"], inputs, rng)


def operation_problem(f, f_backward, args, rng, **data):
    """Of a pair f(*args, **data), f_backward(g, *args, **data): every argument by its name."""
    values = dict(zip(inspect.signature(f).parameters, args, strict=False))
    y = f(*args, **data)
    written = set()
    w = random_like(y, rng)

    def value(v, w=w):
        return dot(w, f(*(v[name] for name in values), **data))

    def again():
        grads = _on_copies(lambda g, *args: f_backward(g, *args, **data), {"g": w} | values, written)
        return dict(zip(values, as_tuple(grads), strict=True))

    return Problem(value, values, again(), w, _size(w, y), again, f, written=written)


def model_problems(model, x, noise, y=None, t=0):
    """{objective: Problem} of a bound model, each on the parameters that it trains."""
    problems = {}
    noise = model.stopped(x, noise, y, t)  # what a step treats as a constant is one for the differences, too
    metrics = model.loss_and_grads(x, noise, y=y, t=t)

    def again():
        model.loss_and_grads(x, noise, y=y, t=t)
        return {name: p.grad.copy() for name, p in model.params.items()}

    grads = again()  # of the second call: the first one's may be left in it
    for objective, names in model.by_objective().items():

        def value(v, of=lambda m, o=objective: m[o]):
            with with_params(model, v):
                return of(model.loss_and_grads(x, noise, y=y, t=t, grads=False))

        terms = {}
        if objective == "loss" and model.has_kl:  # loss = reconstruction + whatever the model charges beside
            terms["reconstruction"] = lambda v, f=value: f(v, lambda m: -m["log_px_z"])
            terms["KL"] = lambda v, f=value: f(v, lambda m: m["loss"] + m["log_px_z"])
        values = {name: model.params[name].data.copy() for name in names}
        own = {name: grads[name] for name in names}
        size = abs(float(metrics[objective])) + abs(float(metrics.get("log_px_z", 0)))  # they may cancel, in the KL say
        problems[objective] = Problem(value, values, own, size=size, again=again, part=model, terms=terms, n=len(x))
    return problems


def part_problems(part, x, rng, noise=None):
    """{name: Problem} of any bound part but a model.

    x is (x, out) of a likelihood, (heads, eps) of a posterior, (z, context) of a bijector, z of a prior, whose KL is
    checked as well where it has one.
    """
    kind = kind_of(part)
    if kind == "likelihood":
        return {"loss": likelihood_problem(part, *x, rng)}
    if kind == "posterior":
        return {"loss": posterior_problem(part, *x, rng)}
    if kind == "bijector":
        return {"loss": bijector_problem(part, *(x if isinstance(x, tuple) else (x, None)), rng)}
    if kind == "layer":
        return {"loss": layer_problem(part, x, rng, noise)}
    problems = {"loss": prior_problem(part, x, rng)}
    if part.kl is not None:
        mu, log_var = rng.standard_normal((2, *x.shape)).astype(x.dtype)
        problems["kl"] = kl_problem(part, mu, log_var, rng)
    return problems


def _of_module(module, forward, backward, names, inputs, rng):
    """The Problem of `forward(*inputs) -> (y, cache)`; integers among the inputs have no gradient."""
    inputs = dict(zip(names, map(np.asarray, inputs), strict=False))
    smooth = [name for name, a in inputs.items() if a.dtype.kind == "f"]
    y = forward(*inputs.values())[0]
    written = set()
    w = random_like(y, rng)

    def call(w, *inputs):
        _, cache = forward(*inputs)
        module.zero_grad()
        return backward(w, cache)

    def again():
        dx = as_tuple(_on_copies(call, {"dy": w} | inputs, written))
        if smooth and all(d is None for d in dx):
            raise ValueError(f"{type(module).__name__}.backward: expected dx, got None")
        if smooth and len(dx) != len(inputs):
            raise ValueError(f"{type(module).__name__}.backward: expected {len(inputs)} gradients, got {len(dx)}")
        of_inputs = dict(zip(inputs, dx, strict=False))
        return {name: p.grad.copy() for name, p in module.params.items()} | {name: of_inputs[name] for name in smooth}

    def f(v, w=w):
        with with_params(module, v):
            return dot(w, forward(*(v.get(name, a) for name, a in inputs.items()))[0])

    values = {name: p.data.copy() for name, p in module.params.items()} | {name: inputs[name] for name in smooth}
    return Problem(f, values, again(), w, _size(w, y), again, module, written=written)


def _on_copies(call, arrays, written):
    """call(*copies of the arrays); names of those that it writes into are added to `written`."""
    copies = {name: tree_map(np.copy, a) for name, a in arrays.items()}
    result = call(*copies.values())
    for name, a in copies.items():
        if not all(map(same_numbers, as_tuple(a), as_tuple(arrays[name]))):
            written.add(name)
    return result


@contextmanager
def with_params(module, values):
    """Inside, the parameters named in `values` are those arrays, whatever their dtype."""
    kept = {name: p.data for name, p in module.params.items()}
    try:
        for name, p in module.params.items():
            p.data = values.get(name, p.data)
        yield
    finally:
        for name, p in module.params.items():
            p.data = kept[name]


def as_tuple(x):
    """Several inputs or outputs are tuples, one is an array."""
    return tuple(x) if isinstance(x, tuple | list) else (x,)


def random_like(y, rng):
    """Standard normal, in the shapes and dtypes of an array or a tuple of them."""
    w = tuple(rng.standard_normal(np.shape(part)).astype(part.dtype) for part in as_tuple(y))
    return w if isinstance(y, tuple) else w[0]


def dot(w, y):
    """sum(w * y), of arrays or of tuples of them."""
    return sum((a * b).sum() for a, b in zip(as_tuple(w), as_tuple(y), strict=True))


def same_numbers(a, b):
    """Whether two arrays are equal, NaN to NaN."""
    return np.array_equal(a, b, equal_nan=True)


def _size(w, y):
    return sum(float(abs(a * b).sum()) for a, b in zip(as_tuple(w), as_tuple(y), strict=True))

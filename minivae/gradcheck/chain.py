"""Where is a gradient wrong, and why? The chain is followed backward to the first link that is wrong (see trace.py).

What made that link is the culprit; if all links are right, the gradient of a parameter is. The array is then compared
with the dictionary of well-known mistakes in diagnosis.py.
"""

import numpy as np

from ..backend import generator, tree_map
from .check import problems_of
from .coordinates import numeric_gradient
from .diagnosis import Finding, explain
from .directional import check_directions
from .problems import Problem, dot, kind_of, with_params
from .rules import broken_rules
from .trace import as_tuple, moved, trace

MOST = 20_000  # coordinates times examples: beyond it the parts of single examples are not computed


def diagnose(part, x, rng=None, *, noise=None, y=None, t=0, train=True):
    """What is wrong with the gradients of a layer or model, and what kind of mistake it is.

    Arguments and criteria are those of `check_gradients`.

    Returns
    -------
    list of Finding
        The culprit, or every array that is wrong by itself; empty where nothing is.
    """
    rng = generator(0, "gradcheck") if rng is None else rng
    problems, x, noise = problems_of(part, x, rng, noise, y, t, train)
    findings = []
    for problem in problems.values():
        findings += diagnose_problem(problem, rng)
    if kind_of(part) == "layer":
        findings += [Finding("overwritten" if "writes into" in rule else "rule", rule)
                     for rule in broken_rules(part, x, noise, problems["loss"].w)]  # fmt: skip
    return findings


def diagnose_problem(problem, rng, **data):
    """Findings of one Problem; `data` are the keyword arguments of an operation's."""
    wrong = [name for name, check in check_directions(problem, rng).items() if not check.ok]
    if not wrong:
        return []
    first, second = problem.again(), problem.again()
    grown = [name for name in wrong if not np.allclose(first[name], second[name], rtol=1e-9, atol=0, equal_nan=True)]
    if grown:
        return [Finding("accumulated", "another call gives another gradient: each adds to the last one's, zero_grad is "
                        "missing", ", ".join(grown))]  # fmt: skip
    links, written, forwards = trace(problem)
    if written:
        return [Finding("overwritten", "backward writes into its dy, which others still need", n) for n in written]
    names = [link.name for link in links]
    for name in dict.fromkeys(names):
        if names.count(name) > forwards[name]:
            return [Finding("accumulated twice", "backward is called more often than forward", name)]
    for i, link in enumerate(links):
        if forwards[link.name] == 1:
            finding = _of_link(problem, link, links[:i], rng)
            if finding is not None:
                return [finding]
    return [_of_array(problem, name, links, data) for name in wrong]


def _of_link(problem, link, before, rng):
    """The Finding of what arrives at a backward; None if it is right."""
    for i, dy in enumerate(link.dy):
        local = moved(problem, link, i)
        if local is None or check_directions(local, rng).ok:
            continue
        truth = numeric_gradient(local, "dy")
        terms = {name: numeric_gradient(local, "dy", f) for name, f in local.terms.items()}
        names = ("d loss / d mu", "d loss / d log_var") if len(link.dy) == 2 else ("d loss / d (its output)",)
        makers = [other for other in before if other.made(link, i)]
        if makers:  # the innermost: a layer's own mistake
            maker = makers[-1]
            factors = _factors(maker.args, maker.y)
            others = {"dy itself, without the layer's own derivative": maker.dy[0]}
            where = f"what {maker.name}.backward returns"
        else:
            factors = {"std = exp(log_var / 2)": np.exp(0.5 * link.y[1])} if len(names) == 2 else {}
            others = {f"what {other.name}.backward returned": dx for other in before for dx in other.dx}
            others |= {names[j]: numeric_gradient(moved(problem, link, j), "dy") for j in range(len(names)) if j != i}
            where = f"{names[i]}, at {link.name}.backward"
        finding = explain(dy, truth, sizes=_sizes(problem, link.y[i]), terms=terms, factors=factors, others=others)
        if finding is not None:
            return finding._replace(where=where)
    return None


def _of_array(problem, name, links, data):
    """The Finding of a parameter, an input or an argument, where all links are right."""
    value, others, factors = problem.values[name], {}, {}
    owners = [link for link in links if name.startswith(link.name + ".")]
    if owners:
        owner = max(owners, key=lambda link: len(link.name))
        w = owner.dy if len(owner.dy) > 1 else owner.dy[0]
        local = Problem(_forward_of(problem, owner), {name: value}, {name: problem.grads[name]}, w)
    else:
        local, w = problem, problem.w
        known = {n: a for n, a in (problem.values | data).items() if isinstance(a, np.ndarray)}
        factors = _named_factors(known)
        others = {f"the gradient of {n}": g for n, g in problem.grads.items() if n != name}
        others |= {} if w is None or isinstance(w, tuple) else {"dy itself, without the own derivative": w}
    finding = explain(
        problem.grads[name],
        numeric_gradient(problem, name),
        sizes=_sizes(problem, w, value),
        terms={term: numeric_gradient(problem, name, f) for term, f in problem.terms.items()},
        factors=factors,
        others=others,
        parts=None if w is None else _parts(local, name, w),
    )
    finding = finding or Finding("unknown", "wrong along directions, though right at every coordinate")
    return finding._replace(where=f"d {name}")


def _forward_of(problem, link):
    """f(values, w) = sum(w * y) of one part alone, called as it was in the step."""

    def f(v, w):
        with with_params(problem.part, v):
            return dot(w, link.part.forward(*link.args)[0])

    return f


def _parts(problem, name, w):
    """What each example adds to a gradient, (n, *shape); None where that is too much to compute."""
    n = len(as_tuple(w)[0]) if as_tuple(w)[0].ndim else 0
    if n < 2 or n * problem.values[name].size > MOST:
        return None

    def part(i):
        w_i = tree_map(lambda a: np.where(np.arange(n).reshape(-1, *[1] * (a.ndim - 1)) == i, a, 0), w)
        return numeric_gradient(problem, name, lambda v: problem.f(v, w_i))

    return np.stack([part(i) for i in range(n)])


def _sizes(problem, y, value=None):
    """N, and the other sizes that a mean may have been taken over."""
    y, model = as_tuple(y)[0], problem.part
    sizes = {} if y is None or not y.ndim else {"N": len(y)} | ({"its width": y.shape[-1]} if y.ndim > 1 else {})
    if value is not None and value.ndim > 1:
        sizes |= {"its rows": value.shape[0], "its columns": value.shape[-1]}
    if hasattr(model, "loss_and_grads") and hasattr(model, "encoder") and hasattr(model, "L"):
        sizes |= {"D": model.encoder.n_in, "L": model.L}
    return {name: n for name, n in sizes.items() if n and n > 1}


def _factors(args, y):
    return {f"its {name}": a for name, a in (("input x", args[0]), ("output y", y[0])) if isinstance(a, np.ndarray)}


def _named_factors(known):
    """Arrays by their names, and the standard deviation of a log_var."""
    stds = {f"std = exp({name} / 2)": np.exp(0.5 * a) for name, a in known.items() if "log_var" in name}
    return stds | known

"""Where is a gradient wrong, and why? The chain is followed backward to the first link that is wrong (see trace.py).

What made that link is the culprit; if all links are right, the gradient of a parameter is. The array is then compared
with the dictionary of well-known mistakes in diagnosis.py.
"""

import math

import numpy as np

from ..backend import generator, tree_map
from ..params import Module
from .check import problems_of
from .checks import NOTHING
from .compare import EMPTY, flaw
from .coordinates import numeric_gradient
from .diagnosis import Finding, explain
from .directional import check_directions, direction, slopes
from .kinds import kind_of, outputs_of
from .problems import Problem, as_tuple, dot, with_params
from .rules import broken_rules
from .trace import moved, trace

ENTRIES = 1000  # of an array: beyond it only projections are compared
MOST = 20_000  # coordinates times examples: beyond it the parts of single examples are not computed
PROJECTIONS = 8
LINEAR = ("factor", "sign", "missing", "missing term", "term", "stale upstream")  # what projections show
BLIND = ("nothing is known: most directions cross a kink, or what is computed rounds too much; try a smooth "
         "activation, fewer examples, or biases that are not zero")  # fmt: skip


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
    findings = [] if any(problem.values for problem in problems.values()) else [Finding("empty", NOTHING)]
    for problem in problems.values():
        findings += diagnose_problem(problem, rng)
    if kind_of(part) == "layer":
        findings += [Finding("overwritten" if "writes into" in rule else "rule", rule)
                     for rule in broken_rules(part, x, noise, problems["loss"].w)]  # fmt: skip
    return findings


def diagnose_problem(problem, rng, **data):
    """Findings of one Problem; `data` are the keyword arguments of an operation's."""
    if problem.written and not (isinstance(problem.part, Module) and kind_of(problem.part) == "layer"):
        return [Finding("overwritten", "forward or backward writes into it", name) for name in sorted(problem.written)]
    checks = check_directions(problem, rng)
    failed = [name for name, check in checks.items() if not check.ok]
    if not failed:
        return []
    hindered = {}  # {why, if not the gradient by hand: names}
    for name in failed:
        if checks[name].why not in ("", flaw(problem.grads[name], problem.values[name].shape)):
            hindered.setdefault(checks[name].why, []).append(name)
    if hindered:
        return [Finding("empty" if w == EMPTY else "not finite", w, ", ".join(n)) for w, n in hindered.items()]
    again = [problem.again() for _ in range(3)]
    changing = [name for name in failed if not _close(again[0][name], again[1][name])]
    if changing:
        return [_of_calls(problem, again, changing)]
    wrong = [name for name in failed if checks[name].wrong]
    if not wrong:
        return [Finding("kinks", BLIND, ", ".join(failed))]
    links, written, forwards = trace(problem)
    if written:
        return [Finding("overwritten", "backward writes into its dy, which others still need", n) for n in written]
    for i, link in enumerate(links):
        if any(link.repeats(other) for other in links[:i]) and any(name.startswith(link.name + ".") for name in wrong):
            text = "backward is called more often than forward, with the same gradient"
            return [Finding("accumulated twice", text, link.name)]
    names = [link.name for link in links]
    for i, link in enumerate(links):
        if forwards[link.name] == names.count(link.name) == 1 and _concerns(problem, link):
            finding = _of_link(problem, link, links[:i], rng)
            if finding is not None:
                return [finding]
    return [_of_array(problem, name, links, data, rng) for name in wrong]


def _close(a, b):
    return a is b or np.allclose(a, b, rtol=1e-9, atol=0, equal_nan=True)


def _of_calls(problem, again, names):
    """The Finding of gradients that another call changes: by the same amount each time, or anyhow."""
    where = ", ".join(names)
    grows = all(np.allclose(c - b, b - a, rtol=1e-6, atol=1e-9) for a, b, c in zip(*(
        [grads[name] for name in names] for grads in again), strict=True))  # fmt: skip
    if grows and kind_of(problem.part) == "model":
        text = "another call gives another gradient: each adds to the last one's, zero_grad is missing"
        return Finding("accumulated", text, where)
    return Finding("not repeatable", "another call gives another gradient: something is drawn, kept or overwritten "
                   "inside", where)  # fmt: skip


def _concerns(problem, link):
    """Whether d loss / d (the link's output) is of this objective, and not of another player's."""
    parts = {name.partition(".")[0] for name in problem.values}
    return len(getattr(problem.part, "objectives", "1")) == 1 or link.name.partition(".")[0] in parts


def _of_link(problem, link, before, rng):
    """The Finding of what arrives at a backward; None if it is right."""
    for i in range(len(link.dy)):
        local = moved(problem, link, i)
        if local is None or not check_directions(local, rng)["dy"].wrong:
            continue
        outputs = outputs_of(link.part, problem.part, len(link.dy))
        gaussian = outputs == ("mu", "log_var")
        names = [f"d loss / d {output}" for output in (outputs if len(link.dy) > 1 else ["(its output)"])]
        makers = [other for other in before if other.made(link, i)]
        if makers:  # the innermost: a layer's own mistake
            maker = makers[-1]
            factors = _factors(maker.args, maker.y, maker.dy)
            others = {"dy itself, without the layer's own derivative": maker.dy[0]}
            where = f"what {maker.name}.backward returns"
        else:
            factors = _of_the_sample(*link.y, before) if gaussian else {}
            others = {f"what {other.name}.backward returned": dx for other in before for dx in other.dx}
            others |= {names[j]: numeric_gradient(moved(problem, link, j), "dy") for j in range(len(names)) if j != i}
            where = f"{names[i]}, at {link.name}.backward"
        finding = _explained(local, "dy", rng, _sizes(problem, link.y[i]), factors, others)
        if finding is not None:
            return finding._replace(where=where)
    return None


def _of_array(problem, name, links, data, rng):
    """The Finding of a parameter, an input or an argument, where all links are right."""
    value = problem.values[name]
    others = {}
    factors = {}
    owners = [link for link in links if name.startswith(link.name + ".")]
    if owners:
        owner = max(owners, key=lambda link: len(link.name))
        w = owner.dy if len(owner.dy) > 1 else owner.dy[0]
        local = Problem(_forward_of(problem, owner), {name: value}, {name: problem.grads[name]}, w)
    else:
        local = problem
        w = problem.w
        known = {n: a for n, a in (problem.values | data).items() if isinstance(a, np.ndarray)}
        factors = {f"std = exp({n} / 2)": np.exp(0.5 * a) for n, a in known.items() if "log_var" in n} | known
        others = {f"the gradient of {n}": g for n, g in problem.grads.items() if n != name}
        if isinstance(w, np.ndarray):
            others["dy itself, without the own derivative"] = factors["dy"] = w
    finding = _explained(problem, name, rng, _sizes(problem, w, value), factors, others, lambda: _parts(local, name, w))
    finding = finding or Finding("unknown", "wrong along directions, though right at every coordinate")
    return finding._replace(where=f"d {name}")


def _explained(problem, name, rng, sizes, factors, others, parts=lambda: None):
    """`explain` of one array; of its projections on random directions first, whose number does not grow with it.

    They are enough for all that is linear: factors, terms, another gradient.
    """
    at, got = problem.values[name], problem.grads[name]
    if not flaw(got, at.shape):
        if at.size > 2 * PROJECTIONS:
            vs = [direction(at.shape, rng) for _ in range(PROJECTIONS)]
            truth = slopes(problem, name, problem.f, vs)
            terms = {term: slopes(problem, name, f, vs) for term, f in problem.terms.items()}
            alike = {n: _along(vs, a) for n, a in others.items() if np.shape(a) == at.shape}
            finding = explain(_along(vs, got), truth, sizes=sizes, terms=terms, others=alike)
            if 2 * np.isfinite(truth).sum() >= PROJECTIONS and finding is not None and finding.kind in LINEAR:
                return finding
        if at.size > ENTRIES:
            return Finding("unknown", f"neither a factor nor a term; for more it is too large ({at.size} entries): try "
                           "a smaller model")  # fmt: skip
    elif at.size > ENTRIES:
        return explain(got, np.zeros(at.shape))
    terms = {term: numeric_gradient(problem, name, f) for term, f in problem.terms.items()}
    truth = sum(terms.values()) if terms else numeric_gradient(problem, name)
    return explain(got, truth, sizes=sizes, terms=terms, factors=factors, others=others, parts=parts())


def _along(vs, array):
    return np.array([(array * v).sum() for v in vs])


def _forward_of(problem, link):
    """f(values, w) = sum(w * y) of one part alone, called as it was in the step."""

    def f(v, w):
        with with_params(problem.part, v):
            return dot(w, link.part.forward(*link.args)[0])

    return f


def _parts(problem, name, w):
    """What each example adds to a gradient, (n, *shape); None where that is too much to compute."""
    n = len(as_tuple(w)[0]) if np.ndim(as_tuple(w)[0]) else 0
    if n < 2 or n * problem.values[name].size > MOST:
        return None

    def part(i):
        w_i = tree_map(lambda a: np.where(np.arange(n).reshape(-1, *[1] * (a.ndim - 1)) == i, a, 0), w)
        return numeric_gradient(problem, name, lambda v: problem.f(v, w_i))

    return np.stack([part(i) for i in range(n)])


def _sizes(problem, y, value=None):
    """N, and the other sizes that a mean may have been taken over."""
    y = as_tuple(y)[0]
    model = problem.part
    sizes = {} if y is None or not y.ndim else {"N": problem.n or len(y)}
    if kind_of(model) == "model":  # its own whole numbers: D, L, K
        sizes |= {name: n for name, n in vars(model).items() if type(n) is int}
    own = {} if y is None or y.ndim < 2 else {"its width": y.shape[-1], "its positions": math.prod(y.shape[1:-1])}
    if value is not None and value.ndim > 1:
        own |= {"its rows": value.shape[0], "its columns": value.shape[-1]}
    sizes |= {name: n for name, n in own.items() if n not in sizes.values()}
    return {name: n for name, n in sizes.items() if n and n > 1}


def _factors(args, y, dy):
    known = (
        ("its input x", args[0]),
        ("its output y", y[0]),
        ("1 - y", 1 - y[0]),
        ("1 + y", 1 + y[0]),
        ("its dy", dy[0]),
    )
    return {name: a for name, a in known if isinstance(a, np.ndarray)}


def _of_the_sample(mu, log_var, before):
    """What z = mu + std eps is made of; z is what the first part that takes one has taken."""
    std = np.exp(0.5 * log_var)
    inputs = (link.args[0] for link in before if isinstance(link.args[0], np.ndarray))
    z = next((a for a in inputs if a.shape == mu.shape), None)
    factors = {"std = exp(log_var / 2)": std}
    return factors if z is None else factors | {"eps": (z - mu) / std, "z / eps": z * std / (z - mu)}

"""Watching a layer or model from outside: what arrives at each part's backward, and what its true value is.

A link is one call of a part's `backward`; dy is d loss / d (the part's output). The same number is had from the forward
alone: add a little to that output, and see what the loss does.
"""

from contextlib import ExitStack
from typing import NamedTuple

import numpy as np

from ..backend import tree_map
from ..params import Module, replaced
from .kinds import kind_of
from .problems import Problem, as_tuple, same_numbers


class Link(NamedTuple):
    """One call: `dy`, `dx` as they were then; `args`, `y` of its forward."""

    name: str
    part: Module
    dy: tuple
    dx: tuple
    args: tuple
    y: tuple
    accumulate: bool

    def made(self, other, i):
        """Whether this call gave what arrived at output i of another, which was its input."""
        inputs = [a for arg in self.args for a in as_tuple(arg)]
        return _among(other.dy[i], self.dx) and _among(other.y[i], inputs)

    def repeats(self, other):
        """Whether this call adds to the gradients what another did already."""
        same = self.name == other.name and self.y is other.y and all(map(np.array_equal, self.dy, other.dy))
        return same and self.accumulate and other.accumulate


def trace(problem):
    """(links in the order in which they are entered, names of those who write into their dy, {name: forward calls})."""
    links = []
    written = []
    forwards = {}

    def watch_forward(name, forward):
        def call(*args, **kwargs):
            y, cache = forward(*args, **kwargs)
            forwards.setdefault(name, []).append((args, as_tuple(y), cache))
            return y, cache

        return call

    def watch_backward(name, part, backward):
        n_dy = 2 if kind_of(part) in ("posterior", "bijector") else 1  # those of z and of a log-density, then the cache

        def call(*args, **kwargs):
            dy = args[:n_dy]
            cache = args[n_dy]
            rest = args[n_dy + 1 :]
            dy = as_tuple(dy[0]) if n_dy == 1 else dy
            place = len(links)
            links.append(None)
            before = tree_map(np.copy, dy)
            back = backward(*args, **kwargs)
            dx = as_tuple(back)
            if not all(map(same_numbers, before, dy)):
                written.append(name)
            calls = forwards[name]
            inputs, y, _ = next((c for c in calls if c[2] is cache), calls[-1])
            accumulate = rest[0] if rest else kwargs.get("accumulate", True)
            links[place] = Link(name, part, before, tree_map(np.copy, dx), inputs, y, accumulate)
            return back

        return call

    with ExitStack() as stack:
        for name, part in parts_of(problem.part).items():
            forward = watch_forward(name, part.forward)
            backward = watch_backward(name, part, part.backward)
            stack.enter_context(replaced(part, forward=forward, backward=backward))
        problem.again()
    innermost = [name for name in dict.fromkeys(written) if not any(w.startswith(name + ".") for w in written)]
    return links, innermost, {name: len(calls) for name, calls in forwards.items()}


def _among(a, arrays):
    """Whether one of these has the same numbers, in whatever shape."""
    return any(isinstance(b, np.ndarray) and same_numbers(a.ravel(), b.ravel()) for b in arrays)


def moved(problem, link, i):
    """A Problem whose "dy" is d loss / d (output i of the link's part); its terms likewise. None where it has none."""
    y = link.y[i]
    if y.dtype.kind != "f":
        return None

    def of(f):
        def value(v):
            def call(*args, forward=link.part.forward):
                y, cache = forward(*args)
                added = tuple(a + v["dy"] if j == i else a for j, a in enumerate(as_tuple(y)))
                return (added if isinstance(y, tuple) else added[0]), cache

            with replaced(link.part, forward=call):
                return f(problem.values)

        return value

    terms = {name: of(f) for name, f in problem.terms.items()}
    return Problem(of(problem.f), {"dy": np.zeros(y.shape)}, {"dy": link.dy[i]}, size=problem.size, terms=terms)


def parts_of(module):
    """{name: part} of what is below a module and has a forward and a backward."""
    found = module.named(Module).items() if isinstance(module, Module) else ()
    return {name: p for name, p in found if name and hasattr(p, "forward") and hasattr(p, "backward")}

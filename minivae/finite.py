"""Numbers that are not finite: refused where they would go out, and followed back to the operation they came from."""

import sys

import numpy as np

from . import kernels
from .backend import array_module, floats, tree_map
from .optim import Optimizer
from .params import Module, Param

TOO_LARGE = "the weights, or values of the data, are too large to compute with"
PACKAGE = f"{__package__}."
# what these return may be new memory, in which nothing is yet
LAUNCHERS = tuple(PACKAGE + name for name in ("backend", "compiled", "kernels"))


def all_finite(tree):
    """Whether every floating array in nested tuples, lists and dicts is finite; a device is waited for once."""
    found = []
    tree_map(found.append, tree)
    return all(floats([array_module(a).isfinite(a).all() for a in found if a.dtype.kind == "f"]))


def finite_rows(array, name, of):
    """The array (..., n) as it is; FloatingPointError says how many of its rows, which have a name, are not finite."""
    bad = ~np.isfinite(array).all(axis=-1)
    if bad.any():
        raise FloatingPointError(f"{of}: {bad.sum()} of {bad.size} {name} have values that are not finite; {TOO_LARGE}")
    return array


def first_nonfinite(model, replay):
    """Name of the first operation in `replay()` whose result, or whose parameter gradient, is not finite; else None.

    `replay(stop)` runs the computation and may end early when stop() says that something was found.
    Operations are minivae's functions and the methods of the model's parts, such as "decoder.layers.2.forward (Dense)".
    Each call is checked as it returns, so the innermost is named; of what begins with "_", or returns an argument as it
    came, the caller is.
    """
    names = {id(part): name for name, part in model.named(Module).items()}
    found = []
    arguments = []  # of the calls under way

    def watch(frame, event, result):
        if event == "call":
            arguments.append(list(frame.f_locals.values()))
        if event != "return" or found:
            return
        function = frame.f_code.co_name
        given = arguments.pop()
        passed_on = result is not None and any(result is argument for argument in given)
        if passed_on or function.startswith("_"):  # of a piece, its caller is named
            return
        part = frame.f_locals.get("self")
        module = frame.f_globals.get("__name__", "")
        name = frame.f_code.co_qualname
        if isinstance(part, kernels.StandIn):
            part = part.works_for(function)
        elif module == kernels.__name__ and "operation" in frame.f_locals:  # `fused` has chosen a kernel
            operation = frame.f_locals["operation"]
            module = operation.__module__
            name = operation.__qualname__
        elif module.startswith(LAUNCHERS):
            return
        if isinstance(part, Module):
            gradients = [p.grad for p in vars(part).values() if isinstance(p, Param)] if function == "backward" else []
            if not all_finite([result, gradients]):
                found.append(f"{names.get(id(part), '')}.{function} ({type(part).__name__})".lstrip("."))
        elif isinstance(part, Optimizer):
            if function == "step" and not all_finite([part.model.theta, *part.arrays().values()]):
                found.append(f"the update of theta and of the moments ({type(part).__name__})")
        elif isinstance(part, Param):
            return  # its layer is named when it returns
        elif module.startswith(PACKAGE) and not all_finite(result):
            found.append(f"{module.removeprefix(PACKAGE)}.{name}")

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        replay(lambda: bool(found))
    finally:
        sys.setprofile(before)
    return found[0] if found else None

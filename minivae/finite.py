"""Where did the first NaN come from? Replays a computation and watches what every operation returns."""

import sys

from . import backend, kernels
from .backend import array_module
from .optim import Optimizer
from .params import Module, Param

FUSED = (kernels.forward.__code__, kernels.backward.__code__)  # these work for a layer, which is named
LAUNCHERS = (vars(kernels), vars(backend))  # what they return may be new memory, in which nothing is yet


def all_finite(tree):
    """Whether every floating array in nested tuples, lists and dicts is finite."""
    if isinstance(tree, dict):
        return all_finite(list(tree.values()))
    if isinstance(tree, list | tuple):
        return all(all_finite(part) for part in tree)
    if not hasattr(tree, "dtype") or tree.dtype.kind != "f":
        return True
    return bool(array_module(tree).isfinite(tree).all())


def first_nonfinite(model, replay):
    """Name of the first operation in `replay()` whose result, or whose parameter gradient, is not finite; else None.

    `replay(stop)` runs the computation and may end early when stop() says that something was found.
    Operations are minivae's functions and the methods of the model's parts, such as "decoder.layers.2.forward (Dense)".
    Each call is checked as it returns, so the innermost is named.
    """
    names = {id(part): name for name, part in model.named(Module).items()}
    package = __name__.partition(".")[0] + "."
    found = []

    def watch(frame, event, result):
        if event != "return" or found:
            return
        part, function = frame.f_locals.get("self"), frame.f_code.co_name
        if frame.f_code in FUSED:
            part = frame.f_locals["layers"][frame.f_locals["i"]]
        elif any(frame.f_globals is names for names in LAUNCHERS):
            return
        if isinstance(part, Module):
            gradients = [p.grad for p in vars(part).values() if isinstance(p, Param)] if function == "backward" else []
            if function != "given" and not all_finite([result, gradients]):  # it hands x on as it is
                found.append(f"{names.get(id(part), '')}.{function} ({type(part).__name__})".lstrip("."))
        elif isinstance(part, Optimizer):
            if function == "step" and not all_finite(part.model.theta):
                found.append(f"the update of theta ({type(part).__name__})")
        elif isinstance(part, Param):
            return  # its layer is named when it returns
        elif frame.f_globals.get("__name__", "").startswith(package) and not all_finite(result):
            found.append(f"{frame.f_globals['__name__'].removeprefix(package)}.{frame.f_code.co_qualname}")

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        replay(lambda: bool(found))
    finally:
        sys.setprofile(before)
    return found[0] if found else None

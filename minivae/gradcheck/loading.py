"""A layer or model of a user's own file, and an input for it: what `minivae gradcheck FILE.py:NAME` checks."""

import importlib.util
import inspect
import sys
import traceback
from pathlib import Path

from ..params import Module
from .kinds import kind_of


def load_part(target, rng, shape=None):
    """(part, x, y) of FILE.py:NAME; y is None but for a model that is given labels.

    NAME is a Layer or Model class whose constructor needs nothing but perhaps `rng`, an instance of one, or a function
    of rng that returns (part, x) or (part, x, y), as every case of the tests does. Without x it is drawn from a
    standard normal: rows of the part's `n_in`, or of `shape`.

    Raises ValueError, in one line, for whatever goes wrong in the file.
    """
    path, _, name = target.rpartition(":")
    file = Path(path)
    if file.suffix != ".py" or not name:
        raise ValueError(f"part: expected FILE.py:NAME, got {target}")
    if not file.is_file():
        raise ValueError(f"part: {file} does not exist")
    found = _attempt(f"importing {file}", file, lambda: getattr(_import(file), name, None))
    if found is None:
        raise ValueError(f"part: {file} has no {name}")
    part = found
    x = y = None
    if callable(found) and not isinstance(found, Module):
        needed = [p.name for p in inspect.signature(found).parameters.values()
                  if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]  # fmt: skip
        if set(needed) - {"rng"}:
            raise ValueError(f"part: {name} needs {', '.join(needed)}; expected at most rng. Name a function "
                             f"case(rng) that returns {name}(...), x instead")  # fmt: skip
        part = _attempt(f"calling {name}", file, lambda: found(**dict.fromkeys(needed, rng)))
        if isinstance(part, tuple) and len(part) in (2, 3):
            part, x, *rest = part
            y = rest[0] if rest else None
    if not (isinstance(part, Module) and hasattr(part, "draw_noise")):
        raise ValueError(f"part: expected a Layer, a Model, or a function that returns one, got {type(part).__name__}")
    if x is None:
        n_in = getattr(part, "n_in", None)
        if shape is None and n_in is None:
            raise ValueError(f"shape: expected the shape of an input of {name}, which has no n_in, such as 4 6")
        x = _attempt(f"drawing x of {shape or (5, n_in)}", file, lambda: rng.standard_normal(shape or (5, n_in)))
    part.bind("float64")
    if kind_of(part) == "layer":
        result = _attempt(f"{name}.forward", file, lambda: part.forward(x))
        if not isinstance(result, tuple) or len(result) != 2:
            raise ValueError(f"part: expected {name}.forward to return (y, cache), got {type(result).__name__}")
    return part, x, y


def _import(file):
    spec = importlib.util.spec_from_file_location(f"checked_{file.stem}", file)
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)  # dataclasses look there
    sys.path.insert(0, str(file.parent))  # so that it finds its neighbors
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(file.parent))
    return module


def raised(error, file):
    """What an exception says, and the last line of a user's file that led to it."""
    lines = [
        frame.lineno for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).name == file.name
    ]
    return f"{type(error).__name__}: {error}" + (f" ({file.name}, line {lines[-1]})" if lines else "")


def _attempt(what, file, f):
    """f(); whatever it raises becomes a ValueError that says where and what."""
    try:
        return f()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a file may raise anything, and exit
        raise ValueError(f"part: {what} raised {raised(error, file)}") from error

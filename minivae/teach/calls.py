"""A learner's function, called: what it returned, and what else it did."""

import re
import traceback
from unittest import mock

import numpy as np

from .feedback import kind_of, numbers

RANDOM = {"random", "default_rng", "standard_normal", "normal", "uniform", "integers", "rand", "randn", "rng"}
FAR = 10  # times as large as before, or as small: an input that may be why an answer fails here


class Stopped(Exception):
    """The function ended in an error; its arguments are the lines that say so."""


def call(task, answer, seed, twice):
    """({output: value}, complaints) of a learner's function; called `twice`, since it may depend on other things.

    Raises
    ------
    Stopped
        If it raises; a stub's NotImplementedError comes through.
    """
    _, taken = task.inputs(seed)
    kept = {name: np.copy(a) for name, a in taken.items() if numbers(a) is not None}
    try:
        found = answer(*taken.values())
        again = _call_again(answer, task.inputs(seed)[1]) if twice else found
    except NotImplementedError as stub:
        stub._render_traceback_ = [f"NotImplementedError: {stub}"].copy  # what a notebook shows
        raise
    except Exception as error:
        raise Stopped(*_stopped(error, kept)) from None
    complaints = [f"  it writes into its argument {name}; make a new array instead"
                  for name, a in kept.items() if not np.array_equal(a, taken[name], equal_nan=True)]  # fmt: skip
    if not _same(found, again):
        complaints.append(f"  called again with the same arguments it gives something else: {_why_other(answer)}")
    names = task.output_names
    if len(names) == 1:
        return {names[0]: found}, complaints
    found = _unstacked(found, task, seed)
    if not isinstance(found, tuple | list) or len(found) != len(names):
        got = f"{len(found)} values" if isinstance(found, tuple | list) else kind_of(found)
        return {}, [*complaints, f"  expected it to return {task.outputs}, got {got}"]
    return dict(zip(names, found, strict=True)), complaints


def _call_again(answer, taken):
    """With np.empty of NaN, so that numbers which were never set are seen and not what happens to be in memory."""
    empty, empty_like = np.empty, np.empty_like

    def unset(a):
        if a.dtype.kind == "f":
            a.fill(np.nan)
        return a

    with (mock.patch.object(np, "empty", lambda *args, **names: unset(empty(*args, **names))),
          mock.patch.object(np, "empty_like", lambda *args, **names: unset(empty_like(*args, **names)))):  # fmt: skip
        return answer(*taken.values())


def _why_other(answer):
    code = getattr(answer, "__code__", None)
    words = {*code.co_names, *code.co_freevars} if code else set()
    if words & {"empty", "empty_like"}:
        return "np.empty holds what was in memory before; np.zeros starts from 0"
    if words & RANDOM:
        return "it draws numbers of its own"
    return "it depends on more than its arguments"


def _unstacked(found, task, seed):
    """Outputs of one shape may come stacked in one array."""
    if isinstance(found, np.ndarray):
        shapes = {np.shape(a) for a in task.answers(task.reference, task.inputs(seed)[0]).values()}
        if shapes == {found.shape[1:]}:
            return list(found)
    return found


def _same(a, b):
    """Whether two answers are the same, as far as they can be compared."""
    if isinstance(a, tuple | list) and isinstance(b, tuple | list):
        return len(a) == len(b) and all(map(_same, a, b))
    a, b = numbers(a), numbers(b)
    return a is None or b is None or np.array_equal(a, b, equal_nan=True)


def _stopped(error, kept):
    """Lines about an error in a learner's function: where, and on what."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
    where = [f"  in its line: {frames[0].line}"] if frames and frames[0].line else []
    sizes = ", ".join(f"{name} {np.shape(a) if np.ndim(a) else a[()]}" for name, a in kept.items())
    return [f"  it stopped with {type(error).__name__}: {error}", *where, f"  called with {sizes}"]


def what_differs(taken, passed, lines):
    """In a line, what is unlike the inputs `passed`, on which the answer was right: a kind, a value, or else the sizes.

    `lines` are what has been said: an error of shapes is not laid upon values, and a missing return not upon sizes.
    """
    said, begin = " ".join(lines), "  the arrays before these"
    pairs = {name: (a, [inputs[name] for inputs in passed]) for name, a in taken.items() if numbers(a) is not None}
    for name, (now, before) in pairs.items():
        if not np.ndim(now) and all(map(np.ndim, before)):
            return [f"{begin} went well: {name} was an array there, here it is a number"]
    if not re.search("expected shape|(Value|Index|Axis)Error", said):
        for name, (now, before) in pairs.items():
            a, *others = (float(np.abs(b).max(initial=0)) for b in (now, *before))
            nearest = float(np.clip(a, min(others), max(others)))
            if a > FAR * nearest or FAR * a < nearest:
                up_to = "up to " * (np.ndim(now) > 0)
                return [f"{begin} went well: {name} was {up_to}{nearest:.3g} there, here it is {up_to}{a:.3g}"]
    if "is a return missing?" in said or all(_size(now) in map(_size, before) for now, before in pairs.values()):
        return []
    return [f"{begin}, of other sizes, went well: does it take a size for granted?"]


def _size(a):
    """Its shape; of a whole number, which may be a size, the number."""
    return a if isinstance(a, int | np.integer) else np.shape(a)

"""check, hint, use_reference: what is said about an answer. Never the solution."""

import traceback

import numpy as np

from ..gradcheck.diagnosis import explain, same
from .exercise import SEEDS, exercise

REFERENCE = "with the reference"
_marks = {}  # number: how it was done
_hints = {}  # number: how many were given


class NotYet(AssertionError):
    """An answer is not right; what is wrong with it has been printed, so that a notebook shows no traceback."""

    def _render_traceback_(self):
        return [str(self)]


def given(number):
    """The input arrays of an exercise, in the order in which its text names them."""
    return tuple(exercise(number).inputs(0)[1].values())


def check(number, answer=None, **arrays):
    """Compare an answer with the reference and with a numeric gradient, and print what is found.

    Parameters
    ----------
    number : str
        Of the exercise, "8.2".
    answer : callable, optional
        The function, where the exercise asks for one. It is called on arrays that it has not seen.
    arrays
        The arrays by their names, where it asks for arrays; made from what `given` returned.

    Raises
    ------
    NotYet
        If something is not right.
    ValueError
        For an unknown number, or an answer of the wrong kind.
    """
    task = exercise(number)
    if task.name:
        if not callable(answer) or arrays:
            raise ValueError(f'answer: expected the function, check("{number}", {task.name})')
        trials = [(task.inputs(seed)[0], *_call(task, answer, seed)) for seed in SEEDS]
    else:
        if answer is not None or set(arrays) != set(task.output_names):
            wanted = ", ".join(f"{name}={name}" for name in task.output_names)
            raise ValueError(f'answer: expected check("{number}", {wanted}), got {", ".join(arrays) or repr(answer)}')
        trials = [(task.inputs(0)[0], arrays, [])]
    print(f"exercise {number}: {task.name or task.outputs}")
    for inputs, found, complaints in trials:
        truths = task.answers(task.reference, inputs)
        compared = {name: _difference(got, truths[name], task.tolerance) for name, got in found.items()}
        if complaints or any(complaint for complaint, _ in compared.values()):
            _fail(number, [*complaints, *_report(task, found, inputs, truths, compared)])
    print("\n".join(_report(task, found, inputs, truths, compared)))
    if _marks.get(number) != REFERENCE:
        _marks[number] = "solved"


def _fail(number, lines):
    print("\n".join(lines))
    if _marks.get(number) != REFERENCE:
        _marks[number] = "not yet"
    step = "" if number in _hints or not exercise(number).hints else f'; hint("{number}") has a first step'
    raise NotYet(f"exercise {number}: not right yet{step}") from None


def hint(number):
    """Print the next step of an exercise; the first again after the last."""
    hints = exercise(number).hints
    i = _hints.get(number, 0)
    _hints[number] = i + 1
    print(f"hint {i % len(hints) + 1} of {len(hints)}: {hints[i % len(hints)]}")


def use_reference(number):
    """The reference's function, or its arrays, to go on with; `progress` remembers that it was used."""
    task = exercise(number)
    _marks[number] = REFERENCE
    print(f"exercise {number}: going on with the reference for {', '.join(task.names)}")
    if task.name:
        return task.reference
    values = tuple(task.answers(task.reference, task.inputs(0)[0]).values())
    return values if len(values) > 1 else values[0]


def progress():
    """Print which exercises were solved here, and which with the reference."""
    for number in sorted(_marks, key=lambda n: [int(part) for part in n.split(".")]):
        print(f"{number:>5}  {_marks[number]}")


def _call(task, answer, seed):
    """({output: value}, complaints) of a learner's function."""
    _, taken = task.inputs(seed)
    kept = {name: np.copy(a) for name, a in taken.items() if not callable(a)}
    try:
        found = answer(*taken.values())
    except NotImplementedError as stub:
        stub._render_traceback_ = [f"NotImplementedError: {stub}"].copy  # what a notebook shows
        raise
    except Exception as error:
        _fail(task.number, _stopped(error, taken))
    complaints = [f"  it writes into its argument {name}; make a new array instead"
                  for name, a in kept.items() if not np.array_equal(a, taken[name], equal_nan=True)]  # fmt: skip
    names = task.output_names
    if seed == SEEDS[0] and not _same_again(found, answer(*task.inputs(seed)[1].values())):
        complaints.append("  called again with the same arguments it gives something else: it draws numbers of its own")
    if len(names) == 1:
        return {names[0]: found}, complaints
    if not isinstance(found, tuple | list) or len(found) != len(names):
        got = f"{len(found)} values" if isinstance(found, tuple | list) else _kind(found)
        return {}, [*complaints, f"  expected it to return {task.outputs}, got {got}"]
    return dict(zip(names, found, strict=True)), complaints


def _same_again(a, b):
    """Whether two answers are the same, as far as they can be compared."""
    if isinstance(a, tuple | list) and isinstance(b, tuple | list):
        return len(a) == len(b) and all(map(_same_again, a, b))
    a, b = _numbers(a), _numbers(b)
    return a is None or b is None or np.array_equal(a, b, equal_nan=True)


def _stopped(error, taken):
    """Lines about an error in a learner's function: where, and on what."""
    frames = traceback.extract_tb(error.__traceback__)
    line = frames[1].line if len(frames) > 1 else ""  # of the function, below the call of it here
    where = [f"  in its line: {line}"] if line else []
    shapes = ", ".join(f"{name} {np.shape(a)}" for name, a in taken.items() if not callable(a))
    return [f"  it stopped with {type(error).__name__}: {error}", *where, f"  called with {shapes}"]


def _report(task, found, inputs, truths, compared):
    """Lines about the outputs, those of which the same is to be said together."""
    said, wrong = {}, any(complaint for complaint, _ in compared.values())
    slips = _slips(task, inputs) if wrong else {}
    for name, got in found.items():
        complaint, error = compared[name]
        if complaint is None:
            error = "" if isinstance(got, str) else f": largest error {error:.1e}"
            single = "; in float32, the lessons compute in float64" * (getattr(got, "dtype", None) == "float32")
            complaint, reasons = f"right{error}{_agreement(got, task.numeric(name, inputs))}{single}", []
        else:
            reasons = _reasons(task, name, found, truths, inputs, slips)
        said.setdefault((*reasons,) or name, []).append((name, complaint, reasons))
    lines = []
    for outputs in said.values():
        lines += [f"  {name:<10}  {complaint}" for name, complaint, _ in outputs]
        lines += [f"              {reason}" for reason in outputs[0][2]]
    return lines


def _slips(task, inputs):
    """{what it is called: {output: value}} of the mistakes that people make in this exercise."""
    with np.errstate(all="ignore"):  # overflow may be the slip
        return {text: task.answers(slip, inputs) for text, slip in task.slips.items()}


def _agreement(got, numeric):
    if numeric is None or not np.isfinite(numeric).any():
        return ""
    known = np.isfinite(numeric)
    error = np.abs(np.asarray(got)[known] - numeric[known]).max()
    return f", against the numeric gradient {error:.1e}"


def _difference(got, truth, tolerance):
    """(what is wrong or None, largest error)."""
    if isinstance(truth, str):
        return (None, 0.0) if isinstance(got, str) and got == truth else (f"{got!r} is not it", 1.0)
    if got is None or isinstance(got, list | tuple | dict | str | np.ma.MaskedArray):
        return f"expected an array, got {_kind(got)}", 1.0
    a, b = _numbers(got), np.asarray(truth, "float64")
    if np.iscomplexobj(got):
        return "expected real numbers, got complex ones", 1.0
    if a is None:
        return f"expected numbers, got {_kind(got)}", 1.0
    if a.shape != b.shape:
        return f"expected shape {b.shape}, got {a.shape}", 1.0
    if not np.isfinite(a).all():
        where = list(map(int, np.argwhere(~np.isfinite(a))[0]))
        first = f", the first at {where}" if where else ""
        return f"{int((~np.isfinite(a)).sum())} of {a.size} numbers are not finite{first}", 1.0
    error = np.abs(a - b)
    largest, scale = float(error.max(initial=0)), float(np.abs(b).max(initial=0))
    if largest <= tolerance * scale:
        return None, largest
    i = tuple(map(int, np.unravel_index(error.argmax(), a.shape)))
    where = f"worst at {list(i)}: " if i else ""
    size = f"largest error {largest:.3g}" + (f", {largest / scale:.2g} of the largest true value" if scale else "")
    return f"{size}; {where}your value {a[i] + 0:.6g} / true value {b[i] + 0:.6g}", largest


def _numbers(value):
    """As a float64 array, or None where it is not of real numbers."""
    try:
        array = np.asarray(value)
    except (TypeError, ValueError):  # a list of rows that differ in length
        return None
    return array.astype("float64") if array.dtype.kind in "biuf" else None


def _kind(value):
    if value is None:
        return "None: is a return missing?"
    return f"a {type(value).__name__}" + (f" of {value.dtype}" if isinstance(value, np.ndarray) else "")


def _reasons(task, name, found, truths, inputs, slips):
    """What is known about a wrong output: a slip of this exercise, else what the laboratory says of it."""
    got = found[name]
    if isinstance(truths[name], str):
        if not isinstance(got, str):
            return []
        return [text for text, wrong in slips.items() if wrong[name] == got]
    got = _numbers(got)
    if got is None:
        return []
    truth = np.asarray(truths[name], "float64")
    if task.tolerance == 0 and _alike(got, truth):
        return ["right but for the last bits: another order, or another operation somewhere"]
    others = {n: np.asarray(a, "float64") for n, a in truths.items() if n != name and not isinstance(a, str)}
    wrong = {text: np.asarray(slip[name], "float64") for text, slip in slips.items()}
    reasons = [text for text, a in wrong.items() if _alike(got, a) and not _alike(a, truth)]
    if reasons:
        return reasons
    for other, array in found.items():
        if other != name and isinstance(array, np.ndarray) and np.shares_memory(found[name], array):
            return [f"{name} and {other} are one array: what is written into one is in the other as well"]
    for other, array in others.items():
        if _alike(got, array):
            return [f"that is {other}; the order is {task.outputs}"]
    rows = next((len(a) for a in inputs.values() if np.ndim(a) > 1), 1)
    around = {"others": others, "sizes": {"N": rows}} | (task.around(**inputs) if task.around else {})
    finding = explain(got, truth, **around)
    return [] if finding is None or finding.kind in ("unknown", "not finite") else [finding.text]


def _alike(a, b):
    """The same, with infinities and NaN in the same places."""
    known = np.isfinite(a)
    if a.shape != b.shape or not np.array_equal(known, np.isfinite(b)):
        return False
    return np.array_equal(a[~known], b[~known], equal_nan=True) and same(a[known], b[known])

"""check, hint, use_reference: what is said about an answer. Never the solution."""

import json
import os
from pathlib import Path

from .calls import Stopped, call, what_differs
from .exercise import SEEDS, exercise
from .feedback import compare

SOLVED, REFERENCE, NOT_YET = "solved", "with the reference", "not yet"
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
        The function, where the exercise asks for one. It is called on arrays that it has not seen, of several sizes.
    arrays
        The arrays by their names, where it asks for arrays; made from what `given` returned.

    Returns
    -------
    points : float or None
        Where nbgrader grades: the exercise's points times the share of its outputs that are right, 0 with the
        reference. Else None.

    Raises
    ------
    NotYet
        If something is not right (not where nbgrader grades).
    ValueError
        For an unknown number, or an answer of the wrong kind.
    """
    task = exercise(number)
    if task.name:
        if not callable(answer) or arrays:
            raise ValueError(f'answer: expected the function, check("{number}", {task.name})')
    elif answer is not None or set(arrays) != set(task.output_names):
        wanted = ", ".join(f"{name}={name}" for name in task.output_names)
        raise ValueError(f'answer: expected check("{number}", {wanted}), got {", ".join(arrays) or repr(answer)}')
    print(f"exercise {number}: {task.name or task.outputs}")
    lines, share = _verdict(task, answer, arrays)
    print("\n".join(lines))
    if answer is task.reference:
        _marks[number] = REFERENCE
    if _marks.get(number) != REFERENCE:
        _marks[number] = SOLVED if share == 1 else NOT_YET
    points = round(task.points * share * (_marks[number] != REFERENCE), 2)
    _record(number, points, lines)
    if os.environ.get("NBGRADER_EXECUTION") == "autograde":
        return points
    if share < 1:
        step = "" if number in _hints or not task.hints else f'; hint("{number}") has a first step'
        raise NotYet(f"exercise {number}: not right yet{step}") from None


def _verdict(task, answer, arrays):
    """(lines, share of the outputs that are right), on the first arrays on which something is wrong, else on the last.

    Of an answer that stops, returns something else or does more than to return, no output counts.
    """
    if not task.name:
        return compare(task, task.inputs(0)[0], arrays)
    passed = []
    for seed in SEEDS:
        inputs = task.inputs(seed)[0]
        try:
            found, complaints = call(task, answer, seed, twice=not passed)
        except Stopped as stopped:
            lines, share = list(stopped.args), 0
        else:
            lines, share = compare(task, inputs, found, passed) if found else ([], 0)
            if complaints:
                lines, share = complaints + lines * (share < 1), 0
        if share < 1:
            named = any(text in line for text in task.slips for line in lines)
            return lines + ([] if named or not passed else what_differs(task.inputs(seed)[1], passed, lines)), share
        passed.append(inputs)
    return lines, share


def _record(number, points, lines):
    """A line for `lessons/build.py --grade`, in the file that it names."""
    if "MINIVAE_GRADES" in os.environ:
        with Path(os.environ["MINIVAE_GRADES"]).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"number": number, "mark": _marks[number], "points": points, "why": lines}) + "\n")


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

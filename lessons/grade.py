"""Handed-in notebooks, run and graded: a table of students by exercises."""

import ast
import csv
import json
import math
import re
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from nbclient.exceptions import CellTimeoutError, DeadKernelError

from lessons.notebooks import CHECK, client, environment, sources
from minivae.teach import exercise, exercises_of
from minivae.teach.answers import REFERENCE, SOLVED
from minivae.teach.feedback import REASON

CELL_SECONDS = 60  # a whole lesson takes less
RIGHT, WRONG, UNTOUCHED = "right", "wrong", "untouched"
SIGNS = {RIGHT: "+", REFERENCE: "r", WRONG: "-", UNTOUCHED: "."}
FILES = "grades.txt", "grades.csv"


def grade(folder, limit):
    """Run every notebook below `folder`, each in a process of its own, and write the table; returns the exit code."""
    files = [path for path in sorted(folder.rglob("*.ipynb")) if ".ipynb_checkpoints" not in path.parts]
    if not files:
        raise ValueError(f"--grade: expected notebooks below {folder}, found none")
    table, problems = {}, {}
    with ThreadPoolExecutor(2) as pool:
        for file, done in [(file, pool.submit(_grade_one, file, limit)) for file in files]:
            student = _student(file, folder)
            try:
                marks = done.result()
            except Exception as error:  # the others go on
                problems.setdefault(student, []).append(f"{file.name}: {error}".splitlines()[0])
                marks = {}
            if twice := sorted(marks.keys() & table.get(student, {}).keys(), key=_order):
                problems.setdefault(student, []).append(f"{file.name}: exercise {twice[0]} was handed in twice")
            table[student] = marks | table.get(student, {})
            print(f"{file.relative_to(folder)}  {''.join(SIGNS[mark] for mark, _, _ in marks.values())}", flush=True)
    _write(table, problems, folder)
    return int(bool(problems))


def _student(file, folder):
    """The first folder below, or what the file's name says beside the lesson."""
    inside = file.relative_to(folder)
    if len(inside.parts) > 1:
        return inside.parts[0]
    stems = "|".join(re.escape(source.stem) for source in sources())
    return re.sub(rf"^({stems})[ _-]*|[ _-]*({stems})$", "", inside.stem) or inside.stem


# ---- one notebook


def _grade_one(file, limit):
    """{number: (mark, points, why)} of a notebook's lesson."""
    nb = nbformat.read(file, as_version=4)
    text = "\n".join(cell.source for cell in nb.cells if cell.cell_type == "code")
    lessons = {number.partition(".")[0] for number in CHECK.findall(text)}
    if len(lessons) != 1:
        raise ValueError(f"expected the exercises of one lesson, found those of {', '.join(lessons) or 'none'}")
    lesson = int(lessons.pop())
    with tempfile.TemporaryDirectory() as place:
        records = Path(place) / "grades.jsonl"
        asked = _with_questions(nb, lesson, records)
        stopped = _execute(nb, Path(place), limit)
        found = [json.loads(line) for line in records.read_text("utf-8").splitlines()] if records.exists() else []
    verdicts = {record["number"]: record for record in found}
    return {number: _mark(number, verdicts.get(number), *cells, stopped) for number, cells in asked.items()}


def _with_questions(nb, lesson, records):
    """Put a cell that calls check behind each exercise; returns {number: (cell of the exercise or None, that cell)}.

    The learner's own cells stay as they are: what they call check, and what they did to it, does not matter.
    """
    calls, asked = _calls(lesson), {}
    for number in exercises_of(lesson):
        code = [i for i, cell in enumerate(nb.cells) if cell.cell_type == "code"]
        own = [i for i in code if _is_of(number, nb.cells[i])]
        checks = [i for i in code if number in CHECK.findall(nb.cells[i].source)]
        cell = nbformat.v4.new_code_cell(QUESTION.format(records=str(records), call=calls[number]))
        place = max([*own, *checks], default=len(nb.cells) - 1)
        nb.cells.insert(place + 1, cell)
        asked[number] = nb.cells[own[-1]] if own else None, cell
    return asked


def _is_of(number, cell):
    """Whether a cell holds the answer to an exercise, or its stub."""
    marked = cell.metadata.get("nbgrader", {}).get("grade_id") == f"exercise-{number.replace('.', '-')}"
    name = exercise(number).name
    return marked or f"Exercise {number}:" in cell.source or bool(name and f"\ndef {name}(" in f"\n{cell.source}")


QUESTION = """import os as _os
from minivae.teach import check as _check
_os.environ["MINIVAE_GRADES"] = {records!r}
try:
    {call}
finally:
    del _os.environ["MINIVAE_GRADES"]"""


def _calls(lesson):
    """{number: the call of check, as the lesson has it}."""
    text = sources([f"{lesson:02d}"])[0].read_text("utf-8")
    calls = [line.value for line in ast.parse(text).body if isinstance(line, ast.Expr)
             and isinstance(line.value, ast.Call) and getattr(line.value.func, "id", "") == "check"]  # fmt: skip
    return {call.args[0].value: "_" + ast.unparse(call) for call in calls}


def _execute(nb, place, limit):
    """Run the cells one by one, errors allowed; returns why the rest was not run, or ""."""
    runner = client(nb, place, timeout=CELL_SECONDS, allow_errors=True, interrupt_on_timeout=True)
    end = time.monotonic() + limit
    try:
        with runner.setup_kernel(env=environment(MPLBACKEND="agg")):
            for i, cell in enumerate(nb.cells):
                if cell.cell_type != "code":
                    continue
                cell.outputs, left = [], end - time.monotonic()
                if left <= 0:
                    return f"not run: the notebook took more than {limit} s"
                runner.timeout = math.ceil(min(CELL_SECONDS, left))
                runner.execute_cell(cell, i)
    except CellTimeoutError:
        return f"not run: a cell before it took more than {CELL_SECONDS} s and could not be interrupted"
    except DeadKernelError:
        return "not run: the kernel died in a cell before it"
    return ""


def _mark(number, verdict, own, asked, stopped):
    """(mark, points, why) of an exercise from what its check has recorded, or from why it has not."""
    task, error = exercise(number), next((o for o in (own or {}).get("outputs", []) if o.output_type == "error"), None)
    if error is not None and error.ename == "NotImplementedError":
        return UNTOUCHED, 0, ""
    if verdict is not None:
        if verdict["mark"] == REFERENCE:
            return REFERENCE, 0, ""
        right = verdict["mark"] == SOLVED
        return RIGHT if right else WRONG, verdict["points"], "" if right else _why(verdict["why"])
    if error is not None:
        return WRONG, 0, f"its cell stopped with {error.ename}: {error.evalue}"
    failed = next((o for o in asked.outputs if o.output_type == "error"), None)
    if failed is None:
        return WRONG, 0, stopped or "it takes too long"
    if failed.ename == "NotImplementedError" or failed.ename == "NameError" and own is None:
        return UNTOUCHED, 0, ""
    if failed.ename == "NameError":
        return WRONG, 0, f"expected the name{'s' * (len(task.names) > 1)} {', '.join(task.names)}: {failed.evalue}"
    return WRONG, 0, f"{failed.ename}: {failed.evalue}"


def _why(lines):
    """What kind of mistake it is, or else where the first one is."""
    named = [line.strip() for line in lines if line.startswith(REASON)]
    return "; ".join(named or [next(line.strip() for line in lines if ": right" not in line and "  right" not in line)])


# ---- the table


def _write(table, problems, folder):
    numbers = sorted({number for marks in table.values() for number in marks}, key=_order)
    missing = [f"not graded: {student}, {text}" for student, texts in problems.items() for text in texts]
    text = "\n".join([*_table(table, numbers), *missing, *_reasons(table, numbers)])
    (folder / FILES[0]).write_text(text + "\n", "utf-8")
    with (folder / FILES[1]).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["student", *numbers, "points", "of", "not graded"])
        for student, marks in sorted(table.items()):
            cells = [_cell(*marks[n]) if n in marks else "" for n in numbers]
            rest = f"{_points(marks):g}", _possible(numbers), "; ".join(problems.get(student, []))
            writer.writerow([_plain(student), *cells, *map(_plain, map(str, rest))])
    print(f"\n{text}\n\n{folder / FILES[0]} and {FILES[1]} have this table")


def _order(number):
    return [int(part) for part in number.split(".")]


def _cell(mark, _, why):
    return f"{mark}: {why}" if why else mark


def _plain(text):
    """No formula for a spreadsheet."""
    return "'" + text if text[:1] in ("=", "+", "-", "@") else text


def _points(marks):
    return sum(points for _, points, _ in marks.values())


def _possible(numbers):
    return sum(exercise(number).points for number in numbers)


def _table(table, numbers):
    """Students by exercises, a sign each."""
    width = max(map(len, ["student", *table]), default=0)
    yield f"{'student':<{width}}  " + " ".join(f"{n:>4}" for n in numbers) + f"  points of {_possible(numbers)}"
    for student, marks in sorted(table.items()):
        signs = " ".join(f"{SIGNS[marks[n][0]] if n in marks else ' ':>4}" for n in numbers)
        yield f"{student:<{width}}  {signs}  {_points(marks):6g}"
    yield "  ".join(f"{sign} {mark}" for mark, sign in SIGNS.items())


def _reasons(table, numbers):
    """Exercise by exercise, how many were right, and what the others did."""
    for number in numbers:
        marks = [found[number] for found in table.values() if number in found]
        counts = Counter(mark for mark, _, _ in marks)
        yield f"\n{number}  {exercise(number).name or exercise(number).outputs}: " + ", ".join(
            f"{counts[mark]} {mark}" for mark in SIGNS if counts[mark])  # fmt: skip
        for why, n in Counter(why for _, _, why in marks if why).most_common():
            yield f"      {n} x  {why}"

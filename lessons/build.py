"""Notebooks from their sources: `python lessons/build.py [NN ...]`.

lessons/src/NN_slug.py (percent format) is the only file edited by hand. From it come lessons/NN_slug.ipynb, in which
each solution, the lines between ### BEGIN SOLUTION and ### END SOLUTION below a comment `# Exercise N.M: what`, is a
NotImplementedError; and lessons/solutions/NN_slug.ipynb, executed. A picture `![what it shows](picture:NAME)` in the
text is figures/lesson_NAME.png, which is put into the notebook, so that it shows without a network.

    --check                    fails if a notebook is not what its source says (nothing is executed)
    --test                     runs every notebook from a fresh kernel, as solved, as given, and with the references
    --without-solutions DIR    writes a folder to hand out, which works alone
    --nbgrader DIR             writes a course folder for nbgrader
    --grade DIR                runs the notebooks that students have handed in, and writes a table of right and wrong

A class, from hand-out to grades: docs/teaching.md.
"""

import argparse
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jupytext
import nbformat

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # where minivae and lessons are

from lessons import grade, hand_out, notebooks
from lessons.notebooks import notebook, run, write

SECONDS = 60, 540  # a lesson may take, and all of them, two at a time


def main():
    parser = argparse.ArgumentParser(description="Build the notebooks of the lessons from lessons/src.")
    parser.add_argument("lessons", nargs="*", metavar="NN", help="numbers of lessons (default: all)")
    parser.add_argument("--check", action="store_true", help="say which notebooks are out of step with their source")
    parser.add_argument("--test", action="store_true", help="run every notebook from a fresh kernel; writes nothing")
    parser.add_argument("--without-solutions", metavar="DIR", help="write what to hand out into a new folder")
    parser.add_argument("--nbgrader", metavar="DIR", help="write nbgrader's course folder into a new folder")
    parser.add_argument("--grade", metavar="DIR", help="run the handed-in notebooks below DIR and write their table")
    parser.add_argument("--limit", type=int, default=300, metavar="S", help="seconds for a notebook (default: 300)")
    parser.add_argument("--force", action="store_true", help="--grade: replace the table that is there")
    options = parser.parse_args()
    sources = notebooks.sources(options.lessons)
    if unknown := sorted(set(options.lessons) - {path.name[:2] for path in sources}):
        parser.error(f"NN: expected numbers of lessons such as 01, got {' '.join(unknown)}")
    if options.check:
        return check(sources)
    if options.test:
        return test(sources)
    if options.without_solutions:
        return hand_out.hand_out(sources, _new(options.without_solutions, "--without-solutions", parser))
    if options.nbgrader:
        return hand_out.nbgrader(sources, _new(options.nbgrader, "--nbgrader", parser))
    if options.grade:
        return _graded(options, parser)
    return build(sources)


def _new(folder, option, parser):
    """Its path, if there is nothing in it."""
    path = Path(folder)
    if path.is_file() or path.is_dir() and any(path.iterdir()):
        parser.error(f"{option}: expected a new or empty folder, {path} is not")
    return path


def _graded(options, parser):
    folder = Path(options.grade)
    there = next((folder / name for name in grade.FILES if (folder / name).exists()), None)
    if there and not options.force:
        parser.error(f"--grade: expected no table yet, {there} exists; --force replaces it")
    if options.limit <= 0:
        parser.error(f"--limit: expected seconds above 0, got {options.limit}")
    try:
        return grade.grade(folder, options.limit)
    except ValueError as error:
        parser.error(str(error))


# ---- what the command does


def build(sources):
    """Write both notebooks of each; the pictures of the solutions go to figures/."""

    def one(source):
        solved = jupytext.reads(source.read_text("utf-8"), fmt="py:percent")
        seconds = run(solved, notebooks.FIGURES)
        written = notebook(source, solved=True)  # now there are pictures to attach
        for cell, executed in zip(written.cells, solved.cells, strict=True):
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = _joined(executed.outputs), executed.execution_count
        write(written, notebooks.HERE / "solutions" / f"{source.stem}.ipynb")
        write(notebook(source, solved=False), notebooks.HERE / f"{source.stem}.ipynb")
        print(f"{source.stem}  {seconds:.1f} s", flush=True)

    (notebooks.HERE / "solutions").mkdir(exist_ok=True)
    return _two_at_a_time(one, sources)


def _joined(outputs):
    """What was printed in one piece, however many messages it came in."""
    joined = []
    for output in outputs:
        if joined and output.output_type == "stream" == joined[-1].output_type and output.name == joined[-1].name:
            joined[-1].text += output.text
        else:
            joined.append(output)
    return joined


def check(sources):
    """Whether the notebooks are those of their sources."""
    wrong = []
    for source in sources:
        given, solved = notebooks.HERE / f"{source.stem}.ipynb", notebooks.HERE / "solutions" / f"{source.stem}.ipynb"
        if not given.exists() or given.read_text("utf-8") != nbformat.writes(notebook(source, solved=False)) + "\n":
            wrong.append(given)
        if not solved.exists() or not _same_cells(nbformat.read(solved, 4), notebook(source, solved=True)):
            wrong.append(solved)
    for path in wrong:
        name = path.relative_to(notebooks.ROOT)
        print(f"{name}: out of step with its source; run python lessons/build.py {path.name[:2]}")
    return 1 if wrong else 0


def _same_cells(a, b):
    """The same cells but for outputs, of which there are some, and no error."""
    outputs = [output for cell in a.cells if cell.cell_type == "code" for output in cell.outputs]
    what = [[(c.cell_type, c.source, c.get("attachments"), c.metadata) for c in nb.cells] for nb in (a, b)]
    return what[0] == what[1] and bool(outputs) and not any(output.output_type == "error" for output in outputs)


def test(sources):
    """Run each as solved, as given, and with the references; print the seconds, and what is wrong."""
    totals = []

    def one(source):
        with tempfile.TemporaryDirectory() as figures:
            solved = run(notebook(source, solved=True), figures)
            nb = notebook(source, solved=False)
            run(nb, figures, errors=True)
            _only_stubs(source, nb)
            run(notebook(source, solved=False, answered=True), figures)
        totals.append(solved)
        print(f"{source.stem:<24} {solved:5.1f} s", flush=True)
        if solved > SECONDS[0]:
            raise AssertionError(f"{source.stem} takes {solved:.0f} s, more than {SECONDS[0]}")

    code = _two_at_a_time(one, sources)
    print(f"all solutions, two at a time: {sum(totals) / 2:.0f} s")
    return code or int(sum(totals) / 2 > SECONDS[1])


def _only_stubs(source, nb):
    """The first error of a notebook without solutions is a stub's; later ones are that, or a missing name."""
    errors = [output for cell in nb.cells if cell.cell_type == "code" for output in cell.outputs
              if output.output_type == "error"]  # fmt: skip
    if not errors or errors[0].ename != "NotImplementedError":
        raise AssertionError(f"{source.stem}: expected the first error to be a stub, got {errors[:1]}")
    for error in errors:
        if error.ename not in ("NotImplementedError", "NameError"):
            raise AssertionError(
                f"{source.stem}: expected only stubs and missing names, got {error.ename}: {error.evalue}"
            )


def _two_at_a_time(f, sources):
    """Exit code: 1 if any failed."""
    code = 0
    with ThreadPoolExecutor(2) as pool:
        for source, done in [(source, pool.submit(f, source)) for source in sources]:
            try:
                done.result()
            except Exception as error:  # the others go on
                print(f"{source.stem}: {error}", file=sys.stderr, flush=True)
                code = 1
    return code


if __name__ == "__main__":
    sys.exit(main())

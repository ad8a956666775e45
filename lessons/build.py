"""Notebooks from their sources: `python lessons/build.py [NN ...]`.

lessons/src/NN_slug.py (percent format) is the only file edited by hand. From it come lessons/NN_slug.ipynb, in which
each solution, the lines between ### BEGIN SOLUTION and ### END SOLUTION below a comment `# Exercise N.M: what`, is a
NotImplementedError; and lessons/solutions/NN_slug.ipynb, executed. A picture `![what it shows](picture:NAME)` in the
text is figures/lesson_NAME.png, which is put into the notebook, so that it shows without a network.

    --check                    fails if a notebook is not what its source says (nothing is executed)
    --test                     runs every notebook from a fresh kernel, as solved, as given, and with the references
    --without-solutions DIR    writes a folder to hand out
"""

import argparse
import base64
import os
import re
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
FIGURES = ROOT / "figures"
sys.path.insert(0, str(ROOT))  # where minivae is
SOLUTION = re.compile(
    r"^( *)# Exercise (?P<number>[\d.]+)(?P<what>.*)\n *### BEGIN SOLUTION\n(?:.*\n)*? *### END SOLUTION$", re.M
)
CHECK = re.compile(r'^check\("([\d.]+)"', re.M)
PICTURE = re.compile(r"!\[([^\]]*)\]\(picture:(\w+)\)")
SECONDS = 60, 300  # a lesson may take, and all of them, two at a time


def main():
    parser = argparse.ArgumentParser(description="Build the notebooks of the lessons from lessons/src.")
    parser.add_argument("lessons", nargs="*", metavar="NN", help="numbers of lessons (default: all)")
    parser.add_argument("--check", action="store_true", help="say which notebooks are out of step with their source")
    parser.add_argument("--test", action="store_true", help="run every notebook from a fresh kernel; writes nothing")
    parser.add_argument("--without-solutions", metavar="DIR", help="write the exercise notebooks into a new folder")
    options = parser.parse_args()
    sources = [path for path in sorted((HERE / "src").glob("[0-9]*.py"))
               if not options.lessons or path.name[:2] in options.lessons]  # fmt: skip
    if unknown := sorted(set(options.lessons) - {path.name[:2] for path in sources}):
        parser.error(f"NN: expected numbers of lessons such as 01, got {' '.join(unknown)}")
    if options.check:
        return check(sources)
    if options.test:
        return test(sources)
    if options.without_solutions:
        return hand_out(sources, Path(options.without_solutions), parser)
    return build(sources)


# ---- from a source to its notebooks


def notebook(source, solved, answered=False):
    """The notebook of a source: with its solutions, with stubs, or with stubs that are `answered` by the references."""
    nb = jupytext.reads(source.read_text("utf-8"), fmt="py:percent")
    nb.metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
                   "language_info": {"name": "python"}}  # fmt: skip
    for i, cell in enumerate(nb.cells):
        cell.id, cell.metadata = f"cell-{i:02d}", {}
        found = SOLUTION.search(cell.source)
        if cell.cell_type == "markdown":
            _attach(cell)
        elif found:
            cell.metadata["nbgrader"] = _nbgrader(f"exercise-{found['number']}", solution=True)
        elif CHECK.search(cell.source):
            cell.metadata["nbgrader"] = _nbgrader(f"check-{CHECK.search(cell.source)[1]}", solution=False)
        if found and not solved:
            cell.source = _answered(cell.source) if answered else SOLUTION.sub(_stub, cell.source)
    return nb


def _stub(found):
    return f'{found[1]}raise NotImplementedError("Exercise {found["number"]}{found["what"]}")'


def _answered(text):
    """Stubs, and what a stuck learner writes below them, or in the place of those that are not in a function."""
    from minivae.teach import exercise

    below = []

    def answer(found):
        line = f'{", ".join(exercise(found["number"]).names)} = use_reference("{found["number"]}")'
        if not found[1]:
            return line
        below.append(line)
        return _stub(found)

    return "\n".join([SOLUTION.sub(answer, text), *below])


def _attach(cell):
    """Put the pictures that a text shows into its cell."""
    names = dict.fromkeys(name for _, name in PICTURE.findall(cell.source))
    if names:
        cell.attachments = {
            f"{name}.png": {"image/png": base64.b64encode((FIGURES / f"lesson_{name}.png").read_bytes()).decode()}
            for name in names
        }
        cell.source = PICTURE.sub(r"![\1](attachment:\2.png)", cell.source)


def _nbgrader(name, solution):
    """What nbgrader reads: a cell to write in, or a cell that decides, by an exception or none."""
    return {"schema_version": 3, "grade_id": name.replace(".", "-"), "solution": solution, "locked": not solution,
            "grade": not solution, "points": 0 if solution else 1, "task": False}  # fmt: skip


def run(nb, figures, errors=False):
    """Execute a notebook in a fresh kernel, one thread; returns the seconds."""
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MINIVAE_FIGURES": str(figures)}
    client = NotebookClient(nb, timeout=300, allow_errors=errors, record_timing=False,
                            extra_arguments=["--IPKernelApp.log_level=ERROR"],
                            resources={"metadata": {"path": str(HERE)}})  # fmt: skip
    began = time.perf_counter()
    client.execute(env=environment)
    return time.perf_counter() - began


# ---- what the command does


def build(sources):
    """Write both notebooks of each; the pictures of the solutions go to figures/."""

    def one(source):
        solved = jupytext.reads(source.read_text("utf-8"), fmt="py:percent")
        seconds = run(solved, FIGURES)
        written = notebook(source, solved=True)  # now there are pictures to attach
        for cell, executed in zip(written.cells, solved.cells, strict=True):
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = executed.outputs, executed.execution_count
        _write(written, HERE / "solutions" / f"{source.stem}.ipynb")
        _write(notebook(source, solved=False), HERE / f"{source.stem}.ipynb")
        print(f"{source.stem}  {seconds:.1f} s", flush=True)

    (HERE / "solutions").mkdir(exist_ok=True)
    return _two_at_a_time(one, sources)


def check(sources):
    """Whether the notebooks are those of their sources."""
    wrong = []
    for source in sources:
        given, solved = HERE / f"{source.stem}.ipynb", HERE / "solutions" / f"{source.stem}.ipynb"
        if not given.exists() or given.read_text("utf-8") != nbformat.writes(notebook(source, solved=False)) + "\n":
            wrong.append(given)
        if not solved.exists() or not _same_cells(nbformat.read(solved, 4), notebook(source, solved=True)):
            wrong.append(solved)
    for path in wrong:
        print(f"{path.relative_to(ROOT)}: out of step with its source; run python lessons/build.py {path.name[:2]}")
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


def hand_out(sources, folder, parser):
    """The exercise notebooks, in a folder that is new."""
    if folder.is_file() or folder.is_dir() and any(folder.iterdir()):
        parser.error(f"--without-solutions: expected a new or empty folder, {folder} is not")
    folder.mkdir(parents=True, exist_ok=True)
    for source in sources:
        _write(notebook(source, solved=False), folder / f"{source.stem}.ipynb")
    print(f"{len(sources)} notebooks in {folder}")
    return 0


def _write(nb, path):
    path.write_text(nbformat.writes(nb) + "\n", "utf-8")


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

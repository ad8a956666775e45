"""A lesson's source as a notebook: with its solutions, with stubs, or with stubs that the references answer."""

import base64
import os
import re
import time
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

from minivae.teach import exercise
from minivae.teach.notebook import ONLY_HERE

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
FIGURES = ROOT / "figures"
SOLUTION = re.compile(
    r"^( *)# Exercise (?P<number>[\d.]+)(?P<what>.*)\n *### BEGIN SOLUTION\n(?:.*\n)*? *### END SOLUTION$", re.M
)
CHECK = re.compile(r'^check\("([\d.]+)"', re.M)
PICTURE = re.compile(r"!\[([^\]]*)\]\(picture:(\w+)\)")


def sources(numbers=()):
    """Paths of the lessons' sources, all or those of these numbers, "01"."""
    return [path for path in sorted((HERE / "src").glob("[0-9]*.py")) if not numbers or path.name[:2] in numbers]


def notebook(source, solved, answered=False, handed_out=False):
    """The notebook of a source: with its solutions, with stubs, or with stubs that are `answered` by the references."""
    nb = jupytext.reads(source.read_text("utf-8"), fmt="py:percent")
    nb.metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
                   "language_info": {"name": "python"}}  # fmt: skip
    if handed_out:
        nb.cells = [cell for cell in nb.cells if not cell.source.startswith(ONLY_HERE)]
    for i, cell in enumerate(nb.cells):
        cell.id, cell.metadata = f"cell-{i:02d}", {}
        cell.source = cell.source.removeprefix(ONLY_HERE)
        found, checked = SOLUTION.search(cell.source), CHECK.search(cell.source)
        if cell.cell_type == "markdown":
            _attach(cell)
        elif found:
            cell.metadata["nbgrader"] = _nbgrader(f"exercise-{found['number']}", points=0)
        elif checked:
            cell.metadata["nbgrader"] = _nbgrader(f"check-{checked[1]}", points=exercise(checked[1]).points)
        if found and not solved:
            cell.source = _answered(cell.source) if answered else SOLUTION.sub(_stub, cell.source)
    return nb


def _stub(found):
    return f'{found[1]}raise NotImplementedError("Exercise {found["number"]}{found["what"]}")'


def _answered(text):
    """Stubs, and what a stuck learner writes below them, or in the place of those that are not in a function."""
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


def _nbgrader(name, points):
    """What nbgrader reads: a cell to write in, without points, or a cell that decides, by the points it returns."""
    return {"schema_version": 3, "grade_id": name.replace(".", "-"), "solution": not points, "locked": bool(points),
            "grade": bool(points), "points": points, "task": False}  # fmt: skip


def environment(**more):
    """Of a kernel that runs a lesson: one thread, and this minivae."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": path} | more


def client(nb, folder, **options):
    """What executes a notebook in a fresh kernel, in `folder`."""
    return NotebookClient(nb, kernel_name="python3", record_timing=False, resources={"metadata": {"path": str(folder)}},
                          extra_arguments=["--IPKernelApp.log_level=ERROR"], **options)  # fmt: skip


def run(nb, figures, errors=False):
    """Execute a notebook; returns the seconds."""
    began = time.perf_counter()
    client(nb, HERE, timeout=300, allow_errors=errors).execute(env=environment(MINIVAE_FIGURES=str(figures)))
    return time.perf_counter() - began


def write(nb, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(nbformat.writes(nb) + "\n", "utf-8")

"""What a teacher hands out: a folder that works alone, or the course folder of nbgrader."""

import re
import shutil

import nbformat

from lessons.notebooks import HERE, ROOT, notebook, write
from minivae.teach.notebook import alone

NEEDED = ("numpy", "scipy", "sklearn", "matplotlib", "pandas", "PIL", "tqdm", "pooch", "safetensors", "minivae")
FIRST_CELL = f"""# What is missing? Run this cell first.
import sys
from importlib.util import find_spec

missing = [name for name in {NEEDED} if find_spec(name) is None]
if sys.version_info < (3, 11):
    print("Python 3.11 or later is needed, this is", sys.version.split()[0])
elif "minivae" in missing:
    print("minivae is not here: leave this notebook in its folder, beside the folder minivae")
elif missing:
    print("missing:", *missing)
    print("in a terminal, in this folder: pip install -r requirements.txt; then restart the kernel")
else:
    print("all that this lesson needs is here")"""
BEGIN = """
**Begin:** in a terminal, in this folder, `pip install -r requirements.txt`, then `jupyter lab`, and open the first
notebook. Its first cell says what is missing. Leave the notebooks beside the folder `minivae`.
"""
CONFIG = """# read by nbgrader in this folder
c = get_config()
c.CourseDirectory.course_id = "minivae"
c.ClearSolutions.code_stub = {"python": "raise NotImplementedError()"}
c.ExecutePreprocessor.timeout = 120  # seconds per cell
"""


def hand_out(sources, folder):
    """Notebooks without solutions, the package minivae, what to install and a README, in a folder of their own."""
    for source in sources:
        nb = notebook(source, solved=False, handed_out=True)
        first = nbformat.v4.new_code_cell(FIRST_CELL, id="what-is-missing")
        nb.cells.insert(1, first)
        write(nb, folder / f"{source.stem}.ipynb")
    shutil.copytree(ROOT / "minivae", folder / "minivae", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "requirements.txt").write_text(_requirements(), "utf-8")
    (folder / "README.md").write_text(_readme(sources), "utf-8")
    print(f"{len(sources)} notebooks, minivae, README.md and requirements.txt in {folder}")
    return 0


def nbgrader(sources, folder):
    """The course folder of nbgrader: an assignment for each lesson, with solutions, which nbgrader takes out."""
    for source in sources:
        write(notebook(source, solved=True, handed_out=True), folder / "source" / source.stem / f"{source.stem}.ipynb")
    (folder / "nbgrader_config.py").write_text(CONFIG, "utf-8")
    print(f"{len(sources)} assignments in {folder / 'source'}; next, in {folder}:")
    print(f"    nbgrader generate_assignment {sources[0].stem}")
    return 0


def _requirements():
    """Of the project, without what only its tests and its notebooks' source need."""
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    own = ("#", "jupytext", "nbclient", "pytest", "hypothesis", "ruff")
    return "\n".join(line for line in lines if not line.startswith(own)) + "\n"


def _readme(sources):
    """The syllabus, without what speaks of files that are not handed out, and of lessons that are not."""
    title, rest = alone((HERE / "README.md").read_text("utf-8")).split("\n", 1)
    text = f"{title}\n{BEGIN}{rest}"
    numbers = {source.name[:2] for source in sources}
    return "".join(line for line in text.splitlines(keepends=True)
                   if not (row := re.match(r"\| \[?(\d\d)\b", line)) or row[1] in numbers)  # fmt: skip

"""A class: what is handed out works alone, and what comes back is graded, by ourselves and by nbgrader."""

import csv
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from lessons import notebooks
from lessons.grade import FILES
from lessons.hand_out import FIRST_CELL
from minivae.plot.lessons import lesson00
from minivae.teach import exercises_of
from minivae.teach.course import COURSE, SHORTEST

ROOT = Path(__file__).parent.parent
OF_THE_CLONE = "BEGIN SOLUTION|folder .?solutions|README's|only with solutions|docs/|figures/|lessons/src"
ANSWERS = {
    "1.1": "return x @ W + b",
    "1.2": "return dy @ W.T, x.T @ dy, dy.sum(axis=0)",
    "1.3": "return np.maximum(a, 0)",
    "1.4": "return dh * (h > 0)",
    "1.5": "dy = 2 * (y - target) / len(y)",
}
MEAN = {"1.2": "return dy @ W.T, x.T @ dy, dy.mean(axis=0)"}


def command(*arguments, folder=ROOT, code=0, **environment):
    """What a command prints; it must end with this code."""
    names = os.environ | {"OPENBLAS_NUM_THREADS": "1"} | environment
    done = subprocess.run([sys.executable, *map(str, arguments)], cwd=folder, env=names, capture_output=True, text=True)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def build(*arguments, **how):
    return command(ROOT / "lessons" / "build.py", *arguments, **how)


def short(nb):
    """The cells of exercises 1.1 to 1.5, and the imports: what a test has time for."""
    keep = r"^import sys|NotImplementedError|BEGIN SOLUTION|^check\("
    nb.cells = [cell for cell in nb.cells if cell.cell_type == "code" and re.search(keep, cell.source, re.M)
                and "net_" not in cell.source]  # fmt: skip
    return nb


def hand_in(path, answers, more=""):
    """The first lesson, of somebody who answers this, with `more` below the answer to 1.2."""
    nb = short(notebooks.notebook(notebooks.sources(["01"])[0], solved=False, handed_out=True))
    _fill(nb, answers, more)
    notebooks.write(nb, path)


def _fill(nb, answers, more):
    for cell in nb.cells:
        for number, answer in answers.items():
            stub = rf'^( *)raise NotImplementedError\((?:"Exercise {re.escape(number)}:.*)?\)$'
            mine = f"Exercise {number}:" in cell.source
            cell.source, n = (
                re.subn(stub, lambda m, a=answer: m[1] + a, cell.source, flags=re.M) if mine else (cell.source, 0)
            )
            if n and number == "1.2":
                cell.source += more


# ---- what is handed out


@pytest.fixture(scope="module")
def handed_out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("class") / "out"
    build("--without-solutions", folder)
    return folder


def test_it_works_alone(handed_out):
    names = [f"{source.stem}.ipynb" for source in notebooks.sources()]
    assert sorted(path.name for path in handed_out.iterdir()) == [*names, "README.md", "minivae", "requirements.txt"]
    assert command("-c", FIRST_CELL, folder=handed_out, PYTHONPATH="") == "all that this lesson needs is here\n"
    assert "minivae/__init__.py" in command(
        "-c", "import minivae; print(minivae.__file__)", folder=handed_out, PYTHONPATH=""
    )
    for line in (handed_out / "requirements.txt").read_text().splitlines():
        assert re.fullmatch(r"[a-z-]+([<>=!]+[\d.]+)?", line)


def test_the_first_cell_says_what_is_missing(tmp_path):
    import_nothing = "import importlib.util\nimportlib.util.find_spec = lambda name: name not in GONE or None\n"
    for gone, said in ((["minivae"], "leave this notebook in its folder"), (["numpy", "PIL"], "missing: numpy PIL\n")):
        assert said in command("-c", f"GONE = {gone}\n{import_nothing}{FIRST_CELL}", folder=tmp_path)


def test_no_word_of_what_is_not_handed_out(handed_out):
    readme = (handed_out / "README.md").read_text()
    for link in re.findall(r"\]\(([^)]+)\)", readme):
        assert link.startswith("http") or (handed_out / link).exists(), link
    cells = [cell for path in handed_out.glob("*.ipynb") for cell in nbformat.read(path, 4).cells]
    texts = [readme, *(cell.source for cell in cells)]
    for text in texts:
        assert not re.search(OF_THE_CLONE, text)
    assert "solutions" in (ROOT / "lessons" / "README.md").read_text()


def test_some_lessons(tmp_path):
    build("--without-solutions", tmp_path / "two", "01", "12")
    syllabus = (tmp_path / "two" / "README.md").read_text()
    assert re.findall(r"^\| (\d\d) ", syllabus, re.M) == ["01", "12"]


def test_a_folder_that_is_there_stays(tmp_path):
    (tmp_path / "mine").write_text("")
    for option in ("--without-solutions", "--nbgrader"):
        assert f"{option}: expected a new or empty folder" in build(option, tmp_path, code=2)


# ---- what comes back


def test_a_table_of_students_by_exercises(tmp_path):
    hand_in(tmp_path / "anna" / "01_dense.ipynb", ANSWERS)
    hand_in(tmp_path / "01_dense-ben.ipynb", ANSWERS | MEAN)
    hand_in(tmp_path / "carla" / "week 1" / "01.ipynb", ANSWERS, '\ndense_backward = use_reference("1.2")')
    hand_in(tmp_path / "dora" / "01_dense.ipynb", {})
    hand_in(tmp_path / "emil" / "01_dense.ipynb", ANSWERS, "\nimport os\nos._exit(1)")
    hand_in(tmp_path / "fay" / "01_dense.ipynb", {"1.1": "return x @"}, "")
    hand_in(tmp_path / "gil" / "01_dense.ipynb", {}, "")
    cheat = nbformat.read(tmp_path / "gil" / "01_dense.ipynb", 4)
    cheat.cells[0].source += "\ncheck = lambda *args, **names: print('right')"
    notebooks.write(cheat, tmp_path / "gil" / "01_dense.ipynb")
    hand_in(tmp_path / "hal" / "01_dense.ipynb", ANSWERS, "\nwhile True:\n    pass")
    (tmp_path / "ida").mkdir()
    (tmp_path / "ida" / "01_dense.ipynb").write_text("<<<<<<< HEAD")

    text = build("--grade", tmp_path, "--limit", 10, code=1)
    with (tmp_path / FILES[1]).open(newline="") as file:
        table = {row.pop("student"): row for row in csv.DictReader(file)}
    assert set(table) == {"anna", "ben", "carla", "dora", "emil", "fay", "gil", "hal", "ida"}
    assert [table["anna"][f"1.{i}"] for i in range(1, 6)] == ["right"] * 5
    assert table["ben"]["1.2"] == "wrong: db: averaged over the examples: whether the loss is a mean is already in dy"
    assert table["carla"]["1.2"] == "with the reference"
    assert set(table["dora"].values()) >= {"untouched"}
    assert table["emil"]["1.1"] == "right"
    assert table["emil"]["1.2"] == table["emil"]["1.3"] == "wrong: not run: the kernel died in a cell before it"
    assert "SyntaxError" in table["fay"]["1.1"]
    assert table["gil"]["1.1"] == "untouched"
    assert table["hal"]["1.1"] == "right"
    assert "not run: the notebook took more than 10 s" in table["hal"]["1.5"]
    assert "does not appear to be JSON" in table["ida"]["not graded"]
    points = {number: task.points for number, task in exercises_of(1).items()}
    assert float(table["anna"]["points"]) == sum(points.values()) - points["1.6"]
    assert float(table["anna"]["points"]) - float(table["ben"]["points"]) == pytest.approx(points["1.2"] / 3, abs=0.01)
    assert float(table["anna"]["points"]) - float(table["carla"]["points"]) == points["1.2"]
    assert "1 x  db: averaged over the examples" in text
    assert (tmp_path / FILES[0]).read_text() in text
    assert re.search(r"^dora +\. +\. +\. +\. +\. ", text, re.M)


def test_a_table_is_not_replaced(tmp_path):
    assert "expected notebooks below" in build("--grade", tmp_path, code=2)
    (tmp_path / FILES[1]).write_text("edited by hand")
    assert "--force replaces it" in build("--grade", tmp_path, code=2)
    assert "--limit: expected seconds above 0" in build("--grade", tmp_path, "--force", "--limit", 0, code=2)
    assert (tmp_path / FILES[1]).read_text() == "edited by hand"


@pytest.mark.skipif(importlib.util.find_spec("nbgrader") is None, reason="needs nbgrader")
def test_nbgrader_from_source_to_grades(tmp_path):
    course = tmp_path / "course"
    build("--nbgrader", course, "01")
    source = course / "source" / "01_dense" / "01_dense.ipynb"
    notebooks.write(short(nbformat.read(source, 4)), source)

    def nbgrader(*arguments):
        return command("-m", "nbgrader", *arguments, folder=course, PYTHONPATH=str(ROOT), PYTHONWARNINGS="")

    nbgrader("generate_assignment", "01_dense", "--create")
    released = (course / "release" / "01_dense" / "01_dense.ipynb").read_text()
    assert "SOLUTION" not in released
    assert "dy @ W.T" not in released
    reference = '\ndense_backward = use_reference("1.2")'
    for name, answers, more in (("anna", ANSWERS, ""), ("ben", ANSWERS | MEAN, ""), ("carla", ANSWERS, reference),
                                ("dora", {}, "")):  # fmt: skip
        nb = nbformat.reads(released, 4)
        _fill(nb, answers, more)
        notebooks.write(nb, course / "submitted" / name / "01_dense" / "01_dense.ipynb")
    nbgrader("autograde", "01_dense", "--create")
    nbgrader("export")
    with (course / "grades.csv").open(newline="") as file:
        scores = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    points = {number: task.points for number, task in exercises_of(1).items()}
    full = sum(points.values()) - points["1.6"]
    third = points["1.2"] / 3
    assert scores == pytest.approx(
        {"anna": full, "ben": full - third, "carla": full - points["1.2"], "dora": 0}, abs=0.01
    )


# ---- the course


def test_readme_and_syllabus_say_what_the_course_says():
    """Titles, hours and what each lesson uses, in both tables and in the lessons."""
    readme, syllabus = (ROOT / "README.md").read_text(), (ROOT / "lessons" / "README.md").read_text()
    assert {int(source.name[:2]) for source in notebooks.sources()} == set(COURSE)
    for number, lesson in COURSE.items():
        source = notebooks.sources([f"{number:02d}"])[0]
        uses = ", ".join(map(str, lesson.uses))
        assert f"| {number:02d} | [{lesson.title}](lessons/{source.stem}.ipynb) |" in readme
        row = re.search(rf"\| {number:02d} \| \[[^]]*\]\({source.stem}.ipynb\) \| (\S+) \|( .*?)? ?\| ", syllabus)
        assert (float(row[1]), row[2].strip()) == (lesson.hours, uses)
        assert f"[{lesson.title}]({source.stem}.ipynb)" in syllabus
    hours = sum(COURSE[number].hours for number in SHORTEST)
    assert f"{', '.join(f'{n:02d}' for n in SHORTEST)}: {['eleven', 'twelve'][int(hours) - 11]} hours" in syllabus


def test_the_map_shows_every_lesson():
    """And says of those in its frame that they use lesson 9."""
    assert set(COURSE) <= set(lesson00.PLACES)
    assert set(COURSE) <= set(lesson00.COLORS)
    assert all(9 in lesson00._needed(COURSE, number) for number in COURSE if number >= lesson00.BELOW)


@pytest.mark.parametrize("number", COURSE)
def test_a_lesson_says_what_it_needs(number):
    source = notebooks.sources([f"{number:02d}"])[0].read_text()
    need = " ".join(re.search(r"^# \*\*You need\*\*(.*?)^#$", source, re.M | re.S)[1].replace("\n# ", " ").split())
    named = {
        int(n)
        for numbers in re.findall(r"[Ll]essons? ((?:\d+(?:, | and )?)+)", need)
        for n in re.findall(r"\d+", numbers)
    }
    assert named - {0} == set(COURSE[number].uses) - {0}
    assert f"About {COURSE[number].hours:g} hour" in need
    assert (
        source.index("**After this lesson you can**")
        < source.index("**You will build**")
        < source.index("**You need**")
    )


@pytest.mark.parametrize("number", COURSE)
def test_a_check_ends_its_cell(number):
    """What it returns is what nbgrader reads."""
    for cell in notebooks.notebook(notebooks.sources([f"{number:02d}"])[0], solved=True).cells:
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("grade"):
            assert notebooks.CHECK.match(cell.source.strip().splitlines()[-1])

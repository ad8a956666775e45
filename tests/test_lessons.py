"""The notebooks are those of their sources. That they run is seen by `python lessons/build.py --test`, in CI."""

import base64
import re
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest

from lessons import build, notebooks
from minivae.cli import main
from minivae.teach import exercises_of
from minivae.teach.exercise import LESSONS

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "lessons" / "src").glob("[0-9]*.py"))
each = pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)

TEXT = """# %% [markdown]
# # 1. A lesson
#
# ![one dot](picture:dot)

# %%
from minivae.teach import check, given, use_reference

# %%
def dense_forward(x, W, b):
    # Exercise 1.1: dense_forward
    ### BEGIN SOLUTION
    y = x @ W

    return y + b
    ### END SOLUTION

# %%
check("1.1", dense_forward)

# %%
y, target = given("1.5")
# Exercise 1.5: dy
### BEGIN SOLUTION
dy = 2 * (y - target) / len(y)
### END SOLUTION
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A house with one lesson."""
    for folder in ("lessons/src", "figures"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.setattr(notebooks, "HERE", tmp_path / "lessons")
    monkeypatch.setattr(notebooks, "ROOT", tmp_path)
    monkeypatch.setattr(notebooks, "FIGURES", tmp_path / "figures")
    (tmp_path / "lessons" / "src" / "01_lesson.py").write_text(TEXT)
    (tmp_path / "figures" / "lesson_dot.png").write_bytes(b"a dot")
    return tmp_path


def texts(nb):
    return [cell.source for cell in nb.cells]


def test_stubs_stand_for_solutions(place):
    source = place / "lessons" / "src" / "01_lesson.py"
    _, _, function, _, arrays = texts(notebooks.notebook(source, solved=False))
    assert function == 'def dense_forward(x, W, b):\n    raise NotImplementedError("Exercise 1.1: dense_forward")'
    assert arrays == 'y, target = given("1.5")\nraise NotImplementedError("Exercise 1.5: dy")'
    assert "return y + b\n    ### END SOLUTION" in texts(notebooks.notebook(source, solved=True))[2]
    _, _, function, _, arrays = texts(notebooks.notebook(source, solved=False, answered=True))
    assert function.splitlines()[1:] == ['    raise NotImplementedError("Exercise 1.1: dense_forward")',
                                         'dense_forward = use_reference("1.1")']  # fmt: skip
    assert arrays == 'y, target = given("1.5")\ndy = use_reference("1.5")'


def test_nbgrader_knows_what_to_write_and_what_decides(place):
    cells = notebooks.notebook(place / "lessons" / "src" / "01_lesson.py", solved=True).cells
    found = {i: cell.metadata["nbgrader"] for i, cell in enumerate(cells) if cell.metadata}
    assert {i: (m["grade_id"], m["solution"], m["grade"], m["points"]) for i, m in found.items()} == {
        2: ("exercise-1-1", True, False, 0),
        3: ("check-1-1", False, True, 1),
        4: ("exercise-1-5", True, False, 0),
    }


def test_pictures_are_in_the_notebook(place):
    cell = notebooks.notebook(place / "lessons" / "src" / "01_lesson.py", solved=False).cells[0]
    assert cell.source.endswith("![one dot](attachment:dot.png)")
    assert base64.b64decode(cell.attachments["dot.png"]["image/png"]) == b"a dot"


def command(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["build.py", *arguments])
    return build.main()


def test_check_sees_a_notebook_that_is_out_of_step(place, monkeypatch, capsys):
    source = place / "lessons" / "src" / "01_lesson.py"
    given, solved = place / "lessons" / "01_lesson.ipynb", place / "lessons" / "solutions" / "01_lesson.ipynb"
    assert command(monkeypatch, "--check") == 1
    assert capsys.readouterr().out == "".join(
        f"{path}: out of step with its source; run python lessons/build.py 01\n"
        for path in ("lessons/01_lesson.ipynb", "lessons/solutions/01_lesson.ipynb")
    )
    solved.parent.mkdir()
    notebooks.write(notebooks.notebook(source, solved=False), given)
    executed = notebooks.notebook(source, solved=True)
    executed.cells[3].outputs = [nbformat.v4.new_output("stream", text="right")]
    notebooks.write(executed, solved)
    assert command(monkeypatch, "--check") == 0
    source.write_text(TEXT.replace("return y + b", "return b + y"))
    assert command(monkeypatch, "--check") == 1
    assert capsys.readouterr().out.count("\n") == 1  # the stub is the same
    source.write_text(TEXT)
    executed.cells[3].outputs = [nbformat.v4.new_output("error", ename="NotYet", evalue="", traceback=[])]
    notebooks.write(executed, solved)
    assert command(monkeypatch, "--check") == 1


def test_what_is_printed_in_pieces_is_written_as_one():
    parts = [nbformat.v4.new_output("stream", name=name, text=text) for name, text in
             (("stdout", "a\n"), ("stdout", "b\n"), ("stderr", "c"), ("stdout", "d"))]  # fmt: skip
    shown = nbformat.v4.new_output("display_data", data={"text/plain": "e"})
    joined = build._joined([*parts, shown, shown])
    assert [output.get("text") for output in joined] == ["a\nb\n", "c", "d", None, None]


@pytest.mark.parametrize(
    ("names", "fits"),
    [(["NotImplementedError", "NameError"], True), (["NameError"], False), ([], False),
     (["NotImplementedError", "KeyError"], False)],
)  # fmt: skip
def test_without_solutions_only_stubs_may_fail(names, fits):
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x")])
    nb.cells[0].outputs = [nbformat.v4.new_output("error", ename=n, evalue="", traceback=[]) for n in names]
    if fits:
        return build._only_stubs(Path("01.py"), nb)
    with pytest.raises(AssertionError, match="expected"):
        build._only_stubs(Path("01.py"), nb)


def test_unknown_lessons(place, monkeypatch, capsys):
    with pytest.raises(SystemExit):
        command(monkeypatch, "01", "77")
    assert "expected numbers of lessons such as 01, got 77" in capsys.readouterr().err


def test_what_speaks_of_files_that_are_not_handed_out_is_left_out(place):
    source = place / "lessons" / "src" / "01_lesson.py"
    source.write_text(TEXT + "\n# %% [markdown]\n# <!-- only with solutions -->\n# See the folder of solutions.\n")
    assert texts(notebooks.notebook(source, solved=False))[-1] == "See the folder of solutions."
    assert texts(notebooks.notebook(source, solved=False, handed_out=True))[-1].startswith('y, target = given("1.5")')


# ---- the lessons that there are


@each
def test_notebooks_are_in_step(source):
    assert build.check([source]) == 0


@each
def test_every_exercise_is_in_its_lesson(source):
    """Asked for and checked once each, in order; a lesson asks five questions, and needs no network."""
    text, numbers = source.read_text(), list(exercises_of(int(source.name[:2])))
    assert re.findall(r"^ *# Exercise ([\d.]+): ", text, re.M) == numbers
    assert list(dict.fromkeys(re.findall(r'^check\("([\d.]+)"', text, re.M))) == numbers
    assert text.partition("## Questions")[2].count("<details>") == 5
    assert not re.search(r"!\[[^]]*\]\(http|load_data\(\"(mnist|fashion|omniglot|static)", text)


@each
def test_the_first_cell_finds_the_clone_and_no_other_folder_of_that_name(source, tmp_path, monkeypatch):
    """Lessons are copied to where one likes, often beside a clone, which is called minivae itself."""
    line = next(line for line in source.read_text().splitlines() if line.startswith("sys.path[:0]"))
    for folder in ("minivae", "mine"):
        (tmp_path / folder).mkdir()
    for folder, found in ((ROOT / "lessons", [str(ROOT)]), (tmp_path / "mine", [])):
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "path", [])
        exec(line, {"sys": sys, "Path": Path})
        assert sys.path == found


@pytest.mark.parametrize(
    ("lesson", "quotes"),
    [
        ("18", {"has 20 active": "active 6, 18 and 20", "has 6.": "active 6, 18", "warm-up has 18": "active 6, 18"}),
        ("20", {"24.4 to": "24.42 %", "to 14.7 %": "14.66 % of the test images wrong"}),
        ("21", {"-104.2 nats relaxed": "104.19 +- 0.29 relaxed", "-107.4 straight": "107.37 straight",
                "-121.9 by the score": "121.90 score"}),
    ],
)  # fmt: skip
def test_what_a_lesson_quotes_of_a_page_is_what_the_readme_says(lesson, quotes):
    """These numbers no notebook can measure in a minute."""
    (source,) = notebooks.sources([lesson])
    text = source.read_text().replace("\n# ", " ")
    for words, row in quotes.items():
        assert words in text
        assert row in (ROOT / "README.md").read_text()


def test_sources_and_exercises_belong_together():
    assert [int(source.name[:2]) for source in SOURCES] == list(LESSONS)


# ---- minivae lessons


def test_lessons_are_copied_out(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["lessons"]) == 0
    out = capsys.readouterr().out
    folder = tmp_path / "minivae-lessons"
    names = [f"{source.stem}.ipynb" for source in SOURCES]
    assert sorted(path.name for path in folder.glob("*.ipynb")) == names
    assert sorted(path.name for path in (folder / "solutions").glob("*.ipynb")) == names
    assert "docs/" not in (folder / "README.md").read_text()
    assert f"{len(names)} lessons and their solutions in minivae-lessons" in out
    (folder / names[0]).write_text("my answers")
    assert main(["lessons"]) == 2
    assert "may hold your answers" in capsys.readouterr().err
    assert (folder / names[0]).read_text() == "my answers"
    assert main(["lessons", "new/place"]) == 0
    monkeypatch.setattr("minivae.cli.lessons.PLACES", (tmp_path / "nowhere", tmp_path / "either"))
    assert main(["lessons", "other"]) == 2
    assert "found neither" in capsys.readouterr().err


def test_a_wheel_carries_every_package():
    """And the notebooks, as minivae._lessons."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    found = {".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "minivae").rglob("__init__.py")}
    assert set(settings["packages"]) == found | {"minivae._lessons"}
    assert settings["package-dir"] == {"minivae._lessons": "lessons"}
    assert settings["package-data"]["minivae._lessons"] == ["README.md", "*.ipynb", "solutions/*.ipynb"]

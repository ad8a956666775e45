"""The structure of the house: what imports what, how long files are, and what the README says."""

import ast
import doctest
import graphlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import minivae
from minivae.cli import main
from minivae.cli.base import COMMANDS

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "minivae"
FILES = sorted(PACKAGE.rglob("*.py"))
# rooms from the bottom up; a file imports from its own floor or from below
FLOORS = [
    {"backend", "compiled", "files", "options", "tables"},
    {"params", "kernels", "schedules", "numeric"},
    {"layers"},
    {"densities", "levels"},
    {"likelihoods", "priors", "posteriors", "flows"},
    {"optim", "models", "data"},
    {"metrics", "finite"},
    {"train"},
    {"evaluate", "gradcheck", "plot"},
    {"truth"},
    {"runs"},
    {"trained", "reports"},
    {"sklearn"},
    {"laboratory"},
    {"cli", "teach", "reproduce"},
]
CORE = ("backend.py", "params.py", "layers", "densities", "likelihoods", "priors", "posteriors", "optim.py",
        "train.py", "runs")  # fmt: skip


def floor(room):
    return next(i for i, rooms in enumerate(FLOORS) if room in rooms)


def room_of(file):
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(file, top_level_only=False):
    """Dotted names that a file imports; minivae's own as minivae.room."""
    tree = ast.parse(file.read_text())
    own = ("minivae", *file.relative_to(PACKAGE).parts[:-1])
    for node in tree.body if top_level_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level:
            base = ".".join(own[: len(own) - node.level + 1])
            if node.module:
                yield f"{base}.{node.module}"
            else:
                yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(PACKAGE)))
def test_imports_run_one_way(file):
    if file.parent == PACKAGE and file.name in ("__init__.py", "__main__.py"):
        return
    here = floor(room_of(file))
    for name in imports(file):
        parts = name.split(".")
        if parts[0] == "minivae" and parts[1:] and parts[1] != "__version__":
            assert floor(parts[1]) <= here, f"{file.name} imports {name}"


def test_no_circles():
    graph = {room_of(f): set() for f in FILES}
    for file in FILES:
        if file.parent != PACKAGE or not file.name.startswith("__"):
            rooms = {n.split(".")[1] for n in imports(file) if n.startswith("minivae.")} - {"__version__"}
            graph[room_of(file)] |= rooms - {room_of(file)}
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError


def test_only_the_backend_knows_cupy():
    for file in FILES:
        if file.name != "backend.py":
            assert "cupy" not in [n.split(".")[0] for n in imports(file)]


def test_no_framework_and_no_pickle():
    for file in FILES:
        names = {n.split(".")[0] for n in imports(file)}
        assert not names & {"torch", "jax", "autograd", "pickle"}
        assert "allow_pickle=True" not in file.read_text()


def test_a_room_whose_needs_are_missing_says_so(monkeypatch):
    with pytest.raises(AttributeError, match="module 'minivae' has no attribute 'nothing'"):
        minivae.nothing  # noqa: B018

    def missing(name, *_):
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr(minivae, "import_module", missing)
    with pytest.raises(ModuleNotFoundError, match="torch"):
        minivae.nothing  # noqa: B018


def test_import_loads_numpy_only():
    """Its names are there when they are asked for."""
    code = "import sys; from minivae import *; print(' '.join(m for m in sys.modules if '.' not in m))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    loaded = set(result.stdout.split())
    assert "numpy" in loaded
    assert not loaded & {"sklearn", "scipy", "matplotlib", "tqdm", "pooch", "safetensors", "cupy", "requests", "pandas"}


def test_sizes():
    lines = {f: len(f.read_text().splitlines()) for f in FILES}
    assert max(lines.values()) <= 350
    assert max(n for f, n in lines.items() if f.parent.name == "gradcheck") < 250  # an idea each
    core = sum(n for f, n in lines.items() if f.relative_to(PACKAGE).parts[0] in CORE)
    assert core < 6700
    assert max(n for f, n in lines.items() if f.parent.name == "models") < 200  # a paper each


def test_no_numpy_name_bound_at_import():
    """`from .backend import xp` would bind one backend for good."""
    for file in FILES:
        assert not re.search(r"import .*\bxp\b", file.read_text())


# ---- README


README = (ROOT / "README.md").read_text()


def test_readme_commands():
    lines = README.splitlines()
    assert sum(line.startswith("    pip install -r requirements.txt && python -m minivae train") for line in lines) == 1
    assert sum(line.startswith("    pip install -r requirements.txt && python -m pytest") for line in lines) == 1


def test_readme_example(tmp_path, monkeypatch, capsys):
    """The ten lines from data to samples run as they stand."""
    example = re.search(r"```python\n(.*?)```", README, re.DOTALL).group(1)
    assert len([line for line in example.splitlines() if line.strip()]) <= 10
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "README.md", "exec"), {})
    assert (tmp_path / "samples.png").exists()
    assert "1/20" in capsys.readouterr().out


def test_readme_session():
    session = re.search(r"```pycon\n(.*?)```", README, re.DOTALL).group(1)
    test = doctest.DocTestParser().get_doctest(session, {}, "README", "README.md", 0)
    assert doctest.DocTestRunner().run(test).failed == 0


@pytest.mark.parametrize("page", ["README.md", "docs/extending.md", "figures/practice.md", "figures/laboratory.md",
                                  "figures/gpu.md", "figures/variants.md"])  # fmt: skip
def test_links_and_pictures_exist(page):
    for target in re.findall(r"\]\(([^)#]+)\)", (ROOT / page).read_text()):
        if "://" not in target:
            assert ((ROOT / page).parent / target).exists(), target


def test_extending_runs_as_it_stands(tmp_path, monkeypatch, capsys):
    """Its code, its file and its command, whose output it shows."""
    page = (ROOT / "docs" / "extending.md").read_text()
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert blocks[0].startswith("# my_layer.py")
    (tmp_path / "my_layer.py").write_text(blocks[0])
    for block in blocks:
        exec(compile(block, "extending.md", "exec"), {})
    command, *shown = re.search(r"```console\n\$ minivae (.*?)```", page, re.DOTALL).group(1).splitlines()
    capsys.readouterr()
    assert main(command.split()) == 0
    got = capsys.readouterr().out.splitlines()
    assert [re.sub(r"\d\.\de-1\d", "small", line) for line in (*got, *shown)] == [
        re.sub(r"\d\.\de-1\d", "small", line) for line in (*shown, *got)
    ]


def test_readme_has_its_numbers():
    rows = [line for line in README.splitlines() if line.startswith("| VAE")]
    assert len(rows) >= 2
    assert all(re.search(r"-\d+\.\d\d", row.split("|")[-2]) for row in rows)


def test_readme_options_exist():
    from minivae.runs.settings import every_option

    flags = set(re.findall(r"--([a-z][a-z-]+)", README))
    known = {name.replace("_", "-") for name, option in every_option().items() if option.metavar}
    known |= {flag.removeprefix("--") for _, arguments in COMMANDS for names, _ in arguments for flag in names}
    assert flags <= known | {"help", "without-solutions"}
    assert set(re.findall(r"^    minivae (\w+)", README, re.MULTILINE)) == {f.__name__ for f, _ in COMMANDS} - {
        "gradcheck"
    }


def test_readme_configuration(tmp_path):
    from minivae.runs.settings import read_config

    (tmp_path / "c.toml").write_text(re.search(r"```toml\n(.*?)```", README, re.DOTALL).group(1))
    assert read_config(tmp_path / "c.toml")["rates"] == {"encoder": 0.5}

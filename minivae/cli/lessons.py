"""minivae lessons: the notebooks, copied to where one can write."""

from pathlib import Path

from ..files import said, sweep, write_atomic
from ..teach.notebook import alone
from .base import argument, command

PACKAGE = Path(__file__).parent.parent
PLACES = PACKAGE / "_lessons", PACKAGE.parent / "lessons"  # of an installed wheel, of a clone


@command(argument("folder", nargs="?", default="minivae-lessons", metavar="DIR", help="(default: minivae-lessons)"))
def lessons(folder):
    """Copy the lesson notebooks and the syllabus into a folder, solutions in one of their own, and say how to start.

    A notebook that is there already and is as it was given stays: a copy that was cut off is completed by another call.
    """
    place = next((place for place in PLACES if place.is_dir()), None)
    if place is None:
        raise ValueError(f"lessons: expected the notebooks in {PLACES[0]} or {PLACES[1]}, found neither")
    files = sorted(place.glob("[0-9]*.ipynb")) + sorted(place.glob("solutions/*.ipynb"))
    targets = {Path(folder) / file.relative_to(place): file.read_bytes() for file in files}
    targets[Path(folder) / "README.md"] = alone((place / "README.md").read_text("utf-8")).encode("utf-8")
    try:
        there = {target for target in targets if target.exists()}
        changed = [str(target) for target in sorted(there) if target.read_bytes() != targets[target]]
        if changed:
            raise ValueError(f"DIR: expected a folder without lessons, {changed[0]} exists and may hold your answers")
        for target, content in targets.items():
            if target not in there:
                target.parent.mkdir(parents=True, exist_ok=True)
                sweep(target.parent)
                write_atomic(target, content)
    except OSError as error:
        raise OSError(error.errno, f"DIR: {said(error)}") from None
    print(f"{len(files) // 2} lessons and their solutions in {folder}; start with")
    print(f"    jupyter lab {next(iter(targets))}")
    print("or open the folder in VS Code; where jupyter is missing: pip install jupyterlab")

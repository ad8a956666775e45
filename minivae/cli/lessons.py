"""minivae lessons: the notebooks, copied to where one can write."""

import shutil
from pathlib import Path

from .base import argument, command

PACKAGE = Path(__file__).parent.parent
PLACES = PACKAGE / "_lessons", PACKAGE.parent / "lessons"  # of an installed wheel, of a clone


@command(argument("folder", nargs="?", default="minivae-lessons", metavar="DIR", help="(default: minivae-lessons)"))
def lessons(folder):
    """Copy the lesson notebooks into a folder, solutions in a folder of their own, and say how to start."""
    place = next((place for place in PLACES if place.is_dir()), None)
    if place is None:
        raise ValueError(f"lessons: expected the notebooks in {PLACES[0]} or {PLACES[1]}, found neither")
    files = sorted(place.glob("[0-9]*.ipynb")) + sorted(place.glob("solutions/*.ipynb"))
    targets = [Path(folder) / file.relative_to(place) for file in files]
    there = [str(target) for target in targets if target.exists()]
    if there:
        raise ValueError(f"DIR: expected a folder without lessons, {there[0]} exists and may hold your answers")
    for file, target in zip(files, targets, strict=True):
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    print(f"{len(targets) // 2} lessons and their solutions in {folder}; start with")
    print(f"    jupyter lab {targets[0]}")
    print("or open the folder in VS Code; where jupyter is missing: pip install jupyterlab")

"""What check says to the planted answers, in a table: `python -m tests.answers`."""

import contextlib
import importlib.util
import io
from pathlib import Path

import numpy as np

from minivae.teach import NotYet, check, exercise

FILES = sorted(Path(__file__).parent.glob("lesson[0-9][0-9].py"))


def planted(file):
    """The module of planted answers of a lesson."""
    spec = importlib.util.spec_from_file_location(f"answers_{file.stem}", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def hand_in(number, answer):
    """(whether it is right, what is printed)."""
    task, out = exercise(number), io.StringIO()
    with contextlib.redirect_stdout(out), np.errstate(all="ignore"):
        try:
            if task.name:
                check(number, answer)
            else:
                found = answer(*task.inputs(0)[1].values())
                found = found if len(task.output_names) > 1 else (found,)
                check(number, **dict(zip(task.output_names, found, strict=True)))
        except NotYet:
            return False, out.getvalue()
    return True, out.getvalue()


def main():
    print("lesson  wrong  named  located  misnamed  accepted    right  refused")
    totals = np.zeros(7, int)
    for file in FILES:
        module = planted(file)
        wrong = [(words, *hand_in(number, answer))
                 for number, cases in module.WRONG.items() for answer, words in cases]  # fmt: skip
        right = [hand_in(number, answer)[0] for number, cases in module.RIGHT.items() for answer in cases]
        refused = [(words, said) for words, accepted, said in wrong if not accepted]
        named = sum(bool(words) and words in said for words, said in refused)
        located = sum(not words for words, _ in refused)
        row = [len(wrong), named, located, len(refused) - named - located, len(wrong) - len(refused), len(right),
               right.count(False)]  # fmt: skip
        totals += row
        print("{:>6} {:6} {:6} {:8} {:9} {:9} {:8} {:8}".format(int(file.stem[-2:]), *row))
    print("{:>6} {:6} {:6} {:8} {:9} {:9} {:8} {:8}".format("all", *totals))


if __name__ == "__main__":
    main()

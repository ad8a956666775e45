"""What `minivae evaluate` finds, for a run of MNIST, of Fashion-MNIST and of sprites.

`python -m figures.evidence` writes evidence.md and its pictures by the commands that the page shows. The sets come from
the folder in MINIVAE_DATA. Trainings take some half an hour on two cores; with `--runs DIR` they are kept there, and
those that are there are gone on with.
"""

import io
import os
import shutil
from contextlib import redirect_stdout
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


from minivae.cli import main as minivae

HERE = Path(__file__).parent
INTRO = """# What an evaluation says

Written by `python -m figures.evidence`, from public sets in the folder that `MINIVAE_DATA` names: each part runs the
commands that it shows. All numbers are in nats per image where nothing else is said; +- is one standard error.
"""


class Page:
    """The text of the page, the folder of its runs, and the commands that fill both."""

    def __init__(self, runs):
        self.runs, self.lines = runs, [INTRO]

    def say(self, *lines):
        self.lines += [*lines, ""]

    def run(self, *arguments):
        """Run a command, and show it with what it printed."""
        text = [str(argument) for argument in arguments]
        printed = io.StringIO()
        with redirect_stdout(printed):
            if minivae(text):
                raise RuntimeError(f"minivae {' '.join(text)} failed")
        lines = printed.getvalue().splitlines()
        shown = [line for line in lines if not line.endswith(".png")]
        self.say("```console", self._plain("$ minivae " + " ".join(text)), *map(self._plain, shown), "```")

    def train(self, name, *arguments):
        """Train a run, or go on with it; its last line is shown."""
        text = ["train", *map(str, arguments), "--out", str(self.runs / name)]
        with redirect_stdout(io.StringIO()):
            there = (self.runs / name).exists()
            if minivae(["train", "--resume", "--out", str(self.runs / name)] if there else text):
                raise RuntimeError(f"minivae {' '.join(text)} failed")
        self.say("```console", self._plain("$ minivae " + " ".join(text)), "```")

    def picture(self, name, file, alt):
        """Copy a picture of a run to the page's own."""
        target = HERE / f"evidence_{name}_{Path(file).stem.removesuffix('-test')}.png"
        shutil.copyfile(self.runs / name / file, target)
        self.say(f"![{alt}]({target.name})")

    def _plain(self, line):
        """Without the folders of this machine."""
        return line.replace(f"{self.runs}/", "").replace(str(self.runs), "")

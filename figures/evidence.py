"""What `minivae evaluate` finds, for a run of MNIST, of Fashion-MNIST and of sprites.

`python -m figures.evidence` writes evidence.md and its pictures by the commands that the page shows. The sets come from
the folder in MINIVAE_DATA. Trainings take some half an hour on two cores; with `--runs DIR` they are kept there, and
those that are there are gone on with.
"""

import argparse
import io
import os
import shutil
import tempfile
from contextlib import redirect_stdout
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


import numpy as np

from minivae import load_data
from minivae.cli import main as minivae

from .own_data import fenced

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
        self.say(*fenced(["$ minivae " + " ".join(text), *shown], self.runs))

    def train(self, name, *arguments):
        """Train a run, or go on with it; its last line is shown."""
        text = ["train", *map(str, arguments), "--out", str(self.runs / name)]
        with redirect_stdout(io.StringIO()):
            there = (self.runs / name).exists()
            if minivae(["train", "--resume", "--out", str(self.runs / name)] if there else text):
                raise RuntimeError(f"minivae {' '.join(text)} failed")
        self.say(*fenced(["$ minivae " + " ".join(text)], self.runs))

    def picture(self, name, file, alt):
        """Copy a picture of a run to the page's own."""
        target = HERE / f"evidence_{name}_{Path(file).stem.removesuffix('-test')}.png"
        shutil.copyfile(self.runs / name / file, target)
        self.say(f"![{alt}]({target.name})")


def mnist(page):
    """Evidence, latents and samples of one run."""
    page.say("## A VAE of MNIST: evidence, latents, samples")
    config = page.runs / "ledger.toml"
    config.write_text("ledger = true\n")
    page.train("mnist", "--data", "mnist", "--hidden", 400, "--latent", 20, "--epochs", 10, "--config", config)
    page.run("evaluate", page.runs / "mnist", "--samples", 1000, "--measure", "latents", "samples")
    page.picture("mnist", "evidence-test.png", "The bound against the number of samples, and log p(x) of each digit")
    page.picture("mnist", "kl-test.png", "KL of each latent, and over the epochs")
    page.picture("mnist", "precision_recall-test.png", "Precision against recall, density against coverage")
    page.picture("mnist", "neighbors-test.png", "Samples, and beside each its nearest training images")
    page.say("Annealed importance sampling knows nothing of the encoder. It finds more: where few of the samples are",
             "effective, their bound is still below log p(x).")  # fmt: skip
    page.run("evaluate", page.runs / "mnist", "--images", 100, "--samples", 5000, "--annealed", 500)


def detection(page):
    """Fashion against MNIST, MNIST against Fashion, one digit against the rest."""
    page.say("## Anomalies: what detects them, and where the likelihood fails")
    page.say("A model of digits knows that clothes are none, by all scores but the KL:")
    page.run("evaluate", page.runs / "mnist", "--measure", "detection", "--against", "fashion")
    page.picture("mnist", "detection-test.png", "MNIST against Fashion-MNIST: histograms of log p(x), ROC curves")
    page.say("A model of clothes finds digits more likely than clothes (Nalisnick et al. 2019):")
    config = page.runs / "ledger.toml"
    page.train("fashion", "--data", "fashion", "--hidden", 400, "--latent", 20, "--epochs", 10, "--config", config)
    page.run("evaluate", page.runs / "fashion", "--measure", "detection", "--against", "mnist")
    page.picture("fashion", "detection-test.png", "Fashion-MNIST against MNIST: digits are more likely than clothes")
    page.say("One class against the rest: trained on the digit 1 alone, all other digits are anomalies.")
    data = load_data("mnist", binarize="none", likelihood="gaussian")
    (x, y), test = data.train, data.test()
    np.savez(page.runs / "ones.npz", x=x[y == 1], x_test=test.x[test.y == 1])
    np.savez(page.runs / "others.npz", x=test.x[test.y != 1], y=test.y[test.y != 1])
    page.train("ones", "--data", page.runs / "ones.npz", "--hidden", 200, "--latent", 10, "--epochs", 20)
    page.run("evaluate", page.runs / "ones", "--measure", "detection", "--against", page.runs / "others.npz")


def sprites(page):
    """Latents and disentanglement of one run on sprites."""
    page.say("## A VAE of sprites: disentanglement")
    page.train("sprites", "--data", "sprites", "--arch", "conv", "--latent", 10, "--epochs", 15)
    page.run("evaluate", page.runs / "sprites", "--measure", "latents", "disentanglement")
    page.picture("sprites", "disentanglement-test.png", "What each latent tells of each factor, and the scores")


PARTS = (mnist, detection, sprites)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", metavar="DIR", help="where trainings are kept (default: nowhere)")
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as name:
        page = Page(Path(name if runs is None else runs))
        for part in PARTS:
            part(page)
    (HERE / "evidence.md").write_text("\n".join(page.lines))
    print(HERE / "evidence.md")


if __name__ == "__main__":
    main()

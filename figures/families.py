"""Five families of generative models on one budget: `python -m figures.families` writes families.md.

VAE, GAN, autoencoder, flow and diffusion, and a linear baseline, with the same data, parameters and seconds of one
thread. It trains what is not there yet and can be cut off at any time; `--budget 0` trains nothing, and leaves the rows
of unfinished runs open. The images come from the folder in MINIVAE_DATA.
"""

import json
import os
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from minivae.evaluate.modes import FEW, REACH
from minivae.files import dump, write_atomic

from . import families_plots as plots
from . import families_tables as tables
from .families_measures import STOPS, K, measured
from .families_runs import DATA, FAMILIES, LONGER, MAIN, RARE, RUNS, SEEDS, TRAINED, WITHIN, minutes, parts_of
from .families_scenes import ROWS, UNLIKE, real_rows, scene
from .families_train import is_trained, train
from .variants_runs import page_main, settings_table

HERE = Path(__file__).parent
WALKED = "mnist"
INTRO = """# Five families on one budget

Written by `python -m figures.families`, which trains, measures and draws all of it, and goes on where it was cut off:
{minutes:.0f} minutes of one thread in all.

VAE, GAN, autoencoder, flow and diffusion are often compared in a table of words. Here each word is beside a number:
the same data, parameters within {within:.0%} of each other (of a GAN both players count), and equal seconds of one
thread. The words are the usual ones of that comparison. A word that is measured is a function of numbers, whose limits
stand at the end; other limits would give other words. Probabilistic PCA in closed form is the linear baseline: it
has as many parameters as it needs.

Seconds are those that the process computes, from the first step of the training on. All families have Adam at a
constant rate, of a flow on images with decay, and batches of 128; diffusion 32 on images, where it has a U-Net and all
others dense nets. What else they have stands in the settings. Samples are draws of p(x) where a family has that; of a
VAE and of an autoencoder they are means of p(x | z), but of points a VAE's are draws. On images a VAE has a
beta-binomial likelihood of grey levels, flow and diffusion a density of levels that are spread over their intervals:
bits per dimension of both are bounds on the same probability. {points} samples of points and {images} of images are
compared with as many test rows. In Fashion-MNIST class {rare} has a share of {share:.0%}, in training and among the
test rows that samples are compared with.
"""
PARTS = {
    "sizes": ("Sizes", "Parameters, and the widths that lead to them.", tables.sizes),
    "words": ("The words", "Of each word, on how many of the sets of data it holds here.", tables.words_table),
    "stability": (
        "Training stability",
        f"Seeds {', '.join(map(str, SEEDS))} at a family's own learning rate, one at a third of it and one at three "
        "times it. Of points the share near a mode, of images the Frechet distance: mean +- standard deviation over "
        "the seeds, their number in parentheses.",
        tables.stability_table,
    ),
    "points": (
        "Sample quality: points",
        f"A point is near a mode within {REACH:g} of its standard deviations. The width of a mode is the spread of the "
        "points near it, over the truth. The Frechet distance knows means and covariances alone: the linear baseline "
        "has a small one, and no mode.",
        tables.quality_of_points,
    ),
    "images": (
        "Sample quality: images",
        "Frechet distance and precision in the activations of one classifier for each set of data, which has learned "
        "from all its training images. Sharpness is the variance of the Laplacian over that of test images.",
        tables.quality_of_images,
    ),
    "likelihood": (
        "Likelihood",
        f"Test rows, +- standard error. A bound has {K['points']} samples of z on points, {K['images']} on images.",
        tables.likelihood_table,
    ),
    "structure": (
        "Latent structure",
        "Accuracy of linear probes on held-out rows: of codes, of the rows themselves, and of z drawn from the prior, "
        "whose class is that of what it decodes to. A walk has "
        f"{STOPS - 1} steps between two draws on a great circle; the longest is {1 / (STOPS - 1):.3f} of it where all "
        f"are equal. Unlike the data is what lies further from 5,000 training rows than {UNLIKE:.0%} of held-out "
        "rows do, in features or in pixels: of draws from the prior, and halfway of walks.",
        tables.structure_table,
    ),
    "cost": ("Cost", "A step has 128 rows; its memory is the most that NumPy holds at once.", tables.cost_table),
    "ways": (
        "Other ways to sample",
        "The same models. Diffusion takes fewer steps where it draws no noise on the way (Song et al. 2021).",
        tables.ways_table,
    ),
    "coverage": (
        "Mode coverage",
        f"A mode or class is found if its share of the samples is {FEW:.0%} or more of its share of the data. "
        "Which class an image has is what the classifier says.",
        tables.coverage_table,
    ),
}
READ = {  # after the section of that name: the sets of data that it speaks of, and what they show
    "stability": (
        ("ring", "grid", "digits"),
        """No GAN of 21 fails, and its word, low, holds nowhere here: small nets, betas of 0.5 and 0.999, a loss that
does not saturate. Its rate matters more than its seed. What fails are samplers with too few modes: the autoencoder
on both sets of points, and 2 of 7 VAEs on the grid. Learning rates are one training each.
""",
    ),
    "coverage": (
        ("fashion",),
        """Of 500 samples one or two are of the rare class where its share is right: the column does not yet tell who
drops it.
""",
    ),
    "points": (
        ("ring", "grid"),
        """What it shows. Diffusion is first by far: after 15 s its bound is 0.03 nats below the known log p(x) of the
ring and 0.16 below that of the grid, with all modes, and no model claims more than the known one. Flow, GAN and VAE
leave bridges between the modes, for one reason: a continuous map of a Gaussian, which is in one piece, is in one piece.
Diffusion has such a map as well, but a steep one, made of many steps.

The GAN finds modes and loses them again: 8 of the 8 on the ring after 15 s, 5 after 60 s; on the grid 18 of 25, then
16, while the share near a mode grows from 0.46 to 0.90. More seconds buy precision with coverage, and a single look
does not show it. The autoencoder fails as a sampler, but not for its decoder: with a mixture of 10 Gaussians fitted to
its codes 0.96 of the samples are near a mode of the ring, with one Gaussian 0.10; for 25 modes 10 are too few, 0.27.

The plane of z shows the rest. Diffusion cuts it into sectors and squares, with thin borders; the VAE leaves room
between its modes; of the flow they are thin stripes that lie far across; the codes of the autoencoder are where they
were in x.
""",
    ),
    "images": (
        ("digits", "mnist"),
        """On 8x8 digits the distance and the other measures disagree. By the Frechet distance the GAN, 19.5, is behind
the linear baseline, 15.5; by precision, 0.72, it is before all that have dense nets. The distance compares means and
covariances: the baseline fits those of the pixels, and classes that are drawn unevenly shift them. So a word that comes
from the distance is hard on a GAN where images are simple.

Of the dense nets the GAN is nearest on 28x28 pixels, 27.0 on MNIST and 15.0 on Fashion-MNIST, where rows of training
have 10.1 and 3.5, and its images are as sharp as real ones or more: part of that is grain. The means of the VAE have a
quarter and a sixth of the sharpness of real images. The surprise is the autoencoder: with codes from a mixture of 10
Gaussians, fitted in the end, its distance is 13.5 on MNIST and 9.3 on Fashion-MNIST, before the GAN; with one Gaussian
it is 62.8 and 30.8. What is low about it is the Gaussian.

Diffusion is first on digits, 11.9, and behind the GAN, the autoencoder and the VAE on MNIST, 79.4: seconds count. A
step of its U-Net takes 492 ms there, those of the dense nets 9 to 45, so that 240 s are 488 steps. Its picture shows
strokes, and no digits yet.
""",
    ),
    "likelihood": (
        ("digits", "mnist"),
        """The VAE and the flow learn 1,250 digits by heart: 1.93 bits and 2.06 after 10 s, 2.22 and 2.44 after 80 s,
while the samples of the VAE are no worse in the end. What stops a training by its likelihood stops it early.

Bits and samples are of different orders. On MNIST the VAE has 1.39 bits and the flow 1.70, on Fashion-MNIST 3.66 and
3.78, and the GAN, whose samples are nearer than those of both, says nothing. The linear density needs 7.5 and 7.3: one
variance for all pixels does not know that most are black.
""",
    ),
}
PICTURES = {
    "families_points.png": "Samples of each family over the density of the points",
    "families_planes.png": "What each place of z decodes to, a panel for each family",
    "families_digits.png": "Digits and samples of each family",
    "families_mnist.png": "MNIST and samples of each family",
    "families_fashion.png": "Fashion-MNIST and samples of each family",
    "families_walks.png": "A walk between two draws from the prior for each family, MNIST",
    "families_quality.png": "Quality against seconds, a panel for each set of data",
    "families_likelihood.png": "log p(x) against seconds, a panel for each set of data",
}


def draw(found, folder, out):
    """All pictures that there are runs for."""

    def there(names, families):
        return any(is_trained(folder, f"{data}-{family}-0") for data in names for family in families)

    points = [data for data, of in DATA.items() if of.kind == "points"]
    if there(points, FAMILIES):
        plots.draw_points(folder, out / "families_points.png")
    if there(points, TRAINED):
        plots.draw_planes(folder, out / "families_planes.png")
    for data in (data for data in DATA if data not in points):
        if there([data], FAMILIES):
            plots.draw_samples(folder, data, out / f"families_{data}.png")
    if there([WALKED], TRAINED):
        plots.draw_walks(folder, WALKED, out / "families_walks.png")
    plots.draw_quality(found, out / "families_quality.png")
    plots.draw_likelihood(found, out / "families_likelihood.png")


def write(out, folder, names, budget=None):
    """Train, measure, draw and write families.md and families.json into `out`; rows without a run stay as kept."""
    folder.mkdir(parents=True, exist_ok=True)
    train(names, folder, budget)
    file = out / "families.json"
    found = json.loads(file.read_text()) if file.exists() else {"rows": {}, "real": {}}
    wanted = json.loads(dump(RUNS))
    found["rows"] = {name: row for name, row in found["rows"].items() if row["run"] == wanted.get(name)}
    for name in sorted(RUNS, key=lambda name: parts_of(name)[1] == "ddpm"):  # what takes long comes last
        if name not in found["rows"] and is_trained(folder, name):
            data = parts_of(name)[0]
            if data not in found["real"]:
                found["real"][data] = real_rows(scene(data))
            found["rows"][name] = measured(folder, name)
            write_atomic(file, dump(found, indent=2))
            print(f"{name}: measured", flush=True)
    if not found["rows"]:
        raise ValueError("budget: no run is finished yet, expected time to train one")
    draw(found, folder, out)
    write_atomic(out / "families.md", "\n".join(page(found, out)).encode())
    print(out / "families.md")


def page(found, out):
    """The lines of the page."""
    text = [INTRO.format(minutes=minutes(RUNS), within=WITHIN, **ROWS, rare=RARE["class"], share=RARE["share"])]
    for name, (title, intro, table) in PARTS.items():
        text += [f"## {title}", "", intro, "", table(found), ""]
        if name in READ and all(f"{data}-{family}-0" in found["rows"] for data in READ[name][0] for family in FAMILIES):
            text += [READ[name][1]]
        if table is tables.coverage_table:
            text += [*tables.classifiers(found), ""]
    text += ["## What a word takes", "", *tables.limits(), "", "## Pictures", ""]
    for picture, alt in PICTURES.items():
        if (out / picture).exists():
            text += [f"![{alt}]({picture})", ""]
    longer = f"Marks go up to {LONGER[-1]:g} times the seconds where there is a column of that."
    return [*text, "## Settings", "", longer, "", settings_table({name: RUNS[name]["options"] for name in MAIN}), ""]


def main():
    page_main(write, __doc__, list(RUNS), "families.md", HERE, "runs/families")


if __name__ == "__main__":
    main()

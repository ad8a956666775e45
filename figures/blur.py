"""Blur, and what helps against it: `python -m figures.blur` writes blur.md.

One set of images, one pair of networks and one number of epochs, through a VAE, through larger likelihoods, through
codes with a learned prior and through critics. It trains what is not there yet and can be cut off at any time, as
`figures.variants` does; `--budget 0` trains nothing, and leaves the rows of unfinished runs open. The images come from
the folder in MINIVAE_DATA.
"""

import json
import os
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from minivae.files import dump, write_atomic
from minivae.laboratory.units import bits_per_dimension
from minivae.plot import CLASSES, GREY, Tiles, figure_to
from minivae.plot.grids import draw_images
from minivae.tables import markdown

from .blur_measures import SETS, SHOWN, measured, real_rows, scene, shown
from .blur_runs import ROWS, RUNS, WAYS
from .variants_runs import is_finished, page_main, settings_table, train

HERE = Path(__file__).parent
INTRO = """# Blur, and what helps against it

Written by `python -m figures.blur`, which trains, measures and draws all of it, and goes on where it was cut off.

Fashion-MNIST, 50,000 training images of 28x28 grey pixels, and the same for all rows: convolutions of 32 and 64
channels, batches of 128, {epochs} epochs, Adam from 1e-3 down along a cosine. A VAE, a Gaussian of one variance for all
pixels, decodes the mean of all images that a code may stand for, and a mean of sharp images is blurred. Three ways out:
a likelihood that says more than a mean, codes that are drawn by a prior that was learned, and a critic in the place of
pixels.

Sharpness is the variance of the Laplacian of an image, the mean over the images over that of the test images: 1 is as
sharp as these, below 1 is blur, above 1 is noise or too hard an edge. The Frechet distance is that of samples and the
10,000 test images, in the 64 activations of one classifier ({accuracy:.1f} % right on test images), the same for all
rows; so are precision, recall, density and coverage, explained in [evidence.md](evidence.md). Samples are means of
p(x | z) where nothing else is said, and "with noise" are draws of it. They are the mean of {sets} sets of 10,000,
+- the standard error over the sets, of one training; another seed may differ by more. The squared error is that of
reconstructions of the test images per pixel, times 1,000. Bits per dimension are those of the ELBO for 256 grey levels;
a density of grey values that are not dequantized, such as the Gaussian of a fixed std, has none.
"""
READ = """What the numbers leave out. A VAE whose likelihood is narrow spends many nats on z, and draws from the prior
fall between its codes: its samples are ragged, which the Laplacian takes for sharp; the wider the likelihood,
the smoother they are. An adversarial autoencoder brings q(z) nearer to the prior, so that samples are nearer
to the data, and smoother than the ragged ones; sharper than those of the VAE of std 0.5. A part of the
sharpness of the VAE-GAN is grain. The VQ-VAE has the best reconstructions by far, for its codes have places.
The weights of the critics and of the commitment were chosen by short trials on validation images.
"""
HEAD = ("model", "parameters", "squared error", "sharpness of reconstructions", "bits per dimension")
OF_SAMPLES = ("samples", "sharpness", "Frechet distance", "precision", "recall", "density", "coverage")
D = 784
TICKS = (0.1, 0.2, 0.5, 1, 2)  # of sharpness


def table(found):
    """The table of the models, of those that are finished."""
    rows = [HEAD]
    for name, what in ROWS.items():
        if name not in found:
            rows.append((what, f"open: `python -m figures.blur --only {name}`", *[""] * (len(HEAD) - 2)))
            continue
        m = found[name]
        error, spread = (1000 * value for value in m["squared_error"])
        bits = bits_of(m)
        rows.append((what, f"{m['parameters']:,}", f"{error:.2f} +- {spread:.2f}",
                     f"{m['reconstructions']:.3f}", "" if bits is None else f"{bits:.3f}"))  # fmt: skip
    return markdown(*rows)


def bits_of(m):
    """Bits per dimension of the ELBO, those of the codes among them; None of a model without one, or without levels."""
    elbo = m["metrics"].get("elbo")
    return None if elbo is None or m["levels"] is None else bits_per_dimension(-elbo, D, m["levels"])


def sample_table(found, real):
    """The table of samples; the last row are training images."""
    rows = [OF_SAMPLES]
    for name, how, what in every(found):
        rows.append((what, *scores_of(found[name]["samples"][how])))
    return markdown(*rows, ("training images", *scores_of(real)))


def scores_of(of):
    """A row's cells: mean +- standard error."""
    names = ("sharpness", "frechet_distance", "precision", "recall", "density", "coverage")
    return [f"{of[name][0]:.3f}" + ("" if of[name][1] is None else f" +- {of[name][1]:.3f}") for name in names]


def every(found):
    """(run, how, what it is) of all samples of the finished runs, in the order of the rows."""
    for name in (name for name in ROWS if name in found):
        for how in found[name]["samples"]:
            yield name, how, said(name, how)


def said(name, how):
    """What samples of a run are, as tables and pictures name them."""
    return ROWS[name] + f", {how}" * (how != "means")


def verdicts(found):
    """What became of each expectation."""
    if "blur-vae" not in found:
        return []
    base = found["blur-vae"]["samples"]["means"]
    lines = []
    for name, how, what in every(found):
        if name == "blur-vae" and how == "means":
            continue
        of = found[name]["samples"][how]
        sharp, far = (of[score][0] - base[score][0] for score in ("sharpness", "frechet_distance"))
        lines.append(f"- {what}, beside {ROWS['blur-vae']}: sharpness {sharp:+.3f}, Frechet distance {far:+.2f}.")
    return lines


# ---- Pictures


def draw_side_by_side(bands, shape, path, title):
    """A row of images for each of {what: images (n, D)}."""
    tiles = Tiles(shape, len(bands), SHOWN)
    with figure_to(path, (0.62 * SHOWN + 3.2, 0.62 * len(bands) + 0.5)) as figure:
        ax = figure.subplots()
        draw_images(ax, list(bands.values()), tiles, list(bands))
        ax.set_title(title)


def draw_plane(found, real, path):
    """Sharpness against Frechet distance, a point for each kind of samples."""
    with figure_to(path, (7.4, 4.6)) as figure:
        ax = figure.subplots()
        names = [name for name in ROWS if name in found]
        for name, how, what in every(found):
            of = found[name]["samples"][how]
            color = CLASSES[names.index(name) % len(CLASSES)]
            ax.plot(of["sharpness"][0], of["frechet_distance"][0], "o" if how == "means" else "s", color=color, ms=6,
                    label=what)  # fmt: skip
        ax.plot(real["sharpness"][0], real["frechet_distance"][0], "*", color=GREY, ms=12, label="training images")
        ax.axvline(1, color=GREY, lw=0.8)
        ax.set(xscale="log", yscale="log", xlabel="sharpness: 1 is that of test images",
               ylabel="Frechet distance to test images", title="samples: how sharp, and how near")  # fmt: skip
        ax.set_xticks(TICKS, TICKS)
        ax.set_xticks([], minor=True)
        figure.legend(loc="outside right upper", fontsize=8)


def draw(out, folder, look, done):
    """The pictures of reconstructions and of samples, a row for each of the finished runs."""
    x_hats, made = {"test images": look.test[:SHOWN]}, {}
    for name in done:
        x_hat, ways = shown(name, RUNS[name], folder, look, WAYS[name])
        x_hats[ROWS[name]] = x_hat
        made |= {said(name, how): images for how, images in ways.items()}
    made["test images"] = look.test[SHOWN : 2 * SHOWN]
    draw_side_by_side(x_hats, look.shape, out / "blur_reconstructions.png", "test images, and their reconstructions")
    draw_side_by_side(made, look.shape, out / "blur_samples.png", "samples")


# ---- The page


PICTURES = {
    "blur_samples.png": "Samples of every model, a row for each, and test images",
    "blur_reconstructions.png": "Test images, and their reconstructions by every model",
    "blur_plane.png": "Sharpness of samples against their Frechet distance, a point for each model",
}


def write(out, folder, names, minutes=None):
    """Train, measure, draw and write blur.md and blur.json into `out`; rows without a run stay as they were kept."""
    folder.mkdir(parents=True, exist_ok=True)
    train({name: RUNS[name] for name in names}, folder, minutes)
    file = out / "blur.json"
    kept = json.loads(file.read_text()) if file.exists() else {"rows": {}}
    found = {name: m for name, m in kept["rows"].items() if name in RUNS and m["options"] == RUNS[name]}
    done = [name for name in ROWS if is_finished(folder / name)]
    if "real" not in kept or any(name not in found for name in done):
        look = scene()
        kept["real"], kept["accuracy"] = real_rows(look), look.features.about["accuracy"]
        for name in done:
            if name not in found:
                print(f"{name}: measured", flush=True)
                found[name] = measured(name, RUNS[name], folder, look, WAYS[name])
                write_atomic(file, dump(kept | {"rows": found}, indent=2))
        if set(done) == set(found):  # else the pictures that are there show more
            draw(out, folder, look, done)
    draw_plane(found, kept["real"], out / "blur_plane.png")
    epochs = RUNS["blur-vae"]["epochs"]
    text = [INTRO.format(accuracy=100 * kept["accuracy"], sets=SETS, epochs=epochs), table(found), "",
            sample_table(found, kept["real"]), "", *verdicts(found), "", READ]  # fmt: skip
    for picture, alt in PICTURES.items():
        if (out / picture).exists():
            text += [f"![{alt}]({picture})", ""]
    write_atomic(file, dump(kept | {"rows": found}, indent=2))
    write_atomic(out / "blur.md", "\n".join([*text, "## Settings", "", settings_table(RUNS), ""]).encode())
    print(out / "blur.md")


def main():
    page_main(write, __doc__, list(RUNS), "blur.md", HERE)


if __name__ == "__main__":
    main()

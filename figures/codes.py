"""Codes, critics and several modalities, the third part of variants.md; what samples are worth comes from blur.json."""

import json
import math
from textwrap import fill

from minivae.evaluate import standard_error
from minivae.models import MODELS
from minivae.reports import read_result
from minivae.runs import Run
from minivae.tables import markdown

from . import codes_plots as plots
from .blur import bits_of
from .blur_runs import BITS, ROWS
from .codes_runs import GRADIENTS
from .control_measures import all_measured, open_cell
from .variants_runs import is_finished, lines_of

# ---- Codes

QUANTIZED = """## Codes

Fashion-MNIST, the runs of [blur.md](blur.md). The VQ-VAE has 7x7 codes, each one of {K}, so {bits} bits at most; beside
it a VAE of a Gaussian posterior that is held at a KL of as many (`capacity`), with the same convolutions and as many
epochs. The squared error is that of reconstructions per pixel, times 1,000. Bits per dimension are -log2 of the bound
on p(x), pixels and codes together, over 784. The length of the codes is -log2 p(z) under the prior that was learned, a
PixelCNN of the codes; for the VAE it is the KL. Perplexity is exp of the entropy of how often each code is used, over
all places of the 10,000 test images. Published: on CIFAR-10 4.51 bits per dimension for a VAE and 4.67 for a VQ-VAE
(van den Oord et al. 2017), which are not in this table: those images are not here.
"""


def quantized(folder, out, kept, blur):
    """The section on codes, and {run: what was measured}."""
    names = ["blur-vqvae", "blur-bits"]
    found = all_measured(["blur-vqvae"], folder, kept, ("latents",)) | all_measured(["blur-bits"], folder, kept)
    table = [("model", "latent bits", "length, bits", "perplexity", "log p(x given z)", "squared error",
              "bits per dimension", "lines")]  # fmt: skip
    for name in names:
        if name not in found or name not in blur:
            table.append((ROWS[name], open_cell([name], folder), *[""] * 6))
            continue
        m, b = found[name], blur[name]
        latents = m["measures"].get("latents", {})
        bits = m["metrics"]["kl"] / math.log(2)
        table.append((ROWS[name], BITS if latents else f"{bits:.0f}", f"{bits:.1f}",
                      f"{latents['perplexity']:.1f}" if latents else "", f"{m['metrics']['log_px_z']:.1f}",
                      "{:.2f} +- {:.2f}".format(*(1000 * value for value in b["squared_error"])), f"{bits_of(b):.3f}",
                      lines_of(MODELS[m["options"]["model"]])))  # fmt: skip
    text = [QUANTIZED.format(K=128, bits=BITS), markdown(*table), ""]
    if "blur-vqvae" in blur:
        table = [("samples of the VQ-VAE", "Frechet distance", "sharpness", "precision", "recall")]
        for how, scores in blur["blur-vqvae"]["samples"].items():
            table.append((how, *("{:.2f} +- {:.2f}".format(*scores[score]) for score in
                                 ("frechet_distance", "sharpness", "precision", "recall"))))  # fmt: skip
        text += [markdown(*table), ""]
    return text, found


# ---- Choices

CATEGORICAL = """## Choices

Static MNIST, 784-400-200 and 20 choices among 10: three gradients of the encoder, and a VAE with 20 Gaussian latents
in the same networks, {epochs} epochs each. -ELBO in nats of all 10,000 test images, with choices that are drawn once
for each, +- the standard error over the images. Published: Jang et al. 2017, table 1, other networks, bits and epochs;
so the order is to be compared, and not the numbers. The relaxed one is trained at a temperature that falls from 1 to
0.5, straight-through at 1.
"""


def categorical(folder, out, kept, blur):
    """The section on categorical latents, and {run: what was measured}."""
    found = all_measured(list(GRADIENTS), folder, kept)
    table = [("gradient", "-ELBO", "KL", "parameters", "published", "lines")]
    for name, (what, published) in GRADIENTS.items():
        if name not in found:
            table.append((what, open_cell([name], folder), *[""] * 2, published, ""))
            continue
        m = found[name]
        if is_finished(folder / name):
            m["curve"] = [-line["validation"]["elbo"] for line in Run.open(folder / name).finished()]
        table.append((what, f"{-m['metrics']['elbo']:.2f} +- {m['elbo_error']:.2f}", f"{m['metrics']['kl']:.2f}",
                      f"{m['parameters']:,}", published,
                      lines_of(MODELS[m["options"]["model"]])))  # fmt: skip
    epochs = next((m["epochs"] for m in found.values()), 50)
    text = [CATEGORICAL.format(epochs=epochs), markdown(*table), ""]
    if found:
        curves = {GRADIENTS[name][0]: m["curve"] for name, m in found.items()}
        plots.draw_curves(curves, out / "variants_choices.png")
        text += ["![-ELBO of the validation images after each epoch](variants_choices.png)", ""]
    return text, found


# ---- Critics

CRITICS = """## Critics

Fashion-MNIST, the runs of [blur.md](blur.md): the same networks and epochs. An adversarial autoencoder has a critic of
codes in the place of the KL, a VAE-GAN a critic of images beside it; each stands below the VAE of the same likelihood.
How far q(z) is from the prior is told by draws alone, one of each test image, which is all that a code without noise
gives: the part of mean and covariance is exact, the part of the shape, by nearest neighbors, comes out too small, the
more so the more latents there are. So it ranks, and is no KL to quote. Sharpness and Frechet distance are of samples,
as there.
"""


def critics(folder, out, kept, blur):
    """The section on critics, and {run: what was measured}."""
    names = ["blur-learned", "blur-aae", "blur-vae", "blur-vaegan"]
    found = all_measured(names, folder, kept, ("latents",))
    table = [("model", "KL of q(z) to the prior, by draws", "of mean and covariance", "of the shape", "squared error",
              "sharpness", "Frechet distance", "lines")]  # fmt: skip
    for name in names:
        if name not in found or name not in blur:
            table.append((ROWS[name], open_cell([name], folder), *[""] * 6))
            continue
        m, b = found[name], blur[name]
        drawn = m["measures"]["latents"]["drawn_marginal_kl"]
        parts = ("{value:.2f} +- {standard_error:.2f}".format(**drawn[part]) for part in ("value", "moments", "shape"))
        table.append((ROWS[name], *parts,
                      "{:.2f} +- {:.2f}".format(*(1000 * value for value in b["squared_error"])),
                      *("{:.2f} +- {:.2f}".format(*b["samples"]["means"][score]) for score in
                        ("sharpness", "frechet_distance")),
                      lines_of(MODELS[m["options"]["model"]])))  # fmt: skip
    return [CRITICS, markdown(*table), ""], found


# ---- Several modalities

MODALITIES = """## Several modalities

MNIST, each digit seen as an image and as its class, {epochs} epochs. A product of experts is trained on all
subsets, a mixture on both together (`--model multimodal`). Found from the other: the class at the mean of q(z | x),
and an image drawn for a class, which a classifier takes for one of it; that classifier is right for {judge:.1f} %
of test images. One z of the prior gives an image and a class as well: how often these agree. log p(x, y) is the
bound of {K} samples, of a mixture {K} of each expert, for 10,000 test images and their classes, +- the standard
error. Separate models are a VAE of the images in the same networks and epochs, {vae:.2f} +- {vae_error:.2f} nats,
and log 1/10 for the class; the effect is paired over the images. A classifier that is never wrong would bring 2.30
nats, so no more is to be gained by that. All are bounds, and the mixture's posterior is the looser one: it draws
half of its z without looking at the image.
"""
MODAL_SAMPLES = 100


def modalities(folder, out, kept, blur):
    """The section on an image and its class, and {run: what was measured}."""
    joint = {"modal-product": "product of experts", "modal-mixture": "mixture of experts"}
    found = all_measured(list(joint), folder, kept, ("cross",), MODAL_SAMPLES)
    found |= all_measured(["modal-vae"], folder, kept, (), MODAL_SAMPLES)
    results = {name: read_result(Run.open(folder / name), "test", MODAL_SAMPLES) for name in found
               if is_finished(folder / name)}  # fmt: skip
    for name, result in results.items():
        found[name] |= {"log_p": result.mean, "log_p_error": result.standard_error}
        if name in joint and "modal-vae" in results:
            gain = result.values - results["modal-vae"].values + math.log(10)
            found[name]["effect"] = [float(gain.mean()), standard_error(gain)]
    table = [("model", "class from image, %", "image from class, %", "image and class from one z, %", "ELBO",
              "log p(x, y)", "effect", "lines")]  # fmt: skip
    for name, what in joint.items():
        if name not in found or "modal-vae" not in found:
            table.append((what, open_cell([name, "modal-vae"], folder), *[""] * 6))
            continue
        m = found[name]
        cross = m["measures"]["cross"]
        shares = (f"{cross[part]:.2f} +- {cross[f'{part}_standard_error']:.2f}"
                  for part in ("y_from_x", "x_from_y", "both_from_the_prior"))  # fmt: skip
        table.append((what, *shares, f"{m['metrics']['elbo']:.2f} +- {m['elbo_error']:.2f}",
                      f"{m['log_p']:.2f} +- {m['log_p_error']:.2f}", "{:+.2f} +- {:.2f}".format(*m["effect"]),
                      lines_of(MODELS["multimodal"])))  # fmt: skip
    if len(found) < 3:
        return ["## Several modalities", "", markdown(*table), ""], found
    vae = found["modal-vae"]
    intro = MODALITIES.format(K=MODAL_SAMPLES, epochs=vae["epochs"], vae=vae["log_p"], vae_error=vae["log_p_error"],
                              judge=found["modal-product"]["measures"]["cross"]["held_out_rows"])  # fmt: skip
    title, said = intro.split("\n\n")
    text = [title, "", fill(said, 120), "", markdown(*table), ""]
    for name, what in joint.items():
        picture = out / f"variants_{name}.png"
        if is_finished(folder / name):
            picture.write_bytes((folder / name / "cross-test.png").read_bytes())
        if picture.exists():
            text += [f"![Images drawn for each class by a {what}]({picture.name})", ""]
    return text, found


SECTIONS = {"quantized": quantized, "categorical": categorical, "critics": critics, "modalities": modalities}


def sections(folder, out, kept):
    """(lines of the page, {section: what was measured}); `kept` is what variants.json has of these."""
    file = out / "blur.json"
    blur = json.loads(file.read_text())["rows"] if file.exists() else {}
    text, found = [], {}
    for name, section in SECTIONS.items():
        lines, found[name] = section(folder, out, kept.get(name, {}), blur)
        text += lines
    return text, found
